"""`kinerja workshop`: the facilitator's page on this machine, and the phones' page on it or on the local network."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinerja import labels
from kinerja.cli_options import LanguageOption, help_text, speak
from kinerja.cli_show import say, spoken
from kinerja.errors import ParameterError

if TYPE_CHECKING:
    from kinerja.workshop_server import PhoneServer

TEMPLATES = Path(__file__).resolve().parent / "templates"
"""Holds `voila/templates/workshop`: Voila looks for templates below each folder of JUPYTER_PATH."""

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "workshop.ipynb"
CASES = 8
"""Cases rated unless told otherwise: about six minutes on a phone."""

LOOK = 0.2
"""Seconds between two looks whether the page's server answers."""

GRACE = 10.0
"""Seconds that the page's server gets to stop its kernels."""

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://127.0.0.1:*; worker-src 'self' blob:; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(help=help_text("workshop", "workshop --network"))(workshop)


def workshop(
    port: Annotated[int, typer.Option("--port", min=1024, max=65534, help=say("option.workshop_port"))] = 8866,
    network: Annotated[bool, typer.Option("--network", help=say("option.workshop_network"))] = False,
    cases: Annotated[int, typer.Option("--cases", min=1, max=14, help=say("option.workshop_cases"))] = CASES,
    no_browser: Annotated[bool, typer.Option("--no-browser", help=say("option.no_browser"))] = False,
    language: LanguageOption = None,
) -> None:
    speak(language)
    from kinerja.workshop_room import Room
    from kinerja.workshop_server import PhoneServer, new_code

    host, code = ("0.0.0.0", new_code()) if network else ("127.0.0.1", "")
    try:
        phones = PhoneServer(Room(most_cases=cases), host=host, port=port + 1, language=spoken(), code=code)
    except OSError:
        raise ParameterError(say("workshop.in_use", port=str(port + 1))) from None
    token = secrets.token_hex(4)
    with tempfile.TemporaryDirectory(prefix="kinerja-workshop-") as folder:
        settings = Path(folder) / "voila.json"  # a folder that only this user reads: the token stands in it
        settings.write_text(json.dumps(page_settings(port, token, spoken(), browser=not no_browser)), encoding="utf-8")
        page = subprocess.Popen(
            [sys.executable, "-m", "voila", str(NOTEBOOK), f"--Voila.config_file_paths={folder}"],
            env=page_environment(phones, cases, spoken()),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # remarks of kernels and websockets, which would only frighten a facilitator
            start_new_session=True,  # Ctrl-C in the terminal is this command's alone, which then ends the page
        )
        _run(page, phones, port, lambda: _tell(port, token, phones, network))


def _tell(port: int, token: str, phones: PhoneServer, network: bool) -> None:
    typer.echo(say("workshop.page", address=f"http://127.0.0.1:{port}/?token={token}"))
    typer.echo(say("workshop.phones", address=phones.address.removeprefix("http://")))
    typer.echo(say("workshop.network" if network else "workshop.here_only"))
    typer.echo(say("workshop.stop"))


def _run(page: subprocess.Popen[bytes], phones: PhoneServer, port: int, tell: Callable[[], None]) -> None:
    """Until the page's server ends, or Ctrl-C (or a plain kill) ends both; `tell` when the page can be opened."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        while page.poll() is None and not _listens(port):
            time.sleep(LOOK)
        if page.poll() is None:
            tell()
        # Looking again and again, since a signal that another thread takes does not end a wait of this one.
        while page.poll() is None:
            time.sleep(LOOK)
        if page.returncode:
            raise ParameterError(say("workshop.stopped", port=str(port)))
    except KeyboardInterrupt:
        typer.echo(say("workshop.ended"))
    finally:
        phones.close()
        end(page)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def page_settings(port: int, token: str, language: labels.Language, *, browser: bool) -> dict[str, Any]:
    """Voila's settings: on this machine only, behind a token, this package's template, no request to another host."""
    words = {name: labels.text(f"workshop.page.{name}", language) for name in ("title", "lead", "loading")}
    words["skip"] = labels.text("report.skip", language)
    return {
        "Voila": {
            "ip": "127.0.0.1",
            "port": port,
            "port_retries": 0,
            "token": token,
            "open_browser": browser,
            "log_level": "ERROR",
            "tornado_settings": {"headers": {"Content-Security-Policy": _POLICY}},
        },
        "VoilaConfiguration": {
            "template": "workshop",
            "resources": {"language_code": language, "kinerja": {**words, "css": page_style()}},
        },
    }


def page_style() -> str:
    """The report's style sheet, light only (a projector, and widgets that know no dark), and the page's own."""
    report = (TEMPLATES / "report" / "style.css").read_text(encoding="utf-8")
    own = (TEMPLATES / "workshop" / "page.css").read_text(encoding="utf-8")
    return report.replace("@media (prefers-color-scheme: dark)", "@media not all") + own


def page_environment(phones: PhoneServer, cases: int, language: labels.Language) -> dict[str, str]:
    """What the page's kernel is told of the room."""
    from kinerja.workshop_link import CASES_VARIABLE, KEY_VARIABLE, PORT_VARIABLE
    from kinerja.workshop_room_view import ADDRESS_VARIABLE

    paths = [str(TEMPLATES), os.environ.get("JUPYTER_PATH", "")]
    return {
        **os.environ,
        "JUPYTER_PATH": os.pathsep.join(path for path in paths if path),
        "KINERJA_LANGUAGE": language,
        PORT_VARIABLE: str(phones.port),
        KEY_VARIABLE: phones.key,
        CASES_VARIABLE: str(cases),
        ADDRESS_VARIABLE: phones.address.removeprefix("http://"),
    }


def end(page: subprocess.Popen[bytes]) -> None:
    """Ask the page's server to stop with its kernels; end it where it does not."""
    for way in (page.terminate, page.kill):
        if page.poll() is not None:
            return
        way()
        try:
            page.wait(GRACE)
        except subprocess.TimeoutExpired:
            continue


def _interrupted(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
