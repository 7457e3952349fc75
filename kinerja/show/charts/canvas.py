"""The drawing surface of every chart: one figure measured in pixels, one palette, text and marks placed by hand.

No axes object and no pyplot: a chart of a report has few marks and many words, and both must sit where a reader looks
for them at any width. `Canvas` draws; `svg` makes the bytes.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import MaxNLocator

WIDE, NARROW = 760, 344
"""Widths in pixels: beside the table of contents on a screen or on A4, and on a phone."""

SIZE = 13.0
"""Text size in pixels; smaller text is used nowhere."""

LINE_HEIGHT = SIZE * 1.2

# After Okabe and Ito, lightness moved apart so that the first four differ for every kind of colour vision, and all
# reach 3:1 on white (tests/show/test_charts.py). The style sheet has the same names for a dark page: `svg.py` writes
# each colour as its variable, with this value to fall back on.
INK, SOFT, LINE, GRID, PAPER = "#1c2126", "#515b64", "#d5dbe0", "#e4e8eb", "#ffffff"
BLUE, ORANGE, GREEN, ROSE, YELLOW, SKY, SLATE = (
    "#005a9c", "#d55e00", "#2aa583", "#8f2d6b", "#b07c00", "#3c94c9", "#56616b",
)  # fmt: skip
BLUE_SOFT, ORANGE_SOFT, NEUTRAL = "#b9d9ec", "#f4cdb0", "#9aa5ae"
SERIES = (BLUE, ORANGE, GREEN, ROSE, YELLOW, SKY, SLATE)

VARIABLES = {
    INK: "ink", SOFT: "soft", LINE: "line", GRID: "grid", PAPER: "paper",
    BLUE: "c1", ORANGE: "c2", GREEN: "c3", ROSE: "c4", YELLOW: "c5", SKY: "c6", SLATE: "c7",
    BLUE_SOFT: "c1-soft", ORANGE_SOFT: "c2-soft", NEUTRAL: "neutral",
}  # fmt: skip

_EM = 0.6
"""Mean width of a letter in ems, on the generous side of the fonts a reader may have."""


@dataclass(eq=False)
class Canvas:
    """A figure in pixels, the origin at the upper left; every method adds marks."""

    width: float
    height: float
    figure: Figure = field(init=False)

    def __post_init__(self) -> None:
        self.figure = Figure(figsize=(self.width / 72, self.height / 72), dpi=72, facecolor=PAPER)

    @property
    def narrow(self) -> bool:
        return self.width < 500

    def _add(self, artist: Any, layer: float) -> None:
        artist.set_zorder(layer)
        artist.set_transform(self.figure.transFigure)
        self.figure.add_artist(artist)

    def _x(self, values: Iterable[float]) -> list[float]:
        return [value / self.width for value in values]

    def _y(self, values: Iterable[float]) -> list[float]:
        return [1 - value / self.height for value in values]

    def line(
        self,
        x: Sequence[float],
        y: Sequence[float],
        color: str = INK,
        width: float = 1.0,
        dash: bool = False,
        layer: float = 2,
    ) -> None:
        style: Any = (0, (3, 3)) if dash else "-"
        self._add(Line2D(self._x(x), self._y(y), color=color, linewidth=width, linestyle=style), layer)

    def dots(
        self,
        x: Sequence[float],
        y: Sequence[float],
        color: str = BLUE,
        size: float = 8.5,
        hollow: bool = False,
        marker: str = "o",
    ) -> None:
        face = PAPER if hollow else color
        line = Line2D(
            self._x(x), self._y(y), linestyle="none", marker=marker, markersize=size,
            markerfacecolor=face, markeredgecolor=color if hollow else PAPER, markeredgewidth=1.6 if hollow else 0.8,
        )  # fmt: skip
        self._add(line, 4)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        color: str,
        *,
        alpha: float = 1.0,
        edge: str = "",
        layer: float = 1,
    ) -> None:
        patch = Rectangle(
            (x / self.width, 1 - (y + height) / self.height), width / self.width, height / self.height,
            facecolor=color if alpha else "none", alpha=alpha or None,
            edgecolor=edge or "none", linewidth=1.2 if edge else 0,
        )  # fmt: skip
        self._add(patch, layer)

    def area(self, x: Sequence[float], y: Sequence[float], color: str, alpha: float = 0.18) -> None:
        corners = list(zip(self._x(x), self._y(y), strict=True))
        self._add(Polygon(corners, closed=True, facecolor=color, edgecolor="none", alpha=alpha), 1)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        color: str = INK,
        *,
        align: str = "left",
        bold: bool = False,
        vertical: str = "center",
    ) -> None:
        """Words at a point; `vertical` is where the point lies on them (center, top, bottom).

        Each line is a text of its own: its anchor then holds in whatever font a reader has.
        """
        lines = words.split("\n")
        first = {"center": -(len(lines) - 1) / 2, "top": 0.0, "bottom": 1.0 - len(lines)}[vertical]
        for k, line in enumerate(lines):
            self.figure.text(
                x / self.width,
                1 - (y + (first + k) * LINE_HEIGHT) / self.height,
                line,
                color=color,
                fontsize=SIZE,
                ha=align,
                va=vertical,
                fontweight="bold" if bold else "normal",
                parse_math=False,
                zorder=5,
            )


def text_width(words: str) -> float:
    """Pixels a text will need at most in the fonts of the style sheet."""
    return max((len(line) for line in words.split("\n")), default=0) * SIZE * _EM


def wrapped(words: str, width: float) -> str:
    """The text broken into lines no wider than `width` pixels."""
    letters = max(int(width / (SIZE * _EM)), 6)
    return "\n".join(textwrap.wrap(words, letters, break_long_words=False)) or words


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Data to pixels along one direction, with round ticks."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def scale(values: Iterable[float], start: float, end: float, *, count: int = 5, include: Iterable[float] = ()) -> Scale:
    """A scale over the finite values and those to include, ending at round ticks.

    count : about how many steps between ticks
    """
    found = [v for v in (*values, *include) if v is not None and math.isfinite(v)] or [0.0, 1.0]
    low, high = min(found), max(found)
    if high - low <= 1e-9 * max(abs(low), abs(high), 1.0):
        low, high = low - 0.5, high + 0.5
    ticks = [round(float(t), 12) for t in MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
    return Scale(low=min(ticks), high=max(ticks), start=start, end=end, ticks=tuple(ticks))


def decimals(ticks: Sequence[float]) -> int:
    """Decimals needed to tell the ticks apart."""
    return next((d for d in range(6) if all(abs(round(t, d) - t) < 1e-9 for t in ticks)), 6)


Painter = Callable[[float], Canvas]
"""Draws a chart at a width in pixels."""
