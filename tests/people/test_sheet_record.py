"""The sheet: sums to the printed digit, says what would change it, and nothing of anybody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja import wording
from kinerja.errors import DataError
from kinerja.evaluation.storage import load_record, save_record
from kinerja.people.sheet import Sheet, SheetFrames, all_sheets, sentences
from kinerja.people.sheet import sheet as sheet_of
from kinerja.people.sheet.change import change_table, predikat_table
from kinerja.people.sheet.steps import printed_parts, step_table

PERIOD = "2026-Q3"
LIMITS = {"below": 0.0, "meets": 50.0, "above": 75.0}
MATRIX = {
    "above": {"below": "kurang", "meets": "baik", "above": "sangat_baik"},
    "meets": {"below": "kurang", "meets": "baik", "above": "baik"},
    "below": {"below": "sangat_kurang", "meets": "butuh_perbaikan", "above": "butuh_perbaikan"},
}
PARTS = ("from_links", "from_feedback", "from_indicators", "from_culture", "from_group")


def _frames(n=12, seed=0, **changes):
    """Two teams: s0 has ten people, s1 two; unit u0 has 40 answers, u1 three."""
    rng = np.random.default_rng(seed)
    ratee = [f"r{i:02d}" for i in range(n)]
    rater = ["s0" if i < n - 2 else "s1" for i in range(n)]
    unit = ["u0" if i < n - 2 else "u1" for i in range(n)]
    observed = rng.uniform(45, 90, n)
    parts = rng.normal(0, 2, (n, 5))
    ids = pd.DataFrame({"period": PERIOD, "ratee": ratee, "unit": unit})
    persons = ids.assign(rater=rater, n=21, observed=observed, **{p: parts[:, i] for i, p in enumerate(PARTS)})
    persons["adjustment"] = persons[list(PARTS)].sum(axis=1)
    persons["calibrated"] = persons["observed"] + persons["adjustment"]
    persons = persons.assign(
        conf_low=persons["calibrated"] - 5, conf_high=persons["calibrated"] + 5, status="ok", reason=""
    )
    names = np.array(list(LIMITS))
    for column in ("observed", "calibrated"):
        persons[f"category_{column}"] = names[np.searchsorted([50.0, 75.0], persons[column], side="right")]
    chance = rng.dirichlet([1, 1, 1], n)
    persons = persons.assign(**{f"prob_{c}": chance[:, i] for i, c in enumerate(names)})
    ratees = ids.assign(
        supervisor=rater, points=observed, attainment=96.5, work="meets", behaviour="meets", predikat="baik", n_items=21
    )
    attainment = ids.assign(
        indicator="layanan tepat waktu", target=90.0, realisation=87.0, attainment=96.5, status="ok", reason="",
        date="2026-09-30",
    )  # fmt: skip
    roles = pd.concat(
        [ids.assign(role=role, n_raters=k, n_items=21, points=points) for role, k, points in
         (("supervisor", 1, observed), ("peer", 3, observed + 1), ("subordinate", 6, observed - 1))]
    )  # fmt: skip
    ratings = ids.assign(role="supervisor", rater=rater, date=pd.Timestamp("2026-10-02"))
    index = pd.DataFrame({"period": PERIOD, "level": "unit", "group": ["u0", "u1"], "unit": ["u0", "u1"], "n": [40, 3],
                          "points": [75.5, 60.25]})  # fmt: skip
    responses = pd.DataFrame({"period": PERIOD, "unit": ["u0"] * 40, "date": pd.date_range("2026-07-01", periods=40)})
    raters = pd.DataFrame(
        {"rater": ["s0", "s1"], "n_ratees": [10, 2], "n_links": [3, 0], "tipping_bias": [4.0, np.nan]}
    )
    frames = SheetFrames(
        period=PERIOD, ratees=ratees, attainment=attainment, roles=roles, persons=persons, raters=raters, index=index,
        ratings=ratings, responses=responses, matrix=MATRIX, categories=LIMITS, scale=(1.0, 5.0),
        objection_to={"id": "atasan pejabat penilai", "en": "the next superior"}, run="abc123", sha256="f" * 64,
    )  # fmt: skip
    return replace(frames, **changes)


def _decimal(value, digits):
    return round(value * 10**digits)


@given(
    st.floats(0, 100),
    st.lists(st.one_of(st.just(0.0), st.floats(-20, 20)), min_size=1, max_size=7),
    st.integers(0, 3),
)
@settings(deadline=None, max_examples=400)
def test_printed_steps_sum_to_the_printed_digit(start, changes, digits):
    end = start + sum(changes)
    first, *parts, last = printed_parts(start, changes, end, digits)
    assert _decimal(first, digits) + sum(_decimal(p, digits) for p in parts) == _decimal(last, digits)
    unit = 10.0**-digits
    for exact, shown in zip((start, end), (first, last), strict=True):
        assert abs(exact - shown) <= unit / 2 + 1e-9 or not any(changes)
    for exact, shown in zip(changes, parts, strict=True):
        assert shown == 0 if exact == 0 else abs(exact - shown) < unit * 1.5 + 1e-9
    assert f"{first:.{digits}f}" == f"{round(first, digits):.{digits}f}"


def test_steps_sum_exactly_and_a_rest_is_named():
    person = {"observed": 70.0, "calibrated": 73.0, "from_links": 1.25, "from_feedback": 1.0}
    steps = step_table(person, {"from_feedback": 40, "from_links": None}, digits=1).set_index("step")
    assert steps.loc["from_other", "points"] == pytest.approx(0.75)
    changes = steps[steps["kind"] == "change"]
    assert changes["points"].sum() == pytest.approx(3.0, abs=1e-12)
    assert steps.loc["from_feedback", "n"] == 40
    assert steps.loc["from_links", "n_hidden"] and pd.isna(steps.loc["from_links", "n"])


def test_every_sheet_of_an_office_sums():
    sheets = list(all_sheets(_frames()))
    assert [s.ratee for s in sheets] == sorted(s.ratee for s in sheets)
    assert len(sheets) == 12
    for sheet in sheets:
        parts = sheet.steps[sheet.steps["kind"] == "change"]
        assert parts["points"].sum() == pytest.approx(sheet.calibrated - sheet.observed, abs=1e-9)
        shown = [_decimal(p, 1) for p in sheet.steps["printed"]]
        assert shown[0] + sum(shown[1:-1]) == shown[-1]


def test_inputs_with_counts_and_dates():
    inputs = sheet_of(_frames(), "r00").inputs.set_index("input")
    assert inputs.loc["indicators", ["n", "last_date", "value"]].tolist() == [1, "2026-09-30", 96.5]
    assert inputs.loc["role.supervisor", ["n", "first_date"]].tolist() == [1, "2026-10-02"]
    assert inputs.loc["feedback", ["n", "first_date", "last_date", "value"]].tolist() == [
        40,
        "2026-07-01",
        "2026-08-09",
        75.5,
    ]


def test_nobody_else_can_be_identified():
    """Three peers, three answers, one colleague: under the floor, so neither figures nor numbers."""
    inputs = sheet_of(_frames(), "r00").inputs.set_index("input")
    assert inputs.loc["role.peer", "status"] == "suppressed" and np.isnan(inputs.loc["role.peer", "value"])
    assert inputs.loc["role.subordinate", "status"] == "ok"
    alone = sheet_of(_frames(), "r11")
    feedback = alone.inputs.set_index("input").loc["feedback"]
    assert feedback["status"] == "suppressed" and pd.isna(feedback["n"])
    assert not {"from_links", "from_feedback", "from_indicators", "from_culture"} & set(alone.steps["step"])
    assert "colleagues_few" in [s.code for s in alone.statements]
    words = " ".join(sentences(alone, "en")) + " ".join(sentences(alone, "id"))
    others = {f"r{i:02d}" for i in range(11)} | {"s0", "s1"}
    assert not any(name in words for name in others)
    assert " 3 " not in words


def test_a_group_is_never_named():
    sheet = sheet_of(_frames(), "r00")
    assert sheet.steps.set_index("step").loc["from_group", "n"] is pd.NA
    for statement in sheet.statements:
        if "from_group" in statement.code:
            assert set(statement.data) == {"points"}


def test_what_would_change_the_category_by_trying():
    """So many item ratings one step higher reach the next category, one fewer does not."""
    for seed in range(5):
        for sheet in all_sheets(_frames(seed=seed)):
            for row in sheet.changes[sheet.changes["change"].isin(["next_up", "next_down"])].to_dict(orient="records"):
                if row["status"] != "ok":
                    continue
                sign = 1 if row["change"] == "next_up" else -1
                k = int(row["n_steps"])

                def reached(steps, sign=sign, sheet=sheet):
                    value = sheet.calibrated + sign * steps * 100 / (4 * 21)
                    return [n for n, low in LIMITS.items() if value >= low - 1e-9 * (sign > 0)][-1]

                assert reached(k) == row["category"]
                assert reached(k - 1) != row["category"]


def test_changes_beyond_the_scale_are_said_so():
    person = {"observed": 20.0, "calibrated": 20.0}
    table = change_table(person, {"low": 0.0, "high": 400.0}, n_items=2, span=4.0, tipping_bias=np.nan)
    assert table.set_index("change").loc["next_up", ["status", "reason"]].tolist() == ["cannot", "beyond_scale"]


def test_predikat_for_other_ratings():
    table = predikat_table("meets", "meets", MATRIX)
    found = {(r["part"], r["level"]): r["predikat"] for r in table.to_dict(orient="records")}
    assert found[("work", "below")] == "butuh_perbaikan"
    assert found[("behaviour", "below")] == "kurang"
    assert table["is_now"].sum() == 2
    assert predikat_table("", "meets", MATRIX).empty


def test_how_to_object():
    sheet = sheet_of(_frames(), "r00", received=date(2026, 10, 12))
    assert sheet.deadline == date(2026, 10, 26)
    until = next(s for s in sentences(sheet, "id") if "keberatan sampai" in s)
    assert "26 Oktober 2026" in until and "atasan pejabat penilai" in until
    assert sheet_of(_frames(), "r00").deadline is None


def test_decisions_of_the_moderation_are_on_the_sheet_of_the_person_only():
    log = pd.DataFrame(
        [{"ratee": "r00", "decision": "score", "old": "70", "new": "74", "reason": "bukti baru", "by": "x",
          "date": "2026-10-05", "status": "applied"},
         {"ratee": "r01", "decision": "score", "old": "60", "new": "64", "reason": "lain", "by": "x",
          "date": "2026-10-05", "status": "applied"}]
    )  # fmt: skip
    sheet = sheet_of(_frames(decisions=log), "r00")
    assert list(sheet.decisions["reason"]) == ["bukti baru"]
    assert any("bukti baru" in s for s in sentences(sheet, "id"))


@pytest.mark.parametrize(
    ("reason", "code"), [("below_materiality", "unchanged_small"), ("no_evidence", "unchanged"), ("capped", "capped")]
)
def test_why_nothing_or_less_was_done(reason, code):
    frames = _frames()
    persons = frames.persons.assign(reason=reason)
    if reason != "capped":
        persons = persons.assign(**dict.fromkeys(PARTS, 0.0), calibrated=persons["observed"])
    sheet = sheet_of(replace(frames, persons=persons), "r03")
    assert code in [s.code for s in sheet.statements]


def test_without_calibration_the_observed_score_stands():
    frames = _frames(persons=None, raters=None)
    sheet = sheet_of(frames, "r03")
    assert sheet.calibrated == sheet.observed == frames.ratees["points"].iloc[3]
    assert "not_calibrated" in [s.code for s in sheet.statements]


def test_a_person_without_a_rating_gets_a_sheet_that_says_so():
    frames = _frames(persons=None, raters=None)
    ratees = frames.ratees.assign(points=np.nan, predikat="", work="", behaviour="")
    sheet = sheet_of(replace(frames, ratees=ratees, roles=None), "r03")
    assert sheet.steps.empty
    assert next(s.code for s in sheet.statements) == "no_rating"
    assert sentences(sheet, "en")


def test_somebody_who_is_not_there():
    with pytest.raises(DataError, match="found 'r99'; A person of the run of 2026-Q3"):
        sheet_of(_frames(), "r99")


def test_both_languages_and_the_store(tmp_path):
    for seed in range(4):
        for sheet in all_sheets(_frames(seed=seed), received=date(2026, 10, 12)):
            for language in wording.LANGUAGES:
                assert all(sentences(sheet, language))
                assert not any("_" in s for s in sentences(sheet, language)), "no code reaches a reader"
    save_record(sheet, tmp_path / "sheet")
    again = load_record(tmp_path / "sheet")
    assert isinstance(again, Sheet)
    pd.testing.assert_frame_equal(again.steps, sheet.steps, check_dtype=False)
    assert (again.deadline, again.run) == (sheet.deadline, sheet.run)
    for column in (*sheet.steps["step"], *sheet.inputs["input"]):
        key = (
            column
            if column.startswith("role.")
            else f"step.{column}"
            if column in set(sheet.steps["step"])
            else f"input.{column}"
        )
        assert wording.has_label(key), key


@pytest.mark.slow
def test_every_sheet_of_the_example():
    """Andir: exact sums, printed sums, no code or colleague in a sentence."""
    from kinerja.evaluation import evaluate
    from kinerja.parameters import load_parameters

    evaluation = evaluate(load_parameters(Path(__file__).parents[2] / "parameters" / "andir-2026-q3.yaml"))
    ids = set(evaluation.inputs.staff["ratee"])
    sheets = list(all_sheets(evaluation))
    assert len(sheets) == 140
    for sheet in sheets:
        if len(sheet.steps):
            parts = sheet.steps[sheet.steps["kind"] == "change"]
            assert parts["points"].sum() == pytest.approx(sheet.calibrated - sheet.observed, abs=1e-9)
            shown = [_decimal(p, 1) for p in sheet.steps["printed"]]
            assert shown[0] + sum(shown[1:-1]) == shown[-1]
        words = " ".join(sentences(sheet, "id"))
        assert "_" not in words
        assert not any(other in words for other in ids - {sheet.ratee})
