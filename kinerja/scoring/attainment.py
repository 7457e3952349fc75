"""Attainment of indicators in per cent of their targets, by polarity; what cannot be computed keeps its reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kinerja.results import CANNOT, OK
from kinerja.rules import Rules
from kinerja.rules.lookup import formula

Floats = NDArray[np.float64]
Words = NDArray[np.object_]

ATTAINMENT_COLUMNS = (
    "period", "ratee", "unit", "indicator", "measure", "target", "target_high", "realisation", "weight", "date",
    "polarity", "polarity_source", "formula", "uncapped", "attainment", "limited", "status", "reason",
)  # fmt: skip
_RANGES = ("range", "range_minimize")
_OWNER = ("period", "ratee", "unit")


def attain(
    indicators: pd.DataFrame | None,
    *,
    rules: Rules,
    polarity: Mapping[str, str],
    cap: float | None,
    floor: float | None,
    as_of: date | None,
) -> pd.DataFrame:
    """One row an indicator of a ratee or unit: ATTAINMENT_COLUMNS, sorted by period, unit, ratee, indicator.

    `uncapped` is what the formula gives, `attainment` after the office's floor and cap (`limited` says which), both
    in per cent.
    Rows dated after `as_of` are left out; of several dated rows of one indicator the last counts.
    polarity_source : `office` (scoring.polarity), `data`, or `assumed` where neither says.
    """
    rows = _complete(indicators)
    if as_of is not None:
        rows = rows[~(pd.to_datetime(rows["date"]) > pd.Timestamp(as_of))]
    rows = _latest(rows)
    rows = _with_polarity(rows, polarity, str(rules.values("polarity")["otherwise"]))
    known = {p: formula(rules, p) for p in sorted(set(rows["polarity"]))}
    rows["formula"] = rows["polarity"].map(lambda p: known[p]["formula"]).astype(object)
    uncapped, reason = attainment(
        rows["polarity"].to_numpy(object),
        *(rows[name].to_numpy(float) for name in ("target", "target_high", "realisation")),
        zero_realisation_computed={p: entry["zero_realisation"] == "computed" for p, entry in known.items()},
    )
    repeated = rows.duplicated([*_OWNER, "indicator"], keep=False).to_numpy()
    reason[repeated], uncapped[repeated] = "repeated_indicator", np.nan
    rows["uncapped"] = uncapped
    rows["attainment"], rows["limited"] = _limit(uncapped, floor, cap)
    rows["reason"] = reason
    rows["status"] = np.where(reason == "", OK, CANNOT)
    order = ["period", "unit", "ratee", "indicator", "target", "realisation"]
    return rows.sort_values(order, kind="stable", ignore_index=True)[list(ATTAINMENT_COLUMNS)]


def attainment(
    polarity: Words,
    target: Floats,
    target_high: Floats,
    realisation: Floats,
    *,
    zero_realisation_computed: Mapping[str, bool],
) -> tuple[Floats, Words]:
    """Attainment in per cent (n,) and the reason where there is none (n,), "" elsewhere; no cap, no floor.

    A zero target gives no attainment for any polarity: neither 0 nor 100 would be true.
    """
    reason = _reasons(polarity, target, target_high, realisation, zero_realisation_computed)
    value = np.full(target.shape, np.nan)
    good = reason == ""
    aim = np.where(
        np.isin(polarity, _RANGES) & (realisation > target), np.minimum(realisation, target_high), target
    )  # the end of the range that was passed, or the realisation itself inside it
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, inverse = realisation / aim, target / realisation
    for name in sorted(set(polarity[good])):
        here = good & (polarity == name)
        value[here] = 100 * _share(name, ratio[here], inverse[here])
    return value, reason


def _share(polarity: str, ratio: Floats, inverse: Floats) -> Floats:
    if polarity in ("maximize", "range"):
        return ratio
    if polarity in ("minimize_difference", "range_minimize"):
        return 2 - ratio
    if polarity == "minimize_ratio":
        return inverse
    return np.minimum(ratio, 2 - ratio)  # stabilize: the loss is the same on both sides


def _reasons(
    polarity: Words, target: Floats, target_high: Floats, realisation: Floats, zero_computed: Mapping[str, bool]
) -> Words:
    """The first reason that applies, "" where none does."""
    in_range = np.isin(polarity, _RANGES)
    needs_realisation = np.array([not zero_computed[p] for p in polarity], bool)
    tests = (
        ("no_target", ~np.isfinite(target)),
        ("no_realisation", ~np.isfinite(realisation)),
        ("zero_target", target == 0),
        ("negative_target", target < 0),
        ("negative_realisation", realisation < 0),
        ("no_target_high", in_range & ~np.isfinite(target_high)),
        ("target_range_order", in_range & (target_high < target)),
        ("zero_realisation", needs_realisation & (realisation == 0)),
    )
    reason = np.full(target.shape, "", object)
    for code, applies in reversed(tests):
        reason[applies] = code
    return reason


def _limit(value: Floats, floor: float | None, cap: float | None) -> tuple[Floats, Words]:
    limited = np.full(value.shape, "", object)
    limits = ((floor, "floor", np.less), (cap, "cap", np.greater))
    result = value.copy()
    for limit, name, beyond in limits:
        if limit is not None:
            there = beyond(value, limit)
            result[there], limited[there] = limit, name
    return result, limited


def _complete(indicators: pd.DataFrame | None) -> pd.DataFrame:
    """The canonical columns, present and typed."""
    given = pd.DataFrame() if indicators is None else indicators
    rows = pd.DataFrame(index=pd.RangeIndex(len(given)))
    for name in ("period", "ratee", "unit", "indicator", "measure", "polarity"):
        column = given[name] if name in given else pd.Series("", index=given.index)
        rows[name] = column.astype(object).where(column.notna(), "").to_numpy()
    for name in ("target", "target_high", "realisation", "weight"):
        column = given[name] if name in given else pd.Series(np.nan, index=given.index)
        rows[name] = pd.to_numeric(column).to_numpy(float)
    dates = given["date"] if "date" in given else pd.Series(pd.NaT, index=given.index)
    rows["date"] = pd.to_datetime(dates).to_numpy("datetime64[s]")
    return rows


def _latest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of several rows of one indicator those of the last day; undated rows count only where none is dated."""
    last = rows.groupby([*_OWNER, "indicator"], sort=False)["date"].transform("max")
    return rows[(rows["date"] == last) | last.isna()].copy()


