"""Verbs of the simulation that concern the station's own computer: processes and disk."""

from __future__ import annotations

from typing import Final

from hal.world.verb_spec import Verb, VerbParam

_DEATHS: Final = (
    Verb("kill_control", "process", "the control process dies and is started again"),
    Verb("freeze_control", "process", "the control process hangs", healed_by="thaw_control"),
    Verb("thaw_control", "process", "the hung control process is replaced", healed_by="freeze_control"),
    Verb("kill_services", "process", "the services process dies and is started again"),
)
USB_VERBS: Final = (
    Verb(
        "insert_usb_stick",
        "process",
        "a USB stick is plugged in: the directory usb-stick of the station's data",
        healed_by="remove_usb_stick",
    ),
    Verb("remove_usb_stick", "process", "the USB stick is taken out, finished or not", healed_by="insert_usb_stick"),
)
"""A station in virtual time has no such port: its settings are its profile."""
REAL_PROCESS_VERBS: Final = (*_DEATHS, *USB_VERBS)
"""Those that a supervisor of real processes can carry out."""

PROCESS_VERBS: Final = (
    *_DEATHS,
    Verb(
        "slow_disk",
        "process",
        "each durable write takes this long",
        (VerbParam("latency", "number", "time of one commit", "s", 2, 0, 3_600),),
        healed_by="mend_disk",
    ),
    Verb("full_disk", "process", "the disk takes no more writes", healed_by="mend_disk"),
    Verb("mend_disk", "process", "the disk works again"),
    Verb(
        "teach_badges",
        "process",
        "an installer begins to teach or delete badges at the reader",
        (
            VerbParam("mode", "choice", "what a card does", default="add", choices=("add", "delete")),
            VerbParam("reader", "int", "whose reader, 0: every one", default=0, minimum=0, maximum=99),
        ),
        healed_by="stop_teaching",
    ),
    Verb("stop_teaching", "process", "the readers serve charges again"),
)
"""Those of virtual time. Same shape as the world's verbs, so that every interface lists them together."""
