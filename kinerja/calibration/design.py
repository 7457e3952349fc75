"""Person-periods and outside measures -> the small table the model works on: team-spells, service points, rater pairs.

A team-spell is one team under one supervisor. Its mean rating, mean attainment, the service points that served it and
its second ratings are the rows; the size of this table, not the number of ratings, sets the cost of everything after.
Errors of rows are known here, from the spread between people of one team and between periods of one person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from kinerja.calibration.errors import person_weights, row_errors, true_people
from kinerja.calibration.frames import Floats, Ints, Persons, codes_in, compact
from kinerja.calibration.points import feedback_rows, row_parts
from kinerja.calibration.rows import FEEDBACK, INDICATOR, KINDS, PAIR, RATING, Rows
from kinerja.calibration.within import Within, deviations, lasting_and_noise, second_pairs, split_halo, spread_cells

LARGEST_BLOCK = 60
"""Team-spells of one unit that are kept in one dense block; larger units are split (their parts then have effects of
their own)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Design(Rows):
    """The model's rows with the people behind them.

    Fields
    ------
    persons : person-periods; spell_of : (N,) the spell of each
    spells : unit, team, team_name, rater (codes), block, n, ratees, periods; sorted by block
    centred : (N,) ratings without the period's mean and the groups' common gaps
    attainment : (N,) attainment points, centred by period, winsorised; NaN where there are none
    within : Within; common_gap : group -> points within teams, taken out of team means
    split_units : units too large for one block
    unmatched : service points that belong to no unit, service or team of the staff
    """

    persons: Persons
    spells: pd.DataFrame
    spell_of: Ints
    centred: Floats
    attainment: Floats
    within: Within
    common_gap: dict[str, Floats]
    split_units: int
    unmatched: int


