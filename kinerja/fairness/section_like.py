"""Fairness, like with like: within unit and grade, at equal attainment, rater by rater, and groups crossed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.fairness import Fairness
from kinerja.results import OK
from kinerja.show.blocks import Block, prose
from kinerja.show.rows import compared_by, own_attributes, percentage_points, ratio_interval, who
from kinerja.show.tables import Column, Table, code, header, interval, number, table, words

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 16
"""Rows of a table shown at once; the rest opens on demand."""


def like_with_like(checks: Fairness, language: wording.Language) -> Iterator[Block | Table | None]:
    yield _strata_means(checks, language)
    yield _strata_rates(checks, language)
    yield _decomposition(checks, language)
    yield _similarity(checks, language)
    yield _drf(checks, language)
    yield _cells(checks, language)


def _strata_means(checks: Fairness, language: wording.Language) -> Table | None:
    rows = _conditions(own_attributes(checks.strata[checks.strata["measure"] == "mean"]), language)
    if rows.empty:
        return None
    return table(
        rows,
        columns=[
            *who(),
            code("outcome"),
            code("verdict"),
            words("condition"),
            number("n_group", 0),
            number("n_reference", 0),
            number("n_strata", 0),
            number("estimate", 1, signed=True, label=wording.text("fairness.difference", language)),
            interval(checks.settings["confidence"]),
            number("p_adjusted", 3),
        ],
        language=language,
        caption_key="fairness.strata",
        note_key="fairness.strata_note",
        name="fairness_strata",
        limit=SHOWN,
    )


def _strata_rates(checks: Fairness, language: wording.Language) -> Table | None:
    rows = _conditions(own_attributes(checks.strata[checks.strata["measure"] != "mean"]), language)
    if rows.empty:
        return None
    return table(
        rows,
        columns=[
            *who(),
            code("outcome"),
            compared_by(language),
            code("verdict"),
            code("method"),
            words("condition"),
            number("n_group", 0),
            number("n_reference", 0),
            number("odds_ratio", 2),
            ratio_interval(checks.settings["confidence"], "odds_low", "odds_high", language),
            number("p_adjusted", 3),
            number("homogeneity_p", 3, label=wording.text("fairness.uniform", language)),
            words("ets_class"),
        ],
        language=language,
        caption_key="fairness.strata_rates",
        note_key="fairness.strata_rates_note",
        name="fairness_strata_rates",
        limit=SHOWN,
    )


def _conditions(rows: pd.DataFrame, language: wording.Language) -> pd.DataFrame:
    """The smallest p first, and the condition in words."""
    ordered = rows.sort_values("p_adjusted", kind="stable", ignore_index=True)
    return ordered.assign(condition=[_condition(str(c), language) for c in ordered["condition"]])


def _condition(given: str, language: wording.Language) -> str:
    fifths = given.removeprefix("fifths of ")
    if fifths != given:
        return wording.text("fairness.fifths", language, name=_named(fifths, language))
    return " + ".join(_named(part, language) for part in given.split(" + "))


def _named(column: str, language: wording.Language) -> str:
    """What a column of people is called here; `grade` alone is the grade of a service."""
    key = f"fairness.column.{column}"
    return wording.text(key, language) if wording.has_text(key) else header(column, language).lower()


def _decomposition(checks: Fairness, language: wording.Language) -> Table | None:
    """One row a comparison: the gap and its two parts."""
    rows, confidence = own_attributes(checks.decomposition), checks.settings["confidence"]
    if rows.empty:
        return None
    rows = rows[rows["term"].fillna("") == ""]
    keys = ["attribute", "group", "reference", "outcome"]
    wide = rows[rows["part"] == "gap"].rename(columns={"estimate": "gap"})
    for part in ("explained", "unexplained"):
        own = rows.loc[rows["part"] == part, [*keys, "estimate", "conf_low", "conf_high"]]
        own = own.rename(columns={"estimate": part, "conf_low": f"{part}_low", "conf_high": f"{part}_high"})
        wide = wide.merge(own, on=keys, how="left")
    return table(
        wide,
        columns=[
            *who(),
            code("outcome"),
            number("n_group", 0),
            number("n_reference", 0),
            number("gap", 1, signed=True),
            *_part("explained", confidence, language),
            *_part("unexplained", confidence, language),
        ],
        language=language,
        caption_key="fairness.decomposition",
        note_key="fairness.decomposition_note",
        name="fairness_decomposition",
        limit=SHOWN,
    )


def _part(part: str, confidence: float, language: wording.Language) -> list[Column]:
    """A part of the gap and its interval."""
    named = wording.text(f"fairness.interval_{part}", language, confidence=confidence)
    return [
        number(part, 1, signed=True, label=wording.text(f"fairness.{part}", language)),
        interval(confidence, f"{part}_low", f"{part}_high", label=named),
    ]


def _similarity(checks: Fairness, language: wording.Language) -> Table | None:
    rows = checks.similarity
    if rows.empty:
        return None
    alike = rows.assign(estimate=rows["estimate"].round(9))
    rows = rows[~alike.duplicated(["attribute", "n", "estimate", "p", "reason"])]
    return table(
        rows,
        columns=[
            code("attribute"),
            code("outcome"),
            code("verdict"),
            number("n", 0),
            number("n_raters", 0),
            number("estimate", 1, signed=True, label=wording.text("fairness.difference", language)),
            interval(checks.settings["confidence"]),
            number("p_adjusted", 3),
        ],
        language=language,
        caption_key="fairness.similarity",
        note_key="fairness.similarity_note",
        name="fairness_similarity",
        limit=SHOWN,
    )


def _drf(checks: Fairness, language: wording.Language) -> Block | Table | None:
    """Raters that could be compared; the raw gap of a few people stays out of the page, the shrunk one is shown."""
    if checks.drf.empty:
        return None
    rows = checks.drf[(checks.drf["status"] == OK) & (checks.drf["rater"] != "")]
    if rows.empty:
        return prose("fairness.drf_none", language=language, minimum=int(checks.settings["minimum"]))
    return table(
        rows.sort_values(["p_adjusted", "rater"], kind="stable", ignore_index=True),
        columns=[
            *who(),
            words("rater"),
            number("n_group", 0),
            number("n_reference", 0),
            number("common_gap", 1, signed=True),
            number("estimate", 1, signed=True, label=wording.text("fairness.beyond_common", language)),
            interval(checks.settings["confidence"]),
            number("p_adjusted", 3),
        ],
        language=language,
        caption_key="fairness.drf",
        note_key="fairness.drf_note",
        name="fairness_drf",
        limit=SHOWN,
    )


def _cells(checks: Fairness, language: wording.Language) -> Table | None:
    """Cells that may be shown; how many are withheld stands in the note."""
    cells = checks.cells
    if cells.empty:
        return None
    first = cells[(cells["outcome"] == cells["outcome"].iloc[0]) & (cells["measure"] == cells["measure"].iloc[0])]
    rows = cells[cells["status"] == OK].reset_index(drop=True)
    return table(
        percentage_points(rows, ("estimate", "conf_low", "conf_high")),
        columns=[
            words("cell"),
            code("outcome"),
            compared_by(language),
            number("n", 0),
            number("estimate", 1),
            interval(checks.settings["confidence"]),
        ],
        language=language,
        caption_key="fairness.cells",
        note_key="fairness.cells_note",
        values={"hidden": int((first["status"] != OK).sum()), "total": len(first)},
        name="fairness_cells",
        limit=SHOWN,
    )
