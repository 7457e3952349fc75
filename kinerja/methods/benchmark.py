"""Ways of adjusting ratings held against the truth: z-scores worked by hand, and the benchmark's published results."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from kinerja import wording
from kinerja.methods import Shown, Working
from kinerja.methods.calibration import PEOPLE
from kinerja.places import RESULTS
from kinerja.show.blocks import prose
from kinerja.show.charts import dot_interval_chart
from kinerja.show.tables import Table, number, percent, table, words
from kinerja.simulation.alternatives.within import mean_centred, zscores
from kinerja.simulation.benchmark import BENCHMARK_LEVEL

SHOWN = ("C01", "C02", "C04", "C06", "C08", "C12", "C17", "S1", "S6")
"""Scenarios of the table: all evidence, citizens only, none, moves, second raters, citizens who know nothing, no
severity at all, a small office with and without evidence."""

CHARTS = ("C01", "C17")
BEYOND = ("posterior", "inherited", "perfect_severity")
"""Not ways of adjusting ratings: the other output, another prior, the limit."""


def alternatives(language: wording.Language) -> Working:
    """Centring and z-scores make every team's mean equal: by hand for the ten people; then the benchmark."""
    team = pd.factorize(PEOPLE["team"])[0]
    marks = PEOPLE["rating"].to_numpy(float)
    means = PEOPLE.groupby("team")["rating"].transform("mean").to_numpy(float)
    spread = PEOPLE.groupby("team")["rating"].transform("std").to_numpy(float)
    centred = marks - means + marks.mean()
    scored = (marks - means) / spread * marks.std() + marks.mean()
    package = mean_centred(marks, team), zscores(marks, team)
    rows = PEOPLE[["ratee", "team", "rating"]].assign(centred_hand=centred, zscore_hand=scored)
    blocks: list[Shown] = [
        prose("methods.alternatives.text", language=language, lead=True),
        table(
            rows,
            columns=[
                words("ratee"),
                words("team"),
                number("rating", 0),
                number("centred_hand", 1, label=wording.label("method.centred", language)),
                number("zscore_hand", 1, label=wording.label("method.zscore", language)),
            ],
            language=language,
            caption_key="methods.alternatives.ten",
            note_key="methods.alternatives.ten_note",
            name="worked_alternatives",
        ),
        *_published(language),
    ]
    return Working(blocks=blocks, by_hand=np.concatenate([centred, scored]), by_package=np.concatenate(package))


def _published(language: wording.Language) -> Iterator[Shown]:
    """The benchmark's table and figure, from files whose first line names the command that wrote them."""
    yield prose("methods.alternatives.read", language=language)
    figure = pd.read_csv(RESULTS / "calibration_figure.csv", comment="#")
    named = figure.assign(way=[wording.label(f"method.{name}", language) for name in figure["method"]])
    for scenario in CHARTS:
        yield dot_interval_chart(
            named[(named["scenario"] == scenario) & ~named["method"].isin(BEYOND)],
            label="way",
            confidence=BENCHMARK_LEVEL,
            estimate="error_ratio",
            n="",
            digits=2,
            reference=1.0,
            reference_label=wording.text("methods.alternatives.raw", language),
            axis=wording.text("methods.alternatives.axis", language),
            language=language,
            caption_key=f"methods.alternatives.{scenario.lower()}",
            name=f"benchmark_{scenario.lower()}",
        )
    summary = pd.read_csv(RESULTS / "calibration_summary.csv", comment="#")
    yield _summary(summary[summary["scenario"].isin(SHOWN)], language)
    targets = pd.read_csv(RESULTS / "calibration_targets.csv", comment="#")
    yield prose("methods.alternatives.targets", language=language, met=int(targets["met"].sum()), total=len(targets))


def _summary(found: pd.DataFrame, language: wording.Language) -> Table:
    """One row a scenario: the calibration beside the usual ways."""
    wide = found.pivot(index="scenario", columns="method", values="error_ratio")
    ways = [way for way in ("zscore", "forced", "moderated", "shrinkage", "calibrated") if way in wide]
    own = found[found["method"] == "calibrated"].set_index("scenario")
    rows = wide[ways].assign(worst=own["worst"], evidence_team=own["evidence_team"], coverage=own["coverage"])
    rows = rows.loc[[name for name in SHOWN if name in rows.index]].reset_index()
    rows["scenario"] = [wording.text(f"methods.scenario.{name.lower()}", language) for name in rows["scenario"]]
    return table(
        rows,
        columns=[
            words("scenario"),
            *(number(way, 2, label=wording.label(f"method.{way}", language)) for way in ways),
            number("worst", 2),
            percent("evidence_team"),
            percent("coverage"),
        ],
        language=language,
        caption_key="methods.alternatives.caption",
        note_key="methods.alternatives.note",
        values={"level": BENCHMARK_LEVEL},
        name="benchmark",
    )
