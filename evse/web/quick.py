"""The verbs a person wants first, as big buttons, in the order of a charge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from evse.web.ports import ParamValue


@dataclass(frozen=True, slots=True)
class QuickAction:
    """One big button: its verb, its words, its picture in ``icons.svg``, and parameters beside the defaults."""

    verb: str
    label: str
    icon: str
    params: Mapping[str, ParamValue] = field(default_factory=dict)

    @property
    def params_json(self) -> str:
        """The parameters as the page's script reads them."""
        return json.dumps(dict(self.params))


QUICK: tuple[QuickAction, ...] = (
    QuickAction("plug_in", "Plug a car", "plug"),
    QuickAction("present_card", "Hold a badge", "badge", {"hold": 1}),
    QuickAction("vehicle_stop", "Car stops charging", "pause"),
    QuickAction("vehicle_ready", "Car wants energy", "play"),
    QuickAction("unplug", "Unplug", "unplug"),
    QuickAction("present_card", "Another badge", "badge", {"hold": 1, "uid": "0BADCAFE"}),
    QuickAction("cut_power", "Power cut, 10 s", "bolt", {"duration": 10}),
    QuickAction("short_diode", "Short the diode", "warn"),
)

GROUPS: Mapping[str, str] = {
    "process": "Processes and disk",
    "user": "People and plugs",
    "vehicle": "Vehicle",
    "cable": "Cable",
    "station": "Inside the station",
    "grid": "Grid",
    "fault": "Faults",
}
"""Headings of the groups a table of verbs uses; a group that is not here shows its own name."""
