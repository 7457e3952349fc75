"""The same tables from element means that an office has published or kept, without the questionnaires behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kinerja.citizens.design import band_probabilities, logit_interval
from kinerja.citizens.index import ELEMENT_COLUMNS, INDEX_COLUMNS, add_grades
from kinerja.results import CANNOT, OK
from kinerja.rules import Rules
from kinerja.rules.lookup import element_weight, elements, grade, grade_limits, skm_multiplier
from kinerja.rules.periods import period_end

NORMAL = np.inf
"""Degrees of freedom where the number of respondents behind a standard error is not known: the normal distribution."""


def tables_from_means(
    aggregated: pd.DataFrame,
    *,
    rules: Rules,
    rule: str,
    weights: str,
    scale: tuple[float, float] | None,
    confidence: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """INDEX_COLUMNS and ELEMENT_COLUMNS of element means: period, unit, element, mean, n, std_error.

    The rule of a unit is the one whose elements it has (`rule`, else the one of its day, else none: points only).
    Standard error of the index: how the answers to the elements go together is not known, so it is the largest that the
    elements' errors allow (all of them off in the same direction), with the reason `error_is_upper_bound`; without
    errors there is no interval. The office is the mean over respondents, where every unit says how many there were.
    """
    rows = _complete(aggregated)
    rows = pd.concat([_office(rows), rows], ignore_index=True)
    if rows.empty:
        return pd.DataFrame(columns=list(INDEX_COLUMNS)), pd.DataFrame(columns=list(ELEMENT_COLUMNS))
    known = {period: rules.at(period_end(period) or rules.on) for period in sorted(set(rows["period"]))}
    index, named = [], {}
    for key, own in rows.groupby(["period", "level", "unit"], sort=True):
        period, level, unit = map(str, key)
        named[period, level, unit] = _rule_of(tuple(own["element"]), known[period], rule)
        limits = scale or _scale(known[period], named[period, level, unit])
        row = _index_row(
            period, level, unit, own, known[period], named[period, level, unit], weights, limits, confidence
        )
        index.append(row)
    rows["rule"] = [named[key] for key in zip(rows["period"], rows["level"], rows["unit"], strict=True)]
    parts = [
        _elements(own, known[str(p)], str(r), scale or _scale(known[str(p)], str(r)), confidence)
        for (p, r), own in rows.groupby(["period", "rule"], sort=True)
    ]
    order = ["period", "level", "group", "element"]
    table = pd.concat(parts, ignore_index=True).sort_values(order, ignore_index=True)
    return pd.DataFrame(index)[list(INDEX_COLUMNS)], table[list(ELEMENT_COLUMNS)]


def _complete(aggregated: pd.DataFrame) -> pd.DataFrame:
    rows = pd.DataFrame({name: aggregated[name].astype(object).to_numpy() for name in ("period", "unit", "element")})
    for name in ("mean", "n", "std_error"):
        rows[name] = aggregated[name].to_numpy(float) if name in aggregated else np.nan
    rows["level"] = np.where(rows["unit"].fillna("") == "", "office", "unit")
    rows["unit"] = rows["unit"].fillna("")
    return rows.sort_values(["period", "unit", "element"], ignore_index=True)


def _office(rows: pd.DataFrame) -> pd.DataFrame:
    """Element means over the respondents of all units of a period; none where a unit does not say its n, or elements
    differ."""
    found = []
    for period, own in rows[rows["level"] == "unit"].groupby("period", sort=True):
        sets = own.groupby("unit")["element"].agg(tuple)
        if (
            own["unit"].nunique() < 2
            or sets.nunique() > 1
            or (rows["level"][rows["period"] == period] == "office").any()
        ):
            continue
        total = own.groupby("element", sort=True)["n"].sum(min_count=len(sets))
        share = own["n"] / own["element"].map(total)
        merged = pd.DataFrame(
            {
                "mean": (own["mean"] * share).groupby(own["element"]).sum(min_count=len(sets)),
                "n": total,
                "std_error": np.sqrt(
                    ((own["std_error"] * share) ** 2).groupby(own["element"]).sum(min_count=len(sets))
                ),
            }
        )
        found.append(merged.rename_axis("element").reset_index().assign(period=period, level="office", unit=""))
    return pd.concat(found, ignore_index=True) if found else rows.iloc[:0]


def _rule_of(named: tuple[str, ...], rules: Rules, preferred: str) -> str:
    """The rule whose elements these are, "" where there is none; one with some of them still names its rule."""
    for rule in (preferred, "skm"):
        if rules.in_force(rule) and set(named) & set(elements(rules, rule=rule)):
            return rules.rule(rule).id
    return ""


def _scale(rules: Rules, rule: str) -> tuple[float, float]:
    """The rule's scale; unknown (NaN) where there is no rule: points then need `scale`."""
    if not rule:
        return (np.nan, np.nan)
    low, high = rules.values(rule)["scale"]
    return (float(low), float(high))


