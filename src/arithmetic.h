/* The elementary operations of the generated kernels that C has no operator for. */
#ifndef LRDECAY_ARITHMETIC_H
#define LRDECAY_ARITHMETIC_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define fused_multiply_add(a, b, c) fma(a, b, c)

#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_FEATURE_FMA)
static inline double multiply_add_double(double a, double b, double c) { return fma(a, b, c); }
static inline float multiply_add_float(float a, float b, float c) { return fmaf(a, b, c); }
#else
static inline double multiply_add_double(double a, double b, double c) { return a * b + c; }
static inline float multiply_add_float(float a, float b, float c) { return a * b + c; }
#endif
#define multiply_add(a, b, c) \
    _Generic((c), float: multiply_add_float, default: multiply_add_double)(a, b, c)

#define absolute(value) fabs(value)
#define square_root(value) sqrt(value)

#define float32(value) ((float)(value))
#define float64(value) ((double)(value))
#define as_index(index) (index)

#if defined(__GNUC__)
#define prefetch(array, bytes) __builtin_prefetch((const char *)(array) + (bytes), 1)
#else
#define prefetch(array, bytes)
#endif

#if defined(__SSE2__)
#define finish_streams() _mm_sfence()

static inline void stream_line(char *to, const char *from) {
#if defined(__AVX__)
    for (int k = 0; k < 64; k += 32)
        _mm256_stream_si256((__m256i *)(to + k), _mm256_loadu_si256((const __m256i *)(from + k)));
#else
    for (int k = 0; k < 64; k += 16)
        _mm_stream_si128((__m128i *)(to + k), _mm_loadu_si128((const __m128i *)(from + k)));
#endif
}
#else
#define finish_streams()
#define stream_line(to, from) memcpy(to, from, 64)
#endif

/* Whole lines past the caches: they are neither read before they are written nor take the place of others. */
static inline void stream(void *out, ptrdiff_t offset, const void *values, ptrdiff_t origin, ptrdiff_t bytes) {
    char *to = (char *)out + offset;
    const char *from = (const char *)values + origin;
    ptrdiff_t done = -(uintptr_t)to & 63;
    if (done > bytes)
        done = bytes;
    if (done)
        memcpy(to, from, done);
    for (; done + 64 <= bytes; done += 64)
        stream_line(to + done, from + done);
    if (done < bytes)
        memcpy(to + done, from + done, bytes - done);
}

static inline double rounding_error(int64_t value, double rounded) {
    /* Rounded may be 2**63: the difference wraps around to the right one. */
    return (double)(int64_t)((uint64_t)value - (uint64_t)rounded);
}

static inline double power_of_two(double exponent, double shift) {
    /* In 1.5 * 2**52 + n the low bits of the representation are those of n: no conversion to an integer,
       for which older vector units have no instruction. */
    double biased = exponent + (shift + (1023.0 + 0x1.8p52)), result;
    uint64_t bits;
    memcpy(&bits, &biased, sizeof bits);
    bits <<= 52;
    memcpy(&result, &bits, sizeof result);
    return result;
}

static inline double binary_exponent(double value) {
    uint64_t bits;
    double result;
    memcpy(&bits, &value, sizeof bits);
    bits = (bits >> 52) | 0x4330000000000000u; /* 2**52 + biased exponent */
    memcpy(&result, &bits, sizeof result);
    return result - (0x1p52 + 1023.0);
}

static inline double nearest_exponent(double value) {
    uint64_t bits;
    double result;
    memcpy(&bits, &value, sizeof bits);
    bits += 0x3ff0000000000000u - 0x3fe6a09e667f3bcdu; /* 1, and the root of 1/2 */
    bits = (bits >> 52) | 0x4330000000000000u;
    memcpy(&result, &bits, sizeof result);
    return result - (0x1p52 + 1023.0);
}

/* Which of the builds of this extension the processor can run. */
static inline int processor_has_avx2(void) {
#if defined(__GNUC__) && defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return 0;
#endif
}

static inline int processor_has_avx512(void) {
#if defined(__GNUC__) && defined(__x86_64__)
    return processor_has_avx2() && __builtin_cpu_supports("avx512f")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

#endif
