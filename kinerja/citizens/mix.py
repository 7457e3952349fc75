"""Units raw and adjusted for who answered, beside each other, and which attributes make the difference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kinerja.citizens.case_mix import adjust_case_mix
from kinerja.results import ESTIMATE_COLUMNS, OK, Finding

MIX_COLUMNS = (
    "unit", "n", "observed", "adjusted", "difference", "std_error", "conf_low", "conf_high", "rank_observed",
    "rank_adjusted", "rank_change", "status", "reason",
)  # fmt: skip
ATTRIBUTE_COLUMNS = ("attribute", "level", *ESTIMATE_COLUMNS, "shift_sd")


def mix_tables(
    responses: pd.DataFrame,
    *,
    attributes: Sequence[str],
    elements: Sequence[str],
    scale: tuple[float, float],
    confidence: float,
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Finding, ...]]:
    """MIX_COLUMNS by unit (points), ATTRIBUTE_COLUMNS by level of an attribute, and a finding on how many units move.

    Nobody is screened out here: the adjustment shows what the mix of respondents does, and nothing else.
    shift_sd : SD over units of what the attribute alone moves them by, points; large means that the attribute matters
    """
    used = [a for a in attributes if a in responses]
    if not used or "unit" not in responses or responses["unit"].nunique() < 2:
        return pd.DataFrame(columns=list(MIX_COLUMNS)), pd.DataFrame(columns=list(ATTRIBUTE_COLUMNS)), ()
    kept = responses[responses["unit"].notna() & (responses["unit"] != "")]
    rows = kept[["period", "unit", *used, *(e for e in elements if e in kept)]]
    options = {"screen": False, "scale": scale, "elements": tuple(elements), "confidence": confidence}
    found = adjust_case_mix(rows, attributes=used, **options)  # type: ignore[arg-type]
    alone = {a: adjust_case_mix(rows, attributes=[a], **options).points for a in used}  # type: ignore[arg-type]
    table = found.points.copy()
    table["difference"] = table["adjusted"] - table["observed"]
    for name in ("observed", "adjusted"):
        table[f"rank_{name}"] = table[name].rank(ascending=False, method="min")
    table["rank_change"] = table["rank_observed"] - table["rank_adjusted"]
    moved = int((table["rank_change"].abs() > 0).sum())
    weights = found.coefficients.copy()
    shifts = {a: float((p["adjusted"] - p["observed"]).std()) for a, p in alone.items()}
    weights["shift_sd"] = weights["attribute"].map(shifts).astype(float)
    largest = float(np.nanmax(np.abs(table["difference"]))) if (table["status"] == OK).any() else 0.0
    finding = Finding(level="note", code="case_mix_moves", data={"n": moved, "total": len(table), "largest": largest})
    return table[list(MIX_COLUMNS)], weights[list(ATTRIBUTE_COLUMNS)], (finding,)
