"""What every test file finds as it was: the language that a command of the file before may have chosen, and no IPython
shell (a process that has one is taken for a kernel, which must not be forked).

And what no example of hypothesis is judged by: how long it took.
"""

from __future__ import annotations

import os
import sys

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

LANGUAGE = os.environ.get("KINERJA_LANGUAGE")


def pytest_runtest_teardown(item, nextitem):
    if nextitem is not None and nextitem.path == item.path:
        return
    if LANGUAGE is None:
        os.environ.pop("KINERJA_LANGUAGE", None)
    else:
        os.environ["KINERJA_LANGUAGE"] = LANGUAGE
    shell = sys.modules.get("IPython.core.interactiveshell")
    if shell is not None:
        shell.InteractiveShell.clear_instance()
