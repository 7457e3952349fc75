"""The room of a workshop: which ratings its participants gave to the written cases, without a name, in memory only."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING, cast

from kinerja import wording
from kinerja.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

SCALE = (1, 5)
"""Lowest and highest point of a case; five levels as in the example office."""

_FIXED = ("case", "title_id", "title_en", "text_id", "text_en")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One written case.

    Fields
    ------
    case : its id
    titles, texts : language -> words
    key : item -> points (SCALE), the answer that the bank of cases gives
    """

    case: str
    titles: Mapping[str, str]
    texts: Mapping[str, str]
    key: Mapping[str, int]

    def title(self, language: wording.Language) -> str:
        return self.titles[language]

    def text(self, language: wording.Language) -> str:
        return self.texts[language]


@cache
def load_cases() -> tuple[Case, ...]:
    """The bank of cases, in the order of cases.csv."""
    source = files("kinerja.workshop") / "cases.csv"
    rows = list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))
    return tuple(_case(cast(dict[str, str], row)) for row in rows)


def items() -> tuple[str, ...]:
    """What is rated in each case."""
    return tuple(load_cases()[0].key)


@dataclass(eq=False, kw_only=True)
class Room:
    """Ratings of one session. Participants are numbered as they join; nothing else of them is kept, nothing is written.

    most : participants that one room takes (a projector's plot and a phone network both end there)
    most_cases : how many cases of the bank are rated, from the first; all where None
    """

    most: int = 200
    most_cases: int | None = None
    _tokens: dict[str, str] = field(default_factory=dict)
    _typed: dict[int, str] = field(default_factory=dict)
    _ratings: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def join(self) -> str:
        """A new participant's token, known to that participant's browser only.

        Raises
        ------
        ParameterError : the room is full
        """
        with self._lock:
            if len(self._tokens) >= self.most:
                raise ParameterError(
                    f"room: {self.most} participants have joined; it takes no more. Start another room."
                )
            token = secrets.token_urlsafe(12)
            self._tokens[token] = f"R{len(self._tokens) + 1:03d}"
            return token

    def rate(self, token: str, case: str, points: Mapping[str, int]) -> None:
        """Take one participant's points for one case; a second answer replaces the first.

        Raises
        ------
        ParameterError : unknown token, case or item, or points off the scale
        """
        known = {c.case for c in self.cases}
        allowed = range(SCALE[0], SCALE[1] + 1)
        if case not in known or not points or not set(points) <= set(items()):
            raise ParameterError(f"rating: found case {case[:40]!r}; a case of the bank with its items is expected.")
        if not all(type(value) is int and value in allowed for value in points.values()):
            raise ParameterError(f"rating: whole points from {SCALE[0]} to {SCALE[1]} are allowed.")
        with self._lock:
            rater = self._tokens.get(token)
            if rater is None:
                raise ParameterError("rating: the participant is not in this room. Open the page again.")
            for item, value in points.items():
                self._ratings[rater, case, item] = value

    def enter(self, rater: int, case: str, points: Mapping[str, int]) -> None:
        """Points typed in by the facilitator for someone without a phone; `rater` is a number, so never a name.

        Raises
        ------
        ParameterError : the number is none, or as in `rate`
        """
        if type(rater) is not int or not 1 <= rater <= self.most:
            raise ParameterError(f"rater: a whole number from 1 to {self.most} is expected.")
        with self._lock:
            # A token that no phone can guess: nobody else rates under a typed number.
            token = self._typed.setdefault(rater, secrets.token_urlsafe(12))
            self._tokens.setdefault(token, f"F{rater:03d}")
        self.rate(token, case, points)

    def clear(self) -> None:
        with self._lock:
            self._tokens.clear()
            self._typed.clear()
            self._ratings.clear()

    @property
    def cases(self) -> tuple[Case, ...]:
        """The cases of this room, in the order of the bank."""
        return load_cases()[: self.most_cases]

    @property
    def joined(self) -> int:
        """Participants who opened the page and pressed start, or for whom points were typed in."""
        with self._lock:
            return len(self._tokens)

    @property
    def participants(self) -> int:
        """Participants with at least one rating."""
        with self._lock:
            return len({rater for rater, _, _ in self._ratings})

    def rows(self) -> list[tuple[str, str, str, int]]:
        """rater, case, item, points; sorted."""
        with self._lock:
            return sorted((*key, value) for key, value in self._ratings.items())

    def ratings(self) -> pd.DataFrame:
        """The room as a canonical frame of ratings: a case is a ratee, a participant a rater."""
        return ratings_frame(self.rows())


def ratings_frame(rows: list[tuple[str, str, str, int]]) -> pd.DataFrame:
    """Rows of a room as canonical ratings."""
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["rater", "ratee", "item", "rating"])
    return frame.assign(period="room", role="supervisor", rating=frame["rating"].astype(float))


def key_frame() -> pd.DataFrame:
    """The bank's own points: ratee (the case), item, rating."""
    import pandas as pd

    rows = [(case.case, item, float(points)) for case in load_cases() for item, points in case.key.items()]
    return pd.DataFrame(rows, columns=["ratee", "item", "rating"])


def _case(row: Mapping[str, str]) -> Case:
    return Case(
        case=row["case"],
        titles={language: row[f"title_{language}"] for language in wording.LANGUAGES},
        texts={language: row[f"text_{language}"] for language in wording.LANGUAGES},
        key={name: int(value) for name, value in row.items() if name not in _FIXED},
    )
