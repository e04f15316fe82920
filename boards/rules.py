"""Rules between the keys of a profile, and the devices that must not be declared while this version ignores them.

A finding names every path it depends on, so that a rule is silent when one of them is already reported as wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from boards.findings import Finding
from boards.meter_rules import house_meter, outlet_meter
from boards.quirks import QUIRKS
from boards.schema import Outlet, OutletSettings, StationProfile, StationSettings
from boards.schema_wire import Wire
from boards.yaml_source import Key
from evse.core.dip import CURRENT_SWITCHES

MOST_BREAKER_DEBOUNCE_MS = 50
SOCKET_LIMITS_A: dict[tuple[str, int], float] = {
    ("T2", 1): 70,
    ("T2", 3): 63,
    ("T3", 1): 63,
    ("T3", 3): 63,
    ("TE", 1): 16,
    ("T2 - TE", 1): 70,
    ("T2 - TE", 3): 63,
    ("attached T1", 1): 80,
    ("attached T2", 1): 70,
    ("attached T2", 3): 63,
}
"""Greatest rated current of a socket or cable by phases. IEC 62196-2 (types 1, 2, 3); domestic: 16 A."""

EVLINK = ("city", "parking", "smart-wallbox")
GUIDE_STATION_MAXIMUM_A = 64
"""EVlink guide DOCA0060: `Charging station maximum current` is 0 to 64 A."""


def check_rules(model: StationProfile) -> list[Finding]:
    """Every broken rule of a profile whose single keys are right."""
    findings: list[Finding] = []
    for index, outlet in enumerate(model.outlets):
        path: Key = ("outlets", index)
        findings += _ratings(outlet, path, model.station.phases)
        findings += _cable(outlet, path)
        findings += _domestic(outlet, path)
        findings += _times(outlet, path, model)
        findings += _lines(outlet, path)
        findings += outlet_meter(outlet, path)
        findings += _set_points(outlet, path)
    findings += _numbers(model)
    findings += _places(model)
    findings += _button(model)
    findings += _wires(model)
    findings += _access(model)
    findings += _names(model)
    findings += _badges(model)
    findings += _panel(model)
    findings += house_meter(model)
    return findings


def outlet_phases(outlet: Outlet, station_phases: int) -> int:
    """Phases of an outlet, the station's unless it says otherwise."""
    return station_phases if outlet.phases is None else outlet.phases


def has_lock(outlet: Outlet) -> bool:
    """Whether an outlet has a plug lock, from the socket unless it says otherwise."""
    without = outlet.socket.startswith("attached") or outlet.socket == "TE"
    return not without if outlet.lock is None else outlet.lock


def has_domestic(outlet: Outlet) -> bool:
    """Whether an outlet has a domestic socket, alone or beside another."""
    return outlet.socket in ("TE", "T2 - TE")


def external_control(model: StationProfile) -> bool:
    """Whether an external system may limit the current: EVlink stations have a setting for it, others obey."""
    return model.settings.controlled_by_external_system or model.family not in ("city", "parking", "smart-wallbox")


def derated_current_a(outlet: Outlet) -> float:
    """Derated charging current of an outlet, the rated one unless it says otherwise."""
    derated = outlet.settings.derated_current_a
    return outlet.rated_current_a if derated is None else derated


def outlet_wires(model: StationProfile) -> Iterator[tuple[Key, Wire, bool]]:
    """Every wire of the outlets with its path, and whether this version drives it."""
    for index, outlet in enumerate(model.outlets):
        path: Key = ("outlets", index)
        yield (*path, "front_end", "wire"), outlet.front_end.wire, True
        if outlet.reader is not None:
            yield (*path, "reader", "wire"), outlet.reader.wire, True
        if outlet.meter is not None:
            yield (*path, "meter", "wire"), outlet.meter.wire, True


def station_wires(model: StationProfile) -> Iterator[tuple[Key, Wire, bool]]:
    """Every wire of the station's own devices; none of them is driven yet."""
    for name in type(model.devices).model_fields:
        wire = getattr(getattr(model.devices, name), "wire", None)
        if isinstance(wire, Wire):
            yield ("devices", name, "wire"), wire, False


