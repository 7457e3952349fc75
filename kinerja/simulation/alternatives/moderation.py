"""Statistical moderation as examination boards do it: a group's marks take over an outside anchor's distribution.

HSC (New South Wales) moderates by a parabola through mean, top and bottom; HKEAA and VCAA by mean and standard
deviation; equipercentile equating is that of Kolen & Brennan 2014, chapter 2. Arguments are marks of one group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kinerja.errors import EstimationError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Parabola:
    """y = a + b x + c x^2 with its slope at the lowest and the highest mark; `monotone` where both are positive."""

    a: float
    b: float
    c: float
    lowest_slope: float
    highest_slope: float

    @property
    def monotone(self) -> bool:
        return self.lowest_slope > 0 and self.highest_slope > 0

    def at(self, x: Floats) -> Floats:
        return np.asarray(self.a + self.b * x + self.c * x**2)


@dataclass(frozen=True, eq=False, kw_only=True)
class Line:
    """A straight line through a cloud of n points: `reliability` of x where its error is known."""

    slope: float
    intercept: float
    n: int
    reliability: float = np.nan


def moderate_linear(assessment: Floats, anchor: Floats) -> Floats:
    """The marks with the anchor's mean and standard deviation (the line of geometric mean regression)."""
    spread = assessment.std()
    if spread == 0:
        return np.full(len(assessment), anchor.mean())
    return np.asarray(anchor.mean() + (assessment - assessment.mean()) * anchor.std() / spread)


def moderate_regression(assessment: Floats, anchor: Floats) -> Floats:
    """The anchor predicted from the marks: as `moderate_linear`, shrunk by their correlation (pairs needed)."""
    line = ordinary_line(assessment, anchor)
    return np.asarray(line.intercept + line.slope * assessment)


def moderate_rank(assessment: Floats, anchor: Floats) -> Floats:
    """The best mark takes the best anchor mark, and so on; ties are broken by position, as boards forbid them."""
    moderated = np.empty(len(assessment))
    moderated[np.argsort(assessment, kind="stable")] = np.sort(anchor)
    return moderated


def moderate_quadratic(assessment: Floats, anchor: Floats) -> tuple[Floats, Parabola]:
    """The marks through the parabola that keeps the anchor's mean, top and bottom (HSC).

    Raises
    ------
    EstimationError : fewer than three different marks
    """
    if len(np.unique(assessment)) < 3:
        raise EstimationError(
            f"assessment: {len(np.unique(assessment))} different marks found, a parabola needs 3; use moderate_linear"
        )
    lowest, highest = float(assessment.min()), float(assessment.max())
    system = np.array(
        [
            [1.0, assessment.mean(), (assessment**2).mean()],
            [1.0, highest, highest**2],
            [1.0, lowest, lowest**2],
        ]
    )
    a, b, c = map(float, np.linalg.solve(system, [anchor.mean(), anchor.max(), anchor.min()]))
    parabola = Parabola(a=a, b=b, c=c, lowest_slope=b + 2 * c * lowest, highest_slope=b + 2 * c * highest)
    return parabola.at(assessment), parabola


def equipercentile(x_frequency: Floats, y_frequency: Floats) -> Floats:
    """Scores of form Y with the percentile rank of each score 0, 1, ... of form X (Kolen & Brennan, equation 2.18).

    x_frequency, y_frequency : relative or absolute frequency of the integer scores 0, 1, ...; no score is continuised
    beyond the uniform kernel of half a point on each side.

    Raises
    ------
    EstimationError : a frequency is negative, or all are zero
    """
    for name, frequency in (("x_frequency", x_frequency), ("y_frequency", y_frequency)):
        if (frequency < 0).any() or frequency.sum() <= 0:
            raise EstimationError(f"{name}: frequencies must be zero or more, and not all zero; found {frequency}")
    x_share, y_share = x_frequency / x_frequency.sum(), y_frequency / y_frequency.sum()
    rank = np.cumsum(x_share) - x_share / 2
    reached = np.cumsum(y_share)
    upper = np.minimum(np.searchsorted(reached, rank - 1e-12, side="right"), len(y_share) - 1)
    below = reached[upper] - y_share[upper]
    return np.asarray((rank - below) / y_share[upper] + upper - 0.5)


def ordinary_line(x: Floats, y: Floats) -> Line:
    """Least squares of y on x: pulled towards zero slope by error in x."""
    sxx, sxy, _ = _moments(x, y)
    return _through(x, y, sxy / sxx)


def geometric_mean_line(x: Floats, y: Floats) -> Line:
    """Ratio of standard deviations with the sign of the correlation: what mean/SD moderation amounts to."""
    sxx, sxy, syy = _moments(x, y)
    return _through(x, y, float(np.sign(sxy) * np.sqrt(syy / sxx)))


def deming_line(x: Floats, y: Floats, *, variance_ratio: float = 1.0) -> Line:
    """Orthogonal regression; `variance_ratio` = error variance of y over that of x."""
    sxx, sxy, syy = _moments(x, y)
    half = syy - variance_ratio * sxx
    return _through(x, y, float((half + np.sqrt(half**2 + 4 * variance_ratio * sxy**2)) / (2 * sxy)))


def errors_in_variables(x: Floats, y: Floats, *, error_variance: float) -> Line:
    """y on the true x where the variance of x's error is known (Fuller 1987, section 1.2).

    Raises
    ------
    EstimationError : the error is as large as all variation of x
    """
    sxx, sxy, _ = _moments(x, y)
    if not 0 <= error_variance < sxx:
        raise EstimationError(
            f"error_variance: {error_variance:g} found; it must be at least 0 and below the variance of x, {sxx:g}"
        )
    line = _through(x, y, sxy / (sxx - error_variance))
    return Line(slope=line.slope, intercept=line.intercept, n=line.n, reliability=(sxx - error_variance) / sxx)


def _moments(x: Floats, y: Floats) -> tuple[float, float, float]:
    c = np.cov(x, y)
    return float(c[0, 0]), float(c[0, 1]), float(c[1, 1])


def _through(x: Floats, y: Floats, slope: float) -> Line:
    return Line(slope=slope, intercept=float(y.mean() - slope * x.mean()), n=len(x))
