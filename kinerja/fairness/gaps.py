"""Two means side by side: Welch's interval and p, the standardised gap, persons who would flip it, what could be
detected.

Also the price of evaluating people in teams: how far colleagues under one supervisor speak with one voice
(`cluster_effect`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq
from scipy.special import gammaln

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class MeanGap:
    """The difference of two means, in the unit of the outcome; positive = the group is higher than the reference.

    Fields
    ------
    n, m : persons in the group and the reference
    mean_group, mean_reference, difference, std_error, df, p : Welch's test, df after Satterthwaite
    conf_low, conf_high : of the difference
    standardised_gap : Hedges' g, the difference over the pooled standard deviation, corrected for small n
    """

    n: int
    m: int
    mean_group: float
    mean_reference: float
    difference: float
    std_error: float
    df: float
    p: float
    conf_low: float
    conf_high: float
    standardised_gap: float


def estimate_mean_gap(group: Array, reference: Array, *, confidence: float = 0.95) -> MeanGap | None:
    """Welch's comparison of two samples; None where it has no error to go by (under two persons, or no variation at
    all).
    """
    n, m = len(group), len(reference)
    if n < 2 or m < 2:
        return None
    variance, other = float(np.var(group, ddof=1)), float(np.var(reference, ddof=1))
    scale = max(abs(float(np.max(group))), abs(float(np.max(reference))), 1e-300)
    if variance + other <= (1e-12 * scale) ** 2:
        return None
    difference = float(np.mean(group) - np.mean(reference))
    std_error, df = welch_error(variance, n, other, m)
    half = float(stats.t.ppf((1 + confidence) / 2, df)) * std_error
    return MeanGap(
        n=n,
        m=m,
        mean_group=float(np.mean(group)),
        mean_reference=float(np.mean(reference)),
        difference=difference,
        std_error=std_error,
        df=df,
        p=float(2 * stats.t.sf(abs(difference) / std_error, df)),
        conf_low=difference - half,
        conf_high=difference + half,
        standardised_gap=hedges_g(difference, variance, n, other, m),
    )


def welch_error(variance: float, n: int, other: float, m: int) -> tuple[float, float]:
    """Standard error of a difference of means and its degrees of freedom (Welch 1947; Satterthwaite 1946)."""
    first, second = variance / n, other / m
    total = first + second
    return float(np.sqrt(total)), float(total**2 / (first**2 / (n - 1) + second**2 / (m - 1)))


def hedges_g(difference: float, variance: float, n: int, other: float, m: int) -> float:
    """Difference over the pooled standard deviation times Hedges' exact correction (Hedges 1981)."""
    df = n + m - 2
    pooled = np.sqrt(((n - 1) * variance + (m - 1) * other) / df)
    correction = np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2)
    return float(difference / pooled * correction)


