"""Variance parameters that come from another run: borrowed as a prior, or held as they are; and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.calibration.blocks import Bucket, with_error
from kinerja.calibration.model import PARAMETERS, WEAK_MEAN, WEAK_SD, Fit, variances
from kinerja.calibration.rows import Rows
from kinerja.results import Convergence
from kinerja.results.shown import Shown

Floats = npt.NDArray[np.float64]

NARROWEST_PRIOR = 0.4
"""SD on the working scale below which a borrowed prior is never trusted (method, section 10: .3 to .5)."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Prior(Shown):
    """Variance parameters of another run, to be borrowed by a small office.

    Fields
    ------
    mean, std_error : (11,) working scale, in the order of calibration.model.PARAMETERS
    scale : points per working unit of ratings, feedback, indicators in that run
    source : where it comes from, for the report
    """

    mean: Floats
    std_error: Floats
    scale: tuple[float, float, float]
    source: str = ""


class Kept(Protocol):
    """What is read of an earlier run (a `Calibration`)."""

    @property
    def prior(self) -> Prior: ...
    @property
    def parameters(self) -> pd.DataFrame: ...
    @property
    def information(self) -> Floats: ...
    @property
    def extra_error(self) -> Floats: ...
    @property
    def rows(self) -> Rows: ...
    @property
    def convergence(self) -> Convergence: ...


def prior_in_use(borrowed: Prior | None, widening: float | None) -> tuple[Floats, Floats]:
    """The weak priors, or another run's posterior, no narrower than the widening and no wider than the weak prior."""
    if borrowed is None:
        return WEAK_MEAN, WEAK_SD
    least = NARROWEST_PRIOR if widening is None else widening
    return borrowed.mean, np.minimum(np.maximum(borrowed.std_error, least), WEAK_SD)


def held_fit(design: Rows, plain: list[Bucket], held: Kept) -> tuple[Fit, list[Bucket], Floats]:
    """The other run's estimate on these rows; its down-weighted measures stay so where the rows are the same."""
    fit = Fit(
        working=held.prior.mean,
        information=held.information,
        prior_mean=held.parameters["prior_mean"].to_numpy(np.float64),
        prior_sd=held.parameters["prior_sd"].to_numpy(np.float64),
        score=np.zeros(len(PARAMETERS)),
        convergence=held.convergence,
    )
    same = len(held.extra_error) == len(design.kind) and bool((held.rows.kind == design.kind).all())
    extra = held.extra_error / design.unit_of_work**2 if same else np.zeros(len(design.kind))
    return fit, with_error(plain, extra), extra


def parameters_table(design: Rows, fit: Fit) -> pd.DataFrame:
    """parameter, estimate and std_error on the working scale, prior, what it is in points (SDs, slopes), and how much
    the data narrowed it (evidence, 0 to 1)."""
    theta = variances(fit.working)
    error = np.sqrt(np.diag(fit.covariance))
    y, f, x = design.scale
    sd = np.sqrt(theta[:9])
    in_points = [
        np.sqrt(theta[1:4].sum()) * y,
        sd[3] * y,
        sd[2] * y,
        np.sqrt(theta[0] + theta[4]) * y,
        sd[4] * y,
        sd[5] * f,
        sd[6] * f,
        sd[7] * x,
        sd[8] * x,
        theta[9] * f / y,
        theta[10] * x / y,
    ]
    return pd.DataFrame(
        {
            "parameter": list(PARAMETERS),
            "estimate": fit.working,
            "std_error": error,
            "prior_mean": fit.prior_mean,
            "prior_sd": fit.prior_sd,
            "in_points": in_points,
            "evidence": np.clip(1 - error**2 / WEAK_SD**2, 0, 1),
        }
    )