def _numbers(model: StationProfile) -> Iterator[Finding]:
    first: dict[int, int] = {}
    for index, outlet in enumerate(model.outlets):
        path: Key = ("outlets", index, "number")
        if outlet.number in first:
            also: Key = ("outlets", first[outlet.number], "number")
            yield Finding(path, f"outlet {outlet.number} exists already", "each number once", also=(also,))
        first.setdefault(outlet.number, index)
        side = "right" if outlet.number == 1 else "left"
        if outlet.position not in (None, side) and model.family in ("city", "parking"):
            where: Key = ("outlets", index, "position")
            yield Finding(where, f"outlet {outlet.number} of this family is on the {side}", side, also=(path,))
    if 1 not in first:
        yield Finding(("outlets", 0, "number"), "the first outlet has the number 1", "1, then 2")


def _places(model: StationProfile) -> Iterator[Finding]:
    """Two outlets do not stand in one place; City and Parking have a rule of their own."""
    if model.family in ("city", "parking"):
        return
    places = [outlet.position for outlet in model.outlets]
    if len(places) > 1 and places[0] is not None and places[0] == places[1]:
        other = "left" if places[0] == "right" else "right"
        what = f"outlet {model.outlets[0].number} is on the {places[0]} already"
        yield Finding(("outlets", 1, "position"), what, other, also=(("outlets", 0, "position"),))


def _ratings(outlet: Outlet, path: Key, station_phases: int) -> Iterator[Finding]:
    phases = outlet_phases(outlet, station_phases)
    socket: Key = (*path, "socket")
    phase_paths: tuple[Key, ...] = ((*path, "phases"), ("station", "phases"))
    if phases > station_phases:
        what = f"the station has {station_phases} phase, an outlet cannot have {phases}"
        yield Finding((*path, "phases"), what, "1", also=(("station", "phases"),))
    limit = SOCKET_LIMITS_A.get((outlet.socket, phases))
    if limit is None:
        yield Finding(socket, f"{outlet.socket!r} has one phase only, this outlet has {phases}", also=phase_paths)
    elif outlet.rated_current_a > limit:
        what = f"{outlet.rated_current_a:g} A is above the rating of {outlet.socket!r} with {phases} phase(s)"
        yield Finding((*path, "rated_current_a"), what, f"6 to {limit:g} A", also=(socket, *phase_paths))


def _cable(outlet: Outlet, path: Key) -> Iterator[Finding]:
    socket: Key = (*path, "socket")
    attached = outlet.socket.startswith("attached")
    if attached and outlet.lock:
        yield Finding((*path, "lock"), "an attached cable has no plug lock", "false", also=(socket,))
    if attached and outlet.shutter:
        yield Finding((*path, "shutter"), "an attached cable has no shutter", "false", also=(socket,))
    if outlet.input_lines.extra_breaker is not None and outlet.settings.in_1_function == "protection_devices_state":
        extra: Key = (*path, "input_lines", "extra_breaker")
        what = "does not exist with an extra breaker input, which watches the breaker whatever In-1 does"
        yield Finding((*path, "settings", "in_1_function"), what, "not_used, load_shedding", also=(extra,))
    if not attached and outlet.socket != "TE" and not has_lock(outlet):
        what = f"a {outlet.socket!r} socket without a lock would let the plug be drawn under load"
        yield Finding((*path, "lock"), what, "true", also=(socket,))


