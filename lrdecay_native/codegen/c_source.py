"""Functions as C: their statements are translated one by one, so that a line of one is a line of the other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from lrdecay_native.codegen.functions import Function
from lrdecay_native.codegen.tuning import STRIP_STEPS

_NUMBERS = {"float64": "double", "float32": "float"}

_PARAMETERS = {
    "scalar": "{number} {name}",
    "vector": "const {number} *{name}, ptrdiff_t {name}_length",
    "written vector": "{number} *{name}, ptrdiff_t {name}_length",
    "written address": "{number} *{name}",
    "constants": "const double *{name}",
    "doubles": "const double *{name}, ptrdiff_t {name}_length",
    "written doubles": "double *{name}, ptrdiff_t {name}_length",
    "floats": "const float *{name}, ptrdiff_t {name}_length",
    "matrix": "const double *{name}, ptrdiff_t {name}_columns",
    "written matrix": "double *{name}, ptrdiff_t {name}_columns",
    "indices": "const int64_t *{name}, ptrdiff_t {name}_length",
    "index": "ptrdiff_t {name}",
    "integer": "int64_t {name}",
    "written float64": "double *{name}, ptrdiff_t {name}_length",
    "written float32": "float *{name}, ptrdiff_t {name}_length",
}
"""What each kind of argument is in C: a vector comes with its length, a matrix with that of its rows."""

CHAINED_PARAMETERS = (
    "const double *high_array, const double *low_array, "
    "const double *other_high_array, const double *other_low_array, "
    "double *out0, double *out1, const double *parameters, ptrdiff_t length"
)
"""Those of all functions that chains call; some have no other variable."""

HEADERS = ("arithmetic.h", "streams.h", "block_constants.h")

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    # Of integers that are not negative.
    ast.FloorDiv: "/",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.And: "&&",
}


def declaration(function: Function) -> str:
    """The function's type and arguments."""
    returned = _NUMBERS[function.dtype] if function.results else "void"
    number = _NUMBERS[function.dtype]
    arguments = (
        CHAINED_PARAMETERS
        if function.chained
        else ", ".join(_PARAMETERS[kind].format(number=number, name=name) for kind, name in function.arguments)
    )
    return f"{'static ' if function.private else ''}{returned} {function.name}({arguments})"


def c_source(functions: Iterable[Function]) -> str:
    """A file with the functions in C; none of them returns several numbers."""
    functions = list(functions)
    by_name = {function.name: function for function in functions}
    lines = [line for function in functions for line in _definition(function, by_name)]
    return "\n".join([*(f'#include "{header}"' for header in HEADERS), "", *lines])


def _definition(function: Function, others: Mapping[str, Function]) -> Iterator[str]:
    yield f"{declaration(function)} {{"
    for name in function.strips:
        yield f"    double {name}[{STRIP_STEPS}];"
    scalars = [name for kind, name in function.arguments if kind == "scalar"] if function.chained else []
    for number, name in enumerate(scalars):
        yield f"    const double {name} = parameters[{number}];"
    if function.variables:
        yield f"    {_NUMBERS[function.dtype]} {', '.join(function.variables)};"
    if function.integers:
        yield f"    int64_t {', '.join(function.integers)};"
    declared = {*function.variables, *function.integers, *(name for _, name in function.arguments)}
    if function.chained:
        declared.add("length")
    indices = [name for name in _assigned(function.body) if name not in declared]
    if indices:
        yield f"    ptrdiff_t {', '.join(indices)};"
    yield from _block(function.body, others)
    if function.results:
        (result,) = function.results
        yield f"    return {result};"
    yield "}"
    yield ""


def _assigned(body: Iterable[str]) -> list[str]:
    """The names that statements give values to."""
    found = (re.match(r"\s*(\w+) = ", line) for line in body)
    return list(dict.fromkeys(match[1] for match in found if match))


