"""One person's sheet as a page: what went in, each step's change in points, how sure it is, how to object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kinerja import labels
from kinerja.errors import DataError
from kinerja.evaluation import Evaluation
from kinerja.explain import Sheet, explain_all, sentences
from kinerja.report_blocks import Block, facts
from kinerja.report_files import staged, write_text
from kinerja.report_html import page
from kinerja.sources_names import known_of
from kinerja.tables import Table, code, day, number, percent, table, words

if TYPE_CHECKING:
    from datetime import date

FOLDER = "sheets"

PARTS = (
    ("sheet.part.sure", ("interval", "category", "colleagues", "tipping")),
    ("sheet.part.change", ("next_", "without_", "predikat")),
    ("sheet.part.decided", ("decided",)),
    ("sheet.part.object", ("object_", "reviewer.", "replay")),
)
"""Headings of the sheet and the beginnings of the codes of the sentences below them; all others open the sheet."""


def write_sheets(
    evaluation: Evaluation,
    *,
    ratees: Sequence[str] | None = None,
    received: date | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> list[Path]:
    """Write `sheets/<ratee>.html` below the run's folder, for the people named or for everybody.

    received : the day the people get their results, from which the days to object are counted

    Raises
    ------
    DataError : a person is not in the run
    WriteError : the folder cannot be written
    """
    if evaluation.scores is None:
        raise DataError("sheet: the run has no ratings or indicators of people; a sheet needs them.")
    known = [str(name) for name in evaluation.scores.ratees["ratee"]]
    chosen = known if ratees is None else list(ratees)
    folder = evaluation.parameters.run_folder / FOLDER
    with staged(folder, known=known_of(evaluation.parameters)) as stage:
        for done, sheet in enumerate(explain_all(evaluation, chosen, received=received)):
            write_text(stage / f"{_file_name(sheet.ratee)}.html", sheet_page(sheet, evaluation))
            if progress is not None:
                progress("sheets", (done + 1) / len(chosen))
    return [folder / f"{_file_name(name)}.html" for name in chosen]


def sheet_page(sheet: Sheet, evaluation: Evaluation) -> str:
    """The sheet as one self-contained page."""
    parameters = evaluation.parameters
    language, office = parameters.language, parameters.office
    body = "".join(
        block.to_html() if isinstance(block, Table) else block.html for block in sheet_blocks(sheet, language)
    )
    return page(
        f'<section id="sheet">{body}</section>',
        language=language,
        title=labels.text("sheet.title", language),
        subtitle=labels.text("sheet.subtitle", language, ratee=sheet.ratee, unit=sheet.unit, period=sheet.period),
        kicker=", ".join(filter(None, (office.name, office.place))),
        description=labels.text("sheet.title", language),
        footer=[labels.text("sheet.people_decide", language)],
    )


def sheet_blocks(sheet: Sheet, language: labels.Language) -> Iterator[Block | Table]:
    """The sheet from the answer down to how to object; also for a notebook."""
    lines = dict(
        zip((f"{k}:{s.code}" for k, s in enumerate(sheet.statements)), sentences(sheet, language), strict=True)
    )
    codes = {key: key.split(":", 1)[1] for key in lines}
    later = tuple(start for _, starts in PARTS for start in starts)
    yield facts(_figures(sheet, language))
    yield _sentences([lines[key] for key, name in codes.items() if not name.startswith(later)], lead=True)
    yield _steps(sheet, language)
    for heading, starts in PARTS:
        chosen = [lines[key] for key, name in codes.items() if name.startswith(starts)]
        if not chosen:
            continue
        title = labels.text(heading, language)
        yield Block(html=f"<h2>{title}</h2>", plain=title)
        yield _sentences(chosen)
        if heading == "sheet.part.sure" and len(sheet.categories):
            yield _chances(sheet, language)
    yield from _inputs(sheet, language)


def _figures(sheet: Sheet, language: labels.Language) -> list[tuple[str, str]]:
    shown = [("observed", sheet.observed), ("calibrated", sheet.calibrated)]
    figures = [(labels.label(key, language), labels.number(value, 1, language)) for key, value in shown]
    if sheet.conf_low == sheet.conf_low:
        low, high = (labels.number(value, 1, language) for value in (sheet.conf_low, sheet.conf_high))
        figures.append((labels.label("interval", language), f"{low}–{high}"))
    return figures


def _sentences(lines: Sequence[str], *, lead: bool = False) -> Block:
    from html import escape

    first = ' class="kj-lead"' if lead else ""
    html = "".join(f"<p{first if k == 0 else ''}>{escape(line)}</p>" for k, line in enumerate(lines))
    return Block(html=html, plain="\n".join(lines))


def _steps(sheet: Sheet, language: labels.Language) -> Table:
    return table(
        sheet.steps,
        columns=[code("step"), number("printed", 1, signed=True)],
        language=language,
        caption_key="sheet.table.steps",
        note_key="sheet.table.steps_note",
        name="sheet_steps",
    )


def _chances(sheet: Sheet, language: labels.Language) -> Table:
    rows = sheet.categories.rename(columns={"category": "behaviour"})
    return table(
        rows,
        columns=[code("behaviour", label=labels.label("category", language)), percent("probability")],
        language=language,
        caption_key="sheet.table.chances",
        name="sheet_chances",
    )


def _inputs(sheet: Sheet, language: labels.Language) -> Iterator[Block | Table]:
    title = labels.text("sheet.part.inputs", language)
    yield Block(html=f"<h2>{title}</h2>", plain=title)
    yield table(
        sheet.inputs,
        columns=[code("input"), number("n", 0), day("first_date"), day("last_date")],
        language=language,
        caption_key="sheet.table.inputs",
        name="sheet_inputs",
    )
    if len(sheet.indicators):
        yield table(
            sheet.indicators,
            columns=[words("indicator"), number("target"), number("realisation"), number("attainment", 1)],
            language=language,
            caption_key="sheet.table.indicators",
            name="sheet_indicators",
        )


def _file_name(ratee: str) -> str:
    """The id as a file name: nothing that a path could be made of."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", ratee)[:80] or "_"
