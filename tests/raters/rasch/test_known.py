"""The rater model beside printed FACETS output and beside peers' fits.

Two small published tables are typed in here; comparisons with the peers' own files need ../shared.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kinerja.raters.rasch import fit_raters
from kinerja.raters.rasch.bias import interactions

SHARED = Path(__file__).parents[4] / "shared"
peers = pytest.mark.skipif(not (SHARED / "data").exists(), reason="the peers' data (../shared) are not here")

# Three Mile Island panel (Fienberg et al. 1985; FACETS example 3mile.txt): people in stress category 1, 2, 3, then what
# FACETS 4.1.8 prints in Table 7: measure, S.E., infit = outfit, ZStd
THREE_MILE = {
    "LT5 Winter 1979": ((14, 69, 32), (0.49, 0.16, 1.16, 1.2)),
    "LT5 Spring 1980": ((18, 73, 24), (0.16, 0.16, 1.12, 0.9)),
    "LT5 Fall 1981": ((14, 72, 29), (0.40, 0.16, 1.11, 0.8)),
    "LT5 Fall 1982": ((18, 70, 27), (0.24, 0.16, 1.19, 1.4)),
    "GT5 Winter 1979": ((9, 110, 33), (0.49, 0.14, 0.78, -2.1)),
    "GT5 Spring 1980": ((35, 93, 24), (-0.22, 0.14, 1.19, 1.5)),
    "GT5 Fall 1981": ((17, 116, 19), (0.04, 0.14, 0.73, -2.4)),
    "GT5 Fall 1982": ((22, 110, 20), (-0.04, 0.14, 0.86, -1.2)),
}

# Guilford (1954), Psychometric Methods, p. 282: ratings of Attack, Basis, Clarity, Daring, Enthusiasm
JUNIORS = ("Anne", "Betty", "Chris", "David", "Edward", "Fred", "George")
TRAITS = ("Attack", "Basis", "Clarity", "Daring", "Enthusiasm")
GUILFORD = {
    "Avogadro": "55353 97585 33371 73133 97785 35351 77555",
    "Brahe": "65463 87572 45366 56455 24323 44642 33554",
    "Cavendish": "55573 77575 35555 53331 97777 33353 77757",
}


def three_mile():
    """Tidy with one row a category; the number of people is the weight."""
    rows = [(name, k + 1, n) for name, (counts, _) in THREE_MILE.items() for k, n in enumerate(counts)]
    return pd.DataFrame(rows, columns=["panel", "rating", "people"])


def fit_three_mile():
    return fit_raters(three_mile(), facets=("panel",), noncentre="panel", positive=("panel",), weights="people")


def guilford():
    rows = [
        (junior, senior, trait, int(digit))
        for senior, line in GUILFORD.items()
        for junior, digits in zip(JUNIORS, line.split(), strict=True)
        for trait, digit in zip(TRAITS, digits, strict=True)
    ]
    return pd.DataFrame(rows, columns=["ratee", "rater", "item", "rating"])


def printed(value, digits=2):
    return pytest.approx(value, abs=0.5001 * 10**-digits)


@pytest.mark.parametrize("name", THREE_MILE)
def test_three_mile_elements(name):
    row = fit_three_mile().elements.set_index("element").loc[name]
    measure, error, square, z = THREE_MILE[name][1]
    assert row["measure"] == printed(measure)
    assert row["model_se"] == printed(error)
    assert row["infit"] == printed(square)
    assert row["outfit"] == printed(square)
    # FACETS cuts ZStd off after one digit (1.2548 is printed 1.2, -2.457 as -2.4)
    assert np.trunc(row["infit_z"] * 10) / 10 == pytest.approx(z)
    assert np.trunc(row["outfit_z"] * 10) / 10 == pytest.approx(z)


def test_three_mile_summary():
    fit = fit_three_mile()
    row = fit.facet_summary.iloc[0]
    two = {"mean": 0.19, "sd": 0.24, "sd_sample": 0.26, "rmse": 0.15, "adjusted_sd": 0.19, "separation": 1.22,
           "strata": 1.97, "reliability": 0.60, "separation_sample": 1.36, "strata_sample": 2.15,
           "reliability_sample": 0.65, "random_p": 0.50}  # fmt: skip
    for name, value in two.items():
        assert row[name] == (printed(value) if name != "random_p" else pytest.approx(value, abs=0.01)), name
    assert (row["fixed_chi2"], row["random_chi2"]) == (printed(21.5, 1), printed(5.3, 1))
    assert (row["fixed_df"], row["random_df"]) == (7, 6)
    assert fit.elements["infit"].mean() == printed(1.02)
    # printed 1067.96, cut off
    assert fit.fit["pearson_chi2"] == pytest.approx(1067.96, abs=0.01)
    assert fit.fit["observed_variance"] == printed(0.329, 3)
    assert fit.fit["residual_variance"] == printed(0.323, 3)
    assert 100 * fit.fit["explained_variance"] == printed(1.98)


def test_three_mile_categories():
    fit = fit_three_mile()
    categories, thresholds = fit.categories, fit.thresholds
    assert categories["n"].tolist() == [147, 713, 208]
    assert thresholds["estimate"].tolist() == [printed(-1.44), printed(1.44)]
    # FACETS counts the 224 unweighted observations in a threshold's S.E. (.20, .17), here each of 1068 people counts
    assert (thresholds["model_se"] * np.sqrt(1068 / 224)).tolist() == [printed(0.20), printed(0.17)]
    assert categories["average_measure"].tolist() == [printed(0.11), printed(0.17), printed(0.23)]
    assert categories["measure"].iloc[1] == printed(0.0)
    # two thresholds +-t make these points mirror images; FACETS prints -1.49, 1.48 and -1.55, 1.57: 0.025 allowed
    assert thresholds["thurstone"].tolist() == pytest.approx([-1.49, 1.48], abs=0.01)
    assert categories["half_point"].iloc[1:].tolist() == pytest.approx([-1.55, 1.57], abs=0.025)


def test_a_row_for_each_person_is_the_same_as_weights():
    counted, weighted = three_mile(), fit_three_mile()
    each = fit_raters(
        counted.loc[counted.index.repeat(counted["people"])], facets=("panel",), noncentre="panel", positive=("panel",)
    )
    names = ["measure", "std_error", "infit", "outfit", "infit_z", "model_se"]
    np.testing.assert_allclose(each.elements[names], weighted.elements[names], atol=1e-9)


def test_guilford_beside_facets():
    """FACETS' manual prints Table 7 of a run stopped early (Convergence=.5,.01): spread 2-4 % too small."""
    data = guilford()
    fit = fit_raters(data, noncentre="rater", tolerance=1e-8)
    measures = fit.elements.set_index("element")["measure"]
    # judge Brahe .24, ratees Edward .42 and David -.46 in FACETS' Table 13
    for name, value in {"Brahe": 0.24, "Edward": 0.42, "David": -0.46}.items():
        assert 1.0 <= measures[name] / value <= 1.055, name  # 2-4 % and half a printed digit
    found = interactions(fit, data, facets=("rater", "ratee"))
    table = found.table.set_index(["rater", "ratee"])
    assert 1.0 <= table.loc[("Brahe", "Edward"), "estimate"] / -1.27 <= 1.04
    assert 1.0 <= table.loc[("Brahe", "David"), "estimate"] / 0.71 <= 1.055
    assert table.loc[("Brahe", "Edward"), "std_error"] == printed(0.36)
    assert table.loc[("Brahe", "Edward"), "t"] == pytest.approx(-3.55, rel=0.04)
    assert table.loc[("Brahe", "David"), "t"] == pytest.approx(2.43, rel=0.04)
    assert table.loc[("Brahe", "Edward"), "difference"] == printed(-2.60)
    assert (table["infit"].round(1)[("Brahe", "Edward")], table["outfit"].round(1)[("Brahe", "David")]) == (0.7, 0.3)
    assert (found.fixed_chi2, found.fixed_df) == (pytest.approx(41.6, rel=0.04), 21)
    assert found.sd == pytest.approx(0.47, rel=0.04)


