"""Run a notebook's cells in this very process, as a kernel would: outputs, execution counts, errors, time limits.

Only for a process that ends afterwards (a fork): the cells may do anything to it.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ipykernel.jsonutil import encode_images, json_clean
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from kinerja.report.notebook.run import PICTURES

Output = dict[str, Any]
Report = Callable[[int, int | None, list[Output], str], None]
"""Called after each cell with its index, execution count, outputs and how it ended (ok, error, timeout)."""


class CellTimeout(BaseException):
    """The time limit of a cell; not an Exception, so that a cell's own `except Exception` does not swallow it."""


class Outputs(list[Output]):
    """The outputs of the running cell; streams are joined by name and stdout stands before stderr, as nbclient does
    (`coalesce_streams`), since the order in which a kernel's streams arrive is not fixed."""

    def stream(self, name: str, text: str) -> None:
        known = next((o for o in self if o["output_type"] == "stream" and o["name"] == name), None)
        if known is not None:
            known["text"] += text
        elif text:
            last = self[-1] if self else {}
            before = name == "stdout" and last.get("name") == "stderr"
            self.insert(len(self) - before, {"output_type": "stream", "name": name, "text": text})

    def data(self, kind: str, data: Any, metadata: Any, **more: Any) -> None:
        self.append({"output_type": kind, "data": _plain(data), "metadata": _plain(metadata), **more})


OUTPUTS = Outputs()


def _plain(bundle: Mapping[str, Any] | None) -> Any:
    """A mime bundle as JSON, pictures encoded as a kernel encodes them."""
    return json_clean(encode_images(dict(bundle or {})))  # type: ignore[no-untyped-call]


class _Stream:
    """Standard output or error of the cells."""

    encoding, errors, closed = "utf-8", "replace", False

    def __init__(self, name: str) -> None:
        self.name = name

    def write(self, text: str) -> int:
        OUTPUTS.stream(self.name, text)
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("the output of a notebook has no file")


class _Publisher(DisplayPublisher):
    def publish(
        self,
        data: Any,
        metadata: Any = None,
        source: Any = "",
        *,
        transient: Any = None,
        update: Any = False,
        **_: Any,
    ) -> None:
        shown = (transient or {}).get("display_id")
        if update:
            for output in OUTPUTS:
                if shown is not None and output.get("display_id") == shown:
                    output.update(data=_plain(data), metadata=_plain(metadata))
            return
        OUTPUTS.data("display_data", data, metadata, **({"display_id": shown} if shown else {}))

    def clear_output(self, wait: bool = False) -> None:
        OUTPUTS.clear()


class _Hook(DisplayHook):
    def write_output_prompt(self) -> None: ...

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        OUTPUTS.data("execute_result", format_dict, md_dict, execution_count=self.prompt_count)

    def finish_displayhook(self) -> None: ...


class Shell(InteractiveShell):
    """IPython without terminal, history file or kernel."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        OUTPUTS.append(
            {"output_type": "error", "ename": getattr(etype, "__name__", str(etype)), "evalue": str(evalue),
             "traceback": list(stb)}
        )  # fmt: skip

    def init_display_pub(self) -> None:
        self.display_pub = self.display_pub_class(parent=self, shell=self)  # type: ignore[no-untyped-call]


def run_cells(cells: Sequence[Mapping[str, Any]], report: Report, *, seconds: int | None = None) -> None:
    """Run the code cells in order; stop after the first that fails (unless tagged `raises-exception`).

    seconds : time limit of each cell
    """
    shell = _prepared()
    for index, cell in enumerate(cells):
        tags = cell.get("metadata", {}).get("tags", [])
        if cell["cell_type"] != "code" or not cell["source"].strip() or "skip-execution" in tags:
            continue
        OUTPUTS.clear()
        ended = _run_one(shell, cell["source"], seconds)
        outputs = [{k: v for k, v in output.items() if k != "display_id"} for output in OUTPUTS]
        count = shell.execution_count - 1
        report(index, count, outputs, ended)
        if ended != "ok" and "raises-exception" not in tags:
            return


def _run_one(shell: Shell, source: str, seconds: int | None) -> str:
    try:
        with _limit(seconds):
            result = shell.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
    except CellTimeout:
        return "timeout"
    if isinstance(result.error_in_exec, CellTimeout):
        return "timeout"
    return "ok" if result.success else "error"


@contextmanager
def _limit(seconds: int | None) -> Iterator[None]:
    if not seconds:
        yield
        return

    def ring(_signal: int, _frame: Any) -> None:
        raise CellTimeout

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _show_warning(message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
    OUTPUTS.stream("stderr", warnings.formatwarning(message, category, filename, lineno, line))


def _fresh_pictures() -> None:
    """matplotlib as a kernel's first import finds it: the inline backend, no open figure, its own settings.

    Whoever loaded it before the fork may have chosen another backend; the backend ties itself to the shell only when
    it is imported, so pyplot and backend are imported again where the cells ask for them.
    """
    os.environ["MPLBACKEND"] = PICTURES
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is None:
        return
    for name in ("matplotlib.pyplot", "matplotlib_inline.backend_inline"):
        sys.modules.pop(name, None)
    matplotlib.__dict__.pop("pyplot", None)
    helpers = sys.modules.get("matplotlib._pylab_helpers")
    if helpers is not None:
        helpers.Gcf.figs.clear()
    matplotlib.rc_file_defaults()
    matplotlib.interactive(False)
    matplotlib.rcParams["backend"] = PICTURES


def _prepared() -> Shell:
    """This process as a fresh kernel would find itself: streams, seeds, warnings, `__main__`, import path."""
    sys.stdout, sys.stderr = _Stream("stdout"), _Stream("stderr")
    _fresh_pictures()
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    warnings.resetwarnings()
    warnings.showwarning = _show_warning  # whoever records warnings in the parent does not record the cells'
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
    if "" not in sys.path:
        sys.path.insert(0, "")
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    InteractiveShell.clear_instance()
    with (
        tempfile.TemporaryDirectory() as folder
    ):  # IPython wants a folder for its profile, though nothing is kept in it
        return Shell.instance(user_module=main, ipython_dir=folder, config=config)
