"""How raters use the scale: planted bias, group differences, drift, central tendency and halo are found; else quiet."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from kinerja.errors import DataError, ParameterError
from kinerja.raters.rasch import fit_raters
from kinerja.raters.rasch.bias import interaction_contrasts, interactions
from kinerja.raters.rasch.refit import differential_rater_functioning, drift
from kinerja.raters.rasch.scale_use import halo, scale_use
from tests.raters.rasch.simulated import THRESHOLDS, draw, simulate


@pytest.fixture(scope="module")
def plain():
    data, _, _ = simulate(51, ratees=250, raters=10)
    return fit_raters(data), data


def planted(seed, where, size, **arguments):
    """Ratings in which `size` logits are added where the condition holds."""
    return simulate(seed, extra=lambda rows: size * where(rows), **arguments)[0]


def test_a_planted_interaction_is_found():
    data = planted(53, lambda r: (r["rater"] == "r3") & (r["item"] == "v2"), -1.5, ratees=250, raters=10)
    fit = fit_raters(data)
    found = interactions(fit, data)
    table = found.table.set_index(["rater", "item"])
    assert table["estimate"].idxmin() == ("r3", "v2")
    cell = table.loc[("r3", "v2")]
    # the rater's and the item's own measures take up part of it, their spread is inflated
    assert -2.0 < cell["estimate"] < -0.9
    assert cell["p_holm"] < 0.01
    assert (table["p_bh"] < 0.05).sum() <= 4
    assert found.fixed_df == len(table) == 70
    contrasts = interaction_contrasts(found, fit, target="rater")
    of_rater = contrasts[contrasts["rater"] == "r3"]
    sharpest = of_rater.loc[of_rater["t"].abs().idxmax()]
    assert "v2" in (sharpest["first"], sharpest["second"])
    # severity: harsher on v2 than on the other item
    assert sharpest["estimate"] * (1 if sharpest["first"] == "v2" else -1) > 0


def test_an_interaction_by_its_definition(plain):
    """One cell: the logit at which its expected score is the observed one, all else as fitted."""
    fit, data = plain
    row = interactions(fit, data).table.set_index(["rater", "item"]).loc[("r4", "v1")]
    cell = data[(data["rater"] == "r4") & (data["item"] == "v1")]
    level = cell["ratee"].map(fit.measures("ratee")).fillna(0)
    eta = (level - fit.measures("rater")["r4"] - fit.measures("item")["v1"]).to_numpy()
    steps = np.concatenate([[0.0], fit.thresholds["estimate"].cumsum()])

    def expected(size):
        p = np.exp(np.outer(np.arange(5), eta + size) - steps[:, None])
        return (np.arange(5) @ (p / p.sum(axis=0))).sum()

    observed = (cell["rating"] - 1).sum()
    size = optimize.brentq(lambda b: expected(b) - observed, -5, 5, xtol=1e-12)
    assert row["estimate"] == pytest.approx(size, abs=1e-6)
    assert row["observed"] == cell["rating"].sum()
    assert row["expected"] == pytest.approx(expected(0.0) + len(cell), abs=1e-6)
    information = (expected(size + 1e-5) - expected(size - 1e-5)) / 2e-5
    assert row["std_error"] == pytest.approx(1 / np.sqrt(information), rel=1e-4)
    assert row["t"] == pytest.approx(row["estimate"] / row["std_error"])


def test_an_extreme_ratee_tells_nothing_of_interactions():
    """Where such a ratee was placed is a convention: with or without the ratee's ratings every cell is the same."""
    data, _, _ = simulate(57)
    top = data.assign(rating=data["rating"].where(data["ratee"] != "5", 5))
    fit, without = fit_raters(top), fit_raters(top[top["ratee"] != "5"])
    own = interactions(fit, top).table
    np.testing.assert_allclose(own["estimate"], interactions(without, top[top["ratee"] != "5"]).table["estimate"])
    cells = interactions(fit, top, facets=("rater", "ratee")).table
    of_extreme = cells[cells["ratee"] == "5"]
    assert (of_extreme["reason"] == "no_information").all()
    assert of_extreme[["estimate", "difference", "infit"]].isna().all(axis=None)


def test_interactions_refuse_one_column(plain):
    with pytest.raises(ParameterError, match="two different columns"):
        interactions(*plain, facets=("rater", "rater"))
    with pytest.raises(DataError, match="not in the fit"):
        interactions(plain[0], plain[1].assign(rater="new"))


def by_parity(rows):
    return np.where(rows["ratee"].astype(int) % 2 == 0, "A", "B")


def test_a_rater_who_treats_one_group_otherwise():
    data = planted(57, lambda r: (r["rater"] == "r2") & (by_parity(r) == "B"), -1.3, ratees=300, raters=8)
    data = data.assign(group=by_parity(data))
    found = differential_rater_functioning(fit_raters(data), data, group="group")
    table = found.table.set_index(["rater", "group"])
    row, other = table.loc[("r2", "B")], table.loc[("r2", "A")]
    assert row["verdict"] == "shown"
    assert row["estimate"] > 0.6
    assert row["estimate"] == pytest.approx(-other["estimate"])
    assert abs(row["shrunken"]) < abs(row["estimate"])
    # the others stand on the other side of a mean that r2 has moved, but not half as far
    assert table.drop("r2", level="rater")["estimate"].abs().max() < row["estimate"] / 2
    assert [f.level for f in found.findings] == ["caution"]


