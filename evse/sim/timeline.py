"""The trace for people: time, outlet, what happened, in the words of the standard and of the EVlink guide."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from evse.sim.quantities import name_without_unit, time_text, unit_of_name
from evse.sim.trace import Plain, TraceEntry
from hal.world.verbs import VERBS

_Data = Mapping[str, Plain]


def timeline_line(entry: TraceEntry) -> str | None:
    """One line of the timeline, ``None`` for what only machines want to see (frames, acknowledgements)."""
    if entry.type in _SILENT:
        return None
    describe = _WORDS.get(entry.type)
    text = describe(entry.data) if describe is not None else _anything(entry.type, entry.data)
    return f"{time_text(entry.t_us):>13}  {entry.source:<10}  {text}"


def _anything(kind: str, data: _Data) -> str:
    return f"{kind} {_pairs(data)}".rstrip()


def _pairs(data: _Data) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in data.items())


def _value(value: Plain) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pilot(data: _Data) -> str:
    duty, offered = int(str(data["duty_bp"])), int(str(data["offered_ma"]))
    if data["mode"] != "PWM":
        return f"pilot driven {data['mode']}"
    return f"pilot driven PWM {duty / 100:.2f} %, {offered / 1000:g} A offered"


def _permission(data: _Data) -> str:
    if data["permitted"]:
        return "contactor may be held"
    return f"contactor may not be held: {_value(data['reasons'])}"


def _place(data: _Data) -> str:
    where = data.get("where")
    return f" at {_value(where)}" if where else ""


_PARAMS: Final = {verb.name: {param.name: param for param in verb.params} for verb in VERBS}
_FEW: Final = 4


def _verb(data: _Data) -> str:
    """The verb and its parameters with their units; of a long list, and of switches that are off, only what is not the default."""
    known = _PARAMS.get(str(data["name"]), {})
    shown: dict[str, Plain] = {"outlet": data["outlet"]} if "outlet" in data else {}
    for name, value in data.items():
        param = known.get(name)
        usual = param is not None and param.name != "outlet" and value == param.default
        if name == "name" or (usual and (value is False or len(known) > _FEW)):
            continue
        bare = param is not None and param.unit and isinstance(value, (int, float)) and not isinstance(value, bool)
        shown[name] = f"{value:g} {param.unit}" if param is not None and bare else value
    return _anything(str(data["name"]), shown)


def _command(data: _Data) -> str:
    """The command and its fields as a scenario writes them: the unit stands with the value."""
    shown: dict[str, Plain] = {}
    for name, value in data.items():
        unit = unit_of_name(name)
        if name != "name":
            text = _with_units(f"{value} {unit}") if unit != "us" else f"{int(str(value)) / 1_000_000:g} s"
            shown[name_without_unit(name)] = text if unit and isinstance(value, int) else value
    return _anything(str(data["name"]), shown)


def _with_units(text: str) -> str:
    """Milliamperes as amperes, instants of control's clock as the timeline writes them."""
    text = re.sub(r"\b(\d+) mA\b", lambda found: f"{int(found[1]) / 1000:g} A", text)
    return re.sub(r"\b(\d+) us\b", lambda found: time_text(int(found[1])), text)


_WORDS: Final[Mapping[str, Callable[[_Data], str]]] = {
    "EvStateChanged": lambda d: f"EV State {d['state']} (was {d['previous']})",
    "CableChanged": lambda d: f"Cable State {d['state']}",
    "OutletStatusChanged": lambda d: f"Outlet Status {d['status']} (by {d['trigger']})",
    "OutletError": lambda d: f"OutletStatusLastError {d['error']} ({d['error_class']})",
    "PilotDriven": _pilot,
    "ContactorPermitted": _permission,
    "ContactorMoved": lambda d: "contactor closed" if d["closed"] else "contactor open",
    "DomesticPlugMoved": lambda d: "domestic plug in" if d["plugged"] else "domestic plug out",
    "DomesticPermitted": lambda d: f"domestic {_permission(d)}",
    "DomesticContactorMoved": lambda d: "domestic contactor closed" if d["closed"] else "domestic contactor open",
    "LockMoved": lambda d: f"lock {d['feedback']}",
    "ShutterMoved": lambda d: f"shutter {d['feedback']}",
    "InputChanged": lambda d: f"input {d['function']} {'active' if d['active'] else 'inactive'}",
    "DipSwitchesRead": lambda d: (
        f"DIP switches {d['positions']}{', pending until the next start' if d['pending'] else ''}"
    ),
    "CardsErased": lambda d: "all RFID cards are to be erased",
    "MasterCardTaught": lambda d: f"card {d['uid']} taught as master",
    "RestartRequested": lambda d: f"control restarts ({d['cause']})",
    "PhasesDetected": lambda d: f"vehicle draws from {d['phases']} phase(s)",
    "PhasesSwitched": lambda d: f"phase switch at {d['phases']} phase(s)",
    "WakeUpStarted": lambda d: "wake-up of the vehicle: pilot to F",
    "FaultRaised": lambda d: f"fault {d['fault']}{_place(d)} ({d['reaction']}{', latched' if d['latched'] else ''})",
    "FaultCleared": lambda d: f"fault {d['fault']} over",
    "OrdersChanged": lambda d: f"orders in force: {_with_units(_value(d['orders']))}",
    "AuthorisationRequested": lambda d: f"authorisation asked for {d['uid'] or 'free access'} ({d['purpose']})",
    "SessionOpened": lambda d: f"session {d['session_id']} opened for {d['uid'] or 'anybody'} ({d['authorised_by']})",
    "TransactionStarted": lambda d: f"transaction of session {d['session_id']} started at {d['register_wh']} Wh",
    "EnergyCheckpoint": lambda d: f"session {d['session_id']} has {d['energy_wh']} Wh",
    "SessionClosed": lambda d: (
        f"session {d['session_id']} closed: {d['reason']}, {d['energy_wh']} Wh, {d['charge_type']}, "
        f"{time_text(int(str(d['duration_us'])))}"
    ),
    "ConfigurationActive": lambda d: f"configuration {d['version']} active",
    "verb": lambda d: f"> {_verb(d)}",
    "command": lambda d: f"> {_command(d)}",
    "passed": lambda d: f"ok: {d['what']}",
    "failure": lambda d: f"FAILED {d['place']}: expected {d['expected']}; was {d['actual']}",
    "violation": lambda d: f"VIOLATION {d['invariant']}: {d['what']}",
}
_SILENT: Final = frozenset({"CommandDone", "boot", "cycle", "frame", "lost", "taken", "elided", "aside"})
