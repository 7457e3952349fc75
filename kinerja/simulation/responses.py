"""Citizens' answers of a simulated office: case mix, nine elements of 1 to 4, and ballot boxes that are stuffed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.rules import load_rules
from kinerja.rules.lookup import elements

if TYPE_CHECKING:
    from kinerja.simulation import Scenario

Floats = npt.NDArray[np.float64]

ELEMENTS = elements(load_rules(on=date(2026, 9, 30)))
"""Of the rule that the invented offices are asked by, whatever comes after it."""
MEAN_POINTS = 72.0
ELEMENT_SHIFT = np.array([2.0, 1.0, -4.0, 6.0, 1.0, 2.0, 3.0, -4.0, -5.0])
ELEMENT_ERROR = 8.0

AGES, AGE_SHARES, AGE_SHIFT = ("young", "middle", "old"), (0.35, 0.40, 0.25), np.array([-2.5, 0.0, 3.5])
ONLINE_SHARE, ONLINE_SHIFT = (1.5, 3.5), -2.0
"""Beta parameters of a unit's share of answers given online, and by how much these are less favourable (points)."""

STUFFED_PART = 0.8
"""A stuffed unit gets this many false answers for each honest one."""

CLEVER_MEAN, CLEVER_SD = 95.0, 6.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Surveyed:
    """Who is surveyed and what the average citizen thinks there.

    Fields
    ------
    unit_of_team, size : (K,) the team's unit and number of employees (busier teams meet more citizens)
    level : (Q, K) points from the mean, before case mix
    surveyed, stuffed : (U,) whether the unit has a survey, and a stuffed ballot box
    """

    unit_of_team: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    level: Floats
    surveyed: npt.NDArray[np.bool_]
    stuffed: npt.NDArray[np.bool_]


def draw_responses(
    scenario: Scenario, at: Surveyed, period: pd.Index, unit: pd.Index, team: pd.Index, rng: np.random.Generator
) -> pd.DataFrame:
    """One row an answer: period, date, unit, team, service, channel, age, sex, nine elements (1-4)."""
    k = len(at.unit_of_team)
    weight = at.size * at.surveyed[at.unit_of_team]
    n = scenario.responses * scenario.quarters
    share = weight / max(weight.sum(), 1)
    where = np.concatenate(
        [np.repeat(np.arange(k), rng.multinomial(scenario.responses, share)) for _ in range(scenario.quarters)]
    ) if scenario.responses else np.empty(0, np.int64)  # fmt: skip
    quarter = np.repeat(np.arange(scenario.quarters), scenario.responses)
    age = rng.choice(len(AGES), n, p=AGE_SHARES).astype(np.int8)
    online = rng.random(n) < rng.beta(*ONLINE_SHARE, len(at.surveyed))[at.unit_of_team[where]]
    sex = rng.integers(0, 2, n)
    own = np.sqrt(max(scenario.respondent**2 - (ELEMENT_ERROR**2 + 92.6) / len(ELEMENTS) - 6.0, 0.0))
    mood = MEAN_POINTS + at.level[quarter, where] + AGE_SHIFT[age] + ONLINE_SHIFT * online + rng.normal(0, own, n)
    marks = _marks(mood, rng)
    extra = _stuffing(scenario, at, quarter, where, rng)
    marks = np.concatenate([marks, extra[1]])
    rows = np.concatenate([np.arange(n), extra[0]])
    quarter, where = quarter[rows], where[rows]
    day = rng.integers(0, 90, len(rows)).astype("timedelta64[D]")
    start = pd.PeriodIndex([p.replace("-", "") for p in period], freq="Q").start_time.to_numpy()
    tagged = team.take(where) if scenario.feedback_tagged else pd.Index([""], dtype="str").take(np.zeros_like(where))
    frame = pd.DataFrame(
        {
            "period": period.take(quarter),
            "date": start[quarter] + day,
            "unit": unit.take(at.unit_of_team[where]),
            "team": tagged,
            "service": tagged,
            "channel": pd.Index(["counter", "online"], dtype="str").take(online[rows].astype(np.int64)),
            "age": pd.Index(AGES, dtype="str").take(age[rows]),
            "sex": pd.Index(["female", "male"], dtype="str").take(sex[rows]),
        }
    )
    return pd.concat([frame, pd.DataFrame(marks, columns=list(ELEMENTS))], axis=1)


def _marks(mood: Floats, rng: np.random.Generator) -> Floats:
    noise = rng.standard_normal((len(mood), len(ELEMENTS)), np.float32)
    latent = mood[:, None] + ELEMENT_SHIFT + ELEMENT_ERROR * noise
    return np.asarray(np.clip(np.rint(latent * (3 / 100)) + 1, 1, 4))


def _stuffing(
    scenario: Scenario,
    at: Surveyed,
    quarter: npt.NDArray[np.int64],
    where: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Rows of honest answers whose place and profile the false ones take, and the false marks."""
    stuffed = np.flatnonzero(at.stuffed[at.unit_of_team[where]]) if len(where) else np.empty(0, np.int64)
    copied = np.sort(rng.choice(stuffed, round(STUFFED_PART * len(stuffed)), replace=False))
    if scenario.stuffing == "clever":
        return copied, _marks(rng.normal(CLEVER_MEAN, CLEVER_SD, len(copied)), rng)
    return copied, np.full((len(copied), len(ELEMENTS)), 4.0)
