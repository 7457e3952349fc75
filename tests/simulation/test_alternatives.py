"""Alternatives to calibration: published answers, naive formulas, and the controls of the benchmark's table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja.errors import EstimationError
from kinerja.simulation import SCENARIOS, simulate_office
from kinerja.simulation.alternatives import METHODS, compare_alternatives
from kinerja.simulation.alternatives.linked import fit_linked
from kinerja.simulation.alternatives.moderation import (
    deming_line,
    equipercentile,
    errors_in_variables,
    geometric_mean_line,
    moderate_linear,
    moderate_quadratic,
    moderate_rank,
    moderate_regression,
    ordinary_line,
)
from kinerja.simulation.alternatives.shrinkage import fit_rater_effects, james_stein, pooled_mean
from kinerja.simulation.alternatives.within import forced_distribution, mean_centred, ranks_within, zscores

# A class of the New South Wales HSC with its moderated marks, john-storyblog.blogspot.com/2013/07 (seven digits
# recomputed independently): school assessments and the same pupils' examination marks.
ASSESSMENT = np.array([90.0, 78, 75, 58, 55, 40])
EXAM = np.array([76.0, 92, 80, 60, 50, 51])

# Fuller 1987, table 1.2.1: yield of corn and soil nitrogen, whose error variance is known to be 57.
YIELD = np.array([86.0, 115, 90, 86, 110, 91, 99, 96, 99, 104, 96])
NITROGEN = np.array([70.0, 97, 53, 64, 95, 64, 50, 70, 94, 69, 51])

# Efron & Morris 1975: 18 batters, averages over their first 45 at bats of 1970 and over the rest of the season.
EARLY = np.array([.400, .378, .356, .333, .311, .311, .289, .267, .244, .244, .222, .222, .222, .222, .222, .200, .178,
                  .156])  # fmt: skip
LATE = np.array([.346, .298, .276, .222, .273, .270, .263, .210, .269, .230, .264, .256, .303, .264, .226, .285, .316,
                 .200])  # fmt: skip

# Rubin 1981: eight schools, effect of coaching and its standard error.
EFFECT = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
EFFECT_ERROR = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def test_hsc_class_by_parabola():
    moderated, parabola = moderate_quadratic(ASSESSMENT, EXAM)
    assert moderated == pytest.approx([92.000, 77.093, 73.842, 59.022, 57.042, 50.000], abs=5e-4)
    assert [parabola.a, parabola.b, parabola.c] == pytest.approx([54.50951, -0.536177, 0.01058598], rel=1e-6)
    assert moderated.mean() == pytest.approx(68.1667, abs=5e-5)
    assert [parabola.lowest_slope, parabola.highest_slope] == pytest.approx([0.311, 1.369], abs=5e-4)
    assert parabola.monotone


def test_hsc_class_by_other_ways():
    linear = [90.667, 79.417, 76.604, 60.666, 57.854, 43.791]
    assert moderate_linear(ASSESSMENT, EXAM) == pytest.approx(linear, abs=5e-4)
    regression = [86.824, 77.495, 75.163, 61.948, 59.616, 47.955]
    assert moderate_regression(ASSESSMENT, EXAM) == pytest.approx(regression, abs=5e-4)
    assert moderate_rank(ASSESSMENT, EXAM).tolist() == [92, 80, 76, 60, 51, 50]


def test_parabola_needs_three_marks():
    with pytest.raises(EstimationError, match="2 different marks found, a parabola needs 3"):
        moderate_quadratic(np.array([50.0, 60, 60]), np.array([50.0, 60, 70]))


def test_kolen_brennan_equipercentile():
    """Kolen & Brennan 2014, table 2.3, p. 41."""
    x = np.bincount([0, 0, 1, 1, 1, 2, 2, 3, 3, 4]).astype(float)
    moderated = equipercentile(x, np.array([0.1, 0.2, 0.2, 0.3, 0.2]))
    assert moderated == pytest.approx([0.50, 1.75, 2.8333, 3.50, 4.25], abs=5e-5)


def test_equipercentile_of_a_form_with_itself_changes_nothing():
    frequency = np.array([3.0, 1, 4, 1, 5])
    assert equipercentile(frequency, frequency) == pytest.approx(np.arange(5))


def test_equipercentile_refuses_negative_frequencies():
    with pytest.raises(EstimationError, match="y_frequency"):
        equipercentile(np.ones(3), np.array([1.0, -1, 2]))


def test_fuller_corn():
    line = errors_in_variables(NITROGEN, YIELD, error_variance=57.0)
    assert ordinary_line(NITROGEN, YIELD).slope == pytest.approx(0.34404, abs=5e-6)
    assert line.slope == pytest.approx(0.42316, abs=5e-6)
    assert line.intercept == pytest.approx(67.564, abs=5e-4)
    assert line.reliability == pytest.approx(0.81303, abs=5e-6)
    assert geometric_mean_line(NITROGEN, YIELD).slope == pytest.approx(0.53627, abs=5e-6)
    assert deming_line(NITROGEN, YIELD).slope == pytest.approx(0.40407, abs=5e-6)


def test_errors_cannot_exceed_all_variation():
    with pytest.raises(EstimationError, match="below the variance of x"):
        errors_in_variables(NITROGEN, YIELD, error_variance=400.0)


def test_efron_morris_baseball():
    grand = EARLY.mean()
    shrunk, factor = james_stein(EARLY, grand * (1 - grand) / 45)
    assert grand == pytest.approx(0.26539, abs=5e-6)
    assert factor == pytest.approx(0.2124, abs=5e-5)
    assert ((EARLY - LATE) ** 2).sum() == pytest.approx(0.0754, abs=5e-5)
    assert ((shrunk - LATE) ** 2).sum() == pytest.approx(0.0213, abs=5e-5)


def test_eight_schools_pool_completely():
    pooled = pooled_mean(EFFECT, EFFECT_ERROR)
    assert [pooled.estimate, pooled.std_error] == pytest.approx([7.6856, 4.0719], abs=5e-5)
    assert [pooled.q, pooled.p_value] == pytest.approx([4.7071, 0.696], abs=5e-4)
    assert pooled.between_variance == 0.0
    assert pooled.shrunk == pytest.approx(np.full(8, pooled.estimate))


def test_shrinkage_needs_four_means():
    with pytest.raises(EstimationError, match="3 means found"):
        james_stein(np.array([1.0, 2.0, 3.0]), 1.0)


scores = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 100)), min_size=1, max_size=40)  # supervisor, points


def _arrays(pairs):
    group = np.unique([g for g, _ in pairs], return_inverse=True)[1]
    return np.array([float(x) for _, x in pairs]), group


@given(scores)
@settings(deadline=None, max_examples=60)
def test_within_supervisor_ways_declare_all_teams_equal(pairs):
    score, group = _arrays(pairs)
    for way in (mean_centred, zscores):
        means = np.bincount(group, way(score, group)) / np.bincount(group)
        assert means == pytest.approx(np.full(len(means), score.mean()), abs=1e-8)


@given(scores)
@settings(deadline=None, max_examples=60)
def test_within_supervisor_ways_keep_the_order_of_a_team(pairs):
    score, group = _arrays(pairs)
    for way in (mean_centred, zscores, forced_distribution):
        adjusted = way(score, group)
        for g in np.unique(group):
            x, y = score[group == g], adjusted[group == g]
            order = np.argsort(x, kind="stable")
            assert (np.diff(y[order]) >= -1e-9).all()


@given(scores)
@settings(deadline=None, max_examples=60)
def test_ranks_are_those_of_pandas(pairs):
    score, group = _arrays(pairs)
    assert ranks_within(score, group) == pytest.approx(pd.Series(score).groupby(group).rank().to_numpy())


def test_mixed_model_equals_the_dense_formulas():
    """Predictions against ss m' V^-1 (y - X beta) with V written out, at the variances found."""
    rng = np.random.default_rng(4)
    unit, rater = np.repeat(np.arange(5), 4), np.r_[np.arange(18), 0, 7]
    y = 60 + rng.normal(0, 3, 5)[unit] + rng.normal(0, 4, 18)[rater] + rng.normal(0, 1, 20)
    error = rng.uniform(0.5, 2, 20)
    first, second = np.array([0, 5, 9]), np.array([1, 6, 12])
    difference, pair_error = np.array([2.0, -3.0, 1.0]), np.array([4.0, 5.0, 6.0])
    fit = fit_rater_effects(
        y, error, unit, rater, pair_first=first, pair_second=second, pair_difference=difference,
        pair_variance=pair_error, n_units=5, n_raters=18,
    )  # fmt: skip
    zu = np.vstack([np.eye(5)[unit], np.zeros((3, 5))])
    zs = np.vstack([np.eye(18)[rater], np.eye(18)[second] - np.eye(18)[first]])
    x = np.r_[np.ones(20), np.zeros(3)][:, None]
    data, d = np.r_[y, difference], np.diag(np.r_[error, pair_error])

    def parts(unit_variance, rater_variance):
        v = unit_variance * zu @ zu.T + rater_variance * zs @ zs.T + d
        inverse = np.linalg.inv(v)
        beta = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ data)
        residual = data - x @ beta
        loss = np.linalg.slogdet(v)[1] + np.linalg.slogdet(x.T @ inverse @ x)[1] + residual @ inverse @ residual
        return beta[0], rater_variance * zs.T @ inverse @ residual, loss / 2

    mean, effect, loss = parts(fit.unit_variance, fit.rater_variance)
    assert fit.mean == pytest.approx(mean, abs=1e-9)
    assert fit.rater == pytest.approx(effect, abs=1e-8)
    for factor in (0.97, 1.03):  # the optimum: 3 % either way is no better
        assert parts(fit.unit_variance * factor, fit.rater_variance)[2] >= loss - 1e-6
        assert parts(fit.unit_variance, fit.rater_variance * factor)[2] >= loss - 1e-6


