"""Settings of the sub-tab Meters (EVlink commissioning guide DOCA0060, chapter 4)."""

from __future__ import annotations

from typing import Final

from evse.services.settings.kinds import Choice, Label, Option, Text, Whole
from evse.services.settings.model import Boards, Right, Setting, ShownIf
from evse.services.settings.phases import ORDERS
from evse.services.settings.tabs import METER

_EVLINK: Final = Boards(("city", "parking", "smart-wallbox", "other"))
_WITH_METER: Final = ShownIf("outlet.metering", ("iem3x5x",))
_RTU: Final = ShownIf("outlet.meter_protocol", ("modbus_rtu",))
_TCP: Final = ShownIf("outlet.meter_protocol", ("modbus_tcp",))
_ORDERS: Final = Choice(tuple(Option(order, Label(order, order)) for order in ORDERS))

METER_SETTINGS: Final = (
    Setting(
        key="meter.phase_neutral_voltage_v",
        label=Label("Measured phase-neutral voltage", "Tension phase-neutre mesurée"),
        place=METER,
        kind=Whole(175, 276, "V"),
        factory=230,
        help=Label(
            "Used with the internal current transformers, and while an external meter does not answer.",
            "Sert avec les transformateurs internes et quand le compteur externe ne répond pas.",
        ),
    ),
    Setting(
        key="outlet.metering",
        label=Label("Energy metering", "Comptage d’énergie"),
        place=METER,
        user=Right.READ,
        kind=Choice(
            (
                Option("iem3x5x", Label("iEM3x5x meter", "Compteur iEM3x5x")),
                Option("internal_ct", Label("Internal current transformers", "Transformateurs internes")),
            )
        ),
        factory="internal_ct",
        boards=_EVLINK,
    ),
    Setting(
        key="outlet.meter_protocol",
        label=Label("Power meter protocol", "Protocole du compteur"),
        place=METER,
        kind=Choice(
            (
                Option("modbus_tcp", Label("Modbus TCP", "Modbus TCP")),
                Option("modbus_rtu", Label("Modbus RTU", "Modbus RTU")),
            )
        ),
        factory="modbus_tcp",
        boards=_EVLINK,
        shown_if=(_WITH_METER,),
    ),
    Setting(
        key="outlet.meter_rtu_address",
        label=Label("Power meter RTU address", "Adresse RTU du compteur"),
        place=METER,
        kind=Whole(1, 255),
        factory=30,
        boards=_EVLINK,
        shown_if=(_WITH_METER,),
        help=Label(
            "With Modbus RTU the meter's address on the line; with Modbus TCP the unit behind the gateway.",
            "En Modbus RTU, l’adresse du compteur sur la ligne ; en Modbus TCP, l’unité derrière la passerelle.",
        ),
    ),
    Setting(
        key="outlet.meter_gateway_address",
        label=Label("Power meter gateway address", "Adresse de la passerelle du compteur"),
        place=METER,
        kind=Whole(130, 162),
        factory=130,
        boards=_EVLINK,
        shown_if=(_WITH_METER, _TCP),
        help=Label(
            "Last number of the gateway's IP address in the station's network.",
            "Dernier nombre de l’adresse IP de la passerelle dans le réseau de la borne.",
        ),
    ),
    Setting(
        key="outlet.meter_host",
        label=Label("Power meter IP address", "Adresse IP du compteur"),
        place=METER,
        kind=Text(15, "address"),
        factory="",
        boards=_EVLINK,
        shown_if=(_WITH_METER, _TCP),
        guide=False,
        help=Label(
            "Empty: made of the station's network and the gateway address.",
            "Vide : formée du réseau de la borne et de l’adresse de la passerelle.",
        ),
    ),
    Setting(
        key="outlet.terminal_phases",
        label=Label("Phases at the power terminals", "Phases au bornier de puissance"),
        place=METER,
        kind=_ORDERS,
        factory="L1-L2-L3",
        help=Label(
            "The conductor of the supply at each terminal; a single one: the outlet is connected to it alone.",
            "Le conducteur d’alimentation à chaque borne ; un seul : la prise n’est raccordée qu’à lui.",
        ),
    ),
    Setting(
        key="outlet.meter_phases",
        label=Label("Phases at the energy meter", "Phases au compteur d’énergie"),
        place=METER,
        kind=_ORDERS,
        factory="L1-L2-L3",
        boards=_EVLINK,
        shown_if=(_WITH_METER,),
    ),
)
