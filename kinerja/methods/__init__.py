"""The mathematics of kinerja, worked by hand on about ten rows and then by the package: the same numbers, or an error.

Each topic has a file of its own (`methods/<group>.py`). "By hand" means: written out from the formula, with
nothing of the package's own estimation code, so that a reader can check it on paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import numpy.typing as npt

from kinerja import wording
from kinerja.errors import ParameterError
from kinerja.show.blocks import Block, heading, prose
from kinerja.show.charts import Chart
from kinerja.show.section import Section
from kinerja.show.tables import Table

Floats = npt.NDArray[np.float64]
Shown = Block | Table | Chart

TOPICS = {
    "attainment": "scores",
    "index": "scores",
    "severity": "raters",
    "calibration": "calibration",
    "nested": "calibration",
    "alternatives": "benchmark",
    "stuffing": "screening",
    "four_fifths": "screening",
}
"""Topic -> the file that works it, in the order of the notebook."""

CLOSE = 1e-6
"""Largest difference between hand and package that counts as none: iterations end at about 1e-7."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Working:
    """What a topic's function returns: the blocks to show, and both results in the same order."""

    blocks: Iterable[Shown]
    by_hand: Floats
    by_package: Floats


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Worked(Section):
    """A worked topic: a section, and the two results that must be equal.

    by_hand, by_package : (n,) the same quantities
    """

    by_hand: Floats
    by_package: Floats

    @property
    def difference(self) -> float:
        """Largest absolute difference of the two."""
        return float(np.abs(self.by_hand - self.by_package).max())

    @property
    def agrees(self) -> bool:
        return len(self.by_hand) > 0 and self.difference <= CLOSE


def worked(topic: str, language: wording.Language = "id") -> Worked:
    """One topic of the methods notebook.

    Raises
    ------
    ParameterError : no topic has that name
    """
    if topic not in TOPICS:
        raise ParameterError(f"worked: found {topic!r}; one of {', '.join(TOPICS)} is allowed.")
    module = import_module(f"kinerja.methods.{TOPICS[topic]}")
    build: Callable[[wording.Language], Working] = getattr(module, topic)
    done = build(language)
    title = heading(f"methods.{topic}.title", language, anchor=f"method-{topic.replace('_', '-')}")
    return Worked(
        name=topic,
        language=language,
        blocks=(title, *done.blocks),
        by_hand=np.asarray(done.by_hand, dtype=np.float64),
        by_package=np.asarray(done.by_package, dtype=np.float64),
    )


def opening(name: str, language: wording.Language = "id") -> Block:
    """The first paragraph of a notebook: what it is for."""
    return prose(f"{name}.lead", language=language, lead=True)
