"""The inputs of a run: CSV, XLSX and Parquet files -> canonical tidy frames, pseudonymised at the door.

Every problem of every file is collected before anything is refused. No row is lost silently: it is kept, listed in
`left_out` with its reason, or a problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from kinerja import wording
from kinerja.errors import DataError
from kinerja.inputs.checks import (
    check_aggregated,
    check_indicators,
    check_published,
    check_ratings,
    check_responses,
    check_staff,
    check_units,
)
from kinerja.inputs.columns import KINDS, columns_of, kept
from kinerja.inputs.door import protect
from kinerja.inputs.formats.large import is_summarised, summarise_responses
from kinerja.inputs.period import Stock
from kinerja.inputs.problems import FILE_COLUMNS, Ledger
from kinerja.inputs.rows import default_roles, ids_for_names, prepare
from kinerja.inputs.tables import FILE, HEADER, ROW, read_table
from kinerja.parameters import Period, Privacy, Source, Sources
from kinerja.results import Finding
from kinerja.results.shown import Shown
from kinerja.rules import latest, load_rules


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Inputs(Shown):
    """What the files of a run say, in canonical columns.

    Fields
    ------
    staff : ratee, unit, team, service, position, grade, supervisor, period, declared groups [, name where kept]
    ratings : period, ratee, rater, role, item, rating, date
    indicators : period, ratee or unit, indicator, target, target_high, realisation, measure, polarity, weight, date
    responses : period, date, unit, service, team, ratee, channel, nine elements, comment, response, attributes
    aggregated : period, unit, element, mean, n, std_error
    published : period, unit, element, value, grade
    files : kind, file, sha256, format, encoding, delimiter, sheet, rows_read, rows_kept, rows_in_period
    left_out : file, row (1-based, as a spreadsheet shows it), column, value, reason (`reason.<code>`)
    findings : what a reader must know of the files
    settings : the arguments after defaults, and the scale that ratings were checked against

    Properties
    ----------
    counts : ratees, raters, ratings, indicators, responses
    """

    staff: pd.DataFrame
    ratings: pd.DataFrame
    indicators: pd.DataFrame
    responses: pd.DataFrame
    aggregated: pd.DataFrame
    published: pd.DataFrame
    files: pd.DataFrame
    left_out: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many people, raters and records came in, over all periods read."""
        people = pd.concat([self.staff["ratee"], self.ratings["ratee"], self.indicators["ratee"]]).dropna()
        return {
            "ratees": int(people.nunique()),
            "raters": int(self.ratings["rater"].nunique()),
            "ratings": len(self.ratings),
            "indicators": len(self.indicators),
            "responses": len(self.responses),
        }


def _answers(period: Period) -> tuple[float, float]:
    """Scale of the survey in the SKM rule of the period, of the latest one where none was in force."""
    rules = load_rules(on=period.day)
    lowest, highest = (rules.values("skm") if rules.in_force("skm") else latest("skm"))["scale"]
    return float(lowest), float(highest)


def read_sources(
    sources: Sources,
    *,
    period: Period,
    privacy: Privacy,
    groups: Sequence[str] = (),
    attributes: Sequence[str] = (),
    scale: tuple[float, float] | None = None,
    answers: tuple[float, float] | None = None,
    names: Mapping[Path, str] | None = None,
) -> Inputs:
    """Read and check every source of a run.

    sources : with located paths (`Parameters.located_sources`)
    period : the evaluated period; rows of earlier periods are kept, rows of later ones are left out; a kind of source
        without any row of it is a problem
    groups, attributes : further columns of staff and of responses
    scale : lowest and highest rating; None infers a usual scale from the data
    answers : lowest and highest answer of the survey; None takes the SKM rule's
    names : located path -> the file as the user wrote it; None shows the file's name

    Raises
    ------
    DataError : one Problem for everything wrong in any file
    ParameterError : the key of the pseudonyms cannot be used
    """
    ledger, stock = Ledger(), Stock()
    answers = answers or _answers(period)
    frames, headers = _read_all(sources, period, groups, attributes, answers, names or {}, ledger, stock)
    for kind, raw in frames.items():
        frames[kind] = prepare(kind, raw, period, headers, ledger)
        stock.take(kind, raw, frames[kind], period, ledger)
    stock.check(period, headers, ledger)
    ids_for_names(frames)
    default_roles(frames, ledger)
    frames = check_units(frames, headers, ledger)
    frames["staff"] = check_staff(frames["staff"], headers, ledger)
    staff = frames["staff"]
    frames["ratings"] = check_ratings(frames["ratings"], staff, period.id, scale, headers, ledger)
    frames["indicators"] = check_indicators(frames["indicators"], staff, period.id, headers, ledger)
    frames["responses"] = check_responses(frames["responses"], answers, headers, ledger)
    frames["aggregated"] = check_aggregated(frames["aggregated"], headers, ledger)
    frames["published"] = check_published(frames["published"], headers, ledger)
    frames = protect(frames, privacy, headers, ledger)
    if ledger.problems:
        raise DataError(wording.problem_message(ledger.problems), ledger.problems)
    extra = {"staff": tuple(groups), "responses": tuple(attributes)}
    files = _files(ledger, frames, period.id)
    finished = {kind: _finished(kind, frame, extra.get(kind, ()), privacy.keep_names) for kind, frame in frames.items()}
    settings = {
        "period": period.id,
        "day": period.day,
        "groups": tuple(groups),
        "attributes": tuple(attributes),
        "scale": scale,
        "answers": answers,
        "pseudonyms": privacy.key_file is not None,
    }
    return Inputs(**finished, files=files, left_out=ledger.left_out, findings=ledger.findings, settings=settings)


