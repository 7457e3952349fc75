"""What to collect next: which evidence would teach most about severity, for how many and which people.

Each action adds rows to the fitted model (second ratings, tagged answers, more answers, rotations, attainment); the
expected information and the expected error are then computed as if the data were there. Nothing is simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.calibration import Calibration
from kinerja.calibration.blocks import make_buckets, with_error
from kinerja.calibration.gate import dials
from kinerja.calibration.model import FEEDBACK_SLOPE, INDICATOR_SLOPE, jacobian, restricted, variances
from kinerja.calibration.rows import FEEDBACK, INDICATOR, PAIR, RATING, Rows
from kinerja.calibration.solve import factorise, predict
from kinerja.results import Finding
from kinerja.results.shown import Shown

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ASSUMED_SLOPE = 0.5
"""Working-scale slope of a measure that the office does not have yet."""
ASSUMED_POINTS = (3.0, 6.0)
"""SD of team means of citizens' answers and of attainment where there are none yet, points."""
RESPONDENT_SD = 13.0
"""SD of answers within a service point, points, where the office has none yet (method, section 12)."""
ATTAINMENT_SD = 10.0
"""SD of attainment within a team, points, where the office has none yet (method, section 12)."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class EvidencePlan(Shown):
    """Fields
    ------
    actions : plan_action, amount (second ratings, answers or teams), evidence_team, evidence_culture, error_after
        (expected error of a score, points), gain (points less than as it is), assumed (True where the strength of a
        source that the office does not have yet is assumed); first row `none`; sorted by what they gain
    people : plan_action, place (from 1), ratee, rater, second_rater, unit, team: who is to be rated again, and which
        teams would change to which supervisor (ratee empty), of the largest amount; the first `amount` of them make up
        a smaller one
    findings, settings
    """

    actions: pd.DataFrame
    people: pd.DataFrame
    findings: tuple[Finding, ...]
    settings: dict[str, Any]


def plan_evidence(
    calibration: Calibration,
    *,
    second_shares: Sequence[float] = (0.01, 0.02, 0.05),
    rotation_shares: Sequence[float] = (0.05,),
    response_factors: Sequence[float] = (2.0, 4.0),
    answers_per_team: int = 30,
) -> EvidencePlan:
    """Expected evidence and error after each of a few actions, the rest of the data as they are.

    second_shares : share of the staff rated by a second supervisor; rotation_shares : share of teams that change
        supervisor
    response_factors : as many answers as now, times; answers_per_team : answers where there are none yet
    """
    rows = calibration.rows
    people = _candidates(calibration)
    now = _outcome(calibration, rows)
    table: list[dict[str, object]] = [{"plan_action": "none", "amount": 0, **now, "assumed": False}]
    chosen: dict[str, pd.DataFrame] = {}
    n_staff = calibration.persons["ratee"].nunique()
    for share in second_shares:
        some = people.head(max(round(share * n_staff), 1))
        if len(some):
            table.append(_action("second_ratings", len(some), _outcome(calibration, _second(calibration, some))))
            chosen["second_ratings"] = max(some, chosen.get("second_ratings", some), key=len)
    for share in rotation_shares:
        moves = _moves(calibration, share)
        if len(moves):
            table.append(_action("rotate", len(moves), _outcome(calibration, _rotated(calibration, moves))))
            chosen["rotate"] = max(moves, chosen.get("rotate", moves), key=len)
    has_feedback = bool((rows.kind == FEEDBACK).any())
    if has_feedback:
        answers = float(np.nansum(rows.n_behind[rows.kind == FEEDBACK]))
        for factor in response_factors:
            more = round((factor - 1) * answers)
            table.append(_action("more_responses", more, _outcome(calibration, _more(rows, factor))))
        if _untagged(rows).any():
            table.append(_action("tag_feedback", int(answers), _outcome(calibration, _tagged(rows))))
    else:
        added = _new_measure(calibration, FEEDBACK, RESPONDENT_SD**2 / answers_per_team)
        asked = rows.n_spells * answers_per_team
        table.append(_action("tag_feedback", asked, _outcome(calibration, added, assumed=True), assumed=True))
    if not (rows.kind == INDICATOR).any():
        added = _new_measure(calibration, INDICATOR, ATTAINMENT_SD**2 / np.maximum(rows.spell_ratees, 1))
        table.append(_action("indicators", n_staff, _outcome(calibration, added, assumed=True), assumed=True))
    actions = pd.DataFrame(table)
    actions["gain"] = now["error_after"] - actions["error_after"]
    first = actions["plan_action"] == "none"
    actions = pd.concat([actions[first], actions[~first].sort_values("gain", ascending=False, kind="stable")])
    columns = ["plan_action", "place", "ratee", "rater", "second_rater", "unit", "team"]
    lists = [some.assign(plan_action=action, place=np.arange(1, len(some) + 1)) for action, some in chosen.items()]
    listed = pd.concat(lists)[columns] if lists else pd.DataFrame(columns=columns)
    return EvidencePlan(
        actions=actions.reset_index(drop=True),
        people=listed.reset_index(drop=True),
        findings=_findings(actions),
        settings={
            "second_shares": tuple(second_shares),
            "rotation_shares": tuple(rotation_shares),
            "response_factors": tuple(response_factors),
            "answers_per_team": answers_per_team,
        },
    )


def _action(name: str, amount: int, outcome: dict[str, float], *, assumed: bool = False) -> dict[str, object]:
    return {"plan_action": name, "amount": amount, **outcome, "assumed": assumed}


def _outcome(calibration: Calibration, rows: Rows, *, assumed: bool = False) -> dict[str, float]:
    """Dials and expected error of a score with these rows, at the fitted variances."""
    psi = calibration.prior.mean.copy()
    if assumed:
        for index, kind in ((FEEDBACK_SLOPE, FEEDBACK), (INDICATOR_SLOPE, INDICATOR)):
            if not (calibration.rows.kind == kind).any():
                psi[index] = ASSUMED_SLOPE
    theta, J = variances(psi), jacobian(psi)
    extra = np.zeros(len(rows.kind))
    extra[: len(calibration.extra_error)] = calibration.extra_error[: len(extra)]
    buckets = with_error(make_buckets(rows), extra / rows.unit_of_work**2)
    _, _, information = restricted(buckets, theta)
    prior_sd = calibration.parameters["prior_sd"].to_numpy()
    found = dials(J.T @ information @ J, prior_sd)
    effects = predict(factorise(rows, buckets, theta, None))
    square = rows.scale[0] ** 2
    prior_s, prior_c = theta[3] * square, theta[4] * square
    left_s, left_c = effects.rater_variance[rows.spell_rater], effects.culture_variance[rows.spell_block]
    known_s, known_c = np.maximum(prior_s - left_s, 0), np.maximum(prior_c - left_c, 0)
    cross = (prior_s + prior_c - effects.cell_variance - known_s - known_c) / 2
    undone = (1 - found.team) ** 2 * known_s + (1 - found.culture) ** 2 * known_c
    undone = undone + 2 * (1 - found.team) * (1 - found.culture) * cross
    bias = np.average(effects.cell_variance + np.maximum(undone, 0.0), weights=rows.spell_n)
    error = float(np.sqrt(bias + calibration.within.own_error))
    return {"evidence_team": found.team, "evidence_culture": found.culture, "error_after": error}


def _candidates(calibration: Calibration) -> pd.DataFrame:
    """Employees in the order in which a second rating teaches most: one for each supervisor first, supervisors with
    many
    people and an uncertain severity before others; the employee nearest the team's median; the second rater is the next
    supervisor of the unit (or of the office, where the unit has one only)."""
    last = calibration.persons["period"].max()
    persons = calibration.persons[calibration.persons["period"] == last]
    size = persons.groupby("rater")["ratee"].nunique()
    error = calibration.raters.set_index("rater")["std_error"].reindex(size.index).fillna(1.0)
    second = _neighbours(calibration)
    away = (persons["observed"] - persons.groupby("rater")["observed"].transform("median")).abs()
    frame = persons.assign(
        away=away,
        worth=persons["rater"].map(size * error**2),
        second_rater=persons["rater"].map(second),
    )
    frame = frame[frame["second_rater"].notna() & (frame["second_rater"] != frame["rater"])]
    frame = frame.sort_values(["rater", "away", "ratee"], kind="stable")
    frame = frame.assign(turn=frame.groupby("rater").cumcount())
    frame = frame.sort_values(["turn", "worth", "ratee"], ascending=[True, False, True], kind="stable")
    listed: pd.DataFrame = frame[["ratee", "rater", "second_rater", "unit", "team"]]
    return listed.reset_index(drop=True)


def _neighbours(calibration: Calibration) -> dict[str, str]:
    """Each supervisor -> the next one of the unit by id (round the unit), else the next of the office."""
    raters = calibration.raters.sort_values(["unit", "rater"], kind="stable")
    every = raters["rater"].tolist()
    following = dict(zip(every, every[1:] + every[:1], strict=True))
    for _, group in raters.groupby("unit"):
        names = group["rater"].tolist()
        if len(names) > 1:
            following.update(zip(names, names[1:] + names[:1], strict=True))
    return following


def _codes(calibration: Calibration) -> tuple[dict[str, int], dict[str, int]]:
    """Rater -> its code and its largest spell in the model's rows."""
    rows = calibration.rows
    names = calibration.rater_ids
    order = np.argsort(rows.spell_n, kind="stable")
    spell = {names[rows.spell_rater[s]]: int(s) for s in order}
    return {name: j for j, name in enumerate(names)}, spell


