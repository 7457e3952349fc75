"""Write a run's files so that a reader never finds half of one: first into a folder beside the target, then moved."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kinerja import labels
from kinerja.errors import KinerjaError, Problem

STAGE = ".kinerja-"
"""How the temporary folder's name begins; one left by a killed process can be deleted at any time."""


class WriteError(KinerjaError):
    """A folder or file cannot be written: read-only, locked by another program, no space left."""


@contextmanager
def staged(folder: Path, *, last: str = "") -> Iterator[Path]:
    """A temporary folder inside `folder`; leaving the block moves its files into `folder`, one atomic replace each,
    the file called `last` at the end. On any error nothing is moved and the temporary folder is removed.

    Raises
    ------
    WriteError : names the file and the way out
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        stage = Path(tempfile.mkdtemp(prefix=f"{STAGE}{os.getpid()}-", dir=folder))
    try:
        with writing(folder):
            yield stage
            _publish(stage, folder, last)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn the system's refusal to write into a WriteError; other errors pass."""
    try:
        yield
    except OSError as error:
        if isinstance(error, (ConnectionError, TimeoutError, ChildProcessError)):
            raise
        name = Path(str(error.filename)).name if error.filename else place.name
        problem = Problem(where=str(place), column=name, found=error.strerror or str(error), code="cannot_write")
        raise WriteError(labels.problem_message([problem]), [problem]) from error


def write_text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8", newline="\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_text(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def _publish(stage: Path, folder: Path, last: str) -> None:
    found = sorted(path for path in stage.rglob("*") if path.is_file())
    ordered: Sequence[Path] = sorted(found, key=lambda path: path.name == last)
    for path in ordered:
        _flush(path)
    # A manifest that describes older files must not stand beside newer ones, not even for a moment.
    if last and any(path.name == last for path in found):
        (folder / last).unlink(missing_ok=True)
    for path in ordered:
        target = folder / path.relative_to(stage)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def sweep(folder: Path) -> None:
    """Remove what a killed process left: a temporary folder whose process is gone, or that is a day old."""
    for left in folder.glob(f"{STAGE}*"):
        process = left.name.removeprefix(STAGE).split("-")[0]
        gone = process.isdigit() and Path("/proc").is_dir() and not _alive(process)
        if gone or time.time() - left.stat().st_mtime > 86_400:
            shutil.rmtree(left, ignore_errors=True)


def _alive(process: str) -> bool:
    """Whether a process still runs; one that was killed but not yet waited for does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def _flush(path: Path) -> None:
    """The bytes are on the disk before the name points to them."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
