"""How a rater uses the scale: central tendency, restricted range, halo. Screens, which say where to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kinerja.raters.rasch import RaterFit
from kinerja.raters.rasch.design import Floats, Ints, totals
from kinerja.raters.rasch.tables import ModelledRows, adjusted_p, model_rows
from kinerja.results import CANNOT, OK

LARGEST_STRETCH = 20.0
"""Where the search for a rater's stretch ends: a rater who uses the middle only has no finite one."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ScaleUse:
    """Central tendency of each rater.

    Fields
    ------
    table : rater, n, estimate (stretch of the thresholds relative to all raters: above 1 central tendency, below 1
        extremes preferred), std_error, conf_low, conf_high, z (of log stretch), p, p_holm, p_bh, observed_sd,
        expected_sd (of the ratings, in score points, as modelled), range_ratio (observed / expected), categories (how
        many used), top_share (ratings in the category most used), status, reason
    settings
    """

    table: pd.DataFrame
    settings: dict[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Halo:
    """Halo of each rater: correlation of residuals across items within one ratee.

    Fields
    ------
    table : rater, n (pairs of items), ratees, estimate (mean product of standardised residuals of two items, with what
        the fitted ratee measures take out added back; 0 without halo), std_error (ratees as clusters), conf_low,
        conf_high, z, p, p_holm, p_bh, status, reason; first row rater "" = all raters
    settings
    """

    table: pd.DataFrame
    settings: dict[str, Any]


def scale_use(
    fit: RaterFit, ratings: pd.DataFrame, *, rater: str = "rater", floor: int = 10, confidence: float = 0.95
) -> ScaleUse:
    """Does a rater's use of the categories differ from what the rater's severity and ratees lead one to expect?

    One parameter a rater multiplies all thresholds; measures are taken as known (a screen). It is divided by the one
    value that fits all raters together, so that the inflation of joint estimates does not look like central tendency.
    """
    rows = model_rows(fit, ratings)
    code, ids = rows.code(rater), rows.ids(rater)
    log_all, _ = _stretch(rows, np.zeros(rows.design.n, dtype=np.int64), 1)
    log_stretch, error = _stretch(rows, code, len(ids))
    size = len(ids)
    n = np.bincount(code, minlength=size)
    known = (n >= floor) & np.isfinite(error) & (np.abs(log_stretch) < np.log(LARGEST_STRETCH))
    distance = log_stretch - log_all[0]
    z, reach = distance / error, stats.norm.ppf(0.5 + confidence / 2)
    p = np.where(known, 2 * stats.norm.sf(np.abs(z)), np.nan)
    holm, bh = adjusted_p(p)
    observed, expected = _spreads(rows, code, size)
    counts = _category_counts(rows, code, size)
    reason = np.where(known, "", np.where(n < floor, "below_floor", "no_variation"))

    def shown(values: Floats) -> Floats:
        return np.where(known, values, np.nan)

    table = pd.DataFrame(
        {
            rater: ids, "n": n, "estimate": shown(np.exp(distance)), "std_error": shown(np.exp(distance) * error),
            "conf_low": shown(np.exp(distance - reach * error)), "conf_high": shown(np.exp(distance + reach * error)),
            "z": shown(z), "p": p, "p_holm": holm, "p_bh": bh, "observed_sd": observed, "expected_sd": expected,
            "range_ratio": np.where(expected > 0, observed / np.where(expected > 0, expected, 1), np.nan),
            "categories": (counts > 0).sum(axis=1), "top_share": counts.max(axis=1) / np.maximum(n, 1),
            "status": np.where(known, OK, CANNOT).astype(object), "reason": reason.astype(object),
        }
    )  # fmt: skip
    return ScaleUse(table=table, settings={"rater": rater, "floor": floor, "confidence": confidence})


def halo(
    fit: RaterFit, ratings: pd.DataFrame, *, rater: str = "rater", floor: int = 10, confidence: float = 0.95
) -> Halo:
    """Do a rater's ratings of one person hang together more than that person's measure explains?

    For items i, j of one rater and ratee the product z_i z_j of standardised residuals has expectation
    -sqrt(V_i V_j) Var(measure - severity) in a fitted model (both have followed the residuals); that is added back.
    floor : pairs of items below which a rater's row can't be estimated
    """
    rows = model_rows(fit, ratings)
    ratee = fit.settings["positive"][0]
    code, ids = rows.code(rater), rows.ids(rater)
    cell = _numbered(code, rows.code(ratee))
    size = int(cell.max(initial=-1)) + 1
    informative = rows.variance > 1e-10
    root = np.sqrt(np.where(informative, rows.variance, 1.0))
    z = np.where(informative, (rows.observed - rows.mean) / root, 0.0)
    pairs = totals(cell, informative, size)
    pairs = pairs * (pairs - 1) / 2
    products = _pair_products(cell, z, size)
    raters, ratees = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    raters[cell], ratees[cell] = code, rows.code(ratee)
    # a posterior mean follows its residuals less than a joint estimate does: the prior adds to what is known
    prior = 0.0 if fit.settings["method"] == "joint" else 1 / max(float(fit.population["sd"].iloc[0]), 1e-6) ** 2
    spread = _predictor_variance(totals(cell, rows.variance, size), raters, ratees, prior)
    total = products + spread * _pair_products(cell, np.where(informative, root, 0.0), size)
    table = _clustered(np.concatenate([[""], ids]), raters + 1, total, pairs, floor, confidence)
    return Halo(table=table.rename(columns={"id": rater}),
                settings={"rater": rater, "floor": floor, "confidence": confidence})  # fmt: skip


def _predictor_variance(information: Floats, raters: Ints, ratees: Ints, prior: float) -> Floats:
    """Var(measure - severity) of each cell of a rater and a ratee: ratees eliminated exactly, raters independent.

    prior : 1 / variance of the ratees' distribution, 0 where their measures have none
    """
    of_ratee = np.maximum(totals(ratees, information) + prior, 1e-12)
    share = information / of_ratee[ratees]
    total = totals(raters, information)
    left = total - totals(raters, information * share)
    variance = np.where(left > 1e-6 * total, 1 / np.where(left > 0, left, 1.0), 0.0)
    by_ratee = 1 / of_ratee + totals(ratees, share**2 * variance[raters])
    return np.asarray(by_ratee[ratees] + variance[raters] * (1 - 2 * share), dtype=np.float64)


def _stretch(rows: ModelledRows, code: Ints, size: int) -> tuple[Floats, Floats]:
    """log of the factor on kappa that maximises each group's likelihood, and its SE; Newton with halved long steps.

    d log L / d log f = f * sum(E(kappa) - kappa[x]);  information = f^2 * sum Var(kappa)
    """
    scale, w = rows.scale, rows.design.weight
    kappa = np.where(scale.used, rows.kappa, 0.0)
    of_row = kappa[scale.group].T if len(kappa) > 1 else np.repeat(kappa.T, rows.design.n, axis=1)
    absent = ~(scale.used[scale.group].T if len(kappa) > 1 else np.repeat(scale.used.T, rows.design.n, axis=1))
    chosen = np.take_along_axis(of_row, scale.category[None, :], axis=0)[0]
    base = np.multiply.outer(scale.scores, rows.eta)
    log_factor, information = np.zeros(size), np.ones(size)
    for _ in range(60):
        factor = np.exp(log_factor)
        terms = base - of_row * factor[code]
        terms[absent] = -np.inf
        p = np.exp(terms - terms.max(axis=0))
        p /= p.sum(axis=0)
        mean = (p * of_row).sum(axis=0)
        variance = (p * of_row**2).sum(axis=0) - mean**2
        gradient = factor * totals(code, w * (mean - chosen), size)
        information = factor**2 * totals(code, w * variance, size)
        step = np.clip(gradient / np.maximum(information, 1e-9), -0.5, 0.5)
        log_factor = np.clip(log_factor + step, -np.log(LARGEST_STRETCH), np.log(LARGEST_STRETCH))
        if np.abs(step).max(initial=0.0) < 1e-8:
            break
    return log_factor, np.where(information > 1e-9, 1 / np.sqrt(np.maximum(information, 1e-9)), np.nan)


def _spreads(rows: ModelledRows, code: Ints, size: int) -> tuple[Floats, Floats]:
    """SD of each rater's scores and the SD that the model expects: sqrt(Var(E) + mean V)."""
    n = np.maximum(np.bincount(code, minlength=size), 1)

    def variance(values: Floats) -> Floats:
        mean = totals(code, values, size) / n
        return totals(code, (values - mean[code]) ** 2, size) / n

    return np.sqrt(variance(rows.observed)), np.sqrt(variance(rows.mean) + totals(code, rows.variance, size) / n)


def _category_counts(rows: ModelledRows, code: Ints, size: int) -> Ints:
    values, place = np.unique(rows.design.rating, return_inverse=True)
    count = np.bincount(code * len(values) + place, minlength=size * len(values))
    return np.asarray(count.reshape(size, len(values)), dtype=np.int64)


def _numbered(one: Ints, two: Ints) -> Ints:
    _, number = np.unique(one * (int(two.max(initial=0)) + 1) + two, return_inverse=True)
    return np.asarray(number, dtype=np.int64)


def _pair_products(cell: Ints, values: Floats, size: int) -> Floats:
    """Sum over pairs of rows of a cell of the product of their values: ((sum)^2 - sum of squares) / 2."""
    return (totals(cell, values, size) ** 2 - totals(cell, values**2, size)) / 2


def _clustered(ids: Any, code: Ints, total: Floats, pairs: Floats, floor: int, confidence: float) -> pd.DataFrame:
    """Ratio sum(total) / sum(pairs) for each id and, first, for all; cells (one ratee each) are the clusters."""
    size = len(ids)

    def summed(values: Floats) -> Floats:
        out = totals(code, values, size)
        out[0] = values.sum()
        return out

    n, cells = summed(pairs), summed((pairs > 0).astype(np.float64))
    estimate = summed(total) / np.maximum(n, 1)
    residual = summed((total - estimate[code] * pairs) ** 2)
    residual[0] = ((total - estimate[0] * pairs) ** 2).sum()
    known = (n >= floor) & (cells > 1)
    error = np.sqrt(residual * cells / np.maximum(cells - 1, 1)) / np.maximum(n, 1)
    estimate, error = np.where(known, estimate, np.nan), np.where(known & (error > 0), error, np.nan)
    z, reach = estimate / error, stats.t.ppf(0.5 + confidence / 2, np.maximum(cells - 1, 1))
    p = 2 * stats.t.sf(np.abs(z), np.maximum(cells - 1, 1))
    holm, bh = (np.concatenate([[np.nan], x]) for x in adjusted_p(p[1:]))
    return pd.DataFrame(
        {
            "id": ids.astype(object), "n": n.astype(np.int64), "ratees": cells.astype(np.int64), "estimate": estimate,
            "std_error": error, "conf_low": estimate - reach * error, "conf_high": estimate + reach * error, "z": z,
            "p": p, "p_holm": holm, "p_bh": bh, "status": np.where(known, OK, CANNOT).astype(object),
            "reason": np.where(known, "", "below_floor").astype(object),
        }
    )  # fmt: skip
