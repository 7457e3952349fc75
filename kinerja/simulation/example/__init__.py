"""The example office, Kecamatan Andir of Bandung, with people and figures that are all invented.

`python -m kinerja.simulation.example [FOLDER]` writes it again: pegawai.xlsx, penilaian.csv, iku.xlsx,
survei_kepuasan.csv and, in a folder of its own that no evaluation reads, the truth from which they were drawn.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from kinerja.simulation.example import files
from kinerja.simulation.example.office import ExampleOffice, build_office
from kinerja.simulation.example.survey import draw_responses
from kinerja.simulation.example.work import draw_indicators, draw_ratings, draw_unit_indicators, true_scores

SEED = 20260930


@dataclass(frozen=True, eq=False, kw_only=True)
class Example:
    """The example before it becomes files.

    Fields
    ------
    office : people, postings, supervisors, teams, units with their true effects
    truth : one row a person and quarter; `true_points` on the 0-100 scale
    ratings : period, ratee, rater, role, 21 behaviours (1-5), wide
    indicators : employees' indicators; unit_indicators : units'
    responses : citizens' answers, nine elements (1-4 or NaN)
    """

    office: ExampleOffice
    truth: pd.DataFrame
    ratings: pd.DataFrame
    indicators: pd.DataFrame
    unit_indicators: pd.DataFrame
    responses: pd.DataFrame


def example_folder() -> Path:
    """Where the example's files are in the installed package."""
    return Path(str(resources.files("kinerja"))) / "example"


def make_example(*, seed: int = SEED) -> Example:
    """Draw the example office; each part has its own stream, so that changing one leaves the others as they are."""
    people, scores, ratings, work, unit_work, survey = (np.random.default_rng([seed, part]) for part in range(6))
    office = build_office(people)
    truth = true_scores(office, scores)
    return Example(
        office=office,
        truth=truth,
        ratings=draw_ratings(office, truth, ratings),
        indicators=draw_indicators(truth, work),
        unit_indicators=draw_unit_indicators(office, unit_work),
        responses=draw_responses(office, survey),
    )


def write_example(folder: str | Path, *, seed: int = SEED) -> Path:
    """Write the example's files into `folder`, the truth into `folder`/truth; the same seed gives the same bytes."""
    folder = Path(folder)
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    example = make_example(seed=seed)
    files.write_staff(folder / "pegawai.xlsx", example.office)
    files.write_ratings(folder / "penilaian.csv", example.ratings)
    files.write_indicators(folder / "iku.xlsx", example.indicators, example.unit_indicators)
    files.write_responses(folder / "survei_kepuasan.csv", example.responses)
    truth = example.truth[["period", "ratee", "unit", "team", "supervisor", "true_points"]]
    office = example.office
    frames = {"staff": truth, "supervisors": office.supervisors, "teams": office.teams, "units": office.units}
    files.write_truth(folder / "truth", frames)
    return folder


if __name__ == "__main__":
    print(write_example(sys.argv[1] if len(sys.argv) > 1 else example_folder()))
