"""Waiting in tests: for a state, never for a time. A limit only says when a failure is called one, so it is generous:
a machine that does ten other things must not turn a good result into a failure."""

from __future__ import annotations

import os
import random
import shutil
import socket
import time

SECONDS = 300
MILLISECONDS = 1000 * SECONDS

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
NO_CHROMIUM = "no Chromium here: install Debian's package chromium, or set CHROMIUM"


def until(state, *, alive=lambda: True):
    """What `state()` gives once it is true; None where it is still not after `SECONDS`, or `alive()` is over."""
    ends = time.monotonic() + SECONDS
    while alive() and time.monotonic() < ends:
        found = state()
        if found:
            return found
        time.sleep(0.05)
    return state() or None


def free_port(neighbours=0):
    """A port that is free, with so many free ones after it. Not one that the system gives for the asking: it would
    give the same to another program before a slow one of ours has come to use it."""
    chance = random.SystemRandom()
    for _ in range(1000):
        port = chance.randrange(20_000, 32_000)
        if all(map(_is_free, range(port, port + neighbours + 1))):
            return port
    raise AssertionError("no free port")


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def chromium(player, *arguments):
    """A browser of playwright's that has the time it needs to start."""
    return player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments], timeout=MILLISECONDS)


def resize(tab, width, height):
    """The tab at another size, laid out anew."""
    tab.set_viewport_size({"width": width, "height": height})
    tab.wait_for_function("width => innerWidth === width", arg=width)


def patient(context):
    """A playwright context, or page, whose waits have the limit of this file."""
    context.set_default_timeout(MILLISECONDS)
    return context
