# Kernels in short arithmetic: at rows of arbitrary steps, and at single ones.
cdef inline ElementwiseKernel* _elementwise(str name) except NULL:
    return &ELEMENTWISE_KERNELS[<Py_ssize_t>ELEMENTWISE[name]]


def prepare(str kernel, parameters, out):
    """Write what a kernel needs to know of sets of parameters; each has a column in both matrices."""
    cdef ElementwiseKernel* functions = _elementwise(kernel)
    cdef Py_ssize_t sets, columns
    cdef Views views
    views.count = 0
    try:
        given = _matrix(&views, parameters, &sets)
        written = _matrix(&views, out, &columns, True)
        if views.buffers[0].shape[0] != functions.parameters or sets != columns:
            raise ValueError(f"{kernel} must have {functions.parameters} parameters in as many sets as constants")
        with nogil:
            functions.prepare(given, sets, written, columns)
    finally:
        _released(&views)


def evaluate(str kernel, steps, Py_ssize_t stride, constants, out):
    """Write the values at rows of steps, each with a column of the constants.

    A row begins so many steps behind the one before; with a stride of 0 all have the same steps.  Steps and values are
    of float64, or the values, or both, of float32.
    """
    cdef ElementwiseKernel* functions = _elementwise(kernel)
    cdef Py_ssize_t count, columns, length
    cdef int step_bytes, value_bytes
    cdef Views views
    views.count = 0
    try:
        given = _rates(&views, steps, &count, &step_bytes, False)
        prepared = _matrix(&views, constants, &columns)
        written = _rates(&views, out, &length, &value_bytes)
        if columns == 0 or length % columns or (columns - 1) * stride + length // columns > count:
            raise ValueError(f"{columns} rows of {count} steps do not have {length} values")
        if value_bytes == 4 and functions.rows_float32 == NULL or step_bytes == 4 and value_bytes == 8:
            raise TypeError(f"{kernel} has no values of {value_bytes} bytes at steps of {step_bytes} bytes")
        with nogil:
            if value_bytes == 8:
                functions.rows_float64(
                    <const double*>given, count, stride, prepared, columns, <double*>written, length
                )
            elif step_bytes == 8:
                functions.rows_float32(
                    <const double*>given, count, stride, prepared, columns, <float*>written, length
                )
            else:
                functions.rows_float32_steps(
                    <const float*>given, count, stride, prepared, columns, <float*>written, length
                )
    finally:
        _released(&views)


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
            self.stages[k].value = _elementwise(name).value
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
