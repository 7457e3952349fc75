"""Offices with known truth: staff, ratings, indicators and citizens' answers drawn from one scenario.

Everything is on the scale of 0-100 points. The truth of a person in a quarter is mean + unit + team + supervisor's
leadership + person + what the quarter brought; a rating adds the supervisor's effect, the unit's culture, halo and the
items' own noise, and is rounded to five categories. Citizens and indicators follow the same truth with a validity of
their own and hold things that are not performance (discrepancies).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.simulation.ratings import SimulatedRatings, simulate_ratings
from kinerja.simulation.responses import Surveyed, draw_responses
from kinerja.simulation.scenarios import CITY, SCENARIOS, SUBDISTRICT, Scenario

__all__ = [
    "CITY",
    "SCENARIOS",
    "SUBDISTRICT",
    "Scenario",
    "SimulatedOffice",
    "SimulatedRatings",
    "simulate_office",
    "simulate_ratings",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ITEMS = ("service", "accountable", "competent", "harmonious", "loyal", "adaptive", "collaborative")
"""The seven BerAKHLAK values, one rating each; a scenario with fewer items uses the first."""

SMALLEST_TEAM, TEAM_SHAPE = 3, 5.0
"""Teams have at least three members; sizes vary as a gamma of this shape (from 3 to about 35 members in a city)."""

GROUP_SHARE = (2.0, 3.5)
"""Beta parameters of a team's share of group B (mean .36)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SimulatedOffice:
    """One office drawn from a scenario: canonical frames, and the truth apart from them.

    Fields
    ------
    scenario, seed : what it was drawn from
    staff : period, ratee, unit, team, service, supervisor, group (A or B)
    ratings : period, ratee, rater, role, item, rating (1-5, or as many categories as the scenario has)
    indicators : period, ratee, points (attainment, 0-100 scale without limits); empty where there are none
    responses : period, date, unit, team, service, channel, age, sex, nine elements (1-4); empty where there are none
    true_scores : period, ratee, true_points, rating_effect (what supervisor and unit culture added), group_effect
    true_raters : rater, severity (positive = harsher), leadership, group_gap, spread
    true_units : unit, performance, culture, stuffed
    """

    scenario: Scenario
    seed: int
    staff: pd.DataFrame
    ratings: pd.DataFrame
    indicators: pd.DataFrame
    responses: pd.DataFrame
    true_scores: pd.DataFrame
    true_raters: pd.DataFrame
    true_units: pd.DataFrame


@dataclass(frozen=True, eq=False, kw_only=True)
class _Office:
    """Layout and effects as arrays: K teams, J supervisors, N ratees, Q quarters."""

    unit_of_team: Ints  # (K,)
    team_of: Ints  # (N,)
    group: Ints  # (N,) 1 for group B
    boss: Ints  # (Q, K) supervisor of each team
    unit: Floats  # (U,)
    culture: Floats  # (U,)
    team: Floats  # (K,)
    leadership: Floats  # (J,)
    effect: Floats  # (J,) points added to ratings
    gap: Floats  # (J,)
    spread: Floats  # (J,)


def simulate_office(scenario: Scenario, *, seed: int) -> SimulatedOffice:
    """Draw one office from `scenario`; each part has its own stream, so that more evidence leaves the ratings alone."""
    structure, truths, rated, work, survey = (np.random.default_rng([seed, part]) for part in range(5))
    office = _layout(scenario, structure)
    truth = _true_scores(scenario, office, truths)
    unit_shift, team_shift = _discrepancies(scenario, truths)
    ids = _Ids(scenario)
    points = np.zeros((scenario.quarters, scenario.supervisors))
    for q in range(scenario.quarters):
        points[q] = office.unit[office.unit_of_team] + office.team + office.leadership[office.boss[q]]
    surveyed = Surveyed(
        unit_of_team=office.unit_of_team,
        size=np.bincount(office.team_of, minlength=scenario.supervisors),
        level=scenario.feedback_validity * points
        + (unit_shift[0][office.unit_of_team] + team_shift[0])
        - scenario.citizen_group_gap * _share(office),
        **_ballot_box(scenario, survey),
    )
    return SimulatedOffice(
        scenario=scenario,
        seed=seed,
        staff=_staff(scenario, office, ids),
        ratings=_ratings(scenario, office, truth, ids, rated),
        indicators=_indicators(scenario, office, truth, unit_shift[1], team_shift[1], ids, work),
        responses=draw_responses(scenario, surveyed, ids.period, ids.unit, ids.team, survey),
        true_scores=_truth_frame(scenario, office, truth, ids),
        true_raters=pd.DataFrame(
            {
                "rater": ids.rater,
                "severity": -office.effect,
                "leadership": office.leadership,
                "group_gap": office.gap,
                "spread": office.spread,
            }
        ),
        true_units=pd.DataFrame(
            {"unit": ids.unit, "performance": office.unit, "culture": office.culture, "stuffed": surveyed.stuffed}
        ),
    )


