"""The many-facet Rasch model on ten marks: Newton's step written out, repeated, and then `fit_raters`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja import wording
from kinerja.methods import Shown, Working
from kinerja.raters.rasch import fit_raters
from kinerja.show.blocks import prose
from kinerja.show.tables import code, number, table, words

Floats = npt.NDArray[np.float64]

MARKS = pd.DataFrame(
    [
        ("A", "X", 1), ("A", "Y", 0), ("B", "X", 1), ("B", "Y", 1), ("B", "Z", 0),
        ("C", "X", 0), ("C", "Y", 1), ("C", "Z", 1), ("D", "Y", 0), ("D", "Z", 1),
    ],
    columns=["ratee", "rater", "rating"],
)  # fmt: skip
"""Ten marks (1 good, 0 not yet) of four people by three raters; nobody is rated by everyone."""

STEPS = 200
"""Repetitions of the step: far more than the about thirty after which nothing moves."""


def severity(language: wording.Language) -> Working:
    """log odds of a 1 = ability - severity; ability and severity from observed minus expected marks."""
    people, raters = sorted(set(MARKS["ratee"])), sorted(set(MARKS["rater"]))
    person = MARKS["ratee"].map(people.index).to_numpy()
    rater = MARKS["rater"].map(raters.index).to_numpy()
    marks = MARKS["rating"].to_numpy(float)
    ability, strict = np.zeros(len(people)), np.zeros(len(raters))
    first = _step(marks, person, rater, ability, strict)
    for _ in range(STEPS):
        ability, strict = _step(marks, person, rater, ability, strict)[:2]
    fit = fit_raters(
        MARKS.astype({"rating": float}), facets=("ratee", "rater"), tolerance=1e-12, maximum_iterations=500
    )
    observed = np.concatenate([np.bincount(person, marks), np.bincount(rater, marks)])
    rows = pd.DataFrame(
        {
            "facet": ["ratee"] * len(people) + ["rater"] * len(raters),
            "element": [*people, *raters],
            "n": np.concatenate([np.bincount(person), np.bincount(rater)]),
            "marks": observed,
            "expected_first": first[2],
            "information_first": first[3],
            "first_step": np.concatenate(first[:2]),
            "by_hand": np.concatenate([ability, strict]),
            "by_package": np.concatenate(
                [
                    fit.measures("ratee").reindex(people).to_numpy(float),
                    fit.measures("rater").reindex(raters).to_numpy(float),
                ]
            ),
        }
    )
    blocks: list[Shown] = [
        prose("methods.severity.text", "methods.severity.step", language=language, lead=True),
        table(
            rows,
            columns=[
                code("facet"),
                words("element", label=wording.text("methods.severity.who", language)),
                number("n", 0),
                number("marks", 0),
                number("expected_first", 2),
                number("information_first", 2),
                number("first_step", 3, signed=True),
                number("by_hand", 4, signed=True),
                number("by_package", 4, signed=True),
            ],
            language=language,
            caption_key="methods.severity.caption",
            note_key="methods.severity.note",
            name="worked_severity",
        ),
    ]
    return Working(
        blocks=blocks, by_hand=rows["by_hand"].to_numpy(float), by_package=rows["by_package"].to_numpy(float)
    )


def _step(
    marks: Floats, person: npt.NDArray[np.int64], rater: npt.NDArray[np.int64], ability: Floats, strict: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """One Newton step: everyone moves by (observed - expected) / information; raters then have mean zero.

    Half of each move is taken, so that people and raters, who are moved at once, do not both make up one difference.
    Returns (ability, severity, expected marks, information), the last two before the step.
    """
    chance = 1 / (1 + np.exp(strict[rater] - ability[person]))
    spread = chance * (1 - chance)
    excess = marks - chance
    new_ability = ability + 0.5 * np.bincount(person, excess) / np.bincount(person, spread)
    new_strict = strict - 0.5 * np.bincount(rater, excess) / np.bincount(rater, spread)
    centre = new_strict.mean()
    expected = np.concatenate([np.bincount(person, chance), np.bincount(rater, chance)])
    information = np.concatenate([np.bincount(person, spread), np.bincount(rater, spread)])
    return new_ability - centre, new_strict - centre, expected, information
