"""What several tests of the charge point ask and look at, in short words."""

from __future__ import annotations

from typing import Any

from evse.core.commands import Authorise, Verdict
from evse.core.units import SECOND
from evse.links.ocpp.stamps import stamp
from tests.fakes.central_system import EPOCH_UTC_US
from tests.fakes.ocpp_bench import Bench


def verdicts(bench: Bench) -> list[Verdict]:
    return [each.verdict for each in bench.of(Authorise)]


def later(bench: Bench, seconds: int) -> str:
    return stamp(EPOCH_UTC_US + bench.now_us + seconds * SECOND)


def entry(tag: str, status: str = "Accepted", **more: Any) -> dict[str, Any]:
    return {"idTag": tag, "idTagInfo": {"status": status, **more}}


def send_list(bench: Bench, version: int, kind: str, *entries: dict[str, Any]) -> str:
    payload = {"listVersion": version, "updateType": kind, "localAuthorizationList": list(entries)}
    status: str = bench.ask("SendLocalList", payload)["status"]
    return status
