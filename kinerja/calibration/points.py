"""Service points of all periods -> rows of the model: one a team-spell where tagged, a service of a unit, or a unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kinerja.calibration.frames import Floats, Ints, Persons, codes_in, compact
from kinerja.calibration.rows import FEEDBACK


def row_parts(kind: int, value: Floats, row: Ints, spell: Ints, share: Floats, n: Any, anchor: Ints) -> dict[str, Any]:
    """Rows of one kind; (row, spell, share) are the entries of their exposure, `anchor` one spell of each row."""
    return {"kind": kind, "value": value, "row": row, "spell": spell, "share": share,
            "n": np.asarray(n, np.float64), "anchor": anchor}  # fmt: skip


def feedback_rows(points: pd.DataFrame, persons: Persons, spells: pd.DataFrame, spell_of: Ints) -> dict[str, Any]:
    """Service points of all periods -> one row a team-spell (where tagged), a service of a unit, or a unit."""
    usable = points[np.isfinite(points["estimate"].astype(float)) & (points["std_error"].astype(float) > 0)]
    value = usable["estimate"].to_numpy(np.float64)
    variance = usable["std_error"].to_numpy(np.float64) ** 2
    weight = 1.0 / variance
    has_period = "period" in usable and usable["period"].notna().any()
    period = codes_in(usable["period"], persons.periods) if has_period else np.full(len(usable), -1, np.int64)
    level = np.where(period >= 0, period, len(persons.periods))
    total = np.bincount(level, weight * value) / np.maximum(np.bincount(level, weight), 1e-300)
    value = value - total[level]
    target = _targets(usable, persons, spells, spell_of, period)
    entries = target["entries"]
    ids = target["id"]
    ok = ids >= 0
    n_rows = int(ids.max()) + 1 if ok.any() else 0
    precision = np.bincount(ids[ok], weight[ok], n_rows)
    mean = np.bincount(ids[ok], weight[ok] * value[ok], n_rows) / precision
    n = np.bincount(ids[ok], usable["n"].to_numpy(np.float64)[ok], n_rows) if "n" in usable else np.full(n_rows, np.nan)
    rows = row_parts(FEEDBACK, mean, entries[0], entries[1], entries[2], n, target["anchor"])
    rows["variance"] = 1.0 / precision
    rows["label"] = target["label"]
    rows["unmatched"] = int((ids < 0).sum())
    return rows


def _targets(
    points: pd.DataFrame, persons: Persons, spells: pd.DataFrame, spell_of: Ints, period: Ints
) -> dict[str, Any]:
    """Which team-spells each service point served: those of its tag, in its period, weighted by their staff.

    Citizens of a team in different periods is one row as long as the same supervisors were there.
    """
    n_points = len(points)
    unit = codes_in(points["unit"], persons.units)
    tag = np.where(unit >= 0, unit, -1)
    kind = np.where(unit >= 0, 0, -1)
    person_tag = [persons.unit, persons.service + len(persons.services) * persons.unit, persons.team, persons.ratee]
    if "service" in points and points["service"].notna().any() and len(persons.services):
        service = codes_in(points["service"], persons.services)
        code = service + len(persons.services) * unit
        hit = (service >= 0) & (unit >= 0) & np.isin(code, np.unique(person_tag[1][persons.service >= 0]))
        tag, kind = np.where(hit, code, tag), np.where(hit, 1, kind)
    if "team" in points and points["team"].notna().any():
        names = pd.MultiIndex.from_arrays([persons.teams["unit"].astype(str), persons.teams["team"].astype(str)])
        code = names.get_indexer(
            pd.MultiIndex.from_arrays([points["unit"].astype(str), points["team"].astype(str)])
        ).astype(np.int64)
        hit = code >= 0
        tag, kind = np.where(hit, code, tag), np.where(hit, 2, kind)
    if "ratee" in points and points["ratee"].notna().any():
        code = codes_in(points["ratee"], persons.ratees)
        tag, kind = np.where(code >= 0, code, tag), np.where(code >= 0, 3, kind)
    row_of = np.full(n_points, -1, np.int64)
    spell_entries: list[tuple[Ints, Ints, Floats]] = []
    n_rows, labels, anchors = 0, [], []
    for level in range(4):
        at = np.flatnonzero(kind == level)
        if not len(at):
            continue
        cells, entries, anchor = _level_rows(tag[at], period[at], person_tag[level], persons, spell_of, spells)
        row_of[at] = np.where(cells >= 0, cells + n_rows, -1)
        spell_entries.append((entries[0] + n_rows, entries[1], entries[2]))
        anchors.append(anchor)
        labels.append(np.full(len(anchor), ("unit", "service", "team", "ratee")[level], object))
        n_rows += len(anchor)
    entries_all = tuple(np.concatenate([e[i] for e in spell_entries]) for i in range(3)) if spell_entries else (
        np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))  # fmt: skip
    return {
        "id": row_of,
        "entries": entries_all,
        "anchor": np.concatenate(anchors) if anchors else np.zeros(0, np.int64),
        "label": np.concatenate(labels) if labels else np.zeros(0, object),
    }


def _level_rows(
    tag: Ints, period: Ints, person_tag: Ints, persons: Persons, spell_of: Ints, spells: pd.DataFrame
) -> tuple[Ints, tuple[Ints, Ints, Floats], Ints]:
    """Rows of one kind of tag: points that share a block and a leading spell are one row."""
    n_periods = len(persons.periods)
    span = int(max(tag.max(), person_tag.max())) + 1
    block = spells["block"].to_numpy()
    n_spells = len(spells)
    # staff of each (period, tag) by spell; a point without a period is served by the staff of all periods
    cell_person = np.concatenate([persons.period * span + person_tag, n_periods * span + person_tag])
    spell_twice = np.concatenate([spell_of, spell_of])
    ok = np.concatenate([person_tag >= 0, person_tag >= 0])
    cell_point = np.where(period >= 0, period, n_periods) * span + tag
    point_cell, wanted = compact(cell_point)
    place = np.searchsorted(wanted, cell_person)
    place = np.minimum(place, len(wanted) - 1)
    ok &= wanted[place] == cell_person
    codes, key = compact(place[ok] * n_spells + spell_twice[ok])
    count = np.bincount(codes)
    cell, spell = key // n_spells, key % n_spells
    order = np.lexsort((spell, -count, cell))
    leading = np.full(len(wanted), -1, np.int64)
    leading[cell[order][::-1]] = spell[order][::-1]
    cell_tag = wanted % span
    row_key = np.where(leading >= 0, cell_tag * n_spells + leading, -1)
    distinct = np.unique(row_key[row_key >= 0])
    row_of_cell = np.where(row_key >= 0, np.searchsorted(distinct, row_key), -1)
    anchor = distinct % n_spells
    same = (row_of_cell[cell] >= 0) & (block[spell] == block[anchor[row_of_cell[cell]]])
    total, pair = compact(row_of_cell[cell[same]] * n_spells + spell[same])
    weight = np.bincount(total, count[same])
    row, at = pair // n_spells, pair % n_spells
    share = weight / np.bincount(row, weight, len(distinct))[row]
    return row_of_cell[point_cell], (row, at, share), anchor
