"""Words, numbers and dates of a language: `words.csv` of every folder (labels with their glossary, sentences).

Results carry codes and numbers; only here do they become words. Indonesian (`id`) is the default, the other is
English (`en`).
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from kinerja.errors import KinerjaError, Problem

if TYPE_CHECKING:
    import pandas as pd

_Refusal = TypeVar("_Refusal", bound=KinerjaError)

Language = Literal["id", "en"]
LANGUAGES: tuple[Language, ...] = ("id", "en")
MISSING = "–"
"""What a table shows where there is no value."""

GROUP = "kinerja.words"
"""Entry points of this group name other packages, each with a words.csv of its own beside its `__init__.py`."""

QUOTING = frozenset({"yaml_syntax", "unreadable", "cannot_write", "notebook_unreadable", "notebook_cell"})
"""Problems whose `found` is what another program said."""

PROBLEM_COLUMNS = ("file", "row", "column", "value", "rule", "allowed", "way_out")


def label(key: str, language: Language = "id") -> str:
    """The short label of a column, a category or a term.

    Raises
    ------
    KeyError : no words.csv has the label
    """
    return rows("label")[key][language]


def definition(key: str, language: Language = "id") -> str:
    """What the term means, in a sentence; empty where the glossary has none."""
    return rows("label")[key][f"definition_{language}"]


def has_label(key: str) -> bool:
    return key in rows("label")


def text(key: str, language: Language = "id", **values: Any) -> str:
    """The sentence `key`, its placeholders filled and formatted as the language writes numbers.

    Placeholders: `{n}` integers with grouping, floats with up to two decimals; `{x:.1f}` fixed; `{p:.0%}` a share;
    `{c:level}` a level of confidence, unrounded; `{d:date}` a long date; strings as they are.

    Raises
    ------
    KeyError : no words.csv has the sentence, or a placeholder has no value
    """
    sentence = rows("sentence")[key][language]
    return _Formatter(language).vformat(sentence, (), values)


def finding_sentence(code: str, data: Mapping[str, Any], language: Language = "id") -> str:
    """The sentence of a finding; a value that is a code (`attribute: gender`) is shown by its label."""
    worded = {
        key: label(f"{key}.{value}", language) if isinstance(value, str) and has_label(f"{key}.{value}") else value
        for key, value in data.items()
    }
    return text(f"finding.{code}", language, **worded)


def has_text(key: str) -> bool:
    return key in rows("sentence")


def said(sentence: str, language: Language = "id") -> str:
    """What another program said in English (typer, YAML, the system), in the language; unknown sentences as they are.

    Known are the texts `said.*`: their English is the program's own wording, placeholders stand for any words, which
    may be a known sentence again.
    """
    if language == "en":
        return sentence
    for pattern, key in _sayings():
        if found := pattern.fullmatch(sentence):
            return text(key, language, **{name: said(words, language) for name, words in found.groupdict().items()})
    return sentence


def number(value: float | int | None, digits: int | None = None, language: Language = "id") -> str:
    """A number as the language writes it: 12.345,6 (id), 12,345.6 (en); half is rounded up, as the rules count.

    digits : decimals shown; None shows an integer as such and a float with two.
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if digits is None:
        digits = 0 if float(value).is_integer() and not isinstance(value, float) else 2
    rounded = Decimal(repr(float(value)) if not isinstance(value, int) else value).quantize(
        Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP
    )
    shown = f"{rounded:,.{digits}f}"
    if rounded == 0:
        shown = shown.lstrip("-")
    shown = shown.replace("-", "−")
    return shown if language == "en" else shown.translate(str.maketrans(",.", ".,"))


def percent(share: float | None, digits: int = 0, language: Language = "id") -> str:
    """A share (0.938) as a percentage: `93,8 %` (id), `93.8%` (en)."""
    if share is None or not math.isfinite(share):
        return MISSING
    return number(share * 100, digits, language) + ("%" if language == "en" else " %")


def level(share: float, language: Language = "id") -> str:
    """A level of confidence (0.95, 0.975) as it is said: `95 %`, `97,5 %` (id); with all its digits, since 99.9 % is
    not 100 %."""
    exact = (Decimal(repr(round(float(share), 9))) * 100).normalize()
    return percent(share, max(-int(exact.as_tuple().exponent), 0), language)


def long_date(day: date, language: Language = "id") -> str:
    """`30 September 2026` in both languages, month names translated."""
    from babel.dates import format_date

    return str(format_date(day, "d MMMM y", locale=language))


