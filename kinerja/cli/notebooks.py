"""`kinerja notebooks DIR`: the notebooks copied out for an analyst, with the example that they run on."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from kinerja import wording
from kinerja.cli.options import LanguageOption, help_text, speak
from kinerja.cli.show import say
from kinerja.errors import ParameterError, Problem
from kinerja.places import NOTEBOOKS, PACKAGE, PARAMETERS

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help=say("argument.notebooks"), show_default=False)]

_INPUT = re.compile(r"kinerja/(example/)(\w+\.(?:csv|xlsx))")
"""An input that comes with the package, as a parameters file names it; the copy lies in `data`, as an office's own."""

NEXT = (
    "jupyter lab notebooks",
    "papermill notebooks/period_report.ipynb out.ipynb",
    "kinerja report parameters/andir-2026-q3.yaml",
)
"""What an analyst can do in the new folder."""


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(help=help_text("notebooks", "notebooks analysis"))(notebooks)


def notebooks(folder: FolderArgument, language: LanguageOption = None) -> None:
    speak(language)
    content = project_files()
    _refuse_existing(folder, list(content))
    _write(folder, content)
    typer.echo(say("notebooks.done", n=sum(name.startswith("notebooks/") for name in content), folder=folder.resolve()))
    typer.echo(say("notebooks.next"))
    for command in NEXT:
        typer.echo(f'  cd "{folder}" && {command}')


def project_files() -> dict[str, bytes]:
    """Name in the new folder -> content: the notebooks, the parameters files, the inputs that those name."""
    content = {f"notebooks/{path.name}": path.read_bytes() for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    for path in sorted(PARAMETERS.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        content[f"parameters/{path.name}"] = _INPUT.sub(r"data/\2", text).encode()
        content |= {f"data/{name}": (PACKAGE / where / name).read_bytes() for where, name in _INPUT.findall(text)}
    return content


def _refuse_existing(folder: Path, names: list[str]) -> None:
    there = [folder / name for name in names if (folder / name).exists()]
    if folder.exists() and not folder.is_dir():
        there = [folder]
    problems = [Problem(where=str(path), code="never_overwritten") for path in there]
    if problems:
        raise ParameterError(wording.problem_message(problems), problems)


def _write(folder: Path, content: dict[str, bytes]) -> None:
    """All files or none: first into a folder beside their places, then moved there."""
    from kinerja.report.files import STAGE, writing

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=STAGE, dir=folder) as stage:
            for place in (Path(stage), folder):
                for parent in {Path(name).parent for name in content}:
                    (place / parent).mkdir(exist_ok=True)
            for name, written in content.items():
                (Path(stage) / name).write_bytes(written)
            for name in content:
                (Path(stage) / name).rename(folder / name)
