"""Small cells, and the cells from which they could be computed.

A figure of fewer than `minimum` people is withheld (primary). A withheld figure that follows by subtraction - from a
total and its other parts, from another table of the run, from the previous period - is protected by withholding
the next smallest figure too (complement), and where none is left, the total itself. See Hundepool et al. (2012),
Statistical Disclosure Control, section 4.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

SUPPRESSED = "suppressed"

SMALL, COMPLEMENT, PREVIOUS = "small_cell", "complement", "previous_period"
"""Reasons, as codes of words.csv."""

AUDITED_CELLS = 400
"""Larger tables are protected sum by sum only; the full linear audit grows with the cube of the cells."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Sum:
    """A total and the parts that add up to it (positions in the table); `rest` people are in no listed part."""

    whole: int
    parts: tuple[int, ...]
    rest: float


def suppress(
    table: pd.DataFrame,
    *,
    group: Sequence[str],
    values: Sequence[str],
    count: str = "n",
    within: Sequence[str] = (),
    minimum: int = 5,
    previous: pd.DataFrame | None = None,
    remeasured: bool = False,
) -> pd.DataFrame:
    """Withhold the figures of small cells and of those that would give them away.

    table : one row a cell; a missing value in a `group` column means "all of them" (a total)
    values : columns emptied (NaN) where a cell is withheld, `count` with them
    within : columns whose values are tables of their own (element, item): nothing is added over them
    minimum : people below which a cell is withheld
    previous : the table published for the period before (same columns, `status` as this function left it)
    remeasured : True where everybody's value was measured anew, so that the difference of two periods is nobody's value

    Returns the table with `status` ("suppressed" where withheld, else as it was or "ok") and `reason`.
    A column `persons` (a set of ids a row), where given, is used to see who joined and left, and dropped.
    """
    out = table.reset_index(drop=True).copy()
    reasons = np.full(len(out), "", dtype=object)
    parts = (
        [at for _, at in out.groupby(list(within), dropna=False).indices.items()] if within else [np.arange(len(out))]
    )
    for at in parts:
        one = out.iloc[at]
        sizes = one[count].fillna(0).to_numpy(dtype=float)
        why = np.full(len(one), "", dtype=object)
        why[(sizes > 0) & (sizes < minimum)] = SMALL
        if previous is not None and not remeasured:
            _against(one, previous, [*group, *within], count, minimum, why)
        _complete(sizes, _sums(one, group, sizes), minimum, why)
        reasons[at] = why
    hidden = reasons != ""
    if "status" not in out:
        out["status"] = "ok"
    if "reason" not in out:
        out["reason"] = ""
    out["status"] = out["status"].astype(object).where(~hidden, SUPPRESSED)
    out["reason"] = out["reason"].astype(object).where(~hidden, reasons)
    for column in [*values, count]:
        out[column] = out[column].astype("float64").where(~hidden, np.nan)
    return out.drop(columns=[c for c in ("persons",) if c in out])


def suppress_together(
    tables: Mapping[str, pd.DataFrame],
    *,
    groups: Mapping[str, Sequence[str]],
    values: Mapping[str, Sequence[str]],
    count: str = "n",
    minimum: int = 5,
) -> dict[str, pd.DataFrame]:
    """Several tables of one run about the same people, protected as one: what one shows must not open another.

    groups, values : of each table; a group column that a table lacks means "all of them" in it
    """
    every = list(dict.fromkeys(column for names in groups.values() for column in names))
    frames = []
    for name, frame in tables.items():
        cells = frame.reset_index(drop=True).reindex(columns=[*every, count])
        cells = cells.where(cells.notna(), None).assign(_table=name, _at=range(len(frame)))
        frames.append(cells)
    stacked = pd.concat(frames, ignore_index=True)
    # The same cell in two tables is one cell: hidden in one means hidden in both.
    key = stacked[every].astype(object).where(stacked[every].notna(), "\0").agg(tuple, axis=1)
    cells = stacked.loc[~key.duplicated()]
    protected = suppress(cells[[*every, count]], group=every, values=[], count=count, minimum=minimum)
    why = dict(
        zip(key[~key.duplicated()], protected["reason"].where(protected["status"] == SUPPRESSED, ""), strict=True)
    )
    out = {}
    for name, frame in tables.items():
        reason = np.array([why[k] for k in key[stacked["_table"] == name]], dtype=object)
        shown = frame.reset_index(drop=True).copy()
        shown["status"] = np.where(reason != "", SUPPRESSED, shown.get("status", pd.Series("ok", index=shown.index)))
        shown["reason"] = np.where(reason != "", reason, shown.get("reason", pd.Series("", index=shown.index)))
        for column in [*values[name], count]:
            shown[column] = shown[column].astype("float64").where(reason == "", np.nan)
        out[name] = shown
    return out


