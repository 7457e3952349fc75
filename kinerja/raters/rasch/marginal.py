"""Marginal maximum likelihood: ratees are a sample of a normal distribution and are integrated out.

    L = product over ratees of the integral of prod P(x | theta) N(theta; mean, sd^2) d theta

Newton's matrix comes from Louis' identity (1982, JRSS B 44, 226-233): the information of complete data less that of
what is missing, the covariance of the scores over the posterior. Scores are nearly linear in theta there, which gives
the same sparse system as the joint method, with the inverse posterior variance as each ratee's own information.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kinerja.raters.rasch.design import Bools, Design, Floats, Scale, totals
from kinerja.raters.rasch.information import Constraint, Information, Layout, solve
from kinerja.raters.rasch.joint import Setting, build_constraint, model_layout, start_measures
from kinerja.raters.rasch.links import Links
from kinerja.raters.rasch.model import start_kappa
from kinerja.raters.rasch.posterior import Posterior, RateeRows, posterior_means
from kinerja.raters.rasch.variance import Variances
from kinerja.results import Convergence

ROUGH_NODES = 7
"""Nodes while the parameters are still far from the solution."""

NEAR = 0.01
"""Once a step is shorter (logits) the matrix stays as it is and the full number of nodes is used."""

NODE_CHANGE = 0.02
"""A fall of the log likelihood, relative to the number of ratees in thousands, that is the moving nodes' doing."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """Mean and SD of the ratees' distribution, by subset."""

    table: pd.DataFrame


@dataclass(frozen=True, eq=False, kw_only=True)
class Expectation:
    """Of each row, averaged over its ratee's posterior: expected score, its variance given theta, (x - E)^2 and that
    over the variance. Averaged so, squared residuals have the expectation that the fit statistics suppose."""

    score: Floats
    score_variance: Floats
    squared: Floats
    standardised: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class MarginalFit:
    """The maximum; measures of the ratee facet are posterior means (EAP)."""

    measures: list[Floats]
    kappa: Floats
    mean: float
    sd: float
    expectation: Expectation
    information: Information
    layout: Layout
    constraint: Constraint
    log_likelihood: float
    convergence: Convergence

    def population(
        self, before: list[Floats], after: list[Floats], links: Links, variances: Variances, ratee: int
    ) -> Population:
        """Mean and SD of each subset's ratees, after the measures were centred.

        With several subsets each has its own mean, whose SE is left out: it rests on the raters' zero, a convention.
        """
        shift, subset = after[ratee] - before[ratee], links.subset[ratee]
        several = links.n_subsets > 1
        rows = []
        for number in range(links.n_subsets):
            inside = np.flatnonzero(subset == number)
            mean = self.mean + (float(shift[inside[0]]) if len(inside) else 0.0)
            error = float(np.sqrt(variances.single[0])) if not several else np.nan
            rows.append((number + 1, len(inside), mean, error, self.sd, self.sd * float(np.sqrt(variances.single[1]))))
        columns = ["subset", "n", "estimate", "std_error", "sd", "sd_std_error"]
        return Population(table=pd.DataFrame(rows, columns=columns))


def fit_marginal(
    design: Design, scale: Scale, ratee: int, threshold_facet: int | None, setting: Setting, idle: tuple[Bools, ...],
    nodes: int,
) -> MarginalFit:  # fmt: skip
    """Maximise the marginal likelihood over the rows of `design`."""
    rows = RateeRows(design, scale, ratee)
    layout = model_layout(design, threshold_facet, scale.used.shape[1], extra=2)
    constraint = _constraint(layout, scale, setting, idle, ratee)
    there = ~idle[ratee]
    point = _start(design, scale, setting, ratee, there)
    place = np.full(len(there), point.mean), np.full(len(there), point.sd)
    best, change, code, step = -np.inf, np.inf, "maximum_iterations", np.zeros(layout.n)
    information: Information | None = None
    trace: list[float] = []
    standing = 2  # passes in which the nodes find the posteriors while the parameters stand still
    while len(trace) < setting.maximum_iterations:
        near = change < NEAR
        found = posterior_means(rows, point.measures, point.kappa, point.mean, point.sd, place,
                                nodes if near else min(ROUGH_NODES, nodes), full=not near and not standing)  # fmt: skip
        place = found.mean, np.sqrt(np.maximum(found.variance, 1e-8))
        if standing:
            standing -= 1
            continue
        value = float(found.log_likelihood.sum())
        trace.append(-value)
        if value < best - NODE_CHANGE * (1 + len(there) / 1000) - 1e-4 * abs(best) * (not near):
            step, change = step / 2, np.inf
            point = point.moved(layout, scale, ratee, -step)
            continue
        best = value if near else max(best, value)
        if change < setting.tolerance:
            code = "tolerance"
            break
        if not near:
            information = _information(rows, layout, found, point, there)
        assert information is not None
        gradient = _gradient(rows, layout, found, point, there)
        step, _ = solve(information, gradient, constraint, tolerance=min(1e-3, max(change * 1e-2, 1e-8)))
        step[layout.block(ratee)] = 0.0
        change = float(np.abs(step).max(initial=0.0))
        step *= min(1.0, 1.0 / max(change, 1e-300))
        point = point.moved(layout, scale, ratee, step)
    found = posterior_means(rows, point.measures, point.kappa, point.mean, point.sd, place, nodes, full=True, last=True)
    point.measures[ratee] = np.where(there, found.mean, 0.0)
    done = Convergence(converged=code == "tolerance", iterations=len(trace), tolerance=setting.tolerance,
                       change=change, code=code, trace=tuple(trace))  # fmt: skip
    return MarginalFit(
        measures=point.measures, kappa=point.kappa, mean=point.mean, sd=point.sd, expectation=_expectation(rows, found),
        information=_information(rows, layout, found, point, there), layout=layout, constraint=constraint,
        log_likelihood=float(found.log_likelihood.sum()), convergence=done,
    )  # fmt: skip


def _start(design: Design, scale: Scale, setting: Setting, ratee: int, there: Bools) -> _Point:
    measures = start_measures(design, scale, setting)
    spread = max(0.8 * float(measures[ratee][there].std()), 0.3)
    return _Point(measures=measures, kappa=start_kappa(scale, design.weight), mean=float(measures[ratee][there].mean()),
                  log_sd=float(np.log(spread)))  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class _Point:
    """Where the search stands."""

    measures: list[Floats]
    kappa: Floats
    mean: float
    log_sd: float

    @property
    def sd(self) -> float:
        return float(np.exp(self.log_sd))

    def moved(self, layout: Layout, scale: Scale, ratee: int, step: Floats) -> _Point:
        facets = len(self.measures)
        measures = [m if f == ratee else m + step[layout.block(f)] for f, m in enumerate(self.measures)]
        kappa = self.kappa.copy()
        for c in range(1, kappa.shape[1] - 1):
            kappa[:, c] += step[layout.block(facets + c - 1)]
        return _Point(measures=measures, kappa=np.where(scale.used, kappa, np.inf), mean=self.mean + float(step[-2]),
                      log_sd=self.log_sd + float(step[-1]))  # fmt: skip


def _expectation(rows: RateeRows, found: Posterior) -> Expectation:
    scores = rows.scale.scores
    return Expectation(score=rows.back(found.score(scores)), score_variance=rows.back(found.score_variance(scores)),
                       squared=rows.back(found.squared), standardised=rows.back(found.standardised))  # fmt: skip


def _constraint(layout: Layout, scale: Scale, setting: Setting, idle: tuple[Bools, ...], ratee: int) -> Constraint:
    """As in the joint method; the ratees' mean stays where it starts while another facet floats as a whole.

    Mean and that facet then shift together without a change of the likelihood; centring afterwards moves both.
    """
    constraint = build_constraint(layout, scale, setting, idle)
    grouped = {f for f, _, _ in setting.groups}
    floating = [
        f for f, anchored in enumerate(setting.anchored) if f != ratee and not anchored.any() and f not in grouped
    ]
    constraint.fixed[-2] = bool(floating)
    return constraint


def _gradient(rows: RateeRows, layout: Layout, found: Posterior, point: _Point, there: Bools) -> Floats:
    """Fisher's identity: the posterior mean of the complete-data score; zero for the ratees themselves."""
    w, scores, signs = rows.weight, rows.scale.scores, rows.design.signs
    facets = len(signs)
    residual = w * (rows.observed - found.score(scores))
    parts = [
        np.zeros(layout.sizes[f]) if f == rows.ratee else signs[f] * _sums(rows, layout, f, residual)
        for f in range(facets)
    ]
    for c in range(1, len(scores) - 1):
        parts.append(_sums(rows, layout, layout.sources[facets], w * (found.category[c] - (rows.category == c))))
    deviation = (found.mean - point.mean)[there]
    variance = point.sd**2
    parts.append(np.array([deviation.sum() / variance, ((deviation**2 + found.variance[there]) / variance - 1).sum()]))
    return np.concatenate(parts)