def _second(calibration: Calibration, people: pd.DataFrame) -> Rows:
    code, spell = _codes(calibration)
    counted = people.groupby(["rater", "second_rater"], sort=True).size().reset_index(name="n")
    at = np.array([spell[r] for r in counted["rater"]], np.int64)
    second = np.array([code[r] for r in counted["second_rater"]], np.int64)
    own = calibration.within.own_error
    return _with_pairs(calibration.rows, at, second, 2 * own / counted["n"].to_numpy(), own)


def _moves(calibration: Calibration, share: float) -> pd.DataFrame:
    """Teams that would change to the next supervisor of the unit: those of uncertain severity and many people first."""
    first = _candidates(calibration).drop_duplicates("rater")
    n = max(round(share * calibration.rows.n_spells), 1)
    return first.head(n).assign(ratee="")


def _rotated(calibration: Calibration, moves: pd.DataFrame) -> Rows:
    """A team rated by its old and its new supervisor: a pair over all its people; leadership changes with the move."""
    code, spell = _codes(calibration)
    rows, within = calibration.rows, calibration.within
    at = np.array([spell[r] for r in moves["rater"]], np.int64)
    second = np.array([code[r] for r in moves["second_rater"]], np.int64)
    leadership = 2 * variances(calibration.prior.mean)[2] * rows.scale[0] ** 2
    people = np.maximum(rows.spell_ratees[at], 1)
    own = within.halo + within.noise
    return _with_pairs(rows, at, second, 2 * own / people + leadership, own)


