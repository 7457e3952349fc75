"""Mean gaps, clusters, families, strata (B6), decomposition (B8), raters, cells: known answers, peers, properties."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.oaxaca import OaxacaBlinder
from statsmodels.stats.power import TTestIndPower

from kinerja.fairness import gaps, strata
from kinerja.fairness.cells import estimate_cells, hidden_cells
from kinerja.fairness.decomposition import estimate_two_fold
from kinerja.fairness.drf import estimate_rater_gaps, paule_mandel
from kinerja.fairness.verdict import verdict

BERKELEY = np.array(
    [[[512, 313], [89, 19]], [[353, 207], [17, 8]], [[120, 205], [202, 391]], [[138, 279], [131, 244]],
     [[53, 138], [94, 299]], [[22, 351], [24, 317]]]
)  # fmt: skip
"""Admitted and rejected, men then women, six departments (Bickel, Hammel and O'Connell 1975)."""


def _samples(seed=0, n=30, m=45, shift=0.6):
    rng = np.random.default_rng(seed)
    return rng.normal(shift, 1, n), rng.normal(0, 1.4, m)


def test_welch_agrees_with_scipy():
    a, b = _samples()
    gap, peer = gaps.estimate_mean_gap(a, b), stats.ttest_ind(a, b, equal_var=False)
    assert (gap.p, gap.df) == (pytest.approx(peer.pvalue, rel=1e-10), pytest.approx(peer.df, rel=1e-10))
    assert (gap.conf_low, gap.conf_high) == pytest.approx(tuple(peer.confidence_interval(0.95)))


def test_a_group_of_one_or_without_variation_has_no_gap():
    assert gaps.estimate_mean_gap(np.array([4.0]), np.array([1.0, 2, 3])) is None
    assert gaps.estimate_mean_gap(np.full(20, 3.0), np.full(20, 3.0)) is None


def test_hedges_g_is_unbiased():
    rng = np.random.default_rng(3)
    found = [gaps.estimate_mean_gap(rng.normal(0.8, 1, 8), rng.normal(0, 1, 8)).standardised_gap for _ in range(4000)]
    assert np.mean(found) == pytest.approx(0.8, abs=4 * np.std(found) / np.sqrt(4000))  # four standard errors


@pytest.mark.parametrize("n", [8, 20, 100])
def test_detectable_agrees_with_statsmodels(n):
    peer = TTestIndPower().solve_power(nobs1=n, alpha=0.05, power=0.8)
    assert gaps.detectable_mean(np.sqrt(2 / n), 2 * n - 2) == pytest.approx(peer, abs=1e-6)


def test_detectable_difference_is_found_as_often_as_said():
    rng = np.random.default_rng(1)
    n, m = 25, 60
    std_error, df = gaps.welch_error(1.0, n, 1.0, m)
    distance = gaps.detectable_mean(std_error, df)
    found = np.mean(
        [gaps.estimate_mean_gap(rng.normal(distance, 1, n), rng.normal(0, 1, m)).p < 0.05 for _ in range(2000)]
    )
    assert found == pytest.approx(0.8, abs=0.036)  # four standard errors of 2,000 draws


@given(st.integers(0, 10_000), st.floats(-1.5, 1.5))
@settings(deadline=None, max_examples=40)
def test_swapping_the_groups_flips_the_sign(seed, shift):
    a, b = _samples(seed, 12, 9, shift)
    one, two = gaps.estimate_mean_gap(a, b), gaps.estimate_mean_gap(b, a)
    assert (two.difference, two.standardised_gap) == pytest.approx((-one.difference, -one.standardised_gap))
    assert (two.conf_low, two.conf_high, two.p) == pytest.approx((-one.conf_high, -one.conf_low, one.p))
    assert gaps.mean_flips(a, b) == gaps.mean_flips(b, a)


@given(st.integers(0, 10_000), st.sampled_from([0.3, 1.5]))
@settings(deadline=None, max_examples=12)
def test_flips_by_trying_every_pair_of_people(seed, shift):
    """One or two persons set aside, any of them: no fewer flip it than the ends do, nearly always the same number."""
    a, b = _samples(seed, 7, 8, shift)
    shown = gaps.estimate_mean_gap(a, b).p < 0.05
    found = gaps.mean_flips(a, b)

    def flipped(left_out):
        rest = [np.delete(a, [i for i in left_out if i < 7]), np.delete(b, [i - 7 for i in left_out if i >= 7])]
        gap = gaps.estimate_mean_gap(*rest)
        same_side = np.sign(gap.difference) == np.sign(a.mean() - b.mean())
        return (gap.p < 0.05) != shown and (shown or same_side)

    by_hand = next((k for k in (1, 2) if any(flipped(c) for c in itertools.combinations(range(15), k))), None)
    if found is not None and found <= 2:
        assert by_hand is not None and by_hand <= found
    if by_hand is not None:
        assert found is not None and found <= by_hand + 1  # an outlier can hide a gap: its removal is not at these ends


def test_design_effect_against_simulation():
    """Groups under few supervisors: the variance of the difference is deff times that of independent persons."""
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(20), 6)
    group = (cluster < 8) ^ (rng.random(120) < 0.15)
    draws = rng.normal(0, 1, (4000, 20))[:, cluster] + rng.normal(0, 2, (4000, 120))
    differences = draws[:, group].mean(axis=1) - draws[:, ~group].mean(axis=1)
    independent = 5 * (1 / group.sum() + 1 / (~group).sum())
    effects = [gaps.cluster_effect(d, group, cluster) for d in draws[:400]]
    true = differences.var() / independent
    # the estimated share between supervisors is noisy and a part of it goes into the groups' own means
    assert np.mean([e.deff for e in effects]) == pytest.approx(true, rel=0.15)
    assert true > 1.4


