"""What an implementation of the calibration has to reach on the scenarios: limits of the method page, section 12."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """One limit: `measure` of the benchmark's summary must be at most (or at least) `limit`."""

    scenario: str
    measure: str
    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        slack = ROUND_OFF if not self.at_least else -ROUND_OFF
        return value >= self.limit + slack if self.at_least else value <= self.limit + slack


ROUND_OFF = 1e-9

_RATIO: Mapping[str, float] = {
    "C01": 0.865, "C02": 0.895, "C03": 0.885, "C04": 1.002, "C05": 0.86, "C06": 0.90, "C07": 0.845, "C08": 0.855,
    "C09": 0.885, "C10": 0.95, "C11": 0.885, "C12": 1.003, "C13": 0.865, "C14": 0.895, "C15": 0.875, "C16": 0.85,
    "C17": 1.005, "C18": 1.005, "C19": 1.005, "C20": 0.83, "C21": 0.885, "C22": 0.87, "C23": 0.875, "C25": 0.99,
    "C26": 0.67, "S1": 1.005, "S2": 1.005, "S3": 1.005, "S4": 1.005, "S5": 1.005, "S6": 1.0, "S7": 0.88,
    "V1": 0.88, "V2": 0.915, "V3": 0.875, "V4": 0.865, "V5": 0.885, "V6": 0.825,
}  # fmt: skip
"""Mean RMSE divided by that of the raw scores.

S7 (0.88) is missed: 0.90. At the true variances 30 % second ratings in 25 teams open the dial to 0.60 only, since it
asks for severity's share of all team differences and the true part of these stays uncertain, though severity's own
variance is known well. The dial at 1 would give 0.86; measured on the log of the share, 0.89, but invalid feedback
alone (C12) would then pass its limit of 0.15. Second ratings published in full and the rest by the dial would give
0.880, but a point added to all of a supervisor's ratings would then no longer move people by 1 - dial x reliability.
"""

_INHERITED: Mapping[str, float] = {"S1": 0.89, "S2": 0.90, "S3": 1.00, "S5": 0.905, "S6": 0.91, "S7": 0.855}
"""The same with variance parameters borrowed from a city that shares the true ones."""

_REMOVED: Mapping[str, float] = {
    "C01": 0.56,
    "C02": 0.46,
    "C03": 0.49,
    "C05": 0.59,
    "C06": 0.46,
    "C07": 0.64,
    "C08": 0.60,
}
_COVERAGE = (0.88, 0.95)
_LOOSE_COVERAGE: Mapping[str, float] = {"C20": 0.85}
_AWAY, _LOOSE_AWAY = 0.13, {"V1": 0.19}

_OTHER: tuple[Target, ...] = (
    Target(scenario="C04", measure="evidence_team", limit=0.01),
    Target(scenario="C04", measure="untouched", limit=1.0, at_least=True),
    Target(scenario="C12", measure="evidence_team", limit=0.15),
    Target(scenario="C12", measure="untouched", limit=0.90, at_least=True),
    Target(scenario="C13", measure="group_gap_excess", limit=0.0),
    Target(scenario="C14", measure="stuffed_gain", limit=0.3),
    Target(scenario="C15", measure="stuffed_gain", limit=1.0),
    Target(scenario="C16", measure="group_gap", limit=0.4),
    *(Target(scenario=s, measure="worst", limit=1.015) for s in ("C17", "C18", "C19")),
    *(Target(scenario=s, measure="untouched", limit=0.80, at_least=True) for s in ("C17", "C18", "C19")),
    *(Target(scenario=s, measure="rank_change", limit=0.01) for s in ("C17", "C18", "C19")),
    *(Target(scenario=f"S{i}", measure="worst", limit=1.02) for i in range(1, 8)),
)


def targets_of(scenario: str) -> tuple[Target, ...]:
    """Every limit that the method page sets for a scenario; none for those that it does not list (C24, V7, V8)."""
    if scenario not in _RATIO:
        return ()
    found = [t for t in _OTHER if t.scenario == scenario]
    for measure, table in (("error_ratio", _RATIO), ("inherited", _INHERITED)):
        if scenario in table:
            found.append(Target(scenario=scenario, measure=measure, limit=table[scenario]))
    if scenario in _REMOVED:
        found.append(Target(scenario=scenario, measure="removed", limit=_REMOVED[scenario], at_least=True))
    lowest = _LOOSE_COVERAGE.get(scenario, _COVERAGE[0])
    found.append(Target(scenario=scenario, measure="coverage", limit=lowest, at_least=True))
    found.append(Target(scenario=scenario, measure="coverage", limit=_COVERAGE[1]))
    found.append(Target(scenario=scenario, measure="moved_away", limit=_LOOSE_AWAY.get(scenario, _AWAY)))
    return tuple(found)
