"""The SKM index: published cases, band chances, design-based precision, and what cannot be computed said so."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja import wording
from kinerja.citizens import estimate_citizens
from kinerja.errors import ParameterError, RuleError
from kinerja.evaluation.storage import load_record, save_record
from kinerja.rules import load_rules, round_half_up
from kinerja.rules.lookup import elements, grade, skm_index

SKM = "permenpanrb-14-2017"

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "skm.yaml").read_text(encoding="utf-8"))
RULES = load_rules(on=date(2026, 9, 30))
ELEMENTS = elements(RULES)
PERIOD = "2026-Q3"


def _responses(n=240, seed=0, unit_shift=0.0, **columns):
    rng = np.random.default_rng(seed)
    units = rng.choice(["Andir", "Ciroyom", "Garuda"], n)
    mood = rng.normal(3.1, 0.5, n) + unit_shift * (units == "Garuda")
    answers = np.clip(np.rint(mood[:, None] + rng.normal(0, 0.5, (n, 9))), 1, 4)
    frame = pd.DataFrame(answers, columns=list(ELEMENTS))
    return frame.assign(
        period=PERIOD, unit=units, service=rng.choice(["KTP", "Surat"], n), sex=rng.choice(["L", "P"], n), **columns
    )


def _office(feedback):
    return feedback.index[feedback.index["level"] == "office"].iloc[0]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_published_case(case):
    given, expected = case["input"], case["output"]
    means = given["means"]
    period = str(case["on"].year)
    aggregated = pd.DataFrame({"period": period, "unit": "u", "element": list(means), "mean": list(means.values())})
    published = pd.DataFrame({"period": [period], "unit": ["u"], "element": ["index"], "value": [given["published"]]})
    found = estimate_citizens(
        None, rules=load_rules(on=case["on"]), period=period, aggregated=aggregated, published=published,
        rule=case["rule"], weights=given["weights"],
    )  # fmt: skip
    row = found.index.iloc[0]
    assert row["estimate"] == pytest.approx(expected["index"], abs=0.00006)  # the cases give four decimals
    assert row["grade"] == expected["grade"]
    assert row["rule"] == case["rule"]
    assert bool(found.published["mismatch"].iloc[0]) is expected["mismatch"]


def _data(name):
    with (files("kinerja") / "example" / name).open(encoding="utf-8") as handle:
        return pd.read_csv(handle, dtype={"period": str, "unit": str, "grade": str})


def test_the_published_tables_of_the_package_are_recomputed_as_one_run():
    found = estimate_citizens(
        None, rules=load_rules(on=date(2023, 12, 31)), period="2023",
        aggregated=_data("skm_published.csv"), published=_data("skm_published_index.csv"),
    )  # fmt: skip
    table = found.published.set_index(["period", "unit"])
    assert table["mismatch"].sum() == 2
    assert set(table.index[table["mismatch"]]) == {
        ("2023", "DPMPTSP Kab. Bogor, kolom A"),
        ("2023", "DPMPTSP Kab. Bogor, kolom B"),
    }
    assert set(table["reproduced_by"]) == {"", "exact", "0.11", "0.071"}
    assert not table["grade_mismatch"].any()
    assert {"published_mismatch"} <= {f.code for f in found.findings}
    assert set(found.trend.loc[found.trend["group"] == "DPMPTSP Kab. Bogor", "period"]) == {
        "2011",
        "2012",
        "2013",
        "2014",
    }


def test_a_published_grade_that_is_not_the_indexs_is_flagged():
    """Puskesmas Maron, 74.926 called good (B) though it is C under PermenPANRB 14/2017 (jurnal.stie-mandala 477)."""
    aggregated = pd.DataFrame({"period": "2020", "unit": "m", "element": list(ELEMENTS), "mean": 74.926 / 25})
    published = pd.DataFrame(
        {"period": ["2020"], "unit": ["m"], "element": ["index"], "value": [74.926], "grade": ["B"]}
    )
    row = estimate_citizens(None, rules=load_rules(on=date(2020, 12, 31)), period="2020", aggregated=aggregated,
                            published=published).published.iloc[0]  # fmt: skip
    assert (row["mismatch"], row["grade_mismatch"], row["grade"]) == (False, True, "C")


def test_an_index_that_cannot_be_and_a_unit_without_data_are_said():
    published = pd.DataFrame(
        [(PERIOD, "", "index", 3.4), (PERIOD, "Nowhere", "index", 80.0), (PERIOD, "Andir", "time", 1.0)],
        columns=["period", "unit", "element", "value"],
    )
    table = estimate_citizens(_responses(), rules=RULES, period=PERIOD, published=published).published.set_index("unit")
    assert table.loc["", "reason"] == "impossible_index"
    assert table.loc["Nowhere", "reason"] == "unit_without_data"
    assert table.loc["Andir", "mismatch"]


def test_the_office_is_over_respondents_not_a_mean_of_units():
    """The trap of Bantul 2023: services 75.56, 86.29, 94.61 have a mean of 85.49 while the office has 87.28."""
    frame = _responses().assign(unit=["Andir"] * 200 + ["Garuda"] * 40)
    frame.loc[frame["unit"] == "Garuda", list(ELEMENTS)] = 4.0
    found = estimate_citizens(frame, rules=RULES, period=PERIOD)
    naive = skm_index(RULES, frame[list(ELEMENTS)].mean().to_dict())
    assert _office(found)["estimate"] == pytest.approx(naive)
    units = found.index[found.index["level"] == "unit"]["estimate"]
    assert abs(units.mean() - naive) > 1


def test_precision_equals_the_naive_formula():
    frame = _responses()
    row = _office(estimate_citizens(frame, rules=RULES, period=PERIOD))
    each = 25 * frame[list(ELEMENTS)].mean(axis=1)
    assert row["std_error"] == pytest.approx(each.std(ddof=1) / np.sqrt(len(each)))
    assert row["conf_low"] < row["estimate"] < row["conf_high"]
    assert row[["p_a", "p_b", "p_c", "p_d"]].sum() == pytest.approx(1)


def test_missing_answers_leave_their_element_only():
    frame = _responses()
    frame.loc[:99, "facilities"] = np.nan
    found = estimate_citizens(frame, rules=RULES, period=PERIOD)
    naive = skm_index(RULES, frame[list(ELEMENTS)].mean().to_dict())
    assert _office(found)["estimate"] == pytest.approx(naive)
    office = found.elements[(found.elements["level"] == "office")].set_index("element")
    assert (office.loc["facilities", "n"], office.loc["time", "n"]) == (140, 240)
    nothing = frame.assign(facilities=np.nan)
    row = _office(estimate_citizens(nothing, rules=RULES, period=PERIOD))
    assert (row["status"], row["reason"]) == ("cannot", "element_without_answer")
    assert np.isnan(row["estimate"])


def test_one_response_or_equal_answers_never_give_an_interval_of_no_width():
    frame = _responses(40).assign(unit=["one"] + ["same"] * 5 + ["rest"] * 34)
    frame.loc[frame["unit"] == "same", list(ELEMENTS)] = 4.0
    units = estimate_citizens(frame, rules=RULES, period=PERIOD).index.set_index(["level", "group"]).loc["unit"]
    for unit, reason in (("one", "one_response"), ("same", "same_answers")):
        assert units.loc[unit, ["std_error", "conf_low", "conf_high", "p_a"]].isna().all()
        assert units.loc[unit, "reason"] == reason
        assert units.loc[unit, "status"] == "ok"


def test_the_interval_stays_on_the_scale_near_its_end():
    frame = _responses(12)
    frame[list(ELEMENTS)] = 4.0
    frame.loc[0, "time"] = 3.0
    row = _office(estimate_citizens(frame, rules=RULES, period=PERIOD))
    assert row["conf_high"] <= 100


@pytest.mark.slow
def test_intervals_cover_and_chances_of_grades_are_honest():
    """2,000 samples of 60 from a population with index 78.4: coverage of 95 % within its Monte Carlo error (0.005)."""
    rng = np.random.default_rng(3)
    population = np.clip(np.rint(rng.normal(3.15, 0.6, (20_000, 1)) + rng.normal(0, 0.5, (20_000, 9))), 1, 4)
    truth = 25 * population.mean()
    drawn = pd.DataFrame(population[rng.integers(0, 20_000, 60 * 2000)], columns=list(ELEMENTS))
    drawn["unit"], drawn["period"] = np.repeat([f"u{k:04d}" for k in range(2000)], 60), PERIOD
    units = estimate_citizens(drawn, rules=RULES, period=PERIOD, by=("unit",)).index
    units = units[units["level"] == "unit"]
    covered = ((units["conf_low"] <= truth) & (truth <= units["conf_high"])).mean()
    assert 0.935 <= covered <= 0.965


def test_the_finite_population_narrows_and_a_census_has_no_error():
    frame = _responses()
    served = frame["unit"].value_counts().to_dict()
    free = estimate_citizens(frame, rules=RULES, period=PERIOD)
    half = estimate_citizens(frame, rules=RULES, period=PERIOD, population={u: 2 * n for u, n in served.items()})
    ratio = half.index["std_error"] / free.index["std_error"]
    assert ratio[half.index["level"] == "unit"].to_numpy() == pytest.approx(np.sqrt(0.5))
    small = estimate_citizens(frame, rules=RULES, period=PERIOD, population=dict.fromkeys(served, 5))
    pd.testing.assert_series_equal(small.index["std_error"], free.index["std_error"])
    assert "population_too_small" in {f.code for f in small.findings}


def test_sample_sizes_after_krejcie_and_morgan():
    frame = _responses()
    table = estimate_citizens(
        frame, rules=RULES, period=PERIOD, population={"Andir": 300, "Ciroyom": 1000, "Garuda": 220, "Maleber": 100}
    )
    sizes = table.sample_size.set_index("group")
    assert sizes.loc[["Andir", "Ciroyom", "Garuda", "Maleber"], "required"].tolist() == [169, 278, 140, 80]
    assert sizes.loc["Maleber", "more_needed"] == 80
    assert set(estimate_citizens(frame, rules=RULES, period=PERIOD).sample_size["reason"]) == {"no_population"}


def test_element_means_alone_give_the_same_index_and_say_what_is_missing():
    frame = _responses()
    raw = estimate_citizens(frame, rules=RULES, period=PERIOD)
    kept = raw.elements[raw.elements["level"] == "unit"].rename(columns={"estimate": "mean"})
    means = kept[["period", "unit", "element", "mean", "n", "std_error"]]
    again = estimate_citizens(None, rules=RULES, period=PERIOD, aggregated=means)
    merged = raw.index.merge(again.index, on=["level", "group"], suffixes=("", "_again"))
    assert merged["estimate_again"].to_numpy() == pytest.approx(merged["estimate"].to_numpy())
    assert (merged["std_error_again"] >= merged["std_error"]).all()
    assert set(merged["reason_again"]) == {"error_is_upper_bound"}
    bare = estimate_citizens(None, rules=RULES, period=PERIOD, aggregated=means.drop(columns=["std_error", "n"]))
    office = _office(bare)
    assert (office["status"], office["reason"]) == ("cannot", "units_without_n")
    assert set(bare.index.loc[bare.index["level"] == "unit", "reason"]) == {"no_error_given"}


def test_other_surveys_give_points_and_no_index():
    rows = pd.DataFrame(
        [("2011", "s1", "engagement", 56.0), ("2011", "s1", "environment", 47.0), ("2011", "s2", "engagement", np.nan),
         ("2011", "s2", "environment", 40.0)], columns=["period", "unit", "element", "mean"])  # fmt: skip
    rules = load_rules(on=date(2011, 12, 31))
    table = estimate_citizens(None, rules=rules, period="2011", aggregated=rows, scale=(0.0, 100.0)).index.set_index(
        "unit"
    )
    assert table.loc["s1", "points"] == pytest.approx(51.5)
    assert table.loc["s1", "reason"] == "not_skm_elements"
    assert np.isnan(table.loc["s1", "estimate"])
    assert np.isnan(table.loc["s2", "points"])


def test_answers_on_another_scale_give_points_only():
    row = _office(estimate_citizens(_responses(), rules=RULES, period=PERIOD, scale=(1.0, 5.0)))
    assert row["reason"] == "not_the_rules_scale"
    assert np.isfinite(row["points"])


def test_trend_shows_a_real_change_and_not_noise():
    frames = [_responses(seed=k).assign(period=p) for k, p in enumerate(("2026-Q1", "2026-Q2"))]
    better = _responses(seed=9).assign(period=PERIOD)
    better[list(ELEMENTS)] = np.clip(better[list(ELEMENTS)] + 1, 1, 4)
    trend = estimate_citizens(pd.concat([*frames, better]), rules=RULES, period=PERIOD).trend
    office = trend[trend["level"] == "office"].set_index("period")
    assert np.isnan(office.loc["2026-Q1", "change"])
    assert not office.loc["2026-Q2", "change_shown"]
    assert office.loc[PERIOD, "change_shown"]


def test_profile_counts_those_who_did_not_say():
    frame = _responses()
    frame.loc[:9, "sex"] = None
    table = estimate_citizens(frame, rules=RULES, period=PERIOD, attributes=["sex"]).profile
    assert table["n"].sum() == 240
    assert table.set_index("value").loc["", "n"] == 10


def test_what_is_wrong_is_said():
    frame = _responses()
    with pytest.raises(ParameterError, match=r"feedback\.attributes.*umur"):
        estimate_citizens(frame, rules=RULES, period=PERIOD, attributes=["umur"])
    with pytest.raises(ParameterError, match="confidence"):
        estimate_citizens(frame, rules=RULES, period=PERIOD, confidence=95)
    with pytest.raises(RuleError, match=r"0\.071.*exact"):
        estimate_citizens(frame, rules=RULES, period=PERIOD, weights="0.071")


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10_000), st.randoms())
def test_row_order_is_irrelevant_and_a_doubled_response_is_weight_two(seed, shuffler):
    frame = _responses(60, seed)
    order = list(range(60))
    shuffler.shuffle(order)
    first = estimate_citizens(frame, rules=RULES, period=PERIOD)
    pd.testing.assert_frame_equal(first.index, estimate_citizens(frame.iloc[order], rules=RULES, period=PERIOD).index)
    doubled = estimate_citizens(pd.concat([frame, frame]), rules=RULES, period=PERIOD)
    assert doubled.index["estimate"].to_numpy() == pytest.approx(first.index["estimate"].to_numpy())


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(1, 4), min_size=9, max_size=9))
def test_the_index_is_the_sum_of_means_times_weight_times_25(means):
    index = skm_index(RULES, dict(zip(ELEMENTS, means, strict=True)))
    assert index == pytest.approx(sum(m / 9 for m in means) * 25)
    assert 25 <= round_half_up(index, 6) <= 100


def test_it_can_be_saved_and_every_word_exists(tmp_path):
    frame = _responses().assign(unit=lambda f: f["unit"].where(f.index > 3, ""))
    found = estimate_citizens(frame, rules=RULES, period=PERIOD, population={"Andir": 5})
    save_record(found, tmp_path / "feedback")
    pd.testing.assert_frame_equal(load_record(tmp_path / "feedback").index, found.index, check_dtype=False)
    for finding in found.findings:
        for language in wording.LANGUAGES:
            assert wording.text(f"finding.{finding.code}", language, **finding.data)
    for element in ELEMENTS:
        assert wording.has_label(f"element.{element}")


def test_the_rule_of_the_elements_is_named():
    assert set(estimate_citizens(_responses(), rules=RULES, period=PERIOD).index["rule"]) == {SKM}


def test_each_element_has_a_grade_of_its_own():
    found = estimate_citizens(_responses(), rules=RULES, period=PERIOD)
    office = found.elements[found.elements["level"] == "office"]
    assert office["grade"].tolist() == [grade(RULES, 25 * mean) for mean in office["estimate"]]
    assert office[["p_a", "p_b", "p_c", "p_d"]].sum(axis=1).to_numpy() == pytest.approx(1)


def test_when_everybody_answered_there_is_nothing_left_to_estimate():
    frame = _responses()
    served = frame["unit"].value_counts().to_dict()
    units = estimate_citizens(frame, rules=RULES, period=PERIOD, population=served).index.set_index("level").loc["unit"]
    assert set(units["reason"]) == {"everybody_answered"}
    assert units["std_error"].isna().all()


def test_a_published_figure_of_the_office_may_carry_its_name():
    frame = _responses()
    value = round_half_up(_office(estimate_citizens(frame, rules=RULES, period=PERIOD))["estimate"], 2)
    published = pd.DataFrame({"period": [PERIOD], "unit": ["Kecamatan Andir "], "element": ["index"], "value": [value]})
    row = estimate_citizens(
        frame, rules=RULES, period=PERIOD, published=published, office="kecamatan andir"
    ).published.iloc[0]
    assert (row["status"], row["reproduced_by"]) == ("ok", "exact")


def test_the_weight_decides_the_third_digit():
    """C9: the same nine means give 67.65 with 0.111 and 67.72 with one ninth."""
    means = dict.fromkeys(ELEMENTS, 67.72 / 25)
    assert skm_index(RULES, means) == pytest.approx(67.72)
    assert skm_index(RULES, means, weights="0.111") == pytest.approx(67.65, abs=0.005)
