"""The committed notebooks in the real JupyterLab: all cells run, what they show read in light and dark."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: install Debian's package chromium, or set CHROMIUM"),
]

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
WIDGETS = {"explorer": ".kj-explorer .kj-chart-wide", "workshop": ".kj-workshop .kj-part-groups .kj-figure"}
"""Pages of widgets, and what is seen when such a page is drawn."""

PATIENCE = 480_000
"""Milliseconds for one notebook on a machine with other work to do."""

TOKEN = "laboratory"
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # all cells are in the page, seen or not
}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """`jupyter lab notebooks`, as the README has it, on a copy of what a clone holds; settings of nobody else."""
    folder, home = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("home")
    for part in ("notebooks", "parameters", "kinerja/example"):
        shutil.copytree(ROOT / part, folder / part)
    for name, values in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "notebooks", "--no-browser", "--allow-root", "--ip=127.0.0.1",
               f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}",
               "--expose-app-in-browser", "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
               "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # fmt: skip
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run",
              "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
              "IPYTHONDIR": "ipython"}  # fmt: skip
    own = {name: str(home / place) for name, place in places.items()}
    with (home / "lab.log").open("w") as log:
        served = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **own, "PYTHONPATH": str(ROOT)}
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/api", served, home / "lab.log")
        yield f"http://127.0.0.1:{port}/lab?token={TOKEN}"
    finally:
        served.terminate()
        served.wait()


def _wait_for(url, served, log):
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end and served.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(log.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tab(address):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        opened = browser.new_page(viewport={"width": 1400, "height": 1000})
        opened.set_default_timeout(PATIENCE)
        opened.asked = []
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.goto(address)
        opened.wait_for_function("window.jupyterapp && jupyterapp.restored.then(() => true)")
        yield opened
        browser.close()


def start(tab, promise):
    """Begin something that takes its time and wait for its end, not for a while."""
    tab.evaluate(
        f"() => {{ window.ended = ''; ({promise}).then(() => ended = 'done', problem => ended = String(problem)); }}"
    )
    tab.wait_for_function("ended !== ''")
    assert tab.evaluate("ended") == "done"


def open_notebook(tab, name):
    start(tab, f"""jupyterapp.commands.execute("docmanager:open", {{ path: "{name}.ipynb", factory: "Notebook" }})""")
    tab.wait_for_function(
        "() => { const opened = jupyterapp.shell.currentWidget?.context;"
        " return opened?.isReady && opened.sessionContext.session?.kernel?.status === 'idle'; }"
    )


def close_notebook(tab):
    start(tab, "jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")
    start(tab, """(() => { const opened = jupyterapp.shell.currentWidget;
        opened.context.model.dirty = false; opened.close(); return Promise.resolve(); })()""")  # fmt: skip


def set_theme(tab, name):
    start(tab, f"""jupyterapp.commands.execute("apputils:change-theme", {{ theme: "JupyterLab {name}" }})""")
    tab.wait_for_function("light => document.body.dataset.jpThemeLight === light", arg=str(name == "Light").lower())


@pytest.fixture(params=NOTEBOOKS)
def run(request, tab):
    """One notebook, all of whose cells have run: (name, tab)."""
    open_notebook(tab, request.param)
    start(tab, """jupyterapp.commands.execute("notebook:run-all-cells")""")
    if request.param in WIDGETS:
        tab.wait_for_selector(WIDGETS[request.param], state="attached")
    yield request.param, tab
    close_notebook(tab)


STORED = """() => jupyterapp.shell.currentWidget.context.model.toJSON().cells
    .flatMap(cell => cell.outputs ?? []).map(output => [output.output_type, Object.keys(output.data ?? {})])"""

SEEN = """() => {
    const root = jupyterapp.shell.currentWidget.node;
    const count = query => [...root.querySelectorAll(`.jp-OutputArea ${query}`)]
        .filter(found => found.checkVisibility() && found.getBoundingClientRect().width > 200
                         && found.getBoundingClientRect().height > 30).length;
    return {
        trees: root.querySelectorAll(".jp-RenderedJSON").length,
        outputs: root.querySelectorAll(".jp-OutputArea-output").length,
        tables: count(".kj-scroll > table"), charts: count("figure svg"), pictures: count("img"),
    };
}"""

LEFT = """() => [...jupyterapp.shell.currentWidget.node.querySelectorAll(".kj-drawing")]
    .map(left => [left.textContent.trim() !== "", left.getBoundingClientRect().height])"""

READABLE = """() => {
    // Colours as a browser computes them (also color-mix) become red, green, blue, alpha on a canvas of one pixel.
    const brush = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const known = new Map();
    const parts = colour => {
        if (!known.has(colour)) {
            brush.clearRect(0, 0, 1, 1);
            brush.fillStyle = colour;
            brush.fillRect(0, 0, 1, 1);
            known.set(colour, [...brush.getImageData(0, 0, 1, 1).data].map(part => part / 255));
        }
        return known.get(colour);
    };
    const over = ([r, g, b, a], below) => [r, g, b].map((part, k) => part * a + below[k] * (1 - a));
    const behind = node => {
        if (!node) return [1, 1, 1];
        const paper = parts(getComputedStyle(node).backgroundColor);
        return paper[3] === 1 ? paper.slice(0, 3) : over(paper, behind(node.parentElement));
    };
    const light = colour => [0.2126, 0.7152, 0.0722].reduce((sum, weight, k) => sum + weight *
        (colour[k] <= 0.04045 ? colour[k] / 12.92 : ((colour[k] + 0.055) / 1.055) ** 2.4), 0);
    const dark = document.body.dataset.jpThemeLight === "false";
    const complaints = new Set();
    const root = jupyterapp.shell.currentWidget.node;
    const words = ":is(h1, h2, h3, p, li, dt, dd, caption, th, td, figcaption, output, svg text)";
    for (const node of root.querySelectorAll(`.jp-OutputArea-output ${words}`)) {
        if (!node.checkVisibility() || !node.textContent.trim()) continue;
        const drawn = node.closest("svg"), style = getComputedStyle(node);
        let paper = behind(drawn ?? node);
        if (drawn) paper = over(parts(getComputedStyle(drawn.querySelector("path")).fill), paper);
        const ink = over(parts(drawn ? style.fill : style.color), paper);
        const [low, high] = [light(ink), light(paper)].sort((a, b) => a - b);
        const named = `${node.tagName} ${node.textContent.trim().slice(0, 30)}`;
        if (dark ? light(paper) > 0.1 : light(paper) < 0.5) complaints.add(`${named}: not on the theme's paper`);
        if ((high + 0.05) / (low + 0.05) < 4.5) complaints.add(`${named}: ${style.color} on ${paper}`);
    }
    return [...complaints];
}"""


def test_pages_not_trees_in_light_and_dark(run):
    """Nothing failed or warned, every output is a page, each table and chart is seen, and words can be read."""
    name, tab = run
    stored = tab.evaluate(STORED)
    assert {kind for kind, _ in stored} <= {"display_data", "execute_result"}, stored
    for theme in ("Dark", "Light"):
        set_theme(tab, theme)
        seen = tab.evaluate(SEEN)
        assert seen["trees"] == 0 and seen["pictures"] == 0
        assert seen["outputs"] == len(stored) > 0
        if name in WIDGETS:
            assert seen["tables"] > 0 and seen["charts"] > 0
        else:
            assert seen["charts"] == sum("image/svg+xml" in kinds for _, kinds in stored)
            assert seen["tables"] > 0
        assert tab.evaluate(READABLE) == []


def test_a_notebook_that_is_not_trusted_yet_shows_its_charts(tab):
    """What JupyterLab leaves of stored outputs before they are run: no inline drawing and no style, but pictures."""
    open_notebook(tab, "unit_report")
    seen = tab.evaluate(SEEN)
    charts = sum("image/svg+xml" in kinds for _, kinds in tab.evaluate(STORED))
    assert seen["trees"] == 0 and seen["charts"] == 0
    assert seen["pictures"] == charts > 0
    assert tab.evaluate(LEFT) == [[True, 0]] * charts
    close_notebook(tab)


def test_nothing_is_asked_of_another_machine(tab):
    assert tab.asked
    assert [url for url in tab.asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []
