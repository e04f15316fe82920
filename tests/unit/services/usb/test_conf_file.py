"""The file of a stick: what is written can be read, what is wrong is told with its line, and nothing of it is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evse.services.settings.charging_network import MODE, SERIALS, SLAVES
from evse.services.settings.model import OutletFacts, Role, StationFacts
from evse.services.settings.problems import Refused
from evse.services.settings.registry import Catalogue
from evse.services.settings.validate import check_change
from evse.services.usb.conf_file import BadConf, decode_conf, encode_conf

CATALOGUE = Catalogue(StationFacts("thor", "T1", (OutletFacts(1),)))
VALUES = check_change(
    CATALOGUE,
    CATALOGUE.factory,
    {
        "general.location": "Outdoor",
        "energy.station_maximum_a": 20,
        "smtp.password": "hunter2",
        "ocpp.identity": "CP-7",
    },
    Role.ADMIN,
).values


def faults(text: str | bytes) -> list[str]:
    with pytest.raises(BadConf) as caught:
        decode_conf(CATALOGUE, text if isinstance(text, bytes) else text.encode())
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.req("CFG-02")
def test_what_was_written_sets_another_station_alike() -> None:
    data = encode_conf(CATALOGUE, VALUES)
    wanted = decode_conf(CATALOGUE, data).wanted
    after = check_change(CATALOGUE, CATALOGUE.factory, wanted, None).values
    assert {**after, "smtp.password": "hunter2"} == VALUES


@pytest.mark.req("CFG-02")
def test_the_names_and_units_are_those_of_the_manual() -> None:
    lines = encode_conf(CATALOGUE, VALUES).decode().split("\r\n")
    sections = {line: lines.index(line) for line in ("[CONFIGURATION]", "[LOADMANAGEMENT]", "[STATION]")}
    assert sections["[CONFIGURATION]"] < lines.index("ChargeBoxIdentity=CP-7") < sections["[LOADMANAGEMENT]"]
    assert sections["[LOADMANAGEMENT]"] < lines.index("MaxAvailableCurrent=20000") < sections["[STATION]"]
    assert lines.index("NominalVoltage=230") < sections["[STATION]"] < lines.index("general.location=Outdoor")


@pytest.mark.req("CFG-02")
def test_no_password_and_no_permission_leaves_by_a_stick() -> None:
    text = encode_conf(CATALOGUE, VALUES).decode()
    assert "hunter2" not in text
    assert "usb." not in text


@pytest.mark.req("CFG-02")
def test_what_a_file_does_not_name_is_not_wanted() -> None:
    file = decode_conf(CATALOGUE, b"; by hand\n[LOADMANAGEMENT]\n MaxAvailableCurrent = 16000 \n")
    assert (file.wanted, file.lines) == ({"energy.station_maximum_a": 16}, {"energy.station_maximum_a": 3})


def test_a_password_written_by_hand_is_taken() -> None:
    assert decode_conf(CATALOGUE, b"[STATION]\nsmtp.password=a=b;c").wanted == {"smtp.password": "a=b;c"}


@pytest.mark.req("CFG-02")
def test_everything_wrong_is_told_at_once_with_its_line() -> None:
    text = (
        "[LOADMANAGEMENT]\nMaxAvailableCurrent=16500\nNominalVoltage=abc\nWhat=1\nnonsense\n"
        "[STATION]\nenergy.continue_after_power_failure=yes\ngeneral.location=Indoor\ngeneral.location=Indoor\n"
        "ocpp.identity=X\nusb.allow_update=true\n"
    )
    assert faults(text) == [
        "line 2: MaxAvailableCurrent: allowed: a whole number 0…64000, in steps of 1000",
        "line 3: NominalVoltage: allowed: a whole number 175…276",
        "line 4: What: this station has no such setting in the section [LOADMANAGEMENT]",
        "line 5: nonsense: neither [SECTION] nor Name=value",
        "line 7: energy.continue_after_power_failure: allowed: true, false",
        "line 9: general.location: stands in line 8 already",
        "line 10: ocpp.identity: this station has no such setting in the section [STATION]",
        "line 11: usb.allow_update: only set at the station itself: take the line out",
    ]


def test_what_is_no_file_of_settings_is_refused() -> None:
    assert faults(b"[STATION]\ngeneral.location=\xff") == ["line 2: not UTF-8 text: save the file with that encoding"]
    assert faults("; nothing\n") == ["the file names no setting"]
    assert "longer than" in faults(b";" * 70_000)[0]


MASTER = Catalogue(StationFacts("thor", "M1", (OutletFacts(1),), charging_network="master"))
NETWORK = check_change(
    MASTER, MASTER.factory, {MODE: "master", SLAVES: 2, SERIALS[0]: "S1", SERIALS[1]: "S2"}, Role.ADMIN
).values


@pytest.mark.req("CFG-02")
def test_a_charging_network_has_the_manuals_names_and_counts_the_master() -> None:
    lines = encode_conf(MASTER, NETWORK).decode().split("\r\n")
    own = [line for line in lines if line.startswith(("AmountConnectors", "Connect2ConnectorSerial"))]
    assert own == [
        "AmountConnectors=3",
        "Connect2ConnectorSerial1=M1",
        "Connect2ConnectorSerial2=S1",
        "Connect2ConnectorSerial3=S2",
    ]
    for line in own[1:]:
        assert "of this station only" in lines[lines.index(line) - 1]
    wanted = decode_conf(MASTER, "\n".join(lines).encode()).wanted
    assert check_change(MASTER, MASTER.factory, wanted, None).values == NETWORK


@pytest.mark.req("CFG-02")
def test_without_the_serial_numbers_the_slaves_are_searched() -> None:
    wanted = decode_conf(MASTER, b"[CONFIGURATION]\nAmountConnectors=5\n").wanted
    values = check_change(MASTER, NETWORK, wanted, None).values
    assert (values[SLAVES], [values[key] for key in SERIALS]) == (4, [""] * 15)


@pytest.mark.req("CFG-02")
@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Connect2ConnectorSerial1=M2", "the master's own serial number, M1 here: take the line out for others"),
        ("AmountConnectors=17", "0…15"),
        ("AmountConnectors=0", "0…15"),
        ("AmountConnectors=x", "allowed: a whole number 1…16"),
        ("Connect2ConnectorSerial17=S17", "no such setting"),
    ],
)
def test_a_charging_network_that_cannot_be_is_told(line: str, why: str) -> None:
    try:
        wanted = decode_conf(MASTER, f"[CONFIGURATION]\n{line}\n".encode()).wanted
    except BadConf as error:
        assert why in str(error)
        return
    with pytest.raises(Refused, match=why):
        check_change(MASTER, MASTER.factory, wanted, None)


def test_a_slave_takes_no_number_of_stations() -> None:
    slave = Catalogue(StationFacts("thor", "S1", (OutletFacts(1),), charging_network="slave"))
    with pytest.raises(BadConf):
        decode_conf(slave, b"[CONFIGURATION]\nAmountConnectors=2\n")


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"[STATION]\n{text}".encode("utf-8", "replace"))
)
def test_no_content_raises_anything_else(data: bytes) -> None:
    try:
        wanted = decode_conf(CATALOGUE, data).wanted
    except BadConf:
        return
    assert wanted
