"""Bytes on disk -> plain tables of cells: CSV, XLSX and Parquet, told apart by their content, never by their name.

A format is a class in a file of its own (`table.Format` says what it has) and one line of FORMATS; from outside the
package, an entry point of the group `kinerja.formats` whose value is such an object. Reading is bounded: what a file
claims to hold (columns, unpacked size) is looked at before it is believed.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path

from kinerja.inputs.formats.csv import Csv
from kinerja.inputs.formats.other import NOT_TABLES, kind_of_other
from kinerja.inputs.formats.parquet import Parquet
from kinerja.inputs.formats.table import Format, Opened, Refuse
from kinerja.inputs.formats.xlsx import Xlsx
from kinerja.parameters import Source
from kinerja.registry import added

GROUP = "kinerja.formats"
"""Entry points of this group add formats from other packages."""

MAXIMUM_BYTES = 2 * 1024**3
"""Largest text file read into memory; larger tables belong into Parquet or a database."""

HEAD = 1 << 20
"""Bytes by which a format is known."""

FORMATS: tuple[Format, ...] = (Xlsx(), Parquet(), Csv())
"""The package's own, in the order in which they are asked; the last takes any text, so other packages' stand before."""


@cache
def formats() -> tuple[Format, ...]:
    """Every format, in the order in which they are asked.

    Raises
    ------
    ParameterError : an entry point gives something else than a format, or a name that is taken
    """
    outside = added(GROUP, Format, [own.name for own in FORMATS])
    return (*FORMATS[:-1], *outside, FORMATS[-1])


def open_file(source: Source, refuse: Refuse) -> Opened | None:
    """Every table of the file; None where it cannot be read at all (the reason went to `refuse`)."""
    if source.url is not None:
        from kinerja.inputs.formats.sql import open_database

        return open_database(source, refuse)
    path = source.path
    content = _bytes(path, refuse)
    if content is None:
        return None
    if not content.strip():
        refuse("empty_file")
        return None
    head = content[:HEAD]
    known = next((each for each in formats() if each.can_read(head)), None)
    if known is None:
        refuse(NOT_TABLES[kind_of_other(head)], found=path.suffix)
        return None
    digest = hashlib.sha256(content).hexdigest()
    opened = known.read(source, content, refuse)
    if opened is None:
        return None
    usual = path.suffix.lower() in known.suffixes
    notes = () if usual else (("other_format", {"suffix": path.suffix, "kind": known.name}),)
    return replace(opened, sha256=digest, format=known.name, notes=(*notes, *opened.notes))


def _bytes(path: Path, refuse: Refuse) -> bytes | None:
    try:
        if path.is_dir():
            refuse("is_a_folder")
            return None
        if path.stat().st_size > MAXIMUM_BYTES and path.suffix.lower() not in Parquet.suffixes:
            refuse("too_big", limit=MAXIMUM_BYTES // 1024**2)
            return None
        return path.read_bytes()
    except FileNotFoundError:
        refuse("missing_file", path=str(path))
    except OSError as error:
        refuse("unreadable", found=error.strerror or "")
    return None
