from __future__ import annotations

import base64

import pytest

from evse.links.ocpp.target import TargetError, Trust, check_url, target_of, tls_context


@pytest.mark.req("OCP-02")
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://cs.example/ocpp", "SOAP"), ("https://cs.example", "SOAP"), ("ftp://cs.example", "ws://"), ("", "ws://"),
        ("cs.example", "ws://"), ("ws://", "host"), ("ws://user:secret@cs.example", "user or password"),
        ("ws://cs.example/#x", "'#'"), ("ws://cs.example/?q=1", "'?'"), ("ws://cs.example:0/", "port"),
        ("ws://cs.example:99999/", "understood"), ("ws://cs .example", "ASCII"), ("ws://cs.example/\r\nX: y", "ASCII"),
        ("ws://" + "a" * 300, "255"), ("ws://cs.éxample", "ASCII"), ("ws://[::1", "understood"),
    ],
)  # fmt: skip
def test_addresses_that_cannot_be_used_say_why(url: str, says: str) -> None:
    with pytest.raises(TargetError, match=says.replace("?", r"\?")):
        check_url(url)


@pytest.mark.req("OCP-05")
def test_the_identity_ends_the_path_and_the_password_goes_with_profiles_1_and_2() -> None:
    assert (
        target_of("ws://cs.example/ocpp/", "CP 1/ä".replace("ä", "a"), 0, "ignored").url
        == "ws://cs.example/ocpp/CP%201%2Fa"
    )
    assert target_of("ws://cs.example", "CP1", 0, "ignored").authorisation == ""
    made = target_of("wss://cs.example", "CP1", 2, "correct-horse-battery")
    assert base64.b64decode(made.authorisation.removeprefix("Basic ")) == b"CP1:correct-horse-battery"
    assert "horse" not in repr(made)
    assert made.tls


@pytest.mark.req("OCP-05")
@pytest.mark.parametrize(
    ("url", "identity", "profile", "password", "says"),
    [
        ("ws://cs.example", "CP1", 2, "x" * 16, "wss"),
        ("ws://cs.example", "CP1", 3, "", "wss"),
        ("ws://cs.example", "CP1", 1, "", "password"),
        ("ws://cs.example", "", 0, "", "ID"),
        ("ws://cs.example", "x" * 49, 0, "", "ID"),
        ("ws://cs.example", "a\nb", 0, "", "ID"),
        ("ws://cs.example", "a:b", 1, "x" * 16, "colon"),
    ],
)
def test_what_a_security_profile_needs(url: str, identity: str, profile: int, password: str, says: str) -> None:
    with pytest.raises(TargetError, match=says):
        target_of(url, identity, profile, password)


@pytest.mark.req("OCP-05")
def test_certificates_that_cannot_be_used_say_so() -> None:
    with pytest.raises(TargetError, match="needs a certificate"):
        tls_context(3, Trust())
    with pytest.raises(TargetError, match="certificates"):
        tls_context(2, Trust(roots="nonsense"))
    with pytest.raises(TargetError, match="certificates"):
        tls_context(3, Trust(certificate_file="/nowhere"))