class _Ids:
    """Names of everything, of a width that sorts as it counts."""

    def __init__(self, scenario: Scenario) -> None:
        self.period = _quarters(scenario.quarters)
        self.unit = _named("U", scenario.units)
        self.team = _named("T", scenario.supervisors)
        self.rater = _named("S", scenario.supervisors)
        self.ratee = _named("P", scenario.staff)


def _named(letter: str, n: int) -> pd.Index:
    width = len(str(n))
    return pd.Index([f"{letter}{i:0{width}d}" for i in range(1, n + 1)], dtype="str")


def _quarters(n: int) -> pd.Index:
    """The n quarters that end with 2026-Q3."""
    last = 2026 * 4 + 2
    return pd.Index([f"{t // 4}-Q{t % 4 + 1}" for t in range(last - n + 1, last + 1)], dtype="str")


def _layout(s: Scenario, rng: np.random.Generator) -> _Office:
    k = s.supervisors
    unit_of_team = np.arange(k) * s.units // k
    weights = rng.gamma(TEAM_SHAPE, 1.0, k)
    smallest = min(SMALLEST_TEAM, s.staff // k)
    sizes = smallest + rng.multinomial(s.staff - smallest * k, weights / weights.sum())
    team_of = np.repeat(np.arange(k), sizes)
    group = (rng.random(s.staff) < rng.beta(*GROUP_SHARE, k)[team_of]).astype(np.int64)
    boss = np.tile(np.arange(k), (s.quarters, 1))
    for q in range(1, s.quarters):
        boss[q] = boss[q - 1]
        movers = rng.choice(k, round(s.rotation_share * k), replace=False)
        boss[q, movers] = boss[q - 1, np.roll(movers, 1)]
    team = rng.normal(0, 1, k)
    r = s.severity_correlation
    effect = s.severity * (r * team + np.sqrt(1 - r**2) * rng.normal(0, 1, k))
    return _Office(
        unit_of_team=unit_of_team,
        team_of=team_of,
        group=group,
        boss=boss,
        unit=rng.normal(0, s.unit, s.units),
        culture=rng.normal(0, s.culture, s.units),
        team=s.team * team,
        leadership=rng.normal(0, s.leadership, k),
        effect=effect,
        gap=rng.normal(s.group_gap, s.group_gap_sd, k),
        spread=rng.uniform(*s.spread, k),
    )


def _true_scores(s: Scenario, office: _Office, rng: np.random.Generator) -> Floats:
    """(Q, N) true points."""
    base = (office.unit[office.unit_of_team] + office.team)[office.team_of] + rng.normal(0, s.person, s.staff)
    truth = np.empty((s.quarters, s.staff))
    for q in range(s.quarters):
        shock = office.leadership[office.boss[q]] + rng.normal(0, s.team_quarter, s.supervisors)
        truth[q] = s.mean + base + shock[office.team_of] + rng.normal(0, s.person_quarter, s.staff)
    return truth


def _discrepancies(s: Scenario, rng: np.random.Generator) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Of units and of teams: (citizens', indicators'), correlated where the scenario says so."""

    def pair(n: int, feedback: float, indicator: float) -> tuple[Floats, Floats]:
        one, other = rng.normal(0, 1, (2, n))
        r = s.shared_discrepancy
        return feedback * one, indicator * (r * one + np.sqrt(1 - r**2) * other)

    return pair(s.units, s.feedback_unit, s.indicator_unit), pair(s.supervisors, s.feedback_team, s.indicator_team)


def _share(office: _Office) -> Floats:
    """(K,) share of group B in each team."""
    size = np.bincount(office.team_of, minlength=len(office.team))
    return np.asarray(np.bincount(office.team_of, office.group, len(office.team)) / size)


def _ballot_box(s: Scenario, rng: np.random.Generator) -> dict[str, npt.NDArray[np.bool_]]:
    """Which units have a survey, and which of them are stuffed."""
    surveyed = rng.permutation(s.units) < round(s.feedback_units * s.units)
    stuffed = rng.permutation(s.units) < round(s.stuffed_units * s.units)
    return {"surveyed": surveyed, "stuffed": stuffed & surveyed & (s.stuffing != "none")}


def _staff(s: Scenario, office: _Office, ids: _Ids) -> pd.DataFrame:
    team = np.tile(office.team_of, s.quarters)
    quarter = np.repeat(np.arange(s.quarters), s.staff)
    return pd.DataFrame(
        {
            "period": ids.period.take(quarter),
            "ratee": ids.ratee.take(np.tile(np.arange(s.staff), s.quarters)),
            "unit": ids.unit.take(office.unit_of_team[team]),
            "team": ids.team.take(team),
            "service": ids.team.take(team),
            "supervisor": ids.rater.take(office.boss[quarter, team]),
            "group": pd.Index(["A", "B"], dtype="str").take(np.tile(office.group, s.quarters)),
        }
    )


def _ratings(s: Scenario, office: _Office, truth: Floats, ids: _Ids, rng: np.random.Generator) -> pd.DataFrame:
    behaviour = rng.normal(0, s.behaviour, (s.staff, s.items))
    halo = rng.normal(0, s.halo, s.staff)
    marks, quarter, ratee, rater, second = [], [], [], [], []
    everyone = np.arange(s.staff)
    for q in range(s.quarters):
        own = office.boss[q, office.team_of]
        if q:  # a supervisor keeps the impression of a person; a new supervisor forms another
            halo = np.where(own == office.boss[q - 1, office.team_of], halo, rng.normal(0, s.halo, s.staff))
        marks.append(_marks(s, office, truth[q], everyone, own, halo, behaviour, rng))
        people, by = _second_raters(s, office, q, rng)
        marks.append(_marks(s, office, truth[q], people, by, rng.normal(0, s.halo, len(people)), behaviour, rng))
        ratee += [everyone, people]
        rater += [own, by]
        second += [np.zeros(s.staff, np.int64), np.ones(len(people), np.int64)]
        quarter.append(np.full(s.staff + len(people), q))
    n_items = s.items
    return pd.DataFrame(
        {
            "period": ids.period.take(np.repeat(np.concatenate(quarter), n_items)),
            "ratee": ids.ratee.take(np.repeat(np.concatenate(ratee), n_items)),
            "rater": ids.rater.take(np.repeat(np.concatenate(rater), n_items)),
            "role": pd.Index(["supervisor", "second_supervisor"], dtype="str").take(
                np.repeat(np.concatenate(second), n_items)
            ),
            "item": pd.Index(ITEMS[:n_items], dtype="str").take(np.tile(np.arange(n_items), sum(map(len, marks)))),
            "rating": np.concatenate(marks).ravel(),
        }
    )


def _marks(
    s: Scenario,
    office: _Office,
    truth: Floats,
    ratee: Ints,
    rater: Ints,
    halo: Floats,
    behaviour: Floats,
    rng: np.random.Generator,
) -> Floats:
    """(n, items) categories that `rater` gives `ratee`: what is seen, shrunk by the rater's spread, plus noise."""
    spread = office.spread[rater]
    seen = s.mean + spread * (truth[ratee] - s.mean + halo) + office.effect[rater]
    seen += office.culture[office.unit_of_team[office.team_of[ratee]]] - office.gap[rater] * office.group[ratee]
    latent = seen[:, None] + spread[:, None] * behaviour[ratee] + rng.normal(0, s.item_error, (len(ratee), s.items))
    step = 100 / (s.categories - 1)
    return np.asarray(np.clip(np.rint(latent / step), 0, s.categories - 1) + 1)


def _second_raters(s: Scenario, office: _Office, q: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Employees rated again in quarter q, and by whom: the supervisor of another team of the same unit."""
    n_teams = np.bincount(office.unit_of_team, minlength=s.units)
    first = np.cumsum(n_teams) - n_teams
    people = np.sort(rng.choice(s.staff, round(s.second_share * s.staff), replace=False))
    team = office.team_of[people]
    unit = office.unit_of_team[team]
    can = n_teams[unit] > 1
    people, team, unit = people[can], team[can], unit[can]
    step = 1 + rng.integers(0, n_teams[unit] - 1)
    other = first[unit] + (team - first[unit] + step) % n_teams[unit]
    return people, office.boss[q, other]


def _indicators(
    s: Scenario,
    office: _Office,
    truth: Floats,
    unit_shift: Floats,
    team_shift: Floats,
    ids: _Ids,
    rng: np.random.Generator,
) -> pd.DataFrame:
    if not s.indicators:
        return pd.DataFrame({"period": ids.period[:0], "ratee": ids.ratee[:0], "points": np.empty(0)})
    fixed = (unit_shift[office.unit_of_team] + team_shift)[office.team_of] + rng.normal(0, s.indicator_person, s.staff)
    noise = rng.normal(0, s.indicator_error, truth.shape)
    points = s.mean + s.indicator_validity * (truth - s.mean) + fixed + noise
    quarter, ratee = np.divmod(np.arange(truth.size), s.staff)
    return pd.DataFrame({"period": ids.period.take(quarter), "ratee": ids.ratee.take(ratee), "points": points.ravel()})


def _truth_frame(s: Scenario, office: _Office, truth: Floats, ids: _Ids) -> pd.DataFrame:
    quarter, ratee = np.divmod(np.arange(truth.size), s.staff)
    boss = office.boss[:, office.team_of].ravel()
    culture = office.culture[office.unit_of_team][office.team_of]
    return pd.DataFrame(
        {
            "period": ids.period.take(quarter),
            "ratee": ids.ratee.take(ratee),
            "true_points": truth.ravel(),
            "rating_effect": office.effect[boss] + culture[ratee],
            "group_effect": -office.gap[boss] * office.group[ratee],
        }
    )
