"""Settings of the sub-tab Publication (EVlink commissioning guide DOCA0060, chapter 6)."""

from __future__ import annotations

from typing import Final

from evse.services.settings.kinds import NO_TEXT, Choice, Kind, Label, Option, Switch, Text, Value, Whole
from evse.services.settings.model import Right, Setting, ShownIf
from evse.services.settings.tabs import PUBLICATION

_ON_OFF: Final = Switch(Label("on", "activé"), Label("off", "désactivé"))
_SERVER: Final = Label("Server", "Serveur")
_AUTH: Final = Label("Authentication required", "Authentification exigée")
_USER: Final = Label("Username", "Nom d’utilisateur")
_PASSWORD: Final = Label("Password", "Mot de passe")
_PORT: Final = Label("Port", "Port")
_SECURITY: Final = Label("Encryption", "Chiffrement")
_SECURITY_HELP: Final = Label(
    "The server's certificate is always checked. Without encryption everybody on the way can read and change the data.",
    "Le certificat du serveur est toujours vérifié. Sans chiffrement, chacun sur le trajet peut lire et changer les données.",
)


def _setting(
    protocol: str,
    name: str,
    label: Label,
    kind: Kind,
    factory: Value,
    *,
    with_authentication: bool = False,
    guide: bool = True,
    text: Label = NO_TEXT,
) -> Setting:
    """A setting that counts with one protocol, written by both accounts."""
    shown = [ShownIf("publication.protocol", (protocol,))]
    if with_authentication:
        shown.append(ShownIf(f"{protocol}.authentication", (True,)))
    return Setting(
        key=f"{protocol}.{name}",
        label=label,
        place=PUBLICATION,
        user=Right.WRITE,
        kind=kind,
        factory=factory,
        shown_if=tuple(shown),
        guide=guide,
        help=text,
    )


def _account(protocol: str) -> tuple[Setting, ...]:
    """Whether the server wants to know who sends, and who that is."""
    return (
        _setting(protocol, "authentication", _AUTH, _ON_OFF, False),
        _setting(protocol, "username", _USER, Text(254), "", with_authentication=True),
        _setting(protocol, "password", _PASSWORD, Text(254, secret=True), "", with_authentication=True),
    )


PUBLICATION_SETTINGS: Final = (
    Setting(
        key="publication.frequency",
        label=Label("Report frequency", "Fréquence d’envoi"),
        place=PUBLICATION,
        user=Right.WRITE,
        kind=Choice(
            (
                Option("disabled", Label("Disabled", "Aucun envoi")),
                Option("daily", Label("Daily at 0:01", "Chaque jour à 0 h 01")),
                Option("weekly", Label("Weekly, Monday at 0:01", "Chaque lundi à 0 h 01")),
                Option("monthly", Label("Monthly, on the 1st at 0:01", "Le 1er du mois à 0 h 01")),
            )
        ),
        factory="disabled",
    ),
    Setting(
        key="publication.protocol",
        label=Label("Protocol", "Protocole"),
        place=PUBLICATION,
        user=Right.WRITE,
        kind=Choice(
            (
                Option("smtp", Label("SMTP (e-mail)", "SMTP (courriel)")),
                Option("ftp", Label("FTP", "FTP")),
                Option("http", Label("HTTP", "HTTP")),
            )
        ),
        factory="smtp",
    ),
    Setting(
        key="publication.field_separator",
        label=Label("Field separator", "Séparateur de champs"),
        place=PUBLICATION,
        user=Right.WRITE,
        kind=Choice(
            (
                Option("semicolon", Label("Semicolon ;", "Point-virgule ;")),
                Option("comma", Label("Comma ,", "Virgule ,")),
                Option("tab", Label("Tab", "Tabulation")),
            )
        ),
        factory="semicolon",
    ),
    Setting(
        key="publication.decimal_separator",
        label=Label("Decimal separator", "Séparateur décimal"),
        place=PUBLICATION,
        user=Right.WRITE,
        kind=Choice((Option("comma", Label("Comma ,", "Virgule ,")), Option("dot", Label("Dot .", "Point .")))),
        factory="comma",
    ),
)

SMTP_SETTINGS: Final = (
    _setting("smtp", "server", _SERVER, Text(253, "host"), ""),
    _setting("smtp", "port", _PORT, Whole(25, 587), 25),
    _setting(
        "smtp",
        "security",
        _SECURITY,
        Choice(
            (
                Option("starttls", Label("STARTTLS", "STARTTLS")),
                Option("tls", Label("TLS from the start", "TLS dès le début")),
                Option("none", Label("None", "Aucun")),
            )
        ),
        "starttls",
        guide=False,
        text=_SECURITY_HELP,
    ),
    *_account("smtp"),
    _setting("smtp", "sender", Label("Sender", "Expéditeur"), Text(254, "mail"), ""),
    _setting(
        "smtp",
        "receiver",
        Label("Receiver", "Destinataire"),
        Text(254, "mails"),
        "",
        text=Label("Several with a semicolon between them.", "Plusieurs, séparés par un point-virgule."),
    ),
)

FTP_SETTINGS: Final = (
    _setting("ftp", "server", _SERVER, Text(253, "host"), ""),
    *_account("ftp"),
    _setting("ftp", "port", _PORT, Whole(1, 9999), 21),
    _setting("ftp", "passive", Label("Passive mode", "Mode passif"), _ON_OFF, False),
    _setting(
        "ftp",
        "security",
        _SECURITY,
        Choice(
            (
                Option("tls", Label("TLS (FTPS)", "TLS (FTPS)")),
                Option("none", Label("None", "Aucun")),
            )
        ),
        "tls",
        guide=False,
        text=_SECURITY_HELP,
    ),
)

HTTP_SETTINGS: Final = (
    _setting("http", "server", _SERVER, Text(253, "host"), ""),
    *_account("http"),
    _setting("http", "port", _PORT, Whole(1, 9999), 80),
    _setting("http", "path", Label("Path", "Chemin"), Text(99, "path"), ""),
    _setting("http", "field_name", Label("Field name", "Nom du champ"), Text(49, "field name"), ""),
    _setting(
        "http",
        "security",
        _SECURITY,
        Choice(
            (
                Option("tls", Label("TLS (HTTPS)", "TLS (HTTPS)")),
                Option("none", Label("None", "Aucun")),
            )
        ),
        "none",
        guide=False,
        text=_SECURITY_HELP,
    ),
)