def test_without_clusters_or_within_them_nothing_is_lost():
    rng = np.random.default_rng(4)
    cluster = np.repeat(np.arange(10), 6)
    balanced = np.tile([True, False], 30)
    values = rng.normal(0, 3, 10)[cluster] + rng.normal(0, 1, 60)
    assert gaps.cluster_effect(values, balanced, cluster).deff == 1
    assert gaps.clustered_p(0.03, gaps.cluster_effect(values, balanced, cluster)) == 0.03


def test_verdicts():
    same = {"tested": True, "level": 0.05, "material": 0.5}
    assert verdict(**same, p_adjusted=0.01, room=2)[0] == "shown"
    assert verdict(**same, p_adjusted=0.4, room=0.3)[0] == "not_shown"
    assert verdict(**same, p_adjusted=0.4, room=0.9) == ("cannot_tell", "low_power")
    assert verdict(**same | {"tested": False}, p_adjusted=0.01, room=0.1)[0] == "cannot_tell"
    assert verdict(**same, p_adjusted=np.nan, room=0.1)[0] == "cannot_tell"


def test_berkeley_admissions():
    """B6, as R's mantelhaen.test: pooled, the women's rate fails four fifths; within departments nothing is left."""
    men, women = BERKELEY.sum(axis=0)
    assert men[0] / men.sum() == pytest.approx(0.4452, abs=5e-5)
    assert women[0] / women.sum() == pytest.approx(0.3035, abs=5e-5)
    assert (women[0] / women.sum()) / (men[0] / men.sum()) == pytest.approx(0.6818, abs=5e-5)
    found = strata.estimate_mantel_haenszel(BERKELEY)
    assert found.odds_ratio == pytest.approx(0.904697, abs=5e-7)
    assert (found.conf_low, found.conf_high) == pytest.approx((0.771907, 1.060330), abs=5e-7)
    assert (found.chi2, found.p) == (pytest.approx(1.4269, abs=5e-5), pytest.approx(0.2323, abs=5e-5))
    assert (found.chi2_uncorrected, found.p_uncorrected) == pytest.approx((1.5246, 0.2169), abs=5e-5)
    assert (found.breslow_day, found.breslow_day_p) == (
        pytest.approx(18.826, abs=5e-4),
        pytest.approx(0.00207, abs=5e-6),
    )
    assert (found.delta, found.ets_class) == (pytest.approx(0.235, abs=5e-4), "A")
    without = strata.estimate_mantel_haenszel(BERKELEY[1:])
    assert (without.odds_ratio, without.p_uncorrected) == pytest.approx((1.0310, 0.724), abs=5e-4)


