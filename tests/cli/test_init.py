"""`kinerja init` on the files of offices that are unlike each other: it writes parameters that read and evaluate."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from kinerja.cli import app
from kinerja.errors import DataError, ParameterError
from kinerja.evaluation import evaluate, read_inputs
from kinerja.inputs.proposal import propose
from kinerja.inputs.proposal.period import period_in
from kinerja.inputs.proposal.yaml import parameters_text
from kinerja.parameters import load_parameters
from kinerja.simulation.example import example_folder


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding, newline="\n")
    return path


def settled(folder: Path, *files: Path, office: str = "Kantor", language: str = "id", period: str | None = None):
    """The proposal, and the parameters that its file gives."""
    proposal = propose(files, period=period)
    target = folder / "usulan.yaml"
    key = folder / "kantor.key" if proposal.needs_key else None
    if key is not None:
        key.write_text("kunci-rahasia-untuk-uji", encoding="ascii")
    text = parameters_text(proposal, target, office=office, key_file=key, language=language)  # type: ignore[arg-type]
    target.write_text(text, encoding="utf-8", newline="\n")
    return proposal, load_parameters(target)


def kinds(proposal):
    return [table.kind for table in proposal.tables]


# --- the example -------------------------------------------------------------------------------------------------


def test_the_examples_own_files_need_no_editing(tmp_path):
    names = ("pegawai.xlsx", "iku.xlsx", "penilaian.csv", "survei_kepuasan.csv")
    proposal, parameters = settled(tmp_path, *(example_folder() / name for name in names))
    assert kinds(proposal) == ["staff", "indicators", "indicators", "ratings", "responses"]
    assert (proposal.period, proposal.scale) == ("2026-Q3", (1.0, 5.0))
    assert read_inputs(parameters).counts == {
        "ratees": 140, "raters": 25, "ratings": 12852, "indicators": 2688, "responses": 4800,
    }  # fmt: skip


# --- offices that look otherwise -----------------------------------------------------------------------------------


def english_office(folder: Path) -> tuple[Path, ...]:
    """English headers, tabs, peers as raters, long ratings, dates instead of periods."""
    people = [f"E{n:03d}" for n in range(1, 25)]
    staff = write(
        folder / "employees.tsv",
        "Employee ID\tFull name\tDepartment\tJob title\tLine manager\tGender",
        *(f"{p}\tName {p}\tDept {n % 3}\tOfficer\tM{n % 3}\t{'FM'[n % 2]}" for n, p in enumerate(people)),
        *(f"M{k}\tManager {k}\tDept {k}\tManager\t\tF" for k in range(3)),
    )
    rows = [
        f"{p}\tM{n % 3}\tsupervisor\t{item}\t{1 + (n * 7 + k * 3) % 5}\t2026-08-{1 + n:02d}"
        for n, p in enumerate(people)
        for k, item in enumerate(("Quality", "Teamwork", "Initiative"))
    ]
    rows += [
        f"{p}\t{q}\tpeer\t{item}\t{2 + (n * 5 + k) % 4}\t2026-08-20"
        for n, (p, q) in enumerate(pairwise(people))
        for k, item in enumerate(("Quality", "Teamwork", "Initiative"))
    ]
    ratings = write(
        folder / "appraisals.tsv", "Employee ID\tEvaluator\tRelationship\tCriterion\tScore\tRecorded", *rows
    )
    return staff, ratings


QUESTIONS = (
    "Bagaimana pendapat Anda tentang kesesuaian persyaratan pelayanan?",
    "Bagaimana pemahaman Anda tentang kemudahan prosedur pelayanan di unit ini?",
    "Bagaimana pendapat Anda tentang kecepatan waktu dalam memberikan pelayanan?",
    "Bagaimana pendapat Anda tentang kewajaran biaya/tarif dalam pelayanan?",
    "Bagaimana pendapat Anda tentang kesesuaian produk pelayanan dengan standar?",
    "Bagaimana pendapat Anda tentang kompetensi/kemampuan petugas?",
    "Bagaimana pendapat Anda tentang perilaku petugas terkait kesopanan dan keramahan?",
    "Bagaimana pendapat Anda tentang kualitas sarana dan prasarana?",
    "Bagaimana pendapat Anda tentang penanganan pengaduan pengguna layanan?",
)
WORDS = (
    ("Tidak sesuai", "Kurang sesuai", "Sesuai", "Sangat sesuai"),
    ("Tidak mudah", "Kurang mudah", "Mudah", "Sangat mudah"),
    ("Tidak cepat", "Kurang cepat", "Cepat", "Sangat cepat"),
    ("Sangat mahal", "Cukup mahal", "Murah", "Gratis"),
    ("1 - Tidak sesuai", "2 - Kurang sesuai", "3 - Sesuai", "4 - Sangat sesuai"),
    ("Tidak kompeten", "Kurang kompeten", "Kompeten", "Sangat kompeten"),
    ("Tidak sopan dan ramah", "Kurang sopan dan ramah", "Sopan dan ramah", "Sangat sopan dan ramah"),
    ("Buruk", "Cukup", "Baik", "Sangat Baik"),
    ("Tidak ada", "Ada tetapi tidak berfungsi", "Berfungsi kurang maksimal", "Dikelola dengan baik"),
)


def form_office(folder: Path) -> tuple[Path, ...]:
    """One survey as a form tool exports it: a time stamp, profile, nine questions in words, quotation marks."""
    head = ["Timestamp", "Jenis kelamin", "Usia", "Pendidikan terakhir", "Pekerjaan", "Jenis layanan yang diterima",
            *QUESTIONS, "Saran dan masukan untuk perbaikan"]  # fmt: skip
    rows = []
    for n in range(60):
        marks = [words[(n * (k + 2) + k) % 4] for k, words in enumerate(WORDS)]
        profile = ["LP"[n % 2], ("17-25", "26-40", "> 40")[n % 3], ("SMA", "S1")[n % 2], "Wiraswasta", "KTP"]
        rows.append(
            [
                f"{1 + n % 28:02d}/{7 + n % 3:02d}/2026 10:{n:02d}:11",
                *profile,
                *marks,
                "" if n % 4 else "Sudah baik sekali",
            ]
        )
    lines = [",".join(f'"{cell}"' for cell in row) for row in (head, *rows)]
    return (write(folder / "Survei Kepuasan (Jawaban) - Form Responses 1.csv", *lines),)


def workbook_office(folder: Path) -> tuple[Path, ...]:
    """One sheet as an application prints it: a title, two header rows with merged groups, NIP as text, a total row."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Rekap TW III 2026"
    sheet.append(["REKAPITULASI PENILAIAN PERILAKU KERJA TRIWULAN III TAHUN 2026"])
    sheet.append([])
    sheet.append(
        ["No", "NIP", "Nama Pegawai", "Unit Kerja", "Jabatan", "NIP Atasan", "Perilaku Kerja"] + [None] * 3 + ["Jumlah"]
    )
    sheet.append([None] * 6 + ["Orientasi", "Disiplin", "Kerja tim", "Inisiatif", None])
    sheet.merge_cells("A1:K1")
    sheet.merge_cells("G3:J3")
    for column in "ABCDEFK":
        sheet.merge_cells(f"{column}3:{column}4")

    def nip(n):
        return f"1985{1 + n % 12:02d}15201001{1 + n % 2}{n:03d}"

    for n in range(20):
        marks = [60 + (n * 7 + k * 11) % 40 for k in range(4)]
        sheet.append(
            [n + 1, nip(n), f"Pegawai {n}", f"Seksi {n % 2}", "Pelaksana", nip(90 + n % 2), *marks, sum(marks)]
        )
    for k in range(2):
        marks = [88, 80 + k, 90, 85]
        sheet.append([21 + k, nip(90 + k), f"Kasi {k}", f"Seksi {k}", "Kepala Seksi", nip(99), *marks, sum(marks)])
    sheet.append(["JUMLAH", None, None, None, None, None, 1800, 1750, 1790, 1820, 7160])
    sheet.append([None, "Bandung, 2 Oktober 2026"])
    path = folder / "e-kinerja.xlsx"
    book.save(path)
    return (path,)


