"""One row a person: observed, calibrated, its error and parts; posterior mean; chance of each category; crossings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr, ndtri

from kinerja.calibration.adjust import PARTS, REASONS, Adjustments
from kinerja.calibration.design import Design
from kinerja.calibration.frames import compact
from kinerja.calibration.uncertainty import Bias
from kinerja.results import OK

Floats = npt.NDArray[np.float64]

DECISION_LEVEL = 0.90
"""Chance from which on the numbers settle which category a case belongs to; between its complement and it people
should look at the case. A level of this decision's own: it does not follow the level of the run's intervals."""
REVIEW_LOW, REVIEW_HIGH = round(1 - DECISION_LEVEL, 9), DECISION_LEVEL


def ids_table(design: Design, rows: npt.NDArray[np.int64]) -> pd.DataFrame:
    """period, ratee, unit, team, rater of person-periods."""
    p = design.persons
    named = (
        ("period", p.periods, p.period),
        ("ratee", p.ratees, p.ratee),
        ("unit", p.units, p.unit),
        ("team", p.teams["team"], p.team),
        ("rater", p.raters, p.rater),
    )
    # an index of distinct ids is turned into text once, not once a row
    return pd.DataFrame({name: pd.Index(ids).take(code[rows]) for name, ids, code in named})


def persons_table(
    design: Design, bias: Bias, adjustments: Adjustments, rows: npt.NDArray[np.int64], confidence: float
) -> pd.DataFrame:
    """Columns of `Calibration.persons` but for categories.

    std_error : what is unknown of the rater's and unit's effect, the distance of the published effect from the full
        one, and the person's own rating error (halo and item noise)
    """
    observed = design.persons.observed[rows]
    calibrated = observed + adjustments.total
    error = np.sqrt(error_variance(design, bias, adjustments, rows) + own_error(design, rows))
    z = float(ndtri(0.5 + confidence / 2))
    return _beside(
        ids_table(design, rows),
        n=design.persons.n_items[rows].astype(np.int64),
        observed=observed,
        calibrated=calibrated,
        std_error=error,
        conf_low=calibrated - z * error,
        conf_high=calibrated + z * error,
        adjustment=adjustments.total,
        **{name: adjustments.parts[:, i] for i, name in enumerate(PARTS)},
        status=OK,
        reason=pd.Index(REASONS).take(adjustments.reason),
    )


def _beside(ids: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """The ids with columns beside them, nothing copied: `assign` would hold a whole country's table twice."""
    return pd.DataFrame({name: ids[name] for name in ids} | columns, index=ids.index, copy=False)


def error_variance(design: Design, bias: Bias, adjustments: Adjustments, rows: npt.NDArray[np.int64]) -> Floats:
    """Expected squared error of the adjustment for rater and unit: (N,) points squared."""
    made = -adjustments.parts[:, :4].sum(axis=1)
    away = made - centred_mean(design, bias, rows)
    return np.asarray(bias.variance[design.spell_of[rows]] + away**2)


def centred_mean(design: Design, bias: Bias, rows: npt.NDArray[np.int64]) -> Floats:
    """(N,) expected rater and unit effect of the published people, mean zero."""
    mean = bias.mean[design.spell_of[rows]]
    return np.asarray(mean - mean.mean())


def own_error(design: Design, rows: npt.NDArray[np.int64]) -> Floats:
    """(N,) error variance of one person-period's rating, rater effect apart."""
    n = design.persons.n_items[rows]
    usual = float(np.mean(design.persons.n_items))
    return np.asarray(design.within.halo + design.within.item * usual / n)


def posterior_table(
    design: Design, bias: Bias, rows: npt.NDArray[np.int64], ids: pd.DataFrame, kept_gap: Floats, confidence: float
) -> pd.DataFrame:
    """period, ratee, estimate (posterior mean of true performance, points: the team's and the person's own part),
    std_error, conf_low, conf_high."""
    p, spell = design.persons, design.spell_of[rows]
    person, variance = _person_part(design, rows)
    period_mean = np.bincount(p.period, p.observed) / np.maximum(np.bincount(p.period), 1)
    estimate = period_mean[p.period[rows]] + bias.performance[spell] + person + kept_gap[rows]
    error = np.sqrt(np.maximum(variance + bias.performance_variance[spell], 0.0))
    z = float(ndtri(0.5 + confidence / 2))
    return _beside(
        ids, estimate=estimate, std_error=error, conf_low=estimate - z * error, conf_high=estimate + z * error,
        status=OK, reason="",
    )  # fmt: skip


