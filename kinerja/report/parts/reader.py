"""A report made for one kind of reader: what that reader may not see is never put into it, rather than hidden.

Each part says which content it shows (`privacy.MAY_SEE`); figures of units come from the tables in which small cells
are withheld together (`report.parts.unit_cells`), so that the reports of different readers do not open each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from kinerja import wording
from kinerja.citizens.section import elements_table
from kinerja.errors import DataError, ParameterError
from kinerja.evaluation import Evaluation
from kinerja.people.sheet import sheet as sheet_of
from kinerja.people.sheet.section import sheet_blocks
from kinerja.privacy import MAY_SEE, Content, Reader, may_see
from kinerja.report.parts.annex import rules_table
from kinerja.report.parts.unit import unit_section, unknown_unit
from kinerja.report.parts.unit_cells import OFFICE, hidden_answers, index_rows, is_shown, people_table, predikat_table
from kinerja.results import OK, Finding
from kinerja.show.blocks import Block, bullets, facts, findings, heading, prose
from kinerja.show.charts import dot_interval_chart
from kinerja.show.section import Section
from kinerja.show.tables import Table, code, interval, number, percent, table, words

if TYPE_CHECKING:
    from kinerja.show.charts import Chart


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Whose eyes: the reader, the unit and the person that are the reader's own ("" where there is none)."""

    reader: Reader
    unit: str = ""
    ratee: str = ""


Build = Callable[[Evaluation, Seen, wording.Language], "Iterator[Block | Table | Chart]"]


def reader_section(
    name: str, evaluation: Evaluation, reader: str, *, unit: str = "", ratee: str = "", language: str | None = None
) -> Section:
    """The part `name` of the report for a reader; empty where that reader may not see its content.

    Raises
    ------
    ParameterError : no part or reader has that name; a unit or person is missing or is not the reader's to see
    DataError : the run has no such unit or person
    """
    if name not in PARTS:
        raise ParameterError(f"reader_section: found {name!r}; one of {', '.join(PARTS)} is allowed.")
    seen = who(evaluation, reader, unit=unit, ratee=ratee)
    spoken = wording.LANGUAGES[wording.LANGUAGES.index(language)] if language else evaluation.parameters.language
    content, build = PARTS[name]
    blocks = tuple(build(evaluation, seen, spoken)) if may_see(seen.reader, content) else ()
    title = heading(f"reader.{name}.title", spoken, anchor=name)
    return Section(name=name, language=spoken, blocks=(title, *blocks) if blocks else ())


def who(evaluation: Evaluation, reader: str, *, unit: str = "", ratee: str = "") -> Seen:
    """The reader with the unit and the person that are the reader's own; an employee's unit is the one of the run.

    Raises
    ------
    ParameterError, DataError : as `reader_section`
    """
    known = tuple(name for name in MAY_SEE if name != "office")
    reader_name = next((name for name in known if name == reader), None)
    if reader_name is None:
        raise _refused("--reader", reader, "reader_unknown", allowed=", ".join(known))
    if reader_name == "public" and (unit or ratee):
        raise _refused("--reader", reader, "reader_takes_nobody")
    if reader_name == "unit_head" and not unit:
        raise _refused("--unit", "", "reader_needs_unit")
    if reader_name == "employee" and not ratee:
        raise _refused("--ratee", "", "reader_needs_ratee")
    if ratee:
        home = _unit_of(evaluation, ratee)
        if reader_name == "employee" and unit and unit != home:
            raise _refused("--unit", unit, "reader_other_unit")
        unit = unit or home
    units = sorted(evaluation.inputs.staff["unit"].dropna().astype(str).unique())
    if unit and unit not in units:
        raise unknown_unit(unit, units)
    return Seen(reader=reader_name, unit=unit, ratee=ratee)


def _unit_of(evaluation: Evaluation, ratee: str) -> str:
    people = pd.DataFrame(columns=["ratee", "unit"]) if evaluation.scores is None else evaluation.scores.ratees
    mine = people.loc[people["ratee"] == ratee, "unit"]
    if mine.empty:
        period = evaluation.parameters.period.id
        raise wording.refusal(DataError, "person_not_in_run", where="--ratee", found=repr(ratee), period=period)
    return "" if pd.isna(mine.iloc[0]) else str(mine.iloc[0])


def _refused(where: str, found: str, code: str, **data: str) -> ParameterError:
    return wording.refusal(ParameterError, code, where=where, found=found, **data)


def _overview(evaluation: Evaluation, seen: Seen, language: wording.Language) -> Iterator[Block]:
    parameters = evaluation.parameters
    yield prose(
        "overview.lead", language=language, lead=True, office=parameters.office.name, period=parameters.period.id
    )
    yield prose(f"reader.lead.{seen.reader}", language=language, minimum=parameters.privacy.minimum_cell)
    yield facts(_figures(evaluation, language))
    found = list(_headlines(evaluation))
    if found:
        yield findings(found, language)
    yield bullets(["overview.not_person", "overview.not_unit"], language)


def _figures(evaluation: Evaluation, language: wording.Language) -> list[tuple[str, str]]:
    period = evaluation.parameters.period.id
    counts = {
        "ratees": len(evaluation.scores.ratees) if evaluation.scores else 0,
        "units": evaluation.inputs.staff["unit"].nunique(),
        "responses": int((evaluation.inputs.responses["period"] == period).sum()),
    }
    shown = {key: int(count) for key, count in counts.items() if count}
    return [(wording.text(f"overview.{key}", language), wording.number(n, None, language)) for key, n in shown.items()]