def minimal_office(folder: Path) -> tuple[Path, ...]:
    """Ratings only, in words, the period in the file's name, Windows-1252."""
    words = ("Di bawah ekspektasi", "Sesuai ekspektasi", "Di atas ekspektasi")
    rows = [f"Pegawai {n} – é;Atasan {n % 3};{words[(n * 5) % 3]}" for n in range(18)]
    return (
        write(folder / "hasil kerja semester 1 2026.csv", "Nama Pegawai;Nama Atasan;Nilai", *rows, encoding="cp1252"),
    )


def unnamed_office(folder: Path) -> tuple[Path, ...]:
    """Headers that no alias knows: people found by NIP and by joins, answers by content, the period by dates."""

    def nip(n):
        return f"1990{1 + n % 12:02d}10201503{1 + n % 2}{n:03d}"

    staff = write(folder / "daftar.csv", "Kolom A;Nama;Unit Kerja;Kolom D",
                  *(f"{nip(n)};Orang {n};Unit {n % 2};{nip(50 + n % 2)}" for n in range(16)),
                  *(f"{nip(50 + k)};Kepala {k};Unit {k};" for k in range(2)))  # fmt: skip
    rows = (
        f"{nip(n)};{nip(50 + n % 2)};{1 + n:02d}/09/2026;{1 + n % 5};{1 + n * 3 % 5};{1 + n * 7 % 5}" for n in range(16)
    )
    marks = write(folder / "hasil.csv", "Siapa;Oleh;Hari;Mutu kerja;Kecekatan;Kerapian", *rows)
    return staff, marks


