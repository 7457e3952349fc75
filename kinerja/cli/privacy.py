"""The command about people's data: the impact assessment of a run."""

from __future__ import annotations

import typer

from kinerja.cli.options import DataOption, LanguageOption, OutputOption, ParametersFile, help_text, load
from kinerja.cli.show import progress, say


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(help=help_text("dpia", "dpia parameters/andir-2026-q3.yaml"))(dpia)


def dpia(
    parameters: ParametersFile,
    language: LanguageOption = None,
    data: DataOption = None,
    output: OutputOption = None,
) -> None:
    resolved = load(parameters, language, data, output)
    from kinerja.evaluation import open_run
    from kinerja.report.impact_assessment import write_dpia

    with progress() as step:
        written = write_dpia(open_run(resolved, progress=step))
    typer.echo(say("dpia.done", path=str(written)))
