"""Appeals on the example's files: each kind of mistake gives the difference that the right files would have given."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import kinerja as kj
from kinerja import wording
from kinerja.errors import DataError, ParameterError
from kinerja.evaluation import evaluate, save_evaluation
from kinerja.people.appeal.replay import replay_appeal
from kinerja.report.appeal import write_appeal
from kinerja.report.sheet import write_sheets

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "parameters" / "andir-2026-q3.yaml"
FILES = Path("kinerja") / "example"
PERIOD = "2026-Q3"
EXACT = 1e-9


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("appeal")
    return kj.open_run(kj.load_parameters(EXAMPLE, overrides={"output.folder": str(folder)}))


@pytest.fixture
def files(tmp_path):
    """A copy of the example's files, to be put right by hand."""
    shutil.copytree(ROOT / FILES, tmp_path / FILES)
    return tmp_path


def correction(tmp_path, ratee, *changes, **more):
    content = {"ratee": ratee, "asked_by": ratee, "asked_on": "2026-10-06", "reason": "menurut berita acara", **more}
    path = tmp_path / "koreksi.yaml"
    path.write_text(yaml.safe_dump({**content, "changes": list(changes)}), encoding="utf-8")
    return path


def right_from_the_start(run, files):
    """The period evaluated on the corrected files, with the appeal's variance parameters and evidence."""
    return evaluate(kj.load_parameters(EXAMPLE, base=files), held=run.calibration)


def edit(path, old, new):
    text = path.read_bytes().decode("utf-8-sig")
    assert text.count(old) == 1, (old, text.count(old))
    path.write_bytes(b"\xef\xbb\xbf" + text.replace(old, new).encode())


def scores(run):
    people = run.scores.ratees[["ratee", "points", "attainment", "predikat"]]
    return people.merge(run.calibration.persons[["ratee", "calibrated", "adjustment"]], how="left").set_index("ratee")


def same_scores(a, b):
    pd.testing.assert_frame_equal(scores(a), scores(b), check_dtype=False, rtol=0, atol=EXACT)


@pytest.mark.slow
def test_a_wrong_supervisor(run, files, tmp_path):
    """P098 was rated by P113, not by P097: in the staff list and in the ratings."""
    found = kj.appeal(run, correction(
        tmp_path, "P098",
        {"table": "staff", "where": {"ratee": "P098", "period": PERIOD}, "set": {"supervisor": "P113"}},
        {"table": "ratings", "where": {"ratee": "P098", "period": PERIOD, "rater": "P097"}, "set": {"rater": "P113"}},
    ))  # fmt: skip
    edit(files / FILES / "penilaian.csv", f"{PERIOD};P098;P097;", f"{PERIOD};P098;P113;")
    book = openpyxl.load_workbook(files / FILES / "pegawai.xlsx")
    sheet = book.active
    names = {cell.value: cell.column for cell in sheet[3]}
    own = [(sheet.cell(r, names["ID Pegawai"]).value, sheet.cell(r, names["Triwulan"]).value, r)
           for r in range(4, sheet.max_row + 1)]  # fmt: skip
    (row,) = [r for ratee, period, r in own if (ratee, period) == ("P098", PERIOD)]
    sheet.cell(row, names["Atasan Langsung"]).value = "P113"
    book.save(files / FILES / "pegawai.xlsx")
    same_scores(found.corrected, right_from_the_start(run, files))
    before, after = scores(run).loc["P098"], scores(found.corrected).loc["P098"]
    assert after["points"] == before["points"], "what was rated stays what was rated"
    team = found.corrected.calibration.persons.query("rater == 'P113'").set_index("ratee")["adjustment"]
    assert "P098" in team.index and team["P098"] == pytest.approx(team["P104"])
    assert "P098" in set(found.comparison.persons["ratee"])


