"""The corpus of bad and odd inputs: each a small office whose files hold one slip, and what must be said of it.

A case builds its files in a folder, and names the code, the spreadsheet row and the header that the first problem must
have (or the finding, or the reason under which a row is listed).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl

from kinerja.parameters import Period, Privacy, Sources

PERIOD = Period(kind="quarter", year=2026, number=3)

STAFF = """ID Pegawai;Unit Kerja;Atasan;Jabatan
P1;Kelurahan Campaka;P9;Staf
P2;Kelurahan Campaka;P9;Staf
P3;Kelurahan Maleber;P9;Staf
P9;Kelurahan Maleber;;Lurah
"""
RATINGS = """Periode;ID Pegawai;ID Penilai;Peran;Aspek;Nilai
2026-Q3;P1;P9;Atasan;Akuntabel;4
2026-Q3;P2;P9;Atasan;Akuntabel;3
2026-Q3;P3;P9;Atasan;Akuntabel;5
"""
INDICATORS = """Periode;ID Pegawai;Indikator;Target;Realisasi;Polaritas;Bobot
2026-Q3;P1;Surat selesai;100;90;Maksimal;60
2026-Q3;P1;Keluhan;10;8;Minimal;40
2026-Q3;P2;Surat selesai;100;95;Maksimal;100
"""
RESPONSES = """Tanggal;Unit;Persyaratan;Prosedur;Waktu Penyelesaian;Biaya/Tarif;Produk;\
Kompetensi;Perilaku;Pengaduan;Sarana;Saran
02/07/2026;Kelurahan Campaka;3;3;3;4;3;3;4;3;3;
03/07/2026;Kelurahan Maleber;4;4;3;4;3;3;4;3;3;bagus
04/07/2026;Kelurahan Maleber;4;4;3;4;3;3;4;3;2;
"""
AGGREGATED = """Periode;Unit;Unsur;Rata-rata;Jumlah Responden
2026-Q3;Kelurahan Campaka;Persyaratan;3,25;40
2026-Q3;Kelurahan Campaka;Biaya/Tarif;3,5;40
2026-Q3;Kelurahan Maleber;Persyaratan;3,1;35
"""
PUBLISHED = """Periode;Unit;IKM;Mutu
2026-Q3;Kelurahan Campaka;87,28;B
2026-Q3;Kelurahan Maleber;80,5;B
2026-Q2;Kelurahan Maleber;79,5;B
"""
TEXTS = {
    "staff": STAFF,
    "ratings": RATINGS,
    "indicators": INDICATORS,
    "responses": RESPONSES,
    "aggregated": AGGREGATED,
    "published": PUBLISHED,
}

Content = str | bytes


@dataclass(frozen=True, kw_only=True)
class Case:
    """One slip.

    Fields
    ------
    name : what is wrong
    files : kind -> content of its file, beside the sound ones of `also`
    code : of the first problem of that file; empty where it is a finding or a row left out
    row, column : of that problem (None: not asserted)
    found : part of what the problem shows
    finding, reason : what says so where the input is read all the same
    settings : of the source (sheet, decimal, columns, ...)
    suffix : of the file
    also : kinds whose sound files stand beside
    arguments : of `read_sources`
    """

    name: str
    files: Mapping[str, Content]
    code: str = ""
    row: int | None = None
    column: str | None = None
    found: str = ""
    finding: str = ""
    reason: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    suffix: str = ".csv"
    also: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def sources(self, folder: Path) -> Sources:
        """Write the files and describe them."""
        given: dict[str, Any] = {}
        for kind in self.also:
            given[kind] = {"path": _written(folder / f"{kind}-baik.csv", TEXTS[kind])}
        for kind, content in self.files.items():
            given[kind] = {"path": _written(folder / f"{kind}{self.suffix}", content), **self.settings}
        return Sources.model_validate(given)


def _written(path: Path, content: Content) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def workbook(*rows: tuple[Any, ...], change: Callable[[Any], None] | None = None, title: str = "Data") -> bytes:
    """An XLSX file with one sheet; `change` may do more to the workbook."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if change:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cells(kind: str) -> list[tuple[Any, ...]]:
    """The sound table of a kind as rows for `workbook`, numbers as numbers."""
    return [tuple(_typed(cell) for cell in line.split(";")) for line in TEXTS[kind].splitlines()]


