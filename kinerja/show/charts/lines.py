"""What changed over periods: trend lines with intervals, and the nine elements as small charts on one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.show.charts import Chart
from kinerja.show.charts.canvas import (
    BLUE,
    GRID,
    LINE,
    SERIES,
    SIZE,
    SOFT,
    Canvas,
    Scale,
    decimals,
    scale,
    text_width,
    wrapped,
)  # fmt: skip
from kinerja.show.charts.words import Spread, make_chart, spread_of
from kinerja.show.tables import Column, code, number, word

if TYPE_CHECKING:
    import pandas as pd

_SIDE = 26.0  # pixels between the scale and the first period

Points = list[tuple[int, float, float, float]]
"""(index of the period, estimate, lower, upper), only where there is an estimate."""


def trend_chart(
    frame: pd.DataFrame,
    *,
    confidence: float | None,
    period: str = "period",
    estimate: str = "estimate",
    low: str = "conf_low",
    high: str = "conf_high",
    series: str = "",
    digits: int = 1,
    axis: str = "",
    include: Sequence[float] = (),
    language: wording.Language = "id",
    caption_key: str = "",
    caption: str = "",
    note_key: str = "",
    note: str = "",
    values: Mapping[str, Any] | None = None,
    name: str = "",
) -> Chart:
    """Lines over the periods, each named at its end with its last value; the interval as a band.

    confidence : level of the intervals, named in note, alternative text and table; None where there are none
    series : column that tells the lines apart (at most seven); a period without estimate breaks the line
    """
    spread = spread_of(frame, low, high, confidence=confidence, meaning="", digits=digits, language=language)
    periods = sorted({str(p) for p in frame[period]})
    lines = _series(frame, series, period, estimate, spread.low, spread.high, periods)

    def paint(width: float) -> Canvas:
        tall = 250.0
        ends = [_end(key, points, series, digits, language, 120 if width < 500 else 200) for key, points in lines]
        y = scale(
            [v for _, points in lines for _, *rest in points for v in rest], tall - SIZE * 2.6, 12, include=include
        )
        d = decimals(y.ticks)
        left = max(text_width(wording.number(t, d, language)) for t in y.ticks) + 10
        right = width - max((text_width(e) for e in ends), default=0) - 14
        top = SIZE * 1.6 if axis else 0.0
        canvas = Canvas(width, tall + top)
        if axis:
            canvas.text(2, SIZE * 0.8, axis, SOFT)
        _frame(canvas, y, left, right, top, periods, language)
        x = _steps(len(periods), left + _SIDE, right - 6)
        heights = _apart([(y(points[-1][1]) + top if points else 0.0) for _, points in lines], SIZE * 1.25, ends)
        for k, (_, points) in enumerate(lines):
            color = SERIES[k % len(SERIES)]
            _line(canvas, points, x, y, top, color)
            if points:
                canvas.text(right + 10, heights[k], ends[k])
        return canvas

    told = [_told(word(series, key, language) if series else axis or estimate, points, digits, language)
            for key, points in lines if points]  # fmt: skip
    alt = wording.text(
        "plots.trend.alt", language, k=len(periods), first=periods[0] if periods else wording.MISSING,
        last=periods[-1] if periods else wording.MISSING, lines="; ".join(told) or wording.MISSING,
    )  # fmt: skip
    columns: list[str | Column] = [code(series)] if series else []
    columns += [period, number(estimate, digits)]
    columns += [*spread.columns]
    columns += ["n"] if "n" in frame else []
    return make_chart(
        paint,
        frame,
        columns=columns,
        alt=_with_lines(alt, spread, language),
        language=language,
        name=name,
        lines=spread.note("plots.area", language),
        caption_key=caption_key,
        caption=caption,
        note_key=note_key,
        note=note,
        values=values,
    )


def elements_chart(
    frame: pd.DataFrame,
    *,
    confidence: float | None,
    panel: str = "element",
    period: str = "period",
    estimate: str = "estimate",
    low: str = "conf_low",
    high: str = "conf_high",
    digits: int = 2,
    language: wording.Language = "id",
    caption_key: str = "",
    caption: str = "",
    note_key: str = "",
    note: str = "",
    values: Mapping[str, Any] | None = None,
    name: str = "",
) -> Chart:
    """One small chart a panel on one common scale, all other panels faint behind it; the last value stands in bold.

    confidence : level of the intervals, named in note, alternative text and table; None where there are none
    """
    spread = spread_of(frame, low, high, confidence=confidence, meaning="", digits=digits, language=language)
    periods = sorted({str(p) for p in frame[period]})
    panels = _series(frame, panel, period, estimate, spread.low, spread.high, periods)

    def paint(width: float) -> Canvas:
        across = 2 if width < 500 else 3
        gap, tall = 18.0, 128.0
        box = (width - gap * (across - 1)) / across
        names = [wrapped(word(panel, key, language), box - 48) for key, _ in panels]
        head = SIZE * 1.25 * max((n.count("\n") + 1 for n in names), default=1) + 6
        canvas = Canvas(width, math.ceil(len(panels) / across) * (tall + head - 8) + SIZE)
        everything = [v for _, points in panels for _, *rest in points for v in rest]
        for k, (_, points) in enumerate(panels):
            x0, y0 = (k % across) * (box + gap), (k // across) * (tall + head - 8)
            y = _tight(everything, y0 + head + tall - 46, y0 + head + 4)
            x = _steps(len(periods), x0 + 8, x0 + box - 12)
            canvas.line([x0, x0 + box], [y(y.low)] * 2, LINE, 1)
            for _, other in panels:
                canvas.line([x(i) for i, *_ in other], [y(v) for _, v, *_ in other], LINE, 1)
            _line(canvas, points, x, y, 0.0, BLUE)
            canvas.text(x0, y0 + 2, names[k], vertical="top")
            if points:
                canvas.text(x0 + box, y0 + 2, wording.number(points[-1][1], digits, language), align="right", bold=True,
                            vertical="top")  # fmt: skip
            if k >= len(panels) - across and periods:
                line = y(y.low) + SIZE
                canvas.text(x0, line, periods[0], SOFT)
                canvas.text(x0 + box, line, periods[-1] if len(periods) > 1 else "", SOFT, align="right")
        return canvas

    last = [(points[-1][1], word(panel, key, language)) for key, points in panels if points]
    top, bottom = max(last, default=(math.nan, wording.MISSING)), min(last, default=(math.nan, wording.MISSING))
    alt = wording.text(
        "plots.elements.alt", language, n=len(panels), k=len(periods), top=top[1], bottom=bottom[1],
        high=wording.number(top[0], digits, language), low=wording.number(bottom[0], digits, language),
    )  # fmt: skip
    columns: list[str | Column] = [code(panel), period, number(estimate, digits)]
    columns += [*spread.columns]
    return make_chart(
        paint,
        frame,
        columns=columns,
        alt=_with_lines(alt, spread, language),
        language=language,
        name=name,
        lines=spread.note("plots.area", language),
        caption_key=caption_key,
        caption=caption,
        note_key=note_key,
        note=note,
        values=values,
    )


def _with_lines(alt: str, spread: Spread, language: wording.Language) -> str:
    return f"{alt} {spread.note('plots.area', language)}".rstrip()


def _told(name: str, points: Points, digits: int, language: wording.Language) -> str:
    before, after = (wording.number(points[k][1], digits, language) for k in (0, -1))
    return wording.text("plots.trend.line", language, name=name, before=before, after=after)


def _series(
    frame: pd.DataFrame, series: str, period: str, estimate: str, low: str, high: str, periods: Sequence[str]
) -> list[tuple[str, Points]]:
    """Each line's points in the order of the periods; lines in the order of the frame."""
    position = {p: k for k, p in enumerate(periods)}
    limits = [frame[c].astype(float) if c in frame else frame[estimate].astype(float) for c in (low, high)]
    data = frame.assign(_x=[position[str(p)] for p in frame[period]], _low=limits[0], _high=limits[1])
    groups = [(str(key), part) for key, part in data.groupby(series, sort=False)] if series else [("", data)]
    return [(key, _points(part, estimate)) for key, part in groups]


