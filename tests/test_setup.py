"""The ways in agree with each other: pyproject, conda environment, locks, README."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _bounds(requirements):
    pairs = (re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*(.*)", line).groups() for line in requirements)
    return {name.lower(): bound.replace(" ", "") for name, bound in pairs}


def test_conda_names_the_same_packages_and_bounds():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = _bounds(line for line in conda["dependencies"] if isinstance(line, str))
    wanted = _bounds(PROJECT["project"]["dependencies"]) | _bounds(PROJECT["dependency-groups"]["build"])
    assert listed == wanted | {"python": PROJECT["project"]["requires-python"], "pip": ""}
    assert conda["channels"] == ["conda-forge"]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_holds_names_versions_and_hashes_only(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text
    blocks = [block for block in re.split(r"\n(?=[a-z0-9])", text) if not block.startswith("#")]
    assert len(blocks) > 50
    assert all(re.match(r"[a-z0-9._-]+==\S+", block) and "--hash=sha256:" in block for block in blocks)


def test_the_locks_meet_every_requirement():
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M))
    assert set(_bounds(PROJECT["project"]["dependencies"])) <= locked
    tested = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements-test.lock").read_text(encoding="utf-8"), re.M))
    assert set(_bounds(PROJECT["project"]["optional-dependencies"]["test"])) <= tested


READMES = ("README.md", "README.id.md")


def _commands(readme):
    fenced = re.findall(
        r"```(?:sh|bash|powershell|bat|text)?\n(.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.S
    )
    lines = [line.strip().removeprefix("$ ").split("  #")[0].strip() for block in fenced for line in block.splitlines()]
    return [line for line in lines if re.match(r"(make|kinerja|conda|py|python|pip|git|\.venv)\b", line)]


@pytest.mark.parametrize("readme", READMES)
def test_every_command_of_the_readme_exists(readme):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    from kinerja import cli

    known = {command.name or command.callback.__name__.strip("_") for command in cli.app.registered_commands}
    commands = _commands(readme)
    assert {"make demo", "make test"} <= set(commands)
    for command in commands:
        words = command.split()
        if words[0] == "make":
            assert words[1] in targets, command
        elif words[0] == "kinerja" and not words[1].startswith("-"):
            assert words[1] in known, command
        for path in re.findall(r"(?:parameters|notebooks)/[\w.-]+", command):
            assert (ROOT / path).exists(), f"{command}: {path} is not in the repository"


def test_both_readmes_show_the_same_commands():
    assert _commands("README.md") == _commands("README.id.md")


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_installs_by_the_name_of_a_file_never_of_a_registry(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    version = PROJECT["project"]["version"]
    assert set(re.findall(r"kinerja-([\d.]+)-py3-none-any\.whl", text)) == {version}
    assert not re.search(r"pip install \S*\bkinerja(?![-/\w.])", text)
    assert [path for path in (ROOT / "kinerja").rglob("*") if path.suffix in (".py", ".csv") and
            re.search(r"kinerja\[\w+\]", path.read_text(encoding="utf-8"))] == []  # fmt: skip


CI = ROOT / ".ci"
on_posix = pytest.mark.skipif(os.name == "nt", reason="scripts of a Unix shell")
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="no make here")


def script(folder, name, lines):
    """An executable shell script of these lines."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def run(*command, first=None, **environment):
    """A command of the repository; first : a folder that stands before the others on PATH."""
    # What the make that runs these tests was asked for is not asked of another one.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    path = os.pathsep.join(filter(None, [first and str(first), os.environ["PATH"]]))
    return subprocess.run(
        [str(word) for word in command], cwd=ROOT, capture_output=True, text=True,
        env={**inherited, "PATH": path, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["run", "quick", "newest", "find-python"])
def test_a_ci_script_can_run(name):
    path = CI / name
    assert os.access(path, os.X_OK) or os.name == "nt"
    shell = path.read_text(encoding="utf-8").splitlines()[0].split("/")[-1].split()[-1]
    if os.name != "nt":
        assert subprocess.run([shell, "-n", str(path)]).returncode == 0


def test_the_ci_runs_the_suite_the_other_pythons_and_the_newest_releases():
    lines = (CI / "run").read_text(encoding="utf-8").splitlines()
    assert {"step make demo", "step make test", "step make lint", "other .ci/newest || true"} <= set(lines)
    assert "for python in python3.12 python3.13; do" in lines and '    other .ci/quick "$python" || code=$?' in lines
    tried = {line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if "Python :: 3." in line}
    assert tried == {"3.11", "3.12", "3.13"}, "what is said to work is what is tried"


@on_posix
def test_a_python_that_only_seems_to_be_there_is_passed_over(tmp_path):
    """pyenv puts a python3.x on PATH that only says where one would be."""
    script(tmp_path, "shims/python3.77", "echo 'command not found' >&2; exit 127")
    pyenv = tmp_path / "pyenv"
    script(pyenv, "versions/3.77.0/bin/python3.77", "exit 1")
    real = script(pyenv, "versions/3.77.1/bin/python3.77", f'exec {sys.executable} "$@"')
    found = run(CI / "find-python", "python3.77", first=tmp_path / "shims", PYENV_ROOT=str(pyenv))
    assert (found.returncode, found.stdout.strip()) == (0, str(real))
    assert run(CI / "find-python", sys.executable).stdout.strip() == sys.executable
    lost = run(CI / "find-python", "python3.77", first=tmp_path / "shims", PYENV_ROOT=str(tmp_path))
    assert (lost.returncode, lost.stdout) == (1, "")


@on_posix
@needs_make
def test_another_python_leaves_the_usual_environment_alone():
    version = "{}.{}".format(*sys.version_info)
    asked = run("make", "-n", "-B", "test", f"PYTHON={sys.executable}")
    assert f"{sys.executable} -m venv .venv-{version}\n" in asked.stdout and "\n.venv/" not in asked.stdout
    plain = run("make", "-n", "-B", "test")
    assert "-m venv .venv\n" in plain.stdout and ".venv-" not in plain.stdout
    assert " -x " in run("make", "-n", "quick").stdout, "what the clock stops had not failed until then"
    lost = run("make", "-n", "test", "PYTHON=python3.99")
    assert lost.returncode != 0 and "found no such Python that runs" in lost.stderr


@on_posix
@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        ("exit 0", 0, "passed: quick tests on {python}"),
        ('[ "$1" != quick ]', 1, "FAILED: quick tests on {python}"),
        ('[ "$1" != quick ] || exit 124', 0, "NOT FINISHED: quick tests on {python} were stopped after 4 minutes"),
        ("exit 2", 1, "FAILED: the locked packages do not install on {python}"),
    ],
)
def test_the_quick_tests_say_what_came_of_them(tmp_path, make, code, said):
    script(tmp_path, "make", make)
    done = run(CI / "quick", sys.executable, first=tmp_path)
    assert done.returncode == code
    assert done.stdout.splitlines()[-1].startswith(said.format(python=sys.executable))


