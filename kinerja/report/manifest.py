"""The record of a run: what went in, what made it, what came out. Time and machine stand apart."""

from __future__ import annotations

import json
import platform
import socket
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kinerja
from kinerja.inputs.formats.sql import database_digest
from kinerja.report.files import sha256, sha256_text, write_text
from kinerja.results import Finding
from kinerja.rules import FOLDER as RULES

if TYPE_CHECKING:
    from kinerja.evaluation import Evaluation
    from kinerja.parameters import Parameters, Source

MANIFEST = "manifest.json"
ACCESS_RECORD = "access.jsonl"
"""Beside the manifest: who switched to the restricted mode of the explorer, when and why; no file means nobody did."""
FORMAT = 1
"""Raised when a reader of old manifests would misunderstand a new one."""

PACKAGES = (
    "babel", "ipykernel", "jinja2", "matplotlib", "nbclient", "nbconvert", "nbformat", "numpy", "openpyxl", "pandas",
    "papermill", "pyarrow", "pydantic", "pyyaml", "scipy", "statsmodels",
)  # fmt: skip
"""Those whose version can change a figure, a table or a page."""


def run_record(
    parameters: Parameters, evaluation: Evaluation | None = None, *, notebooks: Sequence[Path] = ()
) -> dict[str, Any]:
    """What decides a run's outputs: versions, parameters, inputs, rules, notebooks by content.

    `id` is the evaluation's (the same in every report of a run), `sha256` the hash of all the rest of the record.
    """
    located = parameters.located_sources
    written = parameters.sources
    inputs = [
        {"kind": kind, "path": name.path.as_posix(), **_input(place)}
        for kind in type(written).model_fields
        for name, place in zip(getattr(written, kind), getattr(located, kind), strict=True)
    ]
    record = {
        "versions": {
            "kinerja": kinerja.__version__,
            "python": platform.python_version(),
            "packages": dict(_packages()),
        },
        "parameters": parameters.model_dump(mode="json"),
        "parameters_file": {"path": parameters.file_name, "sha256": parameters.sha256},
        "inputs": inputs,
        "rules": dict(_rules()),
        "notebooks": [{"path": f"notebooks/{path.name}", "sha256": sha256(path)} for path in notebooks],
        "seed": parameters.seed,
    }
    digest = sha256_text(json.dumps(record, sort_keys=True))
    return {"id": getattr(evaluation, "id", digest[:12]), "run": parameters.run, "sha256": digest, **record}


def write_manifest(
    path: Path,
    record: Mapping[str, Any],
    *,
    findings: Iterable[Finding] = (),
    outputs: Iterable[Path] = (),
    tables: Mapping[str, str] | None = None,
    notebook_outputs: Mapping[str, str] | None = None,
    readers: Sequence[str] = (),
    started: datetime | None = None,
) -> dict[str, Any]:
    """Write the manifest and return it.

    record : of `run_record`
    findings : of the evaluation, as codes with their numbers
    outputs : files beside the manifest, each recorded with its hash
    tables, notebook_outputs : name -> SHA-256 of the content, the same on every machine with the same versions
    readers : who may read this run's outputs (privacy.readers)
    started : when the run began; only `environment` holds a clock
    """
    content = {
        "format": FORMAT,
        **record,
        "findings": [{"level": f.level, "code": f.code, "data": _plain(f.data)} for f in findings],
        "readers": list(readers),
        "access_record": ACCESS_RECORD,
        "tables": dict(tables or {}),
        "notebook_outputs": dict(notebook_outputs or {}),
        "outputs": [{"path": out.relative_to(path.parent).as_posix(), **_content(out)} for out in sorted(outputs)],
        "environment": _environment(started),
    }
    write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return content


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a run's folder; None where there is none that this version can read."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("format") == FORMAT else None


def is_current(folder: Path, record: Mapping[str, Any]) -> bool:
    """Whether the folder already holds the outputs of exactly this run, untouched."""
    manifest = read_manifest(folder)
    if manifest is None or manifest.get("sha256") != record["sha256"]:
        return False
    outputs = manifest.get("outputs", [])
    return bool(outputs) and all(_is_unchanged(folder / out["path"], out["sha256"]) for out in outputs)


def _is_unchanged(path: Path, digest: str) -> bool:
    return path.is_file() and sha256(path) == digest


def _input(source: Source) -> dict[str, Any]:
    """A file by its bytes, a database's table by the rows that it gives now."""
    return _content(source.path) if source.url is None else {"sha256": database_digest(source)}


def _content(path: Path) -> dict[str, Any]:
    return {"sha256": sha256(path), "bytes": path.stat().st_size}


@cache
def _packages() -> Mapping[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


@cache
def _rules() -> Mapping[str, str]:
    return {path.name: sha256(path) for path in sorted(RULES.glob("*/*.yaml"), key=lambda path: path.name)}


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _scalar(value) for key, value in data.items()}


def _scalar(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value


def _environment(started: datetime | None) -> dict[str, Any]:
    now = datetime.now().astimezone()
    record: dict[str, Any] = {"finished": now.isoformat(timespec="seconds")}
    if started is not None:
        record["started"] = started.isoformat(timespec="seconds")
        record["seconds"] = round((now - started).total_seconds(), 1)
    record["host"], record["system"] = socket.gethostname(), platform.platform()
    return record
