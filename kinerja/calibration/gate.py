"""The identification gate: how much the data taught about the share of severity, per source and together.

A dial is 1 - Var(logit share | data) / Var(logit share, weak prior): 0 where the data say nothing, 1 where they settle
it (method, section 5). Published effects are the predictions times the dial, so that no evidence means no adjustment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.calibration.blocks import Bucket, only_kinds, some_blocks
from kinerja.calibration.model import (
    CULTURE_SHARE,
    SEVERITY_SHARE,
    WEAK_SD,
    Fit,
    jacobian,
    posterior_covariance,
    restricted,
    variances,
)
from kinerja.calibration.robust import MOST_UNITS
from kinerja.calibration.rows import FEEDBACK, INDICATOR, PAIR, RATING, Rows

Floats = npt.NDArray[np.float64]

SMALLEST_DIAL = 1e-9
"""Dials below this are rounding of an exact zero (nested ratings alone)."""

SOURCE_SETS = (
    ("ratings", (RATING,)),
    ("second_raters", (RATING, PAIR)),
    ("feedback", (RATING, FEEDBACK)),
    ("indicators", (RATING, INDICATOR)),
    ("all", (RATING, FEEDBACK, INDICATOR, PAIR)),
)
"""Each source added to the ratings alone, then everything."""


@dataclass(frozen=True, kw_only=True)
class Dials:
    """team : c_T, for supervisors' severity; culture : c_U, for units' rating culture; both in [0, 1]."""

    team: float
    culture: float

    @property
    def shut(self) -> bool:
        return self.team == 0.0 and self.culture == 0.0


def dials(information: Floats, prior_sd: Floats) -> Dials:
    """Both dials from the data's information and the prior in use; always against the weak prior's variance."""
    C = posterior_covariance(information, prior_sd)
    return Dials(team=_dial(C, SEVERITY_SHARE), culture=_dial(C, CULTURE_SHARE))


def fitted_dials(fit: Fit) -> Dials:
    return dials(fit.information, fit.prior_sd)


def gate_table(design: Rows, fit: Fit, buckets: list[Bucket]) -> pd.DataFrame:
    """One row a set of sources: evidence_team, evidence_culture (expected information at the estimate), n rows.

    status `cannot` where the source is not among the data.
    """
    theta, J = variances(fit.working), jacobian(fit.working)
    sample = some_blocks(buckets, MOST_UNITS)
    rows = []
    present = set(np.unique(design.kind))
    for name, kinds in SOURCE_SETS:
        there = set(kinds) <= present if name != "all" else True
        n = int(np.isin(design.kind, kinds[1:] or kinds).sum()) if name != "all" else len(design.kind)
        if not there:
            rows.append((name, np.nan, np.nan, 0, "cannot", "source_absent"))
            continue
        if name == "all":
            found = fitted_dials(fit)
        else:
            _, _, information = restricted(list(only_kinds(sample, design.kind, kinds)), theta)
            found = dials(J.T @ information @ J, fit.prior_sd)
        rows.append((name, found.team, found.culture, n, "ok", ""))
    return pd.DataFrame(rows, columns=["evidence_source", "evidence_team", "evidence_culture", "n", "status", "reason"])


def _dial(C: Floats, index: int) -> float:
    value = 1.0 - float(C[index, index]) / float(WEAK_SD[index]) ** 2
    return 0.0 if value < SMALLEST_DIAL else min(value, 1.0)
