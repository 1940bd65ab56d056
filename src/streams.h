/* Writes that are prepared ahead, or go past the processor's caches. */
#ifndef LRDECAY_STREAMS_H
#define LRDECAY_STREAMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

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

#endif
