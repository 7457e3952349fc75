"""Rates: published and reproduced cases (known-answers B1-B5, B9, B10), naive counts, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from kinerja.fairness import rates
from kinerja.multiplicity import adjust, holm

COUNTS = st.integers(1, 60).flatmap(
    lambda n: st.integers(1, 60).flatmap(
        lambda m: st.tuples(st.integers(0, n), st.just(n), st.integers(0, m), st.just(m))
    )
)


def test_ugesp_question_on_four_fifths():
    """B1, Questions and Answers 1979: of 100 each, White 60, American Indian 45, Hispanic 48, Black 51."""
    ratios = [a / 60 for a in (45, 48, 51)]
    assert ratios == pytest.approx([0.75, 0.80, 0.85])
    flags = [rates.below_four_fifths(a, 100, 60, 100) for a in (45, 48, 51)]
    assert flags == [True, False, False], "exactly 0.80 is not under four fifths"


def test_exactly_four_fifths_is_exact_where_floats_are_not():
    assert not rates.below_four_fifths(8, 25, 2, 5)  # .32 / .40 = 0.7999999999999999 in floats
    assert (8 / 25) / (2 / 5) < 0.8


def test_ugesp_example():
    """B2: 48 of 80 against 12 of 40."""
    gap = rates.estimate_rate_gap(12, 40, 48, 80)
    assert gap.ratio == pytest.approx(0.5, abs=1e-12)
    assert (gap.ratio_low, gap.ratio_high) == (pytest.approx(0.301, abs=5e-4), pytest.approx(0.829, abs=5e-4))
    assert gap.p_fisher == pytest.approx(0.003409, abs=5e-7)
    chi2 = stats.chi2_contingency([[12, 28], [48, 32]], correction=False)
    assert (chi2.statistic, chi2.pvalue) == (pytest.approx(9.6, abs=5e-4), pytest.approx(0.001946, abs=5e-7))
    assert gap.p < gap.p_fisher < 0.01


def test_ugesp_too_small():
    """B3: 3 of 20 against 1 of 10: a ratio of two thirds, and one more hire reverses it."""
    gap = rates.estimate_rate_gap(1, 10, 3, 20)
    assert gap.ratio == pytest.approx(2 / 3)
    assert gap.p_fisher == pytest.approx(1.0)
    assert (gap.ratio_low, gap.ratio_high) == (pytest.approx(0.079, abs=5e-4), pytest.approx(5.62, abs=5e-3))
    assert rates.flips_direction(1, 10, 3, 20) == 1


@pytest.mark.parametrize(
    ("n", "p", "x", "expected", "spread", "z"),
    [
        (870, 0.791, 339, 688.17, 11.99, -29.11),  # B4 Castaneda v. Partida
        (405, 0.154, 15, 62.37, 7.264, -6.52),  # B5 Hazelwood, county
        (405, 0.057, 15, 23.085, 4.666, -1.73),  # B5 Hazelwood, without the city: the reference decides
    ],
)
def test_courts_binomial(n, p, x, expected, spread, z):
    mean, sd = stats.binom.stats(n, p)[0], math.sqrt(stats.binom.stats(n, p)[1])
    assert mean == pytest.approx(expected, abs=5e-3)
    assert sd == pytest.approx(spread, abs=5e-3)
    assert (x - mean) / sd == pytest.approx(z, abs=1e-2)


def test_lady_tasting_tea():
    """B10; the mid-P takes half of the table's own probability 16/70 off the two-sided p."""
    assert rates.fisher_p(3, 4, 1, 4) == pytest.approx(0.485714, abs=5e-7)
    assert rates.fisher_mid_p(3, 4, 1, 4) == pytest.approx(0.485714 - 8 / 70, abs=5e-7)


def test_benjamini_hochberg_1995():
    """B9: rejections at 5 % and adjusted p."""
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1,
    ]
    counts = {f: int((adjust(p, f) <= 0.05).sum()) for f in ("bonferroni", "holm", "hochberg", "bh", "by")}
    assert counts == {"bonferroni": 3, "holm": 3, "hochberg": 3, "bh": 4, "by": 3}
    assert adjust(p, "bh")[3:5] == pytest.approx([0.0356, 0.0603], abs=5e-5)


METHODS = {"bh": "fdr_bh", "by": "fdr_by", "holm": "holm", "hochberg": "simes-hochberg", "bonferroni": "bonferroni"}


@given(st.lists(st.sampled_from([0.0, 1e-9, 0.001, 0.01, 0.02, 0.02, 0.2, 0.5, 1.0]) | st.floats(0, 1), min_size=1))
@settings(deadline=None, max_examples=60)
def test_adjusted_p_equal_those_of_statsmodels(p):
    for family, method in METHODS.items():
        assert adjust(p, family) == pytest.approx(multipletests(p, method=method)[1], abs=1e-12)
    assert holm(np.array(p)) == pytest.approx(adjust(p, "holm"))


def test_a_test_that_was_not_made_does_not_count():
    p = np.array([0.01, np.nan, 0.04])
    adjusted = adjust(p, "bh")
    assert np.isnan(adjusted[1])
    assert adjusted[[0, 2]] == pytest.approx([0.02, 0.04])


@given(COUNTS)
@settings(deadline=None, max_examples=150)
def test_fisher_agrees_with_scipy(counts):
    a, n, b, m = counts
    assert rates.fisher_p(a, n, b, m) == pytest.approx(stats.fisher_exact([[a, n - a], [b, m - b]])[1], abs=1e-9)


