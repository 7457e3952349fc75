"""A reviewer repeats an appeal from its record: the correction is in it, and whom it moved then must move again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kinerja import wording
from kinerja.errors import DataError, Problem
from kinerja.evaluation import Evaluation
from kinerja.people.appeal import Appeal, Correction, appeal_record, apply_correction
from kinerja.results.shown import Shown

RECORD = "record.json"
_PARTS = ("run", "changed", "moved")
"""What must be equal: the run that was appealed against, the values that were wrong, the people who move."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class AppealReplay(Shown):
    """An appeal repeated.

    Fields
    ------
    appeal : as it comes out now
    record : as it was kept
    different : parts of the record that come out otherwise: run, changed, moved
    """

    appeal: Appeal
    record: Mapping[str, Any]
    different: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not self.different


def replay_appeal(evaluation: Evaluation, folder: str | Path) -> AppealReplay:
    """Run the appeal in `folder` (or its record.json) again on the run that it was made against.

    Raises
    ------
    DataError : there is no record of an appeal; its correction does not fit this run's data
    """
    given = Path(folder)
    path = given if given.suffix == ".json" else given / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        correction = Correction.model_validate(record["correction"])
        digest = str(record["correction_sha256"])
    except FileNotFoundError as error:
        problem = Problem(where=str(given), code="missing_file", data={"path": str(path.resolve())})
        raise DataError(wording.problem_message([problem]), [problem]) from error
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        problem = Problem(where=path.name, found=type(error).__name__, code="appeal_record")
        raise DataError(wording.problem_message([problem]), [problem]) from error
    found = apply_correction(evaluation, correction, digest, name=path.name)
    # Through JSON, as the record went: numbers then compare to the last digit that is kept.
    again = json.loads(json.dumps(appeal_record(found, evaluation), ensure_ascii=False, default=str))
    different = tuple(part for part in _PARTS if again[part] != record.get(part))
    return AppealReplay(appeal=found, record=record, different=different)
