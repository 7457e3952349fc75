"""The rater model on simulated truth: recovery, keys, links, anchors, extreme scores, what must not matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja.errors import DataError, EstimationError, ParameterError
from kinerja.raters.rasch import fit_raters
from tests.raters.rasch.simulated import simulate

SHARED = Path(__file__).parents[4] / "shared"
TIGHT = {"tolerance": 1e-8}


def codes(fit, level=None):
    return {f.code for f in fit.findings if level in (None, f.level)}


def of(fit, facet):
    return fit.elements[fit.elements["facet"] == facet].set_index("element")


def rmse(own, true):
    both = pd.concat([own, true], axis=1, join="inner").dropna().to_numpy()
    left = both - both.mean(axis=0)
    return float(np.sqrt(np.mean((left[:, 0] - left[:, 1]) ** 2))), float(np.corrcoef(both.T)[0, 1])


@pytest.mark.parametrize("method", ["joint", "marginal"])
def test_recovery(method):
    data, ability, severity = simulate(3, ratees=700, raters=60)
    fit = fit_raters(data, method=method)
    error, correlation = rmse(fit.measures("rater"), severity)
    # expected 0.97 and 0.145 logit (joint: 0.175, its spread is inflated); over 60 raters r varies by 0.007
    assert correlation > 0.955
    assert error < (0.18 if method == "marginal" else 0.22)
    error, correlation = rmse(fit.measures("ratee"), ability)
    assert correlation > 0.94
    assert error < (0.40 if method == "marginal" else 0.50)
    items = fit.measures("item")
    assert items.index.tolist() == [f"v{k}" for k in range(7)]
    assert np.abs(items.to_numpy() - [-0.8, -0.45, -0.2, 0.0, 0.2, 0.45, 0.8]).max() < 0.15


@pytest.mark.skipif(not (SHARED / "data").exists(), reason="the peers' data (../shared) are not here")
def test_recovery_not_worse_than_tam():
    folder = SHARED / "data" / "simulated"
    data = pd.read_csv(folder / "sim_S_10k.csv.gz", dtype={"ratee": str, "rater": str})
    data = data.melt(["ratee", "rater", "unit"], var_name="item", value_name="rating")
    fit = fit_raters(data, method="marginal")
    for facet, column, limits in (("rater", "severity", (0.1435, 0.9755)), ("ratee", "theta", (0.3745, 0.9475))):
        true = pd.read_csv(folder / f"sim_S_10k_true_{facet}s.csv", dtype={facet: str}).set_index(facet)[column]
        error, correlation = rmse(fit.measures(facet), true)
        # TAM's figures as printed: 0.143, 0.976 and 0.374, 0.948
        assert error < limits[0]
        assert correlation > limits[1]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [{"method": "marginal"}, {"method": "joint", "correction": "joint_bias"}])
def test_intervals_cover_the_truth(arguments):
    """95 % intervals in 25 simulated offices of 20 raters and 150 ratees: of severity 500 (SE of the share 0.01), of
    ratees 3,750. Uncorrected joint intervals are about estimates that spread too far: 0.92 to 0.94 in these offices."""
    inside = {"rater": [], "ratee": []}
    for seed in range(25):
        data, ability, severity = simulate(100 + seed, ratees=150, raters=20, items=5)
        fit = fit_raters(data, **arguments)
        for facet, true in (("rater", severity), ("ratee", ability)):
            rows = of(fit, facet)
            inside[facet] += list((rows["conf_low"] < true[rows.index]) & (true[rows.index] < rows["conf_high"]))
    assert 0.93 <= np.mean(inside["rater"]) <= 0.97
    assert 0.93 <= np.mean(inside["ratee"]) <= 0.97


def test_joint_inflation_and_its_correction():
    """Joint estimates spread too far, the more so the fewer ratings a ratee has; Firth's adjustment takes that out."""
    slopes = {}
    for correction in (None, "joint_bias"):
        found = []
        for seed in range(4):
            data, _, severity = simulate(200 + seed, ratees=400, raters=20, items=7)
            own = fit_raters(data, correction=correction).measures("rater")[severity.index]
            found.append(float(own @ severity / (severity @ severity)))
        slopes[correction] = np.mean(found)
    assert 1.04 < slopes[None] < 1.14
    assert 0.96 < slopes["joint_bias"] < 1.04


