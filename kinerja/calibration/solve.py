"""Given the variances: rating effects, cultures and team performance as linear functions of the data, by source.

Units are solved as dense blocks; supervisors seen in several units link them. Their effects are taken out of
the blocks and put back as a low-rank part, whose small sparse system conjugate gradients solve: the same answer as a
dense solve, at a cost linear in rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kinerja.calibration.blocks import Bucket, with_error
from kinerja.calibration.links import LinkedBlocks, Links
from kinerja.calibration.model import covariance, inverse
from kinerja.calibration.rows import RATING, Rows
from kinerja.errors import EstimationError, Problem

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SOURCES = ("links", "feedback", "indicators")
"""Sources of evidence: ratings with their links (second raters, moves), citizens' feedback, attainment."""

EXACT, CLOSE = 1e-9, 1e-6
"""Relative residuals at which conjugate gradients end: for published effects, and for the points of an average."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RatingEffects:
    """Best linear predictions in points, by source (columns `SOURCES`).

    rater : (J, 3) rating effect s (positive = adds points); culture : (blocks, 3)
    """

    rater: Floats
    culture: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Effects(RatingEffects):
    """Rating effects, true performance, and how well both are known.

    performance : (S, 3) U + T + M and the mean of the team's people, deviation from the office
    cell_variance : (S,) variance of s + c given the data; rater_variance : (J,) of s; culture_variance : (blocks,)
    performance_variance : (S,)
    standardised : (n,) V^-1 residual, points^-1; leverage : (n,) diagonal of V^-1, points^-2
    iterations : conjugate-gradient steps (0 where blocks are exact)
    """

    performance: Floats
    cell_variance: Floats
    rater_variance: Floats
    culture_variance: Floats
    performance_variance: Floats
    standardised: Floats
    leverage: Floats
    iterations: int


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkedShare:
    """Blocks that linked raters join, without their effects.

    row : (G, n) rows of the design, -1 padded; inverse : (G, n, n) of the covariance without linked raters
    loadings : (G, n, 2 q) of linked raters' effects, severity then leadership, times their SDs; weighted : inverse
        times it
    columns : (G, 2 q) places in the (2 m) effects, -1 padded
    """

    row: Ints
    inverse: Floats
    loadings: Floats
    weighted: Floats
    columns: Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class System:
    """Factorised covariance at one set of variances.

    inverses : of the whole blocks; linked : what linked raters join; core : (2 m, 2 m) sparse I + Z' V0^-1 Z
    """

    design: Rows
    buckets: list[Bucket]
    theta: Floats
    inverses: list[Floats]
    linked: list[LinkedShare]
    core: Any
    tolerance: float


def factorise(
    design: Rows,
    buckets: list[Bucket],
    theta: Floats,
    links: Links | None,
    extra: Any = None,
    tolerance: float = EXACT,
) -> System:
    """extra : (n,) error variances that `buckets` hold beyond the design's own, working units squared"""
    inverses = [inverse(covariance(b, theta)) for b in buckets]
    linked, core = [], None
    if links is not None:
        m = len(links.raters)
        linked = [_linked_share(part, theta, m, extra) for part in links.parts]
        core = _core(linked, m)
    return System(design=design, buckets=buckets, theta=theta, inverses=inverses, linked=linked, core=core,
                  tolerance=tolerance)  # fmt: skip


def _linked_share(part: LinkedBlocks, theta: Floats, m: int, extra: Any) -> LinkedShare:
    bucket = part.free if extra is None else with_error([part.free], extra)[0]
    W = inverse(covariance(bucket, theta))
    performance = bucket.rating + theta[9] * bucket.feedback + theta[10] * bucket.indicator
    Z = np.concatenate(
        [np.sqrt(theta[3]) * part.rating, np.sqrt(theta[2]) * performance[:, :, None] * part.exposure], axis=2
    )
    columns = np.concatenate([part.column, np.where(part.column >= 0, part.column + m, -1)], axis=1)
    return LinkedShare(row=bucket.row, inverse=W, loadings=Z, weighted=W @ Z, columns=columns)


def _core(linked: list[LinkedShare], m: int) -> Any:
    entries = []
    for one in linked:
        inner = one.loadings.transpose(0, 2, 1) @ one.weighted
        ok = (one.columns[:, :, None] >= 0) & (one.columns[:, None, :] >= 0)
        i = np.broadcast_to(one.columns[:, :, None], ok.shape)[ok]
        j = np.broadcast_to(one.columns[:, None, :], ok.shape)[ok]
        entries.append((i, j, inner[ok]))
    i, j, v = (np.concatenate([e[k] for e in entries]) for k in range(3))
    every = np.arange(2 * m)
    return sparse.csr_array(
        (np.concatenate([v, np.ones(2 * m)]), (np.concatenate([i, every]), np.concatenate([j, every]))),
        shape=(2 * m, 2 * m),
    )


