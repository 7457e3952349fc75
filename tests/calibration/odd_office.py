"""An office that breaks every shape the calibration model assumes, with known truth.

Team sizes follow a power law, true performance and errors have heavy tails, some teams are far more mixed than others,
severity is skewed (most supervisors alike, some very mild), citizens' answers pile up at the top with a long tail
below. Ratings are points already and feedback comes as service points: nothing is shared with kinerja.simulation or
tests/calibration/office.py, whose offices are normal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kinerja.calibration import Calibration, calibrate

LEVEL = 0.90
"""Of the intervals whose coverage is looked at."""


@dataclass(frozen=True)
class OddOffice:
    """severity : SD of points that supervisors add; phi, kappa : how far citizens and attainment follow performance;
    stuffed : points added to the answers of every tenth unit; moved : share of teams whose supervisor changes;
    second : share of people rated a second time"""

    units: int = 120
    teams: int = 400
    periods: int = 2
    severity: float = 5.0
    phi: float | None = 0.6
    kappa: float | None = 0.5
    stuffed: float = 0.0
    moved: float = 0.0
    second: float = 0.0


def heavy(rng: np.random.Generator, sd: float, size: int | tuple[int, ...]) -> np.ndarray:
    """Student's t with 3 degrees of freedom, scaled."""
    return sd * rng.standard_t(3, size) / np.sqrt(3)


def draw(office: OddOffice, seed: int) -> dict[str, pd.DataFrame]:
    """staff, ratings (points), points (service points), indicators, truth (period, ratee, true, stuffed)."""
    rng, cheat = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    K, U = office.teams, office.units
    unit = np.r_[np.arange(U), rng.integers(0, U, K - U)]
    size = np.minimum(2 + np.floor(3 * rng.pareto(1.3, K)), 60).astype(int)
    team = np.repeat(np.arange(K), size)
    N = len(team)
    true_team = heavy(rng, 3.5, U)[unit] + heavy(rng, 3.0, K)
    mild = rng.gamma(0.5, 1.0, K)
    effect = office.severity * (mild - mild.mean()) / np.sqrt(0.5)  # skewness 2.8
    mixed = np.exp(rng.normal(0, 0.5, K))[team]
    person = heavy(rng, 6.0, N) * mixed
    halo = heavy(rng, 3.0, N)
    found_f = heavy(rng, 2.5, U)[unit] + heavy(rng, 2.0, K)
    found_x = heavy(rng, 3.0, U)[unit] + heavy(rng, 3.0, K)
    boss = np.arange(K)
    stuffed = np.isin(unit, cheat.choice(U, U // 10, replace=False))
    ids = {"ratee": np.array([f"n{i}" for i in range(N)]), "unit": np.array([f"u{i}" for i in range(U)]),
           "team": np.array([f"t{i}" for i in range(K)]), "rater": np.array([f"s{i}" for i in range(K)])}  # fmt: skip
    frames: dict[str, list[pd.DataFrame]] = {k: [] for k in ("staff", "ratings", "points", "indicators", "truth")}
    for q in range(office.periods):
        period = f"2026-Q{q + 1}"
        if q and office.moved:
            who = rng.choice(K, round(office.moved * K), replace=False)
            boss = boss.copy()
            boss[who] = boss[np.roll(who, 1)]
        true = 60 + true_team[team] + person + heavy(rng, 2.0, N)
        seen = true + effect[boss][team] + halo + heavy(rng, 4.0, N) * mixed
        base = {"period": period, "ratee": ids["ratee"], "unit": ids["unit"][unit][team], "team": ids["team"][team]}
        frames["staff"].append(pd.DataFrame(base | {"supervisor": ids["rater"][boss][team]}))
        rated = [pd.DataFrame({"period": period, "ratee": ids["ratee"], "rater": ids["rater"][boss][team],
                               "role": "supervisor", "rating": seen})]  # fmt: skip
        if office.second:
            who = rng.choice(N, round(office.second * N), replace=False)
            other = rng.integers(0, K, len(who))
            again = true[who] + effect[other] + heavy(rng, 3.0, len(who)) + heavy(rng, 4.0, len(who)) * mixed[who]
            second = {"ratee": ids["ratee"][who], "rater": ids["rater"][other], "rating": again}
            rated.append(pd.DataFrame({"period": period, "role": "second_supervisor"} | second))
        frames["ratings"].append(pd.concat(rated))
        frames["truth"].append(pd.DataFrame(base | {"true": true, "stuffed": stuffed[team]}))
        if office.kappa is not None:
            x = 70 + office.kappa * true_team[team] + found_x[team] + heavy(rng, 8.0, N)
            frames["indicators"].append(pd.DataFrame({"period": period, "ratee": ids["ratee"], "points": x}))
        if office.phi is not None:
            n = 1 + rng.poisson(rng.gamma(1.0, 25.0, K))
            spread = 14.0
            mean = np.array([spread * (1 - rng.exponential(1.0, k)).mean() for k in n])  # a long tail below
            level = 78 + office.phi * true_team + found_f + office.stuffed * stuffed
            frames["points"].append(
                pd.DataFrame({"period": period, "unit": ids["unit"][unit], "team": ids["team"],
                              "estimate": level + mean, "std_error": spread / np.sqrt(n), "n": n})
            )  # fmt: skip
    return {k: pd.concat(v, ignore_index=True) if v else pd.DataFrame() for k, v in frames.items()}


def run(office: OddOffice, seed: int) -> tuple[Calibration, pd.DataFrame]:
    """The calibration, and its persons with truth moved to the ratings' mean."""
    data = draw(office, seed)
    found = calibrate(
        data["ratings"], data["staff"], feedback=data["points"] if len(data["points"]) else None,
        indicators=data["indicators"] if len(data["indicators"]) else None, confidence=LEVEL,
    )  # fmt: skip
    table = found.persons.merge(data["truth"][["period", "ratee", "true", "stuffed"]], on=["period", "ratee"])
    return found, table.assign(true=table["true"] + table["observed"].mean() - table["true"].mean())
