"""The parts of a report that are neither table nor figure: headings, prose, findings as cards, key figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from kinerja import wording
from kinerja.results import Finding, Level
from kinerja.results.shown import Brief
from kinerja.show.output import bundle

_ORDER: Mapping[Level, int] = {"stop": 0, "caution": 1, "note": 2}


@dataclass(frozen=True, kw_only=True, repr=False)
class Block(Brief):
    """A piece of a report: `html` for the page, `plain` for a terminal, both already in one language.

    data : what a summary of the report takes from it (key figures, findings); None where there is nothing
    """

    html: str
    plain: str
    data: Mapping[str, Any] | None = None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return bundle(self.html, self.plain, self.data)


def heading(key: str, language: wording.Language = "id", *, level: int = 2, anchor: str = "", **values: Any) -> Block:
    """A heading of words.csv; `anchor` is what links point to (the key's last part where it is not given)."""
    words = wording.text(key, language, **values)
    anchor = anchor or key.rsplit(".", 1)[-1]
    return Block(html=f'<h{level} id="{escape(anchor)}">{escape(words)}</h{level}>', plain=words)


def prose(*keys: str, language: wording.Language = "id", lead: bool = False, **values: Any) -> Block:
    """A paragraph a key of words.csv; the placeholders take `values`."""
    paragraphs = [wording.text(key, language, **values) for key in keys]
    kind = ' class="kj-lead"' if lead else ""
    html = "".join(f"<p{kind}>{escape(typeset(paragraph))}</p>" for paragraph in paragraphs)
    return Block(html=html, plain="\n\n".join(paragraphs))


def bullets(keys: Iterable[str], language: wording.Language = "id", **values: Any) -> Block:
    """A list, one point a key of words.csv."""
    points = [wording.text(key, language, **values) for key in keys]
    html = "<ul>" + "".join(f"<li>{escape(typeset(point))}</li>" for point in points) + "</ul>"
    return Block(html=html, plain="\n".join(f"- {point}" for point in points))


def findings(
    found: Iterable[Finding],
    language: wording.Language = "id",
    *,
    links: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> Block:
    """Findings as cards, the gravest first, in the order given within a level.

    links : a finding's code -> the anchor of the section that shows more
    limit : cards shown; `stop` findings are always shown
    """
    ordered = sorted(found, key=lambda f: _ORDER[f.level])
    if limit is not None:
        ordered = [f for k, f in enumerate(ordered) if k < limit or f.level == "stop"]
    if not ordered:
        words = wording.text("report.no_findings", language)
        return Block(html=f"<p>{escape(words)}</p>", plain=words)
    cards = [_card(f, language, (links or {}).get(f.code, "")) for f in ordered]
    plain = [f"{_level(f, language)}: {sentence(f, language)}" for f in ordered]
    told = [{"level": f.level, "code": f.code, "sentence": sentence(f, language)} for f in ordered]
    return Block(
        html=f'<ul class="kj-findings">{"".join(cards)}</ul>',
        plain="\n".join(plain),
        data={"kinerja": "findings", "findings": told},
    )


def sentence(finding: Finding, language: wording.Language = "id") -> str:
    """The finding in words; a value that is a code (`attribute: gender`) is shown by its label."""
    return wording.finding_sentence(finding.code, finding.data, language)


def facts(pairs: Sequence[tuple[str, str]]) -> Block:
    """Key figures in one row: (label, value as it is to be shown)."""
    cells = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in pairs)
    return Block(
        html=f'<dl class="kj-facts">{cells}</dl>',
        plain="\n".join(f"{value}  {label}" for label, value in pairs),
        data={"kinerja": "facts", "facts": [list(pair) for pair in pairs]},
    )


def _card(finding: Finding, language: wording.Language, anchor: str) -> str:
    words = escape(typeset(sentence(finding, language)))
    if anchor:
        more = escape(wording.text("report.more", language))
        # The hidden part tells two equal links apart for those who hear the page.
        words += f' <a href="#{escape(anchor)}" aria-label="{more}: {words}">{more}</a>'
    level = escape(_topic(finding, language, anchor))
    return f'<li class="kj-finding kj-{finding.level}"><p class="kj-level">{level}</p><p>{words}</p></li>'


def typeset(words: str) -> str:
    """A number and its per cent sign stay on one line."""
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", words)


def _topic(finding: Finding, language: wording.Language, anchor: str) -> str:
    """What stands before a finding: how grave it is, or, where it is merely worth knowing, what it is about."""
    title = f"section.{anchor}.title"
    return (
        wording.text(title, language)
        if finding.level == "note" and wording.has_text(title)
        else _level(finding, language)
    )


def _level(finding: Finding, language: wording.Language) -> str:
    return wording.text(f"report.level.{finding.level}", language)
