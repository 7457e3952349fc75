"""One level of interval: the parameters' `confidence` reaches every estimate, and every table and chart names it."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import kinerja as kj
from kinerja import wording
from kinerja.calibration.persons import DECISION_LEVEL, REVIEW_HIGH, REVIEW_LOW
from kinerja.calibration.uncertainty import BAND
from kinerja.citizens.sample import SAMPLE_LEVEL
from kinerja.evaluation import evaluate
from kinerja.explorer.figures import view_charts, view_table
from kinerja.explorer.view import SUBJECTS, view
from kinerja.parameters import Parameters
from kinerja.people.sheet import sheet as sheet_of
from kinerja.people.sheet.section import sheet_blocks
from kinerja.report.contents import DEEPER, NAMES, section
from kinerja.report.parts.reader import PARTS as READER_PARTS
from kinerja.report.parts.reader import reader_section
from kinerja.report.parts.session import session_section
from kinerja.report.parts.unit import NAMES as UNIT_NAMES
from kinerja.report.parts.unit import unit_section
from kinerja.rules import load_rules
from kinerja.show.charts import Chart, calibration_chart, dot_interval_chart, trend_chart
from kinerja.show.tables import Table, extent, interval, table
from kinerja.show.tables.xlsx import workbook_bytes
from kinerja.simulation.benchmark import BENCHMARK_LEVEL, Z_BENCHMARK

KREJCIE_MORGAN = "krejcie-morgan-1970"

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "parameters" / "andir-2026-q3.yaml"
USUAL, OTHER = 0.95, 0.80
WHY = "bukti kehadiran ditemukan dalam berita acara"
OTHER_LEVELS = re.compile(
    r"\b9[05]\s?%[^.;:]{0,12}(?:interval|selang)"
    r"|(?:interval|selang|batas ketelitian|margin of error)[^.;:]{0,12}\b9[05]\s?%",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def usual():
    return evaluate(kj.load_parameters(EXAMPLE, overrides={"confidence": USUAL}))


@pytest.fixture(scope="module")
def other(usual, tmp_path_factory):
    """The example at the other level, with a log of decisions, so that their section, too, has an interval."""
    score = usual.calibration.persons.set_index("ratee")["calibrated"].round(2)
    rows = [f"{who},score,{score[who]},{round(score[who] - 2.0, 2)},{WHY},P000,2026-10-05" for who in score.index[:12]]
    log = tmp_path_factory.mktemp("log") / "keputusan.csv"
    log.write_text("\n".join(["ratee,decision,old,new,reason,by,date", *rows]) + "\n", encoding="utf-8")
    return evaluate(kj.load_parameters(EXAMPLE, overrides={"confidence": OTHER, "decisions": str(log)}))


# --- the figures ---


def half_in_errors(rows, error="std_error"):
    return ((rows["conf_high"] - rows["conf_low"]) / 2 / rows[error]).dropna().to_numpy(float)


@pytest.mark.parametrize("name", ["persons", "posterior", "raters", "units"])
def test_the_calibration_takes_the_level_of_the_run(usual, other, name):
    for run, level in ((usual, USUAL), (other, OTHER)):
        found = half_in_errors(getattr(run.calibration, name))
        assert len(found) and found == pytest.approx(stats.norm.ppf((1 + level) / 2), rel=1e-9)
        assert run.calibration.settings["confidence"] == level


def test_raters_units_and_people_of_the_other_steps_take_it_too(usual, other):
    for run, level in ((usual, USUAL), (other, OTHER)):
        z = stats.norm.ppf((1 + level) / 2)
        assert half_in_errors(run.rater_fit.elements) == pytest.approx(z, rel=1e-9)
        raters = run.rater_use.raters[run.rater_use.raters["status"] == "ok"]
        t = stats.t.ppf((1 + level) / 2, raters["n_ratees"] - 1)
        assert half_in_errors(raters) == pytest.approx(np.asarray(t), rel=1e-9)
        mix = run.citizens.quality.mix
        assert half_in_errors(mix) == pytest.approx(z, rel=1e-9)
        units = run.citizens.index[(run.citizens.index["level"] == "unit") & (run.citizens.index["status"] == "ok")]
        low, high, at = (_logit(units[c]) for c in ("conf_low", "conf_high", "estimate"))
        share = (units["estimate"].astype(float) - 25) / 75
        error = units["std_error"].astype(float) / 75 / (share * (1 - share))
        quantile = stats.t.ppf((1 + level) / 2, units["n"].astype(float) - 1)
        assert ((high - at) / error).to_numpy() == pytest.approx(quantile, rel=1e-6)
        assert ((at - low) / error).to_numpy() == pytest.approx(quantile, rel=1e-6)


def _logit(index):
    share = (index.astype(float) - 25) / 75
    return np.log(share / (1 - share))


def frames(result, name):
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, pd.DataFrame):
            yield f"{name}.{field.name}", value
        elif is_dataclass(value):
            yield from frames(value, f"{name}.{field.name}")


def widths(result, name):
    """name.column -> widths of the intervals of every pair <x>_low, <x>_high of every table of a result."""
    return {
        f"{place}.{low}": (table[f"{low[:-4]}_high"] - table[low]).to_numpy(float)
        for place, table in frames(result, name)
        for low in table.columns
        if low.endswith("_low") and f"{low[:-4]}_high" in table and not low.startswith("weight")
    }


@pytest.mark.parametrize("step", ["citizens", "rater_use", "rater_fit", "calibration", "fairness"])
def test_no_interval_of_any_step_stays_at_another_level(usual, other, step):
    """At 80 % every interval is narrower than at 95 %; only the band, whose level is its own, is not."""
    before, after = (widths(getattr(run, step), step) for run in (usual, other))
    assert before.keys() == after.keys() and before
    compared = 0
    for name, wide in before.items():
        narrow = after[name]
        both = np.isfinite(wide) & np.isfinite(narrow) & (wide > 0)
        if name.endswith("band_low"):
            assert narrow == pytest.approx(wide), "the band's level is its own"
        else:
            assert (narrow[both] < 0.85 * wide[both]).all(), name
            compared += int(both.sum())
    assert compared > 50


def test_no_decision_of_the_calibration_hangs_on_the_level(usual, other):
    columns = ["ratee", "calibrated", "category_calibrated"]
    assert usual.calibration.persons[columns].equals(other.calibration.persons[columns])
    assert usual.calibration.crossings.equals(other.calibration.crossings) and len(usual.calibration.crossings)
    chance = other.calibration.crossings["probability"]
    assert other.calibration.crossings["review"].equals(chance.between(1 - DECISION_LEVEL, DECISION_LEVEL))
    assert pytest.approx(1 - DECISION_LEVEL) == REVIEW_LOW and REVIEW_HIGH == DECISION_LEVEL
    settings = other.calibration.settings
    assert (settings["decision_level"], settings["band"]) == (DECISION_LEVEL, BAND)


def test_the_levels_of_their_own_are_what_they_say():
    assert pytest.approx(stats.norm.ppf((1 + BENCHMARK_LEVEL) / 2)) == Z_BENCHMARK
    rule = load_rules(on=date(2026, 9, 30)).values(KREJCIE_MORGAN)
    assert stats.chi2.ppf(SAMPLE_LEVEL, 1) == pytest.approx(rule["chi_squared"], abs=5e-4)


def test_every_function_has_the_parameters_level_by_default():
    """A `confidence` that nobody passes must not be another one: the calibration's was."""
    usual = Parameters.model_fields["confidence"].default
    named = {"ROOM_LEVEL": 0.95}
    found = {}
    for path in sorted((ROOT / "kinerja").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                arguments = [*node.args.posonlyargs, *node.args.args][-len(node.args.defaults) or None :]
                pairs = [*zip(arguments, node.args.defaults, strict=False)]
                pairs += [*zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)]
                for argument, default in pairs:
                    if argument.arg == "confidence" and default is not None:
                        value = named[default.id] if isinstance(default, ast.Name) else ast.literal_eval(default)
                        found[f"{path.stem}.{node.name}"] = value
    assert len(found) > 20
    assert {name: value for name, value in found.items() if value not in (usual, None)} == {}


