"""docs/scenarios.md tells the truth: its verbs are the program's, its examples load, its names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evse.app.virtual.scenario_library import ALL_VERBS
from evse.sim.invariants import all_invariants
from evse.sim.scenario_loader import COMMANDS, STEP_KINDS, TOP_KEYS, parse_scenario
from evse.sim.verb_docs import replace_generated
from hal.world.verbs import VERBS

DOCUMENT = Path(__file__).parents[3] / "docs" / "scenarios.md"


@pytest.fixture
def text() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.req("SIM-03")
def test_the_verbs_are_those_of_the_program(text: str) -> None:
    """To write the part anew: ``DOCUMENT.write_text(replace_generated(text, ALL_VERBS))``."""
    assert replace_generated(text, ALL_VERBS) == text


def test_the_first_scenario_loads(text: str) -> None:
    example = re.findall(r"```yaml\n(schema.*?)```", text, re.DOTALL)[0]
    assert len(parse_scenario(example, "docs/scenarios.md", VERBS).steps) == 8


def test_the_commands_example_loads(text: str) -> None:
    steps = re.findall(r"```yaml\n(  - command.*?)```", text, re.DOTALL)[0]
    head = "schema: 1\nkind: scenario\nname: x\nprofile: x\nsteps:\n"
    assert len(parse_scenario(head + steps, "docs/scenarios.md", VERBS).steps) == 2


def test_every_key_step_command_and_invariant_is_described(text: str) -> None:
    for name in (*TOP_KEYS, *COMMANDS):
        assert f"`{name}`" in text, name
    for name in STEP_KINDS:
        assert f"`{name}" in text, name
    for invariant in all_invariants():
        assert f"| {invariant.name} |" in text, invariant.name


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no part between"):
        replace_generated("nothing", VERBS)
