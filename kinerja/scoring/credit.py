"""Credit points (angka kredit) of people in functional positions, from their predikat."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kinerja.results import CANNOT, OK
from kinerja.rules import Rules
from kinerja.rules.lookup import credit
from kinerja.rules.periods import period_months

CREDIT_COLUMNS = ("period", "ratee", "position", "functional_level", "predikat", "months", "credit", "status", "reason")


def credit_points(people: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """One row a person: CREDIT_COLUMNS. The functional level is read from the position's words; full precision is
    kept."""
    table = people[["period", "ratee", "position", "predikat"]].copy()
    in_force = rules.in_force("credit")
    levels = tuple(rules.values("credit")["coefficients"]) if in_force else ()
    table["functional_level"] = [_functional_level(position, levels) for position in table["position"]]
    table["months"] = table["period"].map(period_months).astype(float)
    tests = {
        "rule_not_in_force": np.full(len(table), not in_force),
        "not_functional": (table["functional_level"] == "").to_numpy(),
        "no_predikat": (table["predikat"] == "").to_numpy(),
        "period_unknown": table["months"].isna().to_numpy(),
    }
    table["reason"] = np.select(list(tests.values()), list(tests), "").astype(object)
    table["status"] = np.where(table["reason"] == "", OK, CANNOT)
    rows = zip(table["predikat"], table["functional_level"], table["months"], table["status"], strict=True)
    table["credit"] = np.array(
        [credit(rules, p, f, months=m) if s == OK else np.nan for p, f, m, s in rows], dtype=float
    )
    return table[list(CREDIT_COLUMNS)]


def _functional_level(position: str, levels: tuple[str, ...]) -> str:
    words = f" {' '.join(position.casefold().replace('_', ' ').split())} "
    return next((name for name in levels if f" {name.replace('_', ' ')} " in words), "")
