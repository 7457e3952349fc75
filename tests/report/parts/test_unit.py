"""The report of one unit: its parts, withheld small cells; a reviewer's sign-off that ends when the run changes."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from kinerja import wording
from kinerja.errors import DataError, ParameterError
from kinerja.parameters import Privacy
from kinerja.report.batch import UNIT_REPORT
from kinerja.report.notebook.run import notebook_parameters
from kinerja.report.parts import unit as sections_unit
from kinerja.report.signoff import read_signoff, sign_off


def office(**sizes):
    """An evaluation with people of some units, half of them `baik`; no feedback, no calibration."""
    rows = [(f"{u}{k}", u, 90.0 + k, 60.0 + k, "baik") for u, n in sizes.items() for k in range(n)]
    people = pd.DataFrame(rows, columns=["ratee", "unit", "attainment", "points", "predikat"])
    distribution = pd.DataFrame({"category": ["kurang", "baik"], "n": [0, len(people)]})
    scores = SimpleNamespace(ratees=people, distribution=distribution)
    parameters = SimpleNamespace(privacy=Privacy(), language="id")
    inputs = SimpleNamespace(staff=people[["ratee", "unit"]])
    return SimpleNamespace(
        scores=scores, parameters=parameters, inputs=inputs, feedback=None, calibration=None, previous=None
    )


def test_the_notebook_takes_what_a_batch_gives():
    assert list(notebook_parameters(UNIT_REPORT)) == ["parameters_file", "language", "run_folder", "base", "unit"]


def test_means_of_a_unit_stand_beside_the_office():
    shown = sections_unit.people_table(office(A=6, B=8)).set_index("unit")
    assert shown.loc["A", "n"] == 6 and shown.loc["A", "observed"] == pytest.approx(62.5)
    assert shown.loc["", "n"] == 14


def test_a_small_unit_is_withheld_with_the_one_that_would_give_it_away():
    shown = sections_unit.people_table(office(A=3, B=8, C=9)).set_index("unit")
    withheld = shown["status"] == "suppressed"
    assert withheld["A"] and withheld.sum() >= 2
    assert shown.loc[withheld, ["n", "attainment", "observed"]].isna().all(axis=None)


def test_predikat_of_small_groups_are_not_shown():
    run = office(A=6, B=8)
    run.scores.ratees.loc[0, "predikat"] = "kurang"
    rows = sections_unit.predikat_rows(run, "A")
    assert (rows["status"] == "suppressed").any()


def test_predikat_of_large_groups_are_shown():
    rows = sections_unit.predikat_rows(office(A=6, B=8), "A")
    assert rows[["predikat", "n", "share"]].to_numpy().tolist() == [["baik", 6, 1.0]]


def test_what_does_not_exist_is_named():
    run = office(A=6, B=8)
    with pytest.raises(ParameterError, match="'x'"):
        sections_unit.unit_section("x", run, "A")
    with pytest.raises(DataError, match=r"'Z'.*A, B"):
        sections_unit.unit_section("people", run, "Z")


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_people_part_is_made_in_both_languages(language):
    part = sections_unit.unit_section("people", office(A=6, B=8), "A", language)
    assert [table.name for table in part.tables] == ["unit_people", "unit_predikat"]


def test_a_sign_off_ends_when_the_manifest_changes(tmp_path):
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    assert read_signoff(tmp_path) is None
    signed = sign_off(tmp_path, name=" R. Sari ", remarks="Sesuai")
    assert (signed.name, signed.remarks, signed.fits) == ("R. Sari", "Sesuai", True)
    (tmp_path / "manifest.json").write_text('{"a": 1}', encoding="utf-8")
    assert not read_signoff(tmp_path).fits
    assert sign_off(tmp_path, name="B").fits
    assert "R. Sari" in (tmp_path / "signoff.json").read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {"manifest.json", "signoff.json"}


def test_a_sign_off_needs_a_name_and_a_run(tmp_path):
    with pytest.raises(ParameterError, match="reviewer's name"):
        sign_off(tmp_path, name=" ")
    with pytest.raises(DataError, match=r"manifest\.json"):
        sign_off(tmp_path, name="R. Sari")
    (tmp_path / "signoff.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="sign again"):
        read_signoff(tmp_path)
