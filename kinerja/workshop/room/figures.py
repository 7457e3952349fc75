"""Part 2 of the workshop: what a room's ratings of the written cases say of severity, halo and agreement.

Nobody can be recognised: participants stand in the order of their severity, without the number they joined under, and
nothing about single participants is given before FEWEST have rated.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from kinerja.errors import EstimationError
from kinerja.raters import RaterUse, estimate_rater_use
from kinerja.raters.agreement import Agreement, estimate_agreement
from kinerja.raters.mixed import fit_mixed
from kinerja.results import CANNOT, ESTIMATE_COLUMNS
from kinerja.scoring.ratings import points_by_role
from kinerja.workshop.room import SCALE, key_frame, ratings_frame

FEWEST = 3
"""Participants below which nothing about single participants is computed."""

KEY = "key"
"""The bank's own points, as one more rater."""

ROOM_LEVEL = 0.95
"""Level of a room's intervals, on every chart of it: a room has no run whose parameters could set one."""

_SCALE = (float(SCALE[0]), float(SCALE[1]))
_CATEGORIES = tuple(float(value) for value in range(SCALE[0], SCALE[1] + 1))
_AMONG = ("exact_agreement", "adjacent_agreement", "krippendorff_ordinal")
_REPLICATIONS = 200
"""Bootstrap samples of an interval on a screen that is drawn again every few seconds."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RoomFigures:
    """A room at one moment.

    Fields
    ------
    participants, n : who rated, ratings given; confidence : level of all intervals
    severity : place (1 = most severe), and the column contract of severity, in points of the 1-5 scale against the
        room's average participant; one row with status `cannot` where it cannot be estimated
    spread : statistic between_raters (SD of participants' means, points of 0-100), the column contract
    cases : case, the column contract of the room's mean (points of 0-100; n counts participants), key (points)
    halo : who (room | key), item_spread (points), item_low, item_high, uniform_share, uniform_low, uniform_high, n
    among : agreement in the room: coefficient and the column contract
    with_key : who (mean | lowest | highest), exact_agreement, adjacent_agreement, mean_difference (points of 1-5,
        participant minus key), n (participants); no rows before FEWEST
    """

    participants: int
    n: int
    confidence: float
    severity: pd.DataFrame
    spread: pd.DataFrame
    cases: pd.DataFrame
    halo: pd.DataFrame
    among: pd.DataFrame
    with_key: pd.DataFrame


def room_figures(rows: Sequence[tuple[str, str, str, int]], *, confidence: float = ROOM_LEVEL) -> RoomFigures:
    """All figures of a room; tables without rows where nobody has rated.

    rows : rater, case, item, points (1-5), as `Room.rows` gives them
    """
    ratings = ratings_frame(list(rows))
    participants = int(ratings["rater"].nunique())
    key = key_frame()
    key = key[key["ratee"].isin(ratings["ratee"])].assign(rater=KEY, period="room", role="supervisor")
    use = estimate_rater_use(ratings, period="room", scale=_SCALE, confidence=confidence)
    of_key = estimate_rater_use(key, period="room", scale=_SCALE, confidence=confidence)
    enough = participants >= FEWEST
    return RoomFigures(
        participants=participants,
        n=len(ratings),
        confidence=confidence,
        severity=_severity(ratings, confidence) if enough else _nobody("few_raters"),
        spread=use.office[use.office["statistic"] == "between_raters"][["statistic", *ESTIMATE_COLUMNS]],
        cases=_cases(ratings, key, confidence),
        halo=pd.concat([_halo(use, "room"), _halo(of_key, KEY)], ignore_index=True),
        among=_among(ratings, confidence) if enough else _nothing(["coefficient", *ESTIMATE_COLUMNS]),
        with_key=_with_key(ratings, key) if enough else _nothing(_WITH_KEY),
    )


_WITH_KEY = ["who", "exact_agreement", "adjacent_agreement", "mean_difference", "n"]


def _nothing(columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


def _nobody(reason: str) -> pd.DataFrame:
    row = dict.fromkeys(ESTIMATE_COLUMNS, float("nan")) | {"n": 0, "status": CANNOT, "reason": reason}
    return pd.DataFrame([{"place": 1, **row}])


def _severity(ratings: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Participants' severity with the cases they happened to rate taken out: a mixed model, crossed with cases."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            fit = fit_mixed(ratings, intervals="wald", confidence=confidence)
    except (EstimationError, ValueError):
        # A room that agrees to the last point leaves nothing to estimate an error from; the iteration then breaks off.
        return _nobody("no_model")
    ordered = fit.severity.sort_values(["estimate", "rater"], ascending=[False, True], ignore_index=True)
    ordered.insert(0, "place", range(1, len(ordered) + 1))
    return ordered.drop(columns="rater")


def _cases(ratings: pd.DataFrame, key: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The room's mean of each case: the case takes the place of the rater, so that participants are what is counted."""
    turned = ratings.rename(columns={"ratee": "rater", "rater": "ratee"})
    means = estimate_rater_use(turned, period="room", scale=_SCALE, confidence=confidence).raters
    keyed = points_by_role(key, _SCALE).set_index("ratee")["points"]
    cases = means.rename(columns={"rater": "case"})[["case", *ESTIMATE_COLUMNS]]
    return cases.assign(key=cases["case"].map(keyed).astype(float))


def _halo(use: RaterUse, who: str) -> pd.DataFrame:
    office = use.office.set_index("statistic")
    spread, same = office.loc["item_spread"], office.loc["uniform_share"]
    row = {
        "who": who,
        "item_spread": spread["estimate"],
        "item_low": spread["conf_low"],
        "item_high": spread["conf_high"],
        "uniform_share": same["estimate"],
        "uniform_low": same["conf_low"],
        "uniform_high": same["conf_high"],
        "n": spread["n"],
    }
    return pd.DataFrame([row])


def _among(ratings: pd.DataFrame, confidence: float) -> pd.DataFrame:
    agreement = _agreement(ratings, confidence)
    if agreement is None:
        return _nothing(["coefficient", *ESTIMATE_COLUMNS])
    found = agreement.coefficients
    return found[found["coefficient"].isin(_AMONG)][["coefficient", *ESTIMATE_COLUMNS]].reset_index(drop=True)


def _agreement(ratings: pd.DataFrame, confidence: float) -> Agreement | None:
    """None where everybody gave the same points to the last one: an intraclass correlation then divides by nothing."""
    with warnings.catch_warnings():
        # Light's kappa, which is not shown here, divides by nothing while no second case is rated by everybody.
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return estimate_agreement(
                ratings, categories=_CATEGORIES, confidence=confidence, replications=_REPLICATIONS
            )
        except ZeroDivisionError:
            return None


def _with_key(ratings: pd.DataFrame, key: pd.DataFrame) -> pd.DataFrame:
    """Each participant against the key; the mean over participants, and the ends, which nobody's number is given to."""
    agreement = _agreement(pd.concat([ratings, key], ignore_index=True), ROOM_LEVEL)
    if agreement is None:
        return _nothing(_WITH_KEY)
    pairs = agreement.pairs
    turned = pairs["rater"] == KEY
    pairs = pairs[turned | (pairs["other"] == KEY)]
    sign = turned.loc[pairs.index].map({True: -1.0, False: 1.0})
    pairs = pairs.assign(mean_difference=pairs["mean_difference"] * sign)
    columns = ["exact_agreement", "adjacent_agreement", "mean_difference"]
    table = pd.DataFrame([pairs[columns].mean(), pairs[columns].min(), pairs[columns].max()])
    return table.assign(who=["mean", "lowest", "highest"], n=len(pairs))[_WITH_KEY].reset_index(drop=True)
