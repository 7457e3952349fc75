"""Imports go one way, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kinerja"

# A module may import those of the lines above its own, and the parts of its own family (facets imports facets_fit).
ORDER = (
    ("errors", "places"),
    ("labels",),
    ("display",),
    ("results",),
    ("rules",),
    ("parameters", "multiplicity"),
    ("sources", "privacy", "simulate", "example"),
    ("scoring", "feedback", "case_mix", "agreement", "mixed", "facets", "raters"),
    ("calibration", "alternatives"),
    ("simulate_benchmark",),
    ("bias", "decisions"),
    ("evaluation",),
    ("comparison",),
    ("verification", "signoff"),
    ("appeal",),
    ("explain",),
    ("displays",),
    ("tables", "plots"),
    ("kernels", "report", "sections", "widgets", "workshop"),
    ("cli",),
)
FREE = {"__init__", "__main__"}
NUMERIC = ("results", "scoring", "feedback", "case_mix", "agreement", "mixed", "facets", "raters", "calibration",
           "alternatives", "bias", "simulate")  # fmt: skip


def _family(module: str) -> str:
    known = {name for line in ORDER for name in line}
    parts = module.split("_")
    for length in range(len(parts), 0, -1):
        if "_".join(parts[:length]) in known:
            return "_".join(parts[:length])
    raise AssertionError(f"kinerja/{module}.py has no place in the order of imports: name it in ORDER")


def _level(module: str) -> int:
    return next(i for i, line in enumerate(ORDER) if _family(module) in line)


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "kinerja":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("kinerja.")}
    return found - {"__version__"}


MODULES = sorted(p.stem for p in PACKAGE.glob("*.py") if p.stem not in FREE)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module):
    upward = {
        other
        for other in _imported(PACKAGE / f"{module}.py")
        if (PACKAGE / f"{other}.py").exists() and _family(other) != _family(module) and _level(other) > _level(module)
    }
    assert not upward, f"kinerja/{module}.py imports {sorted(upward)}, which stand below it in the order"


@pytest.mark.parametrize("module", [m for m in MODULES if _family(m) in NUMERIC])
def test_numerics_know_nothing_of_presentation(module):
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    roots = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    roots |= {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert not roots & {"matplotlib", "IPython", "ipywidgets", "jinja2", "openpyxl"}
    assert not _imported(PACKAGE / f"{module}.py") & {"labels", "tables", "plots"}


def _loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


HEAVY = {"numpy", "pandas", "scipy", "statsmodels", "matplotlib", "papermill", "nbconvert", "jinja2", "sqlalchemy"}


@pytest.mark.parametrize("statement", ["import kinerja", "import kinerja.cli"])
def test_nothing_heavy_is_loaded_at_the_start(statement):
    assert not _loaded_after(statement) & HEAVY
