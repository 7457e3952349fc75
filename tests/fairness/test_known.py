"""Published tables for the methods of fairness and feedback, beyond those beside each kernel's own tests."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kinerja.citizens.margins import representativeness
from kinerja.citizens.weights import calibrated_mean, rake
from kinerja.fairness.drf import paule_mandel
from kinerja.fairness.gaps import hedges_g
from kinerja.fairness.rates import _score_limit, cohen_h, newcombe_interval
from kinerja.fairness.strata import estimate_mantel_haenszel

REFERENCE = Path(__file__).parents[1] / "reference"
Z = float(stats.norm.ppf(0.975))


@pytest.mark.parametrize(
    ("counts", "limits"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((0, 10, 0, 10), (-0.2775, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((10, 10, 0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombe_1998(counts, limits):
    """Newcombe (1998), Statistics in Medicine 17, table II, method 10: all eight examples, empty cells too."""
    assert newcombe_interval(*counts) == pytest.approx(limits, abs=5e-5)


def test_koopman_1984():
    """Koopman (1984), Biometrics 40: 36 of 40 against 16 of 80, ratio 4.5 between 2.94 and 7.15."""
    low, high = (_score_limit(36, 40, 16, 80, Z, upper=side) for side in (False, True))
    assert (low, high) == pytest.approx((2.94, 7.15), abs=5e-3)


def test_eight_clinics():
    """Agresti (2002), Categorical Data Analysis, table 6.9: clinics with few cases, one of them none in an arm."""
    clinics = np.array(
        [[[11, 25], [10, 27]], [[16, 4], [22, 10]], [[14, 5], [7, 12]], [[2, 14], [1, 16]], [[6, 11], [0, 12]],
         [[1, 10], [0, 10]], [[1, 4], [1, 8]], [[4, 2], [6, 1]]]
    )  # fmt: skip
    found = estimate_mantel_haenszel(clinics)
    assert (found.chi2_uncorrected, found.p_uncorrected) == pytest.approx((6.3841, 0.0115), abs=5e-5)
    assert (found.odds_ratio, found.conf_low, found.conf_high) == pytest.approx((2.1345, 1.1776, 3.8692), abs=5e-5)
    assert (found.breslow_day, found.breslow_day_p) == pytest.approx((7.9955, 0.3330), abs=5e-5)


def test_penicillin_and_rabbits():
    """R's example of mantelhaen.test: strata in which a row or a column is empty say nothing."""
    rabbits = np.array(
        [[[0, 0], [6, 5]], [[3, 0], [3, 6]], [[6, 2], [0, 4]], [[5, 6], [1, 0]], [[2, 5], [0, 0]]]
    )  # fmt: skip
    found = estimate_mantel_haenszel(rabbits)
    assert (found.chi2, found.p) == (pytest.approx(3.9286, abs=5e-5), pytest.approx(0.04747, abs=5e-6))
    assert (found.odds_ratio, found.conf_low, found.conf_high) == pytest.approx((7, 1.026713, 47.725133), abs=5e-6)


def test_paule_mandel_on_the_bcg_trials():
    """The thirteen BCG trials (Colditz et al. 1994), log risk ratios: metafor's rma(method="PM") gives 0.3181."""
    cases = np.array([4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27])
    others = np.array([119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886])
    controls = np.array([11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29])
    rest = np.array([128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825])
    ratio = np.log(cases / (cases + others) / (controls / (controls + rest)))
    variance = 1 / cases - 1 / (cases + others) + 1 / controls - 1 / (controls + rest)
    assert paule_mandel(ratio, variance) == pytest.approx(0.3181, abs=5e-5)


def test_hedges_and_cohen():
    """Borenstein et al. (2009), chapter 4: means 103 and 100, SD 5.5 and 4.5, 50 a side; Cohen (1988), table 6.2.2."""
    assert hedges_g(3.0, 5.5**2, 50, 4.5**2, 50) == pytest.approx(0.5924, abs=5e-5)
    assert cohen_h(0.65, 0.45) == pytest.approx(1.875 - 1.471, abs=1e-3)


@pytest.mark.parametrize(
    ("n", "share", "counted", "z"),
    [(870, 0.791, 339, -29.11), (405, 0.154, 15, -6.52), (405, 0.057, 15, -1.73)],
    ids=["Castaneda", "Hazelwood, county", "Hazelwood, without the city"],
)
def test_those_counted_against_a_known_share(n, share, counted, z):
    """B4, B5 by the package's own comparison with a known margin; the court's z squared is its chi-squared."""
    frame = pd.DataFrame({"group": ["own"] * counted + ["other"] * (n - counted)})
    found = representativeness(frame, {"group": {"own": share, "other": 1 - share}})
    row = found[found["value"] == "own"].iloc[0]
    own = row["difference"] / math.sqrt(share * (1 - share) / n)
    assert own == pytest.approx(z, abs=5e-3)
    assert row["p"] == pytest.approx(2 * stats.norm.sf(abs(own)))


def test_a_mean_under_the_weights_of_the_weightfactors_readme():
    """C10: 4 men and 6 women, mean 7.25; weighted to halves 6.9792."""
    sex = np.array([0] * 4 + [1] * 6)
    values = np.array([4.5, 5.5, 6.0, 6.5, 7.5, 8.0, 8.0, 8.5, 9.0, 9.0])
    assert values.mean() == pytest.approx(7.25)
    weights = rake([sex], [np.array([5.0, 5.0])]).weights
    assert calibrated_mean(values, weights, [sex]).mean == pytest.approx(6.9792, abs=5e-5)


def test_post_stratified_clusters_as_r_survey():
    """R survey, example of postStratify: svymean(~api00, dclus1p), svytotal(~enroll, dclus1p)."""
    frame = pd.read_csv(REFERENCE / "api_2000_clusters.csv")
    types = {"E": 4421.0, "H": 755.0, "M": 1018.0}
    code = pd.Categorical(frame["stype"], sorted(types)).codes.astype(int)
    weight = np.full(len(frame), sum(types.values()) / len(frame))
    design = {"weights": weight, "psu": pd.factorize(frame["district"])[0], "population": np.full(len(frame), 757.0)}
    raked = rake([code], [np.array([types[t] for t in sorted(types)])], weights=weight).weights
    mean = calibrated_mean(frame["api00"].to_numpy(float), raked, [code], **design)
    total = calibrated_mean(frame["enroll"].to_numpy(float), raked, [code], **design)
    assert (mean.mean, mean.std_error) == pytest.approx((642.31, 23.921), abs=5e-3)
    assert (total.total, total.total_std_error) == pytest.approx((3_680_893, 406_293), abs=1)
