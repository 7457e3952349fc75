"""Results in one look: every public result prints as a few lines and shows as a small page, never as its raw tables.

What it is, its key figures, its findings, its tables by name and size, what to look at next. No row and no id of a
person is shown: whoever wants them asks for the table. A result derives from `Shown`; nothing else is written per class
than its words (`display.*` of words.csv) and its key figures (`FIGURES` of display_summary).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kinerja.results.summary import Summary

WIDTH = 110
"""Letters in a line of the plain form."""

MOST_LINES = 3
"""Lines of one part of the plain form; the rest is cut with an ellipsis."""

MOST_CODES = 4
"""Findings named in the plain form; the others are counted."""

MOST_SENTENCES = 5
"""Findings told in the page, the gravest first; the others are counted."""

_GLUE = "\N{NO-BREAK SPACE}"


class Brief:
    """A result whose plain form is short; its page, if it has one, is its own."""

    def __repr__(self) -> str:
        return _plain(self)

    def __str__(self) -> str:
        return _plain(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """In a list or a tuple of a notebook, one line each."""
        printer.text(_plain(self) if len(printer.stack) < 2 else _plain(self).split("\n")[0])


class Shown(Brief):
    """A result that a notebook shows as a small page, in the colours of whatever surrounds it."""

    def _repr_html_(self) -> str:
        return _page(self)


def _plain(result: object) -> str:
    from kinerja.results.summary import summary, word

    of = summary(result)
    say = of.language
    figures = _joined(" · ", (f"{label} {value}" for label, value in of.figures))
    head = f"{of.name}: {of.what}" if of.what else of.name
    lines = [textwrap.shorten(head, WIDTH, placeholder=" …")]
    if not (of.what or of.tables or of.parts or of.findings):
        return textwrap.shorten(f"{of.name}: {figures}".replace(_GLUE, " "), WIDTH, placeholder=" …")
    lines += _wrapped("", figures)
    if of.findings is not None:
        lines += _wrapped(word("findings", say), _codes(of))
    lines += _wrapped(word("tables", say), _joined(", ", (f"{name} {n}×{m}" for name, n, m in of.tables)))
    lines += _wrapped(word("parts", say), _joined(", ", (f"{name} {what}" for name, what in of.parts)))
    lines += _wrapped(word("next", say), of.next.replace("`", ""))
    return "\n".join(lines)


def _joined(between: str, items: Iterable[str]) -> str:
    """Items that a line's end does not tear apart."""
    return between.join(item.replace(" ", _GLUE) for item in items)


def _wrapped(label: str, text: str) -> list[str]:
    """Indented lines that begin with a label; none where there is nothing to say."""
    if not text:
        return []
    start = f"  {label}: " if label else "  "
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent="    ",
        max_lines=MOST_LINES,
        placeholder=" …",
        break_on_hyphens=False,
    )
    return [line.replace(_GLUE, " ") for line in lines]


def _codes(of: Summary) -> str:
    from kinerja.results.summary import word

    found = of.findings or ()
    if not found:
        return word("none", of.language)
    named = _joined(", ", (f"{finding.level} {finding.code}" for finding in found[:MOST_CODES]))
    return named + _more(len(found) - MOST_CODES, of)


def _more(count: int, of: Summary) -> str:
    from kinerja.results.summary import word

    return f" {word('more', of.language, n=count)}" if count > 0 else ""


def _page(result: object) -> str:
    from kinerja.results.summary import level, sentence, summary, word

    of = summary(result)
    say = of.language
    parts = [f"<p><strong>{escape(of.name)}</strong>{': ' if of.what else ''}{_coded(of.what)}</p>"]
    if of.figures:
        rows = "".join(f'<tr><th scope="row">{escape(k)}</th><td>{escape(v)}</td></tr>' for k, v in of.figures)
        parts.append(f"<table><caption>{escape(word('figures', say))}</caption><tbody>{rows}</tbody></table>")
    found: Sequence[Any] = (result,) if of.name == "Finding" else of.findings or ()
    if found:
        told = [
            f"<li><strong>{escape(level(f, say))}</strong>: {escape(sentence(f, say))}</li>"
            for f in found[:MOST_SENTENCES]
        ]
        more = _more(len(found) - MOST_SENTENCES, of)
        parts.append(f"<p>{escape(word('findings', say))}:</p><ul>{''.join(told)}</ul>")
        parts.append(f"<p>{escape(more.strip())}</p>" if more else "")
    if of.tables or of.parts:
        head = "".join(f'<th scope="col">{escape(word(key, say))}</th>' for key in ("table", "rows", "columns"))
        rows = "".join(
            f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{n}</td><td>{m}</td></tr>'
            for name, n, m in of.tables
        )
        rows += "".join(
            f'<tr><th scope="row"><code>{escape(name)}</code></th><td colspan="2">{escape(what)}</td></tr>'
            for name, what in of.parts
        )
        title = escape(word("tables", say))
        parts.append(f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    if of.next:
        parts.append(f"<p>{escape(word('next', say))}: {_coded(of.next)}</p>")
    return f'<div class="kj-result" lang="{say}">{"".join(parts)}</div>'


def _coded(text: str) -> str:
    """Escaped words; what stands between backticks is code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))
