"""Tables as a workbook: one sheet a table, typed cells, frozen headers, nothing that a spreadsheet would execute."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.show.tables import Column, Table

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

WIDEST = 60
_FORBIDDEN_TITLE = re.compile(r"[\[\]:*?/\\]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold: equal tables then give equal bytes
_STAMP = "1980-01-01T00:00:00Z"


def workbook_bytes(tables: Sequence[Table], *, title: str = "", language: wording.Language = "id") -> bytes:
    """The tables as an XLSX file: a sheet of contents, one sheet a table, one of terms. Equal tables, equal bytes."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    titles = sheet_titles([t.sheet for t in tables], taken=(_say("contents", language), _say("terms", language)))
    _contents(book.create_sheet(_say("contents", language)), tables, titles, title, language)
    for table, name in zip(tables, titles, strict=True):
        _sheet(book.create_sheet(name), table)
    _terms(book.create_sheet(_say("terms", language)), tables, language)
    book.properties.title, book.properties.creator = title, "kinerja"
    buffer = io.BytesIO()
    book.save(buffer)
    return _timeless(buffer.getvalue())


def table_csv(table: Table) -> str:
    """The table as CSV with raw values (points as decimals), headers in its language."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = _columns(table)
    writer.writerow([neutral(name) for name, _, _ in columns])
    for row in range(len(table.rows)):
        writer.writerow(["" if v is None else v for v in (_value(table, row, k, part) for _, k, part in columns)])
    return out.getvalue()


def neutral(value: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before =, +, -, @, tab and return.

    A plain negative number written as text stays as it is: it computes nothing.
    """
    value = _CONTROL.sub("�", value)
    if value[:1] in ("=", "+", "@", "\t", "\r") or (value[:1] == "-" and not re.fullmatch(r"-[\d.,]*", value)):
        return f"'{value}"
    return value


def sheet_titles(wanted: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Titles a spreadsheet accepts: at most 31 characters, none forbidden, no two alike (case does not count)."""
    used = {title.lower() for title in taken}
    titles = []
    for title in wanted:
        plain = _FORBIDDEN_TITLE.sub(" ", _CONTROL.sub("", title)).strip().strip("'") or "-"
        candidate, number = plain[:31].strip(), 2
        while candidate.lower() in used:
            suffix = f" {number}"
            candidate, number = plain[: 31 - len(suffix)].strip() + suffix, number + 1
        used.add(candidate.lower())
        titles.append(candidate)
    return titles


def _columns(table: Table) -> list[tuple[str, int, int]]:
    """Header, index of the table's column and part (0 or 1) for each column of the sheet: an interval takes two."""
    columns = []
    for k, column in enumerate(table.columns):
        if column.kind == "interval":
            columns.append((_say("low", table.language, label=column.label), k, 0))
            columns.append((_say("high", table.language, label=column.label), k, 1))
        else:
            columns.append((column.label, k, 0))
    return columns


def _value(table: Table, row: int, k: int, part: int) -> Any:
    value, column = table.rows[row][k], table.columns[k]
    if value is None:
        hidden = bool(table.suppressed and table.suppressed[row]) and column.numeric
        return _say("withheld", table.language) if hidden else None
    if isinstance(value, tuple):
        return value[part]
    if column.kind == "date":
        return date.fromisoformat(str(value))
    if column.kind == "code":
        return neutral(table.shown(row, k))
    return neutral(value) if isinstance(value, str) else value


def _format(column: Column) -> str:
    digits = column.digits
    if column.kind == "percent":
        return "0%" if not digits else f"0.{'0' * digits}%"
    if column.kind == "date":
        return "yyyy-mm-dd"
    if digits is None:
        return "General"
    plain = "#,##0" if digits == 0 else f"#,##0.{'0' * digits}"
    return f"+{plain};-{plain};{plain}" if column.signed else plain


def _sheet(sheet: Worksheet, table: Table) -> None:
    columns = _columns(table)
    missing = _say("missing", table.language) if any(table.marks) else ""
    headers = [name for name, _, _ in columns] + ([missing] if missing else [])
    _header(sheet, headers)
    for row in range(len(table.rows)):
        for position, (_, k, part) in enumerate(columns, start=1):
            _write(sheet, row + 2, position, _value(table, row, k, part), _format(table.columns[k]))
        if missing and table.marks[row]:
            _write(sheet, row + 2, len(headers), neutral(table.marks[row]))
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = sheet.dimensions
    _layout(sheet, table.caption)


def _contents(
    sheet: Worksheet, tables: Sequence[Table], titles: Sequence[str], title: str, language: wording.Language
) -> None:
    _header(sheet, [_say(key, language) for key in ("sheet", "table", "rows", "note")])
    for row, (table, name) in enumerate(zip(tables, titles, strict=True), start=2):
        for position, value in enumerate((name, table.caption, len(table.rows), table.note), start=1):
            _write(sheet, row, position, neutral(value) if isinstance(value, str) else value)
        quoted = name.replace("'", "''")
        sheet.cell(row, 1).hyperlink = f"#'{quoted}'!A1"
        sheet.cell(row, 1).style = "Hyperlink"
    sheet.freeze_panes = "A2"
    _layout(sheet, title)


def _terms(sheet: Worksheet, tables: Sequence[Table], language: wording.Language) -> None:
    _header(sheet, [_say(key, language) for key in ("term", "meaning")])
    for row, (term, meaning) in enumerate(terms(tables).items(), start=2):
        _write(sheet, row, 1, neutral(term))
        _write(sheet, row, 2, neutral(meaning))
    sheet.freeze_panes = "A2"
    _layout(sheet, _say("terms", language))


def terms(tables: Iterable[Table]) -> dict[str, str]:
    """The glossary of the tables' headers, in alphabetical order."""
    found = {c.label: c.definition for table in tables for c in table.columns if c.definition}
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def _header(sheet: Worksheet, headers: Sequence[str]) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    for position, name in enumerate(headers, start=1):
        _write(sheet, 1, position, neutral(name))
        cell = sheet.cell(1, position)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E8EEF1")
        cell.alignment = Alignment(wrap_text=True, vertical="top")


def _write(sheet: Worksheet, row: int, column: int, value: Any, number_format: str = "General") -> None:
    cell = sheet.cell(row, column)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # openpyxl would take a text that begins with = for a formula
    elif value is not None:
        cell.number_format = number_format


def _layout(sheet: Worksheet, caption: str) -> None:
    """Widths that fit, and the caption on the printed page."""
    from openpyxl.utils import get_column_letter

    for position, cells in enumerate(sheet.iter_cols(), start=1):
        longest = max((len(str(cell.value)) for cell in cells if cell.value is not None), default=0)
        sheet.column_dimensions[get_column_letter(position)].width = min(max(longest + 2, 9), WIDEST)
    if caption:
        sheet.HeaderFooter.oddHeader.center.text = caption.replace("&", "&&")[:200]  # type: ignore[union-attr]
    sheet.HeaderFooter.oddFooter.center.text = "&P / &N"  # type: ignore[union-attr]
    sheet.print_title_rows = "1:1"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True  # type: ignore[union-attr]


def _timeless(content: bytes) -> bytes:
    """The workbook without the moment of writing, in its properties and in the archive's entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "docProps/core.xml":
                stamped = re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>" + _STAMP.encode(), data)
                data = stamped
            info = zipfile.ZipInfo(entry.filename, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, data)
    return out.getvalue()


def _say(key: str, language: wording.Language, **values: Any) -> str:
    return wording.text(f"tables.{key}", language, **values)
