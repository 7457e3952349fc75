"""Screens of each rater's way with the scale: a reason to look again, never a verdict on a rater.

Every row says what is estimated, from how many people, with an interval; the flag `review` is Holm-adjusted over the
raters of a
screen. What a flag does not mean stands in words.csv under `screen.<screen>.not`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kinerja.fairness.check import Check, Given, Tables
from kinerja.fairness.rates import fisher_mid_p, newcombe_interval
from kinerja.fairness.verdict import typed
from kinerja.multiplicity import adjust
from kinerja.results import CANNOT, OK, Finding

Array = NDArray[np.float64]
SCREENS = ("severity", "centrality", "halo", "range_restriction", "drift", "deadline_run")
SCREEN_COLUMNS = (
    "screen", "rater", "role", "estimate", "std_error", "conf_low", "conf_high", "p", "p_adjusted", "review", "n",
    "status", "reason",
)  # fmt: skip
_NOTHING: dict[str, Any] = {"status": CANNOT}
_MEASURED = ("mean", "distance", "spread", "away", "others", "moment", "last", "months")
_DAY = 86_400.0
_DAYS = 30.0
"""Drift is told in points of the scale per thirty days."""


def screen_table(
    ratings: pd.DataFrame,
    *,
    scale: tuple[float, float] | None = None,
    minimum: int = 10,
    confidence: float = 0.95,
    deadline_days: int = 3,
) -> pd.DataFrame:
    """All screens of all raters, from ratings (period, ratee, rater, role, item, rating, date); self-ratings are left
    out.

    severity : mean of the others on the same people, less the rater's own; positive = harsher; n = people shared
    centrality : mean distance of the rater's ratings from the middle of the scale, the others' less the own; positive
        = nearer the middle, by more than the other raters differ among themselves
    halo : spread over items within a person (items' own difficulty and the room at the sheet's mean taken out), the
        others' less the own; positive = flatter. Only positive values of these two are flagged
    range_restriction : standard deviation of the people's averages over that of other raters' teams; under 1 =
        narrower, and flagged where people lie nearer to their team's average by more than other raters' teams differ
    drift : change of the people's averages with the date (points per 30 days), less the office's own
    deadline_run : share of people rated at the very top in the last `deadline_days` days before the period's last
        rating,
        less the same rater's share earlier
    """
    text = ("screen", "rater", "role", "status", "reason")
    sheets = _sheets(ratings, scale)
    if sheets.empty:
        return typed(pd.DataFrame(columns=list(SCREEN_COLUMNS)), text, ("n",), ("review",))
    context = _Context(sheets, minimum, confidence, deadline_days)
    rows = [
        {"screen": screen, "rater": rater, "role": own.role} | _SCREENS[screen](own, context)
        for screen in SCREENS
        for rater, own in context.raters
    ]
    table = pd.DataFrame(rows).reindex(columns=list(SCREEN_COLUMNS))
    for _, index in table.groupby("screen").groups.items():
        table.loc[index, "p_adjusted"] = adjust(table.loc[index, "p"].astype(float), "holm")
    table["review"] = table["p_adjusted"].astype(float) < 1 - confidence
    return typed(table, text, ("n",), ("review",))


@dataclass(frozen=True, eq=False, kw_only=True)
class _Own:
    """The sheets of one rater in one role, S of them; times in seconds, NaN without a date.

    Fields
    ------
    mean, distance, spread, away, others, moment, last, months : (S,); top : (S,) flags
    """

    role: str
    mean: Array
    distance: Array
    spread: Array
    away: Array
    others: Array
    moment: Array
    last: Array
    months: Array
    top: NDArray[np.bool_]

    @property
    def dated(self) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(self.moment))


class _Context:
    """What a rater is compared with: the sheets (one a ratee and period) of others in the same role, from sums."""

    def __init__(self, sheets: pd.DataFrame, minimum: int, confidence: float, deadline_days: int) -> None:
        self.minimum = minimum
        self.confidence = confidence
        self.deadline_days = deadline_days
        pairs = sheets.groupby(["period", "ratee"])
        others = pairs["mean"].transform("sum") - sheets["mean"]
        count = pairs["mean"].transform("count") - 1
        sheets["others"] = others / count.where(count > 0)
        sheets["moment"] = (sheets["date"] - sheets["date"].min()).dt.total_seconds()
        sheets["last"] = sheets.groupby("period")["moment"].transform("max")
        sheets["months"] = sheets["moment"] / _DAY / _DAYS
        self.raters = _raters(sheets)
        self.roles = {str(role): own for role, own in sheets.groupby("role", sort=True)}
        self._sums = {
            (role, column): _Sums(own, column)
            for role, own in self.roles.items()
            for column in ("distance", "spread", "away")
        }
        self._lines = {role: _Line(own) for role, own in self.roles.items()}
        within = {}
        for role, own in self.roles.items():
            squares = float(((own["mean"] - own.groupby("rater")["mean"].transform("mean")) ** 2).sum())
            within[role] = (squares, len(own) - own["rater"].nunique())
        self._within = within

    def others(self, own: _Own, column: str) -> _Others:
        """A column over the other raters of the role."""
        return self._sums[(own.role, column)].without(getattr(own, column))

    def others_line(self, own: _Own) -> tuple[float, float]:
        """Slope on the date over the other raters of the role, and its error; (0, 0) where they are too few."""
        return self._lines[own.role].without(own, self.minimum)

    def others_within(self, own: _Own) -> tuple[float, int, float, int]:
        """Squares about the own mean and degrees of freedom, and the same of the others about theirs."""
        mine = float(((own.mean - own.mean.mean()) ** 2).sum())
        squares, df = self._within[own.role]
        return mine, len(own.mean) - 1, squares - mine, df - (len(own.mean) - 1)


def _raters(sheets: pd.DataFrame) -> list[tuple[str, _Own]]:
    """Raters by name, one entry a role: each role has its own others."""
    ordered = sheets.sort_values(["rater", "role"], kind="stable")
    values = {name: ordered[name].to_numpy(np.float64) for name in _MEASURED}
    top = ordered["top"].to_numpy(bool)
    rater, role = (ordered[name].to_numpy(object) for name in ("rater", "role"))
    starts = np.flatnonzero(np.r_[True, (rater[1:] != rater[:-1]) | (role[1:] != role[:-1])])
    found = []
    for start, end in pairwise([*starts, len(ordered)]):
        part = slice(int(start), int(end))
        own = _Own(role=str(role[start]), top=top[part], **{name: v[part] for name, v in values.items()})
        found.append((str(rater[start]), own))
    return found


class _Sums:
    """Sums over the raters of a role, from which one rater can be taken out: how they differ, within and between.

    Columns of `of` and of `total`: raters with a sheet, sheets n, n squared, sum, sum squared over n, squares about the
    rater's own mean.
    """

    def __init__(self, sheets: pd.DataFrame, column: str) -> None:
        known = sheets[column].dropna()
        self.centre = float(known.mean()) if len(known) else 0.0
        values = (known - self.centre).groupby(sheets["rater"])
        each = [self.of(v.to_numpy(np.float64)) for _, v in values]
        self.total = np.sum(each, axis=0) if each else np.zeros(6)

    @staticmethod
    def of(away: Array) -> Array:
        n, total = len(away), float(away.sum())
        if not n:
            return np.zeros(6)
        return np.array([1, n, n * n, total, total * total / n, max(float(away @ away) - total * total / n, 0.0)])

    def without(self, own: Array) -> _Others:
        mine = self.of(own[np.isfinite(own)] - self.centre)
        raters, n, n_squared, total, between, within = self.total - mine
        if raters < 2 or n - raters < 1:
            return _Others(n=int(n), mean=np.nan, n_raters=int(raters), within=np.nan, between=np.nan, share=np.nan,
                           effective=np.nan)  # fmt: skip
        return _Others(
            n=int(n),
            mean=self.centre + total / n,
            n_raters=int(raters),
            within=max(within, 0.0) / (n - raters),
            between=max(between - total * total / n, 0.0) / (raters - 1),
            share=n_squared / n**2,
            effective=(n - n_squared / n) / (raters - 1),
        )


@dataclass(frozen=True, kw_only=True)
class _Others:
    """The other raters: n sheets, mean, mean squares within and between raters; share : sum of n_j^2 over n^2;
    effective : sheets of a typical rater (of the one-way analysis of variance)."""

    n: int
    mean: float
    n_raters: int
    within: float
    between: float
    share: float
    effective: float

    def error(self, n: int, *, among_raters: bool) -> tuple[float, float]:
        """Standard error of the difference to n sheets of a rater who is like the others, and its degrees of freedom.

        among_raters : what raters differ by, from the mean squares, is part of it; degrees of freedom after
            Satterthwaite
        """
        raters = (1 + self.share) / self.effective
        sheets = 1 / n + 1 / self.n - raters
        if not among_raters or self.between <= self.within:
            pooled = self.between * (self.n_raters - 1) + self.within * (self.n - self.n_raters)
            return float(np.sqrt(pooled / (self.n - 1) * (1 / n + 1 / self.n))), float(self.n - 1)
        parts = raters * self.between, sheets * self.within
        variance = sum(parts)
        df = variance**2 / (parts[0] ** 2 / (self.n_raters - 1) + parts[1] ** 2 / (self.n - self.n_raters))
        return float(np.sqrt(variance)), float(df)


class _Line:
    """Sums of a regression of the sheets' means on the date, so that one rater can be taken out."""

    def __init__(self, sheets: pd.DataFrame) -> None:
        dated = sheets[sheets["months"].notna()]
        self.x = float(dated["months"].mean()) if len(dated) else 0.0
        self.y = float(dated["mean"].mean()) if len(dated) else 0.0
        self.sums = self._of(dated["months"].to_numpy(np.float64), dated["mean"].to_numpy(np.float64))

    def _of(self, months: Array, mean: Array) -> Array:
        x, y = months - self.x, mean - self.y
        return np.array([len(x), x.sum(), y.sum(), x @ x, x @ y, y @ y])

    def without(self, own: _Own, minimum: int) -> tuple[float, float]:
        n, x, y, xx, xy, yy = self.sums - self._of(own.months[own.dated], own.mean[own.dated])
        if n < max(minimum, 3) or xx - x * x / n <= 1e-12:
            return 0.0, 0.0
        across = xx - x * x / n
        slope = (xy - x * y / n) / across
        left = max(yy - y * y / n - slope * slope * across, 0.0)
        return float(slope), float(np.sqrt(left / (n - 2) / across))


