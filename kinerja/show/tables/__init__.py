"""A result becomes a `Table`: one record that a notebook shows, a report prints and a spreadsheet holds.

The record keeps the raw values; words, numbers and dates are written only when it is rendered (`html`,
`show.tables.xlsx`), so that all three show the same thing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from kinerja import wording
from kinerja.results import CANNOT
from kinerja.results.shown import Brief
from kinerja.show.output import bundle

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "percent", "interval", "date", "text", "code"]
Value = str | int | float | bool | tuple[float, float] | None

SUPPRESSED = "suppressed"
"""`status` of a row that is known but not shown, because too few people stand behind it."""

SIGNIFICANT = 10
"""Significant digits of the raw values stored in a notebook: enough for any reader, few enough that the last bits,
which differ between processors, never make a notebook look changed."""

SHOWN = 30
"""Rows of a long table that a page shows at once."""

NUMERIC: tuple[Kind, ...] = ("number", "percent", "interval")


@dataclass(frozen=True, kw_only=True, repr=False)
class Column(Brief):
    """How one column of a frame is shown; build it with `number`, `percent`, `interval`, `day`, `words` or `code`.

    Fields
    ------
    key : the frame's column (of an interval: its lower limit)
    kind : number, percent (a share, 0.5 shown as 50 %), interval, date, text, code (a value with a label of its own)
    label : header; empty takes the label of `key` in words.csv
    digits : decimals shown; None shows integers as such and other numbers with two
    high : the frame's column with the upper limit, for an interval
    confidence : the level of an interval, named in its header; None where the two limits are something else
    signed : a plus sign before positive numbers
    definition : the glossary's sentence, filled from words.csv
    """

    key: str
    kind: Kind = "text"
    label: str = ""
    digits: int | None = None
    high: str = ""
    confidence: float | None = None
    signed: bool = False
    definition: str = ""

    @property
    def numeric(self) -> bool:
        return self.kind in NUMERIC


def number(key: str, digits: int | None = None, *, label: str = "", signed: bool = False) -> Column:
    """A column of numbers."""
    return Column(key=key, kind="number", digits=digits, label=label, signed=signed)


def percent(key: str, digits: int = 0, *, label: str = "") -> Column:
    """A column of shares (0 to 1), shown as percentages."""
    return Column(key=key, kind="percent", digits=digits, label=label)


def interval(
    confidence: float, low: str = "conf_low", high: str = "conf_high", digits: int = 1, *, label: str = ""
) -> Column:
    """Two columns shown as one interval; its level stands in the header (a `label` of one's own names it too)."""
    return Column(key=low, kind="interval", digits=digits, high=high, confidence=confidence, label=label)


def extent(low: str, high: str, digits: int = 1, *, label: str) -> Column:
    """Two columns shown as one range that is no interval of confidence: the least and the most, or a band."""
    return Column(key=low, kind="interval", digits=digits, high=high, label=label)


def day(key: str, *, label: str = "") -> Column:
    """A column of dates."""
    return Column(key=key, kind="date", label=label)


def words(key: str, *, label: str = "") -> Column:
    """A column of text, shown as it is."""
    return Column(key=key, kind="text", label=label)


def code(key: str, *, label: str = "") -> Column:
    """A column of codes, each shown by its label: `<key>.<value>` or `<value>` of words.csv, else as it is."""
    return Column(key=key, kind="code", label=label)


def settled(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as it is sorted for showing, the key of `sort_values`: two figures that are equal but for what one
    processor adds in another order than the next are a tie, which the next column (an id) decides everywhere alike."""
    return column.round(6) if column.dtype.kind == "f" else column


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Table(Brief):
    """A table ready to be shown in one language.

    Fields
    ------
    name : snake_case; names the spreadsheet's sheet key and the file of a CSV
    language : the language of captions, headers and numbers
    caption, note : what the table shows; how to read it, and what it does not show
    columns : resolved columns (labels and definitions filled in)
    rows : raw values, row by row; an interval is a pair, a date an ISO string, a missing value None
    marks : for each row, why its missing values are missing ("" where there is nothing to explain)
    suppressed : for each row, whether its figures are withheld
    limit : rows shown at once in a report, None for all; the spreadsheet always holds all
    sheet : the sheet's title in a spreadsheet
    """

    name: str
    language: wording.Language = "id"
    caption: str = ""
    note: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()
    marks: tuple[str, ...] = ()
    suppressed: tuple[bool, ...] = field(default=())
    limit: int | None = None
    sheet: str = ""

    def to_html(self) -> str:
        from kinerja.show.tables.html import table_html

        return table_html(self)

    def to_text(self) -> str:
        """The table as aligned plain text, for a terminal and for `text/plain`."""
        from kinerja.show.tables.html import table_text

        return table_text(self)

    def to_json(self) -> dict[str, Any]:
        """Everything the table holds, as JSON; `table_from_json` reads it back."""
        content = asdict(self)
        content["columns"] = [asdict(column) for column in self.columns]
        content["rows"] = [[_json(value) for value in row] for row in self.rows]
        content["marks"], content["suppressed"] = list(self.marks), list(self.suppressed)
        return {"kinerja": "table", **content}

    def shown(self, row: int, column: int) -> str:
        """One cell as the language writes it."""
        return show(self.rows[row][column], self.columns[column], self.language)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return bundle(self.to_html(), self.to_text(), self.to_json())


def table(
    frame: pd.DataFrame,
    *,
    columns: Iterable[str | Column] | None = None,
    language: wording.Language = "id",
    caption_key: str = "",
    caption: str = "",
    note_key: str = "",
    note: str = "",
    values: Mapping[str, Any] | None = None,
    name: str = "",
    sheet: str = "",
    limit: int | None = SHOWN,
) -> Table:
    """A frame as a `Table`.

    frame : one row a table row, in the order wanted; `status` and `reason` explain missing figures, `status`
        "suppressed" withholds every number of the row
    columns : names (the kind is taken from the data) or `Column`s; None takes all of the frame
    caption_key, note_key : sentences of words.csv, their placeholders filled from `values`, `confidence` from the
        table's interval; `caption` and `note` are texts as they are
    limit : rows a page shows at once; the rest opens on demand, and the spreadsheet has all
    name, sheet : see `Table`; the name is taken from the caption's key where it is not given

    Raises
    ------
    KeyError : a column that the frame does not have, a caption that words.csv does not have
    """
    wanted = list(frame.columns.astype(str)) if columns is None else list(columns)
    resolved = tuple(_resolve(column, frame, language) for column in wanted)
    suppressed = _status(frame) == SUPPRESSED if "status" in frame else [False] * len(frame)
    hidden = tuple(bool(s) for s in suppressed)
    sources = [(_values(frame, c.key), _values(frame, c.high) if c.high else None, c) for c in resolved]
    rows = tuple(tuple(_cell(low, high, c, i, hidden[i]) for low, high, c in sources) for i in range(len(frame)))
    levels = [c.confidence for c in resolved if c.confidence is not None]
    found = {"confidence": levels[0] if levels else None, **(values or {})}
    name = name or caption_key.replace(".", "_") or "table"
    return Table(
        name=name,
        language=language,
        caption=wording.text(caption_key, language, **found) if caption_key else caption,
        note=wording.text(note_key, language, **found) if note_key else note,
        columns=resolved,
        rows=rows,
        marks=_marks(frame, language),
        suppressed=hidden,
        limit=limit,
        sheet=sheet or sheet_name(name, language),
    )


def table_from_json(content: Mapping[str, Any]) -> Table:
    """The table that `Table.to_json` wrote (out of a notebook's output).

    Raises
    ------
    ValueError : the content is not a table of this package
    """
    if content.get("kinerja") != "table":
        raise ValueError(f"found {content.get('kinerja')!r}; the JSON of a kinerja table is expected")
    fields = {key: value for key, value in content.items() if key != "kinerja"}
    columns = tuple(Column(**column) for column in fields.pop("columns"))
    rows = tuple(tuple(_from_json(v) for v in row) for row in fields.pop("rows"))
    marks, hidden = tuple(fields.pop("marks")), tuple(fields.pop("suppressed"))
    return Table(columns=columns, rows=rows, marks=marks, suppressed=hidden, **fields)


def sheet_name(name: str, language: wording.Language) -> str:
    """The title of a table's sheet in a spreadsheet; a table without one has its own name as words."""
    key = f"sheet_name.{name}"
    return wording.text(key, language) if wording.has_text(key) else name.replace("_", " ")


def relabel(given: Table, **headers: str) -> Table:
    """The table with other headers for the columns named."""
    columns = tuple(replace(c, label=headers.get(c.key, c.label)) for c in given.columns)
    return replace(given, columns=columns)


def show(value: Value, column: Column, language: wording.Language) -> str:
    """One raw value as the language writes it; `wording.MISSING` where there is none."""
    if value is None:
        return wording.MISSING
    if column.kind == "interval" and isinstance(value, tuple):
        low, high = (wording.number(limit, column.digits, language) for limit in value)
        return f"{low}–{high}" if min(value) >= 0 else f"{low} … {high}"
    if column.kind == "percent" and isinstance(value, (int, float)):
        return _share(float(value), column, language)
    if column.kind == "number" and isinstance(value, (int, float)):
        least = 10.0 ** -(column.digits or 0)
        if (column.key == "p" or column.key.startswith("p_")) and 0 < value < least / 2:  # no p is zero
            return f"< {wording.number(least, column.digits, language)}"
        return _signed(wording.number(value, column.digits, language), column, value)
    if column.kind == "date":
        return wording.long_date(date.fromisoformat(str(value)), language)
    if column.kind == "code":
        return word(column.key, str(value), language)
    return str(value)


def word(key: str, value: str, language: wording.Language) -> str:
    """The words of a category: `<key>.<value>` or `<value>` of words.csv, else of words.csv, else as it is."""
    for candidate in (f"{key}.{value}", value):
        if wording.has_label(candidate):
            return wording.label(candidate, language)
    return wording.text(f"{key}.{value}", language) if wording.has_text(f"{key}.{value}") else value


def header(key: str, language: wording.Language) -> str:
    """The label of a column; a key without one is shown as readable words."""
    return wording.label(key, language) if wording.has_label(key) else key.replace("_", " ").capitalize()


def interval_words(confidence: float, language: wording.Language) -> str:
    """What an interval of this level is called: `95% interval`, `Selang 95 %`."""
    return wording.text("tables.interval", language, confidence=confidence)


def _share(value: float, column: Column, language: wording.Language) -> str:
    """A share in per cent; what is neither none nor all is not rounded to it."""
    digits = column.digits or 0
    least = 10.0 ** -(digits + 2)
    if 0 < value < least / 2:
        return f"< {wording.percent(least, digits, language)}"
    if 1 - least / 2 <= value < 1:
        return f"> {wording.percent(1 - least, digits, language)}"
    return _signed(wording.percent(value, digits, language), column, value)


def _signed(shown: str, column: Column, value: float) -> str:
    nothing = not re.search("[1-9]", shown)
    return f"+{shown}" if column.signed and value > 0 and not nothing else shown


def _resolve(column: str | Column, frame: pd.DataFrame, language: wording.Language) -> Column:
    chosen = _guess(column, frame) if isinstance(column, str) else column
    for key in filter(None, (chosen.key, chosen.high)):
        if key not in frame:
            raise KeyError(f"table: found columns {', '.join(map(str, frame.columns))}; {key!r} is not one of them")
    key = chosen.key if chosen.kind != "interval" else "interval" if chosen.confidence is not None else ""
    definition = wording.definition(key, language) if wording.has_label(key) else ""
    named = header(key, language) if chosen.confidence is None else interval_words(chosen.confidence, language)
    return replace(chosen, label=chosen.label or named, definition=chosen.definition or definition)


def _guess(key: str, frame: pd.DataFrame) -> Column:
    """The kind of a column that is only named, from its values."""
    from pandas.api import types

    if key not in frame:
        return Column(key=key)
    values = frame[key]
    if types.is_bool_dtype(values):
        return Column(key=key, kind="text")
    if types.is_numeric_dtype(values):
        return Column(key=key, kind="number")
    if types.is_datetime64_any_dtype(values):
        return Column(key=key, kind="date")
    # Only words that this very column owns: a unit called "target" stays what it is.
    own = any(wording.has_label(f"{key}.{v}") or wording.has_text(f"{key}.{v}") for v in values.dropna().unique())
    return Column(key=key, kind="code" if own else "text")


def _values(frame: pd.DataFrame, key: str) -> list[Any]:
    values = frame[key].astype(object)
    return list(values.where(values.notna(), None))


def _cell(low: Sequence[Any], high: Sequence[Any] | None, column: Column, row: int, hidden: bool) -> Value:
    if hidden and (column.numeric or column.key == "n"):
        return None
    if high is None:
        return _raw(low[row])
    first, second = _raw(low[row]), _raw(high[row])
    return None if first is None or second is None else (float(first), float(second))  # type: ignore[arg-type]


def _raw(value: Any) -> Value:
    """A plain Python value: numbers that are not finite and missing values become None, dates ISO strings."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or value != value:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime, date)):
        return value.isoformat()[:10]
    return value if isinstance(value, (bool, int, str)) else str(value)


def _status(frame: pd.DataFrame) -> Any:
    return frame["status"].astype(object).fillna("").to_numpy()


def _marks(frame: pd.DataFrame, language: wording.Language) -> tuple[str, ...]:
    """For each row, why figures are missing: the reason's sentence, or that they are withheld."""
    if "status" not in frame:
        return ("",) * len(frame)
    reasons = _values(frame, "reason") if "reason" in frame else [None] * len(frame)
    return tuple(_mark(status, reason, language) for status, reason in zip(_status(frame), reasons, strict=True))


def _mark(status: str, reason: str | None, language: wording.Language) -> str:
    if status == SUPPRESSED:
        return wording.text("tables.suppressed", language)
    if status != CANNOT:
        return ""
    if not reason:
        return wording.text("tables.cannot", language)
    return wording.text(f"reason.{reason}", language) if wording.has_text(f"reason.{reason}") else str(reason)


def _json(value: Value) -> Any:
    if isinstance(value, tuple):
        return [_json(v) for v in value]
    return float(f"{value:.{SIGNIFICANT}g}") if isinstance(value, float) else value


def _from_json(value: Any) -> Value:
    return (float(value[0]), float(value[1])) if isinstance(value, list) else value