def _typed(cell: str) -> Any:
    try:
        return float(cell.replace(",", ".")) if cell else None
    except ValueError:
        return cell


def edited(kind: str, row: int, header: str, value: str) -> str:
    """The sound text of a kind with one cell changed; row as a spreadsheet counts."""
    lines = [line.split(";") for line in TEXTS[kind].splitlines()]
    lines[row - 1][lines[0].index(header)] = value
    return "\n".join(";".join(line) for line in lines) + "\n"


def _cell(kind: str, header: str, value: str, code: str, row: int = 3, **more: Any) -> Case:
    shown = value if len(value) < 40 else ""
    return Case(
        name=f"{kind}: {header} = {value!r:.40}",
        files={kind: edited(kind, row, header, value)},
        code=code,
        row=row,
        column=header,
        found=more.pop("found", shown),
        **more,
    )


def _cells() -> list[Case]:
    """One cell of an otherwise sound table."""
    cases = []
    for value in (
        "empat",
        "4 4",
        "4/5",
        "--",
        "1.2.3",
        "=A1+1",
        "1e999",
        "12:30",
        "4,,5",
        "NaN%",
        "４½",
        "TRUE",
        "[4]",
    ):
        code = {"=A1+1": "formula_no_value"}.get(value, "not_a_number")
        cases.append(_cell("ratings", "Nilai", value, code))
    for value in ("#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!"):
        cases.append(_cell("ratings", "Nilai", value, "cell_error"))
        cases.append(_cell("indicators", "Realisasi", value, "cell_error"))
    for value in ("9", "0", "-1", "55", "5,5"):
        cases.append(
            _cell(
                "ratings", "Nilai", value, "off_scale", found=value.replace(",", "."), arguments={"scale": (1.0, 5.0)}
            )
        )
    for value in ("seratus", "100 berkas", "12-15", "±5", "1,2,3", "∞"):
        cases.append(_cell("indicators", "Target", value, "not_a_number"))
    cases += [
        _cell("indicators", "Target", "-100", "negative"),
        _cell("indicators", "Bobot", "-5", "negative"),
        _cell("indicators", "Indikator", "", "missing_value"),
        _cell("indicators", "ID Pegawai", "", "missing_value"),
        _cell("ratings", "ID Pegawai", "", "missing_value"),
        _cell("ratings", "ID Penilai", "", "missing_value"),
        _cell("ratings", "Aspek", "", "missing_value"),
        _cell("ratings", "Periode", "", "missing_value"),
        _cell("aggregated", "Unit", "", "missing_value"),
        _cell("aggregated", "Unsur", "", "missing_value"),
        _cell("published", "Unit", "", "missing_value"),
        _cell("staff", "ID Pegawai", "", "missing_value"),
        _cell("staff", "Atasan", "P2", "supervisor_self"),
        _cell("ratings", "Peran", "Tetangga", "unknown_role"),
        _self_case(),
        _cell("indicators", "Polaritas", "miring", "unknown_polarity"),
        _cell("aggregated", "Jumlah Responden", "-3", "not_a_count"),
        _cell("aggregated", "Jumlah Responden", "12,5", "not_a_count", found="12.5"),
        _cell("aggregated", "Rata-rata", "tinggi", "not_a_number"),
        _cell("published", "IKM", "B+", "not_a_number"),
        _cell("staff", "ID Pegawai", "1,98501E+17", "id_as_number"),
        _cell("staff", "ID Pegawai", "1.98501E+17", "id_as_number"),
        _cell("staff", "ID Pegawai", "=B2", "formula_no_value"),
        _cell("staff", "ID Pegawai", "x" * 300, "id_not_plain"),
        _cell("staff", "Jabatan", "08123456789", "personal_number"),
        _cell("staff", "Unit Kerja", "198501012010011001", "personal_number", found="1985…001"),
        _cell("staff", "Unit Kerja", "#REF!", "cell_error"),
    ]
    for value in ("kapan-kapan", "TW 7 2026", "Triwulan V 2026", "2026-Q5", "2026-13", "13/2026", "1850", "Q3Q4 2026"):
        cases.append(_cell("ratings", "Periode", value, "not_a_period"))
    for value in ("31/02/2026", "32/07/2026", "30/13/2026", "2026-02-30", "29/02/2026"):
        cases.append(_cell("responses", "Tanggal", value, "no_such_day"))
    for value in ("kemarin", "1/2", "07-2026-", "25:61", "2 Juliet 2026", "99999999"):
        cases.append(_cell("responses", "Tanggal", value, "not_a_date"))
    for value in ("02/07/1899", "1970-01-01", "02/07/2999"):
        cases.append(_cell("responses", "Tanggal", value, "date_range"))
    for value in ("02/07/2062", "2028-01-01"):
        cases.append(_cell("responses", "Tanggal", value, "future_date", found=""))
    for value in ("5", "0", "-1", "44", "2,5,1"):
        code = "not_a_number" if value == "2,5,1" else "off_scale"
        cases.append(_cell("responses", "Persyaratan", value, code))
    cases.append(_cell("responses", "Perilaku", "lumayan", "not_a_number"))
    return cases


