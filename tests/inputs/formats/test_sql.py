"""Databases as sources: SQLite, and a real PostgreSQL server where there is one; only reading, no password shown."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from kinerja.errors import DataError, ParameterError
from kinerja.evaluation import evaluate, identify
from kinerja.inputs import read_sources
from kinerja.parameters import Period, Privacy, Sources, load_parameters
from kinerja.report.manifest import run_record
from tests.patience import SECONDS, free_port

PERIOD = Period(kind="quarter", year=2026, number=3)
STAFF = [(f"P{n:02d}", f"Unit {n % 2}", f"A{n % 2}") for n in range(12)] + [
    (f"A{k}", f"Unit {k}", None) for k in (0, 1)
]
RATINGS = [(f"P{n:02d}", f"A{n % 2}", "supervisor", f"2026-{7 + n % 4:02d}-05", 1 + n * 7 % 5) for n in range(12)]
CREATE = ("CREATE TABLE pegawai (nip TEXT, unit TEXT, atasan TEXT)",
          "CREATE TABLE penilaian (ratee TEXT, rater TEXT, role TEXT, date DATE, rating INTEGER)")  # fmt: skip


@pytest.fixture
def sqlite(tmp_path):
    path = tmp_path / "kantor.db"
    with sqlite3.connect(path) as base:
        for statement in CREATE:
            base.execute(statement)
        base.executemany("INSERT INTO pegawai VALUES (?, ?, ?)", STAFF)
        base.executemany("INSERT INTO penilaian VALUES (?, ?, ?, ?, ?)", RATINGS)
    base.close()
    return path


def source(path: Path, **more):
    return {"url": f"sqlite:///{path.as_posix()}", **more}


def read(period=PERIOD, **sources):
    return read_sources(Sources.model_validate(sources), period=period, privacy=Privacy(), scale=(1.0, 5.0))


def problems(**sources):
    with pytest.raises(DataError) as caught:
        read(**sources)
    return [p.code for p in caught.value.problems]


def test_tables_and_queries_of_sqlite_are_read(sqlite):
    inputs = read(
        staff=source(sqlite, table="pegawai"),
        ratings=source(sqlite, query="SELECT * FROM penilaian WHERE date < '2026-10-01';"),
    )
    assert len(inputs.staff) == 14 and len(inputs.ratings) == 9
    assert set(inputs.files["format"]) == {"sql"}


def test_a_live_system_is_evaluated_as_of_a_day(sqlite):
    from datetime import date

    whole = read(ratings=source(sqlite, query="SELECT * FROM penilaian WHERE date < '2026-10-01'"))
    early = read(
        PERIOD.model_copy(update={"as_of": date(2026, 8, 15)}),
        ratings=source(sqlite, query="SELECT * FROM penilaian WHERE date < '2026-10-01'"),
    )
    assert len(early.ratings) == 6 < len(whole.ratings)
    assert early.ratings["date"].max() <= whole.ratings["date"].max()


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM pegawai", "SELECT 1; DROP TABLE pegawai", "UPDATE pegawai SET unit = 'x'",
     "PRAGMA writable_schema = 1",
     "ATTACH 'x.db' AS y", "", "-- SELECT\nDROP TABLE pegawai"],
)  # fmt: skip
def test_only_a_select_is_sent(sqlite, query):
    before = sqlite.read_bytes()
    assert problems(staff=source(sqlite, query=query)) == ["query_not_select"]
    assert sqlite.read_bytes() == before


def test_a_select_that_writes_is_refused_by_the_database(sqlite):
    before = sqlite.read_bytes()
    query = "WITH x AS (SELECT 1) INSERT INTO pegawai SELECT '1', '2', '3' FROM x"
    assert problems(staff=source(sqlite, query=query)) == ["database_error"]
    assert sqlite.read_bytes() == before


@pytest.mark.parametrize(
    ("given", "code"),
    [({"table": "tidak_ada"}, "database_error"), ({"query": "SELECT kolom_x FROM pegawai"}, "database_error"),
     ({"table": 'pegawai"; DROP TABLE pegawai; --'}, "database_error")],
)  # fmt: skip
def test_what_is_not_there_is_said(sqlite, given, code):
    before = sqlite.read_bytes()
    assert problems(staff=source(sqlite, **given)) == [code]
    assert sqlite.read_bytes() == before


def test_a_missing_database_file_is_not_made(tmp_path):
    assert problems(staff=source(tmp_path / "tidak.db", table="x")) == ["database_error"]
    assert not list(tmp_path.iterdir())


def test_an_unknown_driver_is_said():
    assert problems(staff={"url": "anu://host/x", "table": "x"}) == ["database_address"]


def office(folder: Path, **more: str) -> Path:
    lines = [
        "office: {name: Kantor}",
        "period: {kind: quarter, year: 2026, number: 3}",
        "scoring: {scale: [1, 5]}",
        "sources:",
    ]
    for kind, table in (
        ("staff", "table: pegawai"),
        ("ratings", "query: \"SELECT * FROM penilaian WHERE date < '2026-10-01'\""),
    ):
        lines += [f"  {kind}:", f"    {table}", *(f"    {key}: {value}" for key, value in more.items())]
    path = folder / "kantor.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_identity_of_a_run_is_the_content_of_its_tables(sqlite, tmp_path):
    parameters = load_parameters(office(tmp_path, url="sqlite:///kantor.db"))
    first = identify(parameters)
    assert identify(parameters) == first
    assert len(evaluate(parameters).inputs.ratings) == 9
    with sqlite3.connect(sqlite) as base:
        base.execute("UPDATE penilaian SET rating = 6 - rating WHERE ratee = 'P00'")
    base.close()
    assert identify(parameters)["inputs"] != first["inputs"]


@pytest.mark.parametrize(
    ("given", "code"),
    [({"url": "postgresql+pg8000://a:rahasia@host/x"}, "password_in_url"),
     ({"path": "a.csv", "url": "sqlite:///a.db"}, "file_or_database")],
)  # fmt: skip
def test_the_parameters_refuse_it(given, code, tmp_path):
    with pytest.raises(ParameterError) as caught:
        load_parameters(office(tmp_path, **given))
    assert code in {p.code for p in caught.value.problems}
    assert "rahasia" not in str(caught.value) + repr(caught.value.problems)


def test_a_password_that_is_not_set_is_asked_for(monkeypatch):
    monkeypatch.delenv("KINERJA_UJI", raising=False)
    given = {"url": "postgresql+pg8000://a@127.0.0.1:1/x", "table": "x", "password_variable": "KINERJA_UJI"}
    assert problems(staff=given) == ["password_not_set"]


# --- a real server -----------------------------------------------------------------------------------------------

PASSWORD = "sandi-uji-93"


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server of its own, on a free port; it runs as the user `postgres` where the tests run as root."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and not shutil.which("runuser"):
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    # Not pytest's own folder: only its owner may enter that one, and the server is another user.
    folder = Path(tempfile.mkdtemp(prefix="kinerja-pg-"))
    if root:
        shutil.chown(folder, "postgres")
    port = free_port()
    (folder / "sandi").write_text(PASSWORD)
    if root:
        shutil.chown(folder / "sandi", "postgres")

    def run(program: str, *words: str) -> None:
        user = ["runuser", "-u", "postgres", "--"] if root else []
        done = subprocess.run(
            [*user, str(binaries / program), *words],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr

    data = folder / "data"
    secret = f"--pwfile={folder / 'sandi'}"
    run("initdb", "-D", str(data), "-U", "kepala", "-A", "scram-sha-256", secret, "-E", "UTF8", "--locale=C")
    start = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    try:
        run("pg_ctl", "-D", str(data), "-w", "-t", str(SECONDS), "-l", str(folder / "log"), "-o", start, "start")
        engine = create_engine(f"postgresql+pg8000://kepala:{PASSWORD}@127.0.0.1:{port}/postgres")
        with engine.begin() as base:
            for statement in CREATE:
                base.execute(text(statement))
            for row in STAFF:
                base.execute(text("INSERT INTO pegawai VALUES (:a, :b, :c)"), dict(zip("abc", row, strict=True)))
            for row in RATINGS:
                base.execute(
                    text("INSERT INTO penilaian VALUES (:a, :b, :c, CAST(:d AS date), :e)"),
                    dict(zip("abcde", row, strict=True)),
                )
        engine.dispose()
        yield f"postgresql+pg8000://kepala@127.0.0.1:{port}/postgres"
    finally:
        if (data / "postmaster.pid").exists():
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_a_real_server_is_read_and_never_written(server, monkeypatch, tmp_path):
    monkeypatch.setenv("KINERJA_UJI", PASSWORD)
    parameters = load_parameters(office(tmp_path, url=server, password_variable="KINERJA_UJI"))
    run = evaluate(parameters)
    assert len(run.inputs.staff) == 14 and len(run.inputs.ratings) == 9
    assert PASSWORD not in repr(run_record(parameters, run)) + repr(run.identity) + repr(run.inputs.settings)
    given = {"url": server, "password_variable": "KINERJA_UJI"}
    query = "WITH x AS (DELETE FROM pegawai RETURNING nip AS id) SELECT * FROM x"
    assert problems(staff={**given, "query": query}) == ["database_error"]
    assert len(read(staff={**given, "query": "SELECT nip, unit::text AS unit, atasan FROM public.pegawai"}).staff) == 14
    assert len(read(staff={**given, "table": "public.pegawai"}).staff) == 14


def test_a_wrong_password_is_said_without_it(server, monkeypatch):
    monkeypatch.setenv("KINERJA_UJI", "bukan-sandinya")
    with pytest.raises(DataError) as caught:
        read(staff={"url": server, "password_variable": "KINERJA_UJI", "table": "pegawai"})
    assert [p.code for p in caught.value.problems] == ["database_error"]
    assert "bukan-sandinya" not in str(caught.value) + repr(caught.value.problems)
