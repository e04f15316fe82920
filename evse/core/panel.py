"""What a THØR has behind its cover, as one outlet sees it: DIP switches, enable input X1, service button, master card.

============= =========================================================================================================
part          effect
============= =========================================================================================================
DIP switches  A row in the stack of limits; nothing is offered before they were read once (:mod:`evse.core.dip`).
X1            When its DIP switch says so, a charge needs the closed contact besides the authorisation: without it nothing
              is offered, and a running charge is interrupted in a controlled way and resumes (manual 120501, 5.2.5).
button        Tones, restart, erasing of all cards (:mod:`evse.core.service_button`). The running session is ended first.
master card   The next card after erasing (:mod:`evse.core.teaching`).
============= =========================================================================================================

A board without any of them has a panel that does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evse.core.commands import Notice
from evse.core.config import OutletConfig
from evse.core.dip import DipSwitches
from evse.core.events import CardsErased, DipSwitchesRead, Event, MasterCardTaught
from evse.core.limits import Limit, constant
from evse.core.lines import InputLines, LineFunction
from evse.core.service_button import ButtonState, ServiceButton
from evse.core.teaching import MasterTeaching
from evse.core.values import Beep

MASTER_CARD_MISSING: Final = "MasterCardMissing"
"""Catalogue name; latched until a master card is taught or a service person clears it."""
DIP_SWITCHES_INVALID: Final = "DipSwitchesInvalid"


class Panel:
    """State of one outlet's panel."""

    def __init__(
        self, config: OutletConfig, start_us: int, emit: Callable[[Event], None], sound: Callable[[Beep], None]
    ) -> None:
        self._number = config.number
        self._emit, self._sound = emit, sound
        self.dip = DipSwitches(config.dip_banks)
        self.button = ServiceButton()
        self.teaching = MasterTeaching(start_us)
        self._x1_closed = False
        self._cards_erased = False
        self.notice = Notice.NONE
        """What services have to say on the display."""

    def update(self, now_us: int, lines: InputLines, dip: tuple[int, ...] | None) -> int:
        """Take the fresh readings; return when to look again."""
        if self.dip.update(dip):
            self._emit(DipSwitchesRead(self._number, self.dip.text(self.dip.now), self.dip.pending))
        self._x1_closed = lines.active(LineFunction.X1_ENABLE)
        held, begun = lines.active(LineFunction.SERVICE_BUTTON), LineFunction.SERVICE_BUTTON in lines.begun
        tones = self.button.tones
        wake_us = self.button.update(now_us, held=held, begun=begun)
        if self.button.tones != tones:
            self._sound(Beep.TONE)
        if self.button.state is ButtonState.ERASING and not self._cards_erased:
            self._cards_erased = True
            self._emit(CardsErased(self._number))
        return wake_us

    def teach(self, now_us: int, *, master_missing: bool, idle: bool) -> int:
        """Open and close the time for a master card; return when to look again."""
        return self.teaching.update(now_us, wanted=master_missing, idle=idle)

    def take_card(self, uid: str) -> bool:
        """A card was read; return whether it was taught as the master and is no user's."""
        if not self.teaching.take():
            return False
        self._cards_erased = False
        self._emit(MasterCardTaught(self._number, uid))
        self._sound(Beep.ACCEPTED)
        return True

    def lost(self) -> None:
        """No fresh readings: nobody knows whether the button is still held."""
        self.button.lost()

    @property
    def released(self) -> bool:
        """X1 does not stand against a charge."""
        return self._x1_closed or not self.dip.settings.x1_enable

    @property
    def restarting(self) -> bool:
        """The service button has asked for a restart."""
        return self.button.state in (ButtonState.RESTARTING, ButtonState.ERASING)

    @property
    def cause(self) -> str:
        """Why the station restarts; empty while it does not."""
        if self.button.state is ButtonState.ERASING:
            return "ServiceButtonErase"
        return "ServiceButton" if self.button.state is ButtonState.RESTARTING else ""

    def no_offer_reasons(self) -> dict[str, bool]:
        """Reasons against an offer and whether they hold."""
        return {
            "DipSwitchesUnknown": not self.dip.known,
            "X1Open": not self.released,
            "Restarting": self.restarting,
        }

    def limits(self) -> tuple[Limit, ...]:
        """The DIP switches' row in the stack of limits."""
        settings = self.dip.settings
        if not settings.current_ma:
            return ()
        note = "" if settings.current_defined else "undefined position"
        return (constant("DIP switches", settings.current_ma, note),)

    def fault_causes(self) -> tuple[str, ...]:
        """Faults whose cause is present."""
        causes = {
            MASTER_CARD_MISSING: self._cards_erased,
            DIP_SWITCHES_INVALID: not self.dip.settings.current_defined,
        }
        return tuple(name for name, is_present in causes.items() if is_present)
