"""A section of a report: heading, sentences, tables and charts in reading order, in one language.

Each section of the period report has a file of its own (`sections_<name>.py`) with one function of an Evaluation.
A notebook's cell shows a section block by block, so that every table and chart keeps its own data beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.errors import ParameterError
from kinerja.results.shown import Brief
from kinerja.show.blocks import Block, heading
from kinerja.show.output import show
from kinerja.show.tables import Table

if TYPE_CHECKING:
    from kinerja.evaluation import Evaluation
    from kinerja.show.charts import Chart

NAMES = (
    "overview",
    "data",
    "attainment",
    "citizens",
    "ratings",
    "raters",
    "calibration",
    "fairness",
    "decisions",
    "annex",
)
"""The sections of the period report, in the order in which they stand."""


DEEPER = ("calibration_depth", "raters_depth", "quality")
"""Sections of the notebooks that look closer at one part."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Section(Brief):
    """One section: `name` is its anchor in the report."""

    name: str
    language: wording.Language
    blocks: tuple[Block | Table | Chart, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Table))

    def _ipython_display_(self) -> None:
        show(self.blocks)


def section(name: str, evaluation: Evaluation, language: wording.Language | None = None) -> Section:
    """The section `name` (of NAMES or DEEPER) on an evaluation.

    Raises
    ------
    ParameterError : no section has that name
    """
    if name not in (*NAMES, *DEEPER):
        raise ParameterError(f"section: found {name!r}; one of {', '.join((*NAMES, *DEEPER))} is allowed.")
    module = import_module(f"kinerja.sections_{name}")
    spoken = language or evaluation.parameters.language
    build: Callable[[Evaluation, wording.Language], Iterable[Block | Table | Chart | None]] = getattr(module, name)
    title = heading(f"section.{name}.title", spoken, anchor=name)
    return Section(
        name=name,
        language=spoken,
        blocks=(title, *(block for block in build(evaluation, spoken) if block is not None)),
    )
