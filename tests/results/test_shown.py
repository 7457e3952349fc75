"""Every public result is short by itself: a few lines, a small page, no row and no id of a person."""

from __future__ import annotations

import dataclasses
import inspect
import pkgutil
import re
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.lib.pretty import pretty

import kinerja as kj
from kinerja import wording
from kinerja.calibration.prior import Prior
from kinerja.citizens.case_mix import adjust_case_mix
from kinerja.evaluation.steps import moderated_people
from kinerja.evaluation.verification import Verification
from kinerja.explorer.access import Access
from kinerja.methods import worked
from kinerja.moderation.log import read_decisions
from kinerja.parameters import Parameters
from kinerja.people.appeal import Appeal
from kinerja.people.appeal.replay import AppealReplay
from kinerja.raters.mixed import fit_mixed
from kinerja.report import Written
from kinerja.report.batch import Batch, Failure
from kinerja.report.parts.review import Review
from kinerja.report.parts.session import open_session
from kinerja.report.signoff import Signoff
from kinerja.results import Finding
from kinerja.results.shown import Brief, Shown
from kinerja.results.summary import FIGURES, language_of
from kinerja.show.charts import Chart
from kinerja.show.output import page_html

EXAMPLE = Path(__file__).parents[2] / "parameters" / "andir-2026-q3.yaml"
INNER = {"kinerja.parameters", "kinerja.raters.rasch.fit", "kinerja.inputs.tables", "kinerja.inputs.columns"}
"""Modules with classes of the same names as results, which are no results: sections of the YAML, rows, a layout."""
HOSTILE = '<script>alert("&")</script>'
OWN_PAGE = {"Table", "Chart", "Block", "Section", "Worked", "Column"}
"""Those that a notebook shows by their own rules (a column never by itself)."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("short")
    return kj.open_run(kj.load_parameters(EXAMPLE, overrides={"output.folder": str(folder)}))


@pytest.fixture(scope="module")
def results(run, tmp_path_factory):
    """One of each public result, from the example; what takes long to compute is put together from parts."""
    comparison = kj.compare(run, run)
    changed = pd.DataFrame({"table": ["ratings"], "row": [3], "column": ["rating"], "old": [2.0], "new": [4.0]})
    appeal = Appeal(
        ratee="P014", correction={"asked_by": "P014"}, sha256="0", rows=changed, comparison=comparison, corrected=run
    )
    here = Path("hasil/andir")
    ratings = run.inputs.ratings.assign(rating=run.inputs.ratings["rating"].astype(float))
    overview, citizens = kj.section("overview", run), kj.section("citizens", run)
    return [
        run,
        run.parameters,
        run.inputs,
        run.scores,
        run.citizens,
        run.citizens.quality,
        run.citizens.quality.screening,
        run.citizens.comments,
        run.rater_use,
        run.rater_fit,
        run.rater_fit.convergence,
        run.calibration,
        run.calibration.prior,
        run.calibration.within,
        run.calibration.rows,
        run.fairness,
        *run.findings,
        kj.load_rules(on=run.parameters.period.day),
        next(iter(kj.load_rules(on=run.parameters.period.day).tables.values())),
        fit_mixed(ratings[ratings["period"] == "2026-Q3"], response="rating", random=("ratee", "rater")),
        adjust_case_mix(run.inputs.responses, attributes=("age",)),
        kj.plan_evidence(run.calibration),
        kj.sheet(run, "P014"),
        open_session(run, "P014"),
        comparison,
        Verification(comparison=comparison, outputs=changed.assign(file="report.html", state="same"), settings=changed),
        appeal,
        AppealReplay(appeal=appeal, record={}, different=("persons",)),
        Review(a=run, b=run, comparison=comparison, steps=changed),
        _moderated(run, tmp_path_factory.mktemp("log") / "keputusan.csv"),
        kj.view(run),
        Access(id="7", run=run.id, reader="P014", reason="rapat P014", at="2026-10-05"),
        Signoff(file=here, name="P014", remarks="P014", manifest="0", at="2026-10-05", fits=True),
        Batch(written=("P014",), current=(), failed=(), folder=here, index=here, seconds=2.5),
        Failure(name="Karasak", cell=3, cause="ValueError: x"),
        Written(folder=here, html=here, notebook=here, manifest=here, xlsx=None, pdf=None, id=run.id, tables=3),
        overview,
        overview.blocks[0],
        next(b for b in citizens.blocks if isinstance(b, Chart)),
        citizens.tables[0],
        citizens.tables[0].columns[0],
        worked("index"),
    ]


def _moderated(run, path):
    """What one decision of the log did."""
    score = run.calibration.persons.set_index("ratee")["calibrated"].round(2)["P045"]
    row = f"P045,score,{score},{round(score + 3, 2)},bukti kehadiran ditemukan dalam berita acara,P000,2026-10-05"
    path.write_text(f"ratee,decision,old,new,reason,by,date\n{row}\n", encoding="utf-8")
    return kj.replay_decisions(read_decisions(path), moderated_people(run.scores, run.calibration))


def by_class(results):
    return {type(result).__name__: result for result in results}


OF_FOLDERS = {
    "kinerja.evaluation": "load_evaluation",
    "kinerja.inputs": "read_sources",
    "kinerja.citizens.case_mix": "adjust_case_mix",
    "kinerja.raters": "estimate_rater_use",
    "kinerja.raters.mixed": "fit_mixed",
    "kinerja.moderation": "session_view",
    "kinerja.moderation.log": "read_decisions",
    "kinerja.people.appeal.replay": "replay_appeal",
    "kinerja.report.reader": "write_reader_report",
    "kinerja.report.signoff": "read_signoff",
    "kinerja.report.sheet": "sheet_section",
    "kinerja.report.parts.session": "open_session",
    "kinerja.report.parts.review": "open_review",
    "kinerja.explorer.access": "open_restricted",
    "kinerja.show.tables": "table",
    "kinerja.methods": "worked",
}
"""Functions beyond `kj` whose results a notebook shows or an analyst holds, each in its folder."""


def every_class():
    """Classes of `kinerja` that a public function is, returns, or has in a field: by name."""
    known = {}
    for module in pkgutil.walk_packages(kj.__path__, "kinerja."):
        if module.name != "kinerja.__main__":
            for name, found in vars(import_module(module.name)).items():
                if inspect.isclass(found) and found.__module__ == module.name and found.__module__ not in INNER:
                    known.setdefault(name, found)
    named = [getattr(kj, name) for name in kj.__all__]
    public = {found.__name__: found for found in named if inspect.isclass(found)} | {"Parameters": Parameters}
    known |= public
    functions = [found for found in named if inspect.isfunction(found)]
    functions += [getattr(import_module(module), name) for module, name in OF_FOLDERS.items()]
    told = [str(inspect.signature(function).return_annotation) for function in functions]
    waiting = [*public, *re.findall(r"[A-Z]\w+", " ".join(told))]
    found = {}
    while waiting:
        name = waiting.pop()
        one = known.get(name)
        if one is None or name in found or not (dataclasses.is_dataclass(one) or issubclass(one, Brief)):
            continue
        found[name] = one
        types = [str(field.type) for field in dataclasses.fields(one)] if dataclasses.is_dataclass(one) else []
        waiting += re.findall(r"[A-Z]\w+", " ".join(types))
    return found


class Page(HTMLParser):
    """Balanced, and nothing that runs or paints."""

    def __init__(self, html):
        super().__init__()
        self.open, self.heads, self.words = [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert tag in {"div", "p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "code"}
        assert set(dict(attrs)) <= {"class", "lang", "scope", "colspan"}
        assert tag != "th" or dict(attrs)["scope"] in ("row", "col")
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_every_public_result_is_among_those_looked_at(results):
    assert set(every_class()) == set(by_class(results))
    assert set(FIGURES) <= set(every_class())


def test_a_result_takes_its_form_from_one_place():
    for name, found in every_class().items():
        assert issubclass(found, Brief), f"{name} prints its raw fields: derive it from Shown, with repr=False"
        assert found.__repr__ is Brief.__repr__, f"{name} prints its raw fields: repr=False is missing"
        assert issubclass(found, Shown) != (name in OWN_PAGE)
        assert wording.has_text(f"display.what.{name}") or name in FIGURES


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_a_few_lines_and_a_small_page(results, run, language, monkeypatch):
    monkeypatch.setenv("KINERJA_LANGUAGE", language)
    people = {*run.inputs.staff["ratee"], *run.inputs.ratings["rater"], *run.inputs.ratings["ratee"]}
    for result in results:
        lines = repr(result).split("\n")
        name = type(result).__name__
        assert lines[0].startswith(f"{name}:"), lines
        assert len(lines) < 15 and max(map(len, lines)) < 120 and len(repr(result)) < 2_000, repr(result)
        assert str(result) == repr(result)
        told = repr(result)
        if name not in OWN_PAGE:
            html = result._repr_html_()
            page = Page(html)
            assert len(html) < 20_000 and len(page.words) > 1
            told += " ".join(page.words)
            own = [f.name for f in dataclasses.fields(result)] if dataclasses.is_dataclass(result) else []
            for field in own:
                if isinstance(getattr(result, field), pd.DataFrame):
                    assert f"{field} " in repr(result) and f"<code>{field}</code>" in html, (name, field)
        assert not people & set(re.findall(r"\w+", told)), told
        assert "display." not in told


def test_the_key_figures_are_those_of_the_run(run):
    text = repr(run)
    for figure in (run.id, "Kecamatan Andir", "2026-Q3", "Pegawai 140", "95 %"):
        assert figure in text
    assert f"dan {len(run.findings) - 4} lagi" in text
    assert text.index("caution") < text.index("note") if "note" in text else True
    assert "Konvergen ya" in repr(run.calibration) and "95 %" in repr(run.calibration)


def test_the_gravest_findings_come_first_and_in_words(run):
    data = {"files": "a.csv", "count": 1_234, "day": run.parameters.period.day}
    grave = Finding(level="stop", code="later_rows", data=data)
    found = dataclasses.replace(run, findings=(*run.findings, grave))
    assert "stop later_rows, caution" in repr(found)
    assert "a.csv: 1.234 baris setelah 30 September 2026" in found._repr_html_()
    assert "later_rows" in grave._repr_html_() and "a.csv: 1.234 baris" in grave._repr_html_()


def test_a_finding_that_names_people_does_not_name_them():
    data = {"n": 2, "facet": "rater", "largest": 3, "total": 9, "example": "P014, P020", "members": "P014"}
    found = Finding(level="caution", code="facets_subsets", data=data)
    shown = repr(found) + found._repr_html_()
    assert "P014" not in shown and "P020" not in shown and "facets_subsets" in shown
    incomplete = Finding(level="note", code="later_rows")
    assert "later_rows" in incomplete._repr_html_(), "what cannot be told in words is named by its code"


def test_names_are_escaped_and_control_letters_dropped(run):
    office = run.parameters.office.model_copy(update={"name": HOSTILE + "\x1b[31m\n"})
    parameters = run.parameters.model_copy(update={"office": office})
    found = Finding(level="note", code="units_respelt", data={"files": HOSTILE, "units": HOSTILE})
    for result in (dataclasses.replace(run, parameters=parameters, findings=(found,)), parameters, found):
        html = result._repr_html_()
        Page(html)
        assert "<script" not in html and "&lt;script&gt;" in html
        assert "\x1b" not in repr(result) + html


def test_the_language_is_the_results_own_else_the_sessions(run, monkeypatch):
    monkeypatch.delenv("KINERJA_LANGUAGE", raising=False)
    english = dataclasses.replace(run, parameters=run.parameters.model_copy(update={"language": "en"}))
    assert "one period of one office" in repr(english) and "satu periode" in repr(run)
    assert 'lang="en"' in english._repr_html_() and "satu periode" in repr(run.scores)
    monkeypatch.setenv("KINERJA_LANGUAGE", "en")
    assert "scores of one period" in repr(run.scores) and language_of(run) == "id"


def test_many_results_in_a_list_take_a_line_each(run):
    shown = pretty([run, run.scores, run.calibration])
    assert len(shown.split("\n")) == 3
    assert pretty(run) == repr(run)


def test_what_has_a_form_of_its_own_keeps_it(run):
    table = kj.section("data", run).tables[0]
    shown, _ = DisplayFormatter().format(table)
    assert page_html(shown["text/html"]) == table.to_html() and shown["text/plain"] == table.to_text()
    shown, _ = DisplayFormatter().format(run)
    assert set(shown) == {"text/plain", "text/html"} and shown["text/plain"] == repr(run)


def test_numbers_of_every_size_are_written_short():
    prior = Prior(mean=np.zeros(3), std_error=np.ones(3), scale=(0.0, 1.0, 2.0), source=HOSTILE * 100)
    assert len(repr(prior)) < 200 and "script" not in repr(prior)
