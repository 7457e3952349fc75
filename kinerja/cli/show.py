"""What the command line shows a person: its language, progress, problems as a table, tables on a terminal."""

from __future__ import annotations

import locale
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.errors import KinerjaError

if TYPE_CHECKING:
    from kinerja.show.tables import Table


def spoken() -> wording.Language:
    """The language of help and messages: KINERJA_LANGUAGE, else the system's where it is English, else Indonesian."""
    wanted = os.environ.get("KINERJA_LANGUAGE", "")
    if wanted in wording.LANGUAGES:
        return wanted
    system = os.environ.get("LC_ALL") or os.environ.get("LANG") or (locale.getlocale()[0] or "")
    return "en" if system.lower().startswith("en") else "id"


def say(key: str, **values: Any) -> str:
    return wording.text(f"cli.{key}", spoken(), **values)


@contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """A progress bar on standard error: `step(name, share)` with the name of a sentence `cli.step.<name>`."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)

        def step(name: str, share: float) -> None:
            bar.update(task, description=say(f"step.{name}"), completed=share)

        yield step


def show_problems(error: KinerjaError) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True)
    if not error.problems:
        console.print(error.message, markup=False, highlight=False)
        return
    name = error.problems[0].where
    title = say("problems.title", n=len(error.problems), name=name)
    rows = wording.problem_table(error.problems, spoken())
    if not console.is_terminal:
        # A log or a pipe gets one line a problem, never a table broken at 80 columns.
        console = Console(stderr=True, width=100_000)
        console.print(title, markup=False, highlight=False)
        for problem in error.problems:
            console.print(f"- {wording.problem_sentence(problem, spoken())}", markup=False, highlight=False)
    else:
        shown = ("file", "row", "column", "value", "allowed", "way_out")
        table = Table(title=title, show_lines=True)
        for column in shown:
            table.add_column(say(f"problem.{column}"), overflow="fold")
        for record in rows[list(shown)].astype(str).itertuples(index=False):
            table.add_row(*(cell.replace("[", r"\[") for cell in record))
        console.print(table)
    console.print(say("problems.nothing_written"), markup=False, highlight=False)


def show_table(table: Table) -> None:
    """A table of a result on the terminal."""
    from dataclasses import replace

    from rich.console import Console

    hidden = 0 if table.limit is None else max(len(table.rows) - table.limit, 0)
    if hidden:
        table = replace(table, rows=table.rows[: table.limit], marks=table.marks[: table.limit])
    Console(width=None if Console().is_terminal else 200).print(table.to_text(), markup=False, highlight=False)
    if hidden:
        Console().print(say("more_rows", n=hidden), markup=False, highlight=False)
