"""Residuals of the rater model for the check of raters by group, where the design lets them speak.

A ratee with one rater is fitted by that rater's ratings: the residuals of the two sum to nothing, whatever the rater
does to the ratee's group. Only a ratee whom others rated too tells what this rater does differently, and there the
measure still holds the rater's own share 1 / k of it (k raters), which is given back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import lsqr

from kinerja.raters.rasch.tables import model_rows

if TYPE_CHECKING:
    from kinerja.raters.rasch import RaterFit

SMALLEST_CROSSED_SHARE = 0.5
"""Share of ratees with several raters from which residuals are used; below, most raters would have none to show."""


def rater_residuals(
    fit: RaterFit, ratings: pd.DataFrame, *, points: float = 1.0, smallest_share: float = SMALLEST_CROSSED_SHARE
) -> pd.DataFrame | None:
    """ratee, rater, residual of each pair whose ratee has k >= 2 raters: mean of observed minus expected, times
    k / (k - 1): rating points above what the ratee's other raters lead to expect. None where too few ratees have two.

    ratings : the rows that were fitted; points : points of one rating step (100 / (highest - lowest))
    """
    rows = model_rows(fit, ratings)
    pairs = (
        pd.DataFrame(
            {
                "ratee": rows.ids("ratee")[rows.code("ratee")].astype(str),
                "rater": rows.ids("rater")[rows.code("rater")].astype(str),
                "residual": rows.observed - rows.mean,
            }
        )
        .groupby(["ratee", "rater"], sort=True)["residual"]
        .mean()
        .reset_index()
    )
    k = pairs.groupby("ratee")["rater"].transform("size").to_numpy(np.float64)
    several = k > 1
    ratees = pairs["ratee"].nunique()
    if not ratees or pairs.loc[several, "ratee"].nunique() < smallest_share * ratees:
        return None
    lifted = pairs["residual"] * np.where(several, k / np.maximum(k - 1, 1), 0.0) * points
    return pairs.assign(residual=lifted)[several].reset_index(drop=True)


def without_partners(pairs: pd.DataFrame) -> pd.DataFrame:
    """`value` freed of what the ratee's other raters do to the ratee's group; pairs : ratee, rater, in_group, value.

    A value is the rater's own mean effect on the group minus that of the ratee's other raters. The effects m of raters
    by group solve m - P m = cell means, P the shares of partners (least squares of smallest norm: their common level
    is not known and stays out); P m is then added back to every value.
    """
    cell, names = pd.factorize(pd.MultiIndex.from_frame(pairs[["rater", "in_group"]]), sort=True)
    ratee = pd.factorize(pairs["ratee"])[0]
    n, size = len(pairs), len(names)
    met = sparse.csr_array((np.ones(n), (ratee, cell)), shape=(int(ratee.max()) + 1, size))
    own = sparse.csr_array((np.ones(n), (np.arange(n), cell)), shape=(n, size))
    others = np.maximum(np.bincount(ratee)[ratee] - 1, 1)
    partners = sparse.diags_array(1 / others) @ (met[ratee] - own)
    means = sparse.diags_array(1 / np.bincount(cell, minlength=size)) @ own.T
    value = pairs["value"].to_numpy(np.float64)
    effect = lsqr(sparse.eye_array(size) - means @ partners, means @ value, atol=1e-10, btol=1e-10)[0]
    return pairs.assign(value=value + partners @ effect)
