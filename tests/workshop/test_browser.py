"""The workshop in a real browser: `kinerja workshop` as a facilitator starts it, its page, and phones that rate."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from kinerja.cli.workshop import CASES
from kinerja.workshop.room import items, load_cases
from tests.patience import CHROMIUM, NO_CHROMIUM, SECONDS, chromium, free_port, patient, resize, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason=NO_CHROMIUM),
]
ARGUMENTS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """`kinerja workshop` running: the process, the page's address and the phones'."""
    port, log = free_port(neighbours=1), tmp_path_factory.mktemp("workshop") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "kinerja", "workshop", "--no-browser", "--language", "en", "--port", str(port)],
            stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        until(lambda: b"token=" in log.read_bytes(), alive=lambda: process.poll() is None)
        page = re.search(r"http://127\.0\.0\.1:\d+/\?token=\w+", log.read_text(encoding="utf-8"))
        assert page, log.read_text(encoding="utf-8")
        yield process, page[0], f"http://127.0.0.1:{port + 1}/"
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()
    assert "forgotten" in log.read_text(encoding="utf-8").splitlines()[-1]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "the page's server ended with the command"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        started = chromium(player, *ARGUMENTS)
        yield started
        started.close()


def watched(browser, width, height):
    """A tab that records every request and every message that complains."""
    tab = patient(browser.new_context(viewport={"width": width, "height": height})).new_page()
    tab.requests, tab.complaints = [], []
    tab.on("request", lambda request: tab.requests.append(request.url))
    tab.on("websocket", lambda socket: tab.requests.append(socket.url))
    tab.on("console", lambda said: tab.complaints.append(said.text) if said.type == "error" else None)
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    return tab


@pytest.fixture(scope="module")
def screen(browser, command):
    """The facilitator's page with every part calculated once; one for all tests, since it holds a kernel."""
    tab = watched(browser, 1280, 800)
    tab.goto(command[1], wait_until="commit")
    for part in ("score", "strict", "groups"):
        tab.wait_for_selector(f".kj-part-{part} figure")
    yield tab
    tab.context.close()


def phone(browser, address):
    tab = watched(browser, 360, 740)
    tab.goto(address)
    return tab


def rate(tab, person, case):
    """The case on the phone's screen: points that differ by person, case and value."""
    for k, item in enumerate(items()):
        points = 1 + (person + person * case + 2 * k + case) % 5
        tab.locator(f'input[name="{item}"][value="{points}"]').check()
    tab.get_by_role("button", name="Send and continue").click()


def test_the_page_asks_nobody_else_and_does_not_complain(screen):
    hosts = {urlsplit(url).hostname for url in screen.requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}
    assert screen.complaints == []
    assert screen.evaluate("document.documentElement.lang") == "en"
    assert screen.title() == "How fair is a score?"
    assert screen.locator("main h2").all_inner_texts() == [
        "1. How a score comes about", "2. Be the rater", "3. A strict supervisor", "4. Fair or unlucky?",
        "5. Questions and the paper trail",
    ]  # fmt: skip


def test_a_slider_moves_the_numbers(screen):
    part = screen.locator(".kj-part-score")
    handle = part.get_by_role("slider", name="Her supervisor's rating: works with others (1–5)")
    points = part.locator("tr", has_text="Supervisor's rating in points").first.locator("td").first
    before = points.inner_text()
    handle.focus()
    screen.keyboard.press("ArrowRight")
    screen.wait_for_function(
        "([cell, before]) => cell.isConnected ? cell.innerText !== before : true", arg=[points.element_handle(), before]
    )
    after = part.locator("tr", has_text="Supervisor's rating in points").first.locator("td").first.inner_text()
    assert float(after) > float(before)


def test_a_scenario_without_evidence_is_refused(screen):
    screen.locator(".kj-part-strict select").select_option(label="S6 · Sub-district; ratings only")
    screen.wait_for_selector(".kj-answer-refuses")
    assert "Calibration refuses" in screen.locator(".kj-answer").inner_text()


def test_three_phones_at_once_reach_the_screen(browser, command, screen):
    phones = [phone(browser, command[2]) for _ in range(3)]
    for tab in phones:
        tab.get_by_role("button", name="Start").click()
    for case in range(CASES):
        for person, tab in enumerate(phones):
            tab.wait_for_function("n => document.querySelector('.step').innerText.includes(n)", arg=f" {case + 1} / ")
            rate(tab, person, case)
    for tab in phones:
        tab.get_by_role("heading", name="Thank you").wait_for()
        tab.reload()  # a phone that slept comes back to where it was
        tab.get_by_role("heading", name="Thank you").wait_for()
        assert tab.complaints == []
        assert {urlsplit(url).hostname for url in tab.requests} == {"127.0.0.1"}
    room = screen.locator(".kj-part-room")
    room.get_by_text("3 participants have joined").wait_for()
    screen.wait_for_function(
        "n => document.querySelector('.kj-part-room .kj-facts')?.innerText.includes(n)",
        arg=str(3 * CASES * len(items())),
    )
    room.get_by_text("Who is strict?").first.wait_for()
    assert room.get_by_text("Place 1", exact=True).count() and not room.get_by_text("R001").count()
    for tab in phones:
        tab.context.close()


def test_points_typed_in_and_the_room_emptied(screen):
    room = screen.locator(".kj-part-room")
    room.get_by_role("button", name="Add these points").click()
    room.get_by_text(f"Number 1, “{load_cases()[0].title('en')}”").wait_for()
    room.get_by_role("button", name="Empty the room").click()
    room.get_by_role("button", name="Yes, forget them").click()
    room.get_by_text("No answers yet.").wait_for()


def grave(tab):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(tab).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:200], v["nodes"][0].get("failureSummary")) for v in found
            if v["impact"] in ("serious", "critical")]  # fmt: skip


def test_the_page_fits_a_phone_and_a_projector(screen):
    for width in (360, 412, 768, 1280, 1920):
        resize(screen, width, 740)
        assert screen.evaluate("document.documentElement.scrollWidth") <= width, width
    resize(screen, 360, 740)
    assert grave(screen) == []
    resize(screen, 1280, 800)
    assert grave(screen) == []


def test_the_phones_page_is_accessible_and_fits(browser, command):
    tab = phone(browser, command[2])
    assert grave(tab) == []
    tab.get_by_role("button", name="Start").click()
    tab.locator("form").wait_for()
    assert grave(tab) == []
    for width in (320, 360, 412):
        resize(tab, width, 740)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.context.close()


def test_without_the_token_there_is_no_page(browser, command):
    tab = watched(browser, 800, 600)
    tab.goto(command[1].split("?")[0])
    assert urlsplit(tab.url).path == "/login"
    assert not tab.locator(".kj-masthead").count()
    tab.context.close()