def test_guilford_converged():
    """Figures of a fully converged joint fit, made by a separate program and by mfrmr 4 digits alike."""
    fit = fit_raters(guilford(), noncentre="rater", tolerance=1e-8)
    rows = fit.elements.set_index("element")
    converged = {
        "Avogadro": (0.0397, 0.1166, 0.8492, -0.627, 4.8570),
        "Brahe": (0.2454, 0.1178, 1.4752, 1.896, 4.3842),
        "Cavendish": (-0.0960, 0.1164, 0.6724, -1.570, 5.1761),
        "Anne": (-0.0715, 0.1738, 0.2423, -3.236, 4.6366),
        "Edward": (0.4407, 0.1760, 1.9915, 2.374, 5.8294),
        "Daring": (-0.3023, 0.1492, 0.9165, -0.199, 5.5120),
    }
    for name, values in converged.items():
        got = rows.loc[name, ["measure", "model_se", "infit", "infit_z", "fair_average"]].astype(float)
        assert got.to_numpy() == pytest.approx(values, abs=6e-4), name  # their printed digits
    assert fit.log_likelihood == pytest.approx(-165.684985, abs=1e-5)
    assert fit.facet_summary.set_index("facet")["fixed_chi2"]["ratee"] == pytest.approx(41.3084, abs=1e-3)


