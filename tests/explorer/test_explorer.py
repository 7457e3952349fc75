"""The explorer: what a view shows and withholds, the call that makes it again, the record of the restricted mode."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kinerja as kj
from kinerja import wording
from kinerja.errors import DataError, ParameterError
from kinerja.explorer.access import open_restricted, read_access
from kinerja.explorer.figures import view_charts, view_sentences, view_table
from kinerja.explorer.view import SUBJECTS, choices, rows_of_subject
from kinerja.report.manifest import ACCESS_RECORD, write_manifest

EXAMPLE = Path(__file__).parents[2] / "parameters" / "andir-2026-q3.yaml"
WHY = "keberatan atas nilai tim yang kecil"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explorer")
    parameters = kj.load_parameters(EXAMPLE, overrides={"output.folder": str(folder)})
    return kj.open_run(parameters)


@pytest.fixture
def fresh(run, tmp_path):
    """The run as if nobody had opened the restricted mode."""
    output = run.parameters.output.model_copy(update={"folder": tmp_path})
    return replace(run, parameters=run.parameters.model_copy(update={"output": output}))


def every_view(run):
    for subject in SUBJECTS:
        for by in rows_of_subject(run, subject):
            yield kj.view(run, subject, by=by)


def test_every_subject_has_a_table_charts_and_n_in_both_languages(run):
    for seen in every_view(run):
        assert seen.n > 0, (seen.subject, seen.by)
        for language in wording.LANGUAGES:
            told = list(view_sentences(seen, language, minimum=5))
            assert wording.number(int(seen.n), None, language) in told[0]
            assert len(view_table(seen, language, confidence=0.95).rows) == len(seen.frame)
            assert all(chart.alt for chart in view_charts(seen, language, confidence=0.95))


def test_means_are_those_of_the_people(run):
    """By hand: the mean over people of the mean over items, in points."""
    ratings, staff = run.inputs.ratings, run.inputs.staff
    rows = ratings[(ratings["period"] == "2026-Q2") & (ratings["role"] == "supervisor")]
    points = (rows.groupby("ratee")["rating"].mean() - 1) / 4 * 100
    unit = staff[staff["period"] == "2026-Q2"].set_index("ratee")["unit"]
    expected = points.groupby(unit).agg(["mean", "size"])
    seen = kj.view(run, "ratings", by="unit", period="2026-Q2").frame.dropna(subset=["unit"]).set_index("unit")
    np.testing.assert_allclose(seen["estimate"], expected.loc[seen.index, "mean"])
    assert seen["n"].tolist() == expected.loc[seen.index, "size"].tolist()


def test_calibrated_and_citizens_are_the_runs_own_figures(run):
    persons = run.calibration.persons.set_index("ratee")
    seen = kj.view(run, "calibrated", by="unit").frame.set_index("unit")
    mean = persons.groupby("unit")["calibrated"].mean()
    np.testing.assert_allclose(seen.loc[mean.index, "estimate"], mean)
    index = run.citizens.index.query("level == 'unit'").set_index("unit")["estimate"]
    seen = kj.view(run, "citizens", by="unit").frame.set_index("unit")
    np.testing.assert_allclose(seen.loc[index.index, "estimate"], index)


def test_small_cells_go_together_with_what_would_give_them_away(run):
    """No cell under the floor is shown, and no sum leaves fewer than the floor's people hidden."""
    for unit in choices(run, "ratings", "rater")["unit"][:1]:
        for group in (None, ("gender", "Perempuan"), ("employment", "PPPK")):
            frame = kj.view(run, "ratings", by="rater", unit=unit, group=group).frame
            shown = frame[frame["status"] == "ok"]
            assert (shown["n"] >= 5).all()
            hidden = frame[frame["status"] == "suppressed"]
            assert hidden[["n", "estimate", "conf_low", "conf_high"]].isna().all(axis=None)
            whole = shown[shown["rater"].isna()]
            if len(whole) and len(hidden):
                rest = whole["n"].iloc[0] - shown["n"].sum() + whole["n"].iloc[0]
                assert rest >= 5, (unit, group)


def test_the_trend_does_not_give_what_the_rows_withhold(run):
    seen = kj.view(run, "ratings", by="rater", unit="Kelurahan Garuda", group=("gender", "Perempuan"))
    assert np.isnan(seen.n), "a selection that is withheld"
    point = seen.trend[seen.trend["period"] == "2026-Q3"]
    assert point["status"].tolist() == ["suppressed"]
    assert point[["n", "estimate", "conf_low", "conf_high"]].isna().all(axis=None)


@pytest.mark.parametrize(
    "chosen",
    [
        {"subject": "ratings", "by": "unit"},
        {"subject": "ratings", "by": "item", "period": "2026-Q1", "unit": "Kelurahan Garuda"},
        {"subject": "ratings", "by": "rater", "group": ("gender", "Perempuan")},
        {"subject": "calibrated", "by": "employment"},
        {"subject": "citizens", "by": "service", "unit": "Kelurahan Maleber"},
    ],
)
def test_the_code_gives_the_same_frame(run, chosen):
    seen = kj.view(run, **chosen)
    again = eval(seen.code, {"kj": kj, "evaluation": run})
    pd.testing.assert_frame_equal(again.frame, seen.frame)
    pd.testing.assert_frame_equal(again.trend, seen.trend)
    assert again.code == seen.code


