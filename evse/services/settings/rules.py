"""Rules between settings: what must fit together before a configuration is accepted as a whole.

Each rule looks at every value of the board and yields a finding at the setting that should be changed. Settings that do
not count at the moment (:meth:`Catalogue.shown`) are judged by themselves only.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from evse.services.settings.addresses import network_rules
from evse.services.settings.charging_network_rules import charging_network_rules
from evse.services.settings.finding import Finding, Findings, Proposal
from evse.services.settings.kinds import Label, Whole
from evse.services.settings.meter_rules import meter_rules
from evse.services.settings.model import Values
from evse.services.settings.registry import Catalogue

_MISSING = Label("missing", "manquant")
_MANDATORY: Final = {
    "smtp": ("server", "sender", "receiver"),
    "ftp": ("server",),
    "http": ("server", "path", "field_name"),
}
_SCHEMES: Final = {"1.6-json": ("ws", "wss"), "1.5-json": ("ws", "wss"), "1.5-soap": ("http",)}
_WIFI_KEY: Final = (8, 63)
_WIFI_NAME_BYTES: Final = 32
_OCPP_PASSWORD: Final = (16, 40)


def broken_rules(proposal: Proposal) -> tuple[Finding, ...]:
    """Every broken rule, in the order of the rules."""
    return tuple(finding for rule in RULES for finding in rule(proposal))


def missing_for_publication(catalogue: Catalogue, values: Values) -> tuple[Finding, ...]:
    """What is still needed before records can be sent, whatever the report frequency: for the TEST button."""
    return tuple(_publication(Proposal(catalogue, values)))


def maxima(proposal: Proposal) -> Findings:
    """Numbers whose greatest value is that of another setting."""
    for entry in proposal.catalogue:
        if not isinstance(entry.kind, Whole) or not entry.kind.maximum_key:
            continue
        key = entry.sibling(entry.kind.maximum_key)
        most = proposal.values.get(key)
        if isinstance(most, int) and proposal.number(entry.key) > most:
            allowed = f"{entry.kind.minimum}…{most} {entry.kind.unit}"
            yield Finding(
                entry.key,
                Label(f"more than {key}", f"plus que {key}"),
                Label(allowed, allowed),
                Label(f"lower it, or raise {key}", f"la baisser, ou augmenter {key}"),
            )


def _time(proposal: Proposal) -> Findings:
    if proposal.text("time.source") == "ntp" and not proposal.text("time.ntp_server"):
        yield Finding("time.ntp_server", _MISSING, Label("a server", "un serveur"))
    zone = proposal.text("time.zone")
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        example = Label("a name of the IANA list, such as Europe/Paris", "un nom de la liste IANA, comme Europe/Paris")
        yield Finding("time.zone", Label("not a time zone that is known here", "fuseau horaire inconnu ici"), example)


def _publication_in_use(proposal: Proposal) -> Findings:
    if proposal.text("publication.frequency") != "disabled":
        yield from _publication(proposal)


def _publication(proposal: Proposal) -> Findings:
    protocol = proposal.text("publication.protocol")
    names = list(_MANDATORY.get(protocol, ()))
    if proposal.on(f"{protocol}.authentication"):
        names += ["username", "password"]
    for name in names:
        if not proposal.text(f"{protocol}.{name}"):
            yield Finding(
                f"{protocol}.{name}",
                _MISSING,
                hint=Label(
                    "records are sent with this protocol: enter it, or set the report frequency to disabled",
                    "l’envoi se fait par ce protocole : le saisir, ou désactiver l’envoi",
                ),
            )


def _secrets_sent_elsewhere(proposal: Proposal) -> Findings:
    """A kept password goes where it was meant for: whoever names another server, or gives up encryption, must know it."""
    for protocol in _MANDATORY:
        key, server, security = (f"{protocol}.{name}" for name in ("password", "server", "security"))
        if not proposal.text(key) or key in proposal.given or not proposal.before.get(server):
            continue
        unprotected = security in proposal.keys and proposal.text(security) == "none"
        if server in proposal.keys or unprotected:
            yield Finding(
                key,
                Label(
                    "was entered for another server or encryption", "a été saisi pour un autre serveur ou chiffrement"
                ),
                Label("the password entered again, or empty", "le mot de passe saisi à nouveau, ou vide"),
                Label("enter it in the same change", "le saisir dans la même modification"),
            )


def _supervision(proposal: Proposal) -> Findings:
    url, version = proposal.text("ocpp.url"), proposal.text("ocpp.version")
    schemes = _SCHEMES.get(version, ())
    if url and schemes and urlsplit(url).scheme not in schemes:
        allowed = " / ".join(f"{scheme}://" for scheme in schemes)
        what = Label(f"does not go with OCPP {version}", f"ne convient pas à OCPP {version}")
        yield Finding("ocpp.url", what, Label(allowed, allowed))
    profile = proposal.text("ocpp.security_profile")
    if url and version == "1.6-json" and profile in ("2", "3") and not url.startswith("wss://"):
        what = Label(f"security profile {profile} needs TLS", f"le profil de sécurité {profile} exige TLS")
        yield Finding("ocpp.url", what, Label("wss://", "wss://"))
    password = proposal.text("ocpp.password")
    if (password or (url and profile in ("1", "2"))) and not _long_enough(password, _OCPP_PASSWORD):
        what = Label("too short or too long for an authorisation key", "trop courte ou trop longue")
        yield Finding("ocpp.password", what, _characters(_OCPP_PASSWORD))


def _wifi(proposal: Proposal) -> Findings:
    key = proposal.text("wifi.key")
    name = proposal.text("wifi.network")
    if len(name.encode()) > _WIFI_NAME_BYTES:
        what = Label(
            f"{len(name.encode())} bytes in UTF-8: letters with accents count double",
            f"{len(name.encode())} octets en UTF-8 : les lettres accentuées comptent double",
        )
        yield Finding(
            "wifi.network", what, Label(f"at most {_WIFI_NAME_BYTES} bytes", f"{_WIFI_NAME_BYTES} octets au plus")
        )
    needed = name and proposal.text("wifi.security") != "open"
    if (key or needed) and not (_long_enough(key, _WIFI_KEY) and key.isascii()):
        yield Finding(
            "wifi.key", Label("no key for a Wi-Fi network", "pas une clé de réseau Wi-Fi"), _characters(_WIFI_KEY)
        )


def _reader(proposal: Proposal) -> Findings:
    if proposal.catalogue.facts.reader:
        return
    for key in ("access.location", "access.location_supervised"):
        if proposal.text(key) == "charging_station":
            yield Finding(
                key,
                Label("the station has no RFID reader", "la borne n’a pas de lecteur RFID"),
                Label("another choice", "un autre choix"),
            )


def _long_enough(text: str, limits: tuple[int, int]) -> bool:
    return limits[0] <= len(text) <= limits[1]


def _characters(limits: tuple[int, int]) -> Label:
    return Label(f"{limits[0]} to {limits[1]} characters", f"{limits[0]} à {limits[1]} caractères")


RULES: Final[tuple[Callable[[Proposal], Findings], ...]] = (
    maxima,
    _reader,
    _time,
    _publication_in_use,
    _secrets_sent_elsewhere,
    _supervision,
    _wifi,
    meter_rules,
    network_rules,
    charging_network_rules,
)
