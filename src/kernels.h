/* The generated kernels, as the engine sees them: by signature, in tables, and one function for each kind of write. */
#ifndef LRDECAY_KERNELS_H
#define LRDECAY_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Of arbitrary steps, in short arithmetic. A kernel may have no values in float32. */
typedef struct {
    const char *name;
    int parameters;
    void (*prepare)(const double *parameters, ptrdiff_t sets, double *constants, ptrdiff_t columns);
    double (*value)(double step, const double *constants);
    void (*rows_float64)(const double *steps, ptrdiff_t steps_length, ptrdiff_t stride, const double *constants,
                    ptrdiff_t columns, double *out, ptrdiff_t out_length);
    void (*rows_float32)(const double *steps, ptrdiff_t steps_length, ptrdiff_t stride, const double *constants,
                    ptrdiff_t columns, float *out, ptrdiff_t out_length);
    void (*rows_float32_steps)(const float *steps, ptrdiff_t steps_length, ptrdiff_t stride, const double *constants,
                          ptrdiff_t columns, float *out, ptrdiff_t out_length);
} elementwise_kernel;

/* Of numbers high + low: a combination has two variables, and so four arrays. */
typedef struct {
    const char *name;
    int arrays;
    int parameters;
    void (*on_arrays)(const double *high, const double *low, const double *other_high, const double *other_low,
                      double *out_high, double *out_low, const double *parameters, ptrdiff_t length);
} double_double_kernel;

/* Each ends with an entry without a name. */
extern const elementwise_kernel ELEMENTWISE_KERNELS[];
extern const double_double_kernel DOUBLE_DOUBLE_KERNELS[];

/* Of the text that the kernels were generated from, and of the text of the engine. */
extern const uint32_t SOURCE_CHECKSUM;

void sample_steps(double *out_highs, ptrdiff_t out_highs_length, double *out_lows, ptrdiff_t out_lows_length,
                  const int64_t *starts, ptrdiff_t starts_length, const int64_t *lengths, ptrdiff_t lengths_length,
                  const int64_t *nodes, ptrdiff_t nodes_length, int64_t first, int64_t step);

/* Values of 8 bytes or of 4, by way of the buffer past the processor's caches where there is one. */
double write_blocks(int value_bytes, void *out, ptrdiff_t out_length, const int64_t *starts, ptrdiff_t starts_length,
                    const int64_t *lengths, ptrdiff_t lengths_length, const double *highs, ptrdiff_t highs_length,
                    const double *lows, ptrdiff_t lows_length, double *coefficients, ptrdiff_t coefficients_length,
                    double *expansions, ptrdiff_t expansions_length, double *out_choices,
                    ptrdiff_t out_choices_length, void *buffer);
void write_lines(int value_bytes, void *out, ptrdiff_t out_length, const int64_t *starts, ptrdiff_t starts_length,
                 const double *first_highs, ptrdiff_t first_highs_length, const double *first_lows,
                 ptrdiff_t first_lows_length, const double *last_highs, ptrdiff_t last_highs_length,
                 const double *last_lows, ptrdiff_t last_lows_length, void *buffer);
void write_cycles(int value_bytes, void *out, ptrdiff_t out_length, const int64_t *starts, ptrdiff_t starts_length,
                  const double *gain_highs, ptrdiff_t gain_highs_length, const double *gain_lows,
                  ptrdiff_t gain_lows_length, const double *highs, ptrdiff_t highs_length, const double *lows,
                  ptrdiff_t lows_length, double least, double offset_high, double offset_low, void *buffer);
void write_runs(int value_bytes, void *out, ptrdiff_t out_length, const void *values, ptrdiff_t values_length,
                const int64_t *starts, ptrdiff_t starts_length, void *buffer);
void write_tiles(int value_bytes, void *tiled, ptrdiff_t tiled_length, ptrdiff_t first, ptrdiff_t length,
                 void *buffer);

#endif
