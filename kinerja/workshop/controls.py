"""What the parts of the workshop page share: sliders with their words, pieces of text, and work done in steps."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any

import ipywidgets as widgets

from kinerja import wording

PAUSE = 0.05
"""Seconds between two steps of a computation, in which the page takes the next move of a slider."""


def say(key: str, language: wording.Language, **values: Any) -> str:
    """The sentence `workshop.<key>`."""
    return wording.text(f"workshop.{key}", language, **values)


def html(content: str = "", css_class: str = "") -> Any:
    """A piece of the page; `content` is HTML already."""
    piece = widgets.HTML(content)
    if css_class:
        piece.add_class(css_class)
    return piece


def paragraphs(*keys: str, language: wording.Language, lead: bool = False, **values: Any) -> Any:
    """A paragraph a key."""
    kind = ' class="kj-lead"' if lead else ""
    return html("".join(f"<p{kind}>{escape(say(key, language, **values))}</p>" for key in keys))


def title(key: str, language: wording.Language, *, anchor: str) -> Any:
    return html(f'<h2 id="{escape(anchor)}" tabindex="-1">{escape(say(key, language))}</h2>')


def part(anchor: str, children: list[Any]) -> Any:
    """One part of the page, as a column of its own."""
    box = widgets.VBox(children)
    box.add_class("kj-part")
    box.add_class(f"kj-part-{anchor}")
    return box


class Slider:
    """A slider under a line that names it and says its value as the language writes it.

    `box` is what the page shows; `value` the number; `on_move` is called after each change with nothing.
    """

    def __init__(
        self,
        key: str,
        language: wording.Language,
        *,
        value: float,
        low: float,
        high: float,
        step: float,
        digits: int = 0,
        **values: Any,
    ) -> None:
        self._key, self._language, self._digits, self._values = key, language, digits, values
        self._name = html(css_class="kj-slider-name")
        self._slider = widgets.FloatSlider(value=value, min=low, max=high, step=step, readout=False)
        self._slider.layout.width = "100%"
        self.box = widgets.VBox([self._name, self._slider])
        self.box.add_class("kj-slider")
        self._slider.observe(lambda change: self._show(), "value")
        self._show()

    @property
    def value(self) -> float:
        return _exact(self._slider.value)

    @value.setter
    def value(self, value: float) -> None:
        self._slider.value = value

    def on_move(self, action: Callable[[], None]) -> None:
        def moved(change: Any) -> None:
            # A browser that draws the slider sends its value back with binary noise: that is no move.
            if _exact(change["new"]) != _exact(change["old"]):
                action()

        self._slider.observe(moved, "value")

    def _show(self) -> None:
        name = escape(say(self._key, self._language, **self._values))
        shown = wording.number(self.value, self._digits, self._language)
        self._name.value = f"<span>{name}</span> <output>{shown}</output>"


def _exact(value: float) -> float:
    """The value without binary noise: steps of sliders have few decimals."""
    return round(float(value), 6)


def columns(*children: Any) -> Any:
    """Children side by side, below each other where there is no room."""
    box = widgets.Box(list(children))
    box.add_class("kj-columns")
    return box


class Steps:
    """Runs the latest computation step by step, so that a newer move of a slider ends the older one's.

    `busy` is told before and after: True, False. Without a running event loop (a script, a test) all steps run at once.
    """

    def __init__(self, busy: Callable[[bool], None] = lambda on: None) -> None:
        self._busy = busy
        self._number = 0
        self._task: asyncio.Task[None] | None = None

    def run(self, steps: Iterator[Any]) -> None:
        self._number += 1
        self._busy(True)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            for _ in steps:
                pass
            self._busy(False)
            return
        self._task = loop.create_task(self._go(steps, self._number))

    async def _go(self, steps: Iterator[Any], number: int) -> None:
        await asyncio.sleep(PAUSE)
        while number == self._number:
            if next(steps, steps) is steps:
                self._busy(False)
                return
            await asyncio.sleep(PAUSE)


def every(seconds: float, action: Callable[[], Any]) -> asyncio.Task[None] | None:
    """Call `action` again and again while the page is open; None where no event loop runs."""

    async def go() -> None:
        while True:
            await asyncio.sleep(seconds)
            action()

    with contextlib.suppress(RuntimeError):
        return asyncio.get_running_loop().create_task(go())
    return None


def facts(pairs: Mapping[str, str]) -> str:
    """Key figures in one row, as the report has them."""
    from kinerja.show.blocks import facts as block

    return block(list(pairs.items())).html
