"""Settings of the sub-tabs Network and Wi-Fi (EVlink commissioning guide DOCA0060, chapter 3)."""

from __future__ import annotations

from typing import Final

from evse.services.settings.kinds import Choice, Label, Option, Switch, Text
from evse.services.settings.model import Boards, Effect, Right, Setting, ShownIf
from evse.services.settings.tabs import NETWORK, WIFI

NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104  # the guide's way to say: none
FIXED: Final = ShownIf("network.dhcp", (False,))
_ON_OFF = Switch(Label("on", "activé"), Label("off", "désactivé"))
_ADDRESS: Final = Text(15, "address", minimum=7)

NETWORK_SETTINGS: Final = (
    Setting(
        key="network.mac",
        label=Label("MAC address", "Adresse MAC"),
        place=NETWORK,
        admin=Right.READ,
        user=Right.READ,
        kind=Text(17, "mac"),
        factory="",
        factory_note=Label("of the board", "de la carte"),
    ),
    Setting(
        key="network.dhcp",
        label=Label("Automatically obtain IP address", "Obtenir l’adresse IP automatiquement"),
        place=NETWORK,
        user=Right.READ,
        kind=_ON_OFF,
        factory=True,
        effect=Effect.REBOOT,
        help=Label(
            "Without an answer from a DHCP server the addresses below are used.",
            "Sans réponse d’un serveur DHCP, les adresses ci-dessous sont utilisées.",
        ),
    ),
    Setting(
        key="network.second_outlet_visible",
        label=Label("Assign IP address to socket-outlet 2", "Attribuer une adresse IP à la prise 2"),
        place=NETWORK,
        user=Right.READ,
        kind=_ON_OFF,
        factory=False,
        boards=Boards(outlets=2),
        effect=Effect.REBOOT,
        help=Label(
            "Hidden, the second outlet is reached through the first; the cable between the two boards must then be in "
            "the second Ethernet port from the left on both.",
            "Masquée, la seconde prise passe par la première ; le câble entre les deux cartes doit alors être sur le "
            "deuxième port Ethernet depuis la gauche, sur les deux cartes.",
        ),
    ),
    Setting(
        key="network.address",
        label=Label("IP address", "Adresse IP"),
        place=NETWORK,
        user=Right.READ,
        kind=_ADDRESS,
        factory="192.168.0.102",
        effect=Effect.REBOOT,
    ),
    Setting(
        key="network.address_2",
        label=Label("IP address of socket-outlet 2", "Adresse IP de la prise 2"),
        place=NETWORK,
        user=Right.READ,
        kind=_ADDRESS,
        factory="192.168.0.103",
        boards=Boards(outlets=2),
        effect=Effect.REBOOT,
        shown_if=(ShownIf("network.second_outlet_visible", (True,)),),
        help=Label("One above the first.", "Celle de la première plus un."),
    ),
    Setting(
        key="network.mask",
        label=Label("Subnetwork mask", "Masque de sous-réseau"),
        place=NETWORK,
        user=Right.READ,
        kind=_ADDRESS,
        factory="255.255.255.0",
        effect=Effect.REBOOT,
        shown_if=(FIXED,),
    ),
    Setting(
        key="network.gateway",
        label=Label("Default gateway", "Passerelle par défaut"),
        place=NETWORK,
        user=Right.READ,
        kind=_ADDRESS,
        factory=NO_ADDRESS,
        effect=Effect.REBOOT,
        shown_if=(FIXED,),
        help=Label(
            "0.0.0.0: none. With the modem its address, 192.168.0.254; with a Wi-Fi card that of the access point.",
            "0.0.0.0 : aucune. Avec le modem, son adresse 192.168.0.254 ; avec une carte Wi-Fi, celle du point d’accès.",
        ),
    ),
    Setting(
        key="network.dns_1",
        label=Label("Preferred DNS server", "Serveur DNS préféré"),
        place=NETWORK,
        user=Right.READ,
        kind=_ADDRESS,
        factory=NO_ADDRESS,
        effect=Effect.REBOOT,
        shown_if=(FIXED,),
    ),
    Setting(
        key="network.dns_2",
        label=Label("Other DNS server", "Autre serveur DNS"),
        place=NETWORK,
        user=Right.READ,
        kind=_ADDRESS,
        factory=NO_ADDRESS,
        effect=Effect.REBOOT,
        shown_if=(FIXED,),
    ),
)

_WITH_CARD: Final = Boards(("smart-wallbox",), wifi_card=True)
_PROTECTED: Final = ShownIf("wifi.security", ("wpa2", "wpa3"))

WIFI_SETTINGS: Final = (
    Setting(
        key="wifi.network",
        label=Label("Network name", "Nom du réseau"),
        place=WIFI,
        user=Right.WRITE,
        kind=Text(32, "name"),
        factory="",
        boards=_WITH_CARD,
        effect=Effect.POWER_CYCLE,
        guide=False,
        help=Label(
            "A change counts after the station was without power for 5 s.",
            "Une modification compte après 5 s sans alimentation.",
        ),
    ),
    Setting(
        key="wifi.security",
        label=Label("Security", "Sécurité"),
        place=WIFI,
        user=Right.WRITE,
        kind=Choice(
            (
                Option("wpa2", Label("WPA2", "WPA2")),
                Option("wpa3", Label("WPA3", "WPA3")),
                Option("open", Label("Open", "Ouvert")),
            )
        ),
        factory="wpa2",
        boards=_WITH_CARD,
        effect=Effect.POWER_CYCLE,
        guide=False,
    ),
    Setting(
        key="wifi.key",
        label=Label("Key", "Clé"),
        place=WIFI,
        user=Right.WRITE,
        kind=Text(63, secret=True),
        factory="",
        boards=_WITH_CARD,
        effect=Effect.POWER_CYCLE,
        shown_if=(_PROTECTED,),
        guide=False,
        help=Label("8 to 63 characters.", "8 à 63 caractères."),
    ),
    Setting(
        key="wifi.address",
        label=Label("IP address of the Wi-Fi card", "Adresse IP de la carte Wi-Fi"),
        place=WIFI,
        user=Right.WRITE,
        kind=_ADDRESS,
        factory="192.168.0.101",
        boards=_WITH_CARD,
        effect=Effect.POWER_CYCLE,
        guide=False,
        help=Label(
            "One below the station's. Change it before the station's address.",
            "Celle de la borne moins un. À changer avant l’adresse de la borne.",
        ),
    ),
)
