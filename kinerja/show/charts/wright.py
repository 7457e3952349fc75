"""The Wright map: people, raters, items and thresholds on one logit scale."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.show.charts import Chart
from kinerja.show.charts.canvas import BLUE, GRID, LINE, ORANGE, SIZE, SOFT, Canvas, Scale, decimals, scale, text_width
from kinerja.show.charts.words import listed, make_chart
from kinerja.show.tables import code, header, number, word

if TYPE_CHECKING:
    import pandas as pd

_TALL = 460.0
_CROWD = 14  # elements of a facet that are still written out by name on a wide map


def wright_chart(
    frame: pd.DataFrame,
    *,
    facet: str = "facet",
    element: str = "element",
    measure: str = "measure",
    facets: Sequence[str] = ("ratee", "rater", "item"),
    people: str = "ratee",
    harsh: str = "rater",
    axis: str = "",
    language: wording.Language = "id",
    caption_key: str = "",
    caption: str = "",
    note_key: str = "",
    note: str = "",
    values: Mapping[str, Any] | None = None,
    name: str = "",
) -> Chart:
    """One column a facet on one vertical scale: the people as a histogram, the others by name.

    facets : columns from left to right; people : the facet drawn as bars; harsh : the facet whose highest is named in
    the alternative text (severity: higher is harsher)
    """
    data = frame[frame[measure].astype(float).map(math.isfinite)]
    shown = [f for f in facets if (data[facet].astype(str) == f).any()]
    groups = {f: _elements(data[data[facet].astype(str) == f], element, measure) for f in shown}
    everything = [v for pairs in groups.values() for _, v in pairs]

    def paint(width: float) -> Canvas:
        y = scale(everything, _TALL - 14, SIZE * 2.6, count=7)
        digits = decimals(y.ticks)
        canvas = Canvas(width, _TALL)
        left = max(text_width(wording.number(t, digits, language)) for t in y.ticks) + 10
        for tick in y.ticks:
            canvas.line([left, width], [y(tick)] * 2, GRID, 1, layer=1.5)
            canvas.text(left - 8, y(tick), wording.number(tick, digits, language), SOFT, align="right")
        column = (width - left) / max(len(shown), 1)
        for k, name_ in enumerate(shown):
            x = left + k * column
            canvas.line([x, x], [SIZE * 2.2, _TALL - 8], LINE, 1)
            canvas.text(x + 8, SIZE * 0.8, header(name_, language), bold=True)
            if name_ == people:
                _histogram(canvas, groups[name_], x, column, y)
            else:
                named = width >= 500 and len(groups[name_]) <= _CROWD * 2
                _names(canvas, groups[name_], x, column, y, name_, language, ORANGE if name_ == harsh else SOFT, named)
        return canvas

    persons = [v for _, v in groups.get(people, [])]
    hardest = max(groups.get(harsh, []), key=lambda pair: pair[1], default=(wording.MISSING, math.nan))
    alt = wording.text(
        "plots.wright.alt", language, facets=listed([header(f, language) for f in shown], language),
        low=wording.number(min(persons, default=None), 1, language),
        high=wording.number(max(persons, default=None), 1, language),
        name=word(harsh, hardest[0], language), x=wording.number(hardest[1], 2, language),
    )  # fmt: skip
    spread = [number("std_error", 2)] if "std_error" in frame else []
    columns = [code(facet), code(element), number(measure, 2, label=axis), *spread]
    return make_chart(
        paint, frame, columns=columns, alt=alt, language=language, name=name,
        caption_key=caption_key, caption=caption, note_key=note_key, note=note, values=values,
    )  # fmt: skip


def _elements(part: pd.DataFrame, element: str, measure: str) -> list[tuple[str, float]]:
    """(name, measure), the highest first."""
    pairs = [(str(e), float(m)) for e, m in zip(part[element], part[measure], strict=True)]
    return sorted(pairs, key=lambda pair: (-round(pair[1], 6), pair[0]))


def _histogram(canvas: Canvas, people: Sequence[tuple[str, float]], x: float, column: float, y: Scale) -> None:
    step = (y.high - y.low) / 24
    counts = Counter(math.floor((v - y.low) / step) for _, v in people)
    most = max(counts.values(), default=1)
    tall = abs(y(y.low) - y(y.low + step))
    for bin_, count in sorted(counts.items()):
        top = y(y.low + (bin_ + 1) * step)
        canvas.box(x + 1, top + 0.8, (column - 40) * count / most, tall - 1.6, BLUE)
        if count == most:
            canvas.text(x + (column - 40) + 8, top + tall / 2, str(count), SOFT)


def _names(
    canvas: Canvas, elements: Sequence[tuple[str, float]], x: float, column: float, y: Scale, facet: str,
    language: wording.Language, color: str, named: bool,
) -> None:  # fmt: skip
    """Dots at their measure; names beside them, moved apart and tied to their dot, or only the two ends."""
    canvas.dots([x + 10] * len(elements), [y(v) for _, v in elements], color, 7.5)
    chosen = list(elements) if named else [elements[0], elements[-1]][: len(elements)]
    placed = _spread([y(v) for _, v in chosen], SIZE * 1.15, SIZE * 2.6, _TALL - 10)
    letters = int((column - 34) / (SIZE * 0.6))
    for (name, value), height in zip(chosen, placed, strict=True):
        words = word(facet, name, language)
        words = words if len(words) <= letters else words[: max(letters - 1, 1)].rstrip() + "…"
        canvas.line([x + 14, x + 25], [y(value), height], LINE, 1)
        canvas.text(x + 28, height, words)


def _spread(heights: Sequence[float], gap: float, top: float, bottom: float) -> list[float]:
    """Heights from the top down, moved so that neighbours are `gap` apart and all stay on the map."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else max(height, top))
    limit = bottom
    for k in range(len(placed) - 1, -1, -1):
        placed[k] = min(placed[k], limit)
        limit = placed[k] - gap
    return placed
