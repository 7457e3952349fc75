"""XLSX workbooks -> plain tables of cells, with what a person sees in them: cached values, merges, per-cent formats."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd

from kinerja.inputs.formats.table import MAXIMUM_COLUMNS, Opened, RawTable, Refuse
from kinerja.parameters import Source

MAXIMUM_UNPACKED = 512 * 1024**2
"""A workbook that unpacks to more is refused: Excel's own sheets of a million rows stay below."""

MAXIMUM_RATIO = 200
"""How far a part may shrink when packed; real sheets stay below 40, zip bombs start near 1000."""

MAXIMUM_CELLS = 30_000_000


class Xlsx:
    name = "xlsx"
    suffixes = (".xlsx", ".xlsm")

    def can_read(self, head: bytes) -> bool:
        return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))

    def read(self, source: Source, content: bytes, refuse: Refuse) -> Opened | None:
        tables = _sheets(content, source.sheet, refuse)
        return Opened(tables=tables) if tables else None


def _sheets(content: bytes, wanted: str | int | None, refuse: Refuse) -> tuple[RawTable, ...] | None:
    """Every sheet that holds something, or the one asked for (its name, or its place counted from 1)."""
    import openpyxl

    formulas = _inspect(content, refuse)
    if formulas is None:
        return None
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        written = openpyxl.load_workbook(io.BytesIO(content)) if formulas else None
    except Exception as error:  # a damaged workbook fails in any of a dozen ways inside the library
        refuse("damaged_file", found=f"{type(error).__name__}: {error}".splitlines()[0][:80])
        return None
    sheets = [name for name in book.sheetnames if hasattr(book[name], "_cells")]
    if wanted is not None:
        chosen = _chosen(sheets, wanted)
        if chosen is None:
            refuse("sheet_unknown", found=str(wanted), sheets=", ".join(sheets))
            return None
        sheets = [chosen]
    else:
        visible = [name for name in sheets if book[name].sheet_state == "visible"]
        sheets = visible or sheets
    held = []
    for name in sheets:
        places = _places(book[name], written[name] if written else None)
        if not places.filled and not places.uncomputed:
            continue
        if places.columns > MAXIMUM_COLUMNS or places.rows * places.columns > MAXIMUM_CELLS:
            refuse("too_many_columns", found=str(places.columns), limit=MAXIMUM_COLUMNS)
            return None
        held.append(_table(book[name], places))
    if not held:
        refuse("empty_file")
        return None
    return tuple(held)


def _inspect(content: bytes, refuse: Refuse) -> bool | None:
    """Whether the workbook has formulas; None (and a problem) where it is no workbook or unpacks beyond all bounds."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            names = {part.filename for part in parts}
            total = sum(part.file_size for part in parts)
            dense = any(p.file_size > 1 << 22 and p.file_size > MAXIMUM_RATIO * max(p.compress_size, 1) for p in parts)
            if total > MAXIMUM_UNPACKED or dense or len(parts) > 10_000:
                refuse("zip_bomb", found=f"{total // 1024**2} MB", limit=MAXIMUM_UNPACKED // 1024**2)
                return None
            if "mimetype" in names and "content.xml" in names:
                refuse("not_a_table", found="ODS")
                return None
            if "[Content_Types].xml" not in names or not any(n.lower().endswith("workbook.xml") for n in names):
                refuse("not_xlsx")
                return None
            if any(part.flag_bits & 1 for part in parts):
                refuse("old_or_locked_excel")
                return None
            sheets = [n for n in names if n.startswith("xl/worksheets/") and n.endswith(".xml")]
            read = [packed.read(n) for n in sheets]
            if any(b"<!DOCTYPE" in sheet[:65536] or b"<!ENTITY" in sheet for sheet in read):
                refuse("damaged_file", found="DOCTYPE")
                return None
            return any(b"<f>" in sheet or b"<f " in sheet or b"<f/>" in sheet for sheet in read)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        refuse("damaged_file", found=str(error).splitlines()[0][:80] if str(error) else type(error).__name__)
        return None


def _chosen(sheets: list[str], wanted: str | int) -> str | None:
    if isinstance(wanted, int):
        return sheets[wanted - 1] if 1 <= wanted <= len(sheets) else None
    plain = {name.strip().casefold(): name for name in sheets}
    return wanted if wanted in sheets else plain.get(wanted.strip().casefold())


@dataclass(frozen=True, eq=False, kw_only=True)
class _Places:
    """The cells of a sheet that hold something: (row, column) -> cell, formulas without their value, the far corner."""

    filled: dict[tuple[int, int], Any]
    uncomputed: tuple[tuple[int, int], ...]
    rows: int
    columns: int


def _places(sheet: Any, written: Any) -> _Places:
    # The sparse store is read instead of iter_rows: one styled cell in XFD1048576 must not mean 17 billion cells.
    filled = {at: cell for at, cell in sheet._cells.items() if cell.value is not None and str(cell.value).strip() != ""}
    formulas = written._cells.items() if written is not None else ()
    uncomputed = tuple(sorted(at for at, cell in formulas if cell.data_type == "f" and at not in filled))
    every = [*filled, *uncomputed]
    rows, columns = (max((at[side] for at in every), default=0) for side in (0, 1))
    return _Places(filled=filled, uncomputed=uncomputed, rows=rows, columns=columns)


def _table(sheet: Any, places: _Places) -> RawTable:
    cells = np.full((places.rows, places.columns), None, dtype=object)
    for (row, column), cell in places.filled.items():
        cells[row - 1, column - 1] = _value(cell)
    merged = tuple(
        (r.min_row, r.min_col, r.max_row, r.max_col) for r in sorted(sheet.merged_cells.ranges, key=lambda r: r.coord)
    )
    return RawTable(
        cells=pd.DataFrame({j: pd.Series(cells[:, j], dtype=object) for j in range(places.columns)}),
        rows=np.arange(1, places.rows + 1),
        sheet=sheet.title,
        merged=merged,
        uncomputed=places.uncomputed,
    )


def _value(cell: Any) -> Any:
    """What a person sees: 0.96 formatted as a percentage is 96."""
    value = cell.value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return round(value * 100, 10) if "%" in str(cell.number_format) else value
    if isinstance(value, (datetime, date)):
        return value
    return str(value) if not isinstance(value, time) else value.isoformat()