def _block(body: Iterable[str], others: Mapping[str, Function]) -> Iterator[str]:
    """Python's indented statements in C's braces."""
    depths = [0]
    for line in body:
        statement = line.lstrip(" ")
        depth = (len(line) - len(statement)) // 4
        while depth < depths[-1]:
            depths.pop()
            closed = "    " * (depths[-1] + 1)
            if statement == "else:" and depths[-1] == depth:
                break
            yield f"{closed}}}"
        margin = "    " * (depth + 1)
        if statement.startswith("#"):
            yield f"{margin}//{statement[1:]}"
        elif statement == "else:":
            yield f"{margin}}} else {{"
            depths.append(depth + 1)
        elif statement.endswith(":"):
            yield f"{margin}{_header(statement, others)} {{"
            depths.append(depth + 1)
        else:
            code, _, comment = statement.partition("  # ")
            yield f"{margin}{_statement(code, others)};{f'  // {comment}' if comment else ''}"
    for depth in reversed(depths[:-1]):
        yield f"{'    ' * (depth + 1)}}}"


def _header(statement: str, others: Mapping[str, Function]) -> str:
    (node,) = ast.parse(f"{statement} pass").body
    if isinstance(node, ast.If):
        return f"if ({_expression(node.test, others)})"
    assert isinstance(node, ast.For) and isinstance(node.target, ast.Name) and isinstance(node.iter, ast.Call)
    *first, last, step = (_expression(argument, others) for argument in _range(node.iter))
    name = node.target.id
    return f"for (ptrdiff_t {name} = {first[0]}; {name} < {last}; {name} += {step})"


def _range(call: ast.Call) -> list[ast.expr]:
    """The beginning, the end and the step of a range."""
    match call.args:
        case [end]:
            return [ast.Constant(0), end, ast.Constant(1)]
        case [begin, end]:
            return [begin, end, ast.Constant(1)]
        case _:
            return call.args


def _statement(code: str, others: Mapping[str, Function]) -> str:
    (node,) = ast.parse(code).body
    if isinstance(node, ast.Assign):
        (target,) = node.targets
        return f"{_expression(target, others)} = {_expression(node.value, others)}"
    assert isinstance(node, ast.Expr)
    return _expression(node.value, others)


def _expression(node: ast.expr, others: Mapping[str, Function]) -> str:
    def inner(operand: ast.expr) -> str:
        written = _expression(operand, others)
        compound = isinstance(operand, (ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp))
        return f"({written})" if compound else written

    match node:
        case ast.Name(name):
            return name
        case ast.Constant(value):
            return repr(value)
        case ast.UnaryOp(ast.USub(), operand):
            return f"-{inner(operand)}"
        case ast.BinOp(left, operator, right):
            return f"{inner(left)} {_OPERATORS[type(operator)]} {inner(right)}"
        case ast.BoolOp(operator, values):
            return f" {_OPERATORS[type(operator)]} ".join(map(inner, values))
        case ast.Compare(left, [operator], [right]):
            return f"{inner(left)} {_OPERATORS[type(operator)]} {inner(right)}"
        case ast.IfExp(test, then, otherwise):
            return f"{_expression(test, others)} ? {inner(then)} : {inner(otherwise)}"
        case ast.Subscript(ast.Attribute(ast.Name(name), "shape"), ast.Constant(axis)):
            return f"{name}_columns" if axis else f"{name}_length"
        case ast.Subscript(ast.Name(name), ast.Tuple([row, column])):
            return f"{name}[{inner(row)} * {name}_columns + {inner(column)}]"
        case ast.Subscript(ast.Name(name), index):
            return f"{name}[{_expression(index, others)}]"
        case ast.Call(ast.Name(name), arguments):
            return f"{name}({', '.join(_given(name, arguments, others))})"
    raise ValueError(f"no C is known for {ast.unparse(node)}")


def _given(name: str, arguments: list[ast.expr], others: Mapping[str, Function]) -> Iterator[str]:
    """The arguments of a call; a vector for another of the functions comes with its length."""
    for number, argument in enumerate(arguments):
        written = _expression(argument, others)
        yield written
        if name in others and "{name}_length" in _PARAMETERS[others[name].arguments[number][0]]:
            yield f"{written}_length"
