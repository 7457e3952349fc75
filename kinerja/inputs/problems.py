"""What reading has to say about the files: problems, rows left out and why, findings, and how each file was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from kinerja import privacy
from kinerja.errors import Problem
from kinerja.results import Finding, Level

MOST_ALIKE = 100
"""Problems of one kind in one column of one file that are listed one by one; the rest are counted."""

LEFT_OUT_COLUMNS = ("file", "row", "column", "value", "reason")
FILE_COLUMNS = (
    "kind",
    "file",
    "sha256",
    "format",
    "encoding",
    "delimiter",
    "sheet",
    "rows_read",
    "rows_kept",
    "rows_in_period",
)


class Ledger:
    """Collects while reading; nothing is raised before every file has been looked at."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.files: list[dict[str, Any]] = []
        self._left_out: list[pd.DataFrame] = []
        self._findings: dict[tuple[str, str], Finding] = {}

    def refuse(self, name: str) -> Callable[..., None]:
        """A function that records a problem of one file."""

        def record(
            code: str, *, row: int | None = None, column: str | None = None, found: object = "", **data: Any
        ) -> None:
            self.problem(name, code, row=row, column=column, found=found, **data)

        return record

    def problem(
        self,
        name: str,
        code: str,
        *,
        row: int | None = None,
        column: str | None = None,
        found: object = "",
        **data: Any,
    ) -> None:
        self.problems.append(Problem(where=name, row=row, column=column, found=shown(found), code=code, data=data))

    def cells(
        self,
        name: str,
        code: str,
        rows: np.ndarray,
        column: str | np.ndarray,
        values: np.ndarray,
        more: Callable[[object], Mapping[str, Any]] | None = None,
        **data: Any,
    ) -> None:
        """One problem a cell; rows, values and (wide tables) columns are aligned; `more` gives data by value."""
        order = np.argsort(rows, kind="stable")[:MOST_ALIKE]
        for at in order:
            here = str(column[at]) if isinstance(column, np.ndarray) else column
            extra = dict(more(values[at])) if more else {}
            self.problem(name, code, row=int(rows[at]), column=here, found=values[at], **data, **extra)
        if len(rows) > MOST_ALIKE:
            where = column if isinstance(column, str) else None
            self.problem(name, "more_alike", column=where, count=len(rows) - MOST_ALIKE, kind=code)

    def leave_out(
        self, name: str, reason: str, rows: np.ndarray, column: str | np.ndarray = "", values: object = ""
    ) -> None:
        if len(rows):
            frame = pd.DataFrame({"file": name, "row": np.asarray(rows, dtype="int64")})
            frame["column"] = column
            frame["value"] = [shown(v) for v in values] if isinstance(values, (np.ndarray, pd.Series)) else str(values)
            frame["reason"] = reason
            self._left_out.append(frame)

    def find(self, level: Level, code: str, about: str = "", **data: Any) -> None:
        """A finding, once for each thing it is about."""
        self._findings[(code, about)] = Finding(level=level, code=code, data=data)

    @property
    def left_out(self) -> pd.DataFrame:
        if not self._left_out:
            empty = {c: pd.Series(dtype="int64" if c == "row" else object) for c in LEFT_OUT_COLUMNS}
            return pd.DataFrame(empty)
        return pd.concat(self._left_out, ignore_index=True)[list(LEFT_OUT_COLUMNS)]

    @property
    def findings(self) -> tuple[Finding, ...]:
        order = {"stop": 0, "caution": 1, "note": 2}
        return tuple(sorted(self._findings.values(), key=lambda finding: order[finding.level]))


def shown(value: object) -> str:
    """A cell in one short line; the middle of long personal numbers is masked, in a terminal and in a log alike."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    text = privacy.masked(text)
    return text if len(text) <= 60 else text[:57] + "..."
