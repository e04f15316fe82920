"""What may be asked of the core. A command is a wish with an id and an end of validity; the core decides.

Every command carries ``command_id`` (the same id twice acts once), ``expires_us`` (control's clock; a later arrival is
acknowledged as expired and does nothing) and the ``outlet`` it is for (0 = station). Those that concern one session
also carry the ``epoch`` of the outlet they were meant for: a command for an earlier epoch is refused.

``Book``, ``Suspend``, ``Postpone``, ``SetUnavailable``, ``Maintain`` and ``SetLimit`` are standing orders
(:mod:`evse.core.orders`): they hold until withdrawn or over, through restarts and power cuts. They are refused before the
state of the boot before is restored, because what it brings must not overrule a newer order.

The core answers ``done`` when the command is obeyed. For a standing order services pass the answer on only when the order
is durable as well: who has it may rely on it after a power cut.
"""

from __future__ import annotations

from enum import StrEnum

from evse.core.config import StationConfig
from evse.core.limits import LimitStep, OnExpiry
from evse.core.orders import StandingOrder
from evse.core.power_return import Interrupted
from evse.core.units import NEVER
from evse.core.values import MeterSample
from evse.records import dataclass

ANY_EPOCH = -1
AT_ONCE = -NEVER
"""A plan's start: the moment in which the command is obeyed."""


class Verdict(StrEnum):
    """Answer to an authorisation request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    PROVISIONAL = "provisional"
    """The user may begin; the permission expires in the core at ``permission_expires_us`` unless a final one comes."""
    TAKEN = "taken"
    """The card was meant for something else than a charge (an Admin badge that begins to manage badges): no error."""


class AvailabilitySource(StrEnum):
    """Who made an outlet unavailable: each shows its own `EVSE Status` flag."""

    OCPP = "ocpp"
    PLC = "plc"


@dataclass(frozen=True, slots=True)
class Command:
    """Base of all commands."""

    command_id: str
    outlet: int = 0
    expires_us: int = NEVER
    epoch: int = ANY_EPOCH


@dataclass(frozen=True, slots=True)
class Authorise(Command):
    """Verdict on one card read, bound to that read and to the session epoch it was asked in."""

    card_read_id: int = 0
    verdict: Verdict = Verdict.REFUSED
    reason: str = ""
    permission_expires_us: int = NEVER
    may_stop_any: bool = False
    """An Admin badge: it stops a charge that another card started and never charges."""
    priority: bool = False
    """A VIP badge in cluster mode: the charge is spared current reductions wholly or in part."""


@dataclass(frozen=True, slots=True)
class ReadCards(Command):
    """Until ``until_us`` cards held to this outlet's reader are told to services, not taken for a charge.

    Services teach or delete them as badges. Each is asked with the purpose ``teach``; an accepted one is told by the tone of
    an accepted card. The card of the running session still ends it. Not ``active``: the reader serves charges again.
    """

    active: bool = True
    until_us: int = 0


@dataclass(frozen=True, slots=True)
class ConfirmRecord(Command):
    """The session's start record is durable: PWM may be offered."""

    session_id: str = ""


@dataclass(frozen=True, slots=True)
class StartSession(Command):
    """Remote start for ``uid`` (OCPP RemoteStartTransaction, remote release): authorised already."""

    uid: str = ""


@dataclass(frozen=True, slots=True)
class StopSession(Command):
    """End the running session in a controlled way."""

    reason: str = "Remote"


@dataclass(frozen=True, slots=True)
class WhenVehicleLeaves(Command):
    """What follows when the cable is pulled out of the vehicle while its other end stays in the outlet.

    ``ends_session`` false: the session goes on, the cable stays locked in, and whoever plugs the vehicle's end in again charges.
    ``releases_cable`` false: the session ends, the cable stays locked in until its user presents the card again, or control starts
    anew: whose it is is not kept over a restart, and a cable that nobody could get back would be worse than one that is loose. Of the
    two the first counts more. For a domestic plug and a user without identity neither has a meaning. Holds until control
    starts anew (OCPP 1.6 edition 2, 9.1: `StopTransactionOnEVSideDisconnect`, `UnlockConnectorOnEVSideDisconnect`).
    """

    ends_session: bool = True
    releases_cable: bool = True


@dataclass(frozen=True, slots=True)
class PlugWithin(Command):
    """How long somebody who is authorised has for the cable, and then for the vehicle, before the session ends.

    ``timeout_s`` 0: as configured. Holds until control starts anew (OCPP 1.6 edition 2, 9.1: `ConnectionTimeOut`).
    """

    timeout_s: int = 0


@dataclass(frozen=True, slots=True)
class ReleaseCable(Command):
    """Draw the bolt back now, where no session runs: of a cable that is kept for its user, or one whose bolt has stuck."""


@dataclass(frozen=True, slots=True)
class Book(Command):
    """Reserve the outlet for ``uid`` until ``until_us`` on control's clock; an empty uid cancels (`Booked_Plc_Cmd_Received`)."""

    uid: str = ""
    until_us: int = NEVER


@dataclass(frozen=True, slots=True)
class Suspend(Command):
    """Interrupt or resume the charge without ending the session (`Suspend_Plc_Cmd_Received`)."""

    active: bool = True


