"""Conditions as written in scenario files, turned into values; every mistake is told with its place.

outlet: 1
ev_state: C_Ready_6V_M12V            # equal
session.energy_wh: "> 500 Wh"        # compared; the unit must fit
faults: contains DiodeFault          # member of a list, or part of a text
session: null                        # absent
truth.contact_closed: true           # what physically is
records: 1                           # number of finished sessions
record.reason: Local                 # of the newest record
open_sessions: 0                     # number of sessions whose start is durable and whose end is not

event: SessionClosed                 # an event instead of fields
where: {reason: Local}
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Final

from boards.yaml_source import Key, Value
from evse.core.events import EVENT_TYPES
from evse.exchange.snapshot import OutletView, StationView
from evse.sim import conditions
from evse.sim.conditions import OPERATORS, ORDERING, Check, Condition, EventCheck, Subject
from evse.sim.names import UID_ALLOWED, UID_FIELDS, UID_PATTERN, Brought, names_of, nearest_first
from evse.sim.problems import Report
from evse.sim.quantities import QuantityError, unit_of_name, units_of, whole
from evse.sim.station import ClosedSession
from hal.world.truth import OutletTruth

CONDITION_KEYS: Final = ("outlet", "event", "where")
SPAN_NAMES: Final = ("within", "timeout", "for", "until")
"""How steps say their time; each kind of step has its own of these."""
_EVENTS: Final = {kind.__name__: kind for kind in EVENT_TYPES}
_cached_hints: Final = functools.cache(typing.get_type_hints)


def type_hints(kind: typing.Any) -> Mapping[str, typing.Any]:
    """The types of a class's fields; found once, for it takes long."""
    return _cached_hints(kind)


