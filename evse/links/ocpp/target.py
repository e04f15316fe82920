"""Where the central system is and how it is reached: the URL's rules and the security profile (OCPP-J 1.6, 3.1; security whitepaper).

======= ==================================================================================================================
profile transport
======= ==================================================================================================================
0       `ws` or `wss` without a password
1       `ws` or `wss` with HTTP basic authentication: the identity and the authorisation key
2       `wss` with basic authentication; the server's certificate is checked
3       `wss` with a certificate of the station's own; the server's certificate is checked
======= ==================================================================================================================

With `wss` the certificate, its chain and its name are always checked, TLS is 1.2 at least; there is no way to switch that off.
"""

from __future__ import annotations

import base64
import ssl
import tempfile
from dataclasses import field
from typing import Final
from urllib.parse import quote, urlsplit

from evse.links.ocpp.dialect import Version
from evse.records import dataclass

URL_LIMIT: Final = 255
IDENTITY_LIMIT: Final = 48


class TargetError(ValueError):
    """The central system cannot be reached like this; the text says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Certificates in PEM. ``roots``: whom to trust, empty for those of the system; the others are the station's own for
    profile 3, as text or else as files.
    """

    roots: str = ""
    certificate_file: str = ""
    key_file: str = field(default="", repr=False)
    certificate: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """What to connect to. ``authorisation``: value of the HTTP header, empty for none."""

    url: str
    authorisation: str = field(default="", repr=False)
    tls: bool = False
    subprotocol: str = "ocpp1.6"


def target_of(url: str, identity: str, profile: int, password: str, version: Version = Version.V16) -> Target:
    """Return the target of the settings. Raises TargetError."""
    check_url(url)
    if not identity or len(identity) > IDENTITY_LIMIT or not identity.isprintable() or not identity.isascii():
        raise TargetError(f"the charging station ID must be 1 to {IDENTITY_LIMIT} printable ASCII characters")
    if ":" in identity and profile in (1, 2):
        raise TargetError("a charging station ID with a colon cannot be used with a password")
    tls = urlsplit(url).scheme == "wss"
    if profile >= 2 and not tls:
        raise TargetError(f"security profile {profile} needs a wss:// address")
    authorisation = ""
    if profile in (1, 2):
        if not password:
            raise TargetError(f"security profile {profile} needs a password (AuthorizationKey)")
        authorisation = "Basic " + base64.b64encode(f"{identity}:{password}".encode()).decode("ascii")
    return Target(f"{url.rstrip('/')}/{quote(identity, safe='')}", authorisation, tls, version.subprotocol)


def check_url(url: str) -> None:
    """Check the supervision URL as people enter it. Raises TargetError."""
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > URL_LIMIT:
        raise TargetError(f"the supervision URL must be at most {URL_LIMIT} printable ASCII characters without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetError(f"the supervision URL cannot be understood: {error}") from None
    match parts.scheme:
        case "ws" | "wss":
            pass
        case "http" | "https":
            raise TargetError("http:// means OCPP over SOAP, which this version does not speak: use ws:// or wss://")
        case _:
            raise TargetError("the supervision URL must begin with ws:// or wss://")
    if not parts.hostname:
        raise TargetError("the supervision URL names no host")
    if parts.username is not None or parts.password is not None:
        raise TargetError("the supervision URL must not hold a user or password: there are settings for them")
    if parts.fragment or parts.query:
        raise TargetError("the supervision URL must not hold '#' or '?': the station ID is appended to it")
    if port == 0:
        raise TargetError("the supervision URL's port must be 1 to 65535")


def tls_context(profile: int, trust: Trust) -> ssl.SSLContext:
    """Return the TLS settings. Raises TargetError for certificates that cannot be used."""
    try:
        context = ssl.create_default_context(cadata=trust.roots or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if profile == 3:
            _show_certificate(context, trust)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise error if isinstance(error, TargetError) else TargetError(f"certificates: {error}") from error
    return context


def _show_certificate(context: ssl.SSLContext, trust: Trust) -> None:
    if trust.certificate and trust.key:
        # The library reads files only; this one is ours alone and gone at once.
        with tempfile.NamedTemporaryFile("w", encoding="ascii", suffix=".pem") as file:
            file.write(trust.certificate.rstrip() + "\n" + trust.key)
            file.flush()
            context.load_cert_chain(file.name)
    elif trust.certificate_file:
        context.load_cert_chain(trust.certificate_file, trust.key_file or None)
    else:
        raise TargetError("security profile 3 needs a certificate of the station")