def solve(system: System, right: Floats) -> tuple[Floats, int]:
    """V^-1 right for (n, k) right-hand sides in working units; conjugate-gradient steps made.

    With V = V0 + Z Z', V0 the blocks without linked raters,
    V^-1 r = V0^-1 r - V0^-1 Z (I + Z' V0^-1 Z)^-1 Z' V0^-1 r.

    The inner system has two unknowns a linked rater, is sparse and well conditioned; conjugate gradients solve it.
    """
    x = np.empty_like(right)
    for bucket, W in zip(system.buckets, system.inverses, strict=True):
        _put(x, bucket.row, W @ _take(right, bucket.row))
    if system.core is None:
        return x, 0
    size, k = system.core.shape[0], right.shape[1]
    t = np.zeros((size + 1, k))
    for one in system.linked:
        local = one.inverse @ _take(right, one.row)
        _put(x, one.row, local)
        np.add.at(t, one.columns, one.loadings.transpose(0, 2, 1) @ local)
    u, steps = _conjugate_gradients(system.core, t[:size], system.tolerance)
    u = np.vstack([u, np.zeros((1, k))])
    for one in system.linked:
        _put(x, one.row, _take(x, one.row) - one.weighted @ u[one.columns])
    return x, steps


def _take(values: Floats, row: Ints) -> Floats:
    """(G, n, k) the blocks' rows of (n, k) values, zero where padded."""
    return np.where((row >= 0)[:, :, None], values[row], 0.0)


def _put(values: Floats, row: Ints, local: Floats) -> None:
    inside = row >= 0
    values[row[inside]] = local[inside]


def _conjugate_gradients(A: Any, right: Floats, tolerance: float) -> tuple[Floats, int]:
    """A x = right for all columns at once, preconditioned by the diagonal."""
    scale = 1.0 / A.diagonal()[:, None]
    x = scale * right
    residual = right - A @ x
    target = tolerance * np.linalg.norm(right, axis=0) + 1e-300
    z = scale * residual
    p, rz = z.copy(), np.einsum("ij,ij->j", residual, z)
    for step in range(501):
        if (np.linalg.norm(residual, axis=0) <= target).all():
            return x, step
        Ap = A @ p
        alpha = rz / np.maximum(np.einsum("ij,ij->j", p, Ap), 1e-300)
        x = x + alpha * p
        residual = residual - alpha * Ap
        z = scale * residual
        new = np.einsum("ij,ij->j", residual, z)
        p = z + (new / np.maximum(rz, 1e-300)) * p
        rz = new
    raise EstimationError(
        "calibration: conjugate gradients did not reach the tolerance in 500 steps; report this run",
        [Problem(where="calibration", code="calibration_unsolved", data={"n": 500})],
    )


def residuals(system: System) -> tuple[Floats, Floats, Floats, int]:
    """Residual by source (n, 3) in working units, V^-1 of each, fixed coefficients, steps; one solve for all."""
    design = system.design
    value = design.value / design.unit_of_work
    source = np.array([0, 1, 2, 0])[design.kind]
    split = np.zeros((len(value), 3))
    split[np.arange(len(value)), source] = value
    # a fixed column belongs to one kind of row, so that residuals split as values do
    column_source = source[np.abs(design.fixed).argmax(axis=0)]
    p = design.fixed.shape[1]
    z, steps = solve(system, np.column_stack([design.fixed, split]))
    beta = np.linalg.solve(design.fixed.T @ z[:, :p], design.fixed.T @ z[:, p:].sum(axis=1))
    assign = beta[:, None] * (column_source[:, None] == np.arange(3))
    return split - design.fixed @ assign, z[:, p:] - z[:, :p] @ assign, beta, steps


def fixed_effects(system: System) -> tuple[Floats, Floats]:
    """Coefficients of the fixed part and their standard errors, in points of each column's kind of row."""
    design = system.design
    z, _ = solve(system, np.column_stack([design.fixed, design.value / design.unit_of_work]))
    p = design.fixed.shape[1]
    C = np.linalg.inv(design.fixed.T @ z[:, :p])
    unit = design.unit_of_work[np.abs(design.fixed).argmax(axis=0)]
    return (C @ (design.fixed.T @ z[:, p])) * unit, np.sqrt(np.diag(C)) * unit


def rating_effects(system: System) -> RatingEffects:
    """Predictions of raters' and units' effects alone, which cost a third of `predict`."""
    _, z, _, _ = residuals(system)
    return _rating_effects(system, z)


