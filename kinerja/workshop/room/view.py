"""Part 2 on the page: the room's ratings as they come in, a form for who has no phone, and a button that empties it."""

from __future__ import annotations

import os
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd

from kinerja import wording
from kinerja.results import CANNOT
from kinerja.show.charts import Chart, dot_interval_chart
from kinerja.show.tables import code, interval, number, percent, table
from kinerja.workshop.controls import columns, every, facts, html, paragraphs, part, say, title
from kinerja.workshop.room import SCALE, items, load_cases
from kinerja.workshop.room.figures import FEWEST, RoomFigures, room_figures
from kinerja.workshop.room.link import Reading, RoomLink

SECONDS = 3.0
"""Between two looks at the room."""

MOST_SHOWN = 16
"""Participants whose severity is drawn each by itself; of more, the most severe and the mildest half of that many."""

ADDRESS_VARIABLE = "KINERJA_WORKSHOP_ADDRESS"
"""Where `kinerja workshop` tells the page what participants type into their phones."""


def room_part(language: wording.Language, link: RoomLink | None) -> Any:
    """The part as one widget; `link` is the room's server, None where the page was opened without one."""
    live, status = html(), html(css_class="kj-status")
    again = widgets.Button(description=say("room.refresh", language))
    seen: list[Reading] = []

    def read(_: Any = None) -> None:
        if link is None:
            live.value = f"<p>{escape(say('room.no_server', language))}</p>"
            return
        try:
            reading = link.read()
        except OSError:
            status.value = f"<p>{escape(say('room.lost', language))}</p>"
            return
        status.value = f"<p>{escape(say('room.joined', language, n=reading.joined))}</p>"
        if not seen or seen[-1].rows != reading.rows:
            live.value = room_html(reading, language)
            seen[:] = [reading]

    again.on_click(read)
    read()
    if link is not None:
        every(SECONDS, read)
    address = os.environ.get(ADDRESS_VARIABLE, "")
    where = html(
        f'<p class="kj-address">{escape(say("room.address", language))} <strong>{escape(address)}</strong></p>'
        if address
        else ""
    )
    extra = [] if link is None else [entry_form(language, link, read), clear_form(language, link, read)]
    return part(
        "room",
        [
            title("room.title", language, anchor="room"),
            paragraphs("room.lead", language=language, lead=True),
            where,
            columns(status, again),
            live,
            *extra,
        ],
    )


def room_html(reading: Reading, language: wording.Language) -> str:
    """Everything the room says so far."""
    if not reading.rows:
        return f"<p>{escape(say('room.empty', language))}</p>"
    figures = room_figures(reading.rows)
    spread = float(figures.spread["estimate"].iloc[0])
    top = facts(
        {
            say("room.fact.participants", language): wording.number(figures.participants, 0, language),
            say("room.fact.ratings", language): wording.number(figures.n, 0, language),
            say("room.fact.spread", language): wording.number(spread, 1, language),
        }
    )
    pieces = [top, _cases_html(figures, language)]
    if figures.participants < FEWEST:
        return "".join([*pieces, f"<p>{escape(say('room.few', language, n=FEWEST))}</p>"])
    return "".join([*pieces, _severity_html(figures, language), _halo_html(figures, language),
                    _agreement_html(figures, language)])  # fmt: skip


def _cases_html(figures: RoomFigures, language: wording.Language) -> str:
    titles = {case.case: case.title(language) for case in load_cases()}
    frame = figures.cases.assign(
        case=figures.cases["case"].map(titles),
        mark=[say("room.key_is", language, points=float(key)) for key in figures.cases["key"]],
    )
    chart: Chart = dot_interval_chart(
        frame,
        label="case",
        confidence=figures.confidence,
        mark="mark",
        digits=0,
        include=(0.0, 100.0),
        axis=say("points_axis", language),
        language=language,
        caption=say("room.cases", language),
        note=say("room.cases_note", language),
        name="room_cases",
    )
    return chart.to_html()


