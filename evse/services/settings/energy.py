"""Settings of the tab Energy management: advanced, socket-outlets (EVlink commissioning guide DOCA0060, chapter 4)."""

from __future__ import annotations

from typing import Final

from evse.services.settings.kinds import Choice, Label, Option, Switch, Whole
from evse.services.settings.model import Boards, FactoryWhere, Right, Setting, ShownIf
from evse.services.settings.tabs import ADVANCED, SOCKET_OUTLETS

_TWO_SOCKETS: Final = ("city", "parking", "other")
_WALLBOX: Final = ("smart-wallbox",)
_NOT_USED = Option("not_used", Label("Not used", "Non utilisée"))
_NO_NC: Final = Choice(
    (
        Option("normally_open", Label("Normally open", "Ouvert au repos")),
        Option("normally_closed", Label("Normally closed", "Fermé au repos")),
    )
)
_OPERATING_HELP = Label(
    "Where the rule for EV/ZE Ready holds, up to 7 A on one phase and up to 13 A on three phases operate as 0.",
    "Là où la règle EV/ZE Ready s’applique, jusqu’à 7 A en monophasé et 13 A en triphasé valent 0.",
)

_BY_ENERGY: Final = (
    ShownIf("energy.load_balancing", (True,)),
    ShownIf("energy.load_shedding_priority", ("energy_delivered",)),
)

ENERGY_SETTINGS: Final = (
    Setting(
        key="energy.load_balancing",
        label=Label("Load balancing", "Équilibrage des prises"),
        place=ADVANCED,
        kind=Switch(Label("Enable", "Actif"), Label("Disable", "Inactif")),
        factory=True,
        boards=Boards(_TWO_SOCKETS),
        help=Label(
            "The station shares its maximum current between its two outlets.",
            "La borne partage son courant maximal entre ses deux prises.",
        ),
    ),
    Setting(
        key="energy.load_shedding_priority",
        label=Label("Load shedding priority", "Priorité de délestage"),
        place=ADVANCED,
        kind=Choice(
            (
                Option("charge_duration", Label("Charge duration: first started, first shed", "Durée : la première commencée")),
                Option("energy_delivered", Label("Energy delivered: most delivered, first shed", "Énergie : la plus servie")),
            )
        ),
        factory="charge_duration",
        boards=Boards(("city", "parking", "smart-wallbox", "other")),
    ),
    Setting(
        key="energy.shedding_margin_a",
        label=Label("Margin before a shed outlet comes back", "Marge avant la reprise d’une prise délestée"),
        place=ADVANCED,
        kind=Whole(0, 32, "A"),
        factory=1,
        boards=Boards(_TWO_SOCKETS),
        shown_if=(ShownIf("energy.load_balancing", (True,)),),
        guide=False,
        help=Label(
            "So much more than the least must be there for both, so that nothing switches to and fro.",
            "Il faut autant de plus que le minimum pour les deux, pour éviter les allers et retours.",
        ),
    ),
    Setting(
        key="energy.shedding_keep_min",
        label=Label("Shortest turn when shedding by energy", "Durée minimale d’un tour en délestage par énergie"),
        place=ADVANCED,
        kind=Whole(0, 1440, "min"),
        factory=15,
        boards=Boards(_TWO_SOCKETS),
        shown_if=_BY_ENERGY,
        guide=False,
        help=Label("Whoever is served is not shed before.", "Celui qui est servi n’est pas délesté avant."),
    ),
    Setting(
        key="energy.shedding_step_wh",
        label=Label("Step of energy when shedding by energy", "Pas d’énergie en délestage par énergie"),
        place=ADVANCED,
        kind=Whole(100, 100_000, "Wh"),
        factory=1_000,
        boards=Boards(_TWO_SOCKETS),
        shown_if=_BY_ENERGY,
        guide=False,
        help=Label(
            "Amounts count in whole steps, so that two equal charges do not take turns all the time.",
            "Les quantités comptent en pas entiers, pour que deux charges égales n’alternent pas sans cesse.",
        ),
    ),
    Setting(
        key="energy.external_control",
        label=Label("Maximum current set by an external system", "Courant maximal fixé par un système externe"),
        place=ADVANCED,
        kind=Switch(),
        factory=False,
        boards=Boards(("city", "parking", "smart-wallbox", "other")),
        help=Label(
            "Yes: an OCPP supervision, or a building system by Modbus, may set the maximum current.",
            "Oui : une supervision OCPP ou un système du bâtiment par Modbus peut fixer le courant maximal.",
        ),
    ),
    Setting(
        key="energy.continue_after_power_failure",
        label=Label("Continue charging after a power failure", "Poursuivre la charge après une coupure de courant"),
        place=ADVANCED,
        kind=Switch(),
        factory=False,
        guide=False,
        help=Label(
            "Yes: a charge that a power failure interrupted goes on for the same user without a badge.",
            "Oui : une charge interrompue par une coupure reprend pour le même utilisateur sans badge.",
        ),
    ),
    Setting(
        key="energy.restart_delay_s",
        label=Label("Longest delay of a restart after a power failure", "Délai maximal de reprise après une coupure"),
        place=ADVANCED,
        kind=Whole(0, 1800, "s"),
        factory=0,
        guide=False,
        help=Label(
            "An interrupted charge waits for a random part of this, so that the vehicles of a street do not start at once.",
            "Une charge interrompue attend une partie aléatoire de ce délai, pour que toute une rue ne reprenne pas en même temps.",
        ),
    ),
    Setting(
        key="energy.station_maximum_a",
        label=Label("Charging station maximum current", "Courant maximal de la borne"),
        place=SOCKET_OUTLETS,
        kind=Whole(0, 64, "A"),
        factory=64,
        help=Label(
            "What the supply of the whole station allows. With load balancing, leave the outlets at their rated current.",
            "Ce que permet l’alimentation de toute la borne. Avec l’équilibrage, laisser les prises à leur courant assigné.",
        ),
    ),
    Setting(
        key="outlet.resume_after_s",
        label=Label("Time before a charge without enough current goes on", "Délai de reprise après manque de courant"),
        place=SOCKET_OUTLETS,
        kind=Whole(0, 3600, "s"),
        factory=5,
        guide=False,
        help=Label(
            "A charge that was stopped for lack of current goes on when there has been enough for so long.",
            "Une charge arrêtée faute de courant reprend quand il y en a eu assez pendant ce temps.",
        ),
    ),
)  # fmt: skip

