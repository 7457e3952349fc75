"""The committed notebooks: thin, executed on the example, and what they hold is what they give today."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import nbformat
import nbval_close
import pytest
from nbval_close import close

from kinerja.evaluation import NUMERIC_PACKAGES
from tests.check_notebooks import check_notebooks

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
        assert all(line == "import kinerja as kj" or line.startswith("from kinerja.") for line in imports)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_names_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 1_500_000
    assert str(ROOT) not in text and str(Path.home()) not in text


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_gives_what_it_holds(path):
    done = check_notebooks([path])
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    ("found", "stored", "same"),
    [
        ("0.2592947401", "0.25929474", True),
        ("1.3815206061e-34", "1.3815206064e-34", True),
        ("0.25929", "0.25939", False),
        ("12,40 poin", "12,41 poin", False),
        ("10000.4 poin", "10000.5 poin", False),  # a rounded number is a word, however small the step
        ("123.456 jawaban", "123.457 jawaban", False),  # a whole number, its thousands apart
        ("1.234,5", "1.234,6", False),
        ("1,23456", "1.23456", False),
        ("n = 12", "n = 13", False),
        ("1.0000001", "1", False),
        ("0.10 a", "0.10 b", False),
        ("shown 1.0", "shown", False),
        ("-0.5", "0.5", False),
        ("P00012.34567", "P00012.34568", False),
        ("e9199d00e8", "e9199d00e9", False),
        ('<path d="M 59.4 155.24 L 226 150.48"/>', '<path d="M 59.4 155.25 L 226.01 150.48"/>', True),
        ('<path d="M 59.4 155.24"/>', '<path d="M 59.4 155.26"/>', False),
        ('<circle cx="12" cy="3.5"/>', '<circle cx="13" cy="3.5"/>', False),
        ('<text x="1.23">1.23</text>', '<text x="1.24">1.24</text>', False),
        ('<svg aria-label="x="98,00"">', '<svg aria-label="x="98,01"">', False),
    ],
)
def test_a_text_may_differ_where_a_number_is_written_out(found, stored, same):
    assert close(found, stored) is same


@pytest.mark.parametrize(
    ("found", "stored", "same"),
    [
        (0.01168593841, 0.0116859384, True),
        ({"table": {"rows": [["P061", [0.01168593841, 2]]]}}, {"table": {"rows": [["P061", [0.0116859384, 2]]]}}, True),
        ({"rows": [[1e-17]]}, {"rows": [[0.0]]}, True),
        (0.0116859, 0.0117, False),
        (140.0, 141.0, False),
        (64.2857, 64.2957, False),
        (12, 13, False),
        (1_000_000, 1_000_001, False),
        (12, 12.0, False),
        (1, True, False),
        (0.0, None, False),
        (float("nan"), None, False),
        (float("nan"), 0.5, False),
        (float("nan"), float("nan"), True),
        (float("inf"), float("-inf"), False),
        ([1.5, 2.5], [2.5, 1.5], False),
        ([["P1", 1.5], ["P2", 1.5]], [["P2", 1.5], ["P1", 1.5]], False),
        ([1.5], [1.5, 1.5], False),
        ({"low": 1.5}, {"low": 1.5, "high": 1.5}, False),
        ({"low": 1.5, "high": 1.5}, {"low": 1.5}, False),
        ({"low": 1.5}, {"high": 1.5}, False),
        ({"label": "baik"}, {"label": "kurang"}, False),
    ],
)
def test_a_float_may_differ_in_its_last_digits_and_nothing_else_may(found, stored, same):
    assert close(found, stored) is same
    bundle = [{"outputs": [found]}, {"outputs": [stored]}]
    assert close(*bundle) is same


PAIRS = ((0.01168593841, 0.0116859384), (0.0116859, 0.0117), (12, 13), (12, 12.0), (True, 1), (None, 0.0), (1.5, 1.5))


def test_nbval_compares_so_at_any_depth_of_a_json_output_whatever_its_kind(tmp_path):
    cells = []
    for found, stored in PAIRS:
        for mime in ("application/json", "application/vnd.kinerja.v1+json"):
            source = f"from IPython.display import display\ndisplay({_bundle(mime, found)}, raw=True)"
            cells.append(nbformat.v4.new_code_cell(source, execution_count=1))
            cells[-1].outputs = [nbformat.v4.new_output("display_data", _bundle(mime, stored))]
    path = tmp_path / "pairs.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    done = check_notebooks([path])
    failed = {int(number) for number in re.findall(r"^FAILED .*::Cell (\d+)", done.stdout, re.MULTILINE)}
    assert failed == {2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, done.stdout[-3000:]


def _bundle(mime, value):
    return {mime: {"rows": [["P061", [value, 2.0], 140.0]]}}


VERSIONS = (
    ["numpy", "2.4.6"],
    "kinerja          0.1.0\nnumpy            2.4.6\nprior\n",
    '<tr><th scope="row">numpy</th><td class="kj-long">2.4.6</td></tr>',
    ["run", "2a80ea7617bd"],
    "run              2a80ea7617bd\nkinerja          0.1.0",
    '<tr><th scope="row">run</th><td class="kj-long">2a80ea7617bd</td></tr>',
    "2026-Q3 · 2a80ea7617bd  proses A",
    "<dd>2026-Q3 · 2a80ea+8be31</dd>",
)


@pytest.mark.parametrize("stored", VERSIONS, ids=str)
def test_the_version_of_a_package_and_the_run_made_of_it_are_not_compared(stored):
    changed = json.loads(json.dumps(stored).replace("2.4.6", "2.5.0rc1").replace("2a80ea", "77c1f0"))
    assert changed != stored
    assert close(changed, stored) and close([changed], [stored])


@pytest.mark.parametrize(
    ("found", "stored"),
    [
        (["kinerja", "0.1.1"], ["kinerja", "0.1.0"]),
        (["numpy", "2.4.6"], ["scipy", "2.4.6"]),
        (["numpy", ""], ["numpy", "2.4.6"]),
        (["numpy", "77c1f07617bd"], ["numpy", "2a80ea7617bd"]),
        (["run", "2.4.6"], ["run", "2a80ea7617bd"]),
        (["inputs", "77c1f07617bd"], ["inputs", "2a80ea7617bd"]),
        ("kinerja          0.1.1", "kinerja          0.1.0"),
        ("numpy            2.4.6 poin", "numpy            2.4.7 poin"),
        ("numpy 2.4.6", "numpy 2.4.7"),
        ("2.4.6", "2.4.7"),
        ("2a80ea7617bd", "77c1f07617bd"),
        ("2026-Q3 · 2a80ea+8be31", "2026-Q3 · 2a80ea+8be32"),
        ("2026-Q3 · 2a80ea7617bd", "2026-Q2 · 2a80ea7617bd"),
    ],
)
def test_nothing_else_is_left_out_of_the_comparison(found, stored):
    assert not close(found, stored)


def test_the_packages_whose_version_is_not_compared_are_those_that_the_annex_prints():
    assert nbval_close.COMPUTES == NUMERIC_PACKAGES
