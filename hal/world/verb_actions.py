"""What users, drivers, electricians and the grid do: the actions behind the verbs that are no faults.

Each action has two parts: ``blocked`` says why it is impossible now (nothing has been done then), ``do`` does it. The
outlet's physics have run up to the verb's time before either is called, and follow after ``do``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from evse.records import dataclass
from hal.units import NEVER
from hal.world.contacts import ContactKind
from hal.world.outlet import OutletWorld
from hal.world.station import StationWorld
from hal.world.supply import NOMINAL_MV
from hal.world.vehicle import Vehicle, VehicleSettings
from hal.world.vehicle_params import VEHICLE_PARAMS, settings_from
from hal.world.verb_spec import Checked, VerbError, check_value

UID_LENGTHS: Final = (4, 7, 8, 10)


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a verb, its values in base units."""

    verb: str
    world: StationWorld
    outlet: OutletWorld
    values: Mapping[str, Checked]
    now_us: int

    def number(self, name: str) -> int:
        """Return a number or whole number."""
        return int(self.values[name])

    def text(self, name: str) -> str:
        """Return a text or choice."""
        return str(self.values[name])

    def flag(self, name: str) -> bool:
        """Return a truth value."""
        return bool(self.values[name])

    @property
    def heal(self) -> bool:
        """Whether the fault is to be undone."""
        return self.flag("heal")


def never_blocked(call: Call) -> str:
    """Return that nothing stands against it."""
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """How a verb is done. ``blocked`` returns why not, ``""`` when possible; it may raise VerbError for a parameter."""

    do: Callable[[Call], None]
    blocked: Callable[[Call], str] = never_blocked


# Plugging.


def _plug_in_blocked(call: Call) -> str:
    cable, end = call.outlet.cable, call.text("end")
    if not call.outlet.setup.has_mode3:
        return "this outlet has a domestic socket only: plug_in_domestic"
    if end == "station" and cable.attached:
        return "the cable is attached to the station"
    if end != "vehicle" and not cable.attached:
        if cable.at_station:
            return "the station's end is plugged in already"
        if call.outlet.lock.holds_plug:
            return "the lock's bolt is in the way"
        if call.outlet.shutter.in_the_way:
            return "the shutter is in the way"
    if end != "station" and cable.at_vehicle:
        return "the vehicle's end is plugged in already"
    if end != "station" and call.text("vehicle") == "new":
        return _settings_fault(_arriving(call))
    return ""


def _arriving(call: Call) -> VehicleSettings:
    """Return the settings of a new vehicle."""
    return settings_from(VehicleSettings(), call.values, (param.name for param in VEHICLE_PARAMS))


def _settings_fault(settings: VehicleSettings) -> str:
    """Return what is impossible in a vehicle's settings."""
    return "the vehicle's minimum current is above its maximum" if settings.minimum_ma > settings.maximum_ma else ""


def _plug_in(call: Call) -> None:
    outlet, end = call.outlet, call.text("end")
    cable = outlet.cable
    if not (cable.at_station or cable.at_vehicle) and not cable.attached:
        cable.rating_a = int(call.text("cable").removesuffix(" A"))
    if end != "vehicle" and not cable.attached:
        cable.at_station = True
    if end == "station":
        return
    if end == "both":
        outlet.settle()
    if call.text("vehicle") == "new":
        outlet.vehicle = Vehicle(_arriving(call))
    cable.at_vehicle = True
    outlet.vehicle.plug(call.now_us)


def _unplug_ends(call: Call) -> tuple[bool, bool]:
    """Return which ends (station, vehicle) are to be pulled; ``both`` means those that are plugged in."""
    cable, end = call.outlet.cable, call.text("end")
    station = end == "station" or (end == "both" and cable.at_station and not cable.attached)
    vehicle = end == "vehicle" or (end == "both" and cable.at_vehicle)
    return station, vehicle


def _unplug_blocked(call: Call) -> str:
    cable = call.outlet.cable
    station, vehicle = _unplug_ends(call)
    if not (station or vehicle):
        return "nothing is plugged in"
    if station and cable.attached:
        return "the cable is attached to the station"
    if station and not cable.at_station:
        return "the station's end is not plugged in"
    if vehicle and not cable.at_vehicle:
        return "the vehicle's end is not plugged in"
    if station and call.outlet.lock.holds_plug:
        return "the lock holds the plug"
    if station and call.outlet.shutter.in_the_way:
        return "the shutter holds the plug"
    if any(call.outlet.vehicle_ma()) and not call.flag("pull_under_load"):
        return "current flows; a user would need pull_under_load: true"
    return ""


