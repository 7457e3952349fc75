"""The rows of every unit as dense arrays, batched by size: what the covariance, its inverse and its derivatives act
on."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kinerja.calibration_rows import FEEDBACK, INDICATOR, RATING, Rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

LARGEST_BATCH = 512
"""Blocks handled at once: the arrays of a batch then fit the processor's cache."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Bucket:
    """Blocks of one padded size n: G blocks, arrays (G, n, ...); a padded row has error variance 1 and nothing else.

    block : (G,) ids; row : (G, n) rows of the design, -1 padded
    rating, feedback, indicator : (G, n) 1.0 where the row is of that kind
    team, leader : (G, n, n) exposure shared through teams and through supervisors; severity : (G, n, n)
    error : (G, n, n) working units; value : (G, n); fixed : (G, n, p)
    """

    block: Ints
    row: Ints
    rating: Floats
    feedback: Floats
    indicator: Floats
    team: Floats
    leader: Floats
    severity: Floats
    error: Floats
    value: Floats
    fixed: Floats

    @cached_property
    def constant(self) -> Floats:
        """(6, G, n, n) derivatives that do not depend on the parameters: severity, culture, the four discrepancies."""
        f, x = outer(self.feedback), outer(self.indicator)
        return np.stack([self.severity, outer(self.rating), f, f * self.team, x, x * self.team])


def make_buckets(design: Rows, *, without: Marks | None = None) -> list[Bucket]:
    """Dense arrays of the blocks, batched by padded size.

    without : (J,) True for raters whose effects are left out of the blocks (they link blocks and are put back there)
    """
    count = np.bincount(design.block, minlength=design.n_blocks)
    start = np.cumsum(count) - count
    order = np.argsort(design.block, kind="stable")
    place = np.empty(len(design.kind), np.int64)
    place[order] = np.arange(len(order)) - start[design.block[order]]
    size = _padded(count)
    kernels = _kernels(design, without)
    buckets = []
    slot = np.full(design.n_blocks, -1, np.int64)
    for n in np.unique(size[count > 0]):
        blocks = np.flatnonzero((size == n) & (count > 0))
        slot[:] = -1
        slot[blocks] = np.arange(len(blocks))
        whole = _bucket(design, blocks, slot, place, int(n), kernels)
        buckets += [_part(whole, slice(g, g + LARGEST_BATCH)) for g in range(0, len(blocks), LARGEST_BATCH)]
    return buckets


def some_blocks(buckets: list[Bucket], most: int, *, seed: int = 0) -> list[Bucket]:
    """A seeded sample of at most so many blocks (all where there are no more): enough for variances."""
    total = sum(len(bucket.block) for bucket in buckets)
    if total <= most:
        return buckets
    chosen = np.zeros(total, bool)
    chosen[np.random.default_rng(seed).choice(total, most, replace=False)] = True
    ends = np.cumsum([len(bucket.block) for bucket in buckets])
    parts = [_part(bucket, chosen[end - len(bucket.block) : end]) for bucket, end in zip(buckets, ends, strict=True)]
    return [part for part in parts if len(part.block)]


def _part(bucket: Bucket, which: slice | Marks) -> Bucket:
    return Bucket(**{f.name: getattr(bucket, f.name)[which] for f in fields(Bucket)})


def reweighted(bucket: Bucket, error: Floats) -> Bucket:
    """The same block with other errors; what does not depend on them is kept."""
    other = replace(bucket, error=error)
    if "constant" in bucket.__dict__:
        other.__dict__["constant"] = bucket.constant
    return other


def with_error(buckets: list[Bucket], extra: Floats) -> list[Bucket]:
    """The same blocks with error variances (n,) added, working units squared."""
    out = []
    for bucket in buckets:
        error = bucket.error.copy()
        diagonal = np.einsum("gii->gi", error)
        diagonal += np.where(bucket.row >= 0, extra[bucket.row], 0.0)
        out.append(reweighted(bucket, error))
    return out


