"""The rating-scale and partial-credit model of one rating, for many ratings at once.

    P(x = c) is proportional to exp(score[c] * eta - kappa[group, c])

eta : the row's sum of signed measures (ratee minus severity minus difficulty), logits
kappa : cumulative thresholds, kappa[c] = tau[1] + ... + tau[c]; 0 in the lowest and, since thresholds of a set sum to
    zero, in the highest category (Andrich 1978, Psychometrika 43, 561-573; Masters 1982, Psychometrika 47, 149-174;
    facets: Linacre 1994, Many-Facet Rasch Measurement, 2nd ed., MESA Press)
"""

from __future__ import annotations

import numpy as np

from kinerja.raters.rasch.design import Design, Floats, Ints, Scale, totals

CHUNK = 8192
"""Rows handled at once: the working arrays then stay in the processor's cache."""

SAFE_EXPONENT = 300.0
"""Largest exponent for which powers are used instead of a shifted exponential for every category."""


def linear_predictor(design: Design, measures: list[Floats]) -> Floats:
    """eta of each row, shape (n,)."""
    eta = np.zeros(design.n)
    for code, sign, measure in zip(design.codes, design.signs, measures, strict=True):
        eta += (sign * measure)[code]
    return eta


def probabilities(eta: Floats, kappa: Floats, scores: Floats, group: Ints) -> Floats:
    """P of every category, shape (categories, n); rows of a set without a category have 0 there.

    kappa : (groups, categories), +inf where the set has no such category
    """
    out = np.empty((len(scores), len(eta)))
    largest = float(np.abs(eta).max(initial=0.0)) * float(scores[-1]) + float(
        np.abs(kappa[np.isfinite(kappa)]).max(initial=0.0)
    )
    fill = _by_powers if largest < SAFE_EXPONENT else _by_exponentials
    for start in range(0, len(eta), CHUNK):
        rows = slice(start, start + CHUNK)
        fill(eta[rows], kappa, scores, group[rows], out[:, rows])
    return out


def _by_powers(eta: Floats, kappa: Floats, scores: Floats, group: Ints, out: Floats) -> None:
    """One exponential a row: exp(score * eta) is a power of exp(eta)."""
    weight = np.exp(-kappa)
    base = np.exp(eta)
    power = np.ones_like(base)
    reached = 0
    for c, score in enumerate(scores.astype(np.int64)):
        while reached < score:
            power *= base
            reached += 1
        np.multiply(power, weight[0, c] if len(weight) == 1 else weight[group, c], out=out[c])
    out /= out.sum(axis=0)


def _by_exponentials(eta: Floats, kappa: Floats, scores: Floats, group: Ints, out: Floats) -> None:
    np.multiply.outer(scores, eta, out=out)
    out -= kappa[0][:, None] if len(kappa) == 1 else kappa[group].T
    out -= out.max(axis=0)
    np.exp(out, out=out)
    out /= out.sum(axis=0)


def moments(p: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Expected score and its variance, each of shape (n,)."""
    mean = scores @ p
    return mean, np.maximum((scores**2) @ p - mean**2, 0.0)


def central_moments(p: Floats, scores: Floats, mean: Floats) -> tuple[Floats, Floats]:
    """Third and fourth central moments of the score, each of shape (n,)."""
    third, fourth = np.empty_like(mean), np.empty_like(mean)
    for start in range(0, len(mean), CHUNK):
        rows = slice(start, start + CHUNK)
        deviation = scores[:, None] - mean[rows]
        cube = p[:, rows] * deviation**3
        third[rows] = cube.sum(axis=0)
        fourth[rows] = (cube * deviation).sum(axis=0)
    return third, fourth


def expected_rating(p: Floats, scale: Scale) -> Floats:
    """Expectation in the ratings' own coding (which differs from the score where categories were renumbered), (n,)."""
    values = np.where(scale.used, scale.values, 0.0)
    if len(values) == 1:
        return np.asarray(values[0] @ p, dtype=np.float64)
    return np.asarray((values[scale.group].T * p).sum(axis=0), dtype=np.float64)


def start_kappa(scale: Scale, weight: Floats) -> Floats:
    """Cumulative thresholds from the log ratio of neighbouring categories' counts, ends at zero."""
    groups, categories = scale.used.shape
    cell = scale.group * categories + np.maximum(scale.category, 0)
    inside = scale.category >= 0
    count = totals(cell[inside], weight[inside], groups * categories).reshape(groups, categories)
    kappa = np.where(scale.used, -np.log(np.maximum(count, 0.5)), np.inf)
    return centre_kappa(kappa, scale)[0]


def centre_kappa(kappa: Floats, scale: Scale) -> tuple[Floats, Floats]:
    """The same probabilities with kappa 0 at both ends, and the shift of eta (groups,) that goes with it:
    kappa - (a + b * score) with eta - b."""
    row = np.arange(len(kappa))
    low, high = kappa[row, scale.first], kappa[row, scale.last]
    span = scale.scores[scale.last] - scale.scores[scale.first]
    slope = np.where(span > 0, (high - low) / np.where(span > 0, span, 1.0), 0.0)
    line = low[:, None] + slope[:, None] * (scale.scores[None, :] - scale.scores[scale.first][:, None])
    centred = np.where(scale.used, kappa - line, np.inf)
    centred[row, scale.first] = 0.0
    centred[row, scale.last] = 0.0
    return centred, slope


def thresholds_of(kappa: Floats, scale: Scale) -> Floats:
    """Rasch-Andrich thresholds tau, shape (groups, categories); NaN at each set's lowest category and where unused."""
    tau = np.full(kappa.shape, np.nan)
    for g in range(len(kappa)):
        used = np.flatnonzero(scale.used[g])
        gap = np.diff(scale.scores[used])
        tau[g, used[1:]] = np.diff(kappa[g, used]) / gap
    return tau
