# Grids of steps: what writes many rates at once, and blocks of steps by polynomials, from the rates that a chain gives.

def sample_steps(out_highs, out_lows, starts, lengths, nodes, int64_t first, int64_t step):
    """Write the steps at the nodes of blocks, as ``high + low``: all first nodes, then all second ones, ..."""
    cdef Py_ssize_t n[5]
    cdef Views views
    views.count = 0
    try:
        highs, lows = _doubles(&views, out_highs, &n[0], True), _doubles(&views, out_lows, &n[1], True)
        begins, sizes = _indices(&views, starts, &n[2]), _indices(&views, lengths, &n[3])
        places = _indices(&views, nodes, &n[4])
        with nogil:
            sample_nodes(highs, n[0], lows, n[1], begins, n[2], sizes, n[3], places, n[4], first, step)
    finally:
        _released(&views)


def write_blocks(out, starts, lengths, highs, lows, coefficients, expansions, out_choices, buffer):
    """Fill blocks from the values at their nodes, and give the least choice; those with a negative one are left alone."""
    cdef Py_ssize_t n[8]
    cdef int value_bytes
    cdef double least
    cdef Views views
    views.count = 0
    try:
        written = _rates(&views, out, &n[0], &value_bytes)
        begins, sizes = _indices(&views, starts, &n[1]), _indices(&views, lengths, &n[2])
        high, low = _doubles(&views, highs, &n[3]), _doubles(&views, lows, &n[4])
        fitted = _doubles(&views, coefficients, &n[5], True)
        expanded = _doubles(&views, expansions, &n[6], True)
        choices = _doubles(&views, out_choices, &n[7], True)
        through = _buffer(&views, buffer, value_bytes)
        with nogil:
            least = blocks_written(
                value_bytes, written, n[0], begins, n[1], sizes, n[2], high, n[3], low, n[4], fitted, n[5],
                expanded, n[6], choices, n[7], through,
            )
        return least
    finally:
        _released(&views)


def write_lines(out, starts, first_highs, first_lows, last_highs, last_lows, buffer):
    """Write straight lines, each from one of the starts to the one behind it."""
    cdef Py_ssize_t n[6]
    cdef int value_bytes
    cdef Views views
    views.count = 0
    try:
        written, begins = _rates(&views, out, &n[0], &value_bytes), _indices(&views, starts, &n[1])
        first_high, first_low = _doubles(&views, first_highs, &n[2]), _doubles(&views, first_lows, &n[3])
        last_high, last_low = _doubles(&views, last_highs, &n[4]), _doubles(&views, last_lows, &n[5])
        through = _buffer(&views, buffer, value_bytes)
        with nogil:
            lines_written(
                value_bytes, written, n[0], begins, n[1], first_high, n[2], first_low, n[3], last_high, n[4],
                last_low, n[5], through,
            )
    finally:
        _released(&views)


def write_cycles(
    out, starts, gain_highs, gain_lows, highs, lows, double least, double offset_high, double offset_low, buffer
):
    """Write the distances of one cycle from an offset, times the gain of each cycle that begins at the starts."""
    cdef Py_ssize_t n[6]
    cdef int value_bytes
    cdef Views views
    views.count = 0
    try:
        written, begins = _rates(&views, out, &n[0], &value_bytes), _indices(&views, starts, &n[1])
        gain_high, gain_low = _doubles(&views, gain_highs, &n[2]), _doubles(&views, gain_lows, &n[3])
        high, low = _doubles(&views, highs, &n[4]), _doubles(&views, lows, &n[5])
        through = _buffer(&views, buffer, value_bytes)
        with nogil:
            cycles_written(
                value_bytes, written, n[0], begins, n[1], gain_high, n[2], gain_low, n[3], high, n[4], low, n[5],
                least, offset_high, offset_low, through,
            )
    finally:
        _released(&views)


def write_runs(out, values, starts, buffer):
    """Write runs of equal values, from the starts on; behind the last of these the last run ends."""
    cdef Py_ssize_t n[3]
    cdef int value_bytes, found
    cdef Views views
    views.count = 0
    try:
        written, given = _rates(&views, out, &n[0], &value_bytes), _rates(&views, values, &n[1], &found, False)
        if found != value_bytes:
            raise TypeError("the values of runs must be of the dtype of what is written")
        begins = _indices(&views, starts, &n[2])
        through = _buffer(&views, buffer, value_bytes)
        with nogil:
            runs_written(value_bytes, written, n[0], given, n[1], begins, n[2], through)
    finally:
        _released(&views)


def write_tiles(tiled, Py_ssize_t first, Py_ssize_t length, buffer):
    """Write copies of so many values from a first one on, up to the end; past the caches where there is a buffer."""
    cdef Py_ssize_t count
    cdef int value_bytes
    cdef Views views
    views.count = 0
    try:
        written = _rates(&views, tiled, &count, &value_bytes)
        through = _buffer(&views, buffer, value_bytes)
        with nogil:
            tiles_written(value_bytes, written, count, first, length, through)
    finally:
        _released(&views)