def test_no_group_difference_is_shown_where_there_is_none(plain):
    fit, data = plain
    found = differential_rater_functioning(fit, data.assign(group=by_parity(data)), group="group")
    assert not found.table["review"].any()
    assert found.findings[0].level == "note"


def test_fewer_than_the_floor_is_not_judged(plain):
    fit, data = plain
    few = data.assign(group=np.where(data["ratee"].isin(["1", "2"]), "A", "B"))
    table = differential_rater_functioning(fit, few, group="group", floor=10).table
    small = table[(table["n"] < 10) | (table["n_other"] < 10)]
    assert len(small)
    assert (small["status"] == "cannot").all()
    assert set(small["reason"]) == {"below_floor"}
    assert small["estimate"].isna().all()


def test_a_group_belongs_to_a_ratee(plain):
    fit, data = plain
    changing = data.assign(group=np.where(data.index % 2, "A", "B"))
    with pytest.raises(DataError, match="more than one"):
        differential_rater_functioning(fit, changing, group="group")
    with pytest.raises(DataError, match="at least two"):
        differential_rater_functioning(fit, data.assign(group="A"), group="group")
    with pytest.raises(DataError, match="missing"):
        differential_rater_functioning(fit, data, group="nothing")


def test_drift_is_found():
    def second(rows):
        # by pair of ratee and rater, so that both periods have all items
        return rows.groupby(["ratee", "rater"], sort=False).ngroup() % 2 == 1

    data = planted(59, lambda r: (r["rater"] == "r5") & second(r), -1.3, ratees=300, raters=8)
    data = data.assign(period=np.where(second(data), "2026-Q2", "2026-Q1"))
    found = drift(fit_raters(data), data)
    table = found.table.set_index("rater")
    assert table["estimate"].idxmax() == "r5"
    assert table.loc["r5", "verdict"] == "shown"
    assert table["review"].sum() == 1
    with pytest.raises(DataError, match="at least two"):
        drift(fit_raters(data), data.assign(period="2026-Q1"))


def test_central_tendency_is_found():
    data, ability, severity = simulate(61, ratees=300, raters=10)
    random = np.random.default_rng(1)
    mine = data["rater"] == "r7"
    eta = (data["ratee"].map(ability) - severity["r7"])[mine].to_numpy()
    data.loc[mine, "rating"] = draw(random, eta, 1.8 * THRESHOLDS)
    table = scale_use(fit_raters(data), data).table.set_index("rater")
    assert table["estimate"].idxmax() == "r7"
    assert 1.3 < table.loc["r7", "estimate"] < 2.6
    assert table.loc["r7", "p_holm"] < 0.01
    assert table["range_ratio"].idxmin() == "r7"
    assert (table.drop("r7")["p_holm"] > 0.01).all()


def test_halo_is_found():
    data, _, _ = simulate(67, ratees=300, raters=10)
    first = data.groupby(["ratee", "rater"])["rating"].transform("first")
    data = data.assign(rating=data["rating"].where((data["rater"] != "r4") | (data["item"] == "v6"), first))
    table = halo(fit_raters(data), data).table.set_index("rater")
    others = table.drop(["r4", ""])
    assert table.loc["r4", "estimate"] > others["estimate"].max() + 0.2
    assert table.loc["r4", "p_holm"] < 1e-4


@pytest.mark.parametrize("method", ["joint", "marginal"])
def test_no_halo_where_there_is_none(plain, method):
    table = halo(fit_raters(plain[1], method=method), plain[1]).table.set_index("rater")
    assert abs(table.loc["", "estimate"]) < 4 * table.loc["", "std_error"]
    assert (table["p_holm"].drop("") > 0.01).all()


def test_agreement_by_counting(plain):
    fit, data = plain
    same, pairs = 0, 0
    for _, rows in data.groupby(["ratee", "item"]):
        for a, b in combinations(rows["rating"], 2):
            same, pairs = same + (a == b), pairs + 1
    whole = fit.agreement.set_index("element").loc[""]
    assert (whole["n"], whole["agreements"]) == (pairs, same)
    assert whole["observed_share"] == pytest.approx(same / pairs)
    # the data follow the model, so that raters agree about as often as it expects
    assert whole["observed_share"] == pytest.approx(whole["expected_share"], abs=0.04)


def test_an_unexpected_rating_is_listed(plain):
    _, data = plain
    best = fit_raters(data).measures("ratee").idxmax()
    place = data.index[data["ratee"] == best][0]
    wrong = data.assign(rating=data["rating"].where(data.index != place, 1))
    table = fit_raters(wrong).unexpected
    assert (table["residual_z"].abs() >= 3).all()
    row = table.iloc[0]
    assert (row["ratee"], row["rating"]) == (best, 1)
    assert row["residual_z"] < 0
    assert pd.Index(["ratee", "rater", "item"]).isin(table.columns).all()