def _sheets(ratings: pd.DataFrame, scale: tuple[float, float] | None) -> pd.DataFrame:
    """One row a period, rater and ratee: mean, distance from the scale's middle, spread over items, whether all top,
    date.
    """
    known = ratings.dropna(subset=["ratee", "rater", "rating"])
    if "role" in known:
        known = known[known["role"] != "self"]
    known = known[known["ratee"] != known["rater"]]
    low, high = scale or (float(known["rating"].min()), float(known["rating"].max())) if len(known) else (0.0, 1.0)
    rating = known["rating"].astype(float)
    frame = pd.DataFrame(
        {
            "period": known["period"].astype(str) if "period" in known else "",
            "ratee": known["ratee"].astype(str),
            "rater": known["rater"].astype(str),
            "role": known["role"].astype(str) if "role" in known else "",
            "rating": rating,
            "distance": (rating - (low + high) / 2).abs(),
            "adjusted": rating - rating.groupby(known["item"]).transform("mean") if "item" in known else rating,
            "top": rating >= high,
            "date": pd.to_datetime(known["date"], errors="coerce") if "date" in known else pd.NaT,
        }
    )
    grouped = frame.groupby(["period", "rater", "ratee", "role"], sort=True)
    sheets = grouped.agg(
        mean=("rating", "mean"),
        distance=("distance", "mean"),
        spread=("adjusted", "std"),
        top=("top", "all"),
        date=("date", "max"),
    ).reset_index()
    sheets["spread"] -= _at_its_mean(sheets)
    teams = sheets.groupby(["rater", "role"])["mean"]
    n = teams.transform("size").astype(float)
    # a team's own average lies nearer to its people than the true one would
    sheets["away"] = (sheets["mean"] - teams.transform("mean")).abs() * np.sqrt(n / (n - 1).where(n > 1))
    return sheets


