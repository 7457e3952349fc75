"""Crossed random effects as cross-products: which factors are eliminated in blocks, which stay in the dense system.

y = X beta + sum_k Z_k b_k + e. Only the products of Z, X and y are kept: Z'Z is sparse, a factor's own block diagonal.
Factors nested in one and the same factor (ratee, ratee:rater, ratee:item are all nested in ratee) together have a Z'Z
that is block diagonal, one small block a level of that factor: they are eliminated (E), the others remain (R).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, sparse

from kinerja.errors import EstimationError, ParameterError

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

TOLERANCE = 1e-9
"""A column of X whose part not explained by the columns before it is smaller than this share of it is left out."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Factor:
    """One random term. name as written ("ratee:rater"); codes (n,) level of each row; levels: their names."""

    name: str
    codes: Ints
    levels: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Blocks:
    """Blocks of E of one size b: rows (m, b) positions in E, values (m, b, b) of Z'Z."""

    rows: Ints
    values: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class MixedDesign:
    """Cross-products of a mixed model; q random effects in all, E eliminated first, then R.

    Fields
    ------
    factors : in the order of the columns of Z: those of E, then those of R
    slices : where each factor's levels stand among the q columns
    n_eliminated : number of columns of E
    blocks : the blocks of E, by size
    zz_er : sparse (E, R), zz_re its transpose; zz_rr : dense (R, R); zz : sparse (q, q)
    zx : (q, p + 1), Z'[X y]; xx : (p + 1, p + 1), [X y]'[X y]; y has its mean taken off
    n : rows; y_mean : what was taken off; terms : names of the p columns of X; left_out : names of dependent columns
    """

    factors: tuple[Factor, ...]
    slices: tuple[slice, ...]
    n_eliminated: int
    blocks: tuple[Blocks, ...]
    zz_er: sparse.csr_array
    zz_re: sparse.csr_array
    zz_rr: Floats
    zz: sparse.csr_array
    zx: Floats
    xx: Floats
    n: int
    y_mean: float
    terms: tuple[str, ...]
    left_out: tuple[str, ...]


def build_design(data: pd.DataFrame, response: str, fixed: Sequence[str], random: Sequence[str]) -> MixedDesign:
    """Cross-products of the model `response ~ 1 + fixed + (1 | random_1) + ...`; rows without any of them must be gone.

    Raises
    ------
    ParameterError : a column named is not there
    EstimationError : a random term has one level, one level a row, or the same groups as another one
    """
    _check_columns(data, [response, *fixed, *(part for term in random for part in term.split(":"))])
    factors = [_factor(data, term) for term in random]
    _check_factors(factors, len(data))
    eliminated, rest = _split(factors)
    ordered = (*eliminated, *rest)
    ends = np.cumsum([len(f.levels) for f in ordered])
    slices = tuple(slice(int(e) - len(f.levels), int(e)) for f, e in zip(ordered, ends, strict=True))
    x, terms, left_out = _fixed_columns(data, fixed)
    y = data[response].to_numpy(float)
    # one order of the rows whatever the file's, so that sums are the same to the last bit
    order = np.lexsort((*x.T[1:], y, *(f.codes for f in ordered)))
    xy = np.column_stack([x, y - np.sort(y).mean()])[order]
    n, size = len(data), int(sum(len(f.levels) for f in eliminated))
    columns = np.column_stack([f.codes[order] + s.start for f, s in zip(ordered, slices, strict=True)])
    z = sparse.csr_array((np.ones(columns.size), columns.ravel(), np.arange(0, columns.size + 1, len(ordered))),
                         shape=(n, int(ends[-1])))  # fmt: skip
    zt = z.T.tocsr()
    zz = (zt @ z).tocsr()
    zz.sort_indices()
    return MixedDesign(
        factors=ordered,
        slices=slices,
        n_eliminated=size,
        blocks=_blocks(zz[:size, :size].tocsr(), eliminated),
        zz_er=zz[:size, size:].tocsr(),
        zz_re=zz[size:, :size].tocsr(),
        zz_rr=zz[size:, size:].toarray(),
        zz=zz,
        zx=zt @ xy,
        xx=xy.T @ xy,
        n=n,
        y_mean=float(np.sort(y).mean()),
        terms=terms,
        left_out=left_out,
    )


# Factors


def _check_columns(data: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in data.columns]
    if missing:
        raise ParameterError(
            f"mixed model: found no column {missing[0]!r}; the data have {', '.join(map(str, data.columns))}. "
            "Name one of these, or add the column."
        )


