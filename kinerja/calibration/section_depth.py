"""The calibration report's own section: every team, what the outside measures say of it, and who is to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from kinerja import wording
from kinerja.calibration import Calibration
from kinerja.calibration.adjust import PARTS
from kinerja.calibration.persons import REVIEW_HIGH, REVIEW_LOW
from kinerja.calibration.section import people_table, severity_chart
from kinerja.results import OK
from kinerja.show.blocks import Block, heading, prose
from kinerja.show.tables import Table, code, extent, interval, number, percent, settled, table, words

if TYPE_CHECKING:
    from kinerja.show.charts import Chart


def calibration_depth(
    found: Calibration | None, own: Calibration | None, language: wording.Language
) -> Iterator[Block | Table | Chart]:
    """own : the calibration without borrowed variance parameters; None where none were borrowed"""
    yield prose("calibration_depth.lead", language=language, lead=True)
    if found is None:
        yield prose("calibration.none", language=language)
        return
    yield heading("calibration_depth.teams_title", language, level=3, anchor="teams")
    yield _teams(found, language)
    yield heading("calibration_depth.tipping_title", language, level=3, anchor="tipping")
    yield from _tipping(found, language)
    yield heading("calibration_depth.people_title", language, level=3, anchor="people-to-look-at")
    yield from _people(found, language)
    yield heading("calibration_depth.model_title", language, level=3, anchor="model")
    yield _units(found, language)
    yield _parameters(found, language)
    if own is None:
        yield prose("calibration_depth.nothing_borrowed", language=language)


def teams_frame(found: Calibration) -> pd.DataFrame:
    """unit, team, rater, n, observed, calibrated (means), adjustment, by parts: one row a team of the period."""
    people = found.persons.fillna({"team": "–"})
    teams = people.groupby(["unit", "team", "rater"], sort=True, observed=True)
    means = teams[["observed", "calibrated", "adjustment", *PARTS]].mean()
    return means.assign(n=teams.size()).reset_index()


def _teams(found: Calibration, language: wording.Language) -> Table:
    return table(
        teams_frame(found),
        columns=[
            words("unit"),
            words("team"),
            words("rater"),
            number("n", 0),
            number("observed", 1),
            number("calibrated", 1),
            number("adjustment", 1, signed=True),
            *(number(part, 1, signed=True) for part in PARTS),
        ],
        language=language,
        caption_key="calibration_depth.teams",
        note_key="calibration_depth.teams_note",
        name="calibrated_teams",
        limit=60,
    )


def _tipping(found: Calibration, language: wording.Language) -> Iterator[Block | Table | Chart]:
    known = found.raters[found.raters["status"] == OK]
    if known.empty:
        yield prose("calibration_depth.no_tipping", language=language)
        return
    band = found.settings["band"]
    yield prose("calibration_depth.tipping_text", language=language)
    yield severity_chart(known, language, "calibration_depth.band", "severity_band", band=band)
    rows = known.assign(size=known["tipping_bias"].abs()).sort_values(["size", "rater"], key=settled, ignore_index=True)
    yield table(
        rows,
        columns=[
            words("rater"),
            words("unit"),
            number("severity", 1, signed=True),
            extent("band_low", "band_high", label=wording.text("calibration_depth.band_header", language, band=band)),
            number("tipping_bias", 1, signed=True),
            number("n_ratees", 0),
        ],
        language=language,
        caption_key="calibration_depth.tipping",
        note_key="calibration_depth.tipping_note",
        name="tipping_bias",
        limit=60,
    )


def _people(found: Calibration, language: wording.Language) -> Iterator[Block | Table]:
    rows = found.crossings
    if len(rows):
        rows = rows[rows["review"]]
    if rows.empty:
        yield prose("calibration_depth.nobody", language=language)
        return
    yield prose("calibration_depth.people_text", language=language, n=len(rows), total=len(found.persons),
                low=REVIEW_LOW, high=REVIEW_HIGH)  # fmt: skip
    rows = rows.assign(doubt=(rows["probability"] - 0.5).abs())
    rows = rows.sort_values(["doubt", "ratee"], key=settled, ignore_index=True)
    whose = [words("ratee"), words("unit"), words("rater")]
    yield people_table(rows, whose, language, "calibration_depth.people", "people_to_look_at", 40)


def _units(found: Calibration, language: wording.Language) -> Table:
    return table(
        found.units,
        columns=[
            words("unit"),
            number("estimate", 2, signed=True),
            interval(found.settings["confidence"]),
            number("n_raters", 0),
            number("n", 0),
        ],
        language=language,
        caption_key="calibration_depth.units",
        note_key="calibration_depth.units_note",
        name="unit_culture",
        limit=40,
    )


def _parameters(found: Calibration, language: wording.Language) -> Table:
    return table(
        found.parameters,
        columns=[code("parameter"), number("in_points", 2), percent("evidence")],
        language=language,
        caption_key="calibration_depth.parameters",
        note_key="calibration_depth.parameters_note",
        name="calibration_parameters",
    )
