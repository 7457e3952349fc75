from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

from kinerja import wording
from kinerja.errors import DataError, ParameterError
from kinerja.raters.agreement import estimate_agreement
from kinerja.raters.agreement.chance import agreement_weights, cohen
from kinerja.raters.agreement.icc import icc_one_way

SHARED = Path(__file__).parents[4] / "shared"
peers = pytest.mark.skipif(not (SHARED / "data").exists(), reason="the peers' data (../shared) are not here")

# Krippendorff (2011), Computing Krippendorff's alpha-reliability: 4 observers, 12 units, a dot for a missing value
KRIPPENDORFF = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}
# Shrout & Fleiss (1979), table 2: 6 targets, 4 judges
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def krippendorff_2011():
    rows = [
        (f"u{i:02d}", rater, "unit", float(v))
        for rater, line in KRIPPENDORFF.items()
        for i, v in enumerate(line.split())
        if v != "."
    ]
    return pd.DataFrame(rows, columns=["ratee", "rater", "item", "rating"])


def from_table(table):
    rows = [(f"p{i:03d}", f"r{j}", "x", float(v)) for i, row in enumerate(table) for j, v in enumerate(row) if v == v]
    return pd.DataFrame(rows, columns=["ratee", "rater", "item", "rating"])


def by_name(agreement):
    return agreement.coefficients.set_index("coefficient")


def reference(name):
    return pd.read_csv(SHARED / "reference" / f"{name}.csv")


def shared_data(name):
    frame = pd.read_csv(SHARED / "data" / f"{name}.csv").dropna(subset=["rating"])
    if not pd.api.types.is_numeric_dtype(frame["rating"]):
        frame["rating"] = pd.factorize(frame["rating"], sort=True)[0] + 1.0
    return frame.astype({"ratee": str, "rater": str, "item": str})


def test_krippendorff_2011():
    found = by_name(estimate_agreement(krippendorff_2011()))["estimate"]
    assert [round(found[f"krippendorff_{m}"], 4) for m in ("nominal", "ordinal", "interval", "ratio")] == [
        0.7434,
        0.8154,
        0.8491,
        0.7974,
    ]


def test_gwet_on_the_same_table():
    found = by_name(estimate_agreement(krippendorff_2011()))
    assert round(found.loc["gwet_ac1", "estimate"], 5) == 0.77544
    assert round(found.loc["gwet_ac1", "std_error"], 5) == 0.14295
    assert round(found.loc["fleiss_kappa", "estimate"], 5) == 0.76117
    assert round(found.loc["brennan_prediger", "estimate"], 5) == 0.77273
    assert round(found.loc["gwet_ac1", "conf_low"], 5) == 0.46081  # irrCAC: t with 11 df


def test_conger_on_gwets_own_table():
    # Published: .76282, se .14917. Gwet's raw4raters gives the last unit's only rating to rater 3 (they have
    # 9, 10, 11, 11 ratings); Krippendorff's table gives it to observer B, for which kappa is .76207.
    table = krippendorff_2011()
    found = by_name(estimate_agreement(table)).loc["conger_kappa"]
    assert round(found["estimate"], 5) == 0.76207
    table.loc[table["ratee"] == "u11", "rater"] = "C"
    found = by_name(estimate_agreement(table)).loc["conger_kappa"]
    assert round(found["estimate"], 5) == 0.76282
    assert round(found["std_error"], 5) == 0.14917


def test_shrout_fleiss_1979():
    found = by_name(estimate_agreement(from_table(SHROUT_FLEISS)))
    names = ("icc_1", "icc_random_a_1", "icc_fixed_c_1", "icc_k", "icc_random_a_k", "icc_fixed_c_k")
    assert [round(found.loc[n, "estimate"], 4) for n in names] == [0.1657, 0.2898, 0.7148, 0.4428, 0.6201, 0.9093]
    assert found.loc["icc_random_c_1", "form"] == "ICC(C,1)"


