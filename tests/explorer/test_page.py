"""The explorer through Voila in a real browser: it loads, a choice moves table and n, it fits a phone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import CHROMIUM, NO_CHROMIUM, SECONDS, chromium, free_port, patient, resize, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason=NO_CHROMIUM),
]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page of `kinerja explore`, on a copy of the example whose outputs go elsewhere."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(ROOT / "parameters", folder / "parameters")
    shutil.copytree(ROOT / "kinerja" / "example", folder / "kinerja" / "example")
    command = [sys.executable, "-m", "kinerja", "explore", str(folder / "parameters" / "andir-2026-q3.yaml"),
               "--port", str(free_port()), "--no-browser", "--language", "id"]  # fmt: skip
    with (folder / "page.log").open("w") as log:
        served = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder,
                                  env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"})  # fmt: skip
    try:
        yield _address(folder / "page.log", served)
    finally:
        served.terminate()
        served.wait(SECONDS)


def _address(log, served):
    """What the command says when the page can be opened: the address with its token."""

    def said():
        return re.search(r"http://127\.0\.0\.1:\d+/\?token=\w+", log.read_text(encoding="utf-8"))

    found = until(said, alive=lambda: served.poll() is None)
    assert found, log.read_text(encoding="utf-8")
    return found.group()


@pytest.fixture(scope="module")
def tab(address):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = chromium(player, "--disable-gpu", "--disable-background-networking")
        opened = patient(browser.new_page(viewport={"width": 1280, "height": 900}))
        opened.complaints, opened.asked = [], []
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.on("console", lambda m: m.type == "error" and opened.complaints.append((m.location["url"], m.text)))
        opened.on("pageerror", lambda error: opened.complaints.append(("", str(error))))
        opened.goto(address)
        opened.wait_for_selector(".kj-n")
        opened.wait_for_selector(".kj-chart-wide")
        yield opened
        browser.close()


def _dropdown(tab, name):
    return tab.locator(".widget-dropdown", has=tab.locator("label", has_text=name)).locator("select")


def test_a_choice_moves_the_table_the_plots_and_n(tab):
    assert tab.locator(".kj-n").inner_text() == "n = 140 pegawai dalam pilihan ini"
    rows, drawn = tab.locator(".kj-explorer table").inner_text(), tab.locator(".kj-chart-wide").first.inner_html()
    _dropdown(tab, "Kelompok").select_option("Status kepegawaian: PPPK")
    tab.wait_for_function("document.querySelector('.kj-n').textContent.startsWith('n = 28 ')")
    tab.wait_for_function("was => document.querySelector('.kj-chart-wide').innerHTML !== was", arg=drawn)
    tab.wait_for_function("was => document.querySelector('.kj-explorer table').innerText !== was", arg=rows)
    assert "tidak ditampilkan" in tab.locator(".kj-explorer .kj-small").first.inner_text()


def test_the_code_is_there_to_be_copied(tab):
    tab.get_by_text("Salin sebagai kode").click()
    code = tab.locator(".kj-explorer pre").inner_text()
    compile(code, "copied", "exec")
    assert "andir-2026-q3.yaml" in code and "kj.view(evaluation" in code
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.locator("button.kj-copy").click()
    tab.wait_for_function("code => navigator.clipboard.readText().then(text => text === code)", arg=code)


def test_it_fits_a_phone(tab):
    resize(tab, 360, 780)
    tab.wait_for_function("getComputedStyle(document.querySelector('.kj-chart-narrow')).display === 'block'")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.locator(".kj-explorer table").bounding_box()["width"] <= 340


def test_nothing_complains_and_nothing_is_asked_of_another_machine(tab):
    assert tab.complaints == []
    assert all(url.startswith(("http://127.0.0.1:", "data:", "blob:")) for url in tab.asked)