def _information(rows: RateeRows, layout: Layout, found: Posterior, point: _Point, there: Bools) -> Information:
    """Complete-data information; the ratees' own part turns the Schur complement into Louis' matrix."""
    signs, facets, ratee, w = rows.design.signs, len(rows.design.signs), rows.ratee, rows.weight
    scores, home = rows.scale.scores, layout.sources[facets]
    precise = 1 / np.maximum(found.variance, 1e-12)
    missing = w * precise[rows.code] * signs[ratee]
    lean, complete = missing * (scores @ found.lean), w * found.score_variance(scores)
    diagonal = [
        np.where(there, precise, 0.0) if f == ratee else _sums(rows, layout, f, complete) for f in range(facets)
    ]
    same, cross = {}, {}
    for i, j in layout.patterns:
        if j < facets:
            values = (lean if ratee in (i, j) else complete) * (signs[i] * signs[j])
            cross[i, j] = layout.cross(i, j, rows.back(values))
    for c in range(1, len(scores) - 1):
        block, of_category = facets + c - 1, w * found.with_score(scores, c)
        diagonal.append(_sums(rows, layout, home, w * (found.category[c] - found.products[c, c])))
        for f in range(facets):
            values = -signs[f] * (missing * found.lean[c] if f == ratee else of_category)
            if f == home:
                same[f, block] = _sums(rows, layout, f, values)
            elif f < home:
                cross[f, block] = layout.cross(f, home, rows.back(values))
            else:
                cross[block, f] = layout.cross(home, f, rows.back(values))
        for d in range(c + 1, len(scores) - 1):
            same[block, facets + d - 1] = -_sums(rows, layout, home, w * found.products[c, d])
    _distribution(layout, found, point, there, ratee, precise, diagonal, same, cross)
    return Information(layout=layout, diagonal=diagonal, same=same, cross=cross)


