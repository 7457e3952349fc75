"""Stuffed ballots and broken indicators lose weight: a measure that its own unit contradicts gets a larger error.

Two rounds of leave-one-out standardised residuals, for each row and for a unit's rows of one kind together; beyond the
limit the error variance is inflated until the residual is at the limit. Nothing is deleted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kinerja.calibration.blocks import Bucket, some_blocks, with_error
from kinerja.calibration.links import Links
from kinerja.calibration.model import Fit, fit_model, variances
from kinerja.calibration.rows import FEEDBACK, INDICATOR, Rows
from kinerja.calibration.solve import CLOSE, factorise, residuals

Floats = npt.NDArray[np.float64]

ROUNDS = 2
MOST_UNITS = 3_000
"""Units on which the variances are estimated; a country's are a seeded sample of so many (method, section 4)."""
ROUGH, FINE = 0.05, 1e-3
"""Steps, in posterior SDs, at which the fits between rounds and the last fit end."""
LIMIT = 2.5
"""Leave-one-out standardised residual beyond which a measure loses weight."""


def fit_robustly(
    design: Rows,
    plain: list[Bucket],
    links: Links | None,
    prior_mean: Floats,
    prior_sd: Floats,
    *,
    limit: float = LIMIT,
) -> tuple[Fit, list[Bucket], Floats]:
    """Fit to the blocks `plain`, inflate, fit again (twice); the last fit, its blocks and the added error variances,
    working units squared."""
    extra = np.zeros(len(design.kind))
    buckets = plain
    outside = np.isin(design.kind, (FEEDBACK, INDICATOR)).any()
    rough = ROUGH if outside else FINE

    def fitted(blocks: list[Bucket], tolerance: float, start: Floats | None = None) -> Fit:
        sample = some_blocks(blocks, MOST_UNITS)
        return fit_model(sample, prior_mean=prior_mean, prior_sd=prior_sd, start=start, tolerance=tolerance)

    fit = fitted(buckets, rough)
    for turn in range(ROUNDS if outside else 0):
        extra = extra + _inflation(design, buckets, links, fit, limit, extra)
        buckets = with_error(plain, extra)
        fit = fitted(buckets, FINE if turn == ROUNDS - 1 else ROUGH, fit.working)
    return fit, buckets, extra


def _inflation(
    design: Rows, buckets: list[Bucket], links: Links | None, fit: Fit, limit: float, extra: Floats
) -> Floats:
    """(n,) error variance to add, working units squared."""
    system = factorise(design, buckets, variances(fit.working), links, extra, CLOSE)
    z = residuals(system)[1].sum(axis=1)
    more = np.zeros(len(z))
    for bucket, W in zip(buckets, system.inverses, strict=True):
        inside = bucket.row >= 0
        local = np.where(inside, z[bucket.row], 0.0)
        own = np.einsum("gii->gi", W)
        outside = (bucket.feedback + bucket.indicator > 0) & inside
        alone = local**2 / np.maximum(own, 1e-300)
        add = np.where(outside & (alone > limit**2), (local / own) ** 2 / limit**2 - 1.0 / own, 0.0)
        for mark in (bucket.feedback, bucket.indicator):
            add = np.maximum(add, _together(W, local, mark, limit))
        more[bucket.row[inside]] = add[inside]
    return more


def _together(W: Floats, z: Floats, mark: Floats, limit: float) -> Floats:
    """The same for the sum of a unit's rows of one kind: a whole unit's ballots may be stuffed alike.

    With D the precision of those rows given all others, z = D d; d along the common direction is (1'z) / (1'D1) with
    variance 1 / (1'D1). Inflation v on each of m rows adds about v / m to the common part.
    """
    count = mark.sum(axis=1)
    precision = np.einsum("gi,gij,gj->g", mark, W, mark)
    total = (mark * z).sum(axis=1)
    safe = np.maximum(precision, 1e-300)
    beyond = (count > 1) & (total**2 / safe > limit**2)
    add = np.where(beyond, ((total / safe) ** 2 / limit**2 - 1.0 / safe) * count, 0.0)
    return np.asarray(np.where(mark > 0, add[:, None], 0.0))
