"""The head of a package: manifest and signature, before anything else of it is there.

A package that one station makes for another (``Slots.pack``) begins with its manifest and its signature, not compressed.
Whoever takes it knows after the first kilobytes who has signed it and what it is, and refuses it without having kept a byte.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from evse.records import dataclass
from evse.services.firmware.manifest import (
    MANIFEST_LIMIT,
    SIGNATURE_SIZE,
    Manifest,
    PackageError,
    check_signature,
    manifest_of,
)
from evse.services.firmware.package import MANIFEST, SIGNATURE, size_again

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ENTRY: Final = struct.Struct("<4s2xHH4x4xIIHH")
"""A local file header of a ZIP file (APPNOTE 6.3, 4.3.7): signature, flags, method, sizes, lengths of name and extra field."""
_MARK: Final = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Head:
    """The first two entries as they were read: nothing of it is believed yet."""

    manifest: bytes
    signature: bytes

    def checked(self, keys: Iterable[Ed25519PublicKey]) -> Manifest:
        """The manifest, after its signature was checked. Raises ``PackageError``."""
        check_signature(self.manifest, self.signature, keys)
        return manifest_of(self.manifest)


def head_of(data: bytes) -> Head | None:
    """The head at the beginning of ``data``; ``None`` while more is needed. Raises ``PackageError`` when there is none.

    More than a manifest and a signature of their greatest sizes is never needed.
    """
    manifest = _entry(data, 0, MANIFEST, MANIFEST_LIMIT)
    if manifest is None:
        return None
    signature = _entry(data, manifest[1], SIGNATURE, SIGNATURE_SIZE)
    return None if signature is None else Head(manifest[0], signature[0])


class Incoming:
    """A package that arrives in ``pieces``. ``manifest``: its own, as soon as its head has been accepted; then ``begun`` is called."""

    def __init__(self, pieces: AsyncIterator[bytes], begun: Callable[[], None] = lambda: None) -> None:
        self.manifest: Manifest | None = None
        self._pieces = pieces
        self._begun = begun

    async def accepted(self, judge: Callable[[Head], Awaitable[Manifest]]) -> AsyncIterator[bytes]:
        """The pieces: none before ``judge`` has accepted the head, and no byte more than the manifest allows.

        Raises what ``judge`` raises, and ``PackageError``.
        """
        held, allowed, size = b"", 0, 0
        async for piece in self._pieces:
            size += len(piece)
            held += piece
            if self.manifest is None:
                head = head_of(held)
                if head is None:
                    continue
                self.manifest = await judge(head)
                self._begun()
                allowed = size_again(self.manifest)
            if size > allowed:
                raise PackageError(f"the package has more than the {allowed} bytes that its manifest allows")
            yield held
            held = b""
        if self.manifest is None:
            raise PackageError("the package ends before its signature")


def _entry(data: bytes, start: int, name: str, limit: int) -> tuple[bytes, int] | None:
    """The content of the entry at ``start`` and where it ends; ``None`` while it is not all there."""
    if len(data) < start + _ENTRY.size:
        if not _MARK.startswith(data[start : start + len(_MARK)]):
            raise _no_head(name)
        return None
    mark, flags, method, packed, size, name_size, extra = _ENTRY.unpack_from(data, start)
    begin = start + _ENTRY.size + name_size
    plain = (mark, flags, method, extra) == (_MARK, 0, 0, 0) and packed == size <= limit and name_size == len(name)
    if not plain or not name.encode().startswith(data[start + _ENTRY.size : begin]):
        raise _no_head(name)
    return None if len(data) < begin + size else (data[begin : begin + size], begin + size)


def _no_head(name: str) -> PackageError:
    return PackageError(f"this is no package for another station: it does not begin with its {name}")
