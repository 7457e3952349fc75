"""The same jobs on a Dask cluster: a scheduler and two workers on loopback, one of which is killed while they run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from kinerja.parameters import load_parameters
from kinerja.report import batch as report_batch
from tests.patience import SECONDS, until

pytest.importorskip("distributed", reason="no Dask here: pip install '.[cluster]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="a worker is killed with a Unix signal"),
]

PRELOAD = """
import sys
sys.path.insert(0, {tests!r})
from tests.report import test_batch
sys.modules["kinerja.evaluation"] = test_batch.evaluation_module()
"""


@pytest.fixture
def cluster(tmp_path):
    """The scheduler's address and its two workers; every process is ended afterwards."""
    preload = tmp_path / "preload.py"
    preload.write_text(PRELOAD.format(tests=str(Path(__file__).parents[2])), encoding="utf-8")
    found = tmp_path / "scheduler.json"
    environment = {
        **os.environ,
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3",
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": f"{SECONDS}s",
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": f"{SECONDS}s",
    }

    def start(*command):
        return subprocess.Popen([sys.executable, "-m", "distributed.cli." + command[0], *command[1:]], cwd=tmp_path,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)  # fmt: skip

    scheduler = start(
        "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(found)
    )

    def address():
        with suppress(OSError, ValueError):  # not there yet, or half of it
            return json.loads(found.read_text(encoding="utf-8"))["address"]

    assert until(address, alive=lambda: scheduler.poll() is None), "no scheduler started"
    worker = ("dask_worker", "--scheduler-file", str(found), "--nthreads", "1", "--no-nanny", "--no-dashboard",
              "--host", "127.0.0.1", "--preload", str(preload))  # fmt: skip
    workers = [start(*worker), start(*worker)]
    yield address(), workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


CELL = """
import os, pathlib, time
folder = pathlib.Path({folder!r})
try:
    (folder / "first").touch(exist_ok=False)
except FileExistsError:
    (folder / f"waits-{{os.getppid()}}").touch()
    while not (folder / "go").exists():
        time.sleep(0.05)
"""
"""The first report is made; every other one says which worker it runs on and waits until it may go on."""


def test_a_killed_worker_loses_no_report_and_doubles_none(cluster, tmp_path, monkeypatch):
    from tests.report.test_batch import UNITS, evaluation_module, notebook

    address, workers = cluster
    (tmp_path / "staff.csv").write_text("ratee,unit\na,x\n", encoding="utf-8")
    (tmp_path / "run.yaml").write_text(
        "office: {name: Kecamatan Andir}\nperiod: {kind: quarter, year: 2026, number: 3}\n"
        "sources: {staff: {path: staff.csv}}\noutput: {folder: out}\n",
        encoding="utf-8",
    )
    monkeypatch.setitem(sys.modules, "kinerja.evaluation", evaluation_module())
    run = load_parameters(tmp_path / "run.yaml")
    told, killed = [], []

    def progress(done, total, failed, left):
        told.append(done)
        if done == 1:
            killed.append(until(lambda: [w for w in workers if (tmp_path / f"waits-{w.pid}").exists()]))
            killed[0][0].send_signal(signal.SIGKILL)
            (tmp_path / "go").touch()

    path = notebook(tmp_path, CELL.format(folder=str(tmp_path)))
    done = report_batch.batch(run, by="unit", notebook=path, scheduler=address, progress=progress)
    assert done.complete and sorted(done.written) == sorted(UNITS)
    assert told == [0, 1, 2, 3, 4] and killed
    assert len(list(done.folder.glob("*/report.html"))) == len(UNITS)
    assert set(report_batch.batch(run, by="unit", notebook=path, scheduler=address).current) == set(UNITS)
