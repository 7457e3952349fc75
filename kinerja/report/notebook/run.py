"""Run a notebook with parameters: names and types are checked before a kernel starts, a failing cell is named."""

from __future__ import annotations

import ast
import copy
import difflib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinerja import wording
from kinerja.errors import KinerjaError, ParameterError, Problem
from kinerja.process import FIXED, START

Scalar = str | int | float | bool | None

_TYPES: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}

PICTURES = "module://matplotlib_inline.backend_inline"
"""How a notebook draws, whatever MPLBACKEND says to the process that runs it."""


class NotebookError(KinerjaError):
    """A cell failed. `notebook`, `cell` (1-based, all cells counted) and `cause` say which and why."""

    def __init__(self, message: str, problems: tuple[Problem, ...], *, notebook: str, cell: int, cause: str) -> None:
        super().__init__(message, problems)
        self.notebook, self.cell, self.cause = notebook, cell, cause


def execute_notebook(
    path: str | Path,
    parameters: Mapping[str, Any],
    *,
    output: str | Path | None = None,
    cwd: str | Path | None = None,
    engine: str | None = None,
    timeout: int = 900,
) -> Any:
    """Run the notebook and return it executed (an nbformat node).

    path : the notebook, with one cell tagged `parameters`
    parameters : name -> value; every name must be assigned in that cell, every value of the type of its default (or of
        its annotation: `n: int = None`); strings stay strings
    output : where papermill keeps the executed notebook while it runs; a temporary file where it is None
    cwd : the folder the cells run in; the notebook's own where it is None
    engine : a papermill engine's name; None takes the ordinary one (a new kernel)
    timeout : seconds for the whole of one cell

    Raises
    ------
    ParameterError : a name the notebook does not have, a value of another type, a required one missing (all at once)
    NotebookError : a cell failed or took too long, or no kernel answered; an error that kinerja raised in a cell is
        passed on with its problems
    """
    path = Path(path)
    check_notebook_parameters(path, parameters)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(output) if output is not None else Path(folder) / path.name
        given = _Call(path=path, target=target, parameters=parameters, cwd=cwd or path.parent, engine=engine,
                      timeout=timeout)  # fmt: skip
        return _run(given)


def notebook_parameters(path: Path) -> dict[str, tuple[type | None, Any]]:
    """Name -> (type, default) of the cell tagged `parameters`; the type is None where anything goes, the default
    `...` where there is none.

    Raises
    ------
    ParameterError : the file is not a notebook, or has not exactly one such cell
    """
    cells = [c for c in _read(path)["cells"] if "parameters" in c.get("metadata", {}).get("tags", [])]
    if len(cells) != 1:
        raise _refuse([_problem(path, None, f"{len(cells)}", "notebook_parameter_repeated", {})])
    source = cells[0]["source"]
    tree = ast.parse(source if isinstance(source, str) else "".join(source))
    return dict(found for statement in tree.body for found in _assigned(statement))


def check_notebook_parameters(path: Path, parameters: Mapping[str, Any]) -> None:
    """Raise one ParameterError for every name or value the notebook does not take."""
    known = notebook_parameters(path)
    problems = []
    for name, value in parameters.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
            data = {"allowed": ", ".join(known), "near": near[0] if near else wording.MISSING}
            problems.append(_problem(path, name, repr(value), "notebook_parameter_unknown", data))
        elif not _fits(value, known[name][0]):
            data = {"allowed": getattr(known[name][0], "__name__", "")}
            problems.append(_problem(path, name, repr(value), "notebook_parameter_type", data))
    missing = [name for name, (_, default) in known.items() if default is ... and name not in parameters]
    problems += [_problem(path, name, "", "notebook_parameter_missing", {"name": name}) for name in missing]
    if problems:
        raise _refuse(problems)


def load_papermill() -> Any:
    """papermill, without 0.8 s of its start.

    nbformat imports jsonschema, whose checker of international addresses (`rfc3987_syntax`) compiles grammars when it
    is imported. No field of a notebook is such an address, so the module is withheld unless somebody has already
    loaded it; jsonschema treats it as not installed.
    """
    absent = "rfc3987_syntax" not in sys.modules
    if absent:
        sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        import papermill
    finally:
        if absent:
            del sys.modules["rfc3987_syntax"]  # whoever needs it later still finds it
    return papermill


def ordinary_options(sockets: Path) -> dict[str, Any]:
    """For a real kernel: sockets in a folder of its own (no port, and no file in the working folder, that another
    kernel could take at the same moment), streams joined (the order in which they arrive is not fixed), no output lost
    because it arrives late, stopped at once."""
    from traitlets.config import Config

    config = Config()
    if sys.platform != "win32":
        config.KernelManager.transport = "ipc"
        config.KernelManager.ip = str(sockets / "k")
    return {
        "config": config, "coalesce_streams": True, "iopub_timeout": START, "shutdown_kernel": "immediate"
    }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Call:
    """What `execute_notebook` was asked for, its defaults filled in."""

    path: Path
    target: Path
    parameters: Mapping[str, Any]
    cwd: str | Path
    engine: str | None
    timeout: int


