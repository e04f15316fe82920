"""Which publication the settings of a station ask for."""

from __future__ import annotations

import pytest

from evse.services.publication.calendar import Frequency
from evse.services.publication.from_settings import publication_settings
from evse.services.publication.settings import (
    FtpTarget,
    HttpTarget,
    Login,
    MailSecurity,
    PublicationSettings,
    SmtpTarget,
    Target,
)
from evse.services.records import CsvFormat, DecimalSeparator, FieldSeparator
from evse.services.settings.kinds import Value
from evse.services.settings.model import StationFacts
from evse.services.settings.registry import Catalogue

CATALOGUE = Catalogue(StationFacts("parking", "SN1"))


def asked(**changed: Value) -> PublicationSettings:
    values = {key.replace("__", "."): value for key, value in changed.items()}
    assert all(CATALOGUE.get(key) is not None for key in values), "only settings that exist"
    return publication_settings(CATALOGUE.whole(values))


@pytest.mark.req("CDR-02")
def test_the_factory_publishes_nothing() -> None:
    settings = asked()
    assert (settings.frequency, settings.target) == (Frequency.DISABLED, None)
    assert settings.csv == CsvFormat(FieldSeparator.SEMICOLON, DecimalSeparator.COMMA)


@pytest.mark.req("CDR-02")
@pytest.mark.parametrize(
    ("changed", "target"),
    [
        (
            {"smtp__server": "mail.example.org", "smtp__sender": "a@b.c", "smtp__receiver": "d@e.f;g@h.i"},
            SmtpTarget("mail.example.org", 25, "a@b.c", ("d@e.f", "g@h.i"), None, MailSecurity.STARTTLS),
        ),
        (
            {
                "smtp__server": "m",
                "smtp__port": 465,
                "smtp__security": "tls",
                "smtp__authentication": True,
                "smtp__username": "anna",
                "smtp__password": "word",
            },
            SmtpTarget("m", 465, "", (), Login("anna", "word"), MailSecurity.TLS),
        ),
        (
            {"publication__protocol": "ftp", "ftp__server": "f", "ftp__port": 2121, "ftp__passive": True},
            FtpTarget("f", 2121, True, None, secure=True),
        ),
        (
            {"publication__protocol": "ftp", "ftp__server": "f", "ftp__security": "none", "ftp__username": "unused"},
            FtpTarget("f", 21, False, None, secure=False),
        ),
        (
            {
                "publication__protocol": "http",
                "http__server": "w",
                "http__path": "in/box",
                "http__field_name": "cdr",
                "http__security": "tls",
                "http__port": 443,
            },
            HttpTarget("w", 443, "/in/box", "cdr", None, secure=True),
        ),
        ({"publication__protocol": "http", "smtp__server": "m"}, None),
    ],
)
def test_each_protocol_has_its_own_parameters(changed: dict[str, Value], target: Target | None) -> None:
    assert asked(**changed).target == target


@pytest.mark.req("CDR-01", "CDR-02")
def test_frequency_zone_and_separators() -> None:
    settings = asked(
        publication__frequency="weekly",
        publication__field_separator="tab",
        publication__decimal_separator="dot",
        time__zone="Europe/Paris",
    )
    assert (settings.frequency, settings.time_zone) == (Frequency.WEEKLY, "Europe/Paris")
    assert settings.csv == CsvFormat(FieldSeparator.TAB, DecimalSeparator.DOT)


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(Login("anna", "s3cret"))
