"""What a column's cells look like: personal numbers, dates, small answers, words of a scale, ids of known people."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Set
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from kinerja.inputs.headers import plain, vocabulary
from kinerja.inputs.values import missing, to_dates, to_numbers

LOOKED_AT = 5_000
"""Rows of a column that are looked at."""

MOSTLY = 0.9
"""Share of a column's cells that must look alike."""


def given(column: pd.Series) -> pd.Series:
    """The cells that hold something."""
    head = column.head(LOOKED_AT)
    return head[[not missing(value) for value in head]]


def holds_numbers(column: pd.Series) -> bool:
    return _share(column, lambda cells: to_numbers(cells, None, ";").bad == "")


def holds_dates(column: pd.Series) -> bool:
    """Days, not numbers that could be read as such."""
    cells = given(column)
    if not len(cells) or (not _dates(cells) and holds_numbers(cells)):
        return False
    return _share(cells, lambda c: to_dates(c, True).bad == "")


def holds_answers(column: pd.Series) -> bool:
    """1-4 as numbers, or the words of a satisfaction survey."""
    from kinerja.inputs.values import to_answers

    cells = given(column)
    if not len(cells):
        return False
    read = to_answers(cells, ".")
    values = read.values.to_numpy()
    return bool(np.mean((read.bad == "") & (values >= 1) & (values <= 4) & (values == np.round(values))) >= MOSTLY)


def holds_personal_numbers(column: pd.Series) -> bool:
    """NIP (18 digits), as text or written in groups."""
    return _share(column, lambda cells: cells.map(lambda v: bool(re.fullmatch(r"\d{18}", _digits(v)))).to_numpy())


def holds_people(column: pd.Series, people: Set[str]) -> bool:
    """Ids of people who stand in the list of staff."""
    return bool(people) and _share(column, lambda cells: cells.map(lambda v: _digits(v) in people).to_numpy())


def people_in(column: pd.Series) -> frozenset[str]:
    """The ids in a column, compared without blanks, points and quotation marks."""
    return frozenset(_digits(value) for value in column if not missing(value))


def words_of_scale(column: pd.Series) -> Mapping[str, int] | None:
    """The cells' own words -> number, where all are words of one known scale."""
    found = {str(value).strip() for value in given(column)}
    if not found or len(found) > 8:
        return None
    fitting = [words for words in _rating_words() if all(plain(word) in words for word in found)]
    return {word: fitting[0][plain(word)] for word in sorted(found)} if fitting else None


def element_of(title: str) -> str | None:
    """The element that a question of the survey is about."""
    text = plain(title)
    return next((element for word, element in vocabulary("question").items() if word in text), None)


@cache
def _rating_words() -> tuple[Mapping[str, int], ...]:
    """Words that offices write for a rating, each set with its numbers from the lowest: rating_words.csv."""
    text = (files("kinerja.inputs.proposal") / "rating_words.csv").read_text(encoding="utf-8")
    sets: dict[str, dict[str, int]] = {}
    for row in csv.DictReader(text.splitlines()):
        sets.setdefault(row["set"], {})[row["word"]] = int(row["number"])
    return tuple(sets.values())


def _dates(cells: pd.Series) -> bool:
    return cells.dtype.kind == "M" or all(hasattr(value, "year") for value in cells.head(20))


def _digits(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip("'`’ ")
    bare = re.sub(r"[ .\-]", "", text)
    return bare if bare.isdigit() else text


def _share(column: pd.Series, test: Callable[[pd.Series], np.ndarray]) -> bool:
    cells = given(column)
    return bool(len(cells)) and bool(np.mean(test(cells)) >= MOSTLY)
