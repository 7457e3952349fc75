"""Counts of predikat, the nine cells, and how the observed shares stand to the advisory pattern. Nobody is moved to
fit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kinerja import wording
from kinerja.errors import RuleError
from kinerja.rules import Rules

MATRIX_COLUMNS = ("work", "behaviour", "predikat", "n", "share")
DISTRIBUTION_COLUMNS = ("category", "n", "share", "minimum", "maximum", "deviation")
ADVISORY_COLUMNS = ("kind", "predikat", "limit", "share", "n", "deviation", "verdict")


def matrix_counts(people: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """How many people stand in each of the nine cells, from above/above down: MATRIX_COLUMNS."""
    if not rules.in_force("predikat"):
        return pd.DataFrame(columns=list(MATRIX_COLUMNS))
    table = rules.values("predikat")
    counted = people[(people["work"] != "") & (people["behaviour"] != "")].groupby(["work", "behaviour"]).size()
    total = int(counted.sum())
    rows = [
        (work, behaviour, table["matrix"][work][behaviour], int(counted.get((work, behaviour), 0)))
        for work in reversed(table["levels"])
        for behaviour in table["levels"]
    ]
    cells = pd.DataFrame(rows, columns=list(MATRIX_COLUMNS[:-1]))
    cells["share"] = cells["n"] / total if total else np.nan
    return cells


def category_shares(category: pd.Series, order: tuple[str, ...]) -> pd.DataFrame:
    """category (in `order`), n, share of those who have one."""
    known = category[category != ""].value_counts()
    n = np.array([int(known.get(name, 0)) for name in order], dtype=np.int64)
    total = n.sum()
    share = n / total if total else np.full(len(order), np.nan)
    return pd.DataFrame({"category": pd.Series(order, dtype=object), "n": n, "share": share})


def advise(shares: pd.DataFrame, rules: Rules, organisation_level: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The distribution with the pattern's limits of single predikat, and every condition of the pattern with its
    verdict.

    deviation : how far the observed share is beyond the limit (positive: above a maximum, negative: below a minimum),
        0 within

    Raises
    ------
    RuleError : the rule in force knows no such level of an organisation
    """
    conditions: list[Mapping[str, Any]] = []
    if organisation_level is not None and rules.in_force("distribution") and shares["n"].sum():
        patterns = rules.values("distribution")["patterns"]
        if organisation_level not in patterns:
            where, allowed = "office.organisation_level", ", ".join(patterns)
            raise wording.refusal(
                RuleError, "not_allowed", where=where, column="", found=repr(organisation_level), allowed=allowed
            )
        conditions = patterns[organisation_level]
    advisory = pd.DataFrame([_judge(c, shares) for c in conditions], columns=list(ADVISORY_COLUMNS))
    table = shares.copy()
    for kind in ("minimum", "maximum"):
        limits = advisory[advisory["kind"] == kind].set_index("predikat")["limit"].astype(float)
        table[kind] = table["category"].map(limits).astype(float)
    over = (table["share"] - table["maximum"]).clip(lower=0).fillna(0)
    under = (table["share"] - table["minimum"]).clip(upper=0).fillna(0)
    limited = table["minimum"].notna() | table["maximum"].notna()
    table["deviation"] = (over + under).where(limited)
    return table[list(DISTRIBUTION_COLUMNS)], advisory


def _judge(condition: Mapping[str, Any], shares: pd.DataFrame) -> tuple[Any, ...]:
    wanted = shares["category"].isin(condition["predikat"])
    n, share = int(shares.loc[wanted, "n"].sum()), float(shares.loc[wanted, "share"].sum())
    kind, names = condition["kind"], "+".join(condition["predikat"])
    limit = float(condition.get("share", np.nan))
    if kind == "maximum":
        deviation, outside = max(share - limit, 0.0), share > limit + 1e-12
    elif kind == "minimum":
        deviation, outside = min(share - limit, 0.0), share < limit - 1e-12
    elif kind == "present":
        deviation, outside = np.nan, n == 0
    else:  # most_frequent
        largest = float(shares.loc[~wanted, "share"].max())
        deviation, outside = min(share - largest, 0.0), share < largest
    return kind, names, limit, share, n, deviation, "outside" if outside else "within"
