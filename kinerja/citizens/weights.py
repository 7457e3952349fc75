"""Respondents weighted to known margins: raking, post-stratification, and the variance after it.

Deming & Stephan (1940); variance from the residuals of the regression on the margins, Deville & Särndal (1992),
section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kinerja.citizens.design import DesignMean, design_variance, estimate_mean
from kinerja.results import Convergence

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Raked:
    """Weights that meet the margins.

    Fields
    ------
    weights : (n,), sum as the base weights' unless the targets are counts
    convergence : change is the largest relative distance of a margin from its target
    """

    weights: Floats
    convergence: Convergence


def rake(
    categories: Sequence[Integers],
    targets: Sequence[Floats],
    *,
    weights: Floats | None = None,
    tolerance: float = 1e-10,
    maximum_iterations: int = 500,
) -> Raked:
    """Weights whose totals in every category of every attribute are the targets; one attribute is post-stratification.

    categories : for each attribute (n,) codes of the category
    targets : for each attribute (categories,) totals; all attributes sum to the same
    weights : (n,) base weights, None counts each once
    A category with a target but without respondents cannot be met: `convergence.code` is then `empty_category`.
    """
    found = np.ones(len(categories[0])) if weights is None else weights.astype(np.float64)
    empty = any(
        ((np.bincount(code, found, len(goal)) == 0) & (goal > 0)).any()
        for code, goal in zip(categories, targets, strict=True)
    )
    trace: list[float] = []
    while not empty and len(trace) < maximum_iterations:
        for code, goal in zip(categories, targets, strict=True):
            total = np.bincount(code, found, len(goal))
            found = found * np.divide(goal, total, out=np.ones_like(total), where=total > 0)[code]
        gaps = [
            np.abs(np.bincount(code, found, len(goal)) / goal - 1).max()
            for code, goal in zip(categories, targets, strict=True)
        ]
        trace.append(float(max(gaps)))
        if trace[-1] < tolerance:
            break
    change = trace[-1] if trace else float("nan")
    reached = bool(trace) and change < tolerance
    ending = "empty_category" if empty else ("tolerance" if reached else "maximum_iterations")
    return Raked(
        weights=found,
        convergence=Convergence(
            converged=reached,
            iterations=len(trace),
            tolerance=tolerance,
            change=change,
            code=ending,
            trace=tuple(trace),
        ),
    )


def calibrated_mean(
    values: Floats,
    raked: Floats,
    categories: Sequence[Integers],
    *,
    weights: Floats | None = None,
    stratum: Integers | None = None,
    psu: Integers | None = None,
    population: Floats | None = None,
) -> DesignMean:
    """Mean under weights that meet margins: what the margins explain of the values adds nothing to the variance.

    values, raked : (n,); weights: (n,) the base weights; stratum, psu, population as `citizens.design.estimate_mean`
    """
    n = len(values)
    base = np.ones(n) if weights is None else weights
    plain = estimate_mean(values, weights=raked, stratum=stratum, psu=psu, population=population)
    strata = np.zeros(n, np.int64) if stratum is None else stratum
    units = np.arange(n, dtype=np.int64) if psu is None else psu
    residual = _residuals(values - plain.mean, categories, base)
    of_total = _residuals(values, categories, base)
    size = raked.sum()
    variance, df = design_variance(raked * residual / size, strata, units, population)
    total_variance, _ = design_variance(raked * of_total, strata, units, population)
    ordinary = plain.std_error**2 / plain.deff if plain.deff > 0 else float("nan")
    return DesignMean(
        mean=plain.mean,
        total=plain.total,
        std_error=float(np.sqrt(variance)),
        total_std_error=float(np.sqrt(total_variance)),
        df=df,
        n=n,
        deff=variance / ordinary if ordinary > 0 else float("nan"),
        effective_n=plain.effective_n,
    )


def _residuals(values: Floats, categories: Sequence[Integers], weights: Floats) -> Floats:
    """Residuals of the weighted regression on the categories' indicators.

    Each attribute's indicators sum to one, so the normal equations are short of rank by design: pseudo-inverse.
    """
    rows = np.arange(len(values))
    indicators = sparse.hstack(
        [sparse.csr_array((np.ones(len(values)), (rows, code)), shape=(len(values), int(code.max()) + 1))
         for code in categories]
    ).tocsr()  # fmt: skip
    weighted = (sparse.diags_array(weights) @ indicators).T
    gram = np.linalg.pinv((weighted @ indicators).toarray(), rcond=1e-12, hermitian=True)
    residual: Floats = values - indicators @ (gram @ (weighted @ values))
    return residual
