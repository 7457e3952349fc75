"""Survey statistics: variance of means under a design, intervals that stay on the scale, chance of each grade.

Variance after Särndal, Swensson & Wretman (1992), sections 5.5 and 5.7: the mean is replaced by its influence values,
whose total's variance is taken over primary sampling units within strata, with the finite population correction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class DesignMean:
    """A mean under a design.

    Fields
    ------
    mean, total : weighted mean of the values; their weighted total
    std_error, total_std_error : of these
    df : primary sampling units less strata
    n : observations; deff: variance of the mean divided by that of a simple random sample of n
    effective_n : Kish's (sum of weights)^2 / sum of squared weights
    """

    mean: float
    total: float
    std_error: float
    total_std_error: float
    df: int
    n: int
    deff: float
    effective_n: float


def estimate_mean(
    values: Floats,
    *,
    weights: Floats | None = None,
    stratum: Integers | None = None,
    psu: Integers | None = None,
    population: Floats | None = None,
) -> DesignMean:
    """Mean and total of values (n,) under a stratified, clustered, weighted design.

    weights : (n,) one divided by the inclusion probability; None counts each once
    stratum, psu : (n,) codes; a psu belongs to one stratum
    population : (n,) number of psu in the population of the observation's stratum (finite population correction);
        None: infinite
    With psu and population, weights are one divided by the inclusion probability (their sum is the population's size).
    A stratum with one psu gives no variance: the standard error is then NaN, never zero.
    """
    n = len(values)
    weight = np.ones(n) if weights is None else weights
    strata = np.zeros(n, np.int64) if stratum is None else stratum
    units = np.arange(n, dtype=np.int64) if psu is None else psu
    size = weight.sum()
    mean = float((weight * values).sum() / size)
    sampled = None if population is None else population
    variance, df = design_variance(weight * (values - mean) / size, strata, units, sampled)
    total_variance, _ = design_variance(weight * values, strata, units, sampled)
    spread = float((weight * (values - mean) ** 2).sum() / size) * n / (n - 1) if n > 1 else float("nan")
    simple = spread / n
    if population is not None:
        simple *= 1 - n / (float(size) if psu is not None else _elements(strata, population))
    return DesignMean(
        mean=mean,
        total=float((weight * values).sum()),
        std_error=float(np.sqrt(variance)),
        total_std_error=float(np.sqrt(total_variance)),
        df=df,
        n=n,
        deff=variance / simple if simple > 0 else float("nan"),
        effective_n=kish_effective_n(weight),
    )


def _elements(stratum: Integers, population: Floats) -> float:
    """Size of the population of an unclustered design."""
    return float(np.unique(np.stack([stratum, population]), axis=1)[1].sum())


def design_variance(
    influence: Floats, stratum: Integers, psu: Integers, population: Floats | None = None
) -> tuple[float, int]:
    """Variance of the sum of influence values (n,), and its degrees of freedom; NaN where a stratum has a single psu.

    Sum over strata h of (1 - n_h/N_h) n_h/(n_h - 1) sum over psu of (psu sum - mean of psu sums)^2.
    """
    pairs, unit_of = np.unique(np.stack([stratum, psu]), axis=1, return_inverse=True)
    sums = np.bincount(unit_of.ravel(), influence, pairs.shape[1])
    _, code = np.unique(pairs[0], return_inverse=True)
    count = np.bincount(code)
    centred = sums - (np.bincount(code, sums) / count)[code]
    fraction = np.zeros(len(count))
    if population is not None:
        size_of_psu = np.full(pairs.shape[1], np.nan)
        size_of_psu[unit_of.ravel()] = population
        sizes = np.full(len(count), np.nan)
        sizes[code] = size_of_psu
        fraction = np.where(np.isfinite(sizes), count / sizes, 0.0)
    within = np.bincount(code, centred**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_stratum = np.where(fraction >= 1, 0.0, (1 - fraction) * count / (count - 1) * within)
    lonely = (count == 1) & (fraction < 1)
    variance = float("nan") if lonely.any() else float(by_stratum.sum())
    return variance, int(count.sum() - len(count))


def kish_effective_n(weights: Floats) -> float:
    """(sum of weights)^2 / sum of squared weights; NaN without weight."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else float("nan")


def logit_interval(
    estimate: Floats, std_error: Floats, df: Floats, bounds: tuple[float, float], confidence: float
) -> tuple[Floats, Floats]:
    """Limits on the scale between `bounds`: a t interval of the logit, back-transformed (as R's svyciprop, method
    logit).

    Near the ends of the scale the ordinary interval would leave it. NaN where the standard error is not positive.
    """
    centre, spread = _logit(estimate, std_error, bounds)
    reach = stats.t.ppf(0.5 + confidence / 2, df) * spread
    low, high = bounds
    return low + (high - low) * _inverse(centre - reach), low + (high - low) * _inverse(centre + reach)


def band_probabilities(
    estimate: Floats, std_error: Floats, df: Floats, bounds: tuple[float, float], limits: tuple[float, ...]
) -> Floats:
    """Chance that the true value lies in each band (n, bands), from the same t distribution of the logit as the
    interval."""
    centre, spread = _logit(estimate, std_error, bounds)
    low, high = bounds
    cuts = np.array([np.log((cut - low) / (high - cut)) for cut in limits])
    below = stats.t.cdf((cuts[None, :] - centre[:, None]) / spread[:, None], df[:, None])
    edges = np.concatenate([np.zeros((len(estimate), 1)), below, np.ones((len(estimate), 1))], axis=1)
    chance: Floats = np.diff(edges, axis=1)
    chance[~np.isfinite(spread)] = np.nan
    return chance


def _logit(estimate: Floats, std_error: Floats, bounds: tuple[float, float]) -> tuple[Floats, Floats]:
    low, high = bounds
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (estimate - low) / (high - low)
        centre = np.log(share / (1 - share))
        spread = std_error / ((high - low) * share * (1 - share))
    usable = (std_error > 0) & (share > 0) & (share < 1)
    return np.where(usable, centre, np.nan), np.where(usable, spread, np.nan)


def _inverse(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-logit))
