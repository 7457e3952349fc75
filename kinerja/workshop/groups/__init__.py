"""Part 4 of the workshop: two groups without any true difference, drawn again and again: who cries wolf?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pandas as pd

from kinerja.fairness.check import Settings
from kinerja.fairness.check_table import check_table
from kinerja.fairness.groups import comparisons
from kinerja.raters.statistics import wilson_interval

SIZES = (20, 100, 300)
"""People in each of the two groups."""

RULES = ("four_fifths", "shown")
"""What may cry wolf: the four-fifths rule (either direction), and the verdict `shown` of the fairness checks."""

BATCH, BATCHES = 5, 20
FIRST_SEED = 2026
DRAWS_LEVEL = 0.95
"""Level of the intervals of the shares of draws; the verdicts, too, are made at it, as `check_fairness` does."""

# As `check_fairness` sets them where an office says nothing else.
_SETTINGS = Settings(
    minimum=10, confidence=DRAWS_LEVEL, family="bh", power=0.8, material=0.5, top=("top",), bottom=(), clusters=()
)


class Draws:
    """Draws of a top predikat for two groups of each of SIZES; both groups have the same chance of it.

    rate : that chance, 0 to 1
    Attribute `last` : of each size the latest draw: size, group_a, group_b (counts), below (four-fifths), verdict
    """

    def __init__(self, rate: float, *, seed: int = FIRST_SEED) -> None:
        self.rate = rate
        self.n = 0
        self.last = pd.DataFrame(columns=["size", "group_a", "group_b", "below", "verdict"])
        self._random = {size: np.random.default_rng([seed, size]) for size in SIZES}
        self._counts = {(size, name): 0 for size in SIZES for name in (*RULES, "not_shown", "cannot_tell")}

    def more(self, batches: int = BATCHES) -> Iterator[pd.DataFrame]:
        """Draw `batches` of BATCH pairs of groups of each size; yields `alarms` after each."""
        for _ in range(batches):
            for _ in range(BATCH):
                self._draw()
            yield self.alarms()

    def alarms(self) -> pd.DataFrame:
        """size, rule (RULES), estimate (share of draws), conf_low, conf_high (Wilson, at DRAWS_LEVEL), n (draws)."""
        rows = []
        for size in SIZES:
            for rule in RULES:
                share = self._counts[size, rule] / max(self.n, 1)
                low, high = wilson_interval(share, max(self.n, 1), DRAWS_LEVEL)
                rows.append((size, rule, share, low, high, self.n))
        return pd.DataFrame(rows, columns=["size", "rule", "estimate", "conf_low", "conf_high", "n"])

    def verdicts(self) -> pd.DataFrame:
        """size, and the share of draws of each: four_fifths, shown, not_shown, cannot_tell; n (draws)."""
        names = (*RULES, "not_shown", "cannot_tell")
        rows = [{"size": size, **{name: self._counts[size, name] / max(self.n, 1) for name in names}} for size in SIZES]
        return pd.DataFrame(rows).assign(n=self.n)

    def _draw(self) -> None:
        self.n += 1
        rows = []
        for size in SIZES:
            a, b = (int(count) for count in self._random[size].binomial(size, self.rate, 2))
            below, verdict = judge(a, size, b, size)
            self._counts[size, "four_fifths"] += below
            self._counts[size, verdict] += 1
            rows.append((size, a, b, below, verdict))
        self.last = pd.DataFrame(rows, columns=list(self.last.columns))


@lru_cache(maxsize=20_000)
def judge(a: int, n: int, b: int, m: int) -> tuple[bool, str]:
    """Whether the lower rate is under four fifths of the higher, and the package's verdict: `a` of `n` against `b` of
    `m` persons with the top predikat."""
    people = pd.DataFrame(
        {
            "ratee": [f"P{k}" for k in range(n + m)],
            "group": ["A"] * n + ["B"] * m,
            "predikat": ["top"] * a + ["other"] * (n - a) + ["top"] * b + ["other"] * (m - b),
        }
    )
    compared = comparisons(people, "group", references={"group": "B"}, minimum=10, minimum_cell=5)
    row = check_table(people, compared, ("predikat",), _SETTINGS).set_index("measure").loc["top_rate"]
    below = row["below_four_fifths"]
    return bool(below) if pd.notna(below) else False, str(row["verdict"])
