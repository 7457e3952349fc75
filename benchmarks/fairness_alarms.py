"""How often the fairness checks raise an alarm where all is fair, and how often they find what is planted.

    python -m benchmarks.fairness_alarms [--offices N]

Offices of benchmarks.fairness, with teams of fourteen so that each rater can be looked at; groups have nothing to do
with any score. Counted are offices with at least one `shown` verdict of each table and attribute, and with at least one
rater flagged by each screen; an alarm in one of twenty offices is what a family at 95 % allows. Then one thing is
planted: women rated lower by half or eight tenths of a standard deviation, one rater who rates women a standard
deviation lower, or one whose items say nothing beyond their mean (halo). Standard errors: binomial.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product, repeat

import numpy as np
import pandas as pd

from benchmarks import write
from benchmarks.fairness import office
from kinerja.fairness import Fairness, check_fairness

OFFICES = {140: 200, 1_200: 60}
"""Fair offices of each size; with something planted, a third as many."""
TEAM = 14
SD = 7.2
"""Of ratings in these offices, points: teams 4, people 6."""
Frames = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def run(offices: dict[int, int] | None = None) -> pd.DataFrame:
    """world, staff, what, share of offices, std_error, offices."""
    rows = []
    with ProcessPoolExecutor() as workers:
        for (staff, n), world in product((offices or OFFICES).items(), WORLDS):
            seeds = range(n if world == "fair" else max(n // 3, 1))
            found = pd.DataFrame(list(workers.map(_one, repeat(world), repeat(staff), seeds)))
            for what in found:
                share, count = float(found[what].mean()), int(found[what].count())
                rows.append((world, staff, what, share, float(np.sqrt(share * (1 - share) / count)), count))
    return pd.DataFrame(rows, columns=["world", "staff", "what", "share", "std_error", "offices"])


def _one(world: str, staff: int, seed: int) -> dict[str, bool]:
    return dict(_alarms(world, _checked(WORLDS[world](*office(staff, seed=seed, team=TEAM)))))


def _checked(frames: Frames) -> Fairness:
    scores, staff, ratings = frames
    return check_fairness(scores, staff, groups=["gender", "generation"], ratings=ratings)


def _alarms(world: str, checks: Fairness) -> Iterator[tuple[str, bool]]:
    """Every table and screen where all is fair; where something is planted, only what should find it."""
    if world.startswith("gap"):
        rows = checks.checks.query("attribute == 'gender' and outcome == 'observed' and measure == 'mean'")
        yield "checks, gender, observed", bool((rows["verdict"] == "shown").any())
        return
    if world.startswith("drf"):
        yield "drf, the rater", bool((checks.drf["review"].fillna(False) & (checks.drf["rater"] == FIRST)).any())
        return
    if world.startswith("halo"):
        rows = checks.screens.query("screen == 'halo'")
        yield "halo, the rater", bool((rows["review"] & (rows["rater"] == FIRST)).any())
        return
    for name in ("checks", "strata", "similarity"):
        table: pd.DataFrame = getattr(checks, name)
        for attribute, rows in table.groupby("attribute", sort=True):
            yield f"{name}, {attribute}", bool((rows["verdict"] == "shown").any())
    drf = checks.drf[checks.drf["rater"].notna()]
    for attribute, rows in drf.groupby("attribute", sort=True):
        yield f"drf, {attribute}", bool(rows["review"].fillna(False).any())
    for screen, rows in checks.screens.groupby("screen", sort=True):
        if (rows["status"] == "ok").any():
            yield f"screen, {screen}", bool(rows["review"].any())


FIRST = "s0000"


def _as_it_is(*frames: pd.DataFrame) -> Frames:
    return frames


def _gap(size: float) -> Callable[..., Frames]:
    def plant(scores: pd.DataFrame, staff: pd.DataFrame, ratings: pd.DataFrame) -> Frames:
        women = scores["ratee"].map(staff.set_index("ratee")["gender"]) == "P"
        return scores.assign(observed=scores["observed"] - size * SD * women), staff, ratings

    return plant


def _one_rater(scores: pd.DataFrame, staff: pd.DataFrame, ratings: pd.DataFrame) -> Frames:
    women = scores["ratee"].map(staff.set_index("ratee")["gender"]) == "P"
    his = scores["supervisor"] == FIRST
    return scores.assign(observed=scores["observed"] - SD * (women & his)), staff, ratings


def _flat(scores: pd.DataFrame, staff: pd.DataFrame, ratings: pd.DataFrame) -> Frames:
    mean = ratings.groupby("ratee")["rating"].transform("mean").round()
    return scores, staff, ratings.assign(rating=ratings["rating"].where(ratings["rater"] != FIRST, mean))


WORLDS: dict[str, Callable[..., Frames]] = {
    "fair": _as_it_is,
    "gap of 0.5 SD": _gap(0.5),
    "gap of 0.8 SD": _gap(0.8),
    "drf of one rater, 1 SD": _one_rater,
    "halo of one rater": _flat,
}


def main() -> int:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offices", type=int, help="of each size")
    chosen = parser.parse_args().offices
    found = run(dict.fromkeys(OFFICES, chosen) if chosen else None)
    write(found, "fairness_alarms")
    print(found.round(3).to_string(index=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
