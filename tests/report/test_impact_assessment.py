"""The impact assessment says what the run knows, leaves open what only the office knows, and names nobody."""

from __future__ import annotations

import html
import re
import sys

import pytest

from kinerja import wording
from kinerja.evaluation import evaluate
from kinerja.privacy import scan_files
from kinerja.report.impact_assessment import OPEN_FIELDS, articles, dpia_page, write_dpia
from tests.office import staffed, write_office

PEOPLE = staffed(Satu=[50 + k for k in range(8)], Dua=[60 + k for k in range(9)])


def words(page):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page[page.index("<body") :])).split())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kantor")
    extra = "privacy: {minimum_cell: 6, readers: [Kepala Kantor]}\nobjection: {days: 9}"
    return evaluate(write_office(folder, PEOPLE, extra=extra, comments={"Satu": "Pak Asep 0812 3456 7890 ramah"}))


def test_it_is_filled_from_the_run(run):
    text = words(dpia_page(run))
    assert "17 pegawai diberi skor dari nilai 2 penilai" in text
    assert "3 jenis data digabungkan" in text and "24 jawaban warga" in text
    assert "kurang dari 6 orang ditutup" in text and "Kepala Kantor" in text
    assert "(1 komentar diubah)" in text and "dalam 9 hari" in text
    assert "Pasal 34 UU 27/2022" in text and "belum diatur kantor" in text


def test_a_setting_changes_what_it_says(tmp_path, monkeypatch):
    monkeypatch.setenv("KINERJA_KEY", "rahasia-yang-cukup-panjang")
    other = evaluate(write_office(tmp_path, PEOPLE, extra="calibration: {enabled: false}\ngroups: []"))
    text = words(dpia_page(other))
    assert "tidak aktif" in text and "nomor kantor sendiri" not in text


def test_it_speaks_both_languages_and_leaves_the_offices_part_open(run):
    for language in ("id", "en"):
        page = dpia_page(run, language)
        assert page.count(f"<dd>{wording.text('dpia.field.empty', language)}</dd>") == len(OPEN_FIELDS)
    assert "impact assessment" in words(dpia_page(run, "en"))


def test_every_article_says_where_it_was_read():
    assert {row["article"] for row in articles()} == {"4", "10", "20", "30", "34", "46", "53"}
    assert all(row["source"] and row["status"] == "secondary" for row in articles())


def test_it_names_nobody(run):
    path = write_dpia(run)
    assert path.parent.name == "dpia" and scan_files(path) == ()
    page = path.read_text(encoding="utf-8")
    assert not any(who in page for who, _, _ in PEOPLE) and "AT-" not in page
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", page.split("<body")[1])


def test_the_command_writes_it(tmp_path, monkeypatch, capsys):
    from kinerja import cli

    office = write_office(tmp_path, PEOPLE)
    monkeypatch.setattr(sys, "argv", ["kinerja", "dpia", str(office.file)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code and "dpia.html" in capsys.readouterr().out.replace("\n", "")
    assert (office.run_folder / "dpia" / "dpia.html").is_file()
