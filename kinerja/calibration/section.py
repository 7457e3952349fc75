"""Section 7: from which evidence severity is identified and how far, before and after, whom it moves, what it gains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from kinerja import wording
from kinerja.calibration import Calibration
from kinerja.calibration.adjust import PARTS
from kinerja.calibration.groups import STANDARD_ERRORS
from kinerja.calibration.persons import REVIEW_HIGH, REVIEW_LOW
from kinerja.show.blocks import Block, bullets, findings, heading, prose
from kinerja.show.charts import calibration_chart, dot_interval_chart
from kinerja.show.tables import Column, Table, code, interval, number, percent, settled, table, words

if TYPE_CHECKING:
    from kinerja.show.charts import Chart


def calibration(
    found: Calibration | None, own: Calibration | None, language: wording.Language
) -> Iterator[Block | Table | Chart]:
    """own : the calibration without borrowed variance parameters; None where none were borrowed"""
    yield prose("calibration.lead", language=language, lead=True)
    if found is None:
        yield prose("calibration.none", language=language)
        return
    yield findings(found.findings, language)
    yield heading("calibration.evidence", language, level=3, anchor="evidence")
    yield prose("calibration.evidence_plain", language=language)
    yield gate_table(found, language)
    yield heading("calibration.raters", language, level=3, anchor="severity")
    yield severity_chart(
        found.raters, language, "calibration.severity_chart", "severity_chart", confidence=found.settings["confidence"]
    )
    yield raters_table(found, language)
    yield heading("calibration.people", language, level=3, anchor="before-after")
    moved = found.persons[found.persons["adjustment"] != 0]
    if moved.empty:
        yield prose("calibration.nobody_moved", language=language)
    else:
        yield _before_after(found, language)
        yield persons_table(found, language)
    yield from _crossings(found, language)
    yield heading("calibration.trust", language, level=3, anchor="trust")
    yield _gain(found, language)
    yield _sensitivity(found, language)
    if len(found.shared_bias):
        yield _shared_bias(found, language)
    if len(found.groups):
        yield _groups(found, language)
    if own is not None:
        yield borrowed_table(found, own, language)
    yield heading("calibration.next", language, level=3, anchor="what-to-collect")
    yield from plan_blocks(found, language)
    yield heading("calibration.limits", language, level=3, anchor="calibration-limits")
    yield bullets([f"calibration.limit_{k}" for k in range(1, 6)], language)


def gate_table(found: Calibration, language: wording.Language) -> Table:
    """How far each kind of evidence identifies severity and unit culture, 0 to 1."""
    return table(
        found.gate,
        columns=[
            code("evidence_source"),
            percent("evidence_team"),
            percent("evidence_culture"),
            number("n", 0),
        ],
        language=language,
        caption_key="calibration.gate",
        note_key="calibration.gate_note",
        name="evidence",
    )


def raters_table(found: Calibration, language: wording.Language) -> Table:
    """Severity in points with interval, what it rests on, and the bias of citizens that would undo it."""
    return table(
        found.raters.sort_values(["severity", "rater"], ascending=[False, True], key=settled, ignore_index=True),
        columns=[
            words("rater"),
            words("unit"),
            number("severity", 1, signed=True),
            interval(found.settings["confidence"]),
            number("n_ratees", 0),
            percent("leans_on_office"),
            number("n_links", 0),
            number("tipping_bias", 1, signed=True),
        ],
        language=language,
        caption_key="calibration.raters_table",
        note_key="calibration.raters_note",
        name="calibrated_severity",
        limit=60,
    )


def persons_table(found: Calibration, language: wording.Language) -> Table:
    """Every person's observed and calibrated score with the parts of the adjustment, the largest adjustment first."""
    size = found.persons["adjustment"].abs()
    rows = found.persons.assign(size=size).sort_values(
        ["size", "ratee"], ascending=[False, True], key=settled, ignore_index=True
    )
    return table(
        rows,
        columns=[
            words("ratee"),
            words("unit"),
            number("observed", 1),
            number("calibrated", 1),
            interval(found.settings["confidence"]),
            number("adjustment", 1, signed=True),
            *(number(part, 1, signed=True) for part in PARTS),
        ],
        language=language,
        caption_key="calibration.persons",
        note_key="calibration.persons_note",
        name="calibrated_scores",
        limit=15,
    )


def borrowed_table(found: Calibration, own: Calibration, language: wording.Language) -> Table:
    """The result with and without variance parameters borrowed from another run."""
    rows = pd.DataFrame(
        {
            "run": [wording.text(f"calibration.{name}", language) for name in ("borrowed", "own")],
            "evidence_team": [c.evidence_team for c in (found, own)],
            "evidence_culture": [c.evidence_culture for c in (found, own)],
            "n": [int((c.persons["adjustment"] != 0).sum()) for c in (found, own)],
            "mean_adjustment": [c.persons["adjustment"].abs().mean() for c in (found, own)],
        }
    )
    return table(
        rows,
        columns=[
            words("run"),
            percent("evidence_team"),
            percent("evidence_culture"),
            number("n", 0),
            number("mean_adjustment", 2),
        ],
        language=language,
        caption_key="calibration.with_and_without",
        note_key="calibration.with_and_without_note",
        name="borrowed",
    )


