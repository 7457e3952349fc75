"""What charts share besides ink: captions, the words of an alternative text, rows of a frame made ready to draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.results import CANNOT
from kinerja.show.charts import Chart
from kinerja.show.tables import SUPPRESSED, Column, extent, interval, interval_words, table, word

if TYPE_CHECKING:
    import pandas as pd

    from kinerja.show.charts.canvas import Painter


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a chart of estimates; what cannot be drawn has a NaN estimate and says so in `gap`."""

    label: str
    estimate: float
    low: float
    high: float
    n: float
    gap: str
    mark: str

    @property
    def drawn(self) -> bool:
        return math.isfinite(self.estimate)


def rows_of(
    frame: pd.DataFrame,
    *,
    label: str,
    estimate: str,
    low: str = "",
    high: str = "",
    n: str = "",
    mark: str = "",
    language: wording.Language,
) -> list[Row]:
    """The rows in the frame's order, labels in words; figures that are withheld are not in them."""
    columns = {name: _numbers(frame, name) for name in (estimate, low, high, n)}
    status = list(frame["status"]) if "status" in frame else [""] * len(frame)
    marks = [word(mark, str(v), language) for v in frame[mark]] if mark else [""] * len(frame)
    rows = []
    for k, name in enumerate(frame[label]):
        hidden = status[k] == SUPPRESSED
        values = [math.nan if hidden else columns[c][k] for c in (estimate, low, high, n)]
        if status[k] == CANNOT:
            values[0] = math.nan
        gap = "" if math.isfinite(values[0]) else _gap(status[k], language)
        rows.append(
            Row(
                label=word(label, str(name), language), estimate=values[0], low=values[1], high=values[2], n=values[3],
                gap=gap, mark=marks[k],
            )
        )  # fmt: skip
    return rows


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What the lines or bands around estimates show: two columns of the frame, in words, and as a column of its table.

    Nothing is drawn where `column` is None.
    """

    low: str
    high: str
    words: str
    column: Column | None

    def note(self, key: str, language: wording.Language) -> str:
        """The sentence under the chart that says what the lines are; "" where there are none."""
        return wording.text(key, language, lines=self.words) if self.column is not None else ""

    @property
    def columns(self) -> list[Column]:
        return [] if self.column is None else [self.column]


def spread_of(
    frame: pd.DataFrame,
    low: str,
    high: str,
    *,
    confidence: float | None,
    meaning: str,
    digits: int,
    language: wording.Language,
) -> Spread:
    """Intervals of a level, or lines of another `meaning`; neither means that nothing is drawn around the estimates.

    Raises
    ------
    ValueError : both a level and another meaning; lines that the frame does not have
    """  # fmt: skip
    if confidence is not None and meaning:
        raise ValueError("chart: found both confidence and meaning; lines are intervals or something else")
    if confidence is None and not meaning:
        return Spread(low="", high="", words="", column=None)
    if low not in frame or high not in frame:
        raise ValueError(f"chart: found columns {', '.join(map(str, frame.columns))}; {low} and {high} are expected")
    if confidence is None:
        return Spread(low=low, high=high, words=meaning,
                      column=extent(low, high, digits, label=f"{meaning[:1].upper()}{meaning[1:]}"))  # fmt: skip
    named = interval_words(confidence, language)
    words = f"{named[:1].lower()}{named[1:]}"
    return Spread(low=low, high=high, words=words, column=interval(confidence, low, high, digits))


def make_chart(
    paint: Painter,
    frame: pd.DataFrame,
    *,
    columns: Sequence[str | Column],
    alt: str,
    lines: str = "",
    language: wording.Language,
    name: str,
    caption_key: str,
    caption: str,
    note_key: str,
    note: str,
    values: Mapping[str, Any] | None,
) -> Chart:
    """The chart with its caption and its table; the table's caption is the chart's, `lines` ends its note."""
    found = dict(values or {})
    words = wording.text(caption_key, language, **found) if caption_key else caption
    remark = " ".join(filter(None, [wording.text(note_key, language, **found) if note_key else note, lines]))
    name = name or caption_key.replace(".", "_") or "chart"
    behind = table(frame, columns=columns, language=language, caption=words, name=name)
    return Chart(name=name, language=language, caption=words, note=remark, alt=alt, paint=paint, table=behind)


def listed(names: Iterable[str], language: wording.Language) -> str:
    """`a, b and c` in the language."""
    *first, last = [*names] or [wording.MISSING]
    return wording.text("plots.and", language, first=", ".join(first), last=last) if first else last


def _numbers(frame: pd.DataFrame, name: str) -> list[float]:
    if not name or name not in frame:
        return [math.nan] * len(frame)
    return [float(v) for v in frame[name].astype(float)]


def _gap(status: str, language: wording.Language) -> str:
    return (
        wording.text("tables.withheld", language) if status == SUPPRESSED else wording.label("status.cannot", language)
    )
