"""What would have to be otherwise for another category: in points, and in ratings that one can picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

CHANGE_COLUMNS = ("change", "category", "points", "n_steps", "n_items", "status", "reason")
PREDIKAT_COLUMNS = ("part", "level", "predikat", "is_now")


def change_table(
    person: Mapping[str, Any],
    categories: Mapping[str, float],
    *,
    n_items: int,
    span: float | None,
    tipping_bias: float,
) -> pd.DataFrame:
    """Rows next_up, next_down (the neighbouring categories), without_adjustment, tipping.

    points : change of the person's own rating that reaches the category, all else as it is (the adjustment of a rating
        depends on the team, hardly on one person); for tipping the bias in citizens' feedback that would undo the
        adjustment
    n_steps : that many of the `n_items` ratings one step of the scale higher or lower; span : steps of the scale
    """
    calibrated, observed = float(person["calibrated"]), float(person["observed"])
    limits = sorted(categories.items(), key=lambda item: item[1])
    rows: list[tuple[Any, ...]] = []
    if limits:
        now = _place(calibrated, limits)
        if now + 1 < len(limits):
            rows.append(_neighbour("next_up", limits[now + 1][0], limits[now + 1][1] - calibrated, n_items, span))
        if now > 0:
            # the limit itself belongs to the category above: a hair below it is the next one down
            rows.append(_neighbour("next_down", limits[now - 1][0], limits[now][1] - calibrated, n_items, span))
        other = limits[_place(observed, limits)][0]
        changed = other != limits[now][0]
        rows.append(
            (
                "without_adjustment",
                other,
                observed - calibrated,
                None,
                n_items,
                "ok",
                "" if changed else "same_category",
            )
        )
    if math.isfinite(tipping_bias) and abs(float(person.get("from_feedback", 0.0) or 0.0)) > 0:
        rows.append(("tipping", "", tipping_bias, None, n_items, "ok", ""))
    table = pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))
    return table.astype({"points": "float64", "n_steps": "Int64", "n_items": "Int64"})


def predikat_table(work: str, behaviour: str, matrix: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """The predikat for every other level of work or of behaviour, the other part as it is.

    matrix : work -> behaviour, from the lowest -> predikat, of the rule in force; no rows where a rating is missing
    """
    if work not in matrix or behaviour not in matrix[work]:
        return pd.DataFrame(columns=list(PREDIKAT_COLUMNS))
    levels = tuple(matrix[work])
    rows = [("work", level, matrix[level][behaviour], level == work) for level in levels]
    rows += [("behaviour", level, matrix[work][level], level == behaviour) for level in levels]
    return pd.DataFrame(rows, columns=list(PREDIKAT_COLUMNS))


def _place(value: float, limits: list[tuple[str, float]]) -> int:
    return max((i for i, (_, low) in enumerate(limits) if value >= low), default=0)


def _neighbour(change: str, name: str, points: float, n_items: int, span: float | None) -> tuple[Any, ...]:
    if not n_items or not span:
        return change, name, points, None, n_items, "ok", ""
    step = 100.0 / (span * n_items)
    needed = math.ceil(abs(points) / step - 1e-9)
    if change == "next_down" and abs(points) / step <= needed and abs(needed * step - abs(points)) < 1e-9:
        needed += 1  # on the limit is still the upper category
    if needed > span * n_items:
        return change, name, points, None, n_items, "cannot", "beyond_scale"
    return change, name, points, needed, n_items, "ok", ""
