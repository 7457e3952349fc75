"""The index from period to period, and whether a change is more than the two samples' uncertainty."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

TREND_COLUMNS = (
    "period", "level", "group", "rule", "estimate", "std_error", "conf_low", "conf_high", "n", "status", "reason",
    "grade", "points", "change", "change_std_error", "change_low", "change_high", "change_shown",
)  # fmt: skip


def trend_table(index: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """TREND_COLUMNS of the office and its units, sorted by group and period.

    change : from the period before in the data; its interval is normal, the two samples independent; where the rule
        changed between the two, there is none. change_shown: the interval leaves out zero
    """
    rows = index[index["level"].isin(["office", "unit"])].sort_values(["level", "group", "period"], ignore_index=True)
    before = rows.groupby(["level", "group"], sort=False)[["estimate", "std_error", "rule"]].shift()
    comparable = rows["rule"] == before["rule"]
    table = rows[list(TREND_COLUMNS[:13])].copy()
    estimate, error = rows["estimate"].astype(float), rows["std_error"].astype(float)
    table["change"] = (estimate - before["estimate"].astype(float)).where(comparable)
    variance = (error**2 + before["std_error"].astype(float) ** 2).where(comparable)
    table["change_std_error"] = np.sqrt(variance)
    reach = stats.norm.ppf(0.5 + confidence / 2) * table["change_std_error"]
    table["change_low"], table["change_high"] = table["change"] - reach, table["change"] + reach
    table["change_shown"] = (table["change_low"] > 0) | (table["change_high"] < 0)
    return table