@dataclass(frozen=True, slots=True)
class Postpone(Command):
    """Hold back the start of the charge, or release it (`Charge_Postpone`)."""

    active: bool = True


@dataclass(frozen=True, slots=True)
class SetUnavailable(Command):
    """Take the outlet out of service or return it; a running session ends first unless ``after_session``."""

    active: bool = True
    source: AvailabilitySource = AvailabilitySource.PLC
    after_session: bool = False


@dataclass(frozen=True, slots=True)
class Maintain(Command):
    """Enter or leave maintenance (`Maintenance_Plc_Cmd_Received`): no charge, lock released for work."""

    active: bool = True


@dataclass(frozen=True, slots=True)
class SetLimit(Command):
    """Give one named source's limit for an outlet, or take it back; 0 mA stops the charge.

    For outlet 0 it is a limit of the station: all outlets together, divided like the station's maximum.

    ``plan`` says what holds from when on, counted from ``starts_us`` on control's clock; before its first step nothing is
    limited, a step without currents limits nothing. At most 24 steps, in ascending order. Without a plan ``current_ma``
    holds on each phase. From ``valid_until_us`` on ``on_expiry`` rules: ``FALLBACK`` means ``fallback_ma`` on each phase,
    ``HOLD`` what holds at that moment and after it by the plan, ``RELEASE`` nothing, until the source speaks again.
    ``active`` false takes the source's limit back. At most 16 sources may limit an outlet, and the station; names of
    known sources are in :mod:`evse.core.limit_sources`.
    """

    source: str = ""
    current_ma: int = 0
    valid_until_us: int = NEVER
    fallback_ma: int = 0
    active: bool = True
    plan: tuple[LimitStep, ...] = ()
    starts_us: int = AT_ONCE
    on_expiry: OnExpiry = OnExpiry.FALLBACK


@dataclass(frozen=True, slots=True)
class SetPhases(Command):
    """Charge with ``phases`` phases (1 or 3) from now on, where X2 drives a phase switch.

    Obeyed at once or refused with the reason: no such switch, X2 in its default function, switched less than 300 s ago,
    a switch that has failed. The switching itself follows, without load; X2 keeps the position through restarts.
    """

    phases: int = 3


@dataclass(frozen=True, slots=True)
class ClearFault(Command):
    """A service person confirms that a latched fault is mended; it ends as soon as its cause is gone.

    Refused for a fault that needs no such confirmation: the answer says how that one ends.
    """

    fault: str = ""


@dataclass(frozen=True, slots=True)
class Configure(Command):
    """Work by ``config`` from this step on, as a whole (outlet 0). ``CommandDone`` says whether it is active.

    Running sessions go on. Refused when it is older than the active one, does not match its digest, is out of range or
    changes what only a restart can (:mod:`evse.core.configure`); then nothing changes.
    """

    config: StationConfig | None = None


@dataclass(frozen=True, slots=True)
class ReportMeter(Command):
    """What services have read from the outlet's own meter through a gateway; ``None`` with the ``problem``: nothing.

    It comes every second and is not answered: the next one says it better.
    """

    sample: MeterSample | None = None
    problem: str = ""


class Notice(StrEnum):
    """What services have to say on the display, by its texts (:mod:`evse.core.led_bar`); nothing where there is no display."""

    NONE = "none"
    USB_BUSY = "usb busy"
    """The stick is being read or written: it must stay."""
    USB_DONE = "usb done"
    """The stick may be taken out (*THØR/KEBA P30 configuration manual 120501*, 3.4.2)."""
    USB_REFUSED = "usb refused"
    """The stick has what this station does not take; it may be taken out."""


@dataclass(frozen=True, slots=True)
class ShowNotice(Command):
    """Show ``notice`` until another one comes, or control starts anew. A fault in force and an answer to a card go before it."""

    notice: Notice = Notice.NONE


@dataclass(frozen=True, slots=True)
class Restart(Command):
    """Control starts anew, for ``cause``. Whoever asks ends the sessions first; what still runs is ended with `Reboot`."""

    cause: str = "Command"


@dataclass(frozen=True, slots=True)
class RestoreState(Command):
    """First command after start: what the boot before left at this outlet; charging is impossible before it.

    ``latched``: faults; ``register_wh``: energy register; ``orders``: standing orders of the outlet;
    ``station_orders``: those of the station; ``interrupted``: the session that had no end. Only the first one of a boot has this effect. A later one may be older than
    what happened since and changes nothing, but that an order without a known end takes the end it names.
    """

    latched: tuple[str, ...] = ()
    register_wh: int = 0
    orders: tuple[StandingOrder, ...] = ()
    station_orders: tuple[StandingOrder, ...] = ()
    interrupted: Interrupted | None = None


COMMAND_TYPES: tuple[type[Command], ...] = (
    Authorise,
    ReadCards,
    ConfirmRecord,
    StartSession,
    StopSession,
    WhenVehicleLeaves,
    PlugWithin,
    ReleaseCable,
    Book,
    Suspend,
    Postpone,
    SetUnavailable,
    Maintain,
    SetLimit,
    SetPhases,
    ClearFault,
    Configure,
    ReportMeter,
    ShowNotice,
    Restart,
    RestoreState,
)

STANDING_ORDERS = (Book, Suspend, Postpone, SetUnavailable, Maintain, SetLimit)
"""Commands that give or withdraw a standing order."""
