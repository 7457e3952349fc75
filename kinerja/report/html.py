"""An executed notebook as one self-contained page: own template, own style sheet, nothing loaded from anywhere."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape, unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

import kinerja
from kinerja import wording
from kinerja.errors import KinerjaError, Problem
from kinerja.report.notebook.run import load_papermill
from kinerja.show.output import page_html, record_of
from kinerja.show.tables import Table, table_from_json
from kinerja.show.tables.xlsx import terms

_HEADING = re.compile(r"<h([1-6])([^>]*)>(.*?)</h\1>", re.DOTALL)
_ID = re.compile(r"""\bid=["']([^"']*)["']""")
_TAG = re.compile(r"<[^>]+>")
_IMAGE = re.compile(r"<img\b[^>]*>", re.DOTALL)
_SVG = re.compile(r"<svg\b[^>]*>", re.DOTALL)


def render_html(
    notebook: Any,
    *,
    language: wording.Language = "id",
    title: str,
    subtitle: str = "",
    kicker: str = "",
    description: str = "",
    footer: Sequence[str] = (),
    name: str = "",
) -> str:
    """The page.

    notebook : executed; cells tagged with another language (`id` or `en`) are left out, code is never shown
    title, subtitle, kicker : the masthead; the title is the page's only level-1 heading
    footer : lines of small print (run, versions)
    name : the notebook's name, for errors

    Raises
    ------
    KinerjaError : a figure has no text that says what it shows
    """
    chosen = _in_language(notebook, language)
    body = _body(chosen, language)
    _refuse_silent_figures(body, name)
    body, headings = _number_headings(body)
    glossary = _glossary(notebook_tables(chosen), language)
    if glossary:
        body += glossary
        headings.append((2, "kj-glossary", wording.text("report.glossary", language)))
    return page(
        _sections(body),
        language=language,
        title=title,
        subtitle=subtitle,
        kicker=kicker,
        description=description,
        footer=footer,
        contents=_contents(headings),
    )


def page(
    body: str,
    *,
    language: wording.Language,
    title: str,
    subtitle: str = "",
    kicker: str = "",
    description: str = "",
    footer: Sequence[str] = (),
    contents: str = "",
    style: str = "",
) -> str:
    """The page around a body that is HTML already; everything else is text. `style` follows the report's own style."""
    words = {key: wording.text(f"report.{key}", language) for key in ("skip", "contents", "people_decide", "top")}
    return str(
        _page().render(
            language=language,
            title=title,
            subtitle=subtitle,
            kicker=kicker,
            description=description,
            footer=footer,
            words=words,
            style="\n".join(filter(None, (_style(), style.strip()))),
            toc=contents,
            body=body,
            version=kinerja.__version__,
        )
    )


def notebook_tables(notebook: Any) -> list[Table]:
    """Every table of an executed notebook, in order, those behind its figures included."""
    tables = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            record = record_of(output)
            if record.get("kinerja") == "chart":
                record = record["table"]
            if record.get("kinerja") == "table":
                tables.append(table_from_json(record))
    return tables


def notebook_data(notebook: Any) -> dict[str, list[Any]]:
    """What the blocks of a notebook keep for a summary: kind (facts, findings) -> their content, in order."""
    kept: dict[str, list[Any]] = {"facts": [], "findings": []}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            record = record_of(output)
            kind = record.get("kinerja")
            if kind in kept:
                kept[kind].append(record[kind])
    return kept


def _in_language(notebook: Any, language: wording.Language) -> Any:
    """A copy with the cells of one language, every result an ordinary display, its HTML that of a page."""
    others = {other for other in wording.LANGUAGES if other != language}
    chosen = copy.deepcopy(notebook)
    chosen.cells = [c for c in chosen.cells if not others & set(c.metadata.get("tags", []))]
    for cell in chosen.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "execute_result":
                output.output_type = "display_data"
                output.pop("execution_count", None)
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = page_html(output.data["text/html"])
    return chosen


@cache
def _exporter() -> Any:
    load_papermill()  # nbformat comes with it, without what nobody needs
    from nbconvert import HTMLExporter

    # A class of its own, so that a user's or a machine's nbconvert settings do not reach the report.
    return HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="report",
        extra_template_basedirs=[str(_templates().parent)],
        exclude_anchor_links=True,
        exclude_input=False,
    )


@cache
def _page() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(str(_templates()))
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.get_template("page.html.j2")


def _templates() -> Path:
    return Path(str(files("kinerja.report") / "templates" / "report"))


@cache
def _style() -> str:
    return (_templates() / "style.css").read_text(encoding="utf-8").strip()


def _body(notebook: Any, language: wording.Language) -> str:
    resources = {"kinerja": {"error": wording.text("report.error", language)}}
    body, _ = _exporter().from_notebook_node(notebook, resources=resources)
    return str(body).strip()


def _number_headings(body: str) -> tuple[str, list[tuple[int, str, str]]]:
    """The body with one unique id a heading, level 1 taken down to 2 (the page has its own), and (level, id, text)."""
    headings: list[tuple[int, str, str]] = []
    used: set[str] = set(_ID.findall(_HEADING.sub("", body)))

    def mark(found: re.Match[str]) -> str:
        level, attributes, inner = max(int(found[1]), 2), found[2], found[3]
        given = _ID.search(attributes)
        words = unescape(_TAG.sub("", inner)).strip()
        anchor = _unique(_slug(unescape(given[1]) if given else words), used)
        headings.append((level, anchor, words))
        rest = _ID.sub("", attributes).strip()
        return f'<h{level} id="{anchor}"{" " + rest if rest else ""}>{inner}</h{level}>'

    return _HEADING.sub(mark, body), headings


def _slug(words: str) -> str:
    return re.sub(r"[^\w-]+", "-", words.lower()).strip("-") or "section"


def _unique(anchor: str, used: set[str]) -> str:
    candidate, number = anchor, 2
    while candidate in used:
        candidate, number = f"{anchor}-{number}", number + 1
    used.add(candidate)
    return candidate


def _contents(headings: Iterable[tuple[int, str, str]]) -> str:
    items = [f'<li><a href="#{anchor}">{escape(words)}</a></li>' for level, anchor, words in headings if level == 2]
    return f"<ol>{''.join(items)}</ol>" if items else ""


def _sections(body: str) -> str:
    """One landmark a chapter: from each level-2 heading to the next."""
    first, *chapters = re.split(r"(?=<h2 )", body)
    opening = f'<div class="kj-first">{first}</div>' if first.strip() else ""
    wrapped = [f'<section aria-labelledby="{_ID.search(c)[1]}">{c}</section>' for c in chapters]  # type: ignore[index]
    return opening + "\n".join(wrapped)


def _glossary(tables: Iterable[Table], language: wording.Language) -> str:
    entries = "".join(f"<dt>{escape(t)}</dt><dd>{escape(m)}</dd>" for t, m in terms(tables).items())
    title = escape(wording.text("report.glossary", language))
    return f'<h2 id="kj-glossary">{title}</h2><dl class="kj-glossary">{entries}</dl>' if entries else ""


def _refuse_silent_figures(body: str, name: str) -> None:
    silent = [tag for tag in _IMAGE.findall(body) if not re.search(r'\balt="[^"]+"', tag)]
    silent += [tag for tag in _SVG.findall(body) if not re.search(r'aria-(label|labelledby|hidden)="[^"]+"', tag)]
    if silent:
        problem = Problem(where=name or "notebook", found=_TAG.sub("", silent[0])[:40], code="figure_without_alt")
        raise KinerjaError(wording.problem_message([problem]), [problem] * len(silent))
