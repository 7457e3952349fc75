"""How severe each supervisor is, as far as the data can tell, and the score an average supervisor would have given.

Ratings of nested teams cannot tell a mild supervisor from a good team. Moves, second raters, citizens' feedback and
attainment can, each as far as its own errors allow; the gate measures how far, and where nothing identifies severity
the observed score stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kinerja.calibration.adjust import adjust, publish
from kinerja.calibration.blocks import make_buckets
from kinerja.calibration.design import Design, build_design
from kinerja.calibration.findings import calibration_findings, one_category
from kinerja.calibration.frames import collect_persons
from kinerja.calibration.gain import gain_table
from kinerja.calibration.gate import Dials, fitted_dials, gate_table
from kinerja.calibration.groups import Differential, group_differential, with_citizens_gap
from kinerja.calibration.links import link_blocks
from kinerja.calibration.model import INDICATOR_SLOPE, Fit, variances
from kinerja.calibration.persons import (
    DECISION_LEVEL,
    crossings_table,
    persons_table,
    posterior_table,
    with_categories,
)
from kinerja.calibration.prior import Prior, held_fit, parameters_table, prior_in_use
from kinerja.calibration.raters import office_share, raters_table, tipping_bias, units_table
from kinerja.calibration.robust import fit_robustly
from kinerja.calibration.rows import Rows
from kinerja.calibration.sensitivity import sensitivity_table, shared_bias_table
from kinerja.calibration.solve import factorise, predict
from kinerja.calibration.uncertainty import BAND, integrate
from kinerja.calibration.within import Within
from kinerja.citizens.case_mix import ELEMENTS, CaseMix, adjust_case_mix
from kinerja.errors import EstimationError, ParameterError
from kinerja.results import Convergence, Finding
from kinerja.results.shown import Shown


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Calibration(Shown):
    """Calibrated scores and everything they rest on. Points are of the 0-100 scale.

    Fields
    ------
    persons : period, ratee, unit, team, rater, n (items), observed, calibrated, std_error, conf_low, conf_high,
        adjustment, from_links, from_feedback, from_indicators, from_culture, from_group (they sum to the adjustment),
        status, reason (why no or a limited adjustment); with categories also category_observed, category_calibrated,
        prob_<category>
    posterior : period, ratee, estimate, std_error, conf_low, conf_high, status, reason: best guess of true performance,
        a second output that is never mixed with the first
    raters : rater, unit, severity (positive = harsher), std_error, conf_low, conf_high, band_low, band_high,
        from_links,
        from_feedback, from_indicators, from_culture (parts of severity), tipping_bias, n, n_ratees,
        leans_on_office (0 to 1: share that the office's average decides, the rest is evidence of this supervisor),
        small_team (fewer than ten people), n_links, subset, status, reason
    units : unit, estimate (rating culture, points added), std_error, conf_low, conf_high, n, n_raters, status, reason
    gate : evidence_source, evidence_team, evidence_culture, n, status, reason
    parameters : parameter, estimate, std_error (working scale), prior_mean, prior_sd, in_points (SDs and slopes),
        evidence
    sensitivity : factor, slope, severity_sd, mean_adjustment, correlation, largest_change
    shared_bias : assumed_correlation, evidence_team, severity_sd, mean_adjustment, correlation, largest_change: the
        result if the discrepancies of citizens and attainment were correlated; empty without both
    gain : gain_check, error_before, error_after, ratio, correlation_before, correlation_after, n, gain_verdict,
        status, reason
    groups : see calibration.groups.Differential
    crossings : period, ratee, rater, unit, observed, calibrated, category_observed, category_calibrated, probability,
        changed, review; empty without categories
    evidence_team, evidence_culture : the two dials, 0 to 1
    rank_changes : pairs of colleagues of one team and period whose order a group differential changed
    within : what people within teams differ by; prior : of this run, to be borrowed; rows : the model's rows,
        with rater_ids (J,) and extra_error (n,), points squared, added to measures that their own unit contradicts,
        and the information (11, 11) of the data on the parameters
    convergence, findings, settings
    """

    persons: pd.DataFrame
    posterior: pd.DataFrame
    raters: pd.DataFrame
    units: pd.DataFrame
    gate: pd.DataFrame
    parameters: pd.DataFrame
    sensitivity: pd.DataFrame
    shared_bias: pd.DataFrame
    gain: pd.DataFrame
    groups: pd.DataFrame
    crossings: pd.DataFrame
    evidence_team: float
    evidence_culture: float
    rank_changes: int
    within: Within
    prior: Prior
    rows: Rows
    rater_ids: tuple[str, ...]
    extra_error: np.ndarray[Any, np.dtype[np.float64]]
    information: np.ndarray[Any, np.dtype[np.float64]]
    convergence: Convergence
    findings: tuple[Finding, ...]
    settings: dict[str, Any]


def calibrate(
    ratings: pd.DataFrame,
    staff: pd.DataFrame,
    *,
    indicators: pd.DataFrame | None = None,
    feedback: pd.DataFrame | CaseMix | None = None,
    groups: Sequence[str] = (),
    attributes: Sequence[str] = (),
    scale: tuple[float, float] | None = None,
    period: str | None = None,
    prior: Prior | Calibration | None = None,
    prior_widening: float | None = None,
    held: Calibration | None = None,
    materiality: float = 1.0,
    cap: float | None = None,
    confidence: float = 0.95,
    categories: Mapping[str, float] | None = None,
    link_roles: Sequence[str] = ("second_supervisor",),
    halo_share: float = 0.20,
    screen: bool = True,
) -> Calibration:
    """Estimate severity from every source there is and adjust scores as far as it is identified.

    ratings, staff : canonical frames; ratings of role supervisor are the observed scores (all roles where there is no
        role column), `link_roles` are second ratings of the same people
    indicators : period, ratee, points (attainment of each person)
    feedback : questionnaire responses (case mix is then adjusted for `attributes`, straight-line all-top ballots left
        out
        where `screen`), a CaseMix, or means of service points: unit, estimate (points 0-100), std_error, n and any of
        period, service, team, ratee
    groups : staff columns whose differential rating is checked and, where shown, removed
    scale : lowest and highest rating; None where ratings are points already
    period : the period to publish; earlier ones serve as evidence; None publishes all
    held : a run whose variance parameters, evidence and weights of outside measures are taken as they are (the same run
        with one correction, for an objection); nothing is estimated anew
    prior : variance parameters borrowed from a larger office's or an earlier run; `prior_widening` is their smallest SD
    materiality : adjustments smaller than this (points) are not made; cap : largest adjustment, where the office sets
        one
    confidence : level of all intervals. No decision rests on it: who is to be looked at is decided at DECISION_LEVEL,
        and the band of the shares covers BAND; both are levels of their own
    categories : name -> lowest points of it
    halo_share : share of lasting differences within teams taken for the single rater's view, unless second ratings tell

    Raises
    ------
    DataError : a column is missing
    EstimationError : no rating can be used; ParameterError : the period has none, or a number is not usable
    """
    _check(materiality, cap, confidence, halo_share)
    persons = collect_persons(ratings, staff, groups=groups, scale=scale, link_roles=link_roles)
    borrowed = prior.prior if isinstance(prior, Calibration) else prior
    scales = held.prior.scale if held is not None else borrowed.scale if borrowed is not None else None
    points = _service_points(feedback, attributes, screen, confidence)
    design = build_design(
        persons,
        indicators=indicators,
        points=points,
        groups=groups,
        halo_share=halo_share,
        scale=scales,
    )
    rows = _published(design, period)
    plain = make_buckets(design)
    links = link_blocks(design, plain)
    if held is None:
        fit, buckets, extra = fit_robustly(design, plain, links, *prior_in_use(borrowed, prior_widening))
    else:
        fit, buckets, extra = held_fit(design, plain, held)
    dials = fitted_dials(fit)
    theta = variances(fit.working)
    system = factorise(design, buckets, theta, links, extra)
    effects = predict(system)
    bias = integrate(design, buckets, links, fit, extra, dials, effects)
    differential = _differential(design, fit, groups)
    groups_table = with_citizens_gap(differential.table, design, system)
    published = publish(design, effects, dials, rows)
    adjustments = adjust(
        design, published, differential.amount, rows, materiality=materiality, cap=cap, shut=dials.shut
    )
    gate = gate_table(design, fit, buckets)
    gain = gain_table(design, fit, buckets, dials, bias, adjustments, rows)
    tipping = tipping_bias(design, system, published, dials)
    leaning = office_share(effects, theta[3] * design.scale[0] ** 2, dials)
    raters = raters_table(design, published, bias, dials, tipping, leaning, confidence)
    units = units_table(design, effects, dials, confidence)
    sensitivity = sensitivity_table(design, fit, buckets, links, extra, dials, rows, effects)
    shared_bias = shared_bias_table(design, fit, buckets, links, extra, dials, rows, effects)
    # a country's blocks and its tables of persons would not fit beside each other
    del plain, buckets, links, system, effects
    table = persons_table(design, bias, adjustments, rows, confidence)
    posterior = posterior_table(
        design, bias, rows, table[["period", "ratee"]], _kept_gap(design, differential), confidence
    )
    crossings = pd.DataFrame()
    if categories:
        table = with_categories(table, posterior, categories)
        crossings = crossings_table(table, design, bias, rows, differential.amount, categories, dials.shut)
    rank_changes = _rank_changes(table)
    return Calibration(
        persons=table,
        posterior=posterior,
        raters=raters,
        units=units,
        gate=gate,
        parameters=parameters_table(design, fit),
        sensitivity=sensitivity,
        shared_bias=shared_bias,
        gain=gain,
        groups=groups_table,
        crossings=crossings,
        evidence_team=dials.team,
        evidence_culture=dials.culture,
        rank_changes=rank_changes,
        within=design.within,
        prior=Prior(
            mean=fit.working, std_error=np.sqrt(np.diag(fit.covariance)), scale=design.scale, source=period or ""
        ),
        rows=_rows_only(design),
        rater_ids=tuple(persons.raters),
        extra_error=extra * design.unit_of_work**2,
        information=fit.information,
        convergence=fit.convergence,
        findings=calibration_findings(
            design, fit, dials, gate, gain, adjustments, raters, crossings, extra, rank_changes, borrowed is not None
        )
        + one_category(ratings["rating"]),
        settings={
            "groups": tuple(groups),
            "attributes": tuple(attributes),
            "scale": scale,
            "period": period,
            "prior": borrowed.source if borrowed is not None else None,
            "prior_widening": prior_widening,
            "materiality": materiality,
            "cap": cap,
            "confidence": confidence,
            "decision_level": DECISION_LEVEL,
            "band": BAND,
            "categories": dict(categories) if categories else None,
            "link_roles": tuple(link_roles),
            "halo_share": halo_share,
            "halo_measured": design.within.halo_measured,
            "screen": screen,
        },
    )


def _check(materiality: float, cap: float | None, confidence: float, halo_share: float) -> None:
    limits = (
        ("materiality", materiality, 0.0, 100.0),
        ("cap", 1.0 if cap is None else cap, 1e-9, 100.0),
        ("confidence", confidence, 0.5, 0.9999),
        ("halo_share", halo_share, 0.0, 0.9),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise ParameterError(f"calibrate: {name} is {value:g}; a number from {low:g} to {high:g} is expected")


def _service_points(
    feedback: pd.DataFrame | CaseMix | None, attributes: Sequence[str], screen: bool, confidence: float
) -> pd.DataFrame | None:
    if feedback is None or isinstance(feedback, CaseMix):
        return feedback if feedback is None else feedback.points
    if not len(feedback):
        return None
    if any(element in feedback for element in ELEMENTS):
        return adjust_case_mix(feedback, attributes=attributes, screen=screen, confidence=confidence).points
    missing = [c for c in ("unit", "estimate", "std_error") if c not in feedback]
    if missing:
        raise EstimationError(
            f"feedback: column {missing[0]!r} is missing; give questionnaire responses (elements 1-4) or service "
            "points with unit, estimate, std_error and n: without its error, feedback cannot be weighed"
        )
    return feedback


def _published(design: Design, period: str | None) -> np.ndarray[Any, np.dtype[np.int64]]:
    persons = design.persons
    if period is None:
        return np.arange(len(persons.observed))
    at = np.flatnonzero(persons.periods == period)
    rows = np.flatnonzero(persons.period == at[0]) if len(at) else np.array([], np.int64)
    if not len(rows):
        raise ParameterError(f"calibrate: period is {period!r}; the ratings hold {', '.join(persons.periods)}")
    return rows


def _differential(design: Design, fit: Fit, groups: Sequence[str]) -> Differential:
    ratio = design.scale[2] / design.scale[0]
    slope = float(fit.working[INDICATOR_SLOPE]) * ratio
    error = float(np.sqrt(fit.covariance[INDICATOR_SLOPE, INDICATOR_SLOPE])) * ratio
    return group_differential(design, design.attainment, groups=groups, slope=slope, slope_error=error)


def _kept_gap(design: Design, differential: Differential) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(N,) the groups' common gaps that are not taken for bias, which the model had left out of team means."""
    kept = np.zeros(len(design.spell_of))
    for g, gaps in design.common_gap.items():
        for level in range(1, len(gaps) + 1):
            member = (design.persons.groups[g] == level).astype(np.float64)
            kept += (gaps[level - 1] - differential.removed_gap[g][level - 1]) * (member - member.mean())
    return kept


def _rank_changes(persons: pd.DataFrame) -> int:
    """Neighbours in a team's order of observed scores that stand the other way round after calibration."""
    if not np.any(persons["from_group"].to_numpy() != 0):
        return 0
    order = persons.sort_values(["period", "unit", "team", "rater", "observed"], kind="stable")
    same = (order[["period", "unit", "team", "rater"]] == order[["period", "unit", "team", "rater"]].shift()).all(
        axis=1
    )
    step = order["observed"].diff() > 1e-9
    return int((same & step & (order["calibrated"].diff() < -1e-9)).sum())


def _rows_only(design: Design) -> Rows:
    from dataclasses import fields

    return Rows(**{f.name: getattr(design, f.name) for f in fields(Rows)})


__all__ = ["Calibration", "Dials", "Prior", "calibrate"]
