"""Agreement on categories, and agreement corrected for chance: Cohen, Light, Fleiss, Conger, Brennan-Prediger, Gwet.

All coefficients have the form (pa - pe) / (1 - pe); they differ in pe, the agreement expected by chance. Standard
errors are Gwet's linearisation (Gwet 2014, Handbook of Inter-Rater Reliability, 4th ed., ch. 5-6): one term a subject,
summed within clusters where several subjects belong to one ratee. Gwet takes the number of subjects with two ratings
as if it were fixed in advance; where many have one rating only that is far too wide, and `ratio` linearises pa as the
ratio it is. Symbols: n subjects, q categories, g raters, w (q, q) weights with 1 on the diagonal, r (n, q) number of
raters who put the subject into the category.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Weights = Literal["identity", "linear", "quadratic", "ordinal"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Coefficient:
    """estimate; std_error; freedom: degrees of freedom of its t interval; n: subjects with two ratings or more."""

    estimate: float
    std_error: float
    freedom: int
    n: int


def agreement_weights(categories: Floats, kind: Weights) -> Floats:
    """(q, q): identity; linear or quadratic in the distance; ordinal 1 - C(d + 1, 2) / C(q, 2), d ranks apart."""
    q = len(categories)
    if kind == "identity" or q < 2:
        return np.eye(q)
    distance = np.abs(np.subtract.outer(categories, categories))
    if kind == "linear":
        return np.asarray(1 - distance / distance.max(), dtype=float)
    if kind == "quadratic":
        return np.asarray(1 - (distance / distance.max()) ** 2, dtype=float)
    apart = np.abs(np.subtract.outer(np.arange(q), np.arange(q)))
    return np.asarray(1 - apart * (apart + 1) / (q * (q - 1)), dtype=float)


def observed_agreement(r: Floats, w: Floats) -> tuple[float, Floats]:
    """pa, and the (n,) share of agreeing pairs of raters in each subject (0 where fewer than two rated)."""
    raters = r.sum(axis=1)
    pairs = np.where(raters >= 2, raters * (raters - 1), 1.0)
    within = (r * (r @ w.T - 1)).sum(axis=1) / pairs * (raters >= 2)
    return float(within.sum() / (raters >= 2).sum()), within


def share_agreeing(subject: Ints, agree: NDArray[np.bool_], cluster: Ints) -> Coefficient:
    """Share of agreeing pairs of raters, each subject counting once; subject and agree (pairs,), cluster (n,)."""
    n = len(cluster)
    pairs = np.bincount(subject, minlength=n)
    within = np.bincount(subject, agree, n) / np.maximum(pairs, 1)
    several = pairs > 0
    pa = float(within.sum() / several.sum())
    return _coefficient(
        pa, n / several.sum() * np.where(several, within - pa, 0.0), cluster, several, int(several.sum())
    )


def cohen(first: Ints, second: Ints, w: Floats, cluster: Ints) -> Coefficient:
    """Cohen (1960, 1968) of two raters who both rated the n subjects; each rater keeps an own marginal."""
    kappa, error, freedom = cohen_by_pair(np.zeros(len(first), dtype=np.intp), first, second, w, cluster)
    return Coefficient(estimate=float(kappa[0]), std_error=float(error[0]), freedom=int(freedom[0]), n=len(first))


def cohen_by_pair(pair: Ints, first: Ints, second: Ints, w: Floats, cluster: Ints) -> tuple[Floats, Floats, Ints]:
    """Cohen's kappa, its standard error and degrees of freedom of every pair of raters, (pairs,) each.

    pair, first, second, cluster (N,): which pair, what its two raters said, and the ratee. NaN where pe is 1.
    """
    pairs, q = int(pair.max()) + 1, len(w)
    n = np.bincount(pair, minlength=pairs)
    p = count_table(pair, first, pairs, q) / n[:, None]
    r = count_table(pair, second, pairs, q) / n[:, None]
    pa = np.bincount(pair, w[first, second], pairs) / n
    pe = ((p @ w) * r).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = np.where(pe < 1, (pa - pe) / (1 - pe), np.nan)
        chance = (r @ w.T)[pair, first] + (p @ w)[pair, second] - 2 * pe[pair]
        influence = (w[first, second] - pa[pair] - (1 - kappa[pair]) * chance) / (1 - pe[pair])
    joint, at = np.unique(pair * (int(cluster.max()) + 1) + cluster, return_inverse=True)
    totals = np.bincount(at, influence)
    owner = joint // (int(cluster.max()) + 1)
    clusters = np.bincount(owner, minlength=pairs)
    scale = np.where(clusters > 1, clusters / np.maximum(clusters - 1, 1), np.nan)
    return kappa, np.sqrt(scale * np.bincount(owner, totals**2, pairs)) / n, clusters - 1


def fleiss(r: Floats, w: Floats, cluster: Ints, ratio: bool = False) -> Coefficient:
    """Fleiss (1971), weighted and with missing ratings: pe from the raters' common marginal pi_k = mean r_ik / r_i."""
    share = r / r.sum(axis=1, keepdims=True)
    pi = share.mean(axis=0)
    return _corrected(r, w, cluster, float(pi @ w @ pi), share @ (w + w.T) @ pi, ratio)


