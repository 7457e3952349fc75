from __future__ import annotations

import csv
import string
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from kinerja import wording


@pytest.mark.parametrize(
    ("value", "digits", "indonesian", "english"),
    [
        (12345.6, 1, "12.345,6", "12,345.6"),
        (93.8, 1, "93,8", "93.8"),
        (2.5, 0, "3", "3"),  # half up, as the rules count; Python's own rounding gives 2
        (-0.04, 1, "0,0", "0.0"),
        (-1.25, 1, "−1,3", "−1.3"),
        (7, None, "7", "7"),
        (float("nan"), 2, "–", "–"),
        (None, 2, "–", "–"),
    ],
)
def test_number(value, digits, indonesian, english):
    assert wording.number(value, digits, "id") == indonesian
    assert wording.number(value, digits, "en") == english


def test_percent_and_date():
    assert wording.percent(0.938, 1, "id") == "93,8 %"
    assert wording.percent(0.938, 1, "en") == "93.8%"
    assert wording.long_date(date(2026, 11, 23), "id") == "23 November 2026"
    assert wording.long_date(date(2026, 8, 1), "id") == "1 Agustus 2026"
    assert wording.long_date(date(2026, 8, 1), "en") == "1 August 2026"


def _fields(sentence):
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_both_languages_say_the_same_with_the_same_values():
    wrong = [
        key
        for key, row in wording.rows("sentence").items()
        if not row["en"].strip() or not row["id"].strip() or _fields(row["en"]) != _fields(row["id"])
    ]
    assert wrong == []


def test_every_label_has_both_languages():
    assert [k for k, row in wording.rows("label").items() if not row["en"] or not row["id"]] == []


def test_a_key_has_one_home_and_one_kind():
    seen, twice = {}, []
    for path in sorted(Path(str(files("kinerja"))).rglob("words.csv")):
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
            assert row["kind"] in ("label", "sentence"), (path, row["key"])
            key = (row["kind"], row["key"])
            if key in seen:
                twice.append((key, seen[key], path))
            seen[key] = path
    assert twice == [] and len(seen) > 2000


def test_a_placeholder_without_value_is_an_error():
    with pytest.raises(KeyError):
        wording.text("problem.found", "en")
