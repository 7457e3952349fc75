"""Many reports from one evaluation: one a unit, resumed by content, a failure never stops the others."""

from __future__ import annotations

import json
import os
import re
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kinerja import wording
from kinerja.errors import KinerjaError, ParameterError
from kinerja.inputs.names import known_of
from kinerja.places import NOTEBOOKS, extra
from kinerja.process import FIXED
from kinerja.report import PERIOD_REPORT, notebook_arguments, publish
from kinerja.report.batch_index import index_html
from kinerja.report.files import occupied, sha256_text, staged, sweep, write_text
from kinerja.report.manifest import is_current, run_record
from kinerja.report.notebook.run import NotebookError, execute_notebook
from kinerja.results.shown import Shown

if TYPE_CHECKING:
    from kinerja.parameters import Parameters

UNIT_REPORT = NOTEBOOKS / "unit_report.ipynb"
INDEX, TABLE = "index.html", "batch.json"

REACH = 60
"""Seconds until a cluster's scheduler that does not answer is called not there."""

Step = Callable[[int, int, int, float], None]
"""Progress: reports finished, all, failed, seconds that are probably left."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Failure(Shown):
    """A report that could not be made: which, at which cell of the notebook (0 where none is to blame), and why."""

    name: str
    cell: int
    cause: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Batch(Shown):
    """What a batch did.

    Fields
    ------
    written : names of the reports made now; current : those that were up to date already
    failed : the others, with their cause
    folder : where they are, one folder a name; index : the page over all of them
    seconds : how long it took
    """

    written: tuple[str, ...]
    current: tuple[str, ...]
    failed: tuple[Failure, ...]
    folder: Path
    index: Path
    seconds: float

    @property
    def complete(self) -> bool:
        return not self.failed


def batch(
    runs: Parameters | Sequence[Parameters],
    *,
    by: Literal["unit"] | None = None,
    notebook: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Step | None = None,
) -> Batch:
    """Make every report that is missing or out of date.

    runs : one parameters file's, with `by="unit"` for a report of each of its units; or several, one report each
    notebook : the notebook to run; the unit's or the period's own where it is None
    workers : reports made at the same time; the machine's processors where it is None
    scheduler : the address of a Dask cluster that makes them instead; it must see the same folders

    Raises
    ------
    ParameterError : nothing to do, `by` without exactly one run, a scheduler that cannot be reached
    DataError and others : from the evaluation, before any report is begun
    """
    started = time.monotonic()
    chosen = list(runs) if isinstance(runs, Sequence) else [runs]
    if not chosen or (by is not None and len(chosen) != 1):
        raise wording.refusal(ParameterError, "batch_by_one", where="batch", found=len(chosen))
    # Numbers must not depend on how many threads or processes share the machine.
    os.environ.update({key: os.environ.get(key, value) for key, value in FIXED.items()})
    folder, jobs = (
        _unit_jobs(chosen[0], notebook or UNIT_REPORT) if by else _run_jobs(chosen, notebook or PERIOD_REPORT)
    )
    for job in jobs:
        sweep(Path(job["folder"]))
    for run in chosen:
        known_of(run)  # read here once: processes that are forked for the reports then have the names already
    current = [job["name"] for job in jobs if is_current(Path(job["folder"]), job["record"])]
    open_jobs = [job for job in jobs if job["name"] not in set(current)]
    results = _run(open_jobs, workers or os.cpu_count() or 1, scheduler, _Meter(progress, len(jobs), len(current)))
    failed = tuple(
        Failure(name=r["name"], cell=int(r.get("cell", 0)), cause=r["cause"])
        for r in results
        if r["status"] != "written"
    )
    done = tuple(r["name"] for r in results if r["status"] == "written")
    with staged(folder) as stage:
        entries = [(job["name"], Path(job["folder"]).relative_to(folder).as_posix()) for job in jobs]
        write_text(stage / INDEX, index_html(chosen[0], folder, entries, {f.name: f.cause for f in failed}))
        write_text(stage / TABLE, _job_table(jobs, done, current, failed))
    return Batch(
        written=done, current=tuple(current), failed=failed, folder=folder, index=folder / INDEX,
        seconds=time.monotonic() - started,
    )  # fmt: skip


def make_report(job: Mapping[str, Any]) -> dict[str, Any]:
    """One report, in whatever process it is given to; what goes wrong is its result, never an exception.

    job : of `_job`: name, parameters_file, overrides, base, notebook, folder, subject, arguments, record, engine
    """
    from kinerja.evaluation import open_run
    from kinerja.parameters import load_parameters

    try:
        parameters = load_parameters(
            job["parameters_file"], overrides=job["overrides"], base=Path(job["base"]) if job["base"] else None
        )
        with occupied(Path(job["folder"])):
            # A unit's run was evaluated before any job began; a run of its own is evaluated here.
            evaluation = open_run(parameters, run_folder=parameters.run_folder if job["subject"] else None)
            notebook = Path(job["notebook"])
            begun = datetime.now().astimezone()
            executed = execute_notebook(notebook, job["arguments"], cwd=parameters.base, engine=_engine(job))
            publish(
                parameters, evaluation, executed, notebook=notebook, folder=Path(job["folder"]),
                subject=job["subject"], record=job["record"], started=begun,
            )  # fmt: skip
    except NotebookError as error:
        return {"name": job["name"], "status": "failed", "cell": error.cell, "cause": error.cause}
    except KinerjaError as error:
        language = job["overrides"]["language"]
        return {"name": job["name"], "status": "failed", "cause": wording.error_message(error, language)}
    except Exception as error:
        return {"name": job["name"], "status": "failed", "cause": f"{type(error).__name__}: {error}"[:300]}
    return {"name": job["name"], "status": "written"}


def _engine(job: Mapping[str, Any]) -> str | None:
    """The warm engine in a process of our own; in a cluster's worker, whose threads a fork would cut, a kernel."""
    if job.get("engine") == "ordinary":
        return None
    from kinerja.report.notebook.engine import engine_name

    return engine_name()


