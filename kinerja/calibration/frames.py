"""Canonical frames -> person-periods with their rating, supervisor, team and unit; ids become integers once, here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.errors import DataError, EstimationError, Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LOWEST_POINTS, HIGHEST_POINTS = 0.0, 100.0
LIKERT_MOST = 10.0
"""Ratings that all lie below this are taken for a scale of categories, whose ends must then be told."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Persons:
    """One row a person-period that has a rating by a supervisor (n rows), and the second ratings of the same people.

    Fields
    ------
    periods, ratees, raters, units : sorted ids; teams : (unit, team) sorted
    period, ratee, rater, unit, team : (n,) codes into them, rows sorted by period and ratee
    observed : (n,) points; n_items : (n,) ratings behind it
    item_variance : (n,) variance of that mean as the spread over items shows it (NaN for one item)
    groups : name -> (n,) codes, -1 missing; levels : name -> sorted ids
    second_row, second_rater, second_value, second_role : one row a second rating (mean over items), in points
    staff_rows : (n,) row of the staff frame
    dropped : ratings' rows without a matching staff row
    """

    periods: Any
    ratees: Any
    raters: Any
    units: Any
    teams: pd.DataFrame
    services: Any
    period: Ints
    ratee: Ints
    rater: Ints
    unit: Ints
    team: Ints
    service: Ints
    observed: Floats
    n_items: Floats
    item_variance: Floats
    groups: dict[str, Ints]
    levels: dict[str, tuple[str, ...]]
    second_row: Ints
    second_rater: Ints
    second_value: Floats
    second_role: Any
    dropped: int


def collect_persons(
    ratings: pd.DataFrame,
    staff: pd.DataFrame,
    *,
    groups: Sequence[str] = (),
    scale: tuple[float, float] | None = None,
    link_roles: Sequence[str] = ("second_supervisor",),
) -> Persons:
    """Join ratings to staff and average each rater's items.

    The supervisor's rating is the observed score; where several supervisors rated one person in one period, the staff
    frame's supervisor counts and the others become second ratings, as do the roles of `link_roles`.

    Raises
    ------
    DataError : a column is missing
    EstimationError : no rating has a row in staff; the scale is not known
    """
    _require(ratings, ("ratee", "rater", "rating"), "ratings")
    _require(staff, ("ratee", "unit", "supervisor", *groups), "staff")
    role = codes_of(ratings["role"]) if "role" in ratings else None
    ratings_period = ratings["period"] if "period" in ratings else pd.Series("", index=ratings.index)
    period_code, periods = codes_of(ratings_period)
    ratee_code, rated = codes_of(ratings["ratee"])
    rater_code, raters = codes_of(ratings["rater"])
    table = _staff_table(staff, periods, groups)
    ratees = table["ratees"]
    n_ratees = len(ratees)
    ratee_code = np.append(positions(rated, ratees), -1)[ratee_code]
    raters, rater_map, supervisor_map = _union(raters, table["supervisors"])
    rater_code = np.append(rater_map, -1)[rater_code]
    staff_supervisor = np.where(table["row"] >= 0, supervisor_map[table["supervisor"]][table["row"]], -1)
    value = points(ratings["rating"].to_numpy(np.float64), scale)
    slot = period_code * n_ratees + ratee_code
    known = (ratee_code >= 0) & np.isfinite(value) & (period_code >= 0) & (rater_code >= 0)
    known[known] = table["row"][slot[known]] >= 0
    is_supervisor, is_link = _roles(role, len(ratings), link_roles)
    dropped = int((~known & is_supervisor & np.isfinite(value)).sum())
    rows = np.flatnonzero(known & is_supervisor)
    if not len(rows):
        raise EstimationError(
            "ratings: no rating by a supervisor has a row in staff of the same ratee and period; check ids",
            [Problem(where="ratings", code="no_supervisor_ratings")],
        )
    chosen = staff_supervisor.copy()
    first = np.full(len(chosen), len(raters))
    np.minimum.at(first, slot[rows], rater_code[rows])
    given = np.zeros(len(chosen), bool)
    given[slot[rows[rater_code[rows] == staff_supervisor[slot[rows]]]]] = True
    chosen = np.where(given, staff_supervisor, first)
    main = rater_code[rows] == chosen[slot[rows]]
    item_code = codes_of(ratings["item"])[0] if "item" in ratings else np.zeros(len(ratings), np.int64)
    mean, count, variance = _item_means(slot[rows[main]], value[rows[main]], item_code[rows[main]], len(chosen))
    present = np.flatnonzero(count > 0)
    staff_row = table["row"][present]
    second = np.concatenate([rows[~main], np.flatnonzero(known & is_link & ~is_supervisor)])
    to_row = np.full(len(chosen), -1)
    to_row[present] = np.arange(len(present))
    second_row, second_rater, second_value, second_role = _second(to_row, slot, rater_code, value, role, second)
    own = second_rater != chosen[present][second_row]
    return Persons(
        periods=periods,
        ratees=ratees,
        raters=raters,
        units=table["units"],
        teams=table["teams"],
        services=table["services"],
        period=present // n_ratees,
        ratee=present % n_ratees,
        rater=chosen[present],
        unit=table["unit"][staff_row],
        team=table["team"][staff_row],
        service=table["service"][staff_row],
        observed=mean[present],
        n_items=count[present],
        item_variance=variance[present],
        groups={g: table["groups"][g][staff_row] for g in groups},
        levels=table["levels"],
        second_row=second_row[own],
        second_rater=second_rater[own],
        second_value=second_value[own],
        second_role=second_role[own],
        dropped=dropped,
    )


