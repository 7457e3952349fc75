"""A run's report: the notebook executed, one HTML page, every table as a workbook, and the manifest that binds them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.errors import DataError, KinerjaError, ParameterError
from kinerja.inputs.names import known_of
from kinerja.places import NOTEBOOKS
from kinerja.report.files import LOCK, occupied, sha256_text, staged, write_text, writing
from kinerja.report.html import notebook_data, notebook_tables, render_html
from kinerja.report.manifest import MANIFEST, run_record, write_manifest
from kinerja.report.notebook.run import execute_notebook, notebook_parameters, strip_run
from kinerja.results.shown import Shown
from kinerja.show.tables import Table
from kinerja.show.tables.xlsx import table_csv, workbook_bytes

if TYPE_CHECKING:
    from kinerja.evaluation import Evaluation
    from kinerja.parameters import Parameters
    from kinerja.results import Finding

__all__ = ["Written", "execute_notebook", "render_html", "write_manifest", "write_report", "write_xlsx"]

Progress = Callable[[str, float], None]

HTML, XLSX, NOTEBOOK, PDF, SUMMARY = "report.html", "tables.xlsx", "report.ipynb", "report.pdf", "summary.json"
PERIOD_REPORT = NOTEBOOKS / "period_report.ipynb"


@dataclass(frozen=True, kw_only=True, repr=False)
class Written(Shown):
    """Where a report is.

    Fields
    ------
    folder : outputs/<run>
    html, notebook, manifest : files in it; xlsx, pdf : None where the parameters do not ask for them
    id : the run's id (hash of everything that decides its results)
    tables : tables in the workbook
    """

    folder: Path
    html: Path
    notebook: Path
    manifest: Path
    xlsx: Path | None
    pdf: Path | None
    id: str
    tables: int


def write_report(
    parameters: Parameters,
    *,
    notebook: Path = PERIOD_REPORT,
    progress: Progress | None = None,
    engine: str | None = None,
    apart: bool = False,
) -> Written:
    """Evaluate the period (or load it when nothing changed), run the notebook, write HTML, XLSX and manifest.

    Files are written beside their place and moved when all are there: a failure leaves the earlier report as it was.
    apart : put the report into a folder of the notebook's name inside the run's, beside the period report

    Raises
    ------
    DataError, RuleError, EstimationError : from the evaluation, or a file would hold personal data; nothing is written
    NotebookError : a cell failed
    WriteError : the folder cannot be written, or another run works in it
    """
    with run_kept(parameters.run_folder):
        return _write_report(parameters, notebook, progress, engine, apart)


def _write_report(
    parameters: Parameters, notebook: Path, progress: Progress | None, engine: str | None, apart: bool
) -> Written:
    from kinerja.evaluation import open_run
    from kinerja.report.notebook.engine import engine_name

    started = datetime.now().astimezone()
    step = progress or _silent
    with writing(parameters.run_folder):
        evaluation = open_run(parameters, progress=progress)
    step("notebook", 0.7)
    engine = engine or engine_name()
    known = notebook_parameters(notebook)
    arguments = {name: value for name, value in notebook_arguments(parameters).items() if name in known}
    # A notebook of the user's own may name files beside itself.
    cwd = notebook.parent if apart and notebook.parent != NOTEBOOKS else parameters.base
    executed = execute_notebook(notebook, arguments, cwd=cwd, engine=engine)
    step("render", 0.9)
    return publish(
        parameters,
        evaluation,
        executed,
        notebook=notebook,
        folder=parameters.run_folder / notebook.stem if apart else None,
        subject=notebook_title(notebook, parameters.language) if apart else "",
        started=started,
    )


@contextmanager
def run_kept(folder: Path) -> Iterator[None]:
    """The run's folder for this process alone; a run refused for its data leaves no evaluation in a new folder.

    Raises
    ------
    WriteError : another run works in it
    """
    with occupied(folder):
        new = not any(path.name != LOCK for path in folder.iterdir())
        try:
            yield
        except DataError:
            if new:
                for path in folder.iterdir():
                    if path.is_dir():
                        shutil.rmtree(path, ignore_errors=True)
            raise


def notebook_title(notebook: Path, language: wording.Language) -> str:
    key = f"notebook.{notebook.stem}.title"
    return wording.text(key, language) if wording.has_text(key) else notebook.stem.replace("_", " ")


def named_notebook(name: str) -> Path:
    """The notebook of that name in the project's folder of notebooks, or the file that the name is.

    Raises
    ------
    ParameterError : there is none
    """
    found = next((p for p in (NOTEBOOKS / f"{Path(name).stem}.ipynb", Path(name)) if p.is_file()), None)
    if found is None:
        known = ", ".join(sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
        raise wording.refusal(
            ParameterError,
            "notebook_unknown",
            where="--notebook",
            found=f"{name!r} ({Path(name).resolve()})",
            known=known,
        )
    return found.resolve()


def notebook_arguments(parameters: Parameters) -> dict[str, str]:
    """What every notebook of a run is given: absolute paths and the language, as plain strings."""
    if parameters.file is None:
        raise KinerjaError("write_report: found parameters made in memory; a report needs a parameters file on disk.")
    return {
        "parameters_file": str(parameters.file),
        "language": parameters.language,
        "run_folder": str(parameters.run_folder),
        "base": str(parameters.data or ""),
    }


def publish(
    parameters: Parameters,
    evaluation: Evaluation,
    executed: Any,
    *,
    notebook: Path,
    folder: Path | None = None,
    subject: str = "",
    record: Mapping[str, Any] | None = None,
    findings: Sequence[Finding] | None = None,
    readers: Sequence[str] | None = None,
    started: datetime | None = None,
) -> Written:
    """Render an executed notebook and put every file in its place.

    folder : another one than the run's; subject : what the report is about where it is not the whole office
    record : of `run_record`, where the caller has it already
    findings, readers : what the manifest says, where it is not the evaluation's findings and `privacy.readers`
    """
    record = record or run_record(parameters, evaluation, notebooks=[notebook])
    tables = notebook_tables(executed)
    page = page_html(parameters, executed, record, name=notebook.name, subject=subject)
    plain = strip_run(executed, _paths(parameters))
    folder = folder or parameters.run_folder
    with staged(folder, last=MANIFEST, known=known_of(parameters)) as stage:
        write_text(stage / HTML, page)
        write_text(stage / NOTEBOOK, notebook_json(plain))
        if parameters.output.xlsx:
            write_xlsx(tables, stage / XLSX, title=_title(parameters), language=parameters.language)
        if parameters.output.pdf:
            from kinerja.report.pdf import write_pdf

            write_pdf(page, stage / PDF)
        write_text(stage / SUMMARY, summary_json(parameters, executed, record, subject))
        write_manifest(
            stage / MANIFEST,
            record,
            findings=getattr(evaluation, "findings", ()) if findings is None else findings,
            outputs=[path for path in stage.iterdir() if path.is_file()],
            tables=table_hashes(tables),
            notebook_outputs={notebook.name: sha256_text(notebook_json(plain))},
            readers=parameters.privacy.readers if readers is None else readers,
            started=started,
        )
    return Written(
        folder=folder,
        html=folder / HTML,
        notebook=folder / NOTEBOOK,
        manifest=folder / MANIFEST,
        xlsx=folder / XLSX if parameters.output.xlsx else None,
        pdf=folder / PDF if parameters.output.pdf else None,
        id=record["id"],
        tables=len(tables),
    )


def page_html(parameters: Parameters, executed: Any, record: Mapping[str, Any], *, name: str, subject: str = "") -> str:
    """The page of one executed notebook, its masthead and small print taken from the parameters.

    subject : the masthead's title where the report is about a part of the office
    """
    period, language = parameters.period, parameters.language
    line = wording.text("report.subtitle", language, period=period.id, start=period.start, end=period.day)
    print_ = wording.text(
        "report.run",
        language,
        run=f"{record['run']} ({record['id']})",
        version=record["versions"]["kinerja"],
        sha256=parameters.sha256[:16],
    )
    office = ", ".join(filter(None, (parameters.office.name, parameters.office.place)))
    kicker = f"{wording.text('report.title', language)}: {office}" if subject else office
    return render_html(
        executed,
        language=language,
        title=subject or wording.text("report.title", language),
        subtitle=line,
        kicker=kicker,
        description=f"{_title(parameters)}. {line}",
        footer=[wording.text("report.interval_level", language, confidence=parameters.confidence), print_],
        name=name,
    )


def write_xlsx(tables: Sequence[Table], path: Path, *, title: str = "", language: wording.Language = "id") -> None:
    """One sheet a table, typed cells, frozen headers; equal tables give equal bytes."""
    path.write_bytes(workbook_bytes(tables, title=title, language=language))


def table_hashes(tables: Sequence[Table]) -> dict[str, str]:
    """Name -> SHA-256 of the table's content; a name that occurs again is numbered."""
    hashes: dict[str, str] = {}
    for table in tables:
        name, number = table.name, 2
        while name in hashes:
            name, number = f"{table.name}_{number}", number + 1
        hashes[name] = sha256_text(table_csv(table))
    return hashes


