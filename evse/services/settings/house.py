"""Settings of the sub-tab External TCP meter: domestic connection monitoring (THØR/KEBA P30 configuration manual 120501,
sections 4.1 and 5.5).

The manual names what is entered, not its ranges: those are ours. What it calls the charging power after the loss of the meter
is a power here too, shared by the phases that the station is connected to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evse.services.settings.kinds import Choice, Label, Option, Switch, Text, Whole
from evse.services.settings.model import Boards, Setting, ShownIf
from evse.services.settings.phases import ORDERS
from evse.services.settings.tabs import EXTERNAL_METER

NOT_CHOSEN: Final = "not_chosen"
_THOR: Final = Boards(("thor",))
_WHILE_ON: Final = (ShownIf("house.monitoring", (True,)),)
_DIRECT: Final = (
    ("abb-m2m", "ABB M2M"),
    ("abb-m4m", "ABB M4M"),
    ("em24-e1", "Carlo Gavazzi EM24"),
    ("gossen-em228x", "Gossen Metrawatt EM228X"),
    ("gossen-em238x", "Gossen Metrawatt EM238X"),
    ("kostal-sem", "KOSTAL Smart Energy Meter"),
    ("siemens-7km2200", "Siemens 7KM2200"),
    ("tq-em420", "TQ Systems EM420"),
    ("tq-em300", "TQ Systems (B-control) EM300 LR, LRW"),
)
"""What the manual's list reads directly: register map, and the meter's name."""
_BEHIND_LOGGER: Final = (
    ("abb-b23", "ABB B23 312-100"),
    ("b-control-em300", "B-control EM300"),
    ("herholdt-ecsem113", "Herholdt ECSEM113"),
    ("janitza-b23", "Janitza B23 312-10J"),
    ("janitza-ecsem114mid", "Janitza ECSEM114MID"),
    ("siemens-7kt1260", "Siemens 7KT1260"),
)
"""What it reads through a Janitza ProData 2; here a transparent gateway has to stand in for the logger."""
_OTHERS: Final = (
    ("em24", "Carlo Gavazzi EM24-DIN"),
    ("sdm630", "Eastron SDM630"),
    ("janitza-umg-96rm", "Janitza UMG 96RM-E, UMG 604"),
    ("iem3155", "Schneider Electric iEM3155, iEM3255, iEM3355"),
    ("siemens-7kt1665", "Siemens 7KT1665"),
)
"""What is in no list of the manual and can be read all the same."""
WITHOUT_MAP: Final = ("herholdt-ecsem113", "janitza-ecsem114mid", "siemens-7kt1260")
"""Meters of the manual whose registers no public source gives: they stand in the list and are refused."""
READABLE: Final = tuple(name for name, _ in (*_DIRECT, *_BEHIND_LOGGER, *_OTHERS) if name not in WITHOUT_MAP)


def _options() -> Iterator[Option]:
    yield Option(NOT_CHOSEN, Label("not chosen", "non choisi"))
    for group, en, fr in (
        (_DIRECT, "", ""),
        (_BEHIND_LOGGER, "behind a ProData 2", "derrière un ProData 2"),
        (_OTHERS, "not in the manual's list", "hors de la liste du manuel"),
    ):
        for name, meter in group:
            notes_en, notes_fr = [en] * bool(en), [fr] * bool(fr)
            if name in WITHOUT_MAP:
                notes_en.append("map not available")
                notes_fr.append("registres inconnus")
            yield Option(name, Label(_noted(meter, notes_en), _noted(meter, notes_fr)))


def _noted(meter: str, notes: list[str]) -> str:
    return f"{meter} ({', '.join(notes)})" if notes else meter


HOUSE_SETTINGS: Final = (
    Setting(
        key="house.monitoring",
        label=Label("Domestic connection monitoring", "Surveillance de connexion domestique"),
        place=EXTERNAL_METER,
        kind=Switch(),
        factory=False,
        boards=_THOR,
        help=Label(
            "A meter at the house connection is read; house and charge together stay within what the connection carries.",
            "Un compteur au raccordement est lu ; maison et charge restent ensemble dans la limite du raccordement.",
        ),
    ),
    Setting(
        key="house.meter",
        label=Label("Meter", "Compteur"),
        place=EXTERNAL_METER,
        kind=Choice(tuple(_options())),
        factory=NOT_CHOSEN,
        boards=_THOR,
        shown_if=_WHILE_ON,
        help=Label("Which meter it is: its register map.", "Le modèle du compteur : sa table de registres."),
    ),
    Setting(
        key="house.host",
        label=Label("IP address of the meter", "Adresse IP du compteur"),
        place=EXTERNAL_METER,
        kind=Text(15, "address"),
        factory="",
        boards=_THOR,
        shown_if=_WHILE_ON,
        help=Label(
            "In the station's network. Empty only where a meter is simulated.",
            "Dans le réseau de la borne. Vide seulement si un compteur est simulé.",
        ),
    ),
    Setting(
        key="house.port",
        label=Label("TCP port of the meter", "Port TCP du compteur"),
        place=EXTERNAL_METER,
        kind=Whole(1, 65_535),
        factory=502,
        boards=_THOR,
        shown_if=_WHILE_ON,
    ),
    Setting(
        key="house.unit",
        label=Label("Modbus address of the meter", "Adresse Modbus du compteur"),
        place=EXTERNAL_METER,
        kind=Whole(0, 255),
        factory=1,
        boards=_THOR,
        shown_if=_WHILE_ON,
        help=Label(
            "1 for most meters, 0 for those of Gossen Metrawatt; behind a gateway the meter's address on its line.",
            "1 pour la plupart, 0 pour ceux de Gossen Metrawatt ; derrière une passerelle, l’adresse sur la ligne.",
        ),
    ),
    Setting(
        key="house.phases",
        label=Label("Phases at the house meter", "Phases au compteur de la maison"),
        place=EXTERNAL_METER,
        kind=Choice(tuple(Option(order, Label(order, order)) for order in ORDERS if order.count("L") == len("123"))),
        factory="L1-L2-L3",
        boards=_THOR,
        shown_if=_WHILE_ON,
        help=Label(
            "The conductor of the supply at each terminal of the meter. The manual asks for the order of the station.",
            "Le conducteur à chaque borne du compteur. Le manuel demande l’ordre de la borne de recharge.",
        ),
    ),
    Setting(
        key="house.maximum_current_a",
        label=Label("Maximum current of the connection", "Courant maximal du raccordement"),
        place=EXTERNAL_METER,
        kind=Whole(0, 400, "A"),
        factory=0,
        boards=_THOR,
        shown_if=_WHILE_ON,
        help=Label(
            "On each phase, 6 A at least. It has to be entered: 0 stands for not yet entered.",
            "Par phase, 6 A au moins. À saisir : 0 signifie pas encore saisi.",
        ),
    ),
    Setting(
        key="house.maximum_power_w",
        label=Label("Maximum power of the connection", "Puissance maximale du raccordement"),
        place=EXTERNAL_METER,
        kind=Whole(0, 300_000, "W"),
        factory=0,
        boards=_THOR,
        shown_if=_WHILE_ON,
        help=Label("0: the current alone counts.", "0 : seul le courant compte."),
    ),
    Setting(
        key="house.fallback_power_w",
        label=Label("Charging power without the meter", "Puissance de charge sans le compteur"),
        place=EXTERNAL_METER,
        kind=Whole(0, 110_400, "W"),
        factory=0,
        boards=_THOR,
        shown_if=_WHILE_ON,
        help=Label(
            "While the meter is lost the charge goes on with this. 0: it ends; less than 6 A on each phase ends it too.",
            "Tant que le compteur ne répond pas, la charge continue ainsi. 0 : elle s’arrête ; moins de 6 A par phase aussi.",
        ),
    ),
)  # fmt: skip
