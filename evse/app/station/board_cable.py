"""The cable between the boards of two outlets, which decides whether the addresses of the guide's factory setting may be used.

No board tells in which of its Ethernet ports the cable is. In simulation the world is asked; on a device the installer is
believed (EVlink commissioning guide DOCA0060, chapter 3, `IP address management`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from evse.app.page.world_client import WorldGone, ask_world
from evse.services.settings.finding import Circumstances

PATIENCE_S: Final = 1.0


def circumstances_of(world: str) -> Callable[[], Circumstances]:
    """Asks for the present circumstances. ``world``: the simulated world's socket, empty on a device."""

    def ask() -> Circumstances:
        if not world:
            return Circumstances()
        try:
            truth = ask_world(world, {"op": "truth"}, PATIENCE_S)
        except (WorldGone, ValueError):
            return Circumstances()
        return Circumstances(second_port_cable=truth.get("board_cable_in_second_port") is not False)

    return ask
