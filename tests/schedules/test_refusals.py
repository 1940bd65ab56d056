"""What schedules refuse: each error names the parameter, its value and what would be right."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from examples import CHOICES
from for_each import for_each
from reference import CLASSES

import lrdecay_native as lrd
from lrdecay_native.formulas.catalogue import FORMULAS
from lrdecay_native.schedules.decays.single_formula import _Decay


def refused(error: type[Exception], text: str) -> Any:
    return pytest.raises(error, match=re.escape(text))


def _bad(parameter: str, value: object, right: str = "must be") -> str:
    return f"{parameter}={value!r} {right}"


NAN, INF = float("nan"), float("inf")
NUMBERS = (
    *(name for formula in FORMULAS.values() for name in formula.described),
    "decay_steps",
    "steps_per_epoch",
    "steps",
    "start",
    "at",
    "factor",
    "lowest",
    "highest",
    "end",
    "every",
    "by",
    "to",
    "of",
    "k",
    "learning_rate",
    "warmup_steps",
    "stable_steps",
    "model_size",
    "max_learning_rate",
    "base_learning_rate",
    "div_factor",
    "final_div_factor",
    "half_period",
    "first_decay_steps",
    "t_mul",
    "m_mul",
    "peak_mul",
    "step_size_up",
    "step_size_down",
    "gamma",
)
MAY_BE_ZERO = (
    *("steps", "start", "at", "end", "by", "lowest", "highest", "warmup_steps", "stable_steps"),
    *("initial_learning_rate", "end_learning_rate", "base_learning_rate"),
)
MAY_BE_NONE = ("lowest", "highest", "step_size_down")
FLAGS = ("staircase", "cycle", "three_phase", "end_at_last_step")
WHOLE_NUMBERS = ("total_steps", "cycle_limit")
SEQUENCES = ("boundaries", "learning_rates")


def _allowed(schedule: Any, parameter: str, value: float) -> bool:
    """Whether a number out of the range of most parameters is within that of this one."""
    if isinstance(schedule, _Decay):
        return value in FORMULAS[schedule._formula].described_as(parameter).range
    if isinstance(schedule, lrd.Shifted) and parameter == "by":
        return value in (-0.1, -1, 0)
    decays_in_no_time = isinstance(schedule, lrd.WarmupStableDecay) and parameter == "decay_steps"
    return value == 0 and (parameter in MAY_BE_ZERO or decays_in_no_time)


class TestRefusals:
    """Each names the parameter, its value and what would be right."""

    @for_each("bad", [-0.1, -1, 0, NAN, INF, -INF, 1e101, 1e-101, 10**400, np.float64(NAN)])
    def test_numbers_out_of_range(self, schedule: Any, bad: Any) -> None:
        for parameter in (f.name for f in fields(schedule)):
            if parameter in NUMBERS and not _allowed(schedule, parameter, bad):
                with refused(ValueError, _bad(parameter, bad)):
                    replace(schedule, **{parameter: bad})

    @for_each("bad", ["0.1", None, 1j, True, np.True_, [0.1], np.array([0.1]), b"1"])
    def test_numbers_of_a_wrong_kind(self, schedule: Any, bad: Any) -> None:
        for parameter in (f.name for f in fields(schedule)):
            if parameter in NUMBERS and not (bad is None and parameter in MAY_BE_NONE):
                with refused(TypeError, _bad(parameter, bad, "must be a real number")):
                    replace(schedule, **{parameter: bad})

    @for_each("bad", [1, 0, None, "True", 0.5, np.array([True])])
    def test_flags(self, schedule: Any, bad: Any) -> None:
        for parameter in (f.name for f in fields(schedule)):
            if parameter in FLAGS:
                with refused(TypeError, _bad(parameter, bad, "must be True or False")):
                    replace(schedule, **{parameter: bad})

    def test_every_parameter_is_in_one_of_the_lists(self) -> None:
        for cls in CLASSES.values():
            names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
            others = {"schedule", "other", "pct_start", *CHOICES, *WHOLE_NUMBERS, *SEQUENCES}
            assert names <= {*NUMBERS, *FLAGS, *others}

    @for_each("bad", ["", "Linear", "square", None, 1, ["linear"]])
    def test_words(self, schedule: Any, bad: Any) -> None:
        for parameter in (f.name for f in fields(schedule)):
            if parameter in CHOICES:
                with refused(ValueError, _bad(parameter, bad, "must be")):
                    replace(schedule, **{parameter: bad})

    @for_each("bad", [0.5, "3", True, 1j])
    def test_whole_numbers(self, schedule: Any, bad: Any) -> None:
        for parameter in (f.name for f in fields(schedule)):
            if parameter in WHOLE_NUMBERS:
                with refused(TypeError, _bad(parameter, bad, "must be an integer")):
                    replace(schedule, **{parameter: bad})

    @for_each(
        ("bad", "error"),
        [(3, TypeError), (None, TypeError), ([], ValueError), ([0.1, -1.0], ValueError), ([NAN], ValueError)],
    )
    def test_sequences(self, schedule: Any, bad: Any, error: type[Exception]) -> None:
        for parameter in (f.name for f in fields(schedule)):
            if parameter in SEQUENCES:
                with pytest.raises((ValueError, TypeError) if bad in (3, None) else error, match=parameter):
                    replace(schedule, **{parameter: bad})

    @for_each("bad", [1.0000001, 2, 1000])
    def test_a_factor_above_one(self, bad: float) -> None:
        with refused(ValueError, _bad("drop_rate", bad, "must be a factor in (0, 1]")):
            lrd.StepDecay(0.1, bad, 1000)

    def test_whole_numbers_of_steps_that_float64_does_not_hold(self) -> None:
        with refused(ValueError, _bad("step_size", 2**53 + 1)):
            lrd.StepDecay(0.1, 0.5, 2**53 + 1)

    @for_each("bad", [0.1, None, lrd.StepDecay, "StepDecay(0.1, 0.5, 2)"])
    def test_what_is_no_schedule_per_epoch(self, bad: Any) -> None:
        with refused(TypeError, _bad("schedule", bad, "must be a Schedule")):
            lrd.PerEpoch(bad, 100)

    @for_each(
        ("call", "advice"),
        [
            ("StepDecay(0.1, 1000, 0.96)", "drop_rate=1000 must be a factor in (0, 1]"),
            ("StepDecay(0.1, 1000, 0.96)", "is StepDecay(0.1, 0.96, 1000)"),
            ("StepDecay(0.1, 1000, 0.96, True)", "is StepDecay(initial, decay_rate, decay_steps, staircase"),
            ("ExponentialDecay(0.1, 1000, 0.96)", "is StepDecay(initial, decay_rate, decay_steps"),
            ("ExponentialDecay(0.1, 1000, 0.96, True)", "is StepDecay(initial, decay_rate, decay_steps"),
            ("InverseTimeDecay(0.1, 1000, 0.5)", "InverseTimeDecay(initial, decay_rate, decay_steps="),
            ("InverseTimeDecay(0.1, 1000, 0.5, True)", "InverseTimeDecay(initial, decay_rate, decay_steps="),
            ("PolynomialDecay(0.1, 1000, 1e-4)", "PolynomialDecay(initial_learning_rate, max_step, power="),
            (
                "PolynomialDecay(0.1, 1000, 1e-4, 2.0)",
                "PolynomialDecay(initial_learning_rate, max_step, power=",
            ),
            ("PerEpoch(StepDecay(0.1, 0.5, 2), 5, True)", "PerEpoch(schedule, steps_per_epoch, staircase="),
        ],
    )
    def test_the_positional_order_of_keras(self, call: str, advice: str) -> None:
        with pytest.raises((TypeError, ValueError), match=re.escape(advice)):
            eval(call, vars(lrd))

    @for_each("arguments", [{}, {"initial_learning_rate": 0.1}, {"initial_learning_rate": 0.1, "unknown": 1}])
    def test_missing_and_unknown_parameters(self, arguments: dict[str, Any]) -> None:
        for cls in CLASSES.values():
            with pytest.raises(TypeError, match=r"missing|unexpected"):
                cls(**arguments)

    @for_each(
        ("step", "text"),
        [
            (-1, "step=-1"),
            (-0.5, "step=-0.5"),
            (NAN, "step=nan"),
            (INF, "step=inf"),
            (2**63, "step=9223372036854775808"),
            (10**400, "step=10000000"),
            (np.int8(-1), "step=-1"),
            (np.float32(NAN), "step=nan"),
            (np.float16(INF), "step=inf"),
            (np.longdouble(2) ** 63, "step="),
        ],
    )
    def test_bad_steps(self, schedule: Any, step: Any, text: str) -> None:
        with refused(ValueError, text) as refusal:
            schedule(step)
        assert "must be a step from 0 to below 2**63" in str(refusal.value)

    def test_truth_values_are_no_steps(self, schedule: Any) -> None:
        with refused(TypeError, "step=True must be a step, not a truth value"):
            schedule(True)

    @for_each("step", [np.True_, "3", None, 1j, Fraction(1, 3), [None], np.array([True]), {"step": 1}])
    def test_steps_of_a_wrong_kind(self, schedule: Any, step: Any) -> None:
        with refused(TypeError, "step has type"):
            schedule(step)

    @for_each(
        ("steps", "text"),
        [
            ([0, -3], "step=-3 must be a step from 0 to below 2**63 (1 of 2 steps are wrong)"),
            ([0.0, NAN], "step=nan must be"),
            (np.array([2**63], np.uint64), "step=9223372036854775808 must be"),
            ([2**64], "step=18446744073709551616 must be"),
            (np.array([[1, 2], [-3, 4]], np.int16), "step=-3 must be"),
        ],
    )
    def test_arrays_with_bad_steps(self, schedule: Any, steps: Any, text: str) -> None:
        with refused(ValueError, text):
            schedule(steps)

    @for_each(
        ("arguments", "error", "text"),
        [
            ((-1,), ValueError, "stop=-1 must be from 0 to 2**63"),
            ((-1, 5), ValueError, "start=-1 must be from 0"),
            ((0, -5), ValueError, "stop=-5 must be from 0"),
            ((5, -2, -1), ValueError, "stop=-2 must be from -1"),
            ((0, 5, 0), ValueError, "step=0 must not be 0"),
            ((2**63 + 1,), ValueError, "stop=9223372036854775809 must be from 0 to 2**63"),
            (
                (2**63, 2**63 - 3, -1),
                ValueError,
                "start=9223372036854775808 must be a step from 0 to below 2**63",
            ),
            ((10.0,), TypeError, "stop=10.0 must be an integer, not float"),
            ((0, 10.0), TypeError, "stop=10.0 must be an integer"),
            ((0.0, 10), TypeError, "start=0.0 must be an integer"),
            ((0, 10, 1.0), TypeError, "step=1.0 must be an integer"),
            ((True,), TypeError, "stop=True must be an integer"),
            ((0, 10, True), TypeError, "step=True must be an integer"),
            (("10",), TypeError, "stop='10' must be an integer"),
            ((None,), TypeError, "stop=None must be an integer"),
            ((NAN,), TypeError, "stop=nan must be an integer"),
        ],
    )
    def test_bad_ranges(
        self, schedule: Any, arguments: tuple[Any, ...], error: type[Exception], text: str
    ) -> None:
        with refused(error, text):
            schedule.values(*arguments)

    @for_each(
        ("out", "error", "text"),
        [
            (np.full(99, NAN), ValueError, "out has shape (99,); it must have shape (100,)"),
            (np.full((1, 100), NAN), ValueError, "out has shape (1, 100); it must have shape (100,)"),
            (np.full(100, 7), TypeError, "out has dtype int64; it must be float64 or float32"),
            (np.full(100, 7, np.float16), TypeError, "out has dtype float16; it must be float64 or float32"),
            (np.broadcast_to(NAN, 100), ValueError, "out is read-only; it must be writeable"),
            ([0.0] * 100, TypeError, "out must be a NumPy array, not list"),
            (memoryview(bytearray(800)), TypeError, "out must be a NumPy array, not memoryview"),
        ],
    )
    def test_bad_out(self, schedule: Any, out: Any, error: type[Exception], text: str) -> None:
        before = np.array(out)
        with refused(error, text):
            schedule.values(100, out=out)
        np.testing.assert_array_equal(np.array(out), before)

    def test_out_is_untouched_when_another_argument_is_refused(self, schedule: Any) -> None:
        out = np.full(100, NAN)
        for arguments in ((-100,), (100, 0, 0), (5.0, 105.0)):
            with pytest.raises((ValueError, TypeError)):
                schedule.values(*arguments, out=out)
        with refused(TypeError, "dtype=<class 'numpy.float32'> differs from the dtype of out, float64"):
            schedule.values(100, dtype=np.float32, out=out)
        assert np.isnan(out).all()

    @for_each("dtype", [np.float16, int, "complex128", "nonsense", ">f8"])
    def test_bad_dtype(self, schedule: Any, dtype: Any) -> None:
        with refused(TypeError, f"dtype={dtype!r} must be float64 or float32"):
            schedule.values(10, dtype=dtype)
