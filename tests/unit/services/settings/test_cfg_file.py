from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evse.services.settings.cfg_file import BadCfg, decode_cfg, encode_cfg, wanted_from
from evse.services.settings.model import OutletFacts, Role, StationFacts, Values
from evse.services.settings.registry import Catalogue
from evse.services.settings.validate import check_change

FACTS = StationFacts("parking", "P1", (OutletFacts(1, lines=("in_1",)), OutletFacts(2, lines=("in_1",))))
CATALOGUE = Catalogue(FACTS)
WANTED: dict[str, object] = {
    "general.location": "Outdoor",
    "general.name": "Nord – gauche",
    "outlet.1.derated_current_a": 20,
    "smtp.server": "mail.example.com",
    "smtp.authentication": True,
    "smtp.username": "me",
    "smtp.password": "hunter2",
}
VALUES = check_change(CATALOGUE, CATALOGUE.factory, WANTED, Role.ADMIN).values
PLAIN = encode_cfg(CATALOGUE, VALUES, "", "1.0")
SEALED = encode_cfg(CATALOGUE, VALUES, "long passphrase", "1.0")


def imported(data: bytes, before: Values, passphrase: str = "", catalogue: Catalogue = CATALOGUE) -> Values:
    wanted = wanted_from(decode_cfg(data), catalogue, before, passphrase)
    return check_change(catalogue, before, wanted, Role.ADMIN).values


@pytest.mark.req("CFG-02")
def test_what_was_exported_with_a_passphrase_comes_back_whole() -> None:
    assert imported(SEALED, CATALOGUE.factory, "long passphrase") == VALUES


@pytest.mark.req("CFG-02")
def test_no_secret_is_in_a_file_and_none_in_the_clear() -> None:
    assert b"hunter2" not in PLAIN + SEALED
    assert "smtp.password" not in json.loads(PLAIN)["settings"]
    assert json.loads(PLAIN)["secrets"] == {}
    assert not any("badge" in key for key in json.loads(PLAIN)["settings"])


@pytest.mark.req("CFG-02")
def test_an_import_replaces_everything_and_goes_back_to_the_factory_where_the_file_says_nothing() -> None:
    before = check_change(CATALOGUE, CATALOGUE.factory, {"time.zone": "Europe/Paris", "ftp.port": 2121}, None).values
    after = imported(PLAIN, before)
    assert {key: after[key] for key in ("general.name", "time.zone", "ftp.port", "smtp.password")} == {
        "general.name": "Nord – gauche",
        "time.zone": "UTC",
        "ftp.port": 21,
        "smtp.password": "",
    }


@pytest.mark.req("CFG-02")
def test_a_kept_password_is_never_sent_to_a_server_that_a_file_names() -> None:
    assert imported(PLAIN, VALUES)["smtp.password"] == "hunter2"
    other = {"smtp.server": "evil.example.com", "smtp.password": "theirs"}
    elsewhere = check_change(CATALOGUE, VALUES, other, None).values
    assert imported(encode_cfg(CATALOGUE, elsewhere, "", "1.0"), VALUES)["smtp.password"] == ""


@pytest.mark.req("CFG-02")
@pytest.mark.parametrize("passphrase", ["", "wrong passphrase"])
def test_secrets_open_with_their_passphrase_only(passphrase: str) -> None:
    with pytest.raises(BadCfg, match="passphrase"):
        imported(SEALED, CATALOGUE.factory, passphrase)


@pytest.mark.req("CFG-02")
def test_a_file_of_another_board_is_refused() -> None:
    city = Catalogue(replace(FACTS, family="city"))
    with pytest.raises(BadCfg, match="family"):
        wanted_from(decode_cfg(PLAIN), city, city.factory, "")
    single = Catalogue(replace(FACTS, outlets=FACTS.outlets[:1]))
    with pytest.raises(BadCfg, match="another board"):
        wanted_from(decode_cfg(PLAIN), single, single.factory, "")


def test_what_belongs_to_the_board_is_not_in_the_file() -> None:
    keys = json.loads(PLAIN)["settings"]
    assert not {"network.mac", "outlet.1.rated_current_a", "outlet.1.socket"} & set(keys)
    assert {"outlet.2.derated_current_a", "network.address"} <= set(keys)


@pytest.mark.req("CFG-02")
@settings(max_examples=1_000)
@given(st.sampled_from([PLAIN, SEALED]), st.data())
def test_no_mutated_file_is_accepted(data: bytes, draw: st.DataObject) -> None:
    mutated = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        at = draw.draw(st.integers(0, len(mutated) - 1))
        match draw.draw(st.sampled_from(["flip", "cut", "insert", "delete", "swap"])):
            case "flip":
                mutated[at] ^= draw.draw(st.integers(1, 255))
            case "cut":
                mutated = mutated[: at + 1]
            case "insert":
                mutated[at:at] = draw.draw(st.sampled_from([b" ", b"\n", b"0", b'"', b"\x00", b"\xef\xbb\xbf"]))
            case "delete":
                mutated = mutated[:at] + mutated[at + 1 :] or mutated
            case _:
                mutated[at : at + 2] = reversed(mutated[at : at + 2])
    if bytes(mutated) != data:
        with pytest.raises(BadCfg):
            decode_cfg(bytes(mutated))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"[" * 60_000,
        b"\xff" * 100,
        b" " * 70_000,
        PLAIN.replace(b'"format": 1', b'"format": 2'),
    ],
)
def test_what_is_no_file_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(BadCfg) as caught:
        decode_cfg(data)
    assert len(str(caught.value)) > 20
