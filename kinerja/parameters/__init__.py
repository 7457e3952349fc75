"""One YAML a run -> frozen `Parameters`; every problem of the file is reported at once, unknown keys are refused.

The numbers here are the office's own for this run; what the law decides lives in rules/<topic>, what the method
decides is a keyword default of the function that uses it.
"""

from __future__ import annotations

import hashlib
import math
import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_serializer, model_validator

from kinerja import places, wording
from kinerja.errors import ParameterError, Problem
from kinerja.results.shown import Shown
from kinerja.rules import versions

PeriodKind = Literal["month", "quarter", "semester", "year"]
Polarity = Literal["maximize", "minimize_difference", "minimize_ratio", "stabilize", "range", "range_minimize"]

_INTERNAL = ("file", "base", "data", "sha256")
_DATABASE = ("url", "table", "query", "password_variable")
_PARTS: Mapping[str, int] = {"month": 12, "quarter": 4, "semester": 2, "year": 1}
_MARK: Mapping[str, str] = {"month": "", "quarter": "Q", "semester": "S"}


class Section(BaseModel):
    """A part of the parameters: frozen, typed as written (no guessing), unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _known_to_law(value: str | None, names: Iterable[str]) -> str | None:
    """The value, where some version of the rules knows it (which one is in force is asked when the run begins)."""
    known = tuple(dict.fromkeys(names))
    if value is not None and value not in known:
        raise ValueError(f"kinerja:not_allowed:{value}:{', '.join(known)}")
    return value


class Period(Section):
    """The evaluated period; `id` is how the data name it (2026-Q3, 2026-07, 2026-S1, 2026).

    as_of : only what was recorded up to the end of this day, or up to this moment (2026-08-15 14:30:00), counts
    """

    kind: PeriodKind
    year: Annotated[int, Field(ge=1979, le=2100)]
    number: Annotated[int, Field(ge=1, le=12)] = 1
    as_of: date | datetime | None = None

    @model_validator(mode="after")
    def _within_the_year(self) -> Self:
        if self.number > _PARTS[self.kind]:
            raise ValueError(f"kinerja:period_number:{self.number}:{self.kind}:{_PARTS[self.kind]}")
        return self

    @property
    def id(self) -> str:
        if self.kind == "year":
            return str(self.year)
        if self.kind == "month":
            return f"{self.year}-{self.number:02d}"
        return f"{self.year}-{_MARK[self.kind]}{self.number}"

    @property
    def start(self) -> date:
        return date(self.year, (self.number - 1) * (12 // _PARTS[self.kind]) + 1, 1)

    @property
    def end(self) -> date:
        month = self.number * (12 // _PARTS[self.kind])
        return date(self.year, month, monthrange(self.year, month)[1])

    @property
    def day(self) -> date:
        """The day whose rules and data count: `as_of` where given, else the period's last day."""
        return self.end if self.as_of is None else date(self.as_of.year, self.as_of.month, self.as_of.day)


class Office(Section):
    """Who is evaluated. `organisation_level`: the organisation's own predikat, set by its superior (advisory check)."""

    name: Annotated[str, Field(min_length=1)]
    place: str = ""
    head: str = ""
    organisation_level: str | None = None

    @field_validator("organisation_level")
    @classmethod
    def _known_level(cls, value: str | None) -> str | None:
        patterns = (table["patterns"] for table in versions("distribution").values())
        return _known_to_law(value, (level for pattern in patterns for level in pattern))


