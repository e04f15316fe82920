"""What joins a supervised station's charge point with the rest of its services: files, firmware, settings, security log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evse.app.supervision.charge_point_task import Supervised, identity_of, supervise
from evse.app.supervision.diagnostics import offered_by
from evse.app.supervision.supervision_keys import SUPERVISION, SettingKeys
from evse.app.supervision.supervision_security import told_as
from evse.core.config import StationConfig
from evse.exchange.snapshot import StationView
from evse.links.ocpp.settings import StationIdentity
from evse.links.ocpp.transfers import Transfers
from evse.records import dataclass
from evse.services.firmware.manifest import PackageError
from evse.services.firmware.service import FirmwareEvent, FirmwareService, FirmwareStatus
from evse.services.security.events import STRANGERS_CAN, SecurityEvent, SecurityKind
from evse.services.settings.service import Settings
from evse.web.ports import EventRecord

_log = logging.getLogger(__name__)
_ENDS = {FirmwareStatus.INSTALLED: True, FirmwareStatus.RETURNED: False}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the services lend. ``call`` runs a function on their event loop, from any thread; ``simulated``: loopback is allowed."""

    data: Path
    clock: Callable[[], int]
    wake: Callable[[], None]
    call: Callable[[Callable[[], None]], None]
    restart: Callable[[str], None]
    view: Callable[[], StationView | None]
    events: Callable[[], Sequence[EventRecord]]
    firmware: FirmwareService
    settings: Settings
    listen: Callable[[Callable[[SecurityEvent], None]], None]
    """To the security log."""
    simulated: bool


def supervised_station(values: dict[str, Any], config: StationConfig, around: Surroundings) -> Supervised:
    """Return the way to the central system, which begins to connect. To be called inside a running event loop."""
    transfers = Transfers(
        around.data, install=lambda package: _install(around.firmware, package), local_allowed=around.simulated
    )

    def utc_us(at_us: int) -> int | None:
        return supervised.back_end.charge_point.context.utc_us(at_us)

    supervised = supervise(
        *(values, config, around.clock, around.wake, around.restart, transfers),
        offered_by(around.data, around.view, around.events, utc_us),
        identity=_identity(config, around.firmware),
    )
    back_end = supervised.back_end
    context = back_end.charge_point.context
    context.vendor_keys = SettingKeys(around.settings, around.wake, around.clock)
    context.certificate_noted = lambda detail: around.settings.log.record(
        SecurityEvent(SecurityKind.CERTIFICATE_CHANGED, SUPERVISION.name, SUPERVISION.source, detail)
    )

    def firmware(event: FirmwareEvent) -> None:
        if event.status in _ENDS:
            installed = _ENDS[event.status]
            around.call(lambda: back_end.firmware_ended(around.clock(), installed=installed))

    def security(event: SecurityEvent) -> None:
        kind, info = told_as(event)
        if kind:
            stranger = event.kind in STRANGERS_CAN
            around.call(lambda: back_end.security_event(around.clock(), kind, info, stranger=stranger))

    around.firmware.listen(firmware)
    around.listen(security)
    supervised.start(around.clock())
    return supervised


def _identity(config: StationConfig, firmware: FirmwareService) -> StationIdentity:
    identity = identity_of(config)
    try:
        state = firmware.state()
    except OSError as error:
        _log.warning("the firmware slots cannot be read: %s", error)
        return identity
    return replace(identity, firmware=state.running, on_trial=state.trial)


def _install(firmware: FirmwareService, package: Path) -> bool:
    """Take a downloaded package and restart to try it; false when it is refused."""
    try:
        firmware.stage(package, SUPERVISION)
        firmware.install(SUPERVISION)
    except PackageError as error:
        _log.warning("firmware of the central system refused: %s", error)
        return False
    finally:
        package.unlink(missing_ok=True)
    return True
