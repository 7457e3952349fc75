"""What a result says of itself, gathered from its fields: the same for every class, without a row of any table."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from kinerja import wording

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 60
"""Letters of one value."""

GRAVEST = {"stop": 0, "caution": 1, "note": 2}

FIGURES: Mapping[str, tuple[str, ...]] = {
    "Access": ("id", "at"),
    "Appeal": ("n_changed=rows", "same=comparison.same"),
    "AppealReplay": ("same", "n_different=different"),
    "Batch": ("complete", "n_written=written", "n_current=current", "n_failed=failed", "seconds"),
    "Fairness": ("n_checks=checks",),
    "Block": ("n_letters=plain",),
    "Calibration": ("units", "evidence_team", "evidence_culture", "rank_changes"),
    "CaseMix": ("respondent_sd", "n_screened"),
    "Chart": ("name", "language"),
    "Column": ("key", "kind"),
    "Comments": ("n", "redacted"),
    "Comparison": ("same", "n_changes=changes", "n_changed_people=persons", "tolerance"),
    "Convergence": ("converged", "iterations", "change", "tolerance", "code"),
    "Evaluation": (
        "run=id",
        "office=parameters.office.name",
        "ratees=scores.ratees",
        "raters=rater_use.raters",
        "units=scores.units",
        "confidence=parameters.confidence",
    ),
    "EvidencePlan": ("n_actions=actions",),
    "Failure": ("name", "cell", "cause"),
    "Finding": ("level", "code", "data"),
    "Inputs": ("counts",),
    "MixedFit": ("n", "criterion"),
    "Moderation": ("n_decisions=log",),
    "Parameters": ("office=office.name", "as_of=period.as_of", "language", "sources", "confidence"),
    "Prior": ("n_parameters=mean",),
    "RaterFit": ("log_likelihood", "n_parameters"),
    "Review": ("run_a=a.id", "run_b=b.id", "same=comparison.same"),
    "Rows": ("n=value", "raters=n_raters"),
    "Rule": ("id", "status", "since"),
    "Rules": ("on", "n_rules=tables"),
    "Scores": ("ratees", "units"),
    "Section": ("name", "language", "n_blocks=blocks", "n_tables=tables"),
    "Sheet": ("run", "n_statements=statements"),
    "Signoff": ("fits", "at"),
    "Table": ("name", "language", "rows", "columns"),
    "Verification": ("same", "n_touched=touched", "tolerance=comparison.tolerance"),
    "View": ("subject", "by", "n", "withheld"),
    "Within": ("persistent", "noise", "item", "halo"),
    "Worked": ("name", "language", "agrees", "difference", "n_blocks=blocks"),
    "Written": ("run=id", "tables", "file=html.name"),
}
"""Class -> its own key figures, `label=path` or a path that is its label; of tables and lists, how many there are."""

ALL_OF_THEM = ("counts", "data")
"""Mappings of which every value is a key figure."""

NOT_COUNTED = ("Comparison", "EvidencePlan", "Sheet")
"""Classes whose tables list what differs or is to be done: people in them are not the people of the office."""

PERSONAL = ("example", "members", "people", "person", "ratee", "ratees", "rater", "raters", "supervisor")
"""Values of a finding that, as text, name people."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A result in words of one language.

    Fields
    ------
    name : of the class; what : a sentence; next : what to look at, code between backticks
    figures : (label, value)
    findings : the gravest first; None where the class has none
    tables : (name, rows, columns) of every frame; parts : (name, class) of every result inside
    """

    language: wording.Language
    name: str
    what: str
    next: str
    figures: tuple[tuple[str, str], ...]
    findings: tuple[Any, ...] | None
    tables: tuple[tuple[str, int, int], ...]
    parts: tuple[tuple[str, str], ...]


def summary(result: Any) -> Summary:
    """All that is shown of a result."""
    name, language = type(result).__name__, language_of(result)
    held = [(field, getattr(result, field, None)) for field in _fields(result)]
    found = getattr(result, "findings", None)
    return Summary(
        language=language,
        name=name,
        what=_text(f"display.what.{name}", language),
        next=_text(f"display.next.{name}", language),
        figures=tuple(_figures(result, name, held, language)),
        findings=None if found is None else tuple(sorted(found, key=lambda f: GRAVEST[f.level])),
        tables=tuple((field, len(value), len(value.columns)) for field, value in held if _is_frame(value)),
        parts=tuple((field, type(value).__name__) for field, value in held if _is_part(value)),
    )


def language_of(result: Any) -> wording.Language:
    """The result's own language, else that of its parameters, else the session's."""
    for path in ("language", "parameters.language", "corrected.parameters.language", "a.parameters.language"):
        own = _at(result, path)
        if own in wording.LANGUAGES:
            return own  # type: ignore[no-any-return]
    session = os.environ.get("KINERJA_LANGUAGE", "")
    return session if session in wording.LANGUAGES else wording.LANGUAGES[0]


def word(key: str, language: wording.Language, **values: Any) -> str:
    """A word of the frame around every result."""
    return wording.text(f"display.{key}", language, **values)


def level(finding: Any, language: wording.Language) -> str:
    """How grave a finding is, in words."""
    return wording.text(f"report.level.{finding.level}", language)


def sentence(finding: Any, language: wording.Language) -> str:
    """A finding in words, without the names of people in it; the code where its sentence cannot be made."""
    hidden = {key: "…" for key in PERSONAL if isinstance(finding.data.get(key), str)}
    try:
        return wording.finding_sentence(finding.code, {**finding.data, **hidden}, language)
    except KeyError:
        return str(finding.code)


def _fields(result: Any) -> Iterable[str]:
    return [f.name for f in fields(result)] if is_dataclass(result) else []


def _is_frame(value: Any) -> TypeGuard[pd.DataFrame]:
    """A pandas frame, told without loading pandas."""
    return hasattr(value, "columns") and hasattr(value, "iloc")


def _is_part(value: Any) -> bool:
    from kinerja.results.shown import Brief

    return isinstance(value, Brief)


def _text(key: str, language: wording.Language) -> str:
    return wording.text(key, language) if wording.has_text(key) else ""


def _at(result: Any, path: str) -> Any:
    for step in path.split("."):
        result = getattr(result, step, None)
    return result


def _figures(
    result: Any, name: str, held: Sequence[tuple[str, Any]], language: wording.Language
) -> Iterator[tuple[str, str]]:
    settings = getattr(result, "settings", None)
    settings = settings if isinstance(settings, Mapping) else {}
    own = [settings.get("period"), *(_at(result, path) for path in ("period", "period.id", "parameters.period.id"))]
    pairs: list[tuple[str, Any]] = [("period", next((period for period in own if isinstance(period, str)), None))]
    for figure in FIGURES.get(name, ()):
        label, _, path = figure.partition("=")
        value = _at(result, path or label)
        pairs += _named(value) if label in ALL_OF_THEM else [(label, value)]
    if name not in NOT_COUNTED:
        pairs += _people([value for _, value in held if _is_frame(value)])
    pairs += [("confidence", settings.get("confidence"))]
    convergence = getattr(result, "convergence", None)
    if convergence is not None:
        pairs += [("converged", convergence.converged), ("iterations", convergence.iterations)]
    done = set()
    for label, value in pairs:
        written = _written(label, value, language)
        if written and label not in done:
            done.add(label)
            yield _label(label, language), written


def _named(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The values of a mapping, without text that names people."""
    return [(key, held) for key, held in value.items() if not (key in PERSONAL and isinstance(held, str))]


