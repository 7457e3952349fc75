"""Interaction (bias) analysis: is a rater, on one item or in one period, harsher or milder than elsewhere?

Each cell of two facets gets one more logit, all other measures as they are (FACETS, Table 13 and 14).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kinerja.errors import ParameterError
from kinerja.raters.rasch import RaterFit
from kinerja.raters.rasch.design import Bools, Floats, Ints, totals
from kinerja.raters.rasch.estimation import solve_scores
from kinerja.raters.rasch.model import expected_rating, moments, probabilities
from kinerja.raters.rasch.tables import ModelledRows, adjusted_p, model_rows
from kinerja.results import CANNOT, OK


@dataclass(frozen=True, eq=False, kw_only=True)
class Interactions:
    """Bias of every cell of two facets.

    Fields
    ------
    table : the two facets' ids, observed and expected (sums of ratings), difference (per rating),
        estimate (logits; positive: rated higher than expected), std_error, conf_low, conf_high, n, t, df (n - 1),
        p, p_holm, p_bh, infit, outfit, status, reason (extreme_high, extreme_low: placed inside the limit)
    fixed_chi2, fixed_df, fixed_p : no cell is biased
    mean, sd : of the estimates (population)
    settings
    """

    table: pd.DataFrame
    fixed_chi2: float
    fixed_df: int
    fixed_p: float
    mean: float
    sd: float
    settings: dict[str, Any]


def interactions(
    fit: RaterFit, ratings: pd.DataFrame, *, facets: tuple[str, str] = ("rater", "item"), extreme: float = 0.3,
    confidence: float = 0.95,
) -> Interactions:  # fmt: skip
    """Bias of each cell of two columns of `ratings`: facets of the fit, dummies, or any other column (period).

    The size is the logit that makes the cell's expected score its observed one; SE = 1/sqrt(information there),
    t = size / SE with n - 1 degrees of freedom. It is a screen: measures are taken as known, so that a bias which the
    ratees' own measures have absorbed is seen smaller than it is (with two raters a ratee, by up to half).
    Ratings of an element with an extreme score do not count: where it was placed is a convention, and its distance to
    the limit would be put down to whoever it met. A cell of such ratings only has reason no_information.

    Raises
    ------
    DataError : a column is missing, or an id is not in the fit
    ParameterError : not two different columns
    """
    if len(facets) != 2 or facets[0] == facets[1]:
        raise ParameterError(f"facets: found {facets}; two different columns are needed, such as ('rater', 'item').")
    rows = _telling(fit, model_rows(fit, ratings, facets))
    one, two = (rows.code(name) for name in facets)
    pair, cell = np.unique(one * len(rows.ids(facets[1])) + two, return_inverse=True)
    table = cell_bias(rows, cell, len(pair), extreme, confidence)
    ids = {
        facets[0]: rows.ids(facets[0])[pair // len(rows.ids(facets[1]))],
        facets[1]: rows.ids(facets[1])[pair % len(rows.ids(facets[1]))],
    }
    table = pd.concat([pd.DataFrame(ids), table], axis=1)
    known = table["status"] == OK
    z = (table["estimate"] / table["std_error"])[known]
    statistic, df = float((z**2).sum()), int(known.sum())
    size = table.loc[known, "estimate"].to_numpy()
    return Interactions(
        table=table, fixed_chi2=statistic, fixed_df=df, fixed_p=float(stats.chi2.sf(statistic, df)) if df else np.nan,
        mean=float(size.mean()) if df else np.nan, sd=float(size.std()) if df else np.nan,
        settings={"facets": tuple(facets), "extreme": extreme, "confidence": confidence},
    )  # fmt: skip


def _telling(fit: RaterFit, rows: ModelledRows) -> ModelledRows:
    """The rows with weight 0 where an element has an extreme score."""
    extreme = fit.elements[fit.elements["reason"].isin(["extreme_high", "extreme_low"])]
    among = np.zeros(rows.design.n, dtype=bool)
    for facet in fit.settings["facets"]:
        ids = extreme.loc[extreme["facet"] == facet, "element"].to_numpy(dtype=str)
        among |= np.isin(rows.ids(facet).astype(str), ids)[rows.code(facet)]
    return replace(rows, design=replace(rows.design, weight=np.where(among, 0.0, rows.design.weight)))


def interaction_contrasts(found: Interactions, fit: RaterFit, *, target: str, confidence: float = 0.95) -> pd.DataFrame:
    """Every pair of elements of the other facet compared on each element of `target` (FACETS, Table 14).

    Local measure of the target met with one element = its measure, moved by the bias. Welch's t with its df.
    Columns: target, first, second, estimate (first - second, logits of the target), std_error, conf_low, conf_high, t,
    df, p, p_holm, p_bh, n, status, reason.
    """
    names = found.settings["facets"]
    if target not in names:
        raise ParameterError(f"target: found {target!r}; allowed: {', '.join(names)}.")
    other = names[0] if target == names[1] else names[1]
    sign = 1.0 if target in fit.settings["positive"] else -1.0
    rows = []
    for element, cells in found.table[found.table["status"] == OK].groupby(target, sort=True):
        cells = cells.reset_index(drop=True)
        first, second = np.triu_indices(len(cells), k=1)
        size, se, n = (cells[c].to_numpy(dtype=np.float64) for c in ("estimate", "std_error", "n"))
        ids = cells[other].to_numpy()
        for i, j in zip(first, second, strict=True):
            rows.append((element, ids[i], ids[j], sign * (size[i] - size[j]), se[i], se[j], n[i], n[j]))
    table = pd.DataFrame(rows, columns=[target, "first", "second", "estimate", "a", "b", "n_a", "n_b"])
    a, b, n_a, n_b = (table[c].to_numpy(dtype=np.float64) for c in ("a", "b", "n_a", "n_b"))
    error = np.sqrt(a**2 + b**2)
    possible = (n_a > 1) & (n_b > 1)
    df = np.where(possible, error**4 / (a**4 / np.maximum(n_a - 1, 1) + b**4 / np.maximum(n_b - 1, 1)), np.nan)
    ids, estimate = table[[target, "first", "second"]], table["estimate"].to_numpy(dtype=np.float64)
    return _tested(ids, estimate, error, df, n_a + n_b, possible, confidence)


def cell_bias(rows: ModelledRows, cell: Ints, size: int, extreme: float, confidence: float) -> pd.DataFrame:
    """Bias of each cell (rows with the same number), sorted by cell."""
    w, scale = rows.design.weight, rows.scale

    def total(values: Floats) -> Floats:
        return totals(cell, w * values, size)

    low, high = scale.scores[scale.first][scale.group], scale.scores[scale.last][scale.group]
    observed, n = total(rows.observed), total(np.ones(rows.design.n))
    lowest, highest = total(low), total(high)
    varied = highest - lowest > 2 * extreme
    goal = np.clip(observed, lowest + extreme, highest - extreme)
    goal = np.where((observed > lowest) & (observed < highest), observed, goal)
    bias, information = solve_scores(rows.eta, cell, w, size, goal, varied, rows.kappa, scale, scale.group)
    error = np.where(varied, 1 / np.sqrt(np.maximum(information, 1e-300)), np.nan)
    p = probabilities(rows.eta + bias[cell], rows.kappa, scale.scores, scale.group)
    mean, variance = moments(p, scale.scores)
    squared = (rows.observed - mean) ** 2
    table = _tested(pd.DataFrame(index=range(size)), bias, error, np.where(n > 1, n - 1, np.nan), n, varied, confidence)
    reason = np.where(observed >= highest, "extreme_high", np.where(observed <= lowest, "extreme_low", ""))
    table["reason"] = np.where(varied, reason, np.where(n > 0, "no_variation", "no_information"))
    given, expected = total(rows.design.rating), total(expected_rating(rows.p, scale))
    counted = np.where(n > 0, n, np.nan)
    table.insert(0, "observed", given)
    table.insert(1, "expected", expected)
    table.insert(2, "difference", (given - expected) / counted)
    table["infit"] = np.where(n > 0, total(squared) / np.maximum(total(variance), 1e-300), np.nan)
    table["outfit"] = total(squared / np.maximum(variance, 1e-12)) / counted
    return table


def _tested(
    ids: pd.DataFrame, estimate: Floats, error: Floats, df: Floats, n: Floats, possible: Bools, confidence: float
) -> pd.DataFrame:
    estimate, error = np.where(possible, estimate, np.nan), np.where(possible, error, np.nan)
    t = estimate / error
    with np.errstate(invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(t), df)
        reach = stats.t.ppf(0.5 + confidence / 2, df)
    holm, bh = adjusted_p(p)
    table = ids.copy()
    columns = {
        "estimate": estimate, "std_error": error, "conf_low": estimate - reach * error,
        "conf_high": estimate + reach * error, "n": n, "t": t, "df": df, "p": p, "p_holm": holm, "p_bh": bh,
        "status": np.where(possible, OK, CANNOT).astype(object),
        "reason": np.where(possible, "", "no_variation").astype(object),
    }  # fmt: skip
    for name, values in columns.items():
        table[name] = values
    return table
