"""What is physically true at one outlet: the view that invariants judge by. Nobody in the product reads it."""

from __future__ import annotations

from typing import Any, NamedTuple

from hal.ports import LockPosition, ShutterPosition
from hal.world.supply import Phases


class DomesticTruth(NamedTuple):
    """The domestic socket of an outlet. ``current_ma``: what flows through it on L1 (part of the outlet's currents)."""

    plugged: bool
    contact_closed: bool
    contact_welded: bool
    coil_energised: bool
    current_ma: int
    closings: int
    openings_under_load: int


class PhaseSwitchTruth(NamedTuple):
    """The contactor for L2 and L3 that X2 drives. ``moves_live``: movements while the outlet's contacts were closed."""

    x2_closed: bool
    closed: bool
    moves: int
    moves_live: int


class OutletTruth(NamedTuple):
    """One outlet as it is since ``at_us``. Nothing here is a report of a sensor or an order of a controller.

    ``contact_closed``: main contacts. ``live``: voltage on the vehicle's side of the contacts.
    ``currents_ma``: what flows per phase. ``bolt``: where the lock's bolt is; ``shutter``: where it really
    is, between its ends where there is none. ``plug_held``: bolt or shutter keeps the plug in.
    ``pilot_level``: A to F or ``invalid``, decided at the middles of the standard's gaps; ``pwm_on`` and ``duty_bp``:
    a square wave leaves the generator, with this duty cycle (errors included, 0 without).
    ``diode_ok``: no diode fault; ``earth_ok``: protective earth reaches the vehicle.
    ``s2_closed``: the vehicle's R3 is connected. ``energy_pj``: delivered since the world began, exact
    (mA x mV x us); ``energy_nj``: the same in whole nanojoules.
    ``openings_under_load``, ``last_break_ma``: breakings of 1 A or more and the largest phase current of the last
    breaking. ``unplugs_under_load``: plugs pulled while current flowed. ``domestic``: ``None`` where there is no such
    socket; contacts, plug and coil above are those of the socket with a pilot.
    ``inputs``: what each input line really says, true = closed, faults of wires and contacts included; ``key_locked``:
    the position of the key itself, false where there is none.
    ``light``, ``beep``, ``display``: what a passer-by sees, heard last and reads; ``beep_count``: how many sounds.
    ``phase_switch``: ``None`` where the feed has none. ``dip``: DIP switches, one byte per bank; ``x1_closed``: the contact at the enable input.
    """

    at_us: int
    contact_closed: bool
    contact_welded: bool
    coil_energised: bool
    live: bool
    currents_ma: Phases
    voltages_mv: Phases
    bolt: LockPosition
    lock_fitted: bool
    shutter: ShutterPosition
    shutter_fitted: bool
    plug_held: bool
    plug_at_station: bool
    plug_at_vehicle: bool
    attached_cable: bool
    positive_mv: int
    negative_mv: int
    pilot_level: str
    pwm_on: bool
    duty_bp: int
    diode_ok: bool
    earth_ok: bool
    s2_closed: bool
    vehicle_wants: bool
    vehicle_charge_bp: int
    residual_ac: bool
    residual_dc: bool
    powered: bool
    temperature_dc: int
    ventilation: bool
    light: str
    beep: str
    beep_count: int
    display: str
    dip: tuple[int, ...]
    x1_closed: bool
    energy_pj: int
    closings: int
    openings: int
    openings_under_load: int
    last_break_ma: int
    unplugs_under_load: int
    inputs: tuple[bool, ...] = ()
    key_locked: bool = False
    domestic: DomesticTruth | None = None
    phase_switch: PhaseSwitchTruth | None = None

    def as_dict(self) -> dict[str, Any]:
        """Every field by its name, those of domestic socket and phase switch as dictionaries of their own."""
        parts = {"domestic": self.domestic, "phase_switch": self.phase_switch}
        return {**self._asdict(), **{name: None if part is None else part._asdict() for name, part in parts.items()}}

    @property
    def energy_nj(self) -> int:
        """Delivered energy in nanojoules, rounded down once."""
        return self.energy_pj // 1_000

    @property
    def connected(self) -> bool:
        """Whether station and vehicle are joined by the cable."""
        return self.plug_at_station and self.plug_at_vehicle

    @property
    def current_flows(self) -> bool:
        """Whether any current flows."""
        return any(self.currents_ma)
