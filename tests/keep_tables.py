"""Every table that a set of runs wrote, as values: keep them before a change of structure, compare them after it.

    python tests/keep_tables.py keep OUTPUTS KEPT.json
    python tests/keep_tables.py compare BEFORE.json AFTER.json

OUTPUTS is a folder of runs (`kinerja report`, `batch`, `sheet`). Of each workbook every sheet's cells are kept, of each
page every table's cells as they are printed; bytes, styles and the order of files do not count. Two numbers are equal
where they differ by less than 1e-9 of their size (a sum in another order), all else must be the same. Paths of the
package's own files are told by their last part: a change of structure moves them.
"""

from __future__ import annotations

import json
import math
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl

CLOSE = 1e-9
OWN_FILE = re.compile(r"kinerja/(?:data/)?(?:example/)?(?=[\w.]+\.(?:csv|xlsx))")


class Tables(HTMLParser):
    """The text of every cell of every table of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None:
            self.tables[-1][-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def keep(outputs: Path) -> dict[str, Any]:
    """Place of the file -> its tables, each a list of rows."""
    found: dict[str, Any] = {}
    for path in sorted(outputs.rglob("*.xlsx")):
        book = openpyxl.load_workbook(path, data_only=True)
        found[path.relative_to(outputs).as_posix()] = {
            sheet.title: [[_plain(cell) for cell in row] for row in sheet.iter_rows(values_only=True)] for sheet in book
        }
    for path in sorted(outputs.rglob("*.html")):
        page = Tables()
        page.feed(path.read_text(encoding="utf-8"))
        found[path.relative_to(outputs).as_posix()] = [[[_plain(c) for c in row] for row in t] for t in page.tables]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return OWN_FILE.sub("", value)
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def differences(a: Any, b: Any, place: str = "") -> list[str]:
    """Where two sets of tables differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        missing = [f"{place}/{key}: in one of them only" for key in sorted(a.keys() ^ b.keys())]
        return missing + [
            line for key in sorted(a.keys() & b.keys()) for line in differences(a[key], b[key], f"{place}/{key}")
        ]
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return [f"{place}: {len(a)} against {len(b)}"]
        return [line for k, (x, y) in enumerate(zip(a, b, strict=True)) for line in differences(x, y, f"{place}[{k}]")]
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return [] if math.isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE) else [f"{place}: {a!r} against {b!r}"]
    return [] if a == b else [f"{place}: {a!r} against {b!r}"]


def main(words: list[str]) -> int:
    match words:
        case ["keep", outputs, kept]:
            found = keep(Path(outputs))
            Path(kept).write_text(json.dumps(found, ensure_ascii=False, indent=0), encoding="utf-8")
            print(f"{len(found)} files, {sum(len(tables) for tables in found.values())} tables kept")
            return 0
        case ["compare", before, after]:
            a, b = (json.loads(Path(p).read_text(encoding="utf-8")) for p in (before, after))
            found_lines = differences(a, b)
            print("\n".join(found_lines[:200]))
            tables = sum(len(t) for t in a.values())
            print(
                f"{len(a)} files, {tables} tables: "
                + ("all equal" if not found_lines else f"{len(found_lines)} differences")
            )
            return 1 if found_lines else 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
