"""The steps of one evaluation: what each estimator is given of a run's parameters and inputs.

A step returns None where the run has no data for it. Estimators are imported here only when their step runs, so that a
saved evaluation opens without loading them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinerja.parameters import Parameters
from kinerja.rules import Rules

if TYPE_CHECKING:
    import pandas as pd

    from kinerja.calibration import Calibration
    from kinerja.citizens import Citizens
    from kinerja.citizens.case_mix import CaseMix
    from kinerja.fairness import Fairness
    from kinerja.inputs import Inputs
    from kinerja.moderation import Moderation
    from kinerja.raters import RaterUse
    from kinerja.raters.rasch import RaterFit
    from kinerja.scoring import Scores

RATER_ROLES = ("supervisor", "second_supervisor")
"""Roles whose ratings are compared with each other: peers and the person herself answer another question."""

MOST_CATEGORIES = 12
"""More different ratings than this are points, not categories; a rating scale model does not fit them."""


HIGHEST_POINTS = 100.0
"""Ratings without a stated scale are points from 0 to this."""


def scale_of(inputs: Inputs, parameters: Parameters) -> tuple[float, float]:
    """Lowest and highest possible rating: of the words the file uses, else the office's, else points from 0 to 100."""
    stated = inputs.settings.get("scale") or parameters.scoring.scale
    return (float(stated[0]), float(stated[1])) if stated else (0.0, HIGHEST_POINTS)


def lacks_scale(inputs: Inputs, parameters: Parameters) -> bool:
    """Whether the ratings look like categories while nothing says which is the highest: it cannot be guessed."""
    stated = inputs.settings.get("scale") or parameters.scoring.scale
    ratings = inputs.ratings["rating"].dropna()
    return not stated and len(ratings) > 0 and float(ratings.max()) <= MOST_CATEGORIES


def attain_targets(inputs: Inputs, parameters: Parameters, rules: Rules) -> pd.DataFrame:
    """Attainment of every indicator in every period, in per cent: scoring.attainment.ATTAINMENT_COLUMNS."""
    from kinerja.scoring.attainment import attain

    policy = parameters.scoring
    return attain(
        inputs.indicators, rules=rules, polarity=policy.polarity, cap=policy.cap, floor=policy.floor, as_of=None
    )


def score_period(
    inputs: Inputs, parameters: Parameters, rules: Rules, attained: pd.DataFrame, period: str | None = None
) -> Scores | None:
    """Ratings, predikat and the sums of attainment of `period` (the run's own where it is None).

    attained : of `attain_targets`
    """
    if inputs.staff.empty and inputs.ratings.empty and inputs.indicators.empty:
        return None
    from kinerja.scoring import score

    policy = parameters.scoring
    return score(
        inputs.indicators,
        inputs.ratings,
        inputs.staff if len(inputs.staff) else None,
        rules=rules,
        period=period or parameters.period.id,
        weights=dict(policy.weights.items()) if policy.weights else None,
        normalise=policy.normalise,
        cap=policy.cap,
        floor=policy.floor,
        polarity=policy.polarity,
        scale=scale_of(inputs, parameters),
        work_thresholds=policy.work_thresholds.model_dump() if policy.work_thresholds else None,
        behaviour_thresholds=policy.behaviour_thresholds.model_dump() if policy.behaviour_thresholds else None,
        categories=policy.categories,
        attained=attained,
        credit=policy.credit,
        organisation_level=parameters.office.organisation_level,
    )


def hear_citizens(inputs: Inputs, parameters: Parameters, rules: Rules) -> Citizens | None:
    """What citizens say: index, elements, profile, trend, comparison with published figures."""
    if inputs.responses.empty and inputs.aggregated.empty:
        return None
    from kinerja.citizens import estimate_citizens

    policy = parameters.feedback
    return estimate_citizens(
        inputs.responses if len(inputs.responses) else None,
        rules=rules,
        period=parameters.period.id,
        aggregated=inputs.aggregated if len(inputs.aggregated) else None,
        published=inputs.published if len(inputs.published) else None,
        rule=policy.rule or "skm",
        weights=policy.weights,
        population=policy.population,
        attributes=policy.attributes,
        margins=policy.margins,
        quote_comments=policy.quote_comments,
        office=parameters.office.name,
        confidence=parameters.confidence,
        scale=policy.scale,
    )


def adjust_service_points(inputs: Inputs, parameters: Parameters) -> CaseMix | None:
    """Citizens' answers as points of the services they came for, adjusted for who answered; every period together.

    Calibration and fairness see the same points: ballots with the highest mark everywhere are left out for both.
    """
    asked = inputs.responses
    if asked.empty or asked["unit"].isna().all():
        return None
    from kinerja.citizens.case_mix import adjust_case_mix

    attributes = [name for name in parameters.feedback.attributes if name in asked.columns]
    return adjust_case_mix(asked, attributes=attributes, confidence=parameters.confidence)


