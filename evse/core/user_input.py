"""What users and the building tell an outlet by its input lines: key, push button, delayed start, temporary limit.

Lines become wishes here; the procedure, the offer and the interlock know only the wishes (Smart Wallbox, EVlink guide
DOCA0060, "General settings sub-tab" and "Socket-outlets sub-tab"):

============== ========================================================================================================
function       effect
============== ========================================================================================================
KeyLocked      Nobody may begin, the status light is dark. A running session ends with a controlled stop, and the cable
               is given back: the guide only says that a locked station cannot be used, the rest is our choice. With
               free access the key is the authorisation: unlocked again it starts anew for a vehicle that is still there.
PushButton     When enabled: the first press stops the charge inside its session (reason ``StoppedByButton``), the next
               lets it go on. After a session has ended, a press starts a new one where access is free (our choice).
DelayedStart   Nothing is offered while it acts; a charge that has begun is interrupted and resumes (guide).
CurrentLimit   Another row in the stack of limits while it acts (guide); LoadShedding the same on City and Parking.
Conditional... In-2 as `Conditional_Outgoing line`: a charge does not start while it acts. One that has begun goes on, unless
               the board says that it is interrupted as well.
============== ========================================================================================================
"""

from __future__ import annotations

from evse.core.config import OutletConfig
from evse.core.lines import InputLines, LineFunction


class UserInput:
    """Input lines and push button of one outlet."""

    def __init__(self, config: OutletConfig) -> None:
        self.lines = InputLines(config.lines)
        self._button_enabled = config.push_button
        self._condition_interrupts = config.condition_interrupts
        self.stopped = False
        """The button has stopped the charge."""
        self.asked_again = False
        """In this step somebody asks for a new charge: by the key that unlocks, or by the button without a session."""

    def configure(self, config: OutletConfig) -> None:
        """Other functions of the lines count from their next reading on; lines that stay the same keep what they know."""
        self.lines.configure(config.lines)
        self._button_enabled = config.push_button
        self._condition_interrupts = config.condition_interrupts

    def update(self, now_us: int, contacts: tuple[bool, ...], *, session: bool, charging: bool) -> int:
        """Take the contacts; ``charging``: the session is in its charge loop. Returns when to look again."""
        wake_us = self.lines.update(now_us, contacts)
        pressed = self._button_enabled and LineFunction.PUSH_BUTTON in self.lines.begun and not self.key_locked
        unlocked = any(
            change.function is LineFunction.KEY_LOCKED and not change.active for change in self.lines.changes
        )
        if not charging:
            self.stopped = False
        elif pressed:
            self.stopped = not self.stopped
        self.asked_again = unlocked or (pressed and not session)
        return wake_us

    def lost(self) -> None:
        """No fresh readings."""
        self.lines.lost()
        self.asked_again = False

    @property
    def key_locked(self) -> bool:
        """The key keeps everybody out."""
        return self.lines.active(LineFunction.KEY_LOCKED)

    @property
    def limited(self) -> bool:
        """The temporary current limit applies."""
        return self.lines.active(LineFunction.CURRENT_LIMIT)

    @property
    def shedding(self) -> bool:
        """The load-shedding set point applies."""
        return self.lines.active(LineFunction.LOAD_SHEDDING)

    @property
    def breaker_tripped(self) -> bool:
        """The breaker's contact says that it has tripped."""
        return self.lines.active(LineFunction.BREAKER_TRIPPED)

    def no_offer_reasons(self, *, begun: bool) -> dict[str, bool]:
        """Reasons against an offer and whether they hold; ``begun``: energy has flowed in this session."""
        held_back = self.lines.active(LineFunction.START_CONDITION)
        return {
            "ConditionalStart": held_back and (self._condition_interrupts or not begun),
            "KeyLocked": self.key_locked,
            "DelayedStart": self.lines.active(LineFunction.DELAYED_START),
            "StoppedByButton": self.stopped,
        }
