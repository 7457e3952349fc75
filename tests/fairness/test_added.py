"""A check from outside: one file and its words, nothing in this package; and the checks of the package as a list."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from kinerja import wording
from kinerja.errors import ParameterError
from kinerja.evaluation.storage import load_record, save_record
from kinerja.fairness import check_fairness, checks
from kinerja.fairness.section import fairness
from kinerja.show.blocks import Block
from kinerja.show.tables import Table
from tests.outside import installed

SIZES = """
    import pandas as pd

    from kinerja.fairness.check import Check
    from kinerja.results import Finding

    COLUMNS = ("attribute", "group", "n", "share_of_all", "status", "reason")


    def run(given):
        rows = [
            (attribute, str(group), int(n), n / len(given.persons), "ok", "")
            for attribute in given.attributes
            for group, n in given.persons[attribute].value_counts().sort_index().items()
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))


    def findings(given, tables):
        yield Finding(level="note", code="sizes_seen", data={"n": len(tables["sizes"]), "m": len(tables["checks"])})


    CHECK = Check(name="sizes", columns=COLUMNS, run=run, findings=findings)
"""
WORDS = [
    ("fairness.sizes", "sentence", "How large the groups are", "Seberapa besar tiap kelompok"),
    ("finding.sizes_seen", "sentence", "{n} groups were counted.", "{n} kelompok telah dihitung."),
    ("share_of_all", "label", "Share of all", "Bagian dari seluruhnya"),
]
POINTS = {"kinerja.fairness": "CHECK"}


def _check(**settings):
    rng = np.random.default_rng(7)
    ids = [f"p{k:02d}" for k in range(48)]
    persons = pd.DataFrame(
        {"ratee": ids, "unit": ["Satu", "Dua"] * 24, "supervisor": ["s1", "s2"] * 24, "observed": rng.normal(75, 5, 48)}
    )
    staff = pd.DataFrame({"ratee": ids, "gender": ["f", "f", "m", "m"] * 12})
    return check_fairness(persons, staff, groups=["gender"], permutations=50, **settings)


def test_a_check_from_outside_is_in_the_result_its_findings_and_the_section(tmp_path):
    without = _check()
    with installed(tmp_path, "ukuran", SIZES, POINTS, WORDS):
        found = _check()
        blocks = {language: list(fairness(found, language)) for language in wording.LANGUAGES}
    assert list(without.more) == []
    assert list(found.more) == ["sizes"]
    assert list(found.more["sizes"]["n"]) == [24, 24]
    assert found.findings[:-1] == without.findings
    assert found.findings[-1].code == "sizes_seen"
    assert found.findings[-1].data["m"] == len(found.checks)
    for language, caption, label in (
        ("en", "How large the groups are", "Share of all"),
        ("id", "Seberapa besar tiap kelompok", "Bagian dari seluruhnya"),
    ):
        (shown,) = [b for b in blocks[language] if isinstance(b, Table) and b.name == "fairness_sizes"]
        assert shown.caption == caption
        assert [c.key for c in shown.columns] == ["attribute", "group", "n", "share_of_all"]
        assert shown.columns[-1].label == label
        told = [b.plain for b in blocks[language] if isinstance(b, Block)]
        assert any(wording.number(2, 0, language) + (" groups" if language == "en" else " kelompok") in t for t in told)


def test_its_table_is_kept_with_the_run_and_a_run_of_before_has_none(tmp_path):
    with installed(tmp_path, "ukuran", SIZES, POINTS, WORDS):
        found = _check()
    save_record(found, tmp_path / "kept")
    pd.testing.assert_frame_equal(load_record(tmp_path / "kept").more["sizes"], found.more["sizes"])
    record = tmp_path / "kept" / "record.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    del content["fields"]["more"]
    record.write_text(json.dumps(content), encoding="utf-8")
    assert dict(load_record(tmp_path / "kept").more) == {}


def test_a_suppressed_row_of_it_shows_no_number(tmp_path):
    with installed(tmp_path, "ukuran", SIZES.replace('"ok"', '"suppressed"'), POINTS, WORDS):
        (shown,) = [b for b in fairness(_check(), "en") if isinstance(b, Table) and b.name == "fairness_sizes"]
    assert all(row[2:] == (None, None) for row in shown.rows)


def test_a_table_that_is_not_as_its_check_says_is_refused(tmp_path):
    module = SIZES.replace("columns=list(COLUMNS)", 'columns=[*COLUMNS[:-1], "why"]')
    with installed(tmp_path, "ukuran", module, POINTS), pytest.raises(ParameterError, match=r"sizes has the .*why"):
        _check()


def test_a_name_that_is_taken_is_refused(tmp_path):
    module = SIZES.replace('name="sizes"', 'name="strata"')
    with installed(tmp_path, "ukuran", module, POINTS), pytest.raises(ParameterError, match="kind Check"):
        checks.more()


def test_the_tables_of_the_package_are_the_fields_of_the_result():
    found = _check()
    for check in checks.OWN:
        assert list(getattr(found, check.name).columns) == list(check.columns)