def _unit_jobs(parameters: Parameters, notebook: Path) -> tuple[Path, list[dict[str, Any]]]:
    """One job for each unit of the evaluated period; the model is fitted here, once."""
    from kinerja.evaluation import open_run

    evaluation = open_run(parameters)
    staff = evaluation.inputs.staff
    units = sorted({str(unit) for unit in staff.loc[staff["period"] == parameters.period.id, "unit"].dropna()})
    if not units:
        where = parameters.file.name if parameters.file else "parameters"
        raise wording.refusal(ParameterError, "batch_no_units", where=where, period=parameters.period.id)
    folder = parameters.run_folder / "units"
    record = run_record(parameters, evaluation, notebooks=[notebook])
    names = _file_names(units)
    jobs = [_job(parameters, notebook, record, unit, folder / names[unit], {"unit": unit}) for unit in units]
    return folder, jobs


def _run_jobs(runs: Sequence[Parameters], notebook: Path) -> tuple[Path, list[dict[str, Any]]]:
    """One job for each parameters file; their folders must differ."""
    folders = [run.run_folder for run in runs]
    if len(set(folders)) != len(folders):
        twice = next(f.name for f in folders if folders.count(f) > 1)
        raise wording.refusal(ParameterError, "batch_same_run", where="batch", column="output.run", found=twice)
    jobs = []
    for run in runs:
        record = run_record(run, _identified(run), notebooks=[notebook])
        jobs.append(_job(run, notebook, record, run.run, run.run_folder, {}))
    return Path(os.path.commonpath([folder.parent for folder in folders])), jobs


def _identified(parameters: Parameters) -> Any:
    """Something with the id that the run's evaluation has or will have."""
    from types import SimpleNamespace

    from kinerja.evaluation import identify

    return SimpleNamespace(id=identify(parameters)["run"])


