"""The connection with a pilot front end: the host's half of ``docs/hardware/front-end-protocol.md``, but for the orders.

Connection
    DOWN     the line is gone. Looked for every 100 ms.
    ASKING   the line is there; INQUIRY(IDENTITY) every 100 ms until an IDENTITY of our major version arrives.
    UP       a connection: full CONTROL (or INQUIRY(STATE) when nothing was ordered yet), then traffic.

========  ======================================================  ==========================================
from      event                                                   to
========  ======================================================  ==========================================
any       LinkLostError                                           DOWN
DOWN      the line can be read again                              ASKING
ASKING    IDENTITY, our major version                             UP
ASKING    IDENTITY, other major version                           ASKING, ``problem`` says so
UP        IDENTITY after a start; STATE says "start-up" or        UP anew: nothing is held, everything is said
          "host silent" although CONTROL was acknowledged         again
UP        no STATE for 200 ms while holding or while an OPEN      ASKING
          waits for its effect, for 3 s otherwise
========  ======================================================  ==========================================

``connected`` is true in UP from the first poll on that finds a STATE after the one in which the connection began, so
that every restart is visible for at least one step of control. Nothing is held after any of these changes.
"""

from __future__ import annotations

from dataclasses import field, replace
from enum import Enum
from typing import Any, Final

from evse.records import dataclass
from hal.drivers.front_end_lease import RENEWAL_US, HostLeases, RenewalRhythm
from hal.drivers.front_end_orders import WaitingOrders
from hal.drivers.front_end_panel import FrontEndPanel
from hal.drivers.front_end_patience import KEEP_ALIVE_US, Patience
from hal.frames.front_end import DecoderCounts, Frame, Order
from hal.frames.front_end_messages import (
    CLEARED_BY_OPEN,
    FRONT_END_IDS,
    MAJOR,
    NO_CURRENT_LIMIT,
    Control,
    DipSwitches,
    Display,
    Hold,
    HostMessage,
    Identity,
    Inquiry,
    MessageId,
    Occasion,
    Open,
    Reset,
    SafeStateReason,
    State,
)
from hal.front_end_line import FrameHook, FrontEndLine
from hal.ports import LightCode, LinkCounts, OutletReading, PilotDriveMode
from hal.units import MS, NEVER, SECOND
from hal.wires import ByteLink, LinkLostError

LOOK_FOR_LINE_US: Final = 100 * MS
OPEN_REASON_LATCHED: Final = 3
"""Code sent with OPEN: a latched fault of the front end is to be forgotten."""


class Phase(Enum):
    """How the connection is; see the table above."""

    DOWN = "down"
    ASKING = "asking"
    UP = "up"


@dataclass(frozen=True, slots=True)
class FrontEndCounters:
    """What this driver has lived through. ``line``: what its decoder counted."""

    sent: int = 0
    holds: int = 0
    holds_withheld: int = 0
    retries: int = 0
    given_up: int = 0
    refused_orders: int = 0
    line_losses: int = 0
    silences: int = 0
    restarts: int = 0
    line: DecoderCounts = field(default_factory=DecoderCounts)


