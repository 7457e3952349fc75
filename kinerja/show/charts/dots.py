"""Estimates as dots with their intervals; gaps against zero; before and after; spread of units in a row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.show.charts import Chart
from kinerja.show.charts.canvas import (
    BLUE,
    GRID,
    INK,
    LINE,
    NEUTRAL,
    ORANGE,
    SIZE,
    SOFT,
    Canvas,
    Scale,
    decimals,
    scale,
    text_width,
    wrapped,
)  # fmt: skip
from kinerja.show.charts.words import Row, listed, make_chart, rows_of, spread_of
from kinerja.show.tables import Column, code, header, number, settled

if TYPE_CHECKING:
    import pandas as pd

_LABELS, _MARKS = 220, 170  # most pixels for row labels and for the word after the number, on a wide chart


def dot_interval_chart(
    frame: pd.DataFrame,
    *,
    label: str,
    confidence: float | None,
    meaning: str = "",
    estimate: str = "estimate",
    low: str = "conf_low",
    high: str = "conf_high",
    n: str = "n",
    mark: str = "",
    digits: int = 1,
    signed: bool = False,
    reference: float | None = None,
    reference_label: str = "",
    margin: float | None = None,
    include: Sequence[float] = (),
    axis: str = "",
    sort: bool = True,
    language: wording.Language = "id",
    caption_key: str = "",
    caption: str = "",
    note_key: str = "",
    note: str = "",
    values: Mapping[str, Any] | None = None,
    name: str = "",
) -> Chart:
    """One row a dot with its interval, the number and n beside it; rows that cannot be estimated say so.

    label : column of the row's name; `mark` : column of a word shown after the number (a verdict)
    confidence : level of the intervals from `low` to `high`, which note, alternative text and table name; None where
        the lines have another `meaning` (in words) or, without one, where there are no lines
    reference, margin : a vertical line and the band around it that counts as no difference
    include : values the axis must reach; axis : its title
    sort : the largest estimate first, what cannot be estimated last; False keeps the frame's order
    """
    spread = spread_of(frame, low, high, confidence=confidence, meaning=meaning, digits=digits, language=language)
    rows = rows_of(frame, label=label, estimate=estimate, low=spread.low, high=spread.high, n=n, mark=mark,
                   language=language)  # fmt: skip
    if sort:
        rows.sort(key=lambda r: (not r.drawn, -round(r.estimate, 6) if r.drawn else 0.0, r.label))
    bounds = [] if reference is None else [reference - (margin or 0.0), reference + (margin or 0.0)]

    def paint(width: float) -> Canvas:
        plan = _Rows(rows, width, digits=digits, signed=signed, language=language)
        x = scale([v for r in rows for v in (r.estimate, r.low, r.high)], plan.left, plan.right, count=plan.steps,
                  include=(*bounds, *include))  # fmt: skip
        canvas = plan.canvas
        if margin and reference is not None:
            start = x(reference - margin)
            canvas.box(start, plan.top, x(reference + margin) - start, plan.bottom - plan.top, NEUTRAL, alpha=0.2)
        plan.axis(x, axis)
        if reference is not None:
            plan.rule(x, reference, reference_label)
        for row, y in zip(rows, plan.marks, strict=True):
            _dot(canvas, x, row, y, BLUE)
        plan.words()
        return canvas

    columns: list[str | Column] = [code(label), number(estimate, digits, signed=signed)]
    columns += [*spread.columns]
    columns += [n] if n and n in frame else []
    columns += [code(mark)] if mark else []
    return make_chart(
        paint,
        frame,
        columns=columns,
        alt=_alt(rows, spread.words, digits, language),
        lines=spread.note("plots.lines", language),
        language=language,
        name=name,
        caption_key=caption_key,
        caption=caption,
        note_key=note_key,
        note=note,
        values=values,
    )


def gap_chart(
    frame: pd.DataFrame,
    *,
    confidence: float | None,
    label: str = "group",
    verdict: str = "verdict",
    margin: float | None = None,
    language: wording.Language = "id",
    **options: Any,
) -> Chart:
    """Differences between groups around zero, the band that counts as none shaded, the verdict in words.

    Takes the options of `dot_interval_chart`.
    """
    settings: dict[str, Any] = {"reference": 0.0, "signed": True, "sort": False, **options}
    settings.setdefault("reference_label", wording.text("plots.no_difference", language))
    return dot_interval_chart(
        frame, label=label, confidence=confidence, mark=verdict if verdict in frame else "", margin=margin,
        language=language, **settings,
    )  # fmt: skip


def calibration_chart(
    frame: pd.DataFrame,
    *,
    confidence: float,
    label: str = "ratee",
    observed: str = "observed",
    calibrated: str = "calibrated",
    low: str = "conf_low",
    high: str = "conf_high",
    boundaries: Mapping[str, float] | None = None,
    limit: int | None = 25,
    digits: int = 1,
    axis: str = "",
    language: wording.Language = "id",
    caption_key: str = "",
    caption: str = "",
    note_key: str = "",
    note: str = "",
    values: Mapping[str, Any] | None = None,
    name: str = "",
) -> Chart:
    """Before (hollow) and after (filled, with interval) for each row, ordered by the change.

    confidence : level of the intervals, named in note, alternative text and table
    boundaries : label -> value of a vertical line (category boundaries)
    limit : rows with the largest changes that are drawn; the table has all of them
    """
    spread = spread_of(frame, low, high, confidence=confidence, meaning="", digits=digits, language=language)
    change = frame[calibrated] - frame[observed]
    data = frame.assign(_change=change, _size=change.abs())
    by_size = data.sort_values(["_size", label], ascending=[False, True], key=settled, kind="stable")
    data, drawn = (
        rows.sort_values(["_change", label], ascending=[False, True], key=settled, kind="stable")
        for rows in (data, by_size if limit is None else by_size.head(limit))
    )
    rows = rows_of(drawn, label=label, estimate=calibrated, low=low, high=high, n=observed, language=language)
    lines = dict(boundaries or {})

    def paint(width: float) -> Canvas:
        plan = _Rows(
            rows, width, digits=digits, signed=True, language=language, head=1, shown=[r.estimate - r.n for r in rows]
        )
        x = scale([v for r in rows for v in (r.estimate, r.low, r.high, r.n)], plan.left, plan.right, count=plan.steps)
        plan.axis(x, axis)
        for words, value in lines.items():
            if x.low <= value <= x.high:
                plan.rule(x, value, words)
        for row, y in zip(rows, plan.marks, strict=True):
            if row.drawn:
                color = BLUE if row.estimate >= row.n else ORANGE
                _dot(plan.canvas, x, row, y, color, faint=True)
                plan.canvas.line([x(row.n), x(row.estimate)], [y, y], color, 2.4)
                plan.canvas.dots([x(row.n)], [y], color, 7.5, hollow=True)
        plan.words()
        _before_after(plan, language)
        return plan.canvas

    up = sum(r.drawn and r.estimate > r.n for r in rows)
    down = sum(r.drawn and r.estimate < r.n for r in rows)
    largest = max((r for r in rows if r.drawn), key=lambda r: round(abs(r.estimate - r.n), 6), default=None)
    alt = wording.text(
        "plots.calibration.alt", language, n=len(rows), up=up, down=down, lines=spread.words,
        name=largest.label if largest else wording.MISSING,
        before=wording.number(largest.n if largest else None, digits, language),
        after=wording.number(largest.estimate if largest else None, digits, language),
    )  # fmt: skip
    columns = [code(label), number(observed, digits), number(calibrated, digits), *spread.columns]
    shift = number("_change", digits, label=header("adjustment", language), signed=True)
    return make_chart(
        paint,
        data,
        columns=[*columns, shift],
        alt=alt,
        lines=spread.note("plots.thin_lines", language),
        language=language,
        name=name,
        caption_key=caption_key,
        caption=caption,
        note_key=note_key,
        note=note,
        values=values,
    )


def strip_chart(
    frame: pd.DataFrame,
    *,
    label: str = "element",
    point: str = "unit",
    estimate: str = "estimate",
    reference: str = "",
    digits: int = 2,
    axis: str = "",
    language: wording.Language = "id",
    caption_key: str = "",
    caption: str = "",
    note_key: str = "",
    note: str = "",
    values: Mapping[str, Any] | None = None,
    name: str = "",
) -> Chart:
    """One row a line with one dot a point (nine elements, a dot for each unit); the lowest is named.

    reference : column of the whole office's value, drawn as a short bar
    """
    groups = [(str(key), part) for key, part in frame.groupby(label, sort=False)]
    rows: list[Row] = []
    for _, part in groups:
        found = rows_of(part, label=point, estimate=estimate, language=language)
        lowest = min((r for r in found if r.drawn), key=lambda r: (r.estimate, r.label), default=None)
        rows += rows_of(part.head(1).assign(_lowest=lowest.estimate if lowest else math.nan), label=label,
                        estimate="_lowest", language=language)  # fmt: skip
        rows[-1] = Row(**{**rows[-1].__dict__, "mark": lowest.label if lowest else ""})

    def paint(width: float) -> Canvas:
        plan = _Rows(rows, width, digits=digits, signed=False, language=language)
        x = scale([float(v) for v in frame[estimate].astype(float)], plan.left, plan.right, count=plan.steps)
        plan.axis(x, axis)
        for (_, part), row, y in zip(groups, rows, plan.marks, strict=True):
            found = [r.estimate for r in rows_of(part, label=point, estimate=estimate, language=language) if r.drawn]
            if not found:
                continue
            plan.canvas.line([x(min(found)), x(max(found))], [y, y], LINE, 3)
            plan.canvas.dots(
                [x(v) for v in found if v > row.estimate], [y] * sum(v > row.estimate for v in found), NEUTRAL, 7.5
            )
            plan.canvas.dots([x(row.estimate)], [y], ORANGE, 9)
            if reference:
                middle = x(float(part[reference].iloc[0]))
                plan.canvas.line([middle, middle], [y - 7, y + 7], INK, 2)
        plan.words()
        return plan.canvas

    lowest_row = min((r for r in rows if r.drawn), key=lambda r: r.estimate, default=None)
    alt = wording.text(
        "plots.strip.alt", language, n=len(rows), name=lowest_row.label if lowest_row else wording.MISSING,
        point=lowest_row.mark if lowest_row else wording.MISSING,
        x=wording.number(lowest_row.estimate if lowest_row else None, digits, language),
    )  # fmt: skip
    columns: list[str | Column] = [code(label), code(point), number(estimate, digits)]
    columns += [n for n in ("n",) if n in frame]
    return make_chart(
        paint, frame, columns=columns, alt=alt, language=language, name=name,
        caption_key=caption_key, caption=caption, note_key=note_key, note=note, values=values,
    )  # fmt: skip


class _Rows:
    """The plan of a chart made of rows: where labels, marks and numbers go at this width.

    On a wide chart label, dots and numbers share a line; on a narrow one the words stand above the dots.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        width: float,
        *,
        digits: int,
        signed: bool,
        language: wording.Language,
        head: int = 0,
        shown: Sequence[float] | None = None,
    ) -> None:
        self.rows, self.digits, self.signed, self.language = rows, digits, signed, language
        self.narrow = width < 500
        self.values = [self._value(v) for v in (shown or [r.estimate for r in rows])]
        self.counts = [_count(r, language) if shown is None else "" for r in rows]
        self.remarks = [wrapped(r.mark, width - 8 if self.narrow else _MARKS) if r.mark else "" for r in rows]
        self.value_width, self.count_width, self.mark_width = (
            max((text_width(words) for words in column), default=0) + 12 * any(column)
            for column in (self.values, self.counts, self.remarks)
        )
        side = self.value_width + self.count_width
        widest = max((text_width(r.label) for r in rows), default=0)
        room = width - side - 10 if self.narrow else min(widest, _LABELS)
        self.labels = [wrapped(r.label, room) for r in rows]
        self.top = SIZE * 1.6 * (1 + head)
        self.marks: list[float] = []
        self.lines: list[float] = []
        self._stack()
        self.canvas = Canvas(width, self.bottom + SIZE * 3.4)
        self.left = 8.0 if self.narrow else room + 18
        self.right = width - 12 if self.narrow else width - side - self.mark_width - 6
        self.steps = 4 if self.narrow else 6

    def _stack(self) -> None:
        """Where each row's words (`lines`) and dots (`marks`) stand, from the top down."""
        y = self.top
        for label, remark in zip(self.labels, self.remarks, strict=True):
            lines, more = label.count("\n") + 1, (remark.count("\n") + 1) * bool(remark)
            tall = (lines + more if self.narrow else max(lines, more)) * SIZE * 1.2
            if self.narrow:
                self.lines.append(y + SIZE * 0.8)
                self.marks.append(y + tall + 11)
                y += tall + 28
            else:
                self.marks.append(y + max(27.0, tall + 10) / 2)
                self.lines.append(self.marks[-1])
                y += max(27.0, tall + 10)
        self.bottom = y + 2

    def axis(self, x: Scale, title: str) -> None:
        """Grid lines, round ticks below, the title under them."""
        digits = decimals(x.ticks)
        for tick in x.ticks:
            self.canvas.line([x(tick), x(tick)], [self.top, self.bottom], GRID, 1, layer=1.5)
            self._centred(x(tick), self.bottom + SIZE, wording.number(tick, digits, self.language))
        if title:
            self._centred((x.start + x.end) / 2, self.bottom + SIZE * 2.5, title)

    def rule(self, x: Scale, value: float, words: str) -> None:
        """A line across all rows, its name above."""
        self.canvas.line([x(value), x(value)], [self.top - 3, self.bottom], SOFT, 1.2, dash=True)
        self._centred(x(value), self.top - SIZE * 0.75, words)

    def words(self) -> None:
        """Labels, numbers, n and marks."""
        if self.narrow:
            self._words_above()
            return
        value_edge = self.right + 6 + self.value_width
        for k, row in enumerate(self.rows):
            y = self.lines[k]
            self.canvas.text(self.left - 14, y, self.labels[k], align="right")
            if not row.drawn:
                self.canvas.text(self.left + 4, y, row.gap, SOFT)
                continue
            self.canvas.text(value_edge, y, self.values[k], align="right", bold=True)
            self.canvas.text(value_edge + self.count_width, y, self.counts[k], SOFT, align="right")
            self.canvas.text(value_edge + self.count_width + 12, y, self.remarks[k])

    def _words_above(self) -> None:
        edge = self.canvas.width - 4
        for k, row in enumerate(self.rows):
            y = self.lines[k]
            self.canvas.text(4, y - SIZE * 0.6, self.labels[k], vertical="top")
            if not row.drawn:
                self.canvas.text(4, self.marks[k], row.gap, SOFT)
                continue
            self.canvas.text(edge - self.count_width, y, self.values[k], align="right", bold=True)
            self.canvas.text(edge, y, self.counts[k], SOFT, align="right")
            self.canvas.text(4, self.marks[k] - SIZE * 0.7, self.remarks[k], SOFT, vertical="bottom")

    def _centred(self, x: float, y: float, words: str) -> None:
        """Words around a point, moved inwards where they would leave the figure."""
        half = text_width(words) / 2
        self.canvas.text(min(max(x, half), self.canvas.width - half), y, words, SOFT, align="center")

    def _value(self, value: float) -> str:
        shown = wording.number(value, self.digits, self.language)
        return f"+{shown}" if self.signed and value > 0 and any(c in shown for c in "123456789") else shown


