"""Section 4, how far the answers can be trusted: who answered, who is told apart, what looks wrong, what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.citizens.quality import FeedbackQuality
from kinerja.citizens.reliability import LEAGUE_TABLE
from kinerja.show.blocks import Block, findings, heading
from kinerja.show.tables import Column, Table, code, day, interval, number, percent, table, words

if TYPE_CHECKING:
    import pandas as pd

RANKED = ("unit", "service")
"""Levels whose groups are named; teams and officers are people and stay in the totals."""

ORDER = ("above", "not_told_apart", "below")


def trust(quality: FeedbackQuality, language: wording.Language, confidence: float) -> Iterator[Block | Table | None]:
    """confidence : level of the intervals in `quality`"""
    yield heading("citizens.quality", language, level=3, anchor="feedback-quality")
    notes = [f for f in quality.findings if f.level == "note"]
    if notes:
        yield findings(notes, language)
    yield from _reliability(quality, language, confidence)
    yield from _screening(quality, language)
    yield from _mix(quality, language, confidence)
    yield from _respondents(quality, language, confidence)


def _reliability(quality: FeedbackQuality, language: wording.Language, confidence: float) -> Iterator[Table]:
    """One row a level; and which units and services can be told apart at all."""
    found = quality.reliability
    if len(found):
        needed = found.pivot(index="level", columns="target", values="needed").add_prefix("needed_").reset_index()
        rows = found[found["target"] == LEAGUE_TABLE].merge(needed, on="level", how="left")
        targets = sorted(found["target"].unique())
        yield table(
            rows,
            columns=[
                code("level"),
                number("n_groups", 0),
                number("n", 0),
                number("typical_n", 0),
                number("estimate", 2, label=wording.label("mean_reliability", language)),
                interval(confidence, digits=2),
                *(number(f"needed_{t}", 0, label=_target(t, language)) for t in targets),
            ],
            language=language,
            caption_key="citizens.reliability",
            note_key="citizens.reliability_note",
            values={"limit": LEAGUE_TABLE},
            name="feedback_reliability",
        )
    named = quality.standing[quality.standing["level"].isin(RANKED)]
    if named.empty:
        return
    place = {name: k for k, name in enumerate(ORDER)}
    order = named.assign(level_at=named["level"].map(RANKED.index), place=named["standing"].map(place))
    yield table(
        order.sort_values(["level_at", "place", "group"], kind="stable", ignore_index=True),
        columns=[
            words("group", label=wording.text("citizens.group", language)),
            code("level"),
            number("n", 0),
            number("points", 1),
            number("difference", 1, signed=True, label=wording.text("citizens.from_others", language)),
            interval(confidence),
            number("p_adjusted", 3),
            code("standing"),
            number("more_needed", 0),
        ],
        language=language,
        caption_key="citizens.standing",
        note_key="citizens.standing_note",
        name="feedback_standing",
        limit=20,
    )


def _target(target: float, language: wording.Language) -> str:
    return wording.text("citizens.needed", language, target=target)


def _screening(quality: FeedbackQuality, language: wording.Language) -> Iterator[Table]:
    """What was looked for, the days that stand out, and the index with and without what was flagged."""
    screening = quality.screening
    yield table(
        screening.checks,
        columns=[
            code("check"),
            number("n", 0, label=wording.text("citizens.flagged", language)),
            percent("share", 1, label=wording.text("citizens.share_of_answers", language)),
            percent("expected", 0, label=wording.text("citizens.false_alarm", language)),
        ],
        language=language,
        caption_key="citizens.checks",
        note_key="citizens.checks_note",
        values={"total": len(screening.responses)},
        name="feedback_checks",
    )
    if len(screening.bursts):
        yield table(
            screening.bursts,
            columns=[
                words("unit"),
                day("start"),
                day("end"),
                number("n", 0),
                number("expected", 1, label=wording.text("citizens.bursts_expected", language)),
                number("repeated_n", 0),
            ],
            language=language,
            caption_key="citizens.bursts",
            note_key="citizens.bursts_note",
            name="feedback_bursts",
            limit=20,
        )
    yield _with_and_without(quality.screened, language)


def _with_and_without(screened: pd.DataFrame, language: wording.Language) -> Table:
    """One row the office and each unit: the index of every run side by side."""
    keys = ["level", "group"]
    index = screened.pivot(index=keys, columns="run", values="estimate")
    n = screened.pivot(index=keys, columns="run", values="n")
    rows = index.assign(n=n["all"], flagged=n["all"] - n["without_both"]).reset_index()
    office = wording.text("citizens.office", language)
    rows = rows.assign(group=rows["group"].where(rows["level"] != "office", office))
    return table(
        rows,
        columns=[
            words("group", label=wording.label("unit", language)),
            number("n", 0),
            number("flagged", 0, label=wording.text("citizens.flagged", language)),
            number("all", 2, label=wording.text("citizens.all_answers", language)),
            *(
                number(run, 2, label=wording.text(f"citizens.{run}", language))
                for run in ("without_stuffing", "without_careless", "without_both")
            ),
        ],
        language=language,
        caption_key="citizens.screened",
        note_key="citizens.screened_note",
        name="feedback_screened",
        limit=20,
    )


def _mix(quality: FeedbackQuality, language: wording.Language, confidence: float) -> Iterator[Table]:
    if len(quality.mix):
        yield table(
            quality.mix,
            columns=[
                words("unit"),
                number("n", 0),
                number("observed", 1, label=wording.text("citizens.mix_raw", language)),
                number("adjusted", 1),
                interval(confidence),
                number("rank_change", 0, signed=True),
            ],
            language=language,
            caption_key="citizens.mix",
            note_key="citizens.mix_note",
            name="feedback_mix",
            limit=20,
        )
    if len(quality.mix_attributes):
        yield table(
            quality.mix_attributes,
            columns=[
                code("attribute"),
                words("level", label=wording.label("category", language)),
                number("n", 0),
                number("estimate", 1, signed=True),
                interval(confidence),
                number("shift_sd", 2),
            ],
            language=language,
            caption_key="citizens.mix_attributes",
            note_key="citizens.mix_attributes_note",
            name="feedback_mix_attributes",
            limit=20,
        )


def _respondents(quality: FeedbackQuality, language: wording.Language, confidence: float) -> Iterator[Table]:
    """Those who answered beside those served, and what the others could change."""
    parts: list[tuple[str, pd.DataFrame, list[Column]]] = [
        (
            "channels",
            quality.channels if len(quality.channels) > 1 else quality.channels[:0],
            [
                words("channel"),
                number("n", 0),
                percent("share", 1, label=wording.text("citizens.share_of_answers", language)),
                number("points", 1),
                number("estimate", 1, signed=True, label=wording.text("citizens.from_others", language)),
                interval(confidence),
                number("p_adjusted", 3),
            ],
        ),
        (
            "margins",
            quality.margins,
            [
                code("attribute"),
                words("value", label=wording.label("category", language)),
                number("n", 0),
                percent("share", 1, label=wording.text("citizens.share", language)),
                percent("target", 1, label=wording.text("citizens.target", language)),
                number("p", 3),
            ],
        ),
        (
            "weighted",
            quality.weighted if len(quality.weighted) > 1 else quality.weighted[:0],
            [
                code("method"),
                number("n", 0),
                number("left_out", 0),
                number("estimate", 2),
                interval(confidence),
                number("difference", 2, signed=True, label=wording.text("citizens.from_unweighted", language)),
                number("deff", 2),
                number("effective_n", 0),
                number("weight_low", 2),
                number("weight_high", 2),
            ],
        ),
        (
            "nonresponse",
            quality.nonresponse[quality.nonresponse["population"].notna()],
            [
                words("group", label=wording.label("unit", language)),
                number("population", 0),
                number("n", 0),
                percent("response_share", 1),
                number("estimate", 2),
                number("lowest", 1),
                number("highest", 1),
                number("difference_to_fall", 1, signed=True),
                number("difference_to_rise", 1, signed=True),
            ],
        ),
    ]
    for name, rows, columns in parts:
        if rows.empty:
            continue
        if name == "nonresponse":
            office = wording.text("citizens.office", language)
            rows = rows.assign(group=rows["group"].where(rows["level"] != "office", office))
        yield table(
            rows,
            columns=columns,
            language=language,
            caption_key=f"citizens.{name}",
            note_key=f"citizens.{name}_note",
            name=f"feedback_{name}",
            limit=20,
        )