def fill_blocks(Compiled link, out, block_starts, block_lengths, int64_t first, int64_t step, buffer):
    """Fill blocks that begin at these indices, and the step behind the last one, with what a link gives.

    Where there is a buffer, past the processor's cache.
    Returns the starts and the lengths of those that the dtype has too few bits for.
    """
    cdef Py_ssize_t length, held = 0
    cdef int value_bytes
    cdef Views views
    cdef double* work = NULL
    cdef list small = [], waiting = [(block_starts, block_lengths)]
    views.count = 0
    try:
        rates = _rates(&views, out, &length, &value_bytes)
        through = _buffer(&views, buffer, value_bytes)
        last = <int64_t>(block_starts[len(block_starts) - 1] + block_lengths[len(block_starts) - 1])
        _write_each(link, rates, value_bytes, last, first + step * last, step, 1)
        while waiting:
            # A round takes some hundredths of a second.
            PyErr_CheckSignals()
            block_starts, block_lengths = waiting.pop()
            if len(block_starts) > AT_ONCE:
                waiting.append((block_starts[AT_ONCE:], block_lengths[AT_ONCE:]))
                block_starts, block_lengths = block_starts[:AT_ONCE], block_lengths[:AT_ONCE]
            if len(block_starts) > held:
                # No more than is needed: memory costs more than a round with few blocks.
                held = len(block_starts)
                PyMem_Free(work)
                work = NULL
                work = _memory(ROWS * held + EXPANSIONS)
            shorter = _fill_round(
                link, rates, length, value_bytes, block_starts, block_lengths, first, step, through, work, small
            )
            if shorter is not None:
                waiting.append(shorter)
        return small
    finally:
        PyMem_Free(work)
        _released(&views)


cdef object _fill_round(
    Compiled link, void* rates, Py_ssize_t rates_length, int value_bytes, object block_starts, object block_lengths,
    int64_t first, int64_t step, void* buffer, double* work, list small
):
    """Fill some blocks; return those, each cut into shorter ones, that are too long."""
    cdef Py_ssize_t count, n
    cdef Views views
    views.count = 0
    try:
        starts, lengths = _indices(&views, block_starts, &count), _indices(&views, block_lengths, &n)
        n = NODES * count
        highs, lows = work + 2 * n, work + 3 * n
        choices = lows + n
        coefficients = choices + count
        expansions = coefficients + COEFFICIENTS * count
        sample_nodes(work, n, work + n, n, starts, count, lengths, count, PLACES, NODES, first, step)
        link.run(n, work, work + n, highs, lows)
        with nogil:
            least = blocks_written(
                value_bytes, rates, rates_length, starts, count, lengths, count, highs, n, lows, n, coefficients,
                COEFFICIENTS * count, expansions, EXPANSIONS, choices, count, buffer,
            )
        return None if least >= 0.0 else _shorter(
            link, rates, value_bytes, starts, lengths, count, first, step, choices, small
        )
    finally:
        _released(&views)


cdef object _shorter(
    Compiled link, void* rates, int value_bytes, const int64_t* starts, const int64_t* lengths, Py_ssize_t count,
    int64_t first, int64_t step, const double* choices, list small
):
    """What is to be done with blocks that have a negative choice: shorter blocks, or None."""
    cdef Py_ssize_t k, cut = 0, length
    cdef int64_t part, covered, shorter
    for k in range(count):
        if choices[k] == TOO_SMALL:
            small.append((starts[k], lengths[k]))
        elif choices[k] < 0.0 and lengths[k] == SHORTEST_BLOCK:
            _write_each(link, rates, value_bytes, starts[k], first + step * starts[k], step, SHORTEST_BLOCK)
        elif choices[k] < 0.0:
            shorter = max(lengths[k] >> <int>-choices[k], SHORTEST_BLOCK)
            cut += lengths[k] // shorter - _covered(starts, lengths, k) // shorter
    if cut == 0:
        return None
    cdef Views views
    views.count = 0
    both = numpy.empty(2 * cut, numpy.int64)
    try:
        begins = _indices(&views, both, &length)
        sizes = begins + cut
        for k in range(count):
            if TOO_SMALL < choices[k] < 0.0 and lengths[k] > SHORTEST_BLOCK:
                shorter = max(lengths[k] >> <int>-choices[k], SHORTEST_BLOCK)
                covered = _covered(starts, lengths, k) // shorter
                for part in range(covered, lengths[k] // shorter):
                    begins[0], sizes[0] = starts[k] + part * shorter, shorter
                    begins, sizes = begins + 1, sizes + 1
    finally:
        _released(&views)
    return both[:cut], both[cut:]


cdef int64_t _covered(const int64_t* starts, const int64_t* lengths, Py_ssize_t k) noexcept:
    """How many steps of a block, from its first, are in the block before it too."""
    if k == 0 or starts[k - 1] > starts[k]:
        return 0
    return min(max(starts[k - 1] + lengths[k - 1] - starts[k], 0), lengths[k])


cdef int _write_each(
    Compiled link, void* rates, int value_bytes, int64_t start, int64_t first, int64_t step, Py_ssize_t count
) except -1:
    """Evaluate every step of a block that is no longer than the shortest ones."""
    cdef double work[4 * SHORTEST_BLOCK]
    cdef Py_ssize_t k
    cdef int64_t t
    for k in range(count):
        t = first + step * k
        work[k] = <double>t
        work[SHORTEST_BLOCK + k] = rounding_error(t, work[k])
    link.run(
        count, work, work + SHORTEST_BLOCK, work + 2 * SHORTEST_BLOCK, work + 3 * SHORTEST_BLOCK
    )
    for k in range(count):
        if value_bytes == 8:
            (<double*>rates)[start + k] = work[2 * SHORTEST_BLOCK + k]
        else:
            (<float*>rates)[start + k] = <float>work[2 * SHORTEST_BLOCK + k]
    return 0
