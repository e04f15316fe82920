from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.core.commands import COMMAND_TYPES, Authorise, Command, RestoreState, SetUnavailable, Verdict
from evse.core.events import EVENT_TYPES, ContactorPermitted, Event, SessionClosed, SessionOpened
from evse.core.limits import LimitStep
from evse.core.orders import OrderKind, StandingOrder
from evse.exchange.envelope import (
    MESSAGE_LIMIT_BYTES,
    Acknowledge,
    Envelope,
    ExchangeError,
    Hello,
    decode_command,
    decode_event,
    decode_from_control,
    decode_from_services,
    decode_view,
    encode_command,
    encode_event,
    encode_from_control,
    encode_from_services,
    encode_view,
)
from evse.exchange.snapshot import (
    FaultView,
    LatencyView,
    LimitView,
    OutletView,
    PilotView,
    SessionView,
    StationView,
)

OPENED = SessionOpened(1, "boot-1-1", "04A1B2C3", "badge")
VIEW = StationView(
    station_uid="station",
    profile="parking",
    boot_id="boot",
    mono_us=12,
    config_version=1,
    config_digest="abc",
    restored=True,
    outlets=(
        OutletView(
            number=1,
            outlet_status="OK_InitDone",
            last_error="",
            last_error_class="",
            ev_state="A_Not_Present_12V",
            cable_state="Not_Plugged",
            evse_status=("Available",),
            error_status=0,
            pilot=PilotView("X1", 10_000, 12_000, 12_000, 10_000, 0),
            offered_ma=0,
            limits=(LimitView("rated", 32_000, True),),
            contactor_permitted=False,
            contactor_closed=False,
            open_reasons=("NoSession",),
            no_offer_reasons=(),
            lock="unlocked",
            light="green",
            currents_ma=(0, 0, 0),
            voltages_mv=(230_000, 230_000, 230_000),
            temperature_dc=250,
            register_wh=0,
            session=SessionView("s", "04A1B2C3", 1, 0, "", False),
            faults=(FaultView("PilotDiode", "emergency", "none", 5),),
            epoch=3,
            access="badge",
            link_ok=True,
            reader_ok=True,
        ),
    ),
    latency=LatencyView(),
)


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: str(kind.__name__))
def test_every_event_survives_the_way(kind: type[Event]) -> None:
    @given(st.builds(kind))
    def there_and_back(event: Event) -> None:
        event = _within_64_bits(event)
        assert decode_event(encode_event(event)) == event

    there_and_back()


@pytest.mark.parametrize("kind", COMMAND_TYPES, ids=lambda kind: str(kind.__name__))
def test_every_command_survives_the_way(kind: type[Command]) -> None:
    command = kind(command_id="c-1", outlet=2, expires_us=5, epoch=7)
    assert decode_command(encode_command(command)) == command


def test_enumerations_and_lists_keep_their_types() -> None:
    command = decode_from_services(encode_from_services(Authorise("c", card_read_id=3, verdict=Verdict.PROVISIONAL)))
    assert isinstance(command, Authorise) and command.verdict is Verdict.PROVISIONAL
    orders = (StandingOrder(OrderKind.LIMIT, "plant", current_ma=10_000), StandingOrder(OrderKind.SUSPENDED))
    restore = RestoreState("c", latched=("a", "b"), orders=orders, station_orders=orders[:1])
    assert decode_from_services(encode_from_services(restore)) == restore


def test_the_snapshot_survives_the_way() -> None:
    assert decode_view(encode_view(VIEW)) == VIEW
    assert decode_from_control(encode_from_control(VIEW)) == VIEW


def test_hello_envelope_and_acknowledge_survive_the_way() -> None:
    hello, acknowledge = Hello("boot", 5), Acknowledge("boot", 9)
    envelope = Envelope("boot", 3, 77, ContactorPermitted(1, False, ("a", "b")))
    assert decode_from_control(encode_from_control(hello)) == hello
    assert decode_from_control(encode_from_control(envelope)) == envelope
    assert decode_from_services(encode_from_services(acknowledge)) == acknowledge


def test_the_form_on_the_wire_is_type_and_data() -> None:
    data = {"outlet": 1, "session_id": "boot-1-1", "uid": "04A1B2C3", "authorised_by": "badge"}
    assert json.loads(encode_event(OPENED)) == {"type": "SessionOpened", "data": data}


def _opened(**changes: Any) -> Event:
    return replace(OPENED, **changes)


