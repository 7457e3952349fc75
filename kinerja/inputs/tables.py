"""One file and what the parameters say of it -> one canonical table, each cell still knowing its row and its header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kinerja.inputs.columns import ELEMENTS, KINDS, NEEDED, WIDE, columns_of
from kinerja.inputs.formats import open_file
from kinerja.inputs.formats.table import Opened, RawTable
from kinerja.inputs.headers import Header, aliases, body, find_header, footer_mask, near, plain
from kinerja.inputs.problems import Ledger
from kinerja.inputs.values import (
    Converted,
    is_blank_series,
    period_of,
    period_span,
    to_answers,
    to_dates,
    to_elements,
    to_numbers,
    to_periods,
    to_persons,
    to_text,
    to_words,
)
from kinerja.parameters import Period, Source

FILE, ROW, HEADER = "_file", "_row", "_header"
"""Columns that a table carries until all checks are made: file as the user wrote it, spreadsheet row, wide header."""

OVERALL = "overall"
"""The item of ratings that have none."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """One canonical table, on its way.

    Fields
    ------
    frame : canonical columns and FILE, ROW, HEADER
    headers : canonical name -> header in the file
    """

    frame: pd.DataFrame
    headers: Mapping[str, str]


def read_table(
    kind: str, source: Source, name: str, period: Period, extra: Sequence[str], ledger: Ledger
) -> Table | None:
    """Read one source; None where nothing of it can be read. Every problem goes to the ledger."""
    refuse = ledger.refuse(name)
    before = len(ledger.problems)
    opened = open_file(source, refuse)
    if opened is None:
        return None
    for code, data in opened.notes:
        ledger.find("note", code, name, file=name, **data)
    table, header = _best_sheet(opened, kind, source, extra)
    if len(opened.tables) > 1:
        others = ", ".join(t.sheet for t in opened.tables if t is not table)
        ledger.find("note", "sheet_chosen", name, file=name, sheet=table.sheet, others=others)
    check_header(kind, source, header, table, name, extra, ledger)
    if len(ledger.problems) > before:
        return None
    piece, count = canonical(kind, table, header, source, name, period, extra, opened, ledger)
    file = {
        "kind": kind,
        "file": name,
        "name": name.removesuffix(f" [{source.sheet}]"),
        "sha256": opened.sha256,
        "format": opened.format,
        "encoding": opened.encoding,
        "delimiter": opened.delimiter,
        "sheet": table.sheet,
        "rows_read": count,
        "rows_kept": 0,
        "rows_in_period": 0,
    }
    ledger.files.append(file)
    _note_unused(header, name, ledger)
    if piece is None:
        refuse("no_rows")
        return None
    return Table(frame=piece, headers=titles_of(header))


def titles_of(header: Header) -> dict[str, str]:
    """Canonical name -> the file's own header."""
    return {c: header.titles[j] for c, j in header.columns.items()}


def canonical(
    kind: str,
    table: RawTable,
    header: Header,
    source: Source,
    name: str,
    period: Period,
    extra: Sequence[str],
    opened: Opened,
    ledger: Ledger,
) -> tuple[pd.DataFrame | None, int]:
    """The canonical rows of a table, or of a piece of one, and how many records it holds; None without any."""
    lines, rows, count = _records(kind, table, header, opened.format, name, ledger)
    if not len(lines):
        return None, count
    titles = titles_of(header)
    _uncomputed(table, header, rows, name, ledger)
    raw = pd.DataFrame({c: lines[j].array for c, j in header.columns.items()}, index=range(len(lines)))
    raw[FILE], raw[ROW], raw[HEADER] = name, rows, ""
    if header.wide:
        raw = _melted(kind, raw, lines, header)
    raw = _constants(kind, raw, source, extra)
    return _converted(kind, raw, source, titles, period, extra, opened.delimiter, ledger), count


def _best_sheet(opened: Opened, kind: str, source: Source, extra: Sequence[str]) -> tuple[RawTable, Header]:
    found = [(table, find_header(table, kind, source, extra)) for table in opened.tables]
    return max(found, key=lambda pair: (_complete(kind, pair[1], source), pair[1].score))


def _complete(kind: str, header: Header, source: Source) -> bool:
    return not _lacking(kind, header, source)


