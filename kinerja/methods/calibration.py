"""Ten people calibrated by hand: the covariance written out, one linear solve; why nested ratings say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja import wording
from kinerja.calibration import Calibration, calibrate
from kinerja.calibration.model import variances
from kinerja.calibration.rows import FEEDBACK, INDICATOR, RATING, Rows
from kinerja.methods import Shown, Working
from kinerja.show.blocks import prose
from kinerja.show.tables import code, number, table, words
from kinerja.simulation import simulate_office
from kinerja.simulation.scenarios import SCENARIOS

Floats = npt.NDArray[np.float64]

PERIOD = "2026-Q3"
PEOPLE = pd.DataFrame(
    [
        ("P01", "T1", 60.0, 70.0), ("P02", "T1", 66.0, 74.0), ("P03", "T1", 63.0, 72.0),
        ("P04", "T2", 78.0, 73.0), ("P05", "T2", 82.0, 75.0),
        ("P06", "T3", 70.0, 70.0), ("P07", "T3", 74.0, 71.0), ("P08", "T3", 66.0, 69.0),
        ("P09", "T4", 58.0, 66.0), ("P10", "T4", 54.0, 68.0),
    ],
    columns=["ratee", "team", "rating", "indicator"],
)  # fmt: skip
"""Ten people of four teams (two units of two teams): rating and attainment in points."""

CITIZENS = pd.DataFrame(
    {"team": ["T1", "T2", "T3", "T4"], "estimate": [78.0, 76.0, 75.0, 73.0], "std_error": 2.0, "n": 40}
)
"""What citizens say of each team: mean in points, its standard error, answers."""

SPLITS = (0.1, 0.5, 0.9)
"""Shares of severity in the differences between teams, between which ratings alone cannot choose."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Hand:
    """adjustment : (10,) points; teams, variances : what stands on the way, for the tables"""

    adjustment: Floats
    teams: pd.DataFrame
    variances: pd.DataFrame


def calibration(language: wording.Language) -> Working:
    """The rating effect as best linear prediction: variance times V inverse times (data - mean)."""
    lender = _lender()
    found = calibrate(*_ratings(), indicators=_indicators(), feedback=_feedback(), held=lender, materiality=0.0)
    hand = _by_hand(found.rows, variances(lender.prior.mean), found.evidence_team, found.evidence_culture)
    people = PEOPLE.assign(by_hand=hand.adjustment).set_index("ratee")
    package = found.persons.set_index("ratee")["adjustment"].reindex(people.index)
    rows = people.assign(by_package=package, calibrated=people["rating"] + people["by_hand"]).reset_index()
    teams = hand.teams.assign(citizens=CITIZENS["estimate"].to_numpy())
    blocks: list[Shown] = [
        prose("methods.calibration.text", "methods.calibration.formula", language=language, lead=True),
        table(
            hand.variances,
            columns=[code("source_of_difference"), number("spread_points", 2)],
            language=language,
            caption_key="methods.calibration.variances",
            note_key="methods.calibration.variances_note",
            name="worked_variances",
        ),
        table(
            teams,
            columns=[
                words("team"),
                number("team_mean", 1),
                number("team_indicator", 1),
                number("citizens", 1),
                number("expected_mean", 1),
                number("surprise", 1, signed=True),
                number("full_effect", 2, signed=True),
                number("published_effect", 2, signed=True),
            ],
            language=language,
            caption_key="methods.calibration.teams",
            note_key="methods.calibration.teams_note",
            values={"team": found.evidence_team, "culture": found.evidence_culture},
            name="worked_teams",
        ),
        table(
            rows,
            columns=[
                words("ratee"),
                words("team"),
                number("rating", 0),
                number("by_hand", 4, signed=True),
                number("by_package", 4, signed=True),
                number("calibrated", 1),
            ],
            language=language,
            caption_key="methods.calibration.people",
            note_key="methods.calibration.people_note",
            name="worked_people",
        ),
    ]
    return Working(
        blocks=blocks, by_hand=rows["by_hand"].to_numpy(float), by_package=rows["by_package"].to_numpy(float)
    )


def nested(language: wording.Language) -> Working:
    """Ratings alone: the likelihood is the same whatever share of the differences is severity."""
    found = calibrate(*_ratings(), materiality=0.0)
    theta = variances(found.prior.mean)
    whole = theta[1] + theta[3]
    likelihood = []
    for share in SPLITS:
        split = theta.copy()
        split[1], split[3] = (1 - share) * whole, share * whole
        likelihood.append(_log_likelihood(found.rows, split))
    rows = pd.DataFrame({"severity_share": SPLITS, "log_likelihood": likelihood})
    gate = found.gate[found.gate["evidence_source"] == "ratings"]["evidence_team"].to_numpy(float)
    changes = found.persons["adjustment"].to_numpy(float)
    blocks: list[Shown] = [
        prose("methods.nested.text", language=language, lead=True),
        table(
            rows,
            columns=[number("severity_share", 1), number("log_likelihood", 6)],
            language=language,
            caption_key="methods.nested.caption",
            note_key="methods.nested.note",
            values={"evidence": float(gate[0]), "n": len(changes)},
            name="worked_nested",
        ),
    ]
    # By hand: three equal likelihoods, no evidence, no adjustment. The package: what it found.
    return Working(
        blocks=blocks,
        by_hand=np.concatenate([np.full(len(SPLITS), likelihood[0]), np.zeros(1 + len(changes))]),
        by_package=np.concatenate([likelihood, gate, changes]),
    )


