# The memory of NumPy's arrays.  Cython's own views cost several times as much, per call and in C.
cdef enum:
    MOST_VIEWS = 9


cdef struct Views:
    int count
    Py_buffer buffers[MOST_VIEWS]


cdef Py_buffer* _taken(Views* views, object array, bint written) except NULL:
    """The memory of one more contiguous array."""
    cdef Py_buffer* buffer = &views.buffers[views.count]
    PyObject_GetBuffer(
        array, buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (PyBUF_WRITABLE if written else 0)
    )
    views.count += 1
    return buffer


cdef void _released(Views* views) noexcept:
    """Every array may change its size again."""
    cdef int k
    for k in range(views.count):
        PyBuffer_Release(&views.buffers[k])
    views.count = 0


cdef char NATIVE = b"<" if sys.byteorder == "little" else b">"


cdef char _kind(const Py_buffer* buffer) noexcept:
    """The kind of an array's numbers, one character; 0 for what is no plain number in the machine's byte order."""
    cdef const char* format = buffer.format
    if format[0] in (b"@", b"=", NATIVE):
        format += 1
    return format[0] if format[1] == 0 else 0


cdef int _value_bytes(const Py_buffer* buffer) except -1:
    """The size of the values of float64 or float32."""
    cdef char kind = _kind(buffer)
    if kind == b"d":
        return 8
    if kind == b"f":
        return 4
    raise TypeError(f"an array must be of float64 or float32, not of the format {buffer.format.decode()!r}")


cdef double* _doubles(Views* views, object array, Py_ssize_t* length, bint written=False) except NULL:
    """The values of an array of float64, and how many there are."""
    cdef Py_buffer* buffer = _taken(views, array, written)
    if _value_bytes(buffer) != 8:
        raise TypeError("an array must be of float64, not of float32")
    length[0] = buffer.len // 8
    return <double*>buffer.buf


cdef double* _matrix(Views* views, object array, Py_ssize_t* columns, bint written=False) except NULL:
    """The values of an array of float64 with two dimensions, and the length of its rows."""
    cdef Py_ssize_t length
    cdef double* values = _doubles(views, array, &length, written)
    cdef Py_buffer* buffer = &views.buffers[views.count - 1]
    if buffer.ndim != 2:
        raise ValueError(f"an array must have 2 dimensions, not {buffer.ndim}")
    columns[0] = buffer.shape[1]
    return values


cdef void* _rates(
    Views* views, object array, Py_ssize_t* length, int* value_bytes, bint written=True
) except NULL:
    """The values of an array of float64 or float32."""
    cdef Py_buffer* buffer = _taken(views, array, written)
    value_bytes[0] = _value_bytes(buffer)
    length[0] = buffer.len // value_bytes[0]
    return buffer.buf


cdef void* _buffer(Views* views, object array, int value_bytes) except? NULL:
    """Where values go first that are written past the processor's caches, or NULL."""
    cdef Py_ssize_t length
    cdef int found
    if array is None:
        return NULL
    values = _rates(views, array, &length, &found)
    if found != value_bytes:
        raise TypeError("the buffer must be of the dtype of what is written")
    return values


cdef int64_t* _indices(Views* views, object array, Py_ssize_t* length) except NULL:
    """The values of an array of int64."""
    cdef Py_buffer* buffer = _taken(views, array, False)
    if buffer.itemsize != 8 or _kind(buffer) not in (b"l", b"q"):
        raise TypeError(f"an array must be of int64, not of the format {buffer.format.decode()!r}")
    length[0] = buffer.len // 8
    return <int64_t*>buffer.buf
