"""The page that participants open on their phones: a small server of the standard library, on the local network only.

The page is one file without any address of another host. Answers go to a `Room` in memory. What the facilitator's
screen asks (`/room`, `/enter`, `/clear`) is answered on this machine only, with the key that `kinerja workshop` made.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import secrets
import socket
from contextlib import suppress
from email.message import Message
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kinerja import wording
from kinerja.errors import KinerjaError
from kinerja.workshop.room import SCALE, Room, items
from kinerja.workshop.room.link import KEY_HEADER, RoomLink

LONGEST_BODY = 4096
"""Bytes of one answer; a case's points need about a hundred."""

WAITING = 256
"""Connections that wait for their turn: everybody in the room presses Send at once."""

_LETTERS = "bcdfghjkmnpqrstvwxyz23456789"
"""Of a room's code: no two look alike, and no vowels, so that no words come about."""

_CODE = 5
_LOCAL_NAMES = ("localhost",)

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def new_code() -> str:
    """A room's code, for the address that participants type."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE))


class PhoneServer:
    """Serves the phones' page for one room until `close`.

    host : the address to listen on, this machine only where it is not given; port : 0 takes a free one
    code : stands in the address of the page and of every answer; "" for none
    key : of the facilitator's requests; made where it is not given
    """

    def __init__(
        self,
        room: Room,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        language: wording.Language = "id",
        code: str = "",
        key: str = "",
    ) -> None:
        self.room, self.code, self.key = room, code, key or secrets.token_urlsafe(16)
        self._open = not ipaddress.ip_address(host).is_loopback
        self._server = _Server((host, port), _handler(room, language, code, self.key))
        self._thread = Thread(target=self._server.serve_forever, name="kinerja-phones", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """What participants type: this machine's address on the network it listens on."""
        host = local_address() if self._open else "127.0.0.1"
        return f"http://{host}:{self.port}/{self.code}"

    @property
    def link(self) -> RoomLink:
        """The facilitator's way in."""
        return RoomLink(port=self.port, key=self.key, cases=self.room.cases)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = WAITING

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A phone that went away in the middle of a request is no error worth a line on the facilitator's terminal."""


def local_address() -> str:
    """This machine's address on its network; the loopback address where there is none."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # A datagram socket sends nothing on connect, it only chooses the interface (192.0.2.1: an example address).
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


@cache
def phone_page(language: wording.Language, cases: int | None = None, code: str = "") -> str:
    """The page in one language, the words and cases written into it.

    cases : how many cases of the bank are rated, all where None; code : of the room
    """
    template = (files("kinerja.workshop.room") / "phone.html").read_text(encoding="utf-8")
    keys = ("title", "intro", "start", "send", "done", "full", "offline", "case", "privacy", "again", "length")
    chosen = Room(most_cases=cases).cases
    words = {key: wording.text(f"workshop.phone.{key}", language, n=len(chosen)) for key in keys}
    content = {
        "words": words,
        "base": f"/{code}/" if code else "/",
        "scale": list(range(SCALE[0], SCALE[1] + 1)),
        "ends": [wording.text(f"workshop.scale.{end}", language) for end in ("lowest", "highest")],
        "items": [[item, wording.text(f"workshop.item.{item}", language)] for item in items()],
        "cases": [[c.case, c.title(language), c.text(language)] for c in chosen],
    }
    data = json.dumps(content, ensure_ascii=False).replace("<", "\\u003c")
    page = template.replace("{{language}}", language).replace("{{title}}", words["title"])
    return page.replace("{{data}}", data)


def trusted(headers: Message, *, posting: bool) -> bool:
    """Whether a request comes from a page of this very server, as far as a browser tells.

    The host must be an address or `localhost`: a name that another site has pointed here is refused (DNS rebinding).
    A posting must be JSON, which another site's form cannot send, and of the same origin where the browser names one.
    """
    host = headers.get("Host", "")
    if not _is_address(urlsplit(f"//{host}").hostname or ""):
        return False
    if not posting:
        return True
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site", "same-origin")
    same = origin is None or origin == f"http://{host}"
    kind = headers.get("Content-Type", "").split(";")[0].strip().lower()
    return same and site in ("same-origin", "none") and kind == "application/json"


def _is_address(name: str) -> bool:
    if name in _LOCAL_NAMES:
        return True
    with suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return False


def _handler(room: Room, language: wording.Language, code: str, key: str) -> type[BaseHTTPRequestHandler]:
    base = f"/{code}/" if code else "/"
    pages = {base, base.rstrip("/")} - {""}

    class Handler(BaseHTTPRequestHandler):
        server_version = "kinerja"
        sys_version = ""
        timeout = 60  # seconds for a phone to say what it wants

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if not trusted(self.headers, posting=False):
                self._refuse(HTTPStatus.FORBIDDEN)
            elif parts.path in pages:
                wanted = parse_qs(parts.query).get("language", [language])[0]
                spoken = wanted if wanted in wording.LANGUAGES else language
                self._answer(phone_page(spoken, len(room.cases), code).encode(), "text/html; charset=utf-8")
            elif parts.path == "/room" and self._is_facilitator():
                self._answer(json.dumps({"joined": room.joined, "rows": room.rows()}).encode())
            else:
                self._refuse(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            if not trusted(self.headers, posting=True):
                self._refuse(HTTPStatus.FORBIDDEN)
                return
            try:
                self._act(urlsplit(self.path).path, self._body())
            except KinerjaError as error:
                self._refuse(HTTPStatus.BAD_REQUEST, wording.error_message(error, language))
            except (ValueError, KeyError, TypeError, AttributeError):
                self._refuse(HTTPStatus.BAD_REQUEST)

        def _act(self, path: str, content: dict[str, Any]) -> None:
            if path == f"{base}join":
                self._answer(json.dumps({"token": room.join()}).encode())
            elif path == f"{base}rate":
                room.rate(str(content["token"]), str(content["case"]), content["points"])
                self._answer(b"{}")
            elif path == "/enter" and self._is_facilitator():
                room.enter(content["rater"], str(content["case"]), content["points"])
                self._answer(b"{}")
            elif path == "/clear" and self._is_facilitator():
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

        def _is_facilitator(self) -> bool:
            here = ipaddress.ip_address(self.client_address[0]).is_loopback
            return here and hmac.compare_digest(self.headers.get(KEY_HEADER, "").encode(), key.encode())

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
