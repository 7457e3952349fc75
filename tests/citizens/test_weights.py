"""Design-based means, raking and post-stratification against R's survey package and published weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja.citizens.design import band_probabilities, estimate_mean, kish_effective_n, logit_interval
from kinerja.citizens.margins import linearised, representativeness, weighted_indexes
from kinerja.citizens.weights import calibrated_mean, rake
from kinerja.rules import load_rules
from kinerja.rules.lookup import elements

SKM = "permenpanrb-14-2017"

REFERENCE = Path(__file__).parents[1] / "reference"
SCHOOLS = {"E": 4421, "H": 755, "M": 1018}
"""Schools of California by type (California Department of Education, Academic Performance Index 2000)."""

DISTRICTS = 757
PRINTED = 5e-5  # figures are printed to four decimals


@pytest.fixture(scope="module")
def stratified():
    frame = pd.read_csv(REFERENCE / "api_2000_stratified.csv")
    size, n = frame["stype"].map(SCHOOLS).to_numpy(float), frame["stype"].map(frame["stype"].value_counts())
    return frame, pd.factorize(frame["stype"])[0], size / n.to_numpy(float), size


@pytest.fixture(scope="module")
def clusters():
    frame = pd.read_csv(REFERENCE / "api_2000_clusters.csv")
    districts = np.full(len(frame), float(DISTRICTS))
    weight = np.full(len(frame), sum(SCHOOLS.values()) / len(frame))
    return frame, pd.factorize(frame["district"])[0], weight, districts


def test_stratified_sample_as_r_survey(stratified):
    """C1: R survey 4.5, svymean(~api00, dstrat), svytotal(~enroll, dstrat)."""
    frame, stratum, weight, size = stratified
    score = frame["api00"].to_numpy(float)
    mean = estimate_mean(score, weights=weight, stratum=stratum, population=size)
    assert (mean.mean, mean.std_error) == pytest.approx((662.2874, 9.40894), abs=PRINTED)
    assert mean.deff == pytest.approx(1.2045, abs=PRINTED)
    total = estimate_mean(frame["enroll"].to_numpy(float), weights=weight, stratum=stratum, population=size)
    assert (total.total, total.total_std_error) == pytest.approx((3_687_177.53, 114_641.716), abs=0.02)
    # R's file holds the weights in single precision (44.209999), hence one hundredth in 3.7 million
    free = estimate_mean(score, weights=weight, stratum=stratum)
    assert free.std_error == pytest.approx(9.5361, abs=PRINTED)
    assert kish_effective_n(weight) == pytest.approx(168.58, abs=0.005)


def test_cluster_sample_as_r_survey(clusters):
    """C2: svymean(~api00, dclus1), 15 districts of 757."""
    frame, psu, weight, districts = clusters
    mean = estimate_mean(frame["api00"].to_numpy(float), weights=weight, psu=psu, population=districts)
    assert (mean.mean, mean.std_error) == pytest.approx((644.1694, 23.5422), abs=PRINTED)
    assert mean.df == 14


def test_raked_cluster_sample_as_r_survey(clusters):
    """C3: rake(dclus1, list(~stype, ~sch.wide), ...), tests/rakecheck.Rout.save."""
    frame, psu, weight, districts = clusters
    types, kinds = sorted(SCHOOLS), ["No", "Yes"]
    codes = [
        pd.Categorical(frame["stype"], types).codes.astype(int),
        pd.Categorical(frame["school_wide"], kinds).codes.astype(int),
    ]
    targets = [np.array([float(SCHOOLS[t]) for t in types]), np.array([1072.0, 5122.0])]
    raked = rake(codes, targets, weights=weight)
    assert raked.convergence.converged
    mean = calibrated_mean(
        frame["api00"].to_numpy(float), raked.weights, codes, weights=weight, psu=psu, population=districts
    )
    assert mean.mean == pytest.approx(641.2303, abs=PRINTED)
    assert mean.std_error == pytest.approx(23.704, abs=5e-4)
    enrolled = calibrated_mean(
        frame["enroll"].to_numpy(float), raked.weights, codes, weights=weight, psu=psu, population=districts
    )
    assert (enrolled.total, enrolled.total_std_error) == pytest.approx((3_647_280, 400_603), abs=0.5)


def test_weights_of_the_weightfactors_readme():
    """C10: 4 men and 6 women weighted to halves."""
    weights = rake([np.array([0] * 4 + [1] * 6)], [np.array([5.0, 5.0])]).weights
    assert weights[:4] == pytest.approx(1.25)
    assert weights[4:] == pytest.approx(0.8333, abs=PRINTED)


def test_a_category_without_respondents_cannot_be_met():
    raked = rake([np.array([0, 0, 1])], [np.array([1.0, 1.0, 1.0])])
    assert (raked.convergence.converged, raked.convergence.code) == (False, "empty_category")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_raked_margins_are_met_and_scale_changes_no_mean(seed):
    rng = np.random.default_rng(seed)
    n = 80
    codes = [np.concatenate([np.arange(k), rng.integers(0, k, n - k)]) for k in (2, 3)]
    targets = [n * rng.dirichlet(np.full(k, 20.0)) for k in (2, 3)]
    values = rng.normal(3, 1, n)
    raked = rake(codes, targets)
    if not raked.convergence.converged:
        return  # with few respondents in a crossing the margins need not have a solution
    for code, goal in zip(codes, targets, strict=True):
        assert np.bincount(code, raked.weights) == pytest.approx(goal)
    twice = calibrated_mean(values, 2 * raked.weights, codes)
    once = calibrated_mean(values, raked.weights, codes)
    assert (twice.mean, twice.std_error) == pytest.approx((once.mean, once.std_error))


def test_strata_change_the_variance_never_the_estimate():
    rng = np.random.default_rng(1)
    stratum = rng.integers(0, 3, 90)
    values = rng.normal(stratum, 1.0)
    plain, by = estimate_mean(values), estimate_mean(values, stratum=stratum)
    assert by.mean == plain.mean
    assert by.std_error < plain.std_error


def test_a_lonely_psu_gives_no_variance_rather_than_none():
    assert np.isnan(estimate_mean(np.array([1.0, 2.0, 3.0]), stratum=np.array([0, 0, 1])).std_error)


def test_linearised_values_average_to_the_mean_of_means():
    rng = np.random.default_rng(0)
    answers = rng.integers(1, 5, (50, 9)).astype(float)
    answers[rng.random((50, 9)) < 0.2] = np.nan
    weights = rng.uniform(0.5, 2, 50)
    means = [np.average(a[np.isfinite(a)], weights=weights[np.isfinite(a)]) for a in answers.T]
    assert np.average(linearised(answers, weights), weights=weights) == pytest.approx(np.mean(means))


def test_bands_and_interval_agree():
    estimate, error, df = np.array([76.0]), np.array([2.0]), np.array([50.0])
    low, high = logit_interval(estimate, error, df, (25.0, 100.0), 0.95)
    chance = band_probabilities(estimate, error, df, (25.0, 100.0), (float(low[0]), float(high[0])))
    assert chance[0] == pytest.approx([0.025, 0.95, 0.025])


def test_weighting_to_margins_moves_the_index_towards_the_group_that_answered_too_little():
    rng = np.random.default_rng(5)
    sex = np.array(["P"] * 150 + ["L"] * 50)
    mood = np.where(sex == "P", 3.4, 2.6)
    names = elements(load_rules(on=pd.Timestamp("2026-01-01").date()), rule=SKM)
    frame = pd.DataFrame(np.clip(np.rint(mood[:, None] + rng.normal(0, 0.5, (200, 9))), 1, 4), columns=list(names))
    frame["sex"] = sex
    table = weighted_indexes(
        frame,
        elements=names,
        margins={"sex": {"L": 0.5, "P": 0.5}},
        population={},
        factor=25.0,
        scale=(1.0, 4.0),
        confidence=0.95,
    ).set_index("method")
    halves = frame.groupby("sex")[list(names)].mean().mean(axis=1)
    assert table.loc["margins", "estimate"] == pytest.approx(25 * halves.mean())
    assert table.loc["margins", "effective_n"] == pytest.approx(200**2 / (150 * (100 / 150) ** 2 + 50 * 2**2))
    shares = representativeness(frame, {"sex": {"L": 0.5, "P": 0.5}}).set_index("value")
    assert shares.loc["P", "difference"] == pytest.approx(0.25)
    assert shares.loc["P", "p"] < 0.001
    missing = weighted_indexes(
        frame, elements=names, margins={"sex": {"L": 0.4, "P": 0.4, "X": 0.2}}, population={}, factor=25.0,
        scale=(1.0, 4.0), confidence=0.95,
    ).set_index("method")  # fmt: skip
    assert missing.loc["margins", "reason"] == "margin_without_responses"
