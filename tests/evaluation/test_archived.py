"""A run that version 0.1.0 kept: it opens, verifies with its differences named, and serves later runs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from kinerja.evaluation import FOLDER, evaluate, load_evaluation
from kinerja.evaluation.storage import NAMES_OF_0_1
from kinerja.evaluation.verification import verify_run
from kinerja.parameters import load_parameters
from kinerja.people.appeal import appeal

KEPT = Path(__file__).parents[1] / "reference" / "run-0.1.0"
LIMITS = {"conf_low", "conf_high"}


@pytest.fixture
def project(tmp_path):
    """A copy of the project with its run, since a later run writes beside it."""
    return Path(shutil.copytree(KEPT, tmp_path / "kantor"))


@pytest.fixture
def run(project):
    return project / "hasil" / "kantor"


def test_it_opens_under_todays_names(run):
    kept = load_evaluation(run / FOLDER)
    assert kept.identity["kinerja"] == "0.1.0" and len(kept.inputs.staff) == 27
    assert len(kept.citizens.index) and len(kept.fairness.checks) and len(kept.calibration.persons) == 27


def test_every_class_that_it_names_is_known(run):
    named = {line.split('"')[3] for path in run.rglob("record.json") for line in path.read_text().splitlines()
             if '"class"' in line}  # fmt: skip
    assert named and named <= set(NAMES_OF_0_1)


def test_it_verifies_but_for_the_level_of_the_calibrations_intervals(run):
    """0.1.0 gave the calibration intervals of 90 % whatever the parameters said; of the rules, files were added to."""
    found = verify_run(run, tolerance=1e-9)
    assert not found.touched and found.settings.empty
    assert set(found.comparison.causes.set_index("part")["same"].loc[["inputs", "parameters"]]) == {True}
    changed = found.comparison.changes
    of_rules = changed["table"] == "rules"
    assert set(changed.loc[of_rules, "column"]) <= {"sha256"}
    assert set(changed.loc[~of_rules, "column"]) == LIMITS
    assert {name.split(".")[0] for name in changed.loc[~of_rules, "table"]} == {"calibration"}


def test_a_changed_file_of_it_is_seen(run):
    (run / "tables.xlsx").write_bytes(b"x")
    assert verify_run(run, tolerance=1e-9).touched == ("tables.xlsx",)


def test_a_later_run_borrows_from_it_and_looks_back_to_it(project):
    text = (project / "kantor.yaml").read_text(encoding="utf-8")
    text += "calibration: {prior_from: hasil/kantor}\nprivacy: {previous_run: hasil/kantor}\n"
    (project / "lanjut.yaml").write_text(text, encoding="utf-8")
    later = evaluate(load_parameters(project / "lanjut.yaml"))
    assert later.calibration.prior is not None and later.calibration_own is not None
    assert len(later.previous) == 27


def test_an_appeal_against_it_moves_the_person_it_is_about(run, tmp_path):
    kept = load_evaluation(run / FOLDER)
    kept = replace(kept, parameters=kept.parameters.model_copy(update={"base": run.parents[1]}))
    score = float(kept.scores.ratees.set_index("ratee").loc["KDua03", "points"])
    change = {"table": "ratings", "where": {"ratee": "KDua03", "role": "supervisor"}, "set": {"rating": score + 10}}
    correction = {"ratee": "KDua03", "asked_by": "KDua03", "asked_on": date(2026, 10, 5), "changes": [change]}
    correction["reason"] = "Salah ketik pada daftar nilai."
    (tmp_path / "koreksi.yaml").write_text(yaml.safe_dump(correction), encoding="utf-8")
    found = appeal(kept, tmp_path / "koreksi.yaml")
    moved = found.comparison.persons.set_index("ratee")
    assert "KDua03" in moved.index and len(found.rows) == 1
