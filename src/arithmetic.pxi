# The elementary operations of the kernels.
from libc.math cimport INFINITY, floor
from libc.stdint cimport int64_t

cdef extern from "arithmetic.h" nogil:
    double fused_multiply_add(double a, double b, double c)
    double multiply_add(double a, double b, double c)
    double power_of_two(double exponent, double shift)
    double nearest_exponent(double value)
    double square_root(double value)
    double binary_exponent(double value)
    float float32(double value)
    double float64(double value)
    double absolute(double value)
    double rounding_error(int64_t value, double rounded)
    Py_ssize_t as_index(Py_ssize_t index)
