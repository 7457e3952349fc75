"""Section 4: the satisfaction index with interval and grade, the nine elements, who answered, published figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.citizens import Citizens
from kinerja.citizens.reliability import LEAGUE_TABLE
from kinerja.citizens.sample import SAMPLE_LEVEL
from kinerja.citizens.section_trust import trust
from kinerja.results import OK
from kinerja.show.blocks import Block, findings, prose
from kinerja.show.charts import dot_interval_chart, strip_chart, trend_chart
from kinerja.show.rows import yes_no
from kinerja.show.tables import Column, Table, code, interval, number, percent, settled, table, words

if TYPE_CHECKING:
    import pandas as pd

    from kinerja.citizens.sample import SAMPLE_LEVEL
from kinerja.show.charts import Chart

GRADES = ("p_a", "p_b", "p_c", "p_d")


def citizens(feedback: Citizens | None, language: wording.Language) -> Iterator[Block | Table | Chart | None]:
    yield prose("citizens.lead", language=language, lead=True)
    if feedback is None:
        yield prose("citizens.none", language=language)
        return
    # what must be read first stands first; notes on the answers' quality stand with its tables
    later = [f for f in feedback.quality.findings if f.level == "note"] if feedback.quality is not None else []
    first = [f for f in feedback.findings if f not in later]
    if first:
        yield findings(first, language)
    yield _index_chart(feedback, language)
    yield index_table(feedback, language, "unit")
    if (feedback.index["level"] == "service").any():
        yield index_table(feedback, language, "service")
    yield _elements_chart(feedback, language)
    yield elements_table(feedback, language)
    yield from _trend(feedback, language)
    yield _profile(feedback, language)
    if feedback.quality is not None:
        yield from trust(feedback.quality, language, feedback.settings["confidence"])
    yield from _comments(feedback, language)
    yield _sample(feedback, language)
    yield _published(feedback, language)


def ordered_by_rank(feedback: Citizens, level: str) -> bool:
    """Whether the answers tell the groups of a level apart well enough to put them in an order of rank."""
    if feedback.quality is None:
        return False
    known = feedback.quality.reliability
    known = known[(known["level"] == level) & (known["target"] == LEAGUE_TABLE)]
    return bool((known["estimate"] >= LEAGUE_TABLE).any())


def index_table(feedback: Citizens, language: wording.Language, level: str) -> Table:
    """The index of the office and of each of its units or services, the office first; no order of rank where the
    answers do not carry one.
    """
    ranked = ordered_by_rank(feedback, level)
    office = feedback.index[feedback.index["level"] == "office"]
    own = feedback.index[feedback.index["level"] == level]
    own = own.sort_values("estimate" if ranked else level, kind="stable", key=settled)
    rows = labelled_office(office, level, language).pipe(_stacked, own)
    note = wording.text("citizens.index_note", language)
    if not ranked and len(own) > 1:
        note += " " + wording.text("citizens.no_order" if level == "unit" else "citizens.no_order_service", language)
    return table(
        rows,
        columns=[
            words(level),
            number("n", 0),
            number("estimate", 2),
            interval(feedback.settings["confidence"], digits=1),
            words("grade"),
            *(percent(p) for p in GRADES),
        ],
        language=language,
        caption_key=f"citizens.index_{level}",
        note=note,
        name=f"index_{level}",
        limit=40,
    )


def labelled_office(rows: pd.DataFrame, column: str, language: wording.Language) -> pd.DataFrame:
    """Rows of the office with its words in the column that names groups."""
    return rows.assign(**{column: wording.text("citizens.office", language)})


def _stacked(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([part for part in (first, second) if len(part)] or [first], ignore_index=True)


def elements_table(feedback: Citizens, language: wording.Language) -> Table:
    """The elements of the office, the lowest first."""
    rows = feedback.elements[feedback.elements["level"] == "office"].sort_values(
        ["estimate", "element"], key=settled, ignore_index=True
    )
    return table(
        rows,
        columns=[
            code("element"),
            number("n", 0),
            number("estimate", 3),
            interval(feedback.settings["confidence"], digits=2),
            words("grade"),
        ],
        language=language,
        caption_key="citizens.elements",
        note_key="citizens.elements_note",
        name="elements",
    )


def _index_chart(feedback: Citizens, language: wording.Language) -> Chart | None:
    units = feedback.index[feedback.index["level"] == "unit"]
    if units.empty:
        return None
    office = feedback.index[feedback.index["level"] == "office"]["estimate"]
    chart: Chart = dot_interval_chart(
        units,
        label="unit",
        confidence=feedback.settings["confidence"],
        mark="grade",
        reference=float(office.iloc[0]) if len(office) else None,
        reference_label=wording.text("citizens.office", language),
        axis=wording.text("citizens.axis", language),
        sort=ordered_by_rank(feedback, "unit"),
        language=language,
        caption_key="citizens.index_chart",
        name="index_chart",
    )
    counts = units.loc[units["grade"] != "", "grade"].value_counts().sort_index()
    if counts.empty:
        return chart
    told = ", ".join(f"{grade} {count}" for grade, count in counts.items())
    return replace(chart, alt=f"{chart.alt} {wording.text('citizens.alt_grades', language, grades=told)}")


def _elements_chart(feedback: Citizens, language: wording.Language) -> Chart | None:
    """Each element's mean in every unit, the office's as a short bar."""
    parts = feedback.elements[feedback.elements["status"] == OK]
    units, office = parts[parts["level"] == "unit"], parts[parts["level"] == "office"]
    if units.empty or office.empty:
        return None
    means = office.set_index("element")["estimate"]
    ordered = units.assign(office=units["element"].map(means)).sort_values(
        ["office", "unit"], key=settled, ignore_index=True
    )
    chart: Chart = strip_chart(
        ordered,
        reference="office",
        axis=wording.text("citizens.element_axis", language),
        language=language,
        caption_key="citizens.elements_chart",
        note_key="citizens.elements_chart_note",
        name="elements_chart",
    )
    return chart


def _trend(feedback: Citizens, language: wording.Language) -> Iterator[Chart | Table]:
    """The office's line; the last change of the office and of every unit, with its interval."""
    office: pd.DataFrame = feedback.trend[feedback.trend["level"] == "office"]
    last = feedback.trend[(feedback.trend["period"] == feedback.settings["period"]) & feedback.trend["change"].notna()]
    if office["period"].nunique() > 1:
        chart: Chart = trend_chart(
            office,
            confidence=feedback.settings["confidence"],
            axis=wording.text("citizens.axis", language),
            language=language,
            caption_key="citizens.trend",
            name="index_trend",
        )
        own = last[last["level"] == "office"]
        told = ""
        if len(own):
            real = bool(own["change_shown"].iloc[0])
            told = " " + wording.text("citizens.alt_change" if real else "citizens.alt_no_change", language)
        yield replace(chart, alt=chart.alt + told)
    if last.empty:
        return
    confidence = feedback.settings["confidence"]
    first = last[last["level"] == "office"].assign(group=wording.text("citizens.office", language))
    yield table(
        yes_no(_stacked(first, last[last["level"] == "unit"]), "change_shown"),
        columns=[
            words("group", label=wording.label("unit", language)),
            number("n", 0),
            number("estimate", 2),
            number("change", 2, signed=True),
            interval(
                confidence,
                "change_low",
                "change_high",
                label=wording.text("citizens.change_interval", language, confidence=confidence),
            ),
            code("change_shown"),
        ],
        language=language,
        caption_key="citizens.trend_table",
        note_key="citizens.trend_table_note",
        name="index_change",
        limit=20,
    )