def _unplug(call: Call) -> None:
    outlet = call.outlet
    station, vehicle = _unplug_ends(call)
    if any(outlet.vehicle_ma()):
        outlet.unplugs_under_load += 1
    if vehicle:
        outlet.cable.at_vehicle = False
        outlet.vehicle.unplug()
    if vehicle and station:
        outlet.settle()
    if station:
        outlet.cable.at_station = False


# Cards.


def _uid(call: Call) -> bytes:
    """Return the card's identifier. Raises VerbError for anything but 4, 7, 8 or 10 bytes in hexadecimal."""
    text = call.text("uid")
    try:
        uid = bytes.fromhex(text)
    except ValueError:
        uid = b""
    if len(uid) not in UID_LENGTHS or len(text) != 2 * len(uid):
        raise VerbError(call.verb, "uid", f"{text!r} is no card", "4, 7, 8 or 10 bytes in hexadecimal")
    return uid


def _present_blocked(call: Call) -> str:
    uid = _uid(call)
    if call.outlet.attached.reader is None:
        return "this outlet has no card reader"
    return "this card is in the field already" if uid in call.outlet.cards.removal_us else ""


def _present(call: Call) -> None:
    reader = call.outlet.attached.reader
    if reader is not None:
        call.outlet.cards.present(reader, _uid(call), call.number("hold"), call.now_us)


def _removable(call: Call) -> list[bytes]:
    held = call.outlet.cards.removal_us
    if not call.text("uid"):
        return list(held)
    uid = _uid(call)
    return [uid] if uid in held else []


def _remove_blocked(call: Call) -> str:
    return "" if _removable(call) else "no such card is in the field"


def _remove(call: Call) -> None:
    reader = call.outlet.attached.reader
    if reader is not None:
        for uid in _removable(call):
            call.outlet.cards.remove(reader, uid, call.now_us)


# Vehicle.


def no_vehicle(call: Call) -> str:
    """Return that there is no vehicle, when there is none."""
    return "" if call.outlet.cable.at_vehicle else "no vehicle is plugged in"


def _changed_settings(call: Call) -> VehicleSettings:
    """Return the vehicle's settings with one changed. Raises VerbError when the value does not fit."""
    param = next(param for param in VEHICLE_PARAMS if param.name == call.text("setting"))
    text = call.text("value").strip()
    value: object = {"true": True, "false": False}.get(text.lower(), text) if param.type == "bool" else text
    try:
        checked = check_value(call.verb, param, value)
    except VerbError as error:
        raise VerbError(call.verb, "value", f"{param.name}: {error.reason}", error.allowed) from None
    return settings_from(call.outlet.vehicle.settings, {param.name: checked}, (param.name,))


def _set_vehicle_blocked(call: Call) -> str:
    return no_vehicle(call) or _settings_fault(_changed_settings(call))


def _set_vehicle(call: Call) -> None:
    call.outlet.vehicle.change(_changed_settings(call), call.now_us)


def _pulse_blocked(call: Call) -> str:
    return no_vehicle(call) or ("S2 is closed, or there is none" if call.outlet.vehicle.loads_pilot else "")


def _pulse(call: Call) -> None:
    call.outlet.vehicle.pulse_s2(call.number("count"), call.number("width"), call.now_us)


# Station.

_MOVED_BY: Final = {
    ContactKind.BREAKER: "the breaker's own contact is on this line: trip_breaker and reset_breaker move it",
    ContactKind.KEY: "the key's own contact is on this line: turn_key moves it",
    ContactKind.BUTTON: "the button's own contact is on this line: press_button moves it",
    ContactKind.X1: "the enable input X1 is on this line: set_x1 moves it",
    ContactKind.SERVICE_BUTTON: "the service button is on this line: press_service_button moves it",
}


def _input_blocked(call: Call) -> str:
    owner = call.outlet.contacts.owner(existing_line(call))
    return "" if owner is None else _MOVED_BY[owner]


def existing_line(call: Call) -> int:
    """Return the line that the call names. Raises VerbError when this outlet does not have it."""
    line, count = call.number("line"), call.outlet.contacts.count
    if line > count:
        raise VerbError(call.verb, "line", f"there is no line {line}", f"whole number from 1 to {count}")
    return line


def _set_input(call: Call) -> None:
    call.outlet.contacts.closed[call.number("line") - 1] = call.flag("closed")


def _turn_key_blocked(call: Call) -> str:
    if not call.outlet.contacts.has(ContactKind.KEY):
        return "this outlet has no key lock"
    to = call.text("to")
    return f"the key is in its {to} position already" if call.outlet.contacts.key_locked is (to == "locked") else ""


def _turn_key(call: Call) -> None:
    call.outlet.contacts.key_locked = call.text("to") == "locked"


def _press_blocked(call: Call) -> str:
    if not call.outlet.contacts.has(ContactKind.BUTTON):
        return "this outlet has no push button"
    return "" if call.outlet.contacts.release_us == NEVER else "the button is held already"


