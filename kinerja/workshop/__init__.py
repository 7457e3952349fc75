"""The facilitator's page of the workshop: five parts, each drawn from the package's own functions."""

from __future__ import annotations

import os
from html import escape
from typing import Any

import ipywidgets as widgets

from kinerja import wording
from kinerja.show.output import style
from kinerja.workshop.controls import say
from kinerja.workshop.groups.view import groups_part
from kinerja.workshop.paper import paper_part
from kinerja.workshop.room.link import link_from_environment
from kinerja.workshop.room.view import room_part
from kinerja.workshop.score import days_to_object, open_office
from kinerja.workshop.score.view import score_part
from kinerja.workshop.strict.view import strict_part

PARTS = ("score", "room", "strict", "groups", "paper")
"""The order of the page; each is an anchor and a title `workshop.<part>.title`."""


def workshop_page(language: wording.Language | None = None) -> Any:
    """The page as one widget.

    language : None takes KINERJA_LANGUAGE, else Indonesian. The room is that of `kinerja workshop`; opened without it
        (in JupyterLab) the page has everything but the phones.
    """
    wanted = language or os.environ.get("KINERJA_LANGUAGE", "")
    spoken: wording.Language = wanted if wanted in wording.LANGUAGES else "id"
    office = open_office()
    page = widgets.VBox(
        [
            # For JupyterLab; served by Voila, the page has the style of `kinerja workshop`.
            widgets.HTML(style() + style("workshop") + contents_html(spoken)),
            score_part(spoken, office),
            room_part(spoken, link_from_environment()),
            strict_part(spoken),
            groups_part(spoken),
            paper_part(spoken, days=days_to_object(office.parameters, office.rules)),
        ]
    )
    page.add_class("kj-workshop")
    return page


def contents_html(language: wording.Language) -> str:
    """Links to the parts."""
    links = "".join(f'<li><a href="#{name}">{escape(say(f"{name}.title", language))}</a></li>' for name in PARTS)
    return f'<nav class="kj-parts" aria-label="{escape(say("contents", language))}"><ol>{links}</ol></nav>'
