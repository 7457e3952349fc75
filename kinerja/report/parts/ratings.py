"""Section 5: how ratings and predikat are distributed, how much they can say, and each rater's use of the scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.evaluation import Evaluation
from kinerja.raters import RaterUse
from kinerja.results import OK
from kinerja.scoring import Scores
from kinerja.show.blocks import Block, findings, heading, prose
from kinerja.show.charts import distribution_chart, dot_interval_chart, matrix_chart
from kinerja.show.tables import Table, code, interval, number, percent, settled, table, words

if TYPE_CHECKING:
    import pandas as pd

    from kinerja.show.charts import Chart


def ratings(evaluation: Evaluation, language: wording.Language) -> Iterator[Block | Table | Chart]:
    yield prose("ratings.lead", language=language, lead=True)
    use = evaluation.rater_use
    if use is None:
        yield prose("ratings.none", language=language)
        return
    yield from _distribution(use, language)
    if evaluation.scores is not None:
        yield from _predikat(evaluation, evaluation.scores, language)
    yield heading("ratings.raters", language, level=3, anchor="rater-use")
    if use.findings:
        yield findings(use.findings, language)
    yield dot_interval_chart(
        use.raters,
        label="rater",
        confidence=use.settings["confidence"],
        axis=wording.text("ratings.axis", language),
        language=language,
        caption_key="ratings.raters_chart",
        note_key="ratings.raters_chart_note",
        name="rater_use_chart",
    )
    yield raters_table(use, language)


def raters_table(use: RaterUse, language: wording.Language) -> Table:
    """Each rater's mean, spread, centrality and information, with n and interval."""
    return table(
        use.raters.sort_values(["estimate", "rater"], key=settled, ignore_index=True),
        columns=[
            words("rater"),
            number("n_ratees", 0),
            number("rater_mean", 1),
            interval(use.settings["confidence"]),
            number("rater_spread", 1),
            percent("middle_share"),
            number("item_spread", 1),
            number("rater_entropy", 2),
        ],
        language=language,
        caption_key="ratings.raters",
        note_key="ratings.raters_note",
        name="rater_use",
        limit=60,
    )


def information(use: RaterUse) -> pd.Series | None:
    """The office's entropy (estimate, maximum, interval); None where it cannot be counted."""
    rows = use.office[use.office["statistic"] == "rater_entropy"]
    return None if rows.empty or rows.iloc[0]["status"] != OK else rows.iloc[0]


def _distribution(use: RaterUse, language: wording.Language) -> Iterator[Block | Table]:
    known = information(use)
    if known is None:
        return
    values = {
        "bits": known["estimate"], "maximum": known["maximum"], "low": known["conf_low"], "high": known["conf_high"],
        "confidence": use.settings["confidence"],
    }  # fmt: skip
    yield prose("ratings.information", language=language, **values)
    levels = use.distribution["category"].map(lambda level: wording.number(float(level), 0, language))
    yield distribution_chart(
        use.distribution.assign(category=levels),
        count="n",
        language=language,
        caption_key="ratings.distribution",
        note_key="ratings.distribution_note",
        values=values,
        name="rating_distribution",
    )


def _predikat(evaluation: Evaluation, scores: Scores, language: wording.Language) -> Iterator[Block | Table]:
    if len(scores.matrix) and scores.matrix["n"].sum():
        office = scores.ratees["predikat_source"].eq("office").any()
        yield matrix_chart(
            scores.matrix,
            row="work",
            column="behaviour",
            count="n",
            rows=tuple(scores.matrix["work"].drop_duplicates()),
            columns=tuple(scores.matrix["behaviour"].drop_duplicates()),
            language=language,
            caption_key="ratings.matrix",
            note_key="ratings.matrix_note" if office else "ratings.matrix_official",
            values=_thresholds(evaluation, language),
            name="predikat_matrix",
        )
    if len(scores.distribution):
        yield distribution_chart(
            scores.distribution.rename(columns={"category": "predikat"}),
            category="predikat",
            count="n",
            language=language,
            caption_key="ratings.predikat",
            name="predikat",
        )
    if len(scores.advisory):
        level = evaluation.parameters.office.organisation_level or ""
        yield table(
            scores.advisory,
            columns=[
                code("predikat"),
                code("kind"),
                percent("limit"),
                percent("share", 1),
                number("n", 0),
                code("verdict"),
            ],
            language=language,
            caption_key="ratings.advisory",
            note_key="ratings.advisory_note",
            values={"level": wording.label(f"organisation.{level}", language)},
            name="advisory",
        )


def _thresholds(evaluation: Evaluation, language: wording.Language) -> dict[str, str]:
    policy = evaluation.parameters.scoring
    limits = {"work": policy.work_thresholds, "behaviour": policy.behaviour_thresholds}
    numbers = {name: (found.below, found.above) for name, found in limits.items() if found is not None}
    return {
        f"{name}_{end}": wording.number(numbers[name][place] if name in numbers else None, None, language)
        for name in limits
        for place, end in enumerate(("low", "high"))
    }
