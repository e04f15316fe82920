"""Settings of the sub-tab Device: what a USB stick may do (*THØR/KEBA P30 configuration manual 120501*, 3.4, 6.2.2).

The manual names the switches and gives no factory value: off is ours, for a stick needs no account.
"""

from __future__ import annotations

from typing import Final

from evse.services.settings.kinds import Label, Switch
from evse.services.settings.model import Boards, Setting
from evse.services.settings.tabs import DEVICE

_THOR: Final = Boards(("thor",))

USB_SETTINGS: Final = (
    Setting(
        key="usb.allow_init",
        label=Label("Allow USB init", "Autoriser l’export sur clé USB"),
        place=DEVICE,
        kind=Switch(),
        factory=False,
        boards=_THOR,
        guide=False,
        help=Label(
            "Yes: a stick that is plugged in gets the settings of this station, without passwords.",
            "Oui : une clé branchée reçoit les réglages de cette borne, sans les mots de passe.",
        ),
    ),
    Setting(
        key="usb.allow_config",
        label=Label("Allow USB config", "Autoriser le chargement par clé USB"),
        place=DEVICE,
        kind=Switch(),
        factory=False,
        boards=_THOR,
        guide=False,
        help=Label(
            "Yes: settings on a stick that is plugged in are taken. Whoever reaches the USB port sets the station.",
            "Oui : les réglages d’une clé branchée sont repris. Qui accède au port USB règle la borne.",
        ),
    ),
    Setting(
        key="usb.allow_update",
        label=Label("Allow USB update", "Autoriser la mise à jour par clé USB"),
        place=DEVICE,
        kind=Switch(),
        factory=False,
        boards=_THOR,
        guide=False,
        help=Label(
            "Yes: signed firmware on a stick that is plugged in is installed.",
            "Oui : un logiciel signé présent sur une clé branchée est installé.",
        ),
    ),
)