def _self_case() -> Case:
    return Case(
        name="role self for somebody else",
        files={"ratings": edited("ratings", 3, "Peran", "Diri sendiri")},
        code="other_as_self",
        row=3,
        column="ID Penilai",
    )


def _tables() -> list[Case]:
    """Tables that do not agree with themselves or with one another."""
    circle = STAFF.replace("P9;Kelurahan Maleber;;Lurah", "P9;Kelurahan Maleber;P1;Lurah")
    long_circle = "NIP;Unit;Atasan\n" + "".join(f"P{k};U;P{(k + 1) % 30}\n" for k in range(30))
    more = RATINGS + "2026-Q3;P1;P9;Atasan;Akuntabel;2\n"
    oneself = RATINGS + "2026-Q3;P9;P9;Atasan;Akuntabel;5\n"
    return [
        Case(name="circle of two", files={"staff": circle}, code="supervisor_cycle", row=2, column="Atasan"),
        Case(name="circle of thirty", files={"staff": long_circle}, code="supervisor_cycle", row=2, column="Atasan"),
        Case(
            name="person twice",
            files={"staff": STAFF + "P2;Kelurahan Maleber;P9;Staf\n"},
            code="duplicate_person",
            row=6,
            column="ID Pegawai",
        ),
        Case(name="person copied", files={"staff": STAFF + "P2;Kelurahan Campaka;P9;Staf\n"}, finding="duplicate_rows"),
        Case(name="rating twice", files={"ratings": more}, code="duplicate_rating", row=5, column="Nilai"),
        Case(name="oneself as supervisor", files={"ratings": oneself}, code="self_as_other", row=5, column="Peran"),
        Case(
            name="unknown ratee",
            files={"ratings": edited("ratings", 3, "ID Pegawai", "P22")},
            also=("staff",),
            code="unknown_ratee",
            row=3,
            column="ID Pegawai",
            found="P22",
        ),
        Case(
            name="unknown rater",
            files={"ratings": edited("ratings", 4, "ID Penilai", "P8")},
            also=("staff",),
            code="unknown_rater",
            row=4,
            column="ID Penilai",
        ),
        Case(
            name="unknown person in indicators",
            files={"indicators": edited("indicators", 4, "ID Pegawai", "X1")},
            also=("staff",),
            code="unknown_ratee",
            row=4,
        ),
        Case(
            name="unit misspelt",
            files={"responses": edited("responses", 3, "Unit", "Kelurahan Malebar")},
            also=("staff",),
            code="unknown_unit",
            row=3,
            column="Unit",
        ),
        Case(
            name="unit in capitals",
            files={"responses": edited("responses", 3, "Unit", "KELURAHAN  MALEBER")},
            also=("staff",),
            finding="units_respelt",
        ),
        Case(
            name="unit of another office",
            files={"responses": edited("responses", 3, "Unit", "Puskesmas")},
            also=("staff",),
            finding="units_without_staff",
        ),
        Case(
            name="indicator twice",
            files={"indicators": INDICATORS + "2026-Q3;P1;Keluhan;12;8;Minimal;40\n"},
            code="duplicate_indicator",
            row=5,
            column="Indikator",
        ),
        Case(
            name="element twice",
            files={"aggregated": AGGREGATED + "2026-Q3;Kelurahan Campaka;Persyaratan;3,9;40\n"},
            code="duplicate_element",
            row=5,
            column="Unsur",
        ),
        Case(
            name="published twice",
            files={"published": PUBLISHED + "2026-Q3;Kelurahan Campaka;80;B\n"},
            code="duplicate_element",
            row=5,
        ),
        Case(
            name="questionnaire twice",
            files={"responses": "No Responden;Tanggal;Unit;Persyaratan\n1;02/07/2026;A;3\n1;02/07/2026;A;4\n"},
            code="duplicate_response",
            row=3,
            column="No Responden",
        ),
        Case(
            name="upper target below the lower",
            files={"indicators": "NIP;Indikator;Target Bawah;Target Atas;Realisasi\nP1;Kunjungan;20;10;15\n"},
            code="target_order",
            row=2,
            column="Target Atas",
        ),
        Case(
            name="declared group is nowhere",
            files={"staff": STAFF},
            arguments={"groups": ("gender",)},
            code="extra_missing",
            column="gender",
        ),
        Case(
            name="NIP without a key",
            files={"staff": edited("staff", 3, "ID Pegawai", "198501012010011001")},
            code="nip_without_key",
            row=3,
            column="ID Pegawai",
            found="1985…001",
        ),
        Case(
            name="NIP in groups without a key",
            files={"staff": edited("staff", 3, "ID Pegawai", "19850101 201001 1 001")},
            code="nip_without_key",
            row=3,
        ),
        Case(
            name="names instead of ids",
            files={"staff": "Nama Pegawai;Unit\nAsep Sunandar;A\nNeni Rohaeni;B\n"},
            code="name_without_key",
            row=2,
        ),
        Case(
            name="rows after the period",
            files={"ratings": RATINGS + "2026-Q4;P1;P9;Atasan;Akuntabel;4\n"},
            finding="later_rows",
            reason="after_the_day",
        ),
        Case(
            name="rows after the day of the report",
            files={"responses": RESPONSES},
            arguments={"period": PERIOD.model_copy(update={"as_of": date(2026, 7, 3)})},
            finding="later_rows",
            reason="after_the_day",
        ),
        Case(
            name="rating corrected later",
            files={
                "ratings": "Periode;NIP;Penilai;Nilai;Tanggal\n2026-Q3;P1;P9;3;01/09/2026\n2026-Q3;P1;P9;4;05/09/2026\n"
            },
            finding="ratings_superseded",
            reason="superseded",
        ),
        Case(name="rating not given", files={"ratings": edited("ratings", 3, "Nilai", "")}, reason="not_given"),
        Case(
            name="rating not given, a dash", files={"ratings": edited("ratings", 3, "Nilai", "-")}, reason="not_given"
        ),
        Case(
            name="empty questionnaire",
            files={"responses": RESPONSES + "05/07/2026;A;;;;;;;;;;\n"},
            reason="empty_questionnaire",
        ),
    ]


