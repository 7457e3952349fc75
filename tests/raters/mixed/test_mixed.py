from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja import wording
from kinerja.errors import EstimationError, ParameterError
from kinerja.raters.mixed import fit_mixed
from kinerja.raters.mixed.design import build_design
from kinerja.raters.mixed.generalizability import estimate_generalizability
from kinerja.raters.mixed.likelihood import average_information, covariance_of_rest, criterion, factorize, score, traces
from kinerja.raters.mixed.optimise import _newton

SHARED = Path(__file__).parents[4] / "shared"
peers = pytest.mark.skipif(not (SHARED / "data").exists(), reason="the peers' data (../shared) are not here")
ALL = ("ratee", "rater", "item", "ratee:rater", "ratee:item", "rater:item")


def simulated(seed=1, ratees=30, raters=8, items=4, each=2, sd=(1.0, 0.6, 0.4, 0.5)):
    """Ratings of `each` raters for every ratee; sd of ratee, rater, item, error."""
    rng = np.random.default_rng(seed)
    ratee, rater, item = (rng.normal(0, s, n) for s, n in zip(sd, (ratees, raters, items), strict=False))
    rows = [
        (f"p{i:03d}", f"r{j:02d}", f"v{k}", 3 + ratee[i] + rater[j] + item[k] + rng.normal(0, sd[3]))
        for i in range(ratees)
        for j in rng.choice(raters, each, replace=False)
        for k in range(items)
    ]
    return pd.DataFrame(rows, columns=["ratee", "rater", "item", "rating"])


def dense_criterion(data, random, variances, reml):
    """-2 log likelihood from the covariance matrix of y, written down directly."""
    y = data["rating"].to_numpy()
    n = len(y)
    v = np.eye(n) * variances[0]
    for term, variance in zip(random, variances[1:], strict=True):
        key = data[term.split(":")].agg("|".join, axis=1).to_numpy()
        v += variance * (key[:, None] == key[None, :])
    x = np.ones((n, 1))
    inverse = np.linalg.inv(v)
    information = x.T @ inverse @ x
    left = y - x @ np.linalg.solve(information, x.T @ inverse @ y)
    value = np.linalg.slogdet(v)[1] + left @ inverse @ left + (n - reml) * np.log(2 * np.pi)
    return value + reml * np.linalg.slogdet(information)[1]


def at(design, named):
    """Variances in the design's own order."""
    return np.array([named["residual"], *(named[f.name] for f in design.factors)])


@pytest.mark.parametrize("random", [("ratee", "rater"), ("ratee", "rater", "item"), ALL])
@pytest.mark.parametrize("reml", [True, False])
def test_criterion_against_the_dense_definition(random, reml):
    data = simulated()
    rng = np.random.default_rng(4)
    named = dict(zip(("residual", *random), rng.uniform(0.05, 1.5, len(random) + 1), strict=True))
    design = build_design(data, "rating", (), random)
    variances = at(design, named)
    found = factorize(design, np.sqrt(variances[1:] / variances[0]))
    expected = dense_criterion(data, random, [named[n] for n in ("residual", *random)], reml)
    assert criterion(design, found, variances[0], reml) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("reml", [True, False])
def test_score_and_information_against_differences(reml):
    data = simulated(each=3)
    design = build_design(data, "rating", (), ALL)
    variances = np.array([0.3, 0.8, 0.2, 0.1, 0.4, 0.2, 0.05])

    def value(v):
        return criterion(design, factorize(design, np.sqrt(v[1:] / v[0])), v[0], reml)

    found = factorize(design, np.sqrt(variances[1:] / variances[0]))
    slope = score(design, found, traces(design, found, covariance_of_rest(found, design), reml), variances, reml)
    steps = np.eye(7) * 1e-5
    numeric = [(value(variances + h) - value(variances - h)) / 2e-5 for h in steps]
    np.testing.assert_allclose(slope, numeric, rtol=1e-5, atol=1e-4)  # central differences of a criterion near 500
    information = average_information(design, found, variances)
    np.testing.assert_allclose(information, information.T, atol=1e-8)
    assert np.linalg.eigvalsh(information).min() > 0


