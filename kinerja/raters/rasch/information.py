"""The information matrix of a rater model, kept as sums over pairs of elements that meet, and what is solved with it.

A parameter block has one value for each element of its source (a facet, or the single element "all"): the measures of
a facet, the thresholds of one step. Within a source the information is diagonal, between two sources as sparse as the
design; so its cost follows the number of pairs that meet, never the square of the number of raters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from kinerja.raters.rasch.design import Bools, Floats, Ints, totals


@dataclass(frozen=True, eq=False, kw_only=True)
class Pattern:
    """Which elements of two sources meet: `ids` gives each row's pair, pairs sorted by first, then second element."""

    ids: Ints
    pointer: Ints
    column: Ints
    shape: tuple[int, int]

    def matrix(self, data: Floats) -> sparse.csr_matrix:
        return sparse.csr_matrix((data, self.column, self.pointer), shape=self.shape)


@dataclass(frozen=True, eq=False)
class Sparse:
    """A sparse block with its transpose, made once."""

    matrix: sparse.csr_matrix
    transposed: sparse.csc_matrix

    @classmethod
    def build(cls, pattern: Pattern, data: Floats) -> Sparse:
        matrix = pattern.matrix(data)
        return cls(matrix, matrix.T)


Cross = Sparse | Floats
"""A block between two sources: sparse, or a vector where one source has a single element."""


def cross_matrix(block: Cross, shape: tuple[int, int]) -> sparse.csr_matrix:
    return block.matrix if isinstance(block, Sparse) else sparse.csr_matrix(block.reshape(shape))


@dataclass(frozen=True, eq=False, kw_only=True)
class Layout:
    """Where each parameter is.

    Fields
    ------
    sizes, codes : of each source, and the element of each row in it
    sources : source of each block
    starts : place of each block's first parameter; one more than blocks
    patterns : pairs of sources that meet
    """

    sizes: tuple[int, ...]
    codes: tuple[Ints, ...]
    sources: tuple[int, ...]
    starts: tuple[int, ...]
    patterns: dict[tuple[int, int], Pattern]

    @property
    def n(self) -> int:
        return self.starts[-1]

    def block(self, number: int) -> slice:
        return slice(self.starts[number], self.starts[number + 1])

    def sums(self, source: int, row_values: Floats) -> Floats:
        """Sum of a row value over the rows of each element."""
        if self.sizes[source] == 1:
            return np.array([row_values.sum()])
        return totals(self.codes[source], row_values, self.sizes[source])

    def pair_sums(self, one: int, two: int, row_values: Floats) -> Floats:
        pattern = self.patterns[one, two]
        if self.sizes[two] == 1:
            return self.sums(one, row_values)
        if self.sizes[one] == 1:
            return self.sums(two, row_values)
        return totals(pattern.ids, row_values, len(pattern.column))

    def cross(self, one: int, two: int, row_values: Floats) -> Cross:
        """A block of the information: sums over the rows of each pair."""
        data = self.pair_sums(one, two, row_values)
        return data if 1 in (self.sizes[one], self.sizes[two]) else Sparse.build(self.patterns[one, two], data)


def build_layout(sizes: Sequence[int], codes: Sequence[Ints], sources: Sequence[int]) -> Layout:
    starts = np.concatenate([[0], np.cumsum([sizes[s] for s in sources])])
    used = sorted(set(sources))
    patterns = {
        (i, j): _pattern(codes[i], codes[j], sizes[i], sizes[j]) for n, i in enumerate(used) for j in used[n + 1 :]
    }
    return Layout(sizes=tuple(sizes), codes=tuple(codes), sources=tuple(sources),
                  starts=tuple(int(s) for s in starts), patterns=patterns)  # fmt: skip