def citizens_means(inputs: Inputs, citizens: Citizens | None) -> pd.DataFrame | None:
    """period, unit, estimate, std_error, n: the units' published means, where no questionnaires are there."""
    if citizens is None:
        return None
    units = citizens.index[citizens.index["level"] == "unit"]
    known = units[
        units["points"].notna() & units["points_std_error"].notna() & units["unit"].isin(inputs.staff["unit"])
    ]
    if known.empty:
        return None
    means = known[["period", "unit", "points", "points_std_error", "n"]]
    return means.rename(columns={"points": "estimate", "points_std_error": "std_error"})


def describe_raters(inputs: Inputs, parameters: Parameters) -> RaterUse | None:
    """The first look at each rater's use of the scale."""
    if inputs.ratings.empty:
        return None
    from kinerja.raters import estimate_rater_use

    return estimate_rater_use(
        inputs.ratings,
        period=parameters.period.id,
        scale=scale_of(inputs, parameters),
        confidence=parameters.confidence,
    )


def model_raters(inputs: Inputs, parameters: Parameters) -> RaterFit | None:
    """The many-facet Rasch model of the period's ratings; None where they are not ordered categories."""
    used = _modelled_ratings(inputs, parameters)
    levels = used["rating"].unique()
    if len(levels) < 2 or len(levels) > MOST_CATEGORIES or (levels % 1).any():
        return None
    from kinerja.raters.rasch import fit_raters

    facets = ("ratee", "rater", "item") if used["item"].nunique() > 1 else ("ratee", "rater")
    return fit_raters(used, facets=facets, confidence=parameters.confidence)


def _modelled_ratings(inputs: Inputs, parameters: Parameters) -> pd.DataFrame:
    ratings = inputs.ratings
    of_period = ratings["period"] == parameters.period.id
    return ratings[of_period & ratings["role"].isin(RATER_ROLES) & ratings["rating"].notna()]


def _residuals_of(inputs: Inputs, parameters: Parameters, rater_fit: RaterFit | None) -> pd.DataFrame | None:
    """Residuals of the rater model in points of 0-100; None without a model or where nearly all have one rater."""
    if rater_fit is None:
        return None
    from kinerja.fairness.residuals import rater_residuals

    lowest, highest = scale_of(inputs, parameters)
    return rater_residuals(rater_fit, _modelled_ratings(inputs, parameters), points=100.0 / (highest - lowest))


def calibrate_ratings(
    inputs: Inputs,
    parameters: Parameters,
    rules: Rules,
    attained: pd.DataFrame,
    service: CaseMix | pd.DataFrame | None,
    *,
    prior: Calibration | None = None,
    held: Calibration | None = None,
) -> Calibration | None:
    """Severity from every source of evidence the run has, and the scores adjusted as far as it is identified.

    attained : of `attain_targets`; service : of `adjust_service_points`, else of `citizens_means`
    prior : the run whose variance parameters are borrowed; held : one whose parameters and evidence are kept
    """
    policy, period = parameters.calibration, parameters.period.id
    supervised = inputs.ratings[inputs.ratings["role"] == "supervisor"]
    if not policy.enabled or inputs.staff.empty or not (supervised["period"] == period).any():
        return None
    from kinerja.calibration import calibrate

    return calibrate(
        inputs.ratings,
        inputs.staff,
        indicators=_attainment_of_persons(attained),
        feedback=service,
        groups=[name for name in parameters.groups if name in inputs.staff.columns],
        scale=scale_of(inputs, parameters),
        period=period,
        prior=prior,
        held=held,
        prior_widening=policy.prior_widening,
        materiality=policy.materiality,
        cap=policy.cap,
        confidence=parameters.confidence,
        categories=behaviour_categories(parameters, rules) or None,
    )


def behaviour_categories(parameters: Parameters, rules: Rules) -> dict[str, float]:
    """Level of behaviour -> the points from which it begins by the office's own thresholds; empty without them."""
    limits = parameters.scoring.behaviour_thresholds
    if limits is None or not rules.in_force("predikat"):
        return {}
    return dict(zip(rules.values("predikat")["levels"], (0.0, limits.below, limits.above), strict=True))


def compare_groups(
    inputs: Inputs,
    parameters: Parameters,
    rules: Rules,
    scores: Scores | None,
    service: CaseMix | None,
    calibration: Calibration | None,
    rater_fit: RaterFit | None = None,
) -> Fairness | None:
    """Whether declared groups of employees fare alike, before and after calibration.

    service : of `adjust_service_points`
    rater_fit : its residuals tell raters who treat groups differently, where enough people have several raters
    """
    groups = [name for name in parameters.groups if name in inputs.staff.columns]
    if scores is None or not groups:
        return None
    from kinerja.fairness import check_fairness

    ends = rules.values("predikat") if rules.in_force("predikat") else {}
    return check_fairness(
        persons_for_fairness(parameters, rules, scores, service, calibration),
        inputs.staff,
        groups=groups,
        ratings=inputs.ratings[inputs.ratings["period"] == parameters.period.id],
        residuals=_residuals_of(inputs, parameters, rater_fit),
        top=ends.get("top", ()),
        bottom=ends.get("bottom", ()),
        scale=scale_of(inputs, parameters),
        minimum_cell=parameters.privacy.minimum_cell,
        confidence=parameters.confidence,
        seed=parameters.seed,
    )


