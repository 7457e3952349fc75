"""What the commands share: arguments, options, and the parameters file that most of them start from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinerja import wording
from kinerja.cli.show import say

if TYPE_CHECKING:
    from kinerja.parameters import Parameters

PROBLEMS, USAGE, DEFECT, INTERRUPTED = 1, 2, 3, 130
"""Exit codes; 0 is done."""

ParametersFile = Annotated[
    Path, typer.Argument(metavar=say("metavar.parameters"), help=say("argument.parameters"), show_default=False)
]
LanguageOption = Annotated[str | None, typer.Option("--language", "-l", metavar="id|en", help=say("option.language"))]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar=say("metavar.folder"), help=say("option.data"), show_default=False)
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar=say("metavar.folder"), help=say("option.output"), show_default=False),
]
AsOfOption = Annotated[str | None, typer.Option("--as-of", metavar=say("metavar.date"), help=say("option.as_of"))]
PdfOption = Annotated[bool, typer.Option("--pdf", help=say("option.pdf"))]
RunFolder = Annotated[Path, typer.Argument(metavar=say("metavar.run"), help=say("argument.run"), show_default=False)]


def help_text(command: str, example: str) -> str:
    return f"{say(f'{command}.help')}\n\n{say('example')}: kinerja {example}"


def load(
    path: Path,
    language: str | None,
    data: Path | None = None,
    output: Path | None = None,
    as_of: str | None = None,
    pdf: bool = False,
) -> Parameters:
    from kinerja.parameters import load_parameters

    speak(language)
    given = {"language": language, "output.folder": str(output.resolve()) if output else None, "period.as_of": as_of}
    overrides: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if as_of is not None:
        overrides["period.as_of"] = _day(as_of)
    if pdf:
        overrides["output.pdf"] = True
    parameters = load_parameters(path, overrides=overrides, base=data)
    os.environ.setdefault("KINERJA_LANGUAGE", parameters.language)
    return parameters


def speak(language: str | None) -> None:
    """Use this language for messages from here on."""
    if language is None:
        return
    if language not in wording.LANGUAGES:
        raise typer.BadParameter(say("bad_language", found=language))
    os.environ["KINERJA_LANGUAGE"] = language


def _day(written: str) -> Any:
    from datetime import date, datetime

    for kind in (date, datetime):
        try:
            return kind.fromisoformat(written)
        except ValueError:
            continue
    return written  # the parameters' own check names the key, what was found and what is allowed
