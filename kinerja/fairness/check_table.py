"""The table of group checks: one row a group, outcome and measure, each ending in one of three verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kinerja.fairness.check import Check, Given, Settings, Tables, records
from kinerja.fairness.gaps import (
    ClusterEffect,
    cluster_effect,
    clustered_p,
    detectable_mean,
    estimate_mean_gap,
    mean_flips,
)
from kinerja.fairness.groups import Comparison, codes, values_of
from kinerja.fairness.rates import cohen_h, detectable_rate, estimate_rate_gap, flips, flips_direction
from kinerja.fairness.verdict import adjust_within, hide, is_tested, typed, verdict
from kinerja.results import CANNOT, OK, Finding

CHECK_COLUMNS = (
    "attribute", "group", "reference", "outcome", "measure", "n_group", "n_reference", "level_group", "level_reference",
    "estimate", "std_error", "conf_low", "conf_high", "ratio", "ratio_low", "ratio_high", "standardised_gap",
    "p", "deff", "p_clustered", "p_adjusted", "family", "family_size", "flips", "flips_direction", "detectable",
    "detectable_standardised", "room", "count_group", "count_reference", "four_fifths_left", "four_fifths_right",
    "below_four_fifths", "verdict", "review", "n", "status", "reason",
)  # fmt: skip
_INTEGERS = (
    "n_group", "n_reference", "family_size", "flips", "flips_direction", "count_group", "count_reference",
    "four_fifths_left", "four_fifths_right", "n",
)  # fmt: skip
LOGIT_TO_SD = float(np.sqrt(3) / np.pi)
"""Log odds times this are standard deviations (Hasselblad and Hedges 1995)."""
_TEXT = ("attribute", "group", "reference", "outcome", "measure", "family", "verdict", "status", "reason")
_FLAGS = ("below_four_fifths", "review")
_OWN_SENTENCE = ("observed", "feedback", "supervisor_minus_citizen", "calibrated", "attainment", "predikat")
"""Outcomes whose gap has its own sentence `finding.gap_shown_<outcome>`; others share `finding.gap_shown`."""


def measures(people: pd.DataFrame, outcome: str) -> tuple[str, ...]:
    """`mean` for numbers, the rates of both ends for categories."""
    return ("mean",) if is_number(people[outcome]) else ("top_rate", "bottom_rate")


def is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def check_table(
    people: pd.DataFrame, compared: Iterable[Comparison], outcomes: Sequence[str], settings: Settings
) -> pd.DataFrame:
    """All checks with their family-adjusted p and verdicts; the family is the attribute with all its outcomes and
    measures.
    """
    rows = [
        _check(people, comparison, outcome, measure, settings)
        for comparison in compared
        for outcome in outcomes
        for measure in measures(people, outcome)
    ]
    table = pd.DataFrame(rows).reindex(columns=[*CHECK_COLUMNS, "hidden"])
    if not rows:
        return _typed(table.drop(columns="hidden"))
    table["family"] = table["attribute"]
    table["p_adjusted"] = adjust_within(table, "p_clustered", table["family"], settings.family)
    table["family_size"] = table.groupby("family")["p_clustered"].transform("count")
    table = judged(table, settings)
    return hide(_typed(table.drop(columns="hidden")), table["hidden"], ())


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    return typed(table, _TEXT, _INTEGERS, _FLAGS)


def clusters_of(chosen: pd.DataFrame, values: np.ndarray, settings: Settings) -> ClusterEffect:
    """The larger of the design effects of the declared clusters (supervisors, units)."""
    independent = ClusterEffect(icc=0.0, deff=1.0, df=float(max(len(values) - 2, 1)), clusters=len(values))
    effects = [independent]
    for column in settings.clusters:
        if column in chosen and chosen[column].notna().any():
            effects.append(cluster_effect(values, chosen["in_group"].to_numpy(), codes(chosen[column])))
    return max(effects, key=lambda e: e.deff)


def _check(
    people: pd.DataFrame, comparison: Comparison, outcome: str, measure: str, settings: Settings
) -> dict[str, Any]:
    chosen = values_of(people, comparison, outcome)
    inside = chosen["in_group"].to_numpy()
    row: dict[str, Any] = {
        "attribute": comparison.attribute,
        "group": comparison.group,
        "reference": comparison.reference,
        "outcome": outcome,
        "measure": measure,
        "n_group": int(inside.sum()),
        "n_reference": int((~inside).sum()),
        "n": len(chosen),
        "hidden": comparison.hidden,
        "status": CANNOT,
        "reason": "",
    }
    if row["n_group"] < settings.minimum or row["n_reference"] < settings.minimum:
        return row | {"reason": "under_floor"}
    figures = _mean_row if measure == "mean" else _rate_row
    return row | figures(chosen, outcome, measure, settings)


def _mean_row(chosen: pd.DataFrame, outcome: str, measure: str, settings: Settings) -> dict[str, Any]:
    values, inside = chosen[outcome].to_numpy(dtype=float), chosen["in_group"].to_numpy()
    gap = estimate_mean_gap(values[inside], values[~inside], confidence=settings.confidence)
    if gap is None:
        return {"reason": "no_variation"}
    effect = clusters_of(chosen, values, settings)
    wider = float(np.sqrt(effect.deff))
    detectable = detectable_mean(gap.std_error, gap.df, level=settings.level, power=settings.power) * wider
    spread = gap.difference / gap.standardised_gap if gap.standardised_gap else pooled_spread(values, inside)
    return {
        "level_group": gap.mean_group,
        "level_reference": gap.mean_reference,
        "estimate": gap.difference,
        "std_error": gap.std_error * wider,
        "conf_low": gap.difference + (gap.conf_low - gap.difference) * wider,
        "conf_high": gap.difference + (gap.conf_high - gap.difference) * wider,
        "standardised_gap": gap.standardised_gap,
        "p": gap.p,
        "deff": effect.deff,
        "p_clustered": clustered_p(gap.p, effect),
        "flips": mean_flips(values[inside], values[~inside], level=settings.level),
        "detectable": detectable,
        "detectable_standardised": detectable / spread,
        "room": max(abs(gap.difference + (limit - gap.difference) * wider) for limit in (gap.conf_low, gap.conf_high))
        / spread,
        "status": OK,
    }


def _rate_row(chosen: pd.DataFrame, outcome: str, measure: str, settings: Settings) -> dict[str, Any]:
    wanted = settings.top if measure == "top_rate" else settings.bottom
    has, inside = chosen[outcome].isin(wanted).to_numpy(), chosen["in_group"].to_numpy()
    a, n, b, m = int(has[inside].sum()), int(inside.sum()), int(has[~inside].sum()), int((~inside).sum())
    if a + b in (0, n + m):
        return {"reason": "no_variation"}
    gap = estimate_rate_gap(a, n, b, m, confidence=settings.confidence)
    effect = clusters_of(chosen, has.astype(float), settings)
    wider = float(np.sqrt(effect.deff))
    limits = (
        max(-1.0, gap.difference + (gap.conf_low - gap.difference) * wider),
        min(1.0, gap.difference + (gap.conf_high - gap.difference) * wider),
    )
    detectable, standardised = _detectable(gap.rate_reference, n, m, effect.deff, settings)
    return {
        "level_group": gap.rate_group,
        "level_reference": gap.rate_reference,
        "estimate": gap.difference,
        "std_error": float(np.sqrt((_binomial(a, n) + _binomial(b, m)) * effect.deff)),
        "conf_low": limits[0],
        "conf_high": limits[1],
        "ratio": gap.ratio,
        "ratio_low": _stretched(gap.ratio, gap.ratio_low, wider),
        "ratio_high": _stretched(gap.ratio, gap.ratio_high, wider),
        "standardised_gap": gap.standardised_gap,
        "p": gap.p,
        "deff": effect.deff,
        "p_clustered": clustered_p(gap.p, effect),
        "flips": flips(a, n, b, m, level=settings.level),
        "flips_direction": flips_direction(a, n, b, m),
        "detectable": detectable,
        "detectable_standardised": standardised,
        "room": max(abs(log_odds_gap(min(max(gap.rate_reference + v, 0.0), 1.0), gap.rate_reference)) for v in limits)
        * LOGIT_TO_SD,
        "count_group": a,
        "count_reference": b,
        "status": OK,
    } | (_four_fifths(a, n, b, m) if measure == "top_rate" else {})


def log_odds_gap(rate: float, reference: float) -> float:
    """Difference of two rates on the logit scale, infinite where only one of them is 0 or 1.

    On the arcsine scale a share of 0.03 and one of 0.15 are close; to those concerned one is five times the other.
    """
    if rate == reference:
        return 0.0
    with np.errstate(divide="ignore"):
        first, second = (np.log(r) - np.log1p(-r) for r in (rate, reference))
    return float(first - second)


def _four_fifths(a: int, n: int, b: int, m: int) -> dict[str, Any]:
    """Five times the lower rate against four times the higher, both times n m: integers, so that exactly 0.80 is
    exact.
    """
    lower, higher = sorted((a * m, b * n))
    return {"four_fifths_left": 5 * lower, "four_fifths_right": 4 * higher, "below_four_fifths": 5 * lower < 4 * higher}


def _detectable(rate: float, n: int, m: int, deff: float, settings: Settings) -> tuple[float, float]:
    """The difference that is found whichever way it goes, and the same on Cohen's h; inf where one way cannot be found.

    A way with no room for a gap of `material` size (under a rate of 0.02, say) does not count against the check.
    """
    sizes = max(1, int(n / deff)), max(1, int(m / deff))
    down, up = detectable_rate(rate, *sizes, level=settings.level, power=settings.power)
    reached, needed = [], []
    for distance, end, sign in ((down, 0.0, -1), (up, 1.0, 1)):
        if np.isfinite(distance):
            reached.append(distance)
            needed.append(abs(cohen_h(min(max(rate + sign * distance, 0.0), 1.0), rate)))
        elif abs(cohen_h(end, rate)) >= settings.material:
            needed.append(np.inf)
    return max(reached, default=np.nan), max(needed, default=np.nan)


def _binomial(count: int, size: int) -> float:
    """Variance of a rate after Agresti and Coull (one success and one failure added), so that a rate of 0 or 1 keeps
    an error.
    """
    rate = (count + 1) / (size + 2)
    return rate * (1 - rate) / (size + 2)


def _stretched(ratio: float, limit: float, wider: float) -> float:
    if wider == 1 or not np.isfinite(ratio) or ratio <= 0 or limit <= 0 or not np.isfinite(limit):
        return limit
    return float(ratio * (limit / ratio) ** wider)


def pooled_spread(values: np.ndarray, inside: np.ndarray) -> float:
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in (values[inside], values[~inside]))
    return float(np.sqrt(squares / (len(values) - 2)))


def judged(table: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The table with verdict, reason and review, from p_adjusted and room."""
    found = [
        verdict(tested=tested, p_adjusted=p, level=settings.level, room=room, material=settings.material)
        for tested, p, room in zip(is_tested(table["status"]), table["p_adjusted"], table["room"], strict=True)
    ]
    reasons = [reason or own for (_, reason), own in zip(found, table["reason"], strict=True)]
    verdicts = [name for name, _ in found]
    return table.assign(verdict=verdicts, reason=reasons, review=[name == "shown" for name in verdicts])


