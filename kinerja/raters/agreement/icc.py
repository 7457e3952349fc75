"""Intraclass correlations of McGraw & Wong (1996, Psychological Methods 1, 30-46; correction p. 390), F intervals.

n subjects, k raters. Mean squares of the two-way table: rows (subjects) MSR, columns (raters) MSC, error MSE; of the
one-way layout: MSR and within MSW. "1" is the reliability of one rater's rating, "k" of the mean of k raters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False, kw_only=True)
class Icc:
    """estimate with its limits; n subjects; k raters (effective mean where unequal)."""

    estimate: float
    conf_low: float
    conf_high: float
    n: int
    k: float


def icc_one_way(subject: Ints, rating: Floats, confidence: float) -> tuple[Icc, Icc]:
    """ICC(1) and ICC(k): the raters of each subject are others; numbers of raters may differ.

    With unequal numbers k is Donner's (1986) k0 = (N - sum m_i^2 / N) / (n - 1), and the F interval is approximate.
    """
    m = np.bincount(subject).astype(float)
    n, total = len(m), float(m.sum())
    mean = np.bincount(subject, rating) / m
    msr = float((m * (mean - rating.mean()) ** 2).sum() / (n - 1))
    msw = float(((rating - mean[subject]) ** 2).sum() / (total - n))
    k = float((total - (m**2).sum() / total) / (n - 1))
    return _exact(msr, msw, n, k, total - n, confidence)


def icc_two_way(table: Floats, confidence: float) -> dict[str, Icc]:
    """ICC(C,1), ICC(C,k) (consistency) and ICC(A,1), ICC(A,k) (absolute agreement) of a complete (n, k) table.

    The formulas are the same for raters drawn at random (case 2) and for these raters only (case 3).
    """
    n, k = table.shape
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    msr = float(k * rows.var(ddof=1))
    msc = float(n * columns.var(ddof=1))
    residual = table - rows[:, None] - columns + table.mean()
    mse = float((residual**2).sum() / ((n - 1) * (k - 1)))
    single, mean = _exact(msr, mse, n, float(k), (n - 1) * (k - 1), confidence)
    agreement, agreement_mean = _absolute(msr, msc, mse, n, k, confidence)
    return {"c_1": single, "c_k": mean, "a_1": agreement, "a_k": agreement_mean}


def _exact(msr: float, mse: float, n: int, k: float, freedom: float, confidence: float) -> tuple[Icc, Icc]:
    """(F - 1) / (F + k - 1) and 1 - 1 / F; limits from F over and times its quantiles (exact when balanced)."""
    with np.errstate(divide="ignore"):
        f = np.divide(msr, mse)
    upper = (1 + confidence) / 2
    low, high = f / stats.f.ppf(upper, n - 1, freedom), f * stats.f.ppf(upper, freedom, n - 1)
    single = [1.0 if np.isinf(x) else float((x - 1) / (x + k - 1)) for x in (f, low, high)]
    mean = [1.0 if np.isinf(x) else float(1 - 1 / x) if x > 0 else -np.inf for x in (f, low, high)]
    return _icc(single, n, k), _icc(mean, n, k)


def _absolute(msr: float, msc: float, mse: float, n: int, k: int, confidence: float) -> tuple[Icc, Icc]:
    """ICC(A,1), ICC(A,k) with Satterthwaite's degrees of freedom v (McGraw & Wong, table 7)."""
    if msc == 0 and mse == 0:  # all raters gave the same: 1, as in `_exact`; nothing where all subjects are alike too
        perfect = [1.0 if msr > 0 else np.nan] * 3
        return _icc(perfect, n, float(k)), _icc(perfect, n, float(k))
    r = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
    a, b = k * r / (n * (1 - r)), 1 + k * r * (n - 1) / (n * (1 - r))
    v = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    upper = (1 + confidence) / 2
    f_low, f_high = stats.f.ppf(upper, n - 1, v), stats.f.ppf(upper, v, n - 1)
    rest = k * msc + (k * n - k - n) * mse
    low = n * (msr - f_low * mse) / (f_low * rest + n * msr)
    high = n * (f_high * msr - mse) / (rest + n * f_high * msr)
    single = [float(r), float(low), float(high)]
    return _icc(single, n, float(k)), _icc([k * x / (1 + (k - 1) * x) for x in single], n, float(k))


def _icc(values: list[float], n: int, k: float) -> Icc:
    return Icc(estimate=values[0], conf_low=values[1], conf_high=values[2], n=n, k=k)
