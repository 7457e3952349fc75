"""Covariance of team means under one set of variance parameters, and their penalised REML estimate.

Model (method, section 2), in working units (points divided by the SD of each kind of row), w(.) variances:
rating = U + T + M + s + c + e
feedback = phi (U + T + M) + dU + dT + e;  attainment = kappa (U + T + M) + hU + hT + e
second rating minus first = s' - s + e.
Blocks are units. The fit treats units as independent (a supervisor seen in two units is counted in each), which is
exact for nested offices and a composite likelihood otherwise; calibration_solve links the units again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dpotrf, dpotri

from kinerja.calibration.blocks import Bucket, outer
from kinerja.results import Convergence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PARAMETERS = (
    "log_team_variance",
    "logit_severity_share",
    "log_leadership_ratio",
    "log_unit_variance",
    "logit_culture_share",
    "log_feedback_unit",
    "log_feedback_team",
    "log_indicator_unit",
    "log_indicator_team",
    "feedback_slope",
    "indicator_slope",
)
SEVERITY_SHARE, CULTURE_SHARE, FEEDBACK_SLOPE, INDICATOR_SLOPE = 1, 4, 9, 10
WEAK_MEAN = np.array([np.log(0.6), 0.0, -1.4, np.log(0.4), -1.5, *([np.log(0.3)] * 4), 0.0, 0.0])
WEAK_SD = np.array([1.5, 1.5, 1.0, 1.5, 1.0, *([1.2] * 4), 1.0, 1.0])
START = np.array([np.log(0.6), 0.0, -1.4, np.log(0.4), -1.5, *([np.log(0.3)] * 4), 0.5, 0.5])
COMPONENTS = (
    "unit",
    "team",
    "leadership",
    "severity",
    "culture",
    "feedback_unit",
    "feedback_team",
    "indicator_unit",
    "indicator_team",
)
N = len(PARAMETERS)
LARGE = 24
"""Rows from which a loop over Cholesky inverses is quicker than numpy's inverses of a whole batch."""
TEAM, LEADERSHIP, SEVERITY = 1, 2, 3
ALONE, SHARED = [0, 4, 5, 7], [TEAM, LEADERSHIP, 6, 8, 9, 10]
"""Places among `variances`: of effects that a whole unit shares (unit, culture, discrepancies of the unit), and of
all others but rating effects."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """Penalised REML estimate.

    working : (11,) parameters on the working scale; information : (11, 11) expected, of the data alone
    prior_mean, prior_sd : (11,) of the penalty; score : (11,) of the penalised criterion at the estimate
    """

    working: Floats
    information: Floats
    prior_mean: Floats
    prior_sd: Floats
    score: Floats
    convergence: Convergence

    @property
    def covariance(self) -> Floats:
        """(11, 11) of the working parameters: inverse of information plus the prior's precision."""
        return posterior_covariance(self.information, self.prior_sd)


def posterior_covariance(information: Floats, prior_sd: Floats) -> Floats:
    return np.asarray(np.linalg.inv(information + np.diag(prior_sd**-2.0)))


def fit_model(
    buckets: list[Bucket],
    *,
    prior_mean: Floats = WEAK_MEAN,
    prior_sd: Floats = WEAK_SD,
    start: Floats | None = None,
    maximum_iterations: int = 60,
    tolerance: float = 1e-4,
) -> Fit:
    """Fisher scoring with step halving on the penalised restricted likelihood.

    tolerance : largest step of a working parameter, in posterior SDs, at which the iteration ends
    """
    psi = (START if start is None else start).copy()
    value, score, information = penalised(buckets, psi, prior_mean, prior_sd)
    trace, code, change = [value], "maximum_iterations", np.inf
    for _ in range(maximum_iterations):
        curvature = information + np.diag(prior_sd**-2.0)
        step: Floats = np.asarray(np.linalg.solve(curvature, score))
        step *= min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
        change = float(np.sqrt(step @ curvature @ step))
        if change < tolerance:
            code = "tolerance"
            break
        found = _halved(buckets, psi, step, value, prior_mean, prior_sd)
        if found is None:
            code = "line_search"
            break
        psi, value, score, information = found
        trace.append(value)
    return Fit(
        working=psi,
        information=information,
        prior_mean=prior_mean,
        prior_sd=prior_sd,
        score=score,
        convergence=Convergence(
            converged=code == "tolerance" or change < 100 * tolerance,
            iterations=len(trace) - 1,
            tolerance=tolerance,
            change=change,
            code=code,
            trace=tuple(-v for v in trace),
        ),
    )


