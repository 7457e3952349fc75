"""Reliability, standing, case mix, non-response, channels, comments: known answers and planted truths."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinerja import wording
from kinerja.citizens import estimate_citizens
from kinerja.citizens.comments import summarise_comments, themes_of
from kinerja.citizens.reliability import reliability_tables, responses_needed, spearman_brown
from kinerja.citizens.selection import channel_differences, nonresponse_bounds
from kinerja.evaluation.storage import load_record, save_record
from kinerja.rules import load_rules
from kinerja.rules.lookup import elements

SKM = "permenpanrb-14-2017"

RULES = load_rules(on=date(2026, 9, 30))
ELEMENTS = elements(RULES)
PERIOD = "2026-Q3"
CONFIDENCE = 0.95


@pytest.mark.parametrize(("icc", "needed"), [(0.064, (34.1, 58.5, 131.6)), (0.018, (127.3, 218.2, 491.0))])
def test_responses_needed_known_values(icc, needed):
    """C7."""
    found = [responses_needed(icc, target) for target in (0.7, 0.8, 0.9)]
    assert found == pytest.approx(needed, abs=0.05)  # printed to one decimal


def test_reliability_at_five_and_thirty_citizens():
    """C7."""
    assert [spearman_brown(0.064, n) for n in (5, 30)] == pytest.approx([0.255, 0.672], abs=5e-4)


def _units(between, within, n, groups, seed):
    rng = np.random.default_rng(seed)
    true = rng.normal(70, between, groups)
    code = np.repeat(np.arange(groups), n)
    return rng.normal(true[code], within), pd.Series([f"u{k:03d}" for k in code])


def test_reliability_recovers_the_truth():
    """300 units of 25 responses, ICC 0.1: the estimate within 0.02 (its standard error is about 0.01)."""
    table, _ = reliability_tables(*_units(5, 15, 25, 300, 1), "unit", confidence=CONFIDENCE)
    assert table["icc"].iloc[0] == pytest.approx(0.1, abs=0.02)
    assert table["estimate"].iloc[0] == pytest.approx(spearman_brown(0.1, 25), abs=0.05)


@pytest.mark.slow
def test_reliability_interval_covers():
    truth = spearman_brown(25 / (25 + 225), 20)
    covered = 0
    for seed in range(300):
        row = reliability_tables(*_units(5, 15, 20, 12, seed), "unit", confidence=0.9)[0].iloc[0]
        covered += row["conf_low"] <= truth <= row["conf_high"]
    assert 0.85 <= covered / 300 <= 0.95  # Monte Carlo error 0.017


def test_equal_units_are_not_told_apart():
    """No true difference: the share of runs in which any of 10 units is said to stand out is near 5 %."""
    wrong = 0
    for seed in range(200):
        _, standing = reliability_tables(*_units(0, 15, 30, 10, seed), "unit", confidence=CONFIDENCE)
        wrong += (standing["standing"] != "not_told_apart").any()
    assert wrong / 200 <= 0.085  # 0.05 and two Monte Carlo errors of 0.015


def test_a_unit_far_below_stands_below_and_one_answer_is_never_placed():
    values, groups = _units(0, 10, 40, 6, 2)
    values[groups == "u000"] -= 20
    values, groups = np.append(values, 0.0), pd.concat([groups, pd.Series(["alone"])], ignore_index=True)
    standing = reliability_tables(values, groups, "unit", confidence=CONFIDENCE)[1].set_index("group")
    assert standing.loc["u000", "standing"] == "below"
    assert (standing.loc["alone", "standing"], standing.loc["alone", "reason"]) == ("not_told_apart", "one_response")
    assert np.isnan(standing.loc["alone", "std_error"])


def test_one_unit_has_no_reliability():
    table, _ = reliability_tables(np.array([1.0, 2.0]), pd.Series(["u", "u"]), "unit", confidence=CONFIDENCE)
    assert set(table["reason"]) == {"one_group"}


def _index(estimate, n):
    return pd.DataFrame({"level": ["unit"], "group": ["u"], "estimate": [estimate], "n": [n], "reason": [""]})


def test_bounds_without_any_assumption_on_those_who_did_not_answer():
    row = nonresponse_bounds(_index(80.0, 60), {"u": 240}, (25.0, 100.0), RULES, SKM).iloc[0]
    assert (row["lowest"], row["highest"]) == pytest.approx((0.25 * 80 + 0.75 * 25, 0.25 * 80 + 0.75 * 100))
    assert row["difference_to_fall"] == pytest.approx((76.605 - 80) / 0.75)
    assert row["difference_to_rise"] == pytest.approx((88.305 - 80) / 0.75)
    assert nonresponse_bounds(_index(80.0, 60), {}, (25.0, 100.0), RULES, SKM)["reason"].tolist() == ["no_population"]


@settings(deadline=None, max_examples=60)
@given(st.floats(26, 99), st.integers(1, 100), st.integers(0, 1000))
def test_the_true_index_lies_within_the_bounds_whatever_the_silent_say(estimate, n, silent):
    row = nonresponse_bounds(_index(estimate, n), {"u": n + silent}, (25.0, 100.0), RULES, SKM).iloc[0]
    for others in (25.0, 60.0, 100.0):
        truth = (n * estimate + silent * others) / (n + silent)
        assert row["lowest"] - 1e-9 <= truth <= row["highest"] + 1e-9


def test_a_channel_that_stands_out_within_units_is_seen_and_units_do_not_confound_it():
    rng = np.random.default_rng(0)
    unit = np.repeat(["a", "b"], 200)
    channel = np.where(rng.random(400) < np.where(unit == "a", 0.9, 0.1), "staff", "qr")
    base = np.where(unit == "a", 85.0, 65.0)
    honest = channel_differences(
        base + rng.normal(0, 8, 400), pd.Series(channel), pd.Series(unit), confidence=CONFIDENCE
    )
    assert (honest["p_adjusted"] > 0.05).all()
    assert honest.set_index("channel")["points"].diff().abs().iloc[1] > 10  # the raw means differ by unit
    picked = channel_differences(
        base + 6 * (channel == "staff") + rng.normal(0, 8, 400),
        pd.Series(channel),
        pd.Series(unit),
        confidence=CONFIDENCE,
    ).set_index("channel")
    assert picked.loc["staff", "estimate"] == pytest.approx(6, abs=3)
    assert picked.loc["staff", "p_adjusted"] < 0.05


@pytest.mark.parametrize(
    ("text", "about", "tone"),
    [
        ("Petugas ramah dan cepat, terima kasih", ("time", "behaviour"), "positive"),
        ("Petugas kurang ramah", ("behaviour",), "negative"),
        ("Tidak ada pungutan sama sekali", ("cost",), "neutral"),
        ("Persyaratannya berubah-ubah", ("requirements",), "neutral"),
        ("Toilet kotor", ("facilities",), "negative"),
        ("Selamat pagi", ("other",), "neutral"),
        ("Penjelasan petugas membingungkan", ("competence",), "negative"),
        ("Ruang tunggunya bersih", ("facilities",), "positive"),
        ("Menunggu aduan ketertiban tiga jam", ("time", "complaints"), "neutral"),
        ("Perlu perbaikan toilet", ("facilities",), "neutral"),
        ("Sebaiknya kursi ditambah", ("facilities",), "neutral"),
        ("Suratnya terlambat", ("time",), "negative"),
        ("The staff were friendly but the wait was too slow", ("time", "behaviour"), "mixed"),
    ],
)
def test_themes(text, about, tone):
    assert themes_of(text) == (about, tone)


def _comments(**columns):
    texts = [
        "Ibu Rasvina Tomekar ramah",
        "Hubungi 0812-0000-1234, surat saya lama sekali",
        "",
        None,
        "NIK 3273051234567890 salah",
    ]
    return pd.DataFrame({"response": list("abcde"), "unit": "u", "comment": texts}).assign(**columns)


def test_comments_are_counted_and_never_quoted_unless_allowed():
    found = summarise_comments(_comments())
    assert found.n == 3
    assert found.redacted == 3
    assert found.quotes.empty
    office = found.themes[found.themes["level"] == "office"].set_index("element")
    assert office.loc["behaviour", "n"] == 1


def test_quotes_hold_no_name_and_no_number():
    quotes = summarise_comments(_comments(), quote=True, names=["Rasvina Tomekar"]).quotes["comment"].str.cat(sep=" ")
    assert "Rasvina" not in quotes
    assert not any(character.isdigit() for character in quotes)


def _responses(n=300, seed=0):
    rng = np.random.default_rng(seed)
    unit = rng.choice(["Andir", "Ciroyom", "Garuda"], n)
    old = rng.random(n) < np.where(unit == "Andir", 0.7, 0.2)
    mood = rng.normal(3.0, 0.5, n) + 0.5 * old
    frame = pd.DataFrame(np.clip(np.rint(mood[:, None] + rng.normal(0, 0.5, (n, 9))), 1, 4), columns=list(ELEMENTS))
    return frame.assign(
        period=PERIOD, unit=unit, service=rng.choice(["KTP", "Surat"], n), age=np.where(old, "tua", "muda"),
        channel=rng.choice(["loket", "qr"], n), response=[f"r{k}" for k in range(n)], comment="Petugas ramah",
        date=pd.Timestamp("2026-07-01") + pd.to_timedelta(rng.integers(0, 90, n), unit="D"),
    )  # fmt: skip


def _estimate(frame, **options):
    return estimate_citizens(frame, rules=RULES, period=PERIOD, attributes=["age"], **options)


def test_case_mix_takes_away_what_age_alone_makes():
    mix = _estimate(_responses(3000)).quality.mix.set_index("unit")
    raw, adjusted = mix["observed"], mix["adjusted"]
    assert raw["Andir"] - raw[["Ciroyom", "Garuda"]].mean() > 5
    assert adjusted.max() - adjusted.min() < 2.5  # the units serve equally well; standard errors are about 0.6
    assert np.average(adjusted, weights=mix["n"]) == pytest.approx(np.average(raw, weights=mix["n"]))


def test_runs_with_and_without_flagged_responses_are_shown_beside_each_other():
    frame = _responses(600)
    stuffed = frame.iloc[:60].assign(
        unit="Garuda", date=pd.Timestamp("2026-07-15"), response=[f"x{k}" for k in range(60)]
    )
    stuffed[list(ELEMENTS)] = 4.0
    quality = _estimate(pd.concat([frame, stuffed], ignore_index=True)).quality
    runs = quality.screened.set_index(["run", "level", "group"])
    honest = _estimate(frame).index.set_index(["level", "group"])["estimate"]
    assert runs.loc[("all", "unit", "Garuda"), "estimate"] > honest["unit", "Garuda"] + 2
    assert runs.loc[("without_stuffing", "unit", "Garuda"), "estimate"] == pytest.approx(
        honest["unit", "Garuda"],
        abs=1.0,  # honest highest ballots of that unit cannot be told from the stuffed ones
    )
    told = {f.code: f.data for f in quality.findings}
    assert "stuffing_suspected" in told
    assert told["units_rest_on_flagged"]["units"] == "Garuda", "the others' indexes do not move"
    assert "units_rest_on_flagged" not in {f.code for f in _estimate(frame).quality.findings}


def test_the_whole_can_be_saved_and_every_word_exists(tmp_path):
    served = {"Andir": 900, "Ciroyom": 800, "Garuda": 700}
    margins = {"age": {"muda": 0.3, "tua": 0.7}}
    found = _estimate(_responses(), margins=margins, population=served, quote_comments=True)
    save_record(found, tmp_path / "feedback")
    again = load_record(tmp_path / "feedback")
    pd.testing.assert_frame_equal(again.quality.standing, found.quality.standing, check_dtype=False)
    assert again.comments.n == found.comments.n
    for finding in found.findings:
        for language in wording.LANGUAGES:
            assert wording.text(f"finding.{finding.code}", language, **finding.data)
    quality = found.quality
    tables = (
        quality.margins,
        quality.weighted,
        quality.standing,
        quality.nonresponse,
        quality.channels,
        quality.screening.checks,
    )
    reasons = {reason for table in (*tables, found.index, found.elements) for reason in table["reason"]} - {""}
    assert [r for r in reasons if not wording.has_text(f"reason.{r}")] == []


def test_few_and_odd_responses_do_not_break_anything():
    for frame in (
        _responses(1),
        _responses(2),
        _responses(5).assign(unit="one"),
        _responses(9).drop(columns=["date", "channel"]),
    ):
        found = _estimate(frame)
        assert found.quality is not None
        assert len(found.index) > 0
    empty = _responses(3)
    empty[list(ELEMENTS)] = np.nan
    assert set(_estimate(empty).index["status"]) == {"cannot"}