def _with_pairs(rows: Rows, spell: Ints, second: Ints, variance: Floats, own: float) -> Rows:
    n, k = len(rows.kind), len(spell)
    new = n + np.arange(k)
    first_row = rows.spell_rows[spell]
    shared = np.full(k, -own) / np.maximum(rows.spell_ratees[spell], 1)
    name = "level_second_supervisor"
    fixed, names = _appended_column(rows, name)
    lower = np.zeros((k, fixed.shape[1]))
    lower[:, names.index(name)] = 1.0
    return replace(
        rows,
        kind=np.concatenate([rows.kind, np.full(k, PAIR)]),
        value=np.concatenate([rows.value, np.zeros(k)]),
        block=np.concatenate([rows.block, rows.spell_block[spell]]),
        n_behind=np.concatenate([rows.n_behind, np.ones(k)]),
        true_people=np.concatenate([rows.true_people, np.zeros(k)]),
        fixed=np.vstack([fixed, lower]),
        fixed_names=tuple(names),
        error_at=np.hstack([rows.error_at, [new, new], [new, first_row], [first_row, new]]),
        error_value=np.concatenate([rows.error_value, np.broadcast_to(variance, (k,)), shared, shared]),
        rating_at=np.hstack([rows.rating_at, [new, second], [new, rows.spell_rater[spell]]]),
        rating_sign=np.concatenate([rows.rating_sign, np.ones(k), -np.ones(k)]),
    )


def _more(rows: Rows, factor: float) -> Rows:
    """`factor` times the answers at every service point."""
    is_feedback = rows.kind[rows.error_at[0]] == FEEDBACK
    return replace(rows, error_value=np.where(is_feedback, rows.error_value / factor, rows.error_value))


