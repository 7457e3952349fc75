"""Questionnaires read in pieces give exactly what the same file gives as a whole; a moment cuts a live system."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from kinerja.cli.options import _day
from kinerja.errors import DataError
from kinerja.evaluation import evaluate, identify
from kinerja.inputs import read_sources
from kinerja.inputs.columns import ELEMENTS
from kinerja.inputs.formats import large as sources_large
from kinerja.inputs.formats.sql import database_digest
from kinerja.parameters import Period, Privacy, Sources, load_parameters
from kinerja.report.manifest import run_record

PERIOD = Period(kind="quarter", year=2026, number=3)


def questionnaires(n=5_000, seed=8):
    random = np.random.default_rng(seed)
    days = pd.Timestamp("2026-05-20") + pd.to_timedelta(random.integers(0, 150, n), unit="D")
    frame = pd.DataFrame({"tanggal": days, "unit": random.choice(["Loket A", "Loket B", "Loket C"], n)})
    for k in range(1, 10):
        answers = random.integers(1, 5, n).astype(float)
        frame[f"U{k}"] = np.where(random.random(n) < 0.03, np.nan, answers)
    return frame


def read(source, period=PERIOD):
    given = Sources.model_validate({"responses": source})
    return read_sources(given, period=period, privacy=Privacy())


def by_hand(inputs):
    """Means of the questionnaires of a whole reading."""
    long = inputs.responses.melt(["period", "unit"], list(ELEMENTS), "element", "answer").dropna(subset=["answer"])
    rows = long.groupby(["period", "unit", "element"])["answer"].agg(["mean", "count", "sem"]).reset_index()
    rows = rows.rename(columns={"count": "n", "sem": "std_error"})
    return rows.sort_values(["period", "unit", "element"], ignore_index=True)


@pytest.mark.parametrize("piece", [97, 1_000, 10_000])
def test_pieces_agree_exactly_with_the_whole(tmp_path, monkeypatch, piece):
    path = tmp_path / "survei.parquet"
    questionnaires().to_parquet(path)
    monkeypatch.setattr(sources_large, "PIECE", piece)
    whole, pieces = read({"path": path}), read({"path": path, "summarise": True})
    expected = by_hand(whole)
    found = pieces.aggregated.sort_values(["period", "unit", "element"], ignore_index=True)
    assert found[["period", "unit", "element"]].astype(str).equals(expected[["period", "unit", "element"]].astype(str))
    assert (found["mean"] == expected["mean"]).all() and (found["n"] == expected["n"]).all()
    np.testing.assert_allclose(found["std_error"], expected["std_error"], rtol=1e-12)
    assert pieces.responses.empty
    told = {f.code: f.data for f in pieces.findings}["responses_summarised"]
    assert told["n"] == len(whole.responses) and told["left_out"] == len(whole.left_out) > 0
    kept = pieces.files.iloc[0]
    assert (kept["rows_read"], kept["rows_kept"]) == (5_000, len(whole.responses))
    assert kept["sha256"] == whole.files.iloc[0]["sha256"]


def test_the_index_is_that_of_the_whole_file(tmp_path):
    questionnaires(3_000).to_parquet(tmp_path / "survei.parquet")
    index = []
    for number, summarise in enumerate(("false", "true")):
        path = tmp_path / f"kantor{number}.yaml"
        path.write_text(
            "office: {name: Kantor}\nperiod: {kind: quarter, year: 2026, number: 3}\n"
            f"sources: {{responses: {{path: survei.parquet, summarise: {summarise}}}}}\n",
            encoding="utf-8",
        )
        rows = evaluate(load_parameters(path)).citizens.index
        rows = rows[(rows["level"] == "unit") & (rows["period"] == "2026-Q3")]
        index.append(rows.set_index("unit")["estimate"].sort_index())
    assert list(index[0].index) == list(index[1].index) and len(index[0]) == 3
    np.testing.assert_allclose(index[0], index[1], rtol=1e-12)


def test_a_large_file_is_read_in_pieces_unasked(tmp_path, monkeypatch):
    path = tmp_path / "survei.parquet"
    questionnaires(300).to_parquet(path)
    assert len(read({"path": path}).responses)
    monkeypatch.setattr(sources_large, "MANY", 300)
    assert read({"path": path}).responses.empty
    assert len(read({"path": path, "summarise": False}).responses)


def test_slips_are_refused_with_their_row_in_whatever_piece(tmp_path, monkeypatch):
    frame = questionnaires(1_000)
    frame.loc[777, "U3"] = 7.0
    path = tmp_path / "survei.parquet"
    frame.to_parquet(path)
    monkeypatch.setattr(sources_large, "PIECE", 100)
    problems = []
    for summarise in (False, True):
        with pytest.raises(DataError) as caught:
            read({"path": path, "summarise": summarise})
        problems.append([(p.code, p.row, p.column) for p in caught.value.problems])
    assert problems[0] == problems[1] == [("off_scale", 779, "U3")]


def test_a_file_without_its_columns_is_said_once(tmp_path):
    path = tmp_path / "lain.parquet"
    pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}).to_parquet(path)
    with pytest.raises(DataError):
        read({"path": path, "summarise": True})


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "survei.db"
    frame = questionnaires(2_000)
    frame["tanggal"] = frame["tanggal"].dt.strftime("%Y-%m-%d")
    with sqlite3.connect(path) as base:
        frame.to_sql("survei", base, index=False)
    base.close()
    return path


def test_a_database_is_read_in_pieces_too(database, monkeypatch):
    monkeypatch.setattr(sources_large, "PIECE", 150)
    given = {"url": f"sqlite:///{database.as_posix()}", "table": "survei"}
    expected, found = by_hand(read(given)), read({**given, "summarise": True}).aggregated
    found = found.sort_values(["period", "unit", "element"], ignore_index=True)
    assert (found["mean"] == expected["mean"]).all() and (found["n"] == expected["n"]).all()
    from kinerja.parameters import Source

    pieces = Source.model_validate({**given, "summarise": True})
    first = database_digest(pieces)
    with sqlite3.connect(database) as base:
        base.execute("CREATE TABLE lain AS SELECT * FROM survei ORDER BY U1, U2, unit")
        base.execute("DROP TABLE survei")
        base.execute("ALTER TABLE lain RENAME TO survei")
    base.close()
    assert database_digest(pieces) == first  # another order is the same content
    with sqlite3.connect(database) as base:
        base.execute("UPDATE survei SET U1 = 1 WHERE rowid = 5")
    base.close()
    assert database_digest(pieces) != first


def office(folder, as_of):
    (folder / "nilai.csv").write_text(
        "ratee,rater,date,rating\nA,X,2026-08-15 09:00:00,70\nB,X,2026-08-15 16:00:00,80\nC,X,2026-08-16,90\n",
        encoding="utf-8",
    )
    path = folder / "kantor.yaml"
    path.write_text(
        f"office: {{name: Kantor}}\nperiod: {{kind: quarter, year: 2026, number: 3, as_of: {as_of}}}\n"
        "scoring: {scale: [0, 100]}\nsources: {ratings: {path: nilai.csv}}\n",
        encoding="utf-8",
    )
    return load_parameters(path)


@pytest.mark.parametrize(
    ("as_of", "people"),
    [("2026-08-15", "AB"), ("2026-08-15 12:00:00", "A"), ("2026-08-15 16:00:00", "AB"), ("2026-08-16", "ABC")],
)
def test_what_was_recorded_after_the_moment_is_left_out_and_counted(tmp_path, as_of, people):
    parameters = office(tmp_path, as_of)
    run = evaluate(parameters)
    assert "".join(run.inputs.ratings["ratee"]) == people
    later = [f.data["count"] for f in run.findings if f.code == "later_rows"]
    assert sum(later) == 3 - len(people) == len(run.inputs.left_out)
    assert run_record(parameters, run)["parameters"]["period"]["as_of"].startswith(as_of[:10])
    assert identify(parameters)["run"] == run.id


def test_the_command_takes_a_day_or_a_moment():
    assert _day("2026-08-15") == date(2026, 8, 15)
    assert _day("2026-08-15T14:30") == datetime(2026, 8, 15, 14, 30)
    assert _day("kemarin") == "kemarin"  # the parameters' own check says what is allowed
