"""What can go wrong, said once: a `Problem` for each thing found, an error that carries them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with an input; `labels.problem_table` turns many into the table a person reads.

    Fields
    ------
    where : the file (as the user named it) or the parameters file
    row : 1-based row as a spreadsheet shows it (header included), None where no row applies
    column : the column's own header, or the dotted key of a parameter
    found : what stands there, shortened to a line
    code : names the sentences `problem.<code>.allowed` and `problem.<code>.way_out` in words.csv
    data : values for the placeholders of those sentences
    """

    where: str
    row: int | None = None
    column: str | None = None
    found: str = ""
    code: str
    data: Mapping[str, Any] = field(default_factory=dict)


class KinerjaError(Exception):
    """Base of every error a user can cause. `message`: where, found, allowed, way out; `problems`: all of them."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)


class ParameterError(KinerjaError):
    """The parameters of a run are not usable (YAML, a keyword argument, a command-line option)."""


class DataError(KinerjaError):
    """The data cannot be read as what they are said to be."""


class RuleError(KinerjaError):
    """A rule is missing, not in force on the day asked for, or cannot be applied to the value given."""


class EstimationError(KinerjaError):
    """A model cannot be set up on these data at all (one quantity that cannot be estimated is a row with a reason)."""
