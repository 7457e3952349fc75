"""A section of a report: heading, sentences, tables and charts in reading order, in one language.

A concept's `section.py` makes the blocks of its section out of the concept's result; `report.contents` says which there
are. A notebook's cell shows a section block by block, so that every table and chart keeps its own data beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.results.shown import Brief
from kinerja.show.blocks import Block
from kinerja.show.output import show
from kinerja.show.tables import Table

if TYPE_CHECKING:
    from kinerja.show.charts import Chart


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
