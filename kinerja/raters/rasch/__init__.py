"""Many-facet Rasch model for ordered ratings (Linacre 1994): ability, severity and difficulty on one scale, in logits.

    log( P(x = k) / P(x = k - 1) ) = ratee - severity - difficulty - threshold[k]

Joint maximum likelihood is comparable with FACETS, marginal maximum likelihood (ratees normally distributed) with TAM
and sirt. Severity is only ever compared within a connected subset of raters and ratees, unless a named assumption
(anchors, group anchors, shrinkage, equal subset means) links them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from kinerja.errors import ParameterError
from kinerja.raters.rasch.design import Unused, build_design
from kinerja.raters.rasch.estimation import Plan, estimate
from kinerja.raters.rasch.results import build_tables
from kinerja.results import Convergence, Finding
from kinerja.results.shown import Shown

Method = Literal["joint", "marginal"]
Correction = Literal["joint_bias"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RaterFit(Shown):
    """A fitted many-facet Rasch model.

    Fields
    ------
    elements : one row an element, by facet and id: facet, element, measure (logits; severity positive = harsher),
        std_error (all parameters estimated), infit, outfit, infit_z, outfit_z, observed_average, fair_average (expected
        rating with the other facets at their mean), displacement (logits; of an anchored element from its own data),
        conf_low, conf_high, n (ratings, or their weights), score, model_se (1/sqrt(information), others taken as known:
        FACETS' S.E.; marginal ratees: posterior SD), point_measure and point_measure_expected (correlations),
        subset (1, 2, ...; 0 where the element spans several), status, reason. An element with an extreme score is
        placed `extreme` score points inside the limit: status ok, reason extreme_high or extreme_low (of its measure)
    thresholds : group ("" where common), category, step, estimate, std_error, conf_low, conf_high, n, model_se,
        thurstone, status, reason
    categories : group, category, score, n, share, average_measure, expected_measure, outfit, measure, half_point
    unused_categories : group, category: ratings between the lowest and highest used that nobody gave
    facet_summary : facet, elements, n (those with a finite, not extreme, not anchored measure), mean, sd, rmse,
        adjusted_sd, separation, strata, reliability (of separation; with _sample: divisor n - 1), fixed_chi2, fixed_df,
        fixed_p, random_chi2, random_df, random_p
    subsets : subset, n, ratees, raters, members (the raters' ids)
    agreement : element ("" = all pairs), n, agreements, expected, observed_share, expected_share
    unexpected : the facets' ids, rating, expected, residual, residual_z, probability; |residual_z| >= `unexpected`
    population : of the ratees, marginal method only: subset, n, estimate (mean), std_error, sd, sd_std_error
    log_likelihood : joint: of the ratings that take part; marginal: with ratees integrated out
    n_parameters : free ones, constraints taken off
    fit : pearson_chi2, n, explained_variance (share of the ratings' variance that the measures account for)
    convergence, findings, settings
    """

    elements: pd.DataFrame
    thresholds: pd.DataFrame
    categories: pd.DataFrame
    unused_categories: pd.DataFrame
    facet_summary: pd.DataFrame
    subsets: pd.DataFrame
    agreement: pd.DataFrame
    unexpected: pd.DataFrame
    population: pd.DataFrame
    log_likelihood: float
    n_parameters: int
    fit: dict[str, float]
    convergence: Convergence
    findings: tuple[Finding, ...]
    settings: dict[str, Any]

    def measures(self, facet: str) -> pd.Series[float]:
        """Measures of one facet by id, NaN where there is none."""
        rows = self.elements[self.elements["facet"] == facet]
        return pd.Series(rows["measure"].to_numpy(), index=rows["element"].to_numpy(), name=facet)


def fit_raters(
    ratings: pd.DataFrame,
    *,
    facets: Sequence[str] = ("ratee", "rater", "item"),
    rating: str = "rating",
    noncentre: str = "ratee",
    positive: Sequence[str] | None = None,
    method: Method = "joint",
    thresholds: str = "common",
    unused: Unused = "renumber",
    anchors: Mapping[str, Mapping[str, float]] | None = None,
    group_anchors: Sequence[tuple[str, Sequence[str], float]] = (),
    dummy: Sequence[str] = (),
    weights: str | None = None,
    extreme: float = 0.3,
    correction: Correction | None = None,
    penalty: Mapping[str, float | str] | None = None,
    link: Literal["equal_means"] | None = None,
    nodes: int = 15,
    unexpected: float = 3.0,
    confidence: float = 0.95,
    tolerance: float = 1e-5,
    maximum_iterations: int = 100,
) -> RaterFit:
    """Fit the many-facet Rasch model to tidy ratings (one row a rating).

    facets : columns that hold the ids; any number. The first of `positive` is the object of measurement (ratees)
    noncentre : the facet whose measures float; every other one has mean zero within each connected component
    positive : facets whose higher measure means higher ratings; None: "ratee" where it is a facet, else `noncentre`
    method : "joint" (FACETS) or "marginal" (normal distribution of the ratees, adaptive quadrature)
    thresholds : "common" (rating scale), or a facet whose elements each have their own (partial credit), such as "item"
    unused : categories between others that nobody used: "renumber" (squeezed out, as FACETS does) or "keep"
    anchors : {facet: {element: measure}}, fixed. group_anchors : (facet, elements, mean): only the mean is fixed
    dummy : facets kept at 0, for interactions only
    weights : column with a weight for each rating
    extreme : score points inside the limit at which an extreme score is placed
    correction : "joint_bias" takes the first-order inflation out of joint estimates (Firth 1993)
    penalty : {facet: SD of a normal prior around 0, or "estimate"}: shrinkage, which also links subsets (joint method)
    link : "equal_means": marginal method, assume that ratees of unconnected subsets are equally able on average.
        None: every subset has its own mean, and severity is compared within it only
    nodes : quadrature points for each ratee, placed around that ratee's posterior
    confidence : of the intervals. tolerance : largest change of a measure (logits) in the last iteration

    Raises
    ------
    ParameterError : an argument names no facet or method, or two contradict each other
    DataError : a column is missing or not numeric, an anchor names no element
    EstimationError : no ratings, or no variation at all
    """
    facets, dummy = tuple(facets), tuple(dummy)
    positive = tuple(positive) if positive is not None else (("ratee",) if "ratee" in facets else (noncentre,))
    settings: dict[str, Any] = {
        "facets": facets, "rating": rating, "noncentre": noncentre, "positive": positive, "method": method,
        "thresholds": thresholds, "unused": unused,
        "anchors": {f: {str(e): float(v) for e, v in named.items()} for f, named in (anchors or {}).items()},
        "group_anchors": tuple((f, tuple(map(str, members)), float(value)) for f, members, value in group_anchors),
        "dummy": dummy, "weights": weights, "extreme": extreme, "correction": correction,
        "penalty": dict(penalty or {}), "link": link, "nodes": nodes, "unexpected": unexpected,
        "confidence": confidence, "tolerance": tolerance, "maximum_iterations": maximum_iterations,
    }  # fmt: skip
    _check(settings)
    design = build_design(ratings, facets, positive, rating, weights)
    plan = Plan(
        noncentre=facets.index(noncentre),
        ratee=facets.index(positive[0]),
        rater=_rater_facet(facets, positive),
        threshold_facet=None if thresholds == "common" else facets.index(thresholds),
        settings=settings,
    )
    return RaterFit(**build_tables(design, plan, estimate(design, plan)), settings=settings)


def _rater_facet(facets: Sequence[str], positive: Sequence[str]) -> int | None:
    """The facet whose comparability with ratees is reported: "rater", or the first that is not the ratees'."""
    if "rater" in facets:
        return facets.index("rater")
    others = [i for i, name in enumerate(facets) if name != positive[0]]
    return others[0] if others else None


def _check(settings: dict[str, Any]) -> None:
    facets = settings["facets"]
    if len(set(facets)) != len(facets) or not facets:
        raise ParameterError(f"facets: found {facets}; at least one name, each once. Remove the repeated one.")
    named = [("noncentre", settings["noncentre"]), *[("positive", f) for f in settings["positive"]]]
    named += [("dummy", f) for f in settings["dummy"]] + [("anchors", f) for f in settings["anchors"]]
    named += [("penalty", f) for f in settings["penalty"]] + [
        ("group_anchors", f) for f, _, _ in settings["group_anchors"]
    ]
    named += [("thresholds", settings["thresholds"])] if settings["thresholds"] != "common" else []
    for argument, facet in named:
        if facet not in facets:
            raise ParameterError(f"{argument}: found {facet!r}; allowed are the facets {', '.join(facets)}.")
    allowed = {
        "method": ("joint", "marginal"),
        "unused": ("renumber", "keep"),
        "correction": (None, "joint_bias"),
        "link": (None, "equal_means"),
    }
    for argument, values in allowed.items():
        if settings[argument] not in values:
            raise ParameterError(f"{argument}: found {settings[argument]!r}; allowed: {', '.join(map(repr, values))}.")
    limits = {"extreme": (0, 0.5), "confidence": (0, 1), "tolerance": (0, 0.1), "unexpected": (0, 100)}
    for argument, (low, high) in limits.items():
        if not low < settings[argument] < high:
            raise ParameterError(f"{argument}: found {settings[argument]}; it lies between {low} and {high}.")
    for facet, sd in settings["penalty"].items():
        if sd != "estimate" and not (isinstance(sd, (int, float)) and sd > 0):
            raise ParameterError(f"penalty[{facet!r}]: found {sd!r}; a standard deviation above 0, or 'estimate'.")
    if settings["method"] == "marginal":
        given = [name for name in ("correction", "penalty") if settings[name]]
        if given:
            raise ParameterError(
                f"{given[0]}: found with method='marginal'; it belongs to method='joint'. Leave it out."
            )
        if settings["thresholds"] == settings["positive"][0]:
            raise ParameterError(
                f"thresholds: found {settings['thresholds']!r} with method='marginal'; ratees are integrated out "
                "and have no thresholds of their own. Choose 'common' or another facet."
            )
        if settings["positive"][0] in settings["anchors"] or settings["positive"][0] in settings["dummy"]:
            raise ParameterError(
                f"anchors: found {settings['positive'][0]!r} with method='marginal'; ratees are integrated out. "
                "Anchor raters or items, or use method='joint'."
            )
