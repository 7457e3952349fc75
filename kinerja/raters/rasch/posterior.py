"""One pass over the ratings, ratees integrated out: each ratee's integral and posterior means for the derivatives.

The integral is taken at Gauss-Hermite nodes placed around each ratee's own posterior (Naylor & Smith 1982, Applied
Statistics 31, 214-225), so that a wide distribution of ratees needs no wide grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kinerja.raters.rasch.design import Design, Floats, Ints, Scale
from kinerja.raters.rasch.model import SAFE_EXPONENT

CELLS = 12_000
"""Rows times nodes handled at once (whole ratees): working arrays then stay in the processor's cache."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Posterior:
    """Posterior means over each ratee's theta; row values in the order of `RateeRows`.

    Fields
    ------
    log_likelihood : of each ratee; mean, variance : of theta, shape (ratees,); 0 and 1 for ratees without rows
    lean_square, spread_square : Cov(theta, (theta - population mean)^2) and Var((theta - population mean)^2)
    category : E(P_c), shape (categories, n)
    lean : Cov(theta, P_c), shape (categories, n); zero unless the pass was full
    products : E(P_c P_d) for c <= d; empty unless the pass was full
    squared, standardised : E((x - E)^2), E((x - E)^2 / V), shape (n,); zero unless the pass was the last
    """

    log_likelihood: Floats
    mean: Floats
    variance: Floats
    lean_square: Floats
    spread_square: Floats
    category: Floats
    lean: Floats
    products: dict[tuple[int, int], Floats]
    squared: Floats
    standardised: Floats

    def score(self, scores: Floats) -> Floats:
        return np.asarray(scores @ self.category, dtype=np.float64)

    def with_score(self, scores: Floats, c: int) -> Floats:
        """E(P_c (s_c - E(s | theta)))."""
        total = scores[c] * self.category[c]
        for d in range(1, len(scores)):
            total = total - scores[d] * self.products[min(c, d), max(c, d)]
        return np.asarray(total, dtype=np.float64)

    def score_variance(self, scores: Floats) -> Floats:
        """E(Var(s | theta)) = sum of s_c E(P_c (s_c - E(s | theta)))."""
        parts = [scores[c] * self.with_score(scores, c) for c in range(1, len(scores))]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float64)


class RateeRows:
    """Rows sorted by ratee, so that each ratee's are neighbours."""

    def __init__(self, design: Design, scale: Scale, ratee: int) -> None:
        code = design.codes[ratee]
        self.order = None if (np.diff(code) >= 0).all() else np.argsort(code, kind="stable")
        self.design, self.scale, self.ratee = design, scale, ratee
        self.codes = [self.sorted(c) for c in design.codes]
        self.code = self.codes[ratee]
        self.group, self.category = self.sorted(scale.group), self.sorted(scale.category)
        self.weight = self.sorted(design.weight)
        self.observed = scale.scores[self.category]
        self.start = np.flatnonzero(np.concatenate([[True], np.diff(self.code) > 0]))
        self.end = np.append(self.start[1:], len(self.code))
        self.present = self.code[self.start]

    def sorted(self, values: Any) -> Any:
        return values if self.order is None else values[self.order]

    def back(self, values: Floats) -> Floats:
        """Row values in the design's own order."""
        if self.order is None:
            return values
        out = np.empty_like(values)
        out[self.order] = values
        return out

    def other_facets(self, measures: list[Floats]) -> Floats:
        """eta of each row without the ratee."""
        eta = np.zeros(len(self.code))
        for f, (code, sign) in enumerate(zip(self.codes, self.design.signs, strict=True)):
            if f != self.ratee:
                eta += (sign * measures[f])[code]
        return eta


