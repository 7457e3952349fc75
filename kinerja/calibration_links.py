"""Raters seen in several blocks: supervisors who move between units, and second raters from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kinerja.calibration_blocks import Bucket, where_rows_are, without_raters
from kinerja.calibration_rows import Rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkedBlocks:
    """A bucket's share in the effects of linked raters: q of them at most in a block.

    column : (G, q) place among the m linked raters, -1 padded; rating, exposure : (G, n, q) their loadings
    """

    column: Ints
    rating: Floats
    exposure: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Links:
    """Raters seen in several blocks (m of them) and the blocks without their effects."""

    raters: Ints
    buckets: list[Bucket]
    parts: list[LinkedBlocks]


def link_blocks(design: Rows, whole: list[Bucket]) -> Links | None:
    """What joins the blocks `whole`; None where nobody is seen in two."""
    S = design.ratings.tocoo()
    pairs = np.unique(S.col.astype(np.int64) * design.n_blocks + design.block[S.row])
    linked = np.bincount(pairs // design.n_blocks, minlength=design.n_raters) > 1
    if not linked.any():
        return None
    raters = np.flatnonzero(linked)
    buckets = without_raters(design, whole, linked)
    by_rater = sparse.csr_array(
        (np.ones(design.n_spells), (np.arange(design.n_spells), design.spell_rater)),
        shape=(design.n_spells, design.n_raters),
    )
    loadings = [design.ratings.tocsc()[:, raters].tocoo(), (design.exposure @ by_rater).tocsc()[:, raters].tocoo()]
    return Links(raters=raters, buckets=buckets, parts=_linked_parts(design, buckets, loadings))


def _linked_parts(design: Rows, buckets: list[Bucket], loadings: list[Any]) -> list[LinkedBlocks]:
    m = loadings[0].shape[1]
    bucket_of, slot, place = where_rows_are(design, buckets)
    keys = np.unique(np.concatenate([design.block[z.row] * np.int64(m) + z.col for z in loadings]))
    block, column = keys // m, keys % m
    first = np.searchsorted(block, np.arange(design.n_blocks))
    local = np.arange(len(keys)) - first[block]
    parts = []
    for k, bucket in enumerate(buckets):
        G, n = bucket.row.shape
        mine = bucket_of[block] == k
        q = int(local[mine].max(initial=-1)) + 1
        columns = np.full((G, q), -1, np.int64)
        columns[slot[block[mine]], local[mine]] = column[mine]
        dense = []
        for z in loadings:
            ok = bucket_of[design.block[z.row]] == k
            row, col = z.row[ok], z.col[ok]
            at = local[np.searchsorted(keys, design.block[row] * np.int64(m) + col)]
            out = np.zeros((G, n, q))
            out[slot[design.block[row]], place[row], at] = z.data[ok]
            dense.append(out)
        parts.append(LinkedBlocks(column=columns, rating=dense[0], exposure=dense[1]))
    return parts
