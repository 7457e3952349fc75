"""What is not known about a rater effect: its variance given the shares, and the shares themselves.

The two logit shares are integrated out by Gauss-Hermite quadrature; the other parameters follow them along their
conditional mean (method, section 6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from kinerja.calibration.blocks import Bucket
from kinerja.calibration.gate import Dials
from kinerja.calibration.links import Links
from kinerja.calibration.model import CULTURE_SHARE, SEVERITY_SHARE, Fit, variances
from kinerja.calibration.rows import Rows
from kinerja.calibration.solve import CLOSE, Effects, RatingEffects, factorise, predict, rating_effects

Floats = npt.NDArray[np.float64]

SHARES = [SEVERITY_SHARE, CULTURE_SHARE]
MIDDLE = 1e-9
"""A node nearer to zero, in posterior SDs, is the estimate itself."""
BAND = 0.90
"""Share of the posterior of the two logit shares that the band covers: its ends are their 5 and 95 per cent points. A
level of the band's own, which shows one part of what is unknown; intervals show all of it at the run's level."""
NARROW, SETTLED = 0.6, 0.15
"""Posterior SDs of a logit share below which three nodes integrate as well as five, and one as well as three."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Bias:
    """Distribution of s + c of each team-spell (S,), in points, over the shares.

    mean, variance : of the mixture; low, high : published effect (dial-scaled, centred) if the shares
        stood at the ends of the middle BAND of their posterior
    performance, performance_variance : (S,) of true team performance
    """

    mean: Floats
    variance: Floats
    low: Floats
    high: Floats
    performance: Floats
    performance_variance: Floats


def integrate(
    design: Rows,
    buckets: list[Bucket],
    links: Links | None,
    fit: Fit,
    extra: Floats,
    dials: Dials,
    effects: Effects,
    *,
    band: float = BAND,
    nodes: int = 5,
) -> Bias:
    """Mixture over the shares; nodes : points for each share where it is wide (three where it is known well).

    effects : at the estimate, the middle node
    """
    C = fit.covariance
    inner = C[np.ix_(SHARES, SHARES)]
    root = np.linalg.cholesky(inner)
    follow = C[:, SHARES] @ np.linalg.inv(inner)
    first = _nodes(_points(np.sqrt(inner[0, 0]), nodes))
    second = _nodes(_points(np.sqrt(inner[1, 1]), min(nodes, 3)))  # culture is the small part of the bias
    total = np.zeros((4, design.n_spells))
    square = np.zeros((2, design.n_spells))
    for a, wa in zip(*first, strict=True):
        for b, wb in zip(*second, strict=True):
            found = effects
            if abs(a) + abs(b) > MIDDLE:
                theta = variances(fit.working + follow @ (root @ np.array([a, b])))
                found = predict(factorise(design, buckets, theta, links, extra, CLOSE))
            bias, variance, perf, perf_variance = _of_spells(design, found)
            total += wa * wb * np.stack([bias, variance, perf, perf_variance])
            square += wa * wb * np.stack([bias, perf]) ** 2
    z = float(ndtri(0.5 + band / 2))
    step = z * follow @ np.sqrt(np.diag(inner))
    systems = (factorise(design, buckets, variances(fit.working + s * step), links, extra, CLOSE) for s in (-1, 1))
    ends = [_published(rating_effects(system), design, dials) for system in systems]
    return Bias(
        mean=total[0],
        variance=total[1] + np.maximum(square[0] - total[0] ** 2, 0.0),
        low=np.minimum(*ends),
        high=np.maximum(*ends),
        performance=total[2],
        performance_variance=total[3] + np.maximum(square[1] - total[2] ** 2, 0.0),
    )


def _published(effects: RatingEffects, design: Rows, dials: Dials) -> Floats:
    """(S,) dial-scaled s + c, centred over the people."""
    b = dials.team * effects.rater.sum(axis=1)[design.spell_rater]
    b = b + dials.culture * effects.culture.sum(axis=1)[design.spell_block]
    return np.asarray(b - np.average(b, weights=design.spell_n))


def _of_spells(design: Rows, effects: Effects) -> tuple[Floats, Floats, Floats, Floats]:
    bias = effects.rater.sum(axis=1)[design.spell_rater]
    bias = bias + effects.culture.sum(axis=1)[design.spell_block]
    return bias, effects.cell_variance, effects.performance.sum(axis=1), effects.performance_variance


def _points(sd: float, most: int) -> int:
    return 1 if sd < SETTLED else min(most, 3) if sd < NARROW else most


def _nodes(n: int) -> tuple[Floats, Floats]:
    """Gauss-Hermite nodes and weights for a standard normal."""
    x, w = np.polynomial.hermite_e.hermegauss(n)
    return x, w / w.sum()