def _sums(table: pd.DataFrame, group: Sequence[str], sizes: np.ndarray) -> list[_Sum]:
    """Every total of the table: over one group column, all else equal."""
    keys = table[list(group)].astype(object)
    cells = [tuple(None if pd.isna(v) else v for v in row) for row in keys.itertuples(index=False, name=None)]
    where = {cell: at for at, cell in enumerate(cells)}
    sums = []
    for cell, whole in where.items():
        for place, value in enumerate(cell):
            if value is not None:
                continue
            parts = tuple(
                at
                for other, at in where.items()
                if other[place] is not None
                and other[:place] == cell[:place]
                and other[place + 1 :] == cell[place + 1 :]
            )
            if parts:
                sums.append(_Sum(whole=whole, parts=parts, rest=max(sizes[whole] - sizes[list(parts)].sum(), 0.0)))
    return sums


def _complete(sizes: np.ndarray, sums: Sequence[_Sum], minimum: int, why: np.ndarray) -> None:
    """Hide more cells until no sum, and no combination of sums, gives a hidden one away."""
    for _ in range(len(sizes) + 1):
        changed = sum(_protect(one, sizes, minimum, why) for one in sums) > 0
        if not changed and len(sizes) <= AUDITED_CELLS:
            changed = _audit(sizes, sums, why)
        if not changed:
            return


def _protect(one: _Sum, sizes: np.ndarray, minimum: int, why: np.ndarray) -> bool:
    if why[one.whole] != "":
        return False
    hidden = [at for at in one.parts if why[at] != ""]
    people = sizes[hidden].sum() + one.rest
    exposed = 0 < people < minimum
    alone = len([at for at in hidden if sizes[at] > 0]) == 1 and one.rest == 0
    if not (exposed or alone):
        return False
    shown = [at for at in one.parts if why[at] == "" and sizes[at] > 0]
    if shown:
        why[min(shown, key=lambda at: (sizes[at], at))] = COMPLEMENT
    else:
        why[one.whole] = COMPLEMENT
    return True


def _audit(sizes: np.ndarray, sums: Sequence[_Sum], why: np.ndarray) -> bool:
    """Whether the published cells together fix a hidden one (it lies in their row space); one more cell is hidden."""
    hidden = [at for at in range(len(sizes)) if why[at] != "" and sizes[at] > 0]
    closed = [one for one in sums if one.rest == 0]
    if len(hidden) < 2 or not closed:
        return False
    column = {at: k for k, at in enumerate(hidden)}
    rows = np.zeros((len(closed), len(hidden)))
    for r, one in enumerate(closed):
        for at in one.parts:
            if at in column:
                rows[r, column[at]] += 1
        if one.whole in column:
            rows[r, column[one.whole]] -= 1
    # A cell is fixed where the unit vector of its column is a combination of the equations' rows.
    _, singular, basis = np.linalg.svd(rows)
    basis = basis[: int((singular > 1e-9).sum())]
    fixed = [at for at, k in column.items() if np.isclose((basis[:, k] ** 2).sum(), 1.0, atol=1e-9)]
    for at in fixed:
        around = [
            p for one in sums if at in one.parts for p in (*one.parts, one.whole) if why[p] == "" and sizes[p] > 0
        ]
        if around:
            why[min(around, key=lambda p: (sizes[p], p))] = COMPLEMENT
            return True
    return False


def _against(
    table: pd.DataFrame, previous: pd.DataFrame, key: Sequence[str], count: str, minimum: int, why: np.ndarray
) -> None:
    """Cells that differ by a few people from what was published before."""

    def cells(frame: pd.DataFrame) -> list[tuple[object, ...]]:
        rows = frame[list(key)].astype(object).itertuples(index=False, name=None)
        return [tuple(None if pd.isna(v) else v for v in row) for row in rows]

    before = dict(zip(cells(previous), range(len(previous)), strict=True))
    for at, cell in enumerate(cells(table)):
        if cell not in before or why[at] != "":
            continue
        then = previous.iloc[before[cell]]
        if "status" in previous and then["status"] == SUPPRESSED:
            continue
        now = table.iloc[at]
        moved = abs(float(now[count]) - float(then[count]))
        if "persons" in table and "persons" in previous:
            left, joined = set(then["persons"]) - set(now["persons"]), set(now["persons"]) - set(then["persons"])
            moved = min((len(m) for m in (left, joined) if m), default=0)
        if 0 < moved < minimum:
            why[at] = PREVIOUS
