"""The moderation log: refused without a reason, replayed exactly, described honestly."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kinerja import wording
from kinerja.errors import DataError
from kinerja.evaluation.storage import load_record, save_record
from kinerja.moderation import Moderation, append_decision, read_decisions, replay_decisions, session_view
from kinerja.moderation.tables import compression_table

DAY = date(2026, 10, 5)
WHY = "bukti kehadiran ditemukan"


def _scores(n=60, seed=0):
    rng = np.random.default_rng(seed)
    score = np.round(rng.normal(75, 6, n), 2)
    return pd.DataFrame(
        {
            "ratee": [f"r{i:02d}" for i in range(n)],
            "unit": [f"u{i % 4}" for i in range(n)],
            "supervisor": [f"s{i % 12}" for i in range(n)],
            "calibrated": score,
            "conf_low": score - 4,
            "conf_high": score + 4,
            "predikat": np.where(score > 80, "sangat_baik", "baik"),
            "prob_baik": np.where(score > 80, 0.2, 0.95),
            "prob_sangat_baik": np.where(score > 80, 0.8, 0.05),
        }
    )


def _log(*entries):
    columns = ("ratee", "decision", "old", "new")
    rows = [
        dict(zip(columns, map(str, e[:4]), strict=True)) | {"reason": WHY, "by": "camat", "date": DAY} for e in entries
    ]
    return pd.DataFrame(rows, columns=[*columns, "reason", "by", "date"])


def _raise(scores, i, points):
    old = scores["calibrated"].iloc[i]
    return scores["ratee"].iloc[i], "score", old, round(old + points, 2)


def test_a_log_is_written_and_read_back(tmp_path):
    path = tmp_path / "keputusan.csv"
    append_decision(path, ratee="r01", decision="score", old="70,5", new="74", reason=WHY, by="camat", on=DAY)
    append_decision(path, ratee="r02", decision="confirm", old="80", new="80", reason=WHY, by="camat", on=DAY)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "ratee,decision,old,new,reason,by,date"
    table = read_decisions(path)
    assert list(table["ratee"]) == ["r01", "r02"]
    assert list(table["row"]) == [2, 3]
    assert list(table["date"]) == [DAY, DAY]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reason": ""}, "decision_reason"),
        ({"reason": "ok"}, "decision_reason"),
        ({"by": "r01"}, "decision_own"),
        ({"decision": "fire"}, "decision_kind"),
        ({"old": "", "new": "80"}, "decision_empty"),
        ({"new": "tinggi"}, "decision_number"),
        ({"new": "70.5"}, "decision_unchanged"),
        ({"decision": "confirm"}, "decision_confirm"),
    ],
)
def test_what_is_refused_is_not_written(tmp_path, change, code):
    entry = {"ratee": "r01", "decision": "score", "old": "70,5", "new": "74", "reason": WHY, "by": "camat", "on": DAY}
    with pytest.raises(DataError) as error:
        append_decision(tmp_path / "x.csv", **entry | change)
    assert code in [p.code for p in error.value.problems]
    assert not (tmp_path / "x.csv").exists()
    for language in wording.LANGUAGES:
        for problem in error.value.problems:
            assert wording.problem_sentence(problem, language)


def test_all_problems_of_a_file_at_once(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(
        "ratee;decision;old;new;reason;by;date\n"
        "r1;score;70;75;;camat;2026-10-05\n"
        "r2;score;70;x;bukti baru lengkap;camat;5/10/2026\n",
        encoding="utf-8-sig",
    )
    with pytest.raises(DataError) as error:
        read_decisions(path)
    assert [(p.row, p.column) for p in error.value.problems] == [(2, "reason"), (3, "date"), (3, "new")]
    path.write_text("ratee,old,new\nr1,1,2\n", encoding="utf-8")
    with pytest.raises(DataError) as error:
        read_decisions(path)
    assert [p.column for p in error.value.problems] == ["decision", "reason", "by", "date"]
    with pytest.raises(DataError):
        read_decisions(tmp_path / "none.csv")


def test_a_log_that_decides_nothing_changes_nothing():
    scores = _scores()
    found = replay_decisions(_log(), scores)
    assert (found.persons["score_after"] == found.persons["score_before"]).all()
    assert found.findings == ()


def test_replay_applies_in_order_and_only_on_the_same_figures():
    scores = _scores()
    ratee, _, old, _ = _raise(scores, 3, 0)
    log = _log(
        (ratee, "score", f"{old:.2f}".replace(".", ","), old + 3),
        (ratee, "score", old + 3, old + 5),
        (ratee, "score", old, old + 9),  # made on a figure that no longer stands
        ("nobody", "score", 70, 75),
        (scores["ratee"].iloc[5], "predikat", "Baik", "Sangat Baik"),
        (scores["ratee"].iloc[6], "predikat", "Baik", "Luar Biasa"),
    )
    scores.loc[[5, 6], "predikat"] = "baik"
    found = replay_decisions(log, scores)
    assert list(found.log["reason_code"]) == ["", "", "other_figures", "person_unknown", "", "category_unknown"]
    person = found.persons.set_index("ratee").loc[ratee]
    assert (person["score_after"], person["n_decisions"]) == (pytest.approx(old + 5), 2)
    assert found.persons.set_index("ratee").at[scores["ratee"].iloc[5], "category_after"] == "sangat_baik"
    caution = next(f for f in found.findings if f.code == "decisions_not_applied")
    assert caution.data == {"n": 3, "total": 6}


def test_replay_is_the_same_every_time_and_in_every_row_order():
    scores = _scores()
    log = _log(*[_raise(scores, i, 2.0) for i in range(12)])
    log["row"] = range(2, 14)
    one = replay_decisions(log, scores)
    two = replay_decisions(log.sample(frac=1, random_state=1), scores.sample(frac=1, random_state=2))
    for name in ("persons", "log", "flow", "compression", "by_decider", "against_evidence", "movement"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))


def test_raised_to_lowered():
    scores = _scores()
    log = _log(*[_raise(scores, i, 3.0) for i in range(14)], *[_raise(scores, i, -3.0) for i in range(14, 16)])
    found = replay_decisions(log, scores)
    row = found.flow.set_index("decision").loc["all"]
    assert (row["n_raised"], row["n_lowered"]) == (14, 2)
    assert row["p"] == pytest.approx(stats.binomtest(14, 16).pvalue)
    assert "decisions_one_way" in {f.code for f in found.findings}


def test_compression_to_the_middle():
    scores = _scores()
    mean = scores["calibrated"].mean()
    log = _log(*[_raise(scores, i, -0.5 * (scores["calibrated"].iloc[i] - mean)) for i in range(60)])
    found = replay_decisions(log, scores).compression.iloc[0]
    assert found["estimate"] == pytest.approx(0.5, abs=0.01)
    assert found["slope"] == pytest.approx(-0.5, abs=0.01)
    assert found["conf_high"] < 1 and found["p"] < 1e-6


def test_pitman_morgan_keeps_its_level_and_its_interval_covers():
    rng = np.random.default_rng(0)
    p, covered = [], []
    for _ in range(600):
        before = rng.normal(0, 1, 40)
        after = 0.8 * before + rng.normal(0, 0.6, 40)  # the same spread
        row = compression_table(pd.DataFrame({"score_before": before, "score_after": after}), confidence=0.95).iloc[0]
        p.append(row["p"] < 0.05)
        covered.append(row["conf_low"] <= 1 <= row["conf_high"])
    assert np.mean(p) == pytest.approx(0.05, abs=0.027)  # three standard errors
    assert np.mean(covered) == pytest.approx(0.95, abs=0.027)


@given(st.integers(0, 5000))
@settings(deadline=None, max_examples=30)
def test_the_interval_and_the_test_agree(seed):
    rng = np.random.default_rng(seed)
    before = rng.normal(0, 1, 20)
    after = before * rng.uniform(0.5, 1.5) + rng.normal(0, 0.5, 20)
    row = compression_table(pd.DataFrame({"score_before": before, "score_after": after}), confidence=0.95).iloc[0]
    assert (row["p"] < 0.05) == (not row["conf_low"] <= 1 <= row["conf_high"])


def test_decisions_against_the_evidence():
    scores = _scores()
    high = int(np.argmax(scores["calibrated"]))
    low = int(np.argmin(scores["calibrated"]))
    log = _log(
        _raise(scores, 0, 3.0),
        _raise(scores, 1, 9.0),
        (scores["ratee"].iloc[low], "predikat", "baik", "sangat_baik"),
        (scores["ratee"].iloc[high], "predikat", "sangat_baik", "baik"),
    )
    found = replay_decisions(log, scores)
    assert list(found.against_evidence["against"]) == [False, True, True, False]
    assert (
        replay_decisions(log, scores[["ratee", "calibrated", "predikat"]]).against_evidence["status"].eq("cannot").all()
    )


def test_effect_by_group():
    scores = _scores(80)
    staff = scores[["ratee"]].assign(sex=np.where(np.arange(80) % 2, "L", "P"))
    log = _log(*[_raise(scores, i, 2.5 + 0.01 * i) for i in range(0, 80, 2)])
    found = replay_decisions(log, scores, staff, groups=["sex"])
    row = found.by_group.iloc[0]
    assert row["verdict"] == "shown"
    assert abs(row["gap_after"] - row["gap_before"]) == pytest.approx(2.89, abs=0.01)
    assert "decisions_by_group" in {f.code for f in found.findings}
    small = replay_decisions(log, scores, staff, groups=["sex"], minimum=50)
    assert small.by_group.iloc[0]["verdict"] == "cannot_tell"


def test_nobody_sees_their_own_row():
    scores = _scores()
    found = replay_decisions(_log(_raise(scores, 0, 3.0)), scores)
    for table in (found.persons, found.log, found.against_evidence):
        assert "r00" not in set(session_view(table, "r00")["ratee"])
        assert len(session_view(table, "r00")) == len(table) - 1
    assert len(session_view(found.persons, "camat")) == len(found.persons)


def test_own_team_is_counted():
    scores = _scores()
    log = _log(_raise(scores, 0, 3.0), _raise(scores, 1, 3.0)).assign(by="s0")
    row = replay_decisions(log, scores).by_decider.iloc[0]
    assert (row["n"], row["n_own_team"]) == (2, 1)


def test_words_and_storage(tmp_path):
    scores = _scores(80)
    mean = scores["calibrated"].mean()
    staff = scores[["ratee"]].assign(sex=np.where(np.arange(80) % 2, "L", "P"))
    log = _log(
        *[_raise(scores, i, 12.0 if i % 2 else -0.9 * (scores["calibrated"].iloc[i] - mean)) for i in range(80)],
        ("x", "score", 1, 2),
    )
    found = replay_decisions(log, scores, staff, groups=["sex"])
    assert len(found.findings) >= 4
    for finding in found.findings:
        for language in wording.LANGUAGES:
            assert wording.text(f"finding.{finding.code}", language, **finding.data)
    for code in (
        *found.log["reason_code"].unique(),
        "category_unknown",
        "no_change",
        "no_score_spread",
        "no_probability",
    ):
        assert not code or wording.has_text(f"reason.{code}")
    save_record(found, tmp_path / "m")
    again = load_record(tmp_path / "m")
    assert isinstance(again, Moderation)
    pd.testing.assert_frame_equal(again.persons, found.persons, check_dtype=False)
    assert math.isnan(replay_decisions(_log(), scores).compression.iloc[0]["p"])
