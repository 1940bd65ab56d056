# Writes that are prepared ahead, or go past the processor's caches.
cdef extern from "streams.h" nogil:
    void prefetch(const void* array, Py_ssize_t bytes)
    void stream(void* out, Py_ssize_t offset, const void* values, Py_ssize_t origin, Py_ssize_t bytes)
    void finish_streams()