def _untagged(rows: Rows) -> npt.NDArray[np.bool_]:
    """(n,) feedback rows that stand for several team-spells."""
    spells = np.diff(rows.exposure.indptr)
    return np.asarray((rows.kind == FEEDBACK) & (spells > 1))


def _tagged(rows: Rows) -> Rows:
    """The same answers, told apart by team: one row a team-spell, its error by its share of the answers."""
    wide = _untagged(rows)
    at, spell = rows.exposure_at
    split = wide[at]
    kept = np.flatnonzero(~wide)
    place = np.full(len(rows.kind), -1)
    place[kept] = np.arange(len(kept))
    m = len(kept)
    new = m + np.arange(int(split.sum()))
    variance = np.asarray(rows.error.diagonal())[at[split]] / np.maximum(rows.exposure_share[split], 1e-6)
    inside = (place[rows.error_at] >= 0).all(axis=0)
    return replace(
        rows,
        kind=np.concatenate([rows.kind[kept], np.full(len(new), FEEDBACK)]),
        value=np.concatenate([rows.value[kept], rows.value[at[split]]]),
        block=np.concatenate([rows.block[kept], rows.spell_block[spell[split]]]),
        n_behind=np.concatenate([rows.n_behind[kept], rows.n_behind[at[split]] * rows.exposure_share[split]]),
        true_people=np.concatenate([rows.true_people[kept], np.zeros(len(new))]),
        fixed=np.vstack([rows.fixed[kept], rows.fixed[at[split]]]),
        error_at=np.hstack([place[rows.error_at[:, inside]], [new, new]]),
        error_value=np.concatenate([rows.error_value[inside], variance]),
        exposure_at=np.hstack([[place[at[~split]], spell[~split]], [new, spell[split]]]),
        exposure_share=np.concatenate([rows.exposure_share[~split], np.ones(len(new))]),
        rating_at=np.stack([place[rows.rating_at[0]], rows.rating_at[1]]),
    )


def _new_measure(calibration: Calibration, kind: int, variance: Any) -> Rows:
    """One row a team-spell of a measure that the office does not have yet."""
    rows = calibration.rows
    n, k = len(rows.kind), rows.n_spells
    new = n + np.arange(k)
    name = "level_feedback" if kind == FEEDBACK else "level_indicator"
    fixed, names = _appended_column(rows, name)
    lower = np.zeros((k, fixed.shape[1]))
    lower[:, names.index(name)] = 1.0
    scale = list(rows.scale)
    scale[kind] = ASSUMED_POINTS[kind - 1]
    return replace(
        rows,
        kind=np.concatenate([rows.kind, np.full(k, kind)]),
        value=np.concatenate([rows.value, np.zeros(k)]),
        block=np.concatenate([rows.block, rows.spell_block]),
        n_behind=np.concatenate([rows.n_behind, np.ones(k)]),
        true_people=np.concatenate([rows.true_people, np.zeros(k)]),
        fixed=np.vstack([fixed, lower]),
        fixed_names=tuple(names),
        error_at=np.hstack([rows.error_at, [new, new]]),
        error_value=np.concatenate([rows.error_value, np.broadcast_to(np.asarray(variance, float), (k,))]),
        exposure_at=np.hstack([rows.exposure_at, [new, np.arange(k)]]),
        exposure_share=np.concatenate([rows.exposure_share, np.ones(k)]),
        scale=(scale[RATING], scale[FEEDBACK], scale[INDICATOR]),
    )


def _appended_column(rows: Rows, name: str) -> tuple[Floats, list[str]]:
    if name in rows.fixed_names:
        return rows.fixed, list(rows.fixed_names)
    return np.column_stack([rows.fixed, np.zeros(len(rows.kind))]), [*rows.fixed_names, name]


def _findings(actions: pd.DataFrame) -> tuple[Finding, ...]:
    best = actions.iloc[1] if len(actions) > 1 else None
    if best is None or best["gain"] <= 0:
        return (Finding(level="note", code="plan_nothing_helps", data={}),)
    data = {
        "amount": int(best["amount"]),
        "evidence": float(best["evidence_team"]),
        "before": float(actions.iloc[0]["error_after"]),
        "after": float(best["error_after"]),
    }
    return (Finding(level="note", code=f"plan_best_{best['plan_action']}", data=data),)
