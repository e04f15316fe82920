"""A stick in the port of a THØR, from the mount to the display, with real files and the real firmware service."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from evse.app.processes.usb_port import SimulatedUsbPort
from evse.app.station.station_firmware import StationFirmware
from evse.app.station.usb_watch import UsbWatch
from evse.core.commands import Notice, ShowNotice
from evse.services.disk import RealDisk
from evse.services.security.events import SecurityKind, SecurityMemory
from evse.services.settings.model import OutletFacts, StationFacts
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import STATION, Settings
from evse.services.settings.store import SettingsStore
from tests.fakes.firmware_bench import FirmwareBench, package_bytes


class Bench:
    """A THØR with one stick, ``T1`` its serial number."""

    def __init__(self, data: Path, *switches: str) -> None:
        self.log = SecurityMemory()
        facts = StationFacts("thor", "T1", (OutletFacts(1),))
        self.settings = Settings(Catalogue(facts), SettingsStore(data / "settings", RealDisk()), self.log)
        self.firmware = FirmwareBench()
        self.shown: list[Notice] = []
        self.port = SimulatedUsbPort(data)
        self.stick = data / "usb-stick"
        self.stick.mkdir(parents=True)
        upload = StationFirmware(self.firmware.service, data, lambda: True, lambda: 0)
        self.watch = UsbWatch(data / "usb", self.settings, upload, self._send, lambda: len(self.shown))
        asyncio.run(self.settings.change({f"usb.allow_{each}": True for each in switches}, STATION))

    def _send(self, command: ShowNotice) -> None:
        self.shown.append(command.notice)

    def put(self, name: str, content: bytes) -> None:
        path = self.stick / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    def plug(self) -> None:
        assert self.port.obey("insert_usb_stick") == ""
        asyncio.run(self.watch.look())
        asyncio.run(self.watch.look())

    @property
    def report(self) -> str:
        return (self.stick / "station_T1.txt").read_bytes().decode()


@pytest.mark.req("CFG-02")
def test_settings_travel_from_one_station_to_another_on_a_stick(tmp_path: Path) -> None:
    source, target = Bench(tmp_path / "a", "init"), Bench(tmp_path / "b", "config")
    asyncio.run(source.settings.change({"energy.station_maximum_a": 20, "general.station_type": "supervised"}, STATION))
    source.plug()
    assert source.shown == [Notice.USB_BUSY, Notice.USB_DONE]
    assert source.log.events[-1].kind is SecurityKind.SETTINGS_EXPORTED
    target.put("CFG/station.conf", (source.stick / "CFG" / "station_T1.conf").read_bytes())
    target.plug()
    assert (target.shown, target.settings.values["energy.station_maximum_a"]) == (
        [Notice.USB_BUSY, Notice.USB_DONE],
        20,
    )
    assert "in force after a restart" in target.report
    imported = target.log.events[-1]
    assert (imported.kind, imported.actor) == (SecurityKind.SETTINGS_IMPORTED, "usb stick")


@pytest.mark.req("CFG-02")
def test_the_display_asks_for_the_stick_until_it_is_taken_out(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "init")
    bench.plug()
    assert bench.shown[-1:] == [Notice.USB_DONE]
    assert bench.port.obey("remove_usb_stick") == ""
    asyncio.run(bench.watch.look())
    assert bench.shown[-1:] == [Notice.NONE]


@pytest.mark.req("CFG-02")
def test_a_name_that_is_no_text_becomes_none_in_logs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "config")
    bench.put(os.fsdecode(b"CFG/\xff\nfake.conf"), b"[LOADMANAGEMENT]\nMaxAvailableCurrent=16000\n")
    bench.plug()
    assert (bench.settings.values["energy.station_maximum_a"], bench.shown[-1]) == (16, Notice.USB_DONE)
    assert bench.report.startswith("??fake.conf: 1 settings taken")


@pytest.mark.req("CFG-02")
def test_a_stick_that_breaks_is_one_that_was_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, "init")
    bench.plug()

    def broken(_path: Path) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "is_dir", broken)
        asyncio.run(bench.watch.look())
    assert bench.shown[-1:] == [Notice.NONE]
    asyncio.run(bench.watch.look())
    assert bench.shown[-1:] == [Notice.USB_DONE]


@pytest.mark.req("CFG-02")
def test_a_bad_file_changes_nothing_and_the_stick_says_why(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "config")
    before = dict(bench.settings.values)
    bench.put("CFG/station.conf", b"[LOADMANAGEMENT]\nMaxAvailableCurrent=16000\nNominalVoltage=90\n")
    bench.plug()
    assert (dict(bench.settings.values), bench.shown[-1]) == (before, Notice.USB_REFUSED)
    assert bench.report.startswith("refused: line 3: meter.phase_neutral_voltage_v = 90")
    assert "175…276" in bench.report
    assert bench.log.events[-1].kind is SecurityKind.IMPORT_REFUSED


@pytest.mark.req("CFG-02", "MNT-03")
def test_without_a_switch_a_stick_does_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.put("CFG/station.conf", b"[LOADMANAGEMENT]\nMaxAvailableCurrent=16000\n")
    bench.put("UPD/v2.keb", package_bytes("2.0.0"))
    bench.plug()
    assert (bench.settings.values["energy.station_maximum_a"], bench.firmware.restarts) == (64, 0)
    assert bench.shown == [Notice.USB_DONE]
    assert "allow nothing of it" in bench.report


@pytest.mark.req("MNT-03")
def test_firmware_on_a_stick_is_tried_by_itself_and_only_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "update")
    bench.put("UPD/v2.keb", package_bytes("2.0.0"))
    bench.plug()
    assert (bench.firmware.restarts, bench.shown[-1]) == (1, Notice.USB_DONE)
    # The restart finds the stick still in the port.
    again = Bench(tmp_path / "after", "update")
    again.firmware = bench.firmware
    bench.firmware.restart().confirm()
    again.watch = UsbWatch(
        tmp_path / "usb", bench.settings, StationFirmware(bench.firmware.service, tmp_path, lambda: True, lambda: 0),
        again._send, lambda: 0,
    )  # fmt: skip
    asyncio.run(again.watch.look())
    assert (bench.firmware.restarts, again.shown[-1]) == (1, Notice.USB_DONE)
    assert "runs already" in bench.report


@pytest.mark.req("MNT-03")
def test_firmware_of_somebody_else_or_beside_a_vehicle_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "update")
    bench.put("UPD/v2.keb", b"PK no package")
    bench.plug()
    assert (bench.firmware.restarts, bench.shown[-1]) == (0, Notice.USB_REFUSED)
    bench.port.obey("remove_usb_stick")
    asyncio.run(bench.watch.look())
    bench.put("UPD/v2.keb", package_bytes("2.0.0"))
    bench.firmware.plugged = True
    bench.plug()
    assert (bench.firmware.restarts, bench.shown[-1]) == (0, Notice.USB_REFUSED)
    assert "plugged" in bench.report


@pytest.mark.req("CFG-02")
def test_a_stick_cannot_make_the_station_read_or_tell_its_own_files(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "config", "init")
    secret = tmp_path / "secret.conf"
    secret.write_bytes(b"a secret line\n")
    (bench.stick / "CFG").mkdir()
    (bench.stick / "CFG" / "x.conf").symlink_to(secret)
    bench.plug()
    assert bench.shown[-1] is Notice.USB_REFUSED
    assert "a secret line" not in bench.report
    bench.port.obey("remove_usb_stick")
    asyncio.run(bench.watch.look())
    (bench.stick / "CFG" / "x.conf").unlink()
    os.mkfifo(bench.stick / "CFG" / "x.conf")
    bench.plug()
    assert "no plain file" in bench.report


def test_a_stick_that_is_taken_out_meanwhile_disturbs_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "init")
    bench.stick.rmdir()
    (tmp_path / "usb").symlink_to("usb-stick")
    asyncio.run(bench.watch.look())
    assert bench.shown == []


def test_the_port_of_a_simulated_station_takes_one_stick(tmp_path: Path) -> None:
    port = SimulatedUsbPort(tmp_path)
    assert port.obey("remove_usb_stick") == "no stick is in the port"
    assert port.obey("insert_usb_stick") == ""
    assert port.obey("insert_usb_stick") == "a stick is in the port already"
