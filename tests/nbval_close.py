"""A plugin for nbval: a stored number and today's may differ by what another processor changes, nothing else may.

Two processors add the same numbers in another order (each has its own routines in a numerics library), so that a fit's
ninth digit is not the same on both. What may differ, and by how much:

- a float of a JSON output, at any depth: RELATIVE, and ABSOLUTE near zero;
- a decimal number in a text that is written out in full (four decimals or more, or an exponent): the same. One rounded
  for readers is a word like any other: 12,4 is not 12,5;
- a coordinate of a drawing: its last digit, a hundredth of a pixel;
- the version of a package that computes, and a run's id, which is made of those versions: not compared, where the annex
  and the review print them. All else that makes the id (parameters, inputs, rules) is printed beside it and compared.

Words, whole numbers, booleans, missing values, keys and the order of rows are compared exactly, and so is a number's
type: 12 is not 12.0. Within one machine `kinerja verify` asks for equality to the byte.
"""

from __future__ import annotations

import copy
import math
import re
from typing import Any

from nbval.plugin import IPyNbCell

RELATIVE = 1e-5
"""An optimiser stops where its last step no longer matters, which two processors see some steps of rounding apart.
Measured under other processors' routines, fitted figures move by 1e-8 of themselves at most; a difference of two such
figures, a hundred times smaller than either (the review's), by a hundred times as much, and ten times that is room. No
reader sees more than four digits."""
ABSOLUTE = 1e-7
"""What is left where two figures of a hundred points, alike in nine digits, should cancel to zero."""
COORDINATE = 0.0101
"""Pixels: coordinates are written with two decimals, and one that lies between two of them may go either way."""

COMPUTES = ("numpy", "pandas", "scipy", "statsmodels")
"""Packages whose version the annex prints; kinerja's own is compared."""

_ROW = r'(?:^|(?<=<th scope="row">))'  # a row's name, in plain text and in HTML
_THEN = r"(?: {2,}|</th><td[^>]*>)"
_VERSION, _RUN = r"\d+(?:\.\w+)+", "[0-9a-f]{12}"
_UNCOMPARED = re.compile(
    rf"({_ROW}(?:{'|'.join(COMPUTES)}){_THEN}){_VERSION}(?=</td>|$)"
    rf"|({_ROW}run{_THEN}){_RUN}(?=</td>|$)"
    # The review's facts; its example's second run is named by the first's id and the hash of a correction.
    rf"|(\b\d{{4}}-\w+ · )(?:{_RUN}(?=$|<| )|[0-9a-f]{{6}}(?=\+[0-9a-f]{{5}}(?:$|<| )))",
    re.MULTILINE,
)
_COORDINATES = re.compile(r'((?<=\s)(?:c?[xy]|d|r|height|transform|viewBox|width)="[^"]*")')
# Digits beside a letter are part of a name or of a hash.
_NUMBER = re.compile(r"((?<![\w.,])\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?(?!\w))")
_DECIMAL = re.compile(r"\d+(?:[.,](?P<fraction>\d+))?(?P<exponent>[eE][-+]?\d+)?")
_FULL = 4  # decimals of a number that is written out


def close(found: Any, stored: Any) -> bool:
    """Whether two outputs, or two parts of one, are the same but for what this module's first lines allow."""
    if isinstance(found, dict) and isinstance(stored, dict):
        return found.keys() == stored.keys() and all(close(found[key], stored[key]) for key in stored)
    if isinstance(found, list) and isinstance(stored, list):
        return _version_rows(found, stored) or (
            len(found) == len(stored) and all(close(a, b) for a, b in zip(found, stored, strict=True))
        )
    if type(found) is not type(stored):
        return False
    if isinstance(found, float):
        return _near(found, stored)
    return _close_texts(found, stored) if isinstance(found, str) else bool(found == stored)


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=RELATIVE, abs_tol=ABSOLUTE) or (math.isnan(a) and math.isnan(b))


def _version_rows(found: list[Any], stored: list[Any]) -> bool:
    """Whether both are the same row of the annex's table of versions, whose second value is not compared."""
    return all(_is_version_row(row) for row in (found, stored)) and found[0] == stored[0]


def _is_version_row(row: list[Any]) -> bool:
    if len(row) != 2 or not all(isinstance(value, str) for value in row):
        return False
    allowed = _VERSION if row[0] in COMPUTES else _RUN
    return (row[0] in COMPUTES or row[0] == "run") and re.fullmatch(allowed, row[1]) is not None


def _close_texts(found: str, stored: str) -> bool:
    parts = [_COORDINATES.split(_UNCOMPARED.sub(_named, text)) for text in (found, stored)]
    return len(parts[0]) == len(parts[1]) and all(
        _close_numbers(a, b, drawn=place % 2 == 1) for place, (a, b) in enumerate(zip(*parts, strict=True))
    )


def _named(match: re.Match[str]) -> str:
    return next(name for name in match.groups() if name is not None)


def _close_numbers(found: str, stored: str, *, drawn: bool) -> bool:
    one, other = _NUMBER.split(found), _NUMBER.split(stored)
    near = _near_drawn if drawn else _near_written
    return len(one) == len(other) and all(
        a == b or (place % 2 == 1 and near(a, b)) for place, (a, b) in enumerate(zip(one, other, strict=True))
    )


def _near_drawn(a: str, b: str) -> bool:
    if (a.isdigit() and b.isdigit()) or not (_DECIMAL.fullmatch(a) and _DECIMAL.fullmatch(b)):
        return False
    return abs(float(a) - float(b)) <= COORDINATE


def _near_written(a: str, b: str) -> bool:
    read = [_DECIMAL.fullmatch(text) for text in (a, b)]
    if a.isdigit() or b.isdigit() or None in read or ("," in a) != ("," in b):
        return False
    full = any(match["exponent"] or len(match["fraction"]) >= _FULL for match in read if match)
    return full and _near(*(float(text.replace(",", ".")) for text in (a, b)))


def _aligned(found: Any, stored: Any) -> Any:
    """`found`, with each part that is close to the stored one replaced by it, so that nbval shows only the others."""
    if close(found, stored):
        return stored
    if isinstance(found, dict) and isinstance(stored, dict):
        for key in found.keys() & stored.keys():
            found[key] = _aligned(found[key], stored[key])
    elif isinstance(found, list) and isinstance(stored, list) and len(found) == len(stored):
        found[:] = [_aligned(a, b) for a, b in zip(found, stored, strict=True)]
    elif found == stored:
        return repr(found)  # 1, 1.0 and True, which nbval takes for equal
    return found


_exact = IPyNbCell.compare_outputs


def compare_outputs(self: IPyNbCell, test: list[Any], ref: list[Any], skip_compare: Any = None) -> bool:
    return bool(_exact(self, _aligned(copy.deepcopy(test), copy.deepcopy(ref)), ref, skip_compare))


IPyNbCell.compare_outputs = compare_outputs
