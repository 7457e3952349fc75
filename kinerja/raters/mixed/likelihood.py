"""The (restricted) likelihood of a crossed model by one blocked elimination, with gradient and average information.

Variance ratios theta_k^2 = sigma_k^2 / sigma_e^2, Lambda = diag(theta). As in lme4 (Bates, Maechler, Bolker & Walker
2015, J. Stat. Software 67(1), eq. 34-41) everything comes from M = Lambda Z'Z Lambda + I, here factored by blocks: K of
the eliminated factors (block diagonal), then the dense Schur complement S of the others. In the scale of b = Lambda u:
Q = Lambda_E K^-1 Lambda_E, G = (Z'Z)_RR - (Z'Z)_RE Q (Z'Z)_ER, S = I + Lambda_R G Lambda_R, H = Lambda_R S^-1 Lambda_R,
so that sigma_e^2 H and sigma_e^2 (Q + Q (Z'Z)_ER H (Z'Z)_RE Q) are the conditional variances of b given y.
Average information: Gilmour, Thompson & Cullis (1995), Biometrics 51, 1440-1450.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from kinerja.raters.mixed.design import MixedDesign

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Factorization:
    """M factored at one theta.

    theta (K,); q_matrix sparse (E, E), qa sparse (E, R) = Q (Z'Z)_ER; factor (R, R) lower Cholesky factor of S; log_det
    of M; solution (q, p + 1): b for the right-hand sides Z'[X y]; normal (p + 1, p + 1): [X y]' V^-1 [X y] sigma_e^2;
    beta (p,), b (q,) at the generalised least squares solution; rss: penalised residual sum of squares;
    log_det_x: of X' V^-1 X sigma_e^2
    """

    theta: Floats
    q_matrix: sparse.csr_array
    qa: sparse.csr_array
    factor: Floats
    log_det: float
    solution: Floats
    normal: Floats
    beta: Floats
    b: Floats
    rss: float
    log_det_x: float


def factorize(design: MixedDesign, theta: Floats) -> Factorization:
    """theta (K,) >= 0, in the order of `design.factors`."""
    expanded = np.repeat(theta, [len(f.levels) for f in design.factors])
    e = design.n_eliminated
    q_matrix, log_det = _eliminate(design, expanded[:e])
    qa = q_matrix @ design.zz_er
    scale = expanded[e:]
    s = (design.zz_re @ qa).toarray(order="F")
    np.subtract(design.zz_rr, s, out=s)
    s *= scale[:, None]
    s *= scale
    s[np.diag_indices_from(s)] += 1
    factor = linalg.cholesky(s, lower=True, overwrite_a=True, check_finite=False) if s.size else s
    log_det += 2 * float(np.log(np.diag(factor)).sum())
    solution = _solve(design, q_matrix, qa, factor, scale, design.zx)
    normal = design.xx - design.zx.T @ solution
    p = len(normal) - 1
    r_x = linalg.cholesky(normal[:p, :p], lower=True)
    beta = linalg.cho_solve((r_x, True), normal[:p, p])
    return Factorization(
        theta=theta,
        q_matrix=q_matrix,
        qa=qa,
        factor=factor,
        log_det=log_det,
        solution=solution,
        normal=normal,
        beta=beta,
        b=solution[:, p] - solution[:, :p] @ beta,
        rss=float(normal[p, p] - normal[:p, p] @ beta),
        log_det_x=2 * float(np.log(np.diag(r_x)).sum()),
    )


def criterion(design: MixedDesign, found: Factorization, variance: float | None, reml: bool) -> float:
    """-2 log (restricted) likelihood; with the residual variance given, or (None) at its best, rss / freedom."""
    freedom = design.n - (len(found.beta) if reml else 0)
    value = found.log_det + (found.log_det_x if reml else 0.0)
    if variance is None:
        return float(value + freedom * (1 + np.log(2 * np.pi * found.rss / freedom)))
    return float(value + freedom * np.log(2 * np.pi * variance) + found.rss / variance)


def covariance_of_rest(found: Factorization, design: MixedDesign) -> Floats:
    """H (R, R): conditional covariance of the effects of R over sigma_e^2; its lower triangle, zeros above."""
    if not found.factor.size:
        return found.factor
    inverse, _ = linalg.lapack.dpotri(found.factor, lower=1)
    scale = _expanded(found, design)[design.n_eliminated :]
    inverse *= scale[:, None]
    inverse *= scale
    return np.asarray(inverse)


def traces(design: MixedDesign, found: Factorization, h: Floats, reml: bool) -> Floats:
    """(K,) trace of each factor's variance of b - b_hat, divided by sigma_e^2; with that of beta where reml."""
    e = design.n_eliminated
    diagonal, of_rest = found.q_matrix.diagonal(), np.diagonal(h)
    total = np.empty(len(design.factors))
    for k, at in enumerate(design.slices):
        if at.start >= e:
            total[k] = of_rest[at.start - e : at.stop - e].sum()
            continue
        rows = found.qa[at]
        crossed = (rows.T.tocsr() @ rows).tocoo()
        twice = np.where(crossed.row > crossed.col, 2.0, 1.0)  # h is zero above its diagonal
        total[k] = diagonal[at].sum() + (crossed.data * twice * h[crossed.row, crossed.col]).sum()
    if reml:
        total += fixed_part(design, found, by_level=False)
    return total


def fixed_part(design: MixedDesign, found: Factorization, by_level: bool) -> Floats:
    """What the uncertainty of beta adds to the variance of b - b_hat over sigma_e^2: (q,), or summed by factor (K,)."""
    p = len(found.beta)
    r_x = linalg.cholesky(found.normal[:p, :p], lower=True)
    half = linalg.solve_triangular(r_x, found.solution[:, :p].T, lower=True)
    level = (half**2).sum(axis=0)
    return level if by_level else np.array([level[at].sum() for at in design.slices])


def conditional_variances(design: MixedDesign, found: Factorization, h: Floats) -> Floats:
    """(q,) variance of each effect given y and the parameters, divided by sigma_e^2."""
    whole = h + np.tril(h, -1).T
    inner = np.empty(design.n_eliminated)
    at_a_time = max(1, 2**24 // max(1, h.shape[0]))
    for start in range(0, design.n_eliminated, at_a_time):
        rows = found.qa[start : start + at_a_time]
        inner[start : start + at_a_time] = np.asarray(rows.multiply(rows @ whole).sum(axis=1)).ravel()
    return np.concatenate([found.q_matrix.diagonal() + inner, np.diagonal(h)])


def score(design: MixedDesign, found: Factorization, trace: Floats, variances: Floats, reml: bool) -> Floats:
    """Derivative of the criterion by (sigma_e^2, sigma_1^2, ...); variances in that order; 0 for one of 0. (K + 1,)."""
    residual, components = variances[0], variances[1:]
    sizes = np.array([len(f.levels) for f in design.factors], dtype=float)
    squares = np.array([found.b[at] @ found.b[at] for at in design.slices])
    with np.errstate(divide="ignore", invalid="ignore"):
        at_zero = components == 0
        by_component = np.where(at_zero, 0.0, sizes / components - (residual * trace + squares) / components**2)
    freedom = design.n - (len(found.beta) if reml else 0)
    # sum_k sigma_k^2 d/d sigma_k^2 + sigma_e^2 d/d sigma_e^2 = freedom - rss / sigma_e^2 (the scale of all variances)
    by_residual = (freedom - found.rss / residual - components @ by_component) / residual
    return np.concatenate([[by_residual], by_component])


def average_information(design: MixedDesign, found: Factorization, variances: Floats) -> Floats:
    """(K + 1, K + 1) average of the criterion's observed and expected Hessian, f_k' P f_l; zeros for a variance of 0.

    f_0 = P y, f_k = Z_k Z_k' P y = Z_k b_k / sigma_k^2; all products come from Z'Z, Z'[X y] and [X y]'[X y].
    """
    residual, components = variances[0], variances[1:]
    p, q = len(found.beta), len(found.b)
    # each f as coefficients of the columns of [Z X y]
    f = np.zeros((q + p + 1, len(components) + 1))
    f[:q, 0], f[q : q + p, 0], f[q + p, 0] = -found.b / residual, -found.beta / residual, 1 / residual
    for k, at in enumerate(design.slices):
        if components[k] > 0:
            f[at, k + 1] = found.b[at] / components[k]
    zf = design.zz @ f[:q] + design.zx @ f[q:]
    xf = design.zx[:, :p].T @ f[:q] + design.xx[:p] @ f[q:]
    yf = design.zx[:, p] @ f[:q] + design.xx[p] @ f[q:]
    inner = f[:q].T @ zf + f[q : q + p].T @ xf + np.outer(f[q + p], yf)
    scale = _expanded(found, design)[design.n_eliminated :]
    solved = _solve(design, found.q_matrix, found.qa, found.factor, scale, zf)
    x_left = xf - design.zx[:, :p].T @ solved
    by_x = x_left.T @ linalg.solve(found.normal[:p, :p], x_left, assume_a="pos")
    return np.asarray((inner - zf.T @ solved - by_x) / residual)


def _expanded(found: Factorization, design: MixedDesign) -> Floats:
    return np.repeat(found.theta, [len(f.levels) for f in design.factors])


def _eliminate(design: MixedDesign, scale: Floats) -> tuple[sparse.csr_array, float]:
    """Q (E, E) and log det of K, block by block."""
    log_det = 0.0
    rows, columns, values = [], [], []
    for blocks in design.blocks:
        size = blocks.rows.shape[1]
        by = scale[blocks.rows]
        k = by[:, :, None] * blocks.values * by[:, None, :] + np.eye(size)
        if size == 1:
            inverse = np.asarray(1 / k, dtype=float)
            log_det += float(np.log(k).sum())
        else:
            inverse = np.asarray(np.linalg.inv(k), dtype=float)
            log_det += float(np.linalg.slogdet(k)[1].sum())
        values.append((by[:, :, None] * inverse * by[:, None, :]).ravel())
        rows.append(np.repeat(blocks.rows, size, axis=1).ravel())
        columns.append(np.tile(blocks.rows, (1, size)).ravel())
    e = design.n_eliminated
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.coo_array(entries, shape=(e, e)).tocsr(), log_det


def _solve(
    design: MixedDesign, q_matrix: sparse.csr_array, qa: sparse.csr_array, factor: Floats, scale: Floats, right: Floats
) -> Floats:
    """b (q, c) of (Z'Z + Lambda^-2) b = right, by blocks."""
    e = design.n_eliminated
    top, rest = right[:e], right[e:]
    if rest.size:
        rest = rest - qa.T @ top
        rest = scale[:, None] * linalg.cho_solve((factor, True), scale[:, None] * rest, check_finite=False)
    return np.concatenate([q_matrix @ top - qa @ rest, rest])
