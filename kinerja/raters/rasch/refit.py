"""Raters split by a group of their ratees, or by period, and fitted again: what changes in a rater's severity, with the
standard error that belongs to it.

A bias cell of the first fit would take ratees' measures as known, though they already hold part of the bias. Here every
rater has one severity in each part, and only what the design tells apart is compared: within a connected component.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from kinerja.errors import DataError, ParameterError
from kinerja.raters.rasch import RaterFit, fit_raters
from kinerja.raters.rasch.design import Floats
from kinerja.raters.rasch.tables import adjusted_p
from kinerja.results import CANNOT, OK, Finding

COLUMNS = (
    "n", "n_other", "estimate", "std_error", "conf_low", "conf_high", "z", "p", "p_holm", "p_bh", "shrunken",
    "shrunken_std_error", "review", "verdict", "status", "reason",
)  # fmt: skip

JOIN = "\u241f"
"""Between a rater's id and the part's: a character that no id holds."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RaterDifferences:
    """Severity of raters in one part of their ratings beside another.

    Fields
    ------
    table : rater, then group (against all others) or period (against the first), n and n_other (ratings), estimate
        (logits; positive: harsher in this part, beyond the average rater's difference), std_error, conf_low, conf_high,
        z, p, p_holm, p_bh, shrunken, shrunken_std_error (empirical Bayes), review, verdict (shown, not_shown,
        cannot_tell), status, reason
    spread : SD of the true differences between raters, for each group (period: all)
    findings, settings
    """

    table: pd.DataFrame
    spread: dict[str, float]
    findings: tuple[Finding, ...]
    settings: dict[str, Any]


def differential_rater_functioning(
    fit: RaterFit, ratings: pd.DataFrame, *, group: str, rater: str = "rater", floor: int = 10, material: float = 0.5,
    confidence: float = 0.95,
) -> RaterDifferences:  # fmt: skip
    """Is a rater harsher on one group of ratees than the average rater is?

    group : column of `ratings` with each ratee's group. The average over raters is not identified (it can't be told
        from a true difference of the groups' ratees) and is taken out; what is shown is each rater's distance from it
    floor : fewer ratings in either part: the row can't be estimated
    confidence : level of the intervals; differences are tested at its complement
    material : logits; where none is shown, an interval inside +-material is "not_shown", a wider one "cannot_tell"

    Raises
    ------
    DataError : no such column, or a ratee with two groups, or less than two groups
    """
    ratee = fit.settings["positive"][0]
    _needs_columns(ratings, [group, rater, ratee])
    known = ratings[ratings[group].notna()]
    several = known.groupby(ratee, sort=True)[group].nunique()
    if (several > 1).any():
        raise DataError(
            f"ratings: {ratee} {several.index[several > 1][0]!r} has more than one {group!r}; each has one. "
            "Correct the column, or use interactions(...) for a column that changes."
        )
    names = sorted(known[group].astype(str).unique())
    if len(names) < 2:
        raise DataError(f"ratings: column {group!r} holds {len(names)} group(s); at least two are needed.")
    tables, spread = [], {}
    for name in names[:1] if len(names) == 2 else names:
        part = np.where(known[group].astype(str) == name, "1", "0")
        table, spread[name] = _compare(_split_fit(fit, known, rater, part), rater, floor, confidence)
        tables.append(table.assign(group=name))
        if len(names) == 2:
            other = names[1]
            tables.append(_mirrored(table).assign(group=other))
            spread[other] = spread[name]
    table = pd.concat(tables, ignore_index=True).sort_values([rater, "group"], ignore_index=True)
    table = _judged(table, material, confidence)
    settings = {"group": group, "rater": rater, "floor": floor, "material": material, "confidence": confidence}
    return RaterDifferences(table=_ordered(table, rater, "group"), spread=spread,
                            findings=_findings(table, group), settings=settings)  # fmt: skip


