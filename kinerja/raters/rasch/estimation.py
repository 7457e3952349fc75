"""From a design to an estimate: who takes part, the constraints, the fit, shrinkage, and the extreme scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kinerja.raters.rasch.design import Bools, Design, Floats, Ints, Scale, element_positions, totals
from kinerja.raters.rasch.information import Constraint, Information, Layout
from kinerja.raters.rasch.joint import Active, Setting, build_constraint, find_active, fit_joint, model_layout
from kinerja.raters.rasch.links import Links, centre, find_links
from kinerja.raters.rasch.marginal import Expectation, Population, fit_marginal
from kinerja.raters.rasch.model import probabilities
from kinerja.raters.rasch.variance import Variances, find_variances
from kinerja.results import Convergence

SHRINKAGE_ROUNDS = 100
"""Rounds at most for the variance of a penalised facet; each starts where the last ended."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """Places of the facets that have a part of their own, and every argument of the fit."""

    noncentre: int
    ratee: int
    rater: int | None
    threshold_facet: int | None
    settings: dict[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimated:
    """What the tables are made of.

    Fields
    ------
    active : rows and elements that take part; idle : elements without such a row
    scale : categories, for all rows (a category that the active rows do not use is the nearest one they do)
    measures : centred, extreme elements placed; NaN nowhere: an element without information stands at 0
    model_se : 1/sqrt(information) of each element
    variances : of the centred estimates
    links, setting, population (marginal only)
    prior_sd : SD of each penalised facet's prior, 0 elsewhere
    expectation : posterior means of the rows that take part (marginal only)
    """

    active: Active
    idle: tuple[Bools, ...]
    scale: Scale
    measures: list[Floats]
    kappa: Floats
    model_se: list[Floats]
    variances: Variances
    links: Links
    setting: Setting
    population: Population | None
    log_likelihood: float
    n_parameters: int
    convergence: Convergence
    prior_sd: tuple[float, ...]
    expectation: Expectation | None


def estimate(design: Design, plan: Plan) -> Estimated:
    """Fit, centre, place the extreme scores."""
    marginal = plan.settings["method"] == "marginal"
    setting = _setting(design, plan)
    active = find_active(
        design, plan.threshold_facet, setting.anchored, plan.ratee if marginal else None, plan.settings["unused"]
    )
    inside = design.rows(active.rows)
    scale = _rows(active.scale, active.rows)
    idle = tuple(np.bincount(code, minlength=design.size(f)) == 0 for f, code in enumerate(inside.codes))
    held = _held(design, setting)
    links = find_links(inside, plan.noncentre, plan.rater, plan.ratee, held)
    counted = tuple(~i for i in idle)
    population = None
    if marginal:
        fit = fit_marginal(inside, scale, plan.ratee, plan.threshold_facet, setting, idle, plan.settings["nodes"])
        information = fit.information
        measures, kappa, value, done = fit.measures, fit.kappa, fit.log_likelihood, fit.convergence
        layout, constraint = fit.layout, fit.constraint
        links = _linked(links, plan) if plan.settings["link"] else links
    else:
        layout = model_layout(inside, plan.threshold_facet, scale.used.shape[1])
        setting, found = _shrunk(inside, scale, layout, setting, idle, plan, links, counted)
        information, value, done = found.information, found.log_likelihood, found.convergence
        measures, kappa = found.measures, found.kappa
        constraint = build_constraint(layout, scale, setting, idle)
    centred = centre(measures, design.signs, links, plan.noncentre, counted)
    variances = find_variances(information, constraint, links, design.signs, plan.noncentre, counted,
                               scale.used.shape[1], plan.ratee if marginal else None)  # fmt: skip
    if marginal:
        population = fit.population(measures, centred, links, variances, plan.ratee)
    model_se = _model_se(information, len(design.facets), setting)
    everywhere = _whole_scale(active.scale, design)
    centred, model_se = place_extremes(
        design, everywhere, centred, kappa, model_se, active, plan.settings["extreme"], setting
    )
    return Estimated(
        active=active, idle=idle, scale=everywhere, measures=centred, kappa=kappa, model_se=model_se,
        variances=variances, links=links, setting=setting, population=population, log_likelihood=value,
        n_parameters=_parameters(layout, constraint, links, idle, plan, marginal), convergence=done,
        prior_sd=tuple(1 / np.sqrt(k) if k else 0.0 for k in setting.precision),
        expectation=fit.expectation if marginal else None,
    )  # fmt: skip


def _setting(design: Design, plan: Plan) -> Setting:
    given = plan.settings
    anchored = [np.zeros(design.size(f), dtype=bool) for f in range(len(design.facets))]
    anchor = [np.zeros(design.size(f)) for f in range(len(design.facets))]
    for name, named in given["anchors"].items():
        f = design.facet(name)
        at = element_positions(design, f, named, f"anchors[{name!r}]")
        anchored[f][at], anchor[f][at] = True, list(named.values())
    for name in given["dummy"]:
        anchored[design.facet(name)][:] = True
    groups = tuple(
        (
            design.facet(name),
            element_positions(design, design.facet(name), dict.fromkeys(members), "group_anchors"),
            mean,
        )
        for name, members, mean in given["group_anchors"]
    )
    precision = [0.0] * len(design.facets)
    for name, sd in given["penalty"].items():
        precision[design.facet(name)] = 1.0 if sd == "estimate" else 1.0 / float(sd) ** 2
    return Setting(
        anchored=tuple(anchored), anchor=tuple(anchor), groups=groups, precision=tuple(precision),
        bias_correction=given["correction"] == "joint_bias", tolerance=given["tolerance"],
        maximum_iterations=given["maximum_iterations"],
    )  # fmt: skip


def _held(design: Design, setting: Setting) -> tuple[Bools, ...]:
    """Elements that an anchor, a group anchor or a prior holds in place."""
    held = [a | bool(k) for a, k in zip(setting.anchored, setting.precision, strict=True)]
    for f, codes, _ in setting.groups:
        held[f][codes] = True
    return tuple(held)


def _rows(scale: Scale, rows: Bools) -> Scale:
    return replace(scale, group=scale.group[rows], category=scale.category[rows])


def _whole_scale(scale: Scale, design: Design) -> Scale:
    """Every row with a category: ratings that only elements set aside have used become the nearest used one."""
    missing = scale.category < 0
    if not missing.any():
        return scale
    category = scale.category.copy()
    values = scale.values[scale.group[missing]]
    distance = np.where(np.isfinite(values), np.abs(values - design.rating[missing, None]), np.inf)
    category[missing] = distance.argmin(axis=1)
    return replace(scale, category=category)


def _shrunk(
    design: Design, scale: Scale, layout: Layout, setting: Setting, idle: tuple[Bools, ...], plan: Plan, links: Links,
    counted: tuple[Bools, ...],
) -> tuple[Setting, Any]:  # fmt: skip
    """The joint fit; variances of facets with penalty "estimate" by EM: mean of (measure^2 + its variance)."""
    wanted = [design.facet(name) for name, sd in plan.settings["penalty"].items() if sd == "estimate"]
    found = fit_joint(design, scale, layout, setting, idle)
    for _ in range(SHRINKAGE_ROUNDS if wanted else 0):
        constraint = build_constraint(layout, scale, setting, idle)
        variances = find_variances(found.information, constraint, links, design.signs, plan.noncentre, counted,
                                   scale.used.shape[1])  # fmt: skip
        precision = list(setting.precision)
        for f in wanted:
            use = ~idle[f]
            precision[f] = float(1 / np.mean(found.measures[f][use] ** 2 + np.nan_to_num(variances.measures[f][use])))
        change = max(abs(np.log(precision[f] / setting.precision[f])) for f in wanted)
        setting = replace(setting, precision=tuple(precision))
        found = fit_joint(design, scale, layout, setting, idle)
        if change < 1e-3:
            break
    return setting, found


def _linked(links: Links, plan: Plan) -> Links:
    """One component for ratees and raters: the subsets' means are assumed equal."""
    labels = []
    for pair, (one, two) in zip(links.pairs, links.labels, strict=True):
        bridged = plan.ratee in pair and plan.rater in pair
        labels.append((np.minimum(one, 0), np.minimum(two, 0)) if bridged else (one, two))
    return replace(links, labels=tuple(labels))


