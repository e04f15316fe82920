"""Names of settings in a ``.conf`` file (*THØR/KEBA P30 configuration manual 120501*, figure 3-5).

A setting that the manual's extract names has that section, name and unit; every other one stands in the section
``STATION`` under its own key, as in docs/settings.md. What is true of one unit only may be taken out of a file for many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evse.records import dataclass
from evse.services.settings.charging_network import SERIALS, SLAVES
from evse.services.settings.kinds import Kind, Switch, Value, Whole

OWN_SECTION: Final = "STATION"


@dataclass(frozen=True, slots=True)
class WireName:
    """Where a setting stands and in which unit: ``factor`` of the file's numbers for one of the setting's; the file's
    number is higher by ``more``.
    """

    section: str
    name: str
    factor: int = 1
    more: int = 0


OWN_SERIAL: Final = ("CONFIGURATION", "Connect2ConnectorSerial1")
"""Where the master's own serial number stands: the network counts its stations from the master on."""
WIRE_NAMES: Final = {
    SLAVES: WireName("CONFIGURATION", "AmountConnectors", more=1),
    **{
        key: WireName("CONFIGURATION", f"Connect2ConnectorSerial{number}")
        for number, key in enumerate(SERIALS, start=2)
    },
    "ocpp.identity": WireName("CONFIGURATION", "ChargeBoxIdentity"),
    "energy.station_maximum_a": WireName("LOADMANAGEMENT", "MaxAvailableCurrent", factor=1_000),
    "meter.phase_neutral_voltage_v": WireName("LOADMANAGEMENT", "NominalVoltage"),
}
"""By the key of the setting."""
KEYS: Final = {(each.section, each.name): key for key, each in WIRE_NAMES.items()}


def wire_name(key: str) -> WireName:
    """Where the setting ``key`` stands in a file."""
    return WIRE_NAMES.get(key) or WireName(OWN_SECTION, key)


def key_of(section: str, name: str) -> str:
    """The key of the setting that stands there; empty when none does."""
    if section == OWN_SECTION:
        return "" if name in WIRE_NAMES else name
    return KEYS.get((section, name), "")


def written(key: str, value: Value) -> str:
    """A value as it stands in a file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    place = wire_name(key)
    return str(value * place.factor + place.more) if isinstance(value, int) else value


def read(key: str, kind: Kind, text: str) -> Value:
    """The value of a text in a file. Raises ``ValueError`` that says what is accepted."""
    if isinstance(kind, Switch):
        if text not in ("true", "false"):
            raise ValueError("allowed: true, false")
        return text == "true"
    if isinstance(kind, Whole):
        place = wire_name(key)
        return _whole(text, place, lambda: _range(kind, place))
    return text


def _whole(text: str, place: WireName, allowed: Callable[[], str]) -> int:
    digits = text.removeprefix("-")
    good = digits.isascii() and digits.isdigit() and len(digits) <= 12
    if not good or (int(text) - place.more) % place.factor:
        raise ValueError(f"allowed: {allowed()}")
    return (int(text) - place.more) // place.factor


def _range(kind: Whole, place: WireName) -> str:
    steps = f", in steps of {place.factor}" if place.factor > 1 else ""
    least, most = (each * place.factor + place.more for each in (kind.minimum, kind.maximum))
    return f"a whole number {least}…{most}{steps}"
