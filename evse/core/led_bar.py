"""LED bar and display of a THØR, as functions of the outlet's state.

The manufacturer's user and configuration manuals (THØR/KEBA P30, manual 120501, sections 4.1.5 and 5.2.2) give: green
blink every 3 s authorised or nothing needed; blue blink every 3 s waiting for card or input; steady orange once for an
invalid card; slow orange out of service, updating or too hot; three segments for teaching the master card; red for a
malfunction. No public source gives the pattern while charging: steady green is ours, and so are the times and the English
texts of the display (at most 20 letters, digits and blanks, as the manual demands).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from evse.core.commands import Notice
from evse.core.outlet_status import OutletStatus
from evse.core.units import NEVER, SECOND
from evse.core.values import Beep, Light

CARD_SHOWN_US: Final = 3 * SECOND
"""How long "accepted" or "invalid" is shown (ours)."""
TEXT_LENGTH: Final = 20

_OUT_OF_SERVICE: Final = (OutletStatus.UNAVAILABLE, OutletStatus.MAINTENANCE_CITY)


class SignFacts(NamedTuple):
    """What the signs depend on."""

    status: OutletStatus
    fault: bool
    """A fault that forbids to charge is in force."""
    too_hot: bool
    """It is the temperature, and nothing else."""
    charging: bool
    """The contact is closed."""
    session: bool
    free_access: bool
    out_of_service: bool
    released: bool
    """X1 does not stand against a charge."""
    restarting: bool
    teaching: bool
    """The next card becomes the master."""
    notice: Notice
    """What services have to say."""


def bar_light(facts: SignFacts, card: Beep) -> Light:
    """Return the pattern of the LED bar; ``card``: what a card was just answered, ``NONE`` when that is over."""
    if facts.status is OutletStatus.NOT_INITIALIZED or facts.restarting:
        return Light.OFF
    if facts.teaching:
        return Light.ORANGE_THREE
    if card is Beep.REFUSED:
        return Light.ORANGE
    if facts.fault:
        return Light.ORANGE_SLOW if facts.too_hot else Light.RED_BLINK
    if facts.charging:
        return Light.GREEN
    if facts.out_of_service or facts.status in _OUT_OF_SERVICE:
        return Light.ORANGE_SLOW
    authorised = facts.session or facts.free_access
    return Light.GREEN_EVERY_3_S if authorised and facts.released else Light.BLUE_EVERY_3_S


def display_text(facts: SignFacts, card: Beep) -> str:
    """Return what the display says."""
    out_of_service = facts.out_of_service or facts.status in _OUT_OF_SERVICE
    authorised = facts.session or facts.free_access
    for holds, text in (
        (facts.restarting, RESTART),
        (facts.status is OutletStatus.NOT_INITIALIZED, STARTING),
        (facts.teaching, TEACHING),
        (card in _CARD_TEXT, _CARD_TEXT.get(card, "")),
        (facts.fault, TOO_HOT if facts.too_hot else FAULT),
        (facts.notice in _NOTICE_TEXT, _NOTICE_TEXT.get(facts.notice, "")),
        (facts.charging, CHARGING),
        (out_of_service, OUT_OF_SERVICE),
        (authorised and not facts.released, WAIT_FOR_X1),
        (authorised, _SESSION_TEXT.get(facts.status, READY)),
    ):
        if holds:
            return text
    return SHOW_CARD


RESTART: Final = "Restart"
STARTING: Final = "Starting"
TEACHING: Final = "Show master card"
TOO_HOT: Final = "Too hot"
FAULT: Final = "Fault"
CHARGING: Final = "Charging"
OUT_OF_SERVICE: Final = "Out of service"
WAIT_FOR_X1: Final = "Wait for X1"
READY: Final = "Ready"
SHOW_CARD: Final = "Show card"
_CARD_TEXT: Final = {Beep.READ: "Card read", Beep.ACCEPTED: "Card accepted", Beep.REFUSED: "Card invalid"}
_NOTICE_TEXT: Final = {
    Notice.USB_BUSY: "usb please wait",
    Notice.USB_DONE: "remove usb",
    Notice.USB_REFUSED: "usb refused",
}
_SESSION_TEXT: Final = {
    OutletStatus.PLUG_STARTED: "Plug in",
    OutletStatus.PLUG_DONE: "Please wait",
    OutletStatus.CHARGE_LOOP_STARTED: "Wait for vehicle",
    OutletStatus.CHARGE_LOOP_ENDED: "Please wait",
    OutletStatus.UNPLUG_STARTED: "Unplug",
}


DISPLAY_TEXTS: Final = (
    *(RESTART, STARTING, TEACHING, TOO_HOT, FAULT, CHARGING, OUT_OF_SERVICE, WAIT_FOR_X1, READY, SHOW_CARD),
    *_CARD_TEXT.values(),
    *_NOTICE_TEXT.values(),
    *dict.fromkeys(_SESSION_TEXT.values()),
)
"""Everything the display can say."""


class BarSigns:
    """The signs of one outlet; remembers what a card was last answered for as long as it is shown."""

    def __init__(self) -> None:
        self.light = Light.OFF
        self.text = ""
        self._card = Beep.NONE
        self._count = 0
        self._until_us = NEVER

    def update(self, now_us: int, facts: SignFacts, beep: Beep, count: int) -> int:
        """Take the facts, the last sound and how many sounds there were; return when to look again."""
        if count != self._count:
            self._count, self._card, self._until_us = count, beep, now_us + CARD_SHOWN_US
        if now_us >= self._until_us:
            self._card, self._until_us = Beep.NONE, NEVER
        self.light, self.text = bar_light(facts, self._card), display_text(facts, self._card)
        return self._until_us
