"""Case mix: naive regression with dummies, exact recovery, screening, errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja.citizens.case_mix import ELEMENTS, adjust_case_mix
from kinerja.errors import DataError


def responses(n: int = 2_000, seed: int = 1, gap: float = 10.0) -> pd.DataFrame:
    """Five units that serve different shares of the young, who give `gap` points less."""
    rng = np.random.default_rng(seed)
    unit = rng.integers(0, 5, n)
    young = rng.random(n) < 0.1 + 0.18 * unit
    value = 60 + 2.0 * unit - gap * young + rng.normal(0, 8, n)
    marks = 1 + 3 * np.clip(value, 0, 100)[:, None] / 100 + np.zeros((n, 9))
    frame = pd.DataFrame(marks, columns=list(ELEMENTS))
    frame["unit"] = np.array(list("abcde"))[unit]
    frame["period"] = "2026-Q1"
    frame["age"] = np.where(young, "young", "old")
    frame["channel"] = np.where(rng.random(n) < 0.5, "online", "counter")
    return frame


def test_equals_least_squares_with_dummies():
    """Absorbing the service points is the same regression as one with a dummy for each (Frisch-Waugh-Lovell)."""
    data = responses()
    c = adjust_case_mix(data, attributes=("age", "channel"))
    value = (data[list(ELEMENTS)].mean(axis=1) - 1) * 100 / 3
    young, online = (data["age"] == "young").astype(float), (data["channel"] == "online").astype(float)
    usual_age, usual_channel = data["age"].mode()[0], data["channel"].mode()[0]
    x = pd.get_dummies(data["unit"]).astype(float)
    x["age"] = young if usual_age == "old" else 1 - young
    x["channel"] = online if usual_channel == "counter" else 1 - online
    beta, rss, *_ = np.linalg.lstsq(x.to_numpy(), value.to_numpy(), rcond=None)
    np.testing.assert_allclose(c.coefficients["estimate"], beta[5:], atol=1e-9)
    assert c.respondent_sd**2 == pytest.approx(rss[0] / (len(data) - 7), rel=1e-9)
    error = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * rss[0] / (len(data) - 7))[5:]
    np.testing.assert_allclose(c.coefficients["std_error"], error, rtol=1e-8)


def test_adjusted_means_are_recentred_and_undo_the_mix():
    data = responses(20_000)
    c = adjust_case_mix(data, attributes=("age",))
    points = c.points.set_index("unit")
    assert np.average(points["adjusted"], weights=points["n"]) == pytest.approx(
        np.average(points["screened"], weights=points["n"]), abs=1e-9
    )
    # without the young the units rise by 2 points each; sampling error of a unit's mean is about 0.15
    np.testing.assert_allclose(np.diff(points["adjusted"]), 2.0, atol=0.6)
    assert np.diff(points["observed"]).max() < 1.0
    np.testing.assert_allclose(points["std_error"], c.respondent_sd / np.sqrt(points["n"]))


def test_no_attributes_leave_the_means():
    data = responses()
    points = adjust_case_mix(data).points.set_index("unit")
    value = (data[list(ELEMENTS)].mean(axis=1) - 1) * 100 / 3
    np.testing.assert_allclose(points["adjusted"], value.groupby(data["unit"]).mean(), atol=1e-9)


def test_all_top_ballots_do_not_count_but_are_shown():
    data = responses(400)
    stuffed = data[data["unit"] == "a"].head(30).assign(**dict.fromkeys(ELEMENTS, 4.0))
    both = pd.concat([data, stuffed], ignore_index=True)
    clean, screened, kept = (
        adjust_case_mix(data).points,
        adjust_case_mix(both),
        adjust_case_mix(both, screen=False).points,
    )
    at = clean["unit"] == "a"
    assert screened.n_screened == 30 and screened.findings[0].data["n"] == 30
    np.testing.assert_allclose(screened.points["adjusted"], clean["adjusted"], atol=1e-9)
    assert (screened.points.loc[at, "observed"] > clean.loc[at, "observed"]).all()
    np.testing.assert_allclose(kept["adjusted"], screened.points["observed"], atol=1e-9)


def test_a_point_with_only_all_top_ballots_cannot_be_adjusted():
    data = responses(200)
    data.loc[data["unit"] == "c", list(ELEMENTS)] = 4.0
    row = adjust_case_mix(data).points.set_index("unit").loc["c"]
    assert row["status"] == "cannot" and row["reason"] == "all_answers_screened" and np.isnan(row["estimate"])


def test_collinear_attributes_say_so():
    data = responses(300).assign(twin=lambda d: d["age"])
    c = adjust_case_mix(data, attributes=("age", "twin"))
    assert np.isfinite(c.points["adjusted"]).all()
    one = adjust_case_mix(data, attributes=("age",))
    np.testing.assert_allclose(c.points["adjusted"], one.points["adjusted"], atol=1e-6)


@given(seed=st.integers(0, 1_000))
@settings(deadline=None, max_examples=10)
def test_row_order_does_not_matter(seed):
    data = responses(300, seed)
    turned = data.sample(frac=1, random_state=seed)
    a, b = (adjust_case_mix(d, attributes=("age", "channel")) for d in (data, turned))
    pd.testing.assert_frame_equal(a.points, b.points, atol=1e-9)


def test_missing_marks_units_and_attributes():
    data = responses(300)
    data.loc[:20, "time"] = np.nan
    data.loc[21:40, "age"] = None
    data.loc[41:45, "unit"] = None
    data.loc[46:50, list(ELEMENTS)] = np.nan
    c = adjust_case_mix(data, attributes=("age",), minimum_level=5)
    assert c.points["n"].sum() == 290
    assert "(missing)" in set(c.coefficients["level"])


def test_errors():
    with pytest.raises(DataError, match="unit"):
        adjust_case_mix(responses().drop(columns="unit"))
    with pytest.raises(DataError, match="'job' is not a column"):
        adjust_case_mix(responses(), attributes=("job",))