@on_posix
def test_a_python_that_is_not_there_is_said_and_is_no_failure():
    done = run(CI / "quick", "python3.99")
    assert (done.returncode, done.stdout) == (3, "not tried: python3.99 is not on this machine\n")


@on_posix
@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("exit 1", "no environment could be made"),
        ('mkdir -p "$3/bin"; printf "exit 1" > "$3/bin/python"; chmod +x "$3/bin/python"', "did not install"),
        (
            'mkdir -p "$3/bin"; printf "[ \\$2 != pytest ]" > "$3/bin/python"; chmod +x "$3/bin/python"',
            "FAILED, see above",
        ),
        ('mkdir -p "$3/bin"; : > "$3/bin/python"; chmod +x "$3/bin/python"', "quick tests passed"),
    ],
)
def test_the_report_of_the_newest_releases_never_fails_the_run(tmp_path, python, said):
    script(tmp_path, "python3", python)
    done = run(CI / "newest", first=tmp_path)
    assert done.returncode == 0
    last = done.stdout.splitlines()[-1]
    assert said in last and last.endswith("this does not fail the run")


@on_posix
@pytest.mark.parametrize(("wrong", "code"), [("", 0), ("test", 2), ("python3.13", 1)])
def test_the_last_lines_of_the_ci_say_what_passed(tmp_path, wrong, code):
    """The script in a folder of its own, every command stood for: one of them may fail."""
    place = tmp_path / ".ci"
    place.mkdir()
    shutil.copy(CI / "run", place / "run")
    script(place, "quick", f'echo "result of $1"; [ "$1" = python3.12 ] && exit 3; [ "$1" != "{wrong}" ]')
    script(place, "newest", "echo result of newest; exit 1")
    for name in ("chromium", "initdb"):
        script(tmp_path, f"bin/{name}", "")
    script(tmp_path, "bin/make", f'[ "$1" != "{wrong}" ] || exit 2')
    path = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
    done = subprocess.run([place / "run"], capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert done.returncode == code, done.stderr
    last = done.stdout.split("=== What this run found\n")[1].splitlines()
    others = ["result of python3.12", "result of python3.13", "result of newest"]
    if wrong == "test":
        assert last == ["passed: make demo", "FAILED: make test"]
    else:
        assert last == ["passed: make demo", "passed: make test", "passed: make lint", *others]
