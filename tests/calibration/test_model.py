"""The model's algebra: naive re-implementations, numeric derivatives, dense solves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kinerja.calibration.blocks import Bucket, make_buckets, only_kinds
from kinerja.calibration.design import Design, build_design
from kinerja.calibration.frames import collect_persons
from kinerja.calibration.gate import dials
from kinerja.calibration.links import link_blocks
from kinerja.calibration.model import START, WEAK_MEAN, WEAK_SD, fit_model, jacobian, penalised, restricted, variances
from kinerja.calibration.rows import FEEDBACK, INDICATOR, PAIR, RATING, Rows
from kinerja.calibration.solve import factorise, fixed_effects, predict, residuals, solve
from kinerja.citizens.case_mix import adjust_case_mix
from tests.calibration.office import CITY, Office, simulate

SMALL = replace(CITY, units=12, supervisors=40, staff=400, quarters=3, responses=2_000)


def design_of(office: Office, seed: int = 1, **changes) -> Design:
    data = simulate(office, seed)
    use = changes.pop("use_indicators", len(data["indicators"]) > 0)
    persons = collect_persons(data["ratings"], data["staff"], scale=(1, 5), groups=changes.get("groups", ()))
    return build_design(
        persons,
        indicators=data["indicators"] if use else None,
        points=adjust_case_mix(data["responses"]).points if len(data["responses"]) else None,
        **changes,
    )


def dense_covariance(design: Design, theta: np.ndarray, *, across: bool) -> np.ndarray:
    """Written from section 2 of the method, row by row of latent effects."""
    n, unit = len(design.kind), design.unit_of_work
    A, S = design.exposure.toarray(), design.ratings.toarray()
    T = np.eye(design.team_group.max() + 1)[design.team_group]
    J = np.eye(design.n_raters)[design.spell_rater]
    B = np.eye(design.n_blocks)[design.block]
    load = np.array([1.0, theta[9], theta[10], 0.0])[design.kind]
    is_f, is_x, is_y = ((design.kind == k).astype(float) for k in (FEEDBACK, INDICATOR, RATING))
    same = B @ B.T if not across else np.ones((n, n))
    V = np.outer(load, load) * (
        theta[0] * (B @ B.T) + theta[1] * (A @ T) @ (A @ T).T + theta[2] * same * ((A @ J) @ (A @ J).T)
    )
    V += theta[3] * same * (S @ S.T) + theta[4] * np.outer(is_y, is_y) * (B @ B.T)
    team = (A @ T) @ (A @ T).T
    V += np.outer(is_f, is_f) * (theta[5] * (B @ B.T) + theta[6] * team)
    V += np.outer(is_x, is_x) * (theta[7] * (B @ B.T) + theta[8] * team)
    return V + design.error.toarray() / np.outer(unit, unit)


OFFICES = {
    "nested": SMALL,
    "moves": replace(SMALL, rotation=0.2),
    "second": replace(SMALL, overlap=0.2),
    "untagged": replace(SMALL, tagged=False),
    "ratings": replace(SMALL, feedback=False, indicators=False, rotation=0.2),
    "large": replace(SMALL, units=2, overlap=0.1),  # blocks of 60 rows and more
}


@pytest.mark.parametrize("name", OFFICES)
def test_likelihood_equals_the_naive_one(name):
    design = design_of(OFFICES[name])
    theta = variances(START)
    V = dense_covariance(design, theta, across=False)
    y, X = design.value / design.unit_of_work, design.fixed
    W = np.linalg.inv(V)
    XWX = X.T @ W @ X
    P = W - W @ X @ np.linalg.solve(XWX, X.T @ W)
    naive = -0.5 * (np.linalg.slogdet(V)[1] + np.linalg.slogdet(XWX)[1] + y @ P @ y)
    value, _, information = restricted(make_buckets(design), theta)
    assert value == pytest.approx(naive, rel=1e-10)
    # expected information from the definition, tr(P V_a P V_b) / 2; V is quadratic in theta, so central differences are
    # exact but for rounding
    PD = []
    for step in 0.1 * np.eye(len(theta)):
        up, down = (dense_covariance(design, theta + way * step, across=False) for way in (1, -1))
        PD.append(P @ (up - down) / 0.2)
    naive = np.array([[0.5 * np.sum(a * b.T) for b in PD] for a in PD])
    np.testing.assert_allclose(information, naive, rtol=1e-7, atol=1e-7 * np.abs(naive).max())


@pytest.mark.parametrize("name", OFFICES)
def test_score_is_the_derivative(name):
    """Central differences with step 1e-5: agreement to 1e-6 of the largest component."""
    buckets = make_buckets(design_of(OFFICES[name]))
    psi = START + np.linspace(-0.3, 0.3, len(START))
    _, score, _ = penalised(buckets, psi, WEAK_MEAN, WEAK_SD)
    step = 1e-5
    numeric = [
        (penalised(buckets, psi + step * e, WEAK_MEAN, WEAK_SD)[0]
         - penalised(buckets, psi - step * e, WEAK_MEAN, WEAK_SD)[0]) / (2 * step)
        for e in np.eye(len(psi))
    ]  # fmt: skip
    assert np.abs(score - numeric).max() <= 1e-6 * np.abs(score).max()


def test_jacobian_is_the_derivative():
    psi = START + 0.1
    numeric = np.stack([(variances(psi + 1e-6 * e) - variances(psi - 1e-6 * e)) / 2e-6 for e in np.eye(len(psi))], 1)
    np.testing.assert_allclose(jacobian(psi), numeric, atol=1e-8)


@pytest.mark.parametrize("name", OFFICES)
def test_linked_units_equal_a_dense_solve(name):
    """Units joined by supervisors who move: to 1e-4 points of a dense solve of the whole office (in fact 1e-7)."""
    design = design_of(OFFICES[name])
    theta = variances(START)
    links = link_blocks(design, make_buckets(design))
    assert (links is not None) == (name in ("moves", "ratings"))
    system = factorise(design, make_buckets(design), theta, links)
    V = dense_covariance(design, theta, across=True)
    right = np.random.default_rng(1).normal(size=(len(V), 3))
    np.testing.assert_allclose(solve(system, right)[0], np.linalg.solve(V, right), atol=1e-6)
    split, _, beta, _ = residuals(system)
    y, X, W = design.value / design.unit_of_work, design.fixed, np.linalg.inv(V)
    dense_beta = np.linalg.solve(X.T @ W @ X, X.T @ W @ y)
    np.testing.assert_allclose(beta, dense_beta, atol=1e-6)
    np.testing.assert_allclose(split.sum(axis=1), y - X @ dense_beta, atol=1e-6)
    effects = predict(system)
    naive = theta[3] * design.ratings.toarray().T @ W @ (y - X @ dense_beta) * design.scale[0]
    np.testing.assert_allclose(effects.rater.sum(axis=1), naive, atol=1e-4)


def test_variances_of_predictions_equal_the_naive_ones():
    design = design_of(SMALL)
    theta = variances(START)
    effects = predict(factorise(design, make_buckets(design), theta, None))
    W = np.linalg.inv(dense_covariance(design, theta, across=False))
    rows, square = design.spell_rows, design.scale[0] ** 2
    for spell in (0, 7, 23):
        rater = design.ratings.toarray()[:, design.spell_rater[spell]]
        unit = ((design.block == design.spell_block[spell]) & (design.kind == RATING)).astype(float)
        k = theta[3] * rater + theta[4] * unit
        assert effects.cell_variance[spell] == pytest.approx((theta[3] + theta[4] - k @ W @ k) * square, rel=1e-9)
        assert effects.rater_variance[design.spell_rater[spell]] == pytest.approx(
            (theta[3] - theta[3] ** 2 * rater @ W @ rater) * square, rel=1e-9
        )
    assert len(set(rows)) == design.n_spells


def test_leave_one_out_reading():
    """Section 2: s_hat = alpha x (the team's mean minus what everything else predicts), alpha between 0 and 1."""
    design = design_of(SMALL)
    theta = variances(START)
    system = factorise(design, make_buckets(design), theta, None)
    _, z, _, _ = residuals(system)
    V = dense_covariance(design, theta, across=False)
    W = np.linalg.inv(V)
    row = design.spell_rows[5]
    residual = V @ z.sum(axis=1)
    others = np.delete(np.arange(len(V)), row)
    predicted = V[row, others] @ np.linalg.solve(V[np.ix_(others, others)], residual[others])
    # rating effects are only in this row (one spell a rater), so alpha is the severity variance times the precision
    alpha = theta[3] * W[row, row]
    s_hat = predict(system).rater.sum(axis=1)[design.spell_rater[5]] / design.scale[0]
    assert 0 < alpha < 1
    assert s_hat == pytest.approx(alpha * (residual[row] - predicted), rel=1e-8)


def test_nested_ratings_carry_no_information_on_shares():
    design = design_of(replace(SMALL, feedback=False, indicators=False))
    fit = fit_model(make_buckets(design))
    assert np.abs(fit.information[[1, 4]]).max() < 1e-9 * fit.information.max()
    found = dials(fit.information, fit.prior_sd)
    assert found.team == 0.0 and found.culture == 0.0 and found.shut


def test_leaving_kinds_out_equals_a_design_without_them():
    full = design_of(OFFICES["second"])
    without = design_of(OFFICES["second"], use_indicators=False)
    theta = variances(START)
    rescaled = replace(without, scale=full.scale)
    a = restricted(list(only_kinds(make_buckets(full), full.kind, (RATING, FEEDBACK, PAIR))), theta)
    b = restricted(make_buckets(rescaled), theta)
    assert a[0] == pytest.approx(b[0], rel=1e-9)
    np.testing.assert_allclose(a[2], b[2], atol=1e-7 * np.abs(b[2]).max())


def test_safety_of_an_assumed_variance():
    """Section 2, fact 3: with assumed severity variance a, calibrated beats raw exactly for 0 < a < 2 ss (one team)."""
    ss, other, rng = 4.0, 6.0, np.random.default_rng(3)
    s, e = rng.normal(0, 2, 400_000), rng.normal(0, np.sqrt(other), 400_000)

    def change(a: float) -> float:
        b = a / (ss + other) * (s + e)  # the direction is data, only its length depends on the assumption
        return float(np.mean((s - b) ** 2) - np.mean(s**2))

    assert change(0.5 * ss) < 0 and change(1.9 * ss) < 0 < change(2.1 * ss)
    assert change(0.5 * ss) / change(ss) == pytest.approx(0.75, abs=0.02)  # Monte Carlo error about .005


# Milk expenditure of 43 small areas (Arora & Lahiri 1997, You & Chapman 2006): direct estimate, its SD, major area.
MILK = """
1.099 .163 1, 1.075 .080 1, 1.105 .083 1, .628 .109 1, .753 .119 1, .981 .141 1, 1.257 .202 1,
1.095 .127 2, 1.405 .168 2, 1.356 .178 2, .615 .100 2, 1.460 .201 2, 1.338 .148 2, .854 .143 2,
1.176 .149 3, 1.111 .145 3, 1.257 .135 3, 1.430 .172 3, 1.278 .137 3, 1.292 .163 3, 1.002 .125 3,
1.183 .247 3, 1.044 .140 3, 1.267 .171 3, 1.193 .106 3, .791 .121 4, .795 .121 4, .759 .259 4,
.796 .106 4, .565 .089 4, .886 .225 4, .952 .205 4, .807 .119 4, .582 .067 4, .684 .106 4,
.787 .126 4, .440 .092 4, .759 .132 4, .770 .100 4, .800 .113 4, .756 .083 4, .865 .121 4,
.640 .129 4
"""


def milk_rows(value: np.ndarray, sd: np.ndarray, fixed: np.ndarray) -> Rows:
    """Every area a unit with one team: the covariance is then error + one variance, the Fay-Herriot model."""
    n = len(value)
    every, one = np.arange(n), np.ones(n)
    same = np.stack([every, every])
    return Rows(
        kind=np.zeros(n, np.int64), value=value, block=every, n_behind=one, fixed=fixed,
        fixed_names=("x",) * fixed.shape[1],
        error_at=same, error_value=sd**2, exposure_at=same, exposure_share=one, rating_at=same, rating_sign=one,
        true_people=np.zeros(n), spell_block=every, spell_rater=every, spell_n=every * 0 + 1,
        spell_ratees=every * 0 + 1,
        team_group=every, rater_group=every, scale=(1.0, 1.0, 1.0), n_raters=n,
    )  # fmt: skip


def reml_of_team_variance(buckets: list[Bucket]) -> tuple[np.ndarray, float]:
    """Maximise the restricted likelihood over the team variance alone, at zero where the score is negative there."""
    theta = np.zeros(11)
    theta[1] = 0.01
    for _ in range(50):
        _, score, information = restricted(buckets, theta)
        theta[1] = max(theta[1] + score[1] / information[1, 1], 0.0)
    return theta, restricted(buckets, theta)[1][1]


def test_fay_herriot_milk():
    """Known answer C6 (REML): sigma2 .01855033, coefficients, and the first three smoothed areas."""
    value, sd, area = np.array([row.split() for row in MILK.replace("\n", " ").split(",")], float).T
    fixed = np.column_stack([np.ones(43), *(area == a for a in (2, 3, 4))]).astype(float)
    rows = milk_rows(value, sd, fixed)
    buckets = make_buckets(rows)
    theta, score = reml_of_team_variance(buckets)
    assert abs(score) < 1e-8
    assert theta[1] == pytest.approx(0.01855033, abs=2e-8)
    system = factorise(rows, buckets, theta, None)
    _, _, beta, _ = residuals(system)
    np.testing.assert_allclose(beta, [0.9681890, 0.1327801, 0.2269462, -0.2413011], atol=2e-7)
    np.testing.assert_allclose(fixed_effects(system)[1], [0.06936, 0.10300, 0.09233, 0.08162], atol=6e-6)
    smoothed = fixed @ beta + predict(system).performance.sum(axis=1)
    np.testing.assert_allclose(smoothed[:3], [1.02197, 1.04760, 1.06795], atol=1e-5)
    gamma = theta[1] / (theta[1] + sd[0] ** 2)
    assert gamma == pytest.approx(0.41114, abs=1e-5)


def test_eight_schools_nobody_is_adjusted():
    """Known answer D6: REML between-school variance 0, so every school is pooled to 7.6856."""
    value = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
    sd = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
    rows = milk_rows(value, sd, np.ones((8, 1)))
    buckets = make_buckets(rows)
    theta, score = reml_of_team_variance(buckets)
    assert theta[1] == 0.0 and score < 0
    system = factorise(rows, buckets, theta, None)
    assert residuals(system)[2][0] == pytest.approx(7.6856, abs=1e-4)
    assert np.abs(predict(system).performance).max() == 0.0
