"""What the explorer can count about people: ratings of every period, calibrated scores and attainment of the run's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kinerja.evaluation.steps import scale_of
from kinerja.scoring.ratings import points_by_role

if TYPE_CHECKING:
    from kinerja.evaluation import Evaluation

_SUPERVISOR = "supervisor"


def people_of(evaluation: Evaluation, subject: str, *, by: str, item: str | None) -> pd.DataFrame:
    """One row a person and period (and item, where `by` is item): period, ratee, unit, rater, the groups, and figures.

    Figures: `ratings` points of the supervisor's rating (all items, or `item`), 0-100; `calibrated` observed and
    calibrated, points; `attainment` per cent.
    """
    if subject == "ratings":
        figures = _rated(evaluation, by, item)
    elif subject == "calibrated" and evaluation.calibration is not None:
        figures = evaluation.calibration.persons[["period", "ratee", "observed", "calibrated"]]
    elif subject == "attainment" and evaluation.scores is not None:
        figures = evaluation.scores.ratees[["period", "ratee", "attainment"]]
    else:
        figures = pd.DataFrame(columns=["period", "ratee", "observed", "calibrated", "attainment"])
    return figures.merge(_attributes(evaluation), on=["period", "ratee"], how="left", validate="many_to_one")


def _rated(evaluation: Evaluation, by: str, item: str | None) -> pd.DataFrame:
    rows = evaluation.inputs.ratings
    rows = rows[(rows["role"] == _SUPERVISOR) & rows["rating"].notna()]
    if item is not None:
        rows = rows[rows["item"] == item]
    scale = scale_of(evaluation.inputs, evaluation.parameters)
    parts = rows.groupby("item", sort=True) if by == "item" else [("", rows)]
    found = [points_by_role(part, scale).assign(item=name) for name, part in parts if len(part)]
    columns = ["period", "ratee", "item", "points"]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _attributes(evaluation: Evaluation) -> pd.DataFrame:
    """period, ratee, unit and groups of the staff list; rater: the supervisor who rated (the last, where two did)."""
    staff, ratings = evaluation.inputs.staff, evaluation.inputs.ratings
    groups = [name for name in evaluation.parameters.groups if name in staff]
    own = staff[["period", "ratee", "unit", *groups]].drop_duplicates(["period", "ratee"], keep="last")
    rated = ratings.loc[ratings["role"] == _SUPERVISOR, ["period", "ratee", "rater", "date"]]
    last = rated.sort_values(["date", "rater"], kind="stable").drop_duplicates(["period", "ratee"], keep="last")
    return own.merge(last.drop(columns="date"), on=["period", "ratee"], how="left")
