"""A format from outside: one class and its entry point, nothing in this package."""

from __future__ import annotations

import json

import pytest

from kinerja.errors import DataError, ParameterError
from kinerja.inputs import formats, read_sources
from kinerja.parameters import Period, Privacy, Sources
from tests.outside import installed

LINES = '''
    import json

    import numpy as np
    import pandas as pd

    from kinerja.inputs.formats.table import Opened, RawTable


    class JsonLines:
        """One object a line."""

        name = "jsonl"
        suffixes = (".jsonl",)

        def can_read(self, head):
            return head.lstrip().startswith(b"{")

        def read(self, source, content, refuse):
            cells = pd.DataFrame([json.loads(line) for line in content.decode("utf-8").splitlines()])
            headers = tuple(cells.columns)
            cells.columns = range(len(headers))
            return Opened(tables=(RawTable(cells=cells, rows=np.arange(1, len(cells) + 1), headers=headers),))


    FORMAT = JsonLines()
'''
POINTS = {"kinerja.formats": "FORMAT"}


def _read(path):
    sources = Sources.model_validate({"staff": {"path": path}})
    return read_sources(sources, period=Period(kind="year", year=2026), privacy=Privacy())


def _staff(path):
    rows = [{"ratee": f"p{k}", "unit": "Satu" if k % 2 else "Dua"} for k in range(12)]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_a_format_from_outside_is_read(tmp_path):
    path = _staff(tmp_path / "pegawai.jsonl")
    with pytest.raises(DataError) as caught:
        _read(path)
    assert [p.code for p in caught.value.problems] == ["not_a_table"]
    with installed(tmp_path, "garis", LINES, POINTS):
        found = _read(path)
    assert set(found.staff["ratee"]) == {f"p{k}" for k in range(12)}
    (file,) = found.files.to_dict("records")
    assert (file["format"], file["rows_kept"], len(file["sha256"])) == ("jsonl", 12, 64)
    assert not [f for f in found.findings if f.code == "other_format"]


def test_another_ending_is_noted_for_it_as_for_any(tmp_path):
    with installed(tmp_path, "garis", LINES, POINTS):
        found = _read(_staff(tmp_path / "pegawai.csv"))
    (note,) = [f for f in found.findings if f.code == "other_format"]
    assert note.data["kind"] == "jsonl"


def test_the_own_formats_are_asked_before_and_text_at_the_end(tmp_path):
    with installed(tmp_path, "garis", LINES, POINTS):
        assert [each.name for each in formats.formats()] == ["xlsx", "parquet", "jsonl", "csv"]


@pytest.mark.parametrize("module", ['FORMAT = "jsonl"', LINES.replace('name = "jsonl"', 'name = "csv"')])
def test_what_is_no_format_or_has_a_taken_name_is_refused(tmp_path, module):
    with installed(tmp_path, "garis", module, POINTS), pytest.raises(ParameterError, match=r"garis:FORMAT") as caught:
        formats.formats()
    assert "kinerja.formats" in str(caught.value)
    assert "kind Format" in str(caught.value)
