"""Schedules as dictionaries, as JSON and as pickles, and back."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from lrdecay_native.formulas.synonyms import hints
from lrdecay_native.immutable import set_fields
from lrdecay_native.messages import depth_of_json, short_messages, shown
from lrdecay_native.schedules.arguments import what_was_stored
from lrdecay_native.schedules.nested import DEEPEST, SHALLOW, Nested, schedule_given
from lrdecay_native.schedules.registry import all_schedules

if TYPE_CHECKING:
    from lrdecay_native.schedules.base import Schedule

VERSION = 1
"""The version of the dictionary form of a schedule."""


class Stored(Nested):
    """A value that can be written as a dictionary, as JSON and as a pickle."""

    def to_dict(self) -> dict[str, Any]:
        """The schedule as a dictionary of JSON's types, with a version.

        Returns
        -------
        dict
            ``{"version": 1, "class": class name, ...parameters}``; `from_dict` reads it back.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> lrd.StepDecay(0.1, 0.96, 1000).to_dict()["drop_rate"]
        0.96
        """
        result: dict[str, Any] = {"version": VERSION}
        pending: list[tuple[Nested, dict[str, Any]]] = [(self, result)]
        while pending:
            schedule, description = pending.pop()
            description["class"] = type(schedule).__name__
            for name, value in _state(schedule).items():
                if isinstance(value, Nested):
                    description[name] = {}
                    pending.append((value, description[name]))
                else:
                    description[name] = list(value) if isinstance(value, tuple) else value
        return result

    def to_json(self) -> str:
        """The schedule as JSON text; `from_json` reads it back.

        Examples
        --------
        >>> import lrdecay_native as lrd
        >>> s = lrd.ExponentialDecay(0.1, decay_rate=1e-4)
        >>> lrd.from_json(s.to_json()) == s
        True
        """
        import json

        return json.dumps(self.to_dict(), allow_nan=False)

    def __getstate__(self) -> dict[str, Any]:
        return _state(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        _bring_up_to_date(type(self), state)
        known = {parameter.name for parameter in fields(self)}
        # Names that begin so are those of what early versions stored beside the parameters.
        unknown = {name for name in set(state) - known if not name.startswith("_")}
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has no parameter {', '.join(sorted(map(repr, unknown)))}; "
                "the state was stored by another version"
            )
        set_fields(self, **{name: value for name, value in state.items() if name in known})
        for schedule in self._within():
            schedule_given("schedule", schedule)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self._depth <= SHALLOW:
            return _unfilled, (_name_of(type(self)),), _state(self)
        # pickle would go from each schedule into the one inside.
        schedules = self._all_within()
        places = {id(schedule): place for place, schedule in enumerate(schedules)}
        states = [
            (
                _name_of(type(schedule)),
                [(name, *_placed(value, places)) for name, value in _state(schedule).items()],
            )
            for schedule in schedules
        ]
        return _from_states, (states,)


def _state(schedule: Nested) -> dict[str, Any]:
    """The parameters: what is cached on an instance follows from them."""
    return {parameter.name: getattr(schedule, parameter.name) for parameter in fields(schedule)}


def _placed(value: Any, places: dict[int, int]) -> tuple[bool, Any]:
    """Whether a value is one of some schedules, and its place among them or itself."""
    return (True, places[id(value)]) if isinstance(value, Nested) else (False, value)


# What pickles name: for good in the package, whatever module of it these are in.


def _name_of(cls: type[Any]) -> Any:
    """What pickles have for a class: its name if it is the library's, which may be moved to another module."""
    own = cls.__module__.startswith("lrdecay_native.") and all_schedules().get(cls.__name__) is cls
    return cls.__name__ if own else cls


def _unfilled(name: str | type[Schedule]) -> Schedule:
    """A schedule whose parameters are still to come, of a class or the one of that name."""
    cls = all_schedules()[name] if isinstance(name, str) else name
    made: Schedule = cls.__new__(cls)
    return made


def _from_states(states: list[tuple[str | type[Schedule], list[tuple[str, bool, Any]]]]) -> Schedule:
    """Make the last of some schedules, each of which is made of those before it."""
    made: list[Schedule] = []
    for name, state in states:
        schedule = _unfilled(name)
        schedule.__setstate__({name: made[value] if placed else value for name, placed, value in state})
        made.append(schedule)
    return made[-1]


