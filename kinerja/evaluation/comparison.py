"""Two evaluations side by side: what changed, value by value, and why (data, parameters, rules, version).

The same comparison answers three questions: does a past run reproduce (`verify_run`), what is different from the last
period (`compare`), and whom does one correction move (an appeal).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.evaluation import Evaluation
from kinerja.parameters import Parameters
from kinerja.results.shown import Shown

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

KEYS = (
    "period", "level", "group", "unit", "service", "team", "ratee", "rater", "supervisor", "role", "item", "indicator",
    "facet", "element", "attribute", "reference", "outcome", "measure", "statistic", "category", "work", "behaviour",
    "predikat", "kind", "source", "parameter", "name", "file", "sheet", "row", "rule",
)  # fmt: skip
"""Columns that say which row a row is; those of a table that make its rows unique are its key."""

CAUSES = (
    *("inputs", "parameters", "rules", "prior", "decisions"),
    *("kinerja", "numpy", "pandas", "scipy", "statsmodels", "code"),
)
"""Parts of a run's identity, in the order in which a reader wants them ruled out."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Comparison(Shown):
    """Run B against run A.

    Fields
    ------
    causes : part, same (bool): which parts of the runs' identity are equal
    parameters : key, a, b: settings that differ, as text
    files : file, kind, same, in_a, in_b: inputs by content
    tables : table, rows_a, rows_b, only_a, only_b, cells, changed, largest (absolute change of a number)
    changes : table, key, column, a, b (text), change (b - a of numbers; NaN for words), one row a cell that differs
    persons : ratee, then of the persons' scores points_a, points_b, predikat_a, predikat_b, calibrated_a, calibrated_b,
        change; people whose row differs
    tolerance : absolute difference up to which numbers count as equal
    """

    causes: pd.DataFrame
    parameters: pd.DataFrame
    files: pd.DataFrame
    tables: pd.DataFrame
    changes: pd.DataFrame
    persons: pd.DataFrame
    tolerance: float

    @property
    def same(self) -> bool:
        """Whether every table is equal, value by value."""
        return self.changes.empty and not (self.tables[["only_a", "only_b"]].to_numpy() > 0).any()


def compare(a: Evaluation, b: Evaluation, *, tolerance: float = 0.0) -> Comparison:
    """Compare two evaluations, table by table.

    tolerance : numbers closer than this are equal (0 asks for the same value)
    """
    first, second = dict(result_tables(a)), dict(result_tables(b))
    empty = pd.DataFrame()
    rows, changes = [], []
    for name in dict.fromkeys([*first, *second]):
        row, cells = _compare_tables(name, first.get(name, empty), second.get(name, empty), tolerance)
        rows.append(row)
        changes.append(cells)
    columns = ["table", "rows_a", "rows_b", "only_a", "only_b", "cells", "changed", "largest"]
    known = [part for part in CAUSES if part in a.identity or part in b.identity]
    return Comparison(
        causes=pd.DataFrame({"part": known, "same": [a.identity.get(part) == b.identity.get(part) for part in known]}),
        parameters=compare_settings(a.parameters, b.parameters),
        files=_files(a, b),
        tables=pd.DataFrame(rows, columns=columns),
        changes=_stack(changes, ["table", "key", "column", "a", "b", "change"]),
        persons=_persons(a, b, tolerance),
        tolerance=tolerance,
    )


def result_tables(record: Any, prefix: str = "") -> Iterator[tuple[str, pd.DataFrame]]:
    """Every table inside a record, named by its dotted path."""
    for field in fields(record):
        value, name = getattr(record, field.name), f"{prefix}{field.name}"
        if isinstance(value, pd.DataFrame):
            yield name, value
        elif is_dataclass(value) and not isinstance(value, type):
            yield from result_tables(value, f"{name}.")


def _compare_tables(
    name: str, a: pd.DataFrame, b: pd.DataFrame, tolerance: float
) -> tuple[tuple[Any, ...], pd.DataFrame]:
    key = _key(a, b)
    left, right = _indexed(a, key), _indexed(b, key)
    shared = left.index.intersection(right.index, sort=False)
    columns = [c for c in left.columns if c in right.columns]
    x, y = left.loc[shared, columns], right.loc[shared, columns]
    cells = [_cells(name, column, x[column], y[column], tolerance) for column in columns]
    changes = _stack(cells, ["table", "key", "column", "a", "b", "change"])
    largest = changes["change"].abs().max() if len(changes) else 0.0
    only_a, only_b = len(left) - len(shared), len(right) - len(shared)
    return (name, len(a), len(b), only_a, only_b, len(shared) * len(columns), len(changes), largest), changes


