"""Parameters: what is right is kept exactly, what is wrong is said all at once, with key, allowed, way out."""

from __future__ import annotations

import ast
import string
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinerja import wording
from kinerja.errors import ParameterError
from kinerja.parameters import Parameters, Period, load_parameters

PACKAGE = Path(__file__).parents[2] / "kinerja"

SOUND = """
office: {name: Kecamatan Andir}
period: {kind: quarter, year: 2026, number: 3}
sources:
  ratings: {path: nilai.csv}
"""


def _load(folder, text, **more):
    (folder / "nilai.csv").write_text("NIP;Penilai;Nilai\nP1;P2;4\n")
    path = folder / "uji.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_parameters(path, **more)


def _problems(folder, text, **more):
    with pytest.raises(ParameterError) as caught:
        _load(folder, text, **more)
    for problem in caught.value.problems:
        for language in wording.LANGUAGES:
            assert wording.problem_sentence(problem, language)
    assert caught.value.message
    return caught.value.problems


def test_a_sound_file_is_kept(tmp_path):
    p = _load(tmp_path, SOUND)
    assert p.office.name == "Kecamatan Andir"
    assert (p.period.id, p.period.start, p.period.end) == ("2026-Q3", date(2026, 7, 1), date(2026, 9, 30))
    assert p.run == "uji"
    assert p.run_folder == tmp_path.resolve() / "outputs" / "uji"
    assert p.located_sources.ratings[0].path == (tmp_path / "nilai.csv").resolve()
    assert p.source_names == {(tmp_path / "nilai.csv").resolve(): "nilai.csv"}
    assert p.located_privacy == p.privacy
    assert len(p.sha256) == 64


def test_paths_are_counted_from_the_project_above_a_folder_called_parameters(tmp_path):
    (tmp_path / "parameters").mkdir()
    (tmp_path / "nilai.csv").write_text("x")
    path = tmp_path / "parameters" / "uji.yaml"
    path.write_text(SOUND)
    assert load_parameters(path).base == tmp_path.resolve()


def test_an_override_is_checked_like_the_file(tmp_path):
    assert _load(tmp_path, SOUND, overrides={"output.run": "lain"}).run == "lain"
    assert [p.code for p in _problems(tmp_path, SOUND, overrides={"output.run": "../lain"})] == ["pattern"]
    assert [p.code for p in _problems(tmp_path, SOUND, overrides={"language": "su"})] == ["not_allowed"]


def _with(section: str) -> str:
    """The sound file with one more section, or one replaced."""
    whole = yaml.safe_load(SOUND)
    whole.update(yaml.safe_load(section) or {})
    return yaml.safe_dump(whole, allow_unicode=True)


