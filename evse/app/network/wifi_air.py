"""What is around the Wi-Fi card of a simulated station: its world is asked."""

from __future__ import annotations

from evse.app.page.world_client import WorldGone, ask_world
from evse.services.host.port import HostError
from evse.services.host.simulated import Heard
from evse.services.host.wifi import WifiCard, WifiState

PATIENCE_S = 1.0


class WorldAir:
    """An ``Air``. ``world``: the socket of the simulated world. Waits for its answer."""

    def __init__(self, world: str) -> None:
        self._world = world

    def hear(self, card: WifiCard) -> Heard:
        request = {"op": "wifi", "network": card.network, "security": card.security, "key": card.key}
        try:
            answer = ask_world(self._world, request, PATIENCE_S)
            if not answer.get("ok"):
                raise HostError(f"the Wi-Fi card does not answer: {answer.get('reason', 'no reason')}")
            return Heard(str(answer["started_us"]), WifiState(answer["joined"]), int(answer["short_off_us"]))
        except (WorldGone, ValueError, KeyError) as error:
            raise HostError(f"the Wi-Fi card does not answer: {error}") from error
