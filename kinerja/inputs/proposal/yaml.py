"""A proposal -> the commented parameters file: what was placed, how sure, and what a person should look at."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from kinerja import wording
from kinerja.inputs.columns import KINDS
from kinerja.inputs.proposal import Placed, Proposal, ProposedTable
from kinerja.inputs.proposal.period import as_period
from kinerja.places import project_of
from kinerja.wording import Language

LOOK_AGAIN = 0.8
"""Columns less sure than this are marked in the file."""


def parameters_text(
    proposal: Proposal, target: Path, *, office: str, key_file: Path | None = None, language: Language = "id"
) -> str:
    """The parameters file as text, its comments in the language; paths are written relative to the file's project.

    target : where the file will be written; office : its name in the report; key_file : of the pseudonyms
    """
    period = as_period(proposal.period)
    home = project_of(target)
    lines = [f"# {_say('title', language, office=_line(office))}", f"# {_say('how', language)}", ""]
    lines += ["office:", f"  name: {_quoted(office)}", ""]
    lines += [f"period:   # {_say(f'period_from.{proposal.period_from}', language)}"]
    lines += [f"  kind: {period.kind}   # month | quarter | semester | year", f"  year: {period.year}"]
    lines += [] if period.kind == "year" else [f"  number: {period.number}"]
    lines += ["", f"language: {language}   # id | en", "", "sources:"]
    for kind in KINDS:
        tables = [table for table in proposal.tables if table.kind == kind]
        if tables:
            lines.append(f"  {kind}:")
            lines += [line for table in tables for line in _source(table, home, language)]
    lines += [""]
    if proposal.scale is not None:
        low, high = (f"{end:g}" for end in proposal.scale)
        lines += ["scoring:", f"  scale: [{low}, {high}]   # {_say('scale', language)}", ""]
    if proposal.attributes:
        lines += [
            "feedback:",
            f"  attributes: [{', '.join(proposal.attributes)}]   # {_say('attributes', language)}",
            "",
        ]
    if proposal.groups:
        lines += [f"groups: [{', '.join(proposal.groups)}]   # {_say('groups', language)}", ""]
    lines += ["privacy:", f"  minimum_cell: 5   # {_say('minimum_cell', language)}"]
    if key_file is not None:
        lines.append(f"  key_file: {_quoted(key_file.as_posix())}   # {_say('key_file', language)}")
    lines += ["", "output: {folder: outputs}", ""]
    for file, sheet, titles in proposal.left:
        place = _line(f"{file} [{sheet}]" if sheet else file)
        lines.append(f"# {_say('left', language, file=place, titles=_line(titles))}")
    return "\n".join(lines).rstrip() + "\n"


def _source(table: ProposedTable, home: Path, language: Language) -> list[str]:
    path = Path(os.path.relpath(table.path.resolve(), home)).as_posix()
    sure = wording.percent(table.confidence, 0, language)
    lines = [f"    - path: {_quoted(path)}   # {_say('sure', language, sure=sure, rows=table.rows)}"]
    if table.sheet:
        lines.append(f"      sheet: {_quoted(table.sheet)}")
    if table.wide:
        lines.append(f"      layout: wide   # {_say('wide', language)}")
    lines += _mapping("columns", {p.canonical: p.header for p in table.columns}, _marks(table.columns, language))
    lines += _mapping("items", table.items)
    lines += _mapping("constants", table.constants)
    if table.values:
        lines.append("      values:")
        for column, words in table.values.items():
            lines += [
                f"        {column}:",
                *(f"          {_quoted(word)}: {_quoted(to)}" for word, to in words.items()),
            ]
    if table.unplaced:
        lines.append(f"      # {_say('unplaced', language, columns=_line(', '.join(table.unplaced)))}")
    return lines


def _mapping(name: str, given: Mapping[str, str], marks: Mapping[str, str] | None = None) -> list[str]:
    if not given:
        return []
    return [
        f"      {name}:",
        *(f"        {_key(key)}: {_quoted(value)}{(marks or {}).get(key, '')}" for key, value in given.items()),
    ]


def _marks(columns: Sequence[Placed], language: Language) -> dict[str, str]:
    return {
        p.canonical: f"   # {_say(f'evidence.{p.evidence}', language, sure=wording.percent(p.confidence, 0, language))}"
        for p in columns
        if p.confidence < LOOK_AGAIN
    }


def _key(text: str) -> str:
    return text if text.isidentifier() and text.isascii() else _quoted(text)


def _quoted(text: str) -> str:
    """Text that YAML reads as exactly this text, whatever it holds: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f").replace("\x85", "\\x85")


def _line(text: str) -> str:
    """Text from a file for a comment: one line, nothing that could end the comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]


def _say(key: str, language: Language, **values: object) -> str:
    return wording.text(f"init.{key}", language, **values)
