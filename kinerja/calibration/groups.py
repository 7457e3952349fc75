"""Differential rating of groups (DRF) within teams: what a supervisor gives one group beyond what all supervisors give.

Two parts. The common gap is moved towards the gap that attainment shows, only where the two differ by more than two
standard errors. A supervisor's own departure from the common gap is shrunk by empirical Bayes, and only where
supervisors differ at all by a two-standard-error rule. Citizens' own gap is reported, never used (method, section 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.calibration.design import Design
from kinerja.calibration.frames import compact
from kinerja.calibration.solve import System, fixed_effects

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COMMON_PRIOR_SD = 2.0
"""Prior SD of a bias common to all supervisors, points."""
FEWEST_SUPERVISORS = 30
"""Supervisors with both groups below which the differential is reported, not removed."""
STANDARD_ERRORS = 2.0
"""A difference is taken for shown, and removed, beyond so many of its standard errors: this decision's own limit, which
does not follow the level of the run's intervals."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Differential:
    """What to take off each person-period, and why.

    amount : (person-periods,) points that the rating holds because of the person's group
    table : group, level, against, estimate (gap in ratings within teams), std_error, indicator_gap (in ratings'
        points), indicator_std_error, common_removed, between_sd, n_raters, n, status, reason, verdict
    removed_gap : group -> (levels - 1,) part of the common gap that is bias
    """

    amount: Floats
    table: pd.DataFrame
    removed_gap: dict[str, Floats]


def group_differential(
    design: Design,
    attainment: Floats,
    *,
    groups: Sequence[str],
    slope: float,
    slope_error: float,
) -> Differential:
    """slope : attainment points per point of performance (kappa), with its standard error"""
    amount = np.zeros(len(design.spell_of))
    rows, removed = [], {}
    for g in groups:
        removed[g] = np.zeros(max(len(design.persons.levels[g]) - 1, 0))
        for level in range(1, len(design.persons.levels[g])):
            row, taken = _one(design, attainment, g, level, slope, slope_error)
            rows.append(row)
            removed[g][level - 1] = float(str(row["common_removed"]))
            amount += taken
    return Differential(amount=amount, table=pd.DataFrame(rows), removed_gap=removed)


def with_citizens_gap(table: pd.DataFrame, design: Design, system: System) -> pd.DataFrame:
    """Add feedback_gap and feedback_std_error: citizens' points of a team wholly of the group against one of the other.

    Reported only: the same slope keeps this gap away from the scores of persons.
    """
    if not len(table):
        return table
    estimate, error = fixed_effects(system)
    names = [f"feedback_{g}_{level}" for g, level in zip(table["group"], table["level"], strict=True)]
    place = [design.fixed_names.index(name) if name in design.fixed_names else -1 for name in names]
    padded, padded_error = np.append(estimate, np.nan), np.append(error, np.nan)
    return table.assign(feedback_gap=padded[place], feedback_std_error=padded_error[place])


def _one(
    design: Design, attainment: Floats, group: str, level: int, slope: float, slope_error: float
) -> tuple[dict[str, object], Floats]:
    """One level against the group's first level."""
    persons = design.persons
    code = persons.groups[group]
    member = np.where(code == level, 1.0, np.where(code == 0, 0.0, np.nan))
    used = np.isfinite(member)
    gap = _gaps(persons.observed, member, used, design, persons.rater)
    row: dict[str, object] = {
        "group": group,
        "level": persons.levels[group][level],
        "against": persons.levels[group][0],
        "estimate": gap.common,
        "std_error": gap.error,
        "indicator_gap": np.nan,
        "indicator_std_error": np.nan,
        "common_removed": 0.0,
        "between_sd": gap.between_sd,
        "n_raters": gap.n_raters,
        "n": int(np.nansum(member)),
        "status": "ok",
        "reason": "",
        "verdict": "not_shown",
    }
    nothing = np.zeros(len(code))
    if gap.n_raters < FEWEST_SUPERVISORS:
        row.update(verdict="cannot_tell", reason="few_raters_with_both_groups")
        if gap.n_raters == 0:
            row.update(status="cannot", estimate=np.nan, std_error=np.nan, between_sd=np.nan)
        return row, nothing
    shift = 0.0
    there = used & np.isfinite(attainment)
    if there.any() and abs(slope) > 3 * slope_error > 0:
        x = _gaps(attainment, member, there, design, persons.rater)
        anchor = x.common / slope
        anchor_error = float(np.hypot(x.error / slope, x.common * slope_error / slope**2))
        row.update(indicator_gap=anchor, indicator_std_error=anchor_error)
        difference, error = gap.common - anchor, float(np.hypot(gap.error, anchor_error))
        if abs(difference) > STANDARD_ERRORS * error:
            shift = difference * COMMON_PRIOR_SD**2 / (COMMON_PRIOR_SD**2 + error**2)
    own = gap.own[persons.rater]
    centred = np.where(used, member - gap.share[persons.rater], 0.0)
    office = np.where(used, member - np.nanmean(member), 0.0)
    row.update(common_removed=shift, verdict="shown" if shift or gap.between_sd > 0 else "not_shown")
    return row, np.asarray(shift * office + own * centred)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Gap:
    """Gap within teams: common, its error, SD between raters (0 unless shown), and each rater's shrunk departure."""

    common: float
    error: float
    between_sd: float
    n_raters: int
    own: Floats
    share: Floats


