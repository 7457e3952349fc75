"""`kinerja workshop`: the facilitator's page on this machine, and the phones' page on it or on the local network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kinerja import wording
from kinerja.cli.options import LanguageOption, help_text, speak
from kinerja.cli.page import serve_page
from kinerja.cli.show import say, spoken
from kinerja.errors import ParameterError
from kinerja.places import NOTEBOOKS

if TYPE_CHECKING:
    from kinerja.workshop.room.server import PhoneServer

NOTEBOOK = NOTEBOOKS / "workshop.ipynb"
STYLE = "workshop/page.css"
CASES = 8
"""Cases rated unless told otherwise: about six minutes on a phone."""


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(help=help_text("workshop", "workshop --network"))(workshop)


def workshop(
    port: Annotated[
        int, typer.Option("--port", metavar=say("metavar.port"), min=1024, max=65534, help=say("option.workshop_port"))
    ] = 8866,
    network: Annotated[bool, typer.Option("--network", help=say("option.workshop_network"))] = False,
    cases: Annotated[
        int, typer.Option("--cases", metavar=say("metavar.number"), min=1, max=14, help=say("option.workshop_cases"))
    ] = CASES,
    no_browser: Annotated[bool, typer.Option("--no-browser", help=say("option.no_browser"))] = False,
    language: LanguageOption = None,
) -> None:
    speak(language)
    from kinerja.workshop.room import Room
    from kinerja.workshop.room.server import PhoneServer, new_code

    host, code = ("0.0.0.0", new_code()) if network else ("127.0.0.1", "")
    try:
        phones = PhoneServer(Room(most_cases=cases), host=host, port=port + 1, language=spoken(), code=code)
    except OSError:
        raise ParameterError(say("workshop.in_use", port=str(port + 1))) from None
    try:
        serve_page(
            NOTEBOOK, port=port, language=spoken(), browser=not no_browser, words=page_words(spoken()),
            style=STYLE,
            environment=page_environment(phones, cases), tell=lambda address: _tell(address, phones, network),
            ended=say("workshop.ended"),
        )  # fmt: skip
    finally:
        phones.close()


def page_words(language: wording.Language) -> dict[str, str]:
    return {name: wording.text(f"workshop.page.{name}", language) for name in ("title", "lead", "loading")}


def page_environment(phones: PhoneServer, cases: int) -> dict[str, str]:
    """What the page's kernel is told of the room."""
    from kinerja.workshop.room.link import CASES_VARIABLE, KEY_VARIABLE, PORT_VARIABLE
    from kinerja.workshop.room.view import ADDRESS_VARIABLE

    return {
        PORT_VARIABLE: str(phones.port),
        KEY_VARIABLE: phones.key,
        CASES_VARIABLE: str(cases),
        ADDRESS_VARIABLE: phones.address.removeprefix("http://"),
    }


def _tell(address: str, phones: PhoneServer, network: bool) -> None:
    typer.echo(say("workshop.page", address=address))
    typer.echo(say("workshop.phones", address=phones.address.removeprefix("http://")))
    typer.echo(say("workshop.network" if network else "workshop.here_only"))
    typer.echo(say("workshop.stop"))
