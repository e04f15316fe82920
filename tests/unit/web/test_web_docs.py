"""``docs/rest.md`` and the routes say the same: nothing is undocumented, nothing documented is missing."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from evse.web.app import create_app
from evse.web.metrics import families
from evse.web.ports import Extras
from tests.fakes.web_extras import extras
from tests.fakes.web_fake import ERROR_BITS, FakeRecords, FakeStation, FakeWorld, charging

DOCUMENT = Path(__file__).parents[3] / "docs" / "rest.md"
PARAMETER = re.compile(r"\{[a-z_]+\}")


@pytest.fixture(scope="module")
def text() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def schema() -> dict[str, dict[str, dict[str, object]]]:
    # Whatever a station may have beside is there; what has no fake of its own is only looked at for its routes.
    given = extras()
    everything: Any = {each.name: getattr(given, each.name) or MagicMock() for each in fields(Extras)}
    app = create_app(
        FakeStation(charging()), FakeWorld(), FakeRecords(), error_bits=ERROR_BITS, extras=Extras(**everything)
    )
    paths: dict[str, dict[str, dict[str, object]]] = app.openapi()["paths"]
    return paths


def documented(text: str) -> set[str]:
    """Method and path of everything the document names, parameters written as ``{}``."""
    found = {f"{method} {path}" for method, path in re.findall(r"`(GET|POST) (/[^?`…]*)[?`]", text)}
    commands = text.partition("`POST /api/outlets/{n}/commands/…`")[2].partition("Each also takes")[0]
    for row in re.findall(r"^\| ((?:`[a-z-]+`(?:, )?)+) \|", commands, re.MULTILINE):
        found |= {f"POST /api/outlets/{{n}}/commands/{name}" for name in re.findall(r"`([a-z-]+)`", row)}
    return {PARAMETER.sub("{}", each) for each in found}


def routes(schema: dict[str, dict[str, dict[str, object]]]) -> set[str]:
    """Method and path of every route; the verbs one by one count as the one path they share."""
    found = set()
    for path, methods in schema.items():
        shared = re.sub(r"^(/api/world/verbs)/[a-z_0-9]+$", r"\1/{}", path)
        found |= {f"{method.upper()} {PARAMETER.sub('{}', shared)}" for method in methods}
    return found


def test_every_route_is_documented_and_every_documented_one_exists(
    text: str, schema: dict[str, dict[str, dict[str, object]]]
) -> None:
    assert documented(text) == routes(schema)


def test_every_field_of_a_command_is_documented(text: str) -> None:
    app = create_app(FakeStation(charging()), None, FakeRecords(), extras=extras())
    bodies = app.openapi()["components"]["schemas"]
    commands = [body for body in bodies if body != "OutcomeBody" and "command_id" in bodies[body].get("properties", ())]
    assert {"BookBody", "OutletLimitBody", "StationLimitBody"} <= set(commands)
    fields = {name for body in commands for name in bodies[body]["properties"]}
    missing = {name for name in fields if f"`{name}`" not in text}
    assert missing == set()


def test_every_query_parameter_is_documented(text: str, schema: dict[str, dict[str, dict[str, object]]]) -> None:
    for path, methods in schema.items():
        parameters = methods.get("get", {}).get("parameters", [])
        assert isinstance(parameters, list)
        for parameter in parameters:
            if parameter["in"] == "query":
                row = next(line for line in text.splitlines() if f"`GET {path}" in line)
                assert f"{parameter['name']}=" in row, f"{path}: {parameter['name']}"


def test_every_metric_is_documented(text: str) -> None:
    view = charging()
    section = text.partition("## Metrics for Prometheus")[2].partition("## ")[0]
    named = set(re.findall(r"`(evse_[a-z_…]+|…[a-z_]+|[a-z_]+)`", section))
    for family in families(view, FakeStation(view).condition(), "", 0, "1"):
        link = family.name.removeprefix("evse_outlet_link_").removesuffix("_total")
        exchange = "…" + family.name.removeprefix("evse_exchange")
        assert {family.name, link, exchange} & named, family.name
