"""The design of a rater model: who rated whom on what, as integer codes, in an order that is not the input's.

Ids are kept as text and every result is keyed by them: a position never stands for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kinerja.errors import DataError, EstimationError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Unused = Literal["renumber", "keep"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """Ratings as codes, one row a rating, sorted by the facets in turn and then by the rating.

    Fields
    ------
    facets : names, in the order of the columns
    elements : for each facet its ids, sorted as text; a code is a position in this array
    codes : for each facet the code of each row, shape (n,)
    signs : +1 for a facet whose measure raises the rating (ratees), -1 for one that lowers it (severity, difficulty)
    rating : the rating as given, shape (n,)
    weight : of each row, shape (n,)
    weighted : whether the weights differ from one
    dropped : rows left out because rating, weight or an id is missing
    """

    facets: tuple[str, ...]
    elements: tuple[NDArray[Any], ...]
    codes: tuple[Ints, ...]
    signs: Floats
    rating: Floats
    weight: Floats
    weighted: bool
    dropped: int

    @property
    def n(self) -> int:
        return len(self.rating)

    def facet(self, name: str) -> int:
        return self.facets.index(name)

    def size(self, facet: int) -> int:
        return len(self.elements[facet])

    def rows(self, keep: Bools) -> Design:
        """The same elements and codes, fewer rows."""
        return replace(
            self,
            codes=tuple(c[keep] for c in self.codes),
            rating=self.rating[keep],
            weight=self.weight[keep],
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Scale:
    """How ratings become categories: one set of thresholds for all rows, or one for each element of a facet.

    Fields
    ------
    groups : names of the sets of thresholds; ("",) where there is one
    group : set of each row, shape (n,)
    values : rating that each category stands for, shape (groups, categories), NaN where a set has fewer
    scores : what a category counts, shape (categories,): 0, 1, 2, ...; with gaps where unused ones are kept
    used : whether a category occurs, shape (groups, categories)
    category : category of each row, shape (n,); -1 where the rating is not a category of the active rows
    unused : ratings between lowest and highest that nobody used, one array a group
    """

    groups: tuple[str, ...]
    group: Ints
    values: Floats
    scores: Floats
    used: Bools
    category: Ints
    unused: tuple[Floats, ...]

    @property
    def first(self) -> Ints:
        return np.asarray(self.used.argmax(axis=1), dtype=np.int64)

    @property
    def last(self) -> Ints:
        return np.asarray(self.used.shape[1] - 1 - self.used[:, ::-1].argmax(axis=1), dtype=np.int64)

    @property
    def free(self) -> Bools:
        """Which cumulative thresholds are parameters: used ones between the lowest and the highest (fixed at 0)."""
        place = np.arange(self.used.shape[1])
        return self.used & (place > self.first[:, None]) & (place < self.last[:, None])


def build_design(
    ratings: pd.DataFrame,
    facets: Sequence[str],
    positive: Sequence[str],
    rating: str = "rating",
    weights: str | None = None,
) -> Design:
    """Codes of every facet; rows with a missing id, rating or weight (or weight 0) are dropped and counted.

    Raises
    ------
    DataError : a column is missing, a rating or weight is not a number, a weight is negative
    EstimationError : no rating is left
    """
    wanted = [*facets, rating, *([weights] if weights else [])]
    absent = [name for name in wanted if name not in ratings.columns]
    if absent:
        raise DataError(
            f"ratings: column {absent[0]!r} is missing; found {', '.join(map(str, ratings.columns))}. "
            "Rename a column, or name the facets that exist with facets=(...)."
        )
    score = _numbers(ratings[rating], rating)
    weight = _numbers(ratings[weights], weights) if weights else np.ones(len(ratings))
    if np.nanmin(weight, initial=0.0) < 0:
        raise DataError(f"ratings: column {weights!r} holds {np.nanmin(weight)}; a weight is 0 or more.")
    coded = [_code(ratings[name]) for name in facets]
    keep = np.isfinite(score) & (weight > 0)
    for code, _ in coded:
        keep &= code >= 0
    if not keep.any():
        raise EstimationError(
            "ratings: no row has a rating and all ids; at least one is needed. Check the columns' mapping."
        )
    if keep.all():
        codes, elements = [c for c, _ in coded], [e for _, e in coded]
    else:
        present = [_compact(code[keep], ids) for code, ids in coded]
        codes, elements = [c for c, _ in present], [e for _, e in present]
        score, weight = score[keep], weight[keep]
    order = _order(codes, [len(e) for e in elements], score, weight)
    return Design(
        facets=tuple(facets),
        elements=tuple(elements),
        codes=tuple(code[order] for code in codes),
        signs=np.array([1.0 if name in positive else -1.0 for name in facets]),
        rating=score[order],
        weight=weight[order],
        weighted=bool(weights) and bool((weight != 1).any()),
        dropped=int((~keep).sum()),
    )


def totals(code: Ints, values: Floats | Bools | Ints, size: int = 0) -> Floats:
    """Sum of the values of each code, shape (size,)."""
    return np.asarray(np.bincount(code, values, minlength=size), dtype=np.float64)


def build_scale(design: Design, facet: int | None, active: Bools, unused: Unused = "renumber") -> Scale:
    """Categories that the active rows use, by set of thresholds.

    FACETS' rule is "renumber": a category between others that nobody used is squeezed out and those above move down.
    "keep" leaves the distance: the unused category has probability 0 and those above keep what they count.
    """
    groups = ("",) if facet is None else tuple(str(e) for e in design.elements[facet])
    group = np.zeros(design.n, dtype=np.int64) if facet is None else design.codes[facet]
    values, place = np.unique(design.rating, return_inverse=True)
    count = np.bincount(group[active] * len(values) + place[active], minlength=len(groups) * len(values))
    seen = count.reshape(len(groups), len(values)) > 0
    steps, offset = _steps(values)
    between = tuple(_unused(values, row, steps, offset) for row in seen)
    if unused == "keep":
        kept = seen.any(axis=0)
        table = np.where(seen[:, kept], values[kept], np.nan)
        position = np.where(seen, np.cumsum(kept) - 1, -1)
        scores = offset[kept].astype(np.float64)
        return Scale(groups=groups, group=group, values=table, scores=scores - scores[0], used=seen[:, kept],
                     category=position[group, place].astype(np.int64), unused=between)  # fmt: skip
    width = max(int(seen.sum(axis=1).max()), 1)
    position = np.where(seen, np.cumsum(seen, axis=1) - 1, -1)
    table = np.full((len(groups), width), np.nan)
    rows, columns = np.nonzero(seen)
    table[rows, position[rows, columns]] = values[columns]
    return Scale(groups=groups, group=group, values=table, scores=np.arange(width, dtype=np.float64),
                 used=np.isfinite(table), category=position[group, place].astype(np.int64), unused=between)  # fmt: skip


def element_positions(design: Design, facet: int, named: Mapping[str, Any], what: str) -> Ints:
    """Codes of named elements.

    Raises
    ------
    DataError : a name is not an element of the facet
    """
    ids = {str(e): i for i, e in enumerate(design.elements[facet])}
    unknown = [str(name) for name in named if str(name) not in ids]
    if unknown:
        raise DataError(
            f"{what}: {unknown[0]!r} is not an element of facet {design.facets[facet]!r} "
            f"({len(ids)} elements, such as {next(iter(ids))!r}). Correct the id, or leave it out."
        )
    return np.array([ids[str(name)] for name in named], dtype=np.int64)


def _numbers(column: pd.Series[Any], name: str) -> Floats:
    if column.dtype.kind in "fiub":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() & column.notna()
    if wrong.any():
        found = column[wrong].iloc[0]
        raise DataError(f"ratings: column {name!r} holds {found!r}; numbers are expected. Correct or empty the cell.")
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


def _code(column: pd.Series[Any]) -> tuple[Ints, NDArray[Any]]:
    """Codes (-1 missing) into the sorted text of the ids; 7 and "7" are the same id."""
    raw, found = pd.factorize(column, use_na_sentinel=True)
    ids, position = np.unique(np.array([_text(value) for value in found], dtype=object), return_inverse=True)
    if not len(ids):
        return raw.astype(np.int64), ids
    return np.where(raw >= 0, position[raw], -1).astype(np.int64), ids


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, (float, np.floating)) and float(value).is_integer() else str(value)


def _compact(code: Ints, ids: NDArray[Any]) -> tuple[Ints, NDArray[Any]]:
    present, position = np.unique(code, return_inverse=True)
    return position.astype(np.int64), ids[present]


def _order(codes: Sequence[Ints], sizes: Sequence[int], rating: Floats, weight: Floats) -> Ints:
    cells = float(np.prod([float(s) for s in sizes]))
    _, place = np.unique(rating, return_inverse=True) if len(rating) else (None, np.zeros(0, dtype=np.int64))
    categories = int(place.max(initial=0)) + 1
    if cells * categories < 2**62 and not (weight != weight[0]).any():
        key = np.zeros(len(rating), dtype=np.int64)
        for code, size in zip(codes, sizes, strict=True):
            key = key * size + code
        return np.argsort(key * categories + place, kind="stable")
    return np.lexsort((weight, rating, *reversed(codes)))


def _steps(values: Floats) -> tuple[float, Ints]:
    """The smallest distance of two ratings, and how many such steps each lies above the lowest (ranks if uneven)."""
    if len(values) < 2:
        return 1.0, np.zeros(len(values), dtype=np.int64)
    step = float(np.diff(values).min())
    offset = (values - values[0]) / step
    even = np.allclose(offset, np.round(offset), atol=1e-6)
    return (step if even else np.nan), (np.round(offset) if even else np.arange(len(values))).astype(np.int64)


def _unused(values: Floats, seen: Bools, step: float, offset: Ints) -> Floats:
    used = offset[seen]
    if not len(used) or not np.isfinite(step):
        return np.zeros(0)
    missing = np.setdiff1d(np.arange(used[0], used[-1] + 1), used)
    return np.asarray(values[0] + missing * step, dtype=np.float64)
