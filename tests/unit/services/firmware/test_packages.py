"""Firmware packages: only what a trusted maker signed is taken, whole."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evse.services.firmware.manifest import (
    Manifest,
    PackagedFile,
    PackageError,
    manifest_bytes,
    manifest_of,
    signed,
)
from evse.services.firmware.package import MANIFEST, SIGNATURE, Package, open_package, write_package

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
FILES = {"evse.whl": bytes(Random(1).randbytes(3_000)) + b"a" * 5_000, "notes.txt": b"What is new\n"}


@pytest.fixture(scope="module")
def package_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("package") / "station.zip"
    write_package(path, "parking", "3.4.0", 7, FILES, KEY)
    return path.read_bytes()


def opened(data: bytes) -> Package:
    return open_package(io.BytesIO(data), len(data), [OTHER.public_key(), KEY.public_key()])


def accepted(data: bytes) -> dict[str, bytes]:
    package = opened(data)
    package.check_files()
    return {file.name: b"".join(package.pieces(file)) for file in package.manifest.files}


def rebuilt(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The package with other entries, as somebody without the key could make it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.req("MNT-03")
def test_a_signed_package_gives_its_files(package_bytes: bytes) -> None:
    package = opened(package_bytes)
    assert (package.manifest.product, package.manifest.version, package.manifest.rollback) == ("parking", "3.4.0", 7)
    assert accepted(package_bytes) == FILES


@pytest.mark.req("MNT-03")
def test_a_key_that_nobody_trusts_is_refused(package_bytes: bytes) -> None:
    with pytest.raises(PackageError, match="not from a maker this station trusts"):
        open_package(io.BytesIO(package_bytes), len(package_bytes), [OTHER.public_key()])


@pytest.mark.req("MNT-03")
def test_a_thousand_mutated_packages_and_none_is_accepted(package_bytes: bytes) -> None:
    random = Random(20)
    taken = 0
    for _ in range(1_000):
        data = bytearray(package_bytes)
        match random.randrange(4):
            case 0:
                data[random.randrange(len(data))] ^= 1 << random.randrange(8)
            case 1:
                del data[random.randrange(len(data)) :]
            case 2:
                at = random.randrange(len(data))
                data[at : at + random.randrange(1, 200)] = random.randbytes(random.randrange(200))
            case _:
                at, other = sorted(random.sample(range(len(data)), 2))
                data[at:at] = data[other:]
        try:
            files = accepted(bytes(data))
        except PackageError:
            continue
        # Bytes that no reader looks at (times, comments) may differ: what counts is what would be installed.
        assert files == FILES
        taken += 1
    assert taken < 250, "most places count"


def replace_file(entries: dict[str, bytes]) -> None:
    entries["evse.whl"] = b"evil"


def add_file(entries: dict[str, bytes]) -> None:
    entries["more.sh"] = b"#!/bin/sh"


def add_path(entries: dict[str, bytes]) -> None:
    entries["../../etc/cron.d/evil"] = b"* * * * * root evil"


def take_file(entries: dict[str, bytes]) -> None:
    del entries["notes.txt"]


def take_signature(entries: dict[str, bytes]) -> None:
    del entries[SIGNATURE]


def sign_by_another(entries: dict[str, bytes]) -> None:
    entries[SIGNATURE] = signed(manifest_of(entries[MANIFEST]), STRANGER)


def raise_version(entries: dict[str, bytes]) -> None:
    entries[MANIFEST] = entries[MANIFEST].replace(b"3.4.0", b"9.9.9")


@pytest.mark.req("MNT-03")
@pytest.mark.parametrize(
    "change", [replace_file, add_file, add_path, take_file, take_signature, sign_by_another, raise_version]
)
def test_a_package_built_anew_without_the_key_is_refused(
    package_bytes: bytes, change: Callable[[dict[str, bytes]], None]
) -> None:
    with pytest.raises(PackageError):
        accepted(rebuilt(package_bytes, change))


def test_bombs_links_and_encrypted_entries_are_refused_before_unpacking() -> None:
    def packed(info: zipfile.ZipInfo, content: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()

    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with pytest.raises(PackageError, match="not a plain file"):
        opened(packed(link, b"/etc/passwd"))
    with pytest.raises(PackageError, match="more than 100 times"):
        opened(packed(zipfile.ZipInfo("bomb"), bytes(5_000_000)))
    with pytest.raises(PackageError, match="no firmware package"):
        opened(b"PK\x03\x04 nonsense")
    with pytest.raises(PackageError, match=r"at most \d+ are allowed"):
        open_package(io.BytesIO(b""), 2**40, [KEY.public_key()])


GOOD = Manifest("parking", "1.2.3", 4, (PackagedFile("a.bin", 1, "0" * 64),))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 50_000,
        manifest_bytes(GOOD) + b" ",
        manifest_bytes(GOOD).replace(b"1.2.3", b"1.2"),
        manifest_bytes(GOOD).replace(b"1.2.3", b"01.2.3"),
        manifest_bytes(GOOD).replace(b"a.bin", b"../a"),
        manifest_bytes(GOOD).replace(b"a.bin", b".a"),
        manifest_bytes(GOOD).replace(b'"size":1', b'"size":-1'),
        manifest_bytes(GOOD).replace(b'"size":1', b'"size":true'),
        manifest_bytes(GOOD).replace(b'"size":1', b'"size":99999999999'),
        manifest_bytes(GOOD).replace(b"parking", b"Parking"),
        manifest_bytes(GOOD).replace(b'"format":1', b'"format":2'),
        manifest_bytes(Manifest("parking", "1.2.3", 4, ())),
        manifest_bytes(Manifest("parking", "1.2.3", 4, GOOD.files * 2)),
        manifest_bytes(Manifest("parking", "1.2.3", -1, GOOD.files)),
    ],
)
def test_a_manifest_out_of_form_is_refused(text: bytes) -> None:
    assert manifest_of(manifest_bytes(GOOD)) == GOOD
    with pytest.raises(PackageError):
        manifest_of(text)


@pytest.mark.req("MNT-03")
@pytest.mark.parametrize(
    ("end", "said"),
    [
        (
            struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, 60_000_000, 0, 0),
            "the list of files in the package has 60000000",
        ),
        (struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 50, 0, 1) + b"x", "without comment"),
        (b"PK\6\7" + bytes(16) + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 50, 0, 0), "ZIP64"),
        (b"PK\5\6", "too short"),
        (b"", "too short"),
    ],
)
def test_a_list_of_files_without_bound_is_never_read(end: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(PackageError, match=said):
        opened(end)


def test_a_maker_cannot_pack_what_no_station_would_take(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no file name"):
        write_package(tmp_path / "x.zip", "parking", "1.0.0", 0, {"a/b": b""}, KEY)
