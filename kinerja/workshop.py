"""The facilitator's screen of the workshop: the room's ratings as they come in, and what a strict supervisor does."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pandas as pd

from kinerja import labels
from kinerja.alternatives import compare_alternatives
from kinerja.raters import estimate_rater_use
from kinerja.simulate import SCENARIOS, simulate_office
from kinerja.workshop_room import SCALE, ratings_frame
from kinerja.workshop_server import read_room

PORT_VARIABLE = "KINERJA_WORKSHOP_PORT"
"""Where `kinerja workshop` tells the page the port of the room."""

SHOWN = ("raw", "zscore", "forced", "shrinkage")


def room_table(rows: list[tuple[str, str, str, int]]) -> pd.DataFrame:
    """rater, n_ratings, n_ratees, mean_raw of the room's participants, by `estimate_rater_use`; empty without rows."""
    columns = ["rater", "n_ratings", "n_ratees", "mean_raw"]
    if not rows:
        return pd.DataFrame(columns=columns)
    use = estimate_rater_use(ratings_frame(rows), period="room", scale=(float(SCALE[0]), float(SCALE[1])))
    return use.raters[columns]


def strict_table(severity: float, *, seed: int = 1) -> pd.DataFrame:
    """How far each way of scoring is from the truth in one simulated sub-district.

    severity : standard deviation of supervisors' severity (points)
    Returns method, n (employees) and error (root mean square of score minus truth, points).
    """
    scenario = replace(SCENARIOS["S1"], severity=severity)
    office = simulate_office(scenario, seed=seed)
    scores = compare_alternatives(office.staff, office.ratings, scale=scenario.scale).scores
    joined = scores.merge(office.true_scores, on=["period", "ratee"], validate="one_to_one")
    errors = [float(((joined[name] - joined["true_points"]) ** 2).mean() ** 0.5) for name in SHOWN]
    return pd.DataFrame({"method": SHOWN, "n": len(joined), "error": errors})


def workshop_page(language: labels.Language | None = None) -> Any:
    """The page as one widget: the room with a button that reads it again, and the strict supervisor with a slider."""
    import ipywidgets as widgets

    wanted = language or os.environ.get("KINERJA_LANGUAGE", "")
    spoken: labels.Language = wanted if wanted in labels.LANGUAGES else "id"

    def say(key: str) -> str:
        return labels.text(f"workshop.page.{key}", spoken)

    room, strict = widgets.HTML(), widgets.HTML()
    again = widgets.Button(description=say("refresh"))
    severity = widgets.FloatSlider(value=4.5, min=0, max=10, step=0.5, description=say("severity"))

    def read(_: Any = None) -> None:
        port = os.environ.get(PORT_VARIABLE)
        rows = read_room(int(port)) if port else []
        room.value = room_table(rows).to_html(index=False) if rows else f"<p>{say('empty')}</p>"

    def draw(_: Any = None) -> None:
        strict.value = strict_table(severity.value).to_html(index=False, float_format="{:.1f}".format)

    again.on_click(read)
    severity.observe(draw, "value")
    read()
    draw()
    heads = [widgets.HTML(f"<h2>{say(key)}</h2>") for key in ("room", "strict")]
    return widgets.VBox([heads[0], again, room, heads[1], severity, strict])
