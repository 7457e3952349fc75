"""The figures of all units, small cells withheld together: what one report shows must not open what another hides.

Means, counts of predikat, trend, index and elements are about the same people (the same answers), so which units are
withheld is decided once for all of them, also against the people of the run published before
(`privacy.previous_run`): a table that chose another complement would give the first one's away by subtraction.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from kinerja.evaluation import Evaluation
from kinerja.privacy.suppression import SUPPRESSED, suppress
from kinerja.results import OK
from kinerja.show.tables import settled

OFFICE = ""
"""The name of the whole office in a table of units."""

MEASURES = ("attainment", "observed", "calibrated")
"""Means of people that a table of units shows."""


def people_table(evaluation: Evaluation) -> pd.DataFrame:
    """unit ("" for the office), n, attainment, observed, calibrated: means over people, small cells withheld."""
    if evaluation.scores is None:
        return pd.DataFrame(columns=["unit", "n"])
    people = _people(evaluation)
    values = [name for name in MEASURES if name in people]
    means = pd.concat([people.groupby("unit")[values].mean().reset_index(), people[values].mean().to_frame().T])
    means = means.assign(unit=means["unit"].where(means["unit"].notna(), None))
    rows = _cells(people, values).drop(columns="persons").merge(means, on="unit", how="left")
    return _withhold(evaluation, rows, ["unit"], values, hidden_units(evaluation))


def predikat_table(evaluation: Evaluation) -> pd.DataFrame:
    """unit ("" for the office), predikat, n, share of the unit, status; in the order of the predikat."""
    if evaluation.scores is None or evaluation.scores.distribution.empty:
        return pd.DataFrame(columns=["unit", "predikat", "n", "share", "status"])
    people = evaluation.scores.ratees.dropna(subset=["predikat"])
    order = [str(name) for name in evaluation.scores.distribution["category"]]
    cells = people.groupby(["unit", "predikat"]).size().reset_index(name="n")
    units = people.groupby("unit").size().reset_index(name="n")
    office = people.groupby("predikat").size().reset_index(name="n")
    every = pd.concat([cells, units, office, pd.DataFrame({"n": [len(people)]})], ignore_index=True)
    shown = _withhold(evaluation, every, ["unit", "predikat"], [], hidden_units(evaluation))
    shown = shown[shown["predikat"] != ""]
    ranked = shown.assign(
        share=shown["n"] / shown.groupby("unit")["n"].transform("sum"), _rank=shown["predikat"].map(order.index)
    )
    return ranked.sort_values(["unit", "_rank"]).drop(columns="_rank").reset_index(drop=True)


def predikat_rows(evaluation: Evaluation, unit: str) -> pd.DataFrame:
    """predikat, n, share, status of one unit; small cells of the table of all units withheld together."""
    every = predikat_table(evaluation)
    return every[every["unit"] == unit].reset_index(drop=True)


def attainment_trend(evaluation: Evaluation, unit: str) -> pd.DataFrame:
    """period, unit ("" for the office), attainment, n; small cells left out."""
    if evaluation.scores is None:
        return pd.DataFrame(columns=["period", "unit", "attainment", "n"])
    rows = evaluation.scores.trend.rename(columns={"n_attainment": "n"})
    rows = rows.assign(unit=rows["unit"].where(rows["level"] == "unit"))[["period", "unit", "attainment", "n"]]
    parts, before = [], None
    for period, part in rows.groupby("period", sort=True):
        now = str(period) == evaluation.parameters.period.id
        hidden = hidden_units(evaluation) if now else frozenset()
        before = _withhold(evaluation, part, ["unit"], ["attainment"], hidden, previous=before)
        parts.append(before)
    shown = pd.concat(parts, ignore_index=True) if parts else rows
    return shown[shown["unit"].isin([unit, OFFICE]) & shown["attainment"].notna()].reset_index(drop=True)


def index_rows(evaluation: Evaluation) -> pd.DataFrame:
    """The satisfaction index of the office ("") and of every unit, small cells withheld."""
    if evaluation.citizens is None:
        return pd.DataFrame(columns=["unit", "estimate"])
    rows = _by_unit(evaluation.citizens.index)
    kept = rows[["unit", "n", "estimate", "conf_low", "conf_high", "grade", "status", "reason"]]
    shown = _withhold(evaluation, kept, ["unit"], ["estimate", "conf_low", "conf_high"], hidden_answers(evaluation))
    return shown.assign(grade=shown["grade"].where(shown["status"] != SUPPRESSED, ""))


def element_rows(evaluation: Evaluation, unit: str) -> pd.DataFrame:
    """The elements of one unit, the lowest first, with the office's mean beside; small cells withheld."""
    if evaluation.citizens is None:
        return pd.DataFrame(columns=["element", "estimate"])
    rows = _by_unit(evaluation.citizens.elements)
    kept = rows[["unit", "element", "n", "estimate", "conf_low", "conf_high", "status", "reason"]]
    values = ["estimate", "conf_low", "conf_high"]
    shown = _withhold(evaluation, kept, ["unit"], values, hidden_answers(evaluation), within=["element"])
    office = shown[shown["unit"] == OFFICE].set_index("element")["estimate"]
    mine = shown[shown["unit"] == unit]
    return mine.assign(office=mine["element"].map(office)).sort_values(
        ["estimate", "element"], key=settled, ignore_index=True
    )


