"""Moderation: people's decisions replayed on a run, and what they did to scores, spread and groups.

People decide; the software never writes a decision. A decision is applied only where its `old` value is the one that
the run has: a decision made on other figures is shown as not applied, for people to take again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from kinerja.fairness.change import CHANGE_COLUMNS, change_table
from kinerja.fairness.check import Settings
from kinerja.fairness.groups import comparisons, people
from kinerja.moderation.log import LOG_COLUMNS, append_decision, category, number, read_decisions
from kinerja.moderation.tables import compression_table, evidence_table, flow_table, movement_table
from kinerja.results import Finding
from kinerja.results.shown import Shown
from kinerja.rules import latest

__all__ = [
    "Moderation",
    "append_decision",
    "read_decisions",
    "replay_decisions",
    "session_view",
]

REPLAY_COLUMNS = ("row", *LOG_COLUMNS, "direction", "status", "reason_code")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Moderation(Shown):
    """What people decided on one run.

    Fields
    ------
    persons : ratee, unit, supervisor, score_before, score_after, category_before, category_after, n_decisions; before
        is the run's own (calibrated) value, after is what people left
    log : every decision in the order of date and row: REPLAY_COLUMNS; direction raised, lowered, confirmed; status
        applied or refused, reason_code why
    flow : per kind of decision and in all: n_raised, n_lowered, n_confirmed, share_raised with interval, p (sign test)
    movement : category_before by category_after, n
    compression : spread of scores before and after: sd_before, sd_after, estimate (their ratio) with interval, p
        (Pitman-Morgan), slope of the change on the distance to the mean (negative = towards the middle)
    by_group : the gap of each group before and after (fairness.change.CHANGE_COLUMNS)
    by_decider : by, n, n_raised, n_lowered, n_confirmed, n_own_team
    against_evidence : decisions whose new value lies outside the score's interval or in an unlikely category
    findings, settings
    """

    persons: pd.DataFrame
    log: pd.DataFrame
    flow: pd.DataFrame
    movement: pd.DataFrame
    compression: pd.DataFrame
    by_group: pd.DataFrame
    by_decider: pd.DataFrame
    against_evidence: pd.DataFrame
    findings: tuple[Finding, ...]
    settings: Mapping[str, Any]


def replay_decisions(
    decisions: pd.DataFrame,
    scores_by_person: pd.DataFrame,
    staff: pd.DataFrame | None = None,
    *,
    groups: Sequence[str] = (),
    score: str = "calibrated",
    predikat: str = "predikat",
    categories: Sequence[str] | None = None,
    unlikely: float = 0.1,
    tolerance: float = 0.005,
    minimum: int = 10,
    minimum_cell: int = 5,
    confidence: float = 0.95,
) -> Moderation:
    """Apply a log to a run's scores, and describe what it did.

    decisions : as `read_decisions` gives them
    scores_by_person : ratee, and where they are there unit, supervisor, the columns `score` and `predikat`, conf_low,
        conf_high (interval of the score), prob_<category> (chance of each category)
    staff, groups : for the effect by group
    categories : from lowest to highest; None takes the latest predikat rule's
    unlikely : a category with less chance than this goes against the evidence (a limit of its own, no interval's)
    confidence : level of the intervals; tests are made at its complement
    tolerance : in points; a log written from a table of two decimals still fits the run
    """
    categories = latest("predikat")["predikat"] if categories is None else categories
    given = {k: v for k, v in locals().items() if k not in ("decisions", "scores_by_person", "staff")}
    before = _before(scores_by_person, score, predikat)
    log, after = _replay(decisions, before, tuple(categories), tolerance)
    persons = before.assign(
        score_after=after["score"], category_after=after["category"], n_decisions=after["n_decisions"]
    ).reset_index()
    applied = log[log["status"] == "applied"]
    against = evidence_table(applied, scores_by_person, unlikely=unlikely)
    compression = compression_table(persons, confidence=confidence)
    by_group = _by_group(persons, staff, groups, minimum, minimum_cell, confidence)
    flow = flow_table(applied, confidence=confidence)
    return Moderation(
        persons=persons[
            [
                "ratee",
                "unit",
                "supervisor",
                "score_before",
                "score_after",
                "category_before",
                "category_after",
                "n_decisions",
            ]
        ],
        log=log,
        flow=flow,
        movement=movement_table(persons, tuple(categories)),
        compression=compression,
        by_group=by_group,
        by_decider=_by_decider(applied, before),
        against_evidence=against,
        findings=_findings(log, flow, compression, by_group, against, confidence),
        settings={k: tuple(v) if isinstance(v, (list, tuple)) else v for k, v in given.items()},
    )


def session_view(table: pd.DataFrame, participant: str) -> pd.DataFrame:
    """What a participant of the moderation may see: everything but the rows about themselves."""
    return table[table["ratee"].astype(str) != str(participant)].reset_index(drop=True)


def _before(scores: pd.DataFrame, score: str, predikat: str) -> pd.DataFrame:
    ids = scores["ratee"].astype(str)

    def column(name: str, empty: Any) -> pd.Series:
        return scores[name] if name in scores else pd.Series(empty, index=scores.index)

    frame = pd.DataFrame(
        {
            "ratee": ids,
            "unit": column("unit", "").fillna("").astype(str).astype(object),
            "supervisor": column("supervisor", "").fillna("").astype(str).astype(object),
            "score_before": column(score, math.nan).astype(float),
            "category_before": column(predikat, "").fillna("").astype(str).astype(object),
        }
    )
    return frame.sort_values("ratee", kind="stable").set_index("ratee")


def _replay(
    decisions: pd.DataFrame, before: pd.DataFrame, categories: tuple[str, ...], tolerance: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The log with direction and status, and each person's values after it."""
    now = pd.DataFrame(
        {"score": before["score_before"], "category": before["category_before"], "n_decisions": 0}, index=before.index
    )
    ordered = decisions.assign(row=decisions["row"] if "row" in decisions else range(2, len(decisions) + 2))
    ordered = ordered.sort_values(["date", "row"], kind="stable")
    rows = []
    for entry in ordered.to_dict(orient="records"):
        direction, reason = _apply(entry, now, categories, tolerance)
        rows.append(
            {**entry, "direction": direction, "status": "refused" if reason else "applied", "reason_code": reason}
        )
    log = pd.DataFrame(rows, columns=list(REPLAY_COLUMNS))
    log["date"] = [d.isoformat() if isinstance(d, date) else str(d) for d in log["date"]]
    return log.astype({c: object for c in REPLAY_COLUMNS if c != "row"}).astype({"row": "int64"}), now


def _apply(
    entry: Mapping[Any, Any], now: pd.DataFrame, categories: tuple[str, ...], tolerance: float
) -> tuple[str, str]:
    """Change `now` in place; (direction, "") or ("", why not)."""
    ratee = str(entry["ratee"])
    if ratee not in now.index:
        return "", "person_unknown"
    old, new = str(entry["old"]), str(entry["new"])
    is_score = entry["decision"] == "score" or (entry["decision"] == "confirm" and not math.isnan(number(old)))
    if is_score:
        stands = float(now.at[ratee, "score"])  # type: ignore[arg-type]
        if math.isnan(stands) or abs(stands - number(old)) > tolerance + 1e-9:
            return "", "other_figures"
        step = number(new) - number(old)
        if entry["decision"] == "score":
            now.at[ratee, "score"] = number(new)
    else:
        if str(now.at[ratee, "category"]) != category(old):
            return "", "other_figures"
        if category(new) not in categories:
            return "", "category_unknown"
        step = float(categories.index(category(new)) - categories.index(category(old)))
        if entry["decision"] == "predikat":
            now.at[ratee, "category"] = category(new)
    now.at[ratee, "n_decisions"] = int(now.at[ratee, "n_decisions"]) + 1  # type: ignore[arg-type]
    if entry["decision"] == "confirm" or step == 0:
        return "confirmed", ""
    return ("raised" if step > 0 else "lowered"), ""


def _by_group(
    persons: pd.DataFrame,
    staff: pd.DataFrame | None,
    groups: Sequence[str],
    minimum: int,
    minimum_cell: int,
    confidence: float,
) -> pd.DataFrame:
    declared = [g for g in groups if staff is not None and g in staff.columns]
    if staff is None or not declared:
        return pd.DataFrame(columns=list(CHANGE_COLUMNS))
    settings = Settings(
        minimum=minimum, confidence=confidence, family="bh", power=0.8, material=0.5, top=(), bottom=(),
        clusters=("supervisor",),
    )  # fmt: skip
    joined = people(persons, staff, declared)
    compared = [c for g in declared for c in comparisons(joined, g, minimum=minimum, minimum_cell=minimum_cell)]
    return change_table(joined, compared, (("score_before", "score_after"),), settings)


def _by_decider(applied: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    own = applied["ratee"].map(before["supervisor"]) == applied["by"]
    counted = applied.assign(
        n=1,
        n_raised=(applied["direction"] == "raised").astype(int),
        n_lowered=(applied["direction"] == "lowered").astype(int),
        n_confirmed=(applied["direction"] == "confirmed").astype(int),
        n_own_team=own.astype(int),
    )
    columns = ["n", "n_raised", "n_lowered", "n_confirmed", "n_own_team"]
    return counted.groupby("by", sort=True)[columns].sum().reset_index()


def _findings(
    log: pd.DataFrame,
    flow: pd.DataFrame,
    compression: pd.DataFrame,
    by_group: pd.DataFrame,
    against: pd.DataFrame,
    confidence: float,
) -> tuple[Finding, ...]:
    found = []
    refused = int((log["status"] == "refused").sum())
    if refused:
        found.append(Finding(level="caution", code="decisions_not_applied", data={"n": refused, "total": len(log)}))
    total = flow[flow["decision"] == "all"].iloc[0]
    counts = {k: int(total[k]) for k in ("n_raised", "n_lowered", "n_confirmed")}
    if sum(counts.values()):
        found.append(Finding(level="note", code="decisions_made", data=counts | {"n": sum(counts.values())}))
    if total["p"] < 1 - confidence:
        found.append(Finding(level="caution", code="decisions_one_way", data=counts))
    spread = compression.iloc[0]
    if spread["p"] < 1 - confidence and spread["estimate"] < 1:
        data = {"before": float(spread["sd_before"]), "after": float(spread["sd_after"]), "n": int(spread["n"])}
        found.append(Finding(level="caution", code="decisions_compress", data=data))
    unlikely = int(against["against"].sum()) if len(against) else 0
    if unlikely:
        found.append(
            Finding(level="caution", code="decisions_against_evidence", data={"n": unlikely, "total": len(against)})
        )
    for row in by_group[by_group["verdict"] == "shown"].to_dict(orient="records") if len(by_group) else []:
        if row["status"] == "ok":
            data = {"attribute": row["attribute"], "group": row["group"], "reference": row["reference"],
                    "before": float(row["gap_before"]), "after": float(row["gap_after"])}  # fmt: skip
            found.append(Finding(level="caution", code="decisions_by_group", data=data))
    return tuple(found)
