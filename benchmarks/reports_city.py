"""A city's batch, killed half-way and begun again: time, failures and size of the reports of 220 units.

    python benchmarks/reports_city.py            220 units, 1,760 people, 11,000 answers a quarter, simulated (seed 1)
    python benchmarks/reports_city.py --units 40

Runs `kinerja batch --by unit` three times: for the whole, and in another folder killed when half of the reports are
there, then once more. Writes benchmarks/results/reports_city.csv with the command in its first line.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.reports import ROOT, write
from kinerja.simulation import SCENARIOS, simulate_office
from kinerja.simulation.files import write_office

PEOPLE, ANSWERS = 8, 50
"""People and citizens' answers of each unit."""


def main() -> int:
    """Measure, write and print; 1 where a report is missing at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=220)
    units = parser.parse_args().units
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        scenario = replace(
            SCENARIOS["S1"], units=units, supervisors=units, staff=PEOPLE * units, responses=ANSWERS * units
        )
        office = write_office(simulate_office(scenario, seed=1), place / "office")
        run = ["batch", str(office / "parameters.yaml"), "--by", "unit", "--workers", "2"]
        rows = [whole(run, place / "whole", units), *killed(run, place / "killed", units)]
    table = pd.DataFrame(rows)
    write(table, Path(__file__).parent / "results" / "reports_city.csv")
    print(table.to_string(index=False))
    return int(rows[-1]["reports"] != units)


def whole(run: list[str], output: Path, units: int) -> dict[str, Any]:
    started, load = time.perf_counter(), os.getloadavg()[0]
    code = start(run, output).wait()
    return row("whole, evaluation included", output, units, code, time.perf_counter() - started, load)


def killed(run: list[str], output: Path, units: int) -> list[dict[str, Any]]:
    """Killed as a power cut would, with all its processes, when half of the reports are there; then begun again."""
    started, load = time.perf_counter(), os.getloadavg()[0]
    process = start(run, output)
    while len(pages(output)) < units / 2 and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    first = row("killed half-way", output, units, code, time.perf_counter() - started, load)
    started, load = time.perf_counter(), os.getloadavg()[0]
    code = start(run, output).wait()
    return [first, row("begun again", output, units, code, time.perf_counter() - started, load)]


def start(run: list[str], output: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "kinerja", *run, "--output", str(output)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)


def pages(output: Path) -> list[Path]:
    return list(output.glob("*/units/*/manifest.json"))


def row(what: str, output: Path, units: int, code: int, seconds: float, load: float) -> dict[str, Any]:
    """What lies there: complete reports (their manifest is written last), and their HTML's size."""
    sizes = [page.with_name("report.html").stat().st_size / 1e6 for page in pages(output)]
    return {
        "what": what, "units": units, "reports": len(sizes), "exit_code": code, "seconds": round(seconds, 1),
        "largest_page_mb": round(max(sizes, default=0.0), 3), "all_pages_mb": round(sum(sizes), 1),
        "load": round(load, 1),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
