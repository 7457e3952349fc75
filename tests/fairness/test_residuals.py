"""Residuals of the rater model as the ground for raters by group: where they tell, where they cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kinerja.fairness import check_fairness
from kinerja.fairness.residuals import rater_residuals
from kinerja.raters.rasch import fit_raters


def office(raters_each: int, seed: int = 1, harsh: float = 0.8) -> tuple[pd.DataFrame, pd.DataFrame]:
    """480 people, 16 raters, five items on 1-5; rater j3 gives women `harsh` less. Severity differs between raters."""
    rng = np.random.default_rng(seed)
    people, raters, items = 480, 16, 5
    true, severity = rng.normal(0, 0.6, people), rng.normal(0, 0.4, raters)
    woman = rng.random(people) < 0.5
    pairs = [(i, j) for i in range(people) for j in rng.permutation(raters)[:raters_each]]
    who, by = (np.repeat(np.array(x), items) for x in zip(*pairs, strict=True))
    latent = 3.2 + true[who] - severity[by] - harsh * (woman[who] & (by == 3)) + rng.normal(0, 0.8, len(who))
    ratings = pd.DataFrame(
        {
            "period": "2026-Q1",
            "ratee": [f"p{i:03d}" for i in who],
            "rater": [f"j{j}" for j in by],
            "role": "supervisor",
            "item": np.tile([f"i{k}" for k in range(items)], len(pairs)),
            "rating": np.clip(np.rint(latent), 1, 5),
        }
    )
    first = ratings.drop_duplicates("ratee").set_index("ratee")["rater"]
    staff = pd.DataFrame({"ratee": [f"p{i:03d}" for i in range(people)], "unit": "u", "sex": np.where(woman, "P", "L")})
    return ratings, staff.assign(supervisor=staff["ratee"].map(first))


def drf(ratings: pd.DataFrame, staff: pd.DataFrame, residuals: pd.DataFrame | None):
    observed = ratings.groupby("ratee")["rating"].mean().mul(25).rename("observed").reset_index()
    scores = staff[["ratee", "unit", "supervisor"]].merge(observed, on="ratee")
    return check_fairness(scores, staff, groups=["sex"], outcomes=["observed"], residuals=residuals)


def test_one_rater_each_leaves_nothing_to_see_in_residuals():
    """The person's measure takes up whatever the only rater does: sums of residuals are 0 but for extreme scores."""
    from kinerja.raters.rasch.tables import model_rows

    ratings, _ = office(1)
    fit = fit_raters(ratings)
    rows = model_rows(fit, ratings)
    sums = np.bincount(rows.code("ratee"), rows.observed - rows.mean)
    scores = ratings.groupby("ratee")["rating"].sum()
    inside = ((scores > 5) & (scores < 25)).to_numpy()
    assert np.abs(sums[inside]).max() < 1e-3  # the fit's tolerance, in score points
    assert rater_residuals(fit, ratings) is None


@pytest.mark.parametrize("raters_each", [2, 4])
def test_residuals_find_the_rater_and_hardly_another(raters_each):
    """Three offices: j3 in each; Holm at 5 % lets through another in one of twenty offices, so at most one here."""
    others = 0
    for seed in (2, 3, 4):
        ratings, staff = office(raters_each, seed)
        residuals = rater_residuals(fit_raters(ratings), ratings, points=25.0)
        assert residuals is not None and len(residuals) == 480 * raters_each
        checks = drf(ratings, staff, residuals)
        found = checks.drf
        flagged = list(found.loc[found["review"], "rater"])
        assert "j3" in flagged
        others += len(flagged) - 1
        row = found[found["rater"] == "j3"].iloc[0]
        # 0.8 of 4 steps are 20 points; ends of the scale take some off, three standard errors are about 8
        assert -28 < row["deviation"] * (1 if row["group"] == "P" else -1) < -8
        assert {f.code for f in checks.findings} >= {"drf_review", "drf_from_model"}
        assert checks.settings["residuals"] is True
    assert others <= 1


def test_no_difference_no_flag():
    """Six offices without one: Holm at 5 % over 16 raters lets 0.3 of an office through on average; at most one."""
    flagged = 0
    for seed in range(6):
        ratings, staff = office(2, seed=10 + seed, harsh=0.0)
        flagged += bool(
            drf(ratings, staff, rater_residuals(fit_raters(ratings), ratings, points=25.0)).drf["review"].any()
        )
    assert flagged <= 1


def test_without_residuals_it_says_so():
    ratings, staff = office(1)
    checks = drf(ratings, staff, None)
    assert "drf_from_teams" in {f.code for f in checks.findings} and checks.settings["residuals"] is False