def _job(
    parameters: Parameters, notebook: Path, record: Mapping[str, Any], name: str, folder: Path, extra: Mapping[str, str]
) -> dict[str, Any]:
    """Everything a process needs to make one report, as plain JSON."""
    digest = sha256_text(json.dumps([record["sha256"], dict(extra)], sort_keys=True)) if extra else record["sha256"]
    output = parameters.output
    overrides = {
        "language": parameters.language,
        "output.folder": str(parameters.located(output.folder)),
        "output.run": parameters.run,
        "output.xlsx": output.xlsx,
        "output.pdf": output.pdf,
        **({"period.as_of": parameters.period.as_of} if parameters.period.as_of else {}),
    }
    return {
        "name": name,
        "parameters_file": str(parameters.file),
        "overrides": overrides,
        "base": str(parameters.data or ""),
        "notebook": str(notebook),
        "folder": str(folder),
        "subject": extra.get("unit", ""),
        "arguments": {**notebook_arguments(parameters), **extra},
        "record": {**record, "sha256": digest, **extra},
    }


def _run(jobs: list[dict[str, Any]], workers: int, scheduler: str | None, meter: _Meter) -> list[dict[str, Any]]:
    from kinerja.report.notebook import engine as kernels
    from kinerja.report.notebook.pool import run_jobs

    if not jobs:
        return []
    closing, executor = ExitStack(), None
    if scheduler is not None:
        client = _cluster(scheduler)
        closing.callback(client.close)
        executor = client.get_executor(pure=False, retries=2)
        jobs = [{**job, "engine": "ordinary"} for job in jobs]
    elif kernels.can_fork():
        if jobs[0]["subject"]:
            from kinerja.evaluation import held

            closing.enter_context(held(Path(jobs[0]["arguments"]["run_folder"])))
        kernels.warm()
    results: list[dict[str, Any]] = [{} for _ in jobs]
    with closing:
        for index, result in run_jobs(jobs, make_report, workers=workers, executor=executor):
            results[index] = {"name": jobs[index]["name"], **result}
            meter.count(failed=result["status"] != "written")
    return results


def _cluster(address: str) -> Any:
    """The client of a running cluster."""
    try:
        from distributed import Client
    except ImportError as error:
        raise wording.refusal(
            ParameterError, "no_dask", where=f"--scheduler {address}", install=extra("cluster")
        ) from error
    try:
        client = Client(address, timeout=REACH)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        where, found = f"--scheduler {address}", type(error).__name__
        raise wording.refusal(ParameterError, "no_scheduler", where=where, found=found) from error
    return client


class _Meter:
    """Counts reports and guesses what is left from the pace so far."""

    def __init__(self, progress: Step | None, total: int, before: int) -> None:
        self.progress, self.total, self.done, self.failed = progress, total, before, 0
        self.before, self.started = before, time.monotonic()
        self._tell()

    def count(self, *, failed: bool) -> None:
        self.done, self.failed = self.done + 1, self.failed + failed
        self._tell()

    def _tell(self) -> None:
        if self.progress is None:
            return
        made = self.done - self.before
        pace = (time.monotonic() - self.started) / made if made else 0.0
        self.progress(self.done, self.total, self.failed, pace * (self.total - self.done))


def _file_names(names: Iterable[str]) -> dict[str, str]:
    """A folder's name for each unit: plain letters, no two alike, on any system."""
    found: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "unit"
        candidate, number = slug, 2
        while candidate in used:
            candidate, number = f"{slug}-{number}", number + 1
        used.add(candidate)
        found[name] = candidate
    return found


def _job_table(
    jobs: Sequence[Mapping[str, Any]], done: Sequence[str], current: Sequence[str], failed: Sequence[Failure]
) -> str:
    """Every report and how it stands, for people and programs; the next batch believes only the manifests."""
    status = {**dict.fromkeys(done, "written"), **dict.fromkeys(current, "current")}
    causes = {f.name: {"status": "failed", "cell": f.cell, "cause": f.cause} for f in failed}
    rows = [
        {"name": name, "folder": Path(job["folder"]).name, "status": status.get(name, ""), **causes.get(name, {})}
        for job in jobs
        for name in [job["name"]]
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
