"""Section 3: attainment of targets, with the formula used; what cannot be computed is shown as such."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.results import CANNOT
from kinerja.scoring import Scores
from kinerja.show.blocks import Block, prose
from kinerja.show.charts import trend_chart
from kinerja.show.tables import Table, code, number, percent, table, words

if TYPE_CHECKING:
    import pandas as pd

    from kinerja.show.charts import Chart


def attainment(scores: Scores | None, language: wording.Language) -> Iterator[Block | Table | Chart]:
    yield prose("attainment.lead", language=language, lead=True)
    if scores is None or scores.attainment.empty:
        yield prose("attainment.none", language=language)
        return
    yield table(
        scores.units,
        columns=[
            words("unit"),
            number("n_indicators", 0),
            number("n_computed", 0),
            number("attainment", 1),
            number("n_attainment", 0),
            number("attainment_ratees", 1),
        ],
        language=language,
        caption_key="attainment.units",
        note_key="attainment.units_note",
        name="attainment_units",
        limit=40,
    )
    yield table(
        _formulas(scores.attainment),
        columns=[code("polarity"), words("formula"), number("n", 0), number("not_computed", 0)],
        language=language,
        caption_key="attainment.formulas",
        note_key="attainment.formulas_note",
        name="attainment_formulas",
    )
    yield from _not_computable(scores.attainment, language)
    office = scores.trend[(scores.trend["level"] == "office") & (scores.trend["n_attainment"] > 0)]
    if len(office) > 1:
        yield trend_chart(
            office,
            confidence=None,
            estimate="attainment",
            axis=wording.text("attainment.axis", language),
            include=(90.0, 110.0),  # a change of a point is to look like one
            language=language,
            caption_key="attainment.trend",
            name="attainment_trend",
        )


def _formulas(attained: pd.DataFrame) -> pd.DataFrame:
    marked = attained.assign(lacking=attained["status"] == CANNOT)
    return (
        marked.groupby(["polarity", "formula"], sort=True)
        .agg(n=("lacking", "size"), not_computed=("lacking", "sum"))
        .reset_index()
    )


def _not_computable(attained: pd.DataFrame, language: wording.Language) -> Iterator[Table]:
    lacking = attained[attained["status"] == CANNOT]
    if lacking.empty:
        return
    counted = lacking.groupby(["indicator", "reason"], sort=True).size().rename("count").reset_index()
    counted["share"] = counted["count"] / len(attained)
    yield table(
        counted,
        columns=[words("indicator"), code("reason"), number("count", 0), percent("share", 1)],
        language=language,
        caption_key="attainment.not_computable",
        name="attainment_not_computable",
        limit=25,
    )
