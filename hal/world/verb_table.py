"""Every verb of the world, as data. ``hal.world.verb_actions`` says what each does; docs/world.md lists them."""

from __future__ import annotations

from typing import Final

from hal.world.cable import CODING_OHM
from hal.world.contactor import MirrorFault
from hal.world.contacts import ContactKind
from hal.world.shutter import ShutterFeedbackFault, ShutterJam
from hal.world.socket import Jam, LockFeedbackFault
from hal.world.vehicle_params import VEHICLE_PARAMS
from hal.world.verb_domestic import DOMESTIC_VERBS
from hal.world.verb_meter import HOUSE_VERBS, METER_VERBS
from hal.world.verb_phases import PHASE_VERBS
from hal.world.verb_spec import HEAL, OUTLET, Verb, VerbParam
from hal.world.verb_wifi import WIFI_VERBS

DEMO_UID: Final = "04A1B2C3D4E5F6"


def _choice(name: str, text: str, default: str, choices: tuple[str, ...]) -> VerbParam:
    return VerbParam(name, "choice", text, default=default, choices=choices)


def _verb(group: str, name: str, text: str, *params: VerbParam, healed_by: str = "") -> Verb:
    return Verb(name, group, text, (OUTLET, *params), healed_by)


def _fault(group: str, name: str, text: str, *params: VerbParam) -> Verb:
    """Return a verb that lasts until it is called again with ``heal``."""
    return Verb(name, group, text, (OUTLET, *params, HEAL), "heal")


_ENDS: Final = ("both", "station", "vehicle")

_USER: Final = (
    _verb(
        "user",
        "plug_in",
        "plug a cable in: the station's end first, then the vehicle's",
        _choice("end", "which end", "both", _ENDS),
        _choice(
            "cable", "its rating, when no end of it is plugged in yet", "32 A", tuple(f"{a} A" for a in CODING_OHM)
        ),
        _choice("vehicle", "same: the last one as it was, options do not matter", "new", ("new", "same")),
        *VEHICLE_PARAMS,
        healed_by="unplug",
    ),
    _verb(
        "user",
        "unplug",
        "pull the plug: the vehicle's end first, then the station's",
        _choice("end", "which end", "both", _ENDS),
        VerbParam("pull_under_load", "bool", "pull although current flows", default=False),
        healed_by="plug_in",
    ),
    _verb(
        "user",
        "present_card",
        "hold a card to the outlet's reader",
        VerbParam("uid", "text", "4, 7, 8 or 10 bytes in hexadecimal", default=DEMO_UID, minimum=8, maximum=20),
        VerbParam("hold", "number", "take it away after this time; 0: it stays", "s", 0, 0, 3600),
        healed_by="remove_card",
    ),
    _verb(
        "user",
        "remove_card",
        "take a card away from the reader",
        VerbParam("uid", "text", "which card; empty: every card", default="", minimum=0, maximum=20),
    ),
    _verb(
        "user",
        "turn_key",
        "turn the station's key (Smart Wallbox with key)",
        _choice("to", "its new position", "locked", ("locked", "unlocked")),
        healed_by="turn_key to: unlocked",
    ),
    _verb(
        "user",
        "press_button",
        "press the front push button (Smart Wallbox)",
        VerbParam("hold", "number", "let go after this time", "ms", 300, 1, 600_000),
    ),
)

_VEHICLE: Final = (
    _verb("vehicle", "vehicle_ready", "the vehicle wants energy", healed_by="vehicle_stop"),
    _verb(
        "vehicle", "vehicle_stop", "the vehicle ends its charge: less current, then S2 opens", healed_by="vehicle_ready"
    ),
    _verb(
        "vehicle",
        "set_vehicle",
        "change one setting of the plugged vehicle",
        VerbParam("setting", "choice", "an option of plug_in", choices=tuple(param.name for param in VEHICLE_PARAMS)),
        VerbParam("value", "text", "its new value, with or without unit", minimum=1, maximum=20),
    ),
    _verb(
        "vehicle",
        "pulse_s2",
        "signal by short C pulses without charging (sequence 11)",
        VerbParam("count", "int", "number of pulses", "", 2, 1, 3),
        VerbParam("width", "number", "length of a pulse and of the pause", "ms", 250, 10, 1000),
    ),
    _fault(
        "vehicle",
        "overdraw",
        "the vehicle draws more than it may",
        VerbParam("current", "number", "per phase above what is permitted", "A", 5, 0, 100),
    ),
)

_CABLE: Final = (
    _fault(
        "cable",
        "change_proximity",
        "the cable's coding resistor is another than printed on it",
        _choice("to", "what is measured", "open", ("open", "short", "resistance")),
        VerbParam("resistance", "int", "for `to: resistance`", "ohm", 220, 0, 1_000_000),
    ),
)

_LINE: Final = VerbParam("line", "int", "number of the line", default=1, minimum=1, maximum=8)