def _people(frames: Sequence[Any]) -> list[tuple[str, int]]:
    """How many employees and raters the tables are about."""
    found = []
    for label, column in (("ratees", "ratee"), ("raters", "rater")):
        counts = [int(frame[column].nunique()) for frame in frames if column in frame]
        counts += [
            int(frame.loc[frame["facet"] == column, "element"].nunique())
            for frame in frames
            if {"facet", "element"} <= set(frame.columns)
        ]
        if any(counts):
            found.append((label, max(counts)))
    return found


def _label(key: str, language: wording.Language) -> str:
    for candidate in (f"display.{key}", key):
        if wording.has_label(candidate):
            return wording.label(candidate, language)
    return key.replace("_", " ")


def _written(label: str, value: Any, language: wording.Language) -> str:
    """One value in a few letters; "" where there is none."""
    if hasattr(value, "item"):  # of numpy: a number, or how many there are
        value = value.item() if value.ndim == 0 else len(value)
    if value is None or (isinstance(value, str) and not value):
        return ""
    if isinstance(value, bool):
        return word("yes" if value else "no", language)
    if isinstance(value, float):
        if label == "confidence":
            return wording.percent(value, 0, language)
        return f"{value:.1e}" if 0 < abs(value) < 0.01 else wording.number(value, 0 if value % 1 == 0 else 2, language)
    if isinstance(value, int):
        return wording.number(value, 0, language)
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(type(value), "model_fields"):  # the sources of the parameters
        return ", ".join(f"{key} {len(held)}" for key, held in value if held)
    if not isinstance(value, (str, Path)) and hasattr(value, "__len__"):
        return wording.number(len(value), 0, language)
    clean = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"
