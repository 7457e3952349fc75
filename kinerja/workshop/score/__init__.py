"""Part 1 of the workshop: how the score of one invented employee comes about, and what each change of the inputs does.

The employee belongs to the example office, so that each figure comes from the functions that make its report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kinerja.calibration import Calibration
from kinerja.citizens.case_mix import CaseMix
from kinerja.errors import EstimationError
from kinerja.evaluation import read_inputs
from kinerja.evaluation.steps import (
    adjust_service_points,
    attain_targets,
    behaviour_categories,
    calibrate_ratings,
    hear_citizens,
    scale_of,
    score_period,
)
from kinerja.inputs import Inputs
from kinerja.parameters import Parameters, load_parameters
from kinerja.people.sheet import Sheet, SheetFrames
from kinerja.people.sheet import sheet as sheet_of
from kinerja.places import EXAMPLE
from kinerja.rules import Rules, load_rules
from kinerja.rules.lookup import elements, grade, skm_index

VALUES: Mapping[str, str] = {"service": "1.", "accountable": "2.", "collaborative": "7."}
"""A value that participants set -> how the names of its behaviours begin in the example's ratings."""

SMALLEST_TEAM = 5
"""The employee's supervisor rates at least so many people."""

ANSWERS = (1.0, 4.0)
"""Lowest and highest answer of a citizen."""


@dataclass(frozen=True, kw_only=True)
class Moves:
    """What participants set: target and realisation (the indicator's unit), ratings (one of VALUES -> 1 to 5), citizens
    (mean answer of the team's citizens, 1 to 4)."""

    target: float
    realisation: float
    ratings: Mapping[str, float]
    citizens: float


@dataclass(frozen=True, eq=False, kw_only=True)
class WorkedOffice:
    """The example office, and the employee in it whose supervisor is found the most severe.

    Fields
    ------
    parameters, inputs, rules : of the example run
    case_mix : citizens' points by team; calibration : of the office as it is; index : citizens' index by unit
    ratee, rater, unit, team : the employee, her supervisor and her place
    indicator : the indicator whose target and realisation are set
    start : her inputs as they are in the example, each value's ratings rounded to whole points
    """

    parameters: Parameters
    inputs: Inputs
    rules: Rules
    case_mix: CaseMix
    calibration: Calibration
    index: pd.DataFrame
    ratee: str
    rater: str
    unit: str
    team: str
    indicator: str
    start: Moves


@dataclass(frozen=True, eq=False, kw_only=True)
class WorkedScore:
    """The employee's figures after the moves.

    Fields
    ------
    attainment : of the indicator, per cent; attainment_all : weighted mean of all her indicators, per cent
    rating, n_items, points : mean of the supervisor's ratings (1-5), of how many, the same on 0-100
    combined : the office's weighted score, NaN without weights; weights : of attainment and behaviour
    index, grade : citizens' index (25-100) of her team and its grade
    predikat : of the ratings as given, "" where there is none
    sheet : her sheet: steps from the rating to the calibrated score, which sum as printed; sentences
    """

    attainment: float
    attainment_all: float
    rating: float
    n_items: int
    points: float
    combined: float
    weights: Mapping[str, float]
    index: float
    grade: str
    predikat: str
    sheet: Sheet


def open_office(path: Path = EXAMPLE) -> WorkedOffice:
    """Read and calibrate the example office; a few seconds.

    Raises
    ------
    EstimationError : no supervisor of five people has an employee with an indicator to be maximised
    """
    parameters = load_parameters(path)
    inputs = read_inputs(parameters, lambda name, share: None)
    rules = load_rules(on=parameters.period.day)
    feedback = hear_citizens(inputs, parameters, rules)
    case_mix = adjust_service_points(inputs, parameters)
    assert case_mix is not None  # the example has answers
    fit = _calibrate(parameters, inputs, rules, case_mix)
    person, indicator = _severely_rated(fit, inputs, parameters.period.id)
    place = {name: str(person[name]) for name in ("ratee", "rater", "unit", "team")}
    return WorkedOffice(
        parameters=parameters,
        inputs=inputs,
        rules=rules,
        case_mix=case_mix,
        calibration=fit,
        index=feedback.index if feedback else pd.DataFrame(),
        indicator=str(indicator["indicator"]),
        start=Moves(
            target=float(indicator["target"]),
            realisation=float(indicator["realisation"]),
            ratings=_own_ratings(inputs, parameters.period.id, place["ratee"], place["rater"]),
            citizens=_answer_of(case_mix.points, parameters.period.id, place["unit"], place["team"]),
        ),
        **place,
    )


