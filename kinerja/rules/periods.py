"""Period ids as dates: 2026-Q3, 2026-07, 2026-S1, 2026. The day of a period decides which rules count for it."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

_FORM = re.compile(r"(?P<year>\d{4})(?:-(?:(?P<kind>[QS])(?P<part>\d)|(?P<month>\d{2})))?")
_MONTHS = {"Q": 3, "S": 6}


def period_months(period: str) -> int | None:
    """Length in months; None where the id is of no known form."""
    found = _FORM.fullmatch(period)
    if not found:
        return None
    if found["kind"]:
        return _MONTHS[found["kind"]]
    return 1 if found["month"] else 12


def period_end(period: str) -> date | None:
    """The last day; None where the id is of no known form."""
    found, length = _FORM.fullmatch(period), period_months(period)
    if not found or length is None:
        return None
    month = int(found["part"]) * length if found["kind"] else int(found["month"] or 12)
    year = int(found["year"])
    return date(year, month, monthrange(year, month)[1]) if 1 <= month <= 12 and year >= 1 else None