@pytest.mark.parametrize("method", ["joint", "marginal"])
def test_measures_belong_to_ids_of_unequal_width(method):
    """A peer attaches measures to the wrong persons when ids are numbers such as 9, 10, 100."""
    data, _, _ = simulate(5, ratees=110)
    named = data.assign(ratee="person " + data["ratee"].str.zfill(4))
    own, other = fit_raters(data, method=method).measures("ratee"), fit_raters(named, method=method).measures("ratee")
    assert {"9", "10", "100"} <= set(own.index)
    np.testing.assert_allclose(own, other["person " + own.index.str.zfill(4)], atol=1e-6)
    means = data.groupby("ratee")["rating"].mean()
    assert of(fit_raters(data, method=method), "ratee")["observed_average"].to_dict() == pytest.approx(means.to_dict())
    numbers = fit_raters(data.assign(ratee=data["ratee"].astype(int)), method=method).measures("ratee")
    pd.testing.assert_series_equal(numbers, own)


def nested(seed=7):
    """Two units, each with its own raters; items are common."""
    north, _, _ = simulate(seed, ratees=60, raters=4)
    south, _, _ = simulate(seed + 1, ratees=50, raters=3)
    south = south.assign(ratee="s" + south["ratee"], rater="s" + south["rater"])
    return pd.concat([north, south], ignore_index=True)


@pytest.mark.parametrize("method", ["joint", "marginal"])
def test_nested_raters_are_subsets(method):
    data = nested()
    fit = fit_raters(data, method=method)
    assert fit.subsets["raters"].tolist() in ([4, 3], [3, 4])
    members = [set(m.split(", ")) for m in fit.subsets["members"]]
    assert {"sr1", "sr2", "sr3"} in members
    assert "facets_subsets" in codes(fit, "caution")
    rater = of(fit, "rater")
    assert rater["subset"].nunique() == 2
    # severity is a distance from the mean of the own subset, so that the other subset's ratings leave it alone
    assert rater.groupby("subset")["measure"].mean().abs().max() < 1e-6
    north = data[~data["rater"].str.startswith("s")]
    worse = data["rating"].where(~data["rater"].str.startswith("s"), np.maximum(data["rating"] - 1, 1))
    moved = of(fit_raters(data.assign(rating=worse), method=method), "rater")
    assert moved.groupby("subset")["measure"].mean().abs().max() < 1e-6
    assert len(fit_raters(north, method=method).subsets) == 1


def test_one_rater_a_unit_has_no_severity():
    """Each unit rated by its own one rater: no rater shares a ratee with another."""
    data, _, _ = simulate(11, ratees=60, raters=1, each=1)
    other, _, _ = simulate(12, ratees=60, raters=1, each=1)
    fit = fit_raters(pd.concat([data, other.assign(ratee="o" + other["ratee"], rater="r2")]))
    rows = of(fit, "rater")
    assert (rows["status"] == "cannot").all()
    assert rows["measure"].isna().all()
    assert len(fit.subsets) == 2


def test_an_assumption_links_subsets():
    data = nested()
    for arguments in (
        {"penalty": {"rater": 0.6}},
        {"group_anchors": [("ratee", [e for e in data["ratee"].unique() if e.startswith("s")], 0.0),
                           ("ratee", [e for e in data["ratee"].unique() if not e.startswith("s")], 0.0)],
         "noncentre": "rater"},
        {"method": "marginal", "link": "equal_means"},
    ):  # fmt: skip
        fit = fit_raters(data, **arguments)
        assert "facets_subsets_linked" in codes(fit), arguments
        assert of(fit, "rater")["measure"].notna().all()


def test_anchors_hold_and_shift():
    data, _, _ = simulate(13)
    free = fit_raters(data, **TIGHT)
    severity = free.measures("rater")
    fit = fit_raters(data, anchors={"rater": (severity + 0.5).to_dict()}, **TIGHT)
    np.testing.assert_allclose(fit.measures("rater"), severity + 0.5, atol=1e-9)
    assert (of(fit, "rater")["reason"] == "anchored").all()
    # ratees, who float, follow the anchors
    np.testing.assert_allclose(fit.measures("ratee"), free.measures("ratee") + 0.5, atol=1e-6)
    np.testing.assert_allclose(of(fit, "rater")["displacement"], 0, atol=1e-6)
    assert fit.log_likelihood == pytest.approx(free.log_likelihood, abs=1e-6)
    wrong = fit_raters(data, anchors={"item": {"v0": 2.0}}, **TIGHT)
    assert of(wrong, "item").loc["v0", "measure"] == 2.0


