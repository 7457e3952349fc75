"""From an estimate to the tables of a RaterFit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kinerja.raters.rasch.agreement import AGREEMENT_COLUMNS, agreement_table, unexpected_table
from kinerja.raters.rasch.categories import category_table, threshold_table, unused_table
from kinerja.raters.rasch.design import Bools, Design, Floats, totals
from kinerja.raters.rasch.estimation import Estimated, Plan
from kinerja.raters.rasch.findings import build_findings
from kinerja.raters.rasch.fit import Rows, facet_summary, mean_squares, point_measure
from kinerja.raters.rasch.links import nested_pairs, subset_table
from kinerja.raters.rasch.model import central_moments, expected_rating, linear_predictor, moments, probabilities
from kinerja.results import CANNOT, OK

POPULATION_COLUMNS = ["subset", "n", "estimate", "std_error", "sd", "sd_std_error"]


def build_tables(design: Design, plan: Plan, found: Estimated) -> dict[str, Any]:
    """Every field of the RaterFit but its settings."""
    scale, settings = found.scale, plan.settings
    z = float(stats.norm.ppf(0.5 + settings["confidence"] / 2))
    eta = linear_predictor(design, found.measures)
    p = probabilities(eta, found.kappa, scale.scores, scale.group)
    mean, variance = moments(p, scale.scores)
    rating_mean = expected_rating(p, scale)
    inside = found.active.rows
    active, scale_in = (design, scale) if inside.all() else (design.rows(inside), _part(scale, inside))
    p_in, eta_in, mean_in, variance_in = (p, eta, mean, variance) if inside.all() else (
        p[:, inside], eta[inside], mean[inside], variance[inside])  # fmt: skip
    rows = _rows(found, scale_in, p_in, eta_in, mean_in, variance_in)
    elements = _elements(design, active, plan, found, rows, z)
    counted = [_counted(found, f) for f in range(len(design.facets))]
    tables: dict[str, Any] = {
        "elements": elements,
        "thresholds": threshold_table(scale_in, found.kappa, found.variances.kappa, p_in, active.weight, z),
        "categories": category_table(scale_in, found.kappa, p_in, eta_in, mean_in, variance_in, active.weight),
        "unused_categories": unused_table(scale),
        "facet_summary": facet_summary(design, _estimated(elements, design), found.model_se, counted),
        "subsets": subset_table(active, found.links, plan.ratee, plan.rater),
        "agreement": _agreement(design, plan, scale, p),
        "unexpected": unexpected_table(active, scale_in, p_in, mean_in, variance_in, rating_mean[inside],
                                       settings["unexpected"]),
        "population": _population(found),
        "log_likelihood": found.log_likelihood,
        "n_parameters": found.n_parameters,
        "fit": _global_fit(rows, active.weight),
        "convergence": found.convergence,
    }  # fmt: skip
    tables["findings"] = build_findings(design, plan, found, tables)
    return tables


def _population(found: Estimated) -> pd.DataFrame:
    return found.population.table if found.population else pd.DataFrame(columns=POPULATION_COLUMNS, dtype=float)


def _part(scale: Any, rows: Bools) -> Any:
    from dataclasses import replace

    return replace(scale, group=scale.group[rows], category=scale.category[rows])


def _rows(found: Estimated, scale: Any, p: Floats, eta: Floats, mean: Floats, variance: Floats) -> Rows:
    """Residuals and moments of the active rows; of the marginal method averaged over each ratee's posterior."""
    observed = scale.scores[scale.category]
    _, fourth = central_moments(p, scale.scores, mean)
    if found.expectation is not None:
        e = found.expectation
        return Rows(eta=eta, observed=observed, mean=e.score, variance=e.score_variance, squared=e.squared,
                    standardised=e.standardised, excess=fourth - variance**2,
                    standard_excess=fourth / np.maximum(variance, 1e-12) ** 2 - 1)  # fmt: skip
    squared = (observed - mean) ** 2
    safe = np.maximum(variance, 1e-12)
    return Rows(eta=eta, observed=observed, mean=mean, variance=variance, squared=squared, standardised=squared / safe,
                excess=fourth - variance**2, standard_excess=fourth / safe**2 - 1)  # fmt: skip


def _counted(found: Estimated, facet: int) -> Bools:
    usable = ~found.idle[facet] & (found.active.extreme[facet] == 0)
    return np.asarray(usable & ~found.setting.anchored[facet], dtype=bool)


def _elements(design: Design, active: Design, plan: Plan, found: Estimated, rows: Rows, z: float) -> pd.DataFrame:
    parts = [_facet_elements(design, active, plan, found, rows, f, z) for f in range(len(design.facets))]
    return pd.concat(parts, ignore_index=True)


def _facet_elements(
    design: Design, active: Design, plan: Plan, found: Estimated, rows: Rows, f: int, z: float
) -> pd.DataFrame:
    size, code = design.size(f), design.codes[f]
    n = totals(code, design.weight, size)
    score = totals(code, design.weight * design.rating, size)
    status, reason = _status(design, plan, found, f)
    known = status == OK
    extreme = found.active.extreme[f] != 0
    anchored = found.setting.anchored[f]
    error = np.sqrt(found.variances.measures[f])
    error = np.where(known, np.where(extreme | anchored, found.model_se[f], error), np.nan)
    measure = np.where(known, found.measures[f], np.nan)
    fit = mean_squares(active.codes[f], size, active.weight, rows)
    correlation, expected_correlation = point_measure(active.codes[f], size, active.weight, rows)
    subset = found.links.subset[f] + 1
    table = pd.DataFrame(
        {
            "facet": design.facets[f],
            "element": design.elements[f],
            "measure": measure,
            "std_error": error,
            **{name: fit[name] for name in ("infit", "outfit", "infit_z", "outfit_z")},
            "observed_average": score / n,
            "fair_average": np.where(known, _fair_averages(design, found, f, n), np.nan),
            "displacement": _displacement(active, rows, f, size, float(design.signs[f])),
            "conf_low": np.where(anchored, np.nan, measure - z * error),
            "conf_high": np.where(anchored, np.nan, measure + z * error),
            "n": n,
            "score": score,
            "model_se": np.where(known, found.model_se[f], np.nan),
            "point_measure": correlation,
            "point_measure_expected": expected_correlation,
            "subset": subset,
            "status": status,
            "reason": reason,
        }
    )
    return table if design.weighted else table.astype({"n": np.int64})