def _pattern(one: Ints, two: Ints, size_one: int, size_two: int) -> Pattern:
    if size_two == 1 or size_one == 1:
        # A source of one element meets every element of the other: the pair is that element.
        ids, size = (one, size_one) if size_two == 1 else (two, size_two)
        pointer = np.arange(size_one + 1) if size_two == 1 else np.array([0, size])
        column = np.zeros(size, dtype=np.int64) if size_two == 1 else np.arange(size)
        return Pattern(ids=ids, pointer=pointer, column=column, shape=(size_one, size_two))
    key = one * size_two + two
    if size_one * size_two <= max(4 * len(key), 1000):
        seen = np.zeros(size_one * size_two, dtype=bool)
        seen[key] = True
        number = np.cumsum(seen) - 1
        ids, pairs = number[key], np.flatnonzero(seen)
    elif (np.diff(key) >= 0).all():
        step = np.concatenate([[True], np.diff(key) > 0])
        ids, pairs = np.cumsum(step) - 1, key[step]
    else:
        pairs, ids = np.unique(key, return_inverse=True)
    pointer = np.concatenate([[0], np.cumsum(np.bincount(pairs // size_two, minlength=size_one))])
    return Pattern(ids=ids, pointer=pointer, column=pairs % size_two, shape=(size_one, size_two))


@dataclass(frozen=True, eq=False, kw_only=True)
class Constraint:
    """Parameters that do not move (`fixed`) and sets of parameters whose mean does not move (`groups`)."""

    fixed: Bools
    groups: tuple[Ints, ...] = ()

    def project(self, vector: Floats) -> Floats:
        vector[self.fixed] = 0.0
        for group in self.groups:
            vector[group] -= vector[group].mean(axis=0)
        return vector


@dataclass(frozen=True, eq=False, kw_only=True)
class Information:
    """Minus the second derivative of the log likelihood.

    Fields
    ------
    diagonal : for each block its own elements
    same : for two blocks of one source, element by element
    cross : for two blocks of different sources
    """

    layout: Layout
    diagonal: list[Floats]
    same: dict[tuple[int, int], Floats] = field(default_factory=dict)
    cross: dict[tuple[int, int], Cross] = field(default_factory=dict)

    def times(self, vector: Floats) -> Floats:
        at = [self.layout.block(b) for b in range(len(self.diagonal))]
        out = np.concatenate([d * vector[s] for d, s in zip(self.diagonal, at, strict=True)])
        for (a, b), values in self.same.items():
            out[at[a]] += values * vector[at[b]]
            out[at[b]] += values * vector[at[a]]
        for (a, b), block in self.cross.items():
            one, two = vector[at[a]], vector[at[b]]
            if isinstance(block, Sparse):
                out[at[a]] += block.matrix @ two
                out[at[b]] += block.transposed @ one
            elif len(two) == 1:
                out[at[a]] += block * two[0]
                out[at[b]] += block @ one
            else:
                out[at[a]] += block @ two
                out[at[b]] += block * one[0]
        return out

    def matrix(self, a: int, b: int) -> sparse.csr_matrix | None:
        """The block of two parameter blocks of different sources, either way round."""
        sizes = self.layout.sizes[self.layout.sources[a]], self.layout.sizes[self.layout.sources[b]]
        if (a, b) in self.cross:
            return cross_matrix(self.cross[a, b], sizes)
        if (b, a) in self.cross:
            return cross_matrix(self.cross[b, a], sizes[::-1]).T.tocsr()
        return None

    def preconditioner(self, fixed: Bools) -> list[tuple[list[int], Floats]]:
        """Inverse of the part within each source: (blocks, (size, blocks, blocks))."""
        found = []
        for source in sorted(set(self.layout.sources)):
            blocks = [b for b, s in enumerate(self.layout.sources) if s == source]
            small = np.zeros((self.layout.sizes[source], len(blocks), len(blocks)))
            for i, a in enumerate(blocks):
                stuck = fixed[self.layout.block(a)] | (self.diagonal[a] <= 0)
                small[:, i, i] = np.where(stuck, 1.0, self.diagonal[a] * (1 + 1e-10))
                for j, b in enumerate(blocks[i + 1 :], start=i + 1):
                    free = ~stuck & ~fixed[self.layout.block(b)]
                    value = self.same.get((a, b))
                    if value is not None:
                        small[:, i, j] = small[:, j, i] = np.where(free, value, 0.0)
            found.append((blocks, 1.0 / small if len(blocks) == 1 else _inverse(small)))
        return found

    def dense(self) -> Floats:
        """The whole matrix; for few parameters only."""
        at = [self.layout.block(b) for b in range(len(self.diagonal))]
        out = np.zeros((self.layout.n, self.layout.n))
        for d, s in zip(self.diagonal, at, strict=True):
            out[s, s] = np.diag(d)
        for (a, b), values in self.same.items():
            out[at[a], at[b]] = out[at[b], at[a]] = np.diag(values)
        for a, b in self.cross:
            block = self.matrix(a, b).toarray()  # type: ignore[union-attr]
            out[at[a], at[b]], out[at[b], at[a]] = block, block.T
        return out


def _inverse(small: Floats) -> Floats:
    scale = np.sqrt(np.maximum(np.einsum("kii->ki", small), 1e-300))
    scaled = small / scale[:, :, None] / scale[:, None, :]
    scaled += 1e-9 * np.eye(small.shape[1])
    return np.asarray(np.linalg.inv(scaled) / scale[:, :, None] / scale[:, None, :], dtype=np.float64)


def solve(
    information: Information, gradient: Floats, constraint: Constraint, tolerance: float, most: int = 500
) -> tuple[Floats, int]:
    """Newton's step within the constraint, by preconditioned conjugate gradients; what the data do not identify stays.

    tolerance : on the residual, relative to the gradient. Returns the step and the number of products made.
    """
    layout, factors = information.layout, information.preconditioner(constraint.fixed)

    def precondition(residual: Floats) -> Floats:
        out = np.empty_like(residual)
        for blocks, inverse in factors:
            if len(blocks) == 1:
                out[layout.block(blocks[0])] = inverse[:, 0, 0] * residual[layout.block(blocks[0])]
                continue
            stacked = np.stack([residual[layout.block(b)] for b in blocks], axis=1)
            for b, column in zip(blocks, np.einsum("kij,kj->ik", inverse, stacked), strict=True):
                out[layout.block(b)] = column
        return constraint.project(out)

    residual = constraint.project(gradient.copy())
    step = np.zeros_like(residual)
    goal = tolerance * np.linalg.norm(residual)
    direction = precondition(residual)
    strength = float(residual @ direction)
    for count in range(most):
        if np.linalg.norm(residual) <= goal or strength <= 0:
            return step, count
        product = constraint.project(information.times(direction))
        curvature = float(direction @ product)
        if curvature <= 0:
            return step, count
        length = strength / curvature
        step += length * direction
        residual -= length * product
        turned = precondition(residual)
        strength, before = float(residual @ turned), strength
        direction = turned + (strength / before) * direction
    return step, most