def test_linked_raters_equal_dense_least_squares():
    rng = np.random.default_rng(5)
    ratee = np.r_[np.arange(30), 2, 9, 11, 20, 25]
    rater = np.r_[np.repeat(np.arange(6), 5), 1, 2, 0, 5, 4]  # raters 0-2, 4-5 and 3 are three linked sets
    score = rng.normal(60, 5, len(ratee))
    fit = fit_linked(score, ratee, rater)
    assert fit.n_subsets == 3
    assert fit.subset.tolist() == [0, 0, 0, 1, 2, 2]
    dense = np.hstack([np.eye(30)[ratee], np.eye(6)[rater]])
    effect = np.linalg.lstsq(dense, score, rcond=None)[0][30:]
    for raters in ([0, 1, 2], [4, 5]):
        assert np.diff(fit.rater[raters]) == pytest.approx(np.diff(effect[raters]), abs=1e-9)
    adjusted = np.bincount(ratee, score - fit.rater[rater], 30) / np.bincount(ratee)
    means = [adjusted[:15].mean(), adjusted[15:20].mean(), adjusted[20:].mean()]
    assert means == pytest.approx([means[0]] * 3, abs=1e-9)


def test_without_links_the_rater_model_is_mean_centring():
    office = simulate_office(SCENARIOS["S6"], seed=1)
    table = compare_alternatives(office.staff, office.ratings).scores
    assert (table["rater_model"] - table["centred"]).std() < 1e-9


