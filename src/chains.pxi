# Kernels in 106 bits, and chains of them: what lrdecay_native.evaluation.points.chains.chained does with Python's calls, without them.
cdef inline DoubleDoubleKernel* _double_double(str name) except NULL:
    return &DOUBLE_DOUBLE_KERNELS[<Py_ssize_t>DOUBLE_DOUBLE[name]]


cdef int _read_parameters(
    str name, DoubleDoubleKernel* kernel, tuple parameters, Py_ssize_t first, double* numbers
) except -1:
    """The parameters of a kernel, from a first one on."""
    cdef Py_ssize_t k
    if len(parameters) - first != kernel.parameters:
        raise ValueError(
            f"{name} must have {kernel.parameters} parameters, not {len(parameters) - first}"
        )
    for k in range(kernel.parameters):
        numbers[k] = parameters[first + k]
    return 0


def apply_to_arrays(str kernel, tuple variable, *others):
    """The values of a kernel at a pair of contiguous arrays.

    A combination has another pair, whose two arrays are the first of the others; the rest of them are parameters.
    """
    cdef DoubleDoubleKernel* function = _double_double(kernel)
    cdef double numbers[MOST_CONSTANTS]
    cdef const double* given[4]
    cdef Py_ssize_t count = 0, length, k, further = function.arrays - 2
    cdef Views views
    _read_parameters(kernel, function, others, further, numbers)
    views.count = 0
    try:
        for k in range(2 + further):
            given[k] = _doubles(&views, variable[k] if k < 2 else others[k - 2], &length)
            if k == 0:
                count = length
            elif length != count:
                raise ValueError(f"the arrays of {kernel} must have the same length")
        result = numpy.empty(count), numpy.empty(count)
        out_high = _doubles(&views, result[0], &length, True)
        out_low = _doubles(&views, result[1], &length, True)
        if further == 0:
            given[2] = given[3] = NULL
        with nogil:
            function.on_arrays(
                given[0], given[1], given[2], given[3], out_high, out_low, numbers, count
            )
        return result
    finally:
        _released(&views)


def apply_to_point(str kernel, tuple variable, *others):
    """The value of a kernel at a pair of floats; those of another pair, of a combination, are the first of the others."""
    cdef DoubleDoubleKernel* function = _double_double(kernel)
    cdef double numbers[MOST_CONSTANTS]
    cdef double high = variable[0], low = variable[1], other_high = 0.0, other_low = 0.0, out_high, out_low
    if function.arrays == 4:
        other_high, other_low = others[0], others[1]
    _read_parameters(kernel, function, others, function.arrays - 2, numbers)
    function.on_arrays(&high, &low, &other_high, &other_low, &out_high, &out_low, numbers, 1)
    return out_high, out_low


cdef double* _memory(Py_ssize_t count) except NULL:
    cdef double* memory = <double*>PyMem_Malloc(max(count, 1) * sizeof(double))
    if memory == NULL:
        raise MemoryError()
    return memory


cdef class Compiled:
    """A function of pairs ``high + low``; what it writes does not overlap what it reads."""

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        raise NotImplementedError

    def on_arrays(self, tuple pair):
        """The value at each element of a pair of contiguous arrays."""
        cdef Py_ssize_t count, length
        cdef Views views
        views.count = 0
        try:
            high = _doubles(&views, pair[0], &count)
            low = _doubles(&views, pair[1], &length)
            if length != count:
                raise ValueError("the two arrays of a pair must have the same length")
            result = numpy.empty(count), numpy.empty(count)
            out_high = _doubles(&views, result[0], &length, True)
            out_low = _doubles(&views, result[1], &length, True)
            self.run(count, high, low, out_high, out_low)
            return result
        finally:
            _released(&views)

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


cdef class CompiledKernel(Compiled):
    """A kernel with its parameters."""

    cdef DoubleDoubleKernel* kernel
    cdef double parameters[MOST_CONSTANTS]

    def __init__(self, str name, tuple parameters):
        self.kernel = _double_double(name)
        _read_parameters(name, self.kernel, parameters, 0, self.parameters)

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        return self.combine(count, high, low, NULL, NULL, out_high, out_low)

    cdef int combine(
        self, Py_ssize_t count, const double* high, const double* low, const double* other_high,
        const double* other_low, double* out_high, double* out_low
    ) except -1:
        if count < FEW:
            self.kernel.on_arrays(high, low, other_high, other_low, out_high, out_low, self.parameters, count)
        else:
            with nogil:
                self.kernel.on_arrays(high, low, other_high, other_low, out_high, out_low, self.parameters, count)
        return 0


cdef class CompiledPipeline(Compiled):
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
                (<Compiled>self.links[k]).run(count, high, low, target, target + count)
                high, low = target, target + count
            return (<Compiled>self.links[last]).run(count, high, low, out_high, out_low)
        finally:
            if work != few:
                PyMem_Free(work)


cdef class CompiledPiecewise(Compiled):
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
            return (<Compiled>self.links[self.number(high[0], low[0]) if count else 0]).run(
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
                    (<Compiled>self.links[number]).run(
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


cdef class CompiledPeriodic(Compiled):
    """A row that begins again after each period, with a gain per period around an offset."""

    cdef Compiled row
    cdef CompiledKernel place, cycle, gain, ease

    def __init__(self, Compiled row, tuple period, double gain, tuple offset):
        self.row = row
        self.place = CompiledKernel("repeated", period)
        if gain != 1.0:
            self.cycle = CompiledKernel("staircase", period)
            self.gain = CompiledKernel("exponential", (gain, 0.0))
            self.ease = CompiledKernel("eased", offset)

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


cdef class CompiledCombination(Compiled):
    """A kernel of what two links give."""

    cdef Compiled first, second
    cdef CompiledKernel kernel

    def __init__(self, str name, Compiled first, Compiled second):
        self.kernel, self.first, self.second = CompiledKernel(name, ()), first, second

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


cdef class CompiledTable(Compiled):
    """Rates at 0, 1, 2, ..., and lines between them or the one before."""

    cdef Views views
    cdef const double* rates
    cdef Py_ssize_t last
    cdef bint linear
    cdef CompiledKernel whole, behind, before, product, total

    def __cinit__(self, rates, bint linear):
        cdef Py_ssize_t length
        self.rates = _doubles(&self.views, rates, &length)
        self.last, self.linear = length - 1, linear
        self.whole = CompiledKernel("staircase", (1.0, 0.0))
        self.behind = CompiledKernel("repeated", (1.0, 0.0))
        self.before = CompiledKernel("reflected", (1.0, 0.0))
        self.product, self.total = CompiledKernel("multiplied", ()), CompiledKernel("added", ())

    def __dealloc__(self):
        _released(&self.views)

    cdef int run(
        self, Py_ssize_t count, const double* high, const double* low, double* out_high, double* out_low
    ) except -1:
        cdef Py_ssize_t k, last = self.last, index
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


cdef class CompiledCall(Compiled):
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
