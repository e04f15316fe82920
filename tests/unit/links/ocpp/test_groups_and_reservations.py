"""Groups (parent ids) and reservations where one meets the other: who is asked for, whom the outlet is kept for, and until when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import Authorise, Book, StartSession, Verdict
from evse.core.units import SECOND
from evse.links.ocpp.stamps import stamp
from tests.fakes.central_system import EPOCH_UTC_US
from tests.fakes.ocpp_bench import DEFAULTS, Bench, connected

pytestmark = pytest.mark.req("OCP-01")
CARD, OTHER = "04D4E5F6", "04A1B2C3"
NO_CACHE = replace(DEFAULTS, cache_enabled=False)


def reserve(bench: Bench, connector: int = 1, tag: str = OTHER, **more: Any) -> str:
    expiry = stamp(EPOCH_UTC_US + bench.now_us + 600 * SECOND)
    payload = {"connectorId": connector, "expiryDate": expiry, "idTag": tag, "reservationId": 42, **more}
    status: str = bench.ask("ReserveNow", payload)["status"]
    return status


def remote_start(bench: Bench, tag: str, **more: Any) -> str:
    status: str = bench.ask("RemoteStartTransaction", {"idTag": tag, **more})["status"]
    return status


def asked_for(bench: Bench) -> list[str]:
    return [each["idTag"] for each in bench.central.payloads("Authorize")]


def orders(bench: Bench) -> list[str]:
    """For whom the outlet was kept and who was let in, in the order of the commands."""
    kinds = [each for each in bench.posted if isinstance(each, Book | Authorise | StartSession)]
    return [each.verdict.value if isinstance(each, Authorise) else each.uid for each in kinds]


def test_a_remote_start_at_connector_0_is_rejected_and_without_a_connector_it_is_served() -> None:
    bench = connected()
    assert remote_start(bench, "A", connectorId=0) == "Rejected"
    assert bench.of(StartSession) == []
    assert remote_start(bench, "A") == "Accepted"


# --- who belongs together is asked for ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("groups", "stops"), [(("FAMILY", "family"), True), (("FAMILY", "WORK"), False)])
def test_a_card_of_the_group_stops_a_charge_whose_group_nobody_here_knows(groups: tuple[str, str], stops: bool) -> None:
    bench = connected(NO_CACHE)
    bench.start_session(1, OTHER, by="remote")
    bench.run(2)
    bench.restart_services()
    bench.central.behaviour.parents = dict(zip((OTHER, CARD), groups, strict=True))
    bench.run(2)
    bench.card(1, CARD, "stop")
    bench.run(2)
    assert asked_for(bench) == [OTHER, CARD]
    assert (bench.outlet(1).session is None) is stops


def test_a_charge_of_nobodys_group_is_not_worth_a_question_about_the_card() -> None:
    bench = connected(NO_CACHE)
    bench.central.behaviour.parents[CARD] = "FAMILY"
    bench.start_session(1, OTHER, by="remote")
    bench.run(2)
    for _ in range(2):
        bench.card(1, CARD, "stop")
        bench.run(2)
    assert asked_for(bench) == [], "the answer to the transaction's start has said it"
    assert bench.of(Authorise)[-1].verdict is Verdict.REFUSED
    assert bench.outlet(1).session is not None


def test_offline_nobody_is_asked_and_nothing_is_stopped() -> None:
    bench = connected(NO_CACHE)
    bench.network(up=False)
    bench.run(1)
    bench.start_session(1, OTHER, by="remote")
    bench.card(1, CARD, "stop")
    bench.run(1)
    assert bench.of(Authorise)[-1].verdict is Verdict.REFUSED


@pytest.mark.parametrize("connector", [{"connectorId": 1}, {}])
@pytest.mark.parametrize(("parent", "status"), [("Family", "Accepted"), ("WORK", "Rejected"), ("", "Rejected")])
def test_a_remote_start_at_a_connector_kept_for_a_group_asks_whose_it_is(
    connector: dict[str, int], parent: str, status: str
) -> None:
    bench = connected(NO_CACHE, outlets=1)
    reserve(bench, parentIdTag="FAMILY")
    if parent:
        bench.central.behaviour.parents[CARD] = parent
    assert remote_start(bench, CARD, **connector) == status
    assert asked_for(bench) == [CARD]
    if status == "Accepted":
        assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42


def test_a_remote_start_that_needs_no_group_asks_nobody() -> None:
    bench = connected(NO_CACHE)
    reserve(bench, parentIdTag="FAMILY")
    assert remote_start(bench, CARD) == "Accepted"
    assert bench.outlet(2).session is not None
    assert asked_for(bench) == []


# --- a reservation for a group is handed over before its card is let in ------------------------------------------------


@pytest.mark.parametrize("online", [True, False])
def test_who_is_known_here_gets_the_reservation_of_the_group_without_a_question(online: bool) -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "LocalPreAuthorize", "value": "true"})
    listed = {"idTag": CARD, "idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}
    bench.ask("SendLocalList", {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [listed]})
    reserve(bench, parentIdTag="FAMILY")
    bench.network(up=online)
    bench.run(1)
    bench.card(1, CARD)
    bench.run(1)
    assert orders(bench) == [OTHER, CARD, "accepted"], "the outlet knows the card before the verdict comes"
    assert asked_for(bench) == []


def test_offline_a_stranger_gets_no_reservation_of_a_group() -> None:
    bench = connected()
    reserve(bench, parentIdTag="FAMILY")
    bench.network(up=False)
    bench.run(1)
    bench.card(1, CARD)
    bench.run(1)
    assert [each.uid for each in bench.of(Book)] == [OTHER]


# --- and is its booker's again when no charge follows ------------------------------------------------------------------


def test_a_card_of_the_group_that_starts_nothing_leaves_the_reservation_to_its_booker() -> None:
    bench = connected()
    bench.central.behaviour.parents[CARD] = "FAMILY"
    reserve(bench, parentIdTag="FAMILY")
    bench.obeys[Authorise] = "no card read waits for this verdict"
    bench.card(1, CARD)
    bench.run(10)
    assert [each.uid for each in bench.of(Book)] == [OTHER, CARD, OTHER]


def test_a_session_without_a_transaction_leaves_the_reservation_as_it_was() -> None:
    bench = connected()
    reserve(bench)
    bench.start_session(1, OTHER, plug=False)
    bench.run(20)
    bench.stop_session(1, "PlugTimeout")
    bench.run(2)
    assert [each.uid for each in bench.of(Book)] == [OTHER, OTHER]
    bench.start_session(1, OTHER)
    bench.run(2)
    assert bench.central.payloads("StartTransaction")[0]["reservationId"] == 42


def test_a_power_cut_in_a_session_without_a_transaction_leaves_the_reservation_too() -> None:
    bench = connected()
    reserve(bench)
    bench.start_session(1, OTHER, plug=False)
    bench.run(2)
    bench.posted.clear()
    bench.power_cut()
    bench.run(5)
    assert [(each.outlet, each.uid) for each in bench.of(Book)] == [(1, OTHER)]


def test_a_session_that_begins_while_the_outlet_is_being_kept_goes_first() -> None:
    bench = connected()
    expiry = stamp(EPOCH_UTC_US + bench.now_us + 600 * SECOND)
    payload = {"connectorId": 1, "expiryDate": expiry, "idTag": OTHER, "reservationId": 42}
    plain = bench._obey

    def quicker(command: Any) -> str:
        if isinstance(command, Book) and command.uid:
            bench.start_session(1, CARD)
        return plain(command)

    bench._obey = quicker  # type: ignore[method-assign]
    assert bench.ask("ReserveNow", payload) == {"status": "Occupied"}
    assert [each.uid for each in bench.of(Book)] == [OTHER, ""]
    assert bench.context.reservations == {}
