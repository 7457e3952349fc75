"""Section 10: rules with source and status, parameters, versions, hashes, limits of use; people decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from kinerja import wording
from kinerja.evaluation import Evaluation
from kinerja.show.blocks import Block, bullets, heading, prose
from kinerja.show.tables import Table, code, day, table, words


def annex(evaluation: Evaluation, language: wording.Language) -> Iterator[Block | Table]:
    yield heading("annex.limits", language, level=3, anchor="limits")
    yield bullets(["annex.limit_people", "annex.limit_threshold", "annex.limit_ecology"], language)
    objection = evaluation.parameters.objection
    if objection.days is not None:
        to = objection.to or wording.MISSING
        yield prose("annex.limit_objection", language=language, days=objection.days, to=to)
    yield rules_table(evaluation, language)
    yield table(
        _rows(_flat(evaluation.parameters.model_dump(mode="json"))),
        columns=[words("key"), words("setting")],
        language=language,
        caption_key="annex.settings",
        name="parameters",
        limit=80,
    )
    yield table(
        # The hash of the code changes with every edit, also of a comment: it stands in the manifest only.
        _rows({key: value for key, value in evaluation.identity.items() if key != "code"}),
        columns=[words("key"), words("setting")],
        language=language,
        caption_key="annex.versions",
        name="versions",
    )


def rules_table(evaluation: Evaluation, language: wording.Language) -> Table:
    """The rules in force, with how far each is verified."""
    rules = evaluation.rules[evaluation.rules["in_force"]].rename(columns={"status": "rule_status"})
    # A rule's file names its source once, where it has to say something of it in English.
    told = {name: rules[name].map(lambda words: wording.said(words, language)) for name in ("document", "article")}
    return table(
        rules.assign(**told),
        columns=[
            words(f"title_{language}", label=wording.label("rule", language)),
            words("document"),
            words("article"),
            code("rule_status"),
            day("since"),
            words("address"),
        ],
        language=language,
        caption_key="annex.rules",
        note_key="annex.rules_note",
        name="rules",
    )


def _rows(values: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({"key": list(values), "setting": [str(value) for value in values.values()]})


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys; what is not set is left out."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        elif value not in (None, [], {}, ""):
            flat[f"{prefix}{key}"] = _shown(value)
    return flat


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(str(_brief(item)) for item in value)
    return value


def _brief(item: Any) -> Any:
    return item.get("path", item) if isinstance(item, Mapping) else item