def _count(row: Row, language: wording.Language) -> str:
    return f"n {wording.number(int(row.n), 0, language)}" if math.isfinite(row.n) and row.drawn else ""


def _dot(canvas: Canvas, x: Scale, row: Row, y: float, color: str, *, faint: bool = False) -> None:
    if not row.drawn:
        return
    if math.isfinite(row.low) and math.isfinite(row.high):
        canvas.line([x(row.low), x(row.high)], [y, y], NEUTRAL if faint else color, 1.4 if faint else 2.2)
    canvas.dots([x(row.estimate)], [y], color)


def _before_after(plan: _Rows, language: wording.Language) -> None:
    """The key, drawn as the marks themselves."""
    y, x = SIZE * 0.75, plan.left + 6
    for key, hollow in (("observed", True), ("calibrated", False)):
        words = wording.label(key, language)
        plan.canvas.dots([x], [y], SOFT, 7.5, hollow=hollow)
        plan.canvas.text(x + 10, y, words, SOFT)
        x += text_width(words) + 34


def _alt(rows: Sequence[Row], lines: str, digits: int, language: wording.Language) -> str:
    drawn = [r for r in rows if r.drawn]
    if not drawn:
        return wording.text("plots.nothing.alt", language, n=len(rows))
    top, bottom = max(drawn, key=lambda r: r.estimate), min(drawn, key=lambda r: r.estimate)
    words = wording.text(
        "plots.dots.alt" if lines else "plots.plain_dots.alt",
        language,
        n=len(drawn),
        lines=lines,
        top=top.label,
        bottom=bottom.label,
        high=wording.number(top.estimate, digits, language),
        low=wording.number(bottom.estimate, digits, language),
    )
    gaps = [r.label for r in rows if not r.drawn]
    return f"{words} {wording.text('plots.gaps.alt', language, names=listed(gaps, language))}" if gaps else words
