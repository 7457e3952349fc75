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

from kinerja import places, wording
from kinerja.errors import DataError, ParameterError, Problem
from kinerja.evaluation import Evaluation, evaluate
from kinerja.evaluation.comparison import Comparison, compare
from kinerja.inputs import Inputs
from kinerja.results.shown import Shown

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
    decided, decided_by, decided_on : what people decided, filled in by them afterwards; all three or none
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

    @model_validator(mode="after")
    def _decided_by_somebody(self) -> Correction:
        given = [bool(self.decided.strip()), bool(self.decided_by.strip()), self.decided_on is not None]
        if any(given) and not all(given):
            raise ValueError("give `decided`, `decided_by` and `decided_on` together, or none of them")
        return self


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Appeal(Shown):
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
    DataError : the person is not in the run; a change matches no row, names a column that the table does not have,
        a person or unit that nobody knows, or makes a rating there twice
    """
    path = Path(correction_file)
    correction, digest = read_correction(path)
    if ratee is not None and ratee != correction.ratee:
        problem = _problem(path.name, "ratee", ratee, "appeal_person", expected=correction.ratee)
        raise ParameterError(wording.problem_message([problem]), [problem])
    return apply_correction(evaluation, correction, digest, name=path.name)


def apply_correction(evaluation: Evaluation, correction: Correction, sha256: str, *, name: str) -> Appeal:
    """The appeal of a correction that is read already, from its file or from a record.

    Raises
    ------
    DataError : see `appeal`
    """
    if correction.ratee not in set(evaluation.inputs.staff["ratee"].astype(str)):
        raise _refused(name, "ratee", correction.ratee, "appeal_not_in_run")
    inputs, rows = apply_changes(evaluation.inputs, correction.changes, name=name)
    corrected = evaluate(evaluation.parameters, inputs=inputs, held=evaluation.calibration)
    return Appeal(
        ratee=correction.ratee,
        correction=correction.model_dump(mode="json"),
        sha256=sha256,
        rows=rows,
        comparison=compare(evaluation, corrected, tolerance=1e-9),
        corrected=corrected,
    )


def read_correction(path: Path) -> tuple[Correction, str]:
    """The correction and the SHA-256 of its file, which is looked for as `places.tried` says.

    Raises
    ------
    ParameterError : unreadable, or not of this form; every problem named
    """
    try:
        content = places.found(path).read_bytes()
        raw = yaml.safe_load(content.decode("utf-8-sig"))
    except FileNotFoundError as error:
        problem = _problem(str(path), "", "", "missing_file", path=", ".join(map(str, places.tried(path))))
        raise ParameterError(wording.problem_message([problem]), [problem]) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        problem = _problem(path.name, "", type(error).__name__, "appeal_unreadable")
        raise ParameterError(wording.problem_message([problem]), [problem]) from error
    try:
        return Correction.model_validate(raw), hashlib.sha256(content).hexdigest()
    except ValidationError as error:
        problems = [
            _problem(path.name, ".".join(map(str, e["loc"])), _short(e["input"]), "appeal_form", rule=e["msg"])
            for e in error.errors(include_url=False)
        ]
        raise ParameterError(wording.problem_message(problems), problems) from error


def apply_changes(inputs: Inputs, changes: list[Change], *, name: str = "") -> tuple[Inputs, pd.DataFrame]:
    """The inputs with the changes made, and every value that changed; a value that was so already is left alone."""
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
            _known_value(inputs, column, value, name)
            differs = chosen & ~_equals(frame[column], value)
            if differs.any():
                old, frame[column] = frame[column], _with_value(frame[column], differs, value)
                rows += [(change.table, int(k), column, str(old[k]), str(frame.at[k, column]))
                         for k in frame.index[differs]]  # fmt: skip
        tables[change.table] = frame
        if change.table == "ratings":
            _once(frame, getattr(inputs, change.table), name)
    changed = pd.DataFrame(rows, columns=["table", "row", "column", "old", "new"])
    return replace(inputs, **tables), changed  # type: ignore[arg-type]


def _matching(frame: pd.DataFrame, change: Change, name: str) -> pd.Series[bool]:
    chosen = pd.Series(True, index=frame.index)
    for column, value in change.where.items():
        _known(frame, column, change.table, name)
        chosen &= _equals(frame[column], value)
    if not chosen.any():
        where = ", ".join(f"{column}={value}" for column, value in change.where.items())
        raise _refused(name, change.table, where, "appeal_no_row", table=change.table)
    return chosen


def _equals(column: pd.Series, value: Value) -> pd.Series[bool]:
    if value is None:
        return column.isna()
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
    return column.astype(object).mask(chosen, None if value is None else str(value)).astype(column.dtype)


def _known(frame: pd.DataFrame, column: str, table: str, name: str) -> None:
    if column not in frame:
        allowed = ", ".join(map(str, frame.columns))
        raise _refused(name, table, column, "appeal_column", table=table, allowed=allowed)


_NAMED_IN = {
    "ratee": (("staff", "ratee"),),
    "supervisor": (("staff", "ratee"), ("staff", "supervisor"), ("ratings", "rater")),
    "rater": (("staff", "ratee"), ("staff", "supervisor"), ("ratings", "rater")),
    "unit": (("staff", "unit"),),
    "period": (("staff", "period"),),
}
"""Columns that name somebody or something else, and where the run knows the name from."""


def _known_value(inputs: Inputs, column: str, value: Value, name: str) -> None:
    if column not in _NAMED_IN or value is None:
        return
    known = {str(v) for table, key in _NAMED_IN[column] for v in getattr(inputs, table)[key].dropna()}
    if str(value) not in known:
        raise _refused(name, column, str(value), "appeal_unknown", named=column)


def _once(frame: pd.DataFrame, before: pd.DataFrame, name: str) -> None:
    """A rating moved onto one that is there already would leave open which of the two counts."""
    key = [c for c in ("period", "ratee", "rater", "role", "item") if c in frame]
    twice = int(frame.duplicated(key).sum()) - int(before.duplicated(key).sum())
    if twice > 0:
        raise _refused(name, "ratings", str(frame[frame.duplicated(key)]["ratee"].iloc[0]), "appeal_twice", n=twice)


def _short(value: object) -> str:
    return str(value)[:60]


def _problem(where: str, column: str, found: str, code: str, **data: int | str) -> Problem:
    return Problem(where=where, column=column or None, found=found, code=code, data=data)


def _refused(where: str, column: str, found: str, code: str, **data: int | str) -> DataError:
    problem = _problem(where, column, found, code, **data)
    return DataError(wording.problem_message([problem]), [problem])


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
