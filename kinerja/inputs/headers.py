"""Where a table's header is and which of its columns is which: aliases, merged headers, total rows."""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from kinerja.inputs.columns import WIDE, columns_of
from kinerja.inputs.formats.table import RawTable
from kinerja.parameters import Source

SEARCHED_ROWS = 30
"""Title rows above a header are looked for down to here."""

DEEPEST_HEADER = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Header:
    """The header found in a table.

    Fields
    ------
    first, depth : position (0-based) of its first line in the cells, and how many lines it has
    titles : one text a column, merged parts joined; empty where a column has none
    columns : canonical name -> column position
    items : wide layout: item -> column position
    unused : positions of columns with a title that nothing was made of
    wide : whether the table is read as wide
    score : how many columns were recognised
    """

    first: int
    depth: int
    titles: tuple[str, ...]
    columns: Mapping[str, int]
    items: Mapping[str, int]
    unused: tuple[int, ...]
    wide: bool
    score: int


def plain(text: object) -> str:
    """Lower case, without accents, punctuation, leading numbers and doubled spaces: how titles are compared."""
    letters = unicodedata.normalize("NFKD", str(text)).casefold()
    words = re.sub(r"[^0-9a-z#]+", " ", "".join(c for c in letters if not unicodedata.combining(c))).strip()
    return re.sub(r"^(?:[a-z]?\d{1,2} )+(?=[a-z])", "", words)


@cache
def aliases() -> Mapping[str, tuple[str, ...]]:
    """Canonical name -> its aliases, compared with `plain`; the first alias is the surest."""
    found: dict[str, list[str]] = {}
    path = files("kinerja.inputs") / "aliases.csv"
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        found.setdefault(row["canonical"], []).append(row["alias"])
    return {name: tuple(dict.fromkeys(plain(alias) or alias for alias in known)) for name, known in found.items()}


@cache
def vocabulary(group: str) -> Mapping[str, str]:
    """Alias -> value for the words of a column: `role`, `polarity`, `answer`, `missing`, `month`, `item`, `footer`."""
    return {
        alias: name.partition("=")[2]
        for name, known in aliases().items()
        if name.startswith(f"{group}=")
        for alias in known
    }


def near(word: str, known: Iterable[str], most: int = 3) -> str:
    """The most similar of the known words, for a way out; all of them when few and none is similar."""
    known = list(dict.fromkeys(str(k) for k in known))
    table = {plain(k) or k: k for k in known}
    close = difflib.get_close_matches(plain(word) or word, list(table), n=most, cutoff=0.6)
    return ", ".join(table[c] for c in close) or ", ".join(known[:12])


def find_header(table: RawTable, kind: str, source: Source, extra: Sequence[str] = ()) -> Header:
    """The most convincing header; one with `score` 0 where nothing was recognised."""
    if table.headers is not None:
        return _read(kind, source, extra, table.headers, -1, 0)
    top = [
        [_text(value) for value in line]
        for line in table.cells.head(SEARCHED_ROWS + DEEPEST_HEADER).itertuples(index=False, name=None)
    ]
    best: Header | None = None
    for first in range(min(SEARCHED_ROWS, len(top))):
        if not any(top[first]):
            continue
        for depth in _depths(table, first):
            lines = top[first : first + depth]
            if len(lines) < depth or (depth > 1 and not _stacked(lines)):
                break
            if depth > 1:
                lines = [_spread(line, lines[i + 1 :], table, first + i) for i, line in enumerate(lines[:-1])]
                lines.append(top[first + depth - 1])
            titles = _joined(lines)
            found = _read(kind, source, extra, titles, first, depth)
            if best is None or found.score > best.score:
                best = found
    if best is None:
        return _read(kind, source, extra, (), 0, 1)
    return best


def _text(value: object) -> str:
    if value is None or value != value:  # NaN is not itself
        return ""
    return re.sub(r"\s+", " ", str(value).replace("\u200b", "").replace("\ufeff", "")).strip()


def _stacked(lines: list[list[str]]) -> bool:
    """Whether lines can be one header: no numbers below but short counters, and gaps that a merge leaves."""
    below = [cell for line in lines[1:] for cell in line if cell]
    if not below or any(re.fullmatch(r"[-\d.,/%: ]{3,}", cell) for cell in below):
        return False
    gaps = [any(not cell for cell in line) for line in lines]
    both = any(all(line[j] for line in lines[-2:]) for j in range(len(lines[0])))
    return any(gaps) and both


def _depths(table: RawTable, first: int) -> tuple[int, ...]:
    """How many lines a header may have: what merged titles of a workbook span, where at least two of them do."""
    row = int(table.rows[first])
    spans = [m[2] - m[0] + 1 for m in table.merged if m[0] == row and m[1] == m[3] and m[2] > m[0]]
    shown = max(set(spans), key=spans.count) if len(spans) >= 2 else 0
    return (shown,) if 2 <= shown <= DEEPEST_HEADER else tuple(range(1, DEEPEST_HEADER + 1))


