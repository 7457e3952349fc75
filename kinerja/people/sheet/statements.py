"""A sheet in statements: codes of words.csv (`sheet.<code>`) with their numbers, in the order in which a person
asks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kinerja.results import Finding

if TYPE_CHECKING:
    from kinerja.people.sheet import Sheet

_PARTS = ("from_supervisor", "from_links", "from_feedback", "from_indicators", "from_culture", "from_group")
_SURE = 0.9
"""From this chance on a category is called sure; under it the neighbour is named too. A level of this word's own: it
does not follow the level of the run's intervals."""


def statements(sheet: Sheet, reason: str, colleagues: int | None, minimum_cell: int) -> tuple[Finding, ...]:
    return (
        *_score(sheet, reason),
        *_steps(sheet),
        *_absent(sheet),
        *_rests_on(colleagues, minimum_cell),
        *_sureness(sheet),
        *_changes(sheet),
        *_decisions(sheet),
        *_objection(sheet),
    )


def _score(sheet: Sheet, reason: str) -> Iterator[Finding]:
    if not math.isfinite(sheet.observed):
        yield _say("no_rating")
        return
    first, last = float(sheet.steps["printed"].iloc[0]), float(sheet.steps["printed"].iloc[-1])
    yield _say("observed", observed=first)
    if reason == "not_calibrated":
        yield _say("not_calibrated")
    elif sheet.calibrated == sheet.observed:
        yield _say("unchanged_small" if reason == "below_materiality" else "unchanged", observed=first)
    else:
        yield _say("calibrated", observed=first, calibrated=last)
        if reason == "capped":
            yield _say("capped")


def _steps(sheet: Sheet) -> Iterator[Finding]:
    for row in sheet.steps[sheet.steps["kind"] == "change"].to_dict(orient="records"):
        if not row["printed"]:  # nothing that a reader could see
            continue
        name = row["step"] if row["step"] in _PARTS else "from_other"
        way = "up" if row["points"] > 0 else "down"
        yield _say(f"step.{name}.{way}", points=abs(float(row["printed"])))
        if row["step"] == "from_feedback" and not row["n_hidden"] and row["n"] == row["n"] and row["n"]:
            yield _say("step.answers", n=int(row["n"]))


def _absent(sheet: Sheet) -> Iterator[Finding]:
    given = set(sheet.inputs["input"])
    for name in ("feedback", "indicators"):
        if name not in given:
            yield _say(f"no_{name}")


def _rests_on(colleagues: int | None, minimum_cell: int) -> Iterator[Finding]:
    if colleagues is None:
        return
    if colleagues < minimum_cell:
        yield _say("colleagues_few", minimum=minimum_cell)
    else:
        yield _say("colleagues", n=colleagues)


def _sureness(sheet: Sheet) -> Iterator[Finding]:
    if math.isfinite(sheet.conf_low) and math.isfinite(sheet.conf_high):
        yield _say("interval", low=sheet.conf_low, high=sheet.conf_high, confidence=sheet.confidence)
    if len(sheet.categories):
        ordered = sheet.categories.sort_values("probability", ascending=False, kind="stable")
        first = ordered.iloc[0]
        chance = float(first["probability"])
        data = {"category": str(first["category"]), "probability": chance}
        if chance >= _SURE or len(ordered) < 2:
            yield _say("category_sure", **data)
        else:
            second = ordered.iloc[1]
            data |= {"category_other": str(second["category"]), "probability_other": float(second["probability"])}
            yield _say("category_unsure", **data)


def _changes(sheet: Sheet) -> Iterator[Finding]:
    for row in sheet.changes.to_dict(orient="records"):
        change, name, points = str(row["change"]), str(row["category"]), abs(float(row["points"]))
        if change in ("next_up", "next_down"):
            if row["status"] != "ok":
                yield _say(f"{change}_beyond", category=name)
            elif row["n_steps"] == row["n_steps"] and row["n_steps"] is not None:
                yield _say(change, category=name, points=points, k=int(row["n_steps"]), n=int(row["n_items"]))
            else:
                yield _say(f"{change}_points", category=name, points=points)
        elif change == "without_adjustment" and row["reason"] != "same_category":
            yield _say("without_adjustment", category=name)
        elif change == "tipping" and _mostly_feedback(sheet):
            yield _say("tipping", points=points)
    if sheet.predikat:
        yield _say("predikat", predikat=sheet.predikat)
        for row in sheet.predikat_changes.to_dict(orient="records"):
            if not row["is_now"] and row["predikat"] != sheet.predikat:
                part = str(row["part"])
                yield _say(f"predikat_if_{part}", **{part: str(row["level"])}, predikat=str(row["predikat"]))


def _mostly_feedback(sheet: Sheet) -> bool:
    parts = sheet.steps[sheet.steps["kind"] == "change"].set_index("step")["points"].abs()
    return bool(parts.get("from_feedback", 0.0) >= parts.sum() / 2)


def _decisions(sheet: Sheet) -> Iterator[Finding]:
    for row in sheet.decisions.to_dict(orient="records"):
        yield _say("decided", old=str(row["old"]), new=str(row["new"]), why=str(row["reason"]), day=str(row["date"]))


def _objection(sheet: Sheet) -> Iterator[Finding]:
    if sheet.deadline is not None:
        yield _say("object_until", deadline=sheet.deadline, days=sheet.days)
    else:
        yield _say("object_within", days=sheet.days)
    if sheet.reviewer:
        yield _say("reviewer")
        yield from (_say(f"reviewer.{code}") for code in sheet.reviewer)
        yield _say("reviewer_not")
    if sheet.run:
        yield _say("replay", run=sheet.run, sha256=sheet.sha256[:12])


def _say(code: str, **data: object) -> Finding:
    return Finding(level="note", code=code, data=data)
