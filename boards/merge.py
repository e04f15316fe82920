"""Inheritance and outlet defaults: values are merged, and every value keeps the place where it was written.

Mappings are merged key by key, everything else (lists too) is replaced as a whole, ``null`` takes a device away.
"""

from __future__ import annotations

from boards.yaml_source import Key, Mark, Source, Value
from evse.records import dataclass

OWN_KEYS = ("schema", "kind", "name", "description", "inherits")
"""Keys that a profile does not take from the one it inherits."""


class Places:
    """Where values and keys of a merged profile were written."""

    def __init__(self, source: Source) -> None:
        self.values: dict[Key, Mark] = dict(source.values)
        self.keys: dict[Key, Mark] = dict(source.keys)
        self._origin = Mark(source.file, 0, 0, ())

    def of_value(self, path: Key) -> Mark:
        """Place of a value; for one that was not written, the place of the nearest part around it."""
        known = path
        while known and known not in self.values:
            known = known[:-1]
        mark = self.values.get(known, self._origin)
        return mark._replace(key=(*mark.key, *path[len(known) :]))

    def of_key(self, path: Key) -> Mark:
        """Place of a key, else as ``of_value``."""
        return self.keys.get(path) or self.of_value(path)

    def drop(self, path: Key) -> None:
        """Forget everything at and under ``path``."""
        for marks in (self.values, self.keys):
            for known in [key for key in marks if key[: len(path)] == path]:
                del marks[known]

    def copy(self, source: Places, old: Key, new: Key) -> None:
        """Take over everything at and under ``old`` of ``source`` as ``new``."""
        for mine, theirs in ((self.values, source.values), (self.keys, source.keys)):
            found = {(*new, *key[len(old) :]): mark for key, mark in theirs.items() if key[: len(old)] == old}
            mine.update(found)


def inherit(child: Source, parent: Source) -> tuple[dict[str, Value], Places]:
    """``child`` over ``parent``. Both hold mappings."""
    base: Value = {key: value for key, value in parent.data.items() if key not in OWN_KEYS}
    places = Places(parent)
    for key in OWN_KEYS:
        places.drop((key,))
    child_places = Places(child)
    top: Value = child.data
    merged = _over(base, top, _Spot(places, ()), _Spot(child_places, ()))
    places.values[()] = child_places.of_value(())
    return merged if isinstance(merged, dict) else {}, places


def spread_defaults(data: dict[str, Value], places: Places) -> dict[str, Value]:
    """Put ``outlet_defaults`` under each entry of ``outlets`` and remove it."""
    if "outlet_defaults" not in data:
        return data
    defaults, outlets = data["outlet_defaults"], data.get("outlets")
    rest = {key: value for key, value in data.items() if key != "outlet_defaults"}
    if isinstance(outlets, list) and isinstance(defaults, dict):
        rest["outlets"] = [_under(defaults, outlet, index, places) for index, outlet in enumerate(outlets)]
    return rest


def _under(defaults: dict[str, Value], outlet: Value, index: int, places: Places) -> Value:
    if not isinstance(outlet, dict):
        return outlet
    path: Key = ("outlets", index)
    own, own_place = Places(Source("", {})), places.of_value(path)
    own.copy(places, path, ())
    places.drop(path)
    places.copy(places, ("outlet_defaults",), path)
    merged = _over(dict(defaults), outlet, _Spot(places, path), _Spot(own, ()))
    places.values[path] = own_place
    places.keys.pop(path, None)
    return merged


@dataclass(frozen=True, slots=True)
class _Spot:
    """A path in a set of places."""

    places: Places
    path: Key

    def at(self, key: str) -> _Spot:
        return _Spot(self.places, (*self.path, key))


def _over(base: Value, top: Value, base_spot: _Spot, top_spot: _Spot) -> Value:
    """``top`` over ``base``; the places of what ``top`` says go into those of ``base``."""
    places = base_spot.places
    if not isinstance(base, dict) or not isinstance(top, dict):
        places.drop(base_spot.path)
        places.copy(top_spot.places, top_spot.path, base_spot.path)
        return top
    merged: dict[str, Value] = dict(base)
    for key, value in top.items():
        here, there = base_spot.at(key), top_spot.at(key)
        merged[key] = _over(base[key], value, here, there) if key in base else value
        places.copy(there.places, there.path, here.path)
    return merged
