"""The simulator: the truth comes out of the frames as it went in, and more evidence leaves the rest alone."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kinerja import wording
from kinerja.simulation import SCENARIOS, SUBDISTRICT, simulate_office, simulate_ratings
from kinerja.simulation.benchmark import benchmark_of, run_scenario
from kinerja.simulation.responses import ELEMENTS
from kinerja.simulation.targets import targets_of

FRAMES = ("staff", "ratings", "indicators", "responses", "true_scores", "true_raters", "true_units")
CITY = replace(SCENARIOS["C01"], quarters=1)


@pytest.fixture(scope="module")
def city():
    return simulate_office(CITY, seed=11)


@pytest.mark.parametrize("name", ["S1", "S7"])
def test_the_same_seed_gives_the_same_office(name):
    one, other = (simulate_office(SCENARIOS[name], seed=5) for _ in range(2))
    for frame in FRAMES:
        pd.testing.assert_frame_equal(getattr(one, frame), getattr(other, frame))
    different = simulate_office(SCENARIOS[name], seed=6)
    assert not different.ratings["rating"].equals(one.ratings["rating"])


def test_more_evidence_leaves_the_ratings_alone():
    with_everything = simulate_office(SCENARIOS["S1"], seed=3)
    for name in ("S2", "S4", "S5", "S6"):
        less = simulate_office(SCENARIOS[name], seed=3)
        pd.testing.assert_frame_equal(less.ratings, with_everything.ratings)
        pd.testing.assert_frame_equal(less.true_scores, with_everything.true_scores)


def test_stuffing_leaves_honest_answers_alone():
    stuffed = replace(SCENARIOS["S2"], stuffing="all_top", stuffed_units=0.3)
    one = simulate_office(stuffed, seed=3)
    other = simulate_office(replace(stuffed, stuffing="none"), seed=3)
    n = len(other.responses)
    assert len(one.responses) > n
    pd.testing.assert_frame_equal(one.responses[list(ELEMENTS)].iloc[:n], other.responses[list(ELEMENTS)])
    false = one.responses.iloc[n:]
    assert (false[list(ELEMENTS)] == 4).all().all()
    assert set(false["unit"]) == set(one.true_units.query("stuffed")["unit"])


def test_a_city_is_drawn_by_whole_columns():
    """What makes it quick on any machine: calls are counted, not seconds; no step is taken once for each person."""
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        office = simulate_office(SCENARIOS["C01"], seed=1)
    finally:
        sys.setprofile(before)
    assert calls < len(office.staff) + 8_000  # 9,500 calls, as many as for an office of 140 people
    assert len(office.ratings) == 4 * 12_000 * 7
    assert len(office.responses) == 4 * 60_000
    assert office.staff[["unit", "team", "supervisor"]].nunique().tolist() == [300, 900, 900]


def test_ratings_hold_truth_effect_and_noise_as_said(city):
    """Variance of rating minus truth minus effect: halo, behaviour, item error and rounding to 25 points, 7 items."""
    points = city.ratings.groupby("ratee")["rating"].mean().sub(1).mul(25)
    truth = city.true_scores.set_index("ratee")
    noise = points - truth["true_points"] - truth["rating_effect"]
    expected = 3.5**2 + (4**2 + 9**2 + 25**2 / 12) / 7
    assert noise.var() == pytest.approx(expected, rel=0.05)  # 12,000 people: SD of a variance 1.3 %
    assert abs(noise.mean()) < 0.5
    slope = np.polyfit(truth["true_points"], points.loc[truth.index] - truth["rating_effect"], 1)[0]
    assert slope == pytest.approx(1.0, abs=0.03)  # rounding and limits at 0 and 100 hardly bend the scale


def test_truth_has_the_variances_of_the_scenario(city):
    assert city.true_raters["severity"].std() == pytest.approx(4.5, rel=0.08)
    assert city.true_units["performance"].std() == pytest.approx(3.5, rel=0.13)
    assert city.true_units["culture"].std() == pytest.approx(1.5, rel=0.13)
    team = city.staff.set_index("ratee")["team"]
    truth = city.true_scores.set_index("ratee")["true_points"]
    within = truth - truth.groupby(team).transform("mean")
    assert within.std() == pytest.approx(np.sqrt((7**2 + 2**2) * (1 - 900 / 12_000)), rel=0.02)


def test_citizens_and_indicators_follow_the_truth_as_said():
    """Slopes on true team means; 40 times the usual answers leave only the discrepancies (SD of a slope .03)."""
    office = simulate_office(replace(CITY, responses=300_000), seed=2)
    staff = office.staff.set_index("ratee")["team"]
    truth = office.true_scores.set_index("ratee")["true_points"]
    team = truth.groupby(staff).mean()
    weights = staff.value_counts().loc[team.index]
    marks = office.responses[list(ELEMENTS)].mean(axis=1).sub(1).mul(100 / 3).groupby(office.responses["team"])
    citizens = marks.mean().loc[team.index]
    # persons' composition is in the staff's truth and not in citizens' marks: it dilutes the slope by its share
    composition = (7**2 + 2**2) / weights.mean()
    expected = 0.5 * (team.var() - composition) / team.var()
    assert np.polyfit(team, citizens, 1)[0] == pytest.approx(expected, abs=0.12)
    assert marks.std().mean() == pytest.approx(13.0, abs=0.6)
    attainment = office.indicators.set_index("ratee")["points"]
    assert np.polyfit(truth, attainment.loc[truth.index], 1)[0] == pytest.approx(0.6, abs=0.08)


def test_second_raters_are_of_the_same_unit_and_another_team():
    office = simulate_office(SCENARIOS["S7"], seed=4)
    pairs = office.ratings.drop_duplicates(["ratee", "rater"]).pivot(index="ratee", columns="role", values="rater")
    pairs = pairs.dropna()
    assert len(pairs) == round(0.3 * 140)
    assert (pairs["supervisor"] != pairs["second_supervisor"]).all()
    unit = office.staff.drop_duplicates("supervisor").set_index("supervisor")["unit"]
    assert (unit.loc[pairs["supervisor"]].to_numpy() == unit.loc[pairs["second_supervisor"]].to_numpy()).all()


def test_rotation_moves_the_said_share():
    staff = simulate_office(SCENARIOS["C06"], seed=4).staff
    boss = staff.drop_duplicates(["period", "team"]).pivot(index="team", columns="period", values="supervisor")
    for before, after in zip(boss.columns, boss.columns[1:], strict=False):
        assert (boss[before] != boss[after]).mean() == pytest.approx(0.10, abs=0.001)
    assert all(boss[period].is_unique for period in boss)


def test_shared_and_reversed_relations():
    office = simulate_office(replace(CITY, severity_correlation=0.5, unit=0.0), seed=4)
    team = office.true_scores.set_index("ratee")["true_points"].groupby(office.staff.set_index("ratee")["team"]).mean()
    effect = -office.true_raters.set_index("rater")["severity"]
    # T01 is led by S01, and so on; team truth 2.5 of a total SD of about 3.4 (people's composition)
    assert np.corrcoef(team, effect)[0, 1] == pytest.approx(0.5 * 2.5 / team.std(), abs=0.09)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_scenario_has_words_in_both_languages(name):
    assert SCENARIOS[name].name == name
    for language in wording.LANGUAGES:
        assert wording.text(f"scenario.{name}", language)


@pytest.mark.parametrize("design", ["crossed", "sparse", "nested"])
def test_rasch_ratings_follow_their_model(design):
    """Observed against expected mean by (measure - severity - difficulty), with the true measures."""
    made = simulate_ratings(40_000, design=design, seed=8)
    assert abs(len(made.ratings) - 40_000) < 20
    frame = made.ratings.merge(made.ratees[["ratee", "measure"]], on="ratee")
    frame = frame.merge(made.raters, on="rater").merge(made.items, on="item")
    location = (frame["measure"] - frame["severity"] - frame["difficulty"]).to_numpy()
    step = made.thresholds["threshold"].to_numpy()
    weight = np.exp(np.concatenate([np.zeros((len(location), 1)), np.cumsum(location[:, None] - step, axis=1)], axis=1))
    probability = weight / weight.sum(axis=1, keepdims=True)
    categories = np.arange(len(step) + 1)
    expected = probability @ categories
    variance = probability @ categories**2 - expected**2
    residual = (frame["rating"].to_numpy() - expected) / np.sqrt(variance)
    assert abs(residual.mean()) < 4 / np.sqrt(len(residual))
    assert (residual**2).mean() == pytest.approx(1.0, abs=0.04)
    for quantile in np.array_split(np.argsort(location), 10):  # the whole range, not only the mean
        assert abs(residual[quantile].mean()) < 4 / np.sqrt(len(quantile))
    assert made.ratings.groupby("ratee")["rater"].nunique().eq(2).all()


def test_nested_raters_stay_in_their_unit():
    made = simulate_ratings(5_000, design="nested", seed=1)
    assert made.ratings.groupby("rater")["unit"].nunique().eq(1).all()


def test_benchmark_row_by_row():
    rows = run_scenario(SCENARIOS["S1"], seed=2)
    result = benchmark_of(pd.DataFrame([{"replication": 0, **row} for row in rows]), settings={})
    methods = result.summary.set_index("method")
    assert {"raw", "calibrated", "posterior", "perfect_severity", "zscore", "shrinkage"} <= set(methods.index)
    assert methods.loc["raw", "error_ratio"] == 1.0
    assert set(result.targets["scenario"]) == {"S1"}
    assert len(result.figure) == len(result.summary) - 1
    for method in methods.index:
        assert wording.has_label(f"method.{method}")


def test_without_evidence_the_benchmark_finds_no_adjustment():
    rows = {
        row["method"]: row
        for row in run_scenario(replace(SUBDISTRICT, name="S6", responses=0, indicators=False), seed=2)
    }
    assert rows["calibrated"]["error_ratio"] == pytest.approx(1.0, abs=1e-12)
    assert rows["calibrated"]["untouched"] == 1.0


def test_targets_name_scenarios_and_directions():
    for name in SCENARIOS:
        for target in targets_of(name):
            assert target.scenario == name
            assert target.met(target.limit)
            assert not target.met(target.limit + (-0.01 if target.at_least else 0.01))


def test_written_offices_can_be_read_again(tmp_path):
    from kinerja.inputs import read_sources
    from kinerja.parameters import load_parameters
    from kinerja.simulation.files import write_office

    office = simulate_office(SCENARIOS["S7"], seed=9)
    parameters = load_parameters(write_office(office, tmp_path) / "parameters.yaml")
    inputs = read_sources(
        parameters.located_sources,
        period=parameters.period,
        privacy=parameters.privacy,
        groups=parameters.groups,
        attributes=parameters.feedback.attributes,
        scale=parameters.scoring.scale,
    )
    assert inputs.counts["ratees"] == 140
    assert len(inputs.ratings) == len(office.ratings)
    assert len(inputs.responses) == len(office.responses)
    keys = ["period", "ratee", "rater", "item"]
    one, other = (f.sort_values(keys)["rating"].to_numpy() for f in (inputs.ratings, office.ratings))
    assert (one == other).all()
    assert set(pd.read_csv(tmp_path / "truth" / "scores.csv").columns) >= {"ratee", "true_points", "rating_effect"}
