"""Schedules from text, as the command line takes them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

from lrdecay_native.messages import LONGEST_MESSAGE, MOST_SHOWN, short_messages, shortened, shown
from lrdecay_native.schedules.base import Schedule
from lrdecay_native.schedules.nested import DEEPEST
from lrdecay_native.schedules.registry import all_schedules
from lrdecay_native.schedules.serialisation import from_json

EXAMPLE = "StepDecay(0.1, drop_rate=0.96, step_size=1000)"

_LIMIT = f"schedules may be nested {DEEPEST + 1} deep"


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
    with short_messages():
        return _from_file(Path(text)) if text.endswith(".json") else _from_expression(text.strip())


def _from_file(path: Path) -> Schedule:
    try:
        return from_json(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(
            f"{path}: {error.strerror}; a file holding a schedule's to_json() is expected"
        ) from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None


def _from_expression(text: str) -> Schedule:
    try:
        expression = ast.parse(text, mode="eval").body
    except (RecursionError, MemoryError):
        raise ValueError(f"{shown(text)} is nested too deep; {_LIMIT}") from None
    except (SyntaxError, ValueError):
        raise ValueError(
            f"{shown(text)} isn't a schedule; write it as {EXAMPLE}, or give the path of a .json file"
        ) from None
    made: dict[ast.expr, Schedule] = {}
    for call in reversed(_calls(text, expression)):
        made[call] = _made(text, call, made)
    return made[expression]


def _calls(text: str, expression: ast.expr) -> list[ast.Call]:
    """The calls that make schedules, each before those that make what it takes."""
    calls: list[ast.Call] = []
    pending = [(expression, 1)]
    while pending:
        node, depth = pending.pop()
        if not isinstance(node, ast.Call) or not (
            isinstance(node.func, ast.Attribute)
            or (isinstance(node.func, ast.Name) and node.func.id in all_schedules())
        ):
            raise ValueError(
                f"{_written(text, node)} isn't a schedule; "
                f"write it as {EXAMPLE}; the schedules are {', '.join(all_schedules())}"
            )
        if depth > DEEPEST + 1:
            raise ValueError(f"{shown(text)} is nested more than {DEEPEST + 1} deep; {_LIMIT}")
        calls.append(node)
        inside = [*node.args, *(keyword.value for keyword in node.keywords)]
        pending += [(each, depth + 1) for each in inside if isinstance(each, ast.Call)]
        if isinstance(node.func, ast.Attribute):
            pending.append((node.func.value, depth + 1))
    return calls


def _made(text: str, call: ast.Call, made: dict[ast.expr, Schedule]) -> Schedule:
    """The schedule of a call whose schedules inside are made."""
    make: Callable[..., Schedule]
    if isinstance(call.func, ast.Name):
        make = all_schedules()[call.func.id]
    else:
        assert isinstance(call.func, ast.Attribute)
        inner, name = call.func.value, call.func.attr
        methods = _compositions(type(made[inner]))
        if name not in methods:
            raise ValueError(
                f"{_written(text, inner)} has no method {shortened(name, MOST_SHOWN)} that makes a schedule; "
                f"the methods are {', '.join(methods)}"
            )
        make = getattr(made[inner], name)
    if not all(keyword.arg for keyword in call.keywords):
        raise ValueError(f"{_written(text, call)}: write each parameter out, without **")
    names = [keyword.arg for keyword in call.keywords]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{_written(text, call)}: {twice} is given twice")
    arguments = [_argument(text, node, made) for node in call.args]
    return make(*arguments, **{str(k.arg): _argument(text, k.value, made) for k in call.keywords})


def _argument(text: str, node: ast.expr, made: dict[ast.expr, Schedule]) -> object:
    if isinstance(node, ast.Call):
        return made[node]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        raise ValueError(
            f"{_written(text, node)} isn't a number, True, False or a schedule written out"
        ) from None


def _written(text: str, node: ast.expr) -> str:
    """A part of an expression as it was written; not by ast.unparse, which recurses."""
    # In a long text it takes long to find.
    written = ast.get_source_segment(text, node) if len(text) <= LONGEST_MESSAGE else None
    return shortened(written or text, MOST_SHOWN)


def _compositions(schedule_class: type[Schedule]) -> list[str]:
    """The public methods that are annotated to return a schedule."""
    return [
        name
        for name, method in inspect.getmembers(schedule_class, inspect.isfunction)
        if not name.startswith("_") and method.__annotations__.get("return") in {"Schedule", *all_schedules()}
    ]
