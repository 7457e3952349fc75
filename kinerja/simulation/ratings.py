"""Ratings that follow a many-facet Rasch model exactly, with its true measures: for tests and benchmarks of facets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Design = Literal["crossed", "sparse", "nested"]

DIFFICULTIES = (-0.8, -0.45, -0.2, 0.0, 0.25, 0.45, 0.75)
THRESHOLDS = (-2.2, -0.8, 0.7, 2.3)
RATEES_A_RATER = 12
RATEES_A_UNIT = 12
FEW_RATERS = 50


@dataclass(frozen=True, eq=False, kw_only=True)
class SimulatedRatings:
    """Ratings under the rating-scale model log(P_k / P_k-1) = measure - severity - difficulty - threshold_k (logits).

    Fields
    ------
    ratings : ratee, rater, unit, item, rating (0 to the number of thresholds)
    ratees : ratee, unit, measure;  raters : rater, severity (mean 0);  items : item, difficulty (mean 0)
    thresholds : step, threshold (mean 0)
    """

    ratings: pd.DataFrame
    ratees: pd.DataFrame
    raters: pd.DataFrame
    items: pd.DataFrame
    thresholds: pd.DataFrame


def simulate_ratings(
    n: int,
    *,
    design: Design = "sparse",
    raters_per_ratee: int = 2,
    ratee_mean: float = 0.8,
    ratee_sd: float = 1.2,
    rater_sd: float = 0.6,
    difficulties: tuple[float, ...] = DIFFICULTIES,
    thresholds: tuple[float, ...] = THRESHOLDS,
    seed: int,
) -> SimulatedRatings:
    """About `n` ratings (a whole number of ratees times `raters_per_ratee` times items).

    design : `crossed`, 50 raters; `sparse`, one rater for 12 pairs of ratings, drawn at random, so that
        second raters link the whole; `nested`, each unit of 12 ratees has its own raters and nothing links units
    ratee_mean, ratee_sd, rater_sd : logits
    """
    rng = np.random.default_rng(seed)
    n_ratees = max(1, round(n / (raters_per_ratee * len(difficulties))))
    ratee = np.repeat(np.arange(n_ratees), raters_per_ratee)
    unit = np.arange(n_ratees) // RATEES_A_UNIT
    rater = _assign(design, n_ratees, raters_per_ratee, rng)
    n_raters = int(rater.max()) + 1
    measure = rng.normal(ratee_mean, ratee_sd, n_ratees)
    severity = rng.normal(0, rater_sd, n_raters)
    severity -= severity.mean()
    difficulty = np.array(difficulties) - np.mean(difficulties)
    step = np.array(thresholds) - np.mean(thresholds)
    category = _draw((measure[ratee] - severity[rater])[:, None] - difficulty, step, rng)
    items = pd.Index([f"i{i + 1}" for i in range(len(difficulties))], dtype="str")
    ratee_id, rater_id, unit_id = _named("P", n_ratees), _named("R", n_raters), _named("U", int(unit.max()) + 1)
    row = np.repeat(np.arange(len(ratee)), len(items))
    return SimulatedRatings(
        ratings=pd.DataFrame(
            {
                "ratee": ratee_id.take(ratee[row]),
                "rater": rater_id.take(rater[row]),
                "unit": unit_id.take(unit[ratee[row]]),
                "item": items.take(np.tile(np.arange(len(items)), len(ratee))),
                "rating": category.ravel().astype(np.float64),
            }
        ),
        ratees=pd.DataFrame({"ratee": ratee_id, "unit": unit_id.take(unit), "measure": measure}),
        raters=pd.DataFrame({"rater": rater_id, "severity": severity}),
        items=pd.DataFrame({"item": items, "difficulty": difficulty}),
        thresholds=pd.DataFrame({"step": np.arange(1, len(step) + 1), "threshold": step}),
    )


def _assign(design: Design, n_ratees: int, each: int, rng: np.random.Generator) -> Ints:
    """(n_ratees * each,) rater of each pair, distinct within a ratee, every rater used."""
    if design == "nested":
        unit = np.arange(n_ratees) // RATEES_A_UNIT
        return (unit[:, None] * each + np.arange(each)).ravel()
    n_raters = max(each, min(FEW_RATERS, n_ratees) if design == "crossed" else n_ratees * each // RATEES_A_RATER)
    first = rng.permutation(n_ratees) % n_raters  # everybody rates about as many
    raters = np.column_stack([first, rng.integers(0, n_raters, (n_ratees, each - 1))])
    _separate(raters, n_raters)
    return np.unique(raters, return_inverse=True)[1].ravel()


def _separate(raters: Ints, n_raters: int) -> None:
    """Move a rater who was drawn twice for one ratee to the next free one (in place)."""
    for column in range(1, raters.shape[1]):
        while True:
            twice = (raters[:, column : column + 1] == raters[:, :column]).any(axis=1)
            if not twice.any():
                break
            raters[twice, column] = (raters[twice, column] + 1) % n_raters


def _draw(location: Floats, step: Floats, rng: np.random.Generator) -> Ints:
    """Categories of the rating-scale model, by inversion of the cumulative probabilities."""
    exponent = np.concatenate([np.zeros((*location.shape, 1)), np.cumsum(location[..., None] - step, axis=-1)], axis=-1)
    weight = np.exp(exponent - exponent.max(axis=-1, keepdims=True))
    cumulative = np.cumsum(weight, axis=-1)
    draw = rng.random((*location.shape, 1)) * cumulative[..., -1:]
    return np.asarray((draw > cumulative[..., :-1]).sum(axis=-1))


def _named(letter: str, n: int) -> pd.Index:
    width = len(str(n))
    return pd.Index([f"{letter}{i:0{width}d}" for i in range(1, n + 1)], dtype="str")
