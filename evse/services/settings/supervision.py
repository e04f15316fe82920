"""Settings of the sub-tab Supervision (EVlink commissioning guide DOCA0060, chapter 3).

The guide gives no rights, ranges or factory values here, except where the text says so; the other ranges are ours. What
it tells not to modify is read only at the tool; the OCPP keys behind it still work.
"""

from __future__ import annotations

from typing import Final

from evse.services.settings.general import SUPERVISED
from evse.services.settings.kinds import Choice, Label, Option, Switch, Text, Whole
from evse.services.settings.model import Effect, Right, Setting, ShownIf
from evse.services.settings.tabs import SUPERVISION

_ON_OFF: Final = Switch(Label("on", "activé"), Label("off", "désactivé"))
_SHOWN: Final = (SUPERVISED,)
_MODEM: Final = ShownIf("ocpp.modem", (True,))

SUPERVISION_SETTINGS: Final = (
    Setting(
        key="ocpp.version",
        effect=Effect.REBOOT,
        label=Label("OCPP version", "Version OCPP"),
        place=SUPERVISION,
        kind=Choice(
            (
                Option("1.6-json", Label("OCPP 1.6 JSON", "OCPP 1.6 JSON")),
                Option("1.5-json", Label("OCPP 1.5 JSON", "OCPP 1.5 JSON")),
                Option("1.5-soap", Label("OCPP 1.5 SOAP", "OCPP 1.5 SOAP")),
            )
        ),
        factory="1.6-json",
        shown_if=_SHOWN,
    ),
    Setting(
        key="ocpp.url",
        effect=Effect.REBOOT,
        label=Label("Supervision URL", "Adresse de la supervision"),
        place=SUPERVISION,
        kind=Text(255, "url"),
        factory="",
        shown_if=_SHOWN,
        help=Label(
            "JSON: ws:// or wss://; SOAP: http://. The identity is added at the end by the station.",
            "JSON : ws:// ou wss:// ; SOAP : http://. La borne ajoute son identité à la fin.",
        ),
    ),
    Setting(
        key="ocpp.identity",
        effect=Effect.REBOOT,
        label=Label("Charging station ID", "Identité de la borne"),
        place=SUPERVISION,
        kind=Text(48, "identity"),
        factory="",
        factory_note=Label("empty: the serial number is used", "vide : le numéro de série sert d’identité"),
        shown_if=_SHOWN,
    ),
    Setting(
        key="ocpp.modem",
        effect=Effect.REBOOT,
        label=Label("Modem of the manufacturer present", "Modem du fabricant présent"),
        place=SUPERVISION,
        kind=_ON_OFF,
        factory=False,
        shown_if=_SHOWN,
    ),
    Setting(
        key="ocpp.modem_address",
        effect=Effect.REBOOT,
        label=Label("Modem IP address", "Adresse IP du modem"),
        place=SUPERVISION,
        admin=Right.READ,
        kind=Text(15, "address", minimum=7),
        factory="192.168.0.254",
        shown_if=(SUPERVISED, _MODEM),
    ),
    Setting(
        key="ocpp.modem_retry_s",
        effect=Effect.REBOOT,
        label=Label("Modem connection retry interval", "Intervalle entre essais du modem"),
        place=SUPERVISION,
        kind=Whole(1, 999, "s"),
        factory=60,
        shown_if=(SUPERVISED, _MODEM),
    ),
    Setting(
        key="ocpp.local_port",
        effect=Effect.REBOOT,
        label=Label("Charging station local port", "Port local de la borne"),
        place=SUPERVISION,
        admin=Right.READ,
        kind=Whole(1, 65_535),
        factory=8080,
        shown_if=_SHOWN,
    ),
    Setting(
        key="ocpp.public_address",
        effect=Effect.REBOOT,
        label=Label("Charging station public IP", "Adresse IP publique de la borne"),
        place=SUPERVISION,
        kind=Text(15, "address"),
        factory="",
        shown_if=(SUPERVISED, ShownIf("ocpp.modem", (False,))),
        help=Label(
            "Only needed by SOAP: the address under which the supervision reaches the station.",
            "Utile pour SOAP seulement : l’adresse à laquelle la supervision joint la borne.",
        ),
    ),
    Setting(
        key="ocpp.public_port",
        effect=Effect.REBOOT,
        label=Label("Charging station public port", "Port public de la borne"),
        place=SUPERVISION,
        kind=Whole(1, 65_535),
        factory=8080,
        shown_if=_SHOWN,
    ),
    Setting(
        key="ocpp.reply_to",
        effect=Effect.REBOOT,
        label=Label("Charging station ReplyTo address", "Adresse ReplyTo de la borne"),
        place=SUPERVISION,
        admin=Right.READ,
        kind=Text(255, "url"),
        factory="",
        shown_if=_SHOWN,
    ),
    Setting(
        key="ocpp.default_id_tag",
        effect=Effect.REBOOT,
        label=Label("Default user ID tag", "Identifiant par défaut"),
        place=SUPERVISION,
        kind=Text(20, "identity", minimum=1),
        badge=True,
        factory="UNDEFINED",
        shown_if=_SHOWN,
        help=Label(
            "Names the customer while authentication is disabled. UNDEFINED: the serial number.",
            "Désigne le client quand l’authentification est désactivée. UNDEFINED : le numéro de série.",
        ),
    ),
    Setting(
        key="ocpp.sample_interval_s",
        effect=Effect.REBOOT,
        label=Label("Meter value sample interval", "Intervalle des relevés de compteur"),
        place=SUPERVISION,
        kind=Whole(0, 86_400, "s"),
        factory=60,
        shown_if=_SHOWN,
        help=Label("0: none are sent.", "0 : aucun envoi."),
    ),
    Setting(
        key="ocpp.clock_aligned_interval_s",
        effect=Effect.REBOOT,
        label=Label("Clock-aligned data interval", "Intervalle calé sur l’horloge"),
        place=SUPERVISION,
        admin=Right.READ,
        kind=Whole(0, 86_400, "s"),
        factory=0,
        shown_if=_SHOWN,
    ),
    Setting(
        key="ocpp.connection_timeout_s",
        effect=Effect.REBOOT,
        label=Label("Supervision connection time-out", "Délai de réponse de la supervision"),
        place=SUPERVISION,
        kind=Whole(1, 999, "s"),
        factory=30,
        shown_if=_SHOWN,
        help=Label("For each message sent.", "Pour chaque message envoyé."),
    ),
    Setting(
        key="ocpp.cache_enabled",
        effect=Effect.REBOOT,
        label=Label("Authentication cache list enabled", "Mémoire d’authentification active"),
        place=SUPERVISION,
        kind=_ON_OFF,
        factory=True,
        shown_if=_SHOWN,
        help=Label(
            "The last 500 identifiers stay authorised until their expiry while the supervision does not answer.",
            "Les 500 derniers identifiants restent acceptés jusqu’à leur expiration si la supervision ne répond pas.",
        ),
    ),
    Setting(
        key="ocpp.socket_identifier",
        effect=Effect.REBOOT,
        label=Label("Enable socket identifier", "Identifiant de prise"),
        place=SUPERVISION,
        admin=Right.READ,
        kind=_ON_OFF,
        factory=False,
        shown_if=_SHOWN,
    ),
    Setting(
        key="ocpp.security_profile",
        effect=Effect.REBOOT,
        label=Label("Security profile", "Profil de sécurité"),
        place=SUPERVISION,
        kind=Choice(
            (
                Option("0", Label("0: none", "0 : aucun")),
                Option("1", Label("1: password", "1 : mot de passe")),
                Option("2", Label("2: TLS and password", "2 : TLS et mot de passe")),
                Option("3", Label("3: TLS with both certificates", "3 : TLS avec les deux certificats")),
            )
        ),
        factory="0",
        shown_if=(SUPERVISED, ShownIf("ocpp.version", ("1.6-json",))),
        guide=False,
        help=Label(
            "OCPP 1.6 security extension. It can be raised by the supervision, never lowered by it.",
            "Extension de sécurité d’OCPP 1.6. La supervision peut le relever, jamais l’abaisser.",
        ),
    ),
    Setting(
        key="ocpp.password",
        effect=Effect.REBOOT,
        label=Label("Authorisation key", "Clé d’autorisation"),
        place=SUPERVISION,
        kind=Text(40, secret=True),
        factory="",
        shown_if=(SUPERVISED, ShownIf("ocpp.security_profile", ("1", "2"))),
        guide=False,
        help=Label("16 to 40 characters.", "16 à 40 caractères."),
    ),
)
