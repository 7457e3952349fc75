"""The SKM index and its elements from questionnaires, by office, unit, service: over respondents, never a mean of
means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kinerja.citizens.design import band_probabilities, logit_interval
from kinerja.results import CANNOT, OK
from kinerja.rules import Rules
from kinerja.rules.lookup import element_weight, grade, grade_limits, skm_multiplier

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

INDEX_COLUMNS = (
    "period", "level", "group", "unit", "service", "rule", "estimate", "std_error", "conf_low", "conf_high", "n",
    "status", "reason", "grade", "p_d", "p_c", "p_b", "p_a", "points", "points_std_error", "deff", "effective_n",
    "population",
)  # fmt: skip
ELEMENT_COLUMNS = (
    "period", "level", "group", "unit", "service", "element", "estimate", "std_error", "conf_low", "conf_high", "n",
    "status", "reason", "grade", "p_d", "p_c", "p_b", "p_a", "points",
)  # fmt: skip
SAME_ANSWERS = "same_answers"
"""Everybody gave the same answers: the estimate stands, its precision cannot be told from it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Moments:
    """What the answers of groups give, before any rule.

    Fields
    ------
    n : (groups,) respondents who answered anything; answered: (groups, elements) who answered the element
    means : (groups, elements) of the scale
    element_variance : (groups, elements) variance of these
    variance : (groups,) of the mean over elements; simple: the same for a simple random sample
    df : (groups,)
    effective_n : (groups,) Kish
    """

    n: Integers
    answered: Integers
    means: Floats
    element_variance: Floats
    variance: Floats
    simple: Floats
    df: Floats
    effective_n: Floats


