"""Small things around an outlet: temperature, numbered input lines, and what a passer-by sees, reads and hears.

Specification. The temperature goes to a new value in visible steps of 0.5 degree Celsius spread evenly over the given
time, or at once. Light, sound and ventilation are facts the station produced; the world only remembers them.
"""

from __future__ import annotations

from typing import Final

from evse.records import dataclass
from hal.ports import BeepCode, LightCode
from hal.units import NEVER

STEP_DC: Final = 5


@dataclass(slots=True)
class Temperature:
    """Temperature of the outlet in 0.1 degree Celsius."""

    now_dc: int = 250
    goal_dc: int = 250
    step_us: int = 0
    due_us: int = NEVER
    sensor_broken: bool = False
    """The front end can tell that its sensor is broken; what it measures then stays as it was (ours)."""

    def go_to(self, goal_dc: int, duration_us: int, now_us: int) -> None:
        """Reach ``goal_dc`` after ``duration_us``; 0 = at once."""
        self.goal_dc, self.due_us = goal_dc, NEVER
        steps = -(-abs(goal_dc - self.now_dc) // STEP_DC)
        if duration_us <= 0 or steps == 0:
            self.now_dc = goal_dc
            return
        self.step_us = max(duration_us // steps, 1)
        self.due_us = now_us + self.step_us

    def step(self, now_us: int) -> None:
        """Take the step that is due."""
        way = self.goal_dc - self.now_dc
        self.now_dc += max(-STEP_DC, min(STEP_DC, way))
        self.due_us = NEVER if self.now_dc == self.goal_dc else now_us + self.step_us


@dataclass(slots=True)
class Signs:
    """What the outlet shows: light, last sound and how many there were, ventilation output."""

    light: LightCode = LightCode.OFF
    beep: BeepCode = BeepCode.NONE
    beep_count: int = 0
    ventilation: bool = False
    text: str = ""
    """What the display says."""

    def lose_power(self) -> None:
        """Go dark and silent."""
        self.light, self.ventilation, self.text = LightCode.OFF, False, ""