def _key(a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """Columns that make the rows of both tables unique; none where nothing does (rows then compare by position)."""
    found = [c for c in KEYS if c in a.columns and c in b.columns]
    unique = found and not a.duplicated(found).any() and not b.duplicated(found).any()
    return found if unique else []


def _indexed(frame: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    if not key:
        return frame.reset_index(drop=True).rename(index=str)
    names = frame[key].astype(object).where(frame[key].notna(), "").astype(str)
    return frame.drop(columns=key).set_index(pd.Index(names.agg(" / ".join, axis=1), name="key"))


def _cells(table: str, column: str, a: pd.Series, b: pd.Series, tolerance: float) -> pd.DataFrame:
    """The cells of one column that differ."""
    if pd.api.types.is_numeric_dtype(a) and pd.api.types.is_numeric_dtype(b):
        x, y = a.to_numpy(float, na_value=np.nan), b.to_numpy(float, na_value=np.nan)
        equal = _alike(x, y, tolerance)
        with np.errstate(invalid="ignore"):
            change = y - x
    else:
        first, second = a.astype(object), b.astype(object)
        equal = ((first == second) | (first.isna() & second.isna())).to_numpy(bool)
        change = np.full(len(first), np.nan)
    where = ~equal
    return pd.DataFrame(
        {
            "table": table,
            "key": np.asarray(a.index)[where],
            "column": column,
            "a": [_text(value) for value in np.asarray(a, dtype=object)[where]],
            "b": [_text(value) for value in np.asarray(b, dtype=object)[where]],
            "change": change[where],
        }
    )


def _alike(x: Floats, y: Floats, tolerance: float) -> Flags:
    """Equal, both missing, or closer than the tolerance (infinities are equal to themselves)."""
    with np.errstate(invalid="ignore"):
        close = np.abs(x - y) <= tolerance
    return np.asarray(close | (x == y) | (np.isnan(x) & np.isnan(y)))


def _text(value: Any) -> str:
    missing = value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NaT
    return "" if missing else str(value)


def _stack(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    kept = [part for part in parts if len(part)]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=columns)


def compare_settings(a: Parameters, b: Parameters) -> pd.DataFrame:
    """Key, a, b of every setting that differs."""
    first, second = (dict(_flat(p.model_dump(mode="json"))) for p in (a, b))
    keys = [key for key in dict.fromkeys([*first, *second]) if first.get(key) != second.get(key)]
    rows = [(key, _text(first.get(key)), _text(second.get(key))) for key in keys]
    return pd.DataFrame(rows, columns=["key", "a", "b"])


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _files(a: Evaluation, b: Evaluation) -> pd.DataFrame:
    key = ["kind", "file", "sheet"]
    first, second = (run.inputs.files[[*key, "sha256"]].fillna("").drop_duplicates(key) for run in (a, b))
    both = first.merge(second, on=key, how="outer", suffixes=("_a", "_b"), sort=True)
    return both.assign(
        same=both["sha256_a"] == both["sha256_b"], in_a=both["sha256_a"].notna(), in_b=both["sha256_b"].notna()
    ).drop(columns=["sha256_a", "sha256_b"])


def _persons(a: Evaluation, b: Evaluation, tolerance: float) -> pd.DataFrame:
    """People whose points, predikat or calibrated score differ."""
    both = _scores(a).merge(_scores(b), on="ratee", how="outer", suffixes=("_a", "_b"), sort=True)
    moved = np.zeros(len(both), dtype=bool)
    for name in ("points", "calibrated"):
        moved |= ~_alike(both[f"{name}_a"].to_numpy(float), both[f"{name}_b"].to_numpy(float), tolerance)
    moved |= (both["predikat_a"].fillna("") != both["predikat_b"].fillna("")).to_numpy(bool)
    calibrated = both["calibrated_b"] - both["calibrated_a"]
    both["change"] = calibrated.where(calibrated.notna(), both["points_b"] - both["points_a"])
    return both[moved].reset_index(drop=True)


def _scores(run: Evaluation) -> pd.DataFrame:
    columns = ["ratee", "points", "predikat"]
    if run.scores is None:
        return pd.DataFrame(columns=[*columns, "calibrated"])
    people = run.scores.ratees[columns]
    calibration = getattr(run, "calibration", None)
    if calibration is None:
        return people.assign(calibrated=np.nan)
    return people.merge(calibration.persons[["ratee", "calibrated"]], on="ratee", how="left")
