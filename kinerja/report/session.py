"""The page that one participant of the moderation takes into the meeting; nothing about themselves is in it."""

from __future__ import annotations

import re
from pathlib import Path

from kinerja import wording
from kinerja.evaluation import Evaluation
from kinerja.inputs.names import known_of
from kinerja.report.files import staged, write_text
from kinerja.report.html import page
from kinerja.report.parts.session import session_section
from kinerja.show.tables import Table

FOLDER = "sessions"


def write_session(evaluation: Evaluation, participant: str) -> Path:
    """Write `sessions/<participant>.html` below the run's folder.

    Raises
    ------
    DataError : nobody of that id is rated or rates in this run
    WriteError : the folder cannot be written
    """
    parameters = evaluation.parameters
    language, office = parameters.language, parameters.office
    blocks = session_section(evaluation, participant).blocks
    body = "".join(block.html if not isinstance(block, Table) else block.to_html() for block in blocks)  # type: ignore[union-attr]
    html = page(
        f'<section id="session">{body}</section>',
        language=language,
        title=wording.text("session.title", language),
        subtitle=wording.text("session.subtitle", language, participant=participant, period=parameters.period.id),
        kicker=", ".join(filter(None, (office.name, office.place))),
        description=wording.text("session.title", language),
        footer=[wording.text("session.run", language, run=evaluation.id)],
        style="@media (min-width: 68rem) { .kj-page { display: block; } }",
    )
    name = f"{re.sub(r'[^A-Za-z0-9_-]', '_', participant)[:80] or '_'}.html"
    folder = parameters.run_folder / FOLDER
    with staged(folder, known=known_of(parameters)) as stage:
        write_text(stage / name, html)
    return folder / name