def lme4_models():
    path = SHARED / "reference" / "SUMMARY_lme4.csv"
    return list(pd.read_csv(path).itertuples(index=False)) if path.exists() else []


def lme4_data(row):
    data = pd.read_csv(SHARED / "data" / f"{row.dataset}.csv")
    if row.dataset == "diving2000":
        dive = data["Event"] + data["Round"] + data["Diver"] + data["DiveNo"].astype(str)
        data = data.assign(same=(data["Country"] == data["JCountry"]).astype(float), dive=dive, rating=data["JScore"])
    random = tuple(term.replace(" ", "") for term in re.findall(r"\(1 \| ([^)]*)\)", row.formula))
    return data, random, ("same",) if "same" in row.formula else ()


@peers
@pytest.mark.parametrize("row", lme4_models(), ids=lambda r: f"{r.dataset}-{'reml' if r.REML else 'ml'}")
def test_lme4(row):
    data, random, fixed = lme4_data(row)
    method = "reml" if row.REML else "ml"
    fit = fit_mixed(data, random=random, fixed=fixed, method=method, intervals="wald")
    assert fit.convergence.converged
    # never worse than lme4 by more than rounding; lme4's own optimiser stops within 1e-5 of the minimum
    assert row.criterion - 1e-3 < fit.criterion < row.criterion + 1e-6
    variances = pd.read_csv(SHARED / "reference" / f"{row.dataset}__lme4__{method}_varcomp.csv").set_index("group")[
        "var"
    ]
    found = fit.components.set_index("component")["estimate"].rename({"residual": "Residual"})
    # four digits of the largest; lme4 itself is off by 6e-4 (brennan_3_2: item .32532, by ANOVA exactly .32515)
    np.testing.assert_allclose(found[variances.index], variances, rtol=1e-3, atol=1e-4 * variances.max())


@peers
@pytest.mark.parametrize("data", ["sirt_ratings2", "ptam4", "braun_essays", "shrout_fleiss_1979", "gleser_1965"])
def test_lme4_effects_and_fixed(data):
    row = next(r for r in lme4_models() if r.dataset == data and r.REML)
    frame, random, fixed = lme4_data(row)
    fit = fit_mixed(frame, random=random, fixed=fixed, intervals="wald")
    effects = fit.effects.set_index(["component", "member"])
    for component in ("ratee", "rater"):
        expected = pd.read_csv(SHARED / "reference" / f"{data}__lme4__reml_blup_{component}.csv", dtype={"level": str})
        found = effects.loc[component].loc[expected["level"]]
        np.testing.assert_allclose(found["estimate"], expected["blup"], atol=2e-4)  # lme4's variances are good to 1e-4
        if found["std_error"].notna().all():
            np.testing.assert_allclose(found["std_error"], expected["condsd"], atol=2e-4)
        else:
            assert (expected["condsd"] < 1e-6).all()
    expected = pd.read_csv(SHARED / "reference" / f"{data}__lme4__reml_fixef.csv")
    np.testing.assert_allclose(fit.fixed[["estimate", "std_error"]], expected[["est", "se"]], atol=2e-4)


@pytest.fixture(scope="session")
def insteval():
    kinds = {"s": str, "d": str, "dept": str, "service": str, "studage": str, "lectage": str}
    return pd.read_csv(SHARED / "data" / "lme4_insteval.csv", dtype=kinds)


