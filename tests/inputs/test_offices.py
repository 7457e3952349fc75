"""Small and lopsided offices: whatever an office has is evaluated, and what it lacks is said, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinerja import wording
from kinerja.errors import DataError
from kinerja.evaluation import evaluate
from kinerja.parameters import load_parameters
from kinerja.report import contents as sections

PEOPLE = [f"P{n:02d};Unit {n % 2};A{n % 2}" for n in range(1, 13)]
STAFF = "NIP;Unit;Atasan\n" + "\n".join(PEOPLE) + "\n"
# The last two elements by name: systems number them differently, so that U8 and U9 are never guessed.
ANSWERS = "Tanggal;Unit;" + ";".join(f"U{n}" for n in range(1, 8)) + ";Pengaduan;Sarana\n"


def ratings(value):
    return "Periode;NIP;Penilai;Nilai\n" + "".join(f"2026-Q3;P{n:02d};A{n % 2};{value(n)}\n" for n in range(1, 13))


def indicators(realisation):
    head = "Periode;NIP;Indikator;Target;Realisasi;Polaritas;Bobot\n"
    return head + "".join(f"2026-Q3;P{n:02d};Surat;100;{realisation(n)};Maksimal;100\n" for n in range(1, 13))


def answers(count):
    rows = (
        f"{1 + n % 28:02d}/08/2026;Unit {n % 2};" + ";".join(str(2 + (n * k) % 3) for k in range(9))
        for n in range(count)
    )
    return ANSWERS + "\n".join(rows) + "\n"


FILES = {"staff": "pegawai.csv", "ratings": "nilai.csv", "indicators": "iku.csv", "responses": "survei.csv"}
OFFICES = {
    "one overall rating each": {"staff": STAFF, "ratings": ratings(lambda n: 1 + (n * 7) % 5)},
    "everyone rated the same": {"staff": STAFF, "ratings": ratings(lambda n: 4)},
    "two supervisors, one each": {"staff": STAFF, "ratings": ratings(lambda n: 3 + n % 2)},
    "staff alone": {"staff": STAFF},
    "answers alone": {"responses": answers(60)},
    "one answer": {"responses": answers(1)},
    "indicators alone": {"staff": STAFF, "indicators": indicators(lambda n: 80 + n)},
    "targets all met exactly": {"staff": STAFF, "indicators": indicators(lambda n: 100)},
    "ratings and answers": {"staff": STAFF, "ratings": ratings(lambda n: 1 + n % 5), "responses": answers(40)},
    "everything": {
        "staff": STAFF, "ratings": ratings(lambda n: 1 + n % 5), "responses": answers(80),
        "indicators": indicators(lambda n: 70 + 3 * n),
    },
    "one person": {
        "staff": "NIP;Unit;Atasan\nP01;Unit 1;A1\n", "ratings": "Periode;NIP;Penilai;Nilai\n2026-Q3;P01;A1;4\n",
    },
}  # fmt: skip


def office(folder: Path, content, scale="[1, 5]"):
    lines = ["office: {name: Kantor}", "period: {kind: quarter, year: 2026, number: 3}", "sources:"]
    for kind, text in content.items():
        (folder / FILES[kind]).write_text(text, encoding="utf-8")
        lines.append(f"  {kind}: {{path: {FILES[kind]}}}")
    if scale:
        lines.append(f"scoring: {{scale: {scale}}}")
    (folder / "kantor.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_parameters(folder / "kantor.yaml")


@pytest.mark.parametrize("name", OFFICES)
def test_every_section_can_be_written(name, tmp_path):
    run = evaluate(office(tmp_path, OFFICES[name]))
    for language in wording.LANGUAGES:
        for part in sections.NAMES:
            assert sections.section(part, run, language).blocks


@pytest.mark.parametrize("name", ["one overall rating each", "two supervisors, one each", "everyone rated the same"])
def test_nested_ratings_alone_adjust_nobody(name, tmp_path):
    run = evaluate(office(tmp_path, OFFICES[name]))
    people = run.calibration.persons
    assert (people["adjustment"].fillna(0) == 0).all()
    assert (people["calibrated"] == people["observed"]).all()


def test_ratings_that_allow_no_rater_model_are_said(tmp_path):
    run = evaluate(office(tmp_path, OFFICES["one overall rating each"]))
    assert run.rater_fit is None
    assert "no_rater_model" in {finding.code for finding in run.findings}


def test_a_scale_that_nothing_states_is_asked_for(tmp_path):
    with pytest.raises(DataError, match=r"scoring\.scale: found 1 … 5") as caught:
        evaluate(office(tmp_path, OFFICES["one overall rating each"], scale=None))
    assert [problem.code for problem in caught.value.problems] == ["scale_needed"]


def test_points_need_no_scale(tmp_path):
    content = {"staff": STAFF, "ratings": ratings(lambda n: 60 + 3 * n)}
    run = evaluate(office(tmp_path, content, scale=None))
    observed = run.calibration.persons.set_index("ratee")["observed"]
    assert observed["P01"] == 63 and observed["P12"] == 96
    assert run.scores.ratees.set_index("ratee")["points"]["P01"] == 63


def test_the_last_two_elements_are_not_guessed_from_numbers(tmp_path):
    """U8 is complaints in some systems and facilities in others (rules of the SKM, PermenPANRB 14/2017)."""
    numbered = answers(30).replace("Pengaduan;Sarana", "U8;U9")
    run = evaluate(office(tmp_path, {"responses": numbered}))
    assert set(run.citizens.index["reason"]) == {"element_without_answer"}
    assert run.citizens.index["estimate"].isna().all()
    unused = [finding.data for finding in run.findings if finding.code == "columns_not_used"]
    assert unused == [{"file": "survei.csv", "columns": "U8, U9"}]
