"""Which request of the central system is served by what (OCPP 1.6, chapter 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from evse.links.ocpp import (
    profile_core,
    profile_firmware,
    profile_lists,
    profile_remote,
    profile_security,
    profile_smart,
    profile_trigger,
)
from evse.links.ocpp.context import Context, Reply

Handler = Callable[[Context, int, Mapping[str, Any], Reply], None]

HANDLERS: Final[Mapping[str, Handler]] = {
    "ChangeAvailability": profile_core.change_availability,
    "ChangeConfiguration": profile_core.change_configuration,
    "ClearCache": profile_core.clear_cache,
    "DataTransfer": profile_core.data_transfer,
    "GetConfiguration": profile_core.get_configuration,
    "RemoteStartTransaction": profile_remote.remote_start,
    "RemoteStopTransaction": profile_remote.remote_stop,
    "Reset": profile_core.reset,
    "UnlockConnector": profile_core.unlock_connector,
    "GetLocalListVersion": profile_lists.get_local_list_version,
    "SendLocalList": profile_lists.send_local_list,
    "ReserveNow": profile_lists.reserve_now,
    "CancelReservation": profile_lists.cancel_reservation,
    "SetChargingProfile": profile_smart.set_charging_profile,
    "ClearChargingProfile": profile_smart.clear_charging_profile,
    "GetCompositeSchedule": profile_smart.get_composite_schedule,
    "TriggerMessage": profile_trigger.trigger_message,
    "GetDiagnostics": profile_firmware.get_diagnostics,
    "UpdateFirmware": profile_firmware.update_firmware,
    "GetLog": profile_firmware.get_log,
    "SignedUpdateFirmware": profile_firmware.signed_update_firmware,
    "InstallCertificate": profile_security.install_certificate,
    "DeleteCertificate": profile_security.delete_certificate,
    "GetInstalledCertificateIds": profile_security.get_installed_certificate_ids,
    "CertificateSigned": profile_security.certificate_signed,
    "ExtendedTriggerMessage": profile_security.extended_trigger_message,
}

PENDING_REFUSED: Final = frozenset(("RemoteStartTransaction", "RemoteStopTransaction"))
"""What a station that is not accepted yet does not do (OCPP 1.6, 4.2)."""
