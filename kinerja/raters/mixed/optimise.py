"""Maximising the likelihood over variances: Newton steps with the average information, EM where such a step fails.

Variances are (sigma_e^2, sigma_1^2, ..., sigma_K^2), K + 1 of them, none negative. A variance whose step leads below
zero is set to zero if the criterion falls by it, and released again if the slope there asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from kinerja.errors import EstimationError
from kinerja.raters.mixed.design import MixedDesign
from kinerja.raters.mixed.likelihood import (
    Factorization,
    average_information,
    covariance_of_rest,
    criterion,
    factorize,
    score,
    traces,
)
from kinerja.results import Convergence

Floats = NDArray[np.float64]

HALVINGS = 4
EXACT = 1e-4
"""Residual variance, relative to that of the ratings, under which the terms explain them but for rounding."""

FLAT = 1e-20
"""Information on the logarithm of a variance (about its number of levels, where they differ) under which the means of
its levels differ by rounding alone. What rounding leaves has either sign: which, depends on the processor."""

SMALL = 1e-4
"""Variance, relative to what a level's mean can show, at which the slope at zero is judged."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Optimum:
    """variances (K + 1,); criterion there; information (K + 1, K + 1), its average Hessian; the factored system."""

    variances: Floats
    criterion: float
    information: Floats
    factorization: Factorization
    convergence: Convergence


def optimise(
    design: MixedDesign,
    *,
    reml: bool,
    start: Floats | None = None,
    held: Mapping[int, float] | None = None,
    tolerance: float = 1e-6,
    most_iterations: int = 100,
) -> Optimum:
    """Minimum of the criterion; `held` keeps variances (by position) at a value.

    tolerance : the iteration ends when the fall of the criterion that the Newton step promises is below it

    Raises
    ------
    EstimationError : the terms explain the ratings exactly, so that no residual is left to measure anything against
    """
    total = float(design.xx[-1, -1] / design.n)
    held = held or {}
    variances = starting_variances(design) if start is None else start.copy()
    for at, value in held.items():
        variances[at] = value
    trace: list[float] = []
    found, value = _evaluate(design, variances, reml)
    for _ in range(most_iterations):
        if not held:
            variances, value = _rescale(design, found, variances, reml)
            if variances[0] < EXACT * total:
                raise EstimationError(
                    f"mixed model: found no residual in {design.n} ratings, the terms explain them exactly; some "
                    "disagreement is needed. Leave a term or the model out."
                )
        trace.append(value)
        slope, information, em = _slopes(design, found, variances, reml)
        step, promised = _newton(slope, information, variances, held)
        if promised < tolerance:
            released = _release(design, variances, held, reml)
            if released is None:
                break
            variances = released
            found, value = _evaluate(design, variances, reml)
            continue
        variances, found, value = _advance(design, (variances, found, value), step, em, held, reml)
    converged = promised < tolerance
    if converged and promised > 0:
        # the last step is known and small: taking it costs no further slopes
        variances, found, value = _advance(design, (variances, found, value), step, em, held, reml)
        if not held:
            variances, value = _rescale(design, found, variances, reml)
    return Optimum(
        variances=variances,
        criterion=value,
        information=information,
        factorization=found,
        convergence=Convergence(
            converged=converged,
            iterations=len(trace),
            tolerance=tolerance,
            change=float(promised),
            code="tolerance" if converged else "maximum_iterations",
            trace=tuple(trace),
        ),
    )


def starting_variances(design: MixedDesign) -> Floats:
    """One-way analysis of variance of each factor by itself, kept between 2 % and 90 % of the total."""
    total = float(design.xx[-1, -1] / (design.n - 1))
    counts, sums = design.zz.diagonal(), design.zx[:, -1]
    shares = []
    for at in design.slices:
        n_k, levels = counts[at], at.stop - at.start
        between = float((sums[at] ** 2 / n_k).sum())
        within = (design.xx[-1, -1] - between) / (design.n - levels)
        size = (design.n - (n_k**2).sum() / design.n) / (levels - 1)
        shares.append(np.clip((between / (levels - 1) - within) / size / total, 0.02, 0.9))
    share = np.array(shares) * min(1.0, 0.9 / sum(shares))
    return total * np.concatenate([[1 - share.sum()], share])


def zero_scale(design: MixedDesign, residual: float, at: int) -> float:
    """Error variance of the mean of an average level: what a variance of the component is small against."""
    levels = design.slices[at - 1].stop - design.slices[at - 1].start
    return float(residual * levels / design.n)


