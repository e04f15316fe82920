"""The parameters of publication: ranges, lengths and what belongs together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evse.services.publication.calendar import Frequency
from evse.services.publication.settings import (
    FtpTarget,
    HttpTarget,
    Login,
    PublicationSettings,
    SmtpTarget,
    Target,
    http_target,
    problems_of,
    receivers_of,
)

MAIL = SmtpTarget("mail.example.org", 25, "a@example.org", ("b@example.org",))
FTP = FtpTarget("192.168.0.10")
WEB = HttpTarget("example.org", 80, "/in", "file")


def problems(target: Target | None) -> dict[str, str]:
    return problems_of(PublicationSettings(Frequency.DAILY, target))


@pytest.mark.req("CDR-02")
def test_factory_publishes_nothing_and_is_sound() -> None:
    assert problems_of(PublicationSettings()) == {}
    assert PublicationSettings().frequency is Frequency.DISABLED


@pytest.mark.req("CDR-02")
@pytest.mark.parametrize(
    "target",
    [
        MAIL,
        replace(MAIL, port=587),
        replace(MAIL, receivers=receivers_of("b@example.org;c@example.org")),
        replace(FTP, port=1),
        replace(FTP, port=9999),
        replace(FTP, login=Login("anna", "ö" * 100)),
        replace(WEB, path="/" + "p" * 98),
        replace(WEB, field_name="f" * 49),
        http_target("https://example.org", 443, "in", "cdr"),
        http_target("fe80::1", 80, "/", "f"),
    ],
)
def test_both_ends_of_every_range_are_taken(target: Target) -> None:
    assert problems(target) == {}


@pytest.mark.req("CDR-02")
@pytest.mark.parametrize(
    ("target", "field"),
    [
        (None, "server"),
        (replace(MAIL, server="mail example"), "server"),
        (replace(MAIL, server="a\r\nb"), "server"),
        (replace(MAIL, port=24), "port"),
        (replace(MAIL, port=588), "port"),
        (replace(MAIL, sender=""), "sender"),
        (replace(MAIL, sender="a@b\r\nBcc: c@d"), "sender"),
        (replace(MAIL, sender="s" * 250 + "@e.f"), ""),
        (replace(MAIL, sender="s" * 251 + "@e.f"), "sender"),
        (replace(MAIL, receivers=()), "receiver"),
        (replace(MAIL, receivers=receivers_of("a@b.c; d@e.f")), "receiver"),
        (replace(MAIL, receivers=("a@b.c",) * 51), "receiver"),
        (replace(MAIL, login=Login("", "x")), "username"),
        (replace(MAIL, login=Login("x", "")), "password"),
        (replace(FTP, port=0), "port"),
        (replace(FTP, port=10_000), "port"),
        (replace(FTP, login=Login("anna\r\nDELE x", "x")), "username"),
        (replace(WEB, path="/" + "p" * 99), "path"),
        (replace(WEB, path="/a b"), "path"),
        (replace(WEB, field_name=""), "field_name"),
        (replace(WEB, field_name="f" * 50), "field_name"),
        (replace(WEB, field_name='f"; filename="x'), "field_name"),
        (http_target("http://user:word@example.org", 80, "/", "f"), "server"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(target: Target | None, field: str) -> None:
    assert list(problems(target)) == ([field] if field else [])


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(Login("anna", "s3cret"))
