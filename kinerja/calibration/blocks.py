"""The rows of every unit as dense arrays, batched by size: what the covariance, its inverse and its derivatives act
on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kinerja.calibration.rows import FEEDBACK, INDICATOR, RATING, Rows

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
    team, leader : (G, n, n) exposure shared through teams and through supervisors (one array where they are the same)
    rater : (G, q) raters of the block, -1 padded; rated : (G, n, q) 1 where the rater's effect is in the row, -1 for
        the first rater of a pair
    error : (G, n, n) working units; extra : (G, n) added to its diagonal; value : (G, n); fixed : (G, n, p)
    """

    block: Ints
    row: Ints
    rating: Floats
    feedback: Floats
    indicator: Floats
    team: Floats
    leader: Floats
    rater: Ints
    rated: Floats
    error: Floats
    extra: Floats
    value: Floats
    fixed: Floats

    @property
    def severity(self) -> Floats:
        """(G, n, n) raters that two rows share, signed."""
        return np.asarray(self.rated @ self.rated.transpose(0, 2, 1))

    @cached_property
    def n_measured(self) -> int:
        """So many rows hold all ratings, feedback and attainment; behind them stand pairs of raters and padding."""
        some = (self.rating + self.feedback + self.indicator).any(axis=0)
        return int(np.flatnonzero(some).max(initial=-1)) + 1

    @cached_property
    def constant(self) -> Floats:
        """(2, G, k, k) for the k measured rows: what discrepancies of teams share, of feedback and of attainment."""
        k = self.n_measured
        return np.stack([outer(mark[:, :k]) * self.team[:, :k, :k] for mark in (self.feedback, self.indicator)])


def make_buckets(design: Rows) -> list[Bucket]:
    """Dense arrays of the blocks, batched by padded size."""
    count = np.bincount(design.block, minlength=design.n_blocks)
    start = np.cumsum(count) - count
    order = np.argsort(design.block, kind="stable")
    place = np.empty(len(design.kind), np.int64)
    place[order] = np.arange(len(order)) - start[design.block[order]]
    size = _padded(count)
    exposed, rated = _exposed(design), _rated(design)
    error = design.error.tocoo()
    buckets = []
    slot = np.full(design.n_blocks, -1, np.int64)
    for n in np.unique(size[count > 0]):
        blocks = np.flatnonzero((size == n) & (count > 0))
        slot[:] = -1
        slot[blocks] = np.arange(len(blocks))
        whole = _bucket(design, blocks, slot, place, int(n), exposed, rated, error)
        buckets += [part_of(whole, slice(g, g + LARGEST_BATCH)) for g in range(0, len(blocks), LARGEST_BATCH)]
    return buckets


def without_raters(design: Rows, buckets: list[Bucket], linked: Marks) -> list[Bucket]:
    """The same blocks without the effects of the raters `linked` (J,), who join blocks and are put back there."""
    bucket_of, slot, place = where_rows_are(design, buckets)
    kernel = _led(design, ~linked)
    block = design.block[kernel.row]
    inside = np.where(block == design.block[kernel.col], bucket_of[block], -1)
    entries = split_by(inside, len(buckets), kernel.row.astype(np.int64), kernel.col.astype(np.int64), kernel.data)
    out = []
    for bucket, (i, j, value) in zip(buckets, entries, strict=True):
        G, n = bucket.row.shape
        at = (slot[design.block[i]] * n + place[i]) * n + place[j]
        leader = np.bincount(at, value, G * n * n).reshape(G, n, n).astype(np.float64)
        free = (bucket.rater >= 0) & ~linked[bucket.rater]
        out.append(replace(bucket, leader=leader, rated=bucket.rated * free[:, None, :]))
    return out


def where_rows_are(design: Rows, buckets: list[Bucket]) -> tuple[Ints, Ints, Ints]:
    """(blocks,) the bucket of each block (-1 in none) and its place there; (n,) each row's place in its block."""
    place = np.full(len(design.kind), -1, np.int64)
    bucket_of, slot = np.full((2, design.n_blocks), -1, np.int64)
    for k, bucket in enumerate(buckets):
        bucket_of[bucket.block], slot[bucket.block] = k, np.arange(len(bucket.block))
        inside = bucket.row >= 0
        place[bucket.row[inside]] = np.nonzero(inside)[1]
    return bucket_of, slot, place


def split_by(group: Ints, n: int, *arrays: Any) -> list[tuple[Any, ...]]:
    """Entries of equally long arrays by group 0 to n - 1; those of group -1 are left out."""
    order = np.argsort(group, kind="stable")[np.count_nonzero(group < 0) :]
    ends = np.cumsum(np.bincount(group[order], minlength=n))[:-1]
    return list(zip(*(np.split(a[order], ends) for a in arrays), strict=True))


def some_blocks(buckets: list[Bucket], most: int, *, seed: int = 0) -> list[Bucket]:
    """A seeded sample of at most so many blocks (all where there are no more): enough for variances."""
    total = sum(len(bucket.block) for bucket in buckets)
    if total <= most:
        return buckets
    chosen = np.zeros(total, bool)
    chosen[np.random.default_rng(seed).choice(total, most, replace=False)] = True
    ends = np.cumsum([len(bucket.block) for bucket in buckets])
    parts = [part_of(bucket, chosen[end - len(bucket.block) : end]) for bucket, end in zip(buckets, ends, strict=True)]
    return [part for part in parts if len(part.block)]