@peers
def test_fleiss_1971():
    found = by_name(estimate_agreement(shared_data("irr_diagnoses"), level="nominal")).loc["fleiss_kappa"]
    assert round(found["estimate"], 5) == 0.43024
    assert round(found["std_error_null"], 6) == 0.024374
    assert round(found["z"], 3) == 17.652


@peers
@pytest.mark.parametrize(
    "data", ["krippendorff_canonical", "irr_diagnoses", "irr_anxiety", "guilford_creativity", "braun_essays"]
)
def test_irrcac(data):
    expected = reference(f"{data}__irrCAC__coefs").set_index("coef")
    found = by_name(estimate_agreement(shared_data(data), cluster_by="subject"))
    names = {"fleiss": "fleiss_kappa", "gwet": "gwet_ac1", "conger": "conger_kappa", "bp": "brennan_prediger"}
    for theirs, ours in names.items():
        # printed with five decimals
        assert found.loc[ours, "estimate"] == pytest.approx(expected.loc[theirs, "coefficient_value"], abs=5.1e-6)
        assert found.loc[ours, "std_error"] == pytest.approx(expected.loc[theirs, "se"], abs=5.1e-6)
    alpha = reference(f"{data}__krippendorff__alpha").set_index("method")["alpha"]
    for metric, value in alpha.items():
        assert found.loc[f"krippendorff_{metric}", "estimate"] == pytest.approx(value, abs=1e-12)


@peers
@pytest.mark.parametrize("data", ["shrout_fleiss_1979", "irr_anxiety", "braun_essays"])
def test_psych_icc_with_limits(data):
    expected = reference(f"{data}__psych__icc").set_index("type")
    found = by_name(estimate_agreement(shared_data(data)))
    names = {"ICC1": "icc_1", "ICC2": "icc_random_a_1", "ICC3": "icc_fixed_c_1"}
    names |= {"ICC1k": "icc_k", "ICC2k": "icc_random_a_k", "ICC3k": "icc_fixed_c_k"}
    for theirs, ours in names.items():
        # psych fits by lmer, so that its own last digits are those of an optimiser
        values = found.loc[ours, ["estimate", "conf_low", "conf_high"]].astype(float)
        assert values.tolist() == pytest.approx(
            expected.loc[theirs, ["ICC", "lower bound", "upper bound"]].astype(float).tolist(), abs=1e-8
        )


@peers
def test_irr_light_and_exact_fleiss():
    kappa = reference("irr_diagnoses__irr__kappa").set_index("stat")["value"]
    found = by_name(estimate_agreement(shared_data("irr_diagnoses"), level="nominal"))["estimate"]
    assert found["light_kappa"] == pytest.approx(kappa["light"], abs=1e-12)
    assert found["conger_kappa"] == pytest.approx(kappa["fleiss_exact"], abs=1e-12)  # irr's "exact" is Conger's


@peers
def test_one_way_icc_of_unequal_groups():
    # bhr2000: the mean of the 11 items of each soldier; multilevel's ICC1 uses the mean group size, we use Donner's k0
    frame = shared_data("bhr2000_leadership")
    expected = reference("bhr2000_leadership__lme4__icc_nested").set_index("stat")["value"]
    mean = frame.groupby(["ratee", "rater"])["rating"].mean()
    ratee = pd.factorize(mean.index.get_level_values("ratee"))[0]
    single, several = icc_one_way(ratee, mean.to_numpy(), 0.95)
    assert several.estimate == pytest.approx(expected["ICC2_anova"], abs=1e-9)
    f = expected["MSB"] / expected["MSW"]
    assert single.estimate == pytest.approx((f - 1) / (f - 1 + single.k), abs=1e-9)
    assert single.k < expected["n_raters_mean"]
    assert single.estimate == pytest.approx(expected["ICC1_anova"], rel=0.01)


def two_raters(seed, n=60, q=4):
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, q + 1, n)
    return np.column_stack([np.where(rng.random(n) < 0.6, truth, rng.integers(1, q + 1, n)) for _ in range(2)])