def posterior_means(
    rows: RateeRows, measures: list[Floats], kappa: Floats, mean: float, sd: float, place: tuple[Floats, Floats],
    nodes: int, *, full: bool, last: bool = False,
) -> Posterior:  # fmt: skip
    """Integrate every ratee out, at nodes around `place` (means and SDs, by ratee).

    full : also what the information matrix needs. last : also what the fit statistics need
    """
    z, node_weight = np.polynomial.hermite_e.hermegauss(nodes)
    log_weight = np.log(node_weight) + z**2 / 2 - 0.5 * np.log(2 * np.pi)
    n, size, categories = len(rows.code), rows.design.size(rows.ratee), len(rows.scale.scores)
    sign, scores = float(rows.design.signs[rows.ratee]), rows.scale.scores
    rest = rows.other_facets(measures)
    out = _empty(n, size, categories, full, last)
    # The observed categories' part of the log likelihood is linear in theta: only the normalisers need the nodes.
    w = rows.weight
    slope = np.add.reduceat(w * rows.observed, rows.start) * sign
    level = np.add.reduceat(w * (rows.observed * rest - kappa[rows.group, rows.category]), rows.start)
    first = 0
    while first < len(rows.start):
        reach = rows.start[first] + max(CELLS // nodes, 1)
        final = max(int(np.searchsorted(rows.start, reach)), first + 1)
        at = slice(int(rows.start[first]), int(rows.end[final - 1]))
        who = rows.present[first:final]
        theta = place[0][who] + place[1][who] * z[:, None]
        local = np.repeat(np.arange(final - first), rows.end[first:final] - rows.start[first:final])
        p, log_normaliser = _categories(rest[at], sign * theta, local, kappa, scores, rows.group[at])
        if rows.design.weighted:
            log_normaliser = log_normaliser * w[at]
        deviation = theta - mean
        joint = slope[first:final] * theta + level[first:final] + log_weight[:, None] - 0.5 * (deviation / sd) ** 2
        joint += np.log(place[1][who] / sd) - np.add.reduceat(
            log_normaliser, rows.start[first:final] - at.start, axis=1
        )
        top = joint.max(axis=0)
        weight = np.exp(joint - top)
        total = weight.sum(axis=0)
        weight /= total
        out.log_likelihood[who] = top + np.log(total)
        _theta_moments(out, who, theta, deviation, weight)
        _row_means(out, at, p, weight[:, local], scores, full)
        if full:
            centred = (weight * (theta - out.mean[who]))[:, local]
            for c in range(1, categories):
                np.multiply(p[c], centred).sum(axis=0, out=out.lean[c, at])
        if last:
            _residual_means(out, at, p, weight[:, local], scores, rows.observed[at])
        first = final
    return out


def _empty(n: int, size: int, categories: int, full: bool, last: bool) -> Posterior:
    pairs = [(c, d) for c in range(1, categories) for d in range(c, categories)] if full else []
    return Posterior(
        log_likelihood=np.zeros(size), mean=np.zeros(size), variance=np.ones(size), lean_square=np.zeros(size),
        spread_square=np.zeros(size), category=np.zeros((categories, n)), lean=np.zeros((categories, n if full else 0)),
        products={pair: np.zeros(n) for pair in pairs}, squared=np.zeros(n if last else 0),
        standardised=np.zeros(n if last else 0),
    )  # fmt: skip


def _categories(
    rest: Floats, theta: Floats, local: Ints, kappa: Floats, scores: Floats, group: Ints
) -> tuple[Floats, Floats]:
    """P of each category at each node, (categories, nodes, rows), and the log of the normaliser, (nodes, rows)."""
    reach = (np.abs(theta).max() + np.abs(rest).max()) * scores[-1] + np.abs(kappa[np.isfinite(kappa)]).max()
    if reach >= SAFE_EXPONENT:
        terms = scores[:, None, None] * (theta[:, local] + rest)
        terms -= kappa[0][:, None, None] if len(kappa) == 1 else kappa[group].T[:, None, :]
        top = terms.max(axis=0)
        out = np.exp(terms - top)
        total = out.sum(axis=0)
        out /= total
        return out, np.log(total) + top
    # exp(theta - difficulty) is a product: one exponential for each ratee's node, one for each row.
    base = np.exp(theta)[:, local]
    base *= np.exp(rest)
    weight = np.exp(-kappa)
    out = np.empty((len(scores), *base.shape))
    power, reached = None, 0
    for c, score in enumerate(scores.astype(np.int64)):
        while reached < score:
            power = base if power is None else power * base
            reached += 1
        factor = weight[0, c] if len(weight) == 1 else weight[group, c]
        if power is None:
            out[c] = factor
        else:
            np.multiply(power, factor, out=out[c])
    total = out.sum(axis=0)
    out /= total
    return out, np.log(total)


def _theta_moments(out: Posterior, who: Ints, theta: Floats, deviation: Floats, weight: Floats) -> None:
    average = (weight * theta).sum(axis=0)
    from_mean, square = theta - average, deviation**2
    out.mean[who] = average
    out.variance[who] = (weight * from_mean**2).sum(axis=0)
    out.lean_square[who] = (weight * from_mean * square).sum(axis=0)
    out.spread_square[who] = (weight * (square - (weight * square).sum(axis=0)) ** 2).sum(axis=0)


def _row_means(out: Posterior, at: slice, p: Floats, weight: Floats, scores: Floats, full: bool) -> None:
    remaining = np.ones(p.shape[2])
    for c in range(1, len(scores)):
        weighted = weight * p[c]
        weighted.sum(axis=0, out=out.category[c, at])
        remaining -= out.category[c, at]
        for d in range(c, len(scores)) if full else ():
            np.multiply(weighted, p[d]).sum(axis=0, out=out.products[c, d][at])
    out.category[0, at] = remaining


def _residual_means(out: Posterior, at: slice, p: Floats, weight: Floats, scores: Floats, observed: Floats) -> None:
    mean = np.tensordot(scores, p, axes=1)
    variance = np.maximum(np.tensordot(scores**2, p, axes=1) - mean**2, 1e-12)
    squared = weight * (observed - mean) ** 2
    squared.sum(axis=0, out=out.squared[at])
    np.divide(squared, variance).sum(axis=0, out=out.standardised[at])
