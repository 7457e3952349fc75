"""The rater model beside every trustworthy figure of its peers: fit statistics, reliabilities, bias, partial credit.

Needs ../shared; the measures themselves are in test_facets_known.py. Where a peer treats ratees with extreme scores
otherwise, the comparison says how: mfrmr leaves them at some 27 logits, where they add rows with neither residual nor
variance, and counts them among the elements; here, as in FACETS, they take no part and are placed afterwards.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kinerja.raters.rasch import RaterFit, fit_raters
from kinerja.raters.rasch.bias import interactions

SHARED = Path(__file__).parents[4] / "shared"
pytestmark = pytest.mark.skipif(not (SHARED / "data").exists(), reason="the peers' data (../shared) are not here")
JOINT = ["guilford_creativity", "sirt_ratings1", "sirt_ratings2", "ptam4", "gleser_1965", "tam_ex10", "braun_essays"]
TEXT = {"ratee": str, "rater": str, "item": str, "Level": str, "Person": str, "Facet1_Level": str, "Facet2_Level": str}


def peer(name: str, what: str) -> pd.DataFrame:
    table = pd.read_csv(SHARED / "reference" / f"{name}__{what}.csv")
    table = table.astype({c: str for c in TEXT if c in table})
    return table.assign(facet=table["Facet"].replace("Person", "ratee")) if "Facet" in table else table


@cache
def ratings(name: str) -> pd.DataFrame:
    return pd.read_csv(SHARED / "data" / f"{name}.csv", dtype=dict.fromkeys(("ratee", "rater", "item"), str))


@cache
def joint(name: str) -> RaterFit:
    data = ratings(name)
    return fit_raters(data, facets=("ratee", "rater", "item")[: 3 if data["item"].nunique() > 1 else 2])


def extremes(fit: RaterFit) -> set[str]:
    return set(fit.elements.loc[fit.elements["reason"].str.startswith("extreme"), "element"])


def apart(one: pd.Series, two: pd.Series) -> float:
    return float((one - two).abs().max())


@pytest.mark.parametrize("name", JOINT)
def test_elements_beside_mfrmr(name):
    """At the default tolerance; mfrmr itself stops 1e-4 from the maximum (a rerun of ours at 1e-10 moves by 1e-9)."""
    fit, theirs = joint(name), peer(name, "mfrmr__JML_rsm_measures")
    both = fit.elements.merge(theirs, left_on=["facet", "element"], right_on=["facet", "Level"], validate="1:1")
    assert len(both) == len(fit.elements)
    both = both[both["reason"] == ""]
    assert apart(both["measure"], both["Estimate"]) < 2e-4
    assert apart(both["model_se"], both["ModelSE"]) < 1e-4
    assert apart(both["infit"], both["Infit"]) < 1e-4
    assert apart(both["infit_z"], both["InfitZSTD"]) < 3e-4
    assert apart(both["observed_average"], both["ObservedAverage"]) < 1e-9
    # rows of extreme ratees lower mfrmr's unweighted mean square of raters and items by their share, and have
    # variances near 1e-12, whose kurtosis spoils its standardised form
    data, out = ratings(name), extremes(fit)
    for facet, rows in both.groupby("facet"):
        told = (~data["ratee"].isin(out)).groupby(data[facet]).mean()[rows["element"]].to_numpy()
        assert apart(rows["outfit"] * told, rows["Outfit"]) < 3e-4, facet
        if not out:
            assert apart(rows["outfit_z"], rows["OutfitZSTD"]) < 3e-4, facet
    steps = peer(name, "mfrmr__JML_rsm_steps")["Estimate"]
    assert apart(fit.thresholds["estimate"], steps) < 1e-4


@pytest.mark.parametrize("name", JOINT)
def test_summaries_beside_mfrmr(name):
    """Facets without extreme elements; the random chi-square is FACETS' (three-mile), mfrmr's has other weights."""
    fit = joint(name)
    touched = set(fit.elements.loc[fit.elements["reason"].str.startswith("extreme"), "facet"])
    theirs = peer(name, "mfrmr__JML_rsm_reliability").merge(peer(name, "mfrmr__JML_rsm_chisq"), on="facet")
    both = fit.facet_summary.merge(theirs, on="facet", validate="1:1")
    assert len(both) == len(fit.facet_summary)
    # an extreme ratee's SE of 1e4 logits has no weight in their chi-square either
    np.testing.assert_allclose(both["fixed_chi2"], both["FixedChiSq"], rtol=5e-5)
    both = both[~both["facet"].isin(touched)]
    names = {"sd_sample": "SD_x", "rmse": "RMSE", "separation_sample": "Separation", "strata_sample": "Strata",
             "reliability_sample": "Reliability", "fixed_df": "FixedDF"}  # fmt: skip
    for own, other in names.items():
        assert apart(both[own], both[other]) < 1e-4, own
    summary = pd.read_csv(SHARED / "reference" / "SUMMARY_mfrm.csv").set_index(["dataset", "peer", "model"])
    assert fit.log_likelihood == pytest.approx(summary.loc[(name, "mfrmr", "JML RSM"), "loglik"], abs=1e-5)


@pytest.mark.parametrize("name", JOINT)
def test_agreement_and_residuals_beside_mfrmr(name):
    fit = joint(name)
    theirs = peer(name, "mfrmr__JML_rsm_interrater").iloc[0]
    own = fit.agreement.set_index("element").loc[""]
    assert own[["n", "agreements"]].tolist() == [theirs["OpportunityCount"], theirs["ExactAgreements"]]
    if not extremes(fit):
        # printed from measures that are 1e-5 off
        assert own["expected"] == pytest.approx(theirs["ExpectedAgreements"], abs=1e-3)
    listed = peer(name, "mfrmr__JML_rsm_unexpected").rename(columns={"Person": "ratee"})
    facets = list(fit.settings["facets"])
    again = fit_raters(ratings(name), facets=facets, unexpected=2.0).unexpected
    both = listed[listed["StdResidual"].abs() >= 2.001].merge(again, on=facets, validate="1:1")
    assert len(both) == (listed["StdResidual"].abs() >= 2.001).sum() >= 5
    assert apart(both["residual_z"], both["StdResidual"]) < 2e-4


@pytest.mark.parametrize("name", JOINT[:-1])
def test_bias_beside_mfrmr(name):
    """Size, SE and t of rater by item; ratings of extreme ratees tell nothing here as there."""
    fit, theirs = joint(name), peer(name, "mfrmr__JML_rsm_bias_rater_item")
    own = interactions(fit, ratings(name)).table
    both = theirs.merge(own, left_on=["Facet1_Level", "Facet2_Level"], right_on=["rater", "item"], validate="1:1")
    assert len(both) == len(own)
    assert apart(both["estimate"], both["Bias Size"]) < 1e-4
    assert apart(both["std_error"], both["S.E."]) < 1e-4
    assert apart(both["t_y"], both["t_x"]) < 3e-4
    left_out = both["d.f."] - both["df"]
    assert (left_out >= 0).all()
    assert (left_out.max() > 0) == bool(extremes(fit))


def test_guilfords_tables_to_the_last_digit():
    """Converged Table 7 and Table 13, four and three digits printed."""
    fit = fit_raters(ratings("guilford_creativity"), noncentre="rater")
    theirs = pd.read_csv(SHARED / "reference" / "guilford_creativity__ownJMLE__table7.csv")
    theirs = theirs[theirs["score"].notna() & theirs["se"].notna()]
    both = fit.elements.merge(theirs, on="element", suffixes=("", "_theirs"), validate="1:1")
    assert len(both) == 15
    for own, other in {"measure": "measure_theirs", "model_se": "se", "infit": "infit_theirs", "fair_average": "fairM",
                       "outfit": "outfit_theirs", "infit_z": "infitZ", "outfit_z": "outfitZ"}.items():  # fmt: skip
        assert apart(both[own], both[other]) < (5.1e-4 if own.endswith("_z") else 5.1e-5), own
    theirs = pd.read_csv(SHARED / "reference" / "guilford_creativity__ownJMLE__table13.csv")
    own = interactions(fit, ratings("guilford_creativity"), facets=("rater", "ratee")).table
    both = own.merge(theirs, left_on=["rater", "ratee"], right_on=["judge", "ratee"], suffixes=("", "_theirs"))
    assert len(both) == 21
    assert both["observed"].tolist() == both["obs"].tolist()
    for name, other in {"expected": "exp", "difference": "avg", "estimate": "bias", "std_error": "se"}.items():
        assert apart(both[name], both[other]) < 5.1e-4, name
    assert apart(both["infit"], both["infit_theirs"]) < 5.1e-3


FINE = ["sirt_ratings1", "sirt_ratings2", "ptam4"]


@pytest.mark.parametrize("model", ["rsm", "pcm"])
@pytest.mark.parametrize("name", FINE)
def test_marginal_beside_tams_fine_grid(name, model):
    """TAM's grid reaches 1e-4 in the log likelihood; it stops raters at 1e-3 (its change of 1e-4 a round, 5,000)."""
    fit = fit_raters(ratings(name), method="marginal", thresholds="common" if model == "rsm" else "item")
    table = pd.read_csv(SHARED / "reference" / "SUMMARY_mml_fine.csv").set_index(["dataset", "peer", "model"])
    whole = table.loc[(name, "TAM fine grid", model)]
    assert fit.log_likelihood == pytest.approx(whole["loglik"], abs=1e-3)
    assert fit.population["sd"][0] == pytest.approx(whole["sd_theta"], abs=1e-4)
    theirs = peer(name, f"TAMfine__mml_{model}_facets").set_index("parameter")
    rater = fit.measures("rater") - theirs.loc["rater" + fit.measures("rater").index, "xsi"].to_numpy()
    assert (rater - rater.mean()).abs().max() < 2e-3
    item = fit.measures("item") - theirs.loc[fit.measures("item").index, "xsi"]
    assert (item - item.mean()).abs().max() < 1e-4
    names = fit.thresholds["group"] + np.where(fit.thresholds["group"] == "", "step", ":step")
    steps = theirs.loc[names + fit.thresholds["step"].astype(str), "xsi"].to_numpy()
    assert np.abs(fit.thresholds["estimate"] - steps).max() < 1e-4
    persons = peer(name, f"TAMfine__mml_{model}_ratees").set_index("ratee")
    own = fit.elements[fit.elements["facet"] == "ratee"].set_index("element")
    shift = own["measure"] - persons["EAP"]  # TAM's zero is the ratees' mean
    assert (shift - shift.mean()).abs().max() < 5e-4
    assert apart(own["model_se"], persons["SD.EAP"]) < 5e-4


