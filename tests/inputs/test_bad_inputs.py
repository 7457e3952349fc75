"""Every bad input is said clearly: which file, row and column, what is allowed, the way out, in both languages."""

from __future__ import annotations

import io

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinerja import wording
from kinerja.errors import DataError, KinerjaError, ParameterError
from kinerja.inputs import read_sources
from kinerja.parameters import Sources, load_parameters
from kinerja.show.tables import Column, Table
from kinerja.show.tables.xlsx import workbook_bytes
from tests.inputs.bad_inputs import CASES, HOSTILE, PERIOD, PRIVACY, RATINGS, Case


def _read(case: Case, folder):
    arguments = {"period": PERIOD, "privacy": PRIVACY} | dict(case.arguments)
    return read_sources(case.sources(folder), **arguments)


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("KINERJA_KEY", raising=False)


REFUSED = [case for case in CASES if case.code]
READ = [case for case in CASES if not case.code]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_slip_is_refused_with_its_place(case, tmp_path):
    with pytest.raises(DataError) as caught:
        _read(case, tmp_path)
    problems = caught.value.problems
    name = next(iter(case.files)) + case.suffix
    assert [p.code for p in problems if p.where.startswith(name)][:1] == [case.code], problems
    problem = next(p for p in problems if p.code == case.code)
    assert problem.where.startswith(name)
    assert case.row is None or problem.row == case.row
    assert case.column is None or problem.column == case.column
    assert case.found in problem.found
    for language in wording.LANGUAGES:
        sentence = wording.problem_sentence(problem, language)
        assert "{" not in sentence.replace("{chain}", "") and "\n" not in sentence
        table = wording.problem_table(problems, language)
        assert (table["allowed"] != "").all() and (table["way_out"] != "").all()
    # A slip does not set off a row of other complaints about the same cell.
    places = [(p.where, p.row, p.column) for p in problems]
    assert len(places) == len(set(places)) and len(places) <= 3, problems


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_what_is_odd_is_read_and_said(case, tmp_path):
    inputs = _read(case, tmp_path)
    codes = {finding.code for finding in inputs.findings}
    assert not case.finding or case.finding in codes
    assert not case.reason or case.reason in set(inputs.left_out["reason"])
    for finding in inputs.findings:
        for language in wording.LANGUAGES:
            assert wording.text(f"finding.{finding.code}", language, **finding.data)
    for reason in inputs.left_out["reason"].unique():
        assert wording.has_text(f"reason.{reason}")


def test_the_corpus_is_large_and_varied():
    assert len(CASES) >= 220
    assert len({case.code for case in REFUSED}) >= 45


def test_no_row_is_lost_silently(tmp_path):
    """Every line below the header is a record, or is listed with a reason."""
    for number, case in enumerate(READ):
        folder = tmp_path / str(number)
        folder.mkdir()
        inputs = _read(case, folder)
        for file in inputs.files.itertuples():
            listed = inputs.left_out.loc[inputs.left_out["file"] == file.file, "row"]
            blank = inputs.left_out["reason"].isin(["blank_row"]) & (inputs.left_out["file"] == file.file)
            assert file.rows_kept + listed.nunique() - int(blank.sum()) >= file.rows_read, (case.name, inputs.left_out)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_a_workbook(text):
    """No cell becomes a formula: a name like =HYPERLINK(...) would run on the reader's machine."""
    column = Column(key="unit", kind="text", label="Unit")
    table = Table(name="uji", caption=text, columns=(column,), rows=((text,),), marks=("",), suppressed=(False,))
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes([table], title=text)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert "<script" not in table.to_html() and "<img src=x" not in table.to_html()


YAML_TRAPS = {
    "anchor": "office: &a {name: Kantor}\nperiod: *a\n",
    "billion laughs": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "merge key": "office:\n  <<: {name: x}\n",
    "python object": "office: !!python/object/apply:os.system ['true']\n",
    "python name": "office: {name: !!python/name:os.system }\n",
    "custom tag": "office: !office {name: x}\n",
    "include tag": "office: !include /etc/passwd\n",
    "twice": "language: id\nlanguage: en\n",
    "two documents": "language: id\n---\nlanguage: en\n",
    "list": "- a\n- b\n",
    "tab": "office:\n\tname: x\n",
    "open bracket": "office: {name: x\n",
    "nothing": "",
    "deep": "[" * 3000,
    "run climbs out": "output: {run: ../../keluar}\n",
    "run is a path": "output: {run: /tmp/keluar}\n",
    "run hides": "output: {run: .ssh}\n",
    "password in an address": "sources: {staff: {url: 'postgresql://a:rahasia@h/x', table: x}}\n",
}


