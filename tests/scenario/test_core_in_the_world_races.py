"""Plug, badge, unplug, fault and power cut against each other at many instants; after each the station works on.

``tools/campaign --races`` runs as many as one likes, at instants of its own.
"""

from __future__ import annotations

import math
import os
import random
from dataclasses import replace

import pytest

from evse.core.config import Access
from evse.core.configure import with_digest
from evse.sim.station import ClosedSession
from hal.world.verb_spec import VerbError
from tests.fakes.core_in_world import OTHER_UID, WorldBench

LATEST_MS = 4_000


def instants_ms() -> tuple[float, ...]:
    """How long after the first thing the second one happens.

    In the check these: at once, within the card's answer, within the start of the session, at the closing of the contact, and
    later. A campaign draws ``EVSE_RACES`` others from the random number ``EVSE_RANDOM``, short ones as likely as long ones.
    """
    count = int(os.environ.get("EVSE_RACES", "0"))
    dice = random.Random(int(os.environ.get("EVSE_RANDOM", "0")))
    drawn = (round(math.exp(dice.uniform(0, math.log(LATEST_MS))), 1) for _ in range(count))
    return tuple(drawn) if count else (0, 40, 260, 640, 2_600)


OFFSETS_MS = instants_ms()
EVENTS = ("unplug", "short_pilot", "trip_residual", "cut_power", "kill_control", "kill_services", "cut_line", "card")


def happen(b: WorldBench, event: str) -> None:
    if event == "card":
        b.card(OTHER_UID)
        return
    params = {} if event in ("cut_power", "kill_control", "kill_services") else {"outlet": 1}
    try:
        b.verb(event, **params)
    except VerbError:
        b.verb("unplug", end="vehicle", pull_under_load=True)


def mend(b: WorldBench, event: str) -> None:
    if event == "cut_power":
        b.verb("restore_power")
    elif event in ("short_pilot", "cut_line"):
        b.verb(event, heal=True)


def works_on(b: WorldBench) -> None:
    """Whatever was, a user can unplug, and the next one can charge and gets a record."""
    b.run(40)
    session = b.view().session
    if session is not None:
        b.card(session.uid).run(15)
    for end in ("vehicle", "station"):
        truth = b.truth()
        if truth.plug_at_vehicle if end == "vehicle" else truth.plug_at_station:
            b.verb("unplug", end=end).run(10)
    b.run(70)
    assert b.view().outlet_status == "OK_InitDone", (b.view(), b.timed()[-12:])
    assert b.faults() == ()
    before = len(b.station.ledger().records())
    b.charging().card().run(15)
    records = b.station.ledger().records()
    assert len(records) == before + 1
    assert len({record.session_id for record in records}) == len(records)
    assert not b.station.ledger().open_sessions()
    delivered_wh = b.truth().energy_pj / 3.6e15
    told_wh = sum(record.energy_wh for record in records)
    assert told_wh <= delivered_wh + len(records)
    last: ClosedSession = records[-1]
    assert last.reason == "Local"
    assert b.violations() == []


@pytest.mark.req("OUT-03", "CDR-05")
@pytest.mark.parametrize("offset_ms", OFFSETS_MS)
@pytest.mark.parametrize("event", EVENTS)
def test_something_happens_after_the_badge(event: str, offset_ms: float) -> None:
    b = WorldBench().run(12).verb("plug_in").run(3.0137).card()
    b.run(offset_ms / 1_000)
    happen(b, event)
    b.run(4.0071)
    mend(b, event)
    works_on(b)


@pytest.mark.req("OUT-03", "CDR-05")
@pytest.mark.parametrize("offset_ms", OFFSETS_MS[::2])
@pytest.mark.parametrize("event", EVENTS)
def test_something_happens_while_the_charge_ends(event: str, offset_ms: float) -> None:
    b = WorldBench().charging().card()
    b.run(offset_ms / 1_000)
    happen(b, event)
    b.run(4.0071)
    mend(b, event)
    works_on(b)


@pytest.mark.req("OUT-03")
@pytest.mark.parametrize("offset_ms", OFFSETS_MS[::2])
def test_badge_and_plug_in_any_order(offset_ms: float) -> None:
    for badge_first in (True, False):
        b = WorldBench().run(12)
        for step in ("card", "plug") if badge_first else ("plug", "card"):
            if step == "card":
                b.card()
            else:
                b.verb("plug_in")
            b.run(offset_ms / 1_000)
        b.run(40)
        assert b.truth().contact_closed
        works_on(b)


@pytest.mark.req("PIL-04", "CDR-05")
@pytest.mark.parametrize("event", ["cut_power", "kill_control"])
def test_a_charge_cut_short_keeps_its_energy_to_the_last_checkpoint(event: str) -> None:
    b = WorldBench().charging().run(300)
    delivered_wh = b.truth().energy_pj / 3.6e15
    b.verb(event)
    assert b.opened_after_us() <= 300_000
    b.run(3)
    mend(b, event)
    b.run(30)
    records = b.station.ledger().records()
    assert len(records) == 1
    assert records[0].interrupted
    minute_wh = 32 * 230 * 3 / 60
    assert delivered_wh - minute_wh - 2 <= records[0].energy_wh <= delivered_wh + 1
    assert b.view().register_wh == records[0].energy_wh
    works_on(b)


@pytest.mark.req("STA-02", "ENE-01")
def test_settings_count_at_once_and_after_every_restart() -> None:
    b = WorldBench(access=Access.FREE).run(12)
    config = b.station.config
    b.verb("plug_in").run(40)
    assert b.view().offered_ma == 32_000
    outlets = tuple(replace(each, derated_current_ma=16_000) for each in config.outlets)
    b.station.configure(with_digest(replace(config, outlets=outlets, version=config.version + 1)))
    b.run(1)
    assert b.view().offered_ma == 16_000
    assert b.truth().contact_closed
    highest_ma = 0
    for verb in ("kill_control", "kill_services", "cut_power"):
        b.verb(verb)
        if verb == "cut_power":
            b.run(5).verb("restore_power")
        for _ in range(120):
            b.run(0.5)
            view = b.station.view()
            highest_ma = max(highest_ma, view.outlets[0].offered_ma if view else 0)
    assert b.truth().contact_closed
    assert highest_ma == 16_000, "never by the configuration that control starts with"
    assert b.violations() == []
