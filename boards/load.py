"""Loads a profile: name or path in, a checked ``Profile`` out, or every fault at once.

Steps: read the file and the one it inherits (``yaml_source``), merge (``merge``), validate (``schema``), then the
rules between keys (``rules``). The rules also run on what remains when single keys are wrong, so that a user sees all
faults in one go.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from boards.explain import explain
from boards.merge import Places, inherit, spread_defaults
from boards.problems import Problem, ProfileError
from boards.rules import check_rules
from boards.schema import SCHEMA, StationProfile
from boards.yaml_source import Key, Mark, Source, Value, key_text, looks_like_path, parse_source, read_source
from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """A loaded profile. ``path`` is its file, ``model`` its values after inheritance, ``places`` where each stands."""

    path: str
    model: StationProfile
    places: Places


def shipped_profiles() -> tuple[str, ...]:
    """Names of the profiles that come with the distribution, sorted."""
    root = resources.files("profiles")
    return tuple(sorted(item.name[:-5] for item in root.iterdir() if item.name.endswith(".yaml")))


@dataclass(frozen=True, slots=True)
class ProfileHead:
    """What a shipped profile says of itself."""

    family: str
    description: str


def shipped_heads() -> dict[str, ProfileHead]:
    """The shipped profiles by name, sorted; a family that is not written is the one that is inherited."""
    data = {name: found.data for name in shipped_profiles() if (found := _read_shipped(name)) is not None}
    family = {name: str(own.get("family") or data[str(own["inherits"])]["family"]) for name, own in data.items()}
    return {name: ProfileHead(family[name], str(own.get("description", ""))) for name, own in data.items()}


def load_profile(reference: str | Path) -> Profile:
    """Load a profile by path or by the name of a shipped one; an existing path always wins.

    Raises ProfileError with every fault found.
    """
    source = _find(reference)
    return load_source(source, Path(source.file).parent)


def load_text(text: str, file: str = "profile.yaml") -> Profile:
    """Load a profile from text; ``file`` is the name used in messages, and names the folder to inherit from."""
    return load_source(parse_source(text, file), Path(file).parent)


def load_source(source: Source, folder: Path) -> Profile:
    """Load a profile that was read already; profiles beside it in ``folder`` may be inherited."""
    problems = [*source.problems, *_check_head(source)]
    if any(problem.key in ("schema", "kind") for problem in problems):
        raise ProfileError(problems)
    parent = _parent(source, folder, problems)
    orphan = parent is None and source.data.get("inherits") is not None
    if parent is None:
        data, places = source.data, Places(source)
    else:
        problems.extend(parent.problems)
        data, places = inherit(source, parent)
    _check_defaults(data, places, problems)
    model = _validate(spread_defaults(data, places), places, problems, orphan=orphan)
    if problems or model is None:
        raise ProfileError(problems)
    return Profile(source.file, model, places)


def _find(reference: str | Path) -> Source:
    path = Path(reference)
    try:
        exists = path.exists()
    except (OSError, ValueError):
        exists = False
    if exists or looks_like_path(str(reference)):
        return read_source(path)
    shipped = _read_shipped(str(reference))
    if shipped is not None:
        return shipped
    names = shipped_profiles()
    hint = _close(str(reference), names)
    raise ProfileError(
        [Problem(str(reference), 0, 0, "", "no such file and no profile of this name", ", ".join(names), hint)]
    )


def _close(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def _read_shipped(name: str) -> Source | None:
    if name not in shipped_profiles():
        return None
    with resources.as_file(resources.files("profiles") / f"{name}.yaml") as path:
        return read_source(path)


def _check_head(source: Source) -> list[Problem]:
    """``schema`` and ``kind``: with another format nothing else of the file can be judged."""
    problems: list[Problem] = []
    for key, right in (("schema", SCHEMA), ("kind", "station")):
        given = source.data.get(key)
        if given == right and type(given) is type(right):
            continue
        place = source.values.get((key,), source.values[()])
        what = f"this version reads {key} {right!r} only, the file says {given!r}"
        if key not in source.data:
            what = f"this key is required; write '{key}: {right}'"
        problems.append(Problem(source.file, place.line, place.column, key, what, str(right)))
    return problems


def _parent(source: Source, folder: Path, problems: list[Problem]) -> Source | None:
    """The inherited file, or ``None``; faults go to ``problems``."""
    name = source.data.get("inherits")
    if name is None:
        return None
    place = source.values[("inherits",)]
    if not isinstance(name, str) or not name or looks_like_path(name):
        problems.append(_at(place, "the name of a profile belongs here, without folder and ending"))
        return None
    beside = folder / f"{name}.yaml"
    try:
        # A file beside this one wins over a shipped profile of the same name.
        parent = read_source(beside) if beside.is_file() else _read_shipped(name)
    except ProfileError as error:
        problems.extend(error.problems)
        return None
    except (OSError, ValueError):
        parent = None
    if parent is None:
        names = shipped_profiles()
        problems.append(_at(place, f"there is no profile {name!r}", ", ".join(names), _close(name, names)))
        return None
    if Path(parent.file).resolve() == Path(source.file).resolve():
        problems.append(_at(place, "a profile cannot inherit itself"))
        return None
    head = _check_head(parent)
    problems.extend(head)
    if parent.data.get("inherits") is not None:
        problems.append(_at(place, f"{name!r} itself inherits another profile; only one level is possible"))
        return None
    return None if head else parent


def _check_defaults(data: dict[str, Value], places: Places, problems: list[Problem]) -> None:
    """``outlet_defaults`` must be a mapping without ``number``; its content is checked outlet by outlet."""
    if "outlet_defaults" not in data:
        return
    path: Key = ("outlet_defaults",)
    defaults = data["outlet_defaults"]
    if not isinstance(defaults, dict):
        problems.append(_at(places.of_value(path), "is of the wrong type", "a mapping of keys"))
    elif "number" in defaults:
        mark = places.of_key((*path, "number"))
        problems.append(_at(mark, "a default number makes no sense; give each outlet its own"))
        data["outlet_defaults"] = {key: value for key, value in defaults.items() if key != "number"}


def _validate(
    data: dict[str, Value], places: Places, problems: list[Problem], *, orphan: bool
) -> StationProfile | None:
    """Validate; on faults, try again without the faulty keys so that the rules can still be checked on the rest.

    ``orphan``: the file that it inherits could not be had, so that nothing is known of the keys that are missing.
    """
    wrong: list[Key] = []
    try:
        model = StationProfile.model_validate(data)
    except ValidationError as error:
        found = [item for item in error.errors(include_url=False) if not (orphan and item["type"] == "missing")]
        problems.extend(explain(item, places) for item in found)
        wrong = [item["loc"] for item in found]
        if any(isinstance(path[-1], int) for path in wrong):
            return None  # without a list's entry the others would be judged at the wrong place
        try:
            model = StationProfile.model_validate(_without(data, wrong))
        except ValidationError:
            return None
    for finding in check_rules(model):
        if not any(_touches(path, bad) for path in (finding.path, *finding.also) for bad in wrong):
            problems.append(_at(places.of_value(finding.path), finding.what, finding.allowed, finding.hint))
    return model


def _touches(path: Key, bad: Key) -> bool:
    shorter = min(len(path), len(bad))
    return path[:shorter] == bad[:shorter]


def _without(data: dict[str, Value], paths: list[Key]) -> Any:
    """A copy of ``data`` without the values at ``paths``; a required key gets a stand-in that breaks no rule."""

    def prune(value: Value, path: Key) -> Any:
        if isinstance(value, dict):
            return {key: prune(item, (*path, key)) for key, item in value.items() if (*path, key) not in gone}
        if isinstance(value, list):
            return [prune(item, (*path, index)) for index, item in enumerate(value)]
        return value

    gone = set(paths)
    rest = prune(data, ())
    for path in paths:
        if path in (("name",), ("family",)):
            rest[path[0]] = "other"
        elif len(path) == 3 and path[0] == "outlets" and path[2] == "number":
            rest["outlets"][path[1]]["number"] = int(path[1]) % 2 + 1
    return rest


def _at(place: Mark, what: str, allowed: str = "", hint: str = "") -> Problem:
    return Problem(place.file, place.line, place.column, key_text(place.key), what, allowed, hint)
