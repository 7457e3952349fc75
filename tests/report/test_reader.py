"""A report for one reader holds nothing that is not theirs, and no withheld figure follows by subtraction."""

from __future__ import annotations

import html
import json
import re
import zipfile

import pytest

from kinerja import privacy
from kinerja.errors import DataError, ParameterError
from kinerja.evaluation import FOLDER, evaluate, save_evaluation
from kinerja.report.parts.reader import PARTS, Seen, reader_section, who
from kinerja.report.parts.unit import NAMES, unit_section
from kinerja.report.reader import folder_name, write_reader_report
from kinerja.show.tables.xlsx import workbook_bytes
from tests.office import staffed, write_office

FOUR_UNITS = staffed(
    Teknologi=[70 + k for k in range(9)],
    Umum=[50 + k for k in range(8)],
    Layanan=[60 + k for k in range(7)],
    Arsip=[30, 40, 50],
)


def shown(evaluation, reader, **own):
    """Every table and every word of a reader's report, without running its notebook."""
    sections = [reader_section(name, evaluation, reader, **own) for name in PARTS]
    tables = [table for section in sections for table in section.tables]
    charts = [block for section in sections for block in section.blocks if hasattr(block, "table")]
    text = "\n".join(
        block.to_html() if hasattr(block, "to_html") else block.html for s in sections for block in s.blocks
    )
    return [*tables, *(chart.table for chart in charts)], text


def rows_of(tables, unit):
    """What each table with units says of one of them, as raw values."""
    return [
        [value for value in row if value is not None]
        for table in tables
        for row in table.rows
        if "unit" in [column.key for column in table.columns] and unit in row
    ]


def told(tables, unit):
    """Whether any table of people gives a figure of the unit."""
    return [row for row in rows_of([t for t in tables if t.name == "reader_units"], unit) if len(row) > 1]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return evaluate(write_office(tmp_path_factory.mktemp("kantor"), FOUR_UNITS))


def test_a_unit_of_nine_of_thirteen_is_hidden_when_four_remain(tmp_path):
    office = write_office(tmp_path, staffed(Teknologi=[70 + k for k in range(9)], Lain=[41, 47, 53, 59]))
    evaluation = evaluate(office)
    tables, text = shown(evaluation, "public")
    assert not told(tables, "Teknologi") and not told(tables, "Lain")
    assert told(tables, "Seluruh kantor")  # thirteen people may be shown
    for unit in ("Teknologi", "Lain"):
        tables, text = shown(evaluation, "unit_head", unit=unit)
        assert not told(tables, "Teknologi") and "74,0" not in text  # the mean of technology
        assert "50,0" not in text  # the mean of the other four


def test_fifty_three_of_eight_and_sixty_of_seven_do_not_give_the_eighth(tmp_path):
    evaluation = evaluate(write_office(tmp_path, staffed(Satu=[60] * 7, Dua=[4])))
    for reader, own in (("public", {}), ("unit_head", {"unit": "Satu"}), ("employee", {"ratee": "KSatu03"})):
        tables, text = shown(evaluation, reader, **own)
        office, unit = told(tables, "Seluruh kantor"), told(tables, "Satu")
        assert not (office and unit) and not told(tables, "Dua")
        assert not re.search(r"[^\d]4,0[^\d]", text)
        if reader != "employee":  # whose own sixty points are the employee's to see
            assert "60,0" not in text


def test_one_leaver_between_two_periods_is_not_given_away(tmp_path):
    before = staffed(Satu=[61, 62, 63, 64, 65, 66, 67, 99], Dua=[50 + k for k in range(8)])
    after = [person for person in before if person[0] != "KSatu07"]
    first = write_office(tmp_path, before, quarter=2, name="tw2")
    save_evaluation(evaluate(first), first.run_folder / FOLDER)
    plain = evaluate(write_office(tmp_path, after, name="tw3"))
    assert told(shown(plain, "public")[0], "Satu")  # nothing names the run before: seven people may be shown
    named = "privacy: {previous_run: hasil/tw2%s}"
    compared = evaluate(write_office(tmp_path, after, name="tw3", extra=named % ""))
    for reader, own in (("public", {}), ("unit_head", {"unit": "Dua"}), ("unit_head", {"unit": "Satu"})):
        tables, text = shown(compared, reader, **own)
        assert not told(tables, "Satu") and not told(tables, "Seluruh kantor")
        assert told(tables, "Dua")  # nobody left there
        assert "64,0" not in text  # the mean of those who stayed
    measured = evaluate(write_office(tmp_path, after, name="tw3", extra=named % ", remeasured: true"))
    assert told(shown(measured, "public")[0], "Satu")


def test_the_previous_run_must_be_there(tmp_path):
    with pytest.raises(ParameterError, match="previous_run"):
        write_office(tmp_path, FOUR_UNITS, extra="privacy: {previous_run: hasil/tidak-ada}")


