"""Part 1 on the page: sliders of one invented employee, each step's number and the sum."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import Any

import pandas as pd

from kinerja import wording
from kinerja.people.sheet import sentences
from kinerja.show.blocks import typeset
from kinerja.show.charts import Chart, dot_interval_chart
from kinerja.show.tables import code, number, table, words
from kinerja.workshop.controls import Slider, Steps, columns, html, paragraphs, part, say, title
from kinerja.workshop.score import VALUES, Moves, WorkedOffice, WorkedScore, work_score

_STATEMENTS = 6
"""Sentences of the employee's sheet shown: the score, its steps and how sure it is; the rest is part 5's."""


def score_part(language: wording.Language, office: WorkedOffice) -> Any:
    """The part as one widget."""
    start = office.start
    most = max(start.target, start.realisation) * 2
    sliders = {
        "target": Slider("score.target", language, value=start.target, low=1, high=most, step=1),
        "realisation": Slider("score.realisation", language, value=start.realisation, low=0, high=most, step=1),
        **{
            value: Slider(f"score.{value}", language, value=start.ratings[value], low=1, high=5, step=1)
            for value in VALUES
        },
        "citizens": Slider(
            "score.citizens", language, value=round(start.citizens, 1), low=1, high=4, step=0.1, digits=1
        ),
    }
    shown, status = html(), html(css_class="kj-status")
    steps = Steps(lambda on: setattr(status, "value", f"<p>{escape(say('busy', language))}</p>" if on else ""))

    def moves() -> Moves:
        at = {name: slider.value for name, slider in sliders.items()}
        return Moves(
            target=at["target"],
            realisation=at["realisation"],
            ratings={value: at[value] for value in VALUES},
            citizens=at["citizens"],
        )

    def work() -> Iterator[None]:
        yield
        shown.value = score_html(office, work_score(office, moves()), moves(), language)

    for slider in sliders.values():
        slider.on_move(lambda: steps.run(work()))
    shown.value = score_html(office, work_score(office, moves()), moves(), language)
    return part(
        "score",
        [
            title("score.title", language, anchor="score"),
            paragraphs("score.lead", language=language, lead=True),
            columns(*(slider.box for slider in sliders.values())),
            status,
            shown,
        ],
    )


def score_html(office: WorkedOffice, found: WorkedScore, moves: Moves, language: wording.Language) -> str:
    """The steps as a table, the way from the rating to the calibrated score, and the sheet's first sentences."""
    told = "".join(f"<li>{escape(typeset(s))}</li>" for s in sentences(found.sheet, language)[:_STATEMENTS])
    heading = escape(say("score.sheet", language))
    figures = table(
        score_frame(found, moves, language),
        columns=[words("step", label=wording.label("step", language)),
                 words("figure", label=say("score.figure", language)), words("how", label=say("score.how", language))],
        language=language, caption=say("score.table", language, indicator=office.indicator), name="workshop_score",
    )  # fmt: skip
    steps = table(
        found.sheet.steps, columns=[code("step"), number("printed", 1, label=wording.label("points", language))],
        language=language, caption_key="workshop.score.steps", note_key="workshop.score.steps_note",
        name="workshop_steps",
    )  # fmt: skip
    chart = before_after(found, language)
    return f"{figures.to_html()}{chart.to_html()}<h3>{heading}</h3><ul>{told}</ul>{steps.to_html()}"


def before_after(found: WorkedScore, language: wording.Language) -> Chart:
    """The supervisor's rating, and the calibrated score with its interval."""
    sheet = found.sheet
    frame = pd.DataFrame(
        [("observed", sheet.observed, math.nan, math.nan),
         ("calibrated", sheet.calibrated, sheet.conf_low, sheet.conf_high)],
        columns=["step", "estimate", "conf_low", "conf_high"],
    )  # fmt: skip
    chart: Chart = dot_interval_chart(
        frame,
        label="step",
        confidence=sheet.confidence,
        n="",
        sort=False,
        include=(0.0, 100.0),
        axis=say("points_axis", language),
        language=language,
        caption=say("score.chart", language),
        name="workshop_before_after",
    )
    return chart


def score_frame(found: WorkedScore, moves: Moves, language: wording.Language) -> pd.DataFrame:
    """step, how (in words, with the numbers), figure (as shown): from target and ratings to the combined score."""
    sheet = found.sheet
    weights = {name: wording.percent(share, 0, language) for name, share in found.weights.items()}
    rows: list[tuple[str, dict[str, Any], float, int]] = [
        ("attainment", {"target": moves.target, "realisation": moves.realisation}, found.attainment, 1),
        ("attainment_all", {"n": len(sheet.indicators)}, found.attainment_all, 1),
        ("points", {"rating": found.rating, "n": found.n_items}, found.points, 1),
        (
            "combined",
            {
                "attainment": found.attainment_all,
                "points": found.points,
                "weight": weights.get("attainment", ""),
                "other": weights.get("behaviour", ""),
            },
            found.combined,
            1,
        ),
        ("index", {"answer": moves.citizens, "grade": found.grade}, found.index, 1),
        (
            "calibrated",
            {"low": sheet.conf_low, "high": sheet.conf_high, "confidence": sheet.confidence},
            sheet.calibrated,
            1,
        ),
    ]
    table_rows = [
        (say(f"score.step.{key}", language), say(f"score.how.{key}", language, **values),
         wording.number(figure, digits, language))
        for key, values, figure, digits in rows
    ]  # fmt: skip
    # the law's own names of predikat are the same in both languages
    predikat = found.predikat.replace("_", " ").title()
    table_rows.append((say("score.step.predikat", language), say("score.how.predikat", language), predikat))
    return pd.DataFrame(table_rows, columns=["step", "how", "figure"])
