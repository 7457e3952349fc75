"""Differential rater functioning: does a rater treat groups differently from other raters?

Only gaps inside a rater's own team count, so that the rater's severity towards everybody plays no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from kinerja.fairness.check import Check, Given, Settings, Tables
from kinerja.fairness.check_table import is_number
from kinerja.fairness.groups import Comparison, values_of
from kinerja.fairness.residuals import without_partners
from kinerja.fairness.verdict import adjust_within, hide, typed
from kinerja.results import CANNOT, OK, Finding

Array = NDArray[np.float64]
DRF_COLUMNS = (
    "attribute", "group", "reference", "rater", "n_group", "n_reference", "gap", "common_gap", "deviation", "estimate",
    "std_error", "conf_low", "conf_high", "shrinkage", "p", "p_adjusted", "review", "n", "status", "reason",
)  # fmt: skip
_FEWEST_A_SIDE = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class RaterGaps:
    """Gaps of J raters, each shrunk towards what they have in common.

    Fields
    ------
    gap, variance : (J,) group minus reference inside the rater's team, and its sampling variance (pooled within cells)
    common, common_variance : the gap that all raters share, weighted by precision
    tau2 : variance of the raters' true gaps (Paule and Mandel 1982), 0 where chance explains their spread
    deviation : (J,) gap minus common gap; estimate, std_error : (J,) the same, shrunk (empirical Bayes)
    shrinkage : (J,) share of the deviation that is kept
    p : (J,) two-sided t of the rater's gap against the gap of all others; df : its degrees of freedom
    """

    gap: Array
    variance: Array
    common: float
    common_variance: float
    tau2: float
    deviation: Array
    estimate: Array
    std_error: Array
    shrinkage: Array
    p: Array
    df: float


def estimate_rater_gaps(gap: Array, n_group: Array, n_reference: Array, variance: float, df: float) -> RaterGaps:
    """Shrunken rater-by-group deviations of J >= 2 raters.

    gap : (J,) mean of the group minus mean of the reference; n_group, n_reference : (J,) persons behind it;
    variance, df : within raters and groups, pooled over all raters
    """
    sampling = variance * (1 / n_group + 1 / n_reference)
    tau2 = paule_mandel(gap, sampling)
    weights = 1 / (sampling + tau2)
    common, common_variance = float(weights @ gap / weights.sum()), float(1 / weights.sum())
    kept = tau2 / (tau2 + sampling)
    deviation = gap - common
    precision = 1 / sampling
    others = precision.sum() - precision
    others_mean = ((precision * gap).sum() - precision * gap) / others
    t = (gap - others_mean) / np.sqrt(sampling + 1 / others)
    return RaterGaps(
        gap=gap,
        variance=sampling,
        common=common,
        common_variance=common_variance,
        tau2=tau2,
        deviation=deviation,
        estimate=kept * deviation,
        std_error=np.sqrt(kept * sampling + (1 - kept) ** 2 * common_variance),
        shrinkage=kept,
        p=2 * stats.t.sf(np.abs(t), df),
        df=df,
    )


def paule_mandel(estimate: Array, variance: Array) -> float:
    """Between-unit variance that makes the weighted squares about the mean equal to their degrees of freedom; at
    least 0.
    """

    def excess(tau2: float) -> float:
        weights = 1 / (variance + tau2)
        mean = weights @ estimate / weights.sum()
        return float(weights @ (estimate - mean) ** 2) - (len(estimate) - 1)

    if len(estimate) < 2 or excess(0.0) <= 0:
        return 0.0
    end = float(np.ptp(estimate)) ** 2 + float(variance.max())
    while excess(end) > 0:
        end *= 2
    return float(brentq(excess, 0.0, end, xtol=1e-12))


def drf_table(
    people: pd.DataFrame,
    compared: Iterable[Comparison],
    settings: Settings,
    *,
    residuals: pd.DataFrame | None,
    outcome: str = "observed",
    minimum: int = 10,
) -> pd.DataFrame:
    """Rows of raters (Holm over all raters and groups of an attribute); a first row without rater: the gap all share.

    residuals : ratee, rater, residual of the rater model, in its unit (several of a pair are averaged); without them
        each supervisor's own `outcome` is used
    minimum : persons of both groups together under one rater, and at least two of each
    """
    pairs = _pairs(people, residuals, outcome)
    modelled = residuals is not None
    tables = [_drf_rows(pairs, c, settings, minimum, modelled) for c in compared] if pairs is not None else []
    rows = [row for found in tables for row in found]
    table = pd.DataFrame(rows).reindex(columns=[*DRF_COLUMNS, "hidden"])
    if rows:
        table["p_adjusted"] = adjust_within(table.astype({"p": float}), "p", table["attribute"], "holm")
        table["review"] = table["p_adjusted"] < settings.level
    text = ("attribute", "group", "reference", "rater", "status", "reason")
    finished = typed(table.drop(columns="hidden"), text, ("n_group", "n_reference", "n"), ("review",))
    return hide(finished, table["hidden"].eq(True), ("rater",))


def _pairs(people: pd.DataFrame, residuals: pd.DataFrame | None, outcome: str) -> pd.DataFrame | None:
    """The people once for each rater they have, with the value to compare in column `value`."""
    if residuals is None:
        if outcome not in people or "supervisor" not in people or not is_number(people[outcome]):
            return None
        return people.assign(rater=people["supervisor"], value=people[outcome]).dropna(subset=["rater", "value"])
    means = residuals.groupby(["ratee", "rater"], sort=True)["residual"].mean().rename("value").reset_index()
    once = people.drop_duplicates("ratee").drop(columns=[c for c in ("rater", "value") if c in people])
    return once.merge(means.dropna(), on="ratee", how="inner")


def _drf_rows(
    pairs: pd.DataFrame, comparison: Comparison, settings: Settings, minimum: int, modelled: bool
) -> list[dict[str, Any]]:
    chosen = values_of(pairs, comparison, "value")
    if modelled and len(chosen):
        chosen = without_partners(chosen)
    head: dict[str, Any] = {
        "attribute": comparison.attribute,
        "group": comparison.group,
        "reference": comparison.reference,
        "hidden": comparison.hidden,
        "status": CANNOT,
    }
    cells = chosen.groupby(["rater", "in_group"], sort=True)["value"].agg(["count", "mean", "var"])
    raters = sorted(chosen["rater"].unique())
    counted = {key: int(count) for key, count in cells["count"].items()}
    sizes = [(r, counted.get((r, True), 0), counted.get((r, False), 0)) for r in raters]
    usable = [r for r, a, b in sizes if min(a, b) >= _FEWEST_A_SIDE and a + b >= minimum]
    rows = []
    found = _gaps(chosen, cells, usable) if len(usable) >= 2 else None
    reason = "few_raters" if len(usable) < 2 else "no_variation"
    if found is not None:
        rows.append(head | {"rater": ""} | _common(found, chosen, settings))
    for rater, a, b in sizes:
        row = head | {"rater": rater, "n_group": a, "n_reference": b, "n": a + b}
        if rater in usable and found is not None:
            row |= _drf_row(found, usable.index(rater), settings)
        else:
            row["reason"] = reason if rater in usable else "under_floor"
        rows.append(row)
    return rows


def _gaps(chosen: pd.DataFrame, cells: pd.DataFrame, usable: Sequence[str]) -> RaterGaps | None:
    def column(name: str) -> Array:
        """(J, 2) reference and group."""
        return np.array([[cells.at[(rater, side), name] for side in (False, True)] for rater in usable], dtype=float)

    count, mean = column("count"), column("mean")
    df = float((count - 1).sum())
    variance = float(((count - 1) * column("var")).sum()) / df
    scale = max(float(chosen["value"].abs().max()), 1e-300)
    if variance <= (1e-12 * scale) ** 2:
        return None
    return estimate_rater_gaps(mean[:, 1] - mean[:, 0], count[:, 1], count[:, 0], variance, df)


def _common(found: RaterGaps, chosen: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    error = float(np.sqrt(found.common_variance))
    half = float(stats.t.ppf((1 + settings.confidence) / 2, found.df)) * error
    return {
        "n_group": int(chosen["in_group"].sum()),
        "n_reference": int((~chosen["in_group"]).sum()),
        "n": len(chosen),
        "common_gap": found.common,
        "estimate": found.common,
        "std_error": error,
        "conf_low": found.common - half,
        "conf_high": found.common + half,
        "status": OK,
        "reason": "",
    }


def _drf_row(found: RaterGaps, j: int, settings: Settings) -> dict[str, Any]:
    half = float(stats.t.ppf((1 + settings.confidence) / 2, found.df)) * float(found.std_error[j])
    estimate = float(found.estimate[j])
    return {
        "gap": float(found.gap[j]),
        "common_gap": found.common,
        "deviation": float(found.deviation[j]),
        "estimate": estimate,
        "std_error": float(found.std_error[j]),
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "shrinkage": float(found.shrinkage[j]),
        "p": float(found.p[j]),
        "status": OK,
        "reason": "",
    }


def _findings(given: Given, tables: Tables) -> Iterator[Finding]:
    """What raters were compared on (the rater model's residuals, or their own ratings within their team); and whose
    way with a group is to be looked at."""
    drf = tables["drf"]
    tested = drf[(drf["status"] == OK) & (drf["rater"] != "")]
    if len(tested):
        code = "drf_from_model" if given.residuals is not None else "drf_from_teams"
        yield Finding(level="note", code=code, data={"n": int(tested["rater"].nunique())})
    for attribute, rows in drf[drf["review"].eq(True)].groupby("attribute", sort=True):
        yield Finding(level="caution", code="drf_review", data={"attribute": str(attribute), "n": len(rows)})


CHECK = Check(
    name="drf",
    columns=DRF_COLUMNS,
    run=lambda given: drf_table(given.persons, given.single, given.settings, residuals=given.residuals),
    findings=_findings,
)
