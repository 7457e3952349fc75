"""How well the answers tell units (or officers) apart, how many more would be needed, and which ones can be told apart.

Intraclass correlation from one-way random effects with unequal n (Searle, Casella & McCulloch 1992, section 3.6),
projected by Spearman and Brown (1910). No league table where the reliability is low: units stand above, below, or
cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kinerja.multiplicity import holm
from kinerja.results import CANNOT, OK

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RELIABILITY_COLUMNS = (
    "level", "estimate", "conf_low", "conf_high", "n", "status", "reason", "n_groups", "group_sd", "within_sd",
    "icc", "typical_n", "target", "needed",
)  # fmt: skip
STANDING_COLUMNS = (
    "level", "group", "points", "n", "mean_reliability", "difference", "std_error", "conf_low", "conf_high", "p",
    "p_adjusted", "standing", "more_needed", "status", "reason",
)  # fmt: skip
LEAGUE_TABLE = 0.7
"""Reliability below which an order of units is mostly noise."""


def reliability_tables(
    values: Floats,
    groups: pd.Series,
    level: str,
    *,
    confidence: float,
    targets: Sequence[float] = (0.7, 0.8, 0.9),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """RELIABILITY_COLUMNS (one row a target) and STANDING_COLUMNS (one row a group) of a level.

    values : (n,) points of each response; groups: (n,) its unit, service or officer, missing left out
    estimate : reliability of a group's mean with `typical_n` (the harmonic mean of the groups' n); icc: of one response
    needed : responses a group needs for `target`; more_needed: that less what the group has, for the first target
    confidence : level of the intervals; who stands above or below is tested at its complement
    standing : above | below the mean of the others (Holm over the groups), or not_told_apart
    """
    kept = np.isfinite(values) & groups.notna().to_numpy() & (groups.astype(object) != "").to_numpy()
    codes, names = pd.factorize(groups[kept].astype(str), sort=True)
    n = np.bincount(codes, minlength=len(names))
    found = _components(values[kept], codes.astype(np.int64), n)
    typical = len(n) / (1 / n).sum() if len(n) else np.nan
    rows = [_row(level, found, n, typical, target, confidence) for target in targets]
    standing = _standing(level, values[kept], codes.astype(np.int64), names, n, found, confidence, targets[0])
    return pd.DataFrame(rows, columns=list(RELIABILITY_COLUMNS)), standing


def spearman_brown(icc: float, n: float) -> float:
    """Reliability of the mean of n responses of reliability icc."""
    return n * icc / (1 + (n - 1) * icc)


def responses_needed(icc: float, reliability: float) -> float:
    """How many responses give a mean of this reliability; infinite where icc is 0 or less."""
    return reliability / (1 - reliability) * (1 - icc) / icc if icc > 0 else float("inf")


def _components(values: Floats, codes: Integers, n: Integers) -> dict[str, float]:
    """ANOVA estimates: within and between variance, F with its degrees of freedom, n0; NaN where they do not exist."""
    groups, total = len(n), int(n.sum())
    if groups < 2 or total <= groups:
        return dict.fromkeys(("within", "between", "f", "n0", "df_between", "df_within", "icc"), np.nan)
    means = np.bincount(codes, values) / n
    within = float(((values - means[codes]) ** 2).sum()) / (total - groups)
    mean_square = float((n * (means - values.mean()) ** 2).sum()) / (groups - 1)
    n0 = (total - float((n.astype(float) ** 2).sum()) / total) / (groups - 1)
    between = max((mean_square - within) / n0, 0.0)
    return {
        "within": within,
        "between": between,
        "f": mean_square / within if within > 0 else np.nan,
        "n0": n0,
        "df_between": groups - 1.0,
        "df_within": float(total - groups),
        "icc": between / (between + within) if between + within > 0 else np.nan,
    }


def _row(
    level: str, found: dict[str, float], n: Integers, typical: float, target: float, confidence: float
) -> tuple[object, ...]:
    if not np.isfinite(found["icc"]):
        reason = "one_group" if len(n) < 2 else "no_spread_of_answers"
        return level, *[np.nan] * 3, int(n.sum()), CANNOT, reason, len(n), *[np.nan] * 4, target, np.nan
    icc = found["icc"]
    low, high = (spearman_brown(limit, typical) for limit in _icc_interval(found, confidence))
    needed = responses_needed(icc, target)
    reason = "no_difference_between_groups" if not np.isfinite(needed) else ""
    return (
        level, spearman_brown(icc, typical), low, high, int(n.sum()), OK, reason, len(n), np.sqrt(found["between"]),
        np.sqrt(found["within"]), icc, typical, target, needed if np.isfinite(needed) else np.nan,
    )  # fmt: skip


def _icc_interval(found: dict[str, float], confidence: float) -> tuple[float, float]:
    """F interval of the intraclass correlation (Searle et al. 1992, 3.6d, with n0 for the unequal n), not below 0."""
    tail = (1 - confidence) / 2
    limits = []
    for probability in (1 - tail, tail):
        ratio = found["f"] / stats.f.ppf(probability, found["df_between"], found["df_within"])
        limits.append(max((ratio - 1) / (ratio - 1 + found["n0"]), 0.0))
    return limits[0], limits[1]


def _standing(
    level: str,
    values: Floats,
    codes: Integers,
    names: pd.Index,
    n: Integers,
    found: dict[str, float],
    confidence: float,
    target: float,
) -> pd.DataFrame:
    """Each group against all others; a group of one answer has no standard error of its own and cannot be placed."""
    if not len(names):
        return pd.DataFrame(columns=list(STANDING_COLUMNS))
    sums, squares = np.bincount(codes, values), np.bincount(codes, values**2)
    rest_n, rest_sum, rest_squares = n.sum() - n, sums.sum() - sums, squares.sum() - squares
    with np.errstate(divide="ignore", invalid="ignore"):
        own_mean, rest_mean = sums / n, rest_sum / rest_n
        own = np.where(n > 1, (squares - sums**2 / n) / (n - 1) / n, np.nan)
        rest = np.where(rest_n > 1, (rest_squares - rest_sum**2 / rest_n) / (rest_n - 1) / rest_n, np.nan)
        error = np.sqrt(own + rest)
        df = (own + rest) ** 2 / (own**2 / (n - 1) + rest**2 / (rest_n - 1))  # Welch
        difference = own_mean - rest_mean
        p = 2 * stats.t.sf(np.abs(difference / error), df)
        reach = stats.t.ppf(0.5 + confidence / 2, df) * error
    possible = (own > 0) & np.isfinite(p)
    adjusted = np.full(len(n), np.nan)
    adjusted[possible] = holm(p[possible])
    told = possible & (adjusted < 1 - confidence)
    icc = found["icc"]
    needed = responses_needed(icc, target) if np.isfinite(icc) else np.nan
    more = np.maximum(np.ceil(needed - n), 0) if np.isfinite(needed) else np.full(len(n), np.nan)
    table = pd.DataFrame(
        {
            "level": level,
            "group": np.asarray(names, object),
            "points": own_mean,
            "n": n,
            "mean_reliability": n * icc / (1 + (n - 1) * icc),
            "difference": difference,
            "std_error": np.where(possible, error, np.nan),
            "conf_low": np.where(possible, difference - reach, np.nan),
            "conf_high": np.where(possible, difference + reach, np.nan),
            "p": np.where(possible, p, np.nan),
            "p_adjusted": adjusted,
            "standing": np.select([told & (difference > 0), told], ["above", "below"], "not_told_apart"),
            "more_needed": more,
            "status": np.where(possible, OK, CANNOT),
            "reason": np.select([possible, n == 1], ["", "one_response"], "same_answers"),
        }
    )
    return table[list(STANDING_COLUMNS)]