OUTLET_SETTINGS: Final = (
    Setting(
        key="outlet.position",
        label=Label("Position on the station", "Position sur la borne"),
        place=SOCKET_OUTLETS,
        admin=Right.READ,
        kind=Choice((Option("1", Label("1 (right)", "1 (droite)")), Option("2", Label("2 (left)", "2 (gauche)")))),
        factory="1",
        factory_note=Label("the outlet's number", "le numéro de la prise"),
        boards=Boards(_TWO_SOCKETS),
    ),
    Setting(
        key="outlet.socket",
        label=Label("Socket-outlet type", "Type de prise"),
        place=SOCKET_OUTLETS,
        admin=Right.READ,
        kind=Choice(
            (
                Option("T2", Label("T2 socket-outlet or T2 cable", "Prise T2 ou câble T2")),
                Option("T3", Label("T3 socket-outlet", "Prise T3")),
                Option("TE", Label("Domestic socket-outlet", "Prise domestique")),
                Option("T2 - TE", Label("T2 and domestic socket-outlet", "Prise T2 et prise domestique")),
                Option("T1", Label("T1 cable", "Câble T1")),
            )
        ),
        factory="T2",
        factory_note=Label("as built", "selon la construction"),
    ),
    Setting(
        key="outlet.rated_current_a",
        label=Label("Rated charging current", "Courant de charge assigné"),
        place=SOCKET_OUTLETS,
        admin=Right.READ,
        kind=Whole(6, 80, "A"),
        factory=32,
        factory_note=Label("as built", "selon la construction"),
    ),
    Setting(
        key="outlet.derated_current_a",
        label=Label("Derated charging current", "Courant de charge limité"),
        place=SOCKET_OUTLETS,
        kind=Whole(0, 80, "A", maximum_key="outlet.rated_current_a"),
        factory=32,
        factory_where=(FactoryWhere(Boards(_WALLBOX), 16),),
        help=_OPERATING_HELP,
    ),
    Setting(
        key="outlet.in_1_function",
        label=Label("Function In-1", "Fonction de l’entrée 1"),
        place=SOCKET_OUTLETS,
        kind=Choice(
            (
                _NOT_USED,
                Option(
                    "protection_devices_state",
                    Label("Protection devices state", "État des protections"),
                    ("parking", "other"),
                ),
                Option("load_shedding", Label("Load-shedding input", "Entrée de délestage")),
            )
        ),
        factory="not_used",
        boards=Boards(_TWO_SOCKETS, line="in_1"),
    ),
    Setting(
        key="outlet.in_1_normally_open",
        label=Label("In-1 normally open", "Entrée 1 ouverte au repos"),
        place=SOCKET_OUTLETS,
        kind=Switch(Label("Checked", "Coché"), Label("Unchecked", "Non coché")),
        factory=True,
        boards=Boards(_TWO_SOCKETS, line="in_1"),
    ),
    Setting(
        key="outlet.in_2_function",
        label=Label("Function In-2", "Fonction de l’entrée 2"),
        place=SOCKET_OUTLETS,
        kind=Choice(
            (
                _NOT_USED,
                Option("conditional_outgoing_line", Label("Condition for starting", "Condition de démarrage")),
            )
        ),
        factory="not_used",
        boards=Boards(_TWO_SOCKETS, line="in_2"),
    ),
    Setting(
        key="outlet.in_2_normally_open",
        label=Label("In-2 normally open", "Entrée 2 ouverte au repos"),
        place=SOCKET_OUTLETS,
        kind=Switch(Label("Checked", "Coché"), Label("Unchecked", "Non coché")),
        factory=True,
        boards=Boards(_TWO_SOCKETS, line="in_2"),
    ),
    Setting(
        key="outlet.delayed_start",
        label=Label("Delayed charging start", "Démarrage différé"),
        place=SOCKET_OUTLETS,
        kind=_NO_NC,
        factory="normally_open",
        boards=Boards(_WALLBOX, line="delayed_start"),
        help=Label(
            "Normally open: a closed contact holds the charge back. Keep it so when the input is not wired.",
            "Ouvert au repos : un contact fermé retient la charge. À garder si l’entrée n’est pas câblée.",
        ),
    ),
    Setting(
        key="outlet.current_limit",
        label=Label("Input for temporary current limitation", "Entrée de limitation temporaire"),
        place=SOCKET_OUTLETS,
        kind=_NO_NC,
        factory="normally_open",
        boards=Boards(_WALLBOX, line="current_limit"),
        help=Label(
            "Normally open: a closed contact limits the current. Keep it so when the input is not wired.",
            "Ouvert au repos : un contact fermé limite le courant. À garder si l’entrée n’est pas câblée.",
        ),
    ),
    Setting(
        key="outlet.shedding_set_point_a",
        label=Label("Load shedding set point", "Consigne de délestage"),
        place=SOCKET_OUTLETS,
        kind=Whole(0, 80, "A", maximum_key="outlet.derated_current_a"),
        factory=0,
        boards=Boards(_TWO_SOCKETS, line="in_1"),
        help=_OPERATING_HELP,
    ),
    Setting(
        key="outlet.temporary_limit_a",
        label=Label("Temporary charging current limitation", "Limitation temporaire du courant"),
        place=SOCKET_OUTLETS,
        kind=Whole(0, 80, "A", maximum_key="outlet.derated_current_a"),
        factory=0,
        boards=Boards(_WALLBOX, line="current_limit"),
        help=_OPERATING_HELP,
    ),
)
