"""Shrinkage: means towards their common mean, and a mixed model that takes all team differences for severity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse
from scipy.sparse.linalg import splu
from scipy.stats import chi2

from kinerja.errors import EstimationError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TOLERANCE, STEP = 1e-14, 1e-4
LOWEST_SHARE = 1e-8
"""Variances are searched down to this share of the data's variance: zero for all purposes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PooledMean:
    """Several estimates of one quantity.

    Fields
    ------
    estimate, std_error : fixed-effect mean;  q, p_value : Cochran's test that they differ;
    between_variance : DerSimonian-Laird tau^2, zero where the estimates differ no more than their errors
    shrunk : (n,) each estimate pulled to the mean as far as its error says
    """

    estimate: float
    std_error: float
    q: float
    p_value: float
    between_variance: float
    shrunk: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class MixedFit:
    """Unit and supervisor variances by REML and what they predict; points.

    Fields
    ------
    mean : float;  unit : (U,) predicted unit effects;  rater : (J,) predicted effects of supervisors on ratings
    unit_variance, rater_variance : REML;  log_likelihood : restricted, up to a constant;  converged : bool
    """

    mean: float
    unit: Floats
    rater: Floats
    unit_variance: float
    rater_variance: float
    log_likelihood: float
    converged: bool


def james_stein(mean: Floats, variance: float) -> tuple[Floats, float]:
    """Means of equal, known error variance pulled to their grand mean (Efron & Morris 1975): (values, factor kept).

    factor = 1 - (k - 3) variance / sum of squares, not below 0.

    Raises
    ------
    EstimationError : fewer than four means
    """
    k = len(mean)
    if k < 4:
        raise EstimationError(f"mean: {k} means found; shrinkage to their own mean needs at least 4")
    deviation = mean - mean.mean()
    factor = max(0.0, 1 - (k - 3) * variance / float(deviation @ deviation))
    return mean.mean() + factor * deviation, factor


def pooled_mean(estimate: Floats, std_error: Floats) -> PooledMean:
    """Fixed-effect mean, Cochran's Q and DerSimonian-Laird's tau^2; with tau^2 = 0 all shrink to the mean."""
    weight = 1 / std_error**2
    total = weight.sum()
    mean = float(weight @ estimate / total)
    q = float(weight @ (estimate - mean) ** 2)
    freedom = len(estimate) - 1
    between = max(0.0, (q - freedom) / float(total - (weight @ weight) / total))
    w = 1 / (std_error**2 + between)
    centre = float(w @ estimate / w.sum())
    return PooledMean(
        estimate=mean,
        std_error=float(total**-0.5),
        q=q,
        p_value=float(chi2.sf(q, freedom)),
        between_variance=between,
        shrunk=centre + between / (between + std_error**2) * (estimate - centre),
    )


def fit_rater_effects(
    mean: Floats,
    variance: Floats,
    unit: Ints,
    rater: Ints,
    *,
    pair_first: Ints | None = None,
    pair_second: Ints | None = None,
    pair_difference: Floats | None = None,
    pair_variance: Floats | None = None,
    n_units: int,
    n_raters: int,
) -> MixedFit:
    """REML of mean = mu + unit + rater + error, and second minus first rating = rater' - rater + error.

    mean, variance, unit, rater : (k,) mean rating of a team under one supervisor, its known error variance, codes
    pair_* : (m,) mean difference of second minus first ratings by pairs of supervisors, known error variance, codes
    The model has no true team effect: whatever differs between supervisors of a unit counts as severity.
    """
    k, m = len(mean), 0 if pair_difference is None else len(pair_difference)
    row = np.arange(k)
    entries = [np.ones(3 * k)]
    at_row = [row, row, row]
    at_column = [np.zeros(k, np.int64), 1 + unit, 1 + n_units + rater]
    data, error = [mean], [variance]
    if pair_difference is not None and pair_first is not None and pair_second is not None and pair_variance is not None:
        pairs = k + np.arange(m)
        entries += [np.ones(m), -np.ones(m)]
        at_row += [pairs, pairs]
        at_column += [1 + n_units + pair_second, 1 + n_units + pair_first]
        data.append(pair_difference)
        error.append(pair_variance)
    design = sparse.csr_matrix(
        (np.concatenate(entries), (np.concatenate(at_row), np.concatenate(at_column))),
        shape=(k + m, 1 + n_units + n_raters),
    )
    return _reml(design, np.concatenate(data), 1 / np.concatenate(error), n_units, n_raters)


def _reml(design: sparse.csr_matrix, y: Floats, weight: Floats, n_units: int, n_raters: int) -> MixedFit:
    """Restricted likelihood over the logarithms of two variances, through Henderson's equations."""
    weighted = design.T.multiply(weight).tocsr()
    base, right = (weighted @ design).tocsc(), weighted @ y
    total = float(y @ (weight * y))
    scale = max(float(np.var(y)), 1e-12)
    lowest = np.log(scale * LOWEST_SHARE)

    def solve(logs: Floats) -> tuple[float, Floats]:
        unit, rater = np.exp(logs)
        ridge = np.concatenate([[0.0], np.full(n_units, 1 / unit), np.full(n_raters, 1 / rater)])
        factor = splu(base + sparse.diags(ridge, format="csc"))
        effect = factor.solve(right)
        determinant = np.log(np.abs(factor.U.diagonal())).sum() + n_units * logs[0] + n_raters * logs[1]
        return 0.5 * float(determinant + total - right @ effect), effect

    start = np.log([scale / 4, scale / 2])
    found = optimize.minimize(
        lambda logs: solve(logs)[0],
        start,
        method="L-BFGS-B",
        jac="3-point",
        bounds=[(lowest, np.log(scale * 100))] * 2,
        options={"ftol": TOLERANCE, "gtol": 1e-6, "finite_diff_rel_step": STEP},
    )
    loss, effect = solve(found.x)
    return MixedFit(
        mean=float(effect[0]),
        unit=effect[1 : 1 + n_units],
        rater=effect[1 + n_units :],
        unit_variance=float(np.exp(found.x[0])),
        rater_variance=float(np.exp(found.x[1])),
        log_likelihood=-loss,
        converged=bool(found.success),
    )
