"""Screens of each rater's way with the scale: a reason to look again, never a verdict on a rater.

Every row says what is estimated, from how many people, with an interval; the flag `review` is Holm-adjusted over the
raters of a
screen. What a flag does not mean stands in data/text under `screen.<screen>.not`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from kinerja.bias_family import adjust, typed
from kinerja.bias_rates import fisher_mid_p, newcombe_interval
from kinerja.results import CANNOT, OK

SCREENS = ("severity", "centrality", "halo", "range_restriction", "drift", "deadline_run")
SCREEN_COLUMNS = (
    "screen", "rater", "role", "estimate", "std_error", "conf_low", "conf_high", "p", "p_adjusted", "review", "n",
    "status", "reason",
)  # fmt: skip
_NOTHING: dict[str, Any] = {"status": CANNOT}
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
        = nearer
        the middle
    halo : spread over items within a person (items' own difficulty taken out), the others' less the own; positive =
        flatter
    range_restriction : standard deviation of the people's averages over that of other raters' teams; under 1 = narrower
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
    # a rater in two roles is two rows: each role has its own others
    by_rater = [(rater, own) for (rater, _), own in sheets.groupby(["rater", "role"], sort=True)]
    rows = [
        {"screen": screen, "rater": rater, "role": str(own["role"].iloc[0])} | _SCREENS[screen](own, context)
        for screen in SCREENS
        for rater, own in by_rater
    ]
    table = pd.DataFrame(rows).reindex(columns=list(SCREEN_COLUMNS))
    for _, index in table.groupby("screen").groups.items():
        table.loc[index, "p_adjusted"] = adjust(table.loc[index, "p"].astype(float), "holm")
    table["review"] = table["p_adjusted"].astype(float) < 1 - confidence
    return typed(table, text, ("n",), ("review",))


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
        sheets["last_day"] = sheets.groupby("period")["date"].transform("max")
        sheets["months"] = (sheets["date"] - sheets["date"].min()).dt.total_seconds() / 86400 / _DAYS
        self.roles = {str(role): own for role, own in sheets.groupby("role", sort=True)}
        self._sums = {
            (role, column): _Sums(own[column]) for role, own in self.roles.items() for column in ("distance", "spread")
        }
        self._lines = {role: _Line(own) for role, own in self.roles.items()}
        within = {}
        for role, own in self.roles.items():
            squares = float(((own["mean"] - own.groupby("rater")["mean"].transform("mean")) ** 2).sum())
            within[role] = (squares, len(own) - own["rater"].nunique())
        self._within = within

    def others(self, own: pd.DataFrame, column: str) -> tuple[int, float, float]:
        """Persons, mean and variance of a column over the other raters of the role."""
        return self._sums[(_role(own), column)].without(own[column])

    def others_line(self, own: pd.DataFrame) -> tuple[float, float]:
        """Slope on the date over the other raters of the role, and its error; (0, 0) where they are too few."""
        return self._lines[_role(own)].without(own, self.minimum)

    def others_within(self, own: pd.DataFrame) -> tuple[float, int, float, int]:
        """Squares about the own mean and degrees of freedom, and the same of the others about theirs."""
        mine = float(((own["mean"] - own["mean"].mean()) ** 2).sum())
        squares, df = self._within[_role(own)]
        return mine, len(own) - 1, squares - mine, df - (len(own) - 1)


class _Sums:
    """Count, sum and squares about a fixed centre, so that one rater can be taken out."""

    def __init__(self, values: pd.Series) -> None:
        known = values.dropna().to_numpy(dtype=float)
        self.centre = float(known.mean()) if len(known) else 0.0
        self.count, self.total, self.squares = self._of(known)

    def _of(self, known: np.ndarray) -> tuple[int, float, float]:
        away = known - self.centre
        return len(known), float(away.sum()), float(away @ away)

    def without(self, own: pd.Series) -> tuple[int, float, float]:
        n, total, squares = self._of(own.dropna().to_numpy(dtype=float))
        m, rest, left = self.count - n, self.total - total, self.squares - squares
        if m < 2:
            return m, np.nan, np.nan
        return m, self.centre + rest / m, max(left - rest * rest / m, 0.0) / (m - 1)


class _Line:
    """Sums of a regression of the sheets' means on the date, so that one rater can be taken out."""

    def __init__(self, sheets: pd.DataFrame) -> None:
        dated = sheets[sheets["months"].notna()]
        self.x = float(dated["months"].mean()) if len(dated) else 0.0
        self.y = float(dated["mean"].mean()) if len(dated) else 0.0
        self.sums = self._of(dated)

    def _of(self, dated: pd.DataFrame) -> np.ndarray:
        x = dated["months"].to_numpy(dtype=float) - self.x
        y = dated["mean"].to_numpy(dtype=float) - self.y
        return np.array([len(x), x.sum(), y.sum(), x @ x, x @ y, y @ y])

    def without(self, own: pd.DataFrame, minimum: int) -> tuple[float, float]:
        n, x, y, xx, xy, yy = self.sums - self._of(own[own["months"].notna()])
        if n < max(minimum, 3) or xx - x * x / n <= 1e-12:
            return 0.0, 0.0
        across = xx - x * x / n
        slope = (xy - x * y / n) / across
        left = max(yy - y * y / n - slope * slope * across, 0.0)
        return float(slope), float(np.sqrt(left / (n - 2) / across))


