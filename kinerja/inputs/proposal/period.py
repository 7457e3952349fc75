"""Which period files speak of: from their names, their sheets, their period columns or their dates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from kinerja.inputs.headers import vocabulary
from kinerja.inputs.values import period_of, period_span, to_dates
from kinerja.parameters import Period, PeriodKind

_YEAR = r"(?<!\d)(20\d\d|19[89]\d)(?!\d)"
_QUARTER = re.compile(r"\b(?:triwulan|trwln|tw|kuartal|quarter|q|trimester)[ ]*(iv|iii|ii|i|[1-4])\b")
_SEMESTER = re.compile(r"\b(?:semester|smt|sem|s|half|h)[ ]*(ii|i|[12])\b")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}

ENOUGH = 0.1
"""Share of a table's rows that its last period must hold to be the evaluated one: a stray date decides nothing."""


def period_in(text: object) -> str | None:
    """The period named in a text (`Rekap TW III 2026`, `2026-07`, `Semester 1 Tahun 2026`); None without a year."""
    words = re.sub(r"[^0-9a-z]+", " ", str(text).casefold())
    words = re.sub(r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)", " ", f" {words} ")
    found = re.search(_YEAR, words)
    if not found:
        return None
    year, rest = found[1], words[: found.start()] + " " + words[found.end() :]
    if part := _QUARTER.search(rest):
        return f"{year}-Q{_ROMAN.get(part[1]) or int(part[1])}"
    if part := _SEMESTER.search(rest):
        return f"{year}-S{_ROMAN.get(part[1]) or int(part[1])}"
    months = vocabulary("month")
    named = next((months[word] for word in rest.split() if len(word) > 2 and word in months), None)
    after = re.match(r" (0[1-9]|1[0-2])(?!\d)", words[found.end() :])
    number = named or (after[1] if after else None)
    return f"{year}-{int(number):02d}" if number else year


def as_period(name: str) -> Period:
    """`2026-Q3` as the parameters have it."""
    year, _, part = name.partition("-")
    kind: PeriodKind = "year"
    if part:
        kind = "quarter" if part[0] == "Q" else "semester" if part[0] == "S" else "month"
    return Period(kind=kind, year=int(year), number=int(part.lstrip("QS") or 1))


def last_period(names: Iterable[str]) -> str | None:
    """The last of the periods of the kind that occurs most."""
    known = list(names)
    if not known:
        return None
    kinds = Counter(as_period(name).kind for name in known)
    most = max(kinds, key=lambda kind: (kinds[kind], kind))
    return max((name for name in known if as_period(name).kind == most), key=lambda name: period_span(name))


def periods_of_column(column: pd.Series) -> list[str]:
    """The periods that a period column names with their year."""
    found = (period_in(f"{value:%Y-%m}" if hasattr(value, "strftime") else value) for value in pd.unique(column))
    return [name for name in found if name]


def period_of_dates(column: pd.Series) -> str | None:
    """The last quarter that holds a fair share of the dates."""
    days = to_dates(column, True).values.dropna()
    if days.empty:
        return None
    quarters = pd.Series([period_of(day.date(), "quarter") for day in days])
    shares = quarters.value_counts(normalize=True)
    return str(max(shares.index[shares >= ENOUGH], default=quarters.max()))
