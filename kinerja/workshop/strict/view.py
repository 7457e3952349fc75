"""Part 3 on the page: a scenario of the benchmark, three sliders, the distance of four ways of scoring from truth."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

import ipywidgets as widgets

from kinerja import wording
from kinerja.show.charts import dot_interval_chart
from kinerja.show.tables import code, number, table
from kinerja.simulation import SCENARIOS
from kinerja.simulation.benchmark import BENCHMARK_LEVEL
from kinerja.workshop.controls import Slider, Steps, columns, html, paragraphs, part, say, title
from kinerja.workshop.strict import NAMES, OFFICES, StrictOffices, draw_offices, strict_scenario

FIRST = "S7"
"""The scenario the page opens with: the one in which there is evidence enough to see a difference."""

FIRST_OFFICES = 4
"""Offices drawn when the page opens, so that the first part answers at once."""


def strict_part(language: wording.Language, *, offices: int = OFFICES, first_offices: int = FIRST_OFFICES) -> Any:
    """The part as one widget."""
    options = [(f"{name} · {wording.text(f'scenario.{name}', language)}", name) for name in NAMES]
    scenario = widgets.Dropdown(options=options, value=FIRST, description=wording.label("scenario", language))
    base = SCENARIOS[FIRST]
    severity = Slider("strict.severity", language, value=base.severity, low=0, high=10, step=0.5, digits=1)
    size = Slider("strict.size", language, value=round(base.staff / base.supervisors), low=3, high=20, step=1)
    responses = Slider("strict.responses", language, value=base.responses, low=0, high=3000, step=100)
    shown, status = html(), html(css_class="kj-status")
    steps = Steps()

    def draw(offices: int = offices) -> Iterator[None]:
        status.value = f"<p>{escape(say('busy', language))}</p>"
        yield
        chosen = strict_scenario(
            str(scenario.value), severity=severity.value, team_size=int(size.value), responses=int(responses.value)
        )
        for found in draw_offices(chosen, offices=offices):
            shown.value = strict_html(found, language)
            status.value = f"<p>{escape(say('strict.progress', language, n=found.offices, total=offices))}</p>"
            yield

    def choose(_: Any) -> None:
        wanted = SCENARIOS[str(scenario.value)]
        severity.value, responses.value = wanted.severity, wanted.responses
        steps.run(draw())

    scenario.observe(choose, "value")
    for slider in (severity, size, responses):
        slider.on_move(lambda: steps.run(draw()))
    steps.run(draw(first_offices))
    return part(
        "strict",
        [
            title("strict.title", language, anchor="strict"),
            paragraphs("strict.lead", language=language, lead=True),
            scenario,
            columns(severity.box, size.box, responses.box),
            status,
            shown,
        ],
    )


def strict_html(found: StrictOffices, language: wording.Language) -> str:
    """What calibration answers, the chart and the table."""
    answer = say(f"strict.answer.{found.answer}", language, evidence=found.evidence, untouched=found.untouched)
    chart = dot_interval_chart(
        found.table[found.table["method"] != "raw"],
        label="method",
        confidence=BENCHMARK_LEVEL,
        digits=2,
        sort=False,
        reference=1.0,
        reference_label=say("strict.raw", language),
        axis=say("strict.axis", language),
        language=language,
        caption=say("strict.chart", language),
        note=say("strict.note", language, offices=found.offices, people=found.people),
        name="strict_error",
    )
    numbers = table(
        found.table, columns=[code("method"), number("error", 2, label=say("strict.error", language)),
                              number("estimate", 2, label=say("strict.ratio", language)), number("n", 0)],
        language=language, caption=say("strict.table", language), name="strict_table",
    )  # fmt: skip
    return (
        f'<p class="kj-answer kj-answer-{found.answer}" role="status">{escape(answer)}</p>'
        f"{chart.to_html()}{numbers.to_html()}"
    )
