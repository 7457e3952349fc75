"""The same comparison among people in like circumstances: within unit and level, and at equal attainment.

Kernels take arrays of one comparison; `in_group` is True for the group, False for the reference.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.discrete.discrete_model import Logit
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.tools.sm_exceptions import PerfectSeparationError

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.int64]

CLASS_LEVEL = 0.05
"""Test level of the classes A, B, C: those who defined them (ETS; Jodoin and Gierl) fixed it, it follows no run."""
DELTA = 2.35
"""ETS's delta scale: MH D-DIF = -2.35 ln(odds of the reference over odds of the group) (Holland and Thayer 1985)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MantelHaenszel:
    """A common odds ratio over strata.

    Fields
    ------
    odds_ratio, conf_low, conf_high : first row of the tables over the second; log_std_error after Robins, Breslow and
        Greenland
    chi2, p : Mantel-Haenszel's test with continuity correction; chi2_uncorrected, p_uncorrected : without
    breslow_day, breslow_day_p : whether the odds ratio is the same in all strata (chi-square, strata - 1 df); NaN for
        one stratum
    delta, delta_std_error : MH D-DIF with the first row as reference; positive = the second row has more than its like
    ets_class : A (negligible), B, C (large), as ETS flags test questions (Zwick 2012, ETS RR-12-08)
    strata, n : strata that say anything, and persons in them
    """

    odds_ratio: float
    conf_low: float
    conf_high: float
    log_std_error: float
    chi2: float
    p: float
    chi2_uncorrected: float
    p_uncorrected: float
    breslow_day: float
    breslow_day_p: float
    delta: float
    delta_std_error: float
    ets_class: str
    strata: int
    n: int


def estimate_mantel_haenszel(tables: NDArray[Any], *, confidence: float = 0.95) -> MantelHaenszel | None:
    """Common odds ratio of K tables, shape (K, 2, 2); None where no table speaks or the ratio is 0 or infinite.

    A stratum speaks if both rows and both columns have persons.
    """
    tables = np.asarray(tables, dtype=float)
    speaks = (tables.sum(axis=1) > 0).all(axis=1) & (tables.sum(axis=2) > 0).all(axis=1)
    tables = tables[speaks]
    totals = tables.sum(axis=(1, 2))
    over = (tables[:, 0, 0] * tables[:, 1, 1] / totals).sum()
    under = (tables[:, 0, 1] * tables[:, 1, 0] / totals).sum()
    if over <= 0 or under <= 0:
        return None
    found = StratifiedTable(list(tables))
    low, high = found.oddsratio_pooled_confint(alpha=1 - confidence)
    corrected, plain = found.test_null_odds(correction=True), found.test_null_odds(correction=False)
    breslow_day = _breslow_day(found, tables)
    delta = -DELTA * float(np.log(found.oddsratio_pooled))
    delta_std_error = DELTA * float(found.logodds_pooled_se)
    return MantelHaenszel(
        odds_ratio=float(found.oddsratio_pooled),
        conf_low=float(low),
        conf_high=float(high),
        log_std_error=float(found.logodds_pooled_se),
        chi2=float(corrected.statistic),
        p=float(corrected.pvalue),
        chi2_uncorrected=float(plain.statistic),
        p_uncorrected=float(plain.pvalue),
        breslow_day=breslow_day,
        breslow_day_p=float(stats.chi2.sf(breslow_day, len(tables) - 1)) if len(tables) > 1 else np.nan,
        delta=delta,
        delta_std_error=delta_std_error,
        ets_class=ets_class(delta, delta_std_error, float(corrected.pvalue)),
        strata=len(tables),
        n=int(totals.sum()),
    )


def _breslow_day(found: StratifiedTable, tables: Array) -> float:
    """The statistic; NaN for one stratum, which has nothing to be equal to."""
    if len(tables) < 2:
        return np.nan
    if abs(float(found.oddsratio_pooled) - 1) > 1e-9:
        return float(found.test_equal_odds().statistic)
    # statsmodels divides by (1 - odds ratio); at 1 the expected counts are those of independence
    totals = tables.sum(axis=(1, 2))
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    expected = rows[:, :, None] * columns[:, None, :] / totals[:, None, None]
    variance = 1 / (1 / expected).sum(axis=(1, 2))
    return float(((tables[:, 0, 0] - expected[:, 0, 0]) ** 2 / variance).sum())


def ets_class(delta: float, std_error: float, p: float) -> str:
    """A: |delta| under 1 or not different from 0; C: at least 1.5 and above 1, one-sided; B: between (CLASS_LEVEL)."""
    size = abs(delta)
    if size < 1 or p >= CLASS_LEVEL:
        return "A"
    beyond = size - stats.norm.ppf(1 - CLASS_LEVEL) * std_error > 1
    return "C" if size >= 1.5 and beyond else "B"