def test_group_anchor_fixes_only_the_mean():
    data, _, _ = simulate(17)
    free = fit_raters(data, **TIGHT)
    names = ["r1", "r2", "r3"]
    fit = fit_raters(data, group_anchors=[("rater", names, 1.0)], **TIGHT)
    own, before = fit.measures("rater"), free.measures("rater")
    assert own[names].mean() == pytest.approx(1.0, abs=1e-8)
    np.testing.assert_allclose(own - own.mean(), before - before.mean(), atol=1e-6)
    assert fit.log_likelihood == pytest.approx(free.log_likelihood, abs=1e-6)


def test_a_dummy_facet_changes_nothing():
    data, _, _ = simulate(19)
    data = data.assign(occasion=np.where(data.index % 2, "a", "b"))
    plain = fit_raters(data, **TIGHT)
    fit = fit_raters(data, facets=("ratee", "rater", "item", "occasion"), dummy=("occasion",), **TIGHT)
    assert (of(fit, "occasion")["measure"] == 0).all()
    np.testing.assert_allclose(fit.measures("rater"), plain.measures("rater"), atol=1e-7)
    assert fit.n_parameters == plain.n_parameters


@pytest.mark.parametrize("method", ["joint", "marginal"])
def test_weight_two_is_the_row_twice(method):
    data, _, _ = simulate(23, ratees=60)
    weight = np.where(data["ratee"].astype(int) % 3 == 0, 2, 1)
    weighted = fit_raters(data.assign(w=weight), weights="w", method=method, **TIGHT)
    twice = fit_raters(data.loc[data.index.repeat(weight)], method=method, **TIGHT)
    for column in ("measure", "std_error", "infit", "n"):
        np.testing.assert_allclose(weighted.elements[column], twice.elements[column], atol=1e-6)
    assert weighted.log_likelihood == pytest.approx(twice.log_likelihood, abs=1e-5)


def test_missing_ratings_are_left_out_and_counted():
    data, _, _ = simulate(29)
    gaps = data.assign(rating=data["rating"].where(data.index % 11 != 0))
    fit = fit_raters(gaps, **TIGHT)
    left = fit_raters(gaps.dropna(), **TIGHT)
    pd.testing.assert_frame_equal(fit.elements, left.elements)
    assert [f.data["n"] for f in fit.findings if f.code == "facets_dropped"] == [int(gaps["rating"].isna().sum())]


def test_unused_categories():
    """Squeezed out as FACETS does, and named; kept on wish, where they keep their distance."""
    data, _, _ = simulate(31)
    gap = data.assign(rating=data["rating"].replace({4: 6, 5: 7}))
    plain, squeezed = fit_raters(data, **TIGHT), fit_raters(gap, **TIGHT)
    np.testing.assert_allclose(squeezed.measures("rater"), plain.measures("rater"), atol=1e-7)
    assert squeezed.unused_categories["category"].tolist() == [4.0, 5.0]
    assert "facets_unused_categories" in codes(squeezed)
    kept = fit_raters(gap, unused="keep", **TIGHT)
    assert kept.categories["score"].tolist() == [0.0, 1.0, 2.0, 5.0, 6.0]
    assert not np.allclose(kept.measures("rater"), plain.measures("rater"), atol=0.01)


