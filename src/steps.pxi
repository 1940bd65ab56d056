# Single steps, as Python and NumPy have them.
cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1
    bint PyFloat_Check(object number)
    double PyFloat_AS_DOUBLE(object number)
    bint PyObject_TypeCheck(object number, type kind)
    object PyNumber_Index(object number)

cdef double TWO_TO_63 = 2.0**63
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
