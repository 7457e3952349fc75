"""Bytes on disk -> plain tables of cells: CSV, XLSX and Parquet, told apart by their content, never by their name.

Reading is bounded: what a file claims to hold (columns, unpacked size) is looked at before it is believed.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kinerja.parameters import Source

MAXIMUM_COLUMNS = 2_000
"""No table of an office is wider; a file that is, is damaged or hostile."""

MAXIMUM_PARQUET_CELLS = 100_000_000
"""Cells of a Parquet file that is read whole: a file of a few bytes can claim any number of equal rows."""

MAXIMUM_BYTES = 2 * 1024**3
"""Largest text file read into memory; larger tables belong into Parquet or a database."""

DELIMITERS = (";", ",", "\t", "|")

Refuse = Callable[..., None]
"""`refuse(code, row=, column=, found=, **data)` records one problem of the file being read."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RawTable:
    """The cells of one sheet, as they stand.

    Fields
    ------
    cells : columns 0..w-1; text, numbers, dates or None
    rows : (n,) 1-based row of each line as a spreadsheet shows it
    sheet : its name, empty where the file has none
    headers : the columns' names where the format knows them (Parquet), else None: they are looked for in the cells
    merged : (first row, first column, last row, last column), 1-based, of merged cells
    uncomputed : (row, column), 1-based, of formulas that were saved without their value
    """

    cells: pd.DataFrame
    rows: np.ndarray
    sheet: str = ""
    headers: tuple[str, ...] | None = None
    merged: tuple[tuple[int, int, int, int], ...] = ()
    uncomputed: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Opened:
    """One file, decoded: its tables and how it was read."""

    sha256: str
    format: str
    tables: tuple[RawTable, ...]
    encoding: str = ""
    delimiter: str = ""
    notes: tuple[tuple[str, dict[str, Any]], ...] = field(default=())


def open_file(source: Source, refuse: Refuse) -> Opened | None:
    """Every table of the file; None where it cannot be read at all (the reason went to `refuse`)."""
    if source.url is not None:
        from kinerja.inputs.formats.sql import open_database

        return open_database(source, refuse)
    path = source.path
    content = _bytes(path, refuse)
    if content is None:
        return None
    if not content.strip():
        refuse("empty_file")
        return None
    kind = format_of(content)
    if kind in _NOT_TABLES:
        refuse(_NOT_TABLES[kind], found=path.suffix)
        return None
    digest = hashlib.sha256(content).hexdigest()
    notes = () if path.suffix.lower() in _SUFFIXES[kind] else (("other_format", {"suffix": path.suffix, "kind": kind}),)
    if kind == "xlsx":
        from kinerja.inputs.formats.xlsx import read_xlsx

        tables = read_xlsx(content, source.sheet, refuse)
        return Opened(sha256=digest, format=kind, tables=tables, notes=notes) if tables else None
    if kind == "parquet":
        table = _read_parquet(path, refuse)
        return Opened(sha256=digest, format=kind, tables=(table,), notes=notes) if table else None
    decoded = _decode(content, source.encoding, refuse)
    if decoded is None:
        return None
    text, encoding = decoded
    delimiter = source.delimiter or guess_delimiter(text)
    read = _read_csv(text, delimiter, refuse)
    if read is None:
        return None
    return Opened(sha256=digest, format=kind, tables=(read,), encoding=encoding, delimiter=delimiter, notes=notes)


