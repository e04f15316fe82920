"""The service button behind the cover of a THØR: what holding it does (THØR/KEBA P30 configuration manual 120501, 3.2, 5.2.3).

=============  ===================================================================================================
state          rule
=============  ===================================================================================================
released       A button that is down at the start, or when readings come back, is not pressed: it was never let go.
pressed        Let go before the first tone: nothing.
armed          From about 1 s on, told by the first tone. Let go now: the station restarts.
restarting     The restart is on its way; the button says nothing more.
erasing        From about 10 s on, told by the second tone: all RFID cards are erased and the station restarts.
=============  ===================================================================================================
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from evse.core.machine import Row, TransitionTable
from evse.core.units import NEVER, SECOND

FIRST_TONE_US: Final = 1 * SECOND
SECOND_TONE_US: Final = 10 * SECOND


class ButtonState(StrEnum):
    """How far the button has come."""

    RELEASED = "released"
    PRESSED = "pressed"
    ARMED = "armed"
    RESTARTING = "restarting"
    ERASING = "erasing"


_S = ButtonState
_MANUAL: Final = "THØR/KEBA P30 configuration manual 120501"


def _row(trigger: str, sources: tuple[ButtonState, ...], target: ButtonState, clause: str) -> Row:
    return Row(trigger, tuple(source.value for source in sources), target.value, clause)


BUTTON_TABLE: Final = TransitionTable(
    "service button",
    [state.value for state in ButtonState],
    ButtonState.RELEASED.value,
    (
        _row("press", (_S.RELEASED,), _S.PRESSED, f"{_MANUAL}, section 3.2"),
        _row("let_go_early", (_S.PRESSED,), _S.RELEASED, "ours"),
        _row("first_tone", (_S.PRESSED,), _S.ARMED, f"{_MANUAL}, section 3.2"),
        _row("let_go", (_S.ARMED,), _S.RESTARTING, f"{_MANUAL}, section 3.2"),
        _row("second_tone", (_S.ARMED,), _S.ERASING, f"{_MANUAL}, section 5.2.3"),
        _row("lost", (_S.PRESSED, _S.ARMED), _S.RELEASED, "ours: no fresh readings"),
    ),
)


class ServiceButton:
    """One button."""

    def __init__(self) -> None:
        self.state = ButtonState.RELEASED
        self.tones = 0
        """How many tones it has asked for since the start."""
        self._pressed_us = NEVER

    def update(self, now_us: int, *, held: bool, begun: bool) -> int:
        """Take the debounced contact; ``begun``: it has just closed after it was seen open. Return when to look again."""
        if begun and self.state is ButtonState.RELEASED:
            self._fire("press")
            self._pressed_us = now_us
        if self.state is ButtonState.PRESSED:
            if now_us >= self._pressed_us + FIRST_TONE_US:
                self._sound("first_tone")
            elif not held:
                self._fire("let_go_early")
        if self.state is ButtonState.ARMED:
            if now_us >= self._pressed_us + SECOND_TONE_US:
                self._sound("second_tone")
            elif not held:
                self._fire("let_go")
        return self._due_us()

    def lost(self) -> None:
        """No fresh readings: nobody knows any more whether the button is held."""
        if self.state in (ButtonState.PRESSED, ButtonState.ARMED):
            self._fire("lost")

    def _sound(self, trigger: str) -> None:
        self._fire(trigger)
        self.tones += 1

    def _fire(self, trigger: str) -> None:
        self.state = ButtonState(BUTTON_TABLE.next_state(self.state.value, trigger))

    def _due_us(self) -> int:
        match self.state:
            case ButtonState.PRESSED:
                return self._pressed_us + FIRST_TONE_US
            case ButtonState.ARMED:
                return self._pressed_us + SECOND_TONE_US
            case _:
                return NEVER