def _person_part(design: Design, rows: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """A person's own distance to the team, shrunk for what lasts and for the one period, and its variance."""
    within = design.within
    who = compact(design.spell_of * len(design.persons.ratees) + design.persons.ratee)[0]
    away = (
        design.centred - (np.bincount(design.spell_of, design.centred) / np.bincount(design.spell_of))[design.spell_of]
    )
    n = np.bincount(who)
    lasting_mean, periods = (np.bincount(who, away) / n)[who[rows]], n[who[rows]]
    away = away[rows]
    total = within.persistent + within.noise / periods
    reliability = within.persistent / np.maximum(total, 1e-12)
    true_share = within.true / max(within.persistent, 1e-12)
    change = max(within.noise - within.item, 0.0)
    change_share = change / max(within.noise, 1e-12)
    person = true_share * reliability * lasting_mean + change_share * (away - reliability * lasting_mean)
    variance = within.true - true_share**2 * reliability * within.persistent + change * (1 - change_share)
    variance += change_share**2 * within.persistent * (1 - reliability)
    return person, variance


def with_categories(persons: pd.DataFrame, posterior: pd.DataFrame, categories: Mapping[str, float]) -> pd.DataFrame:
    """Add category_observed, category_calibrated and prob_<category> (from the posterior mean and its error)."""
    names, bounds = _ordered(categories)
    chance = _chances(posterior["estimate"].to_numpy(), posterior["std_error"].to_numpy(), bounds)
    return persons.assign(
        category_observed=names[_category(persons["observed"].to_numpy(), bounds)],
        category_calibrated=names[_category(persons["calibrated"].to_numpy(), bounds)],
        **{f"prob_{name}": chance[:, i] for i, name in enumerate(names)},
    )


def crossings_table(
    persons: pd.DataFrame,
    design: Design,
    bias: Bias,
    rows: npt.NDArray[np.int64],
    group: Floats,
    categories: Mapping[str, float],
    shut: bool,
) -> pd.DataFrame:
    """Who would be in another category without the rater's effect, and how surely.

    probability : that observed minus the rater, unit and group effect lies in another category than observed, given
        all that is unknown of the effect (not the person's own rating error); review : between the complement of
        DECISION_LEVEL and DECISION_LEVEL
    """
    _, bounds = _ordered(categories)
    columns = ["period", "ratee", "rater", "unit", "observed", "calibrated", "category_observed", "category_calibrated"]
    observed = persons["observed"].to_numpy()
    without = observed - centred_mean(design, bias, rows) - (group[rows] - group[rows].mean())
    chance = _chances(without, np.sqrt(bias.variance[design.spell_of[rows]]), bounds)
    probability = 1.0 - chance[np.arange(len(rows)), _category(observed, bounds)]
    table = persons[columns].assign(
        probability=probability,
        changed=(persons["category_observed"] != persons["category_calibrated"]).to_numpy(),
        review=(probability >= REVIEW_LOW) & (probability <= REVIEW_HIGH),
    )
    listed = (table["changed"] | (table["probability"] >= REVIEW_LOW)) & (not shut)
    return table[listed].sort_values(["period", "ratee"], kind="stable").reset_index(drop=True)


def _ordered(categories: Mapping[str, float]) -> tuple[npt.NDArray[np.object_], Floats]:
    """Names from low to high and the lower bound of each but the first."""
    pairs = sorted(categories.items(), key=lambda item: item[1])
    return np.array([name for name, _ in pairs], object), np.array([low for _, low in pairs[1:]], np.float64)


def _category(value: Floats, bounds: Floats) -> npt.NDArray[np.int64]:
    return np.searchsorted(bounds, value, side="right").astype(np.int64)


def _chances(mean: Floats, error: Floats, bounds: Floats) -> Floats:
    """(N, categories) normal chance of each category."""
    below = ndtr((bounds[None, :] - mean[:, None]) / np.maximum(error, 1e-12)[:, None])
    edges = np.column_stack([np.zeros(len(mean)), below, np.ones(len(mean))])
    return np.asarray(np.diff(edges, axis=1))