def _rating_effects(system: System, z: Floats) -> RatingEffects:
    design, theta = system.design, system.theta
    is_rating = design.kind == RATING
    culture = np.zeros((design.n_blocks, 3))
    np.add.at(culture, design.block[is_rating], theta[4] * z[is_rating])
    return RatingEffects(rater=theta[3] * (design.ratings.T @ z) * design.scale[0], culture=culture * design.scale[0])


def predict(system: System) -> Effects:
    """Predictions of every effect, split by source, with variances.

    Variances of raters seen in several units use each unit's own evidence alone: never too small.
    """
    design, theta = system.design, system.theta
    unit = design.scale[0]
    _, z, _, steps = residuals(system)
    effects = _rating_effects(system, z)
    performance = _performance(system, z)
    cell, only_s, only_c, perf, leverage = _variances(system)
    rater_variance = np.full(design.n_raters, theta[3])
    np.minimum.at(rater_variance, design.spell_rater, only_s)
    culture_variance = np.full(design.n_blocks, theta[4])
    culture_variance[design.spell_block] = only_c
    return Effects(
        rater=effects.rater,
        culture=effects.culture,
        performance=performance * unit,
        cell_variance=cell * unit**2,
        rater_variance=rater_variance * unit**2,
        culture_variance=culture_variance * unit**2,
        performance_variance=perf * unit**2,
        standardised=z.sum(axis=1) / design.unit_of_work,
        leverage=leverage / design.unit_of_work**2,
        iterations=steps,
    )


def _performance(system: System, z: Floats) -> Floats:
    """(S, 3) prediction of true team performance; leaders' evidence of other units included."""
    design, theta = system.design, system.theta
    at = design.spell_rows
    out = np.zeros((len(at), 3))
    place = np.full(len(design.kind), -1)
    place[at] = np.arange(len(at))
    for bucket in system.buckets:
        K = _true_covariance(bucket, theta, design)
        inside = bucket.row >= 0
        padded = np.where(inside[:, :, None], z[bucket.row], 0.0)
        values = K @ padded
        ok = inside & (bucket.rating > 0)
        out[place[bucket.row[ok]]] = values[ok]
    return out


def _true_covariance(bucket: Bucket, theta: Floats, design: Rows) -> Floats:
    """(G, n, n) rows: a team's true performance (its people included) against all rows; read only rating rows."""
    loading = bucket.rating + theta[9] * bucket.feedback + theta[10] * bucket.indicator
    K = (theta[0] + theta[1] * bucket.team + theta[2] * bucket.leader) * loading[:, None, :]
    return np.asarray(K + people_covariance(bucket, design))


def people_covariance(bucket: Bucket, design: Rows) -> Floats:
    """(G, n, n) rows: the part of a team's true performance that comes from which people are in it, against all."""
    people = bucket.error * (bucket.rating + bucket.indicator)[:, None, :]
    inside = np.where(bucket.row >= 0, bucket.row, 0)
    n = np.arange(bucket.rating.shape[1])
    people[:, n, n] = np.where(bucket.rating > 0, design.true_people[inside], 0.0) / design.scale[0] ** 2
    return np.asarray(people)


def _variances(system: System) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Per team-spell: variance of s + c, of s, of c, of performance; per row: diagonal of V^-1. Blocks only."""
    design, theta = system.design, system.theta
    rows = design.spell_rows
    n_spells = len(rows)
    place = np.full(len(design.kind), -1)
    place[rows] = np.arange(n_spells)
    out = np.zeros((4, n_spells))
    leverage = np.zeros(len(design.kind))
    for bucket, W in zip(system.buckets, system.inverses, strict=True):
        # row of a rating: covariance of its rater's effect, and of its team's performance, with every row
        s = theta[3] * bucket.severity
        K = _true_covariance(bucket, theta, design)
        Wr = np.einsum("gij,gj->gi", W, bucket.rating)
        gain_s = np.einsum("gij,gij->gi", s @ W, s)
        gain_c = theta[4] ** 2 * np.einsum("gi,gi->g", bucket.rating, Wr)[:, None]
        both = theta[4] * np.einsum("gij,gj->gi", s, Wr)
        gain_k = np.einsum("gij,gij->gi", K @ W, K)
        left = (
            theta[3] + theta[4] - gain_s - gain_c - 2 * both,
            theta[3] - gain_s,
            np.broadcast_to(theta[4] - gain_c, both.shape),
            np.einsum("gii->gi", K) - gain_k,
        )
        ok = (bucket.row >= 0) & (bucket.rating > 0)
        at = place[bucket.row[ok]]
        for i, value in enumerate(left):
            out[i, at] = np.maximum(value, 0.0)[ok]
        inside = bucket.row >= 0
        leverage[bucket.row[inside]] = np.einsum("gii->gi", W)[inside]
    return out[0], out[1], out[2], out[3], leverage
