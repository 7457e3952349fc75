"""The rater report's own section: agreement, ratings that surprise the model, what the screens could look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.evaluation import Evaluation
from kinerja.fairness import Fairness
from kinerja.raters.rasch import RaterFit
from kinerja.results import OK
from kinerja.show.blocks import Block, heading, prose
from kinerja.show.tables import Table, code, interval, number, percent, settled, table, words

if TYPE_CHECKING:
    from kinerja.show.charts import Chart


def raters_depth(evaluation: Evaluation, language: wording.Language) -> Iterator[Block | Table | Chart]:
    yield prose("raters_depth.lead", language=language, lead=True)
    fit, checks = evaluation.rater_fit, evaluation.fairness
    if fit is None and checks is None:
        yield prose("raters.none", language=language)
        return
    if fit is not None:
        yield heading("raters_depth.items_title", language, level=3, anchor="rater-items")
        yield _items(fit, language)
        yield from _agreement(fit, language)
        yield from _unexpected(fit, language)
    if checks is not None:
        yield heading("raters_depth.groups_title", language, level=3, anchor="rater-groups")
        yield from _screens(checks, language)


def _items(fit: RaterFit, language: wording.Language) -> Table:
    rows = fit.elements[~fit.elements["facet"].isin(["ratee", "rater"])]
    return table(
        rows.sort_values(
            ["facet", "measure", "element"], ascending=[True, False, True], key=settled, ignore_index=True
        ),
        columns=[
            code("element", label=wording.label("item", language)),
            number("measure", 2, label=wording.text("raters_depth.difficulty", language)),
            interval(fit.settings["confidence"], digits=2),
            number("infit", 2),
            number("outfit", 2),
            number("observed_average", 2),
            number("n", 0),
        ],
        language=language,
        caption_key="raters_depth.items",
        note_key="raters_depth.items_note",
        name="item_difficulty",
        limit=40,
    )


def _agreement(fit: RaterFit, language: wording.Language) -> Iterator[Block | Table]:
    rows = fit.agreement[fit.agreement["n"] > 0]
    if rows.empty:
        yield prose("raters_depth.no_agreement", language=language)
        return
    everyone = wording.text("raters_depth.all_pairs", language)
    yield table(
        rows.assign(element=rows["element"].replace("", everyone)),
        columns=[
            words("element", label=wording.label("rater", language)),
            number("n", 0),
            percent("observed_share"),
            percent("expected_share"),
        ],
        language=language,
        caption_key="raters_depth.agreement",
        note_key="raters_depth.agreement_note",
        name="rater_agreement",
        limit=30,
    )


def _unexpected(fit: RaterFit, language: wording.Language) -> Iterator[Block | Table]:
    if fit.unexpected.empty:
        yield prose("raters_depth.no_unexpected", language=language)
        return
    size = fit.unexpected["residual_z"].abs()
    rows = fit.unexpected.assign(size=size).sort_values(
        ["size", "ratee", "rater", "item"], ascending=[False, True, True, True], key=settled, ignore_index=True
    )
    yield table(
        rows,
        columns=[
            words("ratee"),
            words("rater"),
            code("item"),
            number("rating", 0),
            number("expected", 1),
            number("residual_z", 1, signed=True),
        ],
        language=language,
        caption_key="raters_depth.unexpected",
        note_key="raters_depth.unexpected_note",
        name="unexpected_ratings",
        limit=15,
    )


def _screens(checks: Fairness, language: wording.Language) -> Iterator[Table]:
    """How many raters each screen could look at and how many it asks people to look at."""
    if checks.screens.empty:
        return
    marked = checks.screens.assign(known=checks.screens["status"] == OK)
    counted = marked.groupby("screen", sort=True).agg(
        n_raters=("rater", "size"), n_checked=("known", "sum"), n_review=("review", "sum")
    )
    yield table(
        counted.reset_index(),
        columns=[code("screen"), number("n_raters", 0), number("n_checked", 0), number("n_review", 0)],
        language=language,
        caption_key="raters_depth.screens",
        note_key="raters_depth.screens_note",
        name="screens_counted",
    )