class Source(Section):
    """One input file or database table: where it is, how it is written, and which of its columns is which.

    url : SQLAlchemy address in place of a file, without a password: `postgresql+pg8000://reader@server/kinerja`
    table, query : what is read from the database, one of the two
    password_variable : environment variable that holds the password; it is never written anywhere
    columns : canonical name -> the file's own header (only what the aliases do not find by themselves)
    values : canonical column -> {value in the file: canonical value}
    constants : canonical column -> a value for every row
    item_constants : wide only: item -> {canonical column: value}, what the file does not say of an item
    layout : `long` (one value a row) or `wide` (one column an item); wide needs `items`
    items : wide only: item name -> the file's own header
    summarise : responses only: read in pieces and keep the means of units, not the questionnaires; None does so for
        Parquet files too large for memory
    """

    path: Path
    url: str | None = None
    table: str | None = None
    query: str | None = None
    password_variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    sheet: str | int | None = None
    layout: Literal["long", "wide"] = "long"
    columns: dict[str, str] = Field(default_factory=dict)
    items: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    constants: dict[str, str | int | float] = Field(default_factory=dict)
    item_constants: dict[str, dict[str, str | int | float]] = Field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[",", "."] | None = None
    dayfirst: bool = True
    summarise: bool | None = None

    @field_validator("path", mode="before")
    @classmethod
    def _path(cls, value: object) -> object:
        return Path(value) if isinstance(value, str) and value else value

    @field_validator("columns", "items", mode="before")
    @classmethod
    def _headers_are_text(cls, value: object) -> object:
        return {k: str(v) if isinstance(v, int) else v for k, v in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="before")
    @classmethod
    def _file_or_database(cls, given: object) -> object:
        """Exactly one of `path` and `url`; a database's table stands where a file's name does."""
        if not isinstance(given, dict) or "url" not in given:
            return given
        if given.get("path") is not None and Path(str(given["path"])).name != cls._database_name(given).name:
            raise ValueError("kinerja:file_or_database")
        if (given.get("table") is None) == (given.get("query") is None):
            raise ValueError("kinerja:table_or_query")
        if re.search(r"://[^/@]*:[^/@]*@|(?:password|passwd|pwd)(?:=|%3d)", str(given["url"]), re.IGNORECASE):
            raise ValueError("kinerja:password_in_url")
        return given | {"path": cls._database_name(given)}

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: Any) -> dict[str, Any]:
        """A file's record has no keys of a database, so that it is what it was before there were any."""
        return {k: v for k, v in handler(self).items() if v is not None or k not in (*_DATABASE, "summarise")}

    @staticmethod
    def _database_name(given: Mapping[str, Any]) -> Path:
        return Path(re.sub(r"[^A-Za-z0-9_.]", "-", str(given.get("table") or "query")))

    @model_validator(mode="after")
    def _wide_names_its_items(self) -> Self:
        if (self.items or self.item_constants) and self.layout == "long":
            raise ValueError("kinerja:items_need_wide")
        return self