def variances(psi: Floats) -> Floats:
    """(11,) working parameters -> unit, team, leadership, severity, culture, four discrepancies, phi, kappa."""
    team_total, unit_total = np.exp(psi[0]), np.exp(psi[3])
    pi_t, pi_u = _expit(psi[1]), _expit(psi[4])
    lead = _expit(psi[2])  # log ratio leadership : team is the logit of leadership's share of true performance
    truth = team_total * (1 - pi_t)
    return np.array(
        [
            unit_total * (1 - pi_u),
            truth * (1 - lead),
            truth * lead,
            team_total * pi_t,
            unit_total * pi_u,
            *np.exp(psi[5:9]),
            psi[9],
            psi[10],
        ]
    )


def jacobian(psi: Floats) -> Floats:
    """(11, 11): derivative of `variances` (rows) by working parameter (columns)."""
    theta = variances(psi)
    pi_t, pi_u, lead = _expit(psi[1]), _expit(psi[4]), _expit(psi[2])
    J = np.zeros((N, N))
    J[1:4, 0] = theta[1:4]
    J[1:3, 1] = -pi_t * theta[1:3]
    J[3, 1] = -J[1:3, 1].sum()  # so that the columns cancel exactly where nothing tells them apart
    J[1, 2] = -lead * theta[1]
    J[2, 2] = -J[1, 2]
    J[[0, 4], 3] = theta[[0, 4]]
    J[0, 4] = -pi_u * theta[0]
    J[4, 4] = -J[0, 4]
    J[np.arange(5, 9), np.arange(5, 9)] = theta[5:9]
    J[9, 9] = J[10, 10] = 1.0
    return J


def covariance(bucket: Bucket, theta: Floats) -> Floats:
    """(G, n, n) covariance of the rows."""
    v = _marks(bucket, theta)
    turned = v.transpose(0, 2, 1)
    alike = bucket.leader is bucket.team
    V = (v * theta[[0, 4, 5, 7]]) @ turned
    V += (v * [theta[1] + alike * theta[2], 0.0, theta[6], theta[8]]) @ turned * bucket.team
    if not alike:
        V += theta[2] * outer(v[:, :, 0]) * bucket.leader
    V += theta[3] * bucket.severity
    V += bucket.error
    np.einsum("gii->gi", V)[...] += bucket.extra
    return np.asarray(V)


def penalised(buckets: list[Bucket], psi: Floats, prior_mean: Floats, prior_sd: Floats) -> tuple[float, Floats, Floats]:
    """Restricted log likelihood with penalty, its score, and the data's expected information (working scale)."""
    value, score, information = restricted(buckets, variances(psi))
    J = jacobian(psi)
    away = (psi - prior_mean) / prior_sd
    return (
        value - 0.5 * float(away @ away),
        J.T @ score - away / prior_sd,
        J.T @ information @ J,
    )


def restricted(buckets: list[Bucket], theta: Floats) -> tuple[float, Floats, Floats]:
    """Restricted log likelihood, score and expected information in the eleven quantities of `variances`."""
    p = buckets[0].fixed.shape[2]
    xx, xy, yy, logdet = np.zeros((p, p)), np.zeros(p), 0.0, 0.0
    parts = []
    for bucket in buckets:
        V = covariance(bucket, theta)
        L = np.linalg.cholesky(V)
        logdet += 2.0 * float(np.log(np.diagonal(L, axis1=1, axis2=2)).sum())
        W = inverse(V)
        right = np.concatenate([bucket.fixed, bucket.value[:, :, None]], axis=2)
        z = W @ right
        moments = np.tensordot(right, z, axes=([0, 1], [0, 1]))
        xx += moments[:p, :p]
        xy += moments[:p, p]
        yy += float(moments[p, p])
        parts.append((bucket, W, z))
    C = np.linalg.inv(xx)
    beta = C @ xy
    value = -0.5 * (logdet + np.linalg.slogdet(xx)[1] + yy - xy @ beta)
    size, direction = np.linalg.eigh(C)
    root = direction * np.sqrt(np.maximum(size, 0.0))  # C = root root', also where fixed columns nearly repeat
    score, information, Q = np.zeros(N), np.zeros((N, N)), np.zeros((N, p, p))
    for bucket, W, z in parts:
        # V^-1 times the fixed part, scaled so that its own product is the identity, and V^-1 times the residual
        seen = np.concatenate([z[:, :, :p] @ root, (z[:, :, p] - z[:, :, :p] @ beta)[:, :, None]], axis=2)
        found = _score_and_information(bucket, theta, W, seen)
        score += found[0]
        information += found[1]
        Q += found[2]
    score += 0.5 * np.einsum("aii->a", Q)
    information += 0.5 * np.einsum("apq,bqp->ab", Q, Q)
    return float(value), score, 0.5 * (information + information.T)


