"""Section 8: are groups of employees treated alike, before and after calibration; three answers and no judgement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kinerja import labels
from kinerja.bias import BiasChecks
from kinerja.evaluation import Evaluation
from kinerja.plots import gap_chart
from kinerja.report_blocks import Block, bullets, findings, heading, prose
from kinerja.results import OK
from kinerja.tables import Column, Table, code, interval, number, percent, table, word, words

if TYPE_CHECKING:
    import pandas as pd

    from kinerja.plots import Chart

WHO = ("attribute", "group", "reference")


def fairness(evaluation: Evaluation, language: labels.Language) -> Iterator[Block | Table | Chart | None]:
    yield prose("fairness.lead", language=language, lead=True)
    checks = evaluation.bias
    if checks is None:
        yield prose("fairness.none", language=language)
        return
    yield bullets(["fairness.shown", "fairness.not_shown", "fairness.cannot_tell"], language)
    yield findings(checks.findings, language)
    for outcome in ("observed", "calibrated"):
        yield _gaps(checks, outcome, language)
    yield checks_table(checks, language)
    yield _rates(checks, language)
    if len(checks.before_after):
        yield _before_after(checks, language)
    yield from _more(checks, language)
    yield from _screens(checks, language)


def checks_table(checks: BiasChecks, language: labels.Language) -> Table:
    """Differences of means between groups, on every outcome."""
    return table(
        _own(checks.checks[checks.checks["measure"] == "mean"]),
        columns=[
            *_who(),
            code("outcome"),
            number("n_group", 0),
            number("n_reference", 0),
            number("estimate", 1, signed=True),
            interval(),
            number("detectable", 1),
            number("p_adjusted", 3),
            code("verdict"),
        ],
        language=language,
        caption_key="fairness.means",
        note_key="fairness.means_note",
        name="fairness_means",
        limit=40,
    )


def _rates(checks: BiasChecks, language: labels.Language) -> Table | None:
    rows = _own(checks.checks[checks.checks["measure"] != "mean"])
    if rows.empty:
        return None
    return table(
        rows,
        columns=[
            *_who(),
            code("outcome"),
            code("measure"),
            number("count_group", 0),
            number("n_group", 0),
            number("count_reference", 0),
            number("n_reference", 0),
            number("ratio", 2),
            interval("ratio_low", "ratio_high", 2),
            number("flips", 0),
            code("verdict"),
        ],
        language=language,
        caption_key="fairness.rates",
        note_key="fairness.rates_note",
        name="fairness_rates",
        limit=30,
    )


def _gaps(checks: BiasChecks, outcome: str, language: labels.Language) -> Chart | None:
    rows = _own(checks.checks[(checks.checks["outcome"] == outcome) & (checks.checks["measure"] == "mean")])
    rows = rows[rows["status"] == OK]
    if rows.empty:
        return None
    names = [
        f"{word('attribute', a, language)}: {group} − {reference}"
        for a, group, reference in rows[list(WHO)].itertuples(index=False)
    ]
    chart: Chart = gap_chart(
        rows.assign(pair=names),
        label="pair",
        language=language,
        axis=labels.text("fairness.axis", language),
        caption_key=f"fairness.chart_{outcome}",
        name=f"fairness_{outcome}",
    )
    return chart


def _before_after(checks: BiasChecks, language: labels.Language) -> Table:
    return table(
        _own(checks.before_after),
        columns=[
            *_who(),
            number("gap_before", 1, signed=True),
            number("gap_after", 1, signed=True),
            code("direction"),
            number("p_adjusted", 3),
            code("verdict"),
        ],
        language=language,
        caption_key="fairness.before_after",
        note_key="fairness.before_after_note",
        name="fairness_before_after",
    )


def _more(checks: BiasChecks, language: labels.Language) -> Iterator[Block | Table]:
    yield heading("fairness.conditional", language, level=3, anchor="conditional")
    numbers = [number("estimate", 1, signed=True), interval(), number("p_adjusted", 3), code("verdict")]
    parts: tuple[tuple[str, pd.DataFrame, list[Column]], ...] = (
        ("strata", _own(checks.strata), [*_who(), code("outcome"), code("method"), *numbers]),
        ("similarity", checks.similarity, [code("attribute"), code("outcome"), number("n", 0), *numbers]),
        (
            "drf",
            checks.drf[(checks.drf["status"] == "ok") & (checks.drf["rater"] != "")].sort_values(
                ["p_adjusted", "rater"], kind="stable", ignore_index=True
            ),
            [
                *_who(),
                words("rater"),
                number("n", 0),
                number("gap", 1, signed=True),
                number("common_gap", 1, signed=True),
                number("estimate", 1, signed=True),
                interval(),
                number("p_adjusted", 3),
            ],
        ),
        (
            "decomposition",
            _own(checks.decomposition).query("term == '' or term.isna()"),
            [*_who(), code("outcome"), code("part"), number("estimate", 1, signed=True), interval()],
        ),
        (
            "cells",
            checks.cells,
            [words("cell"), code("outcome"), number("n", 0), number("estimate", 1), interval(), percent("shrinkage")],
        ),
    )
    for name, rows, columns in parts:
        if len(rows):
            yield table(
                rows,
                columns=columns,
                language=language,
                caption_key=f"fairness.{name}",
                note_key=f"fairness.{name}_note",
                name=f"fairness_{name}",
                limit=16,
            )


def _screens(checks: BiasChecks, language: labels.Language) -> Iterator[Block | Table]:
    if checks.screens.empty:
        return
    yield heading("fairness.screens", language, level=3, anchor="screens")
    yield prose("fairness.screens_plain", language=language)
    flagged = checks.screens[checks.screens["review"]]
    if flagged.empty:
        yield prose("fairness.screens_none", language=language)
    yield table(
        checks.screens.sort_values(["review", "screen", "rater"], ascending=[False, True, True], ignore_index=True),
        columns=[
            code("screen"),
            words("rater"),
            number("n", 0),
            number("estimate", 2),
            interval(digits=2),
            number("p_adjusted", 3),
            words("review"),
        ],
        language=language,
        caption_key="fairness.screens_table",
        name="rater_screens",
        limit=15,
    )


def _who() -> list[Column]:
    return [code("attribute"), words("group"), words("reference")]


def _own(rows: pd.DataFrame) -> pd.DataFrame:
    """Single attributes; pairs of attributes stand in the table of cells."""
    return rows[~rows["attribute"].str.contains("×")].reset_index(drop=True)
