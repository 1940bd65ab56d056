# Chains of kernels in 106 bits: what lrdecay_native.evaluation.points.chains.chained does with Python's calls, without them.
ctypedef void (*linked_function)(
    const double* high, const double* low, const double* other_high, const double* other_low,
    double* out_high, double* out_low, const double* parameters, Py_ssize_t length,
) noexcept nogil

cdef enum:
    FEW = 64  # For fewer numbers the lock is not worth letting go.


cdef double* _memory(Py_ssize_t count) except NULL:
    cdef double* memory = <double*>PyMem_Malloc(max(count, 1) * sizeof(double))
    if memory == NULL:
        raise MemoryError()
    return memory


cdef class Link:
    """A function of pairs ``high + low``; what it writes does not overlap what it reads."""

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        raise NotImplementedError

    def on_arrays(self, tuple pair):
        """The value at each element of a pair of contiguous arrays."""
        cdef const double[::1] high = pair[0]
        cdef const double[::1] low = pair[1]
        cdef Py_ssize_t count = high.shape[0]
        result = numpy.empty(count), numpy.empty(count)
        cdef double[::1] out_high = result[0]
        cdef double[::1] out_low = result[1]
        self.run(count, &high[0], &low[0], &out_high[0], &out_low[0])
        return result

    def on_point(self, tuple pair):
        """The value at a pair of floats."""
        cdef double high = pair[0], low = pair[1]
        cdef double out_high, out_low
        self.run(1, &high, &low, &out_high, &out_low)
        return out_high, out_low

    def at(self, step):
        """The value at a step, rounded, or None for a step that isn't in range, or is no number."""
        cdef double high = 0.0, low = 0.0, out_high, out_low
        if not _step(step, &high, &low):
            return None
        self.run(1, &high, &low, &out_high, &out_low)
        return out_high


cdef class KernelLink(Link):
    """A kernel with its parameters, at most 16 floats."""

    cdef linked_function function
    cdef double parameters[MOST_CONSTANTS]

    def __init__(self, str name, tuple parameters):
        self.function = <linked_function><void*><size_t>_LINKED[name]
        if len(parameters) > MOST_CONSTANTS:
            raise ValueError(f"{name} must have at most {MOST_CONSTANTS} parameters, not {len(parameters)}")
        for k, parameter in enumerate(parameters):
            self.parameters[k] = parameter

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        return self.combine(count, high, low, NULL, NULL, out_high, out_low)

    cdef int combine(
        self, Py_ssize_t count, const double* high, const double* low, const double* other_high,
        const double* other_low, double* out_high, double* out_low
    ) except -1:
        if count < FEW:
            self.function(high, low, other_high, other_low, out_high, out_low, self.parameters, count)
        else:
            with nogil:
                self.function(high, low, other_high, other_low, out_high, out_low, self.parameters, count)
        return 0


cdef class ChainLink(Link):
    """Links, each applied to what the one before it gave."""

    cdef tuple links

    def __init__(self, tuple links):
        self.links = links

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        cdef Py_ssize_t last = len(self.links) - 1, k
        cdef double few[4]
        cdef double* work = few
        cdef double* target
        if last > 0 and count > 1:
            work = _memory(4 * count)
        try:
            for k in range(last):
                target = work + 2 * count * (k & 1)
                (<Link>self.links[k]).run(count, high, low, target, target + count)
                high, low = target, target + count
            return (<Link>self.links[last]).run(count, high, low, out_high, out_low)
        finally:
            if work != few:
                PyMem_Free(work)


