"""Sections 4 and 8: every table says n, no code shows through, no ranks without reliability, nobody is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kinerja import wording
from kinerja.citizens import estimate_citizens
from kinerja.citizens.section import index_table, ordered_by_rank
from kinerja.citizens.section_trust import trust
from kinerja.evaluation import evaluate
from kinerja.fairness.screens import SCREENS
from kinerja.parameters import load_parameters
from kinerja.report.contents import section
from kinerja.rules import load_rules
from kinerja.rules.lookup import elements
from kinerja.show.charts import Chart
from kinerja.show.tables import Table

ROOT = Path(__file__).parents[2]
RULES = load_rules(on=date(2026, 9, 30))
ELEMENTS = elements(RULES)
COUNTS = {"n", "n_group", "n_reference", "looked_at"}
QUOTED = {"comments", "published"}
"""Tables of single comments and single figures, which count nobody."""


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(load_parameters(ROOT / "parameters" / "andir-2026-q3.yaml"))


def _tables(shown):
    return {block.name: block for block in shown.blocks if isinstance(block, Table)}


def _column(table, key):
    return next(k for k, column in enumerate(table.columns) if column.key == key)


@pytest.mark.parametrize("language", wording.LANGUAGES)
@pytest.mark.parametrize("name", ["citizens", "fairness"])
def test_every_table_says_n_and_no_code_shows_through(evaluation, name, language):
    for table in _tables(section(name, evaluation, language)).values():
        assert table.name in QUOTED or COUNTS & {column.key for column in table.columns}, table.name
        shown = [table.shown(r, c) for r in range(len(table.rows)) for c in range(len(table.columns))]
        assert not {"True", "False", "nan", "None"} & set(shown), table.name
        codes = {c for r in range(len(table.rows)) for c, col in enumerate(table.columns) if col.kind == "code"}
        raw = {table.rows[r][c] for r in range(len(table.rows)) for c in codes} - {None, ""}
        words = {table.shown(r, c) for r in range(len(table.rows)) for c in codes}
        assert not {str(v) for v in raw if "_" in str(v)} & words, table.name


def test_what_the_fairness_section_must_hold(evaluation):
    tables = _tables(section("fairness", evaluation, "id"))
    assert {"flips", "detectable", "verdict"} <= {c.key for c in tables["fairness_means"].columns}
    assert {"flips", "detectable", "count_group"} <= {c.key for c in tables["fairness_rates"].columns}
    assert {"four_fifths_left", "four_fifths_right"} <= {c.key for c in tables["fairness_four_fifths"].columns}
    assert {"homogeneity_p", "ets_class", "condition"} <= {c.key for c in tables["fairness_strata_rates"].columns}
    both = {row[_column(tables["fairness_rates"], "measure")] for row in tables["fairness_rates"].rows}
    assert both == {"top_rate", "bottom_rate"}
    meaning = tables["rater_screens_meaning"]
    assert [row[0] for row in meaning.rows] == list(SCREENS)
    for row, screen in zip(meaning.rows, SCREENS, strict=True):
        assert wording.text(f"screen.{screen}.not", "id") in row


def test_the_parts_of_a_decomposition_sum_on_the_page(evaluation):
    table = _tables(section("fairness", evaluation, "id"))["fairness_decomposition"]
    gap, explained, rest = (_column(table, key) for key in ("gap", "explained", "unexplained"))
    known = [row for row in table.rows if row[explained] is not None]
    assert known
    for row in known:
        assert row[explained] + row[rest] == pytest.approx(row[gap], abs=1e-9)


def test_withheld_cells_stay_off_the_page_and_are_counted(evaluation):
    table = _tables(section("fairness", evaluation, "id"))["fairness_cells"]
    n = _column(table, "n")
    assert min(row[n] for row in table.rows) >= evaluation.parameters.privacy.minimum_cell
    cells = evaluation.fairness.cells
    first = cells[(cells["outcome"] == "observed") & (cells["measure"] == "mean")]
    assert f"{(first['status'] != 'ok').sum()} dari {len(first)}" in table.note


def test_shares_are_in_percentage_points_and_stay_between_0_and_100(evaluation):
    table = _tables(section("fairness", evaluation, "id"))["fairness_cells"]
    measure, limits = _column(table, "measure"), _column(table, "conf_low")
    for row in table.rows:
        if row[measure] != "mean":
            assert 0 <= row[limits][0] <= row[limits][1] <= 100


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_chart_of_gaps_says_its_verdicts_in_words(evaluation, language):
    charts = [b for b in section("fairness", evaluation, language).blocks if isinstance(b, Chart)]
    assert len(charts) == 2
    for chart in charts:
        for verdict in ("shown", "not_shown", "cannot_tell"):
            told = wording.text("fairness.alt", language, shown="|", not_shown="|", cannot_tell="|").split("|")
            assert all(part.strip() in chart.alt for part in told), verdict


def test_no_rater_that_could_be_compared_is_said_in_words(evaluation):
    """On the example nobody has ten people of both groups: the page says so instead of leaving the table out."""
    drf = evaluation.fairness.drf
    assert not ((drf["status"] == "ok") & (drf["rater"] != "")).any()
    plain = [b.plain for b in section("fairness", evaluation, "id").blocks if hasattr(b, "plain")]
    assert wording.text("fairness.drf_none", "id", minimum=10) in plain


def test_findings_are_told_once(evaluation):
    plain = "\n".join(b.plain for b in section("citizens", evaluation, "id").blocks if hasattr(b, "plain"))
    lines = [line for line in plain.splitlines() if line]
    assert len(lines) == len(set(lines))


def _feedback(spread, seed=0, n=60):
    """Eight units named against their order of rank."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(8), n)
    mood = 3.0 - spread * (unit - 3.5) / 3.5 + rng.normal(0, 0.4, len(unit))
    marks = np.clip(np.rint(mood[:, None] + rng.normal(0, 0.5, (len(unit), 9))), 1, 4)
    frame = pd.DataFrame(marks, columns=list(ELEMENTS)).assign(
        period="2026-Q3", unit=[f"u{k}" for k in unit], ratee=[f"r{k}" for k in unit], team=[f"t{k}" for k in unit],
        response=[f"x{k:04d}" for k in range(len(unit))],
    )  # fmt: skip
    return estimate_citizens(frame, rules=RULES, period="2026-Q3", by=("unit",))


