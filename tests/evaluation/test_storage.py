from __future__ import annotations

import json
from dataclasses import is_dataclass
from datetime import date
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from kinerja.errors import DataError, Problem
from kinerja.evaluation.storage import NAMES_OF_0_1, RECORD, RECORDS, load_record, save_record
from kinerja.results import Convergence, Finding


def _files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_record_comes_back_as_it_was(tmp_path):
    table = pd.DataFrame({"ratee": ["a", None], "estimate": [1.5, np.nan]}, index=pd.Index([3, 7], name="row"))
    data = {
        "table": table,
        "array": np.arange(6.0).reshape(2, 3),
        "infinite": float("inf"),
        "day": date(2026, 9, 30),
        "nested": (Convergence(converged=True, iterations=3, tolerance=1e-6, change=0.0, code="tolerance"),),
        ("a", 1): [None, True, "x"],
    }
    save_record(Finding(level="note", code="x", data=data), tmp_path / "f")
    found = load_record(tmp_path / "f")
    pd.testing.assert_frame_equal(found.data["table"], table)
    np.testing.assert_array_equal(found.data["array"], data["array"])
    for key in ("infinite", "day", "nested", ("a", 1)):
        assert found.data[key] == data[key]


def test_the_same_record_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        table = pd.DataFrame({"x": np.arange(5.0)})
        save_record(Finding(level="note", code="x", data={"t": table, "n": 5}), tmp_path / name)
    assert _files(tmp_path / "one") == _files(tmp_path / "two")


@pytest.mark.parametrize("key", ["record", "class"])
@pytest.mark.parametrize(
    "name", ["os:system", "kinerja.wording:text", "kinerja.results:Nothing", "kinerja.errors:Problem.x"]
)
def test_only_records_of_the_package_are_loaded(tmp_path, key, name):
    (tmp_path / RECORD).write_text(json.dumps({key: name, "fields": {}}))
    with pytest.raises(DataError, match=r"record\.json"):
        load_record(tmp_path)


def test_a_missing_record_says_the_way_out(tmp_path):
    with pytest.raises(DataError, match="run the report again"):
        load_record(tmp_path)


def test_every_named_record_is_there_and_every_name_of_0_1_has_one():
    for home in RECORDS.values():
        module, _, name = home.partition(":")
        assert is_dataclass(getattr(import_module(module), name))
    assert set(NAMES_OF_0_1.values()) <= set(RECORDS)


def test_what_has_no_name_cannot_be_saved(tmp_path):
    with pytest.raises(TypeError, match="no name in RECORDS"):
        save_record(Problem(where="x", code="y"), tmp_path / "p")
