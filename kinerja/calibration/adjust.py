"""From predicted effects to each person's adjustment, split by source so that the parts sum exactly.

Severity is linear in the residuals of the kinds of evidence (method, section 8): the dial-scaled prediction of a
supervisor's effect is a sum over links, feedback and attainment; the unit's culture and the group differential follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kinerja.calibration.design import Design
from kinerja.calibration.gate import Dials
from kinerja.calibration.solve import Effects

Floats = npt.NDArray[np.float64]

PARTS = ("from_links", "from_feedback", "from_indicators", "from_culture", "from_group")
"""Columns of the decomposition; they sum to calibrated - observed."""

REASONS = ("", "no_evidence", "below_materiality", "capped")
"""Why an adjustment was not made, or not in full."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Published:
    """Published effect b of each team-spell (points that the supervisor and unit add), centred on the published people.

    parts : (S, 4) by links, feedback, attainment and culture; sum over parts is b
    centre : (4,) what was taken off so that adjustments have mean zero over the office
    """

    parts: Floats
    centre: Floats

    @property
    def effect(self) -> Floats:
        return np.asarray(self.parts.sum(axis=1))


@dataclass(frozen=True, eq=False, kw_only=True)
class Adjustments:
    """Of the published people: parts (N, 5) that sum to the adjustment, and `reason` (N,), places in REASONS."""

    parts: Floats
    total: Floats
    reason: Any


def publish(design: Design, effects: Effects, dials: Dials, rows: Any) -> Published:
    """Dial-scaled effects, centred over the published person-periods `rows`."""
    spells = design.spells
    severity = dials.team * effects.rater[spells["rater"].to_numpy()]
    culture = dials.culture * effects.culture.sum(axis=1)[spells["block"].to_numpy()]
    parts = np.column_stack([severity, culture])
    centre = parts[design.spell_of[rows]].mean(axis=0)
    return Published(parts=parts - centre, centre=centre)


def adjust(
    design: Design,
    published: Published,
    group: Floats,
    rows: Any,
    *,
    materiality: float,
    cap: float | None,
    shut: bool,
) -> Adjustments:
    """Adjustments of the published people, small ones not made, large ones limited where the office set a cap."""
    parts = -np.column_stack([published.parts[design.spell_of[rows]], group[rows] - group[rows].mean()]) + 0.0
    total = parts.sum(axis=1)
    reason = np.zeros(len(total), np.int8)
    small = np.abs(total) < materiality
    reason[small & (total != 0)] = REASONS.index("below_materiality")
    if shut:
        reason[total == 0] = REASONS.index("no_evidence")
    factor = np.where(small, 0.0, 1.0)
    if cap is not None:
        large = np.abs(total) > cap
        factor[large] = cap / np.abs(total[large])
        reason[large] = REASONS.index("capped")
    parts = parts * factor[:, None] + 0.0
    return Adjustments(parts=parts, total=parts.sum(axis=1), reason=reason)