cdef class RowLink(Link):
    """Links, each from one place to the next: the first up to the first place."""

    cdef Py_ssize_t places
    cdef double* begins
    cdef tuple links

    def __cinit__(self, list begins, tuple links):
        self.places = len(begins)
        self.begins = _memory(2 * self.places)
        for k, (high, low) in enumerate(begins):
            self.begins[2 * k] = high
            self.begins[2 * k + 1] = low
        self.links = links

    def __dealloc__(self):
        PyMem_Free(self.begins)

    cdef Py_ssize_t number(self, double high, double low) noexcept:
        """How many of the places are not behind a step."""
        cdef Py_ssize_t first = 0, last = self.places, middle
        while first < last:
            middle = (first + last) >> 1
            if high < self.begins[2 * middle] or (
                high == self.begins[2 * middle] and low < self.begins[2 * middle + 1]
            ):
                last = middle
            else:
                first = middle + 1
        return first

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        if self.places == 0 or count == 1:
            return (<Link>self.links[self.number(high[0], low[0]) if count else 0]).run(
                count, high, low, out_high, out_low
            )
        cdef Py_ssize_t k, number, first, size
        # Sorted by the link that they are for.
        cdef double* sorted_pairs = _memory(4 * count)
        cdef Py_ssize_t* numbers = NULL
        cdef Py_ssize_t* ends
        try:
            numbers = <Py_ssize_t*>_memory(2 * count + self.places + 2)
            ends = numbers + 2 * count
            for number in range(self.places + 2):
                ends[number] = 0
            for k in range(count):
                numbers[k] = self.number(high[k], low[k])
                ends[numbers[k] + 1] += 1
            for number in range(1, self.places + 2):
                ends[number] += ends[number - 1]
            for k in range(count):
                first = ends[numbers[k]]
                ends[numbers[k]] = first + 1
                numbers[count + k] = first
                sorted_pairs[first] = high[k]
                sorted_pairs[count + first] = low[k]
            first = 0
            for number in range(self.places + 1):
                size = ends[number] - first
                if size > 0:
                    (<Link>self.links[number]).run(
                        size, sorted_pairs + first, sorted_pairs + count + first,
                        sorted_pairs + 2 * count + first, sorted_pairs + 3 * count + first,
                    )
                first = ends[number]
            for k in range(count):
                out_high[k] = sorted_pairs[2 * count + numbers[count + k]]
                out_low[k] = sorted_pairs[3 * count + numbers[count + k]]
        finally:
            PyMem_Free(sorted_pairs)
            PyMem_Free(numbers)
        return 0


cdef class RepeatedLink(Link):
    """A row that begins again after each period, with a gain per period around an offset."""

    cdef Link row
    cdef KernelLink place, cycle, gain, ease

    def __init__(self, Link row, tuple period, double gain, tuple offset):
        self.row = row
        self.place = KernelLink("repeated", period)
        if gain != 1.0:
            self.cycle = KernelLink("staircase", period)
            self.gain = KernelLink("exponential", (gain, 0.0))
            self.ease = KernelLink("eased", offset)

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        cdef double few[6]
        cdef double* work = few
        cdef double* rate
        cdef double* gain
        if count > 1:
            work = _memory(6 * count)
        rate, gain = work + 2 * count, work + 4 * count
        try:
            self.place.run(count, high, low, work, work + count)
            if self.ease is None:
                return self.row.run(count, work, work + count, out_high, out_low)
            self.row.run(count, work, work + count, rate, rate + count)
            self.cycle.run(count, high, low, work, work + count)
            self.gains(count, work, gain)
            return self.ease.combine(count, rate, rate + count, gain, gain + count, out_high, out_low)
        finally:
            if work != few:
                PyMem_Free(work)

    cdef int gains(self, Py_ssize_t count, double* cycle, double* gain) except -1:
        """The gain in each cycle."""
        cdef double first = cycle[0] if count else 0.0, last = first
        cdef Py_ssize_t k, cycles
        cdef bint whole = True
        for k in range(count):
            first, last = min(first, cycle[k]), max(last, cycle[k])
            whole = whole and cycle[count + k] == 0.0
        if not whole or last - first >= count:
            return self.gain.run(count, cycle, cycle + count, gain, gain + count)
        # Few cycles for many steps.
        cycles = <Py_ssize_t>(last - first) + 1
        cdef double* every = _memory(4 * cycles)
        try:
            for k in range(cycles):
                every[k] = first + k
                every[cycles + k] = 0.0
            self.gain.run(cycles, every, every + cycles, every + 2 * cycles, every + 3 * cycles)
            for k in range(count):
                gain[k] = every[2 * cycles + <Py_ssize_t>(cycle[k] - first)]
                gain[count + k] = every[3 * cycles + <Py_ssize_t>(cycle[k] - first)]
        finally:
            PyMem_Free(every)
        return 0


cdef class CombinedLink(Link):
    """A kernel of what two links give."""

    cdef Link first, second
    cdef KernelLink kernel

    def __init__(self, str name, Link first, Link second):
        self.kernel, self.first, self.second = KernelLink(name, ()), first, second

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        cdef double few[4]
        cdef double* work = few
        cdef double* other
        if count > 1:
            work = _memory(4 * count)
        other = work + 2 * count
        try:
            self.first.run(count, high, low, work, work + count)
            self.second.run(count, high, low, other, other + count)
            return self.kernel.combine(count, work, work + count, other, other + count, out_high, out_low)
        finally:
            if work != few:
                PyMem_Free(work)


