"""Intervals of variance components: where the profiled criterion rises by the quantile of chi-square."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from kinerja.raters.mixed.design import MixedDesign
from kinerja.raters.mixed.optimise import Optimum, optimise, zero_scale

Floats = NDArray[np.float64]

STEPS = 30
ENOUGH = 1e-4
"""The search ends when the root of the rise is this near to the root of the quantile (1.96)."""


def profile_interval(
    design: MixedDesign, best: Optimum, at: int, *, reml: bool, confidence: float
) -> tuple[float, float]:
    """Limits of variance `at`: the criterion, minimised over the other variances, is the quantile above its minimum.

    Searched on the standard deviation, where the root of the rise is nearly a straight line. A lower limit of 0 says
    that the data do not rule out that there is no such variance. NaN where the search does not end.
    """
    limit = float(np.sqrt(stats.chi2.ppf(confidence, 1)))

    def rise(deviation: float) -> float:
        found = optimise(design, reml=reml, start=best.variances, held={at: deviation**2}, tolerance=1e-4)
        return float(np.sqrt(max(found.criterion - best.criterion, 0.0)))

    middle = float(np.sqrt(best.variances[at]))
    if middle > 0:
        reach = limit * float(np.sqrt(2 / best.information[at, at])) / (2 * middle)
    else:
        reach = float(np.sqrt(zero_scale(design, best.variances[0], at)))
    high = _crossing(rise, middle, middle + reach, limit)
    if at > 0 and (middle == 0 or rise(0.0) <= limit):
        return 0.0, high**2
    return _crossing(rise, middle, max(middle - reach, 0.5 * middle), limit) ** 2, high**2


def _crossing(rise: Callable[[float], float], middle: float, guess: float, limit: float) -> float:
    """Where the rise, 0 at `middle`, reaches `limit`: secant steps, on one side of `middle`."""
    inside, inside_rise, outside, outside_rise = middle, 0.0, np.nan, np.nan
    for _ in range(STEPS):
        height = rise(guess)
        if abs(height - limit) < ENOUGH:
            return guess
        if height < limit:
            inside, inside_rise = guess, height
        else:
            outside, outside_rise = guess, height
        if np.isnan(outside):
            # no point beyond the limit yet: extend the line, at most to the double distance, below never under a fifth
            factor = min(limit / max(height, 1e-8), 2.0) * 1.02
            guess = max(middle + (guess - middle) * factor, 0.2 * guess)
        else:
            guess = inside + (limit - inside_rise) * (outside - inside) / (outside_rise - inside_rise)
    return np.nan
