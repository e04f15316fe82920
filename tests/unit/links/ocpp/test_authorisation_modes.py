"""Online and offline authorisation modes of the THØR/KEBA P30 configuration manual 120501, by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evse.core.commands import Authorise, StartSession, Verdict
from evse.links.ocpp.settings import OfflineMode, OnlineMode
from tests.fakes.ocpp_bench import DEFAULTS, FREE, Bench, connected

pytestmark = pytest.mark.req("AUT-08")
GOOD, BAD, NEW = "04A1B2C3", "04DEADBE", "04D4E5F6"
A, R = Verdict.ACCEPTED, Verdict.REFUSED


def station(online: OnlineMode | None = None, offline: OfflineMode | None = None) -> Bench:
    """A station whose local list accepts one card and blocks another."""
    bench = connected(replace(DEFAULTS, online_mode=online, offline_mode=offline))
    entries = [
        {"idTag": tag, "idTagInfo": {"status": status}} for tag, status in ((GOOD, "Accepted"), (BAD, "Blocked"))
    ]
    sent = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries}
    assert bench.ask("SendLocalList", sent) == {"status": "Accepted"}
    bench.central.requests.clear()
    return bench


def judged(bench: Bench, uid: str) -> Verdict:
    """The final verdict on a card."""
    bench.posted.clear()
    bench.card(1, uid)
    bench.run(1.5)
    if bench.outlet(1).session is not None:
        bench.stop_session(1)
        bench.run(0.5)
    verdict: Verdict = bench.of(Authorise)[-1].verdict
    return verdict


@pytest.mark.parametrize(
    ("mode", "verdicts", "asked"),
    [
        (OnlineMode.FIRST_LOCAL, (A, R, A), [NEW]),
        (OnlineMode.FIRST_ONLINE, (A, A, A), [GOOD, BAD, NEW]),
        (OnlineMode.ONLY_LOCAL, (A, R, R), []),
    ],
)
def test_online_modes(mode: OnlineMode, verdicts: tuple[Verdict, ...], asked: list[str]) -> None:
    bench = station(online=mode)
    assert tuple(judged(bench, uid) for uid in (GOOD, BAD, NEW)) == verdicts
    assert [each["idTag"] for each in bench.central.payloads("Authorize")] == asked


@pytest.mark.parametrize(
    ("mode", "verdicts"),
    [
        (OfflineMode.LOCAL_UNKNOWN, (A, R, A)),
        (OfflineMode.LOCAL, (A, R, R)),
        (OfflineMode.NO_AUTHORIZATION, (A, A, A)),
        (OfflineMode.NO_CHARGING, (R, R, R)),
        (OfflineMode.FREE_CHARGING, (A, A, A)),
    ],
)
def test_offline_modes(mode: OfflineMode, verdicts: tuple[Verdict, ...]) -> None:
    bench = station(offline=mode)
    bench.network(up=False)
    bench.run(1)
    assert tuple(judged(bench, uid) for uid in (GOOD, BAD, NEW)) == verdicts


def test_no_authorization_ends_the_charge_of_an_invalid_card_when_the_connection_is_back() -> None:
    bench = station(offline=OfflineMode.NO_AUTHORIZATION)
    bench.network(up=False)
    bench.run(1)
    bench.card(1, BAD)
    bench.run(1)
    assert bench.outlet(1).session is not None
    bench.central.behaviour.id_status[BAD] = "Blocked"
    bench.network(up=True)
    bench.run(200)
    assert bench.outlet(1).session is None
    assert bench.central.payloads("StopTransaction")[0]["reason"] == "DeAuthorized"


@pytest.mark.parametrize(("online", "starts"), [(False, 1), (True, 0)])
def test_free_charging_needs_no_card_while_there_is_no_connection(online: bool, starts: int) -> None:
    bench = station(offline=OfflineMode.FREE_CHARGING)
    bench.network(up=online)
    bench.run(1)
    bench.change(2, cable_state="32 A", ev_state="B_Present_9V")
    bench.run(5)
    assert len(bench.of(StartSession)) == starts
    if starts:
        assert bench.of(StartSession)[0].uid == "SN-1"
        bench.stop_session(2)
        bench.change(2, cable_state="32 A", ev_state="B_Present_9V")
        bench.run(5)
        assert len(bench.of(StartSession)) == 1, "once for each plug"
        bench.change(2, **FREE)
        bench.run(1)
        bench.change(2, cable_state="32 A", ev_state="B_Present_9V")
        bench.run(1)
        assert len(bench.of(StartSession)) == 2
