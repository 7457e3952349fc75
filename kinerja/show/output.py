"""What a notebook's cell shows of a block: HTML with the style that it needs there, plain words, and its record.

The record has a media type of its own. Every reader of notebooks that does not know it (JupyterLab, VS Code, nbviewer,
a code host's preview) shows the HTML; `application/json` would be shown in its place, as a tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, unquote

RECORD = "application/vnd.kinerja.v1+json"
"""Media type of a block's data beside its HTML: tables, charts, key figures, findings."""

_STYLE = re.compile(r'<style class="kj-style">.*?</style>', re.DOTALL)
_DRAWING = re.compile(r'<div class="kj-drawing" style="font-size:0">(.*?)</div>', re.DOTALL)
_PICTURE = re.compile(r'<img class="kj-picture"[^>]*src="data:image/svg\+xml;charset=utf-8,([^"]*)">')
_PLAIN = " !$'()*+,/:;=?@[]"
"""What a data address may hold as it is, so that a drawing stays small; all other marks of HTML are encoded."""


def bundle(html: str, plain: str, record: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The forms of one output; `record` is what a report takes from it, None where there is nothing to take."""
    shown: dict[str, Any] = {"text/html": style() + html, "text/plain": plain}
    return shown if record is None else {**shown, RECORD: dict(record)}


def record_of(output: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record of a stored output; empty where it has none."""
    found = output.get("data", {}).get(RECORD)
    return found if isinstance(found, dict) else {}


def show(blocks: Iterable[Any]) -> None:
    """Display blocks in one cell: the style stands in the first alone, and comes and goes with the cell."""
    from IPython.display import display

    for place, block in enumerate(blocks):
        given = block._repr_mimebundle_()
        data, metadata = given if isinstance(given, tuple) else (given, {})
        if place:
            data = {**data, "text/html": _STYLE.sub("", data["text/html"])}
        display(data, raw=True, metadata=metadata)  # type: ignore[no-untyped-call]


def drawing(wide: str, narrow: str, alt: str) -> str:
    """A drawing for a notebook: inline, so that it follows the theme, and once more as a picture.

    wide, narrow : SVG; alt : escaped
    A reader that does not trust a notebook takes inline SVG and styles out and leaves its words: those have no size,
    and the picture is seen. Where the style is kept, it hides the picture.
    """
    source = quote(narrow, safe=_PLAIN)
    return (
        f'<div class="kj-drawing" style="font-size:0">{wide}</div>'
        f'<img class="kj-picture" alt="{alt}" src="data:image/svg+xml;charset=utf-8,{source}">'
    )


def page_html(html: str) -> str:
    """HTML of outputs as a page has it: without a notebook's style, both drawings of a chart inline."""
    return _PICTURE.sub(lambda found: unquote(found[1]), _DRAWING.sub(r"\1", _STYLE.sub("", html)))


@cache
def style(name: str = "style") -> str:
    """The style element that stands before the first block of a cell; `name` is another sheet of this folder."""
    text = (files("kinerja.show") / f"{name}.css").read_text(encoding="utf-8")
    rules = re.sub(r"/\*.*?\*/|\n\s*", "", text, flags=re.DOTALL)
    return f'<style class="kj-style">{rules}</style>'