def _spread(line: list[str], lower: list[list[str]], table: RawTable, position: int) -> list[str]:
    """A group's title over all the columns that it spans."""
    row = int(table.rows[position])
    filled = list(line)
    spans = [m for m in table.merged if m[0] <= row <= m[2]]
    for _, left, _, right in spans:
        filled[left - 1 : right] = [filled[left - 1]] * (min(right, len(filled)) - left + 1)
    if not spans:
        for j in range(1, len(filled)):
            if not filled[j] and filled[j - 1] and any(part[j] for part in lower):
                filled[j] = filled[j - 1]
    return filled


def _joined(lines: list[list[str]]) -> tuple[str, ...]:
    return tuple(" / ".join(dict.fromkeys(part for part in parts if part)) for parts in zip(*lines, strict=True))


def _parts(title: str) -> tuple[str, ...]:
    """A merged title's readings, the surest first: the whole, its lowest part, its highest part."""
    pieces = title.split(" / ")
    return (title,) if len(pieces) == 1 else (title, pieces[-1], pieces[0])


def _read(kind: str, source: Source, extra: Sequence[str], titles: Sequence[str], first: int, depth: int) -> Header:
    """Name the columns: the parameters first, then aliases; the surest alias wins, then the leftmost column."""
    place: dict[str, int] = {}
    taken: set[int] = set()
    exact = {title: j for j, title in reversed(list(enumerate(titles))) if title}
    loose = {
        plain(part): j for j, title in reversed(list(enumerate(titles))) for part in reversed(_parts(title)) if title
    }

    def located(header: str) -> int | None:
        return exact.get(header.strip(), loose.get(plain(header)))

    for name, header in source.columns.items():
        if (at := located(header)) is not None:
            place[name] = at
            taken.add(at)
    items = {item: at for item, header in source.items.items() if (at := located(header)) is not None}
    taken |= set(items.values())
    known = columns_of(kind, tuple(extra))
    wanted = [
        name for name in known if name not in place and name not in source.constants and name not in source.columns
    ]
    bids = []
    for j, title in enumerate(titles):
        if j in taken or not title:
            continue
        for order, part in enumerate(_parts(title)):
            word = plain(part)
            for name in wanted:
                words = aliases().get(name, ()) if name not in extra else (plain(name), *aliases().get(name, ()))
                if word in words:
                    bids.append((words.index(word), order, j, name))
    for _, _, j, name in sorted(bids):
        if name not in place and j not in taken:
            place[name] = j
            taken.add(j)
    if kind == "responses":
        _questions(titles, place, taken)
    score = len(place) + len(items)
    wide, items = _items(kind, source, titles, place, items, taken)
    taken |= set(items.values())
    ignored = set(aliases()["number"]) | set(aliases()["total"])
    unused = tuple(j for j, t in enumerate(titles) if t and j not in taken and plain(t) not in ignored)
    return Header(
        first=first,
        depth=depth,
        titles=tuple(titles),
        columns=place,
        items=items,
        unused=unused,
        wide=wide,
        # Columns that become items only because nothing else is known of them do not make a line a header.
        score=score + len(items) if score else 0,
    )


def _questions(titles: Sequence[str], place: dict[str, int], taken: set[int]) -> None:
    """Whole questions, as form tools export them: the element whose words stand in the question."""
    for j, title in enumerate(titles):
        text = plain(title)
        if j in taken or text.count(" ") < 3:
            continue
        found = [element for word, element in vocabulary("question").items() if word in text]
        if found and found[0] not in place:
            place[found[0]] = j
            taken.add(j)


def _items(
    kind: str, source: Source, titles: Sequence[str], place: dict[str, int], items: dict[str, int], taken: set[int]
) -> tuple[bool, dict[str, int]]:
    """Whether the table is wide, and which of its columns are items when the parameters do not list them."""
    if kind not in WIDE:
        return False, {}
    if source.items:
        return True, items
    item, value = WIDE[kind]
    chosen = source.layout == "wide"
    if not chosen and ("layout" in source.model_fields_set or value in place or item in place):
        return False, {}
    group = "item" if kind == "ratings" else "element"
    words = vocabulary("item") if group == "item" else element_names()
    known = {}
    for j, title in enumerate(titles):
        name = next((words[plain(part)] for part in _parts(title) if plain(part) in words), None) if title else None
        if j not in taken and name is not None and name not in known:
            known[name] = j
    if len(known) >= 3 or (known and chosen):
        return True, known
    if not chosen:
        return False, {}
    ignored = set(aliases()["number"]) | set(aliases()["total"])
    rest = {t: j for j, t in reversed(list(enumerate(titles))) if t and j not in taken and plain(t) not in ignored}
    return True, dict(reversed(rest.items()))