def part_of(bucket: Bucket, which: slice | Marks) -> Bucket:
    """Some of a bucket's blocks; `team` and `leader` stay one array where they are one."""
    parts = {f.name: getattr(bucket, f.name)[which] for f in fields(Bucket)}
    if bucket.leader is bucket.team:
        parts["leader"] = parts["team"]
    return Bucket(**parts)


def with_error(buckets: list[Bucket], extra: Floats) -> list[Bucket]:
    """The same blocks with error variances (n,) added, working units squared; what does not depend on them is kept."""
    out = []
    for bucket in buckets:
        other = replace(bucket, extra=np.where(bucket.row >= 0, extra[bucket.row], 0.0))
        if "constant" in bucket.__dict__:
            other.__dict__["constant"] = bucket.constant
        out.append(other)
    return out


def only_kinds(buckets: list[Bucket], kind: Ints, kinds: tuple[int, ...]) -> Iterator[Bucket]:
    """The same blocks with the rows of other kinds turned into padding; fixed columns of theirs are left out. One at a
    time, since a whole country's would not fit beside each other."""
    keep = [(bucket.row >= 0) & np.isin(kind[bucket.row], kinds) for bucket in buckets]
    used = np.any([np.abs(b.fixed[k]).max(axis=0, initial=0.0) > 0 for b, k in zip(buckets, keep, strict=True)], axis=0)
    return (_only(bucket, here, used) for bucket, here in zip(buckets, keep, strict=True))


def _only(bucket: Bucket, here: Marks, used: Marks) -> Bucket:
    mark = here.astype(np.float64)
    both = outer(mark)
    team = bucket.team * both
    error = bucket.error * both
    np.einsum("gii->gi", error)[~here] = 1.0
    return replace(
        bucket,
        row=np.where(here, bucket.row, -1),
        rating=bucket.rating * mark,
        feedback=bucket.feedback * mark,
        indicator=bucket.indicator * mark,
        team=team,
        leader=team if bucket.leader is bucket.team else bucket.leader * both,
        rated=bucket.rated * here[:, :, None],
        error=error,
        extra=bucket.extra * mark,
        value=bucket.value * mark,
        fixed=(bucket.fixed * mark[:, :, None])[:, :, used],
    )


def _exposed(design: Rows) -> tuple[Any, Any]:
    """(n, n) sparse: exposure shared through teams, and through leaders; the same object where they are the same."""
    every = np.arange(design.n_spells)
    team = design.exposure @ _indicator(every, design.team_group, design.n_spells)
    shared = (team @ team.T).tocoo()
    groups = int(design.rater_group.max()) + 1
    both = len(np.unique(design.team_group * np.int64(groups) + design.rater_group))
    if both == len(np.unique(design.team_group)) == len(np.unique(design.rater_group)):
        return shared, shared
    return shared, _led(design, np.ones(design.n_raters, bool))


def _led(design: Rows, which: Marks) -> Any:
    """(n, n) sparse: exposure shared through the supervisors `which` (J,)."""
    led = np.flatnonzero(which[design.spell_rater])
    leader = design.exposure @ _indicator(led, design.rater_group, design.n_spells)
    return (leader @ leader.T).tocoo()


def _rated(design: Rows) -> tuple[Ints, Ints, Ints, Floats]:
    """Row, rater, the rater's place among those of the row's block, and sign of each rating effect in a row."""
    rating = design.ratings.tocoo()
    row, rater = rating.row.astype(np.int64), rating.col.astype(np.int64)
    ids, key = np.unique(design.block[row] * np.int64(design.n_raters) + rater, return_inverse=True)
    first = np.searchsorted(ids // design.n_raters, np.arange(design.n_blocks))
    return row, rater, key - first[design.block[row]], rating.data


def _bucket(
    design: Rows,
    blocks: Ints,
    slot: Ints,
    place: Ints,
    n: int,
    exposed: tuple[Any, Any],
    rated: tuple[Any, ...],
    errors: Any,
) -> Bucket:
    G, p = len(blocks), design.fixed.shape[1]
    unit = design.unit_of_work
    at = np.flatnonzero(slot[design.block] >= 0)
    g, i = slot[design.block[at]], place[at]
    row = np.full((G, n), -1, np.int64)
    row[g, i] = at
    team, error = (_scatter(kernel, design.block, slot, place, G, n) for kernel in (exposed[0], errors))
    leader = team if exposed[1] is exposed[0] else _scatter(exposed[1], design.block, slot, place, G, n)
    here = np.flatnonzero(slot[design.block[rated[0]]] >= 0)
    at_row, who, local, sign = (a[here] for a in rated)
    of = slot[design.block[at_row]]
    raters = np.full((G, int(local.max(initial=-1)) + 1), -1, np.int64)
    raters[of, local] = who
    loadings = np.zeros((G, n, raters.shape[1]))
    loadings[of, place[at_row], local] = sign
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
        rater=raters,
        rated=loadings,
        error=error,
        extra=np.zeros((G, n)),
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
