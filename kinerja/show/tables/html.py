"""A `Table` as accessible HTML and as aligned text."""

from __future__ import annotations

from html import escape

from kinerja import wording
from kinerja.show.tables import Column, Table

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


_FOLDED = 400
"""Rows a page holds at most; the spreadsheet holds all."""

_LONG = 28
"""Letters from which a column of text needs room on a phone."""


def table_html(table: Table) -> str:
    """Caption, headers with scope, one scroll container a keyboard can reach, footnotes for what is missing.

    Rows beyond `table.limit` stand in a second table that opens on demand.
    """
    notes = _footnotes(table)
    count = len(table.rows) if table.limit is None else min(table.limit, len(table.rows))
    shown = _scroll(table, range(count), notes, table.caption)
    return f'<div class="kj-table">{shown}{_notes_html(table, notes, count)}{_rest(table, notes, count)}</div>'


def _scroll(table: Table, rows: range, notes: list[str], caption: str) -> str:
    kinds = [_class(table, k) for k in range(len(table.columns))]
    head = "".join(
        f'<th scope="col"{kind}{_title(c)}>{escape(c.label)}</th>' for c, kind in zip(table.columns, kinds, strict=True)
    )
    body = "".join(_row_html(table, row, notes, kinds) for row in rows)
    region = f' role="region" aria-label="{escape(caption or table.sheet)}" tabindex="0"'
    title = f"<caption><span>{escape(caption)}</span></caption>" if caption else ""
    table_of = f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="kj-scroll"{region}>{table_of}</div>'


def _rest(table: Table, notes: list[str], count: int) -> str:
    """The rows that are not shown at once."""
    last = min(len(table.rows), count + _FOLDED)
    if last == count:
        return ""
    words = escape(wording.text("tables.rest", table.language, n=last - count))
    rows = _scroll(table, range(count, last), notes, f"{table.caption} ({count + 1}–{last})")
    return f'<details class="kj-more"><summary>{words}</summary>{rows}</details>'


def table_text(table: Table) -> str:
    """Columns aligned, numbers to the right."""
    grid = [[c.label for c in table.columns]]
    grid += [[_shown(table, row, k) for k in range(len(table.columns))] for row in range(len(table.rows))]
    widths = [max(len(line[k]) for line in grid) for k in range(len(table.columns))]
    lines = [table.caption] if table.caption else []
    for line in grid:
        cells = [
            cell.rjust(width) if column.numeric else cell.ljust(width)
            for cell, width, column in zip(line, widths, table.columns, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    lines += [f"{_LETTERS[k % 26]}) {mark}" for k, mark in enumerate(_footnotes(table))]
    return "\n".join([*lines, table.note] if table.note else lines)


def _row_html(table: Table, row: int, notes: list[str], kinds: list[str]) -> str:
    cells = []
    for k, kind in enumerate(kinds):
        tag, scope = ("th", ' scope="row"') if k == 0 else ("td", "")
        cells.append(f"<{tag}{scope}{kind}>{escape(_shown(table, row, k))}{_mark(table, row, k, notes)}</{tag}>")
    withheld = ' class="kj-withheld"' if table.suppressed and table.suppressed[row] else ""
    return f"<tr{withheld}>{''.join(cells)}</tr>"


def _shown(table: Table, row: int, k: int) -> str:
    if table.rows[row][k] is None and table.suppressed and table.suppressed[row] and table.columns[k].numeric:
        return wording.text("tables.withheld", table.language)
    return table.shown(row, k)


def _mark(table: Table, row: int, k: int, notes: list[str]) -> str:
    """The footnote's letter beside a missing figure."""
    reason = table.marks[row] if table.marks else ""
    if not reason or table.rows[row][k] is not None or not table.columns[k].numeric:
        return ""
    return f"<sup>{_LETTERS[notes.index(reason) % 26]}</sup>"


def _footnotes(table: Table) -> list[str]:
    """The different reasons of missing figures, in the order of the rows."""
    missing = [any(v is None and c.numeric for v, c in zip(r, table.columns, strict=True)) for r in table.rows]
    return list(dict.fromkeys(mark for mark, gap in zip(table.marks, missing, strict=False) if mark and gap))


def _notes_html(table: Table, notes: list[str], count: int) -> str:
    lines = [f"<p><sup>{_LETTERS[k % 26]}</sup> {escape(mark)}</p>" for k, mark in enumerate(notes)]
    if table.note:
        lines.append(f"<p>{escape(table.note)}</p>")
    if count < len(table.rows):
        more = wording.text("tables.more", table.language, shown=count, n=len(table.rows), sheet=table.sheet)
        lines.append(f"<p>{escape(more)}</p>")
    return f'<div class="kj-notes">{"".join(lines)}</div>' if lines else ""


def _class(table: Table, k: int) -> str:
    if table.columns[k].numeric:
        return ' class="kj-num"'
    longest = max((len(table.shown(row, k)) for row in range(len(table.rows))), default=0)
    return ' class="kj-long"' if longest > _LONG else ""


def _title(column: Column) -> str:
    return f' title="{escape(column.definition)}"' if column.definition else ""
