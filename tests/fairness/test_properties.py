"""Properties of the fairness and feedback functions on odd data: empty, tied, missing, one of everything."""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja.citizens import estimate_citizens
from kinerja.citizens.case_mix import adjust_case_mix
from kinerja.citizens.design import estimate_mean
from kinerja.citizens.reliability import reliability_tables
from kinerja.citizens.screening import irv, longstring, screen_responses
from kinerja.citizens.weights import calibrated_mean, rake
from kinerja.fairness import check_fairness
from kinerja.fairness.cells import estimate_cells
from kinerja.fairness.decomposition import estimate_two_fold
from kinerja.rules import load_rules
from kinerja.rules.lookup import elements

RULES = load_rules(on=date(2026, 9, 30))
ELEMENTS = elements(RULES)
TABLES = ("checks", "strata", "decomposition", "drf", "similarity", "screens", "before_after", "cells")
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def offices(draw):
    """Up to 60 people, possibly all of one group, one value, one unit, one supervisor; some values missing."""
    rng = np.random.default_rng(draw(SEEDS))
    n = draw(st.integers(0, 60))
    groups = draw(st.sampled_from([["L"], ["L", "P"], ["L", "P", "X", "Y"]]))
    units = draw(st.integers(1, 4))
    step = draw(st.sampled_from([0.0, 1.0, 10.0]))
    rating = 70 + step * rng.integers(-2, 3, n)
    missing = rng.random(n) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    staff = pd.DataFrame(
        {"ratee": [f"r{i}" for i in range(n)], "unit": [f"u{i}" for i in rng.integers(0, units, n)],
         "supervisor": [f"r{i}" for i in rng.integers(0, max(n // 8, 1), n)], "grade": "III",
         "sex": rng.choice(groups, n).astype(object)}
    )  # fmt: skip
    staff.loc[rng.random(n) < 0.1, "sex"] = None
    scores = staff[["ratee", "unit", "supervisor"]].assign(
        observed=np.where(missing, np.nan, rating), calibrated=rating + rng.integers(0, 2, n),
        attainment=90 + step * rng.integers(0, 3, n), feedback=75.0,
        predikat=rng.choice(["sangat_baik", "baik", "kurang"], n), predikat_calibrated="baik",
    )  # fmt: skip
    return scores, staff


def _checked(scores, staff, **more):
    return check_fairness(scores, staff, groups=["sex"], permutations=19, **more)


@given(offices())
@settings(deadline=None, max_examples=12)
def test_whatever_the_office_every_row_has_a_verdict_and_no_interval_without_width(office):
    found = _checked(*office)
    for name in TABLES:
        table = getattr(found, name)
        known = table[table["status"] == "ok"] if len(table) else table
        if "verdict" in table:
            assert set(table["verdict"]) <= {"shown", "not_shown", "cannot_tell"}
        low, high = known["conf_low"].astype(float), known["conf_high"].astype(float)
        inside = low.notna() & high.notna()
        assert (high[inside] > low[inside]).all(), name
        cannot = table[table["status"] == "cannot"]
        assert (cannot["reason"] != "").all(), name
        if "n_group" in table and name != "drf":
            small = table[(table["n_group"] < 10) | (table["n_reference"] < 10)]
            assert small["conf_low"].isna().all(), name
            if "verdict" in table:
                assert (small["verdict"] == "cannot_tell").all(), name


@given(offices(), SEEDS)
@settings(deadline=None, max_examples=6)
def test_order_of_people_and_names_of_groups_do_not_matter(office, seed):
    scores, staff = office
    one = _checked(scores, staff).checks
    shuffled = scores.sample(frac=1, random_state=seed % 2**31), staff.sample(frac=1, random_state=seed % 2**30)
    pd.testing.assert_frame_equal(one, _checked(*shuffled).checks, rtol=1e-9)
    # names that sort as before keep the largest group and its ties: only the words change
    renamed = _checked(
        scores, staff.assign(sex=staff["sex"].map(lambda g: None if pd.isna(g) else f"group {g}"))
    ).checks
    same = [c for c in one.columns if c not in ("group", "reference")]
    pd.testing.assert_frame_equal(one[same], renamed[same], rtol=1e-9)
    assert ("group " + one["group"]).tolist() == renamed["group"].tolist()


@given(SEEDS, st.integers(2, 8))
@settings(deadline=None, max_examples=40)
def test_a_pooled_cell_lies_between_its_mean_and_what_its_groups_give(seed, cells):
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(cells), np.arange(cells) % 2])
    mean, n = rng.normal(70, 5, cells), rng.integers(1, 40, cells).astype(float)
    found = estimate_cells(mean, n, design, 30.0)
    low, high = np.minimum(mean, found.additive), np.maximum(mean, found.additive)
    assert ((found.estimate >= low - 1e-9) & (found.estimate <= high + 1e-9)).all()
    assert (found.std_error > 0).all(), "a cell of one person has an error, too"


@given(SEEDS, st.floats(-100, 100), st.floats(0.1, 10))
@settings(deadline=None, max_examples=25)
def test_a_decomposition_follows_the_unit_of_the_outcome(seed, shift, factor):
    rng = np.random.default_rng(seed)
    inside = np.arange(40) % 3 == 0
    x, y = rng.normal(0, 1, (40, 2)), rng.normal(0, 1, 40)
    one, two = estimate_two_fold(y, x, inside), estimate_two_fold(shift + factor * y, x, inside)
    assert (two.gap, two.explained, two.unexplained) == pytest.approx(
        (factor * one.gap, factor * one.explained, factor * one.unexplained), abs=1e-8
    )


def _survey(seed, n, units=3, same=False):
    rng = np.random.default_rng(seed)
    marks = np.full((n, 9), 4.0) if same else rng.integers(1, 5, (n, 9)).astype(float)
    if not same:
        marks[rng.random((n, 9)) < 0.1] = np.nan
    return pd.DataFrame(marks, columns=list(ELEMENTS)).assign(
        period="2026-Q3", unit=[f"u{k}" for k in rng.integers(0, units, n)], service="s",
        channel=rng.choice(["a", "b"], n), age=rng.choice(["x", "y", None], n), response=[f"r{k}" for k in range(n)],
        date=pd.Timestamp("2026-07-01") + pd.to_timedelta(rng.integers(0, 60, n), unit="D"),
    )  # fmt: skip


@given(SEEDS, st.integers(1, 40), st.integers(1, 3), st.booleans())
@settings(deadline=None, max_examples=8)
def test_any_survey_gives_figures_or_reasons(seed, n, units, same):
    frame = _survey(seed, n, units, same)
    found = estimate_citizens(frame, rules=RULES, period="2026-Q3", attributes=("age",))
    for table in (found.index, found.elements):
        known = table[table["status"] == "ok"]
        assert known["estimate"].between(1, 100).all()
        lacking = known[known["conf_low"].isna()]
        assert (lacking["reason"] != "").all(), "no interval without a reason"
        wide = known.dropna(subset=["conf_low"])
        assert (wide["conf_high"] > wide["conf_low"]).all()
        assert (table.loc[table["status"] == "cannot", "reason"] != "").all()
    alone = found.index[found.index["n"] == 1]
    assert alone["conf_low"].isna().all(), "one answer has no interval"
    standing = found.quality.standing
    assert (standing.loc[standing["n"] == 1, "standing"] == "not_told_apart").all()


@given(SEEDS)
@settings(deadline=None, max_examples=5)
def test_renaming_units_and_shuffling_answers_change_no_figure(seed):
    frame = _survey(seed, 40)
    one = estimate_citizens(frame, rules=RULES, period="2026-Q3").index
    renamed = frame.assign(unit="unit " + frame["unit"]).sample(frac=1, random_state=seed % 2**31)
    two = estimate_citizens(renamed, rules=RULES, period="2026-Q3").index
    figures = ["estimate", "std_error", "conf_low", "conf_high", "n", "p_a", "p_b", "p_c", "p_d"]
    pd.testing.assert_frame_equal(one[figures], two[figures], rtol=1e-9)


@given(SEEDS, st.floats(0.01, 1000))
@settings(deadline=None, max_examples=25)
def test_the_scale_of_weights_changes_no_mean_and_no_error(seed, factor):
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(70, 8, 40), rng.uniform(0.2, 3, 40)
    one, two = estimate_mean(values, weights=weights), estimate_mean(values, weights=factor * weights)
    assert (two.mean, two.std_error, two.effective_n) == pytest.approx((one.mean, one.std_error, one.effective_n))
    code = rng.integers(0, 2, 40)
    code[:2] = [0, 1]
    raked = rake([code], [np.array([30.0, 10.0])], weights=weights).weights
    first, second = (calibrated_mean(values, raked * f, [code], weights=weights * f) for f in (1.0, factor))
    assert (second.mean, second.std_error) == pytest.approx((first.mean, first.std_error))


@given(SEEDS, st.integers(0, 30))
@settings(deadline=None, max_examples=40)
def test_longest_run_and_spread_by_hand(seed, n):
    rng = np.random.default_rng(seed)
    answers = rng.integers(1, 4, (n, 9)).astype(float)
    answers[rng.random((n, 9)) < 0.2] = np.nan
    for row, run, spread in zip(answers, longstring(answers), irv(answers), strict=True):
        said = row[np.isfinite(row)]
        assert run == max((len(list(equal)) for _, equal in itertools.groupby(said)), default=0)
        assert (np.isnan(spread) and len(said) < 2) or spread == pytest.approx(said.std(ddof=1))


@given(SEEDS)
@settings(deadline=None, max_examples=10)
def test_screening_does_not_know_names_and_survives_missing_columns(seed):
    frame = _survey(seed, 60)
    flags = ["burst", "repeated", "top_run", "regular", "straight_line", "erratic"]
    one = screen_responses(frame, elements=ELEMENTS, scale=(1, 4)).responses
    two = screen_responses(frame.assign(unit="x" + frame["unit"]), elements=ELEMENTS, scale=(1, 4)).responses
    pd.testing.assert_frame_equal(one[flags], two[flags])
    bare = screen_responses(frame[[*ELEMENTS]], elements=ELEMENTS, scale=(1, 4))
    assert len(bare.responses) == len(frame)


@given(SEEDS, st.integers(1, 30))
@settings(deadline=None, max_examples=20)
def test_case_mix_keeps_the_offices_mean_and_no_group_of_one_without_error(seed, n):
    frame = _survey(seed, n)
    found = adjust_case_mix(frame, attributes=["age"], screen=False, minimum_level=2)
    points = found.points[found.points["status"] == "ok"]
    raw, adjusted = ((points[name] * points["n"]).sum() / points["n"].sum() for name in ("observed", "adjusted"))
    assert adjusted == pytest.approx(raw)
    groups = frame["unit"]
    table, standing = reliability_tables(np.full(n, 50.0), groups, "unit", confidence=0.95)
    assert (standing["standing"] == "not_told_apart").all()
    assert table["estimate"].isna().all() and (table["reason"] != "").all()
