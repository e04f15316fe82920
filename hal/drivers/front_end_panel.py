"""The host's side of DISPLAY and DIP_SWITCHES, and what a front end older than protocol 1.2 is told instead.

The switches are asked for when a connection begins and whenever a STATE says that they have moved; the question stays
open until its answer has come. The text of the display is a level like CONTROL: said when it changes and at the beginning
of each connection.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hal.frames.front_end_messages import PANEL_VERSION, TEXT_LENGTH, Capability, Control, DipSwitches, Identity
from hal.ports import LightCode

OLDER_LIGHT: Final = {
    LightCode.GREEN_EVERY_3_S: LightCode.GREEN_BLINK,
    LightCode.BLUE_EVERY_3_S: LightCode.BLUE_BLINK,
    LightCode.ORANGE: LightCode.RED,
    LightCode.ORANGE_SLOW: LightCode.RED_BLINK,
    LightCode.ORANGE_THREE: LightCode.BLUE,
}
"""What comes nearest among the codes that every version 1 front end knows."""


class FrontEndPanel:
    """Text and switches of one front end."""

    def __init__(self) -> None:
        self.text = ""
        self.dip_switches: tuple[int, ...] | None = None
        """Positions as last told, ``None`` before the first answer."""
        self.dip_wanted = False
        """A question is to be asked."""
        self._identity: Identity | None = None

    def meet(self, identity: Identity | None) -> None:
        """A connection to this front end begins."""
        self._identity = identity
        self.dip_wanted = self._has(Capability.DIP_SWITCHES)

    def moved(self) -> None:
        """A STATE says that switches have moved."""
        self.dip_wanted = self._has(Capability.DIP_SWITCHES)

    def take(self, message: DipSwitches) -> None:
        """The answer has come."""
        self.dip_switches = message.banks
        self.dip_wanted = False

    @property
    def has_display(self) -> bool:
        """Whether DISPLAY may be sent."""
        return self._has(Capability.DISPLAY)

    def change_text(self, text: str) -> bool:
        """Keep what is to be shown, cut to what can be shown; return whether it is another text than before."""
        shown = "".join(each if " " <= each <= "~" else "?" for each in text)[:TEXT_LENGTH].rstrip()
        changed, self.text = shown != self.text, shown
        return changed

    def understood(self, control: Control) -> Control:
        """Return ``control`` with a light code that this front end knows."""
        if self._identity is not None and self._identity.protocol >= PANEL_VERSION:
            return control
        return replace(control, light=OLDER_LIGHT.get(control.light, control.light))

    def _has(self, capability: Capability) -> bool:
        identity = self._identity
        return identity is not None and identity.protocol >= PANEL_VERSION and bool(identity.capabilities & capability)
