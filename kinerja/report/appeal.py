"""What an appeal leaves behind: a record that a reviewer can replay, and its tables as a workbook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from kinerja import wording
from kinerja.evaluation import Evaluation
from kinerja.inputs.names import known_of
from kinerja.people.appeal import Appeal, appeal_record
from kinerja.report.files import staged, write_text
from kinerja.report.parts.comparison import comparison_tables
from kinerja.show.tables import Table, code, number, table, words
from kinerja.show.tables.xlsx import workbook_bytes

FOLDER = "appeals"


def write_appeal(found: Appeal, original: Evaluation) -> Path:
    """Write `appeals/<person>-<hash of the correction>/` below the run's folder: record.json and tables.xlsx.

    Raises
    ------
    DataError : a file would hold personal data; none is written
    WriteError : the folder cannot be written
    """
    language = original.parameters.language
    folder = original.parameters.run_folder / FOLDER / f"{found.ratee}-{found.sha256[:8]}"
    record = json.dumps(appeal_record(found, original), ensure_ascii=False, indent=1, default=str, allow_nan=False)
    with staged(folder, last="record.json", known=known_of(original.parameters)) as stage:
        tables = list(appeal_tables(found, language, limit=None))
        (stage / "tables.xlsx").write_bytes(workbook_bytes(tables, title=found.ratee, language=language))
        write_text(stage / "record.json", record + "\n")
    return folder


def appeal_tables(found: Appeal, language: wording.Language, *, limit: int | None = 12) -> Iterator[Table]:
    """What the correction changes, then whom it moves and by how much, the person concerned first."""
    removed = found.rows["column"] == ""
    new = found.rows["new"].mask(removed, wording.text("appeal.removed", language))
    yield table(
        found.rows.assign(new=new).rename(columns={"table": "input_kind"}),
        columns=[code("input_kind"), number("row", 0), code("column"), words("old"), words("new")],
        language=language,
        caption_key="appeal.rows",
        name="appeal_rows",
        limit=limit,
    )
    for shown in comparison_tables(found.comparison, language, limit=limit, first=found.ratee):
        if shown.name in ("comparison_persons", "comparison_tables"):
            yield shown
