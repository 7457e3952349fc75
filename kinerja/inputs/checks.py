"""Whether the tables agree with themselves and with one another: people, raters, units, scales, dates, duplicates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from kinerja.inputs.columns import ELEMENTS
from kinerja.inputs.headers import near
from kinerja.inputs.problems import Ledger
from kinerja.inputs.tables import FILE, HEADER, ROW

Headers = Mapping[str, Mapping[str, str]]
"""File -> canonical name -> the file's own header."""

SCALES = (
    (1.0, 3.0),
    (1.0, 4.0),
    (1.0, 5.0),
    (0.0, 4.0),
    (0.0, 5.0),
    (1.0, 7.0),
    (1.0, 10.0),
    (0.0, 10.0),
    (0.0, 100.0),
)
"""Rating scales in use, the shortest first; one is inferred only where the parameters name none."""

MOSTLY = 0.9
"""Share of the ratings that an inferred scale must hold before the rest is called off it."""


def check_staff(staff: pd.DataFrame, headers: Headers, ledger: Ledger) -> pd.DataFrame:
    """Duplicate people, own supervisors, circles of supervisors. Returns the rows without repeated copies."""
    staff = _without_copies(staff, ["period", "ratee"], "duplicate_person", "ratee", headers, ledger)
    own = staff["supervisor"].notna() & (staff["supervisor"] == staff["ratee"])
    _cells(staff, own, "supervisor", "supervisor_self", headers, ledger)
    for _, one in staff.loc[~own].groupby("period", dropna=False):
        circle = supervisor_circle(one["ratee"].tolist(), one["supervisor"].tolist())
        if circle:
            first = (one["ratee"] == circle[0]).to_numpy()
            chain = " → ".join([*circle, circle[0]])
            _cells(one, first, "supervisor", "supervisor_cycle", headers, ledger, chain=chain)
    return staff


def supervisor_circle(ratees: Sequence[str], supervisors: Sequence[Any]) -> list[str]:
    """The first circle of supervisors (each is supervised by the next), the smallest id first; empty without one."""
    above = {r: s for r, s in zip(ratees, supervisors, strict=True) if isinstance(s, str)}
    done: set[str] = set()
    for start in sorted(above):
        path: dict[str, int] = {}
        here: str | None = start
        while here is not None and here not in done and here not in path:
            path[here] = len(path)
            here = above.get(here)
        if here is not None and here in path:
            circle = list(path)[path[here] :]
            least = circle.index(min(circle))
            return circle[least:] + circle[:least]
        done |= set(path)
    return []


def check_ratings(
    ratings: pd.DataFrame,
    staff: pd.DataFrame,
    current: str,
    scale: tuple[float, float] | None,
    headers: Headers,
    ledger: Ledger,
) -> pd.DataFrame:
    """Unknown people, oneself under another role, ratings off the scale, ratings given twice."""
    own = ratings["ratee"] == ratings["rater"]
    _cells(
        ratings, own & ratings["role"].notna() & (ratings["role"] != "self"), "role", "self_as_other", headers, ledger
    )
    not_own = ~own & (ratings["role"] == "self") & ratings["rater"].notna()
    _cells(ratings, not_own, "rater", "other_as_self", headers, ledger)
    _check_scale(ratings, scale, headers, ledger)
    if len(staff):
        people = set(staff["ratee"].dropna())
        raters = people | set(staff["supervisor"].dropna())
        now = ratings["period"] == current
        _unknown(ratings, now, "ratee", people, headers, ledger)
        _unknown(ratings, now, "rater", raters, headers, ledger)
        _history(ratings, now, people, raters, ledger)
    key = ["period", "ratee", "rater", "role", "item"]
    ratings = _superseded(ratings, key, ledger)
    return _without_copies(ratings, key, "duplicate_rating", "rating", headers, ledger, values=["rating"])


def infer_scale(values: pd.Series) -> tuple[float, float] | None:
    """The shortest usual scale that holds nearly all values; None where there are none."""
    given = values.dropna().to_numpy()
    if not len(given):
        return None
    for lowest, highest in SCALES:
        if np.mean((given >= lowest) & (given <= highest)) >= MOSTLY:
            return lowest, highest
    return None


def as_written(end: float) -> float | int:
    """An end of a scale as people write it: 5, not 5.00."""
    return int(end) if float(end).is_integer() else end


def _check_scale(ratings: pd.DataFrame, scale: tuple[float, float] | None, headers: Headers, ledger: Ledger) -> None:
    if ratings.empty:
        return
    inferred = infer_scale(ratings["rating"])
    lowest, highest = (as_written(end) for end in scale or inferred or (-np.inf, np.inf))
    if scale is None and inferred is not None:
        ledger.find("note", "scale_inferred", lowest=lowest, highest=highest)
    off = (ratings["rating"] < lowest) | (ratings["rating"] > highest)
    if off.any():
        _cells(ratings, off, "rating", "off_scale", headers, ledger, lowest=lowest, highest=highest)


