"""Settings of the sub-tab Device: what a USB stick may do (*THØR/KEBA P30 configuration manual 120501*, 3.4, 6.2.2).

The manual names the switches and gives no factory value: off is ours, for a stick needs no account.
"""

from __future__ import annotations

from typing import Final

from evse.services.settings.kinds import Label, Switch
from evse.services.settings.model import Boards, Setting
from evse.services.settings.tabs import DEVICE


def _switch(key: str, label: Label, help_text: Label) -> Setting:
    return Setting(
        key=key,
        label=label,
        place=DEVICE,
        kind=Switch(),
        factory=False,
        boards=Boards(("thor",)),
        guide=False,
        help=help_text,
    )


USB_SETTINGS: Final = (
    _switch(
        "usb.allow_init",
        Label("Allow USB init", "Autoriser l’export sur clé USB"),
        Label(
            "Yes: a stick that is plugged in gets the settings of this station, without passwords.",
            "Oui : une clé branchée reçoit les réglages de cette borne, sans les mots de passe.",
        ),
    ),
    _switch(
        "usb.allow_config",
        Label("Allow USB config", "Autoriser le chargement par clé USB"),
        Label(
            "Yes: settings on a stick that is plugged in are taken. Whoever reaches the USB port sets the station.",
            "Oui : les réglages d’une clé branchée sont repris. Qui accède au port USB règle la borne.",
        ),
    ),
    _switch(
        "usb.allow_update",
        Label("Allow USB update", "Autoriser la mise à jour par clé USB"),
        Label(
            "Yes: signed firmware on a stick that is plugged in is installed.",
            "Oui : un logiciel signé présent sur une clé branchée est installé.",
        ),
    ),
)