@pytest.mark.parametrize("seed", range(3))
def test_statsmodels_is_the_peer_for_cohen_and_fleiss(seed):
    table = two_raters(seed)
    found = by_name(estimate_agreement(from_table(table), weights="linear"))
    counts = pd.crosstab(table[:, 0], table[:, 1]).to_numpy()
    plain, weighted = cohens_kappa(counts), cohens_kappa(counts, wt="linear")
    assert found.loc["cohen_kappa", "estimate"] == pytest.approx(plain.kappa)
    assert found.loc["cohen_kappa", "std_error"] == pytest.approx(plain.std_kappa)
    assert found.loc["cohen_kappa_weighted", "estimate"] == pytest.approx(weighted.kappa)
    fleiss = fleiss_kappa(aggregate_raters(table)[0])
    assert found.loc["fleiss_kappa", "estimate"] == pytest.approx(fleiss)
    assert found.loc["conger_kappa", "estimate"] == pytest.approx(plain.kappa)  # Conger's with two raters is Cohen's
    # our linearisation, used where subjects are clustered, is theirs but for n against n - 1 in the variance
    own = cohen(table[:, 0] - 1, table[:, 1] - 1, np.eye(4), np.arange(len(table)))
    assert own.std_error == pytest.approx(plain.std_kappa * np.sqrt(60 / 59), rel=1e-9)


def test_pairs_of_raters():
    frame = simulated(2, 30)
    pairs = estimate_agreement(frame, weights="quadratic").pairs
    wide = frame.pivot(index="ratee", columns="rater", values="rating")
    assert len(pairs) == 6
    for row in pairs.itertuples():
        both = wide[[row.rater, row.other]].dropna()
        assert (row.n, row.n_ratees) == (len(both), len(both))
        assert row.mean_difference == pytest.approx((both[row.rater] - both[row.other]).mean())
        assert row.exact_agreement == pytest.approx((both[row.rater] == both[row.other]).mean())
        counts = pd.crosstab(both[row.rater], both[row.other])
        values = range(1, 6)
        counts = counts.reindex(index=values, columns=values, fill_value=0)
        if row.status == "ok":
            assert row.estimate == pytest.approx(cohens_kappa(counts.to_numpy(), wt="quadratic").kappa)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0, np.nan]), min_size=4, max_size=4), min_size=4, max_size=9),
    st.sampled_from(["nominal", "interval", "ordinal"]),
)
def test_krippendorff_against_its_definition(table, metric):
    # mean difference of pairs within units (weighted by 1 / (m - 1)) against that of all pairs of pairable values
    units = [[v for v in row if v == v] for row in table]
    units = [u for u in units if len(u) > 1]
    pool = [v for u in units for v in u]
    if len(set(pool)) < 2:
        return
    n_of = {v: pool.count(v) for v in set(pool)}

    def difference(c, k):
        if metric == "nominal":
            return float(c != k)
        if metric == "interval":
            return (c - k) ** 2
        low, high = min(c, k), max(c, k)
        return (sum(m for v, m in n_of.items() if low <= v <= high) - (n_of[c] + n_of[k]) / 2) ** 2

    observed = sum(difference(a, b) / (len(u) - 1) for u in units for a, b in itertools.permutations(u, 2))
    expected = sum(difference(a, b) for a, b in itertools.permutations(pool, 2)) / (len(pool) - 1)
    found = by_name(estimate_agreement(from_table(table), replications=2)).loc[f"krippendorff_{metric}"]
    assert found["estimate"] == pytest.approx(1 - observed / expected, abs=1e-10)


def simulated(seed, ratees=60, share=1.0, items=1):
    rng = np.random.default_rng(seed)
    quality, severity = rng.normal(0, 1, ratees), np.array([-0.5, 0.0, 0.2, 0.6])
    rows = []
    for i in range(ratees):
        raters = rng.choice(4, 2 if rng.random() < share else 1, replace=False)
        halo = rng.normal(0, 0.6, 4)
        for j, k in itertools.product(raters, range(items)):
            rating = np.clip(np.round(3 + quality[i] - severity[j] + halo[j] + rng.normal(0, 0.4)), 1, 5)
            rows.append((f"p{i:03d}", f"r{j}", f"v{k}", rating))
    return pd.DataFrame(rows, columns=["ratee", "rater", "item", "rating"])