def drift(
    fit: RaterFit, ratings: pd.DataFrame, *, period: str = "period", rater: str = "rater", ratees_change: bool = False,
    floor: int = 10, material: float = 0.5, confidence: float = 0.95,
) -> RaterDifferences:  # fmt: skip
    """Does a rater become harsher or milder over periods, relative to the average rater?

    ratees_change : False: a ratee's measure is the same in all periods, which links them. True: each ratee has one for
        each period; periods are then linked by nothing, and only raters within a period's component are compared.
    confidence : level of the intervals; differences are tested at its complement
    Each period is compared with the first.
    """
    ratee = fit.settings["positive"][0]
    _needs_columns(ratings, [period, rater, ratee])
    known = ratings[ratings[period].notna()]
    names = sorted(known[period].astype(str).unique())
    if len(names) < 2:
        raise DataError(f"ratings: column {period!r} holds {len(names)} period(s); at least two are needed.")
    tables = []
    for name in names[1:]:
        pair = known[known[period].astype(str).isin([names[0], name])]
        part = np.where(pair[period].astype(str) == name, "1", "0")
        if ratees_change:
            pair = pair.assign(**{ratee: pair[ratee].astype(str) + JOIN + part})
        table, _ = _compare(_split_fit(fit, pair, rater, part), rater, floor, confidence)
        tables.append(table.assign(period=name))
    table = pd.concat(tables, ignore_index=True).sort_values([rater, "period"], ignore_index=True)
    table = _judged(table, material, confidence)
    ok = table[table["status"] == OK]
    spread = {"all": _between(ok["estimate"].to_numpy(), ok["std_error"].to_numpy())}
    settings = {"period": period, "rater": rater, "ratees_change": ratees_change, "floor": floor, "material": material,
                "confidence": confidence}  # fmt: skip
    return RaterDifferences(table=_ordered(table, rater, "period"), spread=spread,
                            findings=_findings(table, period), settings=settings)  # fmt: skip


def _needs_columns(ratings: pd.DataFrame, columns: list[str]) -> None:
    absent = [c for c in columns if c not in ratings.columns]
    if absent:
        raise DataError(f"ratings: column {absent[0]!r} is missing; found {', '.join(map(str, ratings.columns))}.")


def _split_fit(fit: RaterFit, ratings: pd.DataFrame, rater: str, part: Any) -> RaterFit:
    """The same model, a severity for each rater and part; anchors of raters would bind both parts and are left out."""
    settings = dict(fit.settings)
    if rater not in settings["facets"]:
        raise ParameterError(f"rater: found {rater!r}; allowed are the facets {', '.join(settings['facets'])}.")
    settings["anchors"] = {f: a for f, a in settings["anchors"].items() if f != rater}
    settings["group_anchors"] = tuple(g for g in settings["group_anchors"] if g[0] != rater)
    settings["penalty"] = {f: s for f, s in settings["penalty"].items() if f != rater}
    if settings["thresholds"] == rater:
        settings["thresholds"] = "common"
    return fit_raters(ratings.assign(**{rater: ratings[rater].astype(str) + JOIN + part}), **settings)


