"""A papermill engine that runs a notebook in a fork of this process: everything is imported already, no kernel starts.

A kernel needs about a second to start and another to import; a fork needs neither. The parent imports and loads but
the cells run in the child alone, so that nothing a notebook does can reach another one: a crash, an endless loop or a
changed option ends with its process. Where a process cannot be forked safely (Windows, macOS, inside a Jupyter kernel)
the ordinary engine takes over; both give the same outputs.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from kinerja.report.notebook.run import load_papermill, ordinary_options

papermill = load_papermill()

from nbclient.exceptions import CellTimeoutError, DeadKernelError  # noqa: E402  (after the guard of load_papermill)
from nbformat import from_dict  # noqa: E402
from papermill.engines import Engine, NBClientEngine, papermill_engines  # noqa: E402

NAME = "kinerja"
"""The engine's name for papermill: `papermill --engine kinerja`."""

GRACE = 10.0
"""Seconds after a cell's time limit in which it may still stop by itself, before its process is killed."""

WARM = (
    "IPython.core.interactiveshell",
    "kinerja.report.notebook.shell",
    "kinerja.show.charts.bars",
    "kinerja.show.charts.dots",
    "kinerja.show.charts.lines",
    "kinerja.show.charts.wright",
    "kinerja.report",
    "matplotlib_inline.backend_inline",
    "nbconvert.exporters.html",
    "pyarrow.parquet",
    "scipy.stats",
)
"""What the notebooks of kinerja import, loaded once by `warm`."""

_disposable = False  # this process was forked for one notebook, or one report, and ends with it


def can_fork() -> bool:
    """Whether a notebook may run in a fork of this process."""
    if sys.platform != "linux":
        return False  # Windows has no fork; on macOS system libraries do not survive it
    shell = sys.modules.get("IPython.core.interactiveshell")
    return _disposable or shell is None or not shell.InteractiveShell.initialized()


def engine_name() -> str | None:
    """The engine to give papermill here: this one where it works, else None (the ordinary one)."""
    return NAME if can_fork() else None


def warm(modules: tuple[str, ...] = WARM) -> None:
    """Import what notebooks need, and keep the garbage collector from touching (and so copying) it in every fork."""
    for module in modules:
        import_module(module)
    gc.collect()
    gc.freeze()


class WarmEngine(Engine):  # type: ignore[misc]  # papermill has no types
    """Papermill's interface; its statuses, errors and time limit are those of the ordinary engine."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, execution_timeout: int | None = None, **options: Any
    ) -> None:
        if not can_fork():
            with tempfile.TemporaryDirectory(prefix="k") as sockets:
                settings = {**ordinary_options(Path(sockets)), **options}
                NBClientEngine.execute_managed_notebook(
                    nb_man, kernel_name, execution_timeout=execution_timeout, **settings
                )
            return
        import_module("kinerja.report.notebook.shell")
        records = _inside if _disposable else _forked
        records(nb_man, execution_timeout)


def register() -> None:
    """Make the engine known to papermill under its name."""
    papermill_engines.register(NAME, WarmEngine)


def fork(job: Callable[[int], None]) -> tuple[int, int]:
    """Run `job(pipe)` in a fork that ends with it; returns (process id, the pipe's reading end).

    The child never returns into the caller's code and never flushes the caller's buffers. Whatever the job lets escape
    ends the process with code 1.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns of forking beside other threads. Those here are a progress bar's and idle pools of numpy and
        # arrow; the child uses neither the bar nor its locks, and both libraries renew their pools after a fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    os.close(reading)
    return _be_disposable(job, writing)


def _be_disposable(job: Callable[[int], None], writing: int) -> NoReturn:
    global _disposable
    _disposable = True
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted and ends its children
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        job(writing)
        code = 0
    finally:
        os._exit(code)


def send(pipe: int, record: Mapping[str, Any]) -> None:
    """Write one record as a line of JSON, all of it."""
    line = json.dumps(record).encode("utf-8") + b"\n"
    while line:
        line = line[os.write(pipe, line) :]


def _cells(nb_man: Any) -> list[dict[str, Any]]:
    return [
        {"cell_type": c.cell_type, "source": c.source, "metadata": {"tags": list(c.metadata.get("tags", []))}}
        for c in nb_man.nb.cells
    ]


def _inside(nb_man: Any, seconds: int | None) -> None:
    """Run the cells here; the process is a fork of its own already."""
    from kinerja.report.notebook.shell import run_cells

    def keep(index: int, count: int | None, outputs: list[dict[str, Any]], how: str) -> None:
        _record(nb_man, {"index": index, "count": count, "outputs": outputs, "ended": how}, seconds)

    streams = sys.stdout, sys.stderr
    try:
        run_cells(_cells(nb_man), keep, seconds=seconds)
    finally:
        sys.stdout, sys.stderr = streams


def _forked(nb_man: Any, seconds: int | None) -> None:
    """Run the cells in a fork, record each as it ends.

    Raises
    ------
    CellTimeoutError : a cell took longer than `seconds`
    DeadKernelError : the process died
    """
    cells = _cells(nb_man)

    def job(pipe: int) -> None:
        from kinerja.report.notebook.shell import run_cells

        def tell(index: int, count: int | None, outputs: list[dict[str, Any]], how: str) -> None:
            send(pipe, {"index": index, "count": count, "outputs": outputs, "ended": how})

        run_cells(cells, tell, seconds=seconds)
        send(pipe, {"done": True})

    child, pipe = fork(job)
    done = False
    try:
        for line in _lines(pipe, None if seconds is None else seconds + GRACE):
            message = json.loads(line)
            done = done or "done" in message
            if "index" in message:
                _record(nb_man, message, seconds)
        if not done:
            raise DeadKernelError("Kernel died")
    finally:
        os.close(pipe)
        end(child, at_once=not done)


def _record(nb_man: Any, message: Mapping[str, Any], seconds: int | None) -> None:
    cell = nb_man.nb.cells[message["index"]]
    nb_man.cell_start(cell, message["index"])
    cell.execution_count = message["count"]
    cell.outputs = from_dict(message["outputs"])  # type: ignore[no-untyped-call]
    if message["ended"] == "timeout":
        nb_man.cell_exception(cell, message["index"])
        raise CellTimeoutError(f"A cell timed out while it was being executed, after {seconds} seconds.")
    if message["ended"] == "error" and "raises-exception" not in cell.metadata.get("tags", []):
        nb_man.cell_exception(cell, message["index"])
    nb_man.cell_complete(cell, message["index"])


def _lines(pipe: int, patience: float | None) -> Any:
    """The lines of a pipe until it closes.

    Raises
    ------
    CellTimeoutError : nothing came for `patience` seconds (a cell that even a signal does not stop)
    """
    waiting = b""
    while True:
        ready, _, _ = select.select([pipe], [], [], patience)
        if not ready:
            raise CellTimeoutError("A cell timed out and could not be stopped; its process was ended.")
        read = os.read(pipe, 1 << 20)
        if not read:
            return
        *lines, waiting = (waiting + read).split(b"\n")
        yield from lines


def end(child: int, *, at_once: bool) -> int:
    """Wait for the child, or kill it first; its exit status."""
    if at_once:
        with _quiet():
            os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + GRACE
    while True:
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(0.002)


class _quiet:
    """Ending a process that has ended is no error."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        return isinstance(error, ProcessLookupError)


register()