def work_score(office: WorkedOffice, moves: Moves) -> WorkedScore:
    """Score and calibrate again with the employee's inputs changed; the office's variances and evidence are kept."""
    parameters, rules, period = office.parameters, office.rules, office.parameters.period.id
    inputs = _moved(office, moves)
    scores = score_period(inputs, parameters, rules, attain_targets(inputs, parameters, rules))
    assert scores is not None  # the example has people
    mix = replace(office.case_mix, points=_moved_points(office, moves.citizens))
    fit = _calibrate(parameters, inputs, rules, mix, held=office.calibration)
    own = scores.ratees[scores.ratees["ratee"] == office.ratee].to_dict("records")[0]
    indicator = scores.attainment[
        (scores.attainment["ratee"] == office.ratee) & (scores.attainment["indicator"] == office.indicator)
    ]
    frames = SheetFrames(
        period=period,
        ratees=scores.ratees,
        attainment=scores.attainment,
        roles=scores.roles,
        persons=fit.persons,
        raters=fit.raters,
        index=office.index,
        ratings=inputs.ratings,
        responses=inputs.responses,
        indicators=inputs.indicators,
        matrix=rules.values("predikat")["matrix"],
        categories=behaviour_categories(parameters, rules),
        scale=scale_of(inputs, parameters),
        confidence=parameters.confidence,
        days=days_to_object(parameters, rules),
    )
    index = skm_index(rules, dict.fromkeys(elements(rules), moves.citizens))
    weights = parameters.scoring.weights
    return WorkedScore(
        attainment=float(indicator["attainment"].iloc[0]),
        attainment_all=float(own["attainment"]),
        rating=float(own["rating"]),
        n_items=int(own["n_items"]),
        points=float(own["points"]),
        combined=float(own["combined"]),
        weights=dict(weights.items()) if weights else {},
        index=index,
        grade=grade(rules, index),
        predikat=str(own["predikat"]),
        sheet=sheet_of(frames, office.ratee),
    )


def days_to_object(parameters: Parameters, rules: Rules) -> int:
    """The office's own number of days, else the rule's."""
    return parameters.objection.days or int(rules.values("objection")["days"])


def _calibrate(
    parameters: Parameters, inputs: Inputs, rules: Rules, case_mix: CaseMix, held: Calibration | None = None
) -> Calibration:
    fit = calibrate_ratings(inputs, parameters, rules, attain_targets(inputs, parameters, rules), case_mix, held=held)
    assert fit is not None  # the example has ratings
    return fit


def _severely_rated(fit: Calibration, inputs: Inputs, period: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The employee rated best by the most severe supervisor of one unit, with an indicator to be maximised."""
    known = inputs.indicators
    known = known[(known["period"] == period) & (known["polarity"] == "maximize") & known["ratee"].notna()]
    known = known[known["target"] > 0].sort_values(["ratee", "weight", "indicator"], ascending=[True, False, True])
    units = fit.persons.groupby("rater")["unit"].nunique()
    able = fit.raters[(fit.raters["n_ratees"] >= SMALLEST_TEAM) & (fit.raters["rater"].map(units) == 1)]
    for rater in able.sort_values(["severity", "rater"], ascending=[False, True])["rater"]:
        people = fit.persons[(fit.persons["rater"] == rater) & fit.persons["ratee"].isin(known["ratee"])]
        for person in people.sort_values(["observed", "ratee"], ascending=[False, True]).to_dict("records"):
            return person, known[known["ratee"] == person["ratee"]].iloc[0].to_dict()
    raise EstimationError("workshop: no employee of the example has a supervisor of five and an indicator to maximise.")


def _own_ratings(inputs: Inputs, period: str, ratee: str, rater: str) -> dict[str, float]:
    rows = inputs.ratings[_rated(inputs.ratings, period, ratee, rater)]
    means = {value: rows.loc[rows["item"].str.startswith(start), "rating"].mean() for value, start in VALUES.items()}
    return {value: float(round(mean)) for value, mean in means.items()}


def _rated(ratings: pd.DataFrame, period: str, ratee: str, rater: str) -> pd.Series[bool]:
    return (
        (ratings["period"] == period)
        & (ratings["ratee"] == ratee)
        & (ratings["rater"] == rater)
        & (ratings["role"] == "supervisor")
    )


def _moved(office: WorkedOffice, moves: Moves) -> Inputs:
    """The inputs with the employee's indicator and ratings as they were set."""
    period = office.parameters.period.id
    ratings, indicators = office.inputs.ratings.copy(), office.inputs.indicators.copy()
    own = _rated(ratings, period, office.ratee, office.rater)
    for value, start in VALUES.items():
        ratings.loc[own & ratings["item"].str.startswith(start), "rating"] = float(moves.ratings[value])
    row = (indicators["period"] == period) & (indicators["ratee"] == office.ratee)
    row &= indicators["indicator"] == office.indicator
    indicators.loc[row, ["target", "realisation"]] = [float(moves.target), float(moves.realisation)]
    return replace(office.inputs, ratings=ratings, indicators=indicators)


def _of_team(points: pd.DataFrame, period: str, unit: str, team: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(n,) the rows of the employee's team, of her whole unit where no answer names the team."""
    place = (points["period"] == period) & (points["unit"] == unit)
    named = place & (points["team"] == team) if "team" in points else place
    return np.asarray(named if named.any() else place, bool)


def _answer_of(points: pd.DataFrame, period: str, unit: str, team: str) -> float:
    """Mean answer (1-4) of the team's citizens."""
    rows = points[_of_team(points, period, unit, team)]
    mean = float(np.average(rows["estimate"], weights=rows["n"]))
    return ANSWERS[0] + (ANSWERS[1] - ANSWERS[0]) * mean / 100


def _moved_points(office: WorkedOffice, answer: float) -> pd.DataFrame:
    """Citizens' points with those of the employee's team shifted so that their mean is the answer set."""
    points = office.case_mix.points.copy()
    rows = _of_team(points, office.parameters.period.id, office.unit, office.team)
    shift = (answer - office.start.citizens) * 100 / (ANSWERS[1] - ANSWERS[0])
    points.loc[rows, "estimate"] = points.loc[rows, "estimate"] + shift
    return points
