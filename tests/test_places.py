"""Where files are looked for: the same notebooks run from the project, from `notebooks`, and from anywhere else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kinerja import cli, places, wording
from kinerja.cli.notebooks import project_files
from kinerja.errors import DataError, ParameterError
from kinerja.evaluation import load_evaluation, open_run
from kinerja.parameters import load_parameters
from kinerja.report.notebook.run import notebook_parameters

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXAMPLE = "parameters/andir-2026-q3.yaml"


@pytest.fixture(params=["project", "notebooks", "elsewhere"])
def folder(request, tmp_path, monkeypatch):
    """A folder from which notebooks are run."""
    chosen = {"project": ROOT, "notebooks": ROOT / "notebooks", "elsewhere": tmp_path}[request.param]
    monkeypatch.chdir(chosen)
    return chosen


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_default_of_a_notebook_is_found(notebook, folder):
    defaults = [value for _, value in notebook_parameters(notebook).values()]
    for path in (value for value in defaults if str(value).endswith(".yaml")):
        assert places.found(path) == ROOT / path


def test_most_notebooks_have_such_a_default():
    named = [path.stem for path in NOTEBOOKS if "parameters_file" in notebook_parameters(path)]
    assert len(named) == 9 and "correction" in notebook_parameters(ROOT / "notebooks" / "review.ipynb")


@pytest.mark.slow
@pytest.mark.parametrize(("place", "notebook"), [("", "period_report"), ("notebooks", "sheet"), (None, "sheet")])
def test_papermill_runs_with_the_defaults(place, notebook, tmp_path):
    cwd = tmp_path if place is None else ROOT / place
    given = os.path.relpath(ROOT / "notebooks" / f"{notebook}.ipynb", cwd)
    done = subprocess.run(
        [sys.executable, "-m", "papermill", "--no-progress-bar", given, str(tmp_path / "out.ipynb")],
        cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "out.ipynb").stat().st_size > 10_000


def _project(folder, name="kantor"):
    (folder / "parameters").mkdir(parents=True)
    (folder / "notebooks").mkdir()
    (folder / "nilai.csv").write_text("Periode;NIP;Penilai;Nilai\n2026-Q3;P1;P9;4\n", encoding="utf-8")
    path = folder / "parameters" / f"{name}.yaml"
    path.write_text(
        f"office: {{name: {folder.name}}}\nperiod: {{kind: quarter, year: 2026, number: 3}}\n"
        "sources: {ratings: {path: nilai.csv}}\n",
        encoding="utf-8",
    )
    return path


def test_the_working_folder_comes_first_then_the_one_above_then_the_examples(tmp_path, monkeypatch):
    own = _project(tmp_path / "own", "andir-2026-q3")
    monkeypatch.chdir(tmp_path / "own" / "notebooks")
    assert load_parameters(EXAMPLE).file == own.resolve()
    inner = _project(tmp_path / "own" / "notebooks" / "inner", "andir-2026-q3")
    monkeypatch.chdir(tmp_path / "own" / "notebooks" / "inner")
    assert load_parameters(EXAMPLE).file == inner.resolve()
    monkeypatch.chdir(tmp_path)
    example = load_parameters(EXAMPLE)
    assert example.file == ROOT / EXAMPLE and example.run_folder == ROOT / "outputs" / "andir-2026-q3"


def test_only_paths_below_parameters_are_looked_for_elsewhere(tmp_path, monkeypatch):
    _project(tmp_path)
    (tmp_path / "plain.yaml").write_text("office: {}", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "notebooks")
    assert places.tried("plain.yaml") == (tmp_path.resolve() / "notebooks" / "plain.yaml",)
    assert places.tried("../parameters/kantor.yaml") == (tmp_path.resolve() / "parameters" / "kantor.yaml",)
    assert load_parameters("../parameters/kantor.yaml").office.name == tmp_path.name


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_wrong_path_names_every_place_that_was_tried(tmp_path, monkeypatch, language):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    with pytest.raises(ParameterError) as caught:
        open_run("parameters/tidak-ada.yaml")
    sentence = wording.problem_sentence(caught.value.problems[0], language)
    for folder in (tmp_path / "notebooks", tmp_path, ROOT):
        assert str(folder.resolve() / "parameters" / "tidak-ada.yaml") in sentence
    assert "kinerja init" in sentence and "kinerja notebooks" in sentence


def test_a_missing_input_is_named_by_its_absolute_path(tmp_path):
    path = _project(tmp_path)
    (tmp_path / "nilai.csv").unlink()
    with pytest.raises(ParameterError, match="There is no such file") as caught:
        load_parameters(path)
    assert str(tmp_path.resolve() / "nilai.csv") in caught.value.message


def test_a_folder_without_a_run_is_named_by_its_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="kinerja report") as caught:
        load_evaluation(Path("outputs/x/evaluation"))
    assert str(tmp_path.resolve() / "outputs" / "x") in caught.value.message


def test_an_input_that_comes_with_the_package_is_found_where_the_project_lacks_it(tmp_path):
    shutil.copytree(ROOT / "parameters", tmp_path / "parameters")
    copied = load_parameters(tmp_path / EXAMPLE)
    assert copied.located_sources.staff[0].path == ROOT / "kinerja" / "example" / "pegawai.xlsx"
    assert copied.run_folder == tmp_path.resolve() / "outputs" / "andir-2026-q3"
    own = tmp_path / "kinerja" / "example" / "pegawai.xlsx"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"")
    assert copied.located_sources.staff[0].path == own.resolve()
    with pytest.raises(ParameterError, match="penilaian"):  # a folder named by --data holds its own files, or they lack
        load_parameters(tmp_path / EXAMPLE, base=tmp_path)


def test_an_installed_example_writes_where_its_user_works(tmp_path, monkeypatch):
    carried = tmp_path / "site" / "kinerja" / "project"
    shutil.copytree(ROOT / "parameters", carried / "parameters")
    monkeypatch.setattr(places, "INSTALLED", True)
    monkeypatch.setattr(places, "PROJECT", carried)
    monkeypatch.setattr(places, "PARAMETERS", carried / "parameters")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    found = load_parameters(EXAMPLE)
    assert found.file == (carried / EXAMPLE).resolve()
    assert found.run_folder == (tmp_path / "work" / "outputs" / "andir-2026-q3").resolve()
    assert found.file_name == EXAMPLE  # as in a checkout, so that both have the same record


def test_copied_parameters_name_copied_inputs():
    content = project_files()
    assert {"data/pegawai.xlsx", "data/survei_kepuasan.csv", "data/skm_published.csv"} <= set(content)
    for name, text in content.items():
        if name.startswith("parameters/"):
            assert b"kinerja/example" not in text, name


def test_an_extra_is_installed_from_where_kinerja_came(monkeypatch):
    assert places.extra("pdf") == "pip install '.[pdf]' in the project's folder"
    monkeypatch.setattr(places, "INSTALLED", True)
    assert ".whl[pdf]" in places.extra("pdf")


@pytest.mark.parametrize(
    ("path", "said"), [(ROOT / "notebooks" / "gone.ipynb", "install kinerja again"), (Path("gone.csv"), "Put the file")]
)
def test_a_file_that_went_away_is_no_defect(path, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KINERJA_LANGUAGE", "en")
    monkeypatch.delenv("KINERJA_DEBUG", raising=False)
    assert cli._usage_or_defect(FileNotFoundError(2, "No such file or directory", str(path))) == cli.PROBLEMS
    told = capsys.readouterr().err
    assert str(tmp_path.resolve() / path) in told and said in told and "fault" not in told


def test_a_parameters_file_of_0_1_finds_the_example(tmp_path):
    from kinerja.places import PACKAGE, input_file

    assert input_file(Path("kinerja/data/example/iku.xlsx"), tmp_path) == PACKAGE / "example" / "iku.xlsx"
    assert input_file(Path("kinerja/data/skm_published.csv"), tmp_path).is_file()
