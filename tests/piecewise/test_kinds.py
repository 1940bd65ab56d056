"""A kind that lacks an answer is an error where its class is defined, which names the kind and what is asked."""

from __future__ import annotations

import re
from abc import abstractmethod
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

# These ask something of every kind once they are imported.
from lrdecay_native.evaluation import extremes as extremes
from lrdecay_native.evaluation import searches as searches
from lrdecay_native.evaluation import settling as settling
from lrdecay_native.evaluation.grids import grids as grids
from lrdecay_native.evaluation.points.pipelines import Pipeline
from lrdecay_native.evaluation.segments.segmentation import segments_of
from lrdecay_native.evaluation.segments.segments import IrregularSegment, Segment
from lrdecay_native.evaluation.sums import sums as sums
from lrdecay_native.kinds import Kind, Operation
from lrdecay_native.piecewise.expressions import Expression, Node, Stage
from lrdecay_native.piecewise.pieces import NEVER, Piece, PiecewiseFunction


class Shape(Kind, abstract=True):
    @abstractmethod
    def corners(self) -> int: ...


class Solid(Shape, abstract=True):
    pass


class Square(Shape):
    def corners(self) -> int:
        return 4


class Cube(Solid):
    def corners(self) -> int:
        return 8


class Tall(Cube):
    pass


AREA: Operation[int] = Operation(
    "area", Shape, {Square: lambda shape, side: side**2, Solid: lambda shape, side: 0}
)


def test_methods() -> None:
    assert [shape.corners() for shape in (Square(), Cube(), Tall())] == [4, 8, 8]
    with pytest.raises(TypeError, match="Circle must define corners"):

        class Circle(Shape):
            pass


def test_operations() -> None:
    assert [AREA(shape, 3) for shape in (Square(), Cube(), Tall())] == [9, 0, 0]
    with pytest.raises(TypeError, match="Triangle is a kind of Shape without an answer to 'area'"):

        class Triangle(Shape):
            def corners(self) -> int:
                return 3

    with pytest.raises(TypeError, match="Square is a kind of Shape without an answer to 'volume'"):
        Operation("volume", Shape, {Solid: lambda shape: 1})


def test_a_kind_that_came_later_has_the_answer_of_its_family() -> None:
    class Ball(Solid):
        def corners(self) -> int:
            return 0

    assert AREA(Ball(), 2) == 0


def methods_of(family: type[Kind], answer: Any) -> dict[str, Any]:
    return dict.fromkeys(family.__abstractmethods__, answer)


@pytest.mark.parametrize(
    ("family", "questions"),
    [
        (Stage, {"compile", "rates at exact places", "the first step that 106 bits don't hold"}),
        (Expression, {"interpret", "bounds of its rates", "where intervals begin on which it is smooth"}),
        (
            Segment,
            {
                "fill a grid",
                "sum its rates",
                "search it",
                "the step with the least rate or the highest",
                "the last step with another rate",
            },
        ),
    ],
)
class TestNewKinds:
    def test_what_is_asked(self, family: type[Kind], questions: set[str]) -> None:
        assert {operation._name for operation in family._operations} == questions

    def test_without_methods(self, family: type[Kind], questions: set[str]) -> None:
        methods = methods_of(family, None)
        for forgotten in methods:
            body = {name: value for name, value in methods.items() if name != forgotten}
            with pytest.raises(TypeError, match=f"^Forgetful must define {forgotten}$"):
                type(family)("Forgetful", (family,), body)

    def test_without_answers(self, family: type[Kind], questions: set[str]) -> None:
        asked = "|".join(map(re.escape, sorted(questions)))
        message = f"^Forgetful is a kind of {family.__name__} without an answer to [\"']({asked})[\"']$"
        with pytest.raises(
            TypeError, match=message if family is not Expression else "^Forgetful is a kind of"
        ):
            type(family)("Forgetful", (family,), methods_of(family, None))

    def test_each_table_is_complete(self, family: type[Kind], questions: set[str]) -> None:
        for operation in family._operations:
            lacking = {kind for kind in family._kinds if kind not in operation._of_kind}
            assert not lacking
            for kind in operation._answers:
                others = {each: answer for each, answer in operation._answers.items() if each is not kind}
                if not any(base in others for base in kind.__mro__):
                    with pytest.raises(
                        TypeError, match=f"is a kind of {family.__name__} without an answer to"
                    ):
                        Operation(operation._name, family, others)


class TestANewNode:
    """What defines the methods of a node works everywhere at once."""

    class Hyperbola(Node):
        every = Fraction(2**40)

        def compiled_by(self, engine: Any) -> Any:
            return engine.CompiledCall(self)

        def on_point(self, pair: tuple[float, float]) -> tuple[float, float]:
            return 1.0 / (1.0 + pair[0] + pair[1]), 0.0

        def on_arrays(self, pair: Any) -> Any:
            return 1.0 / (1.0 + pair[0] + pair[1]), np.zeros(len(pair[0]))

        def interpreted(self, arithmetic: Any, variable: Any) -> Any:
            return arithmetic.called(self, lambda xp, t: 1.0 / (1.0 + t), variable)

        def not_negative(self) -> TestANewNode.Hyperbola:
            return self

    def test_it_is_evaluated(self) -> None:
        pieces = (Piece(NEVER, (), self.Hyperbola(), factor=Fraction(3)),)
        pipeline = Pipeline((PiecewiseFunction.of(pieces),))
        steps = np.arange(100.0)
        truth = 3.0 / (1.0 + steps)
        np.testing.assert_allclose(pipeline.on_arrays((steps, np.zeros(100)))[0], truth, rtol=1e-15)
        assert pipeline.link.at(5) == pipeline.on_point((5.0, 0.0))[0] == truth[5]
        (segment,) = segments_of(pieces)
        assert isinstance(segment, IrregularSegment)
