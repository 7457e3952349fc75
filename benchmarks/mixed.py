"""Speed of the crossed random-effects model beside its peers: lme4 where Rscript has it, statsmodels on what it can do.

    OPENBLAS_NUM_THREADS=1 python -m benchmarks.mixed

Cases: InstEval (73,421 rows; ../shared/data, skipped where absent) and simulated offices of 10,000 to 1,000,000
ratings. Each fit runs in this process after a warm-up on a small case; wall and CPU seconds of fitting only.
"""

from __future__ import annotations

import shutil
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import write
from kinerja.raters.mixed import fit_mixed

SHARED = Path(__file__).parents[2] / "shared" / "data"
COLUMNS = ("case", "tool", "version", "n", "seconds", "cpu_seconds", "peak_mb", "criterion", "source")
INSTEVAL = "InstEval: y ~ service + (1|s) + (1|d) + (1|dept:service), REML"

# Measured while this was written, 2 shared cores, R 4.2.2 of Debian 12, lme4 1.1-31, median of two fits, CPU seconds
QUOTED = (
    (
        INSTEVAL,
        "lme4 (OpenBLAS 0.3.21, 1 thread)",
        "1.1-31",
        73_421,
        np.nan,
        6.4,
        np.nan,
        237661.5,
        "measured once, Debian 12",
    ),
    (INSTEVAL, "lme4 (reference BLAS)", "1.1-31", 73_421, np.nan, 22.0, np.nan, 237661.5, "measured, Debian 12"),
)
R_SCRIPT = """
suppressMessages(library(lme4))
seconds <- system.time(m <- lmer(y ~ service + (1|s) + (1|d) + (1|dept:service), InstEval))
cat(as.character(packageVersion("lme4")), seconds[["elapsed"]], sum(seconds[1:2]), REMLcrit(m))
"""


def run(sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)) -> pd.DataFrame:
    """One row a case and tool; `source` says `run here` or where a figure was taken from."""
    fit_mixed(simulated(1_000), intervals="wald")
    rows = [*_insteval(), *(_office(size) for size in sizes), *_statsmodels()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def simulated(n: int, seed: int = 1) -> pd.DataFrame:
    """Sparse double rating: 14 ratings a ratee (two raters, seven items), twelve ratees a rater."""
    rng = np.random.default_rng(seed)
    ratees = n // 14
    raters = max(2, ratees // 12)
    pairs = np.array([(i, j) for i in range(ratees) for j in rng.choice(raters, 2, replace=False)])
    quality, severity, difficulty = rng.normal(0, 1, ratees), rng.normal(0, 0.5, raters), rng.normal(0, 0.4, 7)
    ratee, rater, item = np.repeat(pairs[:, 0], 7), np.repeat(pairs[:, 1], 7), np.tile(np.arange(7), len(pairs))
    rating = 3 + quality[ratee] - severity[rater] - difficulty[item] + rng.normal(0, 0.8, len(ratee))
    columns = {"ratee": ratee.astype(str), "rater": rater.astype(str), "item": item.astype(str), "rating": rating}
    return pd.DataFrame(columns)


def _measure(case: str, tool: str, tool_version: str, n: int, fit: Callable[[], float]) -> tuple[Any, ...]:
    wall, cpu = time.perf_counter(), time.process_time()
    criterion = fit()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    tracemalloc.start()
    fit()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return (case, tool, tool_version, n, wall, cpu, peak, criterion, "run here")


def _insteval() -> list[tuple[Any, ...]]:
    path = SHARED / "lme4_insteval.csv"
    if not path.exists():
        return list(QUOTED)
    data = pd.read_csv(path, dtype=dict.fromkeys(["s", "d", "dept", "service"], str))
    model = {"response": "y", "fixed": ("service",), "random": ("s", "d", "dept:service"), "intervals": "wald"}
    ours = _measure(INSTEVAL, "kinerja", version("kinerja"), len(data), lambda: fit_mixed(data, **model).criterion)
    return [ours, *(_lme4() or QUOTED)]


def _lme4() -> list[tuple[Any, ...]]:
    """lme4 by Rscript; nothing where R or lme4 is not installed."""
    if shutil.which("Rscript") is None:
        return []
    done = subprocess.run(["Rscript", "-e", R_SCRIPT], capture_output=True, text=True, check=False)
    parts = done.stdout.split()
    if done.returncode != 0 or len(parts) != 4:
        return []
    wall, cpu, criterion = map(float, parts[1:])
    return [(INSTEVAL, "lme4", parts[0], 73_421, wall, cpu, np.nan, criterion, "run here")]


def _office(size: int) -> tuple[Any, ...]:
    data = simulated(size)
    case = f"office, {size:,} ratings: ratee + rater + item, REML"
    return _measure(case, "kinerja", version("kinerja"), len(data), lambda: fit_mixed(data, intervals="wald").criterion)


def _statsmodels() -> list[tuple[Any, ...]]:
    """MixedLM treats crossed factors as variance components of one group: dense, so 1,000 ratings only."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    data = simulated(1_000)
    case = "office, 1,000 ratings: ratee + rater + item, REML"
    parts = {name: f"0 + C({name})" for name in ("ratee", "rater", "item")}

    def fit() -> float:
        model = MixedLM.from_formula("rating ~ 1", groups=np.ones(len(data)), vc_formula=parts, data=data)
        return float(-2 * model.fit(reml=True).llf)

    return [
        _measure(case, "kinerja", version("kinerja"), len(data), lambda: fit_mixed(data, intervals="wald").criterion),
        _measure(case, "statsmodels MixedLM", version("statsmodels"), len(data), fit),
    ]


if __name__ == "__main__":
    found = run()
    write(found, "mixed")
    print(found.to_string(index=False))