def _domestic(outlet: Outlet, path: Key) -> Iterator[Finding]:
    socket: Key = (*path, "socket")
    if not has_domestic(outlet):
        if "domestic" in outlet.model_fields_set:
            yield Finding(
                (*path, "domestic"), "there is no domestic socket that it could rule", "leave it out", also=(socket,)
            )
        return
    if outlet.shutter:
        yield Finding((*path, "shutter"), _ignored("a shutter over a domestic socket"), "false", also=(socket,))
    if outlet.socket == "TE" and outlet.lock:
        yield Finding((*path, "lock"), "a domestic socket has no plug lock", "false", also=(socket,))
    limits, where = outlet.domestic, (*path, "domestic")
    rated: Key = (*path, "rated_current_a")
    if limits.maximum_current_a > outlet.rated_current_a:
        what = f"{limits.maximum_current_a:g} A is above the outlet's rated current"
        allowed = f"6 to {outlet.rated_current_a:g} A"
        yield Finding((*where, "maximum_current_a"), what, allowed, also=(rated, socket))
    soft = limits.maximum_current_a + outlet.protection.soft_offset_a
    soft = soft * outlet.protection.soft_factor_percent / 100
    if limits.hard_current_a <= soft:
        what = f"must be above the soft limit at the domestic maximum ({soft:g} A), or a charge trips the board"
        maximum: Key = (*where, "maximum_current_a")
        protection: Key = (*path, "protection")
        also = (socket, maximum, (*protection, "soft_offset_a"), (*protection, "soft_factor_percent"))
        yield Finding((*where, "hard_current_a"), what, f"above {soft:g} A", also=also)


def _lines(outlet: Outlet, path: Key) -> Iterator[Finding]:
    used: dict[int, str] = {}
    for name in type(outlet.input_lines).model_fields:
        spec = getattr(outlet.input_lines, name)
        if spec is None:
            continue
        first = used.setdefault(spec.line, name)
        if first != name:
            also: Key = (*path, "input_lines", first, "line")
            what = f"line {spec.line} is already the one of {first}"
            yield Finding((*path, "input_lines", name, "line"), what, "each line once", also=(also,))
    yield from _installer_lines(outlet, path)


def _button(model: StationProfile) -> Iterator[Finding]:
    """The setting is the station's; the button may be at one outlet only."""
    if model.settings.front_push_button and all(outlet.input_lines.push_button is None for outlet in model.outlets):
        lines = tuple(("outlets", index, "input_lines") for index in range(len(model.outlets)))
        what = "no outlet has a push button (input_lines: {push_button: {line: 3}})"
        yield Finding(("settings", "front_push_button"), what, "false", also=lines)


def _installer_lines(outlet: Outlet, path: Key) -> Iterator[Finding]:
    """In-1 and In-2: a function needs its line, and a tripped device must be seen in time."""
    for name in ("in_1", "in_2"):
        function, line = getattr(outlet.settings, f"{name}_function"), getattr(outlet.input_lines, name)
        where: Key = (*path, "settings", f"{name}_function")
        if function != "not_used" and line is None:
            yield Finding(where, f"this outlet has no input {name}", "not_used", also=((*path, "input_lines"),))
        if function == "protection_devices_state" and line is not None and line.debounce_ms > MOST_BREAKER_DEBOUNCE_MS:
            debounce: Key = (*path, "input_lines", name, "debounce_ms")
            what = f"{line.debounce_ms:g} ms is too long for a tripped device, which opens within 100 ms"
            yield Finding(debounce, what, f"1 to {MOST_BREAKER_DEBOUNCE_MS} ms", also=(where,))


def _set_points(outlet: Outlet, path: Key) -> Iterator[Finding]:
    """EVlink guide DOCA0060: derated current up to the rated one, the limits of inputs up to the derated one."""
    rated: Key = (*path, "rated_current_a")
    derated: Key = (*path, "settings", "derated_current_a")
    most = derated_current_a(outlet)
    if most > outlet.rated_current_a:
        what = f"{most:g} A is above the rated current of outlet {outlet.number}"
        hint = "null means the rated current"
        yield Finding(derated, what, f"0 to {outlet.rated_current_a:g} A", hint, also=(rated,))
    for name in ("load_shedding_set_point_a", "temporary_limit_a"):
        value = getattr(outlet.settings, name)
        if value > most:
            what = f"{value:g} A is above the derated current"
            yield Finding((*path, "settings", name), what, f"0 to {most:g} A", also=(rated, derated))


