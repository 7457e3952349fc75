"""plan_evidence: what is expected must come true when the evidence is really there; who is named and why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kinerja.calibration.plan import plan_evidence
from kinerja.wording import text
from tests.calibration.office import CITY, simulate
from tests.calibration.test_calibration import SMALL, calibrate_data

NESTED = replace(SMALL, feedback=False, indicators=False)


@pytest.fixture(scope="module")
def nested():
    return calibrate_data(simulate(NESTED, 1))


@pytest.fixture(scope="module")
def city():
    return calibrate_data(simulate(replace(CITY, quarters=1, feedback=False, indicators=False), 1))


def test_nothing_as_it_is_something_with_each_action(nested):
    plan = plan_evidence(nested)
    first = plan.actions.iloc[0]
    assert first["plan_action"] == "none" and first["evidence_team"] == 0.0 and first["gain"] == 0.0
    rest = plan.actions.iloc[1:]
    assert (rest["evidence_team"] > 0).all() and (rest["gain"] > 0).all()
    assert set(rest["plan_action"]) == {"second_ratings", "rotate", "tag_feedback", "indicators"}
    assert rest.set_index("plan_action").loc[["tag_feedback", "indicators"], "assumed"].all()


def test_more_second_ratings_teach_more(nested):
    actions = plan_evidence(nested, second_shares=(0.01, 0.05, 0.10)).actions
    second = actions[actions["plan_action"] == "second_ratings"].sort_values("amount")
    assert second["evidence_team"].is_monotonic_increasing and second["error_after"].is_monotonic_decreasing


def test_people_are_named_once_with_another_supervisor_of_their_unit(nested):
    plan = plan_evidence(nested, second_shares=(0.01, 0.05), rotation_shares=())
    people = plan.people
    assert people["place"].tolist() == list(range(1, round(0.05 * nested.persons["ratee"].nunique()) + 1))
    assert people["ratee"].is_unique and (people["rater"] != people["second_rater"]).all()
    unit = nested.raters.set_index("rater")["unit"]
    several = unit.value_counts().loc[people["unit"]].to_numpy() > 1
    assert (unit.loc[people["second_rater"]].to_numpy() == people["unit"].to_numpy())[several].all()
    # every supervisor once before any supervisor twice
    assert people["rater"].value_counts().max() - people["rater"].value_counts().min() <= 1 or len(people) < 120


def test_design_curve_of_second_ratings(city):
    """Method, section 12: 1, 2, 5 % of staff rated again, ratings only, one quarter: evidence .87, .94, .98.

    The plan does not know the true share of severity (a half is assumed), so 0.06 is allowed.
    """
    actions = plan_evidence(city).actions
    second = actions[actions["plan_action"] == "second_ratings"].sort_values("amount")
    assert second["amount"].tolist() == [120, 240, 600]
    np.testing.assert_allclose(second["evidence_team"], [0.87, 0.94, 0.98], atol=0.06)


def test_expected_evidence_comes_true(city):
    """A plan's 10 % second ratings, then really 10 %: evidence within 0.03."""
    expected = plan_evidence(city, second_shares=(0.10,), rotation_shares=()).actions
    expected = expected.set_index("plan_action").loc["second_ratings", "evidence_team"]
    office = replace(CITY, quarters=1, feedback=False, indicators=False, overlap=0.10)
    assert calibrate_data(simulate(office, 1)).evidence_team == pytest.approx(expected, abs=0.03)


def test_untagged_feedback_should_be_tagged():
    c = calibrate_data(simulate(replace(CITY, indicators=False, tagged=False, quarters=1), 2))
    actions = plan_evidence(c).actions.set_index("plan_action")
    assert actions.loc["tag_feedback", "evidence_team"] > c.evidence_team + 0.1
    assert not actions.loc["tag_feedback", "assumed"]


def test_sentences_exist_in_both_languages(nested):
    plan = plan_evidence(nested)
    for finding in (*plan.findings, *nested.findings):
        for language in ("id", "en"):
            assert text(f"finding.{finding.code}", language, **finding.data)


def test_every_reason_has_a_sentence(nested):
    for table in (nested.persons, nested.raters, nested.units, nested.gate, nested.gain):
        for reason in set(table["reason"]) - {""}:
            assert text(f"reason.{reason}", "id") and text(f"reason.{reason}", "en")
