"""The report of one unit, two printed pages: what it reached, what citizens say, how its people are rated.

Figures about fewer people than `privacy.minimum_cell` are withheld, with those that would give them away by subtraction
from the office or from the reports of the other units (`sections_unit_cells`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from kinerja import wording
from kinerja.errors import DataError, ParameterError
from kinerja.evaluation import Evaluation
from kinerja.inputs.section import coverage
from kinerja.report.parts.unit_cells import (
    OFFICE,
    attainment_trend,
    element_rows,
    index_rows,
    is_shown,
    people_table,
    predikat_rows,
)
from kinerja.results import OK, Finding
from kinerja.show.blocks import Block, bullets, facts, findings, heading, prose
from kinerja.show.charts import dot_interval_chart, trend_chart
from kinerja.show.section import Section
from kinerja.show.tables import Table, code, interval, number, percent, table, words

if TYPE_CHECKING:
    from kinerja.show.charts import Chart

NAMES = ("overview", "attainment", "citizens", "people")
"""The parts of a unit's report, in the order in which they stand."""


def unit_section(name: str, evaluation: Evaluation, unit: str, language: wording.Language | None = None) -> Section:
    """The part `name` of the report of one unit.

    Raises
    ------
    ParameterError : no part has that name
    DataError : the run has no such unit
    """
    if name not in NAMES:
        raise ParameterError(f"unit_section: found {name!r}; one of {', '.join(NAMES)} is allowed.")
    known = sorted(evaluation.inputs.staff["unit"].dropna().astype(str).unique())
    if unit not in known:
        raise unknown_unit(unit, known)
    spoken = language or evaluation.parameters.language
    build = _PARTS[name]
    title = heading(f"unit.{name}.title", spoken, anchor=name)
    opening = () if name == "overview" else (title,)
    return Section(name=name, language=spoken, blocks=(*opening, *build(evaluation, unit, spoken)))


def unknown_unit(unit: str, known: Sequence[str]) -> DataError:
    """The refusal of a unit that the run does not have."""
    units = ", ".join(known[:20])
    return wording.refusal(DataError, "unit_not_in_run", where="--unit", found=repr(unit), units=units)


def _overview(evaluation: Evaluation, unit: str, language: wording.Language) -> Iterator[Block | Table | Chart]:
    period = evaluation.parameters.period.id
    lead = prose("unit.lead", language=language, lead=True, unit=unit, period=period)
    # The style sheet prints a page with this mark closer, so that it fits on two sheets.
    yield Block(html=f'<div class="kj-unit">{lead.html}</div>', plain=lead.plain)
    yield facts(_figures(evaluation, unit, language))
    yield heading("unit.overview.title", language, anchor="overview")
    yield findings(unit_findings(evaluation, unit), language, links={})
    yield bullets(["overview.not_person", "overview.not_unit"], language)


def _figures(evaluation: Evaluation, unit: str, language: wording.Language) -> list[tuple[str, str]]:
    counted = coverage(evaluation.inputs, evaluation.parameters.period.id)
    mine = counted[counted["unit"] == unit]
    shown = [("ratees", "n_staff"), ("rated", "n_rated"), ("responses", "n_answers")]
    names = {"ratees": "overview.ratees", "rated": "unit.rated", "responses": "overview.responses"}
    return [
        (wording.text(names[key], language), wording.number(int(mine[column].sum()), None, language))
        for key, column in shown
    ]


def unit_findings(evaluation: Evaluation, unit: str) -> list[Finding]:
    """What the head of the unit must know in two minutes, each against the office as a whole."""
    found = [*_small(evaluation, unit), *_attained(evaluation, unit), *_index_findings(evaluation, unit)]
    return [*found, *_calibrated(evaluation, unit)]


def _small(evaluation: Evaluation, unit: str) -> Iterator[Finding]:
    minimum = evaluation.parameters.privacy.minimum_cell
    counted = coverage(evaluation.inputs, evaluation.parameters.period.id)
    people = int(counted.loc[counted["unit"] == unit, "n_staff"].sum())
    if people < minimum:
        yield Finding(level="caution", code="unit_small", data={"n": people, "minimum": minimum})


def _attained(evaluation: Evaluation, unit: str) -> Iterator[Finding]:
    shown = people_table(evaluation)
    mine, office = _of(shown, unit), _of(shown, OFFICE)
    if mine is not None and office is not None and math.isfinite(mine["attainment"]):
        data = {"mean": float(mine["attainment"]), "n": int(mine["n"]), "office": float(office["attainment"])}
        yield Finding(level="note", code="unit_attainment", data=data)


def _index_findings(evaluation: Evaluation, unit: str) -> Iterator[Finding]:
    shown = index_rows(evaluation)
    mine, office = _of(shown, unit), _of(shown, OFFICE)
    if mine is None or office is None or not math.isfinite(mine["estimate"]):
        return
    limits = {"low": float(mine["conf_low"]), "high": float(mine["conf_high"]), "office": float(office["estimate"]),
              "confidence": evaluation.parameters.confidence}  # fmt: skip
    data = {"index": float(mine["estimate"]), "grade": str(mine["grade"]), "n": int(mine["n"]), **limits}
    place = "below" if limits["high"] < limits["office"] else "above" if limits["low"] > limits["office"] else "within"
    yield Finding(level="caution" if place == "below" else "note", code=f"unit_index_{place}", data=data)
    elements = element_rows(evaluation, unit)
    known = elements[elements["estimate"].notna()] if len(elements) else elements
    if len(known):
        least = known.iloc[0]
        data = {"element": str(least["element"]), "mean": float(least["estimate"]), "n": int(least["n"])}
        yield Finding(level="note", code="unit_lowest_element", data=data)


