"""One view of a run: the subject, the rows, what is chosen; a table, a trend, n, and the call that makes it again.

Nothing here draws or clicks. The same choices give the same frames, whoever asks; `explore` is made of these views.
A view protects small cells against everything that it shows and could show by taking its own choices back. Views over
different attributes are protected each for itself: what the office publishes is made by the reports, not from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from kinerja import wording
from kinerja.errors import ParameterError, Problem
from kinerja.explorer.access import Access, check_access
from kinerja.explorer.cells import CELL_COLUMNS, cell_means, protect
from kinerja.explorer.citizens import citizens_of
from kinerja.explorer.people import people_of
from kinerja.privacy.suppression import SUPPRESSED
from kinerja.results import OK
from kinerja.results.shown import Shown

if TYPE_CHECKING:
    from kinerja.evaluation import Evaluation

SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "ratings": ("unit", "rater", "item", "period"),
    "calibrated": ("unit", "rater"),
    "attainment": ("unit", "rater"),
    "citizens": ("unit", "service", "element", "period"),
}
"""What can be looked at, and the rows it can be broken into; subjects about people also by each declared group."""

FIGURE = {"ratings": "points", "calibrated": "calibrated", "attainment": "attainment"}
_WITHIN = ("period", "item", "element")
"""Rows that are tables of their own: every one is about the same people, so nothing is added over them."""

Choice = str | tuple[str, str] | None


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class View(Shown):
    """What one choice shows.

    Fields
    ------
    subject, by : of SUBJECTS
    chosen : period, unit, rater, group (attribute, value), item; None where nothing is chosen
    frame : the column `by` and CELL_COLUMNS, one row a cell and, with `by` missing, the whole selection; `calibrated`
        has the mean observed score too. Points of 0-100, per cent (attainment), index 25-100, element in its scale
    trend : period and CELL_COLUMNS of the whole selection; empty where a subject has the run's period only
    n : people, or answers of citizens, in the selection; 0 where there is nobody, NaN where withheld
    counted : ratee or response
    withheld : rows whose figures are not shown
    access : the entry of the record under which small cells are shown, "" in the ordinary mode
    code : the call that gives this view
    """

    subject: str
    by: str
    chosen: Mapping[str, Choice]
    frame: pd.DataFrame
    trend: pd.DataFrame
    n: float
    counted: str
    withheld: int
    access: str
    code: str


def view(
    evaluation: Evaluation,
    subject: str = "ratings",
    *,
    by: str = "unit",
    period: str | None = None,
    unit: str | None = None,
    rater: str | None = None,
    group: tuple[str, str] | None = None,
    item: str | None = None,
    access: Access | str | None = None,
) -> View:
    """Look at a run: means of the cells of a selection, each with n and interval, small cells withheld.

    period : None is the run's own; the others narrow the selection; see `choices` for what each takes
    access : of `open_restricted`: small cells are shown, under an entry on the run's record

    Raises
    ------
    ParameterError : a choice that this subject or run does not have, an access that is not on record
    """
    wanted: dict[str, Choice] = {"period": period, "unit": unit, "rater": rater, "group": group, "item": item}
    _check(evaluation, subject, by, wanted)
    chosen = wanted | {"period": period or evaluation.parameters.period.id}
    name = "" if access is None else check_access(evaluation, access)
    minimum = None if name else evaluation.parameters.privacy.minimum_cell
    frame = _frame(evaluation, subject, by, chosen, minimum)
    trend = pd.DataFrame(columns=["period", *CELL_COLUMNS])
    if "period" in rows_of_subject(evaluation, subject):
        trend = _frame(evaluation, subject, "period", chosen, minimum)
    whole = trend[trend["period"] == chosen["period"]] if by in _WITHIN else frame[frame[by].isna()]
    if len(whole) and whole["status"].iloc[0] == SUPPRESSED:
        # What the rows withhold, the trend does not give: its point of the same period is the same figure.
        hidden = trend["period"].eq(str(chosen["period"]))
        figures = ["n", "estimate", "conf_low", "conf_high"]
        trend = trend.assign(**{name: trend[name].mask(hidden) for name in figures})
        trend = trend.assign(status=trend["status"].mask(hidden, SUPPRESSED))
    shown = whole.loc[whole["status"] == OK, "n"]
    return View(
        subject=subject,
        by=by,
        chosen=chosen,
        frame=frame,
        trend=trend,
        n=float(shown.iloc[0]) if len(shown) else 0.0 if whole.empty else float("nan"),
        counted="response" if subject == "citizens" else "ratee",
        withheld=int(frame["status"].eq(SUPPRESSED).sum()),
        access=name,
        code=_code(subject, by, wanted, name),
    )


def rows_of_subject(evaluation: Evaluation, subject: str) -> tuple[str, ...]:
    """What a subject can be broken into in this run."""
    staff = evaluation.inputs.staff
    groups = [name for name in evaluation.parameters.groups if name in staff] if subject != "citizens" else []
    return (*SUBJECTS[subject], *groups)


def choices(evaluation: Evaluation, subject: str, by: str) -> dict[str, tuple[Any, ...]]:
    """For each filter the values that a view takes; none where the filter does not apply."""
    staff, period = evaluation.inputs.staff, evaluation.parameters.period.id
    empty: dict[str, tuple[Any, ...]] = dict.fromkeys(("period", "unit", "rater", "group", "item"), ())
    if subject == "citizens":
        rows = citizens_of(evaluation, by=by)
        periods = (period,) if by == "period" else _values(rows, "period")
        return empty | {"period": periods, "unit": () if by == "unit" else _values(rows, "unit")}
    ratings = evaluation.inputs.ratings
    groups = [name for name in evaluation.parameters.groups if name in staff and name != by]
    return empty | {
        "period": _values(ratings, "period") if subject == "ratings" and by != "period" else (period,),
        "unit": () if by == "unit" else _values(staff, "unit"),
        "rater": () if by == "rater" else _values(ratings[ratings["role"] == "supervisor"], "rater"),
        "group": tuple((name, value) for name in groups for value in _values(staff, name)),
        "item": _values(ratings, "item") if subject == "ratings" and by != "item" else (),
    }


def _frame(
    evaluation: Evaluation, subject: str, by: str, chosen: Mapping[str, Choice], minimum: int | None
) -> pd.DataFrame:
    columns, wanted = _narrowing(subject, by, chosen)
    within = by if by in _WITHIN else ""
    dims = [name for name in dict.fromkeys([*columns, by]) if name != within]
    # A supervisor belongs to a unit: the sums over a unit's supervisors are among those that must not give one away.
    dims += ["unit"] if "rater" in dims and "unit" not in dims else []
    beside = ["observed"] if subject == "calibrated" else []
    if subject == "citizens":
        rows = citizens_of(evaluation, by=by)
        rows = rows if by == "period" else rows[rows["period"] == chosen["period"]]
        rows = rows[rows[[c for c in ("unit", "service") if c in rows and c not in dims]].isna().all(axis=1)]
    else:
        people = people_of(evaluation, subject, by=by, item=chosen["item"])  # type: ignore[arg-type]
        people = people if by == "period" else people[people["period"] == chosen["period"]]
        rows = cell_means(people, dims=dims, within=within, value=FIGURE[subject], beside=beside,
                          confidence=evaluation.parameters.confidence)  # fmt: skip
    values = ["estimate", "conf_low", "conf_high", *beside]
    shown = protect(rows.reset_index(drop=True), dims=dims, within=within, values=values, minimum=minimum)
    for name, value in zip(columns, wanted, strict=True):
        shown = shown[shown[name] == value]
    # Of a dimension that is neither chosen nor shown, only the totals.
    shown = shown[shown[[name for name in dims if name not in (*columns, by)]].isna().all(axis=1)]
    order = shown[by].isna(), shown[by].astype(str)
    shown = shown.assign(_last=order[0], _name=order[1]).sort_values(["_last", "_name"], kind="stable")
    shown = shown.astype({"n": "float64"})[[by, *CELL_COLUMNS[:1], *beside, *CELL_COLUMNS[1:]]]
    return shown.reset_index(drop=True)


def _narrowing(subject: str, by: str, chosen: Mapping[str, Choice]) -> tuple[list[str], list[str]]:
    """The columns that a selection narrows and their values; the item narrows the ratings themselves."""
    columns = {name: str(chosen[name]) for name in ("unit", "rater") if chosen[name] is not None and name != by}
    if isinstance(chosen["group"], tuple) and subject != "citizens":
        columns[chosen["group"][0]] = chosen["group"][1]
    return list(columns), list(columns.values())


def _check(evaluation: Evaluation, subject: str, by: str, wanted: Mapping[str, Choice]) -> None:
    if subject not in SUBJECTS:
        raise _refused("subject", subject, SUBJECTS)
    if by not in rows_of_subject(evaluation, subject):
        raise _refused("by", by, rows_of_subject(evaluation, subject))
    allowed = choices(evaluation, subject, by)
    for name, value in wanted.items():
        if value is not None and value not in allowed[name]:
            raise _refused(name, str(value), allowed[name])


def _refused(column: str, found: str, allowed: Any) -> ParameterError:
    listed = ", ".join(map(str, allowed)) or wording.MISSING
    problem = Problem(where="view", column=column, found=found, code="view_choice", data={"allowed": listed[:300]})
    return ParameterError(wording.problem_message([problem]), [problem])


def _code(subject: str, by: str, wanted: Mapping[str, Choice], access: str) -> str:
    given = {"by": by, **{k: v for k, v in wanted.items() if v is not None}} | ({"access": access} if access else {})
    listed = ", ".join(f"{name}={value!r}" for name, value in given.items())
    return f"kj.view(evaluation, {subject!r}, {listed})"


def _values(frame: pd.DataFrame, column: str) -> tuple[str, ...]:
    return tuple(sorted(frame[column].dropna().astype(str).unique())) if column in frame else ()
