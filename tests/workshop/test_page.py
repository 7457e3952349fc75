"""The facilitator's page without a browser: sliders move numbers, the room is read and emptied, a newer move wins."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from kinerja import wording
from kinerja.cli import app
from kinerja.cli.page import TEMPLATES, end, page_settings, page_style, serve_page
from kinerja.cli.workshop import NOTEBOOK, STYLE, page_environment, page_words
from kinerja.errors import ParameterError
from kinerja.workshop import PARTS, contents_html
from kinerja.workshop.controls import Slider, Steps
from kinerja.workshop.groups.view import groups_part
from kinerja.workshop.paper import paper_part
from kinerja.workshop.room import Room, items, load_cases
from kinerja.workshop.room.server import PhoneServer
from kinerja.workshop.room.view import clear_form, entry_form, room_part
from kinerja.workshop.strict.view import strict_part
from tests.patience import SECONDS


@pytest.fixture
def server():
    server = PhoneServer(Room(most_cases=2))
    yield server
    server.close()


def everything(widget):
    """The widget and all below it."""
    return [widget, *(found for child in getattr(widget, "children", ()) for found in everything(child))]


def of_kind(widget, kind):
    return [found for found in everything(widget) if type(found).__name__ == kind]


def shown(widget):
    return " ".join(str(found.value) for found in of_kind(widget, "HTML"))


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_slider_moves_the_numbers(language):
    part = strict_part(language, offices=1, first_offices=1)
    before = shown(part)
    of_kind(part, "FloatSlider")[0].value = 9.0
    assert wording.number(9.0, 1, language) in shown(part)
    assert shown(part) != before


def test_a_scenario_sets_its_sliders_and_may_refuse():
    part = strict_part("en", offices=1, first_offices=1)
    assert "Calibration refuses" not in shown(part)
    of_kind(part, "Dropdown")[0].value = "S6"
    assert [slider.value for slider in of_kind(part, "FloatSlider")][2] == 0
    assert "Calibration refuses" in shown(part)


def test_draws_add_up_and_start_again_with_another_rate():
    part = groups_part("en", batches=1, first_batches=1)
    of_kind(part, "Button")[0].click()
    assert "10 of 10 draws" in shown(part)
    of_kind(part, "FloatSlider")[0].value = 40
    assert "5 of 5 draws" in shown(part)


def test_the_room_is_read_typed_in_and_emptied(server):
    part = room_part("en", server.link)
    assert "No answers yet" in shown(part)
    token = server.room.join()
    server.room.rate(token, load_cases()[0].case, dict.fromkeys(items(), 4))
    again = next(button for button in of_kind(part, "Button") if "now" in button.description)
    again.click()
    assert "1 participants have joined" in shown(part) and load_cases()[0].title("en") in shown(part)

    form = entry_form("en", server.link, lambda: None)
    of_kind(form, "BoundedIntText")[0].value = 12
    of_kind(form, "Dropdown")[1].value = 5
    of_kind(form, "Button")[0].click()
    typed = {item: points for rater, _, item, points in server.link.read().rows if rater == "F012"}
    assert typed == {items()[0]: 5, items()[1]: 3, items()[2]: 3}

    clear = clear_form("en", server.link, lambda: None)
    first, yes, no = of_kind(clear, "Button")
    first.click()
    no.click()
    assert server.link.read().rows  # the first press only asks
    first.click()
    yes.click()
    assert server.link.read().rows == ()


def test_a_lost_room_is_said(server):
    part = room_part("en", server.link)
    server.close()
    of_kind(part, "Button")[0].click()
    assert "does not answer" in shown(part)


def test_without_a_room_the_page_says_so():
    assert "kinerja workshop" in shown(room_part("en", None))


def test_a_personal_number_is_shown_as_a_code_only():
    part = paper_part("en", days=14)
    of_kind(part, "Text")[0].value = "199001012015011002"
    pieces = shown(part)
    assert "<code>" in pieces and "199001012015011002" not in pieces
    assert "14 days" in pieces


def test_a_newer_move_ends_the_older():
    done = []

    def work(name, steps):
        for step in range(steps):
            done.append((name, step))
            yield

    async def move_twice():
        steps = Steps()
        steps.run(work("old", 1_000_000))
        older = steps._task
        while ("old", 1) not in done:
            await asyncio.sleep(0)
        steps.run(work("new", 2))
        await asyncio.gather(older, steps._task)

    asyncio.run(asyncio.wait_for(move_twice(), SECONDS))
    first = done.index(("new", 0))
    assert done[first:] == [("new", 0), ("new", 1)]
    assert len(done) < 1000, "the older one ended long before its last step"


def test_a_slider_says_its_value_as_the_language_writes_it():
    slider = Slider("strict.severity", "id", value=4.5, low=0, high=10, step=0.5, digits=1)
    assert "<output>4,5</output>" in slider.box.children[0].value
    moves = []
    slider.on_move(lambda: moves.append(slider.value))
    slider._slider.value = 4.500000000000001  # what a browser may send back when it has drawn the slider
    assert moves == []
    slider.value = 7
    assert moves == [7.0]
    assert "<output>7,0</output>" in slider.box.children[0].value


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_contents_name_every_part(language):
    assert [f'href="#{name}"' in contents_html(language) for name in PARTS] == [True] * 5


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_page_is_served_here_only_and_behind_a_token(language):
    settings = page_settings(8866, "token", language, browser=False, words=page_words(language))
    assert settings["Voila"]["ip"] == "127.0.0.1" and settings["Voila"]["token"] == "token"
    limits = [settings["VoilaExecutor"][name] for name in ("startup_timeout", "iopub_timeout")]
    assert min(*limits, settings["MappingKernelManager"]["kernel_info_timeout"]) >= 180, "a busy machine is slow"
    policy = settings["Voila"]["tornado_settings"]["headers"]["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "http" not in policy
    assert settings["VoilaConfiguration"]["resources"]["language_code"] == language


def test_the_template_names_no_other_host():
    template = (TEMPLATES / "voila" / "templates" / "workshop" / "index.html.j2").read_text(encoding="utf-8")
    assert "//" not in template.replace("// Sliders", "") and "cdn" not in template
    style = page_style(STYLE)
    assert "http" not in style and "@import" not in style and "url(" not in style


def test_the_page_learns_of_the_room_by_its_environment(server):
    environment = page_environment(server, 2)
    assert environment["KINERJA_WORKSHOP_PORT"] == str(server.port)
    assert environment["KINERJA_WORKSHOP_KEY"] == server.key
    assert environment["KINERJA_WORKSHOP_ADDRESS"] == f"127.0.0.1:{server.port}/"
    assert NOTEBOOK.exists()


def test_a_taken_port_is_said_in_a_sentence(server, monkeypatch):
    monkeypatch.setenv("KINERJA_LANGUAGE", "en")
    found = CliRunner().invoke(app, ["workshop", "--no-browser", "--port", str(server.port - 1)])
    assert isinstance(found.exception, ParameterError)
    assert f"Port {server.port} is in use" in found.exception.message


def deaf():
    """A server that does not stop when it is asked to, and is already deaf."""
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    page = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    page.stdout.readline()
    page.stdout.close()
    return page


def _serve(notebook, port, environment):
    serve_page(notebook, port=port, language="en", browser=False, words=page_words("en"), environment=environment,
               tell=lambda address: None, ended="")  # fmt: skip


def test_a_page_on_a_taken_port_blames_the_port(server, monkeypatch):
    monkeypatch.setenv("KINERJA_LANGUAGE", "en")
    with pytest.raises(ParameterError, match=f"Port {server.port} is in use"):
        _serve(NOTEBOOK, server.port, {})


def test_a_server_that_fails_says_why_and_does_not_blame_the_port(tmp_path, monkeypatch):
    monkeypatch.setenv("KINERJA_LANGUAGE", "en")
    (tmp_path / "voila.py").write_text("import sys\nsys.exit('no room left for kernels')\n", encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ParameterError) as caught:
        _serve(NOTEBOOK, port, {"PYTHONPATH": str(tmp_path)})
    assert "no room left for kernels" in caught.value.message and "in use" not in caught.value.message


def test_a_missing_notebook_is_named(server, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.ipynb"):
        _serve(tmp_path / "gone.ipynb", server.port, {})


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_page_that_does_not_stop_is_ended(monkeypatch):
    monkeypatch.setattr("kinerja.cli.page.GRACE", 0.5)
    page = deaf()
    end(page)
    assert page.returncode == -signal.SIGKILL
    quiet = subprocess.Popen([sys.executable, "-c", "pass"])
    quiet.wait(SECONDS)
    end(quiet)
    assert quiet.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_again_ends_the_page_at_once(monkeypatch):
    """While the server is given its time to stop: nothing of it is left, and the command ends as it does otherwise."""
    page = deaf()
    waited = page.wait

    def interrupted(timeout=None):
        if timeout is None:
            return waited()
        raise KeyboardInterrupt

    monkeypatch.setattr(page, "wait", interrupted)
    end(page)
    assert page.returncode == -signal.SIGKILL