def _score_and_information(bucket: Bucket, theta: Floats, W: Floats, seen: Floats) -> tuple[Floats, Floats, Floats]:
    """A bucket's share of the score (N,), the information (N, N) and (N, p, p) fixed part' V_a fixed part.

    Derivatives V_a that are L L' with few columns (what a whole unit shares, `ALONE`, and rating effects) need products
    with L only, tr(L L' W V_b W) = sum of (W L)' V_b (W L); the others (`SHARED`) need the matrices V_a W, in which
    pairs of raters have no part. Where every supervisor has one team, leadership's derivative is the team's.
    """
    p, k = seen.shape[2] - 1, bucket.n_measured
    alike = bucket.leader is bucket.team
    shared = [a for a in SHARED if not (alike and a == LEADERSHIP)]
    v, rated = _marks(bucket, theta), bucket.rated
    wide = np.concatenate([seen, W @ v, W @ rated], axis=2)
    r = p + 1 + len(ALONE)  # first column of W times the rating effects
    D = _shared_derivatives(bucket, theta, shared)
    by_shared = D @ wide[:, :k]  # (some, G, k, columns)
    by_rater = rated @ (rated.transpose(0, 2, 1) @ wide)
    along = (v.transpose(0, 2, 1) @ wide).transpose(1, 0, 2)  # (4, G, columns)
    # V_a times `seen`; rows of pairs have entries for rating effects only
    F = np.zeros((N, len(v), k, p + 1))
    F[shared] = by_shared[..., : p + 1]
    F[ALONE] = v[:, :k].transpose(2, 0, 1)[:, :, :, None] * along[:, :, None, : p + 1]
    F[SEVERITY] = by_rater[:, :k, : p + 1]
    # score: residual' V_a residual less tr(W V_a)
    trace = np.zeros(N)
    trace[shared] = D.reshape(len(shared), -1) @ W[:, :k, :k].ravel()
    trace[ALONE] = np.einsum("gnk,gnk->k", v, wide[:, :, p + 1 : r])
    trace[SEVERITY] = np.vdot(rated, wide[:, :, r:])
    score = F[..., p].reshape(N, -1) @ seen[:, :k, p].ravel() - trace
    score[SEVERITY] = np.vdot(by_rater[..., p], seen[..., p]) - trace[SEVERITY]
    # information: tr(W V_a W V_b)
    information = np.zeros((N, N))
    H = D @ W[:, :k, :k]
    flat, turned = H.reshape(len(shared), -1), H.transpose(0, 1, 3, 2).reshape(len(shared), -1)
    information[np.ix_(shared, shared)] = flat @ turned.T
    cross = np.einsum("agnk,gnk->ak", by_shared[..., p + 1 :], wide[:, :k, p + 1 :])
    information[np.ix_(shared, ALONE)] = cross[:, : len(ALONE)]
    information[shared, SEVERITY] = cross[:, len(ALONE) :].sum(axis=1)
    information[np.ix_(ALONE, ALONE)] = (along[..., p + 1 : r] ** 2).sum(axis=1)
    information[ALONE, SEVERITY] = (along[..., r:] ** 2).sum(axis=(1, 2))
    information[SEVERITY, SEVERITY] = np.vdot(by_rater[..., r:], wide[..., r:])
    information[np.ix_(ALONE, shared)] = information[np.ix_(shared, ALONE)].T
    information[SEVERITY] = information[:, SEVERITY]
    # less what the fixed part takes of it
    fixed, of_rater = F[..., :p], W @ by_rater[..., :p]
    weighted = np.zeros(fixed.shape)
    weighted[shared] = W[:, :k, :k] @ fixed[shared]
    weighted[ALONE] = wide[:, :k, p + 1 : r].transpose(2, 0, 1)[:, :, :, None] * along[:, :, None, :p]
    weighted[SEVERITY] = of_rater[:, :k]
    less = fixed.reshape(N, -1) @ weighted.reshape(N, -1).T
    less[SEVERITY] = less[:, SEVERITY]
    less[SEVERITY, SEVERITY] = np.vdot(by_rater[..., :p], of_rater)
    Q = np.tensordot(fixed, seen[:, :k, :p], axes=([1, 2], [0, 1]))
    Q[SEVERITY] = np.tensordot(by_rater[..., :p], seen[..., :p], axes=([0, 1], [0, 1]))
    information = 0.5 * information - less
    if alike:
        score[LEADERSHIP], Q[LEADERSHIP] = score[TEAM], Q[TEAM]
        information[LEADERSHIP] = information[TEAM]
        information[:, LEADERSHIP] = information[:, TEAM]
    return 0.5 * score, information, Q


