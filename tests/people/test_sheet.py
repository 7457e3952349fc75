"""Sheets as they are handed out: every page of the example in both languages, read from its HTML; small teams; A4."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import kinerja as kj
from kinerja import wording
from kinerja.people.sheet import all_sheets, frames_of
from kinerja.people.sheet import sheet as sheet_of
from kinerja.people.sheet.steps import taken_together
from kinerja.report.sheet import sheet_page, sheet_section, write_sheets
from tests.patience import CHROMIUM, NO_CHROMIUM, chromium, patient, resize
from tests.people.test_sheet_record import _frames

EXAMPLE = Path(__file__).parents[2] / "parameters" / "andir-2026-q3.yaml"
RECEIVED = date(2026, 10, 12)
LAST_DAY = {"id": "26 Oktober 2026", "en": "26 October 2026"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    parameters = kj.load_parameters(EXAMPLE, overrides={"output.folder": str(tmp_path_factory.mktemp("sheets"))})
    return kj.open_run(parameters)


def spoken(run, language):
    return replace(run, parameters=run.parameters.model_copy(update={"language": language}))


def words(page):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page[page.index("<body>") :])))


def tenths(shown, language):
    plain = shown.replace("−", "-").replace("+", "")
    return round(float(plain.replace(".", "").replace(",", ".") if language == "id" else plain.replace(",", "")) * 10)


def printed_steps(page, language):
    """The points of the table of steps, in tenths, as somebody with the paper in hand would add them."""
    table = re.search(r'<div class="kj-table kj-sheet-steps">.*?</table>', page, re.S)[0]
    cells = re.findall(r'<td class="kj-num">(.*?)</td>', table)
    return [tenths(unescape(c), language) for c in cells]


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_every_sheet_of_the_example_as_printed(run, language):
    told = spoken(run, language)
    people = set(run.inputs.staff["ratee"]) | {"P000"}
    frames = frames_of(told)
    seen = 0
    for sheet in all_sheets(frames, received=RECEIVED, minimum_cell=run.parameters.privacy.minimum_cell):
        page = sheet_page(sheet, told)
        text = words(page)
        first, *changes, last = printed_steps(page, language)
        assert first + sum(changes) == last, sheet.ratee
        assert last == round(sheet.calibrated * 10 + 1e-9) or not any(changes)
        assert wording.number(sheet.steps["printed"].iloc[-1], 1, language) in text
        assert not re.findall(r"\bP\d{3}\b", text.replace(sheet.ratee, "")), sheet.ratee
        assert sheet.ratee in people
        assert LAST_DAY[language] in text and run.parameters.objection.to in text
        assert wording.text("sheet.reviewer", language) in text
        for code in sheet.reviewer:
            assert wording.text(f"sheet.reviewer.{code}", language) in text
        assert run.id in text and sheet.sha256[:12] in text
        assert not re.search(r"\bNaN\b|\bNone\b|<NA>|from_|_id\b", text)
        seen += 1
    assert seen == len(run.scores.ratees)


def test_no_count_under_the_floor_is_on_a_sheet(run):
    """Colleagues, roles and answers: every number of others is at least the floor, or is not there."""
    floor = run.parameters.privacy.minimum_cell
    for sheet in all_sheets(run):
        others = sheet.inputs[~sheet.inputs["input"].isin(["indicators", "role.supervisor", "role.second_supervisor"])]
        assert (others["n"].dropna() >= floor).all()
        for statement in sheet.statements:
            if statement.code in ("colleagues", "step.answers"):
                assert statement.data["n"] >= floor, (sheet.ratee, statement)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_small_team_is_not_taken_apart(run, size, language):
    """Colleagues who know their own figures could solve for another's: evidence of the team stands as one step."""
    frames = _frames()
    raters = frames.raters.assign(n_ratees=[10, size])
    sheet = sheet_of(replace(frames, raters=raters), "r11", received=RECEIVED)
    large = sheet_of(frames, "r00", received=RECEIVED)
    steps = sheet.steps.set_index("step")
    assert "from_supervisor" in steps.index
    assert not {"from_links", "from_feedback", "from_indicators", "from_culture"} & set(steps.index)
    row = frames.persons.set_index("ratee").loc["r11"]
    expected = row[["from_links", "from_feedback", "from_indicators", "from_culture"]].sum()
    assert steps.loc["from_supervisor", "points"] == pytest.approx(expected)
    assert {"from_links", "from_feedback"} <= set(large.steps["step"])
    text = words(sheet_page(sheet, spoken(run, language)))
    assert not re.search(r"\b(r0\d|r10|s[01])\b", text)
    assert not re.search(rf"\b{size} (rekan|colleagues|jawaban|answers)", text)
    first, *changes, last = printed_steps(sheet_page(sheet, spoken(run, language)), language)
    assert first + sum(changes) == last


