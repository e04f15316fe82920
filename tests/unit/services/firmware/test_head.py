"""A package from another station is judged by its first bytes; what does not begin as it must costs nothing."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.services.firmware.head import Head, Incoming, head_of
from evse.services.firmware.manifest import MANIFEST_LIMIT, Manifest, PackageError
from evse.services.firmware.package import MANIFEST, SIGNATURE, open_package, size_again, write_package
from evse.services.firmware.slots import Slots
from tests.fakes.firmware_bench import KEY, FirmwareBench, package_bytes

pytestmark = pytest.mark.req("MNT-03")


def confirmed_bench(version: str = "2.0.0", content: bytes = b"program" * 3_000) -> FirmwareBench:
    """A station whose confirmed version came as a package."""
    bench = FirmwareBench()
    bench.service.stage(package_bytes(version, 3, content=content))
    bench.service.install()
    bench.restart()
    bench.service.confirm()
    return bench


def handed_on(version: str = "2.0.0", content: bytes = b"program" * 3_000) -> bytes:
    """A package as a master makes it of the version that it runs."""
    return packed(confirmed_bench(version, content).slots())


def packed(slots: Slots) -> bytes:
    buffer = io.BytesIO()
    slots.pack(buffer)
    return buffer.getvalue()


PACKAGE = handed_on()


def test_a_package_made_again_is_the_makers_own_and_begins_with_its_head() -> None:
    package = open_package(io.BytesIO(PACKAGE), len(PACKAGE), [KEY.public_key()])
    package.check_files()
    assert package.manifest.version == "2.0.0"
    assert len(PACKAGE) <= size_again(package.manifest)
    head = head_of(PACKAGE)
    assert head is not None
    assert head.checked([KEY.public_key()]) == package.manifest
    with pytest.raises(PackageError, match="not from a maker"):
        head.checked([])
    with zipfile.ZipFile(io.BytesIO(PACKAGE)) as archive:
        assert archive.namelist()[:2] == [MANIFEST, SIGNATURE]


def test_the_program_that_came_with_the_machine_is_no_package() -> None:
    with pytest.raises(PackageError, match="came with the machine"):
        packed(FirmwareBench().slots())


def test_a_version_that_is_damaged_on_the_disk_is_not_handed_on() -> None:
    bench = confirmed_bench()
    (path,) = [each for each in bench.disk.files if each.name == "app"]
    bench.disk.replace(path, b"progrbm")
    with pytest.raises(PackageError, match="not kept as it was written"):
        packed(bench.slots())


def test_every_beginning_asks_for_more_until_the_head_is_there() -> None:
    head = head_of(PACKAGE)
    assert head is not None
    end = PACKAGE.index(head.signature) + len(head.signature)
    assert {head_of(PACKAGE[:size]) for size in range(end)} == {None}
    assert head_of(PACKAGE[:end]) == head


def test_a_makers_compressed_package_does_not_begin_so(tmp_path: Path) -> None:
    write_package(tmp_path / "x.keb", "thor", "2.0.0", 1, {"app": b"program"}, KEY)
    with pytest.raises(PackageError, match=r"does not begin with its manifest\.json"):
        head_of((tmp_path / "x.keb").read_bytes())


@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_beginning_raises_anything_else(noise: bytes, kept: int) -> None:
    try:
        assert head_of(PACKAGE[:kept] + noise) is None
    except PackageError:
        pass


def test_a_mutated_head_is_refused_or_the_same() -> None:
    whole = head_of(PACKAGE)
    assert whole is not None
    end = PACKAGE.index(whole.signature) + len(whole.signature)
    random = Random(5)
    for _ in range(1_500):
        data = bytearray(PACKAGE[:end])
        data[random.randrange(end)] ^= 1 << random.randrange(8)
        try:
            head = head_of(bytes(data))
            if head is not None:
                assert head.checked([KEY.public_key()]).version == "2.0.0"
                assert head == whole
        except PackageError:
            continue


async def pieces_of(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


class Receiver:
    """Takes a package; what it ``kept``, and how many bytes it was ``sent`` before it said no."""

    def __init__(self) -> None:
        self.kept = b""

    async def judge(self, head: Head) -> Manifest:
        assert self.kept == b""
        return head.checked([KEY.public_key()])

    async def take(self, incoming: Incoming) -> None:
        async for piece in incoming.accepted(self.judge):
            self.kept += piece


@pytest.mark.parametrize("size", [1, 7, 1_000, 10**6])
def test_what_is_accepted_arrives_whole_in_whatever_pieces(size: int) -> None:
    receiver, incoming = Receiver(), Incoming(pieces_of(PACKAGE, size))
    asyncio.run(receiver.take(incoming))
    assert receiver.kept == PACKAGE
    assert incoming.manifest is not None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"MZ" * 40_000,
        PACKAGE[:40],
        PACKAGE.replace(b'"2.0.0"', b'"9.0.0"'),
        b"PK\x03\x04" + bytes(26) + MANIFEST.encode(),
        PACKAGE[:18] + b"\xff\xff\xff\x7f" * 2 + PACKAGE[26:],
    ],
)
def test_nothing_of_a_stranger_is_kept(data: bytes) -> None:
    receiver, incoming = Receiver(), Incoming(pieces_of(data, 500))
    with pytest.raises(PackageError):
        asyncio.run(receiver.take(incoming))
    assert (receiver.kept, incoming.manifest) == (b"", None)


def test_no_byte_more_is_kept_than_the_signed_manifest_allows() -> None:
    receiver, incoming = Receiver(), Incoming(pieces_of(PACKAGE + bytes(10**6), 1_000))
    with pytest.raises(PackageError, match="more than the"):
        asyncio.run(receiver.take(incoming))
    assert incoming.manifest is not None
    assert len(receiver.kept) <= size_again(incoming.manifest)


def test_a_head_has_its_limit() -> None:
    async def endless() -> AsyncIterator[bytes]:
        begin = PACKAGE[:18] + (64 * 1024).to_bytes(4, "little") * 2 + PACKAGE[26:43]
        yield begin
        sent = len(begin)
        while True:
            sent += 1_000
            assert sent < MANIFEST_LIMIT + 10_000
            yield b"x" * 1_000

    with pytest.raises(PackageError):
        asyncio.run(Receiver().take(Incoming(endless())))
