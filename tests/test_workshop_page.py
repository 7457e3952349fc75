"""The facilitator's screen: numbers of the room and of the strict supervisor, and the slider that moves them."""

from __future__ import annotations

import pytest

from kinerja import labels
from kinerja.workshop import PORT_VARIABLE, room_table, strict_table, workshop_page
from kinerja.workshop_room import Room, items, load_cases


def test_the_room_shows_each_participants_mean():
    room = Room()
    for points in (2, 4):
        room.rate(room.join(), load_cases()[0].case, dict.fromkeys(items(), points))
    assert room_table(room.rows())["mean_raw"].tolist() == [2.0, 4.0]
    assert room_table([]).empty


def test_severity_moves_raw_scores_away_from_the_truth():
    small, large = (strict_table(value).set_index("method")["error"]["raw"] for value in (0.0, 8.0))
    assert large > small


@pytest.mark.parametrize("language", labels.LANGUAGES)
def test_a_slider_moves_the_numbers(language, monkeypatch):
    monkeypatch.delenv(PORT_VARIABLE, raising=False)
    page = workshop_page(language)
    slider, shown = page.children[-2:]
    before = shown.value
    slider.value = 9.0
    assert shown.value != before
