"""Schedules from text, as the command line takes them."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from lrdecay_native.schedules import SCHEDULES, Schedule, from_json

EXAMPLE = "StepDecay(0.1, drop_rate=0.96, step_size=1000)"


def schedule_from_text(text: str) -> Schedule:
    """Read a schedule from its Python expression or from a JSON file.

    Parameters
    ----------
    text : str
        What a schedule's `repr` prints, with the arguments given by position or by name; or the
        path, ending in ``.json``, of a file holding what `to_json` returned.

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError
        If the text is neither, the file can't be read, or a parameter's value isn't allowed.
    TypeError
        If a parameter is missing, unknown or of the wrong type.

    Examples
    --------
    >>> schedule_from_text("StepDecay(0.1, drop_rate=0.96, step_size=1000)")(28_125)
    0.031885594968609536
    >>> schedule_from_text("InverseTimeDecay(0.1, decay_rate=1.0).per_epoch(1875)")(1875)
    0.05
    """
    if text.endswith(".json"):
        return _from_file(Path(text))
    try:
        expression = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(
            f"{text!r} isn't a schedule; write it as {EXAMPLE}, or give the path of a .json file"
        ) from None
    return _schedule(expression)


def _from_file(path: Path) -> Schedule:
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"{path}: {error.strerror}; a file holding a schedule's to_json() is expected"
        ) from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None


def _schedule(node: ast.expr) -> Schedule:
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in SCHEDULES:
            make = SCHEDULES[name]
        case ast.Call(func=ast.Attribute(value=inner, attr=name)):
            schedule = _schedule(inner)
            if name not in _compositions(type(schedule)):
                raise ValueError(
                    f"{ast.unparse(inner)} has no method {name} that makes a schedule; "
                    f"the methods are {', '.join(_compositions(type(schedule)))}"
                )
            make = getattr(schedule, name)
        case _:
            raise ValueError(
                f"{ast.unparse(node)} isn't a schedule; "
                f"write it as {EXAMPLE}; the schedules are {', '.join(SCHEDULES)}"
            )
    arguments = [_argument(argument) for argument in node.args]
    named = {keyword.arg: _argument(keyword.value) for keyword in node.keywords if keyword.arg}
    if len(named) < len(node.keywords):
        raise ValueError(f"{ast.unparse(node)}: write each parameter out, without **")
    made: Schedule = make(*arguments, **named)
    return made


def _argument(node: ast.expr) -> object:
    if isinstance(node, ast.Call):
        return _schedule(node)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise ValueError(
            f"{ast.unparse(node)} isn't a number, True, False or a schedule written out"
        ) from None


def _compositions(schedule_class: type[Schedule]) -> list[str]:
    """The public methods that are annotated to return a schedule."""
    return [
        name
        for name, method in inspect.getmembers(schedule_class, inspect.isfunction)
        if not name.startswith("_") and method.__annotations__.get("return") in {"Schedule", *SCHEDULES}
    ]
