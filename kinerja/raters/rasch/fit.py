"""How well each element's ratings follow the model, and how well a facet's elements are told apart.

Formulas are those of FACETS (Linacre 1994; Wright & Masters 1982, Rating Scale Analysis, pp. 99-101, 105-106), checked
against its printed output.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from kinerja.raters.rasch.design import Bools, Design, Floats, Ints, totals


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """What the model says of each row.

    Fields
    ------
    eta, observed, mean, variance : linear predictor, observed score, its expectation and variance
    squared, standardised : (observed - mean)^2, and that over the variance
    excess, standard_excess : fourth central moment C: C - V^2 and C / V^2 - 1
    """

    eta: Floats
    observed: Floats
    mean: Floats
    variance: Floats
    squared: Floats
    standardised: Floats
    excess: Floats
    standard_excess: Floats


def mean_squares(code: Ints, size: int, weight: Floats, rows: Rows) -> dict[str, Floats]:
    """Infit and outfit of each element, standardised by Wilson-Hilferty.

    infit = sum(r^2) / sum(V), outfit = mean(r^2 / V); z = (ms^(1/3) - 1) * 3/q + q/3 with q^2 the modelled variance of
    the mean square, from the fourth moment C: sum(C - V^2) / sum(V)^2 and sum(C / V^2 - 1) / n^2.
    """

    def total(values: Floats) -> Floats:
        return totals(code, weight * values, size)

    # A row whose outcome is certain says nothing of fit.
    informative = np.where(rows.variance > 1e-10, 1.0, 0.0)
    n, information = total(informative), total(rows.variance)
    infit = _ratio(total(rows.squared), information)
    outfit = _ratio(total(informative * rows.standardised), n)
    infit_q = np.sqrt(np.maximum(_ratio(total(rows.excess), information**2), 0.0))
    outfit_q = np.sqrt(np.maximum(_ratio(total(informative * rows.standard_excess), n**2), 0.0))
    return {
        "infit": infit,
        "outfit": outfit,
        "infit_z": wilson_hilferty(infit, infit_q),
        "outfit_z": wilson_hilferty(outfit, outfit_q),
    }


def wilson_hilferty(mean_square: Floats, q: Floats) -> Floats:
    """Standardised mean square; NaN where its modelled variance is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (np.cbrt(mean_square) - 1) * 3 / q + q / 3
    return np.where(q > 0, z, np.nan)


def point_measure(code: Ints, size: int, weight: Floats, rows: Rows) -> tuple[Floats, Floats]:
    """Correlation of an element's ratings with the sums of measures that they were modelled by, and its expectation."""

    def total(values: Floats) -> Floats:
        return totals(code, weight * values, size)

    n = totals(code, weight, size)

    def covariance(one: Floats, two: Floats) -> Floats:
        return _ratio(total(one * two), n) - _ratio(total(one), n) * _ratio(total(two), n)

    # Centred first: a difference of large sums would lose the digits.
    eta = rows.eta - rows.eta.mean()
    observed, mean = rows.observed - rows.observed.mean(), rows.mean - rows.observed.mean()
    spread = covariance(eta, eta)
    modelled = covariance(mean, mean) + _ratio(total(rows.variance), n)
    return _correlation(covariance(observed, eta), covariance(observed, observed), spread), _correlation(
        covariance(mean, eta), modelled, spread
    )


def _correlation(covariance: Floats, one: Floats, two: Floats) -> Floats:
    known = (one > 1e-10) & (two > 1e-10)
    return np.where(known, covariance / np.sqrt(np.where(known, one * two, 1.0)), np.nan)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)


def facet_summary(design: Design, measures: list[Floats], model_se: list[Floats], counted: list[Bools]) -> pd.DataFrame:
    """Separation of each facet's elements, one row a facet.

    Population figures divide by the number of elements (these elements are all there are), sample figures by one less
    (columns ending in _sample). rmse^2 = mean SE^2, adjusted_sd^2 = sd^2 - rmse^2, separation G = adjusted_sd / rmse,
    strata = (4 G + 1) / 3, reliability = adjusted_sd^2 / sd^2 (of separation, not of agreement).
    Fixed chi-square: all elements share one measure (df = L - 1). Random: they are a sample of a normal distribution
    with the observed (sample) variance (df = L - 2). Elements without an estimate, extreme and
    anchored ones are not counted.
    """
    rows = []
    for f, name in enumerate(design.facets):
        use = counted[f] & np.isfinite(measures[f]) & np.isfinite(model_se[f]) & (model_se[f] > 0)
        rows.append({"facet": name, "elements": design.size(f), "n": int(use.sum()),
                     **separation(measures[f][use], model_se[f][use])})  # fmt: skip
    return pd.DataFrame(rows)


def separation(measure: Floats, se: Floats) -> dict[str, float]:
    """The statistics of `facet_summary` for one set of measures; NaN where there are too few."""
    n = len(measure)
    found: dict[str, float] = {"mean": float(measure.mean()) if n else np.nan}
    rmse = float(np.sqrt((se**2).mean())) if n else np.nan
    sd = np.nan
    for suffix, ddof in (("", 0), ("_sample", 1)):
        sd = float(measure.std(ddof=ddof)) if n > ddof and n > 1 else np.nan
        true = float(np.sqrt(max(sd**2 - rmse**2, 0.0))) if np.isfinite(sd) else np.nan
        found |= {
            f"sd{suffix}": sd,
            f"adjusted_sd{suffix}": true,
            f"separation{suffix}": true / rmse if n else np.nan,
            f"strata{suffix}": (4 * true / rmse + 1) / 3 if n else np.nan,
            f"reliability{suffix}": true**2 / sd**2 if np.isfinite(sd) and sd > 0 else np.nan,
        }
    found["rmse"] = rmse
    for name, weight, df in (
        ("fixed", 1 / se**2, n - 1),
        ("random", 1 / (sd**2 + se**2), n - 2),
    ):
        known = df > 0 and bool(np.isfinite(weight).all())
        statistic = float(weight @ measure**2 - (weight @ measure) ** 2 / weight.sum()) if known else np.nan
        found |= {
            f"{name}_chi2": statistic,
            f"{name}_df": float(df) if known else np.nan,
            f"{name}_p": float(stats.chi2.sf(statistic, df)) if known else np.nan,
        }
    return found