def _compare(found: RaterFit, rater: str, floor: int, confidence: float) -> tuple[pd.DataFrame, float]:
    """Part 1 minus part 0 of each rater, less the mean difference of the raters they are connected with."""
    rows = found.elements[found.elements["facet"] == rater]
    ids = rows["element"].astype(str).str.rsplit(JOIN, n=1, expand=True)
    rows = rows.assign(rater_id=ids[0].to_numpy(), part=ids[1].to_numpy())
    wide = rows.pivot(
        index="rater_id", columns="part", values=["measure", "std_error", "n", "subset", "status", "reason"]
    )
    wide = wide.sort_index()
    get = {(name, part): wide[name].get(part, pd.Series(np.nan, index=wide.index)) for name in
           ("measure", "std_error", "n", "subset") for part in ("0", "1")}  # fmt: skip
    values = {key: column.to_numpy(dtype=np.float64, na_value=np.nan) for key, column in get.items()}
    n, n_other = np.nan_to_num(values["n", "1"]), np.nan_to_num(values["n", "0"])
    difference = values["measure", "1"] - values["measure", "0"]
    error = np.sqrt(values["std_error", "1"] ** 2 + values["std_error", "0"] ** 2)
    enough = (n >= floor) & (n_other >= floor)
    known = enough & np.isfinite(difference) & np.isfinite(error) & (error > 0)
    component = pd.Series(list(zip(values["subset", "1"], values["subset", "0"], strict=True)))
    estimate, alone = np.full(len(n), np.nan), np.zeros(len(n), dtype=bool)
    for _, at in component[known].groupby(component[known]).groups.items():
        place = np.asarray(at)
        weight = 1 / error[place] ** 2
        estimate[place] = difference[place] - weight @ difference[place] / weight.sum()
        alone[place] = len(place) == 1
    known &= ~alone
    tau = _between(estimate[known], error[known])
    shrink = tau**2 / (tau**2 + error**2)
    reason = np.where(known, "", np.where(~enough, "below_floor", np.where(alone, "alone", "undetermined")))
    z, reach = estimate / error, stats.norm.ppf(0.5 + confidence / 2)

    def shown(values: Floats) -> Floats:
        return np.where(known, values, np.nan)

    table = pd.DataFrame(
        {
            rater: wide.index.astype(str).to_numpy(dtype=object), "n": n.astype(np.int64),
            "n_other": n_other.astype(np.int64), "estimate": shown(estimate), "std_error": shown(error),
            "conf_low": shown(estimate - reach * error), "conf_high": shown(estimate + reach * error), "z": shown(z),
            "p": shown(2 * stats.norm.sf(np.abs(z))), "shrunken": shown(shrink * estimate),
            "shrunken_std_error": shown(np.sqrt(shrink) * error), "status": np.where(known, OK, CANNOT).astype(object),
            "reason": reason.astype(object),
        }
    )  # fmt: skip
    return table, tau


def _between(estimate: Floats, error: Floats) -> float:
    """SD between raters by Paule & Mandel (1982, J Res NBS 87, 377-385): the excess of the weighted sum of squares."""
    if len(estimate) < 3:
        return 0.0

    def excess(variance: float) -> float:
        weight = 1 / (error**2 + variance)
        mean = weight @ estimate / weight.sum()
        return float(weight @ (estimate - mean) ** 2 - (len(estimate) - 1))

    if excess(0.0) <= 0:
        return 0.0
    high = float((estimate**2).sum() + 1.0)
    return float(np.sqrt(optimize.brentq(excess, 0.0, high)))


def _mirrored(table: pd.DataFrame) -> pd.DataFrame:
    """The same differences seen from the other group."""
    out = table.assign(
        n=table["n_other"], n_other=table["n"], estimate=-table["estimate"], z=-table["z"], shrunken=-table["shrunken"]
    )
    return out.assign(conf_low=-table["conf_high"], conf_high=-table["conf_low"])


def _judged(table: pd.DataFrame, material: float, confidence: float) -> pd.DataFrame:
    holm, bh = adjusted_p(table["p"].to_numpy(dtype=np.float64))
    shown = bh < 1 - confidence
    inside = (table["conf_low"] > -material) & (table["conf_high"] < material)
    verdict = np.where(shown, "shown", np.where(inside, "not_shown", "cannot_tell"))
    return table.assign(p_holm=holm, p_bh=bh, review=shown, verdict=verdict.astype(object))


def _ordered(table: pd.DataFrame, rater: str, part: str) -> pd.DataFrame:
    return table[[rater, part, *COLUMNS]]


def _findings(table: pd.DataFrame, part: str) -> tuple[Finding, ...]:
    raters = int(table["review"].sum())
    tested = int((table["status"] == OK).sum())
    code = "facets_differences" if tested else "facets_no_differences"
    data = {"n": raters, "tested": tested, "part": part} if tested else {"part": part}
    return (Finding(level="caution" if raters else "note", code=code, data=data),)
