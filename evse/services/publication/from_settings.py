"""The publication that a station's settings ask for."""

from __future__ import annotations

from typing import Final

from evse.services.publication.calendar import Frequency
from evse.services.publication.settings import (
    FtpTarget,
    HttpTarget,
    Login,
    MailSecurity,
    Protocol,
    PublicationSettings,
    SmtpTarget,
    Target,
    receivers_of,
)
from evse.services.records import CsvFormat, DecimalSeparator, FieldSeparator
from evse.services.settings.model import Values

_FIELD: Final = {"semicolon": FieldSeparator.SEMICOLON, "comma": FieldSeparator.COMMA, "tab": FieldSeparator.TAB}
_DECIMAL: Final = {"comma": DecimalSeparator.COMMA, "dot": DecimalSeparator.DOT}


def csv_format(values: Values) -> CsvFormat:
    """How records are written into files."""
    return CsvFormat(
        _FIELD[str(values["publication.field_separator"])], _DECIMAL[str(values["publication.decimal_separator"])]
    )


def publication_settings(values: Values, ca_file: str = "") -> PublicationSettings:
    """The publication of a whole, checked set of values; without a server there is no target."""
    return PublicationSettings(
        frequency=Frequency(str(values["publication.frequency"])),
        target=_target(values),
        csv=csv_format(values),
        time_zone=str(values["time.zone"]),
        ca_file=ca_file,
    )


def _target(values: Values) -> Target | None:
    protocol = Protocol(str(values["publication.protocol"]))
    given = {name: values[f"{protocol}.{name}"] for name in ("server", "port", "security")}
    server, port, security = str(given["server"]), int(given["port"]), str(given["security"])
    if not server:
        return None
    login = _login(values, protocol)
    match protocol:
        case Protocol.SMTP:
            receivers = receivers_of(str(values["smtp.receiver"]))
            return SmtpTarget(server, port, str(values["smtp.sender"]), receivers, login, MailSecurity(security))
        case Protocol.FTP:
            return FtpTarget(server, port, bool(values["ftp.passive"]), login, secure=security == "tls")
        case Protocol.HTTP:
            path, field_name = "/" + str(values["http.path"]).lstrip("/"), str(values["http.field_name"])
            return HttpTarget(server, port, path, field_name or "file", login, secure=security == "tls")


def _login(values: Values, protocol: Protocol) -> Login | None:
    if not values[f"{protocol}.authentication"]:
        return None
    return Login(str(values[f"{protocol}.username"]), str(values[f"{protocol}.password"]))
