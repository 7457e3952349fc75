"""The table of conditional checks: every comparison within unit and level, and at equal attainment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kinerja.fairness.check import Check, Given, Settings
from kinerja.fairness.check_table import LOGIT_TO_SD, judged, measures
from kinerja.fairness.gaps import ClusterEffect, clustered_p, contrast_effect
from kinerja.fairness.groups import Comparison, codes, joined, values_of
from kinerja.fairness.strata import (
    AdjustedGap,
    MantelHaenszel,
    estimate_logistic_dif,
    estimate_mantel_haenszel,
    estimate_matched_gap,
    estimate_stratified_gap,
    fifths,
    jodoin_gierl_class,
    two_by_two,
)
from kinerja.fairness.verdict import adjust_within, hide, typed
from kinerja.results import CANNOT, OK

STRATA_COLUMNS = (
    "attribute", "group", "reference", "outcome", "measure", "method", "condition", "n_group", "n_reference",
    "n_strata",
    "estimate", "std_error", "conf_low", "conf_high", "odds_ratio", "odds_low", "odds_high", "chi2", "p", "deff",
    "p_clustered", "p_adjusted", "family", "family_size", "homogeneity", "homogeneity_p", "delta", "ets_class",
    "r2_change",
    "detectable", "room", "verdict", "review", "n", "status", "reason",
)  # fmt: skip
_TEXT = (
    "attribute", "group", "reference", "outcome", "measure", "method", "condition", "family", "ets_class", "verdict",
    "status", "reason",
)  # fmt: skip
_INTEGERS = ("n_group", "n_reference", "n_strata", "family_size", "n")


def strata_table(
    people: pd.DataFrame,
    compared: Iterable[Comparison],
    outcomes: Sequence[str],
    settings: Settings,
    *,
    strata: Sequence[str],
    matched_on: str,
) -> pd.DataFrame:
    """One row a comparison, outcome, measure and condition; the family is again the attribute.

    method : stratified_mean, matched_mean (numbers); mantel_haenszel, logistic_dif (rates; estimate in log odds)
    condition : the columns of the strata (`unit + grade`), `<matched_on>`, or `<matched_on>` in fifths (`fifths of
        attainment`)
    """
    rows = [
        row
        for comparison in compared
        for outcome in outcomes
        for measure in measures(people, outcome)
        for row in _rows(people, comparison, outcome, measure, settings, strata, matched_on)
    ]
    table = pd.DataFrame(rows).reindex(columns=[*STRATA_COLUMNS, "hidden"])
    if not rows:
        return typed(table.drop(columns="hidden"), _TEXT, _INTEGERS, ("review",))
    table["family"] = table["attribute"]
    table["p_adjusted"] = adjust_within(table, "p_clustered", table["family"], settings.family)
    table["family_size"] = table.groupby("family")["p_clustered"].transform("count")
    table = judged(table, settings)
    finished = typed(table.drop(columns="hidden"), _TEXT, _INTEGERS, ("review",))
    return hide(finished, table["hidden"], ("method", "condition", "n_strata"))


def _rows(
    people: pd.DataFrame,
    comparison: Comparison,
    outcome: str,
    measure: str,
    settings: Settings,
    strata: Sequence[str],
    matched_on: str,
) -> Iterator[dict[str, Any]]:
    chosen = values_of(people, comparison, outcome)
    row: dict[str, Any] = {
        "attribute": comparison.attribute,
        "group": comparison.group,
        "reference": comparison.reference,
        "outcome": outcome,
        "measure": measure,
        "hidden": comparison.hidden,
        "status": CANNOT,
        "reason": "under_floor",
    }
    if strata:
        complete = chosen[chosen[list(strata)].notna().all(axis=1)]
        method = "stratified_mean" if measure == "mean" else "mantel_haenszel"
        named = row | {"method": method, "condition": " + ".join(strata)}
        yield named | _within(complete, codes(joined(complete, strata, " + ")), outcome, measure, settings)
    if matched_on in people and outcome != matched_on:
        complete = chosen[chosen[matched_on].notna()]
        x = complete[matched_on].to_numpy(dtype=float)
        if measure != "mean":
            named = row | {"method": "mantel_haenszel", "condition": f"fifths of {matched_on}"}
            yield named | _within(complete, fifths(x) if len(x) else codes(pd.Series(x)), outcome, measure, settings)
        method = "matched_mean" if measure == "mean" else "logistic_dif"
        yield row | {"method": method, "condition": matched_on} | _matched(complete, x, outcome, measure, settings)


def _within(
    chosen: pd.DataFrame, stratum: np.ndarray, outcome: str, measure: str, settings: Settings
) -> dict[str, Any]:
    """Within strata; persons of strata that hold one group only do not count."""
    inside = chosen["in_group"].to_numpy(dtype=bool)
    if _too_few(inside, settings):
        return _counts(inside)
    strata = int(stratum.max()) + 1
    both = (np.bincount(stratum, inside, strata) > 0) & (np.bincount(stratum, ~inside, strata) > 0)
    use = both[stratum]
    counts = _counts(inside[use]) | {"n_strata": int(both.sum())}
    if _too_few(inside[use], settings):
        return counts | {"reason": "strata_under_floor"}
    chosen, inside, stratum = chosen[use], inside[use], np.unique(stratum[use], return_inverse=True)[1]
    if measure == "mean":
        gap = estimate_stratified_gap(
            chosen[outcome].to_numpy(dtype=float), inside, stratum, confidence=settings.confidence
        )
        return counts | (_gap(chosen, gap, settings) if gap else {"reason": "no_variation"})
    has = chosen[outcome].isin(settings.top if measure == "top_rate" else settings.bottom).to_numpy()
    found = estimate_mantel_haenszel(two_by_two(has, inside, stratum), confidence=settings.confidence)
    spreads = estimate_stratified_gap(has.astype(float), inside, stratum, confidence=settings.confidence)
    if found is None or spreads is None:
        return counts | {"reason": "no_variation"}
    effect = _effect(chosen, spreads.weights, spreads.residuals, settings)
    return counts | _odds(found, effect, settings)


def _matched(chosen: pd.DataFrame, x: np.ndarray, outcome: str, measure: str, settings: Settings) -> dict[str, Any]:
    inside = chosen["in_group"].to_numpy(dtype=bool)
    if _too_few(inside, settings):
        return _counts(inside)
    if measure == "mean":
        values = chosen[outcome].to_numpy(dtype=float)
        gap = estimate_matched_gap(values, inside, x, confidence=settings.confidence)
        return _counts(inside) | (_gap(chosen, gap, settings) if gap else {"reason": "no_variation"})
    has = chosen[outcome].isin(settings.top if measure == "top_rate" else settings.bottom).to_numpy()
    gap = estimate_logistic_dif(has, inside, x, confidence=settings.confidence)
    if gap is None:
        return _counts(inside) | {"reason": "separated"}
    odds = {
        "odds_ratio": float(np.exp(gap.estimate)),
        "odds_low": float(np.exp(gap.conf_low)),
        "odds_high": float(np.exp(gap.conf_high)),
        "r2_change": gap.r2_change,
        "ets_class": jodoin_gierl_class(gap.r2_change, min(gap.p, gap.homogeneity_p)),
    }
    return _counts(inside) | _gap(chosen, gap, settings) | odds


def _gap(chosen: pd.DataFrame, gap: AdjustedGap, settings: Settings) -> dict[str, Any]:
    effect = _effect(chosen, gap.weights, gap.residuals, settings)
    wider = float(np.sqrt(effect.deff))
    detectable = _reach(gap.df, settings) * gap.std_error * wider
    return {
        "estimate": gap.estimate,
        "std_error": gap.std_error * wider,
        "conf_low": gap.estimate + (gap.conf_low - gap.estimate) * wider,
        "conf_high": gap.estimate + (gap.conf_high - gap.estimate) * wider,
        "p": gap.p,
        "deff": effect.deff,
        "p_clustered": clustered_p(gap.p, effect),
        "homogeneity": gap.homogeneity,
        "homogeneity_p": gap.homogeneity_p,
        "detectable": detectable,
        "room": max(abs(gap.estimate + (v - gap.estimate) * wider) for v in (gap.conf_low, gap.conf_high)) / gap.spread,
        "status": OK,
        "reason": "",
    }


def _odds(found: MantelHaenszel, effect: ClusterEffect, settings: Settings) -> dict[str, Any]:
    """The tables' first row is the reference, so the group's odds ratio is the inverse."""
    wider = float(np.sqrt(effect.deff))
    estimate, std_error = -float(np.log(found.odds_ratio)), found.log_std_error * wider
    half = float(stats.norm.ppf((1 + settings.confidence) / 2)) * std_error
    detectable = _reach(np.inf, settings) * std_error
    return {
        "estimate": estimate,
        "std_error": std_error,
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "odds_ratio": float(np.exp(estimate)),
        "odds_low": float(np.exp(estimate - half)),
        "odds_high": float(np.exp(estimate + half)),
        "chi2": found.chi2,
        "p": found.p,
        "deff": effect.deff,
        "p_clustered": clustered_p(found.p, effect),
        "homogeneity": found.breslow_day,
        "homogeneity_p": found.breslow_day_p,
        "delta": found.delta,
        "ets_class": found.ets_class,
        "detectable": detectable,
        "room": (abs(estimate) + half) * LOGIT_TO_SD,
        "n_strata": found.strata,
        "status": OK,
        "reason": "",
    }


def _effect(chosen: pd.DataFrame, weights: np.ndarray, residuals: np.ndarray, settings: Settings) -> ClusterEffect:
    effects = [ClusterEffect(icc=0.0, deff=1.0, df=float(max(len(chosen) - 2, 1)), clusters=len(chosen))]
    for column in settings.clusters:
        if column in chosen and chosen[column].notna().any():
            effects.append(contrast_effect(residuals, weights, codes(chosen[column])))
    return max(effects, key=lambda e: e.deff)


def _reach(df: float, settings: Settings) -> float:
    """Standard errors between zero and the smallest effect found with the chance asked for."""
    return float(stats.t.ppf(1 - settings.level / 2, df) + stats.t.ppf(settings.power, df))


def _too_few(inside: np.ndarray, settings: Settings) -> bool:
    return min(int(inside.sum()), int((~inside).sum())) < settings.minimum


def _counts(inside: np.ndarray) -> dict[str, Any]:
    return {"n_group": int(inside.sum()), "n_reference": int((~inside).sum()), "n": len(inside)}


def _run(given: Given) -> pd.DataFrame:
    return strata_table(
        given.persons, given.single, given.outcomes, given.settings,
        strata=given.options.strata, matched_on=given.options.matched_on,
    )  # fmt: skip


CHECK = Check(name="strata", columns=STRATA_COLUMNS, run=_run)
