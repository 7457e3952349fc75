"""Who answered: respondents by attribute."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

PROFILE_COLUMNS = ("attribute", "value", "n", "share")
UNKNOWN = ""
"""Value of those who did not say."""


def profile_table(responses: pd.DataFrame | None, attributes: Sequence[str]) -> pd.DataFrame:
    """PROFILE_COLUMNS: counts and shares of all respondents by value of each attribute; value "" did not say."""
    if responses is None or responses.empty or not attributes:
        return pd.DataFrame(columns=list(PROFILE_COLUMNS))
    parts = []
    for attribute in attributes:
        words = responses[attribute].astype(object).where(responses[attribute].notna(), UNKNOWN).astype(str)
        counts = words.groupby(words, sort=True).size()
        parts.append(
            pd.DataFrame(
                {
                    "attribute": attribute,
                    "value": counts.index,
                    "n": counts.to_numpy(),
                    "share": counts.to_numpy() / len(words),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)[list(PROFILE_COLUMNS)]