def _headlines(evaluation: Evaluation) -> Iterator[Finding]:
    """The office as a whole, as far as nothing of it is withheld."""
    people = _office_row(people_table(evaluation))
    if people is not None and math.isfinite(people["attainment"]):
        n = int(people["n"])
        yield _headline("overview_attainment", mean=float(people["attainment"]), n=n, total=n)
    index = _office_row(index_rows(evaluation))
    if index is not None and math.isfinite(index["conf_low"]):
        limits = {"low": float(index["conf_low"]), "high": float(index["conf_high"]),
                  "confidence": evaluation.parameters.confidence}  # fmt: skip
        grade, n = str(index["grade"]), int(index["n"])
        yield _headline("overview_index", index=float(index["estimate"]), grade=grade, n=n, **limits)


def _headline(code: str, **data: object) -> Finding:
    return Finding(level="note", code=code, data=data)


def _office_row(rows: pd.DataFrame) -> pd.Series | None:
    found = rows[rows["unit"] == OFFICE] if len(rows) else rows
    return None if found.empty or not is_shown(found.iloc[0]) else found.iloc[0]


def _person(evaluation: Evaluation, seen: Seen, language: wording.Language) -> Iterator[Block | Table]:
    if seen.ratee:
        yield from sheet_blocks(sheet_of(evaluation, seen.ratee), language)


def _own_unit(evaluation: Evaluation, seen: Seen, language: wording.Language) -> Iterator[Block | Table | Chart]:
    if not seen.unit:
        return
    yield prose("unit.lead", language=language, unit=seen.unit, period=evaluation.parameters.period.id)
    for name in ("attainment", "citizens", "people"):
        yield from unit_section(name, evaluation, seen.unit, language).blocks


def _units(evaluation: Evaluation, seen: Seen, language: wording.Language) -> Iterator[Block | Table | Chart]:
    """All units beside each other: means over people, the index of each."""
    people = people_table(evaluation)
    if len(people):
        columns = [number(name, 1) for name in ("attainment", "observed", "calibrated") if name in people]
        yield table(
            _named(people, language),
            columns=[words("unit"), number("n", 0), *columns],
            language=language,
            caption_key="reader.units.people",
            note_key="reader.withheld",
            values={"minimum": evaluation.parameters.privacy.minimum_cell},
            name="reader_units",
            limit=40,
        )
    index = index_rows(evaluation)
    if index.empty:
        return
    yield table(
        _named(index, language),
        columns=[
            words("unit"),
            number("estimate", 2),
            interval(evaluation.parameters.confidence, digits=1),
            words("grade"),
            number("n", 0),
        ],
        language=language,
        caption_key="citizens.index_unit",
        note_key="reader.withheld",
        values={"minimum": evaluation.parameters.privacy.minimum_cell},
        name="reader_index",
        limit=40,
    )
    known = index[index["status"] == OK]
    if len(known):
        yield dot_interval_chart(
            _named(known, language),
            label="unit",
            confidence=evaluation.parameters.confidence,
            axis=wording.text("citizens.axis", language),
            language=language,
            caption_key="citizens.index_chart",
            name="reader_index_chart",
        )


def _office(evaluation: Evaluation, seen: Seen, language: wording.Language) -> Iterator[Block | Table]:
    """The office as a whole: how its people are rated, the elements of its service."""
    predikat = predikat_table(evaluation)
    predikat = predikat[predikat["unit"] == OFFICE] if len(predikat) else predikat
    if len(predikat):
        yield table(
            predikat,
            columns=[code("predikat"), number("n", 0), percent("share")],
            language=language,
            caption_key="unit.people.predikat",
            note_key="reader.withheld",
            values={"minimum": evaluation.parameters.privacy.minimum_cell},
            name="reader_predikat",
        )
    if evaluation.citizens is not None and OFFICE not in hidden_answers(evaluation):
        yield elements_table(evaluation.citizens, language)


def _comments(evaluation: Evaluation, seen: Seen, language: wording.Language) -> Iterator[Table]:
    """What citizens wrote of the reader's own unit, redacted, where the office quotes comments at all."""
    comments = None if evaluation.citizens is None else evaluation.citizens.comments
    if comments is None or not len(comments.quotes) or seen.unit in hidden_answers(evaluation):
        return
    mine = comments.quotes[comments.quotes["unit"] == seen.unit]
    if len(mine):
        columns = [code("tone"), words("comment")]
        yield table(mine, columns=columns, language=language, caption_key="citizens.quotes", name="reader_comments")


def _annex(evaluation: Evaluation, seen: Seen, language: wording.Language) -> Iterator[Block | Table]:
    """Rules, and what the figures do not say; settings and file names stay in the office's own report."""
    yield bullets(["annex.limit_people", "annex.limit_threshold", "annex.limit_ecology"], language)
    yield rules_table(evaluation, language)


def _named(rows: pd.DataFrame, language: wording.Language) -> pd.DataFrame:
    office = wording.text("unit.office", language)
    return rows.assign(unit=rows["unit"].where(rows["unit"] != OFFICE, office))


PARTS: Mapping[str, tuple[Content, Build]] = {
    "overview": ("office", _overview),
    "person": ("own_person", _person),
    "own_unit": ("own_unit", _own_unit),
    "units": ("unit", _units),
    "office": ("office", _office),
    "comments": ("comment", _comments),
    "annex": ("office", _annex),
}
"""Each part of a reader's report: the content that a reader must be allowed to see, and what makes it."""
