"""A long charge makes no garbage: control could collect it only in the pauses between renewals."""

from __future__ import annotations

import gc

from evse.app.virtual.station_factory import station_factory
from hal.units import SECOND


def test_nothing_is_left_for_the_collector_while_a_charge_runs_frame_by_frame() -> None:
    station = station_factory("parking-free", 0, elide=False)
    scheduler = station.scheduler
    scheduler.run_until(5 * SECOND)
    station.apply_verb("plug_in", {"outlet": 1, "capacity": 500, "charge": 0}, scheduler.now_us)
    scheduler.run_for(30 * SECOND)
    frames = station.frames_sent()
    gc.collect()
    gc.disable()
    try:
        scheduler.run_for(30 * SECOND)
        assert station.world.outlet(1).truth().contact_closed
        assert station.frames_sent() - frames > 2 * 20 * 25, "every frame of the renewals was sent and read"
        assert gc.collect() < 30
    finally:
        gc.enable()
