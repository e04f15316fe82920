"""The manifest of a firmware package: what is signed.

A manifest is JSON in one exact form (sorted keys, no spaces), so that there is one text for one content. It names the
product, the version, a *rollback number* that only rises (a package below the highest number ever confirmed is refused)
and every file with size and SHA-256. The signature is Ed25519 over the manifest's bytes (RFC 8032).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from evse.records import dataclass

if TYPE_CHECKING:
    # Loaded only where a signature is made or checked: most starts of a station need none.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORMAT: Final = 1
MANIFEST_LIMIT: Final = 64 * 1024
FILES_LIMIT: Final = 200
SIZE_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of all files together."""
SIGNATURE_SIZE: Final = 64
_VERSION: Final = re.compile(r"(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})")
_PRODUCT: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = {"format", "product", "version", "rollback", "files"}
_FILE_FIELDS: Final = {"name", "size", "sha256"}


class PackageError(ValueError):
    """A package is not what it must be; the text says what and is fit for people."""


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """One file: a plain name without directories, its size in bytes, its SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a package holds. ``product``: the board's family; ``rollback``: see the module."""

    product: str
    version: str
    rollback: int
    files: tuple[PackagedFile, ...]


def manifest_bytes(manifest: Manifest) -> bytes:
    """The text that is signed."""
    files = [{"name": each.name, "size": each.size, "sha256": each.sha256} for each in manifest.files]
    body = {
        "format": FORMAT,
        "product": manifest.product,
        "version": manifest.version,
        "rollback": manifest.rollback,
        "files": files,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")


def manifest_of(data: bytes) -> Manifest:
    """The manifest of a text. Raises ``PackageError`` for every text but those of ``manifest_bytes``."""
    if len(data) > MANIFEST_LIMIT:
        raise PackageError(f"the manifest has {len(data)} bytes, at most {MANIFEST_LIMIT} are allowed")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PackageError("the manifest is no JSON") from error
    if not isinstance(body, dict) or body.keys() != _FIELDS or body["format"] != FORMAT:
        raise PackageError(f"the manifest is not of format {FORMAT}")
    rows = body["files"] if isinstance(body["files"], list) else []
    manifest = Manifest(
        product=_text(body["product"], _PRODUCT, "product"),
        version=_text(body["version"], _VERSION, "version"),
        rollback=_whole(body["rollback"], 2**31, "rollback number"),
        files=tuple(_file(row) for row in rows[: FILES_LIMIT + 1]),
    )
    _check_files(manifest.files)
    if manifest_bytes(manifest) != data:
        raise PackageError("the manifest is not written in its one exact form")
    return manifest


def version_order(version: str) -> tuple[int, ...]:
    """By which versions are older and newer; one that is not three numbers is older than every other."""
    return tuple(map(int, version.split("."))) if _VERSION.fullmatch(version) else ()


def signed(manifest: Manifest, key: Ed25519PrivateKey) -> bytes:
    """The signature of ``manifest``, 64 bytes."""
    return key.sign(manifest_bytes(manifest))


def check_signature(data: bytes, signature: bytes, keys: Iterable[Ed25519PublicKey]) -> None:
    """Raise ``PackageError`` unless one of ``keys`` has signed ``data``."""
    from cryptography.exceptions import InvalidSignature

    for key in keys:
        try:
            key.verify(signature, data)
        except InvalidSignature:
            continue
        return
    raise PackageError("the signature is not from a maker this station trusts")


def _check_files(files: Sequence[PackagedFile]) -> None:
    if not 1 <= len(files) <= FILES_LIMIT:
        raise PackageError(f"a package has 1 to {FILES_LIMIT} files")
    if len({each.name.casefold() for each in files}) != len(files):
        raise PackageError("a file is named twice")
    total = sum(each.size for each in files)
    if total > SIZE_LIMIT:
        raise PackageError(f"the files have {total} bytes, at most {SIZE_LIMIT} are allowed")


def _file(row: Any) -> PackagedFile:
    if not isinstance(row, dict) or row.keys() != _FILE_FIELDS:
        raise PackageError("a file of the manifest is not described by name, size and sha256")
    return PackagedFile(
        name=_text(row["name"], _NAME, "file name"),
        size=_whole(row["size"], SIZE_LIMIT, "file size"),
        sha256=_text(row["sha256"], _HASH, "sha256"),
    )


def _text(value: Any, form: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise PackageError(f"{str(value)[:40]!r} is no {what}")
    return value


def _whole(value: Any, limit: int, what: str) -> int:
    if type(value) is not int or not 0 <= value <= limit:
        raise PackageError(f"{str(value)[:40]!r} is no {what} (0 to {limit})")
    return value