def test_taken_together_changes_no_sum():
    person = {"observed": 70.0, "from_links": 1.5, "from_feedback": -0.25, "from_group": 2.0}
    assert taken_together(person) == {"observed": 70.0, "from_group": 2.0, "from_supervisor": 1.25}


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_what_is_missing_is_said(run, language):
    frames = _frames(index=None, responses=None, attainment=None)
    text = words(sheet_page(sheet_of(frames, "r00"), spoken(run, language)))
    assert wording.text("sheet.no_feedback", language) in text
    assert wording.text("sheet.no_indicators", language) in text
    assert wording.text("sheet.no_feedback", language) not in words(
        sheet_page(sheet_of(_frames(), "r00"), spoken(run, language))
    )


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_refused_adjustment_is_explained(run, language):
    frames = _frames()
    parts = [c for c in frames.persons if c.startswith("from_")]
    persons = frames.persons.assign(
        reason="no_evidence", adjustment=0.0, calibrated=frames.persons["observed"], **dict.fromkeys(parts, 0.0)
    )
    page = sheet_page(sheet_of(replace(frames, persons=persons), "r03"), spoken(run, language))
    first, *changes, last = printed_steps(page, language)
    assert first == last and not any(changes)
    value = sheet_of(replace(frames, persons=persons), "r03").steps["printed"].iloc[0]
    assert wording.text("sheet.unchanged", language, observed=float(value)) in words(page)
    assert wording.text("sheet.fact.unchanged", language) in words(page)
    assert wording.text("sheet.fact.calibrated", language) not in words(page), "nothing was compared"


def test_a_person_without_a_rating_has_a_page(run):
    frames = _frames(persons=None, raters=None, roles=None)
    ratees = frames.ratees.assign(points=float("nan"), predikat="", work="", behaviour="")
    text = words(sheet_page(sheet_of(replace(frames, ratees=ratees), "r03"), run))
    assert wording.text("sheet.no_rating", "id") in text and "14 hari" in text


def test_the_whole_office_in_one_command(run, tmp_path):
    from kinerja.cli import app

    folder = run.parameters.output.folder
    arguments = ["sheet", str(EXAMPLE), "--all", "--received", "2026-10-12", "--output", str(folder)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    pages = sorted((run.parameters.run_folder / "sheets").glob("*.html"))
    assert [p.stem for p in pages] == sorted(run.scores.ratees["ratee"])
    assert LAST_DAY["id"] in pages[0].read_text(encoding="utf-8")
    one = CliRunner().invoke(app, ["sheet", str(EXAMPLE), "--output", str(folder)])
    assert one.exit_code == 2


def test_the_section_of_the_notebook_is_the_sheet(run):
    section = sheet_section(run, "P001", received="2026-10-12")
    plain = "\n".join(b.plain if hasattr(b, "plain") else b.to_text() for b in section.blocks)
    assert LAST_DAY["id"] in plain and "63,1" in plain
    assert sheet_section(run, "P001", received="", language="en").language == "en"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason=NO_CHROMIUM)
@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_sheet_is_one_page_of_a4_and_fits_a_phone(run, language, tmp_path):
    """The sheets with most to say: they print on one page, so do the others."""
    from playwright.sync_api import sync_playwright

    told = spoken(run, language)
    sheets = sorted(all_sheets(run, received=RECEIVED), key=lambda s: -len(s.statements) - len(s.indicators))
    entry = {"ratee": sheets[0].ratee, "decision": "score", "old": "70", "new": "74", "by": "x", "date": "2026-10-05"}
    log = pd.DataFrame([entry | {"reason": "bukti kehadiran ditemukan", "status": "applied"}])
    decided = sheet_of(run, sheets[0].ratee, received=RECEIVED, decisions=log)
    with sync_playwright() as player:
        browser = chromium(player, "--disable-gpu")
        tab = patient(browser.new_page(viewport={"width": 360, "height": 780}))
        for sheet in (decided, *sheets[:10], sheets[-1]):
            path = tmp_path / f"{sheet.ratee}.html"
            path.write_text(sheet_page(sheet, told), encoding="utf-8")
            tab.goto(path.as_uri())
            assert tab.evaluate("document.documentElement.scrollWidth") <= 360, sheet.ratee
            resize(tab, 1280, 900)
            assert tab.locator(".kj-sheet").bounding_box()["width"] > 800, "the page uses its width"
            resize(tab, 360, 780)
            pdf = tab.pdf(prefer_css_page_size=True, print_background=True)
            assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1, sheet.ratee
        browser.close()


def test_files_are_named_by_the_person_alone(run):
    (path,) = write_sheets(run, ratees=["P014"], received=RECEIVED)
    assert path.name == "P014.html" and path.stat().st_size < 200_000
