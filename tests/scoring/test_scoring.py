"""Scoring: polarity cases, nothing averaged as zero, the nine cells, the advisory, and who said what."""

from __future__ import annotations

from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja import wording
from kinerja.errors import DataError, RuleError
from kinerja.evaluation.storage import load_record, save_record
from kinerja.rules import load_rules
from kinerja.scoring import score

POLARITY = "iku-polarity"
PREDIKAT = "permenpanrb-6-2022-predikat"

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "attainment.yaml").read_text(encoding="utf-8"))
RULES = load_rules(on=date(2026, 9, 30))
PERIOD = "2026-Q3"
INDICATOR = ("period", "ratee", "unit", "indicator", "target", "target_high", "realisation", "polarity", "weight")
RATING = ("period", "ratee", "rater", "role", "item", "rating")
STAFF = ("period", "ratee", "unit", "supervisor", "position")


def _indicators(*rows):
    return pd.DataFrame([(PERIOD, *row) for row in rows], columns=list(INDICATOR))


def _ratings(*rows):
    return pd.DataFrame([(PERIOD, *row) for row in rows], columns=list(RATING))


def _staff(*rows):
    return pd.DataFrame([(PERIOD, *row) for row in rows], columns=list(STAFF))


def _score(indicators=None, ratings=None, staff=None, **policy):
    return score(indicators, ratings, staff, rules=RULES, period=PERIOD, **policy)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_polarity_case(case):
    given = {k: np.nan if v is None else v for k, v in case["input"].items()}
    row = ("a", "", "x", given["target"], given["target_high"], given["realisation"], given["polarity"], 1.0)
    found = _score(_indicators(row)).attainment.iloc[0]
    if "reason" in case["output"]:
        assert (found["status"], found["reason"]) == ("cannot", case["output"]["reason"])
        assert np.isnan(found["attainment"])
        assert np.isnan(found["uncapped"])
    else:
        assert found["status"] == "ok"
        assert found["uncapped"] == pytest.approx(case["output"]["attainment"], abs=1e-6)  # cases give six decimals


def test_every_polarity_of_the_rule_has_cases():
    assert {c["input"]["polarity"] for c in CASES} == set(RULES.values(POLARITY)["formulas"])


def test_what_cannot_be_computed_is_never_averaged_as_zero():
    rows = _indicators(
        ("a", "", "x", 100.0, np.nan, 110.0, "maximize", 1.0),
        ("a", "", "y", 0.0, np.nan, 3.0, "maximize", 3.0),
        ("b", "", "x", 100.0, np.nan, np.nan, "maximize", 1.0),
    )
    people = _score(rows).ratees.set_index("ratee")
    assert people.loc["a", "attainment"] == pytest.approx(110)
    assert people.loc["a", "weight_share"] == pytest.approx(0.25)
    assert (people.loc["a", "n_indicators"], people.loc["a", "n_computed"]) == (2, 1)
    assert np.isnan(people.loc["b", "attainment"])


def test_floor_and_cap_are_the_offices_and_the_full_value_stays():
    rows = _indicators(
        ("a", "", "x", 10.0, np.nan, 30.0, "maximize", 1.0),
        ("a", "", "y", 10.0, np.nan, 40.0, "minimize_difference", 1.0),
    )
    found = _score(rows, cap=120.0, floor=0.0).attainment.set_index("indicator")
    assert found["uncapped"].to_dict() == pytest.approx({"x": 300, "y": -200})
    assert found["attainment"].to_dict() == pytest.approx({"x": 120, "y": 0})
    assert found["limited"].to_dict() == {"x": "cap", "y": "floor"}
    free = _score(rows, cap=None, floor=None).attainment
    assert free["attainment"].tolist() == pytest.approx(free["uncapped"].tolist())


