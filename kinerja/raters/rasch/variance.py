"""Standard errors from the whole information matrix, so that a rater's interval knows that ratees are estimated too.

FACETS and most peers report 1/sqrt(sum of variances), as if every other measure were known; where each ratee has two
raters that is too small by about a factor of 1.4. That figure is kept as `model_se` (separation and the chi-squares are
defined with it); intervals use what is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import sparse

from kinerja.raters.rasch.design import Bools, Floats, Ints
from kinerja.raters.rasch.information import Constraint, Information
from kinerja.raters.rasch.links import Links, centre

SMALL = 300
"""Parameters up to which the whole matrix is inverted and centred exactly, whatever the constraints."""

MIDDLE = 1500
"""Parameters, besides the floating facet's, up to which their matrix is inverted; above, its diagonal is estimated."""

RIDGE = 1e-8
"""Relative addition to the diagonal: directions left free get a huge variance, which centring removes."""

FEW = 50
"""A block of up to so many parameters (items, thresholds) gets its exact variances even then."""

PROBES = 24
"""Random sign vectors for the diagonal of a large inverse (Hutchinson 1989): its error is about 2 % of a variance."""

FREE = 1e5
"""A variance above this (SE over 300 logits) means that the element is not determined."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Variances:
    """Variances of the centred estimates.

    Fields
    ------
    measures : for each facet, NaN where not determined
    kappa : covariance of the free cumulative thresholds of each set, shape (groups, categories-2, categories-2)
    single : variance of the further single parameters (of the marginal method), in their order
    """

    measures: list[Floats]
    kappa: Floats
    single: Floats


def find_variances(
    information: Information, constraint: Constraint, links: Links, signs: Floats, noncentre: int,
    counted: tuple[Bools, ...], categories: int, ratee: int | None = None,
) -> Variances:  # fmt: skip
    """Variances by the exact inverse where that is affordable, else by elimination of the floating facet and probing.

    categories : categories of the scale; blocks are the facets and categories-2 thresholds
    ratee : with the marginal method the facet integrated out; two blocks more, its distribution's mean and log SD
    """
    layout = information.layout
    if ratee is not None:
        # The search kept the ratees' mean still while another facet floats; here both are uncertain.
        fixed = constraint.fixed.copy()
        fixed[-2] = False
        constraint = replace(constraint, fixed=fixed)
    free = ~constraint.fixed
    thresholds_elsewhere = all(
        layout.sources[b] != noncentre for b in range(len(signs), len(signs) + max(categories - 2, 0))
    )
    if int(free.sum()) <= SMALL or not thresholds_elsewhere:
        whole = _small(information, constraint, links, signs, noncentre, counted, ratee)
        variance, covariance = np.diag(whole).copy(), _Part(whole, np.arange(layout.n))
    else:
        variance, covariance = _eliminated(information, constraint, links, signs, noncentre, counted, ratee)
    variance[constraint.fixed] = 0.0
    variance[~((variance >= 0) & (variance < FREE))] = np.nan
    facets = len(signs)
    blocks = range(facets, facets + max(categories - 2, 0))
    groups = layout.sizes[layout.sources[facets]] if len(blocks) else 1
    kappa = np.zeros((groups, len(blocks), len(blocks)))
    for i, a in enumerate(blocks):
        for j, b in enumerate(blocks):
            kappa[:, i, j] = _pairs(covariance, variance, layout.block(a), layout.block(b))
    start = layout.n if ratee is None else layout.n - 2
    return Variances(measures=[variance[layout.block(f)] for f in range(facets)], kappa=kappa, single=variance[start:])


def _pairs(covariance: _Part, variance: Floats, one: slice, two: slice) -> Floats:
    if not np.isin([one.start, two.start], covariance.places).all():
        return variance[one] if one == two else np.zeros(one.stop - one.start)
    return np.asarray(covariance[np.arange(one.start, one.stop), np.arange(two.start, two.stop)], dtype=np.float64)


def _small(
    information: Information, constraint: Constraint, links: Links, signs: Floats, noncentre: int,
    counted: tuple[Bools, ...], ratee: int | None,
) -> Floats:  # fmt: skip
    layout = information.layout
    matrix = information.dense()
    for group in constraint.groups:
        matrix[np.ix_(group, group)] += np.diag(matrix)[group].mean() / RIDGE / len(group)
    covariance = _ridge_inverse(matrix, ~constraint.fixed, np.concatenate(information.diagonal))

    def centred(vectors: Floats) -> Floats:
        out = vectors.copy()
        for column in range(vectors.shape[1]):
            parts = [vectors[layout.block(f), column] for f in range(len(signs))]
            moved = centre(parts, signs, links, noncentre, counted)
            out[: layout.starts[len(signs)], column] = np.concatenate(moved)
            if ratee is not None:
                out[-2, column] += (moved[ratee] - parts[ratee])[counted[ratee]].mean()
        return out

    return centred(centred(covariance).T)


def _ridge_inverse(matrix: Floats, free: Bools, own: Floats) -> Floats:
    """Inverse over the free parameters, zero elsewhere.

    own : information of each parameter with all others known, to which the ridge is relative. What elimination leaves
        of a rater whose ratees nobody else rates is 0 up to rounding: relative to that, rounding would be information.
    """
    out = np.zeros_like(matrix)
    at = np.flatnonzero(free)
    inner = matrix[np.ix_(at, at)]
    scale = np.sqrt(np.maximum(own[at], 1e-300))
    inner = inner / scale / scale[:, None]
    inner[np.diag_indices_from(inner)] += RIDGE
    out[np.ix_(at, at)] = np.linalg.inv(inner) / scale / scale[:, None]
    return out


def _eliminated(
    information: Information, constraint: Constraint, links: Links, signs: Floats, noncentre: int,
    counted: tuple[Bools, ...], ratee: int | None,
) -> tuple[Floats, _Part]:  # fmt: skip
    """Schur complement S = C - B'(1/A)B of the floating facet (A its diagonal); its inverse, or that one's diagonal."""
    layout = information.layout
    own = information.diagonal[noncentre]
    held = constraint.fixed[layout.block(noncentre)] | (own <= 0)
    weight = np.where(held, 0.0, 1.0 / np.where(own > 0, own, 1.0))
    rest = np.concatenate([np.arange(layout.n)[layout.block(b)] for b in range(len(layout.sources)) if b != noncentre])
    free = ~constraint.fixed[rest]
    beside, inner = _parts(information, noncentre)
    schur = (inner - beside.T @ (sparse.diags(weight) @ beside)).tocsr()
    labels = _labels(information, links, signs, noncentre, counted, rest)
    groups = [np.searchsorted(rest, g) for g in constraint.groups if np.isin(g, rest).all()]
    variance = np.zeros(layout.n)
    if len(rest) <= MIDDLE:
        matrix = schur.toarray()
        for group in groups:
            matrix[np.ix_(group, group)] += np.diag(matrix)[group].mean() / RIDGE / len(group)
        inverse = _ridge_inverse(matrix, free, np.concatenate(information.diagonal)[rest])
        mean = len(rest) - 2 if ratee == noncentre else None
        inverse = _centred(_centred(inverse, labels, mean).T, labels, mean)
        variance[rest] = np.diag(inverse)
        spread = _quadratic(beside, inverse)
        covariance = _Part(inverse, rest)
    else:
        sizes = [layout.sizes[s] for b, s in enumerate(layout.sources) if b != noncentre]
        few = np.concatenate([np.full(size, size <= FEW) for size in sizes])
        variance[rest], exact = _probed(schur, free, labels, np.flatnonzero(few))
        covariance = _Part(exact, rest[few])
        spread = np.asarray((beside.multiply(beside)) @ np.where(free, variance[rest], 0.0)).ravel()
    variance[layout.block(noncentre)] = weight + weight**2 * spread
    return variance, covariance


def _quadratic(beside: sparse.csr_matrix, inverse: Floats) -> Floats:
    """b' M b for each row b of a sparse matrix: columns that most rows have are taken as dense."""
    common = np.bincount(beside.indices, minlength=beside.shape[1]) > 0.3 * beside.shape[0]
    dense, rare = beside[:, common].toarray(), beside[:, ~common]
    inner = inverse[np.ix_(~common, ~common)]
    found = np.einsum("ij,ij->i", dense @ inverse[np.ix_(common, common)], dense)
    found += 2 * np.einsum("ij,ij->i", rare @ inverse[np.ix_(~common, common)], dense)
    found += np.asarray(rare.multiply(rare @ inner).sum(axis=1)).ravel()
    return np.asarray(found, dtype=np.float64)