def only_kinds(buckets: list[Bucket], kind: Ints, kinds: tuple[int, ...]) -> list[Bucket]:
    """The same blocks with the rows of other kinds turned into padding; fixed columns of theirs are left out."""
    keep = [(bucket.row >= 0) & np.isin(kind[bucket.row], kinds) for bucket in buckets]
    used = np.any([np.abs(b.fixed[k]).max(axis=0, initial=0.0) > 0 for b, k in zip(buckets, keep, strict=True)], axis=0)
    out = []
    for bucket, here in zip(buckets, keep, strict=True):
        mark = here.astype(np.float64)
        both = outer(mark)
        error = bucket.error * both
        np.einsum("gii->gi", error)[~here] = 1.0
        out.append(
            replace(
                bucket,
                row=np.where(here, bucket.row, -1),
                rating=bucket.rating * mark,
                feedback=bucket.feedback * mark,
                indicator=bucket.indicator * mark,
                team=bucket.team * both,
                leader=bucket.leader * both,
                severity=bucket.severity * both,
                error=error,
                value=bucket.value * mark,
                fixed=(bucket.fixed * mark[:, :, None])[:, :, used],
            )
        )
    return out


def _kernels(design: Rows, without: Marks | None) -> list[Any]:
    """(n, n) sparse: exposure shared through teams and leaders, raters shared, errors; within blocks only."""
    exposure, n_spells = design.exposure, design.n_spells
    every = np.arange(n_spells)
    team = exposure @ _indicator(every, design.team_group, n_spells)
    free = every if without is None else np.flatnonzero(~without[design.spell_rater])
    leader = exposure @ _indicator(free, design.rater_group, n_spells)
    rating = design.ratings.tocoo()
    kept = np.ones(rating.nnz, bool) if without is None else ~without[rating.col]
    key = design.block[rating.row[kept]] * np.int64(design.n_raters) + rating.col[kept]
    ids, local = np.unique(key, return_inverse=True)
    severity = sparse.csr_array((rating.data[kept], (rating.row[kept], local)), shape=(len(design.kind), len(ids)))
    return [(k @ k.T).tocoo() for k in (team, leader, severity)] + [design.error.tocoo()]


def _bucket(design: Rows, blocks: Ints, slot: Ints, place: Ints, n: int, kernels: list[Any]) -> Bucket:
    G, p = len(blocks), design.fixed.shape[1]
    unit = design.unit_of_work
    at = np.flatnonzero(slot[design.block] >= 0)
    g, i = slot[design.block[at]], place[at]
    row = np.full((G, n), -1, np.int64)
    row[g, i] = at
    team, leader, severity, error = (_scatter(kernel, design.block, slot, place, G, n) for kernel in kernels)
    inverse = np.zeros((G, n))
    inverse[g, i] = 1.0 / unit[at]
    error *= outer(inverse)
    np.einsum("gii->gi", error)[row < 0] = 1.0
    value, fixed = np.zeros((G, n)), np.zeros((G, n, p))
    value[g, i] = design.value[at] / unit[at]
    fixed[g, i] = design.fixed[at]
    kind = np.full((G, n), -1)
    kind[g, i] = design.kind[at]
    return Bucket(
        block=blocks,
        row=row,
        rating=(kind == RATING).astype(np.float64),
        feedback=(kind == FEEDBACK).astype(np.float64),
        indicator=(kind == INDICATOR).astype(np.float64),
        team=team,
        leader=leader,
        severity=severity,
        error=error,
        value=value,
        fixed=fixed,
    )


def _scatter(kernel: Any, block: Ints, slot: Ints, place: Ints, G: int, n: int) -> Floats:
    i, j = kernel.row, kernel.col
    ok = (slot[block[i]] >= 0) & (block[i] == block[j])
    at = (slot[block[i[ok]]] * n + place[i[ok]]) * n + place[j[ok]]
    return np.asarray(np.bincount(at, kernel.data[ok], G * n * n).reshape(G, n, n), np.float64)


def _indicator(row: Ints, level: Ints, n: int) -> Any:
    """(n, levels) sparse membership of the rows `row`."""
    return sparse.csr_array((np.ones(len(row)), (row, level[row])), shape=(n, int(level.max()) + 1))


def _padded(count: Ints) -> Ints:
    """Sizes rounded up so that few batches remain: steps of 2 to 16, of 4 to 48, of 16 beyond."""
    step = np.where(count <= 16, 2, np.where(count <= 48, 4, 16))
    return np.asarray(-(-count // step) * step)


def outer(v: Floats) -> Floats:
    return np.asarray(v[:, :, None] * v[:, None, :])
