"""Section 2: what came in, what was left out and why, how far it covers the office."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from kinerja import wording
from kinerja.evaluation import Evaluation
from kinerja.show.blocks import Block, findings, prose
from kinerja.show.tables import Table, code, number, table, words


def data(evaluation: Evaluation, language: wording.Language) -> Iterator[Block | Table]:
    inputs = evaluation.inputs
    yield prose("data.lead", language=language, lead=True)
    if inputs.findings:
        yield findings(inputs.findings, language)
    yield _files(evaluation, language)
    yield from _left_out(evaluation, language)
    if len(inputs.staff):
        yield table(
            coverage(evaluation),
            columns=[words("unit"), *(number(c, 0) for c in ("n_staff", "n_rated", "n_with_indicators", "n_answers"))],
            language=language,
            caption_key="data.coverage",
            note_key="data.coverage_note",
            limit=40,
        )


def coverage(evaluation: Evaluation) -> pd.DataFrame:
    """unit, n_staff, n_rated, n_with_indicators, n_answers in the period."""
    period, inputs = evaluation.parameters.period.id, evaluation.inputs
    staff = inputs.staff[inputs.staff["period"] == period] if inputs.staff["period"].notna().any() else inputs.staff
    rated = set(inputs.ratings.loc[inputs.ratings["period"] == period, "ratee"])
    scored = set(inputs.indicators.loc[inputs.indicators["period"] == period, "ratee"].dropna())
    people = staff[["ratee", "unit"]].drop_duplicates()
    marked = people.assign(n_rated=people["ratee"].isin(rated), n_with_indicators=people["ratee"].isin(scored))
    units = marked.groupby("unit").agg(
        n_staff=("ratee", "size"), n_rated=("n_rated", "sum"), n_with_indicators=("n_with_indicators", "sum")
    )
    answers = inputs.responses.loc[inputs.responses["period"] == period, "unit"].value_counts()
    return units.assign(n_answers=answers.reindex(units.index, fill_value=0)).reset_index()


def _files(evaluation: Evaluation, language: wording.Language) -> Table:
    files = evaluation.inputs.files.assign(hash=evaluation.inputs.files["sha256"].str[:12])
    return table(
        files,
        columns=[
            words("file"),
            code("kind"),
            words("sheet"),
            number("rows_read", 0),
            number("rows_kept", 0),
            number("rows_in_period", 0),
            words("hash"),
        ],
        language=language,
        caption_key="data.files",
        note_key="data.files_note",
        name="files",
    )


def _left_out(evaluation: Evaluation, language: wording.Language) -> Iterator[Block | Table]:
    left = evaluation.inputs.left_out
    if left.empty:
        yield prose("data.nothing_left_out", language=language)
        return
    counted = left.groupby(["file", "reason"], sort=True).size().rename("count").reset_index()
    yield table(
        counted,
        columns=[words("file"), code("reason"), number("count", 0)],
        language=language,
        caption_key="data.left_out",
        note_key="data.left_out_note",
        name="left_out",
    )
