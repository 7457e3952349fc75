"""The wheel stands by itself: installed in an empty environment, every command works in an empty folder.

The wheel is built from the source distribution; dependencies are those of the environment that the tests run in, the
package is the wheel's. Nothing is written below the installed package.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 900
"""Seconds for one command on a machine that does many things at once; nothing here measures time."""

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and the folder in which its user works."""

    wheel: Path
    python: Path
    folder: Path

    def run(self, *arguments, folder=None):
        return subprocess.run(
            [self.python, *arguments], cwd=folder or self.folder, env=self.environment, capture_output=True, text=True,
            encoding="utf-8", check=False, timeout=PATIENCE,
        )  # fmt: skip

    @property
    def environment(self):
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "KINERJA_DEBUG")}
        jupyter = str(Path(sys.prefix) / "share" / "jupyter")  # kernels and templates of the dependencies
        return {**kept, "KINERJA_LANGUAGE": "en", "PYTHONIOENCODING": "utf-8", "JUPYTER_PATH": jupyter}

    @property
    def package(self):
        return Path(self.run("-c", "import kinerja; print(kinerja.__file__)").stdout.strip()).parent


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The project's files where building may leave its own."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("kinerja", "notebooks", "parameters", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def installed(source, tmp_path_factory):
    place = tmp_path_factory.mktemp("installed")
    code = f"import hatchling.build as backend; print(backend.build_sdist({str(place)!r}))"
    built = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True, check=True)
    sdist = place / built.stdout.split()[-1]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(place), str(sdist)], check=True)
    (wheel,) = place.glob("*.whl")
    environment = place / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", str(wheel)], check=True)
    variables = {"base": str(environment), "platbase": str(environment)}
    own = Path(sysconfig.get_path("purelib", "venv", vars=variables))
    # A line of such a file names a folder; the .pth files in that folder, an editable kinerja's, are not followed.
    (own / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    folder = place / "work"
    folder.mkdir()
    return Installed(wheel, python, folder)


def _contents(package):
    """Every file below the installed package but Python's own caches, and when it was written."""
    files = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(package).as_posix(): path.stat().st_mtime_ns for path in files}


@pytest.fixture(scope="module")
def fresh(installed):
    """The installed package's files before any command ran."""
    return _contents(installed.package)


def test_the_package_is_the_wheels(installed):
    assert installed.package.is_relative_to(installed.python.parents[1])
    assert not list(installed.folder.iterdir())


