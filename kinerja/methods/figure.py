"""The benchmark of every way of adjusting ratings as one table: what helps, what harms, and by how much."""

from __future__ import annotations

from kinerja import wording
from kinerja.show.tables import Column, Table, code, number, table, words
from kinerja.simulation.benchmark import BENCHMARK_LEVEL, Benchmark


def benchmark_table(found: Benchmark, language: wording.Language) -> Table:
    """Error relative to raw ratings by scenario and method; below 1 is better than doing nothing."""
    shown: list[Column] = [
        words("scenario"),
        code("method"),
        number("error_ratio", 3),
        number("worst", 3),
        number("removed", 2),
        number("coverage", 2),
        number("evidence_team", 2),
    ]
    return table(
        found.summary,
        columns=shown,
        language=language,
        caption_key="benchmark.caption",
        note_key="benchmark.note",
        values={"level": BENCHMARK_LEVEL},
        name="benchmark",
    )
