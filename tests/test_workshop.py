"""The workshop's room, its server for phones and the page they open."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from kinerja import labels
from kinerja.errors import ParameterError
from kinerja.workshop_room import SCALE, Room, items, key_frame, load_cases
from kinerja.workshop_server import PhoneServer, phone_page, read_room, send_to_room


@pytest.fixture
def server():
    server = PhoneServer(Room(), host="127.0.0.1")
    yield server
    server.close()


def _post(server, path, content):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", data=body, method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def test_the_bank_has_cases_that_pull_the_values_apart():
    cases = load_cases()
    assert len({case.case for case in cases}) == len(cases) >= 12
    for case in cases:
        assert all(SCALE[0] <= points <= SCALE[1] for points in case.key.values())
        assert all(25 <= len(case.text(language).split()) <= 80 for language in labels.LANGUAGES)
    # Halo shows only where a good answer differs between the values of one case.
    assert sum(len(set(case.key.values())) > 1 for case in cases) >= 9
    assert key_frame().groupby("item")["rating"].nunique().min() >= 4


def test_a_second_answer_replaces_the_first():
    room = Room()
    token = room.join()
    case = load_cases()[0].case
    room.rate(token, case, dict.fromkeys(items(), 2))
    room.rate(token, case, {items()[0]: 5})
    assert room.participants == 1
    assert [points for *_, points in room.rows()] == [5 if item == items()[0] else 2 for _, _, item, _ in room.rows()]


def test_nothing_of_a_token_leaves_the_room():
    room = Room()
    token = room.join()
    room.rate(token, load_cases()[0].case, {items()[0]: 3})
    assert token not in json.dumps(room.rows())
    assert set(room.ratings()["rater"]) == {"R001"}


@pytest.mark.parametrize(
    ("case", "points"),
    [
        ("no-such-case", {"service": 3}),
        ("loket-sepi", {}),
        ("loket-sepi", {"other": 3}),
        ("loket-sepi", {"service": 6}),
        ("loket-sepi", {"service": True}),
        ("loket-sepi", {"service": "3"}),
        ("loket-sepi", {"service": 2.5}),
    ],
)
def test_a_wrong_answer_is_refused_and_changes_nothing(case, points):
    room = Room()
    token = room.join()
    with pytest.raises(ParameterError):
        room.rate(token, case, points)
    assert room.rows() == []


def test_a_full_room_says_so():
    room = Room(most=1)
    room.join()
    with pytest.raises(ParameterError, match="takes no more"):
        room.join()


def test_phones_and_screen_meet(server):
    token = _post(server, "/join", {})["token"]
    case = load_cases()[0].case
    _post(server, "/rate", {"token": token, "case": case, "points": dict.fromkeys(items(), 4)})
    send_to_room(server.port, "enter", {"rater": "7", "case": case, "points": dict.fromkeys(items(), 2)})
    rows = read_room(server.port)
    assert {rater for rater, *_ in rows} == {"R001", "F7"}
    assert len(rows) == 2 * len(items())
    send_to_room(server.port, "clear", {})
    assert read_room(server.port) == []


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/rate", {"token": "x", "case": "loket-sepi", "points": {"service": 3}}),
        ("/rate", {}),
        ("/rate", b"not json"),
        ("/rate", b"[1]"),
        ("/rate", b" " * 5000),
        ("/elsewhere", {}),
    ],
)
def test_the_server_answers_every_wrong_request(server, path, content):
    with pytest.raises(urllib.error.HTTPError) as refused:
        _post(server, path, content)
    assert refused.value.code in {400, 404}
    assert read_room(server.port) == []


@pytest.mark.parametrize("language", labels.LANGUAGES)
def test_the_page_is_whole_and_calls_nobody(language):
    page = phone_page(language)
    assert "{{" not in page and "http" not in page
    assert f'<html lang="{language}">' in page
    assert all(case.title(language) in page for case in load_cases())
