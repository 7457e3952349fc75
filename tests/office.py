"""A small office in files, its units as large and as good as a test wants, for reports made for real."""

from __future__ import annotations

import csv
from pathlib import Path

from kinerja.parameters import load_parameters

ANSWERS = ("U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "U9")


def write_office(folder: Path, people, *, quarter=3, extra="", comments=None, name="kantor"):
    """The parameters of an office of `people`: (id, unit, points); raters are one a unit, the units' first letters.

    comments : unit -> what one citizen wrote there
    """
    folder.mkdir(parents=True, exist_ok=True)
    month = 3 * quarter
    _csv(
        folder / f"{name}-pegawai.csv",
        ["ratee", "unit", "supervisor"],
        [[who, unit, f"AT-{unit[:3]}"] for who, unit, _ in people],
    )
    rated = [[w, f"AT-{u[:3]}", "supervisor", f"2026-{month:02d}-15", p] for w, u, p in people]
    _csv(folder / f"{name}-nilai.csv", ["ratee", "rater", "role", "date", "rating"], rated)
    units = sorted({unit for _, unit, _ in people})
    written = comments or {}
    asked = [
        [f"2026-{month:02d}-10", unit, *(2 + (k + j) % 3 for j in range(9)), "" if k else written.get(unit, "")]
        for unit in units
        for k in range(12)
    ]
    _csv(folder / f"{name}-survei.csv", ["date", "unit", *ANSWERS, "comment"], asked)
    lines = [
        "office: {name: Kantor Uji}",
        f"period: {{kind: quarter, year: 2026, number: {quarter}}}",
        "scoring: {scale: [0, 100]}",
        "feedback: {quote_comments: true}",
        "sources:",
        f"  staff: {{path: {name}-pegawai.csv}}",
        f"  ratings: {{path: {name}-nilai.csv}}",
        f"  responses: {{path: {name}-survei.csv}}",
        "output: {folder: hasil}",
        extra,
    ]
    path = folder / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_parameters(path)


def staffed(**units):
    """People of each unit with its points: `staffed(A=[60, 70])`."""
    return [(f"K{unit}{k:02d}", unit, points) for unit, given in units.items() for k, points in enumerate(given)]


def _csv(path, header, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
