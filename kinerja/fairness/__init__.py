"""Are ratings, feedback and calibrated scores fair to groups and to persons? Checks that tell three answers apart.

`shown`: there is a gap that chance does not explain; `not_shown`: there is none, and the interval rules out one that
matters; `cannot_tell`: too few persons, or too little in the data, to say either. No check says why a gap is there, and
none says anything of one person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import pandas as pd

from kinerja.errors import ParameterError
from kinerja.fairness.check import Given, Options, Settings
from kinerja.fairness.checks import run_checks
from kinerja.fairness.groups import Comparison, as_text, comparisons, people, with_intersections
from kinerja.multiplicity import Family
from kinerja.results import Finding
from kinerja.results.shown import Shown
from kinerja.rules import latest

OUTCOMES = (
    "observed", "feedback", "supervisor_minus_citizen", "calibrated", "attainment", "predikat", "predikat_calibrated",
)  # fmt: skip
CHANGES = (("observed", "calibrated"), ("predikat", "predikat_calibrated"))


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Fairness(Shown):
    """Everything the fairness section shows; differences are group minus reference, in the outcome's unit or as shares.

    Fields
    ------
    checks : one row a group (and pair of groups above the floor), outcome and measure; check_table.CHECK_COLUMNS
    strata : the same within unit and level and at equal attainment; strata_table.STRATA_COLUMNS
    decomposition : Oaxaca-Blinder, rows gap, explained, unexplained and each term;
        decomposition.DECOMPOSITION_COLUMNS
    drf : rater by group, shrunk; the row without rater is the gap that all raters share; drf.DRF_COLUMNS
    similarity : do raters favour their like; similarity.SIMILARITY_COLUMNS
    screens : each rater's way with the scale; empty without ratings; screens.SCREEN_COLUMNS
    before_after : each gap before and after calibration; change.CHANGE_COLUMNS
    cells : intersections by partial pooling; cells.CELL_COLUMNS
    findings : gaps shown, groups that could not be looked at, ...
    settings : every argument after defaults
    more : name -> table of each further check (checks.more)
    """

    checks: pd.DataFrame
    strata: pd.DataFrame
    decomposition: pd.DataFrame
    drf: pd.DataFrame
    similarity: pd.DataFrame
    screens: pd.DataFrame
    before_after: pd.DataFrame
    cells: pd.DataFrame
    findings: tuple[Finding, ...]
    settings: Mapping[str, Any]
    more: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def check_fairness(
    scores_by_person: pd.DataFrame,
    staff: pd.DataFrame,
    *,
    groups: Sequence[str],
    outcomes: Sequence[str] = OUTCOMES,
    ratings: pd.DataFrame | None = None,
    residuals: pd.DataFrame | None = None,
    references: Mapping[str, str] | None = None,
    intersections: bool = True,
    strata: Sequence[str] = ("unit", "grade"),
    matched_on: str = "attainment",
    explained_by: Sequence[str] = ("attainment", "unit", "grade"),
    changes: Sequence[tuple[str, str]] = CHANGES,
    minimum: int = 10,
    minimum_cell: int = 5,
    confidence: float = 0.95,
    family: Family = "bh",
    power: float = 0.8,
    material: float = 0.5,
    top: Sequence[str] | None = None,
    bottom: Sequence[str] | None = None,
    clusters: Sequence[str] = ("supervisor", "unit"),
    scale: tuple[float, float] | None = None,
    deadline_days: int = 3,
    permutations: int = 2000,
    seed: int = 0,
) -> Fairness:
    """Compare declared groups of employees on every outcome, and raters on their way with groups and the scale.

    scores_by_person : one row a ratee: ratee, unit, supervisor and outcome columns (numbers in points, or categories);
        `supervisor_minus_citizen` is made from `observed` and `feedback` where both are there
    staff : the staff list with the group columns; also the supervisors' own groups, where they are on it
    groups : the declared group columns; others are never looked at
    ratings : the canonical ratings, for the screens; residuals : of the rater model, for DRF
        (residuals.rater_residuals: where ratees have several raters); without, each rater's own ratings are used
    references : attribute -> reference group; the largest group otherwise
    minimum : persons a group needs to be tested (the floor, never under `minimum_cell`)
    minimum_cell : persons a group needs to be shown at all
    family : multiplicity control over all tests of one attribute (a pair of attributes is one of its own)
    confidence : level of the intervals; tests are made at its complement, so that a test and its interval agree
    power : chance with which the `detectable` difference is found
    material : `not_shown` needs an interval without room for a gap of `material` standard deviations (of rates: on the
        logit scale, where 0.5 are odds 2.5 times as high or as low)
    top, bottom : categories at the ends of the scale, whose rates are compared; None takes the latest predikat rule's
    clusters : columns whose members may be alike; the comparison's error is widened by the larger design effect

    Raises
    ------
    ParameterError : confidence, power or family is none. What is wrong with the data is a finding or a row's reason.
    """
    top = latest("predikat")["top"] if top is None else top
    bottom = latest("predikat")["bottom"] if bottom is None else bottom
    arguments = {k: v for k, v in locals().items() if k not in ("scores_by_person", "staff", "ratings", "residuals")}
    _refuse(confidence, power, family)
    floor = max(minimum, minimum_cell)
    attributes = tuple(dict.fromkeys(g for g in groups if g in staff.columns))
    persons = _outcomes(people(scores_by_person, staff, attributes))
    present = tuple(o for o in outcomes if o in persons.columns and persons[o].notna().any())

    def compared(attribute: str, *, above_floor_only: bool = False) -> tuple[Comparison, ...]:
        return comparisons(
            persons, attribute, references=references, minimum=floor, minimum_cell=minimum_cell,
            above_floor_only=above_floor_only,
        )  # fmt: skip

    single = [c for attribute in attributes for c in compared(attribute)]
    persons, crossed = with_intersections(persons, attributes) if intersections else (persons, ())
    pairs = [c for name in crossed for c in compared(name, above_floor_only=True)]
    given = Given(
        persons=persons,
        staff=staff,
        attributes=attributes,
        missing=tuple(g for g in groups if g not in staff.columns),
        single=tuple(single),
        pairs=tuple(pairs),
        outcomes=present,
        ratings=ratings,
        residuals=residuals,
        settings=Settings(
            minimum=floor,
            confidence=confidence,
            family=family,
            power=power,
            material=material,
            top=tuple(top),
            bottom=tuple(bottom),
            clusters=tuple(clusters),
        ),
        options=Options(
            strata=tuple(c for c in strata if c in persons.columns),
            matched_on=matched_on,
            explained_by=tuple(explained_by),
            changes=tuple(changes),
            minimum_cell=minimum_cell,
            scale=scale,
            deadline_days=deadline_days,
            permutations=permutations,
            seed=seed,
        ),
    )
    own, more, findings = run_checks(given)
    return Fairness(
        **own,
        findings=findings,
        settings={name: _plain(value) for name, value in arguments.items()} | {"residuals": residuals is not None},
        more=more,
    )


def _refuse(confidence: float, power: float, family: str) -> None:
    for name, value in (("confidence", confidence), ("power", power)):
        if not 0.5 < value < 1:
            raise ParameterError(f"check_fairness: {name} is {value}; it must lie between 0.5 and 1, as 0.95 does.")
    if family not in get_args(Family):
        allowed = ", ".join(get_args(Family))
        raise ParameterError(f"check_fairness: family is {family!r}; it must be one of {allowed}. Use bh.")


def _outcomes(persons: pd.DataFrame) -> pd.DataFrame:
    """With supervisor minus citizen; categories as text, an empty one as missing."""
    persons = persons.copy()
    if {"observed", "feedback"} <= set(persons.columns) and "supervisor_minus_citizen" not in persons:
        persons["supervisor_minus_citizen"] = persons["observed"] - persons["feedback"]
    for column in persons.columns:
        if not pd.api.types.is_numeric_dtype(persons[column]):
            text = as_text(persons[column])
            persons[column] = text.where(text != "", None)
    return persons


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_plain(v) for v in value)
    return value
