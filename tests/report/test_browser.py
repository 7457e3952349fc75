"""The report in a real browser: no request, no message, accessible in light and dark, readable on a phone, prints."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from kinerja.report.html import render_html
from kinerja.results import Finding
from kinerja.show import blocks as report_blocks
from kinerja.show import charts as plots
from kinerja.show.tables import interval, number, percent, table
from tests.patience import CHROMIUM, NO_CHROMIUM, chromium, patient, resize

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason=NO_CHROMIUM),
]

PAPER, LANDSCAPE = 673, 1001
"""Pixels between the margins of a printed A4 page (178 mm), and of one on its side (265 mm)."""

UNITS = ("Kelurahan Karasak", "Kelurahan Pungkur", "Balonggede", "Ciateul", "Ancol", "Pungkur Barat", "Seksi Umum")


def outputs(thing):
    bundle = thing._repr_mimebundle_()
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    return [nbformat.v4.new_output("display_data", data=data, metadata=metadata)]


def index_frame():
    random = np.random.default_rng(7)
    estimate = random.normal(80, 4, len(UNITS))
    frame = pd.DataFrame({"unit": UNITS, "n": random.integers(20, 900, len(UNITS)), "estimate": estimate})
    frame = frame.assign(conf_low=estimate - 3, conf_high=estimate + 3, share=random.uniform(0, 1, len(UNITS)))
    frame["status"], frame["reason"] = "ok", ""
    frame.loc[6, "status"] = "suppressed"
    frame.loc[5, ["estimate", "conf_low", "conf_high", "status"]] = [np.nan, np.nan, np.nan, "cannot"]
    return frame


def charts(language):
    random = np.random.default_rng(8)
    periods = ("2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3")
    names = (
        "requirements",
        "procedure",
        "time",
        "cost",
        "product",
        "competence",
        "behaviour",
        "complaints",
        "facilities",
    )
    elements = pd.DataFrame([(e, p, random.normal(3, 0.2)) for e in names for p in periods],
                            columns=["element", "period", "estimate"])  # fmt: skip
    people = pd.DataFrame({"ratee": [f"P{k:02d}" for k in range(12)], "observed": random.normal(76, 5, 12)})
    people["calibrated"] = people["observed"] + random.normal(0, 2, 12)
    people = people.assign(conf_low=people["calibrated"] - 3, conf_high=people["calibrated"] + 3)
    levels = ["di_bawah", "sesuai", "di_atas"]
    cells = pd.DataFrame([(a, b, int(random.integers(0, 40)), "Baik") for a in levels for b in levels],
                         columns=["hasil", "perilaku", "count", "predikat"])  # fmt: skip
    measures = [("ratee", f"P{k}", random.normal()) for k in range(80)]
    measures += [("rater", f"Atasan {k}", random.normal() * 0.6) for k in range(9)]
    wright = pd.DataFrame(measures, columns=["facet", "element", "measure"])
    mixed = [(f"Atasan {k}", s, v) for k in range(5) for s, v in zip("ABC", random.dirichlet([1, 1, 2]), strict=True)]
    sources = pd.DataFrame(mixed, columns=["rater", "source", "share"])
    common = {"language": language, "note": "Titik: indeks."}
    return [
        plots.dot_interval_chart(index_frame(), label="unit", confidence=0.95, reference=80.0,
                                 reference_label="kantor 80,4", axis="Indeks (25–100)",
                                 caption="Indeks kepuasan masyarakat per unit", **common),
        plots.elements_chart(elements, confidence=None, caption="Sembilan unsur", **common),
        plots.trend_chart(elements[elements["element"].isin(names[:3])], confidence=None, series="element",
                          caption="Tren", **common),
        plots.matrix_chart(cells, row="hasil", column="perilaku", rows=levels[::-1], columns=levels, caption="Predikat",
                           **common),
        plots.distribution_chart(pd.DataFrame({"category": ["Baik", "Kurang"], "count": [90, 12]}), caption="Sebaran",
                                 **common),
        plots.calibration_chart(people, confidence=0.95, boundaries={"Baik": 75.0},
                                caption="Sebelum dan sesudah kalibrasi", **common),
        plots.gate_chart(sources, limit=0.5, caption="Bukti", **common),
        plots.wright_chart(wright, axis="logit", caption="Peta Wright", **common),
    ]  # fmt: skip


def report_page(language="id"):
    """A page with everything a report can hold, made without a kernel."""
    sentence = (
        "Kalimat biasa yang menjelaskan apa yang terlihat di sini dan apa yang tidak boleh disimpulkan darinya. " * 2
    )
    cells = [nbformat.v4.new_code_cell("hidden = 1")]

    def show(thing):
        cells.append(nbformat.v4.new_code_cell("x", outputs=outputs(thing)))

    def prose(text):
        cells.append(nbformat.v4.new_markdown_cell(text))

    show(
        report_blocks.facts([("pegawai dinilai", "138"), ("penilai", "25"), ("jawaban warga", "1.204"), ("unit", "9")])
    )
    found = [Finding(level=level, code="browser", data={}) for level in ("note", "stop", "caution", "note")]
    show(report_blocks.findings(found, language, links={"browser": "warga"}))
    prose(f"## Data\n\n{sentence}\n\n### Yang tidak dipakai\n\n- satu\n- dua")
    columns = ["unit", "n", number("estimate", 1), interval(0.95), percent("share", 1)]
    show(table(index_frame(), columns=columns, language=language, caption="Indeks per unit", name="index"))
    wide = pd.DataFrame({f"kolom_{k}": [1234.5] * 2 for k in range(16)})
    show(table(wide, language=language, caption="Tabel yang lebih lebar dari telepon", name="wide"))
    prose(f"## Warga\n\n{sentence}")
    for chart in charts(language):
        show(chart)
    prose(f"## Lampiran\n\n{sentence}")
    notebook = nbformat.v4.new_notebook(cells=cells)
    return render_html(
        notebook,
        language=language,
        title="Laporan evaluasi kinerja",
        subtitle="Periode 2026-Q3: 1 Juli 2026 sampai 30 September 2026",
        kicker="Kecamatan Andir, Kota Bandung",
        footer=["Proses andir-2026-q3 (0123456789abcdef), kinerja 0.1.0"],
    )


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    sentences = {
        "finding.browser": {
            "id": "Tiga dari 25 atasan menilai 4,2 poin lebih ketat daripada rekan-rekannya untuk pekerjaan yang sama.",
            "en": "Three of 25 supervisors rate 4.2 points more strictly than their colleagues for the same work.",
        }
    }
    from kinerja import wording

    with pytest.MonkeyPatch.context() as patch:
        text = wording.rows("sentence")
        patch.setattr(wording, "rows", lambda kind, known=wording.rows: known(kind) if kind != "sentence" else
                      {**text, **sentences})  # fmt: skip
        path = tmp_path_factory.mktemp("page") / "report.html"
        path.write_text(report_page(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        started = chromium(player)
        yield started
        started.close()


@pytest.fixture
def page(browser, address):
    """Opens the report at a size and a scheme, and records every request and console message."""
    opened = []

    def go(width=1280, height=900, scheme="light"):
        context = patient(browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme))
        opened.append(context)
        tab = context.new_page()
        tab.requests, tab.messages = [], []
        tab.on("request", lambda request: tab.requests.append(request.url))
        tab.on("console", lambda message: tab.messages.append(message.text))
        tab.on("pageerror", lambda error: tab.messages.append(str(error)))
        tab.goto(address.as_uri())
        return tab

    yield go
    for context in opened:
        context.close()


def test_nothing_is_loaded_and_nothing_complains(page, address):
    tab = page()
    tab.wait_for_load_state("networkidle")
    asked = [url for url in tab.requests if not url.startswith("data:")]
    assert asked == [address.as_uri()]
    assert tab.messages == []
    assert address.stat().st_size < 2_000_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_serious_accessibility_violation(page, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    tab = page(width=width, scheme=scheme)
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    # axe is put in as text, which the page's own policy would refuse to a stranger: evaluate bypasses it.
    found = Axe().run(tab).response["violations"]
    grave = [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0].get("failureSummary")) for v in found
             if v["impact"] in ("serious", "critical")]  # fmt: skip
    assert grave == []


def test_the_contents_lead_to_every_chapter(page):
    tab = page()
    links = tab.locator(".kj-toc a")
    assert links.all_inner_texts() == ["Data", "Warga", "Lampiran", "Arti istilah"]
    for k in range(links.count()):
        links.nth(k).click()
        target = tab.locator(links.nth(k).get_attribute("href"))
        assert target.count() == 1
        tab.wait_for_function("e => e.getBoundingClientRect().top < innerHeight - 20", arg=target.element_handle())
        assert links.nth(k).is_visible(), "the contents stay in sight"


def test_contents_on_a_phone(page):
    tab = page(width=360, height=740)
    assert not tab.locator(".kj-toc").is_visible()
    tab.locator(".kj-toc-small summary").click()
    tab.locator(".kj-toc-small a", has_text="Warga").click()
    tab.wait_for_function("location.hash === '#warga'")


@pytest.mark.parametrize("width", [320, 360, 412, 768, 1280, 1920])
def test_the_page_never_scrolls_sideways(page, width):
    tab = page(width=width)
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [360, 1280])
def test_letters_in_figures_are_never_small_or_cut_off(page, width):
    """In figures no text is under 11 px on the screen, and none reaches over its figure's edge."""
    tab = page(width=width)
    measured = tab.evaluate(
        """[...document.querySelectorAll('figure svg')].filter(s => s.getBoundingClientRect().width).flatMap(s => {
             const box = s.getBoundingClientRect(), zoom = box.width / s.viewBox.baseVal.width;
             return [...s.querySelectorAll('text')].map(t => { const b = t.getBoundingClientRect();
               return [t.textContent, 13 * zoom, b.left - box.left, box.right - b.right]; }); })"""
    )
    assert len(measured) > 100
    assert [m for m in measured if m[1] < 11 or m[2] < -2 or m[3] < -2] == []


def test_headings_are_in_order_and_the_title_is_alone(page):
    tab = page()
    levels = tab.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_skip_link_is_first_and_works(page):
    tab = page()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "kj-skip"
    tab.keyboard.press("Enter")
    tab.wait_for_function("location.hash === '#kj-main'")


def test_it_prints(page, tmp_path):
    tab = page()
    tab.emulate_media(media="print")
    assert not tab.locator(".kj-toc").is_visible()
    resize(tab, PAPER, 1000)
    tables = "[...document.querySelectorAll('table')].map(t => [t.querySelectorAll('thead th').length, t.scrollWidth])"
    widths = tab.evaluate(tables)
    assert all(width <= (PAPER if columns < 13 else LANDSCAPE) for columns, width in widths)
    tab.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, tagged=True)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


if __name__ == "__main__":  # a page to look at: python tests/test_browser.py FILE
    import sys

    Path(sys.argv[1]).write_text(report_page(), encoding="utf-8")
