"""A firmware package: a ZIP file (``.zip`` for EVlink, ``.keb`` for THØR) with manifest, signature and files.

The order of trust: the signature is checked over the manifest's bytes before anything in the manifest is believed; every
file is then read through its hash, never further than its declared size. An entry that the manifest does not name, a
directory, a link, a path, an encrypted or strangely compressed entry makes the whole package bad.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from evse.services.firmware.manifest import (
    FILES_LIMIT,
    MANIFEST_LIMIT,
    SIGNATURE_SIZE,
    SIZE_LIMIT,
    Manifest,
    PackagedFile,
    PackageError,
    check_signature,
    manifest_bytes,
    manifest_of,
    signed,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
PACKAGE_LIMIT: Final = SIZE_LIMIT + 1024 * 1024
"""Bytes of the package file."""
_DIRECTORY_LIMIT: Final = (FILES_LIMIT + 2) * 512
"""Bytes of the archive's list of its entries."""
_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_ZIP64_MARK: Final = b"PK\x06\x07"
_ZIP64_LOCATOR_SIZE: Final = 20
_RATIO_LIMIT: Final = 100
_PIECE: Final = 64 * 1024
_ENTRY_SIZE, _END_SIZE = 30 + 46, 22
"""Bytes of a ZIP file for each entry beside its name, twice, and its content; and once at the end (APPNOTE 6.3)."""
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What the ZIP reader raises for damaged input."""
_METHODS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class Package:
    """A package whose signature is good. Reading a file checks its hash; what is bad raises ``PackageError``."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest, signature: bytes) -> None:
        self.manifest = manifest
        self.signature = signature
        self._archive = archive

    def pieces(self, file: PackagedFile) -> Iterator[bytes]:
        """The content of ``file`` in pieces; the last one only comes when the whole is as declared."""
        digest = hashlib.sha256()
        size = 0
        held = b""
        try:
            with self._archive.open(file.name) as stream:
                while piece := stream.read(_PIECE):
                    size += len(piece)
                    if size > file.size:
                        raise PackageError(f"{file.name} is larger than the manifest says")
                    digest.update(piece)
                    if held:
                        yield held
                    held = piece
        except PackageError:
            raise
        except _BROKEN as error:
            raise PackageError(f"{file.name} cannot be unpacked: {error}") from error
        if size != file.size or digest.hexdigest() != file.sha256:
            raise PackageError(f"{file.name} is not what the manifest says")
        if held:
            yield held

    def check_files(self) -> None:
        """Read every file once. Raises ``PackageError`` if one is not as declared."""
        for file in self.manifest.files:
            for _ in self.pieces(file):
                pass


def open_package(stream: BinaryIO, size: int, keys: Iterable[Ed25519PublicKey]) -> Package:
    """The package in ``stream`` (``size`` bytes), after its signature was checked. Raises ``PackageError``.

    The files themselves are checked when they are read.
    """
    if size > PACKAGE_LIMIT:
        raise PackageError(f"the package has {size} bytes, at most {PACKAGE_LIMIT} are allowed")
    try:
        _check_directory(stream, size)
        archive = zipfile.ZipFile(stream)
        entries = _entries(archive)
        data = _small(archive, entries, MANIFEST, MANIFEST_LIMIT)
        signature = _small(archive, entries, SIGNATURE, SIGNATURE_SIZE)
    except PackageError:
        raise
    except _BROKEN as error:
        raise PackageError(f"this is no firmware package: {error}") from error
    check_signature(data, signature, keys)
    manifest = manifest_of(data)
    declared = {each.name: each.size for each in manifest.files}
    if entries.keys() - {MANIFEST, SIGNATURE} != declared.keys():
        raise PackageError("the files in the package are not those of the manifest")
    for name, entry_size in declared.items():
        if entries[name].file_size != entry_size:
            raise PackageError(f"{name} has {entries[name].file_size} bytes, the manifest says {entry_size}")
    return Package(archive, manifest, signature)


