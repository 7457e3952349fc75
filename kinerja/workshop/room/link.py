"""What the facilitator's page says to the room's server on the same machine, with the key that only the two know."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from kinerja.workshop.room import Case, load_cases

PORT_VARIABLE = "KINERJA_WORKSHOP_PORT"
KEY_VARIABLE = "KINERJA_WORKSHOP_KEY"
CASES_VARIABLE = "KINERJA_WORKSHOP_CASES"
"""Where `kinerja workshop` tells the page the port and key of the room's server, and how many cases are rated."""

KEY_HEADER = "X-Kinerja-Key"
SECONDS = 60
"""Until an unanswered request is given up. A server that has ended refuses at once; this is for a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The room at one moment: how many joined, and rater, case, item, points of every rating."""

    joined: int
    rows: tuple[tuple[str, str, str, int], ...]


@dataclass(frozen=True, kw_only=True)
class RoomLink:
    """The way to one room's server.

    Fields
    ------
    port, key : of the server on this machine; cases : those that the room rates
    """

    port: int
    key: str
    cases: tuple[Case, ...] = ()

    def read(self) -> Reading:
        """The room as it is.

        Raises
        ------
        OSError : the server does not answer, or refuses the key
        """
        found = self._ask("room")
        return Reading(joined=int(found["joined"]), rows=tuple((a, b, c, int(d)) for a, b, c, d in found["rows"]))

    def enter(self, number: int, case: str, points: Mapping[str, int]) -> None:
        """Points of the participant with this number, typed in by the facilitator."""
        self._ask("enter", {"rater": number, "case": case, "points": dict(points)})

    def clear(self) -> None:
        """Forget everything."""
        self._ask("clear", {})

    def _ask(self, action: str, content: Mapping[str, Any] | None = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        headers = {KEY_HEADER: self.key, "Content-Type": "application/json"}
        request = Request(f"http://127.0.0.1:{self.port}/{action}", data=body, headers=headers)
        with urlopen(request, timeout=SECONDS) as answer:
            return json.load(answer)


def link_from_environment() -> RoomLink | None:
    """The link that `kinerja workshop` left in the environment; None where the page was opened without it."""
    port, key = os.environ.get(PORT_VARIABLE), os.environ.get(KEY_VARIABLE, "")
    if not port:
        return None
    count = int(os.environ.get(CASES_VARIABLE) or len(load_cases()))
    return RoomLink(port=int(port), key=key, cases=load_cases()[:count])
