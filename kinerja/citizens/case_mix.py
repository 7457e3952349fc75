"""Case mix: what citizens' answers would have been with the same mix of respondents at every service point.

Respondent-level regression with the effects of service points absorbed (within estimator), so that a point is never
compared on who its visitors are; adjusted means are recentred, so that the office's mean stays what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from kinerja.errors import DataError
from kinerja.results import CANNOT, OK, Finding
from kinerja.results.shown import Shown
from kinerja.rules.lookup import questionnaire_elements

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ELEMENTS = questionnaire_elements()
POINT_KEYS = ("period", "unit", "service", "team", "ratee")
_MISSING = "(missing)"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CaseMix(Shown):
    """Means of service points (a period, a unit and, where tagged, service, team or ratee), raw and adjusted.

    Fields
    ------
    points : period, unit, service, team, ratee (the tags the responses have), n, observed (raw mean of all answers,
        0-100), screened (without straight-line all-top ballots), adjusted (case mix too), estimate (= adjusted),
        std_error, conf_low, conf_high, n_screened, status, reason; sorted by its keys
    coefficients : attribute, level, estimate, std_error, conf_low, conf_high, n, status, reason: points against the
        attribute's most frequent level
    respondent_sd : SD of answers within a service point after adjustment, points
    n_screened : ballots left out; findings; settings
    """

    points: pd.DataFrame
    coefficients: pd.DataFrame
    respondent_sd: float
    n_screened: int
    findings: tuple[Finding, ...]
    settings: dict[str, Any]


def adjust_case_mix(
    responses: pd.DataFrame,
    *,
    attributes: Sequence[str] = (),
    screen: bool = True,
    scale: tuple[float, float] = (1.0, 4.0),
    elements: Sequence[str] = ELEMENTS,
    confidence: float = 0.95,
    minimum_level: int = 20,
) -> CaseMix:
    """Adjust the means of service points for who answered.

    responses : canonical questionnaire responses; a response's value is the mean of its answered elements on 0-100
    attributes : respondents' columns (categories); rare levels (fewer than `minimum_level`) are pooled
    screen : leave out ballots that give the highest mark to everything (two answers or more)
    confidence : level of the intervals

    Raises
    ------
    DataError : no element column, no unit column, or an attribute that is not there
    """
    found = [e for e in elements if e in responses]
    if not found or "unit" not in responses:
        raise DataError("responses: columns `unit` and at least one of the nine elements are needed")
    absent = [a for a in attributes if a not in responses]
    if absent:
        raise DataError(f"responses: attribute {absent[0]!r} is not a column; name existing columns in attributes")
    value, all_top = _values(responses, found, scale)
    keys = [k for k in POINT_KEYS if k in responses and (k in ("period", "unit") or responses[k].notna().any())]
    point, table = _points(responses, keys)
    answered = np.isfinite(value) & (point >= 0)
    kept = answered & ~(all_top & screen)
    n_points = len(table)
    X, names, counts = _design(responses, attributes, kept, minimum_level)
    at, y = point[kept], value[kept]
    n = np.bincount(at, minlength=n_points).astype(np.float64)
    some = np.maximum(n, 1)
    mean = np.bincount(at, y, n_points) / some
    X_mean = np.stack([np.bincount(at, c, n_points) / some for c in X.T], axis=1) if X.shape[1] else X[:n_points, :0]
    X_mean = X_mean if X.shape[1] else np.zeros((n_points, 0))
    beta, covariance, residual_variance = _within(y - mean[at], X - X_mean[at], int((n > 0).sum()))
    # recentred: the respondents' mean of adjusted answers is the mean of the answers
    shift = (X_mean - (n @ X_mean) / max(n.sum(), 1)) @ beta
    adjusted = mean - shift
    variance = residual_variance / some
    n_all = np.bincount(point[answered], minlength=n_points).astype(np.float64)
    raw = np.bincount(point[answered], value[answered], n_points) / np.maximum(n_all, 1)
    z = float(ndtri(0.5 + confidence / 2))
    some_left = n > 0
    table = table.assign(
        n=n.astype(np.int64),
        observed=np.where(n_all > 0, raw, np.nan),
        screened=np.where(some_left, mean, np.nan),
        adjusted=np.where(some_left, adjusted, np.nan),
        estimate=np.where(some_left, adjusted, np.nan),
        std_error=np.where(some_left, np.sqrt(variance), np.nan),
        conf_low=np.where(some_left, adjusted - z * np.sqrt(variance), np.nan),
        conf_high=np.where(some_left, adjusted + z * np.sqrt(variance), np.nan),
        n_screened=(n_all - n).astype(np.int64),
        status=np.where(some_left, OK, CANNOT),
        reason=np.where(some_left, "", "all_answers_screened"),
    )
    n_screened = int((answered & ~kept).sum())
    findings = []
    if n_screened:
        findings.append(
            Finding(
                level="note", code="case_mix_screened", data={"n": n_screened, "share": n_screened / answered.sum()}
            )
        )
    return CaseMix(
        points=table,
        coefficients=_coefficients(names, counts, beta, covariance, z),
        respondent_sd=float(np.sqrt(residual_variance)),
        n_screened=n_screened,
        findings=tuple(findings),
        settings={
            "attributes": tuple(attributes),
            "screen": screen,
            "scale": tuple(scale),
            "elements": tuple(found),
            "confidence": confidence,
            "minimum_level": minimum_level,
        },
    )


def _values(responses: pd.DataFrame, elements: list[str], scale: tuple[float, float]) -> tuple[Floats, Any]:
    """Mean of the answered elements on 0-100, and whether everything answered is the highest mark."""
    total = np.zeros(len(responses))
    count = np.zeros(len(responses))
    for element in elements:
        mark = responses[element].to_numpy(np.float64, na_value=np.nan)
        there = np.isfinite(mark)
        total += np.where(there, mark, 0.0)
        count += there
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return (mean - scale[0]) * (100.0 / (scale[1] - scale[0])), (mean >= scale[1]) & (count > 1)


def _points(responses: pd.DataFrame, keys: list[str]) -> tuple[Ints, pd.DataFrame]:
    """Code of each response's service point (-1 without a unit) and the sorted table of points."""
    coded = [pd.factorize(responses[k], sort=True) for k in keys]
    code = np.zeros(len(responses), np.int64)
    for raw, distinct in coded:
        code = code * (len(distinct) + 1) + raw + 1
    inverse, found = pd.factorize(code)
    order = np.argsort(found, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    inverse, distinct_codes = place[inverse], np.asarray(found)[order]
    rest, columns = distinct_codes, {}
    for key, (_, distinct) in zip(reversed(keys), reversed(coded), strict=True):
        place = rest % (len(distinct) + 1) - 1
        names = [*distinct, None]
        columns[key] = pd.Index(names, dtype=object).take(place).to_numpy()
        rest = rest // (len(distinct) + 1)
    table = pd.DataFrame({k: columns[k] for k in keys})
    has_unit = table["unit"].notna().to_numpy()
    renumbered = np.where(has_unit, np.cumsum(has_unit) - 1, -1)
    return renumbered[inverse].astype(np.int64), table[has_unit].reset_index(drop=True)


def _design(
    responses: pd.DataFrame, attributes: Sequence[str], kept: Any, minimum_level: int
) -> tuple[Floats, list[tuple[str, str]], list[int]]:
    """Indicator columns of every level but the most frequent; missing is a level of its own."""
    columns: list[Floats] = []
    names: list[tuple[str, str]] = []
    counts: list[int] = []
    for attribute in attributes:
        raw, distinct = pd.factorize(responses[attribute], sort=True)
        raw = np.where(raw < 0, len(distinct), raw)[kept]
        levels = [*map(str, distinct), _MISSING]
        n = np.bincount(raw, minlength=len(levels))
        usual = int(np.argmax(n))
        for level in range(len(levels)):
            if level != usual and n[level] >= minimum_level:
                columns.append((raw == level).astype(np.float64))
                names.append((attribute, levels[level]))
                counts.append(int(n[level]))
    X = np.stack(columns, axis=1) if columns else np.zeros((int(kept.sum()), 0))
    return X, names, counts


def _within(y: Floats, X: Floats, n_points: int) -> tuple[Floats, Floats, float]:
    """Least squares on values centred at their service point; collinear columns get 0 by the pseudo-inverse."""
    gram = np.linalg.pinv(X.T @ X, rcond=1e-10, hermitian=True) if X.shape[1] else np.zeros((0, 0))
    beta = gram @ (X.T @ y)
    residual = y - X @ beta
    free = max(len(y) - n_points - X.shape[1], 1)
    variance = float(residual @ residual) / free
    return beta, gram * variance, variance


def _coefficients(
    names: list[tuple[str, str]], counts: list[int], beta: Floats, covariance: Floats, z: float
) -> pd.DataFrame:
    error = np.sqrt(np.diag(covariance)) if len(beta) else np.zeros(0)
    known = error > 0
    return pd.DataFrame(
        {
            "attribute": [a for a, _ in names],
            "level": [level for _, level in names],
            "estimate": np.where(known, beta, np.nan),
            "std_error": np.where(known, error, np.nan),
            "conf_low": np.where(known, beta - z * error, np.nan),
            "conf_high": np.where(known, beta + z * error, np.nan),
            "n": np.array(counts, np.int64),
            "status": np.where(known, OK, CANNOT),
            "reason": np.where(known, "", "attribute_collinear"),
        }
    )