def _lacking(kind: str, header: Header, source: Source) -> list[str]:
    """Needed columns that neither a header, nor the wide layout, nor a constant gives."""
    wide = WIDE[kind] if header.wide else ()
    have = {*header.columns, *source.constants, *wide}
    lacking = [name for name in NEEDED[kind] if name not in have]
    if kind == "staff" and lacking and "name" in have:
        lacking = []
    if kind == "ratings":
        if "ratee" in lacking and "name" in have:
            lacking.remove("ratee")
        if "rater" in lacking and ("rater_name" in have or str(source.constants.get("role", "")) == "self"):
            lacking.remove("rater")
    if kind == "indicators" and not have & {"ratee", "unit", "name"}:
        lacking.append("ratee")
    if kind == "responses" and not have & set(ELEMENTS):
        lacking.append(ELEMENTS[0])
    return lacking


def check_header(
    kind: str, source: Source, header: Header, table: RawTable, name: str, extra: Sequence[str], ledger: Ledger
) -> None:
    titles = [title for title in header.titles if title]
    row = int(table.rows[header.first]) if header.first >= 0 and len(table.rows) else 1
    known = columns_of(kind, tuple(extra))
    for group in (source.columns, source.constants, source.values):
        for column in group:
            if column not in known and column not in ("total", "number"):
                ledger.problem(name, "unknown_column", column=column, kind=kind, near=near(column, known))
    for canonical, wanted in source.columns.items():
        if canonical not in header.columns and canonical in known:
            ledger.problem(
                name, "header_missing", row=row, column=wanted, canonical=canonical, near=near(wanted, titles)
            )
    for item, wanted in source.items.items():
        if item not in header.items:
            ledger.problem(name, "header_missing", row=row, column=wanted, canonical=item, near=near(wanted, titles))
    if header.score == 0 and not source.columns:
        found = ", ".join(titles)[:120]
        ledger.problem(name, "header_not_found", row=row, found=found, kind=kind, needed=", ".join(NEEDED[kind]))
        return
    for column in _lacking(kind, header, source):
        if column not in source.columns:
            known_as = ", ".join(aliases().get(column, ())[:6])
            ledger.problem(
                name, "column_missing", row=row, column=column, known=known_as, headers=", ".join(titles)[:200]
            )
    if header.wide and not header.items:
        ledger.problem(name, "no_items", row=row, headers=", ".join(titles)[:200])
    _check_twice(source, header, row, name, ledger)


def _check_twice(source: Source, header: Header, row: int, name: str, ledger: Ledger) -> None:
    """Two columns with the same title, one of which is used: nobody can say which one is meant."""
    used = {**header.columns, **header.items}
    for canonical, at in used.items():
        twins = [j for j, title in enumerate(header.titles) if title and title == header.titles[at]]
        if len(twins) > 1:
            ledger.problem(
                name, "header_twice", row=row, column=header.titles[at], canonical=canonical, count=len(twins)
            )


def _records(
    kind: str, table: RawTable, header: Header, format: str, name: str, ledger: Ledger
) -> tuple[pd.DataFrame, np.ndarray, int]:
    """The lines that are records: blank ones, totals, repeated headers and remarks are left out, by name."""
    cells, rows = body(table, header)
    if header.first < 0:
        return cells, rows, len(cells)
    titled = [j for j, title in enumerate(header.titles) if title]
    stray = [j for j in range(cells.shape[1]) if j not in titled]
    _check_stray(cells, rows, stray, format, name, ledger)
    blank = np.logical_and.reduce([is_blank_series(cells[j]) for j in titled])
    filled = np.flatnonzero(~blank)
    last = filled.max() + 1 if len(filled) else 0
    ledger.leave_out(name, "blank_row", rows[:last][blank[:last]])
    cells, rows = cells.loc[~blank], rows[~blank]
    read = len(cells)
    if not read:
        return cells, rows, 0
    numbering = _numbering(cells, titled)
    repeated = _repeated(cells, header)
    ledger.leave_out(name, "column_numbers", rows[numbering])
    ledger.leave_out(name, "repeated_header", rows[repeated])
    cells, rows = cells.loc[~(numbering | repeated)], rows[~(numbering | repeated)]
    keys = [header.columns[c.name] for c in KINDS[kind] if c.key and c.required and c.name in header.columns]
    if kind == "indicators":
        keys += [header.columns[c] for c in ("ratee", "unit") if c in header.columns][:1]
    total, remark = footer_mask(cells, keys, titled)
    ledger.leave_out(name, "total_row", rows[total])
    ledger.leave_out(name, "remark", rows[remark])
    return cells.loc[~(total | remark)], rows[~(total | remark)], read


