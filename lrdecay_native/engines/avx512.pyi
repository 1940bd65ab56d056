from typing import Any

from numpy.typing import NDArray

def processor_features() -> list[str]: ...

class Point:
    def __init__(self, stages: list[tuple[str, list[float]]], limit: float) -> None: ...
    def at(self, step: Any) -> float | None: ...

class Link:
    def on_arrays(self, pair: tuple[NDArray[Any], NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]: ...
    def on_point(self, pair: tuple[float, float]) -> tuple[float, float]: ...
    def at(self, step: Any) -> float | None: ...

class KernelLink(Link):
    def __init__(self, name: str, parameters: tuple[float, ...]) -> None: ...

class ChainLink(Link):
    def __init__(self, links: tuple[Link, ...]) -> None: ...

class RowLink(Link):
    def __init__(self, begins: list[tuple[float, float]], links: tuple[Link, ...]) -> None: ...

class RepeatedLink(Link):
    def __init__(
        self, row: Link, period: tuple[float, float], gain: float, offset: tuple[float, float]
    ) -> None: ...

class CombinedLink(Link):
    def __init__(self, name: str, first: Link, second: Link) -> None: ...

class TableLink(Link):
    def __init__(self, rates: NDArray[Any], linear: bool) -> None: ...

def fill_blocks(
    link: Link,
    out: NDArray[Any],
    starts: NDArray[Any],
    lengths: NDArray[Any],
    first: int,
    step: int,
    buffer: NDArray[Any] | None,
) -> list[tuple[int, int]]: ...
def whole_periods_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def whole_periods_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def constant_continuous_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def constant_continuous_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def constant_continuous_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def constant_continuous_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def step_decay_continuous_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def step_decay_continuous_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def step_decay_continuous_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def step_decay_continuous_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def exponential_decay_continuous_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def exponential_decay_continuous_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def exponential_decay_continuous_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def exponential_decay_continuous_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def inverse_time_decay_continuous_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def inverse_time_decay_continuous_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def inverse_time_decay_continuous_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def inverse_time_decay_continuous_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_0_5_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_clamped_power_0_5_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_0_5_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_0_5_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_1_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_clamped_power_1_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_1_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_1_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_1_5_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_clamped_power_1_5_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_1_5_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_1_5_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_2_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_clamped_power_2_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_2_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_2_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_3_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_clamped_power_3_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_3_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_power_3_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_clamped_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_clamped_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_cyclic_power_0_5_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_cyclic_power_0_5_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_cyclic_power_1_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_cyclic_power_1_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_cyclic_power_1_5_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_cyclic_power_1_5_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_cyclic_power_2_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_cyclic_power_2_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_cyclic_power_3_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_cyclic_power_3_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def polynomial_decay_cyclic_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def polynomial_decay_cyclic_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def linear_decay_clamped_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def linear_decay_clamped_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def linear_decay_clamped_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def linear_decay_clamped_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def cosine_decay_clamped_exponent_1_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def cosine_decay_clamped_exponent_1_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def cosine_decay_clamped_exponent_1_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def cosine_decay_clamped_exponent_1_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def cosine_decay_clamped_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def cosine_decay_clamped_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def cosine_decay_clamped_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def cosine_decay_clamped_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def inverse_square_root_decay_continuous_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def inverse_square_root_decay_continuous_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def inverse_square_root_decay_continuous_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def inverse_square_root_decay_continuous_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def power_law_decay_continuous_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def power_law_decay_continuous_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def power_law_decay_continuous_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def power_law_decay_continuous_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def tanh_decay_clamped_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def tanh_decay_clamped_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def tanh_decay_clamped_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def tanh_decay_clamped_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def rex_decay_clamped_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def rex_decay_clamped_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def rex_decay_clamped_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def rex_decay_clamped_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def one_minus_square_root_decay_clamped_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def one_minus_square_root_decay_clamped_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def one_minus_square_root_decay_clamped_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def one_minus_square_root_decay_clamped_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def linear_cosine_decay_clamped_prepare(parameters: NDArray[Any], out: NDArray[Any]) -> None: ...
def linear_cosine_decay_clamped_float64(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def linear_cosine_decay_clamped_float32(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def linear_cosine_decay_clamped_float32_steps(
    steps: NDArray[Any], stride: int, constants: NDArray[Any], out: NDArray[Any]
) -> None: ...
def continuous_point(high: float, low: float, period: float, period_low: float) -> tuple[float, float]: ...
def continuous(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    period: float,
    period_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def staircase_point(high: float, low: float, period: float, period_low: float) -> tuple[float, float]: ...
def staircase(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    period: float,
    period_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def clamped_point(high: float, low: float, period: float, period_low: float) -> tuple[float, float]: ...
def clamped(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    period: float,
    period_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def cyclic_point(high: float, low: float, period: float, period_low: float) -> tuple[float, float]: ...
def cyclic(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    period: float,
    period_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def constant_point(high: float, low: float, learning_rate: float) -> tuple[float, float]: ...
def constant(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def step_decay_point(
    high: float, low: float, initial_learning_rate: float, drop_rate: float
) -> tuple[float, float]: ...
def step_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    drop_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def exponential_decay_point(
    high: float, low: float, initial_learning_rate: float, decay_rate: float
) -> tuple[float, float]: ...
def exponential_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    decay_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def inverse_time_decay_point(
    high: float, low: float, initial_learning_rate: float, decay_rate: float
) -> tuple[float, float]: ...
def inverse_time_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    decay_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def polynomial_decay_power_0_5_point(
    high: float, low: float, initial_learning_rate: float, power: float, end_learning_rate: float
) -> tuple[float, float]: ...
def polynomial_decay_power_0_5(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    power: float,
    end_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def polynomial_decay_power_1_point(
    high: float, low: float, initial_learning_rate: float, power: float, end_learning_rate: float
) -> tuple[float, float]: ...
def polynomial_decay_power_1(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    power: float,
    end_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def polynomial_decay_power_1_5_point(
    high: float, low: float, initial_learning_rate: float, power: float, end_learning_rate: float
) -> tuple[float, float]: ...
def polynomial_decay_power_1_5(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    power: float,
    end_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def polynomial_decay_power_2_point(
    high: float, low: float, initial_learning_rate: float, power: float, end_learning_rate: float
) -> tuple[float, float]: ...
def polynomial_decay_power_2(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    power: float,
    end_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def polynomial_decay_power_3_point(
    high: float, low: float, initial_learning_rate: float, power: float, end_learning_rate: float
) -> tuple[float, float]: ...
def polynomial_decay_power_3(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    power: float,
    end_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def polynomial_decay_point(
    high: float, low: float, initial_learning_rate: float, power: float, end_learning_rate: float
) -> tuple[float, float]: ...
def polynomial_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    power: float,
    end_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def linear_decay_point(
    high: float, low: float, initial_learning_rate: float, end_learning_rate: float
) -> tuple[float, float]: ...
def linear_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    end_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def cosine_decay_exponent_1_point(
    high: float, low: float, initial_learning_rate: float, end_learning_rate: float, exponent: float
) -> tuple[float, float]: ...
def cosine_decay_exponent_1(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    end_learning_rate: float,
    exponent: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def cosine_decay_point(
    high: float, low: float, initial_learning_rate: float, end_learning_rate: float, exponent: float
) -> tuple[float, float]: ...
def cosine_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    end_learning_rate: float,
    exponent: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def inverse_square_root_decay_point(
    high: float, low: float, initial_learning_rate: float
) -> tuple[float, float]: ...
def inverse_square_root_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def power_law_decay_point(
    high: float, low: float, initial_learning_rate: float, power: float
) -> tuple[float, float]: ...
def power_law_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    power: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def tanh_decay_point(
    high: float,
    low: float,
    initial_learning_rate: float,
    lower: float,
    upper: float,
    end_learning_rate: float,
) -> tuple[float, float]: ...
def tanh_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    lower: float,
    upper: float,
    end_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def rex_decay_point(
    high: float, low: float, initial_learning_rate: float, end_learning_rate: float
) -> tuple[float, float]: ...
def rex_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    end_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def one_minus_square_root_decay_point(
    high: float, low: float, initial_learning_rate: float, end_learning_rate: float
) -> tuple[float, float]: ...
def one_minus_square_root_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    end_learning_rate: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def linear_cosine_decay_point(
    high: float, low: float, initial_learning_rate: float, num_periods: float, alpha: float, beta: float
) -> tuple[float, float]: ...
def linear_cosine_decay(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    initial_learning_rate: float,
    num_periods: float,
    alpha: float,
    beta: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def delayed_point(high: float, low: float, delay: float, delay_low: float) -> tuple[float, float]: ...
def delayed(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    delay: float,
    delay_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def reflected_point(high: float, low: float, total: float, total_low: float) -> tuple[float, float]: ...
def reflected(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    total: float,
    total_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def repeated_point(high: float, low: float, period: float, period_low: float) -> tuple[float, float]: ...
def repeated(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    period: float,
    period_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def powered_point(high: float, low: float, exponent: float, exponent_low: float) -> tuple[float, float]: ...
def powered(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    exponent: float,
    exponent_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def held_point(high: float, low: float, rate: float, rate_low: float) -> tuple[float, float]: ...
def held(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    rate: float,
    rate_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def ramp_point(
    high: float,
    low: float,
    steps: float,
    steps_low: float,
    start: float,
    start_low: float,
    rate: float,
    rate_low: float,
) -> tuple[float, float]: ...
def ramp(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    steps: float,
    steps_low: float,
    start: float,
    start_low: float,
    rate: float,
    rate_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def cosine_ramp_point(
    high: float,
    low: float,
    steps: float,
    steps_low: float,
    start: float,
    start_low: float,
    rate: float,
    rate_low: float,
) -> tuple[float, float]: ...
def cosine_ramp(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    steps: float,
    steps_low: float,
    start: float,
    start_low: float,
    rate: float,
    rate_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def square_root_ramp_point(
    high: float,
    low: float,
    steps: float,
    steps_low: float,
    start: float,
    start_low: float,
    rate: float,
    rate_low: float,
) -> tuple[float, float]: ...
def square_root_ramp(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    steps: float,
    steps_low: float,
    start: float,
    start_low: float,
    rate: float,
    rate_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def exponential_point(high: float, low: float, base: float, base_low: float) -> tuple[float, float]: ...
def exponential(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    base: float,
    base_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def scaled_point(high: float, low: float, factor: float, factor_low: float) -> tuple[float, float]: ...
def scaled(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    factor: float,
    factor_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def moved_point(high: float, low: float, offset: float, offset_low: float) -> tuple[float, float]: ...
def moved(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    offset: float,
    offset_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def raised_point(high: float, low: float, lowest: float, lowest_low: float) -> tuple[float, float]: ...
def raised(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    lowest: float,
    lowest_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def capped_point(high: float, low: float, highest: float, highest_low: float) -> tuple[float, float]: ...
def capped(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    highest: float,
    highest_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def added_point(high: float, low: float, other_high: float, other_low: float) -> tuple[float, float]: ...
def added(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    other_high_array: NDArray[Any],
    other_low_array: NDArray[Any],
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def multiplied_point(high: float, low: float, other_high: float, other_low: float) -> tuple[float, float]: ...
def multiplied(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    other_high_array: NDArray[Any],
    other_low_array: NDArray[Any],
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def eased_point(
    high: float, low: float, other_high: float, other_low: float, offset: float, offset_low: float
) -> tuple[float, float]: ...
def eased(
    high_array: NDArray[Any],
    low_array: NDArray[Any],
    other_high_array: NDArray[Any],
    other_low_array: NDArray[Any],
    offset: float,
    offset_low: float,
    out0: NDArray[Any],
    out1: NDArray[Any],
) -> None: ...
def sample_steps(
    out_highs: NDArray[Any],
    out_lows: NDArray[Any],
    starts: NDArray[Any],
    lengths: NDArray[Any],
    nodes: NDArray[Any],
    first: int,
    step: int,
) -> None: ...
def fill_blocks_float64(
    out: NDArray[Any],
    starts: NDArray[Any],
    lengths: NDArray[Any],
    highs: NDArray[Any],
    lows: NDArray[Any],
    coefficients: NDArray[Any],
    expansions: NDArray[Any],
    out_choices: NDArray[Any],
) -> float: ...
def stream_blocks_float64(
    out: NDArray[Any],
    starts: NDArray[Any],
    lengths: NDArray[Any],
    highs: NDArray[Any],
    lows: NDArray[Any],
    coefficients: NDArray[Any],
    expansions: NDArray[Any],
    out_choices: NDArray[Any],
    buffer: NDArray[Any],
) -> float: ...
def fill_tiles_float64(tiled: NDArray[Any], first: int, length: int) -> None: ...
def stream_tiles_float64(tiled: NDArray[Any], first: int, length: int) -> None: ...
def fill_runs_float64(out: NDArray[Any], values: NDArray[Any], starts: NDArray[Any]) -> None: ...
def stream_runs_float64(
    out: NDArray[Any], values: NDArray[Any], starts: NDArray[Any], buffer: NDArray[Any]
) -> None: ...
def fill_lines_float64(
    out: NDArray[Any],
    starts: NDArray[Any],
    first_highs: NDArray[Any],
    first_lows: NDArray[Any],
    last_highs: NDArray[Any],
    last_lows: NDArray[Any],
) -> None: ...
def stream_lines_float64(
    out: NDArray[Any],
    starts: NDArray[Any],
    first_highs: NDArray[Any],
    first_lows: NDArray[Any],
    last_highs: NDArray[Any],
    last_lows: NDArray[Any],
    buffer: NDArray[Any],
) -> None: ...
def fill_cycles_float64(
    out: NDArray[Any],
    starts: NDArray[Any],
    gain_highs: NDArray[Any],
    gain_lows: NDArray[Any],
    highs: NDArray[Any],
    lows: NDArray[Any],
    least: float,
    offset_high: float,
    offset_low: float,
) -> None: ...
def stream_cycles_float64(
    out: NDArray[Any],
    starts: NDArray[Any],
    gain_highs: NDArray[Any],
    gain_lows: NDArray[Any],
    highs: NDArray[Any],
    lows: NDArray[Any],
    least: float,
    offset_high: float,
    offset_low: float,
    buffer: NDArray[Any],
) -> None: ...
def fill_blocks_float32(
    out: NDArray[Any],
    starts: NDArray[Any],
    lengths: NDArray[Any],
    highs: NDArray[Any],
    lows: NDArray[Any],
    coefficients: NDArray[Any],
    expansions: NDArray[Any],
    out_choices: NDArray[Any],
) -> float: ...
def stream_blocks_float32(
    out: NDArray[Any],
    starts: NDArray[Any],
    lengths: NDArray[Any],
    highs: NDArray[Any],
    lows: NDArray[Any],
    coefficients: NDArray[Any],
    expansions: NDArray[Any],
    out_choices: NDArray[Any],
    buffer: NDArray[Any],
) -> float: ...
def fill_tiles_float32(tiled: NDArray[Any], first: int, length: int) -> None: ...
def stream_tiles_float32(tiled: NDArray[Any], first: int, length: int) -> None: ...
def fill_runs_float32(out: NDArray[Any], values: NDArray[Any], starts: NDArray[Any]) -> None: ...
def stream_runs_float32(
    out: NDArray[Any], values: NDArray[Any], starts: NDArray[Any], buffer: NDArray[Any]
) -> None: ...
def fill_lines_float32(
    out: NDArray[Any],
    starts: NDArray[Any],
    first_highs: NDArray[Any],
    first_lows: NDArray[Any],
    last_highs: NDArray[Any],
    last_lows: NDArray[Any],
) -> None: ...
def stream_lines_float32(
    out: NDArray[Any],
    starts: NDArray[Any],
    first_highs: NDArray[Any],
    first_lows: NDArray[Any],
    last_highs: NDArray[Any],
    last_lows: NDArray[Any],
    buffer: NDArray[Any],
) -> None: ...
def fill_cycles_float32(
    out: NDArray[Any],
    starts: NDArray[Any],
    gain_highs: NDArray[Any],
    gain_lows: NDArray[Any],
    highs: NDArray[Any],
    lows: NDArray[Any],
    least: float,
    offset_high: float,
    offset_low: float,
) -> None: ...
def stream_cycles_float32(
    out: NDArray[Any],
    starts: NDArray[Any],
    gain_highs: NDArray[Any],
    gain_lows: NDArray[Any],
    highs: NDArray[Any],
    lows: NDArray[Any],
    least: float,
    offset_high: float,
    offset_low: float,
    buffer: NDArray[Any],
) -> None: ...
