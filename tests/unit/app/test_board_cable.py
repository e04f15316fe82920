"""Where the cable between two boards is decides what the addresses may be."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from random import Random

import pytest

from evse.app.station.board_cable import circumstances_of
from evse.services.security.events import SecurityMemory
from evse.services.settings.finding import Circumstances
from evse.services.settings.model import OutletFacts, Role, StationFacts
from evse.services.settings.problems import Refused
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import Settings
from evse.services.settings.store import SettingsStore
from tests.fakes.crash_disk import CrashDisk


def world_that_says(directory: Path, *answers: object) -> str:
    """The socket of a world that answers so, one connection after the other, and is gone then."""
    path = str(directory / "w")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(json.dumps(answer).encode() + b"\n")
        listener.close()

    threading.Thread(target=serve, daemon=True).start()
    return path


@pytest.mark.req("NET-01")
def test_the_settings_follow_the_worlds_cable(tmp_path: Path) -> None:
    elsewhere, there = ({"ok": True, "board_cable_in_second_port": value} for value in (False, True))
    ask = circumstances_of(world_that_says(tmp_path, elsewhere, there))
    facts = StationFacts("parking", "P1", (OutletFacts(1), OutletFacts(2)))
    store = SettingsStore(Path("/d"), CrashDisk(Random(1)))
    settings = Settings(Catalogue(facts), store, SecurityMemory(), ask)
    settings.values = settings.catalogue.whole({"network.dhcp": False})
    with pytest.raises(Refused, match=r"network\.dhcp"):
        settings.preview({"network.dhcp": True}, Role.ADMIN)
    assert settings.preview({"network.dhcp": True}, Role.ADMIN).keys == {"network.dhcp"}


def test_without_a_world_or_with_one_that_is_gone_the_installer_is_believed(tmp_path: Path) -> None:
    assert circumstances_of("")() == Circumstances()
    assert circumstances_of(str(tmp_path / "nobody"))() == Circumstances()
    assert circumstances_of(world_that_says(tmp_path, {"ok": True}))() == Circumstances()
