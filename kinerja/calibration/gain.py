"""Is it worth it? Expected error before and after, from the model and against evidence left out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.calibration.adjust import Adjustments
from kinerja.calibration.blocks import Bucket, only_kinds
from kinerja.calibration.design import Design
from kinerja.calibration.gate import Dials
from kinerja.calibration.model import Fit, covariance, inverse, variances
from kinerja.calibration.persons import centred_mean, error_variance, own_error
from kinerja.calibration.rows import FEEDBACK, INDICATOR, PAIR, RATING
from kinerja.calibration.sensitivity import weighted_correlation
from kinerja.calibration.solve import people_covariance
from kinerja.calibration.uncertainty import Bias
from kinerja.results import CANNOT, OK

Floats = npt.NDArray[np.float64]

SMALLEST_GAIN = 0.01
"""Share of the error that must fall for it to be called a gain."""
FEWEST_HELD_OUT = 20


def gain_table(
    design: Design,
    fit: Fit,
    buckets: list[Bucket],
    dials: Dials,
    bias: Bias,
    adjustments: Adjustments,
    rows: npt.NDArray[np.int64],
) -> pd.DataFrame:
    """gain_check, error_before, error_after (RMSE of a person's score, points), ratio, correlation_before and _after
    (team
    means with the evidence left out), n, gain_verdict (gain | no_gain | cannot_tell), status, reason."""
    own = own_error(design, rows)
    spread = bias.variance[design.spell_of[rows]]
    before = float(np.sqrt(np.mean(spread + centred_mean(design, bias, rows) ** 2 + own)))
    after = float(np.sqrt(np.mean(error_variance(design, bias, adjustments, rows) + own)))
    made = bool(np.any(adjustments.total != 0))
    table = [_row("model", before, after, len(rows), made=made)]
    for name, kind, slope, scale in (
        ("held_out_feedback", FEEDBACK, variances(fit.working)[9], design.scale[1] / design.scale[0]),
        ("held_out_indicators", INDICATOR, variances(fit.working)[10], design.scale[2] / design.scale[0]),
    ):
        table.append(_held_out(design, fit, buckets, dials, name, kind, slope * scale, before, made))
    return pd.DataFrame(table)


def _held_out(
    design: Design,
    fit: Fit,
    buckets: list[Bucket],
    dials: Dials,
    name: str,
    kind: int,
    slope: float,
    before: float,
    made: bool,
) -> dict[str, object]:
    """Effects from all evidence but one kind, tried against that kind.

    With f = slope * performance + independent error, the change of squared error by taking b off is
    mean(b^2 - 2 b (y - f / slope)), because b has not seen f. What b takes from the people who happen to be in a team
    (true performance that citizens are not assumed to see) is known from the model and added back.
    """
    held = np.flatnonzero(design.kind == kind)
    others = tuple(k for k in (RATING, FEEDBACK, INDICATOR, PAIR) if k != kind)
    rest = (
        np.isin(design.kind, [k for k in others if k != RATING]).any() or design.team_group.max() + 1 < design.n_spells
    )
    if len(held) < FEWEST_HELD_OUT or not rest or abs(slope) < 0.05:
        reason = (
            "source_absent" if len(held) < FEWEST_HELD_OUT else "no_other_source" if not rest else "slope_too_small"
        )
        return _row(name, np.nan, np.nan, len(held), reason=reason, made=made)
    b, with_people = _effects_from(design, only_kinds(buckets, design.kind, others), variances(fit.working), dials)
    rows = design.spell_rows
    y = design.value[rows] - design.value[rows].mean()
    A = design.exposure[held]
    value = design.value[held] - design.value[held].mean()
    raw, less = A @ y, A @ b
    weight = np.maximum(np.nan_to_num(design.n_behind[held], nan=1.0), 0.0)
    people = A @ design.spells["n"].to_numpy(np.float64)
    change = float(np.average(less**2 - 2 * less * (raw - value / slope) + 2 * (A @ with_people), weights=people))
    after = float(np.sqrt(max(before**2 + change, 0.0)))
    w = weight if weight.sum() > 0 else np.ones(len(value))
    row = _row(name, before, after, len(held), made=made)
    row.update(
        correlation_before=weighted_correlation(raw, value, w),
        correlation_after=weighted_correlation(raw - less, value, w),
    )
    return row


def _effects_from(design: Design, buckets: Iterable[Bucket], theta: Floats, dials: Dials) -> tuple[Floats, Floats]:
    """(S,) dial-scaled effects in points from the rows of these blocks, centred; and (S,) their covariance with the
    part of the team's true performance that its people bring, points squared."""
    place = design.spell_rows
    at = np.full(len(design.kind), -1)
    at[place] = np.arange(len(place))
    with_people = np.zeros(len(place))
    moments: Floats = np.zeros(())
    spells, effects = [], []
    for bucket in buckets:
        W = inverse(covariance(bucket, theta))
        right = np.concatenate([bucket.fixed, bucket.value[:, :, None]], axis=2)
        z = W @ right
        moments = moments + np.tensordot(right, z, axes=([0, 1], [0, 1]))
        severity = bucket.severity
        s = dials.team * theta[3] * (severity @ z)
        c = dials.culture * theta[4] * np.einsum("gi,gik->gk", bucket.rating, z)
        ok = (bucket.row >= 0) & (bucket.rating > 0)
        spells.append(at[bucket.row[ok]])
        effects.append((s + c[:, None])[ok])
        weights = dials.team * theta[3] * (severity @ W)
        weights += dials.culture * theta[4] * np.einsum("gi,gij->gj", bucket.rating, W)[:, None, :]
        with_people[spells[-1]] = np.einsum("gij,gij->gi", weights, people_covariance(bucket, design))[ok]
    beta = np.linalg.solve(moments[:-1, :-1], moments[:-1, -1])
    b = np.zeros(len(place))
    b[np.concatenate(spells)] = np.concatenate(effects) @ np.append(-beta, 1.0)
    unit = design.scale[0]
    return (b - np.average(b, weights=design.spells["n"])) * unit, with_people * unit**2


def _row(name: str, before: float, after: float, n: int, *, made: bool, reason: str = "") -> dict[str, object]:
    known = not reason
    ratio = after / before if known and before > 0 else np.nan
    verdict = "cannot_tell" if not known else "gain" if made and ratio < 1 - SMALLEST_GAIN else "no_gain"
    return {
        "gain_check": name,
        "error_before": before,
        "error_after": after,
        "ratio": ratio,
        "correlation_before": np.nan,
        "correlation_after": np.nan,
        "n": n,
        "gain_verdict": verdict,
        "status": OK if known else CANNOT,
        "reason": reason,
    }
