"""Exact agreement of raters who saw the same, beside what the model expects, and the single ratings that surprise.

Raters who agree more than expected do not rate independently (or think alike); less: they do not share a scale.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kinerja.raters.rasch.design import Design, Floats, Ints, Scale, totals

AGREEMENT_COLUMNS = ["element", "n", "agreements", "expected", "observed_share", "expected_share"]


def agreement_table(design: Design, rater: int, scale: Scale, p: Floats) -> pd.DataFrame:
    """One row a rater, and first the total (element ""): pairs of raters in one context, exact agreements.

    A context is one element of every other facet. n counts opportunities (pairs: each once in the total
    and once for each of its raters), expected is the sum over pairs of sum over categories of P1 * P2. A pair counts
    once whatever its weight: agreement is a matter of ratings made.
    """
    context, size = _contexts(design, rater)
    raters, code = design.size(rater), design.codes[rater]
    in_context = np.bincount(context, minlength=size)
    other = (in_context - 1)[context].astype(np.float64)
    agree, expected = np.zeros(design.n), np.zeros(design.n)
    values = scale.values[scale.group, np.maximum(scale.category, 0)]
    shared = np.isfinite(design.rating)
    for value in np.unique(values):
        same = (design.rating == value) & shared
        counted = np.bincount(context[same], minlength=size)
        agree[same] = (counted - 1)[context[same]]
        chance = _probability_of(value, scale, p)
        expected += chance * (totals(context, chance, size)[context] - chance)
    sums = [totals(code, x, raters) for x in (other, agree, expected)]
    sums = [np.concatenate([[s.sum() / 2], s]) for s in sums]
    share = [np.where(sums[0] > 0, s / np.maximum(sums[0], 1), np.nan) for s in sums[1:]]
    names = np.concatenate([[""], design.elements[rater]]).astype(object)
    return pd.DataFrame(dict(zip(AGREEMENT_COLUMNS, [names, *sums, *share], strict=True)))


def _probability_of(value: float, scale: Scale, p: Floats) -> Floats:
    """Probability of a rating in each row: categories of different sets are compared by what they stand for."""
    if len(scale.values) == 1:
        return np.asarray(p[np.nonzero(scale.values[0] == value)[0]].sum(axis=0), dtype=np.float64)
    return np.asarray((p * (scale.values == value)[scale.group].T).sum(axis=0), dtype=np.float64)


def _contexts(design: Design, rater: int) -> tuple[Ints, int]:
    others = [f for f in range(len(design.facets)) if f != rater]
    key = np.zeros(design.n, dtype=np.int64)
    cells = 1
    for f in others:
        if cells * design.size(f) > 2**62:
            _, key = np.unique(key, return_inverse=True)
            cells = int(key.max(initial=0)) + 1
        key, cells = key * design.size(f) + design.codes[f], cells * design.size(f)
    if cells > max(8 * design.n, 1000):
        found, key = np.unique(key, return_inverse=True)
        return key.astype(np.int64), len(found)
    return key, cells


def unexpected_table(
    design: Design, scale: Scale, p: Floats, mean: Floats, variance: Floats, rating_mean: Floats, limit: float
) -> pd.DataFrame:
    """Ratings whose standardised residual is at least `limit`, the largest first."""
    z = (scale.scores[scale.category] - mean) / np.sqrt(np.maximum(variance, 1e-300))
    at = np.flatnonzero((np.abs(z) >= limit) & (variance > 1e-12))
    at = at[np.argsort(-np.abs(z[at]), kind="stable")]
    table = {name: design.elements[f][design.codes[f][at]] for f, name in enumerate(design.facets)}
    table |= {
        "rating": design.rating[at],
        "expected": rating_mean[at],
        "residual": design.rating[at] - rating_mean[at],
        "residual_z": z[at],
        "probability": p[scale.category[at], at],
    }
    return pd.DataFrame(table)