def _check_stray(
    cells: pd.DataFrame, rows: np.ndarray, stray: Sequence[int], format: str, name: str, ledger: Ledger
) -> None:
    """Cells in columns without a title: a separator too many in a text file, notes beside the table in a workbook."""
    for j in stray:
        held = ~is_blank_series(cells[j])
        if not held.any():
            continue
        if held.mean() > 0.5:
            ledger.find("note", "column_without_title", f"{name}{j}", file=name, column=j + 1)
            continue
        if format == "xlsx":
            ledger.leave_out(name, "beside_the_table", rows[held], f"{j + 1}")
            continue
        ledger.cells(name, "cell_without_header", rows[held], f"{j + 1}", cells[j][held].to_numpy(dtype=object))


def _numbering(cells: pd.DataFrame, titled: Sequence[int]) -> np.ndarray:
    """A line `(1) (2) (3)` right under the header."""
    mask = np.zeros(len(cells), dtype=bool)
    texts = [plain(v) for v in cells.iloc[0] if v is not None and v == v and str(v).strip()]
    counted = [[str(k + start) for k in range(len(texts))] for start in (0, 1)]
    mask[0] = len(texts) >= max(3, len(titled) - 1) and texts in counted
    return mask


def _repeated(cells: pd.DataFrame, header: Header) -> np.ndarray:
    """The header again, as printed pages have it."""
    mask = np.ones(len(cells), dtype=bool)
    used = list(dict.fromkeys([*header.columns.values(), *header.items.values()]))[:4]
    for j in used:
        ends = {header.titles[j], header.titles[j].split(" / ")[-1]}
        if cells[j].dtype.kind in "ifMb":
            return np.zeros(len(cells), dtype=bool)
        codes, uniques = pd.factorize(cells[j])
        same = np.array([isinstance(u, str) and " ".join(u.split()) in ends for u in uniques] + [False], dtype=bool)
        mask &= same[codes]
    return mask if used else np.zeros(len(cells), dtype=bool)


def _uncomputed(table: RawTable, header: Header, rows: np.ndarray, name: str, ledger: Ledger) -> None:
    used = {*header.columns.values(), *header.items.values()}
    kept = set(rows.tolist())
    for row, column in table.uncomputed:
        if row in kept and column - 1 in used:
            ledger.problem(name, "formula_no_value", row=row, column=header.titles[column - 1])


def _melted(kind: str, raw: pd.DataFrame, lines: pd.DataFrame, header: Header) -> pd.DataFrame:
    """One row an item and line; HEADER keeps the title of the cell's column."""
    item, value = WIDE[kind]
    n = len(raw)
    places = list(header.items.values())
    long = raw.loc[np.tile(np.arange(n), len(places))].reset_index(drop=True)
    long[item] = np.repeat(np.array(list(header.items), dtype=object), n)
    long[HEADER] = np.repeat(np.array([header.titles[j] for j in places], dtype=object), n)
    parts = [lines[j].to_numpy() for j in places]
    same = len({part.dtype for part in parts}) == 1
    long[value] = np.concatenate(parts if same else [part.astype(object) for part in parts])
    return long


def _constants(kind: str, raw: pd.DataFrame, source: Source, extra: Sequence[str]) -> pd.DataFrame:
    known = columns_of(kind, tuple(extra))
    for column, value in source.constants.items():
        if column in known:
            raw[column] = value
    if kind in WIDE and source.item_constants:
        item = WIDE[kind][0]
        for column in dict.fromkeys(c for given in source.item_constants.values() for c in given):
            by_item = {name: given[column] for name, given in source.item_constants.items() if column in given}
            filled = raw[item].map(by_item).astype(object)
            raw[column] = filled.where(filled.notna(), raw[column].astype(object)) if column in raw else filled
    return raw


def _note_unused(header: Header, name: str, ledger: Ledger) -> None:
    if header.unused:
        titles = ", ".join(header.titles[j] for j in header.unused)
        ledger.find("note", "columns_not_used", name, file=name, columns=titles[:300])


def _converted(
    kind: str,
    raw: pd.DataFrame,
    source: Source,
    titles: Mapping[str, str],
    period: Period,
    extra: Sequence[str],
    delimiter: str,
    ledger: Ledger,
) -> pd.DataFrame:
    name = str(raw[FILE].iloc[0])
    known = columns_of(kind, tuple(extra))
    out = {}
    years = None
    if "year" in raw:
        read = to_numbers(raw["year"], ".")
        _report(read, raw, "year", titles, name, ledger)
        years = read.values
    for column, of in known.items():
        if column == "year":
            continue
        if column not in raw:
            empty = {"number": np.nan, "answer": np.nan, "date": pd.NaT}.get(of.holds)
            dtype = {"number": "float64", "answer": "float64", "date": "datetime64[ns]"}.get(of.holds, object)
            out[column] = pd.Series(empty, index=raw.index, dtype=dtype)
            continue
        given = _renamed(raw[column], source.values.get(column, {}))
        read = _as(of.holds, given, source, period, years, delimiter)
        _report(read, raw, column, titles, name, ledger)
        out[column] = read.values
    frame = pd.DataFrame(out)
    if "period" in frame and "period" not in raw and years is not None and period.kind == "year":
        frame["period"] = years.map(lambda y: None if pd.isna(y) else str(int(y)))
    if "date" in frame and "date" not in raw and "period" in raw:
        frame["date"] = _ends_of_parts(_renamed(raw["period"], source.values.get("period", {})), frame, period, years)
    frame[[FILE, ROW, HEADER]] = raw[[FILE, ROW, HEADER]]
    return frame