@peers
@pytest.mark.slow
def test_insteval(insteval):
    model = {"response": "y", "fixed": ("service",), "random": ("s", "d", "dept:service"), "intervals": "wald"}
    fit = fit_mixed(insteval, **model)
    assert round(fit.criterion, 1) == 237661.5
    ml = fit_mixed(insteval, **model, method="ml")
    expected = pd.read_csv(SHARED / "reference" / "lme4_insteval__lme4__ml_varcomp_kinerja.csv").set_index("group")[
        "var"
    ]
    found = ml.components.set_index("component")["estimate"].rename({"residual": "Residual"})
    np.testing.assert_allclose(found[expected.index], expected, rtol=2e-4)
    fixed = pd.read_csv(SHARED / "reference" / "lme4_insteval__lme4__ml_fixef_kinerja.csv")
    np.testing.assert_allclose(ml.fixed["estimate"], fixed["Estimate"], atol=1e-4)
    np.testing.assert_allclose(ml.fixed["std_error"], fixed["Std..Error"], rtol=1e-3)


@peers
@pytest.mark.slow
def test_mixedmodels_jl(insteval):
    # the criteria that MixedModels.jl has in its own tests (maximum likelihood)
    model = {"response": "y", "method": "ml", "intervals": "wald"}
    fm = fit_mixed(insteval, fixed=("service",), random=("s", "d", "dept"), **model)
    assert fm.criterion == pytest.approx(237721.76877, abs=1e-3)


def test_balanced_data_give_the_analysis_of_variance():
    # REML of a complete table equals the mean squares where none is negative (Searle, Casella & McCulloch 1992)
    data = simulated(5, ratees=12, raters=5, items=1, each=5)
    table = data.pivot(index="ratee", columns="rater", values="rating").to_numpy()
    n, k = table.shape
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    msr, msc = k * rows.var(ddof=1), n * columns.var(ddof=1)
    mse = ((table - rows[:, None] - columns + table.mean()) ** 2).sum() / ((n - 1) * (k - 1))
    found = fit_mixed(data, random=("ratee", "rater"), intervals="wald").components["estimate"]
    np.testing.assert_allclose(found, [(msr - mse) / k, (msc - mse) / n, mse], rtol=1e-4)


def test_shrout_fleiss_by_variances():
    # ICC(2,1) and ICC(3,1) of Shrout & Fleiss (1979) are the dependability and generalizability of one rater
    table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    rows = [(f"p{i}", f"r{j}", float(v)) for i, row in enumerate(table) for j, v in enumerate(row)]
    data = pd.DataFrame(rows, columns=["ratee", "rater", "rating"])
    study = estimate_generalizability(data, random=("ratee", "rater"))
    one, four = study.decisions.set_index("n_rater").loc[[1.0, 4.0]].itertuples()
    assert round(one.generalizability, 4) == 0.7148
    assert round(one.dependability, 4) == 0.2898
    assert round(four.generalizability, 4) == 0.9093
    assert round(four.dependability, 4) == 0.6201
    assert study.settings["numbers"] == {"rater": 4.0}


@peers
@pytest.mark.parametrize(
    ("data", "random"), [("brennan_3_2", ("ratee", "item", "ratee:item", "item:rater")), ("gleser_1965", ALL)]
)
def test_gtheory(data, random):
    frame = pd.read_csv(SHARED / "data" / f"{data}.csv")
    study = estimate_generalizability(frame, random=random)
    expected = pd.read_csv(SHARED / "reference" / f"{data}__gtheory__dstudy.csv").set_index("stat")["value"]
    found = study.coefficients.set_index("coefficient")
    # gtheory takes lme4's variances, which are good to 6e-4 on brennan_3_2
    for name in ("generalizability", "dependability"):
        assert found.loc[name, "estimate"] == pytest.approx(expected[name], abs=2e-4)
    assert found.loc["generalizability", "error_variance"] == pytest.approx(expected["var.error.rel"], rel=2e-4)
    assert found.loc["dependability", "error_variance"] == pytest.approx(expected["var.error.abs"], rel=2e-4)