@cache
def element_names() -> Mapping[str, str]:
    """Alias -> element of the nine unsur, and the index."""
    from kinerja.inputs.columns import ELEMENTS

    named = {alias: element for element in ELEMENTS for alias in aliases().get(element, ())}
    return named | dict.fromkeys(vocabulary("element"), "index")


def body(table: RawTable, header: Header) -> tuple[pd.DataFrame, np.ndarray]:
    """The cells below the header and their spreadsheet rows; cells merged downwards hold their value in each row."""
    start = max(header.first + header.depth, 0)
    cells, rows = table.cells.iloc[start:], table.rows[start:]
    downwards = [m for m in table.merged if m[2] > m[0] and m[1] == m[3] and m[0] > start]
    if downwards:
        cells = cells.copy()
        for top, column, bottom, _ in downwards:
            value: Any = cells.iat[top - 1 - start, column - 1]
            cells.iloc[top - 1 - start : bottom - start, column - 1] = value
    return cells, rows


def footer_mask(cells: pd.DataFrame, keys: Sequence[int], hints: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Which lines are totals, and which are remarks below (or signatures): (total, remark), each (n,) bool.

    keys : columns that make a line a record; a total lacks one of them, or has its own word there
    hints : columns with a title
    """
    n = len(cells)
    blank = np.column_stack([is_blank(cells[j]) for j in hints]) if hints else np.zeros((n, 0), dtype=bool)
    held = {j: ~blank[:, k] for k, j in enumerate(hints)}
    has_keys = np.logical_and.reduce([held[j] for j in keys]) if keys else np.zeros(n, dtype=bool)
    lead, lonely_text = _leads(cells, list(hints)[:6], held)
    own_word = np.zeros(n, dtype=bool)
    for j in keys:
        own_word |= _by_value(cells[j], partial(_is_footer, word="total"))
    total = ((lead == "total") & ~has_keys) | own_word
    filled = (~blank).sum(axis=1)
    # One long text alone in a line, where a record has several cells: a place and date, a signature, a remark.
    lonely = (filled == 1) & (len(hints) >= 4) & lonely_text
    recorded = (has_keys if keys else np.ones(n, dtype=bool)) & ~total & ~lonely
    after = np.arange(n) > (np.flatnonzero(recorded).max() if recorded.any() else -1)
    sparse = (filled <= 2) | (filled < 0.3 * max(len(hints), 1))
    remark = ~total & ~recorded & sparse & (after | lonely | (lead == "note")) & (filled > 0)
    return total, remark


def _leads(cells: pd.DataFrame, first: Sequence[int], held: Mapping[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Of each line's first text: its footer word, and whether it has three words or more."""
    lead = np.full(len(cells), "", dtype=object)
    long = np.zeros(len(cells), dtype=bool)
    waiting = np.ones(len(cells), dtype=bool)
    for j in first:
        here = waiting & held[j]
        if here.any():
            column = cells[j]
            for word in ("total", "note"):
                lead[here & _by_value(column, partial(_is_footer, word=word))] = word
            long |= here & _by_value(column, lambda v: isinstance(v, str) and len(v.split()) >= 3)
            waiting &= ~here
    return lead, long


_MARKS = " ('\"*"


def _footer_word(value: object) -> str:
    """`total` for a word like Jumlah alone (`Jumlah laporan` is an indicator), `note` for the start of a remark."""
    if not isinstance(value, str) or len(value) > 200 or not value.strip(_MARKS)[:3].isalpha():
        return ""
    words, text = vocabulary("footer"), plain(value)
    return words.get(text) or ("note" if words.get(text.partition(" ")[0]) == "note" else "")


def _is_footer(value: object, word: str) -> bool:
    return _footer_word(value) == word


def _by_value(column: pd.Series, test: Callable[[Any], bool]) -> np.ndarray:
    """(n,) bool: a test made once for each distinct value."""
    if column.dtype.kind in "ifMb":
        return np.zeros(len(column), dtype=bool)
    codes, uniques = pd.factorize(column)
    return np.array([*(test(value) for value in uniques), False], dtype=bool)[codes]


def is_blank(column: pd.Series) -> np.ndarray:
    """(n,) bool: empty, or white space only."""
    if column.dtype.kind in "ifMbu":
        return column.isna().to_numpy()
    codes, uniques = pd.factorize(column)
    empty = np.array([isinstance(u, str) and not u.strip("\u200b\ufeff \t\r\n\xa0") for u in uniques], dtype=bool)
    return np.where(codes < 0, True, empty[codes] if len(empty) else True)
