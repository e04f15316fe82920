"""The `.cfg` file: a station's configuration to take along, without badges (EVlink guide DOCA0060, chapter 3).

JSON for people to read and for a station to believe only whole: a SHA-256 over everything else, and no form but the one
that is written here. The checksum shows damage and editing; it is no signature.

Secrets are left out, or encrypted with a passphrase: scrypt (N = 2^15, r = 8) and AES-256-GCM, which also ties them to
the rest of the file. What belongs to the board (type, rated current, hardware address) is not in the file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import Any, Final

from evse.records import dataclass
from evse.services.settings.configuration import BadConfiguration, plain_values
from evse.services.settings.kinds import Value
from evse.services.settings.model import Right, Role, Values
from evse.services.settings.registry import Catalogue

KIND: Final = "evse-configuration"
FORMAT: Final = 1
FILE_LIMIT: Final = 64 * 1024
PASSPHRASE_MINIMUM: Final = 8
PASSPHRASE_LIMIT: Final = 128
_COST_LOG2: Final = 15
_FIELDS: Final = {"kind", "format", "family", "serial", "program", "settings", "secrets", "sha256"}
_SECRET_FIELDS: Final = {"salt", "nonce", "data"}


class BadCfg(ValueError):
    """The file is refused; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class CfgFile:
    """A file that is whole. ``secrets``: encrypted, empty when there are none in it."""

    family: str
    serial: str
    program: str
    settings: Values
    secrets: dict[str, str]


def encode_cfg(catalogue: Catalogue, values: Values, passphrase: str, program: str) -> bytes:
    """The file of a board's ``values``. Without ``passphrase`` secrets are left out. Slow with one (a quarter second)."""
    open_values = {key: values[key] for key in portable(catalogue, secret=False)}
    body: dict[str, Any] = {
        "kind": KIND,
        "format": FORMAT,
        "family": catalogue.facts.family,
        "serial": catalogue.facts.serial,
        "program": program,
        "settings": open_values,
        "secrets": {},
    }
    secrets = {key: values[key] for key in portable(catalogue, secret=True) if values[key] != ""}
    if passphrase and secrets:
        # Loaded only where it is used: most stations never need it.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        salt, nonce = os.urandom(16), os.urandom(12)
        sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, _canonical(secrets), _canonical(body))
        body["secrets"] = {
            "salt": salt.hex(),
            "nonce": nonce.hex(),
            "data": base64.b64encode(sealed).decode("ascii"),
        }
    return _file(body)


def decode_cfg(data: bytes) -> CfgFile:
    """Read a file. Raises BadCfg for everything that ``encode_cfg`` did not write."""
    if len(data) > FILE_LIMIT:
        raise BadCfg(f"longer than {FILE_LIMIT} bytes: not a configuration file of a station")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadCfg("not a configuration file of a station") from error
    if not isinstance(body, dict) or set(body) != _FIELDS or body["kind"] != KIND:
        raise BadCfg("not a configuration file of a station")
    if body["format"] != FORMAT:
        raise BadCfg(
            f"format {str(body['format'])[:20]} is not known here, only {FORMAT}: update this station's program"
        )
    secrets = body["secrets"]
    texts = (body["family"], body["serial"], body["program"], *(secrets.values() if isinstance(secrets, dict) else [0]))
    if not all(isinstance(text, str) for text in texts) or set(secrets) not in (set(), _SECRET_FIELDS):
        raise BadCfg("not a configuration file of a station")
    try:
        settings = plain_values(body["settings"])
    except BadConfiguration as error:
        raise BadCfg("not a configuration file of a station") from error
    if _file({name: value for name, value in body.items() if name != "sha256"}) != data:
        raise BadCfg("the file is damaged or was edited: export it again")
    return CfgFile(body["family"], body["serial"], body["program"], settings, secrets)


def wanted_from(file: CfgFile, catalogue: Catalogue, values: Values, passphrase: str) -> dict[str, Value]:
    """Every setting as the file wants it, for a change of the whole configuration. Raises BadCfg. Slow with secrets.

    What the file has not is as from the factory. A secret that is not in the file stays as it is only where everything
    else of its group (``smtp.…``) stays: no file sends a password that it does not know to another server.
    """
    if file.family != catalogue.facts.family:
        raise BadCfg(
            f"the file is from a station of the family {file.family[:40]!r}, this one is {catalogue.facts.family}"
        )
    secret_keys = set(portable(catalogue, secret=True))
    foreign = sorted(set(file.settings) - set(portable(catalogue, secret=False)))
    if foreign:
        raise BadCfg(f"this station has no settings {', '.join(foreign[:5])}: the file is from another board")
    wanted = {key: catalogue.factory[key] for key in portable(catalogue, secret=False)} | dict(file.settings)
    opened = _opened(file, passphrase)
    if not set(opened) <= secret_keys:
        raise BadCfg("the file has secrets that this station has no settings for: it is from another board")
    for key in secret_keys:
        group = key.rpartition(".")[0] + "."
        same = all(
            wanted[each] == values[each] for each in wanted if each.startswith(group) and each not in secret_keys
        )
        wanted[key] = opened.get(key, values[key] if same and not opened else "")
    return wanted


def portable(catalogue: Catalogue, *, secret: bool) -> tuple[str, ...]:
    """The keys that a file carries: what the administrator may write."""
    return tuple(
        entry.key
        for entry in catalogue
        if entry.setting.right(Role.ADMIN) is Right.WRITE and entry.setting.secret is secret
    )


def _opened(file: CfgFile, passphrase: str) -> dict[str, Value]:
    if not file.secrets:
        return {}
    if not passphrase:
        raise BadCfg("the file has secrets: give the passphrase it was exported with")
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    body = {
        "kind": KIND,
        "format": FORMAT,
        "family": file.family,
        "serial": file.serial,
        "program": file.program,
        "settings": dict(file.settings),
        "secrets": {},
    }
    try:
        salt, nonce = bytes.fromhex(file.secrets["salt"]), bytes.fromhex(file.secrets["nonce"])
        sealed = base64.b64decode(file.secrets["data"], validate=True)
        return dict(plain_values(json.loads(AESGCM(_key(passphrase, salt)).decrypt(nonce, sealed, _canonical(body)))))
    except (InvalidTag, ValueError) as error:
        raise BadCfg("the passphrase is not the one that the file was exported with") from error


def _key(passphrase: str, salt: bytes) -> bytes:
    n = 1 << _COST_LOG2
    data = passphrase.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=n, r=8, p=1, maxmem=256 * n * 8, dklen=32)


def _file(body: dict[str, Any]) -> bytes:
    whole = {**body, "sha256": hashlib.sha256(_canonical(body)).hexdigest()}
    return json.dumps(whole, ensure_ascii=True, sort_keys=True, indent=1, allow_nan=False).encode("ascii") + b"\n"


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