def test_brennan_3_2_to_the_books_digits():
    if not (SHARED / "data").exists():
        pytest.skip("the peers' data (../shared) are not here")
    frame = pd.read_csv(SHARED / "data" / "brennan_3_2.csv")
    fit = fit_mixed(frame, random=("ratee", "item", "item:rater", "ratee:item"), intervals="wald")
    # Brennan (2001), table 3.2 and p. 115: by mean squares p .4731, t .3252, r:t .6475, pt .5596, pr:t 2.3802
    np.testing.assert_allclose(fit.components["estimate"], [0.4731, 0.3252, 0.6475, 0.5596, 2.3802], atol=6e-5)


def test_own_raters_count_in_the_ranking():
    data = simulated(2, each=2)
    study = estimate_generalizability(data)
    assert study.settings["own"] == ("rater",)
    assert study.components.set_index("component").loc["rater", "role"] == "relative"
    shared = estimate_generalizability(data, own=())
    own, common = (s.coefficients.set_index("coefficient")["estimate"] for s in (study, shared))
    assert own["generalizability"] < common["generalizability"]
    assert own["dependability"] == common["dependability"]


def test_d_study_reaches_the_target():
    study = estimate_generalizability(simulated(3, each=2), target=0.8)
    needed = study.needed.set_index(["coefficient", "facet"]).loc[("dependability", "rater"), "needed"]
    numbers = study.settings["numbers"]
    tried = [
        estimate_generalizability(simulated(3, each=2), numbers={**numbers, "rater": n}).coefficients["estimate"][1]
        for n in (needed - 1, needed)
    ]
    assert tried[0] < 0.8 <= tried[1]
    never = estimate_generalizability(simulated(3, each=2), target=0.9999).needed
    assert set(never["reason"]) == {"target_not_reached"}


@pytest.mark.slow
def test_recovery_and_coverage():
    # 60 offices with known variances: means within 3 Monte Carlo SE; 95 % intervals cover (240 offices: 94.4 %)
    truth = {"ratee": 1.0, "rater": 0.36, "residual": 0.25}
    estimates, covered, effects, qualities = [], [], [], []
    for seed in range(60):
        rng = np.random.default_rng(1000 + seed)
        severity, quality = rng.normal(0, 0.6, 20), rng.normal(0, 1.0, 60)
        raters = [rng.choice(20, 3, replace=False) for _ in range(60)]
        rows = [
            (f"p{i:02d}", f"r{j:02d}", quality[i] - severity[j] + rng.normal(0, 0.5))
            for i in range(60)
            for j in raters[i]
        ]
        fit = fit_mixed(pd.DataFrame(rows, columns=["ratee", "rater", "rating"]), random=("ratee", "rater"))
        table = fit.components.set_index("component")
        estimates.append(table["estimate"])
        covered.append([table.loc[c, "conf_low"] <= v <= table.loc[c, "conf_high"] for c, v in truth.items()])
        z = fit.severity.set_index("rater")
        half = 1.959964 * fit.effects.set_index("component").loc["rater", "prediction_error"].to_numpy()
        effects.append(np.abs(z["estimate"].to_numpy() - severity) <= half)
        ratee = fit.effects.set_index("component").loc["ratee"]
        qualities.append(
            np.abs(ratee["estimate"].to_numpy() - quality) <= 1.959964 * ratee["prediction_error"].to_numpy()
        )
    mean, error = pd.DataFrame(estimates).mean(), pd.DataFrame(estimates).std() / np.sqrt(60)
    for component, value in truth.items():
        assert abs(mean[component] - value) < 3 * error[component]
    assert 0.90 < np.mean(covered) < 0.99  # 180 intervals: SE 1.6 %
    assert 0.93 < np.mean(effects) < 0.97  # 1,200 intervals
    assert 0.93 < np.mean(qualities) < 0.97  # 3,600 intervals


