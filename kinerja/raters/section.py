"""Section 6: how severe raters look on one scale with people and items, and which comparisons their design forbids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.raters.rasch import RaterFit
from kinerja.results import OK
from kinerja.show.blocks import Block, findings, heading, prose
from kinerja.show.charts import wright_chart
from kinerja.show.tables import Table, interval, number, percent, settled, table, words

if TYPE_CHECKING:
    from kinerja.show.charts import Chart


def raters(fit: RaterFit | None, language: wording.Language) -> Iterator[Block | Table | Chart]:
    yield prose("raters.lead", language=language, lead=True)
    if fit is None:
        yield prose("raters.none", language=language)
        return
    yield prose("raters.plain", language=language)
    if fit.findings:
        yield findings(fit.findings, language)
    if len(fit.subsets) > 1:
        yield prose("raters.nested", language=language, n=len(fit.subsets))
        yield _subsets(fit, language)
    yield wright_chart(
        fit.elements[fit.elements["status"] == OK],
        axis=wording.text("raters.axis", language),
        language=language,
        caption_key="raters.wright",
        note_key="raters.wright_note",
        name="wright_map",
    )
    yield severity_table(fit, language)
    yield heading("raters.quality", language, level=3, anchor="rater-model-quality")
    yield _summary(fit, language)
    yield _categories(fit, language)


def severity_table(fit: RaterFit, language: wording.Language) -> Table:
    """Each rater's severity within its linked set, with fit and averages."""
    rows = fit.elements[fit.elements["facet"] == "rater"].rename(columns={"element": "rater"})
    return table(
        rows.sort_values(["subset", "measure", "rater"], ascending=[True, False, True], key=settled, ignore_index=True),
        columns=[
            words("rater"),
            number("subset", 0),
            number("measure", 2, label=wording.text("raters.severity", language)),
            interval(fit.settings["confidence"], digits=2),
            number("infit", 2),
            number("outfit", 2),
            number("observed_average", 2),
            number("fair_average", 2),
            number("n", 0),
        ],
        language=language,
        caption_key="raters.table",
        note_key="raters.table_note",
        name="rater_severity",
        limit=60,
    )


def _subsets(fit: RaterFit, language: wording.Language) -> Table:
    return table(
        fit.subsets,
        columns=[number("subset", 0), number("raters", 0), number("ratees", 0), number("n", 0), words("members")],
        language=language,
        caption_key="raters.subsets",
        name="rater_subsets",
        limit=15,
    )


def _summary(fit: RaterFit, language: wording.Language) -> Table:
    rows = fit.facet_summary.assign(facet=fit.facet_summary["facet"].map(lambda name: wording.label(name, language)))
    return table(
        rows,
        columns=[
            words("facet"),
            number("n", 0),
            number("sd", 2),
            number("separation", 2),
            number("strata", 2),
            number("reliability", 2),
        ],
        language=language,
        caption_key="raters.summary",
        note_key="raters.summary_note",
        name="facet_summary",
    )


def _categories(fit: RaterFit, language: wording.Language) -> Table:
    steps = fit.thresholds[["group", "category", "estimate"]].rename(columns={"estimate": "threshold"})
    rows = fit.categories.merge(steps, on=["group", "category"], how="left")
    return table(
        rows,
        columns=[
            number("category"),
            number("n", 0),
            percent("share", 1),
            number("average_measure", 2),
            number("threshold", 2),
            number("outfit", 2),
        ],
        language=language,
        caption_key="raters.categories",
        note_key="raters.categories_note",
        name="rating_scale",
    )