def test_guilford_marginal():
    """Log likelihood on a fine grid (two programs agree on all digits): rating scale, ratees' SD."""
    fit = fit_raters(guilford(), method="marginal")
    assert fit.log_likelihood == pytest.approx(-175.428832, abs=0.01)
    assert fit.population["sd"][0] == pytest.approx(0.378532, abs=0.002)
    severity = fit.measures("rater")
    assert severity[["Avogadro", "Brahe", "Cavendish"]].to_numpy() == pytest.approx(
        [-0.02176, 0.16975, -0.14798], abs=0.002
    )


def test_guilford_partial_credit():
    """sirt and TAM stopped at their limits of 1,000 and 5,000 rounds with -163.436 and -163.4275: a fit that went on
    is not lower than either, and 0.02 higher at most."""
    fit = fit_raters(guilford(), method="marginal", thresholds="item")
    assert -163.4276 < fit.log_likelihood < -163.4075


def shared_ratings(name):
    return pd.read_csv(SHARED / "data" / f"{name}.csv", dtype={"ratee": str, "rater": str, "item": str})


def gaps(fit, reference, level, estimate):
    """Largest difference in each facet over the elements whose own score is not extreme."""
    own = fit.elements[fit.elements["reason"] == ""]
    both = own.merge(reference, left_on=["facet", "element"], right_on=["facet", level], validate="1:1")
    assert len(both) >= 0.9 * len(own)
    return (both["measure"] - both[estimate]).abs().groupby(both["facet"]).max()


@peers
@pytest.mark.parametrize(
    "name",
    ["guilford_creativity", "sirt_ratings1", "sirt_ratings2", "ptam4", "gleser_1965", "tam_ex10", "braun_essays"],
)
def test_joint_beside_mfrmr(name):
    data = shared_ratings(name)
    facets = ("ratee", "rater", "item") if data["item"].nunique() > 1 else ("ratee", "rater")
    fit = fit_raters(data, facets=facets, tolerance=1e-8)
    theirs = pd.read_csv(SHARED / "reference" / f"{name}__mfrmr__JML_rsm_measures.csv", dtype={"Level": str})
    theirs["facet"] = theirs["Facet"].replace({"Person": "ratee"})
    assert gaps(fit, theirs, "Level", "Estimate").max() < 0.001


@peers
@pytest.mark.parametrize("name", ["guilford_creativity", "sirt_ratings1", "sirt_ratings2", "ptam4", "gleser_1965"])
def test_marginal_beside_a_fine_grid(name):
    fit = fit_raters(shared_ratings(name), method="marginal")
    theirs = pd.read_csv(SHARED / "reference" / f"{name}__ownMML__rsm.csv", dtype={"level": str})
    whole = theirs[theirs["facet"] == "theta"].set_index("level")["est"]
    assert fit.log_likelihood == pytest.approx(whole["loglik"], abs=0.01)
    assert fit.population["sd"][0] == pytest.approx(whole["sd"], abs=0.002)
    assert fit.population["estimate"][0] == pytest.approx(whole["mean"], abs=0.002)
    steps = theirs[theirs["facet"] == "step"].sort_values("level", key=lambda s: s.astype(int))["est"]
    np.testing.assert_allclose(fit.thresholds["estimate"], steps, atol=0.002)
    others = theirs[theirs["facet"].isin(["rater", "item"])]
    own = fit.elements[fit.elements["facet"] != "ratee"]
    both = own.merge(others, left_on=["facet", "element"], right_on=["facet", "level"], validate="1:1")
    assert len(both) == len(others)
    np.testing.assert_allclose(both["measure"], both["est"], atol=0.002)


@peers
@pytest.mark.parametrize(("name", "value"), [("sirt_ratings1", -1263.1072), ("ptam4", -1706.1938)])
def test_partial_credit_beside_sirt(name, value):
    fit = fit_raters(shared_ratings(name), method="marginal", thresholds="item")
    assert fit.log_likelihood == pytest.approx(value, abs=0.01)
    theirs = pd.read_csv(SHARED / "reference" / f"{name}__sirt__rmfacets_raters.csv", dtype={"rater": str})
    severity = theirs.set_index("rater")["b.cent"]
    own = fit.measures("rater")[severity.index]
    np.testing.assert_allclose(own, severity - severity.mean(), atol=0.002)
