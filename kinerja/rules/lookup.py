"""What a rule says of one value: predikat, grade, category, credit. Pure look-ups in the tables of `Rules`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kinerja import wording
from kinerja.errors import RuleError
from kinerja.rules import Rules, round_half_up, versions


def predikat(rules: Rules, work: str, behaviour: str) -> str:
    """The predikat of two ratings, each a level of the rule in force.

    Raises
    ------
    RuleError : no rule is in force, or a rating is not one of its levels
    """
    table = rules.values("predikat")
    for name, level in (("work", work), ("behaviour", behaviour)):
        if level not in table["levels"]:
            raise _not_among("predikat", name, level, table["levels"])
    return str(table["matrix"][work][behaviour])


def canonical_category(rules: Rules, word: str) -> str:
    """The predikat or rating level that a word of a file means ("Cukup" is butuh_perbaikan).

    Raises
    ------
    RuleError : the word is none of them
    """
    wanted = " ".join(word.replace("_", " ").split()).casefold()
    for category, aliases in rules.values("predikat")["aliases"].items():
        if wanted in aliases or wanted == category.replace("_", " "):
            return str(category)
    raise wording.refusal(RuleError, "category_unknown", where="scoring.categories", found=repr(word))


def grade(rules: Rules, index: float, *, rule: str = "skm") -> str:
    """The grade (A to D) of an SKM index: rounded half up to two decimals first, then classified; the bands have gaps.

    Raises
    ------
    RuleError : the rule is not in force, or the index is outside the possible values
    """
    table = rules.values(rule)
    lowest, highest = table["range"]
    if not math.isfinite(index) or not lowest - 1e-9 <= index <= highest + 1e-9:
        limits = {"lowest": f"{lowest:g}", "highest": f"{highest:g}"}
        raise wording.refusal(RuleError, "index_impossible", where=rule, found=f"{index:g}", **limits)
    rounded = round_half_up(index, table["decimals"])
    return str(
        next((b["grade"] for b in reversed(table["bands"]) if rounded >= b["lower"]), table["bands"][0]["grade"])
    )


def grade_limits(rules: Rules, *, rule: str = "skm") -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Grades from the lowest, and the unrounded index from which each but the lowest begins (64.995 counts as
    65.00)."""
    table = rules.values(rule)
    half_step = 0.5 * 10.0 ** -table["decimals"]
    bands = table["bands"]
    return tuple(b["grade"] for b in bands), tuple(b["lower"] - half_step for b in bands[1:])


def questionnaire_elements() -> tuple[str, ...]:
    """The elements that questionnaires can ask, of every SKM rule by which questionnaires are counted, in its order."""
    asked = [table["elements"] for table in versions("skm").values() if table.get("questionnaires", True)]
    return tuple(dict.fromkeys(str(row["element"]) for rows in asked for row in rows))


def category_words() -> Mapping[str, str]:
    """What is written for a predikat, in small letters -> the predikat, of every version; the newest decides."""
    return {
        word: str(name)
        for table in versions("predikat").values()
        for name in table["predikat"]
        for word in (*table["aliases"].get(name, ()), name)
    }


def elements(rules: Rules, *, rule: str = "skm") -> tuple[str, ...]:
    return tuple(e["element"] for e in rules.values(rule)["elements"])


def skm_index(rules: Rules, means: Mapping[str, float], *, rule: str = "skm", weights: str = "exact") -> float:
    """The index of the elements' means: sum of mean x weight, times 25; nothing is rounded.

    weights : how 1 / number of elements was written: `exact`, or an older print (`0.111`, `0.11`, `0.071`)

    Raises
    ------
    RuleError : an element is missing or unknown, or the rule knows no such weight
    """
    expected = elements(rules, rule=rule)
    if set(means) != set(expected):
        amiss = sorted(set(means) ^ set(expected))
        raise wording.refusal(RuleError, "elements_amiss", where=rule, found=", ".join(amiss), n=len(expected))
    return (
        math.fsum(means.values()) * element_weight(rules, rule=rule, weights=weights) * skm_multiplier(rules, rule=rule)
    )