def _status(design: Design, plan: Plan, found: Estimated, f: int) -> tuple[Any, Any]:
    """status and reason of each element, as arrays of text; the last rule that applies decides."""
    size, extreme = design.size(f), found.active.extreme[f]
    reason = np.full(size, "", dtype=object)
    status = np.full(size, OK, dtype=object)
    reason[extreme > 0], reason[extreme < 0] = "extreme_high", "extreme_low"
    reason[found.setting.anchored[f]] = "anchored"
    impossible = {
        "undetermined": found.links.undetermined[f] | ~np.isfinite(found.variances.measures[f]),
        "alone": _alone(found, plan, f),
        "nested": _nested(design, plan, found, f),
        "no_information": found.idle[f] & (extreme == 0) & ~found.setting.anchored[f],
        "one_category_only": (extreme != 0) & ~np.isfinite(found.model_se[f]),
    }
    for code, at in impossible.items():
        status[at], reason[at] = CANNOT, code
    return status, reason


def _nested(design: Design, plan: Plan, found: Estimated, f: int) -> Bools:
    concerned = np.zeros(design.size(f), dtype=bool)
    sizes = tuple(design.size(h) for h in range(len(design.facets)))
    for few, _, at, _ in nested_pairs(found.links, plan.noncentre, sizes):
        if few == f:
            concerned |= at
    return concerned


def _alone(found: Estimated, plan: Plan, f: int) -> Bools:
    """Elements of a centred facet that are the only one of their component: zero by convention, not by the data."""
    alone = np.zeros(len(found.idle[f]), dtype=bool)
    for (one, two), (_, label) in zip(found.links.pairs, found.links.labels, strict=True):
        if one == plan.noncentre and two == f:
            use = (label >= 0) & ~found.idle[f]
            count = np.bincount(label[use], minlength=int(label.max(initial=0)) + 1)
            alone |= use & (count[np.maximum(label, 0)] == 1)
    return alone


def _displacement(active: Design, rows: Rows, f: int, size: int, sign: float) -> Floats:
    """How far the element's own data would move it: residual sum over information, signed as the measure."""
    code, w = active.codes[f], active.weight
    residual = totals(code, w * (rows.observed - rows.mean), size)
    information = totals(code, w * rows.variance, size)
    return np.where(information > 0, sign * residual / np.where(information > 0, information, 1.0), np.nan)


def _fair_averages(design: Design, found: Estimated, f: int, n: Floats) -> Floats:
    """Expected rating of an element met with the mean element of every other facet (FACETS' Fair(M) average).

    With thresholds of several sets: the element's own set where it has one, else the mean over sets by their ratings.
    """
    scale, measures = found.scale, found.measures
    others = sum(
        float(design.signs[h] * measures[h][_counted(found, h)].mean()) if _counted(found, h).any() else 0.0
        for h in range(len(design.facets))
        if h != f
    )
    eta = design.signs[f] * measures[f] + others
    groups = len(scale.groups)
    if groups > 1 and groups == design.size(f) and np.array_equal(scale.group, design.codes[f]):
        p = probabilities(eta, found.kappa, scale.scores, np.arange(groups))
        return np.asarray((np.where(scale.used, scale.values, 0.0).T * p).sum(axis=0), dtype=np.float64)
    share = totals(scale.group, design.weight, groups) / design.weight.sum()
    at = eta if groups * len(eta) < 2_000_000 else np.linspace(eta.min(), eta.max(), 4001)
    curve = np.zeros(len(at))
    for g in np.flatnonzero((share > 0) & scale.used.any(axis=1)):
        p = probabilities(at, found.kappa[g : g + 1], scale.scores, np.zeros(len(at), dtype=np.int64))
        curve += share[g] * (np.where(scale.used[g], scale.values[g], 0.0) @ p)
    return curve if at is eta else np.asarray(np.interp(eta, at, curve), dtype=np.float64)


def _estimated(elements: pd.DataFrame, design: Design) -> list[Floats]:
    return [elements.loc[elements["facet"] == name, "measure"].to_numpy() for name in design.facets]


def _agreement(design: Design, plan: Plan, scale: Any, p: Floats) -> pd.DataFrame:
    if plan.rater is None:
        return pd.DataFrame(columns=AGREEMENT_COLUMNS, dtype=float).astype({"element": object})
    return agreement_table(design, plan.rater, scale, p)


def _global_fit(rows: Rows, weight: Floats) -> dict[str, float]:
    """Pearson chi-square over the ratings that take part and the share of their variance that is explained."""
    total = weight.sum()
    average = weight @ rows.observed / total
    observed = weight @ (rows.observed - average) ** 2 / total
    unexplained = weight @ rows.squared / total
    return {
        "pearson_chi2": float(weight @ rows.standardised),
        "n": float(total),
        "observed_variance": float(observed),
        "residual_variance": float(unexplained),
        "explained_variance": float(1 - unexplained / observed) if observed > 0 else float("nan"),
    }
