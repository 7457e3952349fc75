"""`kinerja plan` and a borrowed prior from end to end: files on disk, the command line, the saved run, the section."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from kinerja import wording
from kinerja.cli import app
from kinerja.errors import ParameterError
from kinerja.evaluation import FOLDER, load_evaluation
from kinerja.report import contents as sections
from kinerja.show.tables import Table

pytestmark = pytest.mark.slow


def command(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def offices(tmp_path_factory):
    """A small office with second raters, and one without that borrows from its run; both planned for."""
    folder = tmp_path_factory.mktemp("offices")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINERJA_LANGUAGE", "id")
        patch.chdir(folder)
        for name, scenario, seed in (("parent", "S7", 5), ("child", "S1", 3)):
            made = command("simulate", "--scenario", scenario, "--seed", seed, "--output", name)
            assert made.exit_code == 0, made.output
        settings = (folder / "child" / "parameters.yaml").read_text(encoding="utf-8")
        borrowed = settings.replace("groups:", "calibration:\n  prior_from: ../parent/outputs/simulated-s7\ngroups:")
        (folder / "child" / "borrowed.yaml").write_text(
            borrowed.replace("run: simulated-s1", "run: borrowed"), encoding="utf-8"
        )
        shown = {name: command("plan", folder / name) for name in ("parent/parameters.yaml", "child/borrowed.yaml")}
    return folder, shown


def test_plan_names_people_and_what_each_action_brings(offices):
    folder, shown = offices
    text = shown["parent/parameters.yaml"]
    assert text.exit_code == 0, text.output
    assert "Penilaian kedua" in text.output and "Rotasi atasan" in text.output
    staff = pd.read_csv(folder / "parent" / "staff.csv")
    named = {word for word in text.output.split() if word in set(staff["ratee"])}
    assert len(named) >= 3
    found = load_evaluation(folder / "parent" / "outputs" / "simulated-s7" / FOLDER).calibration
    assert f"{round(100 * found.evidence_team)} %" in text.output


def test_a_borrowed_prior_is_used_kept_and_shown(offices):
    folder, shown = offices
    assert shown["child/borrowed.yaml"].exit_code == 0, shown["child/borrowed.yaml"].output
    saved = folder / "child" / "outputs" / "borrowed" / FOLDER
    run = load_evaluation(saved)
    with_prior, own = run.calibration, run.calibration_own
    parent = load_evaluation(folder / "parent" / "outputs" / "simulated-s7" / FOLDER).calibration
    np.testing.assert_allclose(with_prior.parameters["prior_mean"], parent.prior.mean)
    assert own.parameters["prior_mean"][1] == 0.0  # the weak prior of severity's share
    assert with_prior.evidence_team > own.evidence_team
    source = folder / "parent" / "outputs" / "simulated-s7" / FOLDER / "identity.json"
    assert run.identity["prior"] == hashlib.sha256(source.read_bytes()).hexdigest()
    for language in wording.LANGUAGES:
        blocks = sections.section("calibration", run, language).blocks
        table = next(block for block in blocks if isinstance(block, Table) and block.name == "borrowed")
        names = [wording.text(f"calibration.{name}", language) for name in ("borrowed", "own")]
        assert [row[0] for row in table.rows] == names
        assert [row[1] for row in table.rows] == [with_prior.evidence_team, own.evidence_team]


def test_a_run_without_calibration_cannot_be_borrowed_from(offices):
    folder, _ = offices
    settings = (folder / "child" / "borrowed.yaml").read_text(encoding="utf-8")
    wrong = folder / "child" / "wrong.yaml"
    wrong.write_text(settings.replace("simulated-s7", "absent"), encoding="utf-8")
    refused = command("plan", wrong)
    assert isinstance(refused.exception, ParameterError)
    assert "calibration.prior_from" in str(refused.exception)
