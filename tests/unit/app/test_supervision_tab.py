"""The sub-tab Supervision: every parameter of it acts, at the charge point or on the way to the central system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from boards.load import load_profile
from evse.app.station.station_facts import station_facts
from evse.app.supervision.charge_point_task import settings_of, supervision_values
from evse.app.supervision.supervision_settings import supervision_from
from evse.core.config import OutletConfig, StationConfig
from evse.core.units import SECOND
from evse.links.ocpp.settings import SupervisionSettings
from evse.links.ocpp.target import Target, target_of
from evse.services.settings.problems import Refused
from evse.services.settings.registry import Catalogue
from evse.services.settings.supervision import SUPERVISION_SETTINGS
from evse.services.settings.validate import check_change
from tests.fakes.ocpp_bench import Bench, connected

pytestmark = pytest.mark.req("OCP-02", "CFG-04")
PROFILE: Final = load_profile("parking")
SECURE: Final = {"ocpp.url": "wss://csms.example/x", "ocpp.password": "p" * 16}


def given(wanted: dict[str, object]) -> dict[str, Any]:
    """What the link is given by these settings."""
    delivered = supervision_values(PROFILE, "ws://127.0.0.1:9000/ocpp")
    catalogue = Catalogue(station_facts(PROFILE, "S1", delivered))
    return supervision_from(check_change(catalogue, catalogue.factory, wanted, None).values, delivered)


def settings(wanted: dict[str, object]) -> SupervisionSettings:
    """What the charge point works by."""
    return settings_of(given(wanted), StationConfig("S1", "parking", (OutletConfig(1), OutletConfig(2))))


def target(made: SupervisionSettings) -> Target:
    """What is connected to."""
    return target_of(made.url, made.identity, made.security_profile, made.password, made.version)


def tag_of(made: SupervisionSettings) -> str:
    """Whom a charge without a card is told for."""
    bench = connected(made)
    bench.start_session(1, "", by="free access")
    bench.run(2)
    tag: str = bench.central.payloads("StartTransaction")[0]["idTag"]
    return tag


def values_told(made: SupervisionSettings) -> int:
    """Meter values of four minutes of a charge."""
    bench = connected(made)
    bench.start_session(1, "04A1B2C3")
    bench.run(241)
    return len(bench.central.payloads("MeterValues"))


def attempts(made: SupervisionSettings) -> int:
    """Attempts to connect within a minute without a network."""
    bench = Bench(made)
    bench.network(up=False)
    bench.run(60)
    return len(bench.attempts)


def given_up_after_s(made: SupervisionSettings) -> int:
    """How long a message is waited for."""
    bench = connected(made)
    bench.central.behaviour.silent.add("*")
    bench.ask("TriggerMessage", {"requestedMessage": "Heartbeat"}, seconds=0.1)
    begin_us = bench.now_us
    while bench.context.requests.timeouts == 0:
        bench.run(1)
    return round((bench.now_us - begin_us) / SECOND)


def known_offline(made: SupervisionSettings) -> bool:
    """Whether a card that was accepted is remembered."""
    bench = connected(made)
    bench.card(1, "04A1B2C3")
    bench.run(2)
    return bench.context.known_tag("04A1B2C3", bench.now_us) is not None


ACTS: Final[dict[str, tuple[dict[str, object], Callable[[SupervisionSettings], object], object, object]]] = {
    "ocpp.version": ({"ocpp.version": "1.5-json"}, lambda s: target(s).subprotocol, "ocpp1.6", "ocpp1.5"),
    "ocpp.url": ({"ocpp.url": "ws://a.example/b"}, lambda s: target(s).url[:14], "ws://127.0.0.1", "ws://a.example"),
    "ocpp.identity": ({"ocpp.identity": "CP7"}, lambda s: target(s).url[-3:], "/S1", "CP7"),
    "ocpp.modem": ({"ocpp.modem": True}, lambda s: s.retry_interval_us, 30 * SECOND, 60 * SECOND),
    "ocpp.modem_retry_s": ({"ocpp.modem": True, "ocpp.modem_retry_s": 1}, lambda s: attempts(s) > 5, False, True),
    "ocpp.default_id_tag": ({"ocpp.default_id_tag": "GUEST"}, tag_of, "SN-1", "GUEST"),
    "ocpp.sample_interval_s": ({"ocpp.sample_interval_s": 20}, values_told, 4, 12),
    "ocpp.clock_aligned_interval_s": ({"ocpp.clock_aligned_interval_s": 60}, values_told, 4, 12),
    "ocpp.connection_timeout_s": ({"ocpp.connection_timeout_s": 7}, given_up_after_s, 30, 7),
    "ocpp.cache_enabled": ({"ocpp.cache_enabled": False}, known_offline, True, False),
    "ocpp.security_profile": ({**SECURE, "ocpp.security_profile": "2"}, lambda s: target(s).tls, False, True),
    "ocpp.password": (
        {**SECURE, "ocpp.security_profile": "1"},
        lambda s: target(s).authorisation[:5],
        "",
        "Basic",
    ),
}
"""Setting: what is changed, what is looked at, what it is before and after."""
NOT_OURS: Final = {
    "ocpp.modem_address": "where the modem is: the network's gateway leads there",
    "ocpp.local_port": "SOAP only: where the station is called",
    "ocpp.public_address": "SOAP only: what the station announces",
    "ocpp.public_port": "SOAP only: what the station announces",
    "ocpp.reply_to": "SOAP only: what the station announces",
    "ocpp.socket_identifier": "off, and nobody may change it",
}
"""What has no part in OCPP over JSON."""


def test_every_parameter_acts_or_belongs_to_another_transport() -> None:
    assert {each.key for each in SUPERVISION_SETTINGS} == set(ACTS) | set(NOT_OURS)


@pytest.mark.parametrize("key", ACTS)
def test_each_parameter_acts(key: str) -> None:
    wanted, look, before, after = ACTS[key]
    assert look(settings({})) == before
    assert look(settings(wanted)) == after


def test_soap_is_refused_with_what_to_do() -> None:
    with pytest.raises(Refused, match="ws://") as refused:
        given({"ocpp.url": "http://csms.example/soap"})
    assert "ocpp.url" in str(refused.value)
    assert given({"ocpp.version": "1.5-soap", "ocpp.url": "http://csms.example/soap"}) == {}
