"""How far the result depends on what is assumed: the validity of citizens' answers, a bias shared by two measures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.calibration.blocks import Bucket, some_blocks
from kinerja.calibration.design import Design
from kinerja.calibration.gate import Dials, fitted_dials
from kinerja.calibration.links import Links
from kinerja.calibration.model import FEEDBACK_SLOPE, Fit, fit_model, variances
from kinerja.calibration.robust import MOST_UNITS, ROUGH
from kinerja.calibration.rows import FEEDBACK, INDICATOR
from kinerja.calibration.solve import CLOSE, RatingEffects, factorise, rating_effects

Floats = npt.NDArray[np.float64]

FACTORS = (0.25, 0.5, 1.0, 2.0)
"""Validity of feedback against its estimate, in the sensitivity table."""
FEW_STEPS = 5
"""Steps of the fit beside; it starts at the published estimate, so that few are needed for a comparison."""
ASSUMED_CORRELATION = 0.3
"""Correlation of the discrepancies of citizens and attainment in the result shown beside (method, section 11)."""


def sensitivity_table(
    design: Design,
    fit: Fit,
    buckets: list[Bucket],
    links: Links | None,
    extra: Floats,
    dials: Dials,
    rows: npt.NDArray[np.int64],
    effects: RatingEffects,
) -> pd.DataFrame:
    """The result if feedback followed performance 0.25, 0.5, 1 or 2 times as strongly as estimated.

    factor, slope (feedback points per point of performance), severity_sd, mean_adjustment (absolute, points),
    correlation (with the published effects `effects`), largest_change (points). The other parameters follow along
    their conditional mean; dials are held.
    """
    if not (design.kind == FEEDBACK).any() or dials.shut:
        return pd.DataFrame(
            columns=["factor", "slope", "severity_sd", "mean_adjustment", "correlation", "largest_change"], dtype=float
        )
    C = fit.covariance
    phi = fit.working[FEEDBACK_SLOPE]
    direction = C[:, FEEDBACK_SLOPE] / C[FEEDBACK_SLOPE, FEEDBACK_SLOPE]
    found = {}
    for factor in FACTORS:
        psi = fit.working + direction * (factor - 1.0) * phi
        psi[1:9] = np.clip(psi[1:9], fit.working[1:9] - 2, fit.working[1:9] + 2)
        theta, there = variances(psi), effects
        if factor != 1.0:
            there = rating_effects(factorise(design, buckets, theta, links, extra, CLOSE))
        found[factor] = (theta, _people_effects(design, there, dials, rows))
    main = found[1.0][1]
    return pd.DataFrame(
        {
            "factor": list(FACTORS),
            "slope": [found[f][0][9] * design.scale[1] / design.scale[0] for f in FACTORS],
            "severity_sd": [float(np.sqrt(found[f][0][3])) * design.scale[0] for f in FACTORS],
            "mean_adjustment": [float(np.abs(found[f][1]).mean()) for f in FACTORS],
            "correlation": [weighted_correlation(found[f][1], main) for f in FACTORS],
            "largest_change": [float(np.abs(found[f][1] - main).max()) for f in FACTORS],
        }
    )


def shared_bias_table(
    design: Design,
    fit: Fit,
    buckets: list[Bucket],
    links: Links | None,
    extra: Floats,
    dials: Dials,
    rows: npt.NDArray[np.int64],
    effects: RatingEffects,
) -> pd.DataFrame:
    """The result with independent discrepancies, and with correlated ones: the model is fitted again.

    assumed_correlation, evidence_team, severity_sd, mean_adjustment (absolute, points), correlation (with the published
    effects), largest_change (points). Empty without both measures or without evidence.
    """
    columns = [
        "assumed_correlation",
        "evidence_team",
        "severity_sd",
        "mean_adjustment",
        "correlation",
        "largest_change",
    ]
    if not {FEEDBACK, INDICATOR} <= set(np.unique(design.kind).tolist()) or dials.shut:
        return pd.DataFrame(columns=columns, dtype=float)
    theta = variances(fit.working)
    shared = _correlated(buckets, theta, ASSUMED_CORRELATION)
    joined = links and replace(links, parts=[
        replace(part, free=_correlated([part.free], theta, ASSUMED_CORRELATION)[0]) for part in links.parts
    ])  # fmt: skip
    again = fit_model(
        some_blocks(shared, MOST_UNITS),
        prior_mean=fit.prior_mean,
        prior_sd=fit.prior_sd,
        start=fit.working,
        tolerance=ROUGH,
        maximum_iterations=FEW_STEPS,
    )
    other = rating_effects(factorise(design, shared, variances(again.working), joined, extra, CLOSE))
    found = []
    for correlation, one, there in ((0.0, fit, effects), (ASSUMED_CORRELATION, again, other)):
        theta, gate = variances(one.working), fitted_dials(one)
        people = _people_effects(design, there, gate, rows)
        found.append((correlation, gate.team, float(np.sqrt(theta[3])) * design.scale[0], people))
    main = found[0][3]
    return pd.DataFrame(
        [
            (r, c, sd, float(np.abs(b).mean()), weighted_correlation(b, main), float(np.abs(b - main).max()))
            for r, c, sd, b in found
        ],
        columns=columns,
    )


def _correlated(buckets: list[Bucket], theta: Floats, r: float) -> list[Bucket]:
    """The blocks with a known covariance of the two measures' discrepancies, in the unit and in the team."""
    out = []
    for bucket in buckets:
        cross = bucket.feedback[:, :, None] * bucket.indicator[:, None, :]
        cross = cross + cross.transpose(0, 2, 1)
        known = r * (np.sqrt(theta[5] * theta[7]) + np.sqrt(theta[6] * theta[8]) * bucket.team)
        out.append(replace(bucket, error=bucket.error + cross * known))
    return out


def _people_effects(design: Design, effects: RatingEffects, dials: Dials, rows: npt.NDArray[np.int64]) -> Floats:
    """(N,) published effects of the people, mean zero."""
    b = dials.team * effects.rater.sum(axis=1)[design.spell_rater]
    b = b + dials.culture * effects.culture.sum(axis=1)[design.spell_block]
    people = b[design.spell_of[rows]]
    return np.asarray(people - people.mean())


def weighted_correlation(a: Floats, b: Floats, w: Floats | None = None) -> float:
    w = np.ones(len(a)) if w is None else w
    a, b = a - np.average(a, weights=w), b - np.average(b, weights=w)
    scale = float(np.sqrt((w @ a**2) * (w @ b**2)))
    return float((w * a) @ b / scale) if scale > 0 else np.nan
