"""The data-quality report's own section: empty cells, respondents, screening of answers, who could not be heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd
from scipy.stats import norm

from kinerja import wording
from kinerja.citizens import Citizens
from kinerja.citizens.screening import CARELESS, STUFFING, Screening
from kinerja.evaluation import Evaluation
from kinerja.show.blocks import Block, findings, heading, prose
from kinerja.show.charts import dot_interval_chart
from kinerja.show.tables import Column, Table, code, day, extent, interval, number, percent, table, words

if TYPE_CHECKING:
    from kinerja.show.charts import Chart

KINDS = ("staff", "ratings", "indicators", "responses")
BOOKKEEPING = ("file", "sheet", "row")
"""Columns of the canonical frames that say where a row came from."""


BY_DESIGN = {"indicators": ("ratee", "unit", "target_high"), "responses": ("comment", "ratee")}
"""Columns that need not be filled in every row: an indicator is a person's or a unit's; few citizens comment."""


def quality(evaluation: Evaluation, language: wording.Language) -> Iterator[Block | Table | Chart]:
    yield prose("quality.lead", language=language, lead=True)
    yield heading("quality.gaps_title", language, level=3, anchor="gaps")
    yield from _gaps(evaluation, language)
    yield heading("quality.answers_title", language, level=3, anchor="answers")
    if evaluation.citizens is None:
        yield prose("citizens.none", language=language)
        return
    yield from _answers(evaluation.citizens, language)
    yield from _screened(evaluation.citizens, language)


def gaps(evaluation: Evaluation) -> pd.DataFrame:
    """input_kind, variable, n, missing, share: columns of the period's inputs with empty cells, the emptiest first."""
    period = evaluation.parameters.period.id
    rows = []
    for kind in KINDS:
        frame = getattr(evaluation.inputs, kind)
        frame = frame[(frame["period"] == period) | frame["period"].isna()] if "period" in frame else frame
        for name in frame.columns if len(frame) else ():
            missing = int(frame[name].isna().sum())
            if name not in (*BOOKKEEPING, *BY_DESIGN.get(kind, ())) and 0 < missing < len(frame):
                rows.append((kind, name, len(frame), missing, missing / len(frame)))
    found = pd.DataFrame(rows, columns=["input_kind", "variable", "n", "missing", "share"])
    return found.sort_values(["share", "input_kind", "variable"], ascending=[False, True, True], ignore_index=True)


def _gaps(evaluation: Evaluation, language: wording.Language) -> Iterator[Block | Table]:
    found = gaps(evaluation)
    if found.empty:
        yield prose("quality.no_gaps", language=language)
        return
    named = found.assign(variable=[_variable(name, language) for name in found["variable"]])
    yield table(
        named,
        columns=[code("input_kind"), words("variable"), number("n", 0), number("missing", 0), percent("share", 1)],
        language=language,
        caption_key="quality.gaps",
        note_key="quality.gaps_note",
        name="gaps",
    )


def _variable(name: str, language: wording.Language) -> str:
    for key in (f"element.{name}", f"attribute.{name}", name):
        if wording.has_label(key):
            return wording.label(key, language)
    return name


def _answers(feedback: Citizens, language: wording.Language) -> Iterator[Block | Table]:
    """Shares against known ones, silent citizens, channels: each only where the data tell something."""
    found = feedback.quality
    if found is None:
        yield prose("quality.no_answers", language=language)
        return
    if found.findings:
        yield findings(found.findings, language)
    parts: tuple[tuple[str, pd.DataFrame, list[Column]], ...] = (
        (
            "margins",
            found.margins,
            [
                code("attribute"),
                words("value", label=wording.label("category", language)),
                percent("share"),
                percent("target"),
                number("n", 0),
            ],
        ),
        (
            "channels",
            found.channels,
            [
                words("channel"),
                number("n", 0),
                percent("share"),
                number("estimate", 1, signed=True),
                interval(feedback.settings["confidence"]),
                number("p_adjusted", 3),
            ],
        ),
        (
            "nonresponse",
            found.nonresponse[found.nonresponse["status"] == "ok"],
            [
                words("group", label=wording.label("unit", language)),
                number("estimate", 1),
                percent("response_share"),
                extent("lowest", "highest", label=wording.text("quality.nonresponse_range", language)),
                number("n", 0),
            ],
        ),
    )
    for name, rows, columns in parts:
        if len(rows):
            yield table(
                rows,
                columns=columns,
                language=language,
                caption_key=f"quality.{name}",
                note_key=f"quality.{name}_note",
                name=f"quality_{name}",
                limit=20,
            )
        elif name != "channels":
            yield prose(f"quality.no_{name}", language=language)


def _screened(feedback: Citizens, language: wording.Language) -> Iterator[Block | Table | Chart]:
    found = feedback.quality
    if found is None:
        return
    yield heading("quality.screening_title", language, level=3, anchor="screening")
    yield prose("quality.screening_text", language=language)
    screening = found.screening
    yield table(
        screening.checks,
        columns=[code("check"), number("n", 0), percent("share", 1), number("expected", 2)],
        language=language,
        caption_key="quality.checks",
        note_key="quality.checks_note",
        name="screening_checks",
    )
    if len(screening.bursts):
        yield table(
            screening.bursts,
            columns=[
                words("unit"),
                day("start"),
                day("end"),
                number("n", 0),
                number("expected", 1),
                number("repeated_n", 0),
            ],
            language=language,
            caption_key="quality.bursts",
            note_key="quality.bursts_note",
            name="bursts",
        )
    yield flagged_table(screening, language)
    office = found.screened[found.screened["level"] == "office"]
    if len(office):
        half = norm.ppf((1 + feedback.settings["confidence"]) / 2) * office["std_error"]
        rows = office.assign(conf_low=office["estimate"] - half, conf_high=office["estimate"] + half)
        yield dot_interval_chart(
            rows.assign(way=[wording.label(f"run.{name}", language) for name in rows["run"]]),
            label="way",
            confidence=feedback.settings["confidence"],
            digits=2,
            sort=False,
            axis=wording.text("citizens.axis", language),
            language=language,
            caption_key="quality.screened",
            note_key="quality.screened_note",
            name="screened_index",
        )


def flagged_table(screening: Screening, language: wording.Language) -> Table:
    """Answers of each unit: how many, and how many look stuffed or careless."""
    units = screening.responses.groupby("unit", sort=True)
    counted = units[["stuffing", "careless"]].sum().assign(n=units.size())
    counted["share"] = (counted["stuffing"] + counted["careless"]) / counted["n"]
    return table(
        counted.reset_index(),
        columns=[
            words("unit"),
            number("n", 0),
            number("stuffing", 0),
            number("careless", 0),
            percent("share", 1),
        ],
        language=language,
        caption_key="quality.flagged",
        note_key="quality.flagged_note",
        values={"stuffing": len(STUFFING), "careless": len(CARELESS)},
        name="flagged_by_unit",
        limit=40,
    )
