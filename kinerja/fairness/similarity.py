"""Do raters favour their like? People under a supervisor of their own group, against what both groups ordinarily get.

Only gaps inside a supervisor's own team count, so that a supervisor's severity towards everybody plays no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import lgamma
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kinerja.fairness.check import Check, Given, Settings, Tables, records
from kinerja.fairness.check_table import is_number, judged
from kinerja.fairness.groups import codes
from kinerja.fairness.verdict import adjust_within, typed
from kinerja.results import CANNOT, OK, Finding

Array = NDArray[np.float64]
RATED = ("observed", "supervisor_minus_citizen", "calibrated")
"""Outcomes that a supervisor's liking could move: only these are looked at for raters who favour their like."""
SIMILARITY_COLUMNS = (
    "attribute", "outcome", "estimate", "std_error", "conf_low", "conf_high", "share_same", "n_raters", "p",
    "p_adjusted",
    "family", "family_size", "permutations", "room", "verdict", "review", "n", "status", "reason",
)  # fmt: skip
_FEWEST_ARRANGEMENTS = 100
"""With fewer ways to deal out the raters' attribute a permutation p says little, whatever the data."""
_DEALT_TOGETHER = 200
"""Dealings made at once: few enough for the memory of a small machine."""


def similarity_table(
    people: pd.DataFrame,
    attributes: Sequence[str],
    outcomes: Sequence[str],
    rater_groups: Mapping[str, Mapping[str, str]],
    settings: Settings,
    *,
    permutations: int,
    seed: int,
) -> pd.DataFrame:
    """Do people under a supervisor of their own group score higher than the two groups' ordinary levels explain?

    rater_groups : attribute -> supervisor -> the supervisor's own group
    The p comes from dealing the supervisors' attribute anew among the supervisors of the same unit.
    """
    rows = [
        {"attribute": attribute, "outcome": outcome}
        | _similar(people, attribute, outcome, rater_groups.get(attribute, {}), settings, permutations, seed)
        for attribute in attributes
        for outcome in outcomes
        if is_number(people[outcome])
    ]
    table = pd.DataFrame(rows).reindex(columns=list(SIMILARITY_COLUMNS))
    if rows:
        table["family"] = table["attribute"]
        table["p_adjusted"] = adjust_within(table, "p", table["family"], settings.family)
        table["family_size"] = table.groupby("family")["p"].transform("count")
        table = judged(table, settings)
    text = ("attribute", "outcome", "family", "verdict", "status", "reason")
    return typed(table, text, ("n_raters", "family_size", "permutations", "n"), ("review",))


def _similar(
    people: pd.DataFrame,
    attribute: str,
    outcome: str,
    own: Mapping[str, str],
    settings: Settings,
    permutations: int,
    seed: int,
) -> dict[str, Any]:
    needed = ["supervisor", "unit", attribute, outcome]
    if not {"supervisor", "unit"} <= set(people.columns):
        return {"n": 0, "n_raters": 0, "status": CANNOT, "reason": "raters_unknown"}
    chosen = people.dropna(subset=needed)
    chosen = chosen[chosen["supervisor"].isin(list(own))]
    n, raters = len(chosen), sorted(chosen["supervisor"].unique())
    row: dict[str, Any] = {"n": n, "n_raters": len(raters), "status": CANNOT}
    if not raters:
        return row | {"reason": "raters_unknown"}
    same = (chosen[attribute] == chosen["supervisor"].map(own)).to_numpy().astype(np.float64)
    if min(same.sum(), n - same.sum()) < settings.minimum:
        return row | {"reason": "under_floor"}
    rater = codes(chosen["supervisor"])
    group = codes(chosen[attribute])
    deal = codes(_home_units(chosen))
    names = np.array([own[r] for r in raters], dtype=object)
    if _log_arrangements(names, deal) < np.log(_FEWEST_ARRANGEMENTS):
        return row | {"reason": "few_arrangements"}
    y = _cleared(chosen[outcome].to_numpy(dtype=float), rater, group)
    s = _cleared(same, rater, group)
    if float(s @ s) < 1e-9 or float(y @ y) < 1e-18 * max(1.0, float(np.abs(chosen[outcome]).max()) ** 2):
        return row | {"reason": "no_contrast"}
    estimate = float(s @ y / (s @ s))
    scores = np.bincount(rater, s * (y - estimate * s), len(raters))
    std_error = float(np.sqrt((scores @ scores) * len(raters) / (len(raters) - 1))) / float(s @ s)
    df = max(len(raters) - 2, 1)
    half = float(stats.t.ppf((1 + settings.confidence) / 2, df)) * std_error
    return row | {
        "estimate": estimate,
        "std_error": std_error,
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "share_same": float(same.mean()),
        "p": _dealt_p(y, rater, chosen[attribute].to_numpy(dtype=object), names, deal, permutations, seed),
        "permutations": permutations,
        "room": (abs(estimate) + half) / float(np.sqrt(y @ y / max(n - len(raters), 1))),
        "status": OK,
        "reason": "",
    }