def element_weight(rules: Rules, *, rule: str = "skm", weights: str = "exact") -> float:
    """The weight of one element.

    Raises
    ------
    RuleError : the rule knows no such weight
    """
    table = rules.values(rule)
    if weights not in table["weights"]:
        raise _not_among(rule, "feedback.weights", weights, table["weights"])
    printed = table["weights"][weights]
    return 1 / len(table["elements"]) if printed is None else float(printed)


def skm_multiplier(rules: Rules, *, rule: str = "skm") -> float:
    return float(rules.values(rule)["multiplier"])


def category_2019(rules: Rules, value: float, *, new_idea: bool) -> str:
    """The category of a value after PP 30/2019 article 41; from 110 the new idea decides, not the number."""
    table = rules.values("scale")
    if not 0 <= value <= table["maximum"]:
        limits = {"lowest": 0, "highest": table["maximum"]}
        raise wording.refusal(RuleError, "value_range", where="scale", found=f"{value:g}", **limits)
    fitting = [b for b in table["bands"] if b["from"] <= value and (new_idea or not b.get("needs_new_idea"))]
    return str(fitting[-1]["category"])


def convert_2021(rules: Rules, attainment: float, *, maximum_target: bool = False) -> tuple[str, float]:
    """Category and value of an attainment in per cent after PermenPANRB 8/2021 (in force until 2022; for back-tests).

    maximum_target : the target was the highest possible, so that 100 per cent counts as sangat_baik
    """
    table = rules.values("conversion")
    full = table["full_target"]
    whole = round_half_up(attainment, 0)
    if whole < 0 or not math.isfinite(attainment):
        found = f"{attainment:g}"
        raise wording.refusal(RuleError, "at_least", where="conversion", column="attainment", found=found, limit=0)
    if whole == full["at"]:
        row = full["with_maximum_target"] if maximum_target else full
        return str(row["category"]), float(row["value"])
    for line in table["lines"]:
        if line["from"] <= whole <= line["to"]:
            share = (whole - line["from"]) / (line["to"] - line["from"])
            return str(line["category"]), line["value_from"] + share * (line["value_to"] - line["value_from"])
    return str(table["lines"][-1]["category"]), float(table["maximum"])


def credit(rules: Rules, category: str, level: str, *, months: float = 12) -> float:
    """Credit points of a predikat held for `months` at a functional level: months / 12 x percentage x coefficient.

    Raises
    ------
    RuleError : the rule is not in force, or has no such predikat or level
    """
    table = rules.values("credit")
    for name, key, known in (
        ("predikat", category, table["percentages"]),
        ("level", level, table["coefficients"]),
    ):
        if key not in known:
            raise _not_among("credit", name, key, known)
    return float(months / table["months"] * table["percentages"][category] * table["coefficients"][level])


def formula(rules: Rules, polarity: str) -> Mapping[str, Any]:
    """How attainment is computed for a polarity: the formula as printed, and what happens at zero."""
    known: Mapping[str, Mapping[str, Any]] = rules.values("polarity")["formulas"]
    if polarity not in known:
        raise _not_among("indicators", "polarity", polarity, known)
    return known[polarity]


def required_sample(rules: Rules, population: int) -> int:
    """Respondents needed for a number served, after Krejcie and Morgan (1970), rounded as in their table."""
    table = rules.values("sample")
    spread = table["chi_squared"] * table["proportion"] * (1 - table["proportion"])
    if population < 1:
        raise wording.refusal(RuleError, "at_least", where="feedback.population", found=population, limit=1)
    return int(round_half_up(spread * population / (table["margin"] ** 2 * (population - 1) + spread), 0))


def _not_among(where: str, column: str, found: str, allowed: Iterable[str]) -> RuleError:
    return wording.refusal(
        RuleError, "not_allowed", where=where, column=column, found=repr(found), allowed=", ".join(allowed)
    )


def names(rows: Sequence[Mapping[str, Any]], key: str, language: str) -> Mapping[str, str]:
    """id -> name in a language, of a rule's list of elements, values or bands."""
    return {str(row[key]): str(row[language]) for row in rows}
