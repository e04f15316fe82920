"""Configuration keys, the cache and small requests at a whole charge point in virtual time (OCPP 1.6, 5.3, 5.4, 5.6, 5.8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evse.links.ocpp.settings import LossStrategy
from evse.links.ocpp.standard_keys import StationFacts, standard_keys
from tests.fakes.ocpp_bench import DEFAULTS, connected

pytestmark = pytest.mark.req("OCP-01")


@pytest.mark.parametrize("name", [key.name for key in standard_keys(StationFacts(2))])
def test_each_configuration_key_is_told_by_name(name: str) -> None:
    bench = connected()
    answer = bench.ask("GetConfiguration", {"key": [name]})
    (entry,) = answer["configurationKey"]
    assert entry["key"] == name
    assert answer["unknownKey"] == []
    changed = bench.ask("ChangeConfiguration", {"key": name, "value": entry.get("value", "0123456789abcdef")})
    assert changed["status"] == ("Rejected" if entry["readonly"] else "Accepted")


def test_a_changed_key_outlives_a_power_cut_and_a_secret_is_never_told() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "15"})
    bench.ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": "correct-horse-battery"})
    bench.power_cut()
    bench.run(3)
    assert bench.context.keys.integer("MeterValueSampleInterval") == 15
    assert bench.context.keys.text("AuthorizationKey") == "correct-horse-battery"
    assert "correct-horse" not in str(bench.ask("GetConfiguration"))


@pytest.mark.parametrize(
    ("key", "value", "status"),
    [
        ("NoSuchKey", "1", "NotSupported"),
        ("NumberOfConnectors", "5", "Rejected"),
        ("HeartbeatInterval", "-1", "Rejected"),
        ("HeartbeatInterval", "abc", "Rejected"),
        ("SecurityProfile", "1", "Rejected"),
        ("AuthorizationKey", "short", "Rejected"),
        ("heartbeatinterval", "30", "Accepted"),
    ],
)
def test_answers_to_change_configuration(key: str, value: str, status: str) -> None:
    assert connected().ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": status}


@pytest.mark.req("OCP-05")
def test_the_security_profile_is_only_raised_and_the_connection_is_made_anew() -> None:
    bench = connected(
        replace(DEFAULTS, url="wss://central.example/", security_profile=1, password="correct-horse-battery")
    )
    assert bench.ask("ChangeConfiguration", {"key": "SecurityProfile", "value": "0"}) == {"status": "Rejected"}
    assert bench.ask("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"}) == {"status": "Accepted"}
    attempts = len(bench.attempts)
    bench.run(60)
    assert len(bench.attempts) == attempts + 1


@pytest.mark.req("OCP-05")
@pytest.mark.parametrize(
    ("url", "certificate", "wanted", "status"),
    [
        ("ws://central.example/", True, "2", "Rejected"),
        ("ws://central.example/", True, "3", "Rejected"),
        ("wss://central.example/", False, "3", "Rejected"),
        ("wss://central.example/", True, "3", "Accepted"),
    ],
)
def test_no_security_profile_is_taken_that_the_station_could_not_connect_with(
    url: str, certificate: bool, wanted: str, status: str
) -> None:
    made = replace(DEFAULTS, url=url, security_profile=1, password="correct-horse-battery", own_certificate=certificate)
    assert connected(made).ask("ChangeConfiguration", {"key": "SecurityProfile", "value": wanted}) == {"status": status}


@pytest.mark.req("OCP-02")
def test_settings_changed_at_the_station_count_at_once() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "7"})
    bench.ask("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "77"})
    attempts = len(bench.attempts)
    bench.supervision.use(bench.now_us, replace(DEFAULTS, sample_interval_s=20))
    bench.run(2)
    assert bench.context.keys.integer("MeterValueSampleInterval") == 20, "the last word counts"
    assert bench.context.keys.integer("HeartbeatInterval") == 77
    assert len(bench.attempts) == attempts
    bench.supervision.use(bench.now_us, replace(DEFAULTS, url="ws://127.0.0.1/elsewhere", sample_interval_s=20))
    bench.run(10)
    assert len(bench.attempts) == attempts + 1, "another central system is connected to at once"
    assert bench.context.link.may_ask


def test_clear_cache_forgets_and_is_rejected_without_a_cache() -> None:
    bench = connected(replace(DEFAULTS, loss=LossStrategy.CACHED_ONLY))
    bench.card(1, "04A1B2C3")
    bench.run(1)
    bench.stop_session(1)
    bench.run(1)
    assert bench.ask("ClearCache") == {"status": "Accepted"}
    assert bench.context.known_tag("04A1B2C3", bench.now_us) is None
    bench.ask("ChangeConfiguration", {"key": "AuthorizationCacheEnabled", "value": "false"})
    assert bench.ask("ClearCache") == {"status": "Rejected"}


def test_data_transfer_knows_no_vendor() -> None:
    assert connected().ask("DataTransfer", {"vendorId": "com.example"}) == {"status": "UnknownVendorId"}


def test_an_action_for_central_systems_is_not_supported_and_an_unknown_one_not_implemented() -> None:
    bench = connected()
    assert bench.ask("StartTransaction", {"connectorId": 1, "idTag": "A", "meterStart": 0,
                                          "timestamp": "2026-01-01T00:00:00Z"}) == "NotSupported"  # fmt: skip
    assert bench.ask("MakeCoffee") == "NotImplemented"
