"""Every function that an engine consists of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from lrdecay_native.arithmetic import block_polynomial
from lrdecay_native.codegen import double_double_kernels, elementwise_kernels
from lrdecay_native.codegen.block_kernels import block_functions, sample_nodes
from lrdecay_native.codegen.fill_kernels import fill_functions
from lrdecay_native.codegen.functions import Function
from lrdecay_native.codegen.tuning import PREFETCHED_WHOLE_BYTES
from lrdecay_native.formulas.catalogue import FORMULAS


def formula_functions(formula: str) -> Iterator[Function]:
    """The functions of a formula."""
    for kernel in elementwise_kernels.elementwise_kernels(formula):
        yield from elementwise_kernels.functions_of(kernel)
    for exact_kernel in double_double_kernels.formula_kernels(formula):
        yield from double_double_kernels.functions_of(exact_kernel)


def map_functions() -> Iterator[Function]:
    """The functions of time maps, composition maps and combinations."""
    yield from elementwise_kernels.functions_of(elementwise_kernels.whole_periods_kernel())
    for kernel in double_double_kernels.map_kernels():
        yield from double_double_kernels.functions_of(kernel)


def grid_functions(dtype: str, prefetched_bytes: int = PREFETCHED_WHOLE_BYTES) -> Iterator[Function]:
    """The functions that fill grids of that dtype."""
    yield from block_functions(dtype, block_polynomial.LOOPS[dtype], prefetched_bytes)
    yield from fill_functions(dtype, prefetched_bytes)


def groups(prefetched_bytes: int = PREFETCHED_WHOLE_BYTES) -> dict[str, Callable[[], Iterator[Function]]]:
    """What makes the functions of each formula, and of what formulas have in common."""
    found: dict[str, Callable[[], Iterator[Function]]] = {
        formula: partial(formula_functions, formula) for formula in FORMULAS
    }
    found["maps"] = map_functions
    found["sampling"] = lambda: iter([sample_nodes()])
    for dtype in block_polynomial.LOOPS:
        found[f"grids_{dtype}"] = partial(grid_functions, dtype, prefetched_bytes)
    return found


def all_functions(prefetched_bytes: int = PREFETCHED_WHOLE_BYTES) -> dict[str, list[Function]]:
    """All functions in their groups."""
    return {name: list(made()) for name, made in groups(prefetched_bytes).items()}
