"""Regulation tables, dated and cited: `rules/<topic>/<id>.yaml` -> the `Rules` in force on one day.

Nothing of the law is written in code. Code asks for a topic (the folder's name) and gets the version in force on the
day; a day on which none was is a `RuleError`. A successor is one more file: `replaces` names the version that ends when
it begins.
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
    topic : the folder's name
    title, note : language -> words
    document, article, page, address : where it is printed
    status : verified (seen verbatim), secondary (seen in a copy or a report of it), unverified (from memory)
    unit : of its values
    since, until : first day in force; first day no longer in force, None while it is
    values : the table; None before `since` and from `until` on
    sha256 : of the file's bytes (line ends as \\n)
    """

    id: str
    topic: str
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
    folder : more rule files, laid out as the package's own; None without

    A name is a topic, meaning its version in force on the day, or the id of one version (to reproduce what was counted
    by it).
    """

    on: date
    tables: Mapping[str, Rule]
    folder: Path | None = None

    def topic(self, topic: str) -> Rule:
        """The version of `topic` in force on `on`.

        Raises
        ------
        RuleError : there is no such topic, or no version of it was in force that day
        """
        versions = self.versions(topic)
        if not versions:
            raise self._unknown(topic)
        found = next((version for version in versions if version.in_force), None)
        if found is None:
            spans = "; ".join(f"{version.id} {_days(version)}" for version in versions)
            raise wording.refusal(RuleError, "topic_not_in_force", where=f"rules/{topic}", found=self.on, spans=spans)
        return found

    def versions(self, topic: str) -> tuple[Rule, ...]:
        """Every version of `topic`, the first in force first; none where there is no such topic."""
        return tuple(sorted((r for r in self.tables.values() if r.topic == topic), key=lambda r: (r.since, r.id)))

    def rule(self, name: str) -> Rule:
        """The version that `name` means, in force on `on`.

        Raises
        ------
        RuleError : there is no such topic or rule, or it was not in force that day
        """
        if name not in self.tables:
            return self.topic(name)
        found = self.tables[name]
        if not found.in_force:
            where = f"rules/{found.topic}/{name}.yaml"
            raise wording.refusal(RuleError, "rule_not_in_force", where=where, found=self.on, days=_days(found))
        return found

    def values(self, name: str) -> Mapping[str, Any]:
        """The values of `rule(name)`; raises as it does."""
        return cast(Mapping[str, Any], self.rule(name).values)

    def in_force(self, name: str) -> bool:
        """Whether `name`, a topic or one version, is in force on `on`."""
        return any(version.in_force for version in self.tables.values() if name in (version.id, version.topic))

    def at(self, on: date) -> Rules:
        """The same tables on another day (a back-test, an earlier period of the trend)."""
        return load_rules(on=on, folder=self.folder)

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

    def _unknown(self, name: str) -> RuleError:
        topics = sorted({version.topic for version in self.tables.values()})
        known = ", ".join((*topics, *self.tables))
        return wording.refusal(RuleError, "rule_unknown", where="rules", found=name, rules=known)


def load_rules(*, on: date, folder: Path | None = None) -> Rules:
    """The regulation tables of the package, and of `folder`, as they stood on the day `on`.

    folder : more rule files, `<topic>/<id>.yaml`; read once

    Raises
    ------
    RuleError : a file is not a rule file, or two versions of a topic are in force at once (names the files and what is
        wrong)
    """
    tables = {name: _at(rule, history, on) for name, (rule, history) in _files(folder).items()}
    return Rules(on=on, tables=tables, folder=folder)


@cache
def versions(topic: str) -> Mapping[str, Mapping[str, Any]]:
    """Rule id -> its last values, of every version of `topic` on any day; the last to come into force last.

    For what no day decides: which words a file may use, which columns a questionnaire can have.
    """
    of_topic = [(rule, history) for rule, history in _files(None).values() if rule.topic == topic]
    of_topic.sort(key=lambda version: (min(version[1]), version[0].id))
    return {rule.id: [v for _, v in sorted(history.items()) if v is not None][-1] for rule, history in of_topic}


def latest(topic: str) -> Mapping[str, Any]:
    """The values of the version of `topic` that came into force last: where a caller outside a run names no rules."""
    return list(versions(topic).values())[-1]


def round_half_up(value: float, decimals: int) -> float:
    """Rounded as the rules count: half goes up. Binary noise below the ninth decimal does not decide a half."""
    step = Decimal(1).scaleb(-decimals)
    exact = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-max(decimals, 9)))
    return float(exact.quantize(step, rounding=ROUND_HALF_UP))


def _days(rule: Rule) -> str:
    return f"{rule.since} – {rule.until}" if rule.until else f"{rule.since}"


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
def _files(folder: Path | None) -> Mapping[str, tuple[Rule, Mapping[date, Any]]]:
    """Rule id -> the rule and its values by day, sorted by id; what a version replaces ends when it begins."""
    places = [FOLDER] if folder is None else [FOLDER, folder]
    sources = sorted((file for place in places for file in place.glob("*/*.yaml")), key=lambda file: file.name)
    found: dict[str, tuple[Rule, Mapping[date, Any]]] = {}
    replaced: dict[str, date] = {}
    for file in sources:
        rule, history, replaces = _read(f"{file.parent.name}/{file.name}", file.read_text(encoding="utf-8"))
        if rule.id in found:
            raise RuleError(f"rules/{rule.topic}/{file.name}: found a second file of this name. Name it otherwise.")
        found[rule.id] = (rule, history)
        if replaces is not None:
            replaced[replaces] = min(history)
    for name, end in replaced.items():
        if name not in found:
            raise RuleError(f"rules: found {name} in `replaces`; allowed: {', '.join(found)}. Correct the file.")
        rule, history = found[name]
        found[name] = rule, {day: values for day, values in history.items() if day < end} | {end: None}
    _refuse_overlaps(found)
    return found


def _refuse_overlaps(found: Mapping[str, tuple[Rule, Mapping[date, Any]]]) -> None:
    """At most one version of a topic is in force on a day: it can only change on a day that some history names."""
    for topic in sorted({rule.topic for rule, _ in found.values()}):
        of_topic = [(rule, history) for rule, history in found.values() if rule.topic == topic]
        for day in sorted({day for _, history in of_topic for day in history}):
            both = [rule.id for rule, history in of_topic if _at(rule, history, day).in_force]
            if len(both) > 1:
                raise RuleError(
                    f"rules/{topic}: found {' and '.join(both)} in force on {day}; one version of a topic is in force "
                    "at a time. Let the newer file say `replaces`, or end the older one (its day: null)."
                )


def _read(name: str, text: str) -> tuple[Rule, Mapping[date, Any], str | None]:
    """name : <topic>/<id>.yaml; the rule, its values by day, and the id that it replaces"""
    raw = yaml.safe_load(text)
    expected = {"title", "reference", "status", "unit", "note", "values"}
    wrong = sorted(expected ^ (set(raw) - {"replaces"})) if isinstance(raw, dict) else ["the file"]
    if wrong or raw["status"] not in _STATUS or not all(isinstance(day, date) for day in raw["values"]):
        raise RuleError(
            f"rules/{name}: found {', '.join(wrong) or 'status or days'} amiss; a rule has the keys "
            f"{', '.join(sorted(expected))}, where it has a predecessor also replaces, a status of "
            f"{', '.join(_STATUS)}, values by day. Correct the file."
        )
    topic, file = name.split("/")
    history = raw["values"]
    rule = Rule(
        id=file.removesuffix(".yaml"),
        topic=topic,
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
    return rule, history, raw.get("replaces")
