"""A period that a source does not hold is a problem that names what it holds; nothing is evaluated or written."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from kinerja import wording
from kinerja.cli import app
from kinerja.errors import DataError
from kinerja.evaluation import read_inputs
from kinerja.inputs import read_sources
from kinerja.inputs.period import MOST_PERIODS, listed
from kinerja.inputs.section import data
from kinerja.parameters import Period, Privacy, Sources, load_parameters
from kinerja.show.tables import Table
from tests.inputs.bad_inputs import AGGREGATED, INDICATORS, RATINGS, RESPONSES, STAFF, TEXTS

ROOT = Path(__file__).parents[2]
Q3, Q4 = (Period(kind="quarter", year=2026, number=number) for number in (3, 4))
DATED_STAFF = "Triwulan;ID Pegawai;Unit\n2026-Q3;P1;A\n2026-Q3;P9;A\n"
WIDE = "Periode;ID Pegawai;ID Penilai;Akuntabel;Kompeten\n2026-Q3;P1;P9;4;3\n2026-Q2;P2;P9;3;3\n"
BY_DATE = "NIP;Penilai;Nilai;Tanggal\nP1;P9;4;01/09/2026\nP2;P9;3;05/10/2026\n"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("KINERJA_KEY", raising=False)


def source(folder, text, how, name):
    """A CSV text as a file or a database table of another kind."""
    lines = [line.split(";") for line in text.strip().split("\n")]
    if how == "csv":
        path = folder / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        return {"path": str(path)}
    if how == "xlsx":
        book = openpyxl.Workbook()
        for line in lines:
            book.active.append(line)
        book.save(folder / f"{name}.xlsx")
        return {"path": str(folder / f"{name}.xlsx")}
    frame = pd.DataFrame(lines[1:], columns=lines[0])
    if how == "parquet":
        frame.to_parquet(folder / f"{name}.parquet")
        return {"path": str(folder / f"{name}.parquet")}
    with sqlite3.connect(folder / "kantor.db") as base:
        frame.to_sql(name, base, index=False)
    base.close()
    return {"url": f"sqlite:///{(folder / 'kantor.db').as_posix()}", "table": name}


def read(given, period):
    return read_sources(Sources.model_validate(given), period=period, privacy=Privacy(), scale=(1.0, 5.0))


def problems(given, period):
    with pytest.raises(DataError) as caught:
        read(given, period)
    found = caught.value.problems
    for problem in found:
        for language in wording.LANGUAGES:
            assert "{" not in wording.problem_sentence(problem, language)
    return found


CASES = {
    "staff": ("staff", DATED_STAFF, {}, "Triwulan", 2),
    "long ratings": ("ratings", RATINGS, {}, "Periode", 3),
    "wide ratings": ("ratings", WIDE, {"layout": "wide"}, "Periode", 2),
    "dated ratings": ("ratings", BY_DATE.replace("05/10", "05/09"), {}, "Tanggal", 2),
    "indicators": ("indicators", INDICATORS, {}, "Periode", 3),
    "responses": ("responses", RESPONSES, {}, "Tanggal", 3),
    "summarised responses": ("responses", RESPONSES, {"summarise": True}, "Tanggal", 3),
    "aggregated": ("aggregated", AGGREGATED, {}, "Periode", 3),
}


@pytest.mark.parametrize("how", ["csv", "xlsx", "sqlite", "parquet"])
@pytest.mark.parametrize("name", CASES)
def test_each_kind_says_which_periods_it_holds(name, how, tmp_path):
    kind, text, settings, column, rows = CASES[name]
    if settings.get("summarise") and how not in ("sqlite", "parquet"):
        pytest.skip("only these are read in pieces")
    given = {kind: {**source(tmp_path, text, how, kind), **settings}}
    assert len(read(given, Q3).files) == 1
    (problem,) = problems(given, Q4)
    column = "period" if settings.get("summarise") else column
    assert (problem.code, problem.column, problem.found) == ("period_absent", column, f"0/{rows}")
    assert "2026-Q3" in problem.data["periods"] and problem.data["near"] == "2026-Q3"
    assert "2026-Q3" in wording.problem_sentence(problem, "id")


def test_all_kinds_and_other_slips_are_said_at_once(tmp_path):
    texts = {**TEXTS, "staff": DATED_STAFF, "ratings": RATINGS.replace(";4\n", ";9\n")}
    given = {kind: source(tmp_path, text, "csv", kind) for kind, text in texts.items()}
    found = problems(given, Q4)
    codes = [(p.where, p.code) for p in found]
    absent = {"staff.csv", "ratings.csv", "indicators.csv", "responses.csv", "aggregated.csv"}
    assert {where for where, code in codes if code == "period_absent"} == absent
    assert ("ratings.csv", "off_scale") in codes


def test_history_in_a_file_of_its_own_is_no_problem(tmp_path):
    before = source(tmp_path, RATINGS.replace("2026-Q3", "2026-Q2"), "csv", "dulu")
    inputs = read({"ratings": [before, source(tmp_path, RATINGS, "csv", "kini")]}, Q3)
    assert inputs.files.set_index("file")["rows_in_period"].to_dict() == {"dulu.csv": 0, "kini.csv": 3}
    both = {"responses": source(tmp_path, RESPONSES, "csv", "jawaban")}
    both["aggregated"] = source(tmp_path, AGGREGATED.replace("2026-Q3", "2026-Q4"), "csv", "rekap")
    assert len(read(both, Q4).aggregated) == 3


def test_published_figures_may_be_of_any_period(tmp_path):
    given = {kind: source(tmp_path, TEXTS[kind], "csv", kind) for kind in ("responses", "published")}
    given["published"] = source(tmp_path, TEXTS["published"].replace("2026-Q3", "2026-Q1"), "csv", "lama")
    assert len(read(given, Q3).published) == 3


@pytest.mark.parametrize("as_of", [date(2026, 6, 30), datetime(2026, 7, 1, 23, 59)])
def test_a_day_before_everything_was_recorded(as_of, tmp_path):
    given = {"ratings": source(tmp_path, BY_DATE, "csv", "nilai"), "responses": source(tmp_path, RESPONSES, "csv", "a")}
    found = problems(given, Q3.model_copy(update={"as_of": as_of}))
    assert [(p.code, p.data["late"], p.data["count"]) for p in found] == [
        ("period_too_late", 1, 2),
        ("period_too_late", 3, 3),
    ]
    assert "as_of" in wording.problem_sentence(found[0])


def test_a_file_without_any_period_before_the_period_starts(tmp_path):
    (problem,) = problems(
        {"staff": source(tmp_path, STAFF, "csv", "staff")}, Q4.model_copy(update={"as_of": date(2026, 9, 1)})
    )
    assert (problem.code, problem.data["late"], problem.data["periods"]) == ("period_too_late", 4, "–")


def test_a_form_that_nobody_filled_in(tmp_path):
    blank = WIDE.replace("2026-Q3;P1;P9;4;3", "2026-Q3;P1;P9;;")
    given = {"ratings": {**source(tmp_path, blank, "csv", "nilai"), "layout": "wide"}}
    (problem,) = problems(given, Q3)
    assert (problem.code, problem.data["unfilled"], problem.data["periods"]) == ("period_unfilled", 1, "2026-Q2 (1)")


def test_rows_that_a_problem_names_are_not_called_absent(tmp_path):
    text = "Periode;NIP;Penilai;Nilai\nentah;P1;P9;4\n2026-Q2;P1;P9;4\n"
    assert [p.code for p in problems({"ratings": source(tmp_path, text, "csv", "nilai")}, Q3)] == ["not_a_period"]
    text = "Periode;NIP;Penilai;Nilai\n2026-Q3;P1;P9;empat\n2026-Q2;P1;P9;4\n"
    assert [p.code for p in problems({"ratings": source(tmp_path, text, "csv", "nilai")}, Q3)] == ["not_a_number"]


def test_months_and_a_period_that_is_too_long(tmp_path):
    given = {"indicators": source(tmp_path, INDICATORS.replace("2026-Q3", "Juli 2026"), "csv", "iku")}
    (problem,) = problems(given, Period(kind="month", year=2026, number=8))
    assert problem.data["periods"] == "2026-07 (3)"
    assert len(read(given, Q3).indicators) == 3
    given = {"indicators": source(tmp_path, INDICATORS.replace("2026-Q3", "2026"), "csv", "tahun")}
    (problem,) = problems(given, Q3)
    assert problem.data["periods"] == "2026 (3)"


def test_ratings_that_were_entered_after_the_period_belong_to_it_as_the_way_out_says(tmp_path):
    given = source(tmp_path, BY_DATE.replace("01/09", "02/10"), "csv", "nilai")
    (problem,) = problems({"ratings": given}, Q3)
    assert problem.data["periods"] == "2026-Q4 (2)"
    assert "`constants: period: 2026-Q3`" in wording.problem_sentence(problem)
    assert len(read({"ratings": {**given, "constants": {"period": "2026-Q3"}}}, Q3).ratings) == 2


def test_many_periods_are_shortened():
    many = {f"2020-{month:02d}": month for month in range(1, 13)} | {
        f"2021-{month:02d}": month for month in range(1, 13)
    }
    assert listed(many).startswith("2020-01 (1), …, ") and listed(many).endswith("2021-12 (12)")
    assert listed(many).count(",") == MOST_PERIODS - 1


def test_rows_that_fall_out_in_part_are_counted_in_the_report(tmp_path):
    """Two of four ratings count, one is history, one was entered after the period."""
    text = BY_DATE + "P3;P9;2;02/09/2026\nP4;P9;2;02/06/2026\n"
    (tmp_path / "nilai.csv").write_text(text, encoding="utf-8")
    path = parameters(tmp_path, "{ratings: {path: nilai.csv}}", number=3)
    from kinerja.evaluation import evaluate

    run = evaluate(load_parameters(path))
    tables = {
        block.name: block for block in data(run.inputs, run.parameters.period.id, "id") if isinstance(block, Table)
    }
    names = [column.key for column in tables["files"].columns]
    shown = dict(zip(names, tables["files"].rows[0], strict=True))
    assert (shown["rows_read"], shown["rows_kept"], shown["rows_in_period"]) == (4, 3, 2)
    assert tables["left_out"].rows[0][-1] == 1
    assert [f.data["count"] for f in run.findings if f.code == "later_rows"] == [1]


def parameters(folder, sources, number=4):
    path = folder / "kantor.yaml"
    path.write_text(
        f"office: {{name: Kantor}}\nperiod: {{kind: quarter, year: 2026, number: {number}}}\n"
        f"scoring: {{scale: [1, 5]}}\nsources: {sources}\noutput: {{folder: hasil}}\n",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize("words", [["check"], ["report"], ["batch", "--by", "unit"], ["sheet", "--all"]])
def test_every_command_refuses_and_writes_nothing(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nilai.csv").write_text(RATINGS, encoding="utf-8")
    (tmp_path / "pegawai.csv").write_text(STAFF, encoding="utf-8")
    path = parameters(tmp_path, "{ratings: {path: nilai.csv}, staff: {path: pegawai.csv}}")
    before = sorted(tmp_path.rglob("*"))
    done = CliRunner().invoke(app, [words[0], str(path), *words[1:], "--language", "en"])
    assert isinstance(done.exception, DataError), (done.output, done.exception)
    assert [p.code for p in done.exception.problems] == ["period_absent"]
    assert sorted(tmp_path.rglob("*")) == before


def test_the_example_of_a_quarter_to_come():
    with pytest.raises(DataError) as caught:
        read_inputs(load_parameters(ROOT / "parameters" / "andir-2026-q3.yaml", overrides={"period.number": 4}))
    assert [(p.where, p.code) for p in caught.value.problems] == [
        (name, "period_absent")
        for name in (
            "pegawai.xlsx",
            "penilaian.csv",
            "iku.xlsx [IKU Pegawai]",
            "iku.xlsx [IKU Unit]",
            "survei_kepuasan.csv",
        )
    ]
    assert all("2026-Q3" in p.data["periods"] for p in caught.value.problems)


def test_proposed_parameters_of_another_period_say_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nilai.csv").write_text(RATINGS, encoding="utf-8")
    words = ["init", "nilai.csv", "--period", "2026-Q4", "--output", "p.yaml", "--language", "en"]
    done = CliRunner().invoke(app, words)
    assert "0/3" in done.output and "2026-Q3 (3)" in done.output and "no problems" not in done.output


def test_check_says_how_many_rows_are_of_the_period(tmp_path):
    (tmp_path / "nilai.csv").write_text(RATINGS + "2026-Q2;P1;P9;Atasan;Akuntabel;4\n", encoding="utf-8")
    path = parameters(tmp_path, "{ratings: {path: nilai.csv}}", number=3)
    done = CliRunner().invoke(app, ["check", str(path), "--language", "en"])
    assert done.exit_code == 0 and "nilai.csv: 4 rows read, 4 used, 3 of them of 2026-Q3." in done.output
