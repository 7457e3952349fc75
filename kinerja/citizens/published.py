"""Published figures recomputed: do the index and grade that an office printed follow from its own element means?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd

from kinerja.errors import RuleError
from kinerja.results import CANNOT, OK
from kinerja.rules import Rules, round_half_up
from kinerja.rules.lookup import element_weight, elements, grade, skm_multiplier
from kinerja.rules.periods import period_end

PUBLISHED_COLUMNS = (
    "period", "unit", "element", "published", "recomputed", "difference", "rounding", "reproduced_by", "mismatch",
    "published_grade", "grade", "grade_mismatch", "status", "reason",
)  # fmt: skip
INDEX = "index"
MOST_DECIMALS = 2


def compare_published(
    published: pd.DataFrame, index: pd.DataFrame, parts: pd.DataFrame, *, rules: Rules, weights: str, from_means: bool
) -> pd.DataFrame:
    """PUBLISHED_COLUMNS, one row a published figure (period, unit, element or `index`, value, grade).

    index, parts : INDEX_COLUMNS and ELEMENT_COLUMNS of all periods, levels office and unit
    from_means : the figures come from element means that were themselves rounded in print

    recomputed : from the elements with `weights`; difference: published minus recomputed
    reproduced_by : the first printed weight (`weights` first) that gives the published figure to its printed decimals,
        or `rounding` where the decimals of the element means can explain the difference; "" where nothing does
    rounding : the largest difference that the printed decimals of the element means can make
    mismatch : nothing reproduces the figure; grade_mismatch: the printed grade is not the published index's grade
    """
    rows = [
        _compare(p, index, parts, rules=rules, weights=weights, from_means=from_means)
        for p in ({str(k): v for k, v in row.items()} for row in _rows(published))
    ]
    table = pd.DataFrame(rows, columns=list(PUBLISHED_COLUMNS))
    for name in ("published", "recomputed", "difference", "rounding"):
        table[name] = table[name].astype(float)
    for name in ("mismatch", "grade_mismatch"):
        table[name] = table[name].astype(bool)
    return table.sort_values(["period", "unit", "element"], kind="stable", ignore_index=True)


def _rows(published: pd.DataFrame) -> list[dict[Hashable, object]]:
    """The rows with None where a value is missing."""
    return published.astype(object).where(published.notna(), None).to_dict("records")


def _compare(
    printed: Mapping[str, object],
    index: pd.DataFrame,
    parts: pd.DataFrame,
    *,
    rules: Rules,
    weights: str,
    from_means: bool,
) -> dict[str, object]:
    period, unit, element = str(printed["period"]), str(printed.get("unit") or ""), str(printed.get("element") or INDEX)
    value = float(str(printed["value"])) if printed.get("value") is not None else math.nan
    row: dict[str, object] = {
        "period": period, "unit": unit, "element": element, "published": value, "recomputed": np.nan, "difference":
        np.nan, "rounding": 0.0, "reproduced_by": "", "mismatch": False, "published_grade": str(printed.get("grade") or
        ""), "grade": "", "grade_mismatch": False, "status": CANNOT, "reason": "",
    }  # fmt: skip
    own_index, own_parts = _of(index, period, unit), _of(parts, period, unit)
    if not math.isfinite(value):
        return row | {"reason": "no_published_value"}
    if own_index.empty:
        return row | {"reason": "unit_without_data"}
    if element != INDEX:
        return row | _one_element(value, element, own_parts)
    rule = str(own_index["rule"].iloc[0])
    then = rules.at(period_end(period) or rules.on)
    if not rule or not np.isfinite(own_index["estimate"].iloc[0]):
        return row | {"reason": str(own_index["reason"].iloc[0])}
    return (
        row
        | _whole(value, own_parts, then, rule, weights, from_means)
        | _grades(value, str(row["published_grade"]), then, rule)
    )


def _of(table: pd.DataFrame, period: str, unit: str) -> pd.DataFrame:
    wanted = (table["period"] == period) & table["level"].isin(["office", "unit"]) & (table["unit"] == unit)
    return table[wanted]


def _one_element(value: float, element: str, parts: pd.DataFrame) -> dict[str, object]:
    own = parts[(parts["element"] == element) & np.isfinite(parts["estimate"])]
    if own.empty:
        return {"reason": "element_without_answer"}
    found = float(own["estimate"].iloc[0])
    agrees = _same(value, found)
    return {"recomputed": found, "difference": value - found, "reproduced_by": "mean" if agrees else "", "mismatch":
    not agrees,
            "status": OK}  # fmt: skip


def _whole(
    value: float, parts: pd.DataFrame, rules: Rules, rule: str, weights: str, from_means: bool
) -> dict[str, object]:
    means = parts.set_index("element")["estimate"].reindex(list(elements(rules, rule=rule)))
    order = [weights, *(w for w in rules.values(rule)["weights"] if w != weights)]
    known = [w for w in order if w in rules.values(rule)["weights"]]
    factor = {w: element_weight(rules, rule=rule, weights=w) * skm_multiplier(rules, rule=rule) for w in known}
    total = math.fsum(means)
    recomputed = total * factor[known[0]]
    rounding = _rounding(means.to_list()) * factor[known[0]] if from_means else 0.0
    by = next((w for w in known if _same(value, total * factor[w])), "")
    if not by and abs(value - recomputed) <= rounding + 0.5 * 10.0 ** -_decimals(value):
        by = "rounding"
    return {"recomputed": recomputed, "difference": value - recomputed, "rounding": rounding, "reproduced_by": by,
            "mismatch": not by, "status": OK}  # fmt: skip


def _grades(value: float, printed: str, rules: Rules, rule: str) -> dict[str, object]:
    try:
        expected = grade(rules, value, rule=rule)
    except RuleError:  # an index that cannot be: the figure itself is the mismatch
        return {
            "grade": "",
            "grade_mismatch": bool(printed),
            "mismatch": True,
            "reproduced_by": "",
            "reason": "impossible_index",
        }
    letter = printed.strip().upper()
    return {"grade": expected, "grade_mismatch": bool(letter) and letter != expected}


def _same(published: float, recomputed: float) -> bool:
    decimals = _decimals(published)
    return round_half_up(recomputed, decimals) == round_half_up(published, decimals)


def _decimals(value: float) -> int:
    """Decimals shown, at most two: a trailing zero is lost when a file is read, so 76.60 counts as one decimal."""
    shown = f"{value:.{MOST_DECIMALS}f}".rstrip("0")
    return len(shown.partition(".")[2])


def _rounding(means: Sequence[float]) -> float:
    """How far the sum of the true means may be from the sum of the printed ones: half a unit of the last decimal
    each."""
    decimals = max(1, *(_shown(m) for m in means))  # a mean is never printed without decimals: 4 is 4.0 at least
    return len(means) * 0.5 * 10.0**-decimals


def _shown(value: float) -> int:
    return len(f"{value:.10f}".rstrip("0").partition(".")[2])
