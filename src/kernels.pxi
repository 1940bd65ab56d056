# The Cython engine. The three extension modules beside this file are this text, compiled for three kinds of
# processor; generated_kernels.pxi is written by lrdecay_native.generation when the package is built.
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport INFINITY, floor
from libc.stdint cimport int64_t
from libc.string cimport memcpy

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
    void prefetch(const void* array, Py_ssize_t bytes)
    void stream(void* out, Py_ssize_t offset, const void* values, Py_ssize_t origin, Py_ssize_t bytes)
    void finish_streams()
    bint processor_has_avx2()
    bint processor_has_avx512()


ctypedef double (*value_function)(double step, const double* constants) noexcept nogil

cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1
    bint PyFloat_Check(object number)
    double PyFloat_AS_DOUBLE(object number)
    bint PyObject_TypeCheck(object number, type kind)
    object PyNumber_Index(object number)


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
    MOST_CONSTANTS = 16

cdef double TWO_TO_63 = 2.0**63

import numpy

cdef type _numpy_integer = numpy.integer
cdef type _numpy_timedelta = numpy.timedelta64


cdef inline bint _step(object step, double* high, double* low) except -1:
    """Whether something is a step from 0 to below 2**63; as ``high + low``, exactly."""
    cdef long long whole
    cdef int overflow = 0
    low[0] = 0.0
    if type(step) is int:
        whole = PyLong_AsLongLongAndOverflow(step, &overflow)
    elif PyFloat_Check(step):
        high[0] = PyFloat_AS_DOUBLE(step)
        return 0.0 <= high[0] < TWO_TO_63
    elif PyObject_TypeCheck(step, _numpy_integer) and not PyObject_TypeCheck(step, _numpy_timedelta):
        whole = PyLong_AsLongLongAndOverflow(PyNumber_Index(step), &overflow)
    else:
        return False
    high[0] = <double>whole
    low[0] = rounding_error(whole, high[0])
    return not overflow and whole >= 0


cdef struct Stage:
    value_function value
    double constants[MOST_CONSTANTS]


cdef class Point:
    """The value at single steps of kernels one after the other, each applied to the result of the one before.

    ``Point([(kernel, constants), ...], limit)``; every kernel has its constants, at most 16 floats.  A step from
    ``limit`` on is not for these kernels.
    """

    cdef Stage* stages
    cdef Py_ssize_t count
    cdef double limit

    def __cinit__(self, list stages, double limit):
        self.stages = <Stage*>PyMem_Malloc(len(stages) * sizeof(Stage))
        if self.stages == NULL:
            raise MemoryError()
        self.count = len(stages)
        self.limit = limit
        for k, (name, constants) in enumerate(stages):
            self.stages[k].value = <value_function><void*><size_t>_VALUES[name]
            for i in range(MOST_CONSTANTS):
                self.stages[k].constants[i] = constants[i]

    def __dealloc__(self):
        PyMem_Free(self.stages)

    def at(self, step):
        """The value at a step, or None for a step that needs more bits, isn't in range, or is no number."""
        cdef double high = 0.0, low = 0.0
        if not _step(step, &high, &low) or low != 0.0:
            return None
        return self.evaluate(high)

    cdef object evaluate(self, double value):
        cdef Py_ssize_t k
        if not 0.0 <= value < self.limit:
            return None
        for k in range(self.count):
            value = self.stages[k].value(value, self.stages[k].constants)
        return value


include "chains.pxi"