def test_standard_error_with_single_ratings():
    # Truth: the spread of AC2 over samples in which a fifth of the ratees have two raters; Gwet's SE is far too wide
    runs = [by_name(estimate_agreement(simulated(s, 150, 0.2), replications=2)).loc["gwet_ac2"] for s in range(60)]
    spread = np.std([r["estimate"] for r in runs], ddof=1)
    claimed = np.mean([r["std_error"] for r in runs])
    assert 0.75 < claimed / spread < 1.25  # SD of 60 runs is known to 9 %, 2.5 times that
    wide = by_name(estimate_agreement(simulated(0, 150, 0.2), replications=2, error="gwet")).loc[
        "gwet_ac2", "std_error"
    ]
    assert wide > 1.3 * spread


def test_items_of_one_ratee_are_a_cluster():
    frame = simulated(3, 40, items=7)
    clustered = by_name(estimate_agreement(frame, replications=200))
    independent = by_name(estimate_agreement(frame, replications=200, cluster_by="subject"))
    for name in ("gwet_ac2", "krippendorff_ordinal", "exact_agreement"):
        assert clustered.loc[name, "estimate"] == independent.loc[name, "estimate"]
        assert clustered.loc[name, "std_error"] > 1.2 * independent.loc[name, "std_error"]


def test_bootstrap_interval_is_repeatable_and_covers_the_estimate():
    one, two = (estimate_agreement(simulated(1), replications=500, seed=9) for _ in range(2))
    pd.testing.assert_frame_equal(one.coefficients, two.coefficients)
    row = by_name(one).loc["krippendorff_ordinal"]
    assert row["conf_low"] < row["estimate"] < row["conf_high"]
    # linearised SE of the closely related weighted kappa, within the Monte Carlo error of 500 replications and small n
    other = estimate_agreement(simulated(1), weights="ordinal")
    assert row["std_error"] == pytest.approx(by_name(other).loc["fleiss_kappa_weighted", "std_error"], rel=0.25)


def test_nobody_has_two_raters():
    agreement = estimate_agreement(simulated(1, share=0.0))
    assert [f.code for f in agreement.findings] == ["agreement_not_measured"]
    assert set(agreement.coefficients["reason"]) == {"not_measured"}
    assert agreement.coefficients["estimate"].isna().all()
    assert len(agreement.pairs) == 0


def test_one_category_dominates():
    table = np.full((50, 2), 4.0)
    table[0] = [3, 4]
    table[1] = [5, 4]
    agreement = estimate_agreement(from_table(table), level="ordinal")
    rows = by_name(agreement)
    assert "agreement_prevalence" in {f.code for f in agreement.findings}
    assert rows.loc["krippendorff_ordinal", "advice"] == "dominant_category"
    assert rows.loc["gwet_ac2", "advised"]
    assert rows.loc["fleiss_kappa", "estimate"] < 0 < 0.9 < rows.loc["gwet_ac1", "estimate"]  # the paradox of kappa


def test_all_the_same():
    rows = by_name(estimate_agreement(from_table(np.full((10, 2), 4.0))))
    assert rows.loc["exact_agreement", "estimate"] == 1
    assert 0.6 < rows.loc["exact_agreement", "conf_low"] < 1  # Wilson: ten out of ten is not proof
    assert set(rows.loc[["gwet_ac2", "fleiss_kappa", "krippendorff_ordinal", "icc_1"], "reason"]) == {"one_category"}