def points(values: Floats, scale: tuple[float, float] | None) -> Floats:
    """Ratings as points on 0-100; without a scale they must already be points."""
    if scale is not None:
        low, high = scale
        return (values - low) * (HIGHEST_POINTS / (high - low))
    if len(values) and np.nanmax(values) <= LIKERT_MOST:
        raise EstimationError(
            f"scale: ratings lie between {np.nanmin(values):g} and {np.nanmax(values):g}; points from 0 to 100 are "
            "expected. Give scale=(lowest, highest), for instance (1, 5)."
        )
    return values


def codes_of(column: pd.Series[Any]) -> tuple[Ints, Any]:
    """Codes (missing -1) into the sorted distinct ids of a column."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        raw, found = column.cat.codes.to_numpy(np.int64), column.cat.categories.astype(str).to_numpy(object)
        used = np.bincount(raw[raw >= 0], minlength=len(found)) > 0
        order = np.argsort(found.astype(str), kind="stable")
        order = order[used[order]]
    else:
        raw, distinct = pd.factorize(column)
        raw = raw.astype(np.int64)
        found = np.asarray(pd.Index(distinct).astype(str), object)
        order = np.argsort(found.astype(str), kind="stable")
    place = np.full(len(found) + 1, -1, np.int64)
    place[order] = np.arange(len(order))
    return np.asarray(place[raw]), found[order]


def positions(ids: Any, among: Any) -> Ints:
    """Where each id stands in the sorted array `among`; -1 where it does not."""
    if not len(among):
        return np.full(len(ids), -1, np.int64)
    return np.asarray(pd.Index(among).get_indexer(pd.Index(ids)), np.int64)


def codes_in(column: pd.Series[Any], among: Any) -> Ints:
    """Where each value of a column stands in the sorted ids `among`; -1 where it does not."""
    code, found = codes_of(column)
    return np.append(positions(found, among), -1)[code]


def compact(key: Ints) -> tuple[Ints, Ints]:
    """Codes of integer keys and the sorted distinct keys; a hash table, so faster than sorting all."""
    raw, distinct = pd.factorize(key)
    order = np.argsort(distinct, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place[raw], np.asarray(distinct[order], np.int64)


def _require(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    missing = [c for c in columns if c not in frame]
    if missing:
        raise DataError(
            f"{name}: column {missing[0]!r} is missing (found: {', '.join(map(str, frame.columns[:12]))}); "
            "rename the file's column or map it in the parameters"
        )


def _union(a: Any, b: Any) -> tuple[Any, Ints, Ints]:
    """Sorted union of two sorted id arrays, and where each array's ids are in it."""
    both = np.array(sorted(set(a) | set(b)), object)
    return both, positions(a, both), positions(b, both)


