"""The facilitator's page of the workshop: five parts, each drawn from the package's own functions."""

from __future__ import annotations

import os
from html import escape
from typing import Any

import ipywidgets as widgets

from kinerja import labels
from kinerja.displays import style
from kinerja.workshop_controls import say
from kinerja.workshop_groups_view import groups_part
from kinerja.workshop_link import link_from_environment
from kinerja.workshop_paper import paper_part
from kinerja.workshop_room_view import room_part
from kinerja.workshop_score import days_to_object, open_office
from kinerja.workshop_score_view import score_part
from kinerja.workshop_strict_view import strict_part

PARTS = ("score", "room", "strict", "groups", "paper")
"""The order of the page; each is an anchor and a title `workshop.<part>.title`."""


def workshop_page(language: labels.Language | None = None) -> Any:
    """The page as one widget.

    language : None takes KINERJA_LANGUAGE, else Indonesian. The room is that of `kinerja workshop`; opened without it
        (in JupyterLab) the page has everything but the phones.
    """
    wanted = language or os.environ.get("KINERJA_LANGUAGE", "")
    spoken: labels.Language = wanted if wanted in labels.LANGUAGES else "id"
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


def contents_html(language: labels.Language) -> str:
    """Links to the parts."""
    links = "".join(f'<li><a href="#{name}">{escape(say(f"{name}.title", language))}</a></li>' for name in PARTS)
    return f'<nav class="kj-parts" aria-label="{escape(say("contents", language))}"><ol>{links}</ol></nav>'
