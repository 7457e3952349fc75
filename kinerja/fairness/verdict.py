"""A family of tests: multiplicity control, and the three verdicts `shown`, `not_shown`, `cannot_tell`."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kinerja.multiplicity import Family, adjust
from kinerja.results import OK

Array = NDArray[np.float64]
SUPPRESSED = "suppressed"
"""`status` of a row that was computed but is not printed, since it would reveal a group that is too small."""

KEPT = ("attribute", "group", "reference", "outcome", "measure", "n_group", "n_reference", "n", "family", "family_size",
        "verdict", "review", "status", "reason")  # fmt: skip
"""Columns that say nothing of the people's scores."""


def adjust_within(table: pd.DataFrame, p: str, families: pd.Series, family: Family) -> pd.Series:
    """Adjusted p of every row, each family (equal value in `families`) by itself."""
    adjusted = pd.Series(np.nan, index=table.index, dtype=float)
    for _, rows in table.groupby(families, sort=True).groups.items():
        adjusted.loc[rows] = adjust(table.loc[rows, p], family)
    return adjusted


def verdict(*, tested: bool, p_adjusted: float, level: float, room: float, material: float) -> tuple[str, str]:
    """(verdict, reason). Three-valued, and `cannot_tell` wherever the other two are not earned.

    shown : the adjusted p is under `level`
    not_shown : it is not, and the interval has no room for a gap of `material` standard deviations, either way
    cannot_tell : not tested at all, or the interval still has room for such a gap

    room : the largest gap, in standard deviations, that the interval holds. To find nothing is not to have ruled it
        out: at 20 against 20 persons the interval is wider than half a standard deviation whatever the data say.
    """
    if not tested or not np.isfinite(p_adjusted):
        return "cannot_tell", ""
    if p_adjusted < level:
        return "shown", ""
    if np.isfinite(room) and room < material:
        return "not_shown", ""
    return "cannot_tell", "low_power"


def is_tested(status: pd.Series) -> pd.Series:
    return status.isin([OK, SUPPRESSED])


def hide(table: pd.DataFrame, rows: pd.Series, kept: Collection[str]) -> pd.DataFrame:
    """The table with the figures of `rows` blanked, all columns but `kept`; their verdicts stay, their status says
    why.
    """
    rows = rows.astype(bool) & (table["status"] == OK)
    if not rows.any():
        return table
    table = table.copy()
    for column in [c for c in table.columns if c not in (*kept, *KEPT)]:
        if table[column].dtype.kind == "f":
            table.loc[rows, column] = np.nan
        else:
            table.loc[rows, column] = "" if table[column].dtype == object else pd.NA
    table.loc[rows, "status"] = SUPPRESSED
    table.loc[rows, "reason"] = "complement"
    return table


def typed(
    table: pd.DataFrame, text: Collection[str], integers: Collection[str], flags: Collection[str]
) -> pd.DataFrame:
    """One dtype a column, whatever the rows: text, nullable integers, nullable booleans, and floats for all the
    rest.
    """
    kinds = (
        dict.fromkeys(table.columns, "float64")
        | {c: "object" for c in text if c in table}
        | {c: "Int64" for c in integers if c in table}
        | {c: "boolean" for c in flags if c in table}
    )
    finished = table.astype(kinds)
    for column in (c for c in text if c in table):
        finished[column] = finished[column].where(finished[column].notna(), "")
    return finished
