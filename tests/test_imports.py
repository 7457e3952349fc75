"""Nothing heavy is loaded before it is needed, and nothing is imported round the contracts of pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "kinerja"
BY_NAME = {"__init__.py", "evaluation/storage.py", "methods/__init__.py", "report/contents.py",
           "report/notebook/engine.py", "show/charts/__init__.py"}  # fmt: skip
"""Where modules are imported by a name in a table: public names, kept records, contents, topics, charts, warming."""
NUMERIC = ("scoring", "citizens", "raters", "calibration", "fairness", "moderation")


def _trees():
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def test_only_registries_import_by_name():
    """`import_module` hides an import from import-linter: it may stand only where a table names the modules."""
    found = {
        name
        for name, tree in _trees()
        if any(isinstance(node, ast.Name) and node.id == "import_module" for node in ast.walk(tree))
    }
    assert found == BY_NAME


@pytest.mark.parametrize("folder", NUMERIC)
def test_estimators_know_nothing_of_presentation(folder):
    for name, tree in _trees():
        if not name.startswith(f"{folder}/") or Path(name).stem.startswith("section"):
            continue
        roots = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        roots |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        outside = {root.split(".")[0] for root in roots}
        assert not outside & {"matplotlib", "IPython", "ipywidgets", "jinja2", "openpyxl"}, name
        assert not any(root.startswith("kinerja.show") for root in roots), name


def _loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


HEAVY = {"numpy", "pandas", "scipy", "statsmodels", "matplotlib", "papermill", "nbconvert", "jinja2", "sqlalchemy"}


@pytest.mark.parametrize("statement", ["import kinerja", "import kinerja.cli"])
def test_nothing_heavy_is_loaded_at_the_start(statement):
    assert not _loaded_after(statement) & HEAVY


def test_the_public_names_are_few_and_hide_no_module():
    """`import kinerja.people.sheet` is the module, whatever function of that name `kj` has."""
    code = (
        "import kinerja as kj, kinerja.people.sheet as module; print(len(dir(kj)), callable(kj.sheet), module.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, is_function, name = done.stdout.split()
    assert int(count) <= 30 and is_function == "True" and name == "kinerja.people.sheet"


def test_every_public_name_is_there_and_documented():
    import kinerja

    for name in kinerja.__all__:
        found = getattr(kinerja, name)
        assert name == "__version__" or (found.__doc__ and found.__name__ == name), name
