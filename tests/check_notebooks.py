"""Run notebooks anew under nbval and compare what they give with what they hold, as `nbval_close` compares."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

TESTS = Path(__file__).parent


def check_notebooks(paths: Iterable[Path], **environment: str) -> subprocess.CompletedProcess[str]:
    """The finished nbval: its return code is 0 where all cells give what they hold.

    environment : variables that the kernels start with, beside those of this process
    """
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", "-rf", "-p", "nbval_close", "-p", "no:cacheprovider",
         "-p", "no:xdist", *map(str, paths)],
        capture_output=True, text=True, cwd=TESTS.parent, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(_importable()), **environment},
    )  # fmt: skip


def _importable() -> list[str]:
    """The plugin's folder, before what is already searched."""
    return [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