def _ends_of_parts(given: pd.Series, frame: pd.DataFrame, period: Period, years: pd.Series | None) -> pd.Series:
    """The last day of a month (of a quarter) that was put into a longer evaluated period, so that its order is kept."""
    finest = period.model_copy(update={"kind": "month", "number": 1})
    own = to_periods(given, finest, years).values
    finer = own.notna() & (own != frame["period"])
    ends = {part: pd.Timestamp(period_span(part)[1]) for part in own[finer].unique()}
    return pd.to_datetime(own.where(finer).map(ends)).astype("datetime64[ns]")


def _renamed(column: pd.Series, values: Mapping[str, str]) -> pd.Series:
    """What the parameters say that values of the file mean; the rest stays."""
    if not values:
        return column
    exact = {str(k).strip(): v for k, v in values.items()}
    loose = {str(k).strip().casefold(): v for k, v in values.items()}
    codes, uniques = pd.factorize(column)
    texts = [str(int(u)) if isinstance(u, float) and u.is_integer() else str(u).strip() for u in uniques]
    means: list[Any] = [exact.get(t, loose.get(t.casefold(), u)) for t, u in zip(texts, uniques, strict=True)]
    table = np.array([*means, None], dtype=object)
    return pd.Series(table[codes], index=column.index, dtype=object)


def _as(
    holds: str, given: pd.Series, source: Source, period: Period, years: pd.Series | None, delimiter: str
) -> Converted:
    if holds == "number":
        return to_numbers(given, source.decimal, delimiter)
    if holds == "answer":
        return to_answers(given, source.decimal, delimiter)
    if holds == "date":
        return to_dates(given, source.dayfirst)
    if holds == "period":
        return to_periods(given, period, years)
    if holds == "person":
        return to_persons(given)
    if holds in ("role", "polarity"):
        return to_words(given, holds)
    return to_elements(given) if holds == "element" else to_text(given)


def _report(
    read: Converted, raw: pd.DataFrame, column: str, titles: Mapping[str, str], name: str, ledger: Ledger
) -> None:
    """Unreadable cells as problems; a constant or a wide item's constant is one problem, not one a row."""
    if not (read.bad != "").any():
        return
    for code in pd.unique(read.bad[read.bad != ""]):
        at = np.flatnonzero(read.bad == code)
        data = _data_of(code)
        if column in titles:
            shown: str | np.ndarray = titles[column]
        elif (raw[HEADER] != "").all() and column in {value for _, value in WIDE.values()}:
            shown = raw[HEADER].to_numpy(dtype=object)[at]
        else:
            ledger.problem(name, code, column=column, found=raw[column].iloc[at[0]], **data)
            continue
        ledger.cells(name, code, raw[ROW].to_numpy()[at], shown, raw[column].to_numpy(dtype=object)[at], **data)


def _data_of(code: str) -> dict[str, Any]:
    from kinerja.inputs.columns import POLARITIES, ROLES
    from kinerja.inputs.values import EARLIEST_YEAR, LATEST_YEAR

    return {
        "unknown_role": {"allowed": ", ".join(ROLES)},
        "unknown_polarity": {"allowed": ", ".join(POLARITIES)},
        "date_range": {"earliest": str(EARLIEST_YEAR), "latest": str(LATEST_YEAR)},
    }.get(code, {})


def dated(frame: pd.DataFrame, period: Period) -> pd.Series:
    """The period of each row: its own, else its date's; None where it has neither."""
    own = frame["period"].astype(object)
    if "date" not in frame:
        return own
    days = frame["date"].dt.normalize()
    codes, uniques = pd.factorize(days)
    ids = np.array([*(period_of(day.date(), period.kind) for day in uniques), None], dtype=object)
    return own.where(own.notna(), pd.Series(ids[codes], index=frame.index, dtype=object))
