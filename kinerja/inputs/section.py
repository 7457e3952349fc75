"""Section 2: what came in, what was left out and why, how far it covers the office."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from kinerja import wording
from kinerja.inputs import Inputs
from kinerja.show.blocks import Block, findings, prose
from kinerja.show.tables import Table, code, number, table, words


def data(inputs: Inputs, period: str, language: wording.Language) -> Iterator[Block | Table]:
    yield prose("data.lead", language=language, lead=True)
    if inputs.findings:
        yield findings(inputs.findings, language)
    yield _files(inputs, language)
    yield from _left_out(inputs, language)
    if len(inputs.staff):
        yield table(
            coverage(inputs, period),
            columns=[words("unit"), *(number(c, 0) for c in ("n_staff", "n_rated", "n_with_indicators", "n_answers"))],
            language=language,
            caption_key="data.coverage",
            note_key="data.coverage_note",
            limit=40,
        )


def coverage(inputs: Inputs, period: str) -> pd.DataFrame:
    """unit, n_staff, n_rated, n_with_indicators, n_answers in the period."""
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


def _files(inputs: Inputs, language: wording.Language) -> Table:
    files = inputs.files.assign(hash=inputs.files["sha256"].str[:12])
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


def _left_out(inputs: Inputs, language: wording.Language) -> Iterator[Block | Table]:
    left = inputs.left_out
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
