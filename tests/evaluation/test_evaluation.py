"""The whole period as one object: computed once, opened again, compared and verified."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pandas as pd
import pytest

from kinerja import evaluation
from kinerja.errors import ParameterError
from kinerja.evaluation import FOLDER, comparison, evaluate, identify, load_evaluation, open_run, save_evaluation
from kinerja.parameters import load_parameters

ROOT = Path(__file__).parents[2]
ANDIR = ROOT / "parameters" / "andir-2026-q3.yaml"


@pytest.fixture(scope="session")
def parameters(tmp_path_factory):
    outputs = tmp_path_factory.mktemp("outputs")
    return load_parameters(ANDIR, overrides={"output.folder": str(outputs)})


@pytest.fixture(scope="session")
def run(parameters):
    return open_run(parameters)


def test_every_table_survives_saving(run, parameters):
    again = load_evaluation(parameters.run_folder / FOLDER)
    assert again.identity == dict(run.identity)
    assert again.findings == run.findings
    before, after = dict(comparison.result_tables(run)), dict(comparison.result_tables(again))
    assert before.keys() == after.keys()
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, after[name], obj=name)


def test_an_unchanged_run_is_opened_not_computed(run, parameters, monkeypatch):
    monkeypatch.setattr(evaluation, "evaluate", lambda *_, **__: pytest.fail("computed again"))
    assert open_run(parameters).id == run.id
    english = parameters.model_copy(update={"language": "en"})
    assert open_run(english).parameters.language == "en"


@pytest.mark.parametrize(
    "change", [{"confidence": 0.9}, {"scoring.cap": 110}, {"seed": 7}], ids=["confidence", "cap", "seed"]
)
def test_another_setting_is_another_run(parameters, change):
    other = load_parameters(ANDIR, overrides={**change, "output.folder": str(parameters.output.folder)})
    assert identify(other)["run"] != identify(parameters)["run"]


def test_language_and_output_do_not_change_the_run(parameters):
    other = load_parameters(ANDIR, overrides={"language": "en", "output.folder": "elsewhere"})
    assert identify(other)["run"] == identify(parameters)["run"]


def test_a_damaged_evaluation_is_computed_again(run, parameters, monkeypatch, tmp_path):
    elsewhere = parameters.model_copy(update={"output": parameters.output.model_copy(update={"folder": tmp_path})})
    kept = elsewhere.run_folder / FOLDER
    shutil.copytree(parameters.run_folder / FOLDER, kept)
    next(kept.rglob("*.parquet")).write_bytes(b"not a table")
    computed = []
    monkeypatch.setattr(evaluation, "evaluate", lambda *_, **__: computed.append(1) or run)
    assert open_run(elsewhere).id == run.id
    assert computed == [1]


def test_a_report_opens_its_own_run_as_it_is(run, parameters, monkeypatch):
    monkeypatch.setattr(evaluation, "evaluate", lambda *_, **__: pytest.fail("computed again"))
    opened = open_run("no-such-file.yaml", language="en", run_folder=parameters.run_folder)
    assert (opened.id, opened.parameters.language) == (run.id, "en")
    with pytest.raises(ParameterError, match="'fr'"):
        open_run("no-such-file.yaml", language="fr", run_folder=parameters.run_folder)


def test_nothing_is_lost_when_saving_fails(run, tmp_path, monkeypatch):
    save_evaluation(run, tmp_path / FOLDER)
    monkeypatch.setattr(evaluation, "save_record", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_evaluation(run, tmp_path / FOLDER)
    assert load_evaluation(tmp_path / FOLDER).id == run.id
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]


def test_a_past_run_reproduces(run, parameters):
    found = comparison.compare(run, evaluate(parameters))
    assert found.same
    assert found.causes["same"].all()
    assert found.tables["cells"].sum() > 10_000


def test_one_changed_value_is_found_and_named(run):
    ratees = run.scores.ratees.copy()
    ratees.loc[3, "points"] += 0.25
    other = dataclasses.replace(run, scores=dataclasses.replace(run.scores, ratees=ratees))
    found = comparison.compare(run, other)
    assert not found.same
    assert found.changes[["table", "column"]].values.tolist() == [["scores.ratees", "points"]]
    assert found.changes["change"].tolist() == pytest.approx([0.25])
    assert ratees.loc[3, "ratee"] in found.changes.loc[0, "key"]
    assert found.persons["ratee"].tolist() == [ratees.loc[3, "ratee"]]
    assert comparison.compare(run, other, tolerance=0.3).same


def test_a_missing_row_is_a_difference(run):
    shorter = dataclasses.replace(run.scores, units=run.scores.units.iloc[1:])
    found = comparison.compare(run, dataclasses.replace(run, scores=shorter))
    assert not found.same
    assert found.tables.set_index("table").loc["scores.units", "only_a"] == 1
