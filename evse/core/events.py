"""Facts the core reports. An event is something that happened; the Snapshot says how things are.

Facts marked ``durable`` concern a transaction, a latch, an order or an authorisation: they are kept until services acknowledge
them and are never dropped. The others may be dropped under pressure, oldest first.
"""

from __future__ import annotations

from dataclasses import asdict, fields, is_dataclass
from typing import Any, ClassVar

from evse.core.orders import StandingOrder
from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events. ``outlet`` is the outlet's number, 0 for the station."""

    durable: ClassVar[bool] = False
    outlet: int


@dataclass(frozen=True, slots=True)
class EvStateChanged(Event):
    """The debounced pilot state changed; values of :class:`evse.core.values.PilotState`."""

    previous: str
    state: str


@dataclass(frozen=True, slots=True)
class CableChanged(Event):
    """The proximity circuit's decision changed; values of :class:`evse.core.values.CableState`."""

    state: str


@dataclass(frozen=True, slots=True)
class OutletStatusChanged(Event):
    """`Outlet Status` moved by ``trigger`` of the outlet table."""

    previous: str
    status: str
    trigger: str


@dataclass(frozen=True, slots=True)
class OutletError(Event):
    """`OutletStatusLastError` took a new value, under its class (authorisation, plug, charge or unplug error)."""

    error: str
    error_class: str


@dataclass(frozen=True, slots=True)
class PilotDriven(Event):
    """The generator was told something new."""

    mode: str
    duty_bp: int
    offered_ma: int


@dataclass(frozen=True, slots=True)
class ContactorPermitted(Event):
    """The permission to hold the contactor was given, or withdrawn with all ``reasons``."""

    permitted: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContactorMoved(Event):
    """The mirror contact reports a new position."""

    closed: bool


@dataclass(frozen=True, slots=True)
class DomesticPlugMoved(Event):
    """The debounced plug switch of the domestic socket says something else."""

    plugged: bool


@dataclass(frozen=True, slots=True)
class DomesticPermitted(Event):
    """The permission to hold the domestic socket's contactor was given, or withdrawn with all ``reasons``."""

    permitted: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DomesticContactorMoved(Event):
    """The mirror contact of the domestic socket's contactor reports a new position."""

    closed: bool


@dataclass(frozen=True, slots=True)
class LockMoved(Event):
    """The lock's feedback changed; values of :class:`evse.core.values.LockFeedback`."""

    feedback: str


@dataclass(frozen=True, slots=True)
class ShutterMoved(Event):
    """The shutter's feedback changed (City)."""

    feedback: str


@dataclass(frozen=True, slots=True)
class InputChanged(Event):
    """A debounced input line became active or inactive; functions of :class:`evse.core.lines.LineFunction`."""

    function: str
    active: bool


@dataclass(frozen=True, slots=True)
class DipSwitchesRead(Event):
    """The DIP switches were read for the first time since the start, or moved since. ``pending``: they count from the next start."""

    positions: str
    pending: bool


@dataclass(frozen=True, slots=True)
class CardsErased(Event):
    """The service button asks to erase every RFID card; the next card becomes the master. For whoever stores cards."""

    durable: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class MasterCardTaught(Event):
    """The card ``uid`` is the master card from now on. For whoever stores cards."""

    durable: ClassVar[bool] = True
    uid: str


@dataclass(frozen=True, slots=True)
class RestartRequested(Event):
    """Control restarts at once, because of ``cause`` (``ServiceButton``, ``ServiceButtonErase``); sessions have ended."""

    cause: str


@dataclass(frozen=True, slots=True)
class PhasesDetected(Event):
    """How many phases the vehicle really draws from (1, 2 or 3)."""

    phases: int


@dataclass(frozen=True, slots=True)
class PhasesSwitched(Event):
    """The phase switch stands, proven by the voltages, at ``phases`` (1 or 3)."""

    phases: int


@dataclass(frozen=True, slots=True)
class WakeUpStarted(Event):
    """The pilot is taken to F once to wake a sleeping vehicle (clause A.5.3)."""


