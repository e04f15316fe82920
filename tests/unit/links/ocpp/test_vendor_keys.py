"""Keys that are not the standard's, at a whole charge point: who judges them, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from evse.links.ocpp.keys import Access, Change, ChangeStatus, Key, KeyKind
from evse.links.ocpp.vendor_keys import Held, NoVendorKeys
from tests.fakes.ocpp_bench import connected

pytestmark = pytest.mark.req("OCP-01", "CFG-01")


class Vendor:
    """Three keys; a change of the first is answered with ``status``."""

    def __init__(self, status: ChangeStatus = ChangeStatus.ACCEPTED) -> None:
        self.status = status
        self.changes: list[tuple[str, str]] = []

    def all(self) -> Sequence[Held]:
        return (
            Held(Key("general.name", KeyKind.TEXT, "", most=30), "P1"),
            Held(Key("network.mac", KeyKind.TEXT, "", access=Access.READ_ONLY), "00:11:22:33:44:55"),
            Held(Key("wifi.key", KeyKind.TEXT, "", access=Access.WRITE_ONLY), ""),
        )

    def change(self, key: Key, value: str, then: Callable[[Change], None]) -> None:
        self.changes.append((key.name, value))
        then(Change(self.status, "" if self.status is not ChangeStatus.REJECTED else "not today"))


@pytest.mark.parametrize("status", [ChangeStatus.ACCEPTED, ChangeStatus.REJECTED, ChangeStatus.REBOOT_REQUIRED])
def test_the_owner_of_a_key_judges_its_change(status: ChangeStatus) -> None:
    bench = connected()
    vendor = Vendor(status)
    bench.context.vendor_keys = vendor
    assert bench.ask("ChangeConfiguration", {"key": "General.Name", "value": "Left"}) == {"status": status.value}
    assert vendor.changes == [("general.name", "Left")]


@pytest.mark.parametrize(("key", "value"), [("network.mac", "x"), ("general.name", "x" * 31), ("general.name", "a\nb")])
def test_what_type_range_or_access_forbid_does_not_reach_the_owner(key: str, value: str) -> None:
    bench = connected()
    vendor = Vendor()
    bench.context.vendor_keys = vendor
    assert bench.ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": "Rejected"}
    assert vendor.changes == []


def test_they_are_told_with_the_others_and_secrets_are_not() -> None:
    bench = connected()
    bench.context.vendor_keys = Vendor()
    answer = bench.ask("GetConfiguration", {"key": ["WIFI.KEY", "network.mac", "HeartbeatInterval", "nothing"]})
    assert [(each["key"], each["readonly"], each.get("value")) for each in answer["configurationKey"]] == [
        ("HeartbeatInterval", False, "300"),
        ("wifi.key", False, None),
        ("network.mac", True, "00:11:22:33:44:55"),
    ]
    assert answer["unknownKey"] == ["nothing"]


def test_a_station_without_settings_has_none() -> None:
    told: list[Change] = []
    keys = NoVendorKeys()
    assert keys.all() == ()
    keys.change(Key("x.y", KeyKind.TEXT, ""), "1", told.append)
    assert [each.status for each in told] == [ChangeStatus.NOT_SUPPORTED]
