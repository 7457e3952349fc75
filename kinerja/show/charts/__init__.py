"""Frames become charts: a drawing in two widths, words for who cannot see it, and the table behind it.

Every function takes a tidy frame and the names of its columns, and returns a `Chart`. The families: `dots`
(estimates with intervals, gaps, before and after), `bars` (distributions, the predikat matrix, evidence),
`lines` (trends, small multiples), `wright` (the Wright map).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.results.shown import Brief
from kinerja.show.output import bundle, drawing
from kinerja.show.tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HOME = {
    "dot_interval_chart": "dots",
    "gap_chart": "dots",
    "calibration_chart": "dots",
    "strip_chart": "dots",
    "distribution_chart": "bars",
    "matrix_chart": "bars",
    "gate_chart": "bars",
    "trend_chart": "lines",
    "elements_chart": "lines",
    "wright_chart": "wright",
}

__all__ = ["Chart", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"kinerja.show.charts.{_HOME[name]}"), name)
    raise AttributeError(f"module 'kinerja.show.charts' has no attribute {name!r}")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Chart(Brief):
    """A chart in one language.

    Fields
    ------
    name : snake_case; language : of every word in it
    caption, note : what it shows; how to read it
    alt : what a reader who cannot see it needs to know, computed from the data
    paint : draws it at a width in pixels
    table : the numbers behind it
    """

    name: str
    language: wording.Language
    caption: str
    note: str
    alt: str
    paint: Callable[[float], Any]
    table: Table

    @property
    def figure(self) -> Figure:
        """The matplotlib figure, as wide as a report's column."""
        from kinerja.show.charts.canvas import WIDE

        return self.paint(WIDE).figure  # type: ignore[no-any-return]

    def svg(self, *, width: float | None = None, css_class: str = "") -> str:
        from kinerja.show.charts.canvas import WIDE
        from kinerja.show.charts.svg import figure_svg

        return figure_svg(self.paint(width or WIDE).figure, self.alt, css_class=css_class)

    def to_html(self) -> str:
        """A figure element: caption, the drawing for wide and for narrow pages, the numbers to open below."""
        return self._figure_html("".join(self._drawings()))

    def _drawings(self) -> tuple[str, str]:
        from kinerja.show.charts.canvas import NARROW, WIDE

        return self.svg(width=WIDE, css_class="kj-chart-wide"), self.svg(width=NARROW, css_class="kj-chart-narrow")

    def _figure_html(self, drawings: str) -> str:
        note = f'<span class="kj-small">{escape(self.note)}</span>' if self.note else ""
        numbers = escape(wording.text("plots.numbers", self.language))
        return (
            f'<figure class="kj-figure"><figcaption>{escape(self.caption)}{note}</figcaption>{drawings}'
            f"<details><summary>{numbers}</summary>{self.table.to_html()}</details></figure>"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kinerja": "chart",
            "name": self.name,
            "caption": self.caption,
            "alt": self.alt,
            "table": self.table.to_json(),
        }

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        html = self._figure_html(drawing(*self._drawings(), alt=escape(self.alt)))
        shown = bundle(html, f"{self.caption}\n{self.alt}", self.to_json())
        return {**shown, "image/svg+xml": self.svg()}, {"image/svg+xml": {"alt": self.alt}}

    @property
    def digest(self) -> str:
        """SHA-256 of the drawing: equal data give equal drawings."""
        return hashlib.sha256(self.svg().encode("utf-8")).hexdigest()
