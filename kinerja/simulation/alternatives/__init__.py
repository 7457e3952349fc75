"""What offices do instead of calibrating, for comparison and never for use: one column of scores a method.

raw; z-score within supervisor; forced distribution; mean-centring; moderation to citizens' feedback by mean and
standard deviation, by a parabola (mean, top, bottom) and by percentiles; the rater model by itself; a mixed model that
shrinks supervisors' means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.simulation.alternatives.linked import fit_linked
from kinerja.simulation.alternatives.moderation import (
    deming_line,
    equipercentile,
    errors_in_variables,
    geometric_mean_line,
    moderate_linear,
    moderate_quadratic,
    moderate_rank,
    moderate_regression,
    ordinary_line,
)
from kinerja.simulation.alternatives.shrinkage import MixedFit, fit_rater_effects, james_stein, pooled_mean
from kinerja.simulation.alternatives.within import forced_distribution, mean_centred, ranks_within, zscores
from kinerja.simulation.responses import ELEMENTS

__all__ = [
    "METHODS",
    "Alternatives",
    "compare_alternatives",
    "deming_line",
    "equipercentile",
    "errors_in_variables",
    "fit_linked",
    "fit_rater_effects",
    "forced_distribution",
    "geometric_mean_line",
    "james_stein",
    "mean_centred",
    "moderate_linear",
    "moderate_quadratic",
    "moderate_rank",
    "moderate_regression",
    "ordinary_line",
    "pooled_mean",
    "zscores",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

METHODS = (
    "raw",
    "zscore",
    "forced",
    "centred",
    "moderated",
    "moderated_quadratic",
    "moderated_percentile",
    "rater_model",
    "shrinkage",
)
FEEDBACK_SCALE = (1.0, 4.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Alternatives:
    """Scores by every method, one row a person and period; points of 0-100.

    Fields
    ------
    scores : period, ratee, rater, unit, and a column for each of METHODS (moderated* are NaN without feedback)
    rater_effects : rater, estimate (points that the mixed model takes the supervisor to add)
    unit_variance, rater_variance : of the mixed model
    settings : arguments after defaults
    """

    scores: pd.DataFrame
    rater_effects: pd.DataFrame
    unit_variance: float
    rater_variance: float
    settings: Mapping[str, Any]


def compare_alternatives(
    staff: pd.DataFrame,
    ratings: pd.DataFrame,
    *,
    responses: pd.DataFrame | None = None,
    scale: tuple[float, float] = (1.0, 5.0),
    halo_share: float = 0.2,
) -> Alternatives:
    """Score everyone by every alternative.

    staff : period, ratee, unit, team, supervisor;  ratings : period, ratee, rater, role, item, rating on `scale`
    responses : period, unit and the nine elements (1-4); moderation works by unit and period
    halo_share : share of the variance within teams that is one rater's halo (error of the mixed model's means)
    """
    table, second = _scores(staff, ratings, scale)
    score = table["raw"].to_numpy()
    group = _codes(table, ["period", "rater"])
    table["zscore"] = zscores(score, group)
    table["forced"] = forced_distribution(score, group)
    table["centred"] = mean_centred(score, group)
    for name, values in _moderated(table, responses).items():
        table[name] = values
    raters, rater = np.unique(table["rater"].to_numpy(object), return_inverse=True)
    table["rater_model"] = score - _linked(table, second, rater, raters)[rater]
    fit = _mixed(table, second, rater, raters, halo_share)
    table["shrinkage"] = score - fit.rater[rater]
    return Alternatives(
        scores=table[["period", "ratee", "rater", "unit", *METHODS]],
        rater_effects=pd.DataFrame({"rater": raters.astype(str), "estimate": fit.rater}),
        unit_variance=fit.unit_variance,
        rater_variance=fit.rater_variance,
        settings={"scale": scale, "halo_share": halo_share},
    )


def _scores(
    staff: pd.DataFrame, ratings: pd.DataFrame, scale: tuple[float, float]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Supervisors' mean ratings as points with unit and team, and the second raters' beside them."""
    low, high = scale
    keys = ["period", "ratee", "rater", "role"]
    means = ratings.groupby(keys, sort=True, observed=True)["rating"].agg(["mean", "var", "count"]).reset_index()
    means["raw"] = (means["mean"] - low) * (100 / (high - low))
    means["item_error"] = means["var"] / means["count"] * (100 / (high - low)) ** 2
    place = staff[["period", "ratee", "unit", "team", "supervisor"]]
    own = means.loc[means["role"] == "supervisor"].merge(place, on=["period", "ratee"])
    own = own.loc[own["rater"] == own["supervisor"]].sort_values(["period", "ratee"]).reset_index(drop=True)
    other = means.loc[means["role"] == "second_supervisor", ["period", "ratee", "rater", "raw"]]
    return own[["period", "ratee", "rater", "unit", "team", "raw", "item_error"]], other


def _codes(frame: pd.DataFrame, columns: list[str]) -> Ints:
    return np.asarray(frame.groupby(columns, sort=True, observed=True).ngroup(), np.int64)