# --- the words ---


def test_a_level_is_never_rounded():
    assert [wording.level(c, "id") for c in (0.95, 0.8, 0.975, 0.999, 1 - 0.95)] == [
        "95 %", "80 %", "97,5 %", "99,9 %", "5 %",
    ]  # fmt: skip
    assert wording.level(0.995, "en") == "99.5%"


@pytest.mark.parametrize(("language", "words"), [("id", "Selang 97,5 %"), ("en", "97.5% interval")])
def test_header_note_and_alternative_text_name_the_level(language, words):
    frame = pd.DataFrame({"unit": ["a", "b"], "estimate": [1.0, 2.0], "conf_low": [0.5, 1.5], "conf_high": [1.5, 2.5]})
    frame = frame.assign(period="2026-Q3", observed=[0.0, 3.0])
    made = table(frame, columns=["unit", interval(0.975)], language=language, caption="x")
    assert made.columns[1].label == words and made.columns[1].definition
    common = {"confidence": 0.975, "language": language, "caption": "x"}
    charts = [
        dot_interval_chart(frame, label="unit", **common),
        calibration_chart(frame, label="unit", calibrated="estimate", **common),
        trend_chart(frame, series="unit", **common),
    ]
    for chart in charts:
        assert words.lower() in chart.alt.lower() and words.lower() in chart.note.lower()
        assert words in [c.label for c in chart.table.columns]


