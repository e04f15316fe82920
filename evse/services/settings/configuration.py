"""A configuration: one immutable value with version and digest, and its file.

Kept are the values that somebody has changed; everything else is from the factory, so that a new program or board
brings its own. The version rises with every change, resets included, and is never used twice on a station. The digest
names the content together with a random ``nonce``, so that nobody who reads it can try out secrets against it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from evse.records import dataclass
from evse.services.settings.kinds import Value
from evse.services.settings.model import Values, frozen

FORMAT: Final = 1
FILE_LIMIT: Final = 256 * 1024
KEY_LIMIT: Final = 80
KEYS_LIMIT: Final = 1_000


class BadConfiguration(ValueError):
    """The bytes are no configuration of this format, or they were damaged; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is configured. ``version`` 1 with nothing changed is the state from the factory."""

    version: int = 1
    changed: Values = field(default_factory=lambda: frozen({}))
    nonce: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal over version, nonce and content."""
        return hashlib.sha256(_canonical(self.as_dict())).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """The content as plain values."""
        return {"format": FORMAT, "version": self.version, "nonce": self.nonce, "changed": dict(self.changed)}

    def following(self, changed: Values, nonce: str) -> Configuration:
        """The next configuration."""
        return Configuration(self.version + 1, frozen(changed), nonce)


def encode(configuration: Configuration) -> bytes:
    """The file: JSON in one canonical form, with the digest of the rest."""
    return _canonical({**configuration.as_dict(), "digest": configuration.digest}) + b"\n"


def decode(data: bytes) -> Configuration:
    """The configuration of a file. Raises BadConfiguration for everything that ``encode`` did not write."""
    if len(data) > FILE_LIMIT:
        raise BadConfiguration(f"longer than {FILE_LIMIT} bytes")
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadConfiguration("not JSON") from error
    if not isinstance(fields, dict) or set(fields) != {"format", "version", "nonce", "changed", "digest"}:
        raise BadConfiguration("not the fields of a configuration")
    if fields["format"] != FORMAT:
        raise BadConfiguration(f"format {fields['format']!r} is not known, this version reads {FORMAT}")
    version, nonce = fields["version"], fields["nonce"]
    if type(version) is not int or version < 1 or not isinstance(nonce, str):
        raise BadConfiguration("no version")
    configuration = Configuration(version, frozen(plain_values(fields["changed"])), nonce)
    if fields["digest"] != configuration.digest or encode(configuration) != data:
        raise BadConfiguration("the content does not match its digest: damaged or edited")
    return configuration


def plain_values(fields: object) -> Mapping[str, Value]:
    """Settings by key out of foreign JSON. Raises BadConfiguration."""
    if not isinstance(fields, dict) or len(fields) > KEYS_LIMIT:
        raise BadConfiguration("no settings by key")
    values: dict[str, Value] = {}
    for key, value in fields.items():
        if not isinstance(key, str) or len(key) > KEY_LIMIT or not isinstance(value, bool | int | str):
            raise BadConfiguration("a setting that is neither number, text nor truth value")
        values[key] = value
    return values


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=True, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
