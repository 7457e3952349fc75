from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja.errors import DataError, ParameterError
from kinerja.raters import estimate_rater_use
from kinerja.raters.statistics import entropy_bits


def simulated(seed=1, raters=8, ratees=9, items=7, double=0, scale=(1, 5)):
    rng = np.random.default_rng(seed)
    rows = []
    for j in range(raters):
        for i in range(ratees):
            owners = [j] if i >= double else [j, (j + 1) % raters]
            quality = rng.normal()
            for rater in owners:
                for item in range(items):
                    rating = np.clip(np.round(3.3 + 0.7 * quality + rng.normal(0, 0.8)), *scale)
                    rows.append(("2026-Q3", f"p{j:02d}{i:02d}", f"r{rater:02d}", "supervisor", f"v{item}", rating))
    return pd.DataFrame(rows, columns=["period", "ratee", "rater", "role", "item", "rating"])


def row(table, statistic, rater=None):
    found = table[table["statistic"] == statistic]
    return (found if rater is None else found[found["rater"] == rater]).iloc[0]


def test_entropy_of_the_national_predikat():
    # national shares of PNS 2022-2024 (five predikat): about 0.54 of 2.32 bits
    assert entropy_bits([11.27, 88.46, 0.11, 0.06, 0.10]) == pytest.approx(0.54, abs=0.005)
    assert np.log2(5) == pytest.approx(2.32, abs=0.005)
    assert entropy_bits([4, 4, 4, 4]) == 2.0
    assert entropy_bits([0, 7]) == 0.0


def test_the_national_case_is_a_finding():
    counts = np.round(np.array([0.0010, 0.0006, 0.0011, 0.8846, 0.1127]) * 2000).astype(int)
    rating = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], counts)
    frame = pd.DataFrame({"period": "2024", "ratee": [f"p{i:04d}" for i in range(len(rating))], "item": "predikat"})
    frame["rater"] = [f"r{i % 100:02d}" for i in range(len(rating))]
    use = estimate_rater_use(frame.assign(role="supervisor", rating=rating), period="2024", scale=(1, 5))
    finding = next(f for f in use.findings if f.code == "little_information")
    assert finding.data["entropy"] == pytest.approx(0.54, abs=0.02)
    assert finding.data["maximum"] == np.log2(5)
    assert row(use.office, "item_spread")["reason"] == "one_item"


def test_by_hand():
    frame = pd.DataFrame(
        [("p1", 1), ("p1", 3), ("p2", 3), ("p2", 5), ("p3", 5), ("p3", 5)], columns=["ratee", "rating"]
    ).assign(period="2026", rater="r", role="supervisor", item=["a", "b"] * 3)
    use = estimate_rater_use(frame, period="2026", scale=(1, 5))
    # ratee means 2, 4, 5 are 25, 75, 100 points; the SD of a pair of items (1, 3) is sqrt(2) steps of 25 points
    values = np.array([25.0, 75.0, 100.0])
    mean = row(use.statistics, "rater_mean")
    assert mean["estimate"] == pytest.approx(values.mean())
    assert mean["std_error"] == pytest.approx(values.std(ddof=1) / np.sqrt(3))
    assert mean["conf_high"] - mean["estimate"] == pytest.approx(4.302652729911275 * mean["std_error"])  # t, 2 df
    assert use.raters["mean_raw"].item() == pytest.approx(11 / 3)
    assert row(use.statistics, "rater_spread")["estimate"] == pytest.approx(values.std(ddof=1))
    assert row(use.statistics, "relative_spread")["estimate"] == pytest.approx(1.0)
    assert row(use.statistics, "middle_share")["estimate"] == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert row(use.statistics, "item_spread")["estimate"] == pytest.approx(25 * np.sqrt(2) * 2 / 3)
    assert row(use.statistics, "uniform_share")["estimate"] == pytest.approx(1 / 3)
    p = np.array([1, 2, 3]) / 6
    assert row(use.statistics, "rater_entropy")["estimate"] == pytest.approx(-(p * np.log2(p)).sum())
    assert use.raters["entropy_maximum"].item() == np.log2(5)
    assert use.distribution["n"].tolist() == [1, 0, 2, 0, 3]


def test_the_interval_is_over_ratees_not_items():
    # Means of ratees spread by quality: the naive interval over all ratings is far too narrow.
    covered = naive = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        quality = rng.normal(60, 10, 12)
        rating = (quality[:, None] + rng.normal(0, 5, (12, 7))).ravel()
        frame = pd.DataFrame({"period": "1", "ratee": np.repeat([f"p{i:02d}" for i in range(12)], 7), "rater": "r"})
        frame = frame.assign(role="supervisor", item=list("abcdefg") * 12, rating=rating)
        mean = row(estimate_rater_use(frame, period="1", scale=(-50, 150)).statistics, "rater_mean")
        covered += mean["conf_low"] <= 55 <= mean["conf_high"]  # 60 lies at 55 % of -50..150
        naive += abs(rating.mean() - 60) <= 1.96 * rating.std() / np.sqrt(84)
    assert 0.91 * 120 <= covered <= 0.99 * 120  # 95 % +- 2 Monte Carlo SE (2 %)
    assert naive < 0.75 * 120


