"""Statistics of one rater's ratings, each with an interval over ratees: mean, spread, shares, halo, entropy.

Every row is (estimate, std_error, conf_low, conf_high, n, status, reason) of the column contract; n counts ratees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kinerja.results import CANNOT, ESTIMATE_COLUMNS, OK

Floats = NDArray[np.float64]

STATISTICS = (
    "rater_mean",
    "rater_spread",
    "relative_spread",
    "middle_share",
    "item_spread",
    "uniform_share",
    "rater_entropy",
)
"""What is estimated of every rater and of the office, in the order of the tables."""


def describe(part: pd.DataFrame, confidence: float, office_spread: float, categories: Floats) -> pd.DataFrame:
    mean = part["mean"].to_numpy(float)
    counts = part.filter(regex=r"^count_\d+$").to_numpy(float)
    rows = {
        "rater_mean": _mean_row(mean, confidence),
        "rater_spread": spread_row(mean, confidence, 1.0),
        "relative_spread": spread_row(mean, confidence, office_spread),
        "middle_share": _share_row(_middle_share(counts), confidence, len(categories), counts.sum()),
        "item_spread": _positive_mean_row(part["item_sd"].dropna().to_numpy(float), confidence),
        "uniform_share": _share_row(part["uniform"].dropna().to_numpy(float), confidence, 2, np.inf, "one_item"),
        "rater_entropy": _entropy_row(counts, confidence),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(ESTIMATE_COLUMNS))
    return table.rename_axis("statistic").reset_index()


def _row(estimate: float, error: float, low: float, high: float, n: int, reason: str = "") -> tuple[Any, ...]:
    return (estimate, error, low, high, n, OK, reason)


def cannot(n: int, reason: str) -> tuple[Any, ...]:
    return (np.nan, np.nan, np.nan, np.nan, n, CANNOT, reason)


def _mean_row(values: Floats, confidence: float) -> tuple[Any, ...]:
    """Mean with Student's t interval; without spread there is a mean but no interval (and the reason says so)."""
    n = len(values)
    if n < 2:
        return cannot(n, "one_ratee")
    if not np.isfinite(values).all():
        return cannot(n, "one_value")
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(n))
    if np.ptp(values) == 0:
        return _row(mean, np.nan, np.nan, np.nan, n, "no_spread")
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * error
    return _row(mean, error, mean - half, mean + half, n)


def spread_row(values: Floats, confidence: float, unit: float) -> tuple[Any, ...]:
    """SD in `unit`s with the chi-square interval of a normal variance; SE = s / sqrt(2 (n - 1))."""
    n = len(values)
    if n < 2:
        return cannot(n, "one_ratee")
    if not np.isfinite(values).all() or not np.isfinite(unit) or unit == 0:
        return cannot(n, "one_value")
    s = float(values.std(ddof=1) / unit)
    if np.ptp(values) == 0:
        return _row(0.0, np.nan, np.nan, np.nan, n, "no_spread")
    low, high = np.sqrt((n - 1) / stats.chi2.ppf([(1 + confidence) / 2, (1 - confidence) / 2], n - 1)) * s
    return _row(s, s / np.sqrt(2 * (n - 1)), float(low), float(high), n)


def _positive_mean_row(values: Floats, confidence: float) -> tuple[Any, ...]:
    """Mean of positive amounts; t interval on the logarithm (delta method), so that it stays positive."""
    if len(values) == 0:
        return cannot(0, "one_item")
    row = _mean_row(values, confidence)
    mean, error, n = row[0], row[1], row[4]
    if not np.isfinite(error) or mean <= 0:
        return row
    factor = float(np.exp(stats.t.ppf((1 + confidence) / 2, n - 1) * error / mean))
    return _row(mean, error, mean / factor, mean * factor, n)


def _share_row(
    shares: Floats, confidence: float, n_categories: int, n_ratings: float, reason: str = "too_many_categories"
) -> tuple[Any, ...]:
    """Mean of ratees' shares with Wilson's interval on the effective number of ratings, p (1 - p) / SE^2.

    The effective number lies between the ratees and the ratings (Korn & Graubard 1998); where no ratee differs from
    another it is the number of ratees, so that 0 % and 100 % keep an interval.
    """
    n = len(shares)
    if n_categories == 0 or n == 0:
        return cannot(n, reason)
    if n < 2:
        return cannot(n, "one_ratee")
    p, error = float(shares.mean()), float(shares.std(ddof=1) / np.sqrt(n))
    effective = float(np.clip(p * (1 - p) / error**2, n, max(n, n_ratings))) if error > 0 else float(n)
    low, high = wilson_interval(p, effective, confidence)
    return _row(p, error, low, high, n)


def wilson_interval(p: float, n: float, confidence: float) -> tuple[float, float]:
    """Wilson's (1927) score interval of a share seen in n independent trials (n may be an effective number)."""
    z = float(stats.norm.ppf((1 + confidence) / 2))
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)))
    return centre - half, centre + half


def _middle_share(counts: Floats) -> Floats:
    """Each ratee's share of ratings in the middle category, or the two middle ones; (ratees,)."""
    k = counts.shape[1]
    if k == 0:
        return np.empty(0)
    share: Floats = counts[:, (k - 1) // 2 : k // 2 + 1].sum(axis=1) / counts.sum(axis=1)
    return share


def _entropy_row(counts: Floats, confidence: float) -> tuple[Any, ...]:
    """Entropy of all ratings in bits; jackknife SE over ratees, t interval on the logit of its share of the maximum."""
    n, k = counts.shape
    if k == 0:
        return cannot(n, "too_many_categories")
    if n < 2:
        return cannot(n, "one_ratee")
    total = counts.sum(axis=0)
    entropy, maximum = entropy_bits(total), np.log2(k)
    without = _entropies(total - counts)
    error = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    share = entropy / maximum
    if not 0 < share < 1 or error == 0:
        return _row(entropy, np.nan, np.nan, np.nan, n, "no_spread")
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * error / (maximum * share * (1 - share))
    low, high = maximum / (1 + np.exp(-(np.log(share / (1 - share)) + np.array([-half, half]))))
    return _row(entropy, error, float(low), float(high), n)


def entropy_bits(counts: Sequence[float] | Floats) -> float:
    """Shannon entropy -sum p log2 p of counts or shares, in bits; a category never used adds nothing."""
    return float(_entropies(np.atleast_2d(np.asarray(counts, dtype=float)))[0])


def _entropies(counts: Floats) -> Floats:
    """(m,) entropy of each row of counts (m, k) in bits."""
    p = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(np.maximum(0.0, -(p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=1)), dtype=float)
