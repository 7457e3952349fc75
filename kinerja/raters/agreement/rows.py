"""The table of coefficients: which can be computed on a design, with which interval, and whether to report it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa

from kinerja.raters.agreement.chance import (
    Coefficient,
    Weights,
    agreement_weights,
    brennan_prediger,
    cohen,
    conger,
    count_table,
    fleiss,
    fleiss_null_error,
    gwet,
    share_agreeing,
)
from kinerja.raters.agreement.icc import Icc, icc_one_way, icc_two_way
from kinerja.raters.agreement.krippendorff import Metric, bootstrap_alpha, coincidence_matrix, krippendorff_alpha
from kinerja.raters.statistics import wilson_interval
from kinerja.results import CANNOT, ESTIMATE_COLUMNS, OK

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Settings = Mapping[str, Any]

UNWEIGHTED = ("cohen_kappa", "light_kappa", "fleiss_kappa", "conger_kappa", "brennan_prediger", "gwet_ac1",
              "krippendorff_nominal")  # fmt: skip
WEIGHTED = ("cohen_kappa_weighted", "fleiss_kappa_weighted", "gwet_ac2", "krippendorff_ordinal", "adjacent_agreement")
ICC_FORMS = {
    "icc_1": "ICC(1)",
    "icc_k": "ICC(k)",
    "icc_random_c_1": "ICC(C,1)",
    "icc_random_c_k": "ICC(C,k)",
    "icc_random_a_1": "ICC(A,1)",
    "icc_random_a_k": "ICC(A,k)",
    "icc_fixed_c_1": "ICC(C,1)",
    "icc_fixed_c_k": "ICC(C,k)",
    "icc_fixed_a_1": "ICC(A,1)",
    "icc_fixed_a_k": "ICC(A,k)",
}
"""McGraw & Wong's ten forms: one-way (case 1), raters drawn at random (case 2), these raters only (case 3)."""

MOSTLY_SEVERAL = 0.9
"""From this share of subjects with two ratings on, Gwet's standard error differs little from that of a ratio."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """Ratings as codes. subject, ratee, rater, category (N,); values (v,) ascending; cluster (n,); pairs (p, 2)."""

    ratings: pd.DataFrame
    subject: Ints
    ratee: Ints
    rater: Ints
    category: Ints
    values: Floats
    cluster: Ints
    raters: tuple[str, ...]
    n_ratees: int
    pairs: Ints

    @cached_property
    def counts(self) -> Floats:
        """(n, v) raters who put the subject into the category."""
        return count_table(self.subject, self.category, len(self.cluster), len(self.values))

    @property
    def several(self) -> NDArray[np.bool_]:
        """(n,) whether two or more raters rated the subject."""
        return np.bincount(self.subject, minlength=len(self.cluster)) >= 2

    @property
    def crossed(self) -> bool:
        """Whether every rater rated every subject."""
        return len(self.subject) == len(self.cluster) * len(self.raters) and len(self.raters) > 1

    @property
    def n_double_ratees(self) -> int:
        return len(np.unique(self.ratee[self.pairs[:, 0]]))

    @property
    def dominant_share(self) -> float:
        """Share of the most used value."""
        return float(np.bincount(self.category).max() / len(self.category)) if len(self.category) else np.nan

    def weights(self, kind: Weights) -> Floats:
        return agreement_weights(self.values, kind)


def gwets_error(design: Design, settings: Settings) -> bool:
    """Gwet's own standard error, or (auto) that of a ratio where over a tenth of the subjects have one rating only."""
    if settings["error"] == "auto":
        return bool(design.several.mean() >= MOSTLY_SEVERAL) if len(design.cluster) else True
    return bool(settings["error"] == "gwet")


