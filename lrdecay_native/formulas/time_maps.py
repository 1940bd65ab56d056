"""The maps from a step to the variable of a formula."""

from __future__ import annotations

from typing import Any

from lrdecay_native.formulas.registry import Line, Value, time_map


@time_map(
    "t / period", line=lambda period: Line(0, period), moves=False, bounded=False, floors=False, cycles=False
)
def continuous(xp: Any, t: Value, period: Value) -> Value:
    return t / period


@time_map(
    "floor(t / period)",
    line=lambda period: Line(0, period),
    moves=False,
    bounded=False,
    floors=True,
    cycles=False,
)
def staircase(xp: Any, t: Value, period: Value) -> Value:
    return xp.floor(t / period)


@time_map(
    "min(t / period, 1)",
    line=lambda period: Line(0, period),
    moves=False,
    bounded=True,
    floors=False,
    cycles=False,
)
def clamped(xp: Any, t: Value, period: Value) -> Value:
    return xp.minimum(t / period, xp.asarray(1.0))


@time_map(
    "t / (period * max(ceil(t / period), 1))",
    line=None,
    moves=False,
    bounded=False,
    floors=False,
    cycles=True,
)
def cyclic(xp: Any, t: Value, period: Value) -> Value:
    return t / (period * xp.maximum(xp.ceil(t / period), xp.asarray(1.0)))
