"""What went into one person's result: each kind of input with its count and dates, and nothing of anybody else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from kinerja.people.sheet import SheetFrames

INPUT_COLUMNS = ("input", "n", "first_date", "last_date", "value", "scale", "status", "reason")
INDICATOR_COLUMNS = ("indicator", "target", "realisation", "attainment", "status", "reason")
_OPEN_ROLES = ("supervisor", "second_supervisor", "self")
"""Roles whose holder the person knows anyway; other roles are shown only from the floor on."""


class InputFrames:
    """The frames of a run, indexed once by person, so that a whole office's sheets cost one pass."""

    def __init__(self, frames: SheetFrames) -> None:
        self._frames: dict[str, pd.DataFrame] = {}
        self._rows: dict[str, Mapping[Any, Any]] = {}
        keys = {"ratees": "ratee", "attainment": "ratee", "roles": "ratee", "persons": "ratee", "raters": "rater",
                "ratings": "ratee", "indicators": "ratee", "index": "group", "responses": "unit"}  # fmt: skip
        for name, key in keys.items():
            frame = getattr(frames, name)
            if frame is None or key not in frame:
                continue
            if "period" in frame:
                frame = frame[frame["period"] == frames.period]
            if name == "index":
                frame = frame[frame["level"] == "unit"]
            frame = frame.reset_index(drop=True)
            self._frames[name] = frame
            self._rows[name] = frame.groupby(key, sort=True).indices
        people = {str(r) for name in ("ratees", "persons", "roles", "attainment") for r in self._rows.get(name, {})}
        people.discard("")  # a unit's own indicators are nobody's
        self.known: tuple[str, ...] = tuple(sorted(people))
        self._people = people

    def knows(self, ratee: str) -> bool:
        return ratee in self._people

    def of(self, name: str, key: str) -> pd.DataFrame:
        """The rows of one person (rater, unit); empty where there are none."""
        frame = self._frames.get(name)
        if frame is None:
            return pd.DataFrame()
        chosen: pd.DataFrame = frame.iloc[self._rows[name].get(key, [])]
        return chosen

    def person(self, name: str, key: str) -> dict[str, Any] | None:
        """The first row as a mapping, None where there is none."""
        rows = self.of(name, key)
        return None if rows.empty else {str(k): v for k, v in rows.iloc[0].items()}

    def indicators(self, ratee: str) -> pd.DataFrame:
        rows = self.of("attainment", ratee)
        return rows.reindex(columns=list(INDICATOR_COLUMNS)).reset_index(drop=True)


def input_table(frames: SheetFrames, pages: InputFrames, ratee: str, unit: str, *, minimum_cell: int) -> pd.DataFrame:
    """Rows indicators, one a role (`role.<role>`), feedback (of the person's unit): INPUT_COLUMNS.

    n : indicators, raters of the role, answers; value in per cent (indicators) or points on 0-100
    Roles that others must not be guessed from, and feedback, have no figures under `minimum_cell`.
    """
    rows = [*_indicators(pages, ratee), *_roles(pages, ratee, minimum_cell), *_feedback(pages, unit, minimum_cell)]
    table = pd.DataFrame(rows, columns=list(INPUT_COLUMNS))
    return table.astype({"n": "Int64", "value": "float64"} | dict.fromkeys(("first_date", "last_date"), "object"))


def _indicators(pages: InputFrames, ratee: str) -> list[dict[str, Any]]:
    own, scored = pages.of("attainment", ratee), pages.person("ratees", ratee)
    if own.empty:
        return []
    value = float((scored or {}).get("attainment", math.nan))
    return [_row("indicators", len(own), own, value, "percent")]


def _roles(pages: InputFrames, ratee: str, minimum_cell: int) -> list[dict[str, Any]]:
    ratings = pages.of("ratings", ratee)
    rows = []
    for role in pages.of("roles", ratee).to_dict(orient="records"):
        name, n = str(role["role"]), int(role["n_raters"])
        dated = ratings[ratings["role"] == name] if "role" in ratings else ratings
        if name not in _OPEN_ROLES and n < minimum_cell:
            rows.append(_hidden(f"role.{name}"))
        else:
            rows.append(_row(f"role.{name}", n, dated, float(role["points"]), "points"))
    return rows


def _feedback(pages: InputFrames, unit: str, minimum_cell: int) -> list[dict[str, Any]]:
    found = pages.person("index", unit)
    if found is None:
        return []
    n = int(found.get("n", 0) or 0)
    if n < minimum_cell:
        return [_hidden("feedback")]
    return [_row("feedback", n, pages.of("responses", unit), float(found.get("points", math.nan)), "points")]


def _row(name: str, n: int, dated: pd.DataFrame, value: float, scale: str) -> dict[str, Any]:
    days = (
        pd.to_datetime(dated["date"], errors="coerce").dropna()
        if "date" in dated
        else pd.Series(dtype="datetime64[ns]")
    )
    return {
        "input": name,
        "n": n,
        "first_date": days.min().date().isoformat() if len(days) else "",
        "last_date": days.max().date().isoformat() if len(days) else "",
        "value": value,
        "scale": scale,
        "status": "ok" if math.isfinite(value) else "cannot",
        "reason": "" if math.isfinite(value) else "no_figure",
    }


def _hidden(name: str) -> dict[str, Any]:
    return {
        "input": name, "n": None, "first_date": "", "last_date": "", "value": math.nan, "scale": "",
        "status": "suppressed", "reason": "small_cell",
    }  # fmt: skip
