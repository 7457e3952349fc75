"""Counts and shares: the distribution over categories, the predikat matrix, which evidence carries an adjustment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.show.charts import Chart
from kinerja.show.charts.canvas import (
    BLUE,
    GRID,
    INK,
    PAPER,
    SERIES,
    SIZE,
    SOFT,
    Canvas,
    text_width,
    wrapped,
)  # fmt: skip
from kinerja.show.charts.words import listed, make_chart
from kinerja.show.tables import Column, code, header, number, percent, word

if TYPE_CHECKING:
    import pandas as pd

_ROW = 30.0


def distribution_chart(
    frame: pd.DataFrame,
    *,
    category: str = "category",
    count: str = "count",
    expected: str = "",
    language: wording.Language = "id",
    caption_key: str = "",
    caption: str = "",
    note_key: str = "",
    note: str = "",
    values: Mapping[str, Any] | None = None,
    name: str = "",
) -> Chart:
    """One bar a category, its count and share beside it; categories in the frame's order.

    expected : column of shares drawn as a line on each bar (a distribution pattern, advisory only)
    """
    names = [word(category, str(v), language) for v in frame[category]]
    counts = [float(v) for v in frame[count].fillna(0).astype(float)]
    total = sum(counts)
    shares = [c / total if total else 0.0 for c in counts]
    pattern = [float(v) for v in frame[expected].astype(float)] if expected else []

    def paint(width: float) -> Canvas:
        narrow = width < 500
        room = min(max(map(text_width, names), default=0), 110 if narrow else 220)
        shown = [wrapped(n, room) for n in names]
        numbers = [f"{wording.number(int(c), 0, language)} · {wording.percent(s, 0, language)}"
                   for c, s in zip(counts, shares, strict=True)]  # fmt: skip
        left, right = room + 18, width - max(map(text_width, numbers), default=0) - 14
        heights = [max(_ROW, 8 + (s.count("\n") + 1) * SIZE * 1.2) for s in shown]
        top = SIZE * 1.7 if pattern else 4.0
        canvas = Canvas(width, top + sum(heights) + 4)
        longest = max([*shares, *pattern], default=0) or 1.0
        y = top
        for k, tall in enumerate(heights):
            middle, length = y + tall / 2, (right - left) * shares[k] / longest
            canvas.text(left - 12, middle, shown[k], align="right")
            canvas.box(left, middle - 9, length, 18, BLUE)
            if pattern:
                x = left + (right - left) * pattern[k] / longest
                canvas.line([x, x], [middle - 13, middle + 13], INK, 2.2)
            canvas.text(width - 4, middle, numbers[k], align="right")
            y += tall
        canvas.line([left, left], [top, y], SOFT, 1)
        if pattern:
            canvas.line([left + 3, left + 3], [2, 16], INK, 2.2)
            canvas.text(left + 12, 9, wording.text("plots.expected", language), SOFT)
        return canvas

    largest = max(range(len(counts)), key=lambda k: counts[k], default=None)
    alt = wording.text(
        "plots.distribution.alt", language, n=int(total), k=len(names),
        top=names[largest] if largest is not None else wording.MISSING,
        share=wording.percent(shares[largest] if largest is not None else None, 0, language),
    )  # fmt: skip
    columns: list[str | Column] = [code(category), number(count, 0), percent("_share", label=header("share", language))]
    columns += [percent(expected, label=wording.text("plots.expected", language))] if expected else []
    return make_chart(
        paint, frame.assign(_share=shares), columns=columns, alt=alt, language=language, name=name,
        caption_key=caption_key, caption=caption, note_key=note_key, note=note, values=values,
    )  # fmt: skip


def matrix_chart(
    frame: pd.DataFrame,
    *,
    row: str,
    column: str,
    count: str = "count",
    cell: str = "predikat",
    rows: Sequence[str],
    columns: Sequence[str],
    language: wording.Language = "id",
    caption_key: str = "",
    caption: str = "",
    note_key: str = "",
    note: str = "",
    values: Mapping[str, Any] | None = None,
    name: str = "",
) -> Chart:
    """How many people fall into each cell of a grid (hasil kerja by perilaku); the cell's own name stands in it.

    rows, columns : the codes from the top down and from left to right
    cell : column with the cell's name (its predikat)
    """
    found = {(str(r), str(c)): (float(n), str(p)) for r, c, n, p in
             zip(frame[row], frame[column], frame[count].fillna(0).astype(float),
                 frame[cell] if cell in frame else [""] * len(frame), strict=True)}  # fmt: skip
    most = max((n for n, _ in found.values()), default=0.0) or 1.0
    row_names = [word(row, r, language) for r in rows]
    column_names = [word(column, c, language) for c in columns]

    def paint(width: float) -> Canvas:
        narrow = width < 500
        left = 8.0 if narrow else min(max(map(text_width, row_names)), 190) + 24
        box = (width - left - 4) / len(columns)
        heads = [wrapped(c, box - 8) for c in column_names]
        top = SIZE * 1.9 + max(h.count("\n") + 1 for h in heads) * SIZE * 1.2 + 6
        tall, above = 66.0, SIZE * 1.6 if narrow else 0.0
        canvas = Canvas(width, top + (tall + above) * len(rows) + 4)
        canvas.text(left + 2, SIZE * 0.8, header(column, language), SOFT)
        if not narrow:
            canvas.text(left - 14, top - SIZE, header(row, language), SOFT, align="right")
        for k, head in enumerate(heads):
            canvas.text(left + k * box + box / 2, top - 6, head, align="center", vertical="bottom")
        for i, r in enumerate(rows):
            y = top + i * (tall + above) + above
            if narrow:
                canvas.text(left + 2, y - SIZE * 0.75, row_names[i])
            else:
                canvas.text(left - 14, y + tall / 2, wrapped(row_names[i], 190), align="right")
            for k, c in enumerate(columns):
                n, predikat = found.get((r, c), (0.0, ""))
                x = left + k * box
                canvas.box(x + 1.5, y + 1.5, box - 3, tall - 3, BLUE, alpha=0.06 + 0.42 * n / most)
                words = wrapped(word(cell, predikat, language), box - 10) if predikat else ""
                canvas.text(x + box / 2, y + (17 if words else tall / 2), wording.number(int(n), 0, language),
                            align="center", bold=True)  # fmt: skip
                canvas.text(x + box / 2, y + 44, words, INK, align="center")
        return canvas

    total = int(sum(n for n, _ in found.values()))
    best = max(found, key=lambda key: found[key][0], default=("", ""))
    alt = wording.text(
        "plots.matrix.alt", language, n=total, row=header(row, language), column=header(column, language),
        top=f"{word(row, best[0], language)} / {word(column, best[1], language)}",
        count=wording.number(int(found[best][0]) if found else None, 0, language),
    )  # fmt: skip
    shown: list[str | Column] = [code(row), code(column)]
    shown += [code(cell)] if cell in frame else []
    return make_chart(
        paint, frame, columns=[*shown, number(count, 0)], alt=alt, language=language, name=name,
        caption_key=caption_key, caption=caption, note_key=note_key, note=note, values=values,
    )  # fmt: skip


def gate_chart(
    frame: pd.DataFrame,
    *,
    label: str = "rater",
    part: str = "source",
    share: str = "share",
    limit: float | None = None,
    parts: Sequence[str] = (),
    language: wording.Language = "id",
    caption_key: str = "",
    caption: str = "",
    note_key: str = "",
    note: str = "",
    values: Mapping[str, Any] | None = None,
    name: str = "",
) -> Chart:
    """How much of each row's adjustment is known, and from which evidence: stacked shares with the gate's limit.

    frame : one row a (label, part) with its share of the whole (0 to 1); what is missing to 1 is not known
    limit : the share below which no adjustment is made, drawn as a line
    parts : order of the evidence; the frame's own where it is not given
    """
    order = list(parts) or [str(p) for p in frame[part].dropna().unique()]
    known = {(str(a), str(b)): float(s) for a, b, s in
             zip(frame[label], frame[part], frame[share].fillna(0).astype(float), strict=True)}  # fmt: skip
    keys = list(dict.fromkeys(str(v) for v in frame[label]))
    totals = {key: sum(known.get((key, p), 0.0) for p in order) for key in keys}
    keys.sort(key=lambda key: (-totals[key], key))
    names = {key: word(label, key, language) for key in keys}

    def paint(width: float) -> Canvas:
        narrow = width < 500
        room = min(max((text_width(n) for n in names.values()), default=0), 96 if narrow else 220)
        left, right = room + 18, width - text_width("100 %") - 14
        legend = _legend_rows([word(part, p, language) for p in order], width)
        top = len(legend) * SIZE * 1.7 + (SIZE * 1.6 if limit is not None else 6)
        canvas = Canvas(width, top + 27.0 * len(keys) + 6)
        for line, entries in enumerate(legend):
            for x, k, words in entries:
                canvas.box(x, line * SIZE * 1.7 + 2, 11, 11, SERIES[k % len(SERIES)])
                canvas.text(x + 17, line * SIZE * 1.7 + 8, words, SOFT)
        for i, key in enumerate(keys):
            y, x = top + 27.0 * i, left
            canvas.text(left - 12, y + 13, wrapped(names[key], room), align="right")
            canvas.box(left, y + 5, right - left, 16, GRID)
            for k, p in enumerate(order):
                length = (right - left) * min(known.get((key, p), 0.0), 1.0)
                canvas.box(x, y + 5, length, 16, SERIES[k % len(SERIES)])
                if length > 2:
                    canvas.line([x + length] * 2, [y + 5, y + 21], PAPER, 1.2, layer=3)
                x += length
            canvas.text(width - 4, y + 13, wording.percent(totals[key], 0, language), align="right", bold=True)
        if limit is not None:
            x = left + (right - left) * limit
            canvas.line([x, x], [top - 3, top + 27.0 * len(keys)], INK, 1.3, dash=True)
            words = f"{wording.text('plots.limit', language)} {wording.percent(limit, 0, language)}"
            canvas.text(x, top - SIZE * 0.8, words, SOFT, align="center")
        return canvas

    below = [names[key] for key in keys if limit is not None and totals[key] < limit]
    alt = wording.text(
        "plots.gate.alt", language, n=len(keys), limit=wording.percent(limit, 0, language),
        names=listed(below, language) if below else wording.text("plots.none", language),
    )  # fmt: skip
    return make_chart(
        paint, frame, columns=[code(label), code(part), percent(share)], alt=alt, language=language, name=name,
        caption_key=caption_key, caption=caption, note_key=note_key, note=note, values=values,
    )  # fmt: skip


def _legend_rows(words: Sequence[str], width: float) -> list[list[tuple[float, int, str]]]:
    """(x, index, words) of a key, broken into lines that fit."""
    lines: list[list[tuple[float, int, str]]] = [[]]
    x = 4.0
    for k, name in enumerate(words):
        need = text_width(name) + 36
        if lines[-1] and x + need > width:
            lines.append([])
            x = 4.0
        lines[-1].append((x, k, name))
        x += need
    return lines
