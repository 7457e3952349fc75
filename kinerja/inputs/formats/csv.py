"""Text with separators -> a plain table of cells; the encoding and the separator are found where nobody names them."""

from __future__ import annotations

import codecs
import csv
import io
import re

import numpy as np
import pandas as pd

from kinerja.inputs.formats.other import kind_of_other
from kinerja.inputs.formats.table import MAXIMUM_COLUMNS, Opened, RawTable, Refuse
from kinerja.parameters import Source

DELIMITERS = (";", ",", "\t", "|")


class Csv:
    """Any text that is not known to be something else."""

    name = "csv"
    suffixes = (".csv", ".tsv", ".txt", "")

    def can_read(self, head: bytes) -> bool:
        return not kind_of_other(head)

    def read(self, source: Source, content: bytes, refuse: Refuse) -> Opened | None:
        decoded = _decode(content, source.encoding, refuse)
        if decoded is None:
            return None
        text, encoding = decoded
        delimiter = source.delimiter or guess_delimiter(text)
        table = _table(text, delimiter, refuse)
        return Opened(tables=(table,), encoding=encoding, delimiter=delimiter) if table is not None else None


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


def _table(text: str, delimiter: str, refuse: Refuse) -> RawTable | None:
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