def severity_chart(
    raters: pd.DataFrame,
    language: wording.Language,
    key: str,
    name: str,
    *,
    confidence: float | None = None,
    band: float | None = None,
) -> Chart:
    """Severity of supervisors with intervals of `confidence`, or with the band that covers `band` of the shares."""
    chart: Chart = dot_interval_chart(
        raters,
        label="rater",
        confidence=confidence,
        meaning=band_words(band, language) if band is not None else "",
        estimate="severity",
        low="conf_low" if band is None else "band_low",
        high="conf_high" if band is None else "band_high",
        n="n_ratees",
        signed=True,
        reference=0.0,
        reference_label=wording.text("calibration.average_rater", language),
        axis=wording.text("calibration.severity_axis", language),
        language=language,
        caption_key=key,
        note_key=f"{key}_note",
        name=name,
    )
    return chart


def band_words(band: float, language: wording.Language) -> str:
    """What the band of the shares is called: a part of what is unknown, at a level of its own."""
    return wording.text("calibration_depth.band_words", language, band=band)


def _before_after(found: Calibration, language: wording.Language) -> Chart:
    categories = found.settings["categories"] or {}
    lines = {wording.label(f"behaviour.{name}", language): low for name, low in categories.items() if low > 0}
    chart: Chart = calibration_chart(
        found.persons,
        confidence=found.settings["confidence"],
        boundaries=lines,
        axis=wording.text("calibration.score_axis", language),
        language=language,
        caption_key="calibration.before_after",
        note_key="calibration.before_after_note",
        name="before_after",
    )
    return chart


def _crossings(found: Calibration, language: wording.Language) -> Iterator[Block | Table]:
    if found.crossings.empty:
        return
    rows = found.crossings[found.crossings["changed"] | found.crossings["review"]]
    rows = rows.sort_values(["probability", "ratee"], ascending=[False, True], key=settled, ignore_index=True)
    yield people_table(rows, [words("ratee"), words("unit")], language, "calibration.crossings", "category_changes", 20)


def people_table(
    rows: pd.DataFrame, who: list[Column], language: wording.Language, caption_key: str, name: str, limit: int
) -> Table:
    """Rows of `Calibration.crossings`: scores and categories before and after, and how surely."""
    named = {
        column: rows[column].map(lambda category: wording.label(f"behaviour.{category}", language))
        for column in ("category_observed", "category_calibrated")
    }
    return table(
        rows.assign(**named),
        columns=[
            *who,
            number("observed", 1),
            number("calibrated", 1),
            words("category_observed"),
            words("category_calibrated"),
            percent("probability"),
        ],
        language=language,
        caption_key=caption_key,
        note_key=f"{caption_key}_note",
        values={"low": REVIEW_LOW, "high": REVIEW_HIGH},
        name=name,
        limit=limit,
    )


def _gain(found: Calibration, language: wording.Language) -> Table:
    return table(
        found.gain,
        columns=[
            code("gain_check"),
            number("error_before", 1),
            number("error_after", 1),
            number("correlation_before", 2),
            number("correlation_after", 2),
            number("n", 0),
            code("gain_verdict"),
        ],
        language=language,
        caption_key="calibration.gain",
        note_key="calibration.gain_note",
        name="gain",
    )


def _sensitivity(found: Calibration, language: wording.Language) -> Table:
    return table(
        found.sensitivity,
        columns=[
            number("factor", 2),
            number("slope", 2),
            number("severity_sd", 1),
            number("mean_adjustment", 1),
            number("largest_change", 1),
        ],
        language=language,
        caption_key="calibration.sensitivity",
        note_key="calibration.sensitivity_note",
        name="sensitivity",
    )


def _shared_bias(found: Calibration, language: wording.Language) -> Table:
    return table(
        found.shared_bias,
        columns=[
            number("assumed_correlation", 1),
            percent("evidence_team"),
            number("severity_sd", 1),
            number("mean_adjustment", 1),
            number("largest_change", 1),
        ],
        language=language,
        caption_key="calibration.shared",
        note_key="calibration.shared_note",
        name="shared_bias",
    )


def _groups(found: Calibration, language: wording.Language) -> Table:
    rows = found.groups.rename(columns={"group": "attribute", "level": "group", "against": "reference"})
    return table(
        rows,
        columns=[
            code("attribute"),
            words("group"),
            words("reference"),
            number("estimate", 1, signed=True),
            number("std_error", 1),
            number("common_removed", 1, signed=True),
            number("n", 0),
            code("verdict"),
        ],
        language=language,
        caption_key="calibration.groups",
        note_key="calibration.groups_note",
        values={"errors": int(STANDARD_ERRORS)},
        name="group_differential",
    )


def plan_blocks(found: Calibration, language: wording.Language) -> Iterator[Block | Table]:
    """Which evidence to collect next, and from whom."""
    from kinerja.calibration.plan import plan_evidence

    plan = plan_evidence(found)
    yield findings(plan.findings, language)
    yield table(
        plan.actions,
        columns=[
            code("plan_action"),
            number("amount", 0),
            percent("evidence_team"),
            number("error_after", 2),
            number("gain", 2),
        ],
        language=language,
        caption_key="calibration.plan",
        note_key="calibration.plan_note",
        name="plan",
    )
    if len(plan.people):
        yield table(
            plan.people,
            columns=[
                code("plan_action"),
                number("place", 0, label=wording.text("calibration.plan_place", language)),
                words("ratee"),
                words("unit"),
                words("rater"),
                words("second_rater"),
            ],
            language=language,
            caption_key="calibration.plan_people",
            note_key="calibration.plan_people_note",
            name="plan_people",
            limit=12,
        )