# (what is written, code, key)
SLIPS = [
    ("offise: {}", "unknown_key", "offise"),
    ("file: x.yaml", "unknown_key", "file"),
    ("sha256: abc", "unknown_key", "sha256"),
    ("base: /tmp", "unknown_key", "base"),
    ("scoring: {wieghts: {attainment: 1}}", "unknown_key", "scoring.wieghts"),
    ("sources: {ratings: {path: nilai.csv, colums: {}}}", "unknown_key", "sources.ratings[1].colums"),
    ("sources: {rating: {path: nilai.csv}}", "unknown_key", "sources.rating"),
    ("privacy: {min_cell: 5}", "unknown_key", "privacy.min_cell"),
    ("office: {}", "missing_key", "office.name"),
    ("period: {kind: quarter}", "missing_key", "period.year"),
    ("sources: {ratings: {sheet: A}}", "missing_key", "sources.ratings[1].path"),
    ("scoring: {work_thresholds: {above: 100}}", "missing_key", "scoring.work_thresholds.below"),
    ("office: {name: 5}", "not_text", "office.name"),
    ("office: text", "not_mapping", "office"),
    ("period: {kind: quarter, year: '2026', number: 3}", "wrong_type", "period.year"),
    ("period: {kind: quarter, year: 2026.5}", "wrong_type", "period.year"),
    ("period: {kind: quarter, year: true}", "wrong_type", "period.year"),
    ("period: {kind: quarter, year: 2026, as_of: kemarin}", "wrong_type", "period.as_of"),
    ("groups: gender", "wrong_type", "groups"),
    ("groups: [1]", "not_text", "groups[1]"),
    ("seed: satu", "wrong_type", "seed"),
    ("confidence: tinggi", "wrong_type", "confidence"),
    ("calibration: {enabled: 'no'}", "wrong_type", "calibration.enabled"),
    ("scoring: {scale: 5}", "wrong_type", "scoring.scale"),
    ("sources: {ratings: {path: 5}}", "wrong_type", "sources.ratings[1].path"),
    ("sources: {ratings: {path: nilai.csv, columns: [a]}}", "not_mapping", "sources.ratings[1].columns"),
    ("period: {kind: week, year: 2026}", "not_allowed", "period.kind"),
    ("language: fr", "not_allowed", "language"),
    ("feedback: {weights: '0.12'}", "not_allowed", "feedback.weights"),
    ("feedback: {rule: lain}", "not_allowed", "feedback.rule"),
    ("office: {name: A, organisation_level: hebat}", "not_allowed", "office.organisation_level"),
    ("scoring: {polarity: {Keluhan: kecil}}", "not_allowed", "scoring.polarity.Keluhan"),
    ("scoring: {weights: {attainment: 0.5, luck: 0.5}}", "not_allowed", "scoring.weights.luck"),
    ("sources: {ratings: {path: nilai.csv, layout: long, decimal: x}}", "not_allowed", "sources.ratings[1].decimal"),
    ("sources: {ratings: {path: nilai.csv, layout: cross}}", "not_allowed", "sources.ratings[1].layout"),
    ("scoring: {cap: 0}", "too_small", "scoring.cap"),
    ("feedback: {population: {Campaka: 0}}", "too_small", "feedback.population.Campaka"),
    ("objection: {days: 0}", "too_small", "objection.days"),
    ("confidence: 0.5", "too_small", "confidence"),
    ("confidence: 1.0", "too_large", "confidence"),
    ("seed: -1", "at_least", "seed"),
    ("office: {name: ''}", "at_least", "office.name"),
    ("privacy: {minimum_cell: 0}", "at_least", "privacy.minimum_cell"),
    ("period: {kind: quarter, year: 1900}", "at_least", "period.year"),
    ("period: {kind: month, year: 2026, number: 0}", "at_least", "period.number"),
    ("period: {kind: quarter, year: 3000}", "at_most", "period.year"),
    ("period: {kind: month, year: 2026, number: 13}", "at_most", "period.number"),
    ("scoring: {weights: {attainment: 1.5}}", "at_most", "scoring.weights.attainment"),
    ("output: {run: ../x}", "pattern", "output.run"),
    ("output: {run: 'a b'}", "pattern", "output.run"),
    ("sources: {ratings: {path: tidak-ada.csv}}", "missing_file", "sources.ratings[1].path"),
    ("sources: {ratings: [{path: nilai.csv}, {path: hilang.xlsx}]}", "missing_file", "sources.ratings[2].path"),
    ("privacy: {key_file: kunci.txt}", "missing_file", "privacy.key_file"),
    ("calibration: {prior_from: outputs/lama}", "missing_file", "calibration.prior_from"),
    ("period: {kind: quarter, year: 2026, number: 5}", "period_number", "period"),
    ("period: {kind: semester, year: 2026, number: 3}", "period_number", "period"),
    ("sources: {ratings: {path: nilai.csv, items: {a: A}}}", "items_need_wide", "sources.ratings[1]"),
    ("sources: {ratings: {path: x.csv, item_constants: {a: {target: 1}}}}", "items_need_wide", "sources.ratings[1]"),
    ("sources: {}", "no_sources", "sources"),
    ("scoring: {work_thresholds: {above: 90, below: 100}}", "thresholds_order", "scoring.work_thresholds"),
    ("scoring: {weights: {attainment: 0.6, behaviour: 0.35}}", "weights_sum", "scoring"),
    ("scoring: {scale: [5, 1]}", "scale_order", "scoring"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "code", "key"), SLIPS, ids=[f"{code}: {key}" for _, code, key in SLIPS])
def test_a_slip_names_its_key(tmp_path, section, code, key):
    found = {(p.code, p.column) for p in _problems(tmp_path, _with(section))}
    assert (code, key.replace("[1]", "[1]")) in found or (
        code,
        key.replace("sources.ratings[1]", "sources.ratings"),
    ) in found
    assert len(found) <= 2, found


