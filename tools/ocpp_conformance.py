"""What OCPP 1.6 lists and the station proves, besides its messages: answers, transitions, codes, keys; data of ``docs/ocpp.md``.

The lists of answers and codes are taken from the schemas. What the station never says stands in ``NEVER`` with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from evse.links.ocpp.frame import ErrorCode
from evse.links.ocpp.schemas import schema_of

NEVER: Final[dict[str, str]] = {
    "DataTransfer Accepted": "the station has no agreement with a vendor",
    "DataTransfer Rejected": "the station has no agreement with a vendor",
    "DataTransfer UnknownMessageId": "the station has no agreement with a vendor",
    "ExtendedTriggerMessage NotImplemented": "each message that can be asked for is sent",
    "SignedUpdateFirmware RevokedCertificate": "no list of revoked certificates is asked",
    "StatusNotification OverVoltage": "no detector tells it",
    "StatusNotification WeakSignal": "the station knows no signal",
    "TriggerMessage NotImplemented": "each message that can be asked for is sent",
}
"""Answers (`action status`) and error codes that the station never gives, and why."""

_STATES: Final = {
    "A": "Available",
    "B": "Preparing",
    "C": "Charging",
    "D": "SuspendedEV",
    "E": "SuspendedEVSE",
    "F": "Finishing",
    "G": "Reserved",
    "H": "Unavailable",
    "I": "Faulted",
}
_TO: Final = {
    "A": "2345789",
    "B": "134569",
    "C": "145689",
    "D": "135689",
    "E": "134689",
    "F": "1289",
    "G": "1289",
    "H": "123459",
    "I": "12345678",
}
"""Transitions of OCPP 1.6 edition 2, 4.9: from a letter to a number."""
TRANSITIONS: Final[dict[str, tuple[str, str]]] = {
    f"{letter}{number}": (_STATES[letter], list(_STATES.values())[int(number) - 1])
    for letter, numbers in _TO.items()
    for number in numbers
}

NEVER_CODES: Final[dict[ErrorCode, str]] = {
    ErrorCode.PROTOCOL_ERROR: "what breaks the protocol is a FormationViolation or is not answered",
    ErrorCode.SECURITY_ERROR: "who may not connect gets no connection",
}
ERROR_TEST: Final = "test_each_error_code_of_an_answer"

_TOLD: Final = "test_each_configuration_key_is_told_by_name"
_VALUES: Final = "test_periodic_and_clock_aligned_values_with_their_contexts"
_LEAVES: Final = "test_what_follows_when_the_vehicle_is_unplugged_is_told_to_control_after_each_of_its_starts"
_RETRY: Final = "test_a_message_that_the_central_system_fails_on_is_tried_again_and_given_up"
_STOP_DATA: Final = "test_a_stop_tells_the_data_of_its_transaction"
_BAD_PROFILES: Final = "test_bad_profiles_are_rejected_and_change_nothing"
_STORE: Final = "test_the_store_is_bounded_and_a_chain_must_hold_together"
KEY_TESTS: Final[dict[str, str]] = {
    "AdditionalRootCertificateCheck": _TOLD,
    "AllowOfflineTxForUnknownId": "test_offline_who_was_accepted_before_may_charge_and_who_was_blocked_may_not",
    "AuthorizationCacheEnabled": "test_clear_cache_forgets_and_is_rejected_without_a_cache",
    "AuthorizationKey": "test_a_changed_key_outlives_a_power_cut_and_a_secret_is_never_told",
    "AuthorizeRemoteTxRequests": "test_a_remote_start_that_is_to_be_authorised",
    "CertificateSignedMaxChainSize": _STORE,
    "CertificateStoreMaxLength": _STORE,
    "ChargeProfileMaxStackLevel": _BAD_PROFILES,
    "ChargingScheduleAllowedChargingRateUnit": "test_watts_count_with_the_voltage_of_the_station",
    "ChargingScheduleMaxPeriods": _BAD_PROFILES,
    "ClockAlignedDataInterval": _VALUES,
    "ConnectionTimeOut": "test_who_does_not_plug_in_within_the_connection_timeout_loses_the_permission",
    "ConnectorPhaseRotation": "test_the_phase_rotation_is_what_the_outlets_are_and_no_word_changes_it",
    "ConnectorPhaseRotationMaxLength": _TOLD,
    "ConnectorSwitch3to1PhaseSupported": "test_a_profile_switches_the_phases_where_that_is_possible",
    "CpoName": "test_the_station_asks_for_a_certificate_for_its_own_key",
    "GetConfigurationMaxKeys": "test_no_more_than_the_stated_number_of_keys_is_answered",
    "HeartbeatInterval": "test_heartbeats_come_at_the_interval_when_nothing_else_is_said",
    "LocalAuthListEnabled": "test_the_list_can_be_switched_off",
    "LocalAuthListMaxLength": "test_more_entries_than_the_list_may_have_are_refused",
    "LocalAuthorizeOffline": "test_without_local_authorize_offline_nobody_is_known",
    "LocalPreAuthorize": "test_with_local_pre_authorize_a_known_card_does_not_wait",
    "MaxChargingProfilesInstalled": "test_no_more_profiles_than_the_station_takes",
    "MaxEnergyOnInvalidId": "test_an_invalid_id_may_draw_so_much_energy",
    "MeterValueSampleInterval": _VALUES,
    "MeterValuesAlignedData": _VALUES,
    "MeterValuesAlignedDataMaxLength": "test_no_list_of_measurands_is_longer_than_its_key_says",
    "MeterValuesSampledData": _VALUES,
    "MeterValuesSampledDataMaxLength": "test_no_list_of_measurands_is_longer_than_its_key_says",
    "MinimumStatusDuration": "test_a_status_shorter_than_its_minimum_duration_is_not_told",
    "NumberOfConnectors": _TOLD,
    "ReserveConnectorZeroSupported": "test_connector_zero_keeps_any_connector",
    "ResetRetries": "test_a_reset_that_control_does_not_obey_is_made_again_and_at_last_told_as_failed",
    "SecurityProfile": "test_the_security_profile_is_only_raised_and_the_connection_is_made_anew",
    "SendLocalListMaxLength": "test_more_entries_than_the_list_may_have_are_refused",
    "StopTransactionOnEVSideDisconnect": _LEAVES,
    "StopTransactionOnInvalidId": "test_an_id_that_turns_out_invalid_is_stopped_or_held",
    "StopTxnAlignedData": _STOP_DATA,
    "StopTxnAlignedDataMaxLength": "test_no_list_of_measurands_is_longer_than_its_key_says",
    "StopTxnSampledData": _STOP_DATA,
    "StopTxnSampledDataMaxLength": "test_no_list_of_measurands_is_longer_than_its_key_says",
    "SupportedFeatureProfiles": _TOLD,
    "SupportedFeatureProfilesMaxLength": _TOLD,
    "SupportedFileTransferProtocols": _TOLD,
    "TransactionMessageAttempts": _RETRY,
    "TransactionMessageRetryInterval": _RETRY,
    "UnlockConnectorOnEVSideDisconnect": _LEAVES,
    "WebSocketPingInterval": "test_the_interval_of_pings_counts_for_the_connection_that_is_there",
}
"""The test that shows what a key does; of one that is only kept, that it is kept and told."""


def statuses_of(actions: Iterable[str]) -> list[str]:
    """Return every `action status` that the schemas' answers allow, in order."""
    return [f"{action} {status}" for action in sorted(actions) for status in _statuses(action)]


def _statuses(action: str) -> Iterator[str]:
    schema = schema_of(f"{action}Response")
    status = schema.get("properties", {}).get("status", {})
    if "$ref" in status:
        status = schema["definitions"][status["$ref"].rpartition("/")[2]]
    yield from status.get("enum", ())
