"""One table, three renderings: HTML, spreadsheet, notebook; the same values in each."""

from __future__ import annotations

import io
import json
from html.parser import HTMLParser

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja.show.output import RECORD
from kinerja.show.tables import code, day, interval, number, percent, settled, show, table, table_from_json, words
from kinerja.show.tables import xlsx as tables_xlsx


def frame():
    return pd.DataFrame(
        {
            "unit": ["Karasak", "Pungkur", "Ciateul"],
            "role": ["supervisor", "peer", "juru <kunci>"],
            "n": [1200, 3, 40],
            "estimate": [81.25, 70.0, np.nan],
            "conf_low": [80.0, 60.0, np.nan],
            "conf_high": [82.34, 80.0, np.nan],
            "share": [0.125, 0.2, np.nan],
            "date": pd.to_datetime(["2026-11-23", "2026-01-02", None]),
            "status": ["ok", "suppressed", "cannot"],
            "reason": ["", "", "no_such_reason"],
        }
    )


COLUMNS = ("unit", "role", "n", number("estimate", 1), interval(0.95), percent("share", 1), day("date"))


def made(language="id", **options):
    return table(frame(), columns=COLUMNS, language=language, caption="Indeks <A>", name="index", **options)


class Cells(HTMLParser):
    """Tags with their attributes, and the text of each cell."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.rows, self.inside = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("th", "td")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def test_html_has_caption_scope_and_a_container_for_the_keyboard():
    html = made().to_html()
    tags = Cells(html).tags
    assert [a["scope"] for t, a in tags if t == "th"] == ["col"] * 7 + ["row"] * 3
    assert "<caption><span>Indeks &lt;A&gt;</span></caption>" in html
    assert any(a.get("tabindex") == "0" and a.get("role") == "region" and a.get("aria-label") for _, a in tags)
    assert "juru &lt;kunci&gt;" in html and "<kunci>" not in html


def test_numbers_are_written_as_the_language_writes_them():
    assert Cells(made("id").to_html()).rows[1] == [
        "Karasak", "Atasan", "1.200", "81,3", "80,0–82,3", "12,5 %", "23 November 2026",
    ]  # fmt: skip
    assert Cells(made("en").to_html()).rows[1] == [
        "Karasak", "Supervisor", "1,200", "81.3", "80.0–82.3", "12.5%", "23 November 2026",
    ]  # fmt: skip


def test_withheld_and_missing_figures_say_why():
    html = made("en").to_html()
    rows = Cells(html).rows
    assert rows[2][2:6] == ["withhelda"] * 4
    assert rows[3][2:7] == ["40", "–b", "–b", "–b", "–"]
    assert "too few people" in html and "no_such_reason" in html
    assert "70" not in json.dumps(made("en").to_json()["rows"]), "a withheld figure must not hide in the notebook"


def test_a_range_with_negative_limits_is_not_read_as_a_subtraction():
    column = interval(0.95)
    assert show((-1.25, 3.0), column, "en") == "−1.3 … 3.0"
    assert show((1.25, 3.0), column, "en") == "1.3–3.0"


def test_signs():
    column = number("adjustment", 1, signed=True)
    assert [show(v, column, "id") for v in (1.5, -1.5, 0.0, 0.01)] == ["+1,5", "−1,5", "0,0", "0,0"]


def test_only_words_of_the_column_are_translated():
    units = pd.DataFrame({"unit": ["target", "n"], "role": ["peer", "self"]})
    assert made_rows(table(units, language="en")) == [["target", "Peer"], ["n", "Self"]]
    assert made_rows(table(units, columns=[words("role")], language="en")) == [["peer"], ["self"]]
    assert made_rows(table(units, columns=[code("unit")], language="en"))[0] == ["Target"]


def made_rows(given):
    return [[given.shown(r, k) for k in range(len(given.columns))] for r in range(len(given.rows))]


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="'estimat' is not one of them"):
        table(frame(), columns=["estimat"])


def test_limit_shows_the_first_rows_and_says_where_the_rest_is():
    shown = made("en", limit=1, sheet="Index")
    visible, folded = shown.to_html().split("<details")
    assert len(Cells(visible).rows) == 2 and len(Cells(folded).rows) == 3
    assert "The first 1 of 3 rows" in shown.to_html() and "“Index”" in shown.to_html()
    assert len(shown.to_json()["rows"]) == 3


def test_plain_text_is_aligned():
    lines = made("en").to_text().splitlines()
    assert lines[0] == "Indeks <A>"
    assert lines[2].index("81.3") + 4 == lines[3].index("withheld", lines[3].index("withheld") + 1) + 8


def test_a_notebook_keeps_the_raw_values_and_gives_the_table_back():
    original = made()
    bundle = original._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", RECORD}
    stored = json.loads(json.dumps(bundle[RECORD], allow_nan=False))
    again = table_from_json(stored)
    assert again.to_html() == original.to_html() and again.rows == original.rows
    assert tables_xlsx.workbook_bytes([again]) == tables_xlsx.workbook_bytes([original])


def test_other_json_is_refused():
    with pytest.raises(ValueError, match="'chart'"):
        table_from_json({"kinerja": "chart"})


def workbook(*tables):
    return openpyxl.load_workbook(io.BytesIO(tables_xlsx.workbook_bytes(tables, title="Laporan", language="id")))


def test_a_sheet_has_typed_cells_frozen_headers_and_the_reasons():
    sheet = workbook(made())["index"]
    assert [c.value for c in sheet[1]] == [
        "Unit", "Peran penilai", "n", "Estimasi", "Selang 95 %: batas bawah", "Selang 95 %: batas atas", "Bagian",
        "Tanggal", "Alasan angka tidak ada",
    ]  # fmt: skip
    assert [c.value for c in sheet[2]][:4] == ["Karasak", "Atasan", 1200, 81.25]
    assert (sheet["G2"].value, sheet["G2"].number_format) == (0.125, "0.0%")
    assert sheet["H2"].is_date and sheet["H2"].value.year == 2026
    assert sheet["D3"].value == "ditutup" and sheet["D4"].value is None
    assert sheet["I4"].value == "no_such_reason"
    assert sheet.freeze_panes == "B2" and sheet.auto_filter.ref == "A1:I4"


@pytest.mark.parametrize("evil", ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_is_ever_a_formula(evil):
    given = table(pd.DataFrame({"unit": [evil]}), columns=[words("unit", label=evil)], caption=evil, name=evil)
    for sheet in workbook(given):
        for cells in sheet.iter_rows():
            for cell in cells:
                assert cell.data_type != "f"
                assert not str(cell.value or "").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert tables_xlsx.table_csv(given).splitlines()[-1].strip('"').startswith("'") or evil[0] in "\r\t"


@pytest.mark.parametrize("plain", ["-", "-5", "-1.234,5", "a=b", "Seksi Pelayanan"])
def test_harmless_text_stays_as_it_is(plain):
    assert tables_xlsx.neutral(plain) == plain


@given(st.lists(st.text(max_size=50), max_size=8))
@settings(deadline=None, max_examples=60)
def test_sheet_titles_are_accepted_by_a_spreadsheet(wanted):
    titles = tables_xlsx.sheet_titles(wanted, taken=("Daftar isi",))
    assert len({t.lower() for t in titles} | {"daftar isi"}) == len(titles) + 1
    book = openpyxl.Workbook()
    for title in titles:
        assert book.create_sheet(title).title == title


def test_equal_tables_give_equal_bytes_without_a_clock():
    first = tables_xlsx.workbook_bytes([made(), made("en")], title="x")
    assert first == tables_xlsx.workbook_bytes([made(), made("en")], title="x")
    book = openpyxl.load_workbook(io.BytesIO(first))
    assert book.properties.created.year == 1980 and book.sheetnames == ["Daftar isi", "index", "index 2", "Istilah"]


def test_control_characters_do_not_break_the_workbook():
    given = table(pd.DataFrame({"unit": ["a\x00b\x0bc"]}), name="x")
    assert workbook(given)["x"]["A2"].value == "a�b�c"


def test_an_empty_table_is_still_a_table():
    given = table(pd.DataFrame({"unit": pd.Series([], dtype=str), "n": pd.Series([], dtype=float)}), caption="Kosong")
    assert "<tbody></tbody>" in given.to_html()
    assert workbook(given).sheetnames[1] == "table"


def test_a_tie_is_decided_by_the_id_not_by_the_last_digit_of_a_sum():
    rows = pd.DataFrame({"ratee": ["P2", "P1", "P3"], "size": [0.1 + 0.2, 0.3, 0.4]})
    found = rows.sort_values(["size", "ratee"], ascending=[False, True], key=settled)
    assert list(found["ratee"]) == ["P3", "P1", "P2"]  # 0.1 + 0.2 is larger than 0.3 in the seventeenth digit only


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        (percent("share"), 0.998, "> 99 %"),
        (percent("share"), 0.001, "< 1 %"),
        (percent("share", 1), 0.9996, "> 99,9 %"),
        (percent("share"), 1.0, "100 %"),
        (percent("share"), 0.0, "0 %"),
        (percent("share"), 0.994, "99 %"),
        (number("p_adjusted", 3), 0.0002, "< 0,001"),
        (number("p", 3), 0.0007, "0,001"),
        (number("estimate", 3), 0.0002, "0,000"),
    ],
)
def test_nearly_none_and_nearly_all_are_not_rounded_to_none_and_all(column, value, shown):
    assert show(value, column, "id").replace("\u00a0", " ") == shown
