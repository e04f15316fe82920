"""The world's record of a live session as a scenario file that ``evse sim`` accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boards.load import load_profile
from evse.app.virtual.scenario_library import ALL_VERBS
from evse.sim.scenario_loader import parse_scenario
from evse.sim.session_recording import Done, Recording, recorded_text


def recording_of(answer: Mapping[str, Any]) -> Recording:
    """The world's answer as a recording."""
    done = [Done(each["at_us"], each["name"], each["params"], each["command"]) for each in answer["entries"]]
    return Recording(answer["profile"], answer["length_us"], done, answer["missing"])


def scenario_of(answer: Mapping[str, Any], name: str) -> str:
    """The world's answer as a scenario file that ``evse sim`` accepts. Raises ScenarioError, ProfileError otherwise."""
    recording = recording_of(answer)
    text = recorded_text(recording, name)
    parse_scenario(text, "recording", ALL_VERBS, len(load_profile(recording.profile).model.outlets))
    return text
