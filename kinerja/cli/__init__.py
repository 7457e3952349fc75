"""The command line: `kinerja COMMAND`. Each command loads what it needs when it runs, so that `--help` answers at once.

Exit codes: 0 done; 1 the input has problems (nothing written); 2 a wrong command line; 3 a defect of kinerja;
130 interrupted.
"""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinerja import __version__, places, wording
from kinerja.cli import batch, explore, init, notebooks, people, plan, privacy, workshop
from kinerja.cli.options import (
    DEFECT,
    INTERRUPTED,
    PROBLEMS,
    USAGE,
    AsOfOption,
    DataOption,
    LanguageOption,
    OutputOption,
    ParametersFile,
    PdfOption,
    RunFolder,
    help_text,
    load,
    speak,
)
from kinerja.cli.show import progress, say, show_problems, show_table, spoken
from kinerja.cli.usage import CommandLineError, Group, show_refusal, speak_everywhere
from kinerja.errors import KinerjaError, ParameterError, Problem
from kinerja.process import FIXED

if TYPE_CHECKING:
    from kinerja.evaluation.comparison import Comparison
    from kinerja.parameters import Parameters


app = typer.Typer(
    cls=Group,
    help=say("about"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kinerja {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    debug: Annotated[bool, typer.Option("--debug", help=say("option.debug"))] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=say("option.version"))
    ] = False,
) -> None:
    if debug:
        os.environ["KINERJA_DEBUG"] = "1"


@app.command(help=help_text("demo", "demo --language en"))
def demo(language: LanguageOption = None, output: OutputOption = None) -> None:
    _report(places.EXAMPLE, language, output=output)


@app.command(help=help_text("check", "check parameters/andir-2026-q3.yaml"))
def check(parameters: ParametersFile, language: LanguageOption = None, data: DataOption = None) -> None:
    resolved = load(parameters, language, data)
    from kinerja.evaluation import read_inputs

    with progress() as step:
        inputs = read_inputs(resolved, step)
    typer.echo(say("check.good", name=parameters.name, **inputs.counts))
    for file in inputs.files.itertuples():
        name = f"{file.file!s} [{file.sheet!s}]" if file.sheet else str(file.file)
        rows = {"read": file.rows_read, "kept": file.rows_kept, "now": file.rows_in_period}
        typer.echo("  " + say("check.file", file=name, period=resolved.period.id, **rows))


@app.command(help=help_text("report", "report parameters/andir-2026-q3.yaml --language en"))
def report(
    parameters: ParametersFile,
    language: LanguageOption = None,
    data: DataOption = None,
    output: OutputOption = None,
    as_of: AsOfOption = None,
    notebook: Annotated[
        str | None,
        typer.Option("--notebook", metavar=say("metavar.name"), help=say("option.notebook"), show_default=False),
    ] = None,
    pdf: PdfOption = False,
    reader: Annotated[
        str | None, typer.Option("--reader", metavar="office|unit_head|employee|public", help=say("option.reader"))
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar=say("metavar.unit"), help=say("option.unit"), show_default=False),
    ] = None,
    ratee: people.RateeOption = None,
) -> None:
    if reader is None and (unit or ratee):
        raise _refused("--unit" if unit else "--ratee", "reader_without_option")
    if reader is None or reader == "office":
        _report(parameters, language, data, output, as_of, notebook, pdf)
    else:
        _reader_report(load(parameters, language, data, output, as_of, pdf), reader, unit or "", ratee or "")


@app.command(help=help_text("verify", "verify outputs/andir-2026-q3"))
def verify(
    run: RunFolder,
    data: DataOption = None,
    tolerance: Annotated[
        float,
        typer.Option(
            "--tolerance", metavar=say("metavar.number"), min=0.0, help=say("option.tolerance"), show_default=False
        ),
    ] = 0.0,
    language: LanguageOption = None,
) -> None:
    speak(language)
    from kinerja.evaluation.verification import verify_run
    from kinerja.report.parts.comparison import verification_tables

    with progress() as step:
        step("read", 0.1)
        found = verify_run(run, base=data, tolerance=tolerance)
    for shown in verification_tables(found, spoken()):
        show_table(shown)
        typer.echo("")
    if len(found.settings):
        typer.echo(say("verify.edited", names=", ".join(found.settings["key"])))
    if len(found.touched):
        typer.echo(say("verify.touched", n=len(found.touched), names=", ".join(found.touched)))
    batch.tell_signoff(run)
    values = found.comparison
    if values.same:
        typer.echo(say("verify.same", run=run.name, n=int(values.tables["cells"].sum()), tables=len(values.tables)))
    else:
        typer.echo(say("verify.differs", n=len(values.changes)))
        if values.causes["same"].all():
            typer.echo(say("verify.unexplained"))
    if not found.same:
        raise typer.Exit(PROBLEMS)