def _profile(feedback: Citizens, language: wording.Language) -> Table | None:
    if feedback.profile.empty:
        return None
    said = feedback.profile["value"].where(feedback.profile["value"] != "", wording.text("citizens.unknown", language))
    return table(
        feedback.profile.assign(value=said),
        columns=[
            code("attribute"),
            words("value", label=wording.label("category", language)),
            number("n", 0),
            percent("share", 1, label=wording.text("citizens.share_of_answers", language)),
        ],
        language=language,
        caption_key="citizens.profile",
        name="respondents",
        limit=40,
    )


def _comments(feedback: Citizens, language: wording.Language) -> Iterator[Block | Table]:
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


def _sample(feedback: Citizens, language: wording.Language) -> Table | None:
    rows = feedback.sample_size
    if rows.empty or rows["population"].isna().all():
        return None
    names = rows["group"].where(rows["level"] != "office", wording.text("citizens.office", language))
    shown: list[Column] = [
        words("group", label=wording.label("unit", language)),
        number("population", 0),
        number("n", 0),
        percent("response_share", 1),
        number("required", 0),
        number("more_needed", 0),
        percent("margin_of_error", 1),
    ]
    return table(
        rows.assign(group=names),
        columns=shown,
        language=language,
        caption_key="citizens.sample",
        note_key="citizens.sample_note",
        values={"level": SAMPLE_LEVEL},
        name="sample_size",
        limit=20,
    )


def _published(feedback: Citizens, language: wording.Language) -> Table | None:
    rows = feedback.published
    if rows.empty:
        return None
    office = wording.text("citizens.office", language)
    rows = yes_no(
        yes_no(rows.assign(unit=rows["unit"].where(rows["unit"] != "", office)), "mismatch"), "grade_mismatch"
    )
    return table(
        rows,
        columns=[
            words("period"),
            words("unit"),
            code("element"),
            number("published", 2),
            number("recomputed", 2),
            number("difference", 2, signed=True),
            code("reproduced_by"),
            code("mismatch"),
            words("published_grade"),
            words("grade"),
            code("grade_mismatch"),
        ],
        language=language,
        caption_key="citizens.published",
        name="published",
    )
