"""What a simulated office is like, and the benchmark's scenarios by name.

C01-C26 are cities, S1-S7 sub-districts, V1-V8 cities that break an assumption of the calibration model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is true of an office and what evidence there is. Points of the 0-100 scale, standard deviations unless said.

    Fields
    ------
    name : short id; the sentence `scenario.<name>` in words.csv says what it shows
    units, supervisors, staff, quarters : size; every supervisor has one team
    responses : citizens' answers a quarter, 0 for none; respondents per unit where `responses_per_unit` is given
    indicators : whether employees have indicators (IKU)
    items, categories : ratings a person gets from each rater (at most 7), and how many categories each has
    second_share : share of employees rated a second time in each quarter, by another supervisor of the same unit
    rotation_share : share of teams whose supervisors change places at the start of each further quarter
    mean : average true points; unit, team, person, team_quarter, person_quarter, leadership : parts of the truth
    severity, culture : supervisor's and unit's effect on ratings; severity_correlation : of the supervisor's effect on
        ratings with the team's true performance
    behaviour, halo, item_error : noise of a rating; spread : lowest and highest share of true differences that a
        supervisor uses (1, 1: all)
    group_gap, group_gap_sd : points by which supervisors rate group B lower than it is, and the spread between them
    feedback_validity, feedback_unit, feedback_team, respondent : citizens' slope on the truth, discrepancies, noise
    feedback_units : share of units with a survey; feedback_tagged : whether an answer names the team
    citizen_group_gap : points by which citizens mark teams wholly of group B lower
    stuffing : none, all_top (copies of the best answer) or clever (varied, nearly the best); stuffed_units : share
    indicator_validity, indicator_unit, indicator_team, indicator_person, indicator_error : as for citizens
    shared_discrepancy : correlation of the discrepancies of citizens and indicators
    """

    name: str = "C01"
    units: int = 300
    supervisors: int = 900
    staff: int = 12_000
    quarters: int = 4
    responses: int = 60_000
    indicators: bool = True
    items: int = 7
    categories: int = 5
    second_share: float = 0.0
    rotation_share: float = 0.0
    mean: float = 66.0
    unit: float = 3.5
    team: float = 2.5
    person: float = 7.0
    team_quarter: float = 1.0
    person_quarter: float = 2.0
    leadership: float = 0.0
    severity: float = 4.5
    culture: float = 1.5
    severity_correlation: float = 0.0
    behaviour: float = 4.0
    halo: float = 3.5
    item_error: float = 9.0
    spread: tuple[float, float] = (1.0, 1.0)
    group_gap: float = 0.0
    group_gap_sd: float = 0.0
    feedback_validity: float = 0.5
    feedback_unit: float = 2.2
    feedback_team: float = 2.0
    respondent: float = 13.0
    feedback_units: float = 1.0
    feedback_tagged: bool = True
    citizen_group_gap: float = 0.0
    stuffing: str = "none"
    stuffed_units: float = 0.0
    indicator_validity: float = 0.6
    indicator_unit: float = 3.0
    indicator_team: float = 3.0
    indicator_person: float = 5.0
    indicator_error: float = 8.0
    shared_discrepancy: float = 0.0

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest rating."""
        return 1.0, float(self.categories)


CITY = Scenario()
SUBDISTRICT = Scenario(units=7, supervisors=25, staff=140, quarters=1, responses=1_200)
NO_SEVERITY: dict[str, Any] = {"severity": 0.0, "culture": 0.0}
RATINGS_ONLY: dict[str, Any] = {"responses": 0, "indicators": False}

_CHANGES: Mapping[str, dict[str, Any]] = {
    "C01": {},  # nested, citizens and indicators
    "C02": {"indicators": False},  # nested, citizens only
    "C03": {"responses": 0},  # nested, indicators only
    "C04": RATINGS_ONLY,  # nested, ratings only
    "C05": {"rotation_share": 0.1},  # rotation, citizens and indicators
    "C06": {"rotation_share": 0.1, **RATINGS_ONLY},  # rotation, ratings only
    "C07": {"second_share": 0.1, "indicators": False},  # 10 % second ratings, citizens
    "C08": {"second_share": 0.1, **RATINGS_ONLY},  # 10 % second ratings, ratings only
    "C09": {"responses": 900},  # three answers a unit and quarter, indicators
    "C10": {"responses": 900, "indicators": False},  # three answers a unit and quarter
    "C11": {"feedback_validity": 0.0},  # invalid citizens, indicators
    "C12": {"feedback_validity": 0.0, "indicators": False},  # invalid citizens only
    "C13": {"citizen_group_gap": 8.0},  # citizens biased by group, indicators
    "C14": {"stuffing": "all_top", "stuffed_units": 0.1, "indicators": False},  # 10 % stuffed all-top, citizens only
    "C15": {"stuffing": "clever", "stuffed_units": 0.25},  # 25 % of units stuffed cleverly, indicators
    "C16": {"group_gap": 3.0, "group_gap_sd": 1.5},  # supervisors biased by group
    "C17": NO_SEVERITY,  # no severity, citizens and indicators
    "C18": {**NO_SEVERITY, "indicators": False},  # no severity, citizens only
    "C19": {**NO_SEVERITY, "rotation_share": 0.1, **RATINGS_ONLY},  # no severity, rotation only
    "C20": {"unit": 2.1, "team": 1.5, "person": 4.2},  # true range restricted: people and teams differ little
    "C21": {"mean": 82.0},  # ceiling (mean 82)
    "C22": {"quarters": 1},  # single quarter
    "C23": {"feedback_units": 0.4},  # citizens for 40 % of units
    "C24": {"feedback_tagged": False, "indicators": False},  # citizens' answers name the unit only
    "C25": {"severity": 2.0, "culture": 2.0 / 3},  # small severity (SD 2)
    "C26": {"severity": 8.0, "culture": 8.0 / 3},  # large severity (SD 8)
    "S1": {},  # sub-district, citizens and indicators
    "S2": {"indicators": False},  # sub-district, citizens only
    "S3": NO_SEVERITY,  # sub-district, no severity
    "S4": {"responses": 0},  # sub-district, indicators only
    "S5": {"feedback_validity": 0.0, "indicators": False},  # sub-district, invalid citizens only
    "S6": RATINGS_ONLY,  # sub-district, ratings only
    "S7": {"second_share": 0.3},  # sub-district, 30 % second ratings
    "V1": {"shared_discrepancy": 0.6},  # citizens and indicators share a bias (r = .6)
    "V2": {"leadership": 3.0, "rotation_share": 0.1, **RATINGS_ONLY},  # leadership is real, rotation only
    "V3": {"leadership": 3.0, "rotation_share": 0.1},  # leadership is real, rotation, citizens and indicators
    "V4": {"severity_correlation": 0.5},  # lenient supervisors have better teams (r = .5)
    "V5": {"severity_correlation": -0.5},  # lenient supervisors have worse teams (r = -.5)
    "V6": {"culture": 3.5},  # strong rating culture of units
    "V7": {"spread": (0.45, 0.7)},  # supervisors use half of the differences (range restriction)
    "V8": {"categories": 3},  # ratings of three categories
}
"""What each scenario changes of CITY or SUBDISTRICT."""


def _scenario(name: str, changes: dict[str, Any]) -> Scenario:
    base = SUBDISTRICT if name.startswith("S") else CITY
    return replace(base, name=name, **changes)


SCENARIOS: Mapping[str, Scenario] = MappingProxyType({n: _scenario(n, changes) for n, changes in _CHANGES.items()})
