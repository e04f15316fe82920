"""The local list at a whole charge point in virtual time (OCPP 1.6, 5.10, 5.15)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evse.core.commands import Verdict
from evse.links.ocpp.settings import LossStrategy
from tests.fakes.ocpp_bench import DEFAULTS, Bench, connected
from tests.fakes.ocpp_words import entry, later, send_list, verdicts

pytestmark = pytest.mark.req("OCP-01")


def version(bench: Bench) -> int:
    number: int = bench.ask("GetLocalListVersion")["listVersion"]
    return number


def test_a_list_full_and_differential_with_versions() -> None:
    bench = connected()
    assert version(bench) == 0
    assert send_list(bench, 3, "Full", entry("A"), entry("B", "Blocked")) == "Accepted"
    assert version(bench) == 3
    assert send_list(bench, 3, "Differential", entry("C")) == "VersionMismatch"
    assert send_list(bench, 4, "Differential", entry("C"), {"idTag": "B"}) == "Accepted"
    known = {tag: bench.context.known_tag(tag, bench.now_us) for tag in "ABC"}
    assert {tag: info and info.status for tag, info in known.items()} == {"A": "Accepted", "B": None, "C": "Accepted"}
    assert send_list(bench, 1, "Full") == "Accepted"
    assert (version(bench), len(bench.context.local_list)) == (0, 0)


@pytest.mark.parametrize(
    ("number", "kind", "entries"),
    [
        (5, "Full", [entry("A"), entry("a")]),
        (5, "Full", [{"idTag": "A"}]),
        (0, "Full", [entry("A")]),
        (5, "Full", [entry(f"T{n}") for n in range(251)]),
    ],
)
def test_a_list_that_cannot_be_used_changes_nothing(number: int, kind: str, entries: list[dict[str, Any]]) -> None:
    bench = connected()
    send_list(bench, 2, "Full", entry("OLD"))
    assert send_list(bench, number, kind, *entries) == "Failed"
    assert (version(bench), len(bench.context.local_list)) == (2, 1)


def test_more_entries_than_the_list_may_have_are_refused() -> None:
    bench = connected()
    for part in range(4):
        assert send_list(bench, part + 1, "Differential", *(entry(f"T{part}-{n}") for n in range(250))) == "Accepted"
    assert send_list(bench, 9, "Differential", entry("ONE-MORE")) == "Failed"


def test_the_list_can_be_switched_off() -> None:
    bench = connected()
    bench.ask("ChangeConfiguration", {"key": "LocalAuthListEnabled", "value": "false"})
    assert send_list(bench, 1, "Full", entry("A")) == "NotSupported"
    assert version(bench) == -1


@pytest.mark.req("AUT-01")
def test_the_list_rules_offline_and_outlives_a_power_cut() -> None:
    bench = connected(replace(DEFAULTS, loss=LossStrategy.CACHED_ONLY))
    gone = later(bench, 5)
    send_list(bench, 1, "Full", entry("04A1B2C3"), entry("04D4E5F6", "Blocked"), entry("0ABCDEF0", expiryDate=gone))
    bench.network(up=False)
    bench.power_cut()
    bench.run(2)
    bench.posted.clear()
    for number, uid in ((1, "04A1B2C3"), (2, "04D4E5F6"), (2, "0ABCDEF0")):
        bench.card(number, uid)
        bench.run(1)
    assert verdicts(bench) == [Verdict.ACCEPTED, Verdict.REFUSED, Verdict.REFUSED]
