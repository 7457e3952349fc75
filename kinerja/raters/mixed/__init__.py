"""Crossed random effects: rating = mean + ratee + rater + item + ... + error, each normal with its own variance.

The linear counterpart of the many-facet Rasch model: how much of the variance is ratees, how much raters' severity, how
much items and residual; and each level's effect shrunk towards zero (BLUP). A rater is compared through the ratees that
others rated too; where raters share no ratee the comparison assumes that teams are equal, and a finding says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, sparse, stats
from scipy.sparse.csgraph import connected_components

from kinerja.errors import EstimationError, ParameterError
from kinerja.raters.mixed.design import MixedDesign, build_design
from kinerja.raters.mixed.likelihood import conditional_variances, covariance_of_rest, fixed_part
from kinerja.raters.mixed.optimise import Optimum, optimise
from kinerja.raters.mixed.profile import profile_interval
from kinerja.results import ESTIMATE_COLUMNS, OK, Convergence, Finding
from kinerja.results.shown import Shown

Floats = NDArray[np.float64]
Intervals = Literal["auto", "profile", "wald"]

RESIDUAL = "residual"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class MixedFit(Shown):
    """A linear mixed model with crossed random effects.

    Fields
    ------
    components : one row a variance: component (residual last), the column contract of the variance (n levels; of the
        residual n rows), sd, share (of the sum), interval (profile or wald)
    effects : one row a level: component, member, estimate (BLUP, added to the rating), std_error (conditional on the
        parameters, as lme4's condVar), conf_low, conf_high, prediction_error (with that of the fixed effects too),
        n (rows), status, reason
    fixed : one row a term: term, the column contract (normal interval)
    covariance : (K + 1, K + 1) of the variances, in the order of `components`; NaN rows for a variance of 0
    criterion : -2 log likelihood, restricted where method is "reml" (as lme4 reports it)
    n : ratings used
    convergence, findings, settings : as everywhere
    """

    components: pd.DataFrame
    effects: pd.DataFrame
    fixed: pd.DataFrame
    covariance: Floats
    criterion: float
    n: int
    convergence: Convergence
    findings: tuple[Finding, ...]
    settings: Mapping[str, Any]

    @property
    def severity(self) -> pd.DataFrame:
        rows = self.effects[self.effects["component"] == "rater"].rename(columns={"member": "rater"})
        low, high = -rows["conf_high"], -rows["conf_low"]
        turned = rows.assign(estimate=-rows["estimate"], conf_low=low, conf_high=high)
        return turned[["rater", *ESTIMATE_COLUMNS]].reset_index(drop=True)


def fit_mixed(
    ratings: pd.DataFrame,
    *,
    fixed: Sequence[str] = (),
    random: Sequence[str] = ("ratee", "rater", "item"),
    response: str = "rating",
    method: Literal["reml", "ml"] = "reml",
    intervals: Intervals = "auto",
    confidence: float = 0.95,
    tolerance: float = 1e-6,
    most_iterations: int = 100,
    profile_at_most: int = 300,
) -> MixedFit:
    """Fit `response ~ 1 + fixed + (1 | random_1) + (1 | random_2) + ...`.

    fixed : columns; numbers enter as they are, others as indicators against their first value
    random : columns; "ratee:rater" is the combination of two
    method : restricted maximum likelihood, or maximum likelihood (to compare models with other fixed effects)
    intervals : of the variances: profile likelihood, or wald (normal on the logarithm); auto profiles where the system
        left after elimination has at most `profile_at_most` columns
    tolerance : the iteration ends when the criterion can fall by less than this

    Raises
    ------
    ParameterError : a column is not there, confidence is not between 0 and 1, no random term
    EstimationError : a variance cannot be told from the residual or from another one; too few ratings; no residual
    """
    settings = {
        "fixed": tuple(fixed),
        "random": tuple(random),
        "response": response,
        "method": method,
        "intervals": intervals,
        "confidence": confidence,
        "tolerance": tolerance,
        "most_iterations": most_iterations,
        "profile_at_most": profile_at_most,
    }
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence: found {confidence}; it must lie between 0 and 1, for example 0.95.")
    if not random:
        raise ParameterError("random: found no term; name one or more columns, for example ratee and rater.")
    columns = list(dict.fromkeys([response, *fixed, *(part for term in random for part in term.split(":"))]))
    used = ratings[[c for c in columns if c in ratings.columns]].dropna()
    if len(used) < 3:
        raise EstimationError(f"mixed model: found {len(used)} complete ratings; three are needed. Add ratings.")
    if np.ptp(used[response].to_numpy(float)) == 0:
        raise EstimationError(
            f"mixed model: found the same {response} in all {len(used)} rows; they must differ. Leave the model out."
        )
    design = build_design(used, response, fixed, random)
    reml = method == "reml"
    best = optimise(design, reml=reml, tolerance=tolerance, most_iterations=most_iterations)
    return MixedFit(
        components=_components(design, best, settings),
        effects=_effects(design, best, confidence, random),
        fixed=_fixed(design, best, confidence),
        covariance=_covariance(design, best, tuple(random)),
        criterion=best.criterion,
        n=design.n,
        convergence=best.convergence,
        findings=_findings(ratings, used, design, best, random),
        settings=settings,
    )


# Tables


def _order(design: MixedDesign, random: Sequence[str]) -> list[int]:
    """Positions of the terms as the user named them among the variances (residual is 0), residual last."""
    names = [factor.name for factor in design.factors]
    return [*(names.index(term) + 1 for term in random), 0]


def _components(design: MixedDesign, best: Optimum, settings: Mapping[str, Any]) -> pd.DataFrame:
    dense = len(design.zz_rr)
    profiled = settings["intervals"] == "profile" or (
        settings["intervals"] == "auto" and dense <= settings["profile_at_most"]
    )
    rows = []
    total = best.variances.sum()
    for at in _order(design, settings["random"]):
        variance = float(best.variances[at])
        error = _error(best, at)
        if profiled:
            reml = settings["method"] == "reml"
            low, high = profile_interval(design, best, at, reml=reml, confidence=settings["confidence"])
        else:
            low, high = _wald(best, at, settings["confidence"])
        n = design.n if at == 0 else len(design.factors[at - 1].levels)
        name = RESIDUAL if at == 0 else design.factors[at - 1].name
        interval = "profile" if profiled else "wald"
        reason = "at_zero" if variance == 0 else ""
        rows.append((name, variance, error, low, high, n, OK, reason, np.sqrt(variance), variance / total, interval))
    return pd.DataFrame(rows, columns=["component", *ESTIMATE_COLUMNS, "sd", "share", "interval"])


def _error(best: Optimum, at: int) -> float:
    """Standard error of a variance from the inverse average information of the free ones; NaN for a variance of 0."""
    free = np.flatnonzero(best.variances > 0)
    if at not in free:
        return np.nan
    inverse = linalg.pinvh(best.information[np.ix_(free, free)] / 2)
    place = int(np.searchsorted(free, at))
    return float(np.sqrt(inverse[place, place]))


def _covariance(design: MixedDesign, best: Optimum, random: Sequence[str]) -> Floats:
    free = np.flatnonzero(best.variances > 0)
    whole = np.full((len(best.variances),) * 2, np.nan)
    whole[np.ix_(free, free)] = linalg.pinvh(best.information[np.ix_(free, free)] / 2)
    order = _order(design, random)
    return np.asarray(whole[np.ix_(order, order)])


def _wald(best: Optimum, at: int, confidence: float) -> tuple[float, float]:
    """Normal interval of the logarithm of the variance; for a variance of 0 there is none."""
    variance, error = float(best.variances[at]), _error(best, at)
    if variance == 0:
        return np.nan, np.nan
    with np.errstate(over="ignore"):  # a variance near zero: from nothing to any size
        factor = float(np.exp(stats.norm.ppf((1 + confidence) / 2) * error / variance))
    return variance / factor, variance * factor


def _effects(design: MixedDesign, best: Optimum, confidence: float, random: Sequence[str]) -> pd.DataFrame:
    found = best.factorization
    conditional = conditional_variances(design, found, covariance_of_rest(found, design))
    wider = conditional + fixed_part(design, found, by_level=True)
    z = stats.norm.ppf((1 + confidence) / 2)
    parts = []
    for at in _order(design, random)[:-1]:
        factor, here = design.factors[at - 1], design.slices[at - 1]
        # a variance of 0 gives effects of 0 with no error: that is no knowledge, so no interval is shown
        none = best.variances[at] == 0
        error = np.where(none, np.nan, np.sqrt(best.variances[0] * conditional[here]))
        part = pd.DataFrame({"member": factor.levels, "estimate": found.b[here], "std_error": error})
        part["conf_low"], part["conf_high"] = part["estimate"] - z * error, part["estimate"] + z * error
        part["prediction_error"] = np.where(none, np.nan, np.sqrt(best.variances[0] * wider[here]))
        part["n"] = design.zz.diagonal()[here].astype("int64")
        parts.append(part.assign(status=OK, reason="at_zero" if none else ""))
        parts[-1].insert(0, "component", factor.name)
    return pd.concat(parts, ignore_index=True)


def _fixed(design: MixedDesign, best: Optimum, confidence: float) -> pd.DataFrame:
    p = len(best.factorization.beta)
    estimate = best.factorization.beta.copy()
    estimate[0] += design.y_mean  # y was centred; the intercept is the first column
    error = np.sqrt(best.variances[0] * np.diag(linalg.inv(best.factorization.normal[:p, :p])))
    half = stats.norm.ppf((1 + confidence) / 2) * error
    table = pd.DataFrame({"term": design.terms, "estimate": estimate, "std_error": error})
    return table.assign(conf_low=estimate - half, conf_high=estimate + half, n=design.n, status=OK, reason="")


# Findings


def _findings(
    ratings: pd.DataFrame, used: pd.DataFrame, design: MixedDesign, best: Optimum, random: Sequence[str]
) -> tuple[Finding, ...]:
    found = []
    if not best.convergence.converged:
        data = {"iterations": best.convergence.iterations, "change": best.convergence.change}
        found.append(Finding(level="stop", code="mixed_not_converged", data=data))
    if len(used) < len(ratings):
        found.append(Finding(level="note", code="mixed_rows_left_out", data={"n": len(ratings) - len(used)}))
    for name in design.left_out:
        found.append(Finding(level="caution", code="mixed_term_left_out", data={"term": name}))
    for factor, variance in zip(design.factors, best.variances[1:], strict=True):
        if variance == 0:
            found.append(Finding(level="note", code="mixed_zero_variance", data={"component": factor.name}))
        elif len(factor.levels) < 5:
            few = {"component": factor.name, "n": len(factor.levels)}
            found.append(Finding(level="caution", code="mixed_few_levels", data=few))
    if {"ratee", "rater"} <= set(random):
        found += _nested_raters(used)
    return tuple(found)


def _nested_raters(used: pd.DataFrame) -> list[Finding]:
    """Common items do not link raters: only ratees rated by several raters do."""
    pairs = used[["ratee", "rater"]].astype(str).drop_duplicates()
    ratee, ratees = pd.factorize(pairs["ratee"])
    rater, raters = pd.factorize(pairs["rater"])
    size = len(ratees) + len(raters)
    graph = sparse.coo_array((np.ones(len(pairs)), (ratee, rater + len(ratees))), shape=(size, size))
    parts = int(connected_components(graph, directed=False)[0])
    if parts == 1:
        return []
    data = {"parts": parts, "raters": len(raters), "ratees": len(ratees)}
    return [Finding(level="caution", code="mixed_raters_in_parts", data=data)]
