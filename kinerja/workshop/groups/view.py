"""Part 4 on the page: how often two rules see a difference between groups where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import ipywidgets as widgets

from kinerja import wording
from kinerja.show.charts import dot_interval_chart
from kinerja.show.tables import code, number, percent, table
from kinerja.workshop.controls import Slider, Steps, columns, html, paragraphs, part, say, title
from kinerja.workshop.groups import BATCH, BATCHES, DRAWS_LEVEL, Draws

FIRST_RATE, FIRST_BATCHES = 25.0, 8
"""Per cent of people with the top predikat when the page opens, and the draws then made, so that it opens at once."""


def groups_part(language: wording.Language, *, batches: int = BATCHES, first_batches: int = FIRST_BATCHES) -> Any:
    """The part as one widget."""
    rate = Slider("groups.rate", language, value=FIRST_RATE, low=5, high=60, step=5)
    again = widgets.Button(description=say("groups.again", language, n=batches * BATCH))
    shown, status = html(), html(css_class="kj-status")
    steps = Steps()
    draws = [Draws(FIRST_RATE / 100)]

    def draw(batches: int = batches) -> Iterator[None]:
        status.value = f"<p>{escape(say('busy', language))}</p>"
        yield
        total = draws[0].n + batches * BATCH
        for _ in draws[0].more(batches):
            shown.value = groups_html(draws[0], language)
            status.value = f"<p>{escape(say('groups.progress', language, n=draws[0].n, total=total))}</p>"
            yield

    def restart() -> None:
        draws[0] = Draws(rate.value / 100)
        steps.run(draw())

    rate.on_move(restart)
    again.on_click(lambda _: steps.run(draw()))
    steps.run(draw(first_batches))
    return part(
        "groups",
        [
            title("groups.title", language, anchor="groups"),
            paragraphs("groups.lead", language=language, lead=True),
            columns(rate.box, again),
            status,
            shown,
        ],
    )


def groups_html(draws: Draws, language: wording.Language) -> str:
    """The latest draw in a sentence, the alarms as a chart, what the package said in each draw as a table."""
    last = draws.last.iloc[0]
    alarm = say("groups.alarm" if last["below"] else "groups.quiet", language)
    told = say(
        "groups.last", language, n=int(last["size"]), a=int(last["group_a"]), b=int(last["group_b"]), rule=alarm,
        verdict=wording.label(f"verdict.{last['verdict']}", language),
    )  # fmt: skip
    frame = draws.alarms()
    frame["who"] = [
        say(f"groups.row.{rule}", language, n=int(size))
        for size, rule in zip(frame["size"], frame["rule"], strict=True)
    ]
    for column in ("estimate", "conf_low", "conf_high"):
        frame[column] = frame[column] * 100
    chart = dot_interval_chart(
        frame.sort_values(["rule", "size"]),
        label="who",
        confidence=DRAWS_LEVEL,
        digits=0,
        sort=False,
        include=(0.0, 100.0),
        axis=say("groups.axis", language),
        language=language,
        caption=say("groups.chart", language),
        note=say("groups.note", language, n=draws.n, level=1 - DRAWS_LEVEL),
        name="groups_alarms",
    )
    verdicts = table(
        draws.verdicts(),
        columns=[number("size", 0, label=say("groups.size", language)),
                 percent("four_fifths", label=say("groups.four_fifths", language)),
                 percent("shown", label=wording.label("verdict.shown", language)),
                 percent("not_shown", label=wording.label("verdict.not_shown", language)),
                 percent("cannot_tell", label=wording.label("verdict.cannot_tell", language)), code("n")],
        language=language, caption=say("groups.table", language), name="groups_verdicts",
    )  # fmt: skip
    return f"<p>{escape(told)}</p>{chart.to_html()}{verdicts.to_html()}"
