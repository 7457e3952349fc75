"""Reports a minute: `kinerja batch` beside papermill's and nbconvert's command lines on the same notebook.

    python benchmarks/reports.py                      all ways, 40 reports of the warm one, 4 of each slow one
    python benchmarks/reports.py --reports 220 --only batch

The notebook is notebooks/unit_report.ipynb on the Andir example. Every way ends with an HTML page; only kinerja's also
has the workbook and the manifest. Writes benchmarks/results/reports.csv with the command in its first line; `load` is
the machine's load average before each way: above the number of its processors, times are too long.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS = ROOT / "parameters" / "andir-2026-q3.yaml"


def main() -> int:
    """Time the ways, write the table, print it; 1 where a quiet machine made fewer than 120 reports a minute."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=40, help="reports of the batch")
    parser.add_argument("--slow", type=int, default=4, help="reports of each of the other ways")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=("command_line", "ordinary", "batch"), help="one way only")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        jobs = prepared(place)
        ways: dict[str, tuple[Callable[..., None], int]] = {
            "command_line": (by_command_line, arguments.slow),
            "ordinary": (by_ordinary_engine, arguments.slow),
            "batch": (by_batch, arguments.reports),
        }
        rows = [
            timed(name, way, many(jobs, count, place), arguments.workers)
            for name, (way, count) in ways.items()
            if arguments.only in (None, name)
        ]
    table = pd.DataFrame(rows)
    write(table, Path(__file__).parent / "results" / "reports.csv")
    print(table.to_string(index=False))
    quiet = all(row["load"] <= (os.cpu_count() or 1) for row in rows)
    reached = [row["reports_per_minute"] for row in rows if row["way"] == "batch"]
    return 1 if quiet and reached and reached[0] < 120 else 0


def prepared(place: Path) -> list[dict[str, Any]]:
    """The jobs of the example's units; the evaluation is made here, before any clock runs."""
    from kinerja.parameters import load_parameters
    from kinerja.report.batch import UNIT_REPORT, _unit_jobs

    parameters = load_parameters(PARAMETERS, overrides={"output.folder": str(place / "out")})
    return _unit_jobs(parameters, UNIT_REPORT)[1]


def many(jobs: list[dict[str, Any]], count: int, place: Path) -> list[dict[str, Any]]:
    """As many jobs as wanted, each with a folder of its own."""
    return [
        {**jobs[k % len(jobs)], "name": f"{k}", "folder": str(place / "reports" / f"{k:04d}")} for k in range(count)
    ]


def timed(name: str, way: Callable[..., None], jobs: list[dict[str, Any]], workers: int) -> dict[str, Any]:
    load, before, started = os.getloadavg()[0], os.times(), time.perf_counter()
    way(jobs, workers)
    seconds, after = time.perf_counter() - started, os.times()
    processor = sum(after[:4]) - sum(before[:4])
    missing = [job["folder"] for job in jobs if not (Path(job["folder"]) / "report.html").exists()]
    if missing:
        raise SystemExit(f"{name}: {len(missing)} of {len(jobs)} reports are missing")
    return {
        "way": name,
        "workers": workers,
        "reports": len(jobs),
        "seconds": round(seconds, 1),
        "reports_per_minute": round(60 * len(jobs) / seconds, 1),
        "processor_seconds_a_report": round(processor / len(jobs), 2),
        "load": round(load, 1),
    }


def by_batch(jobs: list[dict[str, Any]], workers: int) -> None:
    from kinerja.report.batch import _Meter, _run

    failed = [r for r in _run(jobs, workers, None, _Meter(None, len(jobs), 0)) if r["status"] != "written"]
    if failed:
        raise SystemExit(f"batch: {failed[0]}")


def by_ordinary_engine(jobs: list[dict[str, Any]], workers: int) -> None:
    """kinerja's own road with a new kernel for every notebook, one after another."""
    from kinerja.report.batch import make_report

    for job in jobs:
        result = make_report({**job, "engine": "ordinary"})
        if result["status"] != "written":
            raise SystemExit(f"ordinary: {result}")


def by_command_line(jobs: list[dict[str, Any]], workers: int) -> None:
    """papermill, then nbconvert, each its own command; `workers` reports at a time."""
    waiting, running = list(jobs), []
    while waiting or running:
        while waiting and len(running) < workers:
            running.append(subprocess.Popen(["sh", "-c", commands(waiting.pop(0))], cwd=ROOT, env={**os.environ}))
        running = [process for process in running if process.poll() is None]
        time.sleep(0.02)


def commands(job: dict[str, Any]) -> str:
    folder = Path(job["folder"])
    folder.mkdir(parents=True)
    given = " ".join(f"-r {name} '{value}'" for name, value in job["arguments"].items())
    tools = Path(sys.executable).parent
    executed = folder / "executed.ipynb"
    quiet = "--log-level ERROR"
    return (
        f"'{tools}/papermill' '{job['notebook']}' '{executed}' {given} --no-progress-bar {quiet} 2>/dev/null && "
        f"'{tools}/jupyter' nbconvert --to html --no-input {quiet} --output report.html '{executed}' 2>/dev/null"
    )


def write(table: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    command = f"# python benchmarks/{Path(__file__).name} {' '.join(sys.argv[1:])}".rstrip()
    path.write_text(f"{command}\n{table.to_csv(index=False, lineterminator=chr(10))}", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
