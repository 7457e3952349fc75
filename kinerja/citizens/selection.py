"""Who did not answer, and who chose whom to ask: bounds for non-response, and answers by channel within units."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kinerja.multiplicity import holm
from kinerja.results import CANNOT, OK
from kinerja.rules import Rules
from kinerja.rules.lookup import grade_limits

Floats = NDArray[np.float64]

NONRESPONSE_COLUMNS = (
    "level", "group", "estimate", "n", "population", "response_share", "lowest", "highest", "difference_to_fall",
    "difference_to_rise", "status", "reason",
)  # fmt: skip
CHANNEL_COLUMNS = (
    "channel", "n", "share", "points", "estimate", "std_error", "conf_low", "conf_high", "p", "p_adjusted",
    "status", "reason",
)  # fmt: skip


def nonresponse_bounds(
    index: pd.DataFrame, population: Mapping[str, int], bounds: tuple[float, float], rules: Rules, rule: str
) -> pd.DataFrame:
    """NONRESPONSE_COLUMNS of the office and its units, without any assumption on those who did not answer (Manski
    1989).

    lowest, highest : the index if all of them had given the lowest or the highest answer
    difference_to_fall, difference_to_rise : by how many index points the silent ones must differ from those who
        answered for the grade to fall or rise; NaN where no difference on the scale can
    """
    low, high = bounds
    rows = []
    total = sum(population.values()) if population else None
    for row in index[index["level"].isin(["office", "unit"])].to_dict("records"):
        served = total if row["level"] == "office" else population.get(str(row["group"]))
        found = (row["level"], row["group"], row["estimate"], row["n"])
        if served is None or not np.isfinite(row["estimate"]) or served < row["n"]:
            reason = row["reason"] if not np.isfinite(row["estimate"]) else "no_population"
            rows.append((*found, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, CANNOT, reason))
            continue
        share = row["n"] / served
        fall, rise = _differences(row["estimate"], share, bounds, grade_limits(rules, rule=rule)[1])
        least, most = share * row["estimate"] + (1 - share) * low, share * row["estimate"] + (1 - share) * high
        rows.append((*found, float(served), share, least, most, fall, rise, OK, ""))
    return pd.DataFrame(rows, columns=list(NONRESPONSE_COLUMNS))


def _differences(
    estimate: float, share: float, bounds: tuple[float, float], limits: tuple[float, ...]
) -> tuple[float, float]:
    below = max((cut for cut in limits if cut <= estimate), default=np.nan)
    above = min((cut for cut in limits if cut > estimate), default=np.nan)
    if share >= 1:
        return np.nan, np.nan
    fall, rise = (below - estimate) / (1 - share), (above - estimate) / (1 - share)
    return (
        fall if estimate + fall >= bounds[0] else np.nan,
        rise if estimate + rise <= bounds[1] else np.nan,
    )


def channel_differences(
    points: Floats, channel: pd.Series, unit: pd.Series, *, confidence: float, fewest: int = 5
) -> pd.DataFrame:
    """CHANNEL_COLUMNS: each channel against the other channels of the same units.

    points : (n,) of each response, 0-100. Where staff hand out forms they may choose whom: a channel that stands out
        within
    the units is a sign of it, or of people who differ by channel. estimate: mean difference in points, unit by unit,
    weighted by n1 n2 / (n1 + n2); Holm over the channels
    """
    kept = np.isfinite(points) & channel.notna().to_numpy() & unit.notna().to_numpy()
    frame = pd.DataFrame({"points": points[kept], "channel": channel[kept].astype(str), "unit": unit[kept].astype(str)})
    rows = [_channel(frame, name, confidence, fewest) for name in sorted(set(frame["channel"]) - {""})]
    table = pd.DataFrame(rows, columns=[c for c in CHANNEL_COLUMNS if c != "p_adjusted"])
    known = table["p"].notna()
    table["p_adjusted"] = np.nan
    if known.any():
        table.loc[known, "p_adjusted"] = holm(table.loc[known, "p"].to_numpy(float))
    return table[list(CHANNEL_COLUMNS)]


def _channel(frame: pd.DataFrame, name: str, confidence: float, fewest: int) -> tuple[object, ...]:
    own = frame["channel"] == name
    first = (name, int(own.sum()), float(own.mean()), float(frame.loc[own, "points"].mean()))
    both = _moments(frame[own]).add_suffix("_in").join(_moments(frame[~own]).add_suffix("_out"), how="inner")
    both = both[(both["n_in"] > 1) & (both["n_out"] > 1)]
    if both["n_in"].sum() < fewest or both["n_out"].sum() < fewest:
        return *first, *[np.nan] * 5, CANNOT, "nothing_to_compare"
    weight = both["n_in"] * both["n_out"] / (both["n_in"] + both["n_out"])
    difference = float((weight * (both["mean_in"] - both["mean_out"])).sum() / weight.sum())
    variance = (weight**2 * (both["var_in"] / both["n_in"] + both["var_out"] / both["n_out"])).sum() / weight.sum() ** 2
    error = float(np.sqrt(variance))
    if not error > 0:
        return *first, difference, *[np.nan] * 4, OK, "same_answers"
    df = float(both["n_in"].sum() + both["n_out"].sum() - 2 * len(both))
    reach = float(stats.t.ppf(0.5 + confidence / 2, df)) * error
    p = float(2 * stats.t.sf(abs(difference / error), df))
    return *first, difference, error, difference - reach, difference + reach, p, OK, ""


def _moments(frame: pd.DataFrame) -> pd.DataFrame:
    by = frame.groupby("unit", sort=True)["points"]
    return pd.DataFrame({"n": by.size(), "mean": by.mean(), "var": by.var()})