def _layouts() -> list[Case]:
    """Headers, separators, encodings, totals."""
    total = RATINGS + "JUMLAH;;;;;12\n"
    signature = RATINGS + ";;;;;\n;;;;Bandung, 30 September 2026;\n;;;;Camat Andir;\n"
    return [
        Case(name="empty file", files={"ratings": ""}, code="empty_file"),
        Case(name="white space only", files={"ratings": " \n\n\t\n"}, code="empty_file"),
        Case(name="header only", files={"ratings": RATINGS.splitlines()[0] + "\n"}, code="no_rows"),
        Case(
            name="header and blank rows",
            files={"ratings": RATINGS.splitlines()[0] + "\n;;;;;\n;;;;;\n"},
            code="no_rows",
        ),
        Case(
            name="another table", files={"ratings": "Kota;Penduduk\nBandung;2500000\n"}, code="header_not_found", row=1
        ),
        Case(
            name="prose", files={"ratings": "Laporan kinerja tahun ini baik.\nTerima kasih.\n"}, code="header_not_found"
        ),
        Case(
            name="no rating column",
            files={"ratings": RATINGS.replace("Nilai", "Warna")},
            code="column_missing",
            column="rating",
        ),
        Case(
            name="no rater column",
            files={"ratings": RATINGS.replace("ID Penilai", "Warna")},
            code="column_missing",
            column="rater",
        ),
        Case(
            name="no person column", files={"staff": "Unit Kerja;Jabatan\nA;B\n"}, code="column_missing", column="ratee"
        ),
        Case(name="no answers", files={"responses": "Tanggal;Unit\n02/07/2026;A\n"}, code="column_missing"),
        Case(
            name="no realisation",
            files={"indicators": "NIP;Indikator;Target\nP1;A;3\n"},
            code="column_missing",
            column="realisation",
        ),
        Case(
            name="no indicator",
            files={"indicators": "NIP;Target;Realisasi\nP1;3;3\n"},
            code="column_missing",
            column="indicator",
        ),
        Case(
            name="neither person nor unit",
            files={"indicators": "Indikator;Target;Realisasi\nA;3;3\n"},
            code="column_missing",
            column="ratee",
        ),
        Case(
            name="no unit",
            files={"aggregated": "Unsur;Rata-rata\nPersyaratan;3\n"},
            code="column_missing",
            column="unit",
        ),
        Case(name="no value", files={"published": "Unit;Mutu\nA;B\n"}, code="column_missing", column="value"),
        Case(
            name="named header is missing",
            files={"ratings": RATINGS},
            settings={"columns": {"rating": "Skor Akhir"}},
            code="header_missing",
            column="Skor Akhir",
        ),
        Case(
            name="named column does not exist",
            files={"ratings": RATINGS},
            settings={"columns": {"raiting": "Nilai"}},
            code="unknown_column",
            column="raiting",
        ),
        Case(
            name="constant for no column",
            files={"ratings": RATINGS},
            settings={"constants": {"colour": "red"}},
            code="unknown_column",
            column="colour",
        ),
        Case(
            name="constant that cannot be read",
            files={"ratings": "NIP;Penilai;Nilai\nP1;P9;4\n"},
            settings={"constants": {"period": "kapan"}},
            code="not_a_period",
            column="period",
        ),
        Case(
            name="constant role unknown",
            files={"ratings": "NIP;Penilai;Nilai\nP1;P9;4\n"},
            settings={"constants": {"role": "boss"}},
            code="unknown_role",
            column="role",
        ),
        Case(
            name="header twice",
            files={"ratings": "NIP;Penilai;Nilai;Nilai\nP1;P9;4;5\n"},
            code="header_twice",
            row=1,
            column="Nilai",
        ),
        Case(
            name="item's header is missing",
            files={"ratings": "NIP;Penilai;A\nP1;P9;4\n"},
            settings={"layout": "wide", "items": {"a": "A", "b": "B"}},
            code="header_missing",
            row=1,
            column="B",
        ),
        Case(
            name="wide cell off the scale",
            files={"ratings": "NIP;Penilai;A;B\nP1;P9;4;3\nP2;P9;4;7\n"},
            settings={"layout": "wide", "items": {"a": "A", "b": "B"}},
            arguments={"scale": (1.0, 5.0)},
            code="off_scale",
            row=3,
            column="B",
            found="7",
        ),
        Case(
            name="wide cell with text",
            files={"ratings": "NIP;Penilai;A;B\nP1;P9;baik;3\n"},
            settings={"layout": "wide", "items": {"a": "A", "b": "B"}},
            code="not_a_number",
            row=2,
            column="A",
        ),
        Case(
            name="wide without items",
            files={"ratings": "NIP;Penilai\nP1;P9\n"},
            settings={"layout": "wide"},
            code="no_items",
        ),
        Case(name="total row", files={"ratings": total}, reason="total_row"),
        Case(name="average row", files={"ratings": RATINGS + "Rata-rata;;;;;4\n"}, reason="total_row"),
        Case(name="signature below", files={"ratings": signature}, reason="remark"),
        Case(name="source below", files={"ratings": RATINGS + "Sumber: BKPSDM;;;;;\n"}, reason="remark"),
        Case(
            name="blank row inside",
            files={"ratings": RATINGS.replace("2026-Q3;P2", ";;;;;\n2026-Q3;P2")},
            reason="blank_row",
        ),
        Case(
            name="numbered columns",
            files={"ratings": RATINGS.replace("\n2026-Q3;P1", "\n(1);(2);(3);(4);(5);(6)\n2026-Q3;P1")},
            reason="column_numbers",
        ),
        Case(
            name="header on each page",
            files={"ratings": RATINGS + RATINGS.splitlines()[0] + "\n2026-Q3;P9;P1;Bawahan;Akuntabel;4\n"},
            reason="repeated_header",
        ),
        Case(
            name="a separator too many",
            files={"ratings": RATINGS.replace("Akuntabel;3", "Akun;tabel;3")},
            code="cell_without_header",
            row=3,
        ),
        Case(name="quotation mark left open", files={"ratings": RATINGS.replace("P2;P9", '"P2;P9')}, code="csv_quote"),
        Case(
            name="quotation mark closed lines below",
            files={"ratings": RATINGS.replace("Q3;P1", 'Q3;"P1').replace("P3;P9", 'P3";P9')},
            code="csv_quote",
        ),
        Case(
            name="unknown encoding",
            files={"ratings": RATINGS},
            settings={"encoding": "klingon"},
            code="encoding_unknown",
            found="klingon",
        ),
        Case(
            name="wrong encoding",
            files={"ratings": RATINGS.replace("Akuntabel", "Akuntabèl").encode("cp1252")},
            settings={"encoding": "utf-8"},
            code="encoding",
            row=2,
        ),
        Case(name="not Windows-1252 either", files={"ratings": RATINGS.encode() + b"\x81\x8d\xff"}, code="encoding"),
        Case(
            name="thousands or decimals",
            files={"indicators": "NIP,Indikator,Target,Realisasi\nP1,A,1.234,5\n"},
            code="ambiguous_number",
            row=2,
            column="Target",
        ),
        Case(
            name="dots as decimals against the setting",
            files={"ratings": edited("ratings", 3, "Nilai", "4.5")},
            settings={"decimal": ","},
            code="not_a_number",
            row=3,
        ),
        Case(name="a million columns", files={"ratings": ";".join(["x"] * 1_000_000) + "\n"}, code="too_many_columns"),
        Case(
            name="three thousand columns below", files={"ratings": RATINGS + ";" * 3000 + "\n"}, code="too_many_columns"
        ),
        Case(
            name="a period too long beside the evaluated one",
            files={"ratings": RATINGS + "2026;P1;P9;Atasan;Akuntabel;4\n"},
            finding="period_coarser",
        ),
        Case(
            name="only a period too long",
            files={"ratings": RATINGS.replace("2026-Q3", "2026")},
            code="period_absent",
            column="Periode",
            found="0/",
        ),
        Case(name="no period at all", files={"ratings": "NIP;Penilai;Nilai\nP1;P9;4\n"}, finding="period_assumed"),
        Case(name="no role", files={"ratings": "NIP;Penilai;Nilai\nP1;P9;4\n"}, finding="role_assumed"),
        Case(
            name="column without title",
            files={"ratings": "NIP;Penilai;Nilai;\nP1;P9;4;x\nP2;P9;4;y\n"},
            finding="column_without_title",
        ),
        Case(name="other columns", files={"staff": STAFF.replace("Jabatan", "Hobi")}, finding="columns_not_used"),
    ]


