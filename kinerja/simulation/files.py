"""A simulated office as files that an evaluation can read, with a parameters file, and the truth in a folder apart."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kinerja.simulation import SimulatedOffice

PARAMETERS = """\
# A simulated office (scenario {name}, seed {seed}): invented data with known truth, for training and tests.
office:
  name: Kantor simulasi {name}
period:
  kind: quarter
  year: {year}
  number: {quarter}
sources:
{sources}
scoring:
  scale: [{lowest:.0f}, {highest:.0f}]
feedback:
  attributes: [age, sex]
groups: [group]
output:
  folder: outputs
  run: simulated-{run}
"""

SOURCE = """\
  {kind}:
    path: {kind}.csv
    columns: {{{columns}}}
"""


def write_office(office: SimulatedOffice, folder: str | Path) -> Path:
    """Write staff, ratings, indicators and responses as CSV, parameters.yaml, and truth/*.csv; the folder.

    Attainment is written as an indicator with target 100 whose realisation is the points, so that it scores as drawn.
    """
    folder = Path(folder)
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    frames = {
        "staff": office.staff,
        "ratings": office.ratings.assign(rating=office.ratings["rating"].astype(int)),
        "indicators": _indicators(office.indicators),
        "responses": office.responses,
    }
    written = {kind: frame for kind, frame in frames.items() if len(frame)}
    for kind, frame in written.items():
        _write(frame, folder / f"{kind}.csv")
    for name in ("true_scores", "true_raters", "true_units"):
        _write(getattr(office, name).round(4), folder / "truth" / f"{name.removeprefix('true_')}.csv")
    (folder / "parameters.yaml").write_text(_parameters(office, written), encoding="utf-8", newline="\n")
    return folder


def _indicators(points: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "period": points["period"],
            "ratee": points["ratee"],
            "indicator": "attainment",
            "target": 100,
            "realisation": points["points"].round(2),
            "polarity": "maximize",
            "weight": 100,
        }
    )


def _parameters(office: SimulatedOffice, written: dict[str, pd.DataFrame]) -> str:
    year, quarter = office.staff["period"].max().split("-Q")
    sources = "".join(
        SOURCE.format(kind=kind, columns=", ".join(f"{c}: {c}" for c in frame.columns))
        for kind, frame in written.items()
    )
    lowest, highest = office.scenario.scale
    return PARAMETERS.format(
        name=office.scenario.name,
        run=office.scenario.name.lower(),
        seed=office.seed,
        year=year,
        quarter=quarter,
        sources=sources.rstrip("\n"),
        lowest=lowest,
        highest=highest,
    )


def _write(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n", date_format="%Y-%m-%d")
