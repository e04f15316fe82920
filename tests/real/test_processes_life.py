"""Start, end and mistakes of ``evse run``, with real processes."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.running_station import ROOT, RunningStation, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


@pytest.fixture
def station() -> Iterator[RunningStation]:
    running = RunningStation()
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningStation]:
    """A running station for tests that leave it running."""
    running = RunningStation()
    try:
        yield running.start()
    finally:
        running.close()


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _worker_policies() -> set[int]:
    """How the kernel's unbound workers of ordinary nice value are scheduled; empty where they are not visible."""
    found = set()
    children = Path("/proc/2/task/2/children")
    for pid in map(int, children.read_text(encoding="ascii").split() if children.exists() else ()):
        try:
            if Path(f"/proc/{pid}/comm").read_text().startswith("kworker/u") and not os.getpriority(
                os.PRIO_PROCESS, pid
            ):
                found.add(os.sched_getscheduler(pid))
        except OSError:
            continue  # an idle worker has ended
    return found


def _nobody_needs_workers() -> bool:
    """Whether no station runs on this kernel."""
    fd = os.open("/sys/devices/virtual/workqueue", os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def test_the_kernels_workers_for_serial_lines_are_raised_while_a_station_runs(station: RunningStation) -> None:
    station.start()
    status = station.status()
    if status["kernel_workers"]:
        until("all are raised", lambda: _worker_policies() == {os.SCHED_FIFO}, 5)
        assert station.stop() == 0
        # Another station on this machine keeps them raised.
        until("they are as before", lambda: _worker_policies() == {os.SCHED_OTHER} or not _nobody_needs_workers(), 5)
    elif status["fifo"]:
        assert "workers for serial lines stay at normal priority" in "\n".join(station.started["warnings"])
    else:
        assert "no FIFO priority" in "\n".join(station.started["warnings"])


def test_the_kernels_workers_are_left_alone_when_that_is_wished(station: RunningStation) -> None:
    station.arguments = ("--no-kernel-workers",)
    station.start()
    assert station.status()["kernel_workers"] is False
    assert "workers" not in "\n".join(station.started["warnings"])
    until("nobody raises them", lambda: _worker_policies() <= {os.SCHED_OTHER} or not _nobody_needs_workers(), 5)


def test_a_stop_opens_the_contact_and_leaves_nothing_behind(station: RunningStation) -> None:
    station.start()
    runtime, pids = Path(station.started["runtime"]), station.status()["pids"]
    assert station.stop() == 0
    assert not any(alive(pid) for pid in pids.values())
    assert not runtime.exists()


def test_a_session_is_closed_by_an_orderly_stop_with_its_energy(station: RunningStation) -> None:
    station.start().charge()
    until("energy counts", lambda: station.outlet(1)["register_wh"] > 10)
    register_wh = station.outlet(1)["register_wh"]
    assert station.stop(signal.SIGINT) == 0
    station.start()
    record = until("record", station.records)[0]
    assert record["reason"] == "Reboot"
    assert record["energy_wh"] >= register_wh
    assert record["charge_type"] == "Normal_Mode_3"


def test_children_die_with_the_supervisor(station: RunningStation) -> None:
    station.start()
    pids = station.status()["pids"]
    assert station.process is not None
    station.process.kill()
    station.process.wait()
    until("children end", lambda: not any(alive(pid) for pid in pids.values()), 3)
    # Its directories are free again.
    station.start()
    assert station.page_status() == 200


def test_two_stations_never_share_a_data_directory(shared: RunningStation) -> None:
    station = shared
    command = [sys.executable, "-m", "evse", "run", "--profile", "parking", "--port", "0", "--data",
               str(station.home / "data")]  # fmt: skip
    second = subprocess.run(command, env=station.environment(), capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert "in use by another running station" in second.stderr
    assert "Traceback" not in second.stderr
    assert station.page_status() == 200


def test_on_hardware_there_is_no_world(station: RunningStation) -> None:
    profile = station.home / "quick.yaml"
    wires = "front_end: {wire: {kind: serial, path: /dev/none-0}}, reader: {wire: {kind: serial, path: /dev/none-1}}"
    head = "schema: 1\nkind: station\nname: board\ninherits: parking\noutlets:\n"
    profile.write_text(head + "  - {number: 1, " + wires + "}\n", encoding="utf-8")
    station.start()
    assert set(station.status()["pids"]) == {"control", "services"}
    assert station.started["world"] == ""
    assert station.get("api/world/verbs") is None
    assert station.get("api/station") is None
    station.login()
    # The devices are missing: control lives, says so, and holds nothing.
    outlet = until("outlet", station.outlet)
    assert not outlet["link_ok"]
    assert not outlet["contactor_permitted"]


def test_a_wrong_profile_is_refused_before_anything_is_announced(station: RunningStation) -> None:
    (station.home / "r").mkdir(mode=0o700)
    command = [sys.executable, "-m", "evse", "run", "--profile", "nonsense", "--port", "0"]
    done = subprocess.run(
        command, env=station.environment(), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "allowed: city, " in done.stderr
    assert ", parking, " in done.stderr
    assert "Traceback" not in done.stderr
    assert list((station.home / "r").iterdir()) == []


def test_the_command_line_finds_the_running_station(shared: RunningStation, station: RunningStation) -> None:
    def evse(*arguments: str, at: RunningStation = shared) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "evse", "world", *arguments]
        return subprocess.run(
            command, env=at.environment(), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )

    (station.home / "r").mkdir(mode=0o700)
    assert evse("list", at=station).returncode == 3, "one that does not run"
    listed = evse("list")
    assert listed.returncode == 0
    assert "plug_in" in listed.stdout
    assert evse("plug_in", "outlet=1", "cable=20 A").returncode == 0
    assert shared.truth()["plug_at_station"]
    wrong = evse("plug_in", "outlet=9")
    assert wrong.returncode == 2
    assert "outlet" in wrong.stderr
    refused = evse("plug_in", "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["kind"] == "refused"


def test_frozen_control_is_replaced_through_the_verbs(shared: RunningStation) -> None:
    before = shared.pid("control")
    shared.verb("freeze_control")
    until("a new control", lambda: shared.pid("control") not in (0, before), 4)
    until("it speaks", lambda: (shared.get("api/station") or {}).get("restored"))
