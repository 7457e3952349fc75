"""Signs of ballot stuffing and careless answers; nothing is deleted, a second run gives flagged ones weight 0.

A content citizen gives the highest mark everywhere, so this alone is no sign. What counts is too much of it: more in
one unit and day, or in one row of arrivals, than the same office's other answers let expect. Each check controls the
chance of any false alarm over the office at `level` (Bonferroni over what it looks at).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kinerja.citizens.bursts import find_bursts
from kinerja.results import CANNOT, OK
from kinerja.results.shown import Shown

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

RESPONSE_COLUMNS = (
    "response", "unit", "date", "n_answered", "longstring", "irv", "burst", "repeated", "top_run", "regular",
    "straight_line", "erratic", "stuffing", "careless",
)  # fmt: skip
CHECK_COLUMNS = ("check", "n", "share", "expected", "status", "reason")
STUFFING = ("burst", "repeated", "top_run", "regular")
CARELESS = ("straight_line", "erratic")
FEWEST_ANSWERS = 6
"""Answers below which a questionnaire says too little of its pattern."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Screening(Shown):
    """Responses that look stuffed or careless.

    Fields
    ------
    responses : one row a response, in the order of the input: RESPONSE_COLUMNS; longstring: longest run of equal
        answers; irv: standard deviation over the answers; the other columns are flags
    checks : one row a check: how many it flags, the share, and how many false flags its rule lets expect
    bursts : unit, start, end, n, expected, p, vector_n (responses of it flagged)
    """

    responses: pd.DataFrame
    checks: pd.DataFrame
    bursts: pd.DataFrame


def screen_responses(
    responses: pd.DataFrame, *, elements: Sequence[str], scale: tuple[float, float], level: float = 0.01
) -> Screening:
    """Flag responses of one period.

    burst : the answers repeated too often inside a window of days with too many arrivals in its unit
    repeated : one pattern of answers too often in one unit and day, or in one unit and channel
    top_run : a row of highest marks in one unit and channel, longer than chance gives
    regular : arrivals at too even intervals (needs times, not only dates)
    straight_line : all answers equal, other than the highest mark, and that mark two or more below or above the unit's
        mean
    erratic : answers that contradict each other more than one in a thousand honest ones would
    """
    answers = responses.reindex(columns=list(elements)).to_numpy(float)
    unit = _words(responses, "unit")
    channel = _words(responses, "channel")
    times = _times(responses)
    day = times.dt.normalize() if times is not None else None
    pattern = patterns(answers)
    answered = np.isfinite(answers).sum(axis=1)
    lengths, spread = longstring(answers), irv(answers)
    usable = answered >= FEWEST_ANSWERS
    flags: dict[str, Flags] = {}
    bursts, flags["burst"] = find_bursts(unit, day, pattern, usable, level)
    cells = [] if day is None else [_crossed(unit, day.astype(str).to_numpy(object))]
    cells += [_crossed(unit, channel)] if "channel" in responses else []
    flags["repeated"] = repeated_patterns(pattern, cells, usable, level)
    top = usable & (np.nanmin(np.where(np.isfinite(answers), answers, np.inf), axis=1) >= scale[1])
    flags["top_run"] = top_runs(top, _crossed(unit, channel), times, responses, level)
    flags["regular"] = regular_arrivals(times, _crossed(unit, channel), level)
    flags["straight_line"] = usable & (lengths == answered) & ~top & _far_from_unit(answers, unit)
    flags["erratic"] = erratic_answers(answers, usable)
    table = pd.DataFrame({"response": _words(responses, "response"), "unit": unit})
    table["date"] = times.to_numpy() if times is not None else pd.NaT
    table["n_answered"], table["longstring"], table["irv"] = answered, lengths, spread
    for name, flag in flags.items():
        table[name] = flag
    table["stuffing"] = table[list(STUFFING)].any(axis=1)
    table["careless"] = table[list(CARELESS)].any(axis=1)
    checks = _checks(table, has_dates=day is not None, has_times=_has_times(times), level=level, n=int(usable.sum()))
    return Screening(responses=table[list(RESPONSE_COLUMNS)], checks=checks, bursts=bursts)


def longstring(answers: Floats) -> NDArray[np.int64]:
    """(n,) longest run of equal consecutive answers, missing ones left out (Johnson 2005)."""
    run = np.zeros(len(answers), np.int64)
    best = np.zeros(len(answers), np.int64)
    last = np.full(len(answers), np.nan)
    for column in answers.T:
        there = np.isfinite(column)
        run = np.where(there, np.where(column == last, run + 1, 1), run)
        last = np.where(there, column, last)
        best = np.maximum(best, run)
    return best