cdef class TableLink(Link):
    """Rates at 0, 1, 2, ..., and lines between them or the one before."""

    cdef const double[::1] rates
    cdef bint linear
    cdef KernelLink whole, behind, before, product, total

    def __init__(self, const double[::1] rates, bint linear):
        self.rates, self.linear = rates, linear
        self.whole = KernelLink("staircase", (1.0, 0.0))
        self.behind = KernelLink("repeated", (1.0, 0.0))
        self.before = KernelLink("reflected", (1.0, 0.0))
        self.product, self.total = KernelLink("multiplied", ()), KernelLink("added", ())

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        cdef Py_ssize_t k, last = self.rates.shape[0] - 1, index
        cdef double* work = _memory(9 * count)
        cdef double* rate = work + 4 * count
        cdef double* zero = work + 6 * count
        cdef double* part = work + 7 * count
        try:
            self.whole.run(count, high, low, work, work + count)
            for k in range(count):
                index = max(<Py_ssize_t>work[k], 0) if work[k] < last else last
                rate[k] = self.rates[index]
                rate[count + k] = self.rates[min(index + 1, last)]
                zero[k] = 0.0
            if not self.linear:
                memcpy(out_high, rate, count * sizeof(double))
                memcpy(out_low, zero, count * sizeof(double))
                return 0
            self.behind.run(count, high, low, work, work + count)
            self.before.run(count, work, work + count, part, part + count)
            self.product.combine(count, part, part + count, rate, zero, work + 2 * count, work + 3 * count)
            self.product.combine(count, work, work + count, rate + count, zero, part, part + count)
            return self.total.combine(
                count, work + 2 * count, work + 3 * count, part, part + count, out_high, out_low
            )
        finally:
            PyMem_Free(work)


cdef class CallLink(Link):
    """What an object with ``on_arrays`` and ``on_point`` of its own, written in Python, gives."""

    cdef object function

    def __init__(self, function):
        self.function = function

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        if count == 0:
            return 0
        if count == 1:
            out_high[0], out_low[0] = self.function.on_point((high[0], low[0]))
            return 0
        highs, lows = numpy.empty(count), numpy.empty(count)
        cdef double[::1] given_high = highs, given_low = lows
        memcpy(&given_high[0], high, count * sizeof(double))
        memcpy(&given_low[0], low, count * sizeof(double))
        cdef const double[::1] result_high, result_low
        result_high, result_low = self.function.on_arrays((highs, lows))
        if result_high.shape[0] != count or result_low.shape[0] != count:
            raise ValueError(f"the values at {count} numbers must be as many")
        memcpy(out_high, &result_high[0], count * sizeof(double))
        memcpy(out_low, &result_low[0], count * sizeof(double))
        return 0


cdef double _filled(
    object out, const int64_t[::1] starts, const int64_t[::1] lengths, double[::1] highs, double[::1] lows,
    double[::1] coefficients, double[::1] expansions, double[::1] choices, object buffer
) except? 1.0:
    """As the functions that fill blocks, or stream them through a buffer: the least choice."""
    cdef double[::1] doubles, double_buffer
    cdef float[::1] floats, float_buffer
    if out.itemsize == 8:
        doubles, double_buffer = out, buffer
        with nogil:
            if double_buffer is None:
                return fill_blocks_float64_shared(
                    doubles, starts, lengths, highs, lows, coefficients, expansions, choices
                )
            return stream_blocks_float64_shared(
                doubles, starts, lengths, highs, lows, coefficients, expansions, choices, double_buffer
            )
    floats, float_buffer = out, buffer
    with nogil:
        if float_buffer is None:
            return fill_blocks_float32_shared(
                floats, starts, lengths, highs, lows, coefficients, expansions, choices
            )
        return stream_blocks_float32_shared(
            floats, starts, lengths, highs, lows, coefficients, expansions, choices, float_buffer
        )


