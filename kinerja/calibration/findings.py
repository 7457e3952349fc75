"""What a reader must know about a calibration, as codes with numbers; above all the refusal and what would help."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.calibration.adjust import REASONS, Adjustments
from kinerja.calibration.design import Design
from kinerja.calibration.gate import Dials
from kinerja.calibration.model import Fit
from kinerja.calibration.persons import REVIEW_HIGH, REVIEW_LOW
from kinerja.calibration.raters import SMALL_TEAM
from kinerja.calibration.rows import FEEDBACK, INDICATOR, PAIR
from kinerja.results import Finding

WEAK_DIAL = 0.30
"""Evidence factor below which most of the adjustment is left undone."""
SMALL_OFFICE_UNITS = 60
FEWEST_RATERS = 10
SECOND_RATED_SHARE = 0.02
"""Share of staff that, rated a second time, usually identifies severity (method, section 12)."""
MOSTLY_ONE_CATEGORY = 0.90
"""Share of ratings in one category from which there is little to calibrate (method, section 11)."""
MOST_CATEGORIES, ENOUGH_TO_SEE = 12, 10_000
"""Different ratings up to which they are categories; so many of the first ratings show that they are not."""


def one_category(ratings: pd.Series) -> tuple[Finding, ...]:
    """Says so where nearly all ratings are the same category: its share, and their entropy against an even use."""
    given = ratings.dropna()
    if given.iloc[:ENOUGH_TO_SEE].nunique() > MOST_CATEGORIES:
        return ()
    count = given.value_counts().to_numpy(np.float64)
    if not 2 <= len(count) <= MOST_CATEGORIES or count.max() < MOSTLY_ONE_CATEGORY * count.sum():
        return ()
    share = count / count.sum()
    entropy = float(-(share @ np.log(share)) / np.log(len(share)))
    data = {"share": float(share.max()), "categories": len(count), "entropy": entropy}
    return (Finding(level="caution", code="calibration_one_category", data=data),)


def calibration_findings(
    design: Design,
    fit: Fit,
    dials: Dials,
    gate: pd.DataFrame,
    gain: pd.DataFrame,
    adjustments: Adjustments,
    raters: pd.DataFrame,
    crossings: pd.DataFrame,
    extra: npt.NDArray[np.float64],
    rank_changes: int,
    borrowed: bool,
) -> tuple[Finding, ...]:
    """In the order in which a reader needs them."""
    found: list[Finding] = []

    def add(level: str, code: str, **data: object) -> None:
        found.append(Finding(level=level, code=f"calibration_{code}", data=data))  # type: ignore[arg-type]

    n_people = int((np.bincount(design.persons.ratee) > 0).sum())
    n_raters = int((np.bincount(design.spell_rater) > 0).sum())
    second = max(int(np.ceil(SECOND_RATED_SHARE * n_people)), min(n_raters, 10))
    if dials.shut:
        add("caution", "refused", raters=n_raters, second=second)
    elif dials.team < WEAK_DIAL:
        add("caution", "weak_evidence", evidence=dials.team, second=second)
    else:
        add("note", "evidence", evidence=dials.team, culture=dials.culture)
    model = gain[gain["gain_check"] == "model"].iloc[0]
    before, after = float(model["error_before"]), float(model["error_after"])
    if model["gain_verdict"] == "gain":
        add("note", "gain", before=before, after=after, share=1 - after / before)
    elif not dials.shut:
        add("note", "no_gain", before=before)
    made = int((adjustments.total != 0).sum())
    add("note", "made", n=made, total=len(adjustments.total), largest=float(np.abs(adjustments.total).max(initial=0.0)))
    capped = int((adjustments.reason == REASONS.index("capped")).sum())
    if capped:
        add("caution", "capped", n=capped)
    small = raters[raters["small_team"]]
    if len(small) and not dials.shut:
        leaning = small["leans_on_office"]
        others = raters.loc[~raters["small_team"], "leans_on_office"]
        data = {"n": len(small), "floor": SMALL_TEAM, "lean": float(leaning.mean()), "most": float(leaning.max())}
        if len(others):
            add("note", "small_teams", **data, others=float(others.mean()))
        else:
            add("note", "only_small_teams", **data)
    if len(crossings):
        changed, review = (int(crossings[name].sum()) for name in ("changed", "review"))
        add("note", "crossings", changed=changed, review=review, low=REVIEW_LOW, high=REVIEW_HIGH)
    if rank_changes:
        add("caution", "ranks_changed", n=rank_changes)
    n_units = int((np.bincount(design.persons.unit) > 0).sum())
    if borrowed:
        add("note", "prior_used", units=n_units)
    elif n_units < SMALL_OFFICE_UNITS and not dials.shut:
        add("note", "small_office", units=n_units)
    if n_raters < FEWEST_RATERS:
        add("caution", "few_raters", n=n_raters)
    kinds = set(np.unique(design.kind))
    if {FEEDBACK, INDICATOR} <= kinds and PAIR not in kinds and not dials.shut:
        add("note", "shared_bias")
    if not design.within.halo_measured:
        add("note", "halo_assumed")
    outliers = int((extra > 0).sum())
    if outliers:
        add("note", "outliers", n=outliers)
    if design.persons.dropped:
        add("caution", "dropped", n=design.persons.dropped)
    if design.unmatched:
        add("caution", "unmatched", n=design.unmatched)
    if design.split_units:
        add("note", "split_units", n=design.split_units)
    if not fit.convergence.converged:
        add("caution", "not_converged", iterations=fit.convergence.iterations)
    return tuple(found)
