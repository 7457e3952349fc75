"""Commands about single people: their sheet, an appeal against a result, what a participant of the moderation sees."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinerja.cli.options import PROBLEMS, DataOption, LanguageOption, OutputOption, ParametersFile, help_text, load
from kinerja.cli.show import progress, say, show_table, spoken

if TYPE_CHECKING:
    from kinerja.people.appeal import Appeal

RateeOption = Annotated[
    str | None, typer.Option("--ratee", metavar=say("metavar.id"), help=say("option.ratee"), show_default=False)
]
ReceivedOption = Annotated[
    str | None, typer.Option("--received", metavar=say("metavar.date"), help=say("option.received"), show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(help=help_text("sheet", "sheet parameters/andir-2026-q3.yaml --ratee P014"))(sheet)
    app.command(
        help=help_text(
            "appeal", "appeal parameters/andir-2026-q3.yaml --ratee P002 --correction parameters/appeal-example.yaml"
        )
    )(appeal)
    app.command(help=help_text("session", "session parameters/andir-2026-q3.yaml --participant P045"))(session)


def sheet(
    parameters: ParametersFile,
    ratee: RateeOption = None,
    every: Annotated[bool, typer.Option("--all", help=say("option.all"))] = False,
    received: ReceivedOption = None,
    language: LanguageOption = None,
    data: DataOption = None,
    output: OutputOption = None,
) -> None:
    if (ratee is None) != every:
        raise typer.BadParameter(say("sheet.who"))
    resolved = load(parameters, language, data, output)
    from kinerja.evaluation import open_run
    from kinerja.report.sheet import write_sheets

    with progress() as step:
        evaluation = open_run(resolved, progress=step)
        written = write_sheets(
            evaluation, ratees=None if ratee is None else [ratee], received=_day(received), progress=step
        )
    typer.echo(say("sheet.done", n=len(written), folder=str(written[0].parent)))
    if ratee is not None:
        typer.echo(f"  {written[0]}")


def appeal(
    parameters: ParametersFile,
    correction: Annotated[
        Path | None,
        typer.Option("--correction", metavar=say("metavar.file"), help=say("option.correction"), show_default=False),
    ] = None,
    ratee: RateeOption = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar=say("metavar.folder"), help=say("option.replay"), show_default=False),
    ] = None,
    language: LanguageOption = None,
    data: DataOption = None,
    output: OutputOption = None,
) -> None:
    if (correction is None) == (replay is None):
        raise typer.BadParameter(say("appeal.which"))
    resolved = load(parameters, language, data, output)
    from kinerja.evaluation import open_run
    from kinerja.people.appeal import appeal as appeal_against
    from kinerja.people.appeal.replay import replay_appeal
    from kinerja.report.appeal import write_appeal

    with progress() as step:
        evaluation = open_run(resolved, progress=step)
        again = None if replay is None else replay_appeal(evaluation, replay)
        found = appeal_against(evaluation, correction, ratee=ratee) if correction else again.appeal  # type: ignore[union-attr]
        folder = write_appeal(found, evaluation) if again is None else None
    _tell_appeal(found)
    moved = len(found.comparison.persons)
    if again is None:
        typer.echo(say("appeal.done", n=moved, ratee=found.ratee, folder=str(folder)))
    elif again.same:
        typer.echo(say("appeal.same", n=moved, ratee=found.ratee))
    else:
        typer.echo(say("appeal.differs", ratee=found.ratee, parts=", ".join(again.different)))
        raise typer.Exit(PROBLEMS)


def _tell_appeal(found: Appeal) -> None:
    """What changes, whom it moves, what was decided."""
    from kinerja.report.appeal import appeal_tables

    if found.rows.empty:
        typer.echo(say("appeal.nothing"))
    else:
        for table in appeal_tables(found, spoken()):
            show_table(table)
            typer.echo("")
    decision = found.correction
    if decision["decided"]:
        told = {"by": decision["decided_by"], "on": decision["decided_on"], "decided": decision["decided"]}
        typer.echo(say("appeal.decided", **told))
    else:
        typer.echo(say("appeal.undecided"))


def session(
    parameters: ParametersFile,
    participant: Annotated[
        str,
        typer.Option("--participant", metavar=say("metavar.id"), help=say("option.participant"), show_default=False),
    ],
    language: LanguageOption = None,
    data: DataOption = None,
    output: OutputOption = None,
) -> None:
    resolved = load(parameters, language, data, output)
    from kinerja.evaluation import open_run
    from kinerja.report.session import write_session

    with progress() as step:
        page = write_session(open_run(resolved, progress=step), participant)
    typer.echo(say("session.done", participant=participant))
    typer.echo(f"  {page}")


def _day(written: str | None) -> date | None:
    if written is None:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise typer.BadParameter(say("bad_date", found=written)) from None