def write_package(
    path: Path, product: str, version: str, rollback: int, files: Mapping[str, bytes], key: Ed25519PrivateKey
) -> Manifest:
    """Make a package: for makers of firmware. Raises ``PackageError`` for names and values that no station would take."""
    described = tuple(
        PackagedFile(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in sorted(files.items())
    )
    manifest = manifest_of(manifest_bytes(Manifest(product, version, rollback, described)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (
            (MANIFEST, manifest_bytes(manifest)),
            (SIGNATURE, signed(manifest, key)),
            *sorted(files.items()),
        ):
            archive.writestr(_info(name), data, zipfile.ZIP_DEFLATED)
    return manifest


def write_again(stream: BinaryIO, manifest: Manifest, signature: bytes, read: Callable[[PackagedFile], bytes]) -> None:
    """Make the package anew whose parts are there. ``read`` gives the content of a file; ``stream`` can be sought in.

    Manifest and signature come first and not compressed, so that whoever gets it can judge it before the rest arrives.
    """
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_info(MANIFEST), manifest_bytes(manifest))
        archive.writestr(_info(SIGNATURE), signature)
        for file in manifest.files:
            archive.writestr(_info(file.name), read(file))


def size_again(manifest: Manifest) -> int:
    """Bytes of the package that ``write_again`` makes, at most."""
    parts = [
        (MANIFEST, MANIFEST_LIMIT),
        (SIGNATURE, SIGNATURE_SIZE),
        *((each.name, each.size) for each in manifest.files),
    ]
    return _END_SIZE + sum(_ENTRY_SIZE + 2 * len(name) + size for name, size in parts)


def _info(name: str) -> zipfile.ZipInfo:
    # Fixed times: the same content gives the same package.
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))


def _check_directory(stream: BinaryIO, size: int) -> None:
    """Refuse a list of files that is too long before the library reads it: it makes an object of each of a million entries.

    An archive of ours ends with the plain record of PKWARE's APPNOTE 4.3.16: no comment after it, no ZIP64 before it.
    """
    stream.seek(max(size - _ZIP64_LOCATOR_SIZE - _END.size, 0))
    tail = stream.read()
    stream.seek(0)
    if len(tail) < _END.size:
        raise PackageError("this is no firmware package: it is too short for a ZIP file")
    mark, _, _, _, _, directory_size, _, comment_size = _END.unpack(tail[-_END.size :])
    if mark != _END_MARK or comment_size or tail.startswith(_ZIP64_MARK):
        raise PackageError("this is no firmware package: it does not end like a ZIP file without comment and ZIP64")
    if directory_size > _DIRECTORY_LIMIT:
        raise PackageError(
            f"the list of files in the package has {directory_size} bytes, at most {_DIRECTORY_LIMIT} are allowed"
        )


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    if len(infos) > FILES_LIMIT + 2:
        raise PackageError(f"the package has {len(infos)} entries, at most {FILES_LIMIT + 2} are allowed")
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or info.is_dir() or "/" in info.filename or "\\" in info.filename:
            raise PackageError(f"{info.filename[:60]!r} is not a plain file")
        if info.flag_bits & 0x1 or info.compress_type not in _METHODS:
            raise PackageError(f"{info.filename[:60]!r} is encrypted or packed in an unknown way")
        if info.file_size > max(info.compress_size, 1) * _RATIO_LIMIT and info.file_size > _PIECE:
            raise PackageError(f"{info.filename[:60]!r} unpacks to more than {_RATIO_LIMIT} times its size")
    entries = {info.filename: info for info in infos}
    if len(entries) != len(infos):
        raise PackageError("an entry comes twice")
    return entries


def _small(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str, limit: int) -> bytes:
    if name not in entries:
        raise PackageError(f"this is no firmware package: it has no {name}")
    with archive.open(name) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise PackageError(f"{name} is longer than {limit} bytes")
    return data
