"""Regulation tables, dated and cited: `rules/<topic>/*.yaml` -> the `Rules` in force on one day.

Nothing of the law is written in code. A rule asked for on a day on which it was not in force is a `RuleError`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import yaml

from kinerja import wording
from kinerja.errors import RuleError
from kinerja.results.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(str(files("kinerja.rules")))
"""Holds a folder a topic, in it a file a version."""

Status = Literal["verified", "secondary", "unverified"]

PREDIKAT = "permenpanrb-6-2022-predikat"
DISTRIBUTION = "se-menpanrb-3-2023-distribution"
SKM = "permenpanrb-14-2017"
SKM_2004 = "kepmenpan-25-2004"
POLARITY = "iku-polarity"
CREDIT = "permenpanrb-1-2023-credit"
CONVERSION_2021 = "permenpanrb-8-2021-conversion"
SCALE_2019 = "pp-30-2019-article-41"
OBJECTION = "pp-30-2019-article-59"
BERAKHLAK = "berakhlak"
KREJCIE_MORGAN = "krejcie-morgan-1970"

ANNEX_COLUMNS = (
    "rule", "title_en", "title_id", "document", "article", "page", "address", "status", "unit",
    "since", "until", "in_force", "note_en", "note_id", "sha256",
)  # fmt: skip
_STATUS = ("verified", "secondary", "unverified")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Rule(Shown):
    """One table as it stood on one day.

    Fields
    ------
    id : the file's name without its ending
    title, note : language -> words
    document, article, page, address : where it is printed
    status : verified (seen verbatim), secondary (seen in a copy or a report of it), unverified (from memory)
    unit : of its values
    since, until : first day in force; first day no longer in force, None while it is
    values : the table; None before `since` and from `until` on
    sha256 : of the file's bytes (line ends as \\n)
    """

    id: str
    title: Mapping[str, str]
    note: Mapping[str, str]
    document: str
    article: str
    page: str
    address: str
    status: Status
    unit: str
    since: date
    until: date | None
    values: Mapping[str, Any] | None
    sha256: str

    @property
    def in_force(self) -> bool:
        return self.values is not None


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Rules(Shown):
    """Every regulation table as it stood on the day `on`.

    Fields
    ------
    on : the day
    tables : rule id -> Rule, sorted by id; also those not in force on that day
    """

    on: date
    tables: Mapping[str, Rule]

    def rule(self, name: str) -> Rule:
        """The table `name`, in force on `on`.

        Raises
        ------
        RuleError : there is no such table, or it was not in force that day
        """
        if name not in self.tables:
            raise _refusal("rule_unknown", name, name, rules=", ".join(self.tables))
        found = self.tables[name]
        if not found.in_force:
            until = f" – {found.until}" if found.until else ""
            raise _refusal("rule_not_in_force", name, self.on, days=f"{found.since}{until}")
        return found

    def values(self, name: str) -> Mapping[str, Any]:
        """The values of the table `name`; as `rule`."""
        return cast(Mapping[str, Any], self.rule(name).values)

    def in_force(self, name: str) -> bool:
        return name in self.tables and self.tables[name].in_force

    def at(self, on: date) -> Rules:
        """The same tables on another day (a back-test, an earlier period of the trend)."""
        return load_rules(on=on)

    def annex(self) -> pd.DataFrame:
        """Every table with its reference, status, days in force and SHA-256: ANNEX_COLUMNS, one row a rule."""
        import pandas as pd

        rows = [
            (
                r.id, r.title["en"], r.title["id"], r.document, r.article, r.page, r.address, r.status, r.unit,
                r.since.isoformat(), r.until.isoformat() if r.until else "", r.in_force,
                r.note.get("en", ""), r.note.get("id", ""), r.sha256,
            )
            for r in self.tables.values()
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=list(ANNEX_COLUMNS))


def load_rules(*, on: date) -> Rules:
    """The regulation tables of the package as they stood on the day `on`.

    Raises
    ------
    RuleError : a file of data/rules is not a rule file (names the file and what is wrong)
    """
    return Rules(on=on, tables={name: _at(rule, history, on) for name, (rule, history) in _files().items()})


def round_half_up(value: float, decimals: int) -> float:
    """Rounded as the rules count: half goes up. Binary noise below the ninth decimal does not decide a half."""
    step = Decimal(1).scaleb(-decimals)
    exact = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-max(decimals, 9)))
    return float(exact.quantize(step, rounding=ROUND_HALF_UP))


def _refusal(code: str, name: str, found: object, **data: str) -> RuleError:
    return wording.refusal(RuleError, code, where=f"data/rules/{name}.yaml", found=found, **data)


def _at(rule: Rule, history: Mapping[date, Any], on: date) -> Rule:
    """The version in force on `on`, with the day on which it ends."""
    past = [day for day in history if day <= on]
    later = [day for day in history if day > on]
    since = max((day for day in past if history[day] is not None), default=min(history))
    ends = [day for day in history if day > since and history[day] is None]
    values = history[max(past)] if past else None
    until = min(ends) if ends else (min(later) if values is not None and later else None)
    return replace(rule, since=since, until=until, values=values)


@cache
def _files() -> Mapping[str, tuple[Rule, Mapping[date, Any]]]:
    sources = sorted(FOLDER.glob("*/*.yaml"), key=lambda file: file.name)
    return {file.stem: _read(file.name, file.read_text(encoding="utf-8")) for file in sources}


def _read(name: str, text: str) -> tuple[Rule, Mapping[date, Any]]:
    raw = yaml.safe_load(text)
    expected = {"title", "reference", "status", "unit", "note", "values"}
    wrong = sorted(expected ^ set(raw)) if isinstance(raw, dict) else ["the file"]
    if wrong or raw["status"] not in _STATUS or not all(isinstance(day, date) for day in raw["values"]):
        raise RuleError(
            f"data/rules/{name}: found {', '.join(wrong) or 'status or days'} amiss; a rule has exactly the keys "
            f"{', '.join(sorted(expected))}, a status of {', '.join(_STATUS)}, values by day. Correct the file."
        )
    history = raw["values"]
    rule = Rule(
        id=name.removesuffix(".yaml"),
        title=raw["title"],
        note=raw["note"],
        **{key: str(raw["reference"][key]) for key in ("document", "article", "page", "address")},
        status=raw["status"],
        unit=raw["unit"],
        since=min(history),
        until=None,
        values=None,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
    return rule, history