def test_advice_follows_the_level():
    ordinal = by_name(estimate_agreement(simulated(2), level="ordinal"))["advice"]
    assert ordinal["gwet_ac1"] == "order_ignored"
    assert ordinal["krippendorff_interval"] == "steps_unknown"
    assert ordinal["krippendorff_ratio"] == "no_true_zero"
    assert ordinal["krippendorff_ordinal"] == ordinal["gwet_ac2"] == ""
    nominal = by_name(estimate_agreement(simulated(2), level="nominal"))["advice"]
    assert nominal["krippendorff_ordinal"] == "no_order"
    assert nominal["gwet_ac1"] == ""


def test_points_on_a_hundred():
    rng = np.random.default_rng(5)
    quality = rng.normal(70, 8, 50)
    rows = by_name(
        estimate_agreement(from_table(quality[:, None] + rng.normal(0, 4, (50, 2))), level="interval", adjacent=5)
    )
    assert rows.loc["gwet_ac2", "reason"] == "too_many_categories"
    assert rows.loc["krippendorff_interval", "estimate"] == pytest.approx(0.8, abs=0.15)  # 64 / 80
    assert 0.4 < rows.loc["adjacent_agreement", "estimate"] < 0.8
    assert rows.loc["icc_random_a_1", "estimate"] == pytest.approx(0.8, abs=0.15)


def test_weights_of_gwet():
    w = agreement_weights(np.array([1.0, 2.0, 3.0]), "ordinal")
    np.testing.assert_allclose(w[0], [1, 2 / 3, 0])
    np.testing.assert_allclose(agreement_weights(np.array([0.0, 1.0, 4.0]), "quadratic")[0], [1, 15 / 16, 0])


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 999))
def test_names_and_order_do_not_matter(seed):
    frame = simulated(seed, 20)
    one = estimate_agreement(frame, replications=5)
    two = estimate_agreement(frame.sample(frac=1, random_state=seed), replications=5)
    pd.testing.assert_frame_equal(one.coefficients, two.coefficients)
    pd.testing.assert_frame_equal(one.pairs, two.pairs)
    names = {"r0": "z", "r1": "k", "r2": "a", "r3": "q"}
    three = estimate_agreement(frame.assign(rater=frame["rater"].map(names)), replications=5)
    np.testing.assert_allclose(by_name(one)["estimate"], by_name(three)["estimate"], atol=1e-12)


def test_errors():
    frame = simulated(1)
    with pytest.raises(DataError, match="twice on item"):
        estimate_agreement(pd.concat([frame, frame.head(1)]))
    with pytest.raises(ParameterError, match="are declared"):
        estimate_agreement(frame, categories=[1, 2, 3])
    with pytest.raises(ParameterError, match="confidence"):
        estimate_agreement(frame, confidence=1.5)


def test_every_row_has_its_words():
    table = by_name(estimate_agreement(simulated(1)))
    for name in table.index:
        assert wording.has_label(name)
        assert wording.has_text(f"question.{name}")
        assert wording.has_text(f"not_when.{name}")
    assert all(wording.has_text(f"advice.{code}") for code in set(table["advice"]) - {""})
    assert all(wording.has_text(f"reason.{code}") for code in set(table["reason"]) - {""})


def test_raters_who_never_disagree_agree_fully():
    rows = [("2026-Q3", f"p{i}", f"r{j}", "x", 1.0 + i % 4) for i in range(6) for j in range(3)]
    found = estimate_agreement(pd.DataFrame(rows, columns=["period", "ratee", "rater", "item", "rating"]))
    icc = found.coefficients[found.coefficients["coefficient"].str.startswith("icc")]
    known = icc[icc["status"] == "ok"]
    assert len(known) and (known["estimate"] == 1.0).all()


def test_one_ratee_seen_by_everybody_has_an_agreement_without_an_interval():
    rows = [("2026-Q3", "p0", f"r{j}", f"x{k}", 1.0 + (j + k) % 3) for j in range(3) for k in range(4)]
    found = estimate_agreement(pd.DataFrame(rows, columns=["period", "ratee", "rater", "item", "rating"]))
    light = found.coefficients[found.coefficients["coefficient"] == "light_kappa"]
    assert light["std_error"].isna().all()
