"""Citizens' answers to the example office: who answers, how they mark the nine elements, and what they write."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from kinerja.simulation.example.comments import draw_comments
from kinerja.simulation.example.office import QUARTERS, ExampleOffice
from kinerja.simulation.responses import ELEMENTS

RESPONSES_A_QUARTER = 1200
VALIDITY, TEAM_SD, RESPONDENT_SD, ELEMENT_SD = 0.5, 2.0, 13.0, 14.0
MEAN_POINTS = 74.0
UNIT_SHIFT = {
    "Kecamatan Andir": 0.5,
    "Kelurahan Campaka": 1.0,
    "Kelurahan Ciroyom": -2.0,
    "Kelurahan Dunguscariang": 3.0,
    "Kelurahan Garuda": 5.0,
    "Kelurahan Kebonjeruk": -5.0,
    "Kelurahan Maleber": -2.0,
}
"""What citizens think of a unit beyond its performance (a new building, a difficult neighbourhood), in points."""

ELEMENT_SHIFT = (3.0, 1.0, -5.0, 9.0, 2.0, 3.0, 4.0, -4.0, -6.0)
AGE = {"17-25": (0.17, -3.0), "26-35": (0.27, -2.0), "36-45": (0.25, 0.0), "46-55": (0.18, 2.0), "56+": (0.13, 4.0)}
"""Age group: (share of respondents, how much more favourably it marks, in points)."""

EDUCATION = {"SD": (0.10, 4.0), "SMP": (0.17, 2.0), "SMA": (0.44, 0.0), "D1-D3": (0.10, -1.5), "S1+": (0.19, -3.0)}
WORK = {"Ibu rumah tangga": 0.24, "Karyawan swasta": 0.27, "Wiraswasta": 0.24, "Pelajar/Mahasiswa": 0.10,
        "PNS/TNI/Polri": 0.05, "Lainnya": 0.10}  # fmt: skip
ONLINE_SHIFT, FEMALE_SHIFT, HARD_SERVICES_SHIFT = -3.0, 1.0, -3.0
HARD_SERVICES = ("Aduan Ketertiban", "Bantuan Sosial")
ONLINE_SHARE = {"Kecamatan Andir": 0.5, "Kelurahan Garuda": 0.15}
STRAIGHT_SHARE, BLANK_SHARE, UNTAGGED_SHARE = 0.04, 0.01, 0.06
BURST_UNIT, BURST_QUARTER, BURST_SIZE = "Kelurahan Maleber", "2026-Q3", 45
"""All-top questionnaires handed in within half an hour: what a stuffed ballot box looks like."""


def draw_responses(office: ExampleOffice, rng: np.random.Generator) -> pd.DataFrame:
    """One row an answer: date (with time), period, unit, team, service, channel, profile, elements (1-4), comment."""
    points = _service_points(office, rng)
    frames = [_quarter(period, points, rng) for period in QUARTERS]
    return pd.concat(frames, ignore_index=True)


def quarter_start(period: str) -> date:
    """The first day of "2026-Q3"."""
    year, number = period.split("-Q")
    return date(int(year), 3 * int(number) - 2, 1)


def _service_points(office: ExampleOffice, rng: np.random.Generator) -> pd.DataFrame:
    """unit, team, service, level: what an average citizen thinks of each service point (points)."""
    points = office.teams.loc[office.teams["service"] != ""].merge(office.units, on="unit")
    team_shift = rng.normal(0, TEAM_SD, len(points))
    own = VALIDITY * (points["unit_effect"] + points["team_effect"])
    return points.assign(level=MEAN_POINTS + own + points["unit"].map(UNIT_SHIFT) + team_shift).reset_index(drop=True)


def _quarter(period: str, points: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    n = RESPONSES_A_QUARTER
    at = rng.integers(0, len(points), n)
    frame = points.loc[at, ["unit", "team", "service", "level"]].reset_index(drop=True)
    frame["period"] = period
    frame["date"] = _times(period, n, rng)
    frame["age"] = rng.choice(list(AGE), n, p=[s for s, _ in AGE.values()])
    frame["sex"] = np.where(rng.random(n) < 0.54, "Perempuan", "Laki-laki")
    frame["education"] = rng.choice(list(EDUCATION), n, p=[s for s, _ in EDUCATION.values()])
    frame["work"] = rng.choice(list(WORK), n, p=list(WORK.values()))
    online = rng.random(n) < frame["unit"].map(ONLINE_SHARE).fillna(0.3)
    frame["channel"] = np.where(online, "Daring", np.where(rng.random(n) < 0.8, "Loket", "Kunjungan"))
    marks = _marks(frame, rng)
    _burst(frame, marks, rng)
    marks[rng.random(marks.shape) < BLANK_SHARE] = np.nan
    frame[list(ELEMENTS)] = marks
    frame["comment"] = draw_comments(np.nanmean(marks, axis=1), frame["service"].to_numpy(), rng)
    frame.loc[rng.random(n) < UNTAGGED_SHARE, "team"] = ""
    return frame.drop(columns="level").sort_values("date", kind="stable").reset_index(drop=True)


def _times(period: str, n: int, rng: np.random.Generator) -> list[datetime]:
    """Office hours of the quarter's working days, to the second."""
    start = quarter_start(period)
    days = [d for d in (start + timedelta(days=i) for i in range(90)) if d.weekday() < 5]
    chosen = rng.integers(0, len(days), n)
    seconds = rng.integers(8 * 3600, 15 * 3600, n)
    return [
        datetime.combine(days[d], datetime.min.time()) + timedelta(seconds=int(s))
        for d, s in zip(chosen, seconds, strict=True)
    ]


def _marks(frame: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    n = len(frame)
    mood = frame["level"].to_numpy() + rng.normal(0, RESPONDENT_SD, n)
    mood += frame["age"].map({k: s for k, (_, s) in AGE.items()}).to_numpy()
    mood += frame["education"].map({k: s for k, (_, s) in EDUCATION.items()}).to_numpy()
    mood += np.where(frame["channel"] == "Daring", ONLINE_SHIFT, 0.0)
    mood += np.where(frame["sex"] == "Perempuan", FEMALE_SHIFT, 0.0)
    mood += np.where(frame["service"].isin(HARD_SERVICES), HARD_SERVICES_SHIFT, 0.0)
    latent = mood[:, None] + np.array(ELEMENT_SHIFT) + rng.normal(0, ELEMENT_SD, (n, len(ELEMENTS)))
    marks: np.ndarray = np.clip(np.rint(latent / 100 * 3 + 1), 1, 4)
    straight = rng.random(n) < STRAIGHT_SHARE
    marks[straight] = rng.choice([3.0, 4.0], int(straight.sum()))[:, None]
    return marks


def _burst(frame: pd.DataFrame, marks: np.ndarray, rng: np.random.Generator) -> None:
    """Replace some of one unit's answers of one quarter by all-top ones of a single half hour (in place)."""
    if frame["period"].iloc[0] != BURST_QUARTER:
        return
    rows = np.flatnonzero(frame["unit"] == BURST_UNIT)[:BURST_SIZE]
    marks[rows] = 4.0
    start = datetime(2026, 9, 28, 13, 2, 0)
    times = frame["date"].to_numpy().copy()
    times[rows] = np.datetime64(start) + np.sort(rng.integers(0, 1800, len(rows))).astype("timedelta64[s]")
    frame["date"] = times
    frame.loc[rows, "channel"] = "Daring"
