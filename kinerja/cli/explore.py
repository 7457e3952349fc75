"""`kinerja explore`: the explorer of one run as a page in the browser, offline, on this machine only."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from kinerja import wording
from kinerja.cli.options import DataOption, LanguageOption, ParametersFile, help_text, load
from kinerja.cli.page import serve_page
from kinerja.cli.show import progress, say, spoken
from kinerja.places import NOTEBOOKS

NOTEBOOK = NOTEBOOKS / "explorer.ipynb"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(help=help_text("explore", "explore parameters/andir-2026-q3.yaml"))(explore)


def explore(
    parameters: ParametersFile,
    port: Annotated[
        int, typer.Option("--port", metavar=say("metavar.port"), min=1024, max=65535, help=say("option.explore_port"))
    ] = 8876,
    no_browser: Annotated[bool, typer.Option("--no-browser", help=say("option.no_browser"))] = False,
    language: LanguageOption = None,
    data: DataOption = None,
) -> None:
    run = load(parameters, language, data)
    from kinerja.evaluation import open_run

    with progress() as step:  # here, where problems of the input are shown as a table, not in the page
        open_run(run, progress=step)
    given = {
        "parameters_file": str(run.file), "language": spoken(), "base": str(data.resolve()) if data else ""
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="kinerja-explorer-") as folder:
        notebook = Path(folder) / NOTEBOOK.name
        notebook.write_text(_with_parameters(given), encoding="utf-8")
        serve_page(
            notebook, port=port, language=spoken(), browser=not no_browser,
            words=_words(run.office.name, f"{run.run}, {run.period.id}"), environment={}, tell=_tell,
            ended=say("explore.ended"),
        )  # fmt: skip


def _with_parameters(given: dict[str, str]) -> str:
    """The notebook with these values in its cell of parameters; its kernel works where the command was given."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cell = next(c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", []))
    lines = ["import os", f"os.chdir({str(Path.cwd())!r})", *(f"{name} = {value!r}" for name, value in given.items())]
    cell["source"] = "\n".join(lines)
    return json.dumps(notebook)


def _words(office: str, run: str) -> dict[str, str]:
    return {"title": office, "lead": run, "loading": wording.text("explorer.loading", spoken())}


def _tell(address: str) -> None:
    typer.echo(say("explore.page", address=address))
    typer.echo(say("explore.stop"))