def test_mute_strata_and_impossible_ratios():
    """A stratum with one group or one outcome says nothing; an infinite ratio is not estimated."""
    mute = np.array([[[5, 7], [0, 0]], [[3, 0], [4, 0]]])
    found = strata.estimate_mantel_haenszel(np.concatenate([BERKELEY, mute]))
    assert found.strata == 6
    assert found.odds_ratio == pytest.approx(0.904697, abs=5e-7)
    assert strata.estimate_mantel_haenszel(mute) is None
    assert strata.estimate_mantel_haenszel(np.array([[[5, 0], [2, 6]]])) is None


def test_breslow_day_where_the_common_odds_ratio_is_one():
    """statsmodels 0.15 returns NaN there; by continuity from a table next to it."""
    tables = np.array([[[20, 10], [10, 20]], [[10, 20], [20, 10]]])
    beside = tables.astype(float)
    beside[0, 0, 0] += 1e-5
    exact, near = strata.estimate_mantel_haenszel(tables), strata.estimate_mantel_haenszel(beside)
    assert exact.odds_ratio == pytest.approx(1)
    assert exact.breslow_day == pytest.approx(near.breslow_day, rel=1e-4)


@pytest.mark.parametrize(
    ("delta", "error", "p", "letter"),
    [(0.8, 0.1, 0.0, "A"), (2.0, 0.9, 0.2, "A"), (1.2, 0.2, 0.01, "B"), (1.6, 0.5, 0.01, "B"), (-1.8, 0.3, 0.0, "C")],
)
def test_ets_classes(delta, error, p, letter):
    assert strata.ets_class(delta, error, p) == letter


def _office(seed=0, n=240, shift=0.0):
    rng = np.random.default_rng(seed)
    unit = rng.integers(0, 6, n)
    group = rng.random(n) < 0.2 + 0.1 * unit
    x = rng.normal(0, 1, n) + unit
    y = unit + 0.5 * x + shift * group + rng.normal(0, 1, n)
    return y, group, unit, x


def test_stratified_gap_is_least_squares_with_unit_effects():
    y, group, unit, _ = _office(1, shift=0.4)
    found = strata.estimate_stratified_gap(y, group, unit)
    peer = sm.OLS(y, np.column_stack([group.astype(float), np.eye(6)[unit]])).fit()
    assert (found.estimate, found.std_error, found.p) == pytest.approx((peer.params[0], peer.bse[0], peer.pvalues[0]))
    crossed = np.column_stack([np.eye(6)[unit], np.eye(6)[unit] * group[:, None]])
    f = sm.OLS(y, crossed).fit().compare_f_test(peer)
    assert (found.homogeneity, found.homogeneity_p) == pytest.approx((f[0], f[1]))
    assert found.weights @ y == pytest.approx(found.estimate)


def test_matched_gap_and_logistic_dif_agree_with_statsmodels():
    y, group, _, x = _office(2, shift=0.5)
    found = strata.estimate_matched_gap(y, group, x)
    design = sm.add_constant(np.column_stack([x, group.astype(float)]))
    peer = sm.OLS(y, design).fit(cov_type="HC3", use_t=True)
    assert (found.estimate, found.std_error) == pytest.approx((peer.params[2], peer.bse[2]))
    has = y > np.quantile(y, 0.7)
    dif = strata.estimate_logistic_dif(has, group, x)
    full = sm.Logit(has.astype(float), design).fit(disp=0)
    null = sm.Logit(has.astype(float), design[:, :2]).fit(disp=0)
    assert dif.estimate == pytest.approx(full.params[2], rel=1e-5)
    assert dif.p == pytest.approx(stats.chi2.sf(2 * (full.llf - null.llf), 1), rel=1e-5)


