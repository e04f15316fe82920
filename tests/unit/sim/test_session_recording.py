"""A recorded session is a scenario: every step loads again as what was done, at its time."""

from __future__ import annotations

import pytest

from evse.app.virtual.scenario_library import ALL_VERBS
from evse.core.commands import (
    AvailabilitySource,
    Book,
    ClearFault,
    Command,
    ConfirmRecord,
    SetLimit,
    SetUnavailable,
    StopSession,
    Suspend,
)
from evse.core.units import SECOND
from evse.sim.scenario import Do, Post, Scenario
from evse.sim.scenario_loader import parse_scenario
from evse.sim.session_recording import Done, Recording, command_done, recorded_text

NOW_US = 5_000 * SECOND
"""Control's clock when a command is posted: far from the recording's beginning."""


def loaded(*done: Done, length_us: int = 60 * SECOND, missing: int = 0) -> Scenario:
    """The recording of ``done`` read back."""
    text = recorded_text(Recording("parking", length_us, done, missing), "mine")
    return parse_scenario(text, "mine.yaml", ALL_VERBS, 2)


@pytest.mark.req("SIM-03")
def test_verbs_come_back_with_their_parameters_and_times() -> None:
    scenario = loaded(
        Done(1_234_567, "plug_in", {"outlet": 2, "cable": "20 A", "capacity": 50.5, "ventilation": True}),
        Done(1_234_567, "present_card", {"outlet": 1, "uid": "12345678", "hold": 1}),
        Done(90 * SECOND, "heat", {"over": 1e-05}),
        length_us=100 * SECOND + 1,
    )
    assert [step.when.at_us for step in scenario.steps] == [1_234_567, 1_234_567, 90 * SECOND]
    plug, card, heat = (step.action for step in scenario.steps)
    assert isinstance(plug, Do)
    assert isinstance(card, Do)
    assert isinstance(heat, Do)
    assert {name: plug.params[name] for name in ("outlet", "cable", "capacity", "ventilation")} == {
        "outlet": 2,
        "cable": "20 A",
        "capacity": 50.5,
        "ventilation": True,
    }
    assert card.params["uid"] == "12345678"
    assert heat.params["over"] == "0.00001"
    assert (scenario.end_us, scenario.profile, scenario.name) == (100 * SECOND + 1, "parking", "mine")


@pytest.mark.req("SIM-03")
@pytest.mark.parametrize(
    ("command", "fields", "spans"),
    [
        (Book("a", 1, uid="04A1B2C3", until_us=NOW_US + 60 * SECOND), {"outlet": 1, "uid": "04A1B2C3"},
         {"until_us": 60 * SECOND}),
        (Book("a", 1), {"outlet": 1}, {}),
        (Suspend("a", 2, active=False), {"outlet": 2, "active": False}, {}),
        (Suspend("a", 2, expires_us=NOW_US + SECOND, epoch=4), {"outlet": 2}, {}),
        (StopSession("a", 1, reason="Local"), {"outlet": 1, "reason": "Local"}, {}),
        (SetUnavailable("a", 0, source=AvailabilitySource.OCPP, after_session=True),
         {"source": AvailabilitySource.OCPP, "after_session": True}, {}),
        (SetLimit("a", 1, source="plant", current_ma=9_500, valid_until_us=NOW_US + SECOND),
         {"outlet": 1, "source": "plant", "current_ma": 9_500}, {"valid_until_us": SECOND}),
        (ClearFault("a", 1, fault="ContactorWelded"), {"outlet": 1, "fault": "ContactorWelded"}, {}),
    ],
)  # fmt: skip
def test_commands_come_back_with_spans_instead_of_times(
    command: Command, fields: dict[str, object], spans: dict[str, int]
) -> None:
    done = command_done(command, 3 * SECOND, NOW_US)
    assert done is not None
    step = loaded(done).steps[0]
    assert step.when.at_us == 3 * SECOND
    assert step.action == Post(type(command), fields, spans)


def test_answers_of_services_are_not_recorded() -> None:
    assert command_done(ConfirmRecord("a", 1, session_id="x"), 0, 0) is None


@pytest.mark.req("SIM-03")
def test_a_frozen_control_is_replaced_as_the_live_station_does() -> None:
    def names(*done: Done) -> list[tuple[int | None, str]]:
        return [(step.when.at_us, step.action.verb) for step in loaded(*done).steps if isinstance(step.action, Do)]

    freeze, unplug = Done(SECOND, "freeze_control", {}), Done(2 * SECOND, "unplug", {})
    assert names(freeze, unplug) == [
        (SECOND, "freeze_control"),
        (2 * SECOND, "unplug"),
        (3 * SECOND, "thaw_control"),
    ]
    assert len(names(freeze, Done(2 * SECOND, "thaw_control", {}))) == 2


def test_nothing_done_is_a_scenario_too() -> None:
    assert len(loaded().steps) == 1
    assert "3 later steps" in loaded(missing=3).description
