"""The law and the office's policy, nothing else: attainment, ratings, predikat, the advisory, credit points.

PermenPANRB 6/2022 has no formula and no threshold from numbers to a rating: a category exists where an official rating
is in the data, or where the office has set thresholds of its own, and then it is marked as the office's policy
(`*_source` = `office`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from kinerja.results import CANNOT, OK, Finding
from kinerja.results.shown import Shown
from kinerja.rules import Rules
from kinerja.scoring.attainment import attain, weighted_attainment
from kinerja.scoring.credit import credit_points
from kinerja.scoring.distribution import advise, category_shares, matrix_counts
from kinerja.scoring.predikat import with_predikat
from kinerja.scoring.ratings import behaviour_ratings, differing, level, official_levels, points_by_role, rating_scale

RATEE_COLUMNS = (
    "period", "ratee", "unit", "team", "supervisor", "position",
    "n_indicators", "n_computed", "weight_share", "weighting", "attainment",
    "n_raters", "n_items", "rating", "points",
    "work", "work_source", "behaviour", "behaviour_source", "predikat", "predikat_source",
    "category", "combined", "status", "reason",
)  # fmt: skip
TREND_COLUMNS = ("period", "level", "unit", "n_ratees", "n_attainment", "attainment", "n_points", "points")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Scores(Shown):
    """Scores of one period, before any adjustment.

    Fields
    ------
    attainment : one row an indicator of the period: attainment.ATTAINMENT_COLUMNS (per cent)
    ratees : one row a person: RATEE_COLUMNS.
        attainment: weighted mean in per cent of the indicators that can be computed;
        rating (the scale's unit), points (0-100): behaviour by the supervisor;
        work, behaviour: a level of the rule (below | meets | above) or ""; their _source: official | office | "";
        predikat_source: matrix (official ratings) | stated | office (rests on the office's thresholds) | "";
        category: the office's own word for the rating; combined: the office's weighted score, office policy;
        status, reason: of the predikat
    roles : points by role of rater: period, ratee, role, n_raters, n_items, n, rating, points
    units : period, unit, n_ratees, n_indicators, n_computed, attainment (the unit's own indicators), n_attainment,
        attainment_ratees (mean over its people), n_points, points, points_sd, status, reason (of attainment)
    matrix : the nine cells: work, behaviour, predikat, n, share; no rows where the rule was not in force
    distribution : category (predikat, or the office's), n, share, minimum, maximum, deviation (share beyond the limit)
    advisory : one row a condition of the pattern: kind, predikat, limit, share, n, deviation, verdict within | outside;
        a consideration for the leader, never a quota
    credit : period, ratee, position, functional_level, predikat, months, credit, status, reason; empty if not asked for
    trend : TREND_COLUMNS over all periods, level office or unit
    findings, settings : as everywhere
    """

    attainment: pd.DataFrame
    ratees: pd.DataFrame
    roles: pd.DataFrame
    units: pd.DataFrame
    matrix: pd.DataFrame
    distribution: pd.DataFrame
    advisory: pd.DataFrame
    credit: pd.DataFrame
    trend: pd.DataFrame
    findings: tuple[Finding, ...]
    settings: Mapping[str, Any]


def score(
    indicators: pd.DataFrame | None,
    ratings: pd.DataFrame | None,
    staff: pd.DataFrame | None,
    *,
    rules: Rules,
    period: str,
    weights: Mapping[str, float] | None = None,
    normalise: bool = False,
    cap: float | None = None,
    floor: float | None = 0.0,
    polarity: Mapping[str, str] | None = None,
    scale: tuple[float, float] | None = None,
    work_thresholds: Mapping[str, float] | None = None,
    behaviour_thresholds: Mapping[str, float] | None = None,
    categories: Mapping[str, float] | None = None,
    credit: bool = False,
    organisation_level: str | None = None,
    as_of: date | None = None,
    attained: pd.DataFrame | None = None,
) -> Scores:
    """Score every period in the data, and report `period`.

    indicators : period, ratee or unit (exactly one filled), indicator, target, target_high, realisation, polarity,
        weight, date
    ratings : period, ratee, rater, role, item, rating, date. Items named in the rule's `official_items` hold an
        official rating (1 below, 2 meets, 3 above) or predikat (1-5); all others are ratings of behaviour
    staff : period, ratee, unit, team, supervisor, position; None takes the people of the other two
    weights : share of attainment and behaviour in the office's combined score; None computes none
    cap, floor : limits of one indicator's attainment in per cent
    scale : lowest and highest possible rating of behaviour; None takes the data's
    work_thresholds, behaviour_thresholds : `above` and `below`, of attainment in per cent and of behaviour in points;
        the office's own policy. On a limit counts as meets
    categories : word -> rating, where people are rated on words; the rating is then the category
    organisation_level : the organisation's own predikat, for the advisory
    as_of : rows dated later are left out
    attained : of `attainment.attain` on the same indicators, where it has been worked out already

    Raises
    ------
    DataError : a rating lies outside the scale or the official levels
    RuleError : a polarity is unknown
    """
    if attained is None:
        attained = attain(indicators, rules=rules, polarity=polarity or {}, cap=cap, floor=floor, as_of=as_of)
    behaviour, stated = behaviour_ratings(ratings, rules=rules, as_of=as_of)
    used_scale = rating_scale(behaviour, scale)
    roles = points_by_role(behaviour, used_scale or (0.0, 1.0))
    rated = pd.concat([behaviour[["period", "ratee"]], stated[["period", "ratee"]]])
    people = _people(staff, attained, roles, rated, official_levels(stated, rules))
    people = _with_combined(people, weights, normalise)
    people["category"] = _category(people["rating"], categories)
    levels = rules.values("predikat")["levels"] if rules.in_force("predikat") else ()
    people["work_office"] = level(people["attainment"], work_thresholds, levels)
    people["behaviour_office"] = level(people["points"], behaviour_thresholds, levels)
    people = with_predikat(people, rules)[list(RATEE_COLUMNS)]

    now = people[people["period"] == period].reset_index(drop=True)
    shown = attained[attained["period"] == period].reset_index(drop=True)
    units = _units(people, attained)
    distribution, advisory = _distribution(now, rules, categories, organisation_level)
    return Scores(
        attainment=shown,
        ratees=now,
        roles=roles[roles["period"] == period].reset_index(drop=True),
        units=units[units["period"] == period].reset_index(drop=True),
        matrix=matrix_counts(now, rules),
        distribution=distribution,
        advisory=advisory,
        credit=credit_points(now if credit else now.iloc[:0], rules),
        trend=_trend(people),
        findings=_findings(shown, now, advisory, rules, differing(stated[stated["period"] == period])),
        settings={
            "period": period,
            "rules_on": rules.on,
            "weights": dict(weights) if weights else None,
            "normalise": normalise,
            "cap": cap,
            "floor": floor,
            "polarity": dict(polarity or {}),
            "scale": used_scale,
            "scale_source": "office" if scale is not None else "data",
            "work_thresholds": dict(work_thresholds) if work_thresholds else None,
            "behaviour_thresholds": dict(behaviour_thresholds) if behaviour_thresholds else None,
            "categories": dict(categories) if categories else None,
            "credit": credit,
            "organisation_level": organisation_level,
            "as_of": as_of,
        },
    )


def _people(
    staff: pd.DataFrame | None,
    attained: pd.DataFrame,
    roles: pd.DataFrame,
    rated: pd.DataFrame,
    official: pd.DataFrame,
) -> pd.DataFrame:
    """One row a person and period, with attainment, the supervisor's points and official ratings."""
    key = ["period", "ratee"]
    own = attained[attained["ratee"] != ""]
    by_supervisor = roles[roles["role"] == "supervisor"].drop(columns=["role", "n"])
    given = pd.DataFrame(columns=key, dtype=object) if staff is None else staff
    people = pd.concat([frame[key] for frame in (given, own, rated)], ignore_index=True).astype(object)
    people = people.drop_duplicates().sort_values(key, ignore_index=True)
    described = [name for name in ("unit", "team", "supervisor", "position") if name in given]
    people = people.merge(given[[*key, *described]].drop_duplicates(key), on=key, how="left")
    people = people.merge(weighted_attainment(own, key).reset_index(), on=key, how="left")
    people = people.merge(by_supervisor, on=key, how="left").merge(official, on=key, how="left")
    for name in ("unit", "team", "supervisor", "position", "work", "behaviour", "predikat", "weighting"):
        column = people[name] if name in people else pd.Series(index=people.index, dtype=object)
        people[name] = column.astype(object).where(column.notna(), "")
    for name in ("n_indicators", "n_computed", "n_raters", "n_items"):
        people[name] = people[name].astype("float64").fillna(0).astype("int64")
    return people


def _with_combined(people: pd.DataFrame, weights: Mapping[str, float] | None, normalise: bool) -> pd.DataFrame:
    """The office's own sum of attainment (per cent) and behaviour (points); NaN where a part with a weight is
    missing."""
    if not weights:
        return people.assign(combined=np.nan)
    total = sum(weights.values()) if normalise else 1.0
    parts = {"attainment": people["attainment"], "behaviour": people["points"]}
    shares = [weight / total * parts[name] for name, weight in sorted(weights.items()) if weight]
    return people.assign(combined=sum(shares[1:], shares[0]) if shares else np.nan)


def _category(rating: pd.Series, categories: Mapping[str, float] | None) -> pd.Series:
    words = {value: word for word, value in (categories or {}).items()}
    return rating.map(words).astype(object).where(rating.isin(list(words)), "")


def _units(people: pd.DataFrame, attained: pd.DataFrame) -> pd.DataFrame:
    key = ["period", "unit"]
    of_units = weighted_attainment(attained[attained["ratee"] == ""], key)
    of_people = people[people["unit"] != ""].groupby(key, sort=True).agg(
        n_ratees=("ratee", "size"),
        n_attainment=("attainment", "count"),
        attainment_ratees=("attainment", "mean"),
        n_points=("points", "count"),
        points=("points", "mean"),
        points_sd=("points", "std"),
    )  # fmt: skip
    units = of_people.join(of_units.drop(columns=["weight_share", "weighting"]), how="outer").reset_index()
    counts = ["n_ratees", "n_attainment", "n_points", "n_indicators", "n_computed"]
    units[counts] = units[counts].astype("float64").fillna(0).astype("int64")
    units["reason"] = np.select(
        [units["n_indicators"] == 0, units["n_computed"] == 0], ["no_indicators", "none_computable"], ""
    ).astype(object)
    units["status"] = np.where(units["reason"] == "", OK, CANNOT)
    order = [
        "period", "unit", "n_ratees", "n_indicators", "n_computed", "attainment", "n_attainment", "attainment_ratees",
        "n_points", "points", "points_sd", "status", "reason",
    ]  # fmt: skip
    return units[order].sort_values(key, ignore_index=True)


def _distribution(
    people: pd.DataFrame, rules: Rules, categories: Mapping[str, float] | None, organisation_level: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if rules.in_force("predikat") and (people["predikat"] != "").any():
        order = tuple(rules.values("predikat")["predikat"])
        return advise(category_shares(people["predikat"], order), rules, organisation_level)
    by_value = sorted(categories or {}, key=lambda word: ((categories or {})[word], word))
    return advise(category_shares(people["category"], tuple(by_value)), rules, None)


def _trend(people: pd.DataFrame) -> pd.DataFrame:
    """Means over persons, by period, of the office and of each unit."""
    office = people.assign(level="office", unit="")
    units = people[people["unit"] != ""].assign(level="unit")
    means = pd.concat([office, units]).groupby(["period", "level", "unit"], sort=True).agg(
        n_ratees=("ratee", "size"),
        n_attainment=("attainment", "count"),
        attainment=("attainment", "mean"),
        n_points=("points", "count"),
        points=("points", "mean"),
    )  # fmt: skip
    return means.reset_index()[list(TREND_COLUMNS)]


def _findings(
    attained: pd.DataFrame, people: pd.DataFrame, advisory: pd.DataFrame, rules: Rules, contradictions: int
) -> tuple[Finding, ...]:
    found: list[Finding] = []
    lacking = attained[attained["status"] == CANNOT]
    if len(lacking):
        found.append(Finding(level="caution", code="not_computable", data={"n": len(lacking), "total": len(attained)}))
    assumed = int((attained["polarity_source"] == "assumed").sum())
    if assumed:
        found.append(Finding(level="note", code="polarity_assumed", data={"n": assumed, "total": len(attained)}))
    limited = int((attained["limited"] != "").sum())
    if limited:
        found.append(Finding(level="note", code="attainment_limited", data={"n": limited, "total": len(attained)}))
    if not rules.in_force("predikat"):
        found.append(Finding(level="note", code="predikat_rule_not_in_force", data={"day": rules.on}))
    by_office = int(people["predikat_source"].eq("office").sum())
    if by_office:
        found.append(Finding(level="note", code="predikat_by_office_policy", data={"n": by_office}))
    if contradictions:
        found.append(Finding(level="caution", code="official_ratings_differ", data={"n": contradictions}))
    outside = int(advisory["verdict"].eq("outside").sum())
    if outside:
        found.append(Finding(level="note", code="distribution_outside", data={"n": outside, "total": len(advisory)}))
    without = int(people["predikat"].eq("").sum())
    if without and rules.in_force("predikat"):
        found.append(Finding(level="note", code="without_predikat", data={"n": without, "total": len(people)}))
    return tuple(found)
