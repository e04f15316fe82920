from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from boards.load import shipped_profiles
from evse.app.virtual.scenario_library import ALL_VERBS
from evse.app.virtual.supervision_verbs import SUPERVISION_VERBS
from evse.sim.scenario import Do, Post
from evse.sim.scenario_loader import COMMANDS, parse_scenario
from evse.sim.scenario_writer import scenario_text, span_text
from evse.sim.stories import ALWAYS, options_of, story_of
from evse.sim.story_boards import Feature, board_of, profiles
from evse.sim.story_ending import CALM_US, scenario_of
from evse.sim.story_menu import ALL_ORDERS, FAULTS, TOUCHES, faults_of, habits_of, orders_of
from evse.sim.story_script import Story, StoryAction, heals
from evse.sim.story_shrink import shrink
from hal.world.verb_meter import HOUSE_VERBS, METER_VERBS
from hal.world.verb_spec import check_params
from hal.world.verb_wifi import WIFI_VERBS

SECOND = 1_000_000
MANY = range(1, 61)
WITH_PHASE_SWITCH = 91
"""One board alone has a phase switch."""
USED_BY_VISITS = {
    "plug_in",
    "unplug",
    "present_card",
    "remove_card",
    "vehicle_ready",
    "vehicle_stop",
    "set_vehicle",
    "pulse_s2",
    "set_input",
    "turn_key",
    "press_button",
    "set_dip",
    "press_service_button",
    "set_x1",
    "plug_in_domestic",
    "unplug_domestic",
    "set_domestic_load",
}
TEACHING = {"teach_badges", "stop_teaching"}
"""Not drawn: every card of a story means a charge."""
WIRED = {"move_board_cable", *(verb.name for verb in WIFI_VERBS)}
"""Not drawn: only addresses and Wi-Fi settings depend on them, and a story changes no settings."""
SUPERVISED = {verb.name for verb in SUPERVISION_VERBS}
"""Not drawn: the stations of stories have no central system."""


METERS = {verb.name for verb in (*METER_VERBS, *HOUSE_VERBS)}
"""Drawn by tests/scenario/test_meter_walks.py."""


def test_every_verb_and_command_may_happen_in_a_story() -> None:
    healing = {entry.heal[0] for entry in FAULTS.values() if entry.heal is not None}
    assert {verb.name for verb in ALL_VERBS} == set(FAULTS) | healing - {
        ""
    } | USED_BY_VISITS | TEACHING | WIRED | SUPERVISED | METERS
    assert set(COMMANDS) == set(ALL_ORDERS)


def test_every_disturbance_is_drawn_and_healed_with_what_its_verb_accepts() -> None:
    verbs = {verb.name: verb for verb in ALL_VERBS}
    for name, entry in FAULTS.items():
        for number in range(20):
            check_params(verbs[name], entry.draw(random.Random(number)))
        healing = entry.healing(name, 1)
        if healing is not None:
            check_params(verbs[healing.verb], healing.params)
            assert heals(healing, name)
        assert entry.station_wide == all(param.name != "outlet" for param in verbs[name].params)


def test_a_number_always_means_the_same_story() -> None:
    assert story_of(options_of(7)) == story_of(options_of(7))
    assert story_of(options_of(7)) != story_of(options_of(8))


def test_each_story_has_a_random_half_of_everything() -> None:
    for number in MANY:
        options = options_of(number)
        assert len(options.faults) == len(faults_of(options.board)) // 2
        assert len(options.habits) == len(habits_of(options.board)) // 2
        assert len(options.orders) == len(orders_of(options.board)) // 2
    drawn = {name for number in (*MANY, WITH_PHASE_SWITCH) for name in options_of(number).faults}
    assert drawn == set(FAULTS)
    assert {name for number in MANY for name in options_of(number).habits} >= set(TOUCHES)


@pytest.mark.req("STA-01", "SIM-02")
def test_every_shipped_profile_without_meters_and_wifi_card_has_its_stories_and_both_front_ends_take_turns() -> None:
    options = [options_of(number) for number in range(1, len(profiles()) + 1)]
    assert {each.profile for each in options} == set(shipped_profiles()) - {
        *("parking-meters", "thor-house", "smart-wallbox-wifi")
    }
    assert {each.dumb for each in options} == {True, False}


