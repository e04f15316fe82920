from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from boards.load import load_profile
from boards.to_core import station_config
from evse.app.cli import main
from evse.app.station.kept_settings import SETTINGS, configured
from evse.app.station.station_facts import facts_values, station_facts
from evse.app.station.station_memory import SECURITY, StationMemory
from evse.core.config import Access, Location
from evse.services.accounts.keeper import LABEL
from evse.services.accounts.label import decode_label
from evse.services.clock import Instant
from evse.services.disk import RealDisk
from evse.services.factory_reset import ResetOrder
from evse.services.publication.report import PublicationState, Report
from evse.services.publication.service import STATE, StateFile
from evse.services.settings.model import Role
from evse.services.settings.service import STATION, Actor

PROFILE = load_profile("parking")
FACTS = station_facts(PROFILE, "S1")
BASE = station_config(PROFILE, "S1")


def memory(data: Path) -> StationMemory:
    return StationMemory(data, facts_values(FACTS), BASE, lambda: Instant("b", 0), lambda: 0)


@pytest.mark.req("CFG-01")
def test_what_is_saved_is_what_the_station_starts_with(tmp_path: Path) -> None:
    assert configured(BASE, FACTS, tmp_path) == BASE
    station = memory(tmp_path)
    assert station.config() == BASE
    asyncio.run(station.settings.change({"general.location": "Outdoor"}, Actor("admin", Role.ADMIN)))
    station.close()
    again = configured(BASE, FACTS, tmp_path)
    assert again == station.config()
    assert (again.location, again.version) == (Location.OUTDOOR, 2)
    assert again.digest != BASE.digest
    assert b"settings-changed" in (tmp_path / SECURITY / "security.log").read_bytes()


def test_active_is_what_control_has_acknowledged_with_version_and_digest(tmp_path: Path) -> None:
    station = memory(tmp_path)
    before = station.config()
    station.acknowledge(before.version, before.digest)
    assert station.settings.active
    asyncio.run(station.settings.change({"general.location": "Outdoor"}, Actor("admin", Role.ADMIN)))
    after = station.config()
    for version, digest in ((before.version, before.digest), (after.version, before.digest), (1, after.digest)):
        station.acknowledge(version, digest)
        assert not station.settings.active
    station.settings.refusal = "control did not answer in time"
    assert "did not answer" in station.problem
    station.acknowledge(after.version, after.digest)
    assert (station.settings.active, station.problem) == (True, "")
    station.close()


@pytest.mark.req("OCP-02")
def test_what_needs_a_restart_is_not_in_force_before(tmp_path: Path) -> None:
    station = memory(tmp_path)
    wanted = {
        "general.station_type": "supervised",
        "access.location_supervised": "disable",
        "time.zone": "Europe/Paris",
    }
    asyncio.run(station.settings.change(wanted, Actor("admin", Role.ADMIN)))
    assert station.in_force["general.station_type"] == "standalone"
    assert station.in_force["time.zone"] == "Europe/Paris"
    assert {outlet.access for outlet in station.config().outlets} == {outlet.access for outlet in BASE.outlets}
    station.close()
    again = memory(tmp_path)
    assert again.in_force["general.station_type"] == "supervised"
    assert {outlet.access for outlet in again.config().outlets} == {Access.FREE}
    again.close()


@pytest.mark.req("CFG-03")
def test_a_factory_reset_leaves_no_report_that_waits(tmp_path: Path) -> None:
    states = StateFile(tmp_path / STATE, RealDisk())
    states.save(PublicationState((Report(2, 2, 0, problem="old.example is unknown"),), 0, "daily"))
    (tmp_path / f"{STATE}.bad").write_text("old.example")
    station = memory(tmp_path)
    station.resets.write(ResetOrder(keep_badges=True))
    station.close()
    memory(tmp_path).close()
    assert states.load() == PublicationState()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"old.example" in path.read_bytes()]


@pytest.mark.req("CFG-03", "MNT-02")
@pytest.mark.parametrize(("badges", "kept"), [((), True), (("--badges", "remove"), False)])
def test_a_lost_password_is_mended_by_a_reset_at_the_machine(
    tmp_path: Path, badges: tuple[str, ...], kept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    station = memory(tmp_path)
    label = decode_label((tmp_path / SETTINGS / LABEL).read_bytes())

    async def forget() -> None:
        login = await station.accounts.login("admin", label.password, "10.0.0.1")
        await station.accounts.change_password(login.session, label.password, "Lost-password-1")
        await station.settings.change({"general.location": "Outdoor"}, STATION)

    asyncio.run(forget())
    station.close()
    reset = ["settings", "reset", "--data", str(tmp_path), *badges]
    assert main(reset) == 2
    assert "say --yes" in capsys.readouterr().err
    assert main([*reset, "--yes"]) == 0
    again = memory(tmp_path)
    assert again.reset is not None
    assert again.reset.keep_badges is kept
    assert again.settings.values["general.location"] == again.settings.catalogue.factory["general.location"]
    assert asyncio.run(again.accounts.login("admin", label.password, "10.0.0.1")).session.must_change
    again.close()
    log = (tmp_path / SECURITY / "security.log").read_text()
    assert '"actor":"at the machine"' in log
    assert '"kind":"factory-reset"' in log


def test_a_reset_needs_the_data_directory_of_a_station(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "reset", "--data", str(tmp_path), "--yes"]) == 2
    assert "no data directory of a station" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_everything_that_was_damaged_is_told_at_once(tmp_path: Path) -> None:
    memory(tmp_path).close()
    for name in ("settings.json", "accounts.json"):
        (tmp_path / SETTINGS / name).write_bytes(b"?")
    station = memory(tmp_path)
    assert "settings.json cannot be read" in station.problem
    assert "accounts.json cannot be read" in station.problem
    station.close()


def test_a_damaged_configuration_is_told(tmp_path: Path) -> None:
    memory(tmp_path).close()
    (tmp_path / "settings" / "settings.json").write_bytes(b"rubbish")
    station = memory(tmp_path)
    assert "factory values" in station.problem
    station.close()
