"""Saving and loading frozen records: tables as Parquet, the rest as JSON; equal content gives equal bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from kinerja import wording
from kinerja.errors import DataError
from kinerja.parameters import Parameters

RECORD = "record.json"

RECORDS: Mapping[str, str] = {
    "evaluation": "kinerja.evaluation:Evaluation",
    "finding": "kinerja.results:Finding",
    "convergence": "kinerja.results:Convergence",
    "inputs": "kinerja.inputs:Inputs",
    "scores": "kinerja.scoring:Scores",
    "citizens": "kinerja.citizens:Citizens",
    "citizens.quality": "kinerja.citizens.quality:FeedbackQuality",
    "citizens.screening": "kinerja.citizens.screening:Screening",
    "citizens.comments": "kinerja.citizens.comments:Comments",
    "raters": "kinerja.raters:RaterUse",
    "raters.rasch": "kinerja.raters.rasch:RaterFit",
    "calibration": "kinerja.calibration:Calibration",
    "calibration.rows": "kinerja.calibration.rows:Rows",
    "calibration.within": "kinerja.calibration.within:Within",
    "calibration.prior": "kinerja.calibration.prior:Prior",
    "fairness": "kinerja.fairness:Fairness",
    "moderation": "kinerja.moderation:Moderation",
    "people.sheet": "kinerja.people.sheet:Sheet",
}
"""The name a kept record has in its file -> where its class is today. A class may move or be renamed; its name in the
files of past runs never changes."""

NAMES_OF_0_1: Mapping[str, str] = {
    "kinerja.evaluation:Evaluation": "evaluation",
    "kinerja.results:Finding": "finding",
    "kinerja.results:Convergence": "convergence",
    "kinerja.sources:Inputs": "inputs",
    "kinerja.scoring:Scores": "scores",
    "kinerja.feedback:Feedback": "citizens",
    "kinerja.feedback_quality:FeedbackQuality": "citizens.quality",
    "kinerja.feedback_screening:Screening": "citizens.screening",
    "kinerja.feedback_comments:Comments": "citizens.comments",
    "kinerja.raters:RaterUse": "raters",
    "kinerja.facets:RaterFit": "raters.rasch",
    "kinerja.calibration:Calibration": "calibration",
    "kinerja.calibration_rows:Rows": "calibration.rows",
    "kinerja.calibration_spread:Within": "calibration.within",
    "kinerja.calibration_prior:Prior": "calibration.prior",
    "kinerja.bias:BiasChecks": "fairness",
    "kinerja.decisions:Moderation": "moderation",
}
"""Runs of version 0.1 name the module and the class as they were then."""

FIELDS_OF_0_1: Mapping[str, Mapping[str, str]] = {"evaluation": {"feedback": "citizens", "bias": "fairness"}}
"""Record -> field as version 0.1 called it -> its name now."""


def save_record(record: Any, folder: Path) -> None:
    """Write a frozen dataclass (with the records inside it) below `folder`, which must not hold another one."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "record": _record_name(type(record)),
        "fields": {f.name: _encode(getattr(record, f.name), folder, f.name) for f in fields(record) if f.init},
    }
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / RECORD).write_text(text, encoding="utf-8", newline="\n")


def load_record(folder: Path) -> Any:
    """Read what `save_record` wrote.

    Raises
    ------
    DataError : the folder does not hold a record of this package, or holds one of another shape (an older version's)
    """
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        name = content["record"] if "record" in content else NAMES_OF_0_1[content["class"]]
        now = FIELDS_OF_0_1.get(name, {})
        values = {now.get(field, field): _decode(value, folder) for field, value in content["fields"].items()}
        return _record_class(name)(**values)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise wording.refusal(DataError, "no_record", where=_place(folder)) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise wording.refusal(DataError, "old_record", where=_place(folder), found=type(error).__name__) from error


def _place(folder: Path) -> str:
    """The record as a person finds it: the run's folder first."""
    return f"{folder.parent.name}/{folder.name}/{RECORD}"


def _encode(value: Any, folder: Path, name: str) -> Any:
    """The value as JSON, or a reference to the file that holds it; plain values stand for themselves."""
    if isinstance(value, pd.Series):
        value.to_frame("value").to_parquet(folder / f"{name}.parquet")
        return {"$": "series", "file": f"{name}.parquet", "name": value.name}
    if isinstance(value, pd.DataFrame):
        value.to_parquet(folder / f"{name}.parquet")
        return {"$": "table", "file": f"{name}.parquet"}
    if isinstance(value, np.ndarray):
        np.save(folder / f"{name}.npy", value, allow_pickle=False)
        return {"$": "array", "file": f"{name}.npy"}
    if is_dataclass(value) and not isinstance(value, type):
        save_record(value, folder / name)
        return {"$": "record", "file": name}
    if isinstance(value, BaseModel):
        return {"$": "parameters", "value": value.model_dump(mode="json")}
    if isinstance(value, Mapping):
        pairs = [
            [_encode(k, folder, name), _encode(v, folder, f"{name}.{i}")] for i, (k, v) in enumerate(value.items())
        ]
        return {"$": "mapping", "items": pairs}
    if isinstance(value, (tuple, list)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {"$": kind, "items": [_encode(v, folder, f"{name}.{i}") for i, v in enumerate(value)]}
    if isinstance(value, (np.generic,)):
        return _encode(value.item(), folder, name)
    if isinstance(value, float) and not math.isfinite(value):
        return {"$": "float", "value": repr(value)}
    if isinstance(value, date):
        return {"$": "date", "value": value.isoformat()[:10]}
    if isinstance(value, Path):
        return {"$": "path", "value": value.as_posix()}
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"{name}: a {type(value).__name__} cannot be saved")


def _decode(value: Any, folder: Path) -> Any:
    if not isinstance(value, dict):
        return value
    kind = value["$"]
    if kind == "table":
        return pd.read_parquet(folder / value["file"])
    if kind == "series":
        return pd.read_parquet(folder / value["file"])["value"].rename(value["name"])
    if kind == "array":
        return np.load(folder / value["file"], allow_pickle=False)
    if kind == "record":
        return load_record(folder / value["file"])
    if kind == "mapping":
        return {_decode(k, folder): _decode(v, folder) for k, v in value["items"]}
    if kind in ("tuple", "list"):
        items = [_decode(v, folder) for v in value["items"]]
        return tuple(items) if kind == "tuple" else items
    return _SCALARS[kind](value["value"])


def _parameters(content: Any) -> Parameters:
    return Parameters.model_validate(content, strict=False)


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "float": float,
    "date": date.fromisoformat,
    "path": Path,
    "parameters": _parameters,
}


def _record_name(record_class: type) -> str:
    place = f"{record_class.__module__}:{record_class.__qualname__}"
    for name, home in RECORDS.items():
        if home == place:
            return name
    raise TypeError(f"a {place} cannot be saved: it has no name in RECORDS")


def _record_class(name: str) -> Any:
    """The class that a saved record names; nothing but the records of this package is ever imported."""
    module, _, qualified = RECORDS[name].partition(":")
    return getattr(import_module(module), qualified)
