"""Reservations at a whole charge point in virtual time (OCPP 1.6, 5.1, 5.13)."""

from __future__ import annotations

from typing import Any

import pytest

from evse.core.commands import Book, StartSession
from evse.core.units import SECOND
from evse.exchange.snapshot import FaultView
from tests.fakes.ocpp_bench import Bench, connected
from tests.fakes.ocpp_words import entry, later, send_list

pytestmark = pytest.mark.req("OCP-01")


def reserve(bench: Bench, connector: int, tag: str = "BOOKER", number: int = 1, **more: Any) -> str:
    payload = {"connectorId": connector, "expiryDate": later(bench, 600), "idTag": tag, "reservationId": number, **more}
    status: str = bench.ask("ReserveNow", payload)["status"]
    return status


def test_a_reservation_keeps_its_connector_until_it_is_cancelled() -> None:
    bench = connected()
    assert reserve(bench, 1) == "Accepted"
    (book,) = bench.of(Book)
    assert (book.outlet, book.uid) == (1, "BOOKER")
    assert abs(book.until_us - bench.now_us - 600 * SECOND) < 3 * SECOND
    assert bench.central.statuses[1] == "Reserved"
    assert reserve(bench, 1, "OTHER", 2) == "Occupied"
    assert bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "OTHER"}) == {"status": "Rejected"}
    assert bench.ask("CancelReservation", {"reservationId": 9}) == {"status": "Rejected"}
    assert bench.ask("CancelReservation", {"reservationId": 1}) == {"status": "Accepted"}
    assert bench.central.statuses[1] == "Available"


def test_a_reservation_that_comes_again_moves() -> None:
    bench = connected()
    reserve(bench, 1)
    assert reserve(bench, 2) == "Accepted"
    assert bench.central.statuses == {0: "Available", 1: "Available", 2: "Reserved"}


def test_the_transaction_of_the_booker_names_the_reservation_and_uses_it_up() -> None:
    bench = connected()
    reserve(bench, 1, "BOOKER", 42)
    assert bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "BOOKER"}) == {"status": "Accepted"}
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42
    assert bench.ask("CancelReservation", {"reservationId": 42}) == {"status": "Rejected"}


def test_a_reservation_for_a_group_is_for_each_of_it() -> None:
    bench = connected()
    bench.central.behaviour.parents["04D4E5F6"] = "FAMILY"
    reserve(bench, 1, "BOOKER", 42, parentIdTag="FAMILY")
    bench.card(1, "04D4E5F6")
    bench.run(2)
    assert bench.of(Book)[-1].uid == "04D4E5F6", "handed over before the verdict"
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42


@pytest.mark.parametrize("authorise", ["true", "false"])
@pytest.mark.parametrize("connector", [{"connectorId": 1}, {}])
def test_a_remote_start_by_an_id_of_the_group_uses_its_reservation(connector: dict[str, int], authorise: str) -> None:
    bench = connected(outlets=1)
    bench.ask("ChangeConfiguration", {"key": "AuthorizeRemoteTxRequests", "value": authorise})
    send_list(bench, 1, "Full", entry("04D4E5F6", parentIdTag="Family"), entry("04FF", parentIdTag="OTHERS"))
    reserve(bench, 1, "BOOKER", 42, parentIdTag="FAMILY")
    for stranger in ("04FF", "04EE"):
        assert bench.ask("RemoteStartTransaction", {**connector, "idTag": stranger}) == {"status": "Rejected"}
    assert bench.ask("RemoteStartTransaction", {**connector, "idTag": "04D4E5F6"}) == {"status": "Accepted"}
    orders = [each.uid for each in bench.posted if isinstance(each, Book | StartSession)]
    assert orders == ["BOOKER", "04D4E5F6", "04D4E5F6"], "handed over before the start"
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42


def test_a_reservation_is_its_bookers_again_when_an_id_of_the_group_does_not_start() -> None:
    bench = connected()
    send_list(bench, 1, "Full", entry("04D4E5F6", parentIdTag="FAMILY"))
    reserve(bench, 1, "BOOKER", 42, parentIdTag="FAMILY")
    bench.obeys[StartSession] = "the outlet is not free to start a session"
    bench.ask("ChangeConfiguration", {"key": "AuthorizeRemoteTxRequests", "value": "false"})
    assert bench.ask("RemoteStartTransaction", {"connectorId": 1, "idTag": "04D4E5F6"}) == {"status": "Rejected"}
    assert [each.uid for each in bench.of(Book)] == ["BOOKER", "04D4E5F6", "BOOKER"]


