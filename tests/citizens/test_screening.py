"""Stuffing and careless answers: known values of longstring and irv, planted worlds, false alarms."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from kinerja.citizens.screening import (
    CARELESS,
    STUFFING,
    irv,
    longstring,
    regular_arrivals,
    screen_responses,
    top_runs,
)
from kinerja.rules import load_rules
from kinerja.rules.lookup import elements

ELEMENTS = elements(load_rules(on=date(2026, 9, 30)))
SCALE = (1.0, 4.0)
TOP = 4.0


def _digits(*rows):
    return np.array([[float(c) for c in row] for row in rows])


def test_longstring_and_irv_known_values():
    """C11; irv with n - 1."""
    rows = _digits("333333", "123451", "112223")
    assert longstring(rows).tolist() == [6, 1, 3]
    assert irv(rows) == pytest.approx([0, 1.63299, 0.75277], abs=5e-6)


def test_missing_answers_do_not_end_a_run():
    rows = _digits("3333", "1234")
    rows[0, 1] = np.nan
    assert longstring(rows).tolist() == [3, 1]
    assert irv(rows)[0] == 0
    assert np.isnan(irv(np.full((1, 4), np.nan)))[0]


def _honest(seed, n=1200, units=7, mean=3.1):
    """A quarter of an office: moods, days with weekday profile and chance, three channels; nobody cheats."""
    rng = np.random.default_rng(seed)
    unit = rng.choice(units, n, p=rng.dirichlet(np.full(units, 8)))
    mood = rng.normal(mean, 0.55, n) + rng.normal(0, 0.12, units)[unit]
    answers = np.clip(np.rint(mood[:, None] + rng.normal(0, 0.2, 9) + rng.normal(0, 0.45, (n, 9))), 1, 4)
    days = pd.date_range("2026-07-01", periods=90)
    weight = np.array([1.4, 1, 1, 1, 1.2, 0, 0])[[d.weekday() for d in days]] * rng.gamma(8, 1 / 8, 90)
    frame = pd.DataFrame(answers, columns=list(ELEMENTS))
    return frame.assign(
        unit=[f"u{k}" for k in unit],
        date=days[rng.choice(90, n, p=weight / weight.sum())],
        channel=rng.choice(["kertas", "qr", "wa"], n),
        response=[f"r{k:05d}" for k in rng.permutation(n)],
        planted=False,
    )


def _plant(frame, seed, kind, share):
    rng = np.random.default_rng(seed + 10_000)
    k = int(len(frame) * share)
    extra = frame.sample(k, random_state=seed).assign(response=[f"x{i:04d}" for i in range(k)], planted=True)
    answers = {
        "day": np.full((k, 9), TOP),
        "spread": np.clip(np.rint(rng.normal(3.8, 0.3, (k, 9))), 1, 4),
        "random": rng.integers(1, 5, (k, 9)).astype(float),
    }[kind]
    extra[list(ELEMENTS)] = answers
    if kind == "day":
        extra = extra.assign(unit="u1", date=frame["date"].mode()[0], channel="qr")
    if kind == "spread":
        extra = extra.assign(unit="u1")
    return pd.concat([frame, extra], ignore_index=True)


def _screen(frame):
    return screen_responses(frame, elements=ELEMENTS, scale=SCALE)


def test_an_honest_office_raises_no_alarm():
    """20 honest quarters: no response is suspected of stuffing; careless flags stay under five in a thousand."""
    flagged = [_screen(_honest(seed)).responses for seed in range(20)]
    assert sum(f["stuffing"].sum() for f in flagged) == 0
    assert np.mean([f["careless"].mean() for f in flagged]) < 0.005


def test_a_very_content_office_is_not_suspected_for_its_content():
    """A third of the answers are the highest throughout, spread over the days as everybody's."""
    flagged = [_screen(_honest(seed, mean=3.75)).responses for seed in range(10)]
    assert np.mean([f["stuffing"].mean() for f in flagged]) < 0.002


@pytest.mark.parametrize("share", [0.10, 0.03])
def test_ballots_of_one_day_are_found(share):
    found, false = [], []
    for seed in range(8):
        frame = _plant(_honest(seed), seed, "day", share)
        screening = _screen(frame)
        stuffed = screening.responses["stuffing"].to_numpy()
        planted = frame["planted"].to_numpy()
        found.append(stuffed[planted].mean())
        false.append(stuffed[~planted].mean())
        assert "u1" in set(screening.bursts["unit"])
    assert np.mean(found) > 0.95
    assert np.mean(false) < 0.01  # honest ballots of the same pattern in the same unit and channel


def test_two_in_a_hundred_spread_with_care_are_not_found_and_nobody_else_is_accused():
    frame = _plant(_honest(3), 3, "spread", 0.02)
    stuffed = _screen(frame).responses["stuffing"].to_numpy()
    assert stuffed[~frame["planted"].to_numpy()].mean() < 0.002


def test_random_answers_are_erratic():
    frame = _plant(_honest(4), 4, "random", 0.05)
    careless = _screen(frame).responses["careless"].to_numpy()
    planted = frame["planted"].to_numpy()
    assert careless[planted].mean() > 0.6
    assert careless[~planted].mean() < 0.005


def test_an_honest_rush_is_listed_and_accuses_nobody():
    """A market day: five times the visitors, with answers as varied as ever."""
    frame = _honest(5)
    extra = _honest(6, n=120).assign(unit="u2", date=frame["date"].mode()[0], response=[f"y{k}" for k in range(120)])
    screening = _screen(pd.concat([frame, extra], ignore_index=True))
    assert "u2" in set(screening.bursts["unit"])
    assert screening.responses["burst"].mean() < 0.005


def test_a_row_of_highest_marks_in_one_channel_is_seen():
    top = np.zeros(200, bool)
    top[50:80] = True
    times = pd.Series(pd.date_range("2026-07-01", periods=200, freq="h"))
    responses = pd.DataFrame({"response": [f"r{k:03d}" for k in range(200)]})
    flagged = top_runs(top, np.zeros(200, np.int64), times, responses, 0.01)
    assert flagged.tolist() == top.tolist()


def test_arrivals_like_clockwork_are_seen_and_random_ones_are_not():
    start = pd.Timestamp("2026-07-01 08:00")
    even = pd.Series([start + pd.Timedelta(seconds=60 * k + (k % 3)) for k in range(30)])
    assert regular_arrivals(even, np.zeros(30, np.int64), 0.01).all()
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(50):
        seconds = np.sort(rng.uniform(0, 8 * 3600, 30))
        times = pd.Series([start + pd.Timedelta(seconds=float(s)) for s in seconds])
        false += regular_arrivals(times, np.zeros(30, np.int64), 0.01).any()
    assert false <= 3


def test_what_the_data_do_not_hold_cannot_be_checked():
    checks = _screen(_honest(8, n=300).drop(columns=["date", "channel"])).checks.set_index("check")
    assert checks.loc["burst", "reason"] == "responses_without_dates"
    assert checks.loc["regular", "reason"] == "responses_without_times"
    assert np.isnan(checks.loc["burst", "share"])


def test_row_order_is_irrelevant_and_nothing_is_deleted():
    frame = _plant(_honest(9), 9, "day", 0.05)
    order = np.random.default_rng(1).permutation(len(frame))
    first = _screen(frame).responses.set_index("response")
    again = _screen(frame.iloc[order].reset_index(drop=True)).responses.set_index("response")
    assert len(first) == len(frame)
    flags = [*STUFFING, *CARELESS]
    pd.testing.assert_frame_equal(first[flags].sort_index(), again[flags].sort_index())
