"""Two rates side by side: exact p, intervals of difference and ratio, persons who would flip it, what could be
detected.

Throughout: `a` of `n` persons of the group and `b` of `m` persons of the reference have the outcome (a top predikat,
say).
Every count is an integer; a comparison of a count with a limit is made in integers, never in floats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq
from scipy.special import gammaln

Array = NDArray[np.float64]
EXACT_TABLES = 100_000
"""Up to this many possible tables (n+1)(m+1) power is counted exactly; above it the normal approximation is as good."""
_TIE = 1 + 1e-7
"""Relative slack for tables of equal probability, as in R's fisher.test."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RateGap:
    """The difference of two rates.

    Fields
    ------
    a, n, b, m : persons with the outcome and persons, in the group and in the reference
    rate_group, rate_reference, difference : shares between 0 and 1; difference = group minus reference
    conf_low, conf_high : Newcombe's interval of the difference (his method 10, from the two Wilson intervals)
    ratio, ratio_low, ratio_high : rate of the group over rate of the reference; NaN where the reference's rate is 0
    standardised_gap : Cohen's h, 2 asin(sqrt(p)) - 2 asin(sqrt(q))
    p : two-sided Fisher mid-P; p_fisher : the usual two-sided Fisher p
    """

    a: int
    n: int
    b: int
    m: int
    rate_group: float
    rate_reference: float
    difference: float
    conf_low: float
    conf_high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    standardised_gap: float
    p: float
    p_fisher: float

    @property
    def below_four_fifths(self) -> bool:
        return below_four_fifths(self.a, self.n, self.b, self.m)


def estimate_rate_gap(a: int, n: int, b: int, m: int, *, confidence: float = 0.95) -> RateGap:
    """All figures of one comparison of rates; both groups must have persons (n, m > 0)."""
    low, high = newcombe_interval(a, n, b, m, confidence=confidence)
    ratio, ratio_low, ratio_high = ratio_interval(a, n, b, m, confidence=confidence)
    return RateGap(
        a=a,
        n=n,
        b=b,
        m=m,
        rate_group=a / n,
        rate_reference=b / m,
        difference=a / n - b / m,
        conf_low=low,
        conf_high=high,
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        standardised_gap=cohen_h(a / n, b / m),
        p=fisher_mid_p(a, n, b, m),
        p_fisher=fisher_p(a, n, b, m),
    )


def below_four_fifths(a: int, n: int, b: int, m: int) -> bool:
    """Whether a/n is under four fifths of b/m (UGESP 1978, 29 CFR 1607.4D), in integers: exactly 0.80 is not under it.

    A rule of thumb of another country's law, shown beside the test and never the verdict: without any true difference
    it speaks up 65 % of the time at 20 against 20 persons and a rate of 0.25 (either direction).
    """
    return 5 * a * m < 4 * b * n


def fisher_p(a: int, n: int, b: int, m: int) -> float:
    """Two-sided Fisher exact p: all tables with the same margins that are no more likely than this one."""
    x, probability = _tables(n, m, a + b)
    return float(min(1.0, probability[probability <= probability[a - x[0]] * _TIE].sum()))


def fisher_mid_p(a: int, n: int, b: int, m: int) -> float:
    """Two-sided mid-P: Fisher's p less half the probability of the table itself.

    Lancaster (1961); as used for selection rates by Biddle and Morris (2011, J. Applied Psychology 96) and
    recommended by Lydersen, Fagerland and Laake (2009, Statistics in Medicine 28): close to its nominal level where
    Fisher's is far under it.
    """
    x, probability = _tables(n, m, a + b)
    own = probability[a - x[0]]
    return float(min(1.0, probability[probability <= own * _TIE].sum() - own / 2))