@cache
def _lender() -> Calibration:
    """A simulated sub-district with second raters, whose variance parameters the ten people borrow and hold."""
    office = simulate_office(SCENARIOS["S7"], seed=1)
    return calibrate(
        office.ratings,
        office.staff,
        indicators=office.indicators,
        feedback=office.responses,
        scale=(1, 5),
    )


def _ratings() -> tuple[pd.DataFrame, pd.DataFrame]:
    unit = PEOPLE["team"].map({"T1": "U1", "T2": "U1", "T3": "U2", "T4": "U2"})
    head = "S" + PEOPLE["team"].str[1:]
    staff = PEOPLE[["ratee", "team"]].assign(period=PERIOD, unit=unit, supervisor=head, service=None)
    ratings = PEOPLE[["ratee", "rating"]].assign(period=PERIOD, rater=head, role="supervisor", item="work")
    return ratings, staff


def _indicators() -> pd.DataFrame:
    return PEOPLE[["ratee"]].assign(period=PERIOD, points=PEOPLE["indicator"])


def _feedback() -> pd.DataFrame:
    unit = CITIZENS["team"].map({"T1": "U1", "T2": "U1", "T3": "U2", "T4": "U2"})
    return CITIZENS.assign(period=PERIOD, unit=unit)


def _covariance(rows: Rows, theta: Floats) -> Floats:
    """V of the rows (team means of ratings, citizens, attainment), as section 2 of the method writes it; nested teams.

    theta : unit, team, leadership, severity, culture, feedback unit and team, indicator unit and team, both slopes
    """
    kind, team = rows.kind, np.argmax(rows.exposure.toarray(), axis=1)
    same_team, same_unit = np.equal.outer(team, team), np.equal.outer(rows.block, rows.block)
    load = np.array([1.0, theta[9], theta[10]])[kind]
    rating, citizens, indicator = (np.outer(kind == k, kind == k) for k in (RATING, FEEDBACK, INDICATOR))
    true = np.outer(load, load) * (theta[0] * same_unit + (theta[1] + theta[2]) * same_team)
    seen = rating * (theta[3] * same_team + theta[4] * same_unit)
    apart = citizens * (theta[5] * same_unit + theta[6] * same_team)
    apart = apart + indicator * (theta[7] * same_unit + theta[8] * same_team)
    unit = rows.unit_of_work
    return np.asarray(true + seen + apart + rows.error.toarray() / np.outer(unit, unit), dtype=np.float64)


def _by_hand(rows: Rows, theta: Floats, evidence_team: float, evidence_culture: float) -> _Hand:
    """Adjustments of the ten people, with what stands on the way: nothing of the package's solvers is used."""
    points = rows.scale[0]
    covariance = _covariance(rows, theta)
    data = rows.value / rows.unit_of_work
    weight = np.linalg.inv(covariance)
    mean = np.linalg.solve(rows.fixed.T @ weight @ rows.fixed, rows.fixed.T @ weight @ data)
    residual = data - rows.fixed @ mean
    solved = weight @ residual
    place, unit = rows.spell_rows, rows.spell_block
    severity = theta[3] * solved[place] * points
    in_unit = np.equal.outer(np.arange(rows.n_blocks), rows.block) & (rows.kind == RATING)
    culture = theta[4] * (in_unit @ solved) * points
    # Leave one out: what everything else predicts for the team's mean rating.
    surprise = solved[place] / np.diag(weight)[place] * points
    full = severity + culture[unit]
    scaled = evidence_team * severity + evidence_culture * culture[unit]
    centred = scaled - np.average(scaled, weights=rows.spell_n)
    means = PEOPLE.groupby("team")[["rating", "indicator"]].mean()
    teams = pd.DataFrame(
        {
            "team": means.index,
            "team_mean": means["rating"].to_numpy(),
            "team_indicator": means["indicator"].to_numpy(),
            "expected_mean": means["rating"].to_numpy() - surprise,
            "surprise": surprise,
            "full_effect": full,
            "published_effect": centred,
        }
    )
    effect = dict(zip(means.index, centred, strict=True))
    return _Hand(
        adjustment=-PEOPLE["team"].map(effect).to_numpy(float),
        teams=teams,
        variances=_spreads(theta, rows.scale),
    )


def _spreads(theta: Floats, scale: tuple[float, float, float]) -> pd.DataFrame:
    names = (
        "true_unit", "true_team", "true_leadership", "rating_severity", "rating_culture",
        "citizens_unit", "citizens_team", "attainment_unit", "attainment_team",
    )  # fmt: skip
    of = np.array([0, 0, 0, 0, 0, 1, 1, 2, 2])
    return pd.DataFrame({"source_of_difference": names, "spread_points": np.sqrt(theta[:9]) * np.asarray(scale)[of]})


def _log_likelihood(rows: Rows, theta: Floats) -> float:
    """Restricted log-likelihood, constants left out."""
    covariance, data = _covariance(rows, theta), rows.value / rows.unit_of_work
    weight = np.linalg.inv(covariance)
    normal = rows.fixed.T @ weight @ rows.fixed
    residual = data - rows.fixed @ np.linalg.solve(normal, rows.fixed.T @ weight @ data)
    return float(
        -0.5 * (np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(normal)[1] + residual @ weight @ residual)
    )
