"""Cells as people write them -> numbers, dates, periods, categories; what cannot be read gets a code, never a guess.

Each function works on the distinct values of a column: a million cells with a hundred dates cost a hundred readings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from kinerja.inputs.columns import POLARITIES, ROLES
from kinerja.inputs.headers import is_blank, plain, vocabulary
from kinerja.parameters import Period, PeriodKind

Decimal = Literal[",", "."]

EARLIEST_YEAR, LATEST_YEAR = 1979, 2100


@dataclass(frozen=True, eq=False, kw_only=True)
class Converted:
    """One column, read.

    Fields
    ------
    values : (n,) what the cells mean; NaN, NaT or None where empty or unreadable
    bad : (n,) code of the problem of each cell, empty where there is none
    """

    values: pd.Series
    bad: np.ndarray


class Unreadable(ValueError):
    """A cell that cannot be read as what its column holds; its text is the problem's code."""


def distinct(column: pd.Series, read: Callable[[Any], Any], dtype: str | None = None) -> Converted:
    """Apply `read` to each distinct value; blank cells become missing."""
    codes, uniques = pd.factorize(column)
    means: list[Any] = []
    why: list[str] = []
    for value in uniques:
        code, meaning = "", None
        if not missing(value):
            try:
                meaning = read(value)
            except Unreadable as problem:
                code = str(problem)
        means.append(meaning)
        why.append(code)
    means.append(None)
    why.append("")
    if dtype == "float64":
        table = pd.Series([np.nan if m is None else m for m in means], dtype="float64")
    elif dtype == "datetime64[ns]":
        table = pd.Series(pd.to_datetime(pd.Series(means, dtype=object), errors="coerce")).astype("datetime64[ns]")
    else:
        table = pd.Series(means) if any(m is not None for m in means) else pd.Series(means, dtype=object)
    values = table.take(np.where(codes < 0, len(means) - 1, codes)).set_axis(column.index)
    return Converted(values=values, bad=np.array(why, dtype=object)[np.where(codes < 0, len(why) - 1, codes)])


def missing(value: object) -> bool:
    """Empty, or one of the words and signs that people write for "nothing here"."""
    if value is None or value != value or value is pd.NaT:
        return True
    if not isinstance(value, str):
        return False
    text = value.strip("\u200b\ufeff \t\r\n\xa0'")
    return not text or text.casefold() in _missing_words()


def _missing_words() -> Mapping[str, str]:
    return vocabulary("missing")


# --- numbers ---------------------------------------------------------------------------------------------------

_PLAIN = re.compile(r"[-+]?\d+")
_DOTS = re.compile(r"[-+]?\d{1,3}(?:\.\d{3})+")
_COMMAS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+")
_ERROR_CELLS = ("#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#N/A")


def to_numbers(column: pd.Series, decimal: Decimal | None, delimiter: str = "") -> Converted:
    """Numbers written `1234,5`, `1.234,5`, `1,234.5`, `95 %`, `Rp 1.000`; decimal None looks at the whole column first.

    A per-cent sign is taken off (`95 %` is 95). `1.234` alone could be 1234 or 1,234: it is a problem unless the
    rest of the column, or a semicolon between the cells, tells which.
    """
    if column.dtype.kind in "ifu":
        values = column.astype("float64")
        bad = np.where(np.isinf(values.to_numpy()), "not_a_number", "").astype(object)
        return Converted(values=values.where(bad == "", np.nan), bad=bad)
    texts = [_bare(value) for value in pd.unique(column) if isinstance(value, str) and not missing(value)]
    found = decimal or decimal_of(texts, delimiter)
    return distinct(column, partial(_number, decimal=found), "float64")


def decimal_of(texts: Sequence[str], delimiter: str = "") -> Decimal | None:
    """The decimal sign that a column's texts prove; None where they prove nothing."""
    comma = any(re.fullmatch(r"[-+]?(?:\d+|\d{1,3}(?:\.\d{3})+),(?:\d{1,2}|\d{4,})", t) for t in texts)
    comma = comma or any(
        re.fullmatch(r"[-+]?(?:0,\d+|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,})", t) for t in texts
    )
    dot = any(re.fullmatch(r"[-+]?(?:\d+|\d{1,3}(?:,\d{3})+)\.(?:\d{1,2}|\d{4,})", t) for t in texts)
    dot = dot or any(re.fullmatch(r"[-+]?(?:0\.\d+|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,})", t) for t in texts)
    if comma != dot:
        return "," if comma else "."
    if not comma and delimiter == ";":
        return ","
    return None


