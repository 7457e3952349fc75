"""Ratings as given: points by role, official three-level ratings, categories. Nothing is adjusted here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from kinerja.errors import DataError, Problem
from kinerja.rules import Rules

ROLE_COLUMNS = ("period", "ratee", "role", "n_raters", "n_items", "n", "rating", "points")
_KEY = ["period", "ratee", "rater", "role", "item"]


def behaviour_ratings(
    ratings: pd.DataFrame | None, *, rules: Rules, as_of: date | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ratings of behaviour, and the official ratings among them (items that hold a rating or predikat itself).

    Of several dated ratings of one rater on one item the last counts; rows dated after `as_of` are left out.
    Returns the frames (period, ratee, rater, role, item, rating) and (…, official: work, behaviour or predikat).
    """
    rows = _complete(ratings)
    if as_of is not None:
        rows = rows[~(rows["date"] > pd.Timestamp(as_of))]
    last = rows.groupby(_KEY, sort=False)["date"].transform("max")
    rows = rows[((rows["date"] == last) | last.isna()) & rows["rating"].notna()]
    meaning = _official_items(rules)
    official = rows["item"].str.casefold().str.replace(" ", "_").map(meaning)
    stated = rows[official.notna()].assign(official=official[official.notna()])
    return rows[official.isna()].drop(columns="date"), stated.drop(columns="date")


def points_by_role(ratings: pd.DataFrame, scale: tuple[float, float]) -> pd.DataFrame:
    """Mean rating of each ratee by the raters of each role, in the scale's unit and in points (0-100): ROLE_COLUMNS.

    Each rater counts once: the mean over raters of the rater's mean over items.

    Raises
    ------
    DataError : a rating lies outside the scale
    """
    lowest, highest = scale
    outside = ratings[(ratings["rating"] < lowest) | (ratings["rating"] > highest)]
    if len(outside):
        limits = {"lowest": f"{lowest:g}", "highest": f"{highest:g}"}
        problems = [
            Problem(where="ratings", column=f"{ratee}, {item}", found=f"{rating:g}", code="off_scale", data=limits)
            for ratee, item, rating in outside[["ratee", "item", "rating"]].itertuples(index=False)
        ]
        first = problems[0]
        raise DataError(
            f"ratings, {first.column}: found {first.found} ({len(problems)} ratings outside the scale {lowest:g} to "
            f"{highest:g}). Correct it, or set scoring.scale.",
            problems,
        )
    each = (
        ratings.groupby(["period", "ratee", "role", "rater"], sort=True)["rating"].agg(["mean", "size"]).reset_index()
    )
    items = ratings.groupby(["period", "ratee", "role"], sort=True)["item"].nunique()
    table = each.groupby(["period", "ratee", "role"], sort=True).agg(
        n_raters=("rater", "size"), n=("size", "sum"), rating=("mean", "mean")
    )
    table["n_items"] = items
    table["points"] = 100 * (table["rating"] - lowest) / (highest - lowest)
    return table.reset_index()[list(ROLE_COLUMNS)]


def rating_scale(ratings: pd.DataFrame, scale: tuple[float, float] | None) -> tuple[float, float] | None:
    """The scale given, else the lowest and highest rating in the data; None where these do not differ."""
    if scale is not None:
        return (float(scale[0]), float(scale[1]))
    if ratings.empty:
        return None
    lowest, highest = float(ratings["rating"].min()), float(ratings["rating"].max())
    return (lowest, highest) if lowest < highest else None


def official_levels(stated: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Official ratings of the supervisor: period, ratee, and one column for each of work, behaviour, predikat there is.

    Where two official ratings of one person differ, none counts.

    Raises
    ------
    DataError : an official rating is not one of the rule's levels (1 to 3 from below; predikat 1 to 5 from the lowest)
    """
    if stated.empty:
        return pd.DataFrame({"period": [], "ratee": []}, dtype=object)
    table = rules.values("predikat")
    names = {"work": table["levels"], "behaviour": table["levels"], "predikat": table["predikat"]}
    own = stated[stated["role"] == "supervisor"]
    for kind, rating in own[["official", "rating"]].drop_duplicates().itertuples(index=False):
        if rating not in range(1, len(names[kind]) + 1):
            levels = ", ".join(f"{place} ({name})" for place, name in enumerate(names[kind], start=1))
            found = f"{rating:g}"
            raise DataError(
                f"ratings: found the official {kind} rating {found}; allowed: {levels}. Correct it, or name the item "
                "otherwise.",
                [Problem(where="ratings", column=kind, found=found, code="official_rating", data={"levels": levels})],
            )
    words = [names[kind][int(rating) - 1] for kind, rating in own[["official", "rating"]].itertuples(index=False)]
    return (
        own.assign(word=words)
        .drop_duplicates(["period", "ratee", "official", "word"])
        .sort_values(["period", "ratee", "official", "word"])
        .drop_duplicates(["period", "ratee", "official"], keep=False)
        .pivot(index=["period", "ratee"], columns="official", values="word")
        .rename_axis(columns=None)
        .reset_index()
    )


def differing(stated: pd.DataFrame) -> int:
    """How many official ratings of the supervisor contradict each other."""
    own = stated[stated["role"] == "supervisor"]
    return int((own.groupby(["period", "ratee", "official"])["rating"].nunique() > 1).sum())


def level(value: pd.Series, thresholds: Mapping[str, float] | None, levels: Sequence[str]) -> pd.Series:
    """The highest of three levels where the value is over the office's upper limit, the lowest under its lower one,
    the middle one between; "" without limits or levels.

    levels : of the rule in force, from the lowest; none where there is no rule
    The limits themselves count as the middle (with 90 and 100: 90 to 100); binary noise does not decide.
    """
    if thresholds is None or not levels:
        return pd.Series("", index=value.index, dtype=object)
    lowest, middle, highest = levels
    exact = value.round(9)
    words = np.select([exact > thresholds["above"], exact < thresholds["below"]], [highest, lowest], middle)
    return pd.Series(np.where(exact.notna(), words, ""), index=value.index, dtype=object)


def _official_items(rules: Rules) -> dict[str, str]:
    if not rules.in_force("predikat"):
        return {}
    listed = rules.values("predikat")["official_items"]
    return {item: kind for kind, items in listed.items() for item in items}


def _complete(ratings: pd.DataFrame | None) -> pd.DataFrame:
    given = pd.DataFrame() if ratings is None else ratings
    rows = pd.DataFrame(index=pd.RangeIndex(len(given)))
    for name in _KEY:
        rows[name] = given[name].astype(str).astype(object).to_numpy() if name in given else ""
    rows["rating"] = given["rating"].to_numpy(float) if "rating" in given else np.nan
    dates = given["date"] if "date" in given else pd.Series(pd.NaT, index=given.index)
    rows["date"] = pd.to_datetime(dates).to_numpy("datetime64[s]")
    return rows