def test_a_reservation_handed_over_ends_in_time_too() -> None:
    bench = connected()
    bench.central.behaviour.parents["04D4E5F6"] = "Family"
    reserve(bench, 1, "BOOKER", 42, parentIdTag="FAMILY")
    ends_us = bench.of(Book)[-1].until_us
    bench.card(1, "04D4E5F6")
    bench.run(2)
    assert (bench.of(Book)[-1].uid, bench.of(Book)[-1].until_us) == ("04D4E5F6", ends_us)


def test_the_booker_is_known_in_either_case() -> None:
    bench = connected()
    reserve(bench, 1, "04a1b2c3", 42)
    assert bench.of(Book)[-1].uid == "04A1B2C3"
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42


def test_two_reservations_at_one_moment_are_not_promised_the_same_connector() -> None:
    bench = connected()
    made = {"expiryDate": later(bench, 600), "idTag": "BOOKER"}
    asked = [(0, 1), (1, 2), (0, 3)]
    ids = [
        bench.central.call(bench.now_us, "ReserveNow", {**made, "connectorId": connector, "reservationId": number})
        for connector, number in asked
    ]
    bench.run(2)
    assert [bench.central.answers[each]["status"] for each in ids] == ["Accepted", "Occupied", "Accepted"]
    assert {each.reservation_id for each in bench.context.reservations.values()} == {1, 3}


def test_connector_zero_keeps_any_connector() -> None:
    bench = connected()
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert reserve(bench, 0) == "Accepted"
    assert bench.of(Book)[-1].outlet == 2
    assert reserve(bench, 0, "NEXT", 2) == "Occupied"


def test_a_reservation_of_any_connector_moves_when_its_connector_fails_and_is_used_up_at_each() -> None:
    bench = connected()
    assert reserve(bench, 0, "04A1B2C3", 42) == "Accepted"
    assert bench.central.statuses == {0: "Available", 1: "Reserved", 2: "Available"}
    bench.change(1, faults=(FaultView("ContactorWelded", "emergency", "service", 0),))
    bench.run(1)
    assert bench.central.statuses == {0: "Available", 1: "Faulted", 2: "Reserved"}
    bench.change(1, faults=())
    bench.run(1)
    bench.card(1, "04A1B2C3")
    bench.run(2)
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42
    assert bench.central.statuses[2] == "Available", "nothing is kept any more"
    assert bench.context.reservations == {}


def test_a_reservation_of_one_connector_stays_there_when_that_fails() -> None:
    bench = connected()
    reserve(bench, 1, "04A1B2C3")
    bench.change(1, faults=(FaultView("ContactorWelded", "emergency", "service", 0),))
    bench.run(1)
    assert set(bench.context.reservations) == {1}
    bench.card(2, "04A1B2C3")
    bench.run(2)
    assert "reservationId" not in bench.central.payloads("StartTransaction")[0]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"outlet_status": "OK_Unavailable"}, "Unavailable"),
        ({"cable_state": "32 A"}, "Occupied"),
    ],
)
def test_why_a_connector_cannot_be_kept(changes: dict[str, Any], status: str) -> None:
    bench = connected()
    bench.change(1, **changes)
    bench.run(1)
    assert reserve(bench, 1) == status
    assert reserve(bench, 5) == "Rejected"
    assert reserve(bench, 2, expiryDate="2020-01-01T00:00:00Z") == "Rejected"
    bench.obeys[Book] = "no"
    assert reserve(bench, 2) == "Rejected"


def test_an_expired_reservation_is_forgotten_and_a_power_cut_forgets_none() -> None:
    bench = connected()
    reserve(bench, 1)
    bench.power_cut()
    bench.run(3)
    assert bench.context.reservations[1].reservation_id == 1
    bench.run(700)
    assert bench.context.reservations == {}
    assert bench.ask("CancelReservation", {"reservationId": 1}) == {"status": "Rejected"}
