"""Where the project's own folders are: notebooks, parameters files of the examples, published benchmark results.

In a checkout they lie beside the package; an installed wheel carries them as `kinerja/project`, where the build puts
them (`pyproject.toml`). Nothing is ever written below an installed package.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

PACKAGE = Path(str(files("kinerja"))).resolve()
_CARRIED = PACKAGE / "project"

INSTALLED = _CARRIED.is_dir()
"""Whether the package comes from a wheel; otherwise it lies in the project that it belongs to."""

PROJECT = _CARRIED if INSTALLED else PACKAGE.parent
NOTEBOOKS = PROJECT / "notebooks"
PARAMETERS = PROJECT / "parameters"
RESULTS = PROJECT / "benchmarks" / "results"
EXAMPLE = PARAMETERS / "andir-2026-q3.yaml"
"""The example run; its office and everybody in it are invented."""

INPUTS = ("kinerja", "example")
"""How the path of an input begins that comes with the package."""

INPUTS_OF_0_1 = ("kinerja", "data")
"""How it began in 0.1: parameters files and runs of that version still find the example."""


def tried(path: str | Path) -> tuple[Path, ...]:
    """Where a file that somebody names is looked for, in this order, as absolute paths.

    `parameters/...` belongs to a project: it is looked for in the working folder, in the folder above it (a notebook
    works in `notebooks`), and in the project that the package comes from (its examples). Any other path is only what it
    says, counted from the working folder.
    """
    path, here = Path(path), Path.cwd()
    folders = (here, here.parent, PROJECT) if path.parts[:1] == ("parameters",) else (here,)
    return tuple(dict.fromkeys((folder / path).resolve() for folder in folders))


def found(path: str | Path) -> Path:
    """The first place of `tried` that holds something; the first of all where none does."""
    places = tried(path)
    return next((place for place in places if place.exists()), places[0])


def project_of(parameters_file: Path) -> Path:
    """The folder that a parameters file's relative paths count from, and outputs go to: its own, or the one above a
    folder called `parameters`; the working folder for an example of an installed package."""
    folder = parameters_file.resolve().parent
    if INSTALLED and folder == PARAMETERS:
        return Path.cwd()
    return folder.parent if folder.name == "parameters" else folder


def input_file(path: Path, project: Path) -> Path:
    """Where an input of a project is; `kinerja/example/...` that the project does not have is the package's own."""
    place = project / path
    if path.parts[: len(INPUTS)] == INPUTS and not place.exists():
        return PACKAGE.joinpath(*path.parts[1:])
    if path.parts[: len(INPUTS_OF_0_1)] == INPUTS_OF_0_1 and not place.exists():
        return PACKAGE / "example" / path.name
    return place


def extra(name: str) -> str:
    """The command that adds an optional part of the package, which no registry knows by its name."""
    if INSTALLED:
        from kinerja import __version__

        return f"pip install 'kinerja-{__version__}-py3-none-any.whl[{name}]' (the wheel's file)"
    return f"pip install '.[{name}]' in the project's folder"
