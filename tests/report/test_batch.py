"""Many reports: each is made once, a failure stops none of the others, a second batch makes only what is missing."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest

from kinerja import report
from kinerja.errors import ParameterError
from kinerja.parameters import load_parameters
from kinerja.report import batch as report_batch
from kinerja.report import files as report_files
from kinerja.report.notebook import engine as kernels
from kinerja.report.notebook import pool as kernels_pool
from tests.patience import SECONDS, until
from tests.report.test_report import TABLE, make_notebook

CELL = 'parameters_file = ""\nlanguage = "id"\nrun_folder = ""\nbase = ""\nunit = ""'
FACTS = "from kinerja.show.blocks import facts\nfacts([('pegawai', str(len(unit)))])"
UNITS = ("Balonggede", "Ciateul <x>", "Karasak", "Pungkur")

needs_fork = pytest.mark.skipif(not kernels.can_fork(), reason="the warm pool needs Linux's fork")


def evaluation_module():
    """Stands for the evaluation: four units, nothing else."""
    module = ModuleType("kinerja.evaluation")
    staff = pd.DataFrame({"ratee": list("abcd"), "unit": UNITS, "period": "2026-Q3"})
    found = SimpleNamespace(id="0123456789ab", findings=(), inputs=SimpleNamespace(staff=staff))
    module.open_run = lambda parameters, progress=None, run_folder=None: found
    module.held = lambda run_folder: nullcontext()
    module.identify = lambda parameters: {"run": "0123456789ab"}
    return module


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "staff.csv").write_text("ratee,unit\na,x\n", encoding="utf-8")
    (tmp_path / "run.yaml").write_text(
        "office: {name: Kecamatan Andir}\nperiod: {kind: quarter, year: 2026, number: 3}\n"
        "sources: {staff: {path: staff.csv}}\noutput: {folder: out}\n",
        encoding="utf-8",
    )
    monkeypatch.setitem(sys.modules, "kinerja.evaluation", evaluation_module())
    return load_parameters(tmp_path / "run.yaml")


def notebook(path, *cells):
    return make_notebook(path / "unit_report.ipynb", FACTS, TABLE, *cells, parameters=CELL)


def _is_gone(group):
    """Whether no process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def by_unit(run, path, **options):
    return report_batch.batch(run, by="unit", notebook=path, workers=2, **options)


