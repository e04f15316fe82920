from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.links.ocpp.dialect import Version
from evse.links.ocpp.from_settings import supervision_of_settings
from evse.links.ocpp.settings import LossStrategy
from evse.links.ocpp.target import TargetError
from evse.services.settings.model import OutletFacts, StationFacts
from evse.services.settings.registry import Catalogue
from tests.fakes.ocpp_bench import DEFAULTS, connected

FACTORY = Catalogue(StationFacts("parking", "SN-1", (OutletFacts(1, "T2", 32, 3),))).factory
SUPERVISED: dict[str, Any] = {
    **FACTORY, "general.station_type": "supervised", "ocpp.url": "ws://cs.example/ocpp",
}  # fmt: skip

pytestmark = pytest.mark.req("OCP-02")


def test_from_the_factory_a_station_is_not_supervised() -> None:
    assert supervision_of_settings(FACTORY, "SN-1") is None


def test_the_factory_values_of_a_supervised_station() -> None:
    made = supervision_of_settings(SUPERVISED, "SN-1")
    assert made is not None
    assert (made.identity, made.default_id_tag, made.sample_interval_s) == ("SN-1", "UNDEFINED", 60)
    assert (made.message_timeout_s, made.authentication_timeout_s, made.retry_interval_s) == (30, 10, 30)
    assert (made.loss, made.cache_enabled, made.external_limits) == (LossStrategy.ALLOW_ALL, True, False)


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"ocpp.identity": "CP-9"}, "identity", "CP-9"),
        ({"ocpp.version": "1.5-json"}, "version", Version.V15),
        ({"ocpp.modem": True, "ocpp.modem_retry_s": 200}, "retry_interval_s", 200),
        ({"ocpp.modem_retry_s": 200}, "retry_interval_s", 30),
        ({"ocpp.connection_timeout_s": 90}, "message_timeout_s", 90),
        ({"ocpp.default_id_tag": "FREE"}, "default_id_tag", "FREE"),
        ({"ocpp.sample_interval_s": 0}, "sample_interval_s", 0),
        ({"ocpp.cache_enabled": False}, "cache_enabled", False),
        ({"access.timeout_s": 0}, "authentication_timeout_s", 0),
        ({"access.loss_strategy": "reject_all_badges"}, "loss", LossStrategy.CACHED_ONLY),
        ({"energy.external_control": True}, "external_limits", True),
    ],
)
def test_each_parameter_has_its_effect(change: dict[str, Any], field: str, value: object) -> None:
    made = supervision_of_settings({**SUPERVISED, **change}, "SN-1")
    assert getattr(made, field) == value


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ocpp.version": "1.5-soap"}, "1.5-soap is not spoken"),
        ({"ocpp.url": "http://cs.example"}, "SOAP"),
        ({"ocpp.url": ""}, "ws://"),
        ({"ocpp.security_profile": 2, "ocpp.password": "x" * 16}, "wss"),
    ],
)
def test_what_cannot_be_is_refused_and_says_why(change: dict[str, Any], says: str) -> None:
    with pytest.raises(TargetError, match=says):
        supervision_of_settings({**SUPERVISED, **change}, "SN-1")


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
