"""What the tables of the fairness section have in common: who is compared, by what, in which unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kinerja import wording
from kinerja.show.tables import Column, code, interval, words

if TYPE_CHECKING:
    import pandas as pd

WHO = ("attribute", "group", "reference")


def who() -> list[Column]:
    return [code("attribute"), words("group"), words("reference")]


def compared_by(language: wording.Language) -> Column:
    """Mean, or share in the top or the lowest categories; `measure` alone is the logit measure of the rater model."""
    return code("measure", label=wording.label("bias.measure", language))


def ratio_interval(confidence: float, low: str, high: str, language: wording.Language) -> Column:
    """The interval of a ratio, of rates or of odds."""
    return interval(
        confidence, low, high, 2, label=wording.text("fairness.ratio_interval", language, confidence=confidence)
    )


def own_attributes(rows: pd.DataFrame) -> pd.DataFrame:
    """Single attributes; pairs of attributes stand in the table of cells."""
    return rows[~rows["attribute"].str.contains("×")].reset_index(drop=True)


def percentage_points(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Shares as percentage points, so that they can stand beside points; means stay as they are."""
    factor = (rows["measure"] != "mean").map({True: 100.0, False: 1.0})
    return rows.assign(**{name: rows[name].astype(float) * factor for name in columns})


def yes_no(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """A flag as a code with words (`<column>.yes`, `<column>.no`), missing where there is none."""
    flags = rows[column].astype("boolean")
    return rows.assign(**{column: flags.map({True: "yes", False: "no"}).astype(object)})
