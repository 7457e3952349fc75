"""Three or five categories: are linear category scores good enough, or do normal scores (an ordered-probit link with
common thresholds) calibrate better? Writes calibration_ordinal.csv.

    python benchmarks/calibration_ordinal.py            4 offices of each cut (100 units, 4,000 staff, 4 quarters)

Each office's five categories are also merged into three in several ways. Scores of a category: linear (0, 50, 100), or
the mean of a standard normal between the category's thresholds (shares over the office), stretched to 0 and 100.
Error: RMSE around the truth brought to the score's own scale by a straight line, divided by that of the raw score;
coverage: of intervals at the benchmark's own level (90 %) around the same; correlation: of calibrated scores with true
performance.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd
from scipy import stats

from kinerja.calibration import calibrate
from kinerja.simulation.benchmark import BENCHMARK_LEVEL
from tests.calibration.office import CITY, simulate

OFFICE = replace(CITY, units=100, supervisors=300, staff=4_000, responses=20_000)
CUTS = {
    "five": (1, 2, 3, 4, 5),
    "three_balanced": (1, 1, 2, 3, 3),
    "three_high": (1, 1, 1, 2, 3),
    "three_ends_rare": (1, 2, 2, 2, 3),
}
SCORINGS = ("linear", "normal")


def points(category: np.ndarray, scoring: str) -> np.ndarray:
    """(n,) categories 1..K -> points, lowest 0 and highest 100."""
    k = int(category.max())
    if scoring == "linear":
        score = np.arange(k, dtype=float)
    else:
        share = np.bincount(category - 1, minlength=k) / len(category)
        cut = stats.norm.ppf(np.concatenate([[0.0], np.cumsum(share)[:-1], [1.0]]))
        score = -np.diff(stats.norm.pdf(cut)) / share
    return np.asarray(100 * (score - score[0]) / (score[-1] - score[0]))[category - 1]


def measure(data: dict[str, pd.DataFrame], cut: str, scoring: str) -> dict[str, float]:
    category = np.array(CUTS[cut])[data["ratings"]["rating"].to_numpy(int) - 1]
    ratings = data["ratings"].assign(rating=points(category, scoring))
    found = calibrate(
        ratings,
        data["staff"],
        indicators=data["indicators"],
        feedback=data["responses"],
        attributes=("education",),
        scale=(0.0, 100.0),
        confidence=BENCHMARK_LEVEL,
    )
    persons = found.persons
    truth = data["truth"].set_index(["period", "ratee"]).loc[pd.MultiIndex.from_frame(persons[["period", "ratee"]])]
    true, effect = truth["true"].to_numpy(), truth["effect"].to_numpy()
    # true performance and the rating effect together explain the raw score: the slope of the first is the score's scale
    slope = np.linalg.lstsq(np.column_stack([np.ones(len(true)), true, effect]), persons["observed"], rcond=None)[0][1]
    raw, after = (persons[c].to_numpy() - slope * true for c in ("observed", "calibrated"))
    raw, after = raw - raw.mean(), after - after.mean()
    return {
        "largest_share": float(np.bincount(category).max() / len(category)),
        "evidence_team": found.evidence_team,
        "error_ratio": float(np.sqrt(np.mean(after**2) / np.mean(raw**2))),
        "coverage": float(np.mean(np.abs(after) <= persons["conf_high"] - persons["calibrated"])),
        "correlation_raw": float(np.corrcoef(persons["observed"], true)[0, 1]),
        "correlation": float(np.corrcoef(persons["calibrated"], true)[0, 1]),
        "rank_correlation": float(stats.spearmanr(persons["calibrated"], true)[0]),
    }


def main() -> int:
    rows = []
    for seed in range(1, 5):
        data = simulate(OFFICE, seed)
        for cut in CUTS:
            rows += [{"cut": cut, "scoring": s, "seed": seed, **measure(data, cut, s)} for s in SCORINGS]
    table = pd.DataFrame(rows).drop(columns="seed").groupby(["cut", "scoring"], sort=True).mean().reset_index()
    print(table.round(3).to_string(index=False))
    path = Path(__file__).parent / "results" / "calibration_ordinal.csv"
    text = table.round(4).to_csv(index=False, lineterminator="\n")
    path.write_text(f"# python benchmarks/calibration_ordinal.py\n{text}", encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
