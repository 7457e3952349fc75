"""What docs/security.md promises: hostile words stay words, bombs are refused, saved results run nothing."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from kinerja.errors import DataError
from kinerja.evaluation import FOLDER, evaluate, load_evaluation, save_evaluation
from kinerja.inputs import read_sources
from kinerja.inputs.formats import parquet
from kinerja.parameters import Period, Privacy, Sources
from kinerja.report.contents import NAMES, section
from kinerja.report.impact_assessment import dpia_page
from kinerja.report.parts.reader import PARTS, reader_section
from tests.office import staffed, write_office

TESTS = Path(__file__).parents[1]
SCRIPT, IMAGE = "<script>alert(1)</script>", "<img src=x onerror=alert(1)>"


def test_every_test_that_the_notes_name_exists():
    notes = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`tests/([\w/]+\.py)::(test_\w+)`", notes)
    assert len(named) > 20
    for file, function in named:
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        assert function in {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}, (file, function)


def test_hostile_words_stay_words_in_a_report(tmp_path):
    units = {SCRIPT: [50 + k for k in range(8)], f"Seksi {IMAGE}": [60 + k for k in range(9)]}
    office = write_office(tmp_path, staffed(**units), comments={SCRIPT: f"Ramah sekali {SCRIPT} {IMAGE}"})
    hostile = office.office.model_copy(update={"name": f"Kantor {IMAGE}", "place": SCRIPT})
    run = evaluate(office.model_copy(update={"office": hostile}))
    sections = [section(name, run) for name in NAMES]
    sections += [reader_section(name, run, "unit_head", unit=SCRIPT) for name in PARTS]
    blocks = [block for part in sections for block in part.blocks]
    bundles = [block._repr_mimebundle_() for block in blocks]
    pages = [(bundle[0] if isinstance(bundle, tuple) else bundle)["text/html"] for bundle in bundles]
    page = "\n".join([*pages, dpia_page(run)])
    assert "alert(1)" in page  # the words are there ...
    assert "<script>alert" not in page and "<img src=x" not in page  # ... as words


def test_a_parquet_file_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "pegawai.parquet"
    pd.DataFrame({"ratee": ["a"] * 2_000, "unit": ["x"] * 2_000}).to_parquet(path)
    monkeypatch.setattr(parquet, "MAXIMUM_PARQUET_CELLS", 3_999)
    sources = Sources.model_validate({"staff": {"path": path}})
    with pytest.raises(DataError) as caught:
        read_sources(sources, period=Period(kind="year", year=2026), privacy=Privacy())
    assert [p.code for p in caught.value.problems] == ["too_many_cells"]


@pytest.mark.parametrize("key", ["record", "class"])
@pytest.mark.parametrize("name", ["os:system", "subprocess:Popen", "kinerja.report:Path", "kinerja.cli:app"])
def test_a_saved_result_names_records_of_this_package_only(tmp_path, name, key):
    office = write_office(tmp_path, staffed(Satu=[50 + k for k in range(8)], Dua=[60 + k for k in range(8)]))
    folder = office.run_folder / FOLDER
    save_evaluation(evaluate(office), folder)
    record = folder / "record.json"
    text = record.read_text(encoding="utf-8")
    assert json.loads(text)["record"] == "evaluation"
    record.write_text(text.replace('"record": "evaluation"', json.dumps({key: name})[1:-1]), encoding="utf-8")
    with pytest.raises(DataError):
        load_evaluation(folder)
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]
