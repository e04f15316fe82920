"""What ``evse profile check FILE`` finds out: faults, devices that are declared but not driven yet, effective values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boards.keys import Strict, info_of
from boards.load import Profile, load_profile
from boards.merge import Places
from boards.problems import Problem, ProfileError
from boards.quirks import QUIRKS
from boards.summary import chosen, summary
from boards.to_core import station_config
from boards.yaml_source import Key, key_text
from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class NotDriven:
    """Something a profile declares and this version does not act on; ``place`` is ``file:line:column``."""

    key: str
    place: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """Result of a check. With ``ok`` false only ``file`` and ``errors`` say anything.

    ``effective`` holds every key with the value that counts, defaults included, nested as in YAML. ``digest`` is the
    one of the configuration for a station with the uid ``check``: equal digests mean equal behaviour. ``summary``: what
    the station is, in lines; ``chosen``: the effective values that are not the default.
    """

    file: str
    ok: bool
    errors: tuple[Problem, ...]
    not_driven: tuple[NotDriven, ...]
    effective: dict[str, Any]
    name: str = ""
    digest: str = ""
    summary: tuple[str, ...] = ()
    chosen: tuple[tuple[str, Any], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The report as plain values for ``--json``."""
        return {
            "file": self.file,
            "ok": self.ok,
            "name": self.name,
            "digest": self.digest,
            "errors": [
                {
                    "file": problem.file,
                    "line": problem.line,
                    "column": problem.column,
                    "key": problem.key,
                    "what": problem.what,
                    "allowed": problem.allowed,
                    "hint": problem.hint,
                }
                for problem in self.errors
            ],
            "declared_not_driven": [
                {"key": item.key, "place": item.place, "what": item.what} for item in self.not_driven
            ],
            "effective": self.effective,
        }

    def as_text(self, *, every: bool = False) -> str:
        """The report for people: all errors, or what the station is and what differs from the defaults; ``every``: every value."""
        if not self.ok:
            count = len(self.errors)
            return "\n".join([*map(str, self.errors), f"{self.file}: refused, {count} error{'s'[: count != 1]}"])
        lines = [f"{self.file}: profile {self.name!r} is right, digest {self.digest[:16]}"]
        lines += [f"  {line}" for line in self.summary]
        if self.not_driven:
            lines.append("declared, not driven yet:")
            lines += [f"  {item.place}: {item.key}: {item.what}" for item in self.not_driven]
        lines.append("effective values:" if every else "other than the defaults (--all shows every value):")
        lines += [f"  {key}: {_word(value)}" for key, value in (_leaves(self.effective, ()) if every else self.chosen)]
        return "\n".join(lines)


def check_profile(reference: str | Path) -> Report:
    """Check a profile by path or shipped name. Never raises for anything a file can hold."""
    try:
        profile = load_profile(reference)
    except ProfileError as error:
        return Report(str(reference), False, error.problems, (), {})
    config = station_config(profile, "check")
    return Report(
        file=profile.path,
        ok=True,
        errors=(),
        not_driven=tuple(not_driven(profile)),
        effective=profile.model.model_dump(mode="json", by_alias=True),
        name=profile.model.name,
        digest=config.digest,
        summary=tuple(summary(profile, config)),
        chosen=tuple(chosen(profile.model)),
    )


def not_driven(profile: Profile) -> list[NotDriven]:
    """What a profile declares and this version does not act on, in the order of the lines."""
    found = _not_driven(profile.model, (), profile.places)
    for index, name in enumerate(profile.model.quirks):
        if not QUIRKS[name].driven:
            found.append(_item(("quirks", index), profile.places, QUIRKS[name].what))
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda item: _line(item.place))


def _not_driven(part: Strict, path: Key, places: Places) -> list[NotDriven]:
    found: list[NotDriven] = []
    for name, field in type(part).model_fields.items():
        value, here = getattr(part, name), (*path, name)
        if not info_of(field).driven:
            # A setting that is shown promises something even with its factory value; a device only when it differs.
            promised = value != field.default or "settings" in path
            if promised and here in places.values:
                found.append(_item(here, places, field.description or ""))
        elif isinstance(value, Strict):
            found += _not_driven(value, here, places)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Strict):
                    found += _not_driven(item, (*here, index), places)
    return found


def _item(path: Key, places: Places, what: str) -> NotDriven:
    mark = places.of_value(path)
    return NotDriven(key_text(mark.key), f"{mark.file}:{mark.line}:{mark.column}", what)


def _line(place: str) -> tuple[str, int, int]:
    file, line, column = place.rsplit(":", 2)
    return file, int(line), int(column)


def _leaves(value: Any, path: Key) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    if isinstance(value, list) and value:
        return [leaf for index, item in enumerate(value) for leaf in _leaves(item, (*path, index))]
    return [(key_text(path), value)]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value) if value != "" else "''"