class Sources(Section):
    """The inputs of a run; a kind may come in several files (one a quarter, one a kelurahan), read in this order."""

    staff: list[Source] = Field(default_factory=list)
    ratings: list[Source] = Field(default_factory=list)
    indicators: list[Source] = Field(default_factory=list)
    responses: list[Source] = Field(default_factory=list)
    aggregated: list[Source] = Field(default_factory=list)
    published: list[Source] = Field(default_factory=list)

    @field_validator("*", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not any(getattr(self, kind) for kind in type(self).model_fields):
            raise ValueError("kinerja:no_sources")
        return self


class Thresholds(Section):
    """The office's own limits between the three levels of a rating; PermenPANRB 6/2022 sets none and has no formula."""

    above: float
    below: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.below < self.above:
            raise ValueError(f"kinerja:thresholds_order:{self.below}:{self.above}")
        return self


class Scoring(Section):
    """The office's scoring policy.

    weights : share of each part in the office's combined score (attainment, behaviour); they sum to 1
    cap, floor : limits of one indicator's attainment in per cent, None for no limit
    """

    weights: dict[Literal["attainment", "behaviour"], Annotated[float, Field(ge=0, le=1)]] | None = None
    normalise: bool = False
    cap: Annotated[float, Field(gt=0)] | None = None
    floor: float | None = 0.0
    polarity: dict[str, Polarity] = Field(default_factory=dict)
    scale: tuple[float, float] | None = None
    work_thresholds: Thresholds | None = None
    behaviour_thresholds: Thresholds | None = None
    categories: dict[str, float] | None = None
    credit: bool = False

    @field_validator("scale", mode="before")
    @classmethod
    def _pair(cls, value: object) -> object:
        return tuple(float(v) if isinstance(v, int) else v for v in value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _sums(self) -> Self:
        if self.weights is not None and not self.normalise:
            total = math.fsum(self.weights.values())
            if abs(total - 1) > 1e-9:
                raise ValueError(f"kinerja:weights_sum:{total:.10g}")
        if self.scale is not None and not self.scale[0] < self.scale[1]:
            raise ValueError(f"kinerja:scale_order:{self.scale[0]}:{self.scale[1]}")
        return self


class Feedback(Section):
    """How citizens' answers are counted.

    rule : the id of an SKM rule, to count as it did; None takes the one in force in the period
    weights : how 1/9 is written in the office's own publications; `exact` unless an old figure is to be reproduced
    attributes : respondents' columns used for case mix and profile
    population : persons served per unit, for the finite population correction
    """

    rule: str | None = None
    weights: str = "exact"
    scale: tuple[float, float] | None = None
    attributes: list[str] = Field(default_factory=list)
    population: dict[str, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)
    margins: dict[str, dict[str, Annotated[float, Field(gt=0)]]] = Field(default_factory=dict)
    quote_comments: bool = False

    @field_validator("rule")
    @classmethod
    def _known_rule(cls, value: str | None) -> str | None:
        return _known_to_law(value, versions("skm"))

    @field_validator("weights")
    @classmethod
    def _known_weights(cls, value: str) -> str | None:
        return _known_to_law(value, (name for table in versions("skm").values() for name in table["weights"]))

    @field_validator("scale", mode="before")
    @classmethod
    def _pair(cls, value: object) -> object:
        return tuple(float(v) if isinstance(v, int) else v for v in value) if isinstance(value, list) else value


class Calibration(Section):
    """Whether and how far ratings are adjusted. Points are of the 0-100 scale.

    materiality : adjustments smaller than this are not made
    cap : largest adjustment, only where the office wants one; it is shown
    prior_from : outputs/<run> whose variance parameters a small office borrows
    """

    enabled: bool = True
    materiality: Annotated[float, Field(ge=0)] = 1.0
    cap: Annotated[float, Field(gt=0)] | None = None
    prior_from: Path | None = None
    prior_widening: Annotated[float, Field(gt=0)] | None = None

    @field_validator("prior_from", mode="before")
    @classmethod
    def _path(cls, value: object) -> object:
        return Path(value) if isinstance(value, str) and value else value


class Privacy(Section):
    """Who may be seen. `key_file` or the variable KINERJA_KEY keeps the pseudonyms' key outside the project.

    previous_run : outputs/<run> published before, with which small cells are compared (who joined, who left)
    remeasured : the office's statement that everybody's figures were measured anew since, so that the difference of
        two runs is nobody's figure; then few leavers withhold nothing
    """

    minimum_cell: Annotated[int, Field(ge=1)] = 5
    key_file: Path | None = None
    keep_names: bool = False
    readers: list[str] = Field(default_factory=list)
    previous_run: Path | None = None
    remeasured: bool = False

    @field_validator("key_file", "previous_run", mode="before")
    @classmethod
    def _path(cls, value: object) -> object:
        return Path(value) if isinstance(value, str) and value else value

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: Any) -> dict[str, Any]:
        """A run without an earlier one has the record that it had before there was such a key."""
        unused = {"previous_run": None, "remeasured": False}
        return {k: v for k, v in handler(self).items() if k not in unused or v != unused[k]}


class Objection(Section):
    """How to object; the number of days is a setting (14 after PP 30/2019 article 59, unless the office sets it)."""

    days: Annotated[int, Field(gt=0)] | None = None
    to: str = ""


class Output(Section):
    """Where the run is written: <folder>/<run>; `run` is the parameters file's name where it is not given."""

    folder: Path = Path("outputs")
    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    xlsx: bool = True
    pdf: bool = False

    @field_validator("folder", mode="before")
    @classmethod
    def _path(cls, value: object) -> object:
        return Path(value) if isinstance(value, str) and value else value


class Parameters(Shown, Section):
    """All settings of one run, paths as written (so that they mean the same on every machine).

    decisions : CSV of what people decided on this run (the moderation's log)
    confidence : level of every interval of the run; tests are made at its complement. What has a level of its own (who
        is to be looked at, the band of the shares, the sample's margin of error) says so in words
    file : the YAML; base : the folder its relative paths are counted from; data : the same for the sources alone, where
    it is another one; sha256 : of the YAML's bytes
    """

    office: Office
    period: Period
    language: wording.Language = "id"
    sources: Sources
    scoring: Scoring = Scoring()
    feedback: Feedback = Feedback()
    calibration: Calibration = Calibration()
    groups: list[str] = Field(default_factory=list)
    privacy: Privacy = Privacy()
    objection: Objection = Objection()
    decisions: Path | None = None
    output: Output = Output()
    seed: Annotated[int, Field(ge=0)] = 0
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    file: Path | None = Field(default=None, exclude=True)
    base: Path = Field(default=Path(), exclude=True)
    data: Path | None = Field(default=None, exclude=True)
    sha256: str = Field(default="", exclude=True)

    @field_validator("decisions", mode="before")
    @classmethod
    def _path(cls, value: object) -> object:
        return Path(value) if isinstance(value, str) and value else value

    @property
    def run(self) -> str:
        """The run's name, the folder under `output.folder`."""
        return self.output.run or (self.file.stem if self.file else f"run-{self.period.id}").lower()

    @property
    def run_folder(self) -> Path:
        """Where this run's report, tables and manifest are."""
        return self.located(self.output.folder) / self.run

    @property
    def file_name(self) -> str:
        """The parameters file as seen from its project, the same on every machine; "" where there is none."""
        if self.file is None:
            return ""
        projects = (self.base.resolve(), places.PROJECT, self.file.parent)
        return next(self.file.relative_to(f).as_posix() for f in projects if self.file.is_relative_to(f))

    @property
    def located_sources(self) -> Sources:
        """The sources with absolute paths."""
        kinds = type(self.sources).model_fields
        found = {
            kind: [
                s.model_copy(update={"path": self._source(s.path), "url": self._address(s.url)})
                for s in getattr(self.sources, kind)
            ]
            for kind in kinds
        }
        return self.sources.model_copy(update=found)

    def _address(self, url: str | None) -> str | None:
        """A SQLite file's relative path counts from the project, as a file's does."""
        found = re.fullmatch(r"(sqlite(?:\+\w+)?:///)([^/:].*)", url or "")
        return f"{found[1]}{self._source(Path(found[2])).as_posix()}" if found else url

    def _source(self, path: Path) -> Path:
        return _input_place(path, self.base, self.data).resolve()

    @property
    def source_names(self) -> dict[Path, str]:
        """Absolute path of each source -> the path as the YAML has it: what messages call the file."""
        every = (s for kind in type(self.sources).model_fields for s in getattr(self.sources, kind))
        return {self._source(s.path): s.path.as_posix() for s in every}

    @property
    def located_privacy(self) -> Privacy:
        """The privacy section with the key file's absolute path."""
        key = self.privacy.key_file
        return self.privacy.model_copy(update={"key_file": self.located(key)}) if key else self.privacy

    def located(self, path: Path) -> Path:
        """Where a path of the YAML is on this machine."""
        return (self.base / path).resolve()


def load_parameters(
    path: str | Path, *, overrides: Mapping[str, Any] | None = None, base: Path | None = None
) -> Parameters:
    """Read, check and resolve one parameters file.

    path : YAML, looked for in the places of `places.tried`; relative paths in it are counted from the folder that holds
        it, or from that folder's parent where the folder is called `parameters` (so that `data/x.xlsx` means the
        project's); `kinerja/example/...` that is not there is the package's own
    overrides : dotted key -> value, what a command-line option set (`language`, `output.run`)
    base : another folder for the sources' relative paths to be counted from

    Raises
    ------
    ParameterError : one Problem for everything wrong: syntax, unknown keys, types, sums, missing files
    """
    name, path = str(path), places.found(path)
    raw, content = _read_yaml(path, name)
    for key, value in (overrides or {}).items():
        _set(raw, key, value)
    problems: list[Problem] = []
    for key in _INTERNAL:
        if key in raw:
            problems.append(_problem(name, (key,), raw.pop(key), "unknown_key", {"near": "output"}))
    parameters: Parameters | None = None
    try:
        parameters = Parameters.model_validate(raw)
    except ValidationError as error:
        problems += [_from_pydantic(name, detail, raw) for detail in error.errors(include_url=False)]
    data = base.resolve() if base is not None else None
    home = places.project_of(path)
    problems += _missing_files(name, raw, home, data)
    # A value of neither kind that a key may hold is one slip, not two.
    problems = [problem for k, problem in enumerate(problems) if problem not in problems[:k]]
    if problems or parameters is None:
        raise ParameterError(wording.problem_message(problems), problems)
    digest = hashlib.sha256(content).hexdigest()
    return parameters.model_copy(update={"file": path, "base": home, "data": data, "sha256": digest})


class _PlainLoader(yaml.SafeLoader):
    """Safe YAML that refuses repeated keys and aliases: slips, or a trap, in a file that people edit by hand."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not used here", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, (str, int, float, bool, date)):
                raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _read_yaml(path: Path, name: str) -> tuple[dict[str, Any], bytes]:
    def refuse(code: str, row: int | None = None, found: str = "", **data: Any) -> ParameterError:
        problem = Problem(where=name, row=row, found=found, code=code, data=data)
        return ParameterError(wording.problem_message([problem]), [problem])

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise refuse("no_parameters_file", tried=", ".join(map(str, places.tried(name)))) from None
    except IsADirectoryError:
        raise refuse("parameters_is_folder", path=str(path)) from None
    except OSError as error:
        raise refuse("unreadable", found=error.strerror or "") from None
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse("yaml_encoding", row=content[: error.start].count(b"\n") + 1) from None
    try:
        raw = yaml.load(decoded, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        row = error.problem_mark.line + 1 if error.problem_mark else None
        raise refuse("yaml_syntax", row=row, found=error.problem or "") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise refuse("yaml_syntax", found=str(error).splitlines()[0][:120]) from None
    if not isinstance(raw, dict):
        raise refuse("yaml_not_mapping", found=_short(raw))
    return {str(k): v for k, v in raw.items()}, content


def _set(raw: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    here = raw
    for parent in parents:
        nested = here.get(parent)
        here[parent] = dict(nested) if isinstance(nested, dict) else {}
        here = here[parent]
    here[last] = value


def _short(value: object) -> str:
    shown = repr(value) if not isinstance(value, str) else f"'{value}'"
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _problem(name: str, location: tuple[str | int, ...], found: object, code: str, data: Mapping[str, Any]) -> Problem:
    key = ""
    for part in location:
        key += f"[{part + 1}]" if isinstance(part, int) else (f".{part}" if key else str(part))
    return Problem(
        where=name, column=key or None, found=_short(found) if found is not None else "", code=code, data=data
    )


def _from_pydantic(name: str, detail: Any, raw: dict[str, Any]) -> Problem:
    """One of pydantic's errors as a Problem, the code chosen by what a person can do about it."""
    location = tuple(part for part in detail["loc"] if part not in ("[key]", "date", "datetime"))
    kind, context, found = detail["type"], detail.get("ctx", {}), detail.get("input")
    if kind in _NOT:
        return _problem(name, location, found, _NOT[kind], {})
    if kind == "missing" and not isinstance(location[-1], int):
        return _problem(name, location, None, "missing_key", {"name": str(location[-1])})
    if kind == "extra_forbidden":
        return _problem(name, location, found, "unknown_key", {"near": _near(location)})
    if kind == "value_error":
        code, *values = str(context["error"]).removeprefix("kinerja:").split(":")
        if code in _OWN:
            named = dict(zip(_OWN[code], values, strict=True))
            value = named.get("found") if _OWN[code] else None
            return _problem(name, location, value, code, named)
    if kind in ("literal_error", "enum"):
        expected = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return _problem(name, location, found, "not_allowed", {"allowed": expected})
    if kind in _LIMITS:
        code, key = _LIMITS[kind]
        return _problem(name, location, found, code, {"limit": str(context[key])})
    if kind in _KIND:
        return _problem(name, location, found, "wrong_type", {"kind": _KIND[kind]})
    return _problem(name, location, found, "unusable_value", {})


_OWN: Mapping[str, tuple[str, ...]] = {
    "not_allowed": ("found", "allowed"),
    "period_number": ("found", "kind", "most"),
    "items_need_wide": (),
    "file_or_database": (),
    "table_or_query": (),
    "password_in_url": (),
    "no_sources": (),
    "thresholds_order": ("below", "above"),
    "weights_sum": ("found",),
    "scale_order": ("lowest", "highest"),
}

_LIMITS = {
    "greater_than": ("too_small", "gt"),
    "greater_than_equal": ("at_least", "ge"),
    "less_than": ("too_large", "lt"),
    "less_than_equal": ("at_most", "le"),
    "string_pattern_mismatch": ("pattern", "pattern"),
    "string_too_short": ("at_least", "min_length"),
}

_NOT = {
    "string_type": "not_text",
    "dict_type": "not_mapping",
    "model_type": "not_mapping",
    "model_attributes_type": "not_mapping",
}

_KIND = {
    "int_type": "1, 2, 3",
    "int_from_float": "1, 2, 3",
    "float_type": "12.5",
    "bool_type": "true, false",
    "date_type": "2026-09-30",
    "date_from_datetime_inexact": "2026-09-30",
    "datetime_type": "2026-09-30",
    "list_type": "[a, b]",
    "tuple_type": "[1, 5]",
    "too_long": "[1, 5]",
    "missing": "[1, 5]",
    "path_type": "data/file.csv",
    "is_instance_of": "data/file.csv",
}


def _near(location: tuple[str | int, ...]) -> str:
    """The keys allowed beside an unknown one, the most similar first."""
    import difflib

    model: Any = Parameters
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        field = getattr(model, "model_fields", {}).get(str(part))
        if field is None:
            break
        model = _section_in(field.annotation)
    allowed = [k for k in getattr(model, "model_fields", {}) if k not in _INTERNAL]
    close = difflib.get_close_matches(str(location[-1]), allowed, n=len(allowed), cutoff=0.0)
    return ", ".join(close or allowed)


def _section_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _section_in(inner)
        if found is not None:
            return found
    return None


def _missing_files(name: str, raw: dict[str, Any], base: Path, data: Path | None) -> list[Problem]:
    """Files that are named but not there: looked for even when other parts of the YAML are wrong."""
    wanted: list[tuple[tuple[str | int, ...], object]] = []
    sources = raw.get("sources")
    for kind, given in sources.items() if isinstance(sources, dict) else ():
        for number, source in enumerate(given if isinstance(given, list) else [given]):
            if isinstance(source, dict) and isinstance(source.get("path"), str):
                place = (number,) if isinstance(given, list) else ()
                wanted.append((("sources", str(kind), *place, "path"), source["path"]))
    if isinstance(raw.get("decisions"), str):
        wanted.append((("decisions",), raw["decisions"]))
    for section, key in (("privacy", "key_file"), ("privacy", "previous_run"), ("calibration", "prior_from")):
        part = raw.get(section)
        if isinstance(part, dict) and isinstance(part.get(key), str):
            wanted.append(((section, key), part[key]))
    return [
        _problem(name, location, given, "missing_file", {"path": str(place)})
        for location, given in wanted
        for path in [Path(cast(str, given))]
        for place in [_input_place(path, base, data) if location[0] == "sources" else base / path]
        if not place.exists()
    ]


def _input_place(path: Path, base: Path, data: Path | None) -> Path:
    return places.input_file(path, base) if data is None else data / path
