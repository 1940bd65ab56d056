"""Values that follow from an object, computed once and kept with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


def computed_once(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """A function of an object that never changes, whose result is kept with the object."""
    name = f"_{function.__name__}"

    @wraps(function)
    def kept(instance: Any) -> T:
        if not hasattr(instance, name):
            # The objects are frozen, so not by setattr.
            object.__setattr__(instance, name, function(instance))
        value: T = getattr(instance, name)
        return value

    return kept


class cached(Generic[T]):  # noqa: N801 - a decorator, as property is
    """A property of an object that never changes, computed when it is first asked for.

    Unlike `functools.cached_property`, which has one lock for all objects of a class before Python 3.12, it takes
    none: two threads that ask for the same value at the same time may both compute it, and a fork beside a busy
    thread leaves nothing locked.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> cached[T]: ...

    @overload
    def __get__(self, instance: object, owner: type | None = None) -> T: ...

    def __get__(self, instance: object | None, owner: type | None = None) -> cached[T] | T:
        if instance is None:
            return self
        value = self._function(instance)
        # Found before this descriptor from now on; the objects are frozen, so not by setattr.
        object.__setattr__(instance, self._name, value)
        return value
