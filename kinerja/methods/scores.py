"""Attainment of ten indicators and the satisfaction index of ten questionnaires, by hand and by the package."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from kinerja import wording
from kinerja.citizens import estimate_citizens
from kinerja.methods import Shown, Working
from kinerja.rules import load_rules
from kinerja.rules.lookup import elements
from kinerja.scoring.attainment import attain
from kinerja.show.blocks import prose
from kinerja.show.tables import code, number, table, words

ON = date(2026, 9, 30)
"""The day whose rules apply: the end of the example's period."""

INDICATORS = pd.DataFrame(
    [
        ("maximize", 100.0, np.nan, 90.0, "90 / 100 × 100", 100 * 90 / 100),
        ("maximize", 80.0, np.nan, 92.0, "92 / 80 × 100", 100 * 92 / 80),
        ("minimize_difference", 10.0, np.nan, 12.0, "(2 − 12 / 10) × 100", 100 * (2 - 12 / 10)),
        ("minimize_difference", 10.0, np.nan, 8.0, "(2 − 8 / 10) × 100", 100 * (2 - 8 / 10)),
        ("minimize_ratio", 10.0, np.nan, 12.5, "10 / 12.5 × 100", 100 * 10 / 12.5),
        ("stabilize", 50.0, np.nan, 45.0, "45 / 50 × 100", 100 * 45 / 50),
        ("stabilize", 50.0, np.nan, 55.0, "(2 − 55 / 50) × 100", 100 * (2 - 55 / 50)),
        ("range", 40.0, 60.0, 52.0, "40 ≤ 52 ≤ 60", 100.0),
        ("range", 40.0, 60.0, 30.0, "30 / 40 × 100", 100 * 30 / 40),
        ("range_minimize", 40.0, 60.0, 66.0, "(2 − 66 / 60) × 100", 100 * (2 - 66 / 60)),
    ],
    columns=["polarity", "target", "target_high", "realisation", "worked", "by_hand"],
)

ANSWERS = np.array(
    [[int(mark) for mark in row] for row in (
        "333433333", "434444344", "323333233", "444444444", "333333333",
        "223322232", "434334343", "333443334", "323433323", "444344443",
    )],
    dtype=np.float64,
)  # fmt: skip
"""Ten questionnaires, nine elements each, marks 1 to 4."""


def attainment(language: wording.Language) -> Working:
    """Each polarity's formula with its numbers written out."""
    names = [f"K{i:02d}" for i in range(1, len(INDICATORS) + 1)]
    given = INDICATORS.drop(columns=["worked", "by_hand"]).assign(
        indicator=names, period="2026-Q3", ratee="A", weight=1.0
    )
    found = attain(given, rules=load_rules(on=ON), polarity={}, cap=None, floor=None, as_of=None)
    rows = INDICATORS.assign(
        indicator=names, by_package=found.set_index("indicator")["attainment"].reindex(names).array
    )
    blocks: list[Shown] = [
        prose("methods.attainment.text", language=language, lead=True),
        table(
            rows,
            columns=[
                words("indicator"),
                code("polarity"),
                number("target", 0),
                number("target_high", 0),
                number("realisation", 1),
                words("worked"),
                number("by_hand", 2),
                number("by_package", 2),
            ],
            language=language,
            caption_key="methods.attainment.caption",
            name="worked_attainment",
        ),
    ]
    return Working(
        blocks=blocks, by_hand=rows["by_hand"].to_numpy(float), by_package=rows["by_package"].to_numpy(float)
    )


def index(language: wording.Language) -> Working:
    """Mean of each element, weight one ninth, times 25."""
    rules = load_rules(on=ON)
    names = list(elements(rules))
    responses = pd.DataFrame(ANSWERS, columns=names).assign(
        period="2026-Q3", unit="A", response=[f"R{i:02d}" for i in range(1, len(ANSWERS) + 1)]
    )
    found = estimate_citizens(responses, rules=rules, period="2026-Q3")
    office = found.index[found.index["level"] == "office"].iloc[0]
    package = found.elements[found.elements["level"] == "office"].set_index("element")["estimate"]
    sums = ANSWERS.sum(axis=0)
    means = sums / len(ANSWERS)
    by_hand = float((means * (1 / len(names))).sum() * 25)
    rows = pd.DataFrame(
        {"element": names, "marks": sums, "by_hand": means, "by_package": package.reindex(names).to_numpy(float)}
    )
    total = pd.DataFrame(
        {"element": ["index"], "marks": [np.nan], "by_hand": [by_hand], "by_package": [float(office["estimate"])]}
    )
    rows = pd.concat([rows, total.astype(rows.dtypes.to_dict())], ignore_index=True)
    blocks: list[Shown] = [
        prose("methods.index.text", language=language, lead=True),
        table(
            rows,
            columns=[code("element"), number("marks", 0), number("by_hand", 3), number("by_package", 3)],
            language=language,
            caption_key="methods.index.caption",
            note_key="methods.index.note",
            name="worked_index",
            values={"n": len(ANSWERS)},
        ),
    ]
    return Working(
        blocks=blocks, by_hand=rows["by_hand"].to_numpy(float), by_package=rows["by_package"].to_numpy(float)
    )