def test_units_that_cannot_be_told_apart_stand_by_name():
    alike, apart = _feedback(0.0), _feedback(0.5)
    assert not ordered_by_rank(alike, "unit") and ordered_by_rank(apart, "unit")
    by_name = index_table(alike, "id", "unit")
    assert [row[0] for row in by_name.rows[1:]] == sorted(row[0] for row in by_name.rows[1:])
    assert wording.text("citizens.no_order", "id") in by_name.note
    ranked = index_table(apart, "id", "unit")
    estimates = [row[_column(ranked, "estimate")] for row in ranked.rows[1:]]
    assert estimates == sorted(estimates)
    assert wording.text("citizens.no_order", "id") not in ranked.note


def test_officers_and_teams_are_counted_and_never_listed():
    blocks = [b for b in trust(_feedback(0.5).quality, "id", 0.95) if isinstance(b, Table)]
    tables = {block.name: block for block in blocks}
    levels = {row[0] for row in tables["feedback_reliability"].rows}
    assert {"unit", "team", "ratee"} <= levels
    listed = {row[_column(tables["feedback_standing"], "level")] for row in tables["feedback_standing"].rows}
    assert listed == {"unit"}


def test_needed_answers_follow_spearman_and_brown():
    """What stands on the page for 0.9 gives 0.9 when put back into the formula."""
    quality = _feedback(0.3).quality
    tables = {b.name: b for b in trust(quality, "en", 0.95) if isinstance(b, Table)}
    table = tables["feedback_reliability"]
    row = table.rows[[r[0] for r in table.rows].index("unit")]
    icc = float(quality.reliability.loc[quality.reliability["level"] == "unit", "icc"].iloc[0])
    for target in (0.7, 0.8, 0.9):
        needed = row[_column(table, f"needed_{target}")]
        assert needed * icc / (1 + (needed - 1) * icc) == pytest.approx(target)


def test_a_group_too_small_for_any_sign_says_so(evaluation):
    bias = evaluation.fairness
    nobody = bias.screens.assign(status="cannot", reason="under_floor", review=False)
    shown = section("fairness", replace(evaluation, fairness=replace(bias, screens=nobody)), "id")
    plain = [b.plain for b in shown.blocks if hasattr(b, "plain")]
    assert wording.text("fairness.screens_empty", "id", minimum=10) in plain
    assert "rater_screens" not in _tables(shown)