def test_extreme_scores_are_placed():
    data, _, _ = simulate(37)
    top = data["rating"].where(data["ratee"] != "5", 5)
    low = top.where(data["ratee"] != "6", 1)
    fit = fit_raters(data.assign(rating=low), extreme=0.3)
    rows = of(fit, "ratee")
    assert (rows.loc["5", "reason"], rows.loc["6", "reason"]) == ("extreme_high", "extreme_low")
    assert rows["measure"].idxmax() == "5"
    assert rows["measure"].idxmin() == "6"
    closer = of(fit_raters(data.assign(rating=low), extreme=0.1), "ratee")
    assert closer.loc["5", "measure"] > rows.loc["5", "measure"]
    # all others are as without these two, whose ratings tell nothing of raters and items
    without = fit_raters(data[~data["ratee"].isin(["5", "6"])])
    np.testing.assert_allclose(fit.measures("rater"), without.measures("rater"), atol=1e-6)
    # by the formula: the expected score is 0.3 inside the limit of 4 points a rating
    seen = data[data["ratee"] == "5"]
    eta = rows.loc["5", "measure"] - seen["rater"].map(fit.measures("rater")) - seen["item"].map(fit.measures("item"))
    steps = np.concatenate([[0.0], fit.thresholds["estimate"].cumsum()])
    p = np.exp(np.outer(np.arange(5), eta) - steps[:, None])
    assert (np.arange(5) @ (p / p.sum(axis=0))).sum() == pytest.approx(4 * len(seen) - 0.3, abs=1e-6)


def test_a_fit_that_stopped_early_is_a_stop():
    data, _, _ = simulate(41)
    fit = fit_raters(data, maximum_iterations=1)
    assert not fit.convergence.converged
    assert "facets_not_converged" in codes(fit, "stop")
    assert codes(fit_raters(data), "stop") == set()


def test_thresholds_by_item_and_by_rater():
    data, _, _ = simulate(43, ratees=300)
    common = fit_raters(data)
    for facet in ("item", "rater"):
        fit = fit_raters(data, thresholds=facet)
        assert set(fit.thresholds["group"]) == set(data[facet])
        assert fit.log_likelihood > common.log_likelihood
        assert fit.n_parameters > common.n_parameters


@pytest.mark.parametrize("method", ["joint", "marginal"])
def test_two_categories_have_one_threshold(method):
    """Met or not met: thresholds by item are then the items' own difficulties, nothing is left to estimate."""
    data, _, _ = simulate(45, ratees=200)
    met = data.assign(rating=(data["rating"] > 2).astype(int))
    common, by_item = fit_raters(met, method=method), fit_raters(met, method=method, thresholds="item")
    assert by_item.log_likelihood == pytest.approx(common.log_likelihood, abs=1e-6)
    assert by_item.n_parameters == common.n_parameters
    np.testing.assert_allclose(by_item.measures("item"), common.measures("item"), atol=1e-5)
    assert (by_item.thresholds["reason"] == "two_categories").all()


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10_000))
def test_order_names_and_shift_do_not_matter(seed):
    data, _, _ = simulate(seed, ratees=40, raters=5, items=4)
    fit = fit_raters(data, **TIGHT)
    mixed = data.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(fit_raters(mixed, **TIGHT).elements, fit.elements)
    moved = fit_raters(data.assign(rating=data["rating"] + 3), **TIGHT)
    np.testing.assert_allclose(moved.elements["measure"], fit.elements["measure"], atol=1e-8)
    np.testing.assert_allclose(moved.elements["observed_average"], fit.elements["observed_average"] + 3)
    names = {name: f"{(seed * 7 + i * 13) % 101:03d}-{name}" for i, name in enumerate(data["rater"].unique())}
    renamed = fit_raters(data.assign(rater=data["rater"].map(names)), **TIGHT).measures("rater")
    own = fit.measures("rater")
    np.testing.assert_allclose(renamed[[names[i] for i in own.index]], own, atol=1e-7)


def test_errors():
    data, _, _ = simulate(47, ratees=20)
    with pytest.raises(DataError, match="'item' is missing"):
        fit_raters(data.drop(columns="item"))
    with pytest.raises(DataError, match="not an element"):
        fit_raters(data, anchors={"rater": {"nobody": 0.0}})
    with pytest.raises(DataError, match="numbers are expected"):
        fit_raters(data.assign(rating="good"))
    with pytest.raises(ParameterError, match="allowed are the facets"):
        fit_raters(data, noncentre="unit")
    with pytest.raises(ParameterError, match="method"):
        fit_raters(data, method="bayes")
    with pytest.raises(ParameterError, match="belongs to method='joint'"):
        fit_raters(data, method="marginal", correction="joint_bias")
    with pytest.raises(EstimationError):
        fit_raters(data.assign(rating=3))
    with pytest.raises(EstimationError, match="no row"):
        fit_raters(data.assign(rating=np.nan))
