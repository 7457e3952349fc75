"""Charts: the same bytes on every run, no pyplot, words for who cannot see them, the numbers behind them."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja.show import charts as plots
from kinerja.show.charts import canvas as plots_canvas
from kinerja.show.charts import lines as plots_lines
from kinerja.show.charts import svg as plots_svg
from kinerja.show.charts import wright as plots_wright
from kinerja.show.output import RECORD, page_html
from kinerja.show.tables import table_from_json


def units(language="id", **options):
    frame = pd.DataFrame(
        {
            "unit": ["Karasak", "Pungkur <b>", "Ciateul", "Ancol"],
            "estimate": [82.14, 79.4, np.nan, 75.0],
            "conf_low": [80.0, 77.0, np.nan, 70.0],
            "conf_high": [84.0, 81.0, np.nan, 80.0],
            "n": [1200, 80, 2, 3],
            "status": ["ok", "ok", "cannot", "suppressed"],
            "reason": ["", "", "x", ""],
        }
    )
    return plots.dot_interval_chart(
        frame, label="unit", confidence=0.95, language=language, caption="Indeks", name="index", **options
    )


def calibrated(count=6, **options):
    observed = np.linspace(70, 80, count)
    frame = pd.DataFrame({"ratee": [f"P{k}" for k in range(count)], "observed": observed})
    frame["calibrated"] = observed + np.where(np.arange(count) % 2, -1.0, 2.0) * (np.arange(count) + 1)
    frame = frame.assign(conf_low=frame["calibrated"] - 1, conf_high=frame["calibrated"] + 1)
    return plots.calibration_chart(frame, confidence=0.95, caption="Kalibrasi", **options)


def periods(values, **options):
    frame = pd.DataFrame(values, columns=["period", "unit", "estimate"])
    return plots.trend_chart(frame, confidence=None, series="unit", caption="Tren", **options)


def everything():
    levels = ["di_bawah", "sesuai", "di_atas"]
    cells = pd.DataFrame([(a, b, 3 if a == b else 1, "baik") for a in levels for b in levels],
                         columns=["hasil", "perilaku", "count", "predikat"])  # fmt: skip
    shares = pd.DataFrame([("A", "moves", 0.2), ("A", "citizens", 0.1), ("B", "moves", 0.7)],
                          columns=["rater", "source", "share"])  # fmt: skip
    elements = pd.DataFrame([(e, p, 3 + k / 10) for k, e in enumerate("xyz") for p in ("2026-Q1", "2026-Q2")],
                            columns=["element", "period", "estimate"])  # fmt: skip
    measures = pd.DataFrame([("ratee", "a", 1.0), ("ratee", "b", -1.0), ("rater", "R1", 0.5), ("rater", "R2", -0.5)],
                            columns=["facet", "element", "measure"])  # fmt: skip
    limits = {"estimate": [1.0, -2.0], "conf_low": [0.0, -3.0], "conf_high": [2.0, -1.0], "n": [30, 40]}
    gaps = pd.DataFrame({"group": ["P", "L"], **limits, "verdict": ["shown", "cannot_tell"]})
    counts = pd.DataFrame({"category": ["baik", "kurang"], "count": [9, 1], "expected": [0.7, 0.3]})
    points = pd.DataFrame([(e, u, 3.0 + k, 3.2) for e in "xy" for k, u in enumerate("ab")],
                          columns=["element", "unit", "estimate", "office"])  # fmt: skip
    return {
        "dots": units(),
        "gaps": plots.gap_chart(gaps, confidence=0.95, margin=1.0, caption="Selisih"),
        "calibration": calibrated(boundaries={"Baik": 75.0}),
        "strip": plots.strip_chart(points, reference="office", caption="Unsur"),
        "distribution": plots.distribution_chart(counts, expected="expected", caption="Sebaran"),
        "matrix": plots.matrix_chart(cells, row="hasil", column="perilaku", rows=levels[::-1], columns=levels),
        "gate": plots.gate_chart(shares, limit=0.5, caption="Bukti"),
        "trend": periods([("2026-Q1", "a", 80.0), ("2026-Q2", "a", 81.0), ("2026-Q1", "b", 70.0)]),
        "elements": plots.elements_chart(elements, confidence=None, caption="Unsur"),
        "wright": plots.wright_chart(measures, caption="Peta"),
    }  # fmt: skip


CHARTS = everything()


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_the_same_on_every_run(name):
    chart, again = CHARTS[name], everything()[name]
    assert chart.svg() == again.svg() and chart.to_html() == again.to_html()
    assert chart.digest == again.digest


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("width", [plots_canvas.WIDE, plots_canvas.NARROW])
def test_the_drawing_is_small_whole_and_speaks(name, width):
    svg = CHARTS[name].svg(width=width)
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img" and root.get("aria-label") == CHARTS[name].alt and len(CHARTS[name].alt) > 20
    assert root.get("viewBox").split()[2] == str(width)
    assert len(svg) < 40_000
    assert not re.search(r"\d{4}-\d\d-\d\dT|matplotlib|id=|<use|\bnan\b|clip-path", svg)
    wide = float(root.get("viewBox").split()[2])
    letters = list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert letters and all(-1 <= float(t.get("x")) <= wide + 1 for t in letters)


@pytest.mark.parametrize("name", CHARTS)
def test_a_notebook_gets_drawing_figure_words_and_values(name):
    data, metadata = CHARTS[name]._repr_mimebundle_()
    assert set(data) == {"text/html", "image/svg+xml", "text/plain", RECORD}
    assert metadata["image/svg+xml"]["alt"] == CHARTS[name].alt
    html = page_html(data["text/html"])
    assert html == CHARTS[name].to_html()
    assert html.count("<svg") == 2 and "<figcaption>" in html and "<details>" in html and "<table>" in html
    stored = json.loads(json.dumps(data[RECORD], allow_nan=False))
    assert table_from_json(stored["table"]).rows == CHARTS[name].table.rows


def test_words_of_the_data_cannot_become_markup():
    html = units().to_html()
    assert "Pungkur &lt;b&gt;" in html and "<b>" not in html


def test_what_cannot_be_shown_is_said_and_not_drawn():
    chart = units("en")
    assert "Highest: Karasak, 82.1. Lowest: Pungkur <b>, 79.4." in chart.alt
    assert "Cannot be shown: Ancol and Ciateul." in chart.alt
    svg = chart.svg()
    assert svg.count("<circle") == 2
    assert "Cannot be computed" in svg and "withheld" in svg and ">75" not in svg and "n 3<" not in svg


def test_numbers_follow_the_language():
    assert ">82,1<" in units("id").svg() and ">n 1.200<" in units("id").svg()
    assert ">82.1<" in units("en").svg() and ">n 1,200<" in units("en").svg()


def test_a_chart_with_nothing_to_show_says_so():
    frame = pd.DataFrame({"unit": ["a"], "estimate": [np.nan], "status": ["cannot"], "reason": [""]})
    chart = plots.dot_interval_chart(frame, label="unit", confidence=None, caption="x", language="en")
    assert chart.alt == "None of the 1 rows can be computed." and "<circle" not in chart.svg()


def test_calibration_names_the_largest_change_and_draws_at_most_the_limit():
    chart = calibrated(6, language="en", limit=3)
    assert "Largest change: P4, from 78.0 to 88.0" in chart.alt
    assert len(chart.table.rows) == 6
    assert chart.svg().count("<circle") == 3 * 2 + 2, "a hollow and a filled dot a row, and the key"


def test_calibration_shows_the_change_with_its_sign():
    svg = calibrated(2, language="en").svg()
    assert ">+2.0<" in svg and ">−2.0<" in svg


def test_a_gap_in_a_series_breaks_its_line():
    values = [
        (p, "a", v)
        for p, v in zip(("2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"), (1.0, 2.0, math.nan, 3.0), strict=True)
    ]
    whole = [(p, u, 2.0 if math.isnan(v) else v) for p, u, v in values]
    assert periods(values).svg().count("<path") < periods(whole).svg().count("<path") + 1
    assert periods(values).svg().count("<circle") == 3


def test_labels_at_the_ends_of_lines_do_not_touch():
    placed = plots_lines._apart([10.0, 12.0, 11.0, 40.0], 15.0, ["a", "b", "c", "d"])
    ordered = sorted(placed)
    assert all(b - a >= 15 for a, b in pairwise(ordered))
    assert placed[0] < placed[2] < placed[1]


@given(st.lists(st.floats(0, 460), min_size=1, max_size=20))
@settings(deadline=None, max_examples=60)
def test_names_of_the_wright_map_keep_their_distance_and_stay_on_it(heights):
    placed = plots_wright._spread(sorted(heights), 15.0, 30.0, 450.0)
    assert all(b - a >= 15 - 1e-9 for a, b in pairwise(placed))
    assert placed[-1] <= 450 + 1e-9


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
@settings(deadline=None, max_examples=100)
def test_a_scale_holds_its_data_and_its_ticks_are_told_apart(values):
    scale = plots_canvas.scale(values, 0, 100)
    # A millionth of a pixel: the locator takes values next to a tick for the tick.
    assert all(-1e-6 <= scale(v) <= 100 + 1e-6 for v in values)
    shown = [f"{t:.{plots_canvas.decimals(scale.ticks)}f}" for t in scale.ticks]
    assert len(set(shown)) == len(shown)


def test_colours_are_variables_with_a_fallback_and_can_be_made_plain():
    svg = units().svg()
    assert "var(--c1, #005a9c)" in svg
    plain = plots_svg.without_variables(svg)
    assert "var(" not in plain and "#005a9c" in plain


def test_the_style_sheet_has_every_colour_in_both_schemes():
    from kinerja.report.html import _style

    light, dark = _style().split("@media (prefers-color-scheme: dark)")[:2]
    for colour, name in plots_canvas.VARIABLES.items():
        assert f"--{name}: {colour};" in light
        assert f"--{name}: #" in dark.split("}")[0]


def themes():
    """The colours of the style sheet: name -> colour, light and dark."""
    from kinerja.report.html import _style

    light, dark = _style().split("@media (prefers-color-scheme: dark)")[:2]
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in (light, dark.split("}")[0])]


def contrast(first, second):
    """WCAG 2.2: (lighter + 0.05) / (darker + 0.05) of the relative luminances."""

    def luminance(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def test_marks_reach_three_to_one_and_words_four_and_a_half_to_one():
    """WCAG 2.2, 1.4.11 and 1.4.3."""
    for colours in themes():
        for name in ("c1", "c2", "c3", "c4", "c5", "c6", "c7"):
            assert contrast(colours[name], colours["paper"]) >= 3, name
        for name in ("ink", "soft", "link", "note", "caution", "stop"):
            assert contrast(colours[name], colours["paper"]) >= 4.5, name


def test_series_can_be_told_apart_without_colour_vision():
    """Machado, Oliveira and Fernandes 2009 (severity 1.0): the first four keep a distance for all three kinds."""
    matrices = {
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    }
    for colours in themes():
        series = [colours[f"c{k}"] for k in range(1, 5)]
        rgb = np.array([[int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)] for c in series])
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        for kind, matrix in matrices.items():
            seen = np.sqrt(np.clip(linear @ np.array(matrix).T, 0, 1))
            for a, b in combinations(range(4), 2):
                # 0.14 of the unit cube of screen values is about 20 of 255 steps in each channel; alike is 0.
                assert np.linalg.norm(seen[a] - seen[b]) > 0.14, (kind, a, b)


def test_pyplot_is_never_loaded():
    code = "import sys; import tests.show.test_charts; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "False"
