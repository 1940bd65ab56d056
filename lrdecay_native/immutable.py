"""Immutable objects: dataclasses of which only ``__init__`` is made class by class.

`dataclasses.dataclass` with ``frozen=True`` compiles five functions for every class, which was half of the time that
importing the library took.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[T], T]:
        """Tell type checkers what a decorator does: Python has it from 3.11 on."""
        return lambda decorator: decorator


class Immutable:
    """The base of the classes that `immutable` makes: their fields can't be set again."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")


def set_fields(instance: Any, /, **values: Any) -> None:
    """Set fields of an immutable object that is being made."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def immutable(cls: type[T]) -> type[T]:
    """Make a subclass of `Immutable` a dataclass with the methods that it inherits, and ``__post_init__`` if any."""
    made = dataclass(init=False, repr=False, eq=False)(cls)
    # So that subclasses may be frozen dataclasses.
    made.__dataclass_params__.frozen = True  # type: ignore[attr-defined]
    setattr(made, "__init__", _constructor(made))  # noqa: B010 - a type checker knows it already
    return made


def _constructor(cls: Any) -> Callable[..., None]:
    """``__init__`` as `dataclasses.dataclass` writes it for frozen classes."""
    scope: dict[str, Any] = {"put": object.__setattr__}
    by_position, by_name, body = ["self"], list[str](), list[str]()
    for parameter in fields(cls):
        text = parameter.name
        if parameter.default is not MISSING:
            scope[f"default_{text}"] = parameter.default
            text = f"{text}=default_{text}"
        (by_name if parameter.kw_only else by_position).append(text)
        body.append(f"put(self, {parameter.name!r}, {parameter.name})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    given = ", ".join([*by_position, *(["*", *by_name] if by_name else [])])
    exec(f"def __init__({given}): " + "; ".join(body or ["pass"]), scope)
    constructor: Callable[..., None] = scope["__init__"]
    constructor.__qualname__ = f"{cls.__qualname__}.__init__"
    constructor.__module__ = cls.__module__
    constructor.__annotations__ = {**{p.name: p.type for p in fields(cls)}, "return": None}
    return constructor