def _factor(data: pd.DataFrame, term: str) -> Factor:
    parts = term.split(":")
    codes, levels = pd.factorize(data[parts[0]].astype(str), sort=True)
    names = [str(level) for level in levels]
    for part in parts[1:]:
        other, others = pd.factorize(data[part].astype(str), sort=True)
        joint, codes = np.unique(codes * len(others) + other, return_inverse=True)
        names = [f"{names[j // len(others)]}:{others[j % len(others)]}" for j in joint]
    return Factor(name=term, codes=codes.astype(np.intp), levels=tuple(names))


def _check_factors(factors: Sequence[Factor], n: int) -> None:
    for at, factor in enumerate(factors):
        if len(factor.levels) < 2:
            raise EstimationError(
                f"mixed model: found one level of {factor.name}; two or more are needed. Leave the term out."
            )
        if len(factor.levels) == n:
            raise EstimationError(
                f"mixed model: found a {factor.name} of its own for each of the {n} rows; its variance cannot be told "
                "from the residual. Leave the term out, or add a second rating of the same kind."
            )
        for other in factors[:at]:
            if len(other.levels) == len(factor.levels) and _nested(other.codes, factor.codes):
                raise EstimationError(
                    f"mixed model: found the same groups for {other.name} and {factor.name} ({len(factor.levels)} "
                    "of each); their variances cannot be told apart. Leave one of the two out."
                )


def _nested(inner: Ints, outer: Ints) -> bool:
    """Whether every level of `inner` occurs with one level of `outer` only."""
    first = np.zeros(inner.max() + 1, dtype=np.intp)
    first[inner] = outer
    return bool((first[inner] == outer).all())


def _split(factors: Sequence[Factor]) -> tuple[tuple[Factor, ...], tuple[Factor, ...]]:
    """The largest set of factors nested in one of them, that one first; and the rest."""
    best: tuple[Factor, ...] = ()
    for container in factors:
        inside = [f for f in factors if f is not container and _nested(f.codes, container.codes)]
        found = (container, *inside)
        if sum(len(f.levels) for f in found) > sum(len(f.levels) for f in best):
            best = found
    return best, tuple(f for f in factors if all(f is not b for b in best))


def _blocks(zz_ee: sparse.csr_array, eliminated: Sequence[Factor]) -> tuple[Blocks, ...]:
    """Levels of E that share a level of the containing factor form a block; blocks are stacked by size."""
    container = eliminated[0]
    owner = [np.arange(len(container.levels))]
    for factor in eliminated[1:]:
        of = np.zeros(len(factor.levels), dtype=np.intp)
        of[factor.codes] = container.codes
        owner.append(of)
    member = np.argsort(np.concatenate(owner), kind="stable")
    sizes = np.bincount(np.concatenate(owner))
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(member), dtype=np.intp)
    place[member] = np.arange(len(member)) - np.repeat(starts, sizes)
    level = np.concatenate(owner)
    entries = zz_ee.tocoo()
    stacked = []
    for b in np.unique(sizes):
        of_size = np.flatnonzero(sizes == b)
        rank = np.full(len(sizes), -1)
        rank[of_size] = np.arange(len(of_size))
        values = np.zeros((len(of_size), b, b))
        here = rank[level[entries.row]] >= 0
        row, column = entries.row[here], entries.col[here]
        values[rank[level[row]], place[row], place[column]] = entries.data[here]
        stacked.append(Blocks(rows=member[starts[of_size][:, None] + np.arange(b)], values=values))
    return tuple(stacked)


# Fixed effects


def _fixed_columns(data: pd.DataFrame, fixed: Sequence[str]) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """X (n, p): intercept, numbers as they are, other columns as indicators of all but the first level (sorted)."""
    columns, names = [np.ones(len(data))], ["intercept"]
    for name in fixed:
        if pd.api.types.is_numeric_dtype(data[name]) and not pd.api.types.is_bool_dtype(data[name]):
            columns.append(data[name].to_numpy(float))
            names.append(name)
            continue
        codes, levels = pd.factorize(data[name].astype(str), sort=True)
        columns += [(codes == k).astype(float) for k in range(1, len(levels))]
        names += [f"{name}={level}" for level in levels[1:]]
    x = np.column_stack(columns)
    kept = _independent(x)
    left_out = tuple(n for i, n in enumerate(names) if i not in kept)
    return x[:, kept], tuple(names[i] for i in kept), left_out


def _independent(x: Floats) -> list[int]:
    """Columns that are not linear combinations of those before them (from the Cholesky pivots of X'X, in order)."""
    scaled = x / np.sqrt((x**2).sum(axis=0)).clip(1e-300)
    gram = scaled.T @ scaled
    kept: list[int] = []
    for j in range(x.shape[1]):
        if kept:
            part = linalg.solve(gram[np.ix_(kept, kept)], gram[kept, j], assume_a="pos")
            left = gram[j, j] - gram[kept, j] @ part
        else:
            left = gram[j, j]
        if left > TOLERANCE:
            kept.append(j)
    return kept