def test_a_missing_weight_makes_the_owners_weights_equal_and_says_so():
    rows = _indicators(
        ("a", "", "x", 100.0, np.nan, 80.0, "maximize", 3.0),
        ("a", "", "y", 100.0, np.nan, 100.0, "maximize", np.nan),
        ("b", "", "x", 100.0, np.nan, 80.0, "maximize", 3.0),
        ("b", "", "y", 100.0, np.nan, 100.0, "maximize", 1.0),
    )
    people = _score(rows).ratees.set_index("ratee")
    assert people["attainment"].to_dict() == pytest.approx({"a": 90, "b": 85})
    assert people["weighting"].to_dict() == {"a": "equal", "b": "given"}


def test_the_offices_polarity_comes_before_the_datas_and_an_assumed_one_is_named():
    rows = _indicators(
        ("a", "", "complaints", 10.0, np.nan, 5.0, "maximize", 1.0), ("a", "", "visits", 10.0, np.nan, 5.0, "", 1.0)
    )
    scores = _score(rows, polarity={"complaints": "minimize_difference"})
    found = scores.attainment.set_index("indicator")
    assert found["attainment"].to_dict() == pytest.approx({"complaints": 150, "visits": 50})
    assert found["polarity_source"].to_dict() == {"complaints": "office", "visits": "assumed"}
    assert "polarity_assumed" in {f.code for f in scores.findings}
    with pytest.raises(RuleError, match=r"'bigger'.*maximize"):
        _score(rows, polarity={"visits": "bigger"})


def test_the_last_dated_row_counts_and_an_undated_repetition_cannot():
    rows = _indicators(*[("a", "", "x", 100.0, np.nan, r, "maximize", 1.0) for r in (20.0, 60.0)])
    dated = rows.assign(date=pd.to_datetime(["2026-08-01", "2026-09-01"]))
    assert _score(dated).attainment["attainment"].tolist() == pytest.approx([60])
    assert _score(dated, as_of=date(2026, 8, 15)).attainment["attainment"].tolist() == pytest.approx([20])
    assert _score(rows).attainment["reason"].tolist() == ["repeated_indicator"] * 2


@pytest.mark.parametrize(("work", "behaviour"), list(product(range(1, 4), repeat=2)))
def test_official_ratings_give_the_nine_cells(work, behaviour):
    rows = _ratings(
        ("a", "s", "supervisor", "hasil_kerja", float(work)),
        ("a", "s", "supervisor", "Perilaku Kerja", float(behaviour)),
    )
    scores = _score(ratings=rows)
    levels = ("below", "meets", "above")
    expected = RULES.values(PREDIKAT)["matrix"][levels[work - 1]][levels[behaviour - 1]]
    person = scores.ratees.iloc[0]
    assert (person["predikat"], person["predikat_source"], person["status"]) == (expected, "matrix", "ok")
    cell = scores.matrix[scores.matrix["n"] == 1]
    assert cell[["work", "behaviour", "predikat"]].to_numpy().tolist() == [
        [levels[work - 1], levels[behaviour - 1], expected]
    ]
    assert len(scores.matrix) == 9
    assert scores.matrix["n"].sum() == 1


def _thresholded(**policy):
    rows = _indicators(
        *[
            (n, "", "x", 100.0, np.nan, r, "maximize", 1.0)
            for n, r in (("a", 101.0), ("b", 100.0), ("c", 90.0), ("d", 89.0))
        ]
    )
    marks = _ratings(*[(n, "s", "supervisor", "i", 4.0) for n in "abcd"])
    return _score(rows, marks, scale=(1.0, 5.0), **policy)


def test_without_thresholds_there_is_no_category_and_with_them_it_is_the_offices():
    none = _thresholded().ratees
    assert set(none["predikat"]) == {""}
    assert set(none["reason"]) == {"no_work_thresholds"}
    limits = {
        "work_thresholds": {"above": 100.0, "below": 90.0},
        "behaviour_thresholds": {"above": 80.0, "below": 60.0},
    }
    office = _thresholded(**limits)
    assert office.ratees.set_index("ratee")["work"].to_dict() == {
        "a": "above",
        "b": "meets",
        "c": "meets",
        "d": "below",
    }
    assert set(office.ratees["predikat_source"]) == {"office"}
    assert "predikat_by_office_policy" in {f.code for f in office.findings}


