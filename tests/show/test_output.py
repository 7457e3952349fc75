"""What stands in a notebook's output: a record that only this package reads, one style a cell, drawings twice."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nbformat
import pandas as pd
import pytest
from IPython.utils.capture import capture_output

from kinerja.report.html import _style, notebook_data, notebook_tables, render_html
from kinerja.show import blocks as report_blocks
from kinerja.show import charts as plots
from kinerja.show.output import RECORD, page_html, record_of, show, style
from kinerja.show.tables import table

FRAME = pd.DataFrame({"unit": ["Karasak <b>", 'Pungkur & "Timur" 100 %\''], "estimate": [82.1, 79.4]})
TABLE = table(FRAME, caption="Indeks", name="index")
CHART = plots.dot_interval_chart(FRAME, label="unit", caption="Indeks", note="Catatan", confidence=None)
FACTS = report_blocks.facts([("pegawai", "138")])


def shown(*blocks):
    """The outputs of one cell that shows these blocks."""
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.instance()
    with capture_output() as captured:
        show(blocks)
    return [nbformat.v4.new_output("display_data", data=o.data, metadata=o.metadata) for o in captured.outputs]


@pytest.mark.parametrize("block", [TABLE, CHART, FACTS], ids=["table", "chart", "facts"])
def test_no_reader_of_notebooks_prefers_the_record_to_the_page(block):
    (output,) = shown(block)
    assert record_of(output)["kinerja"] in ("table", "chart", "facts")
    assert "application/json" not in output.data and {"text/html", "text/plain", RECORD} <= set(output.data)


def test_a_cell_has_its_style_once_and_a_lone_block_its_own():
    outputs = shown(FACTS, TABLE, CHART)
    assert [output.data["text/html"].count("<style") for output in outputs] == [1, 0, 0]
    assert outputs[0].data["text/html"].startswith(style())
    assert all(shown(block)[0].data["text/html"].startswith(style()) for block in (FACTS, TABLE, CHART))
    assert len(style()) < 5_000


def test_a_report_has_neither_the_style_nor_pictures_and_takes_every_record():
    cell = nbformat.v4.new_code_cell("x", outputs=shown(FACTS, TABLE, CHART))
    notebook = nbformat.from_dict(nbformat.v4.new_notebook(cells=[cell]))
    page = render_html(notebook, title="x")
    assert "kj-style" not in page and "<img" not in page and page.count('class="kj-chart-') == 2
    assert notebook_data(notebook)["facts"] == [[["pegawai", "138"]]]
    assert [found.rows for found in notebook_tables(notebook)] == [TABLE.rows, CHART.table.rows]


def test_a_style_of_another_version_does_not_reach_a_report_either():
    assert page_html('<style class="kj-style">p { color: red }\n</style><p>x</p>') == "<p>x</p>"
    assert page_html("<style>p { color: red }</style>") == "<style>p { color: red }</style>"  # a user's own


def test_a_drawing_comes_back_from_its_picture_to_the_byte():
    (output,) = shown(CHART)
    assert page_html(output.data["text/html"]) == CHART.to_html()


def test_a_picture_is_one_attribute_whatever_the_data_are_called():
    (output,) = shown(CHART)
    pictures = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag == "img":
                pictures.append(dict(attributes))

    Reader().feed(output.data["text/html"])
    (picture,) = pictures
    assert set(picture) == {"class", "alt", "src"} and picture["alt"] == CHART.alt
    assert picture["src"].startswith("data:image/svg+xml;charset=utf-8,%3Csvg ") and picture["src"].endswith("svg%3E")


def test_a_dark_notebook_has_the_colours_of_the_dark_report():
    """Those are tested for contrast and for kinds of colour vision (tests/test_plots.py)."""
    from kinerja.explorer import _style as explorer

    dark = _style().split("@media (prefers-color-scheme: dark)")[1].split("}")[0]
    wanted = set(re.findall(r"--(?:c\d(?:-soft)?|neutral): #[0-9a-f]{6};", dark))
    assert len(wanted) == 10
    notebook, widgets = (s.split('[data-jp-theme-light="false"]')[1].split("}")[0] for s in (style(), explorer()))
    assert wanted <= set(re.findall(r"--[\w-]+: #[0-9a-f]{6};", notebook))
    assert wanted <= set(re.findall(r"--[\w-]+: #[0-9a-f]{6};", widgets))
    assert all(colour in notebook for colour in re.findall(r"--(?:note|caution|stop): #[0-9a-f]{6};", dark))
