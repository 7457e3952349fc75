"""Part 5 of the workshop: what is stored, who sees what, how to object, and what a number becomes at the door."""

from __future__ import annotations

import secrets
from html import escape
from typing import Any, get_args

import ipywidgets as widgets
import pandas as pd

from kinerja import wording
from kinerja.privacy import MAY_SEE, Content, Reader, may_see, pseudonym
from kinerja.show.tables import table, words
from kinerja.workshop.controls import html, paragraphs, part, say, title

STORED = ("phones", "ratings", "sheet", "decisions", "run")
"""What there is to ask about, each a row `workshop.paper.<name>.*`."""

QUESTIONS = ("robot", "citizens", "strict", "colleagues", "lower", "wrong")


def paper_part(language: wording.Language, *, days: int) -> Any:
    """The part as one widget; `days` to object."""
    typed = widgets.Text(value="198501012010011001", description=say("paper.number", language))
    shown = html()
    key = secrets.token_bytes(32)  # for this page only: nobody keeps it, and what is typed is kept nowhere

    def show(_: Any = None) -> None:
        made = pseudonym(str(typed.value), key) if str(typed.value).strip() else wording.MISSING
        shown.value = f"<p>{escape(say('paper.becomes', language))} <code>{escape(made)}</code></p>"

    typed.observe(show, "value")
    show()
    return part(
        "paper",
        [
            title("paper.title", language, anchor="paper"),
            paragraphs("paper.lead", language=language, lead=True),
            html(stored_html(language) + who_sees_html(language)),
            paragraphs("paper.try", language=language),
            typed,
            shown,
            html(object_html(language, days) + questions_html(language)),
        ],
    )


def stored_html(language: wording.Language) -> str:
    columns = ("what", "holds", "kept")
    rows = [[say(f"paper.{name}.{column}", language) for column in columns] for name in STORED]
    return table(
        pd.DataFrame(rows, columns=list(columns)),
        columns=[words(column, label=say(f"paper.{column}", language)) for column in columns],
        language=language, caption=say("paper.stored", language), name="workshop_stored",
    ).to_html()  # fmt: skip


def who_sees_html(language: wording.Language) -> str:
    """The package's own rule of who may see what (`privacy.MAY_SEE`)."""
    yes, no = say("paper.yes", language), say("paper.no", language)
    readers: tuple[Reader, ...] = tuple(MAY_SEE)
    rows = [
        {"content": say(f"paper.content.{content}", language)}
        | {reader: yes if may_see(reader, content) else no for reader in readers}
        for content in get_args(Content)
    ]
    return table(
        pd.DataFrame(rows),
        columns=[words("content", label=say("paper.content", language)),
                 *(words(reader, label=wording.label(f"reader.{reader}", language)) for reader in readers)],
        language=language, caption=say("paper.who", language), name="workshop_who",
    ).to_html()  # fmt: skip


def object_html(language: wording.Language, days: int) -> str:
    steps = [
        say("paper.object.within", language, days=days),
        *(say(f"paper.object.{name}", language) for name in ("reviewer", "file", "decide")),
    ]
    listed = "".join(f"<li>{escape(step)}</li>" for step in steps)
    return f"<h3>{escape(say('paper.object', language))}</h3><ol>{listed}</ol>"


def questions_html(language: wording.Language) -> str:
    asked = "".join(
        f"<details><summary>{escape(say(f'paper.question.{name}', language))}</summary>"
        f"<p>{escape(say(f'paper.answer.{name}', language))}</p></details>"
        for name in QUESTIONS
    )
    return f"<h3>{escape(say('paper.questions', language))}</h3>{asked}"
