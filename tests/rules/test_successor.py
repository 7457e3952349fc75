"""A successor of a rule is one file: no line of Python knows a rule's id, a predikat or an element of the survey."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import yaml

import kinerja
from kinerja.errors import RuleError
from kinerja.rules import FOLDER, load_rules
from kinerja.rules.lookup import predikat
from kinerja.scoring import score

OLD, NEW = "permenpanrb-6-2022-predikat", "permenpanrb-99-2030"
BEGINS, EVE = date(2030, 1, 2), date(2030, 1, 1)

SUCCESSOR = f"""
title: {{en: Invented successor, id: Pengganti rekaan}}
reference: {{document: Permen PANRB 99/2030, article: "1", page: "1", address: none}}
status: unverified
unit: category
note: {{}}
replaces: {OLD}
values:
  2030-01-02:
    levels: [lemah, cukup, kuat]
    predikat: [merah, kuning, hijau]
    top: [hijau]
    bottom: [merah]
    matrix:
      kuat: {{lemah: merah, cukup: hijau, kuat: hijau}}
      cukup: {{lemah: merah, cukup: kuning, kuat: hijau}}
      lemah: {{lemah: merah, cukup: merah, kuat: kuning}}
    official_items: {{work: [hasil_kerja], behaviour: [perilaku_kerja], predikat: [predikat]}}
    aliases: {{merah: [], kuning: [], hijau: [], lemah: [], cukup: [], kuat: []}}
"""

ALSO_CODE = {
    "behaviour": "the part of an evaluation beside work, and its columns",
    "fairness": "the folder, and the result of check_fairness",
    "time": "a column of answers' times of arrival",
    "product": "weight times attainment",
}
"""Words that name an element of a survey and something else, which is what the code means by them."""


def _folder(tmp_path: Path, text: str = SUCCESSOR, name: str = NEW) -> Path:
    (tmp_path / "predikat").mkdir()
    (tmp_path / "predikat" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def _official(period: str) -> pd.DataFrame:
    """One person at the highest level of work and the middle level of behaviour."""
    rows = [(period, "a", "s", "supervisor", item, mark, pd.NaT) for item, mark in (("hasil_kerja", 3.0),
            ("perilaku_kerja", 2.0))]  # fmt: skip
    return pd.DataFrame(rows, columns=["period", "ratee", "rater", "role", "item", "rating", "date"])


def test_a_successor_in_one_file_decides_from_its_day_on(tmp_path):
    folder = _folder(tmp_path)
    found = {}
    for day in (EVE, BEGINS):
        rules = load_rules(on=day, folder=folder)
        scores = score(None, _official("2030"), None, rules=rules, period="2030")
        found[day] = scores.ratees["predikat"].tolist()
        assert scores.distribution["category"].tolist() == rules.values("predikat")["predikat"]
    assert found == {EVE: ["baik"], BEGINS: ["hijau"]}


def test_an_offices_thresholds_fall_between_the_successors_levels(tmp_path):
    folder, levels = _folder(tmp_path), {}
    rows = _official("2030").assign(item="melayani").head(1)
    for day in (EVE, BEGINS):
        scores = score(
            None, rows, None, rules=load_rules(on=day, folder=folder), period="2030", scale=(0.0, 3.0),
            behaviour_thresholds={"below": 10.0, "above": 20.0},
        )  # fmt: skip
        levels[day] = scores.ratees["behaviour"].tolist()
    assert levels == {EVE: ["above"], BEGINS: ["kuat"]}


def test_a_topic_gives_the_version_of_the_day(tmp_path):
    folder = _folder(tmp_path)
    assert load_rules(on=EVE, folder=folder).topic("predikat").id == OLD
    assert load_rules(on=EVE, folder=folder).at(BEGINS).topic("predikat").id == NEW
    assert load_rules(on=EVE, folder=folder).rule(OLD).until == BEGINS
    assert predikat(load_rules(on=BEGINS, folder=folder), "cukup", "kuat") == "hijau"
    assert {day: load_rules(on=day).topic("skm").id for day in (date(2012, 1, 1), date(2018, 1, 1))} == {
        date(2012, 1, 1): "kepmenpan-25-2004",
        date(2018, 1, 1): "permenpanrb-14-2017",
    }


def test_a_topic_without_a_version_in_force_names_the_day_and_the_spans():
    with pytest.raises(RuleError, match=r"rules/skm.*2003-01-01.*2004-02-24 – 2017-05-09.*2017-05-09"):
        load_rules(on=date(2003, 1, 1)).topic("skm")
    with pytest.raises(RuleError, match="upah"):
        load_rules(on=EVE).values("upah")


def test_two_versions_in_force_at_once_are_a_defect_of_the_files(tmp_path):
    text = SUCCESSOR.replace(f"replaces: {OLD}\n", "")
    with pytest.raises(RuleError, match=rf"rules/predikat: found {OLD} and {NEW} in force on 2030-01-02"):
        load_rules(on=EVE, folder=_folder(tmp_path, text))


def test_what_a_file_replaces_is_there(tmp_path):
    with pytest.raises(RuleError, match="permenpanrb-5-2022"):
        load_rules(on=EVE, folder=_folder(tmp_path, SUCCESSOR.replace(OLD, "permenpanrb-5-2022")))


def _words_of_law() -> frozenset[str]:
    """Rule ids, predikat, levels of an organisation and elements, of every version."""
    words: set[str] = set()
    for path in FOLDER.glob("*/*.yaml"):
        words.add(path.stem)
        for table in yaml.safe_load(path.read_text(encoding="utf-8"))["values"].values():
            named = table or {}
            words.update(named.get("predikat", ()), named.get("patterns", ()))
            words.update(row["element"] for row in named.get("elements", ()))
    return frozenset(words)


def _constants() -> list[tuple[str, str]]:
    """(word, file:line) of every string in the package's code."""
    root = Path(kinerja.__file__).parent
    return [
        (node.value, f"{path.relative_to(root).as_posix()}:{node.lineno}")
        for path in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_no_code_names_a_rule_a_predikat_or_an_element():
    law = _words_of_law()
    assert {OLD, "sangat_baik", "istimewa", "complaints", "service_speed"} <= law
    named = [(word, place) for word, place in _constants() if word in law]
    assert [f"{place} {word}" for word, place in named if word not in ALSO_CODE] == []
    assert {word for word, _ in named} == set(ALSO_CODE)