def hidden_units(evaluation: Evaluation) -> frozenset[str]:
    """Units ("" for the office) none of whose means and counts of people may be shown in this run."""
    if evaluation.scores is None:
        return frozenset()
    privacy, people, before = evaluation.parameters.privacy, _people(evaluation), _published_before(evaluation)
    hidden: frozenset[str] = frozenset()
    for measure in (name for name in MEASURES if name in people and people[name].notna().any()):
        # Each mean rests on those who have that figure: what is small for one of them is withheld for all.
        shown = suppress(
            _cells(people, [measure]), group=["unit"], values=[], minimum=privacy.minimum_cell,
            previous=before, remeasured=privacy.remeasured,
        )  # fmt: skip
        hidden |= _names(shown)
    return hidden


def hidden_answers(evaluation: Evaluation) -> frozenset[str]:
    """Units whose index and elements are withheld. Every period asks other citizens, so none is compared with one."""
    if evaluation.citizens is None:
        return frozenset()
    parts = pd.concat([_by_unit(t)[["unit", "n"]] for t in (evaluation.citizens.index, evaluation.citizens.elements)])
    cells = parts.groupby("unit", dropna=False)["n"].min().reset_index()
    minimum = evaluation.parameters.privacy.minimum_cell
    return _names(suppress(cells, group=["unit"], values=[], minimum=minimum))


def _people(evaluation: Evaluation) -> pd.DataFrame:
    """ratee, unit and the measures of each person."""
    assert evaluation.scores is not None
    people = evaluation.scores.ratees[["ratee", "unit", "attainment", "points"]].rename(columns={"points": "observed"})
    if evaluation.calibration is not None:
        people = people.merge(evaluation.calibration.persons[["ratee", "calibrated"]], on="ratee", how="left")
    return people


def _cells(people: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """unit (None for the office, last), n and persons: those with any of the measures."""
    counted = people[people[list(measures)].notna().any(axis=1)]
    rows = [
        {"unit": unit, "n": len(part), "persons": frozenset(part["ratee"])}
        for unit, part in [*counted.groupby("unit", sort=True), (None, counted)]
    ]
    return pd.DataFrame(rows)


def _published_before(evaluation: Evaluation) -> pd.DataFrame | None:
    """The units of the run before, as its reports showed them."""
    if evaluation.previous is None:
        return None
    cells = _cells(evaluation.previous, ["ratee"])
    minimum = evaluation.parameters.privacy.minimum_cell
    # What that run withheld for its own predecessor's sake counts as shown: that withholds rather more than less.
    shown = suppress(cells, group=["unit"], values=[], minimum=minimum)
    return shown.assign(n=cells["n"], persons=cells["persons"])


def _by_unit(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows[rows["level"].isin(["office", "unit"])]
    return rows.assign(unit=rows["unit"].where(rows["level"] == "unit"))


def _names(shown: pd.DataFrame) -> frozenset[str]:
    hidden = shown.loc[shown["status"] == SUPPRESSED, "unit"]
    return frozenset(OFFICE if pd.isna(unit) else str(unit) for unit in hidden)


def _withhold(
    evaluation: Evaluation,
    rows: pd.DataFrame,
    group: Sequence[str],
    values: Sequence[str],
    hidden: frozenset[str],
    *,
    within: Sequence[str] = (),
    previous: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The rows after suppression, `hidden` units with them; a total's group is "" instead of missing."""
    privacy = evaluation.parameters.privacy
    compared = None if evaluation.previous is None or previous is None else _missing_again(previous, group)
    out = suppress(
        rows, group=group, values=values, within=within, minimum=privacy.minimum_cell,
        previous=compared, remeasured=privacy.remeasured,
    )  # fmt: skip
    for name in group:
        out[name] = out[name].astype(object).where(out[name].notna(), OFFICE)
    also = out["unit"].isin(hidden) & (out["status"] != SUPPRESSED)
    out.loc[also, "reason"] = "complement"
    out.loc[also, "status"] = SUPPRESSED
    out.loc[also, [*values, "n"]] = float("nan")
    return out


def _missing_again(shown: pd.DataFrame, group: Sequence[str]) -> pd.DataFrame:
    return shown.assign(**{name: shown[name].where(shown[name] != OFFICE, None) for name in group})


def is_shown(row: pd.Series) -> bool:
    """Whether a row's figures may be told in a sentence."""
    return bool(row.get("status", OK) == OK)
