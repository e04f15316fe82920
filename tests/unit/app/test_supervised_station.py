"""What joins a charge point with firmware and security log: what is told of them, and when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evse.app.supervision.charge_point_task import rotation_of
from evse.app.supervision.diagnostics import offered_by, security_log
from evse.app.supervision.supervised_station import Surroundings, supervised_station
from evse.app.supervision.supervision_security import TYPES, told_as
from evse.core.config import OutletConfig, StationConfig
from evse.core.events import OutletError
from evse.core.units import SECOND
from evse.links.ocpp.file_work import End, Job, Work
from evse.links.ocpp.stamps import utc_us_from
from evse.services.security.events import SecurityEvent, SecurityKind
from evse.web.ports import EventRecord
from tests.fakes.firmware_bench import FirmwareBench, package_bytes
from tests.fakes.settings_bench import SettingsBench

VALUES: dict[str, Any] = {
    **{"url": "ws://127.0.0.1:9/x", "identity": "", "password": "p" * 16, "security_profile": 1},
    **{"roots_file": "", "certificate_file": "", "key_file": "", "retry_interval_s": 30, "message_timeout_s": 30},
    **{"authentication_timeout_s": 10, "loss": "allow_all", "default_id_tag": "UNDEFINED", "sample_interval_s": 60},
    **{"cache": True, "external_limits": True, "version": "1.6-json"},
}
CONFIG = StationConfig("S1", "parking", (OutletConfig(1),))


class Joined:
    """A charge point that never connects, with firmware slots and settings behind it."""

    def __init__(self, data: Path) -> None:
        self.firmware, self.data = FirmwareBench(), data
        self.listeners: list[Callable[[SecurityEvent], None]] = []
        self.start()

    def start(self) -> None:
        """Services start."""
        around = Surroundings(
            data=self.data,
            clock=lambda: 5,
            wake=lambda: None,
            call=lambda function: function(),
            restart=lambda _kind: None,
            view=lambda: None,
            events=tuple,
            firmware=self.firmware.service,
            settings=SettingsBench().settings,
            listen=self.listeners.append,
            simulated=True,
        )
        self.supervised = supervised_station(VALUES, CONFIG, around)

    def install(self, content: bytes) -> bool:
        """A package that has been downloaded is installed."""
        package = self.data / "firmware.download"
        package.write_bytes(content)
        transfers = self.supervised.transfers
        done = transfers.do(Job(1, Work.INSTALL)) is End.DONE
        assert not package.exists()
        return done


@pytest.mark.req("MNT-03", "OCP-07")
def test_a_package_is_staged_tried_and_confirmed(tmp_path: Path) -> None:
    async def story() -> None:
        joined = Joined(tmp_path)
        assert joined.supervised.back_end.charge_point.context.identity.firmware == "0.1.0"
        assert joined.install(package_bytes("2.0.0"))
        assert joined.firmware.restarts == 1
        joined.firmware.restart()
        joined.start()
        point = joined.supervised.back_end.charge_point
        assert (point.context.identity.firmware, point.context.identity.on_trial) == ("2.0.0", True)
        point.load({"firmware": '[7,"0.1.0"]'}, (), {})
        assert point.context.states.installed is None, "nobody knows yet"
        joined.firmware.service.confirm()
        assert point.context.states.installed is True

    asyncio.run(story())


@pytest.mark.req("MNT-03", "OCP-07")
@pytest.mark.parametrize("content", [b"no package", package_bytes("2.0.0", product="parking")])
def test_a_package_that_is_refused_restarts_nothing(tmp_path: Path, content: bytes) -> None:
    async def story() -> None:
        joined = Joined(tmp_path)
        assert not joined.install(content)
        assert joined.firmware.restarts == 0

    asyncio.run(story())


@pytest.mark.req("MNT-03", "OCP-07")
def test_a_version_that_is_given_back_was_not_installed(tmp_path: Path) -> None:
    async def story() -> None:
        joined = Joined(tmp_path)
        assert joined.install(package_bytes("2.0.0"))
        joined.firmware.restart()
        joined.start()
        point = joined.supervised.back_end.charge_point
        point.load({"firmware": '[null,"0.1.0"]'}, (), {})
        joined.firmware.service.give_back()
        assert point.context.states.installed is False

    asyncio.run(story())


@pytest.mark.req("OCP-05")
def test_what_the_security_log_gets_waits_for_the_central_system(tmp_path: Path) -> None:
    async def story() -> None:
        joined = Joined(tmp_path)
        (listener,) = joined.listeners
        listener(SecurityEvent(SecurityKind.LOGIN, "admin", "10.0.0.5"))
        listener(SecurityEvent(SecurityKind.LOGOUT, "admin"))
        for _ in range(100):
            listener(SecurityEvent(SecurityKind.LOGIN_FAILED, "ad\u00e9min\n", "10.0.0.6"))
        events = joined.supervised.back_end.charge_point.context.security_events
        assert len(events) == 11, "what strangers cause has its share and no more"
        first = events.next()
        assert first is not None
        assert (first.kind, first.info) == ("Login", "admin from 10.0.0.5")

    asyncio.run(story())


@pytest.mark.req("OCP-05")
def test_each_kind_of_the_security_log_is_told_or_left_out_on_purpose() -> None:
    assert set(TYPES) == set(SecurityKind)
    changed = SecurityEvent(SecurityKind.SETTINGS_CHANGED, "admin", detail="version 5: ocpp.password *** -> ***")
    assert told_as(changed)[0] == "ReconfigurationOfSecurityParameters"
    named = SecurityEvent(SecurityKind.SETTINGS_CHANGED, "admin", detail="version 5: general.name a -> b")
    assert told_as(named) == ("SettingsChanged", "admin: version 5: general.name a -> b")


@pytest.mark.req("OCP-05")
def test_the_security_log_that_is_uploaded_is_the_one_that_is_written(tmp_path: Path) -> None:
    directory = tmp_path / "security"
    directory.mkdir()
    (directory / "security.log.1").write_bytes(b"older\n")
    (directory / "security.log").write_bytes(b"newer\n")
    assert security_log(tmp_path) == b"older\nnewer\n"


@pytest.mark.req("OCP-05")
def test_of_the_security_log_only_the_wanted_time_is_uploaded(tmp_path: Path) -> None:
    (tmp_path / "security").mkdir()
    lines = [f'{{"utc":"{utc}"}}\n'.encode() for utc in ("2026-01-01T00:00:00Z", "", "2026-01-03T00:00:00Z")]
    (tmp_path / "security" / "security.log").write_bytes(b"".join(lines))
    assert security_log(tmp_path, "2026-01-02T00:00:00Z") == lines[1] + lines[2]
    assert security_log(tmp_path, "", "2026-01-02T00:00:00Z") == lines[0] + lines[1]


OFFSET_US = utc_us_from("2026-01-01T00:00:00Z") or 0
EVENTS = [
    EventRecord(number, number * 3_600 * SECOND, OutletError(1, "KO_BadgeUnknown", "authorisation"))
    for number in range(5)
]


@pytest.mark.req("OCP-07")
@pytest.mark.parametrize(
    ("since", "until", "numbers"),
    [
        ("", "", [0, 1, 2, 3, 4]),
        ("2026-01-01T02:00:00Z", "", [2, 3, 4]),
        ("", "2026-01-01T02:00:00+01:00", [0, 1]),
        ("2026-01-01T01:00:00Z", "2026-01-01T03:00:00Z", [1, 2, 3]),
        ("2026-01-01T03:00:00Z", "2026-01-01T01:00:00Z", []),
    ],
)
def test_of_the_diagnostics_only_events_of_the_wanted_time_are_uploaded(
    tmp_path: Path, since: str, until: str, numbers: list[int]
) -> None:
    offered = offered_by(tmp_path, lambda: None, lambda: EVENTS, lambda at_us: OFFSET_US + at_us)
    told = json.loads(offered(Job(1, Work.DIAGNOSTICS, since=since, until=until)))["events"]
    assert [each["sequence"] for each in told] == numbers
    assert all(each["utc"].startswith(f"2026-01-01T0{each['sequence']}:00:00") for each in told)


def test_while_nobody_knows_the_time_all_events_are_uploaded(tmp_path: Path) -> None:
    offered = offered_by(tmp_path, lambda: None, lambda: EVENTS, lambda _at_us: None)
    told = json.loads(offered(Job(1, Work.DIAGNOSTICS, since="2026-01-01T02:00:00Z")))["events"]
    assert [each["utc"] for each in told] == [None] * 5


@pytest.mark.req("OCP-01")
@pytest.mark.parametrize(
    ("outlet", "rotation"),
    [
        (OutletConfig(1), "RST"),
        (OutletConfig(1, conductors=(2, 3, 1)), "STR"),
        (OutletConfig(1, conductors=(2, 3, 1), meter="map", meter_terminals=(1, 2, 3)), "RST"),
        (OutletConfig(1, meter="map", meter_terminals=(3, 2, 1)), "TSR"),
        (OutletConfig(1, conductors=(2,)), "NotApplicable"),
        (OutletConfig(1, phases=1), "NotApplicable"),
    ],
)
def test_the_phase_rotation_is_told_as_outlet_and_meter_are_wired(
    tmp_path: Path, outlet: OutletConfig, rotation: str
) -> None:
    assert rotation_of(outlet) == rotation

    async def wired() -> str:
        supervised = Joined(tmp_path).supervised
        supervised.rewire(replace(CONFIG, outlets=(outlet,)))
        return supervised.back_end.charge_point.context.keys.text("ConnectorPhaseRotation")

    assert asyncio.run(wired()).split(",")[1] == f"1.{rotation}"
