"""Intersections of groups: cells shrunk towards the sum of their groups' own effects, and which cells stay hidden.

A raw mean of six people is mostly chance. Each cell is pulled towards what its groups would give together, the more
the fewer persons it has and the less cells differ beyond that (partial pooling; Evans et al. 2018 call the same model
MAIHDA).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize_scalar

from kinerja.fairness.check import Check, Given, Settings
from kinerja.fairness.check_table import is_number
from kinerja.fairness.groups import INTERSECTION
from kinerja.fairness.verdict import SUPPRESSED, typed
from kinerja.results import CANNOT, OK

Array = NDArray[np.float64]
_MOST_CROSSED = 3
"""More attributes crossed give cells of a handful of persons, all of them hidden."""
CELL_COLUMNS = (
    "attribute", "cell", "outcome", "measure", "raw", "additive", "estimate", "std_error", "conf_low", "conf_high",
    "shrinkage", "interaction_sd", "n", "status", "reason",
)  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class PooledCells:
    """C cells of an additive model with random interactions.

    Fields
    ------
    additive : (C,) what the groups' own effects give; estimate, std_error : (C,) shrunk cell means
    shrinkage : (C,) share of the cell's own deviation that is kept; interaction_sd : standard deviation of true
        deviations
    """

    additive: Array
    estimate: Array
    std_error: Array
    shrinkage: Array
    interaction_sd: float


def estimate_cells(mean: Array, n: Array, design: Array, variance: float) -> PooledCells:
    """Partially pooled means of C cells.

    mean, n : (C,) raw means and persons; design : (C, K) intercept and indicators of the groups; variance : within
        cells

    The interaction's variance maximises the restricted likelihood of the cell means; it is 0 where they leave it no
    room.
    """
    sampling = variance / n
    tau2 = _restricted_variance(mean, sampling, design)
    precision = 1 / (sampling + tau2)
    information = np.linalg.pinv(design.T @ (precision[:, None] * design))
    additive = design @ (information @ (design.T @ (precision * mean)))
    kept = tau2 * precision
    leverage = np.einsum("ck,kl,cl->c", design, information, design)
    return PooledCells(
        additive=additive,
        estimate=additive + kept * (mean - additive),
        std_error=np.sqrt(kept * sampling + (1 - kept) ** 2 * leverage),
        shrinkage=kept,
        interaction_sd=float(np.sqrt(tau2)),
    )


def cell_table(
    people: pd.DataFrame, attributes: Sequence[str], outcomes: Sequence[str], settings: Settings, *, minimum_cell: int
) -> pd.DataFrame:
    """One row a cell of the full cross of `attributes`, outcome and measure; `raw` beside the pooled estimate.

    Cells under `minimum_cell` are hidden, with further cells so that no hidden one follows from a row or column total.
    """
    rows = [
        row
        for outcome in outcomes
        for measure in (("mean",) if is_number(people[outcome]) else ("top_rate", "bottom_rate"))
        for row in _rows(people, attributes, outcome, measure, settings, minimum_cell)
    ]
    table = pd.DataFrame(rows).reindex(columns=list(CELL_COLUMNS))
    return typed(table, ("attribute", "cell", "outcome", "measure", "status", "reason"), ("n",), ())


def hidden_cells(counts: pd.Series, minimum_cell: int) -> pd.Series:
    """Which cells to hide; `counts` is indexed by one level an attribute.

    First every cell that has persons but fewer than `minimum_cell`; then, while the hidden cells of a line of the
    table (all cells that differ in one attribute only) are a single one or fewer than `minimum_cell` persons, the
    smallest other cell of that line.
    """
    counts = counts[counts > 0]
    hidden = counts < minimum_cell
    levels = range(counts.index.nlevels)
    lines = [
        line.sort_index()
        for level in levels
        for _, line in (
            counts.groupby(level=[i for i in levels if i != level], sort=True) if len(levels) > 1 else [("", counts)]
        )
    ]
    changed = True
    while changed:
        changed = False
        for line in lines:
            mine = hidden.loc[line.index]
            if mine.any() and not mine.all() and (mine.sum() == 1 or line[mine].sum() < minimum_cell):
                hidden |= hidden.index == line[~mine].idxmin()
                changed = True
    return hidden


def _rows(
    people: pd.DataFrame,
    attributes: Sequence[str],
    outcome: str,
    measure: str,
    settings: Settings,
    minimum_cell: int,
) -> list[dict[str, Any]]:
    chosen = people.dropna(subset=[*attributes, outcome])
    if measure == "mean":
        values = chosen[outcome].astype(float)
    else:
        values = chosen[outcome].isin(settings.top if measure == "top_rate" else settings.bottom).astype(float)
    groups = values.groupby([chosen[a] for a in attributes], sort=True)
    cells = groups.agg(["count", "mean", "var"])
    head = {"attribute": INTERSECTION.join(attributes), "outcome": outcome, "measure": measure}
    if cells.empty:
        return []
    hidden = hidden_cells(cells["count"], minimum_cell)
    found = _pooled(cells, attributes)
    z = float(stats.norm.ppf((1 + settings.confidence) / 2))
    rows = []
    for number, (key, cell) in enumerate(cells.iterrows()):
        names = key if isinstance(key, tuple) else (key,)
        row: dict[str, Any] = head | {"cell": INTERSECTION.join(str(k) for k in names), "n": int(cell["count"])}
        if hidden.iloc[number]:
            under = cell["count"] < minimum_cell
            row |= {"status": SUPPRESSED, "reason": "small_cell" if under else "complement"}
        elif found is None:
            row |= {"status": CANNOT, "reason": "no_variation"}
        else:
            estimate, error = float(found.estimate[number]), float(found.std_error[number])
            # a share has its ends at 0 and 1, which the linear model does not know
            least, most = (0.0, 1.0) if measure != "mean" else (-np.inf, np.inf)
            row |= {
                "raw": float(cell["mean"]),
                "additive": float(found.additive[number]),
                "estimate": min(max(estimate, least), most),
                "std_error": error,
                "conf_low": max(estimate - z * error, least),
                "conf_high": min(estimate + z * error, most),
                "shrinkage": float(found.shrinkage[number]),
                "interaction_sd": found.interaction_sd,
                "status": OK,
                "reason": "",
            }
        rows.append(row)
    return rows


def _pooled(cells: pd.DataFrame, attributes: Sequence[str]) -> PooledCells | None:
    n = cells["count"].to_numpy(dtype=float)
    df = float((n - 1).sum())
    squares = float(np.nansum((n - 1) * cells["var"].to_numpy(dtype=float)))
    scale = max(float(cells["mean"].abs().max()), 1e-300)
    if df < 1 or squares / df <= (1e-12 * scale) ** 2:
        return None
    design = [np.ones(len(cells))]
    for level in range(len(attributes)):
        names = cells.index.get_level_values(level).to_numpy()
        design += [(names == name).astype(float) for name in sorted(set(names))[1:]]
    return estimate_cells(cells["mean"].to_numpy(dtype=float), n, np.column_stack(design), squares / df)


def _restricted_variance(mean: Array, sampling: Array, design: Array) -> float:
    rank = int(np.linalg.matrix_rank(design))
    if len(mean) <= rank:
        return 0.0

    def deviance(tau2: float) -> float:
        precision = 1 / (sampling + tau2)
        crossed = design.T @ (precision[:, None] * design)
        beta = np.linalg.pinv(crossed) @ (design.T @ (precision * mean))
        residuals = mean - design @ beta
        eigenvalues = np.linalg.eigvalsh(crossed)[-rank:]
        return float(-np.log(precision).sum() + np.log(eigenvalues).sum() + (precision * residuals**2).sum())

    widest = 4 * float(np.ptp(mean)) ** 2 + 1e-300
    found = minimize_scalar(deviance, bounds=(0.0, widest), method="bounded", options={"xatol": 1e-8 * widest})
    return 0.0 if deviance(0.0) <= found.fun else float(found.x)


def _run(given: Given) -> pd.DataFrame:
    return cell_table(
        given.persons, given.attributes[:_MOST_CROSSED], given.outcomes if given.attributes else (), given.settings,
        minimum_cell=given.options.minimum_cell,
    )  # fmt: skip


CHECK = Check(name="cells", columns=CELL_COLUMNS, run=_run)