def fill_blocks(Link link, out, block_starts, block_lengths, int64_t first, int64_t step, object buffer):
    """Fill blocks that begin at these indices, and the step behind the last one, with what a link gives.

    Where there is a buffer, past the processor's cache.
    Returns the starts and the lengths of those that the dtype has too few bits for.
    """
    cdef Py_ssize_t count, k, node, failed
    cdef int64_t t, part, shorter, covered
    cdef double[::1] work, highs, lows, choices
    cdef int64_t[::1] places
    cdef const int64_t[::1] starts, lengths
    cdef list small = [], waiting = [(block_starts, block_lengths)]
    k = len(block_starts) - 1
    t = block_starts[k] + block_lengths[k]
    _evaluate(link, out, t, first + step * t, step, 1)
    work = numpy.empty(ROWS * min(len(block_starts), AT_ONCE) + EXPANSIONS)
    while waiting:
        # A round takes some hundredths of a second.
        PyErr_CheckSignals()
        block_starts, block_lengths = waiting.pop()
        if len(block_starts) > AT_ONCE:
            waiting.append((block_starts[AT_ONCE:], block_lengths[AT_ONCE:]))
            block_starts, block_lengths = block_starts[:AT_ONCE], block_lengths[:AT_ONCE]
        starts, lengths = block_starts, block_lengths
        count = starts.shape[0]
        if work.shape[0] < ROWS * count + EXPANSIONS:
            work = numpy.empty(ROWS * count + EXPANSIONS)
        for node in range(NODES):
            for k in range(count):
                t = first + step * (starts[k] + PLACES[node] * (lengths[k] >> 7))
                work[node * count + k] = <double>t
                work[(NODES + node) * count + k] = rounding_error(t, <double>t)
        node = NODES * count
        highs, lows = work[2 * node : 3 * node], work[3 * node : 4 * node]
        link.run(node, &work[0], &work[node], &highs[0], &lows[0])
        choices = work[4 * node : 4 * node + count]
        node = 4 * node + count
        k = node + COEFFICIENTS * count
        if _filled(out, starts, lengths, highs, lows, work[node:k], work[k:], choices, buffer) >= 0.0:
            continue
        failed = 0
        for k in range(count):
            if choices[k] == TOO_SMALL:
                small.append((starts[k], lengths[k]))
            elif choices[k] < 0.0:
                if lengths[k] == SHORTEST_BLOCK:
                    _evaluate(link, out, starts[k], first + step * starts[k], step, SHORTEST_BLOCK)
                else:
                    shorter = max(lengths[k] >> <int>-choices[k], SHORTEST_BLOCK)
                    failed += lengths[k] // shorter - _covered(starts, lengths, k) // shorter
        if failed == 0:
            continue
        halves = numpy.empty(2 * failed, numpy.int64)
        places = halves
        node = 0
        for k in range(count):
            if TOO_SMALL < choices[k] < 0.0 and lengths[k] > SHORTEST_BLOCK:
                shorter = max(lengths[k] >> <int>-choices[k], SHORTEST_BLOCK)
                covered = _covered(starts, lengths, k) // shorter
                for part in range(covered, lengths[k] // shorter):
                    places[node] = starts[k] + part * shorter
                    places[failed + node] = shorter
                    node += 1
        waiting.append((halves[:failed], halves[failed:]))
    return small


cdef int64_t _covered(const int64_t[::1] starts, const int64_t[::1] lengths, Py_ssize_t k) noexcept:
    """How many steps of a block, from its first, are in the block before it too."""
    if k == 0 or starts[k - 1] > starts[k]:
        return 0
    return min(max(starts[k - 1] + lengths[k - 1] - starts[k], 0), lengths[k])


cdef int _evaluate(
    Link link, object out, int64_t start, int64_t first, int64_t step, Py_ssize_t count
) except -1:
    """Evaluate every step of a block that is no longer than the shortest ones."""
    cdef double work[4 * SHORTEST_BLOCK]
    cdef double[::1] doubles
    cdef float[::1] floats
    cdef Py_ssize_t k
    cdef int64_t t
    for k in range(count):
        t = first + step * k
        work[k] = <double>t
        work[SHORTEST_BLOCK + k] = rounding_error(t, work[k])
    link.run(
        count, work, work + SHORTEST_BLOCK, work + 2 * SHORTEST_BLOCK, work + 3 * SHORTEST_BLOCK
    )
    if out.itemsize == 8:
        doubles = out
        for k in range(count):
            doubles[start + k] = work[2 * SHORTEST_BLOCK + k]
    else:
        floats = out
        for k in range(count):
            floats[start + k] = <float>work[2 * SHORTEST_BLOCK + k]
    return 0