def test_profile_limits_are_where_they_should_be():
    data = simulated(7, each=3)
    fit = fit_mixed(data, random=("ratee", "rater"), intervals="profile")
    design = build_design(data, "rating", (), ("ratee", "rater"))
    for place, name in enumerate(("ratee", "rater")):
        row = fit.components.set_index("component").loc[name]
        for limit in (row["conf_low"], row["conf_high"]):
            # minimise over the other two variances on a fine grid of the one, the residual by a scan
            other = fit.components.set_index("component").drop(name)["estimate"]
            grid = [
                criterion(design, factorize(design, np.sqrt(np.where(np.arange(2) == place, limit, o) / r)), r, True)
                for o in other.iloc[0] * np.linspace(0.7, 1.4, 71)
                for r in other["residual"] * np.linspace(0.97, 1.03, 31)
            ]
            assert min(grid) - fit.criterion == pytest.approx(3.8415, abs=0.01)  # the grid misses the minimum by less


def test_a_variance_of_zero():
    data = simulated(11, raters=6, each=6)
    data["rating"] -= data.groupby("rater")["rating"].transform(
        "mean"
    )  # complete table: less difference than by chance
    fit = fit_mixed(data)
    row = fit.components.set_index("component").loc["rater"]
    assert (row["estimate"], row["status"], row["reason"], row["conf_low"]) == (0.0, "ok", "at_zero", 0.0)
    assert row["conf_high"] > 0
    assert "mixed_zero_variance" in {f.code for f in fit.findings}
    raters = fit.severity
    assert (raters["estimate"] == 0).all()
    assert raters["std_error"].isna().all()


@pytest.mark.parametrize("seed", range(5))
def test_noise_converges_and_promises_little(seed):
    rng = np.random.default_rng(seed)
    data = simulated(seed).assign(rating=lambda d: rng.normal(0, 1, len(d)))
    fit = fit_mixed(data, random=ALL, intervals="wald")
    assert fit.convergence.converged
    alone = fit.components.set_index("component")
    assert alone.loc["residual", "share"] > 0.6
    design = build_design(data, "rating", (), ALL)
    named = alone["estimate"]
    for name in ALL:  # no variance would be better a little larger or smaller
        for factor in (0.5, 2.0):
            other = named.copy()
            other[name] = max(other[name] * factor, 1e-3)
            theta = np.sqrt(at(design, other)[1:] / other["residual"])
            assert criterion(design, factorize(design, theta), other["residual"], True) > fit.criterion - 1e-6


def test_nested_raters_are_named():
    data = pd.concat([simulated(s, ratees=6, raters=2).assign(office=str(s)) for s in range(3)])
    data = data.assign(ratee=data["office"] + data["ratee"], rater=data["office"] + data["rater"])
    found = {f.code: f.data for f in fit_mixed(data, intervals="wald").findings}
    assert found["mixed_raters_in_parts"]["parts"] == 3
    assert "mixed_raters_in_parts" not in {f.code for f in fit_mixed(simulated(), intervals="wald").findings}


def test_severity_is_positive_when_harsh():
    data = simulated(3, each=4)
    data.loc[data["rater"] == "r00", "rating"] -= 2
    severity = fit_mixed(data, intervals="wald").severity.set_index("rater")
    assert severity["estimate"].idxmax() == "r00"
    assert severity.loc["r00", "conf_low"] > 0


def test_fixed_effects_that_depend_on_others_are_left_out():
    data = simulated(4)
    data["unit"] = np.where(data["ratee"] < "p015", "a", "b")
    data["same"] = (data["unit"] == "b") * 1.0
    fit = fit_mixed(data, fixed=("unit", "same"), intervals="wald")
    assert fit.fixed["term"].tolist() == ["intercept", "unit=b"]
    assert [f.data["term"] for f in fit.findings if f.code == "mixed_term_left_out"] == ["same"]


