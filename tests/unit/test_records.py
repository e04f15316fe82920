"""Records keep what a data class of the standard library promises, and write their methods late."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import typing
from typing import ClassVar

import pytest

import evse.core
import evse.exchange
import hal
from evse import records
from evse.records import dataclass


@dataclass(frozen=True, slots=True)
class Base:
    kind: ClassVar[str] = "base"
    number: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Derived(Base):
    notes: list[str] = dataclasses.field(default_factory=list, compare=False)
    hidden: int = dataclasses.field(default=7, repr=False)


@dataclass(slots=True)
class Changing:
    level: int = 0
    seen: list[int] = dataclasses.field(default_factory=list)
    sum: int = dataclasses.field(init=False, default=0)

    def __post_init__(self) -> None:
        self.sum = self.level + len(self.seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    first: int
    second: int = 2


def standard(cls: type) -> type:
    """The same class as the standard library makes it."""
    namespace = {name: value for name, value in cls.__dict__.items() if name in ("__annotations__", "__module__")}
    defaults = {each.name: each.default for each in dataclasses.fields(cls) if each.default is not dataclasses.MISSING}
    return dataclasses.dataclass(frozen=True, slots=True)(type(cls.__name__, (), {**namespace, **defaults}))


def test_values_defaults_and_text_are_those_of_the_standard_library() -> None:
    made, theirs = Base(3, names=("a",)), standard(Base)(3, names=("a",))
    assert dataclasses.asdict(made) == dataclasses.asdict(theirs) == {"number": 3, "names": ("a",)}
    assert repr(made) == repr(theirs) == "Base(number=3, names=('a',))"
    assert hash(made) == hash(theirs)
    assert Base.__match_args__ == theirs.__match_args__ == ("number", "names")
    assert not hasattr(made, "__dict__")
    assert Base.kind == "base"


def test_a_record_equals_only_its_own_class_and_what_is_compared() -> None:
    assert Base(1) == Base(1)
    assert Base(1) != Base(2)
    assert Base(1) != Derived(1)
    assert Derived(1, notes=["x"]) == Derived(1)
    assert Derived(1, hidden=8) != Derived(1)
    assert hash(Derived(1, notes=["x"])) == hash(Derived(1))
    assert Base(1).__eq__(1) is NotImplemented


def test_inherited_fields_come_first_and_factories_make_new_values() -> None:
    one, other = Derived(1, ("a",)), Derived(1, ("a",))
    assert (one.number, one.names, one.notes, one.hidden) == (1, ("a",), [], 7)
    assert one.notes is not other.notes
    assert repr(one) == "Derived(number=1, names=('a',), notes=[])"


def test_wrong_arguments_are_refused_at_the_first_and_every_further_call() -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match="number"):
            Base()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="unknown"):
            Base(1, unknown=1)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="positional"):
            Named(1)  # type: ignore[call-arg]
    assert Named(first=1) == Named(second=2, first=1)


def test_a_frozen_record_refuses_to_be_changed() -> None:
    made = Derived(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'number'"):
        made.number = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'number'"):
        del made.number
    assert made.number == 1


def test_a_changing_record_changes_has_no_hash_and_is_looked_at_after_its_making() -> None:
    made = Changing(2, [5])
    assert made.sum == 3
    made.level = 9
    assert dataclasses.replace(made, level=1).sum == 2
    assert made.level == 9
    with pytest.raises(TypeError, match="unhashable"):
        hash(made)
    with pytest.raises(TypeError):
        Changing(sum=1)  # type: ignore[call-arg]


def test_copies_and_what_is_sent_to_another_process_are_equal() -> None:
    for made in (Base(1, ("a",)), Derived(1, notes=["x"]), Changing(1, [2])):
        assert copy.copy(made) == made
        assert copy.deepcopy(made) == made
        assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301  # our own bytes
    assert dataclasses.replace(Derived(1, notes=["x"]), number=2) == Derived(2)
    assert dataclasses.replace(Derived(1, notes=["x"]), number=2).notes == ["x"]


def test_signature_and_annotations_are_there_before_the_first_instance() -> None:
    @dataclass(frozen=True, slots=True)
    class Late:
        value: int
        names: tuple[str, ...] = ()

    class Other(Late):
        def __init__(self) -> None:
            super().__init__(1)

    assert str(inspect.signature(Late)) == "(value: 'int', names: 'tuple[str, ...]' = ()) -> None"
    assert typing.get_type_hints(Late.__init__) == {"value": int, "names": tuple[str, ...], "return": type(None)}
    assert str(inspect.signature(Named)) == "(*, first: 'int', second: 'int' = 2) -> None"
    assert not inspect.signature(Other).parameters
    assert Late(1, names=("a",)).names == ("a",)


def test_a_mutable_default_is_refused() -> None:
    with pytest.raises(ValueError, match="mutable default"):

        @dataclass(frozen=True, slots=True)
        class Shared:
            values: list[int] = []  # noqa: RUF012


def test_a_record_without_slots_is_refused() -> None:
    with pytest.raises(TypeError, match="slots"):

        @dataclass(slots=False)
        class Plain:
            value: int


def test_methods_are_written_by_the_first_call_or_ahead() -> None:
    records.finish(10_000)

    @dataclass(frozen=True, slots=True)
    class Late:
        value: int

    @dataclass(frozen=True, slots=True)
    class Used:
        value: int

    before = Used.__init__, Late.__init__
    assert Used(1) == Used(1)
    assert Used.__init__ is not before[0]
    assert Late.__init__ is before[1]
    written = Used.__init__
    assert records.finish(1)
    assert not records.finish(10_000)
    assert Used.__init__ is written
    assert Late.__init__ is not before[1]
    assert Late(1) == Late(value=1)


def test_every_record_of_control_can_be_written_ahead() -> None:
    found: set[type] = set()
    for package in (evse.core, evse.exchange, hal):
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(each.name)
            found.update(value for value in vars(module).values() if isinstance(value, type))
    records.finish(10_000)
    found = {each for each in found if dataclasses.is_dataclass(each)}
    assert len(found) > 150
    for cls in found:
        code = vars(cls)["__init__"].__code__
        needed = {field.name for field in dataclasses.fields(cls) if field.init}
        assert needed == set(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]), cls
