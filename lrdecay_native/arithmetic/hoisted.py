"""Short arithmetic for arrays of steps: what depends on the parameters alone is computed beforehand.

A value is ``(high + low) * factor / divisor * 2**exponent``.  Factor and divisor depend on parameters only; they are
kept in double-double arithmetic (:mod:`lrdecay_native.arithmetic.double_double`), outside of the loop over the
steps.  What depends on the step is ``high + low`` and the whole number ``exponent``.  So ``step / period`` costs
nothing until it is added to something, and ``rate * exp(...)`` is one product.

As that module, this one works on recorded operations (:mod:`lrdecay_native.arithmetic.recording`).  The two
precisions, :mod:`lrdecay_native.arithmetic.compensated` for float64 and :mod:`lrdecay_native.arithmetic.plain` for
float32, say how ``high + low`` is computed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from fractions import Fraction
from math import cos, inf, pi
from typing import Any, TypeVar

from lrdecay_native.arithmetic import double_double
from lrdecay_native.arithmetic.double_double import (
    ROUNDING_TO_EVEN,
    DoubleDouble,
    exact_ordered_sum,
    exact_product,
)
from lrdecay_native.arithmetic.intervals import ANYWHERE, Interval
from lrdecay_native.arithmetic.recording import (
    Number,
    Symbol,
    absolute,
    fused_multiply_add,
    is_zero,
    low_of_finite,
    power_of_two,
    varies,
    where_less,
)
from lrdecay_native.arithmetic.recording import floor as floor_of_double

S = TypeVar("S", bound="Scaled")

ONE = DoubleDouble(1.0)

# Every exponent of two below gives zero, whatever a rate multiplies it with.
_LOWEST_EXPONENT = -1200.0

# Every exponent of two above gives infinity, likewise; it has two halves of which each gives a normal number.
HIGHEST_EXPONENT = 2040.0

# Powers of two: the product of the first one and any rate, times two to the power of an exponent of at least the
# lowest and the second one, is a normal number.  Products of more than 5e151 are infinite.
_MARGIN, _SHIFT = 2.0**330, 190.0

# With the shift, the highest exponent of a normal double.
_HIGHEST_SHIFTED = 1023.0 - _SHIFT

# Times the least power, 1e-100, still far below the logarithm of the least number.
_LOGARITHM_OF_ZERO = -1e110
_LOGARITHM_OF_INFINITY = 1e110

_POWERS: dict[float, int] = {float(n): n for n in range(1, 9)}


@dataclass(frozen=True)
class Scaled(ABC):
    """``(high + low) * factor / divisor * 2**exponent``; with ``high`` 1 and ``low`` 0 it is invariant.

    Attributes
    ----------
    high, low, factor, divisor, exponent
        As said.
    highest : float
        The exponent is not above it.
    bounds : Interval
        Those of the number.  Exact sums and products make NaN of an infinity: the numbers that may be infinite, such
        as exponentials of what is positive, have operations for it.
    """

    high: Number = 1.0
    low: Number = 0.0
    factor: DoubleDouble = ONE
    divisor: DoubleDouble = ONE
    exponent: Number = 0.0
    highest: float = 0.0
    bounds: Interval = ANYWHERE

    # The precision: what is done with high + low.

    @abstractmethod
    def _sum(self: S, other: S) -> S:
        """``self + other`` of their high and low parts."""

    @abstractmethod
    def _product(self: S, other: S) -> S:
        """``self * other`` of their high and low parts."""

    @abstractmethod
    def _quotient(self: S, other: S) -> S:
        """``self / other`` of their high and low parts."""

    @abstractmethod
    def _square_root(self: S) -> S:
        """The root of the high and low part, where they are positive."""

    @abstractmethod
    def _normalised(self: S) -> S:
        """The same number with a low part that is small beside the high one."""

    @abstractmethod
    def _times(self: S, factor: DoubleDouble) -> S:
        """The high and low part times an invariant."""

    @abstractmethod
    def exp(self: S) -> S:
        """The exponential of this number."""

    @abstractmethod
    def log(self: S) -> S:
        """The logarithm of a positive number."""

    @abstractmethod
    def _square_of_sine(self: S) -> S:
        """``sin(pi * a / 2)**2`` of the high and low part ``a``, from 0 to 1/2."""

    @abstractmethod
    def _complement(self: S) -> S:
        """1 less the high and low part, which are from 0 to 1/2."""

    # The algebra of the invariants.

    @property
    def invariant(self) -> bool:
        """Whether the number doesn't depend on the step."""
        return self.high == 1.0 and isinstance(self.high, float)

    @property
    def scale(self) -> DoubleDouble:
        """``factor / divisor``."""
        return self.factor if self.divisor is ONE else self.factor / self.divisor

    def of(self: S, value: Any) -> S:
        """A value as a number of this precision."""
        if isinstance(value, type(self)):
            return value
        factor = double_double.asarray(value)
        known = ANYWHERE if isinstance(factor.high, Symbol) else Interval(factor.high, factor.high)
        return type(self)(factor=factor, bounds=known)

    def within(self: S, bounds: Interval) -> S:
        """The same number, of which more is known."""
        return replace(self, bounds=bounds)

    def bare(self: S) -> S:
        """The high and low part alone."""
        return type(self)(self.high, self.low)

    def _with_small_low(self: S) -> S:
        """The high and low part, for what neglects the square of the low one; that of an exponential isn't small."""
        return self.bare() if self.invariant or is_zero(self.exponent) else self.bare()._normalised()

    def _finite_low(self: S, *bounds: Interval) -> S:
        """The same number, without its low part where it is infinite, if numbers within the bounds may be."""
        if all(known.finite for known in bounds):
            return self
        negative = any(known.least < 0.0 for known in bounds)
        return replace(self, low=low_of_finite(self.high, self.low, negative=negative))

    def settled(self: S) -> S:
        """The same number, all of it in its high and low part."""
        if self.invariant:
            scale = self.scale
            return type(self)(scale.high, scale.low, bounds=self.bounds)
        number = self.bare() if self.scale is ONE else self.bare()._times(self.scale)
        if is_zero(self.exponent):
            return number._finite_low(self.bounds).within(self.bounds)
        number = number._normalised()
        # Two factors, since 2**exponent itself may be no normal double.
        exponent = self._exponent_up_to(HIGHEST_EXPONENT)
        half = floor_of_double(exponent * 0.5)
        scales = power_of_two(half), power_of_two(exponent - half)
        high, low = (
            0.0
            if is_zero(part)
            else where_less(exponent, _LOWEST_EXPONENT, 0.0, part * scales[0] * scales[1])
            for part in (number.high, number.low)
        )
        return type(self)(high, low, bounds=self.bounds)._finite_low(self.bounds)

    def _exponent_up_to(self, most: float) -> Number:
        if self.highest <= most:
            return self.exponent
        return where_less(most, self.exponent, most, self.exponent)

    def result(self) -> Number:
        """The number, rounded to a double."""
        if self.invariant:
            return self.scale.high
        if is_zero(self.exponent):
            number = self.bare() if self.scale is ONE else self.bare()._times(self.scale)
            number = number._finite_low(self.bounds)
            return number.high + number.low
        margin = DoubleDouble(self.scale.high * _MARGIN, self.scale.low * _MARGIN)
        number = self.bare()._times(margin)._finite_low(self.bounds)
        exponent = self._exponent_up_to(_HIGHEST_SHIFTED)
        value = (number.high + number.low) * power_of_two(exponent, _SHIFT) * (2.0**-_SHIFT / _MARGIN)
        return where_less(exponent, _LOWEST_EXPONENT, 0.0, value)

    def __neg__(self: S) -> S:
        if self.invariant or self.factor is not ONE:
            return replace(self, factor=-self.factor, bounds=-self.bounds)
        low = 0.0 if is_zero(self.low) else -self.low
        return replace(self, high=-self.high, low=low, bounds=-self.bounds)

    def __add__(self: S, value: Any) -> S:
        other: S = self.of(value)
        bounds = self.bounds + other.bounds
        return self._added(other, bounds).within(bounds)

    def _added(self: S, other: S, bounds: Interval) -> S:
        if self.invariant and other.invariant:
            return type(self)(factor=self.scale + other.scale)
        if self.invariant:
            return other._added(self, bounds)
        if other.invariant and self.factor is ONE and self.divisor is not ONE and is_zero(self.exponent):
            # c + step / period is (c * period + step) / period: exact where the two cancel.
            shift = _product(other.scale, self.divisor)
            total = self.bare()._sum(type(self)(shift.high, shift.low))._finite_low(bounds)
            return replace(total, divisor=self.divisor)
        if other.invariant and is_zero(other.factor.high):
            return self
        return self.settled()._sum(other.settled())._finite_low(bounds)

    def __radd__(self: S, value: Any) -> S:
        return self.__add__(value)

    def __sub__(self: S, value: Any) -> S:
        return self.__add__(-self.of(value))

    def __rsub__(self: S, value: Any) -> S:
        return self.__neg__().__add__(value)

    def __mul__(self: S, value: Any) -> S:
        other: S = self.of(value)
        bounds = self.bounds * other.bounds
        if self.invariant:
            number = other.bare()
        elif other.invariant:
            number = self.bare()
        else:
            number = self._with_small_low()._product(other._with_small_low())._finite_low(bounds)
        return replace(
            number,
            factor=_product(self.factor, other.factor),
            divisor=_product(self.divisor, other.divisor),
            exponent=self.exponent + other.exponent,
            highest=self.highest + other.highest,
            bounds=bounds,
        )

    def __rmul__(self: S, value: Any) -> S:
        return self.__mul__(value)

    def __truediv__(self: S, value: Any) -> S:
        other: S = self.of(value)
        bounds = self.bounds / other.bounds
        number = self.bare() if other.invariant else self._divided(other, bounds)
        return replace(
            number,
            factor=_product(self.factor, other.divisor),
            divisor=_product(self.divisor, other.factor),
            exponent=self.exponent - other.exponent,
            highest=self.highest if is_zero(other.exponent) else inf,
            bounds=bounds,
        )

    def _divided(self: S, other: S, bounds: Interval) -> S:
        """The quotient of the high and low parts."""
        divisor = other._with_small_low()
        if not is_zero(other.exponent):
            # Next to no exponential, whose high part isn't exact, the quotient is infinite.
            low = (
                divisor.low
                if is_zero(divisor.low)
                else where_less(other.exponent, _LOWEST_EXPONENT, 0.0, divisor.low)
            )
            divisor = replace(
                divisor, high=where_less(other.exponent, _LOWEST_EXPONENT, 1.0, divisor.high), low=low
            )
        number = self._with_small_low()._quotient(divisor)._finite_low(bounds)
        if other.bounds.finite:
            return number
        # A finite number divided by an infinite one is 0, which has no rest.
        negative = other.bounds.least < 0.0
        return replace(number, low=low_of_finite(other.high, number.low, negative=negative))

    def __rtruediv__(self: S, value: Any) -> S:
        return self.of(value).__truediv__(self)

    def __pow__(self: S, value: Any) -> S:
        power: S = self.of(value)
        if self.invariant:
            logarithm = type(self)(factor=double_double.log(self.scale), bounds=self.bounds.log())
            return logarithm.__mul__(power).exp()
        constant = power.constant
        if constant == 1.0:
            return self
        # After a difference the high part may have cancelled.
        if constant is not None and 2.0 * constant in _POWERS:
            return self._normalised()._finite_low(self.bounds)._constant_power(constant)
        base = self._normalised()._finite_low(self.bounds).settled()
        # The logarithm of 0 is a number so low that every power of 0 vanishes, and that the power 0 is 1.
        logarithm = base.log() if base.bounds.finite else base._log_of_unbounded()
        logarithm = type(self)(
            where_less(0.0, base.high, logarithm.high, _LOGARITHM_OF_ZERO),
            _chosen_if_positive(base.high, logarithm.low),
        )
        logarithm = logarithm.within(
            base.bounds.log().maximum(Interval(_LOGARITHM_OF_ZERO, _LOGARITHM_OF_ZERO))
        )
        return logarithm.__mul__(power).exp()

    def _log_of_unbounded(self: S) -> S:
        """As `log`, for numbers that the inverse of a power of two may be no normal double of, or infinite."""
        quarter = type(self)(self.high * 0.25, self.low * 0.25)
        two = type(self)(double_double.LN2.high * 2.0, double_double.LN2.low * 2.0)
        total = quarter.log()._sum(two)
        return type(self)(
            where_less(self.high, inf, total.high, _LOGARITHM_OF_INFINITY),
            low_of_finite(self.high, total.low),
        )

    def __rpow__(self: S, value: Any) -> S:
        return self.of(value).__pow__(self)

    @property
    def constant(self) -> float | None:
        """The number itself, where it is known when the code is written."""
        known = self.invariant and self.divisor is ONE and not isinstance(self.factor.high, Symbol)
        return self.factor.high if known and isinstance(self.factor.high, float) else None

    def _constant_power(self: S, power: float) -> S:
        """Powers of which twice is a small whole number: products and a root."""
        whole = int(power)
        result = self.settled() if self.exponent != 0.0 else self
        root = result.root() if power != whole else None
        for _ in range(whole - 1):
            result = result.__mul__(self)
        if root is None:
            return result
        return result.__mul__(root) if whole else root

    def root(self: S) -> S:
        """The square root, and 0 of what is not positive."""
        if not is_zero(self.exponent):
            return self.settled().root()
        scale, bounds = self.scale, self.bounds.root()
        if self.invariant:
            return type(self)(factor=double_double.sqrt(scale), bounds=bounds)
        number = self.bare()._square_root()._finite_low(bounds)
        return replace(number, factor=ONE if scale is ONE else double_double.sqrt(scale), bounds=bounds)

    def raised_cosine(self: S) -> S:
        """``(1 + cos(pi * self)) / 2``, accurate where it vanishes too; for numbers below 2**52.

        Of a step over a period the differences to multiples of the period are exact.
        """
        bounds = Interval(0.0, 1.0)
        if self.invariant:
            return type(self)(factor=double_double.raised_cosine(self.scale), bounds=bounds)
        if not is_zero(self.exponent):
            return self.settled().raised_cosine()
        number, divisor = self._numerator(), self.divisor
        even = (number.high * (1.0 / divisor.high) + ROUNDING_TO_EVEN) - ROUNDING_TO_EVEN
        offset = fused_multiply_add(-even, divisor.high, number.high)
        offset_low = fused_multiply_add(-even, divisor.low, number.low)
        distance = absolute(offset)
        distance_low = 0.0 if is_zero(offset_low) else where_less(offset, 0.0, -offset_low, offset_low)
        opposite = exact_ordered_sum(divisor.high, -distance)
        opposite_low = opposite.low + (divisor.low - distance_low)
        near = distance - opposite.high
        nearest = type(self)(
            where_less(near, 0.0, distance, opposite.high), where_less(near, 0.0, distance_low, opposite_low)
        )._normalised()
        scale = ONE if divisor is ONE else ONE / divisor
        square = (nearest if scale is ONE else nearest._times(scale))._square_of_sine()
        complement = square._complement()
        return type(self)(
            where_less(near, 0.0, complement.high, square.high),
            _chosen(near, complement.low, square.low),
            bounds=bounds,
        )

    def _numerator(self: S) -> S:
        """The high and low part times the factor, with the rounding error of that product."""
        if self.factor is ONE:
            return self.bare()
        product = exact_product(self.high, self.factor.high)
        low = fused_multiply_add(self.low, self.factor.high, product.low)
        return type(self)(product.high, fused_multiply_add(self.high, self.factor.low, low))

    # Comparisons and whole numbers, exact for a step over an invariant.

    def minimum(self: S, other: S) -> S:
        """The smaller number; of a step over a period the period is what is compared with."""
        bare = self.factor is ONE and is_zero(self.exponent)
        if other.invariant and bare and not varies(other.factor.high):
            limit = _product(other.scale, self.divisor)
            below = _below(self, limit)
            return replace(
                self,
                high=where_less(below, 0.0, self.high, limit.high),
                low=_chosen(below, self.low, limit.low),
                bounds=self.bounds.minimum(other.bounds),
            )
        return self._select(other, self, other).within(self.bounds.minimum(other.bounds))

    def maximum(self: S, other: S) -> S:
        """The larger number."""
        return self._select(other, other, self).within(self.bounds.maximum(other.bounds))

    def _select(self: S, other: S, then: S, otherwise: S) -> S:
        """``then`` where this number is below ``other``, else ``otherwise``."""
        first, second = self.settled(), other.settled()
        below = (first.high - second.high) + (first.low - second.low)
        chosen, rejected = then.settled(), otherwise.settled()
        return type(self)(
            where_less(below, 0.0, chosen.high, rejected.high), _chosen(below, chosen.low, rejected.low)
        )

    def floor(self: S) -> S:
        """The largest whole number that is not above; below 2**52 in size, and exact."""
        if self.factor is not ONE or not is_zero(self.low) or not is_zero(self.exponent):
            raise TypeError("only a step over a period has an exact floor")
        divisor = self.divisor
        whole = floor_of_double(self.high * (1.0 / divisor.high))
        rest = fused_multiply_add(-whole, divisor.high, self.high)
        if not is_zero(divisor.low):
            rest = fused_multiply_add(-whole, divisor.low, rest)
        # The estimate may be 1 off.
        above = rest - divisor.high
        if not is_zero(divisor.low):
            above = above - divisor.low
        whole = whole - where_less(rest, 0.0, 1.0, 0.0)
        return type(self)(whole + where_less(above, 0.0, 0.0, 1.0), bounds=self.bounds.floor())


