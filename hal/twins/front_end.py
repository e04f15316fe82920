"""Twin of the pilot front end: the microcontroller's firmware, running on ``OutletElectronics``.

It is the reference for ``docs/hardware/front-end-protocol.md``. One step does, in this order: end of the lease; sampling
(every 2 ms instant after a change at the pins); frames from the host; host silent for 3 s; local interlock and coil; STATE.

Lease
    An accepted HOLD permits the coil for ``hold_ms`` (at most 250) from its arrival, to the microsecond. A HOLD is
    refused (answered, not acknowledged, renews nothing) when its reading is older than 300 ms, its sequence number is
    not new, it grants 0 ms, there has been no CONTROL since start-up or silence, or after an opening by the local
    interlock until the host has sent OPEN or no HOLD for 250 ms.

Life of the microcontroller
    ``off`` -> ``booting`` (50 ms, deaf, contactor open, pilot F) -> ``running``; a hang (``freeze``) keeps every output
    until the watchdog (100 ms) resets the chip: contactor open, pilot F, deaf until ``freeze(False)`` lets it boot.
    Without a watchdog a thawed program goes on where it stood, except that bytes received meanwhile are gone.

Host silent for 3 s: contactor open, pilot F, one last STATE, then silence until the next valid host frame; the pilot
stays F until the next CONTROL.
"""

from __future__ import annotations

from dataclasses import field, replace
from enum import Enum
from typing import Final

from evse.records import dataclass
from hal.frames.front_end import DecoderCounts, Frame
from hal.frames.front_end_messages import (
    DOMESTIC_VERSION,
    HOST_IDS,
    PANEL_VERSION,
    SHUTTER_VERSION,
    VERSION,
    Capability,
    Control,
    DipSwitches,
    FaultBit,
    FrontEndMessage,
    Hold,
    Identity,
    Inquiry,
    MessageId,
    Occasion,
    Open,
    Reset,
    ResetReason,
    SafeStateReason,
    State,
    SwitchX2,
)
from hal.front_end_line import FrameHook, FrontEndLine
from hal.ports import OutletReading, PilotDriveMode, ShutterPosition
from hal.scheduling import ANY_PERIOD, Waker
from hal.twins.electronics import OutletElectronics
from hal.twins.front_end_contactor import ContactorPair
from hal.twins.front_end_interlock import LocalInterlock
from hal.twins.front_end_memory import Judgement, OrderMemory
from hal.twins.front_end_outputs import FrontEndOutputs
from hal.twins.front_end_sampling import sample, worth_a_frame
from hal.units import MS, NEVER, SECOND
from hal.wires import ByteLink, LinkLostError

SAMPLING_US: Final = 2 * MS
STATE_GAP_US: Final = 5 * MS
KEEP_ALIVE_US: Final = SECOND
HOST_PATIENCE_US: Final = 3 * SECOND
BOOT_US: Final = 50 * MS
WATCHDOG_US: Final = 100 * MS
STALL_US: Final = 100 * MS
LOOK_FOR_LINE_US: Final = 100 * MS


@dataclass(frozen=True, slots=True)
class FirmwareIdentity:
    """What a front end says about itself; ``LOCAL_INTERLOCK`` is added by the twin."""

    version: tuple[int, int, int] = (1, 0, 0)
    unique_id: bytes = b"TWIN0001"
    phases: int = 3
    capabilities: Capability = (
        Capability.LOCK
        | Capability.RESIDUAL_TEST
        | Capability.VENTILATION
        | Capability.CURRENTS
        | Capability.VOLTAGES
        | Capability.LIGHT
        | Capability.BEEPER
        | Capability.PROXIMITY
    )


DEFAULT_FIRMWARE: Final = FirmwareIdentity()


@dataclass(frozen=True, slots=True)
class TwinCounters:
    """What the firmware has done. ``refused``: frames answered without acknowledgement. ``stalls``: it ran too late."""

    sent: int = 0
    refused: int = 0
    repetitions: int = 0
    stalls: int = 0
    line: DecoderCounts = field(default_factory=DecoderCounts)