def test_points_count_each_rater_once_and_only_the_supervisor_makes_the_score():
    rows = _ratings(
        *[("a", "s", "supervisor", f"i{k}", 4.0) for k in range(3)],
        ("a", "p1", "peer", "i0", 1.0), ("a", "p2", "peer", "i0", 5.0), ("a", "p2", "peer", "i1", 5.0),
    )  # fmt: skip
    scores = _score(ratings=rows, scale=(1.0, 5.0))
    assert scores.ratees["points"].tolist() == pytest.approx([75])
    peers = scores.roles.set_index("role").loc["peer"]
    assert peers["rating"] == pytest.approx(3.0)
    assert (peers["n_raters"], peers["n_items"], peers["n"]) == (2, 2, 3)


def test_categories_of_the_office_are_counted_and_predikat_words_are_understood():
    rows = _ratings(*[(n, "s", "supervisor", "level", v) for n, v in (("a", 3.0), ("b", 3.0), ("c", 1.0))])
    levels = _score(ratings=rows, categories={"Level 1": 3.0, "Level 2": 2.0, "Level 3": 1.0})
    assert levels.distribution[["category", "n"]].to_numpy().tolist() == [
        ["Level 3", 1],
        ["Level 2", 0],
        ["Level 1", 2],
    ]
    words = _score(ratings=rows, categories={"Baik": 3.0, "Cukup": 1.0})
    assert words.ratees["predikat"].tolist() == ["baik", "baik", "butuh_perbaikan"]
    assert set(words.ratees["predikat_source"]) == {"stated"}


def test_the_pattern_is_advice_and_moves_nobody():
    marks = [(f"r{k}", "s", "supervisor", "predikat", 4.0) for k in range(9)] + [
        ("z", "s", "supervisor", "predikat", 5.0)
    ]
    with_advice, without = _score(ratings=_ratings(*marks), organisation_level="baik"), _score(ratings=_ratings(*marks))
    pd.testing.assert_frame_equal(with_advice.ratees, without.ratees)
    verdicts = with_advice.advisory.set_index("kind")["verdict"].to_dict()
    assert verdicts == {"most_frequent": "within", "maximum": "outside", "present": "outside"}
    good = with_advice.distribution.set_index("category").loc["baik"]
    assert good["deviation"] == pytest.approx(0.2)
    assert without.advisory.empty
    assert without.distribution["deviation"].isna().all()


def test_before_the_rule_there_is_no_predikat_but_there_are_scores():
    rows = _ratings(("a", "s", "supervisor", "level", 3.0), ("b", "s", "supervisor", "level", 2.0)).assign(
        period="2011"
    )
    scores = score(None, rows, None, rules=load_rules(on=date(2011, 12, 31)), period="2011", scale=(1.0, 3.0))
    assert scores.ratees["points"].tolist() == pytest.approx([100, 50])
    assert set(scores.ratees["reason"]) == {"rule_not_in_force"}
    assert scores.matrix.empty
    assert "predikat_rule_not_in_force" in {f.code for f in scores.findings}


def test_credit_points_of_a_quarter():
    staff = _staff(("a", "U", "s", "Arsiparis Ahli Muda"), ("b", "U", "s", "Lurah"))
    marks = _ratings(("a", "s", "supervisor", "predikat", 5.0), ("b", "s", "supervisor", "predikat", 5.0))
    credit = _score(ratings=marks, staff=staff, credit=True).credit.set_index("ratee")
    assert credit.loc["a", "credit"] == pytest.approx(25 * 1.5 / 4)
    assert credit.loc["b", "reason"] == "not_functional"
    assert _score(ratings=marks, staff=staff).credit.empty


