"""Krippendorff's alpha: any number of raters, missing ratings, four metrics, bootstrap.

Krippendorff (2011), Computing Krippendorff's alpha-reliability: the coincidence matrix o_ck counts, in each unit of
m_u >= 2 ratings, its pairs of ratings divided by m_u - 1; n_c are its row sums, n their total.
alpha = 1 - (n - 1) sum_ck o_ck d_ck / sum_ck n_c n_k d_ck.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Metric = Literal["nominal", "ordinal", "interval", "ratio"]

BYTES_AT_A_TIME = 2**26
"""Replications are counted in batches whose matrices stay below this size."""


def krippendorff_alpha(coincidences: Floats, values: Floats, metric: Metric) -> Floats:
    """alpha of each of B coincidence matrices (B, v, v) over the v values; NaN where all ratings are the same; (B,)."""
    totals = coincidences.sum(axis=2)
    n = totals.sum(axis=1)
    difference = _difference(values, totals, metric)
    observed = (coincidences * difference).sum(axis=(1, 2))
    expected = np.einsum("bc,bck,bk->b", totals, np.broadcast_to(difference, coincidences.shape), totals)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(expected > 0, 1 - (n - 1) * observed / expected, np.nan), dtype=float)


def coincidence_matrix(unit: Ints, value: Ints, n_values: int) -> sparse.csr_array:
    """(units, v * v): pairs of ratings in each unit over its ratings less one; a unit with one rating is empty."""
    units = int(unit.max()) + 1
    counts = sparse.coo_array((np.ones(len(unit)), (unit, value)), shape=(units, n_values)).tocsr()
    counts.sum_duplicates()
    several = np.maximum(counts.sum(axis=1) - 1, 1)
    used = np.diff(counts.indptr)
    own = np.repeat(used, used)  # of each value in a unit: how many values the unit has
    left = np.repeat(np.arange(counts.nnz), own)
    right = np.repeat(np.repeat(counts.indptr[:-1], used) - np.cumsum(own) + own, own) + np.arange(len(left))
    c, k = counts.indices[left], counts.indices[right]
    pairs = counts.data[left] * (counts.data[right] - (left == right))
    row = np.repeat(np.arange(units), used**2)
    matrix = sparse.coo_array((pairs / several[row], (row, c * n_values + k)), shape=(units, n_values**2)).tocsr()
    matrix.eliminate_zeros()
    return matrix


def bootstrap_alpha(
    matrix: sparse.csr_array, cluster: Ints, values: Floats, metric: Metric, replications: int, seed: int
) -> Floats:
    """alpha of samples of clusters (ratees) drawn with replacement, all their units kept together; (replications,)."""
    v, clusters = len(values), int(cluster.max()) + 1
    units = len(cluster)
    by_cluster = sparse.csr_array((np.ones(units), (cluster, np.arange(units))), shape=(clusters, units)) @ matrix
    generator = np.random.default_rng(seed)
    at_a_time = max(1, BYTES_AT_A_TIME // (8 * max(v * v, clusters)))
    alphas = []
    for start in range(0, replications, at_a_time):
        size = min(at_a_time, replications - start)
        drawn = generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=size)
        alphas.append(krippendorff_alpha((by_cluster.T @ drawn.T).T.reshape(size, v, v), values, metric))
    return np.concatenate(alphas)


def _difference(values: Floats, totals: Floats, metric: Metric) -> Floats:
    """Squared difference of two values: (v, v), or (B, v, v) where it depends on how often values occur (ordinal)."""
    if metric == "nominal":
        return 1 - np.eye(len(values))
    if metric == "interval":
        return np.subtract.outer(values, values) ** 2
    if metric == "ratio":
        total = np.add.outer(values, values)
        return (np.subtract.outer(values, values) / np.where(total == 0, 1, total)) ** 2
    # ordinal: the ratings that lie between c and k, those of c and k themselves counted half
    middle = np.cumsum(totals, axis=1) - totals / 2
    return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2)
