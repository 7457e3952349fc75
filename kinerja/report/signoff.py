"""A reviewer's name and remarks, bound to the hash of a run's manifest: whatever changes the run ends the sign-off."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kinerja import wording
from kinerja.errors import DataError, ParameterError
from kinerja.results.shown import Shown

FILE = "signoff.json"
MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True, repr=False)
class Signoff(Shown):
    """Who reviewed a run.

    Fields
    ------
    file : signoff.json beside the manifest
    name, remarks : the reviewer's, as given
    manifest : SHA-256 of the manifest that was signed
    at : when, with the clock's zone
    fits : whether that manifest is still the one in the folder
    """

    file: Path
    name: str
    remarks: str
    manifest: str
    at: str
    fits: bool


def sign_off(folder: Path, *, name: str, remarks: str = "") -> Signoff:
    """Write signoff.json into a run's folder; a later sign-off keeps the earlier ones in `history`.

    Raises
    ------
    ParameterError : no name
    DataError : the folder holds no manifest
    """
    if not name.strip():
        raise wording.refusal(ParameterError, "signoff_no_name", where="--name", found=repr(name))
    digest = manifest_hash(folder)
    if digest is None:
        raise wording.refusal(DataError, "no_manifest", where=str(folder.resolve()), name=MANIFEST)
    file = folder / FILE
    earlier = _content(file)
    history = [*earlier.pop("history", []), earlier] if earlier else []
    signed = {
        "name": name.strip(),
        "remarks": remarks.strip(),
        "manifest_sha256": digest,
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    _write(file, {**signed, "history": history})
    found = read_signoff(folder)
    assert found is not None
    return found


def read_signoff(folder: Path) -> Signoff | None:
    """The sign-off of a run, None where nobody signed.

    Raises
    ------
    DataError : the file is damaged
    """
    content = _content(folder / FILE)
    if not content:
        return None
    return Signoff(
        file=folder / FILE,
        name=str(content["name"]),
        remarks=str(content["remarks"]),
        manifest=str(content["manifest_sha256"]),
        at=str(content["at"]),
        fits=content["manifest_sha256"] == manifest_hash(folder),
    )


def manifest_hash(folder: Path) -> str | None:
    """SHA-256 of the manifest's bytes, None where there is none."""
    path = folder / MANIFEST
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _content(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        _ = content["name"], content["remarks"], content["manifest_sha256"], content["at"]
    except (ValueError, KeyError, TypeError) as error:
        where = f"{file.parent.name}/{FILE}"
        raise wording.refusal(DataError, "signoff_damaged", where=where, found=type(error).__name__) from error
    return content


def _write(file: Path, content: dict[str, Any]) -> None:
    beside = file.with_name(f".{FILE}.new")
    beside.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    beside.replace(file)
