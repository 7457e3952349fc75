"""Part 3 of the workshop: what four ways of scoring make of a strict supervisor, held against a truth that is known.

The offices are those of the calibration benchmark (`simulation.benchmark`), with three things changed by participants.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from kinerja.simulation import SCENARIOS, Scenario
from kinerja.simulation.benchmark import CALIBRATED, benchmark_of, run_scenario

NAMES = ("S1", "S2", "S3", "S4", "S5", "S6", "S7")
"""Sub-districts of the benchmark."""

METHODS = ("raw", "zscore", "forced", "calibrated")
OFFICES = 12
"""Offices that are drawn for one setting; each takes a fraction of a second."""

FIRST_SEED = 2026
MOST_UNTOUCHED = 0.8
"""Share of people from which on the page says that the calibration holds back."""

Answer = Literal["refuses", "holds_back", "adjusts"]


@dataclass(frozen=True, eq=False, kw_only=True)
class StrictOffices:
    """What the ways of scoring did in the offices drawn so far.

    Fields
    ------
    scenario : of the offices; offices : how many; people : in each
    table : method, error (root mean square distance from the truth, points of 0-100, mean over offices), estimate (the
        same relative to the ratings as given), conf_low, conf_high (at BENCHMARK_LEVEL, over offices; NaN for one
        office), n (people in all offices)
    evidence : mean share of severity that the data identify, 0 to 1
    untouched : share of people whose score the calibration leaves as it is
    answer : refuses (no evidence in any office), holds_back (more than MOST_UNTOUCHED untouched), adjusts
    """

    scenario: Scenario
    offices: int
    people: int
    table: pd.DataFrame
    evidence: float
    untouched: float
    answer: Answer


def strict_scenario(name: str, *, severity: float, team_size: int, responses: int) -> Scenario:
    """The scenario with what participants set.

    severity : standard deviation of supervisors' severity (points of 0-100)
    team_size : mean people under one supervisor; responses : citizens' answers in the quarter
    """
    base = SCENARIOS[name]
    culture = base.culture if severity else 0.0
    return replace(
        base, severity=severity, culture=culture, staff=team_size * base.supervisors, responses=responses
    )  # fmt: skip


def draw_offices(scenario: Scenario, *, offices: int = OFFICES, seed: int = FIRST_SEED) -> Iterator[StrictOffices]:
    """Draw one office after the other and yield the result of all so far."""
    rows: list[dict[str, Any]] = []
    for office in range(offices):
        found = run_scenario(scenario, seed=seed + office)
        rows += [{"replication": office, **row} for row in found if row["method"] in METHODS]
        yield strict_result(scenario, rows)


def strict_result(scenario: Scenario, rows: Sequence[dict[str, Any]]) -> StrictOffices:
    """Summary of the benchmark's rows (one an office and method)."""
    found = benchmark_of(pd.DataFrame(rows), settings={})
    summary = {row["method"]: row for row in found.summary.to_dict("records")}
    intervals = {row["method"]: row for row in found.figure.to_dict("records")}
    offices = int(summary[CALIBRATED]["n"])
    # one office has no spread to make an interval of, and the ratings as given are what others are held against
    drawn = {m: intervals.get(m, {}) if offices > 1 else {} for m in METHODS}
    table = pd.DataFrame(
        {
            "method": METHODS,
            "error": [summary[m]["score_error"] for m in METHODS],
            "estimate": [summary[m]["error_ratio"] for m in METHODS],
            "conf_low": [drawn[m].get("conf_low", np.nan) for m in METHODS],
            "conf_high": [drawn[m].get("conf_high", np.nan) for m in METHODS],
            "n": offices * scenario.staff,
        }
    )
    evidence, untouched = float(summary[CALIBRATED]["evidence_team"]), float(summary[CALIBRATED]["untouched"])
    return StrictOffices(
        scenario=scenario,
        offices=offices,
        people=scenario.staff,
        table=table,
        evidence=evidence,
        untouched=untouched,
        answer="refuses" if evidence == 0 else "holds_back" if untouched > MOST_UNTOUCHED else "adjusts",
    )