def _home_units(chosen: pd.DataFrame) -> pd.Series:
    """The unit in which most of each supervisor's people are, the first by name of several; sorted by supervisor."""
    counts = chosen.groupby(["supervisor", "unit"], sort=True).size().rename("n").reset_index()
    most = counts.sort_values(["supervisor", "n", "unit"], ascending=[True, False, True], kind="stable")
    return most.drop_duplicates("supervisor").set_index("supervisor")["unit"]


def _cleared(values: Array, rater: NDArray[np.int64], group: NDArray[np.int64]) -> Array:
    """What is left of the values when raters and groups have their own level."""

    def centred(v: Array) -> Array:
        return np.asarray(v - (np.bincount(rater, v) / np.bincount(rater))[rater])

    indicators = np.column_stack([centred((group == g).astype(float)) for g in range(1, int(group.max()) + 1)] or
                                 [np.zeros(len(values))])  # fmt: skip
    left = centred(values)
    return left - indicators @ np.linalg.lstsq(indicators, left, rcond=None)[0]


def _dealt_p(
    y: Array,
    rater: NDArray[np.int64],
    group: NDArray[Any],
    names: NDArray[Any],
    deal: NDArray[np.int64],
    permutations: int,
    seed: int,
) -> float:
    """Share of dealings whose sum over like pairs is as far from their average as the true one (both tails, itself
    counted).
    """
    levels = {name: i for i, name in enumerate(sorted({*names, *group}))}
    sums = np.zeros((len(names), len(levels)))
    np.add.at(sums, (rater, np.array([levels[g] for g in group])), y)
    mine = np.array([levels[name] for name in names])
    rng = np.random.default_rng(seed)
    # sorted by unit and then by chance, the supervisors of a unit stay in its places and change them among themselves
    places = np.argsort(deal, kind="stable")
    dealt = np.empty(permutations)
    for start in range(0, permutations, _DEALT_TOGETHER):
        stop = min(start + _DEALT_TOGETHER, permutations)
        drawn = np.argsort(deal + rng.random((stop - start, len(names))), axis=1)
        dealt[start:stop] = sums[places, mine[drawn]].sum(axis=1)
    observed = float(sums[np.arange(len(names)), mine].sum())
    centre = float((dealt.sum() + observed) / (permutations + 1))
    far = abs(observed - centre) * (1 - 1e-9)
    return float((1 + (np.abs(dealt - centre) >= far).sum()) / (permutations + 1))


def _log_arrangements(names: NDArray[Any], deal: NDArray[np.int64]) -> float:
    """Logarithm of the number of different ways to deal the names out within units."""
    total = 0.0
    for unit in range(int(deal.max()) + 1):
        _, counts = np.unique(names[deal == unit].astype(str), return_counts=True)
        total += lgamma(counts.sum() + 1) - sum(lgamma(c + 1) for c in counts)
    return total


def _rater_groups(staff: pd.DataFrame, attributes: Sequence[str]) -> dict[str, dict[str, str]]:
    latest = staff.sort_values([c for c in ("ratee", "period") if c in staff], kind="stable")
    latest = latest.drop_duplicates("ratee", keep="last")
    return {
        a: {str(r): str(g) for r, g in zip(latest["ratee"], latest[a], strict=True) if pd.notna(g)} for a in attributes
    }


def _run(given: Given) -> pd.DataFrame:
    return similarity_table(
        given.persons, given.attributes, [o for o in given.outcomes if o in RATED],
        _rater_groups(given.staff, given.attributes), given.settings,
        permutations=given.options.permutations, seed=given.options.seed,
    )  # fmt: skip


def _findings(given: Given, tables: Tables) -> Iterator[Finding]:
    similarity = tables["similarity"]
    for row in records(similarity[similarity["verdict"] == "shown"]):
        yield Finding(
            level="caution",
            code="similarity_shown",
            data={"attribute": row["attribute"], "outcome": row["outcome"], "difference": float(row["estimate"]),
                  "n": int(row["n"]), "n_raters": int(row["n_raters"])},
        )  # fmt: skip


CHECK = Check(name="similarity", columns=SIMILARITY_COLUMNS, run=_run, findings=_findings)
