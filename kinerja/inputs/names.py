"""The full names that a run's files give: what the last look at every output searches for. They are never kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinerja.inputs.door import names_in
from kinerja.inputs.problems import Ledger
from kinerja.inputs.tables import read_table
from kinerja.parameters import Period, Source
from kinerja.privacy import Known

if TYPE_CHECKING:
    from kinerja.parameters import Parameters

WITH_NAMES = ("staff", "ratings", "indicators")
"""Kinds of files that may name people; those of citizens name nobody by a column."""

LARGEST = 64 * 1024**2
"""Bytes of a file that is read again for its names alone."""


def known_of(parameters: Parameters) -> Known:
    """Names of the people in the files as they are now, and the office's own contacts; a file that is gone names
    nobody.
    """
    located, names = parameters.located_sources, set[str]()
    for kind in WITH_NAMES:
        for source in getattr(located, kind):
            names |= _names_of(kind, source, parameters.period)
    office, objection = parameters.office, parameters.objection
    own = tuple(text for text in (office.name, office.place, office.head, objection.to) if text)
    return Known(names=tuple(sorted(names)), own=own)


_READ: dict[tuple[object, ...], frozenset[str]] = {}
"""What was read already: two hundred reports of one run look for the same names."""


def _names_of(kind: str, source: Source, period: Period) -> frozenset[str]:
    stamp = _stamp(source)
    if stamp is None:
        return frozenset()
    key = (kind, source.model_dump_json(), stamp)
    if key not in _READ:
        _READ[key] = _read_names(kind, source, period)
    return _READ[key]


def _stamp(source: Source) -> tuple[int, int] | None:
    """When the file was written and how long it is; None where it is gone or not read for names alone."""
    if source.url is not None:
        return (0, 0)
    try:
        found = source.path.stat()
    except OSError:
        return None
    return None if found.st_size > LARGEST else (found.st_mtime_ns, found.st_size)


def _read_names(kind: str, source: Source, period: Period) -> frozenset[str]:
    table = read_table(kind, source, source.path.name, period, (), Ledger())
    if table is None:
        return frozenset()
    frame = table.frame
    # A column taken for names may hold units or teams: what the file uses as a unit is not a person.
    places = {str(v) for c in ("unit", "team", "position") if c in frame for v in frame[c].dropna().unique()}
    return frozenset(names_in({kind: frame})) - places
