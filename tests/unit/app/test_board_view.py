"""What the page is told about the board, from every shipped profile."""

from __future__ import annotations

import json

import pytest

from boards.load import load_profile, shipped_profiles
from evse.app.page.board_view import board_from, board_values, board_view


@pytest.mark.parametrize("name", shipped_profiles())
def test_the_board_survives_the_way_into_services(name: str) -> None:
    profile = load_profile(name)
    board = board_view(profile)
    assert board_from(json.loads(json.dumps(board_values(profile)))) == board
    assert board.family == profile.model.family
    assert [outlet.number for outlet in board.outlets] == [outlet.number for outlet in profile.model.outlets]
    assert all(bank.switches > 0 for bank in board.dip_banks)


def test_city_has_shutters_a_breaker_input_and_its_places() -> None:
    board = board_view(load_profile("city"))
    assert [(outlet.position, outlet.shutter, outlet.lock) for outlet in board.outlets] == [
        ("right", True, True),
        ("left", True, True),
    ]
    assert {"extra_breaker", "in_1", "in_2"} <= set(board.outlets[0].devices)
    assert "buzzer" in board.devices


def test_nothing_gives_no_board() -> None:
    assert board_from({}) is None
