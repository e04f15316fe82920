"""The conformance tables of ``docs/ocpp.md``: each message and configuration key, whether it is served, and what proves it.

``python -m tools.ocpp_table --write`` brings the document up to date, ``--check`` fails when it is not. The messages come from
the schemas, what is served from the station's own table of handlers, the keys from its list of keys: a message or key
without a row here, or a row whose test does not exist, is an error.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from evse.links.ocpp.frame import ErrorCode
from evse.links.ocpp.handlers import HANDLERS
from evse.links.ocpp.keys import Access, Key
from evse.links.ocpp.schemas import actions
from evse.links.ocpp.settings import StationIdentity, SupervisionSettings, station_keys
from tools.ocpp_conformance import ERROR_TEST, KEY_TESTS, NEVER, NEVER_CODES, TRANSITIONS, statuses_of

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "ocpp.md"
TESTS = ROOT / "tests" / "unit" / "links" / "ocpp"
REAL = ROOT / "tests" / "real"
BEGIN, END = "<!-- tables: begin (python -m tools.ocpp_table --write) -->", "<!-- tables: end -->"

_CORE, _LIST, _RESERVE = "Core", "Local Auth List Management", "Reservation"
_SMART, _TRIGGER, _FIRMWARE, _SECURITY = "Smart Charging", "Remote Trigger", "Firmware Management", "Security extension"

MESSAGES: Final[dict[str, tuple[str, str, str]]] = {
    "Authorize": (_CORE, "", "test_a_card_is_refused_for_each_status_but_accepted"),
    "BootNotification": (_CORE, "", "test_boot_notification_comes_first_and_then_the_status_of_every_connector"),
    "ChangeAvailability": (_CORE, "", "test_change_availability_of_one_connector_of_all_and_of_none"),
    "ChangeConfiguration": (_CORE, "", "test_answers_to_change_configuration"),
    "ClearCache": (_CORE, "", "test_clear_cache_forgets_and_is_rejected_without_a_cache"),
    "DataTransfer": (_CORE, "served: no vendor is known; never sent", "test_data_transfer_knows_no_vendor"),
    "GetConfiguration": (_CORE, "", "test_each_configuration_key_is_told_by_name"),
    "Heartbeat": (_CORE, "", "test_heartbeats_come_at_the_interval_when_nothing_else_is_said"),
    "MeterValues": (_CORE, "", "test_periodic_and_clock_aligned_values_with_their_contexts"),
    "RemoteStartTransaction": (_CORE, "", "test_remote_start_and_stop"),
    "RemoteStopTransaction": (_CORE, "", "test_remote_start_and_stop"),
    "Reset": (
        _CORE,
        "`Hard`: the whole station; `Soft`: control, and the rest when a setting waits for it",
        "test_reset_ends_sessions_with_its_reason_and_restarts",
    ),
    "StartTransaction": (_CORE, "", "test_a_week_offline_with_power_cuts_and_clock_steps"),
    "StatusNotification": (_CORE, "", "test_the_way_through_a_charge"),
    "StopTransaction": (_CORE, "", "test_a_stop_tells_the_data_of_its_transaction"),
    "UnlockConnector": (_CORE, "", "test_unlock_while_idle_in_a_transaction_stuck_and_without_a_lock"),
    "GetLocalListVersion": (_LIST, "", "test_a_list_full_and_differential_with_versions"),
    "SendLocalList": (_LIST, "", "test_a_list_full_and_differential_with_versions"),
    "ReserveNow": (_RESERVE, "", "test_a_reservation_keeps_its_connector_until_it_is_cancelled"),
    "CancelReservation": (_RESERVE, "", "test_a_reservation_keeps_its_connector_until_it_is_cancelled"),
    "SetChargingProfile": (
        _SMART,
        "",
        "test_a_profile_becomes_a_limit_within_a_second_and_its_next_period_the_fallback",
    ),
    "ClearChargingProfile": (
        *(_SMART, ""),
        "test_a_profile_becomes_a_limit_within_a_second_and_its_next_period_the_fallback",
    ),
    "GetCompositeSchedule": (_SMART, "", "test_the_composite_schedule_to_the_second"),
    "TriggerMessage": (_TRIGGER, "", "test_each_message_that_can_be_triggered"),
    "GetDiagnostics": (_FIRMWARE, "HTTP(S) and FTP(S)", "test_diagnostics_are_uploaded_and_retried"),
    "DiagnosticsStatusNotification": (_FIRMWARE, "", "test_diagnostics_are_uploaded_and_retried"),
    "UpdateFirmware": (
        *(_FIRMWARE, ""),
        "test_firmware_from_its_download_to_its_end",
    ),
    "FirmwareStatusNotification": (
        *(_FIRMWARE, ""),
        "test_what_came_of_a_firmware_is_told_after_the_restart_once_it_is_known",
    ),
    "CertificateSigned": (_SECURITY, "", "test_the_station_asks_for_a_certificate_for_its_own_key"),
    "DeleteCertificate": (
        *(_SECURITY, ""),
        "test_certificates_are_installed_listed_and_deleted_and_outlive_a_power_cut",
    ),
    "ExtendedTriggerMessage": (_SECURITY, "", "test_each_extended_trigger"),
    "GetInstalledCertificateIds": (
        *(_SECURITY, ""),
        "test_certificates_are_installed_listed_and_deleted_and_outlive_a_power_cut",
    ),
    "GetLog": (_SECURITY, "", "test_logs_are_uploaded_and_a_newer_request_cancels"),
    "InstallCertificate": (
        *(_SECURITY, ""),
        "test_certificates_are_installed_listed_and_deleted_and_outlive_a_power_cut",
    ),
    "LogStatusNotification": (_SECURITY, "", "test_logs_are_uploaded_and_a_newer_request_cancels"),
    "SecurityEventNotification": (
        *(_SECURITY, "with security profile 1 and above"),
        "test_security_events_are_told_with_a_security_profile_and_kept_while_offline",
    ),
    "SignCertificate": (_SECURITY, "", "test_the_station_asks_for_a_certificate_for_its_own_key"),
    "SignedFirmwareStatusNotification": (
        *(_SECURITY, ""),
        "test_signed_firmware_needs_a_certificate_from_a_manufacturer_root",
    ),
    "SignedUpdateFirmware": (
        *(_SECURITY, ""),
        "test_signed_firmware_needs_a_certificate_from_a_manufacturer_root",
    ),
}
"""Action: feature profile, what is to be said of it, the test that proves it."""

KEY_NOTES: Final[dict[str, str]] = {
    "ConnectorPhaseRotation": "as outlets and meters are wired; anything else is refused",
    "ResetRetries": "when control has not begun again 60 s after a reset; then connector 0 tells `ResetFailure`",
    "StopTransactionOnEVSideDisconnect": "false: the session goes on, and the cable stays locked in",
    "UnlockConnectorOnEVSideDisconnect": "false: the cable stays locked in until its user's card, `UnlockConnector` or a restart",
    "AdditionalRootCertificateCheck": "not done",
}
"""What has to be said of a key."""
_PROFILES: Final[dict[str, str]] = {
    **dict.fromkeys(("LocalAuthListEnabled", "LocalAuthListMaxLength", "SendLocalListMaxLength"), _LIST),
    "ReserveConnectorZeroSupported": _RESERVE,
    **dict.fromkeys(
        (
            *("ChargeProfileMaxStackLevel", "ChargingScheduleAllowedChargingRateUnit", "ChargingScheduleMaxPeriods"),
            *("MaxChargingProfilesInstalled", "ConnectorSwitch3to1PhaseSupported"),
        ),
        _SMART,
    ),
    "SupportedFileTransferProtocols": _FIRMWARE,
    **dict.fromkeys(
        (
            *("AuthorizationKey", "SecurityProfile", "CpoName", "AdditionalRootCertificateCheck"),
            *("CertificateSignedMaxChainSize", "CertificateStoreMaxLength"),
        ),
        _SECURITY,
    ),
}
"""Feature profiles of keys that are not of the Core profile (OCPP 1.6 edition 2, chapter 9; security whitepaper)."""


class TableError(Exception):
    """A row is missing or wrong."""


def tables() -> str:
    """Return the tables as Markdown. Raises TableError."""
    missing = sorted(actions() ^ set(MESSAGES))
    if missing:
        raise TableError(f"messages without a row, or rows without a message: {', '.join(missing)}")
    tests = _tests()
    parts = (_messages(tests), _answers(tests), _transitions(tests), _codes(tests), _keys(tests))
    return "\n\n".join("\n".join(part) for part in parts)


def _tests() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted((*TESTS.glob("test_*.py"), *REAL.glob("test_ocpp_*.py"))):
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            found[name] = path.relative_to(ROOT / "tests").as_posix()
    return found


def _messages(tests: dict[str, str]) -> Iterator[str]:
    yield "| message | feature profile | direction | state | proved by |"
    yield "|---|---|---|---|---|"
    for action, (profile, note, test) in MESSAGES.items():
        direction = "central system → station" if action in HANDLERS else "station → central system"
        yield f"| `{action}` | {profile} | {direction} | {note or 'complete'} | {_linked(action, test, tests)} |"


def _linked(what: str, test: str, tests: dict[str, str]) -> str:
    if test not in tests:
        raise TableError(f"{what}: there is no test {test}")
    return f"[{test}](../tests/{tests[test]})"


def _answers(tests: dict[str, str]) -> Iterator[str]:
    place = _linked("answers", "test_each_answer_of_each_request", tests)
    yield f"Answers; each has a case of {place}, but for those that are never given:"
    yield ""
    yield "| request | answers | never |"
    yield "|---|---|---|"
    listed = statuses_of(HANDLERS)
    for action in dict.fromkeys(each.partition(" ")[0] for each in listed):
        mine = [each for each in listed if each.startswith(f"{action} ")]
        given = ", ".join(f"`{each.partition(' ')[2]}`" for each in mine if each not in NEVER)
        never = "; ".join(f"`{each.partition(' ')[2]}`: {NEVER[each]}" for each in mine if each in NEVER)
        yield f"| `{action}` | {given} | {never} |"


def _transitions(tests: dict[str, str]) -> Iterator[str]:
    place = _linked("transitions", "test_each_status_transition", tests)
    yield f"Transitions of a connector's status by the specification's names; each is a case of {place}:"
    yield ""
    yield "| from | to |"
    yield "|---|---|"
    for status in dict.fromkeys(before for before, _ in TRANSITIONS.values()):
        to = ", ".join(f"{after} ({name})" for name, (before, after) in TRANSITIONS.items() if before == status)
        yield f"| {status} | {to} |"


def _codes(tests: dict[str, str]) -> Iterator[str]:
    yield "| error code | proved by |"
    yield "|---|---|"
    for code in ErrorCode:
        never = NEVER_CODES.get(code)
        yield f"| `{code}` | {f'never: {never}' if never else _linked(code, ERROR_TEST, tests)} |"
    for name, why in NEVER.items():
        if name.startswith("StatusNotification "):
            yield f"| `{name.partition(' ')[2]}` (status) | never: {why} |"
    failed = "test_a_reset_that_control_does_not_obey_is_made_again_and_at_last_told_as_failed"
    yield f"| `ResetFailure` (status) | {_linked('codes', failed, tests)} |"
    yield f"| every other code of a status | {_linked('codes', 'test_each_error_code_of_a_status', tests)} |"
    yield f"| every reason of a stop | {_linked('reasons', 'test_each_reason_of_a_stop', tests)} |"


def _keys(tests: dict[str, str]) -> Iterator[str]:
    yield "| key | feature profile | type and range | access | default | remarks | proved by |"
    yield "|---|---|---|---|---|---|---|"
    settings = SupervisionSettings(url="ws://example/", identity="X")
    for key in station_keys(settings, StationIdentity("", "", "")):
        access = {Access.READ_ONLY: "read", Access.READ_WRITE: "read, write", Access.WRITE_ONLY: "write"}[key.access]
        default = f"`{key.default}`" if key.default else "empty"
        profile = _PROFILES.get(key.name, _CORE)
        test = _linked(key.name, KEY_TESTS.get(key.name, ""), tests)
        yield f"| `{key.name}` | {profile} | {_range(key)} | {access} | {default} | {KEY_NOTES.get(key.name, '')} | {test} |"


def _range(key: Key) -> str:
    match key.kind.value:
        case "integer":
            return f"{key.least} to {key.most}"
        case "boolean":
            return "true, false"
        case "list":
            return f"list of at most {key.most}"
    return f"{key.least} to {key.most} characters"


def with_tables(text: str) -> str:
    """Return the document with its tables replaced. Raises TableError."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise TableError("docs/ocpp.md lacks the marker lines")
    return f"{head}{BEGIN}\n\n{tables()}\n\n{END}{tail}"


def main() -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true")
    mode.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = DOCUMENT.read_text(encoding="utf-8")
    try:
        wanted = with_tables(text)
    except TableError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.write:
        DOCUMENT.write_text(wanted, encoding="utf-8")
    elif wanted != text:
        print("docs/ocpp.md is out of date: python -m tools.ocpp_table --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
