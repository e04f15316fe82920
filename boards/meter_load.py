"""Loads a meter's register map: name or path in, a checked ``Meter`` out, or every fault at once.

The same reader, the same messages and the same strictness as for station profiles; no inheritance. What a file must say
beyond its schema: a public map has a grade and registers, a meter without one has neither; each quantity stands once;
unit and quantity belong together; no two numbers share a register; a meter that a station may use says what it is used for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from boards.explain import explain
from boards.merge import Places
from boards.meter_schema import METER_SCHEMA, MeterFile, MeterRegister
from boards.problems import Problem, ProfileError
from boards.yaml_source import Key, Source, key_text, looks_like_path, parse_source, read_source
from evse.records import dataclass
from hal.meter_map import CURRENTS, VOLTAGES, MeterMap, NumberKind, Quantity, Register

FOLDER = "meters"

_UNITS = MappingProxyType(
    {
        "A": ("current", 1_000),
        "mA": ("current", 1),
        "V": ("voltage", 1_000),
        "mV": ("voltage", 1),
        "W": ("power", 1_000),
        "kW": ("power", 1_000_000),
        "mW": ("power", 1),
        "Wh": ("energy", 1_000),
        "kWh": ("energy", 1_000_000),
        "Hz": ("frequency", 1_000),
        "mHz": ("frequency", 1),
        "none": ("serial", 1),
    }
)
"""Each unit's kind of quantity, and how many of the map's own units it is."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A loaded map. ``path`` is its file, ``model`` its values; ``map`` is ``None`` for a meter without a public map."""

    path: str
    model: MeterFile
    map: MeterMap | None


def shipped_meters() -> tuple[str, ...]:
    """Names of the maps that come with the distribution, sorted."""
    root = resources.files("profiles") / FOLDER
    return tuple(sorted(item.name[:-5] for item in root.iterdir() if item.name.endswith(".yaml")))


def load_meter(reference: str | Path) -> Meter:
    """Load a map by path or by the name of a shipped one. Raises ProfileError with every fault found."""
    text = str(reference)
    if looks_like_path(text):
        return load_meter_source(read_source(Path(reference)))
    names = shipped_meters()
    if text not in names:
        close = difflib.get_close_matches(text, names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else ""
        raise ProfileError([Problem(text, 0, 0, "", "there is no register map of this name", ", ".join(names), hint)])
    with resources.as_file(resources.files("profiles") / FOLDER / f"{text}.yaml") as path:
        return load_meter_source(read_source(path))


def load_meter_text(text: str, file: str = "meter.yaml") -> Meter:
    """Load a map from text; ``file`` is the name used in messages."""
    return load_meter_source(parse_source(text, file))


def load_meter_source(source: Source) -> Meter:
    """Load a map that was read already."""
    problems = list(source.problems)
    for name, right in (("schema", METER_SCHEMA), ("kind", "meter")):
        given = source.data.get(name)
        if given != right or type(given) is not type(right):
            what = f"a register map says {name} {right!r}" + (f", not {given!r}" if name in source.data else "")
            problems.append(_problem(Places(source), (name,), what, str(right)))
    if any(problem.key in ("schema", "kind") for problem in problems):
        raise ProfileError(problems)
    places = Places(source)
    try:
        model = MeterFile.model_validate(source.data)
    except ValidationError as error:
        problems.extend(explain(item, places, MeterFile) for item in error.errors(include_url=False))
        raise ProfileError(problems) from error
    problems.extend(_problem(places, path, what, allowed) for path, what, allowed in _faults(model))
    if problems:
        raise ProfileError(problems)
    return Meter(source.file, model, _map(model))


def _problem(places: Places, path: Key, what: str, allowed: str = "") -> Problem:
    mark = places.of_value(path)
    return Problem(mark.file, mark.line, mark.column, key_text(mark.key), what, allowed)


Fault = tuple[Key, str, str]
"""Where, what is wrong, what is allowed."""


def _faults(model: MeterFile) -> Iterator[Fault]:
    if model.map == "none":
        for name in ("registers", "confidence", "use", "links"):
            if getattr(model, name):
                yield (name,), "a meter without a public map has nothing to say here", "leave it out"
        return
    if model.confidence is None:
        yield ("confidence",), "a public map needs a grade", "A, B, C, D"
    for name in ("registers", "links"):
        if not getattr(model, name):
            yield (name,), "a public map needs this", ""
    yield from _register_faults(model)
    if model.use:
        said = {register.quantity for register in model.registers}
        needed = [each.value for each in CURRENTS if each.value not in said]
        if "outlet" in model.use:
            needed += [each.value for each in (*VOLTAGES, Quantity.ENERGY_IMPORT) if each.value not in said]
        if needed:
            yield ("use",), f"for this use the map lacks {', '.join(needed)}", ""


def _register_faults(model: MeterFile) -> Iterator[Fault]:
    quantities: set[str] = set()
    taken: dict[int, str] = {}
    for index, register in enumerate(model.registers):
        path: Key = ("registers", index)
        if register.quantity in quantities:
            yield (*path, "quantity"), f"{register.quantity} stands here a second time", ""
        quantities.add(register.quantity)
        kind = register.quantity.split("_")[0]
        if _UNITS[register.unit][0] != kind:
            fitting = [unit for unit, (of, _) in _UNITS.items() if of == kind]
            yield (*path, "unit"), f"{register.unit} is no unit of {register.quantity}", ", ".join(fitting)
        if kind == "serial" and _number_kind(register, model).floating:
            yield (*path, "type"), "a serial number is a whole number", ""
        end = register.address + _number_kind(register, model).words
        if end > 0x10000:
            yield (*path, "address"), "the number reaches beyond the last register", "0 to 65535"
        clash = next((taken[each] for each in range(register.address, end) if each in taken), "")
        if clash:
            yield (*path, "address"), f"shares a register with {clash}", ""
        taken.update(dict.fromkeys(range(register.address, end), register.quantity))
    for index, register in enumerate(model.registers):
        if register.exponent_at in taken:
            what = f"shares a register with {taken[register.exponent_at]}"
            yield ("registers", index, "exponent_at"), what, ""


def _number_kind(register: MeterRegister, model: MeterFile) -> NumberKind:
    return NumberKind(register.type or model.type)


def _map(model: MeterFile) -> MeterMap | None:
    if model.map == "none":
        return None
    registers = tuple(
        Register(
            quantity=Quantity(each.quantity),
            address=each.address,
            kind=_number_kind(each, model),
            numerator=each.multiply * _UNITS[each.unit][1],
            denominator=each.divide,
            low_first=model.words == "low_first",
            marked_missing=model.missing == "largest",
            exponent_address=-1 if each.exponent_at is None else each.exponent_at,
        )
        for each in sorted(model.registers, key=lambda register: register.address)
    )
    return MeterMap(model.name, model.function, registers, model.gap, model.most_registers)
