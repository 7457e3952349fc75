"""Another package that adds to kinerja, as pip would have installed it: a module, its words, its entry points."""

from __future__ import annotations

import csv
import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

from kinerja import wording
from kinerja.fairness import checks
from kinerja.inputs import formats
from kinerja.report import contents

CACHES = (wording.rows, contents.contents, formats.formats, checks.more)
WORDS = ("key", "kind", "en", "id", "definition_en", "definition_id", "reference")


@contextmanager
def installed(
    folder: Path, name: str, module: str, points: Mapping[str, str], words: Sequence[tuple[str, str, str, str]] = ()
) -> Iterator[None]:
    """A package `name` in `folder`, on the path until the end.

    module : the code of its __init__.py; points : group -> object in the module
    words : key, kind, English, Indonesian of its words.csv
    """
    package, information = folder / name, folder / f"{name}-1.0.dist-info"
    package.mkdir()
    information.mkdir()
    (package / "__init__.py").write_text(dedent(module), encoding="utf-8")
    with (package / "words.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([WORDS, *((*row, "", "", "") for row in words)])
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{group}]\n{name} = {name}:{each}\n" for group, each in points.items()]
    lines.append(f"[{wording.GROUP}]\n{name} = {name}\n")
    (information / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    sys.path.insert(0, str(folder))
    _forget()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(name, None)
        _forget()


def _forget() -> None:
    importlib.invalidate_caches()
    for cached in CACHES:
        cached.cache_clear()
