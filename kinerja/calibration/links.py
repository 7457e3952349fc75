"""Raters seen in several blocks: supervisors who move between units, and second raters from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kinerja.calibration.blocks import Bucket, part_of, split_by, where_rows_are, without_raters
from kinerja.calibration.rows import Rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkedBlocks:
    """Blocks of one size that linked raters join to others, q such raters at most in a block.

    free : the blocks without linked raters' effects
    column : (G, q) place among the m linked raters, -1 padded; rating, exposure : (G, n, q) their loadings
    """

    free: Bucket
    column: Ints
    rating: Floats
    exposure: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Links:
    """Raters seen in several blocks (m of them) and the blocks that they join."""

    raters: Ints
    parts: list[LinkedBlocks]


def link_blocks(design: Rows, buckets: list[Bucket]) -> Links | None:
    """What joins the blocks; None where nobody is seen in two."""
    S = design.ratings.tocoo()
    pairs = np.unique(S.col.astype(np.int64) * design.n_blocks + design.block[S.row])
    linked = np.bincount(pairs // design.n_blocks, minlength=design.n_raters) > 1
    if not linked.any():
        return None
    raters = np.flatnonzero(linked)
    by_rater = sparse.csr_array(
        (np.ones(design.n_spells), (np.arange(design.n_spells), design.spell_rater)),
        shape=(design.n_spells, design.n_raters),
    )
    loadings = [design.ratings.tocsc()[:, raters].tocoo(), (design.exposure @ by_rater).tocsc()[:, raters].tocoo()]
    return Links(raters=raters, parts=_linked_parts(design, buckets, loadings, linked))


def _linked_parts(design: Rows, buckets: list[Bucket], loadings: list[Any], linked: Any) -> list[LinkedBlocks]:
    m = np.int64(loadings[0].shape[1])
    keys = np.unique(np.concatenate([design.block[z.row] * m + z.col for z in loadings]))
    block, column = keys // m, keys % m
    joined = np.zeros(design.n_blocks, bool)
    joined[block] = True
    some = [part_of(bucket, joined[bucket.block]) for bucket in buckets if joined[bucket.block].any()]
    free = without_raters(design, some, linked)
    bucket_of, slot, place = where_rows_are(design, free)
    local = np.arange(len(keys)) - np.searchsorted(block, np.arange(design.n_blocks))[block]
    columns = split_by(bucket_of[block], len(free), slot[block], local, column)
    entries = []
    for z in loadings:
        at = design.block[z.row]
        where = local[np.searchsorted(keys, at * m + z.col)]
        entries.append(split_by(bucket_of[at], len(free), slot[at], place[z.row], where, z.data))
    parts = []
    for k, bucket in enumerate(free):
        G, n = bucket.row.shape
        g, q, value = columns[k]
        width = int(q.max()) + 1
        table = np.full((G, width), -1, np.int64)
        table[g, q] = value
        dense = np.zeros((2, G, n, width))
        for out, entry in zip(dense, entries, strict=True):
            out[entry[k][:3]] = entry[k][3]
        parts.append(LinkedBlocks(free=bucket, column=table, rating=dense[0], exposure=dense[1]))
    return parts
