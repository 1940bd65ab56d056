"""What a Python function computes, told by its code and the values of the variables that it uses."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from numbers import Real
from types import CodeType, FunctionType
from typing import Any

import numpy as np


def identity_of(function: FunctionType, seen: tuple[CodeType, ...] = ()) -> Any:
    """What a function computes: its code and the values of the variables it uses."""
    code = function.__code__
    used = {name: function.__globals__.get(name) for name in global_names(code)}
    used |= {
        name: cell.cell_contents
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)
    }
    return _identity_of_code(code, function.__doc__), {
        name: _identity_of_value(used[name], (*seen, code)) for name in used
    }


def _identity_of_code(code: CodeType, documentation: str | None = None) -> Any:
    # As text: equal numbers may differ in type or sign.
    constants = [
        repr(None if constant == documentation else constant)
        for constant in code.co_consts
        if not isinstance(constant, CodeType)
    ]
    inner = [_identity_of_code(constant) for constant in _inner(code)]
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants, inner


def _identity_of_value(value: Any, seen: tuple[CodeType, ...]) -> Any:
    # Functions compiled by numba keep their Python function there.
    function = getattr(value, "py_func", value)
    if isinstance(function, FunctionType):
        code = function.__code__
        return _identity_of_code(code) if code in seen else identity_of(function, seen)
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, tuple):
        return tuple(_identity_of_value(element, seen) for element in value)
    return repr(value) if isinstance(value, (Real, str, type(None))) else id(value)


def global_names(code: CodeType) -> list[str]:
    """The names of global variables and builtins that code uses."""
    names = {
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname == "LOAD_GLOBAL"
    }
    return sorted(names.union(*map(global_names, _inner(code))))


def _inner(code: CodeType) -> Iterator[CodeType]:
    return (constant for constant in code.co_consts if isinstance(constant, CodeType))