SYNTAX = [
    ("office: {name: [}", "yaml_syntax"),
    ("office:\n\tname: A\n", "yaml_syntax"),
    ("office: {name: A}\noffice: {name: B}\n", "yaml_syntax"),
    ("a: &x [1]\nb: *x\n", "yaml_syntax"),
    ("a: &a [*a]\n", "yaml_syntax"),
    ("office: !!python/object/apply:os.system ['true']\n", "yaml_syntax"),
    ("office: !secret x\n", "yaml_syntax"),
    ("? [1, 2]\n: x\n", "yaml_syntax"),
    ("a: 2026-13-45\n", "yaml_syntax"),
    ("'tidak ditutup", "yaml_syntax"),
    ("[" * 3000, "yaml_syntax"),
    ("a: '\x01'", "yaml_syntax"),
    ("- satu\n- dua\n", "yaml_not_mapping"),
    ("hanya teks", "yaml_not_mapping"),
    ("", "yaml_not_mapping"),
    ("# hanya komentar\n", "yaml_not_mapping"),
    (b"office: {name: Caf\xe9}\n", "yaml_encoding"),
    (b"\xff\xfeo\x00f\x00", "yaml_encoding"),
]


@pytest.mark.parametrize(("text", "code"), SYNTAX, ids=[repr(text)[:30] for text, _ in SYNTAX])
def test_what_is_no_yaml_is_refused_safely(tmp_path, text, code):
    assert [p.code for p in _problems(tmp_path, text)] == [code]


def test_missing_parameters_file(tmp_path):
    for path, code in ((tmp_path / "x.yaml", "no_parameters_file"), (tmp_path, "parameters_is_folder")):
        with pytest.raises(ParameterError) as caught:
            load_parameters(path)
        assert [p.code for p in caught.value.problems] == [code]


def test_every_problem_at_once(tmp_path):
    text = _with("{language: fr, seed: -1, confidence: 2, offise: {}, sources: {ratings: {path: hilang.csv}}}")
    assert {p.code for p in _problems(tmp_path, text)} == {
        "not_allowed",
        "at_least",
        "too_large",
        "unknown_key",
        "missing_file",
    }


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(["month", "quarter", "semester", "year"]), st.integers(1979, 2100), st.integers(1, 12))
def test_periods_are_whole_and_follow_one_another(kind, year, number):
    most = {"month": 12, "quarter": 4, "semester": 2, "year": 1}[kind]
    number = (number - 1) % most + 1
    period = Period(kind=kind, year=year, number=number)
    assert period.start <= period.end and period.start.day == 1
    following = Period(kind=kind, year=year + (number == most), number=number % most + 1) if year < 2100 else None
    if following is not None:
        assert (following.start - period.end).days == 1
    assert period.day == period.end


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_any_text_is_refused_with_sentences(tmp_path, text):
    try:
        parameters = _load(tmp_path, text.encode("utf-8", "surrogatepass"))
    except ParameterError as error:
        assert all(wording.problem_sentence(p, "id") for p in error.problems)
    else:
        assert isinstance(parameters, Parameters)


# --- every code that the package can raise has its sentences ---------------------------------------------------

_CALLS = {
    "refuse": 0,
    "Unreadable": 0,
    "problem": 1,
    "cells": 1,
    "_cells": 3,
    "_without_copies": 2,
    "_first": 3,
    "_problem": 3,
}
"""Function -> place of the code among its positional arguments."""


def _codes() -> dict[str, str]:
    """Code -> module, as far as the source text shows them."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given_ = [k.value for k in node.keywords if k.arg == "code"] if name == "Problem" else []
            if name in _CALLS and len(node.args) > _CALLS[name]:
                given_.append(node.args[_CALLS[name]])
            for value in given_:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[value.value] = path.name
    return found


def _tables() -> dict[str, str]:
    """Codes that stand in tables and are looked up when something goes wrong."""
    from kinerja import parameters
    from kinerja.inputs.formats.other import NOT_TABLES

    named = [*parameters._OWN, *(code for code, _ in parameters._LIMITS.values()), *NOT_TABLES.values()]
    return dict.fromkeys([*named, "unknown_ratee", "unknown_rater", "unknown_role", "unknown_polarity"], "tables")


def test_every_code_has_both_sentences():
    codes = _codes() | _tables()
    assert len(codes) > 70
    lacking = [
        f"{module}: {code}"
        for code, module in codes.items()
        for part in ("allowed", "way_out")
        if not wording.has_text(f"problem.{code}.{part}")
    ]
    assert lacking == []


def test_every_sentence_is_used():
    written = {
        key.split(".")[1] for key in wording.rows("sentence") if key.startswith("problem.") and key.count(".") == 2
    }
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    assert [code for code in sorted(written) if f'"{code}"' not in source and not code.startswith("unknown_")] == []


def test_sentences_end_like_sentences():
    for key, row in wording.rows("sentence").items():
        if key.startswith("problem.") and key.count(".") == 2:
            for language in wording.LANGUAGES:
                assert row[language][-1] in ".?})" or "{" in row[language], key
                assert not set(row[language]) - set(string.printable + "–→…“”’"), key