def _read_all(
    sources: Sources,
    period: Period,
    groups: Sequence[str],
    attributes: Sequence[str],
    answers: tuple[float, float],
    names: Mapping[Path, str],
    ledger: Ledger,
    stock: Stock,
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, str]]]:
    frames: dict[str, pd.DataFrame] = {}
    headers: dict[str, dict[str, str]] = {}
    summaries: list[pd.DataFrame] = []
    for kind in KINDS:
        extra = tuple({"staff": groups, "responses": attributes}.get(kind, ()))
        parts = []
        for source in getattr(sources, kind):
            stock.expect(kind, _name(source, names))
            if kind == "responses" and is_summarised(source):
                summary = summarise_responses(source, _name(source, names), period, extra, answers, ledger, stock)
                if summary is not None:
                    summaries.append(summary)
                continue
            table = read_table(kind, source, _name(source, names), period, extra, ledger)
            if table is not None:
                parts.append(table.frame)
                headers.setdefault(_name(source, names), {}).update(table.headers)
        frames[kind] = pd.concat(parts, ignore_index=True) if parts else _empty(kind, extra)
        if parts:
            _check_extra(kind, extra, frames[kind], ledger)
    if summaries:
        frames["aggregated"] = pd.concat([frames["aggregated"], *summaries], ignore_index=True)
    return frames, headers


def _name(source: Source, names: Mapping[Path, str]) -> str:
    name = names.get(source.path, source.path.name)
    return f"{name} [{source.sheet}]" if source.sheet is not None else name


def _empty(kind: str, extra: Sequence[str]) -> pd.DataFrame:
    dtype = {"number": "float64", "answer": "float64", "date": "datetime64[ns]"}
    columns = {n: pd.Series(dtype=dtype.get(c.holds, object)) for n, c in columns_of(kind, tuple(extra)).items()}
    columns.pop("year", None)
    marks = {FILE: pd.Series(dtype=object), ROW: pd.Series(dtype="int64"), HEADER: pd.Series(dtype=object)}
    return pd.DataFrame(columns | marks)


def _check_extra(kind: str, extra: Sequence[str], frame: pd.DataFrame, ledger: Ledger) -> None:
    for column in extra:
        if frame[column].isna().all():
            ledger.problem(str(frame[FILE].iloc[0]), "extra_missing", column=column, kind=kind)


def _files(ledger: Ledger, frames: Mapping[str, pd.DataFrame], period: str) -> pd.DataFrame:
    for file in ledger.files:
        rows = frames[file["kind"]]
        rows = rows[rows[FILE] == file["file"]]
        if not file["rows_kept"]:
            file["rows_kept"] = int(rows[ROW].nunique())
            file["rows_in_period"] = int(rows.loc[rows["period"] == period, ROW].nunique())
        file["file"] = file["name"]
    return pd.DataFrame(ledger.files, columns=list(FILE_COLUMNS))


def _finished(kind: str, frame: pd.DataFrame, extra: tuple[str, ...], keep_names: bool) -> pd.DataFrame:
    """Canonical columns only, one type a column, sorted so that the order of the files' rows does not matter."""
    columns = list(kept(kind, extra))
    if kind == "staff" and keep_names:
        columns.append("name")
    frame = frame[columns]
    texts = {c: _text_typed(frame[c]) for c in columns if frame[c].dtype.kind not in "fM"}
    frame = frame.assign(**texts)
    order = [c for c in columns if frame[c].notna().any()]
    return frame.sort_values(order, kind="stable", ignore_index=True) if order else frame.reset_index(drop=True)


def _text_typed(column: pd.Series) -> pd.Series:
    """Text as pandas itself stores it; a column without any value stays an empty object column."""
    if not column.notna().any():
        return pd.Series(None, index=column.index, dtype=object)
    if isinstance(column.dtype, pd.StringDtype):
        return column
    return pd.Series(column.astype(object).where(column.notna(), None).tolist(), index=column.index)
