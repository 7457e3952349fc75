"""Whether the named sources hold the evaluated period at all: a report on nothing would look like a finished one.

Rows of other periods are history and stay; a kind of source of which no row is left in the period is refused, with the
periods that its files do hold and with why its rows do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from kinerja.inputs.problems import Ledger
from kinerja.inputs.tables import FILE, ROW, dated
from kinerja.parameters import Period

Headers = Mapping[str, Mapping[str, str]]

TOGETHER = (("staff",), ("ratings",), ("indicators",), ("responses", "aggregated"))
"""Kinds of which one must hold the period; published figures are compared with whatever period they name."""

MOST_PERIODS = 12
"""Periods listed by name; of more, the first and the latest."""

_UNFILLED = ("not_given", "no_figure", "empty_questionnaire")


@dataclass(kw_only=True)
class Held:
    """The rows of one file by period; those of pieces of a file add up.

    Fields
    ------
    current : rows of the evaluated period that count
    rows : rows that are records
    periods : period -> rows, whether they count or not; a row without a readable one is in none
    late : rows of the evaluated period that were recorded after the day up to which data count
    unfilled : rows of the evaluated period without any value
    refused : rows that may be of the evaluated period and that a problem names
    """

    current: int = 0
    rows: int = 0
    periods: Counter[str] = field(default_factory=Counter)
    late: int = 0
    unfilled: int = 0
    refused: int = 0

    def __add__(self, other: Held) -> Held:
        return Held(
            current=self.current + other.current,
            rows=self.rows + other.rows,
            periods=self.periods + other.periods,
            late=self.late + other.late,
            unfilled=self.unfilled + other.unfilled,
            refused=self.refused + other.refused,
        )


def held_of(name: str, raw: pd.DataFrame, kept: pd.DataFrame, period: Period, ledger: Ledger) -> Held:
    """What the rows of one file hold.

    raw, kept : canonical rows before and after `prepare`; a wide line has several
    ledger : its rows left out and its problems, of this and of other files
    """
    current = int(kept.loc[kept["period"] == period.id, ROW].nunique())
    first = ~raw[ROW].duplicated()
    rows, periods = raw.loc[first, ROW], dated(raw, period)[first]
    if current:
        return Held(current=current, rows=len(rows))
    left_out = ledger.left_out
    left_out = left_out[left_out["file"] == name]
    # A row whose period cannot be read may be of the evaluated one.
    own = rows[((periods == period.id) | periods.isna()).to_numpy(dtype=bool)].to_numpy()
    refused = np.isin(own, [p.row for p in ledger.problems if p.where == name and p.row is not None])
    late = ~refused & np.isin(own, left_out.loc[left_out["reason"] == "after_the_day", "row"].to_numpy())
    unfilled = ~refused & ~late & np.isin(own, left_out.loc[left_out["reason"].isin(_UNFILLED), "row"].to_numpy())
    return Held(
        rows=len(rows),
        periods=Counter(periods.dropna().tolist()),
        late=int(late.sum()),
        unfilled=int(unfilled.sum()),
        refused=int((~late & ~unfilled).sum()),
    )


class Stock:
    """What every file of a run holds, by kind and file; the files that could not be read stay unknown."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Held | None] = {}

    def expect(self, kind: str, name: str) -> None:
        """A source that the parameters name."""
        self._held.setdefault((kind, name), None)

    def add(self, kind: str, name: str, held: Held) -> None:
        before = self._held.get((kind, name))
        self._held[kind, name] = held if before is None else before + held

    def take(self, kind: str, raw: pd.DataFrame, kept: pd.DataFrame, period: Period, ledger: Ledger) -> None:
        """The rows of one kind, before and after `prepare`."""
        needed = [c for c in (FILE, ROW, "period", "date") if c in raw]
        for name, rows in raw[needed].groupby(FILE):
            if (kind, str(name)) in self._held:
                self.add(kind, str(name), held_of(str(name), rows, kept[kept[FILE] == name], period, ledger))

    def check(self, period: Period, headers: Headers, ledger: Ledger) -> None:
        """A problem for each file of the kinds of which no row is in the period; none where a file is unknown."""
        for kinds in TOGETHER:
            found = [(name, held) for (kind, name), held in self._held.items() if kind in kinds]
            if any(held is None or held.current or held.refused for _, held in found):
                continue
            for name, held in found:
                if held is not None:
                    _refuse(name, held, period, headers, ledger)


def _refuse(name: str, held: Held, period: Period, headers: Headers, ledger: Ledger) -> None:
    own = headers.get(name, {})
    column = next((own[c] for c in ("period", "date", "year") if c in own), "period")
    others = {p: n for p, n in sorted(held.periods.items()) if p != period.id}
    code = "period_too_late" if held.late else "period_unfilled" if held.unfilled else "period_absent"
    data: dict[str, Any] = {
        "period": period.id,
        "count": held.rows,
        "periods": listed(others),
        "late": held.late,
        "unfilled": held.unfilled,
        "day": period.day,
        "near": max(others, default=period.id),
    }
    ledger.problem(name, code, column=column, found=f"0/{held.rows}", **data)


def listed(periods: Mapping[str, int]) -> str:
    """`2026-Q2 (140), 2026-Q3 (138)`: the first and the latest where there are many."""
    shown = [f"{period} ({count})" for period, count in sorted(periods.items())]
    if len(shown) > MOST_PERIODS:
        shown = [shown[0], "…", *shown[2 - MOST_PERIODS :]]
    return ", ".join(shown) or "–"