def _role(own: pd.DataFrame) -> str:
    return str(own["role"].iloc[0])


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
    return grouped.agg(
        mean=("rating", "mean"),
        distance=("distance", "mean"),
        spread=("adjusted", "std"),
        top=("top", "all"),
        date=("date", "max"),
    ).reset_index()


def _severity(own: pd.DataFrame, context: _Context) -> dict[str, Any]:
    shared = own[own["others"].notna()]
    if shared.empty:
        # a team's mean may be a mild supervisor or a good team: nothing here can tell
        return _NOTHING | {"n": 0, "reason": "nobody_shared"}
    return _one_sample((shared["others"] - shared["mean"]).to_numpy(dtype=float), context)


def _centrality(own: pd.DataFrame, context: _Context) -> dict[str, Any]:
    return _two_sample(own, "distance", context)


def _halo(own: pd.DataFrame, context: _Context) -> dict[str, Any]:
    return _two_sample(own, "spread", context)


def _range_restriction(own: pd.DataFrame, context: _Context) -> dict[str, Any]:
    n = len(own)
    squares, df, others, df_others = context.others_within(own)
    if n < context.minimum or df_others < context.minimum:
        return _NOTHING | {"n": n, "reason": "under_floor"}
    if min(squares, others) <= 1e-9:
        return _NOTHING | {"n": n, "reason": "no_variation"}
    f = (squares / df) / (others / df_others)
    tail = (1 - context.confidence) / 2
    ratio = float(np.sqrt(f))
    return {
        "estimate": ratio,
        "std_error": ratio * float(np.sqrt(1 / (2 * df) + 1 / (2 * df_others))),
        "conf_low": float(np.sqrt(f / stats.f.isf(tail, df, df_others))),
        "conf_high": float(np.sqrt(f / stats.f.ppf(tail, df, df_others))),
        "p": float(min(1.0, 2 * min(stats.f.cdf(f, df, df_others), stats.f.sf(f, df, df_others)))),
        "n": n,
        "status": OK,
        "reason": "",
    }


def _drift(own: pd.DataFrame, context: _Context) -> dict[str, Any]:
    dated = own[own["months"].notna()]
    if dated.empty:
        return _NOTHING | {"n": 0, "reason": "no_dates"}
    if len(dated) < context.minimum or dated["months"].nunique() < 3:
        return _NOTHING | {"n": len(dated), "reason": "under_floor"}
    slope, error = _slope(dated)
    if error <= 0:
        return _NOTHING | {"n": len(dated), "reason": "no_variation"}
    usual, usual_error = context.others_line(own)
    return _t_row(slope - usual, float(np.hypot(error, usual_error)), len(dated) - 2, len(dated), context)


def _slope(dated: pd.DataFrame) -> tuple[float, float]:
    fit = stats.linregress(dated["months"].to_numpy(dtype=float), dated["mean"].to_numpy(dtype=float))
    return float(fit.slope), float(fit.stderr)


def _deadline_run(own: pd.DataFrame, context: _Context) -> dict[str, Any]:
    dated = own[own["date"].notna()]
    if dated.empty:
        return _NOTHING | {"n": 0, "reason": "no_dates"}
    last = dated["last_day"] - dated["date"] < pd.Timedelta(days=context.deadline_days)
    n, m = int(last.sum()), int((~last).sum())
    if n + m < context.minimum or min(n, m) < 3:
        return _NOTHING | {"n": n + m, "reason": "under_floor"}
    a, b = int(dated["top"][last].sum()), int(dated["top"][~last].sum())
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


def _two_sample(own: pd.DataFrame, column: str, context: _Context) -> dict[str, Any]:
    """Others' mean less the own, Welch's error."""
    values = own[column].dropna()
    n = len(values)
    m, mean, variance = context.others(own, column)
    if n < context.minimum or m < context.minimum:
        return _NOTHING | {"n": n, "reason": "under_floor"}
    first, second = float(values.var()) / n, variance / m
    if first + second <= 1e-18:
        return _NOTHING | {"n": n, "reason": "no_variation"}
    df = (first + second) ** 2 / (first**2 / (n - 1) + second**2 / (m - 1))
    return _t_row(mean - float(values.mean()), float(np.sqrt(first + second)), df, n, context)


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


_SCREENS: dict[str, Callable[[pd.DataFrame, _Context], dict[str, Any]]] = {
    "severity": _severity,
    "centrality": _centrality,
    "halo": _halo,
    "range_restriction": _range_restriction,
    "drift": _drift,
    "deadline_run": _deadline_run,
}
