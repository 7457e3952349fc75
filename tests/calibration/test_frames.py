"""What offices really hand in: missing columns, ids and ratings, other roles; always a result, never a crash."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja.calibration.frames import collect_persons, compact
from tests.calibration.office import simulate
from tests.calibration.test_calibration import SMALL, calibrate_data

TINY = replace(SMALL, units=2, supervisors=5, staff=30, quarters=1, responses=200)


def without(*columns):
    def change(data):
        return {k: v.drop(columns=[c for c in columns if c in v]) for k, v in data.items()}

    return change


def column(frame, name, value):
    def change(data):
        return {**data, frame: data[frame].assign(**{name: value})}

    return change


def one_supervisor(data):
    first = data["staff"]["supervisor"].iloc[0]
    people = set(data["staff"].loc[data["staff"]["supervisor"] == first, "ratee"])
    return {k: v[v["ratee"].isin(people)] if "ratee" in v else v for k, v in data.items()}


def missing_ratings(data):
    ratings = data["ratings"].copy()
    ratings.loc[::7, "rating"] = np.nan
    return {**data, "ratings": ratings}


CASES = {
    "no team column": without("team"),
    "no period anywhere": without("period"),
    "no item, no role": without("item", "role"),
    "supervisor not given": column("staff", "supervisor", None),
    "one supervisor": one_supervisor,
    "feedback by unit": column("responses", "team", None),
    "feedback of another office": column("responses", "unit", "elsewhere"),
    "everybody the same": column("ratings", "rating", 4.0),
    "attainment all the same": column("indicators", "points", 100.0),
    "attainment of three": lambda d: {**d, "indicators": d["indicators"].head(3)},
    "missing ratings": missing_ratings,
    "no responses": lambda d: {**d, "responses": d["responses"].head(0)},
}


@pytest.mark.parametrize("name", CASES)
def test_always_a_result(name):
    data = CASES[name](simulate(TINY, 1))
    c = calibrate_data(data)
    assert np.isfinite(c.persons[["calibrated", "std_error"]].to_numpy()).all()
    assert (c.persons["std_error"] > 0).all() or name == "everybody the same"
    assert any(f.code == "calibration_few_raters" for f in c.findings)


def test_who_is_left_out_is_counted():
    data = simulate(TINY, 1)
    data["staff"].loc[0, "unit"] = None
    stranger = data["ratings"].head(7).assign(ratee="X")
    data["ratings"] = pd.concat([data["ratings"], stranger])
    data["responses"].loc[0, "unit"] = "elsewhere"
    c = calibrate_data(data)
    by_code = {f.code: f.data for f in c.findings}
    assert by_code["calibration_dropped"]["n"] == 14 and by_code["calibration_unmatched"]["n"] == 1
    assert len(c.persons) == 29


def test_ratings_without_a_ratee_are_nobodys():
    data = simulate(TINY, 1)
    data["ratings"].loc[:6, "ratee"] = None
    c = calibrate_data(data)
    assert len(c.persons) == 29 and next(f for f in c.findings if f.code == "calibration_dropped").data["n"] == 7


def test_categories_give_the_same_as_text():
    data = simulate(TINY, 1)
    turned = {k: v.assign(**{c: v[c].astype("category") for c in v.select_dtypes("str")}) for k, v in data.items()}
    a, b = calibrate_data(data), calibrate_data(turned)
    np.testing.assert_allclose(a.persons["calibrated"], b.persons["calibrated"], atol=1e-9)


def test_observed_is_the_mean_of_the_items():
    data = simulate(TINY, 2)
    persons = collect_persons(data["ratings"], data["staff"], scale=(1, 5))
    mean = (data["ratings"].groupby(["period", "ratee"])["rating"].mean() - 1) * 25
    found = pd.Series(persons.observed, pd.MultiIndex.from_arrays([
        persons.periods[persons.period], persons.ratees[persons.ratee]]))  # fmt: skip
    np.testing.assert_allclose(found.sort_index(), mean.sort_index(), atol=1e-12)
    variance = data["ratings"].assign(
        rating=lambda d: 25 * (d["rating"] - d.groupby("item")["rating"].transform("mean"))
    )
    spread = variance.groupby(["period", "ratee"])["rating"].var() / 7
    item = pd.Series(persons.item_variance, found.index)
    np.testing.assert_allclose(item.sort_index(), spread.sort_index(), atol=1e-9)


def test_a_second_supervisor_becomes_a_second_rating():
    data = simulate(TINY, 3)
    other = data["ratings"].head(14).assign(rater="R00099")
    persons = collect_persons(pd.concat([other, data["ratings"]]), data["staff"], scale=(1, 5))
    assert len(persons.second_row) == 2
    assert set(persons.raters[persons.second_rater]) == {"R00099"}
    assert "R00099" not in set(persons.raters[persons.rater])


def test_peers_count_only_where_asked_for():
    data = simulate(replace(SMALL, overlap=0.2, feedback=False, indicators=False), 4)
    data["ratings"] = data["ratings"].assign(role=data["ratings"]["role"].replace("second_supervisor", "peer"))
    assert calibrate_data(data).evidence_team == 0.0
    assert calibrate_data(data, link_roles=("peer",)).evidence_team > 0.3


@given(st.lists(st.integers(-5, 1_000_000), min_size=1, max_size=50))
@settings(deadline=None, max_examples=50)
def test_compact_is_unique(keys):
    codes, distinct = compact(np.array(keys, np.int64))
    expected, inverse = np.unique(keys, return_inverse=True)
    np.testing.assert_array_equal(distinct, expected)
    np.testing.assert_array_equal(codes, inverse)
