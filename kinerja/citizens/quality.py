"""How far the answers can be trusted: who answered, who told units apart, what looks stuffed, and what all that
changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kinerja.citizens.index import group_moments
from kinerja.citizens.margins import representativeness, weighted_indexes
from kinerja.citizens.mix import mix_tables
from kinerja.citizens.reliability import LEAGUE_TABLE, RELIABILITY_COLUMNS, STANDING_COLUMNS, reliability_tables
from kinerja.citizens.screening import Screening, screen_responses
from kinerja.citizens.selection import channel_differences, nonresponse_bounds
from kinerja.results import Finding
from kinerja.results.shown import Shown
from kinerja.rules import Rules

Floats = NDArray[np.float64]

SCREENED_COLUMNS = ("run", "level", "group", "estimate", "std_error", "n", "difference", "points")
RUNS = {
    "all": (),
    "without_stuffing": ("stuffing",),
    "without_careless": ("careless",),
    "without_both": ("stuffing", "careless"),
}
LEVELS = ("unit", "service", "team", "ratee")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class FeedbackQuality(Shown):
    """Checks of one period's responses.

    Fields
    ------
    margins : respondents' shares beside known ones: margins.MARGIN_COLUMNS
    weighted : the office's index unweighted and weighted: margins.WEIGHTED_COLUMNS
    mix, mix_attributes : units raw and adjusted for who answered; attributes' coefficients: feedback_mix
    reliability : by level and target: reliability.RELIABILITY_COLUMNS
    standing : each group against the others: reliability.STANDING_COLUMNS; the answer where no league table
        is due
    screening : flags, checks, bursts
    screened : index with and without flagged responses: SCREENED_COLUMNS; run: all, without_stuffing, without_careless,
        without_both; difference from `all`
    nonresponse : bounds: selection.NONRESPONSE_COLUMNS
    channels : by channel within units: selection.CHANNEL_COLUMNS
    findings : what a reader must know of these
    """

    margins: pd.DataFrame
    weighted: pd.DataFrame
    mix: pd.DataFrame
    mix_attributes: pd.DataFrame
    reliability: pd.DataFrame
    standing: pd.DataFrame
    screening: Screening
    screened: pd.DataFrame
    nonresponse: pd.DataFrame
    channels: pd.DataFrame
    findings: tuple[Finding, ...]


def check_quality(
    responses: pd.DataFrame,
    index: pd.DataFrame,
    *,
    rules: Rules,
    rule: str,
    elements: Sequence[str],
    factor: float,
    scale: tuple[float, float],
    attributes: Sequence[str],
    margins: Mapping[str, Mapping[str, float]],
    population: Mapping[str, int],
    confidence: float,
) -> FeedbackQuality:
    """All checks on the responses of one period, whose index table is `index`.

    factor : the index is factor times the mean over the elements (25 with exact weights)
    """
    answers = responses.reindex(columns=list(elements)).to_numpy(float)
    points = _points(answers, scale)
    mix, weights, moved = mix_tables(
        responses, attributes=attributes, elements=elements, scale=scale, confidence=confidence
    )
    tables = [
        reliability_tables(points, _group(responses, level), level, confidence=confidence)
        for level in LEVELS
        if level in responses and responses[level].notna().any()
    ]
    screening = screen_responses(responses, elements=elements, scale=scale)
    screened = _screened(responses, answers, screening.responses, factor, scale)
    channels = channel_differences(
        points, _column(responses, "channel"), _column(responses, "unit"), confidence=confidence
    )
    reliability = _stacked([first for first, _ in tables], RELIABILITY_COLUMNS)
    standing = _stacked([second for _, second in tables], STANDING_COLUMNS)
    shares = representativeness(responses, margins)
    bounds = (factor * scale[0], factor * scale[1])
    return FeedbackQuality(
        margins=shares,
        weighted=weighted_indexes(
            responses,
            elements=elements,
            margins=margins,
            population=population,
            factor=factor,
            scale=scale,
            confidence=confidence,
        ),
        mix=mix,
        mix_attributes=weights,
        reliability=reliability,
        standing=standing,
        screening=screening,
        screened=screened,
        nonresponse=nonresponse_bounds(index, population, bounds, rules, rule),
        channels=channels,
        findings=(*moved, *_findings(reliability, screening, screened, shares, channels, confidence)),
    )


def _stacked(tables: list[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(columns))


def _points(answers: Floats, scale: tuple[float, float]) -> Floats:
    """(n,) mean of the answered elements on 0-100, NaN without any."""
    there = np.isfinite(answers)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(there, answers, 0.0).sum(axis=1) / there.sum(axis=1)
    points: Floats = 100 * (mean - scale[0]) / (scale[1] - scale[0])
    return points


def _column(responses: pd.DataFrame, name: str) -> pd.Series:
    if name not in responses:
        return pd.Series(None, index=range(len(responses)), dtype=object)
    return responses[name].astype(object).reset_index(drop=True)


def _group(responses: pd.DataFrame, level: str) -> pd.Series:
    """Names of the groups of a level; a team is known within its unit only."""
    own = _column(responses, level)
    if level != "team" or "unit" not in responses:
        return own
    known = own.notna() & (own != "")
    return (_column(responses, "unit").astype(str) + " · " + own.astype(str)).where(known, None)


def _screened(
    responses: pd.DataFrame, answers: Floats, flags: pd.DataFrame, factor: float, scale: tuple[float, float]
) -> pd.DataFrame:
    """The index of the office and its units in each run; a flagged response has weight 0."""
    unit = _column(responses, "unit")
    codes, names = pd.factorize(unit.where(unit != "", None), sort=True)
    parts = []
    for run, kinds in RUNS.items():
        weight = 1.0 - flags[list(kinds)].any(axis=1).to_numpy(float) if kinds else np.ones(len(flags))
        for level, code, labels in (("office", np.zeros(len(flags), np.int64), [""]), ("unit", codes, list(names))):
            inside = (code >= 0) & (weight > 0)
            moments = group_moments(answers[inside], code[inside].astype(np.int64), len(labels))
            complete = (moments.answered > 0).all(axis=1)
            mean = np.where(complete, moments.means.mean(axis=1), np.nan)
            error = np.where(complete & (moments.variance > 0), np.sqrt(moments.variance), np.nan)
            parts.append(
                pd.DataFrame(
                    {
                        "run": run,
                        "level": level,
                        "group": labels,
                        "estimate": factor * mean,
                        "std_error": factor * error,
                        "n": moments.n,
                        "points": 100 * (mean - scale[0]) / (scale[1] - scale[0]),
                    }
                )
            )
    table = pd.concat(parts, ignore_index=True)
    first = table[table["run"] == "all"].set_index(["level", "group"])["estimate"]
    keys = pd.MultiIndex.from_frame(table[["level", "group"]])
    table["difference"] = table["estimate"].to_numpy(float) - first.reindex(keys).to_numpy(float)
    return table[list(SCREENED_COLUMNS)]


def _resting_on_flagged(screened: pd.DataFrame, confidence: float) -> list[Finding]:
    """Units whose index leaves its own interval when the answers that look filled in together have no weight."""
    keys = ["level", "group"]
    with_all = screened[screened["run"] == "all"].set_index(keys)
    without = screened[screened["run"] == "without_stuffing"].set_index(keys)["difference"].reindex(with_all.index)
    reach = float(stats.norm.ppf(0.5 + confidence / 2)) * with_all["std_error"]
    resting = without[(without.abs() > reach) & (with_all.index.get_level_values("level") == "unit")]
    if resting.empty:
        return []
    data = {
        "n": len(resting),
        "units": ", ".join(sorted(resting.index.get_level_values("group"))),
        "largest": float(resting.abs().max()),
    }
    return [Finding(level="caution", code="units_rest_on_flagged", data=data)]


def _findings(
    reliability: pd.DataFrame,
    screening: Screening,
    screened: pd.DataFrame,
    margins: pd.DataFrame,
    channels: pd.DataFrame,
    confidence: float,
) -> tuple[Finding, ...]:
    found = []
    if len(reliability):
        units = reliability[(reliability["level"] == "unit") & (reliability["target"] == LEAGUE_TABLE)]
        for row in units[units["estimate"] < LEAGUE_TABLE].to_dict("records"):
            data = {"reliability": row["estimate"], "needed": LEAGUE_TABLE}
            found.append(Finding(level="caution", code="no_league_table", data=data))
    flagged = screening.responses
    if flagged["stuffing"].any():
        office = screened[(screened["run"] == "without_stuffing") & (screened["level"] == "office")].iloc[0]
        data = {"n": int(flagged["stuffing"].sum()), "total": len(flagged), "difference": float(office["difference"])}
        found.append(Finding(level="caution", code="stuffing_suspected", data=data))
        found += _resting_on_flagged(screened, confidence)
    careless = int(flagged["careless"].sum())
    if careless:
        found.append(Finding(level="note", code="careless_suspected", data={"n": careless, "total": len(flagged)}))
    unlike = sorted(set(margins.loc[margins["p"] < 1 - confidence, "attribute"])) if len(margins) else []
    if unlike:
        data = {"n": len(unlike), "attributes": ", ".join(unlike)}
        found.append(Finding(level="caution", code="not_representative", data=data))
    apart = channels[channels["p_adjusted"] < 1 - confidence]
    if len(apart):
        names = ", ".join(apart["channel"])
        found.append(Finding(level="caution", code="channels_differ", data={"n": len(apart), "channels": names}))
    return tuple(found)
