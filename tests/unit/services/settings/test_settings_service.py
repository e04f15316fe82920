from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from evse.services.security.events import SecurityKind, SecurityMemory
from evse.services.settings.model import OutletFacts, Role, StationFacts
from evse.services.settings.problems import Refused
from evse.services.settings.registry import Catalogue
from evse.services.settings.service import Actor, Settings, StaleVersion
from evse.services.settings.store import SettingsStore
from tests.fakes.crash_disk import CrashDisk

FACTS = StationFacts("parking", "P1", (OutletFacts(1, lines=("in_1",)), OutletFacts(2, lines=("in_1",))))
ADMIN = Actor("admin", Role.ADMIN, "192.168.0.9")
USER = Actor("user", Role.USER, "192.168.0.8")


class Bench:
    def __init__(self, fail_at: tuple[int, ...] = ()) -> None:
        self.disk = CrashDisk(Random(1), fail_at=fail_at)
        self.log = SecurityMemory()
        self.told: list[frozenset[str]] = []
        self.settings = self.start()

    def start(self) -> Settings:
        settings = Settings(Catalogue(FACTS), SettingsStore(Path("/d"), self.disk), self.log)
        settings.listen(lambda _values, keys: self.told.append(keys))
        return settings

    def change(self, wanted: Mapping[str, object], actor: Actor = ADMIN, based_on: int | None = None) -> None:
        asyncio.run(self.settings.change(wanted, actor, based_on=based_on))


@pytest.mark.req("CFG-01")
def test_a_change_is_kept_logged_and_told_once() -> None:
    bench = Bench()
    bench.change({"general.location": "Outdoor", "smtp.password": "hunter2", "ocpp.default_id_tag": "04A1B2C3"})
    assert bench.settings.values["general.location"] == "Outdoor"
    assert bench.told == [frozenset({"general.location", "smtp.password", "ocpp.default_id_tag"})]
    (event,) = bench.log.events
    assert (event.kind, event.actor, event.source) == (SecurityKind.SETTINGS_CHANGED, "admin", "192.168.0.9")
    assert "general.location Indoor -> Outdoor" in event.detail
    assert "hunter2" not in event.detail
    assert "ocpp.default_id_tag *****INED -> ****B2C3" in event.detail
    assert bench.start().values == bench.settings.values


def test_a_change_to_what_is_already_so_is_no_change() -> None:
    bench = Bench()
    bench.change({"general.location": "Indoor"})
    assert (bench.settings.configuration.version, bench.log.events, bench.told) == (1, [], [])


def test_a_refused_change_leaves_everything_as_it_was() -> None:
    bench = Bench()
    with pytest.raises(Refused):
        bench.change({"general.location": "Outdoor", "access.timeout_s": 5000})
    assert bench.settings.values == Catalogue(FACTS).factory
    assert bench.told == []


def test_a_disk_that_fails_leaves_everything_as_it_was() -> None:
    bench = Bench(fail_at=(2,))
    with pytest.raises(OSError, match="Input/output"):
        bench.change({"general.location": "Outdoor"})
    assert (bench.settings.values["general.location"], bench.told, bench.log.events) == ("Indoor", [], [])
    bench.change({"general.location": "Outdoor"})
    assert bench.start().values["general.location"] == "Outdoor"


def test_whoever_looked_at_an_old_version_is_told_so() -> None:
    bench = Bench()
    bench.change({"general.location": "Outdoor"}, based_on=1)
    with pytest.raises(StaleVersion):
        bench.change({"time.zone": "Europe/Paris"}, based_on=1)
    bench.change({"time.zone": "Europe/Paris"}, based_on=2)
    assert bench.settings.configuration.version == 3


def test_two_changes_at_once_are_made_one_after_the_other() -> None:
    bench = Bench()

    async def both() -> None:
        await asyncio.gather(
            bench.settings.change({"outlet.1.derated_current_a": 10}, ADMIN),
            bench.settings.change({"outlet.2.derated_current_a": 12}, ADMIN),
        )

    asyncio.run(both())
    values = bench.start().values
    assert (values["outlet.1.derated_current_a"], values["outlet.2.derated_current_a"]) == (10, 12)
    assert bench.settings.configuration.version == 3


@pytest.mark.req("CFG-03")
def test_a_reset_gives_the_factory_values_and_keeps_nothing_of_before() -> None:
    bench = Bench()
    bench.change({"general.location": "Outdoor", "smtp.password": "hunter2"})
    asyncio.run(bench.settings.reset(ADMIN))
    assert bench.settings.values == Catalogue(FACTS).factory
    assert bench.settings.configuration.version == 3
    assert b"hunter2" not in b"".join(bench.disk.files.values())
    assert bench.log.events[-1].kind is SecurityKind.FACTORY_RESET
    assert bench.told[-1] == {"general.location", "smtp.password"}


def test_saved_is_not_active_until_control_says_so() -> None:
    bench = Bench()
    bench.settings.acknowledge(1)
    assert bench.settings.active
    bench.change({"general.location": "Outdoor"})
    assert not bench.settings.active
    bench.settings.acknowledge(2)
    assert bench.settings.active


def test_what_does_not_fit_the_board_is_told() -> None:
    bench = Bench()
    bench.change({"outlet.2.derated_current_a": 10})
    single = Settings(
        Catalogue(StationFacts("parking", "P1", FACTS.outlets[:1])),
        SettingsStore(Path("/d"), bench.disk),
        bench.log,
    )
    assert "outlet.2.derated_current_a" in single.problem
    assert single.values["outlet.1.derated_current_a"] == 32
