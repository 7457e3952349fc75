"""Joint maximum likelihood: every measure and threshold at once, by Newton's method on the whole sparse problem.

The log likelihood is concave in measures and cumulative thresholds (an exponential family in its natural parameters),
so that Newton with a step limit finds the one maximum. An element with only lowest or only highest ratings has none; it
is set aside, with its rows, and placed afterwards as FACETS does: by a score `extreme` points inside the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kinerja.errors import EstimationError
from kinerja.raters.rasch.design import Bools, Design, Floats, Ints, Scale, Unused, build_scale, totals
from kinerja.raters.rasch.information import Constraint, Information, Layout, Sparse, build_layout, solve
from kinerja.raters.rasch.model import (
    central_moments,
    linear_predictor,
    moments,
    probabilities,
    start_kappa,
)
from kinerja.results import Convergence

LONGEST_STEP = 2.0
"""Logits that one iteration may move a measure at most."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Active:
    """What takes part in the estimation.

    Fields
    ------
    rows : rows without an extreme element, shape (n,)
    extreme : for each facet -1 (only lowest ratings), +1 (only highest), 0
    scale : categories that the active rows use
    """

    rows: Bools
    extreme: tuple[Ints, ...]
    scale: Scale


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimate:
    """Measures of every facet, cumulative thresholds, the information at the estimate and how it was reached."""

    measures: list[Floats]
    kappa: Floats
    information: Information
    log_likelihood: float
    convergence: Convergence


@dataclass(frozen=True, eq=False, kw_only=True)
class Setting:
    """What the estimation is told: anchored measures, group anchors, shrinkage, bias correction, stopping rule.

    Fields
    ------
    anchored, anchor : for each facet which elements are fixed, and where (0 elsewhere)
    groups : (facet, codes, mean) of each group anchor
    precision : for each facet 1 / variance of its normal penalty, 0 for none
    bias_correction : whether Firth's adjustment is made
    """

    anchored: tuple[Bools, ...]
    anchor: tuple[Floats, ...]
    groups: tuple[tuple[int, Ints, float], ...] = ()
    precision: tuple[float, ...] = ()
    bias_correction: bool = False
    tolerance: float = 1e-6
    maximum_iterations: int = 100


def find_active(
    design: Design, threshold_facet: int | None, anchored: tuple[Bools, ...], exempt: int | None, unused: Unused
) -> Active:
    """Set aside elements with extreme scores until none is left (a removed ratee may leave a rater extreme).

    exempt : a facet whose extreme elements stay (ratees, where their distribution is part of the model)

    Raises
    ------
    EstimationError : nothing is left to compare
    """
    rows = np.ones(design.n, dtype=bool)
    extreme = [np.zeros(design.size(f), dtype=np.int64) for f in range(len(design.facets))]
    while True:
        scale = build_scale(design, threshold_facet, rows, unused)
        lowest = scale.category == scale.first[scale.group]
        highest = scale.category == scale.last[scale.group]
        found = False
        for f, code in enumerate(design.codes):
            if f == exempt:
                continue
            size = design.size(f)
            n = np.bincount(code[rows], minlength=size)
            for side, at in ((-1, lowest), (1, highest)):
                new = (n > 0) & (np.bincount(code[rows & at], minlength=size) == n) & ~anchored[f]
                if new.any():
                    extreme[f][new] = side * int(design.signs[f])
                    found = True
        if not found:
            break
        for f, code in enumerate(design.codes):
            rows = rows & (extreme[f][code] == 0)
        if not rows.any():
            raise EstimationError(
                "ratings: every rating is the lowest or the highest possible of its rater, ratee or item; without "
                "variation no measure can be estimated. Add ratings, or items on which people differ."
            )
    return Active(rows=rows, extreme=tuple(extreme), scale=scale)


def model_layout(design: Design, threshold_facet: int | None, categories: int, extra: int = 0) -> Layout:
    """Blocks: the facets, cumulative thresholds of categories 1 ... categories-2, then `extra` single parameters."""
    sizes = [*(design.size(f) for f in range(len(design.facets))), 1]
    codes = [*design.codes, np.zeros(design.n, dtype=np.int64)]
    single = len(design.facets)
    home = single if threshold_facet is None else threshold_facet
    return build_layout(sizes, codes, [*range(single), *[home] * max(categories - 2, 0), *[single] * extra])


