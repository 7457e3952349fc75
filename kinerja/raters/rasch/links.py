"""Which elements can be compared: the rater-ratee graph and everything else the design leaves undetermined.

Two raters can be compared only where a chain of shared ratees links them. Common items link nothing: every rater uses
them, so that a union over all facets would hide that raters are nested. Hence components are found for each pair of
facets, and the rank of the whole design is checked besides (Linacre 1994, ch. 9; Engelhard & Wind 2018, ch. 5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from kinerja.raters.rasch.design import Bools, Design, Floats, Ints, totals
from kinerja.raters.rasch.information import Constraint, Information, build_layout, solve

LOOSE = 1e-6
"""A direction that the design leaves free moves some element by more than this (of a random direction's length 1)."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Links:
    """What shifts freely: within a component of two facets, one facet's measures may rise as the other's fall.

    Fields
    ------
    pairs : pairs of facets
    labels : for each pair the component of each element of the first and second facet; -1 where an anchor holds it
    subset : for each facet the subset (component of ratees and raters) of each element; -1 where it spans several
    n_subsets : how many
    undetermined : for each facet, elements that the rank of the design leaves open besides
    """

    pairs: tuple[tuple[int, int], ...]
    labels: tuple[tuple[Ints, Ints], ...]
    subset: tuple[Ints, ...]
    n_subsets: int
    undetermined: tuple[Bools, ...]


def find_links(design: Design, noncentre: int, rater: int | None, ratee: int, anchored: tuple[Bools, ...]) -> Links:
    """Components of every pair of facets over the rows given, subsets of the rater-ratee graph, and the rank check."""
    facets = range(len(design.facets))
    order = [noncentre, *[f for f in facets if f != noncentre]]
    pairs, labels = [], []
    for place, one in enumerate(order):
        for two in order[place + 1 :]:
            first, second, _ = components(design, one, two)
            if place == 0 or len(np.unique(first)) > 1:
                pairs.append((one, two))
                labels.append(_release_anchored(first, second, anchored[one], anchored[two]))
    subset, number = _subsets(design, ratee, rater)
    free = Links(pairs=tuple(pairs), labels=tuple(labels), subset=subset, n_subsets=number,
                 undetermined=tuple(np.zeros(design.size(f), dtype=bool) for f in facets))  # fmt: skip
    return Links(pairs=free.pairs, labels=free.labels, subset=subset, n_subsets=number,
                 undetermined=_rank_check(design, free, noncentre, anchored))  # fmt: skip


def components(design: Design, one: int, two: int) -> tuple[Ints, Ints, int]:
    """Component of each element of both facets in the graph whose edges are the rows, and their number."""
    sizes = design.size(one), design.size(two)
    graph = sparse.coo_matrix(
        (np.ones(design.n, dtype=np.int8), (design.codes[one], design.codes[two] + sizes[0])),
        shape=(sum(sizes), sum(sizes)),
    ).tocsr()
    number, label = connected_components(graph, directed=False)
    label = label.astype(np.int64)
    return label[: sizes[0]], label[sizes[0] :], int(number)


def _release_anchored(first: Ints, second: Ints, held_one: Bools, held_two: Bools) -> tuple[Ints, Ints]:
    """A component with an anchored element cannot shift: its elements get the label -1."""
    held = np.union1d(first[held_one], second[held_two])
    return np.where(np.isin(first, held), -1, first), np.where(np.isin(second, held), -1, second)


def _subsets(design: Design, ratee: int, rater: int | None) -> tuple[tuple[Ints, ...], int]:
    """Subset of every element; those of ratees and raters by component, others where all their rows are in one."""
    if rater is None or rater == ratee:
        return tuple(np.zeros(design.size(f), dtype=np.int64) for f in range(len(design.facets))), 1
    by_ratee, by_rater, number = components(design, ratee, rater)
    present, of_row = np.unique(by_ratee[design.codes[ratee]], return_inverse=True)
    rank = np.full(number, -1, dtype=np.int64)
    rank[present] = np.arange(len(present))
    found = []
    for f in range(len(design.facets)):
        if f in (ratee, rater):
            found.append(rank[by_ratee if f == ratee else by_rater])
            continue
        size = design.size(f)
        if len(present) == 1:
            found.append(np.zeros(size, dtype=np.int64))
            continue
        low, high = np.full(size, len(present)), np.full(size, -1)
        np.minimum.at(low, design.codes[f], of_row)
        np.maximum.at(high, design.codes[f], of_row)
        found.append(np.where(low == high, low, -1).astype(np.int64))
    return tuple(found), len(present)


def centre(
    measures: list[Floats], signs: Floats, links: Links, noncentre: int, counted: tuple[Bools, ...], rounds: int = 200
) -> list[Floats]:
    """The same fit with every centred facet at mean zero within each of its components.

    counted : which elements the mean is taken over (extreme ones are not). Where two centred facets are nested in each
    other, the one with more elements is centred within each component, and the pairs are visited until nothing moves.
    """
    measures = [m.copy() for m in measures]
    for _ in range(rounds):
        moved = 0.0
        for (one, two), (first, second) in zip(links.pairs, links.labels, strict=True):
            shift = _shift(measures, signs, one, two, first, second, noncentre, counted)
            measures[one] += np.where(first >= 0, shift[first], 0.0) * signs[one]
            measures[two] -= np.where(second >= 0, shift[second], 0.0) * signs[two]
            moved = max(moved, float(np.abs(shift).max(initial=0.0)))
        if moved < 1e-13:
            break
    return measures


def _shift(
    measures: list[Floats], signs: Floats, one: int, two: int, first: Ints, second: Ints, noncentre: int,
    counted: tuple[Bools, ...],
) -> Floats:  # fmt: skip
    """What the first facet's part of eta gains in each component (the last entry, for label -1, is 0)."""
    size = int(max(first.max(initial=-1), second.max(initial=-1))) + 2
    total, count = np.zeros(size), np.zeros(size)
    centred = {two} if one == noncentre else {max(one, two, key=lambda f: len(measures[f]))}
    for facet, label, side in ((one, first, -1.0), (two, second, 1.0)):
        if facet in centred:
            use = counted[facet] & (label >= 0)
            total += totals(label[use], side * signs[facet] * measures[facet][use], size)
            count += np.bincount(label[use], minlength=size)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), 0.0), dtype=np.float64)


