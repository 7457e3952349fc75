"""Generalizability theory: how far ratings would repeat with other raters and items, and how many of them to take.

Brennan (2001), Generalizability Theory, ch. 1-4. Object of measurement: the ratee. A component is error for ranking
(relative) if it contains the object and something else; for levels (absolute) all other components are error. A facet
in which every ratee has other elements (each ratee its own raters) cannot cancel between ratees: its main effect counts
in the relative error too (Brennan, section 3.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kinerja.errors import ParameterError
from kinerja.raters.mixed import RESIDUAL, MixedFit, fit_mixed
from kinerja.results import CANNOT, ESTIMATE_COLUMNS, OK, Finding

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Generalizability:
    """Reliability of ratee means over raters and items, as rated and as it would be with other numbers.

    Fields
    ------
    components : component, estimate (variance), share, role (object, relative, absolute: the error it enters)
    coefficients : one row a coefficient (generalizability, dependability) at the numbers as rated: coefficient, the
        column contract (n ratees), error_variance, sem (its root, in the rating's unit)
    decisions : one row a combination of numbers: n_<facet>..., generalizability, dependability, relative_error,
        absolute_error (variances)
    needed : one row a coefficient and facet: coefficient, facet, target, needed (smallest number of the facet that
        reaches the target while the others stay as rated), status, reason
    findings, settings : as everywhere
    """

    components: pd.DataFrame
    coefficients: pd.DataFrame
    decisions: pd.DataFrame
    needed: pd.DataFrame
    findings: tuple[Finding, ...]
    settings: Mapping[str, Any]


def estimate_generalizability(
    ratings: pd.DataFrame,
    fit: MixedFit | None = None,
    *,
    measured: str = "ratee",
    random: Sequence[str] = ("ratee", "rater", "item"),
    own: Sequence[str] | None = None,
    numbers: Mapping[str, float] | None = None,
    target: float = 0.8,
    most: int = 50,
    grid: Mapping[str, Sequence[float]] | None = None,
    confidence: float = 0.95,
) -> Generalizability:
    """Coefficients and D-study of `fit`, or of a model with `random` fitted to `ratings`.

    measured : the object of measurement; the facets are the other columns of the random terms
    own : facets in which ratees have elements of their own; None finds them: raters are, unless all have the same
    numbers : how many of each facet a ratee's mean rests on; None counts them (harmonic mean over ratees)
    target, most : the coefficient to reach, and the largest number of a facet that is tried
    grid : numbers of each facet in `decisions`; None takes 1 to 10 of the first facet, of the others as counted

    Raises
    ------
    ParameterError : the object is not a random term, or a number is missing
    """
    fit = fit if fit is not None else fit_mixed(ratings, random=random)
    terms = {t: frozenset(t.split(":")) for t in fit.settings["random"]}
    if frozenset([measured]) not in terms.values():
        raise ParameterError(
            f"measured: found {measured!r}; the random terms are {', '.join(terms)}. Name one of them, or add it."
        )
    facets = tuple(dict.fromkeys(part for t in terms for part in t.split(":") if part != measured))
    terms[RESIDUAL] = frozenset([measured, *facets])
    counted = _numbers(ratings, measured, facets, terms)
    numbers = {facet: float((numbers or {}).get(facet, counted[facet])) for facet in facets}
    own = _own(ratings, measured, facets) if own is None else tuple(own)
    grid = grid or {f: range(1, 11) if i == 0 else (numbers[f],) for i, f in enumerate(facets)}
    study = _Study(fit, measured, facets, terms, own)
    settings = {
        "measured": measured,
        "random": tuple(fit.settings["random"]),
        "own": own,
        "numbers": numbers,
        "target": target,
        "most": most,
        "grid": {f: tuple(map(float, grid[f])) for f in facets},
        "confidence": confidence,
    }
    return Generalizability(
        components=study.components(),
        coefficients=study.coefficients(numbers, confidence),
        decisions=study.decisions(grid),
        needed=study.needed(numbers, target, most),
        findings=_findings(fit, study, numbers),
        settings=settings,
    )


def _numbers(
    ratings: pd.DataFrame, measured: str, facets: Sequence[str], terms: Mapping[str, frozenset[str]]
) -> dict[str, float]:
    """Harmonic mean, over ratees, of how many elements of the facet the ratee's mean rests on.

    A facet without a main effect that occurs with another one (item:rater) is nested in that one: counted within it.
    """
    found = {}
    for facet in facets:
        within = [measured]
        if frozenset([facet]) not in terms.values():
            joint = [set(parts) - {facet, measured} for parts in terms.values() if facet in parts and len(parts) == 2]
            within += sorted(set().union(*joint)) if joint else []
        counts = ratings.groupby(within)[facet].nunique().to_numpy(float)
        found[facet] = float(counts[0] if np.ptp(counts) == 0 else stats.hmean(counts[counts > 0]))
    return found


def _own(ratings: pd.DataFrame, measured: str, facets: Sequence[str]) -> tuple[str, ...]:
    """Facets whose elements differ between ratees."""
    objects = ratings[measured].nunique()
    return tuple(
        facet
        for facet in facets
        if len(ratings[[measured, facet]].drop_duplicates()) < objects * ratings[facet].nunique()
    )


class _Study:
    """Variances of a fit by the role they play; all methods are pure."""

    def __init__(
        self,
        fit: MixedFit,
        measured: str,
        facets: Sequence[str],
        terms: Mapping[str, frozenset[str]],
        own: Sequence[str],
    ) -> None:
        self.facets, self.measured, self.own = tuple(facets), measured, frozenset(own)
        self.names = tuple(fit.components["component"])
        self.parts = [terms[name] for name in self.names]
        self.variances = fit.components["estimate"].to_numpy(float)
        self.covariance = np.nan_to_num(fit.covariance)
        self.n_objects = int(fit.components["n"].to_numpy()[self.names.index(measured)])

    def role(self, parts: frozenset[str]) -> str:
        if parts == {self.measured}:
            return "object"
        return "relative" if self.measured in parts or parts & self.own else "absolute"

    def divisors(self, numbers: Mapping[str, float]) -> Floats:
        return np.array([np.prod([numbers[f] for f in parts if f != self.measured]) for parts in self.parts])

    def errors(self, numbers: Mapping[str, float]) -> tuple[Floats, Floats]:
        """Weights of the variances in the relative and in the absolute error."""
        roles = [self.role(parts) for parts in self.parts]
        per = 1 / self.divisors(numbers)
        relative = np.where([r == "relative" for r in roles], per, 0.0)
        return relative, relative + np.where([r == "absolute" for r in roles], per, 0.0)

    def universe(self) -> Floats:
        return np.array([float(parts == {self.measured}) for parts in self.parts])

    def value(self, weights: Floats) -> float:
        """universe variance / (universe variance + error)."""
        true = float(self.universe() @ self.variances)
        total = true + float(weights @ self.variances)
        return true / total if total > 0 else np.nan

    def components(self) -> pd.DataFrame:
        total = self.variances.sum()
        return pd.DataFrame(
            {
                "component": self.names,
                "estimate": self.variances,
                "share": self.variances / total,
                "role": [self.role(parts) for parts in self.parts],
            }
        )

    def coefficients(self, numbers: Mapping[str, float], confidence: float) -> pd.DataFrame:
        rows = []
        for name, weights in zip(("generalizability", "dependability"), self.errors(numbers), strict=True):
            error = float(weights @ self.variances)
            rows.append((name, *self._row(weights, confidence), error, np.sqrt(error)))
        return pd.DataFrame(rows, columns=["coefficient", *ESTIMATE_COLUMNS, "error_variance", "sem"])

    def _row(self, weights: Floats, confidence: float) -> tuple[Any, ...]:
        """Delta method on the logit, log(universe variance / error variance)."""
        value, true = self.value(weights), float(self.universe() @ self.variances)
        error = float(weights @ self.variances)
        if true == 0 or error == 0:
            reason = "no_object_variance" if true == 0 else "no_error_variance"
            return (np.nan, np.nan, np.nan, np.nan, self.n_objects, CANNOT, reason)
        slope = self.universe() / true - weights / error
        spread = float(np.sqrt(slope @ self.covariance @ slope))
        middle, half = np.log(true / error), stats.norm.ppf((1 + confidence) / 2) * spread
        low, high = 1 / (1 + np.exp(-(middle - half))), 1 / (1 + np.exp(-(middle + half)))
        return (value, spread * value * (1 - value), float(low), float(high), self.n_objects, OK, "")

    def decisions(self, grid: Mapping[str, Sequence[float]]) -> pd.DataFrame:
        rows = []
        for chosen in product(*(grid[f] for f in self.facets)):
            relative, absolute = self.errors(dict(zip(self.facets, map(float, chosen), strict=True)))
            errors = (float(relative @ self.variances), float(absolute @ self.variances))
            rows.append((*map(float, chosen), self.value(relative), self.value(absolute), *errors))
        columns = [*(f"n_{f}" for f in self.facets), "generalizability", "dependability"]
        return pd.DataFrame(rows, columns=[*columns, "relative_error", "absolute_error"])

    def needed(self, numbers: Mapping[str, float], target: float, most: int) -> pd.DataFrame:
        rows = []
        for place, name in enumerate(("generalizability", "dependability")):
            for facet in self.facets:
                tries = [self.value(self.errors({**numbers, facet: float(n)})[place]) for n in range(1, most + 1)]
                reached = [n for n, value in enumerate(tries, start=1) if value >= target]
                outcome = (float(reached[0]), OK, "") if reached else (np.nan, CANNOT, "target_not_reached")
                rows.append((name, facet, target, *outcome))
        return pd.DataFrame(rows, columns=["coefficient", "facet", "target", "needed", "status", "reason"])


def _findings(fit: MixedFit, study: _Study, numbers: Mapping[str, float]) -> tuple[Finding, ...]:
    found = [f for f in fit.findings if f.level == "stop"]
    if study.own:
        found.append(Finding(level="note", code="own_raters_count", data={"facets": ", ".join(sorted(study.own))}))
    single = sorted(f for f in study.own if numbers[f] < 1.05)
    if single and any(f.code == "mixed_raters_in_parts" for f in fit.findings):
        data = {"facets": ", ".join(single)}
        found.append(Finding(level="caution", code="generalizability_rests_on_assumption", data=data))
    return tuple(found)
