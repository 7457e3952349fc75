"""The canonical tables: which columns each kind of input has, what each may hold, and what a row cannot be without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kinerja.rules.lookup import questionnaire_elements

ELEMENTS = questionnaire_elements()
"""The unsur of the SKM rules, by name: their numbers differ between systems."""

ROLES = ("supervisor", "second_supervisor", "peer", "subordinate", "self")
POLARITIES = ("maximize", "minimize_difference", "minimize_ratio", "stabilize", "range", "range_minimize")

Holds = Literal["person", "text", "number", "date", "period", "role", "polarity", "element", "answer", "year"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One canonical column.

    Fields
    ------
    name : canonical name
    holds : what its cells are read as
    required : a row without it is a problem
    key : a row without any key is no record at all (title, footer, total)
    helper : read, used, and not kept (names, a year beside a triwulan)
    """

    name: str
    holds: Holds = "text"
    required: bool = False
    key: bool = False
    helper: bool = False


def _helper(name: str, holds: Holds = "text") -> Column:
    return Column(name=name, holds=holds, helper=True)


def _key(name: str, holds: Holds = "text", required: bool = True) -> Column:
    return Column(name=name, holds=holds, required=required, key=True)


_PERIOD = Column(name="period", holds="period")
_DATE = Column(name="date", holds="date")
_YEAR = _helper("year", "year")

KINDS: Mapping[str, tuple[Column, ...]] = {
    "staff": (
        _key("ratee", "person"),
        Column(name="unit"),
        Column(name="team"),
        Column(name="service"),
        Column(name="position"),
        Column(name="grade"),
        Column(name="supervisor", holds="person"),
        _PERIOD,
        _helper("name"),
        _helper("supervisor_name"),
        _YEAR,
    ),
    "ratings": (
        _PERIOD,
        _key("ratee", "person"),
        _key("rater", "person"),
        Column(name="role", holds="role"),
        Column(name="item"),
        Column(name="rating", holds="number"),
        _DATE,
        _helper("name"),
        _helper("rater_name"),
        _YEAR,
    ),
    "indicators": (
        _PERIOD,
        _key("ratee", "person", required=False),
        _key("unit", required=False),
        _key("indicator"),
        Column(name="target", holds="number"),
        Column(name="target_high", holds="number"),
        Column(name="realisation", holds="number"),
        Column(name="measure"),
        Column(name="polarity", holds="polarity"),
        Column(name="weight", holds="number"),
        _DATE,
        _helper("name"),
        _YEAR,
    ),
    "responses": (
        _PERIOD,
        _DATE,
        Column(name="unit"),
        Column(name="service"),
        Column(name="team"),
        Column(name="ratee", holds="person"),
        Column(name="channel"),
        *(Column(name=element, holds="answer", key=True) for element in ELEMENTS),
        Column(name="comment"),
        Column(name="response"),
        _helper("name"),
        _helper("phone"),
        _YEAR,
    ),
    "aggregated": (
        _PERIOD,
        _key("unit"),
        _key("element", "element"),
        Column(name="mean", holds="number"),
        Column(name="n", holds="number"),
        Column(name="std_error", holds="number"),
        _YEAR,
    ),
    "published": (
        _PERIOD,
        _key("unit"),
        Column(name="element", holds="element"),
        Column(name="value", holds="number"),
        Column(name="grade"),
        _YEAR,
    ),
}
"""Canonical columns of each kind, in the order the frames have them."""

WIDE: Mapping[str, tuple[str, str]] = {
    "ratings": ("item", "rating"),
    "indicators": ("indicator", "realisation"),
    "aggregated": ("element", "mean"),
    "published": ("element", "value"),
}
"""Wide layout: the column that the headers become, and the column that the cells become."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "staff": ("ratee",),
    "ratings": ("ratee", "rater", "rating"),
    "indicators": ("indicator", "realisation"),
    "responses": (),
    "aggregated": ("unit", "element", "mean"),
    "published": ("unit", "value"),
}
"""Columns that a file of the kind must have (as a column, a wide layout or a constant)."""


def kept(kind: str, extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The columns of the canonical frame of a kind, declared extra columns (groups, respondents' attributes) last."""
    own = tuple(column.name for column in KINDS[kind] if not column.helper)
    return own + tuple(name for name in extra if name not in own)


def columns_of(kind: str, extra: tuple[str, ...] = ()) -> dict[str, Column]:
    """Canonical name -> Column, helpers included; extra columns hold text."""
    known = {column.name: column for column in KINDS[kind]}
    return known | {name: Column(name=name) for name in extra if name not in known}