def _event(**changes: Any) -> bytes:
    data = {"outlet": 1, "session_id": "s", "uid": "u", "authorised_by": "badge"} | changes
    return json.dumps({"type": "SessionOpened", "data": data}).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"[]", "expected a JSON object"),
        (b"{}", "expected exactly the fields type and data"),
        (b'{"type":"SessionOpened"}', "expected exactly the fields type and data"),
        (b'{"type":"Bang","data":{}}', "unknown event type 'Bang'"),
        (b'{"type":["x"],"data":{}}', "unknown event type"),
        (b'{"type":"SessionOpened","data":7}', "Expected `object`"),
        (b'{"type":"SessionOpened","data":{"outlet":1}}', "missing required field `session_id`"),
        (_event(extra=1), "unknown field 'extra'"),
        (_event(outlet="1"), "Expected `int`, got `str`"),
        (_event(outlet=True), "Expected `int`, got `bool`"),
        (_event(outlet=None), "Expected `int`, got `null`"),
        (_event(outlet=1.0), "Expected `int`, got `float`"),
        (_event(outlet=float("nan")), "not JSON"),
        (_event(outlet=2**63), "64 bits"),
        (_event(uid="x" * MESSAGE_LIMIT_BYTES), "at most 65536"),
    ],
)
def test_what_is_wrong_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ExchangeError, match=reason):
        decode_event(data)


def test_wrong_parts_of_envelope_command_and_view_are_refused() -> None:
    envelope = json.loads(encode_from_control(Envelope("b", 1, 2, OPENED)))
    envelope["data"]["event"]["data"]["extra"] = 1
    with pytest.raises(ExchangeError, match="unknown field 'extra'"):
        decode_from_control(json.dumps(envelope).encode())
    envelope["data"]["event"]["data"]["extra"] = 0.5
    with pytest.raises(ExchangeError, match="floating-point"):
        decode_from_control(json.dumps(envelope).encode())
    envelope["data"]["event"] = {"type": "Hello", "data": {}}
    with pytest.raises(ExchangeError, match="unknown event type 'Hello'"):
        decode_from_control(json.dumps(envelope).encode())
    command = json.loads(encode_command(SetUnavailable("c")))
    command["data"]["source"] = "somebody"
    with pytest.raises(ExchangeError, match="Invalid enum value 'somebody'"):
        decode_command(json.dumps(command).encode())
    view = json.loads(encode_view(VIEW))
    view["data"]["outlets"][0]["pilot"]["extra"] = 1
    with pytest.raises(ExchangeError, match=r"outlets\[0\]\.pilot: unknown field 'extra'"):
        decode_view(json.dumps(view).encode())


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (_opened(outlet=float("nan")), r"SessionOpened: Expected `int`, got `float`"),
        (replace(OPENED, uid="x" * MESSAGE_LIMIT_BYTES), "at most 65536"),
        (replace(OPENED, uid="\ud800"), "SessionOpened"),
        (replace(OPENED, outlet=2**80), "SessionOpened"),
        (_opened(uid=object()), "SessionOpened"),
        (Event(1), "no message of this channel"),
    ],
    ids=["nan", "large", "surrogate", "integer", "object", "base"],
)
def test_what_could_not_be_understood_is_not_sent(event: Event, reason: str) -> None:
    with pytest.raises(ExchangeError, match=reason):
        encode_event(event)


DECODERS = (decode_event, decode_command, decode_view, decode_from_control, decode_from_services)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "data", "event", "x"]), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(["SessionOpened", "Envelope", "Hello", "StationView", "Acknowledge", "Authorise", "x"])


@given(st.binary(max_size=60) | st.builds(lambda name, data: _json({"type": name, "data": data}), NAMES, JSON))
def test_any_bytes_give_a_value_or_an_exchange_error(data: bytes) -> None:
    for decode in DECODERS:
        _tolerates(decode, data)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_message_gives_a_value_or_an_exchange_error(position: int, byte: int) -> None:
    message = encode_from_control(
        Envelope("boot", 3, 77, SessionClosed(1, "s", "Local", 10, 20, "Normal_Mode_3", 30)),
    )
    damaged = bytearray(message)
    damaged[position % len(message)] = byte
    _tolerates(decode_from_control, bytes(damaged))
    _tolerates(decode_from_control, message[: position % len(message)])


def _tolerates(decode: Callable[[bytes], object], data: bytes) -> None:
    try:
        decode(data)
    except ExchangeError as error:
        assert str(error)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _within_64_bits(event: Event) -> Event:
    return replace(event, **_small({field.name: getattr(event, field.name) for field in fields(event)}))


def _small(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _within(value) for name, value in values.items()}


def _within(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_within(each) for each in value)
    if isinstance(value, StandingOrder | LimitStep):
        return replace(value, **_small({field.name: getattr(value, field.name) for field in fields(value)}))
    return value % 2**63 if type(value) is int else value
