"""The verbs of the Wi-Fi card: the access point that it finds or not, and the cable to the card."""

from __future__ import annotations

from typing import Final

from hal.world.verb_actions import Action, Call
from hal.world.verb_spec import HEAL, Verb, VerbParam
from hal.world.wifi import OPEN, SECURITIES, AccessPoint, WifiCard

WIFI_VERBS: Final = (
    Verb(
        "set_access_point",
        "wifi",
        "an access point is there, and takes who has its key (station with Wi-Fi card)",
        (
            VerbParam("network", "text", "name of its network", default="home", minimum=1, maximum=32),
            VerbParam("security", "choice", "how it is protected", default="wpa2", choices=SECURITIES),
            VerbParam(
                "key",
                "text",
                "its key; does not matter with `security: open`",
                default="charge-at-home",
                minimum=8,
                maximum=63,
                secret=True,
            ),
        ),
        "remove_access_point",
    ),
    Verb("remove_access_point", "wifi", "the access point is away", healed_by="set_access_point"),
    Verb("refuse_wifi", "wifi", "the access point refuses every device, whatever its key", (HEAL,), "heal"),
    Verb("unplug_wifi_card", "wifi", "the network cable between station and Wi-Fi card is pulled", (HEAL,), "heal"),
)
"""What exists where the station has a Wi-Fi card."""


def _card(call: Call) -> WifiCard:
    assert call.world.wifi is not None  # noqa: S101  # ``blocked`` has said no before
    return call.world.wifi


def _blocked(call: Call) -> str:
    return "the station has no Wi-Fi card" if call.world.wifi is None else ""


def _set(call: Call) -> None:
    security = call.text("security")
    key = "" if security == OPEN else call.text("key")
    _card(call).access_point = AccessPoint(call.text("network"), security, key)


def _remove(call: Call) -> None:
    _card(call).access_point = None


def _remove_blocked(call: Call) -> str:
    return _blocked(call) or ("" if _card(call).access_point is not None else "there is no access point")


def _refuse(call: Call) -> None:
    _card(call).refuses = not call.heal


def _unplug(call: Call) -> None:
    _card(call).unplugged = not call.heal


WIFI_ACTIONS: Final[dict[str, Action]] = {
    "set_access_point": Action(_set, _blocked),
    "remove_access_point": Action(_remove, _remove_blocked),
    "refuse_wifi": Action(_refuse, _blocked),
    "unplug_wifi_card": Action(_unplug, _blocked),
}