def coefficient_rows(design: Design, settings: Settings) -> pd.DataFrame:
    rows = {**_shares(design, settings), **_chance(design, settings), **_alphas(design, settings)}
    rows |= _iccs(design, settings)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(ESTIMATE_COLUMNS))
    table = table.rename_axis("coefficient").reset_index()
    table.insert(1, "form", table["coefficient"].map(ICC_FORMS).fillna(""))
    table["n_raters"] = len(design.raters)
    table["std_error_null"] = np.nan
    at = table["coefficient"] == "fleiss_kappa"
    if design.crossed and (table.loc[at, "status"] == OK).all():
        table.loc[at, "std_error_null"] = fleiss_null_error(design.counts)
    table["z"] = table["estimate"] / table["std_error_null"]
    table["question"] = "question." + table["coefficient"]
    table["not_when"] = "not_when." + table["coefficient"]
    table["advice"] = [
        _advice(name, status, design, settings)
        for name, status in zip(table["coefficient"], table["status"], strict=True)
    ]
    table["advised"] = table["advice"] == ""
    return table


def _advice(name: str, status: str, design: Design, settings: Settings) -> str:
    """Why these data do not allow the coefficient to be reported; empty where they do."""
    level = settings["level"]
    if status == CANNOT:
        return "cannot"
    if level != "nominal" and name in UNWEIGHTED:
        return "order_ignored"
    if level == "nominal" and name not in (*UNWEIGHTED, "exact_agreement"):
        return "no_order"
    if name == "krippendorff_ratio" and level != "ratio":
        return "no_true_zero"
    if name == "krippendorff_interval" and level == "ordinal":
        return "steps_unknown"
    chance_corrected = not name.startswith(("icc", "exact", "adjacent", "gwet"))
    return "dominant_category" if chance_corrected and design.dominant_share > settings["dominant_share"] else ""


# Rows


def _cannot(n: int, reason: str) -> tuple[Any, ...]:
    return (np.nan, np.nan, np.nan, np.nan, n, CANNOT, reason)


def _shares(design: Design, settings: Settings) -> dict[str, tuple[Any, ...]]:
    if len(design.pairs) == 0:
        return dict.fromkeys(("exact_agreement", "adjacent_agreement"), _cannot(0, "not_measured"))
    rating = design.ratings["rating"].to_numpy(float)
    away = np.abs(rating[design.pairs[:, 0]] - rating[design.pairs[:, 1]])
    subject = design.subject[design.pairs[:, 0]]
    found = {
        "exact_agreement": share_agreeing(subject, away == 0, design.cluster),
        "adjacent_agreement": share_agreeing(subject, away <= settings["adjacent"], design.cluster),
    }
    clusters = len(np.unique(design.cluster[subject]))
    return {name: _share_row(share, clusters, settings["confidence"]) for name, share in found.items()}


def _share_row(share: Coefficient, clusters: int, confidence: float) -> tuple[Any, ...]:
    """Wilson's interval on the effective number of subjects, p (1 - p) / SE^2; the clusters where SE is 0."""
    p, error = share.estimate, share.std_error
    if clusters < 2:
        return (p, np.nan, np.nan, np.nan, share.n, OK, "no_interval")
    effective = p * (1 - p) / error**2 if error > 0 else float(clusters)
    return (p, error, *wilson_interval(p, effective, confidence), share.n, OK, "")


def _chance(design: Design, settings: Settings) -> dict[str, tuple[Any, ...]]:
    w, plain = design.weights(settings["weights"]), design.weights("identity")
    r, cluster = design.counts, design.cluster
    by_rater = (design.subject, design.rater, design.category)
    ratio = not gwets_error(design, settings)
    kernels: dict[str, Callable[[], Coefficient]] = {
        "fleiss_kappa": lambda: fleiss(r, plain, cluster, ratio),
        "fleiss_kappa_weighted": lambda: fleiss(r, w, cluster, ratio),
        "conger_kappa": lambda: conger(*by_rater, plain, cluster, ratio),
        "brennan_prediger": lambda: brennan_prediger(r, plain, cluster, ratio),
        "gwet_ac1": lambda: gwet(r, plain, cluster, ratio),
        "gwet_ac2": lambda: gwet(r, w, cluster, ratio),
    }
    n = int(design.several.sum())
    reason = _no_chance(design, settings)
    rows = {**_cohen_rows(design, settings, reason), "light_kappa": _light_row(design, settings, reason)}
    rows |= {name: _cannot(n, reason) if reason else _row(f(), settings["confidence"]) for name, f in kernels.items()}
    return rows