def _at_its_mean(sheets: pd.DataFrame) -> pd.Series:
    """The spread that sheets of a role usually have at a sheet's mean: near an end of the scale there is no room."""
    usual = pd.Series(0.0, index=sheets.index)
    for _, own in sheets[sheets["spread"].notna()].groupby("role"):
        x = own["mean"].to_numpy(np.float64)
        x = x - x.mean()
        design = np.column_stack([np.ones(len(x)), x, x * x])
        usual[own.index] = design @ np.linalg.lstsq(design, own["spread"].to_numpy(np.float64), rcond=None)[0]
    return usual


def _severity(own: _Own, context: _Context) -> dict[str, Any]:
    shared = np.isfinite(own.others)
    if not shared.any():
        # a team's mean may be a mild supervisor or a good team: nothing here can tell
        return _NOTHING | {"n": 0, "reason": "nobody_shared"}
    return _one_sample((own.others - own.mean)[shared], context)


def _centrality(own: _Own, context: _Context) -> dict[str, Any]:
    return _less_than_others(own, "distance", context, among_raters=True)


def _halo(own: _Own, context: _Context) -> dict[str, Any]:
    return _less_than_others(own, "spread", context, among_raters=False)


def _range_restriction(own: _Own, context: _Context) -> dict[str, Any]:
    n = len(own.mean)
    squares, df, others, df_others = context.others_within(own)
    if n < context.minimum or df_others < context.minimum:
        return _NOTHING | {"n": n, "reason": "under_floor"}
    if min(squares, others) <= 1e-9:
        return _NOTHING | {"n": n, "reason": "no_variation"}
    # p is not of F: near an end of the scale every team is narrow, and averages of marks are no normal sample
    tested = _less_than_others(own, "away", context, among_raters=True)
    if tested["status"] != OK:
        return tested
    f = (squares / df) / (others / df_others)
    tail = (1 - context.confidence) / 2
    ratio = float(np.sqrt(f))
    return {
        "estimate": ratio,
        "std_error": ratio * float(np.sqrt(1 / (2 * df) + 1 / (2 * df_others))),
        "conf_low": float(np.sqrt(f / stats.f.isf(tail, df, df_others))),
        "conf_high": float(np.sqrt(f / stats.f.ppf(tail, df, df_others))),
        "p": tested["p"],
        "n": n,
        "status": OK,
        "reason": "",
    }


