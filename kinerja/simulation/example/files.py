"""The example's frames as the files that an office has: merged titles, Indonesian headers, total rows, decimal commas.

The same frames give the same bytes: workbook properties and times inside the XLSX archive are fixed.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.styles import Alignment, Font

from kinerja.simulation.example.office import ExampleOffice
from kinerja.simulation.example.survey import quarter_start
from kinerja.simulation.example.work import ITEMS
from kinerja.simulation.responses import ELEMENTS

STAMP = datetime(2026, 10, 5, 8, 0, 0)
"""The day on which all example files were "made"."""

ROLES = {"supervisor": "Atasan Langsung", "second_supervisor": "Penilai Kedua"}
POLARITIES = {
    "maximize": "Maksimal",
    "minimize_difference": "Minimal (selisih)",
    "minimize_ratio": "Minimal (rasio)",
    "stabilize": "Stabil",
    "range": "Rentang",
    "range_minimize": "Rentang minimal",
}
ELEMENT_HEADERS = dict(
    zip(
        ELEMENTS,
        (
            "Persyaratan",
            "Sistem, Mekanisme, dan Prosedur",
            "Waktu Penyelesaian",
            "Biaya/Tarif",
            "Produk Spesifikasi Jenis Pelayanan",
            "Kompetensi Pelaksana",
            "Perilaku Pelaksana",
            "Penanganan Pengaduan, Saran dan Masukan",
            "Sarana dan Prasarana",
        ),
        strict=True,
    )
)


def write_staff(path: Path, office: ExampleOffice) -> None:
    """pegawai.xlsx: a merged title, an empty row, the header in row 3, one row an employee and quarter."""
    frame = office.postings.merge(office.people, on="ratee").sort_values(["period", "ratee"])
    columns = {
        "ID Pegawai": "ratee", "NIP": "nip", "Nama": "name", "Unit Kerja": "unit", "Seksi/Tim": "team",
        "Layanan": "service", "Jabatan": "position", "Golongan": "grade", "Status Kepegawaian": "status",
        "Jenis Kelamin": "sex", "Generasi": "generation", "Atasan Langsung": "supervisor", "Triwulan": "period",
    }  # fmt: skip
    rows = [(i + 1, *row) for i, row in enumerate(_plain(frame[list(columns.values())]))]
    book = openpyxl.Workbook()
    title = "DAFTAR PEGAWAI DAN ATASAN LANGSUNG KECAMATAN ANDIR (DATA REKAAN)"
    _sheet(book, "Pegawai", title, ("No", *columns), rows)
    _save(book, path)


def write_ratings(path: Path, ratings: pd.DataFrame) -> None:
    """penilaian.csv: semicolons, decimal commas, byte-order mark, Windows ends; a row a ratee, rater and quarter."""
    frame = ratings.sort_values(["period", "ratee", "role", "rater"], ascending=[True, True, False, True])
    marks = frame[list(ITEMS)].to_numpy()
    lines = [["Triwulan", "ID Pegawai", "ID Penilai", "Peran Penilai", "Tanggal Penilaian", *ITEMS, "Rata-rata"]]
    for row, values in zip(frame.itertuples(), marks, strict=True):
        day = quarter_start(str(row.period)) + timedelta(days=93 + int(str(row.rater)[1:]) % 7)
        average = f"{values.mean():.2f}".replace(".", ",")
        lines.append(
            [str(row.period), str(row.ratee), str(row.rater), ROLES[str(row.role)], f"{day:%d/%m/%Y}"]
            + [str(v) for v in values]
            + [average]
        )
    _write_csv(path, lines, ";", "\r\n", bom=True)


def write_indicators(path: Path, employees: pd.DataFrame, units: pd.DataFrame) -> None:
    """iku.xlsx: one sheet for employees, one for units; a total row and a printed-by line stand below the data."""
    book = openpyxl.Workbook()
    for sheet, frame, key, header in (
        ("IKU Pegawai", employees, "ratee", "ID Pegawai"),
        ("IKU Unit", units, "unit", "Unit Kerja"),
    ):
        shown = frame.assign(polarity=frame["polarity"].map(POLARITIES))
        dates = [quarter_start(p) + timedelta(days=89) for p in shown["period"]]
        names = ["period", key, "indicator", "measure", "polarity", "target", "target_high", "realisation", "weight"]
        rows: list[tuple[object, ...]] = [(*r, d) for r, d in zip(_plain(shown[names]), dates, strict=True)]
        rows.append(("JUMLAH", None, f"{len(shown)} indikator", *[None] * 5, float(shown["weight"].sum()), None))
        rows.append(("Dicetak dari aplikasi kinerja kecamatan, 5 Oktober 2026", *[None] * 9))
        headers = ("Triwulan", header, "Indikator Kinerja", "Satuan", "Polaritas", "Target", "Target Atas",
                   "Realisasi", "Bobot (%)", "Tanggal")  # fmt: skip
        _sheet(book, sheet, "REALISASI INDIKATOR KINERJA (DATA REKAAN)", headers, rows)
    _save(book, path)


def write_responses(path: Path, responses: pd.DataFrame) -> None:
    """survei_kepuasan.csv: as an online form exports it: commas, a time stamp, profile, nine elements, comment."""
    columns = {
        "Unit Layanan": "unit", "Seksi/Loket": "team", "Jenis Layanan": "service", "Kanal": "channel", "Umur": "age",
        "Jenis Kelamin": "sex", "Pendidikan": "education", "Pekerjaan": "work",
    }  # fmt: skip
    lines = [["Cap waktu", *columns, *ELEMENT_HEADERS.values(), "Saran/Komentar"]]
    marks = responses[list(ELEMENTS)].to_numpy()
    for row, values in zip(responses.itertuples(), marks, strict=True):
        lines.append(
            [f"{row.date:%d/%m/%Y %H:%M:%S}"]
            + [str(getattr(row, c)) for c in columns.values()]
            + ["" if np.isnan(v) else str(int(v)) for v in values]
            + [str(row.comment)]
        )
    _write_csv(path, lines, ",", "\n", bom=False)


def write_truth(folder: Path, frames: dict[str, pd.DataFrame]) -> None:
    """truth/<name>.csv, plain."""
    for name, frame in frames.items():
        frame.round(4).to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")


def _plain(frame: pd.DataFrame) -> Iterable[tuple[object, ...]]:
    """Rows of Python values, missing ones None."""
    for row in frame.itertuples(index=False):
        yield tuple(None if v is None or v == "" or v != v else v for v in row)


def _sheet(
    book: openpyxl.Workbook, name: str, title: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Title merged over the whole width in row 1, row 2 empty, header in row 3."""
    sheet = book.create_sheet(name)
    sheet.append([title])
    sheet.append([])
    sheet.append(list(header))
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(header))
    sheet["A1"].font = Font(bold=True, size=13)
    sheet["A1"].alignment = Alignment(horizontal="center")
    for cell in sheet[3]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A4"
    for row in rows:
        sheet.append(list(row))
    if "Sheet" in book.sheetnames:
        del book["Sheet"]


def _save(book: openpyxl.Workbook, path: Path) -> None:
    """Write the workbook with every time stamp set to STAMP; openpyxl itself would write the clock's."""
    book.properties.creator = "kinerja.example"  # as in the workbook that the package carries, whose bytes stay
    book.properties.created = STAMP
    written = io.BytesIO()
    book.save(written)
    stamp = f"{STAMP:%Y-%m-%dT%H:%M:%S}Z"
    with (
        zipfile.ZipFile(written) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp.encode(), content)
            fixed = zipfile.ZipInfo(entry.filename, STAMP.timetuple()[:6])
            fixed.compress_type, fixed.create_system = zipfile.ZIP_DEFLATED, 0
            target.writestr(fixed, content)


def _write_csv(path: Path, lines: Iterable[Sequence[str]], delimiter: str, end: str, *, bom: bool) -> None:
    def quoted(cell: str) -> str:
        return f'"{cell.replace(chr(34), chr(34) * 2)}"' if delimiter in cell or '"' in cell else cell

    text = "".join(delimiter.join(quoted(c) for c in line) + end for line in lines)
    path.write_bytes(text.encode("utf-8-sig" if bom else "utf-8"))
