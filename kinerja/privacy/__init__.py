"""Who may be seen: keyed pseudonyms at the door, personal numbers found anywhere, small cells withheld.

Redaction and the scanner live in `scan`, suppression in `suppression`; they are reached from here.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pandas as pd

from kinerja import wording
from kinerja.errors import ParameterError, Problem
from kinerja.parameters import Privacy
from kinerja.privacy.patterns import is_personal_number, masked
from kinerja.privacy.scan import NOBODY, Known, redact, redact_column, refuse_leaks, scan_files, scan_text, texts_of
from kinerja.privacy.suppression import suppress, suppress_together

__all__ = [
    "KEY_VARIABLE",
    "MAY_SEE",
    "NOBODY",
    "Content",
    "Known",
    "Reader",
    "is_personal_number",
    "load_key",
    "masked",
    "may_see",
    "pseudonym",
    "pseudonymise",
    "redact",
    "redact_column",
    "refuse_leaks",
    "scan_files",
    "scan_text",
    "suppress",
    "suppress_together",
    "texts_of",
]

KEY_VARIABLE = "KINERJA_KEY"
"""Environment variable with the pseudonyms' key, where no key file is named."""

SHORTEST_KEY = 16
"""Letters; a shorter key can be found by trying."""

Reader = Literal["office", "unit_head", "employee", "public"]
Content = Literal["person", "own_person", "rater", "own_unit", "unit", "office", "comment", "data_problems"]

MAY_SEE: Mapping[Reader, frozenset[Content]] = {
    "office": frozenset(("person", "own_person", "rater", "own_unit", "unit", "office", "comment", "data_problems")),
    "unit_head": frozenset(("own_person", "own_unit", "unit", "office", "comment")),
    "employee": frozenset(("own_person", "own_unit", "office")),
    "public": frozenset(("unit", "office")),
}
"""What a report made for each reader contains; what is not contained is not written at all, rather than hidden."""


def may_see(reader: Reader, content: Content) -> bool:
    """Whether a report for this reader contains this content."""
    return content in MAY_SEE[reader]


def load_key(settings: Privacy) -> bytes | None:
    """The pseudonyms' key: the file's content, else the environment variable; None where neither is given.

    Raises
    ------
    ParameterError : the key file cannot be read, or the key is shorter than SHORTEST_KEY letters
    """
    if settings.key_file is not None:
        where, key = "privacy.key_file", _key_of(settings.key_file)
    elif os.environ.get(KEY_VARIABLE):
        where, key = KEY_VARIABLE, os.environ[KEY_VARIABLE].strip().encode()
    else:
        return None
    if len(key) < SHORTEST_KEY:
        raise _refused(Problem(where=where, code="short_key", data={"limit": SHORTEST_KEY}))
    return key


def _key_of(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise _refused(Problem(where="privacy.key_file", found=error.strerror or "", code="unreadable")) from None


def _refused(problem: Problem) -> ParameterError:
    return ParameterError(wording.problem_message([problem]), [problem])


_DIGITS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody mistakes for one another (no i, l, o, 0, 1)."""


def pseudonym(identifier: str, key: bytes) -> str:
    """`p-` and 12 letters of HMAC-SHA256 (59 bits): the same person has the same one in every run with the same key.

    An unkeyed hash would not do: the space of NIP is small enough to try all of them (rules 6.2).
    """
    number = int.from_bytes(hmac.new(key, identifier.encode(), hashlib.sha256).digest()[:16], "big")
    letters = []
    for _ in range(12):
        number, digit = divmod(number, len(_DIGITS))
        letters.append(_DIGITS[digit])
    return "p-" + "".join(letters)


def pseudonymise(column: pd.Series, key: bytes) -> pd.Series:
    """Pseudonyms of a column of ids; missing stays missing."""
    return column.map({value: pseudonym(str(value), key) for value in column.dropna().unique()})
