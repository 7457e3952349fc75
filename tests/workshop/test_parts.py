"""Numbers of the workshop's five parts, each against the function of the package that it is drawn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kinerja import wording
from kinerja.fairness.rates import below_four_fifths, fisher_mid_p
from kinerja.raters.statistics import wilson_interval
from kinerja.simulation.benchmark import run_scenario
from kinerja.workshop.groups import SIZES, Draws, judge
from kinerja.workshop.paper import object_html, questions_html, stored_html, who_sees_html
from kinerja.workshop.room import Room, items, load_cases
from kinerja.workshop.room.figures import FEWEST, room_figures
from kinerja.workshop.score import VALUES, open_office, work_score
from kinerja.workshop.score.view import score_html
from kinerja.workshop.strict import METHODS, draw_offices, strict_result, strict_scenario

# 1. How a score comes about


@pytest.fixture(scope="module")
def office():
    return open_office()


@pytest.fixture(scope="module")
def worked(office):
    return work_score(office, office.start)


def test_the_employee_has_the_most_severe_supervisor_of_one_unit(office):
    raters = office.calibration.raters
    own = raters[raters["rater"] == office.rater].iloc[0]
    assert own["severity"] > 0 and own["n_ratees"] >= 5
    assert (office.calibration.raters["severity"] > own["severity"]).sum() <= 1  # the head of office rates all units


def test_attainment_is_realisation_over_target(office, worked):
    assert worked.attainment == pytest.approx(100 * office.start.realisation / office.start.target)
    more = work_score(office, replace(office.start, realisation=office.start.realisation + 1))
    assert more.attainment == pytest.approx(
        min(100 * (office.start.realisation + 1) / office.start.target, office.parameters.scoring.cap)
    )
    assert more.attainment_all > worked.attainment_all
    assert more.points == worked.points


def test_the_offices_sum_is_its_own_weights(worked):
    expected = worked.weights["attainment"] * worked.attainment_all + worked.weights["behaviour"] * worked.points
    assert worked.combined == pytest.approx(expected)


def test_ratings_move_the_points_and_the_sheet_sums(office):
    best = work_score(office, replace(office.start, ratings=dict.fromkeys(VALUES, 5.0)))
    worst = work_score(office, replace(office.start, ratings=dict.fromkeys(VALUES, 1.0)))
    # three of seven values, three behaviours each, four steps of the scale
    assert best.points - worst.points == pytest.approx(100 * 3 / 7)
    assert best.sheet.calibrated > worst.sheet.calibrated
    for found in (best, worst):
        steps = found.sheet.steps
        changes = steps.loc[steps["kind"] == "change", "printed"].sum()
        assert round(steps["printed"].iloc[0] + changes, 1) == steps["printed"].iloc[-1]


def test_citizens_move_the_calibration_and_never_the_rating(office, worked):
    glad = work_score(office, replace(office.start, citizens=4.0))
    cross = work_score(office, replace(office.start, citizens=1.0))
    assert glad.points == cross.points == worked.points
    assert glad.combined == worked.combined
    assert glad.sheet.calibrated > cross.sheet.calibrated
    assert glad.index == pytest.approx(100) and cross.index == pytest.approx(25)
    assert (glad.grade, cross.grade) == ("A", "D")


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_page_shows_each_number(office, worked, language):
    shown = score_html(office, worked, office.start, language)
    for figure in (worked.attainment, worked.points, worked.combined, worked.index, worked.sheet.calibrated):
        assert wording.number(figure, 1, language) in shown


# 2. Be the rater


def room_of(severities, *, noise=0.0, cases=8, seed=1):
    """A room in which everybody knows the key and adds a severity of their own."""
    random = np.random.default_rng(seed)
    room = Room()
    for severity in severities:
        token = room.join()
        for case in load_cases()[:cases]:
            room.rate(
                token, case.case,
                {item: int(np.clip(round(key - severity + random.normal(0, noise)), 1, 5))
                 for item, key in case.key.items()},
            )  # fmt: skip
    return room.rows()


def test_severity_orders_the_room():
    figures = room_figures(room_of([1.0, 0.0, 0.0, 0.0, -1.0], noise=0.3))
    assert figures.participants == 5 and figures.n == 5 * 8 * len(items())
    assert figures.severity["place"].tolist() == [1, 2, 3, 4, 5]
    estimate = figures.severity["estimate"].to_numpy()
    assert (np.diff(estimate) <= 0).all() and estimate[0] > 0.3 and estimate[-1] < -0.3
    assert figures.severity["conf_low"].iloc[0] > 0 > figures.severity["conf_high"].iloc[-1]


def test_nobody_is_named_in_what_is_shown():
    figures = room_figures(room_of([0.5, 0.0, -0.5]))
    for table in (figures.severity, figures.with_key, figures.cases, figures.among):
        assert "rater" not in table.columns
        assert not table.astype(str).apply(lambda column: column.str.contains("R00")).any().any()


def test_those_who_rate_by_the_key_agree_with_it():
    figures = room_figures(room_of([0.0, 0.0, 1.0]))
    ends = figures.with_key.set_index("who")
    assert ends.loc["highest", "exact_agreement"] == 1 and ends.loc["highest", "mean_difference"] == 0
    assert ends.loc["lowest", "exact_agreement"] < 0.5 and ends.loc["lowest", "mean_difference"] < -0.5
    figures = room_figures(room_of([0.0, 0.0, 0.0]))
    assert (figures.cases["estimate"] - figures.cases["key"]).abs().max() < 1e-9
    halo = figures.halo.set_index("who")
    assert halo.loc["room", "item_spread"] == pytest.approx(halo.loc["key", "item_spread"])


def test_a_strict_room_stands_below_the_key():
    figures = room_figures(room_of([1.0, 1.0, 2.0]))
    assert (figures.with_key["mean_difference"] < 0).all()
    assert (figures.cases["estimate"] < figures.cases["key"] + 1e-9).all()


def test_halo_is_one_impression_for_all_values():
    room = Room()
    for _ in range(4):
        token = room.join()
        for case in load_cases()[:6]:
            room.rate(token, case.case, dict.fromkeys(items(), next(iter(case.key.values()))))
    halo = room_figures(room.rows()).halo.set_index("who")
    assert halo.loc["room", "uniform_share"] == 1 and halo.loc["room", "item_spread"] == 0
    assert halo.loc["key", "uniform_share"] < 1 and halo.loc["key", "item_spread"] > 10


@pytest.mark.parametrize("people", range(FEWEST))
def test_a_nearly_empty_room_shows_nobody(people):
    figures = room_figures(room_of([0.0] * people))
    assert figures.participants == people
    assert (figures.severity["status"] == "cannot").all()
    assert figures.with_key.empty and figures.among.empty


@pytest.mark.parametrize(
    "rows",
    [room_of([0.0, 0.5, 1.0], cases=1), room_of([0.0, 0.5, 1.0])[:7], room_of([0.0] * 3), room_of([0.0] * 3, cases=1)],
    ids=["one case", "first answers", "all agree", "all agree on one case"],
)
def test_a_room_that_fills_or_agrees_is_no_error(rows):
    assert room_figures(rows).n == len(rows)


# 3. A strict supervisor


@pytest.fixture(scope="module")
def offices():
    return {name: list(draw_offices(strict_scenario(name, severity=6.0, team_size=5, responses=n), offices=2))[-1]
            for name, n in (("S6", 0), ("S7", 600))}  # fmt: skip


def test_the_table_is_the_benchmarks_own(offices):
    scenario = offices["S7"].scenario
    rows = [row for seed in (2026, 2027) for row in run_scenario(scenario, seed=seed)]
    raw = np.mean([row["score_error"] for row in rows if row["method"] == "raw"])
    calibrated = np.mean([row["error_ratio"] for row in rows if row["method"] == "calibrated"])
    table = offices["S7"].table.set_index("method")
    assert list(table.index) == list(METHODS)
    assert table.loc["raw", "error"] == pytest.approx(raw)
    assert table.loc["calibrated", "estimate"] == pytest.approx(calibrated)
    assert (table["n"] == 2 * 125).all() and offices["S7"].people == 125


def test_without_evidence_calibration_refuses_and_with_it_helps(offices):
    refused, helped = offices["S6"], offices["S7"]
    assert refused.answer == "refuses" and refused.evidence == 0 and refused.untouched == 1
    assert refused.table.set_index("method").loc["calibrated", "estimate"] == 1
    assert helped.answer == "adjusts" and helped.evidence > 0.3
    assert helped.table.set_index("method").loc["calibrated", "estimate"] < 1


def test_no_severity_makes_forced_equality_harm():
    scenario = strict_scenario("S3", severity=0.0, team_size=6, responses=600)
    assert scenario.culture == 0
    found = list(draw_offices(scenario, offices=2))[-1].table.set_index("method")
    assert found.loc["zscore", "estimate"] > 1
    assert found.loc["calibrated", "estimate"] < found.loc["zscore", "estimate"]


def test_sliders_reach_the_scenario():
    scenario = strict_scenario("S2", severity=7.5, team_size=9, responses=300)
    assert (scenario.severity, scenario.staff, scenario.responses) == (7.5, 9 * scenario.supervisors, 300)
    assert not scenario.indicators


def test_one_office_has_no_interval():
    scenario = strict_scenario("S6", severity=4.5, team_size=4, responses=0)
    rows = [{"replication": 0, **row} for row in run_scenario(scenario, seed=1) if row["method"] in METHODS]
    assert strict_result(scenario, rows).table["conf_low"].isna().all()


# 4. Fair or unlucky?


@pytest.mark.parametrize(("a", "b"), [(5, 5), (3, 7), (9, 2), (0, 0), (20, 20)])
def test_a_draw_is_judged_as_the_fairness_checks_do(a, b):
    below, verdict = judge(a, 20, b, 20)
    assert below == (below_four_fifths(a, 20, b, 20) or below_four_fifths(b, 20, a, 20))
    varies = 0 < a + b < 40
    assert (verdict == "shown") == (varies and fisher_mid_p(a, 20, b, 20) < 0.05)


def test_the_rule_cries_wolf_where_the_verdict_does_not():
    draws = Draws(0.25)
    *_, alarms = draws.more(8)
    table = alarms.set_index(["size", "rule"])
    assert draws.n == 40 and (alarms["n"] == 40).all()
    # without a true difference the rule speaks up about 65 % of the time at 20 against 20 and a rate of 0.25
    assert 0.45 < table.loc[(20, "four_fifths"), "estimate"] < 0.85
    assert table.loc[(20, "four_fifths"), "estimate"] > table.loc[(300, "four_fifths"), "estimate"]
    assert table.loc[(20, "shown"), "estimate"] < 0.15
    shares = draws.verdicts()
    assert shares[["shown", "not_shown", "cannot_tell"]].sum(axis=1).to_numpy() == pytest.approx(1)
    assert shares["size"].tolist() == list(SIZES)
    low, high = wilson_interval(table.loc[(20, "shown"), "estimate"], 40, 0.95)
    assert tuple(table.loc[(20, "shown"), ["conf_low", "conf_high"]]) == pytest.approx((low, high))


def test_draws_repeat_with_their_seed():
    one, other = Draws(0.3, seed=5), Draws(0.3, seed=5)
    list(one.more(1)), list(other.more(1))
    pd.testing.assert_frame_equal(one.verdicts(), other.verdicts())
    pd.testing.assert_frame_equal(one.last, other.last)


# 5. Questions and the paper trail


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_paper_trail_is_whole(language):
    assert "<td" in stored_html(language)
    assert who_sees_html(language).count("<tr") == 9  # a heading and the eight kinds of content of privacy.MAY_SEE
    assert "14" in object_html(language, 14)
    assert questions_html(language).count("<details>") == 6
