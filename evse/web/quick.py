"""The verbs a person wants first, as big buttons, in the order of a charge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field

from evse.records import dataclass
from evse.web.world_port import ParamValue


@dataclass(frozen=True, slots=True)
class QuickAction:
    """One big button: its verb, its words, its picture in ``icons.html``, and parameters beside the defaults.

    ``needs``: the device without which it makes no sense; empty for none.
    """

    verb: str
    label: str
    icon: str
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    needs: str = ""
    when: str = ""
    """What the outlet waits for when this is the likely next thing to do: ``plug``, ``badge``, ``stop``, ``unplug``, ``key``; empty for never."""

    @property
    def params_json(self) -> str:
        """The parameters as the page's script reads them."""
        return json.dumps(dict(self.params))


QUICK: tuple[QuickAction, ...] = (
    QuickAction("plug_in", "Plug a car", "plug", needs="pilot", when="plug"),
    QuickAction("plug_in_domestic", "Plug an appliance", "plug", needs="domestic", when="plug"),
    QuickAction("present_card", "Hold a badge", "badge", {"hold": 1}, needs="reader", when="badge"),
    QuickAction("press_button", "Press the button", "button", needs="push_button"),
    QuickAction("turn_key", "Turn the key", "key", {"to": "locked"}, needs="key_lock"),
    QuickAction("turn_key", "Turn it back", "key", {"to": "unlocked"}, needs="key_lock", when="key"),
    QuickAction("vehicle_stop", "Car stops charging", "pause", needs="pilot", when="stop"),
    QuickAction("vehicle_ready", "Car wants energy", "play", needs="pilot"),
    QuickAction("unplug", "Unplug", "unplug", needs="pilot", when="unplug"),
    QuickAction("unplug_domestic", "Unplug appliance", "unplug", needs="domestic", when="unplug-domestic"),
    QuickAction("present_card", "Another badge", "badge", {"hold": 1, "uid": "0BADCAFE"}, needs="reader"),
    QuickAction("cut_power", "Power cut, 10\u00a0s", "bolt", {"duration": 10}),
    QuickAction("trip_residual", "Trip the RCD", "warn"),
    QuickAction("reset_residual", "Reset the RCD", "reset"),
)

GROUPS: Mapping[str, str] = {
    "process": "Wires and processes",
    "user": "User and badge",
    "vehicle": "Vehicle",
    "cable": "Cable and plug",
    "station": "Outlet mechanics",
    "grid": "Supply and inputs",
    "fault": "Other faults",
}
"""Headings of the groups a table of verbs uses; a group that is not here shows its own name."""

PLACES: Mapping[str, tuple[str, ...]] = {
    "Vehicle": ("vehicle_ready", "vehicle_stop", "set_vehicle", "pulse_s2", "overdraw"),
    "Cable and plug": ("plug_in", "unplug", "change_proximity"),
    "User and badge": ("present_card", "remove_card", "turn_key", "press_button", "press_service_button"),
    "Domestic socket": (
        "plug_in_domestic",
        "unplug_domestic",
        "set_domestic_load",
        "overdraw_domestic",
        "weld_domestic",
        "domestic_fails_to_close",
        "domestic_mirror_fault",
        "plug_switch_fault",
    ),
    "Outlet mechanics": (
        "jam_lock",
        "lock_feedback_fault",
        "drain_lock_reserve",
        "force_lock_open",
        "jam_shutter",
        "shutter_feedback_fault",
        "force_shutter_open",
        "weld_contactor",
        "contactor_fails_to_close",
        "break_coil",
        "delay_contactor",
        "chatter_contactor",
        "mirror_fault",
        "heat",
        "break_temperature_sensor",
    ),
    "Supply and inputs": (
        "cut_power",
        "restore_power",
        "brown_out",
        "dim_supply",
        "trip_breaker",
        "reset_breaker",
        "set_input",
        "stick_input",
        "bounce_input",
        "set_x1",
        "set_dip",
        "phase_switch_sticks",
    ),
    "Wi-Fi": ("set_access_point", "remove_access_point", "refuse_wifi", "unplug_wifi_card"),
    "Pilot faults": (
        "short_diode",
        "break_diode",
        "short_pilot",
        "feed_pilot",
        "open_pilot",
        "open_earth",
        "bounce_pilot",
        "drift_pilot",
        "detune_pilot",
        "set_pilot_load",
        "stick_generator",
    ),
    "Residual current": ("trip_residual", "leak", "fail_self_test", "reset_residual"),
    "Wires and processes": (
        "cut_line",
        "move_board_cable",
        "reset_front_end",
        "freeze_front_end",
        "cut_front_end",
        "freeze_reader",
    ),
}
"""Where a person looks for a verb, in the order of a charge; the processes' own verbs follow under their group."""

NEEDS: Mapping[str, str] = {
    **dict.fromkeys(PLACES["Domestic socket"], "domestic"),
    **dict.fromkeys((*PLACES["Vehicle"], *PLACES["Cable and plug"], *PLACES["Pilot faults"]), "pilot"),
    **dict.fromkeys(("jam_shutter", "shutter_feedback_fault", "force_shutter_open"), "shutter"),
    **dict.fromkeys(("jam_lock", "lock_feedback_fault", "drain_lock_reserve", "force_lock_open"), "lock"),
    **dict.fromkeys(("present_card", "remove_card", "freeze_reader"), "reader"),
    "press_button": "push_button",
    "turn_key": "key_lock",
    "set_dip": "dip",
    "phase_switch_sticks": "phase_switch",
    "set_x1": "x1",
    "press_service_button": "service_button",
}
"""Verbs that only some boards have a device for; the page leaves them out of others."""
