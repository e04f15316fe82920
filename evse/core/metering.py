"""How an outlet's energy is metered: by its current transformers, or by a meter of its own as long as that can be believed.

Internal current transformers measure currents only. Energy is then apparent energy: current times the phase-neutral voltage
that the installer has measured and set (175 to 276 V), whatever the power factor (EVlink guide DOCA0060, `Meters`).
With a meter, voltage, current and energy are the meter's; the transformers go on protecting, and fill the time between two readings.
When the meter is lost, the transformers take over and `DI PowerMeter Comm` (bit 11) is raised; the register goes on from where it was,
and when the meter is back, what it counted meanwhile counts. See :mod:`evse.core.meter_trust` for meters that lie.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from evse.core.config import MeterLink, OutletConfig
from evse.core.energy import EnergyRegister
from evse.core.meter_trust import MeterTrust
from evse.core.units import NEVER, SECOND, PhaseValues
from evse.core.values import MeterSample, OutletInputs

METER_COMM: Final = "DI PowerMeter Comm"
STALE_US: Final = 15 * SECOND
"""A reading is in force this long: a meter that takes 2 s for each answer is slow, not lost."""
FRESH_US: Final = 3 * SECOND
"""Currents are the meter's for this long after a reading. It is read every second, but every ten seconds at an outlet without
current, and a dying or slow meter leaves an old one: then the transformers say what flows."""
START_US: Final = 15 * SECOND
"""After the start a meter has this long to say something."""
BLIND_US: Final = 3 * SECOND
"""So long after the front end was lost a reading may still be of the time before its contactor has opened (lease of 250 ms, and a
slow meter takes 2 s for an answer): what its currents would add meanwhile, its register adds when it has flowed."""
INTERNAL: Final = "internal CT"


class Metering:
    """Metering of one outlet. ``register`` is the outlet's energy register."""

    def __init__(self, config: OutletConfig, nominal_voltage_mv: int, start_us: int) -> None:
        self.register = EnergyRegister()
        self._config = config
        self._setting_mv: PhaseValues = (nominal_voltage_mv,) * 3
        self._trust = MeterTrust()
        self._due_us = start_us + START_US
        self._seen_us = -NEVER
        self._good: MeterSample | None = None
        self._fresh = False
        self._blind_since_us = NEVER
        self._held_from_pj = (0, 0)
        """Integrated and counted energy when the meter counted last."""
        self._reported: MeterSample | None = None
        self.link_problem = ""
        """What services say of the way to a meter that they read."""
        self.problem = ""
        """Why the meter's last reading counts for nothing; empty while it does."""
        self.replaced = 0
        """How often another meter was found in its place."""
        self.lost = False
        """Whether `DI PowerMeter Comm` is to be raised."""
        self.in_force = False
        """Whether the meter's values are the outlet's."""

    def configure(self, now_us: int, config: OutletConfig, nominal_voltage_mv: int) -> None:
        """Count with another voltage setting, or another meter, from the next step on; what was counted stays."""
        before, self._config = self._config, config
        self._setting_mv = (nominal_voltage_mv,) * 3
        asked = (config.meter, config.meter_link, config.meter_unit, config.meter_terminals)
        if asked != (before.meter, before.meter_link, before.meter_unit, before.meter_terminals):
            self._give_back()
            self._trust = MeterTrust()
            self._good = self._reported = None
            self._due_us = now_us + START_US
            self.in_force = self.lost = False
            self.problem = self.link_problem = ""

    def report(self, now_us: int, sample: MeterSample | None, problem: str) -> str:
        """Services have read the meter, or could not; return why that is of no use, or an empty text."""
        if not self._config.meter or self._config.meter_link is not MeterLink.TCP:
            return "this outlet's meter is not read by services"
        self.link_problem = problem
        # A clock of services that runs ahead must not keep a reading in force for longer.
        self._reported = None if sample is None else replace(sample, read_us=min(sample.read_us, now_us))
        return ""

    @property
    def source(self) -> str:
        """Who meters now: the name of the meter's map, or the transformers."""
        return self._config.meter if self.in_force else INTERNAL

    @property
    def sample(self) -> MeterSample | None:
        """The meter's reading while it is in force."""
        return self._good if self.in_force else None

    @property
    def meter_currents_ma(self) -> PhaseValues | None:
        """The currents of the reading in force, however old, in the order of the outlet's own terminals."""
        sample = self.sample
        return None if sample is None or sample.currents_ma is None else self._ordered(sample.currents_ma)

    def currents_ma(self, inputs: OutletInputs) -> PhaseValues:
        """Return what flows through the outlet: as metered, by its transformers when the reading is too old for that."""
        metered_ma = self.meter_currents_ma
        if metered_ma is None or (inputs.link_ok and not self._fresh):
            return inputs.currents_ma
        return metered_ma

    def voltages_mv(self, inputs: OutletInputs) -> PhaseValues:
        """Return the voltages that energy is metered with; 0 where no phase is wired."""
        sample = self.sample
        if sample is not None and sample.voltages_mv is not None:
            return self._ordered(sample.voltages_mv)
        if not self._config.voltage_from_setting:
            return inputs.voltages_mv
        return self._setting_mv if len(self._config.wired) == len(self._setting_mv) else (self._setting_mv[0], 0, 0)

    def _ordered(self, values: PhaseValues) -> PhaseValues:
        """The meter's terminals in the order of the outlet's."""
        first, second, third = self._config.meter_terminals
        return (values[first - 1], values[second - 1], values[third - 1])

    def update(self, now_us: int, inputs: OutletInputs) -> int:
        """Count up to ``now_us`` and take what is new; return when time alone changes who meters."""
        self.register.advance(now_us)
        read = self._reported if self._config.meter_link is MeterLink.TCP else inputs.meter
        wake_us = self._take_meter(now_us, read) if self._config.meter else NEVER
        if inputs.link_ok:
            self._blind_since_us = NEVER
            self.register.set_power(inputs.currents_ma, self.voltages_mv(inputs))
            return wake_us
        self._blind_since_us = min(self._blind_since_us, now_us)
        if self.in_force and self._seen_us >= self._blind_since_us + BLIND_US:
            self.register.set_power(self.currents_ma(inputs), self.voltages_mv(inputs))
        else:
            self.register.set_power((0, 0, 0), self._setting_mv)
        return wake_us

    def _take_meter(self, now_us: int, sample: MeterSample | None) -> int:
        if sample is None:
            self.problem = "no communication"
        elif sample.read_us != self._seen_us:
            self._seen_us = sample.read_us
            self._judge(sample)
        read_us = -NEVER if sample is None or self._good is None else self._good.read_us
        self.in_force = now_us < read_us + STALE_US
        self._fresh = now_us < read_us + FRESH_US
        self.lost = not self.in_force and now_us >= self._due_us
        if self.in_force:
            return read_us + (FRESH_US if self._fresh else STALE_US)
        return NEVER if self.lost else self._due_us

    def _judge(self, sample: MeterSample) -> None:
        register = self.register
        verdict = self._trust.judge(sample, register.integrated_pj)
        self.problem = verdict.problem
        self.replaced += verdict.replaced
        if verdict.stalled or verdict.replaced:
            self._give_back()
        if verdict.stalled:
            self._good = None
        if verdict.problem:
            return
        self._good = sample
        if verdict.begins:
            register.begin_meter(sample.step_mwh, sample.lag_us)
        else:
            register.follow(verdict.counted_mwh, sample.step_mwh, sample.lag_us)
        if verdict.begins or verdict.counted_mwh:
            self._held_from_pj = (register.integrated_pj, register.counted_pj)

    def _give_back(self) -> None:
        """Follow the meter no more: what was held back for it since it counted last has flowed all the same."""
        register, (integrated_pj, counted_pj) = self.register, self._held_from_pj
        register.add(register.integrated_pj - integrated_pj - (register.counted_pj - counted_pj))
        register.leave_meter()
        self._held_from_pj = (register.integrated_pj, register.counted_pj)

    def fault_causes(self) -> tuple[str, ...]:
        """Names of faults that are present."""
        return (METER_COMM,) if self.lost else ()