def detectable_mean(std_error: float, df: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """The smallest true difference that Welch's test finds with the chance `power`, given this standard error
    (noncentral t).
    """
    limit = float(stats.t.ppf(1 - level / 2, df))

    def missing(distance: float) -> float:
        return float(_beyond(limit, df, distance)) - power

    end = limit + 1.0
    while missing(end) < 0:
        end *= 1.5
    return float(brentq(missing, 0.0, end, xtol=1e-9)) * std_error


def mean_power(difference: float, std_error: float, df: float, *, level: float = 0.05) -> float:
    """Chance that the two-sided test finds a true difference of this size."""
    return float(_beyond(float(stats.t.ppf(1 - level / 2, df)), df, abs(difference) / std_error))


def mean_flips(group: Array, reference: Array, *, level: float = 0.05) -> int | None:
    """The smallest number of persons without whom Welch's p would be on the other side of `level`.

    The persons set aside are those at the ends that matter: who make the gap, where it is shown; who stand against
    it, where it is not. None where no number of them does it (two persons a side stay).
    """
    if group.mean() > reference.mean():
        group, reference = reference, group
    gap = estimate_mean_gap(group, reference)
    if gap is None:
        return None
    shown = gap.p < level
    low, high = np.sort(group), np.sort(reference)[::-1]
    if not shown:
        low, high = low[::-1], high[::-1]
    return _fewest(_Ends(low), _Ends(high), shown, level)


@dataclass(frozen=True, eq=False, kw_only=True)
class ClusterEffect:
    """What it costs that persons under one supervisor are alike.

    Fields
    ------
    icc : share of variance between supervisors, inside groups (0 where the data show none)
    deff : variance of the comparison over that of independent persons, at least 1
    df : degrees of freedom of its error
    clusters : supervisors
    """

    icc: float
    deff: float
    df: float
    clusters: int


def cluster_effect(values: Array, in_group: NDArray[np.bool_], cluster: NDArray[np.int64]) -> ClusterEffect:
    """Design effect of the difference of two means where persons come in clusters.

    values : (N,) outcome; in_group : (N,) True in the group, False in the reference; cluster : (N,) supervisors, 0..G-1
    """
    weights = np.where(in_group, 1 / max(in_group.sum(), 1), -1 / max((~in_group).sum(), 1))
    residuals = values - np.where(in_group, values[in_group].mean(), values[~in_group].mean())
    return contrast_effect(residuals, weights, cluster)


def contrast_effect(residuals: Array, weights: Array, cluster: NDArray[np.int64]) -> ClusterEffect:
    """Design effect of a comparison `weights @ values` (Moulton 1986; Kish's deff, for a contrast).

    With u the weights and U their sum in a supervisor's team, the variance is s2 [(1-icc) sum u^2 + icc sum U^2]:
    nothing is lost where each supervisor has both groups in equal shares, most where a group sits under few
    supervisors.
    """
    n, groups = len(residuals), int(cluster.max()) + 1
    sums = np.bincount(cluster, weights, groups)
    alone, together = float(weights @ weights), float((sums**2).sum())
    # the comparison itself took this share of its one degree of freedom from between the clusters
    taken = float((sums**2 / np.bincount(cluster, minlength=groups)).sum()) / alone
    icc = _intraclass(residuals, cluster, groups, taken)
    deff = 1 + icc * (together / alone - 1)
    if deff <= 1:
        return ClusterEffect(icc=icc, deff=1.0, df=float(max(n - 2, 1)), clusters=groups)
    within, between = (1 - icc) * alone, icc * together
    df = (within + between) ** 2 / (within**2 / max(n - groups, 1) + between**2 / max(groups - 2, 1))
    return ClusterEffect(icc=icc, deff=deff, df=df, clusters=groups)


def clustered_p(p: float, effect: ClusterEffect) -> float:
    """The p of the same comparison with its error widened by the design effect; unchanged where there is none."""
    if effect.deff <= 1:
        return p
    z = float(stats.norm.isf(p / 2))
    return max(p, float(2 * stats.t.sf(z / np.sqrt(effect.deff), effect.df)))


def _intraclass(residuals: Array, cluster: NDArray[np.int64], groups: int, taken: float) -> float:
    """Intraclass correlation from the one-way analysis of variance, 0 where it is negative or cannot be had."""
    n = len(residuals)
    sizes = np.bincount(cluster, minlength=groups)
    df, df_within = groups - 1 - taken, n - groups - (1 - taken)
    if df <= 0 or df_within <= 0:
        return 0.0
    means = np.bincount(cluster, residuals, groups) / sizes
    within = float(((residuals - means[cluster]) ** 2).sum()) / df_within
    between = float((sizes * (means - residuals.mean()) ** 2).sum()) / df
    typical = (n - float((sizes**2).sum()) / n) / (groups - 1)
    variance = (between - within) / typical
    return variance / (variance + within) if variance > 0 else 0.0


def _beyond(limit: float, df: float, distance: float) -> float:
    if df > 1000:  # the noncentral t is slow and unsteady there, and normal to four digits
        return float(stats.norm.sf(limit - distance) + stats.norm.cdf(-limit - distance))
    # far from zero the other tail is below any digit and scipy returns NaN for it
    return float(stats.nct.sf(limit, df, distance) + np.nan_to_num(stats.nct.cdf(-limit, df, distance)))


class _Ends:
    """Mean and variance of a sample after its first k values are set aside, for every k, from running sums."""

    def __init__(self, ordered: Array) -> None:
        centred = ordered - ordered.mean()
        self.shift = float(ordered.mean())
        self.size = len(ordered)
        self.sums = np.concatenate([np.cumsum(centred[::-1])[::-1], [0.0]])
        self.squares = np.concatenate([np.cumsum(centred[::-1] ** 2)[::-1], [0.0]])

    def without(self, count: NDArray[np.int64]) -> tuple[Array, Array, Array]:
        left = (self.size - count).astype(float)
        mean = self.sums[count] / left
        variance = np.maximum(self.squares[count] - left * mean**2, 0.0) / (left - 1)
        return mean + self.shift, variance, left


def _fewest(group: _Ends, reference: _Ends, shown: bool, level: float) -> int | None:
    for count in range(1, group.size + reference.size - 3):
        first = np.arange(max(0, count - reference.size + 2), min(count, group.size - 2) + 1)
        mean, variance, n = group.without(first)
        other_mean, other, m = reference.without(count - first)
        a, b = variance / n, other / m
        usable = a + b > 0
        if not usable.any():
            return None
        difference = (mean - other_mean)[usable]
        a, b, n, m = a[usable], b[usable], n[usable], m[usable]
        df = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
        p = 2 * stats.t.sf(np.abs(difference) / np.sqrt(a + b), df)
        # a gap of the other sign is no confirmation of this one
        if (shown and (p >= level).any()) or (not shown and ((p < level) & (difference < 0)).any()):
            return count
    return None