def _evaluate(design: MixedDesign, variances: Floats, reml: bool) -> tuple[Factorization, float]:
    found = factorize(design, np.sqrt(variances[1:] / variances[0]))
    return found, criterion(design, found, float(variances[0]), reml)


def _rescale(design: MixedDesign, found: Factorization, variances: Floats, reml: bool) -> tuple[Floats, float]:
    """All variances times one factor, so that the residual variance is the best one at these ratios."""
    freedom = design.n - (len(found.beta) if reml else 0)
    return variances * (found.rss / freedom / variances[0]), criterion(design, found, None, reml)


def _slopes(design: MixedDesign, found: Factorization, variances: Floats, reml: bool) -> tuple[Floats, Floats, Floats]:
    """Slope of the criterion, its average information, and the variances after one step of EM."""
    trace = traces(design, found, covariance_of_rest(found, design), reml)
    slope = score(design, found, trace, variances, reml)
    sizes = np.array([at.stop - at.start for at in design.slices], dtype=float)
    squares = np.array([found.b[at] @ found.b[at] for at in design.slices])
    em = np.concatenate([variances[:1], (squares + variances[0] * trace) / sizes])
    return slope, average_information(design, found, variances), em


def _newton(slope: Floats, information: Floats, variances: Floats, held: Mapping[int, float]) -> tuple[Floats, float]:
    """Step to the minimum of the quadratic g'd + d'Hd / 2 over non-negative variances; twice the fall it promises.

    A variance that the step would take below zero is taken to zero, and the step of the others is found anew.
    """
    free = [i for i in range(len(variances)) if i not in held and variances[i] > 0]
    step = np.zeros(len(variances))
    flat = [i for i in free if i > 0 and not information[i, i] * variances[i] ** 2 > FLAT]
    step[flat] = -variances[flat]
    free = [i for i in free if i not in flat]
    while free:
        inner = information[np.ix_(free, free)]
        scale = np.sqrt(np.diag(inner))
        right = slope[free] + information[free] @ np.where(np.isin(np.arange(len(step)), free), 0.0, step)
        # variances that the data can hardly tell apart make the information nearly singular
        step[free] = -linalg.lstsq(inner / np.outer(scale, scale), right / scale, cond=1e-10)[0] / scale
        below = [i for i in free if i > 0 and variances[i] + step[i] <= 0]
        if not below:
            break
        step[below] = -variances[below]
        free = [i for i in free if i not in below]
    return step, max(0.0, float(-2 * slope @ step - step @ information @ step))


def _advance(
    design: MixedDesign,
    now: tuple[Floats, Factorization, float],
    step: Floats,
    em: Floats,
    held: Mapping[int, float],
    reml: bool,
) -> tuple[Floats, Factorization, float]:
    """The first of the full step, its halves and a step of EM at which the criterion does not rise."""
    variances, _, value = now
    for halving in range(HALVINGS):
        tried = np.maximum(variances + step / 2**halving, 0.0)
        tried[0] = max(tried[0], 0.1 * variances[0])
        found, reached = _evaluate(design, tried, reml)
        if reached <= value + 1e-10 * abs(value):
            return tried, found, reached
    tried = np.where([i in held for i in range(len(variances))], variances, em)
    tried = np.where(variances > 0, tried, 0.0)
    return (tried, *_evaluate(design, tried, reml))


def _release(design: MixedDesign, variances: Floats, held: Mapping[int, float], reml: bool) -> Floats | None:
    """Variances with those let go from zero where the criterion falls by it; None where it does so nowhere."""
    zeros = [i for i in range(1, len(variances)) if variances[i] == 0 and i not in held]
    if not zeros:
        return None
    nearby = variances.copy()
    for i in zeros:
        nearby[i] = SMALL * zero_scale(design, variances[0], i)
    found, _ = _evaluate(design, nearby, reml)
    slope = score(design, found, traces(design, found, covariance_of_rest(found, design), reml), nearby, reml)
    # a slope that promises less than 1e-6 over the small variance's own scale is none
    falling = [i for i in zeros if slope[i] * zero_scale(design, variances[0], i) < -1e-6]
    if not falling:
        return None
    information = average_information(design, found, nearby)
    for i in zeros:
        newton = -slope[i] / information[i, i]
        nearby[i] = min(newton, 0.1 * zero_scale(design, variances[0], i)) if i in falling else 0.0
    return nearby
