"""The warm engine gives what the ordinary one gives, contains what goes wrong, and falls back where it must."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from kinerja.report.notebook import engine as kernels
from kinerja.report.notebook import run as report_notebook
from tests.patience import SECONDS
from tests.report.test_report import make_notebook

pytestmark = pytest.mark.skipif(not kernels.can_fork(), reason="the warm engine needs Linux's fork")

EVERYTHING = (
    "print('a'); print('b')\nimport sys; print('c', file=sys.stderr); print('d')",
    "1 + 1",
    "None",
    "",
    "import pandas as pd\npd.DataFrame({'x': [1.5, 2], 'y': ['<a>', 'b']})",
    "from IPython.display import display, Markdown, HTML\ndisplay(Markdown('*m*'), HTML('<b>h</b>'))\n'last'",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()",
    "x = 5;\nx",
    "_ + 1",
    "import os, __main__\n(os.getcwd() == base, __main__.x, __name__)",
    "import asyncio\nawait asyncio.sleep(0)\n'awaited'",
    "import warnings\nwarnings.warn('careful')",
    "handle = display('first', display_id='k')\nhandle.update('second')",
    "from kinerja.show.tables import table\ntable(pd.DataFrame({'unit': ['a'], 'estimate': [0.1 + 0.2]}), name='t')",
)


def run(path, engine, **options):
    return report_notebook.execute_notebook(path, {"base": str(path.parent)}, engine=engine, **options)


def test_both_engines_give_the_same_outputs(tmp_path):
    path = make_notebook(tmp_path / "n.ipynb", *EVERYTHING, ("text",))
    plain = [report_notebook.strip_run(run(path, engine)) for engine in (None, kernels.NAME)]
    for ordinary, warm in zip(plain[0].cells, plain[1].cells, strict=True):
        for cell in (ordinary, warm):
            for output in cell.get("outputs", []):
                # Where a warning was raised is written with the temporary name of the cell.
                if "careful" in output.get("text", ""):
                    output["text"] = "careful"
        assert warm == ordinary
    nbformat.validate(plain[1])


@pytest.mark.parametrize("parent", ["", "kernels.warm()", "matplotlib.use('agg'); matplotlib.pyplot.figure()"])
def test_pictures_do_not_depend_on_what_was_loaded_before_the_fork(tmp_path, parent):
    """In a process of its own, since a backend chosen there stays chosen."""
    path = make_notebook(tmp_path / "n.ipynb", "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()")
    code = (
        "import pathlib, sys, matplotlib.pyplot; from kinerja.report.notebook import engine as kernels, run\n"
        f"{parent}\n"
        "done = run.execute_notebook(pathlib.Path(sys.argv[1]), {'base': ''}, engine=kernels.NAME)\n"
        "print(*(sorted(o['data']) for o in done.cells[-1].outputs))"
    )
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    arguments = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "['image/png', 'text/plain']"


def test_an_error_stops_the_notebook_and_is_named_alike(tmp_path):
    path = make_notebook(
        tmp_path / "n.ipynb", "1", "def f():\n    raise ValueError('the cause')\nf()", "open('x', 'w')"
    )
    found = []
    for engine in (None, kernels.NAME):
        with pytest.raises(report_notebook.NotebookError) as error:
            run(path, engine)
        found.append((error.value.cell, error.value.cause))
    assert found == [(3, "ValueError: the cause")] * 2
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("cell", ["while True: pass", "import time\ntry:\n    time.sleep(600)\nexcept Exception: pass"])
def test_a_cell_that_never_ends_is_stopped(tmp_path, cell, monkeypatch):
    """By the signal, in its process; the killing of the next test comes only where that fails."""
    monkeypatch.setattr(kernels, "GRACE", SECONDS)
    with pytest.raises(report_notebook.NotebookError, match="may run for 1 seconds") as caught:
        run(make_notebook(tmp_path / "n.ipynb", cell), kernels.NAME, timeout=1)
    assert "after 1 seconds" in str(caught.value.__cause__)


def test_a_cell_deaf_to_signals_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "GRACE", 0.5)
    deaf = "import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\ntime.sleep(600)"
    with pytest.raises(report_notebook.NotebookError, match="may run for 1 seconds") as caught:
        run(make_notebook(tmp_path / "n.ipynb", deaf), kernels.NAME, timeout=1)
    assert "could not be stopped" in str(caught.value.__cause__)


@pytest.mark.parametrize("cell", ["os.kill(os.getpid(), 9)", "os._exit(0)", "import ctypes; ctypes.string_at(0)"])
def test_a_process_that_dies_is_said(tmp_path, cell):
    with pytest.raises(report_notebook.NotebookError, match="died"):
        run(make_notebook(tmp_path / "n.ipynb", f"import os\n{cell}"), kernels.NAME)


def test_nothing_of_a_notebook_reaches_this_process(tmp_path):
    children = set(_children())  # another test of this process may have left a server or a resource tracker
    before = (dict(os.environ), list(sys.path), sys.stdout, sys.modules["__main__"])
    cell = "import os, sys, kinerja\nos.environ['X'] = '1'\nsys.path.append('/x')\nkinerja.spoilt = 1\nos.chdir('/')"
    run(make_notebook(tmp_path / "n.ipynb", cell), kernels.NAME)
    import kinerja

    assert not hasattr(kinerja, "spoilt")
    assert (dict(os.environ), list(sys.path), sys.stdout, sys.modules["__main__"]) == before
    assert set(_children()) <= children


def test_large_outputs_do_not_block(tmp_path):
    done = run(make_notebook(tmp_path / "n.ipynb", "print('x' * 3_000_000)"), kernels.NAME)
    assert len(done.cells[-1].outputs[0]["text"]) == 3_000_001


def test_random_numbers_differ_between_notebooks(tmp_path):
    path = make_notebook(tmp_path / "n.ipynb", "import random, numpy as np\n(random.random(), np.random.rand())")
    outputs = {run(path, kernels.NAME).cells[-1].outputs[0]["data"]["text/plain"] for _ in range(2)}
    assert len(outputs) == 2


def test_the_ordinary_engine_takes_over_where_forks_are_unsafe(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "can_fork", lambda: False)
    assert kernels.engine_name() is None
    done = run(make_notebook(tmp_path / "n.ipynb", "import os\nprint(os.getpid())"), kernels.NAME)
    assert done.cells[-1].outputs[0]["text"].strip() != str(os.getpid())


def _children():
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()
