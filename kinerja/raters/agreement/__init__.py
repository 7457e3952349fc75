"""How far raters of the same work agree: shares, chance-corrected coefficients, alpha, intraclass correlations.

Each coefficient answers its own question; the row names it (`question`), says when it must not be reported (`not_when`)
and whether these data allow it (`advised`, `advice`). No coefficient says who is right; agreement is not fairness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kinerja.errors import DataError, ParameterError
from kinerja.raters.agreement.chance import Weights, cohen_by_pair
from kinerja.raters.agreement.rows import Design, coefficient_rows
from kinerja.results import CANNOT, ESTIMATE_COLUMNS, OK, Finding

Floats = NDArray[np.float64]
Level = Literal["nominal", "ordinal", "interval", "ratio"]
WEIGHTS_OF: Mapping[str, Weights] = {
    "nominal": "identity",
    "ordinal": "ordinal",
    "interval": "quadratic",
    "ratio": "quadratic",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Agreement:
    """Agreement between raters of the same ratees.

    Fields
    ------
    coefficients : one row a coefficient: coefficient, form (McGraw and Wong's name of an ICC), the column contract (n
        counts subjects with two ratings or more, for ICC ratees), n_raters, std_error_null and z (Fleiss: against
        agreement by chance only), question and not_when (keys of words.csv), advised, advice (code; else empty)
    pairs : one row a pair of raters with common subjects: rater, other, n, n_ratees, exact_agreement,
        adjacent_agreement, mean_difference (rater minus other, in the rating's unit); of Cohen's weighted kappa
        estimate, std_error, conf_low, conf_high, status, reason
    findings, settings : as everywhere
    """

    coefficients: pd.DataFrame
    pairs: pd.DataFrame
    findings: tuple[Finding, ...]
    settings: Mapping[str, Any]


def estimate_agreement(
    ratings: pd.DataFrame,
    *,
    level: Level = "ordinal",
    weights: Weights | None = None,
    categories: Sequence[float] | None = None,
    adjacent: float = 1.0,
    confidence: float = 0.95,
    replications: int = 1000,
    seed: int = 1,
    cluster_by: Literal["ratee", "subject"] = "ratee",
    error: Literal["auto", "gwet", "ratio"] = "auto",
    most_categories: int = 12,
    dominant_share: float = 0.9,
    fewest_ratees: int = 30,
) -> Agreement:
    """All coefficients of agreement of `ratings` (ratee, rater, item, rating; one period), one row for each.

    A subject is an item of a ratee; several subjects of one ratee are not independent, so standard errors and the
    bootstrap go over ratees (`cluster_by="subject"` treats them as independent, as most software does). Intraclass
    correlations use each rater's mean over the items of a ratee.

    level : what the numbers mean: names only, an order, equal steps, or a true zero too
    weights : for partial agreement in AC2 and weighted kappa; None takes them from `level`
    categories : all categories of the scale; None takes those that occur
    adjacent : largest difference, in the rating's unit, that counts as adjacent
    replications, seed : bootstrap of Krippendorff's alpha
    error : standard error with subjects that have one rating only: Gwet's, that of a ratio, or (auto) Gwet's where at
        least nine in ten subjects have two ratings
    dominant_share : above this share in one category chance-corrected coefficients are not advised
    fewest_ratees : a finding below this number of ratees with two raters

    Raises
    ------
    ParameterError : confidence not between 0 and 1, or a rating is not among `categories`
    DataError : a rater rated one item of a ratee twice
    """
    settings = {
        "level": level,
        "weights": weights or WEIGHTS_OF[level],
        "categories": None if categories is None else tuple(map(float, categories)),
        "adjacent": adjacent,
        "confidence": confidence,
        "replications": replications,
        "seed": seed,
        "cluster_by": cluster_by,
        "error": error,
        "most_categories": most_categories,
        "dominant_share": dominant_share,
        "fewest_ratees": fewest_ratees,
    }
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence: found {confidence}; it must lie between 0 and 1, for example 0.95.")
    design = _design(ratings, settings)
    return Agreement(
        coefficients=coefficient_rows(design, settings),
        pairs=_pair_table(design, settings),
        findings=_findings(design, settings),
        settings=settings,
    )


def _design(ratings: pd.DataFrame, settings: Mapping[str, Any]) -> Design:
    used = ratings.loc[ratings["rating"].notna(), ["ratee", "rater", "item", "rating"]]
    used = used.sort_values(["ratee", "item", "rater"], kind="stable").reset_index(drop=True)
    twice = used[used.duplicated(["ratee", "item", "rater"])]
    if len(twice):
        ratee, rater, item = twice.iloc[0][["ratee", "rater", "item"]]
        raise DataError(
            f"ratings: rater {rater} rated ratee {ratee} twice on item {item} ({len(twice)} such rows); one rating "
            "each is allowed. Take one period at a time, or remove the repeated rows."
        )
    subject = used.groupby(["ratee", "item"], sort=True).ngroup().to_numpy().astype(np.intp)
    ratee, ratees = pd.factorize(used["ratee"], sort=True)
    rater, raters = pd.factorize(used["rater"], sort=True)
    values = _categories(used["rating"].to_numpy(float), settings["categories"])
    first_row = np.unique(subject, return_index=True)[1]
    cluster = ratee[first_row] if settings["cluster_by"] == "ratee" else np.arange(len(first_row))
    return Design(
        ratings=used,
        subject=subject,
        ratee=ratee.astype(np.intp),
        rater=rater.astype(np.intp),
        category=np.searchsorted(values, used["rating"].to_numpy(float)).astype(np.intp),
        values=values,
        cluster=cluster.astype(np.intp),
        raters=tuple(str(r) for r in raters),
        n_ratees=len(ratees),
        pairs=_pairs(subject, rater.astype(np.intp)),
    )


def _categories(rating: Floats, declared: tuple[float, ...] | None) -> Floats:
    if declared is None:
        return np.unique(rating)
    values = np.unique(np.asarray(declared, dtype=float))
    if not np.isin(rating, values).all():
        other = float(rating[~np.isin(rating, values)][0])
        raise ParameterError(
            f"categories: found the rating {other:g}; {', '.join(f'{v:g}' for v in values)} are declared. "
            "Add it to the categories, or correct the rating."
        )
    return values


def _pairs(subject: NDArray[np.intp], rater: NDArray[np.intp]) -> NDArray[np.intp]:
    """(p, 2) positions of every two ratings of one subject, the rater that sorts first standing first."""
    frame = pd.DataFrame({"subject": subject, "rater": rater, "row": np.arange(len(subject))})
    frame = frame[frame.groupby("subject")["row"].transform("size") > 1]
    joined = frame.merge(frame, on="subject", suffixes=("", "_other"))
    joined = joined[joined["rater"] < joined["rater_other"]]
    return joined[["row", "row_other"]].to_numpy(np.intp)


def _pair_table(design: Design, settings: Mapping[str, Any]) -> pd.DataFrame:
    if len(design.pairs) == 0:
        return _no_pairs()
    left, right = design.pairs.T
    raters = np.array(design.raters, dtype=object)
    both, pair = np.unique(design.rater[left] * len(raters) + design.rater[right], return_inverse=True)
    rating = design.ratings["rating"].to_numpy(float)
    difference = rating[left] - rating[right]
    n = np.bincount(pair)
    ratees = np.unique(np.column_stack([pair, design.ratee[left]]), axis=0)[:, 0]
    table = pd.DataFrame({"rater": raters[both // len(raters)], "other": raters[both % len(raters)], "n": n})
    table["n_ratees"] = np.bincount(ratees)
    table["exact_agreement"] = np.bincount(pair, difference == 0) / n
    table["adjacent_agreement"] = np.bincount(pair, np.abs(difference) <= settings["adjacent"]) / n
    table["mean_difference"] = np.bincount(pair, difference) / n
    return table.join(_pair_kappas(design, pair.astype(np.intp), len(both), settings))


def _pair_kappas(design: Design, pair: NDArray[np.intp], pairs: int, settings: Mapping[str, Any]) -> pd.DataFrame:
    if len(design.values) > settings["most_categories"]:
        kappa, error, freedom = np.full(pairs, np.nan), np.full(pairs, np.nan), np.zeros(pairs, dtype=np.intp)
    else:
        left, right = design.category[design.pairs[:, 0]], design.category[design.pairs[:, 1]]
        cluster = design.cluster[design.subject[design.pairs[:, 0]]]
        kappa, error, freedom = cohen_by_pair(pair, left, right, design.weights(settings["weights"]), cluster)
    known = np.isfinite(kappa)
    spread = known & (freedom > 0) & (np.nan_to_num(error) > 1e-12)
    error = np.where(spread, error, np.nan)
    half = stats.t.ppf((1 + settings["confidence"]) / 2, np.maximum(freedom, 1)) * error
    unknown = "too_many_categories" if len(design.values) > settings["most_categories"] else "one_category"
    table = pd.DataFrame({"estimate": kappa, "std_error": error, "conf_low": kappa - half, "conf_high": kappa + half})
    table["status"] = np.where(known, OK, CANNOT)
    table["reason"] = np.where(spread, "", np.where(known, "no_interval", unknown))
    return table


def _no_pairs() -> pd.DataFrame:
    counts = dict.fromkeys(("n", "n_ratees"), "int64")
    numbers = dict.fromkeys(("exact_agreement", "adjacent_agreement", "mean_difference", *ESTIMATE_COLUMNS[:4]), float)
    types: dict[str, Any] = {"rater": str, "other": str, **counts, **numbers, "status": str, "reason": str}
    return pd.DataFrame(columns=list(types)).astype(types)


def _findings(design: Design, settings: Mapping[str, Any]) -> tuple[Finding, ...]:
    double = design.n_double_ratees
    data = {"n": double, "ratees": design.n_ratees, "raters": len(design.raters)}
    if double == 0:
        return (Finding(level="caution", code="agreement_not_measured", data=data),)
    found = [Finding(level="note", code="agreement_rests_on", data=data)]
    if double < settings["fewest_ratees"]:
        data = {"n": double, "fewest": settings["fewest_ratees"]}
        found.append(Finding(level="caution", code="agreement_few_ratees", data=data))
    if design.dominant_share > settings["dominant_share"]:
        found.append(Finding(level="caution", code="agreement_prevalence", data={"share": design.dominant_share}))
    if not design.crossed:
        found.append(Finding(level="note", code="agreement_not_crossed", data={"raters": len(design.raters)}))
    return tuple(found)
