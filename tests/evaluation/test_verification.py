"""Verifying a past run: it reproduces, and each thing that was touched since is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from kinerja.errors import DataError
from kinerja.evaluation import FOLDER, open_run
from kinerja.evaluation.verification import verify_run
from kinerja.parameters import load_parameters

ROOT = Path(__file__).parents[2]
PARAMETERS = """
office: {{name: Kantor Contoh}}
scoring: {{scale: [1, 5]}}
period: {{kind: quarter, year: 2026, number: 3}}
sources:
  staff: {{path: data/pegawai.csv}}
  ratings: {{path: data/nilai.csv}}
output: {{folder: outputs}}
{more}
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A project of its own: parameters, two small files, one run."""
    root = tmp_path_factory.mktemp("project")
    (root / "parameters").mkdir()
    (root / "data").mkdir()
    (root / "parameters" / "kantor.yaml").write_text(PARAMETERS.format(more=""), encoding="utf-8")
    people = [f"P{n:02d};Unit {n % 2};A{n % 2}" for n in range(1, 13)]
    (root / "data" / "pegawai.csv").write_text("NIP;Unit;Atasan\n" + "\n".join(people) + "\n", encoding="utf-8")
    marks = [f"2026-Q3;P{n:02d};A{n % 2};{1 + (n * 7) % 5}" for n in range(1, 13)]
    (root / "data" / "nilai.csv").write_text("Periode;NIP;Penilai;Nilai\n" + "\n".join(marks) + "\n", encoding="utf-8")
    open_run(load_parameters(root / "parameters" / "kantor.yaml"))
    return root


@pytest.fixture
def project(template, tmp_path):
    return Path(shutil.copytree(template, tmp_path / "p"))


def run_of(project):
    return next((project / "outputs").iterdir())


def test_a_run_reproduces_where_nothing_was_touched(project):
    found = verify_run(run_of(project))
    assert found.same and not found.touched and found.settings.empty
    assert found.comparison.causes["same"].all()
    assert found.comparison.tables["cells"].sum() > 100


def test_a_run_is_verified_from_what_it_recorded(project, monkeypatch):
    """The parameters file is gone: the recorded parameters and the inputs are enough."""
    (project / "parameters" / "kantor.yaml").unlink()
    assert verify_run(run_of(project)).same
    elsewhere = project.parent / "copied"
    shutil.move(str(run_of(project)), elsewhere)
    assert verify_run(elsewhere, base=project).same
    monkeypatch.chdir(project)
    assert verify_run(elsewhere).same


def test_without_the_project_it_says_what_to_do(project):
    elsewhere = project.parent / "copied"
    shutil.copytree(run_of(project), elsewhere)
    with pytest.raises(DataError, match=r"--data"):
        verify_run(elsewhere)


def test_a_changed_input_is_named_with_all_that_it_moves(project):
    file = project / "data" / "nilai.csv"
    text = file.read_text(encoding="utf-8")
    assert "2026-Q3;P03;A1;2" in text
    file.write_text(text.replace("2026-Q3;P03;A1;2", "2026-Q3;P03;A1;5"), encoding="utf-8")
    found = verify_run(run_of(project))
    assert not found.same
    assert found.comparison.causes.set_index("part")["same"].to_dict()["inputs"] is False
    changed = found.comparison.files[~found.comparison.files["same"]]
    assert changed["file"].tolist() == ["nilai.csv"]
    assert "P03" in set(found.comparison.persons["ratee"])
    assert found.comparison.causes.set_index("part")["same"].drop("inputs").all()


def test_an_input_that_is_gone_is_named(project):
    (project / "data" / "nilai.csv").unlink()
    with pytest.raises(DataError, match=r"nilai\.csv"):
        verify_run(run_of(project))


def test_an_edit_of_the_parameters_is_named_and_not_used(project):
    edited = PARAMETERS.format(more="calibration: {materiality: 2.5}")
    (project / "parameters" / "kantor.yaml").write_text(edited, encoding="utf-8")
    found = verify_run(run_of(project))
    assert found.same
    assert found.settings["key"].tolist() == ["calibration.materiality"]
    assert found.settings["b"].tolist() == ["2.5"]


def test_a_parameters_file_that_is_no_longer_valid_is_an_edit(project):
    (project / "parameters" / "kantor.yaml").write_text("office: [", encoding="utf-8")
    found = verify_run(run_of(project))
    assert found.same and len(found.settings) == 1


def test_kept_results_changed_by_hand_are_named(project):
    path = run_of(project) / FOLDER / "scores" / "ratees.parquet"
    table = pd.read_parquet(path)
    table.loc[0, "points"] += 1
    table.to_parquet(path)
    (run_of(project) / FOLDER / "added.txt").write_text("x", encoding="utf-8")
    found = verify_run(run_of(project))
    assert found.touched == ("evaluation/added.txt", "evaluation/scores/ratees.parquet")
    assert found.comparison.changes["table"].tolist() == ["scores.ratees"]
    assert found.comparison.causes["same"].all()  # nothing explains it but the hand


def test_outputs_of_the_manifest_are_looked_at(project):
    run = run_of(project)
    (run / "report.html").write_text("as written", encoding="utf-8")
    outputs = [{"path": "report.html", "sha256": "0" * 64}, {"path": "tables.xlsx", "sha256": "0" * 64}]
    (run / "manifest.json").write_text(json.dumps({"outputs": outputs}), encoding="utf-8")
    found = verify_run(run)
    states = found.outputs.set_index("file")["state"]
    assert (states["report.html"], states["tables.xlsx"]) == ("changed", "missing")
    assert found.touched == ("report.html", "tables.xlsx") and not found.same
    (run / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="damaged"):
        verify_run(run)


@pytest.mark.parametrize("content", [b"", b"PAR1 no longer a table"])
def test_a_damaged_table_is_an_error_that_names_it(project, content):
    (run_of(project) / FOLDER / "scores" / "ratees.parquet").write_bytes(content)
    with pytest.raises(DataError, match="expected"):
        verify_run(run_of(project))
