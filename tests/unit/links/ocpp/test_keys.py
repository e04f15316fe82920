from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.links.ocpp.keys import Access, ChangeStatus, Key, KeyKind, Keys
from evse.links.ocpp.schemas import check
from evse.links.ocpp.standard_keys import MEASURANDS, StationFacts, standard_keys

STANDARD = standard_keys(StationFacts(connectors=2))
BY_NAME = {key.name: key for key in STANDARD}
REQUIRED = [
    "AuthorizeRemoteTxRequests",
    "ClockAlignedDataInterval",
    "ConnectionTimeOut",
    "ConnectorPhaseRotation",
    "GetConfigurationMaxKeys",
    "HeartbeatInterval",
    "LocalAuthorizeOffline",
    "LocalPreAuthorize",
    "MeterValuesAlignedData",
    "MeterValuesSampledData",
    "MeterValueSampleInterval",
    "NumberOfConnectors",
    "ResetRetries",
    "StopTransactionOnEVSideDisconnect",
    "StopTransactionOnInvalidId",
    "StopTxnAlignedData",
    "StopTxnSampledData",
    "SupportedFeatureProfiles",
    "TransactionMessageAttempts",
    "TransactionMessageRetryInterval",
    "UnlockConnectorOnEVSideDisconnect",
    "LocalAuthListEnabled",
    "LocalAuthListMaxLength",
    "SendLocalListMaxLength",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled",
]
OPTIONAL = [
    "AllowOfflineTxForUnknownId",
    "AuthorizationCacheEnabled",
    "ConnectorPhaseRotationMaxLength",
    "MaxEnergyOnInvalidId",
    "MeterValuesAlignedDataMaxLength",
    "MeterValuesSampledDataMaxLength",
    "MinimumStatusDuration",
    "StopTxnAlignedDataMaxLength",
    "StopTxnSampledDataMaxLength",
    "SupportedFeatureProfilesMaxLength",
    "WebSocketPingInterval",
    "ReserveConnectorZeroSupported",
    "ConnectorSwitch3to1PhaseSupported",
    "SupportedFileTransferProtocols",
    "AuthorizationKey",
    "SecurityProfile",
    "AdditionalRootCertificateCheck",
    "CertificateSignedMaxChainSize",
    "CertificateStoreMaxLength",
    "CpoName",
]


def keys(**stored: str) -> Keys:
    return Keys(STANDARD, stored)


@pytest.mark.req("OCP-01")
@pytest.mark.parametrize("name", [*REQUIRED, *OPTIONAL])
def test_every_standard_key_is_there_and_its_default_is_a_value_it_takes(name: str) -> None:
    key = BY_NAME[name]
    if key.access is not Access.WRITE_ONLY:
        assert key.normal(key.default) == key.default


def test_there_are_no_others() -> None:
    assert sorted(BY_NAME) == sorted([*REQUIRED, *OPTIONAL])


def test_the_whole_list_is_a_valid_answer_without_secrets() -> None:
    answer = keys(AuthorizationKey="0123456789abcdef").get()
    check("GetConfiguration", {"configurationKey": list(answer.known), "unknownKey": []}, answer=True)
    assert "AuthorizationKey" not in {entry["key"] for entry in answer.known}
    asked = keys(AuthorizationKey="0123456789abcdef").get(["authorizationkey"])
    assert asked.known == ({"key": "AuthorizationKey", "readonly": False},)


def test_names_are_compared_without_case_and_unknown_ones_come_back() -> None:
    answer = keys().get(["heartbeatINTERVAL", "Coffee"])
    assert answer.known == ({"key": "HeartbeatInterval", "readonly": False, "value": "300"},)
    assert answer.unknown == ("Coffee",)


def test_no_more_than_the_stated_number_of_keys_is_answered() -> None:
    assert len(Keys(STANDARD, max_asked=3).get(["Coffee"] * 5).unknown) == 3


