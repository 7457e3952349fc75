"""`kinerja init`: look at an office's own files, say what they seem to be, write the parameters that read them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinerja import wording
from kinerja.cli.options import LanguageOption, help_text, speak
from kinerja.cli.show import say, spoken
from kinerja.errors import ParameterError, Problem

if TYPE_CHECKING:
    from kinerja.inputs.proposal import Proposal

FilesArgument = Annotated[
    list[Path], typer.Argument(metavar=say("metavar.files"), help=say("argument.files"), show_default=False)
]

SHOWN_PROBLEMS = 10
"""Problems of the data shown after a proposal; `kinerja check` shows them all."""


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(help=help_text("init", "init pegawai.xlsx penilaian.csv survei.csv"))(init)


def init(
    files: FilesArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar=say("metavar.file"), help=say("option.init_output"))
    ] = None,
    period: Annotated[str | None, typer.Option("--period", metavar="2026-Q3", help=say("option.period"))] = None,
    office: Annotated[
        str | None, typer.Option("--office", metavar=say("metavar.name"), help=say("option.office"))
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=say("option.force"))] = False,
    language: LanguageOption = None,
) -> None:
    speak(language)
    from kinerja.inputs.proposal import propose
    from kinerja.inputs.proposal.period import period_in
    from kinerja.inputs.proposal.yaml import parameters_text
    from kinerja.privacy import KEY_VARIABLE

    if period is not None and (period_in(period) or "") != period:
        raise _refused("--period", "bad_period", found=period)
    _check_given(files)
    proposal = propose(files, period=period)
    if not proposal.period:
        raise _refused("--period", "period_needed")
    name = office or _office_name(files[0])
    target = output or Path("parameters") / f"{_slug(name)}-{proposal.period.lower()}.yaml"
    if target.exists() and not force:
        raise _refused(str(target), "exists_already", found=target.name)
    _show(proposal)
    key = _key_file(_slug(name)) if proposal.needs_key and not os.environ.get(KEY_VARIABLE) else None
    write_parameters(target, parameters_text(proposal, target, office=name, key_file=key, language=spoken()))
    typer.echo(say("init.written", name=str(target), period=proposal.period))
    _check(target)


def write_parameters(target: Path, content: str) -> None:
    """Write the file whole or not at all: beside its place first, then moved there."""
    from kinerja.report.files import write_text, writing

    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            write_text(beside, content)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)


def _key_file(office: str) -> Path:
    """A new random key for the pseudonyms, readable by this user alone, outside the project; an older one is kept."""
    import secrets

    from kinerja.report.files import writing

    path = Path.home() / ".kinerja" / f"{office}.key"
    with writing(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32) + "\n")
            typer.echo(say("init.key", path=str(path)))
    return path


def _check(target: Path) -> None:
    """Read the office's files through the new parameters; what is wrong in them is said at once."""
    from kinerja.errors import KinerjaError
    from kinerja.evaluation import read_inputs
    from kinerja.parameters import load_parameters

    try:
        inputs = read_inputs(load_parameters(target))
    except KinerjaError as error:
        for problem in error.problems[:SHOWN_PROBLEMS]:
            typer.echo(f"- {wording.problem_sentence(problem, spoken())}")
        typer.echo(say("init.problems", n=max(len(error.problems), 1), name=str(target)))
        return
    typer.echo(say("check.good", name=target.name, **inputs.counts))
    typer.echo(say("init.next", name=str(target)))


def _show(proposal: Proposal) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 160)
    for table in proposal.tables:
        place = f"{table.path.name} [{table.sheet}]" if table.sheet else table.path.name
        title = say("init.table", place=place, kind=say(f"init.kind.{table.kind}"), sure=_sure(table.confidence))
        shown = Table(title=title.replace("[", r"\["), title_justify="left")
        for column in ("meaning", "header", "sure", "evidence"):
            shown.add_column(say(f"init.{column}"), overflow="fold")
        for placed in table.columns:
            why = say(f"init.evidence.{placed.evidence}")
            shown.add_row(*(_plain(c) for c in (placed.canonical, placed.header, _sure(placed.confidence), why)))
        if table.items:
            headers = ", ".join(list(table.items.values())[:4]) + (", …" if len(table.items) > 4 else "")
            shown.add_row(say("init.items", n=len(table.items)), _plain(headers), "", say("init.wide"))
        console.print(shown)
        if table.unplaced:
            console.print(say("init.unplaced", columns=", ".join(table.unplaced)), markup=False, highlight=False)
    for file, sheet, titles in proposal.left:
        place = f"{file} [{sheet}]" if sheet else file
        console.print(say("init.left", place=place, titles=titles), markup=False, highlight=False)


def _plain(cell: str) -> str:
    return cell.replace("[", r"\[")


def _sure(share: float) -> str:
    return wording.percent(share, 0, spoken())


def _check_given(files: list[Path]) -> None:
    missing = [path for path in files if not path.exists()]
    problems = [Problem(where=path.name, code="missing_file", data={"path": str(path.resolve())}) for path in missing]
    if problems:
        raise ParameterError(wording.problem_message(problems), problems)


def _refused(where: str, code: str, found: str = "") -> ParameterError:
    problem = Problem(where=where, found=found, code=code)
    return ParameterError(wording.problem_message([problem]), [problem])


def _office_name(first: Path) -> str:
    """The folder's name, which a person gave; the option --office says it better."""
    return first.resolve().parent.name.replace("_", " ").replace("-", " ").strip().title() or say("init.office")


def _slug(name: str) -> str:
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.casefold())
    return "-".join(part for part in kept.split("-") if part)[:40] or "office"
