"""The restricted mode of the explorer: small cells shown to a named reader for a stated reason, on a record that grows.

The record lies beside the run's manifest, which names it (`access_record`). Lines are only added, and each carries the
hash of the line before it: one that is changed or taken out is seen. The software cannot know who sits at the keyboard;
it keeps what was stated, and shows nothing before it is kept.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.errors import DataError, ParameterError, Problem
from kinerja.report.files import writing
from kinerja.report.manifest import ACCESS_RECORD
from kinerja.results.shown import Shown

if TYPE_CHECKING:
    from kinerja.evaluation import Evaluation

_SHORTEST_REASON = 10
"""Letters, as for a decision of the moderation; "ok" is no reason."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Access(Shown):
    """One switch to the restricted mode.

    Fields
    ------
    id : of the line on record; views name it
    run : the evaluation that was opened
    reader, reason : as stated; at : when, with the clock's zone
    """

    id: str
    run: str
    reader: str
    reason: str
    at: str


def open_restricted(evaluation: Evaluation, *, reader: str, reason: str) -> Access:
    """Put on record that a reader sees small cells of this run, and return the entry that `view` asks for.

    reader : one of the parameters' `privacy.readers`

    Raises
    ------
    ParameterError : the reader is not named in the parameters, or the reason is too short; nothing is written
    DataError : the record was changed by hand
    WriteError : the record cannot be written; then nothing is shown either
    """
    readers = evaluation.parameters.privacy.readers
    problems = []
    if reader not in readers:
        allowed = ", ".join(readers) or wording.MISSING
        problems.append(_problem("reader", reader, "access_reader", allowed=allowed))
    if len(reason.strip()) < _SHORTEST_REASON:
        problems.append(_problem("reason", reason, "access_reason", limit=_SHORTEST_REASON))
    if problems:
        raise ParameterError(wording.problem_message(problems), problems)
    folder = evaluation.parameters.run_folder
    earlier = read_access(folder)
    entry = {
        "run": evaluation.id,
        "reader": reader,
        "reason": reason.strip(),
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "after": earlier[-1].id if earlier else "",
    }
    line = json.dumps(entry, ensure_ascii=False, sort_keys=True)
    with writing(folder / ACCESS_RECORD):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ACCESS_RECORD).open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")
    return _access(line)


def read_access(folder: Path) -> tuple[Access, ...]:
    """Every switch on the record of a run's folder, oldest first; none where nobody ever switched.

    Raises
    ------
    DataError : a line was changed, moved or taken out
    """
    path = folder / ACCESS_RECORD
    if not path.is_file():
        return ()
    found: list[Access] = []
    for row, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            follows = json.loads(line)["after"] == (found[-1].id if found else "")
            found.append(_access(line))
        except (ValueError, KeyError, TypeError):
            follows = False
        if not follows:
            problem = Problem(where=path.name, row=row, code="access_changed")
            raise DataError(wording.problem_message([problem]), [problem])
    return tuple(found)


def check_access(evaluation: Evaluation, access: Access | str) -> str:
    """The id of an entry that is on the run's record.

    Raises
    ------
    ParameterError : there is no such entry for this evaluation
    """
    name = access if isinstance(access, str) else access.id
    known = [entry.id for entry in read_access(evaluation.parameters.run_folder) if entry.run == evaluation.id]
    if name not in known:
        problem = _problem("access", name, "access_unknown", file=ACCESS_RECORD)
        raise ParameterError(wording.problem_message([problem]), [problem])
    return name


def _access(line: str) -> Access:
    entry = json.loads(line)
    digest = hashlib.sha256(line.encode("utf-8")).hexdigest()[:12]
    return Access(id=digest, **{name: str(entry[name]) for name in ("run", "reader", "reason", "at")})


def _problem(column: str, found: str, code: str, **data: int | str) -> Problem:
    return Problem(where="explorer", column=column, found=found, code=code, data=data)
