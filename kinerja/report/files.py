"""Write a run's files so that a reader never finds half of one: first into a folder beside the target, looked through
for personal data, then moved; what stood there before comes back where the moving fails.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from kinerja import privacy, wording
from kinerja.errors import KinerjaError, Problem

STAGE = ".kinerja-"
"""How the temporary folder's name begins; one left by a killed process is put right by the next run (`sweep`)."""

BEFORE = "before"
"""Inside the temporary folder, while files are moved: those that stood in their place."""

LOCK = ".kinerja.lock"
"""The file whose lock says that a run works in the folder."""


class WriteError(KinerjaError):
    """A folder or file cannot be written: read-only, locked by another program, in use by another run, no space."""


@contextmanager
def staged(folder: Path, *, last: str = "", known: privacy.Known = privacy.NOBODY) -> Iterator[Path]:
    """A temporary folder inside `folder`; leaving the block moves its files into `folder`, one atomic replace each,
    the file called `last` at the end. On any error nothing is moved and the temporary folder is removed.

    known : names that must not stand in any file, and texts of the office's own that may

    Raises
    ------
    DataError : a file holds a NIP, NIK, telephone number, address or name; each place is named
    WriteError : names the file and the way out
    """
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        stage = Path(tempfile.mkdtemp(prefix=f"{STAGE}{os.getpid()}-", dir=folder))
    try:
        with writing(folder):
            yield stage
            privacy.refuse_leaks(stage, known)
            _publish(stage, folder, last)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        _leave_no_trace(new)


@contextmanager
def occupied(folder: Path) -> Iterator[None]:
    """Keep a run's folder for this process while the block runs; the system frees it when the process ends, however.

    Raises
    ------
    WriteError : another run works in it
    """
    lock = folder / LOCK
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = _locked(lock)
    if file is None:
        problem = Problem(where=str(folder), code="folder_in_use")
        raise WriteError(wording.problem_message([problem]), [problem])
    try:
        yield
    finally:
        # Elsewhere than on Windows the name goes first, so that nobody waits for a file that is about to vanish.
        if sys.platform != "win32":
            lock.unlink(missing_ok=True)
        file.close()
        if sys.platform == "win32":
            with suppress(OSError):
                lock.unlink()
        _leave_no_trace(new)


def _locked(lock: Path) -> BinaryIO | None:
    """The file, locked; None where another process has it."""
    while True:
        file = lock.open("ab")
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                return file  # a file system without locks: the runs are only as safe as each file's own replacement
            file.close()
            return None
        # The one before may have removed the name between our opening and our locking: then it locks nothing.
        if sys.platform == "win32" or _is_at(file, lock):
            return file
        file.close()


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn the system's refusal to write into a WriteError; other errors pass."""
    try:
        yield
    except OSError as error:
        if isinstance(error, (ConnectionError, TimeoutError, ChildProcessError)):
            raise
        raise write_error(error, place) from error


def write_error(error: OSError, place: Path | None = None) -> WriteError:
    """The system's refusal as an error that says what to do; place : what was to be written, where the caller knows."""
    name = Path(str(error.filename)).name if error.filename else place.name if place else ""
    where = str(place or error.filename or "")
    # The system's own words for the number: libraries put words of theirs around them.
    found = os.strerror(error.errno) if error.errno else error.strerror or str(error)
    problem = Problem(where=where, column=name, found=found, code="cannot_write")
    return WriteError(wording.problem_message([problem]), [problem])


def write_text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8", newline="\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_text(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def _publish(stage: Path, folder: Path, last: str) -> None:
    """Move every file to its place; where one cannot be moved (another program holds it), all is as it was before."""
    found = sorted(path for path in stage.rglob("*") if path.is_file())
    ordered: Sequence[Path] = sorted(found, key=lambda path: path.name == last)
    for path in ordered:
        _flush(path)
    names = [path.relative_to(stage) for path in ordered]
    before = stage / BEFORE
    try:
        # A manifest that describes older files must not stand beside newer ones, not even for a moment: it goes first.
        for name in reversed(names):
            _move(folder / name, before / name)
        for name in names:
            _move(stage / name, folder / name)
    except BaseException:
        for name in names:
            if not (stage / name).exists() and not (before / name).exists():
                (folder / name).unlink(missing_ok=True)
        _restore(before, folder)
        raise


def _restore(before: Path, folder: Path) -> None:
    for path in sorted(path for path in before.rglob("*") if path.is_file()):
        _move(path, folder / path.relative_to(before))


def _move(path: Path, target: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def _leave_no_trace(new: Sequence[Path]) -> None:
    """Folders made for a run that wrote nothing."""
    for place in new:
        try:
            place.rmdir()
        except OSError:
            return


def sweep(folder: Path) -> None:
    """Put right what a killed process left: a temporary folder whose process is gone, or that is a day old.

    Where it was killed while moving, the earlier files come back; the run is then simply made again.
    """
    for left in folder.glob(f"{STAGE}*-*"):
        process = left.name.removeprefix(STAGE).split("-")[0]
        gone = process.isdigit() and Path("/proc").is_dir() and not _alive(process)
        if gone or time.time() - left.stat().st_mtime > 86_400:
            # Nothing left to move means that it was killed after the last file: the new ones stand.
            if any(path.is_file() for path in left.rglob("*") if BEFORE not in path.relative_to(left).parts[:1]):
                _restore(left / BEFORE, folder)
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