def _unknown(
    frame: pd.DataFrame, now: pd.Series, column: str, people: set[str], headers: Headers, ledger: Ledger
) -> None:
    strange = now & frame[column].notna() & ~frame[column].isin(people)
    if not strange.any():
        return
    # One problem a person, not one a rating: the first row where the id stands.
    first = frame.loc[strange].drop_duplicates([FILE, column]).index
    mask = frame.index.isin(first)
    _cells(frame, mask, column, f"unknown_{column}", headers, ledger, more=lambda v: {"near": near(str(v), people)})


def _history(ratings: pd.DataFrame, now: pd.Series, people: set[str], raters: set[str], ledger: Ledger) -> None:
    before = ratings.loc[~now]
    gone = (set(before["ratee"].dropna()) - people) | (set(before["rater"].dropna()) - raters)
    if gone:
        ledger.find("note", "people_of_earlier_periods", count=len(gone))


def _superseded(ratings: pd.DataFrame, key: list[str], ledger: Ledger) -> pd.DataFrame:
    """The same rating given again on a later day counts instead of the earlier one."""
    if not ratings["date"].notna().any():
        return ratings
    again = ratings.duplicated(key, keep=False) & ratings["date"].notna()
    if not again.any():
        return ratings
    part = ratings.loc[again].copy()
    last = part.groupby(key, dropna=False)["date"].transform("max")
    old = part.index[part["date"] < last]
    if len(old):
        gone = ratings.loc[old]
        for name, rows in gone.groupby(FILE):
            ledger.leave_out(str(name), "superseded", rows[ROW].to_numpy(), "", rows["rating"].to_numpy())
        ledger.find("note", "ratings_superseded", count=len(old))
    return ratings.drop(index=old)


def check_indicators(
    indicators: pd.DataFrame, staff: pd.DataFrame, current: str, headers: Headers, ledger: Ledger
) -> pd.DataFrame:
    """Unknown people, negative targets and weights, target ranges upside down, indicators listed twice."""
    _cells(indicators, indicators["target"] < 0, "target", "negative", headers, ledger)
    _cells(indicators, indicators["target_high"] < 0, "target_high", "negative", headers, ledger)
    _cells(indicators, indicators["weight"] < 0, "weight", "negative", headers, ledger)
    upside = indicators["target_high"] < indicators["target"]
    _cells(indicators, upside, "target_high", "target_order", headers, ledger)
    if len(staff):
        _unknown(indicators, indicators["period"] == current, "ratee", set(staff["ratee"].dropna()), headers, ledger)
    key = ["period", "ratee", "unit", "indicator", "date"]
    return _without_copies(indicators, key, "duplicate_indicator", "indicator", headers, ledger)


def check_responses(
    responses: pd.DataFrame, scale: tuple[float, float], headers: Headers, ledger: Ledger
) -> pd.DataFrame:
    """Answers off the scale; the same questionnaire twice."""
    for element in ELEMENTS:
        off = (responses[element] < scale[0]) | (responses[element] > scale[1])
        _cells(
            responses,
            off,
            element,
            "off_scale",
            headers,
            ledger,
            lowest=as_written(scale[0]),
            highest=as_written(scale[1]),
        )
    named = responses["response"].notna()
    twice = named & responses.duplicated(["period", "response", "unit"])
    _cells(responses, twice, "response", "duplicate_response", headers, ledger)
    return responses


def check_aggregated(frame: pd.DataFrame, headers: Headers, ledger: Ledger) -> pd.DataFrame:
    """Counts below zero, negative standard errors, an element listed twice."""
    _cells(frame, (frame["n"] < 0) | (frame["n"] % 1 > 0), "n", "not_a_count", headers, ledger)
    _cells(frame, frame["std_error"] < 0, "std_error", "negative", headers, ledger)
    return _without_copies(frame, ["period", "unit", "element"], "duplicate_element", "element", headers, ledger)


def check_published(frame: pd.DataFrame, headers: Headers, ledger: Ledger) -> pd.DataFrame:
    """A published figure listed twice with two values."""
    return _without_copies(frame, ["period", "unit", "element"], "duplicate_element", "element", headers, ledger)


