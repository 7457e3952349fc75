"""Questionnaires by the million: rows, seconds and peak memory of reading them in pieces, beside reading them whole.

    python benchmarks/big_feedback.py                   20 million rows in pieces; 1 million both ways
    python benchmarks/big_feedback.py --rows 2000000

The Parquet file is made here (ten units, four quarters, nine answers of 1-4, one in thirty missing; seed 8) in a
temporary folder. Each reading is a process of its own; its peak is what the system counted for it, the 0.2 GB of the
libraries included. The two ways must agree exactly at 1 million rows, else the exit code is 1. Writes
benchmarks/results/big_feedback.csv with the command in its first line; `load` is the machine's load average before a
reading: above the number of its processors, times are too long.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "big_feedback.csv"
BOTH_WAYS = 1_000_000
PIECE = 1_000_000
LIMIT_MB = 1_500
"""The most memory that 20 million rows may take; what 1 million takes whole."""

READ = """
import hashlib, json, resource, sys, time
from pathlib import Path
from kinerja.parameters import Period, Privacy, Sources
from kinerja.inputs import read_sources
from kinerja.inputs.columns import ELEMENTS
path, summarise = Path(sys.argv[1]), sys.argv[2] == "pieces"
started = time.perf_counter()
inputs = read_sources(Sources.model_validate({"responses": {"path": path, "summarise": summarise}}),
                      period=Period(kind="quarter", year=2026, number=4), privacy=Privacy())
seconds = time.perf_counter() - started
if summarise:
    rows = inputs.aggregated.set_index(["period", "unit", "element"])[["mean", "n"]]
else:
    long = inputs.responses.melt(["period", "unit"], list(ELEMENTS), "element", "answer").dropna(subset=["answer"])
    rows = long.groupby(["period", "unit", "element"])["answer"].agg(mean="mean", n="count")
text = rows.astype(float).sort_index().to_csv()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * (1024 if sys.platform == "darwin" else 1))
print(json.dumps({"seconds": round(seconds, 1), "peak_mb": round(peak),
                  "means": hashlib.sha256(text.encode()).hexdigest()[:12]}))
"""


def make(path: Path, rows: int) -> None:
    """Write the questionnaires piece by piece."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    random, writer = np.random.default_rng(8), None
    for start in range(0, rows, PIECE):
        n = min(PIECE, rows - start)
        days = np.datetime64("2026-01-01") + random.integers(0, 365, n).astype("timedelta64[D]")
        columns = {"tanggal": days, "unit": np.array([f"Unit {k}" for k in range(10)])[random.integers(0, 10, n)]}
        for k in range(1, 10):
            answers = random.integers(1, 5, n).astype(float)
            columns[f"U{k}"] = np.where(random.random(n) < 1 / 30, np.nan, answers)
        table = pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def measure(path: Path, way: str, rows: int) -> dict[str, object]:
    load = round(os.getloadavg()[0], 1)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), way], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    size = round(path.stat().st_size / 1024**2)
    return {"way": way, "rows": rows, "file_mb": size, **json.loads(done.stdout.splitlines()[-1]), "load": load}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    rows = parser.parse_args().rows
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for count, ways in ((min(BOTH_WAYS, rows), ("whole", "pieces")), (rows, ("pieces",))):
            path = Path(folder) / f"{count}.parquet"
            make(path, count)
            found += [measure(path, way, count) for way in ways]
            path.unlink()
    table = pd.DataFrame(found)
    print(table.to_string(index=False))
    RESULTS.write_text(
        f"# python benchmarks/big_feedback.py --rows {rows}\n{table.to_csv(index=False)}", encoding="utf-8"
    )
    same = table.loc[table["rows"] == table["rows"].iloc[0], "means"].nunique() == 1
    return int(not same or bool((table.loc[table["way"] == "pieces", "peak_mb"] > LIMIT_MB).any()))


if __name__ == "__main__":
    raise SystemExit(main())