def fit_joint(design: Design, scale: Scale, layout: Layout, setting: Setting, idle: tuple[Bools, ...]) -> Estimate:
    """Maximise the joint likelihood over the (active) rows of `design`.

    idle : for each facet the elements without active rows; they stay at 0
    """
    facets = len(design.facets)
    measures = start_measures(design, scale, setting)
    kappa = start_kappa(scale, design.weight)
    constraint = build_constraint(layout, scale, setting, idle)
    observed = scale.scores[scale.category]
    precision = setting.precision or (0.0,) * facets
    trace: list[float] = []
    best, step, change, code = -np.inf, np.zeros(layout.n), np.inf, "maximum_iterations"
    information = None
    for _ in range(setting.maximum_iterations):
        p = probabilities(linear_predictor(design, measures), kappa, scale.scores, scale.group)
        value = log_likelihood(p, scale.category, design.weight) - _penalty(measures, precision)
        if value < best - 1e-9 * abs(best) and not setting.bias_correction:
            step = -0.5 * np.abs(step) * np.sign(step)
            measures, kappa = _moved(measures, kappa, step, layout, scale)
            step = -step
            continue
        best = value
        mean, variance = moments(p, scale.scores)
        information = build_information(design, scale, layout, p, mean, variance, precision)
        gradient = build_gradient(design, scale, layout, p, observed - mean, measures, precision)
        if setting.bias_correction:
            gradient += _firth(design, scale, layout, information, p, mean)
        trace.append(-value)
        if change < setting.tolerance:
            code = "tolerance"
            break
        # An inexact step costs little far from the solution; near it Newton's quadratic convergence wants exactness.
        step, _ = solve(information, gradient, constraint, tolerance=min(1e-2, max(change * 1e-2, 1e-9)))
        change = float(np.abs(step).max(initial=0.0))
        step *= min(1.0, LONGEST_STEP / max(change, 1e-300))
        measures, kappa = _moved(measures, kappa, step, layout, scale)
    assert information is not None
    done = Convergence(converged=code == "tolerance", iterations=len(trace), tolerance=setting.tolerance,
                       change=change, code=code, trace=tuple(trace))  # fmt: skip
    return Estimate(measures=measures, kappa=kappa, information=information, log_likelihood=best, convergence=done)


def log_likelihood(p: Floats, category: Ints, weight: Floats) -> float:
    chosen = np.take_along_axis(p, category[None, :], axis=0)[0]
    return float(weight @ np.log(np.maximum(chosen, 1e-300)))


def build_information(
    design: Design, scale: Scale, layout: Layout, p: Floats, mean: Floats, variance: Floats, precision: Any
) -> Information:
    """Covariances of the rows' sufficient statistics: the score (with the facet's sign) and minus each category."""
    facets, middle = len(design.facets), range(1, len(p) - 1)
    w, sign = design.weight, design.signs
    weighted = w * variance
    diagonal = [layout.sums(f, weighted) + precision[f] for f in range(facets)]
    diagonal += [layout.sums(layout.sources[facets], w * p[c] * (1 - p[c])) for c in middle]
    same, cross = {}, {}
    for i, j in layout.patterns:
        if j < facets:
            cross[i, j] = layout.cross(i, j, weighted * (sign[i] * sign[j]))
    for c in middle:
        home, block = layout.sources[facets], facets + c - 1
        lean = w * p[c] * (scale.scores[c] - mean)
        for f in range(facets):
            if home == f:
                same[f, block] = -sign[f] * layout.sums(f, lean)
            elif f < home:
                cross[f, block] = layout.cross(f, home, -sign[f] * lean)
            else:
                cross[block, f] = layout.cross(home, f, -sign[f] * lean)
        for d in range(c + 1, len(p) - 1):
            same[block, facets + d - 1] = -layout.sums(home, w * p[c] * p[d])
    return Information(layout=layout, diagonal=diagonal, same=same, cross=cross)


def build_gradient(
    design: Design, scale: Scale, layout: Layout, p: Floats, residual: Floats, measures: list[Floats], precision: Any
) -> Floats:
    facets, w = len(design.facets), design.weight
    parts = [design.signs[f] * layout.sums(f, w * residual) - precision[f] * measures[f] for f in range(facets)]
    for c in range(1, len(p) - 1):
        parts.append(layout.sums(layout.sources[facets], w * (p[c] - (scale.category == c))))
    return np.concatenate(parts)


def build_constraint(layout: Layout, scale: Scale, setting: Setting, idle: tuple[Bools, ...]) -> Constraint:
    facets = len(idle)
    fixed = [a | i for a, i in zip(setting.anchored, idle, strict=True)]
    fixed += [~scale.free[:, c] for c in range(1, scale.used.shape[1] - 1)]
    fixed += [np.zeros(layout.n - sum(len(f) for f in fixed), dtype=bool)]
    groups = tuple(layout.starts[f] + codes[~idle[f][codes]] for f, codes, _ in setting.groups if f < facets)
    return Constraint(fixed=np.concatenate(fixed), groups=tuple(g for g in groups if len(g)))


