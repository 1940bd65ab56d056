"""Record an arithmetic computation as a list of elementary operations on doubles.

Running a function once on :class:`Symbol` operands records what it does, as straight-line code without
branches.  :mod:`lrdecay_native.generation` writes that code out for Cython and for numba.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Operation:
    """``result = name(*operands)``."""

    result: Symbol
    name: str
    operands: tuple[Symbol | float, ...]


@dataclass
class Trace:
    """The operations recorded so far, each computed once."""

    operations: list[Operation] = field(default_factory=list)
    known: dict[tuple[str, tuple[str, ...]], Symbol] = field(default_factory=dict)

    def argument(self, name: str, *, varying: bool = True) -> Symbol:
        return Symbol(self, name, varying)

    def record(self, name: str, *operands: Symbol | float) -> Symbol:
        key = (name, tuple(text(operand) for operand in operands))
        if key not in self.known:
            varying = any(isinstance(operand, Symbol) and operand.varying for operand in operands)
            self.known[key] = Symbol(self, f"v{len(self.operations)}", varying)
            self.operations.append(Operation(self.known[key], name, operands))
        return self.known[key]

    def needed(self, *outputs: Symbol | float) -> list[Operation]:
        """The operations on the way to these outputs."""
        names = {number.name for number in outputs if isinstance(number, Symbol)}
        operations = []
        for operation in reversed(self.operations):
            if operation.result.name in names:
                operations.append(operation)
                names |= {number.name for number in operation.operands if isinstance(number, Symbol)}
        return operations[::-1]


@dataclass(frozen=True, eq=False)
class Symbol:
    """A double whose value is known only when the recorded code runs.

    One that doesn't vary is computed once, outside of the loop over the steps.
    """

    trace: Trace
    name: str
    varying: bool = True

    def __add__(self, other: Symbol | float) -> Symbol | float:
        return self if is_zero(other) else self.trace.record("add", self, other)

    def __radd__(self, other: float) -> Symbol | float:
        return self if is_zero(other) else self.trace.record("add", other, self)

    def __sub__(self, other: Symbol | float) -> Symbol | float:
        return self if is_zero(other) else self.trace.record("subtract", self, other)

    def __rsub__(self, other: float) -> Symbol | float:
        return -self if is_zero(other) else self.trace.record("subtract", other, self)

    def __mul__(self, other: Symbol | float) -> Symbol | float:
        return 0.0 if is_zero(other) else self.trace.record("multiply", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Symbol | float) -> Symbol | float:
        return self.trace.record("divide", self, other)

    def __rtruediv__(self, other: float) -> Symbol | float:
        return 0.0 if is_zero(other) else self.trace.record("divide", other, self)

    def __neg__(self) -> Symbol:
        return self.trace.record("negative", self)


Number = Symbol | float


def is_zero(operand: Symbol | float) -> bool:
    return isinstance(operand, float) and operand == 0.0


def text(operand: Symbol | float) -> str:
    if isinstance(operand, Symbol):
        return operand.name
    return "INFINITY" if operand == math.inf else repr(float(operand))


def _record(name: str, *operands: Symbol | float) -> Symbol:
    trace = next(operand.trace for operand in operands if isinstance(operand, Symbol))
    return trace.record(name, *operands)


def fused_multiply_add(a: Symbol | float, b: Symbol | float, c: Symbol | float) -> Symbol | float:
    """``a * b + c``, rounded once."""
    if is_zero(a) or is_zero(b):
        return c
    if isinstance(a, float) and isinstance(b, float) and isinstance(c, float):
        return float(Fraction(a) * Fraction(b) + Fraction(c))
    return _record("fused_multiply_add", a, b, c)


def multiply_add(a: Symbol | float, b: Symbol | float, c: Symbol | float) -> Symbol | float:
    """``a * b + c``, rounded once where the processor can and twice where it can't."""
    return _record("multiply_add", a, b, c)


def absolute(a: Symbol | float) -> Symbol | float:
    return 0.0 if is_zero(a) else _record("absolute", a)


def floor(a: Symbol | float) -> Symbol | float:
    return 0.0 if is_zero(a) else _record("floor", a)


def power_of_two(exponent: Symbol | float, shift: float = 0.0) -> Symbol:
    """``2 ** (exponent + shift)`` for two whole numbers, if the sum is between -1022 and 1023."""
    return _record("power_of_two", exponent, shift)


def binary_exponent(a: Symbol | float) -> Symbol:
    """The whole number ``e`` with ``2**e <= a < 2**(e + 1)``, for a positive normal ``a``."""
    return _record("binary_exponent", a)


def nearest_exponent(a: Symbol | float) -> Symbol:
    """The whole number ``e`` with ``2**(e - 1/2) <= a < 2**(e + 1/2)``, for a positive normal ``a``."""
    return _record("nearest_exponent", a)


def where_less(
    a: Symbol | float, b: Symbol | float, then: Symbol | float, otherwise: Symbol | float
) -> Symbol | float:
    """``then`` where ``a < b``, else ``otherwise``."""
    return _record("where_less", a, b, then, otherwise)


def square_root(a: Symbol | float) -> Symbol | float:
    """The root, rounded once."""
    return 0.0 if is_zero(a) else _record("square_root", a)


def low_of_finite(high: Symbol | float, low: Symbol | float, *, negative: bool = True) -> Symbol | float:
    """A low part, and 0 where the high one, which may be negative, is infinite: there it isn't a number."""
    if is_zero(low) or isinstance(high, float):
        return low
    return where_less(absolute(high) if negative else high, math.inf, low, 0.0)


def varies(a: Symbol | float) -> bool:
    """Whether a number depends on a varying argument."""
    return isinstance(a, Symbol) and a.varying
