"""What a fitted rater model says of single ratings: measures are looked up by id, never by position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from kinerja.errors import DataError
from kinerja.raters.rasch.design import Design, Floats, Ints, Scale, build_design
from kinerja.raters.rasch.model import linear_predictor, moments, probabilities

if TYPE_CHECKING:
    from kinerja.raters.rasch import RaterFit


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelledRows:
    """Ratings with the fit's expectation.

    Fields
    ------
    design : the rows' codes; further columns asked for are facets after the model's own
    scale, kappa : categories and cumulative thresholds of the fit
    eta, p, observed, mean, variance : linear predictor, P (categories, n), score, its expectation and variance
    """

    design: Design
    scale: Scale
    kappa: Floats
    eta: Floats
    p: Floats
    observed: Floats
    mean: Floats
    variance: Floats

    def ids(self, column: str) -> Any:
        """Sorted ids of a facet or further column."""
        return self.design.elements[self.design.facet(column)]

    def code(self, column: str) -> Ints:
        return self.design.codes[self.design.facet(column)]


def model_rows(fit: RaterFit, ratings: pd.DataFrame, columns: tuple[str, ...] = ()) -> ModelledRows:
    """The rows of `ratings` under the fit; `columns` are further columns to group by (period, a ratee's group).

    An element without an estimate counts as 0, its facet's mean.

    Raises
    ------
    DataError : a column is missing, or an id is not an element of the fit
    """
    facets = tuple(fit.settings["facets"])
    further = tuple(dict.fromkeys(c for c in columns if c not in facets))
    design = build_design(
        ratings, facets + further, fit.settings["positive"], fit.settings["rating"], fit.settings["weights"]
    )
    measures = [_measures(fit, name, design.elements[f]) for f, name in enumerate(facets)]
    measures += [np.zeros(design.size(len(facets) + i)) for i in range(len(further))]
    scale, kappa = _scale(fit, design)
    eta = linear_predictor(design, measures)
    p = probabilities(eta, kappa, scale.scores, scale.group)
    mean, variance = moments(p, scale.scores)
    return ModelledRows(design=design, scale=scale, kappa=kappa, eta=eta, p=p, observed=scale.scores[scale.category],
                        mean=mean, variance=variance)  # fmt: skip


def _measures(fit: RaterFit, facet: str, ids: Any) -> Floats:
    known = fit.measures(facet)
    absent = [str(i) for i in ids if i not in known.index]
    if absent:
        raise DataError(
            f"ratings: {facet} {absent[0]!r} is not in the fit ({len(known)} elements). "
            "Use the ratings that were fitted, or fit again."
        )
    return np.asarray(np.nan_to_num(known.loc[list(ids)].to_numpy(dtype=np.float64)), dtype=np.float64)


def _scale(fit: RaterFit, design: Design) -> tuple[Scale, Floats]:
    """Categories and cumulative thresholds back from the fit's tables."""
    categories = fit.categories
    which = fit.settings["thresholds"]
    groups = ("",) if which == "common" else tuple(str(e) for e in design.elements[design.facet(which)])
    scores = np.unique(categories["score"].to_numpy(dtype=np.float64))
    values = np.full((len(groups), len(scores)), np.nan)
    kappa = np.full(values.shape, np.inf)
    for g, name in enumerate(groups):
        rows = categories[categories["group"] == name].sort_values("score")
        at = np.searchsorted(scores, rows["score"].to_numpy(dtype=np.float64))
        tau = fit.thresholds[fit.thresholds["group"] == name].sort_values("step")["estimate"].to_numpy(dtype=np.float64)
        values[g, at] = rows["category"].to_numpy(dtype=np.float64)
        kappa[g, at] = np.concatenate([[0.0], np.cumsum(tau * np.diff(scores[at]))])
    group = np.zeros(design.n, dtype=np.int64) if which == "common" else design.codes[design.facet(which)]
    distance = np.where(np.isfinite(values), np.abs(values[None] - np.unique(design.rating)[:, None, None]), np.inf)
    nearest = distance.argmin(axis=2)
    place = np.searchsorted(np.unique(design.rating), design.rating)
    scale = Scale(groups=groups, group=group, values=values, scores=scores, used=np.isfinite(values),
                  category=nearest[place, group], unused=())  # fmt: skip
    return scale, kappa


def adjusted_p(p: Floats) -> tuple[Floats, Floats]:
    """Holm's and Benjamini-Hochberg's adjusted p; NaN stays NaN and is not counted."""
    holm, bh = np.full(len(p), np.nan), np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    if len(known):
        order = known[np.argsort(p[known], kind="stable")]
        steps = np.maximum.accumulate(p[order] * np.arange(len(known), 0, -1))
        holm[order] = np.minimum(steps, 1.0)
        bh[known] = stats.false_discovery_control(p[known], method="bh")
    return holm, bh
