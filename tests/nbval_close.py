"""A plugin for nbval: a stored number and today's may differ in their last digits, nothing else may.

Two processors add the same numbers in another order (each has its own routines in a numerics library), so that a fit's
tenth digit is not the same on both. Within one machine `kinerja verify` asks for equality to the byte.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from nbval.plugin import IPyNbCell

NUMBER = re.compile(r"(\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)")
RELATIVE = 1e-5  # where two runs of an optimiser stop apart from each other, at most
ABSOLUTE = 2e-6  # the last digit of a coordinate in a drawing


def close(found: str, stored: str) -> bool:
    """Whether two texts are the same but for the last digits of decimal numbers; whole numbers must be equal."""
    one, other = NUMBER.split(found), NUMBER.split(stored)
    return len(one) == len(other) and all(
        a == b or (place % 2 == 1 and _near(a, b)) for place, (a, b) in enumerate(zip(one, other, strict=True))
    )


def _near(a: str, b: str) -> bool:
    if a.isdigit() and b.isdigit():
        return False
    x, y = (float(text.replace(",", ".")) for text in (a, b))
    return abs(x - y) <= ABSOLUTE + RELATIVE * max(abs(x), abs(y))


def _aligned(found: Any, stored: Any) -> Any:
    """`found`, with each text replaced by the stored one that it is close to."""
    if isinstance(found, str) and isinstance(stored, str):
        return stored if close(found, stored) else found
    if isinstance(found, dict) and isinstance(stored, dict):
        for key in found.keys() & stored.keys():
            found[key] = _aligned(found[key], stored[key])
    if isinstance(found, list) and isinstance(stored, list) and len(found) == len(stored):
        found[:] = [_aligned(a, b) for a, b in zip(found, stored, strict=True)]
    return found


_exact = IPyNbCell.compare_outputs


def compare_outputs(self: IPyNbCell, test: list[Any], ref: list[Any], skip_compare: Any = None) -> bool:
    return bool(_exact(self, _aligned(copy.deepcopy(test), ref), ref, skip_compare))


IPyNbCell.compare_outputs = compare_outputs