_unfilled.__module__ = _from_states.__module__ = "lrdecay_native.schedules"


def from_dict(description: dict[str, Any]) -> Schedule:
    """Make the schedule that `Schedule.to_dict` described.

    Parameters
    ----------
    description : dict
        A dictionary made by ``to_dict``.

    Returns
    -------
    Schedule
        An equal schedule.

    Raises
    ------
    ValueError
        For another version, an unknown class, unknown or missing parameters, values out of range, or schedules
        that are nested more than 501 deep.
    TypeError
        For a value of a wrong kind.

    Examples
    --------
    >>> import lrdecay_native as lrd
    >>> lrd.from_dict(lrd.StepDecay(0.1, 0.96, 1000).to_dict())
    StepDecay(0.1, drop_rate=0.96, step_size=1000, staircase=True)
    """
    if not isinstance(description, dict):
        raise TypeError(f"a schedule's description must be a dictionary, not {type(description).__name__}")
    version = description.get("version")
    if type(version) is not int or version != VERSION:
        raise ValueError(f"version={shown(version)} is unknown; this release reads version {VERSION}")
    with what_was_stored(), short_messages():
        return _from_description({k: v for k, v in description.items() if k != "version"})


def _from_description(description: dict[str, Any]) -> Schedule:
    """Make the schedules inside before those that are made of them; all names are checked before."""
    found: list[tuple[type[Schedule], dict[str, Any], dict[str, Any], str]] = []
    result: dict[str, Any] = {}
    pending = [(description, result, "schedule", 1)]
    while pending:
        described, holder, place, depth = pending.pop()
        if depth > DEEPEST + 1:
            raise ValueError(f"schedules are nested more than {DEEPEST + 1} deep; at most so many are read")
        cls, parameters = _class_and_parameters(described)
        found.append((cls, parameters, holder, place))
        pending += [(v, parameters, k, depth + 1) for k, v in parameters.items() if isinstance(v, dict)]
    for cls, parameters, holder, place in reversed(found):
        holder[place] = cls(**parameters)
    schedule: Schedule = result["schedule"]
    return schedule


def _bring_up_to_date(cls: type[Nested], parameters: dict[str, Any]) -> None:
    """Read what was stored before a class had a parameter, or under its former name, as it was meant."""
    for parameter in fields(cls):
        if parameter.metadata.get("later") and parameter.name not in parameters:
            parameters[parameter.name] = parameter.default
        former = parameter.metadata.get("formerly")
        if former in parameters and parameter.name not in parameters:
            parameters[parameter.name] = parameters.pop(former)


def _class_and_parameters(description: dict[str, Any]) -> tuple[type[Schedule], dict[str, Any]]:
    name = description.get("class")
    cls = all_schedules().get(name) if isinstance(name, str) else None
    if cls is None:
        raise ValueError(
            f"class={shown(name)} is unknown; it must be one of {', '.join(sorted(all_schedules()))}; "
            "a formula of your own is known once the module that defines it is imported"
        )
    parameters = {k: v for k, v in description.items() if k != "class"}
    known = [parameter.name for parameter in fields(cls)]
    _bring_up_to_date(cls, parameters)
    if set(parameters) != set(known):
        unknown = sorted(set(parameters) - set(known), key=str)
        missing = sorted(set(known) - set(parameters))
        raise ValueError(
            f"{name} has the fields {', '.join(known)}; unknown: {shown(unknown)}, missing: {missing}"
            + hints(cls.__name__, map(str, unknown), missing)
        )
    return cls, parameters


def from_json(text: str | bytes) -> Schedule:
    """Make the schedule that `Schedule.to_json` wrote.

    Parameters
    ----------
    text : str or bytes
        JSON made by ``to_json``.

    Returns
    -------
    Schedule
        An equal schedule.

    Raises
    ------
    ValueError, TypeError
        For text that is no JSON or nested too deep, and as `from_dict`.
    """
    import json

    try:
        description = json.loads(text)
    except RecursionError:
        raise ValueError(
            f"the text of a schedule must be JSON, and {depth_of_json(text)} deep is too deep; schedules "
            f"may be nested {DEEPEST + 1} deep"
        ) from None
    except ValueError as error:
        raise ValueError(f"the text of a schedule must be JSON: {error}") from None
    return from_dict(description)