def _press_button(call: Call) -> None:
    call.outlet.contacts.release_us = call.now_us + call.number("hold")


def _dip_blocked(call: Call) -> str:
    count = len(call.outlet.dip_banks.positions)
    if not count:
        return "this outlet has no DIP switches"
    if call.number("bank") > count:
        raise VerbError(call.verb, "bank", f"there is no bank {call.number('bank')}", f"whole number from 1 to {count}")
    return ""


def _set_dip(call: Call) -> None:
    call.outlet.dip_banks.move(call.number("bank"), call.number("switch"), on=call.flag("on"))


def _service_button_blocked(call: Call) -> str:
    if not call.outlet.contacts.has(ContactKind.SERVICE_BUTTON):
        return "this outlet has no service button"
    return "" if call.outlet.contacts.service_release_us == NEVER else "the button is held already"


def _press_service_button(call: Call) -> None:
    call.outlet.contacts.service_release_us = call.now_us + call.number("hold")


def _x1_blocked(call: Call) -> str:
    return "" if call.outlet.contacts.has(ContactKind.X1) else "this outlet has no enable input X1"


def _set_x1(call: Call) -> None:
    call.outlet.contacts.x1_closed = call.flag("closed")


def _heat(call: Call) -> None:
    call.outlet.temperature.go_to(call.number("temperature"), call.number("over"), call.now_us)


def _reset_blocked(call: Call) -> str:
    return "" if call.outlet.attached.front_end is not None else "no front end is attached to this world"


def _reset_front_end(call: Call) -> None:
    if call.outlet.attached.front_end is not None:
        call.outlet.attached.front_end.reset(call.now_us)


def _reset_residual(call: Call) -> None:
    call.outlet.residual.release()


# Grid.


def _trip_breaker(call: Call) -> None:
    call.outlet.feed.breaker_closed = False


def _reset_breaker(call: Call) -> None:
    call.outlet.feed.breaker_closed = True


def _cut_power(call: Call) -> None:
    duration_us = call.number("duration")
    call.world.grid.cut(call.now_us + duration_us if duration_us else NEVER)


def _restore_power(call: Call) -> None:
    call.world.grid.restore()


def _brown_out(call: Call) -> None:
    grid, phase = call.world.grid, call.text("phase")
    level = NOMINAL_MV if call.heal else call.number("voltage")
    first, second, third = (
        level if phase == "all" or call.heal or phase == f"L{index + 1}" else old
        for index, old in enumerate(grid.phase_mv)
    )
    grid.phase_mv = (first, second, third)


def _move_board_cable(call: Call) -> None:
    call.world.board_cable_in_second_port = call.heal


ACTIONS: Final[dict[str, Action]] = {
    "plug_in": Action(_plug_in, _plug_in_blocked),
    "unplug": Action(_unplug, _unplug_blocked),
    "present_card": Action(_present, _present_blocked),
    "remove_card": Action(_remove, _remove_blocked),
    "vehicle_ready": Action(lambda call: call.outlet.vehicle.want(True, call.now_us), no_vehicle),
    "vehicle_stop": Action(lambda call: call.outlet.vehicle.want(False, call.now_us), no_vehicle),
    "set_vehicle": Action(_set_vehicle, _set_vehicle_blocked),
    "pulse_s2": Action(_pulse, _pulse_blocked),
    "turn_key": Action(_turn_key, _turn_key_blocked),
    "press_button": Action(_press_button, _press_blocked),
    "set_input": Action(_set_input, _input_blocked),
    "set_dip": Action(_set_dip, _dip_blocked),
    "press_service_button": Action(_press_service_button, _service_button_blocked),
    "set_x1": Action(_set_x1, _x1_blocked),
    "heat": Action(_heat),
    "reset_front_end": Action(_reset_front_end, _reset_blocked),
    "reset_residual": Action(_reset_residual),
    "trip_breaker": Action(
        _trip_breaker, lambda call: "" if call.outlet.feed.breaker_closed else "the breaker has tripped already"
    ),
    "reset_breaker": Action(
        _reset_breaker, lambda call: "the breaker is on already" if call.outlet.feed.breaker_closed else ""
    ),
}
"""Actions on one outlet."""

STATION_ACTIONS: Final[dict[str, Action]] = {
    "cut_power": Action(_cut_power, lambda call: "" if call.world.grid.on else "the power is cut already"),
    "restore_power": Action(_restore_power, lambda call: "the power is on already" if call.world.grid.on else ""),
    "brown_out": Action(_brown_out),
    "move_board_cable": Action(
        _move_board_cable, lambda call: "" if len(call.world.outlets) > 1 else "a single outlet has no such cable"
    ),
}
"""Actions on the station as a whole; every outlet follows."""
