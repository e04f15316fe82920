"""What an outlet shows: gathers the facts and asks the family's own functions (status light, or LED bar and display)."""

from __future__ import annotations

from evse.core.config import Access, OutletConfig, SignStyle
from evse.core.faults import FaultBook
from evse.core.led_bar import BarSigns, SignFacts
from evse.core.panel import Panel
from evse.core.procedure import Procedure
from evse.core.signals import light_for
from evse.core.units import NEVER
from evse.core.user_input import UserInput
from evse.core.values import Light


class OutletSigns:
    """Light and display text of one outlet."""

    def __init__(self, config: OutletConfig) -> None:
        self._config = config
        self._bar = BarSigns()
        self.light = Light.OFF
        self.text = ""

    def configure(self, config: OutletConfig) -> None:
        """Work by another configuration of the same board."""
        self._config = config

    def update(
        self, now_us: int, procedure: Procedure, faults: FaultBook, panel: Panel, user: UserInput, *, charging: bool
    ) -> int:
        """Work out what is shown now (``charging``: the contact is closed); return when to look again by time alone."""
        blocking = faults.blocking
        if self._config.signs is SignStyle.EVLINK:
            self.light = light_for(
                procedure.status, fault=bool(blocking), charging=charging, key_locked=user.key_locked
            )
            return NEVER
        facts = SignFacts(
            status=procedure.status,
            fault=bool(blocking),
            too_hot=all(fault.kind.name == "OverTemperature" for fault in blocking),
            charging=charging,
            session=procedure.session is not None,
            free_access=self._config.access is Access.FREE,
            out_of_service=procedure.availability.out_of_service,
            released=panel.released,
            restarting=panel.restarting,
            teaching=panel.teaching.open,
            notice=panel.notice,
        )
        wake_us = self._bar.update(now_us, facts, procedure.beep, procedure.beep_count)
        self.light = self._bar.light
        self.text = self._bar.text if self._config.has_display else ""
        return wake_us
