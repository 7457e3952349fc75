"""One table of an office's files -> what it can be: the kind, its columns by name, by question, by content, by join."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from kinerja.inputs.columns import ELEMENTS, KINDS
from kinerja.inputs.formats.table import RawTable
from kinerja.inputs.headers import Header, aliases, body, plain, vocabulary
from kinerja.inputs.proposal.content import (
    element_of,
    given,
    holds_answers,
    holds_dates,
    holds_numbers,
    holds_people,
    holds_personal_numbers,
    people_in,
    words_of_scale,
)
from kinerja.inputs.values import to_numbers
from kinerja.privacy import is_personal_number

BY_NAME, BY_QUESTION, BY_JOIN, BY_CONTENT = 0.95, 0.85, 0.75, 0.6
"""How sure a column is, by what its place rests on."""

GROUPS = ("gender", "generation", "employment_status")
PROFILE = ("gender", "age", "education", "occupation", "employment_status")
"""Columns declared beside the canonical ones; religion and marital status only where the office adds them itself."""

MOST_CATEGORIES = 15
"""A group with more values than this (ages in years, postal codes) is no group."""

MOST_OF_A_SCALE = 100.0

OF_STAFF = tuple(column.name for column in KINDS["staff"])
"""Columns of a list of staff, which are never ratings."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Reading:
    """One table as it stands: the most convincing header, the header as each kind would have it, cells below."""

    path: Path
    table: RawTable
    header: Header
    headers: Mapping[str, Header]
    cells: pd.DataFrame
    delimiter: str

    @property
    def is_list_of_people(self) -> bool:
        """Nearly as many people as rows, or a person once a period, and no ratings beside."""
        staff = self.headers["staff"]
        described = set(staff.columns) & {"unit", "position", "grade", "supervisor", "supervisor_name", "team", "name"}
        ratings = self.headers["ratings"].columns
        single = {"rating", "item"} & set(ratings) or "indicator" in self.headers["indicators"].columns
        return len(described) >= 2 and not single


@dataclass(eq=False, kw_only=True)
class Draft:
    """One kind that a table can be; columns: (canonical, place, confidence, evidence)."""

    reading: Reading
    kind: str
    header: Header
    cells: pd.DataFrame
    columns: list[tuple[str, int, float, str]]
    items: dict[str, int] = field(default_factory=dict)
    wide: bool = False
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    doubled: bool = False

    def at(self, name: str) -> int | None:
        return next((j for known, j, _, _ in self.columns if known == name), None)

    def place(self, name: str, at: int, sure: float, why: str) -> None:
        self.columns.append((name, at, sure, why))

    @property
    def free(self) -> list[int]:
        """Columns with a title that have no place yet."""
        used = {j for _, j, _, _ in self.columns} | set(self.items.values())
        aside = set(aliases()["number"]) | set(aliases()["total"])
        return [
            j
            for j, t in enumerate(self.header.titles)
            if t and j not in used and plain(t.split(" / ")[-1]) not in aside
        ]

    @property
    def names_people(self) -> bool:
        """Whether people are known by NIP, NIK or name: those ids need pseudonyms."""
        for name in ("ratee", "rater", "supervisor"):
            at = self.at(name)
            if at is not None and any(is_personal_number(i) for i in people_in(self.cells[at])):
                return True
        known = {name for name, *_ in self.columns}
        above = {"staff": ("supervisor_name", "supervisor"), "ratings": ("rater_name", "rater")}.get(self.kind)
        by_name = "name" in known and "ratee" not in known and self.kind in ("staff", "ratings", "indicators")
        return by_name or (above is not None and above[0] in known and above[1] not in known)

    @property
    def confidence(self) -> float:
        needed = [sure for name, _, sure, _ in self.columns if name not in self.extra]
        return min(needed, default=BY_CONTENT) if self.columns else 0.0

    def ratings(self) -> np.ndarray:
        """Every rating as a number, (n,)."""
        places = list(self.items.values()) or [j for j in [self.at("rating")] if j is not None]
        words = {k: float(v) for k, v in self.values.get("rating", {}).items()}
        parts = [
            _numbers(self.cells[j].map(lambda v: words.get(str(v).strip(), v)), self.reading.delimiter) for j in places
        ]
        return np.concatenate(parts) if parts else np.array([])


def draft_kinds(reading: Reading, people: Set[str]) -> list[Draft]:
    """What the table can be: one kind, or two where a sheet of ratings is a list of staff as well."""
    ratings, indicators = _ratings(reading, people), _indicators(reading, people)
    answers, figures = _responses(reading), _figures(reading)
    staff = draft_staff(reading, people)
    if indicators and not (ratings and ratings.wide):
        return [indicators]
    if answers:
        return [answers]
    if figures:
        return [figures]
    found = [draft for draft in (ratings,) if draft]
    if staff and (not ratings or (ratings.wide and reading.is_list_of_people)):
        staff.doubled = bool(ratings)
        return [staff, *found]
    return found


