"""What citizens say and how sure it is: SKM index with interval and chance of each grade, elements, profile, trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kinerja.citizens.aggregated import tables_from_means
from kinerja.citizens.comments import Comments, summarise_comments
from kinerja.citizens.index import ELEMENT_COLUMNS, INDEX_COLUMNS, element_table, group_moments, index_table
from kinerja.citizens.profile import profile_table
from kinerja.citizens.published import PUBLISHED_COLUMNS, compare_published
from kinerja.citizens.quality import FeedbackQuality, check_quality
from kinerja.citizens.sample import sample_sizes
from kinerja.citizens.trend import trend_table
from kinerja.errors import ParameterError, Problem
from kinerja.results import CANNOT, Finding
from kinerja.results.shown import Shown
from kinerja.rules import Rules
from kinerja.rules.lookup import element_weight, elements, skm_multiplier
from kinerja.rules.periods import period_end

OFFICE = "office"
JOINT = "+"
"""Joins two columns of `by` to one level: `unit+service`."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Citizens(Shown):
    """Citizens' feedback of one period.

    Fields
    ------
    index : one row a group: index.INDEX_COLUMNS; level: office, or the columns of `by`; group: its name;
        estimate: index 25-100; p_a ... p_d: chance of each grade; points: mean over the elements on 0-100
    elements : one row a group and element: index.ELEMENT_COLUMNS; estimate: mean in the scale's unit
    profile : respondents by attribute: attribute, value, n, share
    published : published figures recomputed, all periods: published.PUBLISHED_COLUMNS
    trend : index of the office and of each unit in every period, with the change: trend.TREND_COLUMNS
    sample_size : respondents against the number served: sample.SAMPLE_COLUMNS
    quality : how far the answers can be trusted; None without questionnaires of the period
    comments : what the comments are about; None without comments
    findings, settings : as everywhere

    The office's figure is over respondents, not a mean of its units' or services' figures.
    """

    index: pd.DataFrame
    elements: pd.DataFrame
    profile: pd.DataFrame
    published: pd.DataFrame
    trend: pd.DataFrame
    sample_size: pd.DataFrame
    quality: FeedbackQuality | None
    comments: Comments | None
    findings: tuple[Finding, ...]
    settings: Mapping[str, Any]


def estimate_citizens(
    responses: pd.DataFrame | None,
    *,
    rules: Rules,
    period: str,
    aggregated: pd.DataFrame | None = None,
    published: pd.DataFrame | None = None,
    rule: str = "skm",
    weights: str = "exact",
    scale: tuple[float, float] | None = None,
    by: Sequence[str] = ("unit", "service", "unit+service"),
    population: Mapping[str, int] | None = None,
    attributes: Sequence[str] = (),
    margins: Mapping[str, Mapping[str, float]] | None = None,
    quote_comments: bool = False,
    names: Sequence[str] = (),
    office: str = "",
    confidence: float = 0.95,
) -> Citizens:
    """Estimate the index of every period in the data, and report `period`.

    responses : period, unit, service, the rule's elements (NaN where not answered), respondents' attributes
    aggregated : period, unit, element, mean, n, std_error, where there are no questionnaires
    published : period, unit ("" is the office), element or `index`, value, grade
    rule : the SKM rule whose elements and grades count: the one of each period's day, or a version by its id
    weights : how one divided by the number of elements is written; `exact` unless an old figure is to be reproduced
    scale : lowest and highest answer; None takes the rule's
    by : columns of responses, each a level of the tables; `a+b` crosses two
    population : persons served per unit in the period; the finite population correction
    attributes : respondents' columns of the profile and of the case mix
    margins : attribute -> value -> known share or number of those served; respondents are weighted to them in one table
    quote_comments : comments may be quoted, after redaction; names: people that must not appear in them

    office : its name, where published or aggregated figures have it in place of a unit

    Raises
    ------
    RuleError : the rule is not in force in `period` and there are questionnaires to be counted by it; no such weight
    ParameterError : a column named in `by` or `attributes` is not in the responses; the confidence is not between 0
    and 1
    """
    _check(responses, by, attributes, confidence)
    served = dict(population or {})
    aggregated, published = _without_office_name(aggregated, office), _without_office_name(published, office)
    index, parts = _from_responses(responses, rules, rule, weights, scale, by, served, confidence)
    if aggregated is not None and len(aggregated):
        more = tables_from_means(
            aggregated, rules=rules, rule=rule, weights=weights, scale=scale, confidence=confidence
        )
        known = set(zip(index["period"], index["level"], index["group"], strict=True))
        index, parts = (_joined(own, new, known) for own, new in zip((index, parts), more, strict=True))
    compared = pd.DataFrame(columns=list(PUBLISHED_COLUMNS))
    if published is not None and len(published):
        compared = compare_published(
            published, index, parts, rules=rules, weights=weights, from_means=responses is None or responses.empty
        )
    now = index[index["period"] == period].reset_index(drop=True)
    asked = None if responses is None else responses[responses["period"] == period]
    quality = None
    if asked is not None and len(asked):
        quality = _quality(asked, now, rules, rule, weights, scale, attributes, margins or {}, served, confidence)
    comments = None
    if asked is not None and "comment" in asked and asked["comment"].notna().any():
        comments = summarise_comments(asked, quote=quote_comments, names=names)
    return Citizens(
        index=now,
        elements=parts[parts["period"] == period].reset_index(drop=True),
        profile=profile_table(asked, attributes),
        published=compared,
        trend=trend_table(index, confidence),
        sample_size=sample_sizes(now, served, rules),
        quality=quality,
        comments=comments,
        findings=(*_findings(now, compared, asked, served, confidence), *(quality.findings if quality else ())),
        settings={
            "period": period,
            "rule": _version(rules, rule),
            "weights": weights,
            "scale": scale,
            "by": tuple(by),
            "population": served,
            "attributes": tuple(attributes),
            "office": office,
            "margins": {name: dict(goal) for name, goal in (margins or {}).items()},
            "quote_comments": quote_comments,
            "confidence": confidence,
            "interval": "logit",
        },
    )


