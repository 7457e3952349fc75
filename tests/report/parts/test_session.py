"""The moderation on a run: from the log to the report, the sheet, and the view that hides a participant's own row."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner

import kinerja as kj
from kinerja import wording
from kinerja.errors import DataError
from kinerja.report.parts.session import open_session, session_section
from kinerja.report.session import write_session

EXAMPLE = Path(__file__).parents[3] / "parameters" / "andir-2026-q3.yaml"
WHY = "bukti kehadiran ditemukan dalam berita acara"
HEADER = "ratee,decision,old,new,reason,by,date"


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    return kj.open_run(kj.load_parameters(EXAMPLE, overrides={"output.folder": str(folder)}))


@pytest.fixture(scope="module")
def log(plain, tmp_path_factory):
    """P045 raised, P014 raised, P020 lowered, P002 confirmed; and one on a figure that the run does not have."""
    score = plain.calibration.persons.set_index("ratee")["calibrated"].round(2)
    entries = [("P045", 3.0), ("P014", 2.0), ("P020", -2.0), ("P002", 0.0)]
    rows = [
        f"{who},{'score' if step else 'confirm'},{score[who]},{round(score[who] + step, 2)},{WHY},P000,2026-10-05"
        for who, step in entries
    ]
    path = tmp_path_factory.mktemp("log") / "keputusan.csv"
    path.write_text("\n".join([HEADER, *rows, f"P030,score,1,2,{WHY},P000,2026-10-05"]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(log, tmp_path_factory):
    folder = tmp_path_factory.mktemp("moderated")
    given = {"output.folder": str(folder), "decisions": str(log)}
    return kj.open_run(kj.load_parameters(EXAMPLE, overrides=given))


def test_the_log_is_replayed_on_the_run_and_changes_nothing_else(plain, run):
    made = run.moderation
    assert made.log["status"].tolist().count("applied") == 4
    assert made.log.set_index("ratee").loc["P030", "reason_code"] == "other_figures"
    total = made.flow.set_index("decision").loc["all"]
    assert (total["n_raised"], total["n_lowered"], total["n_confirmed"]) == (2, 1, 1)
    after = made.persons.set_index("ratee")
    assert after.loc["P045", "score_after"] - after.loc["P045", "score_before"] == pytest.approx(3.0, abs=0.006)
    assert plain.calibration.persons.equals(run.calibration.persons), "people's decisions never touch the estimate"
    assert {"by_group", "compression", "against_evidence"} <= set(made.__dataclass_fields__)
    assert len(made.by_group), "the effect by group is there"


def test_a_decision_is_on_the_sheet_of_the_person(run):
    told = " ".join(kj.sheet(run, "P014").decisions["reason"])
    assert WHY in told and kj.sheet(run, "P015").decisions.empty


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_own_row_is_in_no_table_and_no_count(run, language):
    section = session_section(run, "P045", language)
    for table in section.tables:
        ids = [row[0] for row in table.rows]
        assert "P045" not in ids and len(ids) > 3
    seen = open_session(run, "P045")
    assert seen.own_row and len(seen.people) == len(run.scores.ratees) - 1
    total = seen.moderation.flow.set_index("decision").loc["all"]
    assert (total["n_raised"], total["n_lowered"], total["n_confirmed"]) == (1, 1, 1)
    assert seen.moderation.compression["n"].iloc[0] == run.moderation.compression["n"].iloc[0] - 1
    for name in ("persons", "log", "against_evidence"):
        assert "P045" not in set(getattr(seen.moderation, name)["ratee"])


def test_what_others_see_is_what_the_run_has(run):
    seen = open_session(run, "P000")
    assert not seen.own_row and len(seen.people) == len(run.scores.ratees)
    mine = seen.people.set_index("ratee")
    theirs = run.moderation.persons.set_index("ratee")
    assert (mine["after"] == theirs.loc[mine.index, "score_after"]).all()
    assert mine.loc["P045", "n_decisions"] == 1


def test_the_page_has_no_row_about_the_participant(run):
    page = write_session(run, "P045")
    text = page.read_text(encoding="utf-8")
    assert not re.search(r'<th scope="row"[^>]*>P045', text)
    assert re.search(r'<th scope="row"[^>]*>P044', text)
    own = wording.number(float(run.calibration.persons.set_index("ratee").loc["P045", "calibrated"]) + 3, 1, "id")
    rows = re.findall(r"<tr.*?</tr>", text, re.S)
    assert not any("P045" in re.sub(r"<td.*", "", row) for row in rows), own
    assert run.id in unescape(text)


def test_a_slip_of_the_pen_hides_nothing_so_it_is_refused(run):
    with pytest.raises(DataError) as error:
        open_session(run, "P0450")
    assert [p.code for p in error.value.problems] == ["session_unknown"]


def test_without_a_log_the_people_are_shown(plain):
    seen = open_session(plain, "P045")
    assert seen.moderation is None and "P045" not in set(seen.people["ratee"])
    assert session_section(plain, "P045").tables[0].rows


def test_from_the_command_line(plain, log, tmp_path):
    from kinerja.cli import app

    folder = plain.parameters.output.folder
    done = CliRunner().invoke(app, ["session", str(EXAMPLE), "--participant", "P045", "--output", str(folder)])
    assert done.exit_code == 0 and (plain.parameters.run_folder / "sessions" / "P045.html").is_file()


def test_a_log_without_a_reason_stops_the_run(log, tmp_path):
    broken = tmp_path / "keputusan.csv"
    broken.write_text(log.read_text(encoding="utf-8").replace(WHY, "", 1), encoding="utf-8")
    given = {"output.folder": str(tmp_path / "out"), "decisions": str(broken)}
    with pytest.raises(DataError) as error:
        kj.open_run(kj.load_parameters(EXAMPLE, overrides=given))
    assert [(p.row, p.column, p.code) for p in error.value.problems] == [(2, "reason", "decision_reason")]
    assert not list((tmp_path / "out").rglob("*.json"))