@needs_fork
def test_every_unit_gets_its_report_and_the_index_lists_them(run, tmp_path):
    seen = []
    done = by_unit(run, notebook(tmp_path), progress=lambda *step: seen.append(step))
    assert done.complete and set(done.written) == set(UNITS) and done.current == ()
    folders = {p.name for p in done.folder.iterdir() if p.is_dir()}
    assert folders == {"balonggede", "ciateul-x", "karasak", "pungkur"}
    page = (done.folder / "ciateul-x" / "report.html").read_text(encoding="utf-8")
    assert "<h1>Ciateul &lt;x&gt;</h1>" in page
    manifest = json.loads((done.folder / "karasak" / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["unit"], manifest["id"]) == ("Karasak", "0123456789ab")
    assert str(tmp_path) not in json.dumps({k: v for k, v in manifest.items() if k != "environment"})
    index = done.index.read_text(encoding="utf-8")
    assert 'href="karasak/report.html"' in index and "Ciateul &lt;x&gt;" in index and "pegawai" in index
    assert [s[0] for s in seen] == [0, 1, 2, 3, 4] and seen[-1][3] == 0


@needs_fork
def test_a_second_batch_makes_only_what_is_missing_or_changed(run, tmp_path):
    path = notebook(tmp_path)
    first = by_unit(run, path)
    assert set(by_unit(run, path).current) == set(UNITS)
    (first.folder / "karasak" / "report.html").write_text("tampered", encoding="utf-8")
    (first.folder / "pungkur" / "manifest.json").unlink()
    assert set(by_unit(run, path).written) == {"Karasak", "Pungkur"}
    make_notebook(path, FACTS, TABLE, "'changed'", parameters=CELL)
    assert set(by_unit(run, path).written) == set(UNITS)


@needs_fork
def test_failures_are_listed_with_cell_and_cause_and_stop_nobody(run, tmp_path):
    cell = (
        "import os\nif unit == 'Karasak': raise ValueError('no data for ' + unit)\n"
        "if unit == 'Pungkur': os.kill(os.getpid(), 9)"
    )
    done = by_unit(run, notebook(tmp_path, cell))
    assert not done.complete and set(done.written) == {"Balonggede", "Ciateul <x>"}
    failed = {f.name: f for f in done.failed}
    assert (failed["Karasak"].cell, failed["Karasak"].cause) == (4, "ValueError: no data for Karasak")
    assert "ended" in failed["Pungkur"].cause
    assert not (done.folder / "karasak").exists()
    assert "no data for Karasak" in done.index.read_text(encoding="utf-8")
    table = {row["name"]: row["status"] for row in json.loads((done.folder / "batch.json").read_text(encoding="utf-8"))}
    assert table == {"Balonggede": "written", "Ciateul <x>": "written", "Karasak": "failed", "Pungkur": "failed"}


@needs_fork
def test_an_earlier_report_survives_a_later_failure(run, tmp_path):
    first = by_unit(run, notebook(tmp_path))
    before = (first.folder / "karasak" / "report.html").read_bytes()
    later = by_unit(run, notebook(tmp_path, "raise ValueError('x')"))
    assert len(later.failed) == 4 and (first.folder / "karasak" / "report.html").read_bytes() == before


@needs_fork
def test_a_batch_killed_half_way_goes_on_where_it_stopped(run, tmp_path):
    """The third report kills the batch with all its processes, the first time that it is made."""
    marker = tmp_path / "killed"
    cell = (
        f"import os, pathlib\nmarker = pathlib.Path({str(marker)!r})\n"
        "if unit == 'Karasak' and not marker.exists():\n    marker.touch(); os.killpg(0, 9)"
    )
    path = notebook(tmp_path, cell)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from tests.report import test_batch as t;"
        "sys.modules['kinerja.evaluation'] = t.evaluation_module();"
        "run = t.load_parameters(sys.argv[2]);"
        "t.report_batch.batch(run, by='unit', notebook=Path(sys.argv[3]), workers=1)"
    )
    arguments = [sys.executable, "-c", code, str(Path(__file__).parents[2]), str(run.file), str(path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    killed = subprocess.Popen(arguments, start_new_session=True, **pipes)
    said, _ = killed.communicate()
    assert killed.returncode == -signal.SIGKILL, said
    until(lambda: _is_gone(killed.pid))  # the last of its processes to end holds the folder
    folder = run.run_folder / "units"
    assert {p.parent.name for p in folder.glob("*/manifest.json")} == {"balonggede", "ciateul-x"}
    done = by_unit(run, path)
    assert done.current == UNITS[:2] and done.written == UNITS[2:] and done.complete


def test_what_a_killed_process_left_is_swept(tmp_path):
    """Its temporary folder goes, also where the report was in its place already; a living process keeps its own."""
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    left, own = (tmp_path / f".kinerja-{process}-x" for process in (gone.stdout.strip(), os.getpid()))
    left.mkdir()
    own.mkdir()
    report_files.sweep(tmp_path)
    assert own.exists() and left.exists() != Path("/proc").is_dir()


def test_several_parameters_files(run, tmp_path):
    other = load_parameters(run.file, overrides={"output.run": "second", "language": "en"})
    path = make_notebook(tmp_path / "period_report.ipynb", TABLE)
    done = report_batch.batch([run, other], notebook=path, workers=2)
    assert done.complete and {p.parent.name for p in done.folder.glob("*/report.html")} == {"run", "second"}
    assert report.write_report(run, notebook=path).html.exists()
    assert set(report_batch.batch([run, other], notebook=path).current) == {"run", "second"}


def test_two_runs_of_one_name_are_refused(run):
    with pytest.raises(ParameterError, match="found run; Each run needs a name"):
        report_batch.batch([run, run])


def test_by_unit_takes_one_run(run):
    with pytest.raises(ParameterError, match=r"found 2; .*exactly one"):
        report_batch.batch([run, run], by="unit")


def test_a_scheduler_that_is_not_there_is_said(run, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(report_batch, "REACH", 1)
    with pytest.raises(ParameterError, match="running Dask scheduler is expected"):
        by_unit(run, notebook(tmp_path), scheduler="tcp://127.0.0.1:1")


def test_folders_of_units_never_collide():
    names = report_batch._file_names(["Seksi A", "seksi a", "Séksi-A", "???", "!!!"])
    assert len(set(names.values())) == 5 and all(n.isascii() for n in names.values())


def work(job):
    if job["n"] == 2:
        os.kill(os.getpid(), 9)
    return {"status": "written", "n": job["n"] * 2}


def test_jobs_without_fork_go_through_a_pool(monkeypatch):
    monkeypatch.setattr(kernels, "can_fork", lambda: False)
    found = dict(kernels_pool.run_jobs([{"n": 0}, {"n": 1}], work, workers=1))
    assert {k: r["n"] for k, r in found.items()} == {0: 0, 1: 2}


@needs_fork
def test_a_dead_process_is_a_failed_job():
    found = dict(kernels_pool.run_jobs([{"n": n} for n in range(4)], work, workers=2))
    assert found[2]["status"] == "failed" and [found[k]["n"] for k in (0, 1, 3)] == [0, 2, 6]


@needs_fork
def test_a_job_that_takes_too_long_is_ended():
    found = dict(kernels_pool.run_jobs([{"n": 5}], slow, workers=1, seconds=0.5))
    assert found[0]["cause"] == kernels_pool.LATE["cause"]


def slow(job):
    time.sleep(600)
    return {}


@needs_fork
def test_a_finished_job_counts_however_late_it_is_looked_at(monkeypatch):
    """A busy machine: between two looks the limit has passed, and the job is done."""
    looked = select.select

    def late(pipes, *rest):
        return looked(pipes, [], [], SECONDS)

    monkeypatch.setattr(kernels_pool.select, "select", late)
    found = dict(kernels_pool.run_jobs([{"n": 5}], work, workers=1, seconds=0.0))
    assert found[0] == {"status": "written", "n": 10}