def _gaps(value: Floats, member: Floats, used: npt.NDArray[np.bool_], design: Design, rater: Ints) -> _Gap:
    """Gaps by supervisor from people's means over periods, common by inverse variance, between by moments."""
    persons, n_raters = design.persons, len(design.persons.raters)
    spell = design.spell_of
    cell = compact(spell * len(persons.periods) + persons.period)[0]
    away = np.zeros(len(value))
    n_cell = np.bincount(cell[used], minlength=cell.max() + 1)
    away[used] = (
        value[used] - (np.bincount(cell[used], value[used], cell.max() + 1) / np.maximum(n_cell, 1))[cell[used]]
    )
    who = np.unique(spell[used] * len(persons.ratees) + persons.ratee[used], return_index=True, return_inverse=True)
    mean = np.bincount(who[2], away[used]) / np.bincount(who[2])
    first = np.flatnonzero(used)[who[1]]
    d, j = member[first], rater[first]
    n1 = np.bincount(j, d, n_raters)
    n0 = np.bincount(j, 1 - d, n_raters)
    both = (n1 > 0) & (n0 > 0)
    gap = np.zeros(n_raters)
    gap[both] = (np.bincount(j, d * mean, n_raters)[both] / n1[both]) - (
        np.bincount(j, (1 - d) * mean, n_raters)[both] / n0[both]
    )
    fitted = np.where(d > 0, np.bincount(j, d * mean, n_raters)[j] / np.maximum(n1[j], 1), 0) + np.where(
        d > 0, 0, np.bincount(j, (1 - d) * mean, n_raters)[j] / np.maximum(n0[j], 1)
    )
    free = max(len(mean) - int((n1 > 0).sum() + (n0 > 0).sum()), 1)
    variance = float(((mean - fitted) ** 2).sum() / free)
    share = n1 / np.maximum(n1 + n0, 1)
    if not both.any():
        return _Gap(common=np.nan, error=np.nan, between_sd=0.0, n_raters=0, own=np.zeros(n_raters), share=share)
    v = variance * (1 / n1[both] + 1 / n0[both])
    tau2, tau2_error = _between(gap[both], v)
    tau2 = tau2 if tau2 > STANDARD_ERRORS * tau2_error else 0.0
    w = 1 / (v + tau2)
    common = float(w @ gap[both] / w.sum())
    own = np.zeros(n_raters)
    own[both] = tau2 / (tau2 + v) * (gap[both] - common)
    return _Gap(
        common=common, error=float(w.sum() ** -0.5), between_sd=float(np.sqrt(tau2)), n_raters=int(both.sum()),
        own=own, share=share,
    )  # fmt: skip


def _between(gap: Floats, v: Floats) -> tuple[float, float]:
    """DerSimonian-Laird variance between raters and its standard error where there is none (Q's variance 2(k-1))."""
    w = 1 / v
    mean = w @ gap / w.sum()
    scale = w.sum() - (w @ w) / w.sum()
    if len(gap) < 2 or scale <= 0:
        return 0.0, np.inf
    Q = float(w @ (gap - mean) ** 2)
    return max((Q - (len(gap) - 1)) / scale, 0.0), float(np.sqrt(2 * (len(gap) - 1)) / scale)