@given(COUNTS)
@settings(deadline=None, max_examples=150)
def test_naive_mid_p(counts):
    a, n, b, m = counts
    chance = stats.hypergeom(n + m, a + b, n)
    own = chance.pmf(a)
    p = sum(chance.pmf(x) for x in range(n + 1) if chance.pmf(x) <= own * (1 + 1e-7))
    assert rates.fisher_mid_p(a, n, b, m) == pytest.approx(min(1.0, p - own / 2), abs=1e-9)


@given(COUNTS)
@settings(deadline=None, max_examples=150)
def test_swapping_the_groups_flips_the_sign_and_nothing_else(counts):
    a, n, b, m = counts
    one, two = rates.estimate_rate_gap(a, n, b, m), rates.estimate_rate_gap(b, m, a, n)
    assert two.difference == pytest.approx(-one.difference, abs=1e-12)
    assert (two.conf_low, two.conf_high) == (pytest.approx(-one.conf_high), pytest.approx(-one.conf_low))
    assert two.p == pytest.approx(one.p, abs=1e-9)
    assert two.standardised_gap == pytest.approx(-one.standardised_gap)
    if a > 0 and b > 0:
        assert two.ratio == pytest.approx(1 / one.ratio)
        assert (two.ratio_low, two.ratio_high) == (
            pytest.approx(1 / one.ratio_high, rel=1e-5),
            pytest.approx(1 / one.ratio_low, rel=1e-5),
        )


@given(COUNTS)
@settings(deadline=None, max_examples=150)
def test_an_interval_always_has_width_and_holds_its_estimate(counts):
    """The published trap: a group of one never gets a zero-width interval."""
    gap = rates.estimate_rate_gap(*counts)
    assert gap.conf_low < gap.difference < gap.conf_high or (
        gap.conf_high - gap.conf_low > 0.01 and gap.conf_low <= gap.difference <= gap.conf_high
    )
    assert gap.ratio_high > gap.ratio_low
    if np.isfinite(gap.ratio):
        assert gap.ratio_low <= gap.ratio * (1 + 1e-9) and gap.ratio <= gap.ratio_high * (1 + 1e-9)


@pytest.mark.parametrize("counts", [(3, 20, 4, 10), (0, 12, 5, 30), (7, 7, 20, 40)])
def test_newcombe_agrees_with_statsmodels(counts):
    a, n, b, m = counts
    peer = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff")
    assert rates.newcombe_interval(a, n, b, m) == pytest.approx(peer, abs=1e-12)


@pytest.mark.parametrize("counts", [(0, 10, 3, 20), (0, 40, 9, 12)])
def test_score_interval_of_the_ratio_agrees_with_statsmodels(counts):
    """Where nobody of the group has the outcome; where a rate is 1 statsmodels 0.15 returns the end of its search."""
    a, n, b, m = counts
    peer = confint_proportions_2indep(a, n, b, m, method="score", compare="ratio", correction=False)
    assert rates.ratio_interval(a, n, b, m)[2] == pytest.approx(peer[1], rel=1e-4)


@given(COUNTS)
@settings(deadline=None, max_examples=60)
def test_flips_by_trying_everyone(counts):
    a, n, b, m = counts
    shown = rates.fisher_mid_p(a, n, b, m) < 0.05
    other = [abs(x - a) for x in range(n + 1) if (rates.fisher_mid_p(x, n, b, m) < 0.05) != shown]
    assert rates.flips(a, n, b, m) == min(other, default=None)


def test_exact_power_by_simulation():
    rng = np.random.default_rng(5)
    n, m, p, q = 40, 60, 0.15, 0.45
    hits = np.mean(
        [rates.fisher_mid_p(int(a), n, int(b), m) < 0.05
         for a, b in zip(rng.binomial(n, p, 3000), rng.binomial(m, q, 3000), strict=True)]
    )  # fmt: skip
    power = rates.rate_power(p, q, n, m)
    assert hits == pytest.approx(power, abs=4 * math.sqrt(power * (1 - power) / 3000))  # four standard errors


@pytest.mark.parametrize("size", [10, 20, 50, 100, 300])
def test_the_mid_p_keeps_its_level(size):
    assert (
        rates.rate_power(0.25, 0.25, size, size) <= 0.052
    )  # the mid-P may exceed its level by a hair; it does not here


def test_detectable_difference_has_the_power_asked_for():
    down, up = rates.detectable_rate(0.4, 60, 80)
    for rate in (0.4 - down, 0.4 + up):
        assert rates.rate_power(rate, 0.4, 60, 80) == pytest.approx(0.8, abs=1e-3)
    assert math.isnan(rates.detectable_rate(0.05, 20, 20)[0]), "no room below a rate of 0.05"


def test_normal_power_meets_the_exact_one(monkeypatch):
    exact = rates.rate_power(0.3, 0.4, 250, 250)
    monkeypatch.setattr(rates, "EXACT_TABLES", 0)
    assert rates.rate_power(0.3, 0.4, 250, 250) == pytest.approx(exact, abs=0.02)


def test_four_fifths_cries_wolf():
    """20 against 20 persons, true rate 0.25 in both: one of the two is under four fifths of the other in 65 %."""
    chance = stats.binom.pmf(np.arange(21), 20, 0.25)
    flagged = sum(
        chance[a] * chance[b] for a in range(21) for b in range(21)
        if rates.below_four_fifths(a, 20, b, 20) or rates.below_four_fifths(b, 20, a, 20)
    )  # fmt: skip
    assert flagged == pytest.approx(0.65, abs=0.005)
