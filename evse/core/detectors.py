"""From readings to fault causes: which faults of the catalogue have their cause present right now.

No memory except hysteresis and the monitors handed in; what a cause leads to is the catalogue's business.
"""

from __future__ import annotations

from typing import NamedTuple

from evse.core.config import OutletConfig
from evse.core.energy import OverCurrentWatch
from evse.core.generator import GeneratorTries
from evse.core.lock import LockGoal, LockSupervisor
from evse.core.pilot import VEHICLE_LEVELS, DiodeCheck, PilotMonitor
from evse.core.shutter import PlugWay, ShutterGoal, ShutterSupervisor
from evse.core.units import MS, NEVER
from evse.core.values import CableState, LockFeedback, OutletInputs, PilotLevel, ShutterFeedback

CABLE_DOUBT_US = 300 * MS
"""Cable and pilot may contradict each other for this long while nothing is energised (plugging takes time)."""


class DetectorContext(NamedTuple):
    """Facts of the outlet that the detectors weigh."""

    energised: bool
    contact_welded: bool
    contact_failed_to_close: bool
    lock_needed: bool
    """The session relies on the bolt, and on the shutter where there is one."""
    ventilation_allowed: bool
    record_late: bool
    self_test_failed: bool
    link_expected: bool
    """The front end has spoken once, or has had the time to."""
    reader_expected: bool
    """The same for the card reader."""
    hard_current_ma: int
    """Limit of the socket in use, opens at once."""
    breaker_tripped: bool
    """The debounced breaker input says so."""
    plug_seen: bool
    """There is something of a mode 3 plug, cable or vehicle."""
    phases_fed: int
    """So many conductors have to be live, counted from L1."""


class FaultDetectors:
    """The detectors of one outlet."""

    def __init__(self, config: OutletConfig) -> None:
        self._config = config
        self.generator = GeneratorTries()
        self._plug_way = PlugWay()
        self._hot = False
        self._doubt_since_us = NEVER
        self.wake_us = NEVER

    def configure(self, config: OutletConfig) -> None:
        """Work by another configuration of the same board."""
        self._config = config

    def present(
        self,
        now_us: int,
        inputs: OutletInputs,
        pilot: PilotMonitor,
        cable: CableState,
        lock: LockSupervisor,
        shutter: ShutterSupervisor,
        current: OverCurrentWatch,
        context: DetectorContext,
    ) -> list[str]:
        """Return the names of all faults whose cause is present, in a fixed order."""
        self.wake_us = NEVER
        if self._config.has_shutter:
            self._plug_way.update(now_us, inputs.shutter, seen=context.plug_seen, link_ok=inputs.link_ok)
        if not inputs.link_ok:
            # Old readings prove nothing: only the loss itself is a fact.
            return ["FrontEndLost"] if context.link_expected else []
        self.generator.update(now_us, pilot)
        shutter_unknown = self._config.has_shutter and inputs.shutter is ShutterFeedback.CONTRADICTORY
        causes = {
            "ContactorWelded": context.contact_welded,
            "ContactorFailedToClose": context.contact_failed_to_close,
            "DiodeFault": pilot.diode is DiodeCheck.SHORTED,
            "PilotShort": pilot.level is PilotLevel.E,
            "PilotInvalid": pilot.level is PilotLevel.INVALID,
            "PilotGeneratorStuck": pilot.generator_stuck,
            "PilotGeneratorDefective": self.generator.defective,
            "ProximityFault": self._proximity_fault(now_us, pilot, cable, context),
            "ResidualCurrentAC": inputs.residual_ac,
            "ResidualCurrentDC": inputs.residual_dc,
            "ResidualSelfTestFailed": context.self_test_failed,
            "OverCurrentSoft": current.tripped,
            "OverCurrentHard": max(inputs.currents_ma) > context.hard_current_ma,
            "OverTemperature": self._over_temperature(inputs.temperature_dc),
            "VentilationNotAvailable": pilot.level is PilotLevel.D and not context.ventilation_allowed,
            "LockFailedToLock": lock.failed is LockGoal.LOCKED,
            "LockFailedToUnlock": lock.failed is LockGoal.UNLOCKED,
            "LockSensor": self._config.has_lock and inputs.lock is LockFeedback.CONTRADICTORY,
            "LockOpenedInCharge": context.lock_needed and lock.lost,
            "ShutterFailedToOpen": shutter.failed is ShutterGoal.OPEN,
            "ShutterFailedToClose": shutter.failed is ShutterGoal.CLOSED,
            "ShutterOpenedInCharge": context.lock_needed and shutter.lost and not shutter_unknown,
            "ShutterSensor": shutter_unknown or self._plug_way.impossible,
            "ProtectionDeviceTripped": context.breaker_tripped,
            "SupplyLost": min(inputs.voltages_mv[: context.phases_fed]) < self._config.protection.voltage_minimum_mv,
            "BrownOut": inputs.supply_mv < self._config.protection.supply_minimum_mv,
            "CardReaderLost": context.reader_expected and not inputs.reader_ok,
            "RecordNotDurable": context.record_late,
        }
        names = [name for name, is_present in causes.items() if is_present]
        return names + [code for code in inputs.fault_codes if code not in names]

    def _proximity_fault(self, now_us: int, pilot: PilotMonitor, cable: CableState, context: DetectorContext) -> bool:
        if self._config.attached_cable:
            return False
        # While the station drives F, the level is only what was seen before: it contradicts nothing.
        seen = pilot.level in VEHICLE_LEVELS and not pilot.blind
        doubtful = cable in (CableState.SHORT, CableState.INVALID) or (cable is CableState.NOT_PLUGGED and seen)
        if not doubtful:
            self._doubt_since_us = NEVER
            return False
        if self._doubt_since_us == NEVER:
            self._doubt_since_us = now_us
        if context.energised or now_us >= self._doubt_since_us + CABLE_DOUBT_US:
            return True
        self.wake_us = min(self.wake_us, self._doubt_since_us + CABLE_DOUBT_US)
        return False

    def _over_temperature(self, temperature_dc: int) -> bool:
        limits = self._config.protection
        self._hot = temperature_dc >= (limits.temperature_resume_dc if self._hot else limits.temperature_stop_dc)
        return self._hot
