/* The innermost loops of the weight gradient of a convolution. */
#ifndef CONV_WEIGHT_TILE_H
#define CONV_WEIGHT_TILE_H

#include "vector.h"

/* `count` pixels from number `pixel` on, so far `apart`, and where the run of the first begins. */
typedef struct {
    const REAL *x;
    ptrdiff_t step, pixel, apart, count;
} line;

#define EACH_T _Pragma("GCC unroll 24") for (int t = 0; t < T; t++)

/* Add to `total` what lines give for T values of their runs, from `k` on. */
#define SUM(NAME, VALUES, REGISTERS)                                                               \
    static void NAME(const line *l, ptrdiff_t lines, ptrdiff_t k, const REAL *dy,                  \
                     ptrdiff_t dy_step, REAL *total) {                                             \
        enum { T = VALUES, Q = REGISTERS };                                                        \
        vector sum[T][Q];                                                                          \
        EACH_T EACH_Q sum[t][q] = (vector){0};                                                     \
        for (; lines; lines--, l++) {                                                              \
            const REAL *x = l->x + k, *d = dy + l->pixel * dy_step;                                \
            ptrdiff_t step = l->step, apart = l->apart * dy_step;                                  \
            for (ptrdiff_t n = l->count; n; n--, x += step, d += apart) {                          \
                vector v[Q];                                                                       \
                EACH_Q v[q] = load(d + q * LANES);                                                 \
                EACH_T {                                                                           \
                    vector one = all(x[t]);                                                        \
                    EACH_Q sum[t][q] += one * v[q];                                                \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        EACH_T EACH_Q {                                                                            \
            REAL *to = total + (t * Q + q) * LANES;                                                \
            store(to, load(to) + sum[t][q]);                                                       \
        }                                                                                          \
    }

typedef void sum(const line *, ptrdiff_t, ptrdiff_t, const REAL *, ptrdiff_t, REAL *);

/* Each T up to the most that registers have room for, so that runs can be cut evenly. */
#define EACH_TO_6(DO, Q) DO(1, Q) DO(2, Q) DO(3, Q) DO(4, Q) DO(5, Q) DO(6, Q)
#define EACH_TO_12(DO, Q)                                                                          \
    EACH_TO_6(DO, Q) DO(7, Q) DO(8, Q) DO(9, Q) DO(10, Q) DO(11, Q) DO(12, Q)
#define DEFINE(T, Q) SUM(sum_##T##_##Q, T, Q)
#define LIST(T, Q) sum_##T##_##Q,
#if defined(__AVX512F__) || defined(__aarch64__)
#define EACH_1(DO)                                                                                 \
    EACH_TO_12(DO, 1)                                                                              \
    DO(13, 1) DO(14, 1) DO(15, 1) DO(16, 1) DO(17, 1) DO(18, 1) DO(19, 1) DO(20, 1) DO(21, 1)      \
    DO(22, 1) DO(23, 1) DO(24, 1)
#define EACH_2(DO) EACH_TO_12(DO, 2)
#else
#define EACH_1(DO) EACH_TO_12(DO, 1)
#define EACH_2(DO) EACH_TO_6(DO, 2)
#endif
EACH_1(DEFINE)
EACH_2(DEFINE)
static sum *const sums_1[] = {EACH_1(LIST)};
static sum *const sums_2[] = {EACH_2(LIST)};
#define COUNT(table) ((ptrdiff_t)(sizeof table / sizeof *table))

#endif