def _ratios(name, seeds):
    rows = []
    for seed in seeds:
        office = simulate_office(SCENARIOS[name], seed=seed)
        table = compare_alternatives(office.staff, office.ratings, responses=office.responses).scores
        table = table.merge(office.true_scores, on=["period", "ratee"])
        errors = table[list(METHODS)].sub(table["true_points"], axis=0)
        errors["perfect"] = errors["raw"] - table["rating_effect"]
        rmse = errors.std(ddof=0)
        rows.append(pd.concat([pd.Series({"raw_rmse": rmse["raw"]}), rmse / rmse["raw"]]))
    return pd.DataFrame(rows).mean()


@pytest.mark.slow
def test_controls_reproduce_the_published_table():
    """Method page, section 12: within 0.02 of the ratio, plus 0.006 for 16 replications (SD of their mean .005)."""
    nested = _ratios("C01", range(16))
    expected = {"zscore": 1.162, "forced": 1.110, "moderated": 1.099, "shrinkage": 0.888, "perfect": 0.771}
    assert nested[list(expected)].to_dict() == pytest.approx(expected, abs=0.026)
    assert nested["raw_rmse"] == pytest.approx(7.45, abs=0.15)


def test_without_feedback_nothing_is_moderated():
    office = simulate_office(SCENARIOS["S6"], seed=1)
    table = compare_alternatives(office.staff, office.ratings, responses=office.responses).scores
    assert table[["moderated", "moderated_quadratic", "moderated_percentile"]].isna().all().all()
    assert table[["raw", "zscore", "forced", "centred", "rater_model", "shrinkage"]].notna().all().all()