def start_measures(design: Design, scale: Scale, setting: Setting) -> list[Floats]:
    """Measures read off the test's characteristic curve at each element's share of its highest possible score."""
    grid = np.linspace(-8.0, 8.0, 161)
    kappa = start_kappa(scale, design.weight)
    curve = np.zeros(len(grid))
    low, high = scale.scores[scale.first], scale.scores[scale.last]
    for g in range(len(kappa)):
        p = probabilities(grid, kappa[g : g + 1], scale.scores, np.zeros(len(grid), dtype=np.int64))
        curve += (scale.scores @ p - low[g]) / max(high[g] - low[g], 1) / len(kappa)
    share = scale.scores[scale.category] - low[scale.group]
    most = (high - low)[scale.group]
    found = []
    for f, code in enumerate(design.codes):
        size = design.size(f)
        points = totals(code, design.weight * share, size)
        possible = totals(code, design.weight * most, size)
        ratio = np.where(possible > 0, points / np.maximum(possible, 1e-300), 0.5)
        level = np.interp((design.weight @ share) / max(float(design.weight @ most), 1e-300), curve, grid)
        start = np.interp(ratio, curve, grid) - (level if design.signs[f] < 0 else 0.0)
        found.append(
            np.where(setting.anchored[f], setting.anchor[f], np.where(possible > 0, design.signs[f] * start, 0))
        )
    for f, codes, mean in setting.groups:
        found[f][codes] += mean - found[f][codes].mean()
    return found


def _moved(
    measures: list[Floats], kappa: Floats, step: Floats, layout: Layout, scale: Scale
) -> tuple[list[Floats], Floats]:
    facets = len(measures)
    moved = [m + step[layout.block(f)] for f, m in enumerate(measures)]
    kappa = kappa.copy()
    for c in range(1, kappa.shape[1] - 1):
        kappa[:, c] += step[layout.block(facets + c - 1)]
    return moved, np.where(scale.used, kappa, np.inf)


def _penalty(measures: list[Floats], precision: Any) -> float:
    return 0.5 * sum(float(k * (m @ m)) for k, m in zip(precision, measures, strict=True) if k)


def _firth(design: Design, scale: Scale, layout: Layout, information: Information, p: Floats, mean: Floats) -> Floats:
    """Half the derivative of the log determinant of the information (Firth 1993, Biometrika 80, 27-38).

    Joint ML spreads measures by about L / (L - 1), L ratings a ratee, since each ratee costs a parameter. Adding this
    to the score removes the first order of that bias (for one ratee alone it is Warm's 1989 weighted likelihood). A row
    adds Var(eta) times half the change of its information: the third moment for a measure, its like for a threshold.
    """
    spread = 0.5 * design.weight * predictor_variance(design, layout, information)
    third, _ = central_moments(p, scale.scores, mean)
    facets = len(design.facets)
    parts = [design.signs[f] * layout.sums(f, spread * third) for f in range(facets)]
    variance = moments(p, scale.scores)[1]
    for c in range(1, len(p) - 1):
        change = p[c] * ((scale.scores[c] - mean) ** 2 - variance)
        parts.append(-layout.sums(layout.sources[facets], spread * change))
    return np.concatenate(parts)


def predictor_variance(design: Design, layout: Layout, information: Information) -> Floats:
    """Var(eta) of each row: the facet with most elements eliminated exactly, the others taken as independent."""
    sizes = [design.size(f) for f in range(len(design.facets))]
    main = int(np.argmax(sizes))
    own = np.maximum(information.diagonal[main], 1e-300)
    spread, rows = 1.0 / own, np.zeros(design.n)
    for f in range(len(sizes)):
        if f == main:
            continue
        pattern = layout.patterns[min(f, main), max(f, main)]
        block = information.cross[min(f, main), max(f, main)]
        shared = np.abs(block.matrix.data if isinstance(block, Sparse) else block)
        first = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.pointer))
        of_main, of_other = (first, pattern.column) if main < f else (pattern.column, first)
        left = information.diagonal[f] - totals(of_other, shared**2 / own[of_main], sizes[f])
        known = left > 1e-6 * information.diagonal[f]
        variance = np.where(known, 1.0 / np.where(known, left, 1.0), 0.0)
        spread = spread + totals(of_main, (shared / own[of_main]) ** 2 * variance[of_other], sizes[main])
        rows += variance[design.codes[f]] * (1 - 2 * shared[pattern.ids] / own[design.codes[main]])
    return np.asarray(np.maximum(spread[design.codes[main]] + rows, 0.0), dtype=np.float64)
