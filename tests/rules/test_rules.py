"""The regulation tables: cases a civil-service lawyer can read, days in force, and properties."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja.errors import RuleError
from kinerja.rules import load_rules, round_half_up
from kinerja.rules.lookup import (
    canonical_category,
    category_2019,
    convert_2021,
    credit,
    grade,
    grade_limits,
    predikat,
    required_sample,
    skm_index,
)

BERAKHLAK = "berakhlak"
CONVERSION_2021 = "permenpanrb-8-2021-conversion"
CREDIT = "permenpanrb-1-2023-credit"
KREJCIE_MORGAN = "krejcie-morgan-1970"
OBJECTION = "pp-30-2019-article-59"
PREDIKAT = "permenpanrb-6-2022-predikat"
SCALE_2019 = "pp-30-2019-article-41"
SKM = "permenpanrb-14-2017"
SKM_2004 = "kepmenpan-25-2004"

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "rules.yaml").read_text(encoding="utf-8"))
TODAY = date(2026, 9, 30)

APPLY = {
    PREDIKAT: lambda rules, given: predikat(rules, **given),
    SKM: lambda rules, given: grade(rules, given["index"]),
    SKM_2004: lambda rules, given: grade(rules, given["index"], rule=SKM_2004),
    CONVERSION_2021: lambda rules, given: convert_2021(rules, **given),
    SCALE_2019: lambda rules, given: category_2019(rules, **given),
    CREDIT: lambda rules, given: credit(rules, given["predikat"], given["level"], months=given["months"]),
    KREJCIE_MORGAN: lambda rules, given: required_sample(rules, given["population"]),
    OBJECTION: lambda rules, given: rules.values(OBJECTION)[given["key"]],
}


def _approximately(value):
    """Sources print two decimals; six are given where the case was computed."""
    return value if isinstance(value, (str, int)) else pytest.approx(value, abs=0.005)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['rule']}: {c['name']}")
def test_regulation_case(case):
    found = APPLY[case["rule"]](load_rules(on=case["on"]), case["input"])
    if isinstance(case["output"], list):
        assert found[0] == case["output"][0]
        assert found[1] == _approximately(float(case["output"][1]))
    else:
        assert found == _approximately(case["output"])


def test_there_is_no_rule_before_it_is_in_force():
    with pytest.raises(RuleError, match=r"found 2022-02-02; .*2022-02-03"):
        load_rules(on=date(2022, 2, 2)).rule(PREDIKAT)
    assert load_rules(on=date(2022, 2, 3)).rule(PREDIKAT).in_force
    with pytest.raises(RuleError):
        load_rules(on=TODAY).rule(SKM_2004)
    assert load_rules(on=TODAY).at(date(2012, 1, 1)).in_force(SKM_2004)


def test_an_unknown_rule_names_those_there_are():
    with pytest.raises(RuleError, match="permenpanrb-14-2017"):
        load_rules(on=TODAY).rule("permenpanrb-14-2018")


def test_the_annex_names_source_status_day_and_hash_of_every_rule():
    annex = load_rules(on=TODAY).annex()
    assert annex["rule"].is_unique
    assert set(annex["status"]) <= {"verified", "secondary", "unverified"}
    assert annex["sha256"].str.fullmatch("[0-9a-f]{64}").all()
    assert not (annex[["title_en", "title_id", "document", "address", "since"]] == "").any(axis=None)


def test_an_index_that_cannot_be_is_refused():
    rules = load_rules(on=TODAY)
    for impossible in (3.49, 24.7, 100.01, float("nan")):
        with pytest.raises(RuleError, match="index"):
            grade(rules, impossible)


@settings(deadline=None, max_examples=200)
@given(st.floats(25, 100), st.floats(25, 100))
def test_grades_are_total_and_never_fall_as_the_index_rises(one, other):
    rules = load_rules(on=TODAY)
    low, high = sorted((one, other))
    assert "DCBA".index(grade(rules, low)) <= "DCBA".index(grade(rules, high))


def test_grade_limits_agree_with_the_grades():
    for on, rule in ((TODAY, SKM), (date(2011, 1, 1), SKM_2004)):
        rules = load_rules(on=on)
        grades, limits = grade_limits(rules, rule=rule)
        for lower, limit in zip(range(len(limits)), limits, strict=True):
            assert grade(rules, limit, rule=rule) == grades[lower + 1]
            assert grade(rules, limit - 1e-6, rule=rule) == grades[lower]


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.005, 0.01), (76.605, 76.61), (2.675, 2.68), (1.0049999, 1.0), (74.50499999999999, 74.51)]
)
def test_half_goes_up_and_binary_noise_does_not_decide(value, rounded):
    assert round_half_up(value, 2) == rounded


def test_berakhlak_has_seven_values_of_three_behaviours():
    values = load_rules(on=TODAY).values(BERAKHLAK)["values"]
    assert len(values) == 7
    assert [len(v["behaviours"]) for v in values] == [3] * 7


@pytest.mark.parametrize(
    ("word", "category"),
    [("Cukup", "butuh_perbaikan"), ("Kurang/Misconduct", "kurang"), ("SANGAT BAIK", "sangat_baik"),
     ("Diatas Ekspektasi", "above"), ("sesuai_ekspektasi", "meets"), ("butuh_perbaikan", "butuh_perbaikan")],
)  # fmt: skip
def test_words_of_files_are_known(word, category):
    assert canonical_category(load_rules(on=TODAY), word) == category


def test_an_index_needs_every_element():
    rules = load_rules(on=TODAY)
    with pytest.raises(RuleError, match="facilities"):
        skm_index(rules, {e["element"]: 3.0 for e in rules.values(SKM)["elements"][:-1]})
    with pytest.raises(RuleError, match=r"0\.12.*exact"):
        skm_index(rules, {e["element"]: 3.0 for e in rules.values(SKM)["elements"]}, weights="0.12")
