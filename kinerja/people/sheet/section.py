"""One person's sheet from the answer down to how to object, each part a block that a page and a notebook show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from kinerja import wording
from kinerja.people.sheet import Sheet, sentences
from kinerja.show.blocks import Block, facts
from kinerja.show.tables import Table, code, day, number, percent, table, words

_OPENING = ("no_rating", "observed", "not_calibrated", "unchanged", "calibrated", "capped")
_PARTS = (
    ("sure", ("interval", "category", "colleagues", "step.answers", "no_feedback", "no_indicators", "tipping")),
    ("change", ("next_", "without_", "predikat")),
    ("decided", ("decided",)),
)
"""Parts in the middle of the sheet, and the beginnings of the codes of their sentences."""


def sheet_blocks(sheet: Sheet, language: wording.Language) -> Iterator[Block | Table]:
    """Key figures, what was done and why, how sure, what would change it, how to object, what went in."""
    yield _figures(sheet, language)
    yield _sentences(_lines(sheet, language, _OPENING), lead=True)
    if len(sheet.steps):
        yield _steps(sheet, language)
    for part, starts in _PARTS:
        chosen = _lines(sheet, language, starts)
        if chosen:
            yield _part(part, chosen, language)
        if part == "sure" and len(sheet.categories):
            yield _chances(sheet, language)
    yield _objection(sheet, language)
    yield from _inputs(sheet, language)


def replay_line(sheet: Sheet, language: wording.Language) -> str:
    """Run and hash, the small print with which a reviewer repeats the calculation."""
    return " ".join(_lines(sheet, language, ("replay",)))


def _lines(sheet: Sheet, language: wording.Language, starts: Sequence[str]) -> list[str]:
    told = zip(sheet.statements, sentences(sheet, language), strict=True)
    return [line for statement, line in told if statement.code.startswith(tuple(starts))]


def _figures(sheet: Sheet, language: wording.Language) -> Block:
    shown = [("observed", wording.number(sheet.observed, 1, language))]
    if len(sheet.steps):
        # Where nothing is known of the supervisor's strictness, the figure is no comparison with anybody.
        known = not any(s.code in ("unchanged", "not_calibrated") for s in sheet.statements)
        shown.append(
            (
                "calibrated" if known else "unchanged",
                wording.number(float(sheet.steps["printed"].iloc[-1]), 1, language),
            )
        )
    if sheet.conf_low == sheet.conf_low:
        low, high = (wording.number(value, 1, language) for value in (sheet.conf_low, sheet.conf_high))
        shown.append(("interval", f"{low}–{high}"))
    return facts(
        [(wording.text(f"sheet.fact.{key}", language, confidence=sheet.confidence), value) for key, value in shown]
    )


def _sentences(lines: Sequence[str], *, lead: bool = False) -> Block:
    first = ' class="kj-lead"' if lead else ""
    html = "".join(f"<p{first if k == 0 else ''}>{escape(line)}</p>" for k, line in enumerate(lines))
    return Block(html=html, plain="\n".join(lines))


def _part(part: str, lines: Sequence[str], language: wording.Language) -> Block:
    title = wording.text(f"sheet.part.{part}", language)
    points = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return Block(
        html=f'<section class="kj-sheet-part"><h2>{escape(title)}</h2><ul>{points}</ul></section>',
        plain="\n".join([title, *lines]),
    )


def _steps(sheet: Sheet, language: wording.Language) -> Block:
    """Every step in points and in words; those that print as nothing share one line, so that the figures still sum.

    Levels stand without a sign and changes with one, which one column of a `Table` cannot do.
    """
    meaning = {
        statement.code.split(".")[1]: line
        for statement, line in zip(sheet.statements, sentences(sheet, language), strict=True)
        if statement.code.startswith("step.from_")
    }
    rows: list[tuple[str, str, str]] = []
    nothing: list[str] = []
    for row in sheet.steps.to_dict(orient="records"):
        step, printed = str(row["step"]), float(row["printed"])
        name = wording.label(f"step.{step}", language)
        shown = wording.number(printed, 1, language)
        if row["kind"] == "level":
            rows.append((name, shown, ""))
        elif printed:
            rows.append((name, f"+{shown}" if printed > 0 else shown, meaning.get(step, meaning.get("from_other", ""))))
        else:
            nothing.append(name[:1].lower() + name[1:] if nothing else name)
    if nothing:
        names = wording.text("sheet.steps.nothing", language, names=", ".join(nothing))
        other = wording.text("sheet.steps.none", language)
        rows.insert(-1, (other, wording.number(0.0, 1, language), names))
    title, *heads = (wording.text(f"sheet.steps{key}", language) for key in ("", ".step", ".points", ".why"))
    body = "".join(
        f'<tr><th scope="row">{escape(a)}</th><td class="kj-num">{escape(b)}</td><td>{escape(c)}</td></tr>'
        for a, b, c in rows
    )
    head = "".join(
        f'<th scope="col"{kind}>{escape(h)}</th>' for h, kind in zip(heads, ("", ' class="kj-num"', ""), strict=True)
    )
    html = (
        f'<div class="kj-table kj-sheet-steps"><div class="kj-scroll" role="region" tabindex="0" '
        f'aria-label="{escape(title)}"><table><caption><span>{escape(title)}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></div>"
    )
    return Block(html=html, plain="\n".join([title, *("  ".join(filter(None, row)) for row in rows)]))


def _chances(sheet: Sheet, language: wording.Language) -> Table:
    rows = sheet.categories.rename(columns={"category": "behaviour"})
    return table(
        rows,
        columns=[code("behaviour", label=wording.label("category", language)), percent("probability")],
        language=language,
        caption_key="sheet.table.chances",
        note_key="sheet.table.chances_note",
        name="sheet_chances",
    )


def _objection(sheet: Sheet, language: wording.Language) -> Block:
    """By when and to whom, and what the reviewer may see; the one part that nobody may overlook."""
    title = wording.text("sheet.part.object", language)
    how, lead = _lines(sheet, language, ("object_",)), wording.text("sheet.reviewer", language)
    seen, unseen = _lines(sheet, language, ("reviewer.",)), wording.text("sheet.reviewer_not", language)
    opening = "".join(f"<p><strong>{escape(line)}</strong></p>" for line in how)
    listed = f"<p>{escape(lead)} {escape('; '.join(seen))}. {escape(unseen)}</p>" if seen else ""
    return Block(
        html=f'<section class="kj-sheet-object"><h2>{escape(title)}</h2>{opening}{listed}</section>',
        plain="\n".join([title, *how, lead, *seen, unseen]),
    )


def _inputs(sheet: Sheet, language: wording.Language) -> Iterator[Table]:
    yield table(
        sheet.inputs.assign(last_date=sheet.inputs["last_date"].where(sheet.inputs["last_date"] != "", None)),
        columns=[code("input"), number("n", 0, label=wording.text("sheet.count", language)), day("last_date")],
        language=language,
        caption_key="sheet.table.inputs",
        name="sheet_inputs",
    )
    if len(sheet.indicators):
        yield table(
            sheet.indicators,
            columns=[words("indicator"), number("target"), number("realisation"), number("attainment", 1)],
            language=language,
            caption_key="sheet.table.indicators",
            name="sheet_indicators",
        )
