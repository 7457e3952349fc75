"""The fairness checks: a check is one file, one line of CHECKS and its words.

From outside the package, a check is an entry point of the group `kinerja.fairness` whose value is a `Check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pandas as pd

from kinerja.errors import ParameterError
from kinerja.fairness import cells, change, check_table, decomposition, drf, screens, similarity, strata_table
from kinerja.fairness.check import Check, Given, Tables
from kinerja.registry import added
from kinerja.results import Finding

GROUP = "kinerja.fairness"
"""Entry points of this group add checks from other packages."""

OWN = (
    check_table.CHECK,
    strata_table.CHECK,
    decomposition.CHECK,
    change.CHECK,
    drf.CHECK,
    similarity.CHECK,
    screens.CHECK,
    cells.CHECK,
)
"""Checks whose tables are fields of `Fairness`, in the order of their findings."""

CHECKS: tuple[Check, ...] = ()
"""Further checks of the package: their tables go to `Fairness.more`."""


@cache
def more() -> tuple[Check, ...]:
    """The checks beside OWN: the package's further ones, then those that other packages add.

    Raises
    ------
    ParameterError : an entry point gives something else than a `Check`, or a name that is taken
    """
    return (*CHECKS, *added(GROUP, Check, [check.name for check in (*OWN, *CHECKS)]))


def run_checks(given: Given) -> tuple[Tables, Tables, tuple[Finding, ...]]:
    """The tables of OWN, those of the others, and all findings: the groups', then check by check.

    Raises
    ------
    ParameterError : a check's table has other columns than the check names
    """
    own = {check.name: _table(check, given) for check in OWN}
    others = {check.name: _table(check, given) for check in more()}
    tables = {**own, **others}
    findings = (finding for check in (*OWN, *more()) for finding in check.findings(given, tables))
    return own, others, (*_groups(given), *findings)


def _table(check: Check, given: Given) -> pd.DataFrame:
    table = check.run(given)
    if list(table.columns) != list(check.columns):
        raise ParameterError(
            f"check_fairness: the table of {check.name} has the columns {', '.join(map(str, table.columns))}; "
            f"its check names {', '.join(check.columns)}. Make them the same."
        )
    return table


def _groups(given: Given) -> Iterator[Finding]:
    """What is not known of the groups themselves."""
    for attribute in given.missing:
        yield Finding(level="caution", code="group_unknown", data={"attribute": attribute})
    for attribute in given.attributes:
        unknown = int(given.persons[attribute].isna().sum())
        if unknown:
            yield Finding(
                level="note",
                code="group_values_missing",
                data={"attribute": attribute, "n": unknown, "total": len(given.persons)},
            )
