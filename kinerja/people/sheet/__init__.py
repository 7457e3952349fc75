"""One person's sheet: what went in, each step to the calibrated score, how sure it is, what would change it, how to
object.

A sheet names nobody but the person: no colleague, no citizen, no group; numbers of colleagues or answers under the
floor are not given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from kinerja import wording
from kinerja.errors import DataError
from kinerja.people.sheet.change import change_table, predikat_table
from kinerja.people.sheet.inputs import InputFrames, input_table
from kinerja.people.sheet.statements import statements
from kinerja.people.sheet.steps import step_table, taken_together
from kinerja.results import Finding
from kinerja.results.shown import Shown
from kinerja.rules import load_rules

if TYPE_CHECKING:
    from kinerja.evaluation import Evaluation

REVIEWER = ("inputs", "steps", "rules", "decisions", "replay")
"""What the reviewer of an objection may see; each is a sentence `sheet.reviewer.<code>`."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Sheet(Shown):
    """One person, one period.

    Fields
    ------
    ratee, period, unit
    inputs : input, n, first_date, last_date, value, scale, status, reason; see explain_inputs
    indicators : the person's own indicators: indicator, target, realisation, attainment, status, reason
    steps : steps.STEP_COLUMNS; points sum exactly, so do the printed figures
    observed, calibrated, conf_low, conf_high : points; NaN where there is none; confidence : the interval's level
    categories : category, probability, is_observed, is_calibrated
    changes : what would give another category; change.CHANGE_COLUMNS
    predikat : the predikat now, "" where there is none; predikat_changes : change.PREDIKAT_COLUMNS
    decisions : decisions of people on this person: decision, old, new, reason, date
    days, deadline, objection_to, reviewer : how to object; deadline None where the day of receipt is not known;
        objection_to by language
    run, sha256 : to replay it
    statements : the sheet in sentences, as codes with their numbers (`sheet.<code>` of words.csv), in order
    settings
    """

    ratee: str
    period: str
    unit: str
    inputs: pd.DataFrame
    indicators: pd.DataFrame
    steps: pd.DataFrame
    observed: float
    calibrated: float
    conf_low: float
    conf_high: float
    confidence: float
    categories: pd.DataFrame
    changes: pd.DataFrame
    predikat: str
    predikat_changes: pd.DataFrame
    decisions: pd.DataFrame
    days: int
    deadline: date | None
    objection_to: Mapping[str, str]
    reviewer: tuple[str, ...]
    run: str
    sha256: str
    statements: tuple[Finding, ...]
    settings: Mapping[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class SheetFrames:
    """What sheets are made from: frames of the records of a run, each None where the run has none.

    Fields
    ------
    ratees, attainment, roles : of Scores; persons, raters : of Calibration; index : of Citizens
    ratings, responses, indicators : canonical inputs, for counts and dates
    matrix : work -> behaviour -> predikat of the rule in force; categories : name -> lowest points
    decisions : the log as replayed (Moderation.log); confidence : level of the intervals in `persons`
    """

    period: str
    ratees: pd.DataFrame | None = None
    attainment: pd.DataFrame | None = None
    roles: pd.DataFrame | None = None
    persons: pd.DataFrame | None = None
    raters: pd.DataFrame | None = None
    index: pd.DataFrame | None = None
    ratings: pd.DataFrame | None = None
    responses: pd.DataFrame | None = None
    indicators: pd.DataFrame | None = None
    decisions: pd.DataFrame | None = None
    matrix: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    categories: Mapping[str, float] = field(default_factory=dict)
    scale: tuple[float, float] | None = None
    confidence: float = 0.95
    days: int = 14
    objection_to: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    sha256: str = ""


def sheet(
    evaluation: Evaluation | SheetFrames,
    ratee: str,
    *,
    received: date | None = None,
    decisions: pd.DataFrame | None = None,
    digits: int = 1,
    minimum_cell: int | None = None,
) -> Sheet:
    """The sheet of one person.

    received : the day the person got the result, from which the days to object are counted
    decisions : log of the moderation as replayed; digits : decimals of the printed points
    minimum_cell : numbers of people or answers under this are not given; None takes the run's parameter (or 5)

    Raises
    ------
    DataError : the person is not in the run
    """
    asked = all_sheets(
        evaluation, [ratee], received=received, decisions=decisions, digits=digits, minimum_cell=minimum_cell
    )
    return next(asked)


def all_sheets(
    evaluation: Evaluation | SheetFrames,
    ratees: Sequence[str] | None = None,
    *,
    received: date | None = None,
    decisions: pd.DataFrame | None = None,
    digits: int = 1,
    minimum_cell: int | None = None,
) -> Iterator[Sheet]:
    """The sheets of many people (all of the run where `ratees` is None), in the order of their ids."""
    frames = evaluation if isinstance(evaluation, SheetFrames) else frames_of(evaluation)
    if minimum_cell is None:
        minimum_cell = 5 if isinstance(evaluation, SheetFrames) else evaluation.parameters.privacy.minimum_cell
    pages = InputFrames(frames)
    log = decisions if decisions is not None else frames.decisions
    for ratee in pages.known if ratees is None else ratees:
        yield _sheet(frames, pages, str(ratee), received, log, digits, minimum_cell)


def frames_of(evaluation: Evaluation) -> SheetFrames:
    """The frames of an evaluation, and its rules for objection and predikat."""
    parameters, scores, calibration = evaluation.parameters, evaluation.scores, evaluation.calibration
    rules = load_rules(on=parameters.period.day)
    objection: Mapping[str, Any] = rules.values("objection")
    days = parameters.objection.days or int(objection["days"])
    # without a setting the rule says to whom, in both languages
    to: dict[str, str] = {
        code: parameters.objection.to or str(objection["to"].get(code, "")) for code in wording.LANGUAGES
    }
    scale = evaluation.inputs.settings.get("scale") or parameters.scoring.scale
    return SheetFrames(
        period=parameters.period.id,
        ratees=scores.ratees if scores else None,
        attainment=scores.attainment if scores else None,
        roles=scores.roles if scores else None,
        persons=calibration.persons if calibration else None,
        raters=calibration.raters if calibration else None,
        index=evaluation.citizens.index if evaluation.citizens else None,
        ratings=evaluation.inputs.ratings,
        responses=evaluation.inputs.responses,
        indicators=evaluation.inputs.indicators,
        decisions=evaluation.moderation.log if evaluation.moderation else None,
        matrix=rules.values("predikat")["matrix"] if rules.in_force("predikat") else {},
        categories=(calibration.settings.get("categories") or {}) if calibration else {},
        scale=tuple(scale) if scale else None,
        confidence=parameters.confidence,
        days=days,
        objection_to=to,
        run=evaluation.id,
        sha256=str(evaluation.identity.get("inputs", "")),
    )


def sentences(sheet: Sheet, language: wording.Language = "id") -> tuple[str, ...]:
    """The sheet's statements in words."""
    to = sheet.objection_to.get(language, "")
    return tuple(
        wording.text(f"sheet.{s.code}", language, **_worded(s.data, language), to=to) for s in sheet.statements
    )


_WORDS = {"category": "behaviour", "category_other": "behaviour", "behaviour": "behaviour", "work": "work",
          "predikat": "predikat", "old": "predikat", "new": "predikat"}  # fmt: skip
"""Values that are codes: the family of labels that has their words."""


def _worded(data: Mapping[str, Any], language: wording.Language) -> dict[str, Any]:
    """Codes as the words of the language; what is no code stays as it is."""
    names = {key: f"{_WORDS[key]}.{value}" if key in _WORDS else "" for key, value in data.items()}
    words = {k: wording.label(names[k], language) if wording.has_label(names[k]) else v for k, v in data.items()}
    # the law's own names of predikat are the same in both languages
    return {k: v.replace("_", " ").title() if names[k].startswith("predikat.") and v == data[k] else v
            for k, v in words.items()}  # fmt: skip


def _sheet(
    frames: SheetFrames,
    pages: InputFrames,
    ratee: str,
    received: date | None,
    log: pd.DataFrame | None,
    digits: int,
    minimum_cell: int,
) -> Sheet:
    if not pages.knows(ratee):
        raise wording.refusal(DataError, "person_not_in_run", where="--ratee", found=repr(ratee), period=frames.period)
    person, scored = pages.person("persons", ratee), pages.person("ratees", ratee)
    unit = str((person or scored or {}).get("unit", "") or "")
    inputs = input_table(frames, pages, ratee, unit, minimum_cell=minimum_cell)
    calibrated = person is not None and math.isfinite(float(person["observed"]))
    rater = pages.person("raters", str(person.get("rater", ""))) if person is not None else None
    evidence = _evidence(inputs, rater, minimum_cell)
    basis = person if calibrated and person is not None else _observed_only(scored)
    if rater is not None and int(rater.get("n_ratees", 0) or 0) < minimum_cell:
        basis = taken_together(basis)
    steps = step_table(basis, evidence, digits=digits)
    n_items = int(basis.get("n", 0) or 0)
    span = frames.scale[1] - frames.scale[0] if frames.scale else None
    tipping = float(rater["tipping_bias"]) if rater is not None and "tipping_bias" in rater else math.nan
    changes = change_table(
        basis, frames.categories if calibrated else {}, n_items=n_items, span=span, tipping_bias=tipping
    )
    work, behaviour = (str((scored or {}).get(k, "") or "") for k in ("work", "behaviour"))
    categories = _chances(basis, frames.categories)
    own = _decided(log, ratee)
    sheet = Sheet(
        ratee=ratee,
        period=frames.period,
        unit=unit,
        inputs=inputs,
        indicators=pages.indicators(ratee),
        steps=steps,
        observed=float(basis["observed"]),
        calibrated=float(basis["calibrated"]),
        conf_low=float(basis.get("conf_low", math.nan)),
        conf_high=float(basis.get("conf_high", math.nan)),
        confidence=frames.confidence,
        categories=categories,
        changes=changes,
        predikat=str((scored or {}).get("predikat", "") or ""),
        predikat_changes=predikat_table(work, behaviour, frames.matrix),
        decisions=own,
        days=frames.days,
        deadline=received + timedelta(days=frames.days) if received else None,
        objection_to=frames.objection_to,
        reviewer=REVIEWER,
        run=frames.run,
        sha256=frames.sha256,
        statements=(),
        settings={"received": received, "digits": digits, "minimum_cell": minimum_cell},
    )
    reason = str((person or {}).get("reason", "") or "") if calibrated else "not_calibrated"
    colleagues = int(rater["n_ratees"]) - 1 if rater is not None and "n_ratees" in rater else None
    return replace(sheet, statements=statements(sheet, reason, colleagues, minimum_cell))


def _observed_only(scored: Mapping[str, Any] | None) -> dict[str, Any]:
    points = float((scored or {}).get("points", math.nan))
    return {"observed": points, "calibrated": points, "n": int((scored or {}).get("n_items", 0) or 0)}


def _evidence(inputs: pd.DataFrame, rater: Mapping[str, Any] | None, minimum_cell: int) -> dict[str, int | None]:
    """How many observations each step rests on; None where the number may not be given."""
    counts: dict[str, int | None] = {}
    citizens = inputs[inputs["input"] == "feedback"]
    if len(citizens):
        counts["from_feedback"] = None if pd.isna(citizens["n"].iloc[0]) else int(citizens["n"].iloc[0])
    if rater is not None:
        ratees = int(rater.get("n_ratees", 0) or 0)
        counts["from_indicators"] = ratees if ratees >= minimum_cell else None
        counts["from_links"] = int(rater["n_links"]) if "n_links" in rater else 0
    return counts


def _chances(person: Mapping[str, Any], categories: Mapping[str, float]) -> pd.DataFrame:
    ordered = sorted(categories, key=lambda name: categories[name])
    rows = [
        (name, float(person[f"prob_{name}"]), name == person.get("category_observed"),
         name == person.get("category_calibrated"))
        for name in ordered if f"prob_{name}" in person
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["category", "probability", "is_observed", "is_calibrated"])


def _decided(log: pd.DataFrame | None, ratee: str) -> pd.DataFrame:
    columns = ["decision", "old", "new", "reason", "date"]
    if log is None:
        return pd.DataFrame(columns=columns)
    applied = log[log["status"] == "applied"] if "status" in log else log
    own = applied.loc[applied["ratee"].astype(str) == ratee, columns].reset_index(drop=True)
    return own.assign(date=own["date"].astype(str))