def test_a_separated_outcome_is_not_estimated():
    y, group, _, x = _office(3)
    assert strata.estimate_logistic_dif(group.copy(), group, x) is None
    assert strata.estimate_logistic_dif(x > 2, group, x) is None
    assert strata.estimate_matched_gap(y, group, np.full(len(y), 4.0)) is None


def test_oaxaca_credit_cards():
    """B8, statsmodels' ccard data split by OWNRENT."""
    data = sm.datasets.ccard.load_pandas().data
    y, x = data["AVGEXP"].to_numpy(), data[["AGE", "INCOME", "INCOMESQ"]].to_numpy()
    owners = data["OWNRENT"].to_numpy() == 1
    found = estimate_two_fold(y, x, owners)
    assert (found.gap, found.unexplained, found.explained) == pytest.approx((158.75044, 27.94091, 130.80954), abs=5e-6)
    assert found.contributions.sum() == pytest.approx(found.explained)
    swapped = estimate_two_fold(y, x, ~owners)
    assert (swapped.gap, swapped.explained) == pytest.approx((-found.gap, -found.explained))
    reimers = estimate_two_fold(y, x, owners, coefficients="reimers")
    assert (reimers.unexplained, reimers.explained) == pytest.approx((-43.7720, 202.5225), abs=5e-5)


def test_cotton_weighs_each_group_by_its_own_share():
    """B8: -13.9656 and 172.7161 for Cotton are what statsmodels prints after swapping the groups but not their sizes.

    Cotton (1988) weighs a group's coefficients by that group's own share; owners are 27 of 72.
    """
    data = sm.datasets.ccard.load_pandas().data
    y, x = data["AVGEXP"].to_numpy(), data[["AGE", "INCOME", "INCOMESQ"]].to_numpy()
    owners = data["OWNRENT"].to_numpy() == 1
    design = sm.add_constant(x)
    own, rent = (sm.OLS(y[side], design[side]).fit().params for side in (owners, ~owners))
    difference = design[owners].mean(axis=0) - design[~owners].mean(axis=0)
    share = owners.mean()
    found = estimate_two_fold(y, x, owners, coefficients="cotton")
    assert found.explained == pytest.approx(difference @ (share * own + (1 - share) * rent))
    assert found.contributions.sum() == pytest.approx(found.explained)
    swapped_sizes = difference @ ((1 - share) * own + share * rent)
    assert (found.gap - swapped_sizes, swapped_sizes) == pytest.approx((-13.9656, 172.7161), abs=5e-5)
    peer = OaxacaBlinder(data["AVGEXP"], data[["AGE", "INCOME", "INCOMESQ", "OWNRENT"]], "OWNRENT", hasconst=False)
    assert peer.two_fold(two_fold_type="cotton").params[:2] == pytest.approx((-13.9656, 172.7161), abs=5e-5)
    assert peer.three_fold().params[:3] == pytest.approx((321.74824, 75.45371, -238.45151), abs=5e-6)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_a_decomposition_sums(seed):
    y, group, unit, x = _office(seed, 120, 1.0)
    characteristics = np.column_stack([x, unit > 2, x**2])
    found = estimate_two_fold(y, characteristics, group)
    assert found.explained + found.unexplained == pytest.approx(found.gap, abs=1e-9)
    assert found.gap == pytest.approx(y[group].mean() - y[~group].mean(), abs=1e-9)