def _start(reading: Reading, kind: str) -> Draft:
    header = reading.headers[kind] if reading.headers[kind].score else reading.header
    cells, _ = body(reading.table, header) if header.first >= 0 else (reading.table.cells, None)
    columns = [(name, j, _by_name(name, header.titles[j]), "name") for name, j in header.columns.items()]
    columns = [
        (name, j, BY_QUESTION, "question")
        if name in ELEMENTS and header.titles[j].count(" ") >= 3
        else (name, j, sure, why)
        for name, j, sure, why in columns
    ]
    return Draft(
        reading=reading,
        kind=kind,
        header=header,
        cells=cells,
        columns=columns,
        items=dict(header.items),
        wide=header.wide,
    )


def _by_name(name: str, title: str) -> float:
    """A title that is the canonical word itself is surest; one that several columns share is less sure."""
    words = aliases().get(name, ())
    part = next((p for p in (title, *title.split(" / ")[::-1]) if plain(p) in words), "")
    return BY_NAME if not part or words.index(plain(part)) < max(len(words) // 2, 3) else BY_NAME - 0.05


def draft_staff(reading: Reading, people: Set[str]) -> Draft | None:
    """The table as a list of staff; None where it has no people, or says nothing of them."""
    draft = _start(reading, "staff")
    if draft.at("ratee") is None:
        _place_first(draft, "ratee", lambda cells: holds_personal_numbers(cells) and given(cells).is_unique, BY_CONTENT)
    if draft.at("ratee") is None and draft.at("name") is None:
        return None
    ids = people_in(draft.cells[draft.at("ratee")]) if draft.at("ratee") is not None else people
    if draft.at("supervisor") is None and draft.at("supervisor_name") is None:
        _place_first(draft, "supervisor", lambda cells: holds_people(cells, ids), BY_JOIN, "join")
    described = {"unit", "position", "grade", "supervisor", "supervisor_name", "team", "service"}
    if not described & {name for name, *_ in draft.columns}:
        return None
    _declare(draft, GROUPS)
    return draft


def _ratings(reading: Reading, people: Set[str]) -> Draft | None:
    draft = _start(reading, "ratings")
    if draft.at("ratee") is None and draft.at("name") is None:
        _place_first(draft, "ratee", lambda cells: holds_people(cells, people), BY_JOIN, "join")
    if draft.at("ratee") is None and draft.at("name") is None:
        _place_first(draft, "ratee", holds_personal_numbers, BY_CONTENT)
    if draft.at("ratee") is None and draft.at("name") is None:
        return None
    if draft.at("rater") is None and draft.at("rater_name") is None:
        staff = reading.headers["staff"].columns
        above = next(
            (staff[c] for c in ("supervisor", "supervisor_name") if c in staff and staff[c] in draft.free), None
        )
        if above is not None:
            draft.place("rater" if "supervisor" in staff else "rater_name", above, BY_NAME - 0.1, "name")
        else:
            _place_first(draft, "rater", lambda cells: holds_people(cells, people), BY_JOIN, "join")
    if draft.at("rater") is None and draft.at("rater_name") is None:
        return None
    _ratings_or_items(draft)
    if draft.at("rating") is None and not draft.items:
        return None
    rater = draft.at("rater") if draft.at("rater") is not None else draft.at("rater_name")
    title = plain(draft.header.titles[rater]) if rater is not None else ""
    if draft.at("role") is None and any(word in title for word in ("atasan", "pejabat", "supervisor", "manager")):
        draft.constants["role"] = "supervisor"
    _place_date(draft)
    return draft


def _ratings_or_items(draft: Draft) -> None:
    """The rating, or a column an item: whatever of the scale's numbers (or words) stands in columns without a place."""
    places = [j for j in [draft.at("rating")] if j is not None] or list(draft.items.values())
    if not places:
        other = {j for name in OF_STAFF for j in [draft.reading.headers["staff"].columns.get(name)] if j is not None}
        other |= {j for j in [draft.reading.headers["indicators"].columns.get("target")] if j is not None}
        places = [j for j in draft.free if j not in other and _is_rating(draft.cells[j], draft.reading.delimiter)]
        if len(places) == 1:
            draft.place("rating", places[0], BY_CONTENT, "content")
        elif places:
            draft.items = {_item_name(draft.header.titles[j]): j for j in places}
            draft.wide = True
    elif draft.items:
        more = [j for j in draft.free if _same_scale(draft, j)]
        draft.items |= {_item_name(draft.header.titles[j]): j for j in more}
    words = [found for j in places if (found := words_of_scale(draft.cells[j]))]
    if words:
        draft.values["rating"] = {word: str(number) for found in words for word, number in found.items()}


def _item_name(title: str) -> str:
    words = vocabulary("item")
    parts = title.split(" / ")
    return next((words[plain(part)] for part in (title, parts[-1]) if plain(part) in words), parts[-1])


def _is_rating(cells: pd.Series, delimiter: str) -> bool:
    if words_of_scale(cells):
        return True
    if not holds_numbers(cells) or holds_dates(cells) or holds_personal_numbers(cells):
        return False
    values = _numbers(cells, delimiter)
    values = values[np.isfinite(values)]
    return bool(len(values)) and bool(np.quantile(values, 0.95) <= MOST_OF_A_SCALE and values.min() >= 0)


def _same_scale(draft: Draft, at: int) -> bool:
    first = _numbers(draft.cells[next(iter(draft.items.values()))], draft.reading.delimiter)
    values = _numbers(draft.cells[at], draft.reading.delimiter)
    known, mine = first[np.isfinite(first)], values[np.isfinite(values)]
    whole = len(mine) > 0 and bool(np.all(mine == np.round(mine)))
    return bool(len(known)) and whole and holds_numbers(draft.cells[at]) and bool(mine.max() <= known.max() + 1)


def _indicators(reading: Reading, people: Set[str]) -> Draft | None:
    draft = _start(reading, "indicators")
    if draft.at("indicator") is None or draft.at("realisation") is None:
        return None
    if draft.at("ratee") is None and draft.at("unit") is None and draft.at("name") is None:
        _place_first(draft, "ratee", lambda cells: holds_people(cells, people), BY_JOIN, "join")
    if draft.at("ratee") is None and draft.at("unit") is None and draft.at("name") is None:
        return None
    _place_date(draft)
    return draft


def _responses(reading: Reading) -> Draft | None:
    draft = _start(reading, "responses")
    draft.columns = [c for c in draft.columns if c[0] not in ELEMENTS or holds_answers(draft.cells[c[1]])]
    for j in draft.free:
        element = element_of(draft.header.titles[j])
        if element and draft.at(element) is None and holds_answers(draft.cells[j]):
            draft.place(element, j, BY_QUESTION, "question")
    found = [name for name, *_ in draft.columns if name in ELEMENTS]
    if len(found) < 3 or (
        draft.at("ratee") is not None and reading.headers["ratings"].columns.get("rater") is not None
    ):
        return None
    _place_date(draft)
    if draft.at("comment") is None:
        _place_first(draft, "comment", _is_prose, BY_CONTENT)
    _declare(draft, PROFILE)
    return draft


def _figures(reading: Reading) -> Draft | None:
    """Published or aggregated figures: a unit, an element or the index, and means."""
    for kind, value in (("aggregated", "mean"), ("published", "value")):
        draft = _start(reading, kind)
        if draft.at("unit") is None or draft.at("ratee") is not None or reading.headers["ratings"].columns.get("rater"):
            continue
        whole = draft.at("element") is not None or draft.wide or kind == "published"
        if whole and (draft.at(value) is not None or draft.wide):
            return draft
    return None


def _is_prose(cells: pd.Series) -> bool:
    texts = [str(value) for value in given(cells)]
    return bool(texts) and float(np.mean([len(text.split()) >= 3 for text in texts])) > 0.5


def _place_date(draft: Draft) -> None:
    if draft.at("date") is None:
        _place_first(draft, "date", holds_dates, BY_CONTENT)


def _place_first(draft: Draft, name: str, test: Callable[[pd.Series], bool], sure: float, why: str = "content") -> None:
    fitting = [j for j in draft.free if test(draft.cells[j])]
    if fitting:
        # Of two columns with ids of people, the one with more people is the rated one; else the leftmost.
        at = max(fitting, key=lambda j: len(people_in(draft.cells.iloc[:, j]))) if name == "ratee" else fitting[0]
        draft.place(name, at, sure, why)


def _declare(draft: Draft, names: tuple[str, ...]) -> None:
    """Groups and attributes by their usual names, where they have few values."""
    for name in names:
        known = aliases().get(name, ())
        at = next((j for j in draft.free if any(plain(p) in known for p in draft.header.titles[j].split(" / "))), None)
        if at is not None and 2 <= given(draft.cells[at]).nunique() <= MOST_CATEGORIES:
            draft.place(name, at, BY_NAME, "name")
            draft.extra += (name,)


def _numbers(cells: pd.Series, delimiter: str) -> np.ndarray:
    return np.asarray(to_numbers(cells, None, delimiter).values, dtype=float)
