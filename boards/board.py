"""A board: the ports of one station, bundled outlet by outlet.

Nothing here drives anything. Control gets a ``Board`` and knows neither drivers, wires nor profiles; a port that is
``None`` says that the device does not exist on this board.
"""

from __future__ import annotations

from evse.records import dataclass
from hal.ports import (
    CardReader,
    ContactorHold,
    DipSense,
    EnergyMeter,
    LockMotor,
    OutletSense,
    PilotDrive,
    Polled,
    ResidualCurrentTest,
    ShutterMotor,
    Signals,
    SwitchingOutput,
    TextDisplay,
)


@dataclass(frozen=True, slots=True)
class OutletBoard:
    """Every port of one outlet. ``number`` counts from 1.

    ``lock`` is ``None`` for an attached cable, ``shutter`` on everything but City, ``domestic`` (the contactor of a domestic
    socket) where there is none, ``reader`` on an outlet without card reader, ``dip`` and ``display`` on everything but THØR,
    ``x2`` where there is no switching output, ``meter`` where the current transformers meter.
    ``polled`` holds the drivers of this outlet that must be run, in the order in which they are run.
    """

    number: int
    sense: OutletSense
    pilot: PilotDrive
    contactor: ContactorHold
    lock: LockMotor | None
    residual: ResidualCurrentTest
    signals: Signals
    reader: CardReader | None
    polled: tuple[Polled, ...]
    shutter: ShutterMotor | None = None
    domestic: ContactorHold | None = None
    dip: DipSense | None = None
    display: TextDisplay | None = None
    x2: SwitchingOutput | None = None
    meter: EnergyMeter | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """The whole station's hardware, in ascending order of outlet numbers."""

    outlets: tuple[OutletBoard, ...]
