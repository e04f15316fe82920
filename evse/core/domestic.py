"""The domestic socket of an outlet (`TE` and `T2 - TE` of the EVlink commissioning guide DOCA0060).

There is no pilot, no bolt and no word with the appliance. A plug switch says that a plug is home; the outlet's own second
contactor closes for an authorised, durably recorded session, and opens at once when the plug leaves, the session ends, a
fault comes up or less current is left than an appliance may draw.

Beside a Type 2 socket only one of the two is in use, first come, first served:

================  ====================================================================================================
``selected``      the domestic socket has the outlet: its plug stands for cable and vehicle in the procedure
changes when      the socket that has the outlet is free (contact proven open, nothing plugged in), something is plugged
                  in at the other one, and no session is bound to a socket (from the plug procedure's end to unplugging)
================  ====================================================================================================

Whether a contact may be held is decided by :mod:`evse.core.interlock` alone, which looks at the other socket once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from evse.core.config import OutletConfig
from evse.core.contactor import ContactorMonitor
from evse.core.events import DomesticContactorMoved, DomesticPermitted, DomesticPlugMoved, Event
from evse.core.interlock import InterlockFacts, Permission, judge
from evse.core.outlet_status import OutletStatus
from evse.core.procedure_facts import ProcedureFacts
from evse.core.session import DOMESTIC
from evse.core.units import NEVER
from evse.core.values import OutletInputs

BOUND: Final = (
    OutletStatus.PLUG_DONE,
    OutletStatus.CHARGE_LOOP_STARTED,
    OutletStatus.CHARGE_LOOP_ENDED,
    OutletStatus.UNPLUG_STARTED,
)
"""In these a session belongs to one socket."""


MODE3_FAULTS: Final = ("DiodeFault", "PilotShort", "PilotInvalid", "ProximityFault", "VentilationNotAvailable")
"""What only a vehicle or cable at the other socket can cause; it does not concern an appliance."""


class SocketState(NamedTuple):
    """How one of two sockets is, seen from the other."""

    contact_open: bool
    """Proven open."""
    free: bool
    """Proven open, and nothing is plugged in."""


FREE: Final = SocketState(contact_open=True, free=True)


class DomesticSocket:
    """The domestic socket of one outlet; where none is fitted it never does anything."""

    def __init__(
        self, config: OutletConfig, start_us: int, tell: Callable[[Event], None], mode3: ContactorMonitor
    ) -> None:
        """``mode3``: supervision of the other contactor, the one behind the pilot."""
        self._config = config
        self._mode3 = mode3
        self._tell = tell
        self.fitted = config.has_domestic
        self.selected = self.fitted and not config.has_mode3
        self.contactor = ContactorMonitor(config.contactor, start_us)
        self.permission = Permission(False, ())
        self.plugged = False
        self.state = FREE
        self.other = FREE
        """The Type 2 socket beside it."""
        self._mirror_closed = False
        self._moving_us = NEVER

    def configure(self, config: OutletConfig) -> None:
        """Work by another configuration of the same board."""
        self._config = config

    @property
    def closed(self) -> bool:
        """The mirror contact's report."""
        return self._mirror_closed

    @property
    def excluded(self) -> bool:
        """The socket that has the outlet must wait for the other one."""
        return not (self.other.free if self.selected else self.state.free)

    # --- what is measured ---------------------------------------------------------------------------------------

    def lost(self) -> None:
        """No fresh readings: nothing can be concluded."""
        self.contactor.feedback_lost()
        self._moving_us = NEVER

    def measure(self, now_us: int, inputs: OutletInputs, *, drawing: bool) -> int:
        """Take plug switch and mirror contact; ``drawing``: a current flows that only this contact can carry.

        Return when a pending decision is due.
        """
        if not self.fitted:
            return NEVER
        if inputs.domestic_closed is not self._mirror_closed:
            self._mirror_closed = inputs.domestic_closed
            self._tell(DomesticContactorMoved(self._config.number, self._mirror_closed))
        plug_us = self._follow_plug(now_us, inputs.domestic_plugged)
        coil = inputs.coil_energised
        confirm_us = self.contactor.update(now_us, self._mirror_closed, drawing=drawing, coil_energised=coil)
        self._look(now_us)
        settled_us = self.contactor.settled_open_us
        return min(plug_us, confirm_us, settled_us if now_us < settled_us else NEVER)

    def _follow_plug(self, now_us: int, reported: bool) -> int:
        if reported is self.plugged:
            self._moving_us = NEVER
            return NEVER
        if self._moving_us == NEVER:
            self._moving_us = now_us
        times = self._config.domestic
        due_us = self._moving_us + (times.plug_lost_us if self.plugged else times.plug_seen_us)
        if now_us < due_us:
            return due_us
        self.plugged, self._moving_us = reported, NEVER
        self._tell(DomesticPlugMoved(self._config.number, reported))
        return NEVER

    def _look(self, now_us: int) -> None:
        contact_open = self.contactor.proven_open(now_us, self._mirror_closed)
        self.state = SocketState(contact_open, contact_open and not (self.plugged or self._moving_us != NEVER))

    def split(self, now_us: int, drawing: bool, mode3_closed: bool) -> tuple[bool, bool]:
        """Return whose a current at the outlet's one meter is: (the other socket's, this one's); in doubt both."""
        here = self.fitted and self.contactor.may_carry(now_us, self._mirror_closed)
        there = self._mode3.may_carry(now_us, mode3_closed)
        return drawing and (mode3_closed or not here), drawing and (self._mirror_closed or not there)

    # --- whose turn it is ---------------------------------------------------------------------------------------

    def follow(self, now_us: int, *, mode3_closed: bool, mode3_empty: bool, bound: bool) -> None:
        """Take how the Type 2 socket is; change over when the socket that has the outlet is free and the other is not.

        ``bound``: a session belongs to the socket that has the outlet.
        """
        contact_open = self._mode3.proven_open(now_us, mode3_closed)
        other = SocketState(contact_open, contact_open and mode3_empty)
        self.other = other
        if bound or not (self.fitted and self._config.has_mode3):
            return
        here, there = (self.state, other) if self.selected else (other, self.state)
        if here.free and not there.free:
            self.selected = not self.selected

    def concerning(self, causes: list[str]) -> list[str]:
        """Return those of the fault causes that concern the socket which has the outlet."""
        return [name for name in causes if name not in MODE3_FAULTS] if self.selected else causes

    def adapt(self, facts: ProcedureFacts) -> ProcedureFacts:
        """Return the procedure's facts as they are with this socket in the outlet."""
        if not self.fitted:
            return facts
        facts = facts._replace(
            hardware_ready=facts.hardware_ready and not self._mirror_closed,
            contact_closed=facts.contact_closed or self._mirror_closed,
            permitted=facts.permitted or self.contactor.permitted,
            welded=facts.welded or self.contactor.welded,
            excluded=self.excluded,
        )
        if not self.selected:
            return facts
        return facts._replace(
            domestic=True,
            plugged=self.plugged,
            vehicle=self.plugged,
            charge_type=DOMESTIC,
            locked=True,
            unlocked=True,
            lock_failed=None,
        )

    # --- permission ---------------------------------------------------------------------------------------------

    def permit(self, now_us: int, facts: InterlockFacts, inputs: OutletInputs, *, drawing: bool) -> int:
        """Decide the permission from the outlet's ``facts``; return when a missing confirmation would be a fault."""
        if not self.fitted:
            return NEVER
        mine = facts._replace(
            domestic=True,
            plugged=self.plugged,
            other_contact_open=self.other.contact_open,
            other_free=self.other.free and self.selected,
            contactor_rested=now_us >= self.contactor.next_closing_us,
            held=self.contactor.permitted,
            stop_grace=False,
            no_offer_reasons=facts.no_offer_reasons if self.selected else ("OtherSocketInUse",),
        )
        before, self.permission = self.permission, judge(mine)
        self.contactor.permit(now_us, self.permission.granted)
        if before.granted is not self.permission.granted:
            self._tell(DomesticPermitted(self._config.number, self.permission.granted, self.permission.reasons))
        self._look(now_us)
        if not inputs.link_ok:
            return NEVER
        coil = inputs.coil_energised
        return self.contactor.update(now_us, inputs.domestic_closed, drawing=drawing, coil_energised=coil)
