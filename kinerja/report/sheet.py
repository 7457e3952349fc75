"""One person's sheet as a page: what went in, each step's change in points, how sure it is, how to object."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

from kinerja import wording
from kinerja.errors import DataError
from kinerja.evaluation import Evaluation
from kinerja.inputs.names import known_of
from kinerja.people.sheet import Sheet, all_sheets
from kinerja.people.sheet import sheet as sheet_of
from kinerja.people.sheet.section import replay_line, sheet_blocks
from kinerja.report.files import staged, write_text
from kinerja.report.html import page
from kinerja.show.section import Section
from kinerja.show.tables import Table

FOLDER = "sheets"


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
        raise wording.refusal(DataError, "sheet_no_people", where=evaluation.parameters.run)
    known = [str(name) for name in evaluation.scores.ratees["ratee"]]
    chosen = known if ratees is None else list(ratees)
    folder = evaluation.parameters.run_folder / FOLDER
    with staged(folder, known=known_of(evaluation.parameters)) as stage:
        for done, sheet in enumerate(all_sheets(evaluation, chosen, received=received)):
            write_text(stage / f"{_file_name(sheet.ratee)}.html", sheet_page(sheet, evaluation))
            if progress is not None:
                progress("sheets", (done + 1) / len(chosen))
    return [folder / f"{_file_name(name)}.html" for name in chosen]


def sheet_page(sheet: Sheet, evaluation: Evaluation) -> str:
    """The sheet as one self-contained page, one sheet of A4 on paper."""
    parameters = evaluation.parameters
    language, office = parameters.language, parameters.office
    return page(
        f'<section id="sheet" class="kj-sheet">{_arranged(sheet, language)}</section>',
        language=language,
        title=wording.text("sheet.title", language),
        subtitle=wording.text("sheet.subtitle", language, ratee=sheet.ratee, unit=sheet.unit, period=sheet.period),
        kicker=", ".join(filter(None, (office.name, office.place))),
        description=wording.text("sheet.title", language),
        footer=[replay_line(sheet, language)],
        style=_style(),
    )


def sheet_section(
    evaluation: Evaluation, ratee: str, *, received: str | date | None = None, language: wording.Language | None = None
) -> Section:
    """One person's sheet in a notebook.

    received : the day the person got the result (2026-10-12); None or "" where it is not known

    Raises
    ------
    DataError : the person is not in the run
    """
    spoken = language or evaluation.parameters.language
    day = date.fromisoformat(received) if isinstance(received, str) and received else received or None
    sheet = sheet_of(evaluation, ratee, received=day)
    return Section(name="sheet", language=spoken, blocks=tuple(sheet_blocks(sheet, spoken)))


def _arranged(sheet: Sheet, language: wording.Language) -> str:
    """The blocks in reading order: how sure beside what would change it, the way to object across the whole page."""
    html = [block.to_html() if isinstance(block, Table) else block.html for block in sheet_blocks(sheet, language)]
    across = next(k for k, block in enumerate(html) if 'class="kj-sheet-object"' in block)
    parts = [k for k, block in enumerate(html[:across]) if 'class="kj-sheet-part"' in block]
    first, second = (parts[0] if parts else across), (parts[1] if len(parts) > 1 else across)
    middle = _two("".join(html[first:second]), "".join(html[second:across]))
    return "".join([*html[:first], middle, html[across], _two(*html[across + 1 :])])


def _two(*columns: str) -> str:
    cells = "".join(f"<div>{column}</div>" for column in columns if column)
    return f'<div class="kj-sheet-two">{cells}</div>' if cells else ""


def _file_name(ratee: str) -> str:
    """The id as a file name: nothing that a path could be made of."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", ratee)[:80] or "_"


@cache
def _style() -> str:
    return (Path(str(files("kinerja.report"))) / "templates" / "report" / "sheet.css").read_text(encoding="utf-8")