def _findings(given: Given, tables: Tables) -> Iterator[Finding]:
    yield from _gaps(tables["checks"], tables["strata"], given.attributes)
    yield from _summary(tables["checks"], given.settings.minimum, given.settings.family)


def _gaps(checks: pd.DataFrame, strata: pd.DataFrame, attributes: Sequence[str]) -> Iterator[Finding]:
    """Each gap shown for a declared attribute; and where it is not there any more within units and levels."""
    shown = checks[(checks["verdict"] == "shown") & (checks["status"] == OK) & checks["attribute"].isin(attributes)]
    for row in records(shown):
        own = row["outcome"] in _OWN_SENTENCE
        code = f"gap_shown_{row['outcome']}" if own and row["measure"] == "mean" else "gap_shown"
        if row["measure"] != "mean":
            code = f"gap_shown_{row['measure']}"
        yield Finding(
            level="caution",
            code=code,
            data={
                "attribute": row["attribute"],
                "group": row["group"],
                "reference": row["reference"],
                "outcome": row["outcome"],
                "difference": float(row["estimate"]) * (1.0 if row["measure"] == "mean" else 100.0),
                "n": int(row["n_group"]),
                "m": int(row["n_reference"]),
            },
        )
    keys = ["attribute", "group", "reference", "outcome", "measure"]
    within = strata[strata["method"].isin(["stratified_mean", "mantel_haenszel"]) & (strata["verdict"] == "not_shown")]
    within = within[~within["condition"].str.startswith("fifths of", na=False)]
    gone = shown.merge(within[[*keys, "condition"]], on=keys, how="inner")
    for row in records(gone):
        yield Finding(
            level="note",
            code="gap_between_strata",
            data={k: row[k] for k in ("attribute", "group", "reference", "outcome", "condition")},
        )


def _summary(checks: pd.DataFrame, minimum: int, family: str) -> Iterator[Finding]:
    if checks.empty:
        return
    counts = checks["verdict"].value_counts()
    yield Finding(
        level="note",
        code="fairness_verdicts",
        data={
            "total": len(checks),
            "shown": int(counts.get("shown", 0)),
            "not_shown": int(counts.get("not_shown", 0)),
            "cannot_tell": int(counts.get("cannot_tell", 0)),
            "minimum": minimum,
            "family": family.upper(),
        },
    )
    suppressed = checks.loc[checks["status"] == "suppressed", ["attribute", "group"]].drop_duplicates()
    if len(suppressed):
        yield Finding(level="note", code="groups_hidden", data={"n": len(suppressed)})
    if len(checks) and (checks["status"] == CANNOT).all():
        yield Finding(level="caution", code="no_group_large_enough", data={"minimum": minimum})


CHECK = Check(
    name="checks",
    columns=CHECK_COLUMNS,
    run=lambda given: check_table(given.persons, [*given.single, *given.pairs], given.outcomes, given.settings),
    findings=_findings,
)
