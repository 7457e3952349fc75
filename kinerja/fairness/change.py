"""Does calibration widen or narrow a gap? The two gaps side by side, and the change with its own error.

Each person is their own comparison: what is tested is the gap in the adjustments, so that ordinary differences
between people play no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kinerja.fairness.check import Check, Given, Settings, Tables, records
from kinerja.fairness.check_table import clusters_of, is_number, judged, pooled_spread
from kinerja.fairness.gaps import clustered_p, estimate_mean_gap
from kinerja.fairness.groups import Comparison, values_of
from kinerja.fairness.verdict import adjust_within, hide, typed
from kinerja.results import CANNOT, OK, Finding

CHANGE_COLUMNS = (
    "attribute", "group", "reference", "before", "after", "measure", "n_group", "n_reference", "gap_before",
    "gap_after",
    "estimate", "std_error", "conf_low", "conf_high", "change", "direction", "p", "deff", "p_clustered", "p_adjusted",
    "family", "family_size", "room", "verdict", "review", "n", "status", "reason",
)  # fmt: skip
_TEXT = (
    "attribute", "group", "reference", "before", "after", "measure", "direction", "family", "verdict", "status",
    "reason",
)  # fmt: skip


def change_table(
    people: pd.DataFrame, compared: Iterable[Comparison], pairs: Sequence[tuple[str, str]], settings: Settings
) -> pd.DataFrame:
    """One row a comparison, pair of outcomes (before, after) and measure.

    estimate : gap after minus gap before; change : |gap after| - |gap before|, positive = wider; direction : widens,
        narrows or same. The verdict is on the estimate: is there a change at all? `material` counts in standard
        deviations of `before`.
    """
    rows = [
        _row(people, comparison, before, after, measure, settings)
        for comparison in compared
        for before, after in pairs
        if before in people and after in people
        for measure in (("mean",) if is_number(people[before]) else ("top_rate", "bottom_rate"))
    ]
    table = pd.DataFrame(rows).reindex(columns=[*CHANGE_COLUMNS, "hidden"])
    if rows:
        table["family"] = table["attribute"]
        table["p_adjusted"] = adjust_within(table, "p_clustered", table["family"], settings.family)
        table["family_size"] = table.groupby("family")["p_clustered"].transform("count")
        table = judged(table, settings)
        table["review"] = (table["verdict"] == "shown") & (table["direction"] == "widens")
    finished = typed(table.drop(columns="hidden"), _TEXT, ("n_group", "n_reference", "family_size", "n"), ("review",))
    return hide(finished, table["hidden"].eq(True), ("before", "after"))


def _row(
    people: pd.DataFrame, comparison: Comparison, before: str, after: str, measure: str, settings: Settings
) -> dict[str, Any]:
    chosen = values_of(people, comparison, before)
    chosen = chosen[chosen[after].notna()]
    inside = chosen["in_group"].to_numpy(dtype=bool)
    row: dict[str, Any] = {
        "attribute": comparison.attribute,
        "group": comparison.group,
        "reference": comparison.reference,
        "before": before,
        "after": after,
        "measure": measure,
        "n_group": int(inside.sum()),
        "n_reference": int((~inside).sum()),
        "n": len(chosen),
        "hidden": comparison.hidden,
        "status": CANNOT,
        "reason": "under_floor",
    }
    if min(row["n_group"], row["n_reference"]) < settings.minimum:
        return row
    first, second = (_numbers(chosen[c], measure, settings) for c in (before, after))
    gap_before, gap_after = (float(v[inside].mean() - v[~inside].mean()) for v in (first, second))
    moved = second - first
    row |= {"gap_before": gap_before, "gap_after": gap_after, "change": abs(gap_after) - abs(gap_before)}
    if not np.any(np.abs(moved) > 1e-9):
        return row | {"direction": "same", "change": 0.0, "estimate": 0.0, "reason": "nothing_moved"}
    gap = estimate_mean_gap(moved[inside], moved[~inside], confidence=settings.confidence)
    if gap is None:
        return row | {"direction": "same", "reason": "no_variation"}
    effect = clusters_of(chosen, moved, settings)
    wider = float(np.sqrt(effect.deff))
    # where nobody differed before (no top predikat at all), the movements themselves are the yardstick
    spread = pooled_spread(first, inside) or pooled_spread(moved, inside)
    return row | {
        "direction": "widens" if row["change"] > 0 else "narrows",
        "estimate": gap.difference,
        "std_error": gap.std_error * wider,
        "conf_low": gap.difference + (gap.conf_low - gap.difference) * wider,
        "conf_high": gap.difference + (gap.conf_high - gap.difference) * wider,
        "p": gap.p,
        "deff": effect.deff,
        "p_clustered": clustered_p(gap.p, effect),
        "room": max(abs(gap.difference + (v - gap.difference) * wider) for v in (gap.conf_low, gap.conf_high)) / spread,
        "status": OK,
        "reason": "",
    }


def _numbers(values: pd.Series, measure: str, settings: Settings) -> np.ndarray:
    if measure == "mean":
        return values.to_numpy(dtype=float)
    return values.isin(settings.top if measure == "top_rate" else settings.bottom).to_numpy(dtype=float)


def _findings(given: Given, tables: Tables) -> Iterator[Finding]:
    before_after = tables["before_after"]
    moved = before_after[(before_after["verdict"] == "shown") & (before_after["status"] == OK)]
    for row in records(moved[moved["measure"] == "mean"]):
        yield Finding(
            level="caution" if row["direction"] == "widens" else "note",
            code=f"calibration_{row['direction']}",
            data={"attribute": row["attribute"], "group": row["group"], "reference": row["reference"],
                  "before": float(row["gap_before"]), "after": float(row["gap_after"])},
        )  # fmt: skip


CHECK = Check(
    name="before_after",
    columns=CHANGE_COLUMNS,
    run=lambda given: change_table(given.persons, given.single, given.options.changes, given.settings),
    findings=_findings,
)
