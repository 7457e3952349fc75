"""The way from the observed to the calibrated score, in parts that sum exactly, on paper too."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

STEP_COLUMNS = ("step", "kind", "points", "printed", "n", "n_hidden")
OF_SUPERVISOR = ("from_links", "from_feedback", "from_indicators", "from_culture")
"""Parts that say how strict the supervisor is, each from another source of evidence."""
PART_ORDER = ("from_supervisor", *OF_SUPERVISOR, "from_group", "from_reliability")
"""Parts that have a sentence of their own; any further `from_` column of the calibration follows by name."""

_EXACT = 1e-9


def step_table(person: Mapping[str, Any], evidence: Mapping[str, int | None], *, digits: int) -> pd.DataFrame:
    """Rows `observed` (level), one `change` a part, `calibrated` (level); none where there is no score.

    person : observed, calibrated and the parts `from_*` of one person, points
    evidence : part -> how many observations it rests on; None where that number may not be shown
    points : exact; printed : with `digits` decimals, such that the printed figures sum as well
    """
    observed, calibrated = float(person["observed"]), float(person["calibrated"])
    if not (math.isfinite(observed) and math.isfinite(calibrated)):
        return _typed([])
    parts = {name: float(person[name]) for name in _parts(person)}
    rest = calibrated - observed - math.fsum(parts.values())
    if abs(rest) > _EXACT:
        parts["from_other"] = rest
    printed = printed_parts(observed, list(parts.values()), calibrated, digits)
    rows: list[tuple[Any, ...]] = [("observed", "level", observed, printed[0], None, False)]
    for (name, value), shown in zip(parts.items(), printed[1:-1], strict=True):
        known = name in evidence
        rows.append((name, "change", value, shown, evidence.get(name), known and evidence[name] is None))
    rows.append(("calibrated", "level", calibrated, printed[-1], None, False))
    return _typed(rows)


def taken_together(person: Mapping[str, Any]) -> dict[str, Any]:
    """The person with one part `from_supervisor` in place of one a source: two or three people who know their own
    figures could work out a colleague's from them.
    """
    kept = {name: value for name, value in person.items() if name not in OF_SUPERVISOR}
    return kept | {"from_supervisor": math.fsum(float(person[name]) for name in OF_SUPERVISOR if name in person)}


def _typed(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(STEP_COLUMNS))
    return table.astype({"points": "float64", "printed": "float64", "n": "Int64", "n_hidden": "bool"})


def printed_parts(start: float, changes: Sequence[float], end: float, digits: int) -> list[float]:
    """start, changes and end rounded to `digits` decimals so that start + changes = end in the printed figures.

    Start and end are rounded half up, as a reader would; of the changes those are moved by one unit of the last digit
    that rounding had cut most (largest remainder). A change of exactly zero stays zero.
    """
    unit = 10**digits
    first, last = _units(start, unit), _units(end, unit)
    scaled = [c * unit for c in changes]
    counts = [_units(c, unit) for c in changes]
    missing = (last - first) - sum(counts)
    way = 1 if missing > 0 else -1
    order = sorted(
        (i for i, c in enumerate(changes) if c != 0), key=lambda i: (-way * (scaled[i] - counts[i]), -abs(scaled[i]), i)
    )
    for k in range(abs(missing)):
        if order:
            counts[order[k % len(order)]] += way
    if not order:
        last = first
    return [c / unit for c in (first, *counts, last)]


def _units(value: float, unit: int) -> int:
    return int((Decimal(repr(value)) * unit).to_integral_value(rounding=ROUND_HALF_UP))


def _parts(person: Mapping[str, Any]) -> list[str]:
    others = sorted(str(c) for c in person if str(c).startswith("from_") and c not in PART_ORDER)
    return [c for c in (*PART_ORDER, *others) if c in person]
