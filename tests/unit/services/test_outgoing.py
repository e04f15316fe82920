"""Places that a station never connects to, however they are written."""

from __future__ import annotations

import pytest

from evse.services.outgoing import DestinationError, Destinations, system_addresses


def judged(*addresses: str, own: tuple[str, ...] = (), commissioned: tuple[str, ...] = ()) -> str:
    rule = Destinations(frozenset(own), frozenset(commissioned), resolve=lambda host, port: addresses)
    return rule.address_of("somewhere", 80)


@pytest.mark.parametrize("address", ["192.168.0.254", "10.1.2.3", "8.8.8.8", "2001:4860::1", "fd12::5", "172.16.0.9"])
def test_other_machines_are_reached(address: str) -> None:
    assert judged(address) == address


HOSTILE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "169.254.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "192.0.0.192",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "ff0e::1",
    "fd00:ec2::254",
    "192.168.0.102",
    "2001:db8::102",
    "nonsense",
]


@pytest.mark.parametrize("address", HOSTILE)
def test_the_station_itself_its_link_and_its_cloud_are_not(address: str) -> None:
    with pytest.raises(DestinationError, match="somewhere is"):
        judged(address, own=("192.168.0.102", "2001:db8::102"))


def test_the_first_address_that_may_be_reached_is_taken() -> None:
    assert judged("127.0.0.1", "10.0.0.1", "10.0.0.2") == "10.0.0.1"


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(DestinationError, match="no address was found"):
        judged()


def test_what_was_commissioned_is_reached() -> None:
    assert judged("127.0.0.1", commissioned=("127.0.0.1",)) == "127.0.0.1"


@pytest.mark.parametrize(
    "host", ["127.1", "0177.0.0.1", "2130706433", "0x7f000001", "localhost", "[::1]", "::1", "0", "127.0.0.1"]
)
def test_ways_to_write_this_machine_are_seen_through(host: str) -> None:
    with pytest.raises(DestinationError):
        Destinations().address_of(host, 80)


def test_a_name_that_is_none_is_unknown() -> None:
    assert tuple(system_addresses("." * 300, 80)) == ()