def group_moments(
    answers: Floats,
    group: Integers,
    groups: int,
    *,
    weights: Floats | None = None,
    fraction: Floats | None = None,
    stratum: Integers | None = None,
) -> Moments:
    """Means over respondents and their linearised variances.

    answers : (n, elements), NaN where not answered; each element is a mean over those who answered it
    group : (n,) codes below `groups`; weights: (n,)
    fraction : (groups,) share of the population that answered, for the finite population correction
    stratum : (n,) strata within which the variance is taken (with one group only); fraction then is (strata,)
    """
    there = np.isfinite(answers)
    weight = np.ones(len(answers)) if weights is None else weights
    mass = np.stack([np.bincount(group, weight * there[:, u], groups) for u in range(answers.shape[1])], axis=1)
    filled = np.where(there, answers, 0.0)
    sums = np.stack([np.bincount(group, weight * filled[:, u], groups) for u in range(answers.shape[1])], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums / mass
        influence = weight[:, None] * np.where(there, answers - means[group], 0.0) / mass[group]
    influence = np.where(there, influence, 0.0)
    whole = influence.mean(axis=1)
    any_answer = there.any(axis=1) & (weight > 0)
    n = np.bincount(group[any_answer], minlength=groups)
    answered = np.stack([np.bincount(group[there[:, u]], minlength=groups) for u in range(answers.shape[1])], axis=1)
    kept = 1 - (np.zeros(groups) if fraction is None or stratum is not None else fraction)
    element_variance = np.stack(
        [_variance(influence[:, u], group, answered[:, u], groups) * kept for u in range(answers.shape[1])], axis=1
    )
    simple = _variance(whole, group, n, groups)
    variance, df = simple * kept, (n - 1).astype(np.float64)
    if stratum is not None:
        variance, df = _stratified(whole[any_answer], stratum[any_answer], fraction)
        simple = simple * (1 - _pooled_fraction(stratum[any_answer], fraction))
    squares = np.bincount(group[any_answer], weight[any_answer] ** 2, groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.bincount(group[any_answer], weight[any_answer], groups) ** 2 / squares
    return Moments(
        n=n,
        answered=answered,
        means=means,
        element_variance=element_variance,
        variance=variance,
        simple=simple if stratum is not None else simple * kept,
        df=df,
        effective_n=effective,
    )


def _variance(influence: Floats, group: Integers, n: Integers, groups: int) -> Floats:
    """n/(n-1) times the sum of squares; influence values of a mean sum to zero within a group. NaN for n below 2."""
    squares = np.bincount(group, influence**2, groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(n > 1, n / (n - 1) * squares, np.nan)


def _stratified(influence: Floats, stratum: Integers, fraction: Floats | None) -> tuple[Floats, Floats]:
    count = np.bincount(stratum)
    sums = np.bincount(stratum, influence)
    squares = np.bincount(stratum, influence**2)
    share = np.zeros(len(count)) if fraction is None else fraction[: len(count)]
    used = count > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        by = (1 - share) * count / (count - 1) * (squares - sums**2 / count)
    by = np.where(share >= 1, 0.0, by)
    return np.array([by[used].sum()]), np.array([float(count.sum() - used.sum())])


def _pooled_fraction(stratum: Integers, fraction: Floats | None) -> float:
    """Respondents over population of all strata together."""
    if fraction is None:
        return 0.0
    count = np.bincount(stratum)
    share = fraction[: len(count)]
    population = (count[share > 0] / share[share > 0]).sum()
    return float(count.sum() / population) if population > 0 else 0.0


def index_table(
    keys: pd.DataFrame,
    moments: Moments,
    *,
    rules: Rules,
    rule: str,
    weights: str,
    scale: tuple[float, float],
    confidence: float,
    population: Floats,
) -> pd.DataFrame:
    """INDEX_COLUMNS of groups described by `keys` (period, level, group, unit, service).

    estimate : the index, 25 to 100 under the rule's scale; NaN with a reason where an element has no answer or the
        rule does not apply
    points : the mean over elements on 0-100 of `scale`
    """
    low, high = scale
    complete = (moments.answered > 0).all(axis=1)
    mean = np.where(complete, moments.means.mean(axis=1), np.nan)
    spread = np.where(complete, np.sqrt(moments.variance), np.nan)
    table = keys.copy()
    table["rule"] = rule
    table["n"] = moments.n
    table["points"] = 100 * (mean - low) / (high - low)
    table["points_std_error"] = np.where(spread > 0, 100 * spread / (high - low), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        table["deff"] = moments.variance / moments.simple
    table["effective_n"] = moments.effective_n
    table["population"] = population
    reason = np.select([moments.n == 0, ~complete], ["no_responses", "element_without_answer"], "").astype(object)
    _add_index(table, mean, spread, moments.df, reason, rules=rules, rule=rule, weights=weights, scale=scale,
               confidence=confidence)  # fmt: skip
    return table[list(INDEX_COLUMNS)]


def _add_index(
    table: pd.DataFrame,
    mean: Floats,
    spread: Floats,
    df: Floats,
    reason: NDArray[np.object_],
    *,
    rules: Rules,
    rule: str,
    weights: str,
    scale: tuple[float, float],
    confidence: float,
) -> None:
    applies = rules.in_force(rule) and tuple(rules.values(rule)["scale"]) == tuple(scale)
    if not applies:
        code = "rule_not_in_force" if not rules.in_force(rule) else "not_the_rules_scale"
        reason = np.where(reason == "", code, reason)
        _without_index(table, reason)
        return
    factor = len(rules.values(rule)["elements"]) * element_weight(rules, rule=rule, weights=weights)
    factor *= skm_multiplier(rules, rule=rule)
    estimate, std_error = factor * mean, factor * spread
    bounds = (factor * scale[0], factor * scale[1])
    precise = std_error > 0
    degrees = np.where(df > 0, df, np.nan)
    table["estimate"] = estimate
    table["std_error"] = np.where(precise, std_error, np.nan)
    table["conf_low"], table["conf_high"] = logit_interval(estimate, std_error, degrees, bounds, confidence)
    add_grades(table, estimate, std_error, degrees, bounds, rules, rule)
    everybody = (table["n"] == table["population"]).to_numpy()
    alone, same = (table["n"] == 1).to_numpy(), ~precise & np.isfinite(estimate)
    table["status"] = np.where(np.isfinite(estimate), OK, CANNOT)
    table["reason"] = np.select(
        [reason != "", everybody, alone, same], [reason, "everybody_answered", "one_response", SAME_ANSWERS], ""
    ).astype(object)


def add_grades(
    table: pd.DataFrame,
    estimate: Floats,
    std_error: Floats,
    df: Floats,
    bounds: tuple[float, float],
    rules: Rules,
    rule: str,
) -> None:
    """grade and the chance of each, from values on the index's scale."""
    names, limits = grade_limits(rules, rule=rule)
    chance = band_probabilities(estimate, std_error, df, bounds, limits)
    for column, name in enumerate(names):
        table[f"p_{name.lower()}"] = chance[:, column]
    table["grade"] = [grade(rules, value, rule=rule) if np.isfinite(value) else "" for value in estimate]


def _without_index(table: pd.DataFrame, reason: NDArray[np.object_]) -> None:
    for name in ("estimate", "std_error", "conf_low", "conf_high", "p_d", "p_c", "p_b", "p_a"):
        table[name] = np.nan
    table["grade"], table["status"], table["reason"] = "", CANNOT, reason


def element_table(
    keys: pd.DataFrame,
    moments: Moments,
    *,
    rules: Rules,
    rule: str,
    elements: Sequence[str],
    scale: tuple[float, float],
    confidence: float,
) -> pd.DataFrame:
    """ELEMENT_COLUMNS: one row a group and element, the mean in the scale's unit.

    grade and its chances: of the element alone, its mean times 25 read on the bands of the index; "" where no rule
    applies
    """
    parts = []
    graded = rules.in_force(rule) and tuple(rules.values(rule)["scale"]) == tuple(scale)
    factor = skm_multiplier(rules, rule=rule) if graded else np.nan
    for column, element in enumerate(elements):
        n = moments.answered[:, column]
        estimate, variance = moments.means[:, column], moments.element_variance[:, column]
        std_error = np.sqrt(variance)
        part = keys.copy()
        part["element"], part["estimate"], part["n"] = element, estimate, n
        part["std_error"] = np.where(std_error > 0, std_error, np.nan)
        df = np.where(n > 1, n - 1.0, np.nan)
        part["conf_low"], part["conf_high"] = logit_interval(estimate, std_error, df, scale, confidence)
        if graded:
            bounds = (factor * scale[0], factor * scale[1])
            add_grades(part, factor * estimate, factor * std_error, df, bounds, rules, rule)
        else:
            part[["p_d", "p_c", "p_b", "p_a"]], part["grade"] = np.nan, ""
        part["points"] = 100 * (estimate - scale[0]) / (scale[1] - scale[0])
        part["status"] = np.where(n > 0, OK, CANNOT)
        part["reason"] = np.select(
            [n == 0, n == 1, ~(std_error > 0)], ["no_responses", "one_response", SAME_ANSWERS], ""
        ).astype(object)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)[list(ELEMENT_COLUMNS)]
