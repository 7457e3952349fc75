"""The rater model by itself: score = person + supervisor by least squares, the linear form of a many-facet model.

Supervisors are compared through people whom several of them rated (moves, second raters). Sets without a link between
them cannot be compared: as rater models do, each set is then taken to be equally good (Linacre's group anchoring),
which for nested teams is mean-centring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkedFit:
    """Least squares of person and supervisor effects.

    Fields
    ------
    rater : (J,) points that a supervisor adds, so that every linked set has the same mean person
    subset : (J,) number of the linked set;  n_subsets : how many
    """

    rater: Floats
    subset: Ints
    n_subsets: int


def fit_linked(score: Floats, ratee: Ints, rater: Ints) -> LinkedFit:
    """score, ratee, rater : (n,) one rating each; codes 0..P-1 and 0..J-1, every rater with a rating."""
    n_ratees, n_raters = int(ratee.max()) + 1, int(rater.max()) + 1
    met = sparse.csr_matrix((np.ones(len(score)), (ratee, rater)), shape=(n_ratees, n_raters))
    per_ratee = np.maximum(np.asarray(met.sum(axis=1)).ravel(), 1)
    graph = sparse.bmat([[None, met], [met.T, None]], format="csr")
    n_all, labels = connected_components(graph, directed=False)
    subset = np.unique(labels[n_ratees:], return_inverse=True)[1].astype(np.int64)
    mean = np.bincount(ratee, score, n_ratees) / per_ratee
    absorbed = sparse.diags(1 / per_ratee) @ met
    normal = (sparse.diags(np.bincount(rater, minlength=n_raters).astype(float)) - met.T @ absorbed).tocsc()
    right = np.bincount(rater, score, n_raters) - met.T @ mean
    first = np.unique(subset, return_index=True)[1]
    free = np.setdiff1d(np.arange(n_raters), first)
    effect = np.zeros(n_raters)
    if len(free):
        effect[free] = splu(normal[free][:, free].tocsc()).solve(right[free])
    person = mean - absorbed @ effect
    member = labels[:n_ratees]
    level = np.bincount(member, person, n_all) / np.maximum(np.bincount(member, minlength=n_all), 1)
    seen = np.bincount(ratee, minlength=n_ratees) > 0
    return LinkedFit(
        rater=effect + level[labels[n_ratees:]] - person[seen].mean(),
        subset=subset,
        n_subsets=int(subset.max()) + 1,
    )
