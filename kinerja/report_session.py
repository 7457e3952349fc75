"""The page that one participant of the moderation takes into the meeting; nothing about themselves is in it."""

from __future__ import annotations

import re
from pathlib import Path

from kinerja import labels
from kinerja.evaluation import Evaluation
from kinerja.report_files import staged, write_text
from kinerja.report_html import page
from kinerja.sections_session import session_section
from kinerja.sources_names import known_of
from kinerja.tables import Table

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
        title=labels.text("session.title", language),
        subtitle=labels.text("session.subtitle", language, participant=participant, period=parameters.period.id),
        kicker=", ".join(filter(None, (office.name, office.place))),
        description=labels.text("session.title", language),
        footer=[labels.text("session.run", language, run=evaluation.id)],
        style="@media (min-width: 68rem) { .kj-page { display: block; } }",
    )
    name = f"{re.sub(r'[^A-Za-z0-9_-]', '_', participant)[:80] or '_'}.html"
    folder = parameters.run_folder / FOLDER
    with staged(folder, known=known_of(parameters)) as stage:
        write_text(stage / name, html)
    return folder / name