def test_the_wheel_carries_what_the_project_has(installed, source):
    with zipfile.ZipFile(installed.wheel) as wheel:
        carried = {name: wheel.read(name) for name in wheel.namelist()}
    folders = (("notebooks", "*.ipynb"), ("parameters", "*.yaml"), ("benchmarks/results", "*.csv"))
    for folder, pattern in folders:
        own = sorted((source / folder).glob(pattern))
        assert own
        for path in own:
            assert carried[f"kinerja/project/{folder}/{path.name}"] == path.read_bytes()
    for path in (source / "kinerja").rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            assert path.relative_to(source).as_posix() in carried
    # What a checkout gives is what the source distribution gives.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "wheel", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "-w", str(source / "dist"), str(source)], check=True)
    (direct,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(direct) as wheel:
        assert set(wheel.namelist()) == set(carried)


EXAMPLE, RUN = "parameters/andir-2026-q3.yaml", "outputs/andir-2026-q3"
COMMANDS = (
    ("demo", "andir-2026-q3", "report.html"),
    (f"check {EXAMPLE}", "12,852 ratings"),
    ("check parameters/skm-published.yaml", "no problems"),
    (f"report {EXAMPLE} --reader public", "report.html"),
    (f"batch {EXAMPLE} --by unit", "0 could not be made"),
    (f"sheet {EXAMPLE} --ratee P014", "P014"),
    (f"appeal {EXAMPLE} --ratee P002 --correction parameters/appeal-example.yaml", "The correction for P002"),
    (f"session {EXAMPLE} --participant P045", "outputs"),
    (f"verify {RUN}", "reproduces"),
    (f"compare {RUN} {RUN}", "the same results"),
    (f'signoff {RUN} --name "R. Sari"', "signed off"),
    (f"plan {EXAMPLE}", "severity"),
    (f"dpia {EXAMPLE}", "outputs"),
    ("simulate --scenario S1 --seed 1 --output outputs/simulated", "outputs/simulated"),
    ("notebooks analysis", "11 notebooks", "papermill notebooks/period_report.ipynb"),
    ("init analysis/data/pegawai.xlsx analysis/data/penilaian.csv --period 2026-Q3 --office Uji",
     "parameters/uji-2026-q3.yaml"),
    ("check parameters/uji-2026-q3.yaml", "12,852 ratings"),
)  # fmt: skip


@pytest.mark.parametrize(("command", "said"), [(c, s) for c, *s in COMMANDS], ids=[c.split()[0] for c, *_ in COMMANDS])
def test_a_command_works_in_an_empty_folder(installed, fresh, command, said):
    words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', command)]
    done = installed.run("-m", "kinerja", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout.replace("\\", "/")
    assert all(words in shown for words in said), shown
    assert {path.name for path in installed.folder.iterdir()} <= {"outputs", "parameters", "analysis"}


def test_notebooks_never_overwrites(installed):
    before = {path: path.read_bytes() for path in (installed.folder / "analysis").rglob("*") if path.is_file()}
    again = installed.run("-m", "kinerja", "notebooks", "analysis")
    assert again.returncode == 1
    assert "review.ipynb" in again.stderr and "Name another folder" in again.stderr
    assert {path: path.read_bytes() for path in (installed.folder / "analysis").rglob("*") if path.is_file()} == before


def test_a_copied_notebook_runs_where_it_is(installed):
    folder = installed.folder / "analysis"
    sheet = json.loads((folder / "notebooks" / "sheet.ipynb").read_text(encoding="utf-8"))
    sheet["cells"].append({"cell_type": "code", "id": "probe", "metadata": {}, "outputs": [], "execution_count": None,
                           "source": "print(kj.open_run.__code__.co_filename, run.parameters.file)"})  # fmt: skip
    (folder / "notebooks" / "probe.ipynb").write_text(json.dumps(sheet), encoding="utf-8")
    done = installed.run("-m", "papermill", "notebooks/probe.ipynb", "out.ipynb", folder=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    executed = (folder / "out.ipynb").read_text(encoding="utf-8").replace("\\\\", "/")
    assert installed.package.as_posix() in executed
    assert (folder / EXAMPLE).resolve().as_posix() in executed
    assert (folder / RUN / "evaluation").is_dir()


def test_the_methods_find_the_published_results(installed):
    code = (
        "from kinerja.methods import worked;"
        "print([getattr(b, 'name', '') for b in worked('alternatives', 'en').blocks])"
    )
    done = installed.run("-c", code)
    assert "benchmark_c01" in done.stdout, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("command", [f"explore {EXAMPLE}", "workshop"], ids=["explore", "workshop"])
def test_a_page_starts_answers_and_stops(installed, command):
    port, log = _free_port(), installed.folder.parent / f"{command.split()[0]}.log"
    with log.open("wb") as out:
        page = subprocess.Popen(
            [installed.python, "-m", "kinerja", *command.split(), "--no-browser", "--port", str(port)],
            cwd=installed.folder, env={**installed.environment, "PYTHONUNBUFFERED": "1"}, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        content = _fetched(page, log)
        assert "vnd.jupyter.widget-view" in content  # the notebook's last cell gave its widget, no error
        page.send_signal(signal.SIGINT)
        assert page.wait(PATIENCE) == 0, log.read_text(encoding="utf-8")
    finally:
        page.kill()
    assert {path.name for path in installed.folder.iterdir()} <= {"outputs", "parameters", "analysis"}


def _free_port():
    """A port whose neighbour is free too: the rating page takes the next one."""
    for _ in range(100):
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError("no two free ports")


def _fetched(page, log):
    """The page behind the address that the command says."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends and page.poll() is None:
        said = re.search(r"http://127\.0\.0\.1:\d+/\?token=\w+", log.read_text(encoding="utf-8"))
        if said:
            with urllib.request.urlopen(said.group(), timeout=PATIENCE) as answer:
                return answer.read().decode()
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8"))


def test_nothing_was_written_below_the_package(installed, fresh):
    assert _contents(installed.package) == fresh