def _run(call: _Call) -> Any:
    try:
        return _run_once(call)
    except RuntimeError as error:
        if not _never_answered(error):
            raise
    try:  # A kernel that never replied has run no cell, so a second start repeats nothing (papermill#511).
        return _run_once(call)
    except RuntimeError as error:
        if not _never_answered(error):
            raise
        if "died" in str(error):
            raise notebook_error(call.path, 0, "the kernel died") from error
        problem = _problem(call.path, None, "", "notebook_start", {"seconds": START})
        raise NotebookError(
            wording.problem_message([problem]), (problem,), notebook=call.path.name, cell=0, cause="no kernel"
        ) from error


def _never_answered(error: RuntimeError) -> bool:
    return "kernel_info" in str(error) or "Kernel didn't respond" in str(error)


def _run_once(call: _Call) -> Any:
    papermill = load_papermill()
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    path = call.path
    try:
        # The folder's name is short on purpose: a socket's path may have 100 characters.
        with _environment(), tempfile.TemporaryDirectory(prefix="k") as sockets:
            return papermill.execute_notebook(
                str(path.resolve()),
                str(call.target),
                parameters=dict(call.parameters),
                engine_name=call.engine,
                cwd=str(call.cwd),
                progress_bar=False,
                log_output=False,
                request_save_on_cell_execute=False,
                start_timeout=START,
                execution_timeout=call.timeout,
                **ordinary_options(Path(sockets)),
            )
    except papermill.PapermillExecutionError as error:
        raise _cell_error(path, error, injected=bool(call.parameters)) from error
    except (CellTimeoutError, TimeoutError) as error:
        problem = _problem(path, None, "", "notebook_timeout", {"seconds": call.timeout})
        raise NotebookError(
            wording.problem_message([problem]), (problem,), notebook=path.name, cell=0, cause="timeout"
        ) from error
    except DeadKernelError as error:
        raise notebook_error(path, 0, "the kernel died") from error


def notebook_error(path: Path, cell: int, cause: str) -> NotebookError:
    """The error of one failed cell, with its cause in one line."""
    line = cause.strip().splitlines()[-1][:300] if cause.strip() else ""
    problem = Problem(where=path.name, row=cell or None, found=line, code="notebook_cell", data={"cell": cell})
    return NotebookError(wording.problem_message([problem]), (problem,), notebook=path.name, cell=cell, cause=line)


def _cell_error(path: Path, error: Any, *, injected: bool) -> NotebookError:
    # papermill counts from 0 and counts the cell it injected; a reader counts the notebook's own from 1.
    cell = error.cell_index if injected else error.cell_index + 1
    shown = f"{error.ename}: {error.evalue}" if error.ename else str(error.evalue)
    return notebook_error(path, cell, shown)


def strip_run(notebook: Any, replaced: Mapping[str, str] | None = None) -> Any:
    """A copy of an executed notebook without what differs between two equal runs: times, random cell ids, papermill's
    records, and (through `replaced`: text -> text) this machine's paths in the injected parameters."""
    plain = copy.deepcopy(notebook)
    plain.metadata.pop("papermill", None)
    for number, cell in enumerate(plain.cells, start=1):
        cell["id"] = f"cell-{number:03d}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            for old, new in (replaced or {}).items():
                cell["source"] = cell["source"].replace(old, new)
    return plain


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, tuple[type | None, Any]]]:
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                default = _literal(statement.value)
                yield target.id, (None if default in (None, ...) else type(default), default)
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        default = ... if statement.value is None else _literal(statement.value)
        yield statement.target.id, (_TYPES.get(ast.unparse(statement.annotation)), default)


def _literal(node: ast.expr) -> Any:
    """The value of a literal; None for an expression, whose type only a kernel could tell."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _fits(value: Any, kind: type | None) -> bool:
    if kind is None:
        return value is None or isinstance(value, (str, int, float, bool, list, dict))
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is kind


def _read(path: Path) -> Any:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _ = content["cells"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        found = getattr(error, "strerror", None) or type(error).__name__
        raise _refuse([_problem(path, None, found, "notebook_unreadable", {})]) from error
    return content


def _problem(path: Path, name: str | None, found: str, code: str, data: Mapping[str, Any]) -> Problem:
    return Problem(where=path.name, column=name, found=found[:80], code=code, data=data)


def _refuse(problems: list[Problem]) -> ParameterError:
    return ParameterError(wording.problem_message(problems), problems)


@contextmanager
def _environment() -> Iterator[None]:
    """The kernel inherits `FIXED` and the inline pictures of a notebook; this process keeps its own."""
    wanted = {**FIXED, "MPLBACKEND": PICTURES}
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