def test_units_are_withheld_alike_in_every_report(run):
    """Arsip has three people; whichever unit is withheld with it is withheld in every reader's report."""
    withheld = set()
    for unit in ("Teknologi", "Umum", "Layanan", "Arsip"):
        text = " ".join(
            getattr(block, "html", "") or block.to_html()
            for name in NAMES
            for block in unit_section(name, run, unit).blocks
            if hasattr(block, "html") or hasattr(block, "to_html")
        )
        tables, _ = shown(run, "unit_head", unit=unit)
        missing = frozenset(u for u in ("Teknologi", "Umum", "Layanan", "Arsip") if not told(tables, u))
        withheld.add(missing)
        if unit in missing:
            mean = {"Layanan": "63,0", "Arsip": "40,0"}[unit]
            assert mean not in text
    assert withheld == {frozenset({"Arsip", "Layanan"})}


@pytest.mark.parametrize("reader", [name for name in privacy.MAY_SEE if name != "office"])
def test_no_colleague_and_no_rater_is_named(run, reader):
    own = {"unit_head": {"unit": "Umum"}, "employee": {"ratee": "KUmum02"}, "public": {}}[reader]
    tables, text = shown(run, reader, **own)
    book = workbook_bytes(tables, title="x", language="id")
    cells = "".join(zipfile.ZipFile(_file(book)).read(n).decode("utf-8", "ignore") for n in _parts(book))
    ids = {who for who, _, _ in FOUR_UNITS} | {f"AT-{unit[:3]}" for _, unit, _ in FOUR_UNITS}
    found = {who for who in ids if who in text or who in cells}
    assert found <= ({"KUmum02"} if reader == "employee" else set())


def test_an_employee_sees_the_own_unit_only(run):
    _, text = shown(run, "employee", ratee="KUmum02")
    assert "Umum" in text and "Teknologi" not in text and "Layanan" not in text


def test_only_a_head_of_unit_reads_comments(tmp_path):
    office = write_office(tmp_path, FOUR_UNITS, comments={"Umum": "Petugas ramah dan cepat sekali melayani warga"})
    evaluation = evaluate(office)
    seen = {
        reader: "ramah" in shown(evaluation, reader, **own)[1]
        for reader, own in (("public", {}), ("employee", {"ratee": "KUmum02"}), ("unit_head", {"unit": "Umum"}))
    }
    assert seen == {"public": False, "employee": False, "unit_head": True}


@pytest.mark.parametrize(
    ("reader", "own", "problem"),
    [("siapa", {}, "reader_unknown"), ("office", {}, "reader_unknown"), ("unit_head", {}, "reader_needs_unit"),
     ("employee", {}, "reader_needs_ratee"), ("public", {"unit": "Umum"}, "reader_takes_nobody"),
     ("employee", {"ratee": "KUmum02", "unit": "Teknologi"}, "reader_other_unit")],
)  # fmt: skip
def test_who_asks_is_checked(run, reader, own, problem):
    with pytest.raises(ParameterError) as caught:
        who(run, reader, **own)
    assert [p.code for p in caught.value.problems] == [problem]


def test_unknown_people_and_units_are_said(run):
    with pytest.raises(DataError, match="'X'"):
        who(run, "unit_head", unit="X")
    with pytest.raises(DataError, match="'X'"):
        who(run, "employee", ratee="X")


def test_folders_of_readers_differ():
    names = {folder_name(Seen(reader="unit_head", unit=unit)) for unit in ("A B", "A-B", "a b", "../x")}
    assert len(names) == 4 and all(re.fullmatch(r"[a-z0-9_-]+", name) for name in names)


@pytest.mark.slow
def test_the_files_handed_over_hold_nothing_else(tmp_path):
    office = write_office(tmp_path, FOUR_UNITS, extra="privacy: {readers: [Kepala]}")
    written = write_reader_report(office, reader="public")
    assert written.folder == office.run_folder / "readers" / "public"
    manifest = json.loads(written.manifest.read_text(encoding="utf-8"))
    assert manifest["reader"] == "public" and manifest["readers"] == ["public"]
    assert manifest["findings"] == [] and "inputs" not in manifest and "parameters" not in manifest
    assert [out["path"] for out in manifest["outputs"]] == [
        "report.html",
        "report.ipynb",
        "summary.json",
        "tables.xlsx",
    ]
    for path in written.folder.iterdir():
        content = path.read_bytes()
        texts = [text for _, text in privacy.texts_of(content, path.name)]
        text = html.unescape("\n".join(texts))
        assert not re.search(r"K(?:Umum|Teknologi|Layanan|Arsip)\d|AT-", text), path.name
        assert "kantor-pegawai" not in text
    assert "Teknologi" in written.html.read_text(encoding="utf-8")
    own = write_reader_report(office, reader="employee", ratee="KUmum02")
    page = own.html.read_text(encoding="utf-8")
    assert "KUmum02" in page and "KUmum03" not in page and own.folder.name.startswith("employee-kumum02-")


def _file(content):
    import io

    return io.BytesIO(content)


def _parts(content):
    return [name for name in zipfile.ZipFile(_file(content)).namelist() if name.endswith(".xml")]
