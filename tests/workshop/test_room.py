"""The workshop's room, its server for phones, who may ask it what, and the page that phones open."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from kinerja import wording
from kinerja.errors import ParameterError
from kinerja.workshop.room import SCALE, Room, items, key_frame, load_cases
from kinerja.workshop.room.link import KEY_HEADER, RoomLink, link_from_environment
from kinerja.workshop.room.server import PhoneServer, local_address, new_code, phone_page
from tests.patience import SECONDS

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def server():
    server = PhoneServer(Room())
    yield server
    server.close()


def ask(server, method, path, content=None, headers=None):
    """Status and JSON of one request, with exactly the headers given (and a host)."""
    body = content if isinstance(content, bytes) else None if content is None else json.dumps(content).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read()
        kind = answer.headers["Content-Type"]
        return answer.status, json.loads(text) if kind == "application/json" else text.decode(), answer.headers
    finally:
        connection.close()


def post(server, path, content, **headers):
    status, answer, _ = ask(server, "POST", path, content, {**JSON, **headers})
    assert status == 200, (status, answer)
    return answer


def test_the_bank_has_cases_that_pull_the_values_apart():
    cases = load_cases()
    assert len({case.case for case in cases}) == len(cases) >= 12
    for case in cases:
        assert all(SCALE[0] <= points <= SCALE[1] for points in case.key.values())
        assert all(25 <= len(case.text(language).split()) <= 80 for language in wording.LANGUAGES)
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


def test_a_room_rates_only_its_own_cases():
    room = Room(most_cases=2)
    token = room.join()
    assert [case.case for case in room.cases] == [case.case for case in load_cases()[:2]]
    with pytest.raises(ParameterError):
        room.rate(token, load_cases()[2].case, {items()[0]: 3})


def test_a_full_room_says_so():
    room = Room(most=1)
    room.join()
    with pytest.raises(ParameterError, match="takes no more"):
        room.join()


@pytest.mark.parametrize("rater", ["Siti", "7", 0, 201, True, None, 1.0])
def test_only_a_number_can_be_typed_in_never_a_name(rater):
    room = Room()
    with pytest.raises(ParameterError):
        room.enter(rater, load_cases()[0].case, {items()[0]: 3})
    assert room.rows() == [] and room.joined == 0


def test_no_phone_can_rate_under_a_typed_number():
    room = Room()
    room.enter(7, load_cases()[0].case, {items()[0]: 3})
    for token in ("typed:7", "F007", "7", ""):
        with pytest.raises(ParameterError):
            room.rate(token, load_cases()[0].case, {items()[0]: 1})
    assert [points for *_, points in room.rows()] == [3]


def test_phones_and_screen_meet(server):
    token = post(server, "/join", {})["token"]
    case = load_cases()[0].case
    post(server, "/rate", {"token": token, "case": case, "points": dict.fromkeys(items(), 4)})
    server.link.enter(7, case, dict.fromkeys(items(), 2))
    reading = server.link.read()
    assert {rater for rater, *_ in reading.rows} == {"R001", "F007"}
    assert len(reading.rows) == 2 * len(items()) and reading.joined == 2
    server.link.clear()
    assert server.link.read().rows == () and server.link.read().joined == 0
    # whoever rated before the room was emptied has to join again, and then can
    status, _, _ = ask(server, "POST", "/rate", {"token": token, "case": case, "points": {items()[0]: 1}}, JSON)
    assert status == 400
    again = post(server, "/join", {})["token"]
    post(server, "/rate", {"token": again, "case": case, "points": {items()[0]: 1}})


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
    status, _, _ = ask(server, "POST", path, content, JSON)
    assert status in {400, 404}
    assert server.link.read().rows == ()


def test_the_room_is_read_and_emptied_with_the_key_only(server):
    server.link.enter(1, load_cases()[0].case, {items()[0]: 3})
    for headers in ({}, {KEY_HEADER: "wrong"}, {KEY_HEADER: server.key[:-1]}):
        assert ask(server, "GET", "/room", headers=headers)[0] == 404
        assert ask(server, "POST", "/clear", {}, {**JSON, **headers})[0] == 404
        content = {"rater": 2, "case": load_cases()[0].case, "points": {items()[0]: 3}}
        assert ask(server, "POST", "/enter", content, {**JSON, **headers})[0] == 404
    assert len(server.link.read().rows) == 1
    with pytest.raises(urllib.error.HTTPError):
        RoomLink(port=server.port, key="wrong").read()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},  # what another site's form can send
        {"Content-Type": "application/x-www-form-urlencoded"},
        {},
        {**JSON, "Origin": "http://example.org"},
        {**JSON, "Origin": "null"},
        {**JSON, "Sec-Fetch-Site": "cross-site"},
        {**JSON, "Host": "rebound.example.org"},  # a name of another site that points here
    ],
)
def test_another_site_can_post_nothing(server, headers):
    status, _, _ = ask(server, "POST", "/join", {}, headers)
    assert status == 403
    status, _, _ = ask(server, "POST", "/clear", {}, {**headers, KEY_HEADER: server.key})
    assert status == 403
    assert server.room.joined == 0


def test_a_page_of_the_server_itself_can_post(server):
    own = {**JSON, "Origin": f"http://127.0.0.1:{server.port}", "Sec-Fetch-Site": "same-origin"}
    assert ask(server, "POST", "/join", {}, own)[0] == 200


def test_a_foreign_name_gets_no_page(server):
    assert ask(server, "GET", "/", headers={"Host": "rebound.example.org"})[0] == 403
    assert ask(server, "GET", "/", headers={"Host": f"localhost:{server.port}"})[0] == 200


def test_the_code_stands_in_every_address():
    server = PhoneServer(Room(), code="kx7p2")
    try:
        assert ask(server, "GET", "/kx7p2")[0] == 200
        assert ask(server, "GET", "/kx7p2/")[0] == 200
        for path in ("/", "/other", "/kx7p2/x"):
            assert ask(server, "GET", path)[0] == 404
        assert ask(server, "POST", "/join", {}, JSON)[0] == 404
        assert "token" in post(server, "/kx7p2/join", {})
        assert server.address == f"http://127.0.0.1:{server.port}/kx7p2"
    finally:
        server.close()


def test_codes_are_easy_to_type_and_differ():
    codes = {new_code() for _ in range(200)}
    assert len(codes) > 190
    assert all(len(code) == 5 and not set(code) & set("01loaeiu") for code in codes)


def test_the_server_listens_on_this_machine_unless_told_otherwise(server):
    assert server._server.server_address[0] == "127.0.0.1"
    assert server.address.startswith("http://127.0.0.1:")
    wide = PhoneServer(Room(), host="0.0.0.0", code="kx7p2")
    try:
        assert wide.address == f"http://{local_address()}:{wide.port}/kx7p2"
    finally:
        wide.close()


def test_the_policy_lets_the_page_speak_to_its_own_server_only(server):
    _, page, headers = ask(server, "GET", "/")
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy and "http" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in page


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_page_is_whole_and_calls_nobody(language):
    page = phone_page(language)
    assert "{{" not in page and "http" not in page
    assert f'<html lang="{language}">' in page
    assert all(case.title(language) in page for case in load_cases())


def test_the_page_holds_the_cases_that_are_rated_and_no_key():
    page = phone_page("id", 3, "kx7p2")
    shown = [case.case for case in load_cases() if f'"{case.case}"' in page]
    assert shown == [case.case for case in load_cases()[:3]]
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert data["base"] == "/kx7p2/" and all(len(case) == 3 for case in data["cases"])


def test_the_link_comes_from_the_environment(monkeypatch):
    for name in ("KINERJA_WORKSHOP_PORT", "KINERJA_WORKSHOP_KEY", "KINERJA_WORKSHOP_CASES"):
        monkeypatch.delenv(name, raising=False)
    assert link_from_environment() is None
    monkeypatch.setenv("KINERJA_WORKSHOP_PORT", "8867")
    monkeypatch.setenv("KINERJA_WORKSHOP_KEY", "k")
    monkeypatch.setenv("KINERJA_WORKSHOP_CASES", "3")
    link = link_from_environment()
    assert (link.port, link.key, len(link.cases)) == (8867, "k", 3)


PEOPLE = 40


def _phone(address, person):
    """One participant: joins and rates every case, each answer in a connection of its own, as a phone does."""

    def send(path, content):
        request = urllib.request.Request(address + path, data=json.dumps(content).encode(), headers=JSON)
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return json.load(answer)

    token = send("join", {})["token"]
    sent = []
    for k, case in enumerate(load_cases()):
        points = {item: 1 + (person + k + j) % SCALE[1] for j, item in enumerate(items())}
        send("rate", {"token": token, "case": case.case, "points": points})
        sent += [(case.case, item, value) for item, value in points.items()]
    return sorted(sent)


def test_forty_phones_at_once_lose_nothing(server):
    address = f"http://127.0.0.1:{server.port}/"
    with ThreadPoolExecutor(PEOPLE) as phones:
        sent = list(phones.map(lambda person: _phone(address, person), range(PEOPLE)))
    rows = server.link.read().rows
    assert len(rows) == PEOPLE * len(load_cases()) * len(items())
    kept = {}
    for rater, case, item, points in rows:
        kept.setdefault(rater, []).append((case, item, points))
    # every participant's answers are there, whole and unmixed, whatever number the participant got
    assert sorted(map(sorted, kept.values())) == sorted(sent)