@pytest.mark.slow
def test_feedback_of_another_unit(run, files, tmp_path):
    """The answers of one morning were for Maleber, not Garuda."""
    responses = run.inputs.responses
    when = pd.Timestamp(responses.query("period == @PERIOD and unit == 'Kelurahan Garuda'")["date"].min())
    where = {"unit": "Kelurahan Garuda", "period": PERIOD, "date": when.date()}
    wrong = (responses["unit"] == "Kelurahan Garuda") & (responses["date"].dt.date == when.date())
    change = {"table": "responses", "where": where, "set": {"unit": "Kelurahan Maleber"}}
    found = kj.appeal(run, correction(tmp_path, "P098", change))
    assert len(found.rows) == wrong.sum() > 0
    right = responses.assign(unit=responses["unit"].mask(wrong, "Kelurahan Maleber")).query("period == @PERIOD")
    elements = ["requirements", "procedure", "time", "cost", "product", "competence", "behaviour", "complaints",
                "facilities"]  # fmt: skip
    by_hand = right.groupby("unit")[elements].mean().mean(axis=1) * 25
    index = found.corrected.citizens.index.query("level == 'unit'").set_index("unit")["estimate"]
    np.testing.assert_allclose(index, by_hand[index.index], atol=EXACT)
    path = files / FILES / "survei_kepuasan.csv"
    table = pd.read_csv(path, sep=None, engine="python", dtype=str, encoding="utf-8-sig", keep_default_na=False)
    unit = next(c for c in table if table[c].eq("Kelurahan Garuda").any())
    quarter = responses.index[wrong]
    assert len(table) == len(responses)
    table.loc[quarter, unit] = "Kelurahan Maleber"
    table.to_csv(path, sep=";" if ";" in path.read_text(encoding="utf-8-sig").split("\n")[0] else ",", index=False)
    same_scores(found.corrected, right_from_the_start(run, files))


def test_a_mistyped_realisation(run, tmp_path):
    """P012 finished 54 of 54 files in time, not 51: 100 per cent in place of 94,4, with a quarter of the weight."""
    found = kj.appeal(run, correction(tmp_path, "P012", {
        "table": "indicators",
        "where": {"ratee": "P012", "period": PERIOD, "indicator": "Berkas layanan selesai tepat waktu"},
        "set": {"realisation": 54},
    }))  # fmt: skip
    before, after = scores(run).loc["P012"], scores(found.corrected).loc["P012"]
    assert after["attainment"] - before["attainment"] == pytest.approx((100 - 51 / 54 * 100) * 25 / 80)
    assert after["points"] == before["points"]
    (row,) = found.rows.to_dict("records")
    assert (row["table"], row["column"], float(row["old"]), float(row["new"])) == ("indicators", "realisation", 51, 54)


def test_a_rating_entered_for_the_wrong_person(run, tmp_path):
    """What P097 gave P098 was meant for P099, whose own form was another's."""
    ratings = run.inputs.ratings
    own = ratings[(ratings["period"] == PERIOD) & (ratings["rater"] == "P097")]
    changes = (
        {"table": "ratings", "where": {"ratee": "P099", "period": PERIOD, "rater": "P097"}, "remove": True},
        {"table": "ratings", "where": {"ratee": "P098", "period": PERIOD, "rater": "P097"}, "set": {"ratee": "P099"}},
    )
    found = kj.appeal(run, correction(tmp_path, "P099", *changes))
    expected = (own[own["ratee"] == "P098"]["rating"].mean() - 1) / 4 * 100
    assert scores(found.corrected).loc["P099", "points"] == pytest.approx(expected)
    assert np.isnan(scores(found.corrected).loc["P098", "points"])
    assert found.rows["new"].tolist() == ["removed"] * 21 + ["P099"] * 21
    with pytest.raises(DataError) as error:
        kj.appeal(run, correction(tmp_path, "P099", changes[1]))
    assert [p.code for p in error.value.problems] == ["appeal_twice"]


def test_an_appeal_that_corrects_nothing_changes_nothing(run, tmp_path):
    """Byte for byte: every file of the kept evaluation, and the sheets."""
    item = "1.1 Memahami dan memenuhi kebutuhan masyarakat"
    row = run.inputs.ratings.query("ratee == 'P002' and period == @PERIOD and item == @item").iloc[0]
    changes = (
        {"table": "ratings", "where": {"ratee": "P002", "period": PERIOD, "rater": row["rater"], "item": item},
         "set": {"rating": float(row["rating"])}},
        {"table": "staff", "where": {"ratee": "P002", "period": PERIOD}, "set": {"supervisor": row["rater"]}},
    )  # fmt: skip
    found = kj.appeal(run, correction(tmp_path, "P002", *changes))
    assert found.rows.empty and found.comparison.same and found.comparison.persons.empty
    save_evaluation(found.corrected, tmp_path / "evaluation")
    first, second = run.parameters.run_folder / "evaluation", tmp_path / "evaluation"
    names = sorted(p.relative_to(first).as_posix() for p in first.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(second).as_posix() for p in second.rglob("*") if p.is_file())
    assert not {n for n in names if (first / n).read_bytes() != (second / n).read_bytes()}
    output = run.parameters.output.model_copy(update={"folder": tmp_path / "again"})
    again = found.corrected.parameters.model_copy(update={"output": output})
    some = ["P002", "P003", "P098"]
    pages = write_sheets(run, ratees=some)
    repeated = write_sheets(replace(found.corrected, parameters=again), ratees=some)
    assert [p.read_bytes() for p in pages] == [p.read_bytes() for p in repeated]


