"""What decisions did: raised to lowered, who moved where, spread before and after, decisions against the evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kinerja.moderation.log import category, number
from kinerja.results import CANNOT, OK

FLOW_COLUMNS = (
    "decision", "n_raised", "n_lowered", "n_confirmed", "share_raised", "conf_low", "conf_high", "p", "n", "status",
    "reason",
)  # fmt: skip
COMPRESSION_COLUMNS = (
    "sd_before", "sd_after", "estimate", "conf_low", "conf_high", "p", "slope", "slope_low", "slope_high",
    "n_changed", "n",
    "status", "reason",
)  # fmt: skip
EVIDENCE_COLUMNS = (
    "ratee", "decision", "old", "new", "conf_low", "conf_high", "prob_old", "prob_new", "against", "status", "reason",
)  # fmt: skip
_FEWEST = 10


def flow_table(applied: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Per kind of decision and `all`: how many went up and down; share raised of those that moved, Wilson's interval,
    sign test.
    """
    kinds = [*sorted(applied["decision"].unique()), "all"]
    return pd.DataFrame([_flow(applied, kind, confidence) for kind in kinds], columns=list(FLOW_COLUMNS))


def movement_table(persons: pd.DataFrame, categories: Sequence[str]) -> pd.DataFrame:
    """category_before, category_after, n; categories in their order, unknown ones left out."""
    known = persons[persons["category_before"].isin(categories) & persons["category_after"].isin(categories)]
    counts = known.groupby(["category_before", "category_after"]).size()
    rows = [(a, b, int(counts.get((a, b), 0))) for a in categories for b in categories]
    return pd.DataFrame([r for r in rows if r[2]], columns=["category_before", "category_after", "n"])


def compression_table(persons: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """One row: are scores closer together after the decisions?

    estimate : sd_after / sd_before; its interval and p after Pitman and Morgan (1939): equal variances of pairs mean
        that sums and differences are uncorrelated
    slope : of the change on the score before (points a point): negative = high scores lowered, low ones raised
    """
    pairs = persons.dropna(subset=["score_before", "score_after"])
    before, after = pairs["score_before"].to_numpy(dtype=float), pairs["score_after"].to_numpy(dtype=float)
    changed = int((np.abs(after - before) > 1e-9).sum())
    row: dict[str, Any] = {"n": len(pairs), "n_changed": changed, "status": CANNOT, "reason": ""}
    if len(pairs) < _FEWEST or not np.ptp(before) > 0 or not np.ptp(after) > 0:
        row["reason"] = "under_floor" if len(pairs) < _FEWEST else "no_score_spread"
    elif not changed:
        row |= {"sd_before": before.std(ddof=1), "sd_after": after.std(ddof=1), "estimate": 1.0, "reason": "no_change"}
    else:
        row |= _pitman_morgan(before, after, confidence) | _towards_the_middle(before, after, confidence)
        row |= {"status": OK, "reason": ""}
    return pd.DataFrame([row], columns=list(COMPRESSION_COLUMNS)).astype(
        {c: "float64" for c in COMPRESSION_COLUMNS if c not in ("n", "n_changed", "status", "reason")}
    )


def evidence_table(applied: pd.DataFrame, scores: pd.DataFrame, *, unlikely: float) -> pd.DataFrame:
    """Each applied decision beside the evidence: the interval of the score, or the chances of the two categories.

    against : the new score lies outside the interval, or the new category has less chance than `unlikely` and less
        than the old
    """
    by_ratee = scores.assign(ratee=scores["ratee"].astype(str)).set_index("ratee")
    rows = [_beside(entry, by_ratee.loc[entry["ratee"]], unlikely) for entry in applied.to_dict(orient="records")]
    table = pd.DataFrame(rows, columns=list(EVIDENCE_COLUMNS))
    return table.astype(
        {"conf_low": "float64", "conf_high": "float64", "prob_old": "float64", "prob_new": "float64", "against": "bool"}
    )


def _flow(applied: pd.DataFrame, kind: str, confidence: float) -> dict[str, Any]:
    rows = applied if kind == "all" else applied[applied["decision"] == kind]
    raised, lowered, confirmed = (int((rows["direction"] == d).sum()) for d in ("raised", "lowered", "confirmed"))
    row: dict[str, Any] = {
        "decision": kind,
        "n_raised": raised,
        "n_lowered": lowered,
        "n_confirmed": confirmed,
        "n": raised + lowered,
    }
    if not raised + lowered:
        empty = dict.fromkeys(("share_raised", "conf_low", "conf_high", "p"), math.nan)
        return row | empty | {"status": CANNOT, "reason": "no_change"}
    test = stats.binomtest(raised, raised + lowered)
    interval = test.proportion_ci(confidence, method="wilson")
    return row | {
        "share_raised": raised / (raised + lowered),
        "conf_low": float(interval.low),
        "conf_high": float(interval.high),
        "p": float(test.pvalue),
        "status": OK,
        "reason": "",
    }


def _pitman_morgan(before: np.ndarray, after: np.ndarray, confidence: float) -> dict[str, float]:
    n = len(before)
    ratio = float(after.std(ddof=1) / before.std(ddof=1))
    r = float(np.corrcoef(before, after)[0, 1])
    df = n - 2
    t = stats.t.ppf((1 + confidence) / 2, df)
    k = 1 + 2 * t**2 * (1 - r * r) / df  # the interval of the ratio of variances is ratio^2 (k -+ sqrt(k^2 - 1))
    half = np.sqrt(max(k * k - 1, 0.0))
    together, apart = after + before, after - before
    correlation = float(np.corrcoef(together, apart)[0, 1]) if np.ptp(apart) > 1e-12 else 0.0
    p = float(stats.t.sf(abs(correlation) * np.sqrt(df / max(1 - correlation**2, 1e-300)), df) * 2)
    return {
        "sd_before": float(before.std(ddof=1)),
        "sd_after": float(after.std(ddof=1)),
        "estimate": ratio,
        "conf_low": float(ratio * np.sqrt(k - half)),
        "conf_high": float(ratio * np.sqrt(k + half)),
        "p": p,
    }


def _towards_the_middle(before: np.ndarray, after: np.ndarray, confidence: float) -> dict[str, float]:
    fit = stats.linregress(before, after - before)
    half = float(stats.t.ppf((1 + confidence) / 2, len(before) - 2)) * float(fit.stderr)
    slope = float(fit.slope)
    return {"slope": slope, "slope_low": slope - half, "slope_high": slope + half}


def _beside(entry: dict[Any, Any], person: pd.Series, unlikely: float) -> dict[str, Any]:
    row: dict[str, Any] = {k: entry[k] for k in ("ratee", "decision", "old", "new")}
    row |= {"conf_low": math.nan, "conf_high": math.nan, "prob_old": math.nan, "prob_new": math.nan, "against": False}
    new = number(str(entry["new"]))
    if not math.isnan(new):
        low, high = float(person.get("conf_low", math.nan)), float(person.get("conf_high", math.nan))
        if math.isnan(low) or math.isnan(high):
            return row | {"status": CANNOT, "reason": "no_score_interval"}
        return row | {"conf_low": low, "conf_high": high, "against": not low <= new <= high, "status": OK, "reason": ""}
    old_chance, new_chance = (float(person.get(f"prob_{category(str(entry[k]))}", math.nan)) for k in ("old", "new"))
    if math.isnan(new_chance):
        return row | {"status": CANNOT, "reason": "no_probability"}
    against = new_chance < unlikely and not new_chance >= old_chance
    return row | {"prob_old": old_chance, "prob_new": new_chance, "against": against, "status": OK, "reason": ""}
