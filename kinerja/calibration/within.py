"""What people within teams differ by: lasting differences, one period's noise, and the single rater's view (halo)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import lsqr

from kinerja.calibration.frames import Floats, Ints, Persons
from kinerja.results.shown import Shown

ASSUMED_FREEDOM = 30
"""Degrees of freedom that the assumed share of halo counts as, beside what second ratings measure."""

SINGLE_RELIABILITY = 0.52
"""Agreement of two supervisors on one person's overall performance (Viswesvaran, Ones & Schmidt 1996, J. Applied
Psychology 81, 557-574): what one rating without items is taken to hold, where nothing else tells its error."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Within(Shown):
    """What people within teams differ by, in points squared.

    persistent : between people of a team, constant over periods (true differences and halo together)
    noise : between periods of one person (0 where one period only and items do not tell)
    item : variance of one person-period's mean as the spread over items shows it
    halo : the part of `persistent` that is the single rater's view of the person, not the person
    halo_measured : whether second ratings measured it; else it is the assumed share
    """

    persistent: float
    noise: float
    item: float
    halo: float
    halo_measured: bool

    @property
    def true(self) -> float:
        return max(self.persistent - self.halo, 0.0)

    @property
    def own_error(self) -> float:
        """Error variance of one person-period's rating around true performance, rater effect apart."""
        return self.halo + self.item


@dataclass(frozen=True, eq=False, kw_only=True)
class Cells:
    """(N,) codes of person-periods: cell of (spell, period), who of (spell, person)."""

    cell: Ints
    who: Ints


def spread_cells(persons: Persons, spell_of: Ints) -> Cells:
    cell = pd.factorize(spell_of * len(persons.periods) + persons.period)[0]
    who = pd.factorize(spell_of * len(persons.ratees) + persons.ratee)[0]
    return Cells(cell=cell.astype(np.int64), who=who.astype(np.int64))


def deviations(value: Floats, cells: Cells) -> Floats:
    """(N,) deviations from the spell's mean of the period, scaled for what centring takes away; NaN where alone."""
    there = np.isfinite(value)
    size = int(cells.cell.max()) + 1
    n = np.bincount(cells.cell[there], minlength=size)
    mean = np.bincount(cells.cell[there], value[there], size) / np.maximum(n, 1)
    scale = np.where(n > 1, np.sqrt(n / np.maximum(n - 1, 1)), np.nan)
    return np.asarray((value - mean[cells.cell]) * scale[cells.cell])


def lasting_and_noise(a: Floats, b: Floats, cells: Cells) -> tuple[float, float]:
    """Moments of products of deviations: what lasts over periods of one person, and the rest of one period."""
    ok = np.isfinite(a) & np.isfinite(b)
    a, b, who = a[ok], b[ok], cells.who[ok]
    if not len(a):
        return 0.0, 0.0
    n = np.bincount(who)
    total = float(a @ b) / len(a)
    sums = np.bincount(who, a) * np.bincount(who, b)
    pairs = float((n * (n - 1)).sum())
    if pairs < 1:
        return total, 0.0
    lasting = float(sums.sum() - a @ b) / pairs
    return lasting, total - lasting


def split_halo(
    spread: tuple[float, float], item: float | None, pair_variance: float, free: int, share: float, periods: int
) -> tuple[Within, float]:
    """Split lasting differences between people into their own and the single rater's view; variance of a pair.

    The variance that second ratings show is weighed, by its degrees of freedom, against the one the assumed share
    gives. Where one rating a person hides its error (item None), what changes between periods is taken for it; in one
    period, what leaves a single rating its usual reliability.
    """
    persistent, noise = spread
    if item is None:
        item = max(noise, 0.0) if periods > 1 else max(1 - SINGLE_RELIABILITY - share, 0.0) * max(persistent, 0.0)
    if periods == 1:
        # one period: what items show as error is noise, the rest is taken as lasting
        noise = min(item, persistent)
        persistent -= noise
    persistent, noise = max(persistent, 0.0), max(noise, 0.0)
    assumed = 2 * (share * persistent + item)
    pair_variance = (free * pair_variance + ASSUMED_FREEDOM * assumed) / (free + ASSUMED_FREEDOM)
    halo = float(np.clip(pair_variance / 2 - item, 0.0, 0.8 * persistent))
    within = Within(
        persistent=persistent,
        noise=noise,
        item=min(item, noise) if noise else item,
        halo=halo,
        halo_measured=free >= ASSUMED_FREEDOM,
    )
    return within, pair_variance


def second_pairs(persons: Persons, spell_of: Ints) -> tuple[pd.DataFrame, float, int]:
    """Second rater minus first, by (second rater, spell, role); variance of one person's difference around what its
    two raters differ by, and its degrees of freedom.

    Most pairs of raters share one person: what these differ by beside their raters' effects shows the variance too.
    """
    if not len(persons.second_row):
        return pd.DataFrame(), 0.0, 0
    at = persons.second_row
    # differences do not need the period's mean: both raters rated the same person in the same period
    frame = pd.DataFrame(
        {
            "rater": persons.second_rater,
            "spell": spell_of[at],
            "role": persons.second_role,
            "ratee": persons.ratee[at],
            "d": persons.second_value - persons.observed[at],
        }
    )
    person = frame.groupby(["spell", "rater", "role", "ratee"], sort=True)["d"].mean().reset_index()
    grouped = person.groupby(["spell", "rater", "role"], sort=True)["d"]
    pairs = grouped.agg(["mean", "size"]).reset_index().rename(columns={"mean": "value", "size": "n"})
    first = np.zeros(int(spell_of.max()) + 1, np.int64)
    first[spell_of] = persons.rater
    variance, free = _left_over(person["d"].to_numpy(np.float64), first[person["spell"]],
                                person["rater"].to_numpy(np.int64), person["role"])  # fmt: skip
    return pairs, variance, free


def _left_over(difference: Floats, first: Ints, second: Ints, role: pd.Series) -> tuple[float, int]:
    """Residual variance of difference = level of the role + effect of the second rater - effect of the first, and its
    degrees of freedom, by least squares."""
    n = len(difference)
    raters = np.unique(np.concatenate([first, second]), return_inverse=True)[1]
    level = pd.factorize(role, sort=True)[0]
    size, levels = int(raters.max()) + 1, int(level.max()) + 1
    every = np.arange(n)
    met = sparse.csr_array(
        (np.repeat([-1.0, 1.0, 1.0], n), (np.tile(every, 3), np.concatenate([raters, size + level]))),
        shape=(n, size + levels),
    )
    effect = lsqr(met, difference, atol=1e-10, btol=1e-10, iter_lim=2000)[0]
    graph = sparse.csr_array((np.ones(n), (raters[:n], raters[n:])), shape=(size, size))
    free = n - (size - connected_components(graph, directed=False)[0]) - levels
    return (float(((difference - met @ effect) ** 2).sum() / free), free) if free > 0 else (0.0, 0)
