from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.events import CableChanged, FaultCleared
from evse.exchange.envelope import Acknowledge, Envelope, ExchangeError
from evse.exchange.outbox import Outbox

DURABLE = FaultCleared(1, "PilotDiode")
VOLATILE = CableChanged(1, "32 A")


def send(outbox: Outbox, limit: int = 1000) -> list[int]:
    sent: list[Envelope] = []
    for envelope in outbox.unsent():
        if len(sent) == limit:
            break
        outbox.mark_sent(envelope)
        sent.append(envelope)
    return [envelope.seq for envelope in sent]


def test_events_are_numbered_from_one_and_sent_in_order() -> None:
    outbox = Outbox("boot")
    assert outbox.put(DURABLE, 5) == Envelope("boot", 1, 5, DURABLE)
    outbox.put(VOLATILE, 6)
    outbox.put(DURABLE, 7)
    assert send(outbox, limit=2) == [1, 2]
    assert send(outbox) == [3]
    assert (outbox.durable_waiting, outbox.waiting_to_send) == (2, 0)


def test_a_channel_that_takes_nothing_ends_the_loop() -> None:
    outbox = Outbox("boot")
    outbox.put(DURABLE, 0)
    assert [envelope.seq for envelope in outbox.unsent()] == [1]
    assert outbox.waiting_to_send == 1
    with pytest.raises(ValueError, match="not the next"):
        outbox.mark_sent(Envelope("boot", 9, 0, DURABLE))


def test_durable_events_stay_until_acknowledged_and_come_again() -> None:
    outbox = Outbox("boot")
    for _ in range(3):
        outbox.put(DURABLE, 0)
        outbox.put(VOLATILE, 0)
    assert send(outbox) == [1, 2, 3, 4, 5, 6]
    outbox.acknowledge(Acknowledge("other boot", 6))
    outbox.acknowledge(Acknowledge("boot", 1))
    outbox.put(DURABLE, 0)
    outbox.reconnected()
    assert send(outbox) == [3, 5, 7]
    outbox.reconnected()
    outbox.acknowledge(Acknowledge("boot", 6))
    assert send(outbox) == [7]
    outbox.acknowledge(Acknowledge("boot", 7))
    outbox.reconnected()
    assert (send(outbox), outbox.durable_waiting) == ([], 0)


@pytest.mark.req("CDR-05")
def test_pressure_drops_the_oldest_volatile_and_never_a_durable_event() -> None:
    outbox = Outbox("boot", volatile_limit=2)
    for _ in range(5):
        outbox.put(VOLATILE, 0)
        outbox.put(DURABLE, 0)
    assert (outbox.volatile_dropped, outbox.durable_waiting, outbox.waiting_to_send) == (3, 5, 7)
    assert send(outbox) == [2, 4, 6, 7, 8, 9, 10]


def test_what_cannot_be_sent_takes_no_number() -> None:
    outbox = Outbox("boot")
    with pytest.raises(ExchangeError):
        outbox.put(replace(DURABLE, fault="x" * 100_000), 0)
    assert outbox.put(DURABLE, 0).seq == 1


@given(st.lists(st.sampled_from(["durable", "volatile", "send", "one", "reconnect", "acknowledge"])))
def test_no_durable_event_is_lost_or_out_of_order(steps: list[str]) -> None:
    outbox, durable, arrived, connection = Outbox("boot", volatile_limit=2), [], set[int](), list[int]()
    for step in steps:
        match step:
            case "durable":
                durable.append(outbox.put(DURABLE, 0).seq)
            case "volatile":
                outbox.put(VOLATILE, 0)
            case "send" | "one":
                connection += send(outbox, limit=1 if step == "one" else 1000)
            case "reconnect":
                outbox.reconnected()
                connection = []
            case _:
                outbox.acknowledge(Acknowledge("boot", max(connection, default=0)))
        arrived |= set(connection)
        assert connection == sorted(connection)
        assert outbox.waiting_to_send == len(list(outbox._unsent))
    send(outbox)
    outbox.reconnected()
    rest = send(outbox)
    assert set(durable) <= arrived | set(rest)
    assert outbox.durable_waiting == len(rest)
