"""What every format gives: the cells of a file as they stand, and how a reader of a format looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from kinerja.parameters import Source

MAXIMUM_COLUMNS = 2_000
"""No table of an office is wider; a file that is, is damaged or hostile."""

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
    """One file, decoded: its tables and how it was read.

    Fields
    ------
    tables : at least one
    encoding, delimiter : of a text file, else empty
    sha256, format : hash of the content, name of the format; `open_file` writes them over what a format reads
    notes : (code, data) of findings that go with the file
    """

    tables: tuple[RawTable, ...]
    encoding: str = ""
    delimiter: str = ""
    sha256: str = ""
    format: str = ""
    notes: tuple[tuple[str, dict[str, Any]], ...] = field(default=())


@runtime_checkable
class Format(Protocol):
    """One kind of file that holds tables."""

    @property
    def name(self) -> str:
        """What the manifest and the findings call it; `csv`."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of file names that are usual for it, in lower case; `(".csv",)`. Another one is noted, and read."""

    def can_read(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes (the first megabyte, or all of a smaller file) is of this kind.

        The content decides, never the name.
        """

    def read(self, source: Source, content: bytes, refuse: Refuse) -> Opened | None:
        """All tables of the file; None where it cannot be read (the reason went to `refuse`).

        source : what the parameters say of the file (path, sheet, encoding, delimiter); content : all its bytes
        """