_STATION: Final = (
    _verb(
        "station",
        "set_input",
        "open or close a contact at a numbered input line",
        _LINE,
        VerbParam("closed", "bool", "contact closed", default=True),
        healed_by="set_input closed: false",
    ),
    _fault(
        "station",
        "stick_input",
        "an input line no longer follows its contact: its wires touch, or one is broken",
        _LINE,
        _choice("at", "what the line says for good", "open", ("open", "closed")),
    ),
    _fault(
        "station",
        "bounce_input",
        "the contact of an input line chatters",
        _LINE,
        VerbParam("period", "number", "time the other way, then time as it is", "ms", 10, 1, 1000),
        VerbParam("duration", "number", "how long in all", "ms", 200, 1, 60_000),
    ),
    _verb(
        "station",
        "heat",
        "bring the outlet to another temperature",
        VerbParam("temperature", "number", "temperature to reach", "°C", 85, -40, 150),
        VerbParam("over", "number", "time to get there; 0: at once", "s", 0, 0, 86_400),
        healed_by="heat temperature: 25",
    ),
    _fault("station", "break_temperature_sensor", "the outlet's temperature sensor is broken"),
    _verb("station", "reset_front_end", "press the front end's reset"),
    _fault("station", "freeze_front_end", "the front end's program hangs, its outputs stay"),
    _fault("station", "cut_front_end", "the 12 V rail is cut: front end and reader lose their supply, the feed stays"),
    _fault("station", "freeze_reader", "the card reader hangs"),
    _fault(
        "station",
        "cut_line",
        "a serial line is unplugged",
        _choice("to", "whose", "front_end", ("front_end", "reader", "meter")),
    ),
    _verb(
        "station",
        "set_dip",
        "move a DIP switch (THØR); it counts from the next start",
        VerbParam("bank", "int", "number of the bank: 1 = DSW1", default=1, minimum=1, maximum=4),
        VerbParam("switch", "int", "number of the switch", minimum=1, maximum=8),
        VerbParam("on", "bool", "where to", default=True),
        healed_by="set_dip on: false",
    ),
    _verb(
        "station",
        "press_service_button",
        "hold the service button (THØR): 1 to 10 s restarts, longer erases all cards too",
        VerbParam("hold", "number", "for how long", "s", 2, 0, 60),
    ),
    _verb(
        "station",
        "set_x1",
        "open or close the contact at the enable input X1 (THØR)",
        VerbParam("closed", "bool", "contact closed", default=True),
        healed_by="set_x1 closed: false",
    ),
    _verb("station", "reset_residual", "reset the residual-current detector by hand"),
)

_GRID: Final = (
    _verb("grid", "trip_breaker", "the outlet's breaker trips", healed_by="reset_breaker"),
    _verb("grid", "reset_breaker", "switch the outlet's breaker on", healed_by="trip_breaker"),
    Verb(
        "cut_power",
        "grid",
        "the station loses the grid",
        (
            VerbParam(
                "duration", "number", "it comes back after this time; 0: only by restore_power", "s", 0, 0, 86_400
            ),
        ),
        healed_by="restore_power",
    ),
    Verb("restore_power", "grid", "the grid comes back", healed_by="cut_power"),
    Verb(
        "brown_out",
        "grid",
        "the grid's voltage changes; below 85 V on L1 the station goes dark",
        (
            VerbParam("voltage", "number", "phase voltage", "V", 150, 0, 300),
            _choice("phase", "which phase", "all", ("all", "L1", "L2", "L3")),
            HEAL,
        ),
        "heal",
    ),
    Verb(
        "move_board_cable",
        "station",
        "the cable between the boards of two outlets goes out of the second Ethernet port",
        (HEAL,),
        "heal",
    ),
    _fault(
        "grid",
        "dim_supply",
        "the front end's 12 V rail sags",
        VerbParam("voltage", "number", "voltage of the rail", "V", 9, 0, 20),
    ),
)

_PILOT_FAULTS: Final = (
    _fault(
        "fault",
        "short_pilot",
        "the pilot touches protective earth",
        VerbParam("resistance", "int", "of the short", "ohm", 80, 0, 100_000),
        _choice("where", "in front of the vehicle's diode or behind it", "line", ("line", "behind_diode")),
    ),
    _fault(
        "fault",
        "feed_pilot",
        "a foreign voltage gets onto the pilot",
        VerbParam("voltage", "number", "against protective earth", "V", 24, -30, 30),
        VerbParam("resistance", "int", "through this", "ohm", 100, 1, 1_000_000),
    ),
    _fault("fault", "open_pilot", "the pilot core is broken"),
    _fault("fault", "open_earth", "protective earth is broken: the pilot loop opens"),
    _fault("fault", "short_diode", "the vehicle's pilot diode conducts both ways"),
    _fault("fault", "break_diode", "the vehicle's pilot diode is open"),
    _fault(
        "fault",
        "bounce_pilot",
        "a loose pilot contact opens and closes",
        VerbParam("period", "number", "time open, then time closed", "ms", 20, 1, 1000),
        VerbParam("duration", "number", "how long in all", "ms", 300, 1, 60_000),
    ),
    _fault(
        "fault",
        "drift_pilot",
        "the generator's amplitude drifts",
        VerbParam("positive", "number", "open-circuit positive level", "V", 12, 0, 20),
        VerbParam("negative", "number", "open-circuit negative level", "V", -12, -20, 0),
    ),
    _fault(
        "fault",
        "detune_pilot",
        "the generator's frequency or duty cycle is off",
        VerbParam("frequency", "number", "real frequency", "Hz", 1000, 1, 10_000),
        VerbParam("duty_error", "number", "added to the duty cycle", "%", 0, -50, 50),
    ),
    _fault(
        "fault",
        "set_pilot_load",
        "the vehicle's pilot resistors are others",
        VerbParam("r2", "int", "state B", "ohm", 2740, 1, 1_000_000),
        VerbParam("r3", "int", "parallel to it in state C", "ohm", 1300, 1, 1_000_000),
        VerbParam("r3_ventilation", "int", "parallel to it in state D", "ohm", 270, 1, 1_000_000),
    ),
    _fault("fault", "stick_generator", "the pilot generator ignores its orders"),
)

