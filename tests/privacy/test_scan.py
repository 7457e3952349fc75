"""The last look at every file: personal data planted in each format are found, and ordinary figures are not."""

from __future__ import annotations

import gzip
import html
import json
import zlib

import openpyxl
import pandas as pd
import pytest

from kinerja import report
from kinerja.errors import DataError
from kinerja.privacy import NOBODY, Known, redact, scan_files
from kinerja.report import files as report_files
from tests.office import staffed, write_office

PLANTED = {
    "nip": "198501012010011001",
    "nik": "3273050101850001",
    "phone": "0812-3456-7890",
    "name": "Budi Santoso",
    "email": "budi.s@example.org",
}
KNOWN = Known(names=("Budi Santoso", "Siti Aminah"))


def _html(path, text):
    middle = len(text) // 2
    path.write_text(f"<p>Catatan: <b>{text[:middle]}</b>{text[middle:]}.</p>", encoding="utf-8")


def _entities(path, text):
    path.write_text("<p>" + "".join(f"&#{ord(c)};" for c in text) + "</p>", encoding="utf-8")


def _xlsx(path, text):
    book = openpyxl.Workbook()
    book.active.append(["catatan", text])
    book.save(path)


def _parquet(path, text):
    pd.DataFrame({"nilai": [1.5, 2.5], "catatan": ["baik", f"lihat {text}"]}).to_parquet(path)


def _json(path, text):
    path.write_text(json.dumps({"catatan": "".join(f"\\u{ord(c):04x}" for c in text)}).replace("\\\\u", "\\u"))


def _ipynb(path, text):
    output = {"output_type": "stream", "name": "stdout", "text": [f"lihat {text}\n"]}
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": [], "outputs": [output]}]}))


def _svg(path, text):
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg"><text>{html.escape(text)}</text></svg>')


def _csv(path, text):
    path.write_text(f"unit;catatan\nA;{text}\n", encoding="utf-8")


def _gzip(path, text):
    path.write_bytes(gzip.compress(f"lihat {text}".encode()))


def _pdf(path, text):
    """Words in glyph codes of a font with its own table, as programs write them."""
    codes = {letter: k for k, letter in enumerate(dict.fromkeys(text), start=1)}
    rows = "\n".join(f"<{code:04x}> <{ord(letter):04x}>" for letter, code in codes.items())
    cmap = zlib.compress(f"1 beginbfchar\n{rows}\nendbfchar".encode())
    shown = "".join(f"{codes[letter]:04x}" for letter in text)
    page = zlib.compress(f"BT /F1 12 Tf [<{shown}>] TJ ET".encode())
    objects = (
        b"1 0 obj << /Font << /F1 2 0 R >> >> endobj\n2 0 obj << /Type /Font /ToUnicode 3 0 R >> endobj\n"
        b"3 0 obj << >>\nstream\n"
        + cmap
        + b"\nendstream\nendobj\n4 0 obj << >>\nstream\n"
        + page
        + b"\nendstream\nendobj"
    )
    path.write_bytes(b"%PDF-1.7\n" + objects)


FORMATS = {"html": _html, "htm": _entities, "xlsx": _xlsx, "parquet": _parquet, "json": _json, "ipynb": _ipynb,
           "svg": _svg, "csv": _csv, "gz": _gzip, "pdf": _pdf}  # fmt: skip


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_planted_is_found_and_its_place_named(suffix, kind, tmp_path):
    path = tmp_path / f"keluaran.{suffix}"
    FORMATS[suffix](path, PLANTED[kind])
    found = scan_files(tmp_path, KNOWN)
    assert {p.data["kind"] for p in found} == {kind}
    assert found[0].where.startswith(path.name) and PLANTED[kind] not in found[0].found
    FORMATS[suffix](path, "Pelayanan cepat")
    assert scan_files(tmp_path, KNOWN) == ()


@pytest.mark.parametrize(
    "text",
    ["<td>62</td><td>857</td><td>123</td><td>456</td>",  # cells beside each other are no telephone number
     "<td>19850101</td><td>201001</td><td>1</td><td>001</td>",
     "0.8123456789012345", "1234567890.123456", "sha256: 3273050101850001aa", "2026-09-30T08:12:34", "1.234.567,89",
     "9999999999999999"],  # sixteen digits, but no province and no date
)  # fmt: skip
def test_ordinary_figures_are_not_personal_data(text, tmp_path):
    (tmp_path / "a.html").write_text(text, encoding="utf-8")
    assert scan_files(tmp_path, KNOWN) == ()


def test_the_marks_of_a_pdf_are_no_telephone_number(tmp_path):
    marks = zlib.compress(b"1 0 2 20 (11-08) (0812-0-0) (8428-0-1) (0812-1-0)")
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7\n1 0 obj << /Type /ObjStm /First 9 >>\nstream\n" + marks + b"\nendstream\nendobj")
    assert scan_files(path, KNOWN) == ()


def test_a_name_is_found_among_thousands(tmp_path):
    many = Known(names=tuple(f"Orang Nomor{k}" for k in range(3000)) + KNOWN.names)
    (tmp_path / "a.html").write_text("<p>" + "kata biasa " * 4000 + "SITI  AMINAH, S.Sos</p>", encoding="utf-8")
    assert [p.data["kind"] for p in scan_files(tmp_path, many)] == ["name"]


def test_the_offices_own_contact_may_stand_in_its_report(tmp_path):
    (tmp_path / "a.html").write_text("<p>Keberatan: unit@example.org, 0812-3456-7890</p>", encoding="utf-8")
    assert len(scan_files(tmp_path, NOBODY)) == 2
    assert scan_files(tmp_path, Known(own=("Unit SDM, unit@example.org, 0812-3456-7890",))) == ()
    (tmp_path / "a.html").write_text("198501012010011001", encoding="utf-8")
    assert scan_files(tmp_path, Known(own=("Kepala, NIP 198501012010011001",)))  # a NIP is nobody's contact


def test_a_comment_loses_what_is_personal():
    text = "Pak Asep (0812 3456 7890) di Jl. Merdeka No 5 ramah; NIP 198501012010011001. Pak Camat juga."
    clean = redact(text, ["Budi Santoso"])
    assert not any(word in clean for word in ("Asep", "0812", "Merdeka", "1985"))
    assert "Pak Camat" in clean and "ramah" in clean


def test_nothing_is_moved_where_a_file_would_give_someone_away(tmp_path):
    (tmp_path / "hasil").mkdir()
    (tmp_path / "hasil" / "report.html").write_text("lama", encoding="utf-8")
    with pytest.raises(DataError) as caught, report_files.staged(tmp_path / "hasil") as stage:
        (stage / "report.html").write_text("baru", encoding="utf-8")
        _xlsx(stage / "tables.xlsx", PLANTED["nip"])
    assert [p.where.split(":")[0] for p in caught.value.problems] == ["tables.xlsx"]
    assert [p.name for p in (tmp_path / "hasil").iterdir()] == ["report.html"]
    assert (tmp_path / "hasil" / "report.html").read_text(encoding="utf-8") == "lama"


@pytest.mark.slow
def test_a_run_that_would_write_a_nip_is_refused_and_leaves_nothing(tmp_path):
    office = write_office(tmp_path, staffed(Satu=[50 + k for k in range(8)], Dua=[60 + k for k in range(8)]))
    named = office.model_copy(update={"office": office.office.model_copy(update={"name": f"Kantor {PLANTED['nip']}"})})
    with pytest.raises(DataError) as caught:
        report.write_report(named)
    assert {p.code for p in caught.value.problems} == {"leaked"}
    assert not (tmp_path / "hasil").exists()