def _times(outlet: Outlet, path: Key, model: StationProfile) -> Iterator[Finding]:
    limits, protection = outlet.protection, (*path, "protection")
    for name in ("lock", "shutter"):
        motor, motor_path = getattr(outlet.timings, name), (*path, "timings", name)
        if motor.confirm_ms < motor.pulse_ms:
            what = f"{motor.confirm_ms:g} ms is shorter than the motor pulse of {motor.pulse_ms:g} ms"
            pulse: Key = (*motor_path, "pulse_ms")
            yield Finding((*motor_path, "confirm_ms"), what, f"from {motor.pulse_ms:g} ms", also=(pulse,))
    if limits.temperature_resume_degc >= limits.temperature_derate_degc:
        what = "derating must begin above the temperature at which it ends, or the offer would toggle"
        resume: Key = (*protection, "temperature_resume_degc")
        yield Finding((*protection, "temperature_derate_degc"), what, also=(resume,))
    if limits.temperature_resume_degc >= limits.temperature_stop_degc:
        what = f"must be below temperature_stop_degc ({limits.temperature_stop_degc:g})"
        also: Key = (*protection, "temperature_stop_degc")
        yield Finding((*protection, "temperature_resume_degc"), what, also=(also,))
    soft = (outlet.rated_current_a + limits.soft_offset_a) * limits.soft_factor_percent / 100
    if limits.hard_current_a <= soft:
        what = f"must be above the soft limit at rated current ({soft:g} A), or a charge trips the board"
        others = ("soft_offset_a", "soft_factor_percent")
        yield Finding(
            (*protection, "hard_current_a"),
            what,
            f"above {soft:g} A",
            also=((*path, "rated_current_a"), *((*protection, name) for name in others)),
        )
    nominal = model.settings.phase_neutral_voltage_v
    if limits.voltage_minimum_v >= nominal:
        what = f"must be below the phase-neutral voltage ({nominal:g} V)"
        yield Finding(
            (*protection, "voltage_minimum_v"), what, also=(("settings", "phase_neutral_voltage_v"),)
        )  # fmt: skip


def _wires(model: StationProfile) -> Iterator[Finding]:
    used: dict[str, Key] = {}
    for path, wire, driven in (*outlet_wires(model), *station_wires(model)):
        where: Key = (*path, "path")
        kind: tuple[Key, ...] = ((*path, "kind"),)
        if wire.kind == "simulated":
            if wire.path:
                yield Finding(where, "a simulated wire has no path", "leave it out, or kind: serial", also=kind)
            continue
        if not wire.path.startswith("/"):
            what = f"a {wire.kind} wire needs the full path of its device file"
            yield Finding(where, what, "/dev/...", also=kind)
        elif wire.path in used and wire.kind == "serial":
            what = f"{wire.path} is already used by {_text(used[wire.path])}"
            yield Finding(where, what, "each wire once", also=(*kind, used[wire.path]))
        if wire.kind == "serial":
            used.setdefault(wire.path, where)
        if driven and wire.kind == "gpio":
            yield Finding(
                (*path, "kind"), "this version drives this device over a serial line only", "simulated, serial"
            )


def _access(model: StationProfile) -> Iterator[Finding]:
    settings, readers = model.settings, [outlet.reader is not None for outlet in model.outlets]
    where: Key = ("settings", "authentication_location")
    remote: Key = ("settings", "remote_command_required")
    if settings.authentication_location == "charging_station" and not all(readers):
        index = readers.index(False)
        what = f"outlet {model.outlets[index].number} has no RFID reader, nobody could be authorised there"
        yield Finding(where, what, "disable, remote", also=(("outlets", index, "reader"),))
    if settings.remote_command_required and any(readers):
        yield Finding(remote, "exists only for stations without RFID reader", "false")
    if settings.remote_command_required and settings.authentication_location == "disable":
        yield Finding(where, "contradicts remote_command_required", "remote", also=(remote,))
    maximum: Key = ("settings", "maximum_current_a")
    if model.family in EVLINK and settings.maximum_current_a > GUIDE_STATION_MAXIMUM_A:
        what = f"{settings.maximum_current_a:g} A is above the maximum of this family"
        yield Finding(maximum, what, f"0 to {GUIDE_STATION_MAXIMUM_A} A", also=(("family",),))
    if model.family == "city" and settings.leave_cable_connected:
        leave: Key = ("settings", "leave_cable_connected")
        yield Finding(leave, "is off and not shown on this family", "false", also=(("family",),))
    if model.family == "smart-wallbox" and not settings.leave_cable_connected:
        leave = ("settings", "leave_cable_connected")
        yield Finding(leave, "is on and not shown on this family", "true", also=(("family",),))
    if model.devices.wifi_card and model.family != "smart-wallbox":
        yield Finding(
            ("devices", "wifi_card"), "an accessory of the Smart Wallbox only", "false, or family: smart-wallbox"
        )
    if model.family == "smart-wallbox" and len(model.outlets) > 1:
        yield Finding(("outlets",), "this family has one outlet", "one entry", also=(("family",),))