def inverse(V: Floats) -> Floats:
    """Inverses of (G, n, n) positive definite matrices.

    Raises
    ------
    numpy.linalg.LinAlgError : a matrix is not positive definite
    """
    n = V.shape[1]
    if n < LARGE:
        return np.asarray(np.linalg.inv(V))
    out = np.empty_like(V)
    below = np.tri(n, k=-1, dtype=bool)
    for one, into in zip(V, out, strict=True):
        L, failed = dpotrf(one, lower=1)
        if failed:
            raise np.linalg.LinAlgError("matrix is not positive definite")
        into[...] = dpotri(L, lower=1)[0]
        into.T[below] = into[below]
    return out


def _marks(bucket: Bucket, theta: Floats) -> Floats:
    """(G, n, 4) how a row follows performance, and whether it is a rating, feedback or attainment: ALONE's vectors."""
    return np.stack([_loading(bucket, theta), bucket.rating, bucket.feedback, bucket.indicator], axis=2)


def _loading(bucket: Bucket, theta: Floats) -> Floats:
    return np.asarray(bucket.rating + theta[9] * bucket.feedback + theta[10] * bucket.indicator)


def _shared_derivatives(bucket: Bucket, theta: Floats, which: list[int]) -> Floats:
    """(some, G, k, k) derivatives of the covariance of the k measured rows by those of SHARED that are wanted."""
    G, k = len(bucket.block), bucket.n_measured
    loading = _loading(bucket, theta)[:, :k]
    team, leader = bucket.team[:, :k, :k], bucket.leader[:, :k, :k]
    D = np.empty((len(which), G, k, k))
    both = outer(loading)
    np.multiply(both, team, out=D[0])
    if LEADERSHIP in which:
        np.multiply(both, leader, out=D[1])
    D[-4:-2] = bucket.constant
    performance = theta[0] + theta[1] * team + theta[2] * leader
    for a, mark in ((-2, bucket.feedback), (-1, bucket.indicator)):
        half = mark[:, :k, None] * loading[:, None, :]
        D[a] = (half + half.transpose(0, 2, 1)) * performance
    return D


def _expit(x: float) -> float:
    return float(1.0 / (1.0 + np.exp(-x)))


def _halved(
    buckets: list[Bucket], psi: Floats, step: Floats, value: float, prior_mean: Floats, prior_sd: Floats
) -> tuple[Floats, float, Floats, Floats] | None:
    """The longest of the step's halvings that does not lower the criterion."""
    for _ in range(12):
        candidate = psi + step
        try:
            found = penalised(buckets, candidate, prior_mean, prior_sd)
        except np.linalg.LinAlgError:
            found = (-np.inf, step, np.zeros((N, N)))
        if np.isfinite(found[0]) and found[0] >= value - 1e-9 * (1 + abs(value)):
            return candidate, *found
        step = step / 2
    return None
