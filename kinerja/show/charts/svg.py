"""A figure as SVG: small, the same on every run, themed by the page it stands in, with words for who cannot see it."""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG

from kinerja.show.charts.canvas import VARIABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_FONTS = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, "Liberation Sans", sans-serif'
)
# Text stays text: it can be searched, copied and read aloud, follows the page's font and is a fifth of the size of
# paths. DejaVu Sans, which matplotlib carries along, measures it alike everywhere.
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kinerja",
    "font.family": "DejaVu Sans",
    "path.simplify": False,
}
_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_COLOR = re.compile(r"#[0-9a-f]{6}")
_CIRCLE = re.compile(r"M 0 (-?[\d.]+) C")
_DROPPED = re.compile(r"font[^:;]*:[^;]*;?|stroke-linecap: square;?")


def figure_svg(figure: Figure, alt: str, *, css_class: str = "") -> str:
    """The figure as one `<svg>` element with its text for screen readers.

    Colours of the palette become the style sheet's variables, with the colour itself to fall back on; coordinates have
    two decimals, so that the last bits of a processor do not show.
    """
    buffer = io.StringIO()
    with mpl.rc_context(_SETTINGS):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    root = ElementTree.fromstring(buffer.getvalue())
    shapes = {element.get("id", ""): element for element in root.iter(f"{_SVG}path") if element.get("id")}
    body = "".join(_element(child, shapes) for child in root)
    width, height = root.get("viewBox", "0 0 0 0").split()[2:]
    kind = f' class="{css_class}"' if css_class else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg"{kind} viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" '
        f'role="img" aria-label="{escape(alt)}" font-family="{escape(_FONTS)}" font-size="13" stroke-linejoin="round">'
        f"{body}</svg>"
    )


def without_variables(page: str) -> str:
    """The page with each themed colour as it is: for renderers of SVG that do not know CSS variables."""
    return re.sub(r"var\(--[\w-]+, (#[0-9a-f]{6})\)", r"\1", page)


def _element(element: ElementTree.Element, shapes: dict[str, ElementTree.Element]) -> str:
    tag = element.tag.removeprefix(_SVG)
    if tag in ("metadata", "defs"):
        return ""
    if tag == "g":
        return "".join(_element(child, shapes) for child in element)
    if tag == "use":
        return _marker(element, shapes[element.get(_LINK, "").removeprefix("#")])
    attributes = {k: v for k, v in element.attrib.items() if k not in ("id", "clip-path")}
    if attributes.get("transform", "").startswith("rotate(-0"):
        del attributes["transform"]
    words = escape((element.text or "").strip(), quote=False)
    return f"<{tag}{_attributes(attributes)}>{words}</{tag}>" if words else f"<{tag}{_attributes(attributes)}/>"


def _marker(use: ElementTree.Element, shape: ElementTree.Element) -> str:
    """A marker drawn where it stands: no reference, so that two charts on a page cannot collide."""
    style, path = use.get("style", ""), " ".join(shape.get("d", "").split())
    x, y = use.get("x", "0"), use.get("y", "0")
    circle = _CIRCLE.match(path)
    if circle and path.count("C") == 8:
        return f"<circle{_attributes({'cx': x, 'cy': y, 'r': circle[1], 'style': style})}/>"
    return f"<path{_attributes({'d': path, 'transform': f'translate({x} {y})', 'style': style})}/>"


def _attributes(attributes: dict[str, str]) -> str:
    shown = []
    for name, value in attributes.items():
        value = _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value)
        if name == "style":
            bold = "font-weight: 700; " if re.search(r"font[^;]*\b(bold|700)\b", value) else ""
            value = bold + _COLOR.sub(_variable, _DROPPED.sub("", value).strip())
        elif name == "d":
            value = " ".join(value.split())
        shown.append(f' {name}="{escape(value)}"' if value else "")
    return "".join(shown)


def _variable(color: re.Match[str]) -> str:
    name = VARIABLES.get(color[0])
    return f"var(--{name}, {color[0]})" if name else color[0]
