"""Settings of the sub-tabs General and Date and time (EVlink commissioning guide DOCA0060, chapter 3)."""

from __future__ import annotations

from typing import Final

from evse.services.settings.kinds import Choice, Label, Option, Switch, Text, Whole
from evse.services.settings.model import Boards, Effect, FactoryWhere, Right, Setting, ShownIf
from evse.services.settings.tabs import GENERAL, TIME

STANDALONE: Final = ShownIf("general.station_type", ("standalone",))
SUPERVISED: Final = ShownIf("general.station_type", ("supervised",))
BY_SUPERVISION: Final = ShownIf("access.location_supervised", ("supervision",))
_ALLOW_ALL = Option("allow_all_badges", Label("Allow all badges", "Accepter tous les badges"))
_HERE = Option("charging_station", Label("Charging station", "Borne de charge"))
_DISABLE = Option("disable", Label("Disable (free access)", "Désactivée (accès libre)"))

GENERAL_SETTINGS: Final = (
    Setting(
        key="general.name",
        label=Label("Charging station name", "Nom de la borne"),
        place=GENERAL,
        kind=Text(30, "name", minimum=1),
        factory="",
        factory_note=Label("serial number", "numéro de série"),
        help=Label(
            "The name under which the station is found in the network and appears in records.",
            "Le nom sous lequel la borne est vue sur le réseau et dans les relevés.",
        ),
    ),
    Setting(
        key="general.station_type",
        label=Label("Station type", "Type de borne"),
        place=GENERAL,
        user=Right.READ,
        kind=Choice(
            (
                Option("standalone", Label("Standalone", "Autonome")),
                Option("supervised", Label("Supervised", "Supervisée")),
            )
        ),
        factory="standalone",
        effect=Effect.REBOOT,
        help=Label(
            "Supervised: OCPP runs, and the settings of the sub-tab Supervision count.",
            "Supervisée : OCPP est actif et les réglages du sous-onglet Supervision comptent.",
        ),
    ),
    Setting(
        key="access.remote_command_required",
        label=Label("Remote command required to start", "Ordre distant exigé pour démarrer"),
        place=GENERAL,
        user=Right.WRITE,
        kind=Switch(),
        factory=False,
        boards=Boards(reader=False),
        help=Label(
            "Yes: a charge waits until the supervision releases it, as for pay as you go.",
            "Oui : la charge attend l’accord de la supervision, par exemple pour le paiement à l’usage.",
        ),
    ),
    Setting(
        key="access.location",
        label=Label("Authentication location (without supervision)", "Lieu d’authentification (sans supervision)"),
        place=GENERAL,
        user=Right.WRITE,
        kind=Choice((_HERE, _DISABLE, Option("remote", Label("Remote system", "Système distant")))),
        factory="charging_station",
        factory_where=(FactoryWhere(Boards(reader=False), "disable"),),
        shown_if=(STANDALONE,),
        help=Label(
            "Remote: a system other than an OCPP supervision releases each charge; the reader is not used.",
            "Système distant : un système autre qu’une supervision OCPP autorise chaque charge ; le lecteur ne sert pas.",
        ),
    ),
    Setting(
        key="access.location_supervised",
        label=Label("Authentication location (with supervision)", "Lieu d’authentification (avec supervision)"),
        place=GENERAL,
        user=Right.WRITE,
        kind=Choice((Option("supervision", Label("Supervision", "Supervision")), _HERE, _DISABLE)),
        factory="supervision",
        shown_if=(SUPERVISED,),
    ),
    Setting(
        key="access.strategy",
        label=Label("Authentication strategy", "Règle d’authentification"),
        place=GENERAL,
        user=Right.WRITE,
        kind=Choice((Option("reject_unknown_badges", Label("Reject unknown badges", "Refuser les inconnus")), _ALLOW_ALL)),
        factory="allow_all_badges",
        shown_if=(STANDALONE, ShownIf("access.location", ("charging_station",))),
    ),
    Setting(
        key="access.loss_strategy",
        label=Label("Without answer from the supervision", "Sans réponse de la supervision"),
        place=GENERAL,
        user=Right.WRITE,
        kind=Choice((Option("reject_all_badges", Label("Reject all badges", "Refuser tous les badges")), _ALLOW_ALL)),
        factory="allow_all_badges",
        shown_if=(SUPERVISED, BY_SUPERVISION),
        help=Label(
            "Reject all: badges that the supervision accepted before stay accepted until they expire.",
            "Refuser : les badges déjà acceptés par la supervision le restent jusqu’à leur expiration.",
        ),
    ),
    Setting(
        key="access.timeout_s",
        label=Label("Authentication time-out", "Délai d’authentification"),
        place=GENERAL,
        user=Right.READ,
        kind=Whole(0, 999, "s"),
        factory=10,
        shown_if=(SUPERVISED, BY_SUPERVISION),
        help=Label(
            "How long the supervision may take to answer; meanwhile the user may plug in and begin.",
            "Temps laissé à la supervision pour répondre ; l’usager peut déjà brancher et commencer.",
        ),
    ),
    Setting(
        key="general.push_button",
        label=Label("Front panel push button", "Bouton en façade"),
        place=GENERAL,
        user=Right.READ,
        kind=Switch(),
        factory=False,
        factory_where=(FactoryWhere(Boards(key_lock=True), True),),
        boards=Boards(("smart-wallbox",)),
        help=Label(
            "Yes: the button stops a charge and lets it go on.",
            "Oui : le bouton arrête la charge et la relance.",
        ),
    ),
    Setting(
        key="general.location",
        label=Label("Station location", "Emplacement de la borne"),
        place=GENERAL,
        user=Right.READ,
        kind=Choice(
            (
                Option("Indoor", Label("Indoor, without ventilation", "Intérieur, sans ventilation")),
                Option("Outdoor", Label("Outdoor, or ventilated", "Extérieur, ou ventilé")),
            )
        ),
        factory="Indoor",
        help=Label(
            "Indoor: a vehicle that asks for ventilation is not charged.",
            "Intérieur : un véhicule qui exige une ventilation n’est pas chargé.",
        ),
    ),
    Setting(
        key="general.leave_cable_connected",
        label=Label("Cable may stay connected", "Câble laissé à demeure"),
        place=GENERAL,
        user=Right.WRITE,
        kind=Switch(Label("on", "activé"), Label("off", "désactivé")),
        factory=False,
        boards=Boards(("parking",)),
        help=Label(
            "On: no notification when the cable stays in the socket. The cable is not locked then.",
            "Activé : pas d’alerte si le câble reste dans la prise. Il n’est pas verrouillé pour autant.",
        ),
    ),
)  # fmt: skip

TIME_SETTINGS: Final = (
    Setting(
        key="time.source",
        label=Label("Time settings", "Réglage de l’heure"),
        place=TIME,
        user=Right.WRITE,
        kind=Choice(
            (
                Option("manual", Label("Manually", "Manuel")),
                Option("ntp", Label("NTP server", "Serveur NTP")),
            )
        ),
        factory="manual",
    ),
    Setting(
        key="time.ntp_server",
        label=Label("Time server (NTP) address", "Adresse du serveur de temps (NTP)"),
        place=TIME,
        user=Right.WRITE,
        kind=Text(200, "host"),
        factory="pool.ntp.org",
        shown_if=(ShownIf("time.source", ("ntp",)),),
    ),
    Setting(
        key="time.zone",
        label=Label("Time zone", "Fuseau horaire"),
        place=TIME,
        user=Right.WRITE,
        kind=Text(64, "time zone", minimum=1),
        factory="UTC",
        factory_note=Label("not stated in the guide; ours: UTC", "non précisé dans le guide ; ici : UTC"),
    ),
)
