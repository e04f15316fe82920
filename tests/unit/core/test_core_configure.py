"""Another configuration while the station works: whole, at once, refused with every reason, and no charge opened for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import Configure, StopSession
from evse.core.config import Access, ContactorTimings, Location, OutletConfig, ProcedureTimings, StationConfig
from evse.core.configure import FIXED_OF_OUTLET, config_digest, with_digest
from evse.core.events import CommandDone, ConfigurationActive, SessionClosed
from evse.core.lines import InputLine, LineFunction
from evse.core.units import SECOND
from evse.exchange.envelope import decode_command, encode_command
from tests.fakes.core_bench import UID, CoreBench, station_config

DELAYED = InputLine(1, LineFunction.DELAYED_START)
LIMITED = InputLine(2, LineFunction.CURRENT_LIMIT)


def bench(outlets: int = 1, **changes: Any) -> CoreBench:
    return CoreBench(with_digest(station_config(outlets, **changes))).run(12)


def changed(b: CoreBench, **changes: Any) -> StationConfig:
    """The active configuration with changes, as the next version; those of an outlet go to every outlet."""
    active = b.core.config
    of_outlet = {key: changes.pop(key) for key in tuple(changes) if key in OutletConfig.__dataclass_fields__}
    outlets = tuple(replace(each, **of_outlet) for each in active.outlets)
    return with_digest(replace(active, outlets=outlets, version=active.version + 1, **changes))


def answer(b: CoreBench, config: StationConfig | None) -> CommandDone:
    b.post(Configure("", config=config))
    b.run(0.01)
    found: CommandDone = b.events(CommandDone)[-1]
    return found


@pytest.mark.req("STA-02")
def test_a_configuration_is_active_before_it_is_answered() -> None:
    b = bench()
    wanted = changed(b, derated_current_ma=16_000)
    assert answer(b, wanted).outcome == "done"
    assert [event.version for event in b.events(ConfigurationActive)] == [1, 2]
    names = [type(each.event).__name__ for each in b.told]
    assert names[-2:] == ["ConfigurationActive", "CommandDone"]
    assert b.events(ConfigurationActive)[-1].digest == wanted.digest
    assert b.core.config is wanted or b.core.config == wanted


@pytest.mark.req("STA-02", "ENE-01", "PIL-05")
def test_a_running_charge_follows_and_is_never_opened() -> None:
    b = bench(2, access=Access.FREE)
    for number in (1, 2):
        b.verb("plug_in", outlet=number)
    b.run(30)
    assert answer(b, changed(b, derated_current_ma=16_000)).outcome == "done"
    assert [outlet.offer.offered_ma for outlet in b.core.outlets] == [16_000, 16_000], "a lower one at once"
    assert answer(b, changed(b, derated_current_ma=32_000, station_maximum_ma=40_000)).outcome == "done"
    b.run(12)
    assert [outlet.offer.offered_ma for outlet in b.core.outlets] == [20_000, 20_000]
    for changes in (
        {"access": Access.BADGE},
        {"checkpoint_us": 30 * SECOND},
        {"lines": (DELAYED, LIMITED), "temporary_limit_ma": 10_000},
        {"procedure": ProcedureTimings(plug_us=5 * SECOND)},
        {"push_button": True, "leave_cable_connected": True, "wake_up": False},
        {"nominal_voltage_mv": 240_000},
    ):
        assert answer(b, changed(b, **changes)).outcome == "done"
        b.run(20)
    assert [b.truth(number).closings for number in (1, 2)] == [1, 1]
    assert b.events(SessionClosed) == []
    assert [outlet.offer.offered_ma for outlet in b.core.outlets] == [20_000, 20_000]


@pytest.mark.req("STA-02")
def test_access_counts_for_the_next_user() -> None:
    b = bench(access=Access.FREE)
    b.verb("plug_in").run(30)
    assert b.truth().contact_closed
    answer(b, changed(b, access=Access.BADGE))
    b.run(10)
    assert b.truth().contact_closed, "who charges goes on"
    b.post(StopSession("", 1))
    b.run(10)
    b.verb("unplug").run(10)
    b.verb("plug_in").run(30)
    assert not b.truth().contact_closed
    b.card(UID)
    b.run(30)
    assert b.truth().contact_closed


@pytest.mark.req("STA-02", "INP-01")
def test_a_line_gets_another_function_and_sense_at_once() -> None:
    b = bench(access=Access.FREE, lines=(DELAYED,))
    b.verb("plug_in").run(30)
    assert b.truth().contact_closed
    # The contact is open: normally closed it acts, without a restart.
    answer(b, changed(b, lines=(replace(DELAYED, normally_open=False),)))
    b.run(8)
    assert not b.truth().contact_closed
    answer(b, changed(b, lines=()))
    b.run(15)
    assert b.truth().contact_closed


@pytest.mark.req("STA-02", "PIL-06")
def test_a_station_that_is_moved_indoors_stops_what_needs_ventilation() -> None:
    b = bench(access=Access.FREE, location=Location.OUTDOOR)
    b.verb("plug_in", ventilation=True).run(30)
    assert b.truth().contact_closed
    answer(b, changed(b, location=Location.INDOOR))
    b.run(10)
    assert not b.truth().contact_closed
    assert "VentilationNotAvailable" in b.faults()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"phases": 1}, "only a restart changes outlet 1 phases"),
        ({"contactor": ContactorTimings(confirm_us=900_000)}, "outlet 1 contactor"),
        ({"station_uid": "another"}, "only a restart changes station_uid"),
        ({"derated_current_ma": -1}, "outlet 1 derated_current_ma is -1: 0 to 1000000 is allowed"),
        ({"checkpoint_us": 61 * SECOND}, "checkpoint_us is 61000000: 1000000 to 60000000 is allowed"),
        ({"procedure": ProcedureTimings(plug_us=-1)}, "procedure.plug_us is -1"),
        ({"lines": (InputLine(0, LineFunction.DELAYED_START),)}, "line number is 0: 1 to 32 is allowed"),
        ({"lines": (replace(DELAYED, debounce_us=11 * SECOND),)}, "line 1 debounce_us"),
    ],
)
@pytest.mark.req("STA-02")
def test_what_cannot_be_is_refused_whole(changes: dict[str, Any], why: str) -> None:
    b = bench()
    before = b.core.config
    done = answer(b, changed(b, **changes))
    assert done.outcome == "refused"
    assert why in done.reason
    assert b.core.config is before
    assert len(b.events(ConfigurationActive)) == 1


def test_a_damaged_old_or_missing_configuration_is_refused_and_the_same_one_is_right() -> None:
    b = bench()
    wanted = changed(b, derated_current_ma=16_000)
    assert "digest" in answer(b, replace(wanted, station_maximum_ma=99_000)).reason
    assert "missing" in answer(b, None).reason
    assert answer(b, wanted).outcome == "done"
    old = with_digest(replace(wanted, version=1, station_maximum_ma=20_000))
    assert "version 1 does not follow the active version 2" in answer(b, old).reason
    other = with_digest(replace(wanted, station_maximum_ma=20_000))
    assert "does not follow" in answer(b, other).reason
    assert answer(b, wanted).outcome == "done"
    assert [event.version for event in b.events(ConfigurationActive)] == [1, 2]


def test_every_field_of_an_outlet_is_either_fixed_or_followed() -> None:
    followed = {
        *("derated_current_ma", "temporary_limit_ma", "ze_ready", "lines", "push_button"),
        *("leave_cable_connected", "access", "wake_up", "procedure"),
        *("shedding_ma", "resume_us", "condition_interrupts", "ze_sources"),
        *("meter", "meter_link", "meter_unit", "meter_terminals", "conductors"),
    }
    assert followed | set(FIXED_OF_OUTLET) == set(OutletConfig.__dataclass_fields__)
    assert not followed & set(FIXED_OF_OUTLET)


def test_a_configuration_survives_the_way_and_keeps_its_digest() -> None:
    config = with_digest(station_config(2, lines=(DELAYED, LIMITED)))
    command = Configure("c", config=config)
    again = decode_command(encode_command(command))
    assert again == command
    assert isinstance(again, Configure) and again.config is not None
    assert config_digest(again.config) == config.digest


def test_a_station_has_as_many_outlets_as_it_began_with() -> None:
    b = bench(2)
    wanted = with_digest(replace(changed(b), outlets=b.core.config.outlets[:1]))
    assert answer(b, wanted).reason == "only a restart changes outlets"
