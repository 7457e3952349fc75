"""Every way of adjusting ratings, side by side on simulated offices; writes tables to benchmarks/results.

    python benchmarks/calibration.py                            all scenarios, 20 cities or 200 sub-districts each
    python benchmarks/calibration.py --scenarios C01,S1 --replications 4
    python benchmarks/calibration.py --merge a.csv b.csv        one table from replications run in parts

Writes calibration_summary.csv (one row a scenario and method), calibration_targets.csv (limits of the method page and
what was reached), calibration_figure.csv (one mark a row) and calibration_replications.csv; the command is their first
line. One thread takes about 40 minutes for everything; OPENBLAS_NUM_THREADS=1 is set so that timings compare.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pandas as pd

from kinerja.simulation.benchmark import Benchmark, benchmark_of, run_benchmark

SHOWN = ("error_ratio", "worst", "removed", "coverage", "severity_coverage", "evidence_team", "evidence_culture",
         "untouched", "moved_away", "seconds")  # fmt: skip


def main() -> int:
    """Run or merge, write the tables, print what was reached; 1 where a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", help="comma-separated names, all where not given")
    parser.add_argument("--replications", type=int, help="of each scenario")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-alternatives", action="store_true", help="the calibration only")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--merge", nargs="+", type=Path, help="calibration_replications.csv files of earlier parts")
    arguments = parser.parse_args()
    if arguments.merge:
        parts = [pd.read_csv(path, comment="#") for path in arguments.merge]
        result = benchmark_of(pd.concat(parts, ignore_index=True), settings={"merged": len(parts)})
    else:
        result = run_benchmark(
            arguments.scenarios.split(",") if arguments.scenarios else None,
            replications=arguments.replications,
            seed=arguments.seed,
            alternatives=not arguments.no_alternatives,
            progress=_progress,
        )
    _write(result, arguments.folder)
    _print(result)
    return 0 if result.targets["met"].all() else 1


def _progress(scenario: str, done: int, all_of_them: int) -> None:
    if done == all_of_them or done % 20 == 0:
        print(f"{scenario} {done}/{all_of_them}", file=sys.stderr, flush=True)


def _write(result: Benchmark, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = "# python benchmarks/calibration.py " + " ".join(Path(a).name for a in sys.argv[1:])
    for name in ("summary", "targets", "figure", "replications"):
        frame: pd.DataFrame = getattr(result, name)
        text = frame.round(4).to_csv(index=False, lineterminator="\n")
        (folder / f"calibration_{name}.csv").write_text(f"{command}\n{text}", encoding="utf-8", newline="\n")


def _print(result: Benchmark) -> None:
    ratios = result.summary.pivot(index="scenario", columns="method", values="error_ratio")
    own = result.summary.loc[result.summary["method"] == "calibrated"].set_index("scenario")
    with pd.option_context("display.width", 250, "display.max_columns", 40, "display.max_rows", 100):
        print(ratios.round(3).to_string())
        print(own[[c for c in SHOWN if c in own]].round(3).to_string())
        missed = result.targets.loc[~result.targets["met"]]
        print(f"{int(result.targets['met'].sum())} of {len(result.targets)} targets met")
        if len(missed):
            print(missed.round(4).to_string(index=False))


if __name__ == "__main__":
    raise SystemExit(main())