@pytest.mark.req("STA-01", "SIM-02")
def test_what_a_board_has_comes_from_its_profile() -> None:
    def of(profile: str) -> set[Feature]:
        return set(board_of(profile).outlets[0].features)

    f = Feature
    assert of("parking") == {f.READER, f.MODE3, f.SOCKET, f.LOCK}
    assert of("parking-te") == {f.READER, f.DOMESTIC}
    assert of("parking-t2-te") == {f.READER, f.MODE3, f.SOCKET, f.LOCK, f.DOMESTIC}
    assert of("city-free") >= {f.FREE, f.SHUTTER, f.LINES} - {f.READER}
    assert of("smart-wallbox-key-t1") == {f.FREE, f.MODE3, f.LINES, f.KEY, f.BUTTON}
    assert of("thor") == {f.READER, f.MODE3, f.SOCKET, f.LOCK, f.LINES, f.DIP, f.X1, f.SERVICE_BUTTON}
    assert "jam_lock" not in faults_of(board_of("smart-wallbox-t2"))
    assert "jam_shutter" in faults_of(board_of("city"))
    assert "short_pilot" not in faults_of(board_of("parking-te"))


@pytest.mark.req("STA-02", "SIM-02")
@pytest.mark.parametrize(
    ("profile", "verbs"),
    [
        ("smart-wallbox-key", {"turn_key"}),
        ("parking-te", {"plug_in_domestic", "unplug_domestic", "set_domestic_load"}),
        ("parking-t2-te", {"plug_in", "plug_in_domestic"}),
    ],
)
def test_people_use_what_the_board_has(profile: str, verbs: set[str]) -> None:
    used: set[str] = set()
    for number in range(1, 200):
        if options_of(number).profile == profile:
            used |= {each.action.verb for each in story_of(options_of(number)).actions if isinstance(each.action, Do)}
    assert used >= verbs


@pytest.mark.parametrize("profile", ["parking", "parking-te", "smart-wallbox-key-t2", "city-free"])
def test_the_visit_of_the_ending_comes_after_a_calm_longer_than_any_pause_after_a_fault(profile: str) -> None:
    number = next(each for each in MANY if options_of(each).profile == profile)
    begins = [step.when.after_us for step in scenario_of(story_of(options_of(number))).steps]
    assert CALM_US in begins


@pytest.mark.req("STA-02", "SIM-02")
def test_somebody_touches_key_button_and_what_lies_behind_the_cover() -> None:
    used: set[str] = set()
    for number in range(1, 100):
        used |= {each.action.verb for each in story_of(options_of(number)).actions if isinstance(each.action, Do)}
    assert used >= {"turn_key", "press_button", "set_dip", "set_x1", "press_service_button"}


@pytest.mark.req("SIM-02")
@pytest.mark.parametrize("number", range(1, 22))
def test_every_story_has_the_race_of_plug_badge_unplug_fault_and_power_cut(number: int) -> None:
    story = story_of(options_of(number))
    powers = [each.at_us for each in story.actions if isinstance(each.action, Do) and each.action.verb == "cut_power"]
    assert ALWAYS == ("plug", "badge", "unplug", "fault", "power")
    kinds = {
        "plug": {"plug_in", "plug_in_domestic"},
        "badge": {"present_card", "turn_key"},
        "unplug": {"unplug", "unplug_domestic"},
        "fault": set(FAULTS) - {"cut_power"},
    }
    for cut_us in powers:
        near = {
            each.action.verb
            for each in story.actions
            if isinstance(each.action, Do) and abs(each.at_us - cut_us) <= SECOND // 2
        }
        if all(verbs & near for verbs in kinds.values()):
            return
    raise AssertionError("no such race")


def test_in_a_third_of_all_stories_faults_come_together() -> None:
    stories = [story_of(options_of(number)) for number in MANY]
    assert sum(story.faults_together > 1 for story in stories) >= 0.3 * len(stories)


def test_every_story_has_things_happen_within_milliseconds() -> None:
    for number in range(1, 21):
        times = [each.at_us for each in story_of(options_of(number)).actions]
        assert times == sorted(times)
        assert any(0 < later - earlier <= 10_000 for earlier, later in pairwise(times))