def newcombe_interval(a: int, n: int, b: int, m: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a/n - b/m from the two Wilson intervals (Newcombe 1998, Statistics in Medicine 17, method 10)."""
    z = float(stats.norm.ppf((1 + confidence) / 2))
    p, q = a / n, b / m
    (l1, u1), (l2, u2) = _wilson(a, n, z), _wilson(b, m, z)
    return p - q - float(np.hypot(p - l1, u2 - q)), p - q + float(np.hypot(u1 - p, q - l2))


def ratio_interval(a: int, n: int, b: int, m: int, *, confidence: float = 0.95) -> tuple[float, float, float]:
    """Ratio of the rates and its interval: on the log scale (Katz 1978) or, where a cell is empty, the score interval.

    The log interval has no width left where everybody or nobody has the outcome; the score interval (Koopman 1984)
    keeps it.
    Returns (ratio, low, high); the ratio is NaN and the upper limit infinite where the reference's rate is 0.
    """
    z = float(stats.norm.ppf((1 + confidence) / 2))
    if min(a, n - a, b, m - b) > 0:
        ratio = (a / n) / (b / m)
        half = z * np.sqrt(1 / a - 1 / n + 1 / b - 1 / m)
        return ratio, float(ratio * np.exp(-half)), float(ratio * np.exp(half))
    if b == 0:
        low = 0.0 if a == 0 else _score_limit(a, n, b, m, z, upper=False)
        return np.nan, low, np.inf
    ratio = (a / n) / (b / m)
    low = 0.0 if a == 0 else _score_limit(a, n, b, m, z, upper=False)
    return ratio, low, _score_limit(a, n, b, m, z, upper=True)


def cohen_h(p: float, q: float) -> float:
    """Difference of two rates on the arcsine scale, comparable with a standardised difference of means (Cohen 1988)."""
    return float(2 * np.arcsin(np.sqrt(p)) - 2 * np.arcsin(np.sqrt(q)))


def flips(a: int, n: int, b: int, m: int, *, level: float = 0.05) -> int | None:
    """The smallest number of the group's persons whose outcome, if it had been the other one, would flip the mid-P's
    side of `level`.

    A small number says that the result hangs on a few persons; None where even the whole group could not flip it.
    """
    shown = fisher_mid_p(a, n, b, m) < level
    for count in range(1, n + 1):
        for moved in (a - count, a + count):
            if 0 <= moved <= n and (fisher_mid_p(moved, n, b, m) < level) != shown:
                return count
    return None


def flips_direction(a: int, n: int, b: int, m: int) -> int | None:
    """The smallest number of the group's persons whose other outcome would reverse the sign of the difference."""
    sign = np.sign(a * m - b * n)
    if sign == 0:
        return 0
    room = a if sign > 0 else n - a
    for count in range(1, room + 1):
        if np.sign((a - sign * count) * m - b * n) == -sign:
            return count
    return None


def rate_power(p: float, q: float, n: int, m: int, *, level: float = 0.05) -> float:
    """Chance that the two-sided mid-P falls under `level` where the true rates are p (group) and q (reference)."""
    if (n + 1) * (m + 1) > EXACT_TABLES:
        return _normal_power(p, q, n, m, level)
    x, y = stats.binom.pmf(np.arange(n + 1), n, p), stats.binom.pmf(np.arange(m + 1), m, q)
    return float(x @ _rejected(n, m, level) @ y)


def detectable_rate(q: float, n: int, m: int, *, level: float = 0.05, power: float = 0.8) -> tuple[float, float]:
    """The smallest difference from the reference's rate q that is found with the chance `power`, downward and upward.

    Returns (down, up), both positive; NaN where no rate between 0 and 1 is far enough (a rate of 0.05 has no room
    below it).
    """

    def missing(p: float) -> float:
        return rate_power(p, q, n, m, level=level) - power

    found = []
    for end in (0.0, 1.0):
        reachable = missing(end) > 0 and missing(q) < 0
        found.append(abs(brentq(missing, q, end, xtol=1e-6) - q) if reachable else np.nan)
    return found[0], found[1]


def _tables(n: int, m: int, total: int) -> tuple[NDArray[np.int64], Array]:
    """Possible counts of the group given all margins, and their hypergeometric probabilities."""
    x = np.arange(max(0, total - m), min(n, total) + 1)
    log = (
        gammaln(n + 1)
        - gammaln(x + 1)
        - gammaln(n - x + 1)
        + gammaln(m + 1)
        - gammaln(total - x + 1)
        - gammaln(m - total + x + 1)
    )
    probability = np.exp(log - log.max())
    return x, probability / probability.sum()


@lru_cache(maxsize=64)
def _rejected(n: int, m: int, level: float) -> Array:
    """(n+1, m+1) matrix of ones where the mid-P of the table is under `level`."""
    region = np.zeros((n + 1, m + 1))
    for total in range(n + m + 1):
        x, probability = _tables(n, m, total)
        order = np.argsort(probability)
        ordered = probability[order]
        last = np.searchsorted(ordered, ordered * _TIE, side="right")
        tail = np.concatenate([[0.0], np.cumsum(ordered)])[last]
        region[x[order], total - x[order]] = (tail - ordered / 2) < level
    region.setflags(write=False)
    return region


def _normal_power(p: float, q: float, n: int, m: int, level: float) -> float:
    pooled = (n * p + m * q) / (n + m)
    under_null = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    spread = np.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    if spread == 0:
        return float(p != q)
    limit = stats.norm.ppf(1 - level / 2) * under_null
    return float(stats.norm.sf((limit - (p - q)) / spread) + stats.norm.cdf((-limit - (p - q)) / spread))


def _wilson(count: int, size: int, z: float) -> tuple[float, float]:
    centre = (count + z * z / 2) / (size + z * z)
    half = z / (size + z * z) * float(np.sqrt(count * (size - count) / size + z * z / 4))
    return max(0.0, centre - half), min(1.0, centre + half)


def _score_limit(a: int, n: int, b: int, m: int, z: float, *, upper: bool) -> float:
    """Where Koopman's chi-square equals z squared, above or below the ratio (Koopman 1984, Biometrics 40)."""
    start = (a / n) / (b / m) if b else 1.0

    def excess(log_ratio: float) -> float:
        return _score_chi2(a, n, b, m, float(np.exp(log_ratio))) - z * z

    inside = np.log(start) if start > 0 else np.log(0.5 / n / ((b + 0.5) / m))
    if a == 0 or b == 0:
        inside = _nearest(excess, inside)
    outside = inside
    for _ in range(200):
        outside += 0.5 if upper else -0.5
        if excess(outside) > 0:
            return float(np.exp(brentq(excess, inside, outside, xtol=1e-10)))
    return np.inf if upper else 0.0


def _nearest(excess: Callable[[float], float], start: float) -> float:
    """A log ratio inside the interval, looked for on both sides of `start`."""
    for step in np.arange(0, 60, 0.25):
        for candidate in (start - step, start + step):
            if excess(candidate) < 0:
                return float(candidate)
    return start


def _score_chi2(a: int, n: int, b: int, m: int, ratio: float) -> float:
    """Koopman's statistic: both rates estimated under rate_group = ratio * rate_reference."""
    first = (n + m) * ratio
    second = n * ratio + a + m + b * ratio
    root = np.sqrt(max(second * second - 4 * first * (a + b), 0.0))
    reference = (second - root) / (2 * first)
    group = min(ratio * reference, 1.0)
    return _chi2_part(a, n, group) + _chi2_part(b, m, reference)


def _chi2_part(count: int, size: int, rate: float) -> float:
    """(count - expected)^2 / variance; at a rate of 0 or 1 its limit, 0 where the count agrees."""
    off = count - size * rate
    if abs(off) < 1e-9 * size:
        return 0.0
    variance = size * rate * (1 - rate)
    return off * off / variance if variance > 0 else np.inf