def two_by_two(has: Flags, in_group: Flags, stratum: Codes) -> NDArray[np.float64]:
    """(K, 2, 2) counts: rows reference and group, columns with and without the outcome."""
    strata = int(stratum.max()) + 1
    cell = stratum * 4 + np.where(in_group, 2, 0) + np.where(has, 0, 1)
    return np.bincount(cell, minlength=strata * 4).reshape(strata, 2, 2).astype(float)


@dataclass(frozen=True, eq=False, kw_only=True)
class AdjustedGap:
    """A difference between people in like circumstances.

    Fields
    ------
    estimate, std_error, df, p, conf_low, conf_high : group minus reference; log odds for a logistic model
    homogeneity, homogeneity_p : whether the gap is the same everywhere (F over strata, chi-square of the interaction)
    weights, residuals : (N,) the comparison as `weights @ values`, and what the model leaves; for the design effect
    spread : standard deviation of the residuals
    r2_change : Nagelkerke's, of group and interaction (logistic only)
    strata, n : strata that hold both groups, and persons in them
    """

    estimate: float
    std_error: float
    df: float
    p: float
    conf_low: float
    conf_high: float
    homogeneity: float
    homogeneity_p: float
    weights: Array
    residuals: Array
    spread: float
    r2_change: float = np.nan
    strata: int = 1
    n: int = 0


def estimate_stratified_gap(
    values: Array, in_group: Flags, stratum: Codes, *, confidence: float = 0.95
) -> AdjustedGap | None:
    """Mean gap within strata (stratum effects absorbed); persons of strata with one group only carry no weight.

    None where no stratum holds both groups, or nothing varies within them.
    """
    strata = int(stratum.max()) + 1
    inside = in_group.astype(float)
    sizes = np.bincount(stratum, minlength=strata)
    both = (np.bincount(stratum, inside, strata) > 0) & (np.bincount(stratum, 1 - inside, strata) > 0)
    use = both[stratum]
    if not use.any():
        return None
    centred = inside - (np.bincount(stratum, inside, strata) / np.maximum(sizes, 1))[stratum]
    weights = np.where(use, centred, 0.0) / float((centred[use] ** 2).sum())
    deviations = values - (np.bincount(stratum, values, strata) / np.maximum(sizes, 1))[stratum]
    estimate = float(weights @ values)
    residuals = np.where(use, deviations - estimate * centred, 0.0)
    count, n = int(both.sum()), int(use.sum())
    df = float(n - count - 1)
    if df < 1 or float(residuals @ residuals) <= (1e-12 * max(float(np.abs(values).max()), 1e-300)) ** 2:
        return None
    variance = float(residuals @ residuals) / df
    std_error = float(np.sqrt(variance * (weights @ weights)))
    homogeneity, homogeneity_p = _same_in_all(residuals, in_group, stratum, use, count)
    half = float(stats.t.ppf((1 + confidence) / 2, df)) * std_error
    return AdjustedGap(
        estimate=estimate,
        std_error=std_error,
        df=df,
        p=float(2 * stats.t.sf(abs(estimate) / std_error, df)),
        conf_low=estimate - half,
        conf_high=estimate + half,
        homogeneity=homogeneity,
        homogeneity_p=homogeneity_p,
        weights=weights,
        residuals=residuals,
        spread=float(np.sqrt(variance)),
        strata=count,
        n=n,
    )


def estimate_matched_gap(
    values: Array, in_group: Flags, matched_on: Array, *, confidence: float = 0.95
) -> AdjustedGap | None:
    """Mean gap at equal `matched_on` (straight line, common slope; Cleary 1968), error after HC3; None where it
    cannot be fitted.

    homogeneity is the test that the two slopes are the same.
    """
    x = _standardised(matched_on)
    if x is None:
        return None
    inside = in_group.astype(float)
    design = np.column_stack([np.ones_like(x), x, inside])
    fit, crossed = _hc3(values, design), _hc3(values, np.column_stack([design, x * inside]))
    if fit is None or not np.isfinite(fit.bse[2]) or fit.bse[2] <= 1e-12 * max(float(np.abs(values).max()), 1e-300):
        return None
    low, high = fit.conf_int(alpha=1 - confidence)[2]
    return AdjustedGap(
        estimate=float(fit.params[2]),
        std_error=float(fit.bse[2]),
        df=float(fit.df_resid),
        p=float(fit.pvalues[2]),
        conf_low=float(low),
        conf_high=float(high),
        homogeneity=float(crossed.tvalues[3] ** 2) if crossed is not None else np.nan,
        homogeneity_p=float(crossed.pvalues[3]) if crossed is not None else np.nan,
        weights=np.linalg.pinv(design)[2],
        residuals=np.asarray(fit.resid, dtype=float),
        spread=float(np.sqrt(fit.scale)),
        n=len(x),
    )


