"""What a report consists of: the sections by name, where each is built and what of an evaluation it is given.

A new section is an `Entry` here, or from outside the package an entry point of the group `kinerja.sections` whose value
is an `Entry`. Its title and its other words come from the words.csv of the package that adds it (see `wording.GROUP`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.errors import ParameterError
from kinerja.registry import added
from kinerja.show.blocks import Block, heading
from kinerja.show.section import Section
from kinerja.show.tables import Table

if TYPE_CHECKING:
    from kinerja.evaluation import Evaluation
    from kinerja.show.charts import Chart

GROUP = "kinerja.sections"
"""Entry points of this group add sections from other packages."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One section of the contents.

    Fields
    ------
    name : of the section, of the function that builds it, and of its title `section.<name>.title`
    module : where the function is; it takes what `given` returns and the language, and yields blocks
    given : the parts of an evaluation that the section shows: a concept's result, never the whole, except for those
        sections of the report's own (`report.parts`) that look over all of it
    deeper : a section of the notebooks that look closer at one part, not of the period report
    """

    name: str
    module: str
    given: Callable[[Evaluation], tuple[Any, ...]]
    deeper: bool = False


def _whole(evaluation: Evaluation) -> tuple[Any, ...]:
    return (evaluation,)


def _calibrations(evaluation: Evaluation) -> tuple[Any, ...]:
    return evaluation.calibration, evaluation.calibration_own


CONTENTS = (
    Entry(name="overview", module="kinerja.report.parts.overview", given=_whole),
    Entry(name="data", module="kinerja.inputs.section", given=lambda e: (e.inputs, e.parameters.period.id)),
    Entry(name="attainment", module="kinerja.scoring.section", given=lambda e: (e.scores,)),
    Entry(name="citizens", module="kinerja.citizens.section", given=lambda e: (e.citizens,)),
    Entry(name="ratings", module="kinerja.report.parts.ratings", given=_whole),
    Entry(name="raters", module="kinerja.raters.section", given=lambda e: (e.rater_fit,)),
    Entry(name="calibration", module="kinerja.calibration.section", given=_calibrations),
    Entry(name="fairness", module="kinerja.fairness.section", given=lambda e: (e.fairness,)),
    Entry(name="decisions", module="kinerja.moderation.section", given=lambda e: (e.moderation,)),
    Entry(name="annex", module="kinerja.report.parts.annex", given=_whole),
    Entry(name="calibration_depth", module="kinerja.calibration.section_depth", given=_calibrations, deeper=True),
    Entry(name="raters_depth", module="kinerja.report.parts.raters_depth", given=_whole, deeper=True),
    Entry(name="quality", module="kinerja.report.parts.quality", given=_whole, deeper=True),
)
"""The package's own sections, in the order in which the period report shows them."""

NAMES = tuple(entry.name for entry in CONTENTS if not entry.deeper)
"""The sections of the period report, in the order in which they stand."""

DEEPER = tuple(entry.name for entry in CONTENTS if entry.deeper)
"""Sections of the notebooks that look closer at one part."""


@cache
def contents() -> Mapping[str, Entry]:
    """Name -> entry, the package's own first, then those that other packages add.

    Raises
    ------
    ParameterError : an entry point gives something else than an `Entry`, or a name that is taken
    """
    outside = added(GROUP, Entry, [entry.name for entry in CONTENTS])
    return {entry.name: entry for entry in (*CONTENTS, *outside)}


def section(name: str, evaluation: Evaluation, language: wording.Language | None = None) -> Section:
    """The section `name` on an evaluation, in its language or another.

    Raises
    ------
    ParameterError : no section has that name
    """
    known = contents()
    if name not in known:
        raise ParameterError(f"section: found {name!r}; one of {', '.join(known)} is allowed.")
    entry = known[name]
    spoken = language or evaluation.parameters.language
    build: Callable[..., Iterable[Block | Table | Chart | None]] = getattr(import_module(entry.module), name)
    title = heading(f"section.{name}.title", spoken, anchor=name)
    built = build(*entry.given(evaluation), spoken)
    return Section(name=name, language=spoken, blocks=(title, *(block for block in built if block is not None)))
