"""Immutable objects: frozen dataclasses whose common methods are written once.

`dataclasses.dataclass` with ``frozen=True`` compiles five functions for every class, which was half of the time that
importing the library took.  Here ``__init__`` alone is compiled, for the classes that a program makes objects of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields, is_dataclass
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[T], T]:
        """Tell type checkers what a decorator does: Python has it from 3.11 on."""
        return lambda decorator: decorator


def set_fields(instance: Any, /, **values: Any) -> None:
    """Set fields of an immutable object that is being made."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def immutable(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass, equal and hashed by its fields unless it has or inherits other methods."""
    bases = [base for base in cls.__mro__[1:] if is_dataclass(base)]
    if any(base.__setattr__ is not _refuse_to_set for base in bases):
        raise TypeError(f"the dataclasses that {cls.__name__} is derived from must be immutable ones")
    # A dataclass whose bases are frozen must be; its own methods for that give way to the common ones.
    made: Any = dataclass(init=False, repr=False, eq=False, frozen=bool(bases))(cls)
    if bases:
        del made.__setattr__, made.__delattr__
    made.__init__ = _Constructor(made)
    made.__dataclass_params__.frozen = True
    for name, method in _COMMON.items():
        if getattr(made, name) is getattr(object, name):
            setattr(made, name, method)
    return cls


class _Constructor:
    """``__init__``, compiled when it is first asked for."""

    def __init__(self, cls: Any) -> None:
        self._class = cls

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        self._class.__init__ = _constructor(self._class)
        return self._class.__init__.__get__(instance, owner)


def _constructor(cls: Any) -> Callable[..., None]:
    """``__init__`` as `dataclasses.dataclass` writes it for frozen classes."""
    scope: dict[str, Any] = {"put": object.__setattr__, "missing": MISSING}
    by_position, by_name, body = ["self"], list[str](), list[str]()
    for parameter in fields(cls):
        name = value = text = parameter.name
        if parameter.default is not MISSING:
            scope[f"default_{name}"] = parameter.default
            text = f"{name}=default_{name}"
        elif parameter.default_factory is not MISSING:
            scope[f"make_{name}"] = parameter.default_factory
            text, value = f"{name}=missing", f"make_{name}() if {name} is missing else {name}"
        (by_name if parameter.kw_only else by_position).append(text)
        body.append(f"put(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    given = ", ".join([*by_position, *(["*", *by_name] if by_name else [])])
    exec(f"def __init__({given}): " + "; ".join(body or ["pass"]), scope)
    constructor: Callable[..., None] = scope["__init__"]
    constructor.__qualname__ = f"{cls.__qualname__}.__init__"
    constructor.__module__ = cls.__module__
    constructor.__annotations__ = {**{p.name: p.type for p in fields(cls)}, "return": None}
    return constructor


def _refuse_to_set(self: Any, name: str, value: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _values(instance: Any) -> tuple[Any, ...]:
    return tuple([getattr(instance, parameter.name) for parameter in fields(instance)])


def _equal(self: Any, other: Any) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


@recursive_repr()
def _repr(self: Any) -> str:
    values = ", ".join(f"{p.name}={getattr(self, p.name)!r}" for p in fields(self))
    return f"{type(self).__qualname__}({values})"


_COMMON = {
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _repr,
}
