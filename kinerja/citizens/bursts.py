"""Days on which far too many answers arrive in a unit: a scan over windows of one to three days."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

BURST_COLUMNS = ("unit", "start", "end", "n", "expected", "p", "repeated_n")
WINDOWS = (1, 2, 3)
FEWEST_DAYS = 10
"""Days with answers in the office below which no day can stand out."""


def find_bursts(
    unit: NDArray[np.object_],
    day: pd.Series | None,
    pattern: NDArray[np.int64],
    usable: NDArray[np.bool_],
    level: float,
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """BURST_COLUMNS of windows with too many arrivals, and the responses in them whose pattern is repeated too often.

    Expected arrivals of a unit: its median day times the office's profile of weekdays, with the dispersion of all
    units' days (negative binomial where days vary more than by chance). p is the chance of a window this full anywhere
    in the office (Bonferroni over units and windows). An honest rush with varied answers is listed and flags nobody.
    """
    flagged = np.zeros(len(unit), bool)
    none = pd.DataFrame(columns=list(BURST_COLUMNS))
    if day is None or day.nunique() < FEWEST_DAYS:
        return none, flagged
    counts = _daily(unit, day)
    expected = _expected(counts)
    dispersion = _dispersion(counts.to_numpy(float), expected)
    rows = []
    windows = counts.size * len(WINDOWS)
    for length in WINDOWS:
        seen = _sums(counts.to_numpy(float), length)
        due = _sums(expected, length)
        chance = _tail(seen, due, dispersion) * windows
        for u, d in zip(*np.nonzero((chance < level) & (seen >= 5)), strict=True):
            rows.append((counts.index[u], counts.columns[d], counts.columns[d + length - 1], int(seen[u, d]),
                         float(due[u, d]), float(min(chance[u, d], 1.0))))  # fmt: skip
    bursts = _apart(rows)
    repeated = []
    for name, start, end, *_ in bursts:
        inside = ((unit == name) & day.between(start, end).to_numpy()) & usable
        here = _excess(pattern, inside, usable, level)
        repeated.append(int(here.sum()))
        flagged |= here
    table = pd.DataFrame(bursts, columns=list(BURST_COLUMNS[:-1])).assign(repeated_n=repeated)
    return (table if len(table) else none), flagged


def _daily(unit: NDArray[np.object_], day: pd.Series) -> pd.DataFrame:
    """units x days, with the days on which nobody came."""
    known = day.notna().to_numpy()
    table = pd.crosstab(unit[known], day[known].to_numpy())
    return table.reindex(columns=pd.date_range(table.columns.min(), table.columns.max()), fill_value=0)


def _expected(counts: pd.DataFrame) -> NDArray[np.float64]:
    """Unit's typical day times weekday profile; medians, so that a burst does not explain itself."""
    values = counts.to_numpy(float)
    weekday = np.array([pd.Timestamp(day).weekday() for day in counts.columns])
    total = values.sum(axis=0)
    profile = np.array([np.median(total[weekday == w]) if (weekday == w).any() else 0.0 for w in range(7)])
    profile = (profile + 0.25) / (profile + 0.25).mean()
    base = profile[weekday]
    open_days = base > 0.3
    scaled = values[:, open_days] / base[open_days]
    # trimmed mean over open days: the median of small counts is too coarse, the mean follows the burst
    typical = stats.trim_mean(scaled, 0.1, axis=1) + 0.5 / values.shape[1]
    typical = np.maximum(typical, 0.5 * values.sum(axis=1) / max(base.sum(), 1e-9))
    found: NDArray[np.float64] = typical[:, None] * base[None, :]
    return found


def _dispersion(values: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Variance of the days over their expectation, without the highest two in a hundred; 1 is Poisson."""
    ratio = ((values - expected) ** 2 / expected).ravel()
    kept = ratio[ratio <= np.quantile(ratio, 0.98)]
    return max(float(kept.mean()) * 1.1, 1.0)


def _sums(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    running = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    found: NDArray[np.float64] = running[:, length:] - running[:, :-length]
    return found


def _tail(seen: NDArray[np.float64], due: NDArray[np.float64], dispersion: float) -> NDArray[np.float64]:
    """Chance of as many or more: Poisson, or negative binomial of variance dispersion x mean."""
    if dispersion <= 1.0 + 1e-9:
        return np.asarray(stats.poisson.sf(seen - 1, due), float)
    return np.asarray(stats.nbinom.sf(seen - 1, due / (dispersion - 1), 1 / dispersion), float)


Window = tuple[object, pd.Timestamp, pd.Timestamp, int, float, float]


def _apart(rows: list[Window]) -> list[Window]:
    """Of overlapping windows of a unit the least likely one."""
    kept: list[Window] = []
    for row in sorted(rows, key=lambda r: (r[5], str(r[0]), r[1], r[2])):
        if not any(k[0] == row[0] and k[1] <= row[2] and row[1] <= k[2] for k in kept):
            kept.append(row)
    return sorted(kept, key=lambda r: (str(r[0]), r[1]))


def _excess(
    pattern: NDArray[np.int64], inside: NDArray[np.bool_], usable: NDArray[np.bool_], level: float
) -> NDArray[np.bool_]:
    """Responses of a burst whose pattern fills more of it than the pattern's share outside (and its error) explains."""
    flagged = np.zeros(len(pattern), bool)
    outside = usable & ~inside
    total, elsewhere = int(inside.sum()), int(outside.sum())
    codes, counts = np.unique(pattern[inside], return_counts=True)
    for code, count in zip(codes, counts, strict=True):
        share = (int((pattern[outside] == code).sum()) + 1) / (elsewhere + 2)
        share = min(share + 2 * np.sqrt(share * (1 - share) / (elsewhere + 2)), 1.0)
        if stats.binom.sf(count - 1, total, share) * len(codes) < level:
            flagged |= inside & (pattern == code)
    return flagged
