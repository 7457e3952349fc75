"""The small table the model works on: team-spells, service points and rater pairs as plain arrays that can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from kinerja.results.shown import Shown

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RATING, FEEDBACK, INDICATOR, PAIR = 0, 1, 2, 3
KINDS = ("rating", "feedback", "indicator", "pair")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Rows(Shown):
    """n rows, S team-spells (one team under one supervisor), J raters; values in points, centred by period.

    Fields
    ------
    kind, value, block : (n,); a block is a unit, or a part of a very large one
    n_behind : (n,) people or answers behind the row
    fixed : (n, p) fixed part; fixed_names : p names; each column belongs to one kind of row
    error_at : (2, k) row, column; error_value : (k,) known covariance of the rows' errors, points squared
    exposure_at : (2, k) row, spell; exposure_share : share of each team-spell in the row's true performance
    rating_at : (2, k) row, rater; rating_sign : +1 where the rater's effect is in the row, -1 the first rater of a pair
    true_people : (n,) variance of a team's mean true performance that comes from which people are in it
    spell_block, spell_rater, spell_n (person-periods), spell_ratees : (S,)
    team_group, rater_group : (S,) team, and (block, rater), of each spell: the levels of their effects
    scale : points per working unit of ratings, feedback, indicators
    n_raters : J
    """

    kind: Ints
    value: Floats
    block: Ints
    n_behind: Floats
    fixed: Floats
    fixed_names: tuple[str, ...]
    error_at: Ints
    error_value: Floats
    exposure_at: Ints
    exposure_share: Floats
    rating_at: Ints
    rating_sign: Floats
    true_people: Floats
    spell_block: Ints
    spell_rater: Ints
    spell_n: Ints
    spell_ratees: Ints
    team_group: Ints
    rater_group: Ints
    scale: tuple[float, float, float]
    n_raters: int

    @property
    def n_blocks(self) -> int:
        return int(self.block.max()) + 1

    @property
    def n_spells(self) -> int:
        return len(self.spell_rater)

    @property
    def unit_of_work(self) -> Floats:
        """(n,) points per working unit of each row."""
        return np.asarray(np.array([*self.scale, self.scale[0]])[self.kind])

    @cached_property
    def error(self) -> Any:
        return _sparse(self.error_at, self.error_value, (len(self.kind), len(self.kind)))

    @cached_property
    def exposure(self) -> Any:
        return _sparse(self.exposure_at, self.exposure_share, (len(self.kind), self.n_spells))

    @cached_property
    def ratings(self) -> Any:
        return _sparse(self.rating_at, self.rating_sign, (len(self.kind), self.n_raters))

    @cached_property
    def spell_rows(self) -> Ints:
        """(S,) the rating row of each team-spell."""
        rating = np.flatnonzero(self.kind == RATING)
        place = np.empty(self.n_spells, np.int64)
        place[self.exposure[rating].indices] = rating
        return place


def _sparse(at: Ints, value: Floats, shape: tuple[int, int]) -> Any:
    return sparse.csr_array((value, (at[0], at[1])), shape=shape)
