"""Kinds that answer for themselves: a kind without an answer to something is an error where its class is defined.

What is asked of each kind of a family is an abstract method, or, where its answer needs modules that the kind's own
must not import, an `Operation`: one table with a function for each kind.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")


class Kind(ABC):
    """The base class of families, and of all kinds within them.

    A family is a subclass with ``abstract=True``; every other subclass is a kind, of all families that it is within.
    """

    _kinds: ClassVar[list[type[Kind]]]
    _operations: ClassVar[list[Operation[Any]]]

    def __init_subclass__(cls, *, abstract: bool = False, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if abstract:
            cls._kinds, cls._operations = [], []
            return
        missing = sorted(
            name for name in dir(cls) if getattr(getattr(cls, name, None), "__isabstractmethod__", False)
        )
        if missing:
            raise TypeError(f"{cls.__name__} must define {', '.join(missing)}")
        families = [base for base in cls.__mro__ if issubclass(base, Kind) and "_kinds" in vars(base)]
        for family in families:
            for operation in family._operations:
                operation.enter(cls)
        for family in families:
            family._kinds.append(cls)


class Operation(Generic[T]):
    """What is asked of every kind of a family, with the functions that answer.

    Parameters
    ----------
    name : str
        What is asked, for the message that a kind has no answer.
    family : type
        The family.
    answers : dict
        A function for each kind, or for a family within the family; called with a thing of that kind first.
    """

    def __init__(self, name: str, family: type[Kind], answers: Mapping[type[Kind], Callable[..., T]]) -> None:
        self._name = name
        self._family = family
        self._answers = dict(answers)
        self._of_kind: dict[type, Callable[..., T]] = {}
        for kind in family._kinds:
            self.enter(kind)
        family._operations.append(self)

    def enter(self, kind: type[Kind]) -> None:
        """Take a kind in, with its own answer or that of its nearest base class."""
        answer = next((self._answers[base] for base in kind.__mro__ if base in self._answers), None)
        if answer is None:
            raise TypeError(
                f"{kind.__name__} is a kind of {self._family.__name__} without an answer to {self._name!r}"
            )
        self._of_kind[kind] = answer

    def __getitem__(self, thing: Kind) -> Callable[..., T]:
        """The function that answers for a thing, to be called with it: one call less where calls nest deeply."""
        return self._of_kind[type(thing)]

    def __call__(self, thing: Kind, /, *arguments: Any) -> T:
        return self[thing](thing, *arguments)