def persons_for_fairness(
    parameters: Parameters,
    rules: Rules,
    scores: Scores,
    service: CaseMix | None,
    calibration: Calibration | None,
) -> pd.DataFrame:
    """One row a person with each outcome that fairness is checked on; observed, calibrated and feedback in points.

    feedback : what citizens say of the service the person works in (same team where answers are tagged, else unit),
        adjusted for who answered: the same for colleagues, so that only differences between teams show in it
    """
    columns = ["period", "ratee", "unit", "team", "supervisor", "points", "attainment", "predikat", "work"]
    people = scores.ratees[columns].rename(columns={"points": "observed"})
    people = people.merge(
        _citizens_by_team(service, parameters.period.id, parameters.privacy.minimum_cell),
        on=["unit", "team"],
        how="left",
    )
    if calibration is None:
        return people.drop(columns=["team", "work"])
    people = people.merge(calibration.persons[["ratee", "calibrated"]], on="ratee", how="left")
    people["predikat_calibrated"] = _predikat_of(people, parameters, rules)
    return people.drop(columns=["team", "work"])


def replay_moderation(
    inputs: Inputs, parameters: Parameters, rules: Rules, scores: Scores | None, calibration: Calibration | None
) -> Moderation | None:
    """What people decided on this run; None where the parameters name no log.

    Raises
    ------
    DataError : every problem of the log: a decision without a reason, about oneself, of an unknown kind
    """
    if parameters.decisions is None or scores is None:
        return None
    from kinerja.moderation import replay_decisions
    from kinerja.moderation.log import read_decisions

    return replay_decisions(
        read_decisions(parameters.located(parameters.decisions)),
        moderated_people(scores, calibration),
        inputs.staff[inputs.staff["period"] == parameters.period.id],
        groups=[name for name in parameters.groups if name in inputs.staff.columns],
        categories=rules.values("predikat")["predikat"] if rules.in_force("predikat") else (),
        minimum_cell=parameters.privacy.minimum_cell,
        confidence=parameters.confidence,
    )


def moderated_people(scores: Scores, calibration: Calibration | None) -> pd.DataFrame:
    """What a moderation decides about: ratee, unit, supervisor, predikat, calibrated, and the interval where there is
    a calibration (else `calibrated` holds the points as rated).
    """
    people = scores.ratees[["ratee", "unit", "supervisor", "predikat", "points"]]
    if calibration is None:
        return people.rename(columns={"points": "calibrated"})
    shown = calibration.persons[["ratee", "calibrated", "conf_low", "conf_high"]]
    return people.drop(columns="points").merge(shown, on="ratee", how="left")


def _citizens_by_team(service: CaseMix | None, period: str, minimum_cell: int) -> pd.DataFrame:
    """unit, team, feedback: adjusted points of the period's answers, a team under the smallest cell left out."""
    import pandas as pd

    nothing = pd.DataFrame({"unit": pd.Series(dtype=object), "team": pd.Series(dtype=object), "feedback": []})
    if service is None or "team" not in service.points:
        return nothing
    points = service.points[service.points["period"] == period]
    enough = points[(points["n"] >= minimum_cell) & points["estimate"].notna()]
    if enough["team"].isna().all():
        return nothing
    total = enough.assign(weighted=enough["estimate"] * enough["n"]).groupby(["unit", "team"], sort=True)
    sums = total[["weighted", "n"]].sum()
    return (sums["weighted"] / sums["n"]).rename("feedback").reset_index()


def _predikat_of(people: pd.DataFrame, parameters: Parameters, rules: Rules) -> list[str]:
    """The predikat on calibrated points by the office's own thresholds; "" where a part is missing."""
    from kinerja.scoring.ratings import level

    limits = parameters.scoring.behaviour_thresholds
    if limits is None or not rules.in_force("predikat"):
        return [""] * len(people)
    table = rules.values("predikat")
    matrix = table["matrix"]
    behaviour = level(people["calibrated"], limits.model_dump(), table["levels"])
    return [matrix.get(work, {}).get(rated, "") for work, rated in zip(people["work"], behaviour, strict=True)]


def _attainment_of_persons(attained: pd.DataFrame) -> pd.DataFrame | None:
    """period, ratee, points: weighted attainment (per cent) of each person in every period."""
    from kinerja.scoring.attainment import weighted_attainment

    own = attained[attained["ratee"] != ""]
    if own.empty:
        return None
    people = weighted_attainment(own, ["period", "ratee"]).reset_index()
    return people.rename(columns={"attainment": "points"})[["period", "ratee", "points"]].dropna()