def test_errors_of_the_decomposition_against_the_bootstrap():
    y, group, _, x = _office(7, 300, 0.8)
    found = estimate_two_fold(y, x[:, None], group)
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(300):
        i = rng.integers(0, 300, 300)
        again = estimate_two_fold(y[i], x[i, None], group[i])
        draws.append((again.explained, again.unexplained))
    # 300 resamples know a standard deviation to 4 %; three of these
    assert np.std(draws, axis=0) == pytest.approx((found.explained_std_error, found.unexplained_std_error), rel=0.13)


def test_rater_gaps_without_true_differences_are_not_raised():
    """Share of raters with p under 5 % among 40 raters of 12 people, no rater differing from another."""
    rng = np.random.default_rng(11)
    shares, kept = [], []
    for _ in range(150):
        n, m = np.full(40, 5.0), np.full(40, 7.0)
        gap = rng.normal(2.0, 3 * np.sqrt(1 / n + 1 / m))
        variance = 9 * rng.chisquare(400) / 400
        found = estimate_rater_gaps(gap, n, m, variance, 400.0)
        shares.append((found.p < 0.05).mean())
        kept.append(np.abs(found.estimate).mean() / np.abs(found.deviation).mean())
    assert np.mean(shares) == pytest.approx(0.05, abs=0.012)  # 6,000 p, four standard errors
    assert np.mean(kept) < 0.15


def test_paule_mandel_recovers_a_variance():
    rng = np.random.default_rng(6)
    variance = np.full(200, 1.5)
    found = [paule_mandel(rng.normal(0, np.sqrt(2.0 + 1.5), 200), variance) for _ in range(60)]
    assert np.mean(found) == pytest.approx(2.0, abs=0.2)
    assert paule_mandel(np.array([1.0, 1.01]), np.array([4.0, 4.0])) == 0


def test_cells_are_pulled_towards_their_groups():
    """Partial pooling beats raw means on cells with few people, and equals the additive model without interactions."""
    rng = np.random.default_rng(8)
    design = np.array([[1, a == 1, b == 1, b == 2, b == 3] for a in range(2) for b in range(4)], dtype=float)
    truth = design @ np.array([70, 2, 1, -1, 3.0])
    n = np.array([6, 9, 30, 80, 7, 12, 40, 60.0])
    raw, pooled = [], []
    for _ in range(300):
        true = truth + rng.normal(0, 0.8, 8)
        mean = true + rng.normal(0, 6 / np.sqrt(n))
        found = estimate_cells(mean, n, design, 36.0)
        raw.append((mean - true) ** 2)
        pooled.append((found.estimate - true) ** 2)
        assert (np.abs(found.estimate - found.additive) <= np.abs(mean - found.additive) + 1e-9).all()
    assert np.mean(pooled) < 0.8 * np.mean(raw)  # measured .69


def test_hidden_cells_cannot_be_had_by_subtraction():
    index = pd.MultiIndex.from_product([list("LP"), ["II", "III", "IV"]])
    counts = pd.Series([3, 40, 30, 25, 60, 12], index=index)
    hidden = hidden_cells(counts, 5)
    assert hidden[("L", "II")] and not hidden.all()
    table = hidden.unstack()
    assert ((table.sum(axis=1) != 1) & (table.sum(axis=0) != 1).all()).all(), "a hidden cell never stands alone"
    assert not hidden_cells(counts + 5, 5).any()


@given(st.lists(st.integers(0, 30), min_size=6, max_size=6))
@settings(deadline=None, max_examples=100)
def test_no_line_hides_a_single_cell(counts):
    index = pd.MultiIndex.from_product([list("LP"), ["II", "III", "IV"]])
    filled = pd.Series(counts, index=index)
    filled = filled[filled > 0]
    if filled.empty:
        return
    hidden = hidden_cells(filled, 5)
    assert hidden[filled < 5].all()
    for level in (0, 1):
        for _, line in hidden.groupby(level=level):
            assert line.sum() != 1 or len(line) == 1
            assert line.all() or not line.any() or filled[line[line].index].sum() >= 5
