"""The explorer through Voila in a real browser: it loads, a choice moves table and n, it fits a phone."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: install Debian's package chromium, or set CHROMIUM"),
]

ROOT = Path(__file__).parents[1]
PATIENCE = 180_000
"""Milliseconds for a kernel on a loaded machine."""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page of `kinerja explore`, on a copy of the example whose outputs go elsewhere."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(ROOT / "parameters", folder / "parameters")
    shutil.copytree(ROOT / "kinerja" / "data" / "example", folder / "kinerja" / "data" / "example")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "kinerja", "explore", str(folder / "parameters" / "andir-2026-q3.yaml"),
               "--port", str(port), "--no-browser", "--language", "id"]  # fmt: skip
    with (folder / "page.log").open("w") as log:
        served = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder,
                                  env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"})  # fmt: skip
    try:
        yield _address(folder / "page.log", served)
    finally:
        served.terminate()
        served.wait()


def _address(log, served):
    """What the command says when the page can be opened: the address with its token."""
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end and served.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\w+", log.read_text(encoding="utf-8"))
        if found:
            return found.group()
        time.sleep(0.5)
    raise AssertionError(log.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tab(address):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.complaints, opened.asked = [], []
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.on("console", lambda m: m.type == "error" and opened.complaints.append((m.location["url"], m.text)))
        opened.on("pageerror", lambda error: opened.complaints.append(("", str(error))))
        opened.goto(address, timeout=PATIENCE)
        opened.wait_for_selector(".kj-n", timeout=PATIENCE)
        opened.wait_for_selector(".kj-chart-wide", timeout=PATIENCE)
        yield opened
        browser.close()


def _dropdown(tab, name):
    return tab.locator(".widget-dropdown", has=tab.locator("label", has_text=name)).locator("select")


def test_a_choice_moves_the_table_the_plots_and_n(tab):
    assert tab.locator(".kj-n").inner_text() == "n = 140 pegawai dalam pilihan ini"
    rows, drawn = tab.locator(".kj-explorer table").inner_text(), tab.locator(".kj-chart-wide").first.inner_html()
    _dropdown(tab, "Kelompok").select_option("Status kepegawaian: PPPK")
    tab.wait_for_function("document.querySelector('.kj-n').textContent.startsWith('n = 28 ')", timeout=PATIENCE)
    tab.wait_for_function(
        "was => document.querySelector('.kj-chart-wide').innerHTML !== was", arg=drawn, timeout=PATIENCE
    )
    assert tab.locator(".kj-explorer table").inner_text() != rows
    assert "tidak ditampilkan" in tab.locator(".kj-explorer .kj-small").first.inner_text()


def test_the_code_is_there_to_be_copied(tab):
    tab.get_by_text("Salin sebagai kode").click()
    code = tab.locator(".kj-explorer pre").inner_text()
    compile(code, "copied", "exec")
    assert "andir-2026-q3.yaml" in code and "kj.view(evaluation" in code
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.locator("button.kj-copy").click()
    assert tab.evaluate("navigator.clipboard.readText()") == code


def test_it_fits_a_phone(tab):
    tab.set_viewport_size({"width": 360, "height": 780})
    tab.wait_for_function("getComputedStyle(document.querySelector('.kj-chart-narrow')).display === 'block'")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.locator(".kj-explorer table").bounding_box()["width"] <= 340


def test_nothing_complains_and_nothing_is_asked_of_another_machine(tab):
    assert tab.complaints == []
    assert all(url.startswith(("http://127.0.0.1:", "data:", "blob:")) for url in tab.asked)
