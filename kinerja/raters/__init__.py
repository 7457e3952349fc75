"""How each rater uses the scale: the first look at severity, spread, centrality, halo, information; not yet adjusted.

A low mean may be a severe rater or a weak team: nothing here tells them apart; the models (facets, mixed, calibration)
try to. Everything is counted over ratees: the items of one ratee share that ratee's quality and the rater's
impression of it, so they are not independent observations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from kinerja.errors import DataError, ParameterError
from kinerja.raters.statistics import STATISTICS, cannot, describe, spread_row
from kinerja.results import ESTIMATE_COLUMNS, OK, Finding
from kinerja.results.shown import Shown

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RaterUse(Shown):
    """Use of the rating scale in one period, before any adjustment.

    Fields
    ------
    raters : one row a rater: rater, n_ratings, n_ratees, mean_raw (in the scale's own unit), the STATISTICS
        (points on 0-100, shares, bits), entropy_maximum (bits); of the mean in points: estimate, std_error, conf_low,
        conf_high, n, status, reason
    statistics : one row a rater and statistic: rater, statistic, then the column contract; n counts ratees
    office : as `statistics` for all raters together, without `rater`, with between_raters (SD of the raters' means,
        points; n counts raters), and `maximum` of the entropy
    categories : rater, category, n, share; no rows where the ratings are not categories
    distribution : category, points, n, share over the office
    findings, settings : as everywhere

    rater_mean: mean over ratees of the ratee's mean. rater_spread: its SD over ratees. relative_spread: that SD divided
    by the office's pooled within-rater SD (under 1: ratees kept close together). middle_share: share of ratings
    in the middle category (the two middle ones of an even scale). item_spread: mean over ratees of the SD over the
    ratee's items (small: halo). uniform_share: share of ratees with one rating on all items. rater_entropy: bits.
    """

    raters: pd.DataFrame
    statistics: pd.DataFrame
    office: pd.DataFrame
    categories: pd.DataFrame
    distribution: pd.DataFrame
    findings: tuple[Finding, ...]
    settings: Mapping[str, Any]


def estimate_rater_use(
    ratings: pd.DataFrame,
    *,
    period: str,
    scale: tuple[float, float] | None = None,
    confidence: float = 0.95,
    roles: Sequence[str] = ("supervisor", "second_supervisor"),
    most_categories: int = 12,
    fewest_ratees: int = 5,
    little_information: float = 1 / 3,
) -> RaterUse:
    """Describe the ratings that each rater gave in `period`.

    ratings : period, ratee, rater, role, item, rating (float); the order of rows does not matter
    scale : lowest and highest possible rating; None takes the lowest and highest given
    most_categories : with more distinct ratings than this, category use and entropy cannot be counted
    fewest_ratees : raters with fewer ratees are named in a finding
    little_information : a finding where the office's entropy is below this share of its maximum

    Raises
    ------
    ParameterError : confidence is not between 0 and 1, or the scale is empty
    DataError : a rating lies outside the scale
    """
    settings = {
        "period": period,
        "scale": scale,
        "confidence": confidence,
        "roles": tuple(roles),
        "most_categories": most_categories,
        "fewest_ratees": fewest_ratees,
        "little_information": little_information,
    }
    _check_settings(scale, confidence)
    used = ratings.loc[(ratings["period"] == period) & ratings["role"].isin(list(roles)) & ratings["rating"].notna()]
    used = used.sort_values(["rater", "ratee", "item", "rating"], kind="stable").reset_index(drop=True)
    if used.empty:
        return _empty(settings)
    low, high = _scale(used["rating"], scale)
    categories = _category_values(used["rating"].to_numpy(float), low, high, scale is not None, most_categories)
    cells = _ratee_table(used, low, high, categories)
    office_spread = _pooled_spread(cells)
    statistics = pd.concat(
        [describe(part, confidence, office_spread, categories).assign(rater=r) for r, part in cells.groupby("rater")],
        ignore_index=True,
    )[["rater", "statistic", *ESTIMATE_COLUMNS]]
    office = _office(cells, confidence, office_spread, categories)
    raters = _wide(statistics, cells, categories)
    counts = _counts(cells, categories)
    distribution = _distribution(counts, categories, low, high)
    return RaterUse(
        raters=raters,
        statistics=statistics,
        office=office,
        categories=counts,
        distribution=distribution,
        findings=_findings(used, raters, office, fewest_ratees, little_information),
        settings=settings,
    )


# Input


def _check_settings(scale: tuple[float, float] | None, confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence: found {confidence}; it must lie between 0 and 1, for example 0.95.")
    if scale is not None and not scale[0] < scale[1]:
        raise ParameterError(
            f"scale: found {scale}; the first number must be the lowest rating, the second the highest."
        )


def _scale(rating: pd.Series, scale: tuple[float, float] | None) -> tuple[float, float]:
    if scale is None:
        return float(rating.min()), float(rating.max())
    outside = rating[(rating < scale[0]) | (rating > scale[1])]
    if len(outside):
        raise DataError(
            f"ratings: found {outside.iloc[0]:g} ({len(outside)} ratings outside the scale); ratings from "
            f"{scale[0]:g} to {scale[1]:g} are allowed. Correct the file, or give the scale it uses."
        )
    return float(scale[0]), float(scale[1])


def _category_values(rating: Floats, low: float, high: float, declared: bool, most: int) -> Floats:
    """The categories of the scale, lowest first; empty where the ratings are not categories.

    A declared whole-number scale has all its categories, used or not; otherwise those that occur in the office.
    """
    whole = np.arange(low, high + 1)
    if declared and len(whole) <= most and np.isin(rating, whole).all():
        return whole
    seen = np.unique(rating)
    return seen if 2 <= len(seen) <= most else np.empty(0)


def _ratee_table(used: pd.DataFrame, low: float, high: float, categories: Floats) -> pd.DataFrame:
    """One row a rater and ratee: n_ratings, mean_raw, mean, item_sd (points), uniform (0/1), count_0.. by category."""
    points_per_unit = 100 / (high - low) if high > low else np.nan
    grouped = used.groupby(["rater", "ratee"])["rating"]
    cells = grouped.agg(n_ratings="size", mean_raw="mean", item_sd="std", lowest="min", highest="max")
    cells["mean"] = (cells["mean_raw"] - low) * points_per_unit
    several = cells["n_ratings"] > 1
    cells["item_sd"] = cells["item_sd"] * points_per_unit
    cells["uniform"] = (cells["lowest"] == cells["highest"]).astype(float).where(several)
    if len(categories):
        counts = used.groupby(["rater", "ratee", "rating"]).size().unstack(fill_value=0)
        counts = counts.reindex(columns=categories, fill_value=0).astype(float)
        cells[[f"count_{k}" for k in range(len(categories))]] = counts.to_numpy()
    return cells.drop(columns=["lowest", "highest"]).reset_index()


def _pooled_spread(cells: pd.DataFrame) -> float:
    """The office's within-rater SD of ratee means (points): sqrt(sum of squares within raters / degrees of freedom)."""
    grouped = cells.groupby("rater")["mean"]
    deviation = cells["mean"] - grouped.transform("mean")
    freedom = len(cells) - grouped.ngroups
    return float(np.sqrt((deviation**2).sum() / freedom)) if freedom > 0 else np.nan


# Tables


def _office(cells: pd.DataFrame, confidence: float, office_spread: float, categories: Floats) -> pd.DataFrame:
    table = describe(cells, confidence, office_spread, categories)
    means = cells.groupby("rater")["mean"].mean().to_numpy(float)
    between = spread_row(means, confidence, 1.0)
    between = cannot(len(means), "one_rater") if len(means) < 2 else between
    table.loc[len(table)] = ["between_raters", *between]
    table["maximum"] = np.where(table["statistic"] == "rater_entropy", _maximum(categories), np.nan)
    return table


def _maximum(categories: Floats) -> float:
    return float(np.log2(len(categories))) if len(categories) else np.nan


def _wide(statistics: pd.DataFrame, cells: pd.DataFrame, categories: Floats) -> pd.DataFrame:
    grouped = cells.groupby("rater")
    wide = pd.DataFrame({"n_ratings": grouped["n_ratings"].sum(), "n_ratees": grouped.size()})
    wide["mean_raw"] = grouped["mean_raw"].mean()
    estimates = statistics.pivot(index="rater", columns="statistic", values="estimate")
    wide = wide.join(estimates[list(STATISTICS)])
    wide["entropy_maximum"] = _maximum(categories)
    mean = statistics[statistics["statistic"] == "rater_mean"].set_index("rater")
    return wide.join(mean[list(ESTIMATE_COLUMNS)]).reset_index()


def _counts(cells: pd.DataFrame, categories: Floats) -> pd.DataFrame:
    if not len(categories):
        return _no_counts()
    counts = cells.groupby("rater")[[f"count_{k}" for k in range(len(categories))]].sum()
    table = pd.DataFrame({"rater": np.repeat(counts.index.to_numpy(), len(categories))})
    table["category"] = np.tile(categories, len(counts))
    table["n"] = counts.to_numpy().ravel().astype("int64")
    table["share"] = (counts.to_numpy() / counts.to_numpy().sum(axis=1, keepdims=True)).ravel()
    return table


def _no_counts() -> pd.DataFrame:
    types: dict[str, Any] = {"rater": str, "category": float, "n": "int64", "share": float}
    return pd.DataFrame(columns=list(types)).astype(types)


def _distribution(counts: pd.DataFrame, categories: Floats, low: float, high: float) -> pd.DataFrame:
    n = counts.groupby("category")["n"].sum().reindex(categories, fill_value=0).to_numpy()
    points = 100 * (categories - low) / (high - low) if high > low else np.full(len(categories), np.nan)
    share = n / n.sum() if len(n) else np.empty(0)
    return pd.DataFrame({"category": categories, "points": points, "n": n.astype("int64"), "share": share})


def _empty(settings: Mapping[str, Any]) -> RaterUse:
    statistics = pd.DataFrame(columns=["rater", "statistic", *ESTIMATE_COLUMNS])
    office = pd.DataFrame(
        [(name, *cannot(0, "no_ratings"), np.nan) for name in (*STATISTICS, "between_raters")],
        columns=["statistic", *ESTIMATE_COLUMNS, "maximum"],
    )
    raters = pd.DataFrame(
        columns=["rater", "n_ratings", "n_ratees", "mean_raw", *STATISTICS, "entropy_maximum", *ESTIMATE_COLUMNS]
    )
    return RaterUse(
        raters=raters,
        statistics=statistics,
        office=office,
        categories=_no_counts(),
        distribution=_distribution(_no_counts(), np.empty(0), 0, 1),
        findings=(Finding(level="caution", code="no_ratings", data={"period": settings["period"]}),),
        settings=settings,
    )


# Findings


def _findings(
    used: pd.DataFrame, raters: pd.DataFrame, office: pd.DataFrame, fewest_ratees: int, little_information: float
) -> tuple[Finding, ...]:
    found = [Finding(level="note", code="raters_not_adjusted", data={"n": len(raters)})]
    entropy = office.set_index("statistic").loc["rater_entropy"]
    if entropy["status"] == OK and entropy["estimate"] < little_information * entropy["maximum"]:
        data = {"entropy": entropy["estimate"], "maximum": entropy["maximum"]}
        data["share"] = entropy["estimate"] / entropy["maximum"]
        found.append(Finding(level="caution", code="little_information", data=data))
    found += _linking_finding(used)
    single = int((raters["rater_spread"] == 0).sum())
    if single:
        found.append(Finding(level="caution", code="raters_without_spread", data={"n": single, "raters": len(raters)}))
    few = int((raters["n_ratees"] < fewest_ratees).sum())
    if few:
        data = {"n": few, "raters": len(raters), "fewest": fewest_ratees}
        found.append(Finding(level="note", code="raters_few_ratees", data=data))
    return tuple(found)


def _linking_finding(used: pd.DataFrame) -> list[Finding]:
    """Whether ratees rated by several raters join the raters (items never do: everybody shares them)."""
    pairs = used[["rater", "ratee"]].drop_duplicates()
    rater, raters = pd.factorize(pairs["rater"])
    ratee, ratees = pd.factorize(pairs["ratee"])
    if len(raters) < 2:
        return []
    size = len(raters) + len(ratees)
    graph = sparse.coo_array((np.ones(len(pairs)), (rater, ratee + len(raters))), shape=(size, size))
    parts = int(connected_components(graph, directed=False)[0])
    if parts == 1:
        return []
    linked = int((pairs["ratee"].value_counts() > 1).sum())
    code = "raters_nested" if linked == 0 else "raters_in_parts"
    data = {"raters": len(raters), "parts": parts, "linked": linked, "ratees": len(ratees)}
    return [Finding(level="caution", code=code, data=data)]
