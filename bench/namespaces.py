"""Array namespaces in which a schedule's one definition becomes each peer's expression of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin


class NumPyExpression:
    """NumPy with Python numbers as parameters, as one writes such an expression by hand."""

    asarray = float

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


class TorchExpression:
    """Torch with Python numbers as parameters."""

    asarray = float

    def __getattr__(self, name: str) -> Any:
        import torch

        return getattr(torch, name)

    def minimum(self, value: Any, limit: float) -> Any:
        """The smaller one; `torch.minimum` takes no Python number."""
        return value.clamp(max=limit)


class InPlace(NDArrayOperatorsMixin):  # type: ignore[misc, unused-ignore]
    """An array whose every operation writes into one buffer, as ``out=`` does by hand.

    Only for expressions in which the array occurs once.
    """

    def __init__(self, array: npt.NDArray[Any], buffer: npt.NDArray[Any]) -> None:
        self.array = array
        self.buffer = buffer

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any) -> InPlace:
        arrays = [operand.array if isinstance(operand, InPlace) else operand for operand in operands]
        ufunc(*arrays, out=self.buffer)
        return InPlace(self.buffer, self.buffer)


class Text:
    """A piece of an expression's text."""

    def __init__(self, text: str, expression: TextExpression) -> None:
        self.text = text
        self.expression = expression

    def __neg__(self) -> Text:
        return Text(f"(-{self.text})", self.expression)


def _operator(symbol: str, *, reflected: bool) -> Callable[[Text, Any], Text]:
    def combine(text: Text, other: Any) -> Text:
        operand = other if isinstance(other, Text) else text.expression.asarray(other)
        left, right = (operand, text) if reflected else (text, operand)
        return Text(f"({left.text} {symbol} {right.text})", text.expression)

    return combine


for _name, _symbol in {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**"}.items():
    setattr(Text, f"__{_name}__", _operator(_symbol, reflected=False))
    setattr(Text, f"__r{_name}__", _operator(_symbol, reflected=True))


class TextExpression:
    """Writes an expression down; the numbers in it become names, so that they can be of any dtype."""

    def __init__(self) -> None:
        self.numbers: dict[str, float] = {}

    def asarray(self, number: float) -> Text:
        """A named number."""
        name = f"number{len(self.numbers)}"
        self.numbers[name] = float(number)
        return Text(name, self)

    def __getattr__(self, name: str) -> Callable[..., Text]:
        def call(*operands: Text) -> Text:
            return Text(f"{name}({', '.join(operand.text for operand in operands)})", self)

        return call