def test_faults_that_overlap_are_counted_until_they_are_healed() -> None:
    leak = Do("leak", {"outlet": 1})
    weld = Do("weld_contactor", {"outlet": 1})
    healed = Do("leak", {"outlet": 1, "heal": True})
    assert _story(leak, weld).faults_together == 2
    assert _story(leak, healed, weld).faults_together == 1
    assert _story(leak, Do("leak", {"outlet": 2})).faults_together == 2
    assert _story(Do("kill_control", {}), leak).faults_together == 1


def test_the_ending_undoes_what_the_story_did_and_nothing_else() -> None:
    story = _story(
        Do("leak", {"outlet": 1, "kind": "ac"}), Do("cut_power", {}), Post(COMMANDS["suspend"], {"outlet": 1}, {})
    )
    ending = [step.action for step in scenario_of(story).steps[3:]]
    verbs = [action.verb for action in ending if isinstance(action, Do)]
    assert verbs[:3] == ["leak", "reset_residual", "restore_power"]
    assert "weld_contactor" not in verbs
    posted = [action.type.__name__ for action in ending if isinstance(action, Post)]
    assert "Suspend" in posted
    assert "Maintain" not in posted


def test_a_story_written_and_read_again_is_the_same_scenario() -> None:
    verbs = {verb.name: verb for verb in ALL_VERBS}
    for number in (1, 2, 3):
        scenario = scenario_of(story_of(options_of(number)))
        read = parse_scenario(scenario_text(scenario), "story", ALL_VERBS, 2)
        assert read.end_us == scenario.end_us
        assert read.run_number == scenario.run_number
        assert read.description.strip() == scenario.description
        for ours, theirs in zip(scenario.steps, read.steps, strict=True):
            assert ours.when == theirs.when
            if isinstance(ours.action, Do) and isinstance(theirs.action, Do):
                verb = verbs[ours.action.verb]
                assert check_params(verb, ours.action.params) == check_params(verb, theirs.action.params)
                assert replace(ours.action, params={}) == replace(theirs.action, params={})
            elif isinstance(ours.action, Post) and isinstance(theirs.action, Post):
                assert ours.action == theirs.action
            else:
                assert type(ours.action) is type(theirs.action)


@pytest.mark.parametrize(
    ("span_us", "text"),
    [(0, "0 s"), (300, "0.3 ms"), (20_000, "20 ms"), (90_002_500, "90.0025 s"), (7_200_000_000, "2 h")],
)
def test_spans_are_written_exactly(span_us: int, text: str) -> None:
    assert span_text(span_us) == text


def test_only_what_makes_it_fail_is_left() -> None:
    story = _story(*(Do("set_input", {"outlet": 1, "line": number}) for number in range(40)))

    def fails(candidate: Story) -> bool:
        lines = [each.action.params["line"] for each in candidate.actions if isinstance(each.action, Do)]
        return 7 in lines and 23 in lines

    short = shrink(story, fails, failed_us=30 * SECOND)
    assert [each.action.params["line"] for each in short.actions if isinstance(each.action, Do)] == [7, 23]
    assert not short.heal
    assert short.actions[0].at_us <= 2 * SECOND
    assert short.end_us <= 6 * SECOND


def test_a_failure_after_the_healing_keeps_the_healing() -> None:
    story = _story(*(Do("set_input", {"outlet": 1, "line": number}) for number in range(10)))
    short = shrink(story, lambda candidate: candidate.heal, failed_us=story.end_us + SECOND)
    assert short.heal
    assert short.actions == ()


def test_shrinking_stops_when_its_effort_is_spent() -> None:
    story = _story(*(Do("set_input", {"outlet": 1, "line": number}) for number in range(40)))
    asked = 0

    def fails(candidate: Story) -> bool:
        nonlocal asked
        asked += 1
        return len(candidate.actions) > 20

    assert len(shrink(story, fails, failed_us=story.end_us, effort=5).actions) > 20
    assert asked == 5


def _story(*actions: Do | Post) -> Story:
    timed = tuple(StoryAction(index * SECOND, action) for index, action in enumerate(actions))
    return Story(options_of(1), timed, len(actions) * SECOND)
