"""What every test file finds as it was: the language that a command of the file before may have chosen."""

from __future__ import annotations

import os

LANGUAGE = os.environ.get("KINERJA_LANGUAGE")


def pytest_runtest_teardown(item, nextitem):
    if nextitem is not None and nextitem.path == item.path:
        return
    if LANGUAGE is None:
        os.environ.pop("KINERJA_LANGUAGE", None)
    else:
        os.environ["KINERJA_LANGUAGE"] = LANGUAGE