def _names(model: StationProfile) -> Iterator[Finding]:
    for index, name in enumerate(model.quirks):
        if name not in QUIRKS:
            yield Finding(("quirks", index), f"there is no quirk {name!r}", ", ".join(sorted(QUIRKS)))
        elif name in model.quirks[:index]:
            yield Finding(("quirks", index), f"the quirk {name!r} stands here a second time")
    known = sorted({*StationSettings.model_fields, *OutletSettings.model_fields})
    for key, names in (("hidden_settings", model.hidden_settings), ("read_only_settings", model.read_only_settings)):
        for index, name in enumerate(names):
            if name not in known:
                yield Finding((key, index), f"there is no setting {name!r}", ", ".join(known))


def _badges(model: StationProfile) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, badge in enumerate(model.badges):
        first = seen.setdefault(badge.uid.upper(), index)
        if first != index:
            yield Finding(("badges", index, "uid"), f"the same badge as badges[{first}]", "each badge once")
    if model.settings.authentication_strategy == "reject_unknown_badges" and not model.badges:
        strategy: Key = ("settings", "authentication_strategy")
        yield Finding(
            strategy, "nobody could charge: no badge is known", "badges, or allow_all_badges", also=(("badges",),)
        )


def _panel(model: StationProfile) -> Iterator[Finding]:
    """DIP switches and display hang on the front end of the only outlet."""
    devices, banks = model.devices, model.devices.dip_banks
    for name in ("dip_banks", "display"):
        if getattr(devices, name) and len(model.outlets) > 1:
            yield Finding(
                ("devices", name), "exists on stations with one outlet only", "one outlet", also=(("outlets",),)
            )
    yield from _phase_switch(model)
    functions = [function for bank in banks for function in bank.functions]
    where: Key = ("devices", "dip_banks")
    if functions.count("current") not in (0, CURRENT_SWITCHES):
        what = f"{functions.count('current')} switches limit the current, the table has {CURRENT_SWITCHES}"
        yield Finding(where, what, f"0 or {CURRENT_SWITCHES} times current")
    if "x1_enable" in functions and model.outlets[0].input_lines.x1 is None:
        also: Key = ("outlets", 0, "input_lines")
        what = "x1_enable: there is no X1 input, so it could never release a charge"
        yield Finding(where, what, "input_lines: {x1: {line: 7}}", also=(also,))
    names = [bank.name for bank in banks]
    for index, bank in enumerate(banks):
        if bank.name in names[:index]:
            yield Finding((*where, index, "name"), f"there is a bank {bank.name!r} already", "each name once")
        if bank.simulated and len(bank.simulated) != len(bank.functions):
            what = f"{len(bank.simulated)} positions for {len(bank.functions)} switches"
            functions_path: Key = (*where, index, "functions")
            yield Finding((*where, index, "simulated"), what, "one digit for each switch", also=(functions_path,))


def _phase_switch(model: StationProfile) -> Iterator[Finding]:
    """X2 is the front end's of the only outlet, which then has three phases to switch."""
    if not model.devices.phase_switch:
        return
    where: Key = ("devices", "phase_switch")
    if not model.devices.x2:
        yield Finding(where, "there is no X2 that could drive it", "devices: {x2: true}", also=(("devices", "x2"),))
    if len(model.outlets) > 1:
        yield Finding(where, "exists on stations with one outlet only", "one outlet", also=(("outlets",),))
    elif outlet_phases(model.outlets[0], model.station.phases) == 1:
        yield Finding(where, "the outlet has one phase", "three phases", also=(("outlets", 0, "phases"),))


def _ignored(what: str) -> str:
    return f"this version does not drive {what}"


def _text(path: Iterable[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
