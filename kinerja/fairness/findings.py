"""What a reader must know of the fairness checks, as findings; figures of hidden rows never enter one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from kinerja.results import CANNOT, OK, Finding

_OWN_SENTENCE = ("observed", "feedback", "supervisor_minus_citizen", "calibrated", "attainment", "predikat")
"""Outcomes whose gap has its own sentence `finding.gap_shown_<outcome>`; others share `finding.gap_shown`."""


def collect(
    *,
    people: pd.DataFrame,
    missing: Sequence[str],
    attributes: Sequence[str],
    checks: pd.DataFrame,
    strata: pd.DataFrame,
    before_after: pd.DataFrame,
    drf: pd.DataFrame,
    similarity: pd.DataFrame,
    screens: pd.DataFrame,
    minimum: int,
    family: str,
    modelled: bool,
) -> tuple[Finding, ...]:
    return (
        *_groups(people, missing, attributes),
        *_gaps(checks, strata, attributes),
        *_summary(checks, minimum, family),
        *_calibration(before_after),
        *_basis(drf, modelled),
        *_raters(drf, similarity, screens),
    )


def _groups(people: pd.DataFrame, missing: Sequence[str], attributes: Sequence[str]) -> Iterator[Finding]:
    for attribute in missing:
        yield Finding(level="caution", code="group_unknown", data={"attribute": attribute})
    for attribute in attributes:
        unknown = int(people[attribute].isna().sum())
        if unknown:
            yield Finding(
                level="note",
                code="group_values_missing",
                data={"attribute": attribute, "n": unknown, "total": len(people)},
            )


def _gaps(checks: pd.DataFrame, strata: pd.DataFrame, attributes: Sequence[str]) -> Iterator[Finding]:
    """Each gap shown for a declared attribute; and where it is not there any more within units and levels."""
    shown = checks[(checks["verdict"] == "shown") & (checks["status"] == OK) & checks["attribute"].isin(attributes)]
    for row in _records(shown):
        own = row["outcome"] in _OWN_SENTENCE
        code = f"gap_shown_{row['outcome']}" if own and row["measure"] == "mean" else "gap_shown"
        if row["measure"] != "mean":
            code = f"gap_shown_{row['measure']}"
        yield Finding(
            level="caution",
            code=code,
            data={
                "attribute": row["attribute"],
                "group": row["group"],
                "reference": row["reference"],
                "outcome": row["outcome"],
                "difference": float(row["estimate"]) * (1.0 if row["measure"] == "mean" else 100.0),
                "n": int(row["n_group"]),
                "m": int(row["n_reference"]),
            },
        )
    keys = ["attribute", "group", "reference", "outcome", "measure"]
    within = strata[strata["method"].isin(["stratified_mean", "mantel_haenszel"]) & (strata["verdict"] == "not_shown")]
    within = within[~within["condition"].str.startswith("fifths of", na=False)]
    gone = shown.merge(within[[*keys, "condition"]], on=keys, how="inner")
    for row in _records(gone):
        yield Finding(
            level="note",
            code="gap_between_strata",
            data={k: row[k] for k in ("attribute", "group", "reference", "outcome", "condition")},
        )


def _summary(checks: pd.DataFrame, minimum: int, family: str) -> Iterator[Finding]:
    if checks.empty:
        return
    counts = checks["verdict"].value_counts()
    yield Finding(
        level="note",
        code="fairness_verdicts",
        data={
            "total": len(checks),
            "shown": int(counts.get("shown", 0)),
            "not_shown": int(counts.get("not_shown", 0)),
            "cannot_tell": int(counts.get("cannot_tell", 0)),
            "minimum": minimum,
            "family": family.upper(),
        },
    )
    suppressed = checks.loc[checks["status"] == "suppressed", ["attribute", "group"]].drop_duplicates()
    if len(suppressed):
        yield Finding(level="note", code="groups_hidden", data={"n": len(suppressed)})
    if len(checks) and (checks["status"] == CANNOT).all():
        yield Finding(level="caution", code="no_group_large_enough", data={"minimum": minimum})


def _calibration(before_after: pd.DataFrame) -> Iterator[Finding]:
    moved = before_after[(before_after["verdict"] == "shown") & (before_after["status"] == OK)]
    for row in _records(moved[moved["measure"] == "mean"]):
        yield Finding(
            level="caution" if row["direction"] == "widens" else "note",
            code=f"calibration_{row['direction']}",
            data={"attribute": row["attribute"], "group": row["group"], "reference": row["reference"],
                  "before": float(row["gap_before"]), "after": float(row["gap_after"])},
        )  # fmt: skip


def _basis(drf: pd.DataFrame, modelled: bool) -> Iterator[Finding]:
    """What raters were compared on: the rater model's residuals, or their own ratings within their team."""
    tested = drf[(drf["status"] == OK) & (drf["rater"] != "")]
    if len(tested):
        code = "drf_from_model" if modelled else "drf_from_teams"
        yield Finding(level="note", code=code, data={"n": int(tested["rater"].nunique())})


def _raters(drf: pd.DataFrame, similarity: pd.DataFrame, screens: pd.DataFrame) -> Iterator[Finding]:
    for attribute, rows in drf[drf["review"].eq(True)].groupby("attribute", sort=True):
        yield Finding(level="caution", code="drf_review", data={"attribute": str(attribute), "n": len(rows)})
    for row in _records(similarity[similarity["verdict"] == "shown"]):
        yield Finding(
            level="caution",
            code="similarity_shown",
            data={"attribute": row["attribute"], "outcome": row["outcome"], "difference": float(row["estimate"]),
                  "n": int(row["n"]), "n_raters": int(row["n_raters"])},
        )  # fmt: skip
    flagged = screens[screens["review"].eq(True)]
    if len(flagged):
        yield Finding(
            level="note",
            code="screens_review",
            data={
                "n": int(flagged["rater"].nunique()),
                "looked": int(screens.loc[screens["status"] == OK, "rater"].nunique()),
                "total": int(screens["rater"].nunique()),
            },
        )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict(orient="records")]