def test_units_and_trend_over_persons():
    staff = pd.concat([_staff(("a", "U", "s", ""), ("b", "U", "s", ""), ("c", "V", "t", ""))] * 2)
    staff["period"] = ["2026-Q2"] * 3 + [PERIOD] * 3
    marks = _ratings(
        ("a", "s", "supervisor", "i", 5.0), ("b", "s", "supervisor", "i", 3.0), ("c", "t", "supervisor", "i", 1.0)
    )
    marks = pd.concat([marks, marks.assign(period="2026-Q2", rating=[1.0, 1.0, 1.0])])
    units = _indicators(("", "U", "x", 100.0, np.nan, 80.0, "maximize", 1.0))
    scores = _score(units, marks, staff, scale=(1.0, 5.0))
    assert scores.units.set_index("unit")["points"].to_dict() == pytest.approx({"U": 75, "V": 0})
    assert scores.units.set_index("unit").loc["U", "attainment"] == pytest.approx(80)
    assert scores.units.set_index("unit").loc["V", "reason"] == "no_indicators"
    office = scores.trend[scores.trend["level"] == "office"].set_index("period")["points"]
    assert office.to_dict() == pytest.approx({"2026-Q2": 0, PERIOD: 50})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((("a", "s", "supervisor", "i", 6.0),), "a, i: found 6 .*1 to 5"),
        ((("a", "s", "supervisor", "hasil_kerja", 4.0),), r"rating 4; .*1 \(below\), 2 \(meets\), 3 \(above\)"),
    ],
)
def test_ratings_off_the_scale_are_refused(rows, message):
    with pytest.raises(DataError, match=message):
        _score(ratings=_ratings(*rows), scale=(1.0, 5.0))


def test_official_ratings_that_differ_count_for_nothing_and_are_said():
    rows = _ratings(*[("a", r, "supervisor", "predikat", v) for r, v in (("s", 4.0), ("t", 5.0))])
    scores = _score(ratings=rows)
    assert scores.ratees["predikat"].tolist() == [""]
    assert "official_ratings_differ" in {f.code for f in scores.findings}


def test_nothing_at_all_is_empty_tables():
    scores = _score()
    assert scores.ratees.empty
    assert scores.matrix["n"].sum() == 0


@settings(deadline=None, max_examples=8)
@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(0, 400), st.sampled_from([1, 2, 5])), min_size=1, max_size=6),
    st.floats(0.1, 50), st.randoms(),
)  # fmt: skip
def test_scaling_weights_and_shuffling_rows_change_nothing(rows, factor, shuffler):
    frame = _indicators(
        *[("a", "", f"x{k}", float(t), np.nan, float(r), "maximize", float(w)) for k, (t, r, w) in enumerate(rows)]
    )
    first = _score(frame).ratees
    order = list(range(len(frame)))
    shuffler.shuffle(order)
    again = _score(frame.iloc[order].assign(weight=lambda f: f["weight"] * factor)).ratees
    pd.testing.assert_frame_equal(first, again)
    naive = sum(w * 100 * r / t for t, r, w in rows) / sum(w for _, _, w in rows)
    assert first["attainment"].iloc[0] == pytest.approx(naive)


def test_scores_can_be_saved_and_every_word_exists(tmp_path):
    scores = _thresholded(work_thresholds={"above": 100.0, "below": 90.0}, organisation_level="baik")
    save_record(scores, tmp_path / "scores")
    pd.testing.assert_frame_equal(load_record(tmp_path / "scores").ratees, scores.ratees, check_dtype=False)
    for finding in scores.findings:
        assert wording.text(f"finding.{finding.code}", "id", **finding.data)
    for reason in {*scores.ratees["reason"], *scores.attainment["reason"], *scores.units["reason"]} - {""}:
        assert wording.has_text(f"reason.{reason}")


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_every_reason_has_words(case):
    assert "reason" not in case["output"] or wording.has_text(f"reason.{case['output']['reason']}")
