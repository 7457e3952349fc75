"""The page that participants open on their phones: a small server of the standard library, on the local network only.

The page is one file without any address of another host. Answers go to a `Room` in memory; what the facilitator's
screen reads (`/room`) is given to this machine only.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from kinerja import labels
from kinerja.errors import KinerjaError
from kinerja.workshop_room import SCALE, Room, items, load_cases

LONGEST_BODY = 4096
"""Bytes of one answer; a case's points need about a hundred."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class PhoneServer:
    """Serves the phones' page for one room until `close`."""

    def __init__(self, room: Room, *, host: str = "0.0.0.0", port: int = 0, language: labels.Language = "id") -> None:
        self.room = room
        self._server = ThreadingHTTPServer((host, port), _handler(room, language))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, name="kinerja-phones", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """What participants type: this machine's address on the local network."""
        return f"http://{local_address()}:{self.port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def read_room(port: int) -> list[tuple[str, str, str, int]]:
    """The rows of the room served on this machine's `port` (the facilitator's screen asks for them again and again)."""
    with urlopen(f"http://127.0.0.1:{port}/room", timeout=2) as answer:
        return [(str(a), str(b), str(c), int(d)) for a, b, c, d in json.load(answer)]


def send_to_room(port: int, action: str, content: dict[str, Any]) -> None:
    """`enter` (points typed in by the facilitator) or `clear`."""
    body = json.dumps(content).encode()
    with urlopen(Request(f"http://127.0.0.1:{port}/{action}", data=body, method="POST"), timeout=2):
        return


def local_address() -> str:
    """This machine's address on its network; the loopback address where there is none."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # A datagram socket sends nothing on connect, it only chooses the interface (192.0.2.1: an example address).
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


@cache
def phone_page(language: labels.Language) -> str:
    """The page in one language, the words and cases written into it."""
    template = (files("kinerja") / "templates" / "workshop" / "phone.html").read_text(encoding="utf-8")
    keys = ("title", "intro", "start", "send", "next", "done", "full", "offline", "case", "privacy", "again")
    words = {key: labels.text(f"workshop.phone.{key}", language) for key in keys}
    content = {
        "words": words,
        "scale": list(range(SCALE[0], SCALE[1] + 1)),
        "ends": [labels.text(f"workshop.scale.{end}", language) for end in ("lowest", "highest")],
        "items": [[item, labels.text(f"workshop.item.{item}", language)] for item in items()],
        "cases": [[c.case, c.title(language), c.text(language)] for c in load_cases()],
    }
    data = json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")
    page = template.replace("{{language}}", language).replace("{{title}}", words["title"])
    return page.replace("{{data}}", data)


def _handler(room: Room, language: labels.Language) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "kinerja"
        sys_version = ""
        timeout = 10

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/":
                wanted = parse_qs(parts.query).get("language", [language])[0]
                spoken = wanted if wanted in labels.LANGUAGES else language
                self._answer(phone_page(spoken).encode(), "text/html; charset=utf-8")
            elif parts.path == "/room" and self._from_here():
                self._answer(json.dumps(room.rows()).encode())
            else:
                self._refuse(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            try:
                self._act(urlsplit(self.path).path, self._body())
            except KinerjaError as error:
                self._refuse(HTTPStatus.BAD_REQUEST, error.message)
            except (ValueError, KeyError, TypeError, AttributeError):
                self._refuse(HTTPStatus.BAD_REQUEST)

        def _act(self, path: str, content: dict[str, Any]) -> None:
            if path == "/join":
                self._answer(json.dumps({"token": room.join()}).encode())
            elif path == "/rate":
                room.rate(str(content["token"]), str(content["case"]), content["points"])
                self._answer(b"{}")
            elif path == "/enter" and self._from_here():
                room.enter(str(content["rater"]), str(content["case"]), content["points"])
                self._answer(b"{}")
            elif path == "/clear" and self._from_here():
                room.clear()
                self._answer(b"{}")
            else:
                self._refuse(HTTPStatus.NOT_FOUND)

        def _body(self) -> dict[str, Any]:
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 <= length <= LONGEST_BODY:
                raise ValueError(length)
            content = json.loads(self.rfile.read(length) or b"{}")
            if not isinstance(content, dict):
                raise ValueError(type(content))
            return content

        def _from_here(self) -> bool:
            return ipaddress.ip_address(self.client_address[0]).is_loopback

        def _answer(self, body: bytes, kind: str = "application/json", status: HTTPStatus = HTTPStatus.OK) -> None:
            self.send_response(status)
            for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _refuse(self, status: HTTPStatus, message: str = "") -> None:
            self._answer(json.dumps({"error": message}).encode(), status=status)

        def log_message(self, format: str, *args: Any) -> None:
            """No log: it would hold the participants' addresses."""

    return Handler
