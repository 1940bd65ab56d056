/* Which instruction sets the processor has. */
#ifndef LRDECAY_PROCESSOR_H
#define LRDECAY_PROCESSOR_H

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
