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

from kinerja.calibration_blocks import Bucket, outer
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
    """(G, n, n) covariance of the rows; the sum over `bucket.constant` term by term, since a whole country's six
    arrays would not fit beside each other."""
    V = outer(_loading(bucket, theta)) * _performance(bucket, theta)
    V += theta[3] * bucket.severity
    V += theta[4] * outer(bucket.rating)
    for mark, alone, shared in ((bucket.feedback, theta[5], theta[6]), (bucket.indicator, theta[7], theta[8])):
        V += outer(mark) * (alone + shared * bucket.team)
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
        W = np.linalg.inv(V)
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
    score, information = np.zeros(N), np.zeros((N, N))
    Q, S = np.zeros((N, p, p)), np.zeros((N * p, N * p))
    for bucket, W, z in parts:
        D = _derivatives(bucket, theta)
        G, n = bucket.rating.shape
        # columns of z: V^-1 times the fixed part, and V^-1 times the residual
        both = np.concatenate([z[:, :, :p], (z[:, :, p] - z[:, :, :p] @ beta)[:, :, None]], axis=2)
        F = D @ both  # (11, G, n, p + 1)
        H = D @ W  # (11, G, n, n): V_a V^-1
        score += 0.5 * (F[..., p].reshape(N, -1) @ both[..., p].ravel() - np.einsum("agii->a", H))
        information += 0.5 * (H.reshape(N, -1) @ H.transpose(0, 1, 3, 2).reshape(N, -1).T)
        fixed = F[..., :p]
        Q += np.tensordot(fixed, both[..., :p], axes=([1, 2], [0, 1]))
        wide = fixed.transpose(1, 2, 0, 3).reshape(G, n, N * p)
        S += np.tensordot(wide, W @ wide, axes=([0, 1], [0, 1]))
    CQ = C @ Q
    score += 0.5 * np.trace(CQ, axis1=1, axis2=2)
    S = S.reshape(N, p, N, p)
    information -= np.einsum("apbq,qp->ab", S, C)
    information += 0.5 * np.einsum("apq,bqp->ab", CQ, CQ)
    return float(value), score, 0.5 * (information + information.T)


def _loading(bucket: Bucket, theta: Floats) -> Floats:
    return np.asarray(bucket.rating + theta[9] * bucket.feedback + theta[10] * bucket.indicator)


def _performance(bucket: Bucket, theta: Floats) -> Floats:
    return np.asarray(theta[0] + theta[1] * bucket.team + theta[2] * bucket.leader)


def _derivatives(bucket: Bucket, theta: Floats) -> Floats:
    """(11, G, n, n) derivative of the covariance by each of `variances`."""
    G, n = bucket.rating.shape
    loading = _loading(bucket, theta)
    performance = _performance(bucket, theta)
    D = np.empty((N, G, n, n))
    D[0] = outer(loading)
    np.multiply(D[0], bucket.team, out=D[1])
    np.multiply(D[0], bucket.leader, out=D[2])
    D[3:9] = bucket.constant
    for a, mark in ((9, bucket.feedback), (10, bucket.indicator)):
        half = mark[:, :, None] * loading[:, None, :]
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
