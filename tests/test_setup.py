"""The ways in agree with each other: pyproject, conda environment, locks, README."""

from __future__ import annotations

import os
import re
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


def test_the_ci_script_can_run():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK) or os.name == "nt"
    text = script.read_text(encoding="utf-8")
    assert "make test" in text and "make lint" in text