def _no_chance(design: Design, settings: Settings) -> str:
    if len(design.pairs) == 0:
        return "not_measured"
    if len(design.values) > settings["most_categories"]:
        return "too_many_categories"
    return "one_category" if len(np.unique(design.category)) < 2 else ""


def _row(found: Coefficient, confidence: float) -> tuple[Any, ...]:
    """Student's t interval over the clusters; none where nobody ever disagreed."""
    if not np.isfinite(found.estimate):
        return _cannot(found.n, "one_category")
    if found.freedom < 1 or found.std_error < 1e-12:
        return (found.estimate, np.nan, np.nan, np.nan, found.n, OK, "no_interval")
    half = float(stats.t.ppf((1 + confidence) / 2, found.freedom) * found.std_error)
    return (found.estimate, found.std_error, found.estimate - half, found.estimate + half, found.n, OK, "")


def _cohen_rows(design: Design, settings: Settings, reason: str) -> dict[str, tuple[Any, ...]]:
    """Two raters only: statsmodels where the subjects are independent, else the same estimate with a clustered SE."""
    names = {"cohen_kappa": "identity", "cohen_kappa_weighted": settings["weights"]}
    n = int(design.several.sum())
    reason = reason or ("not_two_raters" if len(design.raters) != 2 else "")
    if reason:
        return dict.fromkeys(names, _cannot(n, reason))
    left, right = design.category[design.pairs[:, 0]], design.category[design.pairs[:, 1]]
    cluster = np.unique(design.cluster[design.subject[design.pairs[:, 0]]], return_inverse=True)[1]
    if len(np.unique(cluster)) < n:
        return {
            name: _row(cohen(left, right, design.weights(kind), cluster), settings["confidence"])
            for name, kind in names.items()
        }
    table = count_table(left, right, len(design.values), len(design.values))
    return {name: _statsmodels_row(table, 1 - design.weights(kind), n, settings) for name, kind in names.items()}


def _statsmodels_row(table: Floats, distance: Floats, n: int, settings: Settings) -> tuple[Any, ...]:
    with np.errstate(invalid="ignore", divide="ignore"):  # a marginal with one category: no standard error
        found = cohens_kappa(table, weights=distance)
    if not np.isfinite(found.kappa):
        return _cannot(n, "one_category")
    if not found.std_kappa > 0:
        return (float(found.kappa), np.nan, np.nan, np.nan, n, OK, "no_interval")
    half = float(stats.norm.ppf((1 + settings["confidence"]) / 2) * found.std_kappa)
    return (found.kappa, found.std_kappa, found.kappa - half, found.kappa + half, n, OK, "")


def _light_row(design: Design, settings: Settings, reason: str) -> tuple[Any, ...]:
    """Light (1971): the mean of Cohen's kappa over all pairs of raters; SE by the jackknife over clusters."""
    n = int(design.several.sum())
    reason = reason or ("two_raters" if len(design.raters) == 2 else "" if design.crossed else "not_crossed")
    if reason:
        return _cannot(n, reason)
    order = np.lexsort((design.rater, design.subject))
    table = design.category[order].reshape(len(design.cluster), len(design.raters))
    estimate = _light(table, len(design.values))
    clusters = np.unique(design.cluster)
    size = len(clusters)
    if size < 2:  # nothing is left without the only cluster
        return _row(Coefficient(estimate=estimate, std_error=0.0, freedom=0, n=n), settings["confidence"])
    without = np.array([_light(table[design.cluster != c], len(design.values)) for c in clusters])
    error = float(np.sqrt((size - 1) / size * ((without - without.mean()) ** 2).sum()))
    return _row(Coefficient(estimate=estimate, std_error=error, freedom=size - 1, n=n), settings["confidence"])