def test_an_item_narrows_the_ratings(run):
    item = choices(run, "ratings", "unit")["item"][3]
    rows = run.inputs.ratings.query("period == '2026-Q3' and role == 'supervisor' and item == @item")
    seen = kj.view(run, "ratings", by="gender", item=item).frame
    assert seen.loc[seen["gender"].isna(), "estimate"].iloc[0] == pytest.approx((rows["rating"].mean() - 1) / 4 * 100)


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        ({"subject": "salary"}, "subject"),
        ({"by": "wealth"}, "by"),
        ({"unit": "Mars"}, "unit"),
        ({"by": "unit", "unit": "Kelurahan Garuda"}, "unit"),
        ({"subject": "citizens", "rater": "P001"}, "rater"),
        ({"period": "1999-Q1"}, "period"),
    ],
)
def test_a_choice_that_is_none_is_named(run, wrong, column):
    with pytest.raises(ParameterError) as error:
        kj.view(run, **wrong)
    assert [p.column for p in error.value.problems] == [column]
    assert wording.problem_sentence(error.value.problems[0], "id")


def test_the_restricted_mode_is_on_record_before_anything_is_shown(fresh):
    folder = fresh.parameters.run_folder
    asked = {"by": "rater", "unit": "Kelurahan Garuda", "group": ("gender", "Perempuan")}
    assert kj.view(fresh, "ratings", **asked).withheld
    access = open_restricted(fresh, reader="Camat", reason=WHY)
    (entry,) = read_access(folder)
    assert entry == access and (entry.reader, entry.reason, entry.run) == ("Camat", WHY, fresh.id)
    seen = kj.view(fresh, "ratings", **asked, access=access)
    assert not seen.withheld and (seen.frame["n"] < 5).any() and seen.access == access.id
    assert access.id in seen.code
    pd.testing.assert_frame_equal(eval(seen.code, {"kj": kj, "evaluation": fresh}).frame, seen.frame)
    assert access.id in " ".join(view_sentences(seen, "id", minimum=5))


@pytest.mark.parametrize(("reader", "reason"), [("Tetangga", WHY), ("Camat", "ingin tahu"[:5])])
def test_nobody_opens_it_without_a_name_and_a_reason(fresh, reader, reason):
    with pytest.raises(ParameterError):
        open_restricted(fresh, reader=reader, reason=reason)
    assert not (fresh.parameters.run_folder / ACCESS_RECORD).exists()


def test_an_access_that_nobody_recorded_shows_nothing(fresh):
    with pytest.raises(ParameterError, match="access"):
        kj.view(fresh, "ratings", by="rater", access="0123456789ab")
    access = open_restricted(fresh, reader="Camat", reason=WHY)
    other = replace(fresh, identity={**fresh.identity, "run": "another"})
    with pytest.raises(ParameterError):
        kj.view(other, "ratings", by="rater", access=access)


def test_a_line_changed_or_taken_out_is_seen(fresh):
    for reader in ("Camat", "Sekretaris Kecamatan", "Camat"):
        open_restricted(fresh, reader=reader, reason=WHY)
    folder = fresh.parameters.run_folder
    lines = (folder / ACCESS_RECORD).read_text(encoding="utf-8").splitlines()
    assert len(read_access(folder)) == 3
    for changed in ([lines[0], lines[2]], [lines[0].replace("Camat", "Lurah"), *lines[1:]], [*lines[:2], "{}"]):
        (folder / ACCESS_RECORD).write_text("\n".join(changed) + "\n", encoding="utf-8")
        with pytest.raises(DataError, match=ACCESS_RECORD):
            read_access(folder)


def test_the_manifest_names_the_record(tmp_path):
    write_manifest(tmp_path / "manifest.json", {"id": "x"})
    assert json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["access_record"] == ACCESS_RECORD


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_choice_redraws_n_table_plots_and_code(run, language):
    from kinerja.explorer import _Explorer

    page = _Explorer(run, language, "")
    before = [part.value for part in (page.n, page.rows, page.plots, page.code)]
    page.controls["group"].value = ("employment", "PPPK")
    after = [part.value for part in (page.n, page.rows, page.plots, page.code)]
    assert all(a != b for a, b in zip(before, after, strict=True))
    assert "n = 28" in page.n.value and "employment" in page.code.value
    page.controls["subject"].value = "citizens"
    assert page.controls["rater"].disabled and "1.200" in page.n.value.replace(",", ".")


def test_the_panel_opens_and_closes_the_restricted_mode(fresh):
    from kinerja.explorer import _Explorer

    page = _Explorer(fresh, "id", "")
    page.controls["by"].value = "rater"
    _, reader, reason, button, told = page.box.children[-1].children[0].children
    button.click()
    assert "kj-warn" in told.value and page.access is None
    reader.value, reason.value = "Camat", WHY
    button.click()
    assert page.access is not None and page.access.id in page.n.value
    assert len(read_access(fresh.parameters.run_folder)) == 1
    button.click()
    assert page.access is None and "kj-warn" not in page.n.value