def _bare(text: str) -> str:
    text = text.replace("\u2212", "-").replace("\u2013", "-").strip("\u200b\ufeff \t\r\n\xa0'")
    text = re.sub(r"^(?:rp|idr)\.?\s*", "", text, flags=re.IGNORECASE)
    text = text.removesuffix("%").removesuffix("persen").strip("\xa0 ")
    spaced = re.fullmatch(r"([-+]?\d{1,3}(?:[ \xa0\u202f]\d{3})+)([.,]\d+)?", text)
    return re.sub(r"\s", "", spaced[1]) + (spaced[2] or "") if spaced else text


def _number(value: Any, decimal: Decimal | None) -> float:
    if isinstance(value, bool):
        raise Unreadable("not_a_number")
    if isinstance(value, (int, float, np.integer, np.floating)):
        if not np.isfinite(float(value)):
            raise Unreadable("not_a_number")
        return float(value)
    if isinstance(value, (datetime, date)):
        raise Unreadable("date_in_number")
    text = str(value).strip()
    if text.upper() in _ERROR_CELLS:
        raise Unreadable("cell_error")
    if text.startswith("="):
        raise Unreadable("formula_no_value")
    text = _bare(text)
    if _PLAIN.fullmatch(text):
        return float(text)
    if decimal is None and (_DOTS.fullmatch(text) or _COMMAS.fullmatch(text)):
        raise Unreadable("ambiguous_number")
    signs = [sign for sign in ((decimal,) if decimal else (",", ".")) if _written(text, sign)]
    if not signs:
        raise Unreadable("not_a_number")
    sign = signs[0]
    number = float(text.replace("." if sign == "," else ",", "").replace(",", "."))
    if not np.isfinite(number):
        raise Unreadable("not_a_number")
    return number


def _written(text: str, decimal: str) -> bool:
    """Whether the text is a number with this decimal sign (and the other one, if at all, between thousands)."""
    group = r"\." if decimal == "," else ","
    return bool(
        re.fullmatch(
            rf"[-+]?(?:\d+|\d{{1,3}}(?:{group}\d{{3}})+)?(?:{re.escape(decimal)}\d+)?(?:[eE][-+]?\d{{1,3}})?", text
        )
        and any(c.isdigit() for c in text)
    )


# --- dates and periods -----------------------------------------------------------------------------------------


def to_dates(column: pd.Series, dayfirst: bool) -> Converted:
    """Dates of spreadsheets, `2026-09-30`, `30/09/2026`, `30 September 2026 14:05`, `Senin, 30 Sept 2026`."""
    if column.dtype.kind == "M":
        values = pd.Series(column.dt.tz_localize(None) if column.dt.tz is not None else column).astype("datetime64[ns]")
        years = values.dt.year
        bad = np.where((years < EARLIEST_YEAR) | (years > LATEST_YEAR), "date_range", "").astype(object)
        return Converted(values=values.where(bad == ""), bad=bad)
    return distinct(column, partial(_date, dayfirst=dayfirst), "datetime64[ns]")


