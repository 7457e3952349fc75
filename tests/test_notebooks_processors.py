"""The committed notebooks under other processors' routines: an office's figures are the same on any of them.

A processor of another make changes three things, each of which a variable of the environment changes here: OpenBLAS's
kernels, numpy's own routines, and glibc's (exp, log, pow with or without a fused multiply-add). The first notebook run
says whether the first two have reached its kernel. A file of its own, so that `pytest -n 2 --dist loadscope` runs it
beside `test_notebooks.py`.
"""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import nbformat
import processor
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.check_notebooks import check_notebooks

ROOT = Path(__file__).parents[1]
AVX512 = [name for name in processor.FEATURES if name.startswith(("X86_V4", "AVX512"))]

PROCESSORS = {
    # What OpenBLAS takes on an AMD Zen (and on an Intel before 2017), with as many threads as CI has processors.
    "avx2": {
        "OPENBLAS_CORETYPE": "Haswell",
        "OPENBLAS_NUM_THREADS": "2",
        "NPY_DISABLE_CPU_FEATURES": " ".join(AVX512),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F",
    },
    # Neither wide registers nor fused multiply-adds: the least that numpy's wheels run on.
    "sse": {
        "OPENBLAS_CORETYPE": "Nehalem",
        "OPENBLAS_NUM_THREADS": "1",
        "NPY_DISABLE_CPU_FEATURES": " ".join(processor.FEATURES),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4",
        "ARROW_USER_SIMD_LEVEL": "NONE",
    },
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "AMD64") or "OpenBLAS ;" in processor.described(),
        reason="no x86-64, or numpy and scipy without the OpenBLAS of their wheels: its kernels cannot be chosen",
    ),
]


@pytest.mark.parametrize("name", PROCESSORS)
def test_the_notebooks_give_what_they_hold_on_another_processor(name, tmp_path):
    settings = PROCESSORS[name]
    # A project folder of its own: the evaluation is computed under these settings, not read from the ordinary run's.
    for part in ("notebooks", "parameters", "kinerja/example"):
        shutil.copytree(ROOT / part, tmp_path / part)
    notebooks = sorted((tmp_path / "notebooks").glob("*.ipynb"))
    done = check_notebooks([_says(tmp_path / "processor.ipynb", settings), *notebooks], **settings)
    assert done.returncode == 0, done.stdout[-3000:]


def _says(path: Path, settings: dict[str, str]) -> Path:
    """A notebook that holds what its kernel must compute with: where a setting has not reached it, nbval fails."""
    core, threads = settings["OPENBLAS_CORETYPE"], settings["OPENBLAS_NUM_THREADS"]
    used = [name for name in processor.FEATURES if name not in settings["NPY_DISABLE_CPU_FEATURES"].split()]
    expected = f"OpenBLAS {core}, {core}; {threads} threads; numpy {' '.join(used)}".strip()
    cell = new_code_cell("import processor\nprocessor.described()", execution_count=1)
    cell.outputs = [new_output("execute_result", {"text/plain": repr(expected)}, execution_count=1)]
    nbformat.write(new_notebook(cells=[cell]), path)
    return path
