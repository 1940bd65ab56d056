# The Cython engine. The three extension modules beside this file are this text, compiled for three kinds of
# processor; generated_kernels.pxi is written by lrdecay_native.generation when the package is built.
from libc.math cimport floor
from libc.stdint cimport int64_t

cdef extern from "arithmetic.h" nogil:
    double fused_multiply_add(double a, double b, double c)
    double multiply_add(double a, double b, double c)
    double power_of_two(double exponent)
    double nearest_exponent(double value)
    double square_root(double value)
    double times_power_of_two(double value, double exponent)
    double binary_exponent(double value)
    float float32(double value)
    double float64(double value)
    Py_ssize_t as_index(Py_ssize_t index)
    bint processor_has_avx2()
    bint processor_has_avx512()


ctypedef double (*value_function)(double step, const double* constants) noexcept nogil

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1


def processor_features():
    """The vector instruction sets, of those that there is a build for, that this processor has."""
    features = ["baseline"]
    if processor_has_avx2():
        features.append("avx2")
    if processor_has_avx512():
        features.append("avx512")
    return features


include "generated_kernels.pxi"


cdef enum:
    MOST_STAGES = 4
    MOST_CONSTANTS = 16

cdef double TWO_TO_63 = 2.0**63

from numpy import integer as _numpy_integer


cdef class Point:
    """The value at single steps of kernels one after the other, each applied to the result of the one before.

    ``Point([(kernel, constants), ...], limit)``; every kernel has its constants, at most 16 floats.  A step from
    ``limit`` on is not for these kernels.
    """

    cdef size_t functions[MOST_STAGES]
    cdef double constants[MOST_STAGES][MOST_CONSTANTS]
    cdef int count
    cdef double limit

    def __init__(self, list stages, double limit):
        if len(stages) > MOST_STAGES:
            raise ValueError(f"there are {len(stages)} stages; the most are {MOST_STAGES}")
        self.count = len(stages)
        self.limit = limit
        for k, (name, constants) in enumerate(stages):
            self.functions[k] = _VALUES[name]
            for i, constant in enumerate(constants):
                self.constants[k][i] = constant

    def at(self, step):
        """The value at a step, or None for a step that needs more bits, isn't in range, or is no number."""
        cdef long long whole
        cdef double value
        cdef int overflow = 0
        if type(step) is int:
            whole = PyLong_AsLongLongAndOverflow(step, &overflow)
            value = <double>whole
            # 2**63 itself doesn't overflow in the conversion back.
            if overflow or whole < 0 or value >= TWO_TO_63 or <long long>value != whole:
                return None
        elif isinstance(step, float):
            value = step
        elif isinstance(step, _numpy_integer):
            return self.at(step.__index__())
        else:
            return None
        if not 0.0 <= value < self.limit:
            return None
        for k in range(self.count):
            value = (<value_function>self.functions[k])(value, self.constants[k])
        return value
