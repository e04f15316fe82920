"""Rules between the keys of a profile, and the devices that must not be declared while this version ignores them.

A finding names every path it depends on, so that a rule is silent when one of them is already reported as wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from boards.quirks import QUIRKS
from boards.schema import Outlet, OutletSettings, StationProfile, StationSettings, Wire
from boards.yaml_source import Key

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

GUIDE_STATION_MAXIMUM_A = 64
"""EVlink guide DOCA0060: `Charging station maximum current` is 0 to 64 A."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule. ``path``: where it is reported; ``also``: what else it depends on."""

    path: Key
    what: str
    allowed: str = ""
    hint: str = ""
    also: tuple[Key, ...] = ()


def check_rules(model: StationProfile) -> list[Finding]:
    """Every broken rule of a profile whose single keys are right."""
    findings: list[Finding] = []
    for index, outlet in enumerate(model.outlets):
        path: Key = ("outlets", index)
        findings += _ratings(outlet, path, model.station.phases)
        findings += _cable(outlet, path)
        findings += _domestic(outlet, path)
        findings += _times(outlet, path, model)
        findings += _not_driven_outlet(outlet, path)
    findings += _numbers(model)
    findings += _wires(model)
    findings += _access(model)
    findings += _names(model)
    findings += _badges(model)
    findings += _not_driven_station(model)
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


def outlet_wires(model: StationProfile) -> Iterator[tuple[Key, Wire, bool]]:
    """Every wire of the outlets with its path, and whether this version drives it."""
    for index, outlet in enumerate(model.outlets):
        path: Key = ("outlets", index)
        yield (*path, "front_end", "wire"), outlet.front_end.wire, True
        if outlet.reader is not None:
            yield (*path, "reader", "wire"), outlet.reader.wire, True


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
    if outlet.extra_breaker_input and outlet.settings.in_1_function == "protection_devices_state":
        extra: Key = (*path, "extra_breaker_input")
        what = "does not exist with an extra breaker input, which watches the breaker whatever In-1 does"
        yield Finding((*path, "settings", "in_1_function"), what, "not_used, load_shedding", also=(extra,))
    if not attached and outlet.socket != "TE" and not has_lock(outlet):
        what = f"a {outlet.socket!r} socket without a lock would let the plug be drawn under load"
        yield Finding((*path, "lock"), what, "true", also=(socket,))


def _domestic(outlet: Outlet, path: Key) -> Iterator[Finding]:
    if not has_domestic(outlet):
        return
    socket: Key = (*path, "socket")
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


def _times(outlet: Outlet, path: Key, model: StationProfile) -> Iterator[Finding]:
    limits, protection = outlet.protection, (*path, "protection")
    for name in ("lock", "shutter"):
        motor, motor_path = getattr(outlet.timings, name), (*path, "timings", name)
        if motor.confirm_ms < motor.pulse_ms:
            what = f"{motor.confirm_ms:g} ms is shorter than the motor pulse of {motor.pulse_ms:g} ms"
            pulse: Key = (*motor_path, "pulse_ms")
            yield Finding((*motor_path, "confirm_ms"), what, f"from {motor.pulse_ms:g} ms", also=(pulse,))
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
    if model.family in ("city", "parking") and settings.maximum_current_a > GUIDE_STATION_MAXIMUM_A:
        what = f"{settings.maximum_current_a:g} A is above the maximum of this family"
        yield Finding(maximum, what, f"0 to {GUIDE_STATION_MAXIMUM_A} A", also=(("family",),))
    if model.family == "city" and settings.leave_cable_connected:
        leave: Key = ("settings", "leave_cable_connected")
        yield Finding(leave, "is off and not shown on this family", "false", also=(("family",),))


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


def _not_driven_outlet(outlet: Outlet, path: Key) -> Iterator[Finding]:
    """What would be dangerous to accept and then to ignore."""
    settings, setting = outlet.settings, (*path, "settings")
    for key in ("in_1_function", "in_2_function"):
        if getattr(settings, key) != "not_used":
            yield Finding((*setting, key), _ignored("this input"), "not_used")
    for key in ("delayed_start_input", "current_limit_input"):
        if getattr(outlet, key):
            yield Finding((*path, key), _ignored("this input: it would not hold anything back"), "false")
    derated = settings.derated_current_a
    if derated is not None and derated < outlet.rated_current_a:
        hint = "lower rated_current_a instead"
        rated: Key = (*path, "rated_current_a")
        yield Finding((*setting, "derated_current_a"), _ignored("derating"), "the rated current", hint, (rated,))


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


def _not_driven_station(model: StationProfile) -> Iterator[Finding]:
    devices = model.devices
    if devices.key_lock is not None:
        yield Finding(("devices", "key_lock"), _ignored("a key lock: a locked station could be used"), "null")
    if devices.x1 is not None:
        yield Finding(("devices", "x1"), _ignored("the X1 enable input: it would not hold anything back"), "null")
    for index, bank in enumerate(devices.dip_banks):
        if bank.limits_current:
            where: Key = ("devices", "dip_banks", index, "limits_current")
            yield Finding(where, _ignored("DIP switches: their current limit would not hold"), "false")
    if model.settings.front_push_button:
        yield Finding(("settings", "front_push_button"), _ignored("the button: it would not stop a charge"), "false")


def _ignored(what: str) -> str:
    return f"this version does not drive {what}"


def _text(path: Iterable[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
