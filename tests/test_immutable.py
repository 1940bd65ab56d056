"""`immutable` makes what ``dataclasses.dataclass(frozen=True)`` makes, but for how long it takes."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields, replace
from typing import Any, ClassVar

import pytest

from lrdecay_native.immutable import immutable, set_fields

WAYS = [immutable, dataclass(frozen=True)]


@immutable
class Stored:
    """At the top level of a module, where pickle finds it."""

    number: float


def made(way: Callable[[Any], Any]) -> Any:
    """A class with all that fields may have."""

    @way
    class Example:
        """With a docstring."""

        first: int
        second: float = 2.5
        others: list[int] = field(default_factory=list)
        shared: ClassVar[int] = 7
        named: str = field(default="a", kw_only=True)
        needed: bool = field(kw_only=True)

        def __post_init__(self) -> None:
            set_fields(self, second=float(self.second))

    return Example


BOTH = [made(way) for way in WAYS]


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or the error that it raises."""
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


CALLS: list[Callable[[Any], Any]] = [
    lambda cls: repr(cls(1, needed=True)),
    lambda cls: repr(cls(1, 2, [3], named="b", needed=False)),
    lambda cls: cls(1, needed=True) == cls(1, 2.5, [], needed=True),
    lambda cls: cls(1, needed=True) == cls(2, needed=True),
    lambda cls: cls(1, needed=True) == 1,
    lambda cls: cls(1, needed=True).others is cls(1, needed=True).others,
    lambda cls: hash(cls(1, 2.0, (), needed=True)) == hash(cls(1, 2.0, (), needed=True)),
    lambda cls: hash(cls(1, needed=True)),
    lambda cls: cls(),
    lambda cls: cls(1),
    lambda cls: cls(1, 2, [], "b", needed=True),
    lambda cls: cls(1, needed=True, wrong=2),
    lambda cls: setattr(cls(1, needed=True), "first", 2),
    lambda cls: setattr(cls(1, needed=True), "other", 2),
    lambda cls: delattr(cls(1, needed=True), "first"),
    lambda cls: repr(replace(cls(1, needed=True), second=4)),
    lambda cls: replace(cls(1, needed=True), wrong=4),
    lambda cls: str(inspect.signature(cls)).replace(repr(MISSING), "<factory>"),
    lambda cls: cls.__init__.__annotations__,
    lambda cls: cls.__match_args__,
    lambda cls: [parameter.name for parameter in fields(cls)],
    lambda cls: (cls.__doc__, cls.__name__, cls.__dataclass_params__.frozen),
    lambda cls: repr(copy.deepcopy(cls(1, needed=True))),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_it_is_a_frozen_dataclass(number: int) -> None:
    ours, theirs = (outcome(lambda cls=cls: CALLS[number](cls)) for cls in BOTH)
    assert ours == theirs


def test_pickle() -> None:
    assert pickle.loads(pickle.dumps(Stored(0.5))) == Stored(0.5)


@pytest.mark.parametrize("outer", WAYS)
def test_subclasses(outer: Callable[[Any], Any]) -> None:
    @immutable
    class Base:
        number: float

    @outer
    class Derived(Base):
        other: float = 1.0

    @outer
    class Third(Derived):
        last: float = 0.0

    assert Third(2.0, 1.0) == Third(2.0) != Third(2.0, last=1.0)
    assert repr(Derived(2.0)).endswith("Derived(number=2.0, other=1.0)")
    assert Derived(2.0) == Derived(2.0, 1.0) != Derived(2.0, 3.0)
    assert Derived(2.0) != Base(2.0)
    with pytest.raises(FrozenInstanceError):
        Derived(2.0).number = 3.0


def test_other_dataclasses_have_no_immutable_subclasses() -> None:
    """Equality would be what `dataclasses` compiled for the fields of the base."""

    @dataclass(frozen=True)
    class Base:
        number: float

    with pytest.raises(TypeError, match="Derived is derived from must be immutable ones"):

        @immutable
        class Derived(Base):
            pass


def test_own_methods_stay() -> None:
    class Named:
        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 5

        def __repr__(self) -> str:
            return "named"

    @immutable
    class Derived(Named):
        number: float

    assert Derived(1.0) == Derived(2.0)
    assert (hash(Derived(1.0)), repr(Derived(1.0))) == (5, "named")