class _Life(Enum):
    OFF = "off"
    BOOTING = "booting"
    RUNNING = "running"
    HUNG = "hung"


class FrontEndTwin:
    """One simulated front end: ``hal.scheduling.Stepped`` and ``RenewalPart``."""

    def __init__(
        self,
        link: ByteLink,
        electronics: OutletElectronics,
        waker: Waker,
        local_interlock: bool = True,
        *,
        firmware: FirmwareIdentity = DEFAULT_FIRMWARE,
        board_limit_ma: int = 100_000,
        watchdog_us: int | None = WATCHDOG_US,
        on_frame: FrameHook | None = None,
    ) -> None:
        """``local_interlock`` false: the dumb variant, which obeys HOLD, OPEN and the lease's end only.

        ``watchdog_us``: ``None`` for a board without one. It has power from the start and boots at its first step.
        """
        self._line = FrontEndLine(link, HOST_IDS, on_frame)
        self._pins = electronics
        self._outputs = FrontEndOutputs(electronics)
        self._waker = waker
        self._firmware = firmware
        self._watchdog_us = watchdog_us
        self._board_limit_ma = board_limit_ma
        self._with_interlock = local_interlock
        self._life = _Life.BOOTING
        self._event_at_us: int | None = None
        self._reset_reason = ResetReason.POWER_ON
        self._internal_faults = FaultBit.NONE
        self._wish_us = NEVER
        self._counts = TwinCounters()
        self._forget(0)
        electronics.on_change(self._on_change)

    def _forget(self, now_us: int) -> None:
        """Give every variable of the firmware its start value."""
        self._interlock = LocalInterlock(self._board_limit_ma)
        self._keeper = ContactorPair(
            self._interlock,
            with_interlock=self._with_interlock,
            with_domestic=Capability.DOMESTIC in self._firmware.capabilities,
        )
        self._memory = OrderMemory()
        self._accepted = 0
        self._sample: OutletReading | None = None
        self._sensor_fault = FaultBit.NONE
        self._told: OutletReading | None = None
        self._content: OutletReading | None = None
        self._made_of: tuple[OutletReading, bool, int, int] | None = None
        self._judged: tuple[OutletReading, OutletReading | None, bool] | None = None
        self._sample_at_us = NEVER
        self._state_at_us = now_us - STATE_GAP_US
        self._heard_at_us = now_us
        self._lost_at_us = NEVER
        self._silent = False
        self._heard_hold = False
        self._host_version = 0
        self._dip_told: tuple[int, ...] | None = None

    # --- what the world may do to it

    def reset(self, now_us: int) -> None:
        """Press the reset button; without supply it has no effect."""
        if self._life is not _Life.OFF:
            self._boot(ResetReason.UNKNOWN, now_us)

    def freeze(self, frozen: bool, now_us: int) -> None:
        """Hang the program (outputs stay until the watchdog bites) or end the hang."""
        if frozen and self._life in (_Life.RUNNING, _Life.BOOTING):
            self._life = _Life.HUNG
            self._event_at_us = None if self._watchdog_us is None else now_us + self._watchdog_us
        elif not frozen and self._life is _Life.HUNG:
            if self._sample is None:
                self._boot(ResetReason.WATCHDOG, now_us)
            else:
                self._life = _Life.RUNNING
                self._sample_at_us = now_us
                self._discard(now_us)
        self._waker.wake(self, now_us)

    def thaw(self, now_us: int) -> None:
        """End a hang."""
        self.freeze(False, now_us)

    def set_power(self, on: bool, now_us: int) -> None:
        """Take the supply (contactor drops, pilot at 0 V, silent) or give it back."""
        if not on and self._life is not _Life.OFF:
            self._life = _Life.OFF
            self._event_at_us = None
            self._outputs.make_safe(PilotDriveMode.E, now_us)
        elif on and self._life is _Life.OFF:
            self._boot(ResetReason.POWER_ON, now_us)
        self._waker.wake(self, now_us)

    def set_internal_fault(self, faults: FaultBit, now_us: int) -> None:
        """Make the firmware report these faults of its own from now on."""
        self._internal_faults = faults
        self._on_change(now_us)

    @property
    def counters(self) -> TwinCounters:
        """Frozen view of what it has sent, refused and repeated, with its decoder's counts."""
        return replace(self._counts, sent=self._line.sent, line=self._line.counts)

    @property
    def running(self) -> bool:
        """Whether its program runs."""
        return self._life is _Life.RUNNING

    @property
    def safe_state_reason(self) -> SafeStateReason:
        """What it reports as the reason of its safe state."""
        return self._keeper.reason

    # --- Stepped

    def step(self, now_us: int) -> int:
        """Run the firmware up to ``now_us``."""
        if self._life is _Life.RUNNING:
            self._run(now_us)
        else:
            self._sleep(now_us)
        self._wish_us = self._next_us()
        return self._wish_us

    def _sleep(self, now_us: int) -> None:
        """Everything but a running program: deaf, waiting for its hour."""
        self._discard(now_us)
        if self._life is _Life.BOOTING and self._event_at_us is None:
            self._boot(self._reset_reason, now_us)
        if self._event_at_us is None or now_us < self._event_at_us:
            return
        if self._life is _Life.HUNG:
            self._event_at_us = None
            self._sample = None
            self._outputs.make_safe(PilotDriveMode.F, now_us)
        elif self._life is _Life.BOOTING:
            self._start(now_us)
            self._run(now_us)

    def _boot(self, reason: ResetReason, now_us: int) -> None:
        self._life = _Life.BOOTING
        self._reset_reason = reason
        self._sample = None
        self._event_at_us = now_us + BOOT_US
        self._outputs.make_safe(PilotDriveMode.F, now_us)
        self._waker.wake(self, self._event_at_us)

    def _start(self, now_us: int) -> None:
        self._life = _Life.RUNNING
        self._event_at_us = None
        self._forget(now_us)
        self._line.begin_anew()
        self._wish_us = NEVER
        self._sample_at_us = now_us
        self._identify(Occasion.START, now_us)

    def _run(self, now_us: int) -> None:
        if self._wish_us < now_us - STALL_US:
            self._counts = replace(self._counts, stalls=self._counts.stalls + 1)
            self._discard(now_us)
        self._keeper.expire(now_us)
        if now_us >= self._sample_at_us:
            self._take_sample(now_us)
        self._apply(now_us)
        self._listen(now_us)
        if self._life is not _Life.RUNNING:
            return
        if not self._silent and now_us >= self._heard_at_us + HOST_PATIENCE_US:
            self._go_silent(now_us)
        self._tell_changes(now_us)

    def _next_us(self) -> int:
        due = self.essential_wake_us()
        if self._life is _Life.RUNNING:
            due = min(due, self._keeper.lease_until_us)
            if not self._silent:
                due = min(due, self._state_at_us + KEEP_ALIVE_US, self._heard_at_us + HOST_PATIENCE_US)
            if self._lost_at_us < NEVER:
                due = min(due, self._lost_at_us + LOOK_FOR_LINE_US)
        return due

    # --- pins

    def _on_change(self, now_us: int) -> None:
        at = (now_us // SAMPLING_US + 1) * SAMPLING_US
        self._sample_at_us = min(self._sample_at_us, at)
        if self._life is _Life.RUNNING:
            self._waker.wake(self, at)

    def _take_sample(self, now_us: int) -> None:
        self._sample_at_us = NEVER
        self._sample = sample(self._pins)
        if self._host_version < SHUTTER_VERSION:
            # Bits that an older host has not heard of are not sent to it.
            self._sample = replace(self._sample, shutter=ShutterPosition.BETWEEN)
        if self._host_version < DOMESTIC_VERSION:
            self._sample = replace(self._sample, domestic_mirror_closed=False, domestic_plugged=False)
        if self._host_version >= PANEL_VERSION and self._firmware.capabilities & Capability.DIP_SWITCHES:
            self._sample = replace(self._sample, dip_moved=self._pins.dip_switches() != self._dip_told)
        self._interlock.observe(self._sample, now_us)
        self._keeper.observe(self._sample, now_us)
        self._sensor_fault = FaultBit.NONE if self._pins.temperature_sensor_ok() else FaultBit.TEMPERATURE_SENSOR
        if self._pins.coil_open_load():
            self._keeper.latch(FaultBit.COIL_DRIVER)

    def _apply(self, now_us: int) -> None:
        """Decide the coil and drive it; make the content of the next STATE."""
        taken = self._sample
        if taken is None:
            return
        self._keeper.settle(taken, self._outputs.control.mode, now_us)
        self._outputs.drive_coil(self._keeper.coil, now_us)
        self._outputs.drive_domestic_coil(self._keeper.domestic_coil, now_us)
        own = self._sensor_fault | self._internal_faults
        faults = int(self._interlock.conditions | self._keeper.faults | own)
        made_of = (taken, self._outputs.coil, faults, int(self._keeper.reason))
        # The same object while nothing has changed: "is there news" is asked far more often than there is.
        if self._made_of is None or made_of[0] is not self._made_of[0] or made_of[1:] != self._made_of[1:]:
            self._made_of = made_of
            self._content = replace(
                taken, coil_energised=made_of[1], fault_bits=made_of[2], safe_state_reason=made_of[3]
            )

    # --- line in

    def _discard(self, now_us: int) -> None:
        """A program that did not run has no right to act on what came meanwhile."""
        try:
            self._line.discard(now_us)
        except LinkLostError:
            self._lost_at_us = now_us

    def _listen(self, now_us: int) -> None:
        try:
            frames = self._line.read(now_us)
        except LinkLostError:
            self._lost_at_us = now_us
            return
        self._lost_at_us = NEVER
        for frame in frames:
            if self._life is _Life.RUNNING:
                self._hear(frame, now_us)

    def _hear(self, frame: Frame, now_us: int) -> None:
        """Obey one valid frame and answer it."""
        self._heard_at_us = now_us
        self._silent = False
        if frame.version != self._host_version:
            self._host_version = frame.version
            self._take_sample(now_us)
        message = frame.message
        self._heard_hold = isinstance(message, Hold)
        if isinstance(message, Reset):
            self._boot(ResetReason.COMMANDED, now_us)
            return
        if isinstance(message, Inquiry) and message.wanted is MessageId.IDENTITY:
            self._accepted = frame.sequence
            self._identify(Occasion.ANSWER, now_us)
            return
        if isinstance(message, Inquiry) and message.wanted is MessageId.DIP_SWITCHES:
            self._accepted = frame.sequence
            self._tell_dip_switches(now_us)
            return
        if self._accepts(frame, now_us):
            self._accepted = frame.sequence
        else:
            self._counts = replace(self._counts, refused=self._counts.refused + 1)
        self._apply(now_us)
        self._tell(now_us)

    def _accepts(self, frame: Frame, now_us: int) -> bool:
        message = frame.message
        if isinstance(message, Hold):
            return self._keeper.hold(frame, message, now_us)
        if isinstance(message, Open):
            self._keeper.open()
            return True
        if isinstance(message, Inquiry):
            return message.wanted is MessageId.STATE
        if isinstance(message, SwitchX2) and self._with_interlock and self._under_load():
            return False
        judgement = self._memory.judge(frame, now_us)
        if judgement is Judgement.OBEY:
            self._outputs.obey(message, now_us)
            if isinstance(message, Control):
                self._keeper.command()
                self._interlock.limit(self._outputs.limit_ma)
        elif judgement is Judgement.ACKNOWLEDGE:
            self._counts = replace(self._counts, repetitions=self._counts.repetitions + 1)
        return judgement is not Judgement.REFUSE

    def _under_load(self) -> bool:
        """A contactor is held or not yet proven open: what hangs on X2 must not move now."""
        taken = self._sample
        return self._outputs.coil or self._keeper.permitted or taken is None or taken.mirror_closed

    def _go_silent(self, now_us: int) -> None:
        self._keeper.silence()
        self._outputs.withdraw_pilot(now_us)
        self._apply(now_us)
        self._tell(now_us)
        self._silent = True

    # --- line out

    def _tell_changes(self, now_us: int) -> None:
        if self._silent or self._content is None:
            return
        if now_us >= self._state_at_us + (STATE_GAP_US if self._has_news() else KEEP_ALIVE_US):
            self._tell(now_us)

    def _has_news(self) -> bool:
        """Whether the host has not been told what it should know."""
        content, told = self._content, self._told
        if content is None or content is told:
            return False
        if self._judged is None or self._judged[0] is not content or self._judged[1] is not told:
            self._judged = (content, told, told is None or worth_a_frame(content, told))
        return self._judged[2]

    def _tell(self, now_us: int) -> None:
        if self._content is None:
            return
        self._told = self._content
        self._state_at_us = now_us
        self._send(State(self._content, self._accepted), now_us)

    def _tell_dip_switches(self, now_us: int) -> None:
        self._dip_told = self._pins.dip_switches()
        self._send(DipSwitches(self._dip_told, self._accepted), now_us)
        # The bit that asked for this is to fall at once.
        self._take_sample(now_us)
        self._apply(now_us)

    def _identify(self, occasion: Occasion, now_us: int) -> None:
        capabilities = self._firmware.capabilities
        if self._with_interlock:
            capabilities |= Capability.LOCAL_INTERLOCK
        identity = Identity(
            protocol=VERSION,
            firmware=self._firmware.version,
            unique_id=self._firmware.unique_id,
            phases=self._firmware.phases,
            capabilities=capabilities,
            reset_reason=self._reset_reason,
            occasion=occasion,
        )
        self._send(identity, now_us)

    def _send(self, message: FrontEndMessage, now_us: int) -> None:
        try:
            self._line.send(message, now_us)
        except LinkLostError:
            self._lost_at_us = now_us

    # --- RenewalPart

    def steady_period_us(self) -> int:
        """``ANY_PERIOD`` while it only answers and has told everything; 0 otherwise.

        A running lease is part of the rhythm only while HOLDs renew it; else its end is near and must be run.
        """
        quiet = (
            self._life is _Life.RUNNING
            and not self._silent
            and self._lost_at_us >= NEVER
            and not self._line.partial
            and self._state_at_us == self._heard_at_us
            and self._heard_hold == self._keeper.permitted
            and self._content == self._told
            and self._content is not None
        )
        return ANY_PERIOD if quiet and self.essential_wake_us() >= NEVER else 0

    def next_renewal_us(self) -> int:
        """``NEVER``: the host's frames keep its own keep-alive from coming."""
        return NEVER

    def essential_wake_us(self) -> int:
        """Boot, watchdog, sampling, the interlock's filter, a held-back STATE, a frame cut short."""
        if self._life is not _Life.RUNNING:
            return NEVER if self._event_at_us is None else self._event_at_us
        due = min(self._sample_at_us, self._keeper.essential_wake_us(), self._line.gap_ends_us())
        if not self._silent and self._has_news():
            due = min(due, self._state_at_us + STATE_GAP_US)
        return due

    def shift_renewals(self, periods: int, delta_us: int) -> int:
        """Behave as if ``periods`` host frames had come and been answered."""
        self._keeper.shift(delta_us)
        self._state_at_us += delta_us
        self._heard_at_us += delta_us
        if self._wish_us < NEVER:
            self._wish_us += delta_us
        self._accepted = (self._accepted + periods) & 0xFF
        self._line.shift(periods, delta_us)
        return periods
