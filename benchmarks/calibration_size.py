"""Time and memory of the calibration from a city to the whole country (4.7 million staff, 500,000 supervisors).

    python -m benchmarks.calibration_size [staff ...]

The method's city (scenarios C01, nested, and C05, where supervisors change places): 300 units, 900 supervisors, 12,000
people in four quarters, seven ratings each, 60,000 answers a quarter, case mix included; the best of seven runs, since
so short a run is easily disturbed. Larger offices: three supervisors a unit and nine or ten
people a supervisor; one rating a person (points), attainment of each person, citizens' means by team; with "moved" two
periods and 5 % of teams with a new supervisor. Each has a process of its own; `peak_mb` includes Python and the data
(`data_mb`). `met` goes by processor seconds, with one thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import write
from kinerja.calibration import Calibration, calibrate
from kinerja.simulation import simulate_office
from kinerja.simulation.benchmark import ATTRIBUTES
from kinerja.simulation.scenarios import SCENARIOS

CITY, NATION = 12_000, 4_700_000
CITIES = {"nested": "C01", "moved": "C05"}
BEST_OF = 7
SIZES = ((CITY, "nested"), (CITY, "moved"), (470_000, "nested"), (NATION, "nested"), (NATION, "moved"))
TARGETS = {(CITY, "nested"): (0.3, np.nan), (NATION, "nested"): (60.0, 4096.0)}
STAFF_A_SUPERVISOR, SUPERVISORS_A_UNIT = 9.4, 3


def simulate(staff: int, design: str, seed: int = 1) -> dict[str, pd.DataFrame]:
    """ratings, staff, feedback and indicators as `calibrate` takes them; variances of the method's city."""
    rng = np.random.default_rng(seed)
    teams = max(round(staff / STAFF_A_SUPERVISOR), 25)
    units = max(teams // SUPERVISORS_A_UNIT, 8)
    unit, team = np.sort(rng.integers(0, units, teams)), np.sort(rng.integers(0, teams, staff))
    true = rng.normal(0, 3.5, units)[unit] + rng.normal(0, 2.5, teams)
    added, culture = rng.normal(0, 4.5, teams), rng.normal(0, 1.5, units)[unit]
    citizens = rng.normal(0, 2.2, units)[unit] + rng.normal(0, 2.0, teams)
    work = rng.normal(0, 3.0, units)[unit] + rng.normal(0, 3.0, teams)
    person, boss, ratee = rng.normal(0, 7.0, staff), np.arange(teams), np.arange(staff)
    periods = 2 if design == "moved" else 1
    answers = max(round(5_000_000 / NATION * staff / teams / periods), 1)
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in ("ratings", "staff", "feedback", "indicators")}
    for quarter in range(periods):
        if quarter:
            who = rng.choice(teams, round(0.05 * teams), replace=False)
            boss = boss.copy()
            boss[who] = boss[np.roll(who, 1)]
        period = pd.Categorical.from_codes(np.full(staff, quarter), categories=["2026-Q1", "2026-Q2"])
        seen = 60 + (true + added[boss] + culture)[team] + person + rng.normal(0, 6.3, staff)
        parts["ratings"].append(pd.DataFrame({"period": period, "ratee": ratee, "rater": boss[team], "rating": seen}))
        parts["staff"].append(
            pd.DataFrame({"period": period, "ratee": ratee, "unit": unit[team], "team": team, "supervisor": boss[team]})
        )
        points = 70 + (0.6 * true + work)[team] + rng.normal(0, 9.4, staff)
        parts["indicators"].append(pd.DataFrame({"period": period, "ratee": ratee, "points": points}))
        error = 13 / np.sqrt(answers)
        mean = 78 + 0.5 * true + citizens + rng.normal(0, error, teams)
        parts["feedback"].append(
            pd.DataFrame({"period": f"2026-Q{quarter + 1}", "unit": unit, "team": np.arange(teams), "estimate": mean,
                          "std_error": error, "n": answers})
        )  # fmt: skip
    return {name: pd.concat(frames, ignore_index=True) for name, frames in parts.items()}


def city(staff: int, design: str) -> dict[str, pd.DataFrame]:
    """The method's city, or a smaller one like it."""
    whole = SCENARIOS[CITIES[design]]
    units = max(whole.units * staff // whole.staff, 8)
    office = simulate_office(replace(whole, staff=staff, units=units, supervisors=3 * units,
                                     responses=whole.responses * staff // whole.staff), seed=1)  # fmt: skip
    return {"ratings": office.ratings, "staff": office.staff, "feedback": office.responses,
            "indicators": office.indicators}  # fmt: skip


def run(data: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Calibration:
    """What is timed: everything after reading."""
    return calibrate(data["ratings"], data["staff"], feedback=data["feedback"], indicators=data["indicators"],
                     **settings)  # fmt: skip


def measure(staff: int, design: str) -> dict[str, object]:
    """One calibration, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.calibration_size", "--one", str(staff), design]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], env=environment, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    seconds, megabytes = TARGETS.get((staff, design), (np.nan, np.nan))
    missed = found["cpu_seconds"] > seconds or found["peak_mb"] > megabytes
    met = "" if np.isnan(seconds) else str(not missed)
    return found | {"target_seconds": seconds, "target_mb": megabytes, "met": met}


def one(staff: int, design: str) -> dict[str, object]:
    """What the child process prints: after a small calibration, so that imports do not count."""
    import resource

    settings: dict[str, Any] = {"period": "2026-Q2" if design == "moved" else "2026-Q1"}
    make = simulate
    if staff == CITY:
        settings = {"scale": (1.0, 5.0), "attributes": ATTRIBUTES, "groups": ("group",)}
        make = city
    run(make(1_000, design), settings)
    data = make(staff, design)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    wall = cpu = np.inf
    for _ in range(BEST_OF if staff == CITY else 1):
        start, used = time.perf_counter(), time.process_time()
        found = run(data, settings)
        wall, cpu = min(wall, time.perf_counter() - start), min(cpu, time.process_time() - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {
        "staff": staff, "supervisors": int(data["staff"]["supervisor"].nunique()), "design": design, "seconds": wall,
        "cpu_seconds": cpu, "data_mb": before, "peak_mb": peak, "evidence_team": found.evidence_team,
        "converged": found.convergence.converged, "iterations": found.convergence.iterations,
    }  # fmt: skip


def main(arguments: list[str]) -> int:
    """Print and write the table; 1 where a target was missed."""
    if arguments[:1] == ["--one"]:
        print(json.dumps(one(int(arguments[1]), arguments[2])))
        return 0
    wanted = set(map(int, arguments)) or {staff for staff, _ in SIZES}
    table = pd.DataFrame([measure(*size) for size in SIZES if size[0] in wanted])
    write(table, "calibration_size")
    print(table.to_string(index=False))
    return int((table["met"] == "False").any())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