@app.command(help=help_text("compare", "compare outputs/andir-2026-q2 outputs/andir-2026-q3"))
def compare(a: RunFolder, b: RunFolder, language: LanguageOption = None) -> None:
    from kinerja.evaluation import FOLDER, load_evaluation
    from kinerja.evaluation.comparison import compare as compared

    speak(language)
    found = compared(load_evaluation(a / FOLDER), load_evaluation(b / FOLDER))
    _show_comparison(found)
    typer.echo(say("compare.same" if found.same else "compare.differs", a=a.name, b=b.name, n=len(found.persons)))


def _show_comparison(found: Comparison) -> None:
    """Why two runs differ and where: causes and tables that are not equal, people who move."""
    from kinerja.report.parts.comparison import comparison_tables

    for table in comparison_tables(found, spoken()):
        show_table(table)
        typer.echo("")


def _report(
    path: Path,
    language: str | None = None,
    data: Path | None = None,
    output: Path | None = None,
    as_of: str | None = None,
    notebook: str | None = None,
    pdf: bool = False,
) -> None:
    parameters = load(path, language, data, output, as_of, pdf)
    from kinerja.report import PERIOD_REPORT, named_notebook, write_report

    chosen = PERIOD_REPORT if notebook is None else named_notebook(notebook)
    with progress() as step:
        written = write_report(parameters, notebook=chosen, apart=notebook is not None, progress=step)
    typer.echo(say("done"))
    typer.echo(f"  {written.html}")
    typer.echo(say("open", command=_open_command(written.html)))
    typer.echo(
        say("also", tables=written.xlsx.name if written.xlsx else wording.MISSING, manifest=written.manifest.name)
    )


def _reader_report(parameters: Parameters, reader: str, unit: str, ratee: str) -> None:
    from kinerja.report.reader import write_reader_report

    with progress() as step:
        written = write_reader_report(parameters, reader=reader, unit=unit, ratee=ratee, progress=step)
    typer.echo(say("done"))
    typer.echo(f"  {written.html}")
    typer.echo(say("reader.folder", folder=str(written.folder)))


def _refused(where: str, code: str) -> ParameterError:
    problem = Problem(where=where, code=code)
    return ParameterError(wording.problem_message([problem]), [problem])


def _open_command(path: Path) -> str:
    if sys.platform == "win32":
        return f'start "" "{path}"'
    return f"open '{path}'" if sys.platform == "darwin" else f"xdg-open '{path}'"


for part in (init, batch, people, plan, privacy, explore, notebooks, workshop):
    part.register(app)
speak_everywhere(app)


def main() -> None:
    """Run the command line; the only place where an error becomes an exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A Windows console may not know every letter: show a substitute instead of failing while reporting a failure.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    # One thread for matrices, as in the notebooks: the same digits, and many small matrices are quicker so. Whoever set
    # a number of threads keeps it.
    for name, value in FIXED.items():
        os.environ.setdefault(name, value)
    # Python takes its handlers off before it has ended: Ctrl-C then would kill a run that is done already.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
    try:
        code = app(standalone_mode=False)
    except KinerjaError as error:
        if os.environ.get("KINERJA_DEBUG"):
            raise
        show_problems(error)
        code = PROBLEMS
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        code = _usage_or_defect(error)
    if code == INTERRUPTED:  # typer turns Ctrl-C into this code, older ones into Abort
        typer.echo(say("interrupted"), err=True)
        # Python takes an interrupt inside `exec`, by which every dataclass is made, for one that nobody handled, and
        # would end by a signal instead of the code; the next `exec` makes it forget.
        exec("")
    sys.exit(code or 0)


_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""What a disk answers when it takes nothing: somebody must make room or give leave, the program cannot."""


def _usage_or_defect(error: Exception) -> int:
    if isinstance(error, CommandLineError):
        show_refusal(error)
        return USAGE
    if os.environ.get("KINERJA_DEBUG"):
        raise error
    if isinstance(error, FileNotFoundError) and error.filename:
        show_problems(_missing(Path(os.fsdecode(error.filename)).resolve()))
        return PROBLEMS
    if isinstance(error, OSError) and error.errno in _DISK:
        from kinerja.report.files import write_error

        show_problems(write_error(error))
        return PROBLEMS
    typer.echo(say("unexpected", kind=type(error).__name__, message=str(error).split("\n")[0][:200]), err=True)
    return DEFECT


def _missing(path: Path) -> KinerjaError:
    """A file that went away, or that an incomplete installation lacks."""
    own = path.is_relative_to(places.PACKAGE) or path.is_relative_to(places.PROJECT)
    problem = Problem(where=str(path), code="incomplete_install" if own else "missing_file", data={"path": str(path)})
    return KinerjaError(wording.problem_message([problem]), [problem])