def _index_row(
    period: str,
    level: str,
    unit: str,
    own: pd.DataFrame,
    rules: Rules,
    rule: str,
    weights: str,
    scale: tuple[float, float],
    confidence: float,
) -> dict[str, object]:
    mean, spread = float(own["mean"].mean(skipna=False)), float(own["std_error"].mean(skipna=False))
    n = own["n"].min()
    row: dict[str, object] = dict.fromkeys(INDEX_COLUMNS, np.nan)
    row |= {"period": period, "level": level, "group": unit, "unit": unit, "service": "", "rule": rule, "grade": ""}
    row |= {"n": n, "status": CANNOT}
    row["points"] = 100 * (mean - scale[0]) / (scale[1] - scale[0])
    row["points_std_error"] = 100 * spread / (scale[1] - scale[0])
    reason = _why_not(own, rules, rule, scale, mean)
    if reason:
        return row | {"reason": reason}
    factor = len(elements(rules, rule=rule)) * element_weight(rules, rule=rule, weights=_known(rules, rule, weights))
    factor *= skm_multiplier(rules, rule=rule)
    estimate, std_error = np.array([factor * mean]), np.array([factor * spread])
    bounds = (factor * scale[0], factor * scale[1])
    low, high = logit_interval(estimate, std_error, np.array([NORMAL]), bounds, confidence)
    names, limits = grade_limits(rules, rule=rule)
    chance = band_probabilities(estimate, std_error, np.array([NORMAL]), bounds, limits)
    row |= {f"p_{name.lower()}": chance[0, i] for i, name in enumerate(names)}
    row |= {"estimate": estimate[0], "std_error": std_error[0], "conf_low": low[0], "conf_high": high[0], "status": OK}
    row["grade"] = grade(rules, float(estimate[0]), rule=rule)
    row["reason"] = "error_is_upper_bound" if np.isfinite(spread) else "no_error_given"
    return row


def _known(rules: Rules, rule: str, weights: str) -> str:
    """The weight asked for where the rule has it, else the exact one (0.071 is a weight of the fourteen elements
    only)."""
    return weights if weights in rules.values(rule)["weights"] else "exact"


def _why_not(own: pd.DataFrame, rules: Rules, rule: str, scale: tuple[float, float], mean: float) -> str:
    if not rule:
        return "not_skm_elements"
    if own["level"].iloc[0] == "office" and own["mean"].isna().any() and own["n"].isna().any():
        return "units_without_n"
    if set(own["element"]) != set(elements(rules, rule=rule)) or not np.isfinite(mean):
        return "element_without_answer"
    return "" if tuple(rules.values(rule)["scale"]) == scale else "not_the_rules_scale"


def _elements(
    own: pd.DataFrame, rules: Rules, rule: str, scale: tuple[float, float], confidence: float
) -> pd.DataFrame:
    """ELEMENT_COLUMNS of the rows of one period and rule."""
    estimate, std_error = own["mean"].to_numpy(float), own["std_error"].to_numpy(float)
    df = np.full(len(own), NORMAL)
    none: NDArray[np.bool_] = ~np.isfinite(estimate)
    table = own[["period", "level", "unit", "element", "n", "std_error"]].reset_index(drop=True)
    table["group"], table["service"], table["estimate"] = table["unit"], "", estimate
    table["conf_low"], table["conf_high"] = logit_interval(estimate, std_error, df, scale, confidence)
    table["status"] = np.where(none, CANNOT, OK)
    table["reason"] = np.select([none, ~np.isfinite(std_error)], ["no_mean", "no_error_given"], "").astype(object)
    table["points"] = 100 * (estimate - scale[0]) / (scale[1] - scale[0])
    if rule and tuple(rules.values(rule)["scale"]) == scale:
        factor = skm_multiplier(rules, rule=rule)
        bounds = (factor * scale[0], factor * scale[1])
        add_grades(table, factor * estimate, factor * std_error, df, bounds, rules, rule)
    else:
        table[["p_d", "p_c", "p_b", "p_a"]], table["grade"] = np.nan, ""
    return table
