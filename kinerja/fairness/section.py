"""Section 8: are groups of employees treated alike, before and after calibration; three answers and no judgement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.fairness import Fairness
from kinerja.fairness.section_like import like_with_like
from kinerja.fairness.section_screens import screens
from kinerja.results import OK
from kinerja.show.blocks import Block, bullets, findings, heading, prose
from kinerja.show.charts import gap_chart
from kinerja.show.rows import (
    WHO,
    compared_by,
    own_attributes,
    percentage_points,
    ratio_interval,
    who,
    yes_no,
)
from kinerja.show.tables import Table, code, interval, number, table, word

if TYPE_CHECKING:
    import pandas as pd

    from kinerja.show.charts import Chart

VERDICTS = ("shown", "not_shown", "cannot_tell")


def fairness(checks: Fairness | None, language: wording.Language) -> Iterator[Block | Table | Chart | None]:
    yield prose("fairness.lead", language=language, lead=True)
    if checks is None:
        yield prose("fairness.none", language=language)
        return
    levels = {"confidence": checks.settings["confidence"], "level": 1 - checks.settings["confidence"]}
    yield bullets([f"fairness.{verdict}" for verdict in VERDICTS], language, **levels)
    yield findings(checks.findings, language)
    for outcome in ("observed", "calibrated"):
        yield _gaps(checks, outcome, language)
    yield checks_table(checks, language)
    yield _rates(checks, language)
    yield _four_fifths(checks, language)
    if len(checks.before_after):
        yield _before_after(checks, language)
    yield heading("fairness.conditional", language, level=3, anchor="conditional")
    yield from like_with_like(checks, language)
    yield from screens(checks, language)
    for name, rows in checks.more.items():
        yield _further(name, rows, language)


def _further(name: str, rows: pd.DataFrame, language: wording.Language) -> Table:
    """A check of another hand: its columns as they are, without those that say why figures are missing."""
    return table(
        rows,
        columns=[column for column in rows.columns if column not in ("status", "reason")],
        language=language,
        caption_key=f"fairness.{name}",
    )


def checks_table(checks: Fairness, language: wording.Language) -> Table:
    """Differences of means between groups, on every outcome."""
    return table(
        own_attributes(checks.checks[checks.checks["measure"] == "mean"]),
        columns=[
            *who(),
            code("outcome"),
            code("verdict"),
            number("n_group", 0),
            number("n_reference", 0),
            number("estimate", 1, signed=True, label=wording.text("fairness.difference", language)),
            interval(checks.settings["confidence"]),
            number("detectable", 1),
            number("p_adjusted", 3),
            number("flips", 0),
        ],
        language=language,
        caption_key="fairness.means",
        note_key="fairness.means_note",
        name="fairness_means",
        limit=40,
    )


def _rates(checks: Fairness, language: wording.Language) -> Table | None:
    rows = own_attributes(checks.checks[checks.checks["measure"] != "mean"])
    if rows.empty:
        return None
    return table(
        percentage_points(rows, ("estimate", "conf_low", "conf_high", "detectable")),
        columns=[
            *who(),
            code("outcome"),
            compared_by(language),
            code("verdict"),
            number("count_group", 0),
            number("n_group", 0),
            number("count_reference", 0),
            number("n_reference", 0),
            number("estimate", 1, signed=True, label=wording.text("fairness.difference", language)),
            interval(checks.settings["confidence"]),
            number("detectable", 1),
            number("p_adjusted", 3),
            number("flips", 0),
        ],
        language=language,
        caption_key="fairness.rates",
        note_key="fairness.rates_note",
        name="fairness_rates",
        limit=30,
    )


def _four_fifths(checks: Fairness, language: wording.Language) -> Table | None:
    """The comparison of another country's law, in whole numbers: beside the verdict, never instead of it."""
    rows = own_attributes(checks.checks[checks.checks["measure"] == "top_rate"])
    rows = rows[rows["status"] == OK]
    if rows.empty:
        return None
    return table(
        yes_no(rows, "below_four_fifths"),
        columns=[
            *who(),
            code("outcome"),
            code("verdict"),
            number("n_group", 0),
            number("n_reference", 0),
            number("ratio", 2),
            ratio_interval(checks.settings["confidence"], "ratio_low", "ratio_high", language),
            number("four_fifths_left", 0),
            number("four_fifths_right", 0),
            code("below_four_fifths"),
        ],
        language=language,
        caption_key="fairness.four_fifths",
        note_key="bias.four_fifths.note",
        name="fairness_four_fifths",
        limit=16,
    )


def _gaps(checks: Fairness, outcome: str, language: wording.Language) -> Chart | None:
    rows = own_attributes(checks.checks[(checks.checks["outcome"] == outcome) & (checks.checks["measure"] == "mean")])
    rows = rows[rows["status"] == OK]
    if rows.empty:
        return None
    names = [
        f"{word('attribute', a, language)}: {group} − {reference}"
        for a, group, reference in rows[list(WHO)].itertuples(index=False)
    ]
    rows = rows.assign(pair=names)
    chart: Chart = gap_chart(
        rows,
        label="pair",
        confidence=checks.settings["confidence"],
        language=language,
        axis=wording.text("fairness.axis", language),
        caption_key=f"fairness.chart_{outcome}",
        name=f"fairness_{outcome}",
    )
    return replace(chart, alt=f"{chart.alt} {_verdicts(rows, language)}")


def _verdicts(rows: pd.DataFrame, language: wording.Language) -> str:
    """Which comparisons have which verdict, for who cannot see the chart."""
    named = {
        verdict: "; ".join(rows.loc[rows["verdict"] == verdict, "pair"]) or wording.MISSING for verdict in VERDICTS
    }
    return wording.text("fairness.alt", language, **named)


def _before_after(checks: Fairness, language: wording.Language) -> Table:
    rows, confidence = own_attributes(checks.before_after), checks.settings["confidence"]
    # a direction is named where there is a change; what is not shown is not the same as none
    moved = rows["reason"] != "nothing_moved"
    for verdict in ("not_shown", "cannot_tell"):
        rows["direction"] = rows["direction"].where(~(moved & (rows["verdict"] == verdict)), verdict)
    return table(
        percentage_points(
            rows.rename(columns={"before": "outcome"}),
            ("gap_before", "gap_after", "estimate", "conf_low", "conf_high"),
        ),
        columns=[
            *who(),
            code("outcome"),
            compared_by(language),
            code("verdict"),
            number("n_group", 0),
            number("n_reference", 0),
            number("gap_before", 1, signed=True),
            number("gap_after", 1, signed=True),
            interval(confidence, label=wording.text("fairness.change_interval", language, confidence=confidence)),
            number("p_adjusted", 3),
            code("direction"),
        ],
        language=language,
        caption_key="fairness.before_after",
        note_key="fairness.before_after_note",
        name="fairness_before_after",
    )
