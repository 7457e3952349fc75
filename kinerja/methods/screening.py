"""What the checks find and how often they are wrong: planted ballots, careless answers, and the four-fifths rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja import wording
from kinerja.citizens.screening import irv, longstring, screen_responses
from kinerja.fairness.rates import below_four_fifths, fisher_mid_p
from kinerja.methods import Shown, Working
from kinerja.methods.scores import ANSWERS, ON
from kinerja.rules import load_rules
from kinerja.rules.lookup import elements
from kinerja.show.blocks import prose
from kinerja.show.tables import code, number, percent, table

Floats = npt.NDArray[np.float64]

SCALE = (1.0, 4.0)
QUARTER = (date(2026, 7, 1), 90)
"""First day and days of a simulated quarter."""
WORLDS, ANSWERED, UNITS = 20, 1_200, 7
"""Simulated quarters, honest questionnaires in each, units."""
PLANTED = {"none": 0.0, "day": 0.10, "clever": 0.02, "careless": 0.05}
"""Kind of planted answers -> their share of the honest ones."""

GROUPS = (20, 100, 300)
RATE = Fraction(1, 4)
"""The same true rate of a top predikat in both groups."""


def stuffing(language: wording.Language) -> Working:
    """Screens on worlds whose stuffed ballots are known; longest run and spread of ten questionnaires by hand."""
    names = list(elements(load_rules(on=ON)))
    rows = pd.DataFrame([_tried(kind, share, names) for kind, share in PLANTED.items()])
    by_hand = [(_longest(row), _spread(row)) for row in ANSWERS]
    blocks: list[Shown] = [
        prose("methods.stuffing.text", language=language, lead=True, worlds=WORLDS, n=ANSWERED, units=UNITS),
        table(
            rows,
            columns=[
                code("planted_kind"),
                number("n_planted", 0),
                percent("found", 1),
                number("n_honest", 0),
                percent("false_alarms", 2),
                percent("worlds_alarmed"),
            ],
            language=language,
            caption_key="methods.stuffing.caption",
            note_key="methods.stuffing.note",
            name="screening_tried",
        ),
    ]
    return Working(
        blocks=blocks,
        by_hand=np.asarray(by_hand, float).T.ravel(),
        by_package=np.concatenate([longstring(ANSWERS).astype(float), irv(ANSWERS)]),
    )


def four_fifths(language: wording.Language) -> Working:
    """How often the rule speaks up without any true difference: every possible pair of counts, with its probability."""
    rows = pd.DataFrame([_alarms(size) for size in GROUPS])
    blocks: list[Shown] = [
        prose("methods.four_fifths.text", language=language, lead=True, rate=float(RATE)),
        table(
            rows,
            columns=[number("group_size", 0), percent("four_fifths_alarm"), percent("test_alarm", 1)],
            language=language,
            caption_key="methods.four_fifths.caption",
            note_key="methods.four_fifths.note",
            name="four_fifths",
        ),
    ]
    # By hand in fractions (no rounding at all), by the package's own comparison of integers.
    hand = [float(_exact(size)) for size in GROUPS[:2]]
    return Working(blocks=blocks, by_hand=np.asarray(hand), by_package=rows["four_fifths_alarm"].to_numpy(float)[:2])


def _tried(kind: str, share: float, names: Sequence[str]) -> dict[str, object]:
    """Shares over all worlds; `careless` is looked at by the careless flags, everything else by those of stuffing."""
    flag = "careless" if kind == "careless" else "stuffing"
    planted, found, honest, wrong, alarmed = 0, 0, 0, 0, 0
    for world in range(WORLDS):
        answers = _honest(world, names)
        if share:
            answers = _plant(answers, world, kind, share, names)
        flagged = screen_responses(answers, elements=names, scale=SCALE).responses[flag].to_numpy(bool)
        own = answers["planted"].to_numpy(bool)
        planted, found = planted + int(own.sum()), found + int(flagged[own].sum())
        honest, wrong = honest + int((~own).sum()), wrong + int(flagged[~own].sum())
        alarmed += bool(flagged[~own].any())
    return {
        "planted_kind": kind,
        "n_planted": planted,
        "found": found / planted if planted else float("nan"),
        "n_honest": honest,
        "false_alarms": wrong / honest,
        "worlds_alarmed": alarmed / WORLDS,
    }


def _honest(seed: int, names: Sequence[str]) -> pd.DataFrame:
    """A quarter in which nobody cheats: moods, units that differ, days with a weekday profile, three channels."""
    rng = np.random.default_rng(seed)
    unit = rng.choice(UNITS, ANSWERED, p=rng.dirichlet(np.full(UNITS, 8)))
    mood = rng.normal(3.1, 0.55, ANSWERED) + rng.normal(0, 0.12, UNITS)[unit]
    marks = np.clip(np.rint(mood[:, None] + rng.normal(0, 0.2, 9) + rng.normal(0, 0.45, (ANSWERED, 9))), *SCALE)
    days = pd.date_range(QUARTER[0], periods=QUARTER[1])
    weight = np.array([1.4, 1, 1, 1, 1.2, 0, 0])[days.day_of_week] * rng.gamma(8, 1 / 8, len(days))
    return pd.DataFrame(marks, columns=list(names)).assign(
        unit=[f"u{k}" for k in unit],
        date=days[rng.choice(len(days), ANSWERED, p=weight / weight.sum())],
        channel=rng.choice(["kertas", "qr", "wa"], ANSWERED),
        response=[f"r{k:05d}" for k in range(ANSWERED)],
        planted=False,
    )


def _plant(honest: pd.DataFrame, seed: int, kind: str, share: float, names: Sequence[str]) -> pd.DataFrame:
    """Ballots of unit u1: all highest on the busiest day, or high but varied over the quarter; or answers anyhow."""
    rng = np.random.default_rng([seed, 1])
    n = round(len(honest) * share)
    extra = honest.iloc[rng.choice(len(honest), n, replace=False)].assign(planted=True)
    extra["response"] = [f"x{k:05d}" for k in range(n)]
    if kind == "careless":
        marks: Floats = rng.integers(1, 5, (n, 9)).astype(float)
    elif kind == "day":
        marks = np.full((n, 9), SCALE[1])
        extra = extra.assign(unit="u1", date=honest["date"].mode()[0], channel="qr")
    else:
        marks = np.clip(np.rint(rng.normal(3.8, 0.3, (n, 9))), *SCALE)
        extra = extra.assign(unit="u1")
    extra[list(names)] = marks
    return pd.concat([honest, extra], ignore_index=True)


def _longest(row: Floats) -> int:
    best = run = 1
    for before, mark in pairwise(row):
        run = run + 1 if mark == before else 1
        best = max(best, run)
    return best


def _spread(row: Floats) -> float:
    mean = sum(row) / len(row)
    return float((sum((mark - mean) ** 2 for mark in row) / (len(row) - 1)) ** 0.5)


def _alarms(size: int) -> dict[str, float]:
    """Both groups have `size` people and the same true rate."""
    chance = np.array([float(p) for p in _binomial(size)])
    four, test = 0.0, 0.0
    likely = [count for count in range(size + 1) if chance[count] > 1e-12]
    for a in likely:
        for b in likely:
            probability = chance[a] * chance[b]
            four += probability * (below_four_fifths(a, size, b, size) or below_four_fifths(b, size, a, size))
            test += probability * (fisher_mid_p(a, size, b, size) < 0.05)
    return {"group_size": size, "four_fifths_alarm": four, "test_alarm": test}


def _exact(size: int) -> Fraction:
    chance = _binomial(size)
    return sum(
        (chance[a] * chance[b] for a in range(size + 1) for b in range(size + 1) if 5 * min(a, b) < 4 * max(a, b)),
        start=Fraction(0),
    )


def _binomial(size: int) -> list[Fraction]:
    return [comb(size, k) * RATE**k * (1 - RATE) ** (size - k) for k in range(size + 1)]