def _version(rules: Rules, rule: str) -> str:
    """The id of the version that counts; `rule` itself where none is in force."""
    return rules.rule(rule).id if rules.in_force(rule) else rule


def _without_office_name(table: pd.DataFrame | None, office: str) -> pd.DataFrame | None:
    """Rows of the office itself have no unit."""
    if table is None or not office or "unit" not in table:
        return table
    own = table["unit"].astype(str).str.strip().str.casefold() == office.strip().casefold()
    return table.assign(unit=table["unit"].astype(object).where(~own, ""))


def _quality(
    responses: pd.DataFrame,
    index: pd.DataFrame,
    rules: Rules,
    rule: str,
    weights: str,
    scale: tuple[float, float] | None,
    attributes: Sequence[str],
    margins: Mapping[str, Mapping[str, float]],
    population: Mapping[str, int],
    confidence: float,
) -> FeedbackQuality:
    names = elements(rules, rule=rule)
    factor = len(names) * element_weight(rules, rule=rule, weights=weights) * skm_multiplier(rules, rule=rule)
    low, high = scale or rules.values(rule)["scale"]
    return check_quality(
        responses.reset_index(drop=True),
        index,
        rules=rules,
        rule=rule,
        elements=names,
        factor=factor,
        scale=(float(low), float(high)),
        attributes=attributes,
        margins=margins,
        population=population,
        confidence=confidence,
    )


