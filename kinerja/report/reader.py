"""The report for one reader: a folder of its own that can be handed over whole, nothing in it that is not theirs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kinerja import wording
from kinerja.places import NOTEBOOKS
from kinerja.report import Progress, Written, notebook_arguments, publish, run_kept
from kinerja.report.files import sha256_text, writing
from kinerja.report.manifest import run_record
from kinerja.report.notebook.run import execute_notebook
from kinerja.report.parts.reader import Seen, who

if TYPE_CHECKING:
    from kinerja.evaluation import Evaluation
    from kinerja.parameters import Parameters

READER_REPORT = NOTEBOOKS / "reader_report.ipynb"
FOLDER = "readers"
"""Below the run's folder: one folder a reader."""

NOT_THEIRS = ("parameters", "inputs")
"""Parts of a run's record that name files, columns and settings of the office; its hash stands for them."""


def write_reader_report(
    parameters: Parameters, *, reader: str, unit: str = "", ratee: str = "", progress: Progress | None = None
) -> Written:
    """Evaluate (or open) the run and write the report that this reader may see: HTML, XLSX, notebook, manifest.

    reader : unit_head, employee or public; unit, ratee : the reader's own

    Raises
    ------
    ParameterError, DataError : of `report.parts.reader.who`, and all that `report.write_report` raises
    """
    from kinerja.evaluation import open_run
    from kinerja.report.notebook.engine import engine_name

    started = datetime.now().astimezone()
    with run_kept(parameters.run_folder):
        with writing(parameters.run_folder):
            evaluation = open_run(parameters, progress=progress)
        seen = who(evaluation, reader, unit=unit, ratee=ratee)
        arguments = {**notebook_arguments(parameters), "reader": seen.reader, "unit": seen.unit, "ratee": seen.ratee}
        executed = execute_notebook(READER_REPORT, arguments, cwd=parameters.base, engine=engine_name())
        return publish(
            parameters,
            evaluation,
            executed,
            notebook=READER_REPORT,
            folder=parameters.run_folder / FOLDER / folder_name(seen),
            subject=_title(seen, parameters.language),
            record=_record(parameters, evaluation, seen),
            findings=(),
            readers=(seen.reader,),
            started=started,
        )


def folder_name(seen: Seen) -> str:
    """public, unit_head-<unit>, employee-<person>: plain letters, told apart by a hash of the names as they are."""
    own = seen.ratee if seen.reader == "employee" else seen.unit
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in own.casefold())
    words = "-".join(part for part in plain.split("-") if part)[:40]
    return "-".join(filter(None, (seen.reader, words, sha256_text(own)[:6] if own else "")))


def _record(parameters: Parameters, evaluation: Evaluation, seen: Seen) -> dict[str, Any]:
    whole = run_record(parameters, evaluation, notebooks=[READER_REPORT])
    told = {key: value for key, value in whole.items() if key not in NOT_THEIRS}
    reader = {"reader": seen.reader, "unit": seen.unit, "ratee": seen.ratee}
    return {**told, **reader, "sha256": sha256_text(json.dumps([whole["sha256"], reader], sort_keys=True))}


def _title(seen: Seen, language: wording.Language) -> str:
    return wording.text(f"reader.title.{seen.reader}", language, unit=seen.unit, ratee=seen.ratee)