def check_units(frames: Mapping[str, pd.DataFrame], headers: Headers, ledger: Ledger) -> dict[str, pd.DataFrame]:
    """One spelling of each unit over all tables; an unknown unit is a slip where it resembles one of the staff's."""
    known = sorted(set(frames["staff"]["unit"].dropna()))
    spelling = {_folded(unit): unit for unit in reversed(known)}
    if not known:
        return dict(frames)
    out = dict(frames)
    for kind in ("indicators", "responses", "aggregated", "published"):
        frame = frames[kind]
        strange = {u for u in frame["unit"].dropna().unique() if u not in known}
        if not strange:
            continue
        respelt = {u: spelling[_folded(u)] for u in strange if _folded(u) in spelling}
        if respelt:
            frame = frame.assign(unit=frame["unit"].replace(respelt))
            ledger.find("note", "units_respelt", kind, files=_files_of(frame), units=", ".join(sorted(respelt)))
        others = sorted(strange - set(respelt))
        slips = {u: close for u in others if (close := _one_slip(u, known))}
        if slips:
            first = frame.loc[frame["unit"].isin(slips)].drop_duplicates([FILE, "unit"]).index
            _cells(
                frame,
                frame.index.isin(first),
                "unit",
                "unknown_unit",
                headers,
                ledger,
                more=partial(_resembles, slips),
            )
        if rest := [u for u in others if u not in slips]:
            ledger.find(
                "caution",
                "units_without_staff",
                kind,
                files=_files_of(frame),
                units=", ".join(rest)[:300],
                count=len(rest),
            )
        out[kind] = frame
    return out


def _resembles(slips: Mapping[str, str], unit: object) -> dict[str, str]:
    return {"near": slips[str(unit)]}


def _files_of(frame: pd.DataFrame) -> str:
    return ", ".join(sorted(frame[FILE].unique()))


def _folded(unit: str) -> str:
    return "".join(c for c in unit.casefold() if c.isalnum())


def _one_slip(unit: str, known: Sequence[str]) -> str:
    """The known unit that differs by a letter or two in a word; empty where none does."""
    import difflib

    close = difflib.get_close_matches(_folded(unit), [_folded(k) for k in known], n=1, cutoff=0.9)
    return next((k for k in known if close and _folded(k) == close[0]), "")


def _without_copies(
    frame: pd.DataFrame,
    key: list[str],
    code: str,
    column: str,
    headers: Headers,
    ledger: Ledger,
    values: list[str] | None = None,
) -> pd.DataFrame:
    """Rows with the same key: exact copies are left out, different ones are problems that name the first row."""
    again = frame.duplicated(key)
    if not again.any():
        return frame
    compared = [*key, *values] if values else [c for c in frame.columns if c not in (FILE, ROW, HEADER)]
    copy = frame.duplicated(compared) & again
    for name, rows in frame.loc[copy].groupby(FILE):
        ledger.leave_out(str(name), "duplicate_row", rows[ROW].to_numpy())
    if copy.any():
        ledger.find("caution", "duplicate_rows", code, files=_files_of(frame.loc[copy]), count=int(copy.sum()))
    differ = again & ~copy
    if differ.any():
        part = frame.loc[frame.duplicated(key, keep=False)]
        first_row = part.groupby(key, dropna=False)[ROW].transform("first")
        first_file = part.groupby(key, dropna=False)[FILE].transform("first")
        for at in frame.index[differ][: 2 * 100]:
            row = frame.loc[at]
            name = str(row[FILE])
            ledger.problem(
                name,
                code,
                row=int(row[ROW]),
                column=_header(frame, at, column, headers),
                found=row[column],
                first=str(first_row[at]),
                file=str(first_file[at]),
            )
        if (more := int(differ.sum()) - 200) > 0:
            ledger.problem(str(frame[FILE].iloc[0]), "more_alike", column=column, count=more, kind=code)
    return frame.loc[~copy]


def _header(frame: pd.DataFrame, at: Any, column: str, headers: Headers) -> str:
    own = headers.get(str(frame.at[at, FILE]), {})
    if column in own:
        return own[column]
    wide = str(frame.at[at, HEADER])
    return (
        wide
        if wide and column in ("rating", "realisation", "mean", "value", "item", "indicator", "element")
        else column
    )


def _cells(
    frame: pd.DataFrame,
    mask: Any,
    column: str,
    code: str,
    headers: Headers,
    ledger: Ledger,
    more: Callable[[object], Mapping[str, Any]] | None = None,
    **data: Any,
) -> None:
    """One problem for each row of the mask, under the file's own header."""
    chosen = frame.loc[np.asarray(mask, dtype=bool)]
    if chosen.empty:
        return
    for name, rows in chosen.groupby(FILE, sort=True):
        own = headers.get(str(name), {})
        title: str | np.ndarray = own.get(column, column)
        if column not in own and (rows[HEADER] != "").all() and column in ("rating", "realisation", "mean", "value"):
            title = rows[HEADER].to_numpy(dtype=object)
        ledger.cells(
            str(name), code, rows[ROW].to_numpy(), title, rows[column].to_numpy(dtype=object), more=more, **data
        )
