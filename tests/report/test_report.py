"""A notebook becomes a page, a workbook and a manifest; a failure leaves nothing half-written."""

from __future__ import annotations

import json
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import nbformat
import pytest

from kinerja import report
from kinerja.errors import KinerjaError, ParameterError
from kinerja.parameters import load_parameters
from kinerja.report import files as report_files
from kinerja.report import html as report_html
from kinerja.report.notebook import run as report_notebook
from kinerja.results import Finding

PARAMETERS_CELL = 'parameters_file = ""\nlanguage = "id"\nrun_folder = ""\nbase = ""'

TABLE = """
import pandas as pd
from kinerja.show.tables import number, table
frame = pd.DataFrame({"unit": ["Karasak", "<script>"], "n": [120, 80], "estimate": [81.25, 79.5]})
table(frame, columns=["unit", "n", number("estimate", 1)], language=language, caption="Indeks per unit", name="index")
"""


def make_notebook(path, *cells, parameters=PARAMETERS_CELL):
    """A notebook of code cells (str) and markdown cells (tuple of text and tags)."""
    made = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    for cell in cells:
        if isinstance(cell, tuple):
            made.append(nbformat.v4.new_markdown_cell(cell[0], metadata={"tags": list(cell[1:])}))
        else:
            made.append(nbformat.v4.new_code_cell(cell))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={**kernel, "language_info": {"name": "python"}}), path)
    return path


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Parameters of a tiny run, and an evaluation that only has findings."""
    (tmp_path / "staff.csv").write_text("ratee,unit\na,x\n", encoding="utf-8")
    (tmp_path / "run.yaml").write_text(
        "office: {name: Kecamatan <Andir>}\nperiod: {kind: quarter, year: 2026, number: 3}\n"
        "sources: {staff: {path: staff.csv}}\noutput: {folder: out}\n",
        encoding="utf-8",
    )
    module = ModuleType("kinerja.evaluation")
    module.open_run = lambda parameters, progress=None: SimpleNamespace(
        findings=(Finding(level="note", code="example", data={"n": 3}),)
    )
    monkeypatch.setitem(sys.modules, "kinerja.evaluation", module)
    return load_parameters(tmp_path / "run.yaml")


@pytest.fixture(scope="session")
def executed(tmp_path_factory):
    """One executed notebook for all tests of rendering."""
    path = make_notebook(
        tmp_path_factory.mktemp("notebook") / "small.ipynb",
        ("# Judul\n\nKalimat.", "id"),
        ("# Title\n\nA sentence.", "en"),
        ("## Data\n\n### Rincian\n\n## Data",),
        TABLE,
    )
    return report_notebook.execute_notebook(path, {"language": "id"})


def test_unknown_and_mistyped_parameters_are_refused_before_a_kernel_starts(tmp_path, monkeypatch):
    path = make_notebook(tmp_path / "n.ipynb", parameters='language = "id"\nyear = 2026\nflag: bool = None')
    monkeypatch.setattr(report_notebook, "_run", lambda *a, **k: pytest.fail("a kernel was started"))
    with pytest.raises(ParameterError) as error:
        report_notebook.execute_notebook(path, {"langauge": "id", "year": "2026", "flag": 1})
    codes = {p.column: p.code for p in error.value.problems}
    assert codes == {
        "langauge": "notebook_parameter_unknown",
        "year": "notebook_parameter_type",
        "flag": "notebook_parameter_type",
    }
    assert "did you mean language?" in error.value.message


def test_a_parameter_without_default_must_be_given(tmp_path):
    path = make_notebook(tmp_path / "n.ipynb", parameters="unit: str")
    with pytest.raises(ParameterError, match="no value of its own for unit"):
        report_notebook.check_notebook_parameters(path, {})


@pytest.mark.parametrize("content", ["", "{}", "not json"])
def test_a_file_that_is_no_notebook_is_named(tmp_path, content):
    path = tmp_path / "n.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ParameterError, match=r"n\.ipynb"):
        report_notebook.notebook_parameters(path)


def test_a_failing_cell_is_named_with_its_cause(tmp_path):
    path = make_notebook(tmp_path / "n.ipynb", "1 + 1", "raise ValueError('the cause')")
    with pytest.raises(report_notebook.NotebookError) as error:
        report_notebook.execute_notebook(path, {"language": "id"})
    assert (error.value.notebook, error.value.cell) == ("n.ipynb", 3)
    assert error.value.cause == "ValueError: the cause"
    assert "the cause" in error.value.message


@pytest.mark.parametrize("answers", [1, 2, None])
def test_a_kernel_that_does_not_answer_is_started_once_more_and_is_no_defect(tmp_path, monkeypatch, answers):
    """answers : at which start the kernel answers; None: never."""
    papermill, starts = report_notebook.load_papermill(), []

    def start(*_path, **options):
        starts.append(options["iopub_timeout"])
        if answers is None or len(starts) < answers:
            raise RuntimeError("Kernel didn't respond in 180 seconds")
        return "executed"

    monkeypatch.setattr(papermill, "execute_notebook", start)
    path = make_notebook(tmp_path / "n.ipynb", "1")
    if answers:
        assert report_notebook.execute_notebook(path, {"language": "id"}) == "executed"
    else:
        with pytest.raises(report_notebook.NotebookError, match="busy with other work"):
            report_notebook.execute_notebook(path, {"language": "id"})
    assert starts == [report_notebook.START] * (answers or 2), "no output of a slow machine is given up early either"


def test_a_kernel_that_dies_at_its_start_is_not_called_slow(tmp_path, monkeypatch):
    def start(*_path, **_options):
        raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr(report_notebook.load_papermill(), "execute_notebook", start)
    with pytest.raises(report_notebook.NotebookError, match="the kernel died"):
        report_notebook.execute_notebook(make_notebook(tmp_path / "n.ipynb", "1"), {"language": "id"})


def test_strings_stay_strings(tmp_path):
    path = make_notebook(tmp_path / "n.ipynb", "print(repr(language))")
    done = report_notebook.execute_notebook(path, {"language": "01"})
    assert done.cells[-1].outputs[0].text == "'01'\n"


def test_papermill_starts_without_the_module_that_compiles_grammars():
    """The guard must go on working with newer versions: the module is not loaded, notebooks still are checked."""
    code = (
        "import sys; from kinerja.report.notebook.run import load_papermill; load_papermill(); import nbformat;"
        "nbformat.validate(nbformat.v4.new_notebook()); print('rfc3987_syntax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_page_is_one_file_with_landmarks_and_one_title(executed):
    page = report_html.render_html(executed, language="id", title="Laporan <A>", subtitle="Periode")
    assert page.count("<h1") == 1 and "Laporan &lt;A&gt;" in page
    assert '<html lang="id">' in page and "default-src 'none'" in page
    assert "Kalimat." in page and "A sentence." not in page
    assert "import pandas" not in page
    assert "&lt;script&gt;" in page and "<script" not in page
    assert "http://" not in page and "https://" not in page
    assert page.count('<section aria-labelledby="data"') == 1 and 'id="data-2"' in page
    assert '<a href="#data-2">Data</a>' in page


def test_other_language(executed):
    page = report_html.render_html(executed, language="en", title="Report")
    assert "A sentence." in page and "Kalimat." not in page and '<html lang="en">' in page


def test_a_figure_without_text_is_refused(tmp_path):
    picture = "from IPython.display import SVG\nSVG('<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>')"
    done = report_notebook.execute_notebook(make_notebook(tmp_path / "n.ipynb", picture), {"language": "id"})
    with pytest.raises(KinerjaError, match="what it shows"):
        report_html.render_html(done, title="x", name="n.ipynb")


def test_a_run_is_written_whole_and_twice_alike(run, tmp_path):
    path = make_notebook(tmp_path / "n.ipynb", ("## Bab",), TABLE)
    first = report.write_report(run, notebook=path)
    contents = {p.name: p.read_bytes() for p in first.folder.iterdir() if p.name != "manifest.json"}
    assert set(contents) == {"report.html", "report.ipynb", "summary.json", "tables.xlsx"}
    manifest = json.loads(first.manifest.read_text(encoding="utf-8"))
    assert manifest["findings"] == [{"level": "note", "code": "example", "data": {"n": 3}}]
    assert [o["path"] for o in manifest["outputs"]] == ["report.html", "report.ipynb", "summary.json", "tables.xlsx"]
    assert manifest["inputs"][0]["path"] == "staff.csv" and len(manifest["inputs"][0]["sha256"]) == 64
    again = report.write_report(run, notebook=path)
    assert {p.name: p.read_bytes() for p in again.folder.iterdir() if p.name != "manifest.json"} == contents
    later = json.loads(again.manifest.read_text(encoding="utf-8"))
    assert {k: v for k, v in later.items() if k != "environment"} == {
        k: v for k, v in manifest.items() if k != "environment"
    }
    assert str(tmp_path) not in first.notebook.read_text(encoding="utf-8")
    assert str(tmp_path) not in first.html.read_text(encoding="utf-8")
    assert "Kecamatan &lt;Andir&gt;" in first.html.read_text(encoding="utf-8")


def test_a_failure_leaves_the_earlier_report(run, tmp_path):
    good = make_notebook(tmp_path / "n.ipynb", TABLE)
    written = report.write_report(run, notebook=good)
    before = {p.name: p.read_bytes() for p in written.folder.iterdir()}
    bad = make_notebook(tmp_path / "bad.ipynb", "raise ValueError('x')")
    with pytest.raises(report_notebook.NotebookError):
        report.write_report(run, notebook=bad)
    assert {p.name: p.read_bytes() for p in written.folder.iterdir()} == before


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    def fill(stage):
        (stage / "a.html").write_text("half", encoding="utf-8")
        raise OSError(28, "No space left on device", str(stage / "a.html"))

    full = pytest.raises(report_files.WriteError, match=r"No space left on device.*free some space")
    with full, report_files.staged(tmp_path) as stage:
        fill(stage)
    assert list(tmp_path.iterdir()) == []


def test_a_locked_file_is_named(tmp_path):
    """A folder in the file's place stands for a file that another program holds: it cannot be replaced either."""
    (tmp_path / "report.html").mkdir()
    (tmp_path / "report.html" / "x").touch()
    with pytest.raises(report_files.WriteError, match=r"report\.html"), report_files.staged(tmp_path) as stage:
        (stage / "report.html").write_text("x", encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
