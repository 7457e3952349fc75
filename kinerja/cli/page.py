"""A notebook of widgets as a page on this machine: Voila behind a token, this package's template, no other host.

`kinerja workshop` and `kinerja explore` are such pages.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer

from kinerja import wording
from kinerja.cli.show import say
from kinerja.errors import ParameterError
from kinerja.process import START

PACKAGE = Path(str(files("kinerja")))
TEMPLATES = PACKAGE / "cli"
"""Holds `voila/templates/workshop`: Voila looks for templates below each folder of JUPYTER_PATH."""

LOOK = 0.2
"""Seconds between two looks whether the page's server answers."""

GRACE = 60.0
"""Seconds that the page's server gets to stop its kernels; a second Ctrl-C ends it at once."""

LAST = 5
"""Lines that are shown of what the page's server said before it stopped."""

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://127.0.0.1:*; worker-src 'self' blob:; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)


def serve_page(
    notebook: Path,
    *,
    port: int,
    language: wording.Language,
    browser: bool,
    words: Mapping[str, str],
    style: str = "",
    environment: Mapping[str, str],
    tell: Callable[[str], None],
    ended: str,
) -> None:
    """Serve the notebook until Ctrl-C, a plain kill, or the end of its server.

    words : title, lead and loading of the page; style : a style sheet of its own, below the package
    tell : called with its address when it can be opened
    ended : what is said after Ctrl-C

    Raises
    ------
    FileNotFoundError : there is no such notebook
    ParameterError : the port is in use; or the page's server stopped, with what it said last
    """
    if not notebook.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(notebook))
    if _listens(port):
        raise ParameterError(say("workshop.in_use", port=str(port)))
    token = secrets.token_hex(4)
    with tempfile.TemporaryDirectory(prefix="kinerja-page-") as folder:
        settings = page_settings(port, token, language, browser=browser, words=words, style=style)
        # A folder that only this user reads: the token stands in it.
        (Path(folder) / "voila.json").write_text(json.dumps(settings), encoding="utf-8")
        log = Path(folder) / "server.log"
        with log.open("wb") as remarks:  # of kernels and websockets: shown only where the server fails
            page = subprocess.Popen(
                [sys.executable, "-m", "voila", str(notebook), f"--Voila.config_file_paths={folder}"],
                env={**os.environ, **environment, "JUPYTER_PATH": _template_path(), "KINERJA_LANGUAGE": language},
                stdout=subprocess.DEVNULL,
                stderr=remarks,
                start_new_session=True,  # Ctrl-C in the terminal is this command's alone, which then ends the page
            )
        if _fails(page, port, lambda: tell(f"http://127.0.0.1:{port}/?token={token}"), ended):
            raise ParameterError("\n".join((say("workshop.stopped", port=str(port)), _last_lines(log))))


def page_settings(
    port: int, token: str, language: wording.Language, *, browser: bool, words: Mapping[str, str], style: str = ""
) -> dict[str, Any]:
    """Voila's settings: on this machine only, behind a token, this package's template, no request to another host."""
    shown = {**words, "skip": wording.text("report.skip", language), "css": page_style(style)}
    return {
        "Voila": {
            "ip": "127.0.0.1",
            "port": port,
            "port_retries": 0,
            "token": token,
            "open_browser": browser,
            "log_level": "ERROR",
            "tornado_settings": {"headers": {"Content-Security-Policy": _POLICY}},
        },
        # Their own limits (60 and 4 seconds) lose a page or a part of it on a busy machine.
        "VoilaExecutor": {"startup_timeout": START, "iopub_timeout": START},
        "MappingKernelManager": {"kernel_info_timeout": START},
        "VoilaConfiguration": {
            "template": "workshop",
            "resources": {"language_code": language, "kinerja": shown},
        },
    }


def page_style(own: str = "") -> str:
    """The report's style sheet, light only (a projector, and widgets that know no dark), that of such pages, and the
    page's own."""
    sheets = [PACKAGE / name for name in ("report/templates/report/style.css", "cli/page.css", own) if name]
    text = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return text.replace("@media (prefers-color-scheme: dark)", "@media not all")


def end(page: subprocess.Popen[bytes]) -> None:
    """Ask the page's server to stop with its kernels; end it where it does not, or where Ctrl-C comes again."""
    if page.poll() is None:
        page.terminate()
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            page.wait(GRACE)
    page.kill()
    page.wait()


def _template_path() -> str:
    return os.pathsep.join(path for path in (str(TEMPLATES), os.environ.get("JUPYTER_PATH", "")) if path)


def _fails(page: subprocess.Popen[bytes], port: int, tell: Callable[[], None], ended: str) -> bool:
    """Wait for the end of the page, and end it on Ctrl-C; whether its server failed by itself."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        while page.poll() is None and not _listens(port):
            time.sleep(LOOK)
        if page.poll() is None:
            tell()
        # Looking again and again, since a signal that another thread takes does not end a wait of this one.
        while page.poll() is None:
            time.sleep(LOOK)
        return page.returncode != 0
    except KeyboardInterrupt:
        typer.echo(ended)
        return False
    finally:
        end(page)


def _last_lines(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return "\n".join(lines[-LAST:]) or wording.MISSING


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _interrupted(number: int, frame: Any) -> None:
    raise KeyboardInterrupt
