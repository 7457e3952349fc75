"""Sound but unlike files: encodings, decimal commas, merged headers, totals; everything wrong is said at once."""

from __future__ import annotations

from datetime import date

import openpyxl
import pytest

from kinerja import wording
from kinerja.errors import DataError
from kinerja.inputs import read_sources
from kinerja.parameters import Period, Privacy, Sources

PERIOD = Period(kind="quarter", year=2026, number=3)
HEAD = "Periode;ID Pegawai;ID Penilai;Aspek;Nilai;Tanggal"


def read(folder, period=PERIOD, **content):
    given = {}
    for kind, text in content.items():
        path = folder / f"{kind}.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        given[kind] = {"path": str(path)}
    return read_sources(Sources.model_validate(given), period=period, privacy=Privacy(), scale=(1.0, 5.0))


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("KINERJA_KEY", raising=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_usual_encoding_and_line_end_gives_the_same(encoding, end, tmp_path):
    text = end.join(["ID Pegawai;Unit Kerja;Jabatan", "P1;Seksi Résumé;Staf", "P2;Seksi Résumé;Staf"]) + end
    staff = read(tmp_path, staff=text.encode(encoding)).staff
    assert staff["unit"].tolist() == ["Seksi Résumé"] * 2


@pytest.mark.parametrize(
    ("delimiter", "number"), [(";", "3,5"), (",", '"3,5"'), ("\t", "3,5"), (";", "3.5"), (",", "3.5")]
)
def test_decimal_commas_and_points_give_the_same(delimiter, number, tmp_path):
    lines = ("Periode ID_Pegawai ID_Penilai Nilai", f"2026-Q3 P1 A1 {number}", "2026-Q3 P2 A1 4")
    text = "\n".join(line.replace(" ", delimiter).replace("_", " ") for line in lines)
    assert read(tmp_path, ratings=text).ratings["rating"].tolist() == [3.5, 4.0]


def test_merged_headers_and_totals_of_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["REKAP"], [], ["No", "ID Pegawai", "ID Penilai", "Perilaku Kerja", None, None],
                [None, None, None, "Kompeten", "Adaptif", "Kolaboratif"],
                [1, "P1", "A1", 4, 5, 3], [2, "P2", "A1", 3, 3, 2], ["JUMLAH", None, None, 7, 8, 5],
                [None, "Bandung, 2 Oktober 2026"]):  # fmt: skip
        sheet.append(row)
    for merged in ("A1:F1", "D3:F3", "A3:A4", "B3:B4", "C3:C4"):
        sheet.merge_cells(merged)
    path = tmp_path / "rekap.xlsx"
    book.save(path)
    given = Sources.model_validate({"ratings": {"path": str(path), "layout": "wide"}})
    inputs = read_sources(given, period=PERIOD, privacy=Privacy(), scale=(1.0, 5.0))
    assert len(inputs.ratings) == 6 and inputs.ratings["rating"].sum() == 20
    assert set(inputs.left_out["reason"]) >= {"total_row", "remark"}


def test_every_problem_of_every_file_at_once_with_its_place(tmp_path):
    with pytest.raises(DataError) as caught:
        read(
            tmp_path,
            staff="ID Pegawai;Unit;Atasan\nP1;U;P1\nP1;V;A1\nA1;U;\n",
            ratings=f"{HEAD}\n2026-Q3;P1;A1;x;empat;01/09/2026\n2026-Q3;P1;A1;y;9;01/09/2026\n2026-Q3;P1;A1;z;4;31/02/2026\n",
        )
    table = wording.problem_table(caught.value.problems, "id")
    assert list(table.columns) == ["file", "row", "column", "value", "rule", "allowed", "way_out"]
    assert set(zip(table["file"], table["row"], table["rule"], strict=True)) >= {
        ("staff.csv", 3, "duplicate_person"), ("ratings.csv", 2, "not_a_number"), ("ratings.csv", 3, "off_scale"),
        ("ratings.csv", 4, "no_such_day"),
    }  # fmt: skip
    assert (table[["value", "allowed", "way_out"]] != "").all().all()


def test_ratings_made_after_the_period_belong_to_it_unless_the_day_is_given(tmp_path):
    text = f"{HEAD}\n2026-Q3;P1;A1;x;4;30/09/2026\n2026-Q3;P2;A1;x;3;05/10/2026\n"
    assert len(read(tmp_path, ratings=text).ratings) == 2
    early = read(tmp_path, PERIOD.model_copy(update={"as_of": date(2026, 9, 30)}), ratings=text)
    assert early.ratings["ratee"].tolist() == ["P1"]
    assert len(early.left_out) == 1


def _codes():
    known = wording.rows("sentence")
    return {key: row for key, row in known.items() if key.startswith("problem.") and key.count(".") == 2}


@pytest.mark.parametrize("code", sorted({key.split(".")[1] for key in _codes()}))
def test_every_problem_says_what_is_allowed_and_the_way_out(code):
    for part in ("allowed", "way_out"):
        sentence = _codes()[f"problem.{code}.{part}"]
        assert all(
            sentence[language].strip().endswith((".", "?", "!", "`", ")", "}", ";")) for language in ("en", "id")
        ), sentence