def test_a_chart_without_a_level_draws_no_interval():
    frame = pd.DataFrame({"unit": ["a"], "estimate": [1.0], "conf_low": [0.0], "conf_high": [2.0]})
    plain = dot_interval_chart(frame, label="unit", confidence=None, caption="x", language="en")
    drawn = dot_interval_chart(frame, label="unit", confidence=0.9, caption="x", language="en")
    assert all(c.kind != "interval" for c in plain.table.columns) and "interval" not in plain.alt + plain.note
    thick = re.compile(r"stroke-width: 2\.2")
    assert len(thick.findall(drawn.svg())) == 1 and not thick.findall(plain.svg())
    other = dot_interval_chart(
        frame, label="unit", confidence=None, meaning="least to most", caption="x", language="en"
    )
    assert "least to most" in other.alt and other.note == "Lines: least to most."
    assert other.table.columns[2].label == "Least to most"
    with pytest.raises(ValueError, match="both confidence and meaning"):
        dot_interval_chart(frame, label="unit", confidence=0.9, meaning="least to most", caption="x")
    with pytest.raises(ValueError, match="conf_low"):
        dot_interval_chart(frame[["unit", "estimate"]], label="unit", confidence=0.9, caption="x")


def told(block):
    """Everything that a block says in words."""
    if isinstance(block, Table):
        return " | ".join([block.caption, block.note, *(c.label for c in block.columns)])
    if isinstance(block, Chart):
        return " | ".join([block.caption, block.note, block.alt, told(block.table)])
    return block.plain


def check(blocks, language):
    """Every interval is named at the run's level, none at another; the number of columns and charts that were."""
    words = wording.text("tables.interval", language, confidence=OTHER)
    level = wording.level(OTHER, language)
    named = 0
    for block in blocks:
        said = told(block)
        assert not OTHER_LEVELS.search(said), said
        if isinstance(block, Table):
            for column in block.columns:
                if column.kind == "interval" and column.confidence is not None:
                    assert column.confidence == OTHER and level in column.label, (block.name, column.label)
                    named += 1
                elif column.kind == "interval":
                    assert (block.name, column.key) in OF_THEIR_OWN, (
                        "neither an interval nor known to be something else"
                    )
        if isinstance(block, Chart):
            drawn = [c for c in block.table.columns if c.kind == "interval"]
            if drawn and (block.name, drawn[0].key) not in OF_THEIR_OWN:
                assert words.lower() in block.alt.lower() and words.lower() in block.note.lower(), block.name
                assert words in [c.label for c in drawn]
                named += 1
    return named


OF_THEIR_OWN = {
    ("tipping_bias", "band_low"), ("severity_band", "band_low"), ("quality_nonresponse", "lowest"),
}  # fmt: skip
"""Ranges that are no intervals of the run's level: the band of the shares, what the silent could change."""

FEWEST = {
    "citizens": 8, "ratings": 2, "raters": 1, "calibration": 4, "fairness": 8, "decisions": 1, "calibration_depth": 1,
    "raters_depth": 1, "quality": 2, "attainment": 0, "overview": 0, "data": 0, "annex": 0,
}  # fmt: skip
"""Columns and charts with an interval that each section of the example has at least."""