@dataclass(frozen=True, slots=True)
class FaultRaised(Event):
    """A fault of the catalogue became active. ``latched`` ones survive a restart.

    ``where``: contacts, phases and proofs as far as the feedback knows (:mod:`evse.core.fault_places`).
    """

    durable: ClassVar[bool] = True
    fault: str
    reaction: str
    latched: bool
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultCleared(Event):
    """A fault ended, by itself, by unplugging or by a service command."""

    durable: ClassVar[bool] = True
    fault: str


@dataclass(frozen=True, slots=True)
class OrdersChanged(Event):
    """Other standing orders are in force at the outlet (0: for the station): ``orders`` are all of them, none if empty."""

    durable: ClassVar[bool] = True
    orders: tuple[StandingOrder, ...]


@dataclass(frozen=True, slots=True)
class AuthorisationRequested(Event):
    """A card was read, or free access begins: services answer with ``Authorise`` for the same pair of ids.

    ``purpose`` is ``start`` (nobody charges here yet), ``stop`` (a session runs and another card asks to end it) or
    ``teach`` (services have asked for cards with ``ReadCards``).
    """

    durable: ClassVar[bool] = True
    card_read_id: int
    session_epoch: int
    uid: str
    purpose: str


@dataclass(frozen=True, slots=True)
class SessionOpened(Event):
    """Authorisation and contract are done: the session exists and must become durable before PWM is offered."""

    durable: ClassVar[bool] = True
    session_id: str
    uid: str
    authorised_by: str


@dataclass(frozen=True, slots=True)
class TransactionStarted(Event):
    """Plugged and authorised: the transaction opens, before PWM. ``register_wh`` is the outlet's energy register."""

    durable: ClassVar[bool] = True
    session_id: str
    register_wh: int


@dataclass(frozen=True, slots=True)
class EnergyCheckpoint(Event):
    """The session's energy so far, at most ``checkpoint_us`` after the last one."""

    durable: ClassVar[bool] = True
    session_id: str
    energy_wh: int
    register_wh: int
    charge_type: str


@dataclass(frozen=True, slots=True)
class SessionClosed(Event):
    """The session ended. ``charge_type``: `Normal_Mode_3`, `Simplified_Mode_3` or `Domestic`.

    ``stopped_by``: the card that ended it, as it was read; empty when no card did.
    """

    durable: ClassVar[bool] = True
    session_id: str
    reason: str
    energy_wh: int
    register_wh: int
    charge_type: str
    duration_us: int
    stopped_by: str = ""


@dataclass(frozen=True, slots=True)
class CommandDone(Event):
    """Acknowledges a command: ``outcome`` is ``done``, ``refused`` or ``expired``; ``reason`` is for people.

    ``done``: obeyed, in force from this step on. It follows the ``OrdersChanged`` that the command caused.
    """

    durable: ClassVar[bool] = True
    command_id: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConfigurationActive(Event):
    """The configuration with this version is in force from this step on."""

    durable: ClassVar[bool] = True
    version: int
    digest: str


EVENT_TYPES: tuple[type[Event], ...] = (
    EvStateChanged,
    CableChanged,
    OutletStatusChanged,
    OutletError,
    PilotDriven,
    ContactorPermitted,
    ContactorMoved,
    DomesticPlugMoved,
    DomesticPermitted,
    DomesticContactorMoved,
    LockMoved,
    ShutterMoved,
    InputChanged,
    DipSwitchesRead,
    CardsErased,
    MasterCardTaught,
    RestartRequested,
    PhasesDetected,
    PhasesSwitched,
    WakeUpStarted,
    FaultRaised,
    FaultCleared,
    OrdersChanged,
    AuthorisationRequested,
    SessionOpened,
    TransactionStarted,
    EnergyCheckpoint,
    SessionClosed,
    CommandDone,
    ConfigurationActive,
)


def event_data(event: Event) -> dict[str, Any]:
    """An event's own fields, without ``outlet``, as plain values."""
    return {field.name: _plain(getattr(event, field.name)) for field in fields(event) if field.name != "outlet"}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_plain(each) for each in value)
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