def test_nested_and_linked_raters():
    nested = estimate_rater_use(simulated(), period="2026-Q3", scale=(1, 5))
    assert [f.data["linked"] for f in nested.findings if f.code == "raters_nested"] == [0]
    linked = estimate_rater_use(simulated(double=2), period="2026-Q3", scale=(1, 5))
    assert not {"raters_nested", "raters_in_parts"} & {f.code for f in linked.findings}
    part = simulated(double=2)
    part = part[~((part["rater"] == "r00") & part["ratee"].str.startswith("p07"))]
    part = part[~((part["rater"] == "r04") & part["ratee"].str.startswith("p03"))]
    found = [
        f for f in estimate_rater_use(part, period="2026-Q3", scale=(1, 5)).findings if f.code == "raters_in_parts"
    ]
    assert found[0].data["parts"] == 2


def test_what_cannot_be_said_is_said():
    frame = simulated(raters=3, ratees=4)
    frame.loc[frame["rater"] == "r00", "rating"] = 4.0
    frame = frame[~((frame["rater"] == "r01") & ~frame["ratee"].eq("p0101"))]
    use = estimate_rater_use(frame, period="2026-Q3", scale=(1, 5))
    same = row(use.statistics, "rater_mean", "r00")
    assert (same["estimate"], same["status"], same["reason"]) == (75.0, "ok", "no_spread")
    assert np.isnan(same["conf_low"])
    one = row(use.statistics, "rater_mean", "r01")
    assert (one["status"], one["reason"]) == ("cannot", "one_ratee")
    assert np.isnan(one["estimate"])
    assert {"raters_without_spread", "raters_few_ratees"} <= {f.code for f in use.findings}


def test_points_are_not_categories():
    frame = simulated(scale=(-9, 9))
    frame["rating"] = frame["rating"] * 7.3 + np.arange(len(frame)) * 0.01 + 50
    use = estimate_rater_use(frame, period="2026-Q3", scale=(0, 100))
    assert row(use.office, "rater_entropy")["reason"] == "too_many_categories"
    assert set(use.statistics.loc[use.statistics["statistic"] == "middle_share", "status"]) == {"cannot"}
    assert len(use.categories) == len(use.distribution) == 0
    assert use.raters["rater_mean"].notna().all()


def test_half_points_are_categories_as_they_occur():
    frame = simulated()
    frame["rating"] = frame["rating"].mask(frame["item"] == "v1", 2.5)
    use = estimate_rater_use(frame, period="2026-Q3", scale=(1, 5))
    assert 2.5 in use.distribution["category"].tolist()
    assert use.distribution["share"].sum() == pytest.approx(1)


def test_nothing_to_describe():
    use = estimate_rater_use(simulated(), period="2026-Q4")
    assert [f.code for f in use.findings] == ["no_ratings"]
    assert set(use.office["reason"]) == {"no_ratings"}


def test_errors_say_the_way_out():
    with pytest.raises(DataError, match="0 to 3 are allowed"):
        estimate_rater_use(simulated(), period="2026-Q3", scale=(0, 3))
    with pytest.raises(ParameterError, match=r"0\.95"):
        estimate_rater_use(simulated(), period="2026-Q3", confidence=95)
    with pytest.raises(ParameterError, match="lowest"):
        estimate_rater_use(simulated(), period="2026-Q3", scale=(5, 1))


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000))
def test_order_and_names_do_not_matter(seed):
    frame = simulated(seed=seed, raters=4, ratees=5)
    use = estimate_rater_use(frame, period="2026-Q3", scale=(1, 5))
    shuffled = estimate_rater_use(frame.sample(frac=1, random_state=seed), period="2026-Q3", scale=(1, 5))
    pd.testing.assert_frame_equal(use.statistics, shuffled.statistics)
    names = {"r00": "z", "r01": "b", "r02": "a", "r03": "m"}
    renamed = estimate_rater_use(frame.assign(rater=frame["rater"].map(names)), period="2026-Q3", scale=(1, 5))
    back = renamed.raters.set_index("rater").loc[[names[r] for r in use.raters["rater"]]]
    np.testing.assert_allclose(back["estimate"], use.raters["estimate"], rtol=1e-12)
    entropy = use.raters["rater_entropy"]
    assert ((entropy >= 0) & (entropy <= use.raters["entropy_maximum"])).all()
    assert use.categories.groupby("rater")["share"].sum().to_numpy() == pytest.approx(1)