def _light(table: Ints, q: int) -> float:
    """table (n, g) categories; NaN where two raters put everything into one and the same category."""
    shown = (table[:, :, None] == np.arange(q)).astype(float)
    agree = np.einsum("igk,ihk->gh", shown, shown) / len(table)
    p = shown.mean(axis=0)
    upper = np.triu_indices(table.shape[1], 1)
    pe = (p @ p.T)[upper]
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(((agree[upper] - pe) / (1 - pe)).mean())


def _alphas(design: Design, settings: Settings) -> dict[str, tuple[Any, ...]]:
    metrics: tuple[Metric, ...] = ("nominal", "ordinal", "interval", "ratio")
    if len(design.pairs) == 0:
        return {f"krippendorff_{metric}": _cannot(0, "not_measured") for metric in metrics}
    matrix = coincidence_matrix(design.subject, design.category, len(design.values))
    v, n = len(design.values), int(design.several.sum())
    whole = np.asarray(matrix.sum(axis=0)).reshape(1, v, v)
    rows = {}
    for metric in metrics:
        estimate = float(krippendorff_alpha(whole, design.values, metric)[0])
        if not np.isfinite(estimate):
            rows[f"krippendorff_{metric}"] = _cannot(n, "one_category")
            continue
        if metric == "ratio" and design.values.min() < 0:
            rows[f"krippendorff_{metric}"] = _cannot(n, "negative_values")
            continue
        several = design.several
        cluster = np.unique(design.cluster[several], return_inverse=True)[1]
        drawn = bootstrap_alpha(
            matrix[several], cluster, design.values, metric, settings["replications"], settings["seed"]
        )
        rows[f"krippendorff_{metric}"] = _bootstrap_row(estimate, drawn, n, settings["confidence"])
    return rows


def _bootstrap_row(estimate: float, drawn: Floats, n: int, confidence: float) -> tuple[Any, ...]:
    """Percentile interval; none where a sample in twenty or more has one value only, or all samples are alike."""
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < 0.95 * len(drawn) or np.ptp(defined) == 0:
        return (estimate, np.nan, np.nan, np.nan, n, OK, "no_interval")
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return (estimate, float(defined.std(ddof=1)), float(low), float(high), n, OK, "")


def _iccs(design: Design, settings: Settings) -> dict[str, tuple[Any, ...]]:
    if len(design.pairs) == 0:
        return dict.fromkeys(ICC_FORMS, _cannot(0, "not_measured"))
    mean = design.ratings.groupby(["ratee", "rater"], sort=True)["rating"].mean()
    ratee = pd.factorize(mean.index.get_level_values("ratee"))[0].astype(np.intp)
    n = int(ratee.max()) + 1
    if n < 2 or np.ptp(mean.to_numpy(float)) == 0:
        return dict.fromkeys(ICC_FORMS, _cannot(n, "one_ratee" if n < 2 else "one_category"))
    single, several = icc_one_way(ratee, mean.to_numpy(float), settings["confidence"])
    rows = {"icc_1": _icc_row(single), "icc_k": _icc_row(several)}
    if len(mean) < n * len(design.raters) or len(design.raters) < 2:
        return rows | {name: _cannot(n, "not_crossed") for name in ICC_FORMS if name not in rows}
    table = icc_two_way(mean.unstack("rater").to_numpy(float), settings["confidence"])
    for case in ("random", "fixed"):
        rows |= {f"icc_{case}_{form}": _icc_row(found) for form, found in table.items()}
    return {name: rows[name] for name in ICC_FORMS}


def _icc_row(found: Icc) -> tuple[Any, ...]:
    """The F interval does not rest on a standard error, so none is shown."""
    if not np.isfinite(found.estimate):
        return _cannot(found.n, "no_differences")
    return (found.estimate, np.nan, found.conf_low, found.conf_high, found.n, OK, "")
