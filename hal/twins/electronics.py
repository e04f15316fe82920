"""What a front end's microcontroller has at its pins: the boundary between a twin (firmware) and the world (physics).

``hal.world.outlet`` implements it; the front-end twin in ``hal.twins.front_end`` is programmed against it. Sensing
methods return the physical truth at ``now_us``; drive methods change it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hal.ports import (
    BeepCode,
    LightCode,
    LockPosition,
    LockPulse,
    PilotDriveMode,
    SelfTest,
    ShutterPosition,
    ShutterPulse,
)


class OutletElectronics(Protocol):
    """One outlet's sensors and actuators, as a microcontroller sees them."""

    def pilot_line(self) -> tuple[int, int, int, int]:
        """Return (positive_mv, negative_mv, duty_bp, frequency_dhz) at the station's side of the line."""
        ...

    def proximity_ohm(self) -> int | None: ...

    def mirror_closed(self) -> bool: ...

    def domestic_mirror_closed(self) -> bool:
        """Return what the mirror contact of the domestic socket's contactor says, false where there is none."""
        ...

    def domestic_plugged(self) -> bool:
        """Return what the domestic socket's plug switch says, false where there is none."""
        ...

    def lock_position(self) -> LockPosition: ...

    def shutter_position(self) -> ShutterPosition:
        """Return what the shutter's end switches say, ``BETWEEN`` where there is no shutter."""
        ...

    def currents_ma(self) -> tuple[int, int, int]: ...

    def voltages_mv(self) -> tuple[int, int, int]: ...

    def residual_trip(self) -> tuple[bool, bool]:
        """Return the detector's (AC, DC) trip outputs."""
        ...

    def self_test(self) -> SelfTest: ...

    def temperature_dc(self) -> int: ...

    def temperature_sensor_ok(self) -> bool: ...

    def coil_open_load(self) -> bool:
        """Return whether the coil is driven and takes no current."""
        ...

    def supply_mv(self) -> int: ...

    def inputs(self) -> tuple[bool, ...]: ...

    def dip_switches(self) -> tuple[int, ...]:
        """Return the positions of the DIP switches, one byte per bank (switch 1 = 0x80); empty where there are none."""
        ...

    def x2_closed(self) -> bool:
        """Return where the relay of the switching output X2 stands, false where there is none."""
        ...

    def drive_pilot(self, mode: PilotDriveMode, duty_bp: int, now_us: int) -> None: ...

    def drive_coil(self, energised: bool, now_us: int) -> None:
        """Energise or release the contactor's coil; the contact follows after its mechanical delay, if it can."""
        ...

    def drive_domestic_coil(self, energised: bool, now_us: int) -> None:
        """The same for the domestic socket's contactor; without effect where there is none."""
        ...

    def drive_lock(self, direction: LockPulse, duration_us: int, now_us: int) -> None: ...

    def drive_shutter(self, direction: ShutterPulse, duration_us: int, now_us: int) -> None: ...

    def drive_x2(self, closed: bool, now_us: int) -> None:
        """Move the relay of the switching output X2; without effect where there is none."""
        ...

    def start_self_test(self, now_us: int) -> None: ...

    def show_light(self, code: LightCode, now_us: int) -> None: ...

    def show_text(self, text: str, now_us: int) -> None:
        """Show ``text`` on the display, if there is one."""
        ...

    def beep(self, code: BeepCode, now_us: int) -> None: ...

    def ventilate(self, on: bool, now_us: int) -> None: ...

    def on_change(self, listener: Callable[[int], None]) -> None:
        """Call ``listener(now_us)`` whenever anything above may read differently."""
        ...
