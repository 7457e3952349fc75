"""Means of people in the cells of a view, with the totals over each choice, small cells withheld together.

Every total that the view's choices allow is in the table that is protected, not only the rows that are shown: what one
choice withholds is then not given away by taking the choice back.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from kinerja.privacy.suppression import suppress
from kinerja.results import OK

CELL_COLUMNS = ("n", "estimate", "conf_low", "conf_high", "status", "reason")


def cell_means(
    people: pd.DataFrame,
    *,
    dims: Sequence[str],
    within: str = "",
    value: str,
    beside: Sequence[str] = (),
    confidence: float,
) -> pd.DataFrame:
    """One row a cell and a total: dims, within, n, estimate (mean of `value`), conf_low, conf_high, means of `beside`.

    people : one row a person (and value of `within`), rows without `value` left out
    dims : columns crossed; missing in a row means "all of them"
    The interval is Student's for a mean; NaN for a single person.
    """
    known = people.dropna(subset=[value])
    parts = [
        _means(known, [*chosen, *filter(None, [within])], value, beside)
        for size in range(len(dims) + 1)
        for chosen in combinations(dims, size)
    ]
    rows = pd.concat(parts, ignore_index=True)
    half = stats.t.ppf((1 + confidence) / 2, np.maximum(rows["n"] - 1, 1)) * rows.pop("sd") / np.sqrt(rows["n"])
    rows = rows.assign(conf_low=rows["estimate"] - half, conf_high=rows["estimate"] + half)
    return rows.reindex(columns=[*dims, *filter(None, [within]), "n", "estimate", "conf_low", "conf_high", *beside])


def protect(
    rows: pd.DataFrame, *, dims: Sequence[str], within: str = "", values: Sequence[str], minimum: int | None
) -> pd.DataFrame:
    """The rows with `status` and `reason`; minimum None shows all of them (restricted mode)."""
    if minimum is not None:
        group = list(dims) or ["_all"]
        out = suppress(
            rows if dims else rows.assign(_all=None),
            group=group,
            values=list(values),
            within=[within] if within else [],
            minimum=minimum,
        )
        return out.drop(columns=[c for c in ("_all",) if c in out])
    return rows.assign(status=rows.get("status", OK), reason=rows.get("reason", ""))


def _means(people: pd.DataFrame, by: Sequence[str], value: str, beside: Sequence[str]) -> pd.DataFrame:
    grouped = people.groupby(list(by), sort=True) if by else people.groupby(np.zeros(len(people)))
    found = grouped.agg(
        n=("ratee", "nunique"),
        estimate=(value, "mean"),
        sd=(value, "std"),
        **{name: (name, "mean") for name in beside},
    )
    return found.reset_index(drop=not by)
