"""The office's index when its respondents are weighted to what is known of those served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kinerja.citizens.design import DesignMean, estimate_mean, logit_interval
from kinerja.citizens.weights import calibrated_mean, rake
from kinerja.results import CANNOT, OK

Floats = NDArray[np.float64]

WEIGHTED_COLUMNS = (
    "method", "estimate", "std_error", "conf_low", "conf_high", "n", "status", "reason", "difference", "points",
    "deff", "effective_n", "weight_low", "weight_high", "left_out",
)  # fmt: skip
MARGIN_COLUMNS = ("attribute", "value", "n", "share", "target", "difference", "p", "status", "reason")
UNIT = "unit"


def representativeness(responses: pd.DataFrame, margins: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """MARGIN_COLUMNS: respondents' shares beside the known ones; p of the chi-squared test of the attribute.

    Those who did not say are left out of the shares; a value that is in no margin has no target.
    """
    parts = []
    for attribute, goal in margins.items():
        if attribute not in responses:
            continue
        said = responses[attribute].dropna().astype(str)
        counts = said[said != ""].value_counts()
        values = sorted({*counts.index, *goal})
        n = np.array([int(counts.get(v, 0)) for v in values])
        target = np.array([goal.get(v, np.nan) for v in values]) / sum(goal.values())
        known = np.isfinite(target)
        total = int(n[known].sum())
        enough = total > 0 and len(values) > 1
        p = stats.chisquare(n[known], total * target[known]).pvalue if enough else np.nan
        share = n / n.sum() if n.sum() else np.full(len(n), np.nan)
        reason = np.select([~known, n == 0], ["no_margin", "margin_without_responses"], "").astype(object)
        parts.append(
            pd.DataFrame(
                {"attribute": attribute, "value": values, "n": n, "share": share, "target": target,
                 "difference": share - target, "p": p, "status": np.where(known, OK, CANNOT), "reason": reason}
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(MARGIN_COLUMNS))


def weighted_indexes(
    responses: pd.DataFrame,
    *,
    elements: Sequence[str],
    margins: Mapping[str, Mapping[str, float]],
    population: Mapping[str, int],
    factor: float,
    scale: tuple[float, float],
    confidence: float,
) -> pd.DataFrame:
    """WEIGHTED_COLUMNS, one row a method: unweighted, margins (raked), units (post-stratified to the numbers served).

    factor : the index is factor times the mean over the elements
    difference : from the unweighted index; weight_low, weight_high: smallest and largest weight (mean 1)
    left_out : responses without a known value of an attribute; they have no weight
    """
    answers = responses.reindex(columns=list(elements)).to_numpy(float)
    methods: dict[str, dict[str, Mapping[str, float]]] = {"unweighted": {}}
    if margins:
        methods["margins"] = dict(margins)
    if population and UNIT in responses:
        methods["units"] = {UNIT: {u: float(n) for u, n in population.items()}}
    rows = [
        {"method": name} | _estimate(responses, answers, goals, factor=factor, scale=scale, confidence=confidence)
        for name, goals in methods.items()
    ]
    table = pd.DataFrame(rows)
    table["difference"] = table["estimate"] - table["estimate"].iloc[0]
    return table[list(WEIGHTED_COLUMNS)]


def _estimate(
    responses: pd.DataFrame,
    answers: Floats,
    goals: Mapping[str, Mapping[str, float]],
    *,
    factor: float,
    scale: tuple[float, float],
    confidence: float,
) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(WEIGHTED_COLUMNS[1:], np.nan) | {"status": CANNOT, "n": 0, "left_out": 0}
    lacking = [name for name in goals if name not in responses]
    if lacking:
        return row | {"reason": "attribute_not_asked"}
    kept: NDArray[np.bool_] = np.asarray(np.isfinite(answers).any(axis=1))
    for name, goal in goals.items():
        kept = kept & responses[name].astype(object).isin(list(goal)).to_numpy(bool)
    row |= {"n": int(kept.sum()), "left_out": int(len(kept) - kept.sum())}
    if kept.sum() < 2:
        return row | {"reason": "no_responses"}
    codes = [_codes(responses.loc[kept, name], goal) for name, goal in goals.items()]
    targets = [kept.sum() * np.array(list(goal.values())) / sum(goal.values()) for goal in goals.values()]
    weights = np.ones(int(kept.sum()))
    if goals:
        raked = rake(codes, targets)
        if not raked.convergence.converged:
            code = raked.convergence.code
            return row | {"reason": "margin_without_responses" if code == "empty_category" else "margins_not_met"}
        weights = raked.weights
    value = linearised(answers[kept], weights)
    if not np.isfinite(value).all():
        return row | {"reason": "element_without_answer"}
    found = calibrated_mean(value, weights, codes) if goals else estimate_mean(value)
    return row | _shown(found, weights, factor, scale, confidence)


def _shown(
    found: DesignMean, weights: Floats, factor: float, scale: tuple[float, float], confidence: float
) -> dict[str, object]:
    estimate, std_error = np.array([factor * found.mean]), np.array([factor * found.std_error])
    bounds = (factor * scale[0], factor * scale[1])
    low, high = logit_interval(estimate, std_error, np.array([float(found.df)]), bounds, confidence)
    precise = found.std_error > 0
    return {
        "estimate": estimate[0],
        "std_error": std_error[0] if precise else np.nan,
        "conf_low": low[0],
        "conf_high": high[0],
        "status": OK,
        "reason": "" if precise else "same_answers",
        "points": 100 * (found.mean - scale[0]) / (scale[1] - scale[0]),
        "deff": found.deff,
        "effective_n": found.effective_n,
        "weight_low": weights.min(),
        "weight_high": weights.max(),
    }


def linearised(answers: Floats, weights: Floats) -> Floats:
    """(n,) values whose weighted mean is the mean over elements of the elements' weighted means, missing answers or
    not."""
    there = np.isfinite(answers)
    mass = (weights[:, None] * there).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = (weights[:, None] * np.where(there, answers, 0.0)).sum(axis=0) / mass
        distance = np.where(there, answers - means, 0.0) * weights.sum() / mass
    value: Floats = (means + distance).mean(axis=1)
    return value


def _codes(column: pd.Series, goal: Mapping[str, float]) -> NDArray[np.int64]:
    codes = {value: code for code, value in enumerate(goal)}
    return np.array([codes[value] for value in column], np.int64)
