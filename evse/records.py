"""``dataclass`` with slots, whose methods are written when they are first needed.

The firmware has some four hundred plain records, a process uses a part of those it loads, and the standard library compiles six methods for
each of them at import: that was half of a start. Here a class keeps all that ``dataclasses`` knows of it (``fields``,
``replace``, ``asdict``, matching, pickling work as ever), but ``__init__``, ``__eq__`` and ``__hash__`` compile themselves at
their first call, and a frozen record assigns its slots through their descriptors, which needs half the time of ``object.__setattr__``.

Differences from the standard library: only records with slots and comparison, no order; a field without a default after one with a default is found by the first instance,
and before that by the type checker.

This module stands below all layers: it imports nothing of the project.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterable
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass", "finish"]

if TYPE_CHECKING:
    # For the type checker a record is what it looks like.
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool = False, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """The decorator. ``slots`` has to be true; ``frozen`` and ``kw_only`` mean what they mean in ``dataclasses``."""
        if not slots:
            raise TypeError("a record has slots: dataclass(slots=True)")
        return lambda cls: _record(cls, frozen=frozen, kw_only=kw_only)


_UNFINISHED: Final[list[type]] = []
"""Records that may still have methods to write; for :func:`finish`."""
_NOT_GIVEN: Final = object()
"""Default of a parameter whose field is made by a factory."""


def finish(most: int) -> bool:
    """Write the methods of at most ``most`` records, some 0.3 ms each; return whether there are more.

    For processes that must not be late when the first record of its kind comes.
    """
    while _UNFINISHED and most > 0:
        cls = _UNFINISHED.pop()
        found = [name for name in _WRITERS if getattr(cls.__dict__[name], "__code__", None) is _FIRST_CALL]
        for name in found:
            setattr(cls, name, _WRITERS[name](cls))
        most -= bool(found)
    return bool(_UNFINISHED)


def _record(cls: Any, *, frozen: bool, kw_only: bool) -> type:
    own = cls.__dict__
    if cls.__doc__ is None:
        cls.__doc__ = cls.__name__  # else a text is made of the signature, which takes longer than all the rest
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    for name in ("__init__", "__eq__"):
        if name not in own:
            setattr(made, name, _at_first_call(made, name))
    if "__init__" not in own:
        made.__signature__ = _SIGNATURE
    if "__repr__" not in own:
        made.__repr__ = _repr
    if own.get("__hash__") is None:
        made.__hash__ = _at_first_call(made, "__hash__") if frozen else None
    if frozen:
        made.__setattr__, made.__delattr__ = _refusals(made)
        made.__getstate__, made.__setstate__ = _state, _set_state
    _UNFINISHED.append(made)
    return made  # type: ignore[no-any-return]  # what the decorator of the standard library makes of a class


def _at_first_call(cls: Any, name: str) -> Callable[..., Any]:
    """A method that replaces itself at its first call by what its writer makes for ``cls``."""

    def first_call(self: object, *args: object, **named: object) -> Any:
        method = _WRITERS[name](cls)
        setattr(cls, name, method)
        return method(self, *args, **named)

    return first_call


_FIRST_CALL: Final = _at_first_call(object, "").__code__


class _Signature:
    """``__signature__`` of every record, for ``inspect``: that of ``__init__``, which is written for it."""

    def __get__(self, instance: object, owner: Any) -> inspect.Signature:
        """Raises AttributeError for an instance, and for a subclass that is no record: it may have another ``__init__``."""
        if instance is not None or "__dataclass_fields__" not in vars(owner):
            raise AttributeError("__signature__")
        if vars(owner)["__init__"].__code__ is _FIRST_CALL:
            owner.__init__ = _init(owner)
        whole = inspect.signature(owner.__init__)
        return whole.replace(parameters=list(whole.parameters.values())[1:])


_SIGNATURE: Final = _Signature()


def _refusals(cls: Any) -> tuple[Callable[..., None], Callable[..., None]]:
    """``__setattr__`` and ``__delattr__`` of a frozen record; a subclass that is no record may have attributes of its own."""
    names = frozenset(cls.__dataclass_fields__)

    def refuse_setting(self: Any, name: str, value: object) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def refuse_deleting(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return refuse_setting, refuse_deleting


@recursive_repr()
def _repr(self: Any) -> str:
    shown = ", ".join([f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr])
    return f"{type(self).__qualname__}({shown})"


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


def _init(cls: Any) -> Callable[..., None]:
    """``__init__``: parameters in the order of the fields, those by keyword only last; then ``__post_init__``."""
    given: list[str] = []
    by_name: list[str] = []
    body: list[str] = []
    frozen = cls.__setattr__ is not object.__setattr__
    values: dict[str, Any] = {"_not_given": _NOT_GIVEN}
    for each in dataclasses.fields(cls):
        name, value, default = each.name, each.name, ""
        if each.default_factory is not dataclasses.MISSING:
            values[f"_make_{name}"] = each.default_factory
            value = f"(_make_{name}() if {name} is _not_given else {name})" if each.init else f"_make_{name}()"
            default = "=_not_given"
        elif each.default is not dataclasses.MISSING:
            values[f"_default_{name}"] = each.default
            value = name if each.init else f"_default_{name}"
            default = f"=_default_{name}"
        elif not each.init:
            continue
        if each.init:
            (by_name if each.kw_only else given).append(name + default)
        if frozen:
            values[f"_set_{name}"] = getattr(cls, name).__set__
        body.append(f"_set_{name}(self, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ["self", *given, *(["*", *by_name] if by_name else [])]
    method = _written(cls, "__init__", parameters, body or ["pass"], values)
    method.__annotations__ = {each.name: each.type for each in dataclasses.fields(cls) if each.init} | {"return": None}
    return method


def _eq(cls: Any) -> Callable[..., bool]:
    """``__eq__``: records of one class whose compared fields are equal."""
    names = [each.name for each in dataclasses.fields(cls) if each.compare]
    body = [
        "if self is other: return True",
        f"if self.__class__ is other.__class__: return {_tuple('self', names)} == {_tuple('other', names)}",
        "return NotImplemented",
    ]
    return _written(cls, "__eq__", ["self", "other"], body, {})


def _hash(cls: Any) -> Callable[..., int]:
    """``__hash__`` over the fields that make equality."""
    names = [each.name for each in dataclasses.fields(cls) if (each.compare if each.hash is None else each.hash)]
    return _written(cls, "__hash__", ["self"], [f"return hash({_tuple('self', names)})"], {})


_WRITERS: Final[dict[str, Callable[[Any], Callable[..., Any]]]] = {"__init__": _init, "__eq__": _eq, "__hash__": _hash}


def _tuple(owner: str, names: Iterable[str]) -> str:
    return f"({''.join(f'{owner}.{name}, ' for name in names)})"


def _written(
    cls: type, name: str, parameters: Iterable[str], body: Iterable[str], values: dict[str, Any]
) -> Callable[..., Any]:
    """The function of that text, which sees ``values`` as variables of the function around it: the fastest there are."""
    lines = [f"def write({', '.join(values)}):", f" def {name}({', '.join(parameters)}):"]
    text = "\n".join([*lines, *(f"  {line}" for line in body), f" return {name}"])
    scope: dict[str, Any] = {}
    # In the class's module, where the names in annotations mean something.
    around = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
    exec(compile(text, f"<record {cls.__qualname__}>", "exec"), around, scope)  # noqa: S102  # names of fields only
    function: Callable[..., Any] = scope["write"](**values)
    function.__qualname__ = f"{cls.__qualname__}.{name}"
    return function