@pytest.mark.parametrize("language", wording.LANGUAGES)
@pytest.mark.parametrize("name", [*NAMES, *DEEPER])
def test_a_section_names_the_level_of_the_run_and_no_other(other, name, language):
    assert check(section(name, other, language).blocks, language) >= FEWEST[name]


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_reports_of_units_readers_people_and_sessions_name_it(other, language):
    unit = str(other.inputs.staff["unit"].iloc[0])
    assert sum(check(unit_section(name, other, unit, language).blocks, language) for name in UNIT_NAMES) >= 2
    given = {"reader": "unit_head", "unit": unit, "language": language}
    assert sum(check(reader_section(name, other, **given).blocks, language) for name in READER_PARTS) >= 3
    assert check(session_section(other, "P045", language).blocks, language) == 1
    sheet = list(sheet_blocks(sheet_of(other, "P014"), language))
    check(sheet, language)
    assert " ".join(map(told, sheet)).count(wording.level(OTHER, language)) >= 2, "the figure and the sentence"


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_headlines_name_it(other, language):
    said = " ".join(told(b) for b in section("overview", other, language).blocks)
    said += " ".join(
        told(b) for b in unit_section("overview", other, other.inputs.staff["unit"].iloc[0], language).blocks
    )
    assert said.lower().count(wording.text("tables.interval", language, confidence=OTHER).lower()) >= 2


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_explorer_names_it(other, language):
    for subject in SUBJECTS:
        seen = view(other, subject, by="unit")
        shown = [view_table(seen, language, confidence=OTHER), *view_charts(seen, language, confidence=OTHER)]
        assert check(shown, language) >= 2, subject


def test_the_workbook_names_it(other):
    from openpyxl import load_workbook

    tables = section("calibration", other, "en").tables
    book = load_workbook(io.BytesIO(workbook_bytes(tables, language="en")))
    headers = [str(cell.value) for sheet in book for cell in sheet[1]]
    assert headers.count("80% interval: lower limit") == headers.count("80% interval: upper limit") == 2
    assert not [h for h in headers if "95" in h or "90" in h]


def test_a_range_that_is_no_interval_has_words_of_its_own():
    frame = pd.DataFrame({"a": [1.0], "b": [2.0]})
    column = table(frame, columns=[extent("a", "b", label="Least to most")], language="en").columns[0]
    assert column.label == "Least to most" and column.confidence is None and not column.definition


def test_no_text_states_the_level_of_an_interval_itself():
    """A level stands in the parameters or has a name in the code; a text takes it as a placeholder."""
    for path in sorted((ROOT / "kinerja").rglob("words.csv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            stated = re.search(r"\b(?:80|9[0-9](?:[.,]\d)?)\s?(?:%|per cent|persen)", line)
            assert not (stated and re.search("interval|selang", line, re.IGNORECASE)), line


# --- a run ---


@pytest.mark.slow
def test_a_report_at_another_level_says_it_everywhere(tmp_path):
    written = EXAMPLE.read_text(encoding="utf-8").replace("confidence: 0.95 ", "confidence: 0.80 ")
    assert "confidence: 0.80 " in written
    parameters = tmp_path / "parameters" / "andir-80.yaml"
    parameters.parent.mkdir()
    parameters.write_text(written, encoding="utf-8")
    command = [sys.executable, "-m", "kinerja", "report", str(parameters), "--data", str(ROOT), "--language", "en"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "KINERJA_LANGUAGE": "en"}, capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "outputs" / "andir-80"
    assert json.loads((folder / "summary.json").read_text(encoding="utf-8"))["confidence"] == OTHER
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["parameters"]["confidence"] == OTHER
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Intervals: 80%, unless another level is named." in page
    alts = re.findall(r'<svg\b[^>]*aria-label="([^"]*)"', page)
    assert sum("80% interval" in alt for alt in alts) >= 8
    words = re.sub(r"<[^>]+>", " ", page)
    assert not OTHER_LEVELS.search(words), OTHER_LEVELS.search(words)
    from openpyxl import load_workbook

    headers = [str(cell.value) for sheet in load_workbook(folder / "tables.xlsx") for cell in sheet[1]]
    limits = [h for h in headers if h.endswith(": lower limit")]
    assert len(limits) > 15 and all("80%" in h for h in limits), limits