def _moderated(table: pd.DataFrame, responses: pd.DataFrame | None) -> dict[str, Floats]:
    """Every unit's ratings given the citizens' mean (on the scale of unit means) and the office's spread within units.

    Citizens mark units, not employees: so the anchor's shape within a unit is that of the office's own ratings.
    Units without feedback keep their ratings.
    """
    score = table["raw"].to_numpy()
    if responses is None or not len(responses):
        return dict.fromkeys(("moderated", "moderated_quadratic", "moderated_percentile"), np.full(len(score), np.nan))
    marks = responses[list(ELEMENTS)].mean(axis=1)
    points = (marks - FEEDBACK_SCALE[0]) * (100 / (FEEDBACK_SCALE[1] - FEEDBACK_SCALE[0]))
    feedback = points.groupby([responses["period"], responses["unit"]]).mean().rename("feedback").reset_index()
    joined = table[["period", "unit"]].merge(feedback, on=["period", "unit"], how="left")["feedback"].to_numpy()
    group, period = _codes(table, ["period", "unit"]), _codes(table, ["period"])
    result = {name: score.copy() for name in ("moderated", "moderated_quadratic", "moderated_percentile")}
    for p in range(period.max() + 1):
        rows = np.flatnonzero((period == p) & np.isfinite(joined))
        if len(rows):
            code = np.unique(group[rows], return_inverse=True)[1]
            for name, values in _moderate_units(score[rows], code, joined[rows]).items():
                result[name][rows] = values
    return result


def _moderate_units(score: Floats, unit: Ints, feedback: Floats) -> dict[str, Floats]:
    count = np.bincount(unit)
    mean = np.bincount(unit, score) / count
    citizens = np.bincount(unit, feedback) / count
    spread = citizens.std()
    scaled = (citizens - citizens.mean()) / spread * mean.std() if spread > 0 else np.zeros_like(citizens)
    anchor = (score.mean() + scaled)[unit]
    deviation = score - mean[unit]
    own = np.sqrt(np.bincount(unit, deviation**2) / count)[unit]
    pooled = deviation.std()
    z = np.divide(deviation, own, out=np.zeros_like(deviation), where=own > 0)
    target = np.quantile(deviation, (ranks_within(score, unit) - 0.5) / count[unit])
    target -= (np.bincount(unit, target) / count)[unit]
    return {
        "moderated": anchor + pooled * z,
        "moderated_quadratic": anchor + _parabolas(deviation, target, pooled * z, unit),
        "moderated_percentile": anchor + target,
    }


def _parabolas(x: Floats, target: Floats, line: Floats, unit: Ints) -> Floats:
    """Each unit's parabola through mean 0, top and bottom of `target`; the line where it would turn back."""
    n = unit.max() + 1
    top, bottom, high, low = (np.full(n, s * np.inf) for s in (-1, 1, -1, 1))
    for values, largest, smallest in ((x, top, bottom), (target, high, low)):
        np.maximum.at(largest, unit, values)
        np.minimum.at(smallest, unit, values)
    variance = np.bincount(unit, x**2) / np.bincount(unit)
    determinant = top * (bottom**2 - variance) - bottom * (top**2 - variance)
    good = np.abs(determinant) > 1e-9
    safe = np.where(good, determinant, 1.0)
    b = (high * (bottom**2 - variance) - low * (top**2 - variance)) / safe
    c = (top * low - bottom * high) / safe
    good &= (b + 2 * c * top > 0) & (b + 2 * c * bottom > 0)
    curve = b[unit] * x + c[unit] * (x**2 - variance[unit])
    return np.asarray(np.where(good[unit], curve, line))


def _linked(table: pd.DataFrame, second: pd.DataFrame, rater: Ints, raters: Any) -> Floats:
    """Supervisors' effects by `fit_linked` over all periods, second ratings by known supervisors included."""
    ratees = np.unique(table["ratee"].to_numpy(object))
    more = second.loc[second["rater"].isin(raters) & second["ratee"].isin(ratees)]
    ratee = np.concatenate([table["ratee"].to_numpy(object), more["ratee"].to_numpy(object)])
    fit = fit_linked(
        np.concatenate([table["raw"].to_numpy(), more["raw"].to_numpy()]),
        np.searchsorted(ratees, ratee),
        np.concatenate([rater, np.searchsorted(raters, more["rater"].to_numpy(object))]),
    )
    return fit.rater


def _mixed(table: pd.DataFrame, second: pd.DataFrame, rater: Ints, raters: Any, halo_share: float) -> MixedFit:
    """Spells (a team under one supervisor, all periods) and pairs of raters, then `fit_rater_effects`."""
    spell = _codes(table, ["unit", "team", "rater"])
    score = table["raw"].to_numpy()
    count = np.bincount(spell)
    mean = np.bincount(spell, score) / count
    within = float(((score - mean[spell]) ** 2).sum() / max(len(score) - len(mean), 1))
    item = float(np.nanmean(table["item_error"])) if table["item_error"].notna().any() else 0.0
    people = table.assign(spell=spell).drop_duplicates(["spell", "ratee"]).groupby("spell").size().to_numpy()
    first = np.unique(spell, return_index=True)[1]
    units, unit = np.unique(table["unit"].to_numpy(object), return_inverse=True)
    error = item / count + halo_share * within / people
    pairs = second.merge(table[["period", "ratee", "rater", "raw"]], on=["period", "ratee"], suffixes=("", "_first"))
    pairs = pairs.loc[pairs["rater"].isin(raters) & (pairs["rater"] != pairs["rater_first"])]
    keyed = pairs.assign(difference=pairs["raw"] - pairs["raw_first"]).groupby(["rater_first", "rater"])["difference"]
    summary = keyed.agg(["mean", "size"]).reset_index()
    return fit_rater_effects(
        mean,
        np.maximum(error, 1e-6),
        unit[first],
        rater[first],
        pair_first=np.searchsorted(raters, summary["rater_first"].to_numpy(object)),
        pair_second=np.searchsorted(raters, summary["rater"].to_numpy(object)),
        pair_difference=summary["mean"].to_numpy(np.float64),
        pair_variance=2 * (item + halo_share * within) / summary["size"].to_numpy(np.float64),
        n_units=len(units),
        n_raters=len(raters),
    )