def _drift(own: _Own, context: _Context) -> dict[str, Any]:
    n = int(own.dated.sum())
    if not n:
        return _NOTHING | {"n": 0, "reason": "no_dates"}
    months, mean = own.months[own.dated], own.mean[own.dated]
    if n < context.minimum or len(np.unique(months)) < 3:
        return _NOTHING | {"n": n, "reason": "under_floor"}
    slope, error = _slope(months, mean)
    if error <= 0:
        return _NOTHING | {"n": n, "reason": "no_variation"}
    usual, usual_error = context.others_line(own)
    return _t_row(slope - usual, float(np.hypot(error, usual_error)), n - 2, n, context)


def _slope(x: Array, y: Array) -> tuple[float, float]:
    """Slope of y on x and its standard error."""
    x, y = x - x.mean(), y - y.mean()
    across = float(x @ x)
    slope = float(x @ y) / across
    left = float(((y - slope * x) ** 2).sum())
    exact = left <= 1e-20 * max(float(y @ y), 1e-300)
    return slope, 0.0 if exact else float(np.sqrt(left / (len(x) - 2) / across))


def _deadline_run(own: _Own, context: _Context) -> dict[str, Any]:
    if not own.dated.any():
        return _NOTHING | {"n": 0, "reason": "no_dates"}
    last = (own.last - own.moment)[own.dated] < context.deadline_days * _DAY
    top = own.top[own.dated]
    n, m = int(last.sum()), int((~last).sum())
    if n + m < context.minimum or min(n, m) < 3:
        return _NOTHING | {"n": n + m, "reason": "under_floor"}
    a, b = int(top[last].sum()), int(top[~last].sum())
    low, high = newcombe_interval(a, n, b, m, confidence=context.confidence)
    rates = [((c + 1) / (s + 2), s + 2) for c, s in ((a, n), (b, m))]
    return {
        "estimate": a / n - b / m,
        "std_error": float(np.sqrt(sum(r * (1 - r) / s for r, s in rates))),
        "conf_low": low,
        "conf_high": high,
        # only more top ratings at the end are of interest
        "p": fisher_mid_p(a, n, b, m) if a * m > b * n else 1.0,
        "n": n + m,
        "status": OK,
        "reason": "",
    }


