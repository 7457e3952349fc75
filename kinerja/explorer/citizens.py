"""What the explorer shows of citizens: the satisfaction index and its elements, as the run estimated them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from kinerja.evaluation import Evaluation

_COLUMNS = ["n", "estimate", "conf_low", "conf_high", "status", "reason"]
_LEVELS = {"unit": ("office", "unit"), "service": ("office", "unit", "service", "unit+service")}


def citizens_of(evaluation: Evaluation, *, by: str) -> pd.DataFrame:
    """Rows of every total of a view: period, unit, service, element where `by` needs them; missing means "all of them".

    by : unit or period (every period), service (the run's own), element (the run's own; mean in the scale's unit)
    """
    feedback = evaluation.citizens
    if feedback is None:
        return pd.DataFrame(columns=["period", "unit", "service", "element", *_COLUMNS])
    if by in ("unit", "period"):
        rows = feedback.trend[feedback.trend["level"].isin(_LEVELS["unit"])]
        return rows.assign(unit=rows["group"].where(rows["level"] == "unit"))[["period", "unit", *_COLUMNS]]
    table = feedback.elements if by == "element" else feedback.index
    rows = table[table["level"].isin(_LEVELS["service" if by == "service" else "unit"])]
    placed = {name: rows[name].where(rows["level"].str.contains(name)) for name in ("unit", "service")}
    columns = ["period", "unit", "element"] if by == "element" else ["period", "unit", "service"]
    return rows.assign(**placed)[[*columns, *_COLUMNS]]
