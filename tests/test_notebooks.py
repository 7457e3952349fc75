"""The committed notebooks: thin, executed on the example, and what they hold is what they give today."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def _cells(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_thin(path):
    cells = _cells(path)
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1
    for cell in cells:
        source = "".join(cell["source"])
        assert len(source.splitlines()) <= 8
        tree = ast.parse(source)
        refused = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda)
        assert not any(isinstance(node, refused) for node in ast.walk(tree))
        imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        assert set(imports) <= {"import kinerja as kj"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_names_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 1_500_000
    assert str(ROOT) not in text and str(Path.home()) not in text


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_gives_what_it_holds(path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "nbval_close", "-p", "no:cacheprovider",
         "-p", "no:xdist", str(path)],
        capture_output=True, text=True, cwd=ROOT, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    ("found", "stored", "same"),
    [
        ("0.2592947401", "0.25929474", True),
        ('{"x": 1e-9}', '{"x": 0.0}', True),
        ("12,40 poin", "12,41 poin", False),
        ("n = 12", "n = 13", False),
        ("1.234,5", "1.234,6", False),
        ("0.10 a", "0.10 b", False),
        ("shown 1.0", "shown", False),
        ("-0.5", "0.5", False),
    ],
)
def test_only_last_digits_may_differ_between_machines(found, stored, same):
    from nbval_close import close

    assert close(found, stored) is same
