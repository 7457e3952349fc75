"""Rows as records: a kind's defaults, required cells, periods, and the day up to which data count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from kinerja.inputs.columns import ELEMENTS, KINDS
from kinerja.inputs.problems import Ledger
from kinerja.inputs.tables import FILE, HEADER, OVERALL, ROW, dated
from kinerja.inputs.values import period_span
from kinerja.parameters import Period

Headers = Mapping[str, Mapping[str, str]]

FUTURE_DAYS = 366
"""A record dated later than this after the period's end is a slip of the pen, not data of the next period."""

PERSONS = ("ratee", "rater", "supervisor")
"""Columns that hold people's ids in any canonical frame."""


def files_of(frame: pd.DataFrame) -> str:
    """The files that rows come from, for a finding."""
    return ", ".join(sorted(frame[FILE].unique()))


def prepare(kind: str, frame: pd.DataFrame, period: Period, headers: Headers, ledger: Ledger) -> pd.DataFrame:
    """Defaults that a kind has, required cells, periods; what lies after the day is left out."""
    if frame.empty:
        return frame
    frame = frame.copy()
    if kind in ("staff", "ratings", "indicators"):
        frame["ratee"] = frame["ratee"].where(frame["ratee"].notna(), frame["name"])
    if kind == "staff":
        frame["supervisor"] = frame["supervisor"].where(frame["supervisor"].notna(), frame["supervisor_name"])
    if kind == "ratings":
        frame["rater"] = frame["rater"].where(frame["rater"].notna(), frame["rater_name"])
        frame["rater"] = frame["rater"].where(frame["rater"].notna() | (frame["role"] != "self"), frame["ratee"])
        if frame["item"].isna().all():
            frame["item"] = OVERALL
    if kind == "indicators":
        frame["unit"] = frame["unit"].where(frame["ratee"].isna(), None)
    if kind == "published":
        frame["element"] = frame["element"].where(frame["element"].notna(), "index")
    frame = _without_values(kind, frame, ledger)
    frame = _with_required(kind, frame, headers, ledger)
    return _until(kind, frame, period, headers, ledger)


_VALUE = {
    "ratings": ("rating", "not_given", "ratings_not_given"),
    "published": ("value", "no_figure", "figures_not_given"),
}


