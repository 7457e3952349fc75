"""What a process computes with: `described` runs in a notebook's kernel, to prove that a setting has reached it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.linalg

FEATURES = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
"""Sets of instructions beyond the least common one that numpy has routines for here, and uses."""


def described() -> str:
    """`OpenBLAS Haswell, Haswell; 2 threads; numpy X86_V3`: numpy's and scipy's library of linear algebra (each brings
    its own), the threads of either, numpy's own routines."""
    libraries = list(_libraries())
    cores = ", ".join(core for core, _ in libraries)
    threads = max((threads for _, threads in libraries), default=0)
    return f"OpenBLAS {cores}; {threads} threads; numpy {' '.join(FEATURES)}".strip()


def _libraries() -> Iterator[tuple[str, int]]:
    """Kernel and threads of the OpenBLAS in numpy's wheel and in scipy's; nothing where they were built otherwise."""
    for package, suffix in ((np, "64_"), (scipy, "")):
        folder = Path(package.__file__).parents[1] / f"{package.__name__}.libs"
        for path in folder.glob("libscipy_openblas*"):
            library = ctypes.CDLL(str(path))
            core = getattr(library, f"scipy_openblas_get_corename{suffix}")
            core.restype = ctypes.c_char_p
            yield core().decode(), getattr(library, f"scipy_openblas_get_num_threads{suffix}")()
