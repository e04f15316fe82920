"""Settings of the sub-tab Operating mode: the stations of a THØR charging network, set at its master.

*THØR/KEBA P30 configuration manual 120501*, 3.4.3 and 4.1 (`Operating Mode`): only an x-series can be the master, a c-series
its slaves, at most 15. Where the manual gives no range or factory value they are ours.
"""

from __future__ import annotations

import re
from typing import Final

from evse.services.settings.kinds import GRAMMARS, Choice, Grammar, Label, Option, Text, Whole, is_address
from evse.services.settings.model import Boards, Setting, ShownIf, Values
from evse.services.settings.tabs import OPERATING_MODE

SLAVES_LIMIT: Final = 15
"""Slaves of one master at most."""
MODE: Final = "charging_network.mode"
SLAVES: Final = "charging_network.slaves"
SERIALS: Final = tuple(f"charging_network.slave_{number}_serial" for number in range(1, SLAVES_LIMIT + 1))
_SERIAL: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})(?:@([0-9.]+)(?::([0-9]{1,5}))?)?")
_MASTERS: Final = Boards(charging_network="master")
_MASTER: Final = ShownIf(MODE, ("master",))


def named_slave(text: str) -> tuple[str, str, int] | None:
    """Serial number, address and port of a slave as it is named in a setting: ``SERIAL``, ``SERIAL@a.b.c.d`` or
    ``SERIAL@a.b.c.d:port``. Without an address that is empty, without a port it is 0; ``None`` for every other text.
    """
    match = _SERIAL.fullmatch(text)
    if match is None:
        return None
    serial, address, port = match[1], match[2] or "", int(match[3] or 0)
    if (address and not is_address(address)) or (match[3] and not 1 <= port <= 65_535):
        return None
    return serial, address, port


GRAMMARS["slave"] = Grammar(
    Label(
        "a serial number; where search finds nobody with its address SERIAL@a.b.c.d or SERIAL@a.b.c.d:port",
        "un numéro de série ; si la recherche ne trouve rien, avec son adresse SÉRIE@a.b.c.d ou SÉRIE@a.b.c.d:port",
    ),
    lambda text: named_slave(text) is not None,
)


def is_master(values: Values) -> bool:
    """Whether a station with these settings is the master of a charging network."""
    return values.get(MODE) == "master"


def slaves_named(values: Values) -> tuple[str, ...]:
    """The slaves that the settings name, as they are written there; none where they are to be searched."""
    return tuple(str(values[key]) for key in SERIALS[: slaves_wanted(values)] if values.get(key))


def slaves_wanted(values: Values) -> int:
    """How many slaves the master has by the settings; 0 where the board cannot be a master, or is none."""
    count = values.get(SLAVES, 0)
    return count if is_master(values) and isinstance(count, int) else 0


CHARGING_NETWORK_SETTINGS: Final = (
    Setting(
        key=MODE,
        label=Label("Operating mode", "Mode de fonctionnement"),
        place=OPERATING_MODE,
        kind=Choice(
            (
                Option("standalone", Label("Standalone", "Autonome")),
                Option("master", Label("Master of a charging network", "Master d’un réseau de charge")),
            )
        ),
        factory="standalone",
        boards=_MASTERS,
        guide=False,
        help=Label(
            "Master: the slaves below get the firmware of this station. DSW2.5 must be on here and at every slave.",
            "Master : les bornes Slave ci-dessous reçoivent le logiciel de cette borne. DSW2.5 doit être sur ON ici et "
            "sur chaque Slave.",
        ),
    ),
    Setting(
        key=SLAVES,
        label=Label("Number of slaves", "Nombre de bornes Slave"),
        place=OPERATING_MODE,
        kind=Whole(0, SLAVES_LIMIT),
        factory=0,
        boards=_MASTERS,
        shown_if=(_MASTER,),
        guide=False,
        help=Label("Without this station itself.", "Sans cette borne elle-même."),
    ),
    *(
        Setting(
            key=key,
            label=Label(f"Serial number of slave {number}", f"Numéro de série de la borne Slave {number}"),
            place=OPERATING_MODE,
            kind=Text(90, "slave"),
            factory="",
            boards=_MASTERS,
            shown_if=(_MASTER,),
            guide=False,
            help=Label(
                "As on its label. With none of the serial numbers the slaves are searched.",
                "Comme sur sa plaque signalétique. Sans aucun numéro, les bornes Slave sont recherchées.",
            ),
        )
        for number, key in enumerate(SERIALS, start=1)
    ),
)