class _Wrong(Exception):
    """What is wrong with a path or value, and what would be right."""

    def __init__(self, what: str, allowed: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.allowed = allowed
        self.hint = hint


def load_condition(data: Mapping[str, Value], key: Key, extra: tuple[str, ...], report: Report) -> Condition:
    """The condition in ``data`` at ``key``; keys in ``extra`` belong to somebody else. Mistakes go to ``report``."""
    outlet = _outlet(data, key, report)
    written = [name for name in data if name not in CONDITION_KEYS and name not in extra]
    if "event" in data:
        for name in written:
            report.add_key((*key, name), "a condition looks at an event or at fields, not at both")
        return Condition(event=_event(data, key, outlet, report))
    if "where" in data:
        report.add_key((*key, "where"), "'where' belongs to 'event'")
    if not written:
        report.add(key, "says nothing that could be judged", "fields of the snapshot, or an event")
    checks: list[Check] = []
    for name in written:
        try:
            checks.append(_check(name, data[name], outlet, report.brought))
        except _Wrong as wrong:
            report.add((*key, name), str(wrong), wrong.allowed, wrong.hint or _misplaced(name, outlet, extra))
    return Condition(checks=tuple(checks))


def _misplaced(name: str, outlet: int, spans: tuple[str, ...]) -> str:
    """What somebody who wrote ``name`` here has probably meant; ``spans``: how this step says its time."""
    first = name.partition(".")[0].partition("[")[0]
    if name in SPAN_NAMES:
        return f"the time of this step is written {' or '.join(spans)}"
    if not outlet and first in _members(OutletView) and first not in _members(StationView):
        return "this is a field of an outlet: add 'outlet: 1'"
    if outlet and first in _members(StationView) and first not in _members(OutletView):
        return "this is a field of the station: leave 'outlet' out"
    return ""


def _outlet(data: Mapping[str, Value], key: Key, report: Report) -> int:
    outlet = data.get("outlet", 0)
    if isinstance(outlet, bool) or not isinstance(outlet, int) or not 0 <= outlet <= report.outlets:
        report.add((*key, "outlet"), f"{outlet!r} is not an outlet", f"whole number from 1 to {report.outlets}")
        return 1
    return outlet


def _event(data: Mapping[str, Value], key: Key, outlet: int, report: Report) -> EventCheck | None:
    name = data["event"]
    kind = _EVENTS.get(name) if isinstance(name, str) else None
    if kind is None:
        report.add((*key, "event"), f"there is no event {name!r}", nearest_first(name, _EVENTS))
        return None
    where = data.get("where", {})
    if not isinstance(where, dict):
        report.add((*key, "where"), "is not a mapping of the event's fields")
        return None
    hints = type_hints(kind)
    fields = [field.name for field in dataclasses.fields(kind) if field.name != "outlet"]
    found: list[tuple[str, str, conditions.Value]] = []
    for field, written in where.items():
        if field not in fields:
            report.add_key((*key, "where", field), f"{name} has no field {field!r}", nearest_first(field, fields))
            continue
        try:
            comparison, value = _comparison(written, hints[field], f"{kind.__name__}.{field}", report.brought)
            found.append((field, comparison, value))
        except _Wrong as wrong:
            report.add((*key, "where", field), str(wrong), wrong.allowed)
    details = "".join(f", {field} {_shown(comparison, value)}" for field, comparison, value in found)
    text = f"event {name}" + (f" at outlet {outlet}" if outlet else "") + details
    return EventCheck(str(name), outlet, tuple(found), text)


def _check(name: str, written: Value, outlet: int, brought: Brought) -> Check:
    subject, path_text, root = _subject(name, outlet)
    if subject in (Subject.RECORD_COUNT, Subject.OPEN_COUNT):
        comparison, value = _comparison(written, int, name, brought)
        return Check(subject, outlet, (), comparison, value, f"{_at(outlet)}{name} {_shown(comparison, value)}")
    path, kind, optional, field = _resolve(path_text, root)
    if isinstance(path[0], str) and path[0] == "outlets" and subject is Subject.VIEW and len(path) > 1:
        outlet, path = typing.cast(int, path[1]), path[2:]
        if not path:
            raise _Wrong("names a whole outlet, which cannot be compared", "one of its fields")
    if written is None and not optional:
        raise _Wrong("is never absent, so null cannot be compared with it")
    comparison, value = ("==", None) if written is None else _comparison(written, kind, field, brought)
    return Check(subject, outlet, path, comparison, value, f"{_at(outlet)}{name} {_shown(comparison, value)}")


def _at(outlet: int) -> str:
    return f"outlet {outlet} " if outlet else ""


def _shown(comparison: str, value: conditions.Value) -> str:
    shown = "absent" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f"{comparison} {shown}"


def _subject(name: str, outlet: int) -> tuple[Subject, str, type]:
    if name in (Subject.RECORD_COUNT, Subject.OPEN_COUNT):
        return Subject(name), "", int
    if name.startswith("record."):
        return Subject.RECORD, name.removeprefix("record."), ClosedSession
    if name.startswith("truth."):
        if not outlet:
            raise _Wrong("the truth is an outlet's: 'outlet' is missing")
        return Subject.TRUTH, name.removeprefix("truth."), OutletTruth
    return Subject.VIEW, name, OutletView if outlet else StationView


def _resolve(text: str, root: type) -> tuple[tuple[str | int, ...], object, bool, str]:
    """Walk ``text`` (``session.energy_wh``, ``currents_ma[0]``) over the dataclass.

    Return path, type, whether it can be absent, and the field it ends at (``SessionView.energy_wh``).
    """
    path: list[str | int] = []
    kind: object = root
    optional = False
    field = ""
    for part in text.split("."):
        name, _, rest = part.partition("[")
        field = f"{getattr(kind, '__name__', '')}.{name}"
        kind, absent = _field(kind, name, text)
        optional = optional or absent
        path.append(name)
        if rest:
            index = rest.removesuffix("]")
            if not rest.endswith("]") or not index.isdigit() or typing.get_origin(kind) is not tuple:
                raise _Wrong(f"{part!r} is not an indexed list", "for example outlets[1] or currents_ma[0]")
            path.append(int(index))
            kind = typing.get_args(kind)[0]
            optional = True
    return tuple(path), kind, optional, field


def _field(kind: object, name: str, text: str) -> tuple[object, bool]:
    if not _is_group(kind):
        raise _Wrong(f"nothing lies below a plain value in {text!r}")
    members = _members(kind)
    if name not in members:
        raise _Wrong(f"{_thing(kind)} has no field {name!r}", nearest_first(name, members))
    return _without_none(members[name])


def _thing(kind: type) -> str:
    """A group of fields as people call it."""
    known = {OutletView: "an outlet", StationView: "the station", OutletTruth: "the truth", ClosedSession: "a record"}
    return known.get(kind) or kind.__name__.removesuffix("View").lower()


@functools.cache
def _members(kind: type) -> Mapping[str, object]:
    """The fields and properties of a type with their types."""
    members: dict[str, object] = dict(type_hints(kind))
    for other, value in vars(kind).items():
        if isinstance(value, property) and not other.startswith("_"):
            members[other] = typing.get_type_hints(value.fget)["return"]
    return members


def _is_group(kind: object) -> typing.TypeGuard[type]:
    """Whether a value of this type has named fields."""
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"))


def _without_none(kind: object) -> tuple[object, bool]:
    if isinstance(kind, types.UnionType):
        rest = [member for member in typing.get_args(kind) if member is not types.NoneType]
        return rest[0], len(rest) < len(typing.get_args(kind))
    return kind, False


def _comparison(written: Value, kind: object, field: str, brought: Brought) -> tuple[str, conditions.Value]:
    """Split ``written`` into an operator (``==`` when none stands there) and a value of the field's type."""
    comparison, value = "==", written
    if isinstance(written, str):
        for candidate in OPERATORS:
            if written.startswith(candidate):
                rest = written[len(candidate) :].strip()
                comparison, value = candidate, rest
                break
    if isinstance(written, (dict, list)):
        raise _Wrong("is not a single value")
    many = typing.get_origin(kind) is tuple
    if comparison in ("contains", "lacks"):
        if not many and not _is_text(kind):
            raise _Wrong(f"{comparison!r} needs a list or a text")
        return comparison, _member(value, kind, field, brought)
    if many or _is_group(kind):
        raise _Wrong("is a list or a group and cannot be compared as a whole", "contains X, lacks X, null, or a path")
    if comparison in ORDERING and kind is not int:
        raise _Wrong(f"{comparison!r} needs a number")
    return comparison, _typed(value, kind, field, brought)


def _is_text(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, str)


def _member(value: Value, kind: object, field: str, brought: Brought) -> conditions.Value:
    """What a list may hold, or a text may have as its part."""
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        if _is_group(inner):
            inner = str
        return _typed(value, inner, field, brought)
    part, names = str(value), names_of(field, brought)
    if not part:
        raise _Wrong("an empty text is part of every text", nearest_first("", names))
    if names and not any(part in name for name in names):
        raise _Wrong(f"{part!r} is part of none of its values", nearest_first(part, names))
    return part


def _typed(value: Value, kind: object, field: str, brought: Brought) -> conditions.Value:
    if kind is bool:
        words = {True: True, False: False, "true": True, "false": False}
        if not isinstance(value, (bool, str)) or value not in words:
            raise _Wrong(f"{value!r} is not a truth value", "true, false")
        return words[value]
    if kind is int:
        return _number(value, field.rpartition(".")[2])
    if isinstance(kind, type) and issubclass(kind, int):
        names = {member.name.lower(): member.value for member in kind}  # type: ignore[attr-defined]
        if not isinstance(value, str) or value.lower() not in names:
            raise _Wrong(f"{value!r} is not one of its values", nearest_first(value, names))
        return int(names[value.lower()])
    return _name(value, field, brought)


def _name(value: Value, field: str, brought: Brought) -> str:
    """A text: one of those that the field can hold, when they are known."""
    if field in UID_FIELDS:
        if not isinstance(value, str) or (value and not UID_PATTERN.match(value)):
            raise _Wrong(f"{value!r} is no badge", f"{UID_ALLOWED}, in quotes when it is only digits; '' for none")
        return value
    text, names = value if isinstance(value, str) else str(value), names_of(field, brought)
    if names and text not in names:
        raise _Wrong(f"{text!r} is not one of its values", nearest_first(text, names))
    return text


def _number(value: Value, name: str) -> int:
    unit = unit_of_name(name)
    if unit:
        try:
            return whole(value, unit)
        except QuantityError as error:
            raise _Wrong(str(error), f"a number with a unit ({', '.join(units_of(unit))})") from error
    try:
        return int(str(value))
    except ValueError:
        raise _Wrong(f"{value!r} is not a whole number") from None
