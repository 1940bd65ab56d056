"""Values that are made of others like them, hundreds deep: compared, hashed and shown without deep recursion."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from lrdecay_native.caching import cached
from lrdecay_native.messages import shown

if TYPE_CHECKING:
    from lrdecay_native.schedules.base import Schedule

DEEPEST = 500
"""How deep the schedules that another one is made of may be nested."""

MOST_NESTED = 100
"""How many of them may have pieces inside of their pieces: what evaluates those recurses."""

SHALLOW = 32
"""So many nested schedules may be gone into by recursion."""


class Nested:
    """An immutable value, equal to those of its class with equal fields; a copy of one is itself."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        pending: list[tuple[Any, Any]] = [(self, other)]
        seen = set()
        while pending:
            one, another = pending.pop()
            if one is another or (id(one), id(another)) in seen:
                continue
            if type(one) is not type(another):
                return False
            seen.add((id(one), id(another)))
            for parameter in fields(one):
                pair = getattr(one, parameter.name), getattr(another, parameter.name)
                if isinstance(pair[0], Nested) and isinstance(pair[1], Nested):
                    pending.append(pair)
                elif pair[0] is not pair[1] and pair[0] != pair[1]:
                    return False
        return True

    def __hash__(self) -> int:
        return self._hash

    @cached
    def _hash(self) -> int:
        self._ask_within("_hash")
        return hash(tuple(getattr(self, parameter.name) for parameter in fields(self)))

    def __repr__(self) -> str:
        text: list[str] = []
        pending: list[str | Nested] = [self]
        while pending:
            value = pending.pop()
            if isinstance(value, str):
                text.append(value)
            elif value is self or type(value).__repr__ is Nested.__repr__:
                pending.extend(reversed(value._tokens()))
            else:
                text.append(repr(value))
        return "".join(text)

    def _tokens(self) -> list[str | Nested]:
        """What the repr consists of: texts and values."""
        tokens: list[str | Nested] = [f"{type(self).__name__}("]
        for place, parameter in enumerate(fields(self)):
            value = getattr(self, parameter.name)
            tokens += [f", {parameter.name}="] if place else []
            tokens += [value if isinstance(value, Nested) else repr(value)]
        return [*tokens, ")"]

    def _within(self) -> list[Any]:
        """The values that this one is made of."""
        values = (getattr(self, parameter.name) for parameter in fields(self))
        return [value for value in values if isinstance(value, Nested)]

    @cached
    def _depth(self) -> int:
        """How many values there are on the longest way into it."""
        return 1 + max([value._depth for value in self._within()], default=0)

    @cached
    def _nesting(self) -> int:
        """How many values there are on the longest way into it whose rates are those of others inside."""
        return self._nests + max([value._nesting for value in self._within()], default=0)

    @property
    def _nests(self) -> bool:
        """Whether it has the pieces of the schedules that it is made of inside of its own."""
        return False

    def _all_within(self) -> list[Any]:
        """The value and all inside of it, each after those that it is made of."""
        found: dict[int, Nested] = {}
        pending: list[Nested] = [self]
        while pending:
            value = pending.pop()
            if id(value) not in found:
                found[id(value)] = value
                pending.extend(value._within())
        return sorted(found.values(), key=lambda value: value._depth)

    def _ask_within(self, name: str) -> None:
        """Let values inside compute what is cached under a name, so that no recursion gets deep."""
        if self._depth > SHALLOW:
            for value in self._all_within()[:-1]:
                if value._depth % SHALLOW == 0:
                    getattr(value, name)


def schedule_given(name: str, value: Any) -> Schedule:
    """A schedule that another one may be made of."""
    schedule: Schedule = value
    if isinstance(value, type) and issubclass(value, Nested):
        raise TypeError(
            f"{name}={shown(value)} must be a Schedule, not the class: write {value.__name__}(...)"
        )
    if not isinstance(schedule, Nested):
        raise TypeError(f"{name}={shown(value)} must be a Schedule, not {type(value).__name__}")
    if schedule._depth > DEEPEST:
        raise ValueError(
            f"{name} is {schedule._depth} schedules deep; what is composed may be {DEEPEST} deep"
        )
    if schedule._nesting > MOST_NESTED:
        raise ValueError(
            f"{name} has {schedule._nesting} sums, products, restarts and staircases inside one another; what is "
            f"composed may have {MOST_NESTED} (a sum of many has fewest if they are added in pairs)"
        )
    return schedule
