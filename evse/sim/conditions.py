"""Conditions of scenarios: what is compared with what, and what was found instead.

A condition is a list of checks that must all hold, or one event to look for. Checks look at three things: the snapshot
(what the station says), the truth (what physically is, paths beginning with ``truth.``) and what is durable (paths
``records``, ``record.`` and ``open_sessions``). While control does not run the snapshot is unknown: then a check of it neither holds nor
fails.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Protocol

from evse.core.events import Event
from evse.exchange.snapshot import StationView
from evse.records import dataclass
from evse.sim.station import ClosedSession, OpenSession, OutletFacts

Value = None | bool | int | str


class Subject(StrEnum):
    """What a check looks at."""

    VIEW = "view"
    TRUTH = "truth"
    RECORD = "record"
    RECORD_COUNT = "records"
    OPEN_COUNT = "open_sessions"


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
OPERATORS: Final = (*_COMPARE, "contains", "lacks")
ORDERING: Final = (">=", "<=", ">", "<")


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. ``path``: attribute names and indices from the subject; ``text``: as written, for people."""

    subject: Subject
    outlet: int
    path: tuple[str | int, ...]
    comparison: str
    value: Value
    text: str


@dataclass(frozen=True, slots=True)
class EventCheck:
    """An event of one type whose named fields have these values; ``outlet`` 0 looks at every outlet."""

    type: str
    outlet: int
    where: tuple[tuple[str, str, Value], ...]
    text: str

    def matches(self, event: Event) -> bool:
        """Whether ``event`` is the one looked for."""
        if type(event).__name__ != self.type or (self.outlet and event.outlet != self.outlet):
            return False
        return all(compare(getattr(event, name), comparison, value) for name, comparison, value in self.where)


@dataclass(frozen=True, slots=True)
class Condition:
    """All ``checks`` hold; or, when ``event`` is given, such an event happens."""

    checks: tuple[Check, ...] = ()
    event: EventCheck | None = None

    @property
    def text(self) -> str:
        """The condition as written, on one line."""
        if self.event is not None:
            return self.event.text
        return ", ".join(check.text for check in self.checks)


class Observation(Protocol):
    """What conditions are judged by at one instant."""

    @property
    def view(self) -> StationView | None: ...

    @property
    def facts(self) -> Sequence[OutletFacts]: ...

    @property
    def records(self) -> Sequence[ClosedSession]: ...

    @property
    def open_sessions(self) -> Sequence[OpenSession]: ...

    @property
    def new_events(self) -> Sequence[Event]: ...


@dataclass(frozen=True, slots=True)
class Judgement:
    """``holds`` is ``None`` while it cannot be known; ``actual`` says what was found."""

    holds: bool | None
    actual: str


def judge(condition: Condition, observation: Observation) -> Judgement:
    """Judge ``condition`` at one instant."""
    if condition.event is not None:
        found = any(condition.event.matches(event) for event in observation.new_events)
        return Judgement(found, f"{condition.event.text} happened" if found else "no such event")
    wrong: list[str] = []
    unknown = False
    for check in condition.checks:
        known, actual = _look_up(check, observation)
        if not known:
            unknown = True
        elif not compare(actual, check.comparison, check.value):
            wrong.append(f"{path_text(check)} is {_text(actual)}")
    if wrong:
        return Judgement(False, ", ".join(wrong))
    return Judgement(None, "control does not run") if unknown else Judgement(True, condition.text)


def compare(actual: object, comparison: str, value: Value) -> bool:
    """Whether ``actual`` compares so with ``value``; an absent value is only ever equal or unequal."""
    if comparison in ("contains", "lacks"):
        return _contains(actual, value) is (comparison == "contains")
    if comparison in ORDERING and (actual is None or value is None):
        return False
    return _COMPARE[comparison](actual, value)


def path_text(check: Check) -> str:
    """The path for people: ``outlet 1 session.energy_wh``."""
    prefix = "" if check.subject is Subject.VIEW else f"{check.subject.value}."
    if check.subject in (Subject.RECORD_COUNT, Subject.OPEN_COUNT):
        prefix = check.subject.value
    text = ""
    for part in check.path:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    where = f"outlet {check.outlet} " if check.outlet else ""
    return f"{where}{prefix}{text}"


def _contains(actual: object, value: Value) -> bool:
    if isinstance(actual, str):
        return isinstance(value, str) and value in actual
    if isinstance(actual, tuple):
        return any(_key(item) == value for item in actual)
    return False


def _key(item: object) -> object:
    """What names a member of a list: the name of a fault, the kind of an order, the source of a limit, or itself."""
    return getattr(item, "name", getattr(item, "source", item))


def _text(actual: object) -> str:
    if actual is None:
        return "absent"
    if isinstance(actual, bool):
        return str(actual).lower()
    if isinstance(actual, tuple):
        return "[" + ", ".join(str(_key(item)) for item in actual) + "]"
    return str(actual)


def _look_up(check: Check, observation: Observation) -> tuple[bool, object]:
    """Return whether the value can be known, and the value (``None`` where the path ends early)."""
    root: object
    if check.subject is Subject.VIEW:
        if observation.view is None:
            return False, None
        root = observation.view
        if check.outlet:
            root = next((outlet for outlet in observation.view.outlets if outlet.number == check.outlet), None)
    elif check.subject is Subject.TRUTH:
        root = next((facts.truth for facts in observation.facts if facts.number == check.outlet), None)
    elif check.subject is Subject.OPEN_COUNT:
        return True, sum(check.outlet in (0, session.outlet) for session in observation.open_sessions)
    else:
        records = [record for record in observation.records if check.outlet in (0, record.outlet)]
        if check.subject is Subject.RECORD_COUNT:
            return True, len(records)
        root = records[-1] if records else None
    for part in check.path:
        if root is None:
            break
        if isinstance(part, int):
            root = root[part] if isinstance(root, tuple) and part < len(root) else None
        else:
            root = getattr(root, part)
    return True, root