def _without_values(kind: str, frame: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Ratings that were not given and empty questionnaires are no records; they are listed, never filled."""
    if kind in _VALUE:
        column, reason, finding = _VALUE[kind]
        nothing = frame[column].isna()
    elif kind == "responses":
        nothing = frame[list(ELEMENTS)].isna().all(axis=1) & frame["comment"].isna()
        reason, finding = "empty_questionnaire", "questionnaires_empty"
    else:
        return frame
    for name, rows in frame.loc[nothing].groupby(FILE):
        ledger.leave_out(str(name), reason, rows[ROW].to_numpy(), rows[HEADER].to_numpy(dtype=object))
    if nothing.any():
        ledger.find("note", finding, kind, files=files_of(frame.loc[nothing]), count=int(nothing.sum()))
    return frame.loc[~nothing]


def _with_required(kind: str, frame: pd.DataFrame, headers: Headers, ledger: Ledger) -> pd.DataFrame:
    """Rows that have what they cannot be without; the others are problems, and no later check looks at them again."""
    required = [c.name for c in KINDS[kind] if c.required]
    if kind == "ratings":
        required.append("item")
    for column in required:
        _report_missing(frame, frame[column].isna(), column, headers, ledger)
    complete = frame[required].notna().all(axis=1)
    if kind == "indicators":
        nobody = frame["ratee"].isna() & frame["unit"].isna()
        _report_missing(frame, nobody, "ratee", headers, ledger)
        complete &= ~nobody
    return frame.loc[complete]


def _report_missing(frame: pd.DataFrame, mask: Any, column: str, headers: Headers, ledger: Ledger) -> None:
    chosen = frame.loc[np.asarray(mask, dtype=bool)]
    if chosen.empty:
        return
    for name, rows in chosen.groupby(FILE):
        title = headers.get(str(name), {}).get(column, column)
        # A cell that could not be read has been reported as such; it is not missing as well.
        known = {p.row for p in ledger.problems if p.where == name and p.column == title}
        lines = np.array([row for row in pd.unique(rows[ROW]) if int(row) not in known], dtype="int64")
        ledger.cells(str(name), "missing_value", lines, title, np.full(len(lines), "", dtype=object))


def _until(kind: str, frame: pd.DataFrame, period: Period, headers: Headers, ledger: Ledger) -> pd.DataFrame:
    """Periods resolved; rows of later periods, and rows recorded after `as_of`, left out."""
    own = frame["period"].notna()
    frame["period"] = dated(frame, period)
    unknown = frame["period"].isna()
    has_dates = "date" in frame and frame["date"].notna().any()
    if unknown.all() and not own.any() and not has_dates:
        frame["period"] = period.id
        if kind != "staff":
            ledger.find("note", "period_assumed", kind, files=files_of(frame), period=period.id)
    elif unknown.any():
        _report_missing(frame, unknown, "date" if has_dates and not own.any() else "period", headers, ledger)
        frame = frame.loc[~unknown]
    spans = {p: period_span(p) for p in frame["period"].unique()}
    later = frame["period"].map({p: start > period.day for p, (start, _) in spans.items()}).to_numpy(dtype=bool)
    if has_dates:
        days = frame["date"].dt.normalize()
        if period.as_of is not None:
            # A day counts to its end, a moment to the second.
            recorded = frame["date"] if isinstance(period.as_of, datetime) else days
            later = later | (recorded > pd.Timestamp(period.as_of)).to_numpy(dtype=bool)
        else:
            _check_future(frame, days, own, period, headers, ledger)
    for name, rows in frame.loc[later].groupby(FILE):
        ledger.leave_out(str(name), "after_the_day", rows[ROW].to_numpy(), "", rows["period"].to_numpy(dtype=object))
    if later.any():
        count = int(later.sum())
        ledger.find("note", "later_rows", kind, files=files_of(frame.loc[later]), count=count, day=period.day)
    frame = frame.loc[~later]
    longest = (period.end - period.start).days
    coarser = sorted(p for p in frame["period"].unique() if (spans[p][1] - spans[p][0]).days > longest + 5)
    if coarser:
        files = files_of(frame.loc[frame["period"].isin(coarser)])
        ledger.find("caution", "period_coarser", kind, files=files, periods=", ".join(coarser))
    return frame


def _check_future(
    frame: pd.DataFrame, days: pd.Series, own: pd.Series, period: Period, headers: Headers, ledger: Ledger
) -> None:
    """Days far after the row's period (its own, else the evaluated one)."""
    ends = {p: pd.Timestamp(period_span(p)[1]) for p in frame["period"].unique()}
    end = frame["period"].map(ends).where(own.reindex(frame.index), pd.Timestamp(period.end))
    far = (days - end).dt.days > FUTURE_DAYS
    for name, rows in frame.loc[far.fillna(False)].groupby(FILE):
        title = headers.get(str(name), {}).get("date", "date")
        found = rows["date"].dt.strftime("%Y-%m-%d").to_numpy(dtype=object)
        ledger.cells(str(name), "future_date", rows[ROW].to_numpy(), title, found, day=period.end)


def default_roles(frames: dict[str, pd.DataFrame], ledger: Ledger) -> None:
    """Where the file names no role: oneself is `self`, everybody else the supervisor, and a finding says so."""
    ratings = frames["ratings"]
    blank = ratings["role"].isna()
    if ratings.empty or not blank.any():
        return
    role = ratings["role"].astype(object).copy()
    role[blank] = np.where(ratings.loc[blank, "ratee"] == ratings.loc[blank, "rater"], "self", "supervisor")
    frames["ratings"] = ratings.assign(role=role)
    ledger.find("note", "role_assumed", files=files_of(ratings.loc[blank]), count=int(blank.sum()))


def ids_for_names(frames: dict[str, pd.DataFrame]) -> None:
    """People written by name get the id that the staff table has for that name, where only one person bears it."""
    staff = frames["staff"]
    pairs = staff.loc[staff["name"].notna() & (staff["name"] != staff["ratee"]), ["name", "ratee"]].drop_duplicates()
    pairs = pairs.assign(name=pairs["name"].map(_folded)).drop_duplicates()
    by_name = dict(pairs.drop_duplicates("name", keep=False).itertuples(index=False, name=None))
    if not by_name:
        return
    known = set(staff["ratee"])
    for kind, frame in frames.items():
        for column in (c for c in PERSONS if c in frame):
            ids = {v: by_name.get(_folded(v), v) for v in frame[column].dropna().unique() if v not in known}
            if any(k != v for k, v in ids.items()):
                frame = frame.assign(**{column: frame[column].map(lambda v, ids=ids: ids.get(v, v))})
        frames[kind] = frame


def _folded(name: str) -> str:
    """A name without case, titles after a comma, and dots."""
    return " ".join(str(name).partition(",")[0].casefold().replace(".", " ").split())