def brennan_prediger(r: Floats, w: Floats, cluster: Ints, ratio: bool = False) -> Coefficient:
    """Brennan & Prediger (1981): chance spreads evenly over the q categories, pe = sum w / q^2."""
    pe = float(w.mean())
    return _corrected(r, w, cluster, pe, np.full(len(r), 2 * pe), ratio)


def gwet(r: Floats, w: Floats, cluster: Ints, ratio: bool = False) -> Coefficient:
    """Gwet (2008) AC1 (identity weights) and AC2: pe = sum w / (q (q - 1)) * sum pi_k (1 - pi_k)."""
    q = len(w)
    share = r / r.sum(axis=1, keepdims=True)
    pi = share.mean(axis=0)
    factor = w.sum() / (q * (q - 1))
    return _corrected(r, w, cluster, float(factor * (pi * (1 - pi)).sum()), 2 * factor * share @ (1 - pi), ratio)


def conger(subject: Ints, rater: Ints, value: Ints, w: Floats, cluster: Ints, ratio: bool) -> Coefficient:
    """Conger (1980): Cohen's kappa for more than two raters; chance from two different raters' marginals.

    p (g, q) shares of each rater's categories; pe = sum_{g != h} p_g' w p_h / (g (g - 1)).
    """
    n, q, raters = len(cluster), len(w), int(rater.max()) + 1
    r = count_table(subject, value, n, q)
    given = np.bincount(rater, minlength=raters).astype(float)
    p = count_table(rater, value, raters, q) / given[:, None]
    others = p.sum(axis=0) - p
    pe = float((p * (others @ w.T)).sum() / (raters * (raters - 1)))
    slope = others @ (w + w.T) / (raters * (raters - 1))
    moved = n / given[rater] * (slope[rater, value] - (slope * p).sum(axis=1)[rater])
    return _corrected(r, w, cluster, pe, np.bincount(subject, moved, n).astype(float) + 2 * pe, ratio)


def count_table(row: Ints, column: Ints, rows: int, columns: int) -> Floats:
    """(rows, columns) number of times each pair occurs."""
    return np.bincount(row * columns + column, minlength=rows * columns).reshape(rows, columns).astype(float)


def fleiss_null_error(r: Floats) -> float:
    """SE of Fleiss' kappa if raters agreed by chance only (Fleiss, Nee & Landis 1979); equal numbers of raters."""
    n, m = len(r), r[0].sum()
    p = r.sum(axis=0) / r.sum()
    spread = (p * (1 - p)).sum()
    inner = spread**2 - (p * (1 - p) * (1 - 2 * p)).sum()
    return float(np.sqrt(2 * inner / (n * m * (m - 1))) / spread)


def _corrected(r: Floats, w: Floats, cluster: Ints, pe: float, chance: Floats, ratio: bool) -> Coefficient:
    """(pa - pe) / (1 - pe); chance (n,): twice the subject's part in pe, so that its mean is 2 pe."""
    pa, within = observed_agreement(r, w)
    several = r.sum(axis=1) >= 2
    if pe >= 1:
        return Coefficient(estimate=np.nan, std_error=np.nan, freedom=0, n=int(several.sum()))
    kappa = (pa - pe) / (1 - pe)
    factor = len(r) / several.sum() / (1 - pe)
    own = (
        factor * np.where(several, within - pa, 0.0) if ratio else factor * np.where(several, within - pe, 0.0) - kappa
    )
    influence = own - (1 - kappa) * (chance - 2 * pe) / (1 - pe)
    return _coefficient(
        kappa, influence, cluster, several if ratio else np.ones(len(r), dtype=bool), int(several.sum())
    )


def _coefficient(estimate: float, influence: Floats, cluster: Ints, counted: NDArray[np.bool_], n: int) -> Coefficient:
    """Degrees of freedom: clusters with a subject that is counted, less one."""
    error = clustered_error(influence, cluster)
    return Coefficient(estimate=estimate, std_error=error, freedom=len(np.unique(cluster[counted])) - 1, n=n)


def clustered_error(influence: Floats, cluster: Ints) -> float:
    """SE of a mean of n influences: sqrt(C / (C - 1) * sum over C clusters of (the cluster's total)^2) / n."""
    n, clusters = len(influence), int(cluster.max()) + 1
    totals = np.bincount(cluster, influence, clusters)
    return float(np.sqrt(clusters / (clusters - 1) * (totals**2).sum()) / n) if clusters > 1 else np.nan