def test_the_record_is_replayed_by_a_reviewer(run, tmp_path):
    change = {"table": "ratings", "where": {"ratee": "P002", "period": PERIOD, "rater": "P001"}, "set": {"rating": 5}}
    decision = {"decided": "koreksi diterima", "decided_by": "pejabat penilai", "decided_on": "2026-10-10"}
    found = kj.appeal(run, correction(tmp_path, "P002", change, **decision))
    folder = write_appeal(found, run)
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert record["run"] == run.id and record["correction"]["asked_by"] == "P002"
    assert record["correction"]["decided"] == "koreksi diterima"
    assert "P002" in {row["ratee"] for row in record["moved"]}
    record["moved"][0]["change"] += 0.5
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    assert replay_appeal(run, folder).different == ("moved",)
    (folder / "record.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError):
        replay_appeal(run, folder)


CHANGE = {"table": "ratings", "where": {"ratee": "P002"}, "set": {"rating": 5}}


@pytest.mark.parametrize(
    ("change", "more", "code"),
    [
        ({**CHANGE, "where": {"ratee": "P999"}}, {}, "appeal_no_row"),
        ({**CHANGE, "where": {"nama": "x"}}, {}, "appeal_column"),
        ({**CHANGE, "set": {"stars": 5}}, {}, "appeal_column"),
        ({**CHANGE, "table": "staff", "set": {"unit": "Kelurahan Garuuda"}}, {}, "appeal_unknown"),
        ({**CHANGE, "table": "staff", "set": {"supervisor": "P9999"}}, {}, "appeal_unknown"),
        (CHANGE, {"ratee": "P999"}, "appeal_not_in_run"),
        (CHANGE, {"reason": "salah"}, "appeal_form"),
        (CHANGE, {"decided": "diterima"}, "appeal_form"),
        ({**CHANGE, "remove": True}, {}, "appeal_form"),
        ({**CHANGE, "table": "salaries"}, {}, "appeal_form"),
    ],
)
def test_what_is_wrong_with_a_correction_is_said(run, tmp_path, change, more, code):
    with pytest.raises((DataError, ParameterError)) as error:
        kj.appeal(run, correction(tmp_path, more.pop("ratee", "P002"), change, **more))
    assert {p.code for p in error.value.problems} == {code}
    for language in wording.LANGUAGES:
        assert wording.problem_sentence(error.value.problems[0], language)


def test_another_persons_correction_is_refused(run, tmp_path):
    with pytest.raises(ParameterError) as error:
        kj.appeal(run, correction(tmp_path, "P002", CHANGE), ratee="P003")
    assert [p.code for p in error.value.problems] == ["appeal_person"]


@pytest.mark.slow
def test_from_the_command_line(run, tmp_path):
    from kinerja.cli import app

    output = ["--output", str(run.parameters.output.folder)]
    path = ROOT / "parameters" / "appeal-example.yaml"
    before = set((run.parameters.run_folder / "appeals").glob("*"))
    done = CliRunner().invoke(app, ["appeal", str(EXAMPLE), "--ratee", "P002", "--correction", str(path), *output])
    assert done.exit_code == 0, done.output
    (folder,) = set((run.parameters.run_folder / "appeals").iterdir()) - before
    again = CliRunner().invoke(app, ["appeal", str(EXAMPLE), "--replay", str(folder), *output])
    assert again.exit_code == 0, again.output
    assert CliRunner().invoke(app, ["appeal", str(EXAMPLE), *output]).exit_code == 2
