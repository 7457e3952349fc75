"""The predikat of each person: stated, from official ratings, or from ratings that rest on the office's own
thresholds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kinerja.results import CANNOT, OK
from kinerja.rules import Rules


def with_predikat(people: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Adds work_source, behaviour_source, predikat_source, status and reason; fills work, behaviour and predikat.

    people : work, behaviour, predikat (official, "" where not stated), work_office, behaviour_office (after the
        thresholds), category (the office's word), attainment, points
    An official rating always comes before the office's threshold. `reason` says what is missing for a predikat.
    """
    result = people.copy()
    for part in ("work", "behaviour"):
        official, office = result[part] != "", result[f"{part}_office"] != ""
        result[f"{part}_source"] = np.select([official, office], ["official", "office"], "").astype(object)
        result[part] = result[part].where(official, result[f"{part}_office"])
    stated = result["predikat"].where(result["predikat"] != "", _meant(result["category"], rules))
    looked_up = _matrix(result["work"], result["behaviour"], rules)
    is_stated, by_office = stated != "", (result["work_source"] == "office") | (result["behaviour_source"] == "office")
    result["predikat"] = stated.where(is_stated, looked_up)
    result["predikat_source"] = np.select(
        [is_stated, looked_up == "", by_office], ["stated", "", "office"], "matrix"
    ).astype(object)
    result["reason"] = np.where(result["predikat"] == "", _missing(result, rules), "").astype(object)
    result["status"] = np.where(result["reason"] == "", OK, CANNOT)
    return result


def _matrix(work: pd.Series, behaviour: pd.Series, rules: Rules) -> pd.Series:
    if not rules.in_force("predikat"):
        return pd.Series("", index=work.index, dtype=object)
    cells = rules.values("predikat")["matrix"]
    looked_up = [cells.get(w, {}).get(b, "") for w, b in zip(work, behaviour, strict=True)]
    return pd.Series(looked_up, index=work.index, dtype=object)


def _meant(category: pd.Series, rules: Rules) -> pd.Series:
    """The predikat that the office's word is, "" where it is none."""
    if not rules.in_force("predikat"):
        return pd.Series("", index=category.index, dtype=object)
    table = rules.values("predikat")
    words = {alias: name for name in table["predikat"] for alias in (*table["aliases"][name], name)}
    return category.str.casefold().map(words).astype(object).where(lambda found: found.notna(), "")


def _missing(people: pd.DataFrame, rules: Rules) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    if not rules.in_force("predikat"):
        return np.full(len(people), "rule_not_in_force", object)
    no_work, no_behaviour = people["work"] == "", people["behaviour"] == ""
    tests = [
        no_work & people["attainment"].isna(),
        no_behaviour & people["points"].isna(),
        no_work,
        no_behaviour,
    ]
    codes = ["no_attainment", "no_rating_by_supervisor", "no_work_thresholds", "no_behaviour_thresholds"]
    return np.select(tests, codes, "").astype(object)
