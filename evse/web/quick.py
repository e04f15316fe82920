"""The verbs a person wants first, as big buttons, in the order of a charge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from evse.web.ports import ParamValue


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

    @property
    def params_json(self) -> str:
        """The parameters as the page's script reads them."""
        return json.dumps(dict(self.params))


QUICK: tuple[QuickAction, ...] = (
    QuickAction("plug_in", "Plug a car", "plug"),
    QuickAction("present_card", "Hold a badge", "badge", {"hold": 1}, needs="reader"),
    QuickAction("press_button", "Press the button", "button", needs="push_button"),
    QuickAction("turn_key", "Turn the key", "key", {"to": "locked"}, needs="key_lock"),
    QuickAction("turn_key", "Turn it back", "key", {"to": "unlocked"}, needs="key_lock"),
    QuickAction("vehicle_stop", "Car stops charging", "pause"),
    QuickAction("vehicle_ready", "Car wants energy", "play"),
    QuickAction("unplug", "Unplug", "unplug"),
    QuickAction("present_card", "Another badge", "badge", {"hold": 1, "uid": "0BADCAFE"}, needs="reader"),
    QuickAction("cut_power", "Power cut, 10 s", "bolt", {"duration": 10}),
    QuickAction("short_diode", "Short the diode", "warn"),
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
    "Vehicle": ("vehicle_ready", "vehicle_stop", "set_vehicle", "set_demand", "pulse_s2", "overdraw"),
    "Cable and plug": ("plug_in", "unplug", "change_proximity"),
    "User and badge": ("present_card", "remove_card", "turn_key", "press_button", "press_service_button"),
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
        "power_cut",
        "brown_out",
        "dim_supply",
        "trip_breaker",
        "reset_breaker",
        "set_input",
        "stick_input",
        "bounce_input",
        "set_x1",
        "set_dip",
    ),
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
    "Wires and processes": ("cut_line", "reset_front_end", "freeze_front_end", "cut_front_end", "freeze_reader"),
}
"""Where a person looks for a verb, in the order of a charge; the processes' own verbs follow under their group."""