class Label(NamedTuple):
    """A centred facet: places of its elements, their component, whether the mean counts them, its sign beside the
    floating facet's."""

    places: Ints
    component: Ints
    counted: Bools
    sign: float


class _Part:
    """A covariance of some parameters only, indexed by their places among all."""

    def __init__(self, inverse: Floats, places: Ints) -> None:
        self.inverse, self.places = inverse, places

    def __getitem__(self, index: tuple[Ints, Ints]) -> Floats:
        row, column = (np.searchsorted(self.places, i) for i in index)
        return np.asarray(self.inverse[row, column], dtype=np.float64)


def _parts(information: Information, main: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """B (main facet by the rest) and C (the rest)."""
    layout = information.layout
    others = [b for b in range(len(layout.sources)) if b != main]
    beside: list[sparse.csr_matrix] = []
    inner: list[list[sparse.csr_matrix | None]] = [[None] * len(others) for _ in others]
    for i, a in enumerate(others):
        matrix = information.matrix(main, a)
        beside.append(
            sparse.csr_matrix((layout.sizes[main], layout.sizes[layout.sources[a]])) if matrix is None else matrix
        )
        inner[i][i] = sparse.diags(information.diagonal[a])
        for j, b in enumerate(others[i + 1 :], start=i + 1):
            shared = information.same.get((a, b))
            block = information.matrix(a, b) if shared is None else sparse.diags(shared)
            if block is not None:
                inner[i][j], inner[j][i] = block, block.T
    return sparse.hstack(beside, format="csr"), sparse.bmat(inner, format="csr")


def _labels(
    information: Information, links: Links, signs: Floats, noncentre: int, counted: tuple[Bools, ...], rest: Ints
) -> list[Label]:
    """For each centred facet what `_centred` needs."""
    found = []
    for (one, two), (_, second) in zip(links.pairs, links.labels, strict=True):
        if one == noncentre and (second >= 0).any():
            block = information.layout.block(two)
            places = np.searchsorted(rest, np.arange(block.start, block.stop))
            found.append(Label(places, second, counted[two], float(signs[two] * signs[noncentre])))
    return found


def _centred(matrix: Floats, labels: list[Label], mean: int | None = None) -> Floats:
    """Rows of each centred facet minus the mean row of their component; the floating facet's mean takes it up."""
    out = matrix.copy()
    for places, label, counted, sign in labels:
        use = counted & (label >= 0)
        number = int(label.max(initial=0)) + 1
        share = 1.0 / np.maximum(np.bincount(label[use], minlength=number), 1)
        average = sparse.csr_matrix((share[label[use]], (label[use], places[use])), shape=(number, len(matrix)))
        means = average @ matrix
        moved = label >= 0
        out[places[moved]] -= means[label[moved]]
        if mean is not None:
            out[mean] += sign * means[np.unique(label[moved])].mean(axis=0)
    return out


def _probed(schur: sparse.csr_matrix, free: Bools, labels: list[Label], exact: Ints) -> tuple[Floats, Floats]:
    """Diagonal of the centred inverse, and its part for the places `exact`, which is solved for.

    The rest of the diagonal: 1/D, plus probes for what the first two Neumann terms leave.
    """
    size = schur.shape[0]
    diagonal = np.where(free, np.maximum(schur.diagonal(), 1e-12), 1.0)
    inside = np.where(free, 1.0, 0.0)[:, None]
    z = np.where(np.random.default_rng(20260930).random((size, PROBES)) < 0.5, -1.0, 1.0) * inside
    units = np.zeros((size, len(exact)))
    units[exact, np.arange(len(exact))] = 1.0
    x = _solve_many(schur, diagonal, inside, labels, np.hstack([z, units * inside]))
    first = z / diagonal[:, None]
    second = ((schur @ first) * inside - diagonal[:, None] * first) / diagonal[:, None]
    variance = 1.0 / diagonal + (z * (x[:, :PROBES] - first + second)).mean(axis=1)
    part = x[exact, PROBES:]
    variance[exact] = np.diag(part)
    return variance, part


def _solve_many(
    schur: sparse.csr_matrix, diagonal: Floats, inside: Floats, labels: list[Label], right: Floats
) -> Floats:
    """Conjugate gradients for many right-hand sides within the centred parameters."""
    residual = _centred(right, labels)
    x = np.zeros_like(residual)
    scaled = inside / diagonal[:, None]
    direction = _centred(residual * scaled, labels)
    strength = (residual * direction).sum(axis=0)
    goal = np.maximum(1e-6 * strength, 1e-300)
    for _ in range(200):
        product = _centred((schur @ direction) * inside, labels)
        length = strength / np.maximum((direction * product).sum(axis=0), 1e-300)
        x += length * direction
        residual -= length * product
        turned = _centred(residual * scaled, labels)
        strength, before = (residual * turned).sum(axis=0), strength
        if (strength <= goal).all():
            break
        direction = turned + strength / np.maximum(before, 1e-300) * direction
    return x
