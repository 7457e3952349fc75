"""Questionnaires too many for memory: read in pieces, checked like any others, kept as the means of units.

Counts, sums and sums of squares of whole answers add up exactly, so the result does not depend on the pieces. What
needs single questionnaires - case mix, screening of bursts, comments, answers as evidence of severity by day - is not
estimated from such a file, and a finding says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kinerja.inputs.checks import check_responses
from kinerja.inputs.columns import ELEMENTS, columns_of
from kinerja.inputs.formats.parquet import Parquet
from kinerja.inputs.formats.sql import sql_pieces
from kinerja.inputs.formats.table import Opened, RawTable
from kinerja.inputs.headers import Header, find_header
from kinerja.inputs.period import Held, Stock, held_of
from kinerja.inputs.problems import Ledger
from kinerja.inputs.rows import prepare
from kinerja.inputs.tables import FILE, HEADER, ROW, canonical, check_header, titles_of
from kinerja.parameters import Period, Source

if TYPE_CHECKING:
    import pyarrow.parquet as pq

MANY = 3_000_000
"""Rows of a Parquet file from which it is summarised without being asked: about a gigabyte of questionnaires."""

PIECE = 200_000
"""Rows read at once."""

MOST_PROBLEMS = 200
"""Problems of one file that are kept; every piece may have thousands of the same kind."""


@dataclass(eq=False, kw_only=True)
class _Sums:
    """What adds up over pieces, by period, unit and element: n, total, squares; and what was read and left out."""

    by_element: pd.DataFrame = field(default_factory=pd.DataFrame)
    read: int = 0
    kept: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    held: Held = field(default_factory=Held)


def is_summarised(source: Source) -> bool:
    """Whether a source of responses is read in pieces: asked for, or a Parquet file of MANY rows."""
    if source.summarise is not None or source.url is not None:
        return bool(source.summarise)
    return source.path.suffix.lower() in Parquet.suffixes and _rows(source.path) >= MANY


def summarise_responses(
    source: Source,
    name: str,
    period: Period,
    extra: Sequence[str],
    answers: tuple[float, float],
    ledger: Ledger,
    stock: Stock,
) -> pd.DataFrame | None:
    """period, unit, element, mean, n, std_error of the questionnaires; None where the file cannot be read.

    answers : lowest and highest answer. Problems, and how many rows were left out why, go to the ledger; how many are
        of the period, to the stock.
    """
    sums, header, opened = _Sums(), None, Opened(sha256="", format="sql" if source.url else "parquet", tables=())
    before = len(ledger.problems)
    for table in _pieces(source, ledger, name):
        if header is None:
            header = find_header(table, "responses", source, extra)
            check_header("responses", source, header, table, name, extra, ledger)
            if len(ledger.problems) > before:
                return None
        _add(sums, table, header, source, name, period, extra, answers, opened, ledger)
    if header is None:
        if len(ledger.problems) == before:
            ledger.problem(name, "no_rows")
        return None
    _record(sums, source, name, opened.format, ledger)
    stock.add("responses", name, sums.held)
    return None if sums.by_element.empty else _means(sums.by_element, name, extra)


def _add(
    sums: _Sums,
    table: RawTable,
    header: Header,
    source: Source,
    name: str,
    period: Period,
    extra: Sequence[str],
    answers: tuple[float, float],
    opened: Opened,
    ledger: Ledger,
) -> None:
    """One piece: the same conversion and checks as a whole file's, in a ledger of its own that is then condensed."""
    own = Ledger()
    frame, count = canonical("responses", table, header, source, name, period, extra, opened, own)
    sums.read += count
    if frame is not None:
        headers = {name: titles_of(header)}
        raw, frame = frame, prepare("responses", frame, period, headers, own)
        sums.held += held_of(name, raw, frame, period, own)
        frame = check_responses(frame, answers, headers, own)
        sums.kept += len(frame)
        sums.by_element = _sum(sums.by_element, frame)
    ledger.problems += own.problems[: max(MOST_PROBLEMS - len(ledger.problems), 0)]
    for reason, rows in own.left_out.groupby("reason"):
        sums.left_out[str(reason)] = sums.left_out.get(str(reason), 0) + len(rows)


def _sum(before: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    answers = frame[list(ELEMENTS)].astype("float64")
    keys = [frame["period"].astype(object), frame["unit"].astype(object).where(frame["unit"].notna(), "")]
    parts = {"n": answers.notna().astype("int64"), "total": answers.fillna(0.0), "squares": answers.fillna(0.0) ** 2}
    long = pd.DataFrame({kind: part.groupby(keys).sum().stack() for kind, part in parts.items()})
    long.index.names = ["period", "unit", "element"]
    return long if before.empty else pd.concat([before, long]).groupby(level=[0, 1, 2]).sum()


def _means(sums: pd.DataFrame, name: str, extra: Sequence[str]) -> pd.DataFrame:
    """Canonical rows of aggregated answers, the columns that they lack empty."""
    rows = sums[sums["n"] > 0].reset_index()
    n, mean = rows["n"].astype("float64"), rows["total"] / rows["n"]
    # The variance of a sample of n; one answer has none.
    variance = (rows["squares"] - rows["total"] * mean) / (n - 1).where(n > 1)
    rows = rows.assign(
        unit=rows["unit"].where(rows["unit"] != "", None), mean=mean, n=n, std_error=np.sqrt(variance.clip(lower=0) / n)
    )
    for column, of in columns_of("aggregated", ()).items():
        if column not in rows and column != "year":
            empty = {"number": np.nan, "date": pd.NaT}.get(of.holds)
            rows[column] = pd.Series(empty, index=rows.index, dtype=object if empty is None else None)
    rows[FILE], rows[ROW], rows[HEADER] = name, np.arange(1, len(rows) + 1), ""
    return rows.drop(columns=["total", "squares"])


def _record(sums: _Sums, source: Source, name: str, format: str, ledger: Ledger) -> None:
    digest = "" if source.url is not None else _sha256(source.path)
    file = {"kind": "responses", "file": name, "name": name, "sha256": digest, "format": format, "encoding": ""}
    rows = {"rows_read": sums.read, "rows_kept": sums.kept, "rows_in_period": sums.held.current}
    ledger.files.append(file | {"delimiter": "", "sheet": ""} | rows)
    left = sum(sums.left_out.values())
    ledger.find("caution", "responses_summarised", name, file=name, n=sums.kept, left_out=left)


def _pieces(source: Source, ledger: Ledger, name: str) -> Iterator[RawTable]:
    if source.url is not None:
        yield from sql_pieces(source, ledger.refuse(name), PIECE)
        return
    import pyarrow as pa

    start = 2
    try:
        file = _parquet(source.path)
        headers = tuple(str(column) for column in file.schema_arrow.names)
        for batch in file.iter_batches(batch_size=PIECE):
            cells = batch.to_pandas()
            cells.columns = range(cells.shape[1])
            yield RawTable(cells=cells, rows=np.arange(start, start + len(cells)), headers=headers)
            start += len(cells)
    except (pa.ArrowException, OSError, ValueError) as error:
        ledger.problem(name, "damaged_file", found=str(error).splitlines()[0][:80])


def _rows(path: Path) -> int:
    """Rows by the file's own footer; 0 where it has none (reading says what is wrong)."""
    import pyarrow as pa

    try:
        return int(_parquet(path).metadata.num_rows)
    except (pa.ArrowException, OSError, ValueError):
        return 0


def _parquet(path: Path) -> pq.ParquetFile:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, memory_map=False, pre_buffer=False)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