def _formats() -> list[Case]:
    """Files that are not what their name says, damaged, locked or hostile."""
    sound = workbook(*cells("ratings"))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/workbook.xml", "<workbook/>")
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * (40 * 1024**2))
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as packed:
        packed.writestr("readme.txt", "hello")
    entity = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sound)) as old, zipfile.ZipFile(entity, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            content = old.read(part)
            if part.startswith("xl/worksheets/sheet"):
                content = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + content
            new.writestr(part, content)

    def formula(book: Any) -> None:
        book.active["F3"] = "=1+2"

    def far_away(book: Any) -> None:
        book.active.cell(row=1_048_576, column=16_384).value = "x"

    def beside(book: Any) -> None:
        book.active["J3"] = "catatan: sudah dicek"

    long_number = [*cells("staff")]
    long_number[2] = (198501012010011000, *long_number[2][1:])
    as_date = [*cells("ratings")]
    as_date[2] = (*as_date[2][:5], date(2026, 4, 3))
    id_date = [*cells("staff")]
    id_date[2] = (date(2026, 4, 3), *id_date[2][1:])

    def xlsx(name: str, content: bytes, **more: Any) -> Case:
        kind = more.pop("kind", "ratings")
        return Case(name=name, files={kind: content}, suffix=more.pop("suffix", ".xlsx"), **more)

    return [
        xlsx("text called xlsx", RATINGS.encode(), finding="other_format"),
        xlsx("workbook called csv", sound, suffix=".csv", finding="other_format"),
        xlsx("zip called xlsx", other.getvalue(), code="not_xlsx"),
        xlsx("zip bomb", bomb.getvalue(), code="zip_bomb"),
        xlsx("entities in a sheet", entity.getvalue(), code="damaged_file"),
        xlsx("half a workbook", sound[: len(sound) // 2], code="damaged_file"),
        xlsx("workbook with zeros inside", sound[:200] + b"\0" * 400 + sound[600:], code="damaged_file"),
        xlsx("empty archive", b"PK\x05\x06" + b"\0" * 18, code="not_xlsx"),
        xlsx("old Excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, suffix=".xls", code="old_or_locked_excel"),
        xlsx("PDF", b"%PDF-1.7\n%abc\n", suffix=".pdf", code="not_a_table"),
        xlsx("picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, suffix=".xlsx", code="not_a_table"),
        xlsx("packed CSV", b"\x1f\x8b" + b"abc", suffix=".csv", code="packed_file"),
        xlsx(
            "web page called xls", b"<html><table><tr><td>NIP</td></tr></table></html>", suffix=".xls", code="html_file"
        ),
        xlsx("JSON", b'{"nip": "P1"}', suffix=".csv", code="not_a_table"),
        xlsx("random bytes", bytes(range(1, 256)) + b"\0" * 9, suffix=".csv", code="binary_file"),
        xlsx("Parquet cut off", b"PAR1" + b"abc" * 20, suffix=".parquet", code="damaged_file"),
        xlsx("empty sheet", workbook(), code="empty_file"),
        xlsx(
            "formula without value",
            workbook(*cells("ratings"), change=formula),
            code="formula_no_value",
            row=3,
            column="Nilai",
        ),
        xlsx("a cell at the end of the sheet", workbook(*cells("ratings"), change=far_away), code="too_many_columns"),
        xlsx("note beside the table", workbook(*cells("ratings"), change=beside), reason="beside_the_table"),
        xlsx("unknown sheet", sound, settings={"sheet": "Rekap"}, code="sheet_unknown", found="Rekap"),
        xlsx("sheet number too high", sound, settings={"sheet": 4}, code="sheet_unknown", found="4"),
        xlsx("sheet number zero", sound, settings={"sheet": 0}, code="sheet_unknown"),
        xlsx("NIP as number", workbook(*long_number), kind="staff", code="id_as_number", row=3, column="ID Pegawai"),
        xlsx("number turned into a date", workbook(*as_date), code="date_in_number", row=3, column="Nilai"),
        xlsx("id turned into a date", workbook(*id_date), kind="staff", code="id_as_date", row=3, column="ID Pegawai"),
        xlsx(
            "error cell",
            workbook(*cells("ratings")[:2], ("2026-Q3", "P2", "P9", "Atasan", "Akuntabel", "#DIV/0!")),
            code="cell_error",
            row=3,
            column="Nilai",
        ),
    ]


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></table><h1>x",
    "{{ 7 * 7 }}",
    "{% include '/etc/passwd' %}",
    "../../../etc/passwd",
    "..\\..\\windows\\system32",
    '=HYPERLINK("http://x")',
    "=cmd|' /C calc'!A0",
    "+1+1|x",
    "@SUM(A1)",
    "-2+3|x",
    "javascript:alert(1)",
    "[klik](javascript:alert(1))",
    "$(rm -rf x)",
    "x'); DROP TABLE pegawai; --",
    "%s%n%x",
    "\u202egnp.exe",
    "$\\LaTeX$",
)
"""Text that must stay text wherever it goes: into a page, a template, a workbook, a path, a shell, a query."""


def _hostile() -> list[Case]:
    """Read as the text that it is; tests of the outputs say that it stays text there."""
    units = [Case(name=f"unit {t!r:.30}", files={"staff": edited("staff", 3, "Unit Kerja", t)}) for t in HOSTILE]
    quoted = [(t, '"' + t.replace('"', '""') + '"') for t in HOSTILE]
    comments = [
        Case(name=f"comment {t!r:.30}", files={"responses": edited("responses", 3, "Saran", cell)})
        for t, cell in quoted
        if ";" not in t
    ]
    return [case for case in units if ";" not in str(case.name)] + comments


CASES = [*_cells(), *_tables(), *_layouts(), *_formats(), *_hostile()]
PRIVACY = Privacy()
