"""The Wi-Fi card of a running station: given its settings as soon as they are saved, asked how it stands.

Its settings go to the card before the station's addresses go to the machine (EVlink commissioning guide DOCA0060: the card's
address is changed first). On one event loop; the card is waited for elsewhere.
"""

from __future__ import annotations

import asyncio
from typing import Final

from evse.services.host.port import Host, HostError
from evse.services.host.wifi import WifiCard, WifiReport, card_of
from evse.services.settings.service import Settings

LOOK_S: Final = 5.0
"""How old a report may be."""


class WifiDesk:
    """See the module. ``report``: the card's last word, ``None`` without a card, and while it does not answer."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self.report: WifiReport | None = None
        self._host, self._settings = host, settings
        self._given: WifiCard | None = None

    @property
    def fitted(self) -> bool:
        """Whether the board has a card."""
        return card_of(self._settings.values) is not None

    async def look(self) -> str:
        """Bring the card up to date, and hear it; what is wrong, empty when nothing is."""
        card = card_of(self._settings.values)
        if card is None:
            return ""
        try:
            if card != self._given:
                await asyncio.to_thread(self._host.set_wifi, card)
                self._given = card
            self.report = await asyncio.to_thread(self._host.wifi)
        except HostError as error:
            self.report = None
            return str(error)
        return ""
