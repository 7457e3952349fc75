"""Known covariance of the rows' errors: the same people stand behind a team's ratings, its attainment and its pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from kinerja.calibration.frames import Floats, Ints, Persons
from kinerja.calibration.rows import FEEDBACK, INDICATOR, PAIR, RATING
from kinerja.calibration.within import Within

SMALLEST_ERROR = 1e-3
"""Points squared added to every error variance, so that a covariance is never singular."""


def row_errors(
    rows: dict[str, Any],
    weights: Any,
    within: Within,
    noise_x: tuple[float, float],
    shared: float,
    persons: Persons,
    spell_of: Ints,
    there: Any,
    pairs: pd.DataFrame,
    pair_variance: float,
    spells: pd.DataFrame,
) -> tuple[Ints, Floats]:
    """Known covariance of the rows' errors, as (row, column) and value: the same people stand behind a team's ratings
    and its attainment."""
    n_rows, n_spells = len(rows["kind"]), len(spells)
    kind, anchor = rows["kind"], rows["anchor"]
    y_row = np.flatnonzero(kind == RATING)
    row_y = np.full(n_spells, -1, np.int64)
    row_y[anchor[y_row]] = y_row
    overlap = (weights.T @ weights).tocoo()
    both = overlap.row == overlap.col
    entries = [
        (row_y[overlap.row], row_y[overlap.col],
         overlap.data * np.where(both, within.persistent, within.true)),
        (y_row, y_row, within.noise / spells["n"].to_numpy()[anchor[y_row]]),
    ]  # fmt: skip
    x_row = np.flatnonzero(kind == INDICATOR)
    if len(x_row):
        row_x = np.full(n_spells, -1, np.int64)
        row_x[anchor[x_row]] = x_row
        weights_x = person_weights(persons.ratee, spell_of, n_spells, there)
        full = sparse.csr_array((weights.data, weights.indices, weights.indptr), shape=weights.shape)
        if weights_x.shape[0] < full.shape[0]:
            weights_x.resize(full.shape[0], n_spells)
        lasting, noise = max(noise_x[0], 0.0), max(noise_x[1], 0.0)
        bound = 0.9 * np.sqrt(lasting * within.true)
        cross = (full.T @ weights_x).tocoo()
        c = np.clip(shared, -bound, bound) * cross.data
        a, b = row_y[cross.row], row_x[cross.col]
        ok = b >= 0
        same = (weights_x.T @ weights_x).tocoo()
        entries += [
            (a[ok], b[ok], c[ok]),
            (b[ok], a[ok], c[ok]),
            (row_x[same.row], row_x[same.col], same.data * lasting),
            (x_row, x_row, noise / rows["n"][x_row]),
        ]
    f_row = np.flatnonzero(kind == FEEDBACK)
    entries.append((f_row, f_row, rows["variance"][f_row]))
    r_row = np.flatnonzero(kind == PAIR)
    if len(r_row):
        own = within.halo + within.item
        entries.append((r_row, r_row, np.maximum(pair_variance, own) / rows["n"][r_row]))
        # the first rater's error of these people is in the team's mean too
        first = row_y[anchor[r_row]]
        c = -own / np.maximum(spells["ratees"].to_numpy()[anchor[r_row]], 1)
        entries += [(r_row, first, c), (first, r_row, c)]
    every = np.arange(n_rows)
    entries.append((every, every, np.full(n_rows, SMALLEST_ERROR)))
    i, j, v = (np.concatenate([e[k] for e in entries]) for k in range(3))
    inside = rows["block"][i] == rows["block"][j]
    return np.stack([i[inside], j[inside]]), v[inside]


def true_people(rows: dict[str, Any], weights: Any, within: Within) -> Floats:
    """Variance of a team's mean true performance that comes from which people are in it (0 for other rows)."""
    concentration = np.asarray(weights.multiply(weights).sum(axis=0)).ravel()
    return np.where(rows["kind"] == RATING, within.true * concentration[rows["anchor"]], 0.0)


def person_weights(ratee: Ints, spell_of: Ints, n_spells: int, there: Any = None) -> Any:
    """(people, spells) sparse: share of each person in the spell's mean."""
    if there is not None:
        ratee, spell_of = ratee[there], spell_of[there]
    n = np.maximum(np.bincount(spell_of, minlength=n_spells), 1)
    shape = (int(ratee.max()) + 1 if len(ratee) else 1, n_spells)
    return sparse.csr_array((1.0 / n[spell_of], (ratee, spell_of)), shape=shape)
