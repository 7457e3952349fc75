"""One row a supervisor and one a unit: severity with its interval, band, evidence and tipping bias."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtri

from kinerja.calibration.adjust import PARTS, Published
from kinerja.calibration.design import Design
from kinerja.calibration.gate import Dials
from kinerja.calibration.rows import PAIR
from kinerja.calibration.solve import Effects, System
from kinerja.calibration.uncertainty import Bias
from kinerja.results import CANNOT, OK

Floats = npt.NDArray[np.float64]

SMALL_TEAM = 10
"""People of a supervisor below which exam boards let a class lean on a partner; here every estimate leans
on the office by shrinkage, as far as its own evidence falls short, and small teams are named."""


def raters_table(
    design: Design, published: Published, bias: Bias, dials: Dials, tipping: Floats, leaning: Floats, confidence: float
) -> pd.DataFrame:
    """Columns of `Calibration.raters`; one row a supervisor, values averaged over that supervisor's people."""
    spells = design.spells
    rater = spells["rater"].to_numpy()
    n = spells["n"].to_numpy(np.float64)
    J = len(design.persons.raters)
    weight = np.bincount(rater, n, J)
    has = np.flatnonzero(weight)

    def mean(v: Floats) -> Floats:
        return np.asarray(np.bincount(rater, n * v, J)[has] / weight[has])

    centre = float(np.average(bias.mean, weights=n))
    effect = mean(published.effect)
    full = mean(bias.mean) - centre
    variance = mean(bias.variance) + (effect - full) ** 2
    error = np.sqrt(variance)
    z = float(ndtri(0.5 + confidence / 2))
    links = _link_counts(design)
    shown = not dials.shut
    low, high = mean(bias.low), mean(bias.high)
    unit = design.persons.units[spells["unit"].to_numpy()]
    main = pd.Series(n).groupby(rater).idxmax().to_numpy()
    nan = np.full(len(has), np.nan)
    table = pd.DataFrame(
        {
            "rater": design.persons.raters[has],
            "unit": unit[main],
            "severity": -effect + 0.0 if shown else nan,
            "std_error": error if shown else nan,
            "conf_low": -effect - z * error if shown else nan,
            "conf_high": -effect + z * error if shown else nan,
            "band_low": np.minimum(np.minimum(-low, -high), -effect) if shown else nan,
            "band_high": np.maximum(np.maximum(-low, -high), -effect) if shown else nan,
            **{name: -mean(published.parts[:, i]) + 0.0 for i, name in enumerate(PARTS[:4])},
            "tipping_bias": mean(tipping),
            "n": weight[has].astype(np.int64),
            "n_ratees": (people := np.bincount(rater, spells["ratees"].to_numpy(), J)[has].astype(np.int64)),
            "leans_on_office": leaning[has],
            "small_team": people < SMALL_TEAM,
            "n_links": links["links"][has],
            "subset": links["subset"][has],
            "status": OK if shown else CANNOT,
            "reason": "" if shown else "no_evidence",
        }
    )
    return table.sort_values("rater", kind="stable").reset_index(drop=True)


def office_share(effects: Effects, severity_variance: float, dials: Dials) -> Floats:
    """(J,) share of each supervisor's severity that the office's average decides and not the supervisor's own evidence.

    1 - c_T x reliability, reliability the share of the severity's variance (points squared) that the data settle: what
    is left in a person's score of a point that the supervisor adds to every rating. 1 where nothing identifies it.
    """
    reliability = np.clip(1.0 - effects.rater_variance / severity_variance, 0.0, 1.0)
    return np.asarray(1.0 - dials.team * reliability)


def units_table(design: Design, effects: Effects, dials: Dials, confidence: float) -> pd.DataFrame:
    """unit, estimate (rating culture c_u, points added, dial-scaled), std_error, conf_low, conf_high, n, status,
    reason."""
    spells = design.spells
    unit, n = spells["unit"].to_numpy(), spells["n"].to_numpy(np.float64)
    block = spells["block"].to_numpy()
    total = np.bincount(unit, n)
    full = np.bincount(unit, n * effects.culture.sum(axis=1)[block]) / np.maximum(total, 1)
    variance = np.bincount(unit, n * effects.culture_variance[block]) / np.maximum(total, 1)
    estimate = dials.culture * full
    has = np.flatnonzero(total)
    error = np.sqrt(variance + (full - estimate) ** 2)[has]
    z = float(ndtri(0.5 + confidence / 2))
    shown = dials.culture > 0
    nan = np.full(len(has), np.nan)
    raters = np.bincount(np.unique(unit * len(design.persons.raters) + spells["rater"].to_numpy())
                         // len(design.persons.raters), minlength=len(total))  # fmt: skip
    return pd.DataFrame(
        {
            "unit": design.persons.units[has],
            "estimate": estimate[has] if shown else nan,
            "std_error": error if shown else nan,
            "conf_low": estimate[has] - z * error if shown else nan,
            "conf_high": estimate[has] + z * error if shown else nan,
            "n": total[has].astype(np.int64),
            "n_raters": raters[has],
            "status": OK if shown else CANNOT,
            "reason": "" if shown else "no_evidence_culture",
        }
    )


def tipping_bias(design: Design, system: System, published: Published, dials: Dials) -> Floats:
    """(S,) points by which all feedback of the unit would have to be too low for the published effect to be zero.

    The effect is linear in the feedback; positive: feedback of this unit would really be so much higher. NaN where the
    unit has no feedback or the effect does not depend on it.
    """
    rows = design.spell_rows
    place = np.full(len(design.kind), -1)
    place[rows] = np.arange(len(rows))
    slope = np.zeros(len(rows))
    for bucket, W in zip(system.buckets, system.inverses, strict=True):
        z = np.einsum("gij,gj->gi", W, bucket.feedback)
        severity = dials.team * system.theta[3] * np.einsum("gij,gj->gi", bucket.severity, z)
        culture = dials.culture * system.theta[4] * (bucket.rating * z).sum(axis=1)
        ok = (bucket.row >= 0) & (bucket.rating > 0)
        slope[place[bucket.row[ok]]] = (severity + culture[:, None])[ok]
    slope *= design.scale[0] / design.scale[1]
    known = np.abs(slope) > 1e-6
    return np.where(known, -published.effect / np.where(known, slope, 1.0), np.nan)


def _link_counts(design: Design) -> dict[str, npt.NDArray[np.int64]]:
    """Per rater: other raters of the same teams, by moves or second ratings; and the connected set (from 1)."""
    spells = design.spells
    J = len(design.persons.raters)
    by_team = sparse.csr_array(
        (np.ones(len(spells)), (spells["rater"].to_numpy(), design.team_group)),
        shape=(J, int(design.team_group.max()) + 1),
    )
    pairs = abs(design.ratings[np.flatnonzero(design.kind == PAIR)])
    graph = (by_team @ by_team.T + pairs.T @ pairs).tocsr()
    graph.setdiag(0)
    graph.eliminate_zeros()
    subset = connected_components(graph, directed=False)[1]
    return {"links": np.diff(graph.indptr).astype(np.int64), "subset": subset.astype(np.int64) + 1}
