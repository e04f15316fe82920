"""The names that scenarios may compare with are those of the program: all of them, and no others."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import typing
from pathlib import Path
from typing import Any

import pytest

import evse.core
from evse.app.virtual.scenario_library import ALL_VERBS
from evse.core import evse_status, interlock, outlet_offer, panel, procedure, user_input
from evse.core.events import EVENT_TYPES
from evse.exchange import snapshot
from evse.sim import names
from evse.sim.names import EVSE_STATUS, FIELD_NAMES, FREE_FIELDS, UID_FIELDS
from evse.sim.problems import ScenarioError
from evse.sim.scenario_loader import parse_scenario
from evse.sim.station import ClosedSession
from hal.world.truth import OutletTruth
from hal.world.verb_spec import UNITS

HEAD = "schema: 1\nkind: scenario\nname: a story\nprofile: parking\nsteps:\n"
TEN_YEARS_US = 10 * 366 * 86_400 * 10**6


def problems_of(step: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(HEAD + step, "story.yaml", ALL_VERBS, 2)
    return [str(problem) for problem in caught.value.problems]


def loads(step: str) -> None:
    parse_scenario(HEAD + step, "story.yaml", ALL_VERBS, 2)


def texts_in(source: object, *calls: str) -> set[str]:
    """First texts given to ``calls`` (functions or methods) in the source, and keys of dictionaries when there are none."""
    text = source if isinstance(source, str) else inspect.getsource(typing.cast(Any, source))
    tree = ast.parse(text.strip())
    found: set[str] = set()
    for node in ast.walk(tree):
        if calls and isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in calls and node.args and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
        if not calls and isinstance(node, ast.Dict):
            found |= {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
    return found


@pytest.mark.req("SIM-03")
def test_every_text_of_snapshot_records_and_events_is_known() -> None:
    """A new text field has to be put into one of the three tables of ``evse.sim.names``."""
    kinds = [kind for kind in vars(snapshot).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
    found = set()
    for kind in (*kinds, *EVENT_TYPES, ClosedSession, OutletTruth):
        for field, hint in typing.get_type_hints(kind).items():
            inner = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint
            many = typing.get_origin(hint) is tuple and dataclasses.is_dataclass(inner) and field != "outlets"
            if inner is str or many:
                found.add(f"{kind.__name__}.{field}")
    assert found == {*FIELD_NAMES, *FREE_FIELDS, *UID_FIELDS}


@pytest.mark.req("SIM-03")
def test_the_names_are_those_in_the_core() -> None:
    flags = {name for name in texts_in(evse_status.evse_status) if name}
    assert flags <= set(EVSE_STATUS)
    assert set(EVSE_STATUS) - flags == {"Normal_Mode_3", "Simplified_Mode_3"}, "named by constants there"
    waiting = {
        str(node.value)
        for tree in [ast.parse(inspect.getsource(outlet_offer)), ast.parse(inspect.getsource(user_input))]
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name.endswith(("no_offer_reasons", "_waiting_reasons"))
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    }
    waiting |= texts_in(textwrap.dedent(inspect.getsource(panel.Panel.no_offer_reasons)))
    assert waiting == set(names.WAITING_REASONS)
    contactor = texts_in(interlock, "append")
    assert contactor <= {*names.CONTACTOR_REASONS, *names.WAITING_REASONS}
    assert set(names.CONTACTOR_REASONS) <= contactor
    sources = set()
    for path in Path(evse.core.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "constant":
                sources.add(typing.cast(ast.Constant, node.args[0]).value)
    assert sources == set(names.LIMIT_SOURCES)


@pytest.mark.req("SIM-03")
def test_the_reasons_for_an_end_are_those_in_the_core() -> None:
    found = set()
    for node in ast.walk(ast.parse(inspect.getsource(procedure))):
        if isinstance(node, ast.Assign) and "stop_reason" in ast.unparse(node.targets[0]):
            found |= {each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)}
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("stop", "_fail_plug"):
            found |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    texts = {str(each) for each in found if each and each != "Fault "}
    assert texts <= {*names.END_REASONS}
    assert {"PlugTimeout", "Local", "Unavailable"} <= texts


@pytest.mark.req("SIM-03")
@pytest.mark.parametrize(
    ("condition", "wrong", "nearest"),
    [
        ("faults: contains DiodFault", "faults: 'DiodFault' is not one", "DiodeFault"),
        ("faults: lacks Diode", "faults: 'Diode' is not one", "DiodeFault"),
        ("evse_status: contains Unavailable", "evse_status: 'Unavailable' is not one", "Unavailable_Plc"),
        ("limits: contains cabel", "limits: 'cabel' is not one", "cable"),
        ("limits: contains plant", "limits: 'plant' is not one", ""),
        ("open_reasons: lacks PWMOff", "open_reasons: 'PWMOff' is not one", "PwmOff"),
        ("no_offer_reasons: contains Postpone", "no_offer_reasons: 'Postpone' is not one", "Postponed"),
        ("outlet_status: OK_InitDon", "outlet_status: 'OK_InitDon' is not one", "OK_InitDone"),
        ("outlet_status: contains Initt", "outlet_status: 'Initt' is part of none", "OK_"),
        ("outlet_status: contains", "outlet_status: an empty text is part of every text", ""),
        ("last_error: KO_BadgeUnknow", "last_error: 'KO_BadgeUnknow' is not one", "KO_BadgeUnknown"),
        ("last_error_class: plug error", "last_error_class: 'plug error' is not one", "Plug error"),
        ("ev_state: \"\"", "ev_state: '' is not one", ""),
        ("cable_state: 31 A", "cable_state: '31 A' is not one", "32 A"),
        ("lock: lockd", "lock: 'lockd' is not one", "locked"),
        ("light: rde", "light: 'rde' is not one", "red"),
        ("shutter: opened", "shutter: 'opened' is not one", "open"),
        ("access: bagde", "access: 'bagde' is not one", "badge"),
        ("pilot.driven_mode: pwm", "driven_mode: 'pwm' is not one", "PWM"),
        ("\"faults[0].reaction\": emergncy", "reaction: 'emergncy' is not one", "emergency"),
        ("\"limits[0].source\": ratd", "source: 'ratd' is not one", "rated"),
        ("session.charge_type: Normal_Mode3", "charge_type: 'Normal_Mode3' is not one", "Normal_Mode_3"),
        ("session.uid: 04a1b2c3", "session.uid: '04a1b2c3' is no badge", "upper-case"),
        ("session.uid: 12345678", "session.uid: 12345678 is no badge", "in quotes"),
        ("record.reason: Locale", "record.reason: 'Locale' is not one", "Local"),
        ("truth.pilot_level: a", "pilot_level: 'a' is not one", "A"),
        ("truth.bolt: shut", "bolt: 'shut' is not one", "locked"),
    ],
)  # fmt: skip
def test_a_typo_is_refused_with_the_nearest_name_first(condition: str, wrong: str, nearest: str) -> None:
    problems = problems_of(f"  - never: {{outlet: 1, {condition}}}\n")
    assert len(problems) == 1, problems
    assert problems[0].startswith("story.yaml:6:")
    assert wrong in problems[0]
    assert nearest in problems[0].partition("allowed: ")[2][:80]


@pytest.mark.req("SIM-03")
@pytest.mark.parametrize(
    ("event", "wrong"),
    [
        ("FaultRaised, where: {fault: DiodFault}", "where.fault: 'DiodFault'"),
        ("EvStateChanged, where: {state: C_Ready}", "where.state: 'C_Ready'"),
        ("OutletStatusChanged, where: {trigger: plugd}", "where.trigger: 'plugd'"),
        ("ContactorPermitted, where: {reasons: contains NoPwm}", "where.reasons: 'NoPwm'"),
        ("SessionClosed, where: {reason: Locl}", "where.reason: 'Locl'"),
        ("CommandDone, where: {outcome: ok}", "where.outcome: 'ok'"),
        ("SessionOpened, where: {uid: 1234}", "where.uid: 1234"),
    ],
)
def test_a_typo_in_an_event_is_refused(event: str, wrong: str) -> None:
    assert wrong in problems_of(f"  - never: {{outlet: 1, event: {event}}}\n")[0]


@pytest.mark.req("SIM-03")
def test_names_that_the_scenario_brings_itself_are_known() -> None:
    loads("  - command: set_limit\n    with: {outlet: 1, source: plant, current: 10 A}\n"
          "  - never: {outlet: 1, limits: contains plant}\n")  # fmt: skip
    loads("  - command: stop_session\n    with: {outlet: 1, reason: Tariff}\n"
          "  - never: {outlet: 1, record.reason: Tariff}\n")  # fmt: skip
    loads('  - never: {outlet: 1, record.reason: Fault DiodeFault, last_error: "", shutter: "", session.uid: ""}\n')


@pytest.mark.req("SIM-03")
@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ("command: book\n    with: {outlet: 1, uid: 04a1b2c3}", "uid: '04a1b2c3' is no badge; allowed: 4, 7, 8 or 10"),
        ("command: book\n    with: {outlet: 1, uid: 12345678}", "uid: 12345678 is not a text; allowed: a text, in quotes"),
        ("command: book\n    with: {outlet: 1, until: 99999999999 h}", "until: 99999999999 h is longer than 10 years"),
        ("command: book\n    with: {outlet: 5}", "outlet: there is no outlet 5; allowed: 1 to 2"),
        ("command: start_session\n    with: {outlet: 1, uid: \"\"}", "uid: '' is no badge"),
        ("command: clear_fault\n    with: {outlet: 1, fault: ContactorWeld}", "allowed: ContactorWelded, "),
        ("command: stop_session\n    with: {outlet: 1, reason: 'a reason'}", "'a reason' is no reason"),
        ("command: set_limit\n    with: {outlet: 1, source: '', current: 6 A}", "source: '' cannot stand here"),
        ("command: set_unavailable\n    with: {outlet: 1, source: ocp}", "allowed: ocpp, plc"),
        ("do: present_card\n    with: {outlet: 1, uid: 04A1B2C3D}", "uid: '04A1B2C3D' is no card"),
        ("do: present_card\n    with: {outlet: 1, hold: 100000 h}", "hold: '100000 h' is out of range"),
        ("do: cut_power\n    with: {duration: 99999999999 h}", "duration: '99999999999 h' is out of range"),
    ],
)  # fmt: skip
def test_values_of_commands_and_verbs_are_checked_like_over_rest(step: str, wrong: str) -> None:
    problems = problems_of(f"  - {step}\n")
    assert len(problems) == 1, problems
    assert wrong in problems[0]


def test_an_empty_uid_cancels_a_booking_and_removes_every_card() -> None:
    loads('  - command: book\n    with: {outlet: 1, uid: ""}\n  - do: remove_card\n    with: {outlet: 1, uid: ""}\n')


@pytest.mark.req("SIM-03")
def test_no_duration_of_a_verb_goes_beyond_ten_years() -> None:
    durations = [param for verb in ALL_VERBS for param in verb.params if UNITS[param.unit][0] == "time"]
    assert durations
    for param in durations:
        assert param.maximum is not None, param
        assert param.maximum * UNITS[param.unit][1] <= TEN_YEARS_US, param