def irv(answers: Floats) -> Floats:
    """(n,) intra-individual response variability: SD (n - 1) over a respondent's answers (Dunn et al. 2018)."""
    there = np.isfinite(answers)
    n = there.sum(axis=1)
    filled = np.where(there, answers, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = filled.sum(axis=1) / n
        squares = (np.where(there, answers - mean[:, None], 0.0) ** 2).sum(axis=1)
        return np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)


def patterns(answers: Floats) -> NDArray[np.int64]:
    """(n,) code of the whole vector of answers, equal for equal vectors."""
    _, codes = np.unique(np.where(np.isfinite(answers), answers, -1.0), axis=0, return_inverse=True)
    return codes.ravel().astype(np.int64)


def repeated_patterns(
    pattern: NDArray[np.int64], cells: Sequence[NDArray[np.int64]], usable: Flags, level: float
) -> Flags:
    """Patterns that fill a cell more than their frequency elsewhere in the office lets expect."""
    flagged = np.zeros(len(pattern), bool)
    tests = sum(len(np.unique(np.stack([cell, pattern])[:, usable], axis=1).T) for cell in cells)
    for cell in cells:
        excess = excess_patterns(pattern, cell, usable)
        flagged |= usable & (excess * max(tests, 1) < level)
    return flagged


def excess_patterns(pattern: NDArray[np.int64], cell: NDArray[np.int64], usable: Flags) -> Floats:
    """(n,) chance of so many of the response's pattern in its cell, given the pattern's share outside the cell.

    The share outside is raised by one response and a standard error of two, so that a pattern seen nowhere else is not
    taken as impossible.
    """
    key = pattern * (cell.max() + 1) + cell if len(cell) else pattern
    _, at, inside = np.unique(key[usable], return_inverse=True, return_counts=True)
    p = np.ones(len(pattern))
    in_pattern = np.bincount(pattern[usable], minlength=int(pattern.max()) + 1 if len(pattern) else 1)[pattern[usable]]
    in_cell = np.bincount(cell[usable], minlength=int(cell.max()) + 1 if len(cell) else 1)[cell[usable]]
    k = inside[at.ravel()]
    outside = int(usable.sum()) - in_cell
    share = (in_pattern - k + 1) / (outside + 2)
    share = np.minimum(share + 2 * np.sqrt(share * (1 - share) / (outside + 2)), 1.0)
    p[usable] = stats.binom.sf(k - 1, in_cell, share)
    return p


def top_runs(
    top: Flags, cell: NDArray[np.int64], times: pd.Series | None, responses: pd.DataFrame, level: float
) -> Flags:
    """Members of rows of highest marks, in order of arrival within a cell, that chance would hardly give.

    A row of length L starts anywhere with chance (1 - p) p^L, p being the cell's own share where it is below the
    office's upper limit; the expected number over the office must stay under `level`.
    """
    flagged = np.zeros(len(top), bool)
    if times is None or not len(top):
        return flagged
    order = np.lexsort((_words(responses, "response"), times.to_numpy(), cell))
    marked, cells = top[order], cell[order]
    starts = np.flatnonzero(np.r_[True, (cells[1:] != cells[:-1]) | (marked[1:] != marked[:-1])])
    lengths = np.diff(np.r_[starts, len(top)])
    n, at = np.bincount(cell), cells[starts]
    rows = marked[starts]
    tops = np.bincount(cell, top)
    # the share of the cell's other answers: the row itself must not explain itself
    share = (tops[at] - lengths + 1) / np.maximum(n[at] - lengths + 2, 1)
    office = (top.sum() + 1) / (len(top) + 2)
    share = np.clip(np.maximum(share, office) + 0.05, 0, 0.98)
    expected = len(top) * share**lengths
    for start, length in zip(starts[rows & (expected < level)], lengths[rows & (expected < level)], strict=True):
        flagged[order[start : start + length]] = True
    return flagged


