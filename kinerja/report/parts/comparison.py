"""Two runs side by side, as tables: why they differ, which settings and files changed, which tables, which people."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from kinerja import wording
from kinerja.evaluation.comparison import Comparison
from kinerja.evaluation.verification import Verification
from kinerja.show.tables import Table, code, number, settled, table, words


def comparison_tables(
    found: Comparison, language: wording.Language, *, limit: int | None = 20, first: str = ""
) -> Iterator[Table]:
    """The causes always; every other table only where it has something to say.

    first : a person whose row leads the table of people; the others by the size of their change
    """
    same = {True: "same", False: "different"}
    yield table(
        found.causes.assign(same=found.causes["same"].map(same)),
        columns=[code("part"), code("same")],
        language=language,
        caption_key="comparison.causes",
        name="comparison_causes",
    )
    changed = found.tables[(found.tables[["only_a", "only_b", "changed"]] > 0).any(axis=1)]
    files = found.files[~found.files["same"]]
    parts = (
        ("parameters", found.parameters, [words("key"), words("a"), words("b")]),
        ("files", files.assign(same=files["same"].map(same)), [words("file"), words("sheet"), code("same")]),
        (
            "tables",
            changed,
            [words("table"), *(number(c, 0) for c in ("only_a", "only_b", "changed")), number("largest", 4)],
        ),
        ("persons", _ranked(found.persons, first), PERSONS),
        (
            "changes",
            _in_words(found.changes, language),
            [words("table"), words("key"), code("column"), words("a"), words("b")],
        ),
    )
    for name, frame, columns in parts:
        if len(frame):
            yield table(
                frame,
                columns=columns,
                language=language,
                caption_key=f"comparison.{name}",
                name=f"comparison_{name}",
                limit=limit,
            )


def verification_tables(found: Verification, language: wording.Language, *, limit: int | None = 20) -> Iterator[Table]:
    """The comparison's tables, then the files and settings changed since the run."""
    yield from comparison_tables(found.comparison, language, limit=limit)
    touched = found.outputs[found.outputs["state"] != "same"]
    parts = (
        ("outputs", touched, [words("file"), code("state")]),
        ("edits", found.settings, [words("key"), words("a"), words("b")]),
    )
    for name, frame, columns in parts:
        if len(frame):
            yield table(
                frame,
                columns=columns,
                language=language,
                caption_key=f"comparison.{name}",
                name=f"comparison_{name}",
                limit=limit,
            )


def _in_words(changes: pd.DataFrame, language: wording.Language) -> pd.DataFrame:
    """Keys and values with the words of categories (`supervisor`, `above`); ids and figures stay as they are."""
    columns = [name for name in ("key", "a", "b") if name in changes]
    return changes.assign(**{name: changes[name].map(lambda value: _worded(value, language)) for name in columns})


def _worded(value: object, language: wording.Language) -> object:
    return " / ".join(_category(part, language) for part in value.split(" / ")) if isinstance(value, str) else value


def _category(part: str, language: wording.Language) -> str:
    keys = (f"{group}.{part}" for group in ("role", "work", "level", "kind"))
    known = next((key for key in (*keys, part) if wording.has_label(key)), None)
    return wording.label(known, language) if known and re.fullmatch("[a-z_]{3,}", part) else part


def _ranked(persons: pd.DataFrame, first: str) -> pd.DataFrame:
    keyed = persons.assign(own=persons["ratee"] != first, size=-persons["change"].abs())
    return keyed.sort_values(["own", "size", "ratee"], key=settled, ignore_index=True).drop(columns=["own", "size"])


PERSONS = [
    words("ratee"),
    number("points_a", 1),
    number("points_b", 1),
    number("calibrated_a", 1),
    number("calibrated_b", 1),
    number("change", 1, signed=True),
    code("predikat_a"),
    code("predikat_b"),
]