def _roles(
    role: tuple[Ints, Any] | None, n: int, link_roles: Sequence[str]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    if role is None:
        return np.ones(n, bool), np.zeros(n, bool)
    names = list(role[1])
    supervisor = role[0] == (names.index("supervisor") if "supervisor" in names else -2)
    links = np.isin(role[0], [names.index(r) for r in link_roles if r in names])
    return supervisor, links


def _staff_table(staff: pd.DataFrame, periods: Any, groups: Sequence[str]) -> dict[str, Any]:
    """Codes of the staff frame and the row of each (period, ratee) slot; rows without a period hold for all."""
    ratee, ratees = codes_of(staff["ratee"])
    unit, units = codes_of(staff["unit"].fillna(""))
    supervisor, supervisors = codes_of(staff["supervisor"].fillna(""))
    n = len(staff)
    none = np.full(n, -1, np.int64)
    team_of = staff["team"] if "team" in staff and staff["team"].notna().any() else None
    named, team_names = codes_of(team_of) if team_of is not None else (none, np.array([], object))
    # a person without a team belongs to the people of that supervisor in that unit
    local = np.where(named >= 0, named, len(team_names) + supervisor)
    key = unit * (len(team_names) + len(supervisors)) + local
    team, team_keys = compact(key)
    at = np.zeros(len(team_keys), np.int64)
    at[team[::-1]] = np.arange(n)[::-1]
    names = np.concatenate([team_names, supervisors])
    teams = pd.DataFrame(
        {
            "unit": units[unit[at]] if n else [],
            "team": names[local[at]],
            "unit_code": unit[at],
        }
    )
    service, services = codes_of(staff["service"]) if "service" in staff else (none, np.array([], object))
    coded = {g: codes_of(staff[g]) for g in groups}
    row = np.full(len(periods) * len(ratees), -1, np.int64)
    staff_period = codes_in(staff["period"], periods) if "period" in staff and staff["period"].notna().any() else none
    for_all = np.flatnonzero(staff_period < 0) if (staff_period < 0).all() else np.array([], np.int64)
    for p in range(len(periods)):
        row[p * len(ratees) + ratee[for_all]] = for_all
    dated = np.flatnonzero(staff_period >= 0)
    row[staff_period[dated] * len(ratees) + ratee[dated]] = dated
    row[(row >= 0) & (units[unit[row]] == "")] = -1  # without a unit a person cannot be placed
    return {
        "ratees": ratees,
        "units": units,
        "supervisors": supervisors,
        "teams": teams,
        "services": services,
        "unit": unit,
        "team": team,
        "supervisor": supervisor,
        "service": service,
        "groups": {g: c[0] for g, c in coded.items()},
        "levels": {g: tuple(c[1]) for g, c in coded.items()},
        "row": row,
    }


def _item_means(slot: Ints, value: Floats, item: Ints, n: int) -> tuple[Floats, Floats, Floats]:
    """Mean over items per slot, their count, and the variance of that mean from the spread over items."""
    count = np.bincount(slot, minlength=n).astype(np.float64)
    total = np.bincount(slot, value, n)
    some = np.maximum(count, 1)
    shift = np.bincount(item + 1, value) / np.maximum(np.bincount(item + 1), 1)
    centred = value - shift[item + 1]
    mean = np.bincount(slot, centred, n) / some
    square = np.bincount(slot, centred * centred, n) - count * mean * mean
    variance = np.where(count > 1, np.maximum(square, 0) / np.maximum(count - 1, 1) / some, np.nan)
    return total / some, count, variance


def _second(
    to_row: Ints, slot: Ints, rater: Ints, value: Floats, role: tuple[Ints, Any] | None, rows: Ints
) -> tuple[Ints, Ints, Floats, Any]:
    """Mean over items of each second rating of a person-period that also has a first one."""
    rows = rows[to_row[slot[rows]] >= 0]
    role_code = role[0][rows] if role is not None else np.zeros(len(rows), np.int64)
    keys = np.stack([to_row[slot[rows]], rater[rows], role_code])
    distinct, inverse = np.unique(keys, axis=1, return_inverse=True)
    inverse = np.ravel(inverse)
    n = distinct.shape[1]
    mean = np.bincount(inverse, value[rows], n) / np.maximum(np.bincount(inverse, minlength=n), 1)
    names = role[1] if role is not None and len(role[1]) else np.array(["supervisor"], object)
    return distinct[0], distinct[1], mean, names[distinct[2]]