class FrontEndConnection:
    """One serial line with a front end on it: who is there, what was said, what is waited for.

    Implements ``OutletSense`` and ``Polled`` of ``hal.ports`` and ``RenewalPart`` of ``hal.scheduling``.
    """

    def __init__(self, link: ByteLink, on_frame: FrameHook | None = None) -> None:
        """``link``: the line, 115200 8N1. ``on_frame``: sees every frame, for traces."""
        self._line = FrontEndLine(link, FRONT_END_IDS, on_frame)
        self._lease = HostLeases()
        self._waiting = WaitingOrders()
        self._panel = FrontEndPanel()
        self._counts: dict[str, int] = {}
        self._phase = Phase.ASKING
        self._connected = False
        self._problem = "no answer from the front end yet"
        self._ordered = Control(PilotDriveMode.F, 0, NO_CURRENT_LIMIT, False, LightCode.OFF)
        self._ordered_anything = False
        self._reading: OutletReading | None = None
        self._identity: Identity | None = None
        self._read_at_us = -NEVER
        self._asked_at_us = -NEVER
        self._patience = Patience()
        self._lost_at_us = -NEVER
        self._withdrawn = False
        self._begun = False
        self._granting = False
        self._rhythm = RenewalRhythm()
        self._wish_us = -NEVER

    @property
    def on_frame(self) -> FrameHook | None:
        """Who sees every frame; ``None`` costs nothing. May be changed at any time."""
        return self._line.on_frame

    @on_frame.setter
    def on_frame(self, hook: FrameHook | None) -> None:
        self._line.on_frame = hook

    # --- OutletSense

    @property
    def reading(self) -> OutletReading | None:
        """Latest valid reading; kept (and old) when the connection is lost."""
        return self._reading

    @property
    def read_at_us(self) -> int:
        """When the latest valid STATE arrived; far in the past before the first."""
        return self._read_at_us

    @property
    def connected(self) -> bool:
        """Whether the line exists, the version fits, and STATEs arrive in time."""
        return self._connected

    @property
    def identity(self) -> Identity | None:
        """The front end's last IDENTITY."""
        return self._identity

    @property
    def problem(self) -> str:
        """Why ``connected`` is false, in words; empty while connected."""
        return self._problem

    @property
    def counters(self) -> FrontEndCounters:
        """Frozen copy of the counters."""
        line = self._line
        return FrontEndCounters(**self._counts, sent=line.sent, holds=self._lease.holds, line=line.counts)

    @property
    def firmware(self) -> str:
        """Version of the front end's program, from its last IDENTITY."""
        return "" if self._identity is None else ".".join(map(str, self._identity.firmware))

    @property
    def link_counts(self) -> LinkCounts:
        """What went wrong on the line so far."""
        line, counts = self._line.counts, self._counts
        return LinkCounts(
            retries=counts.get("retries", 0),
            given_up=counts.get("given_up", 0),
            refused_orders=counts.get("refused_orders", 0),
            line_losses=counts.get("line_losses", 0),
            silences=counts.get("silences", 0),
            restarts=counts.get("restarts", 0),
            damaged_frames=line.bad_crc + line.wrong_end + line.unknown_id + line.bad_value + line.abandoned,
            lost_frames=line.lost,
        )

    # --- withdrawal

    def open(self, reason: int, now_us: int) -> None:
        """Withdraw every permission at once; ``reason`` 0 to 255 (cut) goes into the front end's log.

        Said again every 20 ms, 25 times at most, while a coil or mirror contact still reads closed. Calling it again
        sends nothing new unless the coil has been energised or a fault that OPEN clears has been told meanwhile.
        """
        self._lease.end()
        if MessageId.OPEN in self._waiting or self._phase is Phase.DOWN:
            return
        owed = self._latched or (self._reading is not None and self._reading.coil_energised)
        if self._withdrawn and not (owed and now_us - self._patience.opened_at_us >= SECOND):
            return
        self._withdrawn = self._say(Open(max(0, min(reason, 0xFF))), now_us)
        self._patience.opened(now_us)

    @property
    def _latched(self) -> bool:
        """Whether the newest STATE shows a fault that only an OPEN ends."""
        return self._reading is not None and bool(self._reading.fault_bits & CLEARED_BY_OPEN)

    # --- Polled

    def poll(self, now_us: int) -> int:
        """Take in what has arrived, send what is due; return when to poll again at the latest."""
        if self._run(now_us):
            self._wish_us = self._next_due_us(now_us)
        return self._wish_us

    def _run(self, now_us: int) -> bool:
        """Run once; return False when nothing has come and nothing was due, so that the last wish still stands."""
        if self._phase is Phase.DOWN and now_us < self._lost_at_us + LOOK_FOR_LINE_US:
            return True
        self._begun = False
        if self._lease.due(now_us):
            # From here on it takes a new grant: control steps at every renewal, not at every frame heard.
            self._granting = False
        try:
            frames = self._line.read(now_us)
        except LinkLostError as error:
            self._lose_line(error, now_us)
            return True
        if not frames and self._connected and now_us < self._wish_us and not self._line.partial:
            return False
        if self._phase is Phase.DOWN:
            self._ask_anew("line is back, no answer yet")
        self._take_in(frames, now_us)
        self._check_patience(now_us)
        self._send_due(now_us)
        return True

    # --- RenewalPart

    def steady_period_us(self) -> int:
        """50 ms while a permission runs, 0.9 s otherwise, 0 while anything is under way or wrong.

        A permission that control does not grant again when its renewal is due is about to end, which is not steady.
        """
        if not self._connected or self._waiting or self._line.partial or self._latched:
            return 0
        if self._lease.renewing:
            steady = self._granting and self._lease.renewing == 1 and self._rhythm.in_step(Hold)
            return RENEWAL_US if steady else 0
        return KEEP_ALIVE_US if self._rhythm.in_step(Inquiry) else 0

    def next_renewal_us(self) -> int:
        """When the next HOLD or idle INQUIRY is due."""
        if self._phase is not Phase.UP:
            return NEVER
        return self._lease.next_renewal_us if self._lease.renewing else self._line.sent_at_us + KEEP_ALIVE_US

    def essential_wake_us(self) -> int:
        """Retries, a frame cut short, looking for the line."""
        due = min(self._waiting.next_due_us(), self._line.gap_ends_us())
        if self._phase is Phase.DOWN:
            due = min(due, self._lost_at_us + LOOK_FOR_LINE_US)
        if self._phase is Phase.ASKING:
            due = min(due, self._asked_at_us + LOOK_FOR_LINE_US)
        return due

    def wish_us(self) -> int:
        """What the last poll returned."""
        return self._wish_us

    def shift_renewals(self, periods: int, delta_us: int) -> int:
        """Behave as if ``periods`` of HOLD/STATE or INQUIRY/STATE had passed."""
        self._wish_us = -NEVER
        self._lease.shift(periods, delta_us)
        self._rhythm.shift(periods)
        self._line.shift(periods, delta_us)
        self._read_at_us += delta_us
        self._patience.shift(delta_us)
        return periods

    # --- sending

    def _order(self, now_us: int, **wanted: Any) -> None:
        """Say CONTROL with these fields changed, unless they have these values already."""
        ordered = self._ordered
        if self._ordered_anything and all(getattr(ordered, name) == value for name, value in wanted.items()):
            return
        self._ordered = replace(ordered, **wanted)
        self._ordered_anything = True
        if self._phase is Phase.UP:
            self._say(self._panel.understood(self._ordered), now_us)

    def _act(self, message: HostMessage, now_us: int) -> None:
        if self._phase is not Phase.UP:
            self._count("refused_orders")
            return
        self._say(message, now_us)

    def _say(self, message: HostMessage, now_us: int) -> bool:
        """Send ``message`` for the first time; return whether the line took it."""
        self._wish_us = -NEVER
        try:
            frame = self._line.send(message, now_us)
        except LinkLostError as error:
            self._lose_line(error, now_us)
            return False
        self._rhythm.sent(frame)
        asking = isinstance(message, Inquiry) and message.wanted is MessageId.IDENTITY
        if not asking and not isinstance(message, Hold | Reset):
            self._waiting.add(frame, now_us)
        return True

    def _send_due(self, now_us: int) -> None:
        # Also while asking: a front end that cannot be heard may well hear an OPEN.
        if not self._send_again(now_us):
            return
        if self._phase is Phase.ASKING:
            if now_us >= self._asked_at_us + LOOK_FOR_LINE_US:
                self._asked_at_us = now_us
                self._say(Inquiry(MessageId.IDENTITY), now_us)
            return
        if MessageId.INQUIRY in self._waiting:
            return
        if self._panel.dip_wanted and self._connected:
            self._say(Inquiry(MessageId.DIP_SWITCHES), now_us)
        elif now_us >= self._inquiry_due_us(now_us):
            self._say(Inquiry(MessageId.STATE), now_us)

    def _send_again(self, now_us: int) -> bool:
        """Repeat what was not acknowledged in time; return whether the line is still there."""
        again, given_up = self._waiting.take_due(now_us)
        if given_up:
            self._count("given_up", given_up)
        for frame in again:
            self._count("retries")
            try:
                self._line.send_again(frame, now_us)
                self._rhythm.sent(frame)
            except LinkLostError as error:
                self._lose_line(error, now_us)
                return False
        return True

    def _inquiry_due_us(self, now_us: int) -> int:
        if self._phase is not Phase.UP:
            return NEVER
        return self._patience.inquiry_due_us(self._lease, self._line.sent_at_us, now_us)

    # --- receiving

    def _take_in(self, frames: list[Frame], now_us: int) -> None:
        for frame in frames:
            message = frame.message
            if isinstance(message, Identity):
                self._meet(message, now_us)
            elif isinstance(message, State) and frame.order is not Order.REPEATED and self._phase is Phase.UP:
                self._observe(message, now_us)
            elif isinstance(message, DipSwitches) and frame.order is not Order.REPEATED and self._phase is Phase.UP:
                self._panel.take(message)
                self._waiting.answered(MessageId.INQUIRY, message.accepted)
        foreign = self._line.foreign_major
        if foreign is not None and self._phase is Phase.ASKING:
            self._problem = f"the front end speaks protocol version {foreign}, this driver {MAJOR}"

    def _meet(self, identity: Identity, now_us: int) -> None:
        self._identity = identity
        if identity.protocol >> 4 != MAJOR:
            self._ask_anew(f"the front end speaks protocol version {identity.protocol >> 4}, this driver {MAJOR}")
            return
        if self._phase is Phase.ASKING:
            self._begin(now_us)
        elif identity.occasion is Occasion.START:
            self._count("restarts")
            self._begin(now_us)

    def _begin(self, now_us: int) -> None:
        """A connection begins: nothing is held, everything is said."""
        self._drop_connection(Phase.UP, "no state from the front end yet")
        self._begun = True
        self._patience.heard(now_us)
        self._panel.meet(self._identity)
        ordered = self._panel.understood(self._ordered)
        self._say(ordered if self._ordered_anything else Inquiry(MessageId.STATE), now_us)
        if self._panel.has_display and self._panel.text:
            self._say(Display(self._panel.text), now_us)

    def _observe(self, state: State, now_us: int) -> None:
        self._reading = state.reading
        self._read_at_us = now_us
        self._patience.heard(now_us)
        self._waiting.acknowledge(state)
        self._rhythm.heard(state)
        if state.reading.dip_moved:
            self._panel.moved()
        if not self._begun and not self._connected:
            self._connected = True
            self._problem = ""
        if self._connected and self._latched and not self._lease.running(now_us):
            # Latched while it was not heard, or while this host was away: what no HOLD follows would stay for ever.
            self.open(OPEN_REASON_LATCHED, now_us)
        forgotten = state.reading.safe_state_reason in (SafeStateReason.START_UP, SafeStateReason.HOST_SILENT)
        if forgotten and self._ordered_anything and MessageId.CONTROL not in self._waiting:
            self._count("restarts")
            self._begin(now_us)

    # --- the connection's end

    def _check_patience(self, now_us: int) -> None:
        self._lease.lapse(now_us)
        if self._phase is Phase.UP and now_us >= self._patience_ends_us(now_us):
            self._count("silences")
            self._ask_anew("the front end has fallen silent")

    def _patience_ends_us(self, now_us: int) -> int:
        return self._patience.ends_us(self._lease, now_us, opening=MessageId.OPEN in self._waiting)

    def _lose_line(self, error: LinkLostError, now_us: int) -> None:
        self._lost_at_us = now_us
        if self._phase is not Phase.DOWN:
            self._count("line_losses")
        self._drop_connection(Phase.DOWN, f"no serial line: {error}")

    def _ask_anew(self, problem: str) -> None:
        self._drop_connection(Phase.ASKING, problem)

    def _drop_connection(self, phase: Phase, problem: str) -> None:
        self._phase = phase
        self._connected = False
        self._problem = problem
        self._waiting.clear()
        self._lease.end()
        self._withdrawn = False

    def _next_due_us(self, now_us: int) -> int:
        due = min(self.essential_wake_us(), self._lease.ends_us)
        if self._phase is Phase.UP:
            due = min(due, self._patience_ends_us(now_us))
            if MessageId.INQUIRY not in self._waiting:
                due = min(due, self._inquiry_due_us(now_us))
        return due

    def _count(self, name: str, by: int = 1) -> None:
        self._counts[name] = self._counts.get(name, 0) + by
