"""Thousands of verbs and orders in random order: physics stay physics, and two equal walks are equal."""

from __future__ import annotations

import random

import pytest

from hal.ports import LockPosition, LockPulse, PilotDriveMode
from hal.units import MS, SECOND
from hal.world.contacts import ContactKind, WiredContact
from hal.world.outlet import OutletSetup
from hal.world.station import StationWorld
from hal.world.truth import OutletTruth
from hal.world.verb_spec import Verb, VerbParam
from hal.world.verbs import VerbError, apply, verbs_of

WALLBOX = (WiredContact(ContactKind.BUTTON, 3), WiredContact(ContactKind.KEY, 4, normally_open=False))


def random_value(param: VerbParam, stream: random.Random) -> object:
    if param.type == "bool":
        return stream.random() < 0.5
    if param.type == "choice":
        return stream.choice(param.choices)
    if param.type == "text":
        return stream.choice(("1", "20 A", "true", "deep", "04A1B2C3", "5 kWh"))
    assert param.minimum is not None
    assert param.maximum is not None
    return stream.randint(param.minimum, min(param.maximum, param.minimum + 40))


def random_params(verb: Verb, stream: random.Random) -> dict[str, object]:
    params = {
        param.name: random_value(param, stream)
        for param in verb.params
        if param.default is None or stream.random() < 0.1
    }
    return params


def mend(world: StationWorld, now_us: int) -> None:
    """Heal everything, as else nothing works after a while."""
    for verb in verbs_of(world):
        if verb.healed_by == "heal" or verb.name in ("restore_power", "reset_breaker"):
            try:
                apply(world, verb.name, {"heal": True} if verb.healed_by == "heal" else {}, now_us)
            except VerbError as error:
                assert "impossible now" in str(error)


def random_order(world: StationWorld, stream: random.Random, now_us: int) -> None:
    outlet = world.outlet(stream.randint(1, len(world.outlets)))
    match stream.randrange(4):
        case 0:
            mode = stream.choice((*PilotDriveMode, PilotDriveMode.PWM, PilotDriveMode.PWM, PilotDriveMode.PWM))
            outlet.drive_pilot(mode, stream.randrange(800, 9_800), now_us)
        case 1:
            outlet.drive_coil(stream.random() < 0.7, now_us)
        case 2:
            outlet.drive_lock(stream.choice(tuple(LockPulse)), stream.randrange(600 * MS), now_us)
        case _:
            outlet.start_self_test(now_us)


def check_physics(old: OutletTruth, new: OutletTruth) -> None:
    assert new.energy_pj >= old.energy_pj
    if new.current_flows:
        assert new.contact_closed
        assert new.connected
        assert new.s2_closed
        assert any(new.voltages_mv)
    if not new.connected:
        assert not new.s2_closed or not new.plug_at_station
    if new.pilot_level in ("B", "C", "D") and new.earth_ok:
        assert new.powered
    assert -30_000 <= new.negative_mv <= new.positive_mv <= 30_000
    assert new.closings - new.openings == int(new.contact_closed)
    if old.plug_at_station and not new.plug_at_station:
        assert new.bolt is LockPosition.UNLOCKED or not new.lock_fitted


def walk(seed: int) -> list[tuple[OutletTruth, ...]]:
    stream = random.Random(seed)
    world = StationWorld([OutletSetup(), OutletSetup(phases=1, has_lock=False, contacts=WALLBOX)])
    verbs = verbs_of(world)
    now_us, seen = 0, [world.truths()]
    for _ in range(400):
        now_us += stream.choice((0, 5 * MS, 400 * MS, 5 * SECOND, 200 * SECOND))
        if stream.random() < 0.05:
            mend(world, now_us)
        elif stream.random() < 0.4:
            random_order(world, stream, now_us)
        else:
            usual = [verb for verb in verbs if verb.group == "user" or verb.name.startswith("re")]
            verb = stream.choice(verbs if stream.random() < 0.6 else usual)
            before = world.step(now_us), world.truths()
            try:
                apply(world, verb.name, random_params(verb, stream), now_us)
            except VerbError:
                assert (world.step(now_us), world.truths()) == before
        assert world.step(now_us) > now_us
        seen.append(world.truths())
        for old, new in zip(seen[-2], seen[-1], strict=True):
            check_physics(old, new)
    return seen


@pytest.mark.req("SIM-01", "SIM-02")
def test_random_walks() -> None:
    walks = [walk(seed) for seed in range(20)]
    seen = [truth for walked in walks for truths in walked for truth in truths]
    assert sum(truth.current_flows for truth in seen) > 50, "walks without a charge prove little"
    assert {truth.pilot_level for truth in seen} >= {"A", "B", "C", "D", "E", "F"}
    assert walk(0) == walks[0]
