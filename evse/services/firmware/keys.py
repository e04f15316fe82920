"""The maker's keys: whose signature makes a package. Public keys lie on the station, the secret one with the maker.

Cryptography is loaded only where there is a key.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_log = logging.getLogger(__name__)


class KeyProblem(ValueError):
    """A file holds no such key; the text says which and why."""


def maker_keys(directory: Path) -> tuple[Ed25519PublicKey, ...]:
    """Every public key (``*.pem``) in a directory, in the order of the names; none when there is no directory.

    A file that is no Ed25519 public key is left out and said in the log: it trusts nobody.
    """
    keys = []
    for path in sorted(directory.glob("*.pem")):
        try:
            keys.append(_public(path))
        except KeyProblem as error:
            _log.warning("%s", error)
    return tuple(keys)


def private_key(path: Path) -> Ed25519PrivateKey:
    """The maker's secret key from a PEM file. Raises ``KeyProblem``."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyProblem(f"{path} holds no secret key: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{path} holds a key of another kind: Ed25519 is needed")
    return key


def make_keys(secret: Path, public: Path) -> None:
    """Make a pair of keys: the secret one readable for its owner only. Raises ``OSError``, also when a file exists."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    secret.touch(mode=0o600, exist_ok=False)
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with public.open("xb") as file:
        file.write(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def _public(path: Path) -> Ed25519PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyProblem(f"{path} holds no public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyProblem(f"{path} holds a key of another kind: Ed25519 is needed")
    return key