def _one_sample(values: np.ndarray, context: _Context) -> dict[str, Any]:
    n = len(values)
    if n < context.minimum:
        return _NOTHING | {"n": n, "reason": "under_floor"}
    error = float(values.std(ddof=1) / np.sqrt(n))
    if error <= 0:
        return _NOTHING | {"n": n, "reason": "no_variation"}
    return _t_row(float(values.mean()), error, n - 1, n, context)


def _less_than_others(own: _Own, column: str, context: _Context, *, among_raters: bool) -> dict[str, Any]:
    """Others' mean less the own; p of that being positive.

    among_raters : held against what the others differ by among themselves, which the level of their teams brings; else
        against the spread of their sheets. With the rater's own spread a few sheets that happen to lie near the middle
        would have a small error, too.
    """
    values = getattr(own, column)
    values = values[np.isfinite(values)]
    n, others = len(values), context.others(own, column)
    if n < context.minimum or others.n < context.minimum:
        return _NOTHING | {"n": n, "reason": "under_floor"}
    if others.n_raters < 2:
        return _NOTHING | {"n": n, "reason": "two_other_raters"}
    if not others.within + others.between > 1e-18:
        return _NOTHING | {"n": n, "reason": "no_variation"}
    estimate = others.mean - float(values.mean())
    error, df = others.error(n, among_raters=among_raters)
    return _t_row(estimate, error, df, n, context) | {"p": float(stats.t.sf(estimate / error, df))}


def _t_row(estimate: float, error: float, df: float, n: int, context: _Context) -> dict[str, Any]:
    half = float(stats.t.ppf((1 + context.confidence) / 2, df)) * error
    return {
        "estimate": estimate,
        "std_error": error,
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "p": float(2 * stats.t.sf(abs(estimate) / error, df)),
        "n": n,
        "status": OK,
        "reason": "",
    }


_SCREENS: dict[str, Callable[[_Own, _Context], dict[str, Any]]] = {
    "severity": _severity,
    "centrality": _centrality,
    "halo": _halo,
    "range_restriction": _range_restriction,
    "drift": _drift,
    "deadline_run": _deadline_run,
}


def _run(given: Given) -> pd.DataFrame:
    return screen_table(
        given.ratings if given.ratings is not None else pd.DataFrame(columns=["ratee", "rater", "rating"]),
        scale=given.options.scale, minimum=given.settings.minimum, confidence=given.settings.confidence,
        deadline_days=given.options.deadline_days,
    )  # fmt: skip


def _findings(given: Given, tables: Tables) -> Iterator[Finding]:
    screens = tables["screens"]
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


CHECK = Check(name="screens", columns=SCREEN_COLUMNS, run=_run, findings=_findings)