def regular_arrivals(times: pd.Series | None, cell: NDArray[np.int64], level: float, fewest: int = 8) -> Flags:
    """Arrivals of a cell and day whose gaps vary far less than those of people who come by chance.

    Gaps of random arrivals have a coefficient of variation near 1; its square times (gaps - 1) is about chi-squared.
    """
    flagged = np.zeros(len(cell), bool)
    if not _has_times(times) or times is None:
        return flagged
    frame = pd.DataFrame({"cell": cell, "day": times.dt.normalize(), "time": times.astype("int64")})
    tests = 0
    candidates = []
    enough = frame.groupby(["cell", "day"])["time"].transform("size") >= fewest
    for _, own in frame[enough].groupby(["cell", "day"], sort=True):
        tests += 1
        gaps = np.diff(np.sort(own["time"].to_numpy(float)))
        variation = gaps.std(ddof=1) / gaps.mean() if gaps.mean() > 0 else np.inf
        candidates.append((own.index.to_numpy(), stats.chi2.cdf(variation**2 * (len(gaps) - 1), len(gaps) - 1)))
    for rows, p in candidates:
        if p * tests < level:
            flagged[rows] = True
    return flagged


def erratic_answers(answers: Floats, usable: Flags, chance: float = 0.001) -> Flags:
    """Complete answers whose pattern around their own mean is further from the office's than `chance` of honest ones.

    Mahalanobis distance of the deviations from the respondent's own mean; the limit is the chi-squared quantile,
    raised to the office's own tail where answers are coarser than normal ones.
    """
    flagged = np.zeros(len(answers), bool)
    complete = np.asarray(usable & np.isfinite(answers).all(axis=1), bool)
    elements = answers.shape[1]
    if complete.sum() < 10 * elements:
        return flagged
    deviation = answers[complete] - answers[complete].mean(axis=1, keepdims=True)
    contrast = deviation[:, :-1] - deviation[:, :-1].mean(axis=0)
    covariance = np.cov(contrast, rowvar=False) + 1e-9 * np.eye(elements - 1)
    distance = np.einsum("ij,ij->i", contrast @ np.linalg.inv(covariance), contrast)
    scale = np.median(distance) / stats.chi2.median(elements - 1)
    limit = stats.chi2.ppf(1 - chance, elements - 1) * max(scale, 1.0)
    flagged[complete] = distance > limit
    return flagged


def _far_from_unit(answers: Floats, unit: NDArray[np.object_]) -> Flags:
    """Whether a respondent's mean is at least one category and two of the unit's SD from the mean of its others."""
    there = np.isfinite(answers)
    mean = np.where(there, answers, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    codes, _ = pd.factorize(unit, sort=True)
    codes = codes.astype(np.int64)
    n = np.bincount(codes)
    centre = np.bincount(codes, mean) / n
    spread = np.sqrt(np.maximum(np.bincount(codes, mean**2) / n - centre**2, 0))
    far: Flags = np.abs(mean - centre[codes]) > np.maximum(1.0, 2 * spread[codes])
    return far


def _checks(table: pd.DataFrame, *, has_dates: bool, has_times: bool, level: float, n: int) -> pd.DataFrame:
    needs = {"burst": has_dates, "repeated": True, "top_run": has_dates, "regular": has_times}
    rows = []
    for name in (*STUFFING, *CARELESS):
        possible = needs.get(name, True) and n > 0
        reason = (
            ""
            if possible
            else (
                "no_responses"
                if not n
                else ("responses_without_times" if name == "regular" else "responses_without_dates")
            )
        )
        count = int(table[name].sum())
        expected = level if name in STUFFING else np.nan
        share = count / len(table) if possible else np.nan
        rows.append((name, count, share, expected, OK if possible else CANNOT, reason))
    return pd.DataFrame(rows, columns=list(CHECK_COLUMNS))


def _words(responses: pd.DataFrame, name: str) -> NDArray[np.object_]:
    if name not in responses:
        return np.full(len(responses), "", object)
    column = responses[name].astype(object)
    return column.where(column.notna(), "").astype(str).to_numpy(object)


def _crossed(*columns: NDArray[np.object_]) -> NDArray[np.int64]:
    code = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        own, distinct = pd.factorize(column, sort=True)
        code = code * (len(distinct) + 1) + own
    return np.unique(code, return_inverse=True)[1].ravel().astype(np.int64)


def _times(responses: pd.DataFrame) -> pd.Series | None:
    if "date" not in responses or responses["date"].isna().all():
        return None
    return pd.to_datetime(responses["date"]).reset_index(drop=True)


def _has_times(times: pd.Series | None) -> bool:
    return times is not None and bool((times.dropna() != times.dropna().dt.normalize()).any())
