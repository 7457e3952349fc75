"""Comments without names and numbers, and the last look at every file that a run writes."""

from __future__ import annotations

import gzip
import html
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kinerja import wording
from kinerja.errors import DataError, Problem
from kinerja.privacy.patterns import (
    ADDRESS,
    LANDLINE,
    TITLED,
    Found,
    find_personal,
    is_office,
    masked,
)
from kinerja.privacy.scan_pdf import pdf_text

MARKS = {"nip": "[nomor]", "nik": "[nomor]", "phone": "[telepon]", "email": "[surel]", "name": "[nama]"}
"""What stands instead of personal data in a comment."""

LARGEST_PART = 256 * 1024**2
"""Bytes of one packed part that the scanner looks through."""


def redact(text: str, names: Sequence[str] = ()) -> str:
    """The comment without numbers, e-mail and postal addresses, given full names and titled names (`Pak Asep`)."""
    found = sorted(find_personal(text, names), key=lambda f: (f.start, -f.end))
    out, end = [], 0
    for one in found:
        if one.start >= end:
            out += [text[end : one.start], MARKS[one.kind]]
            end = one.end
    text = "".join([*out, text[end:]])
    text = LANDLINE.sub("[telepon]", text)
    text = ADDRESS.sub("[alamat]", text)
    return TITLED.sub(lambda m: m[0] if is_office(m[2].split()[0]) else f"{m[1]} [nama]", text)


def redact_column(column: pd.Series, names: Sequence[str] = ()) -> tuple[pd.Series, int]:
    """Redacted comments and how many of them changed."""
    changed = {text: redact(str(text), names) for text in column.dropna().unique()}
    clean = column.map(changed)
    return clean.where(column.notna(), None), int(((clean != column) & column.notna()).sum())


def scan_text(text: str, names: Sequence[str] = ()) -> tuple[Found, ...]:
    """Personal data in a text about to leave: NIP, NIK, telephone numbers, e-mail addresses, the given names."""
    return tuple(find_personal(text, names))


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the scanner must know of a run: `names` that must not appear in full, and the office's `own` texts (its
    head, where to object), whose names, telephone numbers and addresses it publishes itself."""

    names: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


NOBODY = Known()


def scan_files(paths: Iterable[Path] | Path, known: Known = NOBODY) -> tuple[Problem, ...]:
    """One Problem for each kind of personal data in each file: text, HTML, notebooks, XLSX, Parquet, PDF, archives.

    paths : files, or one folder, looked through with everything below it
    """
    if isinstance(paths, Path):
        paths = sorted(p for p in paths.rglob("*") if p.is_file()) if paths.is_dir() else [paths]
    problems = []
    for path in paths:
        seen: set[str] = set()
        for part, text in texts_of(path.read_bytes(), path.name):
            for found in find_personal(text, known.names):
                if found.kind not in seen and not _is_own(text[found.start : found.end], found.kind, known):
                    seen.add(found.kind)
                    problems.append(_leak(path.name, part, text, found))
    return tuple(problems)


def refuse_leaks(paths: Iterable[Path] | Path, known: Known = NOBODY) -> None:
    """Raise where `scan_files` finds anything.

    Raises
    ------
    DataError : with one Problem a file and kind
    """
    problems = scan_files(paths, known)
    if problems:
        raise DataError(wording.problem_message(problems), problems)


def _is_own(written: str, kind: str, known: Known) -> bool:
    """The office's own contact; a NIP or NIK is nobody's contact."""
    return kind not in ("nip", "nik") and any(written.casefold() in text.casefold() for text in known.own)


def _leak(name: str, part: str, text: str, found: Found) -> Problem:
    row = text.count("\n", 0, found.start) + 1
    written = text[found.start : found.end]
    shown = masked(written) if found.kind in ("nip", "nik") else written[:3] + "…"
    return Problem(
        where=f"{name}{': ' + part if part else ''}", row=row, found=shown, code="leaked", data={"kind": found.kind}
    )


def texts_of(content: bytes, name: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """(part, text) of everything that a person could read in a file."""
    if content.startswith(b"PK\x03\x04") and depth < 3:
        yield from _packed(content, depth)
    elif content.startswith(b"PAR1"):
        yield "", _parquet(content)
    elif content.startswith(b"\x1f\x8b") and depth < 3:
        yield from texts_of(gzip.GzipFile(fileobj=io.BytesIO(content)).read(LARGEST_PART), name, depth + 1)
    elif content.startswith(b"%PDF"):
        yield "", pdf_text(content, LARGEST_PART)
    elif b"\0" not in content[:4096]:
        text = content.decode("utf-8", errors="replace")
        yield "", text
        if "<" in text or "&" in text or "\\u" in text:
            yield "", readable(text)


def readable(text: str) -> str:
    """A page or workbook part without its tags and entities: what they split or spell is whole again."""
    # A tab, which stands in no number: two cells beside each other are two numbers.
    text = re.sub(r"(?is)</?(?:br|p|td|th|tr|li|div|dt|dd|h[1-6]|text|c|row|si|is)\b[^>]*>", "\t", text)
    text = html.unescape(re.sub(r"<[^>]{0,2000}>", "", text))
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)


def _packed(content: bytes, depth: int) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if member.file_size <= LARGEST_PART and not member.is_dir():
                for _, text in texts_of(archive.read(member), member.filename, depth + 1):
                    yield member.filename, text


def _parquet(content: bytes) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(content))
    columns = [f for f in table.schema if not (pa.types.is_floating(f.type) or pa.types.is_boolean(f.type))]
    values = (str(v) for f in columns for v in table.column(f.name).unique().to_pylist() if v is not None)
    return "\n".join([*table.schema.names, *values])
