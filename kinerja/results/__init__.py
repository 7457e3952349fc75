"""What every result has in common: findings, convergence and the names of columns. Nothing numerical."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kinerja.results.shown import Shown

Level = Literal["note", "caution", "stop"]

ESTIMATE_COLUMNS = ("estimate", "std_error", "conf_low", "conf_high", "n", "status", "reason")
"""Columns of every table of estimates, in this order; further columns follow."""

RATER_COLUMNS = (
    "facet",
    "element",
    "measure",
    "std_error",
    "infit",
    "outfit",
    "infit_z",
    "outfit_z",
    "observed_average",
    "fair_average",
    "displacement",
)
"""Columns of every table of Rasch measures."""

OK = "ok"
"""`status` of a row that could be estimated."""

CANNOT = "cannot"
"""`status` of a row that could not: the estimate is NaN and `reason` holds a code of words.csv (`reason.<code>`)."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Finding(Shown):
    """Something a reader must know, as a code and its numbers; the sentence is `finding.<code>` in words.csv.

    Fields
    ------
    level : note (worth knowing), caution (read before using), stop (heads the report: do not use the results below it)
    code : snake_case, names the sentence
    data : values for the placeholders of that sentence; plain numbers and strings only
    """

    level: Level
    code: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, repr=False)
class Convergence(Shown):
    """How an iteration ended.

    Fields
    ------
    converged : whether `change` fell below `tolerance`
    iterations : count of iterations made
    tolerance : the rule's limit, in the unit of `change`
    change : the last value of the quantity that the rule looks at
    code : what stopped it (`tolerance`, `maximum_iterations`, `line_search`, ...)
    trace : the quantity minimised, or `change`, for each iteration
    """

    converged: bool
    iterations: int
    tolerance: float
    change: float
    code: str
    trace: tuple[float, ...] = ()
