"""One page over many reports: a table with a link, the key figures and the findings that need reading of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.report.html import page

if TYPE_CHECKING:
    from kinerja.parameters import Parameters


def index_html(
    parameters: Parameters, folder: Path, entries: Sequence[tuple[str, str]], failures: Mapping[str, str]
) -> str:
    """The page.

    entries : (name, its folder as seen from `folder`), in the order in which they are listed
    failures : name -> why its report could not be made (an earlier report may still stand there)
    """
    language = parameters.language
    summaries = {name: _summary(folder / place) for name, place in entries}
    facts = list(dict.fromkeys(fact["label"] for s in summaries.values() if s for fact in s["facts"]))
    heads = [wording.text("report.index.name", language), *facts, wording.text("report.index.findings", language)]
    rows = [_row(name, place, summaries[name], facts, failures.get(name, ""), language) for name, place in entries]
    head = "".join(f'<th scope="col"{_number(k)}>{escape(h)}</th>' for k, h in enumerate(heads))
    caption = escape(wording.text("report.index.caption", language, n=len(entries), failed=len(failures)))
    body = (
        f'<div class="kj-table"><div class="kj-scroll" role="region" aria-label="{caption}" tabindex="0"><table>'
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></div>"
    )
    period = parameters.period
    return page(
        body,
        language=language,
        title=wording.text("report.index.title", language),
        subtitle=wording.text("report.subtitle", language, period=period.id, start=period.start, end=period.day),
        kicker=parameters.office.name,
    )


def _row(
    name: str,
    place: str,
    summary: Mapping[str, Any] | None,
    facts: Sequence[str],
    failure: str,
    language: wording.Language,
) -> str:
    shown = escape(name)
    link = f'<a href="{escape(place)}/report.html">{shown}</a>' if summary else shown
    known = {fact["label"]: fact["value"] for fact in summary["facts"]} if summary else {}
    grave = [f for f in summary["findings"] if f["level"] != "note"] if summary else []
    last = wording.number(len(grave), 0, language) if summary else wording.MISSING
    cells = "".join(f'<td class="kj-num">{escape(known.get(fact, wording.MISSING))}</td>' for fact in facts)
    why = wording.text("report.index.failed", language, cause=wording.said(failure, language))
    note = f'<br><span class="kj-small">{escape(why)}</span>'
    return f'<tr><th scope="row">{link}{note if failure else ""}</th>{cells}<td class="kj-num">{last}</td></tr>'


def _number(column: int) -> str:
    return ' class="kj-num"' if column else ""


def _summary(folder: Path) -> Mapping[str, Any] | None:
    """The report's summary, None where there is no report yet."""
    try:
        content: Mapping[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if (folder / "report.html").is_file() else None
