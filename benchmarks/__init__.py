"""Speed and accuracy beside peers: `make bench`, or `python -m benchmarks [name ...]`; tables in benchmarks/results."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("kinerja", "numpy", "scipy", "pandas")


def write(table: pd.DataFrame, name: str) -> Path:
    """The table under a line that says with what it was made: versions and the class of machine, not its name."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    body = table.to_csv(index=False, lineterminator="\n", float_format="%.8g")
    path.write_text(f"# python -m benchmarks.{name}; {setting()}\n{body}", encoding="utf-8", newline="\n")
    return path


def setting() -> str:
    """Versions, processors and their load, so that times can be read."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors{load}"
    return f"Python {platform.python_version()}, {packages}; {machine}"
