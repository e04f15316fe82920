from __future__ import annotations

import pytest

from evse.services.settings.kinds import GRAMMARS, Choice, Kind, Label, Option, Switch, Text, Whole

CHOICE = Choice((Option("a", Label("A", "A")), Option("b", Label("B", "B"))))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Switch(), [True, False], [0, 1, "true", "", None]),
        (Whole(1, 9), [1, 9], [0, 10, True, 1.0, "5", None]),
        (CHOICE, ["a", "b"], ["A", "", 0, True, None]),
        (Text(3), ["", "abc", "é"], ["abcd", "a\nb", "a\r", "\x1b[0m", "a\x00", "\u202ea", 3, None]),
        (Text(3, minimum=1), ["a"], [""]),
    ],
)
@pytest.mark.req("CFG-01")
def test_no_value_is_converted_and_nothing_outside_is_taken(kind: Kind, good: list[object], bad: list[object]) -> None:
    assert [value for value in good if kind.refusal(value) is not None] == []
    assert [value for value in bad if kind.refusal(value) is None] == []
    assert all(kind.allowed)


@pytest.mark.parametrize(
    ("grammar", "good", "bad"),
    [
        (
            "host",
            ["pool.ntp.org", "192.168.0.1", "a", "mail-1.example.com."],
            ["a b", "a;reboot", "$(id)", "-a", "256.1.1.1", "1.2.3", "a..b", "http://a", "a/b", "`id`", ".", "a.."],
        ),
        ("address", ["0.0.0.0", "192.168.0.254"], ["1.2.3", "01.2.3.4", "1.2.3.4 ", "::1", "a.b.c.d"]),
        (
            "url",
            ["ws://csms.example:80/ocpp", "wss://a/b?c=d", "http://10.0.0.1/"],
            [
                "https://a",
                "file:///etc/passwd",
                "ws://user:secret@a/",
                "ws://",
                "ws://a:99999/",
                "ws://a b/",
                "ws://a/#x",
                "javascript:alert(1)",
                "gopher://a",
            ],
        ),
        ("mail", ["a.b+c@example.com"], ["a", "a@", "@b", "a@b c", "a@b>", "a@b;c@d", "a@-b", "a@b.."]),
        ("mails", ["a@b.fr;c@d.fr"], ["a@b.fr; c@d.fr", "a@b.fr;", "a@b.fr,c@d.fr"]),
        (
            "path",
            ["/in/box", "upload.php", "/", "a b/c"],
            ["../x", "a/../b", "a//b", "a\\b", "./x", 'a"b', "a/%2E%2e/b"],
        ),
        ("field name", ["file", "files[]"], ['a"b', "a b", "a;b"]),
        ("identity", ["EVLINK-1", "a*b|c@d"], ["a b", "a/b", "a'b"]),
        (
            "time zone",
            ["UTC", "Europe/Paris", "America/Argentina/Salta", "Etc/GMT+5"],
            ["../UTC", "a b", "/x", "a/b/c/d"],
        ),
        ("mac", ["00:11:22:aa:BB:cc"], ["001122aabbcc", "00:11:22:aa:BB", "00-11-22-aa-bb-cc"]),
        ("name", ["Borne n° 1", "<b>"], [" a", "a "]),
    ],
)
@pytest.mark.req("CFG-01")
def test_a_text_with_a_grammar(grammar: str, good: list[str], bad: list[str]) -> None:
    kind = Text(255, grammar)
    assert kind.refusal("") is None
    assert [text for text in good if kind.refusal(text) is not None] == []
    assert [text for text in bad if kind.refusal(text) is None] == []


def test_every_grammar_is_told_in_both_languages() -> None:
    assert all(all(grammar.label) for grammar in GRAMMARS.values())
