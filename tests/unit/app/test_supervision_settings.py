from __future__ import annotations

from typing import Any

import pytest

from boards.load import load_profile
from evse.app.station.station_facts import station_facts
from evse.app.supervision.charge_point_task import supervision_values
from evse.app.supervision.supervision_settings import supervision_from
from evse.services.settings.registry import Catalogue
from evse.services.settings.validate import check_change

pytestmark = pytest.mark.req("OCP-02", "CFG-04")
PROFILE = load_profile("parking")
URL = "ws://127.0.0.1:9000/ocpp"


def given(wanted: dict[str, object], delivered: dict[str, Any]) -> dict[str, Any]:
    catalogue = Catalogue(station_facts(PROFILE, "S1", delivered))
    return supervision_from(check_change(catalogue, catalogue.factory, wanted, None).values, delivered)


def test_a_station_delivered_for_a_central_system_gets_just_that() -> None:
    delivered = supervision_values(PROFILE, URL)
    assert given({}, delivered) == delivered


def test_a_station_without_one_gets_it_by_its_settings() -> None:
    assert given({}, {}) == {}
    assert given({"general.station_type": "supervised"}, {}) == {}
    found = given(
        {
            "general.station_type": "supervised",
            "ocpp.url": "wss://csms.example/x",
            "ocpp.security_profile": "2",
            "ocpp.password": "p" * 16,
            "ocpp.modem": True,
            "ocpp.modem_retry_s": 77,
            "access.loss_strategy": "reject_all_badges",
        },
        {},
    )
    assert (found["url"], found["security_profile"], found["retry_interval_s"]) == ("wss://csms.example/x", 2, 77)
    assert (found["loss"], found["password"]) == ("reject_all_except_cached", "p" * 16)
    assert set(found) == set(supervision_values(PROFILE, URL))


def test_standalone_means_no_supervision_whatever_the_profile_says() -> None:
    assert given({"general.station_type": "standalone"}, supervision_values(PROFILE, URL)) == {}


def test_what_is_not_spoken_is_not_tried() -> None:
    wanted: dict[str, object] = {
        "general.station_type": "supervised",
        "ocpp.url": "http://a/b",
        "ocpp.version": "1.5-soap",
    }
    assert given(wanted, {}) == {}
