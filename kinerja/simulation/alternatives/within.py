"""Adjustments that look at one supervisor's ratings only: each declares all teams equal, in its own way.

Array kernels: `score` (n,) points, `group` (n,) codes 0..G-1 of the supervisor (and period); results are (n,) points.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOM = 0.375
"""Plotting position (r - 3/8) / (n + 1/4): Blom 1958, the expected normal order statistics nearly."""


def zscores(score: Floats, group: Ints) -> Floats:
    """Z-score within supervisor, put back on the office's mean and standard deviation.

    Where a supervisor's ratings do not vary (or there is one), everyone gets the office's mean: what the formula says
    of a deviation of zero.
    """
    deviation = mean_centred(score, group) - score.mean()
    count = np.bincount(group)
    spread = np.sqrt(np.bincount(group, deviation**2) / np.maximum(count - 1, 1))[group]
    z = np.divide(deviation, spread, out=np.zeros_like(deviation), where=spread > 0)
    return np.asarray(score.mean() + z * score.std())


def forced_distribution(score: Floats, group: Ints) -> Floats:
    """Each team forced onto the same normal curve by rank (ties share their mean rank)."""
    rank = ranks_within(score, group)
    share = (rank - BLOM) / (np.bincount(group)[group] + 1 - 2 * BLOM)
    return np.asarray(score.mean() + ndtri(share) * score.std())


def mean_centred(score: Floats, group: Ints) -> Floats:
    """Team means moved to the office's mean, distances within the team kept."""
    mean = np.bincount(group, score) / np.maximum(np.bincount(group), 1)
    return np.asarray(score - mean[group] + score.mean())


def ranks_within(score: Floats, group: Ints) -> Floats:
    """1 for the lowest of each group; ties get the mean of their ranks."""
    order = np.lexsort((score, group))
    g, x = group[order], score[order]
    count = np.bincount(group)
    position = np.arange(len(x)) - (np.cumsum(count) - count)[g] + 1.0
    new = np.r_[True, (g[1:] != g[:-1]) | (x[1:] != x[:-1])] if len(x) else np.empty(0, bool)
    tie = np.cumsum(new) - 1
    mean = np.bincount(tie, position) / np.bincount(tie) if len(x) else position
    rank = np.empty(len(x))
    rank[order] = mean[tie]
    return rank
