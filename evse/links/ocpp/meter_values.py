"""`MeterValues`: what is measured at an outlet, as `SampledValue`s, and when it is told (OCPP 1.6, 4.7, 7.17, 7.31 ff.).

A measurand is named as in `MeterValuesSampledData`; a phase alone is asked for by its name after the measurand
(`Current.Import.L1`). Without it a measurand that has phases is told for each phase that the outlet has, power for all
together. What is not measured at the moment is left out: a zero would be taken for a measurement.

Periodic values count from the start of the transaction, clock-aligned ones from midnight UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from evse.core.units import NEVER, SECOND
from evse.exchange.snapshot import OutletView

PHASE_NAMES: Final = ("L1", "L2", "L3")
NOMINAL_MV: Final = 230_000
_DAY_US: Final = 86_400 * SECOND
_PHASE_SUFFIXES: Final = tuple(f".{name}" for name in PHASE_NAMES)
REGISTER: Final = "Energy.Active.Import.Register"
INTERVAL: Final = "Energy.Active.Import.Interval"


class Context(StrEnum):
    """`ReadingContext`."""

    BEGIN = "Transaction.Begin"
    END = "Transaction.End"
    PERIODIC = "Sample.Periodic"
    CLOCK = "Sample.Clock"
    TRIGGER = "Trigger"
    OTHER = "Other"


def sampled_values(
    outlet: OutletView, measurands: Sequence[str], context: Context, *, phases: int, since_wh: int | None = None
) -> list[dict[str, Any]]:
    """Return the values of ``measurands``. ``phases``: those of the outlet; ``since_wh``: register at the interval's start."""
    values: list[dict[str, Any]] = []
    for asked in measurands:
        measurand, phase = _split(asked)
        values += _values(outlet, measurand, phase, phases, since_wh)
    for value in values:
        value["context"] = context.value
        value.setdefault("format", "Raw")
        value.setdefault("location", "Outlet")
    return values


def register_value(register_wh: int, context: Context) -> dict[str, Any]:
    """Return the register alone, as an event told it."""
    return {**_plain(REGISTER, str(register_wh), "Wh"), "context": context.value, "format": "Raw", "location": "Outlet"}


def _split(asked: str) -> tuple[str, int | None]:
    for index, suffix in enumerate(_PHASE_SUFFIXES):
        if asked.endswith(suffix):
            return asked.removesuffix(suffix), index
    return asked, None


def _plain(measurand: str, value: str, unit: str, phase: str = "") -> dict[str, Any]:
    entry = {"value": value, "measurand": measurand, "unit": unit}
    if phase:
        entry["phase"] = phase
    return entry


def _values(
    outlet: OutletView, measurand: str, phase: int | None, phases: int, since_wh: int | None
) -> list[dict[str, Any]]:
    indices = range(phases) if phase is None else [phase] if phase < phases else []
    currents, voltages = outlet.currents_ma, outlet.voltages_mv
    match measurand:
        case "Energy.Active.Import.Register":
            return [_plain(measurand, str(outlet.register_wh), "Wh")]
        case "Energy.Active.Import.Interval":
            return [] if since_wh is None else [_plain(measurand, str(outlet.register_wh - since_wh), "Wh")]
        case "Current.Import" if currents is not None:
            return [_plain(measurand, _milli(currents[i]), "A", PHASE_NAMES[i]) for i in indices]
        case "Voltage" if voltages is not None:
            return [_plain(measurand, _milli(voltages[i]), "V", f"{PHASE_NAMES[i]}-N") for i in indices]
        case "Power.Active.Import" if phase is None and (metered_mw := _metered_mw(outlet)) is not None:
            return [_plain(measurand, str(metered_mw // 1_000), "W")]
        case "Power.Active.Import" if currents is not None and voltages is not None:
            watts = [currents[i] * voltages[i] // 1_000_000 for i in indices]
            if phase is None:
                return [_plain(measurand, str(sum(watts)), "W")]
            return [_plain(measurand, str(watt), "W", PHASE_NAMES[phase]) for watt in watts]
        case "Current.Offered":
            return [_plain(measurand, _milli(outlet.offered_ma), "A")]
        case "Power.Offered":
            lines = voltages or (NOMINAL_MV,) * 3
            return [_plain(measurand, str(sum(outlet.offered_ma * lines[i] for i in range(phases)) // 1_000_000), "W")]
        case "Temperature" if outlet.temperature_dc is not None:
            value = _plain(measurand, f"{outlet.temperature_dc / 10:.1f}", "Celsius")
            return [{**value, "location": "Body"}]
    return []


def _metered_mw(outlet: OutletView) -> int | None:
    """Active power by the outlet's own meter, which knows the power factor; ``None`` without a reading."""
    meter = outlet.meter
    return meter.power_mw if meter is not None and meter.in_force else None


def _milli(value: int) -> str:
    return f"{value / 1_000:.3f}"


class Rhythm:
    """When one connector's values are due."""

    def __init__(self) -> None:
        self._began_us: int | None = None
        self._sampled_us = 0
        self._aligned_us: int | None = None
        """UTC of the boundary that is told next."""

    def transaction(self, began_us: int | None) -> None:
        """A transaction began at ``began_us``, or none runs."""
        if began_us != self._began_us:
            self._began_us = began_us
            self._sampled_us = began_us or 0

    def periodic_due(self, now_us: int, interval_us: int) -> bool:
        """Whether a periodic value is due; one that was missed is not made up for."""
        if self._began_us is None or interval_us <= 0 or now_us < self._sampled_us + interval_us:
            return False
        self._sampled_us += (now_us - self._sampled_us) // interval_us * interval_us
        return True

    def aligned_due(self, utc_us: int | None, interval_us: int) -> bool:
        """Whether a boundary of the clock has been passed. ``utc_us``: now, ``None`` while nobody knows."""
        if utc_us is None or interval_us <= 0:
            self._aligned_us = None
            return False
        following_us = next_boundary_us(utc_us, interval_us)
        due_us, self._aligned_us = self._aligned_us, following_us
        # A clock that was set back or far ahead begins anew: nobody was there at those boundaries.
        return due_us is not None and due_us <= utc_us < due_us + interval_us

    def wake_us(self, now_us: int, utc_us: int | None, sample_us: int, aligned_us: int) -> int:
        """When to look again by time alone."""
        wake_us = NEVER
        if self._began_us is not None and sample_us > 0:
            wake_us = self._sampled_us + sample_us
        if utc_us is not None and aligned_us > 0:
            wake_us = min(wake_us, now_us + next_boundary_us(utc_us, aligned_us) - utc_us)
        return wake_us


def next_boundary_us(utc_us: int, interval_us: int) -> int:
    """Return the first multiple of the interval after ``utc_us``, counted from midnight UTC; midnight is always one."""
    midnight_us = utc_us // _DAY_US * _DAY_US
    into_us = utc_us - midnight_us
    return midnight_us + min((into_us // interval_us + 1) * interval_us, _DAY_US)
