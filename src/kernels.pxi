# The Cython engine. The three extension modules beside this file are this text, compiled for three kinds of
# processor; generated_kernels.pxi is written by lrdecay_native.generation when the package is built.
from libc.math cimport floor
from libc.stdint cimport int64_t

cdef extern from "arithmetic.h" nogil:
    double fused_multiply_add(double a, double b, double c)
    double multiply_add(double a, double b, double c)
    double power_of_two(double exponent)
    double binary_exponent(double value)
    float float32(double value)
    double float64(double value)
    double absolute(double value)
    double rounding_error(int64_t value, double rounded)
    Py_ssize_t as_index(Py_ssize_t index)
    bint processor_has_avx2()
    bint processor_has_avx512()


def processor_features():
    """The vector instruction sets, of those that there is a build for, that this processor has."""
    features = ["baseline"]
    if processor_has_avx2():
        features.append("avx2")
    if processor_has_avx512():
        features.append("avx512")
    return features


include "generated_kernels.pxi"
