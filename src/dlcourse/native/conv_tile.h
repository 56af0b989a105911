/* The innermost loops of a convolution. */
#ifndef CONV_TILE_H
#define CONV_TILE_H

#include "sliding.h"

/* Tiles for 1, 2 and 4 registers of outputs; the last only where the processor has 32 registers. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define WIDEST 4
#define PIXELS_2 12
#else
#define WIDEST 2
#define PIXELS_2 6
#endif

#define EACH_P _Pragma("GCC unroll 16") for (int p = 0; p < P; p++)
#define EACH_Q _Pragma("GCC unroll 4") for (int q = 0; q < Q; q++)

/* Finish `sum`, and write it to the places of the P pixels from output `o` on. Where there is a scale,
   the numbers of these outputs lie in it and in `shift` from FIRST on. Where there is `kept`, ReLU
   follows, and what it let through is written there. */
#define STORE(FIRST)                                                                               \
    if (scale) EACH_Q {                                                                            \
        vector factor = load(scale + FIRST + q * LANES), term = load(shift + FIRST + q * LANES);   \
        EACH_P sum[p][q] = sum[p][q] * factor + term;                                              \
    }                                                                                              \
    if (kept) EACH_P EACH_Q {                                                                      \
        store_positive(kept[p] + o + q * LANES, sum[p][q]);                                        \
        sum[p][q] = positive(sum[p][q]);                                                           \
    }                                                                                              \
    EACH_P EACH_Q store(to[p] + o + q * LANES, sum[p][q]);

#define TILE(NAME, PIXELS, REGISTERS)                                                              \
    static void NAME(const REAL *const *source, ptrdiff_t runs, ptrdiff_t length,                  \
                     const REAL *weight, const REAL *bias, const REAL *scale, const REAL *shift,   \
                     REAL *const *to, unsigned char *const *kept, ptrdiff_t o) {                   \
        enum { P = PIXELS, Q = REGISTERS };                                                        \
        vector sum[P][Q];                                                                          \
        EACH_P EACH_Q sum[p][q] = load(bias + q * LANES);                                          \
        for (; runs; runs--, source += SIDE_BY_SIDE) {                                             \
            const REAL *x[P];                                                                      \
            EACH_P x[p] = source[p];                                                               \
            for (ptrdiff_t k = 0; k < length; k++, weight += Q * LANES) {                          \
                vector w[Q];                                                                       \
                EACH_Q w[q] = load(weight + q * LANES);                                            \
                EACH_P {                                                                           \
                    vector v = all(x[p][k]);                                                       \
                    EACH_Q sum[p][q] += v * w[q];                                                  \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        STORE(0)                                                                                   \
    }

typedef void tile(const REAL *const *, ptrdiff_t, ptrdiff_t, const REAL *, const REAL *,
                  const REAL *, const REAL *, REAL *const *, unsigned char *const *, ptrdiff_t);

TILE(tile_1, 12, 1)
TILE(tile_2, PIXELS_2, 2)
#if WIDEST == 4
TILE(tile_4, 6, 4)
#else
#define tile_4 tile_2
#endif

/* Depthwise: each channel by itself. `weight` is (taps, channels), `o` the first of the channels. */
#define DEPTH(NAME, REGISTERS)                                                                     \
    static void NAME(const REAL *const *source, ptrdiff_t runs, ptrdiff_t channels,                \
                     const REAL *weight, const REAL *bias, const REAL *scale, const REAL *shift,   \
                     REAL *const *to, unsigned char *const *kept, ptrdiff_t o) {                   \
        enum { P = 6, Q = REGISTERS };                                                             \
        vector sum[P][Q];                                                                          \
        EACH_P EACH_Q sum[p][q] = load(bias + o + q * LANES);                                      \
        for (; runs; runs--, source += SIDE_BY_SIDE, weight += channels) {                         \
            vector w[Q];                                                                           \
            EACH_Q w[q] = load(weight + o + q * LANES);                                            \
            EACH_P EACH_Q sum[p][q] += load(source[p] + o + q * LANES) * w[q];                     \
        }                                                                                          \
        STORE(o)                                                                                   \
    }

DEPTH(depth_1, 1)
DEPTH(depth_2, 2)

#endif