def _check(responses: pd.DataFrame | None, by: Sequence[str], attributes: Sequence[str], confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence is {confidence:g}; it must lie between 0 and 1. Use 0.95.")
    if responses is None:
        return
    wanted = {"feedback.by": [c for level in by for c in level.split(JOINT)], "feedback.attributes": list(attributes)}
    for key, columns in wanted.items():
        lacking = sorted(set(columns) - set(responses.columns))
        if lacking and key == "feedback.attributes":
            found = ", ".join(lacking)
            headers = ", ".join(map(str, responses.columns))
            raise ParameterError(
                f"{key}: found {found}; the responses have {headers}. Name one of these, or map the column in "
                "sources.responses.columns.",
                [Problem(where=key, found=found, code="no_such_column", data={"columns": headers})],
            )


def _from_responses(
    responses: pd.DataFrame | None,
    rules: Rules,
    rule: str,
    weights: str,
    scale: tuple[float, float] | None,
    by: Sequence[str],
    population: Mapping[str, int],
    confidence: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    indexes, parts = [], []
    if responses is not None:
        for period, own in responses.groupby("period", sort=True):
            then = rules.at(period_end(str(period)) or rules.on)
            named = _version(then, rule)
            names = elements(then, rule=rule) if then.in_force(rule) else elements(rules, rule=rule)
            table = then.values(rule) if then.in_force(rule) else rules.values(rule)
            used = scale or (float(table["scale"][0]), float(table["scale"][1]))
            answers = own.reindex(columns=list(names)).to_numpy(float)
            for level in (OFFICE, *by):
                keys, codes, kept = _groups(own, level, str(period))
                fraction, size, stratum = _fractions(keys, codes, own[kept], level, population)
                moments = group_moments(answers[kept], codes, len(keys), fraction=fraction, stratum=stratum)
                indexes.append(
                    index_table(keys, moments, rules=then, rule=named, weights=weights, scale=used,
                    confidence=confidence,
                                population=size)
                )  # fmt: skip
                parts.append(
                    element_table(
                        keys, moments, rules=then, rule=named, elements=names, scale=used, confidence=confidence
                    )
                )
    return _stacked(indexes, INDEX_COLUMNS), _stacked(parts, ELEMENT_COLUMNS)


def _stacked(tables: list[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))


def _joined(own: pd.DataFrame, new: pd.DataFrame, known: set[tuple[str, str, str]]) -> pd.DataFrame:
    """Element means count only where there are no questionnaires."""
    missing = [key not in known for key in zip(new["period"], new["level"], new["group"], strict=True)]
    return _stacked([own, new[np.array(missing, bool)]], tuple(new.columns))


def _groups(own: pd.DataFrame, level: str, period: str) -> tuple[pd.DataFrame, Any, Any]:
    """The groups of a level: their keys, each kept response's group, and which responses have one."""
    keys = pd.DataFrame({"period": [period], "level": [level], "group": [""], "unit": [""], "service": [""]})
    if level == OFFICE:
        return keys, np.zeros(len(own), np.int64), np.ones(len(own), bool)
    columns = level.split(JOINT)
    if not set(columns) <= set(own.columns):
        return keys.iloc[:0], np.zeros(0, np.int64), np.zeros(len(own), bool)
    kept = (own[columns].notna() & (own[columns] != "")).all(axis=1).to_numpy(bool)
    if not kept.any():
        return keys.iloc[:0], np.zeros(0, np.int64), kept
    grouped = own[kept].groupby(columns, sort=True, observed=True)
    names = grouped.size().index.to_frame(index=False).astype(str)
    keys = pd.DataFrame({"period": period, "level": level, "group": names[columns].agg(" · ".join, axis=1)})
    for column in ("unit", "service"):
        keys[column] = names[column] if column in columns else ""
    return keys, grouped.ngroup().to_numpy(np.int64), kept


def _fractions(
    keys: pd.DataFrame, codes: Any, own: pd.DataFrame, level: str, population: Mapping[str, int]
) -> tuple[Any, Any, Any]:
    """Sampling fraction and population of each group, and the strata of the office.

    A number served that is smaller than the number of answers cannot be right and is not used (a finding says so).
    The office is taken as stratified by unit where every unit's number is given.
    """
    none = np.full(len(keys), np.nan)
    if level == "unit" and population:
        count = np.bincount(codes, minlength=len(keys))
        size = keys["unit"].map(dict(population)).to_numpy(float)
        size = np.where(size >= count, size, np.nan)
        return np.where(np.isfinite(size), count / size, 0.0), size, None
    if level == OFFICE and population and "unit" in own and own["unit"].isin(list(population)).all():
        stratum, units = pd.factorize(own["unit"], sort=True)
        count = np.bincount(stratum, minlength=len(units))
        size = np.array([float(population[u]) for u in units])
        if (size >= count).all() and (count > 1).all():
            return count / size, np.array([float(sum(population.values()))]), stratum.astype(np.int64)
    return None, none, None


def _findings(
    index: pd.DataFrame, published: pd.DataFrame, responses: pd.DataFrame | None, population: Mapping[str, int],
    confidence: float,
) -> tuple[Finding, ...]:  # fmt: skip
    found: list[Finding] = []
    office = index[(index["level"] == OFFICE) & index["estimate"].notna()]
    for row in office.to_dict("records"):
        values = {k: row[k] for k in ("estimate", "conf_low", "conf_high", "n", "grade")} | {"confidence": confidence}
        found.append(Finding(level="note", code="feedback_index", data=values))
    mismatched = published[published["mismatch"].astype(bool)]
    if len(mismatched):
        found.append(
            Finding(level="caution", code="published_mismatch", data={"n": len(mismatched), "total": len(published)})
        )
    wrong_grade = int(published["grade_mismatch"].astype(bool).sum())
    if wrong_grade:
        found.append(Finding(level="caution", code="published_grade_mismatch", data={"n": wrong_grade}))
    lacking = index[(index["level"] == "unit") & (index["status"] == CANNOT)]
    if len(lacking) and set(lacking["reason"]) <= {"not_skm_elements", "not_the_rules_scale"}:
        found.append(Finding(level="note", code="no_skm_index", data={"n": len(lacking)}))
    elif len(lacking):
        found.append(Finding(level="caution", code="index_cannot", data={"n": len(lacking)}))
    if responses is not None and "unit" in responses:
        lost = int((responses["unit"].isna() | (responses["unit"] == "")).sum())
        if lost:
            found.append(Finding(level="note", code="response_without_unit", data={"n": lost, "total": len(responses)}))
        counts = responses["unit"].value_counts()
        small = sorted(u for u, size in population.items() if counts.get(u, 0) > size)
        if small:
            found.append(
                Finding(level="caution", code="population_too_small", data={"n": len(small), "units": ", ".join(small)})
            )
    return tuple(found)
