# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: auto_pickle=False, emit_code_comments=False
# The compiled engine: what Python calls, around the kernels that lrdecay_native.codegen writes when the package is
# built.  It is translated once, and compiled for three kinds of processor.
from cpython.buffer cimport (
    PyBUF_C_CONTIGUOUS, PyBUF_FORMAT, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
)
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.string cimport memcpy

import sys

import numpy

ctypedef void (*prepare_function)(const double*, Py_ssize_t, double*, Py_ssize_t) noexcept nogil
ctypedef double (*value_function)(double step, const double* constants) noexcept nogil
ctypedef void (*float64_function)(
    const double*, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, double*, Py_ssize_t
) noexcept nogil
ctypedef void (*float32_function)(
    const double*, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, float*, Py_ssize_t
) noexcept nogil
ctypedef void (*float32_steps_function)(
    const float*, Py_ssize_t, Py_ssize_t, const double*, Py_ssize_t, float*, Py_ssize_t
) noexcept nogil
ctypedef void (*double_double_function)(
    const double*, const double*, const double*, const double*, double*, double*, const double*, Py_ssize_t
) noexcept nogil

cdef struct ElementwiseKernel:
    # In short arithmetic, at arbitrary steps; one may have no values in float32.
    int parameters
    prepare_function prepare
    value_function value
    float64_function rows_float64
    float32_function rows_float32
    float32_steps_function rows_float32_steps

cdef struct DoubleDoubleKernel:
    # Of numbers high + low: a combination has two variables, and so four arrays.
    int arrays
    int parameters
    double_double_function on_arrays

cdef extern from "checksum.h" nogil:
    unsigned int built_from()

cdef extern from "processor.h" nogil:
    bint processor_has_avx2()
    bint processor_has_avx512()

cdef enum:
    FEW = 64  # For fewer numbers the lock is not worth letting go.


def processor_features():
    """The vector instruction sets, of those that there is a build for, that this processor has."""
    features = ["baseline"]
    if processor_has_avx2():
        features.append("avx2")
    if processor_has_avx512():
        features.append("avx512")
    return features


def source_checksum():
    """That of the text that this engine was built from."""
    return built_from()


include "arithmetic.pxi"
include "block_constants.pxi"
include "catalogue.pxi"
include "views.pxi"
include "steps.pxi"
include "elementwise.pxi"
include "chains.pxi"
include "grids.pxi"
