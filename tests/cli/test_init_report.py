"""Four offices as unlike as offices are: `kinerja init` on their files, then `kinerja report`, and nothing edited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.test_init import english_office, form_office, workbook_office, write


def health_office(folder: Path) -> tuple[Path, ...]:
    """A health agency: semicolons, decimal commas, a title above the header, totals below, ratings wide."""
    places = ("Puskesmas Andir", "Puskesmas Garuda")
    staff = write(
        folder / "daftar pegawai.csv",
        "DAFTAR PEGAWAI DINAS KESEHATAN;;;",
        ";;;",
        "ID Pegawai;Unit Kerja;Jabatan;Atasan Langsung",
        *(f"D{n:02d};{places[n % 2]};Perawat;K{n % 2}" for n in range(20)),
        *(f"K{k};{places[k]};Kepala Puskesmas;" for k in range(2)),
    )
    ratings = write(
        folder / "penilaian TW 3 2026.csv",
        "ID Pegawai;Penilai;Berorientasi pelayanan;Akuntabel;Kompeten",
        *(f"D{n:02d};K{n % 2};{70 + n % 9},5;{75 + n % 7},25;{80 - n % 11},0" for n in range(20)),
    )
    indicators = write(
        folder / "iku TW 3 2026.csv",
        "ID Pegawai;Indikator;Target;Realisasi;Satuan",
        *(f"D{n:02d};Kunjungan rumah;{10 + n % 3},0;{9 + n % 4},5;kunjungan" for n in range(20)),
        *(f"D{n:02d};Cakupan imunisasi;95,0;{90 + n % 8},75;persen" for n in range(20)),
        "JUMLAH;;2.130,5;2.105,0;",
    )
    return staff, ratings, indicators


def parquet_office(folder: Path) -> tuple[Path, ...]:
    """The same tables as an English-speaking office exports them, as Parquet."""
    made = []
    for path in english_office(folder):
        table = pd.read_csv(path, sep="\t")
        for column in table.columns:
            if column == "Recorded":
                table[column] = pd.to_datetime(table[column])
        made.append(path.with_suffix(".parquet"))
        table.to_parquet(made[-1])
        path.unlink()
    return tuple(made)


OFFICES = {
    "health agency": (health_office, 22, 0),
    "printed workbook": (workbook_office, 22, 0),
    "form's export": (form_office, 0, 60),
    "parquet": (parquet_office, 27, 0),
}


def kinerja(folder, *words):
    env = {k: v for k, v in os.environ.items() if k != "KINERJA_KEY"}
    env |= {"HOME": str(folder), "USERPROFILE": str(folder), "KINERJA_LANGUAGE": "id"}
    return subprocess.run(
        [sys.executable, "-m", "kinerja", *map(str, words)],
        cwd=folder, env=env, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", OFFICES)
def test_an_unlike_office_gets_its_report_without_editing(name, tmp_path):
    make, people, answers = OFFICES[name]
    files = make(tmp_path)
    begun = kinerja(tmp_path, "init", *files, "--office", "Kantor Uji", "--output", "parameters/kantor.yaml")
    assert begun.returncode == 0, begun.stdout + begun.stderr
    done = kinerja(tmp_path, "report", "parameters/kantor.yaml")
    assert done.returncode == 0, begun.stdout + done.stdout + done.stderr
    folder = tmp_path / "outputs" / "kantor"
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    shown = {fact["label"]: fact["value"] for fact in summary["facts"]}
    assert shown.get("pegawai", "0") == str(people) and shown.get("jawaban warga", "0") == str(answers)
    assert summary["findings"] and (folder / "tables.xlsx").is_file()
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Kantor Uji" in page and "Traceback" not in done.stderr
