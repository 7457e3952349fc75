"""The example office: the same bytes each time, the shape that offices have, the oddities that reports need."""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from kinerja.simulation.example import example_folder, make_example, write_example
from kinerja.simulation.example.survey import BURST_QUARTER, BURST_SIZE, BURST_UNIT
from kinerja.simulation.example.work import ITEMS
from kinerja.simulation.responses import ELEMENTS

FOLDER = example_folder()


@pytest.fixture(scope="module")
def example():
    return make_example()


def _content(path: Path) -> dict[str, bytes] | bytes:
    """What is in the file; for XLSX its members, since compressed bytes depend on the zlib of the machine."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def test_the_committed_files_are_what_the_generator_writes(tmp_path):
    write_example(tmp_path)
    names = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*.*"))
    assert len(names) == 8
    for name in names:
        assert _content(tmp_path / name) == _content(FOLDER / name), name


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    one, other = write_example(tmp_path / "a", seed=3), write_example(tmp_path / "b", seed=3)
    for path in one.rglob("*.*"):
        assert path.read_bytes() == (other / path.relative_to(one)).read_bytes(), path.name


def test_the_example_is_small():
    assert sum(p.stat().st_size for p in FOLDER.rglob("*.*")) < 2_500_000


def test_size_and_shape_of_the_office(example):
    postings = example.office.postings
    assert postings["unit"].nunique() == 7
    assert postings["ratee"].nunique() == 140
    assert postings["supervisor"].nunique() == 25
    assert postings.groupby("period")["ratee"].nunique().min() >= 135
    assert not postings.duplicated(["period", "ratee"]).any()
    assert (postings["ratee"] != postings["supervisor"]).all()


def test_supervisors_move_and_second_raters_link(example):
    teams = example.office.postings.query("team != 'Pimpinan'").groupby("supervisor")[["unit", "team"]]
    moved = [rater for rater, places in teams if len(places.drop_duplicates()) > 1]
    assert len(moved) >= 6
    second = example.ratings.query("role == 'second_supervisor'")
    assert 0.08 < len(second) / len(example.ratings.query("role == 'supervisor'")) < 0.12
    first = example.ratings.query("role == 'supervisor'").set_index(["period", "ratee"])["rater"]
    pairs = second.set_index(["period", "ratee"])["rater"]
    assert (pairs != first.loc[pairs.index]).all()


def test_the_strict_and_the_mild_supervisor_show(example):
    """Ten points of 100 is far beyond the spread that 20 ratings of one team leave (SD about 2 of a team's mean)."""
    points = (example.ratings[list(ITEMS)].mean(axis=1) - 1) * 25
    means = points.groupby(example.ratings["rater"]).mean()
    severity = example.office.supervisors.set_index("rater")["severity"]
    assert means[severity.idxmax()] < means.mean() - 10
    assert means[severity.idxmin()] > means.mean() + 10
    assert np.corrcoef(means, severity.loc[means.index])[0, 1] < -0.6


def test_kebonjeruk_serves_less_well(example):
    index = 25 * example.responses.groupby("unit")[list(ELEMENTS)].mean().mean(axis=1)
    assert index.idxmin() == "Kelurahan Kebonjeruk"
    assert index.min() < 76.6 < index.drop("Kelurahan Kebonjeruk").min()  # the only unit graded C


def test_indicators_use_every_polarity_and_some_cannot_be_computed(example):
    assert set(example.indicators["polarity"]) == {
        "maximize", "minimize_difference", "minimize_ratio", "stabilize", "range", "range_minimize"
    }  # fmt: skip
    counts = example.indicators.groupby(["period", "ratee"])
    assert counts.size().between(3, 6).all()
    assert (counts["weight"].sum() == 100).all()
    assert (example.indicators["target"] == 0).any()
    assert 0.01 < example.indicators["realisation"].isna().mean() < 0.04


def test_straight_lines_and_the_burst(example):
    marks = example.responses[list(ELEMENTS)]
    assert len(example.responses) == 4 * 1200
    straight = marks.nunique(axis=1) == 1
    assert 0.03 < straight.mean() < 0.15
    answers = example.responses
    burst = answers.loc[(answers["unit"] == BURST_UNIT) & (answers["period"] == BURST_QUARTER)]
    day = burst.loc[burst["date"].between("2026-09-28 13:00", "2026-09-28 13:35")]
    assert len(day) == BURST_SIZE
    assert (marks.loc[day.index].min(axis=1) == 4).all()


def test_every_identifier_is_clearly_invented(example):
    assert example.office.people["nip"].str.fullmatch(r"0000\d{14}").all()
    comments = " ".join(example.responses["comment"])
    numbers = re.findall(r"\+?\d[\d \-]{7,}\d", comments)
    assert numbers and all("0000" in n for n in numbers)
    assert "Rasvina Tomekar" in comments


def test_files_have_the_shape_that_the_readme_says(example):
    sheet = openpyxl.load_workbook(FOLDER / "pegawai.xlsx").active
    assert [str(r) for r in sheet.merged_cells.ranges] == ["A1:N1"]
    assert [c.value for c in sheet[3]][:3] == ["No", "ID Pegawai", "NIP"]
    assert sheet.max_row == 3 + len(example.office.postings)
    raw = (FOLDER / "penilaian.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf") and raw.count(b"\r\n") == 1 + len(example.ratings)
    ratings = pd.read_csv(FOLDER / "penilaian.csv", sep=";", decimal=",", encoding="utf-8-sig")
    assert ratings["Rata-rata"].to_numpy() == pytest.approx(ratings[list(ITEMS)].mean(axis=1).to_numpy(), abs=0.0051)
    book = openpyxl.load_workbook(FOLDER / "iku.xlsx")
    assert book.sheetnames == ["IKU Pegawai", "IKU Unit"]
    assert book["IKU Unit"].cell(row=book["IKU Unit"].max_row - 1, column=1).value == "JUMLAH"
    with (FOLDER / "survei_kepuasan.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert {len(r) for r in rows} == {19}
    assert len(rows) == 1 + 4800
