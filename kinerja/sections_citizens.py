"""Section 4: the satisfaction index with interval and grade, the nine elements, who answered, published figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kinerja import labels
from kinerja.evaluation import Evaluation
from kinerja.feedback import Feedback
from kinerja.plots import dot_interval_chart, strip_chart, trend_chart
from kinerja.report_blocks import Block, findings, heading, prose
from kinerja.results import OK
from kinerja.tables import Column, Table, code, interval, number, percent, table, words

if TYPE_CHECKING:
    import pandas as pd

    from kinerja.plots import Chart

GRADES = ("p_a", "p_b", "p_c", "p_d")


def citizens(evaluation: Evaluation, language: labels.Language) -> Iterator[Block | Table | Chart | None]:
    yield prose("citizens.lead", language=language, lead=True)
    feedback = evaluation.feedback
    if feedback is None:
        yield prose("citizens.none", language=language)
        return
    if feedback.findings:
        yield findings(feedback.findings, language)
    yield _index_chart(feedback, language)
    yield index_table(feedback, language, "unit")
    services = feedback.index[feedback.index["level"] == "service"]
    if len(services):
        yield index_table(feedback, language, "service")
    yield _elements_chart(feedback, language)
    yield elements_table(feedback, language)
    yield from _trend(feedback, language)
    if len(feedback.profile):
        yield table(
            feedback.profile,
            columns=[
                code("attribute"),
                words("value", label=labels.label("category", language)),
                number("n", 0),
                percent("share", 1),
            ],
            language=language,
            caption_key="citizens.profile",
            name="respondents",
            limit=40,
        )
    yield from _quality(feedback, language)
    yield from _comments(feedback, language)
    if len(feedback.sample_size) and feedback.sample_size["population"].notna().any():
        yield table(
            feedback.sample_size, language=language, caption_key="citizens.sample", name="sample_size", limit=20
        )
    if len(feedback.published):
        yield table(feedback.published, language=language, caption_key="citizens.published", name="published")


def index_table(feedback: Feedback, language: labels.Language, level: str) -> Table:
    """The index of the office and of each of its units or services, the office first."""
    rows = feedback.index[feedback.index["level"].isin(["office", level])].copy()
    rows[level] = rows[level].where(rows["level"] != "office", labels.text("citizens.office", language))
    rows = rows.sort_values(
        ["level", "estimate"], key=lambda c: c.map({"office": 0}).fillna(1) if c.name == "level" else c
    )
    shown: list[Column] = [words("unit"), words("service")] if level == "service" else [words("unit")]
    return table(
        rows,
        columns=[
            *shown,
            number("estimate", 2),
            interval(digits=1),
            words("grade"),
            *(percent(p) for p in GRADES),
            number("n", 0),
        ],
        language=language,
        caption_key=f"citizens.index_{level}",
        note_key="citizens.index_note",
        name=f"index_{level}",
        limit=40,
    )


def elements_table(feedback: Feedback, language: labels.Language) -> Table:
    """The elements of the office, the lowest first."""
    rows = feedback.elements[feedback.elements["level"] == "office"].sort_values("estimate", ignore_index=True)
    return table(
        rows,
        columns=[code("element"), number("estimate", 3), interval(digits=2), number("n", 0)],
        language=language,
        caption_key="citizens.elements",
        note_key="citizens.elements_note",
        name="elements",
    )


def _index_chart(feedback: Feedback, language: labels.Language) -> Chart | None:
    units = feedback.index[feedback.index["level"] == "unit"]
    if units.empty:
        return None
    office = feedback.index[feedback.index["level"] == "office"]["estimate"]
    chart: Chart = dot_interval_chart(
        units,
        label="unit",
        mark="grade",
        reference=float(office.iloc[0]) if len(office) else None,
        reference_label=labels.text("citizens.office", language),
        axis=labels.text("citizens.axis", language),
        language=language,
        caption_key="citizens.index_chart",
        name="index_chart",
    )
    return chart


def _quality(feedback: Feedback, language: labels.Language) -> Iterator[Block | Table]:
    """Case mix beside raw, results with and without suspicious answers, answers needed."""
    quality = feedback.quality
    if quality is None:
        return
    yield heading("citizens.quality", language, level=3, anchor="feedback-quality")
    if quality.findings:
        yield findings(quality.findings, language)
    reliability = [code("level"), number("n_groups", 0), number("typical_n", 0), number("mean_reliability", 2)]
    parts: tuple[tuple[str, pd.DataFrame, list[Column]], ...] = (
        (
            "mix",
            quality.mix,
            [words("unit"), number("n", 0), number("observed", 1), number("adjusted", 1), number("rank_change", 0)],
        ),
        (
            "screened",
            quality.screened,
            [words("unit"), code("run"), number("n", 0), number("estimate", 2), number("difference", 2)],
        ),
        ("reliability", quality.reliability, reliability),
    )
    for name, rows, columns in parts:
        shown = [column for column in columns if column.key in rows]
        if len(rows) and shown:
            yield table(
                rows,
                columns=shown,
                language=language,
                caption_key=f"citizens.{name}",
                note_key=f"citizens.{name}_note",
                name=f"feedback_{name}",
                limit=20,
            )


def _comments(feedback: Feedback, language: labels.Language) -> Iterator[Block | Table]:
    comments = feedback.comments
    if comments is None or not comments.n:
        return
    office = comments.themes[comments.themes["level"] == "office"]
    if len(office):
        yield table(
            office,
            columns=[
                code("element"),
                number("n", 0),
                percent("share", 1),
                *(number(tone, 0) for tone in ("positive", "negative", "mixed", "neutral")),
            ],
            language=language,
            caption_key="citizens.themes",
            note_key="citizens.themes_note",
            name="comment_themes",
            limit=20,
        )
    if len(comments.quotes):
        yield table(
            comments.quotes,
            columns=[words("unit"), code("tone"), words("comment")],
            language=language,
            caption_key="citizens.quotes",
            name="comments",
        )


def _elements_chart(feedback: Feedback, language: labels.Language) -> Chart | None:
    """Each element's mean in every unit, the office's as a short bar."""
    parts = feedback.elements[feedback.elements["status"] == OK]
    units, office = parts[parts["level"] == "unit"], parts[parts["level"] == "office"]
    if units.empty or office.empty:
        return None
    means = office.set_index("element")["estimate"]
    ordered = units.assign(office=units["element"].map(means)).sort_values(["office", "unit"], ignore_index=True)
    chart: Chart = strip_chart(
        ordered,
        reference="office",
        axis=labels.text("citizens.element_axis", language),
        language=language,
        caption_key="citizens.elements_chart",
        note_key="citizens.elements_chart_note",
        name="elements_chart",
    )
    return chart


def _trend(feedback: Feedback, language: labels.Language) -> Iterator[Chart]:
    office: pd.DataFrame = feedback.trend[feedback.trend["level"] == "office"]
    if office["period"].nunique() > 1:
        yield trend_chart(
            office,
            axis=labels.text("citizens.axis", language),
            language=language,
            caption_key="citizens.trend",
            name="index_trend",
        )
