"""What a fairness check is: how its table is made, what its columns are, what a reader must know of it.

A check is one file with a `Check` at its end and one line of `checks.CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kinerja.fairness.groups import Comparison
from kinerja.multiplicity import Family
from kinerja.results import Finding


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every check of one run shares; see `check_fairness` for the meaning of each."""

    minimum: int
    confidence: float
    family: Family
    power: float
    material: float
    top: tuple[str, ...]
    bottom: tuple[str, ...]
    clusters: tuple[str, ...]

    @property
    def level(self) -> float:
        """Test level: the complement of the intervals' confidence, so that a test and its interval say the same."""
        return 1 - self.confidence


@dataclass(frozen=True, kw_only=True)
class Options:
    """What single checks are told; see `check_fairness` for the meaning of each."""

    strata: tuple[str, ...]
    matched_on: str
    explained_by: tuple[str, ...]
    changes: tuple[tuple[str, str], ...]
    minimum_cell: int
    scale: tuple[float, float] | None
    deadline_days: int
    permutations: int
    seed: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Given:
    """What a check looks at: the same for all, and no check changes it.

    Fields
    ------
    persons : (n,) one row a person: ratee, unit, supervisor, the outcomes in points or categories, the group columns
        and their intersections
    staff : the staff list, a row a person and period
    attributes : the declared group columns that the staff list has; missing : those that it has not
    single : comparisons of two groups of one attribute; pairs : of crossed attributes, above the floor only
    outcomes : those that `persons` holds values of
    ratings, residuals : see `check_fairness`; None without
    settings : what all checks share; options : what single ones are told
    """

    persons: pd.DataFrame
    staff: pd.DataFrame
    attributes: tuple[str, ...]
    missing: tuple[str, ...]
    single: tuple[Comparison, ...]
    pairs: tuple[Comparison, ...]
    outcomes: tuple[str, ...]
    ratings: pd.DataFrame | None
    residuals: pd.DataFrame | None
    settings: Settings
    options: Options


Tables = Mapping[str, pd.DataFrame]
"""Name of a check -> its table."""


def _nothing(given: Given, tables: Tables) -> Iterable[Finding]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check.

    Fields
    ------
    name : snake_case; of its table, and of the table's caption `fairness.<name>` in words.csv
    columns : of its table, with or without rows
    run : makes the table; numbers of a row whose `status` is "suppressed" are never shown
    findings : what a reader must know, once the tables of all checks are there
    """

    name: str
    columns: Sequence[str]
    run: Callable[[Given], pd.DataFrame]
    findings: Callable[[Given, Tables], Iterable[Finding]] = _nothing


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each by column name."""
    return [{str(k): v for k, v in row.items()} for row in table.to_dict(orient="records")]