OFFICES = {
    "English headers": (english_office, ["staff", "ratings"], "2026-Q3", (1.0, 5.0)),
    "a form's export": (form_office, ["responses"], "2026-Q3", None),
    "a printed workbook": (workbook_office, ["staff", "ratings"], "2026-Q3", (0.0, 100.0)),
    "ratings in words only": (minimal_office, ["ratings"], "2026-S1", (1.0, 3.0)),
    "headers nobody knows": (unnamed_office, ["staff", "ratings"], "2026-Q3", (1.0, 5.0)),
}


@pytest.mark.parametrize("name", OFFICES)
def test_an_unlike_office_evaluates_without_editing(name, tmp_path):
    make, expected, period, scale = OFFICES[name]
    proposal, parameters = settled(tmp_path, *make(tmp_path), office=name)
    assert kinds(proposal) == expected
    assert (proposal.period, proposal.scale) == (period, scale) or scale == (0.0, 100.0)
    run = evaluate(parameters)
    for kind in expected:
        assert len(getattr(run.inputs, kind)) > 10
    assert all(0 < table.confidence < 1 for table in proposal.tables)


# --- the command -------------------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("KINERJA_LANGUAGE", "id")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("KINERJA_KEY", raising=False)
    monkeypatch.chdir(tmp_path)

    def command(*words):
        return CliRunner().invoke(app, ["init", *map(str, words)])

    return command


def test_the_command_shows_its_proposal_and_writes_a_file_that_checks(run, tmp_path):
    done = run(*english_office(tmp_path), "--office", "Dinas Uji", "--language", "en")
    assert done.exit_code == 0, done.output
    assert "staff list" in done.output or "staff" in done.output
    assert load_parameters(tmp_path / "parameters" / "dinas-uji-2026-q3.yaml").office.name == "Dinas Uji"
    assert "no problems" in done.output


def test_a_parameters_file_is_never_overwritten_unasked(run, tmp_path):
    files = english_office(tmp_path)
    target = write(tmp_path / "a.yaml", "milik: saya")
    done = run(*files, "--output", target)
    assert isinstance(done.exception, ParameterError)
    assert [p.code for p in done.exception.problems] == ["exists_already"]
    assert target.read_text(encoding="utf-8") == "milik: saya\n"
    assert run(*files, "--output", target, "--force").exit_code == 0


def test_people_known_by_nip_get_a_key_outside_the_project(run, tmp_path):
    folder = tmp_path / "proyek"
    folder.mkdir()
    done = run(*workbook_office(folder), "--output", folder / "a.yaml", "--office", "Kantor")
    assert done.exit_code == 0, done.output
    key = tmp_path / ".kinerja" / "kantor.key"
    assert len(key.read_text(encoding="ascii").strip()) == 64
    assert key.read_text(encoding="ascii").strip() not in done.output + (folder / "a.yaml").read_text(encoding="utf-8")
    assert "no problems" in done.output or "tidak ada masalah" in done.output


def test_nothing_says_the_period(run, tmp_path):
    files = [write(tmp_path / "nilai.csv", "ID Pegawai;ID Penilai;Nilai", *(f"P{n};A1;{1 + n % 5}" for n in range(9)))]
    done = run(*files)
    assert [p.code for p in done.exception.problems] == ["period_needed"]
    assert run(*files, "--period", "2026-S2").exit_code == 0
    assert [p.code for p in run(*files, "--period", "kemarin").exception.problems] == ["bad_period"]


def test_a_file_that_is_no_table_of_an_evaluation_is_named(tmp_path):
    with pytest.raises(DataError) as caught:
        propose([write(tmp_path / "resep.csv", "Bahan;Gram", "Tepung;200", "Gula;100")])
    assert [(p.where, p.code) for p in caught.value.problems] == [("resep.csv", "not_recognised")]


@pytest.mark.parametrize(
    "title", ['Unit: "x" # {a: b}', "Unit\\n!!python/object", "- &a *a", "=cmd|' /C calc'!A0", "ʼ ̈ é"]
)
def test_any_header_survives_the_yaml(title, tmp_path):
    rows = (f"P{n};A{n % 2};{1 + n % 5};x{n}" for n in range(9))
    file = write(
        tmp_path / "2026-Q3.csv", f'ID Pegawai;ID Penilai;Nilai;"{title.replace(chr(34), chr(34) * 2)}"', *rows
    )
    _, parameters = settled(tmp_path, file, office=title)
    assert parameters.office.name == title
    assert len(read_inputs(parameters).ratings) == 9


@pytest.mark.parametrize(
    ("text", "period"),
    [("Rekap TW III 2026", "2026-Q3"), ("penilaian_TW3_2026", "2026-Q3"), ("data_2026_08_pegawai", "2026-08"),
     ("Juli 2026", "2026-07"), ("S1 2026", "2026-S1"), ("Semester 2 Tahun 2025", "2025-S2"), ("tahun 2026", "2026"),
     ("ratings_2026Q3", "2026-Q3"), ("lampiran 3", None), ("NIP 198501012010011001", None)],
)  # fmt: skip
def test_periods_are_read_from_names(text, period):
    assert period_in(text) == period
