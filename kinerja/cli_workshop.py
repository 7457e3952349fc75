"""`kinerja workshop`: the phones' page and the facilitator's page, on this machine only, until Ctrl-C."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from kinerja.cli_options import LanguageOption, help_text, speak
from kinerja.cli_show import say, spoken
from kinerja.errors import ParameterError


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(help=help_text("workshop", "workshop --port 8866"))(workshop)


def workshop(
    port: Annotated[int, typer.Option("--port", min=1024, max=65534, help=say("option.workshop_port"))] = 8866,
    no_open: Annotated[bool, typer.Option("--no-open", help=say("option.no_open"))] = False,
    language: LanguageOption = None,
) -> None:
    speak(language)
    from kinerja.workshop import PORT_VARIABLE
    from kinerja.workshop_room import Room
    from kinerja.workshop_server import PhoneServer

    try:
        phones = PhoneServer(Room(), host="127.0.0.1", port=port + 1, language=spoken())
    except OSError:
        raise ParameterError(say("workshop.in_use", port=str(port + 1))) from None
    notebook = Path(__file__).resolve().parents[1] / "notebooks" / "workshop.ipynb"
    command = [sys.executable, "-m", "voila", str(notebook), f"--port={port}", "--Voila.ip=127.0.0.1",
               "--port_retries=0", *(["--no-browser"] if no_open else [])]  # fmt: skip
    environment = {**os.environ, PORT_VARIABLE: str(phones.port), "KINERJA_LANGUAGE": spoken()}
    typer.echo(say("workshop.where", page=f"http://127.0.0.1:{port}/", phones=f"http://127.0.0.1:{phones.port}/"))
    page = subprocess.Popen(command, env=environment)
    try:
        if page.wait():
            raise ParameterError(say("workshop.stopped", port=str(port)))
    finally:
        page.terminate()
        page.wait()
        phones.close()
