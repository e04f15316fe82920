"""The badge list as a file: whole or not at all, edited never, safe in a spreadsheet, fast."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evse.services.badges.badge import BADGE_LIMIT, Badge, BadgeType
from evse.services.badges.badge_file import (
    ERRORS_SHOWN,
    FILE_LIMIT,
    BadgeFileRefused,
    export_badges,
    import_badges,
)
from evse.services.badges.badge_list import BadgeList

LIST = BadgeList((Badge("04A1B2C3", comment='Anna; or "Änni"'), Badge("04A1B2C3D4E5F6", BadgeType.VIP, "=cmd|'/C'!A0")))
FILE = export_badges(LIST)
UIDS = st.sampled_from([4, 7, 8, 10]).flatmap(lambda size: st.binary(min_size=size, max_size=size)).map(bytes.hex)
TEXT = st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" '=+-@;\",")
COMMENTS = st.text(TEXT, max_size=50).filter(str.isprintable)
LISTS = st.lists(
    st.builds(Badge, UIDS, st.sampled_from(BadgeType), COMMENTS), max_size=6, unique_by=lambda badge: badge.uid
).map(lambda badges: BadgeList(tuple(badges)))


def sealed(*lines: str, count: int | None = None) -> bytes:
    """A file with a right checksum, made up by somebody who knows how."""
    heading = "Badge number;Identifier;Type;Comment"
    content = "".join(f"{line}\r\n" for line in (f"\ufeff{heading}", *lines)).encode()
    digest = hashlib.sha256(b"EVSE badge list 1\0" + content).hexdigest()
    return content + f"Checksum;sha256;{digest};{len(lines) if count is None else count}\r\n".encode()


def errors(data: bytes) -> list[tuple[int, str]]:
    with pytest.raises(BadgeFileRefused) as caught:
        import_badges(data)
    return [(error.line, error.reason) for error in caught.value.errors]


@pytest.mark.req("AUT-04")
def test_the_file_is_what_the_documentation_says() -> None:
    lines = FILE.decode().split("\r\n")
    assert lines[:3] == [
        "\ufeffBadge number;Identifier;Type;Comment",
        '1;04A1B2C3;User;"Anna; or ""Änni"""',
        "2;04A1B2C3D4E5F6;VIP;'=cmd|'/C'!A0",
    ]
    content = FILE[: FILE.index(b"Checksum")]
    digest = hashlib.sha256(b"EVSE badge list 1\0" + content).hexdigest()
    assert lines[3:] == [f"Checksum;sha256;{digest};2", ""]
    assert sealed(*lines[1:3]) == FILE


@pytest.mark.req("AUT-04")
@given(badges=LISTS)
@example(badges=BadgeList())
def test_what_one_station_exports_another_imports(badges: BadgeList) -> None:
    assert import_badges(export_badges(badges)) == badges


@pytest.mark.req("AUT-04")
@given(badges=LISTS)
def test_no_cell_begins_like_a_formula(badges: BadgeList) -> None:
    for line in export_badges(badges).decode().splitlines()[1:-1]:
        for cell in line.split(";", 3):
            assert not cell.lstrip('"').lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))


def mutated(data: bytes, position: int, kind: int, byte: int, span: int) -> bytes:
    position %= len(data)
    match kind:
        case 0:
            return data[:position] + bytes([byte]) + data[position + 1 :]
        case 1:
            return data[:position] + bytes([byte]) + data[position:]
        case 2:
            return data[:position] + data[position + span :]
        case 3:
            return data[:position]
        case 4:
            return data[:position] + data[position : position + span] * 2 + data[position + span :]
        case 5:
            return data + bytes([byte]) * span
        case _:
            return data.swapcase()


@pytest.mark.req("AUT-04")
@settings(max_examples=1_000, deadline=None)
@given(
    position=st.integers(0, 10_000),
    kind=st.integers(0, 6),
    byte=st.integers(0, 255),
    span=st.integers(1, 40),
)
def test_no_edited_file_is_taken(position: int, kind: int, byte: int, span: int) -> None:
    edited = mutated(FILE, position, kind, byte, span)
    if edited != FILE:
        assert errors(edited)


@pytest.mark.req("AUT-04")
def test_every_single_byte_that_is_changed_is_found() -> None:
    for position in range(len(FILE)):
        for flip in (1, 0x20, 0x80):
            edited = bytearray(FILE)
            edited[position] ^= flip
            assert errors(bytes(edited))


@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused_in_an_orderly_way(data: bytes) -> None:
    assert errors(data)
    assert errors(FILE + data + FILE)


@pytest.mark.req("AUT-04")
def test_each_bad_line_is_named_even_when_the_checksum_fits() -> None:
    data = sealed(
        "1;04A1B2C3;User;Anna",
        "2;04A1B2;User;",
        "3;0BADCAFE;Owner;",
        "4;04A1B2C3;User;",
        "1;0BADCAFE;User;",
        "x;0BADCAFE;User;",
        "7;0badcafe;User;",
        "8;0BADCAFE;User",
        "9;0BADCAFE;User;" + "c" * 51,
        "10;0BADCAFE;User;=1+1",
        '11;0BADCAFE;User;"open',
        "",
        "12;0BADCAFE;User;" + "c" * 1024,
        "13;0BADCAFE;User;\u202eevil",
        "014;0BADCAFE;User;",
    )
    found = errors(data)
    assert [line for line, _ in found] == list(range(3, 17))
    reasons = [reason for _, reason in found]
    for reason, expected in zip(
        reasons,
        ["4, 7, 8 or 10 bytes", "one of User, VIP, Admin", "****B2C3 is on line 2 already", "number 1 is on line 2",
         "whole number", "upper-case", "3 fields", "at most 50", "formula", "unexpected end", "0 fields", "1024 bytes",
         "printable", "whole number"],
        strict=True,
    ):  # fmt: skip
        assert expected in reason
    assert not any("04A1B2C3" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", 1, "cut off"),
        (FILE[:-2], 4, "cut off"),
        (FILE.removeprefix(b"\xef\xbb\xbf"), 4, "checksum"),
        (FILE.replace(b"\r\n", b"\n"), 1, "another program"),
        (b"\xef\xbb\xbf\xff" + FILE, 1, "UTF-8"),
        (b"x" * (FILE_LIMIT + 1), 1, "at most"),
        (sealed("1;04A1B2C3;User;", count=2), 3, "checksum"),
        (sealed(*(f"{n};{n:08X};User;" for n in range(1, BADGE_LIMIT + 2))), BADGE_LIMIT + 2, "more than 1000"),
    ],
)
def test_what_is_wrong_with_the_whole_file_is_said_too(data: bytes, line: int, reason: str) -> None:
    (found,) = errors(data)
    assert found[0] == line and reason in found[1]


def test_so_many_errors_are_shown() -> None:
    found = errors(sealed(*("bad" for _ in range(ERRORS_SHOWN + 5))))
    assert len(found) == ERRORS_SHOWN + 1
    assert found[-1] == (ERRORS_SHOWN + 2, "and 5 more errors from here on")


@pytest.mark.req("AUT-04")
def test_a_thousand_badges_take_less_than_a_second() -> None:
    full = BadgeList(tuple(Badge(f"{number:020X}", comment="€" * 50) for number in range(BADGE_LIMIT)))
    begin = time.process_time()
    data = export_badges(full)
    assert import_badges(data) == full
    assert time.process_time() - begin < 1
    assert len(data) < FILE_LIMIT