def test_order_of_rows_does_not_matter():
    office = simulate_office(SCENARIOS["S7"], seed=2)
    one = compare_alternatives(office.staff, office.ratings, responses=office.responses)
    mixed = [f.sample(frac=1, random_state=3) for f in (office.staff, office.ratings, office.responses)]
    other = compare_alternatives(mixed[0], mixed[1], responses=mixed[2])
    # sums run in another order: equal up to rounding, the mixed model up to its optimiser's tolerance (points)
    pd.testing.assert_frame_equal(one.scores, other.scores, atol=1e-3, rtol=0)


def test_moderated_units_get_the_citizens_order():
    office = simulate_office(SCENARIOS["S1"], seed=3)
    table = compare_alternatives(office.staff, office.ratings, responses=office.responses).scores
    citizens = office.responses.set_index("unit").iloc[:, 7:].mean(axis=1).groupby("unit").mean()
    for method in ("moderated", "moderated_quadratic", "moderated_percentile"):
        means = table.groupby("unit")[method].mean()
        assert np.corrcoef(means, citizens.loc[means.index])[0, 1] == pytest.approx(1.0, abs=1e-3)


def test_plug_in_variance_of_rater_effects_holds_its_noise():
    """Kline, Saggio & Sølvsten 2020: least squares with moves adds the effects' sampling variance to their spread.

    Plug-in minus what dense algebra says the noise adds must be the true variance; their own data (56,044 observations,
    plug-in variance of firm effects .019821 against .010218 corrected) are not at hand, so a world with known truth.
    """
    rng = np.random.default_rng(7)
    people, raters, noise = 400, 40, 6.0
    ratee = np.repeat(np.arange(people), 2)
    rater = np.stack([rng.permutation(raters)[:2] for _ in range(people)]).ravel()
    true = rng.normal(0, 2.0, raters)
    ability = rng.normal(60, 5, people)[ratee]
    dense = np.hstack([np.eye(people)[ratee], np.eye(raters)[rater]])
    selector = np.vstack([np.zeros((people, raters)), np.eye(raters)]).T
    centred = np.eye(raters) - 1 / raters
    to_effects = centred @ selector @ np.linalg.pinv(dense)
    added = noise**2 * np.trace(to_effects @ to_effects.T) / raters
    plug_in = []
    for _ in range(40):
        score = ability + true[rater] + rng.normal(0, noise, 2 * people)
        effect = fit_linked(score, ratee, rater).rater
        assert effect - effect.mean() == pytest.approx(to_effects @ score, abs=1e-8)
        plug_in.append(effect.var())
    # mean of 40: standard error about 0.25 points squared at these sizes
    assert np.mean(plug_in) == pytest.approx(true.var() + added, abs=0.75)
    assert np.mean(plug_in) > 1.5 * true.var()
