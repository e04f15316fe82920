"""What both halves of an outlet's procedure stand on: its state, the table, errors, sounds, times."""

from __future__ import annotations

from collections.abc import Callable

from evse.core.availability import Availability
from evse.core.config import Access, OutletConfig
from evse.core.events import (
    Event,
    OutletError,
    OutletStatusChanged,
)
from evse.core.lock import LockGoal
from evse.core.outlet_status import ERROR_CLASS, OUTLET_TABLE, ErrorClass, OutletErrorName, OutletStatus
from evse.core.power_return import PowerReturn
from evse.core.procedure_facts import ProcedureFacts
from evse.core.session import PendingAuthorisation, Session
from evse.core.shutter import ShutterGoal
from evse.core.units import NEVER
from evse.core.values import Beep


class ProcedureBase:
    """State of one outlet's procedure, and how it changes and speaks."""

    def __init__(
        self, config: OutletConfig, boot_id: str, checkpoint_period_us: int, emit: Callable[[Event], None]
    ) -> None:
        self._config = config
        self._times = config.procedure
        self._boot_id = boot_id
        self._checkpoint_period_us = checkpoint_period_us
        self._emit = emit
        self.status = OutletStatus.NOT_INITIALIZED
        self.since_us = 0
        self.epoch = 0
        self.availability = Availability()
        self.power_return = PowerReturn()
        self.session: Session | None = None
        self.pending: PendingAuthorisation | None = None
        self.last_error: OutletErrorName | None = None
        self.stop_reason = ""
        self.stopped_by = ""
        """The card that gave the reason to stop; empty: no card did."""
        self.ends_with_vehicle = self.releases_with_vehicle = True
        """What follows when the vehicle's end is unplugged (:class:`evse.core.commands.WhenVehicleLeaves`)."""
        self.plug_within_us = 0
        """For cable and vehicle each; 0: as configured."""
        self.kept_for = ""
        """Whose cable stays locked in after the session, until he presents himself; empty: nobody's."""
        self.lock_goal = LockGoal.UNLOCKED
        self.retry_lock = False
        self.shutter_goal = ShutterGoal.CLOSED
        self.retry_shutter = False
        self.self_test_wanted = False
        self.read_cards_until_us = 0
        self.beep = Beep.NONE
        self.beep_count = 0
        self._card_counter = 0
        self._session_counter = 0
        self._free_served = self._asked_again = False
        self._plug_since_us = NEVER
        self._gone_since_us = NEVER
        self._unwatched_since_us = NEVER
        self._noticed: set[OutletErrorName] = set()
        self._charge_error = False
        self._wake_us = NEVER
        self._asked_from = OutletStatus.INIT_DONE

    def configure(self, config: OutletConfig, checkpoint_period_us: int) -> None:
        """Work by another configuration of the same board: a session goes on, times under way count by the new ones."""
        self._config, self._times = config, config.procedure
        self._checkpoint_period_us = checkpoint_period_us

    def _fire(self, now_us: int, trigger: str) -> None:
        previous = self.status
        if trigger == "authorise":
            self._asked_from = previous
        self.status = OutletStatus(OUTLET_TABLE.next_state(previous.value, trigger))
        self.since_us = now_us
        self._emit(OutletStatusChanged(self._config.number, previous.value, self.status.value, trigger))

    def _late(self, now_us: int, deadline_us: int) -> bool:
        if now_us >= deadline_us:
            return True
        self._wake_us = min(self._wake_us, deadline_us)
        return False

    def error(self, error: OutletErrorName) -> None:
        """Report an error that another part of the outlet found in a charge."""
        self._charge_error = True
        self._error(error)

    def sound(self, beep: Beep) -> None:
        """Sound for another part of the outlet."""
        self._sound(beep)

    def _error(self, error: OutletErrorName) -> None:
        self.last_error = error
        self._emit(OutletError(self._config.number, error.value, ERROR_CLASS[error].value))

    def _notice(self, error: OutletErrorName) -> None:
        if error not in self._noticed:
            self._noticed.add(error)
            self._error(error)

    def _sound(self, beep: Beep) -> None:
        self.beep = beep
        self.beep_count += 1

    @property
    def last_error_class(self) -> ErrorClass:
        """The heading of the last error."""
        return ErrorClass.NONE if self.last_error is None else ERROR_CLASS[self.last_error]

    @property
    def _plug_us(self) -> int:
        return self.plug_within_us or self._times.plug_us

    @property
    def _vehicle_us(self) -> int:
        return self.plug_within_us or self._times.vehicle_us

    @property
    def charge_wanted(self) -> bool:
        """The procedure has come so far that energy may be offered."""
        return self.status is OutletStatus.CHARGE_LOOP_STARTED and not self.stop_reason

    @property
    def _in_maintenance_state(self) -> bool:
        """City shows maintenance as a state of its own, with lock and shutter released for work."""
        return self.availability.maintenance and self._config.has_shutter

    def _bolt_withdrawn(self, facts: ProcedureFacts) -> bool:
        """After a start the bolt may still be out from the boot before: it is drawn back before anybody begins."""
        return not self._config.has_lock or facts.unlocked or facts.lock_failed is LockGoal.UNLOCKED

    def _released(self, facts: ProcedureFacts) -> bool:
        """Whether anybody may plug in without being asked who he is."""
        kept = facts.blocked or facts.key_locked or self.availability.out_of_service
        return self._config.access is Access.FREE and not kept and self.availability.booking is None