def _model_se(information: Information, facets: int, setting: Setting) -> list[Floats]:
    precision = setting.precision or (0.0,) * facets
    found = []
    for f in range(facets):
        own = information.diagonal[f] - precision[f]
        found.append(np.where(own > 1e-12, 1 / np.sqrt(np.where(own > 1e-12, own, 1.0)), np.nan))
    return found


def _parameters(
    layout: Layout, constraint: Constraint, links: Links, idle: tuple[Bools, ...], plan: Plan, marginal: bool
) -> int:
    free = ~constraint.fixed
    count = int(free.sum()) - len(constraint.groups)
    for (one, two), (first, _) in zip(links.pairs, links.labels, strict=True):
        if plan.noncentre in (one, two):
            count -= len(np.unique(first[(first >= 0) & ~idle[one]]))
    if marginal:
        count -= int(free[layout.block(plan.ratee)].sum())
    return count


def place_extremes(
    design: Design, scale: Scale, measures: list[Floats], kappa: Floats, model_se: list[Floats], active: Active,
    extreme: float, setting: Setting,
) -> tuple[list[Floats], list[Floats]]:  # fmt: skip
    """Measures at which an extreme element's expected score is `extreme` points inside its limit, all else fixed."""
    measures, model_se = [m.copy() for m in measures], [s.copy() for s in model_se]
    low, high = scale.scores[scale.first][scale.group], scale.scores[scale.last][scale.group]
    for f in [f for f in range(len(design.facets)) if (active.extreme[f] != 0).any()] * 2:
        among = active.extreme[f][design.codes[f]] != 0
        code, w = design.codes[f][among], design.weight[among]
        size, sign = design.size(f), design.signs[f]
        up = active.extreme[f] * sign > 0
        limit = totals(code, w * np.where(up[code], high[among], low[among]), size)
        goal = np.where(up, limit - extreme, limit + extreme)
        varied = totals(code, w * (high - low)[among], size) > 2 * extreme
        other = sum(
            (design.signs[h] * measures[h])[design.codes[h][among]] for h in range(len(design.facets)) if h != f
        ) + np.zeros(int(among.sum()))
        wanted = (active.extreme[f] != 0) & varied
        level, information = solve_scores(other, code, w, size, goal, wanted, kappa, scale, scale.group[among])
        measures[f] = np.where(wanted, sign * level, measures[f])
        model_se[f] = np.where(wanted, 1 / np.sqrt(np.maximum(information, 1e-300)), model_se[f])
    return measures, model_se


def solve_scores(
    other: Floats, code: Ints, weight: Floats, size: int, goal: Floats, wanted: Bools, kappa: Floats, scale: Scale,
    group: Ints,
) -> tuple[Floats, Floats]:  # fmt: skip
    """For each element the level at which its expected score meets the goal: Newton kept inside a shrinking bracket."""
    low, high = np.full(size, -60.0), np.full(size, 60.0)
    level, information = np.zeros(size), np.ones(size)
    for _ in range(100):
        p = probabilities(other + level[code], kappa, scale.scores, group)
        mean = scale.scores @ p
        variance = np.maximum((scale.scores**2) @ p - mean**2, 0.0)
        gap = goal - totals(code, weight * mean, size)
        information = totals(code, weight * variance, size)
        low, high = np.where(gap > 0, level, low), np.where(gap < 0, level, high)
        step = level + gap / np.maximum(information, 1e-12)
        inside = (step > low) & (step < high)
        new = np.where(gap == 0, level, np.where(inside, step, (low + high) / 2))
        if np.abs(np.where(wanted, new - level, 0.0)).max(initial=0.0) < 1e-10:
            break
        level = new
    return level, information
