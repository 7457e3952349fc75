"""Commands for many reports: one a unit or a parameters file, unattended; and a reviewer's name under a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinerja import wording
from kinerja.cli.options import (
    PROBLEMS,
    DataOption,
    LanguageOption,
    OutputOption,
    PdfOption,
    RunFolder,
    help_text,
    load,
    speak,
)
from kinerja.cli.show import progress, say, spoken

if TYPE_CHECKING:
    from kinerja.report.batch import Batch

ParametersFiles = Annotated[
    list[Path], typer.Argument(metavar=say("metavar.parameters"), help=say("argument.parameters"), show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(help=help_text("batch", "batch parameters/andir-2026-q3.yaml --by unit"))(batch)
    app.command(help=help_text("signoff", 'signoff outputs/andir-2026-q3 --name "R. Sari" --remarks "Sesuai"'))(signoff)


def batch(
    parameters: ParametersFiles,
    by: Annotated[str | None, typer.Option("--by", metavar="unit", help=say("option.by"))] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar=say("metavar.number"), min=1, help=say("option.workers"))
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar=say("metavar.address"), help=say("option.scheduler"))
    ] = None,
    pdf: PdfOption = False,
    language: LanguageOption = None,
    data: DataOption = None,
    output: OutputOption = None,
) -> None:
    if by not in (None, "unit"):
        raise typer.BadParameter(say("batch.by", found=by))
    runs = [load(path, language, data, output, pdf=pdf) for path in parameters]
    from kinerja.report.batch import batch as make

    with reports_progress() as step:
        done = make(runs, by="unit" if by else None, workers=workers, scheduler=scheduler, progress=step)
    _tell(done)
    if not done.complete:
        raise typer.Exit(PROBLEMS)


def signoff(
    run: RunFolder,
    name: Annotated[
        str, typer.Option("--name", metavar=say("metavar.name"), help=say("option.reviewer"), show_default=False)
    ],
    remarks: Annotated[str, typer.Option("--remarks", metavar=say("metavar.text"), help=say("option.remarks"))] = "",
    language: LanguageOption = None,
) -> None:
    speak(language)
    from kinerja.report.signoff import sign_off

    with progress() as step:
        step("read", 0.5)
        signed = sign_off(run, name=name, remarks=remarks)
    typer.echo(say("signoff.done", run=run.name, name=signed.name, sha256=signed.manifest[:12], file=signed.file.name))


def tell_signoff(run: Path) -> None:
    """Say whether somebody signed a run and whether the signature still fits its manifest."""
    from kinerja.report.signoff import read_signoff

    signed = read_signoff(run)
    if signed is None:
        typer.echo(say("signoff.none"))
        return
    key = "signoff.fits" if signed.fits else "signoff.stale"
    typer.echo(say(key, name=signed.name, at=signed.at[:10], remarks=signed.remarks or "-"))


@contextmanager
def reports_progress() -> Iterator[Callable[[int, int, int, float], None]]:
    """A bar on standard error: reports done of all, failures, the time that is probably left."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def step(done: int, total: int, failed: int, left: float) -> None:
            words = say("batch.step", done=done, total=total, failed=failed, minutes=math.ceil(left / 60))
            bar.update(task, description=words, completed=done, total=total)

        yield step


def _tell(done: Batch) -> None:
    numbers = {"written": len(done.written), "current": len(done.current), "failed": len(done.failed)}
    typer.echo(say("batch.done", **numbers, seconds=round(done.seconds)))
    for failure in done.failed:
        key = "batch.failure_cell" if failure.cell else "batch.failure"
        typer.echo(
            say(key, name=failure.name, cell=failure.cell, cause=wording.said(failure.cause, spoken())), err=True
        )
    typer.echo(f"  {done.index}")
