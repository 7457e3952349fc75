"""Enough answers? Respondents against the number served, after Krejcie and Morgan (1970)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kinerja.results import CANNOT, OK
from kinerja.rules import Rules, latest
from kinerja.rules.lookup import required_sample

SAMPLE_COLUMNS = (
    "level", "group", "population", "n", "required", "more_needed", "margin_of_error", "response_share", "status",
    "reason",
)  # fmt: skip

SAMPLE_LEVEL = float(latest("sample")["level"])
"""Level of the rule's margin of error, of which its chi-squared of 3.841 is the quantile: the rule's own, whatever the
level of the run's intervals."""


def sample_sizes(index: pd.DataFrame, population: Mapping[str, int], rules: Rules) -> pd.DataFrame:
    """SAMPLE_COLUMNS for the office and each unit that answered or was served.

    required : at SAMPLE_LEVEL, for a margin of error of 5 points on a share of one half
    margin_of_error : reached with n, at the same level (share, not per cent)
    """
    of_units = index[index["level"] == "unit"]
    answered = dict(zip(of_units["group"].astype(str), of_units["n"].fillna(0).astype(int), strict=True))
    units = sorted({*answered, *population})
    rows = [_row("unit", unit, population.get(unit), answered.get(unit, 0), rules) for unit in units]
    total = sum(population.values()) if population and set(answered) <= set(population) else None
    office = index[index["level"] == "office"]["n"]
    if len(office) or rows:
        rows.insert(0, _row("office", "", total, int(office.sum()), rules))
    return pd.DataFrame(rows, columns=list(SAMPLE_COLUMNS))


def _row(level: str, group: str, population: int | None, n: int, rules: Rules) -> tuple[object, ...]:
    if population is None:
        return level, group, np.nan, n, np.nan, np.nan, np.nan, np.nan, CANNOT, "no_population"
    table = rules.values("sample")
    required = required_sample(rules, population)
    spread = table["chi_squared"] * table["proportion"] * (1 - table["proportion"])
    margin = np.sqrt(spread / n * max(population - n, 0) / max(population - 1, 1)) if n else np.nan
    more = float(max(required - n, 0))
    return level, group, float(population), n, float(required), more, margin, n / population, OK, ""
