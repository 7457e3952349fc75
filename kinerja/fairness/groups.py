"""Who is compared with whom: people with their declared groups, reference groups, intersections, and what stays
hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

INTERSECTION = " × "
"""Between the names of two attributes, and between the names of their groups."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One group against the reference group of its attribute.

    Fields
    ------
    attribute, group, reference : names; an intersection joins two names with ` × `
    n_group, n_reference : persons of the staff list
    hidden : its values would reveal, by subtraction from the whole, a group too small to be shown
    """

    attribute: str
    group: str
    reference: str
    n_group: int
    n_reference: int
    hidden: bool


def people(scores_by_person: pd.DataFrame, staff: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    """One row a ratee, sorted: scores with the group columns of the staff list as text (missing stays missing).

    Where the staff list covers several periods, the row of the score's period counts, else the latest.
    """
    columns = [c for c in groups if c in staff.columns]
    keys = ["ratee", "period"] if {"period"} <= set(scores_by_person.columns) & set(staff.columns) else ["ratee"]
    order = ["ratee", *(["period"] if "period" in staff.columns else [])]
    latest = staff.sort_values(order, kind="stable").drop_duplicates(keys, keep="last")
    extra = [c for c in ("unit", "supervisor", "grade", "position") if c in staff.columns and c not in scores_by_person]
    wanted = [*keys, *dict.fromkeys([*columns, *extra])]
    kept = scores_by_person.drop(columns=[c for c in columns if c in scores_by_person.columns])
    merged = kept.merge(latest[wanted], on=keys, how="left", validate="many_to_one")
    merged = merged.sort_values(keys, kind="stable").reset_index(drop=True)
    for column in (*columns, "unit", "supervisor", "grade", "position"):
        if column in merged:
            merged[column] = as_text(merged[column])
    return merged


def as_text(values: pd.Series) -> pd.Series:
    """Names as text, missing as None."""
    shown = values.astype(object)
    return shown.map(lambda v: None if pd.isna(v) else str(v)).astype(object)


def with_intersections(people: pd.DataFrame, groups: Sequence[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The people with one more column for each pair of attributes, and the names of these columns."""
    added = people.copy()
    names = []
    for first, second in combinations(sorted(groups), 2):
        name = f"{first}{INTERSECTION}{second}"
        both = people[first].notna() & people[second].notna()
        added[name] = joined(people, (first, second), INTERSECTION).where(both, None)
        names.append(name)
    return added, tuple(names)


def joined(people: pd.DataFrame, columns: Sequence[str], between: str) -> pd.Series:
    """The names of several columns as one."""
    together = people[columns[0]].astype(str)
    for column in columns[1:]:
        together = together + between + people[column].astype(str)
    return together.astype(object)


def comparisons(
    people: pd.DataFrame,
    attribute: str,
    *,
    references: Mapping[str, str] | None = None,
    minimum: int = 10,
    minimum_cell: int = 5,
    above_floor_only: bool = False,
) -> tuple[Comparison, ...]:
    """Every group of the attribute against its largest one (or the one named in `references`).

    The largest group is the reference since it is known best; the one with the highest rate would be chosen by
    chance, and a group of one may have it.
    """
    counts = people[attribute].value_counts()
    sizes = {str(name): int(count) for name, count in counts.items()}
    if len(sizes) < 2:
        return ()
    reference = (references or {}).get(attribute) or min(sizes, key=lambda g: (-sizes[g], g))
    if reference not in sizes:
        return ()
    hidden = complement(sizes, minimum_cell)
    return tuple(
        Comparison(
            attribute=attribute,
            group=group,
            reference=reference,
            n_group=sizes[group],
            n_reference=sizes[reference],
            hidden=group in hidden or (reference in hidden and len(sizes) == 2),
        )
        for group in sorted(sizes)
        if group != reference and (sizes[group] >= minimum or not above_floor_only)
    )


def complement(sizes: Mapping[str, int], minimum_cell: int) -> frozenset[str]:
    """Groups to keep from view although they are large enough: else the small ones follow from the total.

    sizes : group -> persons. What is hidden together must be two groups and `minimum_cell` persons at least: three
        groups of one person are still only three persons. Nothing is added where no group is under the limit.
    """
    hidden = [g for g in sizes if sizes[g] < minimum_cell]
    rest = sorted((g for g in sizes if sizes[g] >= minimum_cell), key=lambda g: (sizes[g], g))
    added: list[str] = []
    while hidden and rest and (len(hidden) == 1 or sum(sizes[g] for g in hidden) < minimum_cell):
        added.append(rest[0])
        hidden.append(rest.pop(0))
    return frozenset(added)


def values_of(people: pd.DataFrame, comparison: Comparison, outcome: str) -> pd.DataFrame:
    """The persons of both groups who have a value, with `in_group` True for the group."""
    column = people[comparison.attribute]
    chosen = people[column.isin([comparison.group, comparison.reference]) & people[outcome].notna()]
    return chosen.assign(in_group=(chosen[comparison.attribute] == comparison.group).to_numpy(dtype=bool))


def codes(values: pd.Series) -> np.ndarray:
    """0..G-1 for the names of a column in sorted order; each missing name is a cluster of its own."""
    coded, _ = pd.factorize(values, sort=True)
    missing = coded < 0
    coded[missing] = np.arange(int(missing.sum())) + (int(coded.max()) + 1 if len(coded) else 0)
    return np.asarray(coded, dtype=np.int64)