def _points(part: pd.DataFrame, estimate: str) -> Points:
    found = []
    for x, value, low, high in zip(part["_x"], part[estimate].astype(float), part["_low"], part["_high"], strict=True):
        if math.isfinite(value):
            found.append((int(x), value, low if math.isfinite(low) else value, high if math.isfinite(high) else value))
    return sorted(found)


def _tight(values: Sequence[float], start: float, end: float) -> Scale:
    """A scale that ends at the data: small charts show a course, their values stand beside them."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) * 0.05 or 0.5
    return Scale(low=low - room, high=high + room, start=start, end=end, ticks=())


def _steps(count: int, left: float, right: float) -> Scale:
    return Scale(low=0, high=max(count - 1, 1), start=left, end=right, ticks=())


def _frame(
    canvas: Canvas, y: Scale, left: float, right: float, top: float, periods: Sequence[str], language: wording.Language
) -> None:
    """Grid, the scale at the left, the periods below (as many as fit)."""
    digits = decimals(y.ticks)
    for tick in y.ticks:
        canvas.line([left, right], [y(tick) + top] * 2, GRID, 1, layer=1.5)
        canvas.text(left - 8, y(tick) + top, wording.number(tick, digits, language), SOFT, align="right")
    x = _steps(len(periods), left + _SIDE, right - 6)
    widest = max((text_width(p) for p in periods), default=1) + 10
    every = max(1, math.ceil(len(periods) * widest / max(right - left, 1)))
    for k in range(len(periods) - 1, -1, -every):
        side = "right" if k == len(periods) - 1 and k else "center"
        canvas.text(x(k) + 6 * (side == "right"), y(y.low) + top + SIZE * 1.3, periods[k], SOFT, align=side)


def _line(canvas: Canvas, points: Points, x: Scale, y: Scale, top: float, color: str) -> None:
    """The line in unbroken stretches, its band, a dot for each period."""
    stretches: list[Points] = []
    for point in points:
        if stretches and stretches[-1][-1][0] == point[0] - 1:
            stretches[-1].append(point)
        else:
            stretches.append([point])
    for stretch in stretches:
        across = [x(k) for k, *_ in stretch]
        if len(stretch) > 1:
            lows, highs = [y(p[2]) + top for p in stretch], [y(p[3]) + top for p in stretch]
            canvas.area([*across, *across[::-1]], [*highs, *lows[::-1]], color, 0.14)
            canvas.line(across, [y(p[1]) + top for p in stretch], color, 2.2, layer=3)
        canvas.dots(across, [y(p[1]) + top for p in stretch], color, 6.5)


def _end(key: str, points: Points, series: str, digits: int, language: wording.Language, room: float) -> str:
    value = wording.number(points[-1][1], digits, language) if points else ""
    return wrapped(f"{word(series, key, language)} {value}", room) if series else value


def _apart(heights: Sequence[float], gap: float, words: Sequence[str]) -> list[float]:
    """The heights moved downwards until no two labels touch."""
    order = sorted(range(len(heights)), key=lambda k: heights[k])
    placed = list(heights)
    for before, after in pairwise(order):
        room = gap * (words[before].count("\n") + words[after].count("\n") + 2) / 2
        placed[after] = max(placed[after], placed[before] + room)
    return placed
