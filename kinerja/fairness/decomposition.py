"""How much of a gap goes with differences that can be measured (attainment, unit, grade): Oaxaca-Blinder, two-fold.

"Explained" is arithmetic, not excuse: a grade that was itself given unfairly explains just as well.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.oaxaca import OaxacaBlinder
from statsmodels.tools.sm_exceptions import SingularMatrixWarning

from kinerja.fairness.check import Check, Given, Settings
from kinerja.fairness.check_table import is_number
from kinerja.fairness.groups import Comparison, values_of
from kinerja.fairness.verdict import hide, typed
from kinerja.results import CANNOT, OK

Array = NDArray[np.float64]
Coefficients = Literal["pooled", "cotton", "reimers"]
DECOMPOSITION_COLUMNS = (
    "attribute", "group", "reference", "outcome", "part", "term", "n_group", "n_reference", "estimate", "std_error",
    "conf_low", "conf_high", "share", "n", "status", "reason",
)  # fmt: skip
_TEXT = ("attribute", "group", "reference", "outcome", "part", "term", "status", "reason")


MOST_NAMES = 60
"""A column with more names than this (a city's units) is left to the comparison within strata, which absorbs them."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TwoFold:
    """A gap in two parts that sum to it.

    Fields
    ------
    gap : mean of the group minus mean of the reference
    explained : what goes with the characteristics, at the coefficients of the pooled regression with a group indicator
        (Fortin 2008; Jann 2008); unexplained : the rest
    explained_std_error, unexplained_std_error : delta method, characteristics random (Jann 2008, Stata J. 8)
    contributions : (K,) each characteristic's part of `explained`
    contribution_std_errors : (K,)
    """

    gap: float
    explained: float
    unexplained: float
    explained_std_error: float
    unexplained_std_error: float
    contributions: Array
    contribution_std_errors: Array


def estimate_two_fold(
    values: Array, characteristics: Array, in_group: NDArray[np.bool_], *, coefficients: Coefficients = "pooled"
) -> TwoFold:
    """Two-fold decomposition of a mean gap.

    values : (N,) outcome; characteristics : (N, K) without a constant; in_group : (N,)

    The parts are statsmodels' (`OaxacaBlinder`, pooled), told that no constant is among the characteristics
    (`hasconst=False`): left to itself it assumes there is one, and the parts no longer sum to the gap.
    Other reference coefficients (Cotton, Reimers) give other parts of the same sum; errors only for pooled.
    Its swap=True would leave Cotton's weights with the wrong groups, and its "neumark" is misspelt and gives pooled.
    """
    with warnings.catch_warnings():
        # a unit that holds one group only leaves the other group's own regression without full rank: statsmodels
        # takes the pseudo-inverse, the fitted means are the same, and so are the parts
        warnings.simplefilter("ignore", SingularMatrixWarning)
        # statsmodels subtracts the group with the larger code from the one with the smaller
        model = OaxacaBlinder(values, np.column_stack([characteristics, (~in_group).astype(float)]),
                              characteristics.shape[1], hasconst=False, swap=False)  # fmt: skip
    unexplained, explained, gap = (float(v) for v in model.two_fold(two_fold_type=coefficients).params)
    exog = np.column_stack([characteristics, in_group.astype(float)])
    difference, spread = _difference(characteristics, in_group)
    pooled, covariance = _least_squares(values, exog)
    slopes, slope_variance = pooled[1:-1], covariance[1:-1, 1:-1]
    if coefficients != "pooled":
        slopes = np.asarray(model.t_params, dtype=float)[: characteristics.shape[1]]
        slope_variance = np.full_like(slope_variance, np.nan)
    explained_variance = float(difference @ slope_variance @ difference + slopes @ spread @ slopes)
    own = slopes**2 * np.diag(spread) + difference**2 * np.diag(slope_variance)
    return TwoFold(
        gap=gap,
        explained=explained,
        unexplained=unexplained,
        explained_std_error=float(np.sqrt(explained_variance)),
        # the unexplained part is the group's own coefficient in the pooled regression
        unexplained_std_error=float(np.sqrt(covariance[-1, -1])) if coefficients == "pooled" else np.nan,
        contributions=difference * slopes,
        contribution_std_errors=np.sqrt(own),
    )


def decomposition_table(
    people: pd.DataFrame,
    compared: Iterable[Comparison],
    outcomes: Sequence[str],
    settings: Settings,
    *,
    explained_by: Sequence[str],
) -> pd.DataFrame:
    """Rows `gap`, `explained`, `unexplained` and one `explained` row a characteristic (column `term`) for each
    comparison.
    """
    rows = [
        row
        for comparison in compared
        for outcome in outcomes
        if is_number(people[outcome])
        for row in _rows(people, comparison, outcome, [c for c in explained_by if c != outcome], settings)
    ]
    table = pd.DataFrame(rows).reindex(columns=[*DECOMPOSITION_COLUMNS, "hidden"])
    finished = typed(table.drop(columns="hidden"), _TEXT, ("n_group", "n_reference", "n"), ())
    return hide(finished, table["hidden"].eq(True), ("part", "term"))


def _rows(
    people: pd.DataFrame, comparison: Comparison, outcome: str, explained_by: Sequence[str], settings: Settings
) -> list[dict[str, Any]]:
    terms = [
        c
        for c in explained_by
        if c in people and c != comparison.attribute and (is_number(people[c]) or people[c].nunique() <= MOST_NAMES)
    ]
    chosen = values_of(people, comparison, outcome)
    chosen = chosen[chosen[terms].notna().all(axis=1)]
    inside = chosen["in_group"].to_numpy(dtype=bool)
    n, m = int(inside.sum()), int((~inside).sum())
    head: dict[str, Any] = {
        "attribute": comparison.attribute,
        "group": comparison.group,
        "reference": comparison.reference,
        "outcome": outcome,
        "n_group": n,
        "n_reference": m,
        "n": n + m,
        "hidden": comparison.hidden,
    }
    cannot = head | {"part": "gap", "status": CANNOT}
    if min(n, m) < settings.minimum:
        return [cannot | {"reason": "under_floor"}]
    exog, owner = _characteristics(chosen, terms)
    if not terms or exog.shape[1] == 0:
        return [cannot | {"reason": "no_characteristics"}]
    # each group needs its own regression: two persons a coefficient at the least
    if min(n, m) < 2 * (exog.shape[1] + 1):
        return [cannot | {"reason": "too_many_terms"}]
    values = chosen[outcome].to_numpy(dtype=float)
    if np.ptp(values) <= 1e-12 * max(float(np.abs(values).max()), 1e-300):
        return [cannot | {"reason": "no_variation"}]
    return _parts(head, estimate_two_fold(values, exog, inside), values, inside, terms, owner, settings)


def _parts(
    head: dict[str, Any],
    found: TwoFold,
    values: Array,
    inside: NDArray[np.bool_],
    terms: Sequence[str],
    owner: NDArray[np.int64],
    settings: Settings,
) -> list[dict[str, Any]]:
    z = float(stats.norm.ppf((1 + settings.confidence) / 2))
    gap_error = float(
        np.sqrt(values[inside].var(ddof=1) / inside.sum() + values[~inside].var(ddof=1) / (~inside).sum())
    )
    parts = [
        ("gap", "", found.gap, gap_error),
        ("explained", "", found.explained, found.explained_std_error),
        ("unexplained", "", found.unexplained, found.unexplained_std_error),
    ]
    for number, term in enumerate(terms):
        mine = owner == number
        # dummies of one column are not independent: only columns of a single term keep their error
        error = float(found.contribution_std_errors[mine][0]) if mine.sum() == 1 else np.nan
        parts.append(("explained", term, float(found.contributions[mine].sum()), error))
    return [
        head
        | {
            "part": part,
            "term": term,
            "estimate": estimate,
            "std_error": error,
            "conf_low": estimate - z * error,
            "conf_high": estimate + z * error,
            "share": estimate / found.gap
            if abs(found.gap) > z * gap_error
            else np.nan,  # a share of nothing says nothing
            "status": OK,
            "reason": "",
        }
        for part, term, estimate, error in parts
    ]


def _characteristics(chosen: pd.DataFrame, terms: Sequence[str]) -> tuple[Array, NDArray[np.int64]]:
    """(N, K) numbers as they are, names as indicators without their most frequent value; (K,) the term each belongs
    to.
    """
    columns, owner = [], []
    for number, term in enumerate(terms):
        values = chosen[term]
        if is_number(values):
            varies = values.nunique() > 1
            columns += [values.to_numpy(dtype=float)] if varies else []
            owner += [number] if varies else []
            continue
        counts = values.astype(str).value_counts()
        base = min(counts.index, key=lambda name: (-counts[name], name)) if len(counts) else None
        for name in sorted(n for n in counts.index if n != base):
            columns.append((values.astype(str) == name).to_numpy(dtype=float))
            owner.append(number)
    exog = np.column_stack(columns) if columns else np.empty((len(chosen), 0))
    return exog, np.array(owner, dtype=np.int64)


def _difference(characteristics: Array, in_group: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Difference of the means of the characteristics, and its covariance matrix."""
    group, reference = characteristics[in_group], characteristics[~in_group]
    width = characteristics.shape[1]
    covariance = np.zeros((width, width))
    for part in (group, reference):
        covariance += np.atleast_2d(np.cov(part, rowvar=False)) / len(part)
    return group.mean(axis=0) - reference.mean(axis=0), covariance


def _least_squares(values: Array, exog: Array) -> tuple[Array, Array]:
    design = np.column_stack([np.ones(len(values)), exog])
    scale = np.sqrt((design**2).mean(axis=0))
    design = design / scale  # squares beside indicators: the cross products need one unit
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    coefficients = inverse @ design.T @ values
    residuals = values - design @ coefficients
    rank = int(np.linalg.matrix_rank(design.T @ design, hermitian=True))
    covariance = inverse * float(residuals @ residuals) / max(len(values) - rank, 1)
    return coefficients / scale, covariance / np.outer(scale, scale)


def _run(given: Given) -> pd.DataFrame:
    return decomposition_table(
        given.persons, given.single, given.outcomes, given.settings, explained_by=given.options.explained_by
    )


CHECK = Check(name="decomposition", columns=DECOMPOSITION_COLUMNS, run=_run)