def problem_table(problems: Iterable[Problem], language: Language = "id") -> pd.DataFrame:
    """One row a problem: file, row, column, value, rule (the code), what is allowed, the way out."""
    import pandas as pd

    rows = [
        (
            p.where,
            "" if p.row is None else p.row,
            p.column or "",
            _found(p, language),
            p.code,
            text(f"problem.{p.code}.allowed", language, **p.data),
            text(f"problem.{p.code}.way_out", language, **p.data),
        )
        for p in problems
    ]
    return pd.DataFrame(rows, columns=list(PROBLEM_COLUMNS))


def problem_sentence(problem: Problem, language: Language = "en") -> str:
    """Where, found, allowed, way out, in one line."""
    place = problem.where
    if problem.row is not None:
        place += f", {text('problem.row', language)} {problem.row}"
    if problem.column:
        place += f", {problem.column}"
    shown = _found(problem, language)
    found = f" {text('problem.found', language, found=shown)};" if shown else ""
    allowed = text(f"problem.{problem.code}.allowed", language, **problem.data)
    way_out = text(f"problem.{problem.code}.way_out", language, **problem.data)
    return f"{place}:{found} {allowed} {way_out}"


def _found(problem: Problem, language: Language) -> str:
    return said(problem.found, language) if problem.code in QUOTING else problem.found


def problem_message(problems: Sequence[Problem], language: Language | None = None) -> str:
    """The message of an error: the first problem as a sentence, and how many more there are.

    language : None takes KINERJA_LANGUAGE, which a run sets for the notebooks it makes, else English
    """
    wanted = language or os.environ.get("KINERJA_LANGUAGE", "")
    spoken: Language = wanted if wanted in LANGUAGES else "en"
    first = problem_sentence(problems[0], spoken)
    more = len(problems) - 1
    return first if not more else f"{first} {text('problem.more', spoken, n=more)}"


def error_message(error: KinerjaError, language: Language) -> str:
    """The message of an error in a language; English where it carries no problem."""
    return problem_message(error.problems, language) if error.problems else error.message


def refusal(
    kind: type[_Refusal], code: str, *, where: str, column: str | None = None, found: object = "", **data: Any
) -> _Refusal:
    """The error that one problem makes; the arguments are the fields of `Problem`, `data` fills its sentences."""
    problem = Problem(where=where, column=column, found=str(found), code=code, data=data)
    return kind(problem_message([problem]), [problem])


class _Formatter(string.Formatter):
    """str.format with the language's numbers; a placeholder without a value is an error, never an empty space."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, (date, datetime)):
            return long_date(value, self.language)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            if hasattr(value, "item"):
                return self.format_field(value.item(), format_spec)
            return str(value)
        if format_spec == "level":
            return level(value, self.language)
        if format_spec.endswith("%"):
            return percent(value, _decimals(format_spec, 0) or 0, self.language)
        shown = number(value, _decimals(format_spec, None), self.language)
        return f"+{shown}" if format_spec.startswith("+") and value > 0 else shown


def _decimals(spec: str, otherwise: int | None) -> int | None:
    digits = spec.strip("+f%d").removeprefix(".")
    return int(digits) if digits else otherwise


@cache
def _sayings() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Patterns of the texts `said.*`, those with the most words of their own first."""
    keys = [key for key in rows("sentence") if key.startswith("said.")]
    found = []
    for key in keys:
        english = rows("sentence")[key]["en"]
        fields = [(literal, name) for literal, name, _, _ in string.Formatter().parse(english)]
        pattern = "".join(re.escape(literal) + (f"(?P<{name}>.+?)" if name else "") for literal, name in fields)
        found.append((sum(len(literal) for literal, _ in fields), re.compile(pattern, re.DOTALL), key))
    return tuple((pattern, key) for _, pattern, key in sorted(found, key=lambda entry: -entry[0]))


@cache
def rows(kind: str) -> Mapping[str, dict[str, str]]:
    """Key -> row of every `words.csv`, of one kind: `label` or `sentence`.

    Raises
    ------
    KeyError : a key stands in two files: nobody's words are replaced
    """
    found: dict[str, dict[str, str]] = {}
    for name, content in _files():
        for row in csv.DictReader(io.StringIO(content, newline="")):
            if row["kind"] != kind:
                continue
            if row["key"] in found:
                raise KeyError(f"{name}: {kind} {row['key']!r} is also in another file")
            found[row["key"]] = row
    return found


def _files() -> Iterator[tuple[str, str]]:
    """(where, content) of each words.csv: of this package's folders, then of the packages that add to it."""
    root = Path(str(files("kinerja")))
    for file in sorted(root.rglob("words.csv")):
        yield file.relative_to(root).as_posix(), file.read_bytes().decode("utf-8")
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.value):
        yield f"{point.value}/words.csv", (files(point.value) / "words.csv").read_bytes().decode("utf-8")