def _distribution(
    layout: Layout, found: Posterior, point: _Point, there: Bools, ratee: int, precise: Floats, diagonal: list[Floats],
    same: dict[tuple[int, int], Floats], cross: dict[tuple[int, int], Any],
) -> None:  # fmt: skip
    """Adds the blocks of the ratees' mean and log SD. The score for the latter is quadratic in theta: what the linear
    part misses is taken off its diagonal."""
    mean, log_sd = len(layout.sources) - 2, len(layout.sources) - 1
    variance = point.sd**2
    deviation, spread = (found.mean - point.mean)[there], found.variance[there]
    beyond_linear = found.spread_square[there] - found.lean_square[there] ** 2 / spread
    curvature = (2 * (deviation**2 + spread) / variance - beyond_linear / variance**2).sum()
    diagonal += [np.array([there.sum() / variance]), np.array([curvature])]
    same[mean, log_sd] = np.array([2 * deviation.sum() / variance])
    cross[ratee, mean] = np.where(there, -1 / variance, 0.0)
    cross[ratee, log_sd] = np.where(there, -found.lean_square * precise / variance, 0.0)


def _sums(rows: RateeRows, layout: Layout, source: int, values: Floats) -> Floats:
    if layout.sizes[source] == 1:
        return np.array([values.sum()])
    return totals(rows.codes[source], values, layout.sizes[source])
