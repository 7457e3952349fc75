"""Thresholds and categories: where one category takes over from the next, and whether each is used as modelled."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kinerja.raters.rasch.design import Floats, Ints, Scale, totals
from kinerja.raters.rasch.model import probabilities, thresholds_of
from kinerja.results import OK

REACH = 40.0
"""Logits on either side within which a point of the scale is looked for."""


def threshold_table(scale: Scale, kappa: Floats, kappa_covariance: Floats, p: Floats, weight: Floats, z: float
) -> pd.DataFrame:  # fmt: skip
    """One row a threshold: Rasch-Andrich estimate with SE and interval, Thurstone threshold (50 % cumulative).

    std_error is from the whole information; model_se = 1 / sqrt(sum of P(x >= c) P(x < c)), as FACETS prints.
    n : ratings (weighted) in the upper of the two categories
    """
    tau = thresholds_of(kappa, scale)
    rows = []
    size = len(scale.groups)
    above = np.cumsum(p[::-1], axis=0)[::-1]
    for c in range(1, len(p)):
        information = totals(scale.group, weight * above[c] * (1 - above[c]), size)
        n = totals(scale.group, weight * (scale.category == c), size)
        for s in map(int, np.flatnonzero(np.isfinite(tau[:, c]))):
            rows.append((s, c, tau[s, c], _threshold_error(scale, kappa_covariance, s, c), n[s], information[s]))
    table = pd.DataFrame(rows, columns=["set", "place", "estimate", "std_error", "n", "information"])
    table = table.sort_values(["set", "place"])
    g, at = table["set"].to_numpy(dtype=np.int64), table["place"].to_numpy(dtype=np.int64)
    several = (scale.used.sum(axis=1) > 2)[g]
    error = table["std_error"].to_numpy()
    return pd.DataFrame(
        {
            "group": np.array(scale.groups, dtype=object)[g],
            "category": scale.values[g, at],
            "step": [int(scale.used[i, :j].sum()) for i, j in zip(g, at, strict=True)],
            "estimate": table["estimate"].to_numpy(),
            "std_error": np.where(several, error, np.nan),
            "conf_low": np.where(several, table["estimate"] - z * error, np.nan),
            "conf_high": np.where(several, table["estimate"] + z * error, np.nan),
            "n": table["n"].to_numpy(),
            "model_se": 1 / np.sqrt(np.maximum(table["information"].to_numpy(), 1e-300)),
            "thurstone": _thurstone(scale, kappa, g, at),
            "status": OK,
            "reason": np.where(several, "", "two_categories"),
        }
    )


def _threshold_error(scale: Scale, covariance: Floats, g: int, c: int) -> float:
    """SE of kappa[c] - kappa[before]; ends are fixed at zero, and with two categories nothing else is left."""
    if not scale.free[g].any():
        return 0.0
    used = np.flatnonzero(scale.used[g])
    before = used[np.searchsorted(used, c) - 1]
    contrast = np.zeros(covariance.shape[1])
    for place, side in ((c, 1.0), (before, -1.0)):
        if scale.free[g, place]:
            contrast[place - 1] = side / (scale.scores[c] - scale.scores[before])
    return float(np.sqrt(max(contrast @ covariance[g] @ contrast, 0.0)))


def category_table(
    scale: Scale, kappa: Floats, p: Floats, eta: Floats, mean: Floats, variance: Floats, weight: Floats
) -> pd.DataFrame:
    """One row a category of a set: counts, average measures, fit and the points of the scale that it covers.

    average_measure : mean eta of the ratings in the category; expected_measure : what the model expects it to be
    outfit : mean of r^2 / V over the category's ratings relative to its expectation given the category
    measure : eta at which the category is most probable (lowest, highest: expected score 0.25 from the end)
    half_point : eta at which the expected score is half a point below the category
    """
    groups, categories = scale.used.shape
    size = groups * categories
    cell = scale.group * categories + scale.category
    n = totals(cell, weight, size)
    total = n.reshape(groups, categories).sum(axis=1)
    safe = np.maximum(variance, 1e-12)
    squared = (scale.scores[scale.category] - mean) ** 2 / safe
    seen = np.flatnonzero(scale.used.ravel())
    average = totals(cell, weight * eta, size)
    outfit = totals(cell, weight * squared, size)
    expected_n, expected, model = np.zeros(size), np.zeros(size), np.zeros(size)
    for c in range(categories):
        at = scale.group * categories + c
        expected_n += totals(at, weight * p[c], size)
        expected += totals(at, weight * p[c] * eta, size)
        model += totals(at, weight * p[c] * (scale.scores[c] - mean) ** 2 / safe, size)
    g, c = seen // categories, seen % categories
    low, high = scale.first[g], scale.last[g]
    varied = low < high
    ends = np.where(c == low, 0.25, np.where(c == high, -0.25, 0.0))
    rows = {
        "group": np.array(scale.groups, dtype=object)[g],
        "category": scale.values.ravel()[seen],
        "score": scale.scores[c],
        "n": n[seen],
        "share": n[seen] / np.maximum(total[g], 1e-300),
        "average_measure": _ratio(average, n)[seen],
        "expected_measure": _ratio(expected, expected_n)[seen],
        "outfit": _ratio(_ratio(outfit, n), _ratio(model, expected_n))[seen],
        "measure": np.where(varied, _where_expected(scale, kappa, g, scale.scores[c] + ends), np.nan),
        "half_point": np.where(varied & (c > low), _where_expected(scale, kappa, g, scale.scores[c] - 0.5), np.nan),
    }
    return pd.DataFrame(rows)


def unused_table(scale: Scale) -> pd.DataFrame:
    """Ratings that nobody gave though they lie between others, by set of thresholds."""
    rows = [(name, value) for name, values in zip(scale.groups, scale.unused, strict=True) for value in values]
    return pd.DataFrame(rows, columns=["group", "category"]).astype({"group": object, "category": np.float64})


def _where_expected(scale: Scale, kappa: Floats, g: Ints, score: Floats) -> Floats:
    """eta at which the expected score is `score`, by bisection (the expectation rises with eta)."""
    low, high = np.full(len(g), -REACH), np.full(len(g), REACH)
    for _ in range(60):
        middle = (low + high) / 2
        below = np.asarray(scale.scores @ probabilities(middle, kappa, scale.scores, g)) < score
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)


def _thurstone(scale: Scale, kappa: Floats, g: Ints, c: Ints) -> Floats:
    """eta at which the category or a higher one has probability one half."""
    low, high = np.full(len(g), -REACH), np.full(len(g), REACH)
    place = np.arange(len(scale.scores))[:, None]
    for _ in range(60):
        middle = (low + high) / 2
        p = probabilities(middle, kappa, scale.scores, g) if len(g) else np.zeros((len(scale.scores), 0))
        below = (p * (place >= c)).sum(axis=0) < 0.5
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)