def test_ids_of_unequal_width_stay_with_their_effects():
    # a peer sorts 10 before 2 and hands the effects to the wrong persons
    data = simulated(9, ratees=25)
    numbers = {f"p{i:03d}": str(i + 1) for i in range(25)}
    one = fit_mixed(data, intervals="wald").effects.query("component == 'ratee'").set_index("member")["estimate"]
    two = fit_mixed(data.assign(ratee=data["ratee"].map(numbers)), intervals="wald").effects
    two = two.query("component == 'ratee'").set_index("member")["estimate"]
    np.testing.assert_allclose([two[numbers[p]] for p in one.index], one, atol=1e-6)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 500))
def test_order_of_rows_does_not_matter_and_a_shift_moves_only_the_intercept(seed):
    data = simulated(seed)
    one = fit_mixed(data, intervals="wald")
    two = fit_mixed(data.sample(frac=1, random_state=seed), intervals="wald")
    pd.testing.assert_frame_equal(one.effects, two.effects, check_exact=True)
    moved = fit_mixed(data.assign(rating=data["rating"] * 10 + 100), intervals="wald")
    np.testing.assert_allclose(moved.components["estimate"], 100 * one.components["estimate"], rtol=1e-3, atol=1e-6)
    assert moved.fixed["estimate"][0] == pytest.approx(10 * one.fixed["estimate"][0] + 100, abs=1e-3)


def test_errors():
    data = simulated()
    with pytest.raises(ParameterError, match="found no column 'judge'"):
        fit_mixed(data, random=("judge",))
    with pytest.raises(EstimationError, match="of its own for each"):
        fit_mixed(data, random=("ratee", "ratee:rater:item"))
    with pytest.raises(EstimationError, match="the same groups"):
        fit_mixed(data.assign(person=data["ratee"]), random=("ratee", "person"))
    with pytest.raises(EstimationError, match="one level of item"):
        fit_mixed(data[data["item"] == "v0"])
    with pytest.raises(EstimationError, match="they must differ"):
        fit_mixed(data.assign(rating=3.0))
    with pytest.raises(ParameterError, match="no term"):
        fit_mixed(data, random=())
    with pytest.raises(ParameterError, match="Name one of them"):
        estimate_generalizability(data, random=("rater", "item"))


def test_every_code_has_its_words():
    fit = fit_mixed(simulated(), intervals="wald")
    study = estimate_generalizability(simulated(), fit)
    codes = ["at_zero", "no_object_variance", "no_error_variance", "target_not_reached"]
    assert all(wording.has_text(f"reason.{code}") for code in codes)
    for finding in (*fit.findings, *study.findings):
        wording.text(f"finding.{finding.code}", "id", **finding.data)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_ratings_without_any_disagreement_leave_nothing_to_estimate(shift):
    """The ratee alone (or ratee and rater by addition) gives every rating: no residual to measure against."""
    rows = [(f"p{i}", f"r{j}", f"x{k}", 1.0 + i % 4 + shift * j) for i in range(6) for j in range(3) for k in range(3)]
    with pytest.raises(EstimationError, match="no residual"):
        fit_mixed(pd.DataFrame(rows, columns=["ratee", "rater", "item", "rating"]))


@pytest.mark.parametrize("sign", [1, -1])
def test_what_rounding_leaves_of_a_variance_goes_whichever_sign_a_processor_gives_it(sign):
    """The last step of the ratings above, as a processor without wide registers has it: the items' part is noise, and
    taking it for information promised no fall, so that the fit ended as converged."""
    variances = np.array([0.0002, 0.1906, 0.0291, 0.0042])
    scaled = np.array(
        [
            [2.953e-06, 4.159e-03, 6.507e-03, 3.091e-24],
            [4.159e-03, 3.584e01, 1.178e-23, -4.724e-25],
            [6.507e-03, 1.438e-23, 1.714e01, 6.799e-25],
            [2.997e-24, -3.064e-25, 3.065e-25, sign * 3.548e-38],
        ]
    )
    slope = np.array([43.996, -30.843, -15.148, 1.995]) / variances
    step, promised = _newton(slope, scaled / np.outer(variances, variances), variances, {})
    assert step[3] == -variances[3]
    assert promised > 0
