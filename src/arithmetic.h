/* The elementary operations of the generated kernels that C has no operator for. */
#ifndef LRDECAY_ARITHMETIC_H
#define LRDECAY_ARITHMETIC_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

#endif
