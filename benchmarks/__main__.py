"""Run the benchmarks named, or all: each in a process of its own, the quick ones first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NAMES = (
    "facets", "mixed", "fairness", "reports", "reports_city", "calibration_size", "big_feedback", "fairness_alarms",
    "calibration",
)  # fmt: skip
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def main(names: list[str]) -> int:
    """0 where every benchmark ended well; the others run on where one does not."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"benchmark: found {unknown[0]!r}; allowed: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    failed = []
    for name in names or NAMES:
        print(f"== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        done = subprocess.run(command, cwd=Path(__file__).parents[1], env=os.environ | ONE_THREAD, check=False)
        failed += [name] if done.returncode else []
    if failed:
        print(f"failed or missed a target: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