def estimate_logistic_dif(
    has: Flags, in_group: Flags, matched_on: Array, *, confidence: float = 0.95
) -> AdjustedGap | None:
    """Logistic regression of the outcome on the matching variable and the group (Swaminathan and Rogers 1990).

    estimate : log odds of the group over the reference at equal `matched_on`; p : its likelihood-ratio test (1 df);
    homogeneity : likelihood-ratio chi-square of the interaction (non-uniform DIF, 1 df).
    None where the outcome is separated by the group or the matching variable, so that no finite estimate exists.
    """
    x = _standardised(matched_on)
    if x is None or has.all() or not has.any():
        return None
    y, inside = has.astype(float), in_group.astype(float)
    design = np.column_stack([np.ones_like(x), x, inside])
    alone, uniform = _logit(y, design[:, :2]), _logit(y, design)
    crossed = _logit(y, np.column_stack([design, x * inside]))
    if alone is None or uniform is None:
        return None
    lr = max(0.0, 2 * (uniform.llf - alone.llf))
    more = max(0.0, 2 * (crossed.llf - uniform.llf)) if crossed is not None else np.nan
    low, high = uniform.conf_int(alpha=1 - confidence)[2]
    fullest = crossed if crossed is not None else uniform
    return AdjustedGap(
        estimate=float(uniform.params[2]),
        std_error=float(uniform.bse[2]),
        df=np.inf,
        p=float(stats.chi2.sf(lr, 1)),
        conf_low=float(low),
        conf_high=float(high),
        homogeneity=float(more),
        homogeneity_p=float(stats.chi2.sf(more, 1)) if np.isfinite(more) else np.nan,
        weights=np.linalg.pinv(design)[2],
        residuals=np.asarray(y - uniform.predict()),
        spread=float(np.pi / np.sqrt(3)),
        r2_change=_nagelkerke(fullest) - _nagelkerke(alone),
        n=len(x),
    )


def jodoin_gierl_class(r2_change: float, p: float) -> str:
    """A, B, C for logistic DIF: limits .035 and .070 of Nagelkerke's R2 (Jodoin and Gierl 2001); A where it is not
    significant at CLASS_LEVEL.
    """
    if p >= CLASS_LEVEL or r2_change < 0.035:
        return "A"
    return "B" if r2_change < 0.070 else "C"


def fifths(values: Array) -> Codes:
    """Five strata of equal size by rank; equal values stay together."""
    limits = np.unique(np.quantile(values, [0.2, 0.4, 0.6, 0.8]))
    return np.searchsorted(limits, values, side="left").astype(np.int64)


def _same_in_all(residuals: Array, in_group: Flags, stratum: Codes, use: Flags, count: int) -> tuple[float, float]:
    """F test that the gap is the same in every stratum: the cells' own means against the common gap."""
    cells = (stratum * 2 + in_group)[use]
    left = residuals[use]
    sizes = np.bincount(cells)
    means = np.bincount(cells, left) / np.maximum(sizes, 1)
    explained, rest = float((sizes * means**2).sum()), float(((left - means[cells]) ** 2).sum())
    df, df_rest = count - 1, len(left) - 2 * count
    if df < 1 or df_rest < 1 or rest <= 0:
        return np.nan, np.nan
    f = (explained / df) / (rest / df_rest)
    return f, float(stats.f.sf(f, df, df_rest))


def _standardised(values: Array) -> Array | None:
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 1e-12 * max(abs(float(values.mean())), 1e-300) else None


def _hc3(values: Array, design: Array) -> Any | None:
    """The fit, or None where a coefficient rests on a single person, so that it has no error to go by."""
    leverage = (design * np.linalg.pinv(design).T).sum(axis=1)
    if np.linalg.matrix_rank(design) < design.shape[1] or len(values) < 6 or leverage.max() > 1 - 1e-9:
        return None
    return OLS(values, design).fit(cov_type="HC3", use_t=True)


def _logit(y: Array, design: Array) -> Any | None:
    """The fit, or None where there is no finite maximum (separation shows as steps without end)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit = Logit(y, design).fit(disp=0, maxiter=50)
        except (np.linalg.LinAlgError, PerfectSeparationError):
            return None
    usable = fit.mle_retvals["converged"] and np.isfinite(fit.bse).all() and np.abs(fit.params).max() < 15
    return fit if usable else None


def _nagelkerke(fit: Any) -> float:
    n = fit.nobs
    return float((1 - np.exp(2 * (fit.llnull - fit.llf) / n)) / (1 - np.exp(2 * fit.llnull / n)))
