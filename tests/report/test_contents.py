"""Every section in both languages on the example: no word missing, nobody named, no figure without words."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kinerja import wording
from kinerja.errors import ParameterError
from kinerja.evaluation import evaluate
from kinerja.parameters import load_parameters
from kinerja.report.contents import CONTENTS, DEEPER, NAMES, contents, section
from kinerja.show.charts import Chart
from kinerja.show.tables import Table
from tests.outside import installed

ROOT = Path(__file__).parents[2]
EVERY = (*NAMES, *DEEPER)


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(load_parameters(ROOT / "parameters" / "andir-2026-q3.yaml"))


def _html(shown):
    return "".join(b.to_html() if isinstance(b, (Table, Chart)) else b.html for b in shown.blocks)


@pytest.mark.parametrize("language", wording.LANGUAGES)
@pytest.mark.parametrize("name", EVERY)
def test_a_section_reads_well(evaluation, name, language):
    shown = section(name, evaluation, language)
    page = _html(shown)
    assert page.startswith("<h2")
    for block in shown.blocks:
        if isinstance(block, Table):
            assert block.caption
            assert all(column.label for column in block.columns)
        if isinstance(block, Chart):
            assert len(block.alt) > 20
            assert block.caption
    assert "<th>" not in page
    assert len(re.findall(r"<th\b", page)) == len(re.findall(r"<th\b[^>]*\bscope=", page))
    assert len(re.findall(r"<svg\b", page)) == len(re.findall(r'<svg\b[^>]*role="img"', page))


@pytest.mark.parametrize("name", EVERY)
def test_a_section_names_nobody(evaluation, name):
    """The hashes and addresses of the annex hold digits; NIP and NIK are looked for as whole numbers in words."""
    words = re.sub(r"<[^>]+>", " ", _html(section(name, evaluation, "id")))
    assert not re.search(r"(?<![\w.])\d{18}(?![\w.])", words)
    assert not re.search(r"(?<![\w.])\d{16}(?![\w.])", words)


@pytest.mark.parametrize("language", wording.LANGUAGES)
@pytest.mark.parametrize("name", [n for n in EVERY if n not in ("overview", "data", "annex")])
def test_a_section_with_nothing_to_show_says_so(evaluation, name, language):
    lacking = {
        "scores",
        "citizens",
        "rater_use",
        "rater_fit",
        "calibration",
        "calibration_own",
        "fairness",
        "moderation",
    }
    empty = replace(evaluation, **dict.fromkeys(lacking))
    shown = section(name, empty, language)
    assert 2 <= len(shown.blocks) <= 6
    assert not any(isinstance(block, Chart) for block in shown.blocks)


def test_an_unknown_section_is_refused_by_name(evaluation):
    with pytest.raises(ParameterError, match="found 'severity'; one of overview"):
        section("severity", evaluation)


EVALUATED = """
    from kinerja.report.contents import Entry
    from kinerja.show.blocks import facts
    from kinerja.show.tables import table


    def attendance(scores, language):
        yield facts([("Pegawai" if language == "id" else "Staff", str(len(scores.ratees)))])
        yield table(scores.units.head(2)[["unit"]], language=language, caption_key="attendance.units")


    ENTRY = Entry(name="attendance", module="hadir", given=lambda e: (e.scores,))
"""
TITLES = [
    ("section.attendance.title", "sentence", "Attendance", "Kehadiran"),
    ("attendance.units", "sentence", "Units with a time clock", "Unit dengan mesin presensi"),
]


def test_a_section_from_outside_is_shown_with_its_own_words(evaluation, tmp_path):
    with installed(tmp_path, "hadir", EVALUATED, {"kinerja.sections": "ENTRY"}, TITLES):
        assert list(contents()) == [*(entry.name for entry in CONTENTS), "attendance"]
        shown = {language: section("attendance", evaluation, language) for language in wording.LANGUAGES}
    for language, title, caption in (
        ("en", "Attendance", "Units with a time clock"),
        ("id", "Kehadiran", "Unit dengan mesin presensi"),
    ):
        page = _html(shown[language])
        assert f'<h2 id="attendance">{title}</h2>' in page
        assert caption in page
        assert str(len(evaluation.scores.ratees)) in page
    with pytest.raises(ParameterError, match="found 'attendance'"):
        section("attendance", evaluation)


def test_a_section_from_outside_takes_no_name_of_the_package(tmp_path):
    module = EVALUATED.replace('name="attendance"', 'name="fairness"')
    with (
        installed(tmp_path, "hadir", module, {"kinerja.sections": "ENTRY"}),
        pytest.raises(ParameterError, match=r"hadir:ENTRY.*kind Entry"),
    ):
        contents()


def test_words_from_outside_replace_none_of_the_package(tmp_path):
    with (
        installed(tmp_path, "hadir", "", {}, [("section.fairness.title", "sentence", "Fine", "Baik")]),
        pytest.raises(KeyError, match=r"hadir/words\.csv: sentence 'section\.fairness\.title'"),
    ):
        wording.text("section.fairness.title")
