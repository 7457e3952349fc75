"""The log of human decisions: a plain CSV that people write and the software only reads, checks and appends to on
request.

Columns: ratee, decision, old, new, reason, by, date. A decision without a reason is refused.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from kinerja.errors import DataError, Problem
from kinerja.rules.lookup import category_words
from kinerja.wording import problem_message

LOG_COLUMNS = ("ratee", "decision", "old", "new", "reason", "by", "date")
KINDS = ("confirm", "score", "predikat")
"""confirm : the value stands (old and new are equal); score : another score; predikat : another category."""

_SHORTEST_REASON = 10
"""Letters; "ok" is no reason."""
_LONGEST = 2000


def read_decisions(path: Path | str) -> pd.DataFrame:
    """The log as a table of text, `date` as a date, with `row` as a spreadsheet shows it.

    Raises
    ------
    DataError : every problem of the file: a column missing, a reason missing, a kind or date that is none, a decision
        about oneself, values that do not fit the kind
    """
    path = Path(path)
    try:
        content = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _refused(
            [Problem(where=path.name, code="missing_file", found=path.name, data={"path": str(path.resolve())})]
        ) from None
    except UnicodeDecodeError as error:
        row = path.read_bytes()[: error.start].count(b"\n") + 1
        raise _refused([Problem(where=path.name, row=row, code="decisions_encoding")]) from None
    header, rows = _rows(content)
    missing = [c for c in LOG_COLUMNS if c not in header]
    if missing:
        problems = [Problem(where=path.name, row=1, column=c, code="decision_column") for c in missing]
        raise _refused(problems)
    entries = [(number, {c: row[header.index(c)].strip() for c in LOG_COLUMNS}) for number, row in rows]
    problems = [p for number, entry in entries for p in check_entry(entry, where=path.name, row=number)]
    if problems:
        raise _refused(problems)
    table = pd.DataFrame([entry for _, entry in entries], columns=list(LOG_COLUMNS)).astype(object)
    table["date"] = [date.fromisoformat(d) for d in table["date"]]
    return table.assign(row=[number for number, _ in entries])


def append_decision(
    path: Path | str, *, ratee: str, decision: str, old: str, new: str, reason: str, by: str, on: date
) -> None:
    """Add one person's decision to the log; the file is made where there is none yet.

    The caller passes on what a person decided; nothing in this package calls it by itself.

    Raises
    ------
    DataError : the entry has a problem; nothing is written
    """
    path = Path(path)
    entry = dict(
        zip(LOG_COLUMNS, (ratee, decision, str(old), str(new), reason.strip(), by, on.isoformat()), strict=True)
    )
    problems = check_entry(entry, where=path.name, row=None)
    if problems:
        raise _refused(problems)
    is_new = not path.exists() or path.stat().st_size == 0
    needs_line = not is_new and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8", newline="") as file:
        if needs_line:
            file.write("\n")
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(LOG_COLUMNS)
        writer.writerow([entry[c] for c in LOG_COLUMNS])


def check_entry(entry: dict[str, str], *, where: str, row: int | None) -> list[Problem]:
    """Everything wrong with one decision."""
    found = [
        Problem(where=where, row=row, column=c, code="decision_empty")
        for c in ("ratee", "decision", "old", "new", "by", "date")
        if not entry[c]
    ]
    if len(entry["reason"]) < _SHORTEST_REASON:
        found.append(_problem(where, row, "reason", entry, "decision_reason", limit=_SHORTEST_REASON))
    if entry["decision"] and entry["decision"] not in KINDS:
        found.append(_problem(where, row, "decision", entry, "decision_kind", allowed=", ".join(KINDS)))
    if entry["date"] and not _is_day(entry["date"]):
        found.append(_problem(where, row, "date", entry, "decision_date"))
    if entry["by"] and entry["by"] == entry["ratee"]:
        found.append(_problem(where, row, "by", entry, "decision_own"))
    if any(len(v) > _LONGEST for v in entry.values()):
        found.append(Problem(where=where, row=row, code="decision_long", data={"limit": _LONGEST}))
    return found + (_misfits(entry, where, row) if entry["old"] and entry["new"] else [])


def number(text: str) -> float:
    """A score as people write it, 81.5 or 81,5; NaN where it is none."""
    try:
        value = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def category(text: str) -> str:
    """The code of a category as people write it: `Sangat Baik`, `Kurang/Misconduct`."""
    code = _code(text)
    return {_code(word): name for word, name in category_words().items()}.get(code, code)


def _code(text: str) -> str:
    return "_".join(text.casefold().replace("/", " ").split())


def _misfits(entry: dict[str, str], where: str, row: int | None) -> list[Problem]:
    kind, old, new = entry["decision"], entry["old"], entry["new"]
    if kind == "score":
        wrong = [c for c in ("old", "new") if math.isnan(number(entry[c]))]
        if wrong:
            return [_problem(where, row, c, entry, "decision_number") for c in wrong]
    if kind == "confirm" and not _equal(old, new):
        return [_problem(where, row, "new", entry, "decision_confirm", old=old)]
    if kind in ("score", "predikat") and _equal(old, new):
        return [_problem(where, row, "new", entry, "decision_unchanged")]
    return []


def _equal(old: str, new: str) -> bool:
    a, b = number(old), number(new)
    return category(old) == category(new) if math.isnan(a) or math.isnan(b) else a == b


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _rows(content: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and filled rows with their line numbers; `;` between cells is taken as well as `,`."""
    first = content.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)
    header: list[str] = []
    rows = []
    for row in reader:
        if not header:
            header = [c.strip().casefold() for c in row]
        elif any(c.strip() for c in row):
            rows.append((reader.line_num, row + [""] * (len(header) - len(row))))
    return header, rows


def _problem(
    where: str, row: int | None, column: str, entry: dict[str, str], code: str, **data: int | float | str
) -> Problem:
    found = entry[column] if len(entry[column]) <= 60 else entry[column][:57] + "..."
    return Problem(where=where, row=row, column=column, found=found, code=code, data=data)


def _refused(problems: Sequence[Problem]) -> DataError:
    return DataError(problem_message(problems), problems)