def _with_polarity(rows: pd.DataFrame, office: Mapping[str, str], otherwise: str) -> pd.DataFrame:
    named = rows["indicator"].map(dict(office)).astype(object)
    by_office, by_data = named.notna(), rows["polarity"] != ""
    rows["polarity_source"] = np.select([by_office, by_data], ["office", "data"], "assumed")
    rows["polarity"] = np.select([by_office, by_data], [named, rows["polarity"]], otherwise)
    return rows


def weighted_attainment(rows: pd.DataFrame, owner: list[str]) -> pd.DataFrame:
    """Weighted mean of the computable indicators of each owner (an index of `owner`).

    Columns: n_indicators, n_computed, attainment (per cent, NaN where none is computable), weight_share (share of the
    owner's weight that could be computed), weighting (`given`, or `equal` where an indicator of the owner has no
    weight or all are 0).
    """
    work = rows[[*owner, "attainment", "weight", "status"]].copy()
    work["usable"] = work["weight"].where(work["weight"] > 0, np.where(work["weight"] == 0, 0.0, np.nan))
    by = work.groupby(owner, sort=True)
    complete = (by["usable"].transform("count") == by["status"].transform("size")) & (by["usable"].transform("sum") > 0)
    work["share"] = work["usable"].where(complete, 1.0)
    computed = work["status"] == OK
    work["computed_share"] = work["share"].where(computed, 0.0)
    work["product"] = (work["attainment"] * work["computed_share"]).where(computed, 0.0)
    work["computed"], work["given"] = computed, complete
    sums = work.groupby(owner, sort=True).agg(
        n_indicators=("computed", "size"),
        n_computed=("computed", "sum"),
        total=("share", "sum"),
        got=("computed_share", "sum"),
        product=("product", "sum"),
        given=("given", "all"),
    )
    got = sums["got"].where(sums["got"] > 0)
    return pd.DataFrame(
        {
            "n_indicators": sums["n_indicators"].astype("int64"),
            "n_computed": sums["n_computed"].astype("int64"),
            "attainment": sums["product"] / got,
            "weight_share": sums["got"] / sums["total"],
            "weighting": np.where(sums["given"], "given", "equal"),
        }
    )
