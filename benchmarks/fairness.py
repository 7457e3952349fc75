"""Speed of the fairness checks and of citizens' feedback at three sizes of office, up to a city.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.fairness

Invented offices: teams of eight under one supervisor, four teams a unit, two group attributes, five responses a
person with channels and times, a comment in one of five; comments are read against the name of every member of staff.
Each part is one call after a small warm-up; `met` goes by processor seconds, which are those of a quiet machine,
against a target of three a part.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import write
from kinerja.citizens import estimate_citizens
from kinerja.citizens.case_mix import adjust_case_mix
from kinerja.citizens.comments import summarise_comments
from kinerja.fairness import check_fairness
from kinerja.rules import load_rules
from kinerja.rules.lookup import elements

RULES = load_rules(on=date(2026, 9, 30))
ELEMENTS = elements(RULES)
SIZES = (140, 1_200, 12_000)
RESPONSES = 5
"""Responses a member of staff: 60,000 for a city of 12,000."""
TARGET = 3.0
COLUMNS = (
    "part", "staff", "responses", "version", "seconds", "cpu_seconds", "peak_mb", "target_seconds", "met",
)  # fmt: skip
ATTRIBUTES = ("age", "sex", "channel")
COMMENTS = (
    "Petugas ramah, selesai {} menit",
    "Antrean {} orang, ruang sempit",
    "Biaya jelas",
    "Hubungi 0812-0000-{:04d}",
)


def run(sizes: tuple[int, ...] = SIZES) -> pd.DataFrame:
    """One row a part and size."""
    _parts(sizes[0])
    return pd.DataFrame([row for size in sizes for row in _parts(size)], columns=list(COLUMNS))


def office(size: int, seed: int = 1, team: int = 8) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Scores, staff and ratings of `size` people in teams of `team`; supervisors are on the staff list."""
    rng = np.random.default_rng(seed)
    supervisor = np.arange(size) // team
    unit = supervisor // 4
    rating = 75 + rng.normal(0, 4, supervisor.max() + 1)[supervisor] + rng.normal(0, 6, size)
    ids = np.array([f"r{i:05d}" for i in range(size)])
    heads = np.array([f"s{j:04d}" for j in range(supervisor.max() + 1)])
    staff = pd.DataFrame(
        {"ratee": ids, "unit": [f"u{u:03d}" for u in unit], "supervisor": heads[supervisor],
         "grade": rng.choice(["II", "III", "IV"], size), "gender": rng.choice(["L", "P"], size),
         "generation": rng.choice(["X", "Y", "Z"], size, p=[0.35, 0.45, 0.2])}
    )  # fmt: skip
    calibrated = rating - rng.normal(0, 2, len(heads))[supervisor]
    scores = staff[["ratee", "unit", "supervisor"]].assign(
        observed=rating, feedback=rng.normal(76, 4, size), calibrated=calibrated, attainment=rng.normal(98, 6, size),
        predikat=_predikat(rating), predikat_calibrated=_predikat(calibrated),
    )  # fmt: skip
    own = pd.DataFrame(
        {"ratee": heads, "unit": [f"u{j // 4:03d}" for j in range(len(heads))],
         "gender": rng.choice(["L", "P"], len(heads)), "generation": rng.choice(["X", "Y"], len(heads))}
    )  # fmt: skip
    who = np.repeat(np.arange(size), 7)
    ratings = pd.DataFrame(
        {"period": "2026-Q3", "ratee": ids[who], "rater": heads[supervisor[who]], "role": "supervisor",
         "item": np.tile([f"i{k}" for k in range(7)], size),
         "rating": np.clip(np.rint((rating[who] - 75) / 6 + 3.2 + rng.normal(0, 0.6, len(who))), 1, 5),
         "date": pd.Timestamp("2026-09-01") + pd.to_timedelta(rng.integers(0, 30, size)[who], unit="D")}
    )  # fmt: skip
    return scores, pd.concat([staff, own], ignore_index=True), ratings


def survey(size: int, seed: int = 2) -> pd.DataFrame:
    """`size` questionnaires of a quarter over units as many as `office` has for them."""
    rng = np.random.default_rng(seed)
    units = max(2, size // RESPONSES // 32)
    unit = rng.integers(0, units, size)
    mood = rng.normal(3.2, 0.5, size) + rng.normal(0, 0.1, units)[unit]
    marks = np.clip(np.rint(mood[:, None] + rng.normal(0, 0.5, (size, len(ELEMENTS)))), 1, 4)
    said, numbers = rng.random(size) < 0.2, rng.integers(0, 9999, size)
    chosen = rng.integers(0, len(COMMENTS), size)
    comments = pd.Series([COMMENTS[k].format(n) for k, n in zip(chosen, numbers, strict=True)]).where(said)
    start = pd.Timestamp("2026-07-01")
    moment = start + pd.to_timedelta(rng.integers(0, 90, size), unit="D")
    return pd.DataFrame(marks, columns=list(ELEMENTS)).assign(
        period="2026-Q3", unit=[f"u{u:03d}" for u in unit], service=rng.choice([f"l{k}" for k in range(12)], size),
        team=[f"t{k}" for k in rng.integers(0, 4, size)], channel=rng.choice(["loket", "daring", "qr"], size),
        age=rng.choice(["17-25", "26-35", "36-45", "46+"], size), sex=rng.choice(["L", "P"], size),
        date=moment + pd.to_timedelta(rng.integers(8 * 3600, 15 * 3600, size), unit="s"),
        response=[f"x{k:06d}" for k in range(size)],
        comment=comments,
    )  # fmt: skip


def _predikat(points: np.ndarray) -> np.ndarray:
    return np.where(points > 84, "sangat_baik", np.where(points > 65, "baik", "butuh_perbaikan"))


def _parts(size: int) -> list[tuple[Any, ...]]:
    scores, staff, ratings = office(size)
    responses = survey(size * RESPONSES)
    silent = responses.drop(columns="comment")
    names = [f"Nama {i:05d} Contoh" for i in range(size)]
    served = {str(unit): int(n) * 4 for unit, n in responses["unit"].value_counts().items()}
    margins = {"sex": {"L": 0.5, "P": 0.5}}
    parts: dict[str, Callable[[], object]] = {
        "check_fairness": lambda: check_fairness(scores, staff, groups=["gender", "generation"], ratings=ratings),
        "estimate_citizens": lambda: estimate_citizens(
            silent, rules=RULES, period="2026-Q3", attributes=ATTRIBUTES, population=served, margins=margins
        ),
        "summarise_comments": lambda: summarise_comments(responses, names=names),
        "adjust_case_mix": lambda: adjust_case_mix(responses, attributes=ATTRIBUTES),
    }  # fmt: skip
    return [_measure(name, size, call) for name, call in parts.items()]


def _measure(part: str, size: int, call: Callable[[], object]) -> tuple[Any, ...]:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return part, size, size * RESPONSES, version("kinerja"), wall, cpu, peak, TARGET, cpu <= TARGET


if __name__ == "__main__":
    found = run()
    write(found, "fairness")
    print(found.to_string(index=False))
    raise SystemExit(int(not found["met"].all()))
