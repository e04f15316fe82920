"""One contract for every card reader: today the PN532's driver over its twin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pytest

from hal.drivers.pn532 import Pn532Driver
from hal.ports import CardRead, CardReader, Polled
from hal.scheduling import Stepped
from hal.twins.null_modem import NullModem
from hal.twins.pn532 import Pn532Twin
from hal.units import MS, SECOND

ANNA = bytes.fromhex("04A1B2C3")
BERT = bytes.fromhex("04112233445566")


class Polling(CardReader, Polled, Protocol):
    """What control sees of a card reader."""


class Place(Protocol):
    """A reader and the world in front of it."""

    reader: Polling
    now_us: int

    def run(self, span_us: int) -> None: ...

    def present(self, uid: bytes) -> None: ...

    def remove(self) -> None: ...

    def unplug(self) -> None: ...

    def replug(self) -> None: ...


class Pn532Place:
    """Steps the twin and polls the driver every 10 ms, as control's cycle does; wakes are of no use here."""

    def __init__(self) -> None:
        self.modem = NullModem(self)
        self.twin = Pn532Twin(self.modem.right, self)
        self.reader: Polling = Pn532Driver(self.modem.left)
        self.now_us = 0

    def wake(self, component: Stepped, at_us: int) -> None:
        pass

    def run(self, span_us: int) -> None:
        for _ in range(0, span_us, 10 * MS):
            self.now_us += 10 * MS
            self.twin.step(self.now_us)
            self.reader.poll(self.now_us)

    def present(self, uid: bytes) -> None:
        self.twin.present(uid, self.now_us)

    def remove(self) -> None:
        self.twin.remove(now_us=self.now_us)

    def unplug(self) -> None:
        self.modem.cut()

    def replug(self) -> None:
        self.modem.restore()


@pytest.fixture(params=[Pn532Place], ids=["PN532"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    place: Place = request.param()
    place.run(1 * SECOND)
    yield place


def uids(cards: tuple[CardRead, ...]) -> list[str]:
    return [card.uid for card in cards]


def test_a_reader_that_was_never_polled_is_not_connected(place: Place) -> None:
    fresh = type(place)().reader
    assert not fresh.connected
    assert fresh.take_cards() == ()


def test_an_answering_reader_is_connected_and_reports_nothing_by_itself(place: Place) -> None:
    place.run(20 * SECOND)
    assert place.reader.connected
    assert place.reader.take_cards() == ()


def test_a_card_is_taken_once_with_its_time(place: Place) -> None:
    place.present(ANNA)
    place.run(1 * SECOND)
    cards = place.reader.take_cards()
    assert uids(cards) == ["04A1B2C3"]
    assert place.now_us - 1 * SECOND < cards[0].at_us <= place.now_us
    assert place.reader.take_cards() == ()


def test_a_card_left_in_the_field_counts_once(place: Place) -> None:
    place.present(ANNA)
    place.run(30 * SECOND)
    assert uids(place.reader.take_cards()) == ["04A1B2C3"]


def test_cards_are_kept_in_their_order_until_they_are_taken(place: Place) -> None:
    for card in (ANNA, BERT, ANNA):
        place.present(card)
        place.run(2 * SECOND)
        place.remove()
        place.run(2 * SECOND)
    assert uids(place.reader.take_cards()) == ["04A1B2C3", "04112233445566", "04A1B2C3"]


def test_an_unplugged_reader_says_so_and_comes_back_by_itself(place: Place) -> None:
    place.unplug()
    place.run(1 * SECOND)
    assert not place.reader.connected
    place.present(ANNA)
    place.run(10 * SECOND)
    assert place.reader.take_cards() == ()
    place.replug()
    place.run(2 * SECOND)
    assert place.reader.connected
    assert uids(place.reader.take_cards()) == ["04A1B2C3"]


def test_polling_early_or_twice_changes_nothing(place: Place) -> None:
    place.present(BERT)
    for _ in range(200):
        place.run(10 * MS)
        wish = place.reader.poll(place.now_us)
        assert wish == place.reader.poll(place.now_us)
    assert uids(place.reader.take_cards()) == ["04112233445566"]


@pytest.mark.req("MNT-01")
def test_it_tells_the_version_of_its_program_and_keeps_it_while_it_is_away(place: Place) -> None:
    place.run(SECOND)
    told = place.reader.firmware
    assert told.count(".") == 1
    place.unplug()
    place.run(SECOND)
    assert place.reader.firmware == told