def _chosen_if_positive(base: Number, low: Number) -> Number:
    return 0.0 if is_zero(low) else where_less(0.0, base, low, 0.0)


def _product(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    if a is ONE or b is ONE:
        return b if a is ONE else a
    return a * b


def _chosen(below: Number, then: Number, otherwise: Number) -> Number:
    if is_zero(then) and is_zero(otherwise):
        return 0.0
    return where_less(below, 0.0, then, otherwise)


def _below(number: Scaled, limit: DoubleDouble) -> Number:
    """A number that is negative where the high and low part are below a limit."""
    return (number.high - limit.high) + (number.low - limit.low)


def series(x: Number, coefficients: list[float]) -> Number:
    """``coefficients[0] + coefficients[1] * x + ...``, in two chains: even and odd powers."""
    square = x * x
    chains: list[Number] = []
    for chain in (coefficients[::2], coefficients[1::2]):
        total: Number = chain[-1]
        for coefficient in chain[-2::-1]:
            total = fused_multiply_add(total, square, coefficient)
        chains.append(total)
    return fused_multiply_add(chains[1], x, chains[0])


def economised(coefficients: list[Fraction], lowest: float, highest: float, count: int) -> list[float]:
    """A power series with few coefficients, as near as can be to one with many between two numbers.

    The polynomial agrees with the series at the zeros of a Chebyshev polynomial.
    """
    middle, half = (lowest + highest) / 2, (highest - lowest) / 2
    nodes = [Fraction(middle + half * cos(pi * (k + 0.5) / count)) for k in range(count)]
    # Newton's divided differences, then powers of x.
    differences = [sum((c * x**n for n, c in enumerate(coefficients)), Fraction(0)) for x in nodes]
    for order in range(1, count):
        for k in range(count - 1, order - 1, -1):
            differences[k] = (differences[k] - differences[k - 1]) / (nodes[k] - nodes[k - order])
    powers = [differences[-1]]
    for difference, node in zip(differences[-2::-1], nodes[-2::-1], strict=True):
        shifted = [Fraction(0), *powers]
        powers = [a - node * b for a, b in zip(shifted, [*powers, Fraction(0)], strict=True)]
        powers[0] += difference
    return [float(power) for power in powers]
