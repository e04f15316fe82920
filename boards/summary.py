"""What a checked profile makes of the station, in the few lines that its writer wants to compare with the board."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from boards.load import Profile
from boards.schema import Outlet, StationProfile
from boards.yaml_source import Key, key_text
from evse.core.config import Access, OutletConfig, StationConfig
from evse.core.lines import LineFunction

_ACCESS: Final = {
    Access.BADGE: "a charge needs a badge",
    Access.FREE: "free access",
    Access.REMOTE: "a charge is released remotely",
}
_INSTALLER: Final = ("in_1", "in_2")


def summary(profile: Profile, config: StationConfig) -> list[str]:
    """A line for the station, and for each outlet one of what it is and one of its input lines."""
    model = profile.model
    phases = f"{model.station.phases} phase{'s'[: model.station.phases != 1]}"
    lines = [f"station: {model.family}, {phases}, at most {model.settings.maximum_current_a:g} A, {config.location}"]
    by_number = {outlet.number: outlet for outlet in model.outlets}
    for core in config.outlets:
        outlet = by_number[core.number]
        lines.append(f"outlet {core.number}: {', '.join(_outlet(outlet, core))}")
        inputs = "; ".join(_inputs(outlet, core))
        if inputs:
            lines.append(f"  inputs: {inputs}")
    return lines


def _outlet(outlet: Outlet, core: OutletConfig) -> Iterator[str]:
    if outlet.position is not None:
        yield outlet.position
    yield str(core.socket)
    conductors = "" if core.conductors == (1, 2, 3) else " on " + ", ".join(f"L{each}" for each in core.wired)
    yield f"{outlet.rated_current_a:g} A {len(core.wired)} phase{'s'[: len(core.wired) != 1]}{conductors}"
    for has, word in ((core.has_lock, "lock"), (core.has_shutter, "shutter"), (outlet.meter, "meter")):
        if has:
            yield word
    yield "RFID reader" if outlet.reader is not None else "no reader"
    yield _ACCESS[core.access]


def _inputs(outlet: Outlet, core: OutletConfig) -> Iterator[str]:
    used = {line.number: line for line in core.lines}
    for name in type(outlet.input_lines).model_fields:
        spec = getattr(outlet.input_lines, name)
        if spec is None:
            continue
        place = f"{name} (line {spec.line})"
        line = used.get(spec.line)
        if line is None:
            yield f"{place} not used"
        elif line.function is LineFunction.PUSH_BUTTON and not core.push_button:
            yield f"{place} without effect: settings.front_push_button is false"
        else:
            does = f" {line.function}" if name in _INSTALLER else ""
            yield f"{place}{does} acts while {'closed' if line.normally_open else 'open'}"


def chosen(model: StationProfile) -> list[tuple[str, Any]]:
    """Every key whose effective value is not its default, wherever it was written."""
    bare = {
        **{"schema": 1, "kind": "station", "name": model.name, "family": model.family},
        "outlets": [{"number": outlet.number} for outlet in model.outlets],
    }
    defaults = StationProfile.model_validate(bare).model_dump(mode="json", by_alias=True)
    return list(_other(model.model_dump(mode="json", by_alias=True), (), defaults))


def _other(effective: Any, path: Key, defaults: Any) -> Iterator[tuple[str, Any]]:
    """The values that differ from ``defaults``; a list counts as a whole unless it holds mappings."""
    if isinstance(effective, dict) and effective:
        below = defaults if isinstance(defaults, dict) else {}
        for name, value in effective.items():
            yield from _other(value, (*path, name), below.get(name))
    elif isinstance(effective, list) and effective and isinstance(effective[0], dict):
        beside = defaults if isinstance(defaults, list) else []
        for index, value in enumerate(effective):
            yield from _other(value, (*path, index), beside[index] if index < len(beside) else None)
    elif effective != defaults:
        yield key_text(path), effective