def _rank_check(design: Design, links: Links, noncentre: int, anchored: tuple[Bools, ...]) -> tuple[Bools, ...]:
    """Elements that move in a null direction of the design which no component explains.

    A fixed quasi-random direction r is projected on the null space (r minus the least-squares solution for its own
    fitted values); centring removes what the components explain; what is left is undetermined.
    """
    sizes = [design.size(f) for f in range(len(design.facets))]
    layout = build_layout(sizes, design.codes, range(len(sizes)))
    ones = np.ones(design.n)
    information = Information(
        layout=layout,
        diagonal=[layout.sums(f, ones) for f in range(len(sizes))],
        cross={
            (i, j): layout.cross(i, j, np.full(design.n, design.signs[i] * design.signs[j])) for i, j in layout.patterns
        },
    )
    direction = np.sin(np.arange(1, layout.n + 1) * 12.9898) * 1.6
    constraint = Constraint(fixed=np.concatenate(anchored))
    direction[constraint.fixed] = 0.0
    fitted, _ = solve(information, information.times(direction), constraint, tolerance=1e-12)
    null = direction - fitted
    parts = [null[layout.block(f)] for f in range(len(sizes))]
    left = centre(parts, design.signs, links, noncentre, tuple(~a for a in anchored))
    seen = [information.diagonal[f] > 0 for f in range(len(sizes))]
    return tuple((np.abs(part) > LOOSE) & there for part, there in zip(left, seen, strict=True))


def nested_pairs(links: Links, noncentre: int, sizes: tuple[int, ...]) -> list[tuple[int, int, Bools, int]]:
    """Centred facets of which one is nested in the other: the one with fewer elements and the other, which elements of
    the former are concerned, and the number of components. Their differences can't be told from those of the other."""
    found = []
    for (one, two), (first, second) in zip(links.pairs, links.labels, strict=True):
        number = len(np.unique(first[first >= 0]))
        if noncentre not in (one, two) and number > 1:
            few, many = sorted((one, two), key=lambda f: (sizes[f], f != one))
            label = first if few == one else second
            found.append((few, many, np.asarray(label >= 0, dtype=bool), number))
    return found


def subset_table(design: Design, links: Links, ratee: int, rater: int | None) -> pd.DataFrame:
    """One row a subset: counts of ratings, ratees and raters, and the raters' ids, so that it has a name."""
    columns = ["subset", "n", "ratees", "raters", "members"]
    if rater is None:
        return pd.DataFrame([(1, design.n, design.size(ratee), 0, "")], columns=columns)
    size = links.n_subsets
    rows = np.bincount(links.subset[ratee][design.codes[ratee]], minlength=size)
    members: list[list[str]] = [[] for _ in range(size)]
    for name, label in zip(design.elements[rater], links.subset[rater], strict=True):
        if label >= 0:
            members[label].append(str(name))
    ratees = np.bincount(links.subset[ratee][links.subset[ratee] >= 0], minlength=size)
    return pd.DataFrame(
        {"subset": np.arange(1, size + 1), "n": rows, "ratees": ratees, "raters": [len(m) for m in members],
         "members": [", ".join(m) for m in members]}
    )  # fmt: skip