def _severity_html(figures: RoomFigures, language: wording.Language) -> str:
    rows = figures.severity
    if (rows["status"] == CANNOT).all():
        return f"<p>{escape(say('room.no_severity', language))}</p>"
    hidden = len(rows) - MOST_SHOWN
    if hidden > 0:
        rows = pd.concat([rows.head(MOST_SHOWN // 2), rows.tail(MOST_SHOWN // 2)])
    frame = rows.assign(who=[say("room.place", language, place=int(place)) for place in rows["place"]])
    note = say("room.severity_note", language)
    note += " " + say("room.severity_hidden", language, n=hidden) if hidden > 0 else ""
    chart: Chart = dot_interval_chart(
        frame,
        label="who",
        confidence=figures.confidence,
        signed=True,
        sort=False,
        reference=0.0,
        reference_label=say("room.average", language),
        axis=say("room.severity_axis", language),
        language=language,
        caption=say("room.severity", language),
        note=note,
        name="room_severity",
    )
    return chart.to_html()


def _halo_html(figures: RoomFigures, language: wording.Language) -> str:
    frame = figures.halo.assign(who=[say(f"room.who.{who}", language) for who in figures.halo["who"]])
    drawn = frame.rename(columns={"item_spread": "estimate", "item_low": "conf_low", "item_high": "conf_high"})
    chart: Chart = dot_interval_chart(
        drawn,
        label="who",
        confidence=figures.confidence,
        include=(0.0,),
        axis=say("room.halo_axis", language),
        language=language,
        caption=say("room.halo", language),
        note=say("room.halo_note", language),
        name="room_halo",
        sort=False,
    )
    shares = table(
        frame, columns=[code("who", label=wording.label("rater", language)),
                        percent("uniform_share", label=say("room.uniform", language)),
                        number("n", 0, label=say("room.halo_n", language))],
        language=language, caption=say("room.uniform_caption", language), name="room_uniform",
    )  # fmt: skip
    return chart.to_html() + shares.to_html()


def _agreement_html(figures: RoomFigures, language: wording.Language) -> str:
    if figures.with_key.empty:
        return ""
    key = figures.with_key.assign(who=[say(f"room.end.{who}", language) for who in figures.with_key["who"]])
    with_key = table(
        key, columns=[code("who", label=say("room.participant", language)), percent("exact_agreement"),
                      percent("adjacent_agreement"), number("mean_difference", 2, signed=True), number("n", 0)],
        language=language, caption=say("room.with_key", language), note=say("room.key_note", language),
        name="room_with_key",
    )  # fmt: skip
    names = {c: wording.label(c, language) if wording.has_label(c) else say(f"room.{c}", language)
             for c in figures.among["coefficient"]}  # fmt: skip
    among = table(
        figures.among.assign(coefficient=figures.among["coefficient"].map(names)),
        columns=[
            code("coefficient", label=say("room.measure", language)),
            number("estimate", 2),
            interval(figures.confidence, digits=2),
            number("n", 0, label=say("room.among_n", language)),
        ],
        language=language,
        caption=say("room.among", language),
        name="room_among",
    )
    return with_key.to_html() + among.to_html()


def entry_form(language: wording.Language, link: RoomLink, done: Callable[[], None]) -> Any:
    """Points of a participant without a phone: a number, a case, one choice a value."""
    heading = html(f"<h3>{escape(say('room.form', language))}</h3><p>{escape(say('room.form_lead', language))}</p>")
    number_of = widgets.BoundedIntText(value=1, min=1, max=200, description=say("room.number", language))
    titles = [(case.title(language), case.case) for case in link.cases]
    case = widgets.Dropdown(options=titles, description=say("room.case", language))
    choices = list(range(SCALE[0], SCALE[1] + 1))
    points = {
        item: widgets.Dropdown(options=choices, value=3, description=wording.text(f"workshop.item.{item}", language))
        for item in items()
    }
    send = widgets.Button(description=say("room.enter", language))
    told = html(css_class="kj-status")

    def enter(_: Any) -> None:
        link.enter(int(number_of.value), str(case.value), {item: int(box.value) for item, box in points.items()})
        told.value = f"<p>{escape(say('room.entered', language, n=int(number_of.value), case=str(case.label)))}</p>"
        later = [value for _, value in titles].index(case.value) + 1
        if later < len(titles):
            case.value = titles[later][1]
        done()

    send.on_click(enter)
    box = widgets.VBox([heading, number_of, case, *points.values(), send, told])
    box.add_class("kj-form")
    return box


def clear_form(language: wording.Language, link: RoomLink, done: Callable[[], None]) -> Any:
    """Empties the room after a second press."""
    first = widgets.Button(description=say("room.clear", language))
    sure = html(f"<p>{escape(say('room.clear_sure', language))}</p>")
    yes = widgets.Button(description=say("room.clear_yes", language), button_style="danger")
    no = widgets.Button(description=say("room.clear_no", language))
    asking = widgets.VBox([sure, columns(yes, no)])
    asking.layout.display = "none"

    def ask(on: bool) -> None:
        asking.layout.display = "" if on else "none"
        first.disabled = on

    def clear(_: Any) -> None:
        link.clear()
        ask(False)
        done()

    first.on_click(lambda _: ask(True))
    no.on_click(lambda _: ask(False))
    yes.on_click(clear)
    box = widgets.VBox([first, asking])
    box.add_class("kj-form")
    return box