def build_design(
    persons: Persons,
    *,
    indicators: pd.DataFrame | None = None,
    points: pd.DataFrame | None = None,
    groups: Sequence[str] = (),
    halo_share: float = 0.20,
    winsorise: float = 0.01,
    scale: tuple[float, float, float] | None = None,
) -> Design:
    """Collapse everything to team-spells, service points and pairs.

    indicators : period, ratee, points (attainment)
    points : service points: unit, estimate, std_error and any of period, service, team, ratee
    halo_share : assumed share of halo in lasting differences between people of one team, where no second ratings tell
    winsorise : share of attainment values pulled in at each end
    scale : points per working unit; None takes the SDs of the rows
    """
    y = _centred_by(persons.observed, persons.period)
    y, gap = _without_composition(y, persons, groups)
    spells, spell_of, team_group, split = _spells(persons)
    n_spells = len(spells)
    periods = np.bincount(compact(spell_of * len(persons.periods) + persons.period)[1] // len(persons.periods))
    weights = person_weights(persons.ratee, spell_of, n_spells)
    cells = spread_cells(persons, spell_of)
    away_y = deviations(y, cells)
    noise_y = lasting_and_noise(away_y, away_y, cells)
    x = _attainment(persons, indicators, winsorise)
    there = np.isfinite(x)
    noise_x, shared = (0.0, 0.0), 0.0
    if there.any():
        away_x = deviations(x, cells)
        noise_x, shared = lasting_and_noise(away_x, away_x, cells), lasting_and_noise(away_x, away_y, cells)[0]
    item = float(np.nanmean(persons.item_variance)) if np.isfinite(persons.item_variance).any() else None
    pairs, pair_variance, free = second_pairs(persons, spell_of)
    within, pair_variance = split_halo(noise_y, item, pair_variance, free, halo_share, int(periods.max()))
    parts = [_rating_rows(y, spell_of, n_spells)]
    if there.any():
        parts.append(_indicator_rows(x, there, spell_of, n_spells))
    if points is not None and len(points):
        parts.append(feedback_rows(points, persons, spells, spell_of))
    if len(pairs):
        parts.append(_pair_rows(pairs, spells))
    rows = _stack(parts, spells)
    error = row_errors(rows, weights, within, noise_x, shared, persons, spell_of, there, pairs, pair_variance, spells)
    if scale is None:
        scale = _scales(rows["kind"], rows["value"])
    fixed, names = _fixed_part(rows, persons, spell_of, n_spells, groups)
    key = spells["block"].to_numpy() * len(persons.raters) + spells["rater"].to_numpy()
    return Design(
        kind=rows["kind"],
        value=rows["value"],
        block=rows["block"],
        n_behind=rows["n"],
        fixed=fixed,
        fixed_names=names,
        error_at=error[0],
        error_value=error[1],
        exposure_at=rows["exposure"][0],
        exposure_share=rows["exposure"][1],
        rating_at=rows["ratings"][0],
        rating_sign=rows["ratings"][1],
        true_people=true_people(rows, weights, within),
        spell_block=spells["block"].to_numpy(np.int64),
        spell_rater=spells["rater"].to_numpy(np.int64),
        spell_n=spells["n"].to_numpy(np.int64),
        spell_ratees=spells["ratees"].to_numpy(np.int64),
        team_group=team_group,
        rater_group=np.unique(key, return_inverse=True)[1].astype(np.int64),
        scale=scale,
        n_raters=len(persons.raters),
        persons=persons,
        spells=spells.assign(periods=periods),
        spell_of=spell_of,
        centred=y,
        attainment=x,
        within=within,
        common_gap=gap,
        split_units=split,
        unmatched=sum(part.get("unmatched", 0) for part in parts),
    )


def _centred_by(value: Floats, code: Ints) -> Floats:
    there = np.isfinite(value)
    total = np.bincount(code[there], value[there], int(code.max()) + 1)
    n = np.bincount(code[there], minlength=int(code.max()) + 1)
    return np.asarray(value - (total / np.maximum(n, 1))[code])


def _without_composition(y: Floats, persons: Persons, groups: Sequence[str]) -> tuple[Floats, dict[str, Floats]]:
    """Take the gaps between groups, as they are within one team in one period, out of the ratings of teams."""
    if not groups:
        return y, {}
    columns, owner = [], []
    for g in groups:
        for level in range(1, len(persons.levels[g])):
            columns.append((persons.groups[g] == level).astype(np.float64))
            owner.append(g)
    if not columns:
        return y, {}
    D = np.stack(columns, axis=1)
    cell = compact(persons.period * (persons.team.max() + 1) + persons.team)[0]
    n = np.bincount(cell)
    D_in = D - np.stack([np.bincount(cell, c) for c in D.T], axis=1)[cell] / n[cell, None]
    y_in = y - (np.bincount(cell, y) / n)[cell]
    beta = np.linalg.lstsq(D_in, y_in, rcond=None)[0]
    gap = {g: np.array([b for b, o in zip(beta, owner, strict=True) if o == g]) for g in groups}
    return y - (D - D.mean(axis=0)) @ beta, gap


def _spells(persons: Persons) -> tuple[pd.DataFrame, Ints, Ints, int]:
    """Team-spells; teams that only ever have one supervisor, who has only such teams in the unit, are one team.

    Without that, two teams of one supervisor would seem to tell severity from performance, which nested ratings cannot.
    """
    n_raters, n_teams = len(persons.raters), len(persons.teams)
    raters_of_team = np.bincount(compact(persons.team * n_raters + persons.rater)[1] // n_raters, minlength=n_teams)
    linked = raters_of_team > 1
    key = persons.unit * n_raters + persons.rater
    has_linked = np.zeros(len(persons.units) * n_raters, bool) if len(persons.units) * n_raters < 5e7 else None
    if has_linked is not None:
        has_linked[key[linked[persons.team]]] = True
        tied = has_linked[key]
    else:
        tied = np.isin(key, np.unique(key[linked[persons.team]]))
    team_key = np.where(tied | linked[persons.team], persons.team, n_teams + key)
    team, _ = compact(team_key)
    spell_of, ids = compact(team * n_raters + persons.rater)
    first = np.zeros(len(ids), np.int64)
    first[spell_of[::-1]] = np.arange(len(spell_of))[::-1]
    frame = pd.DataFrame(
        {
            "unit": persons.unit[first],
            "team": team[first],
            "team_name": persons.teams["team"].to_numpy(object)[persons.team[first]],
            "rater": persons.rater[first],
            "n": np.bincount(spell_of, minlength=len(ids)),
        }
    )
    people = compact(spell_of * len(persons.ratees) + persons.ratee)[1] // len(persons.ratees)
    frame["ratees"] = np.bincount(people, minlength=len(ids))
    block, split = _blocks(frame)
    frame["block"] = block
    order = np.lexsort((frame["rater"], frame["team"], block))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    frame = frame.iloc[order].reset_index(drop=True)
    team_group = np.unique(frame["team"].to_numpy(), return_inverse=True)[1].astype(np.int64)
    return frame, rank[spell_of], team_group, split


def _blocks(frame: pd.DataFrame) -> tuple[Ints, int]:
    """One block a unit, or several where the unit has very many team-spells; a team is never split."""
    unit, team = frame["unit"].to_numpy(), frame["team"].to_numpy()
    order = np.lexsort((team, unit))
    start = np.r_[0, np.flatnonzero(np.diff(unit[order])) + 1]
    size = np.diff(np.r_[start, len(unit)])
    place = np.empty(len(unit), np.int64)
    place[order] = np.arange(len(unit)) - np.repeat(start, size)
    first_place = np.zeros(int(team.max()) + 1, np.int64)
    first_place[team[order][::-1]] = place[order][::-1]
    part = first_place[team] // LARGEST_BLOCK
    key = unit * (int(part.max()) + 1) + part
    block = np.unique(key, return_inverse=True)[1].astype(np.int64)
    return block, int((size > LARGEST_BLOCK).sum())


def _attainment(persons: Persons, indicators: pd.DataFrame | None, winsorise: float) -> Floats:
    """Attainment points of each person-period, centred by period and winsorised; NaN where there are none."""
    x = np.full(len(persons.observed), np.nan)
    if indicators is None or not len(indicators):
        return x
    given = indicators["points"].to_numpy(np.float64)
    ratee = codes_in(indicators["ratee"], persons.ratees)
    period = (
        codes_in(indicators["period"], persons.periods) if "period" in indicators else np.zeros(len(given), np.int64)
    )
    ok = (ratee >= 0) & (period >= 0) & np.isfinite(given)
    slots = np.full(len(persons.periods) * len(persons.ratees), -1, np.int64)
    slots[persons.period * len(persons.ratees) + persons.ratee] = np.arange(len(x))
    row = slots[period[ok] * len(persons.ratees) + ratee[ok]]
    has = row >= 0
    n = np.bincount(row[has], minlength=len(x))
    x = np.where(n > 0, np.bincount(row[has], given[ok][has], len(x)) / np.maximum(n, 1), np.nan)
    if not np.isfinite(x).any():
        return x
    low, high = np.nanquantile(x, [winsorise, 1 - winsorise])
    return _centred_by(np.clip(x, low, high), persons.period)


def _rating_rows(y: Floats, spell_of: Ints, n_spells: int) -> dict[str, Any]:
    n = np.bincount(spell_of, minlength=n_spells)
    every = np.arange(n_spells)
    return row_parts(RATING, np.bincount(spell_of, y, n_spells) / n, every, every, np.ones(n_spells), n, every)


def _indicator_rows(x: Floats, there: Any, spell_of: Ints, n_spells: int) -> dict[str, Any]:
    n = np.bincount(spell_of[there], minlength=n_spells)
    has = np.flatnonzero(n)
    mean = np.bincount(spell_of[there], x[there], n_spells)[has] / n[has]
    return row_parts(INDICATOR, mean, np.arange(len(has)), has, np.ones(len(has)), n[has], has)


def _pair_rows(pairs: pd.DataFrame, spells: pd.DataFrame) -> dict[str, Any]:
    n = len(pairs)
    rows = row_parts(PAIR, pairs["value"].to_numpy(), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0),
                 pairs["n"], pairs["spell"].to_numpy())  # fmt: skip
    rows["second"] = pairs["rater"].to_numpy()
    rows["first"] = spells["rater"].to_numpy()[pairs["spell"].to_numpy()]
    rows["role"] = pairs["role"].to_numpy(object)
    rows["label"] = np.full(n, "pair", object)
    return rows


def _stack(parts: list[dict[str, Any]], spells: pd.DataFrame) -> dict[str, Any]:
    """All rows, sorted by block, kind and spell."""
    sizes = [len(p["value"]) for p in parts]
    start = np.cumsum([0, *sizes])
    kind = np.concatenate([np.full(n, p["kind"], np.int64) for n, p in zip(sizes, parts, strict=True)])
    anchor = np.concatenate([p["anchor"] for p in parts]).astype(np.int64)
    block = spells["block"].to_numpy()[anchor]
    order = np.lexsort((np.arange(len(kind)), anchor, kind, block))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    row = np.concatenate([place[p["row"] + s] for p, s in zip(parts, start, strict=False)])
    spell = np.concatenate([p["spell"] for p in parts]).astype(np.int64)
    share = np.concatenate([p["share"] for p in parts])
    y_rows, rater, sign = [place[: sizes[0]]], [spells["rater"].to_numpy()], [np.ones(sizes[0])]
    role = np.full(len(kind), "", object)
    label = np.full(len(kind), "", object)
    variance = np.full(len(kind), np.nan)
    for p, s in zip(parts, start, strict=False):
        at = place[s + np.arange(len(p["value"]))]
        label[at] = p.get("label", np.full(len(at), KINDS[p["kind"]], object))
        if "variance" in p:
            variance[at] = p["variance"]
        if p["kind"] == PAIR:
            y_rows += [at, at]
            rater += [p["second"], p["first"]]
            sign += [np.ones(len(at)), -np.ones(len(at))]
            role[at] = p["role"]
    return {
        "kind": kind[order],
        "value": np.concatenate([p["value"] for p in parts])[order],
        "anchor": anchor[order],
        "block": block[order],
        "n": np.concatenate([p["n"] for p in parts])[order],
        "exposure": (np.stack([row, spell]), share),
        "ratings": (np.stack([np.concatenate(y_rows), np.concatenate(rater)]), np.concatenate(sign)),
        "role": role,
        "label": label,
        "variance": variance,
    }


def _scales(kind: Ints, value: Floats) -> tuple[float, float, float]:
    """SD of the rows of each kind, so that one set of weak priors fits any office."""
    return tuple(  # type: ignore[return-value]
        float(np.std(value[kind == k])) if (kind == k).sum() > 2 and np.std(value[kind == k]) > 1e-9 else 1.0
        for k in (RATING, FEEDBACK, INDICATOR)
    )


def _fixed_part(
    rows: dict[str, Any], persons: Persons, spell_of: Ints, n_spells: int, groups: Sequence[str]
) -> tuple[Floats, tuple[str, ...]]:
    """A level for each kind of row (and role of second raters), and free slopes on group shares for outside
    measures."""
    columns, names = [], []
    for k, name in enumerate(KINDS):
        at = rows["kind"] == k
        if k == PAIR:
            for role in sorted(set(rows["role"][at])):
                columns.append((at & (rows["role"] == role)).astype(np.float64))
                names.append(f"level_{role}")
        elif at.any():
            columns.append(at.astype(np.float64))
            names.append(f"level_{name}")
    n = np.maximum(np.bincount(spell_of, minlength=n_spells), 1)
    at_, share_ = rows["exposure"]
    exposure = sparse.csr_array((share_, (at_[0], at_[1])), shape=(len(rows["kind"]), n_spells))
    for g in groups:
        for level in range(1, len(persons.levels[g])):
            share = np.bincount(spell_of, persons.groups[g] == level, n_spells) / n
            mixed = exposure @ (share - share.mean())
            for k in (FEEDBACK, INDICATOR):
                at = rows["kind"] == k
                if at.sum() > 10 and np.std(mixed[at]) > 1e-6:
                    columns.append(np.where(at, mixed, 0.0))
                    names.append(f"{KINDS[k]}_{g}_{persons.levels[g][level]}")
    return np.stack(columns, axis=1), tuple(names)
