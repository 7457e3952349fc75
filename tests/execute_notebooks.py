"""Execute the committed notebooks anew on the example and keep their outputs: `python tests/execute_notebooks.py`.

Names after the command execute those alone. Pages of widgets (their last cell is tagged `nbval-ignore-output`) hold no
outputs: widgets live only while a kernel does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat

from kinerja.report.notebook.run import execute_notebook, strip_run

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def is_live(notebook: nbformat.NotebookNode) -> bool:
    """Whether the notebook is a page of widgets."""
    return "nbval-ignore-output" in notebook.cells[-1].metadata.get("tags", [])


def main(names: list[str]) -> int:
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if (names and path.stem not in names) or is_live(nbformat.read(path, as_version=4)):
            continue
        print(path.name, flush=True)
        executed = strip_run(execute_notebook(path, {}))
        path.write_text(nbformat.writes(executed) + "\n", encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