def _calibrated(evaluation: Evaluation, unit: str) -> Iterator[Finding]:
    mine = _of(people_table(evaluation), unit)
    if mine is not None and math.isfinite(mine.get("calibrated", math.nan)):
        data = {"observed": float(mine["observed"]), "calibrated": float(mine["calibrated"]), "n": int(mine["n"])}
        yield Finding(level="note", code="unit_calibrated", data=data)


def _attainment(evaluation: Evaluation, unit: str, language: wording.Language) -> Iterator[Block | Table | Chart]:
    if evaluation.scores is None or evaluation.scores.attainment.empty:
        yield prose("attainment.none", language=language)
        return
    trend = attainment_trend(evaluation, unit)
    if trend["period"].nunique() > 1:
        yield trend_chart(
            trend.assign(unit=_named(trend["unit"], language)),
            confidence=None,
            series="unit",
            estimate="attainment",
            axis=wording.text("attainment.axis", language),
            include=(90.0, 110.0),  # a change of a point is to look like one
            language=language,
            caption_key="unit.attainment.trend",
            name="unit_attainment_trend",
        )
    yield from _indicators(evaluation, unit, language)


def _indicators(evaluation: Evaluation, unit: str, language: wording.Language) -> Iterator[Table]:
    """The unit's own indicators (no person's)."""
    rows = pd.DataFrame() if evaluation.scores is None else evaluation.scores.attainment
    mine = rows[(rows["unit"] == unit) & rows["ratee"].fillna("").eq("")] if len(rows) else rows
    if len(mine):
        yield table(
            mine.sort_values("indicator", ignore_index=True),
            columns=[words("indicator"), number("target"), number("realisation"), number("attainment", 1)],
            language=language,
            caption_key="unit.attainment.indicators",
            name="unit_indicators",
            limit=8,
        )


def _citizens(evaluation: Evaluation, unit: str, language: wording.Language) -> Iterator[Block | Table | Chart]:
    rows = index_rows(evaluation)
    chosen = rows[rows["unit"].isin([unit, OFFICE])] if len(rows) else rows
    if chosen.empty:
        yield prose("citizens.none", language=language)
        return
    yield dot_interval_chart(
        chosen.assign(unit=_named(chosen["unit"], language)),
        label="unit",
        confidence=evaluation.parameters.confidence,
        axis=wording.text("citizens.axis", language),
        language=language,
        caption_key="unit.citizens.index",
        name="unit_index",
    )
    elements = element_rows(evaluation, unit)
    if len(elements):
        yield table(
            elements,
            columns=[
                code("element"),
                number("estimate", 2, label=wording.text("unit.this", language)),
                interval(evaluation.parameters.confidence, digits=2),
                number("n", 0),
                number("office", 2, label=wording.text("unit.office", language)),
            ],
            language=language,
            caption_key="unit.citizens.elements",
            note_key="citizens.elements_note",
            name="unit_elements",
        )


def _people(evaluation: Evaluation, unit: str, language: wording.Language) -> Iterator[Block | Table | Chart]:
    rows = people_table(evaluation)
    chosen = rows[rows["unit"].isin([unit, OFFICE])] if len(rows) else rows
    if chosen.empty:
        yield prose("ratings.none", language=language)
        return
    columns = [number(name, 1) for name in ("attainment", "observed", "calibrated") if name in chosen]
    yield table(
        chosen.assign(unit=_named(chosen["unit"], language)),
        columns=[words("unit"), number("n", 0), *columns],
        language=language,
        caption_key="unit.people.means",
        note_key="unit.people.means_note" if "calibrated" in chosen else "",
        name="unit_people",
    )
    predikat = predikat_rows(evaluation, unit)
    minimum = evaluation.parameters.privacy.minimum_cell
    if len(predikat) and not predikat["status"].eq(OK).all():
        yield prose("unit.people.predikat_withheld", language=language, minimum=minimum)
    elif len(predikat):
        yield table(
            predikat,
            columns=[code("predikat"), number("n", 0), percent("share")],
            language=language,
            caption_key="unit.people.predikat",
            note_key="unit.people.predikat_note",
            values={"minimum": minimum},
            name="unit_predikat",
        )
    yield prose("unit.people.decide", language=language)


def _of(rows: pd.DataFrame, unit: str) -> pd.Series | None:
    found = rows[rows["unit"] == unit]
    return None if found.empty or not is_shown(found.iloc[0]) else found.iloc[0]


def _named(units: pd.Series, language: wording.Language) -> pd.Series:
    return units.where(units != "", wording.text("unit.office", language))


_PARTS: dict[str, Callable[[Evaluation, str, wording.Language], Iterator[Block | Table | Chart]]] = {
    "overview": _overview,
    "attainment": _attainment,
    "citizens": _citizens,
    "people": _people,
}