def summary_json(parameters: Parameters, executed: Any, record: Mapping[str, Any], subject: str = "") -> str:
    """The report's key figures and findings for a dashboard or an index."""
    found = notebook_data(executed)
    summary = {
        "run": record["run"],
        "id": record["id"],
        "office": parameters.office.name,
        "period": parameters.period.id,
        "subject": subject,
        "language": parameters.language,
        "confidence": parameters.confidence,
        "facts": [{"label": label, "value": value} for part in found["facts"] for label, value in part],
        "findings": [finding for part in found["findings"] for finding in part],
    }
    return json.dumps(summary, ensure_ascii=False, indent=1) + "\n"


def notebook_json(notebook: Any) -> str:
    """A notebook as text, the same for equal notebooks."""
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _title(parameters: Parameters) -> str:
    return f"{wording.text('report.title', parameters.language)}: {parameters.office.name}"


def _paths(parameters: Parameters) -> dict[str, str]:
    """This machine's paths and what stands for them in a stored notebook, the longest first."""
    base = parameters.base
    shown = {str(path): _within(path, base) for path in (parameters.run_folder, base)}
    shown[str(parameters.file)] = parameters.file_name
    return dict(sorted(shown.items(), key=lambda pair: -len(pair[0])))


def _within(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name


def _silent(name: str, share: float) -> None:
    return None