@pytest.mark.parametrize("name", YAML_TRAPS)
def test_traps_in_the_parameters_are_refused(name, tmp_path):
    sound = "office: {name: K}\nperiod: {kind: year, year: 2026}\n" if name.startswith("run") else ""
    path = tmp_path / "p.yaml"
    path.write_text(sound + YAML_TRAPS[name], encoding="utf-8", newline="\n")
    with pytest.raises(ParameterError) as caught:
        load_parameters(path)
    assert caught.value.problems
    for problem in caught.value.problems:
        assert wording.problem_sentence(problem, "id") and "rahasia" not in repr(problem)
    assert list(tmp_path.iterdir()) == [path]


def test_all_files_are_reported_at_once(tmp_path):
    bad = {name: tmp_path / name for name in ("a.csv", "b.csv", "c.csv")}
    bad["a.csv"].write_text("")
    bad["b.csv"].write_text(RATINGS.replace(";4", ";empat"))
    given_ = {
        "staff": {"path": str(bad["a.csv"])},
        "ratings": {"path": str(bad["b.csv"])},
        "published": {"path": str(bad["c.csv"])},
    }
    with pytest.raises(DataError) as caught:
        read_sources(Sources.model_validate(given_), period=PERIOD, privacy=PRIVACY)
    assert {(p.where, p.code) for p in caught.value.problems} == {
        ("a.csv", "empty_file"),
        ("b.csv", "not_a_number"),
        ("c.csv", "missing_file"),
    }


def test_a_thousand_slips_are_counted_not_listed(tmp_path):
    path = tmp_path / "penilaian.csv"
    path.write_text("NIP;Penilai;Nilai\n" + "".join(f"P{k};P9;baik\n" for k in range(1000)))
    with pytest.raises(DataError) as caught:
        read_sources(Sources.model_validate({"ratings": {"path": str(path)}}), period=PERIOD, privacy=PRIVACY)
    assert len(caught.value.problems) == 101
    assert caught.value.problems[-1].code == "more_alike"
    assert caught.value.problems[-1].data["count"] == 900


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError) as caught:
        read_sources(Sources.model_validate({"ratings": {"path": str(tmp_path)}}), period=PERIOD, privacy=PRIVACY)
    assert [p.code for p in caught.value.problems] == ["is_a_folder"]


TOKENS = st.sampled_from(
    ["NIP", "Penilai", "Nilai", "Periode", "2026-Q3", "P1", "P9", "4", "4,5", "Jumlah", "=1+1", '"', ";", ",", "\t",
     "\n", "\n\n", "\r\n", "", " ", "\u00a0", "Atasan", "#REF!", "1.234", "é", "\ufeff", "(1)", "30/09/2026",
     "\x00", "<script>"]
)  # fmt: skip


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TOKENS, max_size=40).map("".join), st.sampled_from(["staff", "ratings", "indicators", "responses"]))
def test_any_text_is_read_or_refused_never_a_traceback(tmp_path, text, kind):
    path = tmp_path / "acak.csv"
    path.write_bytes(text.encode())
    try:
        inputs = read_sources(Sources.model_validate({kind: {"path": str(path)}}), period=PERIOD, privacy=PRIVACY)
    except KinerjaError as error:
        assert error.problems
        assert all(wording.problem_sentence(p, "id") for p in error.problems)
    else:
        assert len(getattr(inputs, kind)) <= text.count("\n") + 1


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 4), st.integers(0, 5), st.text(max_size=20).filter(lambda t: not set(t) & set('";\n\r\x00')))
def test_any_cell_is_read_or_refused(tmp_path, row, place, value):
    lines = [line.split(";") for line in RATINGS.splitlines()]
    lines[min(row, len(lines) - 1)][place] = value
    path = tmp_path / "sel.csv"
    path.write_text("\n".join(";".join(line) for line in lines) + "\n", encoding="utf-8", newline="\n")
    try:
        inputs = read_sources(Sources.model_validate({"ratings": {"path": str(path)}}), period=PERIOD, privacy=PRIVACY)
    except KinerjaError as error:
        assert error.problems
    else:
        assert len(inputs.ratings) + inputs.left_out["row"].nunique() >= 3


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"PAR1", b"%PDF", b"\xff\xfe", b"\xef\xbb\xbf"]))
def test_any_bytes_are_read_or_refused(tmp_path, content, magic):
    path = tmp_path / "acak.xlsx"
    path.write_bytes(magic + content)
    with pytest.raises(KinerjaError):
        read_sources(Sources.model_validate({"ratings": {"path": str(path)}}), period=PERIOD, privacy=PRIVACY)