_CONTACTOR_FAULTS: Final = (
    _fault("fault", "weld_contactor", "the contacts weld: at once when closed, else at the next closing"),
    _fault("fault", "contactor_fails_to_close", "the coil moves nothing"),
    _fault("fault", "break_coil", "the contactor's coil breaks: a closed contact drops out"),
    _fault(
        "fault",
        "delay_contactor",
        "the contactor is slow",
        VerbParam("closing", "number", "from coil on to contacts closed", "ms", 20, 1, 60_000),
        VerbParam("opening", "number", "from coil off to contacts open", "ms", 15, 1, 60_000),
    ),
    _fault(
        "fault",
        "chatter_contactor",
        "the contacts break and make again after closing",
        VerbParam("count", "int", "how often", "", 3, 1, 100),
        VerbParam("period", "number", "of one break and make", "ms", 10, 2, 1000),
    ),
    _fault(
        "fault",
        "mirror_fault",
        "the mirror contact lies",
        _choice(
            "kind", "what it says", "stuck_open", tuple(kind.value for kind in MirrorFault if kind.value != "none")
        ),
    ),
)

_OTHER_FAULTS: Final = (
    _fault(
        "fault",
        "jam_lock",
        "the lock jams",
        _choice("where", "it cannot leave this position", "unlocked", tuple(j.value for j in Jam if j.value != "none")),
    ),
    _fault(
        "fault",
        "lock_feedback_fault",
        "the lock's end switches lie",
        _choice("kind", "what they say", "lost", tuple(k.value for k in LockFeedbackFault if k.value != "none")),
    ),
    _fault("fault", "drain_lock_reserve", "the reserve that opens the lock without supply is empty"),
    _verb("fault", "force_lock_open", "somebody pushes the bolt back by hand"),
    _fault(
        "fault",
        "jam_shutter",
        "the shutter jams (City)",
        _choice(
            "where",
            "it cannot leave this position",
            "closed",
            tuple(jam.value for jam in ShutterJam if jam.value != "none"),
        ),
    ),
    _fault(
        "fault",
        "shutter_feedback_fault",
        "the shutter's end switches lie (City)",
        _choice("kind", "what they say", "lost", tuple(k.value for k in ShutterFeedbackFault if k.value != "none")),
    ),
    _verb("fault", "force_shutter_open", "somebody pushes the shutter open by hand (City)"),
    _verb(
        "fault",
        "trip_residual",
        "the residual-current detector trips",
        _choice("kind", "30 mA AC or 6 mA DC", "ac", ("ac", "dc")),
        healed_by="reset_residual",
    ),
    _fault(
        "fault",
        "leak",
        "the vehicle leaks current to earth while it is live",
        _choice("kind", "AC trips from 30 mA on, DC from 6 mA", "dc", ("ac", "dc")),
        VerbParam("current", "number", "fault current", "mA", 50, 0, 1000),
    ),
    _fault("fault", "fail_self_test", "the detector's self test fails"),
)

SHUTTER_VERBS: Final = ("jam_shutter", "shutter_feedback_fault", "force_shutter_open")
"""Verbs that only an outlet with a shutter knows."""
DEVICE_VERBS: Final = {
    "turn_key": ContactKind.KEY,
    "press_button": ContactKind.BUTTON,
    "press_service_button": ContactKind.SERVICE_BUTTON,
    "set_x1": ContactKind.X1,
}
"""Verbs that only an outlet with this device on an input line knows."""
DIP_VERBS: Final = ("set_dip",)
"""Verbs that only an outlet with DIP switches knows."""

VERBS: Final[tuple[Verb, ...]] = (
    *_USER,
    *_VEHICLE,
    *_CABLE,
    *_STATION,
    *_GRID,
    *_PILOT_FAULTS,
    *_CONTACTOR_FAULTS,
    *_OTHER_FAULTS,
    *DOMESTIC_VERBS,
    *PHASE_VERBS,
    *METER_VERBS,
    *HOUSE_VERBS,
    *WIFI_VERBS,
)
"""Every verb, in the order to show it."""