def format_of(content: bytes) -> str:
    """xlsx, parquet, csv, or the name of something that is no table."""
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    head = content[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<head")):
        return "html"
    if head.startswith((b"{", b"[{")):
        return "json"
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return "binary" if b"\0" in content[: 1 << 20] and not utf16 else "csv"


_MAGIC = (
    (b"PK\x03\x04", "xlsx"),
    (b"PK\x05\x06", "xlsx"),
    (b"PAR1", "parquet"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"%PDF", "pdf"),
    (b"\x1f\x8b", "packed"),
    (b"7z\xbc\xaf", "packed"),
    (b"Rar!", "packed"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
)
_NOT_TABLES = {
    "ole": "old_or_locked_excel",
    "pdf": "not_a_table",
    "packed": "packed_file",
    "picture": "not_a_table",
    "html": "html_file",
    "json": "not_a_table",
    "binary": "binary_file",
}
_SUFFIXES = {"xlsx": (".xlsx", ".xlsm"), "parquet": (".parquet", ".pq"), "csv": (".csv", ".tsv", ".txt", "")}


def _bytes(path: Path, refuse: Refuse) -> bytes | None:
    try:
        if path.is_dir():
            refuse("is_a_folder")
            return None
        if path.stat().st_size > MAXIMUM_BYTES and path.suffix.lower() not in _SUFFIXES["parquet"]:
            refuse("too_big", limit=MAXIMUM_BYTES // 1024**2)
            return None
        return path.read_bytes()
    except FileNotFoundError:
        refuse("missing_file", path=str(path))
    except OSError as error:
        refuse("unreadable", found=error.strerror or "")
    return None


def _decode(content: bytes, wanted: str | None, refuse: Refuse) -> tuple[str, str] | None:
    """Text and the name of its encoding: the one asked for, else a byte order mark's, else UTF-8, else Windows-1252."""
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    tried = wanted or marked
    for encoding in (tried,) if tried else ("utf-8", "cp1252"):
        try:
            return content.decode(encoding).lstrip("\ufeff"), encoding
        except LookupError:
            refuse("encoding_unknown", found=encoding)
            return None
        except UnicodeDecodeError as error:
            row = content[: error.start].count(b"\n") + 1
            if encoding != "utf-8" or wanted:
                refuse("encoding", row=row, found=encoding)
                return None
    return None


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def guess_delimiter(text: str) -> str:
    """The separator that splits most of the first lines into the same number of cells, more cells first."""
    head = text[: 1 << 16].splitlines()[:60]
    if head and (hint := re.fullmatch(r'"?sep=(.)"?', head[0].strip(), re.IGNORECASE)):
        return hint[1]

    def worth(delimiter: str) -> tuple[float, int]:
        widths = [len(line) for line in csv.reader(head, delimiter=delimiter) if any(cell.strip() for cell in line)]
        wide = [width for width in widths if width > 1]
        if not wide:
            return (0.0, 0)
        most = max(set(wide), key=wide.count)
        return (wide.count(most) / len(widths) * min(most, 8), -DELIMITERS.index(delimiter))

    csv.field_size_limit(1 << 27)
    return max(DELIMITERS, key=worth)


def _read_csv(text: str, delimiter: str, refuse: Refuse) -> RawTable | None:
    if text[:6].lower().lstrip('"').startswith("sep="):
        text = text.partition("\n")[2]
    lines = text.rstrip("\r\n").count("\n") + 1
    width = max((line.count(delimiter) for line in text.splitlines()), default=0) + 1
    if width > MAXIMUM_COLUMNS:
        refuse("too_many_columns", found=str(width), limit=MAXIMUM_COLUMNS)
        return None
    try:
        cells = pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            header=None,
            names=list(range(width)),
            index_col=False,
            dtype=str,
            na_filter=False,
            skip_blank_lines=False,
            skipinitialspace=True,
            engine="c",
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        at = re.search(r"(?:line|row) (\d+)", str(error))
        refuse("csv_quote", row=int(at[1]) + 1 if at else None)
        return None
    if len(cells) < lines and (swallowed := _swallowed(cells, delimiter)) is not None:
        refuse("csv_quote", row=swallowed)
        return None
    return RawTable(cells=cells, rows=np.arange(1, len(cells) + 1))


def _swallowed(cells: pd.DataFrame, delimiter: str) -> int | None:
    """The row of a cell that holds whole lines of the file: a quotation mark was opened and not closed there."""
    for name in cells.columns:
        many = cells[name].str.count("\n").ge(1) & (cells[name].str.count(re.escape(delimiter)) >= 2)
        if many.any():
            return int(np.flatnonzero(many.to_numpy())[0]) + 1
    return None


def _read_parquet(path: Path, refuse: Refuse) -> RawTable | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        if len(file.schema_arrow) > MAXIMUM_COLUMNS:
            refuse("too_many_columns", found=str(len(file.schema_arrow)), limit=MAXIMUM_COLUMNS)
            return None
        cells_held = file.metadata.num_rows * len(file.schema_arrow)
        if cells_held > MAXIMUM_PARQUET_CELLS:
            refuse("too_many_cells", found=str(cells_held), limit=MAXIMUM_PARQUET_CELLS)
            return None
        headers = tuple(str(name) for name in file.schema_arrow.names)
        cells = file.read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        refuse("damaged_file", found=str(error).splitlines()[0][:80])
        return None
    cells.columns = range(cells.shape[1])
    return RawTable(cells=cells, rows=np.arange(2, len(cells) + 2), headers=headers)