@pytest.mark.parametrize(
    ("name", "text", "status"),
    [
        ("HeartbeatInterval", "0", ChangeStatus.ACCEPTED),
        ("HeartbeatInterval", "86400", ChangeStatus.ACCEPTED),
        ("HeartbeatInterval", "86401", ChangeStatus.REJECTED),
        ("HeartbeatInterval", "-1", ChangeStatus.REJECTED),
        ("HeartbeatInterval", "1.5", ChangeStatus.REJECTED),
        ("HeartbeatInterval", "٣", ChangeStatus.REJECTED),
        ("HeartbeatInterval", "", ChangeStatus.REJECTED),
        ("LocalPreAuthorize", "TRUE", ChangeStatus.ACCEPTED),
        ("LocalPreAuthorize", "1", ChangeStatus.REJECTED),
        ("NumberOfConnectors", "3", ChangeStatus.REJECTED),
        ("Coffee", "1", ChangeStatus.NOT_SUPPORTED),
        ("MeterValuesSampledData", "Voltage.L1, current.import", ChangeStatus.ACCEPTED),
        ("MeterValuesSampledData", "", ChangeStatus.ACCEPTED),
        ("MeterValuesSampledData", "SoC", ChangeStatus.REJECTED),
        ("MeterValuesSampledData", "Voltage,voltage", ChangeStatus.REJECTED),
        ("MeterValuesSampledData", ",".join(MEASURANDS[:13]), ChangeStatus.REJECTED),
        ("ConnectorPhaseRotation", "2.rst,0.RST,1.RST", ChangeStatus.ACCEPTED),
        ("ConnectorPhaseRotation", "1.STR", ChangeStatus.REJECTED),
        ("ConnectorPhaseRotation", "0.RST,1.RST,2.Unknown", ChangeStatus.REJECTED),
        ("BlinkRepeat", "1", ChangeStatus.NOT_SUPPORTED),
        ("LightIntensity", "50", ChangeStatus.NOT_SUPPORTED),
        ("ConnectorPhaseRotation", "3.RST", ChangeStatus.REJECTED),
        ("AuthorizationKey", "short", ChangeStatus.REJECTED),
        ("AuthorizationKey", "0123456789abcdef", ChangeStatus.ACCEPTED),
        ("CpoName", "a\nb", ChangeStatus.REJECTED),
        ("CpoName", "x" * 101, ChangeStatus.REJECTED),
    ],
)
def test_a_change_is_judged_by_type_range_and_access(name: str, text: str, status: ChangeStatus) -> None:
    state = keys()
    before = state.get()
    change = state.change(name, text)
    assert change.status is status
    if status is not ChangeStatus.ACCEPTED:
        assert change.reason
        assert state.get() == before


@pytest.mark.req("OCP-01")
def test_the_phase_rotation_is_what_the_outlets_are_and_no_word_changes_it() -> None:
    facts = StationFacts(2, rotations={0: "RST", 1: "STR", 2: "NotApplicable"})
    state = Keys(standard_keys(facts), {"ConnectorPhaseRotation": "1.STR"})
    assert state.text("ConnectorPhaseRotation") == "0.RST,1.STR,2.NotApplicable"
    assert state.change("ConnectorPhaseRotation", "1.STR").status is ChangeStatus.ACCEPTED
    assert state.change("ConnectorPhaseRotation", "1.RST").status is ChangeStatus.REJECTED
    assert state.text("ConnectorPhaseRotation") == "0.RST,1.STR,2.NotApplicable"
    assert state.changed == {}


def test_a_value_has_one_spelling() -> None:
    state = keys()
    state.change("meterValuesSampledData", "voltage.l1 , CURRENT.IMPORT")
    assert state.words("MeterValuesSampledData") == ("Voltage.L1", "Current.Import")
    state.change("HeartbeatInterval", " 060 ")
    assert state.integer("HeartbeatInterval") == 60


def test_a_key_that_needs_a_restart_keeps_its_value_in_force_until_then() -> None:
    key = Key("Slow", KeyKind.INTEGER, "1", 0, 9, reboot=True)
    state = Keys([key])
    assert state.change("Slow", "1").status is ChangeStatus.ACCEPTED
    assert state.change("Slow", "2").status is ChangeStatus.REBOOT_REQUIRED
    assert state.reboot_pending
    assert (state.integer("Slow"), state.get(["Slow"]).known[0]["value"]) == (1, "2")
    assert Keys([key], state.changed).integer("Slow") == 2


@given(st.dictionaries(st.sampled_from(sorted(BY_NAME)), st.text(max_size=30), max_size=6))
def test_stored_values_that_do_not_fit_are_left_out(stored: dict[str, str]) -> None:
    state = Keys(STANDARD, stored)
    for name, value in state.changed.items():
        assert BY_NAME[name].normal(value) == value
        assert BY_NAME[name].access is not Access.READ_ONLY
    assert Keys(STANDARD, state.changed).changed == state.changed


@given(st.sampled_from(sorted(BY_NAME)), st.text(max_size=600))
def test_no_text_harms(name: str, text: str) -> None:
    state = keys()
    state.change(name, text)
    check("GetConfiguration", {"configurationKey": list(state.get().known)}, answer=True)


@pytest.mark.req("OCP-01")
@pytest.mark.parametrize(
    "wanted", ["Frequency", "Power.Factor", "Energy.Reactive.Import.Register", "Voltage.L4", "SoC"]
)
def test_a_measurand_that_nothing_measures_is_refused_with_what_there_is(wanted: str) -> None:
    for name in (*("MeterValuesSampledData", "MeterValuesAlignedData", "StopTxnSampledData", "StopTxnAlignedData"),):
        keys = Keys(STANDARD)
        change = keys.change(name, f"Voltage,{wanted}")
        assert change.status is ChangeStatus.REJECTED
        assert all(each in change.reason for each in (name, wanted, *MEASURANDS))
        assert keys.text(name) == BY_NAME[name].default, "the list is refused whole"
