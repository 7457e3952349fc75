"""Many tests at once: adjusted p values of one family."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control

Floats = NDArray[np.float64]
Family = Literal["bh", "by", "holm", "hochberg", "bonferroni", "none"]


def adjust(p: ArrayLike, family: Family = "bh") -> Floats:
    """Adjusted p of one family; NaN stays NaN and does not count.

    bh, by : false discovery rate (Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001); holm (1979), hochberg
        (1988), bonferroni : family-wise error. Not statsmodels' multipletests, which collects all garbage at each call:
        most of the time of a report on a small office.
    """
    values = np.asarray(p, dtype=np.float64)
    adjusted = values.copy()
    tested = np.isfinite(values)
    if family != "none" and tested.any():
        adjusted[tested] = _adjusted(values[tested], family)
    return adjusted


def holm(p: Floats) -> Floats:
    """Holm's step-down adjusted p values (n,)."""
    return _adjusted(p, "holm")


def _adjusted(p: Floats, family: Family) -> Floats:
    if family in ("bh", "by"):
        return np.asarray(false_discovery_control(p, method=family))
    n = len(p)
    if family == "bonferroni":
        return np.minimum(p * n, 1.0)
    order = np.argsort(p, kind="stable")
    times = p[order] * (n - np.arange(n))
    # Holm steps down from the smallest p, Hochberg up from the largest
    stepped = np.maximum.accumulate(times) if family == "holm" else np.minimum.accumulate(times[::-1])[::-1]
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
