"""An office's own files -> a proposal: which table is which, which column is which, how sure, what found no place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from kinerja import wording
from kinerja.errors import DataError
from kinerja.inputs.columns import ELEMENTS
from kinerja.inputs.formats import open_file
from kinerja.inputs.formats.table import RawTable
from kinerja.inputs.headers import Header, body, find_header
from kinerja.inputs.problems import Ledger
from kinerja.inputs.proposal.columns import Draft, Reading, draft_kinds, draft_staff
from kinerja.inputs.proposal.content import people_in
from kinerja.inputs.proposal.period import last_period, period_in, period_of_dates, periods_of_column
from kinerja.parameters import Source


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One column that found its place: canonical name, the file's header, confidence 0-1, and what that rests on:
    name (of the header), question, content, join (with the list of staff)."""

    canonical: str
    header: str
    confidence: float
    evidence: str


@dataclass(frozen=True, kw_only=True)
class ProposedTable:
    """One table of the run.

    Fields
    ------
    path, sheet : where it is; sheet is empty where the file has none
    kind : staff, ratings, indicators, responses, aggregated, published
    confidence : 0-1, that of the least sure column it needs
    columns : what was placed
    items : wide layout: item -> header; empty in the long layout
    wide : whether each item has a column of its own
    constants, values : as the parameters have them
    unplaced : headers that nothing was made of
    rows : lines below the header
    """

    path: Path
    sheet: str
    kind: str
    confidence: float
    columns: tuple[Placed, ...]
    items: Mapping[str, str]
    wide: bool
    constants: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    unplaced: tuple[str, ...]
    rows: int


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What the files of an office seem to be.

    Fields
    ------
    tables : one a source
    period, period_from : id, and what it rests on: given, name, column, date; period is empty where nothing tells
    scale : lowest and highest rating; None without ratings
    groups, attributes : canonical names of declared columns of staff and of responses
    needs_key : people are known by NIP or name only, so that pseudonyms need a key
    left : (file, sheet, first headers) of tables that were not recognised
    """

    tables: tuple[ProposedTable, ...]
    period: str
    period_from: str
    scale: tuple[float, float] | None
    groups: tuple[str, ...]
    attributes: tuple[str, ...]
    needs_key: bool
    left: tuple[tuple[str, str, str], ...]


def propose(paths: Sequence[Path], *, period: str | None = None) -> Proposal:
    """Look at every table of every file.

    period : the period's id where the user knows it; else it is looked for

    Raises
    ------
    DataError : files that cannot be read at all; or none of them holds a table that an evaluation can use
    """
    readings = _readings(paths)
    people = _people(readings)
    drafts: list[Draft] = []
    left = []
    for reading in readings:
        found = draft_kinds(reading, people)
        drafts += found
        if not found:
            left.append((reading.path.name, reading.table.sheet, ", ".join(t for t in reading.header.titles if t)[:80]))
    drafts = _without_doubles(drafts)
    if not drafts:
        ledger = Ledger()
        for name, sheet, titles in left:
            ledger.problem(f"{name} [{sheet}]" if sheet else name, "not_recognised", found=titles)
        raise DataError(wording.problem_message(ledger.problems), ledger.problems)
    named = {id(d): period_in(d.reading.table.sheet) or period_in(d.reading.path.stem) for d in drafts}
    chosen, why = _period(drafts, named, period)
    return Proposal(
        tables=tuple(_finished(draft, named[id(draft)], chosen) for draft in drafts),
        period=chosen,
        period_from=why,
        scale=_scale(drafts),
        groups=_declared(drafts, "staff"),
        attributes=_declared(drafts, "responses"),
        needs_key=any(draft.names_people for draft in drafts),
        left=tuple(left),
    )


def _readings(paths: Sequence[Path]) -> list[Reading]:
    ledger = Ledger()
    readings = []
    for path in paths:
        opened = open_file(Source(path=path), ledger.refuse(path.name))
        for table in opened.tables if opened else ():
            readings.append(_reading(path, table, opened.delimiter if opened else ""))
    if ledger.problems:
        raise DataError(wording.problem_message(ledger.problems), ledger.problems)
    return readings


def _reading(path: Path, table: RawTable, delimiter: str) -> Reading:
    from kinerja.inputs.columns import KINDS

    headers = {kind: find_header(table, kind, Source(path=path)) for kind in KINDS}
    best = max(headers.values(), key=lambda header: header.score)
    if best.score == 0:
        best = _first_full_line(path, table)
    return Reading(path=path, table=table, header=best, headers=headers, cells=_lines(table, best), delimiter=delimiter)


def _first_full_line(path: Path, table: RawTable) -> Header:
    """Where no title is known: the first line with as many texts as any."""
    if table.headers is not None:
        titles, first = table.headers, -1
    else:
        lines = table.cells.head(30).map(lambda v: isinstance(v, str) and bool(v.strip()) and not v.strip().isdigit())
        first = int(lines.sum(axis=1).to_numpy().argmax()) if len(lines) else 0
        line = table.cells.iloc[first].tolist() if len(table.cells) else []
        titles = tuple("" if v is None or v != v else " ".join(str(v).split()) for v in line)
    unused = tuple(j for j, title in enumerate(titles) if title)
    return Header(
        first=first,
        depth=1 if first >= 0 else 0,
        titles=titles,
        columns={},
        items={},
        unused=unused,
        wide=False,
        score=0,
    )


def _lines(table: RawTable, header: Header) -> pd.DataFrame:
    cells, _ = body(table, header) if header.first >= 0 else (table.cells, table.rows)
    return cells


def _people(readings: Sequence[Reading]) -> frozenset[str]:
    """The ids in the tables that look most like a list of staff."""
    found: set[str] = set()
    for reading in readings:
        draft = draft_staff(reading, frozenset()) if reading.is_list_of_people else None
        if draft is not None and (at := draft.at("ratee")) is not None:
            found |= people_in(draft.cells[at])
    return frozenset(found)


def _without_doubles(drafts: list[Draft]) -> list[Draft]:
    """A staff list that only repeats people of a fuller one is not read as staff a second time."""
    staff = [d for d in drafts if d.kind == "staff"]
    if len(staff) < 2:
        return drafts
    main = max(staff, key=lambda d: (not d.doubled, len(d.columns), d.confidence))
    return [d for d in drafts if d.kind != "staff" or d is main or not d.doubled]


def _period(drafts: Sequence[Draft], named: Mapping[int, str | None], wanted: str | None) -> tuple[str, str]:
    if wanted:
        return wanted, "given"
    columns = [d.cells[d.at("period")] for d in drafts if d.at("period") is not None]
    in_columns = [name for column in columns for name in periods_of_column(column)]
    finer = [name for name in in_columns if "-" in name]
    if found := last_period(finer or in_columns):
        return found, "column"
    if found := last_period(name for name in named.values() if name and "-" in name):
        return found, "name"
    kinds = ("responses", "ratings", "indicators")
    dates = [d.cells[d.at("date")] for kind in kinds for d in drafts if d.kind == kind and d.at("date") is not None]
    days = [found for column in dates if (found := period_of_dates(column))]
    if days:
        # Answers are given during the period, ratings after it: the survey's dates come first.
        return days[0], "date"
    if found := last_period(name for name in named.values() if name):
        return found, "name"
    return "", ""


def _finished(draft: Draft, named: str | None, period: str) -> ProposedTable:
    constants = dict(draft.constants)
    dated = draft.at("period") is not None or draft.at("date") is not None or draft.at("year") is not None
    if named and not dated and draft.kind != "staff" and named != period and named.count("-") == period.count("-"):
        constants["period"] = named
    titles = draft.header.titles
    used = {j for _, j, _, _ in draft.columns} | set(draft.items.values())
    return ProposedTable(
        path=draft.reading.path,
        sheet=draft.reading.table.sheet,
        kind=draft.kind,
        confidence=draft.confidence,
        columns=tuple(
            Placed(canonical=name, header=titles[j], confidence=sure, evidence=why)
            for name, j, sure, why in draft.columns
        ),
        items={item: titles[j] for item, j in draft.items.items()},
        wide=draft.wide,
        constants=constants,
        values=draft.values,
        unplaced=tuple(titles[j] for j in draft.header.unused if j not in used),
        rows=len(draft.cells),
    )


def _scale(drafts: Sequence[Draft]) -> tuple[float, float] | None:
    values = [draft.ratings() for draft in drafts if draft.kind == "ratings"]
    every = np.concatenate(values) if values else np.array([])
    every = every[np.isfinite(every)]
    if not len(every):
        return None
    words = max((max(map(int, d.values["rating"].values())) for d in drafts if "rating" in d.values), default=0)
    highest = float(np.quantile(every, 0.99))
    lowest = 0.0 if float(every.min()) < 1 else 1.0
    ends = (3.0, 4.0, 5.0, 7.0, 10.0) if not words else (float(words),)
    return next(((lowest, end) for end in ends if highest <= end and (end != 3.0 or words)), (0.0, 100.0))


def _declared(drafts: Sequence[Draft], kind: str) -> tuple[str, ...]:
    names = (name for d in drafts if d.kind == kind for name in d.extra)
    return tuple(sorted(set(names) - set(ELEMENTS)))