@pytest.mark.parametrize(
    ("name", "above", "tam"), [("guilford_creativity", 0.003, -163.427507), ("gleser_1965", 0.001, -186.533749)]
)
def test_partial_credit_with_unused_categories(name, above, tam):
    """TAM and sirt leave an unused category in place: so does unused="keep", and it climbs as far or a bit further."""
    kept = fit_raters(ratings(name), method="marginal", thresholds="item", unused="keep")
    assert tam - 1e-4 < kept.log_likelihood < tam + above
    theirs = peer(name, "sirt__rmfacets_raters").set_index("rater")["b"]
    # sirt stopped after 1,000 rounds
    assert (kept.measures("rater") - (theirs - theirs.mean())).abs().max() < 1e-3
    # FACETS' way, the default, counts the categories that were used: another model, and it is named
    squeezed = fit_raters(ratings(name), method="marginal", thresholds="item")
    assert squeezed.log_likelihood > kept.log_likelihood
    assert len(squeezed.unused_categories) == 1
    assert "facets_unused_categories" in {f.code for f in squeezed.findings}


@pytest.mark.parametrize("name", ["tam_ex10", "braun_essays"])
def test_marginal_beside_sirt_where_thresholds_are_few(name):
    """Right or wrong only (ex10), and one item (braun): partial credit and the rating scale are one model."""
    data = ratings(name)
    facets = ("ratee", "rater", "item")[: 3 if data["item"].nunique() > 1 else 2]
    summary = pd.read_csv(SHARED / "reference" / "SUMMARY_mfrm.csv").set_index(["dataset", "peer"])
    theirs = peer(name, "sirt__rmfacets_raters").set_index("rater")["b.cent"]
    for thresholds in ("common", facets[-1]):
        if thresholds == "rater":
            continue
        fit = fit_raters(data, facets=facets, method="marginal", thresholds=thresholds)
        assert fit.log_likelihood == pytest.approx(summary.loc[(name, "sirt rm.facets"), "loglik"], abs=1e-3)
        own = fit.measures("rater")
        assert (own - (theirs[own.index] - theirs.mean())).abs().max() < 2e-3
