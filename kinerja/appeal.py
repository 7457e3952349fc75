"""An appeal: the period again with one named correction; whom it moves, and the record that a reviewer can replay.

The correction is a small YAML file. It says who asked, why, and which recorded rows are wrong. People decide on it;
nothing of the original run is changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kinerja.comparison import Comparison, compare_evaluations
from kinerja.errors import DataError, ParameterError
from kinerja.evaluation import Evaluation, evaluate
from kinerja.sources import Inputs

TABLES = ("staff", "ratings", "indicators", "responses")
Value = str | int | float | date | None


class Change(BaseModel):
    """Rows of one canonical table that are wrong: `where` names them, `set` gives the right values, or they go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: Literal["staff", "ratings", "indicators", "responses"]
    where: Annotated[dict[str, Value], Field(min_length=1)]
    set: dict[str, Value] = Field(default_factory=dict)
    remove: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Change:
        if bool(self.set) == self.remove:
            raise ValueError("give either `set` (the right values) or `remove: true`")
        return self


class Correction(BaseModel):
    """One appeal's correction.

    ratee : whom it concerns; asked_by, asked_on, reason : for the record
    changes : applied in this order
    decided, decided_by, decided_on : what people decided, filled in by them afterwards
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ratee: str
    asked_by: Annotated[str, Field(min_length=1)]
    asked_on: date
    reason: Annotated[str, Field(min_length=10)]
    changes: Annotated[list[Change], Field(min_length=1)]
    decided: str = ""
    decided_by: str = ""
    decided_on: date | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Appeal:
    """What the correction does.

    Fields
    ------
    ratee, correction (as read), sha256 (of its file)
    rows : table, row (position among the canonical rows), column, old, new: every value that was changed; a removed row
        has column "" and new "removed"
    comparison : the corrected run against the original
    corrected : the corrected run
    """

    ratee: str
    correction: dict[str, Any]
    sha256: str
    rows: pd.DataFrame
    comparison: Comparison
    corrected: Evaluation


def appeal(evaluation: Evaluation, correction_file: str | Path, *, ratee: str | None = None) -> Appeal:
    """Evaluate the period again with the correction.

    evaluation : the run that is appealed against; its variance parameters and evidence are held, so that only what the
        correction itself moves is moved
    ratee : must be the person that the correction names

    Raises
    ------
    ParameterError : the file is not a correction, or names another person
    DataError : a change matches no row, or names a column that the table does not have
    """
    path = Path(correction_file)
    correction, digest = read_correction(path)
    if ratee is not None and ratee != correction.ratee:
        raise ParameterError(
            f"{path.name}: found ratee {correction.ratee!r}; {ratee!r} is expected. Correct one of the two."
        )
    inputs, rows = apply_changes(evaluation.inputs, correction.changes, name=path.name)
    corrected = evaluate(evaluation.parameters, inputs=inputs, held=evaluation.calibration)
    return Appeal(
        ratee=correction.ratee,
        correction=correction.model_dump(mode="json"),
        sha256=digest,
        rows=rows,
        comparison=compare_evaluations(evaluation, corrected, tolerance=1e-9),
        corrected=corrected,
    )


def read_correction(path: Path) -> tuple[Correction, str]:
    """The correction and the SHA-256 of its file.

    Raises
    ------
    ParameterError : unreadable, or not of this form; every problem named
    """
    try:
        content = path.read_bytes()
        raw = yaml.safe_load(content.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParameterError(
            f"{path.name}: found {type(error).__name__}; a readable YAML correction is expected."
        ) from error
    try:
        return Correction.model_validate(raw), hashlib.sha256(content).hexdigest()
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        raise ParameterError(f"{path.name}: {found}. docs/appeal.md shows a correction.") from error


def apply_changes(inputs: Inputs, changes: list[Change], *, name: str = "") -> tuple[Inputs, pd.DataFrame]:
    """The inputs with the changes made, and every value that changed."""
    tables: dict[str, pd.DataFrame] = {}
    rows: list[tuple[str, int, str, str, str]] = []
    for change in changes:
        frame = tables.get(change.table, getattr(inputs, change.table)).copy()
        chosen = _matching(frame, change, name)
        if change.remove:
            rows += [(change.table, int(k), "", "", "removed") for k in frame.index[chosen]]
            tables[change.table] = frame[~chosen].reset_index(drop=True)
            continue
        for column, value in change.set.items():
            _known(frame, column, change.table, name)
            rows += [(change.table, int(k), column, str(frame.at[k, column]), str(value)) for k in frame.index[chosen]]
            frame[column] = _with_value(frame[column], chosen, value)
        tables[change.table] = frame
    changed = pd.DataFrame(rows, columns=["table", "row", "column", "old", "new"])
    return replace(inputs, **tables), changed  # type: ignore[arg-type]


def _matching(frame: pd.DataFrame, change: Change, name: str) -> pd.Series[bool]:
    chosen = pd.Series(True, index=frame.index)
    for column, value in change.where.items():
        _known(frame, column, change.table, name)
        chosen &= _equals(frame[column], value)
    if not chosen.any():
        where = ", ".join(f"{column}={value}" for column, value in change.where.items())
        raise DataError(f"{name}: {change.table}: no row has {where}. Look the values up in the data (kinerja check).")
    return chosen


def _equals(column: pd.Series, value: Value) -> pd.Series[bool]:
    if isinstance(value, date):
        return pd.to_datetime(column).dt.date == value
    if isinstance(value, (int, float)) and pd.api.types.is_numeric_dtype(column):
        return column == value
    return column.astype(object).map(lambda found: str(found) == str(value))


def _with_value(column: pd.Series, chosen: pd.Series[bool], value: Value) -> pd.Series:
    """The column with the value set; a date in a date column, a number in a column of numbers, else text."""
    if isinstance(value, date):
        return column.mask(chosen, pd.Timestamp(value))
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(float).mask(chosen, float("nan") if value is None else float(value))
    return column.astype(object).mask(chosen, None if value is None else str(value))


def _known(frame: pd.DataFrame, column: str, table: str, name: str) -> None:
    if column not in frame:
        raise DataError(f"{name}: {table} has no column {column!r}; it has {', '.join(map(str, frame.columns))}.")


def appeal_record(found: Appeal, original: Evaluation) -> Mapping[str, Any]:
    """What is kept: who asked, what changed, whom it moves, what was decided, and what is needed to replay it."""
    return {
        "run": original.id,
        "identity": dict(original.identity),
        "correction": found.correction,
        "correction_sha256": found.sha256,
        "changed": found.rows.to_dict("records"),
        "moved": found.comparison.persons.astype(object)
        .where(found.comparison.persons.notna(), None)
        .to_dict("records"),
    }