_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(.*))?")
_NUMERIC = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})(?:[T ,]+(.*))?")
_WORDS = re.compile(r"(?:[^\W\d]+,? +)?(\d{1,2})[-/ ]+([^\W\d]+)\.?,?[-/ ]+(\d{4}|\d{2})(?:[T ,]+(.*))?", re.UNICODE)
_WORDS_US = re.compile(r"([^\W\d]+)\.? +(\d{1,2}),? +(\d{4})(?:[T ,]+(.*))?", re.UNICODE)
_CLOCK = re.compile(
    r"(?:pukul |jam )?(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?"
    r"\s*(am|pm)?\s*(?:wib|wita|wit|z|utc|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)


def _date(value: Any, dayfirst: bool) -> datetime:
    if isinstance(value, datetime):
        return _in_range(value.replace(tzinfo=None))
    if isinstance(value, date):
        return _in_range(datetime(value.year, value.month, value.day))
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        return _serial(float(value))
    text = str(value).strip("\u200b\ufeff \t\r\n\xa0'")
    if re.fullmatch(r"\d{5}(?:\.\d+)?", text):
        return _serial(float(text))
    if re.fullmatch(r"(?:19|20)\d{6}", text):
        return _in_range(_day(text[:4], text[4:6], text[6:], None))
    if match := _ISO.fullmatch(text):
        return _in_range(_day(match[1], match[2], match[3], match[4]))
    if match := _NUMERIC.fullmatch(text):
        day, month = (match[1], match[2]) if dayfirst else (match[2], match[1])
        return _in_range(_day(match[3], month, day, match[4]))
    if match := _WORDS.fullmatch(text):
        return _in_range(_day(match[3], _month(match[2]), match[1], match[4]))
    if match := _WORDS_US.fullmatch(text):
        return _in_range(_day(match[3], _month(match[1]), match[2], match[4]))
    raise Unreadable("not_a_date")


def _serial(days: float) -> datetime:
    if not 28_000 <= days <= 80_000:  # 1976 to 2119, as spreadsheets count days
        raise Unreadable("not_a_date")
    return _in_range(datetime(1899, 12, 30) + pd.Timedelta(days=days).to_pytimedelta())


def _month(word: str) -> str:
    months = vocabulary("month")
    if plain(word) not in months:
        raise Unreadable("not_a_date")
    return months[plain(word)]


def _day(year: str, month: str, day: str, clock: str | None) -> datetime:
    full = int(year) + (2000 if len(year) == 2 else 0)
    hour = minute = second = 0
    if clock and clock.strip():
        match = _CLOCK.fullmatch(clock.strip())
        if match is None:
            raise Unreadable("not_a_date")
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        if match[4]:
            hour = hour % 12 + (12 if match[4].lower() == "pm" else 0)
    try:
        return datetime(full, int(month), int(day), hour, minute, second)
    except ValueError:
        raise Unreadable("no_such_day") from None


def _in_range(moment: datetime) -> datetime:
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise Unreadable("date_range")
    return moment


_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
_QUARTER = re.compile(r"(?:triwulan|trwln|tw|kuartal|quarter|q|trimester|tri)[ -]*(iv|i{1,3}|[1-4])")
_SEMESTER = re.compile(r"(?:semester|smt|sem|s|half|h)[ -]*(ii|i|[12])")


def to_periods(column: pd.Series, wanted: Period, years: pd.Series | None) -> Converted:
    """Period ids `2026-Q3`, `2026-07`, `2026-S1`, `2026`; finer ones are put into the evaluated kind of period.

    years : (n,) a year beside a column that says only `Triwulan III`; without one the evaluated year is meant
    """
    if years is None:
        return distinct(column, partial(_period, wanted=wanted, year=None))
    joined = pd.Series(
        [None if missing(p) else (p, None if pd.isna(y) else int(y)) for p, y in zip(column, years, strict=True)],
        index=column.index,
        dtype=object,
    )
    return distinct(joined, lambda pair: _period(pair[0], wanted=wanted, year=pair[1]))


def period_of(day: date, kind: PeriodKind) -> str:
    """The period of a kind that a day belongs to."""
    number = {"year": 1, "semester": (day.month + 5) // 6, "quarter": (day.month + 2) // 3, "month": day.month}[kind]
    return Period(kind=kind, year=day.year, number=number).id


def period_span(period: str) -> tuple[date, date]:
    """First and last day of a period id."""
    year, _, part = period.partition("-")
    kind: PeriodKind = "year" if not part else {"Q": "quarter", "S": "semester"}.get(part[0], "month")  # type: ignore[assignment]
    number = int(part.lstrip("QS") or 1)
    of = Period(kind=kind, year=int(year), number=number)
    return of.start, of.end


def _period(value: Any, wanted: Period, year: int | None) -> str:
    if isinstance(value, (datetime, date)):
        return period_of(value, wanted.kind)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = re.sub(r"[\s_/.,()]+", " ", str(value).casefold()).replace("-", " ").strip()
    found = re.search(r"(?<!\d)(19[789]\d|20\d\d|2100)(?!\d)", text)
    short = re.fullmatch(r"([a-z]+) (\d\d)", text)
    if found:
        whole = int(found[1])
        rest = (text[: found.start()] + " " + text[found.end() :]).replace("tahun", " ").strip()
    elif short and short[1] in vocabulary("month"):
        whole, rest = 2000 + int(short[2]), short[1]
    else:
        whole, rest = year or wanted.year, text
        if not rest:
            raise Unreadable("not_a_period")
    rest = re.sub(r"\b(?:periode|tahun|ta|bulan|ke|th|period)\b", " ", rest).strip()
    return _contained(whole, " ".join(rest.split()), wanted.kind)


def _contained(year: int, rest: str, kind: PeriodKind) -> str:
    """`2026` and what stands beside it, as a period of the kind where it is a part of one."""
    if not rest:
        return str(year)
    if (match := _QUARTER.fullmatch(rest)) or (kind == "quarter" and re.fullmatch(r"iv|i{1,3}|[1-4]", rest)):
        word = match[1] if match else rest
        quarter = _ROMAN.get(word) or int(word)
        inside = period_of(date(year, quarter * 3, 1), kind)
        return inside if kind in ("semester", "year") else f"{year}-Q{quarter}"
    if (match := _SEMESTER.fullmatch(rest)) or (kind == "semester" and re.fullmatch(r"i{1,2}|[12]", rest)):
        word = match[1] if match else rest
        half = _ROMAN.get(word) or int(word)
        return str(year) if kind == "year" else f"{year}-S{half}"
    months = vocabulary("month")
    if rest in months or re.fullmatch(r"0?[1-9]|1[0-2]", rest):
        return period_of(date(year, int(months.get(rest, rest)), 1), kind)
    if (match := re.fullmatch(r"(\d{1,2}) (\d{1,2})(?: \d{1,2} \d{1,2}(?: \d{1,2})?)?", rest)) and int(match[1]) <= 12:
        return period_of(date(year, int(match[1]), 1), kind)
    raise Unreadable("not_a_period")


# --- text and categories ---------------------------------------------------------------------------------------


def to_text(column: pd.Series) -> Converted:
    """Text without outer and doubled spaces; whole numbers without `.0`."""
    return distinct(column, _text)


def _text(value: Any) -> str | None:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    if isinstance(value, (datetime, date)):
        return value.isoformat()[:10]
    text = re.sub(r"[\s\xa0\u200b\ufeff]+", " ", str(value)).strip()
    if text.upper() in _ERROR_CELLS:
        raise Unreadable("cell_error")
    return text or None


def to_persons(column: pd.Series) -> Converted:
    """Ids of people; long numbers that a spreadsheet has already cut to fifteen digits are refused."""
    if column.dtype.kind == "f" and (column.abs() >= 1e15).any():
        return distinct(column.astype(object), _person)
    return distinct(column, _person)


def _person(value: Any) -> str | None:
    if isinstance(value, str) and value.isascii() and value.isalnum() and not value[0].isdigit() and len(value) <= 40:
        return value
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        if abs(float(value)) >= 1e15:  # a double holds fifteen digits; a NIP has eighteen
            raise Unreadable("id_as_number")
        return _text(value)
    if isinstance(value, (datetime, date)):
        raise Unreadable("id_as_date")
    text = _text(value) or ""
    if re.fullmatch(r"\d(?:[.,]\d+)?[eE]\+?\d+", text):
        raise Unreadable("id_as_number")
    text = text.strip("'`’ ")
    if text.startswith("="):
        raise Unreadable("formula_no_value")
    digits = re.sub(r"[ .\-]", "", text)
    if digits.isascii() and digits.isdigit() and len(digits) in (16, 18):
        return digits  # a NIP written in groups
    if any(ord(c) < 32 for c in text) or len(text) > 200:
        raise Unreadable("id_not_plain")
    return text or None


def to_words(column: pd.Series, group: str) -> Converted:
    """Categories through the aliases: `role`, `polarity`."""
    allowed = {"role": ROLES, "polarity": POLARITIES}[group]
    words = vocabulary(group)

    def read(value: Any) -> str:
        text = str(value).strip()
        found = text if text in allowed else words.get(plain(text)) or words.get(plain(re.sub(r"\(.*\)", "", text)))
        if found is None:
            raise Unreadable(f"unknown_{group}")
        return found

    return distinct(column, read)


def to_elements(column: pd.Series) -> Converted:
    """The nine unsur by name; other elements (a survey of another kind) keep their own."""
    from kinerja.inputs.headers import element_names

    known = element_names()
    return distinct(column, lambda value: known.get(plain(value)) or _text(value))


def to_answers(column: pd.Series, decimal: Decimal | None, delimiter: str = "") -> Converted:
    """Answers 1-4 as numbers (`3`), numbers with words (`3 - Baik`, `3. Sesuai`), or words (`Sangat sesuai`)."""
    numbers = to_numbers(column, decimal or ".", delimiter)
    wrong = numbers.bad != ""
    if not wrong.any():
        return numbers
    words = vocabulary("answer")

    def read(value: Any) -> float:
        text = str(value).strip()
        if match := re.match(r"\(?([1-9])\)?\s*[-.:=)]\s*[^\d\s]", text):
            return float(match[1])
        if plain(text) in words:
            return float(words[plain(text)])
        return _number(value, decimal)

    again = distinct(column.where(wrong), read, "float64")
    values = numbers.values.where(~wrong, again.values)
    return Converted(values=values, bad=np.where(wrong, again.bad, ""))


def is_blank_series(column: pd.Series) -> np.ndarray:
    """(n,) bool: no value in the sense of `missing`."""
    codes, uniques = pd.factorize(column)
    empty = np.array([missing(u) for u in uniques] + [True], dtype=bool)
    return np.asarray(is_blank(column) | empty[codes], dtype=bool)
